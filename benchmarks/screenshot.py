"""Pictures of every state of the plugin's window, from the real viewer with a real mouse.

Run it on a computer with a screen, or without one:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/screenshot.py

That writes the pictures of README and guide to docs/images. With `--folder` it writes those of all
states to another folder, to look at: also in other sizes, in the light theme, or of some scenes.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/screenshot.py \\
        --folder pictures --size 1280x800 --theme light --scenes spectrum fit_a_map
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import xarray as xr
from PIL import Image
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu

import xpsnet
from napari_xpsnet import _preparation, _session_files
from napari_xpsnet._layers import spectra_layer
from napari_xpsnet._regions import Region, RegionFile, file_layer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "napari"))

from hand import Hand, drop  # noqa: E402

# Copies of the sessions must not be offered to the person who makes the pictures.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()

IMAGES = ROOT / "docs" / "images"
GUIDE = (
    "empty",
    "opened",
    "first_answer",
    "fitted",
    "drag",
    "editor",
    "menu",
    "doublet",
    "calibration",
    "export",
    "curve_layers",
    "regions",
    "waterfall",
    "profile",
    "viewer",
    "roi",
    "rgb",
    "scatter",
    "quantification",
    "identify",
    "survey_names",
    "misfit",
    "restore",
)
"""States whose pictures are in README and guide."""
SIZES = {"1280x800": (1280, 800), "1600x1000": (1600, 1000)}
FREQUENT = 64
"""Number of the most frequent colors that a palette has."""
JUST_SEEN = 24
"""Change of red, green or blue (of 255) that is not seen in a screenshot."""
LEFT = Qt.MouseButton.LeftButton
NO_KEY, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
PIXEL = {"y": 40, "x": 36}
"""A pixel with all three states of carbon."""
RECTANGLE = ((24, 20), (24, 44), (40, 44), (40, 20))
"""Corners of a region of interest in the sample map [pixels]."""
CHARGE = 0.4
"""Shift of a spectrum that is to be calibrated [eV]."""
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
    (2, "center", "= peak 1 + 1.66 eV"),
    (3, "fwhm", "= fwhm of peak 2"),
    (1, "fwhm", "lock"),
)
"""Number of the peak, column and text that is typed."""


def settle(seconds: float = 0.5) -> None:
    """Process the events of the window for some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def wait_for(ready: Callable[[], Any], seconds: float = 120.0) -> None:
    """Process the events of the window until something has happened."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing happened within {seconds:g} s")
        settle(0.05)


def compress(path: Path) -> None:
    """Make a PNG smaller; with a palette where that is not seen.

    The palette has the most frequent colors of the picture, those of texts and grounds, and beside
    them the best ones for all other pixels.
    """
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    pixels = np.reshape(picture, (-1, 3))
    colors, of_pixel, numbers = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    frequent = np.argsort(-numbers)[:FREQUENT]
    rest = pixels[~np.isin(of_pixel.ravel(), frequent)]
    taken = colors[frequent].astype(np.uint8).tobytes()
    if len(rest):
        alone, method = Image.fromarray(rest[None].astype(np.uint8)), Image.Quantize.MAXCOVERAGE
        others = alone.quantize(256 - FREQUENT, method=method)
        taken += bytes(others.getpalette() or [])[: 3 * (256 - FREQUENT)]
    palette = Image.new("P", (1, 1))
    palette.putpalette(taken)
    few = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    change = np.abs(np.subtract(picture, few.convert("RGB"), dtype=np.int16))
    (few if change.max() <= JUST_SEEN else picture).save(path, optimize=True)


class Window:
    """A viewer with the dock, and the pictures that are taken of it.

    Parameters
    ----------
    folder : Path
    size : (int, int)
        Width and height [pixels].
    theme : "dark" or "light"
    wanted : collection of str, optional
        Names of the pictures that are saved; by default all.
    """

    def __init__(self, folder: Path, size: tuple[int, int], theme: str, wanted: Any = None) -> None:
        self.folder, self.wanted, self.saved = folder, wanted, list[Path]()
        self.viewer = napari.Viewer(show_welcome_screen=False)
        self.viewer.theme = theme
        self.viewer.window.resize(*size)
        self.viewer.window._qt_window.move(0, 0)
        _, self.dock = self.viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
        settle(1.0)

    def take(self, name: str) -> None:
        """Save what the screen shows of the window, with everything that is open above it."""
        if self.wanted is not None and name not in self.wanted:
            return
        settle(1.0)
        window = self.viewer.window._qt_window
        at = window.mapToGlobal(QPoint(0, 0))
        path = self.folder / f"{name}.png"
        window.screen().grabWindow(0, at.x(), at.y(), window.width(), window.height()).save(
            str(path)
        )
        compress(path)
        self.saved.append(path)
        print(path, flush=True)

    def click(self, button: Any) -> None:
        """Click on a button."""
        QTest.mouseClick(button, LEFT)
        settle(0.2)

    def sample(self, name: str) -> None:
        """Open a sample."""
        self.viewer.open_sample("napari-xpsnet", name)
        settle()

    def add(self, spectra: xr.DataArray) -> Any:
        """Show spectra as a layer."""
        data, keywords, _ = spectra_layer(spectra)
        layer = self.viewer.add_image(data, **keywords)
        settle()
        return layer

    def fit(self, where: str = "this spectrum") -> None:
        """Press Fit and wait for the end."""
        self.dock.form.where.value = where
        self.click(self.dock.panel.fit)
        self.wait()

    def wait(self) -> None:
        """Wait for the end of a fit."""
        wait_for(lambda: not self.dock.runner.busy)

    def open_menu(self, row: int, name: str, column: str, entry: str = "") -> None:
        """Take a picture of the menu of a cell, and choose an entry of it."""
        view, table = self.dock.view.editor.table_view, self.dock.view.table
        place = view.visualRect(table.index(row, table.column_of(column))).center()

        def photograph() -> None:
            menu = QApplication.activePopupWidget()
            if not isinstance(menu, QMenu):
                raise RuntimeError("there is no menu")
            action = next((one for one in menu.actions() if one.text() == entry), None)
            if action is not None:
                menu.setActiveAction(action)
            self.take(name)
            menu.close()
            if action is not None:
                action.trigger()

        QTimer.singleShot(300, photograph)
        view.customContextMenuRequested.emit(place)
        settle()


Open = Callable[[], Window]


def restore(make: Open) -> None:
    """The empty window, with the offer to restore a session."""
    folder = _session_files.copies_folder()
    folder.mkdir(parents=True, exist_ok=True)
    xpsnet.write_session(
        folder / "lost.xps.nc", xpsnet.Session([xpsnet.SessionRegion(xpsnet.sample("spectrum"))])
    )
    window = make()
    window.take("restore")
    window.click(window.dock.sessions.bar.discard)
    window.take("empty")
    wait_for(_preparation.ENGINE.done.is_set)
    window.viewer.close()


def spectrum(make: Open) -> None:
    """One spectrum: opened, first answer, fitted, dragged, edited, calibrated, exported."""
    engine = _preparation.ENGINE
    wait_for(engine.done.is_set)
    ready, engine.done, engine.begun = engine.done, threading.Event(), time.monotonic()
    window = make()
    dock, editor = window.dock, window.dock.view.editor
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "polymer.vms"
        xpsnet.write(xpsnet.sample("spectrum").xps.shift(CHARGE), path)
        drop(editor, path)
        wait_for(lambda: dock.region is not None)
    window.take("opened")
    window.click(dock.panel.fit)
    wait_for(lambda: dock.view.peaks() is not None)
    window.take("first_answer")
    engine.done = ready
    window.wait()
    window.take("fitted")
    dock.panel.calibrate_part.expand(animate=False)
    settle()
    dock.panel.calibrate.energy.setValue(284.8)
    window.click(dock.panel.calibrate.button)
    window.take("calibration")
    dock.panel.calibrate_part.collapse(animate=False)
    hand = Hand(editor)
    hand.click(hand.apex_of(1))
    start = hand.of(editor.handles.apex)
    hand.press(start)
    hand.move(start, start + QPoint(40, 30))
    window.take("drag")
    editor.take_back()
    hand.release(start)
    for peak, column, text in EDITS:
        dock.view.edits.enter(peak, column, text)
    window.click(dock.panel.refine)
    window.wait()
    dock.edit.select(2)
    dock.panel.peak_set.expand(animate=False)
    editor.handles.hover(True)
    window.take("editor")
    window.open_menu(1, "menu", "center")
    dock.panel.peak_set.collapse(animate=False)
    dock.outputs.folder = Path("/data")
    window.click(dock.panel.export)
    settle(3.0)
    window.take("export")
    dock.outputs.dialog.reject()
    window.click(dock.panel.curves)
    settle(1.0)
    window.take("curve_layers")
    window.viewer.close()


def misfit(make: Open) -> None:
    """A fit with too few states, and a doublet that was made by hand."""
    window = make()
    window.sample("spectrum")
    window.dock.form.n_states.value = 1
    window.fit()
    window.take("misfit")
    silicon = xpsnet.sample("line_scan").isel(position=50, drop=True)
    window.add(silicon)
    top = float(silicon.energy[int(silicon.values.argmax())])
    window.dock.view.edits.add(top)
    settle()
    window.open_menu(0, "doublet_menu", "label", "Doublet")
    window.click(window.dock.panel.refine)
    window.wait()
    window.take("doublet")
    window.viewer.close()


def files(make: Open) -> None:
    """A file of three samples: one region laid over the others."""
    image = xpsnet.sample("map")
    line = xpsnet.sample("line_scan")
    several = []
    for k, name in enumerate(("as received", "after 10 min", "after 60 min")):
        carbon = image.isel(y=8 + 16 * k, x=36, drop=True)
        silicon = line.isel(position=4 + 24 * k, drop=True)
        several += [one.assign_attrs(sample=name) for one in (carbon, silicon)]
    window = make()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.vms"
        xpsnet.write(several, path)
        drop(window.dock.view.editor, path)
        wait_for(lambda: window.dock.region is not None)
    tree, editor = window.dock.regions.tree, window.dock.view.editor
    same = [one for one in window.dock.regions.files[0].regions if one.name == "C 1s"]
    for key, region in zip((NO_KEY, CTRL, CTRL), same, strict=True):
        place = tree.visualItemRect(tree.item_of(region)).center()
        QTest.mouseClick(tree.viewport(), LEFT, key, place)
        settle(0.2)
    for button in (editor.normalize, editor.offset):
        window.click(button)
    window.take("regions")
    window.viewer.close()


def line_scan(make: Open) -> None:
    """A line scan: all spectra above each other, and the shares of the areas along it."""
    window = make()
    window.sample("line_scan")
    dock = window.dock
    window.click(dock.view.editor.waterfall)
    window.take("waterfall")
    window.click(dock.view.editor.waterfall)
    window.fit("all spectra")
    dock.view.pin({"position": 36})
    dock.map_tools.section.expand(animate=False)
    settle()
    window.click(dock.map_tools.show_profile)
    window.take("profile")
    window.viewer.close()


def fit_a_map(make: Open) -> None:
    """A map: fitted and pinned, maps of parameters, scatter plot, colors, region of interest."""
    window = make()
    window.sample("map")
    dock, viewer = window.dock, window.viewer
    window.take("map_opened")
    window.fit("all spectra")
    dock.view.pin(PIXEL)
    window.take("map_fitted")
    window.click(dock.panel.maps)
    area = viewer.layers["C 1s: area, peak 1 [counts eV]"]
    for layer in viewer.layers:
        layer.visible = layer is area
    window.take("viewer")
    dock.map_tools.section.expand(animate=False)
    settle()
    window.click(dock.map_tools.show_scatter)
    window.take("scatter")
    window.click(dock.map_tools.show_scatter)
    window.click(dock.map_tools.rgb)
    window.take("rgb")
    window.click(dock.map_tools.mean)
    window.take("draw")
    step = np.array(viewer.layers[0].scale[-2:])
    viewer.layers["region"].add_rectangles(np.array(RECTANGLE) * step)
    dock.form.layer.value = viewer.layers[0]
    window.click(dock.map_tools.mean)
    window.wait()
    window.take("roi")
    window.viewer.close()


def quantification(make: Open) -> None:
    """The atomic percent of two regions of a map."""
    window = make()
    dock, viewer = window.dock, window.viewer
    carbon = xpsnet.sample("map").isel(y=slice(0, 24), x=slice(20, 44))
    oxygen = carbon.isel(y=slice(None, None, -1)).assign_coords(y=carbon.y)
    oxygen = oxygen.assign_coords(energy=carbon.energy + LEVEL_SHIFT).rename("O 1s")
    file = RegionFile("map.nc", [Region(carbon), Region(oxygen)])
    data, keywords, _ = file_layer(file)
    file.take_layer(viewer.add_image(data, **keywords))
    settle()
    for region in file.regions:
        dock.regions.show_region(region)
        settle()
        window.fit("all spectra")
    window.click(dock.quantification.button)
    dock.quantification.window.form.transmission.setCurrentText("power of the energy")
    window.click(dock.quantification.window.maps)
    window.take("quantification")
    dock.quantification.window.close()
    window.take("percent_maps")
    viewer.close()


def survey(make: Open) -> None:
    """The candidate elements of a simulated survey."""
    window = make()
    energy = np.arange(0.0, 1200.0, 0.5)
    counts = 2000 + energy
    for center, height in SURVEY:
        counts = counts + 8000 * height * np.exp(-(((energy - center) / 1.4) ** 2))
    attrs = {"scale": "binding", "photon_energy": 1486.6, "x_ray_source": "Al mono"}
    noisy = np.random.default_rng(1).poisson(counts).astype(float)
    window.add(xr.DataArray(noisy, {"energy": energy}, ["energy"], "survey", attrs))
    identification = window.dock.identification
    window.click(identification.button)
    buttons = identification.window.elements.buttons
    for symbol in ("Ca", "Cs", "Cs"):
        buttons[symbol].click()
    settle()
    wait_for(lambda: not identification.runner.busy)
    window.take("identify")
    screen = window.viewer.window._qt_window
    identification.window.move(0, screen.height())
    window.take("survey_names")
    window.viewer.close()


SCENES = (restore, spectrum, misfit, files, line_scan, fit_a_map, quantification, survey)
"""Each opens a window and takes the pictures of some states, one after another."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="for pictures of all states")
    parser.add_argument("--size", choices=sorted(SIZES), default="1280x800")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    names = [scene.__name__ for scene in SCENES]
    parser.add_argument("--scenes", choices=names, nargs="+", default=names)
    options = parser.parse_args()
    folder = options.folder or IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    wanted = None if options.folder else GUIDE
    napari.qt.get_qapp()
    _preparation.ENGINE.begin()
    for scene in SCENES:
        if scene.__name__ in options.scenes:
            scene(lambda: Window(folder, SIZES[options.size], options.theme, wanted))


if __name__ == "__main__":
    main()
