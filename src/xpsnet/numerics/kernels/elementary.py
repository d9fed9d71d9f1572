"""Scalar kernels of the line shapes that are built from one exponential and one fraction.

They have no branches, so that a loop which calls one of them for contiguous points is compiled to
vector instructions (the batched engine relies on it).
"""

import math

from xpsnet.numerics.kernels.array_types import Floats1, Floats2, Floats3
from xpsnet.numerics.kernels.compile import compiled, contracted, exported
from xpsnet.numerics.kernels.exp2 import exp2
from xpsnet.numerics.kernels.scaled_line import Floats, Point, clipped, reduced, store, visible
from xpsnet.numerics.kernels.shape_codes import (
    GAUSSIAN,
    GL_PRODUCT,
    LORENTZIAN,
    PARK_FRACTION,
    PARK_FWHM_PER_WIDTH,
    PARK_GAUSSIAN,
    PARK_LORENTZIAN,
    PSEUDO_VOIGT,
)

_LN2 = math.log(2.0)


@contracted
def gaussian(t: float) -> Point:
    """Unit Gaussian."""
    value = exp2(-4.0 * t * t)
    return value, -8.0 * _LN2 * t * value, 0.0, 0.0


@contracted
def lorentzian(t: float) -> Point:
    """Unit Lorentzian."""
    value = 1.0 / (1.0 + 4.0 * t * t)
    return value, -8.0 * t * value * value, 0.0, 0.0


@contracted
def pseudo_voigt(t: float, fraction: float) -> Point:
    """Weighted sum of both, of one width."""
    narrow, narrow_slope, _, _ = gaussian(t)
    broad, broad_slope, _, _ = lorentzian(t)
    rest = 1.0 - fraction
    slope = fraction * broad_slope + rest * narrow_slope
    return fraction * broad + rest * narrow, slope, broad - narrow, 0.0


@compiled
def prepare_gl_product(fraction: float, constants: Floats) -> None:
    """Squared scale u that makes the product's full width 1, and its derivative by fraction.

    u solves ``(1 - fraction) ln 2 u + ln(1 + fraction u) = ln 2``.
    """
    fraction = clipped(fraction, 0.0, 1.0)
    u = 1.0
    for _ in range(6):  # Newton on a concave, nearly straight function: four steps reach rounding
        slope = (1.0 - fraction) * _LN2 + fraction / (1.0 + fraction * u)
        u -= ((1.0 - fraction) * _LN2 * u + math.log1p(fraction * u) - _LN2) / slope
    slope = (1.0 - fraction) * _LN2 + fraction / (1.0 + fraction * u)
    constants[0], constants[1] = fraction, u
    constants[2] = (_LN2 * u - u / (1.0 + fraction * u)) / slope


@contracted
def gl_product(t: float, constants: Floats) -> Point:
    """Product of a Gaussian and a Lorentzian."""
    fraction, u, u_slope = constants[0], constants[1], constants[2]
    square = 4.0 * t * t
    v = square * u
    denominator = 1.0 + fraction * v
    value = exp2((fraction - 1.0) * v) / denominator
    by_v = -value * (_LN2 * (1.0 - fraction) + fraction / denominator)
    by_fraction = value * (_LN2 * v - v / denominator) + by_v * square * u_slope
    return value, by_v * 8.0 * t * u, by_fraction, 0.0


@contracted
def park2020(t: float) -> Point:
    """Eq. 1 of Park et al. 2020, scaled to the width of the whole line."""
    x = t * PARK_FWHM_PER_WIDTH
    narrow = (1.0 - PARK_FRACTION) * exp2(-(PARK_GAUSSIAN**2 / _LN2) * x * x)
    shape = 1.0 / (1.0 + (PARK_LORENTZIAN * x) ** 2)
    broad = PARK_FRACTION * shape
    slope = PARK_GAUSSIAN**2 * narrow + PARK_LORENTZIAN**2 * broad * shape
    return narrow + broad, -2.0 * x * slope * PARK_FWHM_PER_WIDTH, 0.0, 0.0


@compiled
def unit(shape: int, t: float, constants: Floats) -> Point:
    """Unit line of one of the elementary shapes."""
    if shape == GAUSSIAN:
        return gaussian(t)
    if shape == LORENTZIAN:
        return lorentzian(t)
    if shape == PSEUDO_VOIGT:
        return pseudo_voigt(t, constants[0])
    if shape == GL_PRODUCT:
        return gl_product(t, constants)
    return park2020(t)


@exported
def elementary_rows(
    shape: int,
    energy: Floats2,
    parameters: Floats2,
    out: Floats2,
    derivatives: Floats3,
    constants: Floats1,
) -> None:
    """Lines of `parameters` (m, 5) on `energy` (m or 1, n) into (m, n) and (m, n or 0, k)."""
    for i in range(out.shape[0]):
        row, given = energy[i if energy.shape[0] > 1 else 0], parameters[i]
        constants[0] = given[3]
        if shape == GL_PRODUCT:
            prepare_gl_product(given[3], constants)
        if shape == PSEUDO_VOIGT and derivatives.shape[1] == 0:
            # Prediction needs only this: a loop for one shape is compiled to vector instructions.
            _pseudo_voigt_row(row, given, out[i])
            continue
        for j in range(out.shape[1]):
            t = reduced(row[j], given)
            store(unit(shape, t, constants), t, given, out[i], derivatives[i], j)


@compiled
def _pseudo_voigt_row(energy: Floats, given: Floats, out: Floats) -> None:
    """One pseudo-Voigt line."""
    center, height, fraction = given[0], given[2], given[3]
    fwhm = visible(given[1])
    for j in range(out.size):
        out[j] = height * pseudo_voigt((energy[j] - center) / fwhm, fraction)[0]


@exported
def gl_product_scales(fractions: Floats1, out: Floats1, constants: Floats1) -> None:
    """Squared scales of product lines."""
    for i in range(len(fractions)):
        prepare_gl_product(fractions[i], constants)
        out[i] = constants[1]
