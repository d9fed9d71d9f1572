"""Igor Pro's text files (.itx): waves as columns of numbers, scaled by commands.

Of the commands only SetScale and Note are understood; nothing is executed.
"""

import math
import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xpsnet.io.common.chosen_axes import Axes
from xpsnet.io.common.file_bytes import LINE_ENDS, read_decoded, start_of_text
from xpsnet.io.common.reading import Reading
from xpsnet.io.igor.waves import Scale, Wave, reading_of

NAME = "Igor text"
MAX_BYTES = 128 << 20
_MAX_LINE = 1 << 20
_MAX_NUMBERS = 8 << 20
_MAX_WAVES = 10_000
_WAVES = re.compile(r"WAVES\b\s*(.*)", re.IGNORECASE)
_SHAPE = re.compile(r"/N\s*=\s*\(?\s*(\d{1,9}(?:\s*,\s*\d{1,9}){0,3})\s*\)?", re.IGNORECASE)
_FLAG = re.compile(r"\s*/([A-Z]+)(?:\s*=\s*\([^)]*\)|\s*=\s*[^\s/,]+)?", re.IGNORECASE)
_SET_SCALE = re.compile(r"SetScale\b\s*((?:/[A-Z]+\s*)*)([xyztd])\b[\s,]*(.*)", re.IGNORECASE)
_NOTE = re.compile(r"Note\b\s*(?:/\w+\s*)*(.*)", re.IGNORECASE)
_COMMENT = re.compile(r"(?:X[ \t]+)?//\s*(.*)", re.IGNORECASE)
_MAX_COMMENTS = 1000
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t"}


@dataclass
class _Block:
    """One WAVES block: names, declared shape and numbers."""

    line: int
    names: list[str]
    shape: tuple[int, ...]
    is_real: bool
    numbers: "array[float]" = field(default_factory=lambda: array("d"))
    width: int = 0
    comments: list[str] = field(default_factory=list)  # between the block before it and this one


def sniff(head: bytes) -> bool:
    """Whether the first line is IGOR."""
    first, end, _ = start_of_text(head).partition("\n")
    return first.strip() == "IGOR" and bool(end)


def read(path: Path, axes: Axes | None = None) -> Reading:
    """Read all waves with an energy axis.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.
    axes : dict, optional
        As from `checked_axes`: names of the dimensions, if the waves have none.

    Returns
    -------
    Reading
        A wave of energies gives them to the waves of the same length that have no scale.

    Raises
    ------
    ReadError
        If no wave has an energy axis.
    """
    text = read_decoded(path, MAX_BYTES)
    notes: list[str] = []
    waves: dict[str, Wave] = {}
    left = _MAX_NUMBERS
    behind: list[str] = []  # comments after the last block
    comments: list[str] = []
    added: list[Wave] = []
    for block in _blocks(text, lambda line: _command(line, waves), behind):
        left -= len(block.numbers)
        if left < 0 or len(waves) + len(block.names) > _MAX_WAVES:
            notes.append(f"the waves from line {block.line} on are left out: too many numbers")
            break
        problem = _add_waves(block, waves)
        if problem:
            notes.append(f"the waves at line {block.line} are left out: {problem}")
        # Comments in front of the first block hold for all that have none of their own.
        comments = block.comments or comments
        added = [waves[name] for name in block.names if name in waves]
        for wave in added:
            wave.settings = tuple(comments)
    for wave in added if not comments else ():
        wave.settings = tuple(behind)
    return reading_of(path, list(waves.values()), notes, axes)


def _blocks(text: str, command: Callable[[str], None], comments: list[str]) -> Iterator[_Block]:
    """Give the blocks of waves one by one; commands go to `command` in between.

    Comments that no block follows are left in `comments`.
    """
    block: _Block | None = None
    inside = False
    for number, line in enumerate(LINE_ENDS.split(text), start=1):
        line = line.strip()
        if not line or len(line) > _MAX_LINE:
            continue
        if block is not None and inside:
            if line.upper() == "END":
                yield block
                block, inside = None, False
            elif block.is_real and len(block.numbers) <= _MAX_NUMBERS:
                row = _row(line)
                block.width = block.width or len(row)
                block.numbers.extend(row)
        elif line.upper() == "BEGIN":
            inside = block is not None
        elif match := _WAVES.match(line):
            block = _header(match[1], number)
            block.comments = comments[:]
            comments.clear()
        elif comment := _COMMENT.match(line):
            if len(comments) < _MAX_COMMENTS:
                comments.append(comment[1])
        elif line[:2].upper() in ("X ", "X\t"):
            command(line[2:])
    if block is not None and inside:
        yield block


