"""How the numbers of a text are written: one style per file, decided from all of its rows.

A style is the sign between cells, the decimal sign and the sign between thousands. What two
styles read as different numbers is refused, never guessed.
"""

import csv
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from xpsnet.io.common.energy_axis import is_monotonic

_SAMPLE_LINES = 2000
_SAMPLE_CHARS = 400_000
MAX_LINE = 8 << 20
_MAX_JOINED = 20  # columns that are searched for decimals cut off by a comma
# What programs write for "no value".
_MISSING = {"", "nan", "na", "n/a", "-", "--", "null", "none", "inf", "-inf",
            "#empty#", "-1.#ind", "1.#ind", "1.#qnan", "1.#inf", "-1.#inf"}  # fmt: skip
_FIRST = set("0123456789+-.\"'(")
_WITHIN = re.compile(r"\d,\d")  # a comma that may belong to a number
_GROUP = re.compile(r"\d{3}(?:\.\d*)?")
_NAMES = {".": "points", ",": "commas"}
_BEFORE_CELLS = " \t,;\0\ufeff\xa0"
_NOT_PLAIN = re.compile(r"[nN_]")  # of nan, inf and 1_000, which float() takes for numbers
_NOT_PLAIN_COMMA = re.compile(r"[nN_.]|,(?!\d)")
_QUOTED_WORD = re.compile(r'(?<!\S)"([^"]*)"(?!\S)|(\S+)')
# Signs of other alphabets and of typesetting, as the signs that programs write.
_SIGNS = str.maketrans(
    {"\u2212": "-", "\ufe63": "-", "\uff0d": "-", "\uff0b": "+", "\uff0e": ".", "\uff0c": ",",
     "\uff1b": ";", "\u202f": "\xa0", "\u2007": "\xa0", "\u2009": "\xa0", "\u3000": " ",
     "\u2019": "'", "\u02bc": "'"}
    | {chr(0xFF10 + digit): str(digit) for digit in range(10)}
)  # fmt: skip
_DASH = re.compile("(?<![0-9])[\u2010\u2011\u2012\u2013](?=[0-9.,])")


class NumberStyleError(Exception):
    """Two ways to read a line give different numbers, or none reads it."""

    def __init__(self, line: int, text: str, reason: str) -> None:
        super().__init__(reason)
        self.line, self.text, self.reason = line, text.strip(), reason


def with_plain_signs(text: str) -> str:
    """Text with one kind of minus, digits, apostrophe and fixed blank."""
    return text if text.isascii() else _DASH.sub("-", text.translate(_SIGNS))


def _number(decimal: str, thousands: str) -> re.Pattern[str]:
    """Pattern of a number."""
    sign, point = r"[+-]?", re.escape(decimal)
    # A comma alone at the end of a cell is a separator, a point belongs to the number.
    whole = rf"\d+(?:{point}\d{'*' if decimal == '.' else '+'})?|{point}\d+"
    grouped = rf"[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+(?:{point}\d+)?|" * bool(thousands)
    return re.compile(rf"{sign}(?:{grouped}{whole})(?:[eEdD][+-]?\d+)?")


_NUMBERS = {
    (decimal, thousands): _number(decimal, thousands)
    for decimal in ".,"
    for thousands in ("", ".", ",", "'", "\xa0", " ")
    if thousands != decimal
}


class Dialect(NamedTuple):
    """How a line is cut into cells, and how a number is written."""

    separator: str
    decimal: str
    thousands: str = ""

    def is_possible(self, signs: set[str]) -> bool:
        """Whether another dialect does not cut and take the same, given the signs in a text."""
        if not ({self.decimal, self.thousands} - {"", "."}) <= signs:
            return False
        if self.decimal == self.separator and '"' not in signs:
            return False
        if self.thousands == self.separator and '"' not in signs:
            return False
        if self.separator == "mixed":
            return bool(signs & {",", ";"})
        return self.separator == "blank" or self.separator in signs

    def cells(self, line: str) -> list[str]:
        """Cut a line into its cells, empty ones at the end left out."""
        cells = self.all_cells(line)
        # A second cell that is empty is kept: it tells a missing value from a cut line.
        while len(cells) > 2 and not cells[-1]:
            cells.pop()
        return cells

    def all_cells(self, line: str) -> list[str]:
        """Cut a line into its cells; quotes protect the separator."""
        line = line.strip(" \r\n\0\x1a\ufeff" if self.separator == "\t" else None)
        if self.separator == "blank":
            if '"' in line and line.count('"') % 2 == 0:
                return [match[1] or match[2] or "" for match in _QUOTED_WORD.finditer(line)]
            return re.split(r"[ \t]+", line) if self.thousands == "\xa0" else line.split()
        if self.separator == "mixed":
            return [cell for cell in re.split(r"[,;\s]+", line) if cell]
        if '"' in line and line.count('"') % 2 == 0:
            cut = next(csv.reader([line], delimiter=self.separator, skipinitialspace=True), [])
        else:
            cut = line.split(self.separator)
        return [cell.strip(" \t\"'\r\0") for cell in cut]

    def number(self, cell: str) -> float | None:
        """Number of a cell, NaN where it is empty; None if it is no number."""
        if _NUMBERS[self.decimal, self.thousands].fullmatch(cell):
            plain = cell.replace(self.thousands, "") if self.thousands else cell
            return float(plain.replace(",", ".").replace("D", "e").replace("d", "e"))
        if cell.startswith("(") and cell.endswith(")") and len(cell) > 2:
            value = self.number(cell[1:-1])  # bookkeepers write (1.5) for -1.5
            return -value if value is not None and value >= 0 else None
        return np.nan if cell.lower() in _MISSING else None

    def row(self, line: str) -> "array[float] | None":
        """Numbers of a line, NaN for empty cells; None if a cell is no number."""
        if not starts_like_a_number(line) or len(line) > MAX_LINE:
            return None
        not_plain = _NOT_PLAIN if self.decimal == "." else _NOT_PLAIN_COMMA
        if not self.thousands and self.separator != self.decimal and not not_plain.search(line):
            plain = line if self.decimal == "." else line.replace(",", ".")
            try:
                return array("d", map(float, self.cells(plain))) or None
            except ValueError:
                pass  # an empty cell, or no number: the slow way tells
        row = array("d")
        for cell in self.cells(line):
            value = self.number(cell)
            if value is None:
                return None
            row.append(value)
        return row if row and not np.isnan(row).all() else None


