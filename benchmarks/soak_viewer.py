"""Seeded random actions in the real window for minutes: no exception, no crash, flat memory.

Question: does a window that is used all day stay sound? Mouse, keys and buttons are those of
`tests/napari/random_actions.py`: hover, click, drag, zoom, switch region, fit, cancel, undo, redo,
edits of the table, offset, calibration, maps, theme, dock closed and opened; fits are those of the
library and go on while the next actions happen. Printed are, every 50 actions, the memory of the
process and the numbers of layers and of widgets; every exception (also of threads and
notifications of napari); and how much the memory grows for each 100 actions after the first 300.
napari keeps 4 MB for each layer, so that the memory steps up where maps are shown for the first
time: all maps of both samples are shown beforehand, unless single kinds of actions are repeated.

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/soak_viewer.py
    ... python benchmarks/soak_viewer.py --kinds theme,close_and_open --actions 100 --minutes 1
"""

import argparse
import faulthandler
import gc
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QApplication

import xpsnet
from napari_xpsnet._layers import spectra_layer
from napari_xpsnet._preparation import ENGINE
from napari_xpsnet._regions import region_of

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "napari"))

from hand import settle
from random_actions import Actions

SIZE = (1300, 850)
EVERY, FIRST = 50, 300
PAGE = 4096


def memory() -> float:
    """Memory of this process [MB]."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


class Faults:
    """Everything that went wrong, with the number of the action."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.action = 0
        sys.excepthook = self.note
        threading.excepthook = lambda given: self.note(given.exc_type, given.exc_value, None)
        notification_manager.notification_ready.connect(self.note_notification)

    def note(self, kind: Any, value: Any, trace: Any) -> None:
        """Keep one exception."""
        text = "".join(traceback.format_exception(kind, value, trace or value.__traceback__))
        self.found.append(f"action {self.action}: {text}")
        print(self.found[-1], flush=True)

    def note_notification(self, notification: Any) -> None:
        """Keep an error that napari shows."""
        if str(notification.severity).lower().endswith("error"):
            self.found.append(f"action {self.action}: {notification.message}")
            print(self.found[-1], flush=True)


def open_all(viewer: Any) -> list[Any]:
    """Layers of a spectrum, a line scan and a map."""
    samples = [
        xpsnet.sample("spectrum"),
        xpsnet.sample("line_scan").isel(position=slice(20, 28)),
        xpsnet.sample("map").isel(y=slice(30, 38), x=slice(30, 38)),
    ]
    layers = []
    for sample in samples:
        data, keywords, _ = spectra_layer(sample)
        layers.append(viewer.add_image(data, **keywords))
    return layers


def show_all_maps(dock: Any, layers: list[Any]) -> None:
    """Fit all samples and show all maps."""
    for layer in layers:
        dock.regions.tree.chosen.emit(region_of(layer))
        settle(0.2)
        if not dock.edit.pixel:
            continue
        dock.form.where.value = "all spectra"
        dock.panel.fit.click()
        while dock.runner.busy:
            settle(0.1)
        dock.panel.map_choice.setCurrentIndex(dock.panel.map_choice.count() - 1)
        dock.panel.maps.click()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="", help="only these, such as theme,close_and_open")
    parser.add_argument("--log", action="store_true", help="print the name of every action")
    options = parser.parse_args()
    faulthandler.enable()
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*SIZE)
    layers = open_all(viewer)
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    while not ENGINE.done.is_set():
        settle(0.1)
    faults = Faults()
    actions = Actions(dock, viewer, layers, options.seed)
    if options.kinds:
        actions.only = [f"do_{name}" for name in options.kinds.split(",")]
    else:
        show_all_maps(dock, layers)
    share = 60.0 * options.minutes / options.actions
    begin, sizes = time.monotonic(), [memory()]
    print("actions   time [s]   memory [MB]   layers   widgets   faults", flush=True)
    for number in range(1, options.actions + 1):
        faults.action = number
        if options.log:
            print(f"  {number}: after {actions.log[-1:]}", flush=True)
        try:
            actions.act()
        except Exception as error:
            faults.note(type(error), error, error.__traceback__)
            print(f"  after: {', '.join(actions.log[-5:])}", flush=True)
        settle(max(begin + share * number - time.monotonic(), 0.01))
        if number % EVERY == 0:
            sizes.append(memory())
            spent = time.monotonic() - begin
            parts = len(viewer.layers), len(QApplication.allWidgets()), len(faults.found)
            numbers = "".join(f"{one:9d}" for one in parts)
            print(f"{number:7d} {spent:10.0f} {sizes[-1]:13.0f}{numbers}", flush=True)
    late = np.array(sizes[FIRST // EVERY :])
    if late.size > 1:
        slope = np.polyfit(np.arange(late.size), late, 1)[0] * 100 / EVERY
        print(f"after {FIRST} actions {slope:+.1f} MB for each 100; faults: {len(faults.found)}")
    viewer.close()
    sys.exit(bool(faults.found))


if __name__ == "__main__":
    main()
