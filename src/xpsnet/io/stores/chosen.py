"""Stores whose energy axis the caller names: the keyword `axes` of `read`."""

from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.chosen_axes import Axes
from xpsnet.io.common.errors import refusal
from xpsnet.io.common.reading import Reading
from xpsnet.io.stores.arrays import (
    can_be_counts,
    check_number,
    count_units,
    energies,
    is_flat_number,
    listed,
    region_of,
    settings_in,
    units_of,
    upwards,
    without_single,
)
from xpsnet.io.stores.tree import StoredArray, Tree


def read_chosen(tree: Tree, axes: Axes) -> Reading:
    """Read every array that the named axes fit.

    Parameters
    ----------
    tree : Tree
    axes : dict
        As from `checked_axes`.

    Returns
    -------
    Reading

    Raises
    ------
    ReadError
        If there is no such array, it holds no energies, or no array of counts has its length; if
        only the order of the dimensions is given, also where more than one array could be meant.
    """
    chosen = {place for place in axes.values() if isinstance(place, str)}
    known = {name.strip("/") for name in chosen}
    if isinstance(axes["energy"], int):
        # Of arrays in their order only those of the most dimensions are the counts.
        known |= {array.name.strip("/") for array in tree.arrays.values() if is_flat_number(array)}
    reading = Reading([])
    for array in tree.arrays.values():
        is_axis = array.label in known or array.name.strip("/") in known
        if is_axis or not can_be_counts(array):
            continue
        spectrum = _spectrum(tree, array, axes, reading.notes)
        if spectrum is not None:
            check_number(tree, len(reading.spectra))
            reading.spectra.append(spectrum)
    if not reading.spectra:
        named = ", ".join(map(repr, chosen)) or "in this order, and beside it one of its energies"
        raise refusal(
            tree.path, expected=f"an array with the axes {named}",
            got=listed(tree.arrays.values()),
            advice="give the names of arrays of one dimension that have the length of one of the "
            "dimensions of the counts",
        )  # fmt: skip
    reading.notes = list(dict.fromkeys(reading.notes))
    return reading


def _spectrum(tree: Tree, array: StoredArray, axes: Axes, notes: list[str]) -> xr.DataArray | None:
    """One array over the axes that fit it; None if its energies do not."""
    dims = [f"dim_{i}" for i in range(len(array.shape))]
    coords: dict[str, Any] = {}
    scale = None
    for name, place in axes.items():
        if isinstance(place, str):
            stored = _stored(tree, array, place)
        else:
            stored = _only(tree, array, place)
        at = place if isinstance(place, int) else _place(array, stored, dims)
        if at is None or at >= len(dims):
            if name == "energy":
                return None
            continue
        if name == "energy" and stored is None:
            return None
        dims[at] = name
        if name == "energy" and stored is not None:
            axis = energies(tree, stored)
            if axis is None:
                raise refusal(
                    tree.path, stored.name, expected="energies that rise or fall below 100 keV",
                    got="other values", advice="choose another array with axes=",
                )  # fmt: skip
            coords[name], scale = axis.energy, axis.scale
            notes += axis.notes
        elif stored is not None:
            units = units_of(stored)
            values = np.asarray(tree.values(stored)).ravel()
            coords[name] = (name, values, {"units": units} if units else {})
    counts = tree.values(array, dims.index("energy"))
    spectrum = xr.DataArray(counts, dims=dims, coords=coords)
    spectrum.attrs = {**settings_in(tree, array.group), "units": count_units(array)}
    if scale:
        spectrum.attrs["scale"] = scale
    spectrum.name = region_of(array.label, array.group)
    return without_single(spectrum, array).transpose(..., "energy")


def _stored(tree: Tree, array: StoredArray, name: str) -> StoredArray | None:
    """Array of a name: of the whole store, or in the nearest group of the counts and above."""
    places = [f"{group.rstrip('/')}/{name}" for group in upwards(array.group)]
    found = (tree.arrays.get(tree.resolve(place)) for place in (f"/{name.strip('/')}", *places))
    return next((one for one in reversed([*found]) if one and is_flat_number(one)), None)


def _only(tree: Tree, array: StoredArray, place: int) -> StoredArray | None:
    """The only flat array of the length of a dimension, in the nearest group that has any."""
    if place >= len(array.shape):
        return None
    for group in upwards(array.group):
        found = [
            one for one in tree.members.get(group, ())
            if is_flat_number(one) and max(one.shape) == array.shape[place] and one is not array
        ]  # fmt: skip
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _place(array: StoredArray, stored: StoredArray | None, dims: list[str]) -> int | None:
    """The first dimension without a name that has the length of an axis."""
    if stored is None:
        return None
    size = max(stored.shape)
    free = (i for i, dim in enumerate(dims) if dim == f"dim_{i}" and array.shape[i] == size)
    return next(free, None)
