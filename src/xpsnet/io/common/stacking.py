"""Measured blocks, and stacking those of one region into dimensions.

Vendors write one block per region and level, angle or position. Blocks of the same region on
the same energy axis become one array; the experimental variables that change within it become
its dimensions and coordinates.
"""

import itertools
import math
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.region_names import label_identity

Floats = npt.NDArray[np.float64]
Variable = tuple[float, str]

_STAGE = ("y", "x", "z")
# Variables of these names state the place or the order, not a treatment of the sample.
_BOOKKEEPING = {*_STAGE, "index"}
# Dimensions along which nothing but the names of the file may tell the blocks apart.
_ONLY_NUMBERED = (("scan",), ("index",), ("position",))
# Variables among which grids are looked for.
_MAX_CANDIDATES = 12


@dataclass
class Block:
    """One spectrum of a file, with what the file says about it."""

    region: str
    label: str
    energy: Floats
    counts: Floats
    scale: str | None
    units: str
    sample: str = ""
    attrs: dict[str, str | int | float] = field(default_factory=dict)
    details: dict[str, str | int | float] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    curves: dict[str, Floats] = field(default_factory=dict)
    curve_units: dict[str, str] = field(default_factory=dict)
    # Variables that the file itself names as the dimensions of the stack.
    dims: tuple[str, ...] = ()


def variable_name(label: str, unit: str) -> tuple[str, str]:
    """Turn a vendor's label, "Etch Time [s]", into a name and a unit: ("etch_time", "s")."""
    label = " ".join(label[:200].split())
    match = re.fullmatch(r"([^\[(]*)[\[(]([^\])]*)[\])]", label)
    if match:
        label, unit = match.groups()
    stage = re.fullmatch(r"(?:stage|sample|pos(?:ition)?)?[ _-]*(?:pos(?:ition)?)?[ _-]*([xyz])",
                         label.strip(), re.IGNORECASE)  # fmt: skip
    name = stage[1] if stage else re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    if name in ("", "energy"):
        name = "variable"
    unit = unit.strip()
    return name.lower(), "" if unit.lower() in ("d", "n") else unit


def drop_constant(blocks: Sequence[Block], names: Iterable[str]) -> None:
    """Drop variables that are the same in all blocks, such as loops of one turn."""
    for name in names:
        if len({block.variables.get(name) for block in blocks}) == 1:
            for block in blocks:
                block.variables.pop(name, None)


def stack_blocks(blocks: Sequence[Block]) -> list[xr.DataArray]:
    """Stack the blocks of each region over the variables that tell them apart.

    Parameters
    ----------
    blocks : sequence of Block
        In the order of the file.

    Returns
    -------
    list of DataArray
        One per region, energy axis and kind of measurement, energy last, in the order of the
        file; single blocks stay one-dimensional.
    """
    spectra: list[xr.DataArray] = []
    for group in _groups(blocks, _kind):
        by_sample = not _distinct_process(group)
        parts = _groups(group, _identity) if by_sample else [group]
        spectra += map(_stack, parts)
    return spectra


def _groups(blocks: Sequence[Block], key: Callable[[Block], Hashable]) -> list[list[Block]]:
    """Group by a key, both groups and members in the order of the file."""
    groups: dict[Hashable, list[Block]] = {}
    for block in blocks:
        groups.setdefault(key(block), []).append(block)
    return list(groups.values())


def _identity(block: Block) -> Hashable:
    """What blocks of one sample have in common: its name, and the words beside the region's."""
    return block.sample, label_identity(block.label)


def _kind(block: Block) -> Hashable:
    """What blocks of one stack have in common."""
    axis = np.round(block.energy, 6).tobytes()
    attrs = tuple(sorted((key, str(value)) for key, value in block.attrs.items()))
    return block.region, block.scale, block.units, tuple(block.curves), attrs, axis


def _distinct_process(group: list[Block]) -> bool:
    """Whether something done to the sample (etching, heating, tilting) tells all blocks apart."""
    names = _varying(group)
    rows = {tuple(block.variables[name][0] for name in names if name not in _BOOKKEEPING)
            for block in group}  # fmt: skip
    return len(rows) == len(group)


def _varying(group: list[Block]) -> list[str]:
    """Names of the variables that all blocks have and that are not the same everywhere."""
    names = [n for n in group[0].variables if all(n in block.variables for block in group)]
    return [n for n in names if len({block.variables[n][0] for block in group}) > 1]


