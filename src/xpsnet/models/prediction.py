"""Prediction: the trained network on every 1-D energy profile of an array of any shape.

`predict` is the public function. `predict_arrays` takes and returns arrays; `fit` calls it for its
starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, count, flag, optional, text, word_or
from xpsnet.data.measured_energies import on_measured_energies
from xpsnet.data.peak_arrays import sorted_peaks
from xpsnet.data.peaks import PeakArrays, keep_own_names, peaks_from_numerics
from xpsnet.data.spectrum import check_spectra, crop
from xpsnet.data.spectrum_arrays import SpectrumArrays, spectrum_arrays
from xpsnet.data.status import Status
from xpsnet.models import doublet_states, encoding, runtimes, weights
from xpsnet.models.architecture import NetworkConfig
from xpsnet.models.input_checks import as_counts, is_outside, without_gaps
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.heights import solve_heights
from xpsnet.numerics.known_lines import NOTHING_KNOWN, Known, Lines, check_known
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import estimate_noise
from xpsnet.parallel.chunks import map_spectra
from xpsnet.parallel.progress import Cancel, Progress, reporting
from xpsnet.parallel.threads import in_threads

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

# A line needs about 5 points, and some on both sides of it.
LEAST_POINTS = 8
# Spectra that a thread works on at a time: their lines stay near the processor.
AT_ONCE = 256
KEPT_ATTRIBUTES = (
    "units", "photon_energy", "source_file", "instrument", "charge_shift", "energy_offset",
)  # fmt: skip


@dataclass(frozen=True)
class PredictOptions:
    """Options of a prediction, the same for all spectra of a call; see `predict`.

    Attributes
    ----------
    model : Model
    n_peaks : int or "auto"
    all_counts : bool
        Give the peaks for every number of peaks.
    background : str
        Key of `BACKGROUNDS`.
    device : {"auto", "cpu", "gpu"}
    batch_size : int
    solve_linear : bool
        Whether heights, background and noise are found by least squares; else heights are what
        the network says, which is less exact and enough to start a fit.
    cancel : callable, optional
        Returns True once the prediction is to stop.
    known : Known
        What the caller knows of the lines.
    doublets : str
        Attribute `doublets` of the result; empty where lines are single.
    """

    model: weights.Model
    n_peaks: int | Literal["auto"] = "auto"
    all_counts: bool = False
    background: str = "shirley+linear"
    device: runtimes.Device = "auto"
    batch_size: int = 4096
    solve_linear: bool = True
    cancel: Cancel = None
    known: Known = NOTHING_KNOWN
    doublets: str = ""

    @property
    def config(self) -> NetworkConfig:
        """The network's sizes."""
        return self.model.config

    @property
    def counts(self) -> tuple[int, ...]:
        """Peak counts that the network knows; of states where these have two lines."""
        return tuple(encoding.counts_known(self.config))

    @property
    def lines_each(self) -> int:
        """Lines of a peak that the network gives: 2 of a doublet."""
        return 1 if self.known.doublet is None else 2

    @property
    def slots(self) -> int:
        """Length of the dimension `peak`."""
        if self.n_peaks == "auto" or self.all_counts:
            return self.lines_each * self.config.max_peaks
        return max(self.n_peaks, self.lines_each)


