"""Levenberg-Marquardt for one spectrum after the other: compiled, serial, without the GIL.

A step s minimizes the linear model of the sum of squares, damped by lambda in units of the largest
curvature seen (J. J. More, Lecture Notes in Mathematics 630, 105 (1978)), inside a box: the limits
of the parameters and, so that no poor start throws a line out of the window, half a width for
centers and widths. What would leave the box goes to its side and the others are solved for again;
a parameter on its limit that the gradient pulls outward stays there. Limits thus hold exactly, and
a parameter leaves its limit as soon as the sum of squares falls towards the inside.

The fit ends where the undamped step, inside the same box, promises to lower chi-square by less
than a millionth of what one standard error of one parameter costs (or 1e-10 of it), or where it
cannot be lowered any more. It is taken up again in three cases, and the better end counts: a peak
whose height ends at 0 is put where the residual is largest (`lm_start.revive`); a shape parameter
that has no effect on its limit goes back to its start; and where the residual is correlated beyond
chance, with several peaks, the whole fit is tried anew in small steps, because it may have ended in
a wrong place (or the model is wrong: then only the time is lost).
"""

import math

import numpy as np

from xpsnet.fitting.model.parameter_map import ADDED, PLAIN
from xpsnet.fitting.solve.lm_algebra import bounded_step, fill_covariance, fill_normal
from xpsnet.fitting.solve.lm_lines import add_line
from xpsnet.fitting.solve.lm_model import Plan, Work, draw, finish
from xpsnet.fitting.solve.lm_rows import (
    Flags,
    Floats,
    all_finite,
    fill_row,
    pack,
    weigh,
)
from xpsnet.fitting.solve.lm_start import revive, start_linear
from xpsnet.fitting.solve.solution import Solution
from xpsnet.numerics.kernels.array_types import Flags2, Floats2
from xpsnet.numerics.kernels.compile import compiled, exported
from xpsnet.numerics.kernels.row_arithmetic import copy_row, dot

# Codes of `Status`, which compiled code cannot hold.
OK, NOT_FINITE, TOO_FEW_POINTS, NOT_CONVERGED, NOT_DONE, FAILED = 0, 3, 4, 5, 8, 9

_LEAST_DAMPING = 1e-9
_MOST_DAMPING = 1e12
_RELATIVE = 1e-10
_MAX_IDLE, _MAX_LEAPS = 5, 3
_LEAST_GAIN = 1e-4
_LEAST_REFUSED = 1e-6
_LONGEST_FACTOR = 0.5  # part by which a fitted ratio may change in a step
_LEAST_RATIO = 0.1
_NEXT_TO = 1e-9  # part of the range within which a value counts as being on its limit
_NEAR = 1e-3  # where it has next to no effect
_POWERLESS = 1e-6
# First damping and longest step of a first attempt, and of one for a residual that is correlated
# beyond chance: more damping and shorter steps cost evaluations, and lead elsewhere.
_QUICK, _CAREFUL = (1e-3, 0.5), (1.0, 0.2)

Limits = tuple[Floats, Floats]
Freedom = tuple[Flags, Flags]  # what may change, and whose limits are those of the shape
Pace = tuple[float, float]
Descent = tuple[float, int, bool]  # chi-square, evaluations, whether it ended by itself


@compiled
def _shorten(work: Work, entry: int, length: float) -> None:
    """Limit the step of an entry to both sides."""
    work.low[entry] = max(work.low[entry], -length)
    work.high[entry] = min(work.high[entry], length)


@compiled
def _limit_steps(plan: Plan, theta: Floats, limits: Limits, work: Work, longest: float) -> None:
    """Box around `theta` that a step may not leave, unpacked."""
    lower, upper = limits
    for i in range(theta.size):
        work.low[i], work.high[i] = lower[i] - theta[i], upper[i] - theta[i]
    for k in range(plan.entry.shape[0]):
        for j in range(plan.n_own[k]):
            # Shares and asymmetries range to 1 or 2, powers of a line over decades.
            reach = work.shapes[k, 1] if j < 2 else max(1.0, 0.5 * work.shapes[k, j])
            length = longest * reach
            partner = plan.partner[k, j]
            if j != 2:  # chi-square is a parabola of a height
                _shorten(work, plan.entry[k, j], length)
            if plan.operation[k, j] == ADDED:
                _shorten(work, partner, length)
            elif plan.operation[k, j] != PLAIN:
                _shorten(work, partner, _LONGEST_FACTOR * max(abs(theta[partner]), _LEAST_RATIO))


