"""Small writers of workbooks as Avantage exports them, for the tests."""

import io
import struct
from collections.abc import Sequence

import numpy as np
import openpyxl
from ole_writer import ole_file

from xpsnet.numerics.lineshapes import LINE_SHAPES

Rows = list[list[object]]
Sheets = list[tuple[str, Rows]]

ENGLISH = {
    "axis": "Axis ", "energy": "Binding Energy (E)", "background": "Backgnd.",
    "envelope": "Envelope", "residuals": "Residuals", "table": "Peak Table",
    "columns": ["Name ", "Start BE", "Peak BE", "End BE", "Height CPS", "FWHM eV",
                "Area (P) CPS.eV", "Area (N) TPP-2M", "Atomic %", "Peak Type", "Q ",
                "SF ALTHERMO1", "TXFN ", "Backgnd ", "PP Height CPS", "Title ", "File Name "],
}  # fmt: skip
CHINESE = {
    "axis": "\u8f74 ", "energy": "\u7ed3\u5408\u80fd (E)", "background": "\u80cc\u5e95",
    "envelope": "\u5305\u7edc", "residuals": "\u6b8b\u5dee", "table": "\u5cf0\u4f4d\u8868 ",
    "columns": ["\u540d\u79f0  ", "\u5f00\u59cb BE", "\u5cf0\u4f4d BE", "\u7ed3\u675f BE",
                "\u9ad8\u5ea6  CPS", "FWHM  eV", "\u9762\u79ef\uff08P\uff09 CPS.eV",
                "\u9762\u79ef\uff08N\uff09  TPP-2M", "Atomic %", "\u5cf0\u4f4d \u7c7b\u578b ",
                "Q ", "\u7075\u654f\u5ea6\u56e0\u5b50 ALTHERMO1", "TXFN  ", "\u80cc\u5e95 ",
                "PP\u9ad8\u5ea6  CPS", "\u6807\u9898 ", "\u6587\u4ef6\u540d "],
}  # fmt: skip
ENERGY = np.round(298.0 - 0.1 * np.arange(231), 2)
PEAKS = [("C1s Scan A", 284.8, 1.2, 5000.0, 0.3), ("C1s Scan B", 288.6, 1.5, 1200.0, 0.1)]
BACKGROUND = 900.0 + 4.0 * (ENERGY - 275.0)


def line(shape: str, center: float, fwhm: float, height: float, fraction: float) -> np.ndarray:
    """One line on the energies of the sheet."""
    parameters = [np.array([value]) for value in (center, fwhm, height, fraction)]
    return np.asarray(LINE_SHAPES[shape].value(ENERGY, *parameters)[0])


def counts() -> np.ndarray:
    """Rates of the region, without noise."""
    return BACKGROUND + sum(line("gl_product", *values) for _, *values in PEAKS)


def region(
    words: dict[str, object] = ENGLISH, *, shape: str = "gl_product", upon: bool = True,
    fitted: bool = True, settings: bool = True,
) -> Rows:  # fmt: skip
    """Rows of a sheet; the fitted window leaves out ten points at each end."""
    rows: Rows = [[] for _ in range(14)]
    rows[6] = [words["axis"], "Energy", "Elements=", float(ENERGY.size)]
    rows[8] = ["E:\\data\\Point 1\\C1s Scan.VGD"]
    if settings:
        rows[0] = [*[""] * 7, "Acquisition Parameters :"]
        rows[3] = [*[""] * 7, "Number of Scans", 10.0]
        rows[4] = [*[""] * 7, "Source Gun Type", "Al K Alpha"]
        rows[5] = [*[""] * 7, "Lens Mode", "Standard"]
    components = [line(shape, *values) + upon * BACKGROUND for _, *values in PEAKS]
    curves = {name: curve for (name, *_), curve in zip(PEAKS, components, strict=True)}
    curves |= {words["background"]: BACKGROUND, words["envelope"]: counts()}
    curves |= {words["residuals"]: np.zeros(ENERGY.size)}
    if not fitted:
        curves = {words["background"]: BACKGROUND}
    rows.append([words["energy"], "", "", "", *curves])
    rows.append(["eV", "", "Counts / s", "", *["Counts / s"] * len(curves)])
    for i, energy in enumerate(ENERGY):
        inside = 10 <= i < ENERGY.size - 10
        values = [float(curve[i]) if inside else 0.0 for curve in curves.values()]
        rows.append([float(energy), "", float(counts()[i]), "", *values])
    return rows


def table(
    words: dict[str, object] = ENGLISH,
    peaks: Sequence[tuple[str, float, float, float, float]] = PEAKS,
    title: str = "C1s Scan",
) -> Rows:
    """Rows of a peak table; areas are those of the lines."""
    rows: Rows = [[f"{words['table']} : "], [" ", *words["columns"]]]  # type: ignore[misc]
    for name, center, fwhm, height, fraction in peaks:
        area = -float(np.trapezoid(line("gl_product", center, fwhm, height, fraction), ENERGY))
        rows.append(["", name, 297.0, center, 276.0, height, fwhm, area, 12.5, 40.0, "Fit", 1.0,
                     1.0, 1.0, "Smart", height, title, f"E:\\data\\{title}.VGD"])  # fmt: skip
    return rows


def titles() -> Rows:
    """Rows of the sheet that lists what was exported."""
    return [["16:25:56  Wednesday, March 11, 2026"], [], ["E:\\1.xls"], ["", "C1s Scan", "..."]]


def workbook(words: dict[str, object] = ENGLISH, **changes: bool | str) -> Sheets:
    """Sheets of an export: one region, the peak table, the titles, an empty sheet."""
    return [("C1s Scan", region(words, **changes)),  # type: ignore[arg-type]
            (str(words["table"]), table(words)), ("Titles", titles()), ("Sheet1", [])]  # fmt: skip


def xlsx(sheets: Sheets) -> bytes:
    """Workbook of today."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([None if cell == "" else cell for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xls(sheets: Sheets) -> bytes:
    """Workbook of Excel 97 to 2003 (BIFF8), with numbers and labels only."""
    pages = [b"" for _ in sheets]
    for i, (_, rows) in enumerate(sheets):
        page = _record(0x0809, struct.pack("<4H2I", 0x0600, 0x0010, 0, 0, 0, 0x0600))
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if isinstance(cell, float):
                    page += _record(0x0203, struct.pack("<3Hd", r, c, 0, cell))
                elif cell != "":
                    page += _record(0x0204, struct.pack("<3H", r, c, 0) + _text(str(cell), "<H"))
        pages[i] = page + _record(0x000A, b"")
    start = _record(0x0809, struct.pack("<4H2I", 0x0600, 0x0005, 0, 0, 0, 0x0600))
    start += _record(0x0042, struct.pack("<H", 1200))
    size = len(start) + 4 + sum(4 + 6 + len(_text(name, "<B")) for name, _ in sheets)
    for page, (name, _) in zip(pages, sheets, strict=True):
        start += _record(0x0085, struct.pack("<I2B", size, 0, 0) + _text(name, "<B"))
        size += len(page)
    return ole_file({"Workbook": start + _record(0x000A, b"") + b"".join(pages)})


def _record(kind: int, data: bytes) -> bytes:
    """One record."""
    return struct.pack("<2H", kind, len(data)) + data


def _text(text: str, layout: str) -> bytes:
    """Text with its length in characters, as UTF-16."""
    return struct.pack(layout, len(text)) + b"\x01" + text.encode("utf-16-le")
