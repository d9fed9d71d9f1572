"""What the points of a spectrum show of its detector and of its treatment, in one pass each."""

from math import comb

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.compile import compiled

Floats = npt.NDArray[np.float64]

# Columns of the result of `sign_rows`.
N_POINTS, BEND, LARGEST_BEND, FOURTH, EIGHTH, AT_TOP = range(6)
N_SIGNS = 6

_FOURTH = np.array([(-1) ** j * comb(4, j) for j in range(5)]) / np.sqrt(comb(8, 4))
_EIGHTH = np.array([(-1) ** j * comb(8, j) for j in range(9)]) / np.sqrt(comb(16, 8))


@compiled
def _mean_square(points: Floats, n: int, weights: Floats) -> float:
    """Mean square of the differences with these weights; 0 where there is none."""
    total = 0.0
    for i in range(n - weights.size + 1):
        difference = 0.0
        for j in range(weights.size):
            difference += weights[j] * points[i + j]
        total += difference * difference
    return total / max(n - weights.size + 1, 1)


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
def sign_rows(counts: Floats, signs: Floats) -> None:
    """Fill one row of signs for each spectrum.

    Parameters
    ----------
    counts : ndarray, shape (S, n)
        Points that are not finite are passed over.
    signs : ndarray, shape (S, N_SIGNS)
        Number of points; mean and largest absolute second difference; mean squared fourth and
        eighth difference, scaled to the variance of a point; longest run of points at the maximum.
    """
    points = np.empty(counts.shape[1])
    for row in range(counts.shape[0]):
        n = 0
        for value in counts[row]:
            if np.isfinite(value):
                points[n] = value
                n += 1
        total, largest = 0.0, 0.0
        for i in range(1, n - 1):
            bend = abs(points[i - 1] - 2.0 * points[i] + points[i + 1])
            total += bend
            largest = max(largest, bend)
        signs[row, N_POINTS] = n
        signs[row, BEND], signs[row, LARGEST_BEND] = total / max(n - 2, 1), largest
        signs[row, FOURTH] = _mean_square(points, n, _FOURTH)
        signs[row, EIGHTH] = _mean_square(points, n, _EIGHTH)
        signs[row, AT_TOP] = _run_at_top(points, n)
