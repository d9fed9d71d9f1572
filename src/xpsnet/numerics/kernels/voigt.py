"""Scalar kernel of the Voigt line and the Faddeeva function that it rests on.

The Voigt profile of a Gaussian of variance s / 2 and a Lorentzian of half width gamma is
``P(X) = Re w(z) / sqrt(pi s)`` with ``z = (X + i gamma) / sqrt(s)``. Near the origin w is computed
by trapezoidal rules corrected for the pole of their integrand, whose real part is a sum of positive
terms, so that even far tails keep their relative accuracy (M. M. Al Azah and S. N. Chandler-Wilde,
SIAM J. Numer. Anal. 59, 2346 (2021), arXiv 2010.05659); far away by its asymptotic series in
``s / (X + i gamma)^2``, which holds for a pure Lorentzian (s = 0) as well.
"""

import math

import numpy as np

from xpsnet.numerics.kernels.array_types import Floats1, Floats2, Floats3
from xpsnet.numerics.kernels.compile import compiled, exported
from xpsnet.numerics.kernels.scaled_line import Floats, Point, clipped, reciprocal, reduced, store

_TERMS = 12
_STEP = math.sqrt(math.pi / _TERMS)
_WHOLE = np.exp(-((np.arange(_TERMS) * _STEP) ** 2))  # weights at k h
_HALF = np.exp(-(((np.arange(_TERMS) + 0.5) * _STEP) ** 2))  # weights at (k + 1/2) h
_FAR = 144.0  # |z|^2 from which the series of at most twelve terms is exact to rounding
_SIGMA_PER_FWHM = 0.5 / math.sqrt(2.0 * math.log(2.0))


@compiled
def faddeeva(x: float, y: float) -> complex:
    """w(x + iy) for x >= 0, y >= 0 and |z| up to 12; the real part keeps its relative accuracy."""
    place = x / _STEP
    middle = y < x and 0.25 <= place - math.floor(place) <= 0.75
    square = x * x + y * y
    real, imaginary = 0.0, 0.0
    for k in range(_TERMS):
        t = k * _STEP if middle else (k + 0.5) * _STEP
        weight = _WHOLE[k] if middle else _HALF[k]
        if middle and k == 0:
            weight *= 0.5
        weight /= ((x - t) ** 2 + y * y) * ((x + t) ** 2 + y * y)
        real += weight * (square + t * t)
        imaginary += weight * (square - t * t)
    total = (2.0 * _STEP / math.pi) * complex(y * real, x * imaginary)
    if y >= x and y >= math.pi / _STEP:
        return total
    if y > 1e-3 and x * x - y * y + 2.0 * math.pi / _STEP * y > 45.0:
        return total  # the residue is below rounding
    # Residue of the pole that lies between the real axis and the line of integration.
    turn = math.exp(2.0 * math.pi * y / _STEP)
    angle = 2.0 * math.pi * place
    sign = -1.0 if middle else 1.0
    denominator = complex(1.0 + sign * turn * math.cos(angle), -sign * turn * math.sin(angle))
    size = 2.0 * math.exp(y * y - x * x)
    residue = size * complex(math.cos(2.0 * x * y), -math.sin(2.0 * x * y))
    return total + residue * reciprocal(denominator)


@compiled
def _series(x: float, gamma: float, s: float) -> tuple[float, float, float, float]:
    """Profile far from its center, and its derivatives by X, gamma and s."""
    inverse = reciprocal(complex(x, gamma))
    q = s * inverse * inverse
    power, coefficient = complex(1.0, 0.0), 1.0
    value, slope, by_s = complex(1.0, 0.0), complex(1.0, 0.0), complex(0.0, 0.0)
    for k in range(1, 13):
        coefficient *= k - 0.5
        by_s += k * coefficient * power
        power *= q
        value += coefficient * power
        slope += (2 * k + 1) * coefficient * power
        if (2 * k + 1) * coefficient * (abs(power.real) + abs(power.imag)) < 1e-17:
            break
    slope *= inverse * inverse / math.pi
    profile = -(inverse * value).imag / math.pi
    if gamma < 1e-20 * x and x * x < 740.0 * s:
        # Next to the real axis the Gaussian, below 1e-62, is larger than what the series gives.
        profile += math.exp(-x * x / s) / math.sqrt(math.pi * s)
    return profile, slope.imag, slope.real, -(inverse * inverse * inverse * by_s).imag / math.pi


