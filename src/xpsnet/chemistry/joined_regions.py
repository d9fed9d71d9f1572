"""Regions of one sample side by side: joined by the coordinates of the dimensions they share."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import xarray as xr

ROW = "row"
_SAME = 1e-6  # of the range: coordinates that differ by less are the same place


def joined(regions: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """One Dataset over the union of the coordinates, the rows of all parts one after another.

    Parameters
    ----------
    regions : mapping of str to Dataset
        Parts by name, each over the dimension `row` and the dimensions of its spectra.

    Returns
    -------
    Dataset
        NaN where a part has no such place.

    Raises
    ------
    ValueError
        Where the parts have different dimensions, or different sizes of one without coordinates.
    """
    names, parts = list(regions), list(regions.values())
    first = parts[0]
    dims = _leading(first)
    for part, name in zip(parts[1:], names[1:], strict=True):
        if set(_leading(part)) != set(dims):
            raise ValueError(
                f"expected regions over the same dimensions, got {names[0]} over "
                f"{_listed(dims)} and {name} over {_listed(_leading(part))}; select or average one"
            )
        for dim in dims:
            sizes = first.sizes[dim], part.sizes[dim]
            indexed = dim in first.indexes and dim in part.indexes
            if not indexed and sizes[0] != sizes[1]:
                raise ValueError(
                    f"expected the same places along {dim!r}, got {sizes[0]} of {names[0]} and "
                    f"{sizes[1]} of {name}; give both a coordinate {dim!r}"
                )
    known: dict[Hashable, xr.DataArray] = {}
    for part in parts:
        for key, coord in part.coords.items():
            if ROW not in coord.dims and key not in dims:
                known.setdefault(key, coord)
    snapped = [_snapped(part, first, dims) for part in parts]
    bare = [part.drop_vars([name for name in part.coords if name in known]) for part in snapped]
    aligned = xr.align(*bare, join="outer", copy=False, exclude=[ROW])
    whole = xr.concat(aligned, ROW, join="exact", coords="minimal", compat="override")
    whole = whole.transpose(*dims, ROW)
    fitting = {
        key: coord
        for key, coord in known.items()
        if all(whole.sizes[dim] == coord.sizes[dim] for dim in coord.dims)
    }
    return whole.assign_coords(fitting)


def _leading(part: xr.Dataset) -> tuple[Hashable, ...]:
    """Dimensions of the spectra."""
    return tuple(dim for dim in part.dims if dim != ROW)


def _listed(dims: Sequence[Hashable]) -> str:
    return ", ".join(map(repr, dims)) or "no dimension"


def _snapped(part: xr.Dataset, first: xr.Dataset, dims: Sequence[Hashable]) -> xr.Dataset:
    """The same with the coordinates of the first part where both differ by rounding only."""
    for dim in dims:
        if dim not in part.indexes or dim not in first.indexes:
            continue
        own, other = part[dim].values, first[dim].values
        if own.dtype.kind != "f" or other.dtype.kind not in "fiu" or not other.size:
            continue
        limit = _SAME * max(float(np.ptp(other)), float(np.abs(other).max()), 1e-300)
        nearest = other[np.abs(own[:, None] - other).argmin(axis=1)]
        moved = np.where(np.abs(own - nearest) <= limit, nearest, own)
        if np.unique(moved).size == moved.size:
            part = part.assign_coords({dim: (dim, moved, part[dim].attrs)})
    return part
