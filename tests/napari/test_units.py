"""Regions with other axes in one window: napari has one unit for each axis, and no complaint."""

from collections.abc import Iterator
from typing import Any

import pytest
import xarray as xr
from hand import settle
from napari.utils.notifications import notification_manager
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet._regions import region_of


@pytest.fixture
def layers(viewer: Any, small_map: xr.DataArray, add_spectra: Any) -> list[Any]:
    silicon = xpsnet.sample("line_scan").isel(position=slice(20, 24))
    return [add_spectra(viewer, one) for one in (xpsnet.sample("spectrum"), silicon, small_map)]


@pytest.fixture
def said() -> Iterator[list[str]]:
    texts: list[str] = []

    def keep(notification: Any) -> None:
        texts.append(str(notification.message))

    notification_manager.notification_ready.connect(keep)
    yield texts
    notification_manager.notification_ready.disconnect(keep)


def test_units_agree_whatever_is_shown(
    viewer: Any, layers: list[Any], engine: TruthEngine, said: list[str], qtbot: Any
) -> None:
    own = [tuple(layer.units) for layer in layers]
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.engine = engine
    settle(0.3)
    dock.form.where.value = "all spectra"
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()
    dock.panel.maps.click()
    settle(0.3)
    said.clear()
    for number in (0, 1, 2, 0, 2):
        dock.regions.tree.chosen.emit(region_of(layers[number]))
        settle(0.3)
        assert tuple(layers[number].units) == own[number]
        assert viewer.layers.extent.units is not None
        for one in viewer.layers:
            if one.visible and one.metadata.get("map_of"):
                assert tuple(one.units) == own[2][1:]
    assert [text for text in said if "units" in text] == []
    viewer.window.remove_dock_widget(dock.parent())
    settle(0.3)
    assert [text for text in said if "units" in text] == []
