"""One stack of the same region on many samples: the keyword `by` of `read`."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.energy_axis import places, union
from xpsnet.io.common.errors import ReadError

_PLAIN = (str, int, float)
_COMMON = ("scale", "units", "photon_energy")  # what spectra of one stack have in common
_NOT_OFFERED = {"scale", "units", "region_original"}


def checked_by(by: str | None) -> str | None:
    """Check the name of what tells spectra apart.

    Raises
    ------
    ValueError
        If it is no name, or the energies.
    """
    if by is not None and (not isinstance(by, str) or not by or by == "energy"):
        raise ValueError(
            f'expected the name of an attribute or coordinate, got by={by!r}; pass "sample"'
        )
    return by


def stack_by(spectra: Sequence[xr.DataArray], by: str, path: object) -> list[xr.DataArray]:
    """Stack the spectra of each region over what tells them apart.

    Parameters
    ----------
    spectra : sequence of DataArray
    by : str
        An attribute or a coordinate without dimensions, such as the sample; or a coordinate along
        a dimension, which becomes that dimension.
    path : path
        Named in the refusal.

    Returns
    -------
    list of DataArray
        Stacks with the dimension `by` in front, on the union of their energies (NaN where one has
        no point). What has no value for `by`, or no partner, stays as it is.

    Raises
    ------
    ReadError
        If no spectrum has a value for `by`.
    """
    renamed = [_along(spectrum, by) for spectrum in spectra]
    if not any(by in one.dims or _value(one, by) is not None for one in renamed):
        names = _names(spectra)
        raise ReadError(
            f"{path}: expected spectra with an attribute or coordinate {by!r} to stack by, got "
            f"{', '.join(names) or 'no attributes'}; choose one of them with by="
        )
    groups: dict[Hashable, list[xr.DataArray]] = {}
    for number, one in enumerate(renamed):
        alone = by in one.dims or _value(one, by) is None
        groups.setdefault(number if alone else _kind(one, by), []).append(one)
    return [_stack(group, by) if len(group) > 1 else group[0] for group in groups.values()]


def _along(spectrum: xr.DataArray, by: str) -> xr.DataArray:
    """A stack whose blocks have the values already: its dimension takes their name."""
    coord = spectrum.coords.get(by)
    if coord is None or coord.ndim != 1 or coord.dims[0] in (by, "energy"):
        return spectrum
    return spectrum.swap_dims({coord.dims[0]: by})


def _value(spectrum: xr.DataArray, by: str) -> str | int | float | None:
    """What an attribute or a coordinate of one value states."""
    if by in spectrum.coords and spectrum.coords[by].ndim == 0:
        value = spectrum.coords[by].item()
    else:
        value = spectrum.attrs.get(by)
    return value if isinstance(value, _PLAIN) and value != "" else None


def _offered(spectrum: xr.DataArray) -> list[Hashable]:
    """Names that spectra could be stacked by."""
    attrs = [key for key, value in spectrum.attrs.items() if isinstance(value, _PLAIN)]
    coords = [name for name, coord in spectrum.coords.items() if coord.ndim == 0]
    return [name for name in [*attrs, *coords] if name not in _NOT_OFFERED]


def _names(spectra: Sequence[xr.DataArray]) -> list[str]:
    """Names to offer: those whose values differ, else all."""
    names = sorted({str(name) for one in spectra for name in _offered(one)})
    values = {name: {str(_value(one, name)) for one in spectra} for name in names}
    return [name for name in names if len(values[name]) > 1] or names


def _kind(spectrum: xr.DataArray, by: str) -> Hashable:
    """What spectra of one stack have in common: region, `_COMMON` and other dimensions."""
    others = [dim for dim in spectrum.dims if dim != "energy"]
    axes = tuple(
        (
            dim,
            spectrum.sizes[dim],
            spectrum[dim].values.tobytes() if dim in spectrum.coords else b"",
        )
        for dim in others
    )
    same = tuple(str(spectrum.attrs.get(key)) for key in _COMMON)
    return (spectrum.name, *same, axes)


def _stack(group: list[xr.DataArray], by: str) -> xr.DataArray:
    """Stack spectra on the union of their energies."""
    axes = [np.asarray(one["energy"].values, dtype=np.float64) for one in group]
    merged = axes[0] if all(np.array_equal(axes[0], a) for a in axes) else union(axes)
    at = [
        None if axis is merged or axis.size == merged.size else places(axis, merged)
        for axis in axes
    ]
    dims = [dim for dim in group[0].dims if dim != "energy"]
    counts = _joined([one.transpose(*dims, "energy").data for one in group], at, merged.size)
    energy = xr.Variable("energy", merged, group[0]["energy"].attrs)
    coords: dict[Any, Any] = {"energy": energy, by: (by, [_value(one, by) for one in group])}
    for name, coord in group[0].coords.items():
        every = [one.coords[name] for one in group if name in one.coords]
        if name not in coords and len(every) == len(group):
            coords |= _coord(name, coord, every, (by, at, merged.size))
    attrs = {}
    for key in dict.fromkeys(key for one in group for key in one.attrs):
        values = [one.attrs.get(key, "") for one in group]
        if key == by:
            continue
        if all(str(value) == str(values[0]) for value in values):
            attrs[key] = values[0]
        elif key not in coords and len({isinstance(value, str) for value in values}) == 1:
            coords[key] = (by, values)
    return xr.DataArray(counts, coords, (by, *dims, "energy"), name=group[0].name, attrs=attrs)


def _coord(
    name: Hashable, first: xr.DataArray, every: list[xr.DataArray], target: tuple[str, Any, int]
) -> dict[Hashable, Any]:
    """One coordinate of a stack: shared where all agree, else along the stack; else left out."""
    by, at, n = target
    values = [one.values for one in every]
    if "energy" in first.dims:
        if first.dims != ("energy",) or first.dtype.kind not in "iuf":
            return {}
        return {name: ((by, "energy"), _joined(values, at, n), first.attrs)}
    if any(one.shape != values[0].shape for one in values):
        return {}
    if all(np.array_equal(values[0], one) for one in values):
        return {name: first.variable}
    return {name: ((by, *first.dims), np.stack(values), first.attrs)}


def _joined(rows: list[Any], at: list[Any], n: int) -> Any:
    """Rows over several axes on the common one, NaN between."""
    if all(place is None for place in at):
        if all(isinstance(row, np.ndarray) for row in rows):
            return np.stack(rows)
        import dask.array

        return dask.array.stack(rows)
    spread = np.full((len(rows), *rows[0].shape[:-1], n), np.nan)
    for target, row, place in zip(spread, rows, at, strict=True):
        target[..., slice(None) if place is None else place] = np.asarray(row)
    return spread
