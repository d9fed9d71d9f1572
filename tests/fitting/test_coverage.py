"""Standard errors cover the truth as often as they claim."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import Status, curves
from xpsnet.data.spectrum import make_spectrum
from xpsnet.fitting.refine import refine

N_SPECTRA = 200


@pytest.fixture(scope="module")
def spectra_of_one_truth(make_hand_peaks):
    """200 spectra of two overlapping peaks; noise is 3 times that of counts (no Poisson)."""
    truth = make_hand_peaks(
        (284.8, 286.4),
        (1.1, 1.3),
        (3000.0, 1500.0),
        0.4,
        energy=np.linspace(280.0, 292.0, 161),
        background="shirley+linear",
    )
    envelope = curves(truth).envelope.values
    noise = np.sqrt(9.0 * envelope)
    rng = np.random.default_rng(20)
    counts = envelope + rng.normal(size=(N_SPECTRA, envelope.size)) * noise
    spectra = make_spectrum(counts, truth.energy.values, dims=("x", "energy"), scale="binding")
    return spectra, truth, noise


def covered(peaks: xr.Dataset, truth: xr.Dataset, name: str) -> np.ndarray:
    """Share of spectra in which the truth lies within one error, per peak."""
    assert (peaks.status == Status.OK).all()
    inside = abs(peaks[name] - truth[name]) < peaks[f"{name}_stderr"]
    return inside.mean("x").values


# 68.3 % of 200 is 137 +- 6.6 spectra: 60 to 76 % are 2.4 standard deviations.
PARAMETERS = ["center", "fwhm", "height", "area", "fraction", "background_shirley"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_errors_from_known_noise(spectra_of_one_truth, refined_with_known_noise, name):
    _, truth, _ = spectra_of_one_truth
    share = covered(refined_with_known_noise, truth, name)
    assert (share >= 0.60).all()
    assert (share <= 0.76).all()


@pytest.fixture(scope="module")
def refined_with_known_noise(spectra_of_one_truth):
    spectra, truth, noise = spectra_of_one_truth
    return refine(spectra, truth, noise=noise)


@pytest.mark.parametrize("name", PARAMETERS)
def test_errors_from_estimated_noise(spectra_of_one_truth, refined_with_estimated_noise, name):
    _, truth, _ = spectra_of_one_truth
    share = covered(refined_with_estimated_noise, truth, name)
    assert (share >= 0.58).all()
    assert (share <= 0.78).all()


@pytest.fixture(scope="module")
def refined_with_estimated_noise(spectra_of_one_truth):
    spectra, truth, _ = spectra_of_one_truth
    return refine(spectra, truth)


def test_reduced_chi_square_is_one(refined_with_known_noise):
    # 161 points, 10 parameters: 1 +- 0.115 for one spectrum, 0.008 for the mean.
    assert float(refined_with_known_noise.redchi.mean()) == pytest.approx(1.0, abs=0.03)


def test_estimates_scatter_as_their_errors_say(spectra_of_one_truth, refined_with_known_noise):
    peaks = refined_with_known_noise
    for name in ("center", "fwhm", "area"):
        ratio = peaks[name].std("x") / peaks[f"{name}_stderr"].mean("x")
        np.testing.assert_allclose(ratio, 1.0, atol=0.15)
