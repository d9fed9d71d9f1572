"""The whole fit in one call: choose the model in chemical states, or count the lines.

Where the name of the spectra or the caller says which level it is, states are counted: models of
lines and doublets of the level are searched for, refined and compared by their evidence
(`xpsnet.fitting.select.model_choice`, `xpsnet.pipeline.states`). The network is not asked.

Where nothing is known about the level, and where the caller gives the number of lines or
constraints of single ones, lines are counted. How the peaks of one spectrum are found then:

1. The network gives every number of peaks a probability, and peaks for it. Those numbers to which
   it gives at least `min_probability`, the most probable one always, at most three, are refined.
2. Fits with spurious peaks are discarded; among the others the probability and the evidence of the
   fits decide, as `xpsnet.fitting.select.n_peaks` explains.

How the spectra of a map help each other (`neighbors`):

3. A spectrum is fitted again where its neighbors have another number of peaks, where one of its
   peaks is unlike theirs, or where no fit is valid. The new starts are the peaks of the neighbors
   and of the mean spectrum; the neighbors' numbers of peaks are the prior of its own
   (`fitting.maps.neighbors`). `start` says where the starts came from. What is fitted is always
   the spectrum itself.
4. The peaks get the places of the chemical states that they belong to
   (`xpsnet.fitting.maps.chemical_states`).

Steps 1 and 2 treat every spectrum by itself. Steps 3 and 4 need the spectra at most `OVERLAP` steps
away and one look at the whole map: its mean spectrum, and a sample of 1,024 spectra for the states.
Of lazy spectra this sample is read at once, so that the labels of the result are known.
Chunks of lazy spectra are read together with as many of their neighbors as these steps need, so
that the results do not depend on the chunks.

A number of peaks that the caller gives is always refined, also where peaks are spurious.
"""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
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
from xpsnet.data.constraints import Constraint
from xpsnet.data.levels import core_level
from xpsnet.data.links import split_name
from xpsnet.data.measured_energies import on_measured_energies
from xpsnet.data.peak_arrays import sorted_peaks
from xpsnet.data.peaks import keep_own_names
from xpsnet.data.spectrum import check_spectra, crop, scale_sign
from xpsnet.data.spectrum_arrays import SpectrumArrays, numeric_energy, spectrum_arrays
from xpsnet.data.status import Status, has_flag, with_texts
from xpsnet.fitting.maps.chemical_states import LOCAL_ROUNDS, Found, States
from xpsnet.fitting.maps.follow import follow_places, sampled_rows
from xpsnet.fitting.maps.neighbors import PRIOR_ROUNDS, Start, reach
from xpsnet.fitting.model.doublets import Doublet, as_doublets
from xpsnet.fitting.model.options import (
    FitOptions,
    checked_constraints,
    checked_shared,
    named_shapes,
    unshared,
)
from xpsnet.fitting.noise_from_fits import Fitted, fitted_curves, noise_from_fits, noise_sample
from xpsnet.fitting.refine_lazy import Chunk, map_chunks
from xpsnet.fitting.select.background import DEFAULT, choose_background
from xpsnet.fitting.select.model_choice import MOST_STATES, Question
from xpsnet.fitting.select.state_models import SYMMETRIC, region_kinds
from xpsnet.fitting.select.steps import without_invented_peaks
from xpsnet.fitting.solve.fit_inputs import fit_inputs
from xpsnet.fitting.solve.fit_results import FitResults, areas, results_to_dataset
from xpsnet.fitting.solve.point_noise import (
    Noise,
    NoiseChoice,
    checked_noise,
    noise_rows,
    with_checked_names,
)
from xpsnet.fitting.solve.spectrum_flags import usable_counts
from xpsnet.fitting.static_background import fitted_name, held_name, held_rows, is_held
from xpsnet.models.prediction import (
    PredictOptions,
    checked,
    origin_attributes,
    predict_arrays,
)
from xpsnet.models.weights import Model, load_model
from xpsnet.numerics.known_lines import Known, lines_of
from xpsnet.parallel.progress import Cancel, Progress, reporting
from xpsnet.pipeline.outcome import FindOptions, Outcome, Overview, SpectrumRows
from xpsnet.pipeline.stages import fit_rows, peaks_of_mean, revise, states_in
from xpsnet.pipeline.states import choose, fit_state_rows, revise_states

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
# How far away, in reaches of the neighborhood, a spectrum may matter: rounds of the prior, starts,
# rounds of following.
OVERLAP = PRIOR_ROUNDS + 1 + LOCAL_ROUNDS


