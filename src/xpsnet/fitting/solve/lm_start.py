"""Starts of the batched engine: the linear part of a model, and peaks that vanished.

Both engines call `start_linear` and `revive`.
"""

import math

import numpy as np

from xpsnet.fitting.model.parameters import INSIDE, LOWEST_START, SPAN
from xpsnet.fitting.solve.lm_algebra import factorize, fill_normal, solve_factorized, unfixed
from xpsnet.fitting.solve.lm_model import SHIRLEY, Plan, Work, draw_columns, draw_peaks
from xpsnet.fitting.solve.lm_rows import (
    Flags,
    Floats,
    add_row,
    fill_row,
    pack,
    to_residual,
    weigh,
)
from xpsnet.numerics.kernels.array_types import Flags1, Floats1
from xpsnet.numerics.kernels.compile import compiled, exported
from xpsnet.numerics.kernels.exp2 import exp2
from xpsnet.numerics.kernels.row_arithmetic import copy_row, dot

_LINEAR_ROUNDS = 3
_REACH = 1.5
_RIDGE = 1e-12


@compiled
def _span(work: Work) -> float:
    """Largest minus smallest of the counts that are used."""
    low, high = np.inf, -np.inf
    for j in range(work.counts.size):
        if work.weights[j] > 0.0:
            low = min(low, work.counts[j])
            high = max(high, work.counts[j])
    return high - low


@compiled
def _solve_not_negative(plan: Plan, work: Work, n: int) -> None:
    """Least squares of packed linear entries into `step`, dropping what becomes negative."""
    normal, factor, scale, order, step = (
        work.normal,
        work.factor,
        work.scale,
        work.order,
        work.step,
    )
    for p in range(n):
        scale[p] = math.sqrt(normal[p, p])
        work.fixed[p] = not scale[p] > 0.0
    for _ in range(n + 1):
        fill_row(0.0, step)
        count = unfixed(work, n)
        for a in range(count):
            p = order[a]
            work.right[a] = -work.gradient[p] / scale[p]
            for b in range(a):
                factor[a, b] = normal[p, order[b]] / (scale[p] * scale[order[b]])
            factor[a, a] = 1.0 + _RIDGE
        if factorize(factor, count) < 0.0:
            return
        solve_factorized(factor, work.right, count)
        done = True
        for a in range(count):
            p = order[a]
            step[p] = work.right[a] / scale[p]
            if plan.positive[work.ids[p]] and step[p] < 0.0:
                step[p] = 0.0
                work.fixed[p] = True
                done = False
        if done:
            return


@compiled
def _solve_linear_part(plan: Plan, theta: Floats, free: Flags, work: Work) -> None:
    """Heights and background by linear least squares, the rest as it is."""
    draw_peaks(plan, theta, work)
    draw_columns(plan, work)
    residual = work.rows[theta.size]
    copy_row(work.total, residual)
    for i in range(plan.linear.size):
        entry, is_height = plan.linear[i], plan.linear[i] < plan.n_shapes
        work.fixed[i] = free[entry]
        # The total holds all peaks, whose free heights are sought, and no background.
        if free[entry] == is_height:
            amount = -theta[entry] if is_height else theta[entry]
            add_row(amount, work.rows[entry], residual)
    n = pack(work.fixed[: plan.linear.size], work.ids)
    for p in range(n):
        work.ids[p] = plan.linear[work.ids[p]]
    to_residual(residual, work.counts, work.weights)
    for p in range(n):
        weigh(work.rows[work.ids[p]], work.weights)
    fill_normal(work.rows, residual, work, n)
    _solve_not_negative(plan, work, n)
    for p in range(n):
        theta[work.ids[p]] = work.step[p]


@exported
def start_linear(
    plan: Plan, theta: Floats1, lower: Floats1, upper: Floats1, free: Flags1, work: Work
) -> None:
    """Solve for the linear part of a start, and move it inside its limits, in place."""
    unit = _span(work) / SPAN
    for entry in plan.heights:
        if free[entry] and not theta[entry] > LOWEST_START * unit:
            theta[entry] = LOWEST_START * unit
    active = False
    for term in plan.terms:
        active |= term >= SHIRLEY
    for _ in range(_LINEAR_ROUNDS if active else 1):
        _solve_linear_part(plan, theta, free, work)
    for entry in plan.heights:
        if free[entry]:
            theta[entry] = max(theta[entry], LOWEST_START * unit)
    for i in range(theta.size):
        span = upper[i] - lower[i]
        inset = INSIDE * span if span < np.inf else 0.0
        if free[i]:
            theta[i] = min(max(theta[i], lower[i] + inset), max(upper[i] - inset, lower[i] + inset))


@compiled
def _best_place(
    plan: Plan, center: float, width: float, residual: Floats, work: Work
) -> tuple[int, float]:
    """Point near `center` where a Gaussian is missed most, and its height there."""
    line = work.total
    best, most, height = -1, -np.inf, 0.0
    for i in range(plan.n_points):
        if work.weights[i] == 0.0 or not abs(plan.energy[i] - center) < _REACH * width:
            continue
        for j in range(line.size):
            t = (plan.energy[j] - plan.energy[i]) / width
            line[j] = exp2(-4.0 * t * t) * work.weights[j]
        overlap, power = -dot(line, residual), dot(line, line)
        if overlap / math.sqrt(power) > most:
            best, most, height = i, overlap / math.sqrt(power), overlap / power
    return best, height


@exported
def revive(plan: Plan, start: Floats1, free: Flags1, theta: Floats1, work: Work) -> bool:
    """Put peaks of height 0 where they are missed most, not far from their start.

    Parameters
    ----------
    plan : Plan
    start : ndarray, shape (m,)
        Where the fit began.
    free : ndarray of bool, shape (m,)
    theta : ndarray, shape (m,)
        Where it ended; changed in place.
    work : Work
        With the residual of `theta`.

    Returns
    -------
    bool
        Whether there was one that could be moved.
    """
    moved = False
    for k in range(plan.entry.shape[0]):
        center, fwhm, height = plan.entry[k, 0], plan.entry[k, 1], plan.entry[k, 2]
        if not plan.alone[k] or theta[height] != 0.0 or not (free[center] and free[height]):
            continue
        place, high = _best_place(plan, start[center], start[fwhm], work.rows[theta.size], work)
        if place >= 0:
            theta[center], theta[fwhm] = plan.energy[place], start[fwhm]
            theta[height] = max(high, 0.0)
            moved = True
    return moved
