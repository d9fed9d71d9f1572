"""Refinement: least squares from peaks found elsewhere, for spectra of any shape."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr

from xpsnet.fitting.answers import answers_to_peaks
from xpsnet.fitting.choose_background import DEFAULT, choose_background
from xpsnet.fitting.doublets import Doublet, with_partners
from xpsnet.fitting.one_spectrum import Answer, Setup, fit_one
from xpsnet.fitting.parameters import (
    Constraint,
    FitParameters,
    Floats,
    Layout,
    make_layout,
    start_parameters,
)
from xpsnet.fitting.rows import (
    Noise,
    Rows,
    find_doublets,
    fitted_window,
    make_rows,
    make_setup,
    noise_like,
)
from xpsnet.fitting.static_background import fixed_background
from xpsnet.peaks import Status
from xpsnet.progress import Cancel, Progress, reporting
from xpsnet.spectrum import scale_sign

if TYPE_CHECKING:
    import lmfit

Engine = Literal["auto", "lmfit", "batch"]


def refine(
    spectra: xr.DataArray,
    peaks: xr.Dataset,
    *,
    engine: Engine = "auto",
    background: str | xr.DataArray = "shirley+linear",
    line_shape: str | None = None,
    share: tuple[str, ...] = ("fraction",),
    constraints: Mapping[str, Constraint] | None = None,
    doublets: Sequence[Doublet | str] = (),
    energy_range: tuple[float, float] | None = None,
    noise: Noise = None,
    scale_errors: bool = False,
    covariance: bool = False,
    progress: Progress = None,
    cancel: Cancel = None,
) -> xr.Dataset:
    """Refine peaks by weighted least squares, together with their background.

    Parameters
    ----------
    spectra : DataArray
        Spectra of any shape with a dimension `energy` [eV]; NaN points are left out.
    peaks : Dataset
        Starts, from `predict` or by hand (`center` at least where there is a peak), over the
        other dimensions of `spectra` or some of them: one set of peaks may serve a whole map.
        Peaks with a `label` keep it, and their order.
    engine : {"auto", "lmfit"}
        What fits; both are lmfit with exact derivatives here.
    background : str or DataArray
        "none", "constant", "linear", "shirley", "shirley+linear", "tougaard" or
        "tougaard+linear", fitted with the peaks: Shirley and Tougaard follow these, not the data.
        "auto" decides between them by BIC, once for all spectra. "static linear", "static
        shirley" or "static tougaard" is drawn from the data beforehand and held, as is a curve
        of your own (a DataArray like `spectra`).
    line_shape : str, optional
        By default that of `peaks`.
    share : tuple of str
        Shape parameters that all peaks of a spectrum have in common, for instance
        ("fraction", "fwhm"); () frees all.
    constraints : mapping, optional
        By parameter ("fwhm" for all peaks, "fwhm_0" for that of lowest energy): a number holds
        it there, a pair (lowest, highest) limits it, None for an open end. A text links it to
        another peak: "center_0 + 1.19", "0.5 * height_0", "fwhm_0", "0.5 * area_0"; with a pair
        the offset or ratio is fitted within: "center_0 + (1.1, 1.3)", "height_0 * (0.4, 0.6)".
    doublets : sequence of Doublet or str
        Spin-orbit doublets from `doublet`, or their levels ("S 2p") with the amounts of the table.
    energy_range : (float, float), optional
        Fitted range [eV] on the spectra's scale; by default that of `peaks`.
    noise : float, ndarray or DataArray, optional
        Standard deviation [units of the spectra] of all points, or of each; estimated from the
        spectra by default.
    scale_errors : bool
        Multiply standard errors by the root of the reduced chi-square: right where the noise
        is known up to a factor only and the model is complete.
    covariance : bool
        Also give the covariance of all parameters.
    progress : bool or callable, optional
        True shows a bar; a callable gets (done, total).
    cancel : callable, optional
        Asked before every spectrum; once it returns True, the rest is left with NOT_DONE.

    Returns
    -------
    Dataset
        Peaks with `*_stderr`, `area_stderr`, `noise`, `redchi`, `aic`, `bic` and one `status` per
        spectrum; `partner` (peak) where there are doublets; `covariance` (..., parameter,
        parameter_2) on demand, its names counted from 0 ("center_0" is that of the first peak).
        A parameter that ended on a limit is held there: it has no error, those of the others are
        for that value. A Shirley or Tougaard background that ended at 0 is simply absent.

    Raises
    ------
    ValueError
        Where arguments do not fit together; never because of what a spectrum holds.

    Notes
    -----
    Weights are 1 / noise. Standard errors follow from that noise (`scale_covar=False` of
    lmfit); `redchi` tells whether it explains the residual. Centers are limited to the fitted
    range and a twentieth of it around, widths to between one step of the axis and half of the
    range, heights to 0 or above.
    """
    if engine not in ("auto", "lmfit"):
        raise ValueError(
            f'expected engine "auto" or "lmfit", got {engine!r}; the batched engine for whole '
            f"maps is not there yet"
        )
    cropped = fitted_window(spectra, peaks, energy_range)
    line_shape = line_shape or str(peaks.attrs.get("line_shape", "pseudo_voigt"))
    paired, links = find_doublets(doublets, cropped, peaks, line_shape)
    held = fixed_background(cropped, background)
    auto = held is None and isinstance(background, str) and background == "auto"
    setup = make_setup(
        cropped,
        peaks.sizes["peak"],
        line_shape=line_shape,
        background=DEFAULT if auto else "none" if held is not None else str(background),
        share=share,
        constraints=constraints,
        scale_errors=scale_errors,
        links=links,
    )
    rows = make_rows(cropped, peaks, noise_like(noise, spectra, cropped))
    if held is not None:
        rows = held.taken_from(rows)
    words = None
    if auto:
        chosen, words = choose_background(setup, rows)
        setup = replace(setup, background=chosen)
    answers = _fit_all(setup, rows, progress, cancel)
    refined = answers_to_peaks(setup, answers, cropped, peaks, with_covariance=covariance)
    if words is not None:
        refined.attrs["background_choice"] = words
    refined = with_partners(refined, paired)
    return refined if held is None else held.entered(refined)


def _fit_all(setup: Setup, rows: Rows, progress: Progress, cancel: Cancel) -> list[Answer]:
    """One answer per spectrum, in order."""
    answers: list[Answer] = []
    total = len(rows.counts)
    with reporting(progress, total, "refine") as step:
        for i in range(total):
            if cancel is not None and cancel():
                answers += [Answer(Status.NOT_DONE)] * (total - i)
                break
            starts = {name: values[i] for name, values in rows.starts.items()}
            status = Status(int(rows.status[i]))
            answers.append(fit_one(setup, rows.counts[i], rows.noise[i], starts, status))
            step(1)
    return answers


def to_lmfit(spectrum: xr.DataArray, peaks: xr.Dataset) -> "tuple[lmfit.Model, lmfit.Parameters]":
    """Hand one spectrum's fit over to lmfit.

    Parameters
    ----------
    spectrum : DataArray
        One spectrum; its scale counts, and its energies set the limits.
    peaks : Dataset
        The peaks of that one spectrum, from `refine` or `fit` (or `predict`).

    Returns
    -------
    model : lmfit.Model
        Of the independent variable `energy` [eV] on the spectrum's own scale, the active
        background included.
    params : lmfit.Parameters
        "center_0", "fwhm_0", "height_0", ..., "fraction" where it is shared, "background_*"; with
        the limits of `refine`, standard errors where known, and `vary=False` for what was held
        or lies on a limit.

    Raises
    ------
    ValueError
        Where there is more than one spectrum.

    Notes
    -----
    `model.fit(counts, params, energy=energy, weights=1 / noise, scale_covar=False)` gives the fit
    of `refine(spectrum, peaks, noise=noise)` again.
    """
    from xpsnet.fitting.with_lmfit import as_lmfit

    spectrum = fitted_window(spectrum, peaks, None)
    spectrum = spectrum.squeeze([d for d in spectrum.dims[:-1] if spectrum.sizes[d] == 1])
    lead = [d for d in peaks["center"].dims if d != "peak" and peaks.sizes[d] == 1]
    peaks = peaks.squeeze(lead, drop=True)
    if spectrum.ndim != 1 or peaks["center"].ndim != 1:
        raise ValueError(
            f"expected one spectrum and its peaks, got dimensions {spectrum.dims} and "
            f"{peaks['center'].dims}; select one first, for instance with .isel(y=0, x=0)"
        )
    sign = scale_sign(spectrum.attrs["scale"])
    line_shape, background = str(peaks.attrs["line_shape"]), str(peaks.attrs["background"])
    parameters, stderr = _parameters_of(peaks, sign * spectrum["energy"].values, sign)
    return as_lmfit(line_shape, background, parameters, stderr, sign)


def _parameters_of(peaks: xr.Dataset, energy: Floats, sign: int) -> tuple[FitParameters, Floats]:
    """Flat parameters of one spectrum's peaks on their own scale, and their standard errors."""
    peaks = peaks.isel(peak=np.flatnonzero(np.isfinite(peaks["center"].values)))
    line_shape, background = str(peaks.attrs["line_shape"]), str(peaks.attrs["background"])
    share = tuple(str(peaks.attrs.get("shared", "fraction")).split())
    layout = make_layout(line_shape, background, peaks.sizes["peak"], share)
    starts = {name: peaks[name].values for name in layout.shape_parameters}
    limits = start_parameters(layout, line_shape, energy, starts)
    values, stderr = _gathered(peaks, layout, ""), _gathered(peaks, layout, "_stderr")
    free = np.isfinite(values)
    if "center_stderr" in peaks and peaks["status"] != Status.ILL_DETERMINED:
        free &= np.isfinite(stderr)  # what was refined and has no error was held
    values = np.nan_to_num(values) * layout.mirror(sign)
    lower, upper = np.minimum(limits.lower, values), np.maximum(limits.upper, values)
    return FitParameters(layout, values, lower, upper, free).on_scale(sign), stderr


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
