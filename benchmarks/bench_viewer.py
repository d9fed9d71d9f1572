"""How many spectra a second the viewer draws while the mouse moves, and how long a fit stops it.

Question: do curves, residual and chi-square follow the hand? Two cases, with real mouse events in
the real window: a handle is dragged on a single spectrum, and the mouse moves over a fitted map.
The third case, `gap`, fits a map of 128 x 128 spectra for some time and states how long the window
did not answer: the longest time between two ticks of a timer of 10 ms.
Counted are paint events of the plot; the mouse sends a new position as soon as the events of the
last one are done, so that the rate is the highest that the computer gives. On a computer that does
other work as well, the time of the main thread says what a quiet one would give.

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/bench_viewer.py
"""

import argparse
import time
from typing import Any

import napari
import numpy as np
import xarray as xr
from qtpy.QtCore import QEvent, QObject, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

import xpsnet
from napari_xpsnet._layers import spectra_layer

SIZE = (1560, 960)


class Paints(QObject):
    """Counts the paint events of a widget."""

    def __init__(self, widget: Any) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt
        """Count."""
        self.count += event.type() == QEvent.Type.Paint
        return False


def settle(seconds: float) -> None:
    """Process events for some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def fit(dock: Any, where: str) -> None:
    """Fit and wait."""
    dock.form.where.value = where
    dock.panel.fit.click()
    while dock.runner.busy:
        settle(0.05)
    settle(0.5)


def open_viewer(sample: str) -> tuple[Any, Any]:
    """A viewer with a sample and the dock."""
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-xpsnet", sample)
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    settle(1.0)
    return viewer, dock


def drag_rate(seconds: float) -> tuple[float, float]:
    """Curves a second while the apex of a peak is dragged, and main thread [s] for each."""
    viewer, dock = open_viewer("spectrum")
    fit(dock, "this spectrum")
    dock.edit.select(1)
    settle(0.3)
    plot = dock.view.editor.plot
    viewport = plot.graphics.viewport()
    apex = dock.view.editor.handles.apex.pos()
    scene = plot.main.getViewBox().mapViewToScene(QPointF(apex.x(), apex.y()))
    start = QPointF(plot.graphics.mapFromScene(scene))
    left, no = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton

    def send(kind: QEvent.Type, at: QPointF, button: Any, held: Any) -> None:
        screen = QPointF(viewport.mapToGlobal(at.toPoint()))
        event = QMouseEvent(kind, at, screen, button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(viewport, event)

    QTest.mouseMove(viewport, start.toPoint())
    settle(0.2)
    send(QEvent.Type.MouseButtonPress, start, left, left)
    curves, paints = [0], Paints(viewport)
    dock.edit.previewed.connect(lambda: curves.__setitem__(0, curves[0] + 1))
    begin, begin_cpu = time.monotonic(), time.thread_time()
    number = 0
    while time.monotonic() - begin < seconds:
        number += 1
        send(QEvent.Type.MouseMove, start + QPointF(number % 60 - 30, number % 40), no, left)
        QApplication.processEvents()
    count = max(min(curves[0], paints.count), 1)
    rate, cpu = count / (time.monotonic() - begin), (time.thread_time() - begin_cpu) / count
    send(QEvent.Type.MouseButtonRelease, start, left, no)
    settle(0.3)
    viewer.close()
    return rate, cpu


def hover_rate(seconds: float) -> tuple[float, float]:
    """Spectra a second while the mouse moves over a fitted map, and main thread [s] for each."""
    viewer, dock = open_viewer("map")
    fit(dock, "all spectra")
    canvas = viewer.window._qt_viewer.canvas.native
    paints = Paints(dock.view.editor.plot.graphics.viewport())
    shown = [0]
    dock.view.shown.connect(lambda: shown.__setitem__(0, shown[0] + 1))
    begin, begin_cpu = time.monotonic(), time.thread_time()
    number = 0
    while time.monotonic() - begin < seconds:
        number += 1
        x = canvas.width() // 2 + (3 * number) % 200 - 100
        QTest.mouseMove(canvas, QPoint(x, canvas.height() // 2 + (5 * number) % 120 - 60))
        QApplication.processEvents()
    count = max(min(shown[0], paints.count), 1)
    rate, cpu = count / (time.monotonic() - begin), (time.thread_time() - begin_cpu) / count
    viewer.close()
    return rate, cpu


def gaps(seconds: float) -> tuple[float, float]:
    """Longest and 99 % longest time between two ticks [s] while a map of 128 x 128 is fitted."""
    viewer, dock = open_viewer("spectrum")
    fit(dock, "this spectrum")  # compiles
    tile = xpsnet.sample("map").drop_vars(["y", "x"])
    large = xr.concat([xr.concat([tile, tile], "x")] * 2, "y").transpose("y", "x", "energy")
    large.attrs = dict(tile.attrs)
    data, keywords, _ = spectra_layer(large)
    viewer.layers.selection.active = viewer.add_image(data, **keywords)
    dock.form.where.value = "all spectra"
    settle(1.0)
    ticks: list[float] = []
    timer = QTimer(interval=10)
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start()
    dock.panel.fit.click()
    end = time.monotonic() + seconds
    while dock.runner.busy and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.002)
    timer.stop()
    dock.panel.cancel.click()
    while dock.runner.busy:
        settle(0.05)
    viewer.close()
    times = np.diff(ticks)
    return float(times.max()), float(np.percentile(times, 99))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="duration of each case")
    parser.add_argument("--case", choices=["drag", "hover", "gap", "all"], default="all")
    options = parser.parse_args()
    for name, measure in (("drag", drag_rate), ("hover", hover_rate)):
        if options.case in (name, "all"):
            rate, cpu = measure(options.seconds)
            print(f"{name}: {rate:.1f} spectra/s, {1e3 * cpu:.0f} ms of the main thread for each")
    if options.case in ("gap", "all"):
        longest, usual = gaps(options.seconds)
        print(f"gap: longest {1e3 * longest:.0f} ms, 99 % below {1e3 * usual:.0f} ms")


if __name__ == "__main__":
    main()
