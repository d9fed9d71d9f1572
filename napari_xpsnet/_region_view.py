"""The region tree in its dock: which region the layers show, and on which energy scale."""

from typing import Any

from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtGui import QUndoStack
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_xpsnet._region_tree import RegionPanel
from napari_xpsnet._regions import (
    DEFAULT_SCALE,
    Region,
    RegionFile,
    files_of,
    parts_of,
    show_only,
    show_region,
)
from napari_xpsnet._state import Scale

DOCK_NAME = "Regions"
BESIDE = "layer controls"
"""Name of the dock of napari that the tree shares its place with, as a tab."""
SHARE = 0.6
"""Share of the height of the window that the tree takes; the layer list is below."""


class RegionView(QObject):
    """Tree of the regions, and the layers that show them.

    Signals
    -------
    shown : Region
        The user has chosen another region; its layer shows it now.
    overlaid : list of Region
        Selected beside the active one.
    """

    shown = Signal(object)
    overlaid = Signal(object)

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.panel = RegionPanel()
        self.tree = self.panel.tree
        self.scale: Scale = DEFAULT_SCALE
        self._known: set[int] = set()
        self.tree.chosen.connect(self.show_region)
        self.tree.selection_changed.connect(lambda: self.overlaid.emit(self.tree.others()))

    @property
    def files(self) -> list[RegionFile]:
        """All files, in the order of the layer list."""
        return files_of(self.viewer)

    def update(self) -> None:
        """Follow the layer list; what is new is shown on the chosen energy scale."""
        files = self.files
        for file in files:
            if id(file) not in self._known:
                for region in file.regions:
                    if region.state is None:
                        region.place_on(self.scale)
        self._known = {id(file) for file in files}
        self.panel.show_files(files)

    def show_region(self, region: Region) -> None:
        """Let the layer of this region show it."""
        if region.file.layer is None or region.file.layer not in self.viewer.layers:
            return
        if region.state is None:
            region.place_on(self.scale)
        show_region(region)
        self.shown.emit(region)

    def follow(self, region: Region | None) -> None:
        """Mark the region that is shown, and hide the layers of all others."""
        self.tree.show_active(region)
        if region is not None:
            show_only(self.viewer, region)
            self.follow_scale(region)

    def follow_scale(self, region: Region) -> None:
        """Show the energy scale of the active region as that of all."""
        if region.is_convertible and region.scale in ("binding", "kinetic"):
            self.scale = "binding" if region.scale == "binding" else "kinetic"
        self.panel.show_scale(self.scale)

    def set_scale(self, scale: Scale, stack: QUndoStack) -> list[Region]:
        """Show all regions on an energy scale, as one step of undo.

        Returns
        -------
        list of Region
            Those whose photon energy is unknown or does not fit their energies.
        """
        self.scale = scale
        regions = [region for file in self.files for region in file.regions]
        edited = []
        for region in regions:
            axis = region.axis.shown_as(scale, region.as_read)
            if axis == region.axis:
                continue
            if region.state is None:
                region.place_on(scale)
            elif region.can_be_on(axis):
                edited.append((region.state, axis))
        if edited:
            stack.beginMacro(f"{scale} energy")
            for state, axis in edited:
                state.replace("energy scale", state.content.on_axis(axis), quiet=True)
            stack.endMacro()
        self.tree.update_texts()
        return [region for region in regions if region.scale != scale]

    def remove(self, regions: list[Region]) -> None:
        """Remove regions with their maps and curves; a file without regions loses its layer."""
        for layer in parts_of(self.viewer, regions):
            self.viewer.layers.remove(layer)
        for file in {id(region.file): region.file for region in regions}.values():
            gone = [region for region in regions if region.file is file]
            if len(gone) == len(file.regions) and file.layer in self.viewer.layers:
                self.viewer.layers.remove(file.layer)
                continue
            for region in gone:
                file.remove(region)

    def dock(self) -> None:
        """Add the tree at the left, in front of the layer controls."""
        if self.panel.parent() is not None:
            return
        self.viewer.window.add_dock_widget(self.panel, name=DOCK_NAME, area="left")
        window, dock = self._window(), self._dock_widget()
        if window is None or dock is None:
            return
        beside = window.findChild(QDockWidget, BESIDE)
        if beside is not None and not beside.isFloating():
            window.tabifyDockWidget(beside, dock)
        dock.raise_()
        QTimer.singleShot(0, self._share_window)

    def _share_window(self) -> None:
        """Give the tree the larger part of its side."""
        window, dock = self._window(), self._dock_widget()
        if window is not None and dock is not None:
            height = int(SHARE * window.height())
            window.resizeDocks([dock], [height], Qt.Orientation.Vertical)
            dock.raise_()

    def _window(self) -> QMainWindow | None:
        """The window of the viewer."""
        window = self.panel.window()
        return window if isinstance(window, QMainWindow) else None

    def _dock_widget(self) -> QDockWidget | None:
        """The dock that the tree is in."""
        widget: Any = self.panel
        while widget is not None and not isinstance(widget, QDockWidget):
            widget = widget.parent()
        return widget

    def release(self) -> None:
        """Close the tree; hidden layers keep the units of the one in view until it opens again."""
        if self.panel.parent() is not None:
            self.viewer.window.remove_dock_widget(self.panel)
        self.panel.deleteLater()
