"""Tables of numbers in text: where each table begins and ends, its labels, its columns of words."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from xpsnet.io.common.energy_axis import is_uniform
from xpsnet.io.common.labels import is_energy_label
from xpsnet.io.common.region_names import find_region
from xpsnet.io.tables.csv import has_our_labels
from xpsnet.io.tables.number_style import (
    DIALECTS,
    MAX_LINE,
    Dialect,
    NumberStyleError,
    decided,
    find_dialect,
    lines_of,
    starts_like_a_number,
    with_plain_signs,
)

MIN_ROWS = 5
MAX_PIECES = 2000
_MIN_AXIS = 8  # energies in a line that may be the axis of a table of a few rows
_MAX_HEADER_LINES = 60
_MAX_LABEL = 300
_MAX_NUMBERS = 8 << 20
_MAX_CELLS = 2 * _MAX_NUMBERS  # of one table, empty ones included
_SAMPLE = 500  # lines that show whether columns hold words
_MAX_HEADS = 6  # lines above a table that may hold words for its columns
_MAX_HEAD = 1 << 20  # characters of such a line
_SCAN = re.compile(r"(?:sweep|scan|run)[ _#]{0,3}(\d{1,6})", re.IGNORECASE)
_TOTAL = re.compile(r"sum|total|mean|average", re.IGNORECASE)
_SAME_TOTAL = 1e-3  # rounding of what was exported
_COMMENT = re.compile(r"^\s*(?:#+|%+|!|//|;|\*|'|\")\s*")
# Cells of another style of numbers: what is read of the others would not be true.
_OTHER_STYLE = re.compile(r"[+-]?\d[\d.,' \xa0]*(?:[eEdD][+-]?\d+)?")


class TooManyNumbersError(Exception):
    """The tables of a text would take long to read."""


@dataclass
class Table:
    """One table: values of shape (rows, columns), NaN if a cell is empty.

    `labels` has a text per column, or none at all. `heads` are the cells of the last header
    lines, a list per line. `words` are the texts of columns of words, whose values are NaN.
    """

    values: npt.NDArray[np.float64]
    lines: npt.NDArray[np.int64]
    header: list[str]
    labels: list[str]
    heads: list[list[str]] = field(default_factory=list)
    words: dict[int, list[str]] = field(default_factory=dict)
    _codes: dict[int, npt.NDArray[np.int64]] = field(default_factory=dict, init=False, repr=False)

    def codes(self, column: int) -> npt.NDArray[np.int64]:
        """A number per different value of a column of numbers or words, in order of appearance."""
        if column not in self._codes:
            words = self.words.get(column)
            values: list[object] = list(words or self.values[:, column].tolist())
            numbers: dict[object, int] = {}
            codes = [numbers.setdefault("nan" if v != v else v, len(numbers)) for v in values]
            self._codes[column] = np.array(codes, dtype=np.int64)
        return self._codes[column]


@dataclass
class _Run:
    """Rows of numbers in a row, with the lines of words before them."""

    header: list[str]
    header_size: int = 0
    rows: list["array[float]"] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)

    def add_header(self, line: str) -> None:
        """Keep a line of words, the last ones of them."""
        if len(line) > MAX_LINE:
            return
        self.header.append(line)
        self.header_size += len(line)
        while len(self.header) > _MAX_HEADER_LINES or self.header_size > MAX_LINE:
            self.header_size -= len(self.header.pop(0))


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
    NumberStyleError
        If a number may be read in two ways, or numbers are written in two ways.
    """
    text = with_plain_signs(text.replace("\r\n", "\n").replace("\r", "\n"))
    dialect = find_dialect(text)
    tables, stray, unread = _numeric(text, dialect)
    if unread:
        thorough = find_dialect(text, thorough=True)
        if thorough != dialect:
            tables, stray, unread = _numeric(text, thorough)
            dialect = thorough
    n_rows = sum(len(table.lines) for table in tables)
    if not tables or len(unread) >= max(MIN_ROWS, n_rows):
        from_words = _with_words(text)
        if from_words is not None:
            return from_words
    _refuse_other_styles(text, dialect, unread)
    return tables, stray + unread


def _numeric(text: str, dialect: Dialect) -> tuple[list[Table], list[int], list[int]]:
    """Tables of numbers only; lines that fit into none; lines within them that are no numbers."""
    groups: list[list[Table]] = []
    stray: list[int] = []
    unread: list[int] = []
    n_pieces = 0
    for run in _runs(text, dialect):
        unread += run.unread
        table = _table(run, dialect, stray)
        if table is None:
            continue
        n_pieces += 1
        if n_pieces > MAX_PIECES:
            return [], [], []
        if groups and _continues(groups[-1][-1], table):
            stray += range(int(table.lines[0]) - len(table.header), int(table.lines[0]))
            groups[-1].append(table)
        else:
            groups.append([table])
    return [_joined(group) for group in groups], stray, unread


