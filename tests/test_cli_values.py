"""The command line takes the words of the Python functions, and gives the same fits."""

import shlex
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet import cli, cli_values
from xpsnet.data.spectrum import make_spectrum

ENERGY = np.linspace(155.0, 172.0, 341)


def _line(energy: np.ndarray, center: float, height: float, fwhm: float = 0.9) -> np.ndarray:
    return height * np.exp(-4 * np.log(2) * ((energy - center) / fwhm) ** 2)


def _sulfur() -> xr.DataArray:
    """S 2p of a sample that is charged by 0.6 eV."""
    curve = 300 + _line(ENERGY, 162.1, 4000) + _line(ENERGY, 163.28, 2000)
    counts = np.random.default_rng(3).poisson(curve).astype(float)
    return make_spectrum(counts, ENERGY, scale="binding", name="S 2p", photon_energy=1486.6)


def _carbon() -> xr.DataArray:
    """C 1s of the same sample."""
    energy = np.linspace(280.0, 292.0, 241)
    counts = np.random.default_rng(4).poisson(200 + _line(energy, 285.4, 5000)).astype(float)
    return make_spectrum(counts, energy, scale="binding", name="C 1s", photon_energy=1486.6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fwhm=1.1", ("fwhm", 1.1)),
        ("fwhm = 0.8:1.5", ("fwhm", (0.8, 1.5))),
        ("fwhm=(0.8, 1.5)", ("fwhm", (0.8, 1.5))),
        ("fwhm=:1.5", ("fwhm", (None, 1.5))),
        ("fwhm=(0.8, None)", ("fwhm", (0.8, None))),
        ("center=-8:-0.5", ("center", (-8.0, -0.5))),
        ("height=1e3:1e+4", ("height", (1e3, 1e4))),
        ("center_2=center_1 + 1.19", ("center_2", "center_1 + 1.19")),
        ("center_2=center_1 + (1.1, 1.3)", ("center_2", "center_1 + (1.1, 1.3)")),
        ("area_2=0.5 * area_1", ("area_2", "0.5 * area_1")),
    ],
)
def test_constraints(text: str, expected: Any) -> None:
    assert cli_values.constraint(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S 2p", ("S 2p", {})),
        ("auto", ("auto", {})),
        ("S 2p splitting=1.1:1.3", ("S 2p", {"splitting": (1.1, 1.3)})),
        ("S2p, splitting=(1.1, 1.3), ratio=free", ("S2p", {"splitting": (1.1, 1.3),
                                                            "ratio": "free"})),
        ("S 2p: ratio=0.5, peaks=1,2; fwhm_ratio=fixed", ("S 2p", {"ratio": 0.5, "peaks": (1, 2),
                                                                    "fwhm_ratio": "fixed"})),
        ("S 2p peaks=(1, 2)", ("S 2p", {"peaks": (1, 2)})),
    ],
)  # fmt: skip
def test_doublets(text: str, expected: Any) -> None:
    assert cli_values.doublet(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("C 1s", ("C 1s", None)), ("C1s=284.8", ("C1s", 284.8)), ("Au 4f7/2 = 84", ("Au 4f7/2", 84))],
)
def test_charge_references(text: str, expected: Any) -> None:
    assert cli_values.charge_reference(text) == expected


WRONG = {
    cli_values.constraint: ["fwhm", "=3", "fwhm="],
    cli_values.doublet: ["", "splitting=1", "S 2p width=3", "S 2p ratio=1 ratio=2", "S 2p ratio=",
                         "S 2p ratio=free of"],
    cli_values.charge_reference: ["", "=284.8", "C 1s=many"],
    cli_values.count: ["many", "-1", "2.5", "", "9" * 400],
    cli_values.scale: ["many", "", "E-E_VBM"],
    cli_values.number_or("free"): ["many", ""],
}  # fmt: skip


@pytest.mark.parametrize(
    ("parse", "text"), [(parse, text) for parse, texts in WRONG.items() for text in texts]
)
def test_wrong_words_are_answered_by_a_sentence(parse: Any, text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"expected .* got"):
        parse(text)


