"""Text files (.xy) of SPECS Prodigy and SpecsLab 2: a header, and a table for each scan."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import BrokenError
from xpsnet.io.common.file_bytes import HEAD_BYTES, LINE_ENDS, bare, read_decoded, start_of_text
from xpsnet.io.common.labels import leading_number, scale_of_label, set_positive, units_of_label
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import region_name
from xpsnet.io.common.stacking import Block, Floats, drop_constant, stack_blocks, variable_name

NAME = "SPECS xy"
MAX_BYTES = 64 << 20
_MAX_NUMBERS = 6 << 20
_MAX_TABLES = 20_000
_MAX_LINE = 100_000
_MAX_KEYS = 500
_MAX_TEXT = 500
_CREATED = re.compile(r"(\S{0,5}?)[ \t]*Created by:[ \t]*SpecsLab", re.IGNORECASE)
_LOOP = re.compile(
    r"(External Channel Data )?((?:(?:Cycle|Curve|Scan|Channel): *\d{1,9}(?:, *|$)){2,})(.*)",
    re.IGNORECASE,
)
_CYCLE = re.compile(r"Cycle: *\d{1,9}", re.IGNORECASE)
_PARAMETER = re.compile(r'Parameter: *"([^"]{1,200})" *= *([^\s].*)', re.IGNORECASE)
_DATE = re.compile(r"(\d\d)/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)(?: (UTC))?")
# Where the abscissa of a table is no energy of electrons.
_OTHER_MODES = ("fixedenerg", "constantfinal", "constantinitial", "detectorvoltage")
_ATTRS = {
    "analysis method": "technique",
    "analyzer": "instrument",
    "analyzer lens": "lens_mode",
    "scan mode": "acquisition_mode",
    "source": "source",
    "comment": "comment",
    "spectrum id": "spectrum_id",
    "group": "group",
}


@dataclass
class _Table:
    """One table with everything that the header said before it."""

    line: int
    loop: dict[str, int]
    settings: dict[str, str]
    parameters: dict[str, str]
    external: bool
    rows: list["array[float]"] = field(default_factory=list)


def sniff(head: bytes) -> bool:
    """Whether the first line names SpecsLab as the program."""
    return _CREATED.match(start_of_text(head)) is not None


def read(path: Path) -> Reading:
    """Read all regions.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Cycles, curves, scans and channels of a region are dimensions where they are separate.

    Raises
    ------
    ReadError
        If no table holds energies and counts.
    """
    text = read_decoded(path, MAX_BYTES)
    notes: list[str] = []
    blocks: list[Block] = []
    table: _Table | None = None
    for n_tables, table in enumerate(_tables(text, notes)):
        if n_tables >= _MAX_TABLES:
            notes.append(f"the tables from line {table.line} on are left out: too many")
            break
        try:
            if table.external:
                _add_external(table, blocks[-1] if blocks else None)
            else:
                blocks.append(_block(table))
        except BrokenError as error:
            notes.append(f"the table at line {table.line} is left out: {error}")
    notes += _end(table)
    regions: dict[str, list[Block]] = {}
    for block in blocks:
        regions.setdefault(f"{block.label} {sorted(block.attrs.items())}", []).append(block)
    for region in regions.values():
        drop_constant(region, ("cycle", "curve", "scan", "channel"))
    return Reading(stack_blocks(blocks), notes).not_empty(
        path,
        expected="at least one table of energies and counts",
        advice="export it again, with its metadata",
    )


def _end(table: _Table | None) -> list[str]:
    """Say that the last table has fewer rows than its header promises."""
    promised = table.settings.get("values/curve", "")[:9] if table else ""
    if table is None or not promised.isdecimal() or len(table.rows) >= int(promised):
        return []
    return [f"the last table, at line {table.line}, has {len(table.rows)} of {promised} rows: the "
            f"file is cut off, or the scan was stopped"]  # fmt: skip


class _Header:
    """Everything that the lines of the header have said so far."""

    def __init__(self) -> None:
        self._common: dict[str, str] = {}
        self._region: dict[str, str] = {}
        self._cycle: dict[str, str] = {}
        self._parameters: dict[str, str] = {}
        self._loop: tuple[dict[str, int], bool, int] | None = None

    def take(self, content: str, number: int) -> None:
        """Take one line, without its prefix."""
        if found := _LOOP.fullmatch(content):
            self._loop = _indices(found[2]), bool(found[1]), number
        elif _CYCLE.fullmatch(content):
            self._cycle = {}
        elif parameter := _PARAMETER.fullmatch(content):
            if len(self._parameters) < _MAX_KEYS:
                self._parameters[parameter[1]] = parameter[2]
        elif content.lower().startswith(("region:", "group:")):
            self._region, self._cycle, self._loop, self._parameters = {}, {}, None, {}
            _take(content, self._region if content[0] in "Rr" else self._common)
        elif self._loop:
            _take(content, self._cycle)
        else:
            _take(content, self._region if self._region else self._common)

    def table(self, number: int) -> _Table:
        """Begin a table whose first row is at a line."""
        indices, external, first = self._loop or ({}, False, number)
        settings = {**self._common, **self._region, **self._cycle}
        return _Table(first, indices, settings, dict(self._parameters), external)


def _tables(text: str, notes: list[str]) -> Iterator[_Table]:
    """Give the tables of a file one by one."""
    match = _CREATED.match(bare(text[:HEAD_BYTES]))
    prefix = match[1] if match else "#"
    header = _Header()
    table: _Table | None = None
    left = _MAX_NUMBERS
    for number, line in enumerate(LINE_ENDS.split(text), start=1):
        line = line.strip()
        if not line or len(line) > _MAX_LINE:
            continue
        row = None if prefix and line.startswith(prefix) else _row(line)
        if row is not None:
            left -= len(row)
            if left < 0:
                notes.append(f"everything from line {number} on is left out: too many numbers")
                break
            table = table or header.table(number)
            table.rows.append(row)
            continue
        if table is not None:
            yield table
            table = None
        header.take(line.removeprefix(prefix).strip(), number)
    if table is not None:
        yield table


def _take(content: str, target: dict[str, str]) -> None:
    """Keep a `key: value` line, and the line that tells the scale in SpecsLab 2."""
    key, colon, value = content.partition(":")
    if colon and len(target) < _MAX_KEYS:
        target[key.strip().lower()[:_MAX_TEXT]] = value.strip()[:_MAX_TEXT]
    elif content.lower().startswith("values in "):
        target["energy axis"] = content[10:_MAX_TEXT]


def _indices(text: str) -> dict[str, int]:
    """Loop indices: "Cycle: 0, Curve: 0, Scan: 2"."""
    return {key.lower(): int(n) for key, n in re.findall(r"([A-Za-z]+): *(\d{1,9})", text)}


def _row(line: str) -> "array[float] | None":
    """Numbers of a line; None if it holds words."""
    if "_" in line:
        return None
    try:
        return array("d", map(float, line.split())) or None
    except ValueError:
        return None


def _values(table: _Table) -> Floats:
    """Rows of a table that have its usual length, shape (n, columns)."""
    widths = [len(row) for row in table.rows]
    width = max(set(widths), key=widths.count)
    rows = [row for row in table.rows if len(row) == width]
    if len(rows) < 2 or width < 2:
        raise BrokenError(f"expected two columns and two rows, got {width} and {len(rows)}")
    return np.frombuffer(b"".join(rows), dtype=np.float64).reshape(-1, width)


def _block(table: _Table) -> Block:
    """Turn one table into a block."""
    settings = table.settings
    mode = settings.get("scan mode", "")
    if mode.lower().replace(" ", "").startswith(_OTHER_MODES):
        raise BrokenError(f"the scan mode {mode} has no axis of electron energies")
    values = _values(table)
    energy, counts = checked_axis(values[:, 0].copy()), values[:, 1].copy()
    counts[~np.isfinite(counts)] = np.nan
    labels = _labels(settings, values.shape[1])
    original = settings.get("region", "")
    return Block(
        region=region_name(original),
        label=original,
        energy=energy,
        counts=counts,
        scale=_scale(settings, energy),
        units=units_of_label(labels[1]) or _units(settings.get("count rate", "")),
        attrs=_attrs(settings),
        details=_details(table),
        variables={name: (float(n), "") for name, n in table.loop.items()},
        curves={labels[i]: values[:, i].copy() for i in range(2, values.shape[1])},
    )


def _labels(settings: dict[str, str], n: int) -> list[str]:
    """Names of the columns; those behind the counts are made unique."""
    text = settings.get("columnlabels", "")
    words = re.split(r"\t+| {2,}", text) if re.search(r"\t| {2}", text) else text.split()
    labels = words[:n] + [f"column {i + 1}" for i in range(len(words[:n]), n)]
    names: list[str] = labels[:2]
    for label in labels[2:]:
        name = variable_name(label, "")[0]
        names.append(name if name not in names else f"{name}_{len(names) + 1}")
    return names


def _units(count_rate: str) -> str:
    """Units of the counts: "Counts per Second" or "Counts"."""
    return "counts/s" if "per" in count_rate.lower() else units_of_label(count_rate) or "counts"


def _scale(settings: dict[str, str], energy: Floats) -> str | None:
    """Energy scale: as stated, else by the energy at which the region starts."""
    stated = scale_of_label(settings.get("energy axis", ""))
    if stated:
        return stated
    photon_energy = _number(settings, "excitation energy")
    for scale in ("binding", "kinetic"):
        start = _number(settings, f"{scale} energy")
        other = "kinetic" if scale == "binding" else "binding"
        if abs(energy[0] - start) < 1e-3:
            return scale
        if abs(energy[0] - (photon_energy - start)) < 1e-3:
            return other
    return None


def _number(settings: dict[str, str], key: str) -> float:
    """Number behind a key; NaN if there is none."""
    return leading_number(settings.get(key, ""))


def _attrs(settings: dict[str, str]) -> dict[str, str | int | float]:
    """What the blocks of one stack have in common."""
    attrs: dict[str, str | int | float] = {}
    for key, name in (("excitation energy", "photon_energy"), ("pass energy", "pass_energy")):
        set_positive(attrs, name, _number(settings, key))
    return attrs | {name: settings[key] for key, name in _ATTRS.items() if settings.get(key)}


def _details(table: _Table) -> dict[str, str | int | float]:
    """What may differ from block to block."""
    details: dict[str, str | int | float] = {}
    set_positive(details, "dwell_time", _number(table.settings, "dwell time"))
    scans = _number(table.settings, "number of scans")
    if "scan" in table.loop:
        details["n_scans"] = 1
    elif 1 <= scans < 1e9:
        details["n_scans"] = int(scans)
    date = _DATE.fullmatch(table.settings.get("acquisition date", ""))
    if date:
        month, day, year, time, zone = date.groups()
        details["acquired"] = f"20{year}-{month}-{day}T{time}{'Z' if zone else ''}"
    return details | _parameters(table.parameters)


def _parameters(parameters: dict[str, str]) -> dict[str, str | int | float]:
    """Parameters that are numbers: "Temperature [K]" is `parameter_temperature_k`."""
    found: dict[str, str | int | float] = {}
    for key, text in parameters.items():
        name = "_".join(part for part in variable_name(key, "") if part)
        value = leading_number(text)
        if np.isfinite(value):
            found["parameter_" + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")] = value
    return found


def _add_external(table: _Table, block: Block | None) -> None:
    """Put what another device has measured along with a scan beside it, over its energies."""
    values = _values(table)
    if block is None or values.shape[0] != block.energy.size:
        raise BrokenError("it is no scan, and is not as long as the scan before it")
    labels: dict[str, Any] = {}
    for i, label in enumerate(_labels(table.settings, values.shape[1])[1:], start=1):
        name = variable_name(label, "")[0]
        labels[name if name not in block.curves else f"{name}_{i}"] = values[:, i].copy()
    block.curves |= labels
