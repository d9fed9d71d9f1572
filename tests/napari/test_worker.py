"""Jobs without a window: no exception leaves them, cancel keeps what is done."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from truth_engine import TruthEngine, truth_of

from napari_xpsnet._edit_state import Content
from napari_xpsnet._results import summary
from napari_xpsnet._runner import time_left
from napari_xpsnet._state import FitState
from napari_xpsnet._worker import Job, library, sentence
from xpsnet.data.peaks import Status


def test_job_calls_what_the_state_says(small_map: xr.DataArray, engine: TruthEngine) -> None:
    state = FitState(n_peaks=3, refine=False)
    job = Job(state, small_map, engine)
    outcome = job.run()
    assert engine.calls == [("predict", state.keywords())]
    assert outcome.peaks is not None
    assert outcome.peaks["center"].shape == (6, 5, 3)
    assert job.progress == (30, 30)
    assert not outcome.problem


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("expected two energies,\n got one"), "Expected two energies, got one"),
        (FileNotFoundError(2, "No such file", "model.json"), "No such file"),
        (ZeroDivisionError("division by zero"), "The fit stopped with ZeroDivisionError"),
        (MemoryError(), "There is not enough memory"),
        (KeyError(), "KeyError"),
    ],
    ids=["value", "file", "bug", "memory", "no text"],
)
def test_exceptions_become_sentences(
    error: Exception, expected: str, small_map: xr.DataArray
) -> None:
    def broken(*_: Any) -> xr.Dataset:
        raise error

    outcome = Job(FitState(), small_map, broken).run()
    assert outcome.peaks is None
    assert expected in outcome.problem
    assert "\n" not in outcome.problem
    assert outcome.problem == sentence(error)


def test_cancel_keeps_what_is_done(small_map: xr.DataArray, engine: TruthEngine) -> None:
    job = Job(FitState(), small_map, engine)
    job.cancel()
    outcome = job.run()
    assert outcome.cancelled
    assert outcome.peaks is not None
    status = outcome.peaks["status"].values
    assert (status[:3] != Status.NOT_DONE).all()
    assert (status[3:] == Status.NOT_DONE).all()
    assert summary(outcome.peaks, cancelled=True) == "Cancelled: 15 of 30 spectra are done: 15 ok."
    results = Content()
    results = results.with_fit(outcome.state, outcome.peaks)
    assert results.at({"y": 0, "x": 0}) is not None
    assert results.at({"y": 5, "x": 0}) is None


def test_network_runs_through_the_library(small_map: xr.DataArray) -> None:
    reported: list[tuple[int, int]] = []
    peaks = library(
        "predict",
        small_map,
        FitState(refine=False).keywords(),
        lambda done, total: reported.append((done, total)),
        lambda: False,
    )
    assert peaks["status"].shape == (6, 5)
    assert reported[-1] == (30, 30)


def test_cancelled_library_call_gives_a_dataset(small_map: xr.DataArray) -> None:
    peaks = library(
        "predict", small_map, FitState(refine=False).keywords(), lambda *_: None, lambda: True
    )
    assert (peaks["status"] == Status.NOT_DONE).all()
    assert np.isnan(peaks["center"]).all()


def test_newest_peaks_of_a_pixel_win(small_map: xr.DataArray) -> None:
    results = Content()
    pixel = {"y": 1, "x": 2}
    assert results.at(pixel) is None
    results = results.with_fit(FitState(), truth_of(small_map))
    one = truth_of(small_map.isel(pixel)).assign(redchi=2.0)
    results = results.with_fit(FitState(pixel=pixel), one)
    assert results.at({"x": 2, "y": 1}) is one
    assert float(results.at({"y": 0, "x": 0})["redchi"]) == pytest.approx(1.03)
    results = results.with_fit(FitState(), truth_of(small_map))
    assert results.at(pixel) is not one


def test_summary_of_a_spectrum(small_map: xr.DataArray) -> None:
    peaks = truth_of(small_map.isel(y=0, x=0))
    assert summary(peaks) == "3 peaks, reduced chi-square 1.03."
    believed = peaks.assign(
        n_peaks_probability=("count", [0.1, 0.2, 0.0, 0.7]), count=("count", [0, 1, 2, 3])
    )
    assert "probability of this number 70 %" in summary(believed)
    status = peaks["status"] * 0 + Status.AT_BOUND
    poor = peaks.assign(status=status.assign_attrs(peaks["status"].attrs))
    assert summary(poor).endswith("A parameter ended at its limit; its standard error is unknown.")


def test_summary_of_a_spectrum_in_states(small_map: xr.DataArray) -> None:
    peaks = truth_of(small_map.isel(y=0, x=0))
    models = ["two states: two C 1s lines", "three states: three C 1s lines"]
    peaks = peaks.assign(model_choice=1, model_probability=("choice", [0.08, 0.92]))
    peaks.attrs["model_choices"] = json.dumps(models)
    assert summary(peaks) == (
        "Three states: three C 1s lines (probability 92 %; second: two states: two C 1s lines, "
        "8 %). 3 peaks, reduced chi-square 1.03."
    )
    peaks["model_probability"] = ("choice", [0.001, 0.999])
    assert "(probability 100 %). 3 peaks" in summary(peaks)


def test_summary_of_a_map_names_what_all_have(small_map: xr.DataArray) -> None:
    peaks = truth_of(small_map)
    peaks.attrs["model_choice_text"] = "symmetric lines, linear background, probability 0.9"
    peaks.attrs["model_choice_text"] += "; second: asymmetric lines, probability 0.1"
    assert summary(peaks) == (
        "30 spectra: 30 ok. Chosen for all: symmetric lines, linear background, probability 0.9."
    )


def test_summary_of_a_map_counts_each_status(small_map: xr.DataArray) -> None:
    peaks = truth_of(small_map)
    peaks["status"][0, :2] = Status.NO_PEAKS
    assert summary(peaks) == "30 spectra: 28 ok, 2 no peaks."


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "expected"),
    [
        (0, 0, 1.0, ""),
        (0, 0, 9.0, "Preparing (the first fit takes longer)"),
        (0, 100, 60.0, ""),
        (10, 100, 1.0, ""),
        (50, 100, 10.0, ", 10 s left"),
        (10, 100, 60.0, ", 9 min left"),
        (100, 100, 60.0, ""),
    ],
)
def test_time_left(done: int, total: int, elapsed: float, expected: str) -> None:
    assert time_left(done, total, elapsed) == expected
