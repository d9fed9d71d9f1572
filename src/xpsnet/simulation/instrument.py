"""Random numbers, and the parts of a spectrum besides its lines: axis, background, noise, spikes.

All functions take an array namespace `xp` (numpy or ``keras.ops``) and a source of random numbers
`draw` in the same namespace. Arrays are (n, points) over the window of each spectrum. A spectrum
with fewer measured points than the grid repeats its last point; `inside` is 1 at the measured
points and 0 after them.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Draw(Protocol):
    """Random numbers in one array namespace."""

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
        """Uniform numbers from `low` to `high`."""

    def normal(self, shape: tuple[int, ...]) -> Any:
        """Standard normal numbers."""


class NumpyDraw:
    """Random numbers from a seeded numpy generator."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
        """Uniform numbers from `low` to `high`."""
        return self._rng.uniform(low, high, shape).astype(np.float32)

    def normal(self, shape: tuple[int, ...]) -> Any:
        """Standard normal numbers."""
        return self._rng.standard_normal(shape, dtype=np.float32)


def log_uniform(xp: Any, draw: Draw, shape: tuple[int, ...], low: float, high: float) -> Any:
    """Numbers from `low` to `high`, both > 0, uniform on a logarithmic scale."""
    return xp.exp(draw.uniform(shape, float(np.log(low)), float(np.log(high))))


def measured_axis(
    xp: Any, draw: Draw, n: int, n_points: int, measured: tuple[float, float]
) -> tuple[Any, Any, Any]:
    """Number of measured points (n, 1), number used (n, 1) and their positions (n, n_points).

    No more than `n_points` are used, because the encoding averages a finer axis onto the grid.
    Positions run from 0 to 1; those after the last measured point repeat it.
    """
    taken = xp.floor(log_uniform(xp, draw, (n, 1), *measured))
    points = xp.minimum(taken, float(n_points))
    position = np.arange(n_points, dtype=np.float32)[None, :]
    return taken, points, xp.minimum(position / (points - 1), 1.0)


def inside_window(xp: Any, points: Any, n_points: int) -> Any:
    """Mask (n, n_points): 1 at the measured points, 0 where the last point is repeated."""
    place = np.arange(n_points, dtype=np.float32)[None, :]
    return xp.where(place < points, 1.0, 0.0)


def running_integral(xp: Any, values: Any, inside: Any, points: Any) -> Any:
    """Running integral of `values` over the measured points; it ends at 1 for values of 1."""
    return xp.cumsum(values * inside, axis=-1) / points


def draw_background(xp: Any, draw: Draw, axis: Any, step: Any, loss: Any) -> Any:
    """Background (n, points): offset, slope, curvature, losses, tail of a line outside the window.

    Parameters
    ----------
    axis : array, shape (n, points)
        Positions in the window, 0 to 1.
    step : array, shape (n, points)
        Running integral of the lines, the shape of a Shirley background.
    loss : array, shape (n, points)
        Running integral of `step`: Tougaard's universal loss curve near its onset, where it is
        proportional to the energy loss.
    """
    n = axis.shape[0]
    some = draw.uniform((5, n, 1))
    offset = log_uniform(xp, draw, (n, 1), 0.01, 8.0)
    x = axis - 0.5
    slope = 0.25 * draw.normal((n, 1)) * xp.where(some[0] < 0.6, 1.0, 0.0)
    bend = 0.25 * draw.normal((n, 1)) * xp.where(some[1] < 0.35, 1.0, 0.0)
    shirley = draw.uniform((n, 1), 0.0, 0.5) * xp.where(some[2] < 0.7, 1.0, 0.0)
    tougaard = draw.uniform((n, 1), 0.0, 0.6) * xp.where(some[3] < 0.2, 1.0, 0.0)
    side = xp.where(draw.uniform((n, 1)) < 0.5, -1.0, 1.0)
    place = 0.5 + side * draw.uniform((n, 1), 0.6, 1.2)
    foot = draw.uniform((n, 1), 0.0, 1.5) * xp.where(some[4] < 0.15, 1.0, 0.0)
    foot = foot / (1 + xp.square((axis - place) / 0.15))
    losses = shirley * _to_one(xp, step) + tougaard * _to_one(xp, loss)
    smooth = slope * x + bend * xp.square(x) + losses + foot
    return offset + smooth - xp.min(smooth, axis=-1, keepdims=True)


def _to_one(xp: Any, rising: Any) -> Any:
    """A rising curve, scaled to end at 1."""
    return rising / (rising[:, -1:] + 1e-6)


def draw_sigma(
    xp: Any, draw: Draw, clean: Any, largest: Any, noise: tuple[float, float]
) -> tuple[Any, Any]:
    """Standard deviation (n, n_points), and its ratio to the count at the largest point (n, 1)."""
    n = clean.shape[0]
    relative = log_uniform(xp, draw, (n, 1), *noise)
    counting = xp.sqrt(clean / largest)
    even = draw.uniform((n, 1)) < 0.2
    return relative * largest * xp.where(even, xp.ones_like(counting), counting), relative


def draw_noise(xp: Any, draw: Draw, n: int, points: int) -> tuple[Any, Any]:
    """Noise of unit variance (n, points), and by how much its averages vary more than white noise.

    In a third of the spectra the noise is smoothed with the kernel (s, 1, s), in a third of these
    twice.
    """
    white = draw.normal((n, points + 4))
    s = draw.uniform((n, 1), 0.0, 0.8) * xp.where(draw.uniform((n, 1)) < 0.33, 1.0, 0.0)
    twice = draw.uniform((n, 1)) < 0.33
    middle = xp.where(twice, 1 + 2 * s * s, xp.ones_like(s))
    beside = xp.where(twice, 2 * s, s)
    outer = xp.where(twice, s * s, xp.zeros_like(s))
    norm = xp.sqrt(middle * middle + 2 * beside * beside + 2 * outer * outer)
    noise = (
        middle * white[:, 2:-2]
        + beside * (white[:, 1:-3] + white[:, 3:-1])
        + outer * (white[:, :-4] + white[:, 4:])
    )
    return noise / norm, (middle + 2 * beside + 2 * outer) / norm


def draw_spikes(xp: Any, draw: Draw, points: Any, n_points: int, share: float) -> Any:
    """One too high point in a fraction `share` of the spectra, over the largest count."""
    n = points.shape[0]
    height = log_uniform(xp, draw, (n, 1), 0.05, 1.0)
    height = height * xp.where(draw.uniform((n, 1)) < share, 1.0, 0.0)
    where = xp.floor(draw.uniform((n, 1)) * points)
    place = np.arange(n_points, dtype=np.float32)[None, :]
    return xp.where(xp.abs(place - where) < 0.5, height, xp.zeros_like(height))


def grid_index(xp: Any, points: Any, n_points: int) -> tuple[Any, Any]:
    """Index of the measured point below each grid point, and the weight of the next point."""
    position = np.linspace(0, 1, n_points, dtype=np.float32)[None, :] * (points - 1)
    lower = xp.minimum(xp.floor(position), points - 2)
    return lower, position - lower


def onto_grid(xp: Any, values: Any, lower: Any, share: Any) -> Any:
    """Linear interpolation of `values` (n, points) with the indices and weights of `grid_index`."""
    index = lower.astype(np.int32) if xp is np else xp.cast(lower, "int32")
    below = xp.take_along_axis(values, index, axis=1)
    above = xp.take_along_axis(values, index + 1, axis=1)
    return below + share * (above - below)
