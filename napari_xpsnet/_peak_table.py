"""Table of the peaks of one spectrum, as a Qt model."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt
from qtpy.QtGui import QColor, QGuiApplication, QKeySequence
from qtpy.QtWidgets import QHeaderView, QShortcut, QSizePolicy, QTableView, QWidget

from napari_xpsnet._colors import peak_color
from napari_xpsnet._layers import first_line, peak_name

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("peak", "", "Number or label of the peak"),
    ("eV", "center", "Energy at the maximum of the line [eV]"),
    ("FWHM", "fwhm", "Full width at half maximum of the whole line [eV]"),
    ("area", "area", "Integral of the line, without background"),
    ("%", "", "Share of the total area of all peaks"),
)


def with_error(value: float, error: float, *, decimals: int = 2) -> str:
    """Value with the standard error of its last digits in parentheses: 284.803(12).

    Without an error it has this number of decimals.
    """
    if not np.isfinite(value):
        return ""
    if not np.isfinite(error) or error <= 0:
        return f"{value:.{decimals}f}"
    # Two digits of the error; an error above 10 is written in the unit of the value.
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    if digits > 4:
        return f"{value:.4f}"
    return f"{value:.{digits}f}({round(error * 10**digits)})"


class PeakTable(QAbstractTableModel):
    """Rows are the peaks of one spectrum."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[int, list[str], list[str]]] = []

    def set_peaks(self, peaks: xr.Dataset | None) -> None:
        """Show the peaks of one spectrum (dimension `peak` only); None empties the table."""
        self.beginResetModel()
        self._rows = [] if peaks is None else _rows(peaks)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt
        """Count the peaks."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, tooltip with all digits, color and alignment of one cell."""
        if not index.isValid():
            return None
        peak, texts, details = self._rows[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return texts[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return details[column] or None
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return QColor(peak_color(peak))
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(  # noqa: N802 - Qt
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Column names, with definitions as tooltips."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section][0]
        return COLUMNS[section][2] if role == Qt.ItemDataRole.ToolTipRole else None

    def text(self) -> str:
        """The table as text with tabs between the columns, for the clipboard."""
        lines = ["\t".join(column[0] for column in COLUMNS)]
        return "\n".join([*lines, *("\t".join(texts) for _, texts, _ in self._rows)])


def _rows(peaks: xr.Dataset) -> list[tuple[int, list[str], list[str]]]:
    """Index of the color, texts and tooltips of every peak that exists."""
    areas = peaks["area"].values
    total = np.nansum(areas)
    rows = []
    for index in np.flatnonzero(np.isfinite(peaks["center"].values)):
        texts, details = [], []
        for title, variable, _ in COLUMNS:
            name = peak_name(peaks, int(index))
            text, detail = name.removeprefix("peak ").removeprefix("state "), name
            detail += _belongs(peaks, int(index))
            if variable:
                value = float(peaks[variable].values[index])
                error = _error(peaks, variable, int(index))
                units = str(peaks[variable].attrs.get("units", ""))
                whole = variable == "area" and value >= 100
                text = with_error(value, error, decimals=0 if whole else 2)
                detail = f"{value:.6g} ± {error:.2g} {units}" if error else f"{value:.6g} {units}"
            elif title == "%":
                text, detail = (f"{100 * areas[index] / total:.0f}" if total > 0 else ""), ""
            texts.append(text)
            details.append(detail.strip())
        rows.append((first_line(peaks, int(index)), texts, details))
    return rows


def _belongs(peaks: xr.Dataset, index: int) -> str:
    """State and partner of a peak, as the end of a tooltip."""
    words = []
    for variable, text in (("state", "state"), ("partner", "doublet with peak")):
        number = int(peaks[variable].values[index]) if variable in peaks else 0
        words += [f"{text} {number}"] if number > 0 else []
    return f": {', '.join(words)}" if words else ""


def _error(peaks: xr.Dataset, variable: str, index: int) -> float:
    """Standard error of the fit, else the uncertainty that the network states, else 0."""
    for suffix in ("stderr", "spread"):
        name = f"{variable}_{suffix}"
        if name in peaks and np.isfinite(peaks[name].values[index]):
            return float(peaks[name].values[index])
    return 0.0


def make_view(model: PeakTable) -> QTableView:
    """Table view for a narrow dock."""
    view = QTableView()
    view.setModel(model)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(22)
    view.horizontalHeader().setMinimumSectionSize(24)
    view.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignCenter)
    # Numbers are never cut off; a long label may be, and its tooltip shows it.
    view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    view.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    view.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
    view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
    view.setIconSize(QSize(10, 10))
    copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), view)
    copy.setContext(Qt.ShortcutContext.WidgetShortcut)
    copy.activated.connect(lambda: QGuiApplication.clipboard().setText(model.text()))
    view.setMinimumHeight(96)
    return view
