"""Header of a PHI MultiPak file: lines of `Key: value` from SOFH to EOFH, before the binary part.

What is acquired is in `SpectralRegDef`, what was ever defined in `SpectralRegDefFull`.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from xpsnet.io.common.energy_axis import MAX_ENERGY
from xpsnet.io.common.errors import shown
from xpsnet.io.common.labels import LEADING_NUMBER, leading_number

MAX_HEADER = 8 << 20
_END = re.compile(rb"(?:\A|[\r\n])EOFH[ \t]*(?:\r\n|\n|\r)")
_MAX_LABEL = 200
_MAX_LEVELS = 100_000


@dataclass(frozen=True)
class Region:
    """One acquired region: energies [eV], seconds per point over all sweeps."""

    number: int
    label: str
    start: float
    stop: float
    step: float
    seconds: float
    pass_energy: float
    n_sweeps: int = 1


@dataclass(frozen=True)
class Area:
    """One place on the sample: center of its corners [um], and what it is called."""

    center: tuple[float, float, float] | None
    text: str = ""


@dataclass
class Header:
    """Values by key, in the order of the file."""

    fields: dict[str, list[str]] = field(default_factory=dict)

    def first(self, key: str) -> str:
        """First value of a key, "" if there is none."""
        return self.fields.get(key, [""])[0]


def split_header(data: bytes) -> tuple[Header, int] | None:
    """Parse the header; with it comes the byte at which the binary part begins.

    None if no line says EOFH.
    """
    end = _END.search(data, 0, MAX_HEADER)
    if end is None:
        return None
    header = Header()
    for line in re.split(r"[\r\n]+", data[: end.start()].decode("latin-1")):
        key, colon, value = line.partition(":")
        if colon:
            header.fields.setdefault(key.strip(), []).append(value.strip())
    return header, end.end()


def read_regions(header: Header, notes: list[str]) -> dict[int, Region]:
    """Acquired regions by number; what cannot be understood goes to the notes."""
    sweeps = {}
    for line in header.fields.get("SpectralRegDef2", []):
        words = [leading_number(word) for word in line.split()]
        if len(words) > 2 and 1 <= words[2] < 1e6:
            sweeps[words[0]] = int(words[2])
    regions: dict[int, Region] = {}
    for line in header.fields.get("SpectralRegDef", []):
        region = _region(line, sweeps)
        if region is None:
            notes.append(f"the header line SpectralRegDef: {shown(line)} is not understood")
        else:
            regions.setdefault(region.number, region)
    return regions


def _region(line: str, sweeps: dict[float, int]) -> Region | None:
    """Region of a line, read from the right: names may hold blanks."""
    words = line.split()
    if words and not LEADING_NUMBER.fullmatch(words[-1]):
        words.pop()  # AREA or NONE
    # Number, use, name ..., element, points, step, start, end, start and end of what is shown,
    # seconds per point, pass energy.
    if len(words) < 11:
        return None
    step, start, stop, seconds, pass_energy = (
        leading_number(words[i]) for i in (-7, -6, -5, -2, -1)
    )
    index = leading_number(words[0])
    energies = (step, start, stop)
    if not (0 < index < 1e6) or not all(abs(energy) < MAX_ENERGY for energy in energies):
        return None
    if step == 0:
        return None
    label = " ".join(words[2:-9])[:_MAX_LABEL]
    n_sweeps = sweeps.get(index, 1)
    return Region(int(index), label, start, stop, step, seconds, pass_energy, n_sweeps)


def read_areas(header: Header) -> list[Area]:
    """Places of the measurement, in the order of the file."""
    texts = {}
    for line in header.fields.get("SpatialAreaDesc", []):
        index, _, text = line.partition(" ")
        texts[index] = text.strip()[:_MAX_LABEL]
    return [
        Area(_center(line), texts.get(line.split(" ")[0], ""))
        for line in header.fields.get("SpatialAreaDef", [])
    ]


def _center(line: str) -> tuple[float, float, float] | None:
    """Mean of the corners of an area; old instruments write zeros, which tell nothing."""
    corners = []
    for corner in re.findall(r"\(([^()]{1,200})\)", line)[:100]:
        values = [leading_number(word) for word in corner.split()[:3]]
        if len(values) == 3 and np.isfinite(values).all():
            corners.append(values)
    if not corners or not np.any(corners):
        return None
    x, y, z = np.mean(corners, axis=0).tolist()
    return x, y, z


def layer_times(header: Header, n_levels: int) -> npt.NDArray[np.float64] | None:
    """Sputter times [s] of the levels from the definition of the layers, shape (n_levels,).

    Each `DepthCalDef` line holds the minutes per cycle and the number of cycles of one layer.
    None if the layers do not give as many levels.
    """
    steps: list[float] = []
    for line in header.fields.get("DepthCalDef", []):
        words = line.split()
        minutes, cycles = map(leading_number, words[7:9]) if len(words) > 8 else (0.0, 0.0)
        if not (minutes >= 0 and 0 <= cycles <= _MAX_LEVELS - len(steps)):
            return None
        steps += [60.0 * minutes] * int(cycles)
    before = leading_number(header.first("NoPreSputterCyc"))
    n_before = int(before) if 1 <= before <= n_levels else 1
    times = np.concatenate([np.zeros(n_before), np.cumsum(steps)])
    # A profile that was stopped has fewer levels than planned.
    return times[:n_levels] if times.size >= n_levels and steps else None


def read_date(header: Header) -> str:
    """Day of the measurement as 2017-06-06, "" if it is not stated."""
    words = (header.first("AcqFileDate") or header.first("FileDate")).split()
    values = [leading_number(word) for word in words[:3]]
    if len(values) != 3 or not np.isfinite(values).all():
        return ""
    year, month, day = (int(value) for value in values)
    if year < 70:
        year += 2000
    elif year < 200:  # years since 1900
        year += 1900
    if not (1950 < year < 2200 and 1 <= month <= 12 and 1 <= day <= 31):
        return ""
    return f"{year}-{month:02d}-{day:02d}"


def read_photon_energy(source: str) -> float | None:
    """Photon energy [eV] of a source such as "Mg 1253.6 std"."""
    values = map(leading_number, source[:_MAX_LABEL].split())
    return next((value for value in values if 5.0 < value < 2e4), None)
