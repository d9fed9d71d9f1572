"""What the points of a spectrum show of its detector and of its treatment."""

from math import comb

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.array_types import Floats1, Floats2
from xpsnet.numerics.kernels.compile import compiled, exported, reassociated

Floats = npt.NDArray[np.float64]

# Columns of the result of `sign_rows`.
N_POINTS, MAY_SPIKE, LARGEST_BEND, FOURTH, EIGHTH, AT_TOP, TOP_OF_FIVE = range(7)
N_SIGNS = 7

# Largest second difference over the mean one, below which nothing is a spike: it is 20 / 2 in a
# long spectrum with a spike of ten standard deviations, and 4 to 6 of plain counts.
_CONSPICUOUS = 6.5
# What a spike must be off a line through its neighbors, in rough standard deviations, and how much
# farther than these are themselves: both are less than what `raw_points` then asks for.
_ROUGHLY, _BENT = 6.0, 0.5
# Mean absolute second difference of noise of standard deviation 1.
_BEND_OF_NOISE = 1.95
_SCALE_4, _SCALE_8 = float(comb(8, 4)), float(comb(16, 8))


@reassociated
def _bends(points: Floats, n: int) -> float:
    """Sum of absolute second differences."""
    total = 0.0
    for i in range(1, n - 1):
        total += abs(points[i - 1] - 2.0 * points[i] + points[i + 1])
    return total


@reassociated
def _largest_bend(points: Floats, n: int) -> float:
    """Largest absolute second difference."""
    largest = 0.0
    for i in range(1, n - 1):
        largest = max(largest, abs(points[i - 1] - 2.0 * points[i] + points[i + 1]))
    return largest


@reassociated
def _square(points: Floats, n: int) -> float:
    """Mean square; 0 where there is none."""
    total = 0.0
    for i in range(n):
        total += points[i] * points[i]
    return total / max(n, 1)


@reassociated
def _mean(points: Floats, n: int) -> float:
    """Mean; 0 where there is none."""
    total = 0.0
    for i in range(n):
        total += points[i]
    return total / max(n, 1)


@compiled
def _run_at_top(points: Floats, n: int) -> int:
    """Longest run of neighboring points that are exactly the maximum."""
    top, longest, run = -np.inf, 0, 0
    for i in range(n):
        if points[i] > top:
            top, longest, run = points[i], 1, 1
        elif points[i] == top:
            run += 1
            longest = max(longest, run)
        else:
            run = 0
    return longest


@compiled
def _top_of_five(counts: Floats) -> float:
    """Largest mean of five points, missing ones 0; infinity where not all are whole numbers."""
    total, largest = 0.0, 0.0
    if counts.size < 5:
        return np.inf
    for i in range(counts.size):
        value = counts[i] if np.isfinite(counts[i]) else 0.0
        if value < 0.0 or value != np.floor(value):
            return np.inf
        before = counts[i - 5] if i > 4 and np.isfinite(counts[i - 5]) else 0.0
        total += value - before
        if i > 3:
            largest = max(largest, total)
    return largest / 5.0


@compiled
def _may_spike(points: Floats, n: int, bend: float) -> bool:
    """Whether one or two points are far off a line through two neighbors on either side."""
    mean = _mean(points, n)
    sigma = bend / _BEND_OF_NOISE
    for size in range(1, 3):
        far, near = (size + 3) / 2.0, (size + 1) / 2.0  # of the neighbors, from the middle
        for i in range(2, n - size - 1):
            a, b = points[i - 2], points[i - 1]
            c, d = points[i + size], points[i + size + 1]
            level = (a + b + c + d) / 4.0
            slope = (far * (d - a) + near * (c - b)) / (2.0 * (far * far + near * near))
            first, last = points[i], points[i + size - 1]
            inner = (size - 1) / 2.0
            off = min(abs(first - level + inner * slope), abs(last - level - inner * slope))
            rough = sigma * np.sqrt(level / mean) if level > mean > 0.0 else sigma
            if off > _ROUGHLY * rough:
                a, b = a - level + far * slope, b - level + near * slope
                c, d = c - level - near * slope, d - level - far * slope
                if max(max(a, b), max(c, d)) - min(min(a, b), min(c, d)) < _BENT * off:
                    return True
    return False


@exported
def sign_rows(counts: Floats2, only_spikes: bool, signs: Floats2, points: Floats1) -> None:
    """Fill one row of signs for each spectrum.

    Parameters
    ----------
    counts : ndarray, shape (S, n)
        Points that are not finite are passed over.
    only_spikes : bool
        Leave the columns from `FOURTH` on as they are.
    signs : ndarray, shape (S, N_SIGNS)
        Number of points; 1 where there may be a spike; largest absolute second difference; mean
        squared fourth and eighth difference, scaled to the variance of a point; longest run of
        points at the maximum; largest mean of five points of whole numbers, infinity of others.
    points : ndarray, shape (n,)
        Room.
    """
    for row in range(counts.shape[0]):
        n = 0
        for value in counts[row]:
            points[n] = value
            n += 1 if np.isfinite(value) else 0
        bend = _bends(points, n) / max(n - 2, 1)
        largest = _largest_bend(points, n)
        odd = largest > _CONSPICUOUS * bend and _may_spike(points, n, bend)
        signs[row, N_POINTS], signs[row, LARGEST_BEND] = n, largest
        signs[row, MAY_SPIKE] = 1.0 if odd else 0.0
        if only_spikes:
            continue
        signs[row, TOP_OF_FIVE] = _top_of_five(counts[row])
        signs[row, AT_TOP] = _run_at_top(points, n)
        for order in range(1, 9):
            for i in range(n - order):
                points[i] = points[i + 1] - points[i]
            if order == 4:
                signs[row, FOURTH] = _square(points, n - 4) / _SCALE_4
        signs[row, EIGHTH] = _square(points, n - 8) / _SCALE_8
