"""A fit that came with the file, drawn with broken lines beside the one that is shown."""

from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QObject, Qt, Slot

from napari_xpsnet import _layers
from napari_xpsnet._plot import Curves
from napari_xpsnet._spectrum_view import SpectrumView

import pyqtgraph as pg  # isort: skip

NAME = "fit of the file"
OTHER_AXIS = "This fit belongs to another energy axis than the one that is shown."


class Comparison(QObject):
    """Envelope, background and peaks of a second fit in the plot, with its name in the legend.

    Parameters
    ----------
    view : SpectrumView
    """

    def __init__(self, view: SpectrumView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view, self.plot = view, view.plot
        self.lines: list[Any] = []
        self._curves: Curves | None = None
        self._drawn: tuple[Any, ...] = ()
        view.shown.connect(self._follow)
        self.plot.drawn.connect(self._follow)

    def show_fit(self, fit: xr.Dataset | None) -> None:
        """Draw a fit of the spectrum that is shown; None for none.

        Raises
        ------
        ValueError
            With a sentence, if the fit belongs to another energy axis.
        """
        self._curves, name = None, ""
        try:
            edit, layer = self.view.edit, self.view.layer
            if fit is None or edit is None:
                return
            if not _layers.is_on_axis(fit, _layers.layer_spectra(layer)):
                raise ValueError(OTHER_AXIS)
            self._curves, name = Curves.of(fit), self._name(fit, self.view.spectrum(edit.pixel))
        finally:
            self.plot.name_comparison(name)
            self._drawn = ()
            self._follow()

    @staticmethod
    def _name(fit: xr.Dataset, spectrum: xr.DataArray) -> str:
        """Entry of the legend, with the quality of the fit."""
        import xpsnet

        try:
            redchi = float(xpsnet.residual(spectrum, fit)["redchi"])
        except ValueError:
            return NAME
        return f"{NAME}, reduced chi-square {redchi:.2f}" if np.isfinite(redchi) else NAME

    @Slot()
    def _follow(self) -> None:
        """Draw the fit as the plot is drawn now; called also while the mouse moves."""
        curves, counts, text = self._curves, self.plot.counts, self.plot.colors.get("text")
        now = id(curves), counts, text
        if now == self._drawn:
            return
        self._drawn = now
        drawn = []
        if curves is not None:
            drawn = [curves.envelope, curves.background]
            drawn += [one + curves.background for one in curves.component if np.isfinite(one).any()]
        while len(self.lines) < len(drawn):
            line = pg.PlotDataItem()
            line.setZValue(6)
            self.plot.main.addItem(line)
            self.lines.append(line)
        for number, line in enumerate(self.lines):
            line.setVisible(number < len(drawn))
            if curves is None or number >= len(drawn):
                line.setData([], [])
                continue
            style = Qt.PenStyle.DashLine if number == 0 else Qt.PenStyle.DotLine
            line.setPen(pg.mkPen(text, style=style, width=2.0 if number == 0 else 1.2))
            line.setData(curves.energy, counts.to_view(drawn[number]))
