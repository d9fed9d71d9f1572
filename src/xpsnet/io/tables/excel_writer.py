"""Workbooks: spectra as tables that `read` gives back, peaks with their curves for people.

Numbers are stored with all digits, texts as texts: nothing is a formula.
"""

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.data.peaks import curves, keep_own_names
from xpsnet.io.tables.csv import spectra_table
from xpsnet.io.tables.json_sidecar import describe, to_cells
from xpsnet.io.tables.peaks_table import describe_peaks, peaks_table

# What programs open, and what our own reader takes.
_MAX_SPECTRA = 1000
_MAX_ROWS = 100_000
_MAX_TITLE = 31
_MAX_TEXT = 32_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_CREATOR = "napari-xpsnet"
_RESERVED = {"metadata", "description", "peaks", "curves"}

_DESCRIBED = ("sheet", "key", "JSON")

Row = Sequence[Any]
Sheet = tuple[str, list[Row]]


def write_excel(
    content: list[xr.DataArray] | xr.Dataset, path: Path, spectra: xr.DataArray | None
) -> None:
    """Write spectra, a sheet each, or peaks with a table, curves and metadata.

    Raises
    ------
    ValueError
        If there are more spectra than sheets hold, or openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise ValueError(
            "expected the package openpyxl, to write .xlsx, got no such package; pip install "
            "napari-xpsnet[excel], or write .csv"
        ) from error
    sheets = _of_peaks(content, spectra) if isinstance(content, xr.Dataset) else _of(content)
    book = Workbook(write_only=True)
    book.properties.creator = _CREATOR
    for title, rows in sheets:
        _sheet(book, title, rows)
    book.save(path)


def _of(spectra: list[xr.DataArray]) -> list[Sheet]:
    """A sheet per array, and one with their attributes."""
    sheets: list[Sheet] = []
    metadata: list[Row] = [("sheet", "name", "value")]
    description: list[Row] = [_DESCRIBED]
    for title, array in zip(_titles(spectra), spectra, strict=True):
        labels, rows = spectra_table(array, _MAX_SPECTRA)
        sheets.append((title, [labels, *rows]))
        metadata += [(title, name, value) for name, value in array.attrs.items()]
        description += [(title, *cells) for cells in to_cells(describe(array))]
    return [*sheets, ("metadata", metadata), ("description", description)]


def _of_peaks(peaks: xr.Dataset, spectra: xr.DataArray | None) -> list[Sheet]:
    """The table of peaks, their curves where they are not too many, and attributes."""
    table = peaks_table(peaks)
    metadata: list[Row] = [("name", "value"), *peaks.attrs.items()]
    sheets: list[Sheet] = [("peaks", [list(table), *zip(*table.values(), strict=True)])]
    n_rows = peaks["center"].size // peaks.sizes["peak"] * peaks.sizes["energy"]
    if n_rows < _MAX_ROWS:
        sheets.append(("curves", _curves(peaks, spectra)))
    else:
        metadata.append(("curves", f"left out: {n_rows} rows; xpsnet.curves(peaks) makes them"))
    cells = [("peaks", *row) for row in to_cells(describe_peaks(peaks))]
    return [*sheets, ("metadata", metadata), ("description", [_DESCRIBED, *cells])]


def is_our_workbook(path: Path) -> bool:
    """Whether a workbook names us as its creator."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("docProps/core.xml") as file:
            return f">{_CREATOR}</dc:creator>".encode() in file.read(10_000)
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False


