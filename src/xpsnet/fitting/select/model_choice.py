"""Choice of the model of a spectrum: its states, the shape of their lines, the background.

Candidates are symmetric and, where the level has conducting materials, asymmetric lines: of one
state (the others being symmetric), or of all states of the level. For each of these families,
states are added one at a time (`state_search`) on the richest background; the ends are refined
again on the other ones. All candidates are compared on one scale (`state_evidence`), together with
the background without any state. Single lines beside the doublets of a region and lines of
neighbor levels are less probable beforehand than the level itself (`_ODDS`).

For many spectra line shape, doublets and background are chosen once (`choose_structure`): for the
mean spectrum and some representatives. Each spectrum is then fitted with every number of states
that they have, from their ends (`Template`), and has its own number of states.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from xpsnet.data.levels import CoreLevel, core_level
from xpsnet.data.status import Status
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select.state_evidence import MISFIT_PART, MODEL_ERROR, judge, model_scales
from xpsnet.fitting.select.state_models import (
    ASYMMETRIC,
    LINE,
    SYMMETRIC,
    StateKind,
    StateModel,
)
from xpsnet.fitting.select.state_search import (
    Search,
    StateFit,
    once,
    refined_again,
    refined_rows,
    search_states,
)
from xpsnet.fitting.solve.fit_flags import is_highest_at_an_end
from xpsnet.fitting.solve.fit_inputs import FitInputs, Starts
from xpsnet.fitting.solve.fit_results import FitResults

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_STATES = 6
# Logarithm of the odds of a state that is a line of a neighbor level, of the same element or of
# another one, or a single line beside the doublets of the region.
_ODDS = {"near": 0.0, "foreign": -12.0, "line": -8.0}
# Of every state beyond the first.
_FURTHER = -1.0
# And of asymmetric lines, by the class of materials that have them: most C 1s are not graphite.
_ASYMMETRIC = {"other": 0.0, "multiplet": -4.0, "metal": -1.0, "graphite": -4.0}
# And where all states of the level have them: of C 1s not less probable than one, because all lines
# of a polymer lean to higher binding energy by their vibrations.
_EVERY = {"other": -8.0, "multiplet": -8.0, "metal": -8.0, "graphite": 0.0}
# Backgrounds that are compared; the search is done on the first.
_BACKGROUNDS = ("shirley+linear", "shirley", "linear")
_WIDE_BACKGROUNDS = (*_BACKGROUNDS, "tougaard+linear")
_WIDE = 12.0
_ALL_OF_THE_LEVEL = (-1,)
# Numbers of states, by evidence on the first background, that are tried on the others.
_OTHER_BACKGROUNDS = 3
# ln evidence by which states at the window's end must win over the background alone.
_CUT = 10.0
# Of smoothed noise, the density at frequency 0 is that for lines far wider than its correlation;
# lines of ordinary width meet this power of it.
_SMOOTHED = 0.75
# Spectra whose states a search cannot miss, beside the mean of all.
_SEARCHED = 2
# Candidates of one spectrum that the others are fitted with: so many, so far behind the best.
_MOST_TEMPLATES, _POSSIBLE = 16, 60.0
# Correlation of neighboring residuals, in units of chance, below which nothing is left to explain.
_DOUBT = 2.5
# Probability below which what came second is not worth a word.
_SAID = 0.005
# Logarithm of the odds from which a second model with as many states is worth to be kept.
_CLEARLY = 12.0
# Models of one number of states that every spectrum of a stack is fitted with.
_MODELS_OF_COUNT = 2
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")

Key = tuple[str, bool, str]
"""Line shape, whether all states of the level are asymmetric, and background."""


@dataclass(frozen=True)
class Question:
    """What is asked of all spectra of a call.

    Attributes
    ----------
    options : FitOptions
        Of the call, with limits of the caller that hold for all peaks.
    region : str
        Name of the spectra.
    kinds : tuple of StateKind
        From `region_kinds`.
    line_shape, background : str or None
        What the caller gives; None to choose.
    n_states : int or None
        What the caller gives.
    model_error : float or None
        Relative error of the model of a line; None for that of the level's class.
    """

    options: FitOptions
    region: str
    kinds: tuple[StateKind, ...]
    line_shape: str | None = None
    background: str | None = None
    n_states: int | None = None
    model_error: float | None = None

    @property
    def error(self) -> float:
        """Relative error of the model of a line."""
        if self.model_error is not None:
            return self.model_error
        level = core_level(self.region)
        if level is None:
            return MODEL_ERROR["other"]
        return MODEL_ERROR[_material(level)]

    @property
    def families(self) -> tuple[StateModel, ...]:
        """Models without states."""
        background = self.backgrounds(0.0)[0]
        if self.line_shape is not None:
            return (StateModel((), self.line_shape, background, None),)
        symmetric = StateModel((), SYMMETRIC, background)
        level = core_level(self.region)
        if level is None or level.asymmetry is None:
            return (symmetric,)
        one = replace(symmetric, line_shape=ASYMMETRIC)
        return symmetric, one, replace(one, asymmetric=_ALL_OF_THE_LEVEL)

    @property
    def searches(self) -> tuple[Search, ...]:
        """What searches for states need to know.

        One knows the level and single lines only: a doublet of a neighbor level that happens to
        meet lines of two states would otherwise keep its place while states are added.
        """
        asked = self.n_states is not None
        whole = Search(self.kinds, self.odds, 0.0 if asked else self.error, patient=asked)
        own = tuple(kind for kind in self.kinds if kind.own or kind.name == LINE)
        return (whole,) if own == self.kinds else (replace(whole, kinds=own), whole)

    def backgrounds(self, width: float) -> tuple[str, ...]:
        """Backgrounds to compare in a window of this width [eV]."""
        if self.background is not None:
            return (self.background,)
        return _WIDE_BACKGROUNDS if width >= _WIDE else _BACKGROUNDS

    def odds(self, model: StateModel) -> float:
        """Logarithm of a model's probability before the spectrum is seen, up to a constant."""
        odds = 0.0
        level = core_level(self.region)
        if any(kind.own for kind in self.kinds):
            for kind in model.kinds:
                if not kind.own:
                    near = level is not None and kind.name.split()[0] == level.element
                    odds += _ODDS["line" if kind.name == LINE else "near" if near else "foreign"]
        if model.line_shape == ASYMMETRIC and self.line_shape is None and level is not None:
            odds += _ASYMMETRIC[_material(level)]
            odds += _EVERY[_material(level)] if len(model.asymmetric or ()) > 1 else 0.0
        return odds + _FURTHER * max(len(model.kinds) - 1, 0)


