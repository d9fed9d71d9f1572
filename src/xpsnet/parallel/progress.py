"""How far a long job is: a bar, a callback, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

Progress = bool | Callable[[int, int], object] | None
Cancel = Callable[[], bool] | None


@contextmanager
def reporting(progress: Progress, total: int, text: str) -> Iterator[Callable[[int], None]]:
    """Report steps of a job.

    Parameters
    ----------
    progress : bool, callable or None
        True shows a bar if the job takes more than a second; a callable gets (done, total).
    total : int
        Number of steps.
    text : str
        What the bar says.

    Yields
    ------
    callable
        To be called with the number of steps just done.
    """
    if progress is True:
        with tqdm(total=total, desc=text, delay=1.0, unit="spectrum") as bar:

            def advance(steps: int) -> None:
                bar.update(steps)

            yield advance
        return
    done = 0

    def count(steps: int) -> None:
        nonlocal done
        done += steps
        if callable(progress):
            progress(done, total)

    yield count
