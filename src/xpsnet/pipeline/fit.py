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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.constraints import Constraint
from xpsnet.data.measured_energies import on_measured_energies
from xpsnet.data.spectrum_arrays import SpectrumArrays
from xpsnet.data.status import Status, has_flag, with_texts
from xpsnet.fitting.maps.chemical_states import LOCAL_ROUNDS, Found, States
from xpsnet.fitting.maps.follow import follow_places, sampled_rows
from xpsnet.fitting.maps.neighbors import PRIOR_ROUNDS, Start, reach
from xpsnet.fitting.model.doublets import Doublet
from xpsnet.fitting.refine_lazy import Chunk, map_chunks
from xpsnet.fitting.select.steps import without_invented_peaks
from xpsnet.fitting.solve.fit_results import FitResults, areas, results_to_dataset
from xpsnet.fitting.solve.point_noise import (
    Noise,
    NoiseChoice,
)
from xpsnet.models.prediction import (
    origin_attributes,
)
from xpsnet.models.weights import Model
from xpsnet.parallel.progress import Cancel, Progress, reporting
from xpsnet.pipeline.outcome import FindOptions, Outcome, Overview, SpectrumRows
from xpsnet.pipeline.plan import (
    SAMPLED,
    Plan,
    check_arguments,
    make_plan,
    rows_of,
    with_noise,
)
from xpsnet.pipeline.stages import fit_rows, peaks_of_mean, revise, states_in
from xpsnet.pipeline.states import fit_state_rows, revise_states

Floats = npt.NDArray[np.float64]

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
    asked = locals()
    check_arguments(asked)
    plan = make_plan(asked)
    if plan.given.spectra.chunks is not None:
        peaks = _fit_lazily(plan)
    else:
        peaks = _fit_now(plan.options, plan.given, progress)
    return peaks.assign_attrs(plan.attrs)


def mean_of(chunk: Chunk) -> Chunk:
    """Mean of all spectra, over ("row", "energy"); its noise is estimated from itself."""

    def mean(values: xr.DataArray) -> xr.DataArray:
        own = [d for d in values.dims if d != "energy"]
        return values.mean(own, dtype=np.float64, keep_attrs=True)

    background = chunk.background
    if isinstance(background, xr.DataArray):
        background = mean(background)
    spectra = mean(chunk.spectra).reset_coords(drop=True).expand_dims("row")
    return chunk._replace(spectra=spectra, noise=NoiseChoice(None), background=background)


def _fit_now(options: FindOptions, given: Chunk, progress: Progress) -> xr.Dataset:
    """Fit spectra in memory."""
    given = with_noise(options, given)
    arrays, rows = rows_of(given)
    with reporting(progress, len(rows.counts), "fit") as step:
        outcome = outcome_of(options, rows, step)
    look = Overview(None, None)
    if not options.fit.cancelled():
        sampled = sampled_rows(len(rows.counts), SAMPLED)
        by_lines = options.neighbors and options.chosen is None
        look = Overview(
            peaks_of_mean(options, rows_of(mean_of(given))[1]) if by_lines else None,
            states_in(options, outcome.sample(sampled)) if options.follow else None,
        )
    return finished(options, (arrays, rows), outcome, look)


def outcome_of(
    options: FindOptions, rows: SpectrumRows, step: Callable[[int], object] = lambda _: None
) -> Outcome:
    """Fits of spectra in memory, each by itself: in states where a model was chosen."""
    if options.chosen is not None:
        return fit_state_rows(options.chosen, rows, step)
    return fit_rows(options, rows, step)


def _fit_lazily(plan: Plan) -> xr.Dataset:
    """Chunk by chunk; where spectra help each other, after a look at the whole map."""
    import dask

    options, given = plan.options, plan.given
    spectra = given.spectra
    shape = tuple(spectra.sizes[d] for d in spectra.dims if d != "energy")
    # Found at once, from spectra of which most are read for the noise anyway: they are the labels.
    states = states_of_sample(plan) if options.follow else None

    def on_part(part: Chunk, mean_peaks: dict[str, Floats] | None) -> xr.Dataset:
        arrays, rows = rows_of(with_noise(options, part))
        look = Overview(mean_peaks, states)
        return finished(options, (arrays, rows), outcome_of(options, rows), look, padded=True)

    @dask.delayed  # type: ignore[untyped-decorator]
    def fitted_mean(mean: xr.DataArray, background: Any) -> dict[str, Floats]:
        rows = rows_of(Chunk(mean, NoiseChoice(None), background, xr.Dataset()))[1]
        return peaks_of_mean(options, rows)

    shared, overlap = None, 0
    if options.neighbors and options.chosen is None:
        mean = mean_of(given)
        shared = fitted_mean(mean.spectra, mean.background)
    if options.needs_map:
        overlap = OVERLAP * reach(shape)
    return map_chunks(on_part, given, overlap=overlap, shared=shared)


def states_of_sample(plan: Plan) -> States:
    """Chemical states of lazy spectra, from the sample that spectra in memory are looked at for."""
    options, given, few = plan.options, plan.given, plan.few
    n = int(np.prod(given.spectra.shape[:-1]))
    if few.spectra.chunks is None and len(few.spectra) == min(n, SAMPLED):
        few = few._replace(noise=given.noise) if isinstance(given.noise, NoiseChoice) else few
    else:
        few = given.sampled(sampled_rows(n, SAMPLED)).computed()
    _, rows = rows_of(with_noise(options, few))
    return states_in(options, outcome_of(options, rows))


def finished(
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
