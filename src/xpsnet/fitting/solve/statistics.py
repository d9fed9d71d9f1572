"""What a finished fit says about itself: covariance, standard errors, goodness.

The covariance of the parameters is C = (J^T J)^-1 with J the Jacobian of the weighted residual
at the optimum: standard errors then follow from the noise that the weights state. It is found
from the singular values of J with every column scaled to length 1, so that it depends on no
unit. Directions in which the spectrum says nothing make a parameter undetermined (NaN) rather
than large.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.parameters import Floats

# Singular value of the scaled Jacobian, relative to the largest, below which a direction is
# lost: the correlation of two parameters is then within 1e-14 of 1.
_LOST = 1e-7
# A parameter takes part in a lost direction from this component on.
_PART = 1e-3


@dataclass(frozen=True)
class Goodness:
    """How well a curve describes the points.

    Attributes
    ----------
    chisqr : float
        Sum of squared weighted residuals.
    redchi : float
        chisqr / (points - free parameters); NaN where no point is left over.
    aic, bic : float
        n ln(chisqr / n) + 2 k and + k ln n, the definitions of lmfit: noise known up to a
        factor. Only differences between fits of the same points mean anything.
    """

    chisqr: float
    redchi: float
    aic: float
    bic: float


def goodness(residual: Floats, n_free: int) -> Goodness:
    """Goodness of fit from the weighted residual, shape (n_points,)."""
    n = residual.size
    chisqr = float(residual @ residual)
    redchi = chisqr / (n - n_free) if n > n_free else np.nan
    # lmfit's floor keeps the logarithm finite where the curve meets every point.
    log_likelihood = n * np.log(max(chisqr, 1e-250 * n) / n) if n else np.nan
    aic = log_likelihood + 2 * n_free
    bic = log_likelihood + np.log(max(n, 1)) * n_free
    return Goodness(chisqr, float(redchi), float(aic), float(bic))


def effective_points(residual: Floats) -> float:
    """Number of independent points that a residual of correlated points is worth.

    Parameters
    ----------
    residual : ndarray, shape (n_points,)
        Weighted, in the order of the energies.

    Returns
    -------
    float
        n / (1 + 2 sum r_l), over the correlations r_l of points l steps apart, from 1 up to the
        first that is not above its own chance, 1 / root n; at least 1 and at most n.

    Notes
    -----
    Smoothed, resampled or detector-shared counts hold the same information several times. A model
    that misses something leaves a correlated residual as well, and the fewer points are then right
    too: that many say the same wrong thing.
    """
    n = residual.size
    power = float(residual @ residual)
    if n < 2 or power == 0:
        return float(max(n, 1))
    # Zeros behind the residual keep its end from meeting its beginning.
    spectrum = np.fft.rfft(residual, 2 * n)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[1 : n // 2 + 1] / power
    chance = correlation <= 1 / np.sqrt(n)
    length = int(np.argmax(chance)) if chance.any() else correlation.size
    return float(np.clip(n / (1 + 2 * correlation[:length].sum()), 1.0, n))


def bayesian_information(chisqr: float, n_points: int, n_free: int, points: float) -> float:
    """BIC in which `points` independent points of `n_points` count (`effective_points`)."""
    mean_square = max(chisqr / n_points, 1e-250)
    return float(points * np.log(mean_square) + n_free * np.log(points))


def covariance_from_jacobian(jacobian: Floats, free: npt.NDArray[np.bool_]) -> tuple[Floats, bool]:
    """Covariance of the free parameters.

    Parameters
    ----------
    jacobian : ndarray, shape (n_parameters, n_points)
        Derivatives of the weighted residual.
    free : ndarray of bool, shape (n_parameters,)
        Parameters that were fitted.

    Returns
    -------
    covariance : ndarray, shape (n_parameters, n_parameters)
        0 in rows and columns of parameters that were held, NaN where not determined.
    singular : bool
        Whether a fitted parameter is not determined.
    """
    n = free.size
    covariance = np.zeros((n, n))
    rows = jacobian[free]
    if rows.size == 0:
        return covariance, False
    lengths = np.linalg.norm(rows, axis=1)
    scale = np.where(lengths > 0, lengths, 1.0)
    # Right singular vectors of J are eigenvectors of J^T J, without squaring its condition.
    triangle = np.linalg.qr((rows / scale[:, None]).T, mode="r")
    _, singular_values, directions = np.linalg.svd(triangle, full_matrices=True)
    full = np.zeros(directions.shape[0])
    full[: singular_values.size] = singular_values
    lost = full <= _LOST * max(float(full.max()), np.finfo(float).tiny)
    kept = directions[~lost] / full[~lost, None]
    undetermined = (np.abs(directions[lost]) > _PART).any(axis=0)
    block = kept.T @ kept / np.outer(scale, scale)
    block[undetermined] = np.nan
    block[:, undetermined] = np.nan
    covariance[np.ix_(free, free)] = block
    return covariance, bool(undetermined.any())


def standard_errors(covariance: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """Square roots of the diagonal, shape (n_parameters,); NaN for what was held."""
    return np.where(free, np.sqrt(np.diagonal(covariance)), np.nan)


def propagated_error(
    function: Callable[..., npt.ArrayLike],
    values: Sequence[float],
    covariance: Floats,
    limits: Sequence[tuple[float, float]],
) -> float:
    """Standard error of a function of some parameters, to first order.

    Parameters
    ----------
    function : callable
        Of as many arrays as there are values; vectorised.
    values : sequence of float
        The parameters.
    covariance : ndarray, shape (n_values, n_values)
        Their covariance; 0 where a parameter was held, NaN where it is not determined.
    limits : sequence of (float, float)
        Limits that the derivative must not step over.

    Returns
    -------
    float
        NaN where a parameter that the function depends on is not determined.
    """
    middle = np.asarray(values, dtype=float)
    low, high = np.array(limits, dtype=float).T
    step = 1e-5 * np.maximum(np.abs(middle), 1e-3)
    up = np.minimum(middle + step, high)
    down = np.maximum(middle - step, low)
    n = middle.size
    points = np.repeat(middle[:, None], 2 * n, axis=1)
    points[np.arange(n), np.arange(n)] = up
    points[np.arange(n), n + np.arange(n)] = down
    found = np.asarray(function(*points), dtype=float)
    width = np.where(up > down, up - down, 1.0)
    gradient = np.where(up > down, (found[:n] - found[n:]) / width, 0.0)
    needed = gradient != 0
    variance = gradient[needed] @ covariance[np.ix_(needed, needed)] @ gradient[needed]
    return float(np.sqrt(variance)) if variance >= 0 else float("nan")
