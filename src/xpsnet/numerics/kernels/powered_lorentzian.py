"""Scalar kernel of Lorentzians to a power, convolved with a Gaussian: LA and LF of CasaXPS.

With ``l(u) = ln(1 + 4 u^2)``, u counted in widths of the Lorentzian and growing with binding
energy, the bare line is ``L(u) = exp(-p(u) l(u))``. The power is `exponent_high` for u > 0 and
`exponent_low` for u < 0; with damping it goes from there to 3 as u passes `damping`. The line is
``C(x) = integral of G(x - u) L(u)``, G a Gaussian of fwhm ``(1 - fraction) / fraction``.

L, its slope and its derivatives by the parameters are continuous at u = 0, the second derivative
jumps there. Where that place is within the reach of the Gaussian, C is summed over Gauss-Legendre
panels of both sides; their nodes and the values of L in them are computed once per line. Elsewhere
a Gauss-Hermite rule about x does. Both agree with C within 1e-11 of the maximum.
"""

import math

import numpy as np

from xpsnet.numerics.kernels.array_types import Floats1, Floats2, Floats3
from xpsnet.numerics.kernels.compile import compiled, exported, reassociated
from xpsnet.numerics.kernels.exp2 import exp2
from xpsnet.numerics.kernels.scaled_line import Floats, Point, clipped, reduced, store
from xpsnet.numerics.kernels.shape_codes import (
    MAX_DAMPING,
    MAX_EXPONENT,
    MIN_DAMPING,
    MIN_EXPONENT,
    MIN_LORENTZIAN,
)

# C, its slope, and its derivatives by fraction, exponent_high, exponent_low and damping.
Curve = tuple[float, float, float, float, float, float]
# The unit line, its slope, and its derivatives by the extra parameters.
PoweredPoint = tuple[float, float, float, float, float, float]

_SIGMA_PER_FWHM = 0.5 / math.sqrt(2.0 * math.log(2.0))
_TAIL = 3.0  # power towards which damping leads
_NEARLY_ALL = 1.0 - 1e-12  # a Gaussian of no width would be no function
_REACH = 8.3  # standard deviations beyond which the Gaussian is left out
_NEGLIGIBLE = 41.0  # L below exp(-41) is left out, too
_MOST_PANELS = 16
_PANEL = 16
_NODES = 2 * _MOST_PANELS * _PANEL
_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(_PANEL)
_HERMITE, _HERMITE_WEIGHTS = np.polynomial.hermite.hermgauss(16)
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / math.sqrt(math.pi)
# Where things are among the constants of a line.
_MAXIMUM, _WIDTH, _TOP, _BY = 6, 7, 8, 9
_N_LOW, _N_ALL, _TABLE = 21, 22, 24
# The table has six rows of all nodes: place, L, L', L'', derivatives by power and by damping.
N_POWERED_CONSTANTS = _TABLE + 6 * _NODES


@compiled
def _branch(u: float, power: float, rate: float) -> tuple[float, float, float, float, float]:
    """L at u of one side, its first and second derivative, and those by power and by damping."""
    spread = 1.0 + 4.0 * u * u
    logarithm = math.log1p(4.0 * u * u)
    log_slope = 8.0 * u / spread
    log_bend = 8.0 / spread - log_slope * log_slope
    if rate == 0.0:
        value = math.exp(-power * logarithm)
        first = -power * log_slope
        second = -power * log_bend
        return value, first * value, (second + first * first) * value, -logarithm * value, 0.0
    q = 4.0 * u * u * rate
    left = 1.0 / (1.0 + q)  # how much of the power is left
    left_slope = -8.0 * u * rate * left * left
    left_bend = -8.0 * rate * left * left + 2.0 * left_slope * left_slope / left
    missing = _TAIL - power
    own = _TAIL - missing * left
    value = math.exp(-own * logarithm)
    first = missing * left_slope * logarithm - own * log_slope
    second = missing * (left_bend * logarithm + 2.0 * left_slope * log_slope) - own * log_bend
    by_damping = missing * logarithm * 2.0 * q * math.sqrt(rate) * left * left
    return (
        value,
        first * value,
        (second + first * first) * value,
        -logarithm * left * value,
        by_damping * value,
    )


