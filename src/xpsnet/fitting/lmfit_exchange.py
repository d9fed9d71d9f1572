"""To lmfit and back: one spectrum's fit as a model and parameters of lmfit's own."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xpsnet.arguments import WrongTypeError, check, fitted_peaks, shown
from xpsnet.data.constraints import check_constraints
from xpsnet.data.links import split_name
from xpsnet.data.measured_energies import on_corrected_axis
from xpsnet.data.peak_arrays import CURVE
from xpsnet.data.peak_settings import stored_constraints, stored_shared, without_disabled
from xpsnet.data.peaks import PeakArrays, Status, line_shapes_of, peaks_from_numerics
from xpsnet.data.spectrum import check_spectra, scale_sign
from xpsnet.data.spectrum_arrays import numeric_energy, spectrum_arrays
from xpsnet.data.status import applies
from xpsnet.fitting.model.doublets import doublets_as_links
from xpsnet.fitting.model.parameter_map import Floats, Layout, make_layout
from xpsnet.fitting.model.parameters import FitParameters, flat_values, start_parameters
from xpsnet.fitting.same_again import with_rows
from xpsnet.fitting.solve.fit_inputs import fitted_window
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.fitting.solve.statistics import area_errors
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.peak_shapes import LineShapes, shapes_at

if TYPE_CHECKING:
    import lmfit


def to_lmfit(
    spectrum: xr.DataArray, peaks: xr.Dataset, *, dim: str | None = None
) -> "tuple[lmfit.Model, lmfit.Parameters]":
    """Hand one spectrum's fit over to lmfit.

    Parameters
    ----------
    spectrum : DataArray
        One spectrum; the model has its scale, and the limits follow from its energies.
    peaks : Dataset
        The peaks of that one spectrum, from `refine` or `fit` (or `predict`).
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    model : lmfit.Model
        Of the independent variable `energy` [eV] on the spectrum's own scale, the active
        background included; a background that was held is part of it.
    params : lmfit.Parameters
        "center_1", "fwhm_1", "height_1", ..., "fraction" where it is shared, "background_*",
        counted from 1; with the limits of `refine`, standard errors where known, and `vary=False`
        for what was held or lies on a limit. Links, and doublets of `refine`, are expressions; an
        offset or ratio that they fit is a parameter such as "center_offset_2" or "area_ratio_2".
        Rows that are switched off are left out.

    Raises
    ------
    ValueError
        Where there is more than one spectrum.

    See Also
    --------
    from_lmfit : the way back.

    Notes
    -----
    `model.fit(counts, params, energy=energy, weights=1 / noise, scale_covar=False)` gives the fit
    of `refine(spectrum, peaks, noise=noise)` again.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> peaks = xpsnet.fit(spectrum)
    >>> model, params = xpsnet.to_lmfit(spectrum, peaks)
    >>> list(params)[:4]
    ['center_1', 'fwhm_1', 'height_1', 'fraction']
    """
    check(locals(), peaks=fitted_peaks)
    from xpsnet.fitting.solve.lmfit_backend import as_lmfit

    peaks = on_corrected_axis(peaks)
    spectrum = fitted_window(on_corrected_axis(check_spectra(spectrum, dim=dim)), peaks, None)
    spectrum = spectrum.squeeze([d for d in spectrum.dims[:-1] if spectrum.sizes[d] == 1])
    peaks = _of_one_spectrum(peaks)
    if spectrum.ndim != 1:
        raise ValueError(
            f"expected one spectrum, got dimensions {spectrum.dims}; select one first, for "
            f"instance with .isel(y=0, x=0)"
        )
    sign = scale_sign(spectrum.attrs["scale"])
    peaks = without_disabled(doublets_as_links(peaks))
    peaks = peaks.isel(peak=np.flatnonzero(np.isfinite(peaks["center"].values)))
    _, background = _kinds(peaks)
    parameters, plain = parameters_of(peaks, sign * spectrum["energy"].values, sign)
    curve = None
    if peaks.attrs["background"] == CURVE:
        held = peaks["background"].sortby("energy")
        curve = held["energy"].values, held.values
    model, params = as_lmfit(background, parameters, plain, sign, curve)
    for name, error in zip(plain.names, _gathered(peaks, plain, "_stderr"), strict=True):
        params[name].stderr = float(error) if np.isfinite(error) else None
    return model, params


def from_lmfit(
    result: "lmfit.model.ModelResult | lmfit.minimizer.MinimizerResult | lmfit.Parameters",
    peaks: xr.Dataset,
) -> xr.Dataset:
    """Turn a fit made by lmfit back into peaks.

    Parameters
    ----------
    result : ModelResult, MinimizerResult or Parameters
        Of the model and the parameters that `to_lmfit` made.
    peaks : Dataset
        What was given to `to_lmfit`.

    Returns
    -------
    Dataset
        The same peaks with the values and standard errors of lmfit; from a result also areas
        with errors, `redchi`, `aic`, `bic`, the covariance and a status.

    Raises
    ------
    ValueError
        Where parameters are missing, or `peaks` are those of several spectra.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> peaks = xpsnet.fit(spectrum)
    >>> model, params = xpsnet.to_lmfit(spectrum, peaks)
    >>> params["fwhm_2"].expr = "fwhm_1"
    >>> weights = 1 / float(peaks.noise)
    >>> result = model.fit(
    ...     spectrum.values, params, energy=spectrum.energy.values, weights=weights,
    ...     scale_covar=False,
    ... )
    >>> again = xpsnet.from_lmfit(result, peaks)
    >>> bool(again.fwhm[1] == again.fwhm[0])
    True
    """
    check(locals(), peaks=fitted_peaks)
    one = _of_one_spectrum(on_corrected_axis(peaks))
    present = np.flatnonzero(np.isfinite(without_disabled(one)["center"].values))
    line_shape, background = _kinds(one)
    plain = make_layout(
        shapes_at(line_shape, present.tolist()), background, present.size, stored_shared(one)
    )
    params: Any = getattr(result, "params", result)
    if not hasattr(params, "valuesdict"):
        raise WrongTypeError(
            f"expected a result or the parameters of lmfit, got result={shown(result)}; pass what "
            f"model.fit(...) gives"
        )
    missing = [name for name in plain.names if name not in params]
    if missing:
        raise ValueError(
            f"expected the parameters that to_lmfit makes of these peaks, got none named "
            f"{', '.join(missing)}"
        )
    sign = scale_sign(one.attrs["scale"])
    factors = plain.mirror(sign)
    results = FitResults.not_done(plain, 1)
    results.values[0] = factors * [params[name].value for name in plain.names]
    errors = [params[name].stderr for name in plain.names]
    results.stderr[0] = [np.nan if error is None else error for error in errors]
    covariance = _covariance(result, plain)
    if covariance is not None:
        covariance = covariance * np.outer(factors, factors)
        known = np.nan_to_num(covariance)[None]
        found = area_errors(numeric_energy(one), plain, results.values, known)
        results.area_stderr[:], results.area_sum_stderr[:] = found
    results = replace(results, covariance=None if covariance is None else covariance[None])
    place = np.full((1, one.sizes["peak"]), -1, dtype=np.intp)
    place[0, present] = np.arange(present.size)
    whole = make_layout(line_shape, background, one.sizes["peak"], stored_shared(one))
    status = _status(result, params, present.size)
    return _as_dataset(result, peaks, results.moved(place, whole), status)


def _as_dataset(result: Any, peaks: xr.Dataset, results: FitResults, status: Status) -> xr.Dataset:
    """Peaks Dataset over the dimensions of `peaks`, all of size 1."""
    lead = tuple(d for d in peaks["center"].dims if d != "peak")
    own = {name: c for name, c in peaks.coords.items() if {*c.dims} <= {*lead, "energy"}}
    shape = (*(1 for _ in lead), peaks.sizes["energy"])
    spectra = xr.DataArray(np.full(shape, np.nan), own, (*lead, "energy"), attrs=peaks.attrs)
    line_shape, background = _kinds(peaks)
    layout = results.layout
    terms = dict(zip(BACKGROUNDS[background], layout.background_index, strict=True))
    errors = results.peak_errors | {"area": results.area_stderr}
    errors |= {f"background_{name}": results.stderr[:, i] for name, i in terms.items()}
    arrays = spectrum_arrays(spectra)
    curve = None
    if "background" in peaks:
        curve = arrays.orientation.points(peaks["background"].values.reshape(1, -1))
    fit = {name: getattr(result, name, None) for name in ("redchi", "aic", "bic")}
    fit["area_sum_stderr"] = results.area_sum_stderr
    if "noise" in peaks:
        fit["noise"] = peaks["noise"].values
    found = PeakArrays(
        line_shape,
        background,
        results.peaks,
        {name: results.values[:, i] for name, i in terms.items()},
        np.array([int(status)]),
        stderr=errors,
        covariance=None if results.covariance is None else (layout.names, results.covariance),
        background_curve=curve,
        label=[str(text) for text in peaks["label"].values] if "label" in peaks else None,
        others={n: None if v is None else np.reshape(v, 1) for n, v in fit.items()},
    )
    return with_rows(peaks_from_numerics(arrays, found, peaks.attrs), peaks, spectra)


def _of_one_spectrum(peaks: xr.Dataset) -> xr.Dataset:
    """Peaks without leading dimensions, refused where there are several spectra."""
    lead = [d for d in peaks["center"].dims if d != "peak" and peaks.sizes[d] == 1]
    peaks = peaks.squeeze(lead, drop=True)
    if peaks["center"].ndim != 1:
        raise ValueError(
            f"expected the peaks of one spectrum, got dimensions {peaks['center'].dims}; select "
            f"one first, for instance with .isel(y=0, x=0)"
        )
    return peaks


def _kinds(peaks: xr.Dataset) -> tuple[LineShapes, str]:
    """Line shape and fitted background; a background that is a curve has no parameters."""
    background = str(peaks.attrs["background"])
    return line_shapes_of(peaks), "none" if background == CURVE else background


def parameters_of(peaks: xr.Dataset, energy: Floats, sign: int) -> tuple[FitParameters, Layout]:
    """Flat parameters of one spectrum's peaks on their own scale, and their plain layout.

    Parameters
    ----------
    peaks : Dataset
        Without leading dimensions, all of them there.
    energy : ndarray, shape (n,)
        Larger is more bound.
    sign : int
        -1 where the scale is kinetic.
    """
    line_shape, background = _kinds(peaks)
    share, n_peaks = stored_shared(peaks), peaks.sizes["peak"]
    plain = make_layout(line_shape, background, n_peaks, share)
    known = (*plain.shape_parameters, "area")
    rules = {n: r for n, r in stored_constraints(peaks).items() if split_name(n)[0] in known}
    constraints = check_constraints(rules, line_shape, n_peaks).on_scale(sign)
    layout = make_layout(line_shape, background, n_peaks, share, constraints.links)
    starts = {name: peaks[name].values for name in plain.shape_parameters}
    limits = start_parameters(layout, energy, starts, constraints)
    given = _gathered(peaks, plain, "")
    finite = np.nan_to_num(given) * plain.mirror(sign)
    values = flat_values(layout, plain.shapes(finite))
    values[layout.background_index] = finite[plain.background_index]
    values = np.where(limits.free, values, limits.values)
    free = np.isfinite(values) & limits.free
    free[layout.background_index] &= np.isfinite(given[plain.background_index])
    unknown = applies(peaks, Status.ILL_DETERMINED, Status.NOT_DONE)
    if "center_stderr" in peaks and not unknown:
        errors = dict(zip(plain.names, _gathered(peaks, plain, "_stderr"), strict=True))
        # What was refined and has no error was held.
        free &= [np.isfinite(errors.get(name, 0.0)) for name in layout.names]
    lower, upper = np.minimum(limits.lower, values), np.maximum(limits.upper, values)
    return FitParameters(layout, values, lower, upper, free).on_scale(sign), plain


def _gathered(peaks: xr.Dataset, layout: Layout, suffix: str) -> Floats:
    """Flat values of all variables with this suffix, NaN where there is none."""
    flat = np.full(len(layout.names), np.nan)
    for j, name in enumerate(layout.shape_parameters):
        if name + suffix in peaks:
            own = ~layout.absent[:, j]
            flat[layout.column(name)[own]] = peaks[name + suffix].values[own]
    for entry in layout.background_index:
        name = layout.names[entry] + suffix
        if name in peaks:
            flat[entry] = float(peaks[name])
    return flat


def _covariance(result: Any, plain: Layout) -> Floats | None:
    """Covariance under the names of a plain layout, expressions resolved; None if unknown."""
    covar, names = getattr(result, "covar", None), getattr(result, "var_names", None)
    if covar is None or names is None:
        return None
    slopes = np.empty((len(plain.names), len(names)))
    for column, name in enumerate(names):
        ends = []
        best, error = result.params[name].value, result.params[name].stderr
        step = 1e-3 * (error or abs(best) or 1.0)
        for sign in (1, -1):
            moved = result.params.copy()
            moved[name].set(value=best + sign * step)
            ends.append((moved[name].value, [moved[key].value for key in plain.names]))
        (up, above), (down, below) = ends
        slopes[:, column] = (np.array(above) - np.array(below)) / (up - down or 1.0)
    held = ~slopes.any(axis=1)
    covariance: Floats = slopes @ np.asarray(covar, dtype=float) @ slopes.T
    covariance[held] = np.nan
    covariance[:, held] = np.nan
    return covariance


def _status(result: Any, params: Any, n_peaks: int) -> Status:
    """What lmfit says of its own fit."""
    if not getattr(result, "success", True):
        return Status.NOT_CONVERGED
    if not getattr(result, "errorbars", True):
        return Status.ILL_DETERMINED
    # A pure Gaussian or Lorentzian is a line as good as any.
    fitted = [p for p in params.values() if p.vary]
    limits = [(p.min, p.max, p.value) for p in fitted if not p.name.startswith("fraction")]
    if any(value in (low, high) for low, high, value in limits):
        return Status.AT_BOUND
    return Status.OK if n_peaks else Status.NO_PEAKS