@compiled
def _prepare_step(
    plan: Plan, theta: Floats, limits: Limits, work: Work, n: int, longest: float
) -> None:
    """Normal equations, scale and box at a point that was just drawn, packed."""
    finish(plan, theta, work)
    fill_normal(work.rows, work.rows[theta.size], work, n)
    for p in range(n):
        scale = max(work.scale[p], math.sqrt(work.normal[p, p]))
        work.scale[p] = scale if scale > 0.0 else 1.0
    _limit_steps(plan, theta, limits, work, longest)
    for p in range(n):  # ids ascend, so that packing in place is safe
        work.low[p], work.high[p] = work.low[work.ids[p]], work.high[work.ids[p]]


@compiled
def _try_step(theta: Floats, limits: Limits, work: Work, n: int) -> None:
    """Trial values, never beyond a limit."""
    lower, upper = limits
    copy_row(theta, work.trial)
    for p in range(n):
        i = work.ids[p]
        work.trial[i] = min(max(theta[i] + work.step[p], lower[i]), upper[i])


@compiled
def _descend(plan: Plan, theta: Floats, limits: Limits, work: Work, n: int, pace: Pace) -> Descent:
    """Descend from `theta`, in place, with a first damping and a longest step."""
    fill_row(0.0, work.scale)
    chisqr = draw(plan, theta, work)
    evaluations = 1
    if not np.isfinite(chisqr):
        return chisqr, evaluations, False
    _prepare_step(plan, theta, limits, work, n, pace[1])
    damping, growth, idle, leaps = pace[0], 2.0, 0, 0
    while evaluations < plan.evaluations and damping < _MOST_DAMPING and idle < _MAX_IDLE:
        tolerance = plan.tolerance + _RELATIVE * chisqr
        decrease = 2.0 * bounded_step(work, damping, n)
        if 0.0 <= decrease <= tolerance and damping > _LEAST_DAMPING and leaps < _MAX_LEAPS:
            # What is small may be so because of the damping alone.
            decrease = 2.0 * bounded_step(work, _LEAST_DAMPING, n)
            damping, leaps = _LEAST_DAMPING, leaps + 1
        if 0.0 <= decrease <= tolerance:
            return chisqr, evaluations, True
        if decrease < 0.0:
            damping = max(10.0 * damping, _LEAST_REFUSED)
            continue
        _try_step(theta, limits, work, n)
        tried = draw(plan, work.trial, work)
        evaluations += 1
        gain = (chisqr - tried) / decrease
        if gain > _LEAST_GAIN:
            copy_row(work.trial, theta)
            idle = idle + 1 if chisqr - tried <= tolerance else 0
            chisqr, growth = tried, 2.0
            _prepare_step(plan, theta, limits, work, n, pace[1])
            damping *= 0.1 if gain > 0.75 else (1.0 if gain > 0.25 else 3.0)
            damping = max(damping, _LEAST_DAMPING)
        else:  # also where the trial was not finite
            damping, growth = max(damping, _LEAST_REFUSED) * growth, 2.0 * growth
    return chisqr, evaluations, evaluations < plan.evaluations


@compiled
def _nearest_limit(value: float, low: float, high: float, part: float) -> float:
    """The limit that a value is next to, within a part of the range; NaN where it is not."""
    near = part * (high - low)
    if near < np.inf and value <= low + near:
        return low
    return high if near < np.inf and value >= high - near else np.nan


@compiled
def _powerless(work: Work, p: int) -> bool:
    """Whether a packed entry has next to no effect any more, to first order."""
    return bool(work.normal[p, p] <= _POWERLESS * work.scale[p] * work.scale[p])


@compiled
def _snap(theta: Floats, limits: Limits, work: Work, n: int) -> None:
    """Put what is next to a limit on it: steps that halve the way never arrive."""
    lower, upper = limits
    for p in range(n):
        i = work.ids[p]
        part = _NEAR if _powerless(work, p) else _NEXT_TO
        limit = _nearest_limit(theta[i], lower[i], upper[i], part)
        theta[i] = limit if limit == limit else theta[i]


