"""The region tree with real mouse events: files of many regions, overlays, scales, memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import settle
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QContextMenuEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from region_files import LEVELS, PHOTON, write_regions
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet import _regions
from napari_xpsnet._layers import layer_spectra
from napari_xpsnet._reader import read_layers
from napari_xpsnet._regions import Region, file_of, region_of
from napari_xpsnet._widget import FitPeaks
from napari_xpsnet._writer import write_spectra

Add = Callable[..., Any]
CTRL, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier
SAMPLES = ("as received", "reduced 300 C", "oxidized")
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A file of three samples with three regions each."""
    return str(write_regions(tmp_path / "catalyst.vms", SAMPLES, ("C 1s", "O 1s", "Si 2p")))


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 950)
    return viewer


@pytest.fixture
def make_dock(viewer, engine: TruthEngine):
    def make() -> FitPeaks:
        _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
        dock.engine = engine
        settle(0.3)
        return dock

    return make


@pytest.fixture
def dock(viewer, path: str, make_dock) -> FitPeaks:
    """The dock with the file of nine regions."""
    viewer.open(path, plugin="napari-xpsnet")
    return make_dock()


def regions(dock: FitPeaks) -> dict[str, Region]:
    """Regions of all files by their titles."""
    return {region.title: region for file in dock.regions.files for region in file.regions}


def place_of(dock: FitPeaks, region: Region) -> QPoint:
    """Middle of the entry of a region."""
    tree = dock.regions.tree
    tree.scrollToItem(tree.item_of(region))
    return tree.visualItemRect(tree.item_of(region)).center()


def click(dock: FitPeaks, region: Region, modifiers: Any = NONE) -> None:
    """Click on a region in the tree."""
    QTest.mouseClick(dock.regions.tree.viewport(), LEFT, modifiers, place_of(dock, region))
    settle(0.1)


def open_menu(dock: FitPeaks, place: QPoint) -> list[Any]:
    """Entries of the menu that a right click opens."""
    viewport = dock.regions.tree.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.RightButton, NONE, place)
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Mouse, place, viewport.mapToGlobal(place), NONE
    )
    QApplication.sendEvent(viewport, event)
    # Otherwise the button counts as pressed, also in the windows of later tests.
    QTest.mouseRelease(viewport, Qt.MouseButton.RightButton, NONE, place)
    settle(0.05)
    entries = [action for action in dock.regions.panel.menu.actions() if action.text()]
    dock.regions.panel.menu.hide()
    return entries


def fit(dock: FitPeaks, qtbot, where: str = "this spectrum") -> None:
    dock.form.where.value = where
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()


def peaks_for(spectra: xr.DataArray) -> xr.Dataset:
    """One peak, made by hand, for spectra without a known truth."""
    energies = spectra["energy"].values
    return xpsnet.add_peak(None, spectra, float(np.mean(energies)))


class AnyEngine(TruthEngine):
    """Gives one peak for each spectrum, whatever it is."""

    def __call__(self, function, spectra, keywords, progress, cancel) -> xr.Dataset:  # type: ignore[override]
        self.calls.append((function, dict(keywords)))
        self.spectra = spectra
        return peaks_for(spectra)


@pytest.fixture
def any_engine(dock: FitPeaks) -> AnyEngine:
    dock.engine = AnyEngine()
    return dock.engine


# --- one file, one layer, one tree


def test_a_file_is_one_layer_and_one_tree(dock: FitPeaks, viewer) -> None:
    assert len(viewer.layers) == 1
    tree = dock.regions.tree
    assert tree.topLevelItemCount() == 1
    top = tree.topLevelItem(0)
    assert top.text(0) == "catalyst.vms"
    assert [top.child(i).text(0) for i in range(3)] == list(SAMPLES)
    first = top.child(0)
    assert [first.child(i).text(0) for i in range(3)] == ["C 1s", "O 1s", "Si 2p"]
    assert first.child(0).text(1) == "291 \N{EN DASH} 279"
    assert tree.headerItem().text(1) == "BE (eV)"


