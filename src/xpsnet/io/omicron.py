"""Text of Omicron EIS, and of beamlines with a CLAM2 analyzer (EDC scans)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from xpsnet.io.common.energy_axis import axis_problem, checked_axis, places, union
from xpsnet.io.common.errors import refusal, shown
from xpsnet.io.common.file_bytes import LINE_ENDS, bare, read_decoded, start_of_text
from xpsnet.io.common.labels import number_of_text, photon_energy_of, set_positive
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region, region_name
from xpsnet.io.common.stacking import Block, Floats, stack_blocks

NAME = "Omicron EIS or CLAM2"
MAX_BYTES = 64 << 20
MAX_SCANS = 10_000
_EIS_HEAD = re.compile(
    r"(?:Region\tEnabled\t|\d+\t(?:true|false)\t[^\t\n]*\t[-\d.]+\t[-\d.]+\t|Layer\tEnabled\t)",
    re.IGNORECASE,
)
_EDC_WORDS = ("Fix Photon Energy", "Kinetic Energy Scan")
_SCAN = re.compile(r"\s*Scan\s*:\s*\d+\s*")
_CAE = re.compile(r"\bCAE\s*=\s*(\d{1,5}(?:\.\d{1,5})?)")
_N_COLUMNS = 4  # energy, rate and two currents


def sniff(head: bytes) -> bool:
    """Whether the text begins as one of EIS does, or says that it is an EDC scan."""
    text = start_of_text(head)
    if _EIS_HEAD.match(text):
        return "Energy\t" in text or "Sweeps" in text
    return all(word in text for word in _EDC_WORDS)


def read(path: Path) -> Reading:
    """Read all regions of an EIS text, or all scans of an EDC text.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Layers without counts are left out and named in the notes.

    Raises
    ------
    ReadError
        If there is no spectrum.
    """
    text = LINE_ENDS.sub("\n", read_decoded(path, MAX_BYTES))
    read_lines = _read_eis if _EIS_HEAD.match(bare(text)) else _read_edc
    return read_lines(path, text.split("\n"))


@dataclass
class _Layer:
    """One table of an EIS text with the words above it."""

    region: dict[str, str]
    layer: dict[str, str]
    line: int
    rows: list[list[float]] = field(default_factory=list)


def _read_eis(path: Path, lines: list[str]) -> Reading:
    """Read regions with their layers."""
    notes: list[str] = []
    stray: list[int] = []
    blocks: list[Block] = []
    for layer in _layers(lines, stray):
        name = f"region {layer.region.get('region', '?')}, layer {layer.layer.get('layer', '?')}"
        try:
            if layer.layer.get("enabled", "").lower() == "false":
                raise ValueError("it is not enabled")
            blocks.append(_block(layer))
        except ValueError as error:
            notes.append(f"{name} (line {layer.line}) is left out: {error}")
    _note_stray(stray, lines, notes)
    # Energies that reach zero can only be binding energies; else the text does not tell.
    if any(block.energy.min() <= 0 for block in blocks):
        for block in blocks:
            block.scale = "binding"
    return Reading(stack_blocks(blocks), notes).not_empty(
        path, expected="at least one layer with counts", advice="export it again from EIS"
    )


def _note_stray(stray: list[int], lines: list[str], notes: list[str]) -> None:
    """Tell of lines that are no numbers where numbers should be."""
    if stray:
        others = f" and {len(stray) - 1} more lines" if len(stray) > 1 else ""
        notes.append(
            f"line {stray[0]}{others} left out: expected an energy and counts, got "
            f"{shown(lines[stray[0] - 1][:200])}"
        )


def _layers(lines: list[str], stray: list[int]) -> Iterator[_Layer]:
    """Cut the text into layers; numbers of lines that do not belong go to `stray`."""
    region: dict[str, str] = {}
    layer: dict[str, str] = {}
    keys: list[str] = []
    current = _Layer(region, layer, 1)
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not any(cells):
            continue
        if cells[0] in ("Region", "Layer", "Energy"):
            if current.rows:
                yield current
            current = _Layer(region, layer, number)
            keys = [cell.lower() for cell in cells]
            if keys[0] == "region":
                layer = {}
        elif keys[:1] == ["region"] or _is_region(cells):
            region, layer = dict(zip(keys or _REGION_KEYS, cells, strict=False)), {}
            keys = []
        elif keys[:1] == ["layer"]:
            layer, keys = dict(zip(keys, cells, strict=False)), []
        else:
            row = _row(cells)
            if row:
                current.region, current.layer = region, layer
                current.rows.append(row)
            else:
                stray.append(number)
    if current.rows:
        yield current


_REGION_KEYS = ["region", "enabled", "dataflag", "start", "end", "step", "sweeps", "dwell", "mode",
                "cae/crr", "mag", "divide by ten", "notes", "function", "line-style",
                "point-style", "sweeps-acquired"]  # fmt: skip


def _is_region(cells: list[str]) -> bool:
    """Whether these are the values of a region whose labels were cut off."""
    return len(cells) >= 12 and cells[0].isdecimal() and cells[1].lower() in ("true", "false")


def _row(cells: list[str]) -> list[float] | None:
    """Numbers of a line, None if one is none."""
    try:
        row = [float(cell) for cell in cells if cell]
    except ValueError:
        return None
    return row if len(row) >= 2 else None


def _block(layer: _Layer) -> Block:
    """Turn a layer into a block; ValueError tells what is wrong with it."""
    table = np.array([row[:2] for row in layer.rows], dtype=np.float64)
    energy, counts = table.T
    counts[~np.isfinite(counts)] = np.nan
    checked_axis(energy)
    if not counts.any():
        raise ValueError("all its counts are zero")
    region = layer.region
    notes = region.get("notes", "")[:200]
    attrs: dict[str, str | int | float] = {"instrument": "Omicron EIS"}
    if region.get("mode", "").upper() == "CAE":
        set_positive(attrs, "pass_energy", _number(region, "cae/crr"))
    details: dict[str, str | int | float] = {}
    if _number(region, "dwell") > 0:
        acquired, planned = _number(region, "sweeps-acquired"), _number(region, "sweeps")
        sweeps = acquired if 1 <= acquired < 1e6 else planned
        details["dwell_time"] = _number(region, "dwell")
        details["n_scans"] = int(sweeps) if 1 <= sweeps < 1e6 else 1
    return Block(
        region=region_name(notes),
        label=notes,
        energy=energy,
        counts=counts,
        scale=None,
        units="counts",
        attrs=attrs,
        details=details,
    )


def _number(words: dict[str, str], key: str) -> float:
    """Number of a cell, NaN if it holds none."""
    return number_of_text(words.get(key, ""), 1e9)


def _read_edc(path: Path, lines: list[str]) -> Reading:
    """Read the scans of an EDC text into one array over scan and energy."""
    notes: list[str] = []
    stray: list[int] = []
    header, scans = _scans(path, lines, stray)
    _note_stray(stray, lines, notes)
    tables = []
    for line, rows in scans:
        table = np.array(rows, dtype=np.float64)
        problem = axis_problem(table[:, 0])
        if problem:
            notes.append(f"the scan at line {line} is left out: {problem}")
            continue
        tables.append(table)
    if not tables:
        got = notes[0] if notes else "none: the measurement was stopped before its first scan"
        raise refusal(
            path, expected='at least one block "Scan : n" with energies and counts', got=got
        )
    spectrum = _stack(tables)
    attrs: dict[str, str | int | float] = {"scale": "kinetic", "units": "counts/s"}
    set_positive(attrs, "photon_energy", photon_energy_of(header))
    cae = _CAE.search(header)
    set_positive(attrs, "pass_energy", float(cae[1]) if cae else None)
    attrs["instrument"] = "CLAM2"
    spectrum.name = find_region(path.stem)
    if spectrum.name:
        attrs["region_original"] = path.stem
    return Reading([spectrum.assign_attrs(attrs)], notes)


def _scans(
    path: Path, lines: list[str], stray: list[int]
) -> tuple[str, list[tuple[int, list[list[float]]]]]:
    """Header, and for each scan its line and its rows of energy, rate and two currents."""
    header: list[str] = []
    scans: list[tuple[int, list[list[float]]]] = []
    for number, line in enumerate(lines, start=1):
        if _SCAN.fullmatch(line[:200]):
            scans.append((number, []))
        elif not scans:
            header.append(line[:500])
        elif line.strip():
            row = _row(line.split())
            if row is None:
                stray.append(number)
            else:
                scans[-1][1].append([*row, np.nan, np.nan][:_N_COLUMNS])
    if len(scans) > MAX_SCANS:
        raise refusal(path, expected=f"at most {MAX_SCANS} scans", got=f"{len(scans)}")
    return "\n".join(header[:1000]), [(line, rows) for line, rows in scans if rows]


def _stack(tables: list[Floats]) -> xr.DataArray:
    """Scans over the union of their energies; the last one may have been stopped."""
    axes = [table[:, 0] for table in tables]
    energy = axes[0] if all(np.array_equal(axes[0], axis) for axis in axes) else union(axes)
    columns = np.full((_N_COLUMNS, len(tables), energy.size), np.nan)
    for k, table in enumerate(tables):
        columns[:, k, places(table[:, 0], energy)] = table.T
    columns[~np.isfinite(columns)] = np.nan
    dims = ("scan", "energy")
    stack = xr.DataArray(
        columns[1],
        {
            "energy": energy,
            "scan": np.arange(len(tables)),
            "ie": (dims, columns[2], {"units": "mA"}),
            "ip": (dims, columns[3], {"units": "A"}),
        },
        dims,
    )
    return stack if len(tables) > 1 else stack[0].drop_vars("scan")
