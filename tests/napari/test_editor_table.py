"""Hands on the table of the peaks: values, links, line shapes, doublets, peak sets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from editor_window import CTRL, cell, type_into, value
from hand import settle
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QFileDialog
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet._widget import FitPeaks
from napari_xpsnet._worker import library

Add = Callable[..., Any]


def test_numbers_limits_and_their_end_are_typed(fitted: FitPeaks) -> None:
    type_into(fitted, 1, "center", "284.801")
    assert value(fitted, "center") == 284.801
    type_into(fitted, 1, "fwhm", "0.001 to 3")
    rule = fitted.edit.peaks().xps.peak_limits()[1, "fwhm"]
    assert (rule.min, rule.max) == (0.001, 3.0)
    type_into(fitted, 1, "fwhm", "")
    rule = fitted.edit.peaks().xps.peak_limits()[1, "fwhm"]
    assert (rule.min, rule.max) == (-np.inf, np.inf)
    type_into(fitted, 1, "center", "nonsense")
    assert fitted.panel.message.text().startswith("⚠ ")
    assert value(fitted, "center") == 284.801
    type_into(fitted, 1, "label", "C-C")
    assert fitted.view.table.data(cell(fitted, 1, "label")) == "1  C-C"


def test_an_area_is_linked(fitted: FitPeaks) -> None:
    type_into(fitted, 2, "area", "= 0.5 x area of peak 1")
    assert value(fitted, "area", 2) == pytest.approx(0.5 * value(fitted, "area"), rel=1e-6)
    type_into(fitted, 2, "area", "")
    assert fitted.edit.peaks().xps.peak_limits()[2, "area"].link == ""


def test_a_line_shape_is_chosen(fitted: FitPeaks) -> None:
    view = fitted.view.editor.table_view
    view.edit(cell(fitted, 1, "line_shape"))
    settle()
    box = view.findChild(QComboBox)
    box.setCurrentIndex(box.findData("doniach_sunjic"))
    box.activated.emit(box.currentIndex())
    settle()
    assert str(fitted.edit.peaks()["line_shape"].values[0]) == "doniach_sunjic"
    assert "asymmetry" in [column.variable for column in fitted.view.table.columns]


def test_a_row_is_switched_off_and_on(fitted: FitPeaks) -> None:
    before = fitted.view.plot.curves.envelope.max()
    index = cell(fitted, 1, "on")
    view = fitted.view.editor.table_view
    QTest.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center()
    )
    settle()
    assert fitted.view.table.rowCount() == 3
    assert fitted.view.plot.curves.envelope.max() < 0.8 * before
    assert [line.isVisible() for line, _ in fitted.view.plot.components] == [False, True, True]
    assert len(fitted.view.plot.legend_names) == 5
    assert value(fitted, "center") == pytest.approx(284.8, abs=0.1)
    fitted.stack.undo()
    assert fitted.view.plot.curves.envelope.max() == before


def test_menu_of_a_cell(fitted: FitPeaks) -> None:
    menu = fitted.view.editor.menu.build(cell(fitted, 2, "fwhm"))
    actions = {action.text(): action for action in menu.actions()}
    actions["Lock FWHM"].trigger()
    assert fitted.edit.peaks().xps.peak_limits()[2, "fwhm"].locked
    actions["Free FWHM"].trigger()
    assert not fitted.edit.peaks().xps.peak_limits()[2, "fwhm"].locked
    links = {action.text(): action for action in actions["Link FWHM to"].menu().actions()}
    links["1  C-C / C-H, equal"].trigger()
    assert value(fitted, "fwhm", 2) == pytest.approx(value(fitted, "fwhm"))
    area = fitted.view.editor.menu.build(cell(fitted, 2, "area"))
    assert "Lock area" not in [action.text() for action in area.actions()]


def test_doublet_from_the_name_of_the_region(dock: FitPeaks, viewer, add_spectra: Add) -> None:
    silicon = xpsnet.sample("line_scan").isel(position=30, drop=True)
    add_spectra(viewer, silicon)
    editor = dock.view.editor
    dock.view.edits.add(float(silicon["energy"].values[silicon.values.argmax()]))
    editor.doublet.click()
    peaks = dock.edit.peaks()
    assert peaks.sizes["peak"] == 2
    assert value(dock, "center", 2) - value(dock, "center") == pytest.approx(0.6, abs=0.03)
    assert value(dock, "area", 2) == pytest.approx(0.5 * value(dock, "area"), rel=0.01)
    editor.doublet.click()
    assert "doublet already" in dock.panel.message.text()


def test_region_without_doublet_says_so(fitted: FitPeaks) -> None:
    fitted.view.editor.doublet.click()
    assert "splitting" in fitted.panel.message.text()
    assert fitted.edit.peaks().sizes["peak"] == 3


def test_peaks_are_copied_and_pasted(fitted: FitPeaks, viewer, add_spectra: Add, layer) -> None:
    view = fitted.view.editor.table_view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_C, CTRL)
    assert QApplication.clipboard().text() == fitted.view.table.text()
    copied = fitted.edit.peaks()
    add_spectra(viewer, 0.9 * xpsnet.sample("spectrum").assign_attrs(units="counts"))
    assert fitted.edit.peaks() is None
    QTest.keyClick(view, Qt.Key.Key_V, CTRL)
    settle()
    assert fitted.view.table.rowCount() == 3
    np.testing.assert_array_equal(fitted.edit.peaks()["center"], copied["center"])
    fitted.view.editor.menu.copy(2)
    fitted.view.editor.menu.paste()
    assert fitted.view.table.rowCount() == 4
    assert value(fitted, "fwhm", 4) == pytest.approx(value(fitted, "fwhm", 2))
    fitted.stack.undo()
    fitted.stack.undo()
    fitted.stack.undo()
    assert fitted.layer is layer
    assert fitted.edit.peaks() is None


def test_peak_set_goes_to_a_file_and_back(
    fitted: FitPeaks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_into(fitted, 2, "center", "= peak 1 + 1.7 eV")
    path = tmp_path / "carbon"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    fitted.panel.save_set.click()
    assert fitted.panel.message.text() == "Saved carbon.json."
    fitted.view.edits.clear()
    assert fitted.edit.peaks() is None
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (f"{path}.json", ""))
    fitted.panel.load_set.click()
    settle(0.3)
    assert fitted.view.table.rowCount() == 3
    assert fitted.edit.peaks().xps.peak_limits()[2, "center"].link == "center_1 + 1.7"


def test_peaks_go_to_the_selected_regions(
    fitted: FitPeaks, viewer, layer, add_spectra: Add, engine: TruthEngine, qtbot
) -> None:
    others = [add_spectra(viewer, xpsnet.sample("spectrum")) for _ in range(2)]
    viewer.layers.selection = {layer}
    fitted.panel.copy_to.click()
    assert "Select further regions" in fitted.panel.message.text()
    viewer.layers.selection = {layer, *others}
    peaks = fitted.edit.peaks()
    engine.calls.clear()
    fitted.panel.copy_to.click()
    qtbot.waitUntil(lambda: len(engine.calls) == 2 and not fitted.runner.busy, timeout=10_000)
    assert all(call[0] == "refine" and call[1]["peaks"] is peaks for call in engine.calls)
    fitted.form.layer.value = others[1]
    assert fitted.view.table.rowCount() == 3


def test_one_spectrum_starts_the_whole_map(
    viewer, engine: TruthEngine, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    add_spectra(viewer, small_map, call="sample", name="map")
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.engine = engine
    assert not dock.panel.to_all.isEnabled()
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()
    start = dock.edit.peaks()
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.to_all.click()
    assert engine.calls[1][0] == "refine"
    assert engine.calls[1][1]["peaks"] is start
    assert dock.edit.content.whole is not None
    dock.stack.undo()
    assert dock.edit.content.whole is None
    assert dock.edit.peaks() is start


def test_fits_of_the_file_are_offered_and_used(
    dock: FitPeaks, viewer, tmp_path: Path, qtbot
) -> None:
    assert not dock.panel.in_file.isVisible()
    spectrum = xpsnet.sample("spectrum")
    path = tmp_path / "sample.vms"
    xpsnet.write(xpsnet.fit(spectrum), path, spectra=spectrum)
    viewer.open(str(path), plugin="napari-xpsnet")
    settle(0.2)
    assert dock.panel.in_file.isVisible()
    assert "3 peaks" in dock.panel.file_fits.currentText()
    dock.panel.use_fit.click()
    assert dock.view.table.rowCount() == 3
    assert dock.view.plot.redchi < 3
    dock.stack.undo()
    assert dock.edit.peaks() is None


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_a_fit_of_the_file_is_drawn_beside_another(
    scale: str, dock: FitPeaks, viewer, tmp_path: Path, qtbot
) -> None:
    # CasaXPS stores fits over kinetic energy; the plot shows binding energy.
    spectrum, path = xpsnet.sample("spectrum"), tmp_path / "sample.vms"
    photon = float(spectrum.attrs["photon_energy"])
    spectrum = xpsnet.to_kinetic(spectrum) if scale == "kinetic" else spectrum
    top = float(spectrum.energy[int(spectrum.values.argmax())])
    one = xpsnet.refine(spectrum, xpsnet.add_peak(None, spectrum, top))
    xpsnet.write(one, path, spectra=spectrum)
    viewer.open(str(path), plugin="napari-xpsnet")
    settle(0.2)
    assert dock.region.scale == "binding"
    (fit,) = xpsnet.read_fit(path)
    assert fit.attrs["scale"] == scale
    with qtbot.waitSignal(dock.runner.finished, timeout=60_000):
        dock.engine = library
        dock.panel.fit.click()
    plot, lines = dock.view.plot, dock.peak_sets.comparison.lines
    fitted = plot.legend_names
    dock.panel.compare.click()
    assert plot.legend_names[:-1] == fitted
    redchi = float(xpsnet.residual(spectrum, fit).redchi)
    assert plot.legend_names[-1] == f"fit of the file, reduced chi-square {redchi:.2f}"
    energy, counts = lines[0].getData()
    assert energy[np.argmax(counts)] == pytest.approx(284.8, abs=0.2)
    own = photon - energy if scale == "kinetic" else energy
    np.testing.assert_allclose(counts, xpsnet.curves(fit, own).envelope, rtol=1e-6)
    assert len([line for line in lines if line.isVisible()]) == 3
    assert plot.envelope.getData()[1].max() != pytest.approx(counts.max(), rel=1e-3)
    # The plot may be drawn in other units; another region has no such fit.
    dock.view.editor.normalize.click()
    assert lines[0].getData()[1].max() == pytest.approx(plot.counts.factor * counts.max())
    dock.panel.compare.click()
    assert plot.legend_names == fitted
    assert not any(line.isVisible() for line in lines)
    with pytest.raises(ValueError, match="another energy axis"):
        dock.peak_sets.comparison.show_fit(fit.xps.shift(50.0))
    dock.panel.compare.click()
    dock.form.layer.value = viewer.layers[0]
    assert not any(line.isVisible() for line in lines)
    assert "fit of the file" not in " ".join(plot.legend_names)
