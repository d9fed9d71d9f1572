"""Number of threads of a job, and calls in threads.

Compiled kernels are serial and release the interpreter's lock; Python threads call them in
parallel. So any number of callers may run at the same time, which parallel loops of numba do not
guarantee.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")
_here = threading.local()


@contextmanager
def serially() -> Iterator[None]:
    """Run jobs of this thread without further threads: chunks of lazy spectra run in parallel."""
    before = getattr(_here, "serial", False)
    _here.serial = True
    try:
        yield
    finally:
        _here.serial = before


def n_threads() -> int:
    """Threads that a job runs in by default: one per core that this process may use."""
    if getattr(_here, "serial", False):
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(function: Callable[[_Item], object], items: Iterable[_Item]) -> None:
    """Call a function for every item, in any order; the first exception is raised.

    Parameters
    ----------
    function : callable
        Writes its result to a place of its own.
    items : iterable
        One argument per call.
    """
    work = list(items)
    if len(work) < 2 or n_threads() == 1:
        for item in work:
            function(item)
        return
    with ThreadPoolExecutor(min(len(work), n_threads())) as pool:
        for done in [pool.submit(function, item) for item in work]:
            done.result()
