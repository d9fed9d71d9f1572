"""HDF5 and zarr of any program: the energy axis is found by name, units and length."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.energy_words import (
    OtherLevelError,
    ev_per_unit,
    is_energy_name,
    scale_of_words,
    to_binding_energies,
    unit_of_label,
)
from xpsnet.io.common.energy_axis import MAX_ENERGY, has_repeats, is_joined, is_monotonic
from xpsnet.io.common.errors import ReadError, refusal
from xpsnet.io.common.labels import units_of_label
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region
from xpsnet.io.common.settings import setting_name, setting_value
from xpsnet.io.stores.tree import StoredArray, Tree

Floats = npt.NDArray[np.float64]
Attrs = dict[str, str | int | float]

# Names of this kind say nothing about the region.
NO_NAMES = {"counts", "spectra", "spectrum", "data", "intensity", "intensities", "signal", "raw",
            "values", "cps", "__xarray_dataarray_variable__"}  # fmt: skip
_NOT_COUNTS = re.compile(r"err|std|sigma|uncert|varian|_indices$|weights?$", re.IGNORECASE)
_MAX_LISTED = 12
_MAX_AXES = 50  # of one group
MAX_SPECTRA = 1000
_ADVICE = (
    'name the array that holds the energies: axes={"energy": "name"}; or read it with h5py or zarr '
    "and make an xarray.DataArray with the dimension energy"
)
_MATLAB = "MATLAB_class"
_NO_NUMBERS = {"char", "cell", "struct", "logical", "function_handle"}


class Axis(NamedTuple):
    """An energy axis of a store: values [eV], scale where known, and remarks on its units."""

    stored: StoredArray
    energy: Floats
    scale: str | None
    notes: tuple[str, ...]


def units_of(array: StoredArray) -> str:
    """Stated units of an array, "" if there are none."""
    return str(array.attrs.get("units", array.attrs.get("unit", ""))).strip()


def energies(tree: Tree, array: StoredArray) -> Axis | None:
    """Read an axis; None if its values cannot be energies.

    Units are checked before they are used: if an axis that is called energy has units of another
    quantity, or units that make it absurd, they are ignored with a note.
    """
    values = np.asarray(tree.values(array), dtype=np.float64).ravel()
    if values.size < 2 or not (is_monotonic(values) or has_repeats(values) or is_joined(values)):
        return None
    stated, notes = units_of(array), []
    factor = ev_per_unit(stated or unit_of_label(array.label) or "eV") or 0.0
    if stated and not 0 < np.abs(values).max() * factor <= MAX_ENERGY:
        notes.append(f"{array.name}: states the units {stated!r}, but is taken for energies in eV")
        factor = 1.0
    values = values * (factor or 1.0)
    if np.abs(values).max() > MAX_ENERGY:
        return None
    scale = _scale(tree, array)
    if scale == "fermi":
        turned = to_binding_energies(values)
        return Axis(array, turned.energy, "binding", (*notes, f"{array.name}: {turned.note}"))
    return Axis(array, values, scale, tuple(notes))


def _scale(tree: Tree, array: StoredArray) -> str | None:
    """What the attributes of an axis, or else its name, say that it holds."""
    texts = [array.attrs.get(name) for name in ("type", "scale", "long_name", "label")]
    try:
        found = (scale_of_words(one) for one in (*texts, array.label) if isinstance(one, str))
        return next((one for one in found if one), None)
    except OtherLevelError as error:
        raise ReadError(f"{tree.path}, {array.name}: {error}") from error


def read_arrays(tree: Tree) -> Reading:
    """Spectra in a store whose arrays name no dimensions.

    Raises
    ------
    ReadError
        If no energy axis is found, or more than one could be meant; the arrays are listed.
    """
    spectra: list[xr.DataArray] = []
    notes: list[str] = []
    unclear: list[ReadError] = []
    axes = {group: _axes(tree, members) for group, members in tree.members.items()}
    settings = {group: settings_in(tree, group) for group in tree.members}
    for array in tree.arrays.values():
        if not can_be_counts(array):
            continue
        try:
            axis = _axis_of(tree, array, _nearest(axes, array.group))
        except ReadError as error:
            unclear.append(error)
            continue
        if axis is not None:
            check_number(tree, len(spectra))
            spectra.append(_spectrum(tree, array, axis, settings[array.group]))
            notes += axis.notes
    if not spectra and unclear:
        raise unclear[0]
    if not spectra:
        raise refusal(
            tree.path, expected="an array with an energy axis, known by its name or units (eV)",
            got=listed(tree.arrays.values()), advice=_ADVICE,
        )  # fmt: skip
    return Reading(spectra, list(dict.fromkeys([*notes, *map(str, unclear)])))


def check_number(tree: Tree, n: int) -> None:
    """Refuse a store in which every array would be a spectrum of its own."""
    if n >= MAX_SPECTRA:
        raise refusal(tree.path, expected=f"at most {MAX_SPECTRA} spectra", got="more",
                      advice=_ADVICE)  # fmt: skip


def _axes(tree: Tree, members: list[StoredArray]) -> list[Axis]:
    """Energy axes among the arrays of a group: those named so, else those with the units eV."""
    flat = [array for array in members if is_flat_number(array)]
    named = [a for a in flat if is_energy_name(a.label)]
    by_units = [a for a in flat if ev_per_unit(units_of(a)) and not _is_measured(a)]
    for candidates in (named, by_units):
        found = (energies(tree, array) for array in candidates[:_MAX_AXES])
        axes = [axis for axis in found if axis is not None]
        if axes:
            return axes
    return []


def _nearest(axes: dict[str, list[Axis]], group: str) -> list[Axis]:
    """Axes of the group, or of the nearest one above that has any."""
    return next((axes[place] for place in upwards(group) if axes.get(place)), [])


def upwards(group: str) -> list[str]:
    """Name of a group, and of all groups above it."""
    place = PurePosixPath(group)
    return [str(place), *map(str, place.parents)]


def is_flat_number(array: StoredArray) -> bool:
    """Whether an array is one-dimensional and holds real numbers."""
    vector = len(array.shape) == 1 or (len(array.shape) == 2 and 1 in array.shape)
    is_matlab = array.attrs.get(_MATLAB) is not None  # which has no arrays of one dimension
    one = vector if is_matlab else len(array.shape) == 1
    return _has_numbers(array) and one and max(array.shape) >= 2


def _has_numbers(array: StoredArray) -> bool:
    """Whether an array holds real numbers, and not the letters of a text of MATLAB."""
    is_text = str(array.attrs.get(_MATLAB, "")) in _NO_NUMBERS or array.name.startswith("/#")
    return array.dtype.kind in "iuf" and not is_text


def without_single(spectrum: xr.DataArray, array: StoredArray) -> xr.DataArray:
    """A spectrum without the dimensions of size 1 that MATLAB gives to every vector."""
    if array.attrs.get(_MATLAB) is None:
        return spectrum
    single = [d for d in spectrum.dims if d != "energy" and spectrum.sizes[d] == 1]
    return spectrum.squeeze(single, drop=True)


def _is_measured(array: StoredArray) -> bool:
    """Whether a name is that of an experiment's setting."""
    return setting_name(array.label) is not None


