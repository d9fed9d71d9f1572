"""NeXus (NXxps, NXmpes, any NXdata): the signal of every entry over its energy axis.

What to plot follows the attributes `default`, `signal` and `axes`, those of older versions of
NeXus too. Units and names are checked before they are used.
"""

from collections import defaultdict
from typing import Any

import xarray as xr

from xpsnet.data.energy_words import ev_per_unit, is_energy_name
from xpsnet.io.common.errors import ReadError, refusal
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region, region_name
from xpsnet.io.stores.arrays import (
    Attrs,
    Axis,
    check_number,
    count_units,
    energies,
    region_of,
    settings_in,
    units_of,
    upwards,
)
from xpsnet.io.stores.tree import StoredArray, Tree

_TEXTS = {
    "title": ("title",),
    "sample": ("sample/name",),
    "instrument": ("instrument/name", "instrument/device_information/model"),
    "acquired": ("start_time",),
    "region_original": ("region", "transitions", "title"),
}
_MAX_TEXT = 500


def is_nexus(tree: Tree) -> bool:
    """Whether a group says that it is an entry or data of NeXus."""
    return any(attrs.get("NX_class") in ("NXentry", "NXdata") for attrs in tree.groups.values())


def read_nexus(tree: Tree) -> Reading:
    """Read the default plot of every entry, or every NXdata where no default is named.

    Raises
    ------
    ReadError
        If no NXdata holds a signal over energies.
    """
    spectra: list[xr.DataArray] = []
    notes: list[str] = []
    refused: list[ReadError] = []
    groups = _data_groups(tree)
    check_number(tree, len(groups))
    settings = _entry_settings(tree, {_entry(one) for one in groups})
    for group in groups:
        try:
            spectra.append(_spectrum(tree, group, settings[_entry(group)], notes))
        except ReadError as error:
            refused.append(error)
    if not spectra and refused:
        raise refused[0]
    if not spectra:
        raise refusal(tree.path, expected="a group NXdata with a signal", got="none")
    notes += [f"left out: {error}" for error in refused]
    notes += [f"{name}: leads to {target!r}, not followed" for name, target in tree.outside.items()]
    return Reading(spectra, list(dict.fromkeys(notes)))


def _data_groups(tree: Tree) -> list[str]:
    """NXdata groups to read: the default of each entry, else all that lie in it."""
    data = [name for name, attrs in tree.groups.items() if attrs.get("NX_class") == "NXdata"]
    entries = [n for n, attrs in tree.groups.items() if attrs.get("NX_class") == "NXentry"]
    known, chosen = set(data), list[str]()
    below: dict[str, list[str]] = defaultdict(list)
    for name in data:
        for group in upwards(name)[1:]:
            below[group].append(name)
    for entry in entries:
        default = _default(tree, entry)
        mine = below[entry] if entry != "/" else []
        direct = [name for name in mine if name.rpartition("/")[0] == entry]
        chosen += [default] if default in known else direct or mine
    return list(dict.fromkeys(chosen or data))


def _default(tree: Tree, group: str) -> str:
    """Group at which the chain of `default` attributes ends."""
    for _ in range(8):
        following = tree.groups.get(group, {}).get("default")
        if not isinstance(following, str):
            break
        group = tree.resolve(f"{group.rstrip('/')}/{following}")
    return group


def _spectrum(tree: Tree, group: str, settings: Attrs, notes: list[str]) -> xr.DataArray:
    """The signal of one NXdata over its axes."""
    signal = _signal(tree, group)
    labels = _axis_labels(tree, group, signal)
    axis, place = _energy_axis(tree, group, signal, labels)
    dims = [label if label not in ("", ".") else f"dim_{i}" for i, label in enumerate(labels)]
    coords: dict[str, Any] = {}
    for i, label in enumerate(dims):
        stored = tree.array(group, label)
        if i != place and stored is not None and _is_coordinate(stored, signal.shape[i]):
            units = units_of(stored)
            coords[label] = (label, tree.values(stored), {"units": units} if units else {})
    dims[place] = "energy"
    coords["energy"] = ("energy", axis.energy)
    spectrum = xr.DataArray(tree.values(signal, place), coords, dims)
    spectrum.attrs = {**settings, **settings_in(tree, group), "units": count_units(signal)}
    if axis.scale:
        spectrum.attrs["scale"] = axis.scale
    spectrum.name = _region(spectrum.attrs, signal)
    notes += axis.notes
    stated = units_of(signal)
    if stated and "count" not in stated.lower() and "cps" not in stated.lower():
        notes.append(f"{signal.name}: states the units {stated!r}, but is taken for counts")
    return spectrum.transpose(..., "energy")


