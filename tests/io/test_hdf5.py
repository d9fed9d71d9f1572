"""HDF5 files on which the HDF5 library works for ever are refused before it opens them."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from xpsnet.io import ReadError, _hdf5, read

ENERGY = np.linspace(280.0, 290.0, 51)
READ = "import sys, xpsnet; [xpsnet.read(path) for path in sys.argv[1:]]"


def with_text(path: Path) -> bytearray:
    """Bytes of a file of spectra that holds a text of any length, on a heap."""
    with h5py.File(path, "w") as file:
        file["C1s/energy"] = ENERGY
        file["C1s/counts"] = np.ones((3, 51))
        file["C1s"].attrs["sample"] = "gold"
    return bytearray(path.read_bytes())


def place_of_objects(data: bytearray) -> int:
    """Where the first object of the first heap begins."""
    return data.index(b"GCOL\x01") + 16


# An object: index, number of references, zeros, size.
STAYS = {
    "free space of no bytes": b"\0" * 16,
    "size that wraps to nothing": b"\1\0\1\0\0\0\0\0" + (2**64 - 16).to_bytes(8, "little"),
}


@pytest.mark.parametrize("kind", STAYS)
def test_a_heap_without_end_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.h5"
    data = with_text(path)
    at = place_of_objects(data)
    data[at : at + 16] = STAYS[kind]
    path.write_bytes(data)
    # In a process of its own, which can be ended should it hang.
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True,
                          timeout=120, check=False)  # fmt: skip
    assert f"ReadError: {path}, byte {at}: expected an object of a heap of texts, got one of no " \
        "bytes; it may be damaged" in done.stderr  # fmt: skip


def test_a_sound_heap_is_followed_to_its_end(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.h5"
    with_text(path)
    assert read(path, scale="binding")[0].shape == (3, 51)
    monkeypatch.setattr(_hdf5, "_MAX_OBJECTS", 1)
    with pytest.raises(ReadError, match="got more than 1 objects"):
        read(path)


def test_large_files_are_searched_at_both_ends(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.h5"
    data = with_text(path)
    at = place_of_objects(data)
    data[at : at + 16] = bytes(16)
    monkeypatch.setattr(_hdf5, "_PIECE", 7)
    for n in (at, len(data) - at + 16):
        monkeypatch.setattr(_hdf5, "_END_BYTES", n)
        path.write_bytes(data)
        with pytest.raises(ReadError, match=f"a.h5, byte {at}: "):
            _hdf5.check_heaps(path)
    monkeypatch.setattr(_hdf5, "_END_BYTES", at // 2)
    path.write_bytes(data + bytes(len(data)))
    _hdf5.check_heaps(path)


@pytest.mark.parametrize("damage", [b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n\1" + b"\7" * 9])
def test_a_file_that_ends_in_its_head_is_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(damage)
    with pytest.raises(ReadError, match=r"that can be opened, got .*; it may be damaged"):
        read(path)
