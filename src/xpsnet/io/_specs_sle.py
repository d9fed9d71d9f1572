"""Databases (.sle) of SPECS Prodigy.

Prodigy keeps a schedule (XML) of what to measure and, in tables, what was measured: a row of
`RawData` for each scan and the numbers of a scan, in one or several pieces, in `CountRateData`.
Written from the layout as public readers describe it.
"""

import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io._axis import MAX_ENERGY
from xpsnet.io._blocks import Block, Floats, drop_constant, stack_blocks
from xpsnet.io._errors import refusal, shown
from xpsnet.io._reading import Reading
from xpsnet.io._regions import region_name
from xpsnet.io._specs_detectors import DetectorError, sum_detectors
from xpsnet.io._specs_schedule import (
    Planned,
    ScheduleError,
    loop_indices,
    number_in,
    parameters_of,
    read_schedule,
)
from xpsnet.io._sqlite import Database, RefusedDatabaseError

NAME = "SPECS Prodigy database"
MAX_BYTES = 4 << 30
_MAX_NUMBERS = 64 << 20
_MAX_TEXT = 64 << 20
_MAX_NODE = 4 << 20
_MAX_BLOCKS = 50_000
_LOOPS = ("cycle", "loop", "loop_2", "loop_3", "iteration", "scan")
_MODES = ("fixedanalyzertransmission", "snapshotfat", "snapshot", "fixedretardingratio", "")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(r"(\d{4})-([A-Za-z]{3})-(\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)?")
_DTYPES = {8: "<f8", 4: "<f4", 2: "<i2"}
_ADVICE = "export the spectra from Prodigy as .xy or VAMAS"


class _BrokenError(Exception):
    """A spectrum cannot be read; becomes a note."""


@dataclass
class _Tables:
    """What of the tables is needed, each read once."""

    database: Database
    nodes: dict[str, str]
    spectra: dict[str, dict[str, Any]]
    scans: dict[str, list[dict[str, Any]]]
    pieces: dict[str, list[dict[str, Any]]]
    details: dict[str, dict[str, Any]]
    numbers_left: int = _MAX_NUMBERS
    text_left: int = _MAX_TEXT
    blocks_left: int = _MAX_BLOCKS
    parsed: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)


def sniff(head: bytes) -> bool:
    """Whether the file is an SQLite database."""
    return head.startswith(b"SQLite format 3\0")


def read(path: Path) -> Reading:
    """Read all spectra of a database.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter. It is opened read-only.

    Returns
    -------
    Reading
        Loops, iterations and scans are dimensions; scans on a detector with two dimensions keep
        `slice`.

    Raises
    ------
    ReadError
        Where it is no database of Prodigy, damaged or without spectra.
    """
    notes: list[str] = []
    spectra: list[xr.DataArray] = []
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RefusedDatabaseError(f"more than {MAX_BYTES >> 30} GiB")
        with Database(path) as database:
            planned = read_schedule(_schedule(database))
            tables = _tables(database)
            for plan in planned:
                try:
                    spectra += _spectra(plan, tables, notes)
                except _BrokenError as error:
                    notes.append(f"the spectrum {shown(plan.name)} is left out: {error}")
    except (RefusedDatabaseError, ScheduleError, OSError) as error:
        if not spectra:
            raise refusal(path, expected="a database of SPECS Prodigy", got=str(error),
                          advice=_ADVICE) from error  # fmt: skip
        notes.append(f"the rest of the database is left out: {error}")
    if not spectra:
        raise refusal(
            path,
            expected="a database of SPECS Prodigy with spectra",
            got=notes[0] if notes else "none",
            advice=_ADVICE,
        )
    return Reading(spectra, notes)


