"""A user's session in a process of its own: run by test_scenario.py.

Opens the sample map, fits it with the shipped network, hovers, refines and cancels, sends
curves, closes. Prints one line per step; the last one lists what must not be there.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QPoint, Qt, QThreadPool
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from xpsnet.data.peaks import Status


def say(*words: Any) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def settle(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def wait_for(ready: Callable[[], Any], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError("the viewer did not get there")
        settle(0.02)


def canvas_of(viewer: Any) -> Any:
    """The widget that gets the mouse."""
    return viewer.window._qt_viewer.canvas.native


def main() -> None:
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1200, 900)
    (layer,) = viewer.open_sample("napari-xpsnet", "map")
    dock_widget, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    settle(0.5)
    say("opened", layer.data.shape)

    dock.form.where.value = "all spectra"
    dock.form.refine.value = False
    dock.panel.fit.click()
    wait_for(lambda: not dock.runner.busy)
    whole = dock.view.edit.content.whole
    say("fitted", int((whole["n_peaks"] > 0).sum()))
    dock.panel.maps.click()
    settle(0.3)

    canvas = canvas_of(viewer)
    titles = set()
    for x in range(canvas.width() // 3, 2 * canvas.width() // 3, 6):
        QTest.mouseMove(canvas, QPoint(x, canvas.height() // 2))
        settle(0.03)
        titles.add(dock.view.editor.title.text())
    say("hovered", len(titles) > 5)
    before = dict(dock.view.edit.pixel)
    QTest.mouseClick(
        canvas,
        Qt.MouseButton.LeftButton,
        pos=QPoint(canvas.width() // 2 + 30, canvas.height() // 3),
    )
    settle(0.2)
    say("pinned", dock.view.edit.pixel != before)

    dock.form.where.value = "this spectrum"
    dock.form.refine.value = True
    dock.panel.fit.click()
    wait_for(lambda: not dock.runner.busy)
    say("refined", bool(np.isfinite(dock.view.peaks()["center_stderr"]).any()))
    dock.panel.curves.click()
    settle(0.3)

    dock.form.where.value = "all spectra"
    dock.panel.fit.click()
    wait_for(lambda: dock.runner.job is None or dock.runner.job.progress[0] > 3)
    dock.panel.cancel.click()
    wait_for(lambda: not dock.runner.busy)

    def n_done() -> int:
        return int((dock.view.edit.content.whole["status"].values != Status.NOT_DONE).sum())

    # The window is free at once; what was finished by then arrives when the job has ended.
    wait_for(lambda: n_done() < whole["status"].size)
    say("cancelled", 3 < n_done() < whole["status"].size)

    dock.panel.fit.click()
    settle(0.3)
    dock_widget.destroyOnClose()
    settle(0.3)
    viewer.close()
    settle(0.3)
    threads = QThreadPool.globalInstance()
    wait_for(lambda: threads.activeThreadCount() == 0, 60.0)
    heavy = sorted({"tensorflow", "keras", "torch"} & set(sys.modules))
    say("left", heavy, multiprocessing.active_children())


if __name__ == "__main__":
    main()
