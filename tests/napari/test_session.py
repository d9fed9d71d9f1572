"""Calibration and sessions in a real viewer: save, drop, the same window, crash, Python code."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication, QKeySequence
from qtpy.QtWidgets import QFileDialog
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet import _session_files
from napari_xpsnet._regions import files_of
from napari_xpsnet._session import make_session, session_files
from napari_xpsnet._session_files import menu_actions
from napari_xpsnet._widget import FitPeaks

Add = Callable[..., Any]


@pytest.fixture(autouse=True)
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the copies of this test."""
    folder = tmp_path / "data" / "sessions"
    monkeypatch.setattr(_session_files, "copies_folder", lambda: folder)
    return folder


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def dock(viewer, engine: TruthEngine, small_map: xr.DataArray, add_spectra: Add) -> FitPeaks:
    add_spectra(viewer, xpsnet.sample("spectrum"), call="sample", name="spectrum")
    add_spectra(viewer, small_map)
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.engine = engine
    return dock


def fit(dock: FitPeaks, qtbot, where: str = "this spectrum") -> None:
    dock.form.where.value = where
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()


def choose(dock: FitPeaks, number: int) -> Any:
    """Show the layer of this number."""
    dock.form.layer.value = dock.viewer.layers[number]
    return dock.region


def calibrate(dock: FitPeaks, energy: float, where: str = "this region", *, each=False) -> None:
    form = dock.panel.calibrate
    form.peak.setCurrentIndex(0)
    form.energy.setValue(energy)
    form.where.setCurrentText(where)
    form.each.setChecked(each)
    form.button.click()


def test_a_peak_gets_its_energy_and_all_moves_along(dock: FitPeaks, qtbot) -> None:
    fit(dock, qtbot, "all spectra")
    region = dock.region
    before, axis = dock.view.peaks(), region.spectra.energy.values
    dock._set_range((282.0, 290.0))
    calibrate(dock, 285.3)
    moved = 285.3 - float(before.center[0])
    assert float(dock.view.peaks().center[0]) == pytest.approx(285.3, abs=1e-9)
    np.testing.assert_allclose(region.spectra.energy, axis + moved)
    assert dock.edit.content.energy_range == pytest.approx((282.0 + moved, 290.0 + moved))
    assert "Moved by" in dock.panel.message.text()
    dock.stack.undo()
    np.testing.assert_array_equal(region.spectra.energy, axis)
    assert dock.view.peaks().identical(before)
    dock.stack.redo()
    assert float(dock.view.peaks().center[0]) == pytest.approx(285.3, abs=1e-9)


def test_all_regions_move_as_one_step(dock: FitPeaks, qtbot) -> None:
    fit(dock, qtbot)
    regions = [file.regions[0] for file in files_of(dock.viewer)]
    axes = [region.spectra.energy.values for region in regions]
    steps = dock.stack.count()
    calibrate(dock, 284.0, "all regions")
    by = [
        region.spectra.energy.values[0] - axis[0]
        for region, axis in zip(regions, axes, strict=True)
    ]
    assert by[0] == pytest.approx(by[1])
    assert abs(by[0]) > 0.5
    assert dock.stack.count() == steps + 1
    dock.stack.undo()
    for region, axis in zip(regions, axes, strict=True):
        np.testing.assert_array_equal(region.spectra.energy, axis)


def test_each_spectrum_by_its_own_peak(dock: FitPeaks, qtbot) -> None:
    fit(dock, qtbot, "all spectra")
    region, whole = dock.region, dock.edit.content.whole
    calibrate(dock, 284.8, each=True)
    assert "Every spectrum has its own shift" in dock.panel.message.text()
    found = region.spectra
    np.testing.assert_allclose(found.charge_shift, whole.center[..., 0] - 284.8)
    np.testing.assert_array_equal(found.values, region.as_read.values)
    np.testing.assert_allclose(dock.edit.content.whole.center[..., 0], 284.8)
    shown = dock.view.spectrum(dock.edit.pixel)
    shift = float(found.charge_shift.isel(dock.edit.pixel))
    np.testing.assert_allclose(shown.energy, region.as_read.energy - shift)
    assert float(dock.view.peaks().center[0]) == pytest.approx(284.8)
    quality = xpsnet.residual(shown, dock.view.peaks()).redchi
    dock.stack.undo()
    assert "charge_shift" not in region.spectra.coords
    before = xpsnet.residual(dock.view.spectrum(dock.edit.pixel), dock.view.peaks()).redchi
    assert float(quality) == pytest.approx(float(before))


