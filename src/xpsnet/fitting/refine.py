"""Refinement: least squares from peaks found elsewhere, for spectra of any shape."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import (
    check,
    choice,
    optional,
    text_or_array,
    text_or_texts,
)
from xpsnet.arguments import peaks as peaks_rule
from xpsnet.data.constraints import Constraint
from xpsnet.data.measured_energies import on_measured_energies
from xpsnet.data.peak_settings import keeps_order, stored_shared
from xpsnet.data.peaks import keep_own_names, line_shapes_of
from xpsnet.data.spectrum import check_spectra, scale_sign
from xpsnet.data.spectrum_arrays import SpectrumArrays, numeric_energy, spectrum_arrays
from xpsnet.fitting.model.doublets import Doublet, as_doublets, doublet_links, stored_doublets
from xpsnet.fitting.model.options import (
    Engine,
    FitOptions,
    checked_constraints,
    checked_shared,
    named_shapes,
    unshared,
)
from xpsnet.fitting.noise_from_fits import (
    Fitted,
    fitted_curves,
    noise_from_fits,
    noise_sample,
)
from xpsnet.fitting.refine_lazy import Chunk, map_chunks
from xpsnet.fitting.same_again import (
    background_again,
    refine_tied,
    rules_again,
    ties_of,
    with_rows,
)
from xpsnet.fitting.select.background import choose_background
from xpsnet.fitting.solve.fit_inputs import (
    FitInputs,
    find_doublets,
    fit_inputs,
    fitted_window,
    median_center,
    starts_from_peaks,
)
from xpsnet.fitting.solve.fit_results import results_to_dataset
from xpsnet.fitting.solve.point_noise import (
    Noise,
    NoiseChoice,
    checked_noise,
    noise_rows,
    with_checked_names,
)
from xpsnet.fitting.solve.spectrum_flags import usable_counts
from xpsnet.fitting.static_background import fitted_name, held_name, held_rows
from xpsnet.parallel.progress import Cancel, Progress, reporting

Floats = npt.NDArray[np.float64]

# Lazy spectra that are looked at for the background.
BACKGROUND_SAMPLE = 64


@on_measured_energies
def refine(
    spectra: xr.DataArray,
    peaks: xr.Dataset,
    *,
    engine: Engine = "auto",
    background: str | xr.DataArray | None = None,
    line_shape: str | Sequence[str] | None = None,
    shared: tuple[str, ...] | None = None,
    constraints: Mapping[str, Constraint] | None = None,
    doublets: Sequence[Doublet | str] | None = None,
    energy_range: tuple[float, float] | None = None,
    noise: Noise = None,
    scale_errors: bool = False,
    covariance: bool = False,
    progress: Progress = None,
    cancel: Cancel = None,
    dim: str | None = None,
) -> xr.Dataset:
    """Refine peaks by weighted least squares, together with their background.

    Peaks carry the settings of the fit that they come from: line shape, shared parameters,
    constraints, doublets, background and energy range. Without keywords the same fit is made again;
    each keyword replaces what the peaks carry.

    Parameters
    ----------
    spectra : DataArray
        Spectra of any shape with a dimension `energy` [eV]; NaN points are left out. Dask arrays
        stay lazy.
    peaks : Dataset
        Start values, from `predict` or your own (at least `center` of each peak), over the
        other dimensions of `spectra` or some of them: one set of peaks may serve a whole map.
        Peaks with a `label` keep it, and their order. Rows whose `enabled` is False are left out
        of the fit and kept in the result.
    engine : {"auto", "lmfit", "batch"}
        The solver: lmfit with exact derivatives, or the compiled solver for many spectra, which
        reaches the same optimum and the same errors some hundred times faster. "auto" takes lmfit
        for one spectrum and the solver for more.
    background : str or DataArray, optional
        By default that of the fit that `peaks` come from, else "shirley+linear". "none",
        "constant", "linear", "shirley", "shirley+linear", "tougaard" or "tougaard+linear" is fitted
        with the peaks: Shirley and Tougaard follow these, not the data. "auto" decides between them
        by BIC, once for all spectra. "static linear", "static shirley" or "static tougaard" is
        drawn from the data beforehand and held, as is a curve of your own (a DataArray like
        `spectra`).
    line_shape : str or sequence of str, optional
        One for all peaks, or one for each in the order of `peaks`, which then keep it. By default
        that of `peaks`. Names of CasaXPS hold what they state: "GL(30)", "SGL(30)", "LA(1.2,5,8)".
    shared : tuple of str, optional
        Shape parameters that all peaks of a spectrum have in common, for instance
        ("fraction", "fwhm"); () gives every peak its own. By default those of `peaks`, or
        ("fraction",).
    constraints : mapping, optional
        By default those of `peaks`; {} takes them away. By parameter ("fwhm" for all peaks,
        "fwhm_1" for that of lowest energy): a number holds it there, a pair (lowest, highest)
        limits it, None for an open end. A text links it to another peak: "center_1 + 1.19",
        "0.5 * height_1", "fwhm_1", "0.5 * area_1"; with a pair the offset or ratio is fitted
        between both: "center_1 + (1.1, 1.3)", "height_1 * (0.4, 0.6)".
    doublets : sequence of Doublet or str, optional
        Spin-orbit doublets from `doublet`, or their levels ("S 2p") with the amounts of the table.
        By default those of `peaks`; () takes them away.
    energy_range : (float, float), optional
        Fitted range [eV] on the spectra's scale; by default that of `peaks`.
    noise : float, ndarray, DataArray, "poisson", "each" or mapping, optional
        Standard deviation [units of the spectra] of all points, or of each. By default, also
        where `peaks` come from a fit, the variance floor + gain x counts is estimated, with one
        gain and floor for all spectra unless theirs differ. "each": estimated for every spectrum by
        itself. "poisson": the spectra are counts. A mapping gives "gain" (variance per count),
        "floor" (without counts) and "dof" (degrees of freedom) themselves, for instance from the
        attributes of a result.
    scale_errors : bool
        Multiply standard errors by the root of the reduced chi-square. Do so if the noise is
        known only up to a factor and the model is complete.
    covariance : bool
        Also give the covariance of all parameters.
    progress : bool or callable, optional
        True shows a bar; a callable gets (done, total).
    cancel : callable, optional
        Called before every spectrum or block of 64 spectra; once it returns True, the remaining
        spectra get the status NOT_DONE.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    Dataset
        Peaks with `*_stderr`, `area_stderr`, `noise`, `dof_noise`, `redchi`, `aic`, `bic` and one
        `status` per spectrum; `partner` (..., peak) where there are doublets; `covariance`
        (..., parameter, parameter_2) on request, its names counted from 1 ("center_1" is that of
        the first peak). A parameter that ended on a limit is held there: its error is NaN. Those
        of the others hold for this value if the limit is yours; if it is that of the line shape
        (a share of 0 or 1), they count the parameter as free. A Shirley or Tougaard background
        that ended at 0 is absent.

    Raises
    ------
    ValueError
        If arguments contradict each other; never because of the counts of a spectrum.

    Notes
    -----
    Weights are 1 / noise. Standard errors follow from that noise (`scale_covar=False` of lmfit);
    `redchi` shows whether the noise explains the residual. **The interval of a value** at 95 % is
    value +- t x stderr, where t is the quantile of Student's t with `dof_noise` degrees of freedom
    (1.96 where they are many): an estimated noise is itself uncertain. Centers are limited to the
    fitted range, extended at each end by a twentieth of it, widths to between one step of the axis
    and half of the range, heights to 0 or above.

    The noise is estimated from the differences of the residuals of a first fit, of all spectra or
    of 128 to 1,024 that are spread evenly over them (`attrs["noise_gain"]`, `"noise_floor"`,
    `"noise_dof"`). Of lazy spectra these are read at once. Counts are Poisson distributed until
    their residuals say otherwise. Where the smoothed counts of a spectrum fall below 30 quanta
    (counts, if the gain is 1), the Poisson likelihood is maximized, with the gain as a factor
    (quasi-likelihood): the variance of a point then follows the fitted curve. Elsewhere it follows
    the smoothed counts. Spectra of whole numbers that stay below ten in the mean of any five points
    have the status FEW_COUNTS: their errors are not symmetric, see `confidence`.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> starts = xpsnet.predict(spectrum)
    >>> peaks = xpsnet.refine(spectrum, starts, shared=("fraction", "fwhm"))
    >>> peaks.center.values.round(1)
    array([284.8, 286.5, 288.9])

    The second peak follows the first at a distance that is fitted between 1.0 and 2.0 eV:

    >>> linked = xpsnet.refine(spectrum, starts, constraints={"center_2": "center_1 + (1.0, 2.0)"})
    >>> linked.attrs["links"]
    'center_2 = center_1 + (1.0, 2.0)'
    """
    check(
        locals(),
        peaks=peaks_rule,
        engine=choice("auto", "lmfit", "batch"),
        background=optional(text_or_array("shirley")),
        line_shape=optional(text_or_texts("voigt")),
    )
    window = fitted_window(spectra, peaks, energy_range, dim)
    sign = scale_sign(window.attrs["scale"])
    n_peaks, energy = peaks.sizes["peak"], numeric_energy(window)
    given = line_shape or line_shapes_of(peaks)
    shapes, named = named_shapes(given, n_peaks)
    background = background_again(peaks, window) if background is None else background
    again = doublets is None
    if constraints is None:
        rules = {**rules_again(peaks, shapes, doublets_too=again), **named}
    else:
        rules = {**named, **constraints}
    options = FitOptions(
        shapes,
        background=fitted_name(background),
        shared=unshared(stored_shared(peaks) if shared is None else checked_shared(shared), named),
        scale_errors=scale_errors,
        covariance=covariance,
        engine=engine,
        cancel=cancel,
        keep_order=keeps_order(peaks),
    )
    if doublets is None:
        tied = stored_doublets(peaks)
        starts, _ = starts_from_peaks(window, peaks) if tied else ({}, None)
    else:
        peaks = peaks.drop_vars([name for name in ("partner", "state") if name in peaks])
        wanted = as_doublets(doublets, peaks.sizes["peak"])
        starts, _ = starts_from_peaks(window, peaks) if wanted else ({}, None)
        tied = find_doublets(wanted, starts, sign)
    paired = [one for one in tied if one.peaks is not None]
    links = doublet_links(paired, options.line_shape, median_center(starts)) if paired else []
    if again:  # what the rules say themselves is not said twice
        links = [link for link in links if link.name not in rules]
    found = checked_constraints(options, energy, sign, n_peaks, rules, links)
    options = replace(options, constraints=found, doublets=tied)
    checked = keep_own_names(check_spectra(spectra, dim=dim))
    noise, background = (with_checked_names(v, spectra, dim) for v in (noise, background))
    whole = Chunk(window, NoiseChoice(None), background, peaks)
    few = noise_sample(whole) if noise is None or isinstance(noise, str) else whole
    known = checked_noise(noise, checked, few.spectra)
    whole = whole._replace(noise=known)
    lazy = window.chunks is not None
    words = None
    if isinstance(background, str) and background == "auto":
        chosen, words = _chosen_background(options, whole)
        options, whole = replace(options, background=chosen), whole._replace(background=chosen)
    if noise is None and isinstance(known, NoiseChoice):
        whole = whole._replace(noise=_noise_from(options, few, known))
    if lazy:
        if engine == "auto":  # what decides is not the size of a chunk
            many = window.size > window.sizes["energy"]
            options = replace(options, engine="batch" if many else "lmfit")
        refined = map_chunks(lambda part, _: _refine_now(options, part, None), whole)
        if "label" in peaks and peaks["label"].chunks is not None:  # not known before a chunk is
            refined["label"] = peaks["label"]
    else:
        refined = _refine_now(options, whole, progress)
    if isinstance(whole.noise, NoiseChoice):
        refined.attrs.update(whole.noise.attributes)
    if words is not None:
        refined.attrs["background_choice"] = words
    return refined


def _noise_from(options: FitOptions, few: Chunk, given: NoiseChoice) -> NoiseChoice:
    """Noise of spectra in memory from fits of them; see `noise_from_fits`."""
    quick, arrays = replace(options, engine="batch"), spectrum_arrays(few.spectra)
    held = held_rows(arrays, few.background)

    def fitted(noise: NoiseChoice) -> Fitted:
        inputs = _inputs(few._replace(noise=noise), arrays, held)
        results = refine_tied(quick, inputs, ties_of(quick, few.starts, few.spectra))
        return fitted_curves(quick, inputs.energy, results, held)

    return noise_from_fits(usable_counts(arrays), given, fitted)


def _chosen_background(options: FitOptions, whole: Chunk) -> tuple[str, str]:
    """The background that the spectra speak for, and how far the others are behind."""
    if whole.spectra.chunks is not None:
        n = int(np.prod(whole.spectra.shape[:-1]))
        rows = np.unique(np.linspace(0, n - 1, min(n, BACKGROUND_SAMPLE)).astype(int))
        whole = whole.sampled(rows).computed()
    return choose_background(options, _inputs(whole, spectrum_arrays(whole.spectra), None))


def _inputs(whole: Chunk, arrays: SpectrumArrays, held: Floats | None) -> FitInputs:
    """Inputs of the fit of spectra in memory, with a background that is held."""
    noise = noise_rows(whole.noise, whole.spectra)
    starts = starts_from_peaks(whole.spectra, whole.starts)
    return fit_inputs((arrays.energy, usable_counts(arrays), held), noise, *starts)


def _refine_now(options: FitOptions, whole: Chunk, progress: Progress) -> xr.Dataset:
    """Refine peaks of spectra in memory."""
    spectra, peaks = whole.spectra, whole.starts
    arrays = spectrum_arrays(spectra)
    if isinstance(whole.noise, NoiseChoice) and whole.noise.model is None:
        whole = whole._replace(noise=_noise_from(options, whole, whole.noise))
    curve = held_rows(arrays, whole.background)
    inputs = _inputs(whole, arrays, curve)
    with reporting(progress, len(inputs.counts), "refine") as step:
        results = refine_tied(options, inputs, ties_of(options, peaks, spectra), step)
    refined = results_to_dataset(
        options,
        results,
        arrays,
        label=[str(text) for text in peaks["label"].values] if "label" in peaks else None,
        attrs=peaks.attrs,
        background=curve,
    )
    if curve is not None:
        refined.attrs["background_choice"] = held_name(whole.background)
    return with_rows(refined, peaks, spectra)
