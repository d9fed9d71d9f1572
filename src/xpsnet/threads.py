"""How many threads a job runs in: the one place that says it.

Compiled kernels here are serial and release the interpreter's lock; Python's own threads call them
in parallel. So any number of callers may run at the same time, which compiled parallel loops do
not promise.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")


def n_threads() -> int:
    """Threads that a job runs in by default: one per core that this process may use."""
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
