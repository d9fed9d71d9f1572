"""Context menu of the table: locks, limits, links; copy and paste of peaks."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QObject, QPoint
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QTableView,
    QWidget,
)

from napari_xpsnet._peak_edits import WORDS, PeakEdits
from napari_xpsnet._peak_table import PARAMETERS, PeakTable
from napari_xpsnet._state_names import StateNames, candidates_of
from napari_xpsnet._worker import sentence

NO_LOCK = ("area",)
"""Follows from height and width: it can be linked, but not held."""


class PeakMenu(QObject):
    """What a right click on a peak offers.

    Parameters
    ----------
    view : QTableView
    table : PeakTable
    edits : PeakEdits
    """

    def __init__(self, view: QTableView, table: PeakTable, edits: PeakEdits) -> None:
        super().__init__(view)
        self.view, self.table, self.edits = view, table, edits
        self._copied: tuple[str, xr.Dataset] | None = None
        view.customContextMenuRequested.connect(self._open)

    def _open(self, position: QPoint) -> None:
        """Show the menu at the mouse."""
        index = self.view.indexAt(position)
        menu = self.build(index)
        menu.exec(self.view.viewport().mapToGlobal(position))
        menu.deleteLater()

    def build(self, index: Any) -> QMenu:
        """Menu of one cell."""
        menu = QMenu(self.view)
        if index.isValid():
            row, column = self.table.rows[index.row()], self.table.columns[index.column()]
            self.view.setCurrentIndex(index)
            if column.variable in PARAMETERS and row.cells[column.variable].text:
                self._add_rules(menu, row.peak, column.variable)
                menu.addSeparator()
            menu.addAction("Name this state...", lambda: self.ask_name(row.peak))
            menu.addAction("Doublet", lambda: self.edits.make_doublet(row.peak))
            word = "Switch off" if row.on else "Switch on"
            menu.addAction(word, lambda: self.edits.enable(row.peak, not row.on))
            menu.addAction("Delete", lambda: self.edits.remove(row.peak))
            menu.addSeparator()
            menu.addAction("Copy peak", lambda: self.copy(row.peak))
        menu.addAction("Copy all peaks", self.copy)
        paste = menu.addAction("Paste", self.paste)
        paste.setEnabled(self._copied is not None)
        menu.addAction("Delete all peaks", self.edits.clear)
        return menu

    def _add_rules(self, menu: QMenu, peak: int, variable: str) -> None:
        """Lock, limits, links and their end."""
        what = WORDS.get(variable, variable)
        if variable not in NO_LOCK:
            menu.addAction(f"Lock {what}", lambda: self.edits.lock(peak, variable))
            menu.addAction(f"Limit {what}...", lambda: self.ask_limits(peak, variable))
        others = [row for row in self.table.rows if row.peak != peak]
        if others:
            links = menu.addMenu(f"Link {what} to")
            words = {"center": "at this distance", "area": "at this ratio"}
            for other in others:
                name = other.cells["label"].text
                links.addAction(
                    f"{name}, {words.get(variable, 'at this ratio')}",
                    lambda number=other.peak: self.edits.link(peak, variable, number),
                )
                if variable != "center":
                    links.addAction(
                        f"{name}, equal",
                        lambda number=other.peak: self.edits.enter(peak, variable, f"= {number}"),
                    )
        menu.addAction(f"Free {what}", lambda: self.edits.free(peak, variable))

    def ask_limits(self, peak: int, variable: str) -> None:
        """Ask for limits."""
        peaks = None if self.edits.edit is None else self.edits.edit.peaks()
        if peaks is None:
            return
        rule = peaks.xps.peak_limits()[peak, variable]
        dialog = LimitsDialog(self.view, WORDS.get(variable, variable), (rule.min, rule.max))
        if dialog.exec():
            self.edits.enter(peak, variable, dialog.text())
        dialog.deleteLater()

    def ask_name(self, peak: int) -> None:
        """Offer candidates for the name of a state; the choice becomes its label."""
        peaks = None if self.edits.edit is None else self.edits.edit.peaks()
        if peaks is None:
            return
        try:
            rows = candidates_of(peaks, peak)
        except ValueError as error:
            self.edits.refused.emit(sentence(error))
            return
        title = f"Peak {peak}, {float(peaks['center'].values[peak - 1]):.2f} eV"
        dialog = StateNames(self.view, title, rows)
        if dialog.exec() and dialog.name():
            self.edits.enter(peak, "label", dialog.name())
        dialog.deleteLater()

    def copy(self, peak: int | None = None) -> None:
        """Copy one peak, or all of them; as text they can be pasted into a spreadsheet."""
        peaks = None if self.edits.edit is None else self.edits.edit.peaks()
        if peaks is None:
            return
        kind = "peak" if peak is not None else "set"
        chosen = peaks if peak is None else peaks.isel(peak=[peak - 1])
        self._copied = kind, chosen
        text = self.table.text()
        if peak is not None:
            lines = text.splitlines()
            text = "\n".join([lines[0], lines[1 + self.table.row_of(peak)]])
        QGuiApplication.clipboard().setText(text)

    def paste(self) -> None:
        """Add the copied peak, or replace all peaks by the copied ones."""
        if self._copied is None:
            return
        kind, peaks = self._copied
        if kind == "set":
            self.edits.set_pasted.emit(peaks)
        else:
            self.edits.paste(peaks)


class LimitsDialog(QDialog):
    """Asks for the lowest and the highest value; an empty field is no limit.

    Parameters
    ----------
    parent : QWidget
    name : str
        Of the parameter.
    limits : (float, float)
        As they are now; infinite where there is none.
    """

    def __init__(self, parent: QWidget, name: str, limits: tuple[float, float]) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Limits of the {name}")
        self.low, self.high = (
            QLineEdit(f"{value:g}" if np.isfinite(value) else "") for value in limits
        )
        form = QFormLayout(self)
        form.addRow("Lowest", self.low)
        form.addRow("Highest", self.high)
        form.addRow(QLabel("An empty field is no limit."))
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def text(self) -> str:
        """The limits as they would be typed into the cell."""
        return f"{self.low.text()} to {self.high.text()}"
