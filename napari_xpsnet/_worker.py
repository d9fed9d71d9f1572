"""Long work off the window: one fit in a thread, with progress and cancel.

The network runs in ONNX Runtime inside this process. TensorFlow never does: it and an OpenGL
canvas crash when they share a process on Linux with Mesa drivers.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from napari_xpsnet._state import FitState

BATCH = 512
"""Spectra that the network takes at once."""

Progress = Callable[[int, int], None]
Cancel = Callable[[], bool]
Engine = Callable[[str, xr.DataArray, Mapping[str, Any], Progress, Cancel], xr.Dataset]


@dataclass(frozen=True)
class Outcome:
    """What a fit ended with: peaks, or the sentence why there are none."""

    state: FitState
    peaks: xr.Dataset | None = None
    problem: str = ""
    cancelled: bool = False


def library(
    function: str,
    spectra: xr.DataArray,
    keywords: Mapping[str, Any],
    progress: Progress,
    cancel: Cancel,
) -> xr.Dataset:
    """Call `xpsnet.fit` or `xpsnet.predict`, which work in batches and ask between them."""
    import xpsnet

    options = dict(keywords, device="cpu", progress=progress, cancel=cancel)
    if function == "predict":
        # Large batches are a little faster, small ones are cancelled at once.
        options["batch_size"] = BATCH
    return getattr(xpsnet, function)(spectra, **options).load()


class Job:
    """One fit, from Fit to its outcome.

    The thread writes two numbers and reads one flag; it never touches Qt, a layer or the dock,
    so that any of them may be gone when it ends.

    Parameters
    ----------
    state : FitState
        The user's choices.
    spectra : DataArray
        All spectra of the layer.
    engine : callable
        `library`, or its stand-in.
    """

    def __init__(self, state: FitState, spectra: xr.DataArray, engine: Engine = library) -> None:
        self.state = state
        self.progress = (0, 0)
        self._spectra = spectra
        self._engine = engine
        self._cancel = threading.Event()
        self._worker: Any = None

    def run(self) -> Outcome:
        """Do the work, here and now; no exception leaves it."""
        spectra = self.state.select(self._spectra)
        try:
            peaks = self._engine(
                self.state.function, spectra, self.state.keywords(), self._report, self.is_cancelled
            )
        except Exception as error:
            # A thread's exception aborts some Qt bindings, and a traceback helps no user.
            return Outcome(self.state, problem=sentence(error), cancelled=self.is_cancelled())
        return Outcome(self.state, peaks, cancelled=self.is_cancelled())

    def start(self, finished: Callable[[Outcome], None]) -> None:
        """Do the work in a thread and hand its outcome to `finished` in this one."""
        from napari.qt.threading import create_worker

        self._worker = create_worker(self.run, _start_thread=False)
        self._worker.returned.connect(finished)
        self._worker.start()

    def cancel(self) -> None:
        """Ask for an end after the batch at hand; what is done is kept."""
        self._cancel.set()

    def abandon(self) -> None:
        """Ask for an end, and hand the outcome to nobody."""
        self.cancel()
        if self._worker is not None:
            self._worker.quit()

    def is_cancelled(self) -> bool:
        """Whether the user, or napari on its way out, wants no more."""
        return self._cancel.is_set() or bool(self._worker and self._worker.abort_requested)

    def _report(self, done: int, total: int) -> None:
        """Note how far the work is, for the dock's timer to read."""
        self.progress = (int(done), int(total))


def sentence(error: BaseException) -> str:
    """Error as one sentence for the dock."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "The memory is not enough for these spectra. Fit a smaller energy range or region."
    if isinstance(error, ValueError | TypeError | OSError):
        return text[:1].upper() + text[1:] if text else type(error).__name__
    return f"The fit stopped with {type(error).__name__}: {text}" if text else type(error).__name__
