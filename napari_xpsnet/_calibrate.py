"""The section "Calibrate": a peak of this region has a known energy; regions move along."""

from collections.abc import Callable
from typing import Any

import xarray as xr
from qtpy.QtCore import QObject, QSignalBlocker, Qt, Signal
from qtpy.QtGui import QUndoStack
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QPushButton, QWidget

from napari_xpsnet._charge import Charge
from napari_xpsnet._edit_state import EditState
from napari_xpsnet._layers import fitted_dim, peak_name
from napari_xpsnet._regions import Region
from napari_xpsnet._state import EnergyAxis
from napari_xpsnet._worker import sentence

HERE, SAMPLE, ALL = "this region", "this sample", "all regions"
CARBON = ("C 1s", 284.8)
"""Adventitious carbon [eV]."""
LIMIT = 1e5
"""Largest energy that can be typed [eV]."""
DONE = "Moved by {shift:.3f} eV: {regions}."
EACH = "Every spectrum has its own shift, {low:.2f} to {high:.2f} eV: {regions}."
LEFT = " Left as it was: {regions}."
NO_ENERGY = "its photon energy is unknown"
NO_PEAK = "Fit or add the peak whose energy you know first."


class CalibrateForm(QWidget):
    """Which peak has which energy, and what moves along.

    Signals
    -------
    wanted : no arguments
        The button was clicked.
    """

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._shown: xr.Dataset | None = None
        self.peak = QComboBox()
        self.energy = QDoubleSpinBox()
        self.energy.setRange(-LIMIT, LIMIT)
        self.energy.setDecimals(3)
        self.energy.setSingleStep(0.1)
        self.energy.setSuffix(" eV")
        self.energy.setKeyboardTracking(False)
        self.energy.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.where = QComboBox()
        self.where.addItems([HERE, SAMPLE, ALL])
        self.each = QCheckBox("per spectrum")
        self.button = QPushButton("Calibrate")
        self.button.clicked.connect(self.wanted)
        self.energy.setToolTip("Binding energy of this peak")
        self.where.setToolTip("Regions whose energies, peaks and ranges move along")
        self.each.setToolTip(
            "Each spectrum of a map or series moves by the shift of its own peak; counts and axis "
            "stay as measured. This needs a fit of all spectra"
        )
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow("Peak", self.peak)
        layout.addRow("is", self.energy)
        layout.addRow("in", self.where)
        layout.addRow(self.each, self.button)

    def show_peaks(self, peaks: xr.Dataset | None, *, whole: bool) -> None:
        """Offer the peaks of this spectrum; `whole`: there is a fit of all spectra."""
        if peaks is self._shown and whole == self.each.isEnabled():
            return  # asked for at every move of the mouse over a map
        self._shown = peaks
        chosen = self.peak.currentIndex()
        numbers = [] if peaks is None else _existing(peaks)
        names = [f"{k + 1}: {_name(peaks, k)}" for k in numbers]
        if names != [self.peak.itemText(i) for i in range(self.peak.count())]:
            with QSignalBlocker(self.peak):
                self.peak.clear()
                for k, name in zip(numbers, names, strict=True):
                    self.peak.addItem(name, k + 1)
                self.peak.setCurrentIndex(chosen if 0 <= chosen < len(names) else 0)
        self.button.setEnabled(bool(names))
        self.button.setToolTip("" if names else NO_PEAK)
        self.each.setEnabled(whole)
        if not whole:
            self.each.setChecked(False)

    def show_reference(self, name: str, peaks: xr.Dataset | None) -> None:
        """Offer the usual energy of carbon, or that which the first peak has now."""
        numbers = [] if peaks is None or name == CARBON[0] else _existing(peaks)
        if peaks is not None and numbers:
            self.energy.setValue(float(peaks["center"][numbers[0]]))
        else:
            self.energy.setValue(CARBON[1])


def _existing(peaks: xr.Dataset) -> list[int]:
    """Indices of the peaks of one spectrum that there are and that are not off."""
    there = peaks["center"].notnull().values
    if "enabled" in peaks:
        there = there & peaks["enabled"].values
    return [int(k) for k in there.nonzero()[0]]


