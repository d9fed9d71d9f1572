"""Outputs of the dock: parameter maps, curve layers, files, Python code."""

from pathlib import Path

import xarray as xr
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_xpsnet import _maps
from napari_xpsnet._colors import theme_colors
from napari_xpsnet._controls import EVERYWHERE, FitForm
from napari_xpsnet._curve_layers import curve_layers, place_beside, show_curves
from napari_xpsnet._panel import Panel
from napari_xpsnet._spectrum_view import SpectrumView
from napari_xpsnet._state import script
from napari_xpsnet._worker import sentence

FILTERS = "netCDF (*.nc);;CSV table (*.csv);;zarr (*.zarr)"
SUFFIXES = (".nc", ".csv", ".zarr", ".h5", ".nxs", ".xlsx", ".json", ".vms")
"""Extensions that can be typed in place of the chosen file type."""


class Outputs:
    """The buttons below the table.

    Parameters
    ----------
    view, form, panel
        The parts of the dock.
    """

    def __init__(self, view: SpectrumView, form: FitForm, panel: Panel) -> None:
        self.view, self.form, self.panel = view, form, panel
        panel.maps.clicked.connect(self.show_maps)
        panel.curves.clicked.connect(self.show_curves)
        panel.save.clicked.connect(self.save)
        panel.script.clicked.connect(self.copy_script)

    def show_maps(self) -> None:
        """Add the chosen parameter maps."""
        edit = self.view.edit
        if edit is not None and edit.content.whole is not None:
            choice = self.panel.map_choice.currentText()
            _maps.show_maps(self.view.viewer, self.view.layer, edit.content.whole, choice)

    def show_curves(self) -> None:
        """Draw the fit of this spectrum as napari layers beside its spectra."""
        peaks, edit = self.view.peaks(), self.view.edit
        if peaks is None or edit is None:
            return
        colors = theme_colors(self.view.viewer, ground="canvas")
        layers = curve_layers(
            self.view.spectrum(edit.pixel),
            peaks,
            foreground="white" if colors["dark"] else "black",
            dark=colors["dark"],
        )
        show_curves(self.view.viewer, place_beside(layers, self.view.layer))
        self.view.show_canvas()

    def to_save(self) -> xr.Dataset | None:
        """Peaks to save: of the spectra that "Apply to" names, else those that exist."""
        edit = self.view.edit
        whole = None if edit is None else edit.content.whole
        both = (self.view.peaks(), whole)
        first, second = both[::-1] if self.form.where.value == EVERYWHERE else both
        return second if first is None else first

    def save(self) -> None:
        """Ask for a file and write the peaks into it."""
        import xpsnet

        peaks = self.to_save()
        asked = None if peaks is None else ask_path(self.panel, self.view.layer.name)
        if peaks is None or asked is None:
            return
        path, replaces = asked
        try:
            xpsnet.write(peaks, path, overwrite=replaces)
        except (OSError, ValueError, ImportError) as error:
            self.panel.say(sentence(error), problem=True)
        else:
            self.panel.say(f"Saved {path.name}.")

    def copy_script(self) -> None:
        """Copy Python code that repeats the fit to the clipboard."""
        edit, layer = self.view.edit, self.view.layer
        if edit is None:
            return
        state = self.form.state(edit.pixel)
        origin = layer.metadata.get("origin", {})
        peaks = edit.peaks()
        by_hand = peaks is not None and "enabled" in peaks
        text = script(state, edit.axis, origin, layer=layer.name, by_hand=by_hand)
        QGuiApplication.clipboard().setText(text)
        self.panel.say("The Python code is in the clipboard.")


def ask_path(parent: QWidget, name: str) -> tuple[Path, bool] | None:
    """Ask for a file name for the peaks; None after Cancel.

    Also whether the dialog has asked to replace a file of this name: it knows only what was typed.
    """
    start = f"{name} peaks.nc".replace("/", "-")
    path, chosen = QFileDialog.getSaveFileName(parent, "Save results", start, FILTERS)
    whole = with_suffix(path, chosen)
    return (whole, whole == Path(path)) if path else None


def with_suffix(path: str, chosen: str) -> Path:
    """Add the extension of the chosen file type if none was typed."""
    if Path(path).suffix.lower() in SUFFIXES:
        return Path(path)
    return Path(f"{path}.{chosen.rpartition('*.')[2].rstrip(')') or 'nc'}")
