"""The stages of `fit`, on arrays: network, refinement, number of peaks, neighbors, states."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xpsnet.data.peak_arrays import sorted_peaks
from xpsnet.fitting.maps.chemical_states import Found, States, find_states
from xpsnet.fitting.maps.neighbors import (
    Shape,
    Start,
    log_prior,
    offsets,
    outliers,
    starts_around,
)
from xpsnet.fitting.select.find_doublets import refine_with_doublets
from xpsnet.fitting.select.n_peaks import Candidate, Choice, Decision, choose_n_peaks, likely
from xpsnet.fitting.solve.fit_inputs import FitInputs, Starts, fit_inputs
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.models.prediction import predict_arrays
from xpsnet.pipeline.outcome import FindOptions, Numbers, Outcome, SpectrumRows

Floats = npt.NDArray[np.float64]

MAX_CANDIDATES = 3
# Network probability that a number of peaks has at least where the neighbors have it.
LEAST_PROBABILITY = 0.01
# The network and the fits take so many spectra at a time at most: cancel is asked in between.
AT_ONCE = 1024
# Binary digits of a mean spectrum that count: its noise is larger, the error of its sum smaller.
_MEAN_BITS = 20


def fit_rows(
    options: FindOptions, spectra: SpectrumRows, step: Callable[[int], object] = lambda _: None
) -> Outcome:
    """Find, refine and choose the peaks of every spectrum by itself.

    Parameters
    ----------
    options : FindOptions
    spectra : SpectrumRows
    step : callable
        Called with the number of spectra just done.
    """
    outcome = Outcome.not_done(options, len(spectra.counts))
    for rows in _chunks(np.arange(len(spectra.counts), dtype=np.intp), options):
        chunk = _Chunk(options, spectra.rows(rows))
        outcome.probability[rows] = chunk.prediction.probability
        choice = chunk.choose(chunk.from_network())
        if options.fit.cancelled():
            break
        outcome.take(rows, choice)
        step(rows.size)
    return outcome


def _chunks(rows: Numbers, options: FindOptions) -> Iterator[Numbers]:
    """Rows in chunks."""
    size = min(options.network.batch_size, AT_ONCE)
    for at in range(0, rows.size, size):
        yield rows[at : at + size]


def revise(
    options: FindOptions,
    spectra: SpectrumRows,
    outcome: Outcome,
    shape: Shape,
    mean_peaks: Mapping[str, Floats] | None,
) -> Outcome:
    """Fit spectra again that are unlike their neighbors.

    These are the spectra whose number of peaks changes under the prior of the neighbors, those
    with a peak unlike those of the neighbors, and those without a valid fit. They are fitted once
    more, with starts from the network, from the neighbors and from the mean spectrum.

    Parameters
    ----------
    options, spectra
        As for `fit_rows`.
    outcome : Outcome
        From `fit_rows`; changed in place.
    shape : tuple of int
        Of the grid that the rows form.
    mean_peaks : mapping of str to ndarray, shape (1, peak), or None
        Peaks of the mean spectrum.
    """
    if not offsets(shape) or options.fit.cancelled():
        return outcome
    peaks = outcome.results.peaks
    number = np.isfinite(peaks["center"]).sum(axis=1)
    prior = log_prior(outcome.score, shape) if options.finds_n_peaks else None
    wanted = number if prior is None else _n_peaks_under_prior(outcome.score, prior, number)
    valid = np.isfinite(outcome.score).any(axis=1)
    again = (wanted != number) | outliers(peaks, outcome.results.peak_errors, shape) | ~valid
    again &= np.isfinite(spectra.counts).any(axis=1)
    tables = {
        int(k): starts_around(peaks, int(k), shape)
        for k in np.unique(np.concatenate([wanted[again], number[again]]))
    }
    for rows in _chunks(np.flatnonzero(again), options):
        if options.fit.cancelled():
            break
        chunk = _Chunk(options, spectra.rows(rows))
        candidates = chunk.from_network()
        for count, (starts, known) in tables.items():
            asked = (wanted[rows] == count) | (number[rows] == count)
            use = known[rows] & asked
            near = {name: values[rows][use] for name, values in starts.items()}
            candidates += chunk.from_starts(np.flatnonzero(use), near, count, Start.NEIGHBORS)
            if mean_peaks is not None and np.isfinite(mean_peaks["center"]).sum() == count:
                n = int(asked.sum())
                common = {name: np.repeat(v, n, axis=0) for name, v in mean_peaks.items()}
                candidates += chunk.from_starts(np.flatnonzero(asked), common, count, Start.SUM)
        choice = chunk.choose(candidates, None if prior is None else prior[rows])
        if options.fit.cancelled():
            break
        outcome.take(rows, choice)
    return outcome


def _n_peaks_under_prior(score: Floats, prior: Floats, number: Numbers) -> Numbers:
    """Best number of peaks by score and prior; numbers not fitted get a low finite score."""
    tried = np.isfinite(score)
    top = np.where(tried, score, -np.inf).max(axis=1, keepdims=True)
    untried = np.where(np.isfinite(top), top, 0.0) + np.log(LEAST_PROBABILITY)
    best = (np.where(tried, score, untried) + prior).argmax(axis=1)
    return np.where(tried.any(axis=1), best, number)


class _Chunk:
    """Some spectra with what the network finds in them."""

    def __init__(self, options: FindOptions, spectra: SpectrumRows) -> None:
        self.options = options
        self.prediction = predict_arrays(options.network, spectra.energy, spectra.counts)
        starts, status = self._starts(0)
        arrays = spectra.energy, spectra.counts, spectra.background
        self.inputs = fit_inputs(arrays, spectra.noise, starts, status)

    def _starts(self, place: int) -> tuple[Starts, npt.NDArray[np.int64]]:
        """Starts for the count at this place, in ascending energy on the user's scale."""
        tables = self.prediction.parameters
        if self.options.finds_n_peaks:
            tables = {name: values[:, place] for name, values in tables.items()}
        return sorted_peaks(tables, self.options.sign * tables["center"]), self.prediction.status

    def from_network(self) -> list[Candidate]:
        """Fits of every number of peaks that is likely by the network."""
        n = len(self.inputs.counts)
        network = self.options.network
        if network.n_peaks != "auto":
            everything = np.arange(n, dtype=np.intp)
            inputs = self.inputs.with_starts(*self._starts(0))
            return [self._fitted(everything, inputs, network.n_peaks, np.zeros(n))]
        probability = self.prediction.probability
        chosen = likely(probability, self.options.min_probability, MAX_CANDIDATES)
        with np.errstate(divide="ignore"):
            log_probability = np.log(np.nan_to_num(probability))
        candidates = []
        for place, count in enumerate(network.counts):
            rows = np.flatnonzero(chosen[:, place])
            if rows.size:
                inputs = self.inputs.with_starts(*self._starts(place)).rows(rows)
                share = log_probability[rows, place]
                candidates.append(self._fitted(rows, inputs, count, share))
        return candidates

    def from_starts(
        self, rows: Numbers, starts: Mapping[str, Floats], count: int, start: Start
    ) -> list[Candidate]:
        """Fits of some rows from other starts."""
        if rows.size == 0:
            return []
        share = np.zeros(rows.size)
        if self.options.finds_n_peaks and count in self.options.network.counts:
            place = self.options.network.counts.index(count)
            found = np.nan_to_num(self.prediction.probability[rows, place])
            share = np.log(np.maximum(found, LEAST_PROBABILITY))
        some = self._inputs_of(rows, starts)
        return [self._fitted(rows, some, count, share, start)]

    def choose(self, candidates: list[Candidate], prior: Floats | None = None) -> Choice:
        """Choose the number of peaks, or the best fit where the user gave the number."""
        options = self.options

        def refit(rows: Numbers, starts: Mapping[str, Floats]) -> FitResults:
            return refine_with_doublets(options.fit, self._inputs_of(rows, starts))

        decision = Decision(
            options.fit, self.inputs.energy, options.n_counts, given=not options.finds_n_peaks
        )
        return choose_n_peaks(decision, candidates, len(self.inputs.counts), refit, prior)

    def _inputs_of(self, rows: Numbers, starts: Mapping[str, Floats]) -> FitInputs:
        """Inputs of some rows with other starts."""
        status = np.zeros(rows.size, dtype=np.int64)
        return self.inputs.rows(rows).with_starts(dict(starts), status)

    def _fitted(
        self,
        rows: Numbers,
        inputs: FitInputs,
        count: int,
        log_probability: Floats,
        start: Start = Start.NETWORK,
    ) -> Candidate:
        """Fits of some rows."""
        results = refine_with_doublets(self.options.fit, inputs)
        code = np.full(rows.size, int(start), dtype=np.int8)
        return Candidate(rows, results, count, log_probability, code)


