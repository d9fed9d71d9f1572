"""Refinement: least squares from peaks found elsewhere, for spectra of any shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from xpsnet.data.spectrum import check_spectra
from xpsnet.fitting.model.doublets import Doublet, with_partners
from xpsnet.fitting.model.links import Link
from xpsnet.fitting.model.parameters import Constraint, Floats
from xpsnet.fitting.refine_lazy import refine_chunks, some_spectra
from xpsnet.fitting.select.background import DEFAULT, choose_background
from xpsnet.fitting.solve.dispatch import Engine, refine_rows
from xpsnet.fitting.solve.fit_inputs import (
    Noise,
    find_doublets,
    fitted_window,
    make_rows,
    make_setup,
    noise_like,
)
from xpsnet.fitting.solve.fit_results import answers_to_peaks
from xpsnet.fitting.solve.single_spectrum import Setup
from xpsnet.fitting.static_background import fixed_background
from xpsnet.parallel.progress import Cancel, Progress, reporting


def refine(
    spectra: xr.DataArray,
    peaks: xr.Dataset,
    *,
    engine: Engine = "auto",
    background: str | xr.DataArray = "shirley+linear",
    line_shape: str | None = None,
    shared: tuple[str, ...] = ("fraction",),
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
        Spectra of any shape with a dimension `energy` [eV]; NaN points are left out. Dask arrays
        stay lazy.
    peaks : Dataset
        Starts, from `predict` or by hand (`center` at least where there is a peak), over the
        other dimensions of `spectra` or some of them: one set of peaks may serve a whole map.
        Peaks with a `label` keep it, and their order.
    engine : {"auto", "lmfit", "batch"}
        What fits: lmfit with exact derivatives, or the compiled solver for many spectra, which
        reaches the same optimum and the same errors some hundred times faster. "auto" takes lmfit
        for one spectrum and the solver for more.
    background : str or DataArray
        "none", "constant", "linear", "shirley", "shirley+linear", "tougaard" or
        "tougaard+linear", fitted with the peaks: Shirley and Tougaard follow these, not the data.
        "auto" decides between them by BIC, once for all spectra. "static linear", "static
        shirley" or "static tougaard" is drawn from the data beforehand and held, as is a curve
        of your own (a DataArray like `spectra`).
    line_shape : str, optional
        By default that of `peaks`.
    shared : tuple of str
        Shape parameters that all peaks of a spectrum have in common, for instance
        ("fraction", "fwhm"); () frees all.
    constraints : mapping, optional
        By parameter ("fwhm" for all peaks, "fwhm_1" for that of lowest energy): a number holds
        it there, a pair (lowest, highest) limits it, None for an open end. A text links it to
        another peak: "center_1 + 1.19", "0.5 * height_1", "fwhm_1", "0.5 * area_1"; with a pair
        the offset or ratio is fitted within: "center_1 + (1.1, 1.3)", "height_1 * (0.4, 0.6)".
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
        Asked before every spectrum or block of 64 spectra; once it returns True, the rest is left
        with NOT_DONE.

    Returns
    -------
    Dataset
        Peaks with `*_stderr`, `area_stderr`, `noise`, `redchi`, `aic`, `bic` and one `status` per
        spectrum; `partner` (peak) where there are doublets; `covariance` (..., parameter,
        parameter_2) on demand, its names counted from 1 ("center_1" is that of the first peak).
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

    The estimated variance of a point follows the smoothed counts, never the single count, so that
    zeros have a weight like their neighbors and areas are not pulled down. Where counts are Poisson
    distributed and few, normal weights end: areas of two peaks on a flat background came out high
    by 0.1 of their error with 30 counts in the higher maximum, by 0.15 with 15, by 0.35 with 8;
    their 68 % intervals held the truth in 63 to 71 %. Spectra of whole numbers that stay below ten
    in the mean of any five points have the status FEW_COUNTS; sum neighboring ones.
    """
    if engine not in ("auto", "lmfit", "batch"):
        raise ValueError(f'expected engine "auto", "lmfit" or "batch", got {engine!r}')
    cropped = fitted_window(spectra, peaks, energy_range)
    line_shape = line_shape or str(peaks.attrs.get("line_shape", "pseudo_voigt"))
    paired, links = find_doublets(doublets, cropped, peaks, line_shape)
    options = _Options(
        engine, line_shape, shared, constraints, paired, links, scale_errors, covariance, cancel
    )
    lazy = cropped.chunks is not None
    words = None
    if isinstance(background, str) and background == "auto":
        some, theirs = some_spectra(cropped, peaks) if lazy else (cropped, peaks)
        known = None if lazy else noise_like(noise, spectra, cropped)
        background, words = options.chosen_background(some, theirs, known)
    if lazy:
        refined = _refined_lazily(options, spectra, cropped, peaks, noise, background)
    else:
        given = noise_like(noise, spectra, cropped)
        refined = options.refined(cropped, peaks, given, background, progress)
    if words is not None:
        refined.attrs["background_choice"] = words
    return refined


