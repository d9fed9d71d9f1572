"""Bytes and text of a file: sizes are checked before memory is taken."""

import codecs
import functools
import re
from pathlib import Path

from xpsnet.io.common.errors import refusal, unopened

HEAD_BYTES = 4104  # HDF5 may begin behind 4096 bytes
MAX_LINES = 1_000_000
_SMALLER = "export fewer regions per file, or convert it to netCDF or zarr"
LINE_ENDS = re.compile(r"\r{0,2}\n|\r")  # of all systems; some programs write \r\r\n
# What is no text; of latin-1, too, which a head is taken for that is cut within a character.
_ODD = re.compile("[\x01-\x08\x0e-\x19\x1b-\x1f\x80-\x9f\ufffd]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_head(path: Path) -> bytes:
    """Read the first bytes of a file, for sniffing."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise unopened(path, error) from error


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a whole file that is neither empty nor larger than `limit` bytes."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise refusal(
                path,
                expected=f"at most {limit >> 20} MiB of this format",
                got=f"{size >> 20} MiB",
                advice=_SMALLER,
            )
        with path.open("rb") as file:
            # Python takes the memory of all bytes that are asked for, before it reads.
            data = file.read(size)
    except OSError as error:
        raise unopened(path, error) from error
    if not data.strip(b"\0 \t\r\n"):
        got = f"{len(data)} bytes of nothing but zeros and blanks" if data else "an empty file"
        raise refusal(path, expected="spectra", got=got, advice="copy it from the instrument again")
    return data


def decode(data: bytes) -> str:
    """Decode text of unknown encoding: byte order mark, UTF-8, zero bytes of UTF-16, latin-1."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    sample = data[:HEAD_BYTES]
    # Western text in UTF-16 has a zero in every other byte; the place tells the byte order.
    if len(sample) > 20 and sample.count(0) > 0.3 * len(sample):
        odd = sample[1::2].count(0) >= sample[::2].count(0)
        return data.decode("utf-16-le" if odd else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_decoded(path: Path, limit: int) -> str:
    """Read a whole text file of at most `limit` bytes."""
    return checked_text(path, read_bytes(path, limit))


def checked_text(path: Path, data: bytes) -> str:
    """Decode a whole text file of a bounded number of lines; zero bytes within it are dropped."""
    text = decode(data).replace("\0", "")
    n_lines = max(text.count("\n"), text.count("\r"))
    if n_lines > MAX_LINES:
        raise refusal(
            path,
            expected=f"text of at most {MAX_LINES} lines",
            got=f"{n_lines}",
            advice=_SMALLER,
        )
    return text


def to_single_bytes(data: bytes) -> bytes:
    """Turn UTF-16 and UTF-32 into UTF-8, and line ends of old Macs into those of all others."""
    if data.startswith(tuple(mark for mark, _ in _BOMS)) or data[:200].count(0) > 60:
        data = decode(data).encode("utf-8", errors="replace")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def bare(text: str) -> str:
    """Text without the marks, blanks and blank lines in front of it."""
    return text.lstrip("\ufeff\0 \t\r\n")


@functools.lru_cache(maxsize=1)  # all readers ask for the same head
def start_of_text(head: bytes) -> str:
    """Decode the head of a file for the sniffers: bare, with one kind of line end, no zeros."""
    return bare(LINE_ENDS.sub("\n", decode(head).replace("\0", "")))


def looks_like_text(head: bytes) -> bool:
    """Whether the head of a file is text: hardly any control characters."""
    if not head.strip(b"\0 \t\r\n"):
        return True  # an empty file; the reader reports it
    text = decode(head)
    odd = len(_ODD.findall(text))
    return odd <= 0.02 * len(text) and text.count("\0") <= 0.05 * len(text)
