"""Fixtures that several folders share, and one list of the tests that were left out."""

import os
from collections import defaultdict
from pathlib import Path

import pytest

REAL_DATA = Path(
    os.environ.get("XPSNET_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
NO_DATA = "no measured spectra"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with measured spectra; tests that need it are left out if it does not exist."""
    if not REAL_DATA.is_dir():
        pytest.skip(NO_DATA)
    return REAL_DATA


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List once, at the end, the tests that were left out because they need measured spectra."""
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = defaultdict(list)
    for report in skipped:
        if NO_DATA in str(report.longrepr):
            file, _, name = report.nodeid.partition("::")
            left_out[file].append(name)
    if not left_out:
        return
    n = sum(map(len, left_out.values()))
    terminalreporter.section(f"{n} tests left out: they need measured spectra")
    terminalreporter.line(
        f"XPSNET_REAL_DATA names their folder; {REAL_DATA} is used now and does not exist."
    )
    for file, names in left_out.items():
        terminalreporter.line(f"{file}: {', '.join(names)}")
