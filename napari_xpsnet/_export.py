"""The dialog "Export...": figure, report, tables and data files, by the extension that is typed."""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
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
ROW = 7.0
"""Height of a row of a figure of several regions [cm]."""
TWO_BESIDE = 5.0
"""Width above which a figure has two regions side by side [inch]."""
DPI = 600
"""Resolution of a PNG; journals ask for it where there are lines."""
PREVIEW_DPI = 250
LEAST_PREVIEW = QSize(400, 300)
FORM_WIDTH = 330


EACH = "Of several regions each has a file of its own, with its name behind that of the file."
TOGETHER = "Several regions are in one file."
ONE_FILE = (".pdf", ".svg", ".png", ".vms")
"""Files that hold several regions."""


@dataclass(frozen=True)
class Exported:
    """Spectra with their peaks, the words for them in the dialog, and the name of their layer.

    Several regions are `parts`; spectra and peaks are those of the first one then.
    """

    words: str
    name: str
    spectra: xr.DataArray
    peaks: xr.Dataset
    parts: tuple["Exported", ...] = ()

    @property
    def every(self) -> "tuple[Exported, ...]":
        """The parts, or the one that there is."""
        return self.parts or (self,)


def together(parts: list[Exported], words: str, name: str) -> Exported:
    """Several regions as one choice."""
    return Exported(words, name, parts[0].spectra, parts[0].peaks, tuple(parts))


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
        name = _file_name(contents[0].name)
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
        self.content.currentIndexChanged.connect(self._follow_kind)
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

    @Slot()
    def _follow_kind(self) -> None:
        """Show what belongs to the kind."""
        kind = KINDS[self.kind.currentIndex()]
        one_file = kind.suffixes[0] in ONE_FILE
        several = f" {TOGETHER if one_file else EACH}" if self.chosen.parts else ""
        self.holds.setText(kind.holds + several)
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

        width, height = SIZES[self.size_choice.currentText()]
        made = io.BytesIO()
        figure = figure_of(self.chosen.every, width / INCH, height / INCH)
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
            targets = self._targets(path)
            there = [one.name for one in targets if one.exists()]
            if there and not self._may_replace(", ".join(there)):
                return
            try:
                self._write(targets, overwrite=bool(there))
            except FileExistsError:  # the figure beside a report
                if not self._may_replace("The figure of this report"):
                    return
                self._write(targets, overwrite=True)
        except (OSError, ValueError, TypeError, ImportError) as error:
            self.message.setText(f"⚠ {_said(error)}")
            return
        self.saved.emit(str(path))
        self.accept()

    def _targets(self, path: Path) -> list[Path]:
        """The files that are written: one, or one for each region."""
        parts = self.chosen.parts
        if not parts or path.suffix.lower() in ONE_FILE:
            return [path]
        return [
            path.with_name(f"{path.stem} {_file_name(one.words)}{path.suffix}") for one in parts
        ]

    def _write(self, targets: list[Path], *, overwrite: bool) -> None:
        """Write the files by their extension."""
        import xpsnet

        chosen, suffix = self.chosen, targets[0].suffix.lower()
        with _waiting():
            if KIND_OF[suffix] is FIGURE:
                content = self._figure_bytes(suffix[1:], DPI)
                targets[0].write_bytes(content)
            elif suffix in ONE_FILE and chosen.parts:
                spectra = [one.spectra for one in chosen.parts]
                peaks = [one.peaks for one in chosen.parts]
                xpsnet.write(spectra, targets[0], peaks=peaks, overwrite=overwrite)
            else:
                for one, path in zip(chosen.every, targets, strict=True):
                    _write_one(one, path, overwrite=overwrite)

    def _may_replace(self, name: str) -> bool:
        """Ask whether a file that exists shall be replaced."""
        answer = QMessageBox.question(self, "Export", f"{name} exists. Replace it?")
        return bool(answer == QMessageBox.StandardButton.Yes)


def figure_of(parts: "tuple[Exported, ...]", width: float, height: float) -> Any:
    """Figure of one region, or of several: one below the other, or two side by side.

    Parameters
    ----------
    parts : tuple of Exported
    width, height : float
        Of the figure of one region [inch]; the rows of several have their own height.
    """
    import xpsnet

    if len(parts) == 1:
        return xpsnet.plot(parts[0].spectra, parts[0].peaks, title="", size=(width, height))
    from matplotlib.figure import Figure

    columns = 2 if width > TWO_BESIDE else 1
    rows = -(-len(parts) // columns)
    figure = Figure(figsize=(width, rows * ROW / INCH))
    places = np.ravel(figure.subfigures(rows, columns, squeeze=False))
    for part, place in zip(parts, places, strict=False):
        xpsnet.plot(part.spectra, part.peaks, title=part.words, figure=place)
    return figure


def _write_one(one: Exported, path: Path, *, overwrite: bool) -> None:
    """Write the peaks of one region, or its report."""
    import xpsnet

    suffix = path.suffix.lower()
    if KIND_OF[suffix] is REPORT:
        xpsnet.report(one.spectra, one.peaks, path, overwrite=overwrite)
        return
    beside: dict[str, Any] = {"spectra": one.spectra} if suffix in WITH_SPECTRA else {}
    xpsnet.write(one.peaks, path, overwrite=overwrite, **beside)


def _file_name(text: str) -> str:
    """A text without the characters that a file name must not have."""
    return re.sub(r'[/\\:*?"<>|]', "-", text)


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
