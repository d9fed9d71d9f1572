"""What a call of `fit` decides before the first spectrum is fitted: options, noise and model.

A `Plan` depends on the arguments and on a fixed sample of the spectra, never on their chunks. A fit
that is written block by block stores it, so that all blocks have the same one whenever they are
computed (`xpsnet.pipeline.store`).
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import (
    check,
    count,
    flag,
    flag_or_count,
    number,
    optional,
    stated_number,
    text_or_array,
    text_or_texts,
    word_or,
)
from xpsnet.data.levels import core_level
from xpsnet.data.links import split_name
from xpsnet.data.peak_arrays import sorted_peaks
from xpsnet.data.peaks import keep_own_names
from xpsnet.data.spectrum import check_spectra, crop, scale_sign
from xpsnet.data.spectrum_arrays import SpectrumArrays, numeric_energy, spectrum_arrays
from xpsnet.fitting.maps.follow import sampled_rows
from xpsnet.fitting.model.doublets import Doublet, as_doublets
from xpsnet.fitting.model.options import (
    FitOptions,
    checked_constraints,
    checked_shared,
    named_shapes,
    unshared,
)
from xpsnet.fitting.noise_from_fits import Fitted, fitted_curves, noise_from_fits, noise_sample
from xpsnet.fitting.refine_lazy import Chunk
from xpsnet.fitting.select.background import DEFAULT, choose_background
from xpsnet.fitting.select.model_choice import MOST_STATES, Question
from xpsnet.fitting.select.state_models import SYMMETRIC, region_kinds
from xpsnet.fitting.solve.fit_inputs import fit_inputs
from xpsnet.fitting.solve.point_noise import (
    NoiseChoice,
    checked_noise,
    noise_rows,
    with_checked_names,
)
from xpsnet.fitting.solve.spectrum_flags import usable_counts
from xpsnet.fitting.static_background import fitted_name, held_name, held_rows, is_held
from xpsnet.models.prediction import PredictOptions, checked, predict_arrays
from xpsnet.models.weights import load_model
from xpsnet.numerics.known_lines import Known, lines_of
from xpsnet.pipeline.outcome import FindOptions, SpectrumRows
from xpsnet.pipeline.stages import fit_rows
from xpsnet.pipeline.states import choose

Floats = npt.NDArray[np.float64]

# Spectra of a map that are looked at for its states, and fewer than which are no map.
SAMPLED = 1024
FEWEST = 8
# Dimensions of maps and series, whether or not they have a coordinate.
ORDERED = frozenset(
    [
        "x",
        "y",
        "z",
        "position",
        "distance",
        "scan",
        "time",
        "cycle",
        "level",
        "index",
        "etch_time",
        "etch_level",
        "depth",
        "angle",
        "temperature",
    ]
)
# Points of a spectrum up to which states are counted.
MOST_POINTS = 2000
# Spectra that are looked at for the background.
BACKGROUND_SAMPLE = 64


@dataclass(frozen=True)
class Plan:
    """What all spectra of a call of `fit` have in common.

    Attributes
    ----------
    options : FindOptions
    given : Chunk
        The fitted window of the spectra, with their noise and background.
    few : Chunk
        A sample of the spectra in memory, or all of them.
    attrs : dict
        Attributes of the result that say what was chosen.
    """

    options: FindOptions
    given: Chunk
    few: Chunk
    attrs: dict[str, Any]


def check_arguments(asked: Mapping[str, Any]) -> None:
    """Refuse arguments of `fit` that mean nothing or contradict each other.

    Parameters
    ----------
    asked : mapping
        Arguments of `fit` by name, all of them.
    """
    check(
        asked,
        n_peaks=word_or("auto", count()),
        n_states=word_or("auto", count(most=MOST_STATES)),
        background=text_or_array("shirley"),
        line_shape=text_or_texts("voigt"),
        model_error=optional(number(least=0, below=1)),
        min_probability=number(least=0, most=1),
        neighbors=word_or("auto", flag),
        follow=word_or("auto", flag_or_count),
    )
    n_peaks, n_states, line_shape = (asked[name] for name in ("n_peaks", "n_states", "line_shape"))
    if n_peaks != "auto" and n_states != "auto":
        raise ValueError(f"expected n_peaks or n_states, got both: {n_peaks} and {n_states}")
    if n_peaks == "auto" and not isinstance(line_shape, str):
        raise ValueError(
            "expected n_peaks beside a sequence of line shapes, which belong to one peak each, got "
            f"line_shape={list(line_shape)}; give n_peaks, or one shape for all peaks"
        )


def window_of(asked: Mapping[str, Any]) -> tuple[xr.DataArray, xr.DataArray]:
    """The checked spectra of a call, and the window of them that is fitted."""
    whole = keep_own_names(check_spectra(asked["spectra"], dim=asked["dim"]))
    energy_range = asked["energy_range"]
    return whole, whole if energy_range is None else crop(whole, energy_range)


def beside(asked: Mapping[str, Any]) -> tuple[Any, Any]:
    """Noise and background of a call, with the names that the spectra get."""
    given = asked["spectra"], asked["dim"]
    noise, background = (with_checked_names(asked[n], *given) for n in ("noise", "background"))
    return noise, background


def _options(asked: Mapping[str, Any], window: xr.DataArray) -> tuple[FindOptions, Question | None]:
    """Checked options of a call, and what is to be chosen in terms of states."""
    call = SimpleNamespace(**asked)
    network_model = load_model(call.model)
    network = checked(
        PredictOptions(
            network_model,
            call.n_peaks,
            all_counts=call.n_peaks == "auto",
            background="none",
            device=call.device,
            batch_size=int(call.batch_size),
            solve_linear=network_model.config.architecture == "park2020",
            cancel=call.cancel,
        )
    )
    finds_levels = isinstance(call.doublets, str) and call.doublets == "auto"
    any_shape = isinstance(call.line_shape, str) and call.line_shape == "auto"
    shapes, held = named_shapes(SYMMETRIC if any_shape else call.line_shape, network.slots)
    fitted = FitOptions(
        shapes,
        background=fitted_name(call.background),
        shared=unshared(checked_shared(call.shared), held),
        doublets=as_doublets(() if finds_levels else call.doublets, network.slots),
        scale_errors=call.scale_errors,
        covariance=call.covariance,
        engine="batch",
        cancel=call.cancel,
    )
    sign = scale_sign(window.attrs["scale"])
    limits = {**held, **(call.constraints or {})}
    found = checked_constraints(fitted, numeric_energy(window), sign, network.slots, limits)
    if network.config.known and not any_shape:
        network = replace(network, known=Known(lines_of(shapes), found.limits.get("fwhm")))
    fitted = replace(fitted, constraints=found)
    options = FindOptions(fitted, network, sign, call.min_probability)
    options = _with_neighbors(options, window, call.neighbors, call.follow)
    given_doublets = None if finds_levels else fitted.doublets
    unsaid = any_shape, call.background, given_doublets, call.n_states
    question = _question(options, window, unsaid, call.model_error)
    if question is not None and isinstance(call.background, str) and call.background == "auto":
        options = replace(options, fit=replace(options.fit, background=DEFAULT))
    return options, question


def make_plan(asked: Mapping[str, Any]) -> Plan:
    """Decide what all spectra have in common; a sample of them is read and fitted.

    Parameters
    ----------
    asked : mapping
        Arguments of `fit` by name, all of them; checked.
    """
    whole, window = window_of(asked)
    options, question = _options(asked, window)
    noise, background = beside(asked)
    given = Chunk(window, NoiseChoice(None), background, xr.Dataset())
    few = noise_sample(given) if noise is None or isinstance(noise, str) else given
    known = checked_noise(noise, whole, few.spectra)
    given = given._replace(noise=known)
    words = None
    if question is not None and is_held(background):
        words = held_name(background)
    elif isinstance(background, str) and background == "auto" and question is None:
        chosen, words = _chosen_background(options, given)
        options = replace(options, fit=replace(options.fit, background=chosen))
        given = given._replace(background=chosen)
    elif is_held(background):
        words = held_name(background)
    if noise is None and isinstance(known, NoiseChoice):
        few = few._replace(noise=known)
        given = given._replace(noise=_noise_from(options, few, known))
    if question is not None:
        few = few._replace(noise=given.noise) if noise is None else noise_sample(given)
        options = _with_states(options, question, few)
        if not is_held(given.background):
            given = given._replace(background=options.fit.background)
        if isinstance(background, str) and background == "auto":
            words = f"{options.fit.background} by evidence, together with the states"
    attrs: dict[str, Any] = {}
    if isinstance(given.noise, NoiseChoice):
        attrs.update(given.noise.attributes)
    if words is not None:
        attrs["background_choice"] = words
    return Plan(options, given, few, attrs)


Asked = tuple[bool, str | xr.DataArray, tuple[Doublet, ...] | None, int | Literal["auto"]]
"""Of a call: whether the line shape is to be chosen; background, doublets (None: those of the
level) and number of states."""


def _question(
    options: FindOptions, spectra: xr.DataArray, asked: Asked, model_error: float | None
) -> Question | None:
    """What is to be chosen in terms of states; None where lines are counted.

    Lines are counted where the caller gives their number, constraints of single peaks, links or
    the peaks of doublets, where neither the name of the spectra nor the caller says which level it
    is, and where there are more points than candidates can be compared on in a reasonable time.
    """
    any_shape, background, doublets, n_states = asked
    constraints = options.fit.constraints
    numbered = bool(constraints.links) or any(
        split_name(name)[1] is not None for name in constraints.limits
    )
    numbered |= any(one.peaks is not None for one in doublets or ())
    region = str(spectra.name or "")
    named = core_level(region) is not None or bool(doublets)
    if n_states != "auto" and (numbered or not options.finds_n_peaks):
        raise ValueError(
            "expected constraints of all peaks ('fwhm') beside n_states, got constraints, links or "
            "doublets of single peaks; give n_peaks instead"
        )
    n_points = spectra.sizes["energy"]
    if n_states != "auto" and n_points > MOST_POINTS:
        raise ValueError(
            f"expected at most {MOST_POINTS} points for n_states, got {n_points}; take the mean of "
            f"neighboring points, spectra.coarsen(energy={-(-n_points // MOST_POINTS)}, "
            f'boundary="trim").mean(), or pass a smaller energy_range'
        )
    asked_for = (named and n_points <= MOST_POINTS) or n_states != "auto"
    if numbered or not options.finds_n_peaks or not asked_for:
        return None
    photon_energy = stated_number(spectra.attrs.get("photon_energy"))
    offset = 0.0 if options.sign > 0 else photon_energy
    kinds = region_kinds(region, numeric_energy(spectra), doublets, offset)
    shape = None if any_shape else str(options.fit.line_shape)
    given = None if isinstance(background, str) and background == "auto" else options.fit.background
    number = None if n_states == "auto" else int(n_states)
    fit = replace(options.fit, doublets=())
    return Question(fit, region, kinds, shape, given, number, model_error)


def _with_states(options: FindOptions, question: Question, few: Chunk) -> FindOptions:
    """Options with the model that a sample of the spectra speaks for."""
    _, rows = rows_of(with_noise(options, few))
    chosen = choose(question, rows, options.sign)
    fit = replace(chosen.options, covariance=options.fit.covariance, cancel=options.fit.cancel)
    return replace(options, fit=fit, chosen=chosen)


def _with_neighbors(
    options: FindOptions,
    spectra: xr.DataArray,
    neighbors: bool | Literal["auto"],
    follow: bool | int | Literal["auto"],
) -> FindOptions:
    """What the spectra of a map do for each other: as asked, or what is sensible for so many."""
    n_spectra = int(np.prod(spectra.shape[:-1]))
    near = bool(neighbors)
    if neighbors == "auto":
        near = n_spectra >= FEWEST and all(_is_ordered(spectra, d) for d in spectra.dims[:-1])
    near = near and n_spectra > 1
    constraints = options.fit.constraints
    numbered = bool(constraints.links) or any(
        split_name(name)[1] is not None for name in constraints.limits
    )
    if not isinstance(options.fit.line_shape, str):  # a place along `peak` is a shape
        if follow not in ("auto", False):
            raise ValueError("expected one line shape for all peaks with follow, got several")
        numbered = True
    states = near and not numbered if follow == "auto" else bool(follow)
    n_peaks = options.network.n_peaks
    number = None if n_peaks == "auto" else max(n_peaks, 1)
    if follow != "auto" and not isinstance(follow, bool):
        number = int(follow)
    states = states and spectra.ndim > 1 and n_spectra > 0
    return replace(options, neighbors=near, follow=states, n_states=number)


def _is_ordered(spectra: xr.DataArray, dim: Hashable) -> bool:
    """Whether spectra next to each other along a dimension belong next to each other."""
    if dim in ORDERED:
        return True
    if dim not in spectra.coords or spectra[dim].dtype.kind not in "iuf":
        return False
    steps = np.diff(spectra[dim].values)
    return bool(steps.size and ((steps > 0).all() or (steps < 0).all()))


def rows_of(chunk: Chunk) -> tuple[SpectrumArrays, SpectrumRows]:
    """Spectra in memory as arrays, with their noise and a background that is held."""
    arrays = spectrum_arrays(chunk.spectra)
    curve = held_rows(arrays, chunk.background)
    noise = noise_rows(chunk.noise, chunk.spectra)
    return arrays, SpectrumRows(arrays.energy, usable_counts(arrays), noise, curve)


def _chosen_background(options: FindOptions, given: Chunk) -> tuple[str, str]:
    """The background that a sample of the spectra speaks for, with the network's peaks."""
    n = int(np.prod(given.spectra.shape[:-1]))
    _, rows = rows_of(given.sampled(sampled_rows(n, BACKGROUND_SAMPLE)).computed())
    network = replace(options.network, all_counts=False, background="none", solve_linear=True)
    prediction = predict_arrays(network, rows.energy, rows.counts)
    center = prediction.parameters["center"]
    starts = sorted_peaks(prediction.parameters, options.sign * center)
    arrays = rows.energy, rows.counts, rows.background
    inputs = fit_inputs(arrays, rows.noise, starts, prediction.status)
    return choose_background(options.fit, inputs)


def _noise_from(options: FindOptions, few: Chunk, given: NoiseChoice) -> NoiseChoice:
    """Noise of spectra in memory from fits of them; see `noise_from_fits`."""
    _, rows = rows_of(few)

    def fitted(noise: NoiseChoice) -> Fitted:
        outcome = fit_rows(options, replace(rows, noise=noise))
        return fitted_curves(options.fit, rows.energy, outcome.results, rows.background)

    return noise_from_fits(rows.counts, given, fitted)


def with_noise(options: FindOptions, given: Chunk) -> Chunk:
    """Spectra in memory whose noise is known: estimated one by one where it is not."""
    if isinstance(given.noise, NoiseChoice) and given.noise.model is None:
        return given._replace(noise=_noise_from(options, given, given.noise))
    return given