def _material(level: CoreLevel) -> str:
    """Class of a level, a key of `MODEL_ERROR`."""
    return "multiplet" if level.multiplet else level.asymmetry or "other"


@dataclass(frozen=True)
class Candidate:
    """One model, refined for S spectra."""

    model: StateModel
    results: FitResults


def evidences(question: Question, inputs: FitInputs, candidates: Sequence[Candidate]) -> Floats:
    """Logarithm of the evidence of candidates, with their odds.

    Parameters
    ----------
    question : Question
    inputs : FitInputs
        S spectra.
    candidates : sequence of Candidate
        C of them, each for all S spectra.

    Returns
    -------
    ndarray, shape (C, S)
        -inf where a candidate is out.
    """
    judged = [judge(one.model, inputs.energy, one.results) for one in candidates]
    chisqr = np.stack([one.results.chisqr for one in candidates])
    proper = np.stack([one.proper for one in judged])
    # Chi-squares go by differences of points, which smoothed noise has too little of.
    smoothed = np.maximum(inputs.noise.density, 1.0) ** _SMOOTHED
    scale = smoothed.copy()
    shown = ~is_highest_at_an_end(inputs.counts)
    with_states = np.array([bool(one.model.kinds) for one in candidates])[:, None]
    if question.error > 0:
        misfit = np.stack([np.where(one.misfit > 0, one.misfit, np.inf) for one in judged])
        fitted = np.stack([one.fitted for one in judged])
        least = np.where(fitted & proper, misfit, np.inf).min(axis=0)
        # Where the window cuts a peak that it shows: not the misfit of the background alone.
        cut = ~(fitted & proper & with_states).any(axis=0) & shown
        least = np.where(cut, np.where(fitted, misfit, np.inf).min(axis=0), least)
        least = np.where(np.isfinite(least), least, 1.0)
        scale = np.maximum(1.0 + MISFIT_PART * (least - 1.0), smoothed)
        scale = np.maximum(scale, _known_scale(question, inputs, candidates, chisqr))
    every = np.stack(
        [
            one.log_evidence(chi, scale) + question.odds(candidate.model)
            for one, chi, candidate in zip(judged, chisqr, candidates, strict=True)
        ]
    )
    return _without_background(every, proper, with_states, shown)


