"""Resampling of spectra between an energy axis and the even grid of a network.

Both directions are linear maps, so that one matrix serves a whole map of spectra. Counts stay
counts *per point* (a height is a height on either axis); nothing is multiplied by a step width.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.compile import compiled

Array = npt.NDArray[np.float64]


def even_grid(energy: npt.ArrayLike, n_points: int) -> Array:
    """Even grid over the range of `energy`, ascending.

    Parameters
    ----------
    energy : array_like, shape (n,)
        Energies [eV], monotonic in either direction.
    n_points : int
        Number of grid points, at least 2.

    Returns
    -------
    ndarray, shape (n_points,)
        Ascending energies [eV] from the smallest to the largest of `energy`.

    Raises
    ------
    ValueError
        If `energy` holds fewer than two points.
    """
    energy = np.asarray(energy, float)
    if energy.ndim != 1 or energy.size < 2:
        raise ValueError(
            f"expected a 1-D energy axis of at least 2 points, got shape {energy.shape}; "
            "widen the energy range"
        )
    return np.linspace(energy.min(), energy.max(), n_points)


def resampling_matrix(energy: npt.ArrayLike, grid: npt.ArrayLike) -> Array:
    """Matrix that takes counts on `energy` to counts on an even, ascending `grid`.

    Where the mean step of the axis is not below that of the grid, the value is the linear
    interpolant at the grid point; where it is, the mean of the linear interpolant over the grid
    cell, so that every measured point is used and the noise is averaged (the cells of the two ends
    are half as wide, so that their values belong a quarter of a grid step further inside). Outside
    of `energy` the nearest value holds.

    Parameters
    ----------
    energy : array_like, shape (n,)
        Energies of the counts [eV], strictly monotonic in either direction, uniform or not.
    grid : array_like, shape (m,)
        Even ascending energies [eV], m at least 2.

    Returns
    -------
    ndarray, shape (n, m)
        ``counts @ matrix`` gives the resampled counts; every column sums to 1.
    """
    energy = np.asarray(energy, float)
    grid = np.asarray(grid, float)
    ascending = energy if energy[-1] > energy[0] else energy[::-1]
    step = (grid[-1] - grid[0]) / (grid.size - 1)
    if (ascending[-1] - ascending[0]) / (ascending.size - 1) >= step * (1 - 1e-9):
        matrix = _interpolation(ascending, grid)
    else:
        edges = np.concatenate([[grid[0]], grid[:-1] + step / 2, [grid[-1]]])
        matrix = np.diff(_integration(ascending, edges), axis=1) / np.diff(edges)
    return matrix if energy[-1] > energy[0] else matrix[::-1]


def resample(counts: npt.ArrayLike, energy: npt.ArrayLike, grid: npt.ArrayLike) -> Array:
    """Counts on `energy`, taken to an even `grid`.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Signal [counts or counts/s].
    energy : array_like, shape (n,)
        Energies [eV], strictly monotonic in either direction.
    grid : array_like, shape (m,)
        Even ascending energies [eV].

    Returns
    -------
    ndarray, shape (..., m)
        Signal on the grid, in the unit of `counts`.
    """
    counts = np.asarray(counts, float)
    energy, grid = np.asarray(energy, float), np.asarray(grid, float)
    rows = np.ascontiguousarray(counts).reshape(-1, energy.size)
    out = np.empty((len(rows), grid.size))
    _sum_neighbors(rows, *_neighbors(energy.tobytes(), grid.tobytes()), out)
    return out.reshape(*counts.shape[:-1], grid.size)


def normalize(counts: Any, xp: Any = np) -> tuple[Any, Any, Any]:
    """Scale each spectrum to the range 0 to 1, as the `default` network takes it.

    Parameters
    ----------
    counts : array, shape (..., n)
        Signal [counts or counts/s].
    xp : module
        Array namespace: numpy, or ``keras.ops`` inside the training step.

    Returns
    -------
    normalized, offset, scale : array
        ``counts == normalized * scale + offset``; offset and scale have shape (..., 1) and the unit
        of `counts`. A constant spectrum has scale 1.
    """
    offset = xp.min(counts, axis=-1, keepdims=True)
    scale = xp.max(counts, axis=-1, keepdims=True) - offset
    scale = xp.where(scale > 0, scale, xp.ones_like(scale))
    return (counts - offset) / scale, offset, scale


@lru_cache(maxsize=8)
def _neighbors(energy: bytes, grid: bytes) -> tuple[npt.NDArray[np.int64], Array]:
    """The entries of `resampling_matrix` that are not zero.

    For every grid point the index of the first point of the axis that it depends on, and the
    weights of this point and of the points after it.
    """
    matrix = resampling_matrix(np.frombuffer(energy), np.frombuffer(grid))
    first = (matrix != 0).argmax(axis=0)
    n = int((len(matrix) - (matrix[::-1] != 0).argmax(axis=0) - first).max())
    first = np.minimum(first, len(matrix) - n)
    return first, np.take_along_axis(matrix, first + np.arange(n)[:, None], axis=0).T.copy()


@compiled
def _sum_neighbors(counts: Array, first: npt.NDArray[np.int64], weights: Array, out: Array) -> None:
    """Weighted sums of neighboring counts (n, points) into `out` (n, grid points)."""
    for row in range(counts.shape[0]):
        for i in range(first.size):
            total = 0.0
            for j in range(weights.shape[1]):
                total += weights[i, j] * counts[row, first[i] + j]
            out[row, i] = total


def _interpolation(energy: Array, grid: Array) -> Array:
    """Linear interpolation at the grid points, nearest value outside; energy ascending."""
    position = np.clip(grid, energy[0], energy[-1])
    lower = np.clip(np.searchsorted(energy, position, side="right") - 1, 0, energy.size - 2)
    share = (position - energy[lower]) / (energy[lower + 1] - energy[lower])
    matrix = np.zeros((energy.size, grid.size))
    columns = np.arange(grid.size)
    matrix[lower, columns] = 1 - share
    matrix[lower + 1, columns] += share
    return matrix


def _integration(energy: Array, edges: Array) -> Array:
    """Integral of the linear interpolant from the first edge to each edge; energy ascending."""
    position = np.clip(edges, energy[0], energy[-1])
    lower = np.clip(np.searchsorted(energy, position, side="right") - 1, 0, energy.size - 2)
    step = np.diff(energy)
    below, above = np.append(0.0, step) / 2, np.append(step, 0.0) / 2
    columns = np.arange(edges.size)
    # Whole trapezoids below the edge, then the part of the segment in which the edge lies.
    matrix = np.where(np.arange(energy.size)[:, None] < lower, (below + above)[:, None], 0.0)
    matrix[lower, columns] = below[lower]
    share = (position - energy[lower]) / step[lower]
    matrix[lower, columns] += step[lower] * (share - share**2 / 2)
    matrix[lower + 1, columns] += step[lower] * share**2 / 2
    matrix[0] += np.minimum(edges - energy[0], 0)
    matrix[-1] += np.maximum(edges - energy[-1], 0)
    return matrix - matrix[:, :1]