_EXPLICIT = [
    Dialect(sep, decimal, thousands)
    for thousands in ("", ".", ",", "'", "\xa0", " ")
    for sep in "\t;,"
    for decimal in ".,"
    if thousands != decimal
]
_BLANK = [Dialect("blank", *style) for style in ((".", ""), (",", ""), (".", ","), (",", "."),
          (".", "'"), (",", "'"), (".", "\xa0"), (",", "\xa0"))]  # fmt: skip
_PLAIN = [one for one in (*_EXPLICIT, *_BLANK) if not one.thousands]
_GROUPED = [one for one in (*_EXPLICIT, *_BLANK) if one.thousands]
_MIXED = Dialect("mixed", ".")
DIALECTS = (*_PLAIN, *_GROUPED, _MIXED)


def starts_like_a_number(line: str) -> bool:
    """Whether a line begins with a sign that numbers begin with."""
    start = line.lstrip(_BEFORE_CELLS)[:1]
    return bool(start) and start in _FIRST


def lines_of(text: str) -> Iterator[str]:
    """Lines of a text, one at a time."""
    return (match[1] for match in re.finditer(r"([^\n]*)\n?", text))


def find_dialect(text: str, *, thorough: bool = False) -> Dialect:
    """Find the dialect that makes rows of the same length of most lines.

    Parameters
    ----------
    text : str
        With line ends of one kind.
    thorough : bool
        Look at all lines instead of the first 2000.

    Raises
    ------
    NumberStyleError
        If two dialects read the numbers of all lines differently.
    """
    lines = list(_number_lines(text)) if thorough else _sample(text)
    signs = {sign for sign in "\t;,'\xa0\" " if any(sign in line for _, line in lines)}
    candidates = [one for one in DIALECTS if one.is_possible(signs)]
    if len(signs & {"\t", ";", " "}) and any(_WITHIN.search(line) for _, line in lines):
        candidates = [one for one in candidates if one != _MIXED]
    best, best_score = DIALECTS[0], 0
    # Signs that stand for nothing but the end of a cell decide before blanks do, which may also
    # stand between thousands.
    for group in _groups(candidates):
        for dialect in group:
            rows = (dialect.row(line) for _, line in lines)
            widths = Counter(len(row) for row in rows if row is not None and len(row) > 1)
            score = max(widths.values(), default=0)
            if score > best_score:
                best, best_score = dialect, score
            if best_score == len(lines):
                break
        if best_score == len(lines):
            break
    if best_score:
        best = decided(best, lines, lambda: list(_number_lines(text)))
        _refuse_cut_numbers(best, text, lines)
    return best


def _groups(candidates: list[Dialect]) -> list[list[Dialect]]:
    """Dialects in the order in which they are tried."""
    sure = [one for one in candidates if one.separator in "\t;"]
    comma = [one for one in candidates if one.separator == ","]
    blank = [one for one in candidates if one.separator == "blank"]
    mixed = [one for one in candidates if one.separator == "mixed"]
    return [
        sure,
        [d for d in blank if d.thousands == "\xa0"],
        [d for d in blank if not d.thousands],
        comma,
        [d for d in blank if d.thousands not in ("", "\xa0")],
        mixed,
    ]


def _sample(text: str) -> list[tuple[int, str]]:
    """Take the first lines that begin like a row of numbers, bounded in number and size."""
    lines, size = [], 0
    for number, line in _number_lines(text):
        lines.append((number, line))
        size += len(line)
        if len(lines) >= _SAMPLE_LINES or size > _SAMPLE_CHARS:
            break
    return lines


