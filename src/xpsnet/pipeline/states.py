"""The stages of `fit` where the model is chosen: states, shape of their lines and background.

One spectrum gets the most probable of all candidates. Of many, line shape, doublets and background
are chosen once, for the mean and for clusters of a fixed sample (`choose_structure`), before any
chunk; then every spectrum is fitted with the models of the sample and has its own number of states.
In a map the neighbors' numbers of states are a prior, and spectra unlike their neighbors are fitted
again from these.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.data.constraints import Constraints
from xpsnet.data.links import parameter_name, split_name
from xpsnet.data.status import INVALID, has_flag
from xpsnet.fitting.maps.neighbors import Shape, Start, around, log_prior, median, offsets, outliers
from xpsnet.fitting.model.doublets import Doublet
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select.model_choice import (
    MOST_STATES,
    Candidate,
    Question,
    Structure,
    Template,
    background_alone,
    choose_structure,
    evidences,
    model_words,
    search_candidates,
    without_states,
)
from xpsnet.fitting.select.next_state import leaves_nothing
from xpsnet.fitting.select.state_models import StateModel, state_options
from xpsnet.fitting.solve.fit_inputs import FitInputs, fit_inputs
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.parallel.threads import as_done, n_threads
from xpsnet.pipeline.outcome import Chosen, Outcome, SpectrumRows

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]
Step = Callable[[int], object]

# Representatives of a stack, beside its mean.
CLUSTERS = 8
# Spectra that are fitted at a time: progress and cancel come in between.
AT_ONCE = 1024
_ROUNDS = 8
# By what a difference of ln evidence is divided, and how often no candidate is right.
TEMPERATURE, NO_CANDIDATE = 5.0, 0.105
# Part of the FWHM by which the centers of two candidates may differ that give one answer.
SAME_CENTER = 0.15
_MOST_CHOICES = 8
# Probability below which what came second is not worth a word.
_SAID = 0.005


def choose(question: Question, rows: SpectrumRows, sign: int) -> Chosen:
    """Choose the model of spectra in memory: of one spectrum, or what many have in common.

    Parameters
    ----------
    question : Question
    rows : SpectrumRows
        One spectrum, or the fixed sample of all of them.
    sign : int
        -1 where the user's scale is kinetic.
    """
    if len(rows.counts) == 1:
        return _choose_one(question, _inputs(rows), sign)
    structure = choose_structure(question, _inputs(_representatives(rows)))
    options = replace(
        question.options,
        line_shape=structure.line_shape,
        background=structure.background,
        counts_states=True,
    )
    models = [template.model for template in structure.templates]
    options = replace(options, **_in_common(options, models))
    choices = dict.fromkeys(model_words(model) for model in models)
    if question.n_states in (None, 0) or not models:
        choices = {model_words(StateModel((), "", "")): None} | choices
    return Chosen(question, options, tuple(choices), structure.words, structure)


def _in_common(options: FitOptions, models: Sequence[StateModel]) -> dict[str, Any]:
    """What holds for every spectrum of a stack, whatever states it has: for the result to keep.

    Widths are those of the widest kind of states; each level with two lines is a doublet without
    numbers of peaks.
    """
    kinds = {kind.name: kind for model in models for kind in model.kinds}
    limits = dict(options.constraints.limits)
    if kinds and "fwhm" not in limits:
        widths = [kind.fwhm for kind in kinds.values()]
        limits["fwhm"] = min(low for low, _ in widths), max(high for _, high in widths)
    doublets = [
        Doublet(
            kind.name,
            None,
            (kind.doublet.splitting[0], kind.doublet.splitting[2]),
            (kind.doublet.ratio[0], kind.doublet.ratio[2]),
            kind.doublet.fwhm_ratio,
            (kind.doublet.splitting[1], kind.doublet.ratio[1]),
        )
        for kind in kinds.values()
        if kind.doublet is not None
    ]
    return {"constraints": Constraints(limits), "doublets": tuple(doublets)}


def _inputs(rows: SpectrumRows) -> FitInputs:
    """Inputs of fits that bring their own starts."""
    nothing = {
        name: np.full((len(rows.counts), 1), np.nan) for name in ("center", "fwhm", "height")
    }
    status = np.zeros(len(rows.counts), dtype=np.int64)
    arrays = rows.energy, rows.counts, rows.background
    return fit_inputs(arrays, rows.noise, nothing, status)


def _representatives(rows: SpectrumRows) -> SpectrumRows:
    """The mean spectrum and the means of clusters of spectra of like shape.

    Means have less noise than single spectra: the noise of a mean of m is theirs over root m.
    """
    counts = np.asarray(rows.counts, dtype=np.float64)
    finite = np.isfinite(counts)
    share = finite.mean(axis=1)
    usable = np.flatnonzero(share > 0.5 * share.max(initial=0.0))
    if usable.size == 0:  # nothing to look at
        nothing = np.full((1, rows.energy.size), np.nan)
        held = None if rows.background is None else np.zeros_like(nothing)
        return SpectrumRows(rows.energy, nothing, np.ones_like(nothing), held)
    member = _clusters(np.where(finite, counts, 0.0)[usable], CLUSTERS)
    nearest = [usable]
    nearest += [usable[member == number] for number in range(int(member.max()) + 1)]
    means = np.stack([_mean(counts[one], finite[one]) for one in nearest])
    deviation = _inputs(rows).noise.deviation
    variance = np.stack([_mean(deviation[one] ** 2, finite[one]) for one in nearest])
    n_finite = np.stack([finite[one].sum(axis=0) for one in nearest])
    noise = np.sqrt(variance / np.maximum(n_finite, 1))
    background = None
    if rows.background is not None:
        background = np.stack([rows.background[one].mean(axis=0) for one in nearest])
    return SpectrumRows(rows.energy, means, np.maximum(noise, 1e-300), background)


def _mean(values: Floats, finite: npt.NDArray[np.bool_]) -> Floats:
    """Mean over the first axis of what is finite, NaN where nothing is."""
    total = np.where(finite, values, 0.0).sum(axis=0)
    number = finite.sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _clusters(counts: Floats, most: int) -> Numbers:
    """Number of the cluster of every spectrum, by shape: k-means from evenly spread starts."""
    low = counts.min(axis=1, keepdims=True)
    shape = counts - low
    shape = shape / np.maximum(shape.sum(axis=1, keepdims=True), 1e-300)
    n = min(most, len(counts))
    principal = shape - shape.mean(axis=0)
    order = np.argsort(principal @ principal[np.argmax((principal**2).sum(axis=1))], kind="stable")
    centers = shape[order[((2 * np.arange(n) + 1) * len(counts) // (2 * n)).astype(np.intp)]]
    member = np.zeros(len(counts), dtype=np.intp)
    for _ in range(_ROUNDS):
        distance = ((shape[:, None, :] - centers[None]) ** 2).sum(axis=2)
        member = distance.argmin(axis=1)
        for number in np.unique(member):
            centers[number] = shape[member == number].mean(axis=0)
    return np.unique(member, return_inverse=True)[1].astype(np.intp)


def _choose_one(question: Question, inputs: FitInputs, sign: int) -> Chosen:
    """The most probable candidate of one spectrum."""
    candidates = search_candidates(question, inputs)
    evidence = evidences(question, inputs, candidates)[:, 0]
    best = int(_best(evidence[:, None], candidates)[0])
    probability = _probabilities(evidence, best)
    words: dict[str, float] = {}
    for candidate, share in zip(candidates, probability, strict=True):
        text = model_words(candidate.model)
        words[text] = words.get(text, 0.0) + float(share)
    chosen = model_words(candidates[best].model)
    ordered = sorted(words.items(), key=lambda one: (one[0] != chosen, -one[1]))[:_MOST_CHOICES]
    one = candidates[best]
    options = _ordered_options(question.options, one, inputs.energy, sign)
    one = _to_the_end(question.options, one, inputs)
    n_states = np.array([len(candidate.model.kinds) for candidate in candidates])
    outcome = _outcome(options, one, sign, _by_number(probability[:, None], n_states))
    shares = np.array([[share for _, share in ordered]])
    outcome = replace(outcome, choice=shares, chosen=np.zeros(1, dtype=np.intp))
    said = [f"{text}, probability {share:.2f}" for text, share in ordered[:2] if share >= _SAID]
    texts = tuple(text for text, _ in ordered)
    return Chosen(question, options, texts, "; second: ".join(said), outcome=outcome)


def _probabilities(evidence: Floats, best: int) -> Floats:
    """Probabilities of candidates; 1 for the best where all are out."""
    if not np.isfinite(evidence).any():
        return np.asarray(np.arange(evidence.size) == best, dtype=float)
    return np.asarray(_shares(evidence[:, None])[:, 0])


def _by_number(values: Floats, n_states: Numbers) -> Floats:
    """Sums (S, count) of values (candidate, S) by the number of states."""
    total = np.zeros((values.shape[1], MOST_STATES + 1))
    for one, count in zip(values, n_states, strict=True):
        total[:, count] += one
    return total


def _ordered_options(
    options: FitOptions, candidate: Candidate, energy: Floats, sign: int
) -> FitOptions:
    """Options of the fit with its peaks in ascending energy, so that links count them so."""
    model = candidate.model
    tied = state_options(options, model, energy)
    order = np.argsort(sign * candidate.results.peaks["center"][0], kind="stable")
    place = {int(old): new for new, old in enumerate(order)}
    links = tuple(
        replace(link, peak=place[link.peak], source=place[link.source])
        for link in tied.constraints.links
    )
    limits = {}
    for name, pair in tied.constraints.limits.items():
        parameter, peak = split_name(name)
        limits[name if peak is None else parameter_name(parameter, place[peak])] = pair
    return replace(tied, constraints=Constraints(limits, links))


def _outcome(options: FitOptions, candidate: Candidate, sign: int, probability: Floats) -> Outcome:
    """Outcome of one spectrum, peaks in ascending energy."""
    results = candidate.results
    n_lines = results.layout.n_peaks
    order = np.argsort(sign * results.peaks["center"], axis=1, kind="stable")
    state = state_numbers(candidate.model, n_lines)[None]
    results = replace(results, state=state).moved(order, options.plain_layout(n_lines))
    start = np.full(1, int(Start.NETWORK), dtype=np.int8)
    return Outcome(results, np.log(np.maximum(probability, 1e-300)), start, probability)


def state_numbers(model: StateModel, n_lines: int) -> npt.NDArray[np.int64]:
    """Number of the state of every line, from 1; 0 where there is no line."""
    numbers = np.zeros(n_lines, dtype=np.int64)
    for number, places in enumerate(model.places):
        numbers[list(places)] = number + 1
    return numbers


def fit_state_rows(chosen: Chosen, rows: SpectrumRows, step: Step = lambda _: None) -> Outcome:
    """Fit every spectrum of a stack with the models of its structure, and choose.

    Parameters
    ----------
    chosen : Chosen
        With a structure; the outcome of one spectrum is returned as it is.
    rows : SpectrumRows
    step : callable
        Called with the number of spectra just done.
    """
    if chosen.outcome is not None:
        step(len(rows.counts))
        return chosen.outcome
    templates = _structure(chosen).templates
    n_lines = max((one.model.n_lines for one in templates), default=1)
    outcome = _not_done(chosen, n_lines, len(rows.counts))
    starts = range(0, len(rows.counts), AT_ONCE)
    cancelled = chosen.question.options.cancelled

    def fit(first: int) -> tuple[Numbers, Outcome]:
        here = np.arange(first, min(first + AT_ONCE, len(rows.counts)), dtype=np.intp)
        return here, _fit_part(chosen, _inputs(rows.rows(here)), n_lines)

    # Few parts use all threads inside; many parts run beside each other, which leaves none idle.
    parts = as_done(fit, starts, cancelled) if len(starts) >= n_threads() else map(fit, starts)
    for here, part in parts:
        outcome.results.copy_from(here, part.results)
        for name in ("score", "start", "probability", "choice", "chosen"):
            getattr(outcome, name)[here] = getattr(part, name)
        step(here.size)
        if cancelled():
            break
    return outcome


def _structure(chosen: Chosen) -> Structure:
    """The structure of a stack."""
    if chosen.structure is None:
        raise ValueError("expected the structure of a stack, got the choice for one spectrum")
    return chosen.structure


def _not_done(chosen: Chosen, n_lines: int, n_spectra: int) -> Outcome:
    """Outcome of spectra that no fit has reached."""
    options = chosen.options
    layout = options.plain_layout(n_lines)
    return Outcome(
        FitResults.not_done(layout, n_spectra, covariance=options.covariance),
        np.full((n_spectra, MOST_STATES + 1), -np.inf),
        np.zeros(n_spectra, dtype=np.int8),
        np.full((n_spectra, MOST_STATES + 1), np.nan),
        np.full((n_spectra, len(chosen.choices)), np.nan),
        np.zeros(n_spectra, dtype=np.intp),
    )


def _fit_part(chosen: Chosen, inputs: FitInputs, n_lines: int) -> Outcome:
    """Fit some spectra with every model of the structure, and choose for each by itself."""
    candidates = _candidates(chosen, inputs)
    outcome = _not_done(chosen, n_lines, len(inputs.counts))
    if chosen.question.options.cancelled():  # some models are fitted, and nothing can be chosen
        return outcome
    evidence = evidences(chosen.question, inputs, candidates)
    n_states = np.array([len(one.model.kinds) for one in candidates])
    shares, best = _shares(evidence), _best(evidence, candidates)
    outcome.probability[:] = _by_number(shares, n_states)
    for one, count in zip(evidence, n_states, strict=True):
        outcome.score[:, count] = np.maximum(outcome.score[:, count], one)
    _note_choice(chosen, outcome, np.arange(best.size), (candidates, shares, best))
    for number, one in enumerate(candidates):
        mine = np.flatnonzero(best == number)
        outcome.results.copy_from(mine, _finished(chosen, one, inputs, mine, n_lines))
    return outcome


def _finished(
    chosen: Chosen, candidate: Candidate, inputs: FitInputs, rows: Numbers, n_lines: int
) -> FitResults:
    """Results of some rows of a candidate, refined to the end."""
    found = Candidate(candidate.model, candidate.results.rows(rows))
    ended = _to_the_end(chosen.question.options, found, inputs.rows(rows))
    return _placed(chosen.options, ended, n_lines)


def _to_the_end(options: FitOptions, candidate: Candidate, inputs: FitInputs) -> Candidate:
    """A candidate refined from where it stands: it is only fitted well enough to be compared."""
    results = candidate.results
    if not len(results):
        return candidate
    if not candidate.model.kinds:
        return background_alone(options, inputs, candidate.model)
    refined = Template(candidate.model, results.peaks).fitted(options, inputs).results
    known = np.isfinite(results.peaks["center"]).all(axis=1)
    better = np.flatnonzero(known & ~has_flag(refined.flags, *INVALID))
    ended = results.rows(np.arange(len(results)))  # the candidate keeps its own
    ended.copy_from(better, refined.rows(better))
    return Candidate(candidate.model, ended)


def _candidates(chosen: Chosen, inputs: FitInputs, *, every: bool = False) -> list[Candidate]:
    """Fits of the models of a structure, the background alone first.

    Models with more states than one that leaves nothing but noise are not tried in that spectrum,
    unless `every`.
    """
    structure, question = _structure(chosen), chosen.question
    templates = structure.templates
    found = []
    if question.n_states in (None, 0) or not templates:
        asked = replace(question, background=structure.background, line_shape=structure.line_shape)
        found.append(without_states(asked, inputs))
    rows = np.arange(len(inputs.counts))
    count = 0
    for template in templates:
        if len(template.model.kinds) > count and found and not every:
            fewer = [one for one in found if len(one.model.kinds) == count]
            done = np.any([leaves_nothing(inputs, one) for one in fewer], axis=0)
            rows = rows[~done[rows]]
        count = len(template.model.kinds)
        found.append(_fitted_rows(question.options, template, inputs, rows))
    return found


def _fitted_rows(
    options: FitOptions, template: Template, inputs: FitInputs, rows: Numbers
) -> Candidate:
    """A template fitted to some rows; the others are not done."""
    if rows.size == len(inputs.counts):
        return template.fitted(options, inputs, quick=True)
    # At least one fit, which says how the results are laid out.
    some = rows if rows.size else np.zeros(1, dtype=np.intp)
    fitted = template.fitted(options, inputs.rows(some), quick=True).results
    results = FitResults.not_done(fitted.layout, len(inputs.counts), covariance=True)
    results.copy_from(rows, fitted.rows(np.arange(rows.size)))
    return Candidate(template.model, results)


def _shares(evidence: Floats) -> Floats:
    """Probabilities (candidate, S) from evidences; 0 where all are out.

    A difference of ln evidence is divided by `TEMPERATURE`, because neither lines nor noise are
    exactly those of the model, and all candidates share what is left for the case that none is
    right (`NO_CANDIDATE`): so stated probabilities hold (benchmarks/bench_states.py). Added up one
    by one: sums of arrays are rounded otherwise in other chunks.
    """
    power = _powers(evidence)
    total = np.zeros(power.shape[1])
    for one in power:
        total += one
    shares = power / np.where(total > 0, total, 1.0)
    return np.where(total > 0, (1 - NO_CANDIDATE) * shares + NO_CANDIDATE / len(power), 0.0)


def _powers(evidence: Floats) -> Floats:
    """Probabilities up to a constant, 1 for the most probable candidate."""
    found: Floats = np.exp((evidence - np.maximum(evidence.max(axis=0), -1e300)) / TEMPERATURE)
    return found


def _note_choice(
    chosen: Chosen,
    outcome: Outcome,
    rows: Numbers,
    judged: tuple[list[Candidate], Floats, Numbers],
) -> None:
    """Write down which model some rows have, and how probable all are."""
    candidates, shares, best = judged
    number = np.array([chosen.choices.index(model_words(one.model)) for one in candidates])
    if outcome.choice is None or outcome.chosen is None:
        return
    outcome.choice[rows] = 0.0
    for one, share in zip(number, shares, strict=True):
        outcome.choice[rows, one] += share
    outcome.chosen[rows] = number[best]


def _best(evidence: Floats, candidates: Sequence[Candidate]) -> Numbers:
    """The best candidate of every spectrum; the least chi-square where all are out.

    Candidates with the same states speak for one answer, on whatever background and with whatever
    line shape: the most probable answer wins, and of its candidates the most probable one.
    """
    chisqr = np.stack([one.results.chisqr for one in candidates])
    least = np.where(np.isfinite(chisqr), chisqr, np.inf).argmin(axis=0)
    known = np.isfinite(evidence).any(axis=0)
    same = _same_answers(candidates)
    support = np.zeros(evidence.shape)
    for with_one, power in zip(same, _powers(evidence), strict=True):
        support += with_one * power
    answer = np.where(np.isfinite(evidence), support, -1.0).argmax(axis=0)
    with_it = np.take_along_axis(same, answer[None, None, :], axis=0)[0]
    best = np.where(with_it, evidence, -np.inf).argmax(axis=0)
    return np.asarray(np.where(known, best, least), dtype=np.intp)


def _same_answers(candidates: Sequence[Candidate]) -> npt.NDArray[np.bool_]:
    """Whether two candidates have the same states, shape (candidate, candidate, S)."""
    n_states = np.array([len(one.model.main) for one in candidates])
    same = np.zeros((len(candidates), len(candidates), len(candidates[0].results)), dtype=bool)
    for count in np.unique(n_states):
        mine = np.flatnonzero(n_states == count)
        states = [_ordered_states(candidates[int(number)]) for number in mine]
        center, width = (np.stack(one) for one in zip(*states, strict=True))
        reach = SAME_CENTER * np.maximum(width[:, None], width)
        same[np.ix_(mine, mine)] = (np.abs(center[:, None] - center) < reach).all(axis=-1)
    same[np.diag_indices(len(candidates))] = True  # also where nothing was fitted
    return same


def _ordered_states(candidate: Candidate) -> tuple[Floats, Floats]:
    """Center and FWHM of the main lines in ascending order, shape (S, state)."""
    main = candidate.model.main
    center, width = (candidate.results.peaks[name][:, main] for name in ("center", "fwhm"))
    order = np.argsort(center, axis=1)
    return np.take_along_axis(center, order, axis=1), np.take_along_axis(width, order, axis=1)


def _placed(options: FitOptions, candidate: Candidate, n_lines: int) -> FitResults:
    """Results of a candidate in a layout of so many lines, with its states."""
    results = candidate.results
    own = results.layout.n_peaks
    state = np.tile(state_numbers(candidate.model, own), (len(results), 1))
    place = np.full((len(results), n_lines), -1, dtype=np.intp)
    place[:, : min(own, n_lines)] = np.arange(min(own, n_lines))
    moved = replace(results, state=state).moved(place, options.plain_layout(n_lines))
    return moved if options.covariance else replace(moved, covariance=None)


def revise_states(chosen: Chosen, rows: SpectrumRows, outcome: Outcome, shape: Shape) -> Outcome:
    """Choose again under the prior of the neighbors, and fit again what is unlike them.

    Parameters
    ----------
    chosen, rows
        As for `fit_state_rows`.
    outcome : Outcome
        From `fit_state_rows`; changed in place.
    shape : tuple of int
        Of the grid that the rows form.
    """
    if not offsets(shape) or chosen.question.options.cancelled() or chosen.structure is None:
        return outcome
    number = outcome.results.state.max(axis=1, initial=0)
    prior = log_prior(outcome.score, shape)
    wanted = (outcome.score + prior).argmax(axis=1)
    unsure = np.isfinite(outcome.score).any(axis=1) & (wanted != number)
    again = unsure | outliers(outcome.results.peaks, outcome.results.peak_errors, shape)
    again &= np.isfinite(rows.counts).any(axis=1)
    n_lines = outcome.results.layout.n_peaks
    near = _starts_near(outcome.results, number, shape)
    todo = np.flatnonzero(again)
    for first in range(0, todo.size, AT_ONCE):
        mine = todo[first : first + AT_ONCE]
        inputs = _inputs(rows.rows(mine))
        _choose_again(chosen, inputs, (mine, prior[mine], near), outcome, n_lines)
    return outcome


Near = dict[bytes, tuple[dict[str, Floats], npt.NDArray[np.bool_]]]
"""Medians of the neighbors with the same states, and where there are at least two."""


def _starts_near(results: FitResults, number: Numbers, shape: Shape) -> Near:
    """Starts from the neighbors, by the states of their lines."""
    found: Near = {}
    for pattern in np.unique(results.state[number > 0], axis=0):
        mine = (results.state == pattern).all(axis=1)
        peaks = {
            name: median(around(np.where(mine[:, None], values, np.nan), shape))
            for name, values in results.peaks.items()
        }
        known = np.nansum(around(mine.astype(float), shape), axis=0) >= 2
        found[pattern.tobytes()] = peaks, np.asarray(known)
    return found


def _choose_again(
    chosen: Chosen,
    inputs: FitInputs,
    around_them: tuple[Numbers, Floats, Near],
    outcome: Outcome,
    n_lines: int,
) -> None:
    """Fit some rows again, also from their neighbors, and choose under the prior."""
    mine, prior, near = around_them
    candidates, question = _candidates(chosen, inputs, every=True), chosen.question
    n_models = len(candidates)
    start = [Start.NETWORK] * n_models
    templates = _structure(chosen).templates
    same: list[tuple[int, int]] = []
    for place, template in enumerate(templates, start=len(candidates) - len(templates)):
        pattern = np.zeros(n_lines, dtype=np.int64)
        pattern[: template.model.n_lines] = state_numbers(template.model, template.model.n_lines)
        if pattern.tobytes() not in near:
            continue
        peaks, known = near[pattern.tobytes()]
        size = template.model.n_lines
        starts = {}
        for name, values in peaks.items():
            own = values[mine, :size]
            usable = known[mine, None] & np.isfinite(own)
            starts[name] = np.where(usable, own, template.starts[name])
        same.append((place, len(candidates)))
        nearby = replace(template, starts=starts)
        candidates.append(nearby.fitted(question.options, inputs, quick=True))
        start.append(Start.NEIGHBORS)
    evidence = evidences(question, inputs, candidates)
    for first, second in same:  # one model counts once, from wherever it started
        better = evidence[second] > evidence[first]
        evidence[first] = np.where(better, -np.inf, evidence[first])
        evidence[second] = np.where(better, evidence[second], -np.inf)
    n_states = np.array([len(one.model.kinds) for one in candidates])
    total = evidence + prior[:, n_states].T
    best = _best(total, candidates)
    # Models share what is left for none of them, however many starts they had.
    models, model_of = total[:n_models].copy(), np.arange(len(candidates))
    for first, second in same:
        models[first], model_of[second] = np.maximum(total[first], total[second]), first
    judged = candidates[:n_models], _shares(models), model_of[best]
    _note_choice(chosen, outcome, mine, judged)
    for number, one in enumerate(candidates):
        local = np.flatnonzero(best == number)
        outcome.results.copy_from(mine[local], _finished(chosen, one, inputs, local, n_lines))
        outcome.start[mine[local]] = int(start[number])
    for one, count in zip(evidence, n_states, strict=True):
        outcome.score[mine, count] = np.maximum(outcome.score[mine, count], one)
