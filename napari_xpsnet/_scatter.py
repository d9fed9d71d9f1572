"""Scatter plot of two fitted parameters of all pixels, or histogram of one; a lasso chooses."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtGui import QPolygonF
from qtpy.QtWidgets import QComboBox, QLabel

import pyqtgraph as pg  # isort: skip

from napari_xpsnet._colors import ACCENT
from napari_xpsnet._layers import peak_name
from napari_xpsnet._maps import VARIABLES
from napari_xpsnet._side_plot import SidePlot

HINT = "Draw around points with the left mouse button: their pixels become a Labels layer."
HINT_BARS = "Drag over bars with the left mouse button: their pixels become a Labels layer."
NUMBER = "number of pixels"
"""In the place of the vertical parameter: a histogram of the horizontal one."""
MOST_BARS = 200
Choice = tuple[str, int]


def parameter_choices(peaks: xr.Dataset | None) -> list[tuple[str, Choice]]:
    """Texts of the parameters that have values, and what they mean: variable and index of a peak.

    The index is -1 where a variable belongs to the spectrum.
    """
    found: list[tuple[str, Choice]] = []
    if peaks is None:
        return found
    for name in (one for one in VARIABLES if one in peaks):
        if "peak" not in peaks[name].dims:
            found.append((name.replace("_", " "), (name, -1)))
            continue
        for index in range(peaks.sizes["peak"]):
            if np.isfinite(peaks[name].isel(peak=index).values).any():
                found.append((f"{name}, {peak_name(peaks, index)}", (name, index)))
    return found


def values_of(peaks: xr.Dataset, choice: Choice) -> xr.DataArray:
    """One parameter over all pixels."""
    name, index = choice
    return peaks[name] if index < 0 else peaks[name].isel(peak=index, drop=True)


def histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of values in bars of equal width, and the ends of the bars.

    The width follows Freedman and Diaconis, Z. Wahrscheinlichkeitstheorie 57, 453 (1981), or
    Sturges where that is narrower (``numpy.histogram_bin_edges``).

    Parameters
    ----------
    values : ndarray
        Missing ones are left out.

    Returns
    -------
    numbers : ndarray, shape (n,)
    ends : ndarray, shape (n + 1,)
    """
    there = values[np.isfinite(values)]
    ends = np.histogram_bin_edges(there, "auto")
    if ends.size > MOST_BARS + 1:
        ends = np.linspace(ends[0], ends[-1], MOST_BARS + 1)
    return np.histogram(there, ends)[0], ends


class _LassoBox(pg.ViewBox):
    """A drag with the left button draws a lasso in place of moving the axes.

    Signals
    -------
    lasso_drawn : QPolygonF
    """

    lasso_drawn = Signal(object)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.path = pg.PlotDataItem(pen=pg.mkPen(ACCENT, width=2))
        self._corners: list[QPointF] = []

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:  # noqa: N802 - pyqtgraph
        """Follow the mouse."""
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        if event.isStart():
            self._corners = [self.mapToView(event.buttonDownPos())]
        self._corners.append(self.mapToView(event.pos()))
        self.path.setData([p.x() for p in self._corners], [p.y() for p in self._corners])
        if event.isFinish():
            self.lasso_drawn.emit(QPolygonF(self._corners))


