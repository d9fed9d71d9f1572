"""The spectrum that is shown: of the pixel under the mouse, or of the clicked one."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QObject, Qt, QTimer, Signal, Slot
from qtpy.QtGui import QUndoStack
from qtpy.QtWidgets import QDockWidget, QMainWindow
from superqt.utils import qthrottled

from napari_xpsnet import _layers
from napari_xpsnet._colors import theme_colors
from napari_xpsnet._cursor import Cursor
from napari_xpsnet._edit_state import EditState, Shown
from napari_xpsnet._editor import Editor
from napari_xpsnet._overlay import Overlay, Series
from napari_xpsnet._peak_edits import PeakEdits
from napari_xpsnet._regions import Region, fit_view, region_of
from napari_xpsnet._results import short_summary

EDITOR_NAME = "Spectrum"
SHARES = {"map": 0.6, "other": 0.87}
"""Share of the height of the window that the editor takes beside a map, and else."""
ROWS = {"map": 3, "other": 6}
"""Number of peaks that the table has room for at the start."""
SETTLE = 50
"""Time that the canvas needs to take its new size [ms]."""
TABLE_FRAME = 120
"""Least time between two updates of the table during a drag [ms]."""
BACKGROUND = "shirley"
OTHER_SCALE = (
    "Some selected regions are not overlaid: their photon energy is unknown, so that they have no "
    "{scale} energy."
)


class SpectrumView(QObject):
    """Editor and cursor for the same pixel of the same layer.

    Signals
    -------
    pinned : no arguments
        The user clicked another pixel.
    shown : no arguments
        Another spectrum or other peaks are drawn.
    edited : no arguments
        The user changed peaks.
    problem : str
        Why an edit cannot be done.
    """

    pinned = Signal()
    shown = Signal()
    edited = Signal()
    problem = Signal(str)

    def __init__(self, viewer: Any, stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.stack = stack
        self.layer: Any = None
        self.edit: EditState | None = None
        self.edits = PeakEdits(self.chosen_spectrum, self)
        self.editor = Editor(self.edits, stack)
        self.plot, self.table = self.editor.plot, self.editor.table
        self.overlay = Overlay(self.plot)
        self.others: list[Region] = []
        self.cursor = Cursor(viewer, self)
        self.note = ""
        self._kind = ""
        self._in_table: xr.Dataset | None = None
        self._show_numbers = qthrottled(self._update_table, timeout=TABLE_FRAME)
        self.cursor.hovered.connect(self._preview)
        self.cursor.pinned.connect(self.pin)
        self.cursor.energy_changed.connect(self.plot.set_energy)
        self.plot.energy_moved.connect(self.cursor.set_energy)
        self.editor.shown_changed.connect(self._set_shown)
        self.edits.refused.connect(self.problem)
        viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()

    def follow(self, layer: Any, edit: EditState | None) -> None:
        """Show another layer of spectra with its peaks; None for no layer."""
        self._connect(edit)
        self.layer, self.edit, self.edits.edit = layer, edit, edit
        self.cursor.follow(layer)
        self.editor.show_empty(edit is None)
        if edit is not None:
            self.editor.show_toolbar(edit.shown, limited=edit.content.energy_range is not None)
            self._show(edit.pixel, fresh=True)
            self.cursor.mark(edit.pixel)
            self.pinned.emit()
            self._share_window()
            return
        self.plot.clear()
        self.overlay.clear()
        self.table.set_peaks(None)
        self.editor.title.setText("")
        self.editor.status.setText("")
        self.editor.show_selected(None)
        self.shown.emit()

    def _connect(self, edit: EditState | None) -> None:
        """Listen to this state and to no other."""
        for state, connect in ((self.edit, False), (edit, True)):
            if state is None:
                continue
            for signal, slot in (
                (state.changed, self.refresh),
                (state.previewed, self._show_drag),
                (state.selected_changed, self._show_selected),
                (state.edited, self.edited),
            ):
                if connect:
                    signal.connect(slot)
                else:
                    signal.disconnect(slot)
        if edit is not None:
            edit.stack = self.stack

    def go_to_maximum(self) -> None:
        """Move the energy slider to the maximum of the pinned spectrum."""
        spectrum = self.spectrum(self.edit.pixel) if self.edit is not None else None
        if spectrum is not None and np.isfinite(spectrum.values).any():
            index = int(np.nanargmax(spectrum.values))
            self.cursor.set_energy(float(spectrum[_layers.ENERGY].values[index]))

    def spectrum(self, pixel: dict[str, int]) -> xr.DataArray:
        """Spectrum of one pixel, loaded."""
        spectra = _layers.layer_spectra(self.layer)
        one: xr.DataArray = spectra.isel(pixel).load().xps.on_corrected_axis()
        return one

    def chosen_spectrum(self, edit: EditState) -> xr.DataArray:
        """Spectrum of the chosen pixel, cropped to the range of the fit."""
        import xpsnet

        spectrum, limits = self.spectrum(edit.pixel), edit.content.energy_range
        return spectrum if limits is None else xpsnet.crop(spectrum, limits)

    def peaks(self) -> xr.Dataset | None:
        """Newest peaks of the pinned pixel."""
        return None if self.edit is None else self.edit.content.at(self.edit.pixel)

    @Slot()
    def refresh(self) -> None:
        """Draw the pinned spectrum with its newest peaks."""
        if self.edit is not None and self.layer in self.viewer.layers:
            self.editor.show_toolbar(
                self.edit.shown, limited=self.edit.content.energy_range is not None
            )
            self._show(self.edit.pixel)
            self.cursor.mark(self.edit.pixel)

    def _show(self, pixel: dict[str, int], *, fresh: bool = False, moving: bool = False) -> None:
        """Draw one spectrum with its newest peaks, and fill the table, later if the mouse moves."""
        edit = self.edit
        if edit is None:
            return
        peaks = edit.content.at(pixel)
        spectrum = self.spectrum(pixel)
        self.plot.show_spectrum(spectrum, peaks, shown=edit.shown, fresh=fresh, moving=moving)
        self._show_others(spectrum, pixel)
        if peaks is None and edit.shown.background:
            self._show_background(spectrum)
        title = _layers.spectrum_title(self.layer, pixel)
        self.editor.title.setText(title)
        self.editor.title.setToolTip(title)
        self._in_table = peaks
        (self._show_numbers if moving else self._update_table)()
        own = pixel == edit.pixel
        self.editor.show_selected(edit.selected if own else None)
        self._show_quality(peaks)
        self.shown.emit()

    def overlay_regions(self, regions: list[Region]) -> None:
        """Draw these regions beside the active one."""
        self.others = regions
        self.refresh()

    def _show_others(self, spectrum: xr.DataArray, pixel: dict[str, int]) -> None:
        """Draw the regions that are selected beside the active one, and its waterfall."""
        if self.edit is None:
            return
        scale, series = spectrum.attrs.get("scale"), None
        others = [region for region in self.others if region.scale == scale]
        spectra = _layers.layer_spectra(self.layer)
        is_series = len(pixel) == 1 and spectra.ndim == 2
        if is_series and self.edit.shown.waterfall:
            ((dim, own),) = pixel.items()
            series = Series(spectra.transpose(dim, _layers.ENERGY).load(), own)
        self.editor.offer_overlay(others=bool(others), series=is_series)
        drawn = [(region.title, region.shown_spectrum()) for region in others]
        name = region_of(self.layer).title
        self.overlay.draw(spectrum, drawn, series, self.edit.shown, name)
        if len(others) < len(self.others):
            self.problem.emit(OTHER_SCALE.format(scale=scale))

    def _show_background(self, spectrum: xr.DataArray) -> None:
        """Draw the background of the data where there is no fit yet."""
        import xpsnet

        limits = self.edit.content.energy_range if self.edit is not None else None
        try:
            part = spectrum if limits is None else xpsnet.crop(spectrum, limits)
            self.plot.show_background(xpsnet.static_background(part, BACKGROUND))
        except ValueError as error:
            self.problem.emit(str(error))

    def _show_quality(self, peaks: xr.Dataset | None) -> None:
        """Chi-square below the plot."""
        self.editor.status.setText(self.note + short_summary(peaks, self.plot.redchi))

    @Slot()
    def _show_drag(self) -> None:
        """Draw the peaks of a drag."""
        peaks = None if self.edit is None else self.edit.peaks()
        if peaks is None or self.edit is None:
            return
        self.plot.show_peaks(peaks)
        self.editor.handles.show(peaks, self.edit.selected)
        self._show_quality(peaks)
        self._in_table = peaks
        self._show_numbers()

    def _update_table(self) -> None:
        """Show peaks in the table; while the mouse moves less often than in the plot."""
        if self.edit is not None:
            self.table.set_peaks(self._in_table)

    @Slot()
    def _show_selected(self) -> None:
        """Mark the selected peak."""
        if self.edit is not None:
            self.editor.show_selected(self.edit.selected)

    @Slot(object)
    def _set_shown(self, shown: Shown) -> None:
        """Draw in another way."""
        if self.edit is not None:
            self.edit.shown = shown
            self.refresh()

    @Slot(object)
    def _preview(self, pixel: dict[str, int] | None) -> None:
        """Show the spectrum under the mouse; outside the layer the pinned one."""
        if self.edit is None or self.layer not in self.viewer.layers or self.edit.dragging:
            return
        if isinstance(_layers.layer_spectra(self.layer).data, np.ndarray):
            # A lazy array would be computed at every move of the mouse.
            self._show(self.edit.pixel if pixel is None else pixel, moving=True)

    @Slot(object)
    def pin(self, pixel: dict[str, int]) -> None:
        """Show the spectrum of this pixel until another one is clicked."""
        if self.edit is None:
            return
        self.edit.pixel = pixel
        self._show(pixel)
        self.cursor.mark(pixel)
        self.pinned.emit()

    def _follow_theme(self, event: Any = None) -> None:
        """Set the colors of the theme of the viewer."""
        self.plot.set_theme(**theme_colors(self.viewer))
        self.editor.show_selected(None if self.edit is None else self.edit.selected)

    def dock(self) -> None:
        """Add the editor below the canvas, also after it was closed."""
        if self.editor.parent() is None:
            self.viewer.window.add_dock_widget(self.editor, name=EDITOR_NAME, area="bottom")
            self._kind = ""
            QTimer.singleShot(0, self._share_window)

    def show_canvas(self) -> None:
        """Give the canvas as much room as beside a map, until another layer is shown."""
        window, dock = self.editor.window(), self._dock_widget()
        if dock is not None and isinstance(window, QMainWindow):
            height = int(SHARES["map"] * window.height())
            window.resizeDocks([dock], [height], Qt.Orientation.Vertical)
            QTimer.singleShot(SETTLE, self.fit_canvas)

    def _share_window(self) -> None:
        """Give the editor the larger part of the window, except beside a map."""
        window = self.editor.window()
        if self.editor.parent() is None or not isinstance(window, QMainWindow):
            return
        # Docks at the sides keep the whole height of the window.
        window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        is_map = self.layer is not None and (
            len(_layers.pixel_dims(_layers.layer_spectra(self.layer))) > 1
        )
        kind = "map" if is_map else "other"
        dock = self._dock_widget()
        if self.layer is None or dock is None or kind == self._kind:
            return
        self._kind = kind
        height = int(SHARES[kind] * window.height())
        window.resizeDocks([dock], [height], Qt.Orientation.Vertical)
        QTimer.singleShot(0, self._settle_shares)

    def _settle_shares(self) -> None:
        """Share the editor between plot and table once its own height is known."""
        if self.edit is not None:
            self.editor.share_height(ROWS[self._kind])
            QTimer.singleShot(SETTLE, self.fit_canvas)

    def _dock_widget(self) -> QDockWidget | None:
        """The dock that the editor is in."""
        widget: Any = self.editor
        while widget is not None and not isinstance(widget, QDockWidget):
            widget = widget.parent()
        return widget

    def fit_canvas(self) -> None:
        """Fit the spectra into the canvas, which the plot has made smaller."""
        if self.layer is not None and self.layer in self.viewer.layers:
            fit_view(self.viewer, region_of(self.layer))

    def release(self) -> None:
        """Disconnect from the viewer and close the editor."""
        self.viewer.events.theme.disconnect(self._follow_theme)
        self._connect(None)
        self.edit = self.layer = self.edits.edit = None
        self.cursor.release()
        window = self.editor.window()
        if isinstance(window, QMainWindow):
            for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
                window.setCorner(corner, Qt.DockWidgetArea.BottomDockWidgetArea)
        if self.editor.parent() is not None:
            self.viewer.window.remove_dock_widget(self.editor)
        self.editor.deleteLater()
