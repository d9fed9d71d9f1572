"""Stores in general: how they begin, what their attributes become, what is refused of all."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.errors import refusal, refusing_damage

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
    return value if isinstance(value, str | int | float | list | tuple) else str(value)
