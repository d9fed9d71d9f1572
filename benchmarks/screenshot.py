"""Pictures of the plugin for README and documentation, from the real viewer.

Run it on a computer with a screen, or without one:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/screenshot.py

It opens the sample map, fits all of its spectra, pins one, and writes docs/images/viewer.png and
docs/images/curve_layers.png.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import QApplication

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = (1560, 960)
PIXEL = {"y": 40, "x": 36}
"""A pixel with all three states of carbon."""
ENERGY = 286.5
"""Energy of the slider [eV]; there its label covers no point."""


def settle(seconds: float = 0.5) -> None:
    """Process the events of the window for some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def wait_for(ready: Callable[[], bool], seconds: float = 900.0) -> None:
    """Process the events of the window until something has happened."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing happened within {seconds:g} s")
        settle(0.05)


def fit(dock: Any, where: str, *, refine: bool) -> None:
    """Press Fit and wait for the end."""
    dock.form.where.value = where
    dock.form.refine.value = refine
    dock.panel.fit.click()
    wait_for(lambda: not dock.runner.busy)


def take_pictures(folder: Path) -> list[Path]:
    """Use the viewer as a user does, and save pictures of it."""
    folder.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-xpsnet", "map")
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    settle()
    dock.view.pin(PIXEL)
    fit(dock, "all spectra", refine=True)
    dock.panel.maps.click()
    fit(dock, "this spectrum", refine=True)
    area = viewer.layers["C 1s: area, peak 1"]
    viewer.layers.selection = {area}
    for layer in viewer.layers:
        layer.visible = layer is area
    dock.view.cursor.set_energy(ENERGY)
    settle(1.0)
    pictures = [folder / "viewer.png", folder / "curve_layers.png"]
    viewer.screenshot(str(pictures[0]), canvas_only=False, flash=False)
    dock.panel.curves.click()
    curves = dock.outputs.curve_viewer
    curves.window.resize(*SIZE)
    settle(1.0)
    curves.reset_view()
    settle()
    curves.screenshot(str(pictures[1]), canvas_only=False, flash=False)
    curves.close()
    viewer.close()
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=IMAGES, help="where the pictures go")
    for picture in take_pictures(parser.parse_args().folder):
        print(picture)


if __name__ == "__main__":
    main()
