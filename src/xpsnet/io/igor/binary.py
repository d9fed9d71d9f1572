"""Igor Pro's binary waves (.ibw) and packed experiments (.pxt), as Scienta's SES writes them.

The package igor2 reads the waves. Sizes are checked here before it takes memory, and the records
of packed files are walked here: their byte order is the one in which the records fill the file.
"""

import itertools
import math
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xpsnet.io.common.chosen_axes import Axes
from xpsnet.io.common.errors import BrokenError, refusal
from xpsnet.io.common.file_bytes import HEAD_BYTES, looks_like_text, read_bytes
from xpsnet.io.common.reading import Reading
from xpsnet.io.igor.waves import Scale, Wave, reading_of

NAME = "Igor binary wave or packed experiment"
MAX_BYTES = 512 << 20
_VARIABLES_RECORD, _WAVE_RECORD, _FOLDER_RECORD = 1, 3, 9
_TEXT_RECORDS = (2, 4, 5, 7, 8)  # history, recreation macros, procedures
_MAX_SETTINGS, _MAX_TEXT = 2000, 100_000
_SUPERSEDED = 0x8000  # bit in the kind of a record that a later one replaces
_MAX_RECORDS = 100_000
_MAX_WAVES = 10_000
# Bytes of the two headers of each version; those of the data's first values count up to version 3.
_HEADERS = {1: (8, 126), 2: (16, 126), 3: (20, 126), 5: (64, 320)}
# Number of sizes and where they begin; where the points and the type are in the second header.
_PLACES = {1: (1, 2, 42, 0), 2: (3, 2, 42, 0), 3: (4, 2, 42, 0), 5: (15, 4, 12, 16)}
_SIZES = {2: 4, 4: 8, 8: 1, 16: 2, 32: 4, 128: 8}
_UNSIGNED = 64


class _Record(NamedTuple):
    """A record of a packed file: kind, and where its data are."""

    kind: int
    start: int
    stop: int


def sniff(head: bytes) -> bool:
    """Whether the file begins with the headers of a wave, or with records of a packed file."""
    return _is_wave(head) or any(_begins_packed(head, order) for order in "<>")


def read(path: Path, axes: Axes | None = None) -> Reading:
    """Read all waves with an energy axis.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.
    axes : dict, optional
        As from `checked_axes`: names of the dimensions, if the waves have none.

    Returns
    -------
    Reading
        Images keep their dimension (`angle`).

    Raises
    ------
    ReadError
        If igor2 is not installed, the file is damaged or no wave has an energy axis.
    """
    try:
        import igor2  # noqa: F401
    except ImportError as error:
        raise refusal(
            path,
            expected="the package igor2, which reads Igor files",
            got="none",
            advice='pip install "napari-xpsnet[igor]"',
        ) from error
    data = read_bytes(path, MAX_BYTES)
    notes: list[str] = []
    waves: list[Wave] = []
    settings = _settings(data)
    for piece, where in _pieces(path, data, notes):
        try:
            waves.append(replace(_load(piece), settings=settings))
        except BrokenError as error:
            notes.append(f"the wave at byte {where} is left out: {error}")
    return reading_of(path, waves, notes, axes)


def _pieces(path: Path, data: bytes, notes: list[str]) -> Iterator[tuple[bytes, int]]:
    """Cut a file into its waves, each with the byte at which it begins."""
    if _order(data) and not any(_begins_packed(data[:HEAD_BYTES], order) for order in "<>"):
        yield data, 0
        return
    records, end = max((_records(data, order) for order in "<>"), key=lambda found: found[1])
    wanted = [record for record in records if record.kind == _WAVE_RECORD]
    if not wanted:
        raise refusal(
            path, f"byte {end}", expected="records of an Igor experiment with waves",
            got=f"{len(records)} records without waves", advice="save it again in Igor",
        )  # fmt: skip
    if end < len(data):
        notes.append(f"the records end at byte {end} of {len(data)}: the rest is left out")
    if len(wanted) > _MAX_WAVES:
        notes.append(f"only the first {_MAX_WAVES} of {len(wanted)} waves are read")
    for record in wanted[:_MAX_WAVES]:
        yield data[record.start : record.stop], record.start