@on_measured_energies
def predict(
    spectra: xr.DataArray,
    *,
    model: str | Path | weights.Model = "default",
    n_peaks: int | Literal["auto"] = "auto",
    energy_range: tuple[float, float] | None = None,
    all_counts: bool = False,
    lines: Lines = "any",
    fwhm: tuple[float, float] | None = None,
    asymmetry: tuple[float, float] | None = None,
    doublet: str | tuple[float, float] | None = None,
    background: str | None = None,
    device: runtimes.Device = "auto",
    batch_size: int = 4096,
    progress: Progress = None,
    cancel: Cancel = None,
    dim: str | None = None,
) -> xr.Dataset:
    """Find number, centers, widths and heights of the peaks with a trained network.

    Parameters
    ----------
    spectra : DataArray
        Spectra of any shape over energy [eV], in counts or counts/s, on either scale and in
        either direction; NaN marks missing points. Dask arrays stay lazy and give the same, with a
        place along `peak` for every peak that the model can give.
    model : str, Path or Model
        ``"default"`` (raw spectra, 0 to 6 peaks), ``"park2020"`` (the paper's network: 1 to 3
        peaks, background subtracted), or the path of your own model card.
    n_peaks : int or "auto"
        Number of peaks; "auto" takes the most probable one of each spectrum. Of doublets both
        lines count, so that it is even.
    energy_range : (float, float), optional
        Energies to use [eV], on the spectra's scale; the whole axis by default.
    all_counts : bool
        Give the peaks for every number of peaks, along a dimension `count`.
    lines : {"any", "symmetric", "asymmetric"}
        What is known of the lines: a shoulder of a symmetric line is a second peak, that of an
        asymmetric line (metals, graphite, polymers) may belong to it.
    fwhm : (float, float), optional
        Limits of the FWHM of all lines, if known [eV].
    asymmetry : (float, float), optional
        Limits of the asymmetry of all lines, if known: the natural logarithm of the half width at
        half maximum on the side of higher binding energy over that on the other side.
    doublet : str or (float, float), optional
        The level of all lines, if it has two ("S 2p"), or splitting [eV] and ratio of areas: the
        answer is in chemical states, each of which has two lines, and `refine` keeps them tied.
        ``"default"`` then stands for ``"doublets"``, the network that was trained for it (up to
        6 states).
    background : str, optional
        Key of `BACKGROUNDS`, solved for together with the heights. By default
        ``"shirley+linear"``, and ``"none"`` for `park2020`.
    device : {"auto", "cpu", "gpu"}
        ONNX Runtime on the CPU, TensorFlow on a GPU; "auto" takes the GPU where there is one.
    batch_size : int
        Spectra per call of the network; `cancel` is called between two batches.
    progress : bool or callable, optional
        True shows a bar; a callable gets (done, total).
    cancel : callable, optional
        Once it returns True, the remaining spectra get the status NOT_DONE.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    Dataset
        Over the other dimensions of `spectra` and `peak`: `center`, `fwhm`, `height`, `area`,
        `fraction`, their `*_spread` (standard deviations that the network states), `n_peaks`,
        `n_peaks_probability` (..., count), `background_*`, `noise`, `status`. Heights and
        background follow from linear least squares at the predicted centers and widths. With
        `doublet` also `n_states`, and each line's `state` and `partner`.

    Raises
    ------
    ValueError
        If arguments contradict each other, or a spectrum has more than a million points; never
        because of the counts of a spectrum.

    Examples
    --------
    >>> import xpsnet
    >>> peaks = xpsnet.predict(xpsnet.sample("spectrum"))
    >>> peaks.center.values.round(1)
    array([284.8, 286.5, 288.9])
    >>> peaks.n_peaks_probability.sel(count=3).item() > 0.9
    True

    Two states, silicon and its oxide, of a level with two lines:

    >>> silicon = xpsnet.sample("line_scan").isel(position=20)
    >>> peaks = xpsnet.predict(silicon, doublet="Si 2p")
    >>> peaks.n_states.item(), peaks.partner.values.tolist()
    (2, [2, 1, 4, 3])
    """
    check(
        locals(),
        n_peaks=word_or("auto", count()),
        all_counts=flag,
        lines=text("any"),
        background=optional(text("linear")),
    )
    tied, amounts = "", None
    if doublet is not None:
        name, ranges = doublet_states.ranges_of(doublet)
        tied = doublet_states.as_attribute(name, ranges)
        amounts = ranges.splitting[1], ranges.ratio[1]
        model = doublet_states.NETWORK if isinstance(model, str) and model == "default" else model
    network = weights.load_model(model)
    if background is None:
        background = "none" if network.config.architecture == "park2020" else "shirley+linear"
    options = checked(
        PredictOptions(
            network,
            n_peaks,
            all_counts,
            background,
            device,
            int(batch_size),
            cancel=cancel,
            known=Known(lines, fwhm, asymmetry, amounts),
            doublets=tied,
        )
    )
    window = keep_own_names(check_spectra(spectra, dim=dim))
    if energy_range is not None:
        window = crop(window, energy_range)

    def on_part(some: xr.DataArray, shown: Progress = None) -> xr.Dataset:
        arrays = spectrum_arrays(some)
        with reporting(shown, len(arrays.counts), f"predict with {network.name}") as step:
            prediction = predict_arrays(options, arrays.energy, arrays.counts, step)
        return _as_dataset(options, prediction, arrays)

    if window.chunks is not None:
        # Every chunk has to have the same dimensions, so that absent peaks keep their NaN.
        return map_spectra(on_part, window)
    peaks = on_part(window, progress)
    if n_peaks != "auto" or all_counts:
        return peaks
    most = int(peaks["n_peaks"].values.max(initial=0))
    return peaks.isel(peak=slice(0, max(options.lines_each, most)))


