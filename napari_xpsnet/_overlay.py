"""Further spectra in the plot: other regions, or the other spectra of a line scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from napari_xpsnet._edit_state import Shown
from napari_xpsnet._layers import ENERGY
from napari_xpsnet._plot import MEASURED, Counts, SpectrumPlot

import pyqtgraph as pg  # isort: skip

COLORS = ("#D08770", "#76B7B2", "#B07AA1", "#9CC069", "#E15759", "#8FA8D8")
"""Of overlaid regions, apart from those of the peaks."""
SERIES_COLORS = "viridis"
MOST = 80
"""Most spectra of a series that are drawn; further ones are left out evenly."""
OFFSET, SERIES_OFFSET = 0.2, 0.08
"""Shift between two spectra, as a share of the height of the active one."""


@dataclass(frozen=True)
class Series:
    """Spectra of a line scan or depth profile.

    Attributes
    ----------
    spectra : DataArray, shape (m, n)
    own : int
        Index of the active one.
    """

    spectra: xr.DataArray
    own: int


class Overlay:
    """Draws spectra beside the active one, shifted upwards where this is wanted.

    Parameters
    ----------
    plot : SpectrumPlot
    """

    def __init__(self, plot: SpectrumPlot) -> None:
        self.plot = plot
        self.lines: list[Any] = []
        self._used = 0
        self._kind: tuple[Any, ...] = ()
        self._own = MEASURED

    def draw(
        self,
        active: xr.DataArray,
        others: Sequence[tuple[str, xr.DataArray]],
        series: Series | None,
        shown: Shown,
        name: str,
    ) -> None:
        """Draw other regions, and the series that the active spectrum belongs to.

        Parameters
        ----------
        active : DataArray, shape (n,)
            The spectrum of the plot.
        others : sequence of (str, DataArray of shape (n,))
            Names and spectra of other regions, on the energy scale of the active one.
        series : Series, optional
        shown : Shown
            How they are drawn.
        name : str
            Of the active spectrum, for the legend beside others.
        """
        kind = (*(name for name, _ in others), series is not None, shown)
        is_new = kind != self._kind and bool(others or series or self._used)
        self._kind, self._used = kind, 0
        height = self._height(active)
        self._own = name if others else MEASURED
        self._draw_others(active, others, shown, height)
        if series is not None:
            self._draw_series(series, shown, height)
        for line in self.lines[self._used :]:
            line.hide()
            line.setData([], [])
        if is_new:
            self.plot.reset_view()

    def clear(self) -> None:
        """Draw nothing."""
        for line in self.lines:
            line.hide()
            line.setData([], [])
        self._used, self._kind = 0, ()
        self.plot.show_others([], None)

    @property
    def drawn(self) -> list[Any]:
        """The lines that are drawn now."""
        return self.lines[: self._used]

    def _height(self, active: xr.DataArray) -> float:
        """Height of the active spectrum, in units of the plot."""
        view = self.plot.counts.to_view(np.asarray(active.values, dtype=float))
        finite = view[np.isfinite(view)]
        return float(np.ptp(finite)) if finite.size else 1.0

    def _draw_others(
        self,
        active: xr.DataArray,
        others: Sequence[tuple[str, xr.DataArray]],
        shown: Shown,
        height: float,
    ) -> None:
        """Draw other regions in colors, with their names in the legend."""
        names: list[tuple[str, str]] = []
        ends: list[float] = []
        limits = active[ENERGY].values
        for index, (name, spectrum) in enumerate(others):
            color = COLORS[index % len(COLORS)]
            energy = spectrum[ENERGY].values
            within = (energy >= limits.min()) & (energy <= limits.max())
            if within.any():
                # A survey behind a narrow region would set the height of the plot by other lines.
                spectrum = spectrum.isel({ENERGY: within})
            else:
                ends += [float(energy.min()), float(energy.max())]
            shift = OFFSET * height * (index + 1) if shown.offset else 0.0
            self._draw_line(spectrum, shown, shift, color)
            names.append((color, name))
        self.plot.show_others(names, (min(ends), max(ends)) if ends else None, self._own)

    def _draw_series(self, series: Series, shown: Shown, height: float) -> None:
        """Draw the other spectra of a series, each shifted by its distance from the active one."""
        number = series.spectra.shape[0]
        colors = pg.colormap.get(SERIES_COLORS)
        for index in range(0, number, -(-number // MOST)):
            if index != series.own:
                share = index / max(number - 1, 1)
                color = colors.map(0.2 + 0.8 * share, mode="qcolor")
                shift = SERIES_OFFSET * height * (index - series.own)
                self._draw_line(series.spectra[index], shown, shift, color)

    def _draw_line(self, spectrum: xr.DataArray, shown: Shown, shift: float, color: Any) -> None:
        """Draw one spectrum."""
        counts = np.asarray(spectrum.values, dtype=float)
        view = Counts.of(counts, shown).to_view(counts) + shift
        if self._used == len(self.lines):
            line = pg.PlotDataItem(connect="finite")
            line.setZValue(0)
            self.plot.main.addItem(line)
            self.lines.append(line)
        line = self.lines[self._used]
        line.setPen(pg.mkPen(color, width=1.3))
        line.setData(spectrum[ENERGY].values, view)
        line.show()
        self._used += 1
