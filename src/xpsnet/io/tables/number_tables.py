"""Tables of numbers in text: separator, decimal sign, where each table begins and ends."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xpsnet.io.common.labels import is_energy_label
from xpsnet.io.common.region_names import find_region
from xpsnet.io.tables.csv import has_our_labels

MIN_ROWS = 5
MAX_PIECES = 2000
_SAMPLE_LINES = 2000
_SAMPLE_CHARS = 400_000
_MAX_HEADER_LINES = 60
_MAX_LINE = 8 << 20
_MAX_LABEL = 300
_MAX_NUMBERS = 8 << 20
_MAX_CELLS = 2 * _MAX_NUMBERS  # of one table, empty ones included
_SCAN = re.compile(r"(?:sweep|scan|run)[ _#]{0,3}(\d{1,6})", re.IGNORECASE)
_TOTAL = re.compile(r"sum|total|mean|average", re.IGNORECASE)
_SAME_TOTAL = 1e-3  # rounding of what was exported
_COMMENT = re.compile(r"^\s*(?:#+|%+|!|//|;|\*|'|\")\s*")
# What programs write for "no value".
_MISSING = {"", "nan", "na", "n/a", "-", "--", "null", "none", "inf", "-inf",
            "#empty#", "-1.#ind", "1.#ind", "1.#qnan", "1.#inf", "-1.#inf"}  # fmt: skip
_FIRST = set("0123456789+-.\"'")
_NOT_PLAIN = re.compile(r"[nN_]")  # of nan, inf and 1_000, which float() takes for numbers
_NOT_PLAIN_COMMA = re.compile(r"[nN_.]|,(?!\d)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
_NUMBER_COMMA = re.compile(r"[+-]?(?:\d+(?:,\d+)?|,\d+)(?:[eEdD][+-]?\d+)?")


class TooManyNumbersError(Exception):
    """The tables of a text would take long to read."""


class Dialect(NamedTuple):
    """How a line is cut into cells, and how a number is written."""

    separator: str
    decimal: str

    def is_possible(self, signs: set[str]) -> bool:
        """Whether another dialect does not cut and take the same, given the signs in a text."""
        if self.decimal == "," and "," not in signs:
            return False
        if self.separator == "mixed":
            return bool(signs & {",", ";"})
        return self.separator == "blank" or self.separator in signs

    def cells(self, line: str) -> list[str]:
        """Cut a line into its cells, empty ones at the end left out."""
        line = line.strip(" \r\n\0\x1a\ufeff" if self.separator == "\t" else None)
        if self.separator == "blank":
            cells = line.split()
        elif self.separator == "mixed":
            cells = [cell for cell in re.split(r"[,;\s]+", line) if cell]
        else:
            cells = [cell.strip(" \t\"'\r\0") for cell in line.split(self.separator)]
        # A second cell that is empty is kept: it tells a missing value from a cut line.
        while len(cells) > 2 and not cells[-1]:
            cells.pop()
        return cells

    def row(self, line: str) -> "array[float] | None":
        """Numbers of a line, NaN for empty cells; None if a cell is no number."""
        stripped = line.lstrip(" \t,;\0\ufeff")
        if not stripped or stripped[0] not in _FIRST or len(line) > _MAX_LINE:
            return None
        not_plain = _NOT_PLAIN if self.decimal == "." else _NOT_PLAIN_COMMA
        if not_plain.search(line) is None:
            plain = line if self.decimal == "." else line.replace(",", ".")
            try:
                return array("d", map(float, self.cells(plain))) or None
            except ValueError:
                pass  # an empty cell, or no number: the slow way tells
        pattern = _NUMBER if self.decimal == "." else _NUMBER_COMMA
        row = array("d")
        for cell in self.cells(line):
            if pattern.fullmatch(cell):
                row.append(float(cell.replace(",", ".").replace("D", "e").replace("d", "e")))
            elif cell.lower() in _MISSING:
                row.append(np.nan)
            else:
                return None
        return row if row and not np.isnan(row).all() else None


DIALECTS = (
    Dialect("\t", "."), Dialect("\t", ","), Dialect(";", "."), Dialect(";", ","),
    Dialect("blank", "."), Dialect("blank", ","), Dialect(",", "."), Dialect("mixed", "."),
)  # fmt: skip


@dataclass
class Table:
    """One table: values of shape (rows, columns), NaN if a cell is empty."""

    values: npt.NDArray[np.float64]
    lines: npt.NDArray[np.int64]
    header: list[str]
    labels: list[str]


@dataclass
class _Run:
    """Rows of numbers in a row, with the lines of words before them."""

    header: list[str]
    header_size: int = 0
    rows: list["array[float]"] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def find_tables(text: str) -> tuple[list[Table], list[int]]:
    """Find all tables of at least two columns and five rows.

    Parameters
    ----------
    text : str
        Any line ends.

    Returns
    -------
    (list of Table, list of int)
        The tables, and the numbers (from 1) of the lines of numbers that fit into none. No
        tables at all where words interrupt the numbers more than `MAX_PIECES` times.

    Raises
    ------
    TooManyNumbersError
        If the text holds more than 8 million numbers, or a table mostly of empty cells.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    dialect = _find_dialect(text)
    groups: list[list[Table]] = []
    stray: list[int] = []
    n_pieces = 0
    for run in _runs(text, dialect):
        table = _table(run, dialect, stray)
        if table is None:
            continue
        n_pieces += 1
        if n_pieces > MAX_PIECES:
            return [], []
        if groups and _continues(groups[-1][-1], table):
            stray += range(int(table.lines[0]) - len(table.header), int(table.lines[0]))
            groups[-1].append(table)
        else:
            groups.append([table])
    return [_joined(group) for group in groups], stray


