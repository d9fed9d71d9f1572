"""Forms of the dock: magicgui widgets whose values make a frozen state."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox
from qtpy.QtCore import QEvent, QObject, QSignalBlocker, Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QSizePolicy

from napari_xpsnet._layers import ENERGY, pixel_dims
from napari_xpsnet._state import (
    BACKGROUNDS,
    FIT_BACKGROUNDS,
    LINE_SHAPES,
    PEAK_COUNTS,
    STATE_COUNTS,
    EnergyAxis,
    FitState,
)

FROM_FILE = "as in the file"
HERE, EVERYWHERE = "this spectrum", "all spectra"
PREDICTED_BACKGROUND = "shirley+linear"
"""Background without a fit, which could not choose it."""
LIMIT = 1e5
"""Largest energy that can be typed [eV]."""
DECIMALS = 3
"""Of energies that are typed."""
NARROW = "QAbstractSpinBox { min-width: 46px; }"
"""Style for two boxes side by side; in the style of napari they are wider than the dock."""


class FitForm:
    """Choices of a fit.

    Parameters
    ----------
    layer_choices : callable
        Layers of spectra, as magicgui calls it.
    models : sequence of str
        Names of the networks.
    """

    def __init__(self, layer_choices: Callable[[Any], list[Any]], models: list[str]) -> None:
        self._leftward = False
        # The region tree shows what can be chosen.
        self.layer = ComboBox(choices=layer_choices, nullable=True, visible=False)
        self.model = ComboBox(
            label="Model", choices=models, tooltip="Trained network that finds the peaks"
        )
        self.n_states = ComboBox(
            label="States",
            choices=[(str(count), count) for count in STATE_COUNTS],
            tooltip="Number of chemical states, each of them a line or a doublet; auto: chosen for "
            "each spectrum, if the name of the spectra is a level such as C 1s",
        )
        self.n_peaks = ComboBox(
            label="Peaks",
            choices=[(str(count), count) for count in PEAK_COUNTS],
            tooltip="Number of lines, in place of states; auto: not given",
        )
        self.line_shape = ComboBox(
            label="Lines",
            choices=LINE_SHAPES,
            tooltip="Shape of all lines; auto: symmetric or, where the level has conducting "
            "materials, asymmetric, chosen once for all spectra",
        )
        self.background = ComboBox(
            label="Background",
            choices=FIT_BACKGROUNDS,
            value=FitState.background,
            tooltip="Fitted together with the peaks; auto: chosen once for all spectra; static: "
            "computed before the fit and kept",
        )
        self.limited = CheckBox(
            text="Range (eV)",
            value=False,
            tooltip="Fit only this range: drag the band in the plot or type energies",
        )
        self.first, self.last = _energy_box(), _energy_box()
        self.refine = CheckBox(
            text="refine",
            value=True,
            tooltip="Least-squares fit from the prediction of the network, with standard errors",
        )
        self.where = ComboBox(
            choices=[HERE, EVERYWHERE],
            tooltip="The spectrum in the plot (click a pixel to select it) or all spectra",
        )
        self._arrange()
        keep_from_wheel(self.container)
        self.refine.changed.connect(self._offer_backgrounds)
        self.refine.changed.connect(self._enable_choices)
        self.n_states.changed.connect(lambda: _only(self.n_states, self.n_peaks))
        self.n_peaks.changed.connect(lambda: _only(self.n_peaks, self.n_states))
        self.limited.changed.connect(self._enable_range)
        self._enable_range()

    def _arrange(self) -> None:
        """Rows of controls for a narrow dock."""
        self.container = Container(
            widgets=[
                self.layer,
                self.model,
                self.n_states,
                self.n_peaks,
                self.line_shape,
                self.background,
                _pair("", self.limited, self.first, self.last),
                _pair("Apply to", self.where, self.refine),
            ],
            labels=True,
        )
        self.container.margins = (0, 0, 0, 0)
        combos = (self.layer, self.model, self.n_states, self.n_peaks, self.line_shape)
        for combo in (*combos, self.background, self.where):
            shrinkable(combo.native, 4)
        for box in (self.refine, self.limited):
            box.native.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def _offer_backgrounds(self) -> None:
        """Offer the backgrounds of `xpsnet.fit`, or those of `xpsnet.predict`."""
        names = FIT_BACKGROUNDS if self.refine.value else BACKGROUNDS
        kept = self.background.value
        self.background.choices = names
        self.background.value = kept if kept in names else PREDICTED_BACKGROUND

    def _enable_choices(self) -> None:
        """Enable what only a fit chooses."""
        self.n_states.enabled = self.line_shape.enabled = bool(self.refine.value)

    def _enable_range(self) -> None:
        """Enable the energies only if the range is used."""
        self.first.enabled = self.last.enabled = bool(self.limited.value)

    def state(self, pixel: Mapping[str, int] | None) -> FitState:
        """Values of the form; `pixel` is the spectrum in the plot."""
        one = self.where.value == HERE and pixel is not None
        return FitState(
            model=self.model.value,
            n_peaks=self.n_peaks.value,
            n_states=self.n_states.value,
            line_shape=self.line_shape.value,
            background=self.background.value,
            energy_range=self.energy_range(),
            refine=bool(self.refine.value),
            pixel=dict(pixel or {}) if one else None,
        )

    def show_settings(self, settings: FitState | None) -> None:
        """Show the choices of another region without a signal; None for the first ones."""
        known = FitState() if settings is None else settings
        with self.container.changed.blocked():
            if known.model in self.model.choices:
                self.model.value = known.model
            self.refine.value = known.refine
            self.n_states.value, self.n_peaks.value = known.n_states, known.n_peaks
            self.line_shape.value, self.background.value = known.line_shape, known.background
            self.where.value = EVERYWHERE if settings and settings.pixel is None else HERE

    def energy_range(self) -> tuple[float, float] | None:
        """Range to fit [eV], None for the whole axis."""
        return (self.first.value, self.last.value) if self.limited.value else None

    def set_range(self, low: float, high: float) -> None:
        """Show the range of the plot, in the direction of its axis."""
        ends = sorted((low, high), reverse=self._leftward)
        for box, value in zip((self.first, self.last), ends, strict=True):
            if box.value != round(value, DECIMALS):
                with QSignalBlocker(box.native):
                    box.value = round(value, DECIMALS)

    def adapt(self, spectra: xr.DataArray, energy_range: tuple[float, float] | None = None) -> None:
        """Show the energies, the range and the number of spectra."""
        energies = spectra[ENERGY].values
        self._leftward = str(spectra.attrs.get("scale")) == "binding"
        with self.limited.changed.blocked():
            self.limited.value = energy_range is not None
        self._enable_range()
        self.set_range(*(energy_range or (float(energies[0]), float(energies[-1]))))
        number = int(np.prod([spectra.sizes[dim] for dim in pixel_dims(spectra)], dtype=int))
        text = EVERYWHERE if number == 1 else f"{EVERYWHERE} ({number})"
        keep = self.where.value == HERE or number == 1
        self.where.choices = [(HERE, HERE), (text, EVERYWHERE)]
        self.where.value = HERE if keep else EVERYWHERE
        self.where.enabled = number > 1


class AxisForm:
    """Form for the energy axis of a file that does not describe it."""

    def __init__(self) -> None:
        scales = [(FROM_FILE, None), ("binding energy", "binding"), ("kinetic energy", "kinetic")]
        self.scale = ComboBox(
            label="Energies are", choices=scales, tooltip="Energy scale of the file"
        )
        self.photon_energy = FloatSpinBox(
            label="Photon energy (eV)",
            min=0,
            max=LIMIT,
            step=0.1,
            tooltip="Photon energy, for instance 1486.6 (Al K-alpha) or 1253.6 (Mg K-alpha)",
        )
        self.photon_energy.native.setSpecialValueText(FROM_FILE)
        self.offset = FloatSpinBox(
            label="Offset (eV)",
            min=-LIMIT,
            max=LIMIT,
            step=0.1,
            tooltip="Added to the energies of the file",
        )
        for box in (self.photon_energy, self.offset):
            _type_whole_numbers(box)
        self.container = Container(
            widgets=[self.scale, self.photon_energy, self.offset], labels=True
        )
        self.container.margins = (0, 0, 0, 0)
        keep_from_wheel(self.container)

    def state(self) -> EnergyAxis:
        """Values of the form, with the energies as they are stored."""
        return EnergyAxis(
            scale=self.scale.value,
            photon_energy=self.photon_energy.value or None,
            offset=float(self.offset.value),
        )

    def show_state(self, axis: EnergyAxis) -> None:
        """Show the values of another layer without a signal."""
        with self.container.changed.blocked():
            self.scale.value = axis.scale
            self.photon_energy.value = axis.photon_energy or 0.0
            self.offset.value = axis.offset


def _only(given: ComboBox, other: ComboBox) -> None:
    """Set the other number to "auto" once one is given: lines are counted, or states."""
    if given.value != "auto":
        other.value = "auto"


class _WheelFilter(QObject):
    """Keeps the wheel from changing a control that does not have the focus: the panel scrolls."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt
        """Pass the wheel on."""
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()
            return True
        return False


def keep_from_wheel(container: "Container[Any]") -> None:
    """Let the wheel change numbers and choices of a form only where they have the focus."""
    native = container.native
    wheel = _WheelFilter(native)
    for widget in (*native.findChildren(QAbstractSpinBox), *native.findChildren(QComboBox)):
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.installEventFilter(wheel)


def _energy_box() -> FloatSpinBox:
    """Box for one end of the range."""
    box = FloatSpinBox(min=-LIMIT, max=LIMIT, step=0.1)
    _type_whole_numbers(box)
    box.native.setStyleSheet(NARROW)
    return box


def _type_whole_numbers(box: FloatSpinBox) -> None:
    """Take a typed number when it is complete: with 0.001 not yet 0, 0.0 and 0.00."""
    box.native.setDecimals(DECIMALS)
    box.native.setKeyboardTracking(False)


def shrinkable(combo: QComboBox, characters: int) -> None:
    """Allow a combo box to be narrower than its longest choice."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(characters)


def _pair(label: str, *widgets: Any) -> "Container[Any]":
    """Controls side by side under one label."""
    pair = Container(widgets=widgets, layout="horizontal", labels=False, label=label)
    pair.margins = (0, 0, 0, 0)
    return pair