def _signal(tree: Tree, group: str) -> StoredArray:
    """Array that NXdata names as its signal."""
    named = tree.groups[group].get("signal")
    members = tree.members.get(group, [])
    marked = [array for array in members if str(array.attrs.get("signal", "")) == "1"]
    signal = tree.array(group, str(named)) if named is not None else None
    signal = signal or next(iter(marked), None) or tree.array(group, "data")
    if signal is None or signal.dtype.kind not in "iuf" or not signal.shape:
        outside = tree.outside.get(f"{group}/{named}")
        got = f"signal {named!r}" + (f", a link to {outside!r}, not followed" if outside else "")
        raise refusal(tree.path, group, expected="a signal of real numbers", got=got)
    return signal


def _axis_labels(tree: Tree, group: str, signal: StoredArray) -> list[str]:
    """Name of the axis of each dimension, "" if the file names none."""
    axes = tree.groups[group].get("axes", signal.attrs.get("axes", ""))
    names = [str(n) for n in axes] if isinstance(axes, list | tuple) else _split(str(axes))
    labels = [""] * len(signal.shape)
    for i, name in enumerate(names):
        indices = tree.groups[group].get(f"{name}_indices", i)
        index = indices[0] if isinstance(indices, list) and indices else indices
        if isinstance(index, int) and 0 <= index < len(labels) and not labels[index]:
            labels[index] = name
    return [label if labels.count(label) == 1 else "" for label in labels]


def _split(text: str) -> list[str]:
    """Names in an older attribute, "y:x:energy"."""
    return [part.strip() for part in text.strip("[]").replace(":", ",").split(",")]


def _energy_axis(
    tree: Tree, group: str, signal: StoredArray, labels: list[str]
) -> tuple[Axis, int]:
    """Energies and the dimension that they belong to: by name, else by units, else alone."""
    stored = {i: tree.array(group, label) for i, label in enumerate(labels) if label}
    candidates = {
        i: one for i, one in stored.items() if one and _is_coordinate(one, signal.shape[i])
    }
    named = {i: one for i, one in candidates.items() if is_energy_name(one.label)}
    by_units = {i: one for i, one in candidates.items() if ev_per_unit(units_of(one))}
    alone = candidates if len(signal.shape) == 1 else {}
    unnamed = _unnamed(tree, group, signal) if not candidates else {}
    for chosen in (named, by_units, alone, unnamed):
        axes = {i: energies(tree, one) for i, one in chosen.items()}
        found = [(axis, i) for i, axis in axes.items() if axis is not None]
        if len(found) == 1:
            return found[0]
    shown = ", ".join(f"{one.label} [{units_of(one)}]" for one in candidates.values()) or "none"
    raise refusal(
        tree.path, group, expected="one axis that holds rising or falling energies",
        got=f"the axes {shown}",
        advice='name the one that holds the energies: axes={"energy": "name"}',
    )  # fmt: skip


def _unnamed(tree: Tree, group: str, signal: StoredArray) -> dict[int, StoredArray]:
    """Energies that lie beside a signal which names no axes."""
    beside = [one for one in tree.members.get(group, []) if is_energy_name(one.label)]
    return {
        signal.shape.index(one.shape[0]): one
        for one in beside
        if len(one.shape) == 1 and signal.shape.count(one.shape[0]) == 1 and one is not signal
    }


def _is_coordinate(stored: StoredArray, size: int) -> bool:
    """Whether an array can be the coordinate of a dimension."""
    return stored.shape == (size,) and stored.dtype.kind in "iuf"


def _entry(group: str) -> str:
    """Entry that a group lies in."""
    return "/".join(group.split("/")[:2])


def _entry_settings(tree: Tree, entries: set[str]) -> dict[str, Attrs]:
    """What entries state about sample, instrument and settings."""
    groups: dict[str, list[str]] = {entry: [] for entry in entries}
    for group in tree.members:
        if (entry := _entry(group)) in groups and group != entry:
            groups[entry].append(group)
    return {entry: _entry_attributes(tree, entry, below) for entry, below in groups.items()}


def _entry_attributes(tree: Tree, entry: str, groups: list[str]) -> Attrs:
    """What an entry, and the groups in it, state."""
    attrs: Attrs = dict(settings_in(tree, entry))
    for below in groups:
        if tree.groups[below].get("NX_class") != "NXdata":
            for name, number in settings_in(tree, below).items():
                attrs.setdefault(name, number)
    for name, places in _TEXTS.items():
        texts = (tree.text(f"{entry}/{place}", _MAX_TEXT) for place in places)
        if text := next(filter(None, texts), ""):
            attrs[name] = text
    attrs.setdefault("region_original", entry.strip("/"))
    return attrs


def _region(attrs: Attrs, signal: StoredArray) -> str | None:
    """Region after what the entry states, its name, or the signal's."""
    entry = signal.group.split("/")[1] if signal.group != "/" else ""
    labels = [str(attrs.get("region_original", "")), entry]
    known = next((found for found in map(find_region, labels) if found), None)
    return known or region_of(signal.label, "/") or region_name(*labels) or None
