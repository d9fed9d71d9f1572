"""Writing where the system fails: nothing is lost, nothing is left, and one sentence says why.

All tests loop over the tables of formats, so that a new one is tested at once.
"""

import contextlib
import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet import cli
from xpsnet.io.common import atomic_write, free_memory
from xpsnet.io.common.atomic_write import write_file, write_folder
from xpsnet.io.write import FOLDERS, SUFFIXES, write

pytest.importorskip("resource", reason="limits of the size of files are those of POSIX")
from write_faults import FORMATS, LIMITS, STEPS, content, digest

SCRIPT = Path(__file__).parent / "files" / "write_faults.py"
OWN_SUFFIXES = list(SUFFIXES)
ONE_EACH = list(FORMATS)


def _lines(what: str, folder: Path) -> list[dict[str, Any]]:
    """What the script reports; it may neither die nor print a traceback."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), what, str(folder)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return _lines("full", tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return _lines("killed", tmp_path_factory.mktemp("killed"))


@pytest.mark.parametrize("suffix", ONE_EACH)
def test_a_full_disk_is_one_sentence_and_nothing_is_lost(full: list, suffix: str) -> None:
    found = [one for one in full if one["suffix"] == suffix and "cli" not in one]
    assert len(found) == 2 * len(LIMITS)
    for one in found:
        assert (one["kind"], one["errno"], one["untouched"]) == ("OSError", errno.EFBIG, True)
        assert one["text"] == (
            f"expected to write {one['path']}, got File too large; free some space, or choose a "
            f"folder on another disk"
        )


@pytest.mark.parametrize("suffix", [*cli.RESULT_SUFFIXES, *cli.FIGURE_SUFFIXES])
def test_a_full_disk_is_one_line_of_the_command_line(full: list, suffix: str) -> None:
    (one,) = (one for one in full if one["suffix"] == suffix and "cli" in one)
    assert (one["code"], one["untouched"]) == (2, True)
    assert one["text"] == (
        f"xpsnet: expected to write {one['path']}, got File too large; free some space, or choose "
        f"a folder on another disk\n"
    )


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("suffix", ONE_EACH)
def test_what_a_killed_write_leaves_is_cleared_by_the_next(
    killed: list, suffix: str, step: str
) -> None:
    (one,) = (one for one in killed if (one["suffix"], one["step"]) == (suffix, step))
    # Files are replaced in one step; only folders are moved aside first.
    assert one["killed"] is (step != "rename" or suffix in FOLDERS)
    assert any(name.startswith(".xpsnet-") for name in one["left"]) is one["killed"]
    assert one["names"] == [".xpsnet-notes.part", f"a{suffix}", f"b{suffix}"]
    assert one["whole"]


@contextlib.contextmanager
def failing(call: str, at: int, number: int) -> Iterator[list[int]]:
    """Let a call of the system fail the n-th time, counted from 0."""
    original = getattr(os, call)
    calls = [0]

    def fail(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == at + 1:
            raise OSError(number, os.strerror(number))
        return original(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, fail)
        yield calls


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ESTALE])
@pytest.mark.parametrize("call", ["open", "mkdir", "write", "fsync", "close", "replace", "rename"])
@pytest.mark.parametrize("suffix", ONE_EACH)
def test_an_error_at_any_step_leaves_the_old_file(
    tmp_path: Path, suffix: str, call: str, number: int
) -> None:
    path = tmp_path / f"a{suffix}"
    write(path=path, **content(suffix))
    refused = 0
    for at in range(3):
        before, error = digest(tmp_path), None
        with failing(call, at, number) as calls:
            try:
                write(path=path, overwrite=True, **content(suffix))
            except OSError as raised:
                error = raised
        assert [one.name for one in tmp_path.iterdir()] == [path.name]
        if error is not None:
            refused += 1
            assert error.errno == number
            assert str(error).startswith(f"expected to write {path}, got {os.strerror(number)}; ")
            assert digest(tmp_path) == before
        if calls[0] <= at:
            break
    if call in (("mkdir", "rename", "replace") if suffix in FOLDERS else ("write", "fsync")):
        assert refused


@pytest.mark.parametrize("suffix", OWN_SUFFIXES)
def test_a_place_that_is_no_folder_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match="expected an existing folder"):
        write(path=tmp_path / "file" / f"a{suffix}", **content(suffix))
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder where nobody can write")
@pytest.mark.parametrize("suffix", OWN_SUFFIXES)
def test_a_folder_where_nobody_can_write_is_one_sentence(suffix: str) -> None:
    path = Path("/proc/self") / f"a{suffix}"
    with pytest.raises(OSError, match=rf"expected to write {path}, got .*; \w+") as caught:
        write(path=path, **content(suffix))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", OWN_SUFFIXES)
def test_a_folder_that_vanishes_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    place = tmp_path / "network"
    place.mkdir()
    name = "write_folder" if suffix in FOLDERS else "write_file"
    original: Callable[..., None] = getattr(atomic_write, name)

    def after_the_loss(*given: Any) -> None:
        shutil.rmtree(place)
        original(*given)

    monkeypatch.setattr(f"xpsnet.io.write.{name}", after_the_loss)
    with pytest.raises(FileNotFoundError, match="see whether the folder, or its network drive"):
        write(path=place / f"a{suffix}", **content(suffix))
    assert not place.exists()


@pytest.mark.parametrize("suffix", ONE_EACH)
def test_a_symbolic_link_stays_one(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / f"real{suffix}", tmp_path / f"link{suffix}"
    write(path=real, **content(suffix))
    link.symlink_to(real)
    before = real.stat().st_ino
    write(path=link, overwrite=True, **content(suffix))
    assert link.is_symlink()
    assert real.stat().st_ino != before
    assert {one.name for one in tmp_path.iterdir()} == {"far", link.name}
    assert [one.name for one in real.parent.iterdir()] == [real.name]


@pytest.mark.parametrize("suffix", ONE_EACH)
def test_modes_are_those_of_the_umask_or_of_the_old_file(tmp_path: Path, suffix: str) -> None:
    path, full_mode = tmp_path / f"a{suffix}", 0o777 if suffix in FOLDERS else 0o666
    old = os.umask(0o027)
    try:
        write(path=path, **content(suffix))
        assert stat.S_IMODE(path.stat().st_mode) == full_mode & ~0o027
        path.chmod(0o707 & full_mode | 0o600)
        write(path=path, overwrite=True, **content(suffix))
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o707 & full_mode | 0o600


@pytest.mark.parametrize("suffix", ONE_EACH)
def test_a_write_protected_file_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    write(path=path, **content(suffix))
    before = digest(tmp_path)
    # As root may write to everything, the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="got Permission denied; close it in other programs"):
        write(path=path, overwrite=True, **content(suffix))
    assert digest(tmp_path) == before


def _ended() -> int:
    """Number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_only_what_surely_nobody_writes_is_cleared(tmp_path: Path) -> None:
    host, token = atomic_write._host(), "0" * 16
    ended, other, parent = _ended(), "f" * 12, os.getppid()
    names = {
        f".xpsnet-{host}-{ended}-{token}.part": False,
        f".xpsnet-{host}-{os.getpid()}-{token}.part": False,  # of an earlier process
        f".xpsnet-{host}-{parent}-{token}.part": True,  # lives
        f".xpsnet-{other}-{ended}-{token}.part": True,  # of another machine
        f".xpsnet-{other}-{ended}-{'1' * 16}.part": False,  # and a week old
        f".xpsnet-{host}-{ended}-{token}.part.txt": True,
        f"xpsnet-{host}-{ended}-{token}.part": True,
        ".xpsnet-notes": True,
    }
    for name in names:
        (tmp_path / name).touch()
    week = time.time() - 8 * 24 * 3600
    os.utime(tmp_path / f".xpsnet-{other}-{ended}-{'1' * 16}.part", (week, week))
    active = atomic_write._part_name("part")
    (tmp_path / active).touch()
    write_file(tmp_path / "a.txt", b"a")
    left = {one.name for one in tmp_path.iterdir()}
    assert left == {"a.txt", active, *(name for name, kept in names.items() if kept)}


