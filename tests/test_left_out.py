"""Tests that need measured spectra are listed once, and never left out unnoticed."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from tests import conftest

ROOT = Path(__file__).resolve().parents[1]
REPORT = '<testsuite><testcase classname="tests.a" name="b">{}</testcase></testsuite>'


class _Terminal:
    """Stands for pytest's terminal: keeps what is printed."""

    def __init__(self, skipped: list[tuple[str, str]]) -> None:
        self.stats = {"skipped": [SimpleNamespace(nodeid=n, longrepr=why) for n, why in skipped]}
        self.printed: list[str] = []
        self.section = self.line = self.printed.append


def test_tests_without_measured_spectra_are_listed_once() -> None:
    why = f"Skipped: {conftest.NO_DATA}"
    terminal = _Terminal([("a.py::b", why), ("a.py::c[1]", why), ("a.py::d", "no display")])
    conftest.pytest_terminal_summary(terminal)
    assert terminal.printed[0] == "2 tests left out: they need measured spectra"
    assert terminal.printed[2:] == ["a.py: b, c[1]"]
    terminal = _Terminal([("a.py::d", "no display")])
    conftest.pytest_terminal_summary(terminal)
    assert terminal.printed == []


def test_a_test_left_out_beside_the_measured_spectra_fails_the_check(tmp_path: Path) -> None:
    reports, data = tmp_path / "reports", tmp_path / "data"
    reports.mkdir()

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / ".ci" / "check_reports.py"), str(reports)]
        environment = {**os.environ, "XPSNET_REAL_DATA": str(data)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    (reports / "a.xml").write_text(REPORT.format('<skipped message="no measured spectra"/>'))
    assert run().returncode == 0
    data.mkdir()
    failed = run()
    assert failed.returncode == 1
    assert "tests.a.b: no measured spectra" in failed.stderr
    (reports / "a.xml").write_text(REPORT.format(""))
    assert run().returncode == 0
