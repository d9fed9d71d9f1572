import io
from contextlib import redirect_stderr

import pytest

from xpsnet.parallel.progress import Bar, reporting


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown(delay: float) -> str:
    """What the bar of a job of four steps writes to a terminal."""
    with redirect_stderr(_Terminal()) as terminal, Bar(4, "fit", delay=delay) as bar:
        bar(1, 4)
        bar(4, 4, "loss 0.5")
    return terminal.getvalue()


def test_a_callable_gets_the_sum_of_the_steps() -> None:
    seen: list[tuple[int, int]] = []
    with reporting(lambda done, total: seen.append((done, total)), 5, "fit") as step:
        step(2)
        step(3)
    assert seen == [(2, 5), (5, 5)]


def test_steps_of_an_earlier_run_count() -> None:
    seen: list[tuple[int, int]] = []
    with reporting(lambda done, total: seen.append((done, total)), 5, "fit", done=3) as step:
        step(1)
    assert seen == [(4, 5)]


@pytest.mark.parametrize("progress", [None, False])
def test_nothing_is_reported_without_a_wish(progress: bool | None) -> None:
    with reporting(progress, 5, "fit") as step:
        step(5)


def test_a_terminal_shows_a_bar_with_its_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    shown = _shown(delay=0.0)
    for text in ("fit", "4/4", "loss 0.5"):
        assert text in shown


def test_a_short_job_shows_no_bar() -> None:
    assert _shown(delay=60.0) == ""


def test_nothing_is_drawn_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(3, "fit", delay=0.0) as bar:
        bar(3, 3)
    with reporting(True, 3, "fit") as step:
        step(3)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
