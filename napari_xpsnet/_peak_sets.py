"""Peak sets: to files and back, to other regions, to all spectra, from the fits of a file."""

from pathlib import Path
from typing import Any

import xarray as xr
from qtpy.QtCore import QObject, Signal, Slot
from qtpy.QtWidgets import QFileDialog

from napari_xpsnet import _layers
from napari_xpsnet._comparison import Comparison
from napari_xpsnet._panel import Panel
from napari_xpsnet._spectrum_view import SpectrumView
from napari_xpsnet._worker import sentence

FILTER = "Peak set (*.json)"
FITS = "Peak sets and fits (*.json *.vms *.vamas *.nc *.csv *.xlsx *.txt);;All files (*)"


class PeakSets(QObject):
    """The buttons of the sections "Peak set" and "Fits in the file".

    Parameters
    ----------
    view, panel
        The parts of the dock.

    Signals
    -------
    wanted : str, Dataset
        What is done, for the undo button, and the peaks that shall replace those of the table.
    """

    wanted = Signal(str, object)

    def __init__(self, view: SpectrumView, panel: Panel) -> None:
        super().__init__(panel)
        self.view, self.panel = view, panel
        self._fits: list[xr.Dataset] = []
        self._known: dict[str, list[xr.Dataset]] = {}
        panel.save_set.clicked.connect(self.save)
        panel.load_set.clicked.connect(self.load)
        panel.use_fit.clicked.connect(self.use_file_fit)
        self.comparison = Comparison(view, self)
        panel.compare.toggled.connect(self.compare)
        panel.file_fits.currentIndexChanged.connect(self.compare)

    def save(self) -> None:
        """Ask for a file and write the peaks with everything that holds them."""
        import xpsnet

        peaks = self.view.peaks()
        if peaks is None:
            return
        start = f"{self.view.layer.name} peak set.json".replace("/", "-")
        path, _ = QFileDialog.getSaveFileName(self.panel, "Save peak set", start, FILTER)
        if not path:
            return
        target = Path(path) if path.lower().endswith(".json") else Path(f"{path}.json")
        try:
            xpsnet.write(peaks, target)
        except (OSError, ValueError) as error:
            self.panel.say(sentence(error), problem=True)
        else:
            self.panel.say(f"Saved {target.name}.")

    def load(self) -> None:
        """Ask for a file and use its peaks."""
        import xpsnet

        if self.view.edit is None:
            return
        path, _ = QFileDialog.getOpenFileName(self.panel, "Load peak set", "", FITS)
        if not path:
            return
        try:
            fits = xpsnet.read_fit(path)
        except (OSError, ValueError) as error:
            self.panel.say(sentence(error), problem=True)
            return
        region = str(_layers.layer_spectra(self.view.layer).name or "")
        same = [fit for fit in fits if str(fit.attrs.get("region", "")) == region]
        self.wanted.emit(f"load {Path(path).name}", (same or fits)[0])

    def offer_file_fits(self) -> None:
        """Offer the fits that the file of this layer holds for its region."""
        layer = self.view.layer
        self._fits = [] if layer is None else self._fits_of(layer)
        self.panel.show_file_fits([_name(fit) for fit in self._fits])
        self.compare()

    def _fits_of(self, layer: Any) -> list[xr.Dataset]:
        """Fits of one region in the file that a layer was read from; each file is read once."""
        import xpsnet

        origin = layer.metadata.get("origin", {})
        path = origin.get("name")
        if origin.get("call") != "read" or not isinstance(path, str):
            return []
        if path not in self._known:
            try:
                self._known[path] = xpsnet.read_fit(path)
            except (OSError, ValueError):
                self._known[path] = []  # most files hold no fits
        spectra = _layers.layer_spectra(layer)
        region = str(spectra.name or "")
        fits = [fit for fit in self._known[path] if str(fit.attrs.get("region", "")) == region]
        return [fit for fit in fits if fit["center"].ndim == 1]

    def _chosen(self) -> xr.Dataset | None:
        """The chosen fit of the file, on the energies as they are now."""
        index = self.panel.file_fits.currentIndex()
        edit = self.view.edit
        if edit is None or not 0 <= index < len(self._fits):
            return None
        # The user may have shifted the energies since the file was read.
        fit: xr.Dataset = self._fits[index].xps.shift(edit.axis.offset)
        return fit

    def use_file_fit(self) -> None:
        """Show the chosen fit of the file, and edit it from now on."""
        fit = self._chosen()
        if fit is not None:
            self.wanted.emit("use the fit of the file", fit)

    @Slot()
    def compare(self) -> None:
        """Draw the chosen fit of the file beside the peaks, where this is wanted."""
        try:
            self.comparison.show_fit(self._chosen() if self.panel.compare.isChecked() else None)
        except ValueError as error:
            self.panel.say(str(error), problem=True)


def _name(fit: xr.Dataset) -> str:
    """A fit in one line: program, number of peaks, background."""
    number = int((fit["center"].notnull()).sum())
    background = str(fit.attrs.get("background_kind", fit.attrs.get("background", "")))
    words = [f"{number} {'peak' if number == 1 else 'peaks'}", background]
    program = str(fit.attrs.get("model", "")).strip()
    return ": ".join(filter(None, [program, ", ".join(filter(None, words))]))
