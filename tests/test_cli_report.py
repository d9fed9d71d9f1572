"""The command `report`: new fits and stored ones, short and full, never over another file."""

from pathlib import Path

import pytest

import xpsnet
from xpsnet import cli


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAMAS file with one region and its fit."""
    path = tmp_path_factory.mktemp("report") / "measured.vms"
    spectrum = xpsnet.sample("spectrum")
    xpsnet.write(xpsnet.fit(spectrum), path, spectra=spectrum)
    return path


def test_a_report_of_a_new_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    xpsnet.write(xpsnet.sample("spectrum"), "measured.csv")
    assert cli.main(["report", "measured.csv"]) == 0
    assert "wrote measured_report.html" in capsys.readouterr().out
    assert "Abbe criterion" in Path("measured_report.html").read_text(encoding="utf-8")
    assert cli.main(["report", "measured.csv"]) != 0
    assert "expected a new file" in capsys.readouterr().err
    assert cli.main(["report", "measured.csv", "--overwrite", "--short", "-o", "a.md"]) == 0
    text = Path("a.md").read_text(encoding="utf-8")
    assert "Abbe criterion" in text
    assert "## Software" in text
    assert "### Spectrum" not in text


def test_a_report_of_the_fits_of_a_file(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "fit.txt"
    words = ["report", str(file), "--fits", "--quantify", "-o", str(target)]
    assert cli.main(words) == 0
    text = target.read_text(encoding="utf-8")
    stored = xpsnet.read_fit(file)[0]
    assert f"{float(stored['center'][0]):.1f}" in text
    assert "Quantification" in text


def test_a_file_without_fits_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    xpsnet.write(xpsnet.sample("spectrum"), tmp_path / "plain.csv")
    assert cli.main(["report", str(tmp_path / "plain.csv"), "--fits"]) != 0
    assert "fit" in capsys.readouterr().err
