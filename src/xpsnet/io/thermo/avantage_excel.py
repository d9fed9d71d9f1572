"""Avantage's export to Excel: a sheet per region and a table of peaks.

A sheet has a preamble, a row of labels, a row of units that begins with "eV", and the columns
energy, counts, fitted components, background, envelope, residuals. The language of the labels
is that of the program. A workbook without such a sheet is read as tables.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.energy_axis import axis_problem
from xpsnet.io.common.errors import ReadError, refusal
from xpsnet.io.common.labels import is_energy_label, scale_of_label, units_of_label
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import region_name
from xpsnet.io.tables import text as tables_text
from xpsnet.io.tables.columns import Stated
from xpsnet.io.tables.excel import Cell, Sheet, read_workbook
from xpsnet.io.tables.json_sidecar import from_cells
from xpsnet.io.tables.own_tables import spectra_of_sheets
from xpsnet.io.tables.peaks_table import is_peaks_table
from xpsnet.io.thermo.peak_tables import find_peaks

NAME = "Excel"
Floats = npt.NDArray[np.float64]

_MAX_PREAMBLE = 60
_MIN_POINTS = 5
_MAX_TABLE = 20_000_000  # cells of one sheet, empty ones too
_MAX_PADDED = 5_000_000
_COUNTS = re.compile(
    r"(?:raw|counts?|cps|intensity|data|measured)\b.*|原始.*|强度.*|強度.*", re.IGNORECASE
)
_ROLES = {
    "background": re.compile(
        r"b(?:ac)?k?gr?n?d\b|backg|bkg|untergrund|fond\b|背景|背底|本底|バック", re.IGNORECASE
    ),
    "envelope": re.compile(
        r"envelope|einh|enveloppe|^(?:fit|sum|total)\b|包络|エンベロープ", re.IGNORECASE
    ),
    "residuals": re.compile(r"resid|résid|^diff|残差", re.IGNORECASE),
}


@dataclass
class Region:
    """One sheet: spectra and the curves of a fit, on the energies of the sheet."""

    sheet: str
    row: int  # of the labels, counted from 1
    scale: str | None
    units: str
    energy: Floats
    counts: Floats  # (..., n)
    background: Floats | None
    components: dict[str, Floats]
    settings: dict[str, Cell]
    file: str


def read(path: Path, columns: Stated | None = None) -> Reading:
    """Read the spectra of a workbook.

    Parameters
    ----------
    path : Path
        `.xls` or `.xlsx`, by content.
    columns : mapping, optional
        Roles of columns that the user states, as for `xpsnet.read`; every sheet is a table then.

    Returns
    -------
    Reading
        One array per sheet; the fits in it are those of `read_fits`.

    Raises
    ------
    ReadError
        If it is damaged, needs a package that is not installed, or holds no spectra.
    """
    sheets = read_workbook(path)
    regions = [] if columns else find_regions(sheets)
    if not regions:
        own = None if columns else spectra_of_sheets(sheets)
        if own is not None:
            return Reading(own, stored_by_us=True)
        return _read_tables(path, sheets, columns)
    notes: list[str] = []
    spectra = [_spectrum(region, path, notes) for region in regions]
    kept = [spectrum for spectrum in spectra if spectrum is not None]
    if not kept:
        raise refusal(path, expected="energies that rise or fall in a sheet", got="none",
                      advice=notes[0])  # fmt: skip
    return Reading(kept, notes)


def find_regions(sheets: list[Sheet]) -> list[Region]:
    """Sheets with the curves of a region.

    Avantage's have a row of units. Where a table of peaks is in the workbook, a row of labels
    that begins with an energy is enough: the columns beside the counts are those of the fit.
    """
    tables = [sheet for sheet in sheets if find_peaks(sheet)]
    found = [_region(sheet, has_peaks=bool(tables)) for sheet in sheets if sheet not in tables]
    return [region for region in found if region is not None]


def _region(sheet: Sheet, *, has_peaks: bool) -> Region | None:
    """Columns of a sheet; None if it is none of a region."""
    place = _units_row(sheet)
    above = 1
    if place is None and has_peaks:
        place, above = _labels_row(sheet), 0
    if place is None:
        return None
    labels, units = sheet.rows[place - above], sheet.rows[place]
    last = place + 1
    while last < len(sheet.rows) and isinstance(_at(sheet.rows[last], 0), float):
        last += 1
    rows = sheet.rows[place + 1 : last]
    width = max(map(len, [labels, units, *rows]))
    if len(rows) < _MIN_POINTS or len(rows) * width > _MAX_TABLE:
        return None
    table = np.full((len(rows), width), np.nan)
    for target, row in zip(table, rows, strict=True):
        target[: len(row)] = [cell if isinstance(cell, float) else np.nan for cell in row]
    columns = [c for c in range(1, table.shape[1]) if np.isfinite(table[:, c]).any()]
    texts = {c: str(_at(labels, c)).strip() for c in columns}
    roles = {c: _role(texts[c]) for c in columns}
    counts = [c for c in columns if roles[c] == "counts"] or columns[:1]
    if not counts:
        return None
    background = [table[:, c] for c in columns if roles[c] == "background"]
    components: dict[str, Floats] = {}
    for c in columns:
        if roles[c] == "component" and c not in counts:
            taken = texts[c] in components
            components[f"{texts[c]} {c + 1}" if taken else texts[c]] = table[:, c]
    values = table[:, counts].T
    return Region(
        sheet=sheet.name.strip(),
        row=place - above + 1,
        scale=scale_of_label(str(_at(labels, 0))),
        units=units_of_label(str(_at(units, counts[0]))) or "counts",
        energy=table[:, 0],
        counts=values[0] if len(counts) == 1 else values,
        background=background[0] if background else None,
        components=components,
        settings=_settings(sheet.rows[: place - above]),
        file=_file(sheet.rows[: place - above]),
    )


def _units_row(sheet: Sheet) -> int | None:
    """Place of the row of units, which begins with eV."""
    rows = enumerate(sheet.rows[1:_MAX_PREAMBLE], 1)
    return next(
        (i for i, row in rows if len(row) > 1 and str(row[0]).strip(" ()[]").lower() == "ev"), None
    )


def _labels_row(sheet: Sheet) -> int | None:
    """Place of a row of labels that begins with an energy, where no row of units follows it."""
    for i, row in enumerate(sheet.rows[:_MAX_PREAMBLE]):
        label = str(row[0]).strip() if row and isinstance(row[0], str) else ""
        below = sheet.rows[i + 1 : i + 1 + _MIN_POINTS]
        numbers = [isinstance(_at(one, 0), float) for one in below]
        is_energy = scale_of_label(label) is not None or is_energy_label(label)
        if label and is_energy and len(row) > 1 and len(numbers) == _MIN_POINTS and all(numbers):
            return i
    return None


def _at(row: list[Cell], column: int) -> Cell:
    """Cell of a row that may be shorter."""
    return row[column] if column < len(row) else ""


def _role(label: str) -> str:
    """What a column holds."""
    if not label or _COUNTS.fullmatch(label):
        return "counts"
    return next((role for role, words in _ROLES.items() if words.search(label)), "component")


def _settings(preamble: list[list[Cell]]) -> dict[str, Cell]:
    """Parameters of the acquisition, a label in column H and a value beside it."""
    return {
        str(row[7]).strip().lower(): row[8]
        for row in preamble
        if len(row) > 8 and str(row[7]).strip() and row[8] != ""
    }


def _file(preamble: list[list[Cell]]) -> str:
    """Name of the measured file."""
    texts = (str(_at(row, 0)).strip() for row in preamble)
    file = next((text for text in texts if text.lower().endswith(".vgd")), "")
    return re.split(r"[\\/]", file)[-1]


def _spectrum(region: Region, path: Path, notes: list[str]) -> xr.DataArray | None:
    """Spectra of one sheet."""
    problem = axis_problem(region.energy)
    if problem:
        notes.append(f"sheet {region.sheet!r} is left out: {problem}")
        return None
    attrs: dict[str, Any] = {"units": region.units, "region_original": region.sheet}
    if region.scale:
        attrs["scale"] = region.scale
    stated = region.settings
    n_scans = stated.get("number of scans", stated.get("扫描次数"))
    if isinstance(n_scans, float) and 1 <= n_scans < 1e6:
        attrs["n_scans"] = int(n_scans)
    for name, words in (("source", "source gun type"), ("lens_mode", "lens mode")):
        if isinstance(value := stated.get(words), str):
            attrs[name] = value.strip()
    if region.file:
        attrs["measured_file"] = region.file
    dims = ("energy",) if region.counts.ndim == 1 else ("column", "energy")
    return xr.DataArray(
        region.counts, dims=dims, coords={"energy": region.energy},
        name=region_name(region.sheet) or None, attrs=attrs,
    )  # fmt: skip


def _read_tables(path: Path, sheets: list[Sheet], columns: Stated | None) -> Reading:
    """Read the sheets of another program as tables of text."""
    if any(is_peaks_table(",".join(map(str, sheet.rows[0]))) for sheet in sheets if sheet.rows):
        raise refusal(path, expected="spectra", got="a table of peaks that xpsnet has written",
                      advice="xpsnet.read_fit reads them")  # fmt: skip
    spectra: list[xr.DataArray] = []
    notes: list[str] = []
    refused: list[ReadError] = []
    described = from_cells(row for s in sheets if s.name == "description" for row in s.rows)
    stored_by_us = True
    results = ""
    for sheet in sheets:
        if find_peaks(sheet) and not described:
            results = f"; the sheet {sheet.name!r} holds results, and no spectra"
            continue
        # Empty cells at the end of a row are missing values of its table.
        width = max(map(len, sheet.rows), default=0)
        width = width if width * len(sheet.rows) <= _MAX_PADDED else 0
        text = "\n".join(
            "\t".join(_plain(cell) for cell in row) + "\t" * (width - len(row) if row else 0)
            for row in sheet.rows
        )
        if not text.strip():
            continue
        try:
            reading = tables_text.read_text(
                path, text, sheet.name, described.get(sheet.name), columns
            )
        except ReadError as error:
            refused.append(_with_formulas(path, sheet) if sheet.n_formulas else error)
            continue
        if sheet.n_formulas:
            reading.notes.append(f"{_formulas(sheet)}, which are read as empty cells")
        spectra += reading.spectra
        stored_by_us &= reading.stored_by_us
        notes += [f"sheet {sheet.name!r}: {note}" for note in reading.notes]
    if not spectra:
        got = f"none in {len(sheets)} sheets{results}" if sheets else "no sheets"
        advice = str(refused[0]) if refused else "export the spectra again"
        raise refusal(path, expected="tables of energies and counts", got=got, advice=advice)
    return Reading(spectra, notes, stored_by_us=stored_by_us)


def _formulas(sheet: Sheet) -> str:
    """How many cells hold no value."""
    n = sheet.n_formulas
    return f"{n} {'cell holds a formula' if n == 1 else 'cells hold formulas'} without a value"


def _with_formulas(path: Path, sheet: Sheet) -> ReadError:
    """The refusal of a sheet whose numbers no program has calculated."""
    return refusal(
        path, f"sheet {sheet.name!r}", expected="numbers", got=_formulas(sheet),
        advice="open it in Excel or LibreOffice and save it again: that calculates the values",
    )  # fmt: skip


def _plain(cell: Cell) -> str:
    """Text of a cell on one line."""
    return repr(cell) if isinstance(cell, float) else " ".join(cell.split())
