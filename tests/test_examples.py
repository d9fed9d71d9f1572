"""Every example runs as it stands, in a copy of its folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xpsnet

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("[0-9]*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_runs(script: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    shutil.copytree(EXAMPLES / "data", tmp_path / "data")
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    ("file", "sample", "step"),
    [("c1s_spectrum.csv", "spectrum", 1), ("c1s_map.xps.nc", "map", 2)],
)
def test_bundled_data_are_what_the_script_writes(file: str, sample: str, step: int) -> None:
    (spectra,) = xpsnet.read(EXAMPLES / "data" / file)
    expected = xpsnet.sample(sample)
    expected = expected.isel({dim: slice(None, None, step) for dim in expected.dims[:-1]})
    assert spectra.attrs["scale"] == "binding"
    assert spectra.attrs["photon_energy"] == 1486.6
    assert spectra.name == "C 1s"
    assert (spectra == expected).all()


def test_bundled_data_are_small() -> None:
    assert sum(file.stat().st_size for file in (EXAMPLES / "data").iterdir()) < 1_500_000
