"""Plot of a spectrum: measured points, background, filled peaks, envelope and residual."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import QGraphicsItem, QGraphicsPathItem, QVBoxLayout, QWidget

# pyqtgraph uses the Qt binding that is already loaded, so it is imported after qtpy.
import pyqtgraph as pg  # isort: skip

from napari_xpsnet._colors import ACCENT, envelope_color, peak_color
from napari_xpsnet._edit_state import Shown
from napari_xpsnet._layers import ENERGY, first_line, peak_name
from napari_xpsnet._texts import Legend

Floats = npt.NDArray[np.float64]

FILL_ALPHA, SELECTED_ALPHA = 90, 140
SMOOTH = 400
"""Minimum number of points of a curve."""
POINT_SIZES = ((300, 5.0), (700, 4.0), (1500, 3.0))
"""Diameter of the points [pixels] up to this number of points; 2 above."""
PADDING = 0.03
"""Empty share at each side of the spectrum, where the ends of the range can be taken hold of."""
MEASURED = "measured"
"""Name of the points in the legend."""
BAND = 2.0
"""Half width of the gray band of the residual [standard deviations]."""
RESIDUAL_REACH = (4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0)
"""Ends of the axis of the residual: few, because a new axis takes longer than a new curve."""
LEAST_SHARE = 0.6
"""While the mouse moves over a map the vertical axis stays if a spectrum fills this share of it."""


@dataclass(frozen=True)
class Curves:
    """Curves of one fit, in the units of the spectrum.

    Attributes
    ----------
    energy, background, envelope : ndarray, shape (m,)
    component : ndarray, shape (peak, m)
        Without background.
    """

    energy: Floats
    background: Floats
    component: Floats
    envelope: Floats

    @classmethod
    def of(cls, peaks: xr.Dataset) -> "Curves":
        """Curves of the peaks on an axis that is fine enough for a smooth line."""
        import xpsnet

        fitted = peaks[ENERGY].values
        energy = np.linspace(fitted[0], fitted[-1], max(fitted.size, SMOOTH))
        drawn = xpsnet.curves(peaks, energy)
        component = drawn["component"].transpose("peak", ENERGY).values
        return cls(energy, drawn["background"].values, component, drawn["envelope"].values)


@dataclass(frozen=True)
class Counts:
    """Conversion of counts to the vertical axis of the plot and back."""

    factor: float = 1.0
    log: bool = False
    floor: float = 1.0

    @classmethod
    def of(cls, counts: Floats, shown: Shown) -> "Counts":
        """For one spectrum: divided by its maximum, logarithmic, both or none."""
        finite = counts[np.isfinite(counts)]
        top = float(finite.max(initial=0.0))
        positive = finite[finite > 0]
        factor = 1.0 / top if shown.normalized and top > 0 else 1.0
        # A logarithmic axis has no zero: what is below half of the least count is drawn there.
        floor = 0.5 * float(positive.min(initial=max(top, 1.0)))
        return cls(factor, shown.log, floor)

    def to_view(self, counts: Any) -> Any:
        """Vertical position of counts."""
        if not self.log:
            return np.asarray(counts) * self.factor
        return np.log10(np.maximum(counts, self.floor) * self.factor)

    def to_counts(self, view: float) -> float:
        """Counts at a vertical position."""
        return (10.0**view if self.log else view) / self.factor


class SpectrumPlot(QWidget):
    """Draws one spectrum with its peaks; binding energy increases to the left.

    The items are made once and get new data, which is fast enough to follow the mouse.

    Signals
    -------
    energy_moved : float
        The user dragged the vertical line to this energy [eV].
    range_moved : float, float
        The user dragged an end of the fit range: both energies [eV].
    drawn : no arguments
        Curves or colors are new, or there are none any more.
    """

    energy_moved = Signal(float)
    range_moved = Signal(float, float)
    drawn = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colors: dict[str, Any] = {}
        self.curves: Curves | None = None
        self.counts = Counts()
        self.redchi = float("nan")
        self.legend_names: list[str] = []
        self._spectrum: xr.DataArray | None = None
        self._peaks: xr.Dataset | None = None
        self._shown = Shown()
        self._selected: int | None = None
        self._ends: tuple[Any, ...] = ()
        self._labels: tuple[Any, ...] = ()
        self._follows = self._rests = False
        self._peak_names: list[tuple[str, str]] = []
        self._others: list[tuple[str, str]] = []
        self._own, self._compared = MEASURED, ""
        self._reach: tuple[float, float] | None = None
        self._painted: dict[int, tuple[str, bool]] = {}
        self.graphics = pg.GraphicsLayoutWidget()
        self.legend = Legend()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        # Above the plot and not in it, so that it covers no curve; long ones wrap.
        layout.addWidget(self.legend)
        layout.addWidget(self.graphics, 1)
        self.main = self.graphics.addPlot(row=0, col=0)
        self.strip = self.graphics.addPlot(row=1, col=0)
        self.line = pg.InfiniteLine(angle=90, movable=True, label="", labelOpts={"position": 0.94})
        self.shade = pg.LinearRegionItem(movable=False, pen=pg.mkPen(None))
        self.region = pg.LinearRegionItem(brush=pg.mkBrush(None), hoverBrush=pg.mkBrush(None))
        self.measured = pg.ScatterPlotItem(size=4, pen=None)
        self.background = pg.PlotDataItem()
        self.envelope = pg.PlotDataItem()
        self.residual = pg.PlotDataItem(connect="finite")
        self.band = pg.LinearRegionItem(
            (-BAND, BAND), orientation="horizontal", movable=False, pen=pg.mkPen(None)
        )
        self.zero = pg.InfiniteLine(0.0, angle=0)
        self.components: list[tuple[Any, Any]] = []
        self._arrange()
        self.setMinimumHeight(180)
        self.set_theme(foreground="#f0f1f2", background="#262930", dark=True)
        self._show_values(False)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt
        """Size at which the dock opens."""
        return QSize(900, 380)

    def _arrange(self) -> None:
        """Axes, the residual below, and the items that can be dragged."""
        grid = self.graphics.ci.layout
        grid.setRowStretchFactor(0, 5)
        grid.setRowStretchFactor(1, 1)
        grid.setSpacing(2)
        grid.setContentsMargins(2, 2, 8, 2)
        self.strip.setXLink(self.main)
        self.main.getAxis("bottom").setStyle(showValues=False)
        for plot in (self.main, self.strip):
            plot.getAxis("left").enableAutoSIPrefix(False)
            plot.getAxis("bottom").enableAutoSIPrefix(False)
            plot.hideButtons()
            plot.setMenuEnabled(False)
            plot.showGrid(x=True, y=True, alpha=0.12)
            for side in ("left", "bottom"):
                # Numbers and grid stay the same while a peak is dragged.
                plot.getAxis(side).setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.strip.getAxis("left").setStyle(maxTickLevel=0)
        self.strip.setMouseEnabled(y=False)
        for item, z in ((self.shade, -20), (self.line, 30), (self.region, 40)):
            item.setZValue(z)
            item.hide()
            self.main.addItem(item, ignoreBounds=True)
        # Only the ends are dragged: the plot between them is moved, or its peaks.
        self.region.movable = False
        for end in self.region.lines:
            end.addMarker("<|>", position=0.5, size=13.0)
        # The envelope is drawn above the points, which would hide it where there are many.
        for z, item in ((1, self.background), (4, self.measured), (5, self.envelope)):
            item.setZValue(z)
            self.main.addItem(item)
        self.band.setZValue(-10)
        for item in (self.band, self.zero):
            self.strip.addItem(item, ignoreBounds=True)
        self.strip.addItem(self.residual)
        self.line.sigDragged.connect(self._report_energy)
        self.region.sigRegionChanged.connect(self._move_shade)
        self.region.sigRegionChangeFinished.connect(self._report_range)
        self.main.getViewBox().sigRangeChangedManually.connect(self._forget_rest)

    def set_theme(self, *, foreground: str, background: str, dark: bool) -> None:
        """Set the colors of the theme and draw again."""
        self.colors = {"text": foreground, "background": background, "dark": dark}
        self.graphics.setBackground(background)
        for plot in (self.main, self.strip):
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(foreground)
                plot.getAxis(side).setTextPen(foreground)
        self.line.setPen(pg.mkPen(foreground, style=Qt.PenStyle.DotLine))
        self.line.setHoverPen(pg.mkPen(foreground, width=3))
        self.line.label.setColor(foreground)
        self.shade.setBrush(pg.mkBrush(translucent(ACCENT, 26)))
        for end in self.region.lines:
            end.setPen(pg.mkPen(ACCENT, width=2))
            end.setHoverPen(pg.mkPen(ACCENT, width=4))
        self.measured.setBrush(pg.mkBrush(foreground))
        self.background.setPen(pg.mkPen("#909090", style=Qt.PenStyle.DashLine, width=1.5))
        self.envelope.setPen(pg.mkPen(envelope_color(dark=dark), width=2))
        self.residual.setPen(pg.mkPen(foreground))
        self.band.setBrush(pg.mkBrush(translucent("#909090", 70)))
        self.zero.setPen(pg.mkPen("#909090"))
        self._set_fonts()
        self._redraw()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt
        """Follow the font of napari."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._set_fonts()

    def _set_fonts(self) -> None:
        """Give the axes the font of the window, and room for their numbers."""
        self.legend.ensurePolished()
        font = self.legend.font()
        metrics = QFontMetrics(font)
        width = metrics.height() + metrics.horizontalAdvance("000000") + 12
        for plot in (self.main, self.strip):
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setTickFont(font)
                axis.label.setFont(font)
            # The same for both, so that both plots are aligned.
            plot.getAxis("left").setWidth(width)
        self.strip.getAxis("bottom").setHeight(2 * metrics.height() + 10)
        self.line.label.setFont(font)
        self.graphics.ci.layout.setRowMinimumHeight(1, 4 * metrics.height())

    def show_spectrum(
        self,
        spectrum: xr.DataArray,
        peaks: xr.Dataset | None,
        *,
        shown: Shown | None = None,
        fresh: bool = False,
        moving: bool = False,
    ) -> None:
        """Draw one spectrum, shape (n,), and its peaks if there are any.

        Parameters
        ----------
        spectrum : DataArray, shape (n,)
        peaks : Dataset, optional
            Dimension `peak` only.
        shown : Shown, optional
            How it is drawn; by default as before.
        fresh : bool
            Whether this is another region: its spectrum comes into view whatever was zoomed.
        moving : bool
            Whether the mouse moves over a map: the vertical axis then follows in larger steps,
            because a new axis takes longer to draw than a new spectrum.
        """
        before, self._shown = self._shown, self._shown if shown is None else shown
        self._spectrum = spectrum
        energy = np.asarray(spectrum[ENERGY].values, dtype=float)
        ends = (energy[0], energy[-1], spectrum.attrs.get("scale"), spectrum.attrs.get("units"))
        fresh |= ends != self._ends or before != self._shown
        self._ends, self._peaks = ends, peaks
        self._rest(moving and not fresh)
        self._redraw()
        if fresh:
            self.reset_view()
        elif self._rests and not self._fills():
            self._rest(False)

    def _rest(self, rests: bool) -> None:
        """Keep the vertical axis, or let it follow the data if it did before."""
        box = self.main.getViewBox()
        if rests and box.autoRangeEnabled()[1]:
            box.disableAutoRange(box.YAxis)
            self._rests = True
        elif not rests and self._rests:
            self._rests = False
            box.enableAutoRange(box.YAxis)

    def _forget_rest(self, *_: Any) -> None:
        """The user has zoomed: the axis does not follow the data."""
        self._rests = False

    def _fills(self) -> bool:
        """Whether the spectrum is inside the vertical axis and fills most of it."""
        values = [self.measured.getData()[1]]
        if self.curves is not None:
            values.append(self.envelope.getData()[1])
        drawn = np.concatenate(values)
        bottom, top = self.main.viewRange()[1]
        if not np.isfinite(drawn).any():
            return True
        low, high = float(np.nanmin(drawn)), float(np.nanmax(drawn))
        inside = bottom <= low and high <= top
        return bool(inside and high - low >= LEAST_SHARE * (top - bottom))

    def show_peaks(self, peaks: xr.Dataset) -> None:
        """Draw other peaks of the same spectrum; fast enough for a drag."""
        self._draw_fit(peaks)

    def select(self, peak: int | None) -> None:
        """Mark a peak by its number from 1."""
        self._selected = peak
        if self._peaks is not None:
            for index in range(self._peaks.sizes["peak"]):
                self._paint(index, peak_color(first_line(self._peaks, index)))
        self.drawn.emit()

    def _redraw(self) -> None:
        """Draw everything again."""
        spectrum = self._spectrum
        if spectrum is None:
            return
        self._label_axes(spectrum)
        self._show_values(True)
        energy = np.asarray(spectrum[ENERGY].values, dtype=float)
        counts = np.asarray(spectrum.values, dtype=float)
        self.counts = Counts.of(counts, self._shown)
        finite = np.isfinite(counts)
        number = int(finite.sum())
        self.measured.setSize(next((size for n, size in POINT_SIZES if number <= n), 2.0))
        self.measured.setData(energy[finite], self.counts.to_view(counts[finite]))
        self.legend.setVisible(self._shown.legend)
        if self._peaks is None:
            self._hide_fit()
            self._name_curves([])
            self.drawn.emit()
        else:
            self._draw_fit(self._peaks)

    def _draw_fit(self, peaks: xr.Dataset) -> None:
        """Draw background, filled peaks, envelope and residual."""
        self._peaks = peaks
        curves = self.curves = Curves.of(peaks)
        view, energy = self.counts.to_view, curves.energy
        base = view(curves.background)
        self.background.setData(energy, base)
        self.envelope.setData(energy, view(curves.envelope))
        exists = np.isfinite(peaks["center"].values)
        if "enabled" in peaks:
            exists = exists & peaks["enabled"].values
        names = []
        for index in range(max(exists.size, len(self.components))):
            shown = index < exists.size and bool(exists[index])
            line, fill = self._component(index)
            line.setVisible(shown)
            fill.setVisible(shown)
            if shown:
                color = peak_color(first_line(peaks, index))
                self._paint(index, color)
                top = view(curves.component[index] + curves.background)
                line.setData(energy, top)
                fill.setPath(_area(energy, top, base))
                text = f"{peak_name(peaks, index)} {float(peaks['center'].values[index]):.2f}"
                names.append((color, text))
        self._draw_residual(peaks)
        for item in (self.background, self.envelope):
            item.show()
        self._name_curves(names)
        self.drawn.emit()

    def _draw_residual(self, peaks: xr.Dataset) -> None:
        """Draw what the peaks leave, in standard deviations."""
        import xpsnet

        if self._spectrum is None:
            return
        left = xpsnet.residual(self._spectrum, peaks)
        values = left["residual"].values
        self.redchi = float(left["redchi"])
        self.residual.setData(left[ENERGY].values, values)
        for item in (self.residual, self.band, self.zero):
            item.show()
        highest = 1.1 * float(np.nanmax(np.abs(values), initial=0.0))
        reach = next((one for one in RESIDUAL_REACH if one >= highest), highest)
        self.strip.setYRange(-reach, reach, padding=0.0)
        self._number(self.strip.getAxis("left"), True)

    def _hide_fit(self) -> None:
        """Hide everything except the measured points."""
        self._peaks = self.curves = None
        self.redchi = float("nan")
        self._number(self.strip.getAxis("left"), False)
        for item in (self.band, self.zero):
            item.hide()
        for item in (self.background, self.envelope, self.residual):
            item.hide()
            item.setData([], [])
        for line, fill in self.components:
            line.hide()
            line.setData([], [])
            fill.hide()

    def show_background(self, background: xr.DataArray | None) -> None:
        """Draw a background before there is a fit; None hides it."""
        if self.curves is not None:
            return
        self.background.setVisible(background is not None)
        if background is None:
            self.background.setData([], [])
        else:
            self.background.setData(
                background[ENERGY].values, self.counts.to_view(background.values)
            )
        self._name_curves([])

    def show_others(
        self, names: list[tuple[str, str]], reach: tuple[float, float] | None, own: str = MEASURED
    ) -> None:
        """Name further spectra in the legend; the view reaches to theirs.

        Parameters
        ----------
        names : list of (str, str)
            Colors and names.
        reach : (float, float), optional
            Energies of those that lie outside of this spectrum [eV].
        own : str
            Name of this spectrum in the legend.
        """
        self._others, self._reach, self._own = names, reach, own
        if self._spectrum is not None:
            self._name_curves(self._peak_names)

    def name_comparison(self, name: str) -> None:
        """Name a second fit in the legend; nothing for none."""
        self._compared = name
        self._name_curves(self._peak_names)

    def _paint(self, index: int, color: str) -> None:
        """Give a peak its color, if it has another one; a new pen draws the curve again."""
        selected = self._selected == index + 1
        if self._painted.get(index) == (color, selected) or index >= len(self.components):
            return
        line, fill = self.components[index]
        line.setPen(pg.mkPen(color, width=2.5 if selected else 1.5))
        fill.setBrush(pg.mkBrush(translucent(color, SELECTED_ALPHA if selected else FILL_ALPHA)))
        self._painted[index] = color, selected

    def _component(self, index: int) -> tuple[Any, Any]:
        """Line and filled area of a peak, made when needed."""
        while len(self.components) <= index:
            line = pg.PlotDataItem()
            # pyqtgraph's own item for areas makes its path twice for every new curve.
            fill = QGraphicsPathItem()
            fill.setPen(pg.mkPen(None))
            for z, item in ((3, line), (2, fill)):
                item.setZValue(z)
                self.main.addItem(item, ignoreBounds=item is fill)
            self.components.append((line, fill))
        return self.components[index]

    def _name_curves(self, peaks: list[tuple[str, str]]) -> None:
        """Write the legend: measured points, envelope, peaks, background, other spectra."""
        self._peak_names = peaks
        text = self.colors["text"]
        entries = [("●", text, self._own)]
        if self.curves is not None:
            entries.append(("━", envelope_color(dark=self.colors["dark"]), "envelope"))
        entries += [("■", color, name) for color, name in peaks]
        if self.background.isVisible():
            entries.append(("╌", "#909090", "background"))
        entries += [("━", color, name) for color, name in self._others]
        entries += [("╌", text, self._compared)] if self._compared else []
        self.legend_names = [name for _, _, name in entries]
        self.legend.show_entries(entries)

    def _label_axes(self, spectrum: xr.DataArray) -> None:
        """Direction, names and units of the axes."""
        scale = str(spectrum.attrs.get("scale", ""))
        units = str(spectrum.attrs.get("units", "counts"))
        text = self.colors["text"]
        shifted = self._shown.waterfall
        labels = (scale, units, text, shifted, self._shown.log, self._shown.normalized)
        if labels == self._labels:
            return  # a label draws its axis again, also the same one
        self._labels = labels
        for plot in (self.main, self.strip):
            plot.getViewBox().invertX(scale == "binding")
        name = "Counts/s" if units == "counts/s" else "Counts"
        left = self.main.getAxis("left")
        left.setLogMode(self._shown.log)
        name += " / maximum" if self._shown.normalized else ""
        self.main.setLabel("left", f"{name}, shifted" if shifted else name)
        self.strip.setLabel("left", "res. (\N{GREEK SMALL LETTER SIGMA})")
        self.strip.setLabel("bottom", f"{scale.capitalize()} energy (eV)".strip())
        for axis in (left, self.strip.getAxis("left"), self.strip.getAxis("bottom")):
            axis.label.setDefaultTextColor(pg.mkColor(text))

    def clear(self) -> None:
        """Show nothing."""
        self._spectrum = None
        self._ends = ()
        self.measured.setData([], [])
        self._hide_fit()
        self.legend.show_entries([])
        self.legend_names = []
        self._show_values(False)
        self.drawn.emit()

    def _show_values(self, shown: bool) -> None:
        """Show or hide the numbers on the axes."""
        self._number(self.main.getAxis("left"), shown)
        self._number(self.strip.getAxis("bottom"), shown)

    @staticmethod
    def _number(axis: Any, shown: bool) -> None:
        """Show or hide the numbers of an axis; every setting draws it again, also the same one."""
        if axis.style["showValues"] != shown:
            axis.setStyle(showValues=shown)

    def reset_view(self) -> None:
        """Show the whole spectrum; the vertical axis follows the data from now on."""
        if self._spectrum is None:
            return
        energy = self._spectrum[ENERGY].values
        ends = (float(energy.min()), float(energy.max()), *(self._reach or ()))
        self.main.setXRange(min(ends), max(ends), padding=PADDING)
        self.main.enableAutoRange(y=True)
        self.main.getViewBox().updateAutoRange()

    def ensure_visible(self) -> None:
        """Show the whole spectrum if a new result lies outside of what is shown."""
        if self.curves is None:
            return
        (left, right), (bottom, top) = self.main.viewRange()
        highest = float(self.counts.to_view(np.nanmax(self.curves.envelope, initial=0.0)))
        ends = self.curves.energy[[0, -1]]
        if min(ends) < left or max(ends) > right or not bottom <= highest <= top:
            self.reset_view()

    def hold_view(self) -> None:
        """Keep the axes as they are while a peak is dragged."""
        self._follows = self.main.getViewBox().autoRangeEnabled()[1]
        self.main.disableAutoRange()

    def release_view(self) -> None:
        """Let the vertical axis follow the data again, if it did before the drag."""
        if self._follows:
            self.main.enableAutoRange(y=True)
        self._follows = False

    def set_energy(self, energy: float | None) -> None:
        """Move the vertical line [eV]; None hides it."""
        self.line.setVisible(energy is not None)
        if energy is not None:
            self.line.setValue(energy)
            self.line.label.setText(f"{energy:.2f} eV")

    def set_range(self, energy_range: tuple[float, float] | None) -> None:
        """Show the fit range [eV] as a band with movable ends; None hides it."""
        self.region.setVisible(energy_range is not None)
        self.shade.setVisible(energy_range is not None)
        if energy_range is not None:
            self.region.blockSignals(True)
            self.region.setRegion(sorted(energy_range))
            self.region.blockSignals(False)
            self._move_shade()

    def _move_shade(self) -> None:
        """Shade the range."""
        self.shade.setRegion(self.region.getRegion())

    def _report_energy(self) -> None:
        """Report the energy of the line."""
        self.energy_moved.emit(float(self.line.value()))

    def _report_range(self) -> None:
        """Report the range of the band."""
        low, high = self.region.getRegion()
        self.range_moved.emit(float(low), float(high))


def _area(energy: Floats, top: Floats, base: Floats) -> Any:
    """Path around the area between a curve and the background."""
    both = np.concatenate([energy, energy[::-1]]), np.concatenate([top, base[::-1]])
    return pg.arrayToQPath(*both, connect="all", finiteCheck=True)


def translucent(color: str, alpha: int) -> Any:
    """Color with transparency, 0 to 255."""
    mixed = pg.mkColor(color)
    mixed.setAlpha(alpha)
    return mixed
