"""Time until a VAMAS file of many regions is open, and from a click to the drawn region.

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/bench_regions.py

It writes a file of 9 samples with 6 regions each into a temporary folder, opens it in the viewer
beside the open dock, as a drop does, and clicks on every region of the tree. A time ends when the
window has processed its events.
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


def open_file(viewer: Any, path: Path) -> float:
    """Time to open a file [s]."""
    start = time.monotonic()
    viewer.open(str(path), plugin="napari-xpsnet")
    QApplication.processEvents()
    return time.monotonic() - start


def click_all(dock: Any) -> list[float]:
    """Times from a click in the tree to the drawn region [s]."""
    tree = dock.regions.tree
    times = []
    for file in dock.regions.files:
        for region in file.regions:
            tree.scrollToItem(tree.item_of(region))
            place = tree.visualItemRect(tree.item_of(region)).center()
            settle(0.05)
            start = time.monotonic()
            QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
            QApplication.processEvents()
            times.append(time.monotonic() - start)
            if dock.region is not region:
                raise RuntimeError(f"{region.title} was clicked, but is not shown")
    return times


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
        seconds = open_file(viewer, path)
        number = options.samples * len(LEVELS)
        print(f"{number} regions of {options.points} points, first file: {seconds:.2f} s")
        seconds = open_file(viewer, path)
        print(f"the same file again: {seconds:.2f} s")
        times = np.array(click_all(dock))
    median, worst = 1e3 * np.median(times), 1e3 * times.max()
    print(f"click to drawn region: median {median:.0f} ms, worst {worst:.0f} ms")
    viewer.close()


if __name__ == "__main__":
    main()
