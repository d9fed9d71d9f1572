"""A fit that came with the file, drawn with broken lines beside the one that is shown."""

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QObject, Qt, Slot

from napari_xpsnet._layers import ENERGY
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
            edit = self.view.edit
            if fit is None or edit is None:
                return
            spectrum = self.view.spectrum(edit.pixel)
            self._curves, name = _curves_over(fit, spectrum), _name(fit, spectrum)
        finally:
            self.plot.name_comparison(name)
            self._drawn = ()
            self._follow()

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


def _on_scale(spectrum: xr.DataArray, scale: Any) -> xr.DataArray:
    """A spectrum over the energies of a fit.

    Raises
    ------
    ValueError
        Without a photon energy, where the scales differ.
    """
    if scale == spectrum.attrs.get("scale"):
        return spectrum
    to_kinetic = scale == "kinetic"
    moved: xr.DataArray = spectrum.xps.to_kinetic() if to_kinetic else spectrum.xps.to_binding()
    return moved


def _curves_over(fit: xr.Dataset, spectrum: xr.DataArray) -> Curves:
    """Curves of a fit over the energies of a spectrum; programs store fits over kinetic energy."""
    try:
        own = _on_scale(spectrum, fit.attrs.get("scale"))
    except ValueError:
        raise ValueError(OTHER_AXIS) from None
    curves, energy = Curves.of(fit), own[ENERGY].values
    step = abs(energy[-1] - energy[0]) / max(energy.size - 1, 1)
    low, high = float(curves.energy.min()), float(curves.energy.max())
    if low < energy.min() - step or high > energy.max() + step:
        raise ValueError(OTHER_AXIS)
    if own is spectrum:
        return curves
    # Both energies of a point add up to the photon energy.
    photon = float(energy.min()) + float(spectrum[ENERGY].values.max())
    return replace(curves, energy=photon - curves.energy)


def _name(fit: xr.Dataset, spectrum: xr.DataArray) -> str:
    """Entry of the legend, with the quality of the fit."""
    import xpsnet

    try:
        redchi = float(xpsnet.residual(_on_scale(spectrum, fit.attrs.get("scale")), fit)["redchi"])
    except ValueError:
        return NAME
    return f"{NAME}, reduced chi-square {redchi:.2f}" if np.isfinite(redchi) else NAME
