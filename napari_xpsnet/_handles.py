"""Handles on the curves: one at the apex of a peak, two at its flanks, ghosts on the others."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QObject, QPointF, Qt, Signal

import pyqtgraph as pg  # isort: skip

from napari_xpsnet._colors import ACCENT
from napari_xpsnet._plot import Curves, SpectrumPlot, translucent

WORDS = {"fwhm": "FWHM"}
APEX, FLANK, GHOST = 14, 11, 10
"""Diameters [pixels]."""


@dataclass(frozen=True)
class Move:
    """What the mouse asks for while a handle is dragged; None: unchanged.

    Attributes
    ----------
    peak : int
        From 1.
    center, fwhm : float or None
        [eV]
    height : float or None
        [units of the spectrum]
    """

    peak: int
    center: float | None = None
    height: float | None = None
    fwhm: float | None = None

    @property
    def values(self) -> dict[str, float]:
        """The parameters that change."""
        found = {"center": self.center, "height": self.height, "fwhm": self.fwhm}
        return {name: value for name, value in found.items() if value is not None}


class Handle(pg.TargetItem):
    """A point that reports where it is dragged to; its owner decides where it then is.

    Signals
    -------
    started, finished : no arguments
    dragged : float, float, object
        Distance from the start of the drag along both axes of the plot, and the modifier keys.
    chosen : no arguments
        Clicked without being dragged.
    """

    started = Signal()
    dragged = Signal(float, float, object)
    finished = Signal()
    chosen = Signal()

    def mouseDragEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph
        """Report a drag with the left button."""
        if not self.movable or event.button() != Qt.MouseButton.LeftButton:
            return
        event.accept()
        if event.isStart():
            self._start = self.mapToView(event.buttonDownPos())
            self._origin = QPointF(self.pos())
            self.moving = True
            self.started.emit()
        if not self.moving:
            return
        # The handle has moved since the start: positions are compared in the plot.
        now = self.mapToView(event.pos())
        self.dragged.emit(now.x() - self._start.x(), now.y() - self._start.y(), event.modifiers())
        if event.isFinish():
            self.moving = False
            self.finished.emit()

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph
        """Report a click; a double click on a handle adds no peak below it."""
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            if not event.double():
                self.chosen.emit()

    def stop(self) -> None:
        """End the drag: what the mouse does until its button is released counts no more."""
        self.moving = False


class PeakHandles(QObject):
    """The handles of the selected peak, and one ghost on each other peak.

    Parameters
    ----------
    plot : SpectrumPlot

    Signals
    -------
    started : no arguments
    moved : Move
        The mouse moved; emitted often.
    finished : no arguments
    chosen : int
        Number of the peak that was clicked, from 1.
    """

    started = Signal()
    moved = Signal(object)
    finished = Signal()
    chosen = Signal(int)

    def __init__(self, plot: SpectrumPlot) -> None:
        super().__init__(plot)
        self.plot = plot
        self._peaks: xr.Dataset | None = None
        self._selected: int | None = None
        self._inside = False
        self._at: dict[str, float] = {}
        self.apex = self._handle("o", APEX)
        self.flanks = tuple(self._handle("d", FLANK) for _ in range(2))
        self.span = pg.PlotDataItem(pen=pg.mkPen(ACCENT, style=Qt.PenStyle.DotLine, width=1.5))
        self.note = pg.TextItem()
        self.ghosts: list[Handle] = []
        for item in (self.span, self.note):
            item.setZValue(49)
            plot.main.addItem(item, ignoreBounds=True)
        self.apex.dragged.connect(self._drag_apex)
        for number, flank in enumerate(self.flanks):
            flank.dragged.connect(lambda dx, _, __, number=number: self._drag_flank(number, dx))
        for handle in (self.apex, *self.flanks):
            handle.started.connect(self._start)
            handle.finished.connect(self.finished)
        plot.drawn.connect(self.place)

    def _handle(self, symbol: str, size: int, *, movable: bool = True) -> Handle:
        """A hidden handle in the plot."""
        handle = Handle(
            size=size,
            symbol=symbol,
            pen=pg.mkPen("#FFFFFF", width=1.5),
            brush=pg.mkBrush(ACCENT),
            hoverPen=pg.mkPen("#FFFFFF", width=2.5),
            hoverBrush=pg.mkBrush(ACCENT),
            movable=movable,
        )
        handle.setZValue(50)
        handle.hide()
        self.plot.main.addItem(handle, ignoreBounds=True)
        return handle

    @property
    def dragging(self) -> bool:
        """Whether the mouse has hold of a handle."""
        return any(handle.moving for handle in (self.apex, *self.flanks))

    def show(self, peaks: xr.Dataset | None, selected: int | None) -> None:
        """Show the handles of a peak (from 1) of these peaks."""
        self._peaks, self._selected = peaks, selected
        self.place()

    def hover(self, inside: bool) -> None:
        """Show the ghosts while the mouse is in the plot."""
        if inside != self._inside:
            self._inside = inside
            self.place()

    def stop(self) -> None:
        """End a drag."""
        for handle in (self.apex, *self.flanks):
            handle.stop()

    def place(self) -> None:
        """Move all handles to the curves that are drawn."""
        peaks, selected, curves = self._peaks, self._selected, self.plot.curves
        for item in (self.apex, *self.flanks, self.span, self.note):
            item.hide()
        if (
            peaks is not None
            and curves is not None
            and len(curves.component) == peaks.sizes["peak"]
        ):
            if selected is not None and self._exists(peaks, selected):
                self._place_selected(peaks, curves, selected)
            self._place_ghosts(peaks, curves)
        else:
            for ghost in self.ghosts:
                ghost.hide()

    @staticmethod
    def _exists(peaks: xr.Dataset, peak: int) -> bool:
        """Whether a peak is there and takes part."""
        enabled = bool(peaks["enabled"].values[peak - 1]) if "enabled" in peaks else True
        return enabled and bool(np.isfinite(peaks["center"].values[peak - 1]))

    @staticmethod
    def _apex_of(peaks: xr.Dataset, curves: Curves, peak: int) -> tuple[float, float]:
        """Energy and counts at the maximum of a peak on its background."""
        center = float(peaks["center"].values[peak - 1])
        base = float(np.interp(center, *_ascending(curves.energy, curves.background)))
        return center, base + float(peaks["height"].values[peak - 1])

    def _place_selected(self, peaks: xr.Dataset, curves: Curves, selected: int) -> None:
        """Handles of the selected peak."""
        center, top = self._apex_of(peaks, curves, selected)
        rules = _rules(peaks, selected)
        held = {name for name, rule in rules.items() if rule.locked}
        self.apex.setPos(center, float(self.plot.counts.to_view(top)))
        self.apex.movable = not {"center", "height"} <= held
        self.apex.setVisible(self.apex.movable)
        ends = self._half_height(peaks, curves, selected)
        for flank, (energy, counts) in zip(self.flanks, ends, strict=True):
            flank.setPos(energy, float(self.plot.counts.to_view(counts)))
            flank.movable = "fwhm" not in held
            flank.setVisible(flank.movable)
        self.span.show()
        self.span.setData(*np.transpose([[e, float(self.plot.counts.to_view(c))] for e, c in ends]))
        words = [f"{WORDS.get(name, name)} locked" for name in rules if name in held]
        words += [
            f"{WORDS.get(n, n)} {_short(rule.text)}" for n, rule in rules.items() if rule.text
        ]
        self._write_note(words, center, top)

    def _write_note(self, words: list[str], center: float, top: float) -> None:
        """Say beside the apex what holds the peak, on the side where there is more room."""
        self.note.setVisible(bool(words))
        if not words:
            return
        colors = self.plot.colors
        self.note.setText("\n".join(words), color=colors["text"])
        self.note.setFont(self.plot.legend.font())
        self.note.fill = pg.mkBrush(translucent(colors["background"], 210))
        (left, right), _ = self.plot.main.viewRange()
        is_right = (center - left > (right - left) / 2) != self.plot.main.getViewBox().xInverted()
        self.note.setAnchor((1.12, 0.5) if is_right else (-0.12, 0.5))
        self.note.setPos(center, float(self.plot.counts.to_view(top)))

    @staticmethod
    def _half_height(peaks: xr.Dataset, curves: Curves, peak: int) -> list[tuple[float, float]]:
        """Energy and counts where a peak has half of its height, on both sides."""
        energy, component = _ascending(curves.energy, curves.component[peak - 1])
        _, background = _ascending(curves.energy, curves.background)
        center = float(peaks["center"].values[peak - 1])
        fwhm = float(peaks["fwhm"].values[peak - 1])
        half = 0.5 * float(peaks["height"].values[peak - 1])
        left, right = component[energy <= center], component[energy >= center]
        ends = [center - fwhm / 2, center + fwhm / 2]
        # Lines may be asymmetric; where the axis ends on a flank, half of the width is taken.
        if left.size and left[0] < half:
            ends[0] = float(np.interp(half, left, energy[energy <= center]))
        if right.size and right[-1] < half:
            ends[1] = float(np.interp(half, right[::-1], energy[energy >= center][::-1]))
        level = half + float(np.interp(center, energy, background))
        return [(end, level) for end in ends]

    def _place_ghosts(self, peaks: xr.Dataset, curves: Curves) -> None:
        """A ghost on each peak that is not selected, while the mouse is in the plot."""
        count = peaks.sizes["peak"]
        while len(self.ghosts) < count:
            ghost = self._handle("o", GHOST, movable=False)
            ghost.setBrush(pg.mkBrush(None))
            number = len(self.ghosts) + 1
            ghost.chosen.connect(lambda number=number: self.chosen.emit(number))
            self.ghosts.append(ghost)
        for number, ghost in enumerate(self.ghosts, start=1):
            there = number <= count and self._exists(peaks, number)
            visible = there and self._inside and number != self._selected and not self.dragging
            ghost.setVisible(visible)
            if visible:
                ghost.setPen(pg.mkPen(self.plot.colors["text"], width=1.5))
                center, top = self._apex_of(peaks, curves, number)
                ghost.setPos(center, float(self.plot.counts.to_view(top)))

    def _start(self) -> None:
        """Remember the peak from before the drag."""
        peaks, selected, curves = self._peaks, self._selected, self.plot.curves
        if peaks is None or selected is None or curves is None:
            return
        self._at = {k: float(peaks[k].values[selected - 1]) for k in ("center", "height", "fwhm")}
        self._at["top"] = self._apex_of(peaks, curves, selected)[1]
        self._at["left"], self._at["right"] = (
            e for e, _ in self._half_height(peaks, curves, selected)
        )
        self.plot.hold_view()
        self.started.emit()

    def _drag_apex(self, dx: float, dy: float, modifiers: Any) -> None:
        """Center and height; Shift only the center, Ctrl only the height."""
        if self._selected is None or not self._at:
            return
        counts, at = self.plot.counts, self._at
        top = counts.to_counts(float(counts.to_view(at["top"])) + dy)
        center: float | None = at["center"] + dx
        height: float | None = max(at["height"] + top - at["top"], 0.0)
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            height = None
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            center = None
        self.moved.emit(Move(self._selected, center=center, height=height))

    def _drag_flank(self, number: int, dx: float) -> None:
        """The width, in proportion to the distance of this flank from the center."""
        if self._selected is None or not self._at:
            return
        before = self._at["right" if number else "left"] - self._at["center"]
        share = (before + dx) / before if before else 1.0
        fwhm = self._at["fwhm"] * max(share, 0.02)
        self.moved.emit(Move(self._selected, fwhm=fwhm))


def _short(link: str) -> str:
    """A link without the parameter, whose name stands before it."""
    return re.sub(r"[a-z_]+ of ", "", link)


def _rules(peaks: xr.Dataset, peak: int) -> dict[str, Any]:
    """What holds for the parameters that the handles move, and for the area."""
    rules = peaks.xps.peak_limits()
    return {name: rules[peak, name] for name in ("center", "height", "area", "fwhm")}


def _ascending(energy: Any, values: Any) -> tuple[Any, Any]:
    """Both in the order of rising energy."""
    return (energy, values) if energy[0] < energy[-1] else (energy[::-1], values[::-1])