def _schedule(database: Database) -> str:
    """Find the schedule of a database."""
    if not {"configuration", "rawdata", "countratedata"} <= set(database.tables):
        named = ", ".join(sorted(database.tables)[:5]) or "none"
        raise RefusedDatabaseError(f"another database, with the tables: {named}")
    for row in database.rows("Configuration", ["Key", "Value"]):
        if row["Key"] == "Schedule" and isinstance(row["Value"], str | bytes):
            value = row["Value"]
            return value if isinstance(value, str) else value.decode("utf-8", errors="replace")
    raise RefusedDatabaseError("one without a schedule")


def _tables(database: Database) -> _Tables:
    """Read the small columns of all tables."""
    scans: dict[str, list[dict[str, Any]]] = {}
    pieces: dict[str, list[dict[str, Any]]] = {}
    for row in database.rows("RawData", ["RawID", "Node", "ScanDate", "Trace"]):
        scans.setdefault(str(row["Node"]), []).append(row)
    for row in database.rows("CountRateData", ["rowid", "RawID", "Offset", "ChunkSize", "#Data"]):
        pieces.setdefault(str(row["RawID"]), []).append(row)
    wanted = ["rowid", "Node", "EnergyChns", "NonEnergyChns", "Samples"]
    return _Tables(
        database,
        {str(r["InternalID"]): str(r["Node"])
         for r in database.rows("NodeMapping", ["InternalID", "Node"])},
        {str(row["Node"]): row for row in database.rows("Spectrum", wanted)},
        scans,
        pieces,
        {str(r["Node"]): r for r in database.rows("NodeData", ["rowid", "Node", "#Data"])},
    )  # fmt: skip


