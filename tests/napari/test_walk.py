"""A first-time user's walk of the guide: from the drop of a file to a figure, every click counted.

`docs/guide/viewer.md` describes the same steps with the same numbers.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from hand import Hand, drop, settle
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu

import xpsnet
from napari_xpsnet._widget import FitPeaks

LEFT = Qt.MouseButton.LeftButton
SIZE = (1280, 800)
"""Of a small laptop: everything that the walk needs is on its screen."""
LONG = 300_000
"""Longest time for one step [ms]: the first fit on a machine compiles."""
MOST = 9
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "viewer.md"


class Clicks(QObject):
    """Counts the presses of the mouse in the whole application.

    A press that a widget leaves to its parent comes again, and is one click.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._last: tuple[Any, ...] = ()
        QApplication.instance().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Count a press where it arrives first."""
        if event.type() == QEvent.Type.MouseButtonPress and watched.isWidgetType():
            place = event.globalPosition()
            press = event.timestamp(), place.x(), place.y()
            self.count += press != self._last
            self._last = press
        return False

    def stop(self) -> None:
        """Count no longer."""
        QApplication.instance().removeEventFilter(self)


def click(button: Any) -> None:
    """Click on a button that is on the screen and enabled."""
    assert button.isVisible()
    assert button.isEnabled()
    assert not button.visibleRegion().isEmpty()
    QTest.mouseClick(button, LEFT)
    settle()


@pytest.fixture
def clicks():
    found = Clicks()
    yield found
    found.stop()


def test_from_the_drop_to_the_figure_in_nine_clicks(
    make_napari_viewer, clicks: Clicks, qtbot, tmp_path: Path
) -> None:
    file = tmp_path / "polymer.vms"
    xpsnet.write(xpsnet.sample("spectrum").xps.shift(0.4), file)
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(*SIZE)

    # 1 and 2: Plugins > Fit peaks (XPSNet).
    window = viewer.window._qt_window
    bar, plugins = window.menuBar(), viewer.window.plugins_menu
    QTest.mouseClick(bar, LEFT, pos=bar.actionGeometry(plugins.menuAction()).center())
    choose(plugins, "Fit peaks")
    qtbot.waitUntil(lambda: dock_of(viewer) is not None, timeout=LONG)
    dock = dock_of(viewer)
    settle(0.3)
    assert (window.width(), window.height()) == SIZE
    assert clicks.count == 2

    # 3: drop the file; the button of the mouse is held and let go once.
    editor = dock.view.editor
    drop(editor, file)
    qtbot.waitUntil(lambda: dock.region is not None, timeout=LONG)
    drops = 1

    # 4: Fit.
    with qtbot.waitSignal(dock.runner.finished, timeout=LONG):
        click(dock.panel.fit)
    qtbot.waitUntil(lambda: dock.view.peaks() is not None, timeout=LONG)
    settle(0.3)
    assert dock.view.table.rowCount() == 3

    # 5 and 6: Calibrate. The box has 284.8 eV for the first peak already.
    click(dock.panel.calibrate_part.toggleButton())
    button = dock.panel.calibrate.button
    qtbot.waitUntil(lambda: button.height() >= button.sizeHint().height(), timeout=LONG)
    settle()
    click(button)
    assert float(dock.view.peaks()["center"][0]) == pytest.approx(284.8, abs=1e-6)

    # 7: Export...; the name of the file is typed; 8: Export.
    click(dock.panel.export)
    dialog = dock.outputs.dialog
    qtbot.waitUntil(lambda: not dialog.preview.picture.isNull(), timeout=LONG)
    figure = tmp_path / "figure.pdf"
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(figure))
    click(dialog.export)
    assert figure.read_bytes().startswith(b"%PDF")

    assert clicks.count + drops == 8
    assert clicks.count + drops <= MOST
    steps = re.findall(r"^\| (\d) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(step) for step in steps] == [*range(1, clicks.count + drops + 1)]


def dock_of(viewer: Any) -> FitPeaks | None:
    """The dock of a window."""
    found = [getattr(one, "native", one) for one in viewer.window.dock_widgets.values()]
    return next((one for one in found if isinstance(one, FitPeaks)), None)


def choose(menu: QMenu, text: str) -> None:
    """Click on an entry of an open menu, also where it is in a submenu."""
    settle()
    for action in menu.actions():
        if action.text().startswith(text):
            QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())
            settle()
            return
    raise AssertionError([action.text() for action in menu.actions()])


def test_a_window_of_1280_pixels_holds_everything(dock: FitPeaks, viewer, hand: Hand) -> None:
    viewer.window.resize(*SIZE)
    settle(0.3)
    assert viewer.window._qt_window.width() == SIZE[0]
    # Beside a line scan with other regions laid over it, which has the longest toolbar.
    dock.view.editor.offer_overlay(others=True, series=True)
    settle(0.3)
    assert viewer.window._qt_window.minimumSizeHint().width() <= SIZE[0]
