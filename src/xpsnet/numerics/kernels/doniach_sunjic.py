"""Scalar kernel of the Doniach-Sunjic line and of its convolution with a Gaussian.

With ``nu = 1 - asymmetry``, ``p = gamma + i E`` and E growing with binding energy, the line is
``C(E) = Re[exp(i pi asymmetry / 2) F(p)]``, ``F(p) = p^-nu`` (S. Doniach and M. Sunjic, J. Phys. C
3, 285 (1970), doi 10.1088/0022-3719/3/2/010). A Gaussian of variance s turns F into
``1 / Gamma(nu) * integral over tau > 0 of tau^(nu-1) exp(-p tau - s tau^2 / 2)``, a parabolic
cylinder function (NIST DLMF 12.5.1), which obeys ``s F'' = p F' + nu F``. Far from the origin it is
computed by its asymptotic series in s / p^2. Near the origin, the equation is integrated once per
line from E = 0, where F comes from a quadrature, along E to a row of nodes, in the direction in
which its second solution decays; between nodes the Taylor series of the equation is summed. The
derivative by nu is computed in the same way.
"""

import math

from xpsnet.numerics.kernels.array_types import Floats1, Floats2, Floats3
from xpsnet.numerics.kernels.compile import compiled, exported
from xpsnet.numerics.kernels.scaled_line import Floats, Point, clipped, reciprocal, reduced, store

# F, F', F'', F''' and the derivatives of F and F' by nu.
Jet = tuple[complex, complex, complex, complex, complex, complex]

_FAR = 144.0  # |p|^2 / s from which the asymptotic series is exact to rounding
_NODES = 13
_TABLE = 24  # where the nodes start among the constants of a line
N_CONSTANTS = _TABLE + 8 * _NODES
_SIGMA_PER_FWHM = 0.5 / math.sqrt(2.0 * math.log(2.0))
MAX_ASYMMETRY = 0.9


@compiled
def _digamma(x: float) -> float:
    """Logarithmic derivative of Gamma for x > 0 (NIST DLMF 5.5.2, 5.11.2)."""
    total = 0.0
    while x < 10.0:
        total -= 1.0 / x
        x += 1.0
    q = 1.0 / (x * x)
    tail = q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q / 132))))
    return total + math.log(x) - 0.5 / x - tail


@compiled
def _series(p: complex, s: float, nu: float) -> Jet:
    """Asymptotic series of F, its derivatives, and the derivatives by nu."""
    inverse = reciprocal(p)
    q = s * inverse * inverse
    zero = complex(0.0, 0.0)
    term, harmonic = complex(1.0, 0.0), 0.0
    f0, f1, f2, f3, n0, n1 = zero, zero, zero, zero, zero, zero
    for k in range(16):
        m = nu + 2 * k
        f0 += term
        f1 += m * term
        f2 += m * (m + 1.0) * term
        f3 += m * (m + 1.0) * (m + 2.0) * term
        n0 += harmonic * term
        n1 += (1.0 + m * harmonic) * term
        term *= -0.5 * m * (m + 1.0) / (k + 1.0) * q
        harmonic += 1.0 / m + 1.0 / (m + 1.0)
        if abs(term.real) + abs(term.imag) < 1e-18:
            break
    distance = 0.5 * math.log(p.real * p.real + p.imag * p.imag)
    angle = math.atan2(p.imag, p.real)
    logarithm = complex(distance, angle)
    scale = math.exp(-nu * distance) * complex(math.cos(nu * angle), -math.sin(nu * angle))
    f0, n0 = f0 * scale, n0 * scale - logarithm * f0 * scale
    scale *= inverse
    f1, n1 = -f1 * scale, -n1 * scale + logarithm * f1 * scale
    scale *= inverse
    return f0, f1, f2 * scale, -f3 * scale * inverse, n0, n1


@compiled
def _quadrature(p: float, nu: float) -> tuple[float, float, float, float]:
    """F, F' and their derivatives by nu at real p >= 0 for s = 1, by a double exponential rule."""
    f0, f1, n0, n1 = 0.0, 0.0, 0.0, 0.0
    step = 0.08
    u = -math.log(45.0 / nu)
    while u < 2.6:
        fall = math.exp(-u)
        logarithm = u - fall
        tau = math.exp(logarithm)
        weight = math.exp(nu * logarithm - p * tau - 0.5 * tau * tau) * (1.0 + fall)
        f0 += weight
        f1 -= weight * tau
        n0 += weight * logarithm
        n1 -= weight * tau * logarithm
        u += step
    scale = step / math.gamma(nu)
    digamma = _digamma(nu)
    f0, f1 = f0 * scale, f1 * scale
    return f0, f1, n0 * scale - digamma * f0, n1 * scale - digamma * f1


