"""The Doniach-Sunjic line and its Gaussian convolution against closed forms and quadrature."""

import numpy as np
import numpy.typing as npt
import pytest
from lmfit import lineshapes as lmfit_lines
from scipy import integrate, special

from xpsnet.numerics.kernels import doniach_sunjic
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]
ENERGY = np.linspace(-15.0, 40.0, 1101)
PURE, BROAD = LINE_SHAPES["doniach_sunjic"], LINE_SHAPES["doniach_sunjic_gauss"]


def formula(energy: Floats, gamma: float, asymmetry: float) -> Floats:
    """The published line: tail to higher energy, singularity at 0."""
    angle = np.pi * asymmetry / 2 - (1 - asymmetry) * np.arctan(energy / gamma)
    line: Floats = np.cos(angle) / (energy**2 + gamma**2) ** ((1 - asymmetry) / 2)
    return line


def constants_of(fraction: float, asymmetry: float) -> Floats:
    constants = np.zeros(doniach_sunjic.N_CONSTANTS)
    doniach_sunjic.prepare_doniach(fraction, asymmetry, constants)
    return constants


@pytest.mark.parametrize("asymmetry", [0.0, 1e-6, 0.05, 0.2, 0.5])
def test_line_is_the_published_formula(asymmetry: float) -> None:
    gamma = 0.4
    # Maximum at gamma tan(pi a / (2 (2 - a))), found by setting the slope to zero.
    place = gamma * np.tan(np.pi * asymmetry / (2 * (2 - asymmetry)))
    top = formula(np.array([place]), gamma, asymmetry)[0]
    width = constants_of(1.0, asymmetry)[9] * gamma / 0.5
    line = PURE.value(ENERGY + place, 3.0 + place, width, top, asymmetry)
    np.testing.assert_allclose(line, formula(ENERGY + place - 3.0, gamma, asymmetry), rtol=1e-11)


def test_lmfit_twin() -> None:
    # lmfit draws the tail to smaller x, as on a kinetic scale.
    gamma, asymmetry = 0.4, 0.2
    energy = ENERGY + 0.1
    twin = lmfit_lines.doniach(-energy, 1.0, 0.0, gamma, asymmetry)
    place = gamma * np.tan(np.pi * asymmetry / (2 * (2 - asymmetry)))
    top = float(lmfit_lines.doniach(-place, 1.0, 0.0, gamma, asymmetry))
    width = constants_of(1.0, asymmetry)[9] * gamma / 0.5
    np.testing.assert_allclose(PURE.value(energy, place, width, top, asymmetry), twin, rtol=1e-12)


def test_tail_goes_to_higher_binding_energy() -> None:
    low, high = PURE.value([-8.0, 8.0], 0.0, 1.0, 1.0, 0.2)
    assert high > 3 * low
    low, high = BROAD.value([-8.0, 8.0], 0.0, 1.0, 1.0, 0.5, 0.2)
    assert high > 3 * low


def test_symmetric_limit_is_the_lorentzian() -> None:
    expected = LINE_SHAPES["lorentzian"].value(ENERGY, 2.0, 0.8, 5.0)
    np.testing.assert_allclose(PURE.value(ENERGY, 2.0, 0.8, 5.0, 0.0), expected, rtol=1e-13)


@pytest.mark.parametrize("fraction", [0.0, 1e-9, 0.01, 0.2, 0.5, 0.8, 0.95, 1 - 1e-9, 1.0])
def test_symmetric_limit_of_the_convolution_is_the_voigt_line(fraction: float) -> None:
    expected = LINE_SHAPES["voigt"].value(ENERGY, 2.0, 0.8, 5.0, fraction)
    line = BROAD.value(ENERGY, 2.0, 0.8, 5.0, fraction, 0.0)
    np.testing.assert_allclose(line, expected, atol=3e-14 * 5, rtol=0)


@pytest.mark.parametrize("asymmetry", [0.0, 0.1, 0.5])
def test_narrow_gaussians_change_nothing(asymmetry: float) -> None:
    pure = PURE.value(ENERGY, 2.0, 0.8, 5.0, asymmetry)
    np.testing.assert_array_equal(BROAD.value(ENERGY, 2.0, 0.8, 5.0, 1.0, asymmetry), pure)
    narrow = BROAD.value(ENERGY, 2.0, 0.8, 5.0, 1 - 1e-7, asymmetry)
    np.testing.assert_allclose(narrow, pure, atol=1e-11)