def test_a_click_shows_a_region(dock: FitPeaks, viewer) -> None:
    found = regions(dock)
    region = found["O 1s, reduced 300 C"]
    (layer,) = viewer.layers
    click(dock, region)
    assert dock.region is region
    assert list(viewer.layers) == [layer]
    assert layer.name == "O 1s, reduced 300 C"
    np.testing.assert_array_equal(layer.data[0], region.spectra.values)
    assert "O 1s, reduced 300 C" in dock.view.editor.title.text()
    low, high = dock.view.plot.main.viewRange()[0]
    assert low < 525.1
    assert high > 536.9
    world = layer.extent.world[:, 1]
    assert world.min() == pytest.approx(525, abs=0.1)
    assert viewer.scene.camera.center[-1] == pytest.approx(531, abs=0.5)
    assert layer.metadata["origin"]["region"] == 4
    again = xpsnet.read_one(layer.metadata["origin"]["name"], region=4)
    xr.testing.assert_identical(again, layer.metadata["as_read"])


def test_regions_of_one_name_are_told_apart_by_their_sample(dock: FitPeaks) -> None:
    heights = []
    for sample in SAMPLES:
        click(dock, regions(dock)[f"C 1s, {sample}"])
        assert sample in dock.view.editor.title.text()
        heights.append(float(dock.view.plot.measured.getData()[1].max()))
    assert heights[0] < 0.6 * heights[1] < 0.6 * heights[2]


def test_the_keyboard_walks_through_the_tree(dock: FitPeaks) -> None:
    tree = dock.regions.tree
    click(dock, regions(dock)["C 1s, as received"])
    QTest.keyClick(tree, Qt.Key.Key_Down)
    settle(0.1)
    assert dock.region is regions(dock)["O 1s, as received"]


def test_a_click_beside_the_regions_changes_nothing(dock: FitPeaks) -> None:
    tree, region = dock.regions.tree, dock.region
    top = tree.topLevelItem(0)
    for place in (
        tree.visualItemRect(top.child(1)).center(),
        QPoint(20, tree.viewport().height() - 3),
    ):
        QTest.mouseClick(tree.viewport(), LEFT, NONE, place)
        settle(0.05)
        assert dock.region is region
        assert tree.selected() == [region]


def test_titles_are_unique() -> None:
    one = xpsnet.sample("spectrum")
    named = [one.assign_attrs(sample=sample) for sample in ("a", "b", "b", "")]
    file = _regions.RegionFile("f", [Region(spectra) for spectra in named])
    assert [r.title for r in file.regions] == ["C 1s, a", "C 1s, b", "C 1s, b (2)", "C 1s"]
    assert list(file.samples()) == ["a", "b", ""]


def test_files_and_own_layers_stand_side_by_side(
    dock: FitPeaks, viewer, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map, call="sample", name="map")
    settle(0.1)
    tree = dock.regions.tree
    assert [tree.topLevelItem(i).text(0) for i in range(2)] == [
        "catalyst.vms",
        "C 1s 6 \N{MULTIPLICATION SIGN} 5",
    ]
    assert dock.region is region_of(layer)
    assert [one.visible for one in viewer.layers if one.metadata.get("file")] == [False, True]
    click(dock, regions(dock)["Si 2p, oxidized"])
    assert dock.layer is viewer.layers[0]
    assert [one.visible for one in viewer.layers if one.metadata.get("file")] == [True, False]
    assert viewer.layers.selection.active is dock.layer
    settle(0.2)
    # The hidden map lies elsewhere; it does not count for the view.
    assert viewer.scene.camera.center[-1] == pytest.approx(LEVELS["Si 2p"], abs=0.1)
    width = viewer.canvas.size[1] / viewer.scene.camera.zoom
    assert 12 < width < 40


