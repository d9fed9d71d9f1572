"""Sessions in files: save, open, keep a copy every minute, offer it after a crash.

The copy lies in the folder for data of the user, under a name of its own for every window. Beside
it lies a lock file of Qt with the number of the process: where the lock is stale, the process has
ended without taking its copy away.
"""

import atexit
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from qtpy.QtCore import QLockFile, QObject, QStandardPaths, Qt, QTimer, Signal
from qtpy.QtGui import QAction, QGuiApplication, QKeySequence
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_xpsnet import _map_regions, _maps
from napari_xpsnet._regions import Region, files_of, parts_of
from napari_xpsnet._session import VIEW, make_session, session_layers
from napari_xpsnet._worker import sentence

SUFFIX = ".xps.nc"
FILTER = f"XPS session (*{SUFFIX})"
INTERVAL = 60_000
"""Time between two copies [ms], where something has changed."""
SETTLE = 300
"""Time after which the camera is set, when the layers have their places [ms]."""
SAVED = "Saved the session as {name}."
LEFT = " Not saved, because their energy scale is unknown: {names}."
EXISTS = "{name} exists already: choose it in the dialog to replace it."
NOTHING = "There are no spectra to save yet."
SCRIPT = "The Python code of the session is in the clipboard."
LOST = "napari ended without closing the session of {when} ({name})."


def copies_folder() -> Path:
    """Folder of the copies, in that for data of the user."""
    kind = QStandardPaths.StandardLocation.GenericDataLocation
    return Path(QStandardPaths.writableLocation(kind)) / "napari-xpsnet" / "sessions"


class SessionBar(QWidget):
    """Buttons of the session, and the offer to restore one."""

    def __init__(self) -> None:
        super().__init__()
        self.save = QPushButton("Save session")
        self.open = QPushButton("Open session...")
        self.script = QPushButton("Session as Python")
        self.save.setToolTip(
            "Save spectra, ranges, fits, calibration and view of all regions in one file (Ctrl+S)"
        )
        self.open.setToolTip("Open a session with its fits and the same view")
        self.script.setToolTip("Copy Python code that makes the whole session again")
        self.offer = QWidget()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.restore = QPushButton("Restore")
        self.discard = QPushButton("Discard")
        inside = QVBoxLayout(self.offer)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.text)
        inside.addLayout(_row(self.restore, self.discard))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.offer)
        layout.addLayout(_row(self.save, self.open, self.script))
        self.offer.setVisible(False)


