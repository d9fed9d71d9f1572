"""Text files of Scienta's SES: an INI-like header and a table for each region."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import BrokenError
from xpsnet.io.common.file_bytes import read_decoded, start_of_text
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.stacking import Floats
from xpsnet.io.scienta.settings import (
    Axis,
    complete,
    number_of,
    pairs,
    scale_of,
    stage_lines,
    to_spectrum,
)

NAME = "Scienta SES text"
MAX_BYTES = 128 << 20
_MAX_LINE = 4 << 20
_MAX_NUMBERS = 8 << 20
_MAX_REGIONS = 10_000
_MAX_TABLES = 20_000
_SECTION = re.compile(r"\[([A-Za-z][A-Za-z ]{0,60}?) ?(\d{1,7})?(?::(\d{1,7}))?\]")
_MANIPULATOR = ("manipulator", "user interface information")


@dataclass
class _Region:
    """The sections of one region, and its tables in the order of the file."""

    line: int
    region: list[str] = field(default_factory=list)
    info: list[str] = field(default_factory=list)
    manipulator: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    tables: list["_Table"] = field(default_factory=list)


@dataclass
class _Table:
    """Rows of numbers below `[Data n]`, and the lines that are none."""

    rows: list["array[float]"] = field(default_factory=list)
    stray: list[int] = field(default_factory=list)


def sniff(head: bytes) -> bool:
    """Whether the file begins with [Info] and the number of regions."""
    start = start_of_text(head)[:1000]
    return start.startswith("[Info]") and "Number of Regions" in start


def read(path: Path) -> Reading:
    """Read all regions of a text file of SES.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Images keep their dimension (`angle`), single slices are one-dimensional.

    Raises
    ------
    ReadError
        If no region holds a table of energies and counts.
    """
    text = read_decoded(path, MAX_BYTES)
    notes: list[str] = []
    promised, regions, others = _regions(text, notes)
    del text
    spectra: list[xr.DataArray] = []
    for number, region in regions.items():
        try:
            region.others += others
            spectra.append(_spectrum(region, f"region {number}", notes))
        except BrokenError as error:
            notes.append(f"region {number} at line {region.line} is left out: {error}")
    if promised > len(regions):
        notes.append(f"the header promises {promised:g} regions, the file holds {len(regions)}")
    return Reading(spectra, notes).not_empty(
        path,
        expected="at least one [Data] section with energies and counts",
        advice="export it again from SES",
    )


def _lines_of(text: str) -> Iterator[str]:
    """Lines of a text with any line ends, one at a time."""
    pattern = "[^\n]*\n?" if "\n" in text else "[^\r]*\r?"
    return (match[0].strip() for match in re.finditer(pattern, text))


def _regions(text: str, notes: list[str]) -> tuple[float, dict[int, _Region], list[str]]:
    """Sort the lines of a file into regions; also the number of regions that it promises.

    Last come the lines of sections that belong to the whole file, such as [BCS].
    """
    regions: dict[int, _Region] = {}
    others: list[str] = []
    header: list[str] = []
    target: list[str] = header
    table: _Table | None = None
    left, n_tables = _MAX_NUMBERS, 0
    for number, line in enumerate(_lines_of(text), start=1):
        match = _SECTION.fullmatch(line) if line.startswith("[") else None
        if match is None:
            if table is not None and line and left <= 0:
                notes.append(f"everything from line {number} on is left out: too many numbers")
                break
            if table is not None:
                left -= _take_row(table, line, number)
            elif len(target) < 5000:
                target.append(line)
            continue
        kind, which = match[1].lower(), int(match[2] or 0)
        table = None
        if not which:
            # Sections without a number belong to the file, or to the part before them.
            target = header if kind == "info" else others
            continue
        if which not in regions and len(regions) >= _MAX_REGIONS:
            break
        region = regions.setdefault(which, _Region(number))
        if kind == "data":
            table = _Table()
            n_tables += 1
            if n_tables > _MAX_TABLES:
                notes.append(f"everything from line {number} on is left out: too many tables")
                break
            region.tables.append(table)
        elif kind in ("region", "info"):
            target = getattr(region, kind)
        else:
            target = region.manipulator if kind in _MANIPULATOR else region.others
    return number_of(pairs(header), "number of regions"), regions, others


def _take_row(table: _Table, line: str, number: int) -> int:
    """Add a row to a table, or note that the line is none; the number of numbers in it."""
    if not line:
        return 0
    if "," in line and "." not in line:
        line = line.replace(",", ".")
    if len(line) < _MAX_LINE and "_" not in line:
        try:
            table.rows.append(array("d", map(float, line.split())))
            return len(table.rows[-1])
        except ValueError:
            pass  # words
    # Settings follow a table in some files; they are no damage.
    if "=" not in line:
        table.stray.append(number)
    return 0


def _spectrum(region: _Region, where: str, notes: list[str]) -> xr.DataArray:
    """Build one region."""
    layout, info = pairs(region.region), pairs(region.info)
    info.setdefault("region name", layout.get("region name", ""))
    complete(info, [*region.others, *region.manipulator], notes, where)
    tables = [_values(table, layout, where, notes) for table in region.tables]
    if not tables:
        raise BrokenError("it has no [Data] section")
    energy = tables[0][0]
    alike = [counts for axis, counts in tables if np.array_equal(axis, energy)]
    if len(alike) < len(tables):
        notes.append(f"{where}: {len(tables) - len(alike)} tables on other energies left out")
    checked_axis(energy)
    label = layout.get("dimension 1 name", "")
    axes = [_axis(layout, 2, alike[0].shape[0])]
    counts = alike[0]
    if len(alike) > 1:
        if len({part.shape for part in alike}) > 1:
            raise BrokenError("its [Data] sections have different numbers of slices")
        axes.insert(0, _axis(layout, 3, len(alike)))
        counts = np.stack(alike)
    scale = scale_of(info, label, notes, where)
    stage = [*region.manipulator, *stage_lines(region.others)]
    return to_spectrum(counts, energy, axes, info, scale, stage)


def _values(
    table: _Table, layout: dict[str, str], where: str, notes: list[str]
) -> tuple[Floats, Floats]:
    """Energies (n,) and counts (slices, n) of one table."""
    scale = _numbers(layout.get("dimension 1 scale", ""))
    widths = [len(row) for row in table.rows]
    width = max(set(widths), key=widths.count, default=0)
    rows = [row for row in table.rows if len(row) == width]
    n_bad = len(table.rows) - len(rows) + len(table.stray)
    if n_bad:
        first = f" (the first at line {table.stray[0]})" if table.stray else ""
        notes.append(f"{where}: {n_bad} lines{first} left out: no rows of {width} numbers")
    if len(rows) < 2 or width < 1:
        raise BrokenError(f"expected a table of energies and counts, got {len(rows)} rows")
    values = np.frombuffer(b"".join(rows), dtype=np.float64).reshape(-1, width)
    declared = number_of(layout, "dimension 1 size")
    if declared > 0 and declared != len(rows):
        notes.append(f"{where}: the header promises {declared:g} energies, there are {len(rows)}")
    slices = number_of(layout, "dimension 2 size")
    if scale.size == len(rows) and (width == 1 or width == slices):
        energy, counts = scale, values
    elif width == 1:
        raise BrokenError("expected a column of energies before the counts, got one column")
    else:
        energy, counts = values[:, 0], values[:, 1:]
    return energy.copy(), np.where(np.isfinite(counts), counts, np.nan).T


def _axis(layout: dict[str, str], number: int, size: int) -> Axis:
    """Dimension 2 (slices, angles) or 3 of an image."""
    label = layout.get(f"dimension {number} name", "" if number == 2 else "position")[:300]
    values = _numbers(layout.get(f"dimension {number} scale", ""))
    return Axis(label, values if values.size == size else np.empty(0))


def _numbers(text: str) -> Floats:
    """Numbers of a line; none if one of them is no number."""
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    if len(text) > _MAX_LINE:
        return np.empty(0)
    try:
        return np.array([float(word) for word in text.split()], dtype=np.float64)
    except ValueError:
        return np.empty(0)
