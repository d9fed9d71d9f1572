"""Prediction: the trained network on every 1-D energy profile of an array of any shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.peaks import Status, from_numerics, make_peaks
from xpsnet.data.spectrum import check_spectra, crop, scale_sign
from xpsnet.models import encoding, runtimes, weights
from xpsnet.models.architecture import NetworkConfig
from xpsnet.models.input_checks import as_counts, is_outside, without_gaps
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.heights import solve_heights
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import estimate_noise
from xpsnet.parallel.chunks import map_spectra
from xpsnet.parallel.progress import Cancel, Progress, reporting
from xpsnet.parallel.threads import in_threads

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

# Below this many points a spectrum says too little; the same as 5 points per line and its feet.
LEAST_POINTS = 8
# Spectra that a thread works on at a time: their lines stay near the processor.
AT_ONCE = 256
KEPT_ATTRIBUTES = (
    "units", "photon_energy", "source_file", "instrument", "charge_shift", "energy_offset",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What is asked of every spectrum."""

    model: weights.Model
    n_peaks: int | Literal["auto"]
    all_counts: bool
    background: str
    device: runtimes.Device
    batch_size: int
    solved: bool = True

    @property
    def config(self) -> NetworkConfig:
        """The network's sizes."""
        return self.model.config

    @property
    def counts(self) -> tuple[int, ...]:
        """Peak counts that the answer may hold."""
        return tuple(encoding.counts_known(self.config))

    @property
    def slots(self) -> int:
        """Length of the dimension `peak`."""
        if self.n_peaks == "auto" or self.all_counts:
            return self.config.max_peaks
        return max(self.n_peaks, 1)


