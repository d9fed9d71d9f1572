"""Benchmarks run at toy size, so that they cannot rot."""

import os
import subprocess
import sys
from pathlib import Path

import install_size
import numpy as np
import pytest
import same_numbers

ROOT = Path(__file__).parents[1]


def test_paper_table_is_printed_and_drawn(real_data: Path, tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "paper_table.py"
    done = subprocess.run(
        [sys.executable, script, "--out", tmp_path, "--spectra", "100"],
        env={**os.environ, "XPSNET_REAL_DATA": str(real_data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "| paper, by hand | 1 | 164.15 | 0.789 | 7297 | 91.6 |" in done.stdout
    assert "default, fit (raw)" in done.stdout
    drawn = {file.name for file in tmp_path.iterdir()}
    assert drawn == {"README.md", *(f"figure{n}.png" for n in (1, 3, 4, 6, 7))}


def test_every_measured_file_is_compared(real_data: Path) -> None:
    script = ROOT / "benchmarks" / "bench_read.py"
    done = subprocess.run(
        [sys.executable, script, "--measured", real_data],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "| vamas/Pt4f.vms | VAMAS | Pt 4f | 281 |" in done.stdout
    assert done.stdout.count("vamas 0.2: exact") == 5
    assert "not compared" not in done.stdout


def test_large_files_are_made_and_read() -> None:
    script = ROOT / "benchmarks" / "bench_read.py"
    done = subprocess.run(
        [sys.executable, script, "--speed", "--megabytes", "1", "--blocks", "8"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "VAMAS depth profile, 8 blocks" in done.stdout


def _printed(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_accuracy_beside_the_classical_way() -> None:
    text = _printed("bench_accuracy.py", "--spectra", "40")
    assert text.count("| (c) from the truth, BIC |") == 2
    assert "small peak found, predict" in text
    assert "second peak invented, fit" in text
    assert "nothing there, nothing found" in text


def test_coverage_of_the_intervals() -> None:
    arguments = ("--spectra", "30", "--settings", "1,18", "--profiles", "2", "--markdown")
    text = _printed("bench_coverage.py", *arguments)
    assert text.count("stack, default") == 3
    assert text.count("2 profiles: in95") == 4
    assert "| 18 | 0.1 eV, window 16 eV, 1 line of 1.1 eV, pedestal 0.5, top 10, Poisson |" in text


def test_nist_like_doublets() -> None:
    text = _printed("bench_nist.py", "--replicates", "1")
    assert "| 1.8 | 0.5 | 0.5 | 0.05 |" in text
    assert "singlets called doublets" in text


def test_states_of_doublets() -> None:
    text = _printed("bench_doublets.py", "--n", "300", "--fit", "4")
    assert "| doublet given | 300 |" in text
    assert "| `fit`, doublet given | 4 |" in text
    assert "center, median error: 0.0" in text


def test_smoothed_spectra() -> None:
    text = _printed("bench_smoothed.py", "--n", "1")
    assert text.count("| mean of 3 | 100 | 0 |") == 3
    assert "| two lines | none | 0 | 100 |" in text


def test_nist_like_doublets_by_someone_who_knows_the_base_peak() -> None:
    code = """
import numpy as np
import bench_nist
rng = np.random.default_rng(0)
for separation, larger in ((0.0, 1.0), (1.3, 0.8)):
    cell = bench_nist.draw_cell(rng, separation, larger, 0.01, 0.1, 2)
    for limits in bench_nist.KNOWN.values():
        counts, centers = bench_nist.by_least_squares(cell, limits)
        print(counts, np.all(np.abs(centers - cell.centers) < 0.1))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "benchmarks",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == 2 * ["[1 1] False"] + 2 * ["[2 2] True"], done.stderr


def test_a_map_against_its_truth(tmp_path: Path) -> None:
    options = ("--size", "8", "--points", "60", "--lmfit", "2", "--picture", str(tmp_path))
    text = _printed("bench_map.py", *options)
    assert "peak memory (MB)" in text
    assert (tmp_path / "map_truth.png").stat().st_size > 10_000


def test_a_map_in_chunks_against_one_in_memory() -> None:
    text = _printed("bench_map.py", "--size", "8", "--points", "60", "--chunks", "3")
    numbers = {line[:46].strip(): float(line[46:]) for line in text.splitlines()}
    assert numbers == {
        "spectra": 64.0,
        "spectra that differ": 0.0,
        "spectra with another peak at a place": 0.0,
        "largest relative difference elsewhere": 0.0,
    }


def test_decisions_about_the_number_of_peaks() -> None:
    text = _printed("bench_decision.py", "--spectra", "16")
    assert "16 spectra, number of peaks right in %" in text
    assert "fit against network:" in text


def test_one_spectrum_seen_four_ways() -> None:
    text = _printed("bench_same.py", "--spectra", "12", "--fitted", "4")
    assert text.count("| 401, moved / 401 |") == 8
    assert "predict, close, noise 0.001: 12 spectra" in text


def test_prediction_is_timed_and_streamed() -> None:
    sizes = ("--spectra", "64", "--classical", "4", "--lmfit", "1", "--streamed", "300")
    text = _printed("bench_predict.py", *sizes, "--million")
    assert "million multiply-adds per spectrum" in text
    assert "| second derivative, BIC, lmfit |" in text
    assert text.count("| TensorFlow |") == 1
    assert "300 of 300 spectra of 200 points" in text


def test_variants_of_the_network_are_trained_alike() -> None:
    text = _printed("bench_architecture.py", "--spectra", "512", "--judged", "64")
    halved = "three passes, half the channels and features"
    for name in ("one pass", "two passes", "three passes", halved):
        assert f"| {name} | " in text


def test_the_same_numbers_are_seen_as_the_same(tmp_path: Path) -> None:
    file = str(tmp_path / "before.npz")
    assert same_numbers.main(["--simulated", "5", "--write", file]) == 0
    with np.load(file) as before:
        arrays = {name: before[name] for name in before.files}
    assert len(arrays) > 2000
    arrays["fit spectrum/center"] = arrays["fit spectrum/center"] * (1 + 1e-8)
    arrays["fit spectrum/status"] = arrays["fit spectrum/status"] + 1
    np.savez(file, **arrays)
    assert same_numbers.main(["--simulated", "5", "--compare", file]) == 2


def test_how_arrays_differ() -> None:
    values = np.array([1.0, np.nan, 3.0])
    assert same_numbers.difference("center", values, values * (1 + 1e-10)) is None
    assert "largest difference" in (same_numbers.difference("center", values, values + 1e-6) or "")
    assert same_numbers.difference("n_peaks_probability", values, values + 1e-7) is None
    assert "NaN became" in (same_numbers.difference("center", values, np.nan_to_num(values)) or "")
    assert "shape" in (same_numbers.difference("center", values, values[:2]) or "")
    counts = np.array([1, 2])
    assert same_numbers.difference("n_peaks", counts, np.array([1, 3])) == "1 of 2 values differ"


def test_everything_at_the_same_time_for_some_seconds() -> None:
    text = _printed("soak.py", "--minutes", "0.2", "--threads", "2")
    assert "2 processes of 2 threads" in text
    # The second process is killed at the end at the latest.
    assert "threads: 0 processes killed" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "work" not in line]
    assert len(rows) > 5
    assert all(line.endswith(("| 0 |", "--- |")) for line in rows)


def test_a_case_of_the_soak_is_repeated() -> None:
    assert "| bad energies | 0 | 1 | 0 |" in _printed("soak.py", "--case", "57")


def test_tensorflow_is_no_part_of_a_plain_install(capsys: pytest.CaptureFixture[str]) -> None:
    plain, missing = install_size.added([])
    assert not missing
    assert {"llvmlite", "numba", "onnxruntime", "napari-xpsnet"} <= set(plain)
    assert not {"tensorflow", "tensorflow-cpu", "keras", "napari", "numpy", "pyside6"} & set(plain)
    assert 100e6 < sum(plain.values()) < 500e6
    training, _ = install_size.added(["train"])
    assert sum(training.values()) > sum(plain.values()) + 500e6
    install_size.main([])
    table = capsys.readouterr().out
    assert f"| **together** | | **{sum(plain.values()) / 1e6:.0f}** |" in table


def test_size_of_a_distribution_is_that_of_its_files() -> None:
    found = install_size.closure(["packaging"]).found["packaging"]
    on_disk = [Path(str(file.locate())) for file in found.files]
    assert install_size.size(found) == sum(one.stat().st_size for one in on_disk if one.is_file())
    assert install_size.closure(["no-such-package>=1"]).missing == {"no-such-package"}


def test_kills_and_growth_of_stored_fits(tmp_path: Path) -> None:
    text = _printed("bench_scale.py", "kill", "--side", "8", "--block", "16", "--kills", "1")
    equal = text.split("complete runs equal to the reference")[1].split()[0]
    assert equal == text.split("complete runs")[1].split()[0] == "1"
    text = _printed("bench_scale.py", "grow", "--sides", "8", "12", "--picture", str(tmp_path))
    assert "144 spectra, peak memory (MB)" in text
    assert (tmp_path / "scale.png").is_file()
