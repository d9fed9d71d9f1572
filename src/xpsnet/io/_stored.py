"""HDF5, netCDF and zarr stores looked over before anything is opened: links, sizes, groups."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xpsnet.io._errors import ReadError, refusal

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
NETCDF3_MAGIC = b"CDF"
ZARR_FILES = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")

_MAX_OBJECTS = 10_000
_MAX_DEPTH = 20
# Axes are loaded at once, everything else lazily where it is large.
_MAX_AXIS = 20_000_000


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr store."""
    return path.is_dir() and any((path / name).is_file() for name in ZARR_FILES)


def hdf5_groups(path: Path) -> list[str]:
    """Groups of an HDF5 file that hold arrays.

    Raises
    ------
    ReadError
        Where the file is damaged, leads to other files, or states absurd sizes.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return sorted({group for group, _ in _hdf5_arrays(path, file, "/", 0)})
    except ReadError:
        raise
    except Exception as error:
        # h5py raises whatever the library stumbles over in a damaged file.
        raise damaged(path, "an HDF5 or netCDF file", error) from error


def _hdf5_arrays(path: Path, group: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Walk over the arrays of a group and of all groups below it."""
    import h5py

    if depth > _MAX_DEPTH or len(group) > _MAX_OBJECTS:
        raise refusal(
            path, f"group {name}", expected="a store of spectra",
            got=f"more than {_MAX_DEPTH} levels or {_MAX_OBJECTS} objects",
        )  # fmt: skip
    for n, key in enumerate(group):
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise _leads_out(path, f"{name}/{key}", str(link.filename))
        if isinstance(link, h5py.SoftLink):
            continue
        found = group[key]
        if isinstance(found, h5py.Group):
            yield from _hdf5_arrays(path, found, f"{name.rstrip('/')}/{key}", depth + 1)
        elif isinstance(found, h5py.Dataset):
            if found.external or found.is_virtual:
                raise _leads_out(path, f"{name}/{key}", "data outside of the file")
            _check_axis(path, f"{name}/{key}", tuple(found.shape or ()))
            yield name, key
        if n > _MAX_OBJECTS:
            return


def _leads_out(path: Path, where: str, target: str) -> ReadError:
    """Word the refusal of links to other files."""
    return refusal(
        path,
        where,
        expected="data within this file",
        got=f"a link to {target!r}, which is not followed",
        advice="open the file that holds the spectra",
    )


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
        Where the header is damaged or states absurd sizes.
    """
    from scipy.io import netcdf_file

    try:
        with _BoundedFile(path) as file, netcdf_file(file, mmap=True) as data:
            shapes = {name: tuple(one.shape) for name, one in data.variables.items()}
            # The map of the file stays open as long as a variable does.
            data.variables.clear()
    except Exception as error:
        # scipy raises whatever its parser stumbles over.
        raise damaged(path, "a netCDF 3 file", error) from error
    for name, shape in shapes.items():
        _check_axis(path, name, shape)
    return ["/"]


def zarr_groups(path: Path) -> list[str]:
    """Groups of a zarr store that hold arrays.

    Raises
    ------
    ReadError
        Where the store is damaged or states absurd sizes, or zarr is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise refusal(
            path,
            expected="the package zarr, to read a zarr store",
            got="no such package",
            advice="pip install napari-xpsnet[zarr]",
        ) from error
    try:
        root = zarr.open(str(path), mode="r")
        if isinstance(root, zarr.Array):
            raise refusal(path, expected="a zarr group with an energy axis", got="a bare array")
        groups = []
        for n, (key, member) in enumerate(root.members(max_depth=_MAX_DEPTH)):
            if n > _MAX_OBJECTS:
                break
            if isinstance(member, zarr.Array):
                _check_axis(path, key, tuple(member.shape))
                groups.append("/" + key.rpartition("/")[0])
        return sorted(set(groups))
    except ReadError:
        raise
    except Exception as error:
        # zarr raises whatever its metadata parser stumbles over.
        raise damaged(path, "a zarr store", error) from error


def _check_axis(path: Path, where: str, shape: tuple[int, ...]) -> None:
    """Refuse an axis that would fill the memory when it is loaded."""
    if len(shape) == 1 and shape[0] > _MAX_AXIS:
        raise refusal(
            path, where, expected=f"axes of at most {_MAX_AXIS} points", got=f"{shape[0]} points"
        )


def damaged(path: Path, kind: str, error: Exception) -> ReadError:
    """Word what a library said about a damaged store."""
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return refusal(
        path, expected=f"{kind} that can be opened", got=said, advice="it may be damaged"
    )