def checked(options: PredictOptions) -> PredictOptions:
    """The options, refused where they contradict each other.

    Raises
    ------
    ValueError
    """
    if options.background not in BACKGROUNDS:
        raise ValueError(
            f"expected a background of {list(BACKGROUNDS)}, got {options.background!r}"
        )
    if options.batch_size < 1:
        raise ValueError(f"expected a batch_size of at least 1, got {options.batch_size}")
    check_known(options.known)
    numbers = [options.lines_each * count for count in options.counts]
    if options.n_peaks != "auto" and options.n_peaks not in numbers:
        what = "a number" if options.lines_each == 1 else "an even number"
        raise ValueError(
            f"expected n_peaks='auto' or {what} from {numbers[0]} to "
            f"{numbers[-1]} for model {options.model.name!r}, got {options.n_peaks!r}"
        )
    if options.config.doublet != (options.known.doublet is not None):
        needs, got = ("a doublet", "none") if options.config.doublet else ("no doublet", "one")
        raise ValueError(
            f"expected {needs} for model {options.model.name!r}, got {got}; the model 'doublets' "
            "answers in the states of a doublet, the others in single lines"
        )
    if options.known and not options.config.known:
        raise ValueError(
            "expected lines='any' and no limits of FWHM or asymmetry for model "
            f"{options.model.name!r}, which has no inputs for them, got {options.known}; use the "
            "model 'default'"
        )
    return options


@dataclass(frozen=True)
class Prediction:
    """What the network found in S spectra, on the axis of the numerics.

    Attributes
    ----------
    parameters : dict of str to ndarray, shape (S, peak) or (S, count, peak)
        Shape parameters; NaN where there is no peak.
    spread : dict of str to ndarray
        The network's own standard deviations, of the same shape; empty for `park2020`.
    background : dict of str to ndarray, shape (S,) or (S, count)
    probability : ndarray, shape (S, count)
    n_peaks, status : ndarray of int, shape (S,)
    noise : ndarray, shape (S,)
    """

    parameters: dict[str, Floats]
    spread: dict[str, Floats]
    background: dict[str, Floats]
    probability: Floats
    n_peaks: npt.NDArray[np.int64]
    status: npt.NDArray[np.int64]
    noise: Floats

    @classmethod
    def not_done(cls, options: PredictOptions, n: int) -> Prediction:
        """Prediction of n spectra that the network has not seen."""
        choice = (len(options.counts),) if options.all_counts else ()
        names = LINE_SHAPES[encoding.line_shape(options.config)].parameters
        stated = () if options.config.architecture == "park2020" else names
        return cls(
            {k: np.full((n, *choice, options.slots), np.nan) for k in names},
            {k: np.full((n, *choice, options.slots), np.nan) for k in stated},
            {k: np.full((n, *choice), np.nan) for k in BACKGROUNDS[options.background]},
            np.full((n, len(options.counts)), np.nan),
            np.zeros(n, np.int64),
            np.full(n, Status.NOT_DONE, np.int64),
            np.full(n, np.nan),
        )


def predict_arrays(
    options: PredictOptions,
    energy: Floats,
    counts: npt.NDArray[Any],
    progress: Callable[[int], object] | None = None,
) -> Prediction:
    """Predict spectra as arrays.

    Parameters
    ----------
    options : PredictOptions
    energy : ndarray, shape (n,)
        Ascending, larger = more bound [eV].
    counts : ndarray, shape (S, n)
        Numbers of any type; NaN marks a missing point.
    progress : callable, optional
        Called with the number of spectra just done.
    """
    step = progress or (lambda _: None)
    found = Prediction.not_done(options, len(counts))
    ends = _flag_unreadable(options, found, counts)
    step(int((found.status != Status.NOT_DONE).sum()))
    for rows, used in _batches(ends, found.status, options.batch_size):
        if options.cancel is not None and options.cancel():
            break
        _predict_batch(options, found, energy, counts, (rows, used))
        step(len(rows))
    return found