@dataclass(frozen=True)
class _Options:
    """What is the same for all chunks of spectra."""

    engine: Engine
    line_shape: str
    shared: tuple[str, ...]
    constraints: Mapping[str, Constraint] | None
    doublets: list[Doublet]
    links: list[Link]
    scale_errors: bool
    covariance: bool
    cancel: Cancel

    def setup(self, spectra: xr.DataArray, n_peaks: int, background: str) -> Setup:
        """What the rows of some spectra have in common."""
        return make_setup(
            spectra,
            n_peaks,
            line_shape=self.line_shape,
            background=background,
            shared=self.shared,
            constraints=self.constraints,
            scale_errors=self.scale_errors,
            links=self.links,
        )

    def chosen_background(
        self, spectra: xr.DataArray, peaks: xr.Dataset, noise: Floats | None
    ) -> tuple[str, str]:
        """The background that the spectra speak for, and what to say about it."""
        setup = self.setup(spectra, peaks.sizes["peak"], DEFAULT)
        return choose_background(setup, make_rows(spectra, peaks, noise))

    def refined(
        self,
        spectra: xr.DataArray,
        peaks: xr.Dataset,
        noise: Floats | None,
        background: str | xr.DataArray,
        progress: Progress = None,
    ) -> xr.Dataset:
        """Refine peaks of spectra in memory."""
        held = fixed_background(spectra, background)
        fitted = "none" if held is not None else str(background)
        setup = self.setup(spectra, peaks.sizes["peak"], fitted)
        rows = make_rows(spectra, peaks, noise)
        if held is not None:
            rows = held.taken_from(rows)
        with reporting(progress, len(rows.counts), "refine") as step:
            answers = refine_rows(
                setup, rows, engine=self.engine, cancel=self.cancel, progress=step
            )
        found = answers_to_peaks(setup, answers, spectra, peaks, with_covariance=self.covariance)
        found = with_partners(found, self.doublets)
        return found if held is None else held.entered(found)


def _refined_lazily(
    options: _Options,
    spectra: xr.DataArray,
    cropped: xr.DataArray,
    peaks: xr.Dataset,
    noise: Noise,
    background: str | xr.DataArray,
) -> xr.Dataset:
    """Refine chunk by chunk."""
    if isinstance(noise, np.ndarray):
        full = np.broadcast_to(noise, check_spectra(spectra).shape)
        noise = xr.DataArray(full, dims=check_spectra(spectra).dims).assign_coords(
            energy=spectra["energy"]
        )
    if isinstance(noise, xr.DataArray) and "energy" in noise.coords:
        noise = noise.sel(energy=cropped["energy"])
    if isinstance(background, xr.DataArray) and "energy" in background.coords:
        background = background.reindex(energy=cropped["energy"], method="nearest", tolerance=1e-6)
    if options.engine == "auto":  # what decides is not the size of a chunk
        many = cropped.size > cropped.sizes["energy"]
        options = replace(options, engine="batch" if many else "lmfit")

    def refine_part(
        part: xr.DataArray, starts: xr.Dataset, noise: Noise, background: str | xr.DataArray
    ) -> xr.Dataset:
        return options.refined(part, starts, noise_like(noise, part, part), background)

    return refine_chunks(refine_part, cropped, peaks, noise, background)
