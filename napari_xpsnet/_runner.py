"""Runs one fit at a time and reports progress and result as Qt signals."""

import time
from typing import Any

import xarray as xr
from qtpy.QtCore import QObject, QTimer, Signal, Slot

from napari_xpsnet._state import FitState
from napari_xpsnet._worker import Engine, Job, Outcome

POLL = 100
"""Time between two checks of the progress [ms]."""
ESTIMATE_AFTER = 3.0
"""Time after which the remaining time is shown [s]."""
PREPARING_AFTER = 8.0
"""Time after which a fit that has not started says so [s]; the first one compiles for a minute."""


class Runner(QObject):
    """Starts a job, checks its progress and reports its outcome.

    Signals
    -------
    progressed : int, int, str
        Spectra done, all spectra, and the time left in words.
    finished : Outcome, object
        With the region that the job was started for; not after `stop`.
    """

    progressed = Signal(int, int, str)
    finished = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.job: Job | None = None
        self.region: Any = None
        self._started = 0.0
        self._timer = QTimer(self, interval=POLL)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether a fit is running."""
        return self.job is not None

    def start(self, state: FitState, spectra: xr.DataArray, engine: Engine, region: Any) -> None:
        """Start a fit in a thread."""
        self.job, self.region = Job(state, spectra, engine), region
        self._started = time.monotonic()
        self._timer.start()
        self.job.start(self._take)

    def cancel(self) -> None:
        """Stop the fit after the current batch and report the finished spectra."""
        if self.job is not None:
            self.job.cancel()

    def stop(self) -> None:
        """Stop the fit and report nothing."""
        if self.job is not None:
            self.job.abandon()
        self._clear()

    def _clear(self) -> None:
        """Forget the job."""
        self._timer.stop()
        self.job = self.region = None

    @Slot(object)
    def _take(self, outcome: Outcome) -> None:
        """Report the outcome; runs in the thread of the window."""
        if self.job is not None and self.job.state is outcome.state:
            region = self.region
            self._clear()
            self.finished.emit(outcome, region)

    def _look(self) -> None:
        """Report the progress of the thread."""
        if self.job is not None:
            done, total = self.job.progress
            elapsed = time.monotonic() - self._started
            self.progressed.emit(done, total, time_left(done, total, elapsed))


def time_left(done: int, total: int, elapsed: float) -> str:
    """Text for the remaining time, empty if it is not known yet."""
    if total == 0 and elapsed >= PREPARING_AFTER:
        return "Preparing (the first fit takes longer)"
    if not 0 < done < total or elapsed < ESTIMATE_AFTER:
        return ""
    seconds = elapsed * (total - done) / done
    return f", {seconds:.0f} s left" if seconds < 90 else f", {seconds / 60:.0f} min left"
