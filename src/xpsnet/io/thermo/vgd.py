"""Thermo Avantage `.vgd`: the streams of a data space inside an OLE container.

The energy axis is kinetic; the work function among the properties is already counted in it,
so that binding energy is the source energy minus what the axis says.
"""

import struct
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from xpsnet.io.common.errors import refusal
from xpsnet.io.common.reading import Reading
from xpsnet.io.thermo.data_space import (
    MAX_POINTS,
    Space,
    SpaceAxis,
    driven_axes,
    linear_axis,
    read_space,
)
from xpsnet.io.thermo.ole_property_set import PropertySet, parse_property_set

_VERSION = 0x20000
_MAX_AXES = 16
_COPY = "the file is damaged: copy it again from the instrument"
_SUMMARY = "\x05SummaryInformation"
_AXIS_KINDS = {
    1: "ENERGY", 2: "ANGLE", 3: "X", 4: "Y", 5: "LEVEL", 6: "ETCHLEVEL", 8: "ETCHTIME",
    10: "POSITION", 15: "DISTANCE", 16: "RGB", 17: "PEAKS",
}  # fmt: skip
# Property of Avantage's own set: our name.
_PROPERTIES = {
    4: "technique", 6: "instrument", 13: "value_label", 15: "value_unit", 17: "software",
    105: "photon_energy", 118: "sample_bias", 203: "stage_x", 204: "stage_y", 205: "stage_z",
    303: "acquired", 305: "dwell_time", 306: "n_scans", 316: "energy_scale",
    328: "current_scan", 403: "analyzer_mode", 404: "pass_energy", 411: "lens_mode",
}  # fmt: skip
_SOURCE_ENERGY = 105
_N_COEFFICIENTS, _FIRST_COEFFICIENT, _MAX_COEFFICIENTS = 413, 100_000, 32
_SUMMARY_PROPERTIES = {2: "title", 3: "sample", 12: "created"}
# Texts of the points of an axis: number of the axis above, ten times the point below.
_FIRST_LABEL, _LABEL_STEP = 1 << 24, 10


class _Cursor:
    """Reads one number after the other from a stream."""

    def __init__(self, path: Path, stream: str, data: bytes) -> None:
        self.path, self.stream, self.data, self.place = path, stream, data, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        """Numbers at the place; they are refused where the stream ends before."""
        size = struct.calcsize(layout)
        try:
            numbers = struct.unpack_from(layout, self.data, self.place)
        except struct.error as error:
            raise self.broken(f"{size} bytes", f"{len(self.data) - self.place}") from error
        self.place += size
        return numbers

    def text(self) -> str:
        """Text with its length in bytes in front."""
        (n,) = self.take("<I")
        if n > len(self.data) - self.place:
            raise self.broken("a label", f"one of {n} bytes")
        (raw,) = self.take(f"{n}s")
        return str(raw, "utf-16-le", "replace").rstrip("\0")

    def broken(self, expected: str, got: str) -> Exception:
        """Word a refusal."""
        where = f"stream {self.stream!r}, byte {self.place}"
        return refusal(self.path, where, expected=expected, got=got,
                       advice=_COPY)  # fmt: skip


