"""Heights and background by linear least squares, for centers and widths that are known.

The active Shirley and Tougaard terms follow the peaks, so the problem is linear only for given
peaks: three rounds, each with the heights of the one before, settle it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.backgrounds import BACKGROUNDS, background_columns

Floats = npt.NDArray[np.float64]

ROUNDS = 3
# A peak cannot be negative, nor can a loss background; an offset and a slope can.
NON_NEGATIVE_TERMS = ("shirley", "tougaard")


def solve_heights(
    counts: Floats, energy: Floats, lines: Floats, background: str, used: slice
) -> tuple[Floats, Floats]:
    """Heights of unit lines and coefficients of the background that fit spectra best.

    Parameters
    ----------
    counts : ndarray, shape (n, used points)
        Finite signal [counts or counts/s] at the used points.
    energy : ndarray, shape (points,)
        Binding-like energies [eV] of the whole fitted axis, over which integrals run.
    lines : ndarray, shape (n, k, points)
        Lines of height 1 on the whole axis.
    background : str
        Key of `BACKGROUNDS`.
    used : slice
        Points of the axis that `counts` holds.

    Returns
    -------
    heights : ndarray, shape (n, k)
        Not negative, in the unit of `counts`.
    coefficients : ndarray, shape (n, terms)
        In the order of ``BACKGROUNDS[background]``; see `background_columns` for their units.
    """
    terms = BACKGROUNDS[background]
    n_lines = lines.shape[1]
    positive = np.array([True] * n_lines + [term in NON_NEGATIVE_TERMS for term in terms], bool)
    heights = np.ones(lines.shape[:2])
    coefficients = np.zeros((len(counts), len(terms)))
    fitted = np.swapaxes(lines[..., used], 1, 2)
    for _ in range(ROUNDS if any(positive[n_lines:]) else 1):
        total = (heights[:, None, :] @ lines)[:, 0]
        columns = background_columns(background, energy, total)[:, used]
        solution = non_negative_solve(np.concatenate([fitted, columns], axis=-1), counts, positive)
        heights, coefficients = solution[:, :n_lines], solution[:, n_lines:]
    return heights, coefficients


def non_negative_solve(columns: Floats, counts: Floats, positive: npt.NDArray[np.bool_]) -> Floats:
    """Batched linear least squares in which some coefficients must not be negative.

    Negative ones are set to zero and the rest is solved again until none is left: at most one
    round per column, not always the exact optimum with bounds, but near enough for a start.

    Parameters
    ----------
    columns : ndarray, shape (n, points, c)
        Design matrices.
    counts : ndarray, shape (n, points)
        What they are to add up to.
    positive : ndarray of bool, shape (c,)
        Which coefficients must not be negative.

    Returns
    -------
    ndarray, shape (n, c)
        Coefficients.
    """
    transposed = np.swapaxes(columns, 1, 2)
    gram = transposed @ columns
    size = np.sqrt(np.diagonal(gram, axis1=1, axis2=2))
    size = np.where(size > 0, size, 1.0)
    gram = gram / (size[:, :, None] * size[:, None, :])
    right = (transposed @ counts[..., None])[..., 0] / size
    n_columns = columns.shape[-1]
    # Two lines on top of each other share their height instead of failing.
    ridge = 1e-9 * np.eye(n_columns)
    active = np.ones(size.shape, bool)
    solution: Floats = np.zeros(size.shape)
    for _ in range(n_columns + 1):
        both = active[:, :, None] & active[:, None, :]
        inactive = np.eye(n_columns) * ~active[:, None, :]
        matrix = np.where(both, gram, 0.0) + ridge + inactive
        solution = np.asarray(np.linalg.solve(matrix, np.where(active, right, 0.0)[..., None]))[
            ..., 0
        ]
        bad = active & positive & (solution < 0)
        if not bad.any():
            break
        active &= ~bad
    return np.asarray(np.where(active, solution, 0.0) / size)
