"""The dock in a real viewer: fit, hover, pin, cancel, close, and everything that can go wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from qtpy.QtWidgets import QApplication
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet._cursor import MARKER
from napari_xpsnet._widget import FitPeaks
from xpsnet.data.peaks import Status

Add = Callable[..., Any]


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def make_dock(viewer, engine: TruthEngine):
    """Open the dock as the Plugins menu does."""

    def make() -> FitPeaks:
        _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
        dock.engine = engine
        return dock

    return make


@pytest.fixture
def layer(viewer, small_map: xr.DataArray, add_spectra: Add):
    return add_spectra(viewer, small_map, call="sample", name="map")


@pytest.fixture
def dock(layer, make_dock) -> FitPeaks:
    return make_dock()


def fit(dock: FitPeaks, qtbot, where: str = "this spectrum") -> None:
    """Fit and wait for the outcome."""
    dock.form.where.value = where
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()


def maps(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers if "map_of" in layer.metadata]


def test_fit_of_the_spectrum_in_the_plot(dock: FitPeaks, engine: TruthEngine, qtbot) -> None:
    fit(dock, qtbot)
    assert engine.calls[0][0] == "fit"
    assert dock.view.table.rowCount() == 3
    assert len(dock.view.plot.legend_names) == 6
    assert dock.panel.message.text() == "3 peaks, reduced chi-square 1.03."
    assert dock.panel.curves.isEnabled()
    assert not dock.panel.maps.isEnabled()


def test_fit_of_all_spectra_and_its_maps(dock: FitPeaks, viewer, qtbot) -> None:
    fit(dock, qtbot, "all spectra")
    assert dock.panel.message.text() == "30 spectra: 30 ok."
    assert maps(viewer) == []
    dock.panel.maps.click()
    assert len(maps(viewer)) == 3
    dock.panel.map_choice.setCurrentText("status")
    dock.panel.maps.click()
    assert len(maps(viewer)) == 4
    fit(dock, qtbot, "all spectra")
    assert len(maps(viewer)) == 4


def test_choices_reach_the_call(dock: FitPeaks, engine: TruthEngine, qtbot) -> None:
    dock.form.refine.value = False
    assert not dock.form.n_states.enabled
    assert not dock.form.line_shape.enabled
    dock.form.n_peaks.value = 2
    dock.form.background.value = "tougaard"
    dock.form.limited.value = True
    dock.form.first.value, dock.form.last.value = 290.0, 283.0
    fit(dock, qtbot)
    function, keywords = engine.calls[0]
    assert function == "predict"
    assert keywords["n_peaks"] == 2
    assert not {"n_states", "line_shape"} & set(keywords)
    assert keywords["background"] == "tougaard"
    assert keywords["energy_range"] == (290.0, 283.0)


def test_states_or_peaks_are_counted(dock: FitPeaks, engine: TruthEngine, qtbot) -> None:
    dock.form.n_peaks.value = 3
    dock.form.n_states.value = 2
    assert dock.form.n_peaks.value == "auto"
    dock.form.line_shape.value = "voigt"
    fit(dock, qtbot)
    function, keywords = engine.calls[0]
    assert function == "fit"
    expected = {"n_peaks": "auto", "n_states": 2, "line_shape": "voigt", "background": "auto"}
    assert {name: keywords[name] for name in expected} == expected
    dock.form.n_peaks.value = 1
    assert dock.form.n_states.value == "auto"


def test_backgrounds_that_need_a_fit_are_offered_with_it(
    dock: FitPeaks, engine: TruthEngine, qtbot
) -> None:
    dock.form.background.value = "static shirley"
    fit(dock, qtbot)
    assert engine.calls[0][1]["background"] == "static shirley"
    dock.form.refine.value = False
    assert dock.form.background.value == "shirley+linear"
    assert "static shirley" not in dock.form.background.choices
    dock.form.background.value = "linear"
    dock.form.refine.value = True
    assert dock.form.background.value == "linear"
    assert "auto" in dock.form.background.choices


def test_a_long_start_is_explained(dock: FitPeaks) -> None:
    dock.panel.enable_fit(True, busy=True)
    dock.panel.show_progress(0, 0, "")
    assert dock.panel.progress.maximum() == 0
    dock.panel.show_progress(0, 0, "Preparing")
    assert (dock.panel.progress.maximum(), dock.panel.progress.text()) == (1, "Preparing")
    dock.panel.show_progress(3, 30, ", 9 s left")
    assert dock.panel.progress.text() == "3 of 30 spectra, 9 s left"


def test_range_from_the_plot(dock: FitPeaks) -> None:
    assert not dock.view.plot.region.isVisible()
    dock.form.limited.value = True
    dock.view.plot.region.setRegion((283.5, 289.25))
    assert sorted(dock.form.energy_range()) == [283.5, 289.25]
    dock.form.limited.value = False
    assert dock.form.energy_range() is None


def test_hover_previews_and_click_pins(dock: FitPeaks, viewer, layer, qtbot) -> None:
    fit(dock, qtbot, "all spectra")
    cursor, title = dock.view.cursor, dock.view.editor.title
    where = layer.data_to_world((50, 2, 3))
    move(cursor, viewer, where)
    qtbot.waitUntil(lambda: "y=2 x=3" in title.text())
    assert dock.view.edit.pixel == {"y": 3, "x": 2}
    move(cursor, viewer, layer.data_to_world((50, -4, 3)))
    qtbot.waitUntil(lambda: "y=3 x=2" in title.text())
    click(cursor, viewer, where)
    assert dock.view.edit.pixel == {"y": 2, "x": 3}
    np.testing.assert_array_equal(viewer.layers[MARKER].data, [[2, 3]])
    assert viewer.layers.selection == {layer}
    click(cursor, viewer, layer.data_to_world((50, 1, 1)), dragged=True)
    assert dock.view.edit.pixel == {"y": 2, "x": 3}


class Mouse:
    """What napari hands to a mouse callback."""

    def __init__(self, position: Any, kind: str) -> None:
        self.position, self.type, self.is_dragging = position, kind, False


def move(cursor: Any, viewer: Any, position: Any) -> None:
    """Move the mouse as napari reports it."""
    callback = next(c for c in viewer.mouse_move_callbacks if c == cursor._on_move)
    callback(viewer, Mouse(position, "mouse_move"))


def click(cursor: Any, viewer: Any, position: Any, *, dragged: bool = False) -> None:
    """Click, or drag, as napari reports it."""
    event = Mouse(position, "mouse_press")
    gesture = next(c for c in viewer.mouse_drag_callbacks if c == cursor._on_drag)(viewer, event)
    next(gesture)
    if dragged:
        event.type = "mouse_move"
        next(gesture)
    event.type = "mouse_release"
    assert next(gesture, None) is None


def test_slider_and_line_move_each_other(dock: FitPeaks, viewer, small_map: xr.DataArray) -> None:
    energies = small_map["energy"].values
    plot = dock.view.plot
    assert plot.line.isVisibleTo(plot.main)
    viewer.dims.set_point(0, float(energies[7]))
    assert plot.line.value() == pytest.approx(energies[7])
    plot.line.setValue(float(energies[90]) + 0.02)
    plot.line.sigDragged.emit(plot.line)
    assert viewer.dims.point[0] == pytest.approx(energies[90])
    assert plot.line.value() == pytest.approx(energies[90])


def test_cancel_keeps_what_is_done(dock: FitPeaks, engine: TruthEngine, viewer, qtbot) -> None:
    engine.hold = True
    dock.form.where.value = "all spectra"
    dock.panel.fit.click()
    qtbot.waitUntil(engine.half.is_set)
    qtbot.waitUntil(lambda: dock.panel.progress.value() == 15)
    assert dock.panel.progress.text() == "15 of 30 spectra"
    assert not dock.panel.fit.isEnabled()
    with qtbot.waitSignal(dock.runner.finished):
        dock.panel.cancel.click()
    whole = dock.view.edit.content.whole
    assert int((whole["status"] == Status.NOT_DONE).sum()) == 15
    assert "15 of 30 spectra are done" in dock.panel.message.text()
    assert dock.panel.fit.isEnabled()


def test_removing_the_layer_stops_its_fit(
    dock: FitPeaks, engine: TruthEngine, viewer, layer, qtbot
) -> None:
    engine.hold = True
    dock.panel.fit.click()
    qtbot.waitUntil(engine.half.is_set)
    job = dock.runner.job
    viewer.layers.remove(layer)
    assert job.is_cancelled()
    assert "no layer of spectra yet" in dock.panel.message.text()
    assert not dock.panel.fit.isEnabled()
    assert MARKER not in viewer.layers
    qtbot.wait(100)
    assert dock.view.table.rowCount() == 0


def test_closing_the_dock_stops_the_fit(dock: FitPeaks, engine: TruthEngine, viewer, qtbot) -> None:
    engine.hold = True
    dock.panel.fit.click()
    qtbot.waitUntil(engine.half.is_set)
    job, cursor = dock.runner.job, dock.view.cursor
    viewer.window.remove_dock_widget(dock)
    assert job.is_cancelled()
    assert list(viewer.window.dock_widgets) == []
    assert cursor._on_move not in viewer.mouse_move_callbacks
    assert cursor._on_drag not in viewer.mouse_drag_callbacks
    viewer.dims.set_point(0, 285.0)
    viewer.theme = "light"
    viewer.layers.clear()
    qtbot.wait(100)


def test_dock_can_be_opened_again(dock: FitPeaks, make_dock, viewer, layer, qtbot) -> None:
    fit(dock, qtbot, "all spectra")
    dock.panel.maps.click()
    viewer.window.remove_dock_widget(dock.parent())
    again = make_dock()
    assert again is not dock
    fit(again, qtbot, "all spectra")
    assert len(maps(viewer)) == 3


def test_closed_plot_comes_back_with_the_next_fit(dock: FitPeaks, viewer, qtbot) -> None:
    viewer.window.remove_dock_widget(dock.view.editor)
    assert dock.view.editor.parent() is None
    fit(dock, qtbot)
    assert dock.view.editor.parent() is not None


def test_problems_are_sentences_in_the_dock(dock: FitPeaks, qtbot) -> None:
    def broken(*_: Any) -> xr.Dataset:
        raise ValueError("expected at least 2 points in the energy range")

    dock.engine = broken
    fit(dock, qtbot)
    assert dock.panel.message.text() == "⚠ Expected at least 2 points in the energy range"
    assert dock.panel.fit.isEnabled()


def test_empty_viewer_and_plain_images_are_explained(make_dock, viewer, add_spectra: Add) -> None:
    dock = make_dock()
    assert "no layer of spectra yet" in dock.panel.message.text()
    assert not dock.panel.fit.isEnabled()
    photo = viewer.add_image(np.zeros((4, 4)), name="photo")
    assert '"photo" is an image' in dock.panel.message.text()
    dock.fit()
    dock.outputs.copy_script()
    dock.outputs.show_maps()
    dock.outputs.show_curves()
    assert dock.outputs.to_export() == []
    layer = add_spectra(viewer, xpsnet.sample("spectrum"))
    assert dock.layer is layer
    assert dock.panel.message.text() == ""
    viewer.layers.selection.active = photo
    assert dock.layer is layer


@pytest.mark.parametrize("name", ["spectrum", "line_scan"])
def test_other_samples(name: str, make_dock, viewer, qtbot) -> None:
    viewer.open_sample("napari-xpsnet", name)
    dock = make_dock()
    assert not dock.view.plot.line.isVisibleTo(dock.view.plot.main)
    fit(dock, qtbot)
    assert dock.view.table.rowCount() == 3
    fit(dock, qtbot, "all spectra")
    dock.panel.maps.click()
    assert len(maps(viewer)) == (0 if name == "spectrum" else 3)
    assert viewer.scene.camera.orientation2d == ("down", "left")
    viewer.window.remove_dock_widget(dock)
    assert viewer.scene.camera.orientation2d == ("down", "right")


def test_awkward_spectra(
    make_dock, viewer, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    holes = small_map.copy(deep=True)
    holes[3, 2] = np.nan
    holes[..., 4:9] = np.nan
    one = small_map.isel(y=slice(0, 1), x=slice(0, 1))
    for spectra in (holes, one, small_map.chunk(y=2), small_map.isel(energy=slice(None, None, -1))):
        add_spectra(viewer, spectra)
    dock = make_dock()
    for layer in list(viewer.layers):
        if "dataarray" in layer.metadata:
            dock.form.layer.value = layer
            fit(dock, qtbot)
            fit(dock, qtbot, "all spectra")
            assert dock.view.table.rowCount() == 3


def test_energy_axis_of_a_silent_file(dock: FitPeaks, viewer, layer, qtbot) -> None:
    fit(dock, qtbot, "all spectra")
    dock.panel.maps.click()
    first = float(layer.metadata["as_read"]["energy"][0])
    dock.axis_form.offset.value = 1.5
    assert layer.translate[0] == pytest.approx(first + 1.5)
    assert dock.view.peaks() is not None
    assert len(maps(viewer)) == 3
    dock.set_scale("kinetic")
    assert dock.view.peaks() is None
    assert maps(viewer) == []
    assert "come back with it" in dock.panel.message.text()
    assert layer.metadata["dataarray"].attrs["scale"] == "kinetic"
    assert not dock.view.plot.main.getViewBox().xInverted()
    dock.axis_form.photon_energy.value = 100.0
    assert "photon energy" in dock.panel.message.text()
    dock.axis_form.photon_energy.value = 0.0
    dock.set_scale("binding")
    assert dock.view.peaks() is not None
    dock.axis_form.offset.value = 0.0
    xr.testing.assert_identical(layer.metadata["dataarray"], layer.metadata["as_read"])


def test_each_layer_keeps_its_own_choices(
    dock: FitPeaks, viewer, layer, add_spectra: Add, qtbot
) -> None:
    fit(dock, qtbot)
    dock.view.pin({"y": 0, "x": 1})
    other = add_spectra(viewer, xpsnet.sample("spectrum"))
    assert dock.layer is other
    assert dock.view.table.rowCount() == 0
    dock.form.layer.value = layer
    assert dock.view.edit.pixel == {"y": 0, "x": 1}
    dock.view.pin({"y": 3, "x": 2})
    assert dock.view.table.rowCount() == 3


def test_script_goes_to_the_clipboard(dock: FitPeaks) -> None:
    dock.panel.script.click()
    text = QApplication.clipboard().text()
    assert "spectra = xpsnet.sample('map')" in text
    assert "spectrum = spectra.isel(y=3, x=2)" in text


def test_what_is_exported_first_follows_the_form(dock: FitPeaks, qtbot) -> None:
    def dims() -> list[int]:
        return [one.peaks["center"].ndim for one in dock.outputs.to_export()]

    fit(dock, qtbot)
    assert dims() == [1]
    fit(dock, qtbot, "all spectra")
    assert dims() == [3, 1]
    dock.form.where.value = "this spectrum"
    assert dims() == [1, 3]
    words = [one.words for one in dock.outputs.to_export()]
    assert "y=3 x=2" in words[0]
    assert words[1] == "all spectra (30)"


@pytest.mark.parametrize("sample", ["map", "spectrum"])
def test_curves_are_layers_beside_the_spectra(
    sample: str, make_dock, viewer, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    spectra = small_map if sample == "map" else xpsnet.sample(sample)
    layer = add_spectra(viewer, spectra)
    dock = make_dock()
    fit(dock, qtbot)
    before = list(viewer.layers)
    dock.panel.curves.click()
    curves = [one for one in viewer.layers if "curves_of" in one.metadata]
    assert len(curves) == 11
    assert [one for one in viewer.layers if one not in curves] == before
    assert dock.layer is layer
    (_, bottom), (_, right) = np.asarray(layer.extent.world).T[-2:]
    measured = next(one for one in curves if one.name == "measured")
    rows, columns = measured.data_to_world(measured.data[0])[-2:]
    if sample == "map":
        assert columns > right
    else:
        assert columns == pytest.approx(float(spectra["energy"][0]))
        assert rows < bottom
    dock.panel.curves.click()
    assert len(viewer.layers) == len(before) + 11
    viewer.layers.remove(layer)
    assert not [one for one in viewer.layers if "curves_of" in one.metadata]


def test_nothing_is_cut_off_in_a_narrow_dock(dock: FitPeaks) -> None:
    assert dock.panel.minimumSizeHint().width() <= 320


def test_light_theme(dock: FitPeaks, viewer, qtbot) -> None:
    fit(dock, qtbot)
    viewer.theme = "light"
    assert dock.view.plot.colors["dark"] is False
    viewer.theme = "dark"
    assert dock.view.plot.colors["dark"] is True