def states_in(options: FindOptions, sampled: Outcome) -> States:
    """Chemical states of a map, on the user's scale.

    Parameters
    ----------
    options : FindOptions
    sampled : Outcome
        Of a sample of the spectra, each by itself.
    """
    results = sampled.results
    peaks = results.peaks
    area = peaks["height"] * peaks["fwhm"]
    errors = results.peak_errors["center"]
    found = Found(options.sign * peaks["center"], peaks["fwhm"], area, errors)
    return find_states(found, options.n_states, found.center.shape[1])


def peaks_of_mean(options: FindOptions, mean: SpectrumRows) -> dict[str, Floats]:
    """Peaks of the mean spectrum of a map, each of shape (1, peak).

    Parameters
    ----------
    options : FindOptions
    mean : SpectrumRows
        Mean of all spectra, one row. The last digits of a mean depend on the order of its sum, and
        so on the chunks of the map; they are rounded away.
    """
    held = None if mean.background is None else _rounded(mean.background)
    mean = replace(mean, counts=_rounded(mean.counts), background=held)
    return fit_rows(options.without_cancel(), mean).results.peaks


def _rounded(values: npt.NDArray[np.generic]) -> Floats:
    """Values as multiples of the power of two next to a millionth of the largest."""
    values = np.asarray(values, dtype=np.float64)
    largest = np.abs(values).max(initial=0.0, where=np.isfinite(values))
    step = np.ldexp(1.0, int(np.frexp(largest)[1]) - _MEAN_BITS)
    return np.asarray(np.round(values / step) * step)
