"""Stores in general: how they begin, what their attributes become, what is refused of all."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.errors import refusal, refusing_damage
from xpsnet.io.common.plain_values import plain_object

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
HDF5_EXPECTED = "an HDF5 or netCDF file that can be opened"
# A program may put a block of its own in front, as MATLAB does with 512 bytes.
_HDF5_STARTS = (0, 512, 1024, 2048, 4096)
NETCDF3_MAGIC = b"CDF"
# What `write` leaves in stores: the name of a spectrum, and the version of the library.
NAME_ATTR = "xpsnet_name"
VERSION_ATTR = "xpsnet_version"
SESSION_ATTR = "xpsnet_session"
# Coordinates whose names netCDF cannot list, because a blank separates the names there.
COORDS_ATTR = "xpsnet_coords"
# Attributes that HDF5 cannot hold or xarray would take for its own, as one text of JSON.
JSON_ATTR = "xpsnet_json"
# Attributes that change how xarray reads the values of a variable, or that HDF5 and netCDF own.
_RESERVED = {
    "_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "_Encoding",
    "coordinates", "calendar", "dtype", "grid_mapping", "ancillary_variables", "bounds",
    "cell_measures", "formula_terms", "valid_min", "valid_max", "valid_range", "axes", "signal",
    "_ARRAY_DIMENSIONS", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS", "CLASS", "NAME",
    "type", "NX_class", "xpsnet_dims", "xpsnet_kind", "xpsnet_json",
}  # fmt: skip
_INT64 = 1 << 63
_ARRAYS = {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float32", "float64"}
ZARR_FILES = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")

# Axes are loaded at once, everything else lazily where it is large.
_MAX_AXIS = 20_000_000


def hdf5_start(head: bytes) -> int | None:
    """Byte at which HDF5 begins, behind a block of the program that wrote it; None if nowhere."""
    return next((at for at in _HDF5_STARTS if head[at : at + 8] == HDF5_MAGIC), None)


def counts_name(spectra: xr.DataArray) -> str:
    """Name for the counts in a store that no coordinate or dimension of the user has."""
    taken = {*spectra.coords, *spectra.dims}
    return next(name for name in ("counts", "spectra_counts", "xpsnet_counts") if name not in taken)


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr store."""
    return path.is_dir() and any((path / name).is_file() for name in ZARR_FILES)


class _BoundedFile(io.FileIO):
    """A file that takes no memory for bytes that it does not have."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most what is left."""
        left = max(0, os.fstat(self.fileno()).st_size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left)) or b""


def netcdf3_groups(path: Path) -> list[str]:
    """The one group of a netCDF 3 file, whose header is sound.

    Raises
    ------
    ReadError
        If the header is damaged or states absurd sizes.
    """
    from scipy.io import netcdf_file

    with (
        refusing_damage(path, expected="a netCDF 3 file that can be opened"),
        _BoundedFile(path) as file,
        netcdf_file(file, mmap=True) as data,
    ):
        shapes = {name: tuple(one.shape) for name, one in data.variables.items()}
        # The map of the file stays open as long as a variable does.
        data.variables.clear()
    for name, shape in shapes.items():
        check_axis(path, name, shape)
    return ["/"]


def check_axis(path: Path, where: str, shape: tuple[int, ...]) -> None:
    """Refuse an axis that would fill the memory when it is loaded."""
    if len(shape) == 1 and shape[0] > _MAX_AXIS:
        raise refusal(
            path, where, expected=f"axes of at most {_MAX_AXIS} points", got=f"{shape[0]} points"
        )


def plain(value: Any) -> Any:
    """Turn an attribute of a store into plain Python."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value if isinstance(value, str | int | float | list | tuple | dict) else str(value)


def storable(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes that netCDF, HDF5 and zarr hold; `restored` gives back the same values.

    Parameters
    ----------
    attrs : mapping
        None is left out. What is no number, text, list or dict of such becomes a text.

    Returns
    -------
    dict
        Values that no store holds as they are stand together in one text of JSON.
    """
    kept: dict[str, Any] = {}
    beside: dict[str, Any] = {}
    for name, value in attrs.items():
        if value is None:
            continue
        if isinstance(value, np.ndarray) and value.size > 1 and value.dtype.name in _ARRAYS:
            kept[str(name)] = value  # with its type, which flag_values of CF need
            continue
        one = plain_object(value)
        one = int(one) if isinstance(one, bool) else one
        if _is_held(str(name), one):
            kept[str(name)] = one
        else:
            beside[str(name)] = one
    return {**kept, JSON_ATTR: json.dumps(beside)} if beside else kept


def restored(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes as they were before `storable`."""
    kept = {str(name): value for name, value in attrs.items() if name != JSON_ATTR}
    text = attrs.get(JSON_ATTR)
    try:
        beside = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):  # damaged
        beside = {}
    return {**kept, **beside} if isinstance(beside, dict) else kept


def _is_held(name: str, value: Any) -> bool:
    """Whether all stores hold an attribute, and give back the same value."""
    if not name or "\0" in name or name in _RESERVED:
        return False
    if isinstance(value, list):
        # A list of one comes back as its item, and what differs in kind as texts.
        kinds = {type(one) for one in value}
        same = len(value) > 1 and len(kinds) == 1 and kinds <= {int, float, str}
        return same and all(_is_held("item", one) for one in value)
    if isinstance(value, str):
        is_time = name == "units" and " since " in value
        surrogate = any("\ud800" <= sign <= "\udfff" for sign in value)  # no UTF-8 has them
        return "\0" not in value and not surrogate and not is_time
    if isinstance(value, int):
        return -_INT64 <= value < _INT64
    return isinstance(value, float)
