"""Lorentzians to a power, convolved with a Gaussian: against quadrature and closed forms."""

import itertools

import numpy as np
import pytest
from scipy import integrate, optimize, special

from xpsnet.numerics.lineshapes import LINE_SHAPES, powered_places

SIGMA_PER_FWHM = 0.5 / np.sqrt(2 * np.log(2))
X = np.concatenate([np.linspace(-30, 30, 13), np.linspace(-3, 3, 13)])


def bare(u: np.ndarray, high: float, low: float, damping: float) -> np.ndarray:
    """Powers of a Lorentzian of width 1."""
    power = np.where(u > 0, high, low)
    if damping:
        power = 3 - (3 - power) / (1 + 4 * (u / damping) ** 2)
    return np.exp(-power * np.log1p(4 * u**2))


def convolved(x: float, fraction: float, high: float, low: float, damping: float) -> float:
    """Their convolution with a Gaussian, by quadrature on many panels about 0 and about x."""
    sigma = SIGMA_PER_FWHM * (1 - fraction) / fraction
    nodes, weights = np.polynomial.legendre.leggauss(40)
    steps = np.concatenate([[0.0], np.geomspace(1e-4, 12 * sigma + 1, 60)])
    ends = np.concatenate([steps, -steps, x + np.linspace(-10 * sigma, 10 * sigma, 41)])
    ends = np.unique(np.clip(ends, x - 10 * sigma, x + 10 * sigma))
    half, middle = np.diff(ends)[:, None] / 2, (ends[1:] + ends[:-1])[:, None] / 2
    u = middle + half * nodes
    gaussian = np.exp(-((x - u) ** 2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
    return float((half * weights * gaussian * bare(u, high, low, damping)).sum())


@pytest.mark.parametrize("damping", [0.0, 1.0, 3.0, 80.0])
@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.6, 0.95, 0.999])
def test_line_is_the_convolution(fraction: float, damping: float) -> None:
    pairs = [(1.0, 1.0), (0.51, 0.51), (0.51, 100.0), (1.53, 1.53), (2.4, 6.0), (100.0, 1.0)]
    for high, low in pairs:
        top, left, right, height = powered_places(fraction, high, low, damping)
        extra = (fraction, high, low, damping) if damping else (fraction, high, low)
        shape = LINE_SHAPES["finite_lorentzian" if damping else "asymmetric_lorentzian"]
        line = shape.value(X, top, left + right, height, *extra)
        expected = [convolved(x, fraction, high, low, damping) for x in X]
        np.testing.assert_allclose(line, expected, atol=1e-10 * height, err_msg=f"{high, low}")


def test_without_a_gaussian_it_is_the_bare_line() -> None:
    top, left, right, height = powered_places(1.0, 2.0, 0.7)
    assert abs(top) < 1e-9
    # (1 + 4 x^2)^-p = 1 / 2 at x = sqrt(2^(1 / p) - 1) / 2.
    assert right == pytest.approx(np.sqrt(2**0.5 - 1) / 2, rel=1e-9)
    assert left == pytest.approx(np.sqrt(2 ** (1 / 0.7) - 1) / 2, rel=1e-9)
    assert height == pytest.approx(1.0, rel=1e-9)
    line = LINE_SHAPES["asymmetric_lorentzian"].value(X, top, left + right, height, 1.0, 2.0, 0.7)
    np.testing.assert_allclose(line, bare(X, 2.0, 0.7, 0.0), atol=1e-9)


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.9])
def test_powers_of_1_are_a_voigt_line(fraction: float) -> None:
    energy = np.linspace(278.0, 295.0, 341)
    line = LINE_SHAPES["asymmetric_lorentzian"].value(energy, 284.6, 1.3, 250.0, fraction, 1.0, 1.0)
    expected = LINE_SHAPES["voigt"].value(energy, 284.6, 1.3, 250.0, fraction)
    np.testing.assert_allclose(line, expected, atol=1e-9 * 250)


def test_powers_of_3_are_not_damped() -> None:
    energy = np.linspace(278.0, 295.0, 341)
    undamped = LINE_SHAPES["asymmetric_lorentzian"].value(energy, 284.6, 1.3, 9.0, 0.4, 3.0, 3.0)
    damped = LINE_SHAPES["finite_lorentzian"].value(energy, 284.6, 1.3, 9.0, 0.4, 3.0, 3.0, 2.0)
    np.testing.assert_allclose(damped, undamped, atol=1e-11 * 9)


def test_maximum_and_half_of_it() -> None:
    fraction, high, low, damping = 0.3, 0.6, 8.0, 20.0

    def at(x: float) -> float:
        return convolved(x, fraction, high, low, damping)

    top, left, right, height = powered_places(fraction, high, low, damping)
    found = optimize.minimize_scalar(
        lambda x: -at(x), bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}
    )
    assert top == pytest.approx(found.x, abs=1e-7)
    assert top > 0.1  # towards the slower tail
    assert height == pytest.approx(-found.fun, rel=1e-12)
    assert at(top - left) == pytest.approx(height / 2, rel=1e-10)
    assert at(top + right) == pytest.approx(height / 2, rel=1e-10)


@pytest.mark.parametrize("damping", [0.0, 1.0, 40.0, 1000.0])
def test_area_is_the_integral(damping: float) -> None:
    shape = LINE_SHAPES["finite_lorentzian" if damping else "asymmetric_lorentzian"]
    for fraction, high, low in itertools.product((0.1, 0.6), (0.9, 4.0, 100.0), (1.0, 2.5)):
        extra = (fraction, high, low, damping) if damping else (fraction, high, low)
        _, left, right, height = powered_places(fraction, high, low, damping)
        # With 2 u = sinh(s) the tails fall exponentially.
        expected, _ = integrate.quad(
            lambda s, pair=(high, low): (
                float(bare(np.asarray(np.sinh(s) / 2), *pair, damping)) * np.cosh(s) / 2
            ),
            -40, 40, points=[0.0, -3.0, 3.0], limit=400, epsabs=1e-13, epsrel=1e-12,
        )  # fmt: skip
        assert shape.area is not None
        area = float(shape.area(5.0, left + right, height, *extra))
        assert area == pytest.approx(expected, rel=1e-9), extra


def test_area_over_a_range_is_the_integral_over_it() -> None:
    shape = LINE_SHAPES["finite_lorentzian"]
    given = (0.0, 1.3, 250.0, 0.3, 0.7, 4.0, 20.0)
    expected, _ = integrate.quad(
        lambda x: float(shape.value([x], *given)[0]),
        -9.0, 40.0, points=[-2.0, 0.0, 2.0, 10.0], limit=400, epsrel=1e-11,
    )  # fmt: skip
    assert float(shape.area_over([-9.0, 40.0], *given)) == pytest.approx(expected, rel=1e-9)


def test_slowest_tails_have_an_area_and_no_slower_ones() -> None:
    shape = LINE_SHAPES["asymmetric_lorentzian"]
    assert shape.area is not None
    slowest = float(shape.area(0.0, 1.0, 1.0, 0.5, 0.51, 1.0))
    # Half of the integral of (1 + 4 x^2)^-0.51 is sqrt(pi) / 4 Gamma(0.01) / Gamma(0.51).
    _, left, right, height = powered_places(0.5, 0.51, 1.0)
    both = np.sqrt(np.pi) / 4 * special.gamma(0.01) / special.gamma(0.51) + np.pi / 4
    assert slowest == pytest.approx(both / ((left + right) * height), rel=1e-9)
    assert float(shape.area(0.0, 1.0, 1.0, 0.5, 0.3, 1.0)) == slowest