@compiled
def _fill_side(sign: float, power: float, rate: float, sigma: float, table: Floats, at: int) -> int:
    """Nodes of one side outwards from u = 0, from place `at` of the table; returns their number."""
    u, n = 0.0, 0
    end = 2.0 * _REACH * sigma
    scale = 1.0 / (sigma * math.sqrt(2.0 * math.pi))
    for _ in range(_MOST_PANELS):
        if not u < end:
            break
        away = math.sqrt(4.0 * u * u + 1.0)
        own = _TAIL - (_TAIL - power) / (1.0 + 4.0 * u * u * rate) if rate > 0.0 else power
        length = min(5.0 * sigma, 0.6 * away, 1.7 * away / math.sqrt(own), end - u)
        for j in range(_PANEL):
            place = u + 0.5 * length * (1.0 + _LEGENDRE[j])
            weight = 0.5 * length * _LEGENDRE_WEIGHTS[j] * scale
            value, first, second, by_power, by_damping = _branch(sign * place, power, rate)
            node = at + n
            table[node], table[_NODES + node] = sign * place, weight * value
            table[2 * _NODES + node], table[3 * _NODES + node] = weight * first, weight * second
            table[4 * _NODES + node] = weight * by_power
            table[5 * _NODES + node] = weight * by_damping
            n += 1
        u += length
        # With damping, a high power falls to 3 and leaves a tail.
        if rate == 0.0 and _branch(sign * u, power, rate)[0] < math.exp(-_NEGLIGIBLE):
            break
    return n


@reassociated
def _sums(
    table: Floats, first: int, last: int, x: float, inverse: float
) -> tuple[float, float, float, float, float]:
    """Sums over nodes of the Gaussian times L, L', L'' and the derivatives by the parameters."""
    value, slope, bend, by_power, by_damping = 0.0, 0.0, 0.0, 0.0, 0.0
    factor = 0.5 * inverse * inverse / math.log(2.0)
    for j in range(first, last):
        off = x - table[j]
        weight = exp2(-factor * off * off)
        value += weight * table[_NODES + j]
        slope += weight * table[2 * _NODES + j]
        bend += weight * table[3 * _NODES + j]
        by_power += weight * table[4 * _NODES + j]
        by_damping += weight * table[5 * _NODES + j]
    return value, slope, bend, by_power, by_damping


@reassociated
def _moments(
    table: Floats, first: int, last: int, x: float, inverse: float
) -> tuple[float, float, float]:
    """Sums over nodes of the slope of the Gaussian times L'' and the derivatives by parameters."""
    bend, by_power, by_damping = 0.0, 0.0, 0.0
    factor = 0.5 * inverse * inverse / math.log(2.0)
    for j in range(first, last):
        off = x - table[j]
        weight = -off * inverse * inverse * exp2(-factor * off * off)
        bend += weight * table[3 * _NODES + j]
        by_power += weight * table[4 * _NODES + j]
        by_damping += weight * table[5 * _NODES + j]
    return bend, by_power, by_damping


@compiled
def _first_node(table: Floats, first: int, last: int, u: float) -> int:
    """First of the nodes from `first` to `last` that is not below u."""
    while first < last:
        middle = (first + last) // 2
        if table[middle] < u:
            first = middle + 1
        else:
            last = middle
    return first


@compiled
def _curve(x: float, constants: Floats) -> Curve:
    """Line before scaling, its slope, and its derivatives by the parameters."""
    sigma, rate = constants[0], constants[3]
    if abs(x) < _REACH * sigma:
        table = constants[_TABLE:]
        n_low, n_all = int(constants[_N_LOW]), int(constants[_N_ALL])
        first = _first_node(table, 0, n_all, x - _REACH * sigma)
        last = _first_node(table, first, n_all, x + _REACH * sigma)
        middle = min(max(n_low, first), last)
        inverse = 1.0 / sigma
        low = _sums(table, first, middle, x, inverse)
        high = _sums(table, middle, last, x, inverse)
        by_fraction = sigma * (low[2] + high[2]) * constants[4]
        by_damping = low[4] + high[4]
        return low[0] + high[0], low[1] + high[1], by_fraction, high[3], low[3], by_damping
    power = constants[1] if x > 0.0 else constants[2]
    value, slope, by_fraction, by_power, by_damping = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(_HERMITE.size):
        step = math.sqrt(2.0) * _HERMITE[j]
        weight = _HERMITE_WEIGHTS[j]
        own, first_slope, _, own_power, own_damping = _branch(x + sigma * step, power, rate)
        value += weight * own
        slope += weight * first_slope
        by_fraction += weight * step * first_slope
        by_power += weight * own_power
        by_damping += weight * own_damping
    by_high, by_low = (by_power, 0.0) if x > 0.0 else (0.0, by_power)
    return value, slope, by_fraction * constants[4], by_high, by_low, by_damping


