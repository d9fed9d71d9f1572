"""Spectra that lie next to each other: what a map says about one of its pixels.

Neighbors lie along every leading dimension: one step in three or more dimensions, one step or one
diagonal step in two, one or two steps in one. Beyond the edge there is none.
"""

from itertools import product

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.parameters import Floats

Shape = tuple[int, ...]


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
