"""Outputs of the dock: parameter maps, curve layers, files, Python code."""

from pathlib import Path

from qtpy.QtGui import QGuiApplication

from napari_xpsnet import _layers, _maps
from napari_xpsnet._colors import theme_colors
from napari_xpsnet._controls import EVERYWHERE, FitForm
from napari_xpsnet._curve_layers import curve_layers, place_beside, show_curves
from napari_xpsnet._export import ExportDialog, Exported, together
from napari_xpsnet._panel import Panel
from napari_xpsnet._regions import Region, region_of
from napari_xpsnet._session import source_code
from napari_xpsnet._spectrum_view import SpectrumView
from napari_xpsnet._state import script

MOST_NUMBERS = 200_000
"""Counts that may stand in copied code; the code for more reads a layer of the open viewer."""


class Outputs:
    """The buttons below the table.

    Parameters
    ----------
    view, form, panel
        The parts of the dock.
    """

    def __init__(self, view: SpectrumView, form: FitForm, panel: Panel) -> None:
        self.view, self.form, self.panel = view, form, panel
        self.folder: Path | None = None
        self.dialog: ExportDialog | None = None
        panel.maps.clicked.connect(self.show_maps)
        panel.curves.clicked.connect(self.show_curves)
        panel.export.clicked.connect(self.open_export)
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

    def to_export(self) -> list[Exported]:
        """Pinned spectrum and all spectra with their peaks; first those that "Apply to" names."""
        edit = self.view.edit
        if edit is None:
            return []
        name, spectra = self.view.layer.name, _layers.layer_spectra(self.view.layer)
        here, whole = self.view.peaks(), edit.content.whole
        found = []
        if here is not None:
            title = _layers.spectrum_title(self.view.layer, edit.pixel) if edit.pixel else name
            found.append(Exported(title, name, self.view.spectrum(edit.pixel), here))
        if whole is not None and edit.pixel:
            number = spectra.size // spectra.sizes[_layers.ENERGY]
            found.append(Exported(f"all spectra ({number})", name, spectra, whole))
        found = found[::-1] if self.form.where.value == EVERYWHERE else found
        return [*found, *self._several()] if found else []

    def _several(self) -> list[Exported]:
        """Exports of several regions together: the selected ones, and all of the file."""
        region = region_of(self.view.layer)
        selected = [one for one in region.file.regions if one is region or one in self.view.others]
        selected += [one for one in self.view.others if one.file is not region.file]
        found: list[Exported] = []
        for words, regions in (("selected regions", selected), ("regions", region.file.regions)):
            parts = [part for part in map(_part, regions) if part is not None]
            if len(parts) > 1 and (not found or len(parts) > len(found[0].parts)):
                text = f"all {len(parts)} fitted {words}"
                found.append(together(parts, text, Path(region.file.name).stem or region.title))
        return found

    def open_export(self) -> None:
        """Open the dialog that exports."""
        contents = self.to_export()
        if contents:
            self.dialog = ExportDialog(contents, self.to_folder(), self.panel)
            self.dialog.saved.connect(self._note_saved)
            self.dialog.open()

    def to_folder(self) -> Path:
        """Folder for the next file: that of the last one, else that of the spectra, else home."""
        origin = self.view.layer.metadata.get("origin", {})
        name = origin.get("name")
        if self.folder is None and origin.get("call") == "read" and isinstance(name, str):
            beside = Path(name).absolute().parent
            return beside if beside.is_dir() else Path.home()
        return self.folder or Path.home()

    def _note_saved(self, path: str) -> None:
        """Say what was saved; the next file goes to the same folder."""
        self.folder = Path(path).parent
        self.panel.say(f"Saved {Path(path).name}.")

    def copy_script(self) -> None:
        """Copy Python code that repeats the fit to the clipboard."""
        edit, layer = self.view.edit, self.view.layer
        if edit is None:
            return
        state = self.form.state(edit.pixel)
        origin = layer.metadata.get("origin", {})
        peaks = edit.peaks()
        by_hand = peaks is not None and "enabled" in peaks
        source = _source_of(region_of(layer))
        text = script(state, edit.axis, origin, layer=layer.name, source=source, by_hand=by_hand)
        QGuiApplication.clipboard().setText(text)
        self.panel.say("The Python code is in the clipboard.")


def _part(region: Region) -> Exported | None:
    """The chosen spectrum of a region with its peaks, None where it has none."""
    state = region.state
    peaks = None if state is None else state.content.at(state.pixel)
    if state is None or peaks is None:
        return None
    pixel = _layers.pixel_text(state.pixel, region.spectra)
    words = ", ".join(filter(None, (region.title, pixel)))
    return Exported(words, region.title, region.shown_spectrum(), peaks)


def _source_of(region: Region) -> str:
    """Code of the spectra where no file or sample gives them: a part of a survey, a mean."""
    known = region.origin.get("call") in ("read", "sample") and region.axis.charge is None
    if known or region.as_read.size > MOST_NUMBERS:
        return ""
    try:
        return source_code(region)
    except (ValueError, TypeError):  # its energy scale is unknown
        return ""
