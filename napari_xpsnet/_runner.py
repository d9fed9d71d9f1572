"""Runs one fit at a time and reports progress and result as Qt signals.

What cannot be stopped at once (a function that is being compiled, a large batch) is let go after
a short time: the dock is free, and what was finished arrives later.
"""

import time
from dataclasses import dataclass
from typing import Any

import xarray as xr
from qtpy.QtCore import QObject, QTimer, Signal, Slot

from napari_xpsnet._first_answer import can_answer
from napari_xpsnet._preparation import Preparation, answer_when_ready
from napari_xpsnet._state import FitState
from napari_xpsnet._worker import Engine, Job, Outcome, library

POLL = 100
"""Time between two checks of the progress [ms]."""
PATIENCE = 150
"""Time that a cancelled fit gets to end by itself [ms]."""
ESTIMATE_AFTER = 3.0
"""Time after which the remaining time is shown [s]."""
PREPARING_AFTER = 8.0
"""Time after which a fit that has not started says so [s]: it compiles what only it needs."""
WAITS = "Waiting for the engine"


@dataclass(frozen=True)
class Request:
    """One fit that a person asked for."""

    state: FitState
    spectra: xr.DataArray
    engine: Engine
    region: Any

    @property
    def needs_engine(self) -> bool:
        """Whether the compiled engine makes this fit."""
        return self.engine is library and self.state.function != "predict"

    def job(self, engine: Engine) -> Job:
        """The same as a job."""
        return Job(self.state, self.spectra, engine)


class Runner(QObject):
    """Starts a job, checks its progress and reports its outcome.

    Signals
    -------
    progressed : int, int, str
        Spectra done, all spectra, and the time left in words.
    answered : Outcome, object
        A first answer, and the region that it is for; `finished` follows.
    finished : Outcome, object
        With the region that the job was started for; not after `stop`.
    arrived : Outcome, object
        What a cancelled fit has finished, after `finished`.
    """

    progressed = Signal(int, int, str)
    answered = Signal(object, object)
    finished = Signal(object, object)
    arrived = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preparation = Preparation(self)
        self.job: Job | None = None
        self.waits = False
        self._request: Request | None = None
        self._let_go: list[tuple[Job, Any]] = []
        self._started = 0.0
        self._timer = QTimer(self, interval=POLL)
        self._timer.timeout.connect(self._look)
        self._patience = QTimer(self, interval=PATIENCE, singleShot=True)
        self._patience.timeout.connect(self._release)
        self.preparation.ready.connect(self._begin)

    @property
    def busy(self) -> bool:
        """Whether a fit is running, or waits for the engine."""
        return self._request is not None

    @property
    def lets_end(self) -> bool:
        """Whether cancelled fits still run, whose finished spectra will arrive."""
        return bool(self._let_go)

    @property
    def region(self) -> Any:
        """The region that is being fitted, or None."""
        return None if self._request is None else self._request.region

    def start(self, state: FitState, spectra: xr.DataArray, engine: Engine, region: Any) -> None:
        """Start a fit in a thread, once the engine is ready.

        One spectrum gets a first answer meanwhile.
        """
        request = self._request = Request(state, spectra, engine, region)
        self._started = time.monotonic()
        self._timer.start()
        self.waits = request.needs_engine and not self.preparation.done
        if not self.waits:
            self._run(request)
        elif can_answer(state, spectra):
            self.job = request.job(answer_when_ready)
            self.job.start(self._take_first)

    def _run(self, request: Request) -> None:
        """Start the fit itself."""
        self.job = request.job(request.engine)
        self.job.start(self._take)

    @Slot()
    def _begin(self) -> None:
        """The engine is ready: start the fit that waits for it."""
        if self.waits and self._request is not None:
            self.waits = False
            if self.job is not None:
                self.job.abandon()
            self._run(self._request)

    def cancel(self) -> None:
        """Stop the fit after the current batch and report the finished spectra."""
        if self.waits:
            self._give_up()
        elif self.job is not None:
            self.job.cancel()
            self._patience.start()

    def _release(self) -> None:
        """Let a cancelled job go that is still running."""
        if self.job is None or self._request is None:
            return
        if self._request.state.pixel is None:
            self._let_go.append((self.job, self._request.region))
            self.job = None
        self._give_up()

    def _give_up(self) -> None:
        """End without a result."""
        request = self._request
        if request is not None:
            self.stop()
            self.finished.emit(Outcome(request.state, cancelled=True), request.region)

    def stop(self) -> None:
        """Stop the fit and report nothing."""
        if self.job is not None:
            self.job.abandon()
        self._clear()

    def shut_down(self) -> None:
        """Stop the fit and everything that was let go."""
        self.preparation.stop()
        self.stop()
        for job, _ in self._let_go:
            job.abandon()
        self._let_go = []

    def _clear(self) -> None:
        """Forget the fit."""
        self._timer.stop()
        self._patience.stop()
        self.job = self._request = None
        self.waits = False

    @Slot(object)
    def _take_first(self, outcome: Outcome) -> None:
        """Report a first answer; a problem is one of the fit as well, which reports it."""
        if self.waits and self._request is not None and self._request.state is outcome.state:
            self.job = None
            if outcome.peaks is not None:
                self.answered.emit(outcome, self._request.region)

    @Slot(object)
    def _take(self, outcome: Outcome) -> None:
        """Report the outcome; runs in the thread of the window."""
        request = self._request
        if request is not None and self.job is not None and self.job.state is outcome.state:
            self._clear()
            self.finished.emit(outcome, request.region)
            return
        for one in self._let_go:
            job, region = one
            if job.state is outcome.state:
                self._let_go.remove(one)
                self.arrived.emit(outcome, region)
                return

    def _look(self) -> None:
        """Report the progress of the thread."""
        if self._request is None:
            return
        done, total = (0, 0) if self.job is None or self.waits else self.job.progress
        elapsed = time.monotonic() - self._started
        text = WAITS if self.waits else time_left(done, total, elapsed)
        self.progressed.emit(done, total, text)


def time_left(done: int, total: int, elapsed: float) -> str:
    """Text for the remaining time, empty if it is not known yet."""
    if total == 0 and elapsed >= PREPARING_AFTER:
        return "Preparing (the first fit takes longer)"
    if not 0 < done < total or elapsed < ESTIMATE_AFTER:
        return ""
    seconds = elapsed * (total - done) / done
    return f", {seconds:.0f} s left" if seconds < 90 else f", {seconds / 60:.0f} min left"
