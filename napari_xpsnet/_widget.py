"""The "Fit peaks" dock: connects forms, fits and pictures."""

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Slot
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_xpsnet import _layers, _maps
from napari_xpsnet._controls import AxisForm, FitForm
from napari_xpsnet._outputs import Outputs
from napari_xpsnet._panel import Panel, scrollable
from napari_xpsnet._results import Memory, Results, summary
from napari_xpsnet._runner import Runner
from napari_xpsnet._spectrum_view import SpectrumView
from napari_xpsnet._worker import Engine, Outcome, library, sentence

if TYPE_CHECKING:
    import napari


class FitPeaks(QWidget):
    """Dock for fitting, with the spectrum plot below the canvas.

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
        self._memory: dict[Any, Memory] = {}
        self._active: Any = None
        self._docked = self._closed = False
        self.form = FitForm(self._choices, _models())
        self.axis_form = AxisForm()
        self.view = SpectrumView(self.viewer, self)
        self.panel = Panel(self.form, self.axis_form, self.view.table)
        self.runner = Runner(self)
        self.outputs = Outputs(self.view, self.form, self.panel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrollable(self.panel))
        # Otherwise napari adds empty space below, and the table stays small.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._connect()
        self.view.dock()
        self._choose_active()
        self._change_layer()

    def _connect(self) -> None:
        """Connect signals and methods."""
        panel, form = self.panel, self.form
        panel.fit.clicked.connect(self.fit)
        panel.cancel.clicked.connect(self.cancel)
        form.layer.changed.connect(self._change_layer)
        for control in (form.limited, form.first, form.last):
            control.changed.connect(self._show_range)
        self.axis_form.container.changed.connect(self._change_axis)
        self.view.plot.range_moved.connect(form.set_range)
        self.view.shown.connect(self._enable)
        self.view.pinned.connect(self._describe)
        self.runner.progressed.connect(panel.show_progress)
        self.runner.finished.connect(self._finish)
        self.viewer.layers.selection.events.active.connect(self._choose_active)
        self.viewer.layers.events.removed.connect(self._forget)

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
    def memory(self) -> Memory:
        """Settings and results of this layer."""
        key = self.layer.unique_id
        if key not in self._memory:
            self._memory[key] = Memory(_layers.first_pixel(_layers.layer_spectra(self.layer)))
        return self._memory[key]

    def _choose_active(self, event: Any = None) -> None:
        """Use the layer that the user selected, if it has spectra."""
        active = self.viewer.layers.selection.active
        self.reset_choices()
        if active is not None and _layers.has_spectra(active):
            # A layer that becomes active again must not change the choice in the form.
            if active is not self._active:
                self._active = self.form.layer.value = active
        elif self.layer is None:
            self._change_layer()

    def _change_layer(self, event: Any = None) -> None:
        """Show another layer of spectra, or a message how to open one."""
        layer = self.layer
        self.panel.enable_fit(layer is not None, busy=self.runner.busy)
        if layer is None:
            self.view.follow(None, None)
            self.panel.say(self._absence())
            return
        self.panel.say("")
        self.axis_form.show_state(self.memory.axis)
        spectra = _layers.layer_spectra(layer)
        self.panel.name_axis(str(spectra.attrs.get("scale", "")))
        self.form.adapt(spectra)
        self.view.follow(layer, self.memory)
        self.view.go_to_maximum()

    def _absence(self) -> str:
        """Message that explains why there is nothing to fit, and what to do."""
        try:
            _layers.layer_spectra(self.viewer.layers.selection.active)
        except ValueError as error:
            return str(error)
        return ""

    def _forget(self, event: Any) -> None:
        """Forget a layer that was removed."""
        self._memory.pop(event.value.unique_id, None)
        if event.value is self.runner.layer:
            self._stop()
            self.panel.say("The layer was removed, so its fit was stopped.")

    def _change_axis(self, event: Any = None) -> None:
        """Apply the energy axis that the user described."""
        layer, axis = self.layer, self.axis_form.state()
        if layer is None or axis == self.memory.axis:
            return
        as_read = layer.metadata.setdefault("as_read", _layers.layer_spectra(layer))
        try:
            spectra = axis.apply(as_read)
        except ValueError as error:
            self.panel.say(sentence(error), problem=True)
            return
        if layer is self.runner.layer:
            self._stop()
        layer.metadata["dataarray"] = spectra
        # Peaks on the old axis are no longer valid.
        self.memory.axis, self.memory.results = axis, Results()
        _maps.remove_maps(self.viewer, layer)
        _layers.place_energy(layer, spectra)
        self._change_layer()

    def _show_range(self, event: Any = None) -> None:
        """Show the range of the form in the plot."""
        self.view.plot.set_range(self.form.energy_range())

    def _enable(self) -> None:
        """Enable the buttons that the results allow."""
        whole = self.layer is not None and self.memory.results.whole is not None
        several = self.layer is not None and bool(self.memory.pixel)
        self.panel.enable_results(pixel=self.view.peaks() is not None, maps=whole and several)

    def _describe(self) -> None:
        """Show the result of the pinned spectrum as a sentence."""
        peaks = self.view.peaks()
        if peaks is not None and not self.runner.busy:
            self.panel.say(summary(peaks))

    def fit(self) -> None:
        """Start a fit with the values of the forms."""
        layer = self.layer
        if self.runner.busy or layer is None:
            return
        self.view.dock()
        state = self.form.state(self.memory.pixel)
        self.runner.start(state, _layers.layer_spectra(layer), self.engine, layer)
        self.panel.enable_fit(True, busy=True)

    def cancel(self) -> None:
        """Stop the fit after the current batch."""
        self.runner.cancel()
        self.panel.cancelling()

    @Slot(object, object)
    def _finish(self, outcome: Outcome, layer: Any) -> None:
        """Show the outcome of a fit."""
        self._stop()
        if outcome.peaks is None:
            self.panel.say(outcome.problem, problem=True)
            return
        self._memory[layer.unique_id].results.add(outcome.state, outcome.peaks)
        if outcome.state.pixel is None:
            _maps.show_maps(self.viewer, layer, outcome.peaks)
        self.view.refresh()
        if layer is self.layer:
            self.panel.say(summary(outcome.peaks, cancelled=outcome.cancelled))

    def _stop(self) -> None:
        """End the current fit."""
        self.runner.stop()
        self.panel.enable_fit(self.layer is not None, busy=False)

    def event(self, event: QEvent) -> bool:
        """Clean up when napari closes the dock, which only removes its parent."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self.shut_down()
        return bool(super().event(event))

    def shut_down(self) -> None:
        """Stop the fit, disconnect from the viewer and close the plot."""
        if self._closed:
            return
        self._closed = True
        self.runner.stop()
        self.viewer.layers.selection.events.active.disconnect(self._choose_active)
        self.viewer.layers.events.removed.disconnect(self._forget)
        self.view.release()


def _models() -> list[str]:
    """Names of the networks, the default first."""
    import xpsnet

    names = xpsnet.list_models() or ["default"]
    return sorted(names, key=lambda name: (name != "default", name))