@on_measured_energies
def fit(
    spectra: xr.DataArray,
    *,
    model: str | Path | Model = "default",
    n_peaks: int | Literal["auto"] = "auto",
    n_states: int | Literal["auto"] = "auto",
    background: str | xr.DataArray = "auto",
    line_shape: str | Sequence[str] = "auto",
    shared: tuple[str, ...] = ("fraction",),
    constraints: Mapping[str, Constraint] | None = None,
    doublets: Sequence[Doublet | str] | Literal["auto"] = "auto",
    model_error: float | None = None,
    energy_range: tuple[float, float] | None = None,
    noise: Noise = None,
    min_probability: float = 0.05,
    neighbors: bool | Literal["auto"] = "auto",
    follow: bool | int | Literal["auto"] = "auto",
    scale_errors: bool = False,
    covariance: bool = False,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    batch_size: int = 4096,
    progress: Progress = None,
    cancel: Cancel = None,
    dim: str | None = None,
) -> xr.Dataset:
    """Find peaks with the network, refine them by least squares, and choose their number.

    Parameters
    ----------
    spectra : DataArray
        Spectra of any shape over energy [eV]; NaN marks missing points. Dask arrays stay lazy, and
        give the same (see Notes).
    model : str, Path or Model
        Network that finds the peaks, as for `predict`.
    n_peaks : int or "auto"
        Number of lines; "auto" chooses it for every spectrum.
    n_states : int or "auto"
        Number of chemical states: a state is one line, or both lines of a doublet. Not together
        with `n_peaks`.
    background : str or DataArray
        As for `refine`; "auto" chooses it, once for all spectra.
    line_shape : str or sequence of str
        As for `refine`, names of CasaXPS included; "auto" chooses, once for all spectra, between
        symmetric ("pseudo_voigt") and asymmetric lines ("asymmetric_pseudo_voigt", of some or of
        all states) where the level has conducting materials. A sequence, one shape for each peak
        in ascending energy, needs `n_peaks`; these peaks are not followed over a map.
    doublets : sequence of Doublet or str, or "auto"
        Levels whose lines are doublets, for instance "S 2p"; see `xpsnet.doublet`. "auto" takes the
        level that the name of the spectra states, with the ranges of `xpsnet.data.levels`.
    model_error : float, optional
        How exactly a line is known, relative to its height: where the noise is less, it is this
        that decides how many states there are. By default by the class of the level (`MODEL_ERROR`
        in `xpsnet.fitting.select.state_evidence`); 0 counts every significant deviation as a state.
    shared, constraints, noise, scale_errors, covariance
        As for `refine`.
    energy_range : (float, float), optional
        Energies to fit [eV], on the spectra's scale; the whole axis by default.
    min_probability : float
        Numbers of peaks with a lower probability are not refined.
    neighbors : bool or "auto"
        Whether the peaks of neighboring spectra are start values and a prior for their number.
        "auto": if there are at least 8 spectra, and each of their dimensions is one of a map or a
        series (`x`, `scan`, `etch_time`, ...) or has ascending or descending coordinates.
    follow : bool, int or "auto"
        True: a number along `peak` is the same chemical state in all spectra, as in
        `xpsnet.follow`. An int is the number of these states. False: peaks in ascending energy.
        "auto" is True if `neighbors` are used, unless `constraints` name single peaks.
    device : {"auto", "cpu", "gpu"}
        Where the network runs.
    batch_size : int
        Spectra that the network takes at a time.
    progress : bool or callable, optional
        True shows a bar; a callable gets (done, total) spectra.
    cancel : callable, optional
        Called between blocks of spectra; once it returns True, the remaining spectra get the
        status NOT_DONE.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    Dataset
        As from `refine`. Where states were counted, with the number of each peak's `state` and of
        its `partner` in a doublet (..., peak), 0 for none; `n_states` (...) and
        `n_states_probability` (..., count); which of the attribute `model_choices` (JSON) holds,
        `model_choice` (...), and `model_probability` (..., choice). The attribute
        `model_choice_text` says what was chosen and what came second. Where lines were counted,
        with the network's `n_peaks_probability` (..., count). Of maps also with `start` (...),
        which says where the start values of the fit came from, and `label` (peak).

    Raises
    ------
    ValueError
        If arguments contradict each other; never because of the counts of a spectrum.

    Notes
    -----
    **Lazy spectra** give what the same spectra in memory give, to the last digit on a CPU, whatever
    their chunks are. How many places along `peak` are needed is not known before the last chunk is
    computed: `peak` may be longer, and the additional places come last and hold NaN. At once, up
    to 1,024 spectra that are spread evenly over the data are read, for the noise and the states.
    The mean spectrum, whose peaks are starts, is rounded to a millionth of its maximum, as the last
    digits of a sum depend on its order, and so on the chunks.

    Examples
    --------
    >>> import xpsnet
    >>> peaks = xpsnet.fit(xpsnet.sample("spectrum"))
    >>> int(peaks.n_peaks)
    3
    >>> peaks.center.values.round(1)
    array([284.8, 286.5, 288.9])

    >>> peaks.attrs["model_choice_text"].partition(", probability")[0]
    'three states: three C 1s lines'

    The two lines of a level are one state, and know each other:

    >>> silicon = xpsnet.sample("line_scan").isel(position=slice(0, 4))
    >>> peaks = xpsnet.fit(silicon, neighbors=False)
    >>> peaks.n_states.values.tolist()
    [1, 1, 1, 1]
    >>> peaks.partner.values[0].tolist()
    [2, 1]

    Three Gaussian-Lorentzian products with a share of 0.3, whatever the number of states:

    >>> peaks = xpsnet.fit(xpsnet.sample("spectrum"), n_peaks=3, line_shape="GL(30)")
    >>> peaks.fraction.values.round(2)
    array([0.3, 0.3, 0.3])
    """
    check(
        locals(),
        n_peaks=word_or("auto", count()),
        n_states=word_or("auto", count(most=MOST_STATES)),
        background=text_or_array("shirley"),
        line_shape=text_or_texts("voigt"),
        model_error=optional(number(least=0, below=1)),
        min_probability=number(least=0, most=1),
        neighbors=word_or("auto", flag),
        follow=word_or("auto", flag_or_count),
    )
    if n_peaks != "auto" and n_states != "auto":
        raise ValueError(f"expected n_peaks or n_states, got both: {n_peaks} and {n_states}")
    if n_peaks == "auto" and not isinstance(line_shape, str):
        raise ValueError(
            "expected n_peaks beside a sequence of line shapes, which belong to one peak each, got "
            f"line_shape={list(line_shape)}; give n_peaks, or one shape for all peaks"
        )
    whole = keep_own_names(check_spectra(spectra, dim=dim))
    window = whole if energy_range is None else crop(whole, energy_range)
    network_model = load_model(model)
    network = checked(
        PredictOptions(
            network_model,
            n_peaks,
            all_counts=n_peaks == "auto",
            background="none",
            device=device,
            batch_size=int(batch_size),
            solve_linear=network_model.config.architecture == "park2020",
            cancel=cancel,
        )
    )
    tied = () if isinstance(doublets, str) and doublets == "auto" else doublets
    shapes, held = named_shapes(SYMMETRIC if line_shape == "auto" else line_shape, network.slots)
    fitted = FitOptions(
        shapes,
        background=fitted_name(background),
        shared=unshared(checked_shared(shared), held),
        doublets=as_doublets(tied, network.slots),
        scale_errors=scale_errors,
        covariance=covariance,
        engine="batch",
        cancel=cancel,
    )
    sign = scale_sign(window.attrs["scale"])
    limits = {**held, **(constraints or {})}
    found = checked_constraints(fitted, numeric_energy(window), sign, network.slots, limits)
    if network.config.known and line_shape != "auto":
        network = replace(network, known=Known(lines_of(shapes), found.limits.get("fwhm")))
    options = FindOptions(replace(fitted, constraints=found), network, sign, min_probability)
    options = _with_neighbors(options, window, neighbors, follow)
    given_doublets = None if isinstance(doublets, str) and doublets == "auto" else fitted.doublets
    asked = line_shape == "auto", background, given_doublets, n_states
    question = _question(options, window, asked, model_error)
    if question is not None and not is_held(background) and background == "auto":
        options = replace(options, fit=replace(options.fit, background=DEFAULT))
    noise, background = (with_checked_names(v, spectra, dim) for v in (noise, background))
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
    if window.chunks is not None:
        peaks = _fit_lazily(options, given, few)
    else:
        peaks = _fit_now(options, given, progress)
    if isinstance(given.noise, NoiseChoice):
        peaks.attrs.update(given.noise.attributes)
    if words is not None:
        peaks.attrs["background_choice"] = words
    return peaks


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
    _, rows = _rows(_with_noise(options, few))
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


