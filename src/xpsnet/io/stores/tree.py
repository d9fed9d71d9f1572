"""What an HDF5 file or a zarr folder holds, looked over before any array is read.

Nothing outside the store is opened: external links, external data and virtual data sets are noted,
soft links are resolved by their text among what the store itself holds. Object references are
never followed. Sizes are checked against what reading would take.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xpsnet.io.common.errors import optional_package, refusal, refuse_stream, refusing_damage
from xpsnet.io.stores.attributes import HDF5_EXPECTED, ZARR_FILES, check_axis, is_zarr, plain
from xpsnet.io.stores.chunk_limits import MAX_CHUNK, check_deflated, check_zarr_chunks
from xpsnet.io.stores.hdf5_probe import check_heaps, check_trial

LAZY_BYTES = 64 << 20
_MAX_OBJECTS = 10_000
_MAX_DEPTH = 20
_MAX_ATTRIBUTE = 10_000
_SLACK = 1024  # bytes that filters may add to a chunk


class StoredArray(NamedTuple):
    """One array of a store, not yet read."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    attrs: dict[str, Any]
    chunks: tuple[int, ...] | None

    @property
    def group(self) -> str:
        """Name of the group that holds it."""
        return self.name.rpartition("/")[0] or "/"

    @property
    def label(self) -> str:
        """Its name within the group."""
        return self.name.rpartition("/")[2]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self.dtype.itemsize * math.prod(self.shape)


@dataclass
class Tree:
    """Groups with their attributes and settings, arrays, soft links and links out of a store."""

    path: Path
    store: Any
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    arrays: dict[str, StoredArray] = field(default_factory=dict)
    members: dict[str, list[StoredArray]] = field(default_factory=lambda: defaultdict(list))
    links: dict[str, str] = field(default_factory=dict)
    outside: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    settings: dict[str, dict[str, str | int | float]] = field(default_factory=dict)

    def note(self, array: StoredArray) -> None:
        """Take up an array."""
        self.arrays[array.name] = array
        self.members[array.group].append(array)

    def refuse_outside(self) -> None:
        """Refuse the store where anything in it leads to other files."""
        for where, target in self.outside.items():
            raise refusal(
                self.path, where, expected="data within this file",
                got=f"a link to {target!r}, which is not followed",
                advice="open the file that holds the spectra",
            )  # fmt: skip

    def refuse_odd(self) -> None:
        """Refuse the store where it has lists of any length, on which HDF5 can crash."""
        if self.odd:
            raise refusal(
                self.path, self.odd[0], expected="numbers or texts", got="lists of any length",
                advice="it may be damaged",
            )  # fmt: skip

    def resolve(self, name: str) -> str:
        """Name that a soft link leads to, following at most eight links."""
        for _ in range(8):
            if name in self.arrays or name in self.groups or name not in self.links:
                break
            target = self.links[name]
            name = target if target.startswith("/") else f"{name.rpartition('/')[0]}/{target}"
        return name

    def array(self, group: str, label: str) -> StoredArray | None:
        """Array of this name in a group, through soft links."""
        return self.arrays.get(self.resolve(f"{group.rstrip('/')}/{label}"))

    def text(self, name: str, limit: int) -> str:
        """A stored text, at most `limit` characters of it; "" if there is none."""
        array = self.arrays.get(self.resolve(name))
        if array is None or array.shape not in ((), (1,)) or array.dtype.kind not in "SUOT":
            return ""
        value = np.asarray(self.values(array)).ravel()[0]
        text = plain(value) if isinstance(value, bytes | str) else ""
        return " ".join(str(text)[:limit].replace("\0", " ").split())

    def values(self, array: StoredArray, whole: int | None = None) -> Any:
        """Values of an array: in memory, or as a dask array where it is large.

        Parameters
        ----------
        array : StoredArray
        whole : int, optional
            The dimension that stays in one piece, energy.

        Raises
        ------
        ReadError
            If the array is damaged.
        """
        if array.nbytes <= LAZY_BYTES:
            with refusing_damage(self.path, expected=f"the array {array.name} that can be opened"):
                values = np.asarray(self.store[array.name][()])
            return values.astype(array.dtype.newbyteorder("="), copy=False)
        import dask.array

        pieces = tuple(-1 if i == whole else "auto" for i in range(len(array.shape)))
        stored = _OnDisk(self.path, array)
        return dask.array.from_array(
            stored, chunks=pieces, meta=np.empty((0,) * stored.ndim, stored.dtype)
        )


