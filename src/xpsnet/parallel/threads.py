"""How many threads a job runs in: the one place that says it.

Compiled kernels here are serial and release the interpreter's lock; Python's own threads call them
in parallel. So any number of callers may run at the same time, which compiled parallel loops do
not promise.
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
    """Jobs of this thread run in it alone: the chunks of lazy spectra are parallel already."""
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
    """Call a function for every item, in any order; the first exception comes out.

    Parameters
    ----------
    function : callable
        Writes its answer to where no other call writes.
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