def _rows(chunk: Chunk) -> tuple[SpectrumArrays, SpectrumRows]:
    """Spectra in memory as arrays, with their noise and a background that is held."""
    arrays = spectrum_arrays(chunk.spectra)
    curve = held_rows(arrays, chunk.background)
    noise = noise_rows(chunk.noise, chunk.spectra)
    return arrays, SpectrumRows(arrays.energy, usable_counts(arrays), noise, curve)


def _mean(chunk: Chunk) -> Chunk:
    """Mean of all spectra, over ("row", "energy"); its noise is estimated from itself."""

    def mean(values: xr.DataArray) -> xr.DataArray:
        own = [d for d in values.dims if d != "energy"]
        return values.mean(own, dtype=np.float64, keep_attrs=True)

    background = chunk.background
    if isinstance(background, xr.DataArray):
        background = mean(background)
    spectra = mean(chunk.spectra).reset_coords(drop=True).expand_dims("row")
    return chunk._replace(spectra=spectra, noise=NoiseChoice(None), background=background)


def _chosen_background(options: FindOptions, given: Chunk) -> tuple[str, str]:
    """The background that a sample of the spectra speaks for, with the network's peaks."""
    n = int(np.prod(given.spectra.shape[:-1]))
    _, rows = _rows(given.sampled(sampled_rows(n, BACKGROUND_SAMPLE)).computed())
    network = replace(options.network, all_counts=False, background="none", solve_linear=True)
    prediction = predict_arrays(network, rows.energy, rows.counts)
    center = prediction.parameters["center"]
    starts = sorted_peaks(prediction.parameters, options.sign * center)
    arrays = rows.energy, rows.counts, rows.background
    inputs = fit_inputs(arrays, rows.noise, starts, prediction.status)
    return choose_background(options.fit, inputs)


