"""What a person can do with mouse, keys and buttons, chosen by a seeded generator."""

from typing import Any

import numpy as np
from hand import Hand, settle
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_xpsnet._regions import region_of
from napari_xpsnet._widget import FitPeaks

PARAMETERS = ("center", "fwhm", "area", "fraction", "height")
TEXTS = ("lock", "free", "", "= 1", "= peak 2 + 0.5 eV", "0.5 to 400", "to 300", "1.3", "285", "x")
KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab, Qt.Key.Key_Delete, Qt.Key.Key_Escape, Qt.Key.Key_Home,
)  # fmt: skip


class Actions:
    """One dock and what can be done with it.

    Parameters
    ----------
    dock : FitPeaks
    viewer : napari.Viewer
    layers : list of napari.layers.Image
        With spectra; none is removed.
    seed : int
    without : sequence of str
        Names of actions that are not done.
    """

    def __init__(
        self, dock: FitPeaks, viewer: Any, layers: list[Any], seed: int, without: Any = ()
    ) -> None:
        self.dock, self.viewer, self.layers = dock, viewer, layers
        self.rng = np.random.default_rng(seed)
        self.hand = Hand(dock.view.editor)
        self.log: list[str] = []
        names = (name for name in dir(self) if name.startswith("do_"))
        self.only = [name for name in names if name not in without]

    def act(self) -> None:
        """Do one thing."""
        action = getattr(self, self.choice(self.only))
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

    def do_move(self) -> None:
        canvas = self.viewer.window._qt_viewer.canvas.native
        for _ in range(5):
            share = self.rng.uniform(0.2, 0.8, 2)
            place = QPoint(int(share[0] * canvas.width()), int(share[1] * canvas.height()))
            QTest.mouseMove(canvas, place)
            settle(0.01)

    def do_zoom(self) -> None:
        at = self.point()
        turn = QPoint(0, int(self.choice((120, -120))))
        none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        screen = QPointF(self.hand.viewport.mapToGlobal(at.toPoint()))
        phase = Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(at, screen, QPoint(), turn, *none, phase, False)
        QApplication.sendEvent(self.hand.viewport, event)

    def do_cancel(self) -> None:
        self.dock.panel.cancel.click()

    def do_range(self) -> None:
        self.dock.form.limited.value = bool(self.rng.integers(2))

    def do_maps(self) -> None:
        panel = self.dock.panel
        panel.map_choice.setCurrentIndex(int(self.rng.integers(panel.map_choice.count())))
        panel.maps.click()

    def do_calibrate(self) -> None:
        form = self.dock.panel.calibrate
        form.energy.setValue(float(self.rng.uniform(284.0, 285.5)))
        form.where.setCurrentIndex(int(self.rng.integers(form.where.count())))
        form.button.click()

    def do_close_and_open(self) -> None:
        engine = self.dock.engine
        self.viewer.window.remove_dock_widget(self.dock.parent())
        settle(0.05)
        _, self.dock = self.viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
        self.dock.engine = engine
        settle(0.05)
        self.hand = Hand(self.dock.view.editor)

    def do_theme(self) -> None:
        self.viewer.theme = self.choice(("dark", "light"))
