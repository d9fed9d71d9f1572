"""Confidence intervals of the parameters of one spectrum.

A standard error assumes that chi-square is a parabola near the optimum. Where peaks overlap or a
parameter is near a limit it is not, and the interval is not symmetric around the best value. There
are two methods: the profile of chi-square along each parameter, and fits of many spectra that are
simulated from the fitted model with the noise of the spectrum (parametric bootstrap). Both assume
that the model, its links and the kind of noise are right. How far the size of the noise is known,
its degrees of freedom, is part of the intervals: they follow Student's t.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, choice, count, fitted_peaks, number
from xpsnet.data.constraints import Constraint
from xpsnet.data.measured_energies import on_corrected_axis
from xpsnet.data.peak_arrays import CURVE, background_terms
from xpsnet.data.peak_settings import stored_constraints, stored_shared, without_disabled
from xpsnet.data.peaks import Status, curves, line_shapes_of
from xpsnet.data.spectrum import check_spectra
from xpsnet.data.spectrum_arrays import numeric_energy, orientation_of
from xpsnet.data.status import applies
from xpsnet.fitting.lmfit_exchange import parameters_of
from xpsnet.fitting.model.doublets import doublets_as_links
from xpsnet.fitting.model.parameter_map import Floats
from xpsnet.fitting.model.spectrum_model import Problem, SpectrumModel
from xpsnet.fitting.profile import profile_intervals
from xpsnet.fitting.solve.fit_inputs import fitted_window
from xpsnet.fitting.solve.point_noise import (
    Noise,
    NoiseChoice,
    PointNoise,
    checked_noise,
    noise_rows,
    point_noise,
    quantum_of,
    with_checked_names,
)
from xpsnet.numerics.noise import NoiseModel, interval_reach, noise_of_residuals
from xpsnet.numerics.peak_shapes import shape_parameters_of

# Fits of simulated spectra that do not count.
_UNSOUND = (Status.NOT_CONVERGED, Status.ILL_DETERMINED, Status.FAILED, Status.NOT_DONE)


def confidence(
    spectrum: xr.DataArray,
    peaks: xr.Dataset,
    *,
    method: Literal["profile", "bootstrap"] = "profile",
    level: float = 0.6827,
    noise: Noise = None,
    n_replicas: int = 1000,
    seed: int = 0,
    dim: str | None = None,
) -> xr.Dataset:
    """Intervals of all fitted parameters of one spectrum.

    Parameters
    ----------
    spectrum : DataArray
        One spectrum.
    peaks : Dataset
        Its peaks, from `refine` or `fit`.
    method : {"profile", "bootstrap"}
        Profile likelihood: each parameter is moved until chi-square, minimized over
        all others, has risen by the square of the quantile of Student's t that belongs to `level`.
        Or parametric
        bootstrap: quantiles of the fits of `n_replicas` simulated spectra.
    level : float
        Probability of the intervals, between 0 and 1.
    noise : float, ndarray, DataArray, "poisson" or mapping, optional
        As for `refine`; by default that of the fit.
    n_replicas, seed : int
        Of the bootstrap; the same seed gives the same intervals.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    Dataset
        `<parameter>_lower` and `<parameter>_upper` over `peak` (background: without dimension), in
        the units of the parameter; NaN where a parameter was held, or chi-square does not rise far
        enough.

    Raises
    ------
    ValueError
        Where there is more than one spectrum, or no peak to vary.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> interval = xpsnet.confidence(spectrum, xpsnet.fit(spectrum))
    >>> (interval.center_upper - interval.center_lower).values.round(2)
    array([0.  , 0.01, 0.01])
    """
    check(
        locals(),
        peaks=fitted_peaks,
        method=choice("profile", "bootstrap"),
        level=number(above=0, below=1),
        n_replicas=count(least=10, most=1_000_000),
    )
    noise = with_checked_names(noise, spectrum, dim)
    spectrum = on_corrected_axis(check_spectra(spectrum, dim=dim)).squeeze()
    peaks = on_corrected_axis(peaks)
    window, peaks = _one(spectrum, peaks)
    given = None if noise is None else checked_noise(noise, spectrum, spectrum)
    points = _noise_of_points(given, window, peaks)
    if method == "profile":
        ends = _profile(window, peaks, points, level)
    else:
        ends = _bootstrap(window, peaks, points, level, (n_replicas, seed))
    found = _as_dataset(peaks, ends, level)
    found.attrs = {"method": method, "level": level}
    if method == "bootstrap":
        found.attrs |= {"n_replicas": n_replicas, "seed": seed}
    return found


def _one(spectrum: xr.DataArray, peaks: xr.Dataset) -> tuple[xr.DataArray, xr.Dataset]:
    """One spectrum over the fitted range, and the peaks that it has."""
    peaks = peaks.squeeze([d for d in peaks["center"].dims if d != "peak" and peaks.sizes[d] == 1])
    if spectrum.ndim != 1 or peaks["center"].ndim != 1:
        raise ValueError(
            f"expected one spectrum and its peaks, got dimensions {spectrum.dims} and "
            f"{peaks['center'].dims}; select one first, for instance with .isel(y=0, x=0)"
        )
    peaks = doublets_as_links(peaks)
    exists = np.isfinite(without_disabled(peaks)["center"].values)
    if not exists.any():
        raise ValueError("expected a spectrum with peaks, got one without")
    return fitted_window(spectrum, peaks, None), peaks.isel(peak=exists)


def _noise_of_points(
    given: xr.DataArray | NoiseChoice | None, window: xr.DataArray, peaks: xr.Dataset
) -> tuple[PointNoise, Floats, Floats | None]:
    """Noise of one spectrum (that of the fit where none is given), its counts, what was held.

    All in the orientation of the numerics, shape (1, n).
    """
    orientation = orientation_of(window)

    def oriented(values: xr.DataArray) -> Floats:
        row = np.asarray(values.values, dtype=np.float64)[None]
        return np.asarray(orientation.points(np.where(np.isfinite(row), row, np.nan)))

    counts, held = oriented(window), None
    if peaks.attrs["background"] == CURVE:
        held = oriented(peaks["background"].interp(energy=window["energy"]))
    known = NoiseModel.of_attributes(peaks.attrs)
    if given is None and known is not None:
        given = NoiseChoice(known)
    elif given is None:
        envelope = oriented(curves(peaks)["envelope"].interp(energy=window["energy"]))
        quantum = quantum_of(window)
        n_fitted = np.array([_n_fitted(peaks)])
        model = noise_of_residuals(counts, envelope, quantum, n_fitted=n_fitted, shared=False)
        given = NoiseChoice(model, quantum)
    found = point_noise(noise_rows(given, window), counts, held)
    density = found.density
    counted = replace(
        found,
        deviation=found.deviation * np.sqrt(density[:, None]),
        floor=found.floor * density[:, None],
        following_gain=found.following_gain * density,
    )
    return counted, counts, held


def _n_fitted(peaks: xr.Dataset) -> float:
    """Number of values with a standard error."""
    names = [f"{name}_stderr" for name in _parameters(peaks) if f"{name}_stderr" in peaks]
    return float(sum(np.isfinite(peaks[name].values).sum() for name in names))


def _profile(
    window: xr.DataArray,
    peaks: xr.Dataset,
    points: tuple[PointNoise, Floats, Floats | None],
    level: float,
) -> dict[str, Floats]:
    """Ends of the intervals by the names of a layout, shape (2,)."""
    noise, counts, held = points
    sign, energy = orientation_of(window).sign, numeric_energy(window)
    parameters, _ = parameters_of(peaks, energy, sign)
    best = parameters.on_scale(sign)
    background = str(peaks.attrs["background"])
    # What ended on a limit of the shape itself is not known to be exactly there.
    ended = (best.values == best.lower) | (best.values == best.upper)
    best = replace(best, free=best.free | (ended & best.at_natural_limits()))
    background = "none" if background == CURVE else background
    model = SpectrumModel(best.layout.line_shape, background, energy, best.layout)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(np.isfinite(counts[0]), 1 / noise.deviation[0], 0.0)
    floor = np.broadcast_to(noise.floor[0], weights.shape)
    rest = counts[0] if held is None else counts[0] - held[0]
    problem = Problem(model, rest, weights, (floor, float(noise.following_gain[0])))
    intervals = profile_intervals(problem, best, interval_reach(float(noise.dof[0]), level))
    mirror = dict(zip(best.layout.names, best.layout.mirror(sign), strict=True))
    return {
        name: np.array(ends if mirror.get(name, 1.0) > 0 else (-ends[1], -ends[0]))
        for name, ends in intervals.items()
    }


def _bootstrap(
    window: xr.DataArray,
    peaks: xr.Dataset,
    points: tuple[PointNoise, Floats, Floats | None],
    level: float,
    replicas: tuple[int, int],
) -> dict[str, Floats]:
    """Ends of the intervals by the names of lmfit, shape (2,); number of replicas and seed."""
    from xpsnet.fitting.refine import refine

    energy, dof = window["energy"].values, float(points[0].dof[0])
    deviation = orientation_of(window).points(points[0].deviation)[0]
    n, seed = replicas
    model = curves(peaks)["envelope"].interp(energy=energy).values
    rng = np.random.default_rng(seed)
    draws = rng.normal(size=(n, energy.size))
    if np.isfinite(dof):  # the noise is not known better than this
        draws *= np.sqrt(dof / rng.chisquare(dof, size=(n, 1)))
    if energy[0] > energy[-1]:  # the same draws in either order
        draws = draws[:, ::-1]
    counts = np.where(np.isfinite(window.values), model + deviation * draws, np.nan)
    spectra = xr.DataArray(
        counts, dims=("replica", "energy"), coords={"energy": window["energy"]}, attrs=window.attrs
    )
    names = [str(k) for k in range(peaks.sizes["peak"])]
    fits = refine(
        spectra,
        peaks.assign(label=("peak", np.array(names, dtype=object))),
        background=str(peaks.attrs["background"]),
        shared=stored_shared(peaks),
        constraints=_constraints(peaks),
        noise=np.nan_to_num(deviation, nan=1.0),
    )
    fits = fits.isel(replica=~applies(fits, *_UNSOUND))
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    ends = {}
    for name in (*_parameters(peaks), "area"):
        for k in range(peaks.sizes["peak"]):
            ends[f"{name}_{k + 1}"] = _quantiles(fits[name].values[:, k], tails)
    for term in background_terms(str(peaks.attrs["background"])):
        ends[f"background_{term}"] = _quantiles(fits[f"background_{term}"].values, tails)
    return ends


def _quantiles(values: Floats, tails: Floats) -> Floats:
    """Quantiles of what varies; NaN for what was held."""
    if values.size == 0 or not np.isfinite(values).all() or np.ptp(values) == 0:
        return np.full(2, np.nan)
    return np.asarray(np.quantile(values, tails))


def _parameters(peaks: xr.Dataset) -> tuple[str, ...]:
    """Shape parameters of the peaks."""
    return shape_parameters_of(line_shapes_of(peaks))


def _constraints(peaks: xr.Dataset) -> dict[str, Constraint]:
    """Constraints of a fit, and the values that it held: those without a standard error."""
    found = stored_constraints(peaks)
    if "center_stderr" not in peaks or applies(peaks, Status.ILL_DETERMINED, Status.NOT_DONE):
        return found
    shared = stored_shared(peaks)
    for name in _parameters(peaks):
        held = np.isfinite(peaks[name].values) & ~np.isfinite(peaks[f"{name}_stderr"].values)
        for k in np.flatnonzero(held):
            own = name if name in shared else f"{name}_{k + 1}"
            if not isinstance(found.get(own), str):
                found[own] = float(peaks[name].values[k])
    return found


def _as_dataset(peaks: xr.Dataset, ends: dict[str, Floats], level: float) -> xr.Dataset:
    """Lower and upper ends as variables."""
    variables: dict[str, Any] = {}
    for name in (*_parameters(peaks), "area"):
        own = [ends.get(f"{name}_{k + 1}", ends.get(name)) for k in range(peaks.sizes["peak"])]
        if any(pair is not None for pair in own):
            nothing = np.full(2, np.nan)
            table = np.stack([nothing if pair is None else pair for pair in own])
            variables |= _pair(peaks, name, ("peak",), table.T, level)
    for term in background_terms(str(peaks.attrs["background"])):
        name = f"background_{term}"
        if name in ends:
            variables |= _pair(peaks, name, (), ends[name], level)
    coords: dict[Any, Any] = {"peak": peaks["peak"]}
    if "label" in peaks:
        variables["label"] = peaks["label"]
    return xr.Dataset(variables, coords=coords)


def _pair(
    peaks: xr.Dataset, name: str, dims: Iterable[str], table: npt.NDArray[Any], level: float
) -> dict[str, Any]:
    """Variables of one parameter's interval."""
    texts = peaks[name].attrs
    pair = {}
    for side, values in zip(("lower", "upper"), table, strict=True):
        long_name = f"{side.capitalize()} end at {level:.0%}: {texts.get('long_name', name)}"
        attrs = {"long_name": long_name, "units": texts.get("units", "1")}
        pair[f"{name}_{side}"] = (tuple(dims), values, attrs)
    return pair