def _without_background(every: Floats, proper: Flags, with_states: Flags, shown: Flags) -> Floats:
    """Evidences without those of models with states that are background.

    Unless the background alone would be left of a spectrum that is far from it and shows its
    maximum: then the window cuts its peak.
    """
    found = np.where(proper, every, -np.inf)
    best = found.max(axis=0)
    bare = ~np.isfinite(np.where(with_states, found, -np.inf).max(axis=0, initial=-np.inf))
    bare |= np.where(with_states, -np.inf, found).max(axis=0) >= best
    cut = bare & shown & (every.max(axis=0) > np.maximum(best, -1e300) + _CUT)
    return np.asarray(np.where(cut, every, found))


def _known_scale(
    question: Question, inputs: FitInputs, candidates: Sequence[Candidate], chisqr: Floats
) -> Floats:
    """The s that follows from the error of the model of a line, shape (S,)."""
    scale = np.ones(len(inputs.counts))
    best = np.where(np.isfinite(chisqr), chisqr, np.inf).argmin(axis=0)
    for number in np.unique(best):
        one = candidates[int(number)]
        rows = np.flatnonzero(best == number)
        if one.model.kinds:
            results = one.results.rows(rows)
            scale[rows] = model_scales(one.model, inputs.rows(rows), results, question.error)
    return scale


def search_candidates(question: Question, inputs: FitInputs) -> list[Candidate]:
    """Candidates of one spectrum (one row; its starts do not count)."""
    energy = inputs.energy
    most = MOST_STATES if question.n_states is None else question.n_states
    fits: list[StateFit] = []
    for family in question.families:
        for search in question.searches:
            more = search_states(question.options, inputs, family, search, most)
            fits += more
            if _explained(inputs, more):  # lines of neighbor levels have nothing to add
                break
    if question.n_states is not None:
        fits = [fit for fit in fits if len(fit.model.kinds) == question.n_states]
    fits = once(fits)  # two families may contain the same model
    ends = _best_of_each(question, inputs, fits)
    for background in question.backgrounds(float(np.ptp(energy)))[1:]:
        fits += refined_again(question.options, inputs, ends, background)
    found = [Candidate(fit.model, fit.results) for fit in fits]
    if question.n_states in (None, 0) or not found:
        found.insert(0, without_states(question, inputs))
    return found


def _explained(inputs: FitInputs, fits: list[StateFit]) -> bool:
    """Whether one of the fits leaves nothing but noise."""
    chance = _DOUBT / np.sqrt(max(int(inputs.used.sum()), 1))
    return any(float(fit.results.correlation[0]) < chance for fit in fits)


def _best_of_each(question: Question, inputs: FitInputs, fits: list[StateFit]) -> list[StateFit]:
    """Of every shape the best fits of those numbers of states that another background may win."""
    if not fits:
        return []
    found = [Candidate(fit.model, fit.results) for fit in fits]
    evidence = evidences(question, inputs, found)[:, 0]
    best: list[StateFit] = []
    shapes = dict.fromkeys(fit.model.line_shape for fit in fits)
    for shape in shapes:
        mine = [n for n, fit in enumerate(fits) if fit.model.line_shape == shape]
        counts = {len(fits[n].model.kinds) for n in mine}
        tops = [
            max((n for n in mine if len(fits[n].model.kinds) == count), key=lambda n: evidence[n])
            for count in counts
        ]
        tops.sort(key=lambda n: -evidence[n])
        best += [fits[n] for n in tops[:_OTHER_BACKGROUNDS]]
    return best


