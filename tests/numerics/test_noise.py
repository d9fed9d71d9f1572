"""Noise estimates: known noise, robustness against peaks, correlation, missing points, maps."""

from math import comb

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import estimate_noise, noise_profile

Floats = npt.NDArray[np.float64]


def crowded(n: int, points_per_fwhm: float, height: float) -> Floats:
    """Three pseudo-Voigt lines and their Shirley-like steps, in units of the noise."""
    place = np.arange(n, dtype=float)
    centers, heights = np.array([0.3, 0.5, 0.7]) * n, np.array([0.5, 1.0, 0.7]) * height
    line = LINE_SHAPES["pseudo_voigt"].value(place, centers, points_per_fwhm, heights, 0.3)
    total: Floats = line.sum(axis=0)
    return total + 0.02 * np.cumsum(total)


@pytest.mark.parametrize("n", [12, 60, 400])
def test_white_noise_is_found(n: int) -> None:
    spectra = 1e4 + 7.0 * np.random.default_rng(1).normal(size=(1000, n))
    # The mean over 1000 spectra; a median of few points is biased high by about 1/n.
    assert estimate_noise(spectra).mean() == pytest.approx(7.0, rel=0.02 + 1.5 / n)


def test_narrow_peaks_hardly_disturb_and_less_than_with_second_differences() -> None:
    spectra = crowded(100, 5, 100) + np.random.default_rng(2).normal(size=(400, 100))
    fourth = estimate_noise(spectra).mean()
    second = np.median(np.abs(np.diff(spectra, 2)) / np.sqrt(comb(4, 2)), axis=-1).mean() / 0.6745
    assert fourth == pytest.approx(1.0, abs=0.12)
    assert second > 1.3


def test_correlated_noise_reads_low() -> None:
    errors = np.random.default_rng(3).normal(size=(400, 302))
    smoothed = (errors[:, :-2] + 2 * errors[:, 1:-1] + errors[:, 2:]) / np.sqrt(6)
    # Variance of a fourth difference after 1-2-1 smoothing, from the binomial coefficients.
    weights = np.convolve([1, -4, 6, -4, 1], [1, 2, 1]) / np.sqrt(6 * comb(8, 4))
    assert estimate_noise(smoothed).mean() == pytest.approx(np.sqrt(weights @ weights), rel=0.02)


def test_spikes_do_not_disturb() -> None:
    spectrum = np.random.default_rng(4).normal(size=300)
    spiked = spectrum.copy()
    spiked[[50, 140, 260]] += 1e4
    assert estimate_noise(spiked) == pytest.approx(float(estimate_noise(spectrum)), rel=0.1)


def test_scale_shift_reversal_and_missing_points() -> None:
    spectra = crowded(80, 8, 50) + np.random.default_rng(5).normal(size=(3, 4, 80))
    sigma = estimate_noise(spectra)
    assert sigma.shape == (3, 4)
    np.testing.assert_allclose(estimate_noise(-3 * spectra + 100), 3 * sigma, rtol=1e-9)
    np.testing.assert_allclose(estimate_noise(spectra[..., ::-1]), sigma, rtol=1e-12)
    padded = np.full((3, 4, 161), np.nan)
    padded[..., 1::2] = spectra  # every other point missing, as on the union of two axes
    np.testing.assert_array_equal(estimate_noise(padded), sigma)
    profile = noise_profile(padded)
    np.testing.assert_allclose(profile[..., 1::2], noise_profile(spectra), rtol=1e-12)
    assert np.isnan(profile[..., ::2]).all()


