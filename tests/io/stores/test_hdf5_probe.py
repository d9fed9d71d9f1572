"""HDF5 files on which the HDF5 library crashes or never ends are refused before it opens them."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read
from xpsnet.io.stores import hdf5_probe

ENERGY = np.linspace(280.0, 290.0, 51)
READ = """
import sys, xpsnet
for path in reversed(sys.argv[1:]):
    try:
        print("read", len(xpsnet.read(path, scale="binding")))
    except xpsnet.ReadError as error:
        print(error)
"""


def reads(*paths: Path) -> "subprocess.CompletedProcess[str]":
    """Read files in a process of its own, which can be ended should it hang."""
    return subprocess.run(
        [sys.executable, "-c", READ, *paths], capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


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
    told = f"{path}, byte {at}: expected an object of a heap of texts, got one of no bytes; it may"
    assert told in reads(path).stdout


def test_a_sound_heap_is_followed_to_its_end(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.h5"
    with_text(path)
    assert read(path, scale="binding")[0].shape == (3, 51)
    monkeypatch.setattr(hdf5_probe, "_MAX_OBJECTS", 1)
    with pytest.raises(ReadError, match="got more than 1 objects"):
        read(path)


def test_large_files_are_searched_at_both_ends(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.h5"
    data = with_text(path)
    at = place_of_objects(data)
    data[at : at + 16] = bytes(16)
    monkeypatch.setattr(hdf5_probe, "_PIECE", 7)
    for n in (at, len(data) - at + 16):
        monkeypatch.setattr(hdf5_probe, "_END_BYTES", n)
        path.write_bytes(data)
        with pytest.raises(ReadError, match=f"a.h5, byte {at}: "):
            hdf5_probe.check_heaps(path)
    monkeypatch.setattr(hdf5_probe, "_END_BYTES", at // 2)
    path.write_bytes(data + bytes(len(data)))
    hdf5_probe.check_heaps(path)


@pytest.mark.parametrize("damage", [b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n\1" + b"\7" * 9])
def test_a_file_that_ends_in_its_head_is_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(damage)
    with pytest.raises(ReadError, match=r"that can be opened, got .*; it may be damaged"):
        read(path)


# Of this program alone: the maximum that `resource` gives begins with that of the parent.
MEMORY = """
import re, pathlib
print(re.search(r"VmHWM:\\s*(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the memory")
@pytest.mark.parametrize("what", ["an attribute 'sample' of /C1s", "an array /C1s/title"])
@pytest.mark.parametrize("size", [0x7FFFFFFF, 0xFFFFFFF0])
def test_the_size_that_a_text_states_takes_no_memory(tmp_path: Path, what: str, size: int) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["C1s/energy"] = ENERGY
        file["C1s/counts"] = np.ones((3, 51))
        if what.startswith("an attribute"):
            file["C1s"].attrs["sample"] = "gold"
        else:
            file["C1s/title"] = "gold"
    data = bytearray(path.read_bytes())
    # A text is stored as its size, the place of its heap and its number there.
    place = data.index(b"GCOL\x01").to_bytes(8, "little") + b"\1\0\0\0"
    at = data.index(place) - 4
    assert data[at : at + 4] == b"\4\0\0\0"
    data[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", READ + MEMORY, path], capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    told, memory = done.stdout.splitlines()
    assert f"got {what} that would take more than 512 MiB; it may be damaged" in told
    assert int(memory) < 700 << 10


def with_many_links(path: Path) -> bytearray:
    """Bytes of a file with so many groups, in the order of writing, that they lie on a heap."""
    with h5py.File(path, "w", track_order=True) as file:
        for i in range(12):
            file.create_group(f"scan {i}")["counts"] = np.ones(51)
        file["scan 0/BE"] = ENERGY
    return bytearray(path.read_bytes())


def test_a_damaged_name_does_not_end_this_process(tmp_path: Path) -> None:
    data = with_many_links(tmp_path / "sound.h5")
    links = data.index(b"FHDB")
    for place in range(94, 100):
        damaged = bytearray(data)
        damaged[links + place] ^= 0x80
        (tmp_path / f"{place}.h5").write_bytes(damaged)
    done = reads(*sorted(tmp_path.glob("*.h5")))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("read ")
    assert "expected an HDF5 or netCDF file that can be opened" in done.stdout


@pytest.fixture
def trial(tmp_path: Path, monkeypatch):
    """Put another script in the place of the one that reads files on trial."""

    def put(script: str) -> None:
        (tmp_path / "trial.py").write_text(script)
        monkeypatch.setattr(hdf5_probe, "_TRIAL", tmp_path / "trial.py")
        monkeypatch.setattr(hdf5_probe, "_trials", {})

    yield put
    hdf5_probe._end_mine()


ANSWER = "print('sound', flush=True)\n"
ENDS = {
    "crashes": ANSWER + "import os, sys; sys.stdin.readline(); os.abort()",
    "hangs": ANSWER + "import time; time.sleep(1000)",
    "goes before it is asked": ANSWER,
}


@pytest.mark.parametrize("kind", ENDS)
def test_a_file_on_which_the_trial_ends_is_refused(tmp_path, monkeypatch, trial, kind) -> None:
    with_text(tmp_path / "a.h5")
    trial(ENDS[kind])
    monkeypatch.setattr(hdf5_probe, "_MAX_SECONDS", 3.0)
    for _ in range(2):
        with pytest.raises(ReadError, match="one on which the HDF5 library crashes or does not"):
            read(tmp_path / "a.h5")


def test_one_process_tries_many_files(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(hdf5_probe, "_trials", {})
    for i in range(3):
        with_text(tmp_path / f"{i}.h5")
        hdf5_probe.check_trial(tmp_path / f"{i}.h5")
        (process,) = hdf5_probe._trials.values()
        assert process.poll() is None
    assert list(hdf5_probe._trials) == [os.getpid()]
    hdf5_probe._end_mine()
    assert process.poll() is not None


@pytest.mark.parametrize("kind", ["no Python", "no processes", "no h5py"])
def test_without_another_process_files_are_read_all_the_same(
    tmp_path, monkeypatch, trial, kind: str
) -> None:
    with_text(tmp_path / "a.h5")
    trial("raise ImportError")
    if kind == "no Python":
        monkeypatch.setattr(sys, "executable", "")
    if kind == "no processes":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    assert read(tmp_path / "a.h5", scale="binding")[0].shape == (3, 51)


def test_a_chunk_that_states_more_bytes_than_the_file_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    packed = np.random.default_rng(0).bytes(300_000)
    with h5py.File(path, "w") as file:
        file["BE"] = ENERGY
        counts = file.create_dataset("counts", (1, 51), "f8", chunks=(1, 51), compression=1)
        counts.id.write_direct_chunk((0, 0), packed)
    data = path.read_bytes()
    stated = len(packed).to_bytes(4, "little")
    assert data.count(stated) == 1
    path.write_bytes(data.replace(stated, (2**31 - 1).to_bytes(4, "little")))
    with pytest.raises(
        ReadError, match="/counts: expected chunks within the file, got one of 2147"
    ):
        read(path)
