"""Small dense linear algebra of the batched engine: normal equations, bounded steps, covariance."""

import math

import numpy as np

from xpsnet.fitting.solve.lm_model import Work
from xpsnet.fitting.solve.lm_rows import Flags, Floats, Integers, fill_row, four_products
from xpsnet.numerics.kernels.compile import compiled
from xpsnet.numerics.kernels.row_arithmetic import dot

# What `statistics.covariance_from_jacobian` calls lost, for squares of singular values.
_LOST = 1e-14
_PART = 1e-3
# Pivots of a matrix of unit diagonal above this need no closer look.
_SAFE_PIVOT = 1e-6
_LEAST_PIVOT = 1e-13
# Elements beside the diagonal that are only rounding; sweeps over all pairs at most.
_ROUNDED = 1e-17
_MOST_SWEEPS = 60


@compiled
def fill_normal(rows: Floats, residual: Floats, work: Work, n: int) -> None:
    """J^T J and J^T r of the first `n` packed entries."""
    ids, normal, gradient = work.ids, work.normal, work.gradient
    for p in range(n):
        row = rows[ids[p]]
        q = 0
        while q + 4 <= p + 1:
            four_products(
                row,
                rows[ids[q]],
                rows[ids[q + 1]],
                rows[ids[q + 2]],
                rows[ids[q + 3]],
                normal[p, q : q + 4],
            )
            q += 4
        while q <= p:
            normal[p, q] = dot(row, rows[ids[q]])
            q += 1
        gradient[p] = dot(row, residual)
        for q in range(p):
            normal[q, p] = normal[p, q]


@compiled
def factorize(matrix: Floats, n: int) -> float:
    """Cholesky factor in the lower triangle, in place; the least pivot, or -1 where it fails."""
    least = np.inf
    for a in range(n):
        for b in range(a):
            total = matrix[a, b]
            for c in range(b):
                total -= matrix[a, c] * matrix[b, c]
            matrix[a, b] = total / matrix[b, b]
        pivot = matrix[a, a]
        for c in range(a):
            pivot -= matrix[a, c] * matrix[a, c]
        if not pivot > _LEAST_PIVOT:
            return -1.0
        least = min(least, pivot)
        matrix[a, a] = math.sqrt(pivot)
    return least


@compiled
def solve_factorized(factor: Floats, right: Floats, n: int) -> None:
    """Solve with a Cholesky factor, in place."""
    for a in range(n):
        total = right[a]
        for b in range(a):
            total -= factor[a, b] * right[b]
        right[a] = total / factor[a, a]
    for a in range(n - 1, -1, -1):
        total = right[a]
        for b in range(a + 1, n):
            total -= factor[b, a] * right[b]
        right[a] = total / factor[a, a]


@compiled
def unfixed(work: Work, n: int) -> int:
    """Write down in `order` which of the first `n` packed entries are not fixed; how many."""
    count = 0
    for p in range(n):
        if not work.fixed[p]:
            work.order[count] = p
            count += 1
    return count


@compiled
def _solve_unfixed(work: Work, damping: float, n: int) -> bool:
    """Damped step of the entries that are not fixed, given the fixed steps."""
    normal, factor, scale, order = work.normal, work.factor, work.scale, work.order
    right, count = work.right, unfixed(work, n)
    for a in range(count):
        p = order[a]
        total = -work.gradient[p]
        for q in range(n):
            if work.fixed[q]:
                total -= normal[p, q] * work.step[q]
        right[a] = total / scale[p]
        for b in range(a):
            q = order[b]
            factor[a, b] = normal[p, q] / (scale[p] * scale[q])
        factor[a, a] = normal[p, p] / (scale[p] * scale[p]) + damping
    if factorize(factor, count) < 0.0:
        return False
    solve_factorized(factor, right, count)
    for a in range(count):
        work.step[order[a]] = right[a] / scale[order[a]]
    return True


@compiled
def bounded_step(work: Work, damping: float, n: int) -> float:
    """Damped Gauss-Newton step inside a box around 0.

    Entries that would leave the box go to its side, and the others are solved for again. An entry
    that is on its limit and pulled outward stays.

    Parameters
    ----------
    work : Work
        With `normal`, `gradient`, `scale`, and the box `low`, `high`; `step` is filled.
    damping : float
        Marquardt's, in units of the squared scale.
    n : int
        Number of packed entries.

    Returns
    -------
    float
        Predicted decrease of half the sum of squares, or -1 where the matrix is singular.
    """
    low, high, step, fixed, gradient = work.low, work.high, work.step, work.fixed, work.gradient
    for p in range(n):
        outward = (low[p] >= 0.0 and gradient[p] > 0.0) or (high[p] <= 0.0 and gradient[p] < 0.0)
        fixed[p] = outward
        step[p] = 0.0
    for _ in range(n + 1):
        if not _solve_unfixed(work, damping, n):
            return -1.0
        inside = True
        for p in range(n):
            if not fixed[p] and not low[p] <= step[p] <= high[p]:
                step[p] = low[p] if step[p] < low[p] else high[p]
                fixed[p] = True
                inside = False
        if inside:
            break
    decrease = 0.0
    for p in range(n):
        total = gradient[p]
        for q in range(n):
            total += 0.5 * work.normal[p, q] * step[q]
        decrease -= total * step[p]
    return decrease


