"""What tests of the editor do with keys, cells and values."""

from typing import Any

from hand import settle
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

from napari_xpsnet._widget import FitPeaks

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def value(dock: FitPeaks, name: str, peak: int = 1) -> float:
    peaks = dock.edit.peaks()
    assert peaks is not None
    return float(peaks[name].values[peak - 1])


def press(dock: FitPeaks, key: Any, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key in the plot."""
    graphics = dock.view.editor.plot.graphics
    graphics.setFocus()
    QTest.keyClick(graphics, key, modifiers)
    settle()


def cell(dock: FitPeaks, peak: int, variable: str):
    table = dock.view.table
    return table.index(table.row_of(peak), table.column_of(variable))


def type_into(dock: FitPeaks, peak: int, variable: str, text: str) -> None:
    """Double click into a cell, type and press Return."""
    view, index = dock.view.editor.table_view, cell(dock, peak, variable)
    view.setCurrentIndex(index)
    view.edit(index)
    settle()
    field = view.findChild(QLineEdit)
    field.selectAll()
    QTest.keyClicks(field, text) if text else field.clear()
    QTest.keyClick(field, Qt.Key.Key_Return)
    settle()
