"""Small writers of Avantage's `.vgd` and `.avg`, made from the documented layout, for the tests."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from ole_writer import ole_file, property_set

CODES = {"ENERGY": 1, "ANGLE": 2, "X": 3, "Y": 4, "LEVEL": 5, "ETCHLEVEL": 6, "ETCHTIME": 8,
         "POSITION": 10, "DISTANCE": 15, "RGB": 16, "PEAKS": 17}  # fmt: skip
OWN_SET = "\x05Q5nw4m3lIjudbfwyAayojlptCa"
STARTED = datetime(2026, 3, 11, 0, 1, 47, tzinfo=UTC)
PROPERTIES: dict[int, tuple[int, object]] = {
    4: (3, 1), 6: (31, "Nexsa"), 17: (31, "v6.7"), 105: (4, 1486.68), 118: (2, -30),
    203: (3, 16_033_400), 204: (3, -2_500_000), 205: (3, 33_955_890),
    303: (64, int((STARTED - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7),
    305: (4, 0.05), 306: (3, 10), 313: (11, -1), 316: (2, 1), 328: (3, 10), 403: (2, 1),
    404: (4, 50.0), 406: (4, 4.2), 411: (31, "Standard"), 413: (3, 2), 100000: (4, 3.5),
    100001: (4, -0.25), 9: (72, bytes(range(16))), 12345: (19, 7), 54321: (5, 0.5),
}  # fmt: skip


@dataclass
class Axis:
    """One space axis; linear with a start and a width, or given by its values."""

    kind: str
    n: int
    start: float = 0.0
    width: float = 1.0
    values: Sequence[float] | None = None
    label: str = ""
    unit: str = ""


ENERGY = Axis("ENERGY", 12, 1188.68, 0.1)


@dataclass
class Measurement:
    """A data space: counts in the order (slowest, ..., energy), axes energy first."""

    counts: npt.NDArray[np.float64]
    axes: list[list[Axis]] = field(default_factory=lambda: [[ENERGY]])
    title: str = "C1s Scan"


def vgd_streams(
    one: Measurement, changed: Mapping[int, tuple[int, object] | None] | None = None
) -> dict[str, bytes]:
    """Streams of a `.vgd`; changed properties, None leaves one out."""
    properties = {**PROPERTIES, **(changed or {})}
    kept = {number: value for number, value in properties.items() if value is not None}
    data_axes = struct.pack("<2I", 0x20000, len(one.axes))
    space_axes = struct.pack("<2I", 0x20000, sum(map(len, one.axes)))
    for driven in one.axes:
        data_axes += struct.pack("<4I", 0, driven[0].n - 1, len(driven), 0)
        for axis in driven:
            for text in (axis.label, "", axis.unit):
                raw = f"{text}\0".encode("utf-16-le")
                space_axes += struct.pack("<I", len(raw)) + raw
            linear = axis.values is None
            space_axes += struct.pack("<I2db", axis.n, axis.start, axis.width, linear)
            if axis.values is not None:
                space_axes += struct.pack(f"<{axis.n}d", *axis.values)
            space_axes += struct.pack("<I", CODES[axis.kind])
    summary = property_set({2: (31, one.title), 3: (31, "sample 7"), 12: (64, 10**17)})
    return {
        "VGData": np.asarray(one.counts, dtype="<f8").tobytes(),
        "VGDataAxes": data_axes,
        "VGSpaceAxes": space_axes,
        "VersionInfo": struct.pack("<I", 0x20001),
        "\x05SummaryInformation": summary,
        OWN_SET: property_set(kept, {105: "SourceEnergy", 306: "Scans"}),
        "AuditTrail/NumberOfEntries": struct.pack("<I", 0),
    }


def vgd(
    one: Measurement, changed: Mapping[int, tuple[int, object] | None] | None = None
) -> bytes:  # fmt: skip
    """A `.vgd` file."""
    return ole_file(vgd_streams(one, changed))


AVG_PROPERTIES = """;================
;Dump of DataSpace 'F:\\data\\C1s Scan.VGD'
; on 12/5/2008 at 14:26:48
;================
$FORMAT=4
$PROPERTIES=SUM
DS_EXT_SUPROPID_TITLE                       : VT_BSTR = '{title}'
DS_EXT_SUPROPID_SUBJECT                     : VT_BSTR = 'sample 7'
DS_EXT_SUPROPID_CREATED                     : VT_DATE = 12/5/2008   17:34:00
$PROPERTIES=STD
DS_GEPROPID_TECHNIQUE                       : VT_I4   = 1
DS_GEPROPID_INSTRUMENT                      : VT_BSTR = 'K-Alpha'
DS_GEPROPID_VALUE_LABEL                     : VT_BSTR = 'Counts'
DS_SOPROPID_MONO                            : VT_BOOL = True
DS_SOPROPID_ENERGY                          : VT_R4   = 1486.680054
DS_STPROPID_POS_X                           : VT_I4   = 16033400
DS_STPROPID_POS_Y                           : VT_I4   = -2500000
DS_ACPROPID_START_TIME                      : VT_DATE = 13/5/2008   08:20:50
DS_ACPROPID_ACQ_TIME                        : VT_R4   = 0.050000
DS_ACPROPID_PERIODS                         : VT_I4   = 7
DS_ACPROPID_EV_SCALE                        : VT_I2   = 1
DS_ANPROPID_MODE                            : VT_I2   = 1
DS_ANPROPID_PASS                            : VT_R4   = 50.000000
DS_ANPROPID_WORK_FTN                        : VT_R4   = 4.200000
DS_ANPROPID_LENS_MODE_NAME                  : VT_BSTR = 'Standard'
DS_ANPROPID_TXFN_COEFF[0]                   : VT_R4   = 3.500000
DS_ANPROPID_TXFN_COEFF[1]                   : VT_R4   = -0.250000
"""
LABELS = {"ENERGY": ("E", "eV", "Energy"), "X": ("X", "\u00b5m", "X"), "Y": ("Y", "\u00b5m", "Y"),
          "ETCHTIME": ("EtchTime", "s", "Etch Time"), "ETCHLEVEL": ("EtchLevel", "", "Etch Level"),
          "POSITION": ("Pos", "", "Position"), "ANGLE": ("Angle", "\u00b0", "Angle")}  # fmt: skip


def avg(one: Measurement, *, data_axes: bool = True, numbered: bool = True) -> str:
    """Text of an `.avg` file; NaN is written as #empty#."""
    lines = [AVG_PROPERTIES.format(title=one.title), f"$DATAAXES={len(one.axes)},#empty#"]
    spaces = [axis for driven in one.axes for axis in driven]
    if data_axes:
        lines += [
            f"    {i}=        0,   {driven[0].n - 1},     {len(driven)}"
            for i, driven in enumerate(one.axes)
        ]
    lines.append(f"$SPACEAXES={len(spaces)}")
    for i, axis in enumerate(spaces):
        symbol, unit, label = LABELS[axis.kind]
        kind = "LINEAR" if axis.values is None else "NON-LINEAR"
        lines.append(
            f"    {i}=    {axis.start:f},       {axis.width:f},        {axis.n},  {axis.kind},   "
            f"{kind},  '{symbol}',   '{unit}',    '{label}'"
        )
    sizes = [driven[0].n for driven in one.axes[1:]]
    for number, values in enumerate(one.counts.reshape(-1, one.counts.shape[-1])):
        index = [int(i) for i in np.unravel_index(number, sizes, order="F")] if sizes else []
        first = len(one.axes[0])
        for d, driven in enumerate(one.axes[1:]):
            for axis in driven:
                place = f"DATAXIS={d + 1} SPACEAXIS={first} LABEL='{LABELS[axis.kind][2]}'"
                at = axis.start + axis.width * index[d]
                value = f"{at:f}" if axis.values is None else f"{axis.values[index[d]]:f}"
                if axis.kind == "POSITION":
                    value = f"'Pt #{index[d] + 1:03d}'"
                lines.append(f"$AXISVALUE= {place} POINT={index[d]} VALUE={value};")
                first += 1
        lines.append("$DATA=*" + "".join(f",{i}" for i in index if numbered))
        for k in range(0, len(values), 4):
            row = ",  ".join("#empty#" if v != v else f"{v:.6f}" for v in values[k : k + 4])
            lines.append(f"LIST@ {k:3d}=  {row}")
    return "\n".join(lines) + "\n"
