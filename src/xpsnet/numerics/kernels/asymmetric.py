"""Scalar kernel of the pseudo-Voigt line whose width changes along the energy.

The symmetric line of full width 1 is drawn at ``u = x (1 + exp(-a x)) / 2``, that is with a width
that grows as the sigmoid ``2 / (1 + exp(-a x))`` towards higher binding energy (A. L. Stancik and
E. B. Brauns, Vib. Spectrosc. 47, 66 (2008), doi 10.1016/j.vibspec.2008.02.009). ``u`` rises with
``x`` for every ``a`` and is 0 at 0: the maximum stays there. The full width of the whole line, W,
is the distance between the places where ``u`` is 1/2 and -1/2, for every Lorentzian share.
"""

import math

from xpsnet.numerics.kernels.array_types import Floats1, Floats2, Floats3
from xpsnet.numerics.kernels.compile import compiled, exported
from xpsnet.numerics.kernels.elementary import pseudo_voigt
from xpsnet.numerics.kernels.scaled_line import Floats, Point, clipped, reduced, store
from xpsnet.numerics.kernels.shape_codes import MAX_SKEW

# Keeps the exponential finite far from the line, where it is zero.
_STEEPEST = 40.0


@compiled
def _half_width(asymmetry: float, level: float) -> tuple[float, float]:
    """Place x where x (1 + exp(-a x)) is `level` (1 or -1), and its derivative by a."""
    x = 0.5 * level
    for _ in range(60):
        fall = math.exp(-asymmetry * x)
        slope = 1.0 + fall * (1.0 - asymmetry * x)
        step = (x * (1.0 + fall) - level) / slope
        x -= step
        if abs(step) < 1e-16:
            break
    fall = math.exp(-asymmetry * x)
    return x, x * x * fall / (1.0 + fall * (1.0 - asymmetry * x))


@compiled
def prepare_asymmetric(fraction: float, asymmetry: float, constants: Floats) -> None:
    """Constants of a line: fraction, asymmetry, full width W and its derivative by asymmetry."""
    asymmetry = clipped(asymmetry, 0.0, MAX_SKEW)
    high, high_slope = _half_width(asymmetry, 1.0)
    low, low_slope = _half_width(asymmetry, -1.0)
    constants[0], constants[1] = fraction, asymmetry
    constants[2], constants[3] = high - low, high_slope - low_slope


@compiled
def asymmetric_pseudo_voigt(t: float, constants: Floats) -> Point:
    """Unit line, its slope, and its derivatives by fraction and by asymmetry."""
    asymmetry, width = constants[1], constants[2]
    x = t * width
    fall = math.exp(min(-asymmetry * x, _STEEPEST))
    value, slope, by_fraction, _ = pseudo_voigt(0.5 * x * (1.0 + fall), constants[0])
    by_x = slope * 0.5 * (1.0 + fall - asymmetry * x * fall)
    by_asymmetry = by_x * t * constants[3] - slope * 0.5 * x * x * fall
    return value, by_x * width, by_fraction, by_asymmetry


@exported
def asymmetric_rows(
    energy: Floats2, parameters: Floats2, out: Floats2, derivatives: Floats3, constants: Floats1
) -> None:
    """Lines of `parameters` (m, 5) on `energy` (m or 1, n) into (m, n) and (m, n or 0, k)."""
    for i in range(out.shape[0]):
        row, given = energy[i if energy.shape[0] > 1 else 0], parameters[i]
        prepare_asymmetric(given[3], given[4], constants)
        for j in range(out.shape[1]):
            t = reduced(row[j], given)
            point = asymmetric_pseudo_voigt(t, constants)
            store(point, t, given, out[i], derivatives[i], j)


@exported
def asymmetric_widths(asymmetries: Floats1, out: Floats1, constants: Floats1) -> None:
    """Full widths W of lines before they are scaled to 1."""
    for i in range(len(asymmetries)):
        prepare_asymmetric(0.0, asymmetries[i], constants)
        out[i] = constants[2]
