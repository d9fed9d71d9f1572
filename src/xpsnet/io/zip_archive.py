"""Zip archives: bounded by their directory before anything is unpacked, then handed on.

Workbooks (.xlsx) and archives of the DA30 analyzer hold spectra; all others are refused with what
to do. Nothing is written to disk, and an archive within an archive is not opened.
"""

import struct
import zipfile
from pathlib import Path

from xpsnet.io.common.errors import refusal, refusing_damage, shown, unopened
from xpsnet.io.common.reading import Reading
from xpsnet.io.scienta import da30_zip
from xpsnet.io.tables.columns import Stated
from xpsnet.io.tables.excel import is_workbook
from xpsnet.io.thermo import avantage_excel

NAME = "zip archive"
MAX_BYTES = 2 << 30
_MAX_MEMBERS = 10_000
_MAX_DIRECTORY = 16 << 20
_END = b"PK\x05\x06"
_LARGE = b"PK\x06\x07"
_HEAD = 4096  # bytes in which a workbook names its first parts
# Deflate reaches 1032; an image of zeros comes near, so that small members are let through.
_MAX_RATIO = 500
_SMALL = 16 << 20
_OFFICE = {"word/document.xml": "a Word document", "ppt/presentation.xml": "a presentation"}


def sniff(head: bytes) -> bool:
    """Whether the file begins as a zip archive."""
    return head.startswith((b"PK\x03\x04", _END, b"PK\x07\x08"))


def read(path: Path, columns: Stated | None = None) -> Reading:
    """Read the spectra of a workbook or of an archive of the DA30 analyzer.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.
    columns : mapping, optional
        Roles of the columns of a workbook, as for `xpsnet.read`.

    Returns
    -------
    Reading

    Raises
    ------
    ReadError
        If the archive is damaged, would unpack to absurd sizes or holds something else.
    """
    _check_directory(path)
    advice = "unpack it yourself and open the files in it"
    with (
        refusing_damage(path, expected="a sound zip archive", advice=advice),
        zipfile.ZipFile(path) as archive,
    ):
        members = archive.infolist()
        _check_members(path, members)
        names = [member.filename for member in members]
        if da30_zip.sniff_zip(names):
            return da30_zip.read(path, archive)
    if is_workbook(names):
        return avantage_excel.read(path, columns)
    raise _other(path, names)


def _check_directory(path: Path) -> None:
    """Refuse an archive whose directory is missing or absurd, before it is read."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(max(size - 65_600, 0))
            tail = file.read(65_600)
    except OSError as error:
        raise unopened(path, error) from error
    at = tail.rfind(_END)
    if size <= MAX_BYTES and (at < 0 or at + 22 > len(tail)):
        # The directory stands at the end: without it nothing in the archive can be found.
        book = b"[Content_Types].xml" in head or b"xl/" in head or b"_rels/.rels" in head
        what = "a workbook (.xlsx)" if book else "a zip archive"
        raise refusal(path, expected=f"a whole {'workbook' if book else 'zip archive'}",
                      got=f"{what} whose end is missing: the file was cut off, {size} bytes are "
                      f"left", advice="copy or download it again")  # fmt: skip
    if size > MAX_BYTES:
        raise refusal(path, expected="a zip archive of at most 2 GiB", got=f"{size >> 20} MiB",
                      advice="unpack it, and open the files in it")  # fmt: skip
    n_members, n_bytes = struct.unpack_from("<HI", tail, at + 10)
    is_large = tail[max(at - 20, 0) : at].startswith(_LARGE)
    if is_large or n_members > _MAX_MEMBERS or n_bytes > _MAX_DIRECTORY:
        raise refusal(
            path,
            expected=f"a zip archive of at most {_MAX_MEMBERS} members",
            got="more, or one of the large kind (zip64)",
            advice="unpack it, and open the files in it",
        )


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse members that would unpack to absurd sizes."""
    if len(members) > _MAX_MEMBERS:
        raise refusal(path, expected=f"at most {_MAX_MEMBERS} members", got=str(len(members)))
    for member in members:
        unpacked, packed = member.file_size, max(member.compress_size, 1)
        if unpacked > _SMALL and unpacked / packed > _MAX_RATIO:
            raise refusal(
                path,
                shown(member.filename),
                expected=f"a member that unpacks to at most {_MAX_RATIO} times its size",
                got=f"{unpacked >> 20} MiB from {packed} bytes",
                advice="this looks like a zip bomb: do not unpack it",
            )


def _other(path: Path, names: list[str]) -> Exception:
    """The refusal of an archive without spectra of its own."""
    for name, what in _OFFICE.items():
        if name in names:
            return refusal(path, expected="spectra", got=what, advice="save the table as csv")
    listed = ", ".join(shown(name, 40) for name in names[:5])
    return refusal(
        path,
        expected="a workbook (.xlsx) or an archive of the DA30 analyzer",
        got=f"a zip archive with {len(names)} files: {listed}" if names else "an empty archive",
        advice="unpack it, and open the files or the folder; save tables as csv",
    )