def _number_lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines that begin like a row of numbers, quotes left aside."""
    for number, line in enumerate(lines_of(text), start=1):
        start = line.lstrip(_BEFORE_CELLS + "\"'")[:1]
        if start and start in _FIRST:
            yield number, line


def decided(
    best: Dialect, lines: list[tuple[int, str]], all_lines: Callable[[], list[tuple[int, str]]]
) -> Dialect:
    """The dialect itself, or the one in which its decimal sign stands between thousands.

    `lines` are the first numbered lines; all of them are looked at only where these leave it open.

    Raises
    ------
    NumberStyleError
        If both are possible.
    """
    sign = best.decimal
    if best.thousands:
        other = Dialect(best.separator, best.thousands, best.decimal)
        if best.thousands not in ".," or not _is_open(best, lines) or not _is_open(other, lines):
            return best
        if best.separator == ",":  # programs that separate by commas write decimal points
            return Dialect(",", ".", ",")
        number, line = next((n, x) for n, x in lines if "." in x and "," in x)
        raise NumberStyleError(number, line, "points and commas that may both stand between "
                               "thousands")  # fmt: skip
    if not any(sign in line for _, line in lines) or not _is_open(best, lines):
        return best
    every = all_lines()
    if not _is_open(best, every):
        return best
    other = Dialect(best.separator, "." if sign == "," else ",", sign)
    if _counts_in_thousands(best, every):
        return other
    whole = best.separator in "\t;" and not any(sign in best.cells(line)[0] for _, line in every)
    if best.separator == "," == sign or whole:
        number, line = next((n, x) for n, x in every if sign in x)
        raise NumberStyleError(
            number, line, f"{_NAMES[sign]} within numbers that may be decimal signs or stand "
            f"between thousands",
        )  # fmt: skip
    return best


def _is_open(dialect: Dialect, lines: Iterable[tuple[int, str]]) -> bool:
    """Whether every number with a decimal sign has three digits after it, as thousands have."""
    sign = re.escape(dialect.decimal)
    decided = re.compile(
        rf"(?<![\d{sign}])(?:\d*{sign}(?!\d{{3}}(?![\d{sign}]))\d*|0\d*{sign}\d|\d{{4,}}{sign}\d|"
        rf"{sign}\d|\d+{sign}\d+[eEdD])"
    )
    if dialect.separator != dialect.decimal:
        return not any(decided.search(line) for _, line in lines)
    return not any(decided.match(c.lstrip("+-")) for _, x in lines for c in dialect.cells(x)
                   if dialect.decimal in c)  # fmt: skip


def _counts_in_thousands(dialect: Dialect, lines: list[tuple[int, str]]) -> bool:
    """Whether a column holds whole numbers below 1000 and, with the sign, only larger ones."""
    small: set[int] = set()
    large: set[int] = set()
    grouped: set[int] = set()
    for _, line in lines:
        for i, cell in enumerate(dialect.cells(line)):
            digits = cell.lstrip("+-")
            if dialect.decimal in digits:
                grouped.add(i)
            elif digits.isdigit() and digits.strip("0"):
                (large if len(digits) > 3 else small).add(i)
    return bool(small & grouped - large)


def _refuse_cut_numbers(dialect: Dialect, text: str, lines: list[tuple[int, str]]) -> None:
    """Refuse a table separated by commas whose numbers hold commas, too, so that they are cut."""
    if dialect.separator != ",":
        return
    rows = [(n, line, dialect.cells(line)) for n, line in lines if '"' not in line]
    widths = Counter(len(cells) for *_, cells in rows)
    width = max((w for w, n in widths.items() if n >= 3), default=0)
    rows = [row for row in rows if len(row[2]) == width]
    if width < 3:
        return
    above = (line for _, line in zip(range(rows[0][0] - 1), lines_of(text), strict=False))
    n_labels = [len(dialect.cells(line)) for line in above]
    if width in n_labels:
        return  # every column has a label
    few_labels = bool(n_labels) and 1 < n_labels[-1] < width
    points = any("." in line for _, line, _ in rows)
    for k in range(min(width - 1, _MAX_JOINED)):
        pairs = [(cells[k].lstrip("+-"), cells[k + 1]) for *_, cells in rows]
        zeros = any(len(b) > 1 and b[:2].isdigit() and b.startswith("0") for _, b in pairs)
        grouped = all(len(a) <= 3 and a.isdigit() and _GROUP.fullmatch(b) for a, b in pairs)
        if grouped and (zeros or few_labels):
            meaning = "between thousands"
        elif not all(a.isdigit() and b.isdigit() for a, b in pairs):
            continue
        elif zeros or (not points and _are_cut(pairs)):
            meaning = "as decimal signs"
        else:
            continue
        raise NumberStyleError(
            rows[0][0], rows[0][1], f"commas both {meaning} and between the columns"
        )


def _are_cut(pairs: list[tuple[str, str]]) -> bool:
    """Whether two columns of whole numbers rise or fall only together, as 292,1 and 292,0 do."""
    whole = np.array([float(a) for a, _ in pairs])
    joined = np.array([float(f"{a}.{b}") for a, b in pairs])
    return is_monotonic(joined) and not is_monotonic(whole)
