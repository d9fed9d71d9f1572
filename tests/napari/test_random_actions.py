"""Seeded random actions of mouse, keys and buttons: no exception, and undo ends at the start."""

from collections.abc import Callable
from typing import Any

import pytest
import xarray as xr
from hand import settle
from random_actions import Actions
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet._regions import region_of

ACTIONS = 120


@pytest.mark.parametrize("seed", [1, 2])
def test_random_actions(
    seed: int, make_napari_viewer, small_map: xr.DataArray, add_spectra: Callable[..., Any]
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1300, 850)
    spectrum = xpsnet.sample("spectrum")
    silicon = xpsnet.sample("line_scan").isel(position=slice(20, 24))
    layers = [add_spectra(viewer, one) for one in (spectrum, silicon, small_map)]
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.engine = TruthEngine()
    settle(0.3)
    # A dock that is opened again has no steps of undo.
    actions = Actions(dock, viewer, layers, seed, without=["do_close_and_open"])
    for _ in range(ACTIONS):
        actions.act()
    dock.runner.stop()
    settle(0.3)
    dock.view.edits.take_back()
    if dock.stack.count() < 50:
        dock.stack.setIndex(0)
        for layer in layers:
            assert region_of(layer).edit().content.single == {}
            assert region_of(layer).edit().content.whole is None
