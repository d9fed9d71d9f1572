"""Heights and background by linear least squares, for known centers and widths.

The active Shirley and Tougaard terms depend on the peaks, so that the problem is linear only for
given peaks: three rounds, each with the heights of the round before, converge.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.backgrounds import BACKGROUNDS, TOUGAARD_U2, background_columns, loss_matrix
from xpsnet.numerics.kernels.array_types import Flags1, Floats1, Floats2, Floats3
from xpsnet.numerics.kernels.compile import compiled, exported
from xpsnet.numerics.kernels.row_arithmetic import copy_row, dot

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 3
# A peak cannot be negative, nor can a loss background; an offset and a slope can.
NON_NEGATIVE_TERMS = ("shirley", "tougaard")
# Two lines at the same place share their height instead of making the equations singular.
_RIDGE = 1e-9


class Room(NamedTuple):
    """Room for the equations of one spectrum of n points with m columns."""

    columns: Floats2  # (m, n)
    gram: Floats2  # (m, m)
    factor: Floats2  # (m, m)
    right: Floats1  # (m,)
    size: Floats1  # (m,)
    left: Flags1  # (m,)
    total: Floats1  # (n,)


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

    Notes
    -----
    Negative coefficients of terms that must not be negative are set to zero, and the rest is
    solved again until none is negative. This is not always the exact optimum with bounds, but close
    enough for a start.
    """
    terms = BACKGROUNDS[background]
    n, n_lines, n_points = lines.shape
    positive = np.array([True] * n_lines + [term in NON_NEGATIVE_TERMS for term in terms], bool)
    active = any(positive[n_lines:])
    fixed = background_columns(background, energy, np.zeros(n_points))
    fixed = np.ascontiguousarray(fixed[:, : len(terms) - active].T)
    losses = np.zeros((0, n_points))
    if terms[-1:] == ("tougaard",):
        losses = np.array(loss_matrix(np.asarray(energy, float).tobytes(), TOUGAARD_U2[1], None))
    out = np.empty((n, positive.size))
    start, stop, _ = used.indices(n_points)
    counts = np.ascontiguousarray(counts, np.float64)
    if "constant" in terms:
        # On a background far above the lines, rounding of the products would hide the lines.
        pedestal = counts.min(axis=1, keepdims=True)
        counts = counts - pedestal
    _solve_rows(
        counts,
        np.ascontiguousarray(lines, np.float64),
        fixed,
        np.ascontiguousarray(energy, np.float64),
        np.ascontiguousarray(losses),
        active,
        positive,
        start,
        stop,
        _room(positive.size, n_points),
        out,
    )
    if "constant" in terms:
        out[:, n_lines + terms.index("constant")] += pedestal[:, 0]
    return out[:, :n_lines], out[:, n_lines:]


def _room(n_columns: int, n_points: int) -> Room:
    """Room for the equations of one spectrum."""
    return Room(
        columns=np.empty((n_columns, n_points)),
        gram=np.empty((n_columns, n_columns)),
        factor=np.empty((n_columns, n_columns)),
        right=np.empty(n_columns),
        size=np.empty(n_columns),
        left=np.empty(n_columns, np.bool_),
        total=np.empty(n_points),
    )


@exported
def _solve_rows(
    counts: Floats2,
    lines: Floats3,
    fixed: Floats2,
    energy: Floats1,
    losses: Floats2,
    active: bool,
    positive: Flags1,
    start: int,
    stop: int,
    room: Room,
    out: Floats2,
) -> None:
    """All spectra, one after the other, into `out` (n, columns)."""
    n_lines, n_points = lines.shape[1], lines.shape[2]
    n_columns = positive.size
    columns, gram, right, total = room.columns, room.gram, room.right, room.total
    for i in range(fixed.shape[0]):
        copy_row(fixed[i], columns[n_lines + i])
    for row in range(counts.shape[0]):
        for i in range(n_lines):
            copy_row(lines[row, i], columns[i])
        settled = n_columns - 1 if active else n_columns
        for p in range(settled):
            _fill_row(columns, counts[row], start, stop, gram, right, p)
        solution = out[row]
        for i in range(n_lines):
            solution[i] = 1.0
        for _ in range(ROUNDS if active else 1):
            if active:
                for j in range(n_points):
                    total[j] = 0.0
                for i in range(n_lines):
                    for j in range(n_points):
                        total[j] += solution[i] * columns[i, j]
                _draw_active(total, energy, losses, columns[n_columns - 1])
                _fill_row(columns, counts[row], start, stop, gram, right, n_columns - 1)
            _solve_not_negative(room, positive, solution)


@compiled
def _fill_row(
    columns: Floats,
    counts: Floats,
    start: int,
    stop: int,
    gram: Floats,
    right: Floats,
    p: int,
) -> None:
    """Products of column `p` with those before it, with itself and with the counts."""
    own = columns[p, start:stop]
    for q in range(p + 1):
        gram[p, q] = dot(own, columns[q, start:stop])
        gram[q, p] = gram[p, q]
    right[p] = dot(own, counts)


@compiled
def _draw_active(total: Floats, energy: Floats, losses: Floats, column: Floats) -> None:
    """The term that depends on the peaks: Tougaard where there are `losses`, else Shirley."""
    n = total.size
    if losses.shape[0]:
        for j in range(n):
            column[j] = dot(losses[j], total)
        return
    ascending = energy[n - 1] > energy[0]
    column[0 if ascending else n - 1] = 0.0
    for i in range(1, n):
        j = i if ascending else n - 1 - i
        before = j - 1 if ascending else j + 1
        area = 0.5 * abs(energy[j] - energy[before]) * (total[j] + total[before])
        column[j] = column[before] + area


@compiled
def _solve_not_negative(room: Room, positive: Flags, solution: Floats) -> None:
    """Solve the normal equations; coefficients that must not be negative and are become zero."""
    gram, right, factor, size, left = room.gram, room.right, room.factor, room.size, room.left
    n = right.size
    for p in range(n):
        left[p] = True
        size[p] = math.sqrt(gram[p, p]) if gram[p, p] > 0.0 else 1.0
    for _ in range(n + 1):
        for p in range(n):
            for q in range(p):
                both = left[p] and left[q]
                factor[p, q] = gram[p, q] / (size[p] * size[q]) if both else 0.0
            own = gram[p, p] / (size[p] * size[p]) if left[p] else 1.0
            factor[p, p] = own + _RIDGE
            solution[p] = right[p] / size[p] if left[p] else 0.0
        _solve_symmetric(factor, solution)
        done = True
        for p in range(n):
            if left[p] and positive[p] and solution[p] < 0.0:
                left[p] = False
                done = False
        if done:
            break
    for p in range(n):
        solution[p] = solution[p] / size[p] if left[p] else 0.0


@compiled
def _solve_symmetric(matrix: Floats, right: Floats) -> None:
    """Cholesky factor and solution of a positive matrix, both in place."""
    n = right.size
    for p in range(n):
        for q in range(p + 1):
            value = matrix[p, q]
            for r in range(q):
                value -= matrix[p, r] * matrix[q, r]
            if p == q:
                # Rounding may cancel the ridge of columns that are nearly the same.
                matrix[p, p] = math.sqrt(max(value, 0.1 * _RIDGE))
            else:
                matrix[p, q] = value / matrix[q, q]
    for p in range(n):
        for q in range(p):
            right[p] -= matrix[p, q] * right[q]
        right[p] /= matrix[p, p]
    for p in range(n - 1, -1, -1):
        for q in range(p + 1, n):
            right[p] -= matrix[q, p] * right[q]
        right[p] /= matrix[p, p]
