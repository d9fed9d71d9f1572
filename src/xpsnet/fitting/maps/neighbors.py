"""Neighboring spectra of a map: prior, starts and outliers.

Neighbors lie along every leading dimension: one step in three or more dimensions, one step or one
diagonal step in two, one or two steps in one. Beyond the edge there is none.
"""

from collections.abc import Mapping
from enum import IntEnum
from itertools import product

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.parameter_map import Floats

Shape = tuple[int, ...]


class Start(IntEnum):
    """Where the starts of a fit came from."""

    NETWORK = 0
    NEIGHBORS = 1
    SUM = 2


# Rounds of the prior, and how often a spectrum has another number of peaks than its neighbors.
PRIOR_ROUNDS = 2
UNLIKE = 0.03


def offsets(shape: Shape) -> list[tuple[int, ...]]:
    """Steps to the neighbors on a grid of this shape; dimensions of size 1 have none."""
    long = [axis for axis, size in enumerate(shape) if size > 1]
    reach = (-2, -1, 0, 1, 2) if len(long) == 1 else (-1, 0, 1)
    steps = []
    for step in product(reach, repeat=len(long)):
        faces = sum(map(abs, step)) == 1
        if any(step) and (faces or len(long) < 3):
            full = [0] * len(shape)
            for axis, size in zip(long, step, strict=True):
                full[axis] = size
            steps.append(tuple(full))
    return steps


def reach(shape: Shape) -> int:
    """How many steps away the farthest neighbor lies."""
    return max((max(map(abs, step)) for step in offsets(shape)), default=0)


def around(values: npt.NDArray[np.generic], shape: Shape) -> Floats:
    """Values of the neighbors.

    Parameters
    ----------
    values : ndarray, shape (spectra, ...)
        One row per spectrum, in the order of the grid.
    shape : tuple of int
        Of the grid; its product is the number of spectra.

    Returns
    -------
    ndarray, shape (neighbors, spectra, ...)
        NaN beyond the edges.
    """
    grid = np.asarray(values, dtype=np.float64).reshape(*shape, *values.shape[1:])
    steps = offsets(shape)
    found = np.full((len(steps), *grid.shape), np.nan)
    for one, step in zip(found, steps, strict=True):
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, shape, strict=True))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, shape, strict=True))
        one[here] = grid[there]
    return found.reshape(len(steps), *values.shape)


def median(values: Floats) -> Floats:
    """Median along the first axis, without NaN; NaN where there is nothing else."""
    if len(values) == 0:
        return np.full(values.shape[1:], np.nan)
    ordered = np.sort(values, axis=0)  # NaN goes last
    n = np.isfinite(values).sum(axis=0)[None]
    low = np.take_along_axis(ordered, np.maximum(n - 1, 0) // 2, axis=0)
    high = np.take_along_axis(ordered, n // 2, axis=0)
    return np.asarray((low + np.where(n % 2 == 0, high, low))[0] / 2)


def log_prior(score: Floats, shape: Shape) -> Floats:
    """Prior of every number of peaks, from what the neighbors have.

    A spectrum has the number of peaks of one of its neighbors, drawn at random, or, three times in
    a hundred, any: p(k) = 0.97 mean_j q_j(k) + 0.03 / K. The neighbors' probabilities q_j(k) follow
    from their own scores, and in a second round from these and their neighbors.

    Parameters
    ----------
    score : ndarray, shape (spectra, K)
        Logarithms, of any origin per spectrum; -inf for what is out. All -inf: nothing is known.
    shape : tuple of int
        Of the grid.

    Returns
    -------
    ndarray, shape (spectra, K)
    """
    n_counts = score.shape[1]
    prior = np.zeros_like(score)
    for _ in range(PRIOR_ROUNDS):
        q = probabilities(score + prior)
        q[~np.isfinite(score).any(axis=1)] = np.nan
        near = around(q, shape)
        n = np.isfinite(near).sum(axis=0)
        mean = np.nansum(near, axis=0) / np.maximum(n, 1)
        mean = np.where(n > 0, mean, 1 / n_counts)
        prior = np.log((1 - UNLIKE) * mean + UNLIKE / n_counts)
    return prior


def probabilities(score: Floats) -> Floats:
    """Probabilities (spectra, K) from logarithms of any origin, even where all are -inf."""
    finite = np.isfinite(score)
    top = np.where(finite, score, -np.inf).max(axis=1, keepdims=True)
    power = np.exp(np.where(finite, score - np.where(np.isfinite(top), top, 0.0), -np.inf))
    total = power.sum(axis=1, keepdims=True)
    return np.where(total > 0, power / np.where(total > 0, total, 1.0), 1 / score.shape[1])


def starts_around(
    peaks: Mapping[str, Floats], count: int, shape: Shape
) -> tuple[dict[str, Floats], npt.NDArray[np.bool_]]:
    """Starts for a number of peaks: the medians of the neighbors that have as many.

    Parameters
    ----------
    peaks : mapping of str to ndarray, shape (spectra, peak)
        Peaks of all spectra, in ascending energy; NaN behind.
    count : int
    shape : tuple of int
        Of the grid.

    Returns
    -------
    starts : dict of str to ndarray, shape (spectra, peak)
    known : ndarray of bool, shape (spectra,)
        Where at least two neighbors have so many peaks.
    """
    mine = np.isfinite(peaks["center"]).sum(axis=1) == count
    order = np.argsort(peaks["center"], axis=1, kind="stable")
    starts = {}
    for name, values in peaks.items():
        ordered = np.take_along_axis(values, order, axis=1)
        starts[name] = median(around(np.where(mine[:, None], ordered, np.nan), shape))
    known = np.nansum(around(mine.astype(float), shape), axis=0) >= 2
    return starts, np.asarray(known)


def outliers(
    peaks: Mapping[str, Floats], stderr: Mapping[str, Floats], shape: Shape
) -> npt.NDArray[np.bool_]:
    """Spectra with a peak unlike that of neighbors with as many peaks, shape (spectra,).

    Its center is off by more than a quarter of the width and 4 standard errors, or its width by
    more than a factor 1.5 and 4 standard errors.
    """
    number = np.isfinite(peaks["center"]).sum(axis=1)
    found = np.zeros(len(number), dtype=bool)
    for count in np.unique(number[number > 0]):
        starts, known = starts_around(peaks, int(count), shape)
        order = np.argsort(peaks["center"], axis=1, kind="stable")
        own = {n: np.take_along_axis(peaks[n], order, axis=1) for n in ("center", "fwhm")}
        error = {n: 4 * np.nan_to_num(np.take_along_axis(stderr[n], order, axis=1)) for n in own}
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.abs(own["center"] - starts["center"])
            far = off > np.maximum(0.25 * starts["fwhm"], error["center"])
            ratio = np.abs(np.log(own["fwhm"] / starts["fwhm"]))
            far |= ratio > np.maximum(np.log(1.5), error["fwhm"] / own["fwhm"])
        found |= known & (number == count) & far.any(axis=1)
    return found
