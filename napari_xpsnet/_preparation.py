"""Prepares the engine from the moment the dock opens, once in a process.

On the first use on a machine another process compiles it (`_warm_up`); then, and at every later
start, a thread loads what is kept.
"""

import atexit
import hashlib
import os
import platform
import sys
import threading
import time
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import xarray as xr
from qtpy.QtCore import QObject, QProcess, QTimer, Signal

from napari_xpsnet._first_answer import first_answer
from napari_xpsnet._session_files import copies_folder
from napari_xpsnet._warm_up import FIRST, warm_up, warm_up_first
from napari_xpsnet._worker import Cancel, Progress

POLL = 100
"""Time between two looks at the state of the engine [ms]."""
SHOWN_AFTER = 3.0
"""Time after which there is a sentence about it [s]; where the engine is kept, it is ready then."""
USUAL = 10.0
"""Time that the first use on a machine takes [s]; if numba compiles, a minute."""
PREPARING = (
    "Preparing the engine: first use on this machine, about {left:.0f} s. Everything else works "
    "meanwhile."
)
LONGER = "Preparing the engine: first use on this machine, a little longer than usual."
KILL_WAIT = 2000
"""Longest time that closing napari waits for the process to end [ms]."""
CODE = "from napari_xpsnet._warm_up import main; main()"


class Engine:
    """State of the engine in this process.

    Attributes
    ----------
    first, done : threading.Event
        Set when a first answer can be made, and when all fits can be.
    begun : float or None
        When it was asked for.
    """

    def __init__(self) -> None:
        self.first, self.done = threading.Event(), threading.Event()
        self.begun: float | None = None
        self._stopped = False
        self._process: QProcess | None = None

    def begin(self) -> None:
        """Prepare it, if no dock of this process has asked for it before."""
        if self.begun is not None:
            return
        self.begun = time.monotonic()
        atexit.register(self.stop)
        if _is_kept():
            self._load()
        else:
            self._compile()

    def stop(self) -> None:
        """End the process that compiles; napari is closed."""
        self._stopped = True
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.waitForFinished(KILL_WAIT)

    def _compile(self) -> None:
        """Start a process that compiles."""
        process = self._process = QProcess()
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._follow)
        process.errorOccurred.connect(self._follow)
        process.start(sys.executable, ["-c", CODE])

    def _read(self) -> None:
        """Note what the process says."""
        if self._process is not None and FIRST.encode() in bytes(
            self._process.readAllStandardOutput().data()
        ):
            self.first.set()

    def _follow(self, *_: Any) -> None:
        """Load what was compiled; also after a failure, which the first fit then meets itself."""
        process, self._process = self._process, None
        if process is None or self._stopped:
            return
        if process.exitCode() == 0 and process.exitStatus() == QProcess.ExitStatus.NormalExit:
            _note_kept()
        process.deleteLater()
        self._load()

    def _load(self) -> None:
        """Load the engine in a thread."""
        # No daemon: a thread in compiled code must not outlive the interpreter.
        threading.Thread(target=self._load_now, name="xpsnet engine").start()

    def _load_now(self) -> None:
        """Load the engine; runs in a thread."""
        try:
            for step in (warm_up_first, warm_up):
                if self._stopped:
                    return
                step()
                self.first.set()
        except Exception:
            # A fit will meet the same problem, and says it to the person who asked for the fit.
            return
        finally:
            self.first.set()
            self.done.set()


ENGINE = Engine()


def answer_when_ready(
    function: str,
    spectra: xr.DataArray,
    keywords: Mapping[str, Any],
    progress: Progress,
    cancel: Cancel,
) -> xr.Dataset:
    """`first_answer`, as soon as it can be made."""
    while not ENGINE.first.wait(0.05):
        if cancel():
            raise RuntimeError("cancelled")
    return first_answer(function, spectra, keywords, progress, cancel)


def _note() -> Path:
    """File that says for which versions the engine was compiled on this machine."""
    return copies_folder().parent / "engine.txt"


def _versions() -> str:
    """What compiled functions depend on: sources of the library, numba, Python, this machine."""
    found = find_spec("xpsnet")
    folder = Path(str(found.origin if found is not None else "")).parent
    files = ((path, path.stat()) for path in sorted(folder.rglob("*.py")))
    sources = "".join(f"{path.name} {one.st_size} {one.st_mtime_ns};" for path, one in files)
    digest = hashlib.sha256(sources.encode()).hexdigest()
    kept = os.environ.get("NUMBA_CACHE_DIR", "")
    return "\n".join([digest, version("numba"), sys.version, platform.processor(), kept])


def _is_kept() -> bool:
    """Whether an earlier process has compiled the engine."""
    try:
        return _note().read_text(encoding="utf-8") == _versions()
    except (OSError, ValueError):
        return False


def _note_kept() -> None:
    """Remember that the engine is compiled."""
    try:
        _note().parent.mkdir(parents=True, exist_ok=True)
        _note().write_text(_versions(), encoding="utf-8")
    except OSError:
        return  # the next start compiles, or loads, once more


class Preparation(QObject):
    """Watches the engine for one dock.

    Signals
    -------
    said : str
        A sentence while the engine is prepared; empty when it is ready.
    ready : no arguments
        The engine is ready; also where it was so from the start.
    """

    said = Signal(str)
    ready = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._text = ""
        self._timer = QTimer(self, interval=POLL)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Prepare the engine and watch it."""
        self._timer.start()
        ENGINE.begin()

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.stop()

    @property
    def done(self) -> bool:
        """Whether the engine is ready."""
        return ENGINE.done.is_set()

    def _look(self) -> None:
        """Say how long it takes still, or that the engine is ready."""
        if self.done:
            self._timer.stop()
            self._say("")
            self.ready.emit()
            return
        elapsed = 0.0 if ENGINE.begun is None else time.monotonic() - ENGINE.begun
        if elapsed >= SHOWN_AFTER:
            left = USUAL - elapsed
            self._say(PREPARING.format(left=left) if left >= 1.0 else LONGER)

    def _say(self, text: str) -> None:
        """Show another sentence."""
        if text != self._text:
            self._text = text
            self.said.emit(text)
