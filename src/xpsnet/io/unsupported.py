"""Files of other kinds, refused with a sentence that says what to do."""

from pathlib import Path
from typing import NamedTuple

from xpsnet.io.common.errors import refusal
from xpsnet.io.common.file_bytes import looks_like_text, read_head
from xpsnet.io.common.reading import Reading


class _Kind(NamedTuple):
    """A kind of file without spectra: how it begins, what it is, what to do."""

    starts: tuple[bytes, ...]
    what: str
    advice: str


_EXPORT = "export the spectra from the instrument's program as VAMAS or text"
_KINDS = (
    _Kind((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF"),
          "a picture or a sound", "a picture holds no counts; " + _EXPORT),
    _Kind((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!"), "a compressed file",
          "unpack it first"),
    _Kind((b"<Chart", b"\xef\xbb\xbf<Chart"), "a chart of Avantage, which holds display settings",
          "the spectrum lies in the .vgd file of the same name beside it: open that"),
    _Kind((b"%PDF",), "a PDF document", _EXPORT),
    _Kind((b"{\\rtf",), "a Word document", "save it as plain text"),
    _Kind((b"SIMPLE  =",), "a FITS file", "save energies and counts of each spectrum as text or "
          "netCDF, for example with astropy"),
    _Kind((b"MATLAB 5.0 MAT-file", b"MATLAB 4"), "a MATLAB file of version 5", "save it in MATLAB "
          "as text, writematrix([energy counts], \"a.csv\"), or read it with scipy.io.loadmat"),
    _Kind((b"\x93NUMPY",), "an array of numpy without energies", "load it with numpy.load and make "
          "a DataArray of energies and counts, or save both with numpy.savetxt"),
    _Kind((b"CPYUA", b"CPYA"), "an Origin project", "export the worksheet from Origin as ASCII: "
          "File > Export > ASCII"),
    _Kind((b"##TITLE", b"##title", b"##Title", b"\xef\xbb\xbf##TITLE"), "a JCAMP-DX file",
          "export energies and counts as text with two columns"),
    _Kind((b"PAR1", b"ARROW1"), "a table of Parquet or Feather", "save it as csv: "
          "pandas.read_parquet or read_feather, then to_csv"),
    _Kind((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "a pickle of Python, which could "
          "run any code", "load it where you trust it and save text, csv or netCDF"),
    _Kind((b"\\*File list", b"\\*Force file list", b"GWYP", b"WDF1", b"SIFF"), "a file of another "
          "instrument (microscope or Raman)", "export the spectrum as text"),
)  # fmt: skip


def sniff(head: bytes) -> bool:
    """Whether the file is of a known kind without spectra, or no text."""
    return _kind(head) is not None or not looks_like_text(head)


def read(path: Path) -> Reading:
    """Refuse the file.

    Raises
    ------
    ReadError
        Always, with what the file is and what to do.
    """
    head = read_head(path)
    kind = _kind(head)
    if kind is None:
        raise refusal(
            path,
            "byte 0",
            expected="a file of an XPS instrument, text, netCDF or HDF5",
            got=f"an unknown binary file that begins with {head[:8].hex(' ')}",
            advice=_EXPORT,
        )
    raise refusal(path, expected="spectra", got=kind.what, advice=kind.advice)


def _kind(head: bytes) -> _Kind | None:
    """Find what a file is by its first bytes."""
    return next((kind for kind in _KINDS if head.startswith(kind.starts)), None)
