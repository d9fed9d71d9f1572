"""Labelled spectra and starts to rows of arrays, and answers back to a peaks Dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.fitting.one_spectrum import Answer, Setup
from xpsnet.fitting.parameters import (
    FitParameters,
    Floats,
    Layout,
    make_layout,
    start_parameters,
)
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import noise_profile
from xpsnet.peaks import make_peaks
from xpsnet.spectrum import check_spectra, crop, scale_sign

Noise = float | npt.NDArray[np.floating[Any]] | xr.DataArray | None

_SHAPE_PARAMETERS = {name for shape in LINE_SHAPES.values() for name in shape.parameters}
# What the peaks that a fit started from tell about their origin.
_PROVENANCE = ("model", "model_version", "region", "photon_energy", "source_file", "instrument")


@dataclass(frozen=True)
class Rows:
    """Spectra and starts, one row per spectrum.

    Attributes
    ----------
    counts, noise : ndarray, shape (spectra, n)
        Counts (NaN: missing) and standard deviation of every point.
    starts : dict of str to ndarray, shape (spectra, peak)
        Peaks in ascending order of their energy on the stored scale, centers on that of the
        numerics.
    status : ndarray of int, shape (spectra,)
        What the starts came with.
    """

    counts: Floats
    noise: Floats
    starts: dict[str, Floats]
    status: npt.NDArray[np.int64]


def fitted_window(
    spectra: xr.DataArray, peaks: xr.Dataset, energy_range: tuple[float, float] | None
) -> xr.DataArray:
    """Spectra over the fitted range, after a check of both.

    Raises
    ------
    ValueError
        Where spectra and peaks do not belong together.
    """
    spectra = check_spectra(spectra)
    if "peak" not in peaks.dims or "center" not in peaks:
        raise ValueError(
            f"expected a peaks Dataset with `center` over the dimension `peak`, got dimensions "
            f"{tuple(peaks.dims)}; see xpsnet.predict"
        )
    if "count" in peaks["center"].dims:
        raise ValueError(
            "expected peaks of one count, got the dimension `count`; select one first, for "
            "instance peaks.sel(count=2)"
        )
    scale = peaks.attrs.get("scale", spectra.attrs["scale"])
    if scale != spectra.attrs["scale"]:
        raise ValueError(
            f"expected spectra and peaks on one energy scale, got {spectra.attrs['scale']!r} and "
            f"{scale!r}; convert the spectra with to_binding or to_kinetic first"
        )
    if energy_range is None and "energy_range" in peaks.attrs:
        low, high = (float(end) for end in peaks.attrs["energy_range"])
        energy_range = (low, high)
    return spectra if energy_range is None else crop(spectra, energy_range)


def make_rows(spectra: xr.DataArray, peaks: xr.Dataset, noise: Floats | None) -> Rows:
    """Bring everything into rows.

    Parameters
    ----------
    spectra : DataArray
        From `fitted_window`.
    peaks : Dataset
        Over the other dimensions of `spectra`, or some of them.
    noise : ndarray, shape (spectra, n), or None
        From `noise_like`; None to estimate it.

    Raises
    ------
    ValueError
        Where shapes do not fit, or a given noise is not positive.
    """
    counts = np.array(spectra.values, dtype=np.float64).reshape(-1, spectra.sizes["energy"])
    counts[~np.isfinite(counts)] = np.nan
    starts = {
        str(name): _per_spectrum(peaks[name], spectra, "peak")
        for name in peaks.data_vars
        if name in _SHAPE_PARAMETERS
    }
    absent = np.full_like(starts["center"], np.nan)
    starts = {"fwhm": absent, "height": absent, **starts}
    order = np.argsort(starts["center"], axis=-1, kind="stable")
    starts = {name: np.take_along_axis(values, order, -1) for name, values in starts.items()}
    starts["center"] = scale_sign(spectra.attrs["scale"]) * starts["center"]
    status = np.zeros(len(counts), dtype=np.int64)
    if "status" in peaks:
        status = _per_spectrum(peaks["status"], spectra).astype(np.int64)
    if noise is None:
        noise = np.asarray(noise_profile(counts), dtype=np.float64)
    return Rows(counts, noise, starts, status)


def noise_like(noise: Noise, spectra: xr.DataArray, cropped: xr.DataArray) -> Floats | None:
    """Give every point of the cropped spectra its standard deviation, shape (spectra, n).

    Raises
    ------
    ValueError
        Where the shape does not fit, or a finite point has no positive noise.
    """
    if noise is None:
        return None
    spectra = check_spectra(spectra)
    if not isinstance(noise, xr.DataArray):
        try:
            full = np.broadcast_to(np.asarray(noise, dtype=np.float64), spectra.shape)
        except ValueError:
            raise ValueError(
                f"expected noise as one number or broadcasting to the shape of the spectra "
                f"{spectra.shape}, got shape {np.shape(noise)}"
            ) from None
        noise = xr.DataArray(full, dims=spectra.dims, coords={"energy": spectra["energy"]})
    if "energy" in noise.dims:
        if "energy" not in noise.coords:
            noise = noise.assign_coords(energy=spectra["energy"])
        noise = noise.sel(energy=cropped["energy"])
        rows = _per_spectrum(noise, cropped, "energy")
    else:
        rows = _per_spectrum(noise, cropped)[:, None]
    counts = np.asarray(cropped.values).reshape(-1, cropped.sizes["energy"])
    rows = np.broadcast_to(rows, counts.shape)
    if not (rows[np.isfinite(counts)] > 0).all():
        raise ValueError(
            "expected noise > 0 at every measured point, got 0, less or NaN; mask such points by "
            "setting their counts to NaN"
        )
    return rows


def _per_spectrum(values: xr.DataArray, spectra: xr.DataArray, *last: str) -> Floats:
    """One row per spectrum of a variable that may lack some of the spectra's dimensions."""
    lead = {d: spectra.sizes[d] for d in spectra.dims if d != "energy"}
    own = {d: values.sizes[d] for d in values.dims if d not in last}
    if any(lead.get(d) != size for d, size in own.items()):
        raise ValueError(
            f"expected values over the dimensions of the spectra {lead}, got {own}; select or "
            f"crop both alike"
        )
    bare = values.drop_vars(list(values.coords))
    bare = bare.expand_dims({d: size for d, size in lead.items() if d not in own})
    ordered = bare.transpose(*lead, *last).values.astype(np.float64)
    return ordered.reshape(-1, *(values.sizes[d] for d in last))


