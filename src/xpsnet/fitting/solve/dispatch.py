"""Refinement of rows of spectra by either engine; everything inside is arrays."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from xpsnet.data.peaks import Status
from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.model.parameters import FitParameters, Floats, start_parameters
from xpsnet.fitting.model.reported_parameters import physical_covariance, physical_values
from xpsnet.fitting.solve.batch import BatchSolution, solve_batch
from xpsnet.fitting.solve.fit_inputs import Rows
from xpsnet.fitting.solve.fit_results import Answers
from xpsnet.fitting.solve.single_spectrum import Answer, Setup, fit_one
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.parallel.progress import Cancel

Engine = Literal["auto", "lmfit", "batch"]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.intp]

# As in `one_spectrum.py`: the counts of a spectrum span so many units.
_SPAN = 100.0
_LOWEST_START = 1.0
_AT_ONCE = 8192  # spectra, so that memory stays bounded
_STEP = 1e-5  # of the numerical derivatives of areas, as in `statistics.propagated_error`
_FITTED = (Status.OK, Status.NOT_CONVERGED)


def refine_rows(
    setup: Setup,
    rows: Rows,
    *,
    engine: Engine = "auto",
    threads: int | None = None,
    cancel: Cancel = None,
    progress: Callable[[int], object] | None = None,
) -> Answers:
    """Refine the peaks of many spectra.

    Parameters
    ----------
    setup : Setup
        What all spectra share.
    rows : Rows
        Spectra and starts; NaN centers are no peaks.
    engine : {"auto", "lmfit", "batch"}
        "auto": lmfit for one spectrum, the batched engine for more.
    threads : int, optional
        Of the batched engine; by default one per core.
    cancel : callable, optional
        Asked again and again; once it returns True, the rest is left with NOT_DONE.
    progress : callable, optional
        Called with the number of spectra just done.

    Returns
    -------
    Answers
        One per row.
    """
    n_spectra, n_peaks = rows.starts["center"].shape
    answers = Answers.not_done(setup.plain_layout(n_peaks), n_spectra)
    step = progress or (lambda _: None)
    if engine == "lmfit" or (engine == "auto" and n_spectra == 1):
        _refine_one_by_one(setup, rows, answers, cancel, step)
        return answers
    present = np.isfinite(rows.starts["center"])
    todo = _set_aside(setup, rows, present, answers)
    step(int(n_spectra - todo.sum()))
    for slots, group in _groups(present, todo):
        batch = _Batch(setup, rows, slots, threads, cancel, step)
        for first in range(0, group.size, _AT_ONCE):
            batch.fit(group[first : first + _AT_ONCE], answers)
    return answers


def _groups(present: Mask, todo: Mask) -> Iterator[tuple[Numbers, Numbers]]:
    """Places of the peaks, and the rows that have peaks at these places."""
    if not todo.any():
        return
    patterns, pattern_of = np.unique(present[todo], axis=0, return_inverse=True)
    members = np.flatnonzero(todo)
    for number, pattern in enumerate(patterns):
        yield np.flatnonzero(pattern), members[pattern_of.ravel() == number]


def _set_aside(setup: Setup, rows: Rows, present: Mask, answers: Answers) -> Mask:
    """Answer spectra that there is nothing to fit in, as `fit_one` does; which are left."""
    finite = np.isfinite(rows.counts)
    top = np.where(finite, rows.counts, -np.inf).max(axis=1, initial=-np.inf)
    bottom = np.where(finite, rows.counts, np.inf).min(axis=1, initial=np.inf)
    empty = ~finite.any(axis=1)
    usable = (Status.OK, Status.NO_PEAKS, Status.NO_SIGNAL)
    unknown = ~empty & ~present.any(axis=1) & ~np.isin(rows.status, usable)
    flat = ~empty & ~unknown & (top == bottom)
    answers.status[empty] = Status.NOT_FINITE
    answers.status[unknown] = rows.status[unknown]
    answers.status[flat] = Status.NO_SIGNAL
    answers.noise[flat] = 0.0
    for entry in answers.layout.background_index:
        constant = answers.layout.names[entry] == "background_constant"
        answers.values[flat, entry] = top[flat] if constant else 0.0
    return np.asarray(~(empty | unknown | flat))


@dataclass(frozen=True)
class _Batch:
    """Spectra with peaks at the same places among the starts."""

    setup: Setup
    rows: Rows
    slots: Numbers
    threads: int | None
    cancel: Cancel
    step: Callable[[int], object]

    def fit(self, group: Numbers, answers: Answers) -> None:
        """Fit some rows, and write down their answers."""
        counts, noise = self.rows.counts[group], self.rows.noise[group]
        with np.errstate(divide="ignore", invalid="ignore"):
            used = np.isfinite(counts) & (noise > 0) & np.isfinite(1 / noise)
            weights = np.where(used, 1 / noise, 0.0)
        layout = self.setup.layout(self.slots)
        try:
            start = self._start(layout, counts, group)
        except ValueError:  # no value obeys the constraints on just these peaks
            answers.status[group] = Status.FAILED
            self.step(group.size)
            return
        solution = solve_batch(
            self.setup.line_shape,
            self.setup.background,
            self.setup.energy,
            layout,
            counts,
            weights,
            start.values,
            start.lower,
            start.upper,
            start.free,
            threads=self.threads,
            cancel=self.cancel,
            progress=self.step,
        )
        self._enter(group, start, solution, answers)
        squares = np.where(used, noise, 0.0) ** 2
        fitted = np.isin(solution.code, _FITTED)
        power = squares.sum(axis=1) / np.maximum(used.sum(axis=1), 1)
        answers.noise[group] = np.where(fitted, np.sqrt(power), np.nan)

    def _start(self, layout: Layout, counts: Floats, group: Numbers) -> FitParameters:
        """Starts and limits; the linear part is left to the solver."""
        constraints = self.setup.constraints.for_slots(self.slots)
        finite = np.isfinite(counts)
        top = np.where(finite, counts, -np.inf).max(axis=1)
        unit = (top - np.where(finite, counts, np.inf).min(axis=1))[:, None] / _SPAN
        starts = {n: v[group][:, self.slots] for n, v in self.rows.starts.items()}
        heights = np.where(np.isfinite(starts["height"]), starts["height"] / unit, _SPAN / 2)
        starts["height"] = np.maximum(heights, _LOWEST_START)
        # Heights weigh shared parameters in units of the spectrum; limits are those of counts.
        free = {k: v for k, v in constraints.limits.items() if not k.startswith("height")}
        shape, energy = self.setup.line_shape, self.setup.energy
        scaled = start_parameters(layout, shape, energy, starts, replace(constraints, limits=free))
        limits = start_parameters(layout, shape, energy, starts, constraints)
        values = scaled.values * np.where(layout.in_counts, unit, 1.0)
        return limits.with_values(np.where(limits.free, values, limits.values))

    def _enter(
        self, group: Numbers, start: FitParameters, solution: BatchSolution, answers: Answers
    ) -> None:
        """Write the answers of some rows."""
        fitted = np.isin(solution.code, _FITTED)
        answers.status[group] = self._status(group, solution)
        group, chosen = group[fitted], np.flatnonzero(fitted)
        n, k = solution.n_used[chosen], solution.n_free[chosen]
        chisqr = solution.chisqr[chosen]
        redchi = np.where(n > k, chisqr / np.maximum(n - k, 1), np.nan)
        likelihood = n * np.log(np.maximum(chisqr, 1e-250 * n) / n)
        answers.chisqr[group], answers.redchi[group] = chisqr, redchi
        answers.aic[group] = likelihood + 2 * k
        answers.bic[group] = likelihood + np.log(n) * k
        answers.correlation[group] = solution.correlation[chosen]
        covariance = solution.covariance[chosen]
        if self.setup.scale_errors:
            covariance = covariance * redchi[:, None, None]
        free = start.free & ~solution.on_bound[chosen]
        layout, plain = start.layout, self.setup.plain_layout(self.slots.size)
        values = physical_values(layout, plain, solution.values[chosen])
        full, free = physical_covariance(layout, plain, solution.values[chosen], covariance, free)
        at = self._entries(plain, answers.layout)
        slots = np.ix_(group, self.slots)
        answers.values[np.ix_(group, at)] = values
        deviation = np.sqrt(np.diagonal(full, axis1=1, axis2=2))
        answers.stderr[np.ix_(group, at)] = np.where(free, deviation, np.nan)
        answers.area_stderr[slots] = area_errors(self.setup, plain, values, full)
        answers.own_chi_square[slots] = solution.own_chi_square[chosen]
        full = np.where(free[:, :, None] & free[:, None, :], full, np.nan)
        answers.covariance[np.ix_(group, at, at)] = full

    def _status(self, group: Numbers, solution: BatchSolution) -> npt.NDArray[np.int64]:
        """The worst that can be said about each spectrum."""
        n_shapes = solution.on_bound.shape[1] - len(self.setup.plain_layout(0).background_index)
        before = self.rows.status[group]
        good = np.where(before == Status.OUTSIDE_MODEL, Status.OUTSIDE_MODEL, Status.OK)
        status = np.where(self.slots.size, good, int(Status.NO_PEAKS))
        # A background term that ended at 0 is simply not there.
        at_bound = solution.on_bound[:, :n_shapes].any(axis=1)
        status = np.where(at_bound, Status.AT_BOUND, status)
        status = np.where(solution.singular, Status.ILL_DETERMINED, status)
        return np.where(solution.code == Status.OK, status, solution.code).astype(np.int64)

    def _entries(self, plain: Layout, whole: Layout) -> npt.NDArray[np.int64]:
        """Where the parameters of these peaks are among those of all peaks."""
        at = np.empty(len(plain.names), dtype=np.int64)
        at[plain.peak_index] = whole.peak_index[self.slots]
        at[plain.background_index] = whole.background_index
        return at


def area_errors(setup: Setup, plain: Layout, values: Floats, covariance: Floats) -> Floats:
    """Standard errors of the areas, to first order.

    Parameters
    ----------
    setup : Setup
    plain : Layout
        Without links.
    values : ndarray, shape (S, m)
    covariance : ndarray, shape (S, m, m)
        0 for what was held, NaN for what is not determined.

    Returns
    -------
    ndarray, shape (S, k)
        NaN where the area depends on something that is not determined.
    """
    shape = LINE_SHAPES[setup.line_shape]
    area = shape.area or (lambda *given: shape.area_over(setup.energy, *given))
    hard = {"fwhm": (0.0, np.inf), "height": (0.0, np.inf), **shape.limits}
    shapes = [values[:, plain.column(name)] for name in shape.parameters]
    gradient = np.zeros((len(values), plain.n_peaks, len(shapes)))
    for j, name in enumerate(shape.parameters):
        low, high = hard.get(name, (-np.inf, np.inf))
        step = _STEP * np.maximum(np.abs(shapes[j]), 1e-3)
        up, down = np.minimum(shapes[j] + step, high), np.maximum(shapes[j] - step, low)
        more = area(*shapes[:j], up, *shapes[j + 1 :])
        less = area(*shapes[:j], down, *shapes[j + 1 :])
        width = np.where(up > down, up - down, 1.0)
        gradient[:, :, j] = np.where(up > down, (more - less) / width, 0.0)
    index = plain.peak_index
    blocks = covariance[:, index[:, :, None], index[:, None, :]]
    needed = gradient != 0
    blocks = np.where(needed[..., None] & needed[..., None, :], blocks, 0.0)
    variance = np.einsum("skj,skjl,skl->sk", gradient, blocks, gradient)
    return np.sqrt(np.where(variance >= 0, variance, np.nan))


def _refine_one_by_one(
    setup: Setup, rows: Rows, answers: Answers, cancel: Cancel, step: Callable[[int], object]
) -> None:
    """Fit through lmfit, and write down the answers."""
    for row in range(len(rows.counts)):
        if cancel is not None and cancel():
            return
        starts = {name: values[row] for name, values in rows.starts.items()}
        status = Status(int(rows.status[row]))
        answer = fit_one(setup, rows.counts[row], rows.noise[row], starts, status)
        _enter_one(setup, rows, row, answer, answers)
        step(1)


def _enter_one(setup: Setup, rows: Rows, row: int, answer: Answer, answers: Answers) -> None:
    """Write one answer into a row."""
    answers.status[row], answers.noise[row] = answer.status, answer.noise
    if answer.goodness is not None:
        found, residual = answer.goodness, answer.residual
        answers.chisqr[row], answers.redchi[row] = found.chisqr, found.redchi
        answers.aic[row], answers.bic[row] = found.aic, found.bic
        product = float(residual[1:] @ residual[:-1])
        answers.correlation[row] = product / found.chisqr if found.chisqr > 0 else 0.0
    if answer.parameters is None:
        return
    slots, whole = answer.slots, answers.layout
    plain = setup.plain_layout(slots.size)
    at = np.empty(len(plain.names), dtype=np.int64)
    at[plain.peak_index] = whole.peak_index[slots]
    at[plain.background_index] = whole.background_index
    answers.values[row, at] = answer.values
    answers.stderr[row, at] = answer.stderr
    answers.covariance[row][np.ix_(at, at)] = answer.covariance
    answers.area_stderr[row, slots] = answer.area_stderr
    if slots.size and answer.goodness is not None:
        used = np.isfinite(rows.counts[row]) & (rows.noise[row] > 0)
        shapes = [answer.values[plain.column(name)] for name in plain.shape_parameters]
        lines = LINE_SHAPES[setup.line_shape].value(setup.energy[used], *shapes)
        answers.own_chi_square[row, slots] = ((lines / rows.noise[row][used]) ** 2).sum(axis=-1)