def can_be_counts(array: StoredArray) -> bool:
    """Whether an array can hold spectra, and not axes, settings or errors."""
    return (
        _has_numbers(array)
        and len(array.shape) >= 1
        and not (len(array.shape) == 1 and is_energy_name(array.label))
        and not _is_measured(array)
        and _NOT_COUNTS.search(array.label) is None
    )


def _axis_of(tree: Tree, array: StoredArray, axes: list[Axis]) -> Axis | None:
    """The one axis of an array's length, binding energies before kinetic ones; None if none."""
    fitting = [a for a in axes if a.energy.size in array.shape and a.stored is not array]
    scales = {axis.scale for axis in fitting}
    if len(fitting) == 2 and scales == {"binding", "kinetic"}:
        fitting = [axis for axis in fitting if axis.scale == "binding"]
    if not fitting:
        return None
    same = all(np.array_equal(axis.energy, fitting[0].energy) for axis in fitting)
    if not same or array.shape.count(fitting[0].energy.size) > 1:
        raise refusal(
            tree.path, array.name, expected="one energy axis, of the length of one dimension",
            got=f"shape {array.shape} with {listed(a.stored for a in fitting)}", advice=_ADVICE,
        )  # fmt: skip
    return fitting[0]


def _spectrum(tree: Tree, array: StoredArray, axis: Axis, settings: Attrs) -> xr.DataArray:
    """Put counts over their energies."""
    place = array.shape.index(axis.energy.size)
    dims = [f"dim_{i}" for i in range(len(array.shape))]
    dims[place] = "energy"
    counts = tree.values(array, place)
    spectrum = xr.DataArray(counts, dims=dims, coords={"energy": axis.energy})
    spectrum.attrs = {**settings, "units": count_units(array)}
    if axis.scale:
        spectrum.attrs["scale"] = axis.scale
    spectrum.name = region_of(array.label, array.group)
    return without_single(spectrum, array).transpose(..., "energy")


