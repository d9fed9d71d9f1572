"""How many peaks a spectrum has: the network's probability and the evidence of the fits.

1. **A fit is discarded** where it did not converge or is not determined, or where one of its peaks
   is spurious: the sum of squares of its line alone, in units of the noise, is less than 20 (the
   networks learn from the same limit), it lies closer to a larger neighbor than 0.3 of the smaller
   of both widths, or its width is below 1.5 steps of the axis. (Asking for a height of 3 standard
   errors instead would drop real peaks that overlap: the height of each may be uncertain, although
   both exist. Peaks whose center or width ends on a limit of `refine` are often real, too: cut by
   the window's edge, or broad.)
2. **Among the others** the largest score wins,

       0.85 ln P - 0.16 ln(1 + ln E_best - ln E) + 0.18 ln(X / 20)

   P is the network's probability, E the evidence of the fit (`fitting.select.evidence`), and X the
   least own chi-square of its peaks, over s, with the last logarithm between -3 and 1.5. The
   evidence counts less, by a logarithm and a weight, because the network has seen the same points,
   and because models of lines and backgrounds are never exact: a fit far behind the best is not
   much worse than one a little behind. The weights are those that describe best the true counts of
   4,000 spectra simulated with the network's own recipe.
3. **Where none is left**, the most probable fit loses its weakest spurious peak and is refined
   again, until no spurious peak is left. If no peak is left, the status is NO_PEAKS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xpsnet.data.status import INVALID, has_flag
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.parameter_map import Floats
from xpsnet.fitting.select.evidence import Fits, log_evidence, own_chi_squares
from xpsnet.fitting.solve.fit_results import FitResults

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.intp]

LEAST_CHI_SQUARE = 20.0
LEAST_DISTANCE = 0.3
LEAST_STEPS = 1.5
HIGHEST_CORRELATION = 0.9
PROBABILITY_WEIGHT = 0.85
EVIDENCE_WEIGHT = 0.16
OWN_WEIGHT = 0.18
OWN_RANGE = (-3.0, 1.5)
LEAST_PROBABILITY = 1e-6

Refit = Callable[[Numbers, Mapping[str, Floats]], FitResults]
"""Fits of some rows, from starts of shape (rows, peak); places without a peak are NaN."""


@dataclass(frozen=True)
class Candidate:
    """Fits of some spectra with one number of peaks.

    Attributes
    ----------
    rows : ndarray of int, shape (R,)
        Which spectra.
    results : FitResults
        Of R fits, with covariance.
    count : int
        Number of peaks that they started with.
    log_probability : ndarray, shape (R,)
        Of this number.
    start : ndarray of int8, shape (R,)
        Where the starts came from; see `xpsnet.fitting.maps.neighbors`.
    """

    rows: Numbers
    results: FitResults
    count: int
    log_probability: Floats
    start: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Choice:
    """The chosen number of peaks of S spectra.

    Attributes
    ----------
    results : FitResults
        The chosen fits.
    score : ndarray, shape (S, counts)
        Of every number of peaks, -inf where it was not tried or is out.
    start : ndarray of int8, shape (S,)
        Where the starts of the chosen fit came from.
    """

    results: FitResults
    score: Floats
    start: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Decision:
    """What the choice of the number of peaks needs to know, the same for all spectra.

    Attributes
    ----------
    options : FitOptions
    energy : ndarray, shape (n,)
        Of the numerics [eV].
    n_counts : int
        How many numbers of peaks there are, from 0.
    given : bool
        Whether the user gave the number of peaks: then a fit is out only if it has no chi-square.
    """

    options: FitOptions
    energy: Floats
    n_counts: int
    given: bool = False


def choose_n_peaks(
    decision: Decision,
    candidates: Sequence[Candidate],
    n_spectra: int,
    refit: Refit,
    log_prior: Floats | None = None,
) -> Choice:
    """Choose the number of peaks of every spectrum (see the module).

    Parameters
    ----------
    decision : Decision
    candidates : sequence of Candidate
        At least one fit for every spectrum; of several with the same number of peaks the one of
        least chi-square counts.
    n_spectra : int
        S.
    refit : callable
        Fits again where a spurious peak was taken away (rule 3).
    log_prior : ndarray, shape (S, counts), optional
        Added to the scores: what the neighbors say.
    """
    judged = [_verdict(decision, one) for one in candidates]
    both = list(zip(candidates, judged, strict=True))
    scale = np.full(n_spectra, np.inf)
    for one, verdict in both:
        np.minimum.at(scale, one.rows, np.where(verdict.valid, verdict.scale, np.inf))
    evidences = [_evidence(decision, one, verdict, scale[one.rows]) for one, verdict in both]
    best = np.full(n_spectra, -np.inf)
    for one, evidence in zip(candidates, evidences, strict=True):
        np.maximum.at(best, one.rows, evidence)
    score = np.full((n_spectra, decision.n_counts), -np.inf)
    winner, chisqr = (np.full((n_spectra, decision.n_counts), v) for v in (-1.0, np.inf))
    for number, (one, verdict) in enumerate(both):
        own = _score(one, verdict, evidences[number], best[one.rows], scale[one.rows])
        better = verdict.valid & (one.results.chisqr < chisqr[one.rows, one.count])
        rows = one.rows[better]
        score[rows, one.count] = own[better]
        chisqr[rows, one.count] = one.results.chisqr[better]
        winner[rows, one.count] = number
    total = score if log_prior is None else score + log_prior
    chosen = winner[np.arange(n_spectra), total.argmax(axis=1)].astype(np.intp)
    lost = np.flatnonzero(~np.isfinite(total).any(axis=1))
    chosen[lost] = _most_probable(candidates, n_spectra)[lost]
    results, start = _gathered(candidates, chosen)
    if lost.size and not decision.given:
        results.copy_from(lost, _pruned(decision, results.rows(lost), lost, refit))
    return Choice(results, score, start)


def likely(probability: Floats, min_probability: float, most: int) -> Mask:
    """Which numbers of peaks are worth a fit, shape (S, counts).

    Parameters
    ----------
    probability : ndarray, shape (S, counts)
    min_probability : float
        Those that are less likely are not, but for the most probable one.
    most : int
        How many per spectrum.
    """
    filled = np.nan_to_num(probability)
    rank = np.argsort(np.argsort(-filled, axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray((rank < most) & ((filled >= min_probability) | (rank == 0)))


@dataclass(frozen=True)
class _Verdict:
    """Validity, noise scale and least own chi-square of the fits of one candidate, shape (R,)."""

    valid: Mask
    scale: Floats
    own: Floats
    fits: Fits


def _verdict(decision: Decision, candidate: Candidate) -> _Verdict:
    """Judge fits one by one."""
    results = candidate.results
    valid = np.isfinite(results.chisqr)
    if not decision.given:
        valid &= ~has_flag(results.flags, *INVALID)
        valid &= ~spurious_peaks(decision.energy, results).any(axis=1)
    correlation = np.clip(np.nan_to_num(results.correlation), 0.0, HIGHEST_CORRELATION)
    scale = results.redchi * (1 + correlation) / (1 - correlation)
    scale = np.where(scale > 0, scale, np.inf)
    fits = Fits(
        results.layout, results.values, _covariance(results), _free(decision.options, results)
    )
    own = own_chi_squares(fits)
    least = np.fmin.reduce(own, axis=1) if own.shape[1] else np.full(len(own), np.nan)
    return _Verdict(valid, scale, least, fits)


def _covariance(results: FitResults) -> Floats:
    """Covariance matrices, which the fits of candidates always have."""
    if results.covariance is None:
        raise ValueError("expected fits with covariance, got none; see FitResults.not_done")
    return results.covariance


def _free(options: FitOptions, results: FitResults) -> Mask:
    """Which reported parameters were fitted, those that follow others left out."""
    diagonal = np.diagonal(_covariance(results), axis1=1, axis2=2)
    free = np.isfinite(diagonal) & (diagonal > 0)
    if options.constraints.links:
        exists = np.isfinite(results.values[:, results.layout.column("center")])
        for pattern in np.unique(exists, axis=0):
            rows = (exists == pattern).all(axis=1)
            linked = options.layout(np.flatnonzero(pattern)).linked
            entries = results.layout.peak_index[pattern][linked]
            free[np.ix_(rows, entries)] = False
    return np.asarray(free)


def spurious_peaks(energy: Floats, results: FitResults) -> Mask:
    """Peaks that are not peaks of their own (rule 1), shape (S, n_peaks)."""
    layout = results.layout
    center, fwhm, height = (
        results.values[:, layout.column(n)] for n in ("center", "fwhm", "height")
    )
    if layout.n_peaks == 0:
        return np.zeros(center.shape, dtype=bool)
    step = np.median(np.abs(np.diff(energy)))
    with np.errstate(invalid="ignore"):
        false = results.line_chi_square < LEAST_CHI_SQUARE
        false |= fwhm < LEAST_STEPS * step
        area = height * fwhm
        distance = np.abs(center[:, :, None] - center[:, None, :])
        near = distance < LEAST_DISTANCE * np.minimum(fwhm[:, :, None], fwhm[:, None, :])
        false |= (near & (area[:, :, None] < area[:, None, :])).any(axis=2)
    return np.asarray(false & np.isfinite(center))


def _evidence(decision: Decision, candidate: Candidate, verdict: _Verdict, scale: Floats) -> Floats:
    """Evidence of fits, -inf where they are out."""
    results = candidate.results
    known = np.where(np.isfinite(scale), scale, 1.0)
    found = log_evidence(verdict.fits, decision.energy, results.chisqr, known)
    return np.where(verdict.valid, found, -np.inf)


def _score(
    candidate: Candidate, verdict: _Verdict, evidence: Floats, best: Floats, scale: Floats
) -> Floats:
    """Score of fits (rule 2), shape (R,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        behind = np.where(np.isfinite(best), best - evidence, 0.0)
        own = np.clip(np.log(verdict.own / scale / LEAST_CHI_SQUARE), *OWN_RANGE)
    own = np.where(np.isfinite(verdict.own), own, 0.0)
    probability = np.maximum(candidate.log_probability, np.log(LEAST_PROBABILITY))
    blunted = np.log1p(np.minimum(behind, 1e300))
    return np.asarray(
        PROBABILITY_WEIGHT * probability - EVIDENCE_WEIGHT * blunted + OWN_WEIGHT * own
    )


def _most_probable(candidates: Sequence[Candidate], n_spectra: int) -> Numbers:
    """For every spectrum, which of the candidates has the largest probability."""
    best = np.full(n_spectra, -np.inf)
    found = np.zeros(n_spectra, dtype=np.intp)
    for number, one in enumerate(candidates):
        better = one.log_probability > best[one.rows]
        best[one.rows[better]] = one.log_probability[better]
        found[one.rows[better]] = number
    return found


def _gathered(
    candidates: Sequence[Candidate], chosen: Numbers
) -> tuple[FitResults, npt.NDArray[np.int8]]:
    """Results and starts of the chosen fit of every spectrum."""
    results = FitResults.not_done(candidates[0].results.layout, len(chosen))
    start = np.zeros(len(chosen), dtype=np.int8)
    for number, one in enumerate(candidates):
        mine = chosen[one.rows] == number
        results.copy_from(one.rows[mine], one.results.rows(mine))
        start[one.rows[mine]] = one.start[mine]
    return results, start


def _pruned(decision: Decision, results: FitResults, rows: Numbers, refit: Refit) -> FitResults:
    """Take away the weakest spurious peak of each, until there is none (rule 3)."""
    layout = results.layout
    for _ in range(layout.n_peaks):
        spurious = spurious_peaks(decision.energy, results)
        todo = np.flatnonzero(spurious.any(axis=1))
        if not todo.size:
            break
        strength = np.where(spurious[todo], results.line_chi_square[todo], np.inf)
        weakest = strength.argmin(axis=1)
        starts = {}
        for name in layout.shape_parameters:
            starts[name] = results.values[todo][:, layout.column(name)]
            starts[name][np.arange(todo.size), weakest] = np.nan
        results.copy_from(todo, refit(rows[todo], starts))
    return results
