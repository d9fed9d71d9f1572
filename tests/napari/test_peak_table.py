"""The table: numbers with their errors, what holds them, and Qt's own checks of a model."""

import numpy as np
import pytest
import xarray as xr
from qtpy.QtCore import Qt
from truth_engine import truth_of

import xpsnet
from napari_xpsnet._peak_table import COLUMNS, PeakTable, make_view, with_error


@pytest.fixture
def peaks() -> xr.Dataset:
    return truth_of(xpsnet.sample("spectrum"))


def shown(table: PeakTable, row: int, variable: str, role: int | None = None):
    index = table.index(row, table.column_of(variable))
    return table.data(index) if role is None else table.data(index, role)


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (284.80312, 0.0123, "284.803(12)"),
        (1.1, 0.5, "1.10(50)"),
        (10432.4, 83.2, "10432(83)"),
        (284.80312, 0.00046, "284.8031(5)"),
        (284.80312, 1e-7, "284.8031"),
        (284.80312, np.nan, "284.80"),
        (531.2, 0.0, "531.20"),
        (np.nan, 0.1, ""),
    ],
)
def test_errors_stand_behind_the_last_digits(value: float, error: float, expected: str) -> None:
    assert with_error(value, error) == expected


def test_rows_are_the_peaks_that_exist(peaks: xr.Dataset, qtmodeltester) -> None:
    for name in ("center", "fwhm", "height", "area", "fraction"):
        peaks[name][2] = np.nan
    table = PeakTable()
    table.set_peaks(peaks)
    qtmodeltester.check(table)
    assert table.rowCount() == 2
    assert shown(table, 0, "label") == "1  C-C / C-H"
    assert shown(table, 0, "center").startswith("284.8")
    assert "±" in shown(table, 0, "center", Qt.ItemDataRole.ToolTipRole)
    shares = [float(shown(table, row, "share")) for row in range(2)]
    assert sum(shares) == pytest.approx(100)
    assert table.text().splitlines()[0].startswith("state or label\tline shape\tcenter (eV)")
    table.set_peaks(None)
    assert table.rowCount() == 0


def test_columns_without_a_value_are_left_out(peaks: xr.Dataset) -> None:
    table = PeakTable()
    table.set_peaks(peaks)
    names = [column.variable for column in table.columns]
    assert "fraction" in names
    assert "asymmetry" not in names
    table.set_peaks(xpsnet.change_peak(peaks, 1, line_shape="doniach_sunjic"))
    assert "asymmetry" in [column.variable for column in table.columns]
    assert shown(table, 0, "line_shape") == "doniach sunjic"
    assert len(table.columns) == len(COLUMNS)


def test_what_holds_a_value_stands_beside_it(peaks: xr.Dataset) -> None:
    peaks = xpsnet.constrain_peak(peaks, 2, "center", link="center_1 + 1.7")
    peaks = xpsnet.constrain_peak(peaks, 2, "area", link="0.5 * area_1")
    peaks = xpsnet.constrain_peak(peaks, 1, "fwhm", vary=False)
    peaks = xpsnet.constrain_peak(peaks, 3, "center", min=288.0, max=290.0)
    table = PeakTable()
    table.set_peaks(peaks)
    assert shown(table, 1, "center") == "286.50 = peak 1 + 1.7"
    assert shown(table, 1, "center", Qt.ItemDataRole.EditRole) == "= peak 1 + 1.7 eV"
    assert shown(table, 1, "area").endswith("= 0.5 x peak 1")
    assert shown(table, 0, "fwhm").endswith("locked")
    assert "288 to 290" in shown(table, 2, "center", Qt.ItemDataRole.ToolTipRole)


def test_a_peak_that_is_off_stays_in_the_table(peaks: xr.Dataset, qtbot) -> None:
    table = PeakTable()
    table.set_peaks(xpsnet.change_peak(peaks, 2, enabled=False))
    assert table.rowCount() == 3
    assert shown(table, 1, "share") == ""
    state = shown(table, 1, "on", Qt.ItemDataRole.CheckStateRole)
    assert Qt.CheckState(state) == Qt.CheckState.Unchecked
    index = table.index(1, table.column_of("on"))
    with qtbot.waitSignal(table.switched) as switched:
        table.setData(index, Qt.CheckState.Checked.value, Qt.ItemDataRole.CheckStateRole)
    assert switched.args == [2, True]


def test_lines_of_a_doublet_name_each_other(peaks: xr.Dataset, qtmodeltester) -> None:
    peaks = peaks.assign_coords(label=("peak", ["state 1", "state 2", "mine"]))
    peaks = peaks.assign(partner=("peak", [3, 0, 1]), state=("peak", [1, 2, 1]))
    table = PeakTable()
    table.set_peaks(peaks)
    qtmodeltester.check(table)
    assert [shown(table, row, "label") for row in range(3)] == ["peak 1", "peak 2", "3  mine"]
    tips = [shown(table, row, "label", Qt.ItemDataRole.ToolTipRole) for row in range(3)]
    assert tips == [
        "peak 1: state 1, doublet with peak 3",
        "peak 2: state 2",
        "mine: state 1, doublet with peak 1",
    ]
    colors = [shown(table, row, "label", Qt.ItemDataRole.DecorationRole).name() for row in range(3)]
    assert colors[0] == colors[2] != colors[1]


def test_no_number_is_cut_off(peaks: xr.Dataset, qtbot) -> None:
    table = PeakTable()
    view = make_view(table)
    qtbot.addWidget(view)
    view.resize(306, 120)
    view.show()
    table.set_peaks(xpsnet.constrain_peak(peaks, 2, "center", link="center_1 + 1.7"))
    for column in range(len(table.columns)):
        assert view.columnWidth(column) >= view.sizeHintForColumn(column)
        assert view.columnWidth(column) >= 24
