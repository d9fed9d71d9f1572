"""Resampling of spectra between an energy axis and the even grid of a network.

Resampling is a linear map, so that its weights serve a whole map of spectra. A grid point depends
on few neighboring points of the axis: only their weights are kept, about one for every point of the
axis, and not the matrix of all points by all grid points. Counts stay counts *per point* (a height
is a height on either axis); nothing is multiplied by a step width.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.array_types import Floats1, Floats2, Integers1
from xpsnet.numerics.kernels.compile import exported

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
    energy, grid = np.asarray(energy, float), np.asarray(grid, float)
    neighbors = _neighbors(energy.tobytes(), grid.tobytes())
    matrix = np.zeros((energy.size, grid.size))
    columns, places = neighbors.each()
    matrix[places, columns] = neighbors.weights
    return matrix


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


class _Neighbors(NamedTuple):
    """The entries of `resampling_matrix` that can differ from zero, column by column.

    Attributes
    ----------
    first : ndarray of int, shape (m,)
        For every grid point the first point of the axis that it depends on.
    bounds : ndarray of int, shape (m + 1,)
        Where the weights of each grid point begin, and the end of all.
    weights : ndarray, shape (bounds[-1],)
        Of `first` and the points after it.
    """

    first: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]
    weights: Array

    def each(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Grid point and point of the axis of every weight."""
        sizes = np.diff(self.bounds)
        columns = np.repeat(np.arange(self.first.size), sizes)
        return columns, np.arange(self.weights.size) + np.repeat(
            self.first - self.bounds[:-1], sizes
        )


@lru_cache(maxsize=8)
def _neighbors(energy: bytes, grid: bytes) -> _Neighbors:
    """Neighbors and weights for an axis in either direction."""
    axis, cells = np.frombuffer(energy), np.frombuffer(grid)
    is_ascending = bool(axis[-1] > axis[0])
    ascending = axis if is_ascending else axis[::-1]
    step = (cells[-1] - cells[0]) / (cells.size - 1)
    if (ascending[-1] - ascending[0]) / (ascending.size - 1) >= step * (1 - 1e-9):
        found = _interpolation(ascending, cells)
    else:
        found = _averaging(
            ascending, np.concatenate([[cells[0]], cells[:-1] + step / 2, cells[-1:]])
        )
    return found if is_ascending else _turned(found, axis.size)


def _turned(neighbors: _Neighbors, n: int) -> _Neighbors:
    """The same weights for an axis of n points in the opposite direction."""
    first, bounds, weights = neighbors
    sizes = np.diff(bounds)
    backward = np.repeat(bounds[:-1] + bounds[1:] - 1, sizes) - np.arange(weights.size)
    return _Neighbors(n - first - sizes, bounds, weights[backward])


@exported
def _sum_neighbors(
    counts: Floats2,
    first: Integers1,
    bounds: Integers1,
    weights: Floats1,
    out: Floats2,
) -> None:
    """Weighted sums of neighboring counts (n, points) into `out` (n, grid points)."""
    for row in range(counts.shape[0]):
        for i in range(first.size):
            total = 0.0
            for j in range(bounds[i], bounds[i + 1]):
                total += weights[j] * counts[row, first[i] + j - bounds[i]]
            out[row, i] = total


def _interpolation(energy: Array, grid: Array) -> _Neighbors:
    """Linear interpolation at the grid points, nearest value outside; energy ascending."""
    lower, share, _ = _segments(energy, grid)
    weights = np.stack([1 - share, share], axis=1).ravel()
    return _Neighbors(lower, np.arange(grid.size + 1) * 2, weights)


def _averaging(energy: Array, edges: Array) -> _Neighbors:
    """Mean of the linear interpolant between neighboring edges; energy ascending."""
    lower, _, _ = _segments(energy, edges)
    first, last = lower[:-1], lower[1:] + 1
    bounds = np.concatenate([[0], np.cumsum(last - first + 1)])
    found = _Neighbors(first, bounds, np.empty(bounds[-1]))
    cell, place = found.each()
    integral = _integral(energy, edges, cell + 1, place) - _integral(energy, edges, cell, place)
    return found._replace(weights=integral / np.diff(edges)[cell])


def _integral(
    energy: Array, edges: Array, edge: npt.NDArray[np.int64], place: npt.NDArray[np.int64]
) -> Array:
    """Weights of points in the integral of the linear interpolant from the first edge to others.

    `edge` and `place` number an edge and a point of the axis each, shape (k,).
    """
    lower, share, step = _segments(energy, edges)
    steps = np.diff(energy)
    below, above = np.append(0.0, steps) / 2, np.append(steps, 0.0) / 2
    # Whole trapezoids below the edge, then the part of the segment in which the edge lies.
    weights = np.where(place < lower[edge], (below + above)[place], 0.0)
    at = place == lower[edge]
    weights[at] = below[place[at]] + (step * (share - share**2 / 2))[edge[at]]
    at = place == lower[edge] + 1
    weights[at] = (step * share**2 / 2)[edge[at]]
    # Outside of the axis the value of its end holds.
    outside = np.minimum(edges - energy[0], 0)
    weights += np.where(place == 0, outside[edge], 0.0)
    outside = np.maximum(edges - energy[-1], 0)
    return weights + np.where(place == energy.size - 1, outside[edge], 0.0)


def _segments(energy: Array, at: Array) -> tuple[npt.NDArray[np.int64], Array, Array]:
    """Segments of the axis in which energies lie: lower end, share of the step below, step."""
    position = np.clip(at, energy[0], energy[-1])
    lower = np.clip(np.searchsorted(energy, position, side="right") - 1, 0, energy.size - 2)
    step = energy[lower + 1] - energy[lower]
    return lower, (position - energy[lower]) / step, step