def read_streams(path: Path, streams: dict[str, bytes]) -> Reading:
    """Read the spectra of a `.vgd` file.

    Parameters
    ----------
    path : Path
        For messages, and for the region where the title names none.
    streams : dict of str to bytes
        `VGData`, `VGDataAxes`, `VGSpaceAxes` and the property sets.

    Returns
    -------
    Reading
        One DataArray of counts summed over the scans.

    Raises
    ------
    ReadError
        If a stream is damaged, or the file is an image or a table.
    """
    for name in ("VGDataAxes", "VGSpaceAxes"):
        if name not in streams:
            raise refusal(path, expected=f"a stream {name!r}", got="none",
                          advice="the file is damaged: copy it again")  # fmt: skip
    data_axes = _data_axes(_Cursor(path, "VGDataAxes", streams["VGDataAxes"]))
    space_axes = _space_axes(_Cursor(path, "VGSpaceAxes", streams["VGSpaceAxes"]))
    axes = driven_axes(path, data_axes, space_axes, _COPY)
    raw = streams["VGData"]
    counts = np.frombuffer(raw, "<f8", len(raw) // 8).astype(np.float64)
    sets = {n: _property_set(raw) for n, raw in streams.items() if n.startswith("\x05")}
    properties = _properties(sets)
    space = Space(axes, counts, properties, _point_labels(sets))
    if "photon_energy" not in properties:
        space.notes.append("the source energy is not in the file; pass photon_energy=")
    return read_space(path, space)


def _data_axes(cursor: _Cursor) -> list[tuple[int, int, int]]:
    """First and last point of each data axis, and the number of space axes that it drives."""
    _, n = cursor.take("<2I")
    if not 1 <= n <= _MAX_AXES:
        raise cursor.broken(f"1 to {_MAX_AXES} data axes", f"{n}")
    axes = []
    for _ in range(n):
        start, end, driven, _ = cursor.take("<4I")
        if not (start <= end < MAX_POINTS and 1 <= driven <= _MAX_AXES):
            raise cursor.broken("a data axis", f"points {start} to {end}, {driven} space axes")
        axes.append((start, end, driven))
    return axes


def _space_axes(cursor: _Cursor) -> list[SpaceAxis]:
    """All space axes in their order."""
    version, n = cursor.take("<2I")
    if version != _VERSION or n > _MAX_AXES:
        raise cursor.broken(f"version {_VERSION:#x}, up to {_MAX_AXES} axes", f"{version:#x}, {n}")
    axes = []
    for _ in range(n):
        label, _, unit = cursor.text(), cursor.text(), cursor.text()
        points, start, width, linear = cursor.take("<I2db")
        if points > MAX_POINTS:
            raise cursor.broken(f"at most {MAX_POINTS} points", f"{points}")
        values = (
            linear_axis(start, width, points) if linear else np.array(cursor.take(f"<{points}d"))
        )
        (code,) = cursor.take("<I")
        axes.append(SpaceAxis(_AXIS_KINDS.get(code, f"AXIS {code}"), values, label, unit))
    return axes


def _property_set(data: bytes) -> PropertySet:
    """Property set, empty if it is damaged: spectra are read without it."""
    try:
        return parse_property_set(data)
    except ValueError:
        return PropertySet({}, {})


def _properties(sets: dict[str, PropertySet]) -> dict[str, Any]:
    """Properties under our names."""
    summary = sets.get(_SUMMARY, PropertySet({}, {})).values
    found: dict[str, Any] = {
        name: summary[number] for number, name in _SUMMARY_PROPERTIES.items() if number in summary
    }
    own = max(
        (s.values for name, s in sets.items() if "SummaryInformation" not in name),
        key=lambda values: (_SOURCE_ENERGY in values, len(values)),
        default={},
    )
    found |= {name: own[number] for number, name in _PROPERTIES.items() if number in own}
    n = own.get(_N_COEFFICIENTS)
    last = _FIRST_COEFFICIENT + min(n if isinstance(n, int) else 0, _MAX_COEFFICIENTS)
    given = [own.get(i) for i in range(_FIRST_COEFFICIENT, last)]
    found["transmission"] = " ".join(f"{c:g}" for c in given if isinstance(c, float))
    if not isinstance(found.get("acquired"), datetime):
        found["acquired"] = found.get("created")
    return found


def _point_labels(sets: dict[str, PropertySet]) -> list[str]:
    """Names of the points of a multi-point measurement, in their order."""
    labels: dict[int, str] = {}
    for one in sets.values():
        for number, value in one.values.items():
            if number >= _FIRST_LABEL and isinstance(value, str):
                labels[(number & (_FIRST_LABEL - 1)) // _LABEL_STEP] = value
    return [labels[i] for i in range(len(labels))] if set(labels) == set(range(len(labels))) else []