def structure_of(model: StateModel) -> Key:
    """What all spectra of a call have in common."""
    own = [state for state, kind in enumerate(model.kinds) if kind.own]
    every = bool(own) and model.asymmetric is not None and set(own) == set(model.asymmetric)
    return model.line_shape, every and len(own) > 1, model.background


def without_states(question: Question, inputs: FitInputs) -> Candidate:
    """The background alone, of S spectra, fitted well enough to be compared.

    It is a straight line: an active background has nothing to follow.
    """
    background = question.background or "linear"
    model = StateModel((), question.line_shape or SYMMETRIC, background)
    return background_alone(replace(question.options, quick=True), inputs, model)


def background_alone(options: FitOptions, inputs: FitInputs, model: StateModel) -> Candidate:
    """A model without states refined for S spectra."""
    n_spectra = len(inputs.counts)
    nothing = {name: np.full((n_spectra, 1), np.nan) for name in ("center", "fwhm", "height")}
    status = np.full(n_spectra, int(Status.NO_PEAKS), dtype=np.int64)
    return Candidate(model, refined_rows(options, inputs.with_starts(nothing, status), model))


@dataclass(frozen=True)
class Template:
    """A model with the starts of its lines, for every spectrum of a stack.

    Attributes
    ----------
    model : StateModel
    starts : dict of str to ndarray, shape (1, line) or (S, line)
        The same for all spectra, or those of each.
    """

    model: StateModel
    starts: Starts

    def fitted(self, options: FitOptions, inputs: FitInputs, *, quick: bool = False) -> Candidate:
        """The model refined for S spectra; `quick`: well enough to tell models apart."""
        n_spectra = len(inputs.counts)
        starts = {
            name: np.array(np.broadcast_to(values, (n_spectra, values.shape[1])))
            for name, values in self.starts.items()
        }
        rows = inputs.with_starts(starts, np.zeros(n_spectra, dtype=np.int64))
        return Candidate(self.model, refined_rows(replace(options, quick=quick), rows, self.model))


@dataclass(frozen=True)
class Structure:
    """What all spectra of a stack have in common.

    Attributes
    ----------
    line_shape, background : str
    templates : tuple of Template
        Those that a spectrum can have, with states.
    words : str
        What was chosen and what came second.
    """

    line_shape: str
    background: str
    templates: tuple[Template, ...]
    words: str


def choose_structure(question: Question, inputs: FitInputs) -> Structure:
    """Choose line shape, doublets and background for a stack.

    Parameters
    ----------
    question : Question
    inputs : FitInputs
        The mean spectrum, and representatives of all spectra behind it.
    """
    templates = _templates(question, inputs.rows(slice(0, 1)))
    found = [one.fitted(question.options, inputs, quick=True) for one in templates]
    if len(inputs.counts) > 1 and found:
        misfit = np.min([_misfit(one) for one in found], axis=0)
        for row in np.argsort(-misfit[1:], kind="stable")[:_SEARCHED] + 1:
            more = _templates(question, inputs.rows(slice(row, row + 1)))
            templates += more
            found += [one.fitted(question.options, inputs, quick=True) for one in more]
    smaller = _smaller(templates) if question.n_states is None else []
    templates += smaller
    found += [one.fitted(question.options, inputs, quick=True) for one in smaller]
    nothing = without_states(question, inputs)
    evidence = evidences(question, inputs, [nothing, *found])
    keys = [structure_of(one.model) for one in templates]
    distinct = list(dict.fromkeys(keys))
    if not distinct:
        background = question.background or _BACKGROUNDS[0]
        shape = question.line_shape or SYMMETRIC
        return Structure(shape, background, (), "no spectrum has a state")
    total = np.array(
        [
            _log_sums(evidence[[0, *(i + 1 for i, own in enumerate(keys) if own == key)]]).sum()
            for key in distinct
        ]
    )
    order = np.argsort(-total, kind="stable")
    probability = np.exp(total[order] - total.max())
    best = distinct[int(order[0])]
    mine = [number for number, key in enumerate(keys) if key == best]
    kept = _kept([templates[number] for number in mine], evidence[[n + 1 for n in mine]])
    said = [
        f"{structure_words(*distinct[int(number)])}, probability {share / probability.sum():.2f}"
        for number, share in zip(order[:2], probability[:2], strict=True)
        if share >= _SAID * probability.sum()
    ]
    return Structure(best[0], best[2], kept, "; second: ".join(said))


