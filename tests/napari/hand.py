"""A hand on the spectrum plot: real mouse events at energies and counts."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

NONE = Qt.KeyboardModifier.NoModifier
STEPS = 5


def settle(seconds: float = 0.05) -> None:
    """Process the events of the window for some time, as its own loop would.

    Without a loop that runs, Qt deletes what `deleteLater` was called for only on request.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        time.sleep(0.002)


def drop(widget: Any, *paths: Path) -> bool:
    """Drop files on a widget; whether they were accepted."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    given = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, NONE
    # Qt gives a drop to the widget that has accepted the drag.
    enter = QDragEnterEvent(widget.rect().center(), *given)
    QApplication.sendEvent(widget, enter)
    event = QDropEvent(QPointF(widget.rect().center()), *given)
    QApplication.sendEvent(widget, event)
    return enter.isAccepted() and event.isAccepted()


class Hand:
    """Presses, moves and releases the mouse in a plot.

    Parameters
    ----------
    editor : Editor
        The main area of the dock.
    """

    def __init__(self, editor: Any) -> None:
        self.editor, self.plot = editor, editor.plot
        self.viewport = self.plot.graphics.viewport()

    def pixel(self, energy: float, view: float) -> QPointF:
        """Place on the widget of a point of the plot; vertically in units of the axis."""
        scene = self.plot.main.getViewBox().mapViewToScene(QPointF(energy, view))
        return QPointF(self.plot.graphics.mapFromScene(scene))

    def of(self, handle: Any) -> QPointF:
        """Place of a handle on the widget."""
        return self.pixel(handle.pos().x(), handle.pos().y())

    def apex_of(self, peak: int) -> QPointF:
        """Place of the maximum of a peak on its background."""
        curves = self.plot.curves
        top = curves.component[peak - 1] + curves.background
        index = int(np.argmax(curves.component[peak - 1]))
        return self.pixel(curves.energy[index], float(self.plot.counts.to_view(top[index])))

    def send(self, kind: QEvent.Type, at: QPointF, modifiers: Any = NONE) -> None:
        """Send one mouse event."""
        left, no = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        moving = kind == QEvent.Type.MouseMove
        held = no if kind == QEvent.Type.MouseButtonRelease else left
        screen = QPointF(self.viewport.mapToGlobal(at.toPoint()))
        event = QMouseEvent(kind, at, screen, no if moving else left, held, modifiers)
        QApplication.sendEvent(self.viewport, event)

    def press(self, at: QPointF, modifiers: Any = NONE) -> None:
        """Press the left button."""
        QTest.mouseMove(self.viewport, at.toPoint())
        settle()
        self.send(QEvent.Type.MouseButtonPress, at, modifiers)

    def move(self, start: QPointF, end: QPointF, modifiers: Any = NONE) -> None:
        """Move with the button held."""
        for step in np.linspace(0.0, 1.0, STEPS + 1)[1:]:
            self.send(QEvent.Type.MouseMove, start + (end - start) * float(step), modifiers)
            settle(0.03)

    def release(self, at: QPointF, modifiers: Any = NONE) -> None:
        """Release the button."""
        self.send(QEvent.Type.MouseButtonRelease, at, modifiers)
        settle()

    def drag(self, start: QPointF, by: Sequence[float], modifiers: Any = NONE) -> None:
        """Drag from a place by pixels to the right and down."""
        end = start + QPointF(*by)
        self.press(start, modifiers)
        self.move(start, end, modifiers)
        self.release(end, modifiers)

    def click(self, at: QPointF) -> None:
        """Click."""
        self.press(at)
        self.release(at)

    def double_click(self, at: QPointF) -> None:
        """Click twice."""
        self.click(at)
        self.send(QEvent.Type.MouseButtonDblClick, at)
        self.release(at)
        settle(0.1)

    def energies_per_pixel(self) -> float:
        """Width of a pixel [eV], with the sign of the axis."""
        one, two = (self.plot.main.getViewBox().mapSceneToView(QPointF(x, 50)).x() for x in (0, 1))
        return two - one
