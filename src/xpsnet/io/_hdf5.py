"""Damage on which the HDF5 library would work for ever, found before it opens the file.

Texts of attributes lie in heaps, "GCOL": objects one behind the other, each with its size. The
library (1.14) goes from one to the next, and stays where an object takes no bytes at all.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from xpsnet.io._errors import ReadError, refusal
from xpsnet.io._stored import damaged

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
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            width = data[14 if data[8] < 2 else 10]  # bytes of a size, as the superblock says
            left = _MAX_OBJECTS
            for heap in _heaps(data) if width in (2, 4, 8) else ():
                left = _follow(path, data, heap, width, left)
    except ReadError:
        raise
    except (OSError, ValueError, IndexError) as error:
        raise damaged(path, "an HDF5 or netCDF file", error) from error


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
