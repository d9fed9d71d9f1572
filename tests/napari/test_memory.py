"""What is closed is gone from memory."""

import gc
import weakref
from typing import Any

from hand import settle
from qtpy.QtWidgets import QApplication
from truth_engine import TruthEngine

REPEATS = 3


def open_and_close(viewer: Any, engine: TruthEngine, qtbot: Any) -> list[weakref.ref[Any]]:
    """Open the dock, fit, close it; references that must be dead then."""
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    dock.engine = engine
    settle(0.2)
    with qtbot.waitSignal(dock.runner.finished, timeout=10_000):
        dock.panel.fit.click()
    settle(0.2)
    parts = (
        dock, dock.view, dock.view.editor, dock.view.plot, dock.view.table, dock.view.cursor,
        dock.panel, dock.form, dock.regions, dock.runner, dock.stack, dock.map_tools,
        dock.quantification, dock.identification, dock.sessions, dock.drops,
    )  # fmt: skip
    viewer.window.remove_dock_widget(dock.parent())
    return [weakref.ref(part) for part in parts]


def test_closed_dock_is_gone(viewer, layer, engine: TruthEngine, qtbot) -> None:
    open_and_close(viewer, engine, qtbot)
    settle(0.3)
    gc.collect()
    before = len(QApplication.allWidgets())
    references = []
    for _ in range(REPEATS):
        references += open_and_close(viewer, engine, qtbot)
        settle(0.3)
    gc.collect()
    assert len(QApplication.allWidgets()) <= before
    assert [one() for one in references if one() is not None] == []
