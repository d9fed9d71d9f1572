"""Smoothed noise shows in the residuals of a fit; misfits and plain noise do not."""

import numpy as np
import pytest
from scipy.ndimage import correlate1d
from scipy.signal import savgol_coeffs

from xpsnet.numerics.differences import parabola_weights
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import noise_of_residuals

ENERGY = np.arange(280.0, 292.0, 0.1)
LINE = LINE_SHAPES["pseudo_voigt"].value
CURVE = 200 + LINE(ENERGY, 285.0, 1.1, 3000.0, 0.3)
KERNELS = {
    "mean of 3": np.ones(3) / 3,
    "mean of 5": np.ones(5) / 5,
    "mean of 9": np.ones(9) / 9,
    "1-2-1": np.array([1.0, 2.0, 1.0]) / 4,
    "parabola of 9": savgol_coeffs(9, 2),
}


def _spectra(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(CURVE, (n, CURVE.size)).astype(float)


@pytest.mark.parametrize("name", KERNELS)
def test_smoothing_is_found_in_single_spectra(name: str) -> None:
    # The curve is smoothed as well: nothing but noise is left.
    smoothed = correlate1d(_spectra(100, 1), KERNELS[name], axis=1, mode="nearest")
    curve = np.tile(correlate1d(CURVE, KERNELS[name], mode="nearest"), (100, 1))
    model = noise_of_residuals(smoothed, curve, shared=False, n_fitted=np.full(100, 6.0))
    # A mean over as many points as a line is wide is found in four of five spectra of 120 points.
    assert (model.density > 1).mean() > (0.75 if name == "mean of 9" else 0.9)
    # Noise of broad lines is that of before: a smoothing keeps the sum.
    sigma = np.sqrt(model.density[:, None]) * model.deviation(curve)
    ratio = np.median(sigma[:, 50] / np.sqrt(CURVE[50]))
    assert ratio == pytest.approx(1.0, abs=0.35)


def test_plain_noise_is_not_correlated() -> None:
    counts = _spectra(1500, 2)
    curve = np.tile(CURVE, (1500, 1))
    model = noise_of_residuals(counts, curve, shared=False, n_fitted=np.full(1500, 6.0))
    assert (model.density > 1).mean() <= 0.003


@pytest.mark.parametrize("width", [0.55, 1.1, 2.2])
def test_a_misfit_of_a_line_is_no_smoothing(width: float) -> None:
    # An asymmetric line of 30,000 counts, fitted by a symmetric one: 3 % of the height are left.
    low, high = (LINE(ENERGY, 285.0, w, 30_000.0, 0.3) for w in (width, 1.15 * width))
    curve = 500 + np.where(ENERGY > 285.0, high, low)
    counts = np.random.default_rng(4).poisson(curve, (200, curve.size)).astype(float)
    symmetric = np.tile(500 + LINE(ENERGY, 285.0, 1.07 * width, 30_000.0, 0.3), (200, 1))
    model = noise_of_residuals(counts, symmetric, shared=False, n_fitted=np.full(200, 6.0))
    assert (model.density > 1).mean() <= 0.02


@pytest.mark.parametrize("points", [5, 7, 21])
def test_weights_of_a_parabola(points: int) -> None:
    np.testing.assert_allclose(parabola_weights(points), savgol_coeffs(points, 2), atol=1e-13)
