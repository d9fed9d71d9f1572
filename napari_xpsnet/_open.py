"""File > IO Utilities > Open XPS spectra...: any file or folder that xpsnet reads.

The plugin does not claim text and csv files, which other programs use too; here the user says that
they hold spectra. A dialog asks for what a file does not state about its energies.
"""

import warnings
from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QLabel, QVBoxLayout, QWidget

from napari_xpsnet._columns import ColumnForm
from napari_xpsnet._controls import AxisForm
from napari_xpsnet._layers import ENERGY, pixel_dims
from napari_xpsnet._reader import EXTENSIONS, read_regions
from napari_xpsnet._regions import Region, RegionFile, file_layer, file_name
from napari_xpsnet._worker import sentence

MORE = (".txt", ".csv", ".dat", ".asc", ".xml", ".zip", ".xls", ".xlsx", ".nc", ".h5", ".hdf5")
"""Extensions that other programs use too; they are opened here, not by drag and drop."""

FILTERS = f"Spectra ({' '.join(f'*{one}' for one in (*EXTENSIONS, *MORE))});;All files (*)"
SHOWN = 6
"""Number of regions and warnings that the dialog lists."""


def open_spectra() -> None:
    """Ask for files and open them in the current viewer."""
    ask_spectra(_viewer())


def ask_spectra(viewer: Any) -> None:
    """Ask for files and open them; several files of one region become one."""
    paths, _ = QFileDialog.getOpenFileNames(None, "Open XPS spectra", "", FILTERS)
    if paths:
        open_paths(viewer, paths)


def open_folder() -> None:
    """Ask for a folder (or a zarr store) and open the spectra in it."""
    path = QFileDialog.getExistingDirectory(None, "Open a folder of XPS spectra")
    if path:
        open_paths(_viewer(), [path])


def _viewer() -> Any:
    """The current viewer."""
    import napari

    return napari.current_viewer()


def open_paths(viewer: Any, paths: list[str]) -> list[Any]:
    """Read files into layers; ask for what they do not state.

    Returns
    -------
    list of napari.layers.Layer
        Empty if the files hold no spectra or the user cancelled.
    """
    from napari.layers import Layer
    from napari.utils.notifications import show_error

    path: Any = paths[0] if len(paths) == 1 else paths
    try:
        regions, remarks = _read(path, {})
        given = _ask(regions, remarks)
        if given is None:
            return []
        if given:
            regions, _ = _read(path, given)
    except (OSError, ValueError) as error:
        show_error(sentence(error))
        return []
    if not regions:
        return []
    file = RegionFile(file_name(path), regions)
    return [viewer.add_layer(Layer.create(*file_layer(file)))]


def _read(path: Any, given: dict[str, Any]) -> tuple[list[Region], list[str]]:
    """Regions, and the warnings of the reader."""
    import xpsnet

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        regions = read_regions(path, **given)
    return regions, [str(one.message) for one in caught if one.category is xpsnet.XpsnetWarning]


def _ask(regions: list[Region], remarks: list[str]) -> dict[str, Any] | None:
    """Keywords of `xpsnet.read` from the user; None after Cancel."""
    unstated = not all(region.is_convertible for region in regions)
    if not remarks and not unstated and not columns_text(regions):
        return {}
    dialog = EnergyDialog(regions, remarks)
    accepted = dialog.exec()
    given = dialog.given()
    dialog.deleteLater()
    return given if accepted else None


class EnergyDialog(QDialog):
    """Shows what was read and asks for what the file does not state.

    Parameters
    ----------
    regions : list of Region
        From `read_regions`.
    remarks : list of str
        Warnings of the reader.
    """

    def __init__(
        self, regions: list[Region], remarks: list[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Open XPS spectra")
        self.form = AxisForm()
        dims = _dims(regions)
        self.sum_over = ComboBox(
            label="Sum over",
            choices=[("nothing", None), *((dim, dim) for dim in dims)],
            tooltip="Adds the spectra along a dimension, for instance the angles of an image",
        )
        if dims:
            self.form.container.append(self.sum_over)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for text in (_regions_text(regions), _remarks_text(remarks)):
            label = QLabel(text)
            label.setWordWrap(True)
            label.setVisible(bool(text))
            layout.addWidget(label)
        text = columns_text(regions)
        self.columns = ColumnForm(text) if text else None
        if self.columns is not None:
            layout.addWidget(self.columns)
        layout.addWidget(self.form.container.native)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)

    def given(self) -> dict[str, Any]:
        """Keywords of `xpsnet.read` that the user set."""
        summed = self.sum_over.value
        given = self.form.state().keywords() | ({"sum_over": summed} if summed else {})
        return given | (self.columns.given() if self.columns is not None else {})


def columns_text(regions: list[Region]) -> str:
    """What the columns of a table were taken for; empty where the regions are of several tables."""
    texts = {str(region.as_read.attrs.get("columns", "")) for region in regions}
    return texts.pop() if len(texts) == 1 else ""


def _dims(regions: list[Region]) -> list[str]:
    """Dimensions other than energy, each once."""
    found = (pixel_dims(region.as_read) for region in regions)
    return list(dict.fromkeys(str(dim) for dims in found for dim in dims))


def _regions_text(regions: list[Region]) -> str:
    """What was read, one line per region."""
    lines = []
    for region in regions[:SHOWN]:
        spectra = region.as_read
        energies = spectra[ENERGY].values
        number = spectra.size // energies.size
        photon = spectra.attrs.get("photon_energy")
        lines.append(
            f"{region.name}: {number} {'spectrum' if number == 1 else 'spectra'}, "
            f"{energies[0]:g} to {energies[-1]:g} eV ({spectra.attrs['scale']} energy), "
            + (f"photon energy {photon:g} eV" if photon else "photon energy not stated")
        )
    more = len(regions) - len(lines)
    return "\n".join([*lines, f"and {more} more"] if more > 0 else lines)


def _remarks_text(remarks: list[str]) -> str:
    """Warnings of the reader, without the folder of the file."""
    short = []
    for remark in remarks[:SHOWN]:
        # The advice for Python is left out: the form below asks for it.
        path, colon, rest = remark.partition("; say ")[0].partition(": ")
        short.append(f"⚠ {Path(path).name}{colon}{rest}")
    return "\n".join(short)