def _joined(group: list[Table]) -> Table:
    """Put the pieces of a table together."""
    values = np.concatenate([table.values for table in group])
    lines = np.concatenate([table.lines for table in group])
    return Table(values, lines, group[0].header, group[0].labels, group[0].heads)


def _refuse_other_styles(text: str, dialect: Dialect, unread: list[int]) -> None:
    """Refuse a text in which single numbers are written in another way than all others."""
    wanted = set(unread)
    for number, line in enumerate(lines_of(text) if wanted else (), start=1):
        if number not in wanted:
            continue
        cells = dialect.cells(line)
        odd = [cell for cell in cells if dialect.number(cell) is None]
        if odd and all(_OTHER_STYLE.fullmatch(cell) for cell in odd):
            sign = "point" if dialect.decimal == "." else "comma"
            raise NumberStyleError(
                number, line, f"{odd[0]!r} where all other numbers have a decimal {sign}"
            )


def _runs(text: str, dialect: Dialect) -> Iterator[_Run]:
    """Cut the text into runs of rows."""
    run = _Run([])
    left = _MAX_NUMBERS
    for number, line in enumerate(lines_of(text), start=1):
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
        width = len(run.rows[-1]) if run.rows else 0
        before = _before_words(line, dialect, width)
        if before is not None:
            run.rows.append(before)
            run.lines.append(number)
            continue
        n_numbers = _numbers_in(line, dialect, width)
        if n_numbers:
            run.unread.append(number)
            # Of two columns, the line may also be the title of the next table.
            if n_numbers > 1:
                continue
        if run.rows:
            yield run
            run = _Run([])
        run.add_header(line)
    if run.rows:
        yield run


def _numbers_in(line: str, dialect: Dialect, width: int) -> int:
    """Numbers in a line that is no row, but has as many cells as rows and begins as they do."""
    if not width or not starts_like_a_number(line) or len(line) > MAX_LINE:
        return 0
    cells = dialect.cells(line)
    if len(cells) != width:
        return 0
    if all(_OTHER_STYLE.fullmatch(cell) for cell in cells if cell):
        return width  # numbers, but written in another way
    if dialect.number(cells[0]) is None:
        return 0
    return sum(dialect.number(cell) is not None for cell in cells)


def _before_words(line: str, dialect: Dialect, width: int) -> "array[float] | None":
    """The row of a line that ends with a remark in a column of its own."""
    if width < 2 or dialect.separator not in "\t;," or not starts_like_a_number(line):
        return None
    cells = dialect.cells(line) if len(line) <= MAX_LINE else []
    if len(cells) <= width or not any(dialect.number(cell) is None for cell in cells[width:]):
        return None
    if any(_OTHER_STYLE.fullmatch(cell) for cell in cells[width:]):
        return None
    numbers = [dialect.number(cell) for cell in cells[:width]]
    return array("d", [n for n in numbers if n is not None]) if None not in numbers else None


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
        labels = _quoted_cells(_without_mark(run.header[-1]), dialect) if run.header else []
        if labels and has_our_labels(labels[0]):
            width = max(width, len(labels))
    heads = _heads(run.header, dialect, width)
    few = len(run.rows) < MIN_ROWS and not (
        width >= _MIN_AXIS
        and (_n_numbers(heads, dialect) >= width - 4 or is_uniform(np.array(run.rows[0])))
    )
    if width < 2 or few:
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
    labels = _labels(run.header, dialect, width, is_counting(values[:, 0]))
    return Table(values, np.array(lines), run.header, labels, heads)


def _n_numbers(heads: list[list[str]], dialect: Dialect) -> int:
    """Numbers in the last header line."""
    return (
        sum(bool(cell) and dialect.number(cell) is not None for cell in heads[-1]) if heads else 0
    )


def is_counting(values: npt.NDArray[np.float64]) -> bool:
    """Whether values are 0, 1, 2 ... or 1, 2, 3 ..., as the numbers of rows are."""
    return bool(
        values.size > 1 and values[0] in (0.0, 1.0) and (np.diff(values) == 1.0).all()
    )  # fmt: skip


def _labels(header: list[str], dialect: Dialect, width: int, has_index: bool) -> list[str]:
    """Column labels: the last header line that has one cell per column."""
    short: list[str] = []
    for line in reversed(header):
        bare = _without_mark(line)
        ways = [
            _quoted_cells(bare, dialect),
            re.split(r"\t|\s{2,}", bare.strip()),
            re.split(r"(?<=[)\]])\s+", bare.strip()),
        ]
        for cells in ways:
            if len(cells) == width:
                return [cell[:_MAX_LABEL] for cell in cells]
        # The last columns may have no label.
        if dialect.separator in "\t;," and len(dialect.all_cells(bare)) == width > len(ways[0]) > 1:
            return [c[:_MAX_LABEL] for c in ways[0]] + [""] * (width - len(ways[0]))
        # A column of remarks has a label, but hardly any cells.
        if (
            dialect.separator in "\t;,"
            and len(ways[0]) == width + 1
            and is_energy_label(ways[0][0])
        ):
            return [cell[:_MAX_LABEL] for cell in ways[0][:width]]
        # R writes no label above the numbers of the rows.
        if has_index and width > 2 and len(ways[0]) == width - 1 and not short:
            short = ["", *(cell[:_MAX_LABEL] for cell in ways[0])]
    return short


