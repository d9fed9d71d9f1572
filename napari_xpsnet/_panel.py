"""Widgets of the dock and their layout."""

from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
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

from napari_xpsnet._controls import AxisForm, FitForm
from napari_xpsnet._maps import MAP_CHOICES
from napari_xpsnet._peak_table import PeakTable, make_view

WIDTH = 320
"""Smallest width of the dock without cut-off texts [pixels]."""


class Panel(QWidget):
    """Forms, buttons, progress, table.

    Parameters
    ----------
    form, axis_form
        The magicgui forms.
    table : PeakTable
        Model of the table.
    """

    def __init__(self, form: FitForm, axis_form: AxisForm, table: PeakTable) -> None:
        super().__init__()
        self.fit = QPushButton("Fit")
        self.cancel = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = make_view(table)
        self.map_choice = QComboBox()
        self.map_choice.addItems(MAP_CHOICES)
        self.map_choice.setMinimumWidth(70)
        self.maps = QPushButton("Parameter maps")
        self.curves = QPushButton("Send curves to layers")
        self.save = QPushButton("Save results...")
        self.script = QPushButton("Copy as Python")
        self._explain()
        self.axis = QCollapsible("Energy axis", collapsedIcon="▶")
        self.axis.setToolTip(
            "Energy scale, photon energy and offset, if the file does not state them"
        )
        self.axis.layout().setContentsMargins(0, 0, 0, 0)
        self.axis.addWidget(axis_form.container.native)
        self._arrange(form)
        self.enable_fit(False, busy=False)

    def _explain(self) -> None:
        """Tooltips."""
        self.fit.setToolTip("Find the peaks of the selected spectra")
        self.cancel.setToolTip("Stop after the current batch; finished spectra are kept")
        self.maps.setToolTip("Show this parameter of all peaks as image layers")
        self.map_choice.setToolTip("Parameter of the maps")
        self.curves.setToolTip("Draw this fit as napari layers in a new window")
        self.save.setToolTip("Save the peaks as netCDF, zarr or csv")
        self.script.setToolTip("Copy Python code that repeats this fit to the clipboard")

    def _arrange(self, form: FitForm) -> None:
        """Forms, buttons, progress, message and table from top to bottom."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(form.container.native)
        layout.addWidget(self.axis)
        layout.addLayout(_row(self.fit, self.cancel))
        layout.addWidget(self.progress)
        layout.addWidget(self.message)
        layout.addWidget(self.table, 1)
        layout.addLayout(_row(self.map_choice, self.maps, self.save))
        layout.addLayout(_row(self.curves, self.script))
        self.setMinimumWidth(WIDTH)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt
        """Width at which the dock opens."""
        return QSize(WIDTH, super().sizeHint().height())

    def enable_fit(self, enabled: bool, *, busy: bool) -> None:
        """Enable the buttons for what can be done now."""
        self.fit.setEnabled(enabled and not busy)
        self.script.setEnabled(enabled)
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

    def enable_results(self, *, pixel: bool, maps: bool) -> None:
        """Enable what needs the peaks of this spectrum or of all spectra."""
        self.curves.setEnabled(pixel)
        self.save.setEnabled(pixel or maps)
        self.maps.setEnabled(maps)
        self.map_choice.setEnabled(maps)


def scrollable(panel: Panel) -> QScrollArea:
    """Area in which the panel scrolls if the screen is too low for it."""
    area = QScrollArea()
    area.setWidget(panel)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(WIDTH + area.verticalScrollBar().sizeHint().width())
    return area


def _row(*widgets: Any) -> QHBoxLayout:
    """Widgets side by side."""
    layout = QHBoxLayout()
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    return layout
