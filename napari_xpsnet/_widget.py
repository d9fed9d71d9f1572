"""The "Fit peaks" dock: connects forms, fits and pictures."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import xarray as xr
from qtpy.QtCore import QEvent, Slot
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget
from superqt.utils import qdebounced

from napari_xpsnet import _layers, _maps
from napari_xpsnet._controls import AxisForm, FitForm
from napari_xpsnet._curve_layers import remove_curves
from napari_xpsnet._edit_state import EditState, edit_state, make_stack
from napari_xpsnet._map_tools import MapTools
from napari_xpsnet._outputs import Outputs
from napari_xpsnet._panel import Panel, ScrollArea
from napari_xpsnet._peak_sets import PeakSets
from napari_xpsnet._results import summary
from napari_xpsnet._runner import Runner
from napari_xpsnet._spectrum_view import SpectrumView
from napari_xpsnet._state import FitState
from napari_xpsnet._worker import Engine, Outcome, library, sentence

if TYPE_CHECKING:
    import napari

LIVE_DELAY = 250
"""Time without a further change after which a live fit starts [ms]."""
EDITED = "Not fitted yet: Refine fits these peaks."
OTHER_SCALE = (
    "The peaks belonged to the other energy axis and are gone from this one; Undo brings them back."
)


class FitPeaks(QWidget):
    """Dock for fitting, with plot and table of the peaks below the canvas.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        # napari passes a proxy; layers from a proxy are not equal to those in the list of layers.
        self.viewer: Any = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self.engine: Engine = library
        self._states: dict[Any, EditState] = {}
        self._waiting: list[tuple[FitState, Any]] = []
        self._live_start: xr.Dataset | None = None
        self._active: Any = None
        self._docked = self._closed = False
        self.stack = make_stack(self)
        self.form = FitForm(self._choices, _models())
        self.axis_form = AxisForm()
        self.view = SpectrumView(self.viewer, self.stack, self)
        self.panel = Panel(self.form, self.axis_form)
        self.runner = Runner(self)
        self.outputs = Outputs(self.view, self.form, self.panel)
        self.peak_sets = PeakSets(self.view, self.panel)
        self.map_tools = MapTools(self.view, self)
        self.panel.add_section(self.map_tools.section)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollArea(self.panel))
        # Otherwise napari adds empty space below.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._live = qdebounced(self._fit_live, timeout=LIVE_DELAY)
        self._connect()
        self.view.editor.yields_keys = self._is_on_labels
        self.view.dock()
        self._choose_active()
        self._change_layer()

    def _connect(self) -> None:
        """Connect signals and methods."""
        panel, form = self.panel, self.form
        panel.fit.clicked.connect(self.fit)
        panel.refine.clicked.connect(self.refine)
        panel.cancel.clicked.connect(self.cancel)
        panel.to_all.clicked.connect(self.refine_all)
        panel.copy_to.clicked.connect(self.refine_selected)
        form.layer.changed.connect(self._change_layer)
        for control in (form.limited, form.first, form.last):
            control.changed.connect(self._type_range)
        self.axis_form.container.changed.connect(self._change_axis)
        self.view.plot.range_moved.connect(self._drag_range)
        self.view.editor.range_wanted.connect(self._switch_range)
        self.view.shown.connect(self._enable)
        self.view.pinned.connect(self._describe)
        self.view.edited.connect(self._live)
        self.view.edited.connect(self._describe_edit)
        self.view.problem.connect(lambda text: self.panel.say(text, problem=True))
        self.peak_sets.wanted.connect(self.use_peaks)
        self.map_tools.said.connect(lambda text: self.panel.say(text, problem=True))
        self.map_tools.fit_wanted.connect(self.fit)
        self.view.edits.set_pasted.connect(lambda peaks: self.use_peaks("paste all peaks", peaks))
        self.runner.progressed.connect(panel.show_progress)
        self.runner.finished.connect(self._finish)
        self.viewer.layers.selection.events.active.connect(self._choose_active)
        self.viewer.layers.events.removed.connect(self._forget)

    def _is_on_labels(self) -> bool:
        """Whether the active layer has an undo of its own on the canvas."""
        from napari.layers import Labels

        return isinstance(self.viewer.layers.selection.active, Labels)

    def _choices(self, _: Any = None) -> list[Any]:
        """Layers that hold spectra."""
        return [layer for layer in self.viewer.layers if _layers.has_spectra(layer)]

    def reset_choices(self, event: Any = None) -> None:
        """Update the list of layers; napari calls this after every change."""
        if not self._closed:
            self.form.layer.reset_choices()

    @property
    def layer(self) -> Any:
        """The selected layer of spectra, or None."""
        layer = self.form.layer.value
        return layer if layer is not None and layer in self.viewer.layers else None

    @property
    def edit(self) -> EditState:
        """Peaks, range and axis of this layer."""
        return self._state_of(self.layer)

    def _state_of(self, layer: Any) -> EditState:
        """State of a layer, which lives as long as the layer."""
        if layer not in self._states:
            state = edit_state(layer)
            state.stack = self.stack
            self._states[layer] = state
            state.changed.connect(self._follow_content)
            state.restored.connect(self._follow_undo)
        return self._states[layer]

    def _choose_active(self, event: Any = None) -> None:
        """Use the layer that the user selected, if it has spectra."""
        active = self.viewer.layers.selection.active
        self.view.editor.share_keys()
        self.reset_choices()
        if active is not None and _layers.has_spectra(active):
            # A layer that becomes active again must not change the choice in the form.
            if active is not self._active or self.layer is None:
                self._active = self.form.layer.value = active
        elif self.layer is None:
            choices = self._choices()
            if choices:
                self.form.layer.value = choices[-1]
            else:
                self._change_layer()

    def _change_layer(self, event: Any = None) -> None:
        """Show another layer of spectra, or a message how to open one."""
        layer = self.layer
        self.panel.enable_fit(layer is not None, busy=self.runner.busy)
        if layer is None:
            self.view.follow(None, None)
            self.peak_sets.offer_file_fits()
            self.panel.say(self._absence())
            return
        self.panel.say("")
        state = self.edit
        self._show_content()
        self.view.follow(layer, state)
        self.view.plot.set_range(state.content.energy_range)
        self.view.go_to_maximum()
        self.peak_sets.offer_file_fits()

    def _show_content(self) -> None:
        """Show axis and range of this layer in the forms."""
        spectra, content = _layers.layer_spectra(self.layer), self.edit.content
        self.axis_form.show_state(content.axis)
        self.panel.name_axis(str(spectra.attrs.get("scale", "")))
        self.form.adapt(spectra, content.energy_range)
        self.view.plot.set_range(content.energy_range)

    def _absence(self) -> str:
        """Message that explains why there is nothing to fit, and what to do."""
        try:
            _layers.layer_spectra(self.viewer.layers.selection.active)
        except ValueError as error:
            return str(error)
        return ""

    def _forget(self, event: Any) -> None:
        """Forget a layer that was removed; its steps of undo are dropped."""
        state = self._states.pop(event.value, None)
        if state is not None:
            state.gone = True
            remove_curves(self.viewer, event.value)
        self._waiting = [(fit, layer) for fit, layer in self._waiting if layer is not event.value]
        if event.value is self.runner.layer:
            self._stop()
            self.panel.say("The layer was removed, so its fit was stopped.")
        if self._choices():
            self._choose_active()

    @Slot()
    def _follow_content(self) -> None:
        """Bring layer and forms to the content of their state; this runs before it is drawn."""
        for layer, state in self._states.items():
            if state is self.sender():
                self._apply_axis(layer, state)
        if self.layer is not None and self.sender() is self.edit:
            self._show_content()

    @Slot()
    def _follow_undo(self) -> None:
        """Show the layer whose content undo or redo has changed."""
        for layer, state in self._states.items():
            if state is self.sender() and layer is not self.layer and layer in self.viewer.layers:
                self.form.layer.value = layer

    def _apply_axis(self, layer: Any, state: EditState) -> None:
        """Put the spectra of a layer on the axis that the user described."""
        if layer.metadata.get("axis", type(state.axis)()) == state.axis:
            return
        as_read = layer.metadata.setdefault("as_read", _layers.layer_spectra(layer))
        spectra = state.axis.apply(as_read)
        layer.metadata["dataarray"], layer.metadata["axis"] = spectra, state.axis
        _layers.place_energy(layer, spectra)
        if state.content.whole is None:
            _maps.remove_maps(self.viewer, layer)
        elif _maps.maps_of(self.viewer, layer):
            _maps.show_maps(self.viewer, layer, state.content.whole)
        if layer is self.layer:
            self.view.cursor.follow(layer)
            self.view.fit_canvas()

    def _change_axis(self, event: Any = None) -> None:
        """Apply the energy axis that the user described; an offset moves peaks and range along."""
        layer, axis = self.layer, self.axis_form.state()
        if layer is None or axis == self.edit.axis:
            return
        as_read = layer.metadata.setdefault("as_read", _layers.layer_spectra(layer))
        content = self.edit.content
        try:
            axis.apply(as_read)
            moved = content.on_axis(axis)
        except ValueError as error:
            self.panel.say(sentence(error), problem=True)
            return
        if layer is self.runner.layer:
            self._stop()
        self.edit.replace("energy axis", moved, merge="energy axis")
        had = content.whole is not None or bool(content.single)
        if had and moved.whole is None and not moved.single:
            self.panel.say(OTHER_SCALE)

    def _type_range(self, event: Any = None) -> None:
        """Take the range of the form."""
        self._set_range(self.form.energy_range())

    def _drag_range(self, low: float, high: float) -> None:
        """Take the range of the plot."""
        self.form.set_range(low, high)
        self._set_range(self.form.energy_range() or (low, high))

    def _switch_range(self, limited: bool) -> None:
        """Use a range or the whole axis."""
        self.form.limited.value = limited

    def _set_range(self, energy_range: tuple[float, float] | None) -> None:
        """Store the range, as a step of undo."""
        if self.layer is None or energy_range == self.edit.content.energy_range:
            return
        content = replace(self.edit.content, energy_range=energy_range)
        self.edit.replace("range", content, merge="range")

    def _enable(self) -> None:
        """Enable the buttons that the results allow."""
        whole = self.layer is not None and self.edit.content.whole is not None
        several = self.layer is not None and bool(self.edit.pixel)
        pixel = self.view.peaks() is not None
        maps = whole and several
        busy = self.runner.busy
        self.panel.enable_results(pixel=pixel, maps=maps, several=several, busy=busy)

    def _describe(self) -> None:
        """Show the result of the pinned spectrum as a sentence."""
        peaks = self.view.peaks()
        if peaks is not None and not self.runner.busy:
            self.panel.say(summary(peaks))

    def _describe_edit(self) -> None:
        """Replace the sentence about a fit that is no longer shown."""
        if not self.runner.busy:
            self.panel.say("" if self.view.peaks() is None else EDITED)

    def fit(self) -> None:
        """Find peaks with the values of the forms."""
        if self.layer is not None:
            self._start(self.form.state(self.edit.pixel), self.layer)

    def refine(self) -> None:
        """Fit the peaks of the table."""
        peaks = self.view.peaks()
        if self.layer is not None and peaks is not None:
            self._start(self._from_peaks(peaks, self.edit.pixel), self.layer)

    def refine_all(self) -> None:
        """Fit all spectra of the layer, from the peaks of the table."""
        peaks = self.view.peaks()
        if self.layer is not None and peaks is not None:
            self._start(self._from_peaks(peaks, None), self.layer)

    def refine_selected(self) -> None:
        """Fit the other selected layers of spectra, from the peaks of the table."""
        peaks = self.view.peaks()
        if self.layer is None or peaks is None:
            return
        others = [one for one in self.viewer.layers.selection if one is not self.layer]
        targets = [one for one in others if _layers.has_spectra(one)]
        if not targets:
            self.panel.say("Select further layers of spectra in the layer list (Ctrl+click) first.")
            return
        for layer in targets:
            edit = self._state_of(layer)
            state = replace(self._from_peaks(peaks, edit.pixel), energy_range=None)
            self._waiting.append((replace(state, energy_range=edit.content.energy_range), layer))
        self._start_waiting()

    def _from_peaks(self, peaks: xr.Dataset, pixel: dict[str, int] | None) -> FitState:
        """State of a fit that starts from peaks."""
        return replace(self.form.state(pixel), start=peaks, pixel=pixel)

    def use_peaks(self, text: str, peaks: xr.Dataset) -> None:
        """Use peaks of a file in place of those of the table; elsewhere they are fitted first."""
        if self.layer is None:
            return
        if _layers.is_on_axis(peaks, _layers.layer_spectra(self.layer)):
            self.edit.edit(text, peaks)
        else:
            self._start(self._from_peaks(peaks, self.edit.pixel), self.layer)

    def _start(self, state: FitState, layer: Any) -> None:
        """Start a fit."""
        if self.runner.busy:
            return
        self.view.dock()
        self.runner.start(state, _layers.layer_spectra(layer), self.engine, layer)
        self.panel.enable_fit(True, busy=True)
        self._enable()

    def _start_waiting(self) -> None:
        """Start the next of several fits."""
        if self._waiting and not self.runner.busy:
            self._start(*self._waiting.pop(0))

    def _fit_live(self) -> None:
        """Fit after a change by hand; a fit that is running for an older change is stopped."""
        peaks = None if self._closed or self.layer is None else self.view.peaks()
        if peaks is None or not self.panel.live.isChecked() or self.edit.dragging:
            return
        if self._live_start is not None:
            self._stop()
        if not self.runner.busy:
            self._live_start = peaks
            self._start(self._from_peaks(peaks, self.edit.pixel), self.layer)

    def cancel(self) -> None:
        """Stop the fit after the current batch."""
        self._waiting = []
        self.runner.cancel()
        self.panel.cancelling()

    @Slot(object, object)
    def _finish(self, outcome: Outcome, layer: Any) -> None:
        """Show the outcome of a fit."""
        live, self._live_start = self._live_start, None
        self._stop()
        if outcome.peaks is None:
            self.panel.say(outcome.problem, problem=True)
        else:
            self._take(outcome, outcome.peaks, layer, live)
        self._start_waiting()

    def _take(
        self, outcome: Outcome, peaks: xr.Dataset, layer: Any, live: xr.Dataset | None
    ) -> None:
        """Store and draw the peaks of a fit."""
        state = self._state_of(layer)
        # What the user has changed during a live fit counts more than its result.
        if live is not None and (state.dragging or state.peaks() is not live):
            return
        text = "refine" if outcome.state.start is not None else "fit"
        state.replace(text, state.content.with_fit(outcome.state, peaks))
        if outcome.state.pixel is None:
            _maps.show_maps(self.viewer, layer, peaks)
        if layer is self.layer:
            if live is None:
                self.view.plot.ensure_visible()
            self.panel.say(summary(peaks, cancelled=outcome.cancelled))

    def _stop(self) -> None:
        """End the current fit."""
        self.runner.stop()
        self._live_start = None
        self.panel.enable_fit(self.layer is not None, busy=False)
        self._enable()

    def event(self, event: QEvent) -> bool:
        """Clean up when napari closes the dock, which only removes its parent."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self.shut_down()
        return bool(super().event(event))

    def shut_down(self) -> None:
        """Stop the fit, disconnect from the viewer and close the editor."""
        if self._closed:
            return
        self._closed = True
        self.runner.stop()
        self.viewer.layers.selection.events.active.disconnect(self._choose_active)
        self.viewer.layers.events.removed.disconnect(self._forget)
        for state in self._states.values():
            state.changed.disconnect(self._follow_content)
            state.restored.disconnect(self._follow_undo)
            state.stack = None
        self.map_tools.release()
        self.view.release()


def _models() -> list[str]:
    """Names of the networks, the default first."""
    import xpsnet

    names = xpsnet.list_models() or ["default"]
    return sorted(names, key=lambda name: (name != "default", name))
