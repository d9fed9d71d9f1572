"""Whether the points of a spectrum are those that a detector counted.

**Spikes** are one or two neighboring points that lie 10 standard errors or more off the straight
line through the two points on either side, while these four lie on it. A peak never looks so, even
where it is as narrow as 1.5 steps of the axis: its own neighbors are then above 3 % of it.

**Saturation**: four or more neighboring points have exactly the largest value, which is worth 100
counts or more.

**A counter that overflows** begins again at 0 above 65,535.

**Without noise**: independent noise is the same in differences of any order, scaled to the variance
of a point. Where eighth differences hold less than 0.3 % of the variance of fourth ones,
there is no such noise.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.differences import MEDIAN_TO_SIGMA
from xpsnet.numerics.kernels.point_signs import (
    AT_TOP,
    EIGHTH,
    FOURTH,
    LARGEST_BEND,
    MAY_SPIKE,
    N_POINTS,
    N_SIGNS,
    TOP_OF_FIVE,
    sign_rows,
)
from xpsnet.numerics.noise import counting_quantum

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SPIKE = 10.0  # standard deviations of a point
_STRAIGHT = 5.0  # standard deviations within which the points beside a spike are on a line
_SHARE = 0.03  # of the spike, within which they are where it is large
_PLATEAU, _PLATEAU_COUNTS = 4, 100.0
_NO_NOISE = 0.003
_WRAP = 65536.0
# Zeros, and points beside them, from which on noise may be cut off; steps of counting that points
# beside zeros have at most where it is not.
_FEWEST_CUTS, _FEW_QUANTA = 8, 4.5
# Zeros in a row; points above half of a line whose feet have a few counts each, in steps of
# counting: the mean of both.
_ZERO_RUN, _WIDE_LINE, _FOOT_QUANTA = 5, 6, 18.0
_LEAST_POINTS = 16


def point_signs(counts: npt.NDArray[Any], *, only_spikes: bool = False) -> Floats:
    """Signs of spectra (S, n), shape (S, N_SIGNS); see `kernels.point_signs`."""
    rows = np.ascontiguousarray(counts, dtype=np.float64)
    signs = np.zeros((len(rows), N_SIGNS))
    sign_rows(rows, only_spikes, signs, np.empty(rows.shape[1]))
    return signs


def spikes(counts: npt.NDArray[Any], signs: Floats | None = None) -> Mask:
    """Points that are spikes or dead channels.

    Parameters
    ----------
    counts : ndarray, shape (S, n)
        NaN marks a missing point.
    signs : ndarray, shape (S, N_SIGNS), optional
        From `point_signs`.

    Returns
    -------
    ndarray of bool, shape (S, n)
    """
    signs = point_signs(counts, only_spikes=True) if signs is None else signs
    found = np.zeros(counts.shape, dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):
        odd = (signs[:, MAY_SPIKE] > 0) & (signs[:, N_POINTS] >= _LEAST_POINTS)
        for row in np.flatnonzero(odd):
            places = np.flatnonzero(np.isfinite(counts[row]))
            points = np.asarray(counts[row][places], dtype=np.float64)
            found[row, places] = _spikes_of(points)
    return found


def without_spikes(counts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Spectra (S, n) whose spikes are missing points; the same array where there is none."""
    found = spikes(counts)
    return np.where(found, np.nan, counts) if found.any() else counts


def is_saturated(counts: npt.NDArray[Any], signs: Floats) -> Mask:
    """Spectra that are cut off at a largest value, shape (S,).

    Parameters
    ----------
    counts : ndarray, shape (S, n)
    signs : ndarray, shape (S, N_SIGNS)
        From `point_signs`.
    """
    found = signs[:, AT_TOP] >= _PLATEAU
    found &= (signs[:, N_POINTS] >= _LEAST_POINTS) & (signs[:, AT_TOP] < signs[:, N_POINTS] / 2)
    for row in np.flatnonzero(found):
        quantum = counting_quantum(counts[row])
        top = np.nanmax(np.asarray(counts[row], dtype=np.float64))
        found[row] = not quantum * _PLATEAU_COUNTS > top
    return np.asarray(found)


def are_single_counts(signs: Floats, most: float) -> Mask:
    """Whole numbers that stay below `most` in the mean of any five points, shape (S,)."""
    return np.asarray(signs[:, TOP_OF_FIVE] < most)


def is_without_noise(signs: Floats) -> Mask:
    """Spectra without independent noise of their points, shape (S,); from `point_signs`."""
    known = (signs[:, N_POINTS] >= _LEAST_POINTS) & np.isfinite(signs[:, FOURTH])
    return np.asarray(known & (signs[:, EIGHTH] < _NO_NOISE * signs[:, FOURTH]))


def is_wrapped(counts: npt.NDArray[Any], signs: Floats) -> Mask:
    """Spectra of whole numbers that begin again at 0 above 65,535, shape (S,).

    Parameters
    ----------
    counts : ndarray, shape (S, n)
    signs : ndarray, shape (S, N_SIGNS)
        From `point_signs`.
    """
    with np.errstate(invalid="ignore"):
        found = np.asarray(signs[:, LARGEST_BEND] > _WRAP / 2)
    for row in np.flatnonzero(found):
        points = np.asarray(counts[row], dtype=np.float64)
        points = points[np.isfinite(points)]
        whole = (points == np.floor(points)).all() and points.min() >= 0 and points.max() < _WRAP
        unwrapped = np.unwrap(points, period=_WRAP) if whole else points
        before, after = (np.abs(np.diff(values)).max() for values in (points, unwrapped))
        found[row] = bool(whole and after < before / 4)
    return found


