"""Pictures of the plugin for README and documentation, from the real viewer.

Run it on a computer with a screen, or without one:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/screenshot.py

It opens the sample map, fits all of its spectra, pins one, and writes docs/images/viewer.png; then
the sample spectrum with two links for docs/images/editor.png, docs/images/export.png and
docs/images/curve_layers.png.
Then the sample line scan with its profile for docs/images/profile.png, two regions of a map for
docs/images/quantification.png, and a simulated survey for docs/images/identify.png.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import xarray as xr
from qtpy.QtWidgets import QApplication

from napari_xpsnet._layers import spectra_layer
from napari_xpsnet._regions import Region, RegionFile, file_layer

# Copies of the sessions must not be offered to the person who makes the pictures.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = (1560, 960)
PIXEL = {"y": 40, "x": 36}
"""A pixel with all three states of carbon."""
ENERGY = 286.5
"""Energy of the slider [eV]; there its label covers no point."""

LEVEL_SHIFT = 247.0
"""From C 1s to O 1s, a second region for the quantification [eV]."""
# fmt: off
SURVEY = (
    (285.0, 1.0), (530.0, 2.9), (978.0, 0.6), (103.3, 0.6), (154.3, 0.6), (458.7, 1.2),
    (464.4, 0.6), (565.0, 0.3), (37.5, 0.1), (1022.0, 1.5), (1045.0, 0.75), (690.0, 0.4),
)
# fmt: on
"""Energies [eV] and heights of the lines of a simulated survey."""
EDITS = (
    (1, "label", "C-C / C-H"),
    (2, "label", "C-O"),
    (3, "label", "O-C=O"),
    (2, "center", "= peak 1 + 1.7 eV"),
    (3, "fwhm", "= fwhm of peak 2"),
)
"""Number of the peak, column and text that is typed."""


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


def open_dock(sample: str) -> tuple[Any, Any]:
    """A viewer with a sample and the dock."""
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-xpsnet", sample)
    _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
    settle()
    return viewer, dock


def picture_of_a_map(path: Path) -> None:
    """A fitted map with one spectrum pinned."""
    viewer, dock = open_dock("map")
    dock.view.pin(PIXEL)
    fit(dock, "all spectra", refine=True)
    dock.panel.maps.click()
    fit(dock, "this spectrum", refine=True)
    area = viewer.layers["C 1s: area, peak 1 [counts eV]"]
    viewer.layers.selection = {area}
    for layer in viewer.layers:
        layer.visible = layer is area
    dock.view.cursor.set_energy(ENERGY)
    settle(1.0)
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    viewer.close()


def pictures_of_a_spectrum(editor: Path, export: Path, curves: Path) -> None:
    """A fit that was edited, the dialog that exports it, and its curves as layers."""
    viewer, dock = open_dock("spectrum")
    fit(dock, "this spectrum", refine=True)
    for peak, column, text in EDITS:
        dock.view.edits.enter(peak, column, text)
    dock.panel.refine.click()
    wait_for(lambda: not dock.runner.busy)
    dock.edit.select(2)
    dock.panel.peak_set.expand(animate=False)
    dock.view.editor.handles.hover(True)
    settle(1.0)
    viewer.screenshot(str(editor), canvas_only=False, flash=False)
    dock.outputs.folder = Path("/data")
    dock.panel.export.click()
    settle(3.0)
    dock.outputs.dialog.grab().save(str(export))
    dock.outputs.dialog.reject()
    dock.panel.curves.click()
    settle(2.0)
    viewer.screenshot(str(curves), canvas_only=False, flash=False)
    viewer.close()


def picture_of_a_profile(path: Path) -> None:
    """The shares of the areas along a fitted line scan."""
    viewer, dock = open_dock("line_scan")
    fit(dock, "all spectra", refine=True)
    dock.view.pin({"position": 36})
    dock.map_tools.section.expand(animate=False)
    dock.map_tools.show_profile.click()
    settle(1.0)
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    viewer.close()


def picture_of_a_quantification(path: Path) -> None:
    """The atomic percent of two regions of a map."""
    viewer, dock = open_dock("map")
    carbon = dock.region.as_read.isel(y=slice(0, 24), x=slice(20, 44))
    oxygen = carbon.isel(y=slice(None, None, -1)).assign_coords(y=carbon.y)
    oxygen = oxygen.assign_coords(energy=carbon.energy + LEVEL_SHIFT).rename("O 1s")
    file = RegionFile("map.nc", [Region(carbon), Region(oxygen)])
    data, keywords, _ = file_layer(file)
    viewer.layers.clear()
    file.take_layer(viewer.add_image(data, **keywords))
    settle()
    for region in file.regions:
        dock.regions.show_region(region)
        settle()
        fit(dock, "all spectra", refine=True)
    dock.quantification.open()
    dock.quantification.window.form.transmission.setCurrentText("power of the energy")
    settle(1.0)
    dock.quantification.window.grab().save(str(path))
    viewer.close()


def picture_of_candidates(path: Path) -> None:
    """The candidate elements of a simulated survey."""
    viewer, dock = open_dock("spectrum")
    energy = np.arange(0.0, 1200.0, 0.5)
    counts = 2000 + energy
    for center, height in SURVEY:
        counts = counts + 8000 * height * np.exp(-(((energy - center) / 1.4) ** 2))
    survey = xr.DataArray(
        np.random.default_rng(1).poisson(counts).astype(float),
        {"energy": energy},
        ["energy"],
        "survey",
        {"scale": "binding", "photon_energy": 1486.6, "x_ray_source": "Al mono"},
    )
    data, keywords, _ = spectra_layer(survey)
    viewer.layers.clear()
    viewer.add_image(data, **keywords)
    settle()
    identification = dock.identification
    identification.open()
    buttons = identification.window.elements.buttons
    for symbol in ("Ca", "Cs", "Cs"):
        buttons[symbol].click()
    settle()
    wait_for(lambda: not identification.runner.busy)
    settle()
    identification.window.grab().save(str(path))
    viewer.close()


def take_pictures(folder: Path) -> list[Path]:
    """Use the viewer as a user does, and save pictures of it."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("viewer", "editor", "export", "curve_layers", "profile", "quantification", "identify")
    pictures = [folder / f"{name}.png" for name in names]
    picture_of_a_map(pictures[0])
    pictures_of_a_spectrum(*pictures[1:4])
    picture_of_a_profile(pictures[4])
    picture_of_a_quantification(pictures[5])
    picture_of_candidates(pictures[6])
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=IMAGES, help="where the pictures go")
    for picture in take_pictures(parser.parse_args().folder):
        print(picture)


if __name__ == "__main__":
    main()
