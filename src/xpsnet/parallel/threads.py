"""Number of threads of a job, and calls in threads.

Compiled kernels are serial and release the interpreter's lock; Python threads call them in
parallel. So any number of callers may run at the same time, which parallel loops of numba do not
guarantee.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_here = threading.local()


@contextmanager
def serially() -> Iterator[None]:
    """Run jobs of this thread without further threads.

    Chunks of lazy spectra and blocks of a store run in parallel: in threads of this process, or in
    those of the workers of a cluster, each of which takes as many of them as it has threads. So
    nothing else is to be set there: kernels are serial, and ONNX Runtime has one thread per call.
    """
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


def as_done(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    cancel: Callable[[], bool] | None = None,
) -> Iterator[_Result]:
    """Results of a function for every item, in the thread of the caller as they are done.

    Parameters
    ----------
    function : callable
        Runs serially: it starts no threads of its own.
    items : sequence
        One argument per call; at most twice as many wait or run as there are threads.
    cancel : callable, optional
        Asked before a call is begun; true ends the job once the calls that run are done.
    """
    threads = n_threads()
    if min(threads, len(items)) <= 1:
        for item in items:
            if cancel is not None and cancel():
                return
            yield function(item)
        return

    def run(item: _Item) -> _Result:
        with serially():
            return function(item)

    waiting = iter(items)
    running: set[Future[_Result]] = set()
    with ThreadPoolExecutor(threads, thread_name_prefix="xpsnet") as pool:
        while True:
            for item in islice(waiting, 2 * threads - len(running)):
                if cancel is not None and cancel():
                    waiting = iter(())
                    break
                running.add(pool.submit(run, item))
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