def _templates(question: Question, inputs: FitInputs) -> list[Template]:
    """The candidates of one spectrum that others may have, with their ends as starts."""
    candidates = search_candidates(question, inputs)
    evidence = evidences(question, inputs, candidates)[:, 0]
    states = [n for n, one in enumerate(candidates) if one.model.kinds]
    states.sort(key=lambda n: -evidence[n])
    likely = [n for n in states if evidence[n] > evidence[states[0]] - _POSSIBLE][:_MOST_TEMPLATES]
    kept = dict.fromkeys(likely or states[:_MOST_TEMPLATES])
    keys = {structure_of(candidates[n].model) for n in kept}
    seen = {(structure_of(candidates[n].model), len(candidates[n].model.kinds)) for n in kept}
    for n in states:  # other spectra may have another number of states
        key = structure_of(candidates[n].model), len(candidates[n].model.kinds)
        if key[0] in keys and key not in seen:
            seen.add(key)
            kept[n] = None
    return [Template(candidates[n].model, candidates[n].results.peaks) for n in kept]


def _misfit(candidate: Candidate) -> Floats:
    """Reduced chi-square of fits, infinite where there is none."""
    return np.where(np.isfinite(candidate.results.redchi), candidate.results.redchi, np.inf)


def _log_sums(values: Floats) -> Floats:
    """Logarithms of the sums of exponentials along the first axis; very low where all are out."""
    top = np.maximum(values.max(axis=0), -1e15)
    return np.asarray(top + np.log(np.maximum(np.exp(values - top).sum(axis=0), 1e-300)))


def _kept(templates: list[Template], evidence: Floats) -> tuple[Template, ...]:
    """The models that every spectrum is fitted with.

    Of every number of states up to one more than is best for one of the representatives, those
    that are best for one of them. Single spectra may have fewer states than any representative.
    """
    n_states = np.array([len(one.model.kinds) for one in templates])
    known = np.isfinite(evidence).any(axis=0)
    if not known.any():
        return tuple(templates[:1])
    evidence = evidence[:, known]
    number_in = n_states[evidence.argmax(axis=0)]
    wanted = np.unique(number_in)
    chosen: list[int] = []
    for count in np.unique(n_states[n_states <= wanted.max() + 1]):
        same = np.flatnonzero(n_states == count)
        # Spectra with fewer states would choose starts that divide one line in two.
        asked = number_in == count if (number_in == count).any() else slice(None)
        here = evidence[same][:, asked]
        models = dict.fromkeys(templates[int(n)].model for n in same[here.argmax(axis=0)])
        # Of one model, the starts that are far behind the best ones in the fewest spectra.
        order = same[np.argsort(-_nearness_to_best(here), kind="stable")]
        starts = [next(int(n) for n in order if templates[int(n)].model == one) for one in models]
        chosen += _needed(templates, evidence, starts)
    return tuple(templates[number] for number in chosen)


def _nearness_to_best(evidence: Floats) -> Floats:
    """Sums (C,) of how far candidates are behind the best one of each spectrum, none too far."""
    top = np.maximum(evidence.max(axis=0), -1e300)
    behind = np.nan_to_num(evidence - top, nan=-_POSSIBLE)
    return np.asarray(np.maximum(behind, -_POSSIBLE).sum(axis=1))


