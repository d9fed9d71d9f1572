"""The Faddeeva function and the Voigt profile against scipy."""

import numpy as np
import pytest
from scipy import special

from xpsnet.numerics.kernels import voigt as kernels_voigt
from xpsnet.numerics.lineshapes import LINE_SHAPES


def disc(rng: np.random.Generator, n: int) -> list[complex]:
    """Points with |z| <= 12 in the first quadrant, many of them next to the axes."""
    radius = rng.uniform(0, 12, n)
    angle = rng.uniform(0, np.pi / 2, n)
    angle[: n // 3] = 10 ** rng.uniform(-300, 0, n // 3)
    angle[n // 3 : n // 2] = np.pi / 2 - 10 ** rng.uniform(-12, 0, n // 2 - n // 3)
    return [complex(abs(z.real), abs(z.imag)) for z in radius * np.exp(1j * angle)]


def test_faddeeva_keeps_the_relative_accuracy_of_its_real_part() -> None:
    points = disc(np.random.default_rng(1), 6000)
    ours = np.array([kernels_voigt.faddeeva(z.real, z.imag) for z in points])
    scipys = special.wofz(points)
    # scipy claims 1e-13.
    np.testing.assert_allclose(ours.real, scipys.real, rtol=2e-13, atol=1e-300)
    np.testing.assert_allclose(ours.imag, scipys.imag, rtol=2e-13, atol=3e-16)


@pytest.mark.parametrize("y", [0.0, 1e-300, 1e-12, 0.1, 3.0, 6.0, 6.2])
def test_faddeeva_where_its_rules_meet(y: float) -> None:
    quarters = np.arange(80) * kernels_voigt._STEP / 4
    for x in np.concatenate([quarters, quarters + 1e-13, np.abs(quarters - 1e-13)]):
        if x * x + y * y <= 144:
            expected = special.wofz(complex(x, y)).real
            assert kernels_voigt.faddeeva(x, y).real == pytest.approx(
                expected, rel=2e-13, abs=1e-300
            )


def test_profile_is_that_of_scipy_for_all_ratios_and_distances() -> None:
    rng = np.random.default_rng(2)
    fraction = np.concatenate([rng.uniform(0, 1, 3000), 10 ** rng.uniform(-12, 0, 2000)])
    fraction[4000:] = 1 - fraction[4000:]
    x = rng.choice([-1, 1], 5000) * 10 ** rng.uniform(-3, 3, 5000)
    sigma = (1 - fraction) * kernels_voigt._SIGMA_PER_FWHM
    gamma = fraction / 2
    ours = [kernels_voigt.profile(*row)[0] for row in zip(x, gamma, 2 * sigma**2, strict=True)]
    np.testing.assert_allclose(
        ours, special.voigt_profile(x, sigma, gamma), rtol=3e-13, atol=1e-300
    )


@pytest.mark.parametrize("fraction", [0.0, 1e-8, 0.02, 0.3, 0.9, 0.95, 1 - 1e-8, 1.0])
def test_profile_derivatives(fraction: float) -> None:
    gamma, s = fraction / 2, 2 * ((1 - fraction) * kernels_voigt._SIGMA_PER_FWHM) ** 2
    for x in (-3.0, -0.4, 0.0, 0.2, 1.0, 6.0):
        top = kernels_voigt.profile(0.0, gamma, s)[0]
        for number in range(3):
            at = [x, gamma, s]
            step = 1e-5 if number < 2 else 1e-5 * max(s, 1e-3)
            # Neither gamma nor s is negative: one-sided differences of second order there.
            values = []
            for k in (0, 1, 2) if at[number] < step else (-1, 0, 1):
                moved = list(at)
                moved[number] += k * step
                values.append(kernels_voigt.profile(*moved)[0])
            if at[number] < step:
                expected = (-3 * values[0] + 4 * values[1] - values[2]) / (2 * step)
            else:
                expected = (values[2] - values[0]) / (2 * step)
            # Rounding over the step, and the error of a one-sided difference.
            assert kernels_voigt.profile(*at)[1 + number] == pytest.approx(
                expected, abs=max(2e-9, 4e-15 / step) * max(top, 1.0) * 10
            )


def test_limits_are_the_gaussian_and_the_lorentzian() -> None:
    energy = np.linspace(-20, 20, 801)
    voigt = LINE_SHAPES["voigt"]
    for fraction, name in ((0.0, "gaussian"), (1.0, "lorentzian")):
        limit = LINE_SHAPES[name].value(energy, 0.3, 1.1, 50.0)
        # The exponent of the Gaussian, up to 700, multiplies the rounding of its width.
        np.testing.assert_allclose(
            voigt.value(energy, 0.3, 1.1, 50.0, fraction), limit, rtol=1e-12, atol=1e-200
        )
        area = float(voigt.area(0.3, 1.1, 50.0, fraction))
        assert area == pytest.approx(float(LINE_SHAPES[name].area(0.3, 1.1, 50.0)), rel=1e-13)


def test_width_agrees_with_the_common_approximation() -> None:
    # Olivero and Longbothum 1977: whole width from both parts, to 2e-4.
    fraction = np.linspace(0, 1, 101)
    constants = np.empty(8)
    widths = []
    for value in fraction:
        kernels_voigt.prepare_voigt(value, constants)
        widths.append(constants[3])
    expected = 0.5346 * fraction + np.sqrt(0.2166 * fraction**2 + (1 - fraction) ** 2)
    np.testing.assert_allclose(widths, expected, rtol=3e-4)