@contextmanager
def open_tree(path: Path) -> Iterator[Tree]:
    """Look over an HDF5 file or a zarr folder, and keep it open for reading.

    Raises
    ------
    ReadError
        If it is damaged or states absurd sizes, or zarr is not installed.
    """
    if is_zarr(path):
        yield _zarr_tree(path)
        return
    import h5py

    check_heaps(path)
    check_trial(path)
    with refusing_damage(path, expected=HDF5_EXPECTED):
        file = h5py.File(path, "r")
    with file:
        tree = Tree(path, file)
        with refusing_damage(path, expected=HDF5_EXPECTED):
            _walk(tree, file, "/", 0, set())
        yield tree


def _walk(tree: Tree, group: Any, name: str, depth: int, seen: set[int]) -> None:
    """Note what a group holds; groups that are linked twice are walked over once."""
    import h5py

    address = h5py.h5o.get_info(group.id).addr
    if address in seen:
        return
    seen.add(address)
    tree.groups[name] = _attributes(group, tree.odd)
    if depth > _MAX_DEPTH or len(group) + len(tree.arrays) + len(tree.groups) > _MAX_OBJECTS:
        raise refusal(
            tree.path, f"group {name}", expected="a store of spectra",
            got=f"more than {_MAX_DEPTH} levels or {_MAX_OBJECTS} objects",
        )  # fmt: skip
    for key in group:
        full = f"{name.rstrip('/')}/{key}"
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            tree.outside[full] = str(link.filename)
        elif isinstance(link, h5py.SoftLink):
            tree.links[full] = str(link.path)
        elif isinstance(found := group[key], h5py.Group):
            _walk(tree, found, full, depth + 1, seen)
        elif isinstance(found, h5py.Dataset):
            _note_dataset(tree, full, found)


def _note_dataset(tree: Tree, name: str, dataset: Any) -> None:
    """Note an array, or that its data lie elsewhere; check what reading it would take."""
    import h5py

    if dataset.external or dataset.is_virtual:
        tree.outside[name] = "data outside of the file"
        return
    try:
        dtype = dataset.dtype
    except TypeError:
        return  # a type that numpy does not have: no counts
    if dataset.id.get_type().get_class() == h5py.h5t.VLEN:
        tree.odd.append(name)
        return
    attributes = _attributes(dataset, tree.odd)
    array = StoredArray(name, tuple(dataset.shape or ()), dtype, attributes, dataset.chunks)
    _check_sizes(tree.path, array)
    if array.chunks and _is_read_at_once(array):
        check_deflated(tree.path, name, dataset, _chunk_bytes(array) + _SLACK)
    tree.note(array)


def _check_sizes(path: Path, array: StoredArray) -> None:
    """Refuse axes and chunks that would fill the memory when they are loaded."""
    check_axis(path, array.name, array.shape)
    chunk = _chunk_bytes(array)
    if chunk > MAX_CHUNK:
        raise refusal(
            path, array.name, expected=f"chunks of at most {MAX_CHUNK >> 20} MiB",
            got=f"{chunk >> 20} MiB", advice="store it anew in smaller chunks",
        )  # fmt: skip


def _chunk_bytes(array: StoredArray) -> int:
    """Size of one chunk in memory."""
    return array._replace(shape=array.chunks or ()).nbytes


def _is_read_at_once(array: StoredArray) -> bool:
    """Whether an array is loaded when the store is read: it is small, or an axis."""
    return array.nbytes <= LAZY_BYTES or len(array.shape) == 1


