"""Correlated noise: where the instrument or a person smoothed, or channels share counts.

Neighboring errors then cancel in any difference: after a 1-2-1 smoothing, fourth differences give a
quarter (second differences two fifths) of the true standard deviation. Before a fit this is not
corrected. The residuals of a fit show it: their third differences are then larger than their
fourth, which neither white noise nor a smooth misfit brings about. Those of a moving mean are not:
there, and for every smoothing, the residual beside the lines, where the curve is nearly straight
and a misfit is small, scatters more than its fourth differences say (`_scatter_beside_lines`).

What counts for lines that are wide against the correlation is the spectral density of the noise at
frequency 0, the variance of a point times 1 + 2 sum of its correlations r_l with the points l steps
away; `correlation_density` is its ratio to the variance from the differences.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d, minimum_filter1d

from xpsnet.numerics.differences import (
    MAX_ORDER,
    MEDIAN_TO_SIGMA,
    mean_squares,
    median,
    parabola_weights,
)

Floats = npt.NDArray[np.float64]

# Squared second and third differences over fourth ones: 4 standard errors above 1 (errors times
# root of the degrees of freedom, measured on white noise), and what a smooth misfit may add.
_RATIO_ERRORS, _RATIO_SPREAD, _RATIO_MARGIN = 4.0, (0.42, 0.21), 0.01
# A misfit of lines of eight points per width leaves so many times more in first than in second
# differences; smoothed noise does not.
_STEEPEST = 10.0
# Residuals beside the lines: their scatter around parabolas through so many points, where the curve
# bends within so many points by less than so many standard deviations. Where smoothed it is above 1
# by 4 standard errors, and by what misfits of measured spectra do not reach.
_STRAIGHT_POINTS, _BEND_POINTS, _BEND = 21, 3, 2.0
_SCATTER_MARGIN, _FEWEST_BESIDE = 0.8, 24
# Part of the excess of the mean that the median must have: in one spectrum, in many together.
_ALL_OVER = 0.25, 0.6
# What the median must have where third differences are larger than fourth ones.
_LEAST_SCATTER = 0.3
_BENT = np.array([1.0, *[0.0] * (_BEND_POINTS - 1), -2.0, *[0.0] * (_BEND_POINTS - 1), 1.0])
_LAGS = 13  # points apart up to which correlations are summed
_SPIKE = 6.0


def correlation_density(
    scaled: Floats, level: Floats, n_fitted: Floats, *, shared: bool
) -> tuple[Floats, Floats]:
    """Spectral density at frequency 0 over the variance from differences; 1 for white noise.

    Parameters
    ----------
    scaled, level : ndarray, shape (S, n)
        Residuals and fitted curves in standard deviations of a point by its differences; NaN
        where a point is missing.
    n_fitted : ndarray, shape (S,)
        Numbers of fitted parameters.
    shared : bool
        One density for all spectra, or one for each.

    Returns
    -------
    density, dof : ndarray, shape (S,) or (1,)
        And the degrees of freedom that correlated points leave; infinity where they are not.
    """
    tables = [mean_squares(scaled, order) for order in range(1, MAX_ORDER + 1)]
    squares, dof = np.stack([found for found, _ in tables]), tables[-1][1]
    products, number = _lagged_products(scaled)
    if shared:
        squares = total((squares * dof).T).T / max(total(dof)[0], 1.0)
        dof, number, n_fitted = (total(values) for values in (dof, number, n_fitted))
        products = total(products)
    known = (squares[-1] > 0) & (products[:, 0] > 0) & (dof > 1)
    ratio = squares / np.where(known, squares[-1], 1.0)  # 1 for white noise
    error = _RATIO_ERRORS / np.sqrt(np.maximum(dof, 1))
    steep = ratio[0] - 1 > _STEEPEST * (ratio[1] - 1)
    correlated = ratio[2] > 1 + _RATIO_MARGIN + error * _RATIO_SPREAD[1]
    correlated |= (ratio[1] > 1 + _RATIO_MARGIN + error * _RATIO_SPREAD[0]) & ~steep
    excess, by_chance, beside = _scatter_beside_lines(scaled, level, dof, shared=shared)
    # Where a misfit of narrow lines makes third differences large, nothing is beside the lines.
    correlated &= (excess[1] > _LEAST_SCATTER) | (beside < _FEWEST_BESIDE)
    all_over = excess[1] > _ALL_OVER[int(shared)] * excess[0]
    scatters = all_over & (excess[0] > np.maximum(_SCATTER_MARGIN, by_chance))
    correlated |= scatters & (beside >= _FEWEST_BESIDE)
    correlation = products / np.where(known, products[:, 0], 1.0)[:, None]
    chance = correlation[:, 1:] <= 1 / np.sqrt(np.maximum(number, 1))[:, None]
    length = np.where(chance.any(axis=1), chance.argmax(axis=1), _LAGS - 1)
    counted = np.arange(_LAGS - 1) < length[:, None]
    summed = 1 + 2 * np.where(counted, correlation[:, 1:], 0.0).sum(axis=1)
    # What a very smooth curve takes from the residual lacks in each of the 2 length + 1 terms, what
    # a curve of lines of ten points takes in about three quarters of them (simulated).
    left = np.maximum(number - n_fitted * (1.5 * length + 1), number / 4)
    density = summed * products[:, 0] / np.maximum(left, 1)
    correlated &= known & (density > 1)
    factor = np.where(correlated, density, 1.0)
    limit = np.where(correlated, number / (2 * length + 1), np.inf)
    return factor, limit


def _scatter_beside_lines(
    residual: Floats, level: Floats, dof: Floats, *, shared: bool
) -> tuple[tuple[Floats, Floats], Floats, Floats]:
    """How much more residuals beside the lines scatter than their differences say.

    Parameters
    ----------
    residual, level : ndarray, shape (S, n)
        In standard deviations of a point; NaN where a point is missing.
    dof : ndarray, shape (S,) or (1,)
        Degrees of freedom of the variance from differences.
    shared : bool
        All spectra together, or each by itself.

    Returns
    -------
    excess : (ndarray, ndarray)
        Of the mean square over 1, and of the median square over that of normal noise: forgotten
        lines make some squares very large, smoothed noise makes all of them larger.
    chance, number : ndarray
        What the mean exceeds by chance, and the number of points beside the lines.
    """
    half = _STRAIGHT_POINTS // 2
    if residual.shape[1] < _FEWEST_BESIDE + half:
        nothing = np.zeros(dof.shape)
        return (nothing, nothing), nothing, nothing
    parabola = parabola_weights(_STRAIGHT_POINTS)
    finite = np.isfinite(residual) & np.isfinite(level)
    filled = np.where(finite, residual, 0.0)
    ends = np.pad(filled, ((0, 0), (half, half)), mode="reflect", reflect_type="odd")
    trend = correlate1d(ends, parabola, axis=1)[:, half:-half]
    bend = np.abs(correlate1d(np.where(finite, level, 0.0), _BENT, axis=1, mode="nearest"))
    complete = minimum_filter1d(finite, _STRAIGHT_POINTS, axis=1, mode="nearest")
    beside = complete & (bend < _BEND)
    number = beside.sum(axis=1).astype(np.float64)
    square = (filled - trend) ** 2 / (1 - parabola[half])
    every = np.where(beside, square, 0.0).sum(axis=1)
    middle = np.nan_to_num(_median_of(np.where(beside, square, np.inf), number))
    most = number * middle / MEDIAN_TO_SIGMA**2
    if shared:
        every, most, number = total(every), total(most), total(number)
    at_least_one = np.maximum(number, 1)
    chance = _RATIO_ERRORS * np.sqrt(2 / at_least_one + 2 / np.maximum(dof, 1))
    return (every / at_least_one - 1, most / at_least_one - 1), chance, number


def _median_of(values: Floats, number: Floats) -> Floats:
    """Median of the `number` (S,) smallest values of every row (S, n), the others being larger."""
    place = np.minimum(number // 2, values.shape[1] - 1).astype(np.intp)
    ordered = np.sort(values, axis=1)
    return np.where(number > 0, np.take_along_axis(ordered, place[:, None], axis=1)[:, 0], 0.0)


def _lagged_products(residual: Floats) -> tuple[Floats, Floats]:
    """Sums of products of points 0 to 12 steps apart (S, lags) without spikes; points (S,)."""
    finite = np.isfinite(residual)
    size = np.where(finite, np.abs(residual), 0.0)
    number = finite.sum(axis=1).astype(np.float64)
    typical = median(size) / MEDIAN_TO_SIGMA * residual.shape[1] / np.maximum(number, 1)
    filled = np.where(finite & (size <= _SPIKE * typical[:, None]), residual, 0.0)
    n = residual.shape[1]
    lags = [
        (filled[:, : n - lag] * filled[:, lag:]).sum(axis=1) if lag < n else np.zeros(len(filled))
        for lag in range(_LAGS)
    ]
    return np.stack(lags, axis=1), number


def total(values: Floats) -> Floats:
    """Sum over spectra that does not depend on their order, not even in its rounding."""
    return np.asarray(np.sort(values, axis=0).sum(axis=0, keepdims=True))
