"""Refine spectra by either engine; the rules that both share are here.

A spectrum is flagged where there is nothing to fit (`flag_unfittable`). The others are fitted in
groups that have peaks at the same places, by lmfit or by the batched engine, from the same starts
(`start_values`). What the engine found becomes reported parameters with errors and a status in one
place (`_results`).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xpsnet.data.status import Status, flags_of
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.model.parameters import FitParameters
from xpsnet.fitting.model.reported_parameters import physical_covariance, physical_values
from xpsnet.fitting.solve.batch import solve_batch
from xpsnet.fitting.solve.fit_flags import FitEvidence, fit_flags, solver_flags
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.fitting.solve.single_spectrum import solve_single
from xpsnet.fitting.solve.solution import Solution
from xpsnet.fitting.solve.start_values import start_values
from xpsnet.fitting.solve.statistics import area_errors, goodness

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.intp]
Step = Callable[[int], object]

_AT_ONCE = 8192  # spectra, so that memory stays bounded
# Of starts without peaks: the spectrum can be fitted all the same.
_NO_HINDRANCE = (Status.MISFIT, Status.CUT_OFF, Status.NOT_RAW, Status.SPIKES, Status.FEW_COUNTS)
_FITTED = (Status.OK, Status.NOT_CONVERGED)


def refine_rows(options: FitOptions, inputs: FitInputs, progress: Step | None = None) -> FitResults:
    """Refine the peaks of many spectra.

    Parameters
    ----------
    options : FitOptions
        `engine` "auto": lmfit for one spectrum, the batched engine for more. `cancel` is called
        between spectra or blocks; once it returns True, the rest is left with NOT_DONE.
    inputs : FitInputs
        Spectra and starts; NaN centers are no peaks.
    progress : callable, optional
        Called with the number of spectra just done.

    Returns
    -------
    FitResults
        One per row, with covariance.
    """
    n_spectra, n_peaks = inputs.starts["center"].shape
    results = FitResults.not_done(options.plain_layout(n_peaks), n_spectra)
    step = progress or (lambda _: None)
    one_by_one = options.engine == "lmfit" or (options.engine == "auto" and n_spectra == 1)
    present = np.isfinite(inputs.starts["center"])
    todo = flag_unfittable(inputs, present, results)
    if not todo.all():
        step(int(n_spectra - todo.sum()))
    for slots, group in _groups(present, todo):
        size = 1 if one_by_one else _AT_ONCE
        for first in range(0, group.size, size):
            if one_by_one and options.cancelled():
                return results
            rows = group[first : first + size]
            part = inputs.rows(rows)
            try:
                start = start_values(options, part, slots)
            except ValueError:  # no value obeys the constraints on just these peaks
                results.flags[rows] = Status.FAILED.flag
                step(rows.size)
                continue
            if one_by_one:
                solution, _ = solve_single(options, part, start)
                step(1)
            else:
                solution = solve_batch(options, part, start, progress=step)
            results.copy_from(rows, _results(options, part, slots, start, solution))
    return results


def flag_unfittable(inputs: FitInputs, present: Mask, results: FitResults) -> Mask:
    """Give a status to spectra in which there is nothing to fit; return a mask of those to fit.

    Parameters
    ----------
    inputs : FitInputs
    present : ndarray of bool, shape (S, peak)
        Where the starts have a peak.
    results : FitResults
        Filled in place for the flagged spectra.
    """
    finite = np.isfinite(inputs.counts)
    top = np.where(finite, inputs.counts, -np.inf).max(axis=1, initial=-np.inf)
    bottom = np.where(finite, inputs.counts, np.inf).min(axis=1, initial=np.inf)
    empty = ~finite.any(axis=1)
    usable = (Status.OK, Status.NO_PEAKS, Status.NO_SIGNAL, *_NO_HINDRANCE)
    unknown = ~empty & ~present.any(axis=1) & ~np.isin(inputs.status, usable)
    flat = ~empty & ~unknown & (top == bottom)
    results.flags[empty] = Status.NOT_FINITE.flag
    results.flags[unknown] = flags_of(inputs.status[unknown])
    results.flags[flat] = Status.NO_SIGNAL.flag
    results.noise[flat] = 0.0
    for entry in results.layout.background_index:
        constant = results.layout.names[entry] == "background_constant"
        results.values[flat, entry] = top[flat] if constant else 0.0
    return np.asarray(~(empty | unknown | flat))


def _groups(present: Mask, todo: Mask) -> Iterator[tuple[Numbers, Numbers]]:
    """Places of the peaks, and the rows that have peaks at these places."""
    if not todo.any():
        return
    patterns, pattern_of = np.unique(present[todo], axis=0, return_inverse=True)
    members = np.flatnonzero(todo)
    for number, pattern in enumerate(patterns):
        yield np.flatnonzero(pattern), members[pattern_of.ravel() == number]


def _results(
    options: FitOptions,
    inputs: FitInputs,
    slots: Numbers,
    start: FitParameters,
    solution: Solution,
) -> FitResults:
    """Reported parameters, errors and status of what an engine found, for S spectra."""
    n_spectra, n_peaks = inputs.starts["center"].shape
    results = FitResults.not_done(options.plain_layout(n_peaks), n_spectra)
    matrices = np.full((n_spectra, *[len(results.layout.names)] * 2), np.nan)
    results.flags[:] = solver_flags(solution, start, of_tables=options.counts_states)
    outside = inputs.status == Status.OUTSIDE_MODEL
    results.flags[outside] |= Status.OUTSIDE_MODEL.flag
    done = np.flatnonzero(np.isin(solution.code, _FITTED))
    if not done.size:
        return results
    n_used, n_free = solution.n_used[done], solution.n_free[done]
    fit = goodness(solution.chisqr[done], n_used, n_free, solution.pearson[done])
    results.chisqr[done], results.redchi[done] = fit.chisqr, fit.redchi
    results.aic[done], results.bic[done] = fit.aic, fit.bic
    results.correlation[done] = solution.correlation[done]
    covariance = solution.covariance[done]
    if options.scale_errors:
        covariance = covariance * fit.redchi[:, None, None]
    free = start.free & ~solution.on_bound[done]
    layout, plain = start.layout, options.plain_layout(slots.size, slots)
    values = physical_values(layout, plain, solution.values[done])
    full, free = physical_covariance(layout, plain, solution.values[done], covariance, free)
    at = _entries_among_all(plain, results.layout, slots)
    places = np.ix_(done, slots)
    results.values[np.ix_(done, at)] = values
    deviation = np.sqrt(np.diagonal(full, axis1=1, axis2=2))
    results.stderr[np.ix_(done, at)] = np.where(free, deviation, np.nan)
    used = inputs.used[done]
    squares = np.where(used, inputs.noise.deviation[done], 0.0) ** 2
    results.noise[done] = np.sqrt(squares.sum(axis=1) / np.maximum(used.sum(axis=1), 1))
    results.dof_noise[done] = inputs.noise.dof[done]
    results.noise_density[done] = inputs.noise.density[done]
    results.line_chi_square[places] = solution.line_chi_square[done]
    if not options.quick:
        each, total = area_errors(inputs.energy, plain, values, full)
        results.area_stderr[places], results.area_sum_stderr[done] = each, total
        peaks = {name: values[:, plain.column(name)] for name in ("center", "fwhm", "height")}
        results.flags[done] |= fit_flags(_evidence(inputs, solution, results, done, peaks))
    full = np.where(free[:, :, None] & free[:, None, :], full, np.nan)
    matrices[np.ix_(done, at, at)] = full
    return replace(results, covariance=matrices)


def _evidence(
    inputs: FitInputs,
    solution: Solution,
    results: FitResults,
    done: Numbers,
    peaks: dict[str, npt.NDArray[np.float64]],
) -> FitEvidence:
    """What is known of the finished fits of the rows `done`."""
    return FitEvidence(
        inputs.energy,
        np.where(inputs.used[done], inputs.counts[done], np.nan),
        **peaks,
        line_chi_square=solution.line_chi_square[done],
        redchi=results.redchi[done],
        correlation=results.correlation[done],
        noise=results.noise[done],
        dof_noise=results.dof_noise[done],
        density=results.noise_density[done],
        n_used=solution.n_used[done],
        n_free=solution.n_free[done],
    )


def _entries_among_all(plain: Layout, whole: Layout, slots: Numbers) -> npt.NDArray[np.int64]:
    """Where the parameters of these peaks are among those of all peaks."""
    at = np.empty(len(plain.names), dtype=np.int64)
    columns = [whole.shape_parameters.index(name) for name in plain.shape_parameters]
    at[plain.peak_index] = whole.peak_index[slots][:, columns]
    at[plain.background_index] = whole.background_index
    return at
