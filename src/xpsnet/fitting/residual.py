"""What peaks leave of a spectrum, in units of its noise: for plots that follow every change."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.constraints import links_of
from xpsnet.data.links import parameter_name
from xpsnet.data.measured_energies import on_measured_energies
from xpsnet.data.peak_arrays import CURVE, background_terms
from xpsnet.data.peak_settings import (
    constraints_json,
    constraints_of_json,
    enabled_rows,
    has_settings,
    stored_constraints,
    stored_shared,
)
from xpsnet.data.peaks import drawn_arrays, line_shapes_of
from xpsnet.data.spectrum_arrays import spectrum_arrays
from xpsnet.fitting.solve.fit_inputs import fitted_window
from xpsnet.fitting.solve.per_spectrum import per_spectrum
from xpsnet.fitting.solve.point_noise import NoiseChoice, point_noise, quantum_of
from xpsnet.fitting.solve.spectrum_flags import usable_counts
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import NoiseModel, noise_of_counts
from xpsnet.numerics.peak_shapes import shape_names

Floats = npt.NDArray[np.float64]


@on_measured_energies
def residual(spectra: xr.DataArray, peaks: xr.Dataset, *, dim: str | None = None) -> xr.Dataset:
    """Residual of peaks in units of the noise, and its sum of squares.

    Nothing is fitted: this is for peaks that are changed by hand, and takes some milliseconds.

    Parameters
    ----------
    spectra : DataArray
        In memory; one spectrum or many.
    peaks : Dataset
        Over the other dimensions of `spectra`, or some of them.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    Dataset
        Over the fitted range: `residual` (..., energy), measured minus envelope over the standard
        deviation of the point, NaN where nothing was measured; `sigma` (..., energy) [units of the
        spectra]; `chi_square` (...) and `redchi` (...).

    Notes
    -----
    The noise is that of the fit that the peaks come from, ``floor + gain x smoothed counts``; where
    there was none, that of the differences of neighboring points.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> peaks = xpsnet.fit(spectrum)
    >>> before = xpsnet.residual(spectrum, peaks)
    >>> after = xpsnet.residual(spectrum, xpsnet.change_peak(peaks, 1, center=285.3))
    >>> bool(after.chi_square > 10 * before.chi_square)
    True
    """
    window = fitted_window(spectra, peaks, None, dim)
    arrays = spectrum_arrays(window)
    counts = usable_counts(arrays).astype(np.float64)
    lead, component, background = drawn_arrays(peaks, window["energy"].values)
    drawn = xr.DataArray(background + component.sum(axis=-2), dims=(*lead, "energy"))
    envelope = arrays.orientation.points(per_spectrum(drawn, window, "energy"))
    noise = point_noise(NoiseChoice(_noise_model(peaks, window, counts)), counts)
    sigma = noise.deviation * np.sqrt(noise.density)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(sigma > 0, (counts - envelope) / sigma, np.nan)
    used = np.isfinite(rest)
    chi_square = (np.where(used, rest, 0.0) ** 2).sum(axis=1)
    left = used.sum(axis=1) - _n_free(peaks, window)
    redchi = np.where(left > 0, chi_square / np.maximum(left, 1), np.nan)
    points, shape = arrays.orientation.points, window.shape
    units = str(window.attrs.get("units", "counts"))
    variables: dict[str, Any] = {
        "residual": (
            window.dims,
            points(rest).reshape(shape),
            {"long_name": "Residual over noise", "units": "1"},
        ),
        "sigma": (
            window.dims,
            points(sigma).reshape(shape),
            {"long_name": "Standard deviation of a point", "units": units},
        ),
        "chi_square": (window.dims[:-1], chi_square.reshape(shape[:-1])),
        "redchi": (window.dims[:-1], redchi.reshape(shape[:-1])),
    }
    return xr.Dataset(variables, {"energy": window["energy"]})


def _noise_model(peaks: xr.Dataset, window: xr.DataArray, counts: Floats) -> NoiseModel:
    """Noise of the fit that peaks come from, else that of the spectra before any fit."""
    known = {
        name: float(peaks.attrs[f"noise_{name}"])
        for name in ("gain", "floor", "density")
        if f"noise_{name}" in peaks.attrs
    }
    if known.get("gain", 0.0) + known.get("floor", 0.0) > 0:
        return NoiseModel.known(**known)
    return noise_of_counts(counts, quantum_of(window))


def _n_free(peaks: xr.Dataset, window: xr.DataArray) -> npt.NDArray[np.int64]:
    """How many parameters a fit of these peaks has, shape (S,)."""
    center = xr.DataArray(peaks.variables["center"])
    exists = np.isfinite(per_spectrum(center, window, "peak")) & enabled_rows(peaks)
    shapes = shape_names(line_shapes_of(peaks), exists.shape[1])
    rules = stored_constraints(peaks) if has_settings(peaks) else {}
    own, common = _free(constraints_json(rules), shapes, stored_shared(peaks))
    background = str(peaks.attrs["background"])
    terms = 0 if background == CURVE else len(background_terms(background))
    return np.asarray(exists @ own + common * exists.any(axis=1) + terms, dtype=np.int64)


@lru_cache(maxsize=64)
def _free(
    constraints: str, shapes: tuple[str, ...], shared: tuple[str, ...]
) -> tuple[npt.NDArray[np.int64], int]:
    """Free parameters of every peak, shape (peak,), and how many they have in common."""
    rules = constraints_of_json(constraints)
    held = {name for name, rule in rules.items() if isinstance(rule, int | float)}
    # A linked area takes the place of a height.
    linked = {
        parameter_name("height" if link.parameter == "area" else link.parameter, link.peak)
        for link in links_of(rules)
        if not link.fitted
    }
    own, common = np.zeros(len(shapes), dtype=np.int64), set()
    for k, shape in enumerate(shapes):
        for parameter in LINE_SHAPES[shape].parameters:
            if parameter in held or parameter_name(parameter, k) in held | linked:
                continue
            if parameter in shared:
                common.add(parameter)
            else:
                own[k] += 1
    return own, len(common)