@compiled
def _release(plan: Plan, limits: Limits, work: Work, n: int) -> bool:
    """Put shape parameters back to their start that are next to a limit and without effect there.

    The slope of the sum of squares is then 0 and does not show where it falls: a product line does
    not depend on a small share to first order.
    """
    lower, upper = limits
    moved = False
    for p in range(n):
        i = work.ids[p]
        limit = _nearest_limit(work.other[i], lower[i], upper[i], _NEAR)
        if limit == limit and i < plan.n_shapes and _powerless(work, p):
            work.other[i] = work.begin[i]
            moved = True
    return moved


@compiled
def _hold(plan: Plan, theta: Floats, limits: Limits, free: Flags, work: Work, held: Flags) -> int:
    """Mark free entries on a limit, or of peaks of height 0 alone; gives how many are left."""
    lower, upper = limits
    left = 0
    for i in range(theta.size):
        used, seen = False, False
        for k in range(plan.entry.shape[0]):
            used |= plan.uses[k, i]
            seen |= plan.uses[k, i] and work.shapes[k, 2] != 0.0
        on_limit = theta[i] <= lower[i] or theta[i] >= upper[i]
        held[i] = free[i] and (on_limit or (used and not seen))
        if free[i] and not held[i]:
            left += 1
    return left


@compiled
def _leave_out(natural: Flags, held: Flags, work: Work, n: int) -> bool:
    """Mark what the covariance leaves out; whether something that is held stays in.

    A shape parameter that ended on a limit of the shape itself is not known to be exactly there:
    the errors of the others count it as free.
    """
    kept = False
    for p in range(n):
        i = work.ids[p]
        work.left_out[i] = held[i] and not (natural[i] and not _powerless(work, p))
        kept |= held[i] and not work.left_out[i]
    return kept


@compiled
def _covariance(natural: Flags, held: Flags, work: Work, n: int, out: Floats) -> bool:
    """Fill the covariance; whether it is singular."""
    if _leave_out(natural, held, work, n) and not fill_covariance(work, work.left_out, n, out):
        return False
    return fill_covariance(work, held, n, out)


@compiled
def _correlation(residual: Floats, weights: Floats) -> float:
    """Correlation of the residuals of neighboring points."""
    power, product, before = 0.0, 0.0, 0.0
    for j in range(residual.size):
        if weights[j] > 0.0:
            product += residual[j] * before
            power += residual[j] * residual[j]
            before = residual[j]
    return product / power if power > 0.0 else 0.0


@compiled
def _weigh_lines(plan: Plan, theta: Floats, work: Work, line_chi_square: Floats) -> None:
    """Sum of squares of the line of each peak alone, in units of the noise."""
    for j in range(work.at.size):
        work.at[j] = theta.size + 1 + j
    for k in range(plan.entry.shape[0]):
        line = work.total
        fill_row(0.0, line)
        values = work.shapes[k]
        add_line(plan.shape[k], plan.energy, values, work.rows, work.at, line, work.constants)
        weigh(line, work.weights)
        line_chi_square[k] = dot(line, line)


@compiled
def _descend_again(
    plan: Plan, theta: Floats, limits: Limits, work: Work, n: int, pace: Pace, before: Descent
) -> Descent:
    """Descend from `work.other`, and keep what is better.

    Leaves the residual and the normal equations of `theta`.
    """
    lower, upper = limits
    for p in range(n):
        i = work.ids[p]
        work.other[i] = min(max(work.other[i], lower[i]), upper[i])
    chisqr, evaluations, converged = _descend(plan, work.other, limits, work, n, pace)
    evaluations += before[1]
    if chisqr < before[0]:
        copy_row(work.other, theta)
        _snap(theta, limits, work, n)
        draw(plan, theta, work)
        return chisqr, evaluations, converged
    draw(plan, theta, work)
    finish(plan, theta, work)
    fill_normal(work.rows, work.rows[theta.size], work, n)
    draw(plan, theta, work)
    return before[0], evaluations, before[2]