def test_a_folder_that_was_moved_aside_comes_back(tmp_path: Path) -> None:
    aside = tmp_path / f".xpsnet-{atomic_write._host()}-{_ended()}-{'0' * 16}.old"
    (aside / "a.zarr").mkdir(parents=True)
    (aside / "a.zarr" / "kept").touch()
    write_file(tmp_path / "b.txt", b"b")
    assert (tmp_path / "a.zarr" / "kept").exists()
    assert not aside.exists()


def test_a_folder_replaces_a_file_and_a_file_a_folder(tmp_path: Path) -> None:
    for _ in range(2):
        write_folder(tmp_path / "a", lambda folder: (folder / "b").touch())
        assert [one.name for one in (tmp_path / "a").iterdir()] == ["b"]
        write_file(tmp_path / "a", b"a")
        assert (tmp_path / "a").read_bytes() == b"a"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "a.zarr", interrupted)
    assert list(tmp_path.iterdir()) == []


def test_the_source_of_lazy_data_is_named(tmp_path: Path) -> None:
    source = tmp_path / "gone" / "source.nc"

    def fill(_: Path) -> None:
        source.open("rb")

    (tmp_path / "out").mkdir()
    with pytest.raises(FileNotFoundError, match=f"got No such file or directory for {source}; see"):
        write_folder(tmp_path / "out" / "a.zarr", fill)