def test_from_a_spectrum_to_a_map_and_back_in_one_file(tmp_path: Path) -> None:
    spectrum, line, image = (xpsnet.sample(n) for n in ("spectrum", "line_scan", "map"))
    made = [Region(one) for one in (spectrum, line, image[:, :6, :5], spectrum)]
    data, keywords, _ = _regions.file_layer(_regions.RegionFile("f", made))
    viewer = ViewerModel()
    layer = viewer.add_image(data, **keywords)
    assert set(file_of(layer).regions) == set(made)
    for region in (made[2], made[1], made[0], made[2], made[3]):
        _regions.show_region(region)
        expected = _regions.spectra_layer(region.spectra)
        assert layer.data is layer.metadata["data_of_spectra"]
        np.testing.assert_array_equal(layer.data, expected[0])
        np.testing.assert_allclose(layer.scale, expected[1]["scale"])
        np.testing.assert_allclose(layer.translate, expected[1]["translate"])
        assert tuple(layer.axis_labels) == expected[1]["axis_labels"]
        assert layer_spectra(layer) is region.spectra
        assert viewer.dims.ndim == layer.ndim


# --- several at once


def test_ctrl_click_overlays_and_a_click_ends_it(dock: FitPeaks) -> None:
    found = regions(dock)
    click(dock, found["C 1s, as received"])
    active = dock.region
    click(dock, found["C 1s, oxidized"], CTRL)
    click(dock, found["C 1s, reduced 300 C"], CTRL)
    assert dock.region is active
    drawn = dock.view.overlay.drawn
    assert len(drawn) == 2
    first, *others = dock.view.plot.legend_names
    assert first == "C 1s, as received"
    assert sorted(others) == ["C 1s, oxidized", "C 1s, reduced 300 C"]
    top = dock.view.plot.main.viewRange()[1][1]
    assert top > float(found["C 1s, oxidized"].spectra.max())
    click(dock, found["C 1s, oxidized"], CTRL)
    assert len(dock.view.overlay.drawn) == 1
    click(dock, active, CTRL)
    assert dock.region is found["C 1s, reduced 300 C"]
    click(dock, found["C 1s, oxidized"])
    assert dock.view.overlay.drawn == []
    assert dock.view.plot.legend_names == ["measured"]


def test_overlaid_spectra_are_normalized_and_shifted(dock: FitPeaks) -> None:
    found = regions(dock)
    click(dock, found["C 1s, as received"])
    assert not dock.view.editor.offset.isVisible()
    click(dock, found["C 1s, oxidized"], CTRL)
    (line,) = dock.view.overlay.drawn
    assert dock.view.editor.offset.isVisible()
    QTest.mouseClick(dock.view.editor.normalize, LEFT)
    assert line.getData()[1].max() == pytest.approx(1.0)
    QTest.mouseClick(dock.view.editor.offset, LEFT)
    assert line.getData()[1].max() > 1.1


def test_other_levels_come_into_view(dock: FitPeaks) -> None:
    found = regions(dock)
    click(dock, found["C 1s, as received"])
    click(dock, found["O 1s, as received"], CTRL)
    low, high = dock.view.plot.main.viewRange()[0]
    assert low < 279.1
    assert high > 536.9


def test_a_line_scan_as_a_waterfall(viewer, make_dock) -> None:
    viewer.open_sample("napari-xpsnet", "line_scan")
    dock = make_dock()
    editor = dock.view.editor
    assert editor.waterfall.isVisible()
    QTest.mouseClick(editor.waterfall, LEFT)
    number = dock.region.spectra.sizes["position"]
    assert len(dock.view.overlay.drawn) == number - 1
    peaks = [line.getData()[1].min() for line in dock.view.overlay.drawn]
    assert peaks[-1] > peaks[0]
    assert dock.view.plot.main.getAxis("left").labelText == "Counts, shifted"
    QTest.mouseClick(editor.waterfall, LEFT)
    assert dock.view.overlay.drawn == []


