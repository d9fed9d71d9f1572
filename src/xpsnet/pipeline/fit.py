"""The main job in one call: predict, refine what is likely, decide how many peaks there are.

How the peaks of one spectrum are found:

1. The network gives every number of peaks a probability, and peaks for it. Those numbers to which
   it gives at least `min_probability`, the most probable one always, at most three, are refined.
2. Fits with false peaks are out, and among the others probability and evidence decide:
   `xpsnet.fitting.select.n_peaks` says how.

How the spectra of a map help each other (`neighbors`):

3. Where the neighbors would have another number of peaks, where a peak is unlike theirs, or where
   no fit is sound, a spectrum is fitted again from their peaks and those of the summed spectrum,
   and its number of peaks is decided with what they have as the prior (`fitting.maps.neighbors`).
   `start` tells where the fit came from; what is fitted is always the spectrum itself.
4. The peaks get the places of the chemical states that they belong to
   (`xpsnet.fitting.maps.chemical_states`).

Steps 1 and 2 treat every spectrum by itself. Steps 3 and 4 need the spectra at most `OVERLAP` steps
away and one look at the whole map: its mean spectrum, and a sample of 1,024 spectra for the states.
Chunks of lazy spectra come with so many of their neighbors, so that chunks change nothing.

A number of peaks that the caller gives is refined as it is, whatever becomes of its peaks.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr

from xpsnet.data.spectrum import check_spectra, crop
from xpsnet.fitting.maps.chemical_states import LOCAL_ROUNDS, States
from xpsnet.fitting.maps.follow import followed, sampled_rows
from xpsnet.fitting.maps.neighbors import PRIOR_ROUNDS, Start, reach
from xpsnet.fitting.model.doublets import Doublet, as_doublets
from xpsnet.fitting.model.parameters import Constraint, Floats
from xpsnet.fitting.select.background import DEFAULT, choose_background
from xpsnet.fitting.select.find_doublets import with_found_partners
from xpsnet.fitting.solve.fit_inputs import Noise, make_rows, make_setup, noise_like
from xpsnet.fitting.solve.fit_results import answers_to_peaks
from xpsnet.models.prediction import predict
from xpsnet.models.weights import Model
from xpsnet.parallel.chunks import map_overlapping, map_spectra
from xpsnet.parallel.progress import Cancel, Progress, reporting
from xpsnet.pipeline.stages import Job, Outcome, Overview, fit_rows, overview, revise

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
# Spectra that are looked at for the background.
BACKGROUND_SAMPLE = 64
# How far away, in reaches of the neighborhood, a spectrum may matter: rounds of the prior, starts,
# rounds of following.
OVERLAP = PRIOR_ROUNDS + 1 + LOCAL_ROUNDS


def fit(
    spectra: xr.DataArray,
    *,
    model: str | Path | Model = "default",
    n_peaks: int | Literal["auto"] = "auto",
    background: str = "shirley+linear",
    line_shape: str = "pseudo_voigt",
    shared: tuple[str, ...] = ("fraction",),
    constraints: Mapping[str, Constraint] | None = None,
    doublets: Sequence[Doublet | str] = (),
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
    """Find and refine the peaks of spectra: the network, least squares, and a decision.

    Parameters
    ----------
    spectra : DataArray
        Spectra of any shape over energy [eV]; NaN marks missing points. Dask arrays stay lazy.
    model : str, Path or Model
        Network that finds the peaks, as for `predict`.
    n_peaks : int or "auto"
        Number of peaks; "auto" decides for every spectrum as the module says.
    background : str
        As for `refine`; "auto" decides on a sample of the spectra with the network's peaks.
    line_shape, shared, constraints, noise, scale_errors, covariance
        As for `refine`.
    doublets : sequence of Doublet or str
        Levels whose lines are tied wherever two peaks are such a doublet, for instance "S 2p";
        see `xpsnet.doublet`.
    energy_range : (float, float), optional
        Window [eV] on the spectra's scale; the whole axis by default.
    min_probability : float
        Counts that the network holds less likely are not refined.
    neighbors : bool or "auto"
        Whether spectra next to each other help each other with starts and with the number of
        peaks; "auto": where there are at least 8 spectra, in an order that means something: a
        dimension of a map or a series (`x`, `scan`, `etch_time`, ...), or one with ascending or
        descending numbers as its coordinate.
    follow : bool, int or "auto"
        Whether each place along `peak` is one chemical state everywhere, as `xpsnet.follow` does
        it, or how many states there are; "auto" follows where `neighbors` help, unless
        `constraints` link peaks by their numbers. False leaves peaks in ascending energy.
    device : {"auto", "cpu", "gpu"}
        Where the network runs.
    batch_size : int
        Spectra that the network takes at a time.
    progress : bool or callable, optional
        True shows a bar; a callable gets (done, total) spectra.
    cancel : callable, optional
        Asked again and again; the spectra that are not done then have the status NOT_DONE.
    dim : str, optional
        The energy dimension, if it cannot be told from names and units.

    Returns
    -------
    Dataset
        As from `refine`, with the network's `n_peaks_probability` (..., count); of maps also with
        `start` (...), which tells where the starts of the fit came from, and `label` (peak).

    Raises
    ------
    ValueError
        Where arguments do not fit together; never because of what a spectrum holds.
    """
    _check(min_probability, batch_size, follow)
    checked = check_spectra(spectra, dim=dim)
    cropped = checked if energy_range is None else crop(checked, energy_range)
    job = Job(
        model, n_peaks, background, line_shape, shared, constraints, min_probability, scale_errors,
        covariance, device, batch_size, cancel, as_doublets(doublets),
    )  # fmt: skip
    if background == "auto":
        job = _with_background(job, cropped, noise)
    together = _Together.asked(cropped, neighbors, follow, n_peaks, constraints)
    if cropped.chunks is not None:
        return _fit_lazily(job, cropped, noise, together, covariance)
    given = noise_like(noise, checked, cropped)
    rows = _as_rows(cropped)
    with reporting(progress, rows.sizes["row"], "fit") as step:
        outcome = fit_rows(job, rows, given, step)
    look = None
    if together.any and not job.cancelled():
        sampled = outcome.sample(sampled_rows(rows.sizes["row"], SAMPLED))
        look = overview(job, sampled, _mean(cropped), together.n_states)
    return _told(job, _finished(job, cropped, given, outcome, together, look, covariance))


def _with_background(job: Job, spectra: xr.DataArray, noise: Noise) -> Job:
    """The job with a background that some of its spectra prefer."""
    some = _sample(spectra, BACKGROUND_SAMPLE).compute()
    predicted = predict(
        some, model=job.model, n_peaks=job.n_peaks, device=job.device, batch_size=job.batch_size
    )
    setup = make_setup(
        some,
        predicted.sizes["peak"],
        line_shape=job.line_shape,
        background=DEFAULT,
        shared=job.shared,
        constraints=job.constraints,
        scale_errors=False,
    )
    known = float(noise) if isinstance(noise, int | float) else None
    rows = make_rows(some, predicted, noise_like(known, some, some))
    chosen, words = choose_background(setup, rows)
    return replace(job, background=chosen, background_choice=words)


def _sample(spectra: xr.DataArray, n: int) -> xr.DataArray:
    """Some of the spectra, over ("row", "energy")."""
    lead = [str(d) for d in spectra.dims if d != "energy"]
    if not lead:
        return spectra.reset_coords(drop=True).expand_dims("row")
    shape = tuple(spectra.sizes[d] for d in lead)
    places = np.unravel_index(sampled_rows(int(np.prod(shape)), n), shape)
    at = {d: xr.DataArray(p, dims="row") for d, p in zip(lead, places, strict=True)}
    return spectra.reset_coords(drop=True).isel(at).transpose("row", "energy")


def _told(job: Job, peaks: xr.Dataset) -> xr.Dataset:
    """What the result says about its doublets and its background."""
    peaks = with_found_partners(peaks, job.doublets)
    if job.background_choice is not None:
        peaks.attrs["background_choice"] = job.background_choice
    return peaks


@dataclass(frozen=True)
class _Together:
    """What the spectra of a map do for each other."""

    neighbors: bool
    follow: bool
    n_states: int | None

    @property
    def any(self) -> bool:
        """Whether spectra need more than themselves."""
        return self.neighbors or self.follow

    @classmethod
    def asked(
        cls,
        spectra: xr.DataArray,
        neighbors: bool | Literal["auto"],
        follow: bool | int | Literal["auto"],
        n_peaks: int | Literal["auto"],
        constraints: Mapping[str, Constraint] | None,
    ) -> "_Together":
        """What the caller asks for, and what is sensible for so many spectra."""
        n_spectra = int(np.prod(spectra.shape[:-1]))
        near = bool(neighbors)
        if neighbors == "auto":
            near = n_spectra >= FEWEST and all(_is_ordered(spectra, d) for d in spectra.dims[:-1])
        near = near and n_spectra > 1
        numbered = any(name.rpartition("_")[2].isdigit() for name in constraints or {})
        states = near and not numbered if follow == "auto" else bool(follow)
        number = None if n_peaks == "auto" else max(n_peaks, 1)
        if follow != "auto" and not isinstance(follow, bool):
            number = int(follow)
        return cls(near, states and spectra.ndim > 1 and n_spectra > 0, number)


def _is_ordered(spectra: xr.DataArray, dim: Hashable) -> bool:
    """Whether spectra next to each other along a dimension belong next to each other."""
    if dim in ORDERED:
        return True
    if dim not in spectra.coords or spectra[dim].dtype.kind not in "iuf":
        return False
    steps = np.diff(spectra[dim].values)
    return bool(steps.size and ((steps > 0).all() or (steps < 0).all()))


def _check(min_probability: float, batch_size: int, follow: bool | int | str) -> None:
    """Refuse options that mean nothing."""
    if not 0 <= min_probability <= 1:
        raise ValueError(f"expected min_probability from 0 to 1, got {min_probability}")
    if batch_size < 1:
        raise ValueError(f"expected a batch_size of at least 1, got {batch_size}")
    if follow != "auto" and (not isinstance(follow, int | np.integer) or follow < 0):
        raise ValueError(f"expected follow='auto', True, False or a number, got {follow!r}")


def _as_rows(spectra: xr.DataArray) -> xr.DataArray:
    """The spectra one after the other, over ("row", "energy")."""
    counts = np.asarray(spectra.values).reshape(-1, spectra.sizes["energy"])
    return xr.DataArray(
        counts, dims=("row", "energy"), coords={"energy": spectra["energy"]},
        attrs=spectra.attrs, name=spectra.name,
    )  # fmt: skip


def _mean(spectra: xr.DataArray) -> xr.DataArray:
    """Mean of all spectra, over ("row", "energy")."""
    mean = spectra.mean([d for d in spectra.dims if d != "energy"], keep_attrs=True)
    return mean.expand_dims("row")


def _finished(
    job: Job,
    spectra: xr.DataArray,
    noise: Floats | None,
    outcome: Outcome,
    together: _Together,
    look: Overview | None,
    covariance: bool,
    *,
    padded: bool = False,
) -> xr.Dataset:
    """What the neighbors change, as a Dataset; `padded` to a length that no spectrum exceeds."""
    if together.neighbors and look is not None:
        rows, shape = _as_rows(spectra), spectra.shape[:-1]
        outcome = revise(job, rows, noise, outcome, shape, look.of_sum)
    peaks = answers_to_peaks(
        outcome.setup, outcome.answers, spectra, outcome.predicted, with_covariance=covariance
    )
    lead, shape = spectra.dims[:-1], spectra.shape[:-1]
    count = np.atleast_1d(outcome.predicted["count"].values)
    probability = outcome.probability.reshape(*shape, outcome.probability.shape[1])
    attrs = outcome.predicted["n_peaks_probability"].attrs
    peaks = peaks.assign_coords(count=("count", count))
    peaks = peaks.assign(n_peaks_probability=((*lead, "count"), probability, attrs))
    if together.neighbors:
        peaks = peaks.assign(start=(lead, outcome.start.reshape(shape), _START_TEXTS))
    slots = peaks.sizes["peak"]
    if not padded and job.n_peaks == "auto":
        peaks = _trimmed(peaks, max(1, int(peaks["n_peaks"].values.max(initial=0))))
    if not together.follow:
        return peaks
    states = look.states if look is not None else States(*np.empty((3, 0)))
    if padded:
        return followed(peaks, states, None, max(slots, states.n), slots)
    return _without_empty(followed(peaks, states)) if states.n else peaks


def _without_empty(peaks: xr.Dataset) -> xr.Dataset:
    """Peaks without states that no spectrum has, numbered anew."""
    lead = [d for d in peaks["center"].dims if d != "peak"]
    used = peaks["center"].notnull().any(lead).values
    if used.all() or "covariance" in peaks:
        return peaks
    peaks = peaks.isel(peak=used)
    labels = peaks["label"].values.copy()
    stated = labels != "other"
    labels[stated] = [f"state {i + 1}" for i in range(int(stated.sum()))]
    numbers = ("peak", np.arange(1, labels.size + 1), peaks["peak"].attrs)
    return peaks.assign(label=("peak", labels, peaks["label"].attrs)).assign_coords(peak=numbers)


_START_TEXTS = {
    "long_name": "Where the starts of the fit came from",
    "flag_values": np.array([s.value for s in Start], dtype=np.int8),
    "flag_meanings": " ".join(s.name.lower() for s in Start),
}


def _trimmed(peaks: xr.Dataset, n_peaks: int) -> xr.Dataset:
    """Peaks without the places that no spectrum needs."""
    peaks = peaks.isel(peak=slice(0, n_peaks))
    if "covariance" not in peaks:
        return peaks
    numbers = [str(name).rpartition("_")[2] for name in peaks["parameter"].values]
    kept = [not text.isdigit() or int(text) <= n_peaks for text in numbers]
    return peaks.isel(parameter=kept, parameter_2=kept)


def _fit_lazily(
    job: Job, spectra: xr.DataArray, noise: Noise, together: _Together, covariance: bool
) -> xr.Dataset:
    """Chunk by chunk; where spectra help each other, after one look at the whole map."""
    import dask

    def on_part(some: xr.DataArray, look: Overview | None) -> xr.Dataset:
        given = noise_like(noise, some, some)
        outcome = fit_rows(job, _as_rows(some), given, _silent)
        peaks = _finished(job, some, given, outcome, together, look, covariance, padded=True)
        return _told(job, peaks)

    if not together.any:
        return map_spectra(lambda some: on_part(some, None), spectra)

    @dask.delayed  # type: ignore[untyped-decorator]
    def looked(sample: xr.DataArray, mean: xr.DataArray) -> Overview:
        given = noise_like(noise, sample, sample)
        return overview(job, fit_rows(job, sample, given, _silent), mean, together.n_states)

    shape = tuple(spectra.sizes[d] for d in spectra.dims if d != "energy")
    sample = _sample(spectra, SAMPLED)
    return map_overlapping(
        on_part, spectra, overlap=OVERLAP * reach(shape), shared=looked(sample, _mean(spectra))
    )


def _silent(steps: int) -> None:
    """No progress."""
