"""What plot and dock show, and what is kept when they are closed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from editor_window import CTRL, press, type_into, value
from hand import Hand, settle
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPushButton
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet._widget import FitPeaks

Add = Callable[..., Any]


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