def _noise_from(options: FindOptions, few: Chunk, given: NoiseChoice) -> NoiseChoice:
    """Noise of spectra in memory from fits of them; see `noise_from_fits`."""
    _, rows = _rows(few)

    def fitted(noise: NoiseChoice) -> Fitted:
        outcome = fit_rows(options, replace(rows, noise=noise))
        return fitted_curves(options.fit, rows.energy, outcome.results, rows.background)

    return noise_from_fits(rows.counts, given, fitted)


def _with_noise(options: FindOptions, given: Chunk) -> Chunk:
    """Spectra in memory whose noise is known: estimated one by one where it is not."""
    if isinstance(given.noise, NoiseChoice) and given.noise.model is None:
        return given._replace(noise=_noise_from(options, given, given.noise))
    return given


def _fit_now(options: FindOptions, given: Chunk, progress: Progress) -> xr.Dataset:
    """Fit spectra in memory."""
    given = _with_noise(options, given)
    arrays, rows = _rows(given)
    with reporting(progress, len(rows.counts), "fit") as step:
        outcome = _outcome_of(options, rows, step)
    look = Overview(None, None)
    if not options.fit.cancelled():
        sampled = sampled_rows(len(rows.counts), SAMPLED)
        by_lines = options.neighbors and options.chosen is None
        look = Overview(
            peaks_of_mean(options, _rows(_mean(given))[1]) if by_lines else None,
            states_in(options, outcome.sample(sampled)) if options.follow else None,
        )
    return _finished(options, (arrays, rows), outcome, look)


