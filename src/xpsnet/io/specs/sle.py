"""Databases (.sle) of SPECS Prodigy.

Prodigy keeps a schedule (XML) of what to measure and, in tables, what was measured. Written from
the layout as public readers describe it.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import BrokenError, refusal, shown
from xpsnet.io.common.labels import set_positive
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import region_name
from xpsnet.io.common.sqlite_readonly import Database, RefusedDatabaseError
from xpsnet.io.common.stacking import Block, Floats, Variable, drop_constant, stack_blocks
from xpsnet.io.specs.detectors import sum_detectors
from xpsnet.io.specs.schedule import Planned, ScheduleError, loop_indices, number_in, read_schedule
from xpsnet.io.specs.sle_tables import Tables, read_tables, schedule_of, whole

NAME = "SPECS Prodigy database"
MAX_BYTES = 4 << 30
_LOOPS = ("cycle", "loop", "loop_2", "loop_3", "iteration", "scan")
_RATIO = "fixedretardingratio"
_MODES = ("fixedanalyzertransmission", "snapshotfat", "snapshot", _RATIO, "")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(r"(\d{4})-([A-Za-z]{3})-(\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)?")
_ADVICE = "export the spectra from Prodigy as .xy or VAMAS"


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
        If it is no database of Prodigy, damaged or without spectra.
    """
    notes: list[str] = []
    spectra: list[xr.DataArray] = []
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RefusedDatabaseError(f"more than {MAX_BYTES >> 30} GiB")
        with Database(path) as database:
            planned = read_schedule(schedule_of(database))
            tables = read_tables(database)
            for plan in planned:
                try:
                    spectra += _spectra(plan, tables, notes)
                except BrokenError as error:
                    notes.append(f"the spectrum {shown(plan.name)} is left out: {error}")
            if tables.external:
                channels = ", ".join(map(shown, tables.external))
                notes.append(f"external channels are left out: {channels}; export it as .xy")
    except (RefusedDatabaseError, ScheduleError, OSError) as error:
        if not spectra:
            raise refusal(path, expected="a database of SPECS Prodigy", got=str(error),
                          advice=_ADVICE) from error  # fmt: skip
        notes.append(f"the rest of the database is left out: {error}")
    return Reading(spectra, notes).not_empty(
        path, expected="a database of SPECS Prodigy with spectra", advice=_ADVICE
    )


def _spectra(plan: Planned, tables: Tables, notes: list[str]) -> list[xr.DataArray]:
    """Read all scans of one spectrum of the schedule."""
    scans = tables.scans.get(tables.nodes.get(plan.number, plan.number), [])
    if not scans:
        return []  # planned, and not measured
    settings = dict(plan.settings)
    for found in tables.parameters(plan.number, "AnalyzerSpectrumParameters")[:1]:
        settings |= found
    _check_mode(plan, settings, tables.spectra.get(str(scans[0]["Node"]), {}))
    energy, scale = _energies(settings)
    template = Block(
        region=region_name(plan.name),
        label=plan.name,
        energy=energy,
        counts=energy,
        scale=scale,
        units="counts",
        attrs=_attrs(plan, settings),
    )
    transmission = _transmission(plan, scans[0], energy.size, tables, notes)
    blocks: list[Block] = []
    for scan in scans:
        try:
            counts = _counts(plan, scan, settings, energy.size, tables)
        except BrokenError as error:
            notes.append(f"scan {scan['RawID']} of {shown(plan.name)} is left out: {error}")
            continue
        tables.blocks_left -= len(counts)
        if tables.blocks_left < 0:
            raise BrokenError("the database holds too many scans")
        details = _details(scan, settings, len(scans))
        blocks += _slices(replace(template, details=details), scan, counts, transmission)
    if not blocks:
        raise BrokenError("none of its scans can be read")
    _tell_units(blocks, settings, plan.name, notes)
    drop_constant(blocks, _LOOPS)
    return stack_blocks(blocks)


def _mode(plan: Planned, settings: dict[str, str]) -> str:
    """Scan mode, in one spelling."""
    return (plan.mode or settings.get("ScanMode", "")).lower().replace(" ", "")