def _settings(data: bytes) -> tuple[str, ...]:
    """Lines of `name=value`: the variables of a packed experiment, in any of its folders."""
    if _order(data) and not any(_begins_packed(data[:HEAD_BYTES], order) for order in "<>"):
        return ()
    order = max("<>", key=lambda order: _records(data, order)[1])
    found: list[str] = []
    for record in _records(data, order)[0]:
        if record.kind == _VARIABLES_RECORD and len(found) < _MAX_SETTINGS:
            found += _variables(data[record.start : record.stop], order)
    return tuple(found[:_MAX_SETTINGS])


def _variables(data: bytes, order: str) -> list[str]:
    """Numbers and texts of a record of variables, up to the first that makes no sense."""
    counts = _variable_counts(data, order)
    if counts is None:
        return []
    n_system, n_numbers, n_texts, at = counts
    at += 4 * n_system
    found: list[str] = []
    for _ in range(n_numbers):
        if at + 56 > len(data):
            return found
        name, value = _text(data[at : at + 32]), struct.unpack_from(f"{order}d", data, at + 36)[0]
        found.append(f"{name}={value!r}")
        at += 56
    long = struct.unpack_from(f"{order}h", data)[0] == 2
    for _ in range(n_texts):
        start = at + 32 + (4 if long else 2)
        if start > len(data):
            return found
        (size,) = struct.unpack_from(f"{order}{'i' if long else 'h'}", data, at + 32)
        if size < 0 or start + size > len(data):
            return found
        name, at = _text(data[at : at + 32]), start + size
        found += [f"{name}={data[start:at].decode('latin-1')[:1000]}"]
        # A text may hold settings itself, one a line.
        found += re.split(r"[\r\n;]+", data[start:at].decode("latin-1")[:_MAX_TEXT])
    return found


def _variable_counts(data: bytes, order: str) -> tuple[int, int, int, int] | None:
    """Numbers of system variables, numbers and texts in a record, and where they begin."""
    if len(data) < 12:
        return None
    version, *counts = struct.unpack_from(f"{order}6h", data)
    if version not in (1, 2) or min(counts[:3]) < 0:
        return None
    return counts[0], counts[1], counts[2], 8 if version == 1 else 12


def _records(data: bytes, order: str) -> tuple[list[_Record], int]:
    """Walk the records of a packed file; also the byte up to which they make sense."""
    whole = itertools.takewhile(lambda record: record.stop <= len(data), _walk(data, order))
    records = list(itertools.islice(whole, _MAX_RECORDS))
    return records, records[-1].stop if records else 0


def _walk(data: bytes, order: str) -> Iterator[_Record]:
    """Give the records of a packed file as long as their headers make sense."""
    at = 0
    while at + 8 <= len(data):
        kind, version, size = struct.unpack_from(f"{order}Hhi", data, at)
        if kind & ~_SUPERSEDED > 100 or not 0 <= version <= 1000 or size < 0:
            return
        yield _Record(kind, at + 8, at + 8 + size)
        at += 8 + size


def _begins_packed(head: bytes, order: str) -> bool:
    """Whether a head of a file begins with records: a wave among them, or at least four."""
    records = list(_walk(head, order))
    if not records or not 1 <= records[0].kind <= 20:
        return False
    waves = (head[one.start : one.stop] for one in records if one.kind == _WAVE_RECORD)
    is_whole = len(head) - 8 < records[-1].stop <= len(head)
    if any(map(_is_wave, waves)) or (len(records) >= 4 and is_whole):
        return True
    # Variables, history or procedures before the first wave may be longer than the head.
    return all(_is_plausible(one, head, order) for one in records)


def _is_plausible(record: _Record, head: bytes, order: str) -> bool:
    """Whether what is seen of a record is what records of its kind hold."""
    content = head[record.start : record.stop]
    if record.kind == _VARIABLES_RECORD:
        return _variable_counts(content, order) is not None
    if record.kind in _TEXT_RECORDS:
        return bool(content) and looks_like_text(content)
    if record.kind == _FOLDER_RECORD:
        return record.stop - record.start == 32 and looks_like_text(content.rstrip(b"\0"))
    return record.kind == _WAVE_RECORD and _is_wave(content)


def _order(data: bytes) -> str:
    """Byte order of a binary wave; empty if there is none."""
    if len(data) >= 8:
        for order in "<>":
            if struct.unpack_from(f"{order}h", data)[0] in _HEADERS:
                return order
    return ""