@pytest.mark.parametrize("asymmetry", [0.02, 0.15, 0.5])
@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.7, 0.95])
def test_convolution_is_that_of_the_published_formula(fraction: float, asymmetry: float) -> None:
    constants = constants_of(fraction, asymmetry)
    gamma, sigma = constants[0], constants[3]
    place, width, top = constants[8:11]
    t = np.array([-8.0, -2.0, -0.6, -0.2, 0.0, 0.3, 0.8, 3.0, 10.0])
    for energy, ours in zip(
        place + t * width, BROAD.value(t, 0.0, 1.0, top, fraction, asymmetry), strict=True
    ):
        expected, _ = integrate.quad(
            lambda u, energy=energy: float(
                formula(np.array([energy - sigma * u]), gamma, asymmetry)[0]
                * np.exp(-u * u / 2)
                / np.sqrt(2 * np.pi)
            ),
            -9,
            9,
            points=[p for p in (energy / sigma,) if abs(p) < 9] or None,
            epsabs=1e-14,
            epsrel=1e-13,
            limit=400,
        )
        assert ours == pytest.approx(expected, abs=1e-12 * top)


@pytest.mark.parametrize("nu", [0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("x", [0.0, 0.5, 3.0, 11.0])
def test_quadrature_is_the_parabolic_cylinder_function(nu: float, x: float) -> None:
    value, slope, by_nu, slope_by_nu = doniach_sunjic._quadrature(x, nu)
    scale = np.exp(x * x / 4)
    d, _ = special.pbdv(-nu, x)
    assert value == pytest.approx(scale * d, rel=1e-12)
    # d/dx [exp(x^2 / 4) D_-nu(x)] = -nu exp(x^2 / 4) D_-nu-1(x)
    d, _ = special.pbdv(-nu - 1, x)
    assert slope == pytest.approx(-nu * scale * d, rel=1e-12)
    above, below = (doniach_sunjic._quadrature(x, nu + step) for step in (1e-5, -1e-5))
    assert by_nu == pytest.approx((above[0] - below[0]) / 2e-5, rel=1e-8)
    assert slope_by_nu == pytest.approx((above[1] - below[1]) / 2e-5, rel=1e-8)


def test_digamma() -> None:
    x = np.linspace(0.1, 30, 300)
    # The zero at 1.46 limits the relative, not the absolute accuracy.
    np.testing.assert_allclose(
        [doniach_sunjic._digamma(value) for value in x], special.digamma(x), rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("asymmetry", [0.05, 0.5])
def test_series_and_nodes_meet(asymmetry: float) -> None:
    constants = constants_of(0.2, asymmetry)
    gamma, s = constants[0], constants[1]
    border = np.sqrt(144 * s - gamma * gamma)
    for sign in (-1, 1):
        inside = doniach_sunjic._jet(sign * border * (1 - 1e-14), constants)
        outside = doniach_sunjic._jet(sign * border * (1 + 1e-14), constants)
        np.testing.assert_allclose(inside, outside, rtol=2e-10)
        # The third derivative, needed at the maximum alone, loses most by the recurrence.
        np.testing.assert_allclose(inside[:2], outside[:2], rtol=1e-12)


@pytest.mark.parametrize("asymmetry", [1e-4, 0.1, 0.5])
def test_area_over_is_the_closed_form(asymmetry: float) -> None:
    gamma = 0.5
    _, _, place, width, top = (constants_of(1.0, asymmetry)[k] for k in (0, 1, 8, 9, 10))

    def integral(energy: float) -> float:
        distance = np.hypot(gamma, energy)
        angle = np.pi / 2 + np.arctan(energy / gamma)
        return float(distance**asymmetry * np.sin(asymmetry * angle) / asymmetry)

    for low, high in ((-5.0, 20.0), (-0.1, 0.2), (3.0, 1000.0)):
        area = PURE.area_over([low - place, high - place], 0.0, width, top, asymmetry)
        # The closed form cancels ten digits of angles at the smallest asymmetry.
        assert float(area) == pytest.approx(integral(high) - integral(low), rel=1e-9)


def test_area_grows_without_limit() -> None:
    assert PURE.area is None
    assert BROAD.area is None
    areas = [
        float(PURE.area_over([-reach, reach], 0.0, 1.0, 1.0, 0.2)) for reach in (1e2, 1e3, 1e4)
    ]
    # The tail E^(a - 1) integrates to E^a: each decade adds more than the one before.
    assert areas[2] - areas[1] > areas[1] - areas[0]