def test_a_map_has_no_waterfall(
    viewer, make_dock, small_map: xr.DataArray, add_spectra: Add
) -> None:
    add_spectra(viewer, small_map, call="sample", name="map")
    dock = make_dock()
    assert not dock.view.editor.waterfall.isVisible()


# --- energy scales


def test_binding_energy_wherever_it_is_known(path: str) -> None:
    ((_, keywords, _),) = read_layers(path)
    assert keywords["metadata"]["dataarray"].attrs["scale"] == "binding"
    assert keywords["metadata"]["as_read"].attrs["scale"] == "kinetic"
    assert keywords["translate"][1] == pytest.approx(291.0, abs=0.01)
    assert keywords["scale"][1] < 0


def test_one_switch_for_all_regions(dock: FitPeaks, any_engine: AnyEngine, qtbot) -> None:
    found = regions(dock)
    fit(dock, qtbot)
    click(dock, found["O 1s, oxidized"])
    fit(dock, qtbot)
    button = dock.regions.panel.scales["kinetic"]
    QTest.mouseClick(button, LEFT)
    settle(0.1)
    assert {region.scale for region in found.values()} == {"kinetic"}
    assert dock.regions.tree.headerItem().text(1) == "KE (eV)"
    assert dock.view.plot.main.viewRange()[0][1] > PHOTON - LEVELS["O 1s"] + 5.9
    assert not dock.view.plot.main.getViewBox().xInverted()
    assert dock.edit.peaks() is None
    assert "come back with it" in dock.panel.message.text()
    click(dock, found["Si 2p, oxidized"])
    assert dock.view.plot.main.viewRange()[0][1] > PHOTON - LEVELS["Si 2p"] + 5.9
    QTest.mouseClick(dock.regions.panel.scales["binding"], LEFT)
    settle(0.1)
    assert {region.scale for region in found.values()} == {"binding"}
    click(dock, found["O 1s, oxidized"])
    assert dock.edit.peaks() is not None
    assert found["C 1s, as received"].is_fitted


def test_the_switch_is_one_step_of_undo(dock: FitPeaks, any_engine: AnyEngine, qtbot) -> None:
    found = regions(dock)
    for name in ("C 1s, as received", "O 1s, as received"):
        click(dock, found[name])
        fit(dock, qtbot)
    QTest.mouseClick(dock.regions.panel.scales["kinetic"], LEFT)
    assert dock.stack.undoText() == "kinetic energy"
    dock.stack.undo()
    settle(0.1)
    assert dock.region is found["O 1s, as received"]
    assert dock.regions.panel.scales["binding"].isChecked()
    for name in ("C 1s, as received", "O 1s, as received"):
        assert found[name].scale == "binding"
        assert found[name].is_fitted
    click(dock, found["Si 2p, as received"])
    assert dock.region.scale == "binding"


def test_a_fit_on_the_other_scale_is_stopped(
    dock: FitPeaks, small_map: xr.DataArray, engine: TruthEngine, viewer, add_spectra: Add, qtbot
) -> None:
    add_spectra(viewer, small_map, call="sample", name="map")
    QTest.mouseClick(dock.regions.panel.scales["kinetic"], LEFT)
    engine.hold = True
    dock.panel.fit.click()
    qtbot.waitUntil(engine.half.is_set)
    job = dock.runner.job
    dock.stack.undo()
    assert dock.region.scale == "binding"
    assert job.is_cancelled()
    settle(0.2)
    assert not dock.runner.busy
    assert dock.edit.peaks() is None


