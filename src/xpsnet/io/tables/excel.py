"""Cells of Excel workbooks, old (`.xls`) and new (`.xlsx`), read with bounded sizes.

A new workbook is a zip archive of XML texts. What a reader of tables needs is copied out of it,
each part no larger than it says and allowed, into an archive in memory; only that is parsed.
Nothing in it is calculated, no link is followed.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from xpsnet.io.common.errors import ReadError, optional_package, refusal
from xpsnet.io.common.file_bytes import read_bytes

Cell = str | float

MAX_BYTES = 64 << 20
_MAX_PARTS = 2000
_MAX_PART = 64 << 20
_MAX_UNPACKED = 128 << 20
_MAX_RATIO = 200  # of a part above 1 MiB; sheets of numbers reach about 10
_MAX_SHEETS = 500
_MAX_ROWS, _MAX_COLUMNS = 100_000, 1024
_MAX_CELLS = 5_000_000
ZIP = b"PK\x03\x04"
_INSTALL = 'install it with: pip install "napari-xpsnet[excel]"'
_WORKBOOK = "xl/workbook.xml"
# Parts without cells: left out, so that nothing in them can do harm.
_NOT_NEEDED = ("drawing", "theme", "chart", "media", "docprops", "styles", "worksheets/_rels",
               "pivot", "externallink", "calcchain", "customxml", "comment", "vml", "tables/",
               "printersettings")  # fmt: skip


_SHEET = re.compile(r"xl/worksheets/sheet\d+\.xml")
_NO_VALUE = re.compile(rb"(?:</f>|<f[^<>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")


class Sheet(NamedTuple):
    """One sheet: texts and numbers, "" where a cell is empty; rows may differ in length.

    `n_formulas` counts formulas for which the file holds no value, as programs write them that do
    not calculate. Their cells are empty.
    """

    name: str
    rows: list[list[Cell]]
    n_formulas: int = 0


def is_workbook(names: Iterable[str]) -> bool:
    """Whether the names in a zip archive are those of a workbook."""
    return any(name.lower() == _WORKBOOK for name in names)


def read_workbook(path: Path) -> list[Sheet]:
    """Read the cells of all sheets.

    Parameters
    ----------
    path : Path
        `.xls` or `.xlsx`, by content.

    Returns
    -------
    list of Sheet

    Raises
    ------
    ReadError
        If the file is damaged or too large, or the package that reads it is not installed.
    """
    data = read_bytes(path, MAX_BYTES)
    is_new = data.startswith(ZIP)
    sheets = _new_sheets(path, data) if is_new else _old_sheets(path, data)
    taken: list[Sheet] = []
    n_cells = 0
    try:
        for sheet in sheets:
            n_cells += sum(map(len, sheet.rows))
            taken.append(sheet)
            if n_cells > _MAX_CELLS or len(taken) > _MAX_SHEETS:
                raise refusal(
                    path, f"sheet {sheet.name!r}",
                    expected=f"up to {_MAX_SHEETS} sheets and {_MAX_CELLS} cells", got="more",
                    advice="export fewer regions at a time",
                )  # fmt: skip
    except ReadError:
        raise
    except Exception as error:  # both packages raise many kinds of exceptions
        raise refusal(
            path,
            expected="an Excel workbook",
            got=f"damage ({type(error).__name__}: {str(error)[:100]})",
            advice="open it in Excel and save it again, or save the sheet as csv",
        ) from error
    return taken


def _old_sheets(path: Path, data: bytes) -> Iterator[Sheet]:
    """Sheets of an `.xls`, one in memory at a time."""
    xlrd = optional_package(path, "xlrd", "which reads Excel workbooks", advice=_INSTALL)
    quiet = io.StringIO()  # xlrd prints what it finds odd
    book = xlrd.open_workbook(
        file_contents=data, on_demand=True, ragged_rows=True, logfile=quiet
    )  # fmt: skip
    for i, name in enumerate(book.sheet_names()):
        sheet = book.sheet_by_index(i)
        rows = [[_cell(value) for value in sheet.row_values(r)] for r in range(sheet.nrows)]
        yield Sheet(str(name), rows)
        book.unload_sheet(i)


def _new_sheets(path: Path, data: bytes) -> Iterator[Sheet]:
    """Sheets of an `.xlsx`."""
    openpyxl = optional_package(path, "openpyxl", "which reads Excel workbooks", advice=_INSTALL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts that are not read here
        copy = _checked_copy(path, data)
        book = openpyxl.load_workbook(copy, read_only=True, data_only=True, keep_links=False)
        formulas = _formulas_without_value(copy)
        for i, sheet in enumerate(book.worksheets):
            # The stated width saves time; programs that do not know it state a single column.
            width = sheet.max_column or 1
            width = _MAX_COLUMNS if width == 1 else min(width, _MAX_COLUMNS)
            rows = sheet.iter_rows(max_row=_MAX_ROWS, max_col=width, values_only=True)
            n_formulas = formulas[i] if len(formulas) == len(book.worksheets) else 0
            yield Sheet(str(sheet.title), _trimmed(path, sheet.title, rows), n_formulas)


def _formulas_without_value(copy: io.BytesIO) -> list[int]:
    """Formulas without a value in each sheet of a workbook, in the order of its parts."""
    with zipfile.ZipFile(copy) as archive:
        parts = [name for name in archive.namelist() if _SHEET.fullmatch(name)]
        parts.sort(key=lambda name: int(re.sub(r"\D", "", name)))
        counted = [len(_NO_VALUE.findall(archive.read(name))) for name in parts]
    copy.seek(0)
    return counted


def _trimmed(path: Path, name: str, rows: Iterable[tuple[Any, ...]]) -> list[list[Cell]]:
    """Rows without the empty cells and rows at their ends."""
    trimmed: list[list[Cell]] = []
    empty: list[list[Cell]] = []
    n_cells = 0
    blank: tuple[Any, ...] = ()  # openpyxl gives the same one for all rows that are missing
    for row in rows:
        if row is blank or row.count(None) == len(row):
            blank = row
            empty.append([])
            continue
        n = len(row)
        while row[n - 1] is None:
            n -= 1
        trimmed += [*empty, [_cell(value) for value in row[:n]]]
        empty = []
        n_cells += n
        if n_cells > _MAX_CELLS:
            raise refusal(path, f"sheet {name!r}", expected=f"up to {_MAX_CELLS} cells",
                          got="more", advice="export fewer regions at a time")  # fmt: skip
    return trimmed


def _cell(value: object) -> Cell:
    """Number or text of a cell."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return ""
    return str(value)


