"""The dialog "Name this state...": candidates for the name of a peak."""

import numpy as np
import xarray as xr
from qtpy.QtCore import QSize
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

HEADER = ("Candidate", "Range (eV)", "Distance (eV)", "Source")
SIZE = QSize(900, 330)
WITHIN = 2.0
"""Largest distance of a candidate from its range [eV]."""
MOST = 8
"""Most candidates."""
UNKNOWN_LEVEL = "expected the core level of the peaks"
"""Start of the sentence of the library that advises an argument, which the viewer does not have."""
NO_LEVEL = (
    'The region "{region}" is no core level: only peaks of a level, for instance C 1s, have '
    "candidates for their names."
)
NO_CANDIDATE = "The table of states has no candidate within {within:g} eV of peak {peak}."
HELP = (
    "Ranges of binding energies overlap, and they hold only with a good charge reference: an "
    "energy alone seldom decides."
)


def candidates_of(peaks: xr.Dataset, peak: int) -> list[tuple[str, str, str, str]]:
    """Name, range, distance and source of the candidates of a peak, the nearest first.

    Parameters
    ----------
    peaks : Dataset
        Dimension `peak` only.
    peak : int
        Number of the peak, from 1.

    Raises
    ------
    ValueError
        With a sentence for the user, where there are none.
    """
    try:
        found = peaks.xps.state_candidates(n=MOST, within=WITHIN).isel(peak=peak - 1)
    except ValueError as error:
        if UNKNOWN_LEVEL not in str(error):
            raise
        raise ValueError(NO_LEVEL.format(region=peaks.attrs.get("region", ""))) from None
    rows = []
    for k in np.flatnonzero(found["candidate_name"].values != ""):
        one = found.isel(candidate=k)
        low, high = float(one["candidate_low"]), float(one["candidate_high"])
        away = float(one["distance"])
        rows.append(
            (
                str(one["candidate_name"].values),
                f"{low:.2f} to {high:.2f}",
                "inside" if away == 0 else f"{away:+.2f}",
                str(one["candidate_source"].values),
            )
        )
    if not rows:
        raise ValueError(NO_CANDIDATE.format(within=WITHIN, peak=peak))
    return rows


class StateNames(QDialog):
    """Offers candidates; a double click, or OK, takes the selected one.

    Parameters
    ----------
    parent : QWidget
    title : str
        Which peak, with its energy.
    rows : list of (str, str, str, str)
        From `candidates_of`.
    """

    def __init__(self, parent: QWidget, title: str, rows: list[tuple[str, str, str, str]]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Name this state")
        self.table = QTableWidget(len(rows), len(HEADER))
        self.table.setHorizontalHeaderLabels(HEADER)
        self.table.verticalHeader().setVisible(False)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        for k, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(k, column, item)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(HEADER) - 1, QHeaderView.ResizeMode.Stretch)
        self.table.selectRow(0)
        self.table.cellDoubleClicked.connect(self.accept)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        note = QLabel(HELP)
        note.setWordWrap(True)
        layout = QVBoxLayout(self)
        for widget in (QLabel(title), self.table, note, buttons):
            layout.addWidget(widget)
        self.resize(SIZE)

    def name(self) -> str:
        """The selected name, "" for none."""
        row = self.table.currentRow()
        return "" if row < 0 else str(self.table.item(row, 0).text())
