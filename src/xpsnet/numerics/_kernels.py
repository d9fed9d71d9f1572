"""Scalar kernels of the line shapes and the loops that apply them to arrays.

Every line is ``height * g(t)`` with ``t = (energy - center) / fwhm``: the unit line ``g`` has its
maximum 1 at ``t = 0``, full width 1 at half of it, and depends on nothing but ``t`` and the extra
parameters of the shape. `prepare` turns those extra parameters into constants, once per line (here
lives all root finding); `unit` gives the unit line at one point with its derivatives. The chain
rule for center, fwhm and height is the same for every shape and is written once, in the loops.
"""

import math

import numpy as np
import numpy.typing as npt

from xpsnet.numerics._codes import (
    GAUSSIAN,
    GL_PRODUCT,
    LORENTZIAN,
    MIN_FWHM,
    PARK_FRACTION,
    PARK_FWHM_PER_WIDTH,
    PARK_GAUSSIAN,
    PARK_LORENTZIAN,
    PSEUDO_VOIGT,
)
from xpsnet.numerics._compile import compiled

N_CONSTANTS = 160
LN2 = math.log(2.0)
Floats = npt.NDArray[np.float64]
Point = tuple[float, float, float, float]


@compiled
def _gaussian(t: float) -> tuple[float, float]:
    """Unit Gaussian and its slope."""
    value = math.exp(-4.0 * LN2 * t * t)
    return value, -8.0 * LN2 * t * value


@compiled
def _lorentzian(t: float) -> tuple[float, float]:
    """Unit Lorentzian and its slope."""
    value = 1.0 / (1.0 + 4.0 * t * t)
    return value, -8.0 * t * value * value


@compiled
def _pseudo_voigt(t: float, fraction: float) -> Point:
    """Weighted sum of both, of one width."""
    gaussian, gaussian_slope = _gaussian(t)
    lorentzian, lorentzian_slope = _lorentzian(t)
    rest = 1.0 - fraction
    return (
        fraction * lorentzian + rest * gaussian,
        fraction * lorentzian_slope + rest * gaussian_slope,
        lorentzian - gaussian,
        0.0,
    )


@compiled
def _prepare_gl_product(fraction: float, constants: Floats) -> None:
    """Scale that makes the product's full width 1: u = scale^2 solves the half-height equation."""
    fraction = min(max(fraction, 0.0), 1.0)
    u = 1.0
    for _ in range(8):  # Newton on a concave, nearly straight function: five steps reach rounding
        excess = (1.0 - fraction) * LN2 * u + math.log1p(fraction * u) - LN2
        u -= excess / ((1.0 - fraction) * LN2 + fraction / (1.0 + fraction * u))
    slope = (1.0 - fraction) * LN2 + fraction / (1.0 + fraction * u)
    constants[0] = fraction
    constants[1] = u
    constants[2] = (LN2 * u - u / (1.0 + fraction * u)) / slope


@compiled
def _gl_product(t: float, constants: Floats) -> Point:
    """Product of a Gaussian and a Lorentzian."""
    fraction, u, u_slope = constants[0], constants[1], constants[2]
    square = 4.0 * t * t
    v = square * u
    denominator = 1.0 + fraction * v
    value = math.exp(-LN2 * (1.0 - fraction) * v) / denominator
    by_v = -value * (LN2 * (1.0 - fraction) + fraction / denominator)
    by_fraction = value * (LN2 * v - v / denominator) + by_v * square * u_slope
    return value, by_v * 8.0 * t * u, by_fraction, 0.0


@compiled
def _park2020(t: float) -> tuple[float, float]:
    """Eq. 1 of Park et al. 2020, scaled to the width of the whole line."""
    x = t * PARK_FWHM_PER_WIDTH
    gaussian = math.exp(-((PARK_GAUSSIAN * x) ** 2))
    lorentzian = 1.0 / (1.0 + (PARK_LORENTZIAN * x) ** 2)
    slope = (1.0 - PARK_FRACTION) * PARK_GAUSSIAN**2 * gaussian
    slope += PARK_FRACTION * PARK_LORENTZIAN**2 * lorentzian * lorentzian
    value = (1.0 - PARK_FRACTION) * gaussian + PARK_FRACTION * lorentzian
    return value, -2.0 * x * slope * PARK_FWHM_PER_WIDTH


@compiled
def prepare(shape: int, first: float, second: float, constants: Floats) -> None:
    """Fill `constants` for one line from its extra parameters."""
    if shape == GL_PRODUCT:
        _prepare_gl_product(first, constants)
    else:
        constants[0] = first


@compiled
def unit(shape: int, t: float, constants: Floats) -> Point:
    """Unit line at `t` and its derivatives by t and by the first and second extra parameter."""
    if shape == GAUSSIAN:
        value, slope = _gaussian(t)
        return value, slope, 0.0, 0.0
    if shape == LORENTZIAN:
        value, slope = _lorentzian(t)
        return value, slope, 0.0, 0.0
    if shape == PSEUDO_VOIGT:
        return _pseudo_voigt(t, constants[0])
    if shape == GL_PRODUCT:
        return _gl_product(t, constants)
    value, slope = _park2020(t)
    return value, slope, 0.0, 0.0


@compiled
def value_rows(shape: int, energy: Floats, parameters: Floats, out: Floats) -> None:
    """Lines of `parameters` (m, 5) on `energy` (m or 1, n) into `out` (m, n)."""
    constants = np.empty(N_CONSTANTS)
    for i in range(out.shape[0]):
        center, fwhm, height = parameters[i, 0], parameters[i, 1], parameters[i, 2]
        if fwhm < MIN_FWHM:
            fwhm = MIN_FWHM
        prepare(shape, parameters[i, 3], parameters[i, 4], constants)
        row = energy[i if energy.shape[0] > 1 else 0]
        for j in range(out.shape[1]):
            out[i, j] = height * unit(shape, (row[j] - center) / fwhm, constants)[0]


@compiled
def derivative_rows(
    shape: int, energy: Floats, parameters: Floats, out: Floats, derivatives: Floats
) -> None:
    """As `value_rows`, and the derivatives by every parameter into `derivatives` (m, n, k)."""
    constants = np.empty(N_CONSTANTS)
    for i in range(out.shape[0]):
        center, fwhm, height = parameters[i, 0], parameters[i, 1], parameters[i, 2]
        clamped = fwhm < MIN_FWHM
        if clamped:
            fwhm = MIN_FWHM
        prepare(shape, parameters[i, 3], parameters[i, 4], constants)
        row = energy[i if energy.shape[0] > 1 else 0]
        for j in range(out.shape[1]):
            t = (row[j] - center) / fwhm
            value, slope, by_first, by_second = unit(shape, t, constants)
            out[i, j] = height * value
            derivatives[i, j, 0] = -height * slope / fwhm
            derivatives[i, j, 1] = 0.0 if clamped else -height * slope * t / fwhm
            derivatives[i, j, 2] = value
            if derivatives.shape[2] > 3:
                derivatives[i, j, 3] = height * by_first
            if derivatives.shape[2] > 4:
                derivatives[i, j, 4] = height * by_second
