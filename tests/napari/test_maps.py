"""Parameter maps: where they lie, what they are called, and that a second fit replaces them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from napari.components import ViewerModel
from truth_engine import truth_of

import xpsnet
from napari_xpsnet import _maps
from napari_xpsnet._curve_layers import curve_layers
from napari_xpsnet._edit_state import Content
from napari_xpsnet._state import FitState

Add = Callable[..., Any]


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def names(viewer: ViewerModel) -> list[str]:
    return [layer.name for layer in viewer.layers if "map_of" in layer.metadata]


def test_maps_lie_on_their_pixels(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    peaks = truth_of(small_map)
    _maps.show_maps(viewer, layer, peaks, "all")
    for one in _maps.maps_of(viewer, layer):
        np.testing.assert_allclose(one.scale, layer.scale[1:])
        np.testing.assert_allclose(one.translate, layer.translate[1:])
        assert one.units == layer.units[1:]
        assert tuple(one.axis_labels) == ("y", "x")
    shown = viewer.layers[f"{layer.name}: center, C-O [eV]"]
    np.testing.assert_array_equal(shown.data, peaks["center"].isel(peak=1).values)


def test_every_parameter_of_every_peak_has_its_map(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    peaks = truth_of(small_map)
    peaks["center"][..., 2] = np.nan
    _maps.show_maps(viewer, layer, peaks, "all")
    assert f"{layer.name}: center, O-C=O [eV]" not in names(viewer)
    assert len(names(viewer)) == 4 * 3 - 1 + 2
    visible = [one.name for one in _maps.maps_of(viewer, layer) if one.visible]
    assert visible == [f"{layer.name}: area, C-C / C-H [counts eV]"]


def test_second_fit_replaces_the_maps(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    peaks = truth_of(small_map)
    _maps.show_maps(viewer, layer, peaks, "center")
    kept = viewer.layers[f"{layer.name}: center, C-C / C-H [eV]"]
    kept.colormap = "gray"
    changed = peaks.assign(center=peaks["center"] + 1).isel(peak=slice(0, 2))
    _maps.show_maps(viewer, layer, changed)
    assert len(names(viewer)) == 2
    assert viewer.layers[f"{layer.name}: center, C-C / C-H [eV]"] is kept
    assert kept.colormap.name == "gray"
    np.testing.assert_array_equal(kept.data, changed["center"].isel(peak=0).values)


def test_without_maps_a_fit_adds_none(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    _maps.show_maps(viewer, layer, truth_of(small_map))
    assert names(viewer) == []


def test_other_layers_and_the_selection_stay(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    first, second = add_spectra(viewer, small_map), add_spectra(viewer, small_map)
    _maps.show_maps(viewer, first, truth_of(small_map), "area")
    viewer.layers.selection = {first}
    _maps.show_maps(viewer, second, truth_of(small_map), "area")
    assert viewer.layers.selection == {first}
    assert len(_maps.maps_of(viewer, first)) == len(_maps.maps_of(viewer, second)) == 3
    _maps.remove_maps(viewer, first)
    assert len(_maps.maps_of(viewer, second)) == 3
    assert len(_maps.maps_of(viewer, first)) == 0


def test_maps_of_a_line_scan_are_strips_beside_it(viewer: ViewerModel, add_spectra: Add) -> None:
    scan = xpsnet.sample("line_scan")
    layer = add_spectra(viewer, scan)
    _maps.show_maps(viewer, layer, truth_of(scan), "area")
    strip = _maps.maps_of(viewer, layer)[0]
    assert strip.data.shape == (scan.sizes["position"], 1)
    assert strip.scale[0] == layer.scale[0]
    (_, left), (_, right) = strip.extent.world
    energies = scan["energy"].values
    assert not min(left, right) < energies.max() < max(left, right)
    assert not min(left, right) < energies.min() < max(left, right)


def test_maps_of_an_array_with_energy_last(viewer: ViewerModel, small_map: xr.DataArray) -> None:
    layer = viewer.add_image(small_map)
    _maps.show_maps(viewer, layer, truth_of(small_map), "n_peaks")
    assert _maps.maps_of(viewer, layer)[0].data.shape == (6, 5, 1)


def test_a_map_of_one_pixel(viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add) -> None:
    one = small_map.isel(y=slice(0, 1), x=slice(0, 1))
    layer = add_spectra(viewer, one)
    _maps.show_maps(viewer, layer, truth_of(one), "all")
    assert len(names(viewer)) == 14


@pytest.mark.parametrize("name", ["count", "label", "noise", "peak", "status"])
def test_own_names_do_not_collide_with_those_of_peaks(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add, name: str
) -> None:
    site = (name, np.array([f"site {i}" for i in range(6)]))
    spectra = small_map.rename(y=name).assign_coords(area=site, center=site)
    layer = add_spectra(viewer, spectra)
    peaks = xpsnet.predict(spectra)
    _maps.show_maps(viewer, layer, peaks, "area")
    shown = _maps.maps_of(viewer, layer)[-1]
    assert shown.data.shape == (6, 5)
    assert tuple(shown.axis_labels) == (name, "x")
    results = Content()
    results = results.with_fit(FitState(), peaks)
    one = results.at({name: 3, "x": 2})
    assert one is not None
    expected = xpsnet.predict(small_map)["center"].isel(y=3, x=2)
    np.testing.assert_allclose(one["center"].values, expected.values)
    assert curve_layers(spectra.isel({name: 3, "x": 2}), one)


def test_maps_of_a_quantity_are_compared_and_no_two_quantities_are_seen_at_once(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    peaks = truth_of(small_map)
    _maps.show_maps(viewer, layer, peaks, "area")
    _maps.show_maps(viewer, layer, peaks, "center")
    areas, centers = (
        [one for one in _maps.maps_of(viewer, layer) if one.metadata["variable"] == name]
        for name in ("area", "center")
    )
    assert [one.visible for one in areas] == [False] * 3
    assert sum(one.visible for one in centers) == 1
    assert len({tuple(one.contrast_limits) for one in areas}) == 1
    areas[0].contrast_limits = (10.0, 200.0)
    assert {tuple(one.contrast_limits) for one in areas} == {(10.0, 200.0)}
    assert len({tuple(one.contrast_limits) for one in centers}) == 3
    assert [one.colorbar.visible for one in areas] == [False, False, True]
    for one in areas:
        one.visible = True
        assert one.colorbar.visible
        # Who hides the bar of a map does not get it back with the map.
        one.colorbar.visible = one.visible = False
        one.visible = True
        assert not one.colorbar.visible


def test_pixels_without_a_value_are_opaque(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    peaks = truth_of(small_map)
    peaks["area"][0, 0, 0] = np.nan
    _maps.show_maps(viewer, layer, peaks, "area")
    shown = viewer.layers[f"{layer.name}: area, C-C / C-H [counts eV]"]
    color = shown.colormap.map(np.array([np.nan]))[0]
    np.testing.assert_allclose(color, [0.5, 0.5, 0.5, 1.0], atol=0.01)
    again = _maps.colormap("inferno").map(np.array([0.0, 0.5, 1.0]))
    assert not np.isclose(again, color).all(axis=1).any()
