"""Widgets of the dock and their layout."""

from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_xpsnet._calibrate import CalibrateForm
from napari_xpsnet._controls import AxisForm, FitForm
from napari_xpsnet._maps import MAP_CHOICES

WIDTH = 320
"""Smallest width of the dock without cut-off texts [pixels]."""


class Panel(QWidget):
    """Forms, buttons, progress, peak set.

    Parameters
    ----------
    form, axis_form
        The magicgui forms.
    """

    def __init__(self, form: FitForm, axis_form: AxisForm) -> None:
        super().__init__()
        self.fit = QPushButton("Fit")
        self.refine = QPushButton("Refine")
        self.cancel = QPushButton("Cancel")
        self.live = QCheckBox("live: refine after every change by hand")
        self.progress = QProgressBar()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.preparing = QLabel()
        self.preparing.setWordWrap(True)
        self.preparing.hide()
        self.map_choice = QComboBox()
        self.map_choice.addItems(MAP_CHOICES)
        self.map_choice.setMinimumWidth(70)
        self.maps = QPushButton("Parameter maps")
        self.curves = QPushButton("Send curves to layers")
        self.export = QPushButton("Export...")
        self.script = QPushButton("Copy as Python")
        self.copy_to = QPushButton("To the selected regions")
        self.to_all = QPushButton("To all spectra as the start")
        self.save_set = QPushButton("Save peak set...")
        self.load_set = QPushButton("Load peak set...")
        self.file_fits = QComboBox()
        self.use_fit = QPushButton("Use as the peak set")
        self.compare = QCheckBox("draw it beside the shown peaks")
        self.axis = _section("Energy axis")
        self.peak_set = _section("Peak set")
        self.in_file = _section("Fits in the file")
        self.calibrate_part = _section("Calibrate")
        self.calibrate = CalibrateForm()
        self.empty: QWidget | None = None
        self._explain()
        self.axis.addWidget(axis_form.container.native)
        self._arrange(form)
        self.enable_fit(False, busy=False)

    def _explain(self) -> None:
        """Tooltips."""
        self.fit.setToolTip("Find the peaks of the selected spectra")
        self.refine.setToolTip(
            "Least-squares fit of the peaks in the table, with their line shapes, locks, limits "
            "and links"
        )
        self.live.setToolTip("The fit starts when a handle is released or a cell is changed")
        self.cancel.setToolTip("Stop after the current batch; finished spectra are kept")
        self.maps.setToolTip("Show this parameter of all peaks as image layers")
        self.map_choice.setToolTip("Parameter of the maps")
        self.curves.setToolTip("Draw this fit as napari layers beside the spectra")
        self.export.setToolTip(
            "Figure for publication, report, Excel, csv, VAMAS with fits, netCDF: with a preview"
        )
        self.script.setToolTip("Copy Python code that repeats this fit to the clipboard")
        self.copy_to.setToolTip(
            "Refine these peaks, with their locks and links, in all other selected layers"
        )
        self.to_all.setToolTip("Refine all spectra of this layer, starting from these peaks")
        self.save_set.setToolTip("Save peaks, line shapes, locks, limits and links as JSON")
        self.compare.setToolTip("Broken lines: envelope, background and peaks of the chosen fit")
        self.load_set.setToolTip("Use peaks from a file: JSON, or any file that holds a fit")
        self.axis.setToolTip(
            "Energy scale, photon energy and offset, if the file does not state them"
        )

    def _arrange(self, form: FitForm) -> None:
        """Forms, buttons, progress, message and peak set from top to bottom."""
        self.peak_set.addWidget(self.copy_to)
        self.peak_set.addWidget(self.to_all)
        self.peak_set.addWidget(_box(_row(self.save_set, self.load_set)))
        self.in_file.addWidget(self.file_fits)
        self.in_file.addWidget(self.use_fit)
        self.in_file.addWidget(self.compare)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(form.container.native)
        layout.addWidget(self.axis)
        layout.addLayout(_row(self.fit, self.refine, self.cancel))
        layout.addWidget(self.live)
        layout.addWidget(self.progress)
        layout.addWidget(self.message)
        layout.addWidget(self.preparing)
        layout.addWidget(self.in_file)
        layout.addWidget(self.peak_set)
        self.calibrate_part.addWidget(self.calibrate)
        layout.addWidget(self.calibrate_part)
        layout.addStretch(1)
        layout.addLayout(_row(self.map_choice, self.maps, self.export))
        layout.addLayout(_row(self.curves, self.script))
        self.setMinimumWidth(WIDTH)

    def add_section(self, section: QCollapsible) -> None:
        """Add a part that can be folded, below the peak set."""
        layout = self.layout()
        layout.insertWidget(layout.indexOf(self.peak_set) + 1, section)

    def add_empty_state(self, empty: QWidget) -> None:
        """Add buttons below the message, for where there are no spectra."""
        layout = self.layout()
        layout.insertWidget(layout.indexOf(self.message) + 1, empty)
        self.empty = empty

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt
        """Width at which the dock opens."""
        return QSize(WIDTH, super().sizeHint().height())

    def enable_fit(self, enabled: bool, *, busy: bool) -> None:
        """Enable the buttons for what can be done now."""
        self.fit.setEnabled(enabled and not busy)
        if self.empty is not None:
            self.empty.setVisible(not enabled)
        self.script.setEnabled(enabled)
        self.load_set.setEnabled(enabled)
        self.cancel.setEnabled(busy)
        self.progress.setVisible(busy)
        self.message.setVisible(not busy)
        self.show_progress(0, 0, "")

    def show_progress(self, done: int, total: int, left: str) -> None:
        """Show the progress of the fit; without a total the bar only moves."""
        self.progress.setRange(0, 1 if left and not total else total)  # (0, 0) shows no text
        self.progress.setValue(done)
        if self.cancel.isEnabled():
            self.progress.setFormat(f"{done} of {total} spectra{left}" if total else left)

    def cancelling(self) -> None:
        """Show that the fit will stop soon."""
        self.cancel.setEnabled(False)
        self.progress.setFormat("Stopping after the current batch...")

    def name_axis(self, scale: str) -> None:
        """Show the energy scale."""
        self.axis.setText(f"Energy axis: {scale} energy" if scale else "Energy axis")

    def say(self, text: str, *, problem: bool = False) -> None:
        """Show a sentence below the buttons."""
        self.message.setText(f"⚠ {text}" if problem else text)

    def say_preparing(self, text: str) -> None:
        """Show a sentence while the engine is prepared; an empty one hides it."""
        self.preparing.setText(text)
        self.preparing.setVisible(bool(text))

    def show_file_fits(self, names: list[str]) -> None:
        """Offer the fits that came with the spectra."""
        self.file_fits.clear()
        self.file_fits.addItems(names)
        self.in_file.setVisible(bool(names))
        if names:
            self.in_file.expand(animate=False)

    def enable_results(self, *, pixel: bool, maps: bool, several: bool, busy: bool) -> None:
        """Enable what needs the peaks of this spectrum or of all spectra."""
        self.refine.setEnabled(pixel and not busy)
        self.curves.setEnabled(pixel)
        self.export.setEnabled(pixel or maps)
        self.maps.setEnabled(maps)
        self.map_choice.setEnabled(maps)
        self.save_set.setEnabled(pixel)
        self.copy_to.setEnabled(pixel and not busy)
        self.to_all.setEnabled(pixel and several and not busy)


class ScrollArea(QScrollArea):
    """Area in which the panel scrolls if the screen is too low for it; as wide as its texts.

    Parameters
    ----------
    panel : Panel
    """

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._panel = panel
        self.setWidget(panel)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        panel.installEventFilter(self)
        self._widen()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt
        """Follow the font: larger texts need a wider dock."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._widen()
        return bool(super().eventFilter(watched, event))

    def _widen(self) -> None:
        """Be as wide as the panel needs."""
        width = max(WIDTH, self._panel.minimumSizeHint().width())
        self.setMinimumWidth(width + self.verticalScrollBar().sizeHint().width())


def _section(title: str) -> QCollapsible:
    """Part of the panel that can be folded."""
    section = QCollapsible(title, collapsedIcon="▶")
    section.layout().setContentsMargins(0, 0, 0, 0)
    return section


def _row(*widgets: Any) -> QHBoxLayout:
    """Widgets side by side."""
    layout = QHBoxLayout()
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def _box(layout: QHBoxLayout) -> QWidget:
    """A layout as a widget."""
    box = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    box.setLayout(layout)
    return box
