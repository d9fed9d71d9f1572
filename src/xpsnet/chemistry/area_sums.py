"""Sums of weighted areas with their errors: atoms per level, state or line, not yet fractions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.peaks import line_shapes_of
from xpsnet.data.spectrum import scale_sign
from xpsnet.data.status import Status, applies
from xpsnet.fitting.model.parameter_map import make_layout
from xpsnet.fitting.solve.statistics import area_covariance
from xpsnet.numerics.backgrounds import BACKGROUNDS

Floats = npt.NDArray[np.float64]

# Spectra whose areas say nothing.
_NOT_FITTED = (
    Status.NOT_FINITE,
    Status.TOO_FEW_POINTS,
    Status.NO_SIGNAL,
    Status.NOT_DONE,
    Status.FAILED,
    Status.SURVEY,
    Status.STEP,
)


@dataclass(frozen=True)
class AreaSums:
    """Weighted sums of the areas of one Dataset, over (..., row).

    Attributes
    ----------
    value : DataArray
        NaN in spectra that were not fitted; 0 where there is no such peak.
    variance : DataArray
        Of each row.
    shared : DataArray
        Covariance of each row with the sum of all rows.
    """

    value: xr.DataArray
    variance: xr.DataArray
    shared: xr.DataArray


def area_sums(
    peaks: xr.Dataset, weights: Floats, states: npt.NDArray[np.int64] | None, empty: xr.DataArray
) -> AreaSums:
    """Weighted sums of areas with their covariances.

    Parameters
    ----------
    peaks : Dataset
        Without disabled rows.
    weights : ndarray, shape (row, peak)
        0 for what does not belong to a row.
    states : ndarray of int, shape (row,), optional
        Only the lines of this state count in a row; 0 for all.
    empty : DataArray, over (..., row)
        Variance of a row in which there is no peak.

    Returns
    -------
    AreaSums
    """
    area = peaks["area"].transpose(..., "peak").reset_coords(drop=True)
    lead = [dim for dim in area.dims if dim != "peak"]
    stderr = peaks["area_stderr"] if "area_stderr" in peaks else xr.full_like(area, np.nan)
    given: list[Any] = [area, stderr.reset_coords(drop=True)]
    dims: list[list[str]] = [["peak"], ["peak"]]
    exact = _exact_covariance(peaks)
    if exact is not None:
        given.append(exact)
        dims.append(["peak", "peak_2"])
    else:
        total = (
            peaks["area_sum_stderr"] if "area_sum_stderr" in peaks else area.isel(peak=0) * np.nan
        )
        given.append(total.reset_coords(drop=True))
        dims.append([])
    number = peaks["state"] if states is not None else xr.zeros_like(area, dtype=np.int64)
    given += [number.reset_coords(drop=True), empty]
    dims += [["peak"], ["row"]]
    weights = np.asarray(weights, dtype=np.float64)

    def block(
        area: Floats, stderr: Floats, errors: Floats, number: Any, empty: Floats
    ) -> tuple[Floats, Floats, Floats]:
        exists = np.isfinite(area)
        own = np.where(exists[..., None, :], weights, 0.0)  # (..., row, peak)
        if states is not None:
            same = number[..., None, :] == states[:, None]
            own = np.where(same | (states[:, None] == 0), own, 0.0)
        matrix = errors if exact is not None else _from_total(stderr, errors, exists)
        return _sums(own, np.nan_to_num(area), np.where(exists[..., None, :], matrix, 0.0), empty)

    value, variance, shared = xr.apply_ufunc(
        block, *given, input_core_dims=dims, output_core_dims=[["row"]] * 3,
        dask="parallelized", output_dtypes=[np.float64] * 3,
        dask_gufunc_kwargs={"output_sizes": {"row": len(weights)}, "allow_rechunk": True},
    )  # fmt: skip
    fitted = _was_fitted(peaks, area)
    coords = {n: c for n, c in peaks.coords.items() if {*c.dims} <= set(lead)}
    parts = (one.where(fitted).assign_coords(coords) for one in (value, variance, shared))
    return AreaSums(*parts)


def _was_fitted(peaks: xr.Dataset, area: xr.DataArray) -> xr.DataArray:
    """In which spectra the areas are those of a fit."""
    if "status_flags" not in peaks and "status" not in peaks:
        return area.notnull().any("peak")
    of = peaks["status_flags" if "status_flags" in peaks else "status"].reset_coords(drop=True)
    if of.chunks is None:
        good = ~applies(peaks, *_NOT_FITTED)
        return xr.DataArray(good, dims=of.dims)
    if "status_flags" in peaks:
        mask = sum(one.flag for one in _NOT_FITTED)
        return (of & mask) == 0
    return ~of.isin([int(one) for one in _NOT_FITTED])


def _sums(
    own: Floats, area: Floats, matrix: Floats, empty: Floats
) -> tuple[Floats, Floats, Floats]:
    """Sums, variances and covariances with the total, each of shape (..., row).

    `own` (..., row, peak) are the weights, `matrix` (..., peak, peak) the covariance of the areas,
    NaN on its diagonal where the error of an area is unknown.
    """
    value = (own @ area[..., None])[..., 0]
    unknown = np.isnan(np.diagonal(matrix, axis1=-2, axis2=-1))
    lost = ((own != 0) & unknown[..., None, :]).any(axis=-1)
    with_rows = own @ np.nan_to_num(matrix)  # (..., row, peak)
    variance = (with_rows * own).sum(axis=-1)
    shared = (with_rows * own.sum(axis=-2)[..., None, :]).sum(axis=-1)
    none = ~(own != 0).any(axis=-1)
    variance = np.where(none, empty, np.where(lost, np.nan, variance))
    shared = np.where(none, empty, np.where(lost, np.nan, shared))
    return value, variance, shared


def _from_total(stderr: Floats, total: Floats, exists: npt.NDArray[np.bool_]) -> Floats:
    """Covariance (..., peak, peak) with one correlation of all peaks, that of the known total."""
    deviation = np.where(exists, stderr, 0.0)
    squares = (deviation**2).sum(axis=-1)
    pairs = deviation.sum(axis=-1) ** 2 - squares
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.where(pairs > 0, (total**2 - squares) / pairs, 0.0)
    correlation = np.clip(np.nan_to_num(correlation), -1.0, 1.0)
    outer = deviation[..., :, None] * deviation[..., None, :]
    identity = np.eye(deviation.shape[-1])
    part = np.where(identity > 0, 1.0, correlation[..., None, None])
    return np.asarray(outer * part)


def _exact_covariance(peaks: xr.Dataset) -> xr.DataArray | None:
    """Covariance of the areas over (..., peak, peak_2); None where the fit keeps no matrix."""
    if "covariance" not in peaks or "energy" not in peaks.coords:
        return None
    n, shape = peaks.sizes["peak"], line_shapes_of(peaks)
    background = str(peaks.attrs.get("background", "none"))
    shared = tuple(str(peaks.attrs.get("shared", "")).split())
    terms = background if background in BACKGROUNDS else "none"
    plain = make_layout(shape, terms, n, shared)
    names = [str(name) for name in peaks["parameter"].values]
    if not set(plain.names) <= set(names):
        return None
    columns = [names.index(name) for name in plain.names]
    matrix = peaks["covariance"].isel(parameter=columns, parameter_2=columns)
    matrix = matrix.drop_vars(["parameter", "parameter_2"]).reset_coords(drop=True)
    sign = scale_sign(str(peaks.attrs["scale"]))
    energy = sign * peaks["energy"].values
    tables = [peaks[name].reset_coords(drop=True) for name in plain.shape_parameters]
    stderr = peaks["area_stderr"].reset_coords(drop=True)

    def block(covariance: Floats, errors: Floats, *parameters: Floats) -> Floats:
        lead = covariance.shape[:-2]
        # NaN where there is no peak; a shared entry is that of any peak that is there.
        flat = np.full((int(np.prod(lead)), len(plain.names)), np.nan)
        for j, values in enumerate(parameters):
            values = sign * values if plain.shape_parameters[j] == "center" else values
            for k in range(n):
                one = values[..., k].ravel()
                here = np.isfinite(one)
                flat[here, plain.peak_index[k, j]] = one[here]
        # What was held has no covariance; what is not determined leaves its area without error.
        known = np.nan_to_num(covariance).reshape(len(flat), *covariance.shape[-2:])
        found = area_covariance(energy, plain, flat, known).reshape(*lead, n, n)
        lost = np.isnan(errors)
        return np.where(lost[..., :, None] | lost[..., None, :], np.nan, found)

    core = [["parameter", "parameter_2"], ["peak"], *[["peak"]] * len(tables)]
    found: xr.DataArray = xr.apply_ufunc(
        block, matrix, stderr, *tables, input_core_dims=core,
        output_core_dims=[["peak", "peak_2"]], dask="parallelized", output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"peak_2": n}, "allow_rechunk": True},
    )  # fmt: skip
    return found