class ScatterPlot(SidePlot):
    """One point for each pixel, or bars with the numbers of pixels.

    Signals
    -------
    chosen : DataArray of bool
        Pixels inside the lasso, over the dimensions of the pixels; of a histogram those between
        its left and its right end.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        self.horizontal, self.vertical = QComboBox(), QComboBox()
        self.hint, self.box = QLabel(HINT), _LassoBox()
        super().__init__(self.vertical, self.horizontal, word="over", text=self.hint, box=self.box)
        self.points = pg.ScatterPlotItem(size=3, pen=None)
        self.bars = pg.PlotDataItem([0.0, 1.0], [0.0], stepMode="center", fillLevel=0.0)
        self.plot.addItem(self.points)
        self.plot.addItem(self.bars)
        self.plot.addItem(self.box.path, ignoreBounds=True)
        self._peaks: xr.Dataset | None = None
        for box in (self.horizontal, self.vertical):
            box.setMinimumContentsLength(8)
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.currentIndexChanged.connect(self._draw)
        self.box.lasso_drawn.connect(self._choose)

    def set_theme(self, *, foreground: str, background: str, dark: bool) -> None:
        """Set the colors of the theme."""
        self.set_axis_colors(foreground=foreground, background=background)
        self.points.setBrush(pg.mkBrush(foreground))
        self.bars.setPen(pg.mkPen(foreground))
        self.bars.setFillBrush(pg.mkBrush(ACCENT))

    def show_peaks(self, peaks: xr.Dataset | None) -> None:
        """Draw the parameters of a fit of all pixels."""
        if peaks is self._peaks:
            return
        self._peaks = peaks
        choices = parameter_choices(peaks)
        for number, box in enumerate((self.vertical, self.horizontal)):
            before = box.currentText()
            box.blockSignals(True)
            box.clear()
            for text, what in choices:
                box.addItem(text, what)
            if box is self.vertical and choices:
                box.addItem(NUMBER)
            place = box.findText(before)
            box.setCurrentIndex(place if place >= 0 else min(number, len(choices) - 1))
            box.blockSignals(False)
        self._draw()

    def _arrays(self) -> tuple[xr.DataArray, xr.DataArray] | None:
        """Horizontal and vertical values; of a histogram the same twice."""
        if self._peaks is None or self.horizontal.currentIndex() < 0:
            return None
        across = values_of(self._peaks, self.horizontal.currentData())
        up = self.vertical.currentData()
        return across, across if up is None else values_of(self._peaks, up)

    @property
    def _is_histogram(self) -> bool:
        """Whether the numbers of pixels are drawn."""
        return bool(self.vertical.currentText() == NUMBER)

    def _draw(self, *_: Any) -> None:
        """Draw the points, or the bars."""
        self.box.path.setData([], [])
        arrays = self._arrays()
        bars = arrays is not None and self._is_histogram
        self.hint.setText(HINT_BARS if bars else HINT)
        self.bars.setVisible(bars)
        self.points.setVisible(not bars)
        self.points.setData([], [])
        if arrays is None:
            return
        across, up = (np.asarray(one.values, dtype=float).ravel() for one in arrays)
        if bars:
            numbers, ends = histogram(across)
            self.bars.setData(ends, numbers)
        else:
            there = np.isfinite(across) & np.isfinite(up)
            self.points.setData(across[there], up[there])
        for side, box, values in zip(
            ("bottom", "left"), (self.horizontal, self.vertical), arrays, strict=True
        ):
            text = box.currentText()
            units = str(values.attrs.get("units", "")).removeprefix("1")
            units = "" if text == NUMBER else units
            self.plot.setLabel(side, f"{text} ({units})" if units else text)
        self.plot.enableAutoRange()

    def _choose(self, lasso: QPolygonF) -> None:
        """Report the pixels inside the lasso."""
        arrays = self._arrays()
        if arrays is None:
            return
        across, up = arrays
        if self._is_histogram:
            ends = lasso.boundingRect()
            self.chosen.emit((across >= ends.left()) & (across <= ends.right()))
            return
        rule = Qt.FillRule.OddEvenFill
        pairs = zip(across.values.ravel(), up.values.ravel(), strict=True)
        inside = [lasso.containsPoint(QPointF(float(a), float(b)), rule) for a, b in pairs]
        there = np.isfinite(across.values) & np.isfinite(up.values)
        chosen = np.reshape(inside, across.shape) & there
        self.chosen.emit(xr.DataArray(chosen, dims=across.dims))
