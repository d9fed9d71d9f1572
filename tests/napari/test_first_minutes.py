"""The first minutes: a first answer, cancel at any moment, empty windows, dropped files."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import drop
from qtpy.QtCore import QByteArray, QObject, QProcess, Signal
from truth_engine import TruthEngine, truth_of

import xpsnet
from napari_xpsnet import _open, _preparation, _runner, _warm_up
from napari_xpsnet._drops import are_ours
from napari_xpsnet._first_answer import can_answer, first_answer
from napari_xpsnet._state import FitState
from napari_xpsnet._widget import CANCELLED, CANCELLED_FIRST, ENDS_LATER, FIRST, FitPeaks
from xpsnet.data.peaks import Status

Add = Callable[..., Any]


class Slow:
    """An engine that cannot be stopped, as one that is being compiled."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.running, self.go = threading.Event(), threading.Event()

    def __call__(self, function: str, spectra: xr.DataArray, *_: Any) -> xr.Dataset:
        self.calls.append(function)
        self.running.set()
        self.go.wait(60)
        return truth_of(spectra)


class ColdEngine(_preparation.Engine):
    """It is ready for a first answer, and not for a fit."""

    def begin(self) -> None:
        """Note the time."""
        self.begun = time.monotonic()
        self.first.set()


@pytest.fixture
def cold(ready_engine: None, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The engine is not ready until the test sets this event."""
    engine = ColdEngine()
    monkeypatch.setattr(_preparation, "ENGINE", engine)
    return engine.done


@pytest.fixture
def dock(cold: threading.Event, make_napari_viewer, small_map: xr.DataArray, add_spectra: Add):
    viewer = make_napari_viewer()
    add_spectra(viewer, small_map)
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.form.where.value = "this spectrum"
    return dock


@pytest.fixture
def slow(dock: FitPeaks, monkeypatch: pytest.MonkeyPatch):
    """In place of the compiled engine: it waits for the test."""
    engine = Slow()
    monkeypatch.setattr(_runner, "library", engine)
    dock.engine = engine
    yield engine
    engine.go.set()


def test_first_answer_is_that_of_the_network_fitted_with_lmfit() -> None:
    spectrum = xpsnet.sample("spectrum")
    state = FitState(pixel={})
    assert can_answer(state, spectrum)
    peaks = first_answer("fit", spectrum, state.keywords(), lambda *_: None, lambda: False)
    full = xpsnet.refine(spectrum, peaks)
    np.testing.assert_allclose(peaks["center"], full["center"], atol=0.02)
    assert float(peaks["redchi"]) == pytest.approx(float(full["redchi"]), rel=0.1)
    assert (peaks["center_stderr"] > 0).all()


def test_first_answer_keeps_to_the_range_and_leaves_dead_points_out() -> None:
    spectrum = xpsnet.sample("spectrum").copy()
    spectrum[20] = np.nan
    keywords = FitState(energy_range=(287.6, 283.0), n_peaks=2).keywords()
    peaks = first_answer("fit", spectrum, keywords, lambda *_: None, lambda: False)
    assert peaks["center"].shape == (2,)
    assert peaks.attrs["energy_range"] == [283.0, 287.6]


def test_what_has_no_first_answer(small_map: xr.DataArray) -> None:
    pixel = {"y": 0, "x": 0}
    assert can_answer(FitState(pixel=pixel), small_map)
    assert not can_answer(FitState(), small_map)
    assert not can_answer(FitState(pixel=pixel, refine=False), small_map)
    assert not can_answer(FitState(pixel=pixel, start=truth_of(small_map)), small_map)


def test_a_single_spectrum_does_not_wait_for_the_engine(
    dock: FitPeaks, cold: threading.Event, slow: Slow, qtbot
) -> None:
    slow.go.set()
    dock.panel.fit.click()
    with qtbot.waitSignal(dock.runner.answered, timeout=60_000):
        pass
    first = dock.view.peaks()
    assert first is not None
    assert slow.calls == []
    assert dock.runner.busy
    assert dock.view.editor.status.text().startswith(FIRST)
    with qtbot.waitSignal(dock.runner.finished, timeout=60_000):
        cold.set()
    assert slow.calls == ["fit"]
    assert dock.view.peaks() is not first
    assert not dock.view.editor.status.text().startswith(FIRST)
    dock.stack.undo()
    assert dock.view.peaks() is None


def test_changes_of_the_first_answer_are_kept(
    dock: FitPeaks, cold: threading.Event, slow: Slow, qtbot
) -> None:
    slow.go.set()
    dock.panel.fit.click()
    with qtbot.waitSignal(dock.runner.answered, timeout=60_000):
        pass
    dock.view.edits.enter(1, "center", "284.5")
    with qtbot.waitSignal(dock.runner.finished, timeout=60_000):
        cold.set()
    assert float(dock.view.peaks()["center"][0]) == 284.5
    assert "your changes" in dock.panel.message.text()


def test_cancel_while_the_engine_is_prepared(
    dock: FitPeaks, cold: threading.Event, slow: Slow, qtbot
) -> None:
    dock.panel.fit.click()
    with qtbot.waitSignal(dock.runner.answered, timeout=60_000):
        pass
    dock.panel.cancel.click()
    # Before the next event: nothing was waited for.
    assert not dock.runner.busy
    assert dock.panel.fit.isEnabled()
    assert dock.panel.message.text() == CANCELLED_FIRST
    dock.form.where.value = "all spectra"
    dock.panel.fit.click()
    assert dock.runner.waits
    dock.panel.cancel.click()
    assert not dock.runner.busy
    assert dock.panel.message.text() == CANCELLED
    cold.set()
    qtbot.wait(300)
    assert slow.calls == []


def test_cancel_of_a_fit_that_cannot_be_stopped(
    dock: FitPeaks, cold: threading.Event, slow: Slow, qtbot
) -> None:
    cold.set()
    dock.panel.fit.click()
    qtbot.waitUntil(slow.running.is_set)
    dock.panel.cancel.click()
    qtbot.waitUntil(lambda: not dock.runner.busy)
    assert not slow.go.is_set()
    assert dock.panel.fit.isEnabled()
    assert dock.panel.message.text() == CANCELLED
    slow.go.set()
    qtbot.wait(300)
    assert dock.view.peaks() is None


def test_what_a_cancelled_map_has_finished_arrives_later(
    dock: FitPeaks, cold: threading.Event, slow: Slow, qtbot
) -> None:
    cold.set()
    dock.form.where.value = "all spectra"
    for changed in (False, True):
        slow.running.clear()
        slow.go.clear()
        dock.panel.fit.click()
        qtbot.waitUntil(slow.running.is_set)
        dock.panel.cancel.click()
        qtbot.waitUntil(lambda: not dock.runner.busy)
        assert dock.panel.message.text() == ENDS_LATER
        if changed:
            dock.view.edits.clear()
        before = dock.edit.content
        with qtbot.waitSignal(dock.runner.arrived):
            slow.go.set()
        assert (dock.edit.content is before) == changed
    assert not dock.runner.lets_end


def test_a_cancelled_fit_without_a_result_leaves_the_peaks(
    dock: FitPeaks, cold: threading.Event, engine: TruthEngine, qtbot
) -> None:
    cold.set()
    dock.engine = engine
    with qtbot.waitSignal(dock.runner.finished):
        dock.panel.fit.click()
    before = dock.view.peaks()

    job: list[Any] = []

    def nothing(*_: Any) -> xr.Dataset:
        while not (job and job[0].is_cancelled()):
            time.sleep(0.01)
        status = before["status"].copy(data=Status.NOT_DONE)
        return before.assign(status=status, center=before["center"] * np.nan)

    dock.engine = nothing
    dock.panel.fit.click()
    job.append(dock.runner.job)
    with qtbot.waitSignal(dock.runner.finished):
        dock.panel.cancel.click()
    assert dock.view.peaks() is before
    assert dock.panel.message.text() == CANCELLED


def test_the_dock_says_that_the_engine_is_prepared(
    dock: FitPeaks, cold: threading.Event, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_preparation, "SHOWN_AFTER", 0.0)
    qtbot.waitUntil(lambda: dock.panel.preparing.isVisibleTo(dock.panel))
    assert "first use on this machine" in dock.panel.preparing.text()
    cold.set()
    qtbot.waitUntil(lambda: not dock.panel.preparing.isVisibleTo(dock.panel))


def test_a_first_answer_waits_until_it_can_be_made(
    dock: FitPeaks, cold: threading.Event, slow: Slow, qtbot
) -> None:
    _preparation.ENGINE.first.clear()
    dock.panel.fit.click()
    qtbot.wait(100)
    assert dock.view.peaks() is None
    dock.panel.cancel.click()
    assert not dock.runner.busy
    dock.panel.fit.click()
    with qtbot.waitSignal(dock.runner.answered, timeout=60_000):
        _preparation.ENGINE.first.set()
    dock.panel.cancel.click()


class FakeProcess(QObject):
    """In place of the process that compiles."""

    readyReadStandardOutput, finished, errorOccurred = Signal(), Signal(), Signal()  # noqa: N815
    code, killed = 0, False

    def start(self, program: str, arguments: list[str]) -> None:
        """Note what would run."""
        self.command = [program, *arguments]

    def readAllStandardOutput(self) -> QByteArray:
        """What the process has printed."""
        return QByteArray(b"first\n")

    def exitCode(self) -> int:
        """How the process ended."""
        return self.code

    def exitStatus(self) -> Any:
        """The process ended by itself."""
        return QProcess.ExitStatus.NormalExit

    def kill(self) -> None:
        """Note it, and end as a killed process does."""
        self.killed = True
        self.finished.emit()

    def waitForFinished(self, longest: int) -> bool:
        """It has ended."""
        return self.killed


@pytest.fixture
def steps(qapp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Steps of the preparation that were done, none of which compiles."""
    done: list[str] = []
    monkeypatch.setattr(_preparation, "warm_up_first", lambda: done.append("first"))
    monkeypatch.setattr(_preparation, "warm_up", lambda: done.append("all"))
    monkeypatch.setattr(_preparation, "copies_folder", lambda: tmp_path / "user" / "sessions")
    FakeProcess.ExitStatus = QProcess.ExitStatus
    monkeypatch.setattr(_preparation, "QProcess", FakeProcess)
    return done


def test_the_first_use_compiles_in_a_process_and_later_ones_load(steps: list[str], qtbot) -> None:
    engine = _preparation.Engine()
    engine.begin()
    process = engine._process
    assert process.command == [sys.executable, "-c", _preparation.CODE]
    assert not engine.first.is_set()
    process.readyReadStandardOutput.emit()
    assert engine.first.is_set()
    assert not engine.done.is_set()
    process.finished.emit()
    qtbot.waitUntil(engine.done.is_set)
    assert steps == ["first", "all"]
    again = _preparation.Engine()
    again.begin()
    assert again._process is None
    qtbot.waitUntil(again.done.is_set)


def test_a_failed_preparation_is_left_to_the_fit(
    steps: list[str], qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError("no space left")

    monkeypatch.setattr(_preparation, "warm_up", broken)
    monkeypatch.setattr(FakeProcess, "code", 1)
    engine = _preparation.Engine()
    engine.begin()
    engine._process.finished.emit()
    qtbot.waitUntil(engine.done.is_set)
    assert engine.first.is_set()
    assert not _preparation._is_kept()


def test_closing_napari_ends_the_process(steps: list[str], qapp) -> None:
    engine = _preparation.Engine()
    engine.begin()
    process = engine._process
    engine.stop()
    assert process.killed
    assert steps == []


def test_what_is_compiled_first(
    steps: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    monkeypatch.setattr(_warm_up, "warm_up_first", lambda: None)
    monkeypatch.setattr(_warm_up, "warm_up", lambda: said.append(capsys.readouterr().out))
    _warm_up.main()
    assert said == ["first\n"]


@pytest.fixture
def empty(make_napari_viewer):
    """The dock in a viewer without spectra."""
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    return dock


def test_an_empty_window_says_what_to_do(empty: FitPeaks, qtbot) -> None:
    editor = empty.view.editor
    assert editor.empty.isVisible()
    assert not editor.plot.isVisible()
    assert empty.panel.empty.isVisible()
    assert "no layer of spectra yet" in empty.panel.message.text()
    editor.empty.samples[0].click()
    assert editor.plot.isVisible()
    assert not editor.empty.isVisible()
    assert not empty.panel.empty.isVisible()
    empty.viewer.layers.clear()
    assert editor.empty.isVisible()
    empty.panel.empty.samples[0].click()
    assert len(empty.regions.files) == 1


def test_a_plain_file_opens_where_it_is_dropped(
    empty: FitPeaks, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spectrum = xpsnet.sample("spectrum")
    viewer, canvas = empty.viewer, empty.viewer.window._qt_viewer
    monkeypatch.setattr(_open, "_ask", lambda *_: {})
    targets = [empty, empty.view.editor, empty.regions.panel, canvas, canvas._welcome_widget]
    suffixes = [".nc", ".csv", ".xlsx", ".csv", ".nc"]
    for number, (target, suffix) in enumerate(zip(targets, suffixes, strict=True)):
        path = tmp_path / f"spectrum {number}{suffix}"
        xpsnet.write(spectrum, path)
        assert drop(target, path)
        qtbot.waitUntil(lambda n=number: len(viewer.layers) == n + 1)
        assert empty.layer.metadata["dataarray"].size == spectrum.size


def test_files_of_spectroscopy_open_on_the_dock_as_well(
    empty: FitPeaks, qtbot, tmp_path: Path
) -> None:
    path = tmp_path / "spectrum.vms"
    xpsnet.write(xpsnet.sample("spectrum"), path)
    assert drop(empty.view.editor, path)
    qtbot.waitUntil(lambda: len(empty.viewer.layers) == 1)


def test_what_is_left_to_napari(empty: FitPeaks, tmp_path: Path) -> None:
    points, photo, vamas = (tmp_path / name for name in ("points.csv", "photo.tif", "a.vms"))
    points.write_text("index,axis-0,axis-1\n0,1.0,2.0\n")
    photo.write_bytes(b"II*")
    xpsnet.write(xpsnet.sample("spectrum"), vamas)
    assert not are_ours([str(points)])
    assert not are_ours([str(photo)])
    assert not are_ours([str(vamas)])
    assert not are_ours([str(tmp_path / "gone.csv")])
    assert are_ours([str(tmp_path / "table.xlsx")])


def test_after_the_dock_is_closed_the_canvas_is_that_of_napari(
    empty: FitPeaks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = empty.viewer
    opened: list[Any] = []
    canvas = type(viewer.window._qt_viewer)
    monkeypatch.setattr(canvas, "_qt_open", lambda _, paths, **k: opened.append(paths))
    drop(viewer.window._qt_viewer, tmp_path / "table.xlsx")
    assert opened == []
    viewer.window.remove_dock_widget(empty.parent())
    drop(viewer.window._qt_viewer, tmp_path / "table.xlsx")
    assert len(opened) == 1
