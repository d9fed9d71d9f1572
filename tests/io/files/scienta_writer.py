"""A small writer of the text files of Scienta's SES, for the tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

INFO = {
    "Lens Mode": "Transmission",
    "Pass Energy": "50",
    "Number of Sweeps": "4",
    "Excitation Energy": "520",
    "Energy Scale": "Binding",
    "Acquisition Mode": "Swept",
    "Energy Unit": "Kinetic",
    "Step Time": "200",
    "Instrument": "R3000",
    "Sample": "Ag",
    "Comments": ";",
    "Date": "2023-03-08",
    "Time": "15:24:35",
    "Time per Spectrum Channel": "45.066",
}


@dataclass
class Region:
    """One region; `counts` of shape (n,), (slices, n) or (positions, slices, n)."""

    counts: np.ndarray
    energy: np.ndarray
    name: str = "Ag3d"
    label: str = "Binding Energy [eV]"
    axes: Sequence[tuple[str, np.ndarray]] = ()
    info: Mapping[str, str] = field(default_factory=dict)
    without: Sequence[str] = ()
    manipulator: Mapping[str, str] = field(default_factory=dict)


def ses(regions: Sequence[Region], promised: int | None = None) -> str:
    """Text of a file."""
    n = len(regions) if promised is None else promised
    lines = ["[Info]", f"Number of Regions={n:04d}", "Version=1.3.1", ""]
    for number, region in enumerate(regions, start=1):
        lines += _region(region, number)
    return "\r\n".join(lines) + "\r\n"


def note(region: Region) -> str:
    """The note of a binary wave: the same keys with the line ends of old Macs."""
    return "\r".join(["[SES]", "Version=1.2.5", *_info(region), "[Run Mode Information]", "", ""])


def _info(region: Region) -> list[str]:
    info = {"Region Name": region.name, **INFO, **region.info}
    return [f"{key}={value}" for key, value in info.items() if key not in region.without]


def _region(region: Region, number: int) -> list[str]:
    dimensions = [(region.label, region.energy), *region.axes]
    lines = [f"[Region {number}]", f"Region Name={region.name}"]
    for i, (label, values) in enumerate(dimensions, start=1):
        lines += [
            f"Dimension {i} name={label}",
            f"Dimension {i} size={len(values)}",
            f"Dimension {i} scale=" + " ".join(f"{v:.10g}" for v in values),
        ]
    lines += ["", f"[Info {number}]", *_info(region)]
    if region.manipulator:
        lines.append(f"[Manipulator {number}]")
        lines += [f"{key}={value}" for key, value in region.manipulator.items()]
    lines += [f"[Run Mode Information {number}]", "", ""]
    counts = region.counts
    if counts.ndim < 3:
        lines += [f"[Data {number}]", *_rows(np.atleast_2d(counts), region.energy), ""]
    else:
        for k, image in enumerate(counts, start=1):
            lines += [f"[Data {number}:{k}]", *_rows(image, region.energy), ""]
    return lines


def _rows(counts: np.ndarray, energy: np.ndarray) -> list[str]:
    return [
        " " + "  ".join(f"{value:.14E}" for value in (energy[i], *counts[:, i]))
        for i in range(energy.size)
    ]