def _stack(group: list[Block]) -> xr.DataArray:
    """Turn the blocks of one stack into one array."""
    dims, shape, order = _layout(group)
    group = [group[i] for i in order]
    coords: dict[str, Any] = {"energy": group[0].energy}
    for name in group[0].curves:
        unit = next((b.curve_units[name] for b in group if name in b.curve_units), "")
        coords[name] = _curve([block.curves[name] for block in group], dims, shape)
        coords[name].attrs |= {"units": unit} if unit else {}
    for name, (_, unit) in group[0].variables.items():
        if all(name in block.variables for block in group):
            values = [block.variables[name][0] for block in group]
            coords[name] = _along(values, dims, shape, {"units": unit} if unit else {}, name)
    attrs = dict(group[0].attrs)
    for name in group[0].details:
        details = [block.details.get(name, "") for block in group]
        if len(set(details)) == 1:
            attrs[name] = details[0]
        elif len({isinstance(value, str) for value in details}) == 1:
            coords[name] = _along(details, dims, shape, {})
    counts = np.stack([block.counts for block in group]).reshape(*shape, -1)
    if dims == ("scan",) and "scan" not in coords:
        coords["scan"] = np.arange(len(group))
    labels = [block.label for block in group]
    if len(set(labels)) > 1 and dims in _ONLY_NUMBERED and "region_original" not in coords:
        coords["region_original"] = _along(labels, dims, shape, {})
    else:
        attrs["region_original"] = labels[0]
    attrs |= {"units": group[0].units}
    if group[0].scale is not None:
        attrs["scale"] = group[0].scale
    return xr.DataArray(
        counts, dims=(*dims, "energy"), coords=coords, name=group[0].region or None, attrs=attrs
    )


def _layout(group: list[Block]) -> tuple[tuple[str, ...], tuple[int, ...], Sequence[int]]:
    """Dimensions of a stack, their sizes, and the order of the blocks in it."""
    n = len(group)
    everything = range(n)
    stated = _stated_layout(group)
    if stated is not None:
        return stated
    if n == 1:
        return (), (), everything
    varying = _varying(group)
    columns = {name: np.array([b.variables[name][0] for b in group]) for name in varying}
    candidates = sorted((name for name in varying if name != "index"), key=_precedence)
    for name in candidates:
        if len(np.unique(columns[name])) == n:
            stage = [other for other in candidates if other in _STAGE]
            several = name in _STAGE and len(stage) > 1
            return (("position",) if several else (name,)), (n,), everything
    for k in (2, 3, 4):
        for names in itertools.combinations(candidates[:_MAX_CANDIDATES], k):
            found = grid(*(columns[name] for name in names))
            if found is not None:
                return names, *found
    if "index" in columns and len(np.unique(columns["index"])) == n:
        return ("index",), (n,), everything
    return ("scan",), (n,), everything


def _stated_layout(
    group: list[Block],
) -> tuple[tuple[str, ...], tuple[int, ...], Sequence[int]] | None:
    """Dimensions that the file names, where the blocks fill them."""
    dims = group[0].dims
    if not dims or any(b.dims != dims or not set(dims) <= set(b.variables) for b in group):
        return None
    found = grid(*(np.array([b.variables[name][0] for b in group]) for name in dims), least=1)
    return None if found is None else (dims, *found)


def _precedence(name: str) -> int:
    """Process variables before y, x and z."""
    return _STAGE.index(name) + 1 if name in _STAGE else 0


def grid(*columns: Floats, least: int = 2) -> tuple[tuple[int, ...], list[int]] | None:
    """Shape and order of a full grid of variables, each in order of its appearance."""
    axes = [list(dict.fromkeys(column.tolist())) for column in columns]
    shape = tuple(len(axis) for axis in axes)
    if math.prod(shape) != len(columns[0]) or min(shape) < least:
        return None
    cells = {cell: i for i, cell in enumerate(zip(*(c.tolist() for c in columns), strict=True))}
    if len(cells) != len(columns[0]):
        return None
    return shape, [cells[cell] for cell in itertools.product(*axes)]


def _along(
    values: Sequence[str | int | float],
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    attrs: dict[str, str],
    name: str = "",
) -> Any:
    """Coordinate of one value per block, reduced to the dimensions along which it changes."""
    array = np.array(values)
    if name in dims:
        axis = dims.index(name)
        along = np.moveaxis(array.reshape(shape), axis, -1).reshape(-1, shape[axis])
        return xr.Variable((name,), along[0], attrs)
    if (array == array[0]).all():
        return xr.Variable((), array[0], attrs)
    array = array.reshape(shape)
    for axis in range(array.ndim - 1, -1, -1):
        first = array.take([0], axis)
        if array.ndim > 1 and (array == first).all():
            array, dims = first.squeeze(axis), dims[:axis] + dims[axis + 1 :]
    return xr.Variable(dims, array, attrs)


def _curve(curves: list[Floats], dims: tuple[str, ...], shape: tuple[int, ...]) -> Any:
    """Coordinate over energy, such as the transmission; shared where all blocks agree."""
    if all(np.array_equal(curves[0], curve, equal_nan=True) for curve in curves[1:]):
        return xr.Variable(("energy",), curves[0])
    return xr.Variable((*dims, "energy"), np.stack(curves).reshape(*shape, -1))