def test_a_constraint_stands_there_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    xpsnet.write(_sulfur(), tmp_path / "s.csv")
    words = ["fit", str(tmp_path / "s.csv"), "--n-peaks", "2", "--constraint", "fwhm=1"]
    assert cli.main([*words, "--constraint", "fwhm=2"]) == cli.ERROR
    assert "expected one constraint of fwhm, got two: 1.0 and 2.0" in capsys.readouterr().err


ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "static background": (
        '--n-peaks 2 --background "static shirley"',
        {"n_peaks": 2, "background": "static shirley"},
    ),
    "limits and links": (
        '--n-peaks 2 --constraint fwhm_1=0.8:1.1 --constraint "center_2=center_1 + (1.1, 1.3)"'
        ' fwhm_2=fwhm_1 "area_2=0.5 * area_1"',
        {"n_peaks": 2, "constraints": {"fwhm_1": (0.8, 1.1), "center_2": "center_1 + (1.1, 1.3)",
                                       "fwhm_2": "fwhm_1", "area_2": "0.5 * area_1"}},
    ),
    "a doublet": (
        '--n-peaks 2 --doublet "S 2p splitting=1.1:1.3 ratio=free fwhm_ratio=0.8:1.2 peaks=1,2"',
        {"n_peaks": 2, "doublets": [xpsnet.doublet("S 2p", (1, 2), splitting=(1.1, 1.3),
                                                   ratio="free", fwhm_ratio=(0.8, 1.2))]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_the_command_line_gives_the_fit_of_python(tmp_path: Path, name: str) -> None:
    words, keywords = ASKED[name]
    xpsnet.write(_sulfur(), tmp_path / "s.nc")
    line = f"fit {tmp_path / 's.nc'} {words} -o {tmp_path / 'peaks.nc'}"
    assert cli.main(shlex.split(line)) == 0
    (found,) = xpsnet.read_fit(tmp_path / "peaks.nc")
    expected = xpsnet.fit(_sulfur(), **keywords)
    for variable in ("center", "fwhm", "area", "center_stderr"):
        np.testing.assert_array_equal(found[variable], expected[variable])
    for key in ("background", "background_choice", "links", "doublets"):
        assert found.attrs.get(key) == expected.attrs.get(key)


@pytest.mark.parametrize("word", ["C 1s", "C1s=284.8"])
@pytest.mark.parametrize("regions", [2, 1], ids=["in the same file", "in the spectra"])
def test_the_charge_reference(
    tmp_path: Path, word: str, regions: int, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "a.nc"
    xpsnet.write([_sulfur(), _carbon()] if regions == 2 else _carbon(), path)
    region = "S 2p" if regions == 2 else "C 1s"
    line = f'fit {path} --region "{region}" --n-peaks 1 --charge-reference "{word}"'
    assert cli.main([*shlex.split(line), "-o", str(tmp_path / "peaks.nc")]) == 0
    (found,) = xpsnet.read_fit(tmp_path / "peaks.nc")
    spectra = xpsnet.read_one(path, region)
    expected = xpsnet.fit(xpsnet.calibrate(spectra, line="C1s", reference=_carbon()), n_peaks=1)
    np.testing.assert_allclose(found.center, expected.center, rtol=1e-12)
    if regions == 1:
        assert float(found.center[0]) == pytest.approx(284.8, abs=0.02)
    assert "charge reference C 1s 284.8 eV: -0.6" in capsys.readouterr().out


def test_a_charge_reference_that_is_not_there_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    xpsnet.write(_sulfur(), tmp_path / "a.nc")
    line = f"fit {tmp_path / 'a.nc'} --n-peaks 1 --charge-reference"
    assert cli.main([*line.split(), "C 1s"]) == cli.ERROR
    assert "expected C 1s at 284.8 eV in the spectra, got spectra that cover" in (
        capsys.readouterr().err
    )
    xpsnet.write([_sulfur(), _carbon(), _carbon()], tmp_path / "b.nc")
    line = line.replace("a.nc", "b.nc --region 0")
    assert cli.main([*line.split(), "C 1s"]) == cli.ERROR
    assert "expected one region C 1s as charge reference, got 2" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["-o", "--plot"])
def test_nothing_is_replaced_unasked_and_before_the_fit(
    tmp_path: Path, option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    xpsnet.write(_sulfur(), tmp_path / "a.nc")
    target = tmp_path / ("peaks.csv" if option == "-o" else "peaks.png")
    line = ["fit", str(tmp_path / "a.nc"), "--n-peaks", "1", option, str(target)]
    assert cli.main(line) == 0
    before = target.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("xpsnet.pipeline.fit.fit", None)  # not reached
        assert cli.main([*line, "--background", "none"]) == cli.ERROR
    assert "which exists; choose another name, or say --overwrite to" in capsys.readouterr().err
    assert target.read_bytes() == before
    assert cli.main([*line, "--background", "none", "--overwrite"]) == 0
    assert target.read_bytes() != before


def test_one_file_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    target = str(tmp_path / "peaks.csv")
    assert cli.main(["fit", "a.vms", "-o", target, "-o", target]) == cli.ERROR
    assert "expected different files, got one of them twice" in capsys.readouterr().err


def test_the_scale_of_the_command_line_has_the_words_of_files(tmp_path: Path) -> None:
    energy = np.linspace(-8.0, 0.98, 450)
    counts = 100 + _line(energy, -2.5, 2000)
    (tmp_path / "vb.csv").write_text(
        "Energy,Counts\n"
        + "".join(f"{e:.4f},{c:.3f}\n" for e, c in zip(energy, counts, strict=True))
    )
    line = f"fit {tmp_path / 'vb.csv'} --n-peaks 1 --scale E-EF -o {tmp_path / 'peaks.nc'}"
    assert cli.main(line.split()) == 0
    (found,) = xpsnet.read_fit(tmp_path / "peaks.nc")
    assert float(found.center[0]) == pytest.approx(2.5, abs=0.01)
