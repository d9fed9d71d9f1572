"""Differences of neighboring points: what noise leaves in them, and smooth lines do not."""

from collections.abc import Callable, Iterator
from math import comb, prod

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.row_arithmetic import difference_rows
from xpsnet.parallel.threads import in_threads

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

MAX_ORDER = 4
MEDIAN_TO_SIGMA = 0.6744897501960817  # median of |x| of a standard normal x
# Independent squares that a squared difference of an order is worth: C(2q, q)^2 / sum of the
# squares of C(2q, j) over all j.
INFORMATION = tuple(
    comb(2 * q, q) ** 2 / sum(comb(2 * q, j) ** 2 for j in range(2 * q + 1))
    for q in range(MAX_ORDER + 1)
)
# Squared differences this many times above their expectation are spikes or steps.
_OUTLIER = 25.0
_MOST_OUTLIERS = 0.15  # a spike shows in five fourth differences
_AT_ONCE = 1024  # spectra, so that intermediate arrays stay in the processor's cache


def as_rows(counts: npt.ArrayLike) -> tuple[Floats, tuple[int, ...]]:
    """Spectra as rows, and the batch shape."""
    array = np.asarray(counts, dtype=np.float64)
    shape = array.shape[:-1]
    return array.reshape(prod(shape), array.shape[-1]), shape


def in_blocks(fill: Callable[[Indices, Indices, Floats], None], rows: Floats) -> None:
    """Call `fill` for every group of `_by_length` of every block of rows, in threads."""

    def fill_block(first: int) -> None:
        # Squares of counts of 1e160 and more overflow: they have no finite noise. Here, because a
        # thread does not know what its caller ignores.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
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


def order_of(n_points: int) -> int:
    """Order of the differences that spectra of so many points allow."""
    return max(1, min(MAX_ORDER, n_points - 2))


def differences(dense: Floats, order: int = 0) -> Floats:
    """Absolute differences, scaled to the standard deviation of a point; of the highest order."""
    order = order or order_of(dense.shape[1])
    rows = np.array(dense, order="C")  # compiled code is specialised to writable arrays
    difference_rows(rows, order)
    return np.asarray(np.abs(rows[:, :-order]) / np.sqrt(comb(2 * order, order)))


def mean_squares(residual: Floats, order: int = MAX_ORDER) -> tuple[Floats, Floats]:
    """Mean squared difference of every row without its spikes, and its degrees of freedom."""
    square, dof = np.zeros(len(residual)), np.zeros(len(residual))

    def fill(members: Indices, _: Indices, dense: Floats) -> None:
        if dense.shape[1] < 2:
            return
        own = min(order, order_of(dense.shape[1]))
        squares = differences(dense, own) ** 2
        kept = without_outliers(squares, np.zeros_like(squares))
        number = kept.sum(axis=1)
        square[members] = np.where(kept, squares, 0.0).sum(axis=1) / np.maximum(number, 1)
        dof[members] = INFORMATION[own] * number

    in_blocks(fill, residual)
    return square, dof


def without_outliers(squares: Floats, level: Floats) -> npt.NDArray[np.bool_]:
    """Which squared differences are not those of spikes.

    A spike is far above what noise that follows the level, and noise that is the same everywhere,
    both allow.
    """
    expected = _typical(squares)[:, None]
    positive = np.asarray((level > 0).all(axis=1))
    if positive.any():
        safe = np.where(positive[:, None], level, 1.0)
        gain = np.where(positive, _typical(squares / safe), 0.0)
        expected = np.maximum(expected, gain[:, None] * safe)
    kept = np.asarray(squares <= _OUTLIER * expected)
    # So many are no spikes: straight lines between points, for instance, have kinks at every fifth.
    many = np.asarray((~kept).mean(axis=1) > _MOST_OUTLIERS)
    return np.asarray(kept | many[:, None])


def _typical(squares: Floats) -> Floats:
    """Expectation of squares from their median; their mean where that is 0."""
    middle = median(squares) / MEDIAN_TO_SIGMA**2
    return np.where(middle > 0, middle, squares.mean(axis=1))


def parabola_weights(points: int) -> Floats:
    """Weights that give the middle of a parabola through an odd number of evenly spaced points.

    A. Savitzky, M. J. E. Golay, Anal. Chem. 36, 1627 (1964).
    """
    m = points // 2
    away = np.arange(-m, m + 1)
    numerators = 3 * (3 * m * m + 3 * m - 1 - 5 * away * away)
    return np.asarray(numerators / ((2 * m - 1) * (2 * m + 1) * (2 * m + 3)))


def median(values: Floats) -> Floats:
    """Median along the last axis, in half the time of ``numpy.median``, which looks for NaN."""
    half = values.shape[-1] // 2
    parted = np.partition(values, half, axis=-1)
    if values.shape[-1] % 2:
        return np.asarray(parted[..., half])
    return np.asarray((parted[..., :half].max(axis=-1) + parted[..., half]) / 2)
