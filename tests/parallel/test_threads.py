"""Threads: every item once, and failures are heard of."""

import threading

import pytest

from xpsnet.parallel.threads import as_done, in_threads, n_threads


@pytest.mark.parametrize("n", [0, 1, 7], ids=["none", "one", "several"])
def test_every_item_is_done_once(n: int) -> None:
    done: list[int] = []
    in_threads(done.append, range(n))
    assert sorted(done) == list(range(n))


@pytest.mark.parametrize("cores", [1, 3])
def test_as_many_threads_as_cores(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpsnet.parallel.threads.n_threads", lambda: cores)
    together = threading.Barrier(cores)
    names = set()

    def work(_: int) -> None:
        together.wait(timeout=20)
        names.add(threading.get_ident())

    in_threads(work, range(2 * cores))
    assert len(names) == cores


def test_a_failure_comes_out() -> None:
    def work(item: int) -> None:
        if item == 3:
            raise ValueError("spectrum 3")

    with pytest.raises(ValueError, match="spectrum 3"):
        in_threads(work, range(5))


def test_there_is_a_thread() -> None:
    assert n_threads() >= 1


@pytest.mark.parametrize("cores", [1, 3])
def test_results_come_as_they_are_done_and_calls_are_serial(
    cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(cores), raising=False)
    inside = []

    def work(item: int) -> int:
        inside.append(n_threads())
        return item * item

    assert sorted(as_done(work, range(10))) == [item * item for item in range(10)]
    assert set(inside) == {1}


@pytest.mark.parametrize("cores", [1, 3])
def test_nothing_is_begun_after_a_cancel(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(cores), raising=False)
    begun: list[int] = []
    results = as_done(lambda item: begun.append(item) or item, range(50), lambda: len(begun) >= 5)
    assert sorted(results) == sorted(begun)
    assert 5 <= len(begun) <= 5 + 2 * cores


def test_a_failure_ends_the_results() -> None:
    with pytest.raises(ZeroDivisionError):
        list(as_done(lambda item: 1 // (item - 3), range(5)))
