"""The steps of `fit`: rows of spectra through network, least squares, decision and neighbors."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.spectrum import scale_sign
from xpsnet.fitting.maps.chemical_states import Found, States, find_states
from xpsnet.fitting.maps.neighbors import Shape, Start, log_prior, offsets, outliers, starts_around
from xpsnet.fitting.model.doublets import Doublet
from xpsnet.fitting.model.parameters import Constraint, Floats
from xpsnet.fitting.select.find_doublets import refine_paired
from xpsnet.fitting.select.n_peaks import Decided, Tried, decide, likely
from xpsnet.fitting.solve.fit_inputs import Rows, make_rows, make_setup, make_starts
from xpsnet.fitting.solve.fit_results import Answers
from xpsnet.fitting.solve.single_spectrum import Setup
from xpsnet.models.prediction import predict_starts
from xpsnet.models.weights import Model
from xpsnet.parallel.progress import Cancel

MAX_CANDIDATES = 3
# Network probability that a number of peaks has at least where the neighbors have it.
LEAST_PROBABILITY = 0.01
# The network and the fits take so many spectra at a time at most: cancel answers in between.
AT_ONCE = 1024

Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Job:
    """What `fit` was asked for; see there."""

    model: str | Path | Model
    n_peaks: int | Literal["auto"]
    background: str
    line_shape: str
    shared: tuple[str, ...]
    constraints: Mapping[str, Constraint] | None
    min_probability: float
    scale_errors: bool
    covariance: bool
    device: Literal["auto", "cpu", "gpu"]
    batch_size: int
    cancel: Cancel
    doublets: tuple[Doublet, ...] = ()
    background_choice: str | None = None

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self.cancel is not None and self.cancel()


@dataclass(frozen=True)
class Overview:
    """What a map looks like as a whole.

    Attributes
    ----------
    of_sum : dict of str to ndarray, shape (1, peak)
        Peaks of the mean spectrum, on the scale of the numerics.
    states : States
        Of a sample of the spectra, on their own scale.
    """

    of_sum: dict[str, Floats]
    states: States


@dataclass(frozen=True)
class Outcome:
    """Fits of all spectra of a block, one row each.

    Attributes
    ----------
    setup : Setup
    predicted : Dataset
        Of some of the spectra: tells the network's name and the numbers of peaks.
    answers : Answers
    score : ndarray, shape (S, K)
        Of every number of peaks; see `Decided`.
    start : ndarray of int8, shape (S,)
        Codes of `Start`.
    probability : ndarray, shape (S, K)
        The network's own.
    """

    setup: Setup
    predicted: xr.Dataset
    answers: Answers
    score: Floats
    start: npt.NDArray[np.int8]
    probability: Floats

    def peaks(self) -> dict[str, Floats]:
        """Shape parameters of all peaks, each of shape (S, peak)."""
        layout, values = self.answers.layout, self.answers.values
        return {name: values[:, layout.column(name)] for name in layout.shape_parameters}

    def sample(self, rows: Numbers) -> "Outcome":
        """The outcome of some of the spectra."""
        return replace(self, answers=self.answers.rows(rows), score=self.score[rows])

    def stderr(self) -> dict[str, Floats]:
        """Their standard errors."""
        layout, values = self.answers.layout, self.answers.stderr
        return {name: values[:, layout.column(name)] for name in layout.shape_parameters}


def fit_rows(
    job: Job, spectra: xr.DataArray, noise: Floats | None, step: Callable[[int], None]
) -> Outcome:
    """Find, refine and decide every spectrum by itself.

    Parameters
    ----------
    job : Job
    spectra : DataArray, shape (S, n)
        Over ("row", "energy").
    noise : ndarray, shape (S, n), or None
        None to estimate it.
    step : callable
        Told how many more spectra are done.
    """
    outcome = None
    for rows in _chunks(np.arange(spectra.shape[0], dtype=np.intp), job):
        one = _Chunk(job, spectra[rows], None if noise is None else noise[rows])
        if outcome is None:
            outcome = one.blank(spectra.shape[0])
        outcome.probability[rows] = one.probability
        decided = one.decided(one.tried())
        if job.cancelled():
            break
        _enter(outcome, rows, decided)
        step(rows.size)
    if outcome is None:  # pragma: no cover
        raise ValueError("expected at least one chunk of spectra")
    return outcome


def _chunks(rows: Numbers, job: Job) -> Iterator[Numbers]:
    """Rows in chunks; one without any where there are none."""
    size = min(job.batch_size, AT_ONCE)
    for at in range(0, max(rows.size, 1), size):
        yield rows[at : at + size]


def _enter(outcome: Outcome, rows: Numbers, decided: Decided) -> None:
    """Write down what was decided about some of the rows."""
    outcome.score[rows] = decided.score
    outcome.start[rows] = decided.start
    for field in fields(Answers):
        array = getattr(outcome.answers, field.name)
        if isinstance(array, np.ndarray) and array.flags.writeable:
            array[rows] = getattr(decided.answers, field.name)


def _many(answer: Answers, n: int, covariance: bool) -> Answers:
    """The same answer n times; matrices of a whole map would take most of its memory."""
    if covariance:
        return answer.rows(np.zeros(n, dtype=np.intp))
    arrays = {f.name: getattr(answer, f.name) for f in fields(Answers) if f.name != "layout"}
    repeated: dict[str, Any] = {name: np.repeat(a, n, axis=0) for name, a in arrays.items()}
    repeated["covariance"] = np.broadcast_to(np.nan, (n, *answer.covariance.shape[1:]))
    return replace(answer, **repeated)


def revise(
    job: Job,
    spectra: xr.DataArray,
    noise: Floats | None,
    outcome: Outcome,
    shape: Shape,
    of_sum: Mapping[str, Floats] | None,
) -> Outcome:
    """Look again at spectra that are unlike their neighbors.

    That are those whose number of peaks another would replace with the prior of the neighbors,
    those of which a peak is off, and those without a sound fit. They are fitted once more, with
    starts from their neighbors and the summed spectrum beside those of the network; of several
    with the same number of peaks the least chi-square wins, and the number is decided with the
    prior of the neighbors. Only fits of a spectrum's own data can win.

    Parameters
    ----------
    job, spectra, noise
        As for `fit_rows`.
    outcome : Outcome
        From `fit_rows`.
    shape : tuple of int
        Of the grid that the rows form.
    of_sum : mapping of str to ndarray, shape (1, peak), or None
        Peaks of the summed spectrum.
    """
    if not offsets(shape) or job.cancelled():
        return outcome
    peaks = outcome.peaks()
    number = np.isfinite(peaks["center"]).sum(axis=1)
    prior = log_prior(outcome.score, shape) if job.n_peaks == "auto" else None
    wanted = number if prior is None else _wanted(outcome.score, prior, number)
    sound = np.isfinite(outcome.score).any(axis=1)
    again = (wanted != number) | outliers(peaks, outcome.stderr(), shape) | ~sound
    again &= np.isfinite(spectra.values).any(axis=1)
    tables = {
        int(k): starts_around(peaks, int(k), shape)
        for k in np.unique(np.concatenate([wanted[again], number[again]]))
    }
    for rows in _chunks(np.flatnonzero(again), job):
        if rows.size == 0 or job.cancelled():
            break
        one = _Chunk(job, spectra[rows], None if noise is None else noise[rows])
        tried = one.tried()
        for count, (starts, known) in tables.items():
            use = known[rows] & ((wanted[rows] == count) | (number[rows] == count))
            near = {name: values[rows][use] for name, values in starts.items()}
            tried += one.tried_from(np.flatnonzero(use), near, count, Start.NEIGHBORS)
            if of_sum is not None and np.isfinite(of_sum["center"]).sum() == count:
                use = (wanted[rows] == count) | (number[rows] == count)
                common = {n: np.repeat(v, int(use.sum()), axis=0) for n, v in of_sum.items()}
                tried += one.tried_from(np.flatnonzero(use), common, count, Start.SUM)
        decided = one.decided(tried, None if prior is None else prior[rows])
        if job.cancelled():
            break
        _enter(outcome, rows, decided)
    return outcome


def _wanted(score: Floats, prior: Floats, number: Numbers) -> Numbers:
    """Number of peaks that score and prior ask for; what was not tried is unlikely, no more."""
    tried = np.isfinite(score)
    top = np.where(tried, score, -np.inf).max(axis=1, keepdims=True)
    untried = np.where(np.isfinite(top), top, 0.0) + np.log(LEAST_PROBABILITY)
    best = (np.where(tried, score, untried) + prior).argmax(axis=1)
    return np.where(tried.any(axis=1), best, number)


class _Chunk:
    """Some spectra and what the network finds in them."""

    def __init__(self, job: Job, spectra: xr.DataArray, noise: Floats | None) -> None:
        self.job, self.spectra = job, spectra
        auto = job.n_peaks == "auto"
        self.predicted = predict_starts(
            spectra,
            model=job.model,
            n_peaks=job.n_peaks,
            device=job.device,
            batch_size=job.batch_size,
            cancel=job.cancel,
        )
        self.setup = make_setup(
            spectra,
            self.predicted.sizes["peak"],
            line_shape=job.line_shape,
            background=job.background,
            shared=job.shared,
            constraints=job.constraints,
            scale_errors=job.scale_errors,
        )
        self.by_count = [self.predicted]
        if auto:
            places = range(self.predicted.sizes["count"])
            self.by_count = [self.predicted.isel(count=place) for place in places]
        self.rows = make_rows(spectra, self.by_count[0], noise)
        self.probability = np.asarray(self.predicted["n_peaks_probability"].values, dtype=float)

    def blank(self, n: int) -> Outcome:
        """Outcome of so many spectra of which nothing is known."""
        layout = self.setup.plain_layout(self.predicted.sizes["peak"])
        k = self._most() + 1
        answers = _many(Answers.not_done(layout, 1), n, self.job.covariance)
        return Outcome(
            self.setup,
            self.predicted,
            answers,
            np.full((n, k), -np.inf),
            np.zeros(n, dtype=np.int8),
            np.full((n, self.probability.shape[1]), np.nan),
        )

    def tried(self) -> list[Tried]:
        """Fits of every number of peaks that the network holds likely."""
        n = len(self.rows.counts)
        counts = np.atleast_1d(self.predicted["count"].values) if len(self.by_count) > 1 else None
        if counts is None:
            everything = np.arange(n, dtype=np.intp)
            starts, status = make_starts(self.spectra, self.by_count[0])
            return [self._fitted(everything, starts, status, int(self.job.n_peaks), np.zeros(n))]
        chosen = likely(self.probability, self.job.min_probability, MAX_CANDIDATES)
        tried = []
        with np.errstate(divide="ignore"):
            log_probability = np.log(np.nan_to_num(self.probability))
        for place, count in enumerate(counts):
            rows = np.flatnonzero(chosen[:, place])
            if not rows.size and (n or place):
                continue
            starts, status = make_starts(self.spectra, self.by_count[place])
            mine = {name: values[rows] for name, values in starts.items()}
            share = log_probability[rows, place]
            tried.append(self._fitted(rows, mine, status[rows], int(count), share))
        return tried

    def tried_from(
        self, rows: Numbers, starts: Mapping[str, Floats], count: int, start: Start
    ) -> list[Tried]:
        """Fits of some rows from other starts."""
        if rows.size == 0:
            return []
        place = np.flatnonzero(np.atleast_1d(self.predicted["count"].values) == count)
        share = np.zeros(rows.size)
        if len(self.by_count) > 1 and place.size:
            found = np.nan_to_num(self.probability[rows, place[0]])
            share = np.log(np.maximum(found, LEAST_PROBABILITY))
        status = np.zeros(rows.size, dtype=np.int64)
        return [self._fitted(rows, starts, status, count, share, start)]

    def decided(self, tried: list[Tried], prior: Floats | None = None) -> Decided:
        """Decide, or take the best fit where the caller says how many peaks there are."""
        n = len(self.rows.counts)

        def refined(rows: Numbers, starts: Mapping[str, Floats]) -> Answers:
            return self._refined(rows, starts, np.zeros(rows.size, dtype=np.int64))

        judge = self.job.n_peaks == "auto"
        return decide(self.setup, tried, n, self._most() + 1, refined, prior, judge=judge)

    def _most(self) -> int:
        """Largest number of peaks."""
        return int(max(np.max(self.predicted["count"].values), self.predicted.sizes["peak"]))

    def _fitted(
        self,
        rows: Numbers,
        starts: Mapping[str, Floats],
        status: npt.NDArray[np.int64],
        count: int,
        log_probability: Floats,
        start: Start | None = None,
    ) -> Tried:
        """Fits of some rows."""
        answers = self._refined(rows, starts, status)
        code = np.full(rows.size, int(start or Start.NETWORK), dtype=np.int8)
        return Tried(rows, answers, count, log_probability, code)

    def _refined(
        self, rows: Numbers, starts: Mapping[str, Floats], status: npt.NDArray[np.int64]
    ) -> Answers:
        """Least squares of some rows."""
        some = Rows(self.rows.counts[rows], self.rows.noise[rows], dict(starts), status)
        doublets, cancel = self.job.doublets, self.job.cancel
        return refine_paired(self.setup, some, doublets, engine="batch", cancel=cancel)


def overview(
    job: Job,
    sampled: Outcome,
    mean: xr.DataArray,
    n_states: int | None,
) -> Overview:
    """What a map looks like as a whole.

    Parameters
    ----------
    job : Job
    sampled : Outcome
        Of a sample of the spectra, each by itself.
    mean : DataArray, shape (1, n)
        Mean of all spectra.
    n_states : int or None
        How many states are followed; None to find out.
    """
    peaks, sign = sampled.peaks(), scale_sign(mean.attrs["scale"])
    area = peaks["height"] * peaks["fwhm"]
    found = Found(sign * peaks["center"], peaks["fwhm"], area, sampled.stderr()["center"])
    states = find_states(found, n_states, found.center.shape[1])
    silent = replace(job, cancel=None)
    return Overview(fit_rows(silent, mean, None, lambda _: None).peaks(), states)
