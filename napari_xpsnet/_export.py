"""The dialog "Export...": figure, report, tables and data files, by the extension that is typed."""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
from qtpy.QtCore import QSize, Qt, QTimer, Signal, Slot
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_xpsnet._controls import shrinkable

INCH = 2.54
"""Centimeters."""
SIZES = {"8.5 cm (one column)": (8.5, 7.0), "17.5 cm (two columns)": (17.5, 11.0)}
"""Width and height of a figure [cm]."""
DPI = 600
"""Resolution of a PNG; journals ask for it where there are lines."""
PREVIEW_DPI = 250
LEAST_PREVIEW = QSize(400, 300)
FORM_WIDTH = 330


@dataclass(frozen=True)
class Exported:
    """Spectra with their peaks, the words for them in the dialog, and the name of their layer."""

    words: str
    name: str
    spectra: xr.DataArray
    peaks: xr.Dataset


@dataclass(frozen=True)
class Kind:
    """What can be exported: extensions, the usual one first, and what the file holds."""

    name: str
    suffixes: tuple[str, ...]
    holds: str


KINDS = (
    Kind(
        "Figure",
        (".pdf", ".svg", ".png"),
        "Measured points, background, peaks, envelope and residual on white ground.",
    ),
    Kind(
        "Report",
        (".html", ".md", ".txt"),
        "The figure, and below it spectrum, method, background, line shapes, constraints, "
        "parameters with errors, residual, noise and software. In .html the figure is part of "
        "the file; beside .md and .txt it is a file of its own.",
    ),
    Kind(
        "Excel",
        (".xlsx",),
        "A sheet with the peaks, their errors and units, one with the measured points and all "
        "curves, and one with the settings.",
    ),
    Kind("CSV table", (".csv",), "The peaks, one row each, with errors, status and units."),
    Kind(
        "VAMAS with fits",
        (".vms",),
        "The measured points with the peaks as components that CasaXPS shows.",
    ),
    Kind(
        "Data file",
        (".nc", ".h5", ".nxs", ".zarr"),
        "The peaks with everything that belongs to them, for Python and for xpsnet.read_fit: "
        "netCDF (.nc, .h5), NeXus with the spectra (.nxs), or zarr.",
    ),
)
FIGURE, REPORT = KINDS[:2]
WITH_SPECTRA = (".xlsx", ".vms", ".nxs")
"""Files that hold the spectra beside the peaks."""
KIND_OF = {suffix: kind for kind in KINDS for suffix in kind.suffixes}


