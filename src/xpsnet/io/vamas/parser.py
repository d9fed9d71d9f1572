"""Lines of a VAMAS file (ISO 14976) into its header and blocks, as they stand.

The standard numbers the items of a block from 1 to 40 and lets a file leave out of all blocks
but the first what does not change: a positive list names the items that are still given, a
negative one those that are not.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import SEEK_CUR, BytesIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xpsnet.io.common.errors import BrokenError, shown

MAGIC = b"VAMAS Surface Chemical Analysis Standard Data Transfer Format"
END = "end of experiment"
TECHNIQUES = (
    "AES diff", "AES dir", "EDX", "ELS", "FABMS", "FABMS energy spec", "ISS", "SIMS",
    "SIMS energy spec", "SNMS", "SNMS energy spec", "UPS", "XPS", "XRF",
)  # fmt: skip
_ION_TECHNIQUES = set(TECHNIQUES[4:11])
_SPUTTER_MODES = {"MAPDP", "MAPSVDP", "SDP", "SDPSV"}
_IMAGE_MODES = {"MAPSV", "MAPSVDP", "SEM"}
_BLANKS = b" \t\r\n\0\x1a"
_UNKNOWN = 1e37
_ITEMS = 40
_EVERY_ITEM = frozenset(range(1, _ITEMS + 1))


class Lines:
    r"""The lines of a file, counted from 1.

    Only `\n` ends a line: some programs write `\r\r\n`, which must not count twice.
    """

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._file = BytesIO(data)
        self.number = 0

    @property
    def place(self) -> tuple[int, int]:
        """Where the next line starts: byte and line number."""
        return self._file.tell(), self.number

    @property
    def at_end(self) -> bool:
        """Whether the end marker or nothing but blanks comes next."""
        here = self._file.tell()
        line = self._file.readline()
        after = self._file.read(4096) if not line.strip(_BLANKS) else b"-"
        self._file.seek(here)
        return _decoded(line).lower() == END or not after.strip(_BLANKS)

    def rest(self, n_bytes: int) -> list[bytes]:
        """Lines that follow within so many bytes, the place unchanged."""
        here = self._file.tell()
        lines = self._file.read(n_bytes).split(b"\n")
        self._file.seek(here)
        return lines

    def go_to(self, place: tuple[int, int]) -> None:
        """Continue at an earlier place."""
        self._file.seek(place[0])
        self.number = place[1]

    def text(self, what: str) -> str:
        """Read the next line, without blanks and zero bytes around it."""
        line = self._file.readline()
        if not line:
            raise BrokenError(f"line {self.number + 1}: expected {what}, got the end of the file")
        self.number += 1
        return _decoded(line)

    def number_or_nan(self, what: str) -> float:
        """Read a number that may be unknown: NaN for 1e37 and for words."""
        try:
            return self.exact(what)
        except BrokenError:
            if self._file.tell() >= self.size:
                raise
            return np.nan

    def exact(self, what: str) -> float:
        """Read a number; NaN only for 1e37, which means unknown."""
        line = self._file.readline()
        try:
            quick = float(line)  # for nearly all lines
        except ValueError:
            self._file.seek(-len(line), SEEK_CUR)
        else:
            self.number += 1
            return quick if abs(quick) < _UNKNOWN * 0.999 else np.nan
        return _checked_number(self.text(what), self.number, f"{what} (a number)")

    def integer(self, what: str) -> int:
        """Read an integer of either sign."""
        value = self.exact(what)
        if not np.isfinite(value) or value != int(value):
            raise BrokenError(f"line {self.number}: expected {what} (an integer), got {value:g}")
        return int(value)

    def count(self, what: str, limit: int = 100_000) -> int:
        """Read how many of something follow; at most as many as the rest of the file can hold."""
        value = self.integer(what)
        most = min(limit, self.size - self._file.tell() + 1)
        if not 0 <= value <= most:
            raise BrokenError(
                f"line {self.number}: expected {what} (0 to {most}, by the size of the file), got "
                f"{value}"
            )
        return value

    def numbers(self, n: int, what: str) -> npt.NDArray[np.float64]:
        """Read `n` lines of one number each, shape (n,)."""
        raw = list(itertools.islice(self._file, n))
        first = self.number
        self.number += len(raw)
        try:
            values = np.array([float(line) for line in raw], dtype=np.float64)
        except ValueError:
            values = np.array(
                [
                    _checked_number(_decoded(line), n_line, what)
                    for n_line, line in enumerate(raw, first + 1)
                ]
            )
        if values.size < n:
            raise BrokenError(
                f"line {self.number + 1}: expected {n} {what}, got the end of the file after "
                f"{values.size}"
            )
        values[~(np.abs(values) < _UNKNOWN * 0.999)] = np.nan
        return values


def _decoded(line: bytes) -> str:
    """Text of a line; latin-1 if it is not UTF-8."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    return text.strip(" \t\r\n\0\x1a\ufeff")


