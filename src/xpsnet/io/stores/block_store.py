"""Peaks as a zarr store that is written block by block, and whose run can be taken up again.

The store appears with everything but the numbers: sizes, coordinates, attributes (a template). Each
block is a region that is a whole chunk of every array, so that no two blocks share a file. Beside
the peaks, the group `fit_run` holds the attributes of the run and the array `done` (run, block):
1 where a block is on the disk. An entry of `done` is one byte of a file without compression, and is
written after all chunks of its block: a process may end at any moment, and several may write.

zarr format 2: no shards, and a file for each chunk.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.atomic_write import describing_failure, sync_file, sync_folder, write_folder
from xpsnet.io.common.errors import ReadError
from xpsnet.io.stores.attributes import is_zarr
from xpsnet.io.stores.chunk_limits import PARTIAL

RUN = "fit_run"
FIRST = f"{RUN}/first"
"""Group of the fits of single spectra, while a second run over the blocks needs them."""

STATE = ("asked", "spectra", "block", "decided", "arrays")
"""What the state of a run holds."""

_DONE, _FLAGS = "done", "0.0"
_STATE = "state"

Numbers = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Template:
    """Everything of a store but its numbers.

    Attributes
    ----------
    groups : mapping of str to Dataset
        By path; what is lazy is only described, and all else is written.
    chunks : mapping of str to int
        Size of a block along each dimension of the spectra; along others a chunk has all values.
    state : mapping
        Of the run: what JSON can hold.
    n_done : (int, int)
        Number of runs over the blocks, and of blocks.
    fills : mapping of str to int
        What arrays of whole numbers hold where no block was written yet; others hold 0.
    """

    groups: Mapping[str, xr.Dataset]
    chunks: Mapping[str, int]
    state: Mapping[str, Any]
    n_done: tuple[int, int]
    fills: Mapping[str, int]


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    done : tuple of int
        Blocks that are on the disk, of the first run over all blocks, and of the second if there
        is one.
    n_blocks : int
    """

    done: tuple[int, ...]
    n_blocks: int

    @property
    def complete(self) -> bool:
        """Whether the peaks of all blocks are there."""
        return self.done[-1] == self.n_blocks

    def __str__(self) -> str:
        if self.complete:
            return f"fit complete: {self.n_blocks} of {self.n_blocks} blocks"
        if len(self.done) == 1:
            return f"fit in progress: {self.done[0]} of {self.n_blocks} blocks"
        return f"fit in progress: {self.done[0]} of {self.n_blocks} blocks, neighbors " + (
            f"{self.done[1]} of {self.n_blocks}"
        )


def progress_of(path: Path) -> Progress | None:
    """How far the fit in a store is; None for a store that was not written block by block."""
    if not is_zarr(path) or not (path / RUN / _DONE / ".zarray").is_file():
        return None
    done = read_done(path)
    return Progress(tuple(int(n) for n in done.sum(axis=1)), done.shape[1])


def read_done(path: Path) -> npt.NDArray[np.bool_]:
    """Which blocks are on the disk, shape (run, block).

    Raises
    ------
    ReadError
        Where the array is damaged.
    """
    try:
        shape = json.loads((path / RUN / _DONE / ".zarray").read_text())["shape"]
        flags = np.frombuffer((path / RUN / _DONE / _FLAGS).read_bytes(), np.uint8)
        done: npt.NDArray[np.bool_] = flags.reshape(shape) == 1
        return done
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(
            f"expected the blocks that are done in {path}, got {error}; begin the fit again with "
            f"overwrite=True"
        ) from error


