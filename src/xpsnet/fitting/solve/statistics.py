"""Covariance, standard errors and goodness of a finished fit.

The covariance of the parameters is C = (J^T J)^-1 with J the Jacobian of the weighted residual
at the optimum: standard errors then follow from the noise that the weights state. It is found
from the singular values of J with every column scaled to length 1, so that it depends on no
unit. Directions in which the spectrum says nothing make a parameter undetermined (NaN) rather
than large.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.parameter_map import Floats, Integers, Layout
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import line_areas

# Singular value of the scaled Jacobian, relative to the largest, below which a direction is
# lost: the correlation of two parameters is then within 1e-14 of 1.
_LOST = 1e-7
# A parameter takes part in a lost direction from this component on.
_PART = 1e-3
_STEP = 1e-5  # of the numerical derivatives of areas, relative to the parameter


class Goodness(NamedTuple):
    """How well curves describe the points of S spectra, each of shape (S,).

    Attributes
    ----------
    chisqr : ndarray
        Sum of squared weighted residuals.
    redchi : ndarray
        chisqr / (points - free parameters); NaN where no point is left over.
    aic, bic : ndarray
        n ln(chisqr / n) + 2 k and + k ln n, the definitions of lmfit: noise known up to a
        factor. Only differences between fits of the same points mean anything.
    """

    chisqr: Floats
    redchi: Floats
    aic: Floats
    bic: Floats


def goodness(
    chisqr: Floats, n_points: Integers, n_free: Integers, pearson: Floats | None = None
) -> Goodness:
    """Goodness of fit from chi-square, the number of points and that of free parameters.

    `pearson` is the sum of squared residuals where `chisqr` is a deviance: `redchi` follows it,
    because its expectation is known also for few counts.
    """
    n, k = n_points, n_free
    squares = chisqr if pearson is None else pearson
    redchi = np.where(n > k, squares / np.maximum(n - k, 1), np.nan)
    # lmfit's floor keeps the logarithm finite where the curve meets every point.
    with np.errstate(divide="ignore", invalid="ignore"):
        likelihood = n * np.log(np.maximum(chisqr, 1e-250 * n) / n)
        return Goodness(chisqr, redchi, likelihood + 2 * k, likelihood + np.log(n) * k)


def neighbor_correlation(residual: Floats) -> float:
    """Correlation of the residuals of neighboring points."""
    power = float(residual @ residual)
    return float(residual[1:] @ residual[:-1]) / power if power > 0 else 0.0


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
    Smoothed, resampled or detector-shared counts hold the same information several times. An
    incomplete model leaves a correlated residual as well; the smaller number is then right, too.
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


def area_errors(
    energy: Floats, plain: Layout, values: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Standard errors of the areas and of their sum, to first order.

    Parameters
    ----------
    energy, plain, values, covariance
        As for `area_covariance`.

    Returns
    -------
    each : ndarray, shape (S, k)
    total : ndarray, shape (S,)
        NaN where an area depends on something that is not determined.
    """
    matrix = area_covariance(energy, plain, values, covariance)
    variance = np.diagonal(matrix, axis1=-2, axis2=-1)
    total = matrix.sum(axis=(-2, -1))
    return (
        np.sqrt(np.where(variance >= 0, variance, np.nan)),
        np.sqrt(np.where(total >= 0, total, np.nan)),
    )


def area_covariance(energy: Floats, plain: Layout, values: Floats, covariance: Floats) -> Floats:
    """Covariance of the areas, to first order.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        Of the numerics: the area of a shape without a closed form is that over this range.
    plain : Layout
        Without links.
    values : ndarray, shape (S, m)
    covariance : ndarray, shape (S, m, m)
        0 for what was held, NaN for what is not determined.

    Returns
    -------
    ndarray, shape (S, k, k)
        NaN where the area depends on something that is not determined.
    """
    shapes = [values[:, plain.column(name)] for name in plain.shape_parameters]
    limits = {"fwhm": (0.0, np.inf), "height": (0.0, np.inf)}
    hard = [{**limits, **LINE_SHAPES[name].limits} for name in plain.shape_names]

    def area(*given: Floats) -> Floats:
        return line_areas(plain.line_shape, energy, *given)

    gradient = np.zeros((len(values), plain.n_peaks, len(shapes)))
    for j, name in enumerate(plain.shape_parameters):
        low, high = np.array([ends.get(name, (-np.inf, np.inf)) for ends in hard]).reshape(-1, 2).T
        step = _STEP * np.maximum(np.abs(shapes[j]), 1e-3)
        # The derivative does not step over a limit of the shape.
        up, down = np.minimum(shapes[j] + step, high), np.maximum(shapes[j] - step, low)
        more = area(*shapes[:j], up, *shapes[j + 1 :])
        less = area(*shapes[:j], down, *shapes[j + 1 :])
        width = np.where(up > down, up - down, 1.0)
        gradient[:, :, j] = np.where(up > down, (more - less) / width, 0.0)
    index = plain.peak_index
    unknown = np.isnan(np.diagonal(covariance, axis1=1, axis2=2))[:, index]
    lost = (unknown & (gradient != 0)).any(axis=-1)
    slopes = np.zeros((len(values), plain.n_peaks, covariance.shape[-1]))
    for k in range(plain.n_peaks):
        slopes[:, k, index[k]] = gradient[:, k]
    matrix = slopes @ np.nan_to_num(covariance) @ np.swapaxes(slopes, 1, 2)
    return np.where(lost[:, :, None] | lost[:, None, :], np.nan, matrix)
