"""Thermo Avantage `.avg`: the text dump of a data space.

Properties, axes and values stand one after the other, each on lines of its own; positions
along axes that are not linear come with the values.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.io.common.errors import refusal, shown
from xpsnet.io.common.file_bytes import LINE_ENDS, read_decoded, start_of_text
from xpsnet.io.common.labels import number_of_text
from xpsnet.io.common.reading import Reading
from xpsnet.io.thermo.data_space import (
    MAX_POINTS,
    Space,
    SpaceAxis,
    checked_shape,
    driven_axes,
    linear_axis,
    read_space,
)

NAME = "Thermo Avantage (avg)"
MAX_BYTES = 256 << 20
_MAX_AXES = 16
_MAX_LINE = 20_000
_MAX_NUMBER = 1e18  # of a property
_PROPERTY = re.compile(r"(DS_\w+(?:\[\d+\])?)\s*:(?:[^=':]*:)?\s*(VT_\w+)\s*=\s*(.*)")
_DATA_AXIS = re.compile(r"\d+\s*=\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,3})")
_SPACE_AXIS = re.compile(
    r"\d+\s*=\s*([^,]+),\s*([^,]+),\s*(\d{1,9})\s*,\s*([\w ]+),\s*([\w -]+),"
    r"\s*'([^']*)'\s*,\s*'([^']*)'\s*,\s*'([^']*)'"
)
_POINT = re.compile(r"SPACEAXIS=\s*(\d{1,3})\b.*?POINT=\s*(\d{1,9})\s+VALUE=\s*('[^']*'|[^;\s]+)")
_ROW = re.compile(r"LIST@\s*(\d{1,9})\s*=(.*)")
_DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{4}\s+\d{1,2}:\d{2}:\d{2}")
# Name of a property in the dump: our name.
_PROPERTIES = {
    "DS_EXT_SUPROPID_TITLE": "title",
    "DS_EXT_SUPROPID_SUBJECT": "sample",
    "DS_EXT_SUPROPID_CREATED": "created",
    "DS_GEPROPID_TECHNIQUE": "technique",
    "DS_GEPROPID_INSTRUMENT": "instrument",
    "DS_GEPROPID_VALUE_LABEL": "value_label",
    "DS_GEPROPID_VALUE_UNIT": "value_unit",
    "DS_SOPROPID_ENERGY": "photon_energy",
    "DS_STPROPID_POS_X": "stage_x",
    "DS_STPROPID_POS_Y": "stage_y",
    "DS_STPROPID_POS_Z": "stage_z",
    "DS_ACPROPID_START_TIME": "acquired",
    "DS_ACPROPID_ACQ_TIME": "dwell_time",
    "DS_ACPROPID_PERIODS": "n_scans",
    "DS_ACPROPID_EV_SCALE": "energy_scale",
    "DS_ANPROPID_MODE": "analyzer_mode",
    "DS_ANPROPID_PASS": "pass_energy",
    "DS_ANPROPID_LENS_MODE_NAME": "lens_mode",
}
_EXPORT = "the dump is damaged: export it again"
_COEFFICIENT = "DS_ANPROPID_TXFN_COEFF["


@dataclass
class _Row:
    """Values from one point of a block on."""

    block: int
    first: int
    texts: list[str]
    line: int


@dataclass
class _Dump:
    """What the lines of a dump say."""

    properties: dict[str, Any] = field(default_factory=dict)
    data_axes: list[tuple[int, int, int]] = field(default_factory=list)
    space_axes: list[SpaceAxis] = field(default_factory=list)
    linear: list[bool] = field(default_factory=list)
    points: dict[tuple[int, int], str] = field(default_factory=dict)
    blocks: list[tuple[int, ...]] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)


def sniff(head: bytes) -> bool:
    """Whether the head of a file is that of a dump."""
    text = start_of_text(head)
    return "Dump of DataSpace" in text or ("$FORMAT=" in text and "DS_" in text)


def read(path: Path) -> Reading:
    """Read the spectra of an `.avg` file.

    Raises
    ------
    ReadError
        If axes are missing or damaged, or nothing was measured.
    """
    dump = _parse(path, read_decoded(path, MAX_BYTES))
    if not dump.space_axes:
        raise refusal(path, expected="a line '$SPACEAXES=' with axes below", got="none",
                      advice="nothing was measured yet, or the dump is cut off")  # fmt: skip
    _place_points(dump)
    axes = _driven(path, dump)
    notes: list[str] = []
    counts = _values(path, dump, axes, notes)
    labels = _labels(dump)
    return read_space(path, Space(axes, counts, dump.properties, labels, notes))


def _parse(path: Path, text: str) -> _Dump:
    """Sort the lines of a dump."""
    dump = _Dump()
    section = ""
    for number, line in enumerate(LINE_ENDS.split(text), 1):
        line = line[:_MAX_LINE].strip()
        if not line or line.startswith(";"):
            continue
        if line.startswith("$"):
            section = line[1:].split("=")[0].strip().upper()
            _take_section(dump, section, line)
        elif line.startswith("LIST@"):
            row = _ROW.match(line)
            block = len(dump.blocks) - 1
            if row and block >= 0:
                dump.rows.append(_Row(block, int(row[1]), row[2].split(","), number))
        elif line.startswith("DS_"):
            _take_property(dump, line)
        elif section == "DATAAXES" and (axis := _DATA_AXIS.match(line)):
            dump.data_axes.append((int(axis[1]), int(axis[2]), int(axis[3])))
        elif section == "SPACEAXES":
            _take_axis(path, number, dump, line)
    return dump


def _take_section(dump: _Dump, section: str, line: str) -> None:
    """Take what a line with a dollar sign says."""
    if section == "DATA":
        index = [part.strip() for part in line.split(",")[1:]]
        sound = all(part.isdecimal() and len(part) < 8 for part in index)
        dump.blocks.append(tuple(int(part) for part in index) if sound else ())
    elif section == "AXISVALUE" and (point := _POINT.search(line[:500])):
        dump.points[int(point[1]), int(point[2])] = point[3]


def _take_property(dump: _Dump, line: str) -> None:
    """Take a property that we know."""
    match = _PROPERTY.match(line)
    if match is None:
        return
    value = _typed(match[2], match[3].strip())
    if match[1].startswith(_COEFFICIENT) and isinstance(value, float):
        given = dump.properties.get("transmission", "")
        dump.properties["transmission"] = f"{given} {value:g}".strip()
    elif match[1] in _PROPERTIES and value is not None:
        dump.properties[_PROPERTIES[match[1]]] = value
    # The start of the measurement tells more than the creation of the file.
    if "created" in dump.properties:
        dump.properties.setdefault("acquired", dump.properties.pop("created"))


def _typed(kind: str, text: str) -> Any:
    """Value of a property; None if it is damaged."""
    if kind == "VT_DATE":
        date = _DATE.match(text)
        try:
            return datetime.strptime(date[0], "%d/%m/%Y %H:%M:%S") if date else None
        except ValueError:
            return None
    if kind in ("VT_BSTR", "VT_LPSTR", "VT_LPWSTR"):
        return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == "'" else text
    if kind == "VT_BOOL":
        return int(text.lower() in ("true", "1", "-1"))
    value = number_of_text(text)
    if not abs(value) < _MAX_NUMBER:  # nor NaN
        return None
    if kind == "VT_R4":
        # Single precision is printed with more digits than it has: 1486.680054.
        return float(str(np.float32(value)))
    return value if kind == "VT_R8" else int(value)


def _take_axis(path: Path, number: int, dump: _Dump, line: str) -> None:
    """Take a space axis."""
    axis = _SPACE_AXIS.match(line)
    if axis is None:
        return
    start, width, n = number_of_text(axis[1]), number_of_text(axis[2]), int(axis[3])
    if n > MAX_POINTS or len(dump.space_axes) >= _MAX_AXES:
        raise refusal(
            path, f"line {number}", expected=f"up to {_MAX_AXES} axes of {MAX_POINTS} points",
            got=shown(line), advice=_EXPORT,
        )  # fmt: skip
    kind = axis[4].strip().upper().replace(" ", "")
    values = linear_axis(start, width, n)
    dump.space_axes.append(SpaceAxis(kind, values, axis[8].strip(), axis[7].strip()))
    dump.linear.append(axis[5].strip().upper() == "LINEAR")


def _place_points(dump: _Dump) -> None:
    """Take the positions that come with the values for axes that are not linear."""
    for (number, point), text in dump.points.items():
        if number < len(dump.space_axes) and not dump.linear[number]:
            values = dump.space_axes[number].values
            if point < values.size and not text.startswith("'"):
                values[point] = number_of_text(text)


def _driven(path: Path, dump: _Dump) -> list[list[SpaceAxis]]:
    """Space axes of each data axis."""
    if not dump.data_axes:
        return _guessed(dump)
    return driven_axes(path, dump.data_axes, dump.space_axes, _EXPORT)


def _guessed(dump: _Dump) -> list[list[SpaceAxis]]:
    """Space axes of each data axis where the dump does not list them.

    Axes of one length are driven together, unless there is a block for every pair of points.
    """
    first, *others = dump.space_axes
    sizes = {axis.values.size for axis in others}
    if others and len(sizes) == 1 and len(dump.blocks) <= sizes.pop():
        return [[first], others]
    return [[first], *([axis] for axis in others)]


def _values(
    path: Path, dump: _Dump, axes: list[list[SpaceAxis]], notes: list[str]
) -> npt.NDArray[np.float64]:
    """All values, energy fastest; NaN if the dump has none."""
    n_given = sum(len(row.texts) for row in dump.rows)
    shape = checked_shape(path, axes, n_given)
    n_energy = shape[-1]
    counts = np.full(int(np.prod(shape)), np.nan)
    starts = [_start(block, i, shape) for i, block in enumerate(dump.blocks)]
    damaged: list[int] = []
    for row in dump.rows:
        start = starts[row.block]
        values = _numbers(row)
        if start is None or values is None or row.first + values.size > n_energy:
            damaged.append(row.line)
        else:
            counts[start + row.first : start + row.first + values.size] = values
    if damaged:
        listed = ", ".join(map(str, damaged[:5])) + (", ..." if len(damaged) > 5 else "")
        notes.append(f"rows of values left out, damaged or outside of the axes: lines {listed}")
    if n_given < counts.size:
        notes.append(f"{n_given} of {counts.size} values are there, the others are missing (NaN)")
    return counts


def _numbers(row: _Row) -> npt.NDArray[np.float64] | None:
    """Values of a row; None if one is neither a number nor empty."""
    try:
        return np.array([float("nan" if "empty" in text else text) for text in row.texts])
    except ValueError:
        return None


def _start(block: tuple[int, ...], number: int, shape: list[int]) -> int | None:
    """Place of the first value of a block; None if it lies outside of the axes.

    Blocks without an index for every axis after the energies follow each other.
    """
    if len(block) != len(shape) - 1:
        return number * shape[-1] if number < np.prod(shape[:-1]) else None
    try:
        return int(np.ravel_multi_index((*block[::-1], 0), shape))
    except ValueError:
        return None


def _labels(dump: _Dump) -> list[str]:
    """Names of the points of a multi-point measurement."""
    numbers = [i for i, axis in enumerate(dump.space_axes) if axis.kind == "POSITION"]
    if not numbers:
        return []
    n = dump.space_axes[numbers[0]].values.size
    texts = [dump.points.get((numbers[0], i), "") for i in range(n)]
    return [text[1:-1] for text in texts] if all(text.startswith("'") for text in texts) else []
