"""Curve and derivatives of one spectrum, in place: compiled for the batched engine.

The mathematics is that of `residuals.py`. Derivatives are kept by parameter, one contiguous row of
all points each, so that every loop runs over neighboring numbers; the rows of one spectrum stay in
the cache of the processor. Drawing is split in two: `draw` gives the curve, the residual and the
bare derivatives of the lines, all from one exponential per point; `finish` lets them pass through
the background and the weights, and is only needed where a step is taken.
"""

from typing import NamedTuple

from xpsnet.fitting.model.parameter_map import ADDED, DIVIDED, PLAIN
from xpsnet.fitting.solve.lm_lines import add_line
from xpsnet.fitting.solve.lm_rows import (
    Floats,
    add_integrals,
    add_losses,
    add_row,
    fill_row,
    integrate,
    lose,
    to_deviance,
    to_residual,
    weigh,
)
from xpsnet.numerics.kernels.array_types import (
    Flags1,
    Flags2,
    Floats1,
    Floats2,
    Integers1,
    Integers2,
)
from xpsnet.numerics.kernels.compile import compiled, exported
from xpsnet.numerics.kernels.row_arithmetic import copy_row

CONSTANT, SLOPE, SHIRLEY, TOUGAARD = range(4)


class Plan(NamedTuple):
    """What is the same for all spectra: the axis and the layout, as arrays.

    k peaks, s shape parameters, in the order of each peak's shape and filled up to
    MOST_PARAMETERS, m flat parameters, n points; the axis ascends and is filled up to p points
    with its last one.
    """

    shape: Integers1  # (k,) codes of the line shapes
    n_own: Integers1  # (k,) number of their parameters
    n_points: int
    n_shapes: int  # entries before those of the background
    energy: Floats1  # (p,)
    half_steps: Floats1  # (p,) half of the distance to the point before
    slope: Floats1  # (p,) column of the slope
    loss: Floats2  # (n, n) matrix of the Tougaard integral, or (0, 0)
    entry: Integers2  # (k, s) peak_index of the layout, and so on
    partner: Integers2
    divisor: Integers2
    operation: Integers2
    offset: Floats2
    ratio: Floats2
    # (k, s) whether the derivative is that of the entry, and the first of its kind
    direct: Flags2
    cleared: Integers1  # entries that are only added to
    of_peaks: Integers1  # entries that peaks depend on
    terms: Integers1  # (t,) codes of the background terms
    term_entries: Integers1  # (t,)
    uses: Flags2  # (k, m) entries that a peak depends on
    heights: Integers1  # entries of the heights
    linear: Integers1  # those and the coefficients of the background
    positive: Flags1  # (m,) what the linear start keeps at 0 or above
    alone: Flags1  # (k,) whether neither center, fwhm nor height are linked
    doubt: float  # correlation of a residual, in units of chance, that calls for another attempt
    evaluations: int  # of chi-square, at most, in one attempt
    tolerance: float  # fall of chi-square that a step must promise


class Work(NamedTuple):
    """Room for one spectrum at a time."""

    rows: Floats2  # (m + 1 + MOST_PARAMETERS, p) derivatives, the residual, and some to spare
    total: Floats1  # (p,) sum of the peaks
    counts: Floats1  # (p,)
    weights: Floats1  # (p,) 0 where a point is left out
    floor: Floats1  # (p,) of the variance floor + gain x curve
    gain: Floats1  # (1,) of it; 0 where the weights are fixed
    shapes: Floats2  # (k, s) physical parameters
    at: Integers1  # (s,)
    constants: Floats1
    ids: Integers1  # (m,) free entries, packed
    normal: Floats2  # (m, m) J^T J of the free entries, packed, and so on
    gradient: Floats1
    factor: Floats2  # (m, m)
    step: Floats1
    scale: Floats1
    low: Floats1
    high: Floats1
    fixed: Flags1
    order: Integers1
    right: Floats1
    trial: Floats1  # (m,) not packed: values that are tried, where a fit began, another place
    begin: Floats1
    other: Floats1
    left_out: Flags1  # (m,) of the covariance
    directions: Floats2  # (m, m) of which the covariance is composed
    inverse: Floats2  # (m, m)