@compiled
def _descend_to_best(
    plan: Plan, theta: Floats, limits: Limits, free: Flags, work: Work, n: int
) -> Descent:
    """Descend, and again where the optimum may not be the one."""
    copy_row(theta, work.begin)
    found = _descend(plan, theta, limits, work, n, _QUICK)
    if not np.isfinite(found[0]):
        return found
    _snap(theta, limits, work, n)
    draw(plan, theta, work)
    copy_row(theta, work.other)
    revived = revive(plan, work.begin, free, work.other, work)
    released = _release(plan, limits, work, n)
    if revived or released:
        found = _descend_again(plan, theta, limits, work, n, _QUICK, found)
    correlation = _correlation(work.rows[theta.size], work.weights)
    if plan.entry.shape[0] > 1 and correlation > plan.doubt / math.sqrt(plan.n_points):
        copy_row(work.begin, work.other)
        found = _descend_again(plan, theta, limits, work, n, _CAREFUL, found)
    return found


@compiled
def _solve_row(
    plan: Plan,
    limits: Limits,
    freedom: Freedom,
    linear: bool,
    work: Work,
    solution: Solution,
    row: int,
) -> None:
    """Fit the spectrum whose counts and weights are in `work`, from `solution.values[row]`."""
    lower, upper = limits
    free, natural = freedom
    theta = solution.values[row]
    n = pack(free, work.ids)
    for p in range(n):
        i = work.ids[p]
        theta[i] = min(max(theta[i], lower[i]), upper[i])
    n_used = 0
    for weight in work.weights:
        n_used += 1 if weight > 0.0 else 0
    solution.n_used[row] = n_used
    if n_used <= n:
        solution.code[row] = NOT_FINITE if n_used == 0 else TOO_FEW_POINTS
        return
    solution.code[row] = FAILED
    if not all_finite(theta):
        return
    if linear:
        start_linear(plan, theta, lower, upper, free, work)
        n = pack(free, work.ids)
    chisqr, evaluations, converged = _descend_to_best(plan, theta, limits, free, work, n)
    solution.evaluations[row], solution.chisqr[row] = evaluations, chisqr
    if not np.isfinite(chisqr):
        return
    solution.code[row] = OK if converged else NOT_CONVERGED
    residual = work.rows[theta.size]
    solution.pearson[row] = dot(residual, residual)
    solution.correlation[row] = _correlation(residual, work.weights)
    _weigh_lines(plan, theta, work, solution.line_chi_square[row])
    held = solution.on_bound[row]
    solution.n_free[row] = _hold(plan, theta, limits, free, work, held)
    solution.singular[row] = _covariance(natural, held, work, n, solution.covariance[row])


@exported
def solve_rows(
    plan: Plan,
    points: tuple[Floats2, Floats2, Floats2, Floats2],
    limits: tuple[Floats2, Floats2, Flags2, Flags2],
    linear: bool,
    work: Work,
    solution: Solution,
) -> None:
    """Fit spectra one after the other.

    Parameters
    ----------
    plan : Plan
    points : (ndarray, ndarray, ndarray, ndarray), shape (S, n) three times and (S, 1)
        Counts, weights and floors along `plan.energy`, finite, weights 0 where a point is left
        out, and gains. The variance is floor + gain x curve where the gain is above 0; elsewhere
        the weights are fixed.
    limits : (ndarray, ndarray, ndarray of bool, ndarray of bool), shape (1 or S, m)
        Lowest and highest values, what is free, and whose limits are those of the shape itself.
    linear : bool
        Whether the linear part of the start is solved for first.
    work : Work
        Room that no other thread uses.
    solution : Solution
        `values` holds the starts; everything is filled.
    """
    counts, weights, floor, gain = points
    for row in range(counts.shape[0]):
        copy_row(counts[row], work.counts)
        copy_row(weights[row], work.weights)
        copy_row(floor[row], work.floor)
        copy_row(gain[row], work.gain)
        lower = limits[0][row if limits[0].shape[0] > 1 else 0]
        upper = limits[1][row if limits[1].shape[0] > 1 else 0]
        free = limits[2][row if limits[2].shape[0] > 1 else 0]
        freedom = free, limits[3][0]
        _solve_row(plan, (lower, upper), freedom, linear, work, solution, row)