class SessionCopy:
    """The copy of one window: written in a thread, taken away when nothing can be lost any more.

    Parameters
    ----------
    path : Path
    failed : callable
        Takes a sentence, in the thread that writes.
    """

    def __init__(self, path: Path, failed: Callable[[str], None]) -> None:
        self.path, self._failed = path, failed
        self._writer: threading.Thread | None = None
        self._lock: QLockFile | None = None

    @property
    def busy(self) -> bool:
        """Whether a copy is being written."""
        return self._writer is not None and self._writer.is_alive()

    def start(self, session: Any) -> None:
        """Write a session.

        Raises
        ------
        OSError
            Where there can be no folder for it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            self._lock = _lock_of(self.path)
            self._lock.tryLock(0)
            atexit.register(self.drop)
        # No daemon: Python then waits for the thread before h5py, imported in it, takes down what
        # it needs to write. A daemon would write on without that, and fail inside h5py.
        self._writer = threading.Thread(target=self._write, args=(session,), name="xpsnet copy")
        self._writer.start()

    def _write(self, session: Any) -> None:
        """Write the copy; runs in the thread."""
        import xpsnet

        try:
            xpsnet.write_session(self.path, session, overwrite=True)
        except (OSError, ValueError) as error:
            # The window may be gone, and its signals with it.
            with suppress(RuntimeError):
                self._failed(sentence(error))

    def wait(self) -> None:
        """Wait until the copy is written."""
        if self._writer is not None:
            self._writer.join()

    def drop(self) -> None:
        """Take the copy away."""
        self.wait()
        self.path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None
            atexit.unregister(self.drop)


class SessionKeeper(QObject):
    """Saves and opens sessions of one window.

    Parameters
    ----------
    dock : FitPeaks
    say : callable
        Shows a sentence: the text, and whether it is a problem.

    Signals
    -------
    opened : no arguments
        A session was opened and is shown.
    """

    opened = Signal()
    _written = Signal(str)

    def __init__(self, dock: Any, say: Callable[..., None]) -> None:
        super().__init__(dock)
        self.dock, self.viewer, self.say = dock, dock.viewer, say
        self.bar = SessionBar()
        self.path: Path | None = None
        self._changed = False
        self._copy = SessionCopy(copies_folder() / f"{uuid4().hex}{SUFFIX}", self._written.emit)
        self._lost: tuple[Path, QLockFile] | None = None
        self._replaced: list[tuple[QAction, Any]] = []
        self._action = QAction("Save session", self)
        self._action.setShortcut(QKeySequence(QKeySequence.StandardKey.Save))
        self._action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        self._timer = QTimer(self, interval=INTERVAL)
        self._connect()
        self._timer.start()
        self._offer_lost()
        QTimer.singleShot(0, self._show_pending)

    def _connect(self) -> None:
        """Connect buttons and everything that changes the session."""
        self.bar.save.clicked.connect(self.save)
        self.bar.open.clicked.connect(self.ask_open)
        self.bar.script.clicked.connect(self.copy_script)
        self.bar.restore.clicked.connect(self.restore_lost)
        self.bar.discard.clicked.connect(self.discard_lost)
        self._action.triggered.connect(self.save)
        self._timer.timeout.connect(self.keep_copy)
        self._written.connect(self._report)
        self.dock.stack.indexChanged.connect(self._note)
        self.dock.runner.finished.connect(self._after_fit)
        self.dock.regions.shown.connect(self._add_maps)
        self.viewer.layers.events.inserted.connect(self._follow_layer)
        self.viewer.layers.events.removed.connect(self._note)

    def take_key(self) -> None:
        """Take Ctrl+S from the command of napari that saves the selected layers, while we live."""
        window = self.dock.view.editor.window()
        if not isinstance(window, QMainWindow) or self._action in window.actions():
            return
        wanted = self._action.shortcut()
        for action in menu_actions(window.menuBar().actions()):
            if action is not self._action and wanted in action.shortcuts():
                self._replaced.append((action, action.shortcuts()))
                action.setShortcuts([key for key in action.shortcuts() if key != wanted])
        window.addAction(self._action)

    def session(self) -> Any:
        """The session as it is now, and the names of regions that cannot be kept."""
        files = files_of(self.viewer)
        maps: dict[str, list[str]] = {}
        for file in files:
            for region in file.regions:
                shown = [one.metadata.get("variable") for one in parts_of(self.viewer, [region])]
                names = dict.fromkeys([*region.shown_maps, *filter(None, shown)])
                maps[region.key] = list(names)
        return make_session(files, self._view(), maps)

    def _view(self) -> dict[str, Any]:
        """What the window shows, as plain values."""
        files, region = files_of(self.viewer), self.dock.region
        active = next((k for k, one in enumerate(files) if region in one.regions), None)
        camera = _camera(self.viewer)
        return {
            "active": active,
            "scale": self.dock.regions.scale,
            "live": self.dock.panel.live.isChecked(),
            "theme": str(self.viewer.theme),
            "camera": {
                "center": [float(one) for one in camera.center],
                "zoom": float(camera.zoom),
                "angles": [float(one) for one in camera.angles],
            },
            "step": [int(one) for one in self.viewer.dims.current_step],
            "identification": self.dock.identification.values(files),
            "quantification": self.dock.quantification.values(files),
        }

    def save(self) -> None:
        """Save the session in its file; ask for a name the first time."""
        from xpsnet.io.stores.session import session_path

        path = self.path
        if not files_of(self.viewer):
            self.say(NOTHING)
            return
        if path is None:
            start = f"{self._name()}{SUFFIX}"
            typed, _ = QFileDialog.getSaveFileName(self.dock, "Save session", start, FILTER)
            if not typed:
                return
            path = session_path(typed)
            # The dialog has asked about the name that was typed, and about no other.
            if path != Path(typed) and path.exists():
                self.say(EXISTS.format(name=path.name), problem=True)
                return
        self.save_as(path)

    def save_as(self, path: Path) -> bool:
        """Write the session into a file; whether that succeeded."""
        import xpsnet

        session, left = self.session()
        try:
            self.path = xpsnet.write_session(path, session, overwrite=True)
        except (OSError, ValueError) as error:
            self.say(sentence(error), problem=True)
            return False
        self._changed = False
        self._copy.drop()
        names = LEFT.format(names=", ".join(left)) if left else ""
        self.say(SAVED.format(name=self.path.name) + names, problem=bool(left))
        return True

    def _name(self) -> str:
        """Name for a new file: that of the first file of spectra."""
        names = [file.name for file in files_of(self.viewer) if file.name]
        return Path(names[0]).stem.replace("/", "-") if names else "session"

    def ask_open(self) -> None:
        """Ask for a session and open it."""
        path, _ = QFileDialog.getOpenFileName(self.dock, "Open session", "", FILTER)
        if path and self.open(Path(path)):
            self.path = Path(path)

    def open(self, path: Path) -> bool:
        """Add the layers of a session and show what it showed; whether that succeeded."""
        try:
            layers = session_layers(str(path))
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.say(sentence(error), problem=True)
            return False
        for data, keywords, _ in layers:
            self.viewer.add_image(data, **keywords)
        self._show_pending()
        return True

    def _follow_layer(self, event: Any = None) -> None:
        """Notice a new layer, perhaps that of a session that was dropped."""
        self._note()
        if VIEW in event.value.metadata:
            QTimer.singleShot(0, self._show_pending)

    def _show_pending(self) -> None:
        """Show what a session showed whose layers were added."""
        for layer in list(self.viewer.layers):
            view = layer.metadata.pop(VIEW, None)
            if view is not None:
                self._show(view, len(view.get("files", [])) or 1)

    def _show(self, view: Any, number: int) -> None:
        """Show the files that were added last as their session showed them."""
        files = files_of(self.viewer)[-number:]
        if view.get("path") and len(files) == len(files_of(self.viewer)):
            self.path = self.path or Path(view["path"])
        self.dock.reset_choices()
        if view.get("scale") in ("binding", "kinetic"):
            self.dock.regions.scale = view["scale"]
        self.dock.panel.live.setChecked(bool(view.get("live", False)))
        self.dock.identification.restore(view.get("identification", {}), files)
        self.dock.quantification.restore(view.get("quantification", {}), files)
        for file in files:
            self._add_maps(file.active)
        active = view.get("active")
        if isinstance(active, int) and 0 <= active < len(files):
            self.dock.show_region(files[active].active)
            self.dock.refresh_region()
        QTimer.singleShot(SETTLE, lambda: self._place_camera(view))
        self._changed = False
        self.opened.emit()

    def _add_maps(self, region: Region) -> None:
        """Add the maps that a session showed of a region, once the region is shown."""
        whole = None if region.state is None else region.state.content.whole
        if whole is None or region.layer is None or not region.shown_maps:
            return
        variables, region.shown_maps = region.shown_maps, []
        for variable in variables:
            if variable == _map_regions.RGB:
                _map_regions.show_rgb(self.viewer, region.layer, whole)
            elif variable == _maps.COMPOSITION:
                self.dock.show_region(region)
                self.dock.quantification.refresh()
                self.dock.quantification.show_maps()
            else:
                _maps.show_maps(self.viewer, region.layer, whole, variable)

    def _place_camera(self, view: Any) -> None:
        """Look where the session looked."""
        found, step = view.get("camera"), view.get("step")
        if self.dock.is_closed or not isinstance(found, dict):
            return
        if step and len(step) == self.viewer.dims.ndim:
            self.viewer.dims.current_step = tuple(step)
        camera = _camera(self.viewer)
        camera.center, camera.zoom = tuple(found["center"]), found["zoom"]
        camera.angles = tuple(found["angles"])

    def copy_script(self) -> None:
        """Copy Python code that makes the session again."""
        import xpsnet

        session, _ = self.session()
        try:
            QGuiApplication.clipboard().setText(xpsnet.session_script(session))
        except ValueError as error:
            self.say(sentence(error), problem=True)
        else:
            self.say(SCRIPT)

    def _note(self, event: Any = None) -> None:
        """Remember that something has changed."""
        self._changed = True

    def _after_fit(self, *_: Any) -> None:
        """Keep a copy of every fit, once the dock has taken it."""
        self._note()
        QTimer.singleShot(0, self.keep_copy)

    def keep_copy(self) -> None:
        """Write a copy in a thread, if something has changed since the last one."""
        if not self._changed or self._copy.busy or self.dock.is_closed:
            return
        if not files_of(self.viewer):
            return
        try:
            session, _ = self.session()
            self._copy.start(session)
        except (OSError, ValueError) as error:
            self.say(sentence(error), problem=True)
            return
        self._changed = False

    def _report(self, problem: str) -> None:
        """Say why there is no copy."""
        if not self.dock.is_closed:
            self.say(problem, problem=True)

    def wait(self) -> None:
        """Wait until the copy is written."""
        self._copy.wait()

    def _offer_lost(self) -> None:
        """Offer the newest copy whose process has ended without taking it away."""
        folder = copies_folder()
        copies = sorted(folder.glob(f"*{SUFFIX}"), key=_modified, reverse=True)
        for path in copies:
            lock = _lock_of(path)
            if path != self._copy.path and lock.tryLock(0):
                self._lost = path, lock
                when = time.strftime("%Y-%m-%d %H:%M", time.localtime(_modified(path)))
                size = f"{max(_size(path) // 1024, 1)} kB"
                self.bar.text.setText(LOST.format(when=when, name=size))
                self.bar.offer.setVisible(True)
                return

    def restore_lost(self) -> None:
        """Open the copy that a crash has left."""
        if self._lost is not None and self.open(self._lost[0]):
            self.path = None
            self._note()
            self.keep_copy()
            self.discard_lost()

    def discard_lost(self) -> None:
        """Delete the copy that a crash has left, and offer the next one."""
        if self._lost is None:
            return
        path, lock = self._lost
        path.unlink(missing_ok=True)
        lock.unlock()
        self._lost = None
        self.bar.offer.setVisible(False)
        self._offer_lost()

    def release(self) -> None:
        """Give the key back, take the copy away and listen no more."""
        self._timer.stop()
        self.viewer.layers.events.inserted.disconnect(self._follow_layer)
        self.viewer.layers.events.removed.disconnect(self._note)
        for action, keys in self._replaced:
            action.setShortcuts(keys)
        self._replaced = []
        self._action.setShortcut(QKeySequence())
        self._action.deleteLater()
        if self._lost is not None:
            self._lost[1].unlock()
            self._lost = None
        self._copy.drop()


def _lock_of(path: Path) -> QLockFile:
    """Lock file of a copy; stale only where its process has ended."""
    lock = QLockFile(f"{path}.lock")
    lock.setStaleLockTime(0)
    return lock


def _modified(path: Path) -> float:
    """Time of the last change of a file; 0 where it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    """Size of a file [bytes]."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def menu_actions(actions: Any) -> Iterator[QAction]:
    """Commands of menus and of the menus in them."""
    for action in actions:
        yield action
        if action.menu() is not None:
            yield from menu_actions(action.menu().actions())


def _camera(viewer: Any) -> Any:
    """Camera of the canvas, whose place depends on the version of napari."""
    return (viewer.scene if hasattr(viewer, "scene") else viewer).camera


def _row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side."""
    layout = QHBoxLayout()
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def open_dock() -> None:
    """Open the dock in the window of napari where it is not open yet."""
    import napari

    viewer = napari.current_viewer()
    if viewer is None:
        return
    from napari_xpsnet._widget import FitPeaks

    window = viewer.window
    if not any(_is_open(widget, FitPeaks) for widget in window.dock_widgets.values()):
        window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")


def _is_open(widget: Any, kind: type) -> bool:
    """Whether a widget of a dock is, or holds, one of this kind."""
    return isinstance(widget, kind) or isinstance(getattr(widget, "native", None), kind)
