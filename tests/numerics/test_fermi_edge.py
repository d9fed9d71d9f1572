"""Fermi edge: against quadrature, closed forms and finite differences."""

import numpy as np
import pytest
from scipy import integrate, special

from xpsnet.numerics.fermi_edge import edge, edge_width

X = np.linspace(-0.8, 0.8, 9)
# k T and standard deviation of the Gaussian [eV]; 0.025 eV is room temperature.
CASES = [(0.025, 0.02), (0.025, 0.0249), (0.025, 0.0251), (0.025, 0.15), (0.2, 0.01), (0.0009, 0.1)]


@pytest.mark.parametrize(("tau", "sigma"), CASES)
def test_edge_is_the_convolution(tau: float, sigma: float) -> None:
    def integrand(y: float, x: float) -> float:
        gaussian = np.exp(-((x - y) ** 2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
        return float(gaussian * special.expit(y / tau))

    found = edge(X, tau, sigma**2).value
    for x, value in zip(X, found, strict=True):
        ends = x - 9 * sigma, x + 9 * sigma
        points = [p for p in (-tau, 0.0, tau, x) if ends[0] < p < ends[1]]
        expected, _ = integrate.quad(integrand, *ends, (x,), points=points, epsabs=1e-13, limit=400)
        assert value == pytest.approx(expected, abs=1e-10)


def test_limits_without_gaussian_and_without_temperature() -> None:
    np.testing.assert_allclose(edge(X, 0.05, 0.0).value, special.expit(X / 0.05), atol=1e-12)
    np.testing.assert_allclose(edge(X, 0.0, 0.04).value, special.ndtr(X / 0.2), atol=1e-10)
    assert edge_width(0.05, 0.0)[0] == pytest.approx(2 * np.log(9) * 0.05, rel=1e-9)
    assert edge_width(0.0, 0.04)[0] == pytest.approx(2 * special.ndtri(0.9) * 0.2, rel=1e-9)


@pytest.mark.parametrize(("tau", "sigma"), CASES[:5])
def test_derivatives_agree_with_finite_differences(tau: float, sigma: float) -> None:
    step = 1e-4 * max(tau, sigma)
    found = edge(X, tau, sigma**2)

    def slope(part: str, dx: float = 0.0, dt: float = 0.0, dv: float = 0.0) -> np.ndarray:
        ends = [edge(X + s * dx, tau + s * dt, sigma**2 + s * dv) for s in (1, -1)]
        return (getattr(ends[0], part) - getattr(ends[1], part)) / (2 * (dx + dt + dv))

    square = 1e-4 * sigma**2
    for part, expected, move in (
        ("value", found.first, {"dx": step}),
        ("first", found.second, {"dx": step}),
        ("second", found.third, {"dx": step}),
        ("value", found.second / 2, {"dv": square}),
        ("first", found.third / 2, {"dv": square}),
        ("value", found.by_tau, {"dt": 1e-4 * tau}),
        ("first", found.first_by_tau, {"dt": 1e-4 * tau}),
    ):
        measured = slope(part, **move)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(measured, expected, atol=1e-5 * scale, err_msg=f"{part} {move}")


@pytest.mark.parametrize(("tau", "sigma"), CASES)
def test_width_is_that_from_a_tenth_to_nine_tenths(tau: float, sigma: float) -> None:
    width, by_tau, by_variance = edge_width(tau, sigma**2)
    ends = edge(np.array([-width / 2, width / 2]), tau, sigma**2).value
    np.testing.assert_allclose(ends, [0.1, 0.9], atol=1e-10)
    more, less = (edge_width(tau * (1 + s), sigma**2)[0] for s in (1e-4, -1e-4))
    assert (more - less) / (2e-4 * tau) == pytest.approx(by_tau, rel=1e-4, abs=1e-6)
    more, less = (edge_width(tau, sigma**2 * (1 + s))[0] for s in (1e-4, -1e-4))
    assert (more - less) / (2e-4 * sigma**2) == pytest.approx(by_variance, rel=1e-4)