@compiled
def _bends(x: float, constants: Floats) -> tuple[float, float, float, float, float]:
    """Second derivative of the line, and the derivatives of its slope by the parameters.

    Next to the place where both sides meet.
    """
    sigma = constants[0]
    table = constants[_TABLE:]
    n_low, n_all = int(constants[_N_LOW]), int(constants[_N_ALL])
    inverse = 1.0 / sigma
    bend = _sums(table, 0, n_low, x, inverse)[2] + _sums(table, n_low, n_all, x, inverse)[2]
    low = _moments(table, 0, n_low, x, inverse)
    high = _moments(table, n_low, n_all, x, inverse)
    return bend, sigma * (low[0] + high[0]) * constants[4], high[1], low[1], low[2] + high[2]


@compiled
def _find_maximum(constants: Floats) -> float:
    """Place of the maximum: Newton's method, kept inside a shrinking bracket."""
    sigma = constants[0]
    low, high = -0.99 * _REACH * sigma, 0.99 * _REACH * sigma
    x = 0.0
    for _ in range(80):
        slope = _curve(x, constants)[1]
        if slope > 0.0:
            low = x
        else:
            high = x
        following = x - slope / _bends(x, constants)[0]
        if not low < following < high:
            following = 0.5 * (low + high) if slope != 0.0 else x
        if abs(following - x) <= 1e-15 * sigma:
            return following
        x = following
    return x


@compiled
def _find_level(inside: float, outside: float, level: float, constants: Floats) -> float:
    """Place between `inside` (above the level) and `outside` (below) where the line has it."""
    x = 0.5 * (inside + outside)
    for _ in range(80):
        curve = _curve(x, constants)
        if curve[0] > level:
            inside = x
        else:
            outside = x
        following = x - (curve[0] - level) / curve[1]
        if not min(inside, outside) < following < max(inside, outside):
            following = 0.5 * (inside + outside)
        if abs(following - x) <= 4e-16 * abs(x):
            return following
        x = following
    return x


@compiled
def _flank(sign: float, constants: Floats) -> float:
    """Place of half of the maximum on one side."""
    start, level = constants[_MAXIMUM], 0.5 * constants[_TOP]
    far = constants[0] + 0.1
    for _ in range(40):
        if _curve(start + sign * far, constants)[0] < level:
            break
        far *= 2.0
    return _find_level(start, start + sign * far, level, constants)


