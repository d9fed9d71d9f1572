"""The pixel under the mouse is reported at once, and not more often than once a frame."""

from types import SimpleNamespace
from typing import Any

import xarray as xr
from napari.components import ViewerModel

from napari_xpsnet import _cursor
from napari_xpsnet._cursor import FRAME, Cursor


def test_first_move_is_reported_without_a_wait(
    qtbot: Any, small_map: xr.DataArray, add_spectra: Any, monkeypatch: Any
) -> None:
    now = [100.0]
    monkeypatch.setattr(_cursor.time, "monotonic", lambda: now[0])
    viewer = ViewerModel()
    layer = add_spectra(viewer, small_map)
    cursor = Cursor(viewer)
    cursor.follow(layer)
    move = SimpleNamespace(is_dragging=False, position=tuple(layer.translate))
    with qtbot.waitSignal(cursor.hovered, timeout=1000) as heard:
        cursor._on_move(viewer, move)
        assert cursor._timer.interval() == 0
    assert heard.args == [{"y": 0, "x": 0}]
    cursor._on_move(viewer, move)
    assert cursor._timer.interval() == FRAME
    cursor._timer.stop()
    now[0] += 2e-3 * FRAME
    cursor._on_move(viewer, move)
    assert cursor._timer.interval() == 0
    cursor.release()
