"""Where a solver ended: the same record for both engines, filled in place by compiled code."""

from typing import NamedTuple

import numpy as np

from xpsnet.data.status import Status
from xpsnet.numerics.kernels.array_types import (
    Flags1,
    Flags2,
    Floats1,
    Floats2,
    Floats3,
    Integers1,
)


class Solution(NamedTuple):
    """Where the solver ended for S spectra of m flat parameters and k peaks.

    Attributes
    ----------
    values : ndarray, shape (S, m)
    chisqr : ndarray, shape (S,)
        What was minimized: the sum of squared weighted residuals, or the deviance where the
        variance follows the curve; NaN where nothing was fitted.
    pearson : ndarray, shape (S,)
        Sum of squared weighted residuals; its expectation is the number of points less that of the
        parameters also for few counts.
    n_used, n_free : ndarray of int, shape (S,)
        Points that count, and parameters that were fitted and not held at the end.
    evaluations : ndarray of int, shape (S,)
        How often the model was computed.
    code : ndarray of int, shape (S,)
        `Status` OK, NOT_CONVERGED, NOT_FINITE, TOO_FEW_POINTS, FAILED or NOT_DONE.
    on_bound : ndarray of bool, shape (S, m)
        Free parameters that ended on a limit, or belong to peaks of height 0 alone; held there.
    covariance : ndarray, shape (S, m, m)
        0 for what was held, NaN for what is not determined.
    singular : ndarray of bool, shape (S,)
        Whether a fitted parameter is not determined.
    line_chi_square : ndarray, shape (S, k)
        Sum of squares of the line of each peak alone, in units of the noise.
    correlation : ndarray, shape (S,)
        Of the residuals of neighboring points.
    """

    values: Floats2
    chisqr: Floats1
    pearson: Floats1
    n_used: Integers1
    n_free: Integers1
    evaluations: Integers1
    code: Integers1
    on_bound: Flags2
    covariance: Floats3
    singular: Flags1
    line_chi_square: Floats2
    correlation: Floats1


def not_begun(start: Floats2, n_peaks: int) -> Solution:
    """Solution of spectra that were not begun, from starts of shape (S, m)."""
    total, m = start.shape
    return Solution(
        values=start,
        chisqr=np.full(total, np.nan),
        pearson=np.full(total, np.nan),
        n_used=np.zeros(total, dtype=np.int64),
        n_free=np.zeros(total, dtype=np.int64),
        evaluations=np.zeros(total, dtype=np.int64),
        code=np.full(total, int(Status.NOT_DONE)),
        on_bound=np.zeros((total, m), dtype=np.bool_),
        covariance=np.full((total, m, m), np.nan),
        singular=np.zeros(total, dtype=np.bool_),
        line_chi_square=np.full((total, n_peaks), np.nan),
        correlation=np.full(total, np.nan),
    )
