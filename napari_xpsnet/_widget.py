"""The "Fit peaks" dock: connects forms, fits and pictures."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import xarray as xr
from qtpy.QtCore import QEvent, QTimer, Slot
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget
from superqt.utils import qdebounced

from napari_xpsnet import _layers, _maps
from napari_xpsnet._calibrate import Calibration, all_regions
from napari_xpsnet._controls import AxisForm, FitForm
from napari_xpsnet._curve_layers import remove_curves
from napari_xpsnet._drops import FileDrops
from napari_xpsnet._edit_state import Content, EditState, make_stack
from napari_xpsnet._empty import FIRST_SAMPLE, IN_PLOT, EmptyState
from napari_xpsnet._identify import Identification
from napari_xpsnet._map_tools import MapTools
from napari_xpsnet._outputs import Outputs
from napari_xpsnet._panel import Panel, ScrollArea
from napari_xpsnet._peak_sets import PeakSets
from napari_xpsnet._quantify import Quantification
from napari_xpsnet._reader import prepare
from napari_xpsnet._region_view import RegionView
from napari_xpsnet._regions import Region, region_of
from napari_xpsnet._results import has_any, summary
from napari_xpsnet._runner import Runner
from napari_xpsnet._session_files import SessionKeeper
from napari_xpsnet._shader_programs import delay_deletions
from napari_xpsnet._spectrum_view import SpectrumView
from napari_xpsnet._state import FitState
from napari_xpsnet._worker import Engine, Outcome, library, sentence

if TYPE_CHECKING:
    import napari

CURVE = "curve"
"""Name of the background of peaks where it is a curve that was drawn beforehand."""
LIVE_DELAY = 250
"""Time without a further change after which a live fit starts [ms]."""
EDITED = "Not fitted yet: Refine fits these peaks."
OTHER_SCALE = (
    "The peaks belonged to the other energy axis and are gone from this one; Undo brings them back."
)
ASIDE = "Peaks belong to an energy scale: those of the other scale are kept and come back with it."
NO_PHOTON = (
    'The photon energy of "{name}" is unknown: type it under "Energy axis", then there are both '
    "energy scales."
)
FIRST = "First answer; all models follow. "
"""In front of the quality of the fit."""
KEPT_CHANGES = "All models are fitted; your changes to the first answer are kept. Fit shows them."
CANCELLED = "Cancelled: there is no new fit."
CANCELLED_FIRST = "Cancelled: the peaks are the first answer, the most probable ones."
ENDS_LATER = "Cancelled. Spectra that are finished are shown when the current batch has ended."
NEW_DATA = "The data of this layer have changed. Fits use them as they are now."


class FitPeaks(QWidget):
    """Dock for fitting, with plot and table of the peaks below the canvas.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        delay_deletions()
        # napari passes a proxy; layers from a proxy are not equal to those in the list of layers.
        self.viewer: Any = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self.engine: Engine = library
        self._states: dict[EditState, Region] = {}
        self._region: Region | None = None
        self._late: set[Region] = set()
        self._waiting: list[tuple[FitState, Region]] = []
        self._live_start: xr.Dataset | None = None
        self._first: xr.Dataset | None = None
        self._left: tuple[Region, Content] | None = None
        self._number = 0
        self._active: Any = None
        self._watched: Any = None
        self._docked = self._closed = False
        self.stack = make_stack(self)
        self.form = FitForm(self._choices, _models())
        self.axis_form = AxisForm()
        self.view = SpectrumView(self.viewer, self.stack, self)
        self.regions = RegionView(self.viewer, self)
        self.panel = Panel(self.form, self.axis_form)
        self.runner = Runner(self)
        self.outputs = Outputs(self.view, self.form, self.panel)
        self.peak_sets = PeakSets(self.view, self.panel)
        self.identification = Identification(self)
        self.map_tools = MapTools(self.view, self)
        self.panel.add_section(self.map_tools.section)
        self.calibration = Calibration(self.panel.calibrate, self._state_of, self.stack)
        self.quantification = Quantification(self)
        self.sessions = SessionKeeper(self, self.panel.say)
        self.panel.add_empty_state(EmptyState(self.viewer, "", [FIRST_SAMPLE]))
        self.view.editor.add_empty_state(EmptyState(self.viewer, IN_PLOT))
        self.drops = FileDrops(self.viewer, self)
        self.drops.take(self, self.view.editor, self.regions.panel)
        self.drops.watch_canvas()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollArea(self.panel))
        layout.addWidget(self.sessions.bar)
        # Otherwise napari adds empty space below.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._live = qdebounced(self._fit_live, timeout=LIVE_DELAY)
        self._connect()
        self.view.editor.yields_keys = self._is_on_labels
        self.view.dock()
        self.sessions.take_key()
        self.regions.dock()
        self._choose_active()
        self._change_layer()
        QTimer.singleShot(0, prepare)
        QTimer.singleShot(0, self.runner.preparation.start)

    def _connect(self) -> None:
        """Connect signals and methods."""
        panel, form = self.panel, self.form
        panel.fit.clicked.connect(self.fit)
        panel.refine.clicked.connect(self.refine)
        panel.cancel.clicked.connect(self.cancel)
        panel.to_all.clicked.connect(self.refine_all)
        panel.copy_to.clicked.connect(self.refine_selected)
        form.layer.changed.connect(self._change_layer)
        form.container.changed.connect(self._keep_settings)
        self.regions.shown.connect(self.show_region)
        self.regions.overlaid.connect(self.view.overlay_regions)
        self.regions.panel.scale_wanted.connect(self.set_scale)
        self.regions.panel.copy_wanted.connect(self.refine_regions)
        self.regions.panel.remove_wanted.connect(self.remove_regions)
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
        panel.calibrate.wanted.connect(self.calibrate)
        self.calibration.done.connect(panel.say)
        self.calibration.problem.connect(lambda text: panel.say(text, problem=True))
        self.view.edits.set_pasted.connect(lambda peaks: self.use_peaks("paste all peaks", peaks))
        self.runner.progressed.connect(panel.show_progress)
        self.runner.finished.connect(self._finish)
        self.runner.answered.connect(self._show_first)
        self.runner.arrived.connect(self._take_late)
        self.runner.preparation.said.connect(panel.say_preparing)
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
        if self._closed:
            return
        before = self.form.layer.value
        with self.form.layer.changed.blocked():
            # The box loses its choice when the layer gets another name.
            self.form.layer.reset_choices()
            if before in self.form.layer.choices:
                self.form.layer.value = before
        self.regions.update()
        if self.form.layer.value is not before:
            self._change_layer()

    @property
    def is_closed(self) -> bool:
        """Whether napari has closed the dock."""
        return self._closed

    def refresh_region(self) -> None:
        """Show the active region anew, with everything that its state says."""
        self._change_layer()

    @property
    def layer(self) -> Any:
        """The selected layer of spectra, or None."""
        layer = self.form.layer.value
        return layer if layer is not None and layer in self.viewer.layers else None

    @property
    def region(self) -> Region | None:
        """The region that is shown."""
        return None if self.layer is None else region_of(self.layer)

    @property
    def edit(self) -> EditState:
        """Peaks, range and axis of this region."""
        return self._state_of(region_of(self.layer))

    def _state_of(self, region: Region) -> EditState:
        """State of a region, which lives as long as its file."""
        state = region.edit()
        if state not in self._states:
            state.stack, state.gone = self.stack, False
            self._states[state] = region
            state.changed.connect(self._follow_content)
            state.restored.connect(self._follow_undo)
        return state

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

    def show_region(self, region: Region) -> None:
        """Show a region, which its layer already draws."""
        layer = region.file.layer
        if layer is self.layer:
            self._change_layer()
        # Its controls, and the commands of napari, then are those of this layer.
        self.viewer.layers.selection.active = layer

    def _change_layer(self, event: Any = None) -> None:
        """Show another region, or a message how to open one."""
        layer = self.layer
        self._watch(layer)
        self.panel.enable_fit(layer is not None, busy=self.runner.busy)
        if layer is None:
            self.regions.follow(None)
            self.view.follow(None, None)
            self.peak_sets.offer_file_fits()
            self.panel.say(self._absence())
            return
        self.panel.say("")
        region, state = region_of(layer), self.edit
        if region is not self._region:
            self.panel.calibrate.show_reference(region.name, state.peaks())
        self._region = region
        if region.axis != state.axis:
            self._apply_axis(region)
        if region in self._late:
            self._draw_maps(region)
        self.form.show_settings(state.settings)
        self.regions.update()
        self.regions.follow(region)
        self._show_content()
        self.view.others = self.regions.tree.others()
        self.view.follow(layer, state)
        self.view.plot.set_range(state.content.energy_range)
        self.view.go_to_maximum()
        self.view.fit_canvas()
        self.peak_sets.offer_file_fits()
        self._describe()

    def _watch(self, layer: Any) -> None:
        """Notice when somebody replaces the data of this layer, and of no other."""
        if self._watched is not None:
            self._watched.events.data.disconnect(self._follow_data)
        self._watched = layer
        if layer is not None:
            layer.events.data.connect(self._follow_data)

    def _follow_data(self, event: Any = None) -> None:
        """Draw the data of the layer as they are now."""
        layer = self.layer
        if layer is None or layer.metadata.get(_layers.DATA) is layer.data:
            return
        if not _layers.has_spectra(layer):
            self.reset_choices()
            self._choose_active()
            return
        self.view.refresh()
        self.panel.say(NEW_DATA)

    def _keep_settings(self, event: Any = None) -> None:
        """Remember the choices of the form for the region that it shows."""
        if self._region is not None and not self._closed:
            state = self._state_of(self._region)
            state.settings = self.form.state(state.pixel)

    def _show_content(self) -> None:
        """Show axis and range of this layer in the forms."""
        spectra, content = _layers.layer_spectra(self.layer), self.edit.content
        self.axis_form.show_state(content.axis)
        self.panel.name_axis(str(spectra.attrs.get("scale", "")))
        self.form.adapt(spectra, content.energy_range)
        self.regions.follow_scale(region_of(self.layer))
        self.view.plot.set_range(content.energy_range)

    def _absence(self) -> str:
        """Message that explains why there is nothing to fit, and what to do."""
        try:
            _layers.layer_spectra(self.viewer.layers.selection.active)
        except ValueError as error:
            return str(error)
        return ""

    def _forget(self, event: Any) -> None:
        """Forget the regions of a layer that was removed; their steps of undo are dropped."""
        layer = event.value
        if _layers.FILE in layer.metadata:
            remove_curves(self.viewer, layer)
            self._forget_regions(layer.metadata[_layers.FILE].regions)
        if layer is self._watched:
            self._watch(None)
        if self._choices():
            self._choose_active()

    def _forget_regions(self, regions: list[Region]) -> None:
        """Stop the fits of these regions, and drop their steps of undo."""
        for region in regions:
            if region.state is not None:
                region.state.gone = True
                self._states.pop(region.state, None)
        self._waiting = [(fit, region) for fit, region in self._waiting if region not in regions]
        self._late -= set(regions)
        if self._region in regions:
            self._region = None
        if self._left is not None and self._left[0] in regions:
            self._left = None
        if self.runner.region in regions:
            self._stop()
            self.panel.say("The spectra were removed, so their fit was stopped.")

    def remove_regions(self, regions: list[Region]) -> None:
        """Remove regions from the tree."""
        self._forget_regions(regions)
        self.regions.remove(regions)
        self.reset_choices()
        self._change_layer()

    @Slot()
    def _follow_content(self) -> None:
        """Bring spectra and forms to the content of their state; this runs before it is drawn."""
        region = self._states.get(self.sender())
        if region is None:
            return
        self._apply_axis(region)
        if self.layer is not None and region is self.region:
            self._show_content()
        self.regions.tree.update_texts()

    @Slot()
    def _follow_undo(self) -> None:
        """Show the region whose content undo or redo has changed."""
        region = self._states.get(self.sender())
        if region is not None and region is not self.region:
            self.regions.show_region(region)

    def _apply_axis(self, region: Region) -> None:
        """Put the spectra of a region on the axis that the user described."""
        state = self._state_of(region)
        if region.axis == state.axis:
            return
        if region is self.runner.region:
            self._stop()  # its peaks would be on the other axis
        region.place(state.axis)
        self._draw_maps(region)
        if region is self.region:
            self.view.cursor.follow(self.layer)
            self.view.fit_canvas()

    def _draw_maps(self, region: Region) -> None:
        """Bring the maps of a region to its newest fit, once the region is shown."""
        whole, layer = self._state_of(region).content.whole, region.layer
        if layer is None or layer not in self.viewer.layers:
            self._late.add(region)
            return
        self._late.discard(region)
        if whole is None:
            _maps.remove_maps(self.viewer, layer)
        elif _maps.maps_of(self.viewer, layer):
            _maps.show_maps(self.viewer, layer, whole)

    def _change_axis(self, event: Any = None) -> None:
        """Apply the energy axis that the user described; an offset moves peaks and range along."""
        region = self.region
        if region is None:
            return
        typed = replace(self.axis_form.state(), charge=self.edit.axis.charge)
        axis = typed.shown_as(self.regions.scale, region.as_read)
        if axis == self.edit.axis:
            return
        content = self.edit.content
        try:
            axis.apply(region.as_read)
            moved = content.on_axis(axis)
        except ValueError as error:
            self.panel.say(sentence(error), problem=True)
            return
        self.edit.replace("energy axis", moved, merge="energy axis")
        if content.has_peaks and not moved.has_peaks:
            self.panel.say(OTHER_SCALE)

    def calibrate(self) -> None:
        """Move regions so that a peak has the energy that the user knows."""
        if self.region is not None:
            if self.runner.busy:
                self._stop()
            self.calibration.calibrate(self.region, all_regions(self.regions.files))

    def set_scale(self, scale: Any) -> None:
        """Show binding or kinetic energy in all regions."""
        region = self.region
        had = region is not None and region.is_fitted
        left = self.regions.set_scale(scale, self.stack)
        if region is None:
            return
        if region in left:
            self.panel.say(NO_PHOTON.format(name=region.title), problem=True)
        elif had and not region.is_fitted:
            self.panel.say(ASIDE)

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
        self.panel.calibrate.show_peaks(self.view.peaks(), whole=maps)

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
            self._start(self.form.state(self.edit.pixel), region_of(self.layer))

    def refine(self) -> None:
        """Fit the peaks of the table."""
        peaks = self.view.peaks()
        if self.layer is not None and peaks is not None:
            self._start(self._from_peaks(peaks, self.edit.pixel), region_of(self.layer))

    def refine_all(self) -> None:
        """Fit all spectra of the layer, from the peaks of the table."""
        peaks = self.view.peaks()
        if self.layer is not None and peaks is not None:
            self._start(self._for_others(peaks, None), region_of(self.layer))

    def refine_selected(self) -> None:
        """Fit the other selected regions, from the peaks of the table."""
        chosen = [one for one in self.viewer.layers.selection if _layers.has_spectra(one)]
        targets = [*self.regions.tree.others(), *(region_of(layer) for layer in chosen)]
        self.refine_regions([one for one in dict.fromkeys(targets) if one is not self.region])

    def refine_regions(self, targets: list[Region]) -> None:
        """Fit these regions, from the peaks of the table."""
        peaks = self.view.peaks()
        if self.layer is None or peaks is None:
            return
        if not targets:
            self.panel.say("Select further regions in the tree (Ctrl+click) first.")
            return
        for region in targets:
            edit = self._state_of(region)
            state = replace(self._for_others(peaks, edit.pixel), energy_range=None)
            self._waiting.append((replace(state, energy_range=edit.content.energy_range), region))
        self._start_waiting()

    def _from_peaks(self, peaks: xr.Dataset, pixel: dict[str, int] | None) -> FitState:
        """State of a fit that starts from peaks."""
        return replace(self.form.state(pixel), start=peaks, pixel=pixel)

    def _for_others(self, peaks: xr.Dataset, pixel: dict[str, int] | None) -> FitState:
        """The same for other spectra than those of the peaks, which draw their own background."""
        state = self._from_peaks(peaks, pixel)
        # A program such as CasaXPS gives the curve that it has drawn for the one spectrum.
        kind = peaks.attrs.get("background_kind")
        drawn = kind and peaks.attrs.get("background") == CURVE and state.background == "auto"
        return replace(state, background=str(kind)) if drawn else state

    def use_peaks(self, text: str, peaks: xr.Dataset) -> None:
        """Use peaks of a file in place of those of the table; elsewhere they are fitted first."""
        if self.layer is None:
            return
        if _layers.is_on_axis(peaks, _layers.layer_spectra(self.layer)):
            self.edit.edit(text, peaks)
        else:
            self._start(self._for_others(peaks, self.edit.pixel), region_of(self.layer))

    def _start(self, state: FitState, region: Region) -> None:
        """Start a fit."""
        if self.runner.busy:
            return
        self.view.dock()
        self._number += 1
        self.runner.start(state, region.current(), self.engine, region)
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
            self._start(self._from_peaks(peaks, self.edit.pixel), region_of(self.layer))

    def cancel(self) -> None:
        """Stop the fit after the current batch."""
        self._waiting = []
        region = self.runner.region
        if region is not None:
            self._left = region, self._state_of(region).content
        self.panel.cancelling()
        self.runner.cancel()

    @Slot(object, object)
    def _show_first(self, outcome: Outcome, region: Region) -> None:
        """Show a first answer while the engine is prepared."""
        if outcome.peaks is None:
            return
        state = self._state_of(region)
        self._first = outcome.peaks
        self.view.note = FIRST
        content = state.content.with_fit(outcome.state, outcome.peaks)
        state.replace("fit", content, merge=f"fit {self._number}")
        if region is self.region:
            self.view.plot.ensure_visible()

    @Slot(object, object)
    def _finish(self, outcome: Outcome, region: Region) -> None:
        """Show the outcome of a fit."""
        live, self._live_start = self._live_start, None
        first = self._first
        self._stop()
        if outcome.problem:
            self.panel.say(outcome.problem, problem=True)
        elif outcome.peaks is not None and (has_any(outcome.peaks) or not outcome.cancelled):
            self._take(outcome, outcome.peaks, region, live if first is None else first)
        elif first is not None:
            self.view.refresh()
            self.panel.say(CANCELLED_FIRST)
        else:
            self.panel.say(ENDS_LATER if self.runner.lets_end else CANCELLED)
        self._start_waiting()

    @Slot(object, object)
    def _take_late(self, outcome: Outcome, region: Region) -> None:
        """Take what a cancelled fit had finished, if nothing else was done with its region."""
        left, self._left = self._left, None
        peaks = outcome.peaks
        if self._closed or left is None or peaks is None or left[0] is not region:
            return
        if self._state_of(region).content is left[1] and has_any(peaks):
            self._take(replace(outcome, cancelled=True), peaks, region, None)

    def _take(
        self, outcome: Outcome, peaks: xr.Dataset, region: Region, before: xr.Dataset | None
    ) -> None:
        """Store and draw the peaks of a fit."""
        state = self._state_of(region)
        # What the user has changed during a live fit, or in a first answer, counts more.
        if before is not None and (state.dragging or state.peaks() is not before):
            if outcome.state.start is None and region is self.region:
                self.panel.say(KEPT_CHANGES)
            return
        text = "refine" if outcome.state.start is not None else "fit"
        content = state.content.with_fit(outcome.state, peaks)
        state.replace(text, content, merge=f"fit {self._number}")
        if outcome.state.pixel is None:
            self._draw_maps(region)
        if region is self.region:
            if before is None or outcome.state.start is None:
                self.view.plot.ensure_visible()
            self.panel.say(summary(peaks, cancelled=outcome.cancelled))

    def _stop(self) -> None:
        """End the current fit."""
        self.runner.stop()
        self._live_start = self._first = None
        self.view.note = ""
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
        """Stop the fit, disconnect from the viewer, close the editor and delete the dock."""
        if self._closed:
            return
        self._closed = True
        self.runner.shut_down()
        self.viewer.layers.selection.events.active.disconnect(self._choose_active)
        self.viewer.layers.events.removed.disconnect(self._forget)
        self._watch(None)
        for state in self._states:
            state.changed.disconnect(self._follow_content)
            state.restored.disconnect(self._follow_undo)
            state.stack = None
        self.drops.release()
        self.map_tools.release()
        self.quantification.release()
        self.sessions.release()
        self.regions.release()
        self.identification.release()
        self.view.release()
        # napari only takes the parent away: without this the dock would stay in memory.
        self.deleteLater()


def _models() -> list[str]:
    """Names of the networks that count lines, the default first."""
    import xpsnet

    every = xpsnet.list_models() or ["default"]
    names = [name for name in every if not xpsnet.load_model(name).config.doublet]
    return sorted(names, key=lambda name: (name != "default", name))