def _outcome_of(
    options: FindOptions, rows: SpectrumRows, step: Callable[[int], object] = lambda _: None
) -> Outcome:
    """Fits of spectra in memory, each by itself: in states where a model was chosen."""
    if options.chosen is not None:
        return fit_state_rows(options.chosen, rows, step)
    return fit_rows(options, rows, step)


def _fit_lazily(options: FindOptions, given: Chunk, few: Chunk) -> xr.Dataset:
    """Chunk by chunk; where spectra help each other, after a look at the whole map.

    `few`: spectra in memory, which may be those that are looked at for the states.
    """
    import dask

    spectra = given.spectra
    shape = tuple(spectra.sizes[d] for d in spectra.dims if d != "energy")
    # Found at once, from spectra of which most are read for the noise anyway: they are the labels.
    states = _states_of_sample(options, given, few) if options.follow else None

    def on_part(part: Chunk, mean_peaks: dict[str, Floats] | None) -> xr.Dataset:
        arrays, rows = _rows(_with_noise(options, part))
        look = Overview(mean_peaks, states)
        return _finished(options, (arrays, rows), _outcome_of(options, rows), look, padded=True)

    @dask.delayed  # type: ignore[untyped-decorator]
    def fitted_mean(mean: xr.DataArray, background: Any) -> dict[str, Floats]:
        rows = _rows(Chunk(mean, NoiseChoice(None), background, xr.Dataset()))[1]
        return peaks_of_mean(options, rows)

    shared, overlap = None, 0
    if options.neighbors and options.chosen is None:
        mean = _mean(given)
        shared = fitted_mean(mean.spectra, mean.background)
    if options.needs_map:
        overlap = OVERLAP * reach(shape)
    return map_chunks(on_part, given, overlap=overlap, shared=shared)


def _states_of_sample(options: FindOptions, given: Chunk, few: Chunk) -> States:
    """Chemical states of lazy spectra, from the sample that spectra in memory are looked at for."""
    n = int(np.prod(given.spectra.shape[:-1]))
    if few.spectra.chunks is None and len(few.spectra) == min(n, SAMPLED):
        few = few._replace(noise=given.noise) if isinstance(given.noise, NoiseChoice) else few
    else:
        few = given.sampled(sampled_rows(n, SAMPLED)).computed()
    _, rows = _rows(_with_noise(options, few))
    return states_in(options, _outcome_of(options, rows))


