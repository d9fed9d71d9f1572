"""Energies that stand twice in a spectrum: one point each, for the files of all readers."""

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.energy_axis import has_repeats, is_joined


def merge_repeats(spectrum: xr.DataArray, notes: list[str]) -> xr.DataArray:
    """Replace points of the same energy by their mean.

    Scans of two step widths that were joined hold the energies of both twice. Nothing states how
    long each point was measured, so that all have the same weight.

    Parameters
    ----------
    spectrum : DataArray, shape (..., energy)
    notes : list of str
        A sentence is added that counts the points.

    Returns
    -------
    DataArray
        The same one where no energy stands twice and no scans overlap; lazy where it was.
    """
    energy = np.asarray(spectrum["energy"].values)
    if energy.dtype.kind not in "iuf":
        return spectrum
    if is_joined(energy):
        falls = energy[-1] < energy[0]
        order = np.argsort(-energy if falls else energy, kind="stable")
        spectrum, energy = spectrum.isel(energy=order), energy[order]
        notes.append("scans that overlap are put together, in the order of their energies")
    if not has_repeats(energy):
        return spectrum
    first = np.flatnonzero(np.diff(energy, prepend=np.nan) != 0)
    merged = _means(spectrum.variable, first)
    coords = {
        name: _means(coord.variable, first) if "energy" in coord.dims else coord.variable
        for name, coord in spectrum.coords.items()
        if name != "energy" and ("energy" not in coord.dims or coord.dtype.kind in "iuf")
    }
    coords["energy"] = xr.Variable("energy", energy[first], spectrum["energy"].attrs)
    several = np.diff([*first, energy.size]) > 1
    n = int(several.sum())
    what = "energy stands" if n == 1 else "energies stand"
    notes.append(
        f"{n} {what} more than once, such as {energy[first[several][0]]:g} eV: each gets the mean "
        f"of its points"
    )
    return xr.DataArray(merged, coords, name=spectrum.name, attrs=spectrum.attrs)


def _means(variable: xr.Variable, first: npt.NDArray[np.intp]) -> xr.Variable:
    """Means over groups of points along the energies, each group by its first point."""
    merged = xr.apply_ufunc(
        _group_means, variable, input_core_dims=[["energy"]], output_core_dims=[["point"]],
        dask="parallelized", output_dtypes=[np.float64], kwargs={"first": first},
        dask_gufunc_kwargs={"output_sizes": {"point": first.size}, "allow_rechunk": True},
    )  # fmt: skip
    named = xr.Variable((*merged.dims[:-1], "energy"), merged.data, variable.attrs)
    return named.transpose(*variable.dims)


def _group_means(values: npt.NDArray[Any], first: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Means of groups along the last axis, NaN left out."""
    known = ~np.isnan(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), first, axis=-1)
    n = np.add.reduceat(known.astype(np.float64), first, axis=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / np.where(n == 0, np.nan, n))
