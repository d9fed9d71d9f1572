"""OLE compound files: what lies in them decides who reads them.

Avantage writes its spectra (`.vgd`) and projects (`.vgp`) into this container of Microsoft's,
and so does Excel up to 2003 (`.xls`).
"""

import io
import struct
from pathlib import Path
from typing import Self

import olefile

from xpsnet.io.common.errors import ReadError, refusal
from xpsnet.io.common.file_bytes import read_bytes
from xpsnet.io.common.reading import Reading
from xpsnet.io.tables.columns import Stated
from xpsnet.io.thermo import avantage_excel, vgd

NAME = "Thermo Avantage or Excel (OLE)"
MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAX_BYTES = 512 << 20
_MAX_STREAMS = 5000
_MAX_SETS, _MAX_SET = 64, 1 << 20  # property sets, and bytes of one
# Everything that olefile may raise on damaged containers.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError,
           ValueError, struct.error)  # fmt: skip
_PROJECT = {"Peaks", "Fitted Peaks", "Data Spaces"}
WORKBOOKS = {"Workbook", "Book"}
_OTHERS = {"WordDocument": "a Word document", "PowerPoint Document": "a presentation"}


class Streams:
    """The streams of a compound file; a context manager.

    Raises
    ------
    ReadError
        If the container is damaged.
    """

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        _check_header(path, data)
        self._size = len(data)
        try:
            self._ole = olefile.OleFileIO(io.BytesIO(data))
            listed = self._ole.listdir()
            n_small = self._ole.root.size
        except _DAMAGE as error:
            raise self._damaged(error) from error
        # A chain of sectors may be a ring: only the stated size ends it.
        if len(listed) > _MAX_STREAMS or n_small > self._size:
            raise self._damaged(f"{len(listed)} streams, {n_small} bytes of small ones")
        self.names = ["/".join(parts) for parts in listed]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ole.close()

    def read(self, name: str, limit: int = MAX_BYTES) -> bytes:
        """Bytes of one stream; fewer than declared where the file is cut off."""
        try:
            parts = name.split("/")
            size = self._ole.get_size(parts)
            if size > min(limit, self._size):
                raise self._damaged(f"{size} bytes", name)
            data: bytes = self._ole.openstream(parts).read()
        except _DAMAGE as error:
            raise self._damaged(error, name) from error
        return data

    def _damaged(self, got: object, stream: str = "") -> ReadError:
        """The refusal of a damaged container."""
        where = f"stream {stream!r}" if stream else "header"
        return refusal(
            self.path, where, expected="an intact OLE container", got=f"damage ({got})",
            advice="copy the file again from the instrument",
        )  # fmt: skip


def _check_header(path: Path, data: bytes) -> None:
    """Refuse a header that would make the allocation tables larger than the file allows."""
    if len(data) < 512:
        raise refusal(path, f"byte {len(data)}", expected="a header of 512 bytes", got="the end",
                      advice="copy the file again from the instrument")  # fmt: skip
    sector_shift, mini_shift = struct.unpack_from("<2H", data, 30)
    (n_tables,) = struct.unpack_from("<I", data, 44)
    n_small_tables, _, n_more_tables = struct.unpack_from("<3I", data, 64)
    if sector_shift not in (9, 12) or mini_shift != 6:
        raise refusal(
            path, "byte 30", expected="sectors of 512 or 4096 bytes",
            got=f"sectors of 2^{sector_shift} and 2^{mini_shift} bytes",
            advice="the file is damaged: copy it again",
        )  # fmt: skip
    needed = (len(data) >> sector_shift) // (1 << (sector_shift - 2)) + 1
    most = 2 * needed + 109
    if n_tables > most or n_more_tables > n_tables or n_small_tables > len(data) >> sector_shift:
        raise refusal(
            path, "byte 44", expected=f"about {needed} allocation tables for this size",
            got=f"{n_tables}, {n_small_tables} and {n_more_tables}",
            advice="the file is damaged: copy it again",
        )  # fmt: skip


def sniff(head: bytes) -> bool:
    """Whether this is a compound file."""
    return head.startswith(MAGIC)


def read(path: Path, columns: Stated | None = None) -> Reading:
    """Hand a compound file to the reader of what it holds; `columns` is for those with tables.

    Raises
    ------
    ReadError
        If it is damaged, or holds no spectra: the message says where they are.
    """
    data = read_bytes(path, MAX_BYTES)
    with Streams(path, data) as streams:
        roots = {name.split("/")[0] for name in streams.names}
        if "VGData" in roots:
            return vgd.read_streams(path, _wanted(streams))
        if roots & WORKBOOKS:
            return avantage_excel.read(path, columns)
        raise _no_spectra(path, roots)


def _wanted(streams: Streams) -> dict[str, bytes]:
    """Streams that the reader of `.vgd` looks into."""
    sets = [name for name in streams.names if name.startswith("\x05")][:_MAX_SETS]
    data = [name for name in streams.names if name in ("VGData", "VGDataAxes", "VGSpaceAxes")]
    return {n: streams.read(n) for n in data} | {n: streams.read(n, _MAX_SET) for n in sets}


def _no_spectra(path: Path, roots: set[str]) -> ReadError:
    """The refusal of a container without spectra."""
    if roots & _PROJECT:
        got = "an Avantage project (.vgp), which holds only tables"
        advice = "open the .vgd files beside it, or their folder: they hold the spectra"
    elif any(root.startswith("VG") for root in roots):
        got = "an Avantage file in which nothing was measured yet"
        advice = "open the .vgd file of a finished measurement"
    else:
        known = [what for root, what in _OTHERS.items() if root in roots]
        listed = ", ".join(sorted(root.strip("\x01\x05") for root in roots)[:5])
        got = known[0] if known else f"an OLE file of another program (it holds {listed})"
        advice = "export the spectra from the instrument's program as VAMAS or text"
    return refusal(path, expected="spectra", got=got, advice=advice)
