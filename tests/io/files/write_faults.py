"""Runs in a process of its own: writes where disk or memory end, or is killed in the middle.

`full FOLDER` limits the size of files, as a full disk does; `killed FOLDER` ends children while
they write; `memory FOLDER` limits the memory. All print what came as one line of JSON for each
way to write.
"""

import contextlib
import hashlib
import io
import json
import os
import resource
import signal
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

import xpsnet
from xpsnet import cli
from xpsnet.io.write import FILES, FOLDERS
from xpsnet.samples import sample_truth

LIMITS = (0, 600, 4096)  # [bytes]: fails at the first byte, within small files, within large ones
STEPS = ("fsync", "replace", "rename")
# One extension for each function that makes a format.
NOT_IN_MEMORY = (*FOLDERS, ".json")  # JSON holds no spectra
FORMATS = {maker: suffix for suffix, maker in reversed({**FILES, **FOLDERS}.items())}.values()


def content(suffix: str) -> dict[str, Any]:
    """Peaks of a line scan, for VAMAS with their spectra, for JSON of one spectrum."""
    peaks, spectra = sample_truth("line_scan"), xpsnet.sample("line_scan")
    if suffix == ".json":  # holds one peak set; as large as the other files
        numbers = [0, 1] * 20
        peaks = peaks.isel(position=0, peak=numbers)
        peaks = peaks.assign_coords(peak=range(1, len(numbers) + 1))
    return {"data": peaks, "spectra": spectra if suffix in (".vms", ".vamas") else None}


def digest(folder: Path) -> str:
    """Names and contents of all files of a folder, hidden ones included."""
    names = sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))
    return hashlib.sha256(repr((names, sorted(contents(folder).items()))).encode()).hexdigest()