def _joined(group: list[Table]) -> Table:
    """Put the pieces of a table together."""
    values = np.concatenate([table.values for table in group])
    lines = np.concatenate([table.lines for table in group])
    return Table(values, lines, group[0].header, group[0].labels)


def _lines_of(text: str) -> Iterator[str]:
    """Lines of a text, one at a time."""
    return (match[1] for match in re.finditer(r"([^\n]*)\n?", text))


def _find_dialect(text: str) -> Dialect:
    """Find the dialect that makes rows of the same length of most lines."""
    lines = _sample(text)
    signs = {sign for sign in "\t;," if any(sign in line for line in lines)}
    best, best_score = DIALECTS[0], 0
    for dialect in DIALECTS:
        if not dialect.is_possible(signs):
            continue
        rows = (dialect.row(line) for line in lines)
        widths = Counter(len(row) for row in rows if row is not None and len(row) > 1)
        score = max(widths.values(), default=0)
        if score > best_score:
            best, best_score = dialect, score
        if best_score == len(lines):
            break
    return best


def _sample(text: str) -> list[str]:
    """Take the first lines that begin like a row of numbers, bounded in number and size."""
    lines, size = [], 0
    for line in _lines_of(text):
        start = line.lstrip(" \t,;\0\ufeff")[:1]
        if start and start in _FIRST:
            lines.append(line)
            size += len(line)
            if len(lines) >= _SAMPLE_LINES or size > _SAMPLE_CHARS:
                break
    return lines


def _runs(text: str, dialect: Dialect) -> Iterator[_Run]:
    """Cut the text into runs of rows."""
    run = _Run([])
    left = _MAX_NUMBERS
    for number, line in enumerate(_lines_of(text), start=1):
        row = dialect.row(line)
        if row is not None:
            left -= len(row)
            if left < 0:
                raise TooManyNumbersError(f"more than {_MAX_NUMBERS} numbers at line {number}")
            run.rows.append(row)
            run.lines.append(number)
            continue
        if not line.strip():
            continue
        if run.rows:
            yield run
            run = _Run([])
        if len(line) <= _MAX_LINE:
            run.header.append(line)
            run.header_size += len(line)
            while len(run.header) > _MAX_HEADER_LINES or run.header_size > _MAX_LINE:
                run.header_size -= len(run.header.pop(0))
    if run.rows:
        yield run


