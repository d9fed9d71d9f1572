"""Everything a person does with peaks: each is one call of the library and one step of undo."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QObject, Signal

from napari_xpsnet._constraint_text import limits_of_text, link_of_text
from napari_xpsnet._edit_state import EditState
from napari_xpsnet._handles import Move
from napari_xpsnet._layers import peak_name
from napari_xpsnet._worker import sentence

CENTER_STEP = 0.01
"""Step of the arrow keys to the left and to the right [eV]."""
HEIGHT_STEP = 0.01
"""Step of the arrow keys up and down, as a share of the height."""
WORDS = {"fwhm": "FWHM"}


class PeakEdits(QObject):
    """Adds, moves, constrains and removes peaks of the chosen spectrum.

    Parameters
    ----------
    spectrum : callable
        Gives the spectrum that a state's peaks belong to.

    Signals
    -------
    refused : str
        A sentence: why an edit cannot be done.
    set_pasted : Dataset
        All peaks shall be replaced by these, which may belong to another axis.
    """

    refused = Signal(str)
    set_pasted = Signal(object)

    def __init__(self, spectrum: Callable[[EditState], xr.DataArray], parent: QObject) -> None:
        super().__init__(parent)
        self._spectrum = spectrum
        self.edit: EditState | None = None
        self._before_drag: xr.Dataset | None = None
        self._dragged: set[str] = set()

    def _do(
        self, text: str, function: str, *arguments: Any, merge: str = "", **options: Any
    ) -> bool:
        """Call a function of the library on the peaks, and make its result a step of undo."""
        import xpsnet

        if self.edit is None:
            return False
        peaks = self.edit.peaks()
        if peaks is None and function != "add_peak":
            return False
        try:
            found = getattr(xpsnet, function)(peaks, *arguments, **options)
        except ValueError as error:
            self.refused.emit(sentence(error))
            return False
        self.edit.edit(text, found, merge=merge)
        return True

    def _name(self, peak: int) -> str:
        """Name of a peak, for the undo button."""
        peaks = None if self.edit is None else self.edit.peaks()
        return f"peak {peak}" if peaks is None else peak_name(peaks, peak - 1)

    @property
    def selected(self) -> int | None:
        """Number of the selected peak."""
        return None if self.edit is None else self.edit.selected

    def add(self, center: float) -> None:
        """Add a peak at an energy [eV], as high and as wide as the data are there."""
        if self.edit is None:
            return
        before = self.edit.peaks()
        if self._do(
            f"add a peak at {center:.2f} eV", "add_peak", self._spectrum(self.edit), center
        ):
            self._select_new(before)

    def add_at_residual(self) -> None:
        """Add a peak where the present ones leave most of the spectrum."""
        import xpsnet

        if self.edit is None:
            return
        peaks, spectrum = self.edit.peaks(), self._spectrum(self.edit)
        if peaks is not None:
            left = xpsnet.residual(spectrum, peaks)
            spectrum = left["residual"] * left["sigma"]
        if np.isfinite(spectrum.values).any():
            self.add(float(spectrum["energy"].values[int(np.nanargmax(spectrum.values))]))

    def paste(self, copied: xr.Dataset) -> None:
        """Add a peak that was copied, with its values and line shape."""
        import xpsnet

        if self.edit is None:
            return
        before = self.edit.peaks()
        values: dict[str, Any] = {
            name: float(copied[name].values[0])
            for name in ("center", "fwhm", "height", "fraction", "asymmetry")
            if name in copied and np.isfinite(copied[name].values[0])
        }
        shape = copied.attrs.get("line_shape")
        if "line_shape" in copied.variables:
            shape = copied["line_shape"].values[0]
        label = str(copied["label"].values[0]) if "label" in copied.variables else ""
        try:
            peaks = xpsnet.add_peak(
                before,
                self._spectrum(self.edit),
                values["center"],
                label=label,
                line_shape=str(shape),
            )
            peaks = xpsnet.change_peak(peaks, peaks.sizes["peak"], **values)
        except ValueError as error:
            self.refused.emit(sentence(error))
            return
        self.edit.edit("paste a peak", peaks)
        self._select_new(before)

    def _select_new(self, before: xr.Dataset | None) -> None:
        """Select the peak that was not there before."""
        after = None if self.edit is None else self.edit.peaks()
        if self.edit is None or after is None:
            return
        old = np.array([]) if before is None else before["center"].values
        new = [i for i, c in enumerate(after["center"].values) if np.isfinite(c) and c not in old]
        self.edit.select(new[-1] + 1 if new else after.sizes["peak"])

    def remove(self, peak: int | None) -> None:
        """Remove a peak."""
        if self.edit is None or peak is None:
            return
        if self._do(f"delete {self._name(peak)}", "remove_peak", peak):
            peaks = self.edit.peaks()
            left = 0 if peaks is None else int(np.isfinite(peaks["center"].values).sum())
            self.edit.select(min(peak, left) if left else None)

    def clear(self) -> None:
        """Remove all peaks."""
        if self.edit is not None and self.edit.peaks() is not None:
            self.edit.edit("delete all peaks", None)

    def select_next(self, step: int = 1) -> None:
        """Select the next peak by number, after the last one the first."""
        peaks = None if self.edit is None else self.edit.peaks()
        if self.edit is None or peaks is None:
            return
        there = [i + 1 for i, c in enumerate(peaks["center"].values) if np.isfinite(c)]
        if there:
            now = self.edit.selected
            place = there.index(now) + step if now in there else (0 if step > 0 else -1)
            self.edit.select(there[place % len(there)])

    def start_drag(self) -> None:
        """Remember the peaks from before the drag."""
        self._before_drag = None if self.edit is None else self.edit.peaks()
        self._dragged = set()

    def drag(self, move: Move) -> None:
        """Show the peaks as the mouse asks for; linked ones follow."""
        import xpsnet

        if self.edit is None or self._before_drag is None:
            return
        values: dict[str, Any] = {
            name: value
            for name, value in move.values.items()
            if not self._is_locked(self._before_drag, move.peak, name)
        }
        if not values:
            return
        try:
            peaks = xpsnet.change_peak(self._before_drag, move.peak, **values)
        except ValueError as error:
            self.refused.emit(sentence(error))
            return
        self._dragged = set(values)
        self.edit.preview(peaks)

    def end_drag(self) -> None:
        """Make the end of a drag a step of undo."""
        if self.edit is None or not self.edit.dragging:
            return
        selected = self.edit.selected
        words = " and ".join(WORDS.get(name, name) for name in sorted(self._dragged))
        self.edit.edit(f"{words} of {self._name(selected or 1)}", self.edit.peaks())
        self._before_drag = None

    def take_back(self) -> None:
        """End a drag: the peaks are those from before it."""
        self._before_drag = None
        if self.edit is not None:
            self.edit.take_back()

    @staticmethod
    def _is_locked(peaks: xr.Dataset, peak: int, parameter: str) -> bool:
        """Whether a parameter is held; a link moves both peaks."""
        rule = peaks.xps.peak_limits().get((peak, parameter))
        return rule is None or rule.locked

    def nudge(self, right: int, up: int, factor: float = 1.0) -> None:
        """Move the selected peak by steps: energies to the right of the plot, and heights."""
        peaks = None if self.edit is None else self.edit.peaks()
        selected = self.selected
        if peaks is None or selected is None:
            return
        name = "center" if right else "height"
        if self._is_locked(peaks, selected, name):
            self.refused.emit(f"The {name} of {self._name(selected)} is locked.")
            return
        value = float(peaks[name].values[selected - 1])
        if right:
            direction = -1 if peaks.attrs.get("scale") == "binding" else 1
            value += right * direction * factor * CENTER_STEP
        else:
            value *= 1.0 + up * factor * HEIGHT_STEP
        text = f"{name} of {self._name(selected)}"
        moved: dict[str, Any] = {name: value}
        self._do(text, "change_peak", selected, merge=f"nudge {name} {selected}", **moved)

    def enter(self, peak: int, column: str, text: str) -> None:
        """Take what was typed into a cell: a number, a link, limits, or nothing for a free one."""
        name, text = self._name(peak), text.strip()
        what = f"{WORDS.get(column, column)} of {name}"
        if column == "label":
            self._do(f"label of {name}", "change_peak", peak, label=text)
            return
        if column == "line_shape":
            self._do(f"line shape of {name}", "change_peak", peak, line_shape=text)
            return
        try:
            if text.startswith("="):
                link = link_of_text(text, column)
                self._do(f"link {what}", "constrain_peak", peak, column, link=link)
            elif not text or text == "free":
                self.free(peak, column)
            elif text in ("lock", "locked"):
                self.lock(peak, column)
            elif "to" in text:
                self.limit(peak, column, *limits_of_text(text))
            else:
                self._enter_value(peak, column, float(text), what)
        except ValueError as error:
            self.refused.emit(sentence(error))

    def _enter_value(self, peak: int, column: str, value: float, what: str) -> None:
        """Set a value; a locked one stays locked, at the new value."""
        peaks = None if self.edit is None else self.edit.peaks()
        if peaks is None:
            return
        if self._is_locked(peaks, peak, column):
            self._do(what, "constrain_peak", peak, column, value=value, vary=False)
        else:
            values: dict[str, Any] = {column: value}
            self._do(what, "change_peak", peak, **values)

    def lock(self, peak: int, column: str) -> None:
        """Hold a parameter at its value."""
        what = f"{WORDS.get(column, column)} of {self._name(peak)}"
        self._do(f"lock {what}", "constrain_peak", peak, column, vary=False)

    def free(self, peak: int, column: str) -> None:
        """Take lock, link and limits away."""
        what = f"{WORDS.get(column, column)} of {self._name(peak)}"
        ends: dict[str, Any] = {} if column == "area" else {"vary": True, "min": None, "max": None}
        self._do(f"free {what}", "constrain_peak", peak, column, link=None, **ends)

    def limit(self, peak: int, column: str, low: float | None, high: float | None) -> None:
        """Limit a parameter; None leaves an end open, both take the limits away."""
        if low is None and high is None:
            self.free(peak, column)
            return
        what = f"{WORDS.get(column, column)} of {self._name(peak)}"
        self._do(f"limit {what}", "constrain_peak", peak, column, min=low, max=high)

    def link(self, peak: int, column: str, other: int) -> None:
        """Link a parameter to that of another peak, at the distance or ratio that both have now."""
        peaks = None if self.edit is None else self.edit.peaks()
        if peaks is None:
            return
        mine, theirs = (float(peaks[column].values[number - 1]) for number in (peak, other))
        if column == "center":
            text = f"= {other} {'+' if mine >= theirs else '-'} {abs(mine - theirs):.4g}"
        else:
            text = f"= {mine / theirs:.4g} x {other}" if theirs else f"= {other}"
        self.enter(peak, column, text)

    def enable(self, peak: int, enabled: bool) -> None:
        """Switch a peak on or off; it stays in the table."""
        text = f"switch {self._name(peak)} {'on' if enabled else 'off'}"
        self._do(text, "change_peak", peak, enabled=enabled)

    def make_doublet(self, peak: int | None) -> None:
        """Add the other line of a doublet: splitting and ratio from the name of the region."""
        if peak is not None:
            self._do(f"doublet of {self._name(peak)}", "make_doublet", peak)