def _is_wave(head: bytes) -> bool:
    """Whether bytes begin with the headers of a wave: their sum is zero."""
    order = _order(head)
    if not order:
        return False
    n = sum(_HEADERS[struct.unpack_from(f"{order}h", head)[0]])
    if len(head) < n:
        return False
    words = np.frombuffer(head[: n // 2 * 2], dtype=f"{order}i2")
    return int(words.astype(np.int64).sum()) & 0xFFFF == 0


def _check_sizes(data: bytes) -> None:
    """Refuse a wave whose headers promise more than the file holds, or no real numbers."""
    order = _order(data)
    if not order:
        raise BrokenError("it does not begin as a binary wave")
    version = struct.unpack_from(f"{order}h", data)[0]
    n_bin, n_wave = _HEADERS[version]
    if len(data) < n_bin + n_wave - (0 if version == 5 else 16):
        raise BrokenError("its headers are cut off")
    sizes, n_points, kind = _promised(data, order, version, n_bin)
    if min(sizes) < 0 or n_bin + sum(sizes) > len(data):
        raise BrokenError(f"its headers promise {sum(sizes)} bytes, there are {len(data) - n_bin}")
    if kind & ~_UNSIGNED not in _SIZES:
        raise BrokenError(f"expected real numbers, got texts or complex numbers (type {kind})")
    n_bytes = n_points * _SIZES[kind & ~_UNSIGNED]
    if n_points <= 0 or n_bytes > sizes[0]:
        raise BrokenError(f"its headers promise {n_points} points in {sizes[0]} bytes")


def _promised(data: bytes, order: str, version: int, n_bin: int) -> tuple[Sequence[int], int, int]:
    """Sizes of the parts, number of points and type of the numbers, as the headers state them."""
    n_sizes, first, at_points, at_kind = _PLACES[version]
    sizes = struct.unpack_from(f"{order}{n_sizes}i", data, first)
    (n_points,) = struct.unpack_from(f"{order}i", data, n_bin + at_points)
    if version == 5:
        shape = struct.unpack_from(f"{order}4i", data, n_bin + 68)
        used = shape[: shape.index(0) if 0 in shape else 4]
        if min(shape) < 0 or any(shape[len(used) :]) or math.prod(used) != n_points:
            raise BrokenError(f"its dimensions {shape} do not make {n_points} points")
    return sizes, n_points, struct.unpack_from(f"{order}h", data, n_bin + at_kind)[0]


def _load(data: bytes) -> Wave:
    """Read one wave through igor2."""
    from igor2 import binarywave

    _check_sizes(data)
    try:
        return _wave(binarywave.load(BytesIO(data))["wave"])
    except Exception as error:
        # igor2 raises many kinds of exceptions on damaged files.
        raise BrokenError(f"igor2 cannot read it: {error!r:.200}") from error


def _wave(wave: dict[str, Any]) -> Wave:
    """Turn what igor2 returns into our own form."""
    header = wave["wave_header"]
    values = np.asarray(wave["wData"])
    if values.dtype.kind not in "iuf" or not 1 <= values.ndim <= 4 or values.size == 0:
        raise BrokenError(f"expected numbers, got {values.dtype} of shape {values.shape}")
    if "sfA" in header:
        steps, starts = header["sfA"], header["sfB"]
        labels = _labels(wave, values.ndim)
    else:
        steps, starts = [header["hsA"]], [header["hsB"]]
        labels = [_text(header["xUnits"])]
    units = _text(wave.get("data_units") or header["dataUnits"])
    scales = [Scale(labels[i], float(starts[i]), float(steps[i])) for i in range(values.ndim)]
    return Wave(_text(header["bname"]), values, scales, units, _text(wave.get("note", b"")))


def _labels(wave: dict[str, Any], ndim: int) -> list[str]:
    """Units of the dimensions: the long ones stand one behind the other."""
    long = wave.get("dimension_units") or b""
    ends = [0, *itertools.accumulate(max(int(n), 0) for n in wave["bin_header"]["dimEUnitsSize"])]
    short = wave["wave_header"]["dimUnits"]
    return [_text(long[ends[i] : ends[i + 1]]) or _text(short[i]) for i in range(ndim)]


def _text(value: Any) -> str:
    """Turn bytes, or an array of single bytes, into text without zero bytes."""
    if isinstance(value, np.ndarray | list | tuple):
        value = b"".join(bytes(part) for part in value)
    if isinstance(value, bytes):
        value = value.decode("utf-8") if value.isascii() else value.decode("latin-1")
    return str(value).split("\0", 1)[0].strip()
