"""Mouse and energy slider of the viewer as pixels and energies [eV]."""

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_xpsnet._layers import (
    ENERGY,
    PINNED,
    Transform,
    layer_dims,
    layer_spectra,
    pixel_at,
    pixel_dims,
)

FRAME = 16
"""Least time between the starts of two redraws while the mouse moves [ms]."""
MARKER = "pinned pixel"


class Cursor(QObject):
    """Reports the pixel under the mouse and the energy of the slider for one layer.

    Signals
    -------
    hovered : dict or None
        Pixel under the mouse; None outside the layer.
    pinned : dict
        Pixel that was clicked.
    energy_changed : float or None
        Energy of the slider [eV]; None if energy has no slider.
    """

    hovered = Signal(object)
    pinned = Signal(object)
    energy_changed = Signal(object)

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Any = None
        self._orientation: Any = None
        self._pending: dict[str, int] | None = None
        self._timer = QTimer(self, singleShot=True)
        self._reported = -math.inf
        self._timer.timeout.connect(self._report_hover)
        viewer.mouse_move_callbacks.append(self._on_move)
        viewer.mouse_drag_callbacks.append(self._on_drag)
        for event in (viewer.dims.events.point, viewer.dims.events.order):
            event.connect(self._on_slider)
        viewer.dims.events.ndisplay.connect(self._on_slider)

    def follow(self, layer: Any) -> None:
        """Use another layer of spectra, or None."""
        self._layer = layer
        self._pending = None
        if layer is None:
            self.remove_marker()
        self._orient()
        self._on_slider()

    def _orient(self) -> None:
        """Draw binding energy to the left if it is the horizontal axis of the canvas."""
        camera = self._viewer.scene.camera
        layer = self._layer
        leftward = (
            layer is not None
            and layer_dims(layer)[-1] == ENERGY
            and layer_spectra(layer).attrs.get("scale") == "binding"
        )
        if leftward and self._orientation is None:
            self._orientation = camera.orientation2d
            camera.orientation2d = (self._orientation[0], "left")
        elif not leftward and self._orientation is not None:
            camera.orientation2d, self._orientation = self._orientation, None

    def release(self) -> None:
        """Disconnect from the viewer."""
        self._layer = None
        self._orient()
        self._timer.stop()
        for callbacks, callback in (
            (self._viewer.mouse_move_callbacks, self._on_move),
            (self._viewer.mouse_drag_callbacks, self._on_drag),
        ):
            if callback in callbacks:
                callbacks.remove(callback)
        for event in (self._viewer.dims.events.point, self._viewer.dims.events.order):
            event.disconnect(self._on_slider)
        self._viewer.dims.events.ndisplay.disconnect(self._on_slider)
        # Hidden, for the next dock: to remove a hidden layer can be a crash of software OpenGL.
        if MARKER in self._viewer.layers:
            self._viewer.layers[MARKER].visible = False

    def set_energy(self, energy: float) -> None:
        """Move the energy slider to the point nearest to an energy [eV]."""
        axis = self._slider_axis()
        if axis is None:
            return
        energies = layer_spectra(self._layer)[ENERGY].values
        index = int(np.argmin(np.abs(energies - energy)))
        self._viewer.dims.set_point(axis, self._transform().world(index))

    def _transform(self) -> Transform:
        """World coordinates of the layer's own energy axis."""
        axis = layer_dims(self._layer).index(ENERGY) - len(layer_dims(self._layer))
        return Transform(float(self._layer.scale[axis]), float(self._layer.translate[axis]), "eV")

    def _slider_axis(self) -> int | None:
        """Axis of the viewer whose slider is energy, or None."""
        if self._layer is None or self._layer not in self._viewer.layers:
            return None
        dims = layer_dims(self._layer)
        axis = self._viewer.dims.ndim - len(dims) + dims.index(ENERGY)
        return None if axis < 0 or axis in self._viewer.dims.displayed else axis

    def _on_slider(self, event: Any = None) -> None:
        """Report the energy of the slider."""
        axis = self._slider_axis()
        if axis is None:
            self.energy_changed.emit(None)
            return
        energies = layer_spectra(self._layer)[ENERGY].values
        index = self._transform().index(self._viewer.dims.point[axis])
        self.energy_changed.emit(float(energies[np.clip(index, 0, energies.size - 1)]))

    def _pixel(self, event: Any) -> dict[str, int] | None:
        """Pixel under a mouse event, None outside the layer or in 3D."""
        if self._layer is None or self._viewer.dims.ndisplay != 2:
            return None
        return pixel_at(self._layer, event.position)

    def _on_move(self, viewer: Any, event: Any) -> None:
        """Keep the pixel; it is reported once per frame."""
        if self._layer is None or event.is_dragging:
            return
        self._pending = self._pixel(event)
        if not self._timer.isActive():
            # At once if a frame has passed: to wait longer would only make the plot follow later.
            passed = 1e3 * (time.monotonic() - self._reported)
            self._timer.start(math.ceil(max(0.0, FRAME - passed)))

    def _report_hover(self) -> None:
        """Report the last pixel of this frame."""
        self._reported = time.monotonic()
        self.hovered.emit(self._pending)

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:
        """Pin the pixel after a click, not after a drag."""
        active = viewer.layers.selection.active
        busy = active is not None and str(active.mode) not in ("pan_zoom", "transform")
        moved = False
        yield
        while event.type == "mouse_move":
            moved = True
            yield
        pixel = None if moved or busy else self._pixel(event)
        if pixel:
            self.pinned.emit(pixel)

    def mark(self, pixel: dict[str, int]) -> None:
        """Outline a pixel of a map on the canvas."""
        dims = layer_dims(self._layer)
        if dims[0] != ENERGY or len(pixel_dims(layer_spectra(self._layer))) < 2:
            # Hidden, not removed: with software OpenGL, removing a layer of points while another
            # layer becomes visible can be a crash.
            if MARKER in self._viewer.layers:
                self._viewer.layers[MARKER].visible = False
            return
        point = [[pixel[dim] for dim in dims[1:]]]
        if MARKER in self._viewer.layers:
            marker = self._viewer.layers[MARKER]
            marker.units = self._layer.units[1:]
            marker.data, marker.visible = point, True
            marker.scale, marker.translate = self._layer.scale[1:], self._layer.translate[1:]
            return
        selected = set(self._viewer.layers.selection)
        # Symbol and size outline exactly one pixel; the selection of layers stays as it was.
        self._viewer.add_points(
            point,
            name=MARKER,
            size=1,
            symbol="square",
            face_color="transparent",
            border_color="white",
            border_width=0.12,
            scale=self._layer.scale[1:],
            translate=self._layer.translate[1:],
            units=self._layer.units[1:],
            axis_labels=dims[1:],
            metadata={PINNED: True},
        )
        self._viewer.layers.selection = selected

    def remove_marker(self) -> None:
        """Take the outline off the canvas."""
        if MARKER in self._viewer.layers:
            self._viewer.layers.remove(MARKER)
