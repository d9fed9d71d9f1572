"""Files dropped on the window: on our own widgets, and those on the canvas that napari cannot open.

The manifest claims extensions of spectroscopy only. While the dock is open, any file that is
dropped on it or on the plot is opened as spectra; on the canvas a file is ours where no plugin of
napari reads its kind, or where it is a csv table that holds no layer of napari.
"""

from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QWidget

from napari_xpsnet._open import MORE, open_paths
from napari_xpsnet._reader import get_reader

LAYER_COLUMN = "axis-0"
"""Column of every csv table in which napari keeps points or shapes."""
_HEAD = 4096


class FileDrops(QObject):
    """Opens files that are dropped.

    Parameters
    ----------
    viewer : napari.Viewer
    parent : QObject
    """

    def __init__(self, viewer: Any, parent: QObject) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self._own: list[QWidget] = []

    def take(self, *widgets: QWidget) -> None:
        """Open every file that is dropped on these widgets of ours."""
        for widget in widgets:
            widget.setAcceptDrops(True)
            widget.installEventFilter(self)
            self._own.append(widget)

    def watch_canvas(self) -> None:
        """Open files dropped on the canvas that napari has no reader for."""
        for widget in self._canvas():
            widget.installEventFilter(self)

    def _canvas(self) -> list[QWidget]:
        """Widgets of napari that take files; not kept, they live as long as their window."""
        window = getattr(self.viewer.window, "_qt_viewer", None)
        parts = (window, getattr(window, "_welcome_widget", None))
        return [one for one in parts if isinstance(one, QWidget)]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt
        """Accept files, and open them."""
        kind = event.type()
        own = watched in self._own
        if own and kind in (QEvent.Type.DragEnter, QEvent.Type.DragMove):
            if not local_files(event):
                return False
            event.acceptProposedAction()
            return True
        if kind != QEvent.Type.Drop:
            return False
        paths = local_files(event)
        if not paths or not (own or are_ours(paths)):
            return False
        event.acceptProposedAction()
        # The program that the file comes from waits until this method returns.
        QTimer.singleShot(0, lambda: open_dropped(self.viewer, paths))
        return True

    def release(self) -> None:
        """Leave the canvas to napari."""
        for widget in self._canvas():
            widget.removeEventFilter(self)


def local_files(event: Any) -> list[str]:
    """Paths of the files that an event brings."""
    data = event.mimeData()
    urls = [] if data is None else data.urls()
    return [str(Path(url.toLocalFile())) for url in urls if url.isLocalFile()]


def are_ours(paths: list[str]) -> bool:
    """Whether these files may hold spectra, and no plugin of napari opens them."""
    from npe2 import PluginManager

    if get_reader(paths) is not None:
        return False  # napari asks our reader itself
    for path in paths:
        if not path.lower().endswith(MORE):
            return False
        manager = PluginManager.instance()
        readers = {one.plugin_name for one in manager.iter_compatible_readers([path])}
        if readers and not (readers == {"napari"} and _is_plain_table(Path(path))):
            return False
    return True


def _is_plain_table(path: Path) -> bool:
    """Whether this is a csv table without a layer of napari."""
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return LAYER_COLUMN.encode() not in head.partition(b"\n")[0]


def open_dropped(viewer: Any, paths: list[str]) -> None:
    """Open files as spectra; ask for what they do not state."""
    if get_reader(paths) is not None:
        viewer.open(paths, plugin="napari-xpsnet")
    else:
        open_paths(viewer, paths)
