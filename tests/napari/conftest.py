"""Fixtures of the plugin's tests."""

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
import xarray as xr
from hand import Hand, settle
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet import _preparation, _session_files
from napari_xpsnet._layers import spectra_layer
from napari_xpsnet._widget import FitPeaks


@pytest.fixture(autouse=True)
def safe_process(request: pytest.FixtureRequest) -> None:
    """A canvas needs a display, and a process without TensorFlow: it would be a crash."""
    if "make_napari_viewer" not in request.fixturenames and "qtbot" not in request.fixturenames:
        return
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        pytest.fail("no display: run these tests under xvfb-run")
    if "tensorflow" in sys.modules:
        pytest.fail("tensorflow is loaded: run tests/napari in a process of its own")


@pytest.fixture(autouse=True)
def own_copies(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of sessions go to a folder of the test, not to that of the person who runs it."""
    folder = tmp_path_factory.mktemp("copies")
    monkeypatch.setattr(_session_files, "copies_folder", lambda: folder)


class ReadyEngine(_preparation.Engine):
    """An engine of which the test says when it is ready."""

    def begin(self) -> None:
        """Compile nothing."""
        self.first.set()
        self.done.set()


@pytest.fixture(autouse=True)
def ready_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled while a test runs."""
    monkeypatch.setattr(_preparation, "ENGINE", ReadyEngine())


@pytest.fixture
def engine() -> TruthEngine:
    """Engine whose answers are known."""
    return TruthEngine()


@pytest.fixture(scope="session")
def small_map() -> xr.DataArray:
    """Corner of the sample map, 6 x 5 spectra, quick to fit and to draw."""
    return xpsnet.sample("map").isel(y=slice(34, 40), x=slice(30, 35))


@pytest.fixture
def add_spectra() -> Callable[..., Any]:
    """Add spectra to a viewer as the plugin's own reader does."""

    def add(viewer: Any, spectra: xr.DataArray, **origin: Any) -> Any:
        data, keywords, _ = spectra_layer(spectra, origin=origin)
        return viewer.add_image(data, **keywords)

    return add


# The window of the tests of the editor; other files have their own.


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 950)
    viewer.window.activate()
    return viewer


@pytest.fixture
def layer(viewer, add_spectra: Callable[..., Any]):
    return add_spectra(viewer, xpsnet.sample("spectrum"), call="sample", name="spectrum")


@pytest.fixture
def dock(viewer, layer, engine: TruthEngine) -> FitPeaks:
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.engine = engine
    settle(0.3)
    return dock


@pytest.fixture
def fitted(dock: FitPeaks, qtbot) -> FitPeaks:
    """The dock with three peaks, of which the first is selected."""
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()
    dock.edit.select(1)
    settle(0.2)
    return dock


@pytest.fixture
def hand(dock: FitPeaks) -> Hand:
    return Hand(dock.view.editor)
