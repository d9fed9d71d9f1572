"""Workbooks: spectra as tables that `read` gives back, peaks with their curves for people.

Numbers are stored with all digits, texts as texts: nothing is a formula. The parts of the file
are put together here, in memory: packages write each sheet to a temporary file first, on a disk
that may be full.
"""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any
from xml.sax.saxutils import escape, quoteattr

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
_LARGEST = 1 << 63  # of a cell that holds a number
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_CREATOR = "napari-xpsnet"
_RESERVED = {"metadata", "description", "peaks", "curves"}

_DESCRIBED = ("sheet", "key", "JSON")

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SHEETS = "officedocument.spreadsheetml"

Row = Sequence[Any]
Sheet = tuple[str, list[Row]]


def excel_bytes(
    content: list[xr.DataArray] | xr.Dataset, spectra: xr.DataArray | None
) -> memoryview:
    """Workbook with spectra, a sheet each, or peaks with a table, curves and metadata.

    Raises
    ------
    ValueError
        If there are more spectra than sheets hold, or openpyxl is not installed.
    """
    try:
        import_module("openpyxl")  # without which `read` could not give back what was written
    except ImportError as error:
        raise ValueError(
            "expected the package openpyxl, to write .xlsx, got no such package; pip install "
            "napari-xpsnet[excel], or write .csv"
        ) from error
    sheets = _of_peaks(content, spectra) if isinstance(content, xr.Dataset) else _of(content)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _frame([title for title, _ in sheets]).items():
            archive.writestr(name, text)
        for i, (_, rows) in enumerate(sheets, start=1):
            with archive.open(f"xl/worksheets/sheet{i}.xml", "w") as part:
                part.writelines(line.encode() for line in _sheet(rows))
    return made.getbuffer()


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


def _frame(titles: Sequence[str]) -> dict[str, str]:
    """Parts of a workbook other than its sheets (ISO/IEC 29500, Office Open XML)."""
    numbers = range(1, len(titles) + 1)
    listed = "".join(
        f'<sheet name={quoteattr(_CONTROLS.sub(" ", title))} sheetId="{i}" r:id="rId{i}"/>'
        for i, title in zip(numbers, titles, strict=True)
    )
    types = "".join(
        f'<Override PartName="/{part}" ContentType="application/vnd.openxmlformats-{kind}+xml"/>'
        for part, kind in [
            ("xl/workbook.xml", f"{_SHEETS}.sheet.main"),
            ("docProps/core.xml", "package.core-properties"),
            *((f"xl/worksheets/sheet{i}.xml", f"{_SHEETS}.worksheet") for i in numbers),
        ]
    )
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        f'relationships+xml"/>{types}</Types>',
        "_rels/.rels": _relations(
            {
                f"{_OFFICE}/officeDocument": "xl/workbook.xml",
                f"{_PACKAGE}/relationships/metadata/core-properties": "docProps/core.xml",
            }.items()
        ),
        "docProps/core.xml": f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/'
        f'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{_CREATOR}'
        f"</dc:creator></cp:coreProperties>",
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}'
        f"</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            (f"{_OFFICE}/worksheet", f"worksheets/sheet{i}.xml") for i in numbers
        ),
    }


def _relations(targets: Iterable[tuple[str, str]]) -> str:
    """Part that says which parts belong to another one, by kind and name."""
    listed = "".join(
        f'<Relationship Id="rId{i}" Type="{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, start=1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _sheet(rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a sheet whose first row stays in view."""
    yield (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane '
        f'ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView>'
        f"</sheetViews><sheetData>\n"
    )
    for number, row in enumerate(rows, start=1):
        cells = (
            _cell(f"{_letters(column)}{number}", *_stored(value))
            for column, value in enumerate(row)
        )
        yield f'<row r="{number}">{"".join(cells)}</row>\n'
    yield "</sheetData></worksheet>"


def _cell(place: str, text: str, kind: str) -> str:
    """A cell; texts stay texts, also those that look like formulas."""
    if not text:
        return ""
    if kind == "n":
        return f'<c r="{place}"><v>{text}</v></c>'
    blanks = ' xml:space="preserve"' if text != text.strip() else ""
    return f'<c r="{place}" t="inlineStr"><is><t{blanks}>{escape(text)}</t></is></c>'


@cache
def _letters(column: int) -> str:
    """Letters of a column, counted from 0: A to Z, AA, AB."""
    before, last = divmod(column, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


def _stored(value: Any) -> tuple[str, str]:
    """Text of a cell, empty where there is none, and its kind, number or text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, float) and np.isinf(value):
        return repr(value), "s"  # a cell holds no infinite number
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return str(value)[:_MAX_TEXT] if abs(value) < _LARGEST**10 else "a large number", "s"
    if isinstance(value, int | float):
        return ("" if value != value else repr(value)), "n"
    return _CONTROLS.sub(" ", str(value))[:_MAX_TEXT], "s"
