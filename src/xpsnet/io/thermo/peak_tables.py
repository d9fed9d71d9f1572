"""Tables of peaks in workbooks: Avantage's peak table, sheets of quantifications, and the like.

A row of labels names a position, a width and an area or a height; the rows below it hold a peak
each. Rows of units, headings of regions and empty rows may lie between.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from xpsnet.io.common.labels import number_of_text
from xpsnet.io.common.region_names import find_region
from xpsnet.io.tables.excel import Cell, Sheet

MAX_PEAKS = 200
_MAX_LABEL, _MAX_COLUMNS = 100, 200
_MAX_ROWS = 2000
_LETTER = re.compile(r"\b([BK])\.?\s?E\b", re.IGNORECASE)
_POSITION = re.compile(
    r"position|cent(?:er|re)\b|peak energy|(?:bind\w*|kin\w*)[. ]*energy|^energy\b"
    r"|结合能|動能|动能",
    re.IGNORECASE,
)
_KINETIC = re.compile(r"kinetic|\bK\.?\s?E\b|动能|動能", re.IGNORECASE)
_PEAK = re.compile(r"peak|pic\b|峰|ピーク", re.IGNORECASE)
_COLUMNS = {
    "fwhm": re.compile(r"fwhm|half.?width|^width|largeur|halbwert|半高宽|半値", re.IGNORECASE),
    "height": re.compile(r"^(?!.*ev)(?:.*\bcps\b.*|.*height.*)$", re.IGNORECASE),
    "area": re.compile(
        r"cps\.?\s?ev|^(?!.*%).*\b(?:area|aire|fläche|área)\b|面积|面積", re.IGNORECASE
    ),
    "atomic_percent": re.compile(
        r"^(?!pp).*\bat(?:omic|om|\.)?\s*(?:%|percent|conc)|%\s*at|原子", re.IGNORECASE
    ),
    "factor": re.compile(r"sensitiv|^r?s\.?f\.?\b|灵敏度|感度", re.IGNORECASE),
    "kind": re.compile(r"peak type|类型|タイプ", re.IGNORECASE),
    "background": re.compile(r"^backgnd|^background|背底|本底", re.IGNORECASE),
    "share": re.compile(r"l/g mix", re.IGNORECASE),
    "title": re.compile(
        r"^title|^(?:region|sheet|spectrum|scan|core level|level)\b|^标题|^タイトル", re.IGNORECASE
    ),
    "name": re.compile(r"^(?:peak |component )?name|^component|^label|^state|^名称|^名前",
                       re.IGNORECASE),
}  # fmt: skip


@dataclass
class Peak:
    """One row of a table of peaks; NaN where the table has no such column."""

    name: str
    scale: str
    center: float
    fwhm: float
    height: float
    area: float
    others: dict[str, Cell] = field(default_factory=dict)


@dataclass
class _Header:
    """Columns of a table, and the scale of its positions."""

    columns: dict[str, int]
    first: int  # of the positions; names stand before it
    scale: str


def find_peaks(sheet: Sheet) -> list[Peak]:
    """Rows of all tables of peaks of a sheet; none in any other sheet.

    Parameters
    ----------
    sheet : Sheet

    Returns
    -------
    list of Peak
        In the order of the sheet. `others["title"]` is the region that a column, or a heading
        above the row, names.
    """
    header: _Header | None = None
    peaks: list[Peak] = []
    heading = ""
    for row in sheet.rows[:_MAX_ROWS]:
        found = _header(row)
        if found is not None:
            header, heading = found, ""
            continue
        if header is None or len(peaks) >= MAX_PEAKS:
            continue
        peak = _peak(row, header, heading)
        if peak is not None:
            peaks.append(peak)
            heading = heading if header.columns.get("title") is None else _title(peak, heading)
            continue
        texts = [cell.strip() for cell in row if isinstance(cell, str) and cell.strip()]
        if len(texts) == 1 and find_region(texts[0]):
            heading = texts[0]
    return peaks


def _title(peak: Peak, heading: str) -> str:
    """Region of a row, which holds for the rows below it that name none."""
    return str(peak.others.get("title", "") or heading)


def _header(row: Sequence[Cell]) -> _Header | None:
    """Columns that a row of labels names; None if it is none of a table of peaks."""
    cells = [cell if isinstance(cell, str) else "" for cell in row[:_MAX_COLUMNS]]
    if sum(map(bool, cells)) < 3:
        return None
    labels = [cell[:_MAX_LABEL].strip() for cell in cells]
    columns = {
        name: next(c for c, label in enumerate(labels) if words.search(label))
        for name, words in _COLUMNS.items()
        if any(words.search(label) for label in labels)
    }
    positions = [c for c, label in enumerate(labels) if _LETTER.search(label)]
    positions = positions or [c for c, label in enumerate(labels) if _POSITION.search(label)]
    if not positions or "fwhm" not in columns or not {"height", "area"} & set(columns):
        return None
    named = [c for c in positions if _PEAK.search(labels[c])]
    # In every language the order is start, peak, end.
    columns["center"] = named[0] if named else positions[len(positions) // 2]
    scale = "kinetic" if _KINETIC.search(labels[columns["center"]]) else "binding"
    return _Header(columns, positions[0], scale)


def _peak(row: Sequence[Cell], header: _Header, heading: str) -> Peak | None:
    """One row of a table; None if it has no peak."""
    cells = {name: row[c] for name, c in header.columns.items() if c < len(row)}
    name = str(cells.get("name", "")).strip()
    if not name or "name" not in header.columns:
        texts = (c.strip() for c in row[: header.first] if isinstance(c, str) and c.strip())
        name = next(texts, "")
    numbers = {key: _number(cell) for key, cell in cells.items()}
    center, fwhm, height, area = (
        numbers.get(key, np.nan) for key in ("center", "fwhm", "height", "area")
    )
    size = height if np.isfinite(height) else area
    if not name or not np.isfinite([center, fwhm, size]).all() or min(fwhm, size) <= 0:
        return None
    others: dict[str, Cell] = dict(cells)
    for key in ("atomic_percent", "factor", "share"):
        if np.isfinite(numbers.get(key, np.nan)):
            others[key] = numbers[key]
    if not str(others.get("title", "")).strip():
        others["title"] = heading
    return Peak(name, header.scale, center, fwhm, height, area, others)


def _number(cell: Cell) -> float:
    """Number of a cell, also of a text that is one; NaN if there is none."""
    if isinstance(cell, float):
        return cell
    text = cell.strip().removesuffix("%").strip()
    return number_of_text(text.replace(",", ".") if "." not in text else text)