def _without_mark(line: str) -> str:
    """A header line without the sign of a comment; quotes in pairs are none."""
    quoted = line.lstrip()[:1] == '"' and line.count('"') % 2 == 0
    return line if quoted else _COMMENT.sub("", line)


def _heads(header: list[str], dialect: Dialect, width: int) -> list[list[str]]:
    """Cells of the last header lines, one list of `width` texts per line."""
    if dialect.separator not in "\t;,":
        return []
    heads = []
    for line in header[-_MAX_HEADS:]:
        bare = _without_mark(line)
        cells = _quoted_cells(bare, dialect) if len(line) < _MAX_HEAD else []
        # A shorter line stands above the columns only where empty cells keep its place.
        aligned = len(dialect.all_cells(bare)) == width or "" in cells or len(cells) == 1
        if 0 < len(cells) <= width and (aligned or len(cells) == width):
            heads.append([c[:_MAX_LABEL] for c in cells] + [""] * (width - len(cells)))
    return heads


def _with_words(text: str) -> tuple[list[Table], list[int]] | None:
    """The table of a text in which some columns hold words; None if there is none."""
    lines = [(number, line) for number, line in enumerate(lines_of(text), 1) if line.strip()]
    best: tuple[int, Dialect, int] = (0, Dialect("\t", "."), 0)
    sample = lines[:_SAMPLE]
    signs = {sign for sign in "\t;,'\xa0\" " if any(sign in line for _, line in sample)}
    for dialect in DIALECTS[:-1]:
        if not dialect.is_possible(signs):
            continue
        widths: Counter[int] = Counter()
        for _, line in sample:
            cells = dialect.all_cells(line)
            n_numbers = sum(dialect.number(cell) is not None for cell in cells if cell)
            if len(cells) >= 3 and n_numbers >= 2:
                widths[len(cells)] += 1
        width, score = widths.most_common(1)[0] if widths else (0, 0)
        if score > best[0]:
            best = (score, dialect, width)
    score, dialect, width = best
    if score < (MIN_ROWS if width <= _MIN_AXIS else 2) or score < 0.5 * min(len(lines), _SAMPLE):
        return None
    return _words_table(lines, decided(dialect, sample, lambda: lines), width)


def _words_table(
    lines: list[tuple[int, str]], dialect: Dialect, width: int
) -> tuple[list[Table], list[int]] | None:
    """The table of rows of this width, numbers and words apart."""
    cut = [(number, line, dialect.all_cells(line)) for number, line in lines]
    rows = [(n, cells) for n, _, cells in cut if len(cells) == width]
    if len(rows) * width > _MAX_NUMBERS:
        raise TooManyNumbersError(f"more than {_MAX_NUMBERS} cells of numbers and words")
    numbers = [[dialect.number(cell) for cell in cells] for _, cells in rows]
    n_words = [sum(row[k] is None for row in numbers) for k in range(width)]
    # A header line has words in all columns, a column of words in nearly all rows.
    most = min(0.1 * len(rows) + 2, len(rows))
    numeric = [k for k in range(width) if n_words[k] < most]
    if len(numeric) < 2 or len(numeric) == width:
        return None
    kept = [
        i for i, row in enumerate(numbers)
        if all(row[k] is not None for k in numeric)
        and any(not np.isnan(row[k] or 0.0) for k in numeric)
    ]  # fmt: skip
    if len(kept) < (MIN_ROWS if width <= _MIN_AXIS else 2):
        return None
    values = np.full((len(kept), width), np.nan)
    for target, i in zip(values, kept, strict=True):
        target[numeric] = [numbers[i][k] for k in numeric]
    values[~np.isfinite(values)] = np.nan
    if len(numeric) >= _MIN_AXIS and is_uniform(values[0, numeric]):
        kept, values = kept[1:], values[1:]  # energies above the columns: part of the header
    elif len(kept) < MIN_ROWS:
        return None
    first = rows[kept[0]][0]
    header = [line for number, line, _ in cut if number < first][-_MAX_HEADER_LINES:]
    own = {rows[i][0] for i in kept}
    stray = [number for number, *_ in cut if number > first and number not in own]
    words = {k: [rows[i][1][k] for i in kept] for k in range(width) if k not in numeric}
    counting = is_counting(values[:, 0])
    table = Table(
        values, np.array(sorted(own)), header, _labels(header, dialect, width, counting),
        _heads(header, dialect, width), words,
    )  # fmt: skip
    return [table], stray


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
    found = [cell.strip('"') for cell in found]
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