def predict(
    spectra: xr.DataArray,
    *,
    model: str | Path | weights.Model = "default",
    n_peaks: int | Literal["auto"] = "auto",
    energy_range: tuple[float, float] | None = None,
    all_counts: bool = False,
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
        either direction; NaN marks missing points. Dask arrays stay lazy.
    model : str, Path or Model
        ``"default"`` (raw spectra, 0 to 6 peaks), ``"park2020"`` (the paper's network: 1 to 3
        peaks, background subtracted), or the path of your own model card.
    n_peaks : int or "auto"
        Number of peaks; "auto" takes the most probable one of each spectrum.
    energy_range : (float, float), optional
        Window [eV] on the spectra's scale; the whole axis by default.
    all_counts : bool
        Give the peaks for every count, along a dimension `count`.
    background : str, optional
        Key of `BACKGROUNDS`, solved for together with the heights. By default
        ``"shirley+linear"``, and ``"none"`` for `park2020`.
    device : {"auto", "cpu", "gpu"}
        ONNX Runtime on the CPU, TensorFlow on a GPU; "auto" takes the GPU where there is one.
    batch_size : int
        Spectra per call of the network; cancel is asked between batches.
    progress : bool or callable, optional
        True shows a bar; a callable gets (done, total).
    cancel : callable, optional
        Once it returns True, the spectra not reached are left with the status NOT_DONE.
    dim : str, optional
        The energy dimension, if it cannot be told from names and units.

    Returns
    -------
    Dataset
        Over the other dimensions of `spectra` and `peak`: `center`, `fwhm`, `height`, `area`,
        `fraction`, their `*_spread` (standard deviations that the network states), `n_peaks`,
        `n_peaks_probability` (..., count), `background_*`, `noise`, `status`. Heights and
        background follow from linear least squares at the predicted centers and widths.

    Raises
    ------
    ValueError
        If arguments do not fit together; never because of what a spectrum holds.
    """
    request = _request(model, n_peaks, all_counts, background, device, batch_size)
    checked = check_spectra(spectra, dim=dim)
    if energy_range is not None:
        checked = crop(checked, energy_range)
    if checked.chunks is not None:
        # Every chunk has to have the same dimensions, so that absent peaks keep their NaN.
        return map_spectra(lambda some: _predict_now(some, request, None, cancel), checked)
    peaks = _predict_now(checked, request, progress, cancel)
    if n_peaks != "auto" or all_counts:
        return peaks
    return peaks.isel(peak=slice(0, max(1, int(peaks["n_peaks"].values.max(initial=0)))))


def predict_starts(
    spectra: xr.DataArray,
    *,
    model: str | Path | weights.Model,
    n_peaks: int | Literal["auto"],
    device: runtimes.Device,
    batch_size: int,
    cancel: Cancel,
) -> xr.Dataset:
    """Peaks to begin a fit with: those of `predict`, for every count where it is to be found.

    Heights are what the network says, which is less exact than what `predict` solves for, and there
    is neither background nor noise: a fit finds them. Arguments as for `predict`; `spectra` are
    checked and not lazy.
    """
    every = n_peaks == "auto"
    request = _request(model, n_peaks, every, "none", device, batch_size)
    solved = request.config.architecture == "park2020"
    return _predict_now(spectra, replace(request, solved=solved), None, cancel)


def _request(
    model: str | Path | weights.Model,
    n_peaks: int | Literal["auto"],
    all_counts: bool,
    background: str | None,
    device: runtimes.Device,
    batch_size: int,
) -> Request:
    """Checked arguments."""
    model = weights.load_model(model)
    if background is None:
        background = "none" if model.config.architecture == "park2020" else "shirley+linear"
    if background not in BACKGROUNDS:
        raise ValueError(f"expected a background of {list(BACKGROUNDS)}, got {background!r}")
    if batch_size < 1:
        raise ValueError(f"expected a batch_size of at least 1, got {batch_size}")
    request = Request(model, n_peaks, all_counts, background, device, int(batch_size))
    if n_peaks != "auto" and n_peaks not in request.counts:
        raise ValueError(
            f"expected n_peaks='auto' or a number from {request.counts[0]} to "
            f"{request.counts[-1]} for model {model.name!r}, got {n_peaks!r}"
        )
    return request


def _predict_now(
    spectra: xr.DataArray, request: Request, progress: Progress, cancel: Cancel
) -> xr.Dataset:
    """All spectra now, as a Dataset."""
    energy = scale_sign(spectra.attrs["scale"]) * spectra["energy"].values
    measured = np.asarray(spectra.values).reshape(-1, len(energy))
    answer = _Answer(len(measured), request)
    ends = _look_over(answer, measured, request)
    with reporting(progress, len(measured), f"predict with {request.model.name}") as advance:
        advance(int((answer.status != Status.NOT_DONE).sum()))
        for rows, used in _batches(ends, answer.status, request.batch_size):
            if cancel is not None and cancel():
                break
            _predict_batch(answer, rows, used, measured, energy, request)
            advance(len(rows))
    return _as_dataset(answer, spectra, request)


class _Answer:
    """Arrays of the answer for n spectra, filled batch by batch; energies are binding-like."""

    def __init__(self, n: int, request: Request) -> None:
        choice = (len(request.counts),) if request.all_counts else ()
        names = LINE_SHAPES[encoding.line_shape(request.config)].parameters
        self.parameters = {k: np.full((n, *choice, request.slots), np.nan) for k in names}
        self.spread: dict[str, Floats] = {}
        if request.config.architecture != "park2020":
            self.spread = {k: np.full((n, *choice, request.slots), np.nan) for k in names}
        terms = BACKGROUNDS[request.background]
        self.background = {k: np.full((n, *choice), np.nan) for k in terms}
        self.probability = np.full((n, len(request.counts)), np.nan)
        self.n_peaks = np.zeros(n, np.int64)
        self.status = np.full(n, Status.NOT_DONE, np.int64)
        self.noise = np.full(n, np.nan)


def _look_over(answer: _Answer, measured: npt.NDArray[Any], request: Request) -> Rows:
    """Noise, spectra that need no network, and where finite points begin and end (n, 2)."""
    ends = np.empty((len(measured), 2), np.intp)

    def look(part: slice) -> None:
        counts = as_counts(measured[part])
        finite = np.isfinite(counts)
        ends[part, 0] = finite.argmax(axis=1)
        ends[part, 1] = finite.shape[1] - finite[:, ::-1].argmax(axis=1)
        _set_aside(answer, part, counts, finite)
        if request.solved:
            answer.noise[part] = estimate_noise(counts)

    in_threads(look, _parts(len(measured)))
    return ends


def _set_aside(answer: _Answer, part: slice, counts: Floats, finite: Flags) -> None:
    """Give a status to spectra that no network can read."""
    n_finite = finite.sum(axis=1)
    high = counts.max(axis=1, where=finite, initial=-np.inf)
    low = counts.min(axis=1, where=finite, initial=np.inf)
    status = answer.status[part]
    status[high == low] = Status.NO_SIGNAL
    status[n_finite < LEAST_POINTS] = Status.TOO_FEW_POINTS
    status[n_finite == 0] = Status.NOT_FINITE
    if "constant" in answer.background:
        flat = status == Status.NO_SIGNAL
        for name, values in answer.background.items():
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
    answer: _Answer, rows: Rows, used: slice, measured: Any, energy: Floats, request: Request
) -> None:
    """Network and linear least squares for one batch, written into the answer."""
    window = energy[used]
    inputs = np.empty((len(rows), request.config.n_points), np.float32)
    counts = np.empty((len(rows), len(window)))

    def encode(part: slice) -> None:
        some = as_counts(measured[rows[part], used])
        outside = is_outside(some, window, request.model)
        answer.status[rows[part]] = np.where(outside, Status.OUTSIDE_MODEL, Status.OK)
        counts[part] = without_gaps(some, window)
        inputs[part] = encoding.encode(counts[part], window, request.config)

    in_threads(encode, _parts(len(rows)))
    outputs = runtimes.get_engine(request.model, request.device)(inputs)
    probability = encoding.probabilities(outputs, request.config)
    answer.probability[rows] = probability
    chosen = np.array(request.counts)[probability.argmax(axis=1)]
    if request.n_peaks != "auto":
        chosen = np.full(len(rows), request.n_peaks)
    answer.n_peaks[rows] = chosen
    answer.status[rows[chosen == 0]] = Status.NO_PEAKS
    work: list[tuple[int, int, Rows]] = []
    for place, k in enumerate(request.counts):
        mine = np.arange(len(rows)) if request.all_counts else np.flatnonzero(chosen == k)
        work += [(place, k, mine[part]) for part in _parts(len(mine))]

    def solve(item: tuple[int, int, Rows]) -> None:
        place, k, part = item
        some = {name: values[part] for name, values in outputs.items()}
        target: Any = (rows[part], place) if request.all_counts else rows[part]
        _solve(answer, target, some, counts[part], used, energy, k, request)

    in_threads(solve, work)


def _solve(
    answer: _Answer,
    target: Any,
    outputs: runtimes.Outputs,
    counts: Floats,
    used: slice,
    energy: Floats,
    k: int,
    request: Request,
) -> None:
    """Peaks of one count for some spectra, with their heights and background."""
    guess = encoding.decode(outputs, k, energy[used], request.config) if k else None
    if request.solved:
        lines = np.zeros((len(counts), 0, len(energy)))
        if guess is not None:
            lines = _unit_lines(guess, energy, request.config)
        height, terms = solve_heights(counts, energy, lines, request.background, used)
        for number, name in enumerate(BACKGROUNDS[request.background]):
            answer.background[name][target] = terms[:, number]
    elif guess is not None:
        height = encoding.heights(outputs, k, request.config) * np.ptp(counts, axis=1)[:, None]
    if guess is None:
        return
    values = {"center": guess.center, "fwhm": guess.fwhm, "height": height}
    if guess.fraction is not None:
        values["fraction"] = guess.fraction
    for name, table in answer.parameters.items():
        table[target] = _padded(values[name], request.slots)
    for name, table in answer.spread.items():
        spread = guess.spread[name] * (height if name == "height" else 1.0)
        table[target] = _padded(spread, request.slots)


def _unit_lines(guess: encoding.Guess, energy: Floats, config: NetworkConfig) -> Floats:
    """Lines of height 1 at the predicted places, shape (n, k, points)."""
    extra = [] if guess.fraction is None else [guess.fraction]
    shape = LINE_SHAPES[encoding.line_shape(config)]
    return shape.value(energy, guess.center, guess.fwhm, np.ones_like(guess.center), *extra)


def _padded(values: Floats, slots: int) -> Floats:
    """Peaks, with NaN behind for those that are not there."""
    out = np.full((len(values), slots), np.nan)
    out[:, : values.shape[1]] = values
    return out


def _as_dataset(answer: _Answer, spectra: xr.DataArray, request: Request) -> xr.Dataset:
    """The answer over the dimensions of the spectra, on their scale."""
    shape = spectra.shape[:-1]
    scale = str(spectra.attrs["scale"])
    parameters, terms = from_numerics(scale, answer.parameters, answer.background)
    lead = tuple(d for d in spectra.dims if d != "energy")

    def fold(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values.reshape(shape + values.shape[1:])

    attrs = {key: spectra.attrs[key] for key in KEPT_ATTRIBUTES if key in spectra.attrs}
    attrs |= {"model": request.model.name, "model_version": request.model.version}
    if spectra.name is not None:
        attrs["region"] = str(spectra.name)
    return make_peaks(
        spectra["energy"].values,
        (*lead, "count") if request.all_counts else lead,
        dict(spectra.coords),
        scale=scale,
        line_shape=encoding.line_shape(request.config),
        background=request.background,
        parameters={k: fold(v) for k, v in parameters.items()},
        background_parameters={k: fold(v) for k, v in terms.items()},
        status=_per_count(fold(answer.status), request),
        n_peaks=None if request.all_counts else fold(answer.n_peaks),
        n_peaks_probability=fold(answer.probability),
        counts=np.array(request.counts),
        noise=_per_count(fold(answer.noise), request),
        spread={k: fold(v) for k, v in answer.spread.items()} or None,
        attrs=attrs,
    )


def _per_count(values: npt.NDArray[Any], request: Request) -> npt.NDArray[Any]:
    """One value per spectrum, repeated along `count` where there is that dimension."""
    if not request.all_counts:
        return values
    return np.repeat(values[..., None], len(request.counts), axis=-1)