def _flag_unreadable(
    options: PredictOptions, found: Prediction, measured: npt.NDArray[Any]
) -> Rows:
    """Give a status to spectra that no network can read; find the noise of all.

    Returns where the finite points of each spectrum begin and end, shape (S, 2).
    """
    ends = np.empty((len(measured), 2), np.intp)

    def look(part: slice) -> None:
        counts = as_counts(measured[part])
        finite = np.isfinite(counts)
        ends[part, 0] = finite.argmax(axis=1)
        ends[part, 1] = finite.shape[1] - finite[:, ::-1].argmax(axis=1)
        _set_status(found, part, counts, finite)
        if options.solve_linear:
            found.noise[part] = estimate_noise(counts)

    in_threads(look, _parts(len(measured)))
    return ends


def _set_status(found: Prediction, part: slice, counts: Floats, finite: Flags) -> None:
    """Status of spectra without signal or with too few points; flat ones get their background."""
    n_finite = finite.sum(axis=1)
    high = counts.max(axis=1, where=finite, initial=-np.inf)
    low = counts.min(axis=1, where=finite, initial=np.inf)
    status = found.status[part]
    status[high == low] = Status.NO_SIGNAL
    status[n_finite < LEAST_POINTS] = Status.TOO_FEW_POINTS
    status[n_finite == 0] = Status.NOT_FINITE
    if "constant" in found.background:
        flat = status == Status.NO_SIGNAL
        for name, values in found.background.items():
            fill = low[flat] if name == "constant" else 0.0 * low[flat]
            values[part][flat] = fill.reshape((-1,) + (1,) * (values.ndim - 1))


def _parts(n: int, size: int = AT_ONCE) -> list[slice]:
    """All of n rows in parts, for one thread after another."""
    return [slice(at, at + size) for at in range(0, n, size)]


def _batches(
    ends: Rows, status: npt.NDArray[np.int64], batch_size: int
) -> Iterator[tuple[Rows, slice]]:
    """Rows to predict together: the same first and last finite point, at most `batch_size`."""
    todo = np.flatnonzero(status == Status.NOT_DONE)
    key = ends[todo] @ np.array((ends.max(initial=0) + 1, 1))
    order = np.argsort(key, kind="stable")
    for same in np.split(todo[order], np.flatnonzero(np.diff(key[order])) + 1):
        for part in _parts(len(same), batch_size):
            yield same[part], slice(*ends[same[0]].tolist())


