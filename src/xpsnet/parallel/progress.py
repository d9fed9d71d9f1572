"""Progress of long work: a bar on a terminal or in a notebook, a callback, or nothing."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

Progress = bool | Callable[[int, int], object] | None
Cancel = Callable[[], bool] | None


class Bar:
    """Progress bar on stderr; nothing is drawn where that is no terminal and no notebook.

    Parameters
    ----------
    total : int
        Number of steps.
    text : str
        Text in front of the bar.
    done : int
        Steps that an earlier run did.
    delay : float
        Time before the bar appears [s]; a shorter job shows none.
    enabled : bool
        Whether to draw at all.
    """

    def __init__(
        self, total: int, text: str, *, done: int = 0, delay: float = 1.0, enabled: bool = True
    ) -> None:
        from rich import progress
        from rich.console import Console

        console = Console(stderr=True)
        self._possible = enabled and (console.is_jupyter or sys.stderr.isatty())
        if console.is_jupyter:
            # Without ipywidgets rich draws nothing in a notebook; plain text works everywhere.
            console = Console(
                stderr=True, force_jupyter=False, force_terminal=True, color_system=None
            )
        self._drawn = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            progress.TextColumn("{task.fields[note]}"),
            console=console,
        )
        self._task = self._drawn.add_task(text, total=total, completed=done, note="")
        self._appears = time.monotonic() + delay
        self._shown = False

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            self._drawn.stop()

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show the number of steps done, and a note behind the bar."""
        self._drawn.update(self._task, completed=done, total=total, note=note)
        if self._possible and not self._shown and time.monotonic() >= self._appears:
            self._shown = True
            self._drawn.start()


@contextmanager
def reporting(
    progress: Progress, total: int, text: str, *, done: int = 0
) -> Iterator[Callable[[int], None]]:
    """Report steps of a job.

    Parameters
    ----------
    progress : bool, callable or None
        True shows a `Bar` if the job takes more than a second; a callable gets (done, total).
    total : int
        Number of steps.
    text : str
        Text in front of the bar.
    done : int
        Steps that an earlier run did.

    Yields
    ------
    callable
        Takes the number of steps just done.
    """
    with Bar(total, text, done=done) if progress is True else nullcontext(progress) as report:

        def count(steps: int) -> None:
            nonlocal done
            done += steps
            if callable(report):
                report(done, total)

        yield count
