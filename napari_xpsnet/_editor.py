"""The main area: toolbar, plot with handles, table of the peaks; mouse and keys become edits."""

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QSize, Qt, Signal, Slot
from qtpy.QtGui import QKeyEvent, QKeySequence, QUndoStack
from qtpy.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import qthrottled

from napari_xpsnet._colors import ACCENT
from napari_xpsnet._edit_state import Shown
from napari_xpsnet._handles import Move, PeakHandles
from napari_xpsnet._peak_edits import PeakEdits
from napari_xpsnet._peak_menu import PeakMenu
from napari_xpsnet._peak_table import PeakTable, make_view
from napari_xpsnet._plot import SpectrumPlot
from napari_xpsnet._texts import Line

FRAME = 16
"""Least time between two curves while a handle is dragged [ms]."""
UNDO_KEYS, REDO_KEYS = ("Ctrl+Z",), ("Ctrl+Shift+Z", "Ctrl+Y")
FASTER = 10.0
"""Factor of the arrow keys with Shift."""
TOOL_STYLE = f"""
QToolButton {{ padding: 2px; border-radius: 3px; }}
QToolButton:hover {{ border: 1px solid {ACCENT}; }}
QToolButton:checked {{ background: {ACCENT}; color: white; }}
"""
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
HINT = (
    "Double click in the plot to add a peak. Drag its handles: apex for center and height (Shift: "
    "only center, Ctrl: only height), flanks for the FWHM. Delete removes it, Tab selects the "
    "next, arrows move it (Shift: ten times as far), Esc takes a drag back."
)


