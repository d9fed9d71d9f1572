"""Least squares for many spectra at once: the batched engine.

The work is done by compiled code (`_batch_solver.py`) that fits one spectrum after the other
without holding the interpreter. Blocks of spectra are handed to a few threads of our own, so that
any number of callers may run at the same time, progress can be told and a job stopped between
blocks. The machine code is kept on disk: it is compiled once per machine.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from xpsnet.data.peaks import Status
from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.parallel.threads import n_threads

if TYPE_CHECKING:
    from xpsnet.fitting.solve.lm_solver import Answers

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Real = npt.NDArray[np.floating[Any]]
_Scalar = TypeVar("_Scalar", bound=np.generic)

_BLOCK = 64  # spectra that a thread fits before it asks for more


@dataclass(frozen=True)
class BatchSolution:
    """Where the solver ended for S spectra of m flat parameters and k peaks.

    Attributes
    ----------
    values : ndarray, shape (S, m)
    chisqr : ndarray, shape (S,)
        Sum of squared weighted residuals; NaN where nothing was fitted.
    n_used, n_free : ndarray of int, shape (S,)
        Points that count, and parameters that were fitted and not held at the end.
    converged : ndarray of bool, shape (S,)
    on_bound : ndarray of bool, shape (S, m)
        Free parameters that ended on a limit, or belong to peaks of height 0 alone; held there.
    covariance : ndarray, shape (S, m, m)
        0 for what was held, NaN for what is not determined.
    singular : ndarray of bool, shape (S,)
        Whether a fitted parameter is not determined.
    evaluations : ndarray of int, shape (S,)
    code : ndarray of int8, shape (S,)
        `Status` OK, NOT_CONVERGED, NOT_FINITE, TOO_FEW_POINTS, FAILED or NOT_DONE.
    own_chi_square : ndarray, shape (S, k)
        Chi-square that the line of each peak makes up alone.
    correlation : ndarray, shape (S,)
        Of the residuals of neighboring points.
    """

    values: Floats
    chisqr: Floats
    n_used: npt.NDArray[np.int64]
    n_free: npt.NDArray[np.int64]
    converged: Flags
    on_bound: Flags
    covariance: Floats
    singular: Flags
    evaluations: npt.NDArray[np.int64]
    code: npt.NDArray[np.int8]
    own_chi_square: Floats
    correlation: Floats


def solve_batch(
    line_shape: str,
    background: str,
    energy: Floats,
    layout: Layout,
    counts: Real,
    weights: Real,
    start: Floats,
    lower: Floats,
    upper: Floats,
    free: Flags,
    *,
    linear_start: bool = True,
    threads: int | None = None,
    cancel: Callable[[], bool] | None = None,
    progress: Callable[[int], object] | None = None,
) -> BatchSolution:
    """Weighted least squares from a start for each of many spectra.

    Parameters
    ----------
    line_shape, background : str
        Keys of `LINE_SHAPES` and `BACKGROUNDS`.
    energy : ndarray, shape (n,)
        Energies [eV], larger = more bound, in either direction.
    layout : Layout
        Of S spectra alike, m entries.
    counts, weights : ndarray, shape (S, n)
        Measured, and 1 / standard deviation; of any float type. Points that are not finite or
        whose weight is not positive are left out.
    start : ndarray, shape (S, m)
        Flat parameters.
    lower, upper : ndarray, shape (m,) or (S, m)
        Limits; infinite where there is none.
    free : ndarray of bool, shape (m,) or (S, m)
        What may change.
    linear_start : bool
        Replace heights and background of the start by the linear least squares solution at its
        centers and widths.
    threads : int, optional
        By default as many as there are cores.
    cancel : callable, optional
        Asked between blocks of spectra; those not begun then have the code NOT_DONE.
    progress : callable, optional
        Called with the number of spectra just done, in the thread of the caller.

    Returns
    -------
    BatchSolution

    Raises
    ------
    ValueError
        Where a Tougaard background is asked for on more points than its matrix can have.
    """
    from xpsnet.fitting.solve.lm_plan import empty_answers, make_plan, make_work
    from xpsnet.fitting.solve.lm_solver import Answers, solve_rows

    plan = make_plan(line_shape, background, np.asarray(energy, dtype=float), layout)
    answers = empty_answers(np.array(start, dtype=np.float64, ndmin=2), layout.n_peaks)
    low = np.array(lower, dtype=np.float64, ndmin=2)
    high = np.array(upper, dtype=np.float64, ndmin=2)
    may_change = np.array(free, dtype=np.bool_, ndmin=2)
    backward = bool(energy[0] > energy[-1])

    def fit(first: int, last: int) -> int:
        block = slice(first, last)
        rows, own = _clean(counts[block], weights[block], backward)
        limits = (_part(low, block), _part(high, block), _part(may_change, block))
        here: Any = [array[block] for array in answers]
        solve_rows(plan, rows, own, limits, linear_start, make_work(plan, layout), Answers(*here))
        return last - first

    blocks = list(pairwise([*range(0, len(counts), _BLOCK), len(counts)]))
    for done in _in_threads(fit, blocks, threads or n_threads(), cancel):
        if progress is not None:
            progress(done)
    return _solution(answers)


def _part(array: npt.NDArray[_Scalar], block: slice) -> npt.NDArray[_Scalar]:
    """The rows of a block, or the one row that is for all."""
    return array if len(array) == 1 else array[block]


def _in_threads(
    fit: Callable[[int, int], int],
    blocks: list[tuple[int, int]],
    threads: int,
    cancel: Callable[[], bool] | None,
) -> Iterator[int]:
    """Sizes of the blocks as they are done; `cancel` is asked before each is begun."""
    if min(threads, len(blocks)) <= 1:
        for block in blocks:
            if cancel is not None and cancel():
                return
            yield fit(*block)
        return
    waiting = iter(blocks)
    running: set[Future[int]] = set()
    with ThreadPoolExecutor(threads, thread_name_prefix="xpsnet-batch") as pool:
        while True:
            for block in islice(waiting, 2 * threads - len(running)):
                if cancel is not None and cancel():
                    waiting = iter(())
                    break
                running.add(pool.submit(fit, *block))
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            yield sum(future.result() for future in finished)


def _clean(counts: Real, weights: Real, backward: bool) -> tuple[Floats, Floats]:
    """Counts and weights along an ascending axis, finite, weights 0 where a point is left out."""
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(counts) & np.isfinite(weights) & (weights > 0)
    rows = np.where(usable, counts, 0.0).astype(np.float64)
    own = np.where(usable, weights, 0.0).astype(np.float64)
    if backward:
        rows, own = rows[:, ::-1], own[:, ::-1]
    return np.ascontiguousarray(rows), np.ascontiguousarray(own)


def _solution(answers: "Answers") -> BatchSolution:
    """The answers in the form that callers get."""
    return BatchSolution(
        values=answers.values,
        chisqr=answers.chisqr,
        n_used=answers.n_used,
        n_free=answers.n_free,
        converged=answers.code == int(Status.OK),
        on_bound=answers.held,
        covariance=answers.covariance,
        singular=answers.singular,
        evaluations=answers.evaluations,
        code=answers.code.astype(np.int8),
        own_chi_square=answers.own_chi_square,
        correlation=answers.correlation,
    )
