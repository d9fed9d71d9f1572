"""Prediction: any shape, scale and direction; any spectrum gets a status, none an exception."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from xpsnet.data.peaks import Status, curves
from xpsnet.data.spectrum import crop, make_spectrum, to_kinetic
from xpsnet.models import prediction
from xpsnet.models.weights import Model
from xpsnet.numerics.backgrounds import BACKGROUNDS, background_columns
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]

predict = partial(prediction.predict, device="cpu")
ENERGY = np.linspace(280.0, 292.0, 241)
CENTERS = np.array([284.8, 287.4])


def _counts(n: int = 1) -> Floats:
    """Spectra of two clear peaks on a step and a slope, shape (n, 241), in falling quality."""
    rng = np.random.default_rng(1)
    shift = np.linspace(0.0, 0.5, n)[:, None]
    line = LINE_SHAPES["pseudo_voigt"].value
    total = line(ENERGY, CENTERS + shift, 1.2, np.array([4000.0, 2000.0]), 0.3).sum(axis=1)
    counts = total + background_columns("shirley+linear", ENERGY, total) @ [600.0, 5.0, 0.03]
    return np.asarray(counts + rng.normal(size=counts.shape) * 20)


def _spectra(*shape: int, **attrs: Any) -> xr.DataArray:
    counts = _counts(int(np.prod(shape))).reshape(*shape, ENERGY.size)
    return make_spectrum(
        counts, ENERGY, scale="binding", name="C 1s", photon_energy=1486.6, **attrs
    )


def _assert_equal(found: xr.Dataset, expected: xr.Dataset) -> None:
    """Same peaks; absent slots at the end do not count."""
    slots = min(found.sizes["peak"], expected.sizes["peak"])
    for peaks in (found, expected):
        assert np.isnan(peaks["center"].isel(peak=slice(slots, None))).all()
    keep = {"peak": slice(slots)}
    # A slope near 0 is exact to the counts that it is the slope of, not to itself.
    counts = {"atol": 1e-6 * float(np.nanmax(np.append(expected["height"].values, 1.0)))}
    for name in expected.data_vars:
        limits = counts if str(name).startswith("background_") else {"atol": 1e-6}
        left, right = found[name].isel(keep, missing_dims="ignore"), expected[name]
        right = right.isel(keep, missing_dims="ignore")
        xr.testing.assert_allclose(left, right, rtol=1e-4, **limits)


def test_two_clear_peaks_are_found_and_drawn() -> None:
    spectrum = _spectra()
    peaks = predict(spectrum)
    assert peaks.n_peaks == 2
    assert peaks.status == Status.OK
    np.testing.assert_allclose(peaks.center, CENTERS, atol=0.15)
    np.testing.assert_allclose(peaks.height, [4000, 2000], rtol=0.3)
    assert float(peaks.noise) == pytest.approx(20, rel=0.3)
    assert float(peaks.n_peaks_probability.sum()) == pytest.approx(1)
    left = curves(peaks).envelope - spectrum
    assert float(np.sqrt((left**2).mean())) < 0.05 * 4000
    names = ("center", "fwhm", "height", "fraction")
    assert all((peaks[f"{name}_spread"] > 0).all() for name in names)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=["one", "line", "map"])
@pytest.mark.parametrize("place", [0, -1], ids=["energy first", "energy last"])
def test_any_shape_and_place_of_energy(shape: tuple[int, ...], place: int) -> None:
    spectra = _spectra(*shape)
    order = [d for d in spectra.dims if d != "energy"]
    order.insert(place if place == 0 else len(order), "energy")
    peaks = predict(spectra.transpose(*order))
    assert peaks.center.dims == (*(d for d in spectra.dims if d != "energy"), "peak")
    assert peaks.n_peaks.shape == shape
    for index in np.ndindex(*shape):
        at = dict(zip(spectra.dims, index, strict=False))
        _assert_equal(peaks.isel(at), predict(spectra.isel(at)))


def test_batch_size_changes_nothing() -> None:
    spectra = _spectra(7)
    _assert_equal(predict(spectra, batch_size=3), predict(spectra))


@pytest.mark.parametrize("k", range(7))
def test_asked_for_count_is_given(k: int) -> None:
    peaks = predict(_spectra(3), n_peaks=k)
    assert (peaks.n_peaks == k).all()
    assert peaks.sizes["peak"] == max(k, 1)
    assert (np.isfinite(peaks.center).sum("peak") == k).all()
    assert (peaks.center.diff("peak") >= 0).sum() == 3 * max(k - 1, 0)
    assert (peaks.status == (Status.OK if k else Status.NO_PEAKS)).all()


def test_all_counts_at_once() -> None:
    spectra = _spectra(3)
    peaks = predict(spectra, all_counts=True)
    assert peaks.center.dims == ("position", "count", "peak")
    assert list(peaks["count"].values) == list(range(7))
    assert (peaks.n_peaks == peaks["count"]).all()
    for k in (1, 4):
        one = predict(spectra, n_peaks=k)
        same = peaks.sel(count=k).isel(peak=slice(k))
        for name in ("center", "fwhm", "height", "area", "background_slope", "height_spread"):
            np.testing.assert_allclose(same[name], one[name], rtol=1e-4)


def test_kinetic_twin_is_mirrored() -> None:
    binding, kinetic = predict(_spectra(3)), predict(to_kinetic(_spectra(3)))
    assert kinetic.attrs["scale"] == "kinetic"
    np.testing.assert_allclose(1486.6 - kinetic.center[:, ::-1], binding.center, atol=1e-3)
    for name in ("fwhm", "height", "fraction", "center_spread"):
        np.testing.assert_allclose(kinetic[name][:, ::-1], binding[name], rtol=1e-3)
    np.testing.assert_allclose(kinetic.background_slope, -binding.background_slope, rtol=1e-3)
    np.testing.assert_allclose(
        curves(kinetic).envelope.values, curves(binding).envelope.values, rtol=1e-3
    )


def test_descending_twin_is_equal() -> None:
    spectra = _spectra(3)
    turned = predict(spectra.isel(energy=slice(None, None, -1)))
    _assert_equal(turned.drop_vars("energy"), predict(spectra).drop_vars("energy"))


@pytest.mark.parametrize("gain", [1e-30, 1e-3, 1e3, 1e30])
def test_unit_of_the_counts_scales_heights_alone(gain: float) -> None:
    peaks, scaled = predict(_spectra(3)), predict(gain * _spectra(3).assign_attrs(scale="binding"))
    for name in ("center", "fwhm", "fraction", "center_spread", "n_peaks_probability"):
        np.testing.assert_allclose(scaled[name], peaks[name], rtol=1e-4)
    for name in ("height", "area", "background_constant", "noise", "height_spread"):
        np.testing.assert_allclose(scaled[name] / gain, peaks[name], rtol=1e-4)


def test_energy_range_is_a_crop() -> None:
    spectra = _spectra(2)
    _assert_equal(predict(spectra, energy_range=(290, 282)), predict(crop(spectra, (282.0, 290.0))))


def test_provenance_and_coordinates() -> None:
    spectra = _spectra(2, instrument="Kratos", pass_energy=20.0)
    spectra = spectra.assign_coords(
        position=[0.0, 0.5], etch_time=("position", [1.0, 2.0]), step=("energy", ENERGY)
    )
    peaks = predict(spectra)
    expected = {
        "model": "default",
        "line_shape": "pseudo_voigt",
        "background": "shirley+linear",
        "scale": "binding",
        "region": "C 1s",
        "units": "counts",
        "photon_energy": 1486.6,
        "instrument": "Kratos",
        "energy_range": [280.0, 292.0],
    }
    assert {key: peaks.attrs[key] for key in expected} == expected
    assert len(peaks.attrs["model_version"]) == 12
    np.testing.assert_array_equal(peaks.etch_time, [1.0, 2.0])
    assert "step" not in peaks.coords


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_background(background: str) -> None:
    peaks = predict(_spectra(2), background=background, n_peaks=2)
    found = {name for name in peaks.data_vars if str(name).startswith("background_")}
    assert found == {f"background_{term}" for term in BACKGROUNDS[background]}
    assert all(np.isfinite(peaks[name]).all() for name in found)


def test_files_hold_the_answer(tmp_path: Path) -> None:
    peaks = predict(_spectra(2, 2), all_counts=True)
    peaks.to_netcdf(tmp_path / "peaks.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "peaks.nc", engine="h5netcdf") as stored:
        xr.testing.assert_allclose(stored.load(), peaks)
        assert stored.attrs["model_version"] == peaks.attrs["model_version"]


def test_other_name_of_the_energy_dimension() -> None:
    spectrum = _spectra()
    renamed = spectrum.drop_vars("energy").rename(energy="eV")
    renamed = renamed.assign_coords(eV=spectrum.energy.values)
    _assert_equal(predict(renamed, dim="eV"), predict(spectrum))


def test_the_papers_architecture(untrained_paper: Model) -> None:
    counts = np.stack([_counts()[0] - 600, -_counts()[0], np.full(ENERGY.size, 3.0)])
    peaks = predict(make_spectrum(counts, ENERGY, scale="binding"), model=untrained_paper)
    assert peaks.attrs["line_shape"] == "park2020"
    assert peaks.attrs["background"] == "none"
    assert list(peaks["count"].values) == [1, 2, 3]
    assert peaks.n_peaks.values[0] in (1, 2, 3)
    assert np.isfinite(peaks.center[:2, 0]).all()
    assert peaks.status.values[2] == Status.NO_SIGNAL
    assert not [name for name in peaks.data_vars if str(name).endswith("_spread")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_peaks": 7}, "n_peaks='auto' or a number from 0 to 6 for model 'default', got 7"),
        ({"n_peaks": -1}, "whole number from 0, got n_peaks=-1"),
        ({"background": "spline"}, "expected a background of .*got 'spline'"),
        ({"batch_size": 0}, "a whole number from 1 .* got batch_size=0"),
        ({"model": "best"}, "expected a model of .*got 'best'"),
        ({"device": "tpu"}, 'expected device from "auto", "cpu", "gpu", got'),
        ({"energy_range": (100, 200)}, "at least 2 points in the energy range"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        predict(_spectra(), **arguments)
