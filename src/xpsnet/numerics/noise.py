"""Noise of spectra, estimated from the spectra themselves.

Counts in files are rarely Poisson distributed: detectors share counts between channels, software
averages, rescales and subtracts. The variance measured on flat parts is 0.01 to 10 times the
counts, so that ``sqrt(counts)`` is not a noise estimate. Here the noise is estimated from fourth
differences of a spectrum, which are zero for every cubic. A pseudo-Voigt line (fraction 0.3)
sampled with five points per full width leaves at most 9 % of its height in second differences, 3 %
in third, 2 % in fourth and 1 % in sixth differences (all scaled to the noise of a point). Each
order adds some 5 % of scatter; fourth differences are the best compromise for crowded spectra of 40
to 400 points.

**Correlated noise is underestimated.** Where the instrument smooths or shares counts between
neighboring channels, neighboring errors cancel in any difference: after a 1-2-1 smoothing, fourth
differences give a quarter (second differences two fifths) of the true standard deviation. Repeated
scans are the better measure where they exist.

**Direction and unit.** `estimate_noise` does not depend on them. `noise_profile` sorts the points
by their smoothed counts; equal ones, as whole numbers often give, stay in the order in which the
sorting leaves them. Pass spectra in one direction only (the library: ascending binding energy).
Another unit of the counts may change the order of equal ones by rounding.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import comb

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.row_arithmetic import difference_rows
from xpsnet.parallel.threads import in_threads

__all__ = ["estimate_noise", "noise_profile"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

_MEDIAN_TO_SIGMA = 0.6744897501960817  # median of |x| of a standard normal x
_MAX_ORDER = 4
_SMOOTHING = np.array([1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0])
_GROUPS = 6  # levels of counts at which the noise is estimated
_MIN_PER_GROUP = 12
# Degrees of freedom per point of a variance that is estimated from the median of |differences|.
_INFORMATION = 0.55
_AT_ONCE = 1024  # spectra, so that intermediate arrays stay in the processor's cache
_EVIDENCE = 4.0  # gain in -2 log likelihood that one more parameter must bring


def estimate_noise(counts: npt.ArrayLike) -> Floats:
    """Estimate one standard deviation per spectrum, robust against peaks and spikes.

    The median absolute fourth difference, scaled to the standard deviation of independent normal
    errors; the root mean square where more than half of the differences are zero (few counts).
    Too low where errors of neighboring points are correlated (see the module), and up to some 25 %
    too high where lines of five points per full width, a few hundred times above the noise, fill
    most of the spectrum. Spectra of less than six points use differences of lower order.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Spectra on an axis of about equal steps; NaN points are left out.

    Returns
    -------
    ndarray, shape (...)
        Standard deviation [unit of `counts`]; 0 for constant spectra, NaN where fewer than two
        points are finite.
    """
    rows, batch = _as_rows(counts)
    sigma = np.full(len(rows), np.nan)

    def fill(members: Indices, _: Indices, dense: Floats) -> None:
        if dense.shape[1] > 1:
            sigma[members] = _sigma(_differences(dense))

    _in_blocks(fill, rows)
    return sigma.reshape(batch)


def noise_profile(counts: npt.ArrayLike) -> Floats:
    """Estimate the standard deviation of every point.

    The variance is ``floor + gain * level``, where the level is the smoothed signal: `gain` alone
    for plain counts, both after a background was subtracted, `floor` alone (the same everywhere)
    where the data do not support more, where the level is negative without a floor, and for
    spectra of less than 36 points. The choice is by likelihood, from the median absolute fourth
    differences at up to six levels.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Spectra on an axis of about equal steps; NaN points are left out.

    Returns
    -------
    ndarray, shape (..., n)
        Standard deviation [unit of `counts`], positive wherever `counts` is finite, NaN elsewhere.
        For a spectrum without any variation it is a millionth of the largest absolute value, or
        1 where that is zero.
    """
    rows, batch = _as_rows(counts)
    profile = np.full(rows.shape, np.nan)

    def fill(members: Indices, places: Indices, dense: Floats) -> None:
        profile[members[:, None], places] = np.sqrt(_variance(dense))

    _in_blocks(fill, rows)
    return profile.reshape(*batch, rows.shape[-1])


def _as_rows(counts: npt.ArrayLike) -> tuple[Floats, tuple[int, ...]]:
    """Spectra as rows, and the batch shape."""
    array = np.asarray(counts, dtype=np.float64)
    return array.reshape(-1, array.shape[-1]), array.shape[:-1]


def _in_blocks(fill: Callable[[Indices, Indices, Floats], None], rows: Floats) -> None:
    """Call `fill` for every group of `_by_length` of every block of rows, in threads."""

    def fill_block(first: int) -> None:
        for members, places, dense in _by_length(rows[first : first + _AT_ONCE]):
            fill(first + members, places, dense)

    in_threads(fill_block, range(0, len(rows), _AT_ONCE))


def _by_length(rows: Floats) -> Iterator[tuple[Indices, Indices, Floats]]:
    """Groups of rows with the same number of finite points: rows, places of the points, points."""
    finite = np.isfinite(rows)
    lengths = finite.sum(axis=1)
    if rows.size and lengths.min() == rows.shape[1]:
        yield np.arange(len(rows)), np.broadcast_to(np.arange(rows.shape[1]), rows.shape), rows
        return
    for length in np.unique(lengths[lengths > 0]):
        members = np.flatnonzero(lengths == length)
        places = np.nonzero(finite[members])[1].reshape(len(members), length)
        yield members, places, rows[members[:, None], places]


def _differences(dense: Floats) -> Floats:
    """Absolute differences, scaled to the standard deviation of a point."""
    order = max(1, min(_MAX_ORDER, dense.shape[1] - 2))
    rows = np.array(dense, order="C")  # compiled code is specialised to writable arrays
    difference_rows(rows, order)
    return np.asarray(np.abs(rows[:, :-order]) / np.sqrt(comb(2 * order, order)))


def _sigma(differences: Floats) -> Floats:
    """Standard deviation from scaled absolute differences along the last axis."""
    middle = _median(differences) / _MEDIAN_TO_SIGMA
    mean = np.sqrt(np.mean(differences**2, axis=-1))
    return np.where(middle > 0, middle, mean)


def _median(values: Floats) -> Floats:
    """Median along the last axis, in half the time of ``numpy.median``, which looks for NaN."""
    half = values.shape[-1] // 2
    parted = np.partition(values, half, axis=-1)
    if values.shape[-1] % 2:
        return np.asarray(parted[..., half])
    return np.asarray((parted[..., :half].max(axis=-1) + parted[..., half]) / 2)


def _variance(dense: Floats) -> Floats:
    """Variance per point of spectra without missing points."""
    largest = np.abs(dense).max(axis=1)
    fallback = np.where(largest > 0, 1e-6 * largest, 1.0) ** 2
    if dense.shape[1] < 2:
        return np.broadcast_to(fallback[:, None], dense.shape)
    differences = _differences(dense)
    overall = _sigma(differences) ** 2
    overall = np.where(overall > 0, overall, fallback)
    groups = min(_GROUPS, differences.shape[1] // _MIN_PER_GROUP)
    if groups < 3:
        return np.broadcast_to(overall[:, None], dense.shape)
    level = np.maximum(_smooth(dense), 0.0)
    floor, gain = _fit(differences, level, overall, groups)
    # The standard deviation of a point is at least a tenth of that of the whole spectrum.
    return np.maximum(floor[:, None] + gain[:, None] * level, 0.01 * overall[:, None])


def _smooth(dense: Floats) -> Floats:
    """Weighted moving mean; near an end over the points that exist."""
    half = len(_SMOOTHING) // 2
    total = np.zeros_like(dense)
    weight = np.zeros(dense.shape[1])
    n = dense.shape[1]
    for shift, factor in zip(range(-half, half + 1), _SMOOTHING, strict=True):
        here = slice(max(0, -shift), min(n, n - shift))
        there = slice(max(0, shift), min(n, n + shift))
        total[:, here] += factor * dense[:, there]
        weight[here] += factor
    return total / weight


def _fit(differences: Floats, level: Floats, overall: Floats, groups: int) -> tuple[Floats, Floats]:
    """Floor and gain per spectrum: the simplest of three models that the data support."""
    offset = (level.shape[1] - differences.shape[1]) // 2
    at = level[:, offset : offset + differences.shape[1]]
    order = np.argsort(at, axis=1)
    sorted_level = np.take_along_axis(at, order, axis=1)
    sorted_differences = np.take_along_axis(differences, order, axis=1)
    edges = np.linspace(0, differences.shape[1], groups + 1).astype(int)
    pieces = [slice(a, b) for a, b in pairwise(edges)]
    x = np.stack([sorted_level[:, piece].mean(axis=1) for piece in pieces], axis=1)
    y = np.stack([_sigma(sorted_differences[:, piece]) ** 2 for piece in pieces], axis=1)
    y = np.maximum(y, 1e-4 * overall[:, None])
    information = _INFORMATION * np.diff(edges)

    def badness(variance: Floats) -> Floats:
        total: Floats = (information * (np.log(variance) + y / variance)).sum(axis=1)
        return total

    # Both one-parameter models have maximum-likelihood estimates in closed form.
    share = information / information.sum()
    floor = (share * y).sum(axis=1)
    positive = level.min(axis=1) > 0
    safe = np.where(positive[:, None], x, 1.0)
    gain = np.where(positive, (share * y / safe).sum(axis=1), 0.0)
    uniform = badness(np.broadcast_to(floor[:, None], x.shape))
    plain = np.where(positive, badness(np.where(positive, gain, 1.0)[:, None] * safe), np.inf)
    both_floor, both_gain = _fit_both(x, y, information, floor)
    both = badness(both_floor[:, None] + both_gain[:, None] * x)
    use_plain = plain < uniform
    use_both = both + _EVIDENCE < np.minimum(plain, uniform)
    # Where there is only a floor, the median over the whole spectrum scatters less.
    one_floor = np.where(use_plain, 0.0, overall)
    one_gain = np.where(use_plain, gain, 0.0)
    return np.where(use_both, both_floor, one_floor), np.where(use_both, both_gain, one_gain)


def _fit_both(x: Floats, y: Floats, information: Floats, floor: Floats) -> tuple[Floats, Floats]:
    """Maximum-likelihood floor and gain, neither negative, by reweighted least squares."""
    a, b = floor, np.zeros_like(floor)
    for _ in range(8):
        weight = information / (a[:, None] + b[:, None] * x) ** 2
        total = weight.sum(axis=1)
        mean_x = (weight * x).sum(axis=1) / total
        mean_y = (weight * y).sum(axis=1) / total
        spread = (weight * (x - mean_x[:, None]) ** 2).sum(axis=1)
        shared = (weight * (x - mean_x[:, None]) * (y - mean_y[:, None])).sum(axis=1)
        b = np.maximum(shared / np.maximum(spread, 1e-300), 0.0)
        a = mean_y - b * mean_x
        # A negative floor becomes a tenth of the last one: the likelihood then prefers gain alone.
        a = np.where(a > 0, a, 1e-3 * mean_y)
    return a, b
