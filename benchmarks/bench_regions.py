"""Time until a VAMAS file of many regions is open, and from a click to the drawn region.

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/bench_regions.py

It writes a file of 9 samples with 6 regions each into a temporary folder, opens it in the viewer
beside the open dock, as a drop does, and clicks on every region of the tree. A time ends when the
window has processed its events. On a computer that does other things at the same time, the time of
the processor says more than that of the clock.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS / "io" / "files"), str(TESTS / "napari")]

from region_files import LEVELS, write_regions  # noqa: E402

SIZE = (1560, 960)


def settle(seconds: float = 0.5) -> None:
    """Process the events of the window for some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def now() -> np.ndarray:
    """Time of the clock and of the processor [s]."""
    return np.array([time.monotonic(), time.process_time()])


def open_file(viewer: Any, path: Path) -> np.ndarray:
    """Time to open a file [s]: clock, processor."""
    start = now()
    viewer.open(str(path), plugin="napari-xpsnet")
    QApplication.processEvents()
    return now() - start


def click_all(dock: Any) -> np.ndarray:
    """Times from a click in the tree to the drawn region [s], shape (regions, 2)."""
    tree = dock.regions.tree
    times = []
    for file in dock.regions.files:
        for region in file.regions:
            tree.scrollToItem(tree.item_of(region))
            place = tree.visualItemRect(tree.item_of(region)).center()
            settle(0.05)
            start = now()
            QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
            QApplication.processEvents()
            times.append(now() - start)
            if dock.region is not region:
                raise RuntimeError(f"{region.title} was clicked, but is not shown")
    return np.array(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=9, help="with 6 regions each")
    parser.add_argument("--points", type=int, default=401, help="of each region")
    options = parser.parse_args()
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*SIZE)
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    settle(1.0)
    samples = [f"sample {number + 1}" for number in range(options.samples)]
    with tempfile.TemporaryDirectory() as folder:
        path = write_regions(Path(folder) / "many.vms", samples, points=options.points)
        number = options.samples * len(LEVELS)
        for name in ("first file", "the same file again"):
            clock, processor = open_file(viewer, path)
            print(f"{number} regions of {options.points} points, {name}: {clock:.2f} s", end=" ")
            print(f"({processor:.2f} s of the processor)")
        clock, processor = 1e3 * np.median(click_all(dock), axis=0)
    print(f"click to drawn region, median: {clock:.0f} ms ({processor:.0f} ms of the processor)")
    viewer.close()


if __name__ == "__main__":
    main()
