"""Scienta SES text: regions, images, the scale that counts, damage."""

import numpy as np
import pytest
from igor_writer import ibw
from scienta_writer import Region, note, ses

from xpsnet import to_binding
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one, sniff
from xpsnet.io.scienta import text as scienta_text
from xpsnet.io.scienta.text import NAME

ENERGY = 382.0 - 0.05 * np.arange(61)
ANGLE = np.linspace(-7.5, 7.5, 6)


def counts(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(9.0, 2.0, (*shape, ENERGY.size))


def image(**more) -> Region:
    return Region(counts(6), ENERGY, axes=[("Y-Scale [deg]", ANGLE)], **more)


def test_a_region_is_read_to_the_number(save) -> None:
    path = save(ses([Region(counts(), ENERGY, manipulator={"X": "1.5", "Z": "-3", "A": "12"})]))
    assert sniff(path) == NAME
    (spectrum,) = read(path)
    assert (spectrum.name, spectrum.dims) == ("Ag 3d", ("energy",))
    np.testing.assert_allclose(spectrum, counts(), rtol=1e-14)
    np.testing.assert_allclose(spectrum.energy, ENERGY, rtol=1e-14)
    expected = {
        "scale": "binding",
        "units": "counts",
        "photon_energy": 520.0,
        "pass_energy": 50.0,
        "n_scans": 4,
        "instrument": "R3000",
        "lens_mode": "Transmission",
        "sample": "Ag",
        "acquired": "2023-03-08T15:24:35",
        "region_original": "Ag3d",
    }
    assert {key: spectrum.attrs.get(key) for key in expected} == expected
    assert "comment" not in spectrum.attrs
    positions = {name: float(spectrum[name]) for name in ("x", "z", "manipulator_a")}
    assert positions == {"x": 1.5, "z": -3.0, "manipulator_a": 12.0}


def test_a_swept_energy_dwells_on_every_channel_of_the_detector(save) -> None:
    (swept,) = read(save(ses([Region(counts(), ENERGY)])))
    # 45.066 s over four sweeps, not the 0.2 s of one step.
    assert swept.attrs["dwell_time"] == pytest.approx(45.066 / 4)
    (fixed,) = read(save(ses([Region(counts(), ENERGY, without=["Time per Spectrum Channel"])])))
    assert fixed.attrs["dwell_time"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("scale", "unit", "label", "expected", "told"),
    [
        ("Binding", "Kinetic", "Binding Energy [eV]", "binding", 0),
        ("Kinetic", "Binding", "Kinetic Energy [eV]", "kinetic", 0),
        ("Binding", "Kinetic", "Kinetic Energy [eV]", "binding", 1),
        ("Unknown", "Binding", "Kinetic Energy [eV]", "kinetic", 0),
    ],
)
def test_the_energy_scale_wins(
    save, recwarn, scale: str, unit: str, label: str, expected: str, told: int
) -> None:
    info = {"Energy Scale": scale, "Energy Unit": unit}
    (spectrum,) = read(save(ses([Region(counts(), ENERGY, label=label, info=info)])))
    assert spectrum.attrs["scale"] == expected
    assert len([w for w in recwarn if "Energy Scale states" in str(w.message)]) == told


def test_kinetic_energies_become_binding_energies(save) -> None:
    kinetic = Region(counts(), 520.0 - ENERGY, info={"Energy Scale": "Kinetic"},
                     label="Kinetic Energy [eV]")  # fmt: skip
    (spectrum,) = read(save(ses([kinetic])))
    np.testing.assert_allclose(to_binding(spectrum).energy, ENERGY, rtol=0, atol=1e-9)


def test_an_image_keeps_its_angle_and_is_folded_on_demand(save) -> None:
    path = save(ses([image()]))
    (stack,) = read(path)
    assert stack.dims == ("angle", "energy")
    np.testing.assert_allclose(stack, counts(6), rtol=1e-14)
    np.testing.assert_allclose(stack.angle, ANGLE, rtol=1e-9)
    assert stack.angle.attrs["units"] == "deg"
    (spectrum,) = read(path, sum_over="angle")
    np.testing.assert_allclose(spectrum, counts(6).sum(0), rtol=1e-12)
    assert spectrum.attrs["n_summed"] == 6


@pytest.mark.parametrize(
    ("label", "dim"),
    [
        ("Y-Scale [deg]", "angle"),
        ("Thetax [deg]", "angle"),
        ("Y-Scale [mm]", "y"),
        ("Sweep", "scan"),
        ("Temperature [K]", "temperature"),
    ],
)
def test_the_second_dimension_is_named_by_its_label(save, label: str, dim: str) -> None:
    (stack,) = read(save(ses([Region(counts(6), ENERGY, axes=[(label, np.arange(6.0))])])))
    assert stack.dims == (dim, "energy")


def test_slices_without_a_dimension_are_numbered(save) -> None:
    (stack,) = read(save(ses([Region(counts(3), ENERGY)])))
    assert stack.dims == ("slice", "energy")
    np.testing.assert_allclose(stack, counts(3), rtol=1e-14)
    (spectrum,) = read(save(ses([Region(counts(3), ENERGY)])), sum_over="slice")
    np.testing.assert_allclose(spectrum, counts(3).sum(0), rtol=1e-12)


def test_a_single_slice_is_a_spectrum_at_an_angle(save) -> None:
    one = Region(counts(1), ENERGY, axes=[("Y-Scale [deg]", np.array([2.5]))])
    (spectrum,) = read(save(ses([one])))
    assert spectrum.dims == ("energy",)
    assert float(spectrum.angle) == 2.5


def test_a_third_dimension_comes_first(save) -> None:
    axes = [("Y-Scale [deg]", ANGLE), ("Position [mm]", np.array([0.5, 1.5, 2.5]))]
    (cube,) = read(save(ses([Region(counts(3, 6), ENERGY, axes=axes)])))
    assert cube.dims == ("position", "angle", "energy")
    np.testing.assert_allclose(cube, counts(3, 6), rtol=1e-14)
    np.testing.assert_allclose(cube.position, [0.5, 1.5, 2.5])


def test_six_regions_are_six_spectra(save) -> None:
    names = ["Ag3d", "C1s", "O 1s", "VB", "Survey", "MNN"]
    regions = [Region(counts(seed=i), ENERGY - i, name=name) for i, name in enumerate(names)]
    spectra = read(save(ses(regions)))
    assert [s.name for s in spectra] == ["Ag 3d", "C 1s", "O 1s", "VB", "survey", "MNN"]
    np.testing.assert_allclose(spectra[3], counts(seed=3), rtol=1e-14)


def _traps() -> dict[str, bytes]:
    text = ses([image()])
    head, data = text.split("[Data 1]")
    return {
        "lf": text.replace("\r\n", "\n").encode(),
        "old mac": text.replace("\r\n", "\r").encode(),
        "byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "utf-16": text.encode("utf-16"),
        "decimal commas": (head + "[Data 1]" + data.replace(".", ",")).encode(),
        "latin-1": text.replace("Sample=Ag", "Sample=Ag bei 20 °C").encode("latin-1"),
        "blank lines in front": b"\r\n\r\n" + text.encode(),
        "settings behind the table": (text + "[Extra]\r\nA=b\r\n").encode(),
    }


@pytest.mark.parametrize("trap", _traps())
def test_oddities_change_nothing(save, trap: str) -> None:
    (stack,) = read(save(_traps()[trap], "a.txt"))
    np.testing.assert_allclose(stack, counts(6), rtol=1e-13)


def test_what_is_damaged_is_left_out_with_a_warning(save) -> None:
    text = ses([Region(counts(), ENERGY), Region(counts(seed=1), ENERGY, name="C1s")], promised=3)
    lines = text.split("\r\n")
    at = lines.index("[Data 1]") + 10
    lines[at] = "aborted"
    with pytest.warns(UserWarning, match="left out|promises") as caught:
        first, second = read(save("\r\n".join(lines)))
    told = " ".join(str(w.message) for w in caught)
    assert f"1 lines (the first at line {at + 1}) left out" in told
    assert "promises 3 regions, the file holds 2" in told
    assert (first.size, second.size) == (60, 61)
    broken = text.replace("[Data 1]", "[Date 1]").replace("Regions=0003", "Regions=0002")
    with pytest.warns(UserWarning, match=r"region 1 at line 5 is left out: it has no \[Data\]"):
        assert [s.name for s in read(save(broken))] == ["C 1s"]


@pytest.mark.parametrize("section", ["[BCS]", "[BCS 1]", "[User Interface Information 1]"])
def test_settings_in_other_sections_are_found(save, section: str) -> None:
    text = ses([Region(counts(), ENERGY, without=["Excitation Energy", "Pass Energy"])])
    at = text.index("[Data 1]")
    added = f"{section}\r\nBL Energy=415.3\r\nPass Energy=20\r\nSample X=1.5\r\n\r\n"
    (spectrum,) = read(save(text[:at] + added + text[at:]))
    assert (spectrum.attrs["photon_energy"], spectrum.attrs["pass_energy"]) == (415.3, 20.0)
    assert spectrum.x.item() == 1.5


def test_a_file_without_data_is_refused(save) -> None:
    head = ses([Region(counts(), ENERGY)]).split("[Data 1]")[0]
    with pytest.raises(ReadError, match=r"expected at least one \[Data\].*region 1 at line 5"):
        read(save(head))


def test_the_binary_copies_that_ses_writes_are_no_further_scans(tmp_path) -> None:
    region = Region(counts(), ENERGY)
    (tmp_path / "Ag_0001.txt").write_text(ses([region]))
    wave = ibw(counts(), scales=[(382.0, -0.05)], labels=["Binding Energy [eV]"],
               note=note(region))  # fmt: skip
    (tmp_path / "Ag_0001Ag__001.ibw").write_bytes(wave)
    with pytest.warns(UserWarning, match=r"1 spectra are left out, the first of Ag_0001Ag__001"):
        (spectrum,) = read(tmp_path)
    assert spectrum.dims == ("energy",)
    np.testing.assert_allclose(spectrum, counts(), rtol=1e-13)


def test_too_many_tables_are_cut_off_with_a_warning(save, monkeypatch) -> None:
    monkeypatch.setattr(scienta_text, "_MAX_TABLES", 2)
    regions = [Region(counts(seed=i), ENERGY, name=name) for i, name in enumerate("CNO")]
    with pytest.warns(UserWarning, match="everything from line .* left out|promises|no \\[Data\\]"):
        assert [s.name for s in read(save(ses(regions)))] == ["C", "N"]


def test_too_many_numbers_are_cut_off_with_a_warning(save, monkeypatch) -> None:
    monkeypatch.setattr(scienta_text, "_MAX_NUMBERS", 20)
    with pytest.warns(UserWarning, match="everything from line .* too many numbers|promises"):
        (spectrum,) = read(save(ses([Region(counts(), ENERGY)])))
    assert spectrum.size == 10


def test_measured_files_are_read(real_data) -> None:
    path = real_data / "scienta" / "Ag_0001.txt"
    silver = read_one(path, region="Ag 3d")
    assert (silver.size, float(silver.energy[0]), float(silver.energy[-1])) == (361, 382.0, 364.0)
    assert silver.attrs["scale"] == "binding"
    assert silver.attrs["photon_energy"] == 520.0
    # 3d 5/2 of silver metal at 368.2 eV; this beamline's photon energy was off.
    assert float(silver.idxmax()) == pytest.approx(368.2, abs=2.0)
    (valence,) = read(real_data / "scienta" / "Ag_0002.txt")
    assert (valence.name, valence.size, valence.attrs["n_scans"]) == ("VB", 801, 10)
