"""Spectra that Kratos Vision exports as ASCII: columns of energies, counts, rates, transmission.

One table for each object, with a row of labels such as `Kinetic Energy(eV)`, `Binding Energy(eV)`,
`Intensity(Counts)`, `Intensity(Counts/sec)`, `Transmission Value`. One column is the spectrum; the
others say the same again, or belong to it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from xpsnet.io.common.energy_axis import Floats, checked_axis
from xpsnet.io.common.errors import BrokenError
from xpsnet.io.common.file_bytes import LINE_ENDS, read_decoded, start_of_text
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region
from xpsnet.io.common.settings import read_settings

NAME = "Kratos ASCII"
MAX_BYTES = 64 << 20
_MAX_TABLES = 5000
_MAX_ABOVE = 30
_ROLES = {
    "kinetic": re.compile(r"kinetic energy\b", re.IGNORECASE),
    "binding": re.compile(r"binding energy\b", re.IGNORECASE),
    "counts": re.compile(r"intensity\s*\(\s*counts\s*\)", re.IGNORECASE),
    "rate": re.compile(r"intensity\s*\(\s*(?:counts\s*/\s*s|cps|c/s)", re.IGNORECASE),
    "transmission": re.compile(r"transmission\b", re.IGNORECASE),
}
_CUT = re.compile(r"\t|,|;| {2,}")


def sniff(head: bytes) -> bool:
    """Whether a row of labels names energies on both scales and an intensity."""
    return any(_columns(line) for line in start_of_text(head).split("\n")[:200])


def _columns(line: str) -> dict[str, int]:
    """Columns of a row of labels; empty where it is none."""
    if "ntensity" not in line or len(line) > 2000:
        return {}
    cells = [cell.strip() for cell in _CUT.split(line)]
    found = {
        role: next(i for i, cell in enumerate(cells) if words.match(cell))
        for role, words in _ROLES.items()
        if any(words.match(cell) for cell in cells)
    }
    both = {"kinetic", "binding"} <= set(found)
    return found if both and {"counts", "rate"} & set(found) else {}


def read(path: Path) -> Reading:
    """Read the spectra of all tables.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Counts where they are there, else counts per second, over binding energy; the photon
        energy is the sum of both energies; the transmission is a coordinate.

    Raises
    ------
    ReadError
        If no table holds a spectrum.
    """
    lines = LINE_ENDS.split(read_decoded(path, MAX_BYTES))
    starts = [i for i, line in enumerate(lines) if _columns(line)][:_MAX_TABLES]
    notes: list[str] = []
    spectra: list[xr.DataArray] = []
    end = 0
    for start in starts:
        above = lines[max(end, start - _MAX_ABOVE) : start]
        rows = _rows(lines[start + 1 :])
        end = start + 1 + len(rows)
        try:
            spectra.append(_spectrum(_columns(lines[start]), rows, above))
        except BrokenError as error:
            notes.append(f"the table at line {start + 1} is left out: {error}")
    return Reading(spectra, notes).not_empty(
        path, expected="a table of energies and intensities", advice="export VAMAS from Vision"
    )


def _rows(lines: Sequence[str]) -> list[list[float]]:
    """Rows of numbers up to the first line that is none."""
    rows = []
    for line in lines:
        try:
            row = [float(cell) for cell in _CUT.split(line.strip()) if cell.strip()]
        except ValueError:
            break
        if len(row) < 3 or "_" in line:
            break
        rows.append(row)
    return rows


def _spectrum(columns: dict[str, int], rows: list[list[float]], above: list[str]) -> xr.DataArray:
    """One spectrum."""
    width = max(columns.values()) + 1
    rows = [row for row in rows if len(row) >= width]
    if len(rows) < 2:
        raise BrokenError(f"expected at least 2 rows of {width} numbers, got {len(rows)}")
    values = np.array([row[:width] for row in rows])
    values[~np.isfinite(values)] = np.nan
    energy = checked_axis(values[:, columns["binding"]].copy())
    main = "counts" if "counts" in columns else "rate"
    attrs = dict(read_settings(above))
    attrs |= {"scale": "binding", "units": "counts" if main == "counts" else "counts/s"}
    attrs |= {"instrument": "Kratos"} | _measured(values, columns)
    name = next((found for line in reversed(above) if (found := _region(line))), None)
    coords = {"energy": energy}
    spectrum = xr.DataArray(values[:, columns[main]], coords, ("energy",), name=name, attrs=attrs)
    if "transmission" in columns:
        spectrum = spectrum.assign_coords(
            transmission=("energy", values[:, columns["transmission"]])
        )
    return spectrum


def _region(line: str) -> str | None:
    """Region that a line above a table names."""
    words = line.rpartition(":")[2] if ":" in line else line.rpartition("=")[2] or line
    return find_region(words.strip()) or find_region(line.strip())


def _measured(values: Floats, columns: dict[str, int]) -> dict[str, str | int | float]:
    """Photon energy [eV] and time [s] that columns which state the same twice add up to."""
    found: dict[str, str | int | float] = {}
    sums = values[:, columns["kinetic"]] + values[:, columns["binding"]]
    if np.nanmax(sums) - np.nanmin(sums) < 0.01 and np.nanmedian(sums) > 0:
        found["photon_energy"] = round(float(np.nanmedian(sums)), 3)
    if {"counts", "rate"} <= set(columns):
        total, rate = (np.nansum(values[:, columns[role]]) for role in ("counts", "rate"))
        if total > 0 and rate > 0:
            found |= {"dwell_time": round(float(total / rate), 6), "n_scans": 1}
    return found