def _curves(peaks: xr.Dataset, spectra: xr.DataArray | None) -> list[Row]:
    """One row per spectrum and energy."""
    lead = [dim for dim in peaks["center"].dims if dim != "peak"]
    drawn = curves(peaks)
    columns: dict[str, Any] = {}
    sizes = {dim: peaks.sizes[dim] for dim in (*lead, "energy")}
    for dim in sizes:
        columns[_labeled(peaks, str(dim))] = _column(peaks[dim], sizes)
    units = peaks["height"].attrs.get("units", "counts")
    if spectra is not None:
        own = keep_own_names(spectra)
        columns[f"spectrum [{units}]"] = _column(_fitted(own, peaks, lead), sizes)
    for name in ("background", "envelope"):
        columns[f"{name} [{units}]"] = _column(drawn[name], sizes)
    for i in range(peaks.sizes["peak"]):
        label = str(peaks["label"].values[i]) if "label" in peaks else ""
        label = label or f"peak {i + 1}"
        if f"{label} [{units}]" in columns:  # two peaks of one label, or one called "background"
            label = f"{label} (peak {i + 1})"
        columns[f"{label} [{units}]"] = _column(drawn["component"].isel(peak=i), sizes)
    return [list(columns), *zip(*columns.values(), strict=True)]


def _column(values: xr.DataArray, sizes: dict[Hashable, int]) -> list[Any]:
    """Values for every place of these dimensions, the last one fastest."""
    bare = xr.DataArray(values.variable)
    missing = {dim: n for dim, n in sizes.items() if dim not in bare.dims}
    column: list[Any] = bare.expand_dims(missing).transpose(*sizes).values.ravel().tolist()
    return column


def _labeled(peaks: xr.Dataset, dim: str) -> str:
    """Name of a dimension with its units."""
    if dim == "energy":
        return f"{str(peaks.attrs.get('scale', '')).capitalize()} energy [eV]".strip()
    units = str(peaks[dim].attrs.get("units", "")) if dim in peaks.coords else ""
    return f"{dim} [{units}]" if units else dim


def _fitted(spectra: xr.DataArray, peaks: xr.Dataset, lead: list[Any]) -> xr.DataArray:
    """Spectra on the energies that were fitted.

    Raises
    ------
    ValueError
        If these are other spectra.
    """
    axis, wanted = spectra["energy"].values, peaks["energy"].values
    nearest = np.abs(axis[:, None] - wanted[None, :]).argmin(axis=0)
    same = np.allclose(axis[nearest], wanted, atol=1e-6, rtol=0.0)
    shapes = [spectra.sizes.get(dim) for dim in lead] == [peaks.sizes[dim] for dim in lead]
    if not same or not shapes or spectra.ndim != len(lead) + 1:
        raise ValueError(
            f"expected the spectra that the peaks were fitted to, got {dict(spectra.sizes)} for "
            f"peaks of {dict(peaks.sizes)}; pass those of refine or fit"
        )
    return spectra.isel(energy=nearest).transpose(*lead, "energy")


def _titles(spectra: Iterable[xr.DataArray]) -> list[str]:
    """Titles of the sheets: the regions, as Excel allows them, each only once."""
    titles: list[str] = []
    for array in spectra:
        title = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", str(array.name or "spectra")).strip("' ")
        titles.append((title or "spectra")[: _MAX_TITLE - 5])
    total, number = Counter(title.lower() for title in titles), Counter[str]()
    for i, title in enumerate(titles):
        key = title.lower()
        number[key] += 1
        if key in _RESERVED or total[key] > 1:
            titles[i] = f"{title} {number[key]}"
    return titles


def _sheet(book: Any, title: str, rows: Iterable[Row]) -> None:
    """Add a sheet whose first row stays in view."""
    from openpyxl.cell import WriteOnlyCell

    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in rows:
        cells = []
        for text, kind in map(_stored, row):
            # Given as text, so that all digits are kept and no text becomes a formula.
            cell = WriteOnlyCell(sheet, value=text)
            cell.data_type = kind
            cells.append(cell if text else None)
        sheet.append(cells)


def _stored(value: Any) -> tuple[str, str]:
    """Text of a cell, empty where there is none, and its kind, number or text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int | float):
        return (repr(value) if np.isfinite(value) else "", "n")
    return _CONTROLS.sub(" ", str(value))[:_MAX_TEXT], "s"