@compiled
def _taylor(
    p: complex, nu: float, start: tuple[complex, complex, complex, complex], delta: complex
) -> tuple[complex, complex, complex, complex]:
    """F, F' and their derivatives by nu at p + delta, from those at p, for s = 1."""
    a, b, c, d = start  # two running coefficients each of F and of its derivative by nu
    f0, f1 = a + b * delta, b
    n0, n1 = c + d * delta, d
    power = delta
    for k in range(60):
        scale = 1.0 / ((k + 2.0) * (k + 1.0))
        following = (p * ((k + 1.0) * b) + (k + nu) * a) * scale
        other = (p * ((k + 1.0) * d) + (k + nu) * c + a) * scale
        a, b, c, d = b, following, d, other
        f1 += (k + 2.0) * power * b
        n1 += (k + 2.0) * power * d
        power *= delta
        f0 += power * b
        n0 += power * d
        size = abs(power.real) + abs(power.imag)
        last = abs(b.real) + abs(b.imag) + abs(d.real) + abs(d.imag)
        if k > 4 and (k + 2.0) * size * last < 1e-17:
            break
    return f0, f1, n0, n1


@compiled
def _node(constants: Floats, j: int) -> tuple[complex, complex, complex, complex]:
    """F, F' and their derivatives by nu at node j."""
    at = _TABLE + 8 * j
    return (
        complex(constants[at], constants[at + 1]),
        complex(constants[at + 2], constants[at + 3]),
        complex(constants[at + 4], constants[at + 5]),
        complex(constants[at + 6], constants[at + 7]),
    )


@compiled
def _fill_nodes(gamma: float, nu: float, constants: Floats) -> None:
    """Integrate the equation from E = 0 to E = 12 standard deviations of the Gaussian."""
    f0, f1, n0, n1 = _quadrature(gamma, nu)
    now = (complex(f0, 0.0), complex(f1, 0.0), complex(n0, 0.0), complex(n1, 0.0))
    for j in range(_NODES):
        at = _TABLE + 8 * j
        for part in range(4):
            constants[at + 2 * part] = now[part].real
            constants[at + 2 * part + 1] = now[part].imag
        now = _taylor(complex(gamma, float(j)), nu, now, complex(0.0, 1.0))


@compiled
def _jet(energy: float, constants: Floats) -> Jet:
    """F and its derivatives at one energy of the line."""
    gamma, s, nu, sigma = constants[0], constants[1], constants[2], constants[3]
    if not energy * energy + gamma * gamma < _FAR * s:  # true for NaN, which has no node
        return _series(complex(gamma, energy), s, nu)
    inverse = 1.0 / sigma
    x, y = gamma * inverse, energy * inverse
    j = min(int(abs(y) + 0.5), _NODES - 1)
    f0, f1, n0, n1 = _taylor(complex(x, j), nu, _node(constants, j), complex(0.0, abs(y) - j))
    if y < 0.0:  # F is real on the real axis
        f0, f1, n0, n1 = f0.conjugate(), f1.conjugate(), n0.conjugate(), n1.conjugate()
    p = complex(x, y)
    f2 = p * f1 + nu * f0
    f3 = p * f2 + (nu + 1.0) * f1
    logarithm = math.log(sigma)
    n0, n1 = n0 - logarithm * f0, n1 - logarithm * f1
    first = sigma**-nu
    second = first * inverse
    third = second * inverse
    return f0 * first, f1 * second, f2 * third, f3 * (third * inverse), n0 * first, n1 * second


@compiled
def _curve(energy: float, constants: Floats) -> tuple[float, float, float, float]:
    """Line before scaling, its slope, and its derivatives by fraction and by asymmetry."""
    phase = complex(constants[4], constants[5])
    f0, f1, f2, _, n0, _ = _jet(energy, constants)
    by_fraction = (phase * f1).real * constants[6] - 0.5 * (phase * f2).real * constants[7]
    by_asymmetry = -0.5 * math.pi * (phase * f0).imag - (phase * n0).real
    return (phase * f0).real, -(phase * f1).imag, by_fraction, by_asymmetry


@compiled
def _find_maximum(constants: Floats) -> float:
    """Energy of the maximum: Newton's method, kept inside a shrinking bracket."""
    phase = complex(constants[4], constants[5])
    low, high = -0.1, 0.5
    for _ in range(60):
        if _curve(high, constants)[1] < 0.0:
            break
        high *= 2.0
    energy = 0.0
    for _ in range(80):
        _, f1, f2, _, _, _ = _jet(energy, constants)
        slope, curvature = -(phase * f1).imag, -(phase * f2).real
        if slope > 0.0:
            low = energy
        else:
            high = energy
        following = energy - slope / curvature
        if not low < following < high:
            following = 0.5 * (low + high) if slope != 0.0 else energy
        if abs(following - energy) <= 1e-16 + 4e-16 * abs(energy):
            return following
        energy = following
    return energy