def _checked_copy(path: Path, data: bytes) -> io.BytesIO:
    """Archive in memory with the parts that hold cells, each of a checked size."""
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(copy, "w") as checked:
        parts = archive.infolist()
        names = [part.filename for part in parts]
        if not is_workbook(names):
            raise refusal(path, expected="a workbook", got="another zip archive",
                          advice="unpack it and open the files in it")  # fmt: skip
        if len(parts) > _MAX_PARTS or len(set(names)) < len(names):
            raise refusal(
                path, expected=f"a workbook of up to {_MAX_PARTS} different parts",
                got=f"{len(parts)} parts", advice="save the sheet as csv",
            )  # fmt: skip
        left = _MAX_UNPACKED
        for part in parts:
            name = part.filename.lower()
            if not name.endswith((".xml", ".rels")) or any(word in name for word in _NOT_NEEDED):
                continue
            text = _part(path, archive, part, min(left, _MAX_PART))
            left -= len(text)
            checked.writestr(part.filename, text)
    copy.seek(0)
    return copy


def _part(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo, limit: int) -> bytes:
    """One part, of which neither the stated nor the true size is above the limit."""
    ratio = part.file_size / max(part.compress_size, 1)
    if part.file_size > limit or (part.file_size > 1 << 20 and ratio > _MAX_RATIO):
        raise refusal(
            path, f"part {part.filename!r}", expected=f"at most {limit >> 20} MiB unpacked",
            got=f"{part.file_size >> 20} MiB, packed {ratio:.0f} times smaller",
            advice="this is no workbook of spectra",
        )  # fmt: skip
    with archive.open(part) as file:
        # A bounded read unpacks no more than it asks for, whatever the directory states.
        text = file.read(limit + 1)
    plain = text.replace(b"\0", b"")
    if len(text) > limit or b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise refusal(
            path, f"part {part.filename!r}", expected="plain XML of the stated size",
            got="more than stated" if len(text) > limit else "declarations of entities",
            advice="Excel writes no such file: export the spectra again",
        )  # fmt: skip
    return text