@compiled
def prepare_powered(
    fraction: float,
    exponent_high: float,
    exponent_low: float,
    damping: float,
    constants: Floats,
) -> None:
    """Constants of a line; a damping of 0 stands for none.

    constants 0 to 4: standard deviation, both powers, 1 / damping^2, slope of the deviation by
    fraction; 6 to 8: place of the maximum, full width, maximum; then, three for each parameter,
    the derivatives of these (of the maximum: logarithmic); 21 and 22: number of nodes below 0 and
    of all; from 24: nodes. All lengths in widths of the Lorentzian.
    """
    fraction = clipped(fraction, MIN_LORENTZIAN, _NEARLY_ALL)
    high = clipped(exponent_high, MIN_EXPONENT, MAX_EXPONENT)
    low = clipped(exponent_low, MIN_EXPONENT, MAX_EXPONENT)
    rate = 0.0 if damping == 0.0 else clipped(damping, MIN_DAMPING, MAX_DAMPING) ** -2.0
    sigma = _SIGMA_PER_FWHM * (1.0 - fraction) / fraction
    constants[0], constants[1], constants[2], constants[3] = sigma, high, low, rate
    constants[4] = -_SIGMA_PER_FWHM / (fraction * fraction)
    table = constants[_TABLE:]
    n_low = _fill_side(-1.0, low, rate, sigma, table, 0)
    for first in range(0, 6 * _NODES, _NODES):  # nodes ascend
        for j in range(n_low // 2):
            here, there = first + j, first + n_low - 1 - j
            table[here], table[there] = table[there], table[here]
    constants[_N_LOW] = n_low
    constants[_N_ALL] = n_low + _fill_side(1.0, high, rate, sigma, table, n_low)
    constants[_MAXIMUM] = _find_maximum(constants)
    at_top = _curve(constants[_MAXIMUM], constants)
    constants[_TOP] = at_top[0]
    right, left = _flank(1.0, constants), _flank(-1.0, constants)
    constants[_WIDTH] = right - left
    at_right, at_left = _curve(right, constants), _curve(left, constants)
    bends = _bends(constants[_MAXIMUM], constants)
    _differentiate(at_top, at_right, at_left, bends, constants)


@compiled
def _differentiate(
    top: Curve,
    right: Curve,
    left: Curve,
    bends: tuple[float, float, float, float, float],
    constants: Floats,
) -> None:
    """Derivatives of the maximum, its place and the full width, by implicit differentiation.

    The conditions are C = maximum / 2 at both flanks and a slope of 0 at the maximum.
    """
    for k in range(4):
        constants[_BY + 3 * k] = -bends[k + 1] / bends[0]
        width = (0.5 * top[k + 2] - right[k + 2]) / right[1]
        width -= (0.5 * top[k + 2] - left[k + 2]) / left[1]
        constants[_BY + 3 * k + 1] = width
        constants[_BY + 3 * k + 2] = top[k + 2] / top[0]


@compiled
def powered(t: float, constants: Floats) -> PoweredPoint:
    """Unit line, its slope, and its derivatives by fraction, both exponents and damping."""
    width, scale = constants[_WIDTH], 1.0 / constants[_TOP]
    value, slope, by_fraction, by_high, by_low, by_damping = _curve(
        constants[_MAXIMUM] + t * width, constants
    )
    value, slope = value * scale, slope * scale
    return (
        value,
        slope * width,
        by_fraction * scale + slope * (constants[9] + t * constants[10]) - value * constants[11],
        by_high * scale + slope * (constants[12] + t * constants[13]) - value * constants[14],
        by_low * scale + slope * (constants[15] + t * constants[16]) - value * constants[17],
        by_damping * scale + slope * (constants[18] + t * constants[19]) - value * constants[20],
    )


@exported
def powered_rows(
    energy: Floats2, parameters: Floats2, out: Floats2, derivatives: Floats3, constants: Floats1
) -> None:
    """Lines of `parameters` (m, 7) on `energy` (m or 1, n) into (m, n) and (m, n or 0, k)."""
    for i in range(out.shape[0]):
        row, given = energy[i if energy.shape[0] > 1 else 0], parameters[i]
        prepare_powered(given[3], given[4], given[5], given[6], constants)
        for j in range(out.shape[1]):
            t = reduced(row[j], given)
            value, slope, by_fraction, by_high, by_low, by_damping = powered(t, constants)
            point: Point = (value, slope, by_fraction, by_high)
            store(point, t, given, out[i], derivatives[i], j)
            if derivatives.shape[1] > 0:
                derivatives[i, j, 5] = given[2] * by_low
                if derivatives.shape[2] > 6:
                    derivatives[i, j, 6] = given[2] * by_damping


@exported
def powered_places(parameters: Floats2, out: Floats2, constants: Floats1) -> None:
    """Lines before they are scaled, from (m, 4) extra parameters into (m, 4).

    Place of the maximum, half-widths towards low and high binding energy [all in widths of the
    Lorentzian], and maximum.
    """
    for i in range(out.shape[0]):
        given = parameters[i]
        prepare_powered(given[0], given[1], given[2], given[3], constants)
        low = constants[_MAXIMUM] - _flank(-1.0, constants)
        out[i, 0], out[i, 1] = constants[_MAXIMUM], low
        out[i, 2], out[i, 3] = constants[_WIDTH] - low, constants[_TOP]