@pytest.mark.parametrize("suffix", [suffix for suffix in ONE_EACH if suffix not in FOLDERS])
def test_what_does_not_fit_in_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    import dask.array

    monkeypatch.setattr("xpsnet.io.write.free_memory", lambda: 8 * 10**9)
    values = dask.array.zeros((10**5, 10**6), chunks=(1000, 1000))
    large = xr.DataArray(values, {"energy": np.arange(10.0**6)}, ("x", "energy"))
    large = large.assign_attrs(scale="binding", units="counts")
    with pytest.raises(
        ValueError, match=rf"for {suffix}, got 800 GB with 8 GB free; write .zarr, which takes"
    ):
        write(large, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells the memory in use")
def test_a_limit_of_memory_is_no_crash(tmp_path: Path) -> None:
    found = _lines("memory", tmp_path)
    assert {one["suffix"] for one in found} == set(ONE_EACH) - {*FOLDERS, ".json"}
    for one in found:
        assert one["kind"] == "ValueError", one
        assert one["text"] == (
            f"expected data that fit in the memory for {one['suffix']}, got 0.0801 GB, more than "
            f"this process is given; write .zarr, which takes them piece by piece"
        )
    assert not list(tmp_path.glob("large*"))


def test_no_memory_is_the_same_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> bytes:
        raise MemoryError

    monkeypatch.setitem(xpsnet.io.write.FILES, ".nc", fail)
    with pytest.raises(ValueError, match=r"fit in the memory for .nc, got .* write .zarr"):
        write(xpsnet.sample("spectrum"), tmp_path / "a.nc")


def test_the_free_memory_is_that_of_the_machine_or_of_its_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 0 < free_memory.free_memory() < 1 << 50
    for machine, group, expected in ((5, None, 5), (5, 3, 3), (5, -1, 0), (None, None, 4 << 30)):
        monkeypatch.setattr(free_memory, "_of_machine", lambda n=machine: n)
        monkeypatch.setattr(free_memory, "_of_group", lambda n=group: n)
        assert free_memory.free_memory() == expected


def test_a_table_that_cannot_be_printed_is_one_line() -> None:
    code = "import sys; from xpsnet import cli; sys.exit(cli.main(['models']))"
    for buffered in ("", "1"):
        with Path("/dev/full").open("w") as disk:
            done = subprocess.run(
                [sys.executable, "-c", code], stdout=disk, stderr=subprocess.PIPE, text=True,
                check=False, env={**os.environ, "PYTHONUNBUFFERED": buffered},
            )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr == (
            "xpsnet: expected to write standard output, got No space left on device; free some "
            "space, or choose a folder on another disk\n"
        )
