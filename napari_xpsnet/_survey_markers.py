"""Names of the lines of candidates on the plot of a survey."""

from itertools import cycle
from typing import Any

import numpy as np
import xarray as xr

from napari_xpsnet._layers import ENERGY
from napari_xpsnet._plot import SpectrumPlot

import pyqtgraph as pg  # isort: skip

COLORS = ("#66CCEE", "#EE8844", "#76B7B2", "#EE6677", "#9CC069", "#B07AA1", "#8FA8D8", "#D08770")
ON_LIGHT = 170
"""Darkness of these colors on a light ground [%]."""
NONE = "#909090"
"""Color of a peak without a candidate."""
ROOM = 0.3
"""Room above the spectrum for the names, as a share of its height."""
LEAST_GAP = 0.028
"""Least distance of two names, as a share of the visible energies: the height of a text."""
NEAR = 3.0
"""Distance from a peak within which its maximum is looked for [eV]."""


class SurveyMarkers:
    """Draws a name above each peak of a survey.

    Parameters
    ----------
    plot : SpectrumPlot
    """

    def __init__(self, plot: SpectrumPlot) -> None:
        self.plot = plot
        self.items: list[tuple[Any, Any]] = []
        self.texts: list[str] = []
        self.room: Any = None
        plot.main.getViewBox().sigXRangeChanged.connect(self._thin)

    def draw(self, spectrum: xr.DataArray, candidates: xr.Dataset) -> None:
        """Replace the names.

        Parameters
        ----------
        spectrum : DataArray, shape (n,)
            The survey as the plot draws it.
        candidates : Dataset
            From `xpsnet.identify`, of this survey.
        """
        from xpsnet.plotting import names_in_survey

        self.clear()
        energy, counts = spectrum[ENERGY].values, np.asarray(spectrum.values, dtype=float)
        view = self.plot.counts.to_view(counts)
        if not np.isfinite(view).any():
            return
        low, high = float(np.nanmin(view)), float(np.nanmax(view))
        lines = [one for one in names_in_survey(spectrum, candidates, {}) if one[1]]
        colors = dict(zip(dict.fromkeys(name.split()[0] for _, name in lines), cycle(COLORS)))
        for at, name in lines:
            color = NONE if name == "?" else colors[name.split()[0]]
            if not self.plot.colors["dark"]:
                color = pg.mkColor(color).darker(ON_LIGHT).name()
            self._add(name, (at, self._top(energy, view, at)), 0.03 * (high - low), color)
        if lines:
            # The plot shows all of its curves: an invisible one makes room above the spectrum.
            unseen = pg.mkPen((0, 0, 0, 0))
            at, top = lines[0][0], high + ROOM * (high - low)
            self.room = pg.PlotDataItem([at, at], [high, top], pen=unseen)
            self.plot.main.addItem(self.room)
        self._thin()

    @property
    def visible(self) -> list[str]:
        """Names that are drawn now."""
        return [
            name for name, (text, _) in zip(self.texts, self.items, strict=True) if text.isVisible()
        ]

    def _thin(self, *_: Any) -> None:
        """Hide names that would cover others; of near ones that of the higher peak is drawn."""
        left, right = self.plot.main.viewRange()[0]
        gap = LEAST_GAP * abs(right - left)
        placed: list[float] = []
        for text, stem in sorted(self.items, key=lambda one: -one[0].pos().y()):
            at = text.pos().x()
            free = all(abs(at - other) > gap for other in placed)
            if free and min(left, right) <= at <= max(left, right):
                placed.append(at)
            for item in (text, stem):
                item.setVisible(free)

    @staticmethod
    def _top(energy: Any, view: Any, at: float) -> float:
        """Height of the spectrum at a peak, in units of the plot."""
        near = np.abs(energy - at) <= NEAR
        inside = view[near & np.isfinite(view)]
        return float(inside.max()) if inside.size else float(np.nanmin(view))

    def _add(self, name: str, at: tuple[float, float], gap: float, color: str) -> None:
        """Draw one name, and a short line from it to its peak."""
        x, y = at
        stem = pg.PlotDataItem([x, x], [y + 0.2 * gap, y + gap], pen=pg.mkPen(color, width=1.5))
        text = pg.TextItem(name, color=color, anchor=(0.0, 0.5), angle=90)
        text.setFont(self.plot.legend.font())
        text.setPos(x, y + gap)
        for item in (stem, text):
            item.setZValue(20)
            self.plot.main.addItem(item, ignoreBounds=True)
        self.items.append((text, stem))
        self.texts.append(name)

    def clear(self) -> None:
        """Draw no names."""
        for item in [*(one for pair in self.items for one in pair), self.room]:
            if item is not None:
                self.plot.main.removeItem(item)
        self.items, self.texts, self.room = [], [], None