@compiled
def _find_level(inside: float, outside: float, level: float, constants: Floats) -> float:
    """Energy between `inside` (above the level) and `outside` (below) where the line has it."""
    energy = 0.5 * (inside + outside)
    for _ in range(80):
        value, slope, _, _ = _curve(energy, constants)
        if value > level:
            inside = energy
        else:
            outside = energy
        following = energy - (value - level) / slope
        if not min(inside, outside) < following < max(inside, outside):
            following = 0.5 * (inside + outside)
        if abs(following - energy) <= 4e-16 * abs(energy):
            return following
        energy = following
    return energy


@compiled
def _differentiate(low: float, high: float, constants: Floats) -> None:
    """Derivatives of maximum, its energy and the full width, by implicit differentiation.

    The conditions are C(E) = top / 2 at both flanks and dC/dE = 0 at the maximum.
    """
    energy, top = constants[8], constants[10]
    _, _, top_fraction, top_asymmetry = _curve(energy, constants)
    _, high_slope, high_fraction, high_asymmetry = _curve(high, constants)
    _, low_slope, low_fraction, low_asymmetry = _curve(low, constants)
    constants[12] = (0.5 * top_fraction - high_fraction) / high_slope
    constants[12] -= (0.5 * top_fraction - low_fraction) / low_slope
    constants[15] = (0.5 * top_asymmetry - high_asymmetry) / high_slope
    constants[15] -= (0.5 * top_asymmetry - low_asymmetry) / low_slope
    constants[13], constants[16] = top_fraction / top, top_asymmetry / top
    phase = complex(constants[4], constants[5])
    _, f1, f2, f3, _, n1 = _jet(energy, constants)
    curvature = -(phase * f2).real
    mixed = -(phase * f2).imag * constants[6] + 0.5 * (phase * f3).imag * constants[7]
    constants[11] = -mixed / curvature
    constants[14] = (0.5 * math.pi * (phase * f1).real - (phase * n1).imag) / curvature


@compiled
def prepare_doniach(fraction: float, asymmetry: float, constants: Floats) -> None:
    """Constants of the unit line whose parts have fwhm in the ratio fraction : 1 - fraction.

    constants 0 to 7: gamma, s, nu, standard deviation, phase (2), slopes of gamma and s by
    fraction; 8 to 10: energy of the maximum, full width, maximum; 11 to 13 and 14 to 16: their
    derivatives by fraction and asymmetry (of the maximum: logarithmic); from 24: nodes.
    """
    fraction = clipped(fraction, 0.0, 1.0)
    asymmetry = clipped(asymmetry, 0.0, MAX_ASYMMETRY)
    angle = 0.5 * math.pi * asymmetry
    gamma, sigma = 0.5 * fraction, (1.0 - fraction) * _SIGMA_PER_FWHM
    constants[0], constants[1] = gamma, sigma * sigma
    constants[2], constants[3] = 1.0 - asymmetry, sigma
    constants[4], constants[5] = math.cos(angle), math.sin(angle)
    constants[6], constants[7] = 0.5, -2.0 * sigma * _SIGMA_PER_FWHM
    if gamma * gamma < _FAR * sigma * sigma:
        _fill_nodes(gamma / sigma, 1.0 - asymmetry, constants)
    energy = _find_maximum(constants)
    top = _curve(energy, constants)[0]
    far = 0.5
    for _ in range(60):  # the tail reaches half height the later the higher the asymmetry
        if _curve(energy + far, constants)[0] < 0.5 * top:
            break
        far *= 2.0
    high = _find_level(energy, energy + far, 0.5 * top, constants)
    low = _find_level(energy, energy - 1.5, 0.5 * top, constants)
    constants[8], constants[9], constants[10] = energy, high - low, top
    _differentiate(low, high, constants)


@compiled
def doniach(t: float, constants: Floats) -> Point:
    """Unit line, its slope, and its derivatives by fraction and by asymmetry."""
    width, top = constants[9], constants[10]
    value, slope, by_fraction, by_asymmetry = _curve(constants[8] + t * width, constants)
    by_fraction += slope * (constants[11] + t * constants[12])
    by_asymmetry += slope * (constants[14] + t * constants[15])
    value /= top
    return (
        value,
        slope * width / top,
        by_fraction / top - value * constants[13],
        by_asymmetry / top - value * constants[16],
    )


@exported
def doniach_rows(
    broadened: bool,
    energy: Floats2,
    parameters: Floats2,
    out: Floats2,
    derivatives: Floats3,
    constants: Floats1,
) -> None:
    """Lines of `parameters` (m, 5) on `energy` (m or 1, n) into (m, n) and (m, n or 0, k)."""
    for i in range(out.shape[0]):
        row, given = energy[i if energy.shape[0] > 1 else 0], parameters[i]
        fraction = given[3] if broadened else 1.0
        prepare_doniach(fraction, given[4] if broadened else given[3], constants)
        for j in range(out.shape[1]):
            t = reduced(row[j], given)
            value, slope, by_fraction, by_asymmetry = doniach(t, constants)
            by_first = by_fraction if broadened else by_asymmetry
            point = (value, slope, by_first, by_asymmetry)
            store(point, t, given, out[i], derivatives[i], j)