def is_cut_at_zero(counts: npt.NDArray[Any]) -> Mask:
    """Spectra whose noise was cut off at 0, as by subtracting too much, shape (S,).

    Where electrons are counted, a point that is often 0 has a few counts at most. Here zeros stand
    beside points of many counts, again and again; or lines of six points per width and more begin
    and end with many counts beside runs of zeros: their background was cut off wholly.

    Parameters
    ----------
    counts : ndarray, shape (S, n)
        NaN marks a missing point.
    """
    zero = counts == 0
    found = zero.sum(axis=1) >= _FEWEST_CUTS
    for row in np.flatnonzero(found):
        points = np.asarray(counts[row], dtype=np.float64)
        quantum = np.nan_to_num(counting_quantum(points))
        known = np.where(np.isfinite(points), points, -1.0)
        cut = _zeros_among(known, _FEW_QUANTA * quantum)
        cut = cut or _without_feet(known, _FOOT_QUANTA * quantum)
        found[row] = known.min() >= 0 and cut
    return np.asarray(found)


def _zeros_among(points: Floats, few: float) -> bool:
    """Whether many points beside zeros have more than a few counts."""
    cut = points == 0
    near = np.zeros_like(cut)
    near[1:] |= cut[:-1]
    near[:-1] |= cut[1:]
    beside = points[near & ~cut]
    return bool(beside.size >= _FEWEST_CUTS and np.median(beside) > few)


def _without_feet(points: Floats, many: float) -> bool:
    """Whether wide lines between runs of zeros begin and end with more than so many counts."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], points > 0, [False]]).astype(int)))
    beginnings = []
    for start, end in edges.reshape(-1, 2):
        line = points[start:end]
        if (line > line.max() / 2).sum() < _WIDE_LINE:
            continue
        before, after = points[max(start - _ZERO_RUN, 0) : start], points[end : end + _ZERO_RUN]
        for beside, first in ((before, points[start]), (after, points[end - 1])):
            if beside.size == _ZERO_RUN and not beside.any():
                beginnings.append(first)
    return len(beginnings) > 1 and np.mean(beginnings) > many


def has_signal(counts: Floats) -> Mask:
    """Where points stand out clearly from a straight line, so that there is not only noise.

    Parameters
    ----------
    counts : ndarray, shape (S, n)
        Without spikes; NaN marks a missing point.

    Returns
    -------
    ndarray of bool, shape (S,)
        Where a point is ten standard deviations or more off the line through the medians of both
        halves. The deviation is that of most neighbors: one high line does not hide itself in it.
    """
    found = np.zeros(len(counts), dtype=bool)
    for row, measured in enumerate(counts):
        points = measured[np.isfinite(measured)]
        if points.size < _LEAST_POINTS:
            continue
        half = points.size // 2
        low, high = np.median(points[:half]), np.median(points[half:])
        place = (np.arange(points.size) - (half - 1) / 2) / (points.size / 2)
        level = low + (high - low) * place
        sigma = np.median(np.abs(np.diff(points))) / (MEDIAN_TO_SIGMA * np.sqrt(2.0))
        quantum = np.nan_to_num(counting_quantum(points))
        floor = np.sqrt(quantum * np.maximum(level, quantum))
        off = np.abs(points - level)
        found[row] = bool((off > SPIKE * np.maximum(sigma, floor)).any())
    return found


def _spikes_of(points: Floats) -> Mask:
    """Spikes of one spectrum without gaps."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(points, 3, mode="reflect"), 7)
    bend = np.abs(np.diff(points, 2)) / (MEDIAN_TO_SIGMA * np.sqrt(6.0))
    level = np.maximum(np.median(around, axis=1), 0.0)
    root = np.sqrt(np.where(level > 0, level, np.nan))[1:-1]
    following = np.nan_to_num(np.nanmedian(bend / root)) if np.isfinite(root).any() else 0.0
    quantum = np.nan_to_num(counting_quantum(points))
    sigma = np.maximum(np.median(bend), following * np.sqrt(level))
    sigma = np.maximum(sigma, np.sqrt(quantum * (level + quantum)))
    found = np.zeros(points.size, dtype=bool)
    for size in (1, 2):
        places = np.array([-2, -1, size, size + 1])
        inner = np.arange(2, points.size - size - 1)
        beside = points[inner[:, None] + places]
        own = points[inner[:, None] + np.arange(size)]
        at = places - places.mean()
        slope = beside @ at / (at @ at)
        middle = beside.mean(axis=1)
        bent = np.ptp(beside - middle[:, None] - slope[:, None] * at, axis=1)
        line = middle[:, None] + slope[:, None] * (np.arange(size) - places.mean())
        off = own - line
        least = np.abs(off).min(axis=1)
        same = (np.sign(off) == np.sign(off[:, :1])).all(axis=1)
        straight = bent < np.maximum(_STRAIGHT * sigma[inner], _SHARE * least)
        hit = inner[same & straight & (least > SPIKE * sigma[inner]) & (sigma[inner] > 0)]
        for d in range(size):
            found[hit + d] = True
    return found
