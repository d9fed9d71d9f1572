"""Peaks that `write` has stored in csv files and workbooks."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.errors import refusal
from xpsnet.io.common.file_bytes import LINE_ENDS, read_decoded
from xpsnet.io.tables.excel import Sheet
from xpsnet.io.tables.json_sidecar import (
    Description,
    from_cells,
    from_lines,
    no_formula,
    variable_of,
)
from xpsnet.io.tables.peaks_table import PEAKS_KEYS, column_label, is_peaks_table

MAX_BYTES = 256 << 20
_MAX_VALUES = 64 << 20
_ADVICE = "write the peaks again, best as .nc"


def sniff_csv(head: bytes) -> bool:
    """Whether a file begins as a table of peaks of xpsnet."""
    return head.startswith((b"# sizes:", b"region,"))


def read_csv(path: Path) -> list[xr.Dataset]:
    """Read the peaks of a csv file.

    Raises
    ------
    ReadError
        If it is damaged, or the lines above the table are missing.
    """
    text = read_decoded(path, MAX_BYTES)
    lines = LINE_ENDS.split(text)
    n_above = next((i for i, line in enumerate(lines) if not line.startswith("# ")), len(lines))
    stored = from_lines(lines[:n_above], PEAKS_KEYS)
    if stored is None or not is_peaks_table(text):
        raise refusal(path, expected="a table of peaks below lines that describe it",
                      got="none of these lines", advice=_ADVICE)  # fmt: skip
    return [_peaks(path, csv.DictReader(lines[n_above:]), stored)]


def from_workbook(path: Path, sheets: Sequence[Sheet]) -> list[xr.Dataset]:
    """Peaks of a workbook; none if `write` has not stored it.

    Raises
    ------
    ReadError
        If the table of peaks is damaged.
    """
    rows_of = {sheet.name: sheet.rows for sheet in sheets}
    stored = from_cells(rows_of.get("description", []), PEAKS_KEYS).get("peaks")
    labels, *rows = rows_of.get("peaks") or [[]]
    if stored is None or not labels:
        return []
    cells = (dict(zip(map(str, labels), row, strict=False)) for row in rows)
    return [_peaks(path, cells, stored)]


def _peaks(path: Path, table: Iterable[Mapping[str, Any]], stored: Description) -> xr.Dataset:
    """Put rows and description together."""
    try:
        rows = list(table)
        places = np.array(stored["rows"], dtype=np.int64)
        sizes = {str(dim): int(n) for dim, n in stored["sizes"].items()}
        n_places = _checked(sizes, len(stored["variables"]))
        if len(rows) != places.size or not 0 <= places.min() <= places.max() < n_places:
            raise ValueError(f"{len(rows)} rows, described are {places.size}")
        variables = {}
        for name, one in stored["variables"].items():
            given = "data" in one
            variables[name] = variable_of(one if given else _filled(name, one, rows, places, sizes))
        coords = {name: variable_of(one) for name, one in stored["coordinates"].items()}
        return xr.Dataset(variables, coords, stored["attributes"])
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, csv.Error) as error:
        raise refusal(
            path, expected="the rows of peaks that were written",
            got=f"others ({type(error).__name__}: {str(error)[:100]})", advice=_ADVICE,
        ) from error  # fmt: skip


def _checked(sizes: Mapping[str, int], n_variables: int) -> int:
    """Number of places for peaks; those of all variables together are in bounds."""
    n = math.prod(sizes.values())
    most = _MAX_VALUES // max(n_variables, 1)
    if list(sizes)[-1:] != ["peak"] or not 0 < n <= most or min(sizes.values()) < 1:
        raise ValueError(f"sizes {sizes}")
    return n


def _filled(
    name: str,
    stored: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    places: Any,
    sizes: Mapping[str, int],
) -> dict[str, Any]:
    """Description of a variable with its values from the rows."""
    label = column_label(name, stored["attrs"])
    cells = (row.get(no_formula(label), row.get(label, "")) for row in rows)
    values = np.array([float(cell) if cell not in ("", None) else np.nan for cell in cells])
    dims = [dim for dim in sizes if dim in stored["dims"]]
    if set(dims) != set(stored["dims"]) or not (
        np.isfinite(values).all() or "f" in stored["dtype"]
    ):
        raise ValueError(f"the values of {name}")
    full = np.full([sizes[dim] for dim in dims], np.nan)
    full.flat[places if "peak" in dims else places // sizes["peak"]] = values
    return {**stored, "data": full.transpose([dims.index(dim) for dim in stored["dims"]])}