class Editor(QWidget):
    """Plot and table of one spectrum.

    Parameters
    ----------
    edits : PeakEdits
        Does what mouse and keys ask for.
    stack : QUndoStack
        Of the window.

    Signals
    -------
    shown_changed : Shown
        The user changed how the spectrum is drawn.
    range_wanted : bool
        The user switched the range on or off.
    """

    shown_changed = Signal(object)
    range_wanted = Signal(bool)

    def __init__(self, edits: PeakEdits, stack: QUndoStack) -> None:
        super().__init__()
        self.edits = edits
        self.yields_keys: Callable[[], bool] = lambda: False
        self.empty: QWidget | None = None
        self.plot = SpectrumPlot()
        self.handles = PeakHandles(self.plot)
        self.table = PeakTable(self)
        self.table_view = make_view(self.table)
        self.menu = PeakMenu(self.table_view, self.table, edits)
        self.title, self.status = Line(), Line()
        self.undo, self.redo = stack.createUndoAction(self), stack.createRedoAction(self)
        self.reset = _button("reset", "Show the whole spectrum", checkable=False)
        self.range = _button("range", "Fit only a range: drag its ends")
        self.normalize = _button("norm.", "Normalize: divide by the maximum")
        self.log = _button("log", "Logarithmic vertical axis")
        self.background = _button(
            "background", "Show the background before there is a fit, drawn from the data"
        )
        self.offset = _button("offset", "Shift overlaid spectra upwards")
        self.waterfall = _button(
            "waterfall", "Show all spectra of this line scan or depth profile, one above the other"
        )
        self.legend = _button("legend", "Show the names of the curves")
        self.legend.setChecked(True)
        self.add = QPushButton("Add peak")
        self.delete = QPushButton("Delete")
        self.doublet = QPushButton("Doublet")
        # Before the dock asks for room: it would keep that of all buttons as its least width.
        self.offer_overlay(others=False, series=False)
        self._explain()
        self._arrange()
        self._connect()
        self.share_keys()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt
        """Size at which the dock opens."""
        return QSize(900, 520)

    def _explain(self) -> None:
        """Tooltips."""
        self.plot.graphics.setToolTip("")
        self.add.setToolTip("Add a peak where the peaks leave most; or double click in the plot")
        self.delete.setToolTip("Delete the selected peak (Delete)")
        self.doublet.setToolTip(
            "Add the other line of the doublet to the selected peak: splitting and ratio of the "
            "areas follow from the name of the region"
        )
        self.status.setToolTip(HINT)

    def _arrange(self) -> None:
        """Title and toolbar, plot, table, buttons."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(2)
        top = QHBoxLayout()
        top.setSpacing(3)
        top.addWidget(self.title, 1)
        for action, text in ((self.undo, "\u21b6"), (self.redo, "\u21b7")):
            action.setIconText(text)
            step = _button(text, "", checkable=False)
            step.setDefaultAction(action)
            top.addWidget(step)
        for button in self._tools():
            top.addWidget(button)
        layout.addLayout(top)
        lower = QWidget()
        below = QVBoxLayout(lower)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(2)
        below.addWidget(self.table_view, 1)
        row = QHBoxLayout()
        row.setSpacing(3)
        for widget in (self.add, self.delete, self.doublet):
            row.addWidget(widget)
        row.addWidget(self.status, 1)
        below.addLayout(row)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(self.plot)
        self.splitter.addWidget(lower)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.setChildrenCollapsible(False)
        layout.addWidget(self.splitter, 1)
        for area in (self.plot.graphics, self.table_view):
            # A file that is dropped here is for the whole editor.
            area.setAcceptDrops(False)
            area.viewport().setAcceptDrops(False)
        self.plot.graphics.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.graphics.setFrameShape(QFrame.Shape.NoFrame)

    def add_empty_state(self, empty: QWidget) -> None:
        """Give the widget that is shown in place of plot and table while there are no spectra."""
        self.empty = empty
        self.layout().addWidget(empty, 1)
        self.show_empty(False)

    def show_empty(self, empty: bool) -> None:
        """Show plot and table, or what to do where there are no spectra."""
        self.splitter.setVisible(not empty)
        if self.empty is not None:
            self.empty.setVisible(empty)

    def share_height(self, rows: int) -> None:
        """Give the table room for this number of peaks, and the plot the rest."""
        row = self.table_view.verticalHeader().defaultSectionSize()
        table = row * rows + self.table_view.horizontalHeader().height() + 4
        table += self.table_view.horizontalScrollBar().sizeHint().height()
        low = table + self.add.sizeHint().height() + self.splitter.handleWidth()
        self.splitter.setSizes([max(self.splitter.height() - low, 1), low])

    def _tools(self) -> tuple[QToolButton, ...]:
        """Buttons of the toolbar from left to right."""
        views = (
            self.normalize,
            self.log,
            self.offset,
            self.waterfall,
            self.background,
            self.legend,
        )
        return (self.reset, self.range, *views)

    def _connect(self) -> None:
        """Connect widgets and edits."""
        for button in self._tools()[2:]:
            button.clicked.connect(self._report_shown)
        self.range.clicked.connect(self.range_wanted)
        self.reset.clicked.connect(self.plot.reset_view)
        self.add.clicked.connect(lambda: self.edits.add_at_residual())
        self.delete.clicked.connect(lambda: self.edits.remove(self.edits.selected))
        self.doublet.clicked.connect(lambda: self.edits.make_doublet(self.edits.selected))
        self.table.entered.connect(self.edits.enter)
        self.table.switched.connect(self.edits.enable)
        self.table_view.selectionModel().currentChanged.connect(self._choose_row)
        self.table_view.installEventFilter(self)
        self.handles.started.connect(self.edits.start_drag)
        self.handles.moved.connect(self._note_move)
        self.handles.finished.connect(self._finish_drag)
        self.handles.chosen.connect(self._choose)
        self._drag = qthrottled(self._apply_move, timeout=FRAME)
        self._pending: Move | None = None
        QApplication.instance().focusChanged.connect(self.share_keys)
        scene = self.plot.graphics.scene()
        scene.sigMouseClicked.connect(self._click)
        self.plot.graphics.installEventFilter(self)
        self.plot.graphics.viewport().installEventFilter(self)

    @Slot()
    def share_keys(self, *_: Any) -> None:
        """Undo and redo for the whole window; on the canvas a Labels layer has its own."""
        focus = QApplication.focusWidget()
        ours = focus is not None and self.isAncestorOf(focus)
        for action, keys in ((self.undo, UNDO_KEYS), (self.redo, REDO_KEYS)):
            free = ours or not self.yields_keys()
            action.setShortcuts([QKeySequence(key) for key in keys if free])

    def shown(self) -> Shown:
        """How the toolbar says that spectra are drawn."""
        return Shown(
            normalized=self.normalize.isChecked(),
            log=self.log.isChecked(),
            legend=self.legend.isChecked(),
            background=self.background.isChecked(),
            offset=self.offset.isChecked(),
            waterfall=self.waterfall.isChecked(),
        )

    def show_toolbar(self, shown: Shown, *, limited: bool) -> None:
        """Show the settings of another spectrum."""
        for button, checked in (
            (self.normalize, shown.normalized),
            (self.log, shown.log),
            (self.legend, shown.legend),
            (self.background, shown.background),
            (self.offset, shown.offset),
            (self.waterfall, shown.waterfall),
            (self.range, limited),
        ):
            button.setChecked(checked)

    def offer_overlay(self, *, others: bool, series: bool) -> None:
        """Show the buttons for several spectra where there are several."""
        self.offset.setVisible(others)
        self.waterfall.setVisible(series)

    def _report_shown(self) -> None:
        """Report how spectra shall be drawn."""
        self.shown_changed.emit(self.shown())

    def show_selected(self, peak: int | None) -> None:
        """Mark a peak in plot and table."""
        edit = self.edits.edit
        self.plot.select(peak)
        self.handles.show(None if edit is None else edit.peaks(), peak)
        row = self.table.row_of(peak)
        current = self.table_view.currentIndex()
        if row < 0:
            self.table_view.clearSelection()
        elif current.row() != row:
            column = current.column() if current.isValid() else self.table.column_of("center")
            self.table_view.setCurrentIndex(self.table.index(row, column))
        for button in (self.delete, self.doublet):
            button.setEnabled(peak is not None)

    def _choose_row(self, index: Any, _: Any = None) -> None:
        """Select the peak of a row."""
        if index.isValid() and self.edits.edit is not None:
            self._choose(self.table.rows[index.row()].peak)

    def _choose(self, peak: int) -> None:
        """Select a peak."""
        if self.edits.edit is not None:
            self.edits.edit.select(peak)

    def _note_move(self, move: Move) -> None:
        """Keep the newest move; the curves follow once per frame."""
        self._pending = move
        self._drag()

    def _apply_move(self) -> None:
        """Draw the newest move."""
        move, self._pending = self._pending, None
        if move is not None:
            self.edits.drag(move)

    def _finish_drag(self) -> None:
        """Make the drag a step of undo."""
        self._apply_move()
        self.edits.end_drag()
        self.plot.release_view()

    def take_back(self) -> bool:
        """End a drag without a change; False where there is none."""
        if not self.handles.dragging:
            return False
        self.handles.stop()
        self._pending = None
        self.edits.take_back()
        self.plot.release_view()
        return True

    def _click(self, event: Any) -> None:
        """Add a peak with a double click; select one with a click on its area."""
        box = self.plot.main.getViewBox()
        if event.button() != Qt.MouseButton.LeftButton or event.isAccepted():
            return
        if not box.sceneBoundingRect().contains(event.scenePos()):
            return
        point = box.mapSceneToView(event.scenePos())
        if event.double():
            event.accept()
            self.edits.add(float(point.x()))
            return
        peak = self._peak_at(float(point.x()), float(point.y()))
        if peak is not None:
            event.accept()
            self._choose(peak)

    def _peak_at(self, energy: float, view: float) -> int | None:
        """The peak whose area covers a point of the plot; of several the highest there."""
        curves = self.plot.curves
        if curves is None:
            return None
        index = int(np.argmin(np.abs(curves.energy - energy)))
        height = self.plot.counts.to_counts(view) - float(curves.background[index])
        here = np.nan_to_num(curves.component[:, index])
        covers = (here >= height) & (here > 0) & (height > 0)
        if not covers.any():
            return None
        return int(np.argmax(np.where(covers, here, -np.inf))) + 1

    def eventFilter(self, watched: Any, event: QEvent) -> bool:  # noqa: N802 - Qt
        """Keys of plot and table; ghosts while the mouse is in the plot."""
        kind = event.type()
        if watched is self.plot.graphics.viewport():
            if kind in (QEvent.Type.Enter, QEvent.Type.Leave):
                self.handles.hover(kind == QEvent.Type.Enter)
            return False
        # Napari has shortcuts for some of these keys; the plot takes them first.
        if kind == QEvent.Type.ShortcutOverride and self._is_ours(event, watched):
            event.accept()
            return True
        if kind == QEvent.Type.KeyPress and self._is_ours(event, watched):
            return self._press(event)
        return False

    def _is_ours(self, event: QEvent, watched: Any) -> bool:
        """Whether a key means an edit here; arrows in the table move its cursor."""
        if not isinstance(event, QKeyEvent):
            return False
        own = {Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Escape}
        if watched is self.plot.graphics:
            own |= {Qt.Key.Key_Tab, Qt.Key.Key_Backtab, *ARROWS}
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            own = {Qt.Key.Key_C, Qt.Key.Key_V, Qt.Key.Key_Z, Qt.Key.Key_Y}
        return event.key() in own  # not every key has a name

    def _press(self, event: QKeyEvent) -> bool:
        """Do what a key means."""
        key = event.key()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in ARROWS:
            self.edits.nudge(*ARROWS[key], factor=FASTER if shift else 1.0)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.edits.remove(self.edits.selected)
        elif key == Qt.Key.Key_Escape:
            return self.take_back()
        elif key in (Qt.Key.Key_Z, Qt.Key.Key_Y):
            # Also where the dock floats, which has no shortcuts of the main window.
            (self.redo if shift or key == Qt.Key.Key_Y else self.undo).trigger()
        elif key == Qt.Key.Key_C:
            self.menu.copy()
        elif key == Qt.Key.Key_V:
            self.menu.paste()
        else:
            self.edits.select_next(-1 if shift or key == Qt.Key.Key_Backtab else 1)
        return True


def _button(text: str, tip: str, *, checkable: bool = True) -> QToolButton:
    """Button of the toolbar."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setStyleSheet(TOOL_STYLE)
    return button
