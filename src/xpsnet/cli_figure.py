"""A small drawing of a spectrum and its peaks for a terminal, made of braille characters.

Each character is a grid of 2 x 4 dots. Measured points are dots; background, peaks and envelope
are lines, each in its color where the terminal has colors.
"""

from collections.abc import Callable
from itertools import cycle, groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import xarray as xr
from rich.text import Text

from xpsnet.plotting import PALETTE, points_and_fit

__all__ = ["Canvas", "draw_fit", "tick_values"]

Floats = npt.NDArray[np.float64]

_ACROSS, _DOWN = 2, 4  # dots of one character
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLANK = 0x2800
_TICKS = 6  # about how many ticks the energy axis has


class Canvas:
    """Dots in a rectangle of characters; x and y go from 0 to 1, upwards and to the right.

    Parameters
    ----------
    columns, rows : int
        Size [characters].
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._styles = [""]
        self._dots = np.zeros((rows * _DOWN, columns * _ACROSS), dtype=int)  # number of the style
        self.columns = columns

    def points(self, x: npt.ArrayLike, y: npt.ArrayLike, style: str = "") -> None:
        """Draw one dot for each finite point inside the rectangle."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
        height, width = self._dots.shape
        columns = np.rint(x[inside] * (width - 1)).astype(int)
        rows = np.rint((1 - y[inside]) * (height - 1)).astype(int)
        self._styles.append(style)
        self._dots[rows, columns] = len(self._styles) - 1

    def curve(self, x: npt.ArrayLike, y: npt.ArrayLike, style: str = "") -> None:
        """Draw a line without gaps, also where it is steep; x is monotonic."""
        height, width = self._dots.shape
        along = np.linspace(0.0, 1.0, width)
        order = np.argsort(x)
        known = np.asarray(x)[order], np.asarray(y)[order]
        heights = np.interp(along, *known, left=np.nan, right=np.nan)
        middle = (heights[1:] + heights[:-1]) / 2
        left = np.append(heights[:1], middle)
        right = np.append(middle, heights[-1:])
        between = np.linspace(left, right, height)
        self.points(np.append(along, np.tile(along, height)), np.append(heights, between), style)

    def lines(self) -> list[Text]:
        """Rows of characters; of dots with several styles in one character the last drawn wins."""
        rows, columns = (size // step for size, step in zip(self._dots.shape, (4, 2), strict=True))
        cells = self._dots.reshape(rows, _DOWN, columns, _ACROSS)
        codes = _BLANK + ((cells > 0) * _BITS[None, :, None, :]).sum(axis=(1, 3))
        styles = cells.max(axis=(1, 3))
        return [
            Text.assemble(
                *(
                    ("".join(chr(code) for code, _ in same), self._styles[style])
                    for style, same in groupby(zip(*row, strict=True), key=itemgetter(1))
                )
            )
            for row in zip(codes, styles, strict=True)
        ]


def draw_fit(
    spectra: xr.DataArray, peaks: xr.Dataset, *, width: int = 80, height: int = 14
) -> Text:
    """Draw a spectrum with background, peaks and envelope; of several spectra the mean.

    Parameters
    ----------
    spectra : DataArray
        The fitted spectra.
    peaks : Dataset
        From `xpsnet.fit`, `refine` or `predict` on these spectra.
    width, height : int
        Size of the drawing with its axes [characters].

    Returns
    -------
    Text
        Lines with styles, to be printed by rich. Binding energy runs from right to left.
    """
    points, fit = points_and_fit(spectra, peaks, {})
    leftward = peaks.attrs["scale"] == "binding"
    known = [points.counts] if fit is None else [points.counts, fit.envelope, fit.background]
    low, high = float(np.nanmin(np.hstack(known))), float(np.nanmax(np.hstack(known)))
    first, last = float(points.energy.min()), float(points.energy.max())
    labels = [_number(high), _number(low)]
    gutter = max(map(len, labels)) + 1
    canvas = Canvas(max(width - gutter - 1, 10), max(height - 2, 3))

    def across(energy: npt.ArrayLike) -> Floats:
        share = (np.asarray(energy) - first) / (last - first)
        return 1 - share if leftward else share

    def up(counts: Floats) -> Floats:
        return np.asarray((counts - low) / ((high - low) or 1.0))

    canvas.points(across(points.energy), up(points.counts))
    if fit is not None:
        canvas.curve(across(fit.energy), up(fit.background), "dim")
        canvas.curve(across(fit.energy), up(fit.envelope), "bold")
        for component, color in zip(fit.components.values(), cycle(PALETTE), strict=False):
            canvas.curve(across(fit.energy), up(fit.background + component), color)
    lines = canvas.lines()
    left = [" " * gutter + "\u2502"] * len(lines)
    left[0], left[-1] = (f"{label:>{gutter - 1}} \u2524" for label in labels)
    axis = _axis(tick_values(first, last), across, canvas.columns)
    below = [Text(" " * gutter + line) for line in axis]
    framed = [Text(start) + line for start, line in zip(left, lines, strict=True)]
    return Text("\n").join([*framed, *below])


def _axis(ticks: Floats, across: Callable[[Floats], Floats], columns: int) -> tuple[str, str]:
    """Line with ticks below the drawing, and their energies."""
    line, numbers = ["\u2500"] * columns, [" "] * (columns + 1)
    for tick, column in zip(ticks, np.rint(across(ticks) * (columns - 1)).astype(int), strict=True):
        line[column] = "\u2534"
        text = f"{tick:g}"
        start = int(np.clip(column + 1 - len(text) // 2, 0, columns + 1 - len(text)))
        numbers[start : start + len(text)] = text
    unit = "eV"
    if not "".join(numbers[-len(unit) - 1 :]).strip():
        numbers[-len(unit) :] = unit
    return "\u2514" + "".join(line), "".join(numbers).rstrip()


def _number(value: float) -> str:
    """Counts with three digits at least."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def tick_values(low: float, high: float) -> Floats:
    """Round energies between two ends, spaced by 1, 2 or 5 times a power of ten."""
    rough = (high - low) / _TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda one: abs(one - rough))
    numbers = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
    return np.asarray(np.round(numbers * step, 6))