def _whole(value: Any, default: int = 1) -> int:
    """Whole number > 0 of a column."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return int(number) if 1 <= number < 1e9 and number == int(number) else default


def _parameters(tables: _Tables, number: str, tag: str) -> list[dict[str, str]]:
    """Attributes of the elements in the XML that belongs to a node."""
    node = tables.nodes.get(number, number)
    row = tables.details.get(node)
    if row is None:
        return []
    if (node, tag) not in tables.parsed:
        size = _whole(row["#Data"], 0)
        tables.text_left -= size
        if size > _MAX_NODE or tables.text_left < 0:
            raise _BrokenError("its settings are larger than settings are")
        text = tables.database.value("NodeData", "Data", row["rowid"])
        tables.parsed[node, tag] = parameters_of(text, tag)
    return tables.parsed[node, tag]


def _spectra(plan: Planned, tables: _Tables, notes: list[str]) -> list[xr.DataArray]:
    """Read all scans of one spectrum of the schedule."""
    node = tables.nodes.get(plan.number, plan.number)
    scans = tables.scans.get(node, [])
    if not scans:
        return []  # planned, and not measured
    settings = dict(plan.settings)
    for found in _parameters(tables, plan.number, "AnalyzerSpectrumParameters")[:1]:
        settings |= found
    mode = (plan.mode or settings.get("ScanMode", "")).lower()
    if mode.replace(" ", "") not in _MODES:
        raise _BrokenError(f"the scan mode {plan.mode} has no axis of electron energies")
    energy, scale = _energies(settings)
    blocks: list[Block] = []
    for scan in scans:
        try:
            counts = _counts(plan, scan, settings, energy.size, tables)
        except _BrokenError as error:
            notes.append(f"scan {scan['RawID']} of {shown(plan.name)} is left out: {error}")
            continue
        tables.blocks_left -= len(counts)
        if tables.blocks_left < 0:
            raise _BrokenError("the database holds too many scans")
        variables = {name: (float(i), "") for name, i in loop_indices(scan["Trace"]).items()}
        for k, row in enumerate(counts):
            blocks.append(
                Block(
                    region=region_name(plan.name),
                    label=plan.name,
                    energy=energy,
                    counts=row,
                    scale=scale,
                    units="counts",
                    attrs=_attrs(plan, settings),
                    details=_details(scan, settings, len(scans)),
                    variables=variables | ({"slice": (k, "")} if len(counts) > 1 else {}),
                )
            )
    if not blocks:
        raise _BrokenError("none of its scans can be read")
    _tell_units(blocks, settings, plan.name, notes)
    drop_constant(blocks, _LOOPS)
    return stack_blocks(blocks)


def _energies(settings: dict[str, str]) -> tuple[Floats, str]:
    """Energies [eV], shape (n,), and their scale."""
    n = number_in(settings, "ValuesPerCurve", "NumValues")
    start, step = number_in(settings, "KineticEnergy", "Ekin"), number_in(settings, "ScanDelta")
    end, scale = number_in(settings, "End"), "kinetic"
    if np.isnan(start):
        start, scale = number_in(settings, "Ebin"), "binding"
        step = -step
    if np.isnan(step) and n > 1:
        step = (end - start) / (n - 1)
    if not 2 <= n <= 1e6 or not np.isfinite(start) or not np.isfinite(step) or step == 0:
        raise _BrokenError(f"expected a start, a step and points, got {start:g}, {step:g}, {n:g}")
    energy = start + step * np.arange(int(n), dtype=np.float64)
    if np.abs(energy[[0, -1]]).max() > MAX_ENERGY:
        raise _BrokenError(f"expected energies in eV, got {energy[-1]:g}")
    return energy, scale


def _counts(
    plan: Planned, scan: dict[str, Any], settings: dict[str, str], n: int, tables: _Tables
) -> Floats:
    """Counts of one scan, the energy channels summed, shape (slices, n)."""
    layout = tables.spectra.get(str(scan["Node"]), {})
    n_detectors, n_slices = _whole(layout.get("EnergyChns")), _whole(layout.get("NonEnergyChns"))
    n_samples = _whole(layout.get("Samples"), n)
    total = n_samples * n_detectors * n_slices
    tables.numbers_left -= total
    if tables.numbers_left < 0:
        raise _BrokenError("the database holds too many numbers")
    pieces = tables.pieces.get(str(scan["RawID"]), [])
    pieces.sort(key=lambda piece: _whole(piece["Offset"], 0))
    values = [_numbers(piece, total, tables.database) for piece in pieces]
    counts = np.concatenate(values) if values else np.empty(0)
    if counts.size != total:
        raise _BrokenError(
            f"expected {n_samples} x {n_detectors} x {n_slices} numbers (samples, energy "
            f"channels, slices), got {counts.size}"
        )
    counts = np.where(np.isfinite(counts), counts, np.nan)
    if n_samples == 1 and n_detectors == n:
        return counts.reshape(n, n_slices).T  # a snapshot: every channel is an energy
    samples = np.moveaxis(counts.reshape(n_samples, n_detectors, n_slices), -1, 0)
    if n_detectors == 1 and n_samples == n:
        return samples[..., 0]
    return _summed(plan, samples, settings, n, tables)


def _summed(
    plan: Planned, samples: Floats, settings: dict[str, str], n: int, tables: _Tables
) -> Floats:
    """Sum the energy channels by the calibration of their detectors, shape (slices, n)."""
    detectors = _parameters(tables, plan.group_number, "Detector")
    shifts = np.array([number_in(detector, "Shift") for detector in detectors])
    pass_energy = number_in(settings, "PassEnergy", "Epass")
    step = abs(number_in(settings, "ScanDelta"))
    if shifts.size != samples.shape[-1] or not step > 0 or not np.isfinite(pass_energy):
        raise _BrokenError(
            f"expected the calibration of {samples.shape[-1]} detectors, got {shifts.size}"
        )
    offsets = shifts * pass_energy
    # The samples before the region are those that the detector of the largest shift needs.
    head = int(np.floor(max(np.nanmax(offsets), 0.0) / step + 0.5))
    try:
        return sum_detectors(samples, offsets, step, head, n)
    except DetectorError as error:
        raise _BrokenError(str(error)) from error


def _numbers(piece: dict[str, Any], limit: int, database: Database) -> Floats:
    """Numbers of one piece of a scan, unpacked where they are packed."""
    n = _whole(piece["ChunkSize"], 0)
    if not 0 < n <= limit:
        raise _BrokenError(f"expected at most {limit} numbers in a piece, got {n}")
    # What is packed is hardly ever larger than what is not.
    if _whole(piece["#Data"], 0) > 8 * n + 4096:
        raise _BrokenError(f"expected {n} numbers, got {piece['#Data']} bytes")
    data = database.value("CountRateData", "Data", piece["rowid"])
    if not isinstance(data, bytes):
        raise _BrokenError("expected bytes, got none")
    if len(data) not in (8 * n, 4 * n, 2 * n) or data[:1] == b"\x78":
        try:
            # One byte more than the largest allowed tells a bomb.
            unpacked = zlib.decompressobj().decompress(data, 8 * n + 1)
        except zlib.error:
            unpacked = data
        data = unpacked if len(unpacked) in (8 * n, 4 * n, 2 * n) else data
    if len(data) not in (8 * n, 4 * n, 2 * n):
        raise _BrokenError(f"expected {n} numbers, got {len(data)} bytes")
    return np.frombuffer(data, dtype=_DTYPES[len(data) // n]).astype(np.float64)


def _tell_units(blocks: list[Block], settings: dict[str, str], name: str, notes: list[str]) -> None:
    """Find whether the numbers are counts or rates: the database does not say it.

    Rates of a dwell time below a second are multiples of its inverse.
    """
    dwell_time = number_in(settings, "DwellTime")
    values = np.concatenate([block.counts for block in blocks[:20]])
    values = values[np.isfinite(values) & (values != 0)]
    if 0 < dwell_time < 0.75 and values.size > 20:
        counts = values * dwell_time
        if np.allclose(counts, np.round(counts), rtol=1e-6, atol=1e-4):
            for block in blocks:
                block.units = "counts/s"
            return
    if values.size and not (values == np.round(values)).all():
        notes.append(f"{shown(name)}: it is not stated whether these are counts or counts/s; "
                     f"counts are assumed")  # fmt: skip


def _attrs(plan: Planned, settings: dict[str, str]) -> dict[str, str | int | float]:
    """What the scans of a spectrum have in common."""
    attrs: dict[str, str | int | float] = {}
    photon_energy = number_in(settings, "ExcitationEnergy", "Eexc")
    pass_energy = number_in(settings, "PassEnergy", "Epass")
    if photon_energy > 0:
        attrs["photon_energy"] = photon_energy
    if pass_energy > 0:
        attrs["pass_energy"] = pass_energy
    texts = {
        "technique": settings.get("AnalysisMethod", plan.method),
        "lens_mode": settings.get("AnalyzerLensMode", settings.get("LensMode", "")),
        "acquisition_mode": plan.mode or settings.get("ScanMode", ""),
        "group": plan.group,
        "spectrum_id": plan.number,
    }
    return attrs | {name: text[:500] for name, text in texts.items() if text}


def _details(
    scan: dict[str, Any], settings: dict[str, str], n_stored: int
) -> dict[str, str | int | float]:
    """What may differ from scan to scan."""
    details: dict[str, str | int | float] = {}
    dwell_time = number_in(settings, "DwellTime")
    if dwell_time > 0:
        details["dwell_time"] = dwell_time
    planned = number_in(settings, "NumScans")
    is_single = n_stored > 1 or "scan" in loop_indices(scan["Trace"])
    details["n_scans"] = 1 if is_single or not 1 <= planned < 1e9 else int(planned)
    date = _DATE.fullmatch(str(scan["ScanDate"] or "")[:60])
    if date and date[2].lower() in _MONTHS:
        month = _MONTHS.index(date[2].lower()) + 1
        details["acquired"] = f"{date[1]}-{month:02d}-{date[3]}T{date[4]}"
    return details