@compiled
def _scaled_block(work: Work, kept: Integers, lengths: Floats, out: Floats) -> None:
    """J^T J of the packed entries `kept`, every column of J scaled to length 1."""
    for a in range(kept.size):
        for b in range(kept.size):
            out[a, b] = work.normal[kept[a], kept[b]] / (lengths[a] * lengths[b])


@compiled
def _rotate(matrix: Floats, directions: Floats, p: int, q: int, n: int) -> None:
    """Turn directions p and q of a symmetric matrix so that its element (p, q) becomes 0."""
    ratio = (matrix[q, q] - matrix[p, p]) / (2.0 * matrix[p, q])
    tangent = 1.0 / (abs(ratio) + math.hypot(ratio, 1.0))
    tangent = tangent if ratio >= 0.0 else -tangent
    cosine = 1.0 / math.hypot(tangent, 1.0)
    sine = tangent * cosine
    for r in range(n):
        low, high = matrix[r, p], matrix[r, q]
        matrix[r, p], matrix[r, q] = cosine * low - sine * high, sine * low + cosine * high
    for r in range(n):
        low, high = matrix[p, r], matrix[q, r]
        matrix[p, r], matrix[q, r] = cosine * low - sine * high, sine * low + cosine * high
        low, high = directions[r, p], directions[r, q]
        directions[r, p], directions[r, q] = cosine * low - sine * high, sine * low + cosine * high
    matrix[p, q] = matrix[q, p] = 0.0


@compiled
def find_directions(matrix: Floats, directions: Floats, n: int) -> None:
    """Eigenvalues of a symmetric matrix onto its diagonal, eigenvectors into columns.

    For a diagonal of about 1. The cyclic Jacobi method turns one pair of directions after the other
    until nothing is left beside the diagonal (G. H. Golub and C. F. Van Loan,
    Matrix Computations, 4th ed., section 8.5).
    """
    for p in range(n):
        for q in range(n):
            directions[p, q] = 1.0 if p == q else 0.0
    for _ in range(_MOST_SWEEPS):
        turned = False
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(matrix[p, q]) > _ROUNDED:
                    _rotate(matrix, directions, p, q, n)
                    turned = True
        if not turned:
            return


@compiled
def _inverse_by_directions(work: Work, n: int) -> bool:
    """Inverse of `factor` without the directions that say nothing; NaN where they take part."""
    scaled, directions, inverse = work.factor, work.directions, work.inverse
    undetermined = work.fixed
    finite = True
    for p in range(n):
        undetermined[p] = False
        for q in range(n):
            finite &= math.isfinite(scaled[p, q])  # squares beyond the largest number
            inverse[p, q] = 0.0
    if finite:
        find_directions(scaled, directions, n)
    largest = 1e-300
    for a in range(n):
        largest = max(largest, scaled[a, a])
    singular = False
    for a in range(n):
        lost = not scaled[a, a] > _LOST * largest
        for p in range(n):
            if lost or not finite:
                undetermined[p] |= not finite or abs(directions[p, a]) > _PART
                continue
            for q in range(n):
                inverse[p, q] += directions[p, a] * directions[q, a] / scaled[a, a]
    for p in range(n):
        if undetermined[p]:
            for q in range(n):
                inverse[p, q] = np.nan
                inverse[q, p] = np.nan
            singular = True
    return singular


@compiled
def fill_covariance(work: Work, held: Flags, n: int, covariance: Floats) -> bool:
    """Covariance of the packed entries but `held` (unpacked); whether it is singular.

    The criterion is that of `statistics.covariance_from_jacobian`.
    """
    for row in range(covariance.shape[0]):
        fill_row(0.0, covariance[row])
    for p in range(n):
        work.fixed[p] = held[work.ids[p]]
    count = unfixed(work, n)
    if count == 0:
        return False
    kept = work.order[:count]
    lengths, right = work.step, work.right
    for a in range(count):
        power = work.normal[kept[a], kept[a]]
        lengths[a] = math.sqrt(power) if power > 0.0 else 1.0
    _scaled_block(work, kept, lengths, work.factor)
    if factorize(work.factor, count) > _SAFE_PIVOT:
        for a in range(count):
            fill_row(0.0, right)
            right[a] = 1.0
            solve_factorized(work.factor, right, count)
            for b in range(count):
                entry = right[b] / (lengths[a] * lengths[b])
                covariance[work.ids[kept[a]], work.ids[kept[b]]] = entry
        return False
    _scaled_block(work, kept, lengths, work.factor)
    singular = _inverse_by_directions(work, count)
    for a in range(count):
        for b in range(count):
            entry = work.inverse[a, b] / (lengths[a] * lengths[b])
            covariance[work.ids[kept[a]], work.ids[kept[b]]] = entry
    return singular
