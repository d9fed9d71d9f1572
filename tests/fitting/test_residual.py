"""The residual of peaks in units of the noise, without a fit."""

import numpy as np
import pytest

import xpsnet
from xpsnet.samples import sample_truth


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_chi_square_is_that_of_the_fit(scale: str) -> None:
    spectrum, start = xpsnet.sample("spectrum"), sample_truth("spectrum")
    if scale == "kinetic":
        spectrum = xpsnet.to_kinetic(spectrum)
        start = start.assign(center=1486.6 - start.center).assign_attrs(scale="kinetic")
        start.attrs.pop("energy_range")
    peaks = xpsnet.refine(spectrum, start)
    found = xpsnet.residual(spectrum, peaks)
    assert float(found.redchi) == pytest.approx(float(peaks.redchi), rel=1e-6)
    envelope = xpsnet.curves(peaks).envelope
    np.testing.assert_allclose(
        found.residual * found.sigma, spectrum.values - envelope.values, atol=1e-6
    )
    assert 0.9 < float(found.residual.std()) < 1.1


def test_links_and_locks_are_no_parameters() -> None:
    spectrum = xpsnet.sample("spectrum")
    peaks = xpsnet.refine(
        spectrum,
        sample_truth("spectrum"),
        constraints={
            "center_2": "center_1 + 1.6",
            "fwhm_2": "fwhm_1",
            "area_2": "0.4 * area_1",
            "fwhm_3": 1.2,
            "center_3": "center_1 + (3.5, 4.5)",
        },
        shared=("fraction",),
    )
    found = xpsnet.residual(spectrum, peaks)
    assert float(found.redchi) == pytest.approx(float(peaks.redchi), rel=1e-6)


def test_many_spectra_and_missing_points() -> None:
    spectra = xpsnet.sample("line_scan").isel(position=slice(0, 4)).astype(float)
    spectra[1, 5:9] = np.nan
    peaks = xpsnet.refine(spectra, sample_truth("line_scan").isel(position=slice(0, 4)))
    found = xpsnet.residual(spectra, peaks)
    assert found.residual.dims == ("position", "energy")
    assert np.isnan(found.residual.values[1]).sum() == 4
    one = xpsnet.residual(spectra.isel(position=2), peaks.isel(position=2))
    np.testing.assert_allclose(one.residual, found.residual[2])


def test_without_a_fit_the_noise_is_that_of_the_points() -> None:
    spectrum = xpsnet.sample("spectrum")
    peaks = xpsnet.add_peak(None, spectrum, 284.8)
    found = xpsnet.residual(spectrum, peaks)
    expected = np.sqrt(spectrum.values.max())
    assert float(found.sigma.max()) == pytest.approx(expected, rel=0.3)
    moved = xpsnet.residual(spectrum, xpsnet.change_peak(peaks, 1, center=283.0))
    assert moved.chi_square > 2 * found.chi_square
