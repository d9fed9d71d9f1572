"""The parts of `bench_chemistry.py` about quantification at toy size, so that they cannot rot."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from compound_spectra import COMPOUNDS, transmission

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "bench_chemistry.py"


def _printed(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_factors_are_compared() -> None:
    text = _printed("factors")
    assert "58 factors: largest difference 0.67 %" in text
    assert "exponents: mean 0.709, standard deviation 0.020" in text


def test_compounds_are_quantified() -> None:
    text = _printed("compounds", "--spectra", "4")
    assert text.count("| SrTiO3 |") == 3
    bias = float(text.rsplit("largest bias", 1)[1].split()[0])
    assert bias < 0.3


def test_measured_files_are_quantified(real_data: Path) -> None:
    text = _printed("measured", "--data", str(real_data))
    rows = [line for line in text.splitlines() if line.startswith("| the same, TPP-2M in PET")]
    assert float(rows[0].split("|")[-2]) < 1.0
    assert text.count("+-") == 21 * 3 * 2


def test_traces_are_looked_for() -> None:
    rows = [line.split("|") for line in _printed("traces", "--spectra", "4").splitlines()]
    found = [float(row[4]) for row in rows if len(row) > 4 and "(" in row[1]]
    assert found[0] == 0.0
    assert found[-1] == 100.0


def test_a_charging_map_is_calibrated_and_quantified(tmp_path: Path) -> None:
    text = _printed("map", "--size", "6", "--picture", str(tmp_path / "map.png"))
    assert (tmp_path / "map.png").is_file()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| O 1s")]
    assert abs(float(rows[0][2])) < 0.3
    assert rows[0][5].strip() == "0"


def test_compounds_have_their_composition() -> None:
    assert COMPOUNDS["PET"].fractions == {"C 1s": 10 / 14, "O 1s": 4 / 14}
    assert sum(COMPOUNDS["ITO"].fractions.values()) == 1.0
    assert np.all(np.diff(transmission(np.linspace(300, 1400, 50))) < 0)