def _number(text: str) -> float | None:
    """Value of a text, None if it is no number, NaN if it means unknown."""
    try:
        value = float(text.replace(",", ".") if "," in text and "." not in text else text)
    except ValueError:
        return None
    return value if abs(value) < _UNKNOWN * 0.999 else np.nan


def _checked_number(text: str, line: int, what: str) -> float:
    """Value of a text at a line; a BrokenError names the line if it is no number."""
    value = _number(text)
    if value is None:
        raise BrokenError(f"line {line}: expected {what}, got {shown(text)}")
    return value


@dataclass
class Header:
    """What a VAMAS file says before its first block."""

    instrument: str = ""
    experiment: str = ""
    mode: str = ""
    scan_mode: str = ""
    variables: list[tuple[str, str]] = field(default_factory=list)
    repeated: frozenset[int] = _EVERY_ITEM
    n_future: int = 0
    n_blocks: int = 0
    # Some programs leave out the sputter source (item 37) that the standard asks for.
    sputter_source: bool = True


def read_header(lines: Lines) -> Header:
    """Read everything before the first block."""
    header = Header()
    while not lines.text("the VAMAS line").startswith(MAGIC.decode()):
        pass
    lines.text("the institution")
    header.instrument = lines.text("the instrument model")
    lines.text("the operator")
    header.experiment = lines.text("the experiment identifier")
    _skip(lines, lines.count("the number of comment lines"), "a comment line")
    header.mode = lines.text("the experiment mode").upper()
    header.scan_mode = lines.text("the scan mode").upper()
    if header.scan_mode not in ("REGULAR", "IRREGULAR", "MAPPING"):
        raise BrokenError(
            f"line {lines.number}: expected the scan mode REGULAR, IRREGULAR or MAPPING, got "
            f"{shown(header.scan_mode)}"
        )
    if header.mode in ("MAP", "MAPDP", "NORM", "SDP"):
        lines.text("the number of spectral regions")
    if header.mode in ("MAP", "MAPDP"):
        # Meaningless in practice (Kratos: 1 and 32768 x 32768), so nothing is sized by them.
        _skip(lines, 3, "the number of positions")
    n_variables = lines.count("the number of experimental variables", 1000)
    header.variables = _named(lines, n_variables, "a variable's ")
    header.repeated = _repeated_items(lines)
    _skip(lines, lines.count("the number of manually entered items"), "an item number")
    n_future_header = lines.count("the number of future experiment entries")
    header.n_future = lines.count("the number of future block entries")
    _skip(lines, n_future_header, "a future experiment entry")
    header.n_blocks = lines.count("the number of blocks", lines.size)
    return header


def _repeated_items(lines: Lines) -> frozenset[int]:
    """Items that every block gives, from the inclusion or exclusion list."""
    n = lines.integer("the number of entries in the inclusion or exclusion list")
    if abs(n) > _ITEMS:
        raise BrokenError(
            f"line {lines.number}: expected at most {_ITEMS} items in the inclusion or exclusion "
            f"list, got {abs(n)}"
        )
    listed = frozenset(lines.integer("an item number") for _ in range(abs(n)))
    return _EVERY_ITEM & listed if n > 0 else _EVERY_ITEM - listed


def _named(lines: Lines, n: int, what: str) -> list[tuple[str, str]]:
    """Read labels with their units."""
    return [(lines.text(f"{what}label"), lines.text(f"{what}unit")) for _ in range(n)]


def _skip(lines: Lines, n: int, what: str) -> None:
    """Pass over lines that are not used."""
    for _ in range(n):
        lines.text(what)


Values = dict[str, Any]


class _Item(NamedTuple):
    """One numbered item: its fields ("#name" is a number), and when a file has it."""

    number: int
    fields: tuple[str, ...]
    applies: Callable[[Header, Mapping[str, Any]], bool] = lambda header, values: True


def _is_sputter(header: Header, values: Mapping[str, Any]) -> bool:
    return header.mode in _SPUTTER_MODES or values.get("technique") in _ION_TECHNIQUES


def _has_sputter_source(header: Header, values: Mapping[str, Any]) -> bool:
    electron = values.get("technique") not in _ION_TECHNIQUES
    return header.sputter_source and header.mode in _SPUTTER_MODES and electron


