"""The dialog "Export...", with mouse and keyboard: what is typed is what is written."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import settle
from matplotlib.image import imread
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

import xpsnet
from napari_xpsnet._export import (
    DPI,
    EACH,
    KIND_OF,
    KINDS,
    PREVIEW_DPI,
    TOGETHER,
    ExportDialog,
    Exported,
    together,
)
from napari_xpsnet._regions import Region
from napari_xpsnet._widget import FitPeaks
from xpsnet.samples import sample_truth

LEFT = Qt.MouseButton.LeftButton
YES, NO = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No


def fitted(name: str, **isel: Any) -> Exported:
    spectra, start = xpsnet.sample(name).isel(isel), sample_truth(name).isel(isel)
    peaks = xpsnet.refine(spectra, start, background="shirley")
    return Exported("this spectrum", "C 1s/a: b", spectra, peaks)


@pytest.fixture(scope="module")
def single() -> Exported:
    return fitted("spectrum")


@pytest.fixture(scope="module")
def several() -> Exported:
    return fitted("map", y=slice(0, 3), x=slice(0, 2))


@pytest.fixture
def dialog(single: Exported, several: Exported, tmp_path: Path, qtbot) -> ExportDialog:
    dialog = ExportDialog([single, several], tmp_path)
    dialog.saves = []
    dialog.saved.connect(dialog.saves.append)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: not dialog.preview.picture.isNull())
    return dialog


def write_as(dialog: ExportDialog, path: Path | str) -> None:
    """Type a name and press Export."""
    dialog.path.setFocus()
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(path))
    QTest.mouseClick(dialog.export, LEFT)
    settle()


def choose(dialog: ExportDialog, combo: Any, text: str) -> None:
    """Choose the entry that begins with a text, with the keyboard."""
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    while not combo.currentText().startswith(text):
        before = combo.currentIndex()
        QTest.keyClick(combo, Qt.Key.Key_Down)
        assert combo.currentIndex() == before + 1
    settle()


def test_the_name_proposed_is_that_of_the_layer_in_the_last_folder(
    dialog: ExportDialog, tmp_path: Path
) -> None:
    assert Path(dialog.path.text()) == tmp_path / "C 1s-a- b.pdf"


STARTS = {
    ".pdf": b"%PDF-1.",
    ".svg": b"<?xml",
    ".png": b"\x89PNG",
    ".html": b"<!DOCTYPE html>",
    ".md": b"# Peak fit",
    ".txt": b"Peak fit",
    ".xlsx": b"PK",
    ".csv": b"",
    ".vms": b"VAMAS",
    ".nc": b"\x89HDF",
    ".h5": b"\x89HDF",
    ".nxs": b"\x89HDF",
}


@pytest.mark.parametrize("suffix", [*STARTS, ".XLSX", ".zarr"])
def test_the_extension_typed_is_the_extension_written(
    suffix: str, dialog: ExportDialog, tmp_path: Path
) -> None:
    path = tmp_path / f"fit{suffix}"
    write_as(dialog, path)
    assert dialog.message.text() == ""
    assert dialog.saves == [str(path)]
    assert not dialog.isVisible()
    beside = {"fit.png"} if suffix in (".md", ".txt") else set()
    assert {file.name for file in tmp_path.iterdir()} == {path.name} | beside
    if path.is_file():
        assert path.read_bytes().startswith(STARTS[suffix.lower()])


def test_every_extension_is_tried() -> None:
    assert {*STARTS, ".zarr"} == set(KIND_OF)


@pytest.mark.parametrize("name", ["fit.xlsx", "fit.nc", "fit.vms", "fit.csv"])
def test_peaks_come_back(name: str, dialog: ExportDialog, single: Exported, tmp_path: Path) -> None:
    write_as(dialog, tmp_path / name)
    (back,) = xpsnet.read_fit(tmp_path / name)
    np.testing.assert_allclose(back["center"].values, single.peaks["center"].values, atol=2e-4)
    if name != "fit.vms":
        np.testing.assert_allclose(back["center_stderr"], single.peaks["center_stderr"])


def test_vamas_has_the_measured_points(
    dialog: ExportDialog, single: Exported, tmp_path: Path
) -> None:
    write_as(dialog, tmp_path / "fit.vms")
    spectrum = xpsnet.to_binding(xpsnet.read_one(tmp_path / "fit.vms"))
    np.testing.assert_allclose(spectrum.values, single.spectra.values)


@pytest.mark.parametrize(("width", "words"), [(8.5, "8.5"), (17.5, "17.5")])
def test_a_figure_has_the_width_of_a_column_on_white_ground(
    width: float, words: str, dialog: ExportDialog, tmp_path: Path
) -> None:
    choose(dialog, dialog.size_choice, words)
    write_as(dialog, tmp_path / "fit.png")
    pixels = imread(tmp_path / "fit.png")
    assert pixels.shape[1] == pytest.approx(width / 2.54 * DPI, abs=1)
    np.testing.assert_array_equal(pixels[[0, 0, -1, -1], [0, -1, 0, -1], :3], 1.0)


def test_letters_of_a_figure_stay_letters(dialog: ExportDialog, tmp_path: Path) -> None:
    write_as(dialog, tmp_path / "fit.svg")
    assert ">Binding energy (eV)</text>" in (tmp_path / "fit.svg").read_text(encoding="utf-8")


def test_kind_and_extension_follow_each_other(dialog: ExportDialog, tmp_path: Path) -> None:
    for kind in KINDS:
        choose(dialog, dialog.kind, kind.name)
        assert Path(dialog.path.text()).suffix == kind.suffixes[0]
        assert dialog.holds.text() == kind.holds
        assert dialog.size_choice.isVisible() == (kind.name == "Figure")
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(tmp_path / "fit.xlsx"))
    assert dialog.kind.currentText() == "Excel"
    assert Path(dialog.path.text()) == tmp_path / "fit.xlsx"


@pytest.mark.parametrize("typed", ["sample 2.5 nm", "fit"])
def test_a_dot_in_a_name_is_no_extension_when_the_kind_changes(
    typed: str, dialog: ExportDialog, tmp_path: Path
) -> None:
    dialog.path.setText(str(tmp_path / typed))
    choose(dialog, dialog.kind, "Excel")
    assert Path(dialog.path.text()) == tmp_path / f"{typed}.xlsx"


def test_a_name_without_an_extension_gets_that_of_the_kind(
    dialog: ExportDialog, tmp_path: Path
) -> None:
    choose(dialog, dialog.kind, "CSV table")
    write_as(dialog, tmp_path / "fit")
    assert dialog.saves == [str(tmp_path / "fit.csv")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fit.docx", "⚠ .docx is no format that can be written; these are: .pdf, .svg, .png, "),
        ("none/fit.pdf", "⚠ There is no folder "),
        (" ", "⚠ Type a file name."),
    ],
)
def test_what_cannot_be_written_is_said_in_a_sentence(
    name: str, message: str, dialog: ExportDialog, tmp_path: Path
) -> None:
    write_as(dialog, tmp_path / name if name.strip() else name)
    assert dialog.message.text().startswith(message)
    assert dialog.isVisible()
    assert dialog.saves == []
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_system_is_a_sentence(
    dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    write_as(dialog, tmp_path / "fit.pdf")
    assert dialog.message.text() == "⚠ fit.pdf cannot be written: Permission denied."


@pytest.mark.parametrize("suffix", [".pdf", ".html", ".csv", ".nc"])
def test_nothing_is_overwritten_unasked(
    suffix: str, dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, asked = tmp_path / f"fit{suffix}", []

    def answer(_: Any, __: str, text: str) -> Any:
        asked.append(text)
        return NO if len(asked) == 1 else YES

    monkeypatch.setattr(QMessageBox, "question", answer)
    path.write_text("mine")
    write_as(dialog, path)
    assert path.read_text() == "mine"
    assert dialog.isVisible()
    assert dialog.saves == []
    write_as(dialog, path)
    assert asked == [f"fit{suffix} exists. Replace it?"] * 2
    assert path.read_bytes() != b"mine"
    assert dialog.saves == [str(path)]


def test_the_figure_beside_a_report_is_not_overwritten_unasked(
    dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([NO, YES])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    (tmp_path / "fit.png").write_text("mine")
    write_as(dialog, tmp_path / "fit.md")
    assert [file.name for file in tmp_path.iterdir()] == ["fit.png"]
    write_as(dialog, tmp_path / "fit.md")
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")
    assert dialog.saves == [str(tmp_path / "fit.md")]


def test_all_spectra_are_exported(
    dialog: ExportDialog, several: Exported, tmp_path: Path, qtbot
) -> None:
    before = dialog.preview.picture.toImage()
    dialog.content.setFocus()
    QTest.keyClick(dialog.content, Qt.Key.Key_Down)
    settle()
    assert dialog.chosen is several
    qtbot.waitUntil(lambda: dialog.preview.picture.toImage() != before)
    assert QApplication.overrideCursor() is None
    write_as(dialog, tmp_path / "fit.nc")
    (back,) = xpsnet.read_fit(tmp_path / "fit.nc")
    xr.testing.assert_allclose(back["center"], several.peaks["center"])


def test_preview_is_the_figure_and_fits(dialog: ExportDialog) -> None:
    assert dialog.preview.picture.width() == pytest.approx(8.5 / 2.54 * PREVIEW_DPI, abs=1)
    choose(dialog, dialog.size_choice, "17.5")
    assert dialog.preview.picture.width() == pytest.approx(17.5 / 2.54 * PREVIEW_DPI, abs=1)
    for width, height in ((800, 450), (1400, 900)):
        dialog.resize(width, height)
        settle()
        shown = dialog.preview.pixmap()
        assert shown.width() <= dialog.preview.width()
        assert shown.height() <= dialog.preview.height()
        assert shown.width() / shown.height() == pytest.approx(17.5 / 11.0, rel=0.01)


def test_browse_asks_for_a_name_and_not_about_it(
    dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def ask(*arguments: Any, options: Any) -> tuple[str, str]:
        given.append((*arguments, options))
        return str(tmp_path / "other.svg"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    QTest.mouseClick(dialog.browse, LEFT)
    assert Path(dialog.path.text()) == tmp_path / "other.svg"
    assert given[0][-1] == QFileDialog.Option.DontConfirmOverwrite
    assert "*.xlsx" in given[0][3]


def test_one_spectrum_leaves_no_choice(single: Exported, tmp_path: Path, qtbot) -> None:
    dialog = ExportDialog([single], tmp_path)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.content.isVisible()


def test_from_the_dock_to_a_figure(
    make_napari_viewer, add_spectra, engine, tmp_path: Path, qtbot
) -> None:
    viewer = make_napari_viewer(show=True)
    add_spectra(viewer, xpsnet.sample("spectrum"), call="sample", name="spectrum")
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    assert isinstance(dock, FitPeaks)
    dock.engine = engine
    assert not dock.panel.export.isEnabled()
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()
    assert dock.outputs.to_folder() == Path.home()
    dock.outputs.folder = tmp_path
    QTest.mouseClick(dock.panel.export, LEFT)
    settle(0.2)
    dialog = dock.outputs.dialog
    assert dialog.isVisible()
    QTest.keyClick(dialog.path, Qt.Key.Key_Return)
    settle(0.2)
    (file,) = tmp_path.iterdir()
    assert file.suffix == ".pdf"
    assert dock.panel.message.text() == f"Saved {file.name}."
    sub = tmp_path / "sub"
    sub.mkdir()
    QTest.mouseClick(dock.panel.export, LEFT)
    write_as(dock.outputs.dialog, sub / "b.svg")
    assert dock.outputs.folder == sub


def test_the_first_folder_is_that_of_the_spectra(
    make_napari_viewer, add_spectra, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    file = tmp_path / "measured.nc"
    xpsnet.write(xpsnet.sample("spectrum"), file)
    add_spectra(viewer, xpsnet.sample("spectrum"), call="read", name=str(file))
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    assert dock.outputs.to_folder() == tmp_path


def test_a_figure_that_cannot_be_drawn_is_said_in_a_sentence(
    single: Exported, several: Exported, tmp_path: Path, qtbot
) -> None:
    wrong = Exported("this spectrum", "C 1s", single.spectra, several.peaks)
    dialog = ExportDialog([wrong], tmp_path)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.message.text().startswith("⚠ Expected peaks of these spectra"))
    assert QApplication.overrideCursor() is None
    write_as(dialog, tmp_path / "fit.pdf")
    assert dialog.message.text().startswith("⚠ Expected peaks of these spectra")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def two_regions(single: Exported, tmp_path: Path, qtbot) -> ExportDialog:
    """The dialog with two regions as one choice."""
    moved = single.spectra.assign_coords(energy=single.spectra.energy + 247.0).rename("O 1s")
    peaks = single.peaks.xps.shift(247.0).assign_attrs(region="O 1s")
    carbon = Exported("C 1s", "C 1s", single.spectra, single.peaks.assign_attrs(region="C 1s"))
    oxygen = Exported("O 1s, pixel y=1", "O 1s", moved, peaks)
    dialog = ExportDialog([together([carbon, oxygen], "all 2 fitted regions", "wafer")], tmp_path)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: not dialog.preview.picture.isNull())
    return dialog


def test_several_regions_are_one_figure(two_regions: ExportDialog, tmp_path: Path) -> None:
    assert TOGETHER in two_regions.holds.text()
    write_as(two_regions, tmp_path / "fit.svg")
    text = (tmp_path / "fit.svg").read_text(encoding="utf-8")
    assert text.count(">Binding energy (eV)</text>") == 2
    assert ">C 1s</text>" in text
    assert ">O 1s, pixel y=1</text>" in text
    ends = [float(one) for one in re.findall(r">(\d+)</text>", text)]
    assert min(ends) < 290
    assert max(one for one in ends if one < 600) > 525


def test_several_regions_are_one_vamas_file(two_regions: ExportDialog, tmp_path: Path) -> None:
    write_as(two_regions, tmp_path / "fit.vms")
    assert [one.name for one in xpsnet.read(tmp_path / "fit.vms")] == ["C 1s", "O 1s"]
    for back, part in zip(
        xpsnet.read_fit(tmp_path / "fit.vms"), two_regions.chosen.parts, strict=True
    ):
        np.testing.assert_allclose(back["center"], part.peaks["center"], atol=2e-4)


def test_other_files_hold_one_region_each(
    two_regions: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda *args: asked.append(args[2]) or YES)
    choose(two_regions, two_regions.kind, "CSV table")
    assert EACH in two_regions.holds.text()
    (tmp_path / "fit O 1s, pixel y=1.csv").write_text("measured")
    write_as(two_regions, tmp_path / "fit.csv")
    assert asked == ["fit O 1s, pixel y=1.csv exists. Replace it?"]
    names = ["fit C 1s.csv", "fit O 1s, pixel y=1.csv"]
    assert sorted(one.name for one in tmp_path.iterdir()) == names
    for name, part in zip(names, two_regions.chosen.parts, strict=True):
        (back,) = xpsnet.read_fit(tmp_path / name)
        np.testing.assert_allclose(back["center"], part.peaks["center"], atol=2e-4)


def test_the_dock_offers_selected_regions_and_those_of_the_file(
    dock: FitPeaks, fitted: FitPeaks, viewer
) -> None:
    def words() -> list[str]:
        return [one.words for one in dock.outputs.to_export()]

    assert words() == ["C 1s"]
    first = dock.region
    copy = Region(first.as_read.rename("O 1s"))
    first.file.add(copy, after=first)
    dock.regions.update()
    state = dock._state_of(copy)
    state.replace("fit", first.state.content)
    assert words() == ["C 1s", "all 2 fitted regions"]
    (_, both) = dock.outputs.to_export()
    assert [one.name for one in both.parts] == ["C 1s", "O 1s"]
    assert both.parts[1].spectra.identical(copy.shown_spectrum())
    dock.view.others = [copy]
    assert words() == ["C 1s", "all 2 fitted selected regions"]