def _predict_batch(
    options: PredictOptions,
    found: Prediction,
    energy: Floats,
    measured: npt.NDArray[Any],
    batch: tuple[Rows, slice],
) -> None:
    """Network and linear least squares for one batch (rows, used points), into `found`."""
    rows, used = batch
    config, window = options.config, energy[used]
    inputs = np.empty((len(rows), config.n_inputs), np.float32)
    counts = np.empty((len(rows), len(window)))

    def encode(part: slice) -> None:
        some = as_counts(measured[rows[part], used])
        outside = is_outside(some, window, options.model, options.known)
        found.status[rows[part]] = np.where(outside, Status.OUTSIDE_MODEL, Status.OK)
        counts[part] = without_gaps(some, window)
        inputs[part] = encoding.encode(counts[part], window, config, options.known)

    in_threads(encode, _parts(len(rows)))
    outputs = runtimes.get_engine(options.model, options.device)(inputs)
    probability = encoding.probabilities(outputs, config)
    found.probability[rows] = probability
    chosen = np.array(options.counts)[probability.argmax(axis=1)]
    if options.n_peaks != "auto":
        chosen = np.full(len(rows), options.n_peaks // options.lines_each)
    found.n_peaks[rows] = options.lines_each * chosen
    found.status[rows[chosen == 0]] = Status.NO_PEAKS
    work: list[tuple[int, int, Rows]] = []
    for place, k in enumerate(options.counts):
        mine = np.arange(len(rows)) if options.all_counts else np.flatnonzero(chosen == k)
        work += [(place, k, mine[part]) for part in _parts(len(mine))]

    def solve(item: tuple[int, int, Rows]) -> None:
        place, k, part = item
        target: Any = (rows[part], place) if options.all_counts else rows[part]
        some = {name: values[part] for name, values in outputs.items()}
        guess = encoding.decode(some, k, window, config) if k else None
        both = [] if guess is None else _lines_of_states(guess, options.known)
        if options.solve_linear:
            shapes = np.zeros((len(part), 0, len(energy)))
            if both:
                drawn = [part_of * _unit_lines(one, energy, config) for one, part_of in both]
                shapes = np.sum(drawn, axis=0)
            height, terms = solve_heights(counts[part], energy, shapes, options.background, used)
            for number, name in enumerate(BACKGROUNDS[options.background]):
                found.background[name][target] = terms[:, number]
        elif guess is not None:
            share = encoding.heights(some, k, config)
            height = share * np.ptp(counts[part], axis=1)[:, None]
        for number, (one, part_of) in enumerate(both):
            _enter(found, (target, number, len(both)), one, part_of * height)

    in_threads(solve, work)


def _lines_of_states(guess: encoding.Guess, known: Known) -> list[tuple[encoding.Guess, float]]:
    """The main lines of what the network gave, then the second lines of doublets; their heights."""
    if known.doublet is None:
        return [(guess, 1.0)]
    return [(guess, 1.0), (doublet_states.second_lines(guess, known), known.doublet[1])]


def _enter(
    found: Prediction, where: tuple[Any, int, int], guess: encoding.Guess, height: Floats
) -> None:
    """Write the peaks of some spectra, for one number of peaks, into `found`.

    `where`: the rows, and which part of the peaks these are, of how many parts.
    """
    target, number, parts = where
    values = {"center": guess.center, "fwhm": guess.fwhm, "height": height}
    if guess.fraction is not None:
        values["fraction"] = guess.fraction
    spread = {
        name: found * (height if name == "height" else 1.0) for name, found in guess.spread.items()
    }
    for tables, given in ((found.parameters, values), (found.spread, spread)):
        for name, table in tables.items():
            size = table.shape[-1] // parts
            table[..., number * size : (number + 1) * size][target] = _padded(given[name], size)


def _unit_lines(guess: encoding.Guess, energy: Floats, config: NetworkConfig) -> Floats:
    """Lines of height 1 at the predicted places, shape (n, k, points)."""
    extra = [] if guess.fraction is None else [guess.fraction]
    shape = LINE_SHAPES[encoding.line_shape(config)]
    return shape.value(energy, guess.center, guess.fwhm, np.ones_like(guess.center), *extra)


def _padded(values: Floats, slots: int) -> Floats:
    """Peaks of shape (n, slots): NaN in the slots without a peak."""
    out = np.full((len(values), slots), np.nan)
    out[:, : values.shape[1]] = values
    return out


def origin_attributes(options: PredictOptions, spectra: xr.DataArray) -> dict[str, Any]:
    """Attributes that say which spectra and which network a result comes from."""
    attrs = {key: spectra.attrs[key] for key in KEPT_ATTRIBUTES if key in spectra.attrs}
    attrs |= {"model": options.model.name, "model_version": options.model.version}
    if spectra.name is not None:
        attrs["region"] = str(spectra.name)
    return attrs


def _as_dataset(
    options: PredictOptions, prediction: Prediction, arrays: SpectrumArrays
) -> xr.Dataset:
    """The prediction over the dimensions of the spectra, on their scale."""
    center = prediction.parameters["center"]
    key = arrays.orientation.sign * center
    parameters = sorted_peaks(prediction.parameters, key)
    spread = sorted_peaks(prediction.spread, key)

    def per_count(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if not options.all_counts:
            return values
        return np.repeat(values[:, None], len(options.counts), axis=1)

    found = PeakArrays(
        encoding.line_shape(options.config),
        options.background,
        parameters,
        prediction.background,
        per_count(prediction.status),
        spread=spread,
        counts=options.lines_each * np.array(options.counts),
        by_count=options.all_counts,
        others={
            "n_peaks": None if options.all_counts else prediction.n_peaks,
            "n_peaks_probability": prediction.probability,
            "noise": per_count(prediction.noise),
        },
    )
    peaks = peaks_from_numerics(arrays, found, origin_attributes(options, arrays.spectra))
    if options.known.doublet is None:
        return peaks
    state = sorted_peaks({"state": doublet_states.state_of_lines(center)}, key)["state"]
    peaks.attrs["doublets"] = options.doublets
    return doublet_states.in_states(peaks, state)