@compiled
def profile(x: float, gamma: float, s: float) -> tuple[float, float, float, float]:
    """Voigt profile of area 1 at X, and its derivatives by X, gamma and s."""
    away = abs(x)
    sign = -1.0 if x < 0.0 else 1.0
    if away * away + gamma * gamma >= _FAR * s:
        value, by_x, by_gamma, by_s = _series(away, gamma, s)
        return value, sign * by_x, by_gamma, by_s
    root = math.sqrt(s)
    z = complex(away / root, gamma / root)
    w = faddeeva(z.real, z.imag)
    slope = complex(0.0, 2.0 / math.sqrt(math.pi)) - 2.0 * z * w
    scale = 1.0 / math.sqrt(math.pi * s)
    by_s = -0.5 * scale / s * (w + z * slope).real
    return scale * w.real, sign * scale / root * slope.real, -scale / root * slope.imag, by_s


@compiled
def prepare_voigt(fraction: float, constants: Floats) -> None:
    """Constants of the unit Voigt line whose parts have fwhm in the ratio fraction : 1 - fraction.

    constants: gamma, s, profile at 0, full width; derivatives by fraction of gamma, s, log profile
    at 0, full width. All widths in units of the sum of the two fwhm.
    """
    fraction = clipped(fraction, 0.0, 1.0)
    rest = 1.0 - fraction
    gamma, gamma_slope = 0.5 * fraction, 0.5
    s = 2.0 * (rest * _SIGMA_PER_FWHM) ** 2
    s_slope = -4.0 * rest * _SIGMA_PER_FWHM**2
    top, _, top_gamma, top_s = profile(0.0, gamma, s)
    log_slope = (top_gamma * gamma_slope + top_s * s_slope) / top
    # Start: J. J. Olivero and R. L. Longbothum, JQSRT 17, 233 (1977), good to 2e-4.
    x = 0.5 * (0.5346 * fraction + math.sqrt(0.2166 * fraction * fraction + rest * rest))
    for _ in range(4):
        value, by_x, by_gamma, by_s = profile(x, gamma, s)
        x -= (value - 0.5 * top) / by_x
    value, by_x, by_gamma, by_s = profile(x, gamma, s)
    x_slope = (0.5 * top * log_slope - by_gamma * gamma_slope - by_s * s_slope) / by_x
    constants[0], constants[1], constants[2], constants[3] = gamma, s, top, 2.0 * x
    constants[4], constants[5], constants[6] = gamma_slope, s_slope, log_slope
    constants[7] = 2.0 * x_slope


@compiled
def voigt(t: float, constants: Floats) -> Point:
    """Unit Voigt line, its slope, its derivative by fraction, and 0."""
    gamma, s, top, width = constants[0], constants[1], constants[2], constants[3]
    value, by_x, by_gamma, by_s = profile(t * width, gamma, s)
    by_fraction = by_gamma * constants[4] + by_s * constants[5] + by_x * t * constants[7]
    value /= top
    return value, by_x * width / top, by_fraction / top - value * constants[6], 0.0


@exported
def voigt_rows(
    energy: Floats2, parameters: Floats2, out: Floats2, derivatives: Floats3, constants: Floats1
) -> None:
    """Lines of `parameters` (m, 5) on `energy` (m or 1, n) into (m, n) and (m, n or 0, k)."""
    for i in range(out.shape[0]):
        row, given = energy[i if energy.shape[0] > 1 else 0], parameters[i]
        prepare_voigt(given[3], constants)
        for j in range(out.shape[1]):
            t = reduced(row[j], given)
            store(voigt(t, constants), t, given, out[i], derivatives[i], j)


@exported
def voigt_areas(fractions: Floats1, out: Floats1, constants: Floats1) -> None:
    """Areas of unit Voigt lines."""
    for i in range(len(fractions)):
        prepare_voigt(fractions[i], constants)
        out[i] = 1.0 / (constants[2] * constants[3])
