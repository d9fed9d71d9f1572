"""Least squares for many spectra at once: the batched engine.

The work is done by compiled code (`lm_solver.py`) that fits one spectrum after the other
without holding the interpreter. Blocks of spectra are handed to a few threads of our own, so that
any number of callers may run at the same time, progress can be reported and a job stopped between
blocks.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.parameters import FitParameters
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.solution import Solution, not_begun
from xpsnet.parallel.threads import as_done, n_threads

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Spectra that a thread fits before it asks for more: many where there are many, so that calls cost
# little; few enough that all threads end at about the same time, and soon after a cancel.
_BLOCK, _LARGEST_BLOCK, _BLOCKS_PER_THREAD = 64, 512, 4


def solve_batch(
    options: FitOptions,
    inputs: FitInputs,
    start: FitParameters,
    *,
    linear_start: bool = True,
    progress: Callable[[int], object] | None = None,
) -> Solution:
    """Weighted least squares from a start for each of many spectra.

    Parameters
    ----------
    options : FitOptions
        Line shape and background; `cancel` is asked between blocks of spectra, and those not
        begun then have the code NOT_DONE.
    inputs : FitInputs
        Of S spectra. Points that are not finite or have no positive noise are left out.
    start : FitParameters
        Values of shape (S, m), limits and what may change of shape (m,).
    linear_start : bool
        Replace heights and background of the start by the linear least squares solution at its
        centers and widths.
    progress : callable, optional
        Called with the number of spectra just done, in the thread of the caller.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        Where a Tougaard background is asked for on more points than its matrix can have.
    """
    from xpsnet.fitting.solve.lm_plan import make_plan, make_work
    from xpsnet.fitting.solve.lm_solver import solve_rows

    layout = start.layout
    plan = make_plan(
        layout.line_shape, options.background, inputs.energy, layout, quick=options.quick
    )
    solution = not_begun(np.array(start.values, dtype=np.float64, ndmin=2), layout.n_peaks)
    low, high = (np.array(ends, np.float64, ndmin=2) for ends in (start.lower, start.upper))
    free, natural = (
        np.array(flags, np.bool_, ndmin=2) for flags in (start.free, start.at_natural_limits())
    )
    limits = low, high, free, natural

    def fit(ends: tuple[int, int]) -> int:
        first, last = ends
        block = slice(first, last)
        points = weighted(inputs.rows(block))
        here: Any = [array[block] for array in solution]
        work = make_work(plan, layout)
        solve_rows(plan, points, limits, linear_start, work, Solution(*here))
        return last - first

    size = len(inputs.counts) // (_BLOCKS_PER_THREAD * n_threads())
    size = min(max(size, _BLOCK), _LARGEST_BLOCK)
    blocks = list(pairwise([*range(0, len(inputs.counts), size), len(inputs.counts)]))
    for done in as_done(fit, blocks, options.cancel):
        if progress is not None:
            progress(done)
    return solution


def weighted(inputs: FitInputs) -> tuple[Floats, Floats, Floats, Floats]:
    """Counts, weights, floors and gains as `solve_rows` takes them."""
    used = inputs.used
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(used, 1 / inputs.noise.deviation, 0.0)
    floor = np.ascontiguousarray(np.broadcast_to(inputs.noise.floor, weights.shape))
    gain = inputs.noise.following_gain[:, None]
    return np.where(used, inputs.counts, 0.0), weights, floor, gain
