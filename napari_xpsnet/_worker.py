"""One fit in a thread, with progress and cancel.

The network runs in ONNX Runtime in this process, never in TensorFlow: on Linux with Mesa drivers
TensorFlow and an OpenGL canvas crash in one process.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from napari_xpsnet._state import FitState

BATCH = 512
"""Number of spectra in one batch of the network."""

Progress = Callable[[int, int], None]
Cancel = Callable[[], bool]
Engine = Callable[[str, xr.DataArray, Mapping[str, Any], Progress, Cancel], xr.Dataset]


@dataclass(frozen=True)
class Outcome:
    """Result of a fit: peaks, or a sentence that explains why there are none."""

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
    """Call `xpsnet.fit`, `predict` or `refine`; `cancel` is checked between batches."""
    import xpsnet

    if function == "refine":
        return xpsnet.refine(spectra, **keywords, progress=progress, cancel=cancel).load()
    options = dict(keywords, device="cpu", progress=progress, cancel=cancel)
    if function == "predict":
        # Large batches are a little faster, small ones can be cancelled sooner.
        options["batch_size"] = BATCH
    call = xpsnet.predict if function == "predict" else xpsnet.fit
    return call(spectra, **options).load()


class Job:
    """One fit in a thread.

    The thread writes two numbers and reads one flag. It does not use Qt, layers or the dock,
    which may be closed before it ends.

    Parameters
    ----------
    state : FitState
        The user's choices.
    spectra : DataArray
        All spectra of the layer.
    engine : callable
        `library`, or a replacement for tests.
    """

    def __init__(self, state: FitState, spectra: xr.DataArray, engine: Engine = library) -> None:
        self.state = state
        self.progress = (0, 0)
        self._spectra = spectra
        self._engine = engine
        self._cancel = threading.Event()
        self._worker: Any = None

    def run(self) -> Outcome:
        """Fit in this thread; an exception becomes a sentence in the outcome."""
        spectra = self.state.select(self._spectra)
        try:
            peaks = self._engine(
                self.state.function, spectra, self.state.keywords(), self._report, self.is_cancelled
            )
        except Exception as error:
            # An exception in a thread aborts some Qt bindings.
            return Outcome(self.state, problem=sentence(error), cancelled=self.is_cancelled())
        return Outcome(self.state, peaks, cancelled=self.is_cancelled())

    def start(self, finished: Callable[[Outcome], None]) -> None:
        """Fit in a thread, then call `finished` with the outcome in the calling thread."""
        from napari.qt.threading import create_worker

        self._worker = create_worker(self.run, _start_thread=False)
        self._worker.returned.connect(finished)
        self._worker.start()

    def cancel(self) -> None:
        """Request a stop after the current batch; finished spectra are kept."""
        self._cancel.set()

    def abandon(self) -> None:
        """Request a stop; `finished` is not called."""
        self.cancel()
        if self._worker is not None:
            self._worker.quit()

    def is_cancelled(self) -> bool:
        """Whether the user or napari requested a stop."""
        return self._cancel.is_set() or bool(self._worker and self._worker.abort_requested)

    def _report(self, done: int, total: int) -> None:
        """Store the progress; the timer of the dock reads it."""
        self.progress = (int(done), int(total))


def sentence(error: BaseException) -> str:
    """Error as a sentence for the dock."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "There is not enough memory for these spectra. Fit a smaller energy range."
    if isinstance(error, ValueError | TypeError | OSError):
        return text[:1].upper() + text[1:] if text else type(error).__name__
    return f"The fit stopped with {type(error).__name__}: {text}" if text else type(error).__name__
