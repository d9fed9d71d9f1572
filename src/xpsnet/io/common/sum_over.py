"""Summing over dimensions: `sum_over` of `read`."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.errors import ReadError

# Slices of one exposure: their rates add up. All other dimensions are measured one after another.
_SIMULTANEOUS = {"angle", "angle_y", "slice", "channel"}


def checked_dims(sum_over: str | Iterable[str] | None) -> tuple[str, ...]:
    """Check the names of the dimensions to fold.

    Raises
    ------
    ValueError
        If one is no name, or the energies.
    """
    if sum_over is None:
        return ()
    dims = (sum_over,) if isinstance(sum_over, str) else tuple(dict.fromkeys(sum_over))
    for dim in dims:
        if not isinstance(dim, str) or not dim or dim == "energy":
            raise ValueError(
                f"expected names of dimensions other than energy, got sum_over={sum_over!r}; "
                f'pass "angle" for angle-resolved images'
            )
    return dims


def fold(
    spectra: Sequence[xr.DataArray], dims: tuple[str, ...], path: object
) -> list[xr.DataArray]:
    """Sum each spectrum over those of the dimensions that it has.

    Parameters
    ----------
    spectra : sequence of DataArray
    dims : tuple of str
    path : path
        Named in the refusal.

    Returns
    -------
    list of DataArray
        `attrs` state in `summed_over` and `n_summed` what was summed. Counts add up, and so do
        the scans; rates of what was measured one after another become the rate of the summed
        counts, that is their mean.

    Raises
    ------
    ReadError
        If none of the spectra has such a dimension.
    """
    for dim in dims:
        if not any(dim in spectrum.dims for spectrum in spectra):
            has = sorted({str(d) for spectrum in spectra for d in spectrum.dims} - {"energy"})
            others = f"only {', '.join(has)}" if has else "no dimension other than energy"
            raise ReadError(
                f"{path}: expected a dimension {dim!r} to sum over, got {others}; leave it out "
                f"of sum_over"
            )
        spectra = [_folded(s, dim) if dim in s.dims else s for s in spectra]
    return list(spectra)


def _folded(spectrum: xr.DataArray, dim: str) -> xr.DataArray:
    """Sum one spectrum over one dimension."""
    attrs: dict[str, Any] = dict(spectrum.attrs)
    n = spectrum.sizes[dim]
    values = spectrum.astype(np.float64) if spectrum.dtype.kind == "f" else spectrum
    # A missing point makes the sum a missing point: a smaller sum would look like a dip.
    if dim in _SIMULTANEOUS:
        summed = values.sum(dim, skipna=False)
    else:
        scans = _scans(spectrum, dim)
        total = scans.sum(dim)
        if attrs.get("units") == "counts/s":
            summed = (values * scans).sum(dim, skipna=False) / total
        else:
            summed = values.sum(dim, skipna=False)
        if total.ndim == 0:
            attrs["n_scans"] = int(total)
    earlier = f"{attrs['summed_over']}, " if "summed_over" in attrs else ""
    attrs["n_summed"] = int(attrs.get("n_summed", 1)) * n
    attrs["summed_over"] = f"{earlier}{dim}"
    summed.attrs, summed.name = attrs, spectrum.name
    return summed


def _scans(spectrum: xr.DataArray, dim: str) -> xr.DataArray:
    """Scans behind every place along a dimension."""
    coord = spectrum.coords.get("n_scans")
    if coord is not None and coord.dims == (dim,):
        return xr.DataArray(coord.values, dims=(dim,))
    alike = coord.item() if coord is not None and coord.ndim == 0 else None
    n_scans = alike or int(spectrum.attrs.get("n_scans", 1))
    return xr.DataArray(np.full(spectrum.sizes[dim], n_scans), dims=(dim,))