@compiled
def draw_shapes(plan: Plan, theta: Floats, shapes: Floats) -> None:
    """Physical parameters of the peaks from flat ones."""
    for k in range(plan.entry.shape[0]):
        for j in range(plan.n_own[k]):
            value = plan.ratio[k, j] * theta[plan.entry[k, j]]
            operation = plan.operation[k, j]
            if operation == ADDED:
                value += theta[plan.partner[k, j]]
            elif operation != PLAIN:
                value *= theta[plan.partner[k, j]]
                if operation == DIVIDED:
                    value /= theta[plan.divisor[k, j]]
            shapes[k, j] = plan.offset[k, j] + value


@compiled
def _chain(plan: Plan, theta: Floats, rows: Floats, k: int, j: int, row: Floats) -> None:
    """Pass the derivative by one physical parameter on to the entries that it depends on."""
    operation, ratio = plan.operation[k, j], plan.ratio[k, j]
    index, partner, divisor = plan.entry[k, j], plan.partner[k, j], plan.divisor[k, j]
    if operation == PLAIN:
        add_row(ratio, row, rows[index])
    elif operation == ADDED:
        add_row(ratio, row, rows[index])
        add_row(1.0, row, rows[partner])
    else:
        below = theta[divisor] if operation == DIVIDED else 1.0
        add_row(ratio * theta[partner] / below, row, rows[index])
        add_row(ratio * theta[index] / below, row, rows[partner])
        if operation == DIVIDED:
            add_row(-ratio * theta[index] * theta[partner] / below**2, row, rows[divisor])


@compiled
def draw_peaks(plan: Plan, theta: Floats, work: Work) -> None:
    """Sum of the peaks and the bare derivatives of the lines."""
    rows, at = work.rows, work.at
    spare = theta.size + 1
    fill_row(0.0, work.total)
    for entry in plan.cleared:
        fill_row(0.0, rows[entry])
    draw_shapes(plan, theta, work.shapes)
    for k in range(plan.entry.shape[0]):
        for j in range(at.size):
            at[j] = plan.entry[k, j] if plan.direct[k, j] else spare + j
        add_line(plan.shape[k], plan.energy, work.shapes[k], rows, at, work.total, work.constants)
        for j in range(plan.n_own[k]):
            if not plan.direct[k, j]:
                _chain(plan, theta, rows, k, j, rows[spare + j])


@compiled
def draw_columns(plan: Plan, work: Work) -> None:
    """Columns of the background that belong to the sum of the peaks."""
    for number in range(plan.terms.size):
        term, column = plan.terms[number], work.rows[plan.term_entries[number]]
        if term == CONSTANT:
            fill_row(1.0, column)
        elif term == SLOPE:
            copy_row(plan.slope, column)
        elif term == SHIRLEY:
            integrate(work.total, plan.half_steps, column)
        else:
            lose(plan.loss, work.total, column)


@exported
def draw(plan: Plan, theta: Floats1, work: Work) -> float:
    """Chi-square at `theta`; leaves the residual and the bare derivatives in the rows.

    The sum of squared residuals, or the deviance where the variance follows the curve: then this
    leaves the weights of this curve, too.
    """
    draw_peaks(plan, theta, work)
    draw_columns(plan, work)
    residual = work.rows[theta.size]
    copy_row(work.total, residual)
    for entry in plan.term_entries:
        add_row(theta[entry], work.rows[entry], residual)
    gain = work.gain[0]
    if gain > 0.0:
        return to_deviance(residual, work.counts, work.weights, work.floor, gain)
    return to_residual(residual, work.counts, work.weights)


@compiled
def finish(plan: Plan, theta: Floats, work: Work) -> None:
    """Let the derivatives that `draw` left pass through the background and the weights."""
    for number in range(plan.terms.size):
        coefficient = theta[plan.term_entries[number]]
        if coefficient != 0.0 and plan.terms[number] == SHIRLEY:
            add_integrals(coefficient, plan.half_steps, work.rows, plan.of_peaks)
        elif coefficient != 0.0 and plan.terms[number] == TOUGAARD:
            add_losses(coefficient, plan.loss, work.rows, plan.of_peaks)
    for entry in range(theta.size):
        weigh(work.rows[entry], work.weights)
