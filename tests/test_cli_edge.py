"""`xpsnet edge`: the Fermi level of one spectrum and of a stack."""

import re
from pathlib import Path

import numpy as np
import pytest

import xpsnet
from xpsnet import cli
from xpsnet.data.spectrum import make_spectrum


def _edge_file(tmp_path: Path, n: int = 1) -> Path:
    energy = np.linspace(-1.0, 1.0, 101)
    counts = 50 + 5000 / (1 + np.exp(-(energy - 0.12) / 0.05))
    counts = np.random.default_rng(0).poisson(counts, (n, energy.size)).astype(float)
    spectra = make_spectrum(counts, energy, dims=("x", "energy"), scale="binding", name="edge")
    spectra = spectra if n > 1 else spectra[0]
    xpsnet.write(spectra, tmp_path / "edge.nc")
    return tmp_path / "edge.nc"


def test_edge_prints_the_fermi_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _edge_file(tmp_path)
    assert cli.main(["edge", str(path), "--temperature", "300", "--no-slopes"]) == 0
    printed = capsys.readouterr().out
    found = re.search(r"center \[eV\]\s+(\S+) ± (\S+)", printed)
    assert found is not None
    assert float(found[1]) == pytest.approx(0.12, abs=0.01)
    assert "temperature [K]" in printed
    assert "300" in printed
    assert cli.main(["edge", str(path), "--temperature", "free"]) == 2
    assert "expected a resolution" in capsys.readouterr().err


def test_edge_of_a_stack_prints_medians(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["edge", str(_edge_file(tmp_path, 3)), "--energy-range", "-0.8", "0.9"]) == 0
    printed = capsys.readouterr().out
    assert "3 spectra" in printed
    assert re.search(r"center \[eV\]\s+0\.1", printed)
