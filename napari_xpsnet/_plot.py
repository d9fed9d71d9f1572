"""Spectrum dock: measured points, background, filled components, envelope and residual."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

# pyqtgraph takes the Qt binding that is already loaded, so that it comes after qtpy.
import pyqtgraph as pg  # isort: skip

from napari_xpsnet._colors import envelope_color, peak_color
from napari_xpsnet._layers import ENERGY, peak_name

FILL_ALPHA = 100
AXIS_WIDTH = 62
"""Width of both left axes [pixels], so that plot and residual stay aligned."""


SMOOTH = 400
"""Least number of points of a drawn curve."""


class SpectrumPlot(QWidget):
    """Draws one spectrum with its peaks; binding energy runs to the left.

    Signals
    -------
    energy_moved : float
        The user dragged the vertical line to this energy [eV].
    range_moved : float, float
        The user dragged the fit range to these energies [eV].
    """

    energy_moved = Signal(float)
    range_moved = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colors: dict[str, Any] = {}
        self._curves: list[Any] = []
        self._shown: tuple[xr.DataArray, xr.Dataset | None, str] | None = None
        self._graphics = pg.GraphicsLayoutWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._graphics)
        self._main = self._graphics.addPlot(row=0, col=0)
        self._strip = self._graphics.addPlot(row=1, col=0)
        self._legend = self._main.addLegend(offset=(12, 6), labelTextSize="9pt")
        self._line = pg.InfiniteLine(angle=90, movable=True, label="", labelOpts={"position": 0.94})
        self._region = pg.LinearRegionItem(movable=True)
        self._arrange()
        self.setMinimumHeight(180)
        self.set_theme(foreground="#f0f1f2", background="#262930", dark=True)

    def _arrange(self) -> None:
        """Axes, the linked strip below, and the two items that can be dragged."""
        self._graphics.ci.layout.setRowStretchFactor(0, 5)
        self._graphics.ci.layout.setRowStretchFactor(1, 1)
        self._graphics.ci.layout.setSpacing(2)
        self._strip.setXLink(self._main)
        self._main.getAxis("bottom").setStyle(showValues=False)
        for plot in (self._main, self._strip):
            plot.getAxis("left").setWidth(AXIS_WIDTH)
            plot.getAxis("left").enableAutoSIPrefix(False)
            plot.getAxis("bottom").enableAutoSIPrefix(False)
            plot.hideButtons()
            plot.showGrid(x=True, y=True, alpha=0.12)
        self._strip.getAxis("left").setStyle(maxTickLevel=0)
        self._line.hide()
        self._region.hide()
        self._region.setZValue(-20)
        for item in (self._line, self._region):
            self._main.addItem(item, ignoreBounds=True)
        self._line.sigDragged.connect(lambda line: self.energy_moved.emit(line.value()))
        self._region.sigRegionChangeFinished.connect(self._report_range)

    def set_theme(self, *, foreground: str, background: str, dark: bool) -> None:
        """Follow the viewer's theme and draw again."""
        self._colors = {"text": foreground, "ground": background, "dark": dark}
        self._graphics.setBackground(background)
        for plot in (self._main, self._strip):
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(foreground)
                plot.getAxis(side).setTextPen(foreground)
        self._legend.setLabelTextColor(foreground)
        ground = pg.mkColor(background)
        ground.setAlpha(200)
        self._legend.setBrush(pg.mkBrush(ground))
        self._line.setPen(pg.mkPen(foreground, style=Qt.PenStyle.DotLine))
        self._line.setHoverPen(pg.mkPen(foreground, width=3))
        self._line.label.setColor(foreground)
        tint = pg.mkColor(foreground)
        tint.setAlpha(28)
        self._region.setBrush(pg.mkBrush(tint))
        if self._shown is not None:
            self.show_spectrum(*self._shown)

    def show_spectrum(self, spectrum: xr.DataArray, peaks: xr.Dataset | None, title: str) -> None:
        """Draw one spectrum, shape (n,), and its peaks where there are any."""
        self.clear()
        self._shown = (spectrum, peaks, title)
        scale = str(spectrum.attrs.get("scale", ""))
        self._main.getViewBox().invertX(scale == "binding")
        self._strip.getViewBox().invertX(scale == "binding")
        self._label_axes(spectrum, scale)
        self._main.setTitle(title, color=self._colors["text"], size="10pt")
        energy = np.asarray(spectrum[ENERGY].values, dtype=float)
        counts = np.asarray(spectrum.values, dtype=float)
        finite = np.isfinite(counts)
        measured = pg.ScatterPlotItem(
            energy[finite], counts[finite], size=4, pen=None, brush=self._colors["text"]
        )
        self._add(self._main, measured, "measured", z=5)
        self._strip.getAxis("left").setStyle(showValues=peaks is not None)
        if peaks is not None:
            self._draw_peaks(spectrum, peaks)

    def _draw_peaks(self, spectrum: xr.DataArray, peaks: xr.Dataset) -> None:
        """Background, filled components, envelope and what remains."""
        import xpsnet

        fitted = peaks[ENERGY].values
        # A coarse axis would draw corners where the curves have none.
        energy = np.linspace(fitted[0], fitted[-1], max(fitted.size, SMOOTH))
        curves = xpsnet.curves(peaks, energy)
        background = curves["background"].values
        base = pg.PlotDataItem(
            energy, background, pen=pg.mkPen("#909090", style=Qt.PenStyle.DashLine)
        )
        self._add(self._main, base, "background", z=1)
        for index in np.flatnonzero(np.isfinite(peaks["center"].values)):
            component = curves["component"].isel(peak=int(index)).values + background
            name = f"{peak_name(peaks, int(index))}  {float(peaks['center'][index]):.2f} eV"
            self._draw_component(energy, component, base, int(index), name)
        pen = pg.mkPen(envelope_color(dark=self._colors["dark"]), width=2)
        envelope = curves["envelope"].values
        self._add(self._main, pg.PlotDataItem(energy, envelope, pen=pen), "envelope", z=4)
        self._draw_residual(spectrum, peaks)

    def _draw_residual(self, spectrum: xr.DataArray, peaks: xr.Dataset) -> None:
        """What the fit leaves, at the measured energies."""
        import xpsnet

        envelope = xpsnet.curves(peaks)["envelope"]
        rest = spectrum.reindex_like(envelope, method="nearest").values - envelope.values
        pen = pg.mkPen(self._colors["text"])
        line = pg.PlotDataItem(envelope[ENERGY].values, rest, pen=pen, connect="finite")
        self._add(self._strip, line, None, z=1)

    def _draw_component(
        self, energy: np.ndarray, component: np.ndarray, base: Any, index: int, name: str
    ) -> None:
        """One peak on the background, its area filled."""
        color = pg.mkColor(peak_color(index))
        line = pg.PlotDataItem(energy, component, pen=pg.mkPen(color, width=1.5))
        self._add(self._main, line, name, z=3)
        fill = pg.mkColor(color)
        fill.setAlpha(FILL_ALPHA)
        self._add(self._main, pg.FillBetweenItem(line, base, brush=pg.mkBrush(fill)), None, z=2)

    def _add(self, plot: Any, item: Any, name: str | None, *, z: int) -> None:
        """Put an item into a plot, and into the legend under its name."""
        item.setZValue(z)
        plot.addItem(item)
        self._curves.append((plot, item))
        if name is not None:
            self._legend.addItem(item, name)

    def _label_axes(self, spectrum: xr.DataArray, scale: str) -> None:
        """Names and units on the axes."""
        text = self._colors["text"]
        units = str(spectrum.attrs.get("units", "counts"))
        self._main.setLabel("left", "Counts/s" if units == "counts/s" else "Counts", color=text)
        self._strip.setLabel("left", "res.", color=text)
        self._strip.setLabel("bottom", f"{scale.capitalize()} energy (eV)".strip(), color=text)

    def clear(self) -> None:
        """Remove every curve."""
        for plot, item in self._curves:
            plot.removeItem(item)
        self._curves = []
        self._legend.clear()
        self._main.setTitle(None)
        self._shown = None

    def set_energy(self, energy: float | None) -> None:
        """Move the vertical line [eV]; None hides it."""
        self._line.setVisible(energy is not None)
        if energy is not None:
            self._line.setValue(energy)
            self._line.label.setText(f"{energy:.2f} eV")

    def set_range(self, energy_range: tuple[float, float] | None) -> None:
        """Show the fit range [eV] as a band with movable edges; None hides it."""
        self._region.setVisible(energy_range is not None)
        if energy_range is not None:
            self._region.blockSignals(True)
            self._region.setRegion(energy_range)
            self._region.blockSignals(False)

    def _report_range(self) -> None:
        """Tell the dock where the band is now."""
        low, high = self._region.getRegion()
        self.range_moved.emit(float(low), float(high))