def answers_to_peaks(
    setup: Setup,
    answers: Sequence[Answer],
    spectra: xr.DataArray,
    peaks: xr.Dataset,
    *,
    with_covariance: bool,
) -> xr.Dataset:
    """Peaks Dataset over the dimensions of `spectra` from one answer per spectrum.

    Parameters
    ----------
    setup : Setup
        Of the fit.
    answers : sequence of Answer
        In the order of the spectra.
    spectra : DataArray
        The fitted window.
    peaks : Dataset
        The starts; their origin is handed on.
    with_covariance : bool
        Whether to give the covariance matrices.
    """
    lead = spectra.dims[:-1]
    shape = tuple(spectra.sizes[d] for d in lead)
    table = _Table(setup, len(answers), peaks.sizes["peak"])
    sign = scale_sign(spectra.attrs["scale"])
    for row, answer in enumerate(answers):
        table.enter(row, answer, sign)
    attrs = {k: spectra.attrs.get(k) for k in (*_PROVENANCE, "units")}
    attrs |= {k: peaks.attrs[k] for k in _PROVENANCE if k in peaks.attrs}
    attrs["region"] = attrs["region"] or (str(spectra.name) if spectra.name else None)
    attrs["shared"] = " ".join(n for n in setup.share if n in table.shape_parameters)

    def shaped(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values.reshape((*shape, *values.shape[1:]))

    covariance = (table.layout.names, shaped(table.covariance)) if with_covariance else None
    return make_peaks(
        spectra["energy"].values,
        lead,
        spectra.coords,
        scale=spectra.attrs["scale"],
        line_shape=setup.line_shape,
        background=setup.background,
        parameters={n: shaped(table.peak(table.values, n)) for n in table.shape_parameters},
        background_parameters={
            n: shaped(table.term(table.values, n)) for n in BACKGROUNDS[setup.background]
        },
        status=shaped(table.status),
        noise=shaped(table.noise),
        redchi=shaped(table.redchi),
        bic=shaped(table.bic),
        stderr={n: shaped(table.peak(table.stderr, n)) for n in table.shape_parameters}
        | {"area": shaped(table.area_stderr)}
        | {
            f"background_{n}": shaped(table.term(table.stderr, n))
            for n in BACKGROUNDS[setup.background]
        },
        covariance=covariance,
        attrs=attrs,
    )


class _Table:
    """Answers as arrays with one row per spectrum and one column per possible parameter."""

    def __init__(self, setup: Setup, n_rows: int, n_peaks: int) -> None:
        self.setup = setup
        self.layout = make_layout(setup.line_shape, setup.background, n_peaks, setup.share)
        self.shape_parameters = self.layout.shape_parameters
        n = len(self.layout.names)
        self.values, self.stderr = np.full((2, n_rows, n), np.nan)
        self.covariance = np.full((n_rows, n, n), np.nan)
        self.area_stderr = np.full((n_rows, n_peaks), np.nan)
        self.n_peaks = np.zeros(n_rows, dtype=np.int64)
        self.noise, self.redchi, self.bic = np.full((3, n_rows), np.nan)
        self.status = np.zeros(n_rows, dtype=np.int64)

    def enter(self, row: int, answer: Answer, sign: int) -> None:
        """Fill one row, on the scale of this sign."""
        self.status[row] = answer.status
        self.noise[row] = answer.noise
        if answer.goodness is not None:
            self.redchi[row], self.bic[row] = answer.goodness.redchi, answer.goodness.bic
        if answer.parameters is None:
            return
        layout = answer.parameters.layout
        at = np.array([self.layout.names.index(name) for name in layout.names], dtype=int)
        factors = layout.mirror(sign)
        held = ~answer.parameters.free
        covariance = answer.covariance * np.outer(factors, factors)
        covariance[held] = np.nan
        covariance[:, held] = np.nan
        self.values[row, at] = answer.parameters.values * factors
        self.stderr[row, at] = answer.stderr
        self.covariance[row][np.ix_(at, at)] = covariance
        self.area_stderr[row, : layout.n_peaks] = answer.area_stderr
        self.n_peaks[row] = layout.n_peaks

    def peak(self, flat: Floats, shape_parameter: str) -> Floats:
        """One shape parameter of every peak, shape (spectra, peak); NaN where there is none."""
        columns = flat[:, self.layout.column(shape_parameter)]
        exists = np.arange(columns.shape[1]) < self.n_peaks[:, None]
        return np.where(exists, columns, np.nan)

    def term(self, flat: Floats, term: str) -> Floats:
        """One background coefficient, shape (spectra,)."""
        return flat[:, self.layout.names.index(f"background_{term}")]


def parameters_of(peaks: xr.Dataset, energy: Floats, sign: int) -> tuple[FitParameters, Floats]:
    """Flat parameters of one spectrum's peaks and their standard errors.

    Parameters
    ----------
    peaks : Dataset
        Over `peak` alone.
    energy : ndarray, shape (n,)
        Fitted axis of the numerics [eV].
    sign : int
        -1 where the peaks are on the kinetic scale, else 1.

    Returns
    -------
    parameters : FitParameters
        With the model's limits, on the scale of the peaks.
    stderr : ndarray, shape (n_parameters,)
    """
    peaks = peaks.isel(peak=np.flatnonzero(np.isfinite(peaks["center"].values)))
    line_shape, background = str(peaks.attrs["line_shape"]), str(peaks.attrs["background"])
    share = tuple(str(peaks.attrs.get("shared", "fraction")).split())
    layout = make_layout(line_shape, background, peaks.sizes["peak"], share)
    starts = {name: peaks[name].values for name in layout.shape_parameters}
    limits = start_parameters(layout, line_shape, energy, starts)
    values = _gathered(peaks, layout, "")
    parameters = FitParameters(
        layout,
        np.nan_to_num(values) * layout.mirror(sign),
        limits.lower,
        limits.upper,
        np.isfinite(values),
    )
    return parameters.on_scale(sign), _gathered(peaks, layout, "_stderr")


def _gathered(peaks: xr.Dataset, layout: Layout, suffix: str) -> Floats:
    """Flat values of all variables with this suffix, NaN where there is none."""
    flat = np.full(len(layout.names), np.nan)
    for name in layout.shape_parameters:
        if name + suffix in peaks:
            flat[layout.column(name)] = peaks[name + suffix].values
    for entry in layout.background_index:
        name = layout.names[entry] + suffix
        if name in peaks:
            flat[entry] = float(peaks[name])
    return flat
