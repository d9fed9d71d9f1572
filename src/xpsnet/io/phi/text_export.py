"""Text that MultiPak exports: the Exporter's `.txt` and the `.csv` of "save as ASCII".

The Exporter repeats the header of the measured file and lets tables follow. Above each stand a
line of names between `//` and the values of these names; the rows hold an energy and the counts of
every cycle. Tables against sputter time or angle hold the areas of a profile: they give these
coordinates to the spectra of the same name, and are no spectra themselves.

In the `.csv` stand a number, a description of the area, the name of the region, numbers and
perhaps a line `file#,2,4` above each table; a row of zeros fills up the shorter ones.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

import numpy as np
import xarray as xr

from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import BrokenError, shown
from xpsnet.io.common.file_bytes import LINE_ENDS, checked_text, read_bytes, start_of_text
from xpsnet.io.common.labels import (
    is_energy_label,
    scale_of_label,
    set_positive,
    units_of_label,
)
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region, region_name
from xpsnet.io.common.stacking import Block, Floats, stack_blocks, variable_name
from xpsnet.io.phi.header import (
    Header,
    Region,
    layer_times,
    read_date,
    read_photon_energy,
    read_regions,
)

NAME = "PHI MultiPak text"
MAX_BYTES = 64 << 20
_MAX_HEADER = 60  # lines above a table
_MAX_TABLES = 5000
_MAX_NUMBERS = 6 << 20
_MAX_TEXT = 200
_NAMES = re.compile(r"//\s*(Area Comment\b.*)", re.IGNORECASE)
_SPLIT = re.compile(r"[,;\t]\s*|\s+")
_INTEGER = re.compile(r"\d{1,9}")
_INTEGERS = re.compile(r"\d{1,9}(?:\s*[,;\t]\s*\d{1,9})*\s*[,;\t]?")
_FILES = re.compile(r"file\s*#", re.IGNORECASE)
_AXIS = re.compile(r"[A-Za-z][\w ./-]{1,60}\s*[(\[][^)\]]{1,20}[)\]]\s*(?:,\s*reverse)?")
_NO_COMMENT = {"", "no area description", "none"}
_SECONDS = {"min": 60.0, "h": 3600.0}


@dataclass
class _Table:
    """One table: what its header says, and its rows."""

    line: int
    name: str
    area: str = ""
    x: str = ""
    y: str = ""
    promised: int = 0
    files: tuple[float, ...] = ()
    rows: list[list[float]] = field(default_factory=list)

    def values(self) -> Floats:
        """Rows of the usual length, shape (n, columns)."""
        widths = [len(row) for row in self.rows]
        width = max(set(widths), key=widths.count, default=0)
        rows = [row for row in self.rows if len(row) == width]
        if len(rows) < 2 or width < 2:
            raise BrokenError(f"expected two columns and two rows, got {width} and {len(rows)}")
        return np.array(rows, dtype=np.float64)


def sniff(head: bytes) -> bool:
    """Whether the names above a table stand between `//`, or the text begins as the csv does."""
    text = start_of_text(head)
    return re.search(r"(?:\A|\n)//\s*Area Comment\b", text) is not None or _is_csv(text)


def _is_csv(text: str) -> bool:
    """Whether a text begins with a number, two lines of words, numbers, and a table."""
    lines = [line.strip() for line in text.split("\n")[:7]]
    if len(lines) < 6 or not _INTEGER.fullmatch(lines[0]):
        return False
    name, numbers, first = lines[2:5]
    named = _FILES.match(first) or (find_region(name) and _row(first) is not None)
    return bool(named and _INTEGERS.fullmatch(numbers) and not _INTEGERS.fullmatch(name))


def read(path: Path) -> Reading:
    """Read all regions of a text that MultiPak has exported.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Counts or counts per second, as the tables are labeled; profiles over `etch_time`.

    Raises
    ------
    ReadError
        If no table holds energies and counts.
    """
    return read_text(path, checked_text(path, read_bytes(path, MAX_BYTES)))


def read_text(path: Path, text: str) -> Reading:
    """Read a decoded text; as `read`."""
    notes: list[str] = []
    lines = LINE_ENDS.split(text)
    is_csv = _is_csv(start_of_text(text[:4096].encode()))
    tables = _csv_tables(lines) if is_csv else _tables(lines)
    header = _header(lines)
    return Reading(_spectra(tables, header, notes), notes).not_empty(
        path,
        expected="at least one table of energies and counts",
        advice="export the spectra from MultiPak again, or open the .spe or .pro file",
    )


def _header(lines: Sequence[str]) -> Header:
    """The header of the measured file, as far as it is repeated."""
    header = Header()
    for line in takewhile(lambda line: not line.lstrip().startswith("//"), lines[:5000]):
        key, colon, value = line.partition(":")
        if colon and len(key) < 40:
            header.fields.setdefault(key.strip(), []).append(value.strip())
    return header


def _tables(lines: Sequence[str]) -> list[_Table]:
    """Tables of the Exporter: the lines above each name it and its columns."""
    tables: list[_Table] = []
    above: list[str] = []
    current: _Table | None = None
    taken = n_numbers = 0
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        # Values of names are no rows, whatever they hold.
        row = None if number <= taken or not line else _row(line)
        if row is None:
            current = None
            above = above[-_MAX_HEADER:]
            if names := _NAMES.fullmatch(line):
                above, taken = [line], number + len(_names(names[1]))
            elif line or (above and above[0].startswith("//")):
                above.append(line)
            continue
        if current is None:
            if len(tables) >= _MAX_TABLES:
                break
            current = _described(number, above)
            tables.append(current)
            above = []
        current.rows.append(row)
        n_numbers += len(row)
        if n_numbers > _MAX_NUMBERS:
            break
    return tables


def _names(text: str) -> list[str]:
    """Names of what stands below a line between `//`."""
    return [name.strip().lower() for name in text.rstrip("/ ").split(",")]


def _described(number: int, above: list[str]) -> _Table:
    """A table with what the lines above it say."""
    if above and (names := _NAMES.fullmatch(above[0])):
        stated = dict(zip(_names(names[1]), above[1:], strict=False))
        table = _Table(number, stated.get("atomicname", ""), stated.get("area comment", ""))
        table.x, table.y = stated.get("xlabel", ""), stated.get("ylabel", "")
        count = stated.get("datacount", "")
    else:
        words = [line for line in above if line and not _INTEGER.fullmatch(line)]
        words = [line for line in words if not re.match(r"\w+: |SOFH|EOFH|SOFE", line)]
        at = next((i for i, line in enumerate(words) if _AXIS.fullmatch(line)), len(words))
        table = _Table(number, words[max(at - 1, 0)] if words[:at] else "")
        table.x, table.y = [*words[at : at + 2], "", ""][:2]
        count = next((line for line in reversed(above) if _INTEGER.fullmatch(line)), "")
    table.promised = int(count) if _INTEGER.fullmatch(count) else 0
    return table


def _csv_tables(lines: Sequence[str]) -> list[_Table]:
    """Tables of the csv: each begins with a line that is a single number."""
    starts = [i for i, line in enumerate(lines) if _begins_csv(lines, i)][:_MAX_TABLES]
    tables = []
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        area, name = lines[start + 1].strip(), lines[start + 2].strip()
        table = _Table(start + 1, name[:_MAX_TEXT], area[:_MAX_TEXT])
        at = start + 4
        if at < stop and _FILES.match(lines[at].strip()):
            numbers = _row(lines[at].strip().partition(",")[2])
            table.files = tuple(numbers or ())
            at += 1
        rows = (_row(line.strip()) for line in lines[at:stop])
        table.rows = [row for row in takewhile(lambda row: row is None or any(row), rows) if row]
        tables.append(table)
    return tables


def _begins_csv(lines: Sequence[str], i: int) -> bool:
    """Whether a header of the csv begins at a line."""
    if not _INTEGER.fullmatch(lines[i].strip()) or i + 4 >= len(lines):
        return False
    name, numbers = lines[i + 2].strip(), lines[i + 3].strip()
    return bool(name) and _row(name) is None and _INTEGERS.fullmatch(numbers) is not None


def _row(line: str) -> list[float] | None:
    """Numbers of a line of at least two; None if it is no row."""
    if not line or line[0] not in "+-.0123456789" or "_" in line:
        return None
    try:
        row = [float(word) for word in _SPLIT.split(line.rstrip(",;\t ")) if word]
    except ValueError:
        return None
    return row if len(row) > 1 else None


def _spectra(tables: Sequence[_Table], header: Header, notes: list[str]) -> list[xr.DataArray]:
    """Stacks of the spectra, each with the profile of its name."""
    profiles = [table for table in tables if table.x and not is_energy_label(table.x)]
    regions = {region.label: region for region in read_regions(header, notes).values()}
    blocks: list[Block] = []
    left = list(profiles)
    for table in tables:
        if any(table is one for one in profiles):
            continue
        if 0 < len(table.rows) < table.promised:
            notes.append(
                f"the table at line {table.line} has {len(table.rows)} of {table.promised} rows: "
                f"the file is cut off"
            )
        try:
            own, profile = _blocks(table, profiles, header, regions.get(table.name))
        except BrokenError as error:
            notes.append(f"the table at line {table.line} is left out: {error}")
            continue
        blocks += own
        left = [one for one in left if one is not profile]
        if table.x and len(own) > 1 and "cycle" in own[0].variables:
            notes.append(f"region {table.name}: the file does not state its sputter times")
    if left:
        notes.append(
            f"{len(left)} tables over {shown(left[0].x)} are left out, the first at line "
            f"{left[0].line}: they are no spectra, and belong to none of the same name and size"
        )
    return stack_blocks(blocks)


def _blocks(
    table: _Table, profiles: Sequence[_Table], header: Header, region: Region | None
) -> tuple[list[Block], _Table | None]:
    """One block for each column of counts, and the profile that belongs to them."""
    values = table.values()
    values[~np.isfinite(values)] = np.nan
    energy = checked_axis(values[:, 0].copy())
    n = values.shape[1] - 1
    profile = next((one for one in profiles if _belongs(one, table, n)), None)
    area = "" if table.area.lower() in _NO_COMMENT else table.area[:_MAX_TEXT]
    whole = bool((values[:, 1:] == np.round(values[:, 1:])).all())
    block = Block(
        region=region_name(table.name),
        label=table.name[:_MAX_TEXT],
        energy=energy,
        counts=values[:, 1],
        scale=scale_of_label(table.x),
        units=units_of_label(table.y) or ("counts" if whole else "counts/s"),
        sample=area,
        attrs=_attrs(header, region),
        details={"sample": area} if area else {},
    )
    if region and 0 < region.seconds < 1e7:
        block.details |= {
            "dwell_time": region.seconds / region.n_sweeps,
            "n_scans": region.n_sweeps,
        }
    name, unit, places, areas = _places(profile, table, header, n)
    blocks = []
    for i in range(n):
        details = block.details | ({"vendor_area": float(areas[i])} if areas is not None else {})
        variables = {name: (float(places[i]), unit)} if n > 1 or profile else {}
        counts = values[:, i + 1].copy()
        blocks.append(replace(block, counts=counts, details=details, variables=variables))
    return blocks, profile


def _belongs(profile: _Table, table: _Table, n: int) -> bool:
    """Whether a profile has the name and the area of a table, and a row for each column."""
    same = (profile.name, profile.area) == (table.name, table.area)
    return same and len(profile.rows) == n and len(profile.rows[0]) >= 2


def _places(
    profile: _Table | None, table: _Table, header: Header, n: int
) -> tuple[str, str, Floats, Floats | None]:
    """Name, unit and values of what tells the columns apart, and the areas of the profile."""
    if profile is not None:
        rows = np.array([row[:2] for row in profile.rows])
        name, unit = variable_name(profile.x.partition(",")[0], "")
        if re.search(r"sputter|etch", profile.x, re.IGNORECASE) and "depth" not in name:
            return "etch_time", "s", rows[:, 0] * _SECONDS.get(unit.lower(), 1.0), rows[:, 1]
        return name, unit, rows[:, 0], rows[:, 1]
    if len(table.files) == n:
        return "file_number", "", np.array(table.files), None
    times = layer_times(header, n) if n > 1 else None
    if times is not None:
        return "etch_time", "s", times, None
    return "cycle", "", np.arange(n, dtype=np.float64), None


def _attrs(header: Header, region: Region | None) -> dict[str, str | int | float]:
    """What the repeated header states."""
    attrs: dict[str, str | int | float] = {}
    source = header.first("XraySource")[:_MAX_TEXT]
    set_positive(attrs, "photon_energy", read_photon_energy(source))
    if region is not None:
        set_positive(attrs, "pass_energy", region.pass_energy)
    texts = {
        "technique": header.first("Technique"),
        "instrument": header.first("InstrumentModel"),
        "x_ray_source": source,
        "acquired": read_date(header),
    }
    return attrs | {key: text[:_MAX_TEXT] for key, text in texts.items() if text}