def test_batch_equals_loop_with_different_numbers_of_points() -> None:
    spectra = 500 + 20 * np.random.default_rng(6).normal(size=(6, 90))
    for row, missing in enumerate([0, 3, 50, 85, 89, 90]):
        spectra[row, :missing] = np.nan
    expected = [estimate_noise(spectrum) for spectrum in spectra]
    np.testing.assert_array_equal(estimate_noise(spectra), expected)
    expected = [noise_profile(spectrum) for spectrum in spectra]
    np.testing.assert_allclose(noise_profile(spectra), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("counts", "sigma"),
    [
        pytest.param(np.zeros(50), 0.0, id="zeros"),
        pytest.param(np.full(50, 7.0), 0.0, id="constant"),
        pytest.param(np.full(50, np.nan), np.nan, id="nothing finite"),
        pytest.param(np.array([1.0]), np.nan, id="one point"),
        pytest.param(np.array([1.0, 3.0]), np.sqrt(2.0) / 0.6744897501960817, id="two points"),
        pytest.param(np.eye(1, 90, 40)[0] * 4, 4 * np.sqrt(1 / 86), id="a single count"),
    ],
)
def test_edge_cases(counts: Floats, sigma: float) -> None:
    np.testing.assert_allclose(estimate_noise(counts), sigma, rtol=1e-9)
    profile = noise_profile(counts)
    np.testing.assert_array_equal(np.isfinite(profile), np.isfinite(counts))
    assert (profile[np.isfinite(counts)] > 0).all()


@pytest.mark.parametrize("gain", [0.02, 0.5, 10.0])
def test_profile_follows_the_counts(gain: float) -> None:
    signal = 200 + crowded(200, 12, 1000)
    spectra = signal + np.sqrt(gain * signal) * np.random.default_rng(7).normal(size=(300, 200))
    ratio = noise_profile(spectra) / np.sqrt(gain * signal)
    low, high = signal < np.quantile(signal, 0.3), signal > np.quantile(signal, 0.9)
    # sqrt(counts) itself would be off by 7, 1.4 and 0.3 here.
    assert ratio[:, low].mean() == pytest.approx(1.0, abs=0.15)
    assert ratio[:, high].mean() == pytest.approx(1.0, abs=0.15)


def test_profile_is_uniform_where_the_noise_is() -> None:
    spectra = crowded(200, 12, 100) - 30 + np.random.default_rng(8).normal(size=(300, 200))
    profile = noise_profile(spectra)
    np.testing.assert_allclose(profile.mean(axis=0), 1.0, atol=0.2)
    # Little of the variance is given to the counts where it does not depend on them.
    top = crowded(200, 12, 100).argmax()
    assert np.median(profile[:, top] / profile[:, 0]) < 1.25


def test_profile_after_a_background_was_subtracted() -> None:
    signal = LINE_SHAPES["gaussian"].value(np.arange(300.0), 140.0, 40.0, 1000.0)
    true = np.sqrt(signal + 300)
    spectra = signal + true * np.random.default_rng(9).normal(size=(300, 300))
    ratio = np.median(noise_profile(spectra), axis=0) / true
    assert ratio.min() > 0.75
    assert ratio.max() < 1.25


def test_negative_levels_of_large_counts_overflow_nothing() -> None:
    counts = 1e6 * np.random.default_rng(4).normal(size=(3, 200))
    assert np.isfinite(noise_profile(counts)).all()
    assert np.isfinite(noise_profile(1e30 * counts)).all()


@pytest.mark.parametrize("n", [24, 61, 240])
def test_profile_does_not_depend_on_direction_and_unit_where_no_levels_are_equal(n: int) -> None:
    signal = 200 + crowded(n, 10, 1000)
    spectra = signal + np.sqrt(signal) * np.random.default_rng(n).normal(size=(200, n))
    profile = noise_profile(spectra)
    np.testing.assert_allclose(noise_profile(spectra[:, ::-1])[:, ::-1], profile, rtol=1e-9)
    for unit in (7.3, 1e-4):
        np.testing.assert_allclose(noise_profile(unit * spectra), unit * profile, rtol=1e-9)


def test_one_level_does_not_depend_on_direction_for_whole_numbers() -> None:
    counts = np.random.default_rng(5).poisson(30.0, (300, 80))
    np.testing.assert_array_equal(estimate_noise(counts[:, ::-1]), estimate_noise(counts))
