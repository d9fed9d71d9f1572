"""Prepares the engine in a thread from the moment the dock opens, once in a process."""

import threading
import time

from qtpy.QtCore import QObject, QTimer, Signal

from napari_xpsnet._first_answer import first_answer
from napari_xpsnet._state import FitState
from napari_xpsnet._warm_up import warm_up

POLL = 100
"""Time between two looks at the thread [ms]."""
SHOWN_AFTER = 3.0
"""Time after which there is a sentence about it [s]; where the engine is kept, it is ready then."""
USUAL = 60.0
"""Time that the first use on a machine takes [s]."""
PREPARING = (
    "Preparing the engine: first use on this machine, about {left:.0f} s. Everything else works "
    "meanwhile."
)
LONGER = "Preparing the engine: first use on this machine, a little longer than usual."

DONE = threading.Event()
"""Set when the engine is ready."""
_STOPPED = threading.Event()
_begun: list[float] = []


def begin() -> None:
    """Start the thread, if no dock of this process has done so."""
    if not _begun:
        _begun.append(time.monotonic())
        # A daemon: to close napari does not wait for it.
        threading.Thread(target=_prepare, name="xpsnet engine", daemon=True).start()


def _prepare() -> None:
    """Compile what the first answer needs, then the rest."""
    import xpsnet

    try:
        spectrum = xpsnet.sample("spectrum")
        first_answer(
            "fit", spectrum, FitState().keywords(), lambda *_: None, lambda: _STOPPED.is_set()
        )
        warm_up(_STOPPED)
    except Exception:
        # A fit will meet the same problem, and says it to the person who asked for the fit.
        return
    finally:
        DONE.set()


class Preparation(QObject):
    """State of the engine for one dock.

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
        """Start the thread and watch it."""
        begin()
        self._timer.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.stop()

    @property
    def done(self) -> bool:
        """Whether the engine is ready."""
        return DONE.is_set()

    def _look(self) -> None:
        """Say how long it takes still, or that the engine is ready."""
        elapsed = time.monotonic() - _begun[0] if _begun else 0.0
        if self.done:
            self._timer.stop()
            self._say("")
            self.ready.emit()
        elif elapsed >= SHOWN_AFTER:
            left = USUAL - elapsed
            self._say(PREPARING.format(left=left) if left >= 1.0 else LONGER)

    def _say(self, text: str) -> None:
        """Show another sentence."""
        if text != self._text:
            self._text = text
            self.said.emit(text)
