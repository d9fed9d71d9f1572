"""What a person has done with the spectra of one region, with undo; no widgets.

Everything that can be undone is one frozen `Content`. A change replaces it and puts both on the
undo stack of the window; nothing else writes it. So a part of the dock that wants to know what
there is asks `EditState`, and is called after every change by its signals.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import xarray as xr
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QUndoCommand, QUndoStack

from napari_xpsnet._charge import Charge
from napari_xpsnet._layers import fitted_dim
from napari_xpsnet._results import is_done
from napari_xpsnet._state import EnergyAxis, FitState

UNDO_STEPS = 50
KEPT = 16
"""Number of pixels whose peaks are kept ready."""
Pixel = Mapping[str, int]
Key = frozenset[tuple[str, int]]


@dataclass(frozen=True)
class Shown:
    """How a spectrum is drawn."""

    normalized: bool = False
    log: bool = False
    legend: bool = True
    background: bool = False
    offset: bool = False
    waterfall: bool = False


@dataclass(frozen=True)
class Content:
    """Peaks, range and energy axis of the spectra of one region.

    Attributes
    ----------
    whole : Dataset or None
        Peaks of all pixels, from a fit of all of them.
    single : mapping of pixel to Dataset or None
        Newer peaks of single pixels, None where they were all deleted.
    energy_range : (float, float) or None
        Range to fit [eV]; None: the whole axis.
    axis : EnergyAxis
        What the user says about the energies.
    aside : Content or None
        That of the other energy scale, for when it is shown again.
    made : FitState or None
        The choices whose fit gave `whole`; None where the energies were moved since.
    """

    whole: xr.Dataset | None = None
    single: Mapping[Key, xr.Dataset | None] = field(default_factory=dict)
    energy_range: tuple[float, float] | None = None
    axis: EnergyAxis = field(default_factory=EnergyAxis)
    aside: "Content | None" = None
    made: FitState | None = None
    _found: dict[Key, xr.Dataset | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def has_peaks(self) -> bool:
        """Whether there are peaks of at least one pixel."""
        return self.whole is not None or any(peaks is not None for peaks in self.single.values())

    def at(self, pixel: Pixel) -> xr.Dataset | None:
        """Newest peaks of one pixel, None where there are none."""
        key = frozenset(pixel.items())
        if key not in self._found:
            # Several parts of the window ask for the same pixel while the mouse moves over a map.
            if len(self._found) >= KEPT:
                self._found.clear()
            self._found[key] = self._look_up(key, pixel)
        return self._found[key]

    def _look_up(self, key: Key, pixel: Pixel) -> xr.Dataset | None:
        """Newest peaks of one pixel."""
        found = self.single.get(key)
        if key not in self.single and self.whole is not None:
            chosen = {fitted_dim(d, self.whole): i for d, i in pixel.items()}
            found = self.whole.isel(chosen).xps.on_corrected_axis()
        return found if found is not None and is_done(found) else None

    def with_peaks(self, pixel: Pixel, peaks: xr.Dataset | None) -> "Content":
        """The same with other peaks of one pixel."""
        return replace(self, single={**self.single, frozenset(pixel.items()): peaks})

    def on_axis(self, axis: EnergyAxis) -> "Content":
        """The same on another energy axis.

        An offset moves peaks and range along; where the energies are converted, it moves them in
        the other direction. Peaks on another scale are none of this one; they are put aside.
        """
        if not _same_scale(axis, self.axis):
            mine = replace(self, aside=None)
            if self.aside is not None and _same_scale(axis, self.aside.axis):
                return replace(self.aside.on_axis(axis), aside=mine)
            return Content(axis=axis, aside=mine)
        offset = axis.offset - self.axis.offset
        if axis.show is not None:
            offset = -offset
        limits = self.energy_range
        moved = Content(
            None if self.whole is None else self.whole.xps.shift(offset),
            {k: None if v is None else v.xps.shift(offset) for k, v in self.single.items()},
            None if limits is None else (limits[0] + offset, limits[1] + offset),
            axis,
            self.aside,
            self.made if axis == self.axis else None,
        )
        return moved if axis.charge == self.axis.charge else moved.with_charge(self.axis.charge)

    def with_charge(self, before: Charge | None) -> "Content":
        """The same, whose axis has another charge shift than before: all energies move along."""
        charge = self.axis.charge or Charge((0.0,))
        old = 0.0 if before is None else before.median
        by = charge.median - old
        limits, kinetic = self.energy_range, _is_kinetic(self)
        ends = None if limits is None else [e + by if kinetic else e - by for e in limits]
        return replace(
            self,
            whole=None if self.whole is None else charge.apply(self.whole),
            single={
                key: None if one is None else charge.at(dict(key)).apply(one)
                for key, one in self.single.items()
            },
            energy_range=None if ends is None else (ends[0], ends[1]),
        )

    def with_fit(self, state: FitState, peaks: xr.Dataset) -> "Content":
        """The same with the result of a fit; a fit of all pixels replaces all earlier peaks."""
        if state.pixel is not None:
            return self.with_peaks(state.pixel, peaks)
        made = state if state.start is None and is_done(peaks) else None
        return replace(self, whole=peaks, single={}, made=made)


def _is_kinetic(content: Content) -> bool:
    """Whether the energies of peaks and range are kinetic."""
    known = [one for one in (content.whole, *content.single.values()) if one is not None]
    scales = [str(one.attrs.get("scale")) for one in known]
    return (content.axis.show or content.axis.scale or [*scales, "binding"][0]) == "kinetic"


def _same_scale(one: EnergyAxis, other: EnergyAxis) -> bool:
    """Whether two axes differ in their offsets only."""
    return replace(one, offset=0.0, charge=None) == replace(other, offset=0.0, charge=None)


class EditState(QObject):
    """Peaks, range, axis, settings and view of one region, and the chosen pixel.

    Signals
    -------
    changed : no arguments
        The content is another one: an edit, a fit, undo or redo.
    previewed : no arguments
        A peak is being dragged: `peaks()` are those of this moment.
    edited : no arguments
        A person changed the peaks of the chosen pixel; a fit may follow.
    selected_changed : no arguments
        Another peak is selected.
    restored : no arguments
        Undo or redo changed the content, perhaps while another region is shown.
    """

    changed = Signal()
    previewed = Signal()
    edited = Signal()
    selected_changed = Signal()
    restored = Signal()

    def __init__(self, pixel: Pixel, content: Content | None = None) -> None:
        super().__init__()
        self.pixel: dict[str, int] = dict(pixel)
        self.content = Content() if content is None else content
        self.settings: FitState | None = None
        self.shown = Shown()
        self.stack: QUndoStack | None = None
        self.gone = False
        self._selected: int | None = None
        self._preview: xr.Dataset | None = None

    @property
    def axis(self) -> EnergyAxis:
        """What the user says about the energies."""
        return self.content.axis

    @property
    def selected(self) -> int | None:
        """Number of the selected peak, from 1; None for no peak."""
        peaks = self.peaks()
        if self._selected is None or peaks is None or self._selected > peaks.sizes["peak"]:
            return None
        return self._selected

    def select(self, peak: int | None) -> None:
        """Select a peak by its number, from 1."""
        if peak != self._selected:
            self._selected = peak
            self.selected_changed.emit()

    def peaks(self) -> xr.Dataset | None:
        """Peaks of the chosen pixel; during a drag those of this moment."""
        return self.content.at(self.pixel) if self._preview is None else self._preview

    @property
    def dragging(self) -> bool:
        """Whether peaks are shown that are not yet part of the content."""
        return self._preview is not None

    def preview(self, peaks: xr.Dataset) -> None:
        """Show peaks during a drag, without a step of undo."""
        self._preview = peaks
        self.previewed.emit()

    def take_back(self) -> None:
        """End a drag: the peaks are those from before it."""
        if self._preview is not None:
            self._preview = None
            self.changed.emit()

    def edit(self, text: str, peaks: xr.Dataset | None, *, merge: str = "") -> None:
        """Replace the peaks of the chosen pixel, as a step of undo.

        Parameters
        ----------
        text : str
            What was done, for the undo button.
        peaks : Dataset or None
        merge : str
            Successive edits with the same word are one step, for instance those of an arrow key.
        """
        self._preview = None
        self.replace(text, self.content.with_peaks(self.pixel, peaks), merge=merge)
        self.edited.emit()

    def replace(self, text: str, content: Content, *, merge: str = "", quiet: bool = False) -> None:
        """Replace the whole content, as a step of undo.

        Parameters
        ----------
        text : str
            What was done, for the undo button.
        content : Content
        merge : str
            Successive changes with the same word are one step.
        quiet : bool
            Whether `restored` is not emitted: the change concerns all regions.
        """
        command = _Change(self, text, content, merge, quiet)
        if self.stack is None:
            command.redo()
        else:
            self.stack.push(command)

    def restore(self, content: Content, pixel: Pixel) -> None:
        """Set content and pixel; used by the steps of undo."""
        self._preview = None
        self.content, self.pixel = content, dict(pixel)
        self.changed.emit()


class _Change(QUndoCommand):
    """One step of undo: the content before and after it."""

    def __init__(
        self, state: EditState, text: str, after: Content, merge: str, quiet: bool
    ) -> None:
        super().__init__(text)
        self._state, self._merge, self._quiet = state, merge, quiet
        self._before, self._after = state.content, after
        self._pixel = dict(state.pixel)
        self._done = False

    def undo(self) -> None:
        """Set the content from before."""
        self._set(self._before)

    def redo(self) -> None:
        """Set the content from after; the stack calls it when the step is pushed."""
        self._set(self._after)
        self._done = True

    def _set(self, content: Content) -> None:
        """Set a content; a step of a region that was removed is dropped by the stack."""
        if self._state.gone:
            self.setObsolete(True)
        else:
            self._state.restore(content, self._pixel)
            if self._done and not self._quiet:
                self._state.restored.emit()

    def id(self) -> int:
        """Steps with one number may be merged; -1 for never."""
        return hash(self._merge) & 0x7FFFFFFF if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 - Qt
        """Take over a later step of the same kind."""
        if not isinstance(other, _Change) or other._state is not self._state:
            return False
        if other._merge != self._merge or other._pixel != self._pixel:
            return False
        self._after = other._after
        return True


def make_stack(parent: QObject) -> QUndoStack:
    """Undo stack of a window."""
    stack = QUndoStack(parent)
    stack.setUndoLimit(UNDO_STEPS)
    return stack
