"""Hands on the curve and on the table, with real mouse and keyboard events in a real viewer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import Hand, settle
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QKeyEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QFileDialog, QLineEdit, QPushButton
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet._plot import SMOOTH
from napari_xpsnet._widget import FitPeaks

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
Add = Callable[..., Any]


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 950)
    viewer.window.activate()
    return viewer


@pytest.fixture
def layer(viewer, add_spectra: Add):
    return add_spectra(viewer, xpsnet.sample("spectrum"), call="sample", name="spectrum")


@pytest.fixture
def dock(viewer, layer, engine: TruthEngine) -> FitPeaks:
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.engine = engine
    settle(0.3)
    return dock


@pytest.fixture
def fitted(dock: FitPeaks, qtbot) -> FitPeaks:
    """The dock with three peaks, of which the first is selected."""
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()
    dock.edit.select(1)
    settle(0.2)
    return dock


@pytest.fixture
def hand(dock: FitPeaks) -> Hand:
    return Hand(dock.view.editor)


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


# --- the curve


def test_apex_moves_center_and_height(fitted: FitPeaks, hand: Hand) -> None:
    center, height, fwhm = (value(fitted, name) for name in ("center", "height", "fwhm"))
    hand.drag(hand.of(fitted.view.editor.handles.apex), (-30, 40))
    assert value(fitted, "center") == pytest.approx(
        center - 30 * hand.energies_per_pixel(), abs=0.02
    )
    assert value(fitted, "height") < 0.95 * height
    assert value(fitted, "fwhm") == fwhm
    assert fitted.stack.undoText().startswith("center and height of ")


@pytest.mark.parametrize(("key", "kept"), [(SHIFT, "height"), (CTRL, "center")])
def test_a_key_holds_one_direction(fitted: FitPeaks, hand: Hand, key: Any, kept: str) -> None:
    before = {name: value(fitted, name) for name in ("center", "height")}
    hand.drag(hand.of(fitted.view.editor.handles.apex), (-30, 40), key)
    changed = {name for name in before if value(fitted, name) != before[name]}
    assert changed == {"center", "height"} - {kept}


@pytest.mark.parametrize("flank", [0, 1])
def test_flanks_move_the_width(fitted: FitPeaks, hand: Hand, flank: int) -> None:
    handle = fitted.view.editor.handles.flanks[flank]
    center, fwhm = value(fitted, "center"), value(fitted, "fwhm")
    outwards = np.sign((hand.of(handle) - hand.apex_of(1)).x())
    hand.drag(hand.of(handle), (20 * outwards, 0))
    assert value(fitted, "center") == center
    wider = fwhm + 2 * 20 * abs(hand.energies_per_pixel())
    assert value(fitted, "fwhm") == pytest.approx(wider, rel=0.03)


def test_the_curve_follows_the_mouse_and_escape_takes_it_back(fitted: FitPeaks, hand: Hand) -> None:
    editor, before = fitted.view.editor, fitted.edit.content
    start = hand.of(editor.handles.apex)
    hand.press(start)
    hand.move(start, start + QPointF(-60, 0))
    assert fitted.edit.content is before
    curves = editor.plot.curves
    assert curves.energy[np.argmax(curves.component[0])] == pytest.approx(
        value(fitted, "center"), abs=14 / SMOOTH
    )
    assert value(fitted, "center") > 285.0
    assert "not fitted" in editor.status.text()
    assert editor.plot.redchi > 5
    press(fitted, Qt.Key.Key_Escape)
    hand.move(start + QPointF(-60, 0), start + QPointF(-90, 0))
    hand.release(start + QPointF(-90, 0))
    assert fitted.edit.content is before
    assert value(fitted, "center") == pytest.approx(284.8, abs=0.1)


def test_a_linked_partner_moves_along(fitted: FitPeaks, hand: Hand) -> None:
    type_into(fitted, 2, "center", "= peak 1 + 1.7 eV")
    hand.drag(hand.of(fitted.view.editor.handles.apex), (-40, 0), SHIFT)
    assert value(fitted, "center", 2) == pytest.approx(value(fitted, "center") + 1.7)
    assert value(fitted, "center") > 285.0
    fitted.edit.select(2)
    assert "= peak 1 + 1.7 eV" in fitted.view.editor.handles.note.textItem.toPlainText()


def test_what_is_locked_has_no_handle_and_says_why(fitted: FitPeaks, hand: Hand) -> None:
    handles = fitted.view.editor.handles
    type_into(fitted, 1, "fwhm", "lock")
    assert not any(flank.isVisible() for flank in handles.flanks)
    assert handles.apex.isVisible()
    assert "FWHM locked" in handles.note.textItem.toPlainText()
    type_into(fitted, 1, "center", "lock")
    center, height = value(fitted, "center"), value(fitted, "height")
    hand.drag(hand.of(handles.apex), (-40, 30))
    assert value(fitted, "center") == center
    assert value(fitted, "height") < height
    type_into(fitted, 1, "fwhm", "free")
    assert all(flank.isVisible() for flank in handles.flanks)


def test_double_click_adds_a_peak_as_wide_as_the_data(dock: FitPeaks, hand: Hand) -> None:
    top = float(dock.view.spectrum(dock.edit.pixel).max())
    hand.double_click(hand.pixel(284.8, 0.97 * top))
    assert dock.edit.selected == 1
    assert value(dock, "center") == pytest.approx(284.8, abs=0.05)
    assert 0.8 < value(dock, "fwhm") < 1.5
    hand.double_click(hand.pixel(288.9, 0.6 * top))
    assert value(dock, "center", 2) == pytest.approx(288.9, abs=0.05)
    assert 0.8 < value(dock, "fwhm", 2) < 1.8
    assert dock.edit.selected == 2
    dock.stack.undo()
    dock.stack.undo()
    assert dock.edit.peaks() is None


def test_a_click_selects_and_ghosts_show_the_others(fitted: FitPeaks, hand: Hand) -> None:
    handles = fitted.view.editor.handles
    handles.hover(True)
    assert [ghost.isVisible() for ghost in handles.ghosts] == [False, True, True]
    hand.click(hand.of(handles.ghosts[2]))
    assert fitted.edit.selected == 3
    top = hand.apex_of(2)
    hand.click(top + QPointF(0, 40))
    assert fitted.edit.selected == 2
    assert fitted.view.editor.table_view.currentIndex().row() == 1
    handles.hover(False)
    assert not any(ghost.isVisible() for ghost in handles.ghosts)


def test_keys_of_the_plot(fitted: FitPeaks) -> None:
    center, height = value(fitted, "center"), value(fitted, "height")
    press(fitted, Qt.Key.Key_Left)
    assert value(fitted, "center") == pytest.approx(center + 0.01)
    press(fitted, Qt.Key.Key_Right, SHIFT)
    assert value(fitted, "center") == pytest.approx(center - 0.09)
    press(fitted, Qt.Key.Key_Up)
    assert value(fitted, "height") == pytest.approx(1.01 * height)
    press(fitted, Qt.Key.Key_Tab)
    assert fitted.edit.selected == 2
    press(fitted, Qt.Key.Key_Backtab, SHIFT)
    press(fitted, Qt.Key.Key_Backtab, SHIFT)
    assert fitted.edit.selected == 3
    press(fitted, Qt.Key.Key_Delete)
    assert fitted.view.table.rowCount() == 2
    press(fitted, Qt.Key.Key_Z, CTRL)
    assert fitted.view.table.rowCount() == 3
    press(fitted, Qt.Key.Key_Z, CTRL)
    press(fitted, Qt.Key.Key_Z, CTRL)
    assert value(fitted, "center") == pytest.approx(center)
    press(fitted, Qt.Key.Key_Z, CTRL | SHIFT)
    assert value(fitted, "center") == pytest.approx(center - 0.09)


def test_keys_without_a_name_do_nothing(fitted: FitPeaks) -> None:
    graphics = fitted.view.editor.plot.graphics
    key = QKeyEvent(QEvent.Type.KeyPress, 0x0416, Qt.KeyboardModifier.NoModifier, "\u0416")
    assert not fitted.view.editor.eventFilter(graphics, key)


def test_a_labels_layer_keeps_its_own_undo(fitted: FitPeaks, viewer) -> None:
    undo = fitted.view.editor.undo
    assert undo.shortcuts()
    viewer.add_labels(np.zeros((4, 4), dtype=int))
    viewer.window._qt_viewer.canvas.native.setFocus()
    settle()
    assert not undo.shortcuts()
    fitted.view.editor.plot.graphics.setFocus()
    settle()
    assert undo.shortcuts()


def test_a_double_click_on_a_handle_adds_no_peak(fitted: FitPeaks, hand: Hand) -> None:
    hand.double_click(hand.of(fitted.view.editor.handles.apex))
    assert fitted.edit.peaks().sizes["peak"] == 3


def test_axes_stay_during_a_drag_and_follow_again_after_it(fitted: FitPeaks, hand: Hand) -> None:
    plot = fitted.view.plot
    before = plot.main.viewRange()
    start = hand.of(fitted.view.editor.handles.apex)
    hand.press(start)
    hand.move(start, start + QPointF(0, -120))
    assert plot.main.viewRange() == before
    hand.release(start + QPointF(0, -120))
    settle(0.1)
    assert plot.main.viewRange()[1][1] > before[1][1]
    plot.main.getViewBox().setRange(yRange=(0, 5000), padding=0)
    hand.drag(hand.of(fitted.view.editor.handles.flanks[0]), (10, 0))
    assert plot.main.viewRange()[1] == [0, 5000]


# --- the live fit


def test_a_live_fit_follows_the_release(
    fitted: FitPeaks, hand: Hand, engine: TruthEngine, qtbot
) -> None:
    hand.drag(hand.of(fitted.view.editor.handles.apex), (-40, 0))
    settle(0.5)
    assert len(engine.calls) == 1
    fitted.panel.live.setChecked(True)
    with qtbot.waitSignal(fitted.runner.finished, timeout=10_000):
        hand.drag(hand.of(fitted.view.editor.handles.apex), (-40, 0))
        moved = fitted.edit.peaks()
    assert engine.calls[1][0] == "refine"
    assert engine.calls[1][1]["peaks"] is moved
    assert fitted.stack.undoText() == "refine"
    fitted.stack.undo()
    settle(0.5)
    assert fitted.edit.peaks() is moved
    assert len(engine.calls) == 2


def test_a_change_during_a_live_fit_counts_more(
    fitted: FitPeaks, hand: Hand, engine: TruthEngine, qtbot
) -> None:
    fitted.panel.live.setChecked(True)
    engine.hold = True
    type_into(fitted, 1, "center", "284.9")
    qtbot.waitUntil(engine.half.is_set)
    fitted.panel.live.setChecked(False)
    type_into(fitted, 1, "center", "285.25")
    with qtbot.waitSignal(fitted.runner.finished, timeout=10_000):
        engine.go.set()
    assert value(fitted, "center") == 285.25


def test_refine_repeats_what_the_peaks_carry(fitted: FitPeaks, hand: Hand, qtbot) -> None:
    from napari_xpsnet._worker import library

    fitted.engine = library
    type_into(fitted, 2, "center", "= peak 1 + 1.65 eV")
    type_into(fitted, 3, "fwhm", "lock")
    locked = value(fitted, "fwhm", 3)
    with qtbot.waitSignal(fitted.runner.finished, timeout=120_000):
        fitted.panel.refine.click()
    assert value(fitted, "center", 2) == pytest.approx(value(fitted, "center") + 1.65)
    assert value(fitted, "fwhm", 3) == pytest.approx(locked)
    assert "locked" in fitted.view.table.data(cell(fitted, 3, "fwhm"))
    assert "Reduced chi-square" in fitted.view.editor.status.text()


# --- the table


def test_numbers_limits_and_their_end_are_typed(fitted: FitPeaks) -> None:
    type_into(fitted, 1, "center", "284.801")
    assert value(fitted, "center") == 284.801
    type_into(fitted, 1, "fwhm", "0.001 to 3")
    rule = fitted.edit.peaks().xps.peak_limits()[1, "fwhm"]
    assert (rule.min, rule.max) == (0.001, 3.0)
    type_into(fitted, 1, "fwhm", "")
    rule = fitted.edit.peaks().xps.peak_limits()[1, "fwhm"]
    assert (rule.min, rule.max) == (-np.inf, np.inf)
    type_into(fitted, 1, "center", "nonsense")
    assert fitted.panel.message.text().startswith("⚠ ")
    assert value(fitted, "center") == 284.801
    type_into(fitted, 1, "label", "C-C")
    assert fitted.view.table.data(cell(fitted, 1, "label")) == "1  C-C"


def test_an_area_is_linked(fitted: FitPeaks) -> None:
    type_into(fitted, 2, "area", "= 0.5 x area of peak 1")
    assert value(fitted, "area", 2) == pytest.approx(0.5 * value(fitted, "area"), rel=1e-6)
    type_into(fitted, 2, "area", "")
    assert fitted.edit.peaks().xps.peak_limits()[2, "area"].link == ""


def test_a_line_shape_is_chosen(fitted: FitPeaks) -> None:
    view = fitted.view.editor.table_view
    view.edit(cell(fitted, 1, "line_shape"))
    settle()
    box = view.findChild(QComboBox)
    box.setCurrentIndex(box.findData("doniach_sunjic"))
    box.activated.emit(box.currentIndex())
    settle()
    assert str(fitted.edit.peaks()["line_shape"].values[0]) == "doniach_sunjic"
    assert "asymmetry" in [column.variable for column in fitted.view.table.columns]


def test_a_row_is_switched_off_and_on(fitted: FitPeaks) -> None:
    before = fitted.view.plot.curves.envelope.max()
    index = cell(fitted, 1, "on")
    view = fitted.view.editor.table_view
    QTest.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center()
    )
    settle()
    assert fitted.view.table.rowCount() == 3
    assert fitted.view.plot.curves.envelope.max() < 0.8 * before
    assert [line.isVisible() for line, _ in fitted.view.plot.components] == [False, True, True]
    assert len(fitted.view.plot.legend_names) == 5
    assert value(fitted, "center") == pytest.approx(284.8, abs=0.1)
    fitted.stack.undo()
    assert fitted.view.plot.curves.envelope.max() == before


def test_menu_of_a_cell(fitted: FitPeaks) -> None:
    menu = fitted.view.editor.menu.build(cell(fitted, 2, "fwhm"))
    actions = {action.text(): action for action in menu.actions()}
    actions["Lock FWHM"].trigger()
    assert fitted.edit.peaks().xps.peak_limits()[2, "fwhm"].locked
    actions["Free FWHM"].trigger()
    assert not fitted.edit.peaks().xps.peak_limits()[2, "fwhm"].locked
    links = {action.text(): action for action in actions["Link FWHM to"].menu().actions()}
    links["1  C-C / C-H, equal"].trigger()
    assert value(fitted, "fwhm", 2) == pytest.approx(value(fitted, "fwhm"))
    area = fitted.view.editor.menu.build(cell(fitted, 2, "area"))
    assert "Lock area" not in [action.text() for action in area.actions()]


def test_doublet_from_the_name_of_the_region(dock: FitPeaks, viewer, add_spectra: Add) -> None:
    silicon = xpsnet.sample("line_scan").isel(position=30, drop=True)
    add_spectra(viewer, silicon)
    editor = dock.view.editor
    dock.view.edits.add(float(silicon["energy"].values[silicon.values.argmax()]))
    editor.doublet.click()
    peaks = dock.edit.peaks()
    assert peaks.sizes["peak"] == 2
    assert value(dock, "center", 2) - value(dock, "center") == pytest.approx(0.6, abs=0.03)
    assert value(dock, "area", 2) == pytest.approx(0.5 * value(dock, "area"), rel=0.01)
    editor.doublet.click()
    assert "doublet already" in dock.panel.message.text()


def test_region_without_doublet_says_so(fitted: FitPeaks) -> None:
    fitted.view.editor.doublet.click()
    assert "splitting" in fitted.panel.message.text()
    assert fitted.edit.peaks().sizes["peak"] == 3


def test_peaks_are_copied_and_pasted(fitted: FitPeaks, viewer, add_spectra: Add, layer) -> None:
    view = fitted.view.editor.table_view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_C, CTRL)
    assert QApplication.clipboard().text() == fitted.view.table.text()
    copied = fitted.edit.peaks()
    add_spectra(viewer, 0.9 * xpsnet.sample("spectrum").assign_attrs(units="counts"))
    assert fitted.edit.peaks() is None
    QTest.keyClick(view, Qt.Key.Key_V, CTRL)
    settle()
    assert fitted.view.table.rowCount() == 3
    np.testing.assert_array_equal(fitted.edit.peaks()["center"], copied["center"])
    fitted.view.editor.menu.copy(2)
    fitted.view.editor.menu.paste()
    assert fitted.view.table.rowCount() == 4
    assert value(fitted, "fwhm", 4) == pytest.approx(value(fitted, "fwhm", 2))
    fitted.stack.undo()
    fitted.stack.undo()
    fitted.stack.undo()
    assert fitted.layer is layer
    assert fitted.edit.peaks() is None


def test_peak_set_goes_to_a_file_and_back(
    fitted: FitPeaks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_into(fitted, 2, "center", "= peak 1 + 1.7 eV")
    path = tmp_path / "carbon"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    fitted.panel.save_set.click()
    assert fitted.panel.message.text() == "Saved carbon.json."
    fitted.view.edits.clear()
    assert fitted.edit.peaks() is None
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (f"{path}.json", ""))
    fitted.panel.load_set.click()
    settle(0.3)
    assert fitted.view.table.rowCount() == 3
    assert fitted.edit.peaks().xps.peak_limits()[2, "center"].link == "center_1 + 1.7"


def test_peaks_go_to_the_selected_regions(
    fitted: FitPeaks, viewer, layer, add_spectra: Add, engine: TruthEngine, qtbot
) -> None:
    others = [add_spectra(viewer, xpsnet.sample("spectrum")) for _ in range(2)]
    viewer.layers.selection = {layer}
    fitted.panel.copy_to.click()
    assert "Select further regions" in fitted.panel.message.text()
    viewer.layers.selection = {layer, *others}
    peaks = fitted.edit.peaks()
    engine.calls.clear()
    fitted.panel.copy_to.click()
    qtbot.waitUntil(lambda: len(engine.calls) == 2 and not fitted.runner.busy, timeout=10_000)
    assert all(call[0] == "refine" and call[1]["peaks"] is peaks for call in engine.calls)
    fitted.form.layer.value = others[1]
    assert fitted.view.table.rowCount() == 3


def test_one_spectrum_starts_the_whole_map(
    viewer, engine: TruthEngine, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    add_spectra(viewer, small_map, call="sample", name="map")
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.engine = engine
    assert not dock.panel.to_all.isEnabled()
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()
    start = dock.edit.peaks()
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.to_all.click()
    assert engine.calls[1][0] == "refine"
    assert engine.calls[1][1]["peaks"] is start
    assert dock.edit.content.whole is not None
    dock.stack.undo()
    assert dock.edit.content.whole is None
    assert dock.edit.peaks() is start


def test_fits_of_the_file_are_offered_and_used(
    dock: FitPeaks, viewer, tmp_path: Path, qtbot
) -> None:
    assert not dock.panel.in_file.isVisible()
    spectrum = xpsnet.sample("spectrum")
    path = tmp_path / "sample.vms"
    xpsnet.write(xpsnet.fit(spectrum), path, spectra=spectrum)
    viewer.open(str(path), plugin="napari-xpsnet")
    settle(0.2)
    assert dock.panel.in_file.isVisible()
    assert "3 peaks" in dock.panel.file_fits.currentText()
    dock.panel.use_fit.click()
    assert dock.view.table.rowCount() == 3
    assert dock.view.plot.redchi < 3
    dock.stack.undo()
    assert dock.edit.peaks() is None


# --- the plot


def test_a_new_region_comes_into_view_after_a_zoom(
    fitted: FitPeaks, viewer, layer, add_spectra: Add
) -> None:
    box = fitted.view.plot.main.getViewBox()
    box.setRange(xRange=(284, 285), yRange=(0, 10), padding=0)
    other = xpsnet.sample("spectrum")
    add_spectra(viewer, (50 * other).assign_coords(energy=other["energy"] + 200))
    settle()
    (left, right), (_, top) = fitted.view.plot.main.viewRange()
    assert left < 480
    assert right > 494
    assert top > 50 * float(other.max())
    box.setRange(xRange=(484, 485), yRange=(0, 10), padding=0)
    fitted.form.layer.value = layer
    (left, _), (_, top) = fitted.view.plot.main.viewRange()
    assert left < 280
    assert float(other.max()) < top < 5 * float(other.max())
    box.setRange(xRange=(284, 285), yRange=(0, 10), padding=0)
    fitted.view.editor.reset.click()
    assert fitted.view.plot.main.viewRange()[0][0] < 280


def test_a_result_comes_into_view(fitted: FitPeaks, qtbot) -> None:
    box = fitted.view.plot.main.getViewBox()
    box.setRange(xRange=(270, 275), yRange=(0, 10), padding=0)
    with qtbot.waitSignal(fitted.runner.finished, timeout=10_000):
        fitted.panel.fit.click()
    assert fitted.view.plot.main.viewRange()[0][1] > 294


@pytest.mark.parametrize("end", [0, 1])
def test_both_ends_of_the_range_are_dragged(dock: FitPeaks, hand: Hand, end: int) -> None:
    QTest.mouseClick(dock.view.editor.range, Qt.MouseButton.LeftButton)
    settle()
    assert dock.edit.content.energy_range is not None
    low, high = sorted(dock.edit.content.energy_range)
    line = sorted(dock.view.plot.region.lines, key=lambda one: one.value())[end]
    (_, _), (bottom, top) = dock.view.plot.main.viewRange()
    inwards = 60 if end else -60
    hand.drag(hand.pixel(line.value(), 0.5 * (bottom + top)), (inwards, 0))
    new_low, new_high = sorted(dock.edit.content.energy_range)
    assert (new_low > low + 0.3) is (end == 0)
    assert (new_high < high - 0.3) is (end == 1)
    assert sorted(dock.form.energy_range()) == pytest.approx([new_low, new_high], abs=1e-3)
    dock.stack.undo()
    assert dock.edit.content.energy_range is None
    assert not dock.view.plot.region.isVisible()


def test_the_range_belongs_to_its_layer(dock: FitPeaks, viewer, layer, add_spectra: Add) -> None:
    dock.form.limited.value = True
    dock.form.first.value, dock.form.last.value = 290.125, 282.5
    add_spectra(viewer, xpsnet.sample("spectrum"))
    assert dock.form.energy_range() is None
    dock.form.layer.value = layer
    assert dock.form.energy_range() == (290.125, 282.5)
    assert dock.view.plot.region.getRegion() == (282.5, 290.125)


def test_view_switches_of_the_toolbar(fitted: FitPeaks, hand: Hand) -> None:
    editor, plot = fitted.view.editor, fitted.view.plot
    QTest.mouseClick(editor.normalize, Qt.MouseButton.LeftButton)
    assert np.nanmax(plot.measured.data["y"]) == pytest.approx(1.0)
    QTest.mouseClick(editor.log, Qt.MouseButton.LeftButton)
    assert np.nanmax(plot.measured.data["y"]) == pytest.approx(0.0)
    center, height = value(fitted, "center"), value(fitted, "height")
    hand.drag(hand.of(editor.handles.apex), (0, 30), CTRL)
    assert value(fitted, "center") == center
    assert 0.3 * height < value(fitted, "height") < 0.99 * height
    QTest.mouseClick(editor.legend, Qt.MouseButton.LeftButton)
    assert not plot.legend.isVisible()
    QTest.mouseClick(editor.legend, Qt.MouseButton.LeftButton)
    assert plot.legend.isVisible()


def test_background_before_a_fit(dock: FitPeaks) -> None:
    QTest.mouseClick(dock.view.editor.background, Qt.MouseButton.LeftButton)
    plot = dock.view.plot
    assert plot.legend_names == ["measured", "background"]
    spectrum = dock.view.spectrum(dock.edit.pixel)
    expected = xpsnet.static_background(spectrum, "shirley").values
    np.testing.assert_allclose(plot.background.getData()[1], expected)


def test_envelope_is_above_many_points(fitted: FitPeaks, viewer, add_spectra: Add) -> None:
    plot = fitted.view.plot
    assert plot.envelope.zValue() > plot.measured.zValue()
    fine = xpsnet.sample("spectrum").interp(energy=np.linspace(280, 294, 1121))
    large = plot.measured.opts["size"]
    add_spectra(viewer, fine.assign_attrs(xpsnet.sample("spectrum").attrs))
    assert plot.measured.opts["size"] < large


def test_texts_follow_the_font_of_napari(fitted: FitPeaks, viewer) -> None:
    from napari.settings import get_settings

    plot = fitted.view.plot
    before = plot.main.getAxis("left").width()
    get_settings().appearance.font_size = 16
    settle(0.3)
    font = plot.main.getAxis("bottom").style["tickFont"]
    assert font.pointSize() == plot.legend.font().pointSize() >= 16
    assert plot.main.getAxis("left").width() > before
    assert fitted.panel.width() >= fitted.panel.minimumSizeHint().width()
    for button in fitted.panel.findChildren(QPushButton):
        if button.isVisible():
            text = button.fontMetrics().horizontalAdvance(button.text())
            assert button.width() >= text
    get_settings().appearance.font_size = 9
    settle(0.1)


# --- the dock


def test_fit_survives_closing_the_dock(fitted: FitPeaks, viewer, engine: TruthEngine) -> None:
    peaks = fitted.edit.peaks()
    fitted.form.limited.value = True
    fitted.form.first.value = 290.5
    viewer.window.remove_dock_widget(fitted.parent())
    settle(0.2)
    _, again = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    assert again is not fitted
    assert again.edit.peaks() is peaks
    assert again.view.table.rowCount() == 3
    assert again.form.energy_range()[0] == 290.5


def test_an_offset_moves_peaks_range_and_undo_brings_them_back(fitted: FitPeaks) -> None:
    fitted.form.limited.value = True
    center, limits = value(fitted, "center"), fitted.edit.content.energy_range
    fitted.axis_form.offset.value = 1.5
    assert value(fitted, "center") == pytest.approx(center + 1.5)
    assert fitted.edit.content.energy_range == pytest.approx(tuple(e + 1.5 for e in limits))
    assert fitted.view.plot.redchi < 3
    assert fitted.view.plot.main.viewRange()[0][1] > 295.4
    fitted.stack.undo()
    assert fitted.axis_form.offset.value == 0.0
    assert value(fitted, "center") == pytest.approx(center)
    assert fitted.edit.content.energy_range == limits
    first = float(fitted.layer.metadata["dataarray"]["energy"][0])
    assert first == float(fitted.layer.metadata["as_read"]["energy"][0])


def test_the_wheel_changes_no_number_without_focus(dock: FitPeaks) -> None:
    dock.form.limited.value = True
    settle()
    for control in (dock.form.first, dock.axis_form.offset, dock.form.model, dock.form.n_states):
        widget, before = control.native, control.value
        dock.view.editor.plot.graphics.setFocus()
        wheel = QWheelEvent(
            QPointF(5, 5), QPointF(widget.mapToGlobal(QPoint(5, 5))), QPoint(0, 0), QPoint(0, 120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
            False,
        )  # fmt: skip
        QApplication.sendEvent(widget, wheel)
        assert control.value == before


def test_a_small_number_can_be_typed(dock: FitPeaks) -> None:
    box = dock.axis_form.offset.native
    dock.panel.axis.expand(animate=False)
    settle(0.2)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "0.001")
    assert dock.axis_form.offset.value == 0.0
    QTest.keyClick(box, Qt.Key.Key_Return)
    settle()
    assert dock.axis_form.offset.value == pytest.approx(0.001)
    assert dock.edit.axis.offset == pytest.approx(0.001)


def test_undo_of_another_layer_shows_it(fitted: FitPeaks, viewer, layer, add_spectra: Add) -> None:
    press(fitted, Qt.Key.Key_Left)
    other = add_spectra(viewer, xpsnet.sample("spectrum"))
    assert fitted.layer is other
    fitted.stack.undo()
    assert fitted.layer is layer
    viewer.layers.remove(layer)
    fitted.stack.undo()
    assert fitted.layer is other


def test_peaks_of_another_axis_are_fitted_first(
    fitted: FitPeaks, viewer, add_spectra: Add, engine: TruthEngine, qtbot
) -> None:
    peaks = fitted.edit.peaks()
    short = xpsnet.sample("spectrum").isel(energy=slice(5, None, 2))
    add_spectra(viewer, short)
    with qtbot.waitSignal(fitted.runner.finished, timeout=10_000):
        fitted.use_peaks("paste", peaks)
    assert engine.calls[-1][0] == "refine"
    assert engine.calls[-1][1]["peaks"] is peaks


def test_python_code_says_what_it_cannot_repeat(fitted: FitPeaks) -> None:
    fitted.panel.script.click()
    assert "by hand" not in QApplication.clipboard().text()
    type_into(fitted, 1, "center", "284.9")
    fitted.panel.script.click()
    text = QApplication.clipboard().text()
    assert "changed by hand" in text
    assert 'xpsnet.refine(spectra, xpsnet.read_fit("peak set.json")[0])' in text
