"""Property sets in OLE files (MS-OLEPS): numbered, typed values and a dictionary of names."""

import struct
import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

Value = str | int | float | datetime

_MAX_PROPERTIES = 4000
_MAX_TEXT = 8192  # bytes of one text that are kept
_UNICODE = 1200  # code page in which texts are UTF-16
_NAMES_ID, _CODE_PAGE_ID = 0, 1
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class PropertySet(NamedTuple):
    """The first section of a property set, by number."""

    values: dict[int, Value]
    names: dict[int, str]


def parse_property_set(data: bytes) -> PropertySet:
    """Read the properties that can be read; damaged and unknown ones are left out.

    Parameters
    ----------
    data : bytes
        A stream whose name begins with the character 5.

    Returns
    -------
    PropertySet
        Of the types 2, 3, 4, 5, 8, 11, 19, 30, 31, 64 and 72. Single precision numbers become
        the shortest decimal number that they stand for: 1486.68, not 1486.6800537.

    Raises
    ------
    ValueError
        If this is no property set.
    """
    try:
        order, n_sections = struct.unpack_from("<H22xI", data)
        (section,) = struct.unpack_from("<I", data, 44)
        (n,) = struct.unpack_from("<I", data, section + 4)
        if order != 0xFFFE or n_sections < 1 or n > _MAX_PROPERTIES:
            raise ValueError(f"expected a property set, got {n_sections} sections, {n} properties")
        entries = struct.unpack_from(f"<{2 * n}I", data, section + 8)
    except struct.error as error:
        raise ValueError(f"expected a property set, got {len(data)} bytes") from error
    places = dict(zip(entries[::2], (section + at for at in entries[1::2]), strict=True))
    page = _value(data, places.get(_CODE_PAGE_ID, len(data)), 0)
    code_page = page & 0xFFFF if isinstance(page, int) else 0
    values: dict[int, Value] = {}
    for number, place in places.items():
        value = None if number == _NAMES_ID else _value(data, place, code_page)
        if value is not None:
            values[number] = value
    names = _names(data, places[_NAMES_ID], code_page) if _NAMES_ID in places else {}
    return PropertySet(values, names)


def _value(data: bytes, place: int, code_page: int) -> Value | None:
    """Typed value at a place; None if it is damaged or of a type not read here."""
    try:
        (kind,) = struct.unpack_from("<H", data, place)
        return _typed(data, kind, place + 4, code_page)
    except (struct.error, OverflowError):
        return None


def _typed(data: bytes, kind: int, at: int, code_page: int) -> Value | None:
    """Value of a known type."""
    if kind in (8, 30, 31):  # with the length in front, in bytes, or of 31 in characters
        width, page = (2, _UNICODE) if kind == 31 else (1, code_page)
        (n,) = struct.unpack_from("<I", data, at)
        return _text(data[at + 4 : at + 4 + min(width * n, _MAX_TEXT)], page)
    if kind == 64:
        (ticks,) = struct.unpack_from("<Q", data, at)
        return _EPOCH + timedelta(microseconds=ticks // 10) if ticks else None
    if kind == 72:
        raw = data[at : at + 16]
        return str(uuid.UUID(bytes_le=raw)) if len(raw) == 16 else None
    layout = {2: "<h", 3: "<i", 4: "<f", 5: "<d", 11: "<h", 19: "<I"}.get(kind)
    if layout is None:
        return None
    (number,) = struct.unpack_from(layout, data, at)
    if kind == 11:
        return int(number != 0)
    return float(str(np.float32(number))) if kind == 4 else number


def _text(raw: bytes, code_page: int) -> str:
    """Text in a code page, without the zero at its end."""
    encoding = {_UNICODE: "utf-16-le", 65001: "utf-8"}.get(code_page, f"cp{code_page}")
    try:
        return raw.decode(encoding, errors="replace").split("\0")[0]
    except LookupError:
        return raw.decode("latin-1").split("\0")[0]


def _names(data: bytes, place: int, code_page: int) -> dict[int, str]:
    """Dictionary of names, as far as it can be read."""
    names: dict[int, str] = {}
    try:
        (n,) = struct.unpack_from("<I", data, place)
        place += 4
        for _ in range(min(n, _MAX_PROPERTIES)):
            number, length = struct.unpack_from("<2I", data, place)
            # Only Unicode names are padded to four bytes; their length counts characters.
            size = 2 * length if code_page == _UNICODE else length
            raw = data[place + 8 : place + 8 + min(size, _MAX_TEXT)]
            names[number] = _text(raw, code_page)
            place += 8 + (size + (-size % 4 if code_page == _UNICODE else 0))
    except struct.error:
        return names
    return names
