"""Seeded random actions of mouse, keys and buttons: no exception, and undo ends at the start."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import Hand, settle
from qtpy.QtCore import QPointF, Qt
from qtpy.QtTest import QTest
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet._regions import region_of
from napari_xpsnet._widget import FitPeaks

ACTIONS = 120
PARAMETERS = ("center", "fwhm", "area", "fraction", "height")
TEXTS = ("lock", "free", "", "= 1", "= peak 2 + 0.5 eV", "0.5 to 400", "to 300", "1.3", "285", "x")
KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab, Qt.Key.Key_Delete, Qt.Key.Key_Escape, Qt.Key.Key_Home,
)  # fmt: skip


class Actions:
    """What a person can do, chosen by a seeded generator."""

    def __init__(self, dock: FitPeaks, viewer: Any, layers: list[Any], seed: int) -> None:
        self.dock, self.viewer, self.layers = dock, viewer, layers
        self.rng = np.random.default_rng(seed)
        self.hand = Hand(dock.view.editor)
        self.log: list[str] = []

    def act(self) -> None:
        """Do one thing."""
        actions = [getattr(self, name) for name in dir(self) if name.startswith("do_")]
        action = actions[self.rng.integers(len(actions))]
        self.log.append(action.__name__)
        action()
        settle(0.01)

    def point(self) -> QPointF:
        """Somewhere on the plot."""
        size = self.hand.viewport.size()
        share = self.rng.uniform(0.1, 0.9, 2)
        return QPointF(share[0] * size.width(), share[1] * size.height())

    def choice(self, options: Any) -> Any:
        """One of several."""
        return options[self.rng.integers(len(options))]

    def do_drag(self) -> None:
        handles = self.dock.view.editor.handles
        handle = self.choice((handles.apex, *handles.flanks))
        start = self.hand.of(handle) if handle.isVisible() else self.point()
        self.hand.drag(start, tuple(self.rng.uniform(-80, 80, 2)))

    def do_drag_and_escape(self) -> None:
        start = self.hand.of(self.dock.view.editor.handles.apex)
        self.hand.press(start)
        self.hand.move(start, self.point())
        QTest.keyClick(self.dock.view.editor.plot.graphics, Qt.Key.Key_Escape)
        self.hand.release(self.point())

    def do_double_click(self) -> None:
        self.hand.double_click(self.point())

    def do_click(self) -> None:
        self.hand.click(self.point())

    def do_key(self) -> None:
        QTest.keyClick(self.dock.view.editor.plot.graphics, self.choice(KEYS))

    def do_undo(self) -> None:
        self.dock.stack.undo()

    def do_redo(self) -> None:
        self.dock.stack.redo()

    def do_type(self) -> None:
        rows = self.dock.view.table.rows
        if rows:
            peak = self.choice(rows).peak
            self.dock.view.edits.enter(peak, self.choice(PARAMETERS), self.choice(TEXTS))

    def do_doublet(self) -> None:
        self.dock.view.editor.doublet.click()

    def do_switch(self) -> None:
        rows = self.dock.view.table.rows
        if rows:
            self.dock.view.edits.enable(self.choice(rows).peak, bool(self.rng.integers(2)))

    def do_copy_paste(self) -> None:
        menu, rows = self.dock.view.editor.menu, self.dock.view.table.rows
        menu.copy(self.choice([None, *(row.peak for row in rows)]))
        menu.paste()

    def do_toolbar(self) -> None:
        editor = self.dock.view.editor
        buttons = (editor.reset, editor.range, editor.normalize, editor.log, editor.background,
                   editor.offset, editor.waterfall)  # fmt: skip
        self.choice(buttons).click()

    def do_layer(self) -> None:
        self.dock.regions.tree.chosen.emit(region_of(self.choice(self.layers)))

    def do_overlay(self) -> None:
        tree = self.dock.regions.tree
        item = tree.item_of(region_of(self.choice(self.layers)))
        item.setSelected(not item.isSelected())

    def do_fit(self) -> None:
        self.choice((self.dock.panel.fit, self.dock.panel.refine, self.dock.panel.to_all)).click()

    def do_live(self) -> None:
        self.dock.panel.live.click()

    def do_offset(self) -> None:
        self.dock.axis_form.offset.value = float(self.choice((0.0, 0.5, -1.25)))

    def do_scale(self) -> None:
        self.dock.set_scale(self.choice(("binding", "kinetic")))

    def do_pin(self) -> None:
        spectra = self.dock.layer.metadata["dataarray"]
        dims = [dim for dim in spectra.dims if dim != "energy"]
        self.dock.view.pin({dim: int(self.rng.integers(spectra.sizes[dim])) for dim in dims})

    def do_hover(self) -> None:
        self.dock.view.cursor.hovered.emit(None)

    def do_theme(self) -> None:
        self.viewer.theme = self.choice(("dark", "light"))


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
    actions = Actions(dock, viewer, layers, seed)
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
