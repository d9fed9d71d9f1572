"""Arithmetic of contiguous rows that several kernels need."""

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.array_types import Floats2
from xpsnet.numerics.kernels.compile import compiled, exported, reassociated

Floats = npt.NDArray[np.float64]


@compiled
def copy_row(source: Floats, to: Floats) -> None:
    """Copy a row into one that is at least as long."""
    for j in range(source.size):
        to[j] = source[j]


@reassociated
def dot(a: Floats, b: Floats) -> float:
    """Scalar product of two rows."""
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@exported
def difference_rows(rows: Floats2, order: int) -> None:
    """Put the differences of an order of each row (m, n) into its first n - order places."""
    n = rows.shape[1]
    for i in range(rows.shape[0]):
        row = rows[i]
        for k in range(1, order + 1):
            for j in range(n - k):
                row[j] = row[j + 1] - row[j]