def test_code_of_spectra_with_shifts_of_their_own(
    dock: FitPeaks, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(dock, qtbot, "all spectra")
    calibrate(dock, 284.8, each=True)
    dock.form.where.value = "this spectrum"
    dock.panel.script.click()
    made: dict[str, Any] = {}
    monkeypatch.chdir(tmp_path)
    exec(compile(QGuiApplication.clipboard().text(), "fit.py", "exec"), made)
    assert made["spectra"].identical(dock.region.spectra)
    assert made["spectrum"].identical(dock.view.spectrum(dock.edit.pixel))
    np.testing.assert_array_equal(made["peaks"].energy, made["spectrum"].energy)


def test_without_a_fit_it_says_what_to_do(dock: FitPeaks) -> None:
    assert not dock.panel.calibrate.button.isEnabled()
    assert "Fit or add the peak" in dock.panel.calibrate.button.toolTip()


@pytest.fixture
def worked(dock: FitPeaks, qtbot) -> FitPeaks:
    """A dock in which something was done with both regions."""
    fit(dock, qtbot, "all spectra")
    dock.panel.maps.click()
    dock.view.pin({"y": 2, "x": 3})
    dock.form.where.value = "this spectrum"
    dock.form.background.value = "linear"
    dock.edit.edit("label", xpsnet.change_peak(dock.view.peaks(), 1, label="C-C", center=284.9))
    dock._set_range((281.0, 291.0))
    calibrate(dock, 284.5)
    choose(dock, 0)
    fit(dock, qtbot)
    dock.edit.select(2)
    dock.panel.live.setChecked(True)
    return dock


def same_window(dock: FitPeaks, other: FitPeaks) -> None:
    """Two docks show the same."""
    first, second = (d.sessions.session()[0] for d in (dock, other))
    for one, two in zip(first.regions, second.regions, strict=True):
        assert one.name == two.name
        # A layer that is added is shown for a moment, so that its region has been opened.
        settings = [{k: v for k, v in r.settings.items() if k != "opened"} for r in (one, two)]
        assert settings[0] == settings[1]
        assert one.energy_range == two.energy_range
        assert one.steps == two.steps
        for (at, a), (at_2, b) in zip(one.single, two.single, strict=True):
            assert at == at_2
            xr.testing.assert_identical(a, b)
        assert replace(one, settings={}).identical(replace(two, settings={}))
    views = [
        {k: v for k, v in s.view.items() if k not in ("camera", "step")} for s in (first, second)
    ]
    assert views[0] == views[1]
    assert dock.region.title == other.region.title
    assert dock.edit.pixel == other.edit.pixel
    assert dock.view.peaks().identical(other.view.peaks())
    assert dock.view.plot.legend_names == other.view.plot.legend_names


def test_ctrl_s_writes_one_file(
    worked: FitPeaks, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = tmp_path / "monday"
    asked = []

    def ask(*args: Any) -> tuple[str, str]:
        asked.append(args)
        return str(typed), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    window = worked.view.editor.window()
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: window.isActiveWindow() or True)
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    if not asked:  # a virtual screen without a window manager activates no window
        worked.sessions._action.trigger()
    target = tmp_path / "monday.xps.nc"
    assert target.is_file()
    assert worked.panel.message.text() == "Saved the session as monday.xps.nc."
    worked.sessions._action.trigger()
    assert len(asked) == 1  # the second time the name is known
    assert xpsnet.read_session(target).identical(worked.sessions.session()[0])


def test_no_other_command_has_ctrl_s_while_the_dock_is_open(dock: FitPeaks, viewer) -> None:
    window = viewer.window._qt_window
    key = QKeySequence(QKeySequence.StandardKey.Save)

    def holders() -> list[str]:
        menus = [*menu_actions(window.menuBar().actions())]
        return [a.text() for a in (*menus, *window.actions()) if key in a.shortcuts()]

    assert holders() == ["Save session"]
    viewer.window.remove_dock_widget(dock)
    assert holders() == ["Save Selected Layers..."]


def test_a_dropped_session_gives_the_same_window(
    worked: FitPeaks, make_napari_viewer, tmp_path: Path, qtbot
) -> None:
    path = tmp_path / "a.xps.nc"
    assert worked.sessions.save_as(path)
    other = make_napari_viewer()
    other.open(str(path), plugin="napari-xpsnet")
    qtbot.waitUntil(lambda: bool(other.window.dock_widgets), timeout=5000)
    (again,) = (w for w in other.window.dock_widgets.values() if isinstance(w, FitPeaks))
    qtbot.waitUntil(lambda: again.region is not None and again.view.peaks() is not None)
    same_window(worked, again)
    assert again.sessions.path == path
    maps = [one.name for one in other.layers if "map_of" in one.metadata]
    assert maps == [one.name for one in worked.viewer.layers if "map_of" in one.metadata]
    again.engine = worked.engine
    fit(again, qtbot)  # it goes on


def test_existing_files_are_replaced_only_where_the_dialog_has_asked(
    worked: FitPeaks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.xps.nc").write_bytes(b"measured")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "a"), ""))
    worked.sessions.save()
    assert "a.xps.nc exists already" in worked.panel.message.text()
    assert (tmp_path / "a.xps.nc").read_bytes() == b"measured"


def test_a_copy_is_kept_after_every_fit_and_taken_away_at_the_end(
    dock: FitPeaks, qtbot, copies: Path, viewer
) -> None:
    fit(dock, qtbot)
    qtbot.waitUntil(lambda: len([*copies.glob("*.xps.nc")]) == 1, timeout=10_000)
    dock.sessions.wait()
    (copy,) = copies.glob("*.xps.nc")
    assert xpsnet.read_session(copy).identical(dock.sessions.session()[0])
    written = copy.stat().st_mtime_ns
    dock.sessions.keep_copy()
    dock.sessions.wait()
    assert copy.stat().st_mtime_ns == written  # nothing has changed
    dock.shut_down()
    assert [*copies.glob("*")] == []


def test_a_crash_leaves_a_copy_that_is_offered(
    dock: FitPeaks, make_napari_viewer, engine: TruthEngine, qtbot, copies: Path
) -> None:
    fit(dock, qtbot)
    copies.mkdir(parents=True, exist_ok=True)
    lost = copies / "lost.xps.nc"
    xpsnet.write_session(lost, dock.sessions.session()[0])
    other = make_napari_viewer()
    _, again = other.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    assert not again.sessions.bar.offer.isHidden()
    assert "napari ended without closing" in again.sessions.bar.text.text()
    again.sessions.bar.restore.click()
    same_window(dock, again)
    assert again.sessions.bar.offer.isHidden()
    again.sessions.wait()
    assert not lost.exists()
    # The copy of a window that lives is offered to nobody.
    assert len([*copies.glob("*.xps.nc")]) >= 1
    third = make_napari_viewer()
    _, dock_3 = third.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    assert dock_3.sessions.bar.offer.isHidden()


def test_a_lost_copy_can_be_discarded(viewer, copies: Path) -> None:
    copies.mkdir(parents=True)
    region = xpsnet.SessionRegion(xpsnet.sample("spectrum"))
    xpsnet.write_session(copies / "lost.xps.nc", xpsnet.Session([region]))
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.sessions.bar.discard.click()
    assert dock.sessions.bar.offer.isHidden()
    assert [*copies.glob("lost*")] == []


def test_the_code_makes_the_session_of_the_window(worked: FitPeaks) -> None:
    worked.sessions.bar.script.click()
    code = QGuiApplication.clipboard().text()
    made: dict[str, Any] = {}
    exec(compile(code, "session.py", "exec"), made)
    session, left = worked.sessions.session()
    assert left == []
    spectrum, image = session.regions
    again, image_again = made["session"].regions
    assert again.identical(spectrum)
    assert image_again.spectra.identical(image.spectra)
    assert image_again.single[0][1].identical(image.single[0][1])


def test_sessions_of_the_library_open(tmp_path: Path) -> None:
    session = xpsnet.Session([xpsnet.SessionRegion(xpsnet.sample("line_scan"))])
    (file,) = session_files(session)
    assert file.active.as_read.identical(session.regions[0].spectra)
    again, left = make_session([file], {}, {})
    assert left == []
    assert again.regions[0].spectra.identical(session.regions[0].spectra)


def test_damaged_sessions_are_refused_with_a_sentence(dock: FitPeaks, tmp_path: Path) -> None:
    path = tmp_path / "a.xps.nc"
    xpsnet.write(xpsnet.sample("spectrum"), path)
    assert not dock.sessions.open(path)
    assert "expected a session of xpsnet, got another file" in dock.panel.message.text()


ENDS_WHILE_WRITING = """
import sys, time
from pathlib import Path
import xpsnet
from napari_xpsnet._session_files import SessionCopy
session = xpsnet.Session([xpsnet.SessionRegion(xpsnet.sample("map"))] * 10)
assert "h5py" not in sys.modules  # as in a window where no file was read with it
SessionCopy(Path(sys.argv[1]), print).start(session)
while not hasattr(sys.modules.get("h5py._hl.dataset"), "Dataset"):
    time.sleep(0.01)
"""


def test_the_end_of_python_waits_for_the_copy(tmp_path: Path) -> None:
    path = tmp_path / "sessions" / "a.xps.nc"
    code = [sys.executable, "-c", ENDS_WHILE_WRITING, str(path)]
    done = subprocess.run(code, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert path.parent.is_dir()
    assert [*path.parent.iterdir()] == []