def _smaller(templates: list[Template]) -> list[Template]:
    """Further templates: those given without their lowest state, the two lowest, and so on.

    Where a few spectra of a stack have fewer states, the search of the others' mean has not looked
    for these: its best model with so many describes more states than there are.
    """
    known = {_in_any_order(one.model) for one in templates}
    found = []
    for template in templates:
        while len(template.model.kinds) > 1:
            template = _without_lowest(template)
            key = _in_any_order(template.model)
            if key not in known:
                known.add(key)
                found.append(template)
    return found


def _in_any_order(model: StateModel) -> Hashable:
    """What two models have in common whose states stand in another order."""
    asymmetric = model.asymmetric or ()
    states = [(kind.name, number in asymmetric) for number, kind in enumerate(model.kinds)]
    return model.line_shape, model.background, model.asymmetric is None, tuple(sorted(states))


def _without_lowest(template: Template) -> Template:
    """A template without the state of the lowest main line; an asymmetric one stays."""
    model = template.model
    height = np.nanmedian(template.starts["height"], axis=0)[model.main]
    # A -1 says that all states of the level are asymmetric, however many the model has.
    asymmetric = [state for state in model.asymmetric or () if state >= 0]
    if len(asymmetric) == 1:
        height[asymmetric[0]] = np.inf
    lowest = int(np.argmin(height))
    left = [state for state in range(len(model.kinds)) if state != lowest]
    marked = [state for state in model.asymmetric or () if state < 0]
    marked += [left.index(state) for state in asymmetric if state != lowest]
    smaller = replace(
        model,
        kinds=tuple(model.kinds[state] for state in left),
        asymmetric=None if model.asymmetric is None else tuple(marked),
    )
    lines = [place for state in left for place in model.places[state]]
    return Template(smaller, {name: values[:, lines] for name, values in template.starts.items()})


def _needed(templates: list[Template], evidence: Floats, numbers: list[int]) -> list[int]:
    """Of models with the same number of states, the best, and what is clearly better somewhere.

    A line and a doublet that is not resolved describe most spectra equally well: with both, noise
    would choose one in this pixel and the other in the next.
    """
    of_model = [templates[number].model for number in numbers]
    own = [
        evidence[[n for n, one in enumerate(templates) if one.model == model]].max(axis=0)
        for model in of_model
    ]
    common = np.isfinite(own).all(axis=0)
    total = [np.where(common, one, 0.0).sum() for one in own]
    first = int(np.argmax(total))
    needed = [numbers[first]]
    for number, one in zip(numbers, own, strict=True):
        with np.errstate(invalid="ignore"):
            ahead = np.nan_to_num(one - own[first], nan=-np.inf)  # where both are out
        if number != numbers[first] and ahead.max() > _CLEARLY:
            needed.append(number)
    return needed[:_MODELS_OF_COUNT]


def structure_words(line_shape: str, every: bool, background: str) -> str:
    """A structure in words."""
    shape = {SYMMETRIC: "symmetric lines", ASYMMETRIC: "asymmetric lines"}.get(
        line_shape, f"{line_shape} lines"
    )
    return f"{shape}{' in all states' if every else ''}, {background} background"


def model_words(model: StateModel) -> str:
    """The states of a model in words: "one state: asymmetric Pt 4f doublet"."""
    if not model.kinds:
        return "no state: background alone"
    parts: dict[str, int] = {}
    for state, kind in enumerate(model.kinds):
        asymmetric = "asymmetric " if state in (model.asymmetric or ()) else ""
        what = f"{asymmetric}{kind.name}"
        if kind.name != LINE:
            what += " line" if kind.doublet is None else " doublet"
        parts[what] = parts.get(what, 0) + 1
    ordered = sorted(parts.items(), key=lambda part: (part[0].startswith(LINE), -part[1], part[0]))
    states = ", ".join(what if n == 1 else f"{_NUMBERS[n]} {what}s" for what, n in ordered)
    n_states = len(model.kinds)
    count = f"{_NUMBERS[n_states]} state{'s' if n_states > 1 else ''}"
    return f"{count}: {states}"
