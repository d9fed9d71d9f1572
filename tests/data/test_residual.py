"""What the peaks leave: closed values, and the reduced chi-square of the fit itself."""

import numpy as np
import pytest
import xarray as xr

import xpsnet


@pytest.fixture(scope="module")
def fitted() -> tuple[xr.DataArray, xr.Dataset]:
    spectrum = xpsnet.sample("spectrum")
    return spectrum, xpsnet.refine(spectrum, xpsnet.predict(spectrum, n_peaks=3))


def test_residual_is_spectrum_minus_envelope(fitted: tuple[xr.DataArray, xr.Dataset]) -> None:
    spectrum, peaks = fitted
    left = xpsnet.residual(spectrum, peaks)
    expected = spectrum.values - xpsnet.curves(peaks)["envelope"].values
    np.testing.assert_allclose(left["residual"].values, expected)


def test_chi_square_is_that_of_the_fit(fitted: tuple[xr.DataArray, xr.Dataset]) -> None:
    spectrum, peaks = fitted
    n = spectrum.size
    free = 3 * 3 + 1 + 3  # center, fwhm, height; the common fraction; three background terms
    chi_square = float(xpsnet.residual(spectrum, peaks)["chi_square"])
    # The fit scales its weights in the same way, apart from points of the smoothed level.
    assert chi_square * n / (n - free) == pytest.approx(float(peaks["redchi"]), rel=0.02)


def test_a_moved_peak_raises_it(fitted: tuple[xr.DataArray, xr.Dataset]) -> None:
    spectrum, peaks = fitted
    first = xpsnet.residual(spectrum, peaks)
    moved = peaks.assign(center=peaks["center"] + 0.1)
    again = xpsnet.residual(spectrum, moved, sigma=first["sigma"])
    assert float(again["chi_square"]) > 10 * float(first["chi_square"])
    xr.testing.assert_identical(again["sigma"], first["sigma"])


def test_only_the_fitted_range_counts(fitted: tuple[xr.DataArray, xr.Dataset]) -> None:
    spectrum, _ = fitted
    peaks = xpsnet.predict(spectrum, energy_range=(290.0, 283.0), n_peaks=3)
    left = xpsnet.residual(spectrum, peaks)
    assert left["energy"].min() >= 283.0
    assert left["energy"].max() <= 290.0


def test_maps_and_missing_points() -> None:
    spectra = xpsnet.sample("map").isel(y=slice(0, 2), x=slice(0, 3)).astype(float)
    peaks = xpsnet.predict(spectra, n_peaks=2)
    spectra[{"energy": 5}] = np.nan
    left = xpsnet.residual(spectra, peaks)
    assert set(left["chi_square"].dims) == {"y", "x"}
    assert np.isnan(left["residual"].isel(energy=5)).all()
    assert np.isfinite(left["chi_square"]).all()
