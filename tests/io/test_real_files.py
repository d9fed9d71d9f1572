"""Files of real instruments and programs, with known answers and a second opinion."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vamas

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one

# Regions of every file: name, points, first and last energy [eV], scale.
VAMAS: dict[str, list[tuple[str, int, float, float, str]]] = {
    "0-150W.vms": [
        ("survey", 1206, 286.69, 1491.69, "kinetic"),
        ("Ni 2p", 601, 586.69, 646.69, "kinetic"),
        ("O 1s", 251, 941.69, 966.69, "kinetic"),
        ("C 1s", 301, 1186.69, 1216.69, "kinetic"),
        ("W 4f", 251, 1436.69, 1461.69, "kinetic"),
    ],
    "FeO_analyzed.vms": [("Fe 2p", 1121, 736.61, 792.61, "kinetic")],
    "Mutlipak_vms.npl": [
        ("C 1s", 601, 305.0, 275.0, "binding"),
        ("O 1s", 601, 555.0, 525.0, "binding"),
        ("S 2p", 501, 180.0, 155.0, "binding"),
        ("N 1s", 401, 410.0, 390.0, "binding"),
        ("Mo 3d", 401, 240.0, 220.0, "binding"),
    ],
    "Pt4f.vms": [("Pt 4f", 281, 1396.68, 1424.68, "kinetic")],
    "irregular.vms": [("survey", 1351, 136.61, 1486.61, "kinetic")],
    "multiplex.vms": [
        ("survey", 1206, 286.69, 1491.69, "kinetic"),
        ("O 1s", 91, 943.69, 961.69, "kinetic"),
        ("Ta 4f", 91, 1451.69, 1469.69, "kinetic"),
    ],
    "xps_eis.vms": [
        ("xps_eis 1", 8201, 1506.7, 686.7, "kinetic"),
        ("xps_eis 2", 321, 1261.7, 1245.7, "kinetic"),
        ("xps_eis 3", 941, 1097.7, 1050.7, "kinetic"),
        ("xps_eis 4", 541, 1246.7, 1219.7, "kinetic"),
    ],
}
TEXT: dict[str, tuple[str, tuple[int, ...], float, float, str]] = {
    "text/XPS_Si2p.csv": ("Si 2p", (401,), 110.0, 90.0, "binding"),
    "text/XPS_Si2p_siloxane_synthetic.csv": ("Si 2p", (66,), 98.0, 104.5, "binding"),
    "text/ascii_Au4f.txt": ("Au 4f", (121,), 92.4873, 80.4873, "binding"),
    "text/clean_Au_4f.csv": ("Au 4f", (294,), 84.0, 95.9984, "kinetic"),
    "paper/P3HT_S2p_exp.txt": ("S 2p", (401,), 175.08, 155.0799999999955, "binding"),
    "paper/ITO_O1s_exp.txt": ("O 1s", (401,), 545.08, 525.0799999999728, "binding"),
}
# Files that do not state their energy scale.
SILENT = {"text/XPS_Si2p_siloxane_synthetic.csv", "paper/P3HT_S2p_exp.txt",
          "paper/ITO_O1s_exp.txt"}  # fmt: skip


def quietly(path: Path, **told: Any) -> tuple[list[Any], list[str]]:
    """Spectra of a file and the warnings about it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectra = read(path, **told)
    return spectra, [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", VAMAS)
def test_vamas_files_have_their_regions(real_data: Path, name: str) -> None:
    spectra, told = quietly(real_data / "vamas" / name)
    found = [
        (s.name, s.size, float(s.energy[0]), float(s.energy[-1]), s.attrs["scale"]) for s in spectra
    ]
    assert [f[:2] + f[4:] for f in found] == [e[:2] + e[4:] for e in VAMAS[name]]
    # Last energies are start + n * step, rounded by float arithmetic.
    np.testing.assert_allclose(
        [f[2:4] for f in found], [e[2:4] for e in VAMAS[name]], rtol=0, atol=1e-9
    )
    assert len(told) == (name == "xps_eis.vms")
    for spectrum in spectra:
        assert np.isfinite(spectrum).all()
        assert 1486.6 <= spectrum.attrs["photon_energy"] <= 1486.7


@pytest.mark.parametrize(
    "name", [n for n in VAMAS if n not in ("irregular.vms", "FeO_analyzed.vms")]
)
def test_the_second_opinion_on_vamas_is_the_same(real_data: Path, name: str) -> None:
    # It breaks on irregular scans, on blank lines in front and on zero bytes in texts.
    data = (real_data / "vamas" / name).read_bytes().lstrip(b"\r\n")
    blocks = vamas.Vamas(data).blocks
    spectra, _ = quietly(real_data / "vamas" / name)
    assert len(spectra) == len(blocks)
    for spectrum, block in zip(spectra, blocks, strict=True):
        counts, *others = block.corresponding_variables
        energy = block.x_start + block.x_step * np.arange(len(counts.y_values))
        np.testing.assert_array_equal(spectrum, counts.y_values)
        np.testing.assert_array_equal(spectrum.energy, energy)
        assert spectrum.attrs["photon_energy"] == block.analysis_source_characteristic_energy
        assert spectrum.attrs["n_scans"] == block.num_scans_to_compile_block
        assert spectrum.attrs["dwell_time"] == block.signal_collection_time
        for other in others:
            np.testing.assert_array_equal(spectrum.transmission, other.y_values)


def test_an_irregular_file_agrees_with_the_export_of_the_same_spectrum(real_data: Path) -> None:
    (spectrum,) = read(real_data / "vamas" / "FeO_analyzed.vms")
    (exported,) = read(real_data / "vamas" / "FeO_analyzed_lineshapes_cols.txt")
    np.testing.assert_allclose(spectrum.energy, exported.energy, rtol=0, atol=1e-9)
    # The export holds seven digits.
    np.testing.assert_allclose(spectrum, exported, rtol=1e-6)
    for name in ("scale", "units", "photon_energy", "dwell_time", "n_scans", "sample"):
        assert spectrum.attrs[name] == exported.attrs[name]


@pytest.mark.parametrize("name", TEXT)
def test_text_files_are_read(real_data: Path, name: str) -> None:
    (spectrum,), told = quietly(real_data / name)
    region, shape, first, last, scale = TEXT[name]
    assert (spectrum.name, spectrum.shape) == (region, shape)
    assert (float(spectrum.energy[0]), float(spectrum.energy[-1])) == (first, last)
    assert spectrum.attrs["scale"] == scale
    assert len(told) == (name in SILENT)
    if name in SILENT:
        (again,) = read(real_data / name, scale="binding", photon_energy=1486.6)
        np.testing.assert_array_equal(again, spectrum)


def test_numbers_of_two_columns_are_those_of_the_file(real_data: Path) -> None:
    path = real_data / "paper" / "P3HT_S2p_exp.txt"
    spectrum = read_one(path, region="S 2p", scale="binding")
    energy, counts = np.loadtxt(path).T
    np.testing.assert_array_equal(spectrum.energy, energy)
    np.testing.assert_array_equal(spectrum, counts)


def test_gold_needs_the_energy_offset(real_data: Path) -> None:
    spectrum = read_one(real_data / "text" / "clean_Au_4f.csv", region="Au 4f", energy_offset=3.7)
    assert spectrum.attrs["photon_energy"] == 180.0
    binding = xpsnet.to_binding(spectrum)
    # The 4f 7/2 line of clean gold is at 84.0 eV; steps are 0.04 eV.
    assert float(binding.idxmax()) == pytest.approx(84.0, abs=0.15)


def test_a_casaxps_table_is_one_spectrum(real_data: Path) -> None:
    (spectrum,) = read(real_data / "text" / "ascii_Au4f.txt")
    assert spectrum.attrs["units"] == "counts/s"
    assert spectrum.attrs["sample"] == "180524 Ni-BZY Cell 1"
    np.testing.assert_array_equal(spectrum[:2], [4324.809, 4146.571])


def test_the_series_is_one_stack_on_the_union_of_its_energies(real_data: Path) -> None:
    paths = sorted((real_data / "series").glob("*_dsp.csv"))
    for source in (real_data / "series", paths):
        stack = read_one(source, region="O 1s", scale="kinetic", photon_energy=730)
        assert (stack.dims, stack.shape) == (("scan", "energy"), (16, 131))
        assert stack.file.values.tolist() == [path.name for path in paths]
        np.testing.assert_allclose(stack.energy, np.arange(192, 205.05, 0.1), rtol=0, atol=1e-9)
        missing = np.isnan(stack).sum("energy").values
        short = stack.file.values.tolist().index("1804100015_dsp.csv")
        assert missing.tolist() == [29 if i == short else 0 for i in range(16)]
        row = stack[short].dropna("energy")
        assert (float(row.energy[0]), float(row.energy[-1])) == (194.5, 204.6)
        assert float(row.max()) == 10000.0
    for path, scan in zip(paths, stack, strict=True):
        energy, counts = np.loadtxt(path, delimiter=",").T
        np.testing.assert_array_equal(scan.sel(energy=energy, method="nearest"), counts)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vamas/Pt4f.json", "got JSON; export"),
        ("thermo/Cl2p Scan.xml", "got a chart of Avantage.* the .vgd file"),
        ("paper/P3HT_S2p_numerics.txt", "text that begins with 'Peak 1"),
    ],
)
def test_other_files_are_refused_politely(real_data: Path, name: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(real_data / name)


def test_a_folder_of_several_regions_keeps_them_apart(real_data: Path) -> None:
    spectra, told = quietly(real_data / "text")
    assert sorted(str(s.name) for s in spectra) == ["Au 4f", "Au 4f", "Si 2p", "Si 2p"]
    assert len(told) == 1
