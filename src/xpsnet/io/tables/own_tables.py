"""Tables of spectra that `write` has stored come back as they were, by their descriptions.

A table that somebody has changed is left to the reader of all tables.
"""

import csv
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from xpsnet.io.tables.csv import has_our_labels
from xpsnet.io.tables.excel import Cell, Sheet
from xpsnet.io.tables.json_sidecar import KEYS, Description, from_cells, from_lines, restored

# Numbers of a table whose rows end early, as a workbook has them where counts are missing.
_MAX_PADDED = 10_000_000


def spectra_of_csv(text: str) -> list[xr.DataArray] | None:
    """Spectra of a csv file.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    list of DataArray or None
        None where it is not one that `write` has stored, or somebody has changed it.
    """
    if not text.startswith("# "):
        return None
    lines = iter(text.replace("\r\n", "\n").split("\n"))
    found: list[xr.DataArray] = []
    while (first := next(lines, None)) is not None:
        if not first:
            continue
        header = [first, *itertools.islice(lines, len(KEYS) - 1)]
        stored = from_lines(header)
        if stored is None:
            return None
        spectrum = _spectrum(list(_records(lines)), stored)
        if spectrum is None:
            return None
        found.append(spectrum)
    return found or None


def _records(lines: Iterator[str]) -> Iterator[list[str]]:
    """Rows of one table, up to the blank line behind it."""
    row: list[str]
    try:
        for row in csv.reader(f"{line}\n" for line in lines):
            if not row:
                return
            yield row
    except csv.Error:  # a field without an end
        return


def spectra_of_sheets(sheets: Sequence[Sheet]) -> list[xr.DataArray] | None:
    """Spectra of a workbook; None where `write` has not stored it, or somebody has changed it."""
    rows = {sheet.name: sheet.rows for sheet in sheets}
    described = from_cells(rows.get("description", []))
    if not described:
        return None
    found = []
    for title, stored in described.items():
        spectrum = _spectrum(rows.get(title, []), stored)
        if spectrum is None:
            return None
        found.append(spectrum)
    return found


def _spectrum(rows: Sequence[Sequence[Cell]], stored: Description) -> xr.DataArray | None:
    """One table with its description; None where they do not belong together."""
    if len(rows) < 3 or not has_our_labels(str(rows[0][0])):
        return None
    width = len(rows[0])
    if width * len(rows) > max(_MAX_PADDED, sum(map(len, rows))):
        return None
    try:
        table = np.full((len(rows) - 1, width), np.nan)
        for i, row in enumerate(rows[1:]):
            cells = [np.nan if cell == "" else float(cell) for cell in row]
            table[i, : len(cells)] = cells
        energy, counts = table[:, 0], table[:, 1:].T
        if not np.isfinite(energy).all():
            return None
        plain = xr.DataArray(counts, {"energy": energy}, ("column", "energy"))
        return restored(plain, stored)
    except (ValueError, TypeError):  # texts, other columns, a damaged description
        return None
