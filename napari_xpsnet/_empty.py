"""What dock and plot show while there are no spectra: what to do, and buttons that do it."""

from typing import Any

from qtpy.QtCore import Qt, Slot
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_xpsnet._open import ask_spectra

SAMPLES = {"Sample spectrum": "spectrum", "Sample line scan": "line_scan", "Sample map": "map"}
FIRST_SAMPLE = "Sample spectrum"
IN_PLOT = (
    "<p><b>No spectra yet</b></p><p>Drop a file here: VAMAS, Avantage, MultiPak, SPECS, Igor, "
    "NeXus, Excel, csv, text, netCDF, HDF5.<br>Or open one with the button, or try a sample.</p>"
)


class EmptyState(QWidget):
    """A sentence, and the buttons "Open spectra..." and samples.

    Parameters
    ----------
    viewer : napari.Viewer
    text : str
        Rich text; empty where something else says what to do.
    samples : sequence of str
        Names in `SAMPLES`.
    """

    def __init__(self, viewer: Any, text: str, samples: Any = tuple(SAMPLES)) -> None:
        super().__init__()
        self.open = QPushButton("Open spectra...")
        self.open.setToolTip("Any file that holds spectra, also text, csv, Excel, netCDF and HDF5")
        self.viewer = viewer
        self.open.clicked.connect(self._ask)
        self.samples = [QPushButton(name) for name in samples]
        for button in self.samples:
            button.setToolTip("Simulated spectra to try the dock with")
            button.clicked.connect(self._open_sample)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.setSpacing(4)
        if text:
            label = QLabel(text)
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addStretch(1)
            layout.addWidget(label)
            row.addStretch(1)
        for button in (self.open, *self.samples):
            row.addWidget(button)
        if text:
            row.addStretch(1)
        layout.addLayout(row)
        if text:
            layout.addStretch(1)

    @Slot()
    def _ask(self) -> None:
        """Ask for a file."""
        ask_spectra(self.viewer)

    @Slot()
    def _open_sample(self) -> None:
        """Open the sample that a button is named after."""
        self.viewer.open_sample("napari-xpsnet", SAMPLES[self.sender().text()])