def _finished(
    options: FindOptions,
    block: tuple[SpectrumArrays, SpectrumRows],
    outcome: Outcome,
    look: Overview,
    *,
    padded: bool = False,
) -> xr.Dataset:
    """The result as a Dataset, after what the neighbors change.

    `padded`: as many places along `peak` as any chunk can need.
    """
    arrays, rows = block
    if options.neighbors and options.chosen is not None:
        outcome = revise_states(options.chosen, rows, outcome, arrays.shape)
    elif options.neighbors:
        outcome = revise(options, rows, outcome, arrays.shape, look.mean_peaks)
    given = options.chosen is not None and options.chosen.question.n_states is not None
    results = without_invented_peaks(
        outcome.results,
        (rows.energy, rows.counts, rows.noise),
        arrays.spectra.name,
        remove=options.finds_n_peaks and not given,
    )
    if options.chosen is not None:
        emptied = has_flag(results.flags, Status.STEP, Status.SURVEY) & (not given)
        outcome = outcome.without_choice(np.flatnonzero(emptied))
    results, label = _placed(options, arrays, results, look.states, padded=padded)
    peaks = results_to_dataset(
        options.fit,
        results,
        arrays,
        label=label,
        attrs=origin_attributes(options.network, arrays.spectra),
        background=rows.background,
    )
    lead, shape = arrays.spectra.dims[:-1], arrays.shape
    probability = outcome.probability.reshape(*shape, outcome.probability.shape[1])
    if options.chosen is None:
        name, what, counts = "n_peaks_probability", "peaks", np.array(options.network.counts)
    else:
        name, what, counts = "n_states_probability", "states", np.arange(probability.shape[-1])
        peaks = peaks.assign(_choice_variables(outcome, shape, lead))
        peaks.attrs["model_choices"] = json.dumps(options.chosen.choices)
        lost = options.chosen.outcome is not None and np.isnan(probability).all()
        if not lost:
            peaks.attrs["model_choice_text"] = options.chosen.words
    texts = {"long_name": f"Probability of this number of {what}", "units": "1"}
    peaks = peaks.assign_coords(count=("count", counts))
    peaks = peaks.assign({name: ((*lead, "count"), probability, texts)})
    if options.neighbors:
        peaks = peaks.assign(start=(lead, outcome.start.reshape(shape), _START_TEXTS))
    return with_texts(peaks)


def _choice_variables(outcome: Outcome, shape: tuple[int, ...], lead: Any) -> dict[str, Any]:
    """Which of the models holds for every spectrum, and their probabilities."""
    if outcome.choice is None or outcome.chosen is None:
        return {}
    choice = outcome.choice.reshape(*shape, outcome.choice.shape[1])
    return {
        "model_choice": (lead, outcome.chosen.reshape(shape).astype(np.int64)),
        "model_probability": ((*lead, "choice"), choice),
    }


def _placed(
    options: FindOptions,
    arrays: SpectrumArrays,
    results: FitResults,
    states: States | None,
    *,
    padded: bool,
) -> tuple[FitResults, list[str] | None]:
    """Results with their peaks in ascending energy or at the places of states, and labels."""
    key = options.sign * results.peaks["center"]
    order = np.argsort(key, axis=1, kind="stable")
    numbered = bool(options.fit.constraints.links) or not isinstance(options.fit.line_shape, str)
    if numbered:  # links and shapes belong to these places
        order = np.broadcast_to(np.arange(key.shape[1]), key.shape)
    n = key.shape[1]
    if not padded and options.finds_n_peaks:
        n = max(1, int(results.exists.sum(axis=1).max(initial=0)))
    exists = np.take_along_axis(results.exists, order, axis=1)
    results = _moved(options, results, np.where(exists, order, -1)[:, :n])
    if states is None:
        return results, None
    peaks, errors = results.peaks, results.peak_errors
    area = areas(options.fit, arrays.energy, results)
    found = Found(options.sign * peaks["center"], peaks["fwhm"], area, errors["center"])
    # A state that no spectrum has in the end keeps its place: a chunk knows nothing of the others.
    least = states.n + n if padded else 1
    place, label = follow_places(found, states, arrays.shape, least=least)
    return _moved(options, results, place), label


def _moved(options: FindOptions, results: FitResults, place: npt.NDArray[np.intp]) -> FitResults:
    """The results with their peaks at other places."""
    return results.moved(place, options.fit.plain_layout(place.shape[1]))


_START_TEXTS = {
    "long_name": "Where the starts of the fit came from",
    "flag_values": np.array([s.value for s in Start], dtype=np.int8),
    "flag_meanings": " ".join(s.name.lower() for s in Start),
}
