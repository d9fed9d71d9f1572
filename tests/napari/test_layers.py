"""Layers of spectra: order, view, scale, and what is said about layers that have none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from napari.components import ViewerModel

import xpsnet
from napari_xpsnet import _layers

Add = Callable[..., Any]
ENERGY = np.linspace(294.0, 282.0, 241)


def spectra(*shape: int, energy: np.ndarray = ENERGY, **attrs: Any) -> xr.DataArray:
    dims = ("etch_time", "y", "x")[3 - len(shape) :] if len(shape) != 1 else ("position",)
    counts = np.random.default_rng(1).poisson(100, (*shape, energy.size)).astype(float)
    coords = {"energy": ("energy", energy, {"units": "eV"})}
    coords |= {
        d: (d, 2.0 * np.arange(n) + 1, {"units": "um"}) for d, n in zip(dims, shape, strict=False)
    }
    return xr.DataArray(
        counts, dims=(*dims, "energy"), coords=coords, name="C 1s", attrs={"scale": "binding"}
    ).assign_attrs(attrs)


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((), ("spectrum", "energy")),
        ((7,), ("position", "energy")),
        ((5, 6), ("energy", "y", "x")),
        ((1, 1), ("energy", "y", "x")),
        ((3, 5, 6), ("energy", "etch_time", "y", "x")),
    ],
    ids=["spectrum", "line scan", "map", "one pixel", "depth profile of maps"],
)
def test_axes_are_ordered_for_the_canvas(
    shape: tuple[int, ...], dims: tuple[str, ...], add_spectra: Add
) -> None:
    source = spectra(*shape)
    layer = add_spectra(ViewerModel(), source)
    assert tuple(layer.axis_labels) == dims == _layers.layer_dims(layer)
    assert layer.data.shape == tuple({"spectrum": 1, **source.sizes}[dim] for dim in dims)
    assert np.shares_memory(layer.data, source.values)
    assert _layers.layer_spectra(layer) is source
    assert str(layer.units[dims.index("energy")]) == "electron_volt"


def test_scale_does_not_drift_over_a_rounded_axis() -> None:
    energy = np.round(np.linspace(282.0, 294.0, 400), 2)
    transform = _layers.axis_transform(spectra(energy=energy), "energy")
    assert transform.world(399) == pytest.approx(294.0, abs=1e-9)
    assert [transform.index(e) for e in energy] == list(range(400))


def test_descending_energies_keep_their_direction(add_spectra: Add) -> None:
    layer = add_spectra(ViewerModel(), spectra(5, 6))
    assert layer.scale[0] == pytest.approx(-0.05)
    assert layer.translate[0] == 294.0
    assert tuple(layer.data_to_world((240, 2, 3))) == pytest.approx((282.0, 5.0, 7.0))


@pytest.mark.parametrize(
    ("coordinate", "expected"),
    [
        (("y", [1.0, 3.0, 5.0], {"units": "um"}), (2.0, 1.0, "um")),
        (("y", ["a", "b", "c"]), (1.0, 0.0, "pixel")),
        (("y", [np.nan, 1.0, 2.0]), (1.0, 0.0, "pixel")),
        (("y", [4.0, 4.0, 4.0]), (1.0, 4.0, "pixel")),
        (("y", [1.0, 3.0, 5.0], {"units": "no such unit"}), (2.0, 1.0, "pixel")),
    ],
    ids=["um", "texts", "nan", "constant", "unknown unit"],
)
def test_coordinates_become_transforms(coordinate: Any, expected: tuple[float, float, str]) -> None:
    source = xr.DataArray(np.zeros(3), dims="y", coords={"y": coordinate})
    found = _layers.axis_transform(source, "y")
    assert (found.scale, found.translate, found.units) == expected


def test_pixel_under_the_mouse(add_spectra: Add) -> None:
    layer = add_spectra(ViewerModel(), spectra(5, 6))
    assert _layers.pixel_at(layer, (290.0, 5.2, 6.8)) == {"y": 2, "x": 3}
    assert _layers.pixel_at(layer, (290.0, -1.0, 6.8)) is None
    assert _layers.pixel_at(layer, (290.0, 5.2, 13.0)) is None


def test_pixel_of_a_line_scan_and_of_a_spectrum(add_spectra: Add) -> None:
    layer = add_spectra(ViewerModel(), spectra(7))
    row = layer.data_to_world((2, 10))
    assert _layers.pixel_at(layer, row) == {"position": 2}
    layer = add_spectra(ViewerModel(), spectra())
    assert _layers.pixel_at(layer, (0.0, 290.0)) == {}
    assert _layers.pixel_at(layer, (0.0, 300.0)) is None


@pytest.mark.parametrize(("shape", "share"), [((), 0.1), ((7,), 0.6), ((400,), 0.6)])
def test_pictures_of_energies_are_never_hairlines(
    shape: tuple[int, ...], share: float, add_spectra: Add
) -> None:
    layer = add_spectra(ViewerModel(), spectra(*shape))
    height, width = np.abs(np.array(layer.data.shape) * layer.scale)
    assert height / width == pytest.approx(share)


def test_arrays_that_napari_added_itself_keep_their_own_order() -> None:
    source = spectra(5, 6)
    layer = ViewerModel().add_image(source)
    assert _layers.has_spectra(layer)
    assert _layers.layer_dims(layer) == ("y", "x", "energy")
    assert _layers.pixel_at(layer, (5.0, 7.0, 290.0)) == {"y": 2, "x": 3}


def test_lazy_spectra_stay_lazy(add_spectra: Add) -> None:
    layer = add_spectra(ViewerModel(), spectra(5, 6).chunk(y=2))
    assert hasattr(layer.data, "dask")


def test_missing_points_and_empty_pixels_are_shown(add_spectra: Add) -> None:
    source = spectra(5, 6)
    source[0] = np.nan
    source[..., 0] = np.nan
    assert add_spectra(ViewerModel(), source).data.shape == (241, 5, 6)


def test_plain_images_are_refused_with_advice() -> None:
    layer = ViewerModel().add_image(np.zeros((4, 4)), name="photo")
    assert not _layers.has_spectra(layer)
    with pytest.raises(ValueError, match=r'"photo" is an image .* viewer\.add_image'):
        _layers.layer_spectra(layer)
    with pytest.raises(ValueError, match="no layer of spectra yet"):
        _layers.layer_spectra(None)


def test_moved_energies_move_the_layer(add_spectra: Add) -> None:
    source = spectra(5, 6)
    layer = add_spectra(ViewerModel(), source)
    _layers.place_energy(layer, source.xps.shift(1.5))
    assert layer.translate[0] == 295.5
    assert layer.translate[1] == 1.0


def test_names_of_peaks_and_pixels() -> None:
    source = spectra(5, 6)
    assert (
        _layers.pixel_text({"y": 3, "x": 4}, source)
        == "pixel y=3 x=4 (7 \N{MICRO SIGN}m, 9 \N{MICRO SIGN}m)"
    )
    bare = source.drop_vars(["y", "x"])
    assert _layers.pixel_text({"y": 3, "x": 4}, bare) == "pixel y=3 x=4"
    assert _layers.pixel_text({}, source) == ""
    truth = xpsnet.samples.sample_truth("spectrum")
    assert _layers.peak_name(truth, 0) == "C-C / C-H"
    assert _layers.peak_name(truth.drop_vars("label"), 1) == "peak 2"
    followed = truth.assign_coords(label=("peak", ["state 1", "state 2", "C=O"]))
    assert _layers.peak_name(followed, 1) == "state 2"
    counted = followed.assign(state=("peak", [1, 1, 2]))
    assert [_layers.peak_name(counted, i) for i in range(3)] == ["peak 1", "peak 2", "C=O"]