def region_of(label: str, group: str) -> str | None:
    """Region after the array, else after its groups, else the array's own name."""
    labels = [label, *reversed(group.split("/"))]
    found = next((known for known in map(find_region, labels) if known), None)
    named = None if label.lower() in NO_NAMES else label
    return found or named or group.rpartition("/")[2] or None


def count_units(array: StoredArray) -> str:
    """Units of the counts, as far as what is stated can be that."""
    stated = units_of(array).replace("_", " ")
    return units_of_label(stated) or "counts"


def settings_in(tree: Tree, group: str) -> Attrs:
    """Settings of the experiment that a group, or one above it, states."""
    settings: Attrs = {}
    for place in upwards(group):
        # A group that many others lie in is looked through once.
        if place not in tree.settings:
            tree.settings[place] = _settings_of(tree, place)
        settings = {**tree.settings[place], **settings}
    return settings


def _settings_of(tree: Tree, group: str) -> Attrs:
    """Settings of the experiment that a group itself states."""
    settings: Attrs = {}
    stated: dict[str, Any] = dict(tree.groups.get(group, {}))
    for array in tree.members.get(group, ()):
        if array.dtype.kind in "iuf" and array.shape in ((), (1,), (1, 1)):
            stated[array.label] = array
    for key, value in stated.items():
        name = setting_name(key)
        number = _number(tree, key, value) if name else None
        if name and number is not None:
            settings.setdefault(name, int(number) if name == "n_scans" else number)
    return settings


def _number(tree: Tree, key: str, value: Any) -> float | None:
    """Positive number of an attribute or of a stored scalar, energies in eV."""
    unit = ""
    if isinstance(value, StoredArray):
        unit = units_of(value)
        value = np.asarray(tree.values(value)).ravel()[0]
    name = setting_name(key)
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if name is None or not isinstance(value, str | int | float | np.number):
        return None
    text = value if isinstance(value, str) else repr(float(value))
    factor = (ev_per_unit(unit) or 1.0) if unit.lower() == "j" else 1.0
    return setting_value(name, text if factor == 1.0 else repr(float(text) * factor), unit)


def listed(arrays: Iterable[StoredArray]) -> str:
    """Names and shapes of arrays, for messages."""
    texts = [f"{a.name} {a.shape} {units_of(a)}".strip() for a in arrays]
    more = [f"and {len(texts) - _MAX_LISTED} more"] if len(texts) > _MAX_LISTED else []
    return ", ".join([*texts[:_MAX_LISTED], *more]) or "no arrays"