def _table(run: _Run, dialect: Dialect, stray: list[int]) -> Table | None:
    """Turn a run into a table; rows of another length go to `stray`."""
    explicit = dialect.separator in "\t;,"
    widths = Counter(len(row) for row in run.rows)
    width = widths.most_common(1)[0][0]
    if explicit:
        # Columns of different length side by side: the longest rows are the table.
        width = max(
            [width, *(w for w, n in widths.items() if n >= max(MIN_ROWS, 0.05 * len(run.rows)))]
        )
        # In a table that `write` made, columns without counts at the right belong to it, too.
        labels = _quoted_cells(_COMMENT.sub("", run.header[-1]), dialect) if run.header else []
        if labels and has_our_labels(labels[0]):
            width = max(width, len(labels))
    if width < 2 or len(run.rows) < MIN_ROWS:
        stray += run.lines
        return None
    if len(run.rows) * width > _MAX_CELLS:
        raise TooManyNumbersError(
            f"{len(run.rows)} rows of {width} columns at line {run.lines[0]}, most of them empty"
        )
    rows, lines = [], []
    for row, line in zip(run.rows, run.lines, strict=True):
        # With an explicit separator a short row is one whose last cells are empty.
        if len(row) == width or (explicit and 2 <= len(row) < width):
            row.extend([np.nan] * (width - len(row)))
            rows.append(row)
            lines.append(line)
        else:
            stray.append(line)
    values = np.frombuffer(b"".join(rows), dtype=np.float64).reshape(-1, width).copy()
    values[~np.isfinite(values)] = np.nan
    return Table(values, np.array(lines), run.header, _labels(run.header, dialect, width))


def _labels(header: list[str], dialect: Dialect, width: int) -> list[str]:
    """Column labels: the last header line that has one cell per column."""
    for line in reversed(header):
        bare = _COMMENT.sub("", line)
        for cells in (_quoted_cells(bare, dialect), re.split(r"\t|\s{2,}", bare.strip())):
            if len(cells) == width:
                return [cell[:_MAX_LABEL] for cell in cells]
    return []


def numbers_of_scans(labels: list[str]) -> list[int]:
    """Find the numbers of sweeps of one spectrum; empty if one label says something else."""
    found = [_SCAN.fullmatch(label.strip()) for label in labels]
    numbers = [int(match[1]) for match in found if match]
    return numbers if len(set(numbers)) == len(labels) else []


def find_total(labels: list[str], counts: npt.NDArray[np.float64]) -> int | None:
    """Find the column beside sweeps, counts (columns, n), that holds their sum or their mean."""
    totals = [i for i, label in enumerate(labels) if _TOTAL.fullmatch(label.strip())]
    others = [label for i, label in enumerate(labels) if i not in totals]
    if len(totals) != 1 or not numbers_of_scans(others):
        return None
    total = np.delete(counts, totals, axis=0).sum(axis=0)
    column = counts[totals[0]]
    same = any(
        np.allclose(column, total / n, rtol=_SAME_TOTAL, equal_nan=True) for n in (1, len(others))
    )
    return totals[0] if same else None


def _quoted_cells(line: str, dialect: Dialect) -> list[str]:
    """Cells of a header line, in which quotes protect the separator; none empty at the right."""
    if dialect.separator in ("blank", "mixed") or '"' not in line:
        found = dialect.cells(line)
    else:
        sign = dialect.separator
        cells = re.findall(rf'((?:"[^"]*"|[^{sign}])*)(?:{sign}|$)', line)
        pieces = (re.findall(r'"[^"]*"|[^"]+', cell) for cell in cells)
        found = ["".join(piece.strip("\"' ") for piece in own) for own in pieces]
    while found and not found[-1]:
        found.pop()
    return found


def _continues(last: Table, table: Table) -> bool:
    """Whether a table goes on after a line of words in its middle."""
    if last.values.shape[1] != table.values.shape[1] or len(table.header) > 2:
        return False
    if any(is_energy_label(label) for label in table.labels):
        return False
    if any(find_region(line) for line in table.header):
        return False  # another region, even if its energies go on in those of the first
    first, second = last.values[:, 0], table.values[:, 0]
    steps = np.diff(np.concatenate([first, second]))
    gap = steps[len(first) - 1]
    if not np.isfinite(gap):
        return False
    typical = np.nanmedian(np.abs(steps))
    return bool(gap * np.nanmedian(steps) > 0 and abs(gap) <= 5 * typical)