class ExportDialog(QDialog):
    """Asks what to export and where to, shows the figure, and writes the file.

    Parameters
    ----------
    contents : list of Exported
        What can be exported; the first one is chosen.
    folder : Path
        Folder of the file name that is proposed.
    parent : QWidget, optional

    Signals
    -------
    saved : str
        Path of a file that was written.
    """

    saved = Signal(str)

    def __init__(
        self, contents: list[Exported], folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export")
        self.contents = contents
        self.kind = QComboBox()
        self.kind.addItems([kind.name for kind in KINDS])
        self.content = QComboBox()
        self.content.addItems([one.words for one in contents])
        shrinkable(self.content, 12)
        self.size_choice = QComboBox()
        self.size_choice.addItems(list(SIZES))
        name = re.sub(r'[/\\:*?"<>|]', "-", contents[0].name)
        self.path = QLineEdit(str(folder / f"{name}{FIGURE.suffixes[0]}"))
        self.browse = QPushButton("Browse...")
        self.browse.setAutoDefault(False)
        self.holds = QLabel()
        self.message = QLabel()
        for label in (self.holds, self.message):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.preview = Preview()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export = self.buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        self.export.setDefault(True)
        self._explain()
        self._arrange()
        # The dialog appears before its picture: the mean of a large map takes some seconds.
        self._soon = QTimer(self, singleShot=True)
        self._connect()
        self._follow_kind()
        self._soon.start()

    def _explain(self) -> None:
        """Tooltips."""
        self.kind.setToolTip("What the file is for; the extension of its name follows")
        self.content.setToolTip("Of several spectra the figure shows the mean")
        self.size_choice.setToolTip("Width of the printed figure: of one or two columns of a page")
        self.path.setToolTip("Name of the file; its extension chooses the format")

    def _arrange(self) -> None:
        """Form to the left, preview to the right."""
        form = QFormLayout()
        form.addRow("Kind", self.kind)
        form.addRow("Spectra", self.content)
        form.addRow("Width", self.size_choice)
        form.setRowVisible(self.content, len(self.contents) > 1)
        self.form = form
        file = QHBoxLayout()
        file.addWidget(self.path, 1)
        file.addWidget(self.browse)
        left = QVBoxLayout()
        left.addLayout(form)
        left.addWidget(QLabel("File"))
        left.addLayout(file)
        left.addWidget(self.holds)
        left.addStretch(1)
        left.addWidget(self.message)
        left.addWidget(self.buttons)
        column = QWidget()
        left.setContentsMargins(0, 0, 0, 0)
        column.setLayout(left)
        column.setFixedWidth(FORM_WIDTH)
        layout = QHBoxLayout(self)
        layout.addWidget(column)
        layout.addWidget(self.preview, 1)
        self.resize(980, 560)

    def _connect(self) -> None:
        """Connect widgets."""
        self.kind.activated.connect(self._change_extension)
        self._soon.timeout.connect(self._draw)
        self.content.currentIndexChanged.connect(lambda: self._soon.start())
        self.size_choice.currentIndexChanged.connect(lambda: self._soon.start())
        self.path.textChanged.connect(self._follow_extension)
        self.browse.clicked.connect(self._ask_path)
        self.buttons.accepted.connect(self.write)
        self.buttons.rejected.connect(self.reject)

    @property
    def chosen(self) -> Exported:
        """Spectra and peaks that are exported."""
        index: int = self.content.currentIndex()
        return self.contents[index]

    @Slot()
    def _change_extension(self) -> None:
        """Give the file the extension of the kind."""
        kind, path = KINDS[self.kind.currentIndex()], self.path.text()
        whole, suffix = os.path.splitext(path)
        if suffix.lower() not in kind.suffixes:
            # What is no extension of ours is a part of the name: "sample 2.5 nm".
            name = whole if suffix.lower() in KIND_OF else path
            self.path.setText(name + kind.suffixes[0])
        self._follow_kind()

    @Slot()
    def _follow_extension(self) -> None:
        """Choose the kind that the typed extension means."""
        kind = KIND_OF.get(os.path.splitext(self.path.text())[1].lower())
        self.message.setText("")
        if kind is not None and kind is not KINDS[self.kind.currentIndex()]:
            self.kind.setCurrentIndex(KINDS.index(kind))
            self._follow_kind()

    def _follow_kind(self) -> None:
        """Show what belongs to the kind."""
        kind = KINDS[self.kind.currentIndex()]
        self.holds.setText(kind.holds)
        self.form.setRowVisible(self.size_choice, kind is FIGURE)
        self.message.setText("")

    @Slot()
    def _draw(self) -> None:
        """Draw the preview."""
        try:
            with _waiting():
                self.preview.show_png(self._figure_bytes("png", PREVIEW_DPI))
        except (ValueError, TypeError) as error:
            self.preview.show_png(b"")
            self.message.setText(f"⚠ {_said(error)}")

    def _figure_bytes(self, kind: str, dpi: int) -> bytes:
        """The figure as the content of a file."""
        from matplotlib import rc_context

        import xpsnet

        width, height = SIZES[self.size_choice.currentText()]
        one, made = self.chosen, io.BytesIO()
        figure = xpsnet.plot(one.spectra, one.peaks, title="", size=(width / INCH, height / INCH))
        # Letters stay letters, so that they can be searched and edited.
        with rc_context({"pdf.fonttype": 42, "svg.fonttype": "none"}):
            figure.savefig(made, format=kind, dpi=dpi, facecolor="white")
        return made.getvalue()

    @Slot()
    def _ask_path(self) -> None:
        """Choose folder and name in the dialog of the system."""
        filters = ";;".join(
            f"{kind.name} ({' '.join(f'*{suffix}' for suffix in kind.suffixes)})" for kind in KINDS
        )
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Export",
            self.path.text(),
            f"All files (*);;{filters}",
            # "Export" asks, for any name.
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if path:
            self.path.setText(path)

    def target(self) -> Path:
        """The file that is written, with the extension of the kind where none was typed.

        Raises
        ------
        ValueError
            If there is no name, no such folder, or an extension that no format has.
        """
        path = Path(os.path.expanduser(self.path.text().strip()))
        if not path.name:
            raise ValueError("Type a file name.")
        if not path.parent.is_dir():
            raise ValueError(f"There is no folder {path.parent}.")
        if not path.suffix:
            return path.with_name(path.name + KINDS[self.kind.currentIndex()].suffixes[0])
        if path.suffix.lower() not in KIND_OF:
            raise ValueError(
                f"{path.suffix} is no format that can be written; these are: {', '.join(KIND_OF)}."
            )
        return path

    @Slot()
    def write(self) -> None:
        """Write the file and close, or say what is wrong; a file that exists only if asked."""
        self.message.setText("")
        try:
            path = self.target()
            replace = path.exists()
            if replace and not self._may_replace(path.name):
                return
            try:
                self._write(path, overwrite=replace)
            except FileExistsError:  # the figure beside a report
                if not self._may_replace("The figure of this report"):
                    return
                self._write(path, overwrite=True)
        except (OSError, ValueError, TypeError, ImportError) as error:
            self.message.setText(f"⚠ {_said(error)}")
            return
        self.saved.emit(str(path))
        self.accept()

    def _write(self, path: Path, *, overwrite: bool) -> None:
        """Write the file by its extension."""
        import xpsnet

        one, suffix = self.chosen, path.suffix.lower()
        with _waiting():
            if KIND_OF[suffix] is FIGURE:
                content = self._figure_bytes(suffix[1:], DPI)
                path.write_bytes(content)
            elif KIND_OF[suffix] is REPORT:
                xpsnet.report(one.spectra, one.peaks, path, overwrite=overwrite)
            else:
                beside: dict[str, Any] = {"spectra": one.spectra} if suffix in WITH_SPECTRA else {}
                xpsnet.write(one.peaks, path, overwrite=overwrite, **beside)

    def _may_replace(self, name: str) -> bool:
        """Ask whether a file that exists shall be replaced."""
        answer = QMessageBox.question(self, "Export", f"{name} exists. Replace it?")
        return bool(answer == QMessageBox.StandardButton.Yes)


class Preview(QLabel):
    """A picture that keeps its proportions, as large as its place."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = QPixmap()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(LEAST_PREVIEW)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)

    def show_png(self, content: bytes) -> None:
        """Show a picture; nothing for no content."""
        self.picture = QPixmap()
        self.picture.loadFromData(content)
        self._fit()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt
        """Follow the size of the dialog."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Scale the picture into the label."""
        if self.picture.isNull():
            self.clear()
            return
        self.setPixmap(
            self.picture.scaled(
                self.size(),
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )


@contextmanager
def _waiting() -> Iterator[None]:
    """Show the pointer of a busy window."""
    QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        yield
    finally:
        QApplication.restoreOverrideCursor()


def _said(error: Exception) -> str:
    """An error as one sentence for people."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{Path(str(error.filename)).name} cannot be written: {error.strerror}."
    return text[:1].upper() + text[1:]
