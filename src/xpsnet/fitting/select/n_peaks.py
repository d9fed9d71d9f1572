"""How many peaks a spectrum has: the network's probability and the evidence of the fits.

1. **A fit is out** where it did not converge or is not determined, or where one of its peaks is no
   peak of its own: the chi-square that its line alone makes up is less than 20 (the networks learn
   from the same limit), it lies closer to a larger neighbor than 0.3 of the smaller of both widths,
   or its width is below 1.5 steps of the axis. (Asking for a height of 3 standard errors instead
   would drop real peaks that overlap: each may be uncertain where both are sure. Peaks whose center
   or width ends on a limit of `refine` are often real, too: cut by the window's edge, or broad.)
2. **Among the others** the largest score wins,

       0.85 ln P - 0.16 ln(1 + ln E_best - ln E) + 0.18 ln(X / 20)

   P is the network's probability, E the evidence of the fit (`fitting.select.evidence`), and X the
   least own chi-square of its peaks, over s, with the last logarithm between -3 and 1.5. The
   evidence is blunted, by a logarithm and a weight, because the network has seen the same points,
   and because models of lines and backgrounds are never quite true: far behind is not much worse
   than behind. The weights are those that describe best the true counts of 4,000 spectra simulated
   with the network's own recipe.
3. **Where none is left**, the most probable fit loses its weakest false peak and is refined again,
   until all of its peaks are peaks; with the last one goes the status NO_PEAKS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xpsnet.data.peaks import Status
from xpsnet.fitting.model.parameters import Floats
from xpsnet.fitting.select.evidence import log_evidence, own_chi_squares
from xpsnet.fitting.solve.fit_results import Answers
from xpsnet.fitting.solve.single_spectrum import Setup

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
SOUND = (Status.OK, Status.AT_BOUND, Status.OUTSIDE_MODEL, Status.NO_PEAKS)

Refined = Callable[[Numbers, Mapping[str, Floats]], Answers]
"""Fits of some rows, from starts of shape (rows, peak); places without a peak are NaN."""


@dataclass(frozen=True)
class Tried:
    """Fits of some spectra with one number of peaks.

    Attributes
    ----------
    rows : ndarray of int, shape (R,)
        Which spectra.
    answers : Answers
        Of R fits.
    count : int
        Number of peaks that they started with.
    log_probability : ndarray, shape (R,)
        Of this number.
    start : ndarray of int8, shape (R,)
        Where the starts came from; see `xpsnet.fitting.maps.neighbors`.
    """

    rows: Numbers
    answers: Answers
    count: int
    log_probability: Floats
    start: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Decided:
    """What was decided about S spectra.

    Attributes
    ----------
    answers : Answers
        The fit that won.
    score : ndarray, shape (S, counts)
        Of every number of peaks, -inf where it was not tried or is out.
    start : ndarray of int8, shape (S,)
        Where the starts of the winner came from.
    """

    answers: Answers
    score: Floats
    start: npt.NDArray[np.int8]


def decide(
    setup: Setup,
    tried: Sequence[Tried],
    n_spectra: int,
    n_counts: int,
    refined: Refined,
    log_prior: Floats | None = None,
    *,
    judge: bool = True,
) -> Decided:
    """Choose the number of peaks of every spectrum (see the module).

    Parameters
    ----------
    setup : Setup
    tried : sequence of Tried
        At least one fit for every spectrum; of several with the same number of peaks the one of
        least chi-square counts.
    n_spectra, n_counts : int
        S, and how many numbers of peaks there are, from 0.
    refined : callable
        Fits again what loses a false peak (rule 3).
    log_prior : ndarray, shape (S, counts), optional
        Added to the scores: what the neighbors say.
    judge : bool
        False where the number of peaks is given: nothing is out then but what has no chi-square.
    """
    judged = [_judged(setup, one, judge) for one in tried]
    scale = np.full(n_spectra, np.inf)
    for one, verdict in zip(tried, judged, strict=True):
        np.minimum.at(scale, one.rows, np.where(verdict.sound, verdict.scale, np.inf))
    evidences = [_evidence(setup, o, v, scale[o.rows]) for o, v in zip(tried, judged, strict=True)]
    best = np.full(n_spectra, -np.inf)
    for one, evidence in zip(tried, evidences, strict=True):
        np.maximum.at(best, one.rows, evidence)
    score = np.full((n_spectra, n_counts), -np.inf)
    winner, chisqr = (np.full((n_spectra, n_counts), v) for v in (-1.0, np.inf))
    for number, (one, verdict) in enumerate(zip(tried, judged, strict=True)):
        own = _score(one, verdict, evidences[number], best[one.rows], scale[one.rows])
        better = verdict.sound & (one.answers.chisqr < chisqr[one.rows, one.count])
        rows = one.rows[better]
        score[rows, one.count] = own[better]
        chisqr[rows, one.count] = one.answers.chisqr[better]
        winner[rows, one.count] = number
    total = score if log_prior is None else score + log_prior
    chosen = winner[np.arange(n_spectra), total.argmax(axis=1)].astype(np.intp)
    lost = np.flatnonzero(~np.isfinite(total).any(axis=1))
    chosen[lost] = _most_probable(tried, n_spectra)[lost]
    answers, start = _gathered(tried, chosen)
    if lost.size and judge:
        answers = answers.replaced(lost, _pruned(setup, answers.rows(lost), lost, refined))
    return Decided(answers, score, start)


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
    """What rule 1 and the residual say of the fits of one `Tried`, each of shape (R,)."""

    sound: Mask
    scale: Floats
    own: Floats
    free: Mask


def _judged(setup: Setup, tried: Tried, judge: bool) -> _Verdict:
    """Judge fits one by one."""
    answers = tried.answers
    sound = np.isfinite(answers.chisqr)
    if judge:
        sound &= np.isin(answers.status, SOUND) & ~false_peaks(setup, answers).any(axis=1)
    correlation = np.clip(np.nan_to_num(answers.correlation), 0.0, HIGHEST_CORRELATION)
    scale = answers.redchi * (1 + correlation) / (1 - correlation)
    scale = np.where(scale > 0, scale, np.inf)
    free = _free(setup, answers)
    own = own_chi_squares(answers.layout, answers.values, answers.covariance, free)
    least = np.fmin.reduce(own, axis=1) if own.shape[1] else np.full(len(own), np.nan)
    return _Verdict(sound, scale, least, free)


def _free(setup: Setup, answers: Answers) -> Mask:
    """Which reported parameters were fitted, those that follow others left out."""
    diagonal = np.diagonal(answers.covariance, axis1=1, axis2=2)
    free = np.isfinite(diagonal) & (diagonal > 0)
    if setup.constraints.links:
        exists = np.isfinite(answers.values[:, answers.layout.column("center")])
        for pattern in np.unique(exists, axis=0):
            rows = (exists == pattern).all(axis=1)
            linked = setup.layout(np.flatnonzero(pattern)).linked
            entries = answers.layout.peak_index[pattern][linked]
            free[np.ix_(rows, entries)] = False
    return np.asarray(free)


def false_peaks(setup: Setup, answers: Answers) -> Mask:
    """Peaks that are none of their own (rule 1), shape (S, n_peaks)."""
    layout = answers.layout
    center, fwhm, height = (
        answers.values[:, layout.column(n)] for n in ("center", "fwhm", "height")
    )
    if layout.n_peaks == 0:
        return np.zeros(center.shape, dtype=bool)
    step = np.median(np.abs(np.diff(setup.energy)))
    with np.errstate(invalid="ignore"):
        false = answers.own_chi_square < LEAST_CHI_SQUARE
        false |= fwhm < LEAST_STEPS * step
        area = height * fwhm
        distance = np.abs(center[:, :, None] - center[:, None, :])
        near = distance < LEAST_DISTANCE * np.minimum(fwhm[:, :, None], fwhm[:, None, :])
        false |= (near & (area[:, :, None] < area[:, None, :])).any(axis=2)
    return np.asarray(false & np.isfinite(center))


def _evidence(setup: Setup, tried: Tried, verdict: _Verdict, scale: Floats) -> Floats:
    """Evidence of fits, -inf where they are out."""
    answers = tried.answers
    known = np.where(np.isfinite(scale), scale, 1.0)
    found = log_evidence(
        answers.layout, setup.energy, answers.values, answers.covariance, verdict.free,
        answers.chisqr, known,
    )  # fmt: skip
    return np.where(verdict.sound, found, -np.inf)


def _score(
    tried: Tried, verdict: _Verdict, evidence: Floats, best: Floats, scale: Floats
) -> Floats:
    """Score of fits (rule 2), shape (R,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        behind = np.where(np.isfinite(best), best - evidence, 0.0)
        own = np.clip(np.log(verdict.own / scale / LEAST_CHI_SQUARE), *OWN_RANGE)
    own = np.where(np.isfinite(verdict.own), own, 0.0)
    probability = np.maximum(tried.log_probability, np.log(LEAST_PROBABILITY))
    blunted = np.log1p(np.minimum(behind, 1e300))
    return np.asarray(
        PROBABILITY_WEIGHT * probability - EVIDENCE_WEIGHT * blunted + OWN_WEIGHT * own
    )


def _most_probable(tried: Sequence[Tried], n_spectra: int) -> Numbers:
    """For every spectrum, which of the fits tried has the largest probability."""
    best = np.full(n_spectra, -np.inf)
    found = np.zeros(n_spectra, dtype=np.intp)
    for number, one in enumerate(tried):
        better = one.log_probability > best[one.rows]
        best[one.rows[better]] = one.log_probability[better]
        found[one.rows[better]] = number
    return found


def _gathered(tried: Sequence[Tried], chosen: Numbers) -> tuple[Answers, npt.NDArray[np.int8]]:
    """Answers and starts of the chosen fit of every spectrum."""
    answers = Answers.not_done(tried[0].answers.layout, len(chosen))
    start = np.zeros(len(chosen), dtype=np.int8)
    for number, one in enumerate(tried):
        mine = chosen[one.rows] == number
        answers = answers.replaced(one.rows[mine], one.answers.rows(mine))
        start[one.rows[mine]] = one.start[mine]
    return answers, start


def _pruned(setup: Setup, answers: Answers, rows: Numbers, refined: Refined) -> Answers:
    """Take away the weakest false peak of each, until there is none (rule 3)."""
    layout = answers.layout
    for _ in range(layout.n_peaks):
        false = false_peaks(setup, answers)
        todo = np.flatnonzero(false.any(axis=1))
        if not todo.size:
            break
        strength = np.where(false[todo], answers.own_chi_square[todo], np.inf)
        weakest = strength.argmin(axis=1)
        starts = {}
        for name in layout.shape_parameters:
            starts[name] = answers.values[todo][:, layout.column(name)]
            starts[name][np.arange(todo.size), weakest] = np.nan
        answers = answers.replaced(todo, refined(rows[todo], starts))
    return answers