_BLOCK_ITEMS = (
    *(_Item(i + 1, (f"#{name}",)) for i, name in enumerate(
        ("year", "month", "day", "hour", "minute", "second", "hours from GMT"))),
    _Item(8, ("comment",)),
    _Item(9, ("technique",)),
    _Item(10, ("#x", "#y"), lambda header, values: header.mode in ("MAP", "MAPDP")),
    _Item(11, ("variables",)),
    _Item(12, ("source",)),
    _Item(13, ("#sputter z", "#sputter atoms", "#sputter charge"), _is_sputter),
    _Item(14, ("#source energy",)),
    _Item(15, ("#source strength",)),
    _Item(16, ("#beam width x", "#beam width y")),
    _Item(17, ("#field x", "#field y"),
          lambda header, values: header.mode in {"MAP", "MAPDP"} | _IMAGE_MODES),
    _Item(18, tuple(f"#line scan {i}" for i in range(6)),
          lambda header, values: header.mode in _IMAGE_MODES),
    _Item(19, ("#source polar angle",)),
    _Item(20, ("#source azimuth",)),
    _Item(21, ("analyzer mode",)),
    _Item(22, ("#pass energy",)),
    _Item(23, ("#differential width",),
          lambda header, values: values.get("technique") == "AES diff"),
    _Item(24, ("#magnification",)),
    _Item(25, ("#work function",)),
    _Item(26, ("#target bias",)),
    _Item(27, ("#analysis width x", "#analysis width y")),
    _Item(28, ("#take-off polar angle", "#take-off azimuth")),
    _Item(29, ("species",)),
    _Item(30, ("transition", "#charge of the particle")),
    _Item(31, ("abscissa", "abscissa unit", "!start", "!step"),
          lambda header, values: header.scan_mode == "REGULAR"),
    _Item(32, ("ordinates",)),
    _Item(33, ("signal mode",)),
    _Item(34, ("#dwell time",)),
    _Item(35, ("#scans",)),
    _Item(36, ("#time correction",)),
    _Item(37, (*(f"#sputter source {i}" for i in range(6)), "sputter mode"), _has_sputter_source),
    _Item(38, ("#tilt", "#tilt azimuth")),
    _Item(39, ("#rotation",)),
    _Item(40, ("parameters",)),
)  # fmt: skip


@dataclass
class RawBlock:
    """One block as it stands: `columns` has the shape (points, ordinates)."""

    identifier: str
    sample: str
    values: Values
    columns: npt.NDArray[np.float64]
    line: int


def read_block(lines: Lines, header: Header, first: RawBlock | None) -> RawBlock:
    """Read the next block; what it leaves out comes from the first one."""
    line = lines.number + 1
    identifier = lines.text("a block identifier")
    sample = lines.text("a sample identifier")
    values: Values = dict(first.values) if first else {}
    for item in _BLOCK_ITEMS:
        if item.applies(header, values) and (first is None or item.number in header.repeated):
            _read_item(lines, header, item, values)
    _skip(lines, header.n_future, "a future block entry")
    n = lines.count("the number of ordinate values", lines.size)
    n_columns = len(values["ordinates"])
    if n == 0 or n % n_columns:
        raise BrokenError(
            f"line {lines.number}: expected the number of ordinate values as a multiple of "
            f"{n_columns} (ordinates), got {n}"
        )
    _skip(lines, 2 * n_columns, "the least or largest ordinate")
    columns = lines.numbers(n, "ordinate values").reshape(-1, n_columns)
    return RawBlock(identifier, sample, values, columns, line)


def _read_item(lines: Lines, header: Header, item: _Item, values: Values) -> None:
    """Read one numbered item of a block."""
    if item.number == 8:
        n = lines.count("the number of lines in the block comment")
        values["comment"] = [lines.text("a comment line") for _ in range(n)]
    elif item.number == 11:
        values["variables"] = [
            lines.number_or_nan(f"the value of {label}") for label, _ in header.variables
        ]
    elif item.number == 32:
        n = lines.count("the number of ordinates", 1000)
        if n == 0:
            raise BrokenError(f"line {lines.number}: expected at least one ordinate, got 0")
        values["ordinates"] = _named(lines, n, "a ")
    elif item.number == 40:
        n = lines.count("the number of additional parameters")
        values["parameters"] = [
            (lines.text("a label"), lines.text("a unit"), lines.number_or_nan("a value"))
            for _ in range(n)
        ]
    else:
        for name in item.fields:
            values[name.lstrip("#!")] = _read_field(lines, name)
    # A number where a word has to be: the block is out of step by some lines.
    word = {9: "technique", 37: "sputter mode"}.get(item.number)
    if word and _number(values[word]) is not None:
        raise BrokenError(f"line {lines.number}: expected the {word}, got {shown(values[word])}")


def _read_field(lines: Lines, name: str) -> str | float:
    """Read a text ("name"), a number that may be unknown ("#name") or one that must not."""
    if name.startswith("#"):
        return lines.number_or_nan(f"the {name[1:]}")
    if name.startswith("!"):
        return lines.exact(f"the {name[1:]}")
    return lines.text(f"the {name}")
