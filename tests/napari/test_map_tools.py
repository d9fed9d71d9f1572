"""The section "Maps and profiles" with real mouse events."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import settle
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from truth_engine import TruthEngine, truth_of

import xpsnet
from napari_xpsnet._profile import pixel_profile
from napari_xpsnet._scatter import NUMBER
from napari_xpsnet._widget import FitPeaks

Add = Callable[..., Any]


@pytest.fixture
def dock(make_napari_viewer, qtbot, engine: TruthEngine) -> Any:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    widget = FitPeaks(viewer)
    viewer.window.add_dock_widget(widget)
    widget.engine = engine
    yield widget
    widget.shut_down()


def fit_all(dock: FitPeaks, qtbot) -> None:
    dock.form.where.value = "all spectra"
    dock.panel.fit.click()
    qtbot.waitUntil(lambda: not dock.runner.busy)
    settle(0.1)


def click(profile: Any, position: float) -> None:
    """Click into the profile at a horizontal position."""
    settle(0.1)  # the axes follow new curves at the next paint event
    box = profile.plot.getViewBox()
    middle = float(np.mean(profile.plot.viewRange()[1]))
    scene = box.mapViewToScene(QPointF(position, middle))
    at = QPoint(profile.graphics.mapFromScene(scene))
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(profile.graphics.viewport(), left, none, at)
    settle(0.1)


def drawn(profile: Any) -> list[np.ndarray]:
    """Vertical values of the curves."""
    return [item.getData()[1] for item in profile.items if hasattr(item, "getData")]


def test_profile_of_a_line_scan(dock: FitPeaks, add_spectra: Add, qtbot) -> None:
    scan = xpsnet.sample("line_scan")
    scan = scan.assign_coords(etch_time=("position", np.arange(60) * 30.0, {"units": "s"}))
    add_spectra(dock.viewer, scan)
    profile = dock.map_tools.profile
    dock.map_tools.show_profile.click()
    assert "Fit all spectra" in profile.legend.text()
    fit_all(dock, qtbot)
    expected = xpsnet.profile(truth_of(scan))
    for name in ("area_percent", "center", "fwhm"):
        profile.quantity.setCurrentIndex(profile.quantity.findData(name))
        curves = drawn(profile)
        assert len(curves) == 3
        np.testing.assert_allclose(curves[0], expected[name].isel(peak=0))
    profile.quantity.setCurrentIndex(profile.quantity.findData("center"))
    assert len(profile.items) == 6  # with error bars
    click(profile, 100.0)
    assert dock.edit.pixel == {"position": 20}
    assert profile.here.value() == 100.0
    assert "position=20" in dock.view.editor.title.text()
    profile.along.setCurrentText("etch_time")
    click(profile, 899.0)
    assert dock.edit.pixel == {"position": 30}
    assert profile.plot.getAxis("bottom").labelText == "etch_time (s)"


def test_profile_follows_row_and_column_of_a_map(
    dock: FitPeaks, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    add_spectra(dock.viewer, small_map)
    fit_all(dock, qtbot)
    tools = dock.map_tools
    tools.show_profile.click()
    tools.profile.quantity.setCurrentIndex(tools.profile.quantity.findData("area"))
    truth = truth_of(small_map)["area"]
    for y in (1, 4):
        dock.view.pin({"y": y, "x": 2})
        np.testing.assert_allclose(drawn(tools.profile)[0], truth.isel(y=y, peak=0))
    tools.profile.along.setCurrentText("y")
    np.testing.assert_allclose(drawn(tools.profile)[0], truth.isel(x=2, peak=0))
    tools.show_profile.click()
    assert not tools.profile.isVisible()


def test_mean_of_a_shape_is_fitted(
    dock: FitPeaks, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    dock.engine = lambda _, spectra, *rest: xpsnet.predict(spectra, n_peaks=3)
    layer = add_spectra(dock.viewer, small_map)
    tools = dock.map_tools
    tools.mean.click()
    assert "Draw a rectangle" in dock.panel.message.text()
    corner = np.array([[0.5, 0.5], [0.5, 3.5], [2.5, 3.5], [2.5, 0.5]])
    world = corner * layer.scale[-2:] + layer.translate[-2:]
    dock.viewer.layers["region"].add_rectangles(world)
    tools.mean.click()
    qtbot.waitUntil(lambda: not dock.runner.busy)
    assert dock.layer.name == "C 1s: mean of 6 spectra"
    assert dock.view.peaks().sizes["peak"] == 3
    assert dock.view.spectrum({}).attrs["n_spectra"] == 6


def test_what_needs_a_fit_of_all_spectra_is_disabled(
    dock: FitPeaks, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    tools = dock.map_tools
    add_spectra(dock.viewer, small_map)
    assert not tools.mask.isEnabled()
    fit_all(dock, qtbot)
    assert tools.mask.isEnabled()
    assert tools.rgb.isEnabled()
    assert tools.masked.itemText(0) == "status: ok"
    tools.mask.click()
    assert dock.viewer.layers[-1].name == "C 1s: mask, status: ok"
    assert int(dock.viewer.layers[-1].data.sum()) == 30
    tools.rgb.click()
    assert "C 1s: red, C-C / C-H" in dock.viewer.layers


def test_a_lasso_in_the_scatter_plot_chooses_pixels(
    dock: FitPeaks, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    layer = add_spectra(dock.viewer, small_map)
    fit_all(dock, qtbot)
    tools = dock.map_tools
    tools.show_profile.click()
    tools.show_scatter.click()
    assert tools.scatter.isVisible()
    assert not tools.profile.isVisible()
    scatter = tools.scatter
    scatter.vertical.setCurrentText("area, C-C / C-H")
    scatter.horizontal.setCurrentText("center, C-C / C-H")
    settle(0.2)
    truth = truth_of(small_map)
    area = truth["area"].isel(peak=0)
    assert len(scatter.points.data) == 30
    (left, right), (bottom, _) = scatter.plot.viewRange()
    # In the widest gap between the areas, because the mouse moves by whole pixels.
    ordered = np.sort(area.values.ravel())
    widest = int(np.argmax(np.diff(ordered)))
    middle = float(ordered[widest : widest + 2].mean())
    corners = [(left, bottom), (right, bottom), (right, middle), (left, middle)]
    places = [
        scatter.graphics.mapFromScene(scatter.box.mapViewToScene(QPointF(*corner)))
        for corner in corners
    ]
    inset = [QPoint(2, -2), QPoint(-2, -2), QPoint(-2, 0), QPoint(2, 0)]
    places = [place + by for place, by in zip(places, inset, strict=True)]
    viewport = scatter.graphics.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        drag(viewport, place)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=places[-1])
    settle(0.1)
    mask = dock.viewer.layers[-1]
    assert "inside the lasso" in mask.name
    np.testing.assert_array_equal(mask.data.astype(bool), area.values < middle)
    np.testing.assert_allclose(mask.scale, layer.scale[1:])


def drag(viewport: Any, place: QPoint) -> None:
    """Move the mouse with the left button held."""
    left, no = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    at = QPointF(place)
    screen = QPointF(viewport.mapToGlobal(place))
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(viewport, QMouseEvent(QEvent.Type.MouseMove, at, screen, no, left, none))
    settle(0.05)


def test_both_lines_of_a_doublet_are_one_curve() -> None:
    scan = xpsnet.sample("line_scan")
    peaks = truth_of(scan)
    numbers = xr.DataArray([1, 1, 2], dims="peak")
    state = numbers.where(peaks["center"].notnull(), 0)
    found = pixel_profile(peaks.assign(state=state), scan, {"position": 3}, "position")
    area = peaks["area"].fillna(0.0).values
    np.testing.assert_allclose(found["area"].isel(peak=0), area[:, 0] + area[:, 1])
    assert found.sizes["peak"] == 2


def test_a_drag_over_a_histogram_chooses_pixels(
    dock: FitPeaks, small_map: xr.DataArray, add_spectra: Add, qtbot
) -> None:
    add_spectra(dock.viewer, small_map)
    fit_all(dock, qtbot)
    dock.map_tools.show_scatter.click()
    scatter = dock.map_tools.scatter
    scatter.horizontal.setCurrentText("area, C-C / C-H")
    scatter.vertical.setCurrentText(NUMBER)
    settle(0.2)
    assert not scatter.points.isVisible()
    assert "bars" in scatter.hint.text()
    area = truth_of(small_map)["area"].isel(peak=0).values
    ends, numbers = scatter.bars.getData()
    assert len(ends) == len(numbers) + 1
    assert int(numbers.sum()) == area.size
    for low, high, number in zip(ends[:-2], ends[1:-1], numbers[:-1], strict=True):
        assert number == np.sum((area >= low) & (area < high))
    assert scatter.plot.getAxis("left").labelText == NUMBER
    ordered = np.sort(area.ravel())
    widest = int(np.argmax(np.diff(ordered)))
    middle = float(ordered[widest : widest + 2].mean())
    (left, _), (bottom, top) = scatter.plot.viewRange()
    start, end = (
        scatter.graphics.mapFromScene(scatter.box.mapViewToScene(QPointF(x, 0.5 * (bottom + top))))
        for x in (left, middle)
    )
    viewport = scatter.graphics.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start + QPoint(2, 0))
    drag(viewport, end)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=end)
    settle(0.1)
    np.testing.assert_array_equal(dock.viewer.layers[-1].data.astype(bool), area < middle)
    scatter.vertical.setCurrentText("area, C-C / C-H")
    assert scatter.points.isVisible()
    assert not scatter.bars.isVisible()
