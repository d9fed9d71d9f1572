"""Text and csv: two columns, wide tables, several tables in a file.

Energies come from the column whose label states it, else from the first one that rises or falls
throughout. What headers say in words (BE, "Kinetic Energy", hv=180eV, CPS) is used as evidence.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.energy_axis import MAX_ENERGY, axis_parts, is_uniform, monotonic_part
from xpsnet.io.common.errors import refusal, shown
from xpsnet.io.common.file_bytes import HEAD_BYTES, checked_text, looks_like_text, read_bytes
from xpsnet.io.common.labels import (
    dwell_time_of,
    is_energy_label,
    photon_energy_of,
    scale_of_label,
    scale_of_text,
    units_of_label,
)
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region
from xpsnet.io.tables.csv import has_our_labels, read_label, rebuild_stack
from xpsnet.io.tables.json_sidecar import Description, from_lines, restored
from xpsnet.io.tables.number_tables import (
    MIN_ROWS,
    Table,
    TooManyNumbersError,
    find_tables,
    find_total,
    numbers_of_scans,
)
from xpsnet.io.tables.own_tables import spectra_of_csv
from xpsnet.io.tables.peaks_table import is_peaks_table

NAME = "text"
MAX_BYTES = 128 << 20
_MAX_SPECTRA = 5000  # of a file; each takes about 0.5 ms, whatever its size
_MAX_SEARCHED = 50  # columns among which energies without a label are looked for
_MAX_EVIDENCE = 1000  # characters of a header line that are searched for words
Floats = npt.NDArray[np.float64]


def sniff(head: bytes) -> bool:
    """Whether this is text."""
    return looks_like_text(head)


def read(path: Path) -> Reading:
    """Read every table of a text file.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Two columns give a one-dimensional spectrum, wide tables a dimension `column`.

    Raises
    ------
    ReadError
        If no table holds an energy axis and counts.
    """
    data = read_bytes(path, MAX_BYTES)
    # Only the head was looked at, and it may hold nothing but zeros.
    if data.startswith(b"\0") and not looks_like_text(data.lstrip(b"\0")[:HEAD_BYTES]):
        raise refusal(path, expected="text", got="an unknown binary file",
                      advice="export the spectra as text or VAMAS")  # fmt: skip
    text = checked_text(path, data)
    own = spectra_of_csv(text)
    return read_text(path, text, path.stem) if own is None else Reading(own, stored_by_us=True)


def read_text(path: Path, text: str, label: str, description: Description | None = None) -> Reading:
    """Read every table of a text; `label` names the region where no header does."""
    try:
        tables, stray = find_tables(text)
    except TooManyNumbersError as error:
        raise refusal(
            path, expected="a smaller table", got=str(error), advice="convert it to netCDF or zarr"
        ) from error
    notes: list[str] = []
    spectra: list[xr.DataArray] = []
    ours = bool(tables)
    for table in tables:
        found = _spectra(path, table, notes)
        if len(spectra) + len(found) > _MAX_SPECTRA:
            raise _too_many(path, f"more at line {table.lines[0]}")
        if not found:
            stray += table.lines.tolist()
        stored = description or from_lines(table.header)
        ours &= stored is not None
        spectra += found if stored is None else _described(found, stored, table, notes)
    if not spectra:
        raise _no_table(path, text, tables)
    if stray:
        notes.append(f"{_lines(stray)} left out: no part of any table")
    found_region = find_region(label)
    for spectrum in spectra:
        if spectrum.name is None and found_region and not ours:
            spectrum.name = found_region
            spectrum.attrs["region_original"] = label
    return Reading(spectra, notes, stored_by_us=ours)


def _too_many(path: Path, got: str) -> Exception:
    """The refusal of a text in which every few numbers are a spectrum of their own."""
    return refusal(
        path, expected=f"at most {_MAX_SPECTRA} spectra", got=got,
        advice="put the energies into the first column and the counts of each spectrum into one "
        "more, or convert it to netCDF or zarr",
    )  # fmt: skip


def _described(
    spectra: list[xr.DataArray], description: Description, table: Table, notes: list[str]
) -> list[xr.DataArray]:
    """Give the spectra of a table what its description tells, where it fits."""
    try:
        return [restored(spectrum, description) for spectrum in spectra]
    except ValueError as error:
        notes.append(f"the description of the table at line {table.lines[0]} is left out: {error}")
        return spectra


def _no_table(path: Path, text: str, tables: list[Table]) -> Exception:
    """The refusal of a text without spectra."""
    start = text.lstrip()
    if start[:1] in "{[" and start[:1]:
        got, advice = "JSON", "export the spectra as text, csv or VAMAS"
    elif start.startswith("<"):
        got, advice = "XML or HTML", "export the spectra as text, csv or VAMAS"
    elif is_peaks_table(start):
        got, advice = "a table of peaks", "xpsnet.read_fit reads them"
    elif tables:
        line = int(tables[0].lines[0])
        got = f"a table at line {line} in which no column rises or falls like energies in eV"
        advice = "put the energies into the first column, one row per energy"
    else:
        first = next((line for line in start.splitlines() if line.strip()), "")[:60]
        got, advice = f"text that begins with {first!r}", "check that this is the exported spectrum"
    rows = f"at least {MIN_ROWS} rows of an energy and counts"
    return refusal(path, expected=rows, got=got, advice=advice)


class _Words(NamedTuple):
    """What the header lines of a table tell, found once for all of its spectra."""

    scale: str | None
    units: str | None
    photon_energy: float | None
    dwell_time: float | None
    region: str | None
    region_original: str


def _words(table: Table) -> _Words:
    """Search the header of a table."""
    header = "\n".join(line[:_MAX_EVIDENCE] for line in table.header)
    region, original = _region(re.split(r"[\n\t;]+", header))
    return _Words(
        scale_of_text(header), units_of_label(header[-2000:]), photon_energy_of(header),
        dwell_time_of(header), region, original,
    )  # fmt: skip


def _spectra(path: Path, table: Table, notes: list[str]) -> list[xr.DataArray]:
    """Turn a table into spectra, one for each energy column and each start of its axis."""
    spectra: list[xr.DataArray] = []
    assigned = _assign(table)
    if len(assigned) > _MAX_SPECTRA:
        raise _too_many(path, f"{len(assigned)} columns of energies at line {table.lines[0]}")
    words = _words(table)
    regions = _regions_of_pairs(table, len(assigned))
    for k, (axis, columns) in enumerate(assigned):
        energy = table.values[:, axis]
        parts = axis_parts(energy, table.lines)
        if len(spectra) + len(parts) > _MAX_SPECTRA:
            raise _too_many(path, f"more at line {table.lines[0]}, whose energies start anew")
        for part in parts:
            rows = part.start + monotonic_part(energy[part])
            bad = np.setdiff1d(part.start + np.flatnonzero(np.isfinite(energy[part])), rows)
            if bad.size:
                notes.append(
                    f"{_lines(table.lines[bad].tolist())} left out: energies out of order, such "
                    f"as {energy[bad[0]]:g} eV"
                )
            spectra.append(_spectrum(table, words, (axis, *columns), rows, notes))
            if len(assigned) > 1 and not table.labels:
                spectra[-1].name = regions[k]
    return spectra


def _regions_of_pairs(table: Table, n: int) -> list[str | None]:
    """Regions of a table of several pairs of columns, from a header line that names them all."""
    for line in table.header:
        if len(line) > _MAX_EVIDENCE:
            continue
        named = [found for cell in re.split(r"[,;\t]", line) if (found := find_region(cell))]
        if len(named) == n:
            return list(named)
    return [None] * n


def _assign(table: Table) -> list[tuple[int, list[int]]]:
    """Find the energy columns, each with the columns of counts on its right."""
    n = table.values.shape[1]
    labeled = [i for i, label in enumerate(table.labels) if is_energy_label(label)]
    ours = bool(labeled) and has_our_labels(table.labels[labeled[0]])
    if ours:
        labeled = labeled[:1]  # the labels of counts hold a name, whatever it is
    usable = [i for i in labeled if _usable(table.values[:, i], table.lines)]
    pairs = list(range(0, n, 2)) if n >= 4 and n % 2 == 0 else []
    if usable:
        axes = usable
    elif pairs and all(is_uniform(table.values[:, i]) for i in pairs):
        axes = pairs
    else:
        searched = range(min(n, _MAX_SEARCHED))
        axes = [next((i for i in searched if _usable(table.values[:, i], table.lines)), -1)]
        if axes == [-1]:
            return []
    assigned = []
    can_be_counts = np.isin(np.arange(n), axes, invert=True)
    if not ours:
        can_be_counts &= np.isfinite(table.values).any(axis=0)
    for k, axis in enumerate(axes):
        first = axis + 1 if k else 0
        last = axes[k + 1] if k + 1 < len(axes) else n
        counts = (first + np.flatnonzero(can_be_counts[first:last])).tolist()
        if counts:
            assigned.append((axis, counts))
    return assigned


def _usable(column: Floats, lines: npt.NDArray[np.int64]) -> bool:
    """Whether a column, or each part of it after a restart, can be an energy axis."""
    finite = np.isfinite(column)
    if finite.sum() < MIN_ROWS or np.abs(column[finite]).max() > MAX_ENERGY:
        return False
    parts = axis_parts(column[finite], lines[finite])
    return bool(sum(part.stop - part.start for part in parts) >= 0.9 * finite.sum())


def _spectrum(
    table: Table,
    words: _Words,
    columns: tuple[int, ...],
    rows: npt.NDArray[np.intp],
    notes: list[str],
) -> xr.DataArray:
    """Build one spectrum, or a stack over the columns of a wide table; the first holds energies."""
    energy = table.values[rows, columns[0]]
    axis_label, *labels = [table.labels[i] if table.labels else "" for i in columns]
    scale = scale_of_label(axis_label) or words.scale
    attrs = _attrs(labels[0], axis_label, words) | ({"scale": scale} if scale else {})
    counts = table.values[np.ix_(rows, np.array(columns[1:]))].T
    ours = has_our_labels(axis_label)
    if not ours and (total := find_total(labels, counts)) is not None:
        notes.append(
            f"the column {shown(labels[total])} at line {table.lines[0]} is left out: it holds "
            f"what the {len(labels) - 1} columns beside it add up to"
        )
        counts, labels = np.delete(counts, total, axis=0), [*labels[:total], *labels[total + 1 :]]
    if ours:
        name, attrs["units"] = read_label(labels[0])
    else:
        name, original = _region([labels[0]])
        if not name:
            name, original = words.region, words.region_original
        attrs |= {"region_original": original} if original else {}
    if len(labels) == 1:
        return xr.DataArray(counts[0], {"energy": energy}, ("energy",), name=name, attrs=attrs)
    stacked = rebuild_stack(counts, energy, labels) if ours else None
    if stacked is None:
        scans = numbers_of_scans(labels)
        dim = "scan" if scans else "column"
        names: Any = scans or (labels if any(labels) else np.arange(1, len(labels) + 1))
        stacked = xr.DataArray(counts, {dim: names, "energy": energy}, (dim, "energy"))
    stacked.name = name
    return stacked.assign_attrs(attrs)


def _attrs(label: str, axis_label: str, words: _Words) -> dict[str, Any]:
    """What the words of a header tell beside the scale."""
    stated = {
        "units": units_of_label(label) or words.units or "counts",
        "photon_energy": photon_energy_of(axis_label) or words.photon_energy,
        "dwell_time": words.dwell_time,
    }
    return {name: value for name, value in stated.items() if value}


def _region(texts: list[str]) -> tuple[str | None, str]:
    """The first region that a label or the header names, and the words that name it."""
    for text in texts:
        found = find_region(text) if text.strip() else None
        if found:
            return found, text.strip()[:200]
    return None, ""


def _lines(numbers: list[int]) -> str:
    """Name lines in a message."""
    numbers = sorted(set(numbers))
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    named = ", ".join(str(number) for number in numbers[:5])
    return f"{len(numbers)} lines ({named}{', ...' if len(numbers) > 5 else ''})"
