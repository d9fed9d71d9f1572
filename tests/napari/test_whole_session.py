"""One session from the drop of a file to an exported figure, with mouse and keys as a person.

The file is a VAMAS file that brings a fit. What a step waits for is a state of the window, never
a time, so that a slow machine only takes longer.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import Hand, drop, settle
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

import xpsnet
from napari_xpsnet._calibrate import SAMPLE
from napari_xpsnet._widget import FitPeaks

LEFT = Qt.MouseButton.LeftButton
SIZE = (1500, 950)
LONG = 300_000
"""Longest time for one step [ms]: the first fit on a machine compiles."""
KNOWN = 99.4
"""Binding energy that Si 2p3/2 of silicon shall have [eV]."""


def click(button: Any) -> None:
    """Click in the middle of a button that is on the screen and enabled."""
    assert button.isVisible()
    assert button.isEnabled()
    QTest.mouseClick(button, LEFT)


def type_into(field: Any, text: str) -> None:
    """Replace the text of a field, with the keyboard."""
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def unfold(section: Any, button: Any, qtbot) -> None:
    """Unfold a part of the dock, until a button in it has its place."""
    click(section.toggleButton())
    qtbot.waitUntil(lambda: button.height() >= button.sizeHint().height(), timeout=LONG)
    settle()


def click_region(dock: FitPeaks, title: str, modifier: Any = Qt.KeyboardModifier.NoModifier):
    """Click on the region of a file in the tree."""
    (region,) = (file.regions[0] for file in dock.regions.files if title in file.name)
    tree = dock.regions.tree
    place = tree.visualItemRect(tree.item_of(region)).center()
    QTest.mouseClick(tree.viewport(), LEFT, modifier, place)
    settle()
    return region


def center(dock: FitPeaks, peak: int = 1) -> float:
    """Center of a peak that is shown [eV]."""
    return float(dock.view.peaks()["center"].values[peak - 1])


def silicon(position: int, shift: float) -> xr.DataArray:
    """A Si 2p spectrum whose energies are off by a charge shift."""
    spectrum = xpsnet.sample("line_scan").isel(position=position, drop=True)
    return spectrum.xps.shift(shift)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two samples in VAMAS; the first with the fit of one peak, as a person left it."""
    spectra = [silicon(0, 0.35), silicon(1, 0.35)]
    top = float(spectra[0]["energy"].values[int(spectra[0].values.argmax())])
    peaks = xpsnet.refine(spectra[0], xpsnet.add_peak(None, spectra[0], top))
    paths = [tmp_path / "wafer.vms", tmp_path / "oxide.vms"]
    xpsnet.write(peaks, paths[0], spectra=spectra[0])
    xpsnet.write(spectra[1], paths[1])
    return paths


@pytest.fixture
def open_window(make_napari_viewer) -> Callable[[], FitPeaks]:
    """A napari with the dock, as the Plugins menu opens it."""

    def make() -> FitPeaks:
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(*SIZE)
        _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
        settle()
        return dock

    return make


def finish(dock: FitPeaks, qtbot, button: Any) -> None:
    """Click on a button that fits, and wait until it has."""
    with qtbot.waitSignal(dock.runner.finished, timeout=LONG):
        click(button)
    qtbot.waitUntil(lambda: not dock.runner.busy, timeout=LONG)
    assert "⚠" not in dock.panel.message.text()


def export(dock: FitPeaks, path: Path, qtbot) -> None:
    """Export the shown fit into a file."""
    click(dock.panel.export)
    dialog = dock.outputs.dialog
    qtbot.waitUntil(lambda: not dialog.preview.picture.isNull(), timeout=LONG)
    dialog.path.setFocus()
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(path))
    click(dialog.export)