def _check_mode(plan: Planned, settings: dict[str, str], layout: dict[str, Any]) -> None:
    """Refuse scan modes whose energies are not known."""
    mode = _mode(plan, settings)
    if mode not in _MODES:
        raise BrokenError(f"the scan mode {plan.mode} has no axis of electron energies")
    if mode == _RATIO and whole(layout.get("EnergyChns")) > 1:
        # Their shifts grow with the energy, and how far a scan reaches out is not known.
        raise BrokenError("several detectors at a fixed retarding ratio: export it as .xy")


def _slices(
    template: Block, scan: dict[str, Any], counts: Floats, transmission: Floats | None
) -> list[Block]:
    """Make a block of every slice of a scan."""
    loops: dict[str, Variable] = {
        name: (float(i), "") for name, i in loop_indices(scan["Trace"]).items()
    }
    blocks = []
    for k, row in enumerate(counts):
        variables: dict[str, Variable] = {"slice": (float(k), "")} if len(counts) > 1 else {}
        curves = {}
        if transmission is not None:
            curves["transmission"] = transmission[k if len(transmission) > 1 else 0]
        blocks.append(replace(template, counts=row, variables=loops | variables, curves=curves))
    return blocks


def _transmission(
    plan: Planned, scan: dict[str, Any], n: int, tables: Tables, notes: list[str]
) -> Floats | None:
    """Transmission of the analyzer, shape (1 or slices, n); a damaged one becomes a note."""
    try:
        return tables.transmission(str(scan["Node"]), n)
    except BrokenError as error:
        notes.append(f"the transmission of {shown(plan.name)} is left out: {error}")
        return None


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
        raise BrokenError(f"expected a start, a step and points, got {start:g}, {step:g}, {n:g}")
    return checked_axis(start + step * np.arange(int(n), dtype=np.float64)), scale


def _counts(
    plan: Planned, scan: dict[str, Any], settings: dict[str, str], n: int, tables: Tables
) -> Floats:
    """Counts of one scan, the energy channels summed, shape (slices, n)."""
    layout = tables.spectra.get(str(scan["Node"]), {})
    n_detectors, n_slices = whole(layout.get("EnergyChns")), whole(layout.get("NonEnergyChns"))
    n_samples = whole(layout.get("Samples"), n)
    total = n_samples * n_detectors * n_slices
    tables.spend(total)
    counts = tables.counts(scan["RawID"], total)
    if counts.size != total:
        raise BrokenError(
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
    plan: Planned, samples: Floats, settings: dict[str, str], n: int, tables: Tables
) -> Floats:
    """Sum the energy channels by the calibration of their detectors, shape (slices, n)."""
    detectors = tables.parameters(plan.group_number, "Detector")
    shifts = np.array([number_in(detector, "Shift") for detector in detectors])
    pass_energy = number_in(settings, "PassEnergy", "Epass")
    step = abs(number_in(settings, "ScanDelta"))
    if shifts.size != samples.shape[-1] or not step > 0 or not np.isfinite(pass_energy):
        raise BrokenError(
            f"expected the calibration of {samples.shape[-1]} detectors, got {shifts.size}"
        )
    with np.errstate(all="ignore"):
        steps = shifts * pass_energy / step
    if not np.max(np.abs(steps), initial=0.0) <= samples.shape[-2]:
        raise BrokenError("expected shifts of the detectors within the scan, got others")
    # The samples before the region are those that the detector of the largest shift needs.
    head = int(np.floor(np.max(steps, initial=0.0) + 0.5))
    return sum_detectors(samples, shifts * pass_energy, step, head, n)


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
    set_positive(attrs, "photon_energy", number_in(settings, "ExcitationEnergy", "Eexc"))
    is_ratio = _mode(plan, settings) == _RATIO  # Prodigy has one field for both
    name = "retarding_ratio" if is_ratio else "pass_energy"
    set_positive(attrs, name, number_in(settings, "PassEnergy", "Epass"))
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
    set_positive(details, "dwell_time", number_in(settings, "DwellTime"))
    planned = number_in(settings, "NumScans")
    is_single = n_stored > 1 or "scan" in loop_indices(scan["Trace"])
    details["n_scans"] = 1 if is_single or not 1 <= planned < 1e9 else int(planned)
    date = _DATE.fullmatch(str(scan["ScanDate"] or "")[:60])
    if date and date[2].lower() in _MONTHS:
        month = _MONTHS.index(date[2].lower()) + 1
        details["acquired"] = f"{date[1]}-{month:02d}-{date[3]}T{date[4]}"
    return details
