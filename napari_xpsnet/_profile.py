"""Plot of fitted parameters along a line scan, a depth profile, or a row or column of a map."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QLabel

import pyqtgraph as pg  # isort: skip

from napari_xpsnet._colors import peak_color
from napari_xpsnet._layers import ENERGY, fitted_dim, peak_name, pixel_dims, units_text
from napari_xpsnet._side_plot import SidePlot

QUANTITIES = {
    "area_percent": "area %",
    "area": "area",
    "center": "center",
    "fwhm": "FWHM",
    "height": "height",
}
POINT = 6
"""Diameter of a point [pixels]."""


def choices_along(spectra: xr.DataArray) -> list[str]:
    """What can be the horizontal axis: dimensions, and coordinates with numbers over one."""
    dims = pixel_dims(spectra)
    others = [
        str(name)
        for name, coord in spectra.coords.items()
        if coord.ndim == 1 and str(coord.dims[0]) in dims and coord.dtype.kind in "iuf"
    ]
    return [*dims, *(name for name in others if name not in dims and name != ENERGY)]


def dim_of(spectra: xr.DataArray, along: str) -> str:
    """Dimension that belongs to one of `choices_along`."""
    return along if along in spectra.dims else str(spectra[along].dims[0])


def pixel_profile(
    peaks: xr.Dataset, spectra: xr.DataArray, pixel: dict[str, int], along: str
) -> xr.Dataset:
    """Profile through one pixel, by `xpsnet.profile`."""
    import xpsnet

    dim = dim_of(spectra, along)
    others = {fitted_dim(d, peaks): i for d, i in pixel.items() if d != dim}
    row = peaks.isel(others)
    # A state may be a line here and a doublet there.
    name = None if along == dim else along
    if _has_states(row):
        return xpsnet.profile(row, along=name, by="state")
    return xpsnet.profile(row, along=name)


class ProfilePlot(SidePlot):
    """Draws one quantity of all peaks with error bars.

    Signals
    -------
    pinned : dict
        Pixel that was clicked.
    """

    pinned = Signal(object)

    def __init__(self) -> None:
        self.quantity, self.along, self.legend = QComboBox(), QComboBox(), QLabel()
        super().__init__(self.quantity, self.along, word="along", text=self.legend)
        for name, text in QUANTITIES.items():
            self.quantity.addItem(text, name)
        self.quantity.setToolTip("What is drawn; bars are one standard error")
        self.along.setToolTip("Horizontal axis; of a map the row or column through the pixel")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.here = pg.InfiniteLine(angle=90)
        self.plot.addItem(self.here, ignoreBounds=True)
        self.items: list[Any] = []
        self._content: tuple[xr.Dataset, xr.DataArray, dict[str, int]] | None = None
        self._drawn: tuple[Any, ...] = ()
        self._text = "#f0f1f2"
        self.position = np.zeros(0)
        self.quantity.currentIndexChanged.connect(self._draw)
        self.along.currentIndexChanged.connect(self._draw)
        self.graphics.scene().sigMouseClicked.connect(self._click)

    def set_theme(self, *, foreground: str, background: str, dark: bool) -> None:
        """Set the colors of the theme."""
        self._text = foreground
        self.set_axis_colors(foreground=foreground, background=background)
        self.here.setPen(pg.mkPen(foreground, style=Qt.PenStyle.DotLine))
        self._drawn = ()
        self._draw()

    def show_profile(
        self, peaks: xr.Dataset | None, spectra: xr.DataArray | None, pixel: dict[str, int]
    ) -> None:
        """Draw the profile through a pixel; without peaks of all spectra a sentence."""
        if peaks is None or spectra is None or not pixel:
            self._content, self._drawn = None, ()
            self._clear()
            self.legend.setText("Fit all spectra of a line scan, a depth profile or a map first.")
            return
        names = choices_along(spectra)
        if names != [self.along.itemText(i) for i in range(self.along.count())]:
            self.along.blockSignals(True)
            self.along.clear()
            self.along.addItems(names)
            # The rows of a map are its usual profiles.
            self.along.setCurrentIndex(len(pixel) - 1)
            self.along.blockSignals(False)
        self._content = peaks, spectra, dict(pixel)
        self._draw()

    def _clear(self) -> None:
        """Take all curves away."""
        for item in self.items:
            self.plot.removeItem(item)
        self.items = []
        self.here.hide()

    def _draw(self, *_: Any) -> None:
        """Draw the chosen quantity."""
        if self._content is None or not self.isVisibleTo(self.parentWidget()):
            return
        peaks, spectra, pixel = self._content
        along, name = self.along.currentText(), str(self.quantity.currentData())
        dim = dim_of(spectra, along)
        others = tuple(sorted((d, i) for d, i in pixel.items() if d != dim))
        key = (id(peaks), along, name, others)
        if key != self._drawn:
            self._draw_curves(pixel_profile(peaks, spectra, pixel, along), spectra, along)
            self._drawn = key
        self.here.setValue(self.position[pixel[dim]])
        self.here.show()

    def _draw_curves(self, found: xr.Dataset, spectra: xr.DataArray, along: str) -> None:
        """Points, lines and error bars of all peaks, and the names."""
        self._clear()
        name = str(self.quantity.currentData())
        dim = found["area"].dims[0]
        self.position = np.arange(found.sizes[dim], dtype=float)
        units = ""
        if along in spectra.coords and spectra[along].dtype.kind in "iuf":
            self.position = np.asarray(spectra[along].values, dtype=float)
            units = units_text(spectra[along])
        names = []
        for index in range(found.sizes["peak"]):
            values = found[name].isel(peak=index).values
            there = np.isfinite(values)
            if not there.any():
                continue
            color = peak_color(_first_line(self._content[0] if self._content else found, index))
            names.append(f'<span style="color:{color}">■</span> {peak_name(found, index)}')
            stderr = f"{name}_stderr"
            if stderr in found:
                error = np.nan_to_num(found[stderr].isel(peak=index).values)[there]
                bars = pg.ErrorBarItem(
                    x=self.position[there],
                    y=values[there],
                    height=2 * error,
                    pen=pg.mkPen(color, width=1),
                )
                self._add(bars)
            line = pg.PlotDataItem(
                self.position,
                values,
                pen=pg.mkPen(color, width=1.5),
                symbol="o",
                symbolSize=POINT,
                symbolBrush=color,
                symbolPen=None,
                connect="finite",
            )
            self._add(line)
        self.legend.setText(" &nbsp; ".join(names))
        unit = str(found[name].attrs.get("units", ""))
        text = QUANTITIES[name]
        self.plot.setLabel("left", text if unit in ("", "%") else f"{text} ({unit})")
        self.plot.setLabel("bottom", f"{along} ({units})" if units else along)
        self.plot.enableAutoRange()

    def _add(self, item: Any) -> None:
        """Add a curve."""
        self.items.append(item)
        self.plot.addItem(item)

    def _click(self, event: Any) -> None:
        """Report the pixel that is nearest to a click."""
        box = self.plot.getViewBox()
        if self._content is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if not box.sceneBoundingRect().contains(event.scenePos()):
            return
        event.accept()
        _, spectra, pixel = self._content
        where = box.mapSceneToView(event.scenePos()).x()
        index = int(np.nanargmin(np.abs(self.position - where)))
        self.pinned.emit({**pixel, dim_of(spectra, self.along.currentText()): index})


def _has_states(peaks: xr.Dataset) -> bool:
    """Whether the lines belong to states."""
    return "state" in peaks and int(peaks["state"].max()) > 0


def _first_line(peaks: xr.Dataset, index: int) -> int:
    """Index of a peak, or of the first line of the state with this index, as in the other plots."""
    if not _has_states(peaks):
        return index
    own = (peaks["state"] == index + 1).transpose("peak", ...).values
    lines = np.flatnonzero(own.reshape(len(own), -1).any(axis=1))
    return int(lines[0]) if lines.size else index