def _row(line: str) -> list[float]:
    """Numbers of a line; what is none counts as missing."""
    row = []
    for word in line.split():
        try:
            row.append(float(word) if "_" not in word else math.nan)
        except ValueError:
            row.append(math.nan)
    return row


def _header(text: str, number: int) -> _Block:
    """Read the flags and names of a WAVES line."""
    shape = _SHAPE.search(text)
    is_real = True
    while match := _FLAG.match(text):
        is_real = is_real and match[1].upper() not in ("T", "C")
        text = text[match.end() :]
    names = [name or quoted for quoted, name in re.findall(r"'([^']*)'|([^\s,']+)", text)]
    sizes = tuple(int(n) for n in shape[1].split(",")) if shape else ()
    return _Block(number, names[:_MAX_WAVES], sizes, is_real)


def _add_waves(block: _Block, waves: dict[str, Wave]) -> str:
    """Turn a block into waves; why that cannot be."""
    if not block.is_real:
        return "texts and complex numbers are no spectra"
    if not block.names or not block.numbers:
        return "no names or no numbers"
    values = np.frombuffer(block.numbers, dtype=np.float64)
    n_names = len(block.names)
    if n_names == 1 and len(block.shape) > 1:
        if math.prod(block.shape) != values.size:
            return f"expected {block.shape} numbers, got {values.size}"
        rows, columns, *more = block.shape
        # Text goes row by row, layer by layer; Igor's first dimension is the row.
        stacked = values.reshape(*more[::-1], rows, columns)
        arrays = [stacked.transpose(-2, -1, *range(len(more))[::-1])]
    elif values.size % n_names or block.width not in (n_names, 1):
        return f"expected rows of {n_names} numbers, got {values.size} numbers"
    else:
        arrays = list(values.reshape(-1, n_names).T)
    for name, array_ in zip(block.names, arrays, strict=True):
        waves[name] = Wave(name, array_, [Scale("", 0.0, 1.0)] * array_.ndim)
    return ""


def _command(line: str, waves: dict[str, Wave]) -> None:
    """Apply SetScale and Note; all other commands are passed over."""
    for command in _split(line, ";"):
        if match := _SET_SCALE.match(command):
            _set_scale(match[1].upper(), match[2].lower(), _arguments(match[3]), waves)
        elif match := _NOTE.match(command):
            arguments = _arguments(match[1])
            wave = waves.get(arguments[0]) if arguments else None
            if wave is not None and len(wave.note) < _MAX_LINE:
                wave.note += "".join(arguments[1:]) + "\r"


def _split(text: str, separator: str) -> list[str]:
    """Cut a text at a separator that stands outside of double quotes."""
    pieces: list[list[str]] = [[]]
    quoted = False
    for mark in re.split(r'(\\.|["' + separator + "])", text):
        if mark == separator and not quoted:
            pieces.append([])
        else:
            quoted ^= mark == '"'
            pieces[-1].append(mark)
    return ["".join(piece).strip() for piece in pieces]


def _arguments(text: str) -> list[str]:
    """Arguments between commas, without quotes and escapes."""
    found = []
    for piece in _split(text, ","):
        if piece[:1] == '"':
            inner = piece[1:-1] if piece.endswith('"') and len(piece) > 1 else piece[1:]
            found.append(re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), inner))
        elif piece:
            found.append(piece.strip("'"))
    return found


def _set_scale(flags: str, dim: str, arguments: list[str], waves: dict[str, Wave]) -> None:
    """Scale one dimension: /P start and step, /I first and last, else first and end."""
    try:
        first, second = float(arguments[0]), float(arguments[1])
    except (ValueError, IndexError):
        return
    has_unit = len(arguments) > 2 and arguments[2] not in waves
    unit = arguments[2] if has_unit else ""
    for name in arguments[3 if has_unit else 2 :]:
        wave = waves.get(name)
        if wave is None:
            continue
        if dim == "d":
            wave.units = unit
            continue
        i = "xyzt".index(dim)
        if i >= wave.values.ndim:
            continue
        n = wave.values.shape[i]
        steps = 1 if "P" in flags else n - 1 if "I" in flags else n
        step = second if "P" in flags else (second - first) / max(steps, 1)
        wave.scales[i] = Scale(unit, first, step)
