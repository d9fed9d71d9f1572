"""The state of an edit without a window: content, undo, preview, layers that are gone."""

import gc
import weakref

import numpy as np
import pytest
import xarray as xr
from qtpy.QtGui import QUndoStack
from truth_engine import truth_of

import xpsnet
from napari_xpsnet._edit_state import UNDO_STEPS, Content, EditState, make_stack
from napari_xpsnet._state import EnergyAxis, FitState


@pytest.fixture
def peaks() -> xr.Dataset:
    return truth_of(xpsnet.sample("spectrum"))


@pytest.fixture
def state(qapp) -> EditState:
    state = EditState({})
    state.stack = QUndoStack()
    return state


def moved(peaks: xr.Dataset, offset: float) -> xr.Dataset:
    return xpsnet.change_peak(peaks, 1, center=284.8 + offset)


def center(state: EditState) -> float:
    peaks = state.peaks()
    assert peaks is not None
    return float(peaks["center"].values[0])


def test_every_edit_is_a_step_of_undo(state: EditState, peaks: xr.Dataset) -> None:
    state.edit("one", peaks)
    for number in range(1, 60):
        state.edit(f"step {number}", moved(peaks, 0.01 * number))
    state.stack.setUndoLimit(0)
    assert center(state) == pytest.approx(284.8 + 0.59)
    for number in reversed(range(1, 59)):
        state.stack.undo()
        assert center(state) == pytest.approx(284.8 + 0.01 * number)
    state.stack.redo()
    assert center(state) == pytest.approx(284.8 + 0.02)


def test_fifty_steps_are_kept(qapp, peaks: xr.Dataset) -> None:
    state = EditState({})
    state.stack = make_stack(qapp)
    for number in range(60):
        state.edit(f"step {number}", moved(peaks, 0.01 * number))
    assert state.stack.count() == UNDO_STEPS == 50


def test_a_drag_is_one_step_and_can_be_taken_back(state: EditState, peaks: xr.Dataset) -> None:
    state.edit("start", peaks)
    for number in range(5):
        state.preview(moved(peaks, 0.1 * number))
    assert center(state) == pytest.approx(285.2)
    assert state.stack.count() == 1
    state.take_back()
    assert state.peaks() is peaks
    state.preview(moved(peaks, 0.3))
    state.edit("move", state.peaks())
    assert state.stack.count() == 2
    state.stack.undo()
    assert state.peaks() is peaks


def test_steps_of_an_arrow_key_are_one(state: EditState, peaks: xr.Dataset) -> None:
    state.edit("start", peaks)
    for number in range(1, 4):
        state.edit("nudge", moved(peaks, 0.01 * number), merge="nudge center 1")
    state.edit("nudge", moved(peaks, 0.5), merge="nudge height 1")
    assert state.stack.count() == 3
    state.stack.undo()
    state.stack.undo()
    assert state.peaks() is peaks


def test_undo_goes_back_to_the_pixel(qapp, small_map: xr.DataArray) -> None:
    state = EditState({"y": 0, "x": 1})
    state.stack = QUndoStack()
    state.edit("one", truth_of(small_map.isel(y=0, x=1)))
    state.pixel = {"y": 2, "x": 2}
    restored = []
    state.restored.connect(lambda: restored.append(dict(state.pixel)))
    state.stack.undo()
    assert restored == [{"y": 0, "x": 1}]
    assert state.peaks() is None


def test_steps_of_a_layer_that_is_gone_are_dropped(state: EditState, peaks: xr.Dataset) -> None:
    state.edit("start", peaks)
    state.gone = True
    state.stack.undo()
    assert state.stack.count() == 0
    assert state.content.single


def test_deleted_peaks_are_not_those_of_the_whole(small_map: xr.DataArray) -> None:
    content = Content(whole=truth_of(small_map))
    pixel = {"y": 1, "x": 1}
    assert content.at(pixel) is not None
    assert content.with_peaks(pixel, None).at(pixel) is None
    again = content.with_peaks(pixel, None).with_fit(FitState(), truth_of(small_map))
    assert again.at(pixel) is not None


def test_an_offset_moves_peaks_and_range(small_map: xr.DataArray) -> None:
    pixel = {"y": 1, "x": 1}
    one = truth_of(small_map.isel(pixel))
    content = Content(truth_of(small_map), {}, (283.0, 290.0)).with_peaks(pixel, one)
    new = content.on_axis(EnergyAxis(offset=1.5))
    np.testing.assert_allclose(new.at(pixel)["center"], one["center"] + 1.5)
    np.testing.assert_allclose(new.whole["center"], content.whole["center"] + 1.5)
    assert new.energy_range == (284.5, 291.5)
    other_scale = new.on_axis(EnergyAxis(offset=1.5, show="kinetic"))
    assert (other_scale.whole, other_scale.single, other_scale.energy_range) == (None, {}, None)


def test_a_state_lives_as_long_as_its_layer(qapp, small_map: xr.DataArray, peaks) -> None:
    from napari.layers import Image

    from napari_xpsnet._layers import spectra_layer
    from napari_xpsnet._regions import region_of

    data, keywords, _ = spectra_layer(small_map)
    layer = Image(data, **keywords)
    region_of(layer).edit().edit("one", peaks)
    assert region_of(layer).edit().peaks() is peaks
    alive = weakref.ref(region_of(layer).edit())
    del layer
    gc.collect()
    assert alive() is None
