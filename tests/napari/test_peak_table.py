"""The table: numbers with their errors, tooltips, and Qt's own checks of a model."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QShortcut
from truth_engine import truth_of

import xpsnet
from napari_xpsnet._peak_table import COLUMNS, PeakTable, make_view, with_error


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (284.80312, 0.0123, "284.803(12)"),
        (1.1, 0.5, "1.10(50)"),
        (10432.4, 83.2, "10432(83)"),
        (284.80312, 1e-7, "284.8031"),
        (284.80312, np.nan, "284.80"),
        (531.2, 0.0, "531.20"),
        (np.nan, 0.1, ""),
    ],
)
def test_errors_stand_behind_the_last_digits(value: float, error: float, expected: str) -> None:
    assert with_error(value, error) == expected


def test_rows_are_the_peaks_that_exist(qtmodeltester) -> None:
    peaks = truth_of(xpsnet.sample("spectrum"))
    for name in ("center", "fwhm", "height", "area", "fraction"):
        peaks[name][2] = np.nan
    table = PeakTable()
    table.set_peaks(peaks)
    qtmodeltester.check(table)
    assert (table.rowCount(), table.columnCount()) == (2, len(COLUMNS))
    first = [table.data(table.index(0, column)) for column in range(len(COLUMNS))]
    assert first[0] == "C-C / C-H"
    assert first[1].startswith("284.8")
    assert "±" in table.data(table.index(0, 1), Qt.ItemDataRole.ToolTipRole)
    shares = [int(table.data(table.index(row, 4))) for row in range(2)]
    assert sum(shares) == 100
    assert table.text().splitlines()[0] == "peak\teV\tFWHM\tarea\t%"
    table.set_peaks(None)
    assert table.rowCount() == 0


def test_lines_of_a_doublet_name_each_other(qtmodeltester) -> None:
    peaks = truth_of(xpsnet.sample("spectrum")).assign_coords(
        label=("peak", ["state 1", "state 2", "mine"])
    )
    peaks = peaks.assign(partner=("peak", [3, 0, 1]), state=("peak", [1, 2, 1]))
    table = PeakTable()
    table.set_peaks(peaks)
    qtmodeltester.check(table)
    cells = [table.index(row, 0) for row in range(3)]
    assert [table.data(cell) for cell in cells] == ["1", "2", "mine"]
    tips = [table.data(cell, Qt.ItemDataRole.ToolTipRole) for cell in cells]
    assert tips == [
        "peak 1: state 1, doublet with peak 3",
        "peak 2: state 2",
        "mine: state 1, doublet with peak 1",
    ]
    colors = [table.data(cell, Qt.ItemDataRole.DecorationRole).name() for cell in cells]
    assert colors[0] == colors[2] != colors[1]


def test_columns_fit_a_narrow_dock(qtbot) -> None:
    table = PeakTable()
    view = make_view(table)
    qtbot.addWidget(view)
    view.resize(306, 120)
    view.show()
    table.set_peaks(truth_of(xpsnet.sample("spectrum")))
    for column in range(len(COLUMNS)):
        if column:
            assert view.columnWidth(column) >= view.sizeHintForColumn(column)
        assert view.columnWidth(column) >= 24
    assert view.horizontalHeader().length() <= view.viewport().width()


def test_table_is_copied_with_the_usual_keys(qtbot) -> None:
    table = PeakTable()
    view = make_view(table)
    qtbot.addWidget(view)
    table.set_peaks(truth_of(xpsnet.sample("spectrum")))
    view.show()
    qtbot.waitExposed(view)
    (copy,) = view.findChildren(QShortcut)
    copy.activated.emit()
    assert QGuiApplication.clipboard().text() == table.text()
    assert len(table.text().splitlines()) == 4
