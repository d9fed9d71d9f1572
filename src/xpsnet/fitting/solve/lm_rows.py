"""Loops over neighboring numbers, which LLVM turns into vector instructions.

They also stand for assignments between slices, for which numba compiles the messages of errors
that cannot happen here.
"""

import math

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.parameters import LEAST_EXPECTED
from xpsnet.numerics.kernels.compile import compiled, contracted, reassociated

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@compiled
def fill_row(value: float, row: Floats) -> None:
    """Set all numbers of a row."""
    for j in range(row.size):
        row[j] = value


@compiled
def pack(flags: Flags, places: Integers) -> int:
    """Write down where flags are raised; gives how many there are.

    Counts that start at 0 and are counted up by the caller would be compiled for twice: as the
    constant 0, and as any number.
    """
    count = 0
    for i in range(flags.size):
        if flags[i]:
            places[count] = i
            count += 1
    return count


@compiled
def all_finite(row: Floats) -> bool:
    """Whether there is neither NaN nor infinity."""
    finite = True
    for j in range(row.size):
        finite &= bool(np.isfinite(row[j]))
    return finite


@contracted
def add_row(factor: float, row: Floats, to: Floats) -> None:
    """Add a multiple of a row to another."""
    for j in range(row.size):
        to[j] += factor * row[j]


@contracted
def integrate(curve: Floats, half_steps: Floats, out: Floats) -> None:
    """Trapezoid integral from the first point up to every point."""
    integral = 0.0
    out[0] = 0.0
    for j in range(1, curve.size):
        integral += half_steps[j] * (curve[j] + curve[j - 1])
        out[j] = integral


@reassociated
def lose(loss: Floats, curve: Floats, out: Floats) -> None:
    """Loss integral of a curve."""
    for i in range(loss.shape[0]):
        row = loss[i]
        total = 0.0
        for j in range(i):
            total += row[j] * curve[j]
        out[i] = total


@reassociated
def to_residual(curve: Floats, counts: Floats, weights: Floats) -> float:
    """Turn a curve into its weighted residual; gives the sum of squares."""
    total = 0.0
    for j in range(curve.size):
        difference = (curve[j] - counts[j]) * weights[j]
        curve[j] = difference
        total += difference * difference
    return total


@compiled
def to_deviance(
    curve: Floats, counts: Floats, weights: Floats, floor: Floats, gain: float
) -> float:
    """Turn a curve into its weighted residual, with weights from the curve; gives the deviance.

    The variance is floor + gain x curve. In units of the gain, counts and curve with the floor
    added behave as Poisson counts y and their expectation u, also where they are no whole numbers
    (quasi-likelihood: R. W. M. Wedderburn, Biometrika 61, 439 (1974)); the deviance is

        2 sum of u - y + y ln(y / u)

    Below `LEAST_EXPECTED` its parabola there goes on, so that a curve may pass through 0.
    """
    total = 0.0
    for j in range(curve.size):
        if weights[j] > 0.0:
            expected = (curve[j] * gain + floor[j]) / (gain * gain)
            measured = max((counts[j] * gain + floor[j]) / (gain * gain), 0.0)
            inside = max(expected, LEAST_EXPECTED)
            deviance = inside - measured
            if measured > 0.0:
                deviance += measured * math.log(measured / inside)
            below = expected - inside
            if below < 0.0:
                deviance += below * (1.0 - measured / inside)
                deviance += 0.5 * below * below * max(measured, inside) / (inside * inside)
            total += 2.0 * deviance
            weights[j] = 1.0 / (gain * math.sqrt(inside))
            curve[j] = (curve[j] - counts[j]) * weights[j]
        else:
            curve[j] = 0.0
    return total


@contracted
def add_integrals(factor: float, half_steps: Floats, rows: Floats, entries: Integers) -> None:
    """Add the running integral to rows, four at a time: each sum waits for the one before."""
    n = half_steps.size
    last = entries.size - 1
    for first in range(0, entries.size, 4):
        a = rows[entries[first]]
        b = rows[entries[min(first + 1, last)]]
        c = rows[entries[min(first + 2, last)]]
        d = rows[entries[min(first + 3, last)]]
        before_a, before_b, before_c, before_d = a[0], b[0], c[0], d[0]
        sum_a, sum_b, sum_c, sum_d = 0.0, 0.0, 0.0, 0.0
        for j in range(1, n):
            half = factor * half_steps[j]
            now_a, now_b, now_c, now_d = a[j], b[j], c[j], d[j]
            sum_a += half * (now_a + before_a)
            sum_b += half * (now_b + before_b)
            sum_c += half * (now_c + before_c)
            sum_d += half * (now_d + before_d)
            a[j] = now_a + sum_a
            b[j] = now_b + sum_b
            c[j] = now_c + sum_c
            d[j] = now_d + sum_d
            before_a, before_b, before_c, before_d = now_a, now_b, now_c, now_d


@reassociated
def add_losses(factor: float, loss: Floats, rows: Floats, entries: Integers) -> None:
    """Add the loss integral to rows, four at a time, from the last point down: in place."""
    last = entries.size - 1
    for first in range(0, entries.size, 4):
        a = rows[entries[first]]
        b = rows[entries[min(first + 1, last)]]
        c = rows[entries[min(first + 2, last)]]
        d = rows[entries[min(first + 3, last)]]
        for i in range(loss.shape[0] - 1, -1, -1):
            row = loss[i]
            sum_a, sum_b, sum_c, sum_d = 0.0, 0.0, 0.0, 0.0
            for j in range(i):
                weight = row[j]
                sum_a += weight * a[j]
                sum_b += weight * b[j]
                sum_c += weight * c[j]
                sum_d += weight * d[j]
            new_a, new_b, new_c, new_d = a[i], b[i], c[i], d[i]
            a[i] = new_a + factor * sum_a
            b[i] = new_b + factor * sum_b
            c[i] = new_c + factor * sum_c
            d[i] = new_d + factor * sum_d


@contracted
def weigh(row: Floats, weights: Floats) -> None:
    """Multiply a row by the weights."""
    for j in range(row.size):
        row[j] *= weights[j]


@reassociated
def four_products(row: Floats, a: Floats, b: Floats, c: Floats, d: Floats, out: Floats) -> None:
    """Products of a row with four others in one pass."""
    with_a, with_b, with_c, with_d = 0.0, 0.0, 0.0, 0.0
    for j in range(row.size):
        value = row[j]
        with_a += value * a[j]
        with_b += value * b[j]
        with_c += value * c[j]
        with_d += value * d[j]
    out[0], out[1], out[2], out[3] = with_a, with_b, with_c, with_d
