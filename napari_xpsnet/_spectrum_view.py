"""Plot and table of one spectrum: of the pixel under the mouse, or of the clicked one."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QObject, QTimer, Signal, Slot

from napari_xpsnet import _layers
from napari_xpsnet._colors import theme_colors
from napari_xpsnet._cursor import Cursor
from napari_xpsnet._peak_table import PeakTable
from napari_xpsnet._plot import SpectrumPlot
from napari_xpsnet._results import Memory

PLOT_NAME = "Spectrum"


class SpectrumView(QObject):
    """Plot, table and cursor for the same pixel of the same layer.

    Signals
    -------
    pinned : no arguments
        The user clicked another pixel.
    shown : no arguments
        Another spectrum or other peaks are drawn.
    """

    pinned = Signal()
    shown = Signal()

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.plot = SpectrumPlot()
        self.table = PeakTable(self)
        self.cursor = Cursor(viewer, self)
        self.layer: Any = None
        self.memory: Memory | None = None
        self.cursor.hovered.connect(self._preview)
        self.cursor.pinned.connect(self.pin)
        self.cursor.energy_changed.connect(self.plot.set_energy)
        self.plot.energy_moved.connect(self.cursor.set_energy)
        viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()

    def follow(self, layer: Any, memory: Memory | None) -> None:
        """Show another layer of spectra with its results; None for no layer."""
        self.layer, self.memory = layer, memory
        self.cursor.follow(layer)
        if memory is not None:
            self.pin(memory.pixel)
            return
        self.plot.clear()
        self.table.set_peaks(None)
        self.shown.emit()

    def go_to_maximum(self) -> None:
        """Move the energy slider to the maximum of the pinned spectrum."""
        spectrum = self.spectrum(self.memory.pixel) if self.memory is not None else None
        if spectrum is not None and np.isfinite(spectrum.values).any():
            index = int(np.nanargmax(spectrum.values))
            self.cursor.set_energy(float(spectrum[_layers.ENERGY].values[index]))

    def spectrum(self, pixel: dict[str, int]) -> xr.DataArray:
        """Spectrum of one pixel, loaded."""
        return _layers.layer_spectra(self.layer).isel(pixel).load()

    def peaks(self) -> xr.Dataset | None:
        """Newest peaks of the pinned pixel."""
        return None if self.memory is None else self.memory.results.at(self.memory.pixel)

    def refresh(self) -> None:
        """Draw the pinned spectrum with its newest peaks."""
        if self.memory is not None:
            self._show(self.memory.pixel)

    def _show(self, pixel: dict[str, int]) -> None:
        """Draw one spectrum with its newest peaks, and fill the table."""
        peaks = self.memory.results.at(pixel) if self.memory is not None else None
        title = _layers.spectrum_title(self.layer, pixel)
        self.plot.show_spectrum(self.spectrum(pixel), peaks, title)
        self.table.set_peaks(peaks)
        self.shown.emit()

    @Slot(object)
    def _preview(self, pixel: dict[str, int] | None) -> None:
        """Show the spectrum under the mouse; outside the layer the pinned one."""
        if self.memory is None or self.layer not in self.viewer.layers:
            return
        if isinstance(_layers.layer_spectra(self.layer).data, np.ndarray):
            # A lazy array would be computed at every move of the mouse.
            self._show(self.memory.pixel if pixel is None else pixel)

    @Slot(object)
    def pin(self, pixel: dict[str, int]) -> None:
        """Show the spectrum of this pixel until another one is clicked."""
        if self.memory is None:
            return
        self.memory.pixel = pixel
        self._show(pixel)
        self.cursor.mark(pixel)
        self.pinned.emit()

    def _follow_theme(self, event: Any = None) -> None:
        """Set the colors of the theme of the viewer."""
        self.plot.set_theme(**theme_colors(self.viewer))

    def dock(self) -> None:
        """Add the plot below the canvas, also after it was closed."""
        if self.plot.parent() is None:
            self.viewer.window.add_dock_widget(self.plot, name=PLOT_NAME, area="bottom")
            QTimer.singleShot(0, self._fit_canvas)

    def _fit_canvas(self) -> None:
        """Fit the map into the canvas, which the plot has made smaller."""
        if self.layer is not None:
            self.viewer.reset_view()

    def release(self) -> None:
        """Disconnect from the viewer and close the plot."""
        self.viewer.events.theme.disconnect(self._follow_theme)
        self.memory = self.layer = None
        self.cursor.release()
        if self.plot.parent() is not None:
            self.viewer.window.remove_dock_widget(self.plot)
        self.plot.deleteLater()