def test_from_the_drop_to_the_figure(
    files: list[Path], open_window, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock = open_window()
    view, panel, editor = dock.view, dock.panel, dock.view.editor

    # Drop a VAMAS file with a fit on the canvas, and use the fit.
    canvas = dock.viewer.window._qt_viewer
    drop(canvas, files[0])
    qtbot.waitUntil(lambda: len(dock.regions.files) == 1, timeout=LONG)
    qtbot.waitUntil(panel.use_fit.isVisible, timeout=LONG)
    least = panel.use_fit.sizeHint().height()
    qtbot.waitUntil(lambda: panel.use_fit.height() >= least, timeout=LONG)
    assert "1 peak" in panel.file_fits.currentText()
    assert view.peaks() is None
    click(panel.use_fit)
    assert view.table.rowCount() == 1
    assert "Reduced chi-square" in editor.status.text()

    # Drag the peak by its apex, and undo.
    hand, before = Hand(editor), center(dock)
    hand.click(hand.apex_of(1))
    qtbot.waitUntil(editor.handles.apex.isVisible, timeout=LONG)
    hand.drag(hand.of(editor.handles.apex), (30, 12))
    by = 30 * hand.energies_per_pixel()
    assert center(dock) - before == pytest.approx(by, abs=abs(0.2 * by))
    QTest.keyClick(editor.plot.graphics, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert center(dock) == before

    # Make a doublet of it, and fit.
    assert editor.edits.selected == 1
    click(editor.doublet)
    assert view.table.rowCount() == 2
    finish(dock, qtbot, panel.refine)
    fitted = view.peaks()
    assert float(fitted["center"][1] - fitted["center"][0]) == pytest.approx(0.6, abs=0.05)
    assert float(fitted["redchi"]) < 2
    assert "Reduced chi-square" in editor.status.text()

    # Calibrate the whole sample by the first peak.
    form = panel.calibrate
    unfold(panel.calibrate_part, form.button, qtbot)
    form.where.setCurrentText(SAMPLE)
    type_into(form.energy, str(KNOWN))
    click(form.button)
    assert center(dock) == pytest.approx(KNOWN, abs=0.005)
    assert "Moved by" in panel.message.text()

    # Drop the other sample, and copy the peaks to it.
    drop(canvas, files[1])
    qtbot.waitUntil(lambda: len(dock.regions.files) == 2, timeout=LONG)
    other = dock.region
    assert view.peaks() is None
    mine = click_region(dock, "wafer")
    assert dock.region is mine
    click_region(dock, "oxide", Qt.KeyboardModifier.ControlModifier)
    unfold(panel.peak_set, panel.copy_to, qtbot)
    finish(dock, qtbot, panel.copy_to)
    click_region(dock, "oxide")
    assert dock.region is other
    assert view.table.rowCount() == 2
    assert float(view.peaks()["redchi"]) < 2

    # Save the session and open it in another window, by a drop.
    saved = tmp_path / "monday"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(saved), ""))
    click(dock.sessions.bar.save)
    target = tmp_path / "monday.xps.nc"
    assert target.is_file()
    again = open_window()
    drop(again.viewer.window._qt_viewer, target)
    qtbot.waitUntil(lambda: len(again.regions.files) == 2, timeout=LONG)
    qtbot.waitUntil(lambda: again.view.peaks() is not None, timeout=LONG)
    assert again.view.peaks().identical(view.peaks())
    click_region(again, "wafer")
    assert center(again) == pytest.approx(KNOWN, abs=0.005)
    assert again.view.plot.legend_names[:2] == ["measured", "envelope"]

    # Export a figure and a table.
    for name, start in (("figure.pdf", b"%PDF"), ("peaks.csv", b"")):
        export(again, tmp_path / name, qtbot)
        assert (tmp_path / name).read_bytes().startswith(start)
        assert again.panel.message.text() == f"Saved {name}."
    (table,) = xpsnet.read_fit(tmp_path / "peaks.csv")
    np.testing.assert_allclose(table["center"], again.view.peaks()["center"], atol=1e-4)
