"""Damage on which the HDF5 library crashes or never ends, found before it opens the file here.

Texts of attributes lie in heaps, "GCOL": objects one behind the other, each with its size. The
library (1.14) goes from one to the next, and stays where an object takes no bytes at all. For all
else, files are read in another process first, which may crash, and here only where it found no
damage: after an error the library may use memory that is not its own.
"""

import atexit
import json
import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xpsnet.io.common.errors import refusal, refusing_damage
from xpsnet.io.common.file_bytes import HEAD_BYTES
from xpsnet.io.stores.attributes import HDF5_EXPECTED, hdf5_start

_TRIAL = Path(__file__).with_name("hdf5_probe_process.py")
_MAX_SECONDS = 30.0  # of a trial; where the system can, it ends one after 4 s of processor time
SOUND = "sound"  # what the script says
_LOCK = threading.Lock()
_trials: dict[int, "subprocess.Popen[str] | None"] = {}  # by process: a fork starts its own

_HEAP = b"GCOL\x01"
_LEAST_HEAP = 4096
_MAX_OBJECTS = 2_000_000
# Heaps lie where metadata do: of large files the middle, counts of a map, is not searched.
_END_BYTES = 16 << 20
_PIECE = 1 << 20


def check_heaps(path: Path) -> None:
    """Refuse an HDF5 file with a heap that has no end.

    Raises
    ------
    ReadError
        With the byte at which the heap stays.
    """
    with (
        refusing_damage(path, expected=HDF5_EXPECTED),
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        start = hdf5_start(data[:HEAD_BYTES]) or 0
        # Bytes of a size, as the superblock says.
        width = data[start + (14 if data[start + 8] < 2 else 10)]
        left = _MAX_OBJECTS
        for heap in _heaps(data) if width in (2, 4, 8) else ():
            left = _follow(path, data, heap, width, left)


def _heaps(data: mmap.mmap) -> Iterator[int]:
    """Places at which a heap may begin."""
    n = len(data)
    spans = [(0, _END_BYTES), (n - _END_BYTES, n)] if n > 2 * _END_BYTES else [(0, n)]
    for start, stop in spans:
        for at in range(start, stop, _PIECE):
            piece = data[at : min(at + _PIECE + len(_HEAP) - 1, n)]
            found = piece.find(_HEAP)
            while found >= 0:
                yield at + found
                found = piece.find(_HEAP, found + 1)


def _follow(path: Path, data: mmap.mmap, heap: int, width: int, left: int) -> int:
    """Go from object to object of a heap; `left` may be visited, gives how many are left."""
    header = 16  # bytes before the first object, and of an object before its content
    end = heap + int.from_bytes(data[heap + 8 : heap + 8 + width], "little")
    if not heap + _LEAST_HEAP <= end <= len(data):
        return left  # no heap, or one that the library refuses
    at = heap + header
    while at + header <= end:
        index = int.from_bytes(data[at : at + 2], "little")
        size = int.from_bytes(data[at + 8 : at + 8 + width], "little")
        # The object 0 is the free space, whose size includes its header. Sums wrap at 64 bits.
        step = (header + (size + 7 & ~7)) % (1 << 64) if index else size
        left -= 1
        if step == 0 or left < 0:
            got = "one of no bytes" if step == 0 else f"more than {_MAX_OBJECTS} objects"
            raise refusal(
                path, f"byte {at}", expected="an object of a heap of texts", got=got,
                advice="it may be damaged",
            )  # fmt: skip
        at += step
    return left


def check_trial(path: Path) -> None:
    """Refuse an HDF5 file on which another process crashes, does not end or finds damage.

    If no other process can be started, nothing is refused.

    Raises
    ------
    ReadError
    """
    with _LOCK:
        trial = _trials[os.getpid()] if os.getpid() in _trials else _start()
        answer = SOUND if trial is None else _ask(trial, path)
        if trial is not None and not answer:
            _end(trial)
            del _trials[os.getpid()]
    if answer != SOUND:
        raise refusal(
            path, expected=HDF5_EXPECTED,
            got=answer or "one on which the HDF5 library crashes or does not end",
            advice="it may be damaged",
        )  # fmt: skip


def _start() -> "subprocess.Popen[str] | None":
    """Start the other process; None if it cannot be."""
    trial = None
    if sys.executable and not getattr(sys, "frozen", False):
        with suppress(OSError):
            trial = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", str(_TRIAL)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_PERTURB_": "165"},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )  # fmt: skip
    if trial is not None and not _answer(trial):
        _end(trial)
        trial = None
    _trials[os.getpid()] = trial
    return trial


def _ask(trial: "subprocess.Popen[str]", path: Path) -> str:
    """Answer of the other process about a file; "" if it gives none."""
    try:
        print(json.dumps(str(path.absolute())), file=trial.stdin, flush=True)
    except OSError:
        return ""
    return _answer(trial)


def _answer(trial: "subprocess.Popen[str]") -> str:
    """Answer of the other process within the time limit."""
    timer = threading.Timer(_MAX_SECONDS, trial.kill)
    timer.start()
    try:
        return trial.stdout.readline().strip() if trial.stdout else ""
    finally:
        timer.cancel()


def _end(trial: "subprocess.Popen[str]") -> None:
    """End the other process."""
    trial.kill()
    with suppress(OSError):
        trial.communicate()


@atexit.register
def _end_mine() -> None:
    """End the other process of this one."""
    if trial := _trials.pop(os.getpid(), None):
        _end(trial)