def test_a_region_without_photon_energy_stays_as_it_is(viewer, make_dock, add_spectra: Add) -> None:
    spectrum = xpsnet.to_kinetic(xpsnet.sample("spectrum"))
    silent = spectrum.copy()
    del silent.attrs["photon_energy"]
    layer = add_spectra(viewer, silent)
    dock = make_dock()
    assert dock.region.scale == "kinetic"
    QTest.mouseClick(dock.regions.panel.scales["binding"], LEFT)
    assert "photon energy" in dock.panel.message.text()
    dock.axis_form.photon_energy.value = 1486.6
    assert dock.region.scale == "binding"
    assert layer.metadata["dataarray"].attrs["scale"] == "binding"


def test_an_offset_moves_spectra_and_peaks_together(
    dock: FitPeaks, any_engine: AnyEngine, qtbot
) -> None:
    fit(dock, qtbot)
    center = float(dock.edit.peaks()["center"][0])
    first = float(dock.region.spectra["energy"][0])
    dock.axis_form.offset.value = 1.5
    moved = float(dock.region.spectra["energy"][0]) - first
    assert abs(moved) == pytest.approx(1.5)
    assert float(dock.edit.peaks()["center"][0]) - center == pytest.approx(moved)


# --- what is remembered


def test_each_region_remembers_its_range_settings_and_fit(
    dock: FitPeaks, any_engine: AnyEngine, qtbot
) -> None:
    found = regions(dock)
    first, second = found["C 1s, as received"], found["O 1s, as received"]
    click(dock, first)
    dock.form.limited.value = True
    dock.form.first.value, dock.form.last.value = 289.5, 281.25
    dock.form.n_states.value = 2
    dock.form.line_shape.value = "voigt"
    fit(dock, qtbot)
    item = dock.regions.tree.item_of(first)
    assert item.text(2) != ""
    click(dock, second)
    assert dock.form.energy_range() is None
    assert dock.form.n_states.value == "auto"
    assert dock.form.line_shape.value == "auto"
    assert dock.edit.peaks() is None
    assert dock.regions.tree.item_of(second).text(2) == ""
    click(dock, first)
    assert dock.form.energy_range() == (289.5, 281.25)
    assert (dock.form.n_states.value, dock.form.line_shape.value) == (2, "voigt")
    assert dock.edit.peaks() is not None
    assert dock.view.table.rowCount() == 1


def test_a_closed_dock_forgets_nothing(
    dock: FitPeaks, any_engine: AnyEngine, make_dock, viewer, qtbot
) -> None:
    found = regions(dock)
    fit(dock, qtbot)
    dock.form.limited.value = True
    dock.form.first.value = 288.5
    click(dock, found["O 1s, oxidized"])
    viewer.window.remove_dock_widget(dock.parent())
    assert list(viewer.window.dock_widgets) == []
    again = make_dock()
    assert again.region is found["O 1s, oxidized"]
    click(again, found["C 1s, as received"])
    assert again.edit.peaks() is not None
    assert again.form.energy_range()[0] == 288.5


def test_a_fit_that_ends_while_another_region_is_shown(
    dock: FitPeaks, viewer, small_map: xr.DataArray, engine: TruthEngine, add_spectra: Add, qtbot
) -> None:
    layer = add_spectra(viewer, small_map, call="sample", name="map")
    dock.form.where.value = "all spectra"
    engine.hold = True
    dock.panel.fit.click()
    qtbot.waitUntil(engine.half.is_set)
    click(dock, regions(dock)["C 1s, as received"])
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        engine.go.set()
    assert dock.edit.peaks() is None
    click(dock, region_of(layer))
    assert dock.edit.content.whole is not None


