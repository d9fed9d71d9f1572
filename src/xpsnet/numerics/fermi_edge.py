"""Fermi edge: the Fermi-Dirac function, convolved with a Gaussian.

With x = E - E_F growing with binding energy, ``f(x) = 1 / (1 + exp(-x / tau))``, tau = k T. Its
convolution with a Gaussian of variance v, ``F(x)``, has no closed form. Where the Gaussian is
narrower than tau, a Gauss-Hermite rule averages f; elsewhere the trapezoidal rule averages the
error function over the slope of f, ``1 / (4 tau cosh(x / 2 tau)^2)``. Both are exact within 1e-10.

A density of states that is linear below the Fermi level needs no further integral:
``integral of G(x - y) y f(y) dy = x F(x) + v F'(x)``.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

BOLTZMANN = 8.617333262e-5
"""eV/K (CODATA 2018)."""

_HERMITE, _HERMITE_WEIGHTS = np.polynomial.hermite.hermgauss(40)
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / np.sqrt(np.pi)
_S = 0.6 * np.arange(-44, 45)
_S_WEIGHTS = 0.6 / (4 * np.cosh(_S / 2) ** 2)
_LEAST = 1e-9  # eV, of the standard deviation: no division by zero


class Edge(NamedTuple):
    """F at some energies and its derivatives, each of shape (n,); `tau` is k T."""

    value: Floats
    first: Floats
    second: Floats
    third: Floats
    by_tau: Floats
    first_by_tau: Floats


def edge(x: Floats, tau: float, variance: float) -> Edge:
    """Edge at distances x [eV] from the Fermi level.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Growing with binding energy.
    tau : float
        k T [eV], 0 or above.
    variance : float
        Of the Gaussian [eV^2], 0 or above.

    Returns
    -------
    Edge
        The derivative by the variance is `second` / 2, that of `first` is `third` / 2.
    """
    sigma = max(float(np.sqrt(variance)), _LEAST)
    if sigma < tau:
        y = x[:, None] + sigma * np.sqrt(2.0) * _HERMITE
        f = special.expit(y / tau)
        both = f * (1 - f)
        first = both / tau
        second = first * (1 - 2 * f) / tau
        third = first * (1 - 6 * both) / tau**2
        by_tau, first_by_tau = -y * first / tau, -(first + y * second) / tau
        averaged = (f, first, second, third, by_tau, first_by_tau)
        return Edge(*(part @ _HERMITE_WEIGHTS for part in averaged))
    z = (x[:, None] - tau * _S) / sigma
    density = np.exp(-(z**2) / 2) / (np.sqrt(2 * np.pi) * sigma)
    averaged = (
        special.ndtr(z),
        density,
        -z * density / sigma,
        (z**2 - 1) * density / sigma**2,
        -_S * density,
        _S * z * density / sigma,
    )
    return Edge(*(part @ _S_WEIGHTS for part in averaged))


def edge_width(tau: float, variance: float) -> tuple[float, float, float]:
    """Distance between a tenth and nine tenths of the step, and its derivatives.

    Returns
    -------
    width, by_tau, by_variance : float
        [eV], 1, 1/eV.
    """
    sigma = float(np.sqrt(variance))
    x = float(np.hypot(np.log(9.0) * tau, special.ndtri(0.9) * sigma))
    low, high = 0.0, 2 * x
    for _ in range(60):
        at = edge(np.array([x]), tau, variance)
        off = float(at.value[0]) - 0.9
        low, high = (low, x) if off > 0 else (x, high)
        following = x - off / float(at.first[0])
        x, before = (following if low < following < high else (low + high) / 2), x
        if abs(x - before) <= 1e-13 * x:
            break
    at = edge(np.array([x]), tau, variance)
    slope = float(at.first[0])
    return 2 * x, -2 * float(at.by_tau[0]) / slope, -float(at.second[0]) / slope
