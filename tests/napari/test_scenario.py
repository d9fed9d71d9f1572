"""One whole session in the real viewer, with the shipped network: no crash, nothing left behind."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("viewer_scenario.py")


def test_open_fit_hover_cancel_close(safe_process: None) -> None:
    command = [sys.executable, "-X", "faulthandler", str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error" not in done.stderr, done.stderr
    steps = [line for line in done.stdout.splitlines() if not line.startswith("WARNING")]
    assert steps == [
        "opened (111, 64, 64)",
        "fitted 4096",
        "hovered True",
        "pinned True",
        "refined True",
        "cancelled True",
        "left [] []",
    ]