def read_state(path: Path) -> dict[str, Any]:
    """What `create` was given as the state of the run.

    Raises
    ------
    ReadError
        Where it is damaged.
    """
    try:
        attrs = json.loads((path / RUN / ".zattrs").read_text())
        state: dict[str, Any] = dict(json.loads(attrs[_STATE]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged_state(path, error) from error
    for name in STATE:
        if name not in state:
            raise damaged_state(path, f"none named {name}")
    return state


def damaged_state(path: Path, got: object) -> ReadError:
    """Make the refusal of a store whose state cannot be used."""
    return ReadError(
        f"expected the state of a fit in {path}, got {got}; begin the fit again with overwrite=True"
    )


def create(path: Path, template: Template) -> None:
    """Make a store without numbers; it appears when it is complete, and replaces an older one.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is still there.
    """
    import zarr

    done = xr.Dataset(
        {_DONE: (("run", "block"), np.zeros(template.n_done, np.uint8))},
        attrs={_STATE: json.dumps(template.state)},
    )

    def fill(folder: Path) -> None:
        for name, data in {**template.groups, RUN: done}.items():
            encoding: dict[Any, dict[str, Any]] = {
                k: {"chunks": tuple(template.chunks.get(str(d), n) for d, n in v.sizes.items())}
                for k, v in data.variables.items()
                if v.chunks is not None
            }
            if name == RUN:
                encoding[_DONE] = {"compressors": None, "chunks": template.n_done}
            data.to_zarr(
                folder, group=name, mode="w" if name == "/" else "a", zarr_format=2,
                consolidated=False, compute=False, encoding=encoding,
            )  # fmt: skip
        for name, value in template.fills.items():
            zarr.open_array(folder / name, mode="r+", zarr_format=2)[...] = value
        (folder / RUN / _DONE / _FLAGS).write_bytes(bytes(int(np.prod(template.n_done))))

    with describing_failure(path):
        write_folder(path, fill)


def write_block(path: Path, group: str, numbers: Numbers, block: tuple[int, ...]) -> None:
    """Write all numbers of a block, and wait until the disk has them.

    Parameters
    ----------
    path : Path
        The store.
    group : str
        Path of the group.
    numbers : mapping of str to ndarray
        By name of the array; the dimensions of the spectra first.
    block : tuple of int
        Number of the block along each dimension of the spectra.

    Raises
    ------
    OSError
        If a chunk cannot be written; the block is not done.
    """
    import zarr

    with describing_failure(path):
        for name, values in numbers.items():
            folder = path / group / name
            array = zarr.open_array(folder, mode="r+", zarr_format=2)
            # A chunk of nothing but NaN is written, too: what is done can be seen.
            array = array.with_config({"write_empty_chunks": True})
            place = tuple(
                slice(i * size, i * size + n)
                for i, size, n in zip(block, array.chunks, values.shape, strict=False)
            )
            file = folder / chunk_name(block, values.ndim)
            replaces = file.exists()
            array[place] = values
            sync_file(file)
            if replaces:  # else the old file might come back after a power cut
                sync_folder(folder)


def chunk_name(block: tuple[int, ...], ndim: int) -> str:
    """Name of the file of a chunk."""
    return ".".join(map(str, (*block, *(0,) * (ndim - len(block))))) or "0"


def read_part(
    path: Path, group: str, names: Iterable[str], place: tuple[slice, ...]
) -> dict[str, npt.NDArray[Any]]:
    """Numbers at some places along the dimensions of the spectra."""
    import zarr

    found = {}
    for name in names:
        array = zarr.open_array(path / group / name, mode="r", zarr_format=2)
        found[name] = np.asarray(array[place])
    return found


def mark(path: Path, place: int, *, done: bool = True) -> None:
    """Say that a block is on the disk: one byte, which needs no space on a full disk.

    `place` is that in the flat array of `read_done`.
    """
    with describing_failure(path), (path / RUN / _DONE / _FLAGS).open("r+b") as file:
        file.seek(place)
        file.write(b"\1" if done else b"\0")
        file.flush()
        os.fsync(file.fileno())


def whole_blocks(
    path: Path, group: str, names: Mapping[str, int], blocks: Iterable[tuple[int, ...]]
) -> list[bool]:
    """Whether all files of blocks are there and hold something.

    Parameters
    ----------
    path, group
        As for `write_block`.
    names : mapping of str to int
        Arrays, and how many dimensions they have.
    blocks : iterable of tuple of int
    """
    there = {name: _filled(path / group / name) for name in names}
    return [
        all(chunk_name(block, ndim) in there[name] for name, ndim in names.items())
        for block in blocks
    ]


def _filled(folder: Path) -> set[str]:
    """Names of the files in a folder that are not empty."""
    names = set()
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for one in found:
            # A file that another thread is writing gets its final name between the two calls.
            with suppress(FileNotFoundError):
                if one.stat().st_size > 0:
                    names.add(one.name)
    return names


def complete(path: Path) -> None:
    """Take away what only the run needed, and put the description of all arrays together."""
    import shutil

    import zarr

    if (path / ".zmetadata").is_file() and not (path / FIRST).exists():
        return  # an earlier call has done it
    shutil.rmtree(path / FIRST, ignore_errors=True)
    for folder, _, names in os.walk(path):
        for name in names:
            if name.endswith(PARTIAL):
                with suppress(OSError):
                    (Path(folder) / name).unlink()
    with describing_failure(path):
        zarr.consolidate_metadata(str(path), zarr_format=2)
