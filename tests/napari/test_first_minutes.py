"""The first minutes: a first answer, cancel at any moment, empty windows, dropped files."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from truth_engine import TruthEngine, truth_of

import xpsnet
from napari_xpsnet import _preparation, _runner
from napari_xpsnet._first_answer import can_answer, first_answer
from napari_xpsnet._state import FitState
from napari_xpsnet._widget import CANCELLED, CANCELLED_FIRST, ENDS_LATER, FIRST, FitPeaks
from xpsnet.data.peaks import Status

Add = Callable[..., Any]
LIBRARY = _runner.library


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


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The engine is not ready until the test sets this event."""
    ready = threading.Event()
    monkeypatch.setattr(_preparation, "DONE", ready)
    monkeypatch.setattr(_preparation, "begin", lambda: None)
    return ready


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


def test_a_problem_while_preparing_is_left_to_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(_preparation, "DONE", threading.Event())
    monkeypatch.setattr(_preparation, "first_answer", broken)
    _preparation._prepare()
    assert _preparation.DONE.is_set()