def _attributes(owner: Any, odd: list[str]) -> dict[str, Any]:
    """Attributes as plain Python; of what is large or of an odd type only the name.

    HDF5 can crash on damaged lists of any length. Only those of references, by which dimensions
    are attached, are usual.
    """
    import h5py

    attributes: dict[str, Any] = {}
    for key in owner.attrs:
        try:
            stored = owner.attrs.get_id(key)
            kind = stored.get_type()
            attributes[str(key)] = ""
            if kind.get_class() == h5py.h5t.VLEN:
                if kind.get_super().get_class() != h5py.h5t.REFERENCE:
                    odd.append(f"{owner.name}, attribute {key!r}")
            elif (
                kind.get_class() in (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING)
                and stored.get_storage_size() <= _MAX_ATTRIBUTE
            ):
                attributes[str(key)] = plain(owner.attrs[key])
        except (TypeError, ValueError, OSError, RuntimeError, KeyError):
            continue
    return attributes


def _zarr_tree(path: Path) -> Tree:
    """Look over a zarr folder."""
    zarr = optional_package(
        path, "zarr", "to read a zarr store", advice="pip install napari-xpsnet[zarr]"
    )
    _refuse_streams(path)
    with refusing_damage(path, expected="a zarr store that can be opened"):
        root = zarr.open(str(path), mode="r")
        tree = Tree(path, root)
        if isinstance(root, zarr.Array):
            raise refusal(path, expected="a zarr group with an energy axis", got="a bare array")
        tree.groups["/"] = _plain_attributes(root)
        for key in itertools.islice(_zarr_names(path, tree), _MAX_OBJECTS):
            # One after another: of several at a time, zarr prints what goes wrong with all but one.
            member = root[key]
            if isinstance(member, zarr.Array):
                array = StoredArray(f"/{key}", tuple(member.shape), np.dtype(member.dtype),
                                    _plain_attributes(member), tuple(member.chunks))  # fmt: skip
                _check_sizes(path, array)
                if getattr(member, "shards", None):
                    _check_sizes(path, array._replace(chunks=tuple(member.shards)))
                if _is_read_at_once(array):
                    check_zarr_chunks(path, array.name, member, _chunk_bytes(array) + _SLACK)
                tree.note(array)
            else:
                tree.groups[f"/{key}"] = _plain_attributes(member)
    return tree


def _zarr_names(path: Path, tree: Tree, depth: int = 0) -> Iterator[str]:
    """Names of the groups and arrays of a zarr folder; links are noted instead."""
    for folder in sorted(path.iterdir()):
        name = folder.relative_to(tree.path).as_posix()
        if folder.is_dir() and not folder.is_symlink():
            _refuse_streams(folder)
        if not is_zarr(folder):
            continue
        if folder.is_symlink():
            tree.outside[f"/{name}"] = str(folder.readlink())
            continue
        yield name
        if depth < _MAX_DEPTH:
            yield from _zarr_names(folder, tree, depth + 1)


def _refuse_streams(folder: Path) -> None:
    """Refuse a zarr group or array whose description zarr would wait for."""
    for name in (*ZARR_FILES, ".zattrs"):
        refuse_stream(folder / name)


def _plain_attributes(owner: Any) -> dict[str, Any]:
    """Attributes of a zarr group or array as plain Python."""
    return {str(key): plain(value) for key, value in dict(owner.attrs).items()}


class _OnDisk:
    """An array of a store, opened for every piece that dask asks for."""

    def __init__(self, path: Path, array: StoredArray) -> None:
        self.path, self.array = path, array
        self.shape, self.dtype = array.shape, array.dtype.newbyteorder("=")
        self.ndim, self.chunks = len(array.shape), array.chunks

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        if is_zarr(self.path):
            import zarr

            return np.asarray(zarr.open(str(self.path), mode="r")[self.array.name[1:]][key])
        import h5py

        with h5py.File(self.path, "r") as file:
            return np.asarray(file[self.array.name][key], dtype=self.dtype)
