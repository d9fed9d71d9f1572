"""Arithmetic of contiguous rows that several kernels need."""

import numpy as np
import numpy.typing as npt

from xpsnet.numerics._compile import reassociated

Floats = npt.NDArray[np.float64]


@reassociated
def dot(a: Floats, b: Floats) -> float:
    """Scalar product of two rows."""
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total
