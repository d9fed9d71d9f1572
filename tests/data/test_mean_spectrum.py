"""Mean spectrum: against numpy, with a mask, with missing points; refusals."""

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.mean_spectrum import mean_spectrum
from xpsnet.samples import sample_truth


@pytest.fixture
def spectra() -> xr.DataArray:
    return xpsnet.sample("map").isel(y=slice(0, 4), x=slice(0, 3))


def test_mean_of_all_and_of_some(spectra: xr.DataArray) -> None:
    found = mean_spectrum(spectra)
    np.testing.assert_allclose(found, spectra.values.mean(axis=(0, 1)))
    assert found.attrs == {**spectra.attrs, "n_spectra": 12}
    assert found.name == spectra.name
    mask = np.zeros((3, 4), dtype=bool)
    mask[1, 2:] = True
    some = mean_spectrum(spectra, xr.DataArray(mask, dims=["x", "y"]))
    np.testing.assert_allclose(some, spectra.values[2:, 1].mean(axis=0))


def test_a_missing_point_is_left_out(spectra: xr.DataArray) -> None:
    spectra[0, 0, 5] = np.nan
    found = mean_spectrum(spectra)
    assert float(found[5]) == pytest.approx(np.nanmean(spectra.values[..., 5]))


def test_errors_of_a_fit_of_the_mean_are_smaller_by_the_root_of_the_number() -> None:
    sample = xpsnet.sample("spectrum")
    expected = xpsnet.curves(sample_truth("spectrum"))["envelope"].values
    counts = np.random.default_rng(5).poisson(np.broadcast_to(expected, (25, expected.size)))
    coords, attrs = {"energy": sample["energy"]}, sample.attrs
    stack = xr.DataArray(counts.astype(float), coords, ("scan", "energy"), attrs=attrs)
    one, mean = stack.isel(scan=0), mean_spectrum(stack)
    first, second = (xpsnet.refine(s, xpsnet.predict(s, n_peaks=3)) for s in (one, mean))
    ratio = first["center_stderr"] / second["center_stderr"]
    np.testing.assert_allclose(ratio, 5.0, rtol=0.25)


def test_refusals(spectra: xr.DataArray) -> None:
    flat = xr.DataArray(np.ones(4, dtype=bool), dims="y")
    with pytest.raises(ValueError, match=r"expected a mask over .*'y': 4, 'x': 3"):
        mean_spectrum(spectra, flat)
    none = xr.DataArray(np.zeros((4, 3), dtype=bool), dims=["y", "x"])
    with pytest.raises(ValueError, match="at least one spectrum"):
        mean_spectrum(spectra, none)
