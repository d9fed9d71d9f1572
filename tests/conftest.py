"""Fixtures that several folders share."""

import os
from pathlib import Path

import pytest

REAL_DATA = Path(
    os.environ.get("XPSNET_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with measured spectra; tests that need it are left out where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no measured spectra in {REAL_DATA}; set XPSNET_REAL_DATA")
    return REAL_DATA
