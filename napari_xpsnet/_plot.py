"""Plot of a spectrum: measured points, background, filled peaks, envelope and residual."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

# pyqtgraph uses the Qt binding that is already loaded, so it is imported after qtpy.
import pyqtgraph as pg  # isort: skip

from napari_xpsnet._colors import envelope_color, peak_color
from napari_xpsnet._layers import ENERGY, first_line, peak_name

FILL_ALPHA = 100
AXIS_WIDTH = 62
"""Width of both left axes [pixels], so that both plots are aligned."""
SMOOTH = 400
"""Minimum number of points of a curve."""


class SpectrumPlot(QWidget):
    """Draws one spectrum with its peaks; binding energy increases to the left.

    The items are made once and get new data, which is fast enough to follow the mouse.

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
        self._shown: tuple[xr.DataArray, xr.Dataset | None, str] | None = None
        self._graphics = pg.GraphicsLayoutWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._graphics)
        # Beside the plot and not in it, so that it covers no curve.
        self.main = self._graphics.addPlot(row=0, col=0)
        self.strip = self._graphics.addPlot(row=1, col=0)
        self.legend = pg.LegendItem(labelTextSize="9pt")
        self._graphics.addItem(self.legend, row=0, col=1, rowspan=2)
        self._graphics.ci.layout.setAlignment(self.legend, Qt.AlignmentFlag.AlignTop)
        self.legend.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.line = pg.InfiniteLine(angle=90, movable=True, label="", labelOpts={"position": 0.94})
        self.region = pg.LinearRegionItem(movable=True)
        self.measured = pg.ScatterPlotItem(size=4, pen=None)
        self.background = pg.PlotDataItem()
        self.envelope = pg.PlotDataItem()
        self.residual = pg.PlotDataItem(connect="finite")
        self.components: list[tuple[Any, Any]] = []
        self._painted: dict[int, str] = {}
        self._arrange()
        self.setMinimumHeight(220)
        self.set_theme(foreground="#f0f1f2", background="#262930", dark=True)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt
        """Size at which the dock opens."""
        return QSize(900, 380)

    def _arrange(self) -> None:
        """Axes, the residual below, and the two items that can be dragged."""
        self._graphics.ci.layout.setRowStretchFactor(0, 5)
        self._graphics.ci.layout.setRowStretchFactor(1, 1)
        self._graphics.ci.layout.setColumnStretchFactor(0, 1)
        self._graphics.ci.layout.setSpacing(2)
        self.strip.setXLink(self.main)
        self.main.getAxis("bottom").setStyle(showValues=False)
        for plot in (self.main, self.strip):
            plot.getAxis("left").setWidth(AXIS_WIDTH)
            plot.getAxis("left").enableAutoSIPrefix(False)
            plot.getAxis("bottom").enableAutoSIPrefix(False)
            plot.hideButtons()
            plot.showGrid(x=True, y=True, alpha=0.12)
        self.strip.getAxis("left").setStyle(maxTickLevel=0)
        for item in (self.line, self.region):
            item.hide()
            self.main.addItem(item, ignoreBounds=True)
        self.region.setZValue(-20)
        for z, item in ((1, self.background), (4, self.envelope), (5, self.measured)):
            item.setZValue(z)
            self.main.addItem(item)
        self.strip.addItem(self.residual)
        self.line.sigDragged.connect(self._report_energy)
        self.region.sigRegionChangeFinished.connect(self._report_range)

    def set_theme(self, *, foreground: str, background: str, dark: bool) -> None:
        """Set the colors of the theme and draw again."""
        self._colors = {"text": foreground, "dark": dark}
        self._graphics.setBackground(background)
        for plot in (self.main, self.strip):
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(foreground)
                plot.getAxis(side).setTextPen(foreground)
        self.legend.setLabelTextColor(foreground)
        self.legend.setBrush(pg.mkBrush(_translucent(background, 200)))
        self.line.setPen(pg.mkPen(foreground, style=Qt.PenStyle.DotLine))
        self.line.setHoverPen(pg.mkPen(foreground, width=3))
        self.line.label.setColor(foreground)
        self.region.setBrush(pg.mkBrush(_translucent(foreground, 28)))
        self.measured.setBrush(pg.mkBrush(foreground))
        self.background.setPen(pg.mkPen("#909090", style=Qt.PenStyle.DashLine))
        self.envelope.setPen(pg.mkPen(envelope_color(dark=dark), width=2))
        self.residual.setPen(pg.mkPen(foreground))
        self.legend.clear()
        if self._shown is not None:
            self.show_spectrum(*self._shown)

    def show_spectrum(self, spectrum: xr.DataArray, peaks: xr.Dataset | None, title: str) -> None:
        """Draw one spectrum, shape (n,), and its peaks if there are any."""
        self._shown = (spectrum, peaks, title)
        self._label_axes(spectrum)
        self._show_values(True)
        self.main.setTitle(title, color=self._colors["text"], size="10pt")
        energy = np.asarray(spectrum[ENERGY].values, dtype=float)
        counts = np.asarray(spectrum.values, dtype=float)
        finite = np.isfinite(counts)
        self.measured.setData(energy[finite], counts[finite])
        names = [(self.measured, "measured")]
        if peaks is None:
            self._hide_fit()
        else:
            names += self._draw_fit(spectrum, peaks)
        self._name_curves(names)

    def _draw_fit(self, spectrum: xr.DataArray, peaks: xr.Dataset) -> list[tuple[Any, str]]:
        """Draw background, filled peaks, envelope and residual; return their names."""
        import xpsnet

        fitted = peaks[ENERGY].values
        # On a coarse axis smooth curves would have corners.
        energy = np.linspace(fitted[0], fitted[-1], max(fitted.size, SMOOTH))
        curves = xpsnet.curves(peaks, energy)
        background = curves["background"].values
        self.background.setData(energy, background)
        self.envelope.setData(energy, curves["envelope"].values)
        names = [(self.background, "background")]
        exists = np.isfinite(peaks["center"].values)
        components = curves["component"].transpose("peak", ENERGY).values
        for index in range(max(exists.size, len(self.components))):
            shown = index < exists.size and bool(exists[index])
            line, fill = self._component(index)
            line.setVisible(shown)
            fill.setVisible(shown)
            if shown:
                self._paint(index, peak_color(first_line(peaks, index)))
                line.setData(energy, components[index] + background)
                name = f"{peak_name(peaks, index)}  {float(peaks['center'][index]):.2f} eV"
                names.append((line, name))
        envelope = xpsnet.curves(peaks)["envelope"]
        rest = spectrum.reindex_like(envelope, method="nearest").values - envelope.values
        self.residual.setData(fitted, rest)
        for item in (self.background, self.envelope, self.residual):
            item.show()
        self.strip.getAxis("left").setStyle(showValues=True)
        return [*names, (self.envelope, "envelope")]

    def _hide_fit(self) -> None:
        """Hide everything except the measured points."""
        self.strip.getAxis("left").setStyle(showValues=False)
        for item in (self.background, self.envelope, self.residual):
            item.hide()
            item.setData([], [])
        for line, fill in self.components:
            line.hide()
            line.setData([], [])
            fill.hide()

    def _paint(self, index: int, color: str) -> None:
        """Give a peak its color, if it has another one; a new pen draws the curve again."""
        if self._painted.get(index) == color:
            return
        line, fill = self.components[index]
        line.setPen(pg.mkPen(color, width=1.5))
        fill.setBrush(pg.mkBrush(_translucent(color, FILL_ALPHA)))
        self._painted[index] = color

    def _component(self, index: int) -> tuple[Any, Any]:
        """Line and filled area of a peak, made when needed."""
        while len(self.components) <= index:
            line = pg.PlotDataItem()
            fill = pg.FillBetweenItem(line, self.background)
            for z, item in ((3, line), (2, fill)):
                item.setZValue(z)
                self.main.addItem(item)
            self.components.append((line, fill))
        return self.components[index]

    def _name_curves(self, names: list[tuple[Any, str]]) -> None:
        """Update the legend; only changed names, because a new entry is slow."""
        if [sample.item for sample, _ in self.legend.items] != [item for item, _ in names]:
            self.legend.clear()
            for item, name in names:
                self.legend.addItem(item, name)
            return
        for (_, label), (_, name) in zip(self.legend.items, names, strict=True):
            if label.text != name:
                label.setText(name)

    def _label_axes(self, spectrum: xr.DataArray) -> None:
        """Direction, names and units of the axes."""
        scale = str(spectrum.attrs.get("scale", ""))
        for plot in (self.main, self.strip):
            plot.getViewBox().invertX(scale == "binding")
        text = self._colors["text"]
        units = str(spectrum.attrs.get("units", "counts"))
        self.main.setLabel("left", "Counts/s" if units == "counts/s" else "Counts", color=text)
        self.strip.setLabel("left", "res.", color=text)
        self.strip.setLabel("bottom", f"{scale.capitalize()} energy (eV)".strip(), color=text)

    def clear(self) -> None:
        """Show nothing."""
        self._shown = None
        self.measured.setData([], [])
        self._hide_fit()
        self.legend.clear()
        self.main.setTitle(None)
        self._show_values(False)

    def _show_values(self, shown: bool) -> None:
        """Show or hide the numbers on the axes."""
        self.main.getAxis("left").setStyle(showValues=shown)
        self.strip.getAxis("bottom").setStyle(showValues=shown)

    def set_energy(self, energy: float | None) -> None:
        """Move the vertical line [eV]; None hides it."""
        self.line.setVisible(energy is not None)
        if energy is not None:
            self.line.setValue(energy)
            self.line.label.setText(f"{energy:.2f} eV")

    def set_range(self, energy_range: tuple[float, float] | None) -> None:
        """Show the fit range [eV] as a band with movable edges; None hides it."""
        self.region.setVisible(energy_range is not None)
        if energy_range is not None:
            self.region.blockSignals(True)
            self.region.setRegion(energy_range)
            self.region.blockSignals(False)

    def _report_energy(self) -> None:
        """Report the energy of the line."""
        self.energy_moved.emit(float(self.line.value()))

    def _report_range(self) -> None:
        """Report the range of the band."""
        low, high = self.region.getRegion()
        self.range_moved.emit(float(low), float(high))


def _translucent(color: str, alpha: int) -> Any:
    """Color with transparency, 0 to 255."""
    mixed = pg.mkColor(color)
    mixed.setAlpha(alpha)
    return mixed
