"""Search for the states of a spectrum: one more at a time, where the residual asks for it.

From fits with k states those with k + 1 follow: every kind of state is tried at every place of the
window with some widths, by how much of the residual it explains after background and heights of
the others have been fitted again (linear least squares, so thousands of places cost little). The
best few are refined with everything free; of their ends the best two are the starts for the next:
those of the smallest chi-square, in units of the misfit, that counts the odds of the model and that
some of its states are none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from xpsnet.data.status import Status, has_flag
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.spectrum_model import SpectrumModel
from xpsnet.fitting.select.state_evidence import model_scales, states_exist
from xpsnet.fitting.select.state_models import (
    ASYMMETRIC,
    LEAST_STEPS,
    SYMMETRIC,
    StateKind,
    StateModel,
    state_options,
)
from xpsnet.fitting.solve.batch import weighted
from xpsnet.fitting.solve.dispatch import refine_rows
from xpsnet.fitting.solve.fit_inputs import FitInputs, Starts
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]

MAX_LINES = 12
# Fits that the next state is added to, and places at which it is tried for each of them.
_BEAM = 2
_PLACES = 4
# Widths [eV] of a first state; of another one in widths of the strongest there is.
_FIRST_WIDTHS = (0.7, 1.2, 2.0, 3.2)
_WIDTHS = (0.6, 1.0, 1.7, 3.0)
# Widths that are tried are powers of this: their templates are drawn once.
_LADDER = 1.2
# Places of one kind are different where they lie farther apart than this part of the width.
_APART = 0.6
# Lorentzian share of the lines that are tried.
_SHARE = 0.3
_SAME = 1e-3
# Up to so many states of the level, which of them is asymmetric is tried; later it is known.
_ASYMMETRIC_TRIED = 2
# What a model costs that has states which are none, in chi-square.
_NO_STATES = 30.0
# A further state that gains less ln likelihood is not worth its parameters; the search ends after
# two of these.
_LEAST_GAIN, _MOST_IDLE = 4.0, 2

Odds = Callable[[StateModel], float]
"""Logarithm of the probability of a model before a spectrum is seen, up to a constant."""


@dataclass(frozen=True)
class Search:
    """What a search for states needs to know.

    Attributes
    ----------
    kinds : tuple of StateKind
        From `region_kinds`.
    odds : callable
    error : float
        Relative error of the model of a line; see `state_evidence`.
    patient : bool
        Whether states are added that gain nothing: the caller wants so many.
    """

    kinds: tuple[StateKind, ...]
    odds: Odds
    error: float
    patient: bool = False


@dataclass(frozen=True)
class StateFit:
    """A refined model of one spectrum.

    Attributes
    ----------
    model : StateModel
    results : FitResults
        One row.
    curve : ndarray, shape (n,)
        The fitted curve, background included.
    """

    model: StateModel
    results: FitResults
    curve: Floats

    @property
    def chisqr(self) -> float:
        """Sum of squared weighted residuals."""
        return float(self.results.chisqr[0])

    @property
    def centers(self) -> Floats:
        """Centers of the main lines of the states [eV]."""
        return np.asarray(self.results.peaks["center"][0][self.model.main])

    @property
    def widths(self) -> Floats:
        """FWHM of the main lines of the states [eV]."""
        return np.asarray(self.results.peaks["fwhm"][0][self.model.main])


@dataclass(frozen=True)
class _Try:
    """A model with the places and widths at which its states start."""

    model: StateModel
    centers: Floats
    widths: Floats


def search_states(
    options: FitOptions, inputs: FitInputs, empty: StateModel, search: Search, most: int
) -> list[StateFit]:
    """Refined models of one spectrum with one state, two, ... and at most `most`.

    Parameters
    ----------
    options : FitOptions
        Of the call.
    inputs : FitInputs
        One row; its starts do not count.
    empty : StateModel
        Line shape and background, without states. Where `asymmetric` is a tuple, which states are
        asymmetric is tried, too: one of them (empty), or all of the level (a tuple with a -1).
    search : Search
    most : int

    Returns
    -------
    list of StateFit
        The two best of every number of states, best first; may be empty.
    """
    found: list[StateFit] = []
    frontier: list[StateFit | None] = [None]
    before, idle = np.inf, 0
    for _ in range(most):
        tries = [one for fit in frontier for one in _tries(inputs, empty, fit, search.kinds)]
        fits = _ranked(_refined(options, inputs, tries), inputs, search.odds)
        if not fits:
            break
        found += fits[:_BEAM]
        frontier = [*fits[:_BEAM]]
        best = fits[0]
        scale = float(model_scales(best.model, inputs, best.results, search.error)[0])
        gain = (before - best.chisqr) / (2 * max(scale, float(best.results.redchi[0]), 1.0))
        before, idle = best.chisqr, idle + 1 if gain < _LEAST_GAIN else 0
        if idle == _MOST_IDLE and not search.patient:
            break
    return found


def _tries(
    inputs: FitInputs, empty: StateModel, fit: StateFit | None, kinds: Sequence[StateKind]
) -> list[_Try]:
    """Models with one state more than a fit has, at the places that its residual asks for."""
    before = empty if fit is None else fit.model
    centers, widths = (np.empty(0), np.empty(0)) if fit is None else (fit.centers, fit.widths)
    if before.n_lines + max(kind.n_lines for kind in kinds) > MAX_LINES:
        return []
    found = []
    for kind, center, width in _places(inputs, fit, kinds):
        grown = before.with_state(kind)
        for model in _asymmetric_variants(empty, grown):
            found.append(_Try(model, np.append(centers, center), np.append(widths, width)))
    return found


def _asymmetric_variants(empty: StateModel, model: StateModel) -> list[StateModel]:
    """The same states with other ones asymmetric, as far as the family allows."""
    if model.line_shape != ASYMMETRIC or model.asymmetric is None:
        return [model]
    own = [state for state, kind in enumerate(model.kinds) if kind.own]
    if not own:
        return [replace(model, asymmetric=empty.asymmetric)]
    if empty.asymmetric:
        return [replace(model, asymmetric=tuple(own))]
    last = len(model.kinds) - 1
    chosen = {state for state in model.asymmetric if state in own} or {own[0]}
    if last in own and len(own) <= _ASYMMETRIC_TRIED:
        chosen.add(last)
    return [replace(model, asymmetric=(state,)) for state in sorted(chosen)]


def _places(
    inputs: FitInputs, fit: StateFit | None, kinds: Sequence[StateKind]
) -> list[tuple[StateKind, float, float]]:
    """Kind, place [eV] and width [eV] of states that explain most of the residual."""
    energy = inputs.energy
    used = inputs.used[0]
    counts, weights = (values[0] for values in weighted(inputs)[:2])
    columns = [np.ones_like(energy), (energy - energy.mean()) / np.ptp(energy)]
    low = counts[used].min(initial=0.0)
    columns.append(np.cumsum(np.where(used, counts - low, 0.0)) / max(counts.sum(), 1e-300))
    residual = counts
    widths: Sequence[float] = _FIRST_WIDTHS
    if fit is not None:
        peaks = fit.results.peaks
        columns += list(_lines(energy, peaks["center"][0], peaks["fwhm"][0]))
        residual = np.where(used, inputs.counts[0] - fit.curve, 0.0)
        strongest = int(np.argmax(peaks["height"][0][fit.model.main]))
        widths = [part * float(fit.widths[strongest]) for part in _WIDTHS]
    basis, _ = np.linalg.qr((np.stack(columns) * weights).T)
    target = residual * weights
    target = target - basis @ (basis.T @ target)
    found: list[tuple[float, StateKind, float, float]] = []
    axis = energy.tobytes()
    for kind in kinds:
        for width in widths:
            rung = round(np.log(np.clip(width, *kind.fwhm)) / np.log(_LADDER))
            wide = float(np.clip(_LADDER**rung, *kind.fwhm))
            at, lines = _template(kind, axis, wide)
            # The target is orthogonal to the basis: templates need not be made so.
            overlap = lines @ (weights * target)
            whole = (lines * lines) @ (weights * weights)
            norm = whole - ((lines @ (weights[:, None] * basis)) ** 2).sum(axis=1)
            good = (overlap > 0) & (norm > 1e-9 * whole)
            gain = np.where(good, overlap**2 / np.where(good, norm, 1.0), 0.0)
            found += [(g, kind, c, wide) for g, c in zip(gain, at, strict=True) if g > 0]
    return _distinct(found)


def _grid(kind: StateKind, energy: Floats, step: float) -> Floats:
    """Places where the main line of a kind may lie, so that all of its lines are inside."""
    low, high = max(kind.energies[0], energy[0]), min(kind.energies[1], energy[-1])
    if kind.doublet is not None:
        high = min(high, energy[-1] - kind.doublet.splitting[1])
    return np.arange(low, high, step) if low < high else np.empty(0)


@lru_cache(maxsize=64)
def _template(kind: StateKind, axis: bytes, width: float) -> tuple[Floats, Floats]:
    """Places, and unit states of a kind there, shape (places, n); shared by calls of one axis.

    `axis`: energies as 8-byte floats.
    """
    energy = np.frombuffer(axis, dtype=np.float64)
    step = float(np.median(np.diff(energy)))
    at = _grid(kind, energy, max(width / 3, step))
    drawn = max(width, LEAST_STEPS * step)
    lines = _lines(energy, at, np.full(at.shape, drawn))
    if kind.doublet is not None:
        broader = float(np.mean(kind.doublet.fwhm_ratio))
        second = _lines(energy, at + kind.doublet.splitting[1], np.full(at.shape, drawn * broader))
        lines = lines + kind.doublet.ratio[1] / broader * second
    return at, lines


def _lines(energy: Floats, center: Floats, fwhm: Floats) -> Floats:
    """Pseudo-Voigt lines of height 1, shape (lines, n); without lines that are absent."""
    known = np.isfinite(center)
    shapes = np.broadcast_arrays(center[known], fwhm[known], 1.0, _SHARE)
    return np.asarray(LINE_SHAPES[SYMMETRIC].value(energy, *shapes))


def _distinct(
    found: list[tuple[float, StateKind, float, float]],
) -> list[tuple[StateKind, float, float]]:
    """The best places that are different ones."""
    found.sort(key=lambda one: -one[0])
    chosen: list[tuple[StateKind, float, float]] = []
    for _, kind, center, width in found:
        if len(chosen) == _PLACES:
            break
        near = (
            other is kind and abs(center - place) <= _APART * max(width, own)
            for other, place, own in chosen
        )
        if not any(near):
            chosen.append((kind, center, width))
    return chosen


def _refined(options: FitOptions, inputs: FitInputs, tries: Sequence[_Try]) -> list[StateFit]:
    """Fits from these starts, best first, those with the same end once."""
    groups: dict[StateModel, list[_Try]] = {}
    for one in tries:
        groups.setdefault(one.model, []).append(one)
    fits = [fit for model, same in groups.items() for fit in _fitted(options, inputs, model, same)]
    return once(sorted(fits, key=lambda fit: fit.chisqr))


def once(fits: Sequence[StateFit]) -> list[StateFit]:
    """Without the same model with the same chi-square twice; the first of them stays."""
    found: list[StateFit] = []
    for fit in fits:
        same = (other for other in found if other.model == fit.model)
        if not any(abs(fit.chisqr - other.chisqr) <= _SAME * other.chisqr for other in same):
            found.append(fit)
    return found


def refined_again(
    options: FitOptions, inputs: FitInputs, fits: Sequence[StateFit], background: str
) -> list[StateFit]:
    """Fits of the same states on another background, from where the given ones ended."""
    found: list[StateFit] = []
    for fit in fits:
        model = replace(fit.model, background=background)
        found += _from_starts(options, inputs, model, fit.results.peaks)
    return found


def _ranked(fits: list[StateFit], inputs: FitInputs, odds: Odds) -> list[StateFit]:
    """Fits with the same number of states, the most promising first."""
    if not fits:
        return fits
    scale = max(1.0, min(float(fit.results.redchi[0]) for fit in fits))

    def cost(fit: StateFit) -> float:
        strong, proper = states_exist(fit.model, inputs.energy, fit.results)
        exist = bool(strong[0] and proper[0])
        return fit.chisqr / scale - 2 * odds(fit.model) + (0.0 if exist else _NO_STATES)

    return sorted(fits, key=cost)


def _fitted(
    options: FitOptions, inputs: FitInputs, model: StateModel, tries: Sequence[_Try]
) -> list[StateFit]:
    """Fits of one model from several places."""
    centers, widths = (np.stack([getattr(t, n) for t in tries]) for n in ("centers", "widths"))
    return _from_starts(options, inputs, model, state_starts(model, centers, widths))


def _from_starts(
    options: FitOptions, inputs: FitInputs, model: StateModel, starts: Starts
) -> list[StateFit]:
    """Fits of one model to one spectrum from several starts."""
    n_starts = len(starts["center"])
    rows = inputs.rows(np.zeros(n_starts, dtype=np.intp))
    rows = rows.with_starts(starts, np.zeros(n_starts, dtype=np.int64))
    results = refined_rows(replace(options, quick=True), rows, model)
    drawn = SpectrumModel(model.line_shape, model.background, inputs.energy, results.layout)
    curves = drawn.curves(results.values)
    good = np.isfinite(results.chisqr) & ~has_flag(results.flags, Status.FAILED)
    return [
        StateFit(model, results.rows(np.array([row])), curves[row]) for row in np.flatnonzero(good)
    ]


def refined_rows(options: FitOptions, inputs: FitInputs, model: StateModel) -> FitResults:
    """Fits of a model to S spectra from their starts, by the batched engine."""
    return refine_rows(
        replace(state_options(options, model, inputs.energy), engine="batch"), inputs
    )


def state_starts(model: StateModel, centers: Floats, widths: Floats) -> Starts:
    """Starts of the lines from those of the states.

    Parameters
    ----------
    model : StateModel
    centers, widths : ndarray, shape (R, state)
        Of the main lines [eV].

    Returns
    -------
    dict of str to ndarray, shape (R, line)
        Heights are left to the linear start.
    """
    shape = len(centers), model.n_lines
    starts = {name: np.full(shape, np.nan) for name in ("center", "fwhm", "height")}
    for state, (kind, places) in enumerate(zip(model.kinds, model.places, strict=True)):
        starts["center"][:, places[0]] = centers[:, state]
        starts["fwhm"][:, places[0]] = widths[:, state]
        if kind.doublet is not None:
            broader = float(np.mean(kind.doublet.fwhm_ratio))
            starts["center"][:, places[1]] = centers[:, state] + kind.doublet.splitting[1]
            starts["fwhm"][:, places[1]] = widths[:, state] * broader
    return starts