def contents(path: Path) -> dict[str, bytes]:
    """Bytes of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return {str(f.relative_to(path)): f.read_bytes() for f in files if f.is_file()}


@contextlib.contextmanager
def limited(size: int) -> Iterator[None]:
    """Let no file grow beyond a size."""
    free = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, free[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, free)


def report(**what: Any) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def full(folder: Path) -> None:
    """Write each format to a full disk, new and over an old file, also by the command line."""
    import xpsnet.io.read
    import xpsnet.pipeline.fit

    spectra = xpsnet.sample("spectrum")
    xpsnet.io.read.read = lambda *_, **__: [spectra]
    xpsnet.pipeline.fit.fit = lambda *_, **__: sample_truth("spectrum")
    for suffix in FORMATS:
        for limit in LIMITS:
            for old in (False, True):
                place = folder / f"{suffix[1:]}-{limit}-{old}"
                place.mkdir()
                path = place / f"a{suffix}"
                if old:
                    xpsnet.write(path=path, **content(suffix))
                before, error = digest(place), None
                with limited(limit):
                    try:
                        xpsnet.write(path=path, overwrite=old, **content(suffix))
                    except Exception as raised:
                        error = raised
                report(suffix=suffix, limit=limit, old=old, kind=type(error).__name__,
                       errno=getattr(error, "errno", None), text=str(error), path=str(path),
                       untouched=digest(place) == before)  # fmt: skip
    for suffix in (*cli.RESULT_SUFFIXES, *cli.FIGURE_SUFFIXES):
        place = folder / f"cli-{suffix[1:]}"
        place.mkdir()
        path = place / f"a{suffix}"
        option = "--plot" if suffix in cli.FIGURE_SUFFIXES else "-o"
        words = ["fit", "a.vms", option, str(path)]
        told = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
            cli.main([*words[:-1], str(folder / f"warm{suffix}")])  # what is loaded on first use
            with limited(100):
                code = cli.main(words)
        report(suffix=suffix, cli=True, code=code, text=told.getvalue(), path=str(path),
               untouched=not list(place.iterdir()))  # fmt: skip


def killed(folder: Path) -> None:
    """Kill a child at each step of writing over an old file; the next write clears up."""
    import zarr  # noqa: F401, as all else loaded once for all children

    for suffix in FORMATS:
        if suffix not in FOLDERS:
            xpsnet.write(path=folder / f"warm{suffix}", **content(suffix))
    for suffix in FORMATS:
        for step in STEPS:
            place = folder / f"{suffix[1:]}-{step}"
            place.mkdir()
            child = os.fork()
            if not child:
                xpsnet.write(path=place / f"a{suffix}", **content(suffix))
                _kill_at(step)
                xpsnet.write(path=place / f"a{suffix}", overwrite=True, **content(suffix))
                os._exit(0)
            status = os.waitpid(child, 0)[1]
            left = sorted(one.name for one in place.iterdir())
            (place / ".xpsnet-notes.part").touch()
            child = os.fork()  # zarr cannot be used here and in a child after it
            if not child:
                xpsnet.write(path=place / f"b{suffix}", **content(suffix))
                whole = _same(place / f"a{suffix}", place / f"b{suffix}")
                names = sorted(one.name for one in place.iterdir())
                report(suffix=suffix, step=step, killed=os.WIFSIGNALED(status), left=left,
                       names=names, whole=whole)  # fmt: skip
                os._exit(0)
            os.waitpid(child, 0)


def _same(one: Path, other: Path) -> bool:
    """Whether two files have the same content; archives also hold times."""
    if not (one.exists() and other.exists()):
        return False
    if zipfile.is_zipfile(one):
        first, second = ([(p.filename, p.CRC) for p in _parts(path)] for path in (one, other))
        return first == second
    if h5py.is_hdf5(one):
        return _arrays(one) == _arrays(other)
    return contents(one) == contents(other)


def _arrays(path: Path) -> dict[str, bytes]:
    """Bytes of the arrays of an HDF5 file, which also holds times."""
    found: dict[str, bytes] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, one: found.update({name: _bytes(one)}))
    return found


def _bytes(one: Any) -> bytes:
    return repr(one[()]).encode() if isinstance(one, h5py.Dataset) else b""


def _parts(path: Path) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(path) as archive:
        return archive.infolist()


def _kill_at(step: str) -> None:
    """End this process at the first fsync, or before the target is replaced or moved aside."""
    original = getattr(os, step)

    def kill(*given: Any, **named: Any) -> Any:
        # zarr renames its own files within the part, too.
        own = Path(given[0]).name if step != "fsync" else ""
        if not own or own.startswith(".xpsnet-" if step == "replace" else "a."):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*given, **named)

    setattr(os, step, kill)


def memory(folder: Path) -> None:
    """Write each format that is made in memory where the user's limit of memory ends."""
    import xpsnet.io.write

    xpsnet.io.write.free_memory = lambda: 1 << 60
    values = np.zeros((1000, 10_000))
    large = xr.DataArray(values, {"energy": np.arange(10_000.0)}, ("x", "energy"))
    large = large.assign_attrs(scale="binding", units="counts")
    for suffix in FORMATS:
        if suffix not in NOT_IN_MEMORY:
            xpsnet.write(large[:2], folder / f"warm{suffix}")
    status = Path("/proc/self/status").read_text().split()
    taken = int(status[status.index("VmSize:") + 1]) << 10
    for extra in (10 << 20, 40 << 20, 85 << 20):
        resource.setrlimit(resource.RLIMIT_AS, (taken + extra, resource.RLIM_INFINITY))
        for suffix in FORMATS:
            if suffix not in NOT_IN_MEMORY:
                error = None
                try:
                    xpsnet.write(large, folder / f"large{suffix}")
                except Exception as raised:
                    error = raised
                report(suffix=suffix, extra=extra, kind=type(error).__name__, text=str(error))


if __name__ == "__main__":
    {"full": full, "killed": killed, "memory": memory}[sys.argv[1]](Path(sys.argv[2]))