def test_maps_and_curves_hide_with_their_region(
    dock: FitPeaks, viewer, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    layer = add_spectra(viewer, small_map, call="sample", name="map")
    fit(dock, qtbot, "all spectra")
    dock.panel.maps.click()
    maps = [one for one in viewer.layers if "map_of" in one.metadata]
    shown = [one.visible for one in maps]
    assert sorted(shown) == [False, False, True]
    click(dock, regions(dock)["C 1s, as received"])
    assert not any(one.visible for one in maps)
    click(dock, region_of(layer))
    assert [one.visible for one in maps] == shown


def test_undo_shows_the_region_that_it_changes(
    dock: FitPeaks, any_engine: AnyEngine, qtbot
) -> None:
    found = regions(dock)
    fit(dock, qtbot)
    first = dock.region
    click(dock, found["O 1s, oxidized"])
    dock.stack.undo()
    assert dock.region is first
    assert dock.edit.peaks() is None


# --- layer data that change


@pytest.mark.parametrize("fitted_before", [False, True])
def test_changed_layer_data_are_fitted(
    fitted_before: bool, dock: FitPeaks, any_engine: AnyEngine, viewer, qtbot
) -> None:
    if fitted_before:
        fit(dock, qtbot)
    (layer,) = viewer.layers
    layer.data = 3.0 * layer.data + 7.0
    settle(0.05)
    shown = dock.view.plot.measured.getData()[1]
    assert shown.max() == pytest.approx(float(layer.data.max()))
    assert "have changed" in dock.panel.message.text()
    fit(dock, qtbot)
    np.testing.assert_array_equal(any_engine.spectra.values, layer.data[0])
    changed = layer.data.copy()
    click(dock, regions(dock)["O 1s, as received"])
    click(dock, regions(dock)["C 1s, as received"])
    np.testing.assert_array_equal(layer.data, changed)
    QTest.mouseClick(dock.regions.panel.scales["kinetic"], LEFT)
    np.testing.assert_array_equal(dock.region.spectra.values, changed[0])


def test_changed_data_of_a_map_keep_their_axes(small_map: xr.DataArray, add_spectra: Add) -> None:
    layer = add_spectra(ViewerModel(), small_map)
    layer.data = layer.data[::-1].copy()
    found = layer_spectra(layer)
    assert found.dims == small_map.dims
    np.testing.assert_array_equal(found.values, small_map.values[..., ::-1])
    assert layer_spectra(layer) is found


def test_data_of_another_shape_are_refused_in_words(
    dock: FitPeaks, viewer, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    assert dock.layer is layer
    layer.data = layer.data[:, :3]
    settle(0.1)
    with pytest.raises(ValueError, match="have now the shape"):
        layer_spectra(layer)
    assert dock.layer is not layer


def test_changed_data_are_saved(tmp_path: Path, small_map: xr.DataArray, add_spectra: Add) -> None:
    layer = add_spectra(ViewerModel(), small_map)
    layer.data = 2.0 * layer.data
    data, attributes, _ = layer.as_layer_data_tuple()
    (written,) = write_spectra(str(tmp_path / "a.nc"), data, attributes)
    np.testing.assert_array_equal(xpsnet.read_one(written).values, 2.0 * small_map.values)


def test_a_duplicate_is_a_region_of_its_own(viewer, dock: FitPeaks) -> None:
    (layer,) = viewer.layers
    data, state, _ = layer.as_layer_data_tuple()
    copy = viewer.add_image(data.copy(), **state)
    assert file_of(copy) is not file_of(layer)
    assert len(file_of(layer).regions) == 9
    assert len(file_of(copy).regions) == 1
    assert region_of(copy).edit() is not region_of(layer).edit()


# --- the menu


def test_peaks_go_to_the_selected_regions(dock: FitPeaks, any_engine: AnyEngine, qtbot) -> None:
    found = regions(dock)
    click(dock, found["C 1s, as received"])
    fit(dock, qtbot)
    targets = [found["C 1s, reduced 300 C"], found["C 1s, oxidized"]]
    for target in targets:
        click(dock, target, CTRL)
    copy, _ = open_menu(dock, place_of(dock, targets[1]))
    assert copy.text() == "Copy the peaks of C 1s, as received to the 2 selected regions"
    any_engine.calls.clear()
    copy.trigger()
    qtbot.waitUntil(lambda: len(any_engine.calls) == 2 and not dock.runner.busy, timeout=10_000)
    assert [call[0] for call in any_engine.calls] == ["refine", "refine"]
    assert all(target.is_fitted for target in targets)
    assert all(dock.regions.tree.item_of(target).text(2) for target in targets)
    assert dock.region is found["C 1s, as received"]
    assert dock.regions.tree.others() == targets


def test_a_right_click_selects_nothing(dock: FitPeaks) -> None:
    found, before = regions(dock), dock.region
    copy, remove = open_menu(dock, place_of(dock, found["O 1s, oxidized"]))
    assert dock.region is before
    assert copy.text() == "Copy the peaks of C 1s, as received to O 1s, oxidized"
    assert not copy.isEnabled()
    assert remove.text() == "Remove O 1s, oxidized"


def test_a_region_is_removed(dock: FitPeaks, viewer) -> None:
    found = regions(dock)
    _, remove = open_menu(dock, place_of(dock, found["C 1s, as received"]))
    remove.trigger()
    settle(0.1)
    assert "C 1s, as received" not in regions(dock)
    assert dock.region is found["O 1s, as received"]
    assert dock.view.editor.title.text() == "O 1s, as received"
    assert len(viewer.layers) == 1
    top = dock.regions.tree.topLevelItem(0)
    assert [top.child(i).childCount() for i in range(3)] == [2, 3, 3]
    place = dock.regions.tree.visualItemRect(top).center()
    (remove,) = open_menu(dock, place)
    assert remove.text() == "Remove catalyst.vms"
    remove.trigger()
    settle(0.1)
    assert len(viewer.layers) == 0
    assert "no layer of spectra yet" in dock.panel.message.text()
    assert dock.regions.tree.topLevelItemCount() == 0


def test_removing_the_layer_closes_the_file(dock: FitPeaks, viewer) -> None:
    viewer.layers.clear()
    settle(0.1)
    assert dock.regions.tree.topLevelItemCount() == 0
    assert dock.region is None


def test_a_layer_that_comes_back_can_be_fitted(
    dock: FitPeaks, viewer, any_engine: AnyEngine, qtbot
) -> None:
    (layer,) = viewer.layers
    viewer.layers.remove(layer)
    settle(0.1)
    viewer.layers.append(layer)
    settle(0.1)
    assert len(regions(dock)) == 9
    fit(dock, qtbot)
    assert dock.edit.peaks() is not None
    assert dock.region.is_fitted


def test_a_file_of_54_blocks_is_one_layer(tmp_path: Path, viewer, make_dock) -> None:
    dock = make_dock()
    samples = [f"sample {number}" for number in range(9)]
    path = write_regions(tmp_path / "many.vms", samples)
    viewer.open(str(path), plugin="napari-xpsnet")
    settle(0.1)
    assert len(viewer.layers) == 1
    top = dock.regions.tree.topLevelItem(0)
    assert [top.child(i).text(0) for i in range(9)] == samples
    assert [top.child(i).childCount() for i in range(9)] == [6] * 9
    last = regions(dock)["F 1s, sample 8"]
    click(dock, last)
    assert dock.region is last


# --- measured files


def test_a_measured_file_opens_as_one_tree(real_data: Path, viewer, make_dock) -> None:
    viewer.open(str(real_data / "vamas" / "0-150W.vms"), plugin="napari-xpsnet")
    dock = make_dock()
    found = regions(dock)
    assert list(found) == ["survey", "Ni 2p", "O 1s", "C 1s", "W 4f"]
    assert found["C 1s"].sample == "Ni-W"
    for region in found.values():
        click(dock, region)
        assert dock.region is region
        assert region.scale == "binding"
        low, high = dock.view.plot.main.viewRange()[0]
        energies = region.spectra["energy"].values
        assert low <= energies.min() < energies.max() <= high
