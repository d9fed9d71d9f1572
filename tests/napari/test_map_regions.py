"""Shapes, masks and colors over a map: the pixels that they mean."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from napari.components import ViewerModel
from truth_engine import truth_of

import xpsnet
from napari_xpsnet import _map_regions, _maps
from napari_xpsnet._layers import layer_spectra

Add = Callable[..., Any]


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def corners(layer: Any, low: tuple[float, float], high: tuple[float, float]) -> np.ndarray:
    """Rectangle between two places, in pixels of the layer, as world coordinates."""
    box = np.array([low, (low[0], high[1]), high, (high[0], low[1])])
    return box * layer.scale[-2:] + layer.translate[-2:]


def test_mean_of_the_pixels_inside(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    viewer.add_shapes([corners(layer, (0.5, 1.5), (2.5, 3.5))], shape_type="rectangle")
    data, keywords, _ = _map_regions.mean_layer(viewer, layer)
    expected = small_map.isel(y=slice(1, 3), x=slice(2, 4)).mean(["y", "x"])
    np.testing.assert_allclose(data[0], expected)
    assert keywords["name"] == "C 1s: mean of 4 spectra"
    assert keywords["metadata"]["dataarray"].attrs["n_spectra"] == 4


def test_a_shapes_layer_with_its_own_scale(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    world = corners(layer, (-0.5, -0.5), (0.5, 4.5))
    viewer.add_shapes([world / 0.25], shape_type="polygon", scale=(0.25, 0.25))
    mask = _map_regions.inside(viewer.layers[-1], layer, layer_spectra(layer))
    assert mask.sum("x").values.tolist() == [5, 0, 0, 0, 0, 0]


def test_rows_of_a_line_scan(viewer: ViewerModel, add_spectra: Add) -> None:
    scan = xpsnet.sample("line_scan")
    layer = add_spectra(viewer, scan)
    viewer.add_shapes([corners(layer, (9.5, 20), (19.5, 40))], shape_type="rectangle")
    data, _, _ = _map_regions.mean_layer(viewer, layer)
    np.testing.assert_allclose(data[0], scan.isel(position=slice(10, 20)).mean("position"))


def test_what_to_do_first(viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add) -> None:
    layer = add_spectra(viewer, small_map)
    with pytest.raises(ValueError, match="Draw a rectangle"):
        _map_regions.mean_layer(viewer, layer)
    shapes = viewer.layers["region"]
    assert viewer.layers.selection.active is shapes
    assert str(shapes.mode) == "add_rectangle"
    shapes.add_rectangles(corners(layer, (50, 50), (60, 60)))
    with pytest.raises(ValueError, match="No pixel"):
        _map_regions.mean_layer(viewer, layer)


def test_masks(viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add) -> None:
    layer = add_spectra(viewer, small_map)
    peaks = truth_of(small_map)
    peaks["center"][2:, :, 1] = np.nan
    peaks["status"][0, 3] = 6
    choices = dict(_map_regions.mask_choices(peaks))
    assert list(choices)[:2] == ["status: ok", "status: at bound"]
    _map_regions.show_mask(viewer, layer, peaks, choices["with C-O"])
    mask = viewer.layers[-1]
    np.testing.assert_array_equal(mask.data, np.isfinite(peaks["center"].isel(peak=1)))
    _map_regions.show_mask(viewer, layer, peaks, choices["status: at bound"])
    assert mask not in viewer.layers
    assert np.argwhere(viewer.layers[-1].data).tolist() == [[0, 3]]
    np.testing.assert_allclose(viewer.layers[-1].scale, layer.scale[1:])


def test_three_peaks_as_colors(
    viewer: ViewerModel, small_map: xr.DataArray, add_spectra: Add
) -> None:
    layer = add_spectra(viewer, small_map)
    peaks = truth_of(small_map)
    peaks["area"][0, 0, 1] = np.nan
    _maps.show_maps(viewer, layer, peaks, "center")
    for _ in range(2):
        _map_regions.show_rgb(viewer, layer, peaks)
    shown = [one for one in _maps.maps_of(viewer, layer) if one.visible]
    assert [one.colormap.name for one in shown] == ["red", "green", "blue"]
    assert [str(one.blending) for one in shown] == ["opaque", "additive", "additive"]
    np.testing.assert_array_equal(shown[1].data, peaks["area"].isel(peak=1).fillna(0.0))
    _maps.show_maps(viewer, layer, peaks, "area")
    assert sum(one.visible for one in _maps.maps_of(viewer, layer)) == 1
    with pytest.raises(ValueError, match="at least two peaks"):
        _map_regions.show_rgb(viewer, layer, peaks.isel(peak=slice(0, 1)))


@pytest.mark.parametrize("name", ["map", "line_scan"])
def test_pixels_as_points_have_a_table_of_their_parameters(
    name: str, viewer: ViewerModel, add_spectra: Add
) -> None:
    spectra = xpsnet.sample(name)
    spectra = spectra.isel({dim: slice(0, 5) for dim in spectra.dims if dim != "energy"})
    layer, peaks = add_spectra(viewer, spectra), truth_of(spectra)
    _map_regions.show_points(viewer, layer, peaks)
    points = viewer.layers[-1]
    number = spectra.size // spectra.sizes["energy"]
    assert len(points.data) == len(points.features) == number
    maps = _maps.map_layers(peaks, layer, _maps.VARIABLES)
    assert len(maps) >= 6
    for data, keywords, _ in maps:
        column = points.features[keywords["metadata"]["map"]]
        # Each row is the value of the map at the place of its point.
        places = [points.data_to_world(place) for place in points.data]
        start, step = (np.array(keywords[one]) for one in ("translate", "scale"))
        at = [tuple(np.round((place - start) / step).astype(int)) for place in places]
        np.testing.assert_array_equal(column, [data[one] for one in at])
        assert column.dtype.kind == "f"
    assert [str(one) for one in points.units] == [str(one) for one in maps[0][1]["units"]]
    _map_regions.show_points(viewer, layer, peaks)
    assert len([one for one in viewer.layers if "points_of" in one.metadata]) == 1