def _name(peaks: xr.Dataset | None, index: int) -> str:
    """Name and energy of a peak."""
    if peaks is None:
        return ""
    return f"{peak_name(peaks, index)}, {float(peaks['center'][index]):.2f} eV"


class Calibration(QObject):
    """Moves regions so that a peak has its energy, as one step of undo.

    Parameters
    ----------
    form : CalibrateForm
    state_of : callable
        State of a region.
    stack : QUndoStack
        Of the window.

    Signals
    -------
    done : str
        What was done, for the user.
    problem : str
        Why nothing was done.
    """

    done = Signal(str)
    problem = Signal(str)

    def __init__(
        self, form: CalibrateForm, state_of: Callable[[Region], EditState], stack: QUndoStack
    ) -> None:
        super().__init__(form)
        self.form, self.state_of, self.stack = form, state_of, stack

    def calibrate(self, region: Region, regions: list[Region]) -> None:
        """Give the chosen peak of this region its energy.

        Parameters
        ----------
        region : Region
            That holds the peak.
        regions : list of Region
            All of the window.
        """
        number = self.form.peak.currentData()
        if number is None:
            self.problem.emit(NO_PEAK)
            return
        try:
            charge = self._charge(region, int(number))
        except ValueError as error:
            self.problem.emit(sentence(error))
            return
        moved, left = [], []
        changes: list[tuple[EditState, EnergyAxis]] = []
        for one in self._targets(region, regions):
            axis = self._axis(one, charge)
            if axis is None:
                left.append(f"{one.title} ({NO_ENERGY})")
            else:
                changes.append((self.state_of(one), axis))
                moved.append(one.title)
        self.stack.beginMacro("calibrate")
        for state, axis in changes:
            state.replace("calibrate", state.content.on_axis(axis), quiet=True)
        self.stack.endMacro()
        self.done.emit(_report(charge, moved, left))

    def _charge(self, region: Region, number: int) -> Charge:
        """The shift that gives a peak its energy."""
        import xpsnet

        state = self.state_of(region)
        spectra = region.current()
        each = self.form.each.isChecked()
        content = state.content
        if each and content.whole is not None:
            peaks = content.whole
        else:
            found = content.at(state.pixel)
            if found is None:
                raise ValueError(NO_PEAK)
            peaks, spectra = found, state_spectrum(spectra, state, found)
        # The number of the row counts, not that of the chemical state.
        rows = peaks.drop_vars([name for name in ("state", "partner") if name in peaks])
        calibrated = xpsnet.calibrate(
            spectra,
            line=region.name,
            to=self.form.energy.value(),
            peaks=rows.isel(peak=[number - 1]),
            state=int(rows["peak"][number - 1]),
            per_spectrum=each,
        )
        return Charge.of(calibrated)

    def _targets(self, region: Region, regions: list[Region]) -> list[Region]:
        """Regions that move along."""
        where = self.form.where.currentText()
        if where == HERE:
            return [region]
        if where == SAMPLE:
            return [one for one in region.file.regions if one.sample == region.sample]
        return regions

    def _axis(self, region: Region, charge: Charge) -> EnergyAxis | None:
        """Axis of a region with this shift; None where it cannot be moved."""
        from dataclasses import replace

        state = self.state_of(region)
        own = charge if charge.fits(region.as_read) else charge.as_one()
        axis = replace(state.axis, charge=own)
        return axis if region.can_be_on(axis) else None


def state_spectrum(spectra: xr.DataArray, state: EditState, peaks: xr.Dataset) -> xr.DataArray:
    """The chosen spectrum, on the axis of its peaks."""
    pixel = {fitted_dim(dim, spectra): index for dim, index in state.pixel.items()}
    one: xr.DataArray = spectra.isel(pixel).xps.on_corrected_axis()
    return one


def _report(charge: Charge, moved: list[str], left: list[str]) -> str:
    """What was done, as a sentence."""
    names = ", ".join(moved)
    if charge.dims:
        low, high = min(charge.shift), max(charge.shift)
        text = EACH.format(low=low, high=high, regions=names)
    else:
        text = DONE.format(shift=-charge.median, regions=names)
    return text + (LEFT.format(regions=", ".join(left)) if left else "")


def all_regions(files: Any) -> list[Region]:
    """Regions of all files."""
    return [region for file in files for region in file.regions]
