"""Igor Pro: binary waves, packed experiments and text, of SES and of anybody."""

import builtins
import struct

import numpy as np
import pytest
from igor_writer import ibw, old_ibw, packed, variables
from scienta_writer import Region, note, ses

from xpsnet.io.common.errors import ReadError
from xpsnet.io.igor import binary as igor_binary
from xpsnet.io.igor import text as igor_text
from xpsnet.io.read import read, sniff

ENERGY = 382.0 - 0.05 * np.arange(61)
ANGLE = -7.5 + 3.0 * np.arange(6)


def counts(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(9.0, 2.0, (*shape, ENERGY.size))


def spectrum_wave(order: str = "<", seed: int = 0, **more) -> bytes:
    region = Region(counts(seed=seed), ENERGY)
    options = {"labels": ["Binding Energy [eV]"], "note": note(region), "order": order, **more}
    return ibw(region.counts, scales=[(382.0, -0.05)], **options)


def image_wave(order: str = "<") -> bytes:
    labels = ["Binding Energy [eV]", "Y-Scale [deg]"]
    scales = [(382.0, -0.05), (-7.5, 3.0)]
    region = Region(counts(6), ENERGY)
    return ibw(counts(6).T, scales=scales, labels=labels, note=note(region), order=order)


@pytest.mark.parametrize("order", "<>")
def test_the_text_and_the_wave_of_a_spectrum_agree(save, order: str) -> None:
    region = Region(counts(), ENERGY)
    (text,) = read(save(ses([region]), "a.txt"))
    path = save(spectrum_wave(order), "a.ibw")
    assert sniff(path) == igor_binary.NAME
    (wave,) = read(path)
    np.testing.assert_allclose(wave, text, rtol=1e-13)
    np.testing.assert_allclose(wave.energy, text.energy, rtol=0, atol=1e-9)
    assert wave.name == text.name == "Ag 3d"
    files = {"source_file"}
    assert {k: v for k, v in wave.attrs.items() if k not in files} == {
        k: v for k, v in text.attrs.items() if k not in files
    }


def test_the_manipulator_of_a_note_becomes_coordinates(save) -> None:
    text = "[SES]\rRegion Name=Ag3d\rX=9\r[Manipulator]\rX=1.5\rPolar [deg]=-30\r[Other]\rZ=4\r"
    wave = ibw(counts(), scales=[(382.0, -0.05)], labels=["Binding Energy [eV]"], note=text)
    (spectrum,) = read(save(wave))
    assert spectrum.x.item() == 1.5
    assert spectrum.manipulator_polar.item() == -30.0
    assert spectrum.manipulator_polar.attrs["units"] == "deg"
    assert "z" not in spectrum.coords


BEAMLINE = "[BCS]\rBL Energy=415.3\rSample X=1.5\rSample Y (Vert)=-2\rPolar=30\rEPU POL=1\r"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("typed", ["", "Excitation Energy=0\r", "Excitation Energy=415.3\r"])
def test_settings_of_the_beamline_stand_beside_those_of_ses(save, first: bool, typed: str) -> None:
    own = f"[SES]\rRegion Name=Ag3d\rPass Energy=20\r{typed}"
    text = BEAMLINE + own if first else own + BEAMLINE
    wave = ibw(counts(), scales=[(382.0, -0.05)], labels=["Binding Energy [eV]"], note=text)
    (spectrum,) = read(save(wave))
    assert (spectrum.attrs["photon_energy"], spectrum.attrs["pass_energy"]) == (415.3, 20.0)
    assert (spectrum.x.item(), spectrum.y.item()) == (1.5, -2.0)
    assert spectrum.manipulator_polar.item() == 30.0
    assert "units" not in spectrum.y.attrs
    assert "manipulator_epu_pol" not in spectrum.coords


def test_the_energy_of_the_beamline_outweighs_what_was_typed(save) -> None:
    text = f"[SES]\rRegion Name=Ag3d\rExcitation Energy=1486.6\r{BEAMLINE}"
    wave = ibw(counts(), scales=[(382.0, -0.05)], labels=["Binding Energy [eV]"], note=text)
    with pytest.warns(UserWarning, match=r"states 1486.6 eV, the beamline 415.3 eV"):
        (spectrum,) = read(save(wave))
    assert spectrum.attrs["photon_energy"] == 415.3


@pytest.mark.parametrize("separator", ["=", " = ", ": "])
def test_a_note_of_any_program_states_its_settings(save, separator: str) -> None:
    keys = {"hv": "612.5", "PassEnergy": "20", "Number of scans": "7", "Lens": "A1"}
    text = "\r".join(f"{key}{separator}{value}" for key, value in keys.items())
    wave = ibw(counts(), scales=[(230.0, 0.05)], labels=["Kinetic Energy [eV]"], note=text)
    (spectrum,) = read(save(wave))
    expected = {"photon_energy": 612.5, "pass_energy": 20.0, "n_scans": 7, "lens_mode": "A1"}
    assert {key: spectrum.attrs.get(key) for key in expected} == expected


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("version", [1, 2])
def test_variables_of_an_experiment_are_settings_of_its_waves(save, order, version: int) -> None:
    wave = ibw(counts(), scales=[(230.0, 0.05)], labels=["Kinetic Energy [eV]"], order=order)
    path = save(packed([wave], order, before=[(1, variables(order, version))]))
    (spectrum,) = read(path)
    expected = {"photon_energy": 612.5, "pass_energy": 20.0, "n_scans": 3}
    assert {key: spectrum.attrs.get(key) for key in expected} == expected


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "before",
    [
        lambda order: [(1, variables(order, 2, 9000))],
        lambda order: [(2, b"LoadWave\r" * 900)],
        lambda order: [(1, variables(order, 1)), (2, b"print 1\r" * 900)],
        lambda order: [(5, b"Macro x()\rEnd\r" * 900)],
        lambda order: [(9, b"data".ljust(32, b"\0")), (1, variables(order, 2, 9000))],
    ],
    ids=["variables", "history", "both", "procedure", "folder"],
)
def test_records_before_the_first_wave_may_be_long(save, order: str, before) -> None:
    """The first wave lies behind what is looked at to find the format."""
    path = save(packed([spectrum_wave(order)], order, before=before(order)))
    assert sniff(path) == igor_binary.NAME
    np.testing.assert_allclose(read(path)[0], counts(), rtol=1e-13)


def test_variables_that_make_no_sense_do_no_harm(save) -> None:
    sound = variables("<", 2)
    for at in range(0, len(sound), 3):
        broken = sound[:at] + b"\xff\x7f" + sound[at + 2 :]
        path = save(packed([spectrum_wave()], before=[(1, broken)]))
        np.testing.assert_allclose(read(path)[0], counts(), rtol=1e-13)


@pytest.mark.parametrize("order", "<>")
def test_an_image_keeps_its_angle(save, order: str) -> None:
    path = save(image_wave(order))
    (stack,) = read(path)
    assert stack.dims == ("angle", "energy")
    np.testing.assert_allclose(stack, counts(6), rtol=1e-14)
    np.testing.assert_allclose(stack.angle, ANGLE)
    assert stack.angle.attrs["units"] == "deg"
    (spectrum,) = read(path, sum_over="angle")
    np.testing.assert_allclose(spectrum, counts(6).sum(0), rtol=1e-12)


@pytest.mark.parametrize("kind", ["f4", "f8", "i1", "i2", "i4", "u2"])
def test_all_real_numbers_are_read(save, kind: str) -> None:
    values = np.arange(61.0)
    wave = ibw(values, scales=[(10.0, 0.5)], labels=["Kinetic Energy [eV]"], kind=kind)
    (spectrum,) = read(save(wave))
    np.testing.assert_array_equal(spectrum, values)
    assert (spectrum.attrs["scale"], spectrum.dtype) == ("kinetic", np.float64)


@pytest.mark.parametrize("order", "<>")
def test_old_waves_are_read(save, order: str) -> None:
    with pytest.warns(UserWarning, match="binding energy is assumed"):
        (spectrum,) = read(save(old_ibw(counts(), (80.0, 0.1), "eV", order)))
    np.testing.assert_array_equal(spectrum, counts())
    np.testing.assert_allclose(spectrum.energy, 80.0 + 0.1 * np.arange(61))
    assert spectrum.name == "old"


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("order", "<>")
def test_a_packed_experiment_is_read_in_either_byte_order(save, order: str, version: int) -> None:
    waves = [spectrum_wave(order, seed=i) for i in range(3)]
    path = save(packed(waves, order, version), "a.pxt")
    assert sniff(path) == igor_binary.NAME
    spectra = read(path)
    assert len(spectra) == 3
    np.testing.assert_allclose(spectra[2], counts(seed=2), rtol=1e-14)


def test_a_record_that_was_replaced_is_passed_over(save) -> None:
    data = bytearray(packed([spectrum_wave(), spectrum_wave(seed=1)]))
    first = data.index(struct.pack("<Hh", 3, 0))
    struct.pack_into("<H", data, first, 3 | 0x8000)
    (spectrum,) = read(save(bytes(data)))
    np.testing.assert_allclose(spectrum, counts(seed=1), rtol=1e-14)


def test_a_packed_experiment_that_is_cut_off_gives_its_whole_waves(save) -> None:
    data = packed([spectrum_wave(seed=i) for i in range(3)])
    with pytest.warns(UserWarning, match=r"the records end at byte \d+ of \d+"):
        spectra = read(save(data[:-700]))
    assert len(spectra) == 2


def _with(at: int, form: str, *values: int) -> bytes:
    """A wave with other numbers in its headers."""
    data = bytearray(spectrum_wave())
    struct.pack_into(form, data, at, *values)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_with(4, "<i", 2**31 - 1), "promise 21474"),
        (_with(12, "<i", -5), "promise"),
        (_with(76, "<i", 2**30), "do not make 1073741824 points"),
        (_with(132, "<4i", 2**15, 2**15, 2**15, 2**15), "do not make 61 points"),
        (_with(140, "<i", 5), "do not make 61 points"),
        (_with(80, "<h", 0), "texts or complex numbers"),
        (_with(80, "<h", 3), "texts or complex numbers"),
        (spectrum_wave()[:300], "headers are cut off"),
        (spectrum_wave()[:500], "promise"),
    ],
)
def test_sizes_are_checked_before_memory_is_taken(save, data: bytes, reason: str) -> None:
    path = save(data)
    with pytest.raises(ReadError, match=f"the wave at byte 0 is left out: .*{reason}"):
        igor_binary.read(path)


def test_a_wave_without_energies_is_refused(save) -> None:
    with pytest.raises(ReadError, match=r"'wave0' is left out: it has no energy axis.*SetScale"):
        read(save(ibw(counts())))


def test_a_header_with_a_wrong_sum_is_no_wave(save) -> None:
    data = bytearray(spectrum_wave())
    data[2] ^= 1
    assert not igor_binary.sniff(bytes(data))


def test_without_igor2_the_command_is_named(save, monkeypatch) -> None:
    original = builtins.__import__

    def absent(name: str, *args, **kwargs):
        if name.split(".")[0] == "igor2":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ReadError, match=r'pip install "napari-xpsnet\[igor\]"'):
        read(save(spectrum_wave()))


def itx(commands: str = "", waves: str = "WAVES/D/N=(61)\tAg3d", rows=None) -> str:
    rows = [f"\t{value!r}" for value in counts().tolist()] if rows is None else rows
    return "\r\n".join(["IGOR", waves, "BEGIN", *rows, "END", commands, ""])


@pytest.mark.parametrize(
    "scale",
    ["SetScale/P x 382,-0.05,", "SetScale/I x 382, 379.0, ", "SetScale /P x, 382, -0.05,",
     "SetScale x 382,378.95,"],
)  # fmt: skip
def test_a_text_wave_is_scaled(save, scale: str) -> None:
    commands = f'X {scale}"Binding Energy [eV]", Ag3d; SetScale d 0,0,"counts/s", Ag3d'
    path = save(itx(commands), "a.itx")
    assert sniff(path) == igor_text.NAME
    (spectrum,) = read(path)
    assert (spectrum.name, spectrum.attrs["units"]) == ("Ag 3d", "counts/s")
    assert spectrum.attrs["scale"] == "binding"
    np.testing.assert_array_equal(spectrum, counts())
    np.testing.assert_allclose(spectrum.energy, ENERGY, rtol=0, atol=1e-9)


def test_the_note_of_a_text_wave_tells_what_ses_tells(save) -> None:
    told = note(Region(counts(), ENERGY)).replace("\r", r"\r")
    scale = 'X SetScale/P x 382,-0.05,"eV", Ag3d'
    (spectrum,) = read(save(itx(f'{scale}\r\nX Note Ag3d, "{told}"')))
    assert spectrum.attrs["photon_energy"] == 520.0
    assert spectrum.attrs["scale"] == "binding"


def test_an_image_in_text_is_read(save) -> None:
    image = counts(6)
    rows = ["\t".join(repr(v) for v in image[:, i].tolist()) for i in range(61)]
    commands = (
        'X SetScale/P x 382,-0.05,"eV", img; SetScale/P y -7.5,3,"deg", img; SetScale d 0,0,"", img'
        '\r\nX Note img, "Energy Scale=Binding\\rPass Energy=20"'
    )
    (stack,) = read(save(itx(commands, "WAVES/D/N=(61,6) img", rows)))
    assert stack.dims == ("angle", "energy")
    np.testing.assert_array_equal(stack, image)
    np.testing.assert_allclose(stack.angle, ANGLE)


def test_several_waves_share_the_energies_beside_them(save) -> None:
    columns = zip(ENERGY.tolist(), counts().tolist(), counts(seed=1).tolist(), strict=True)
    rows = [f"{e!r}\t{a!r} {b!r}" for e, a, b in columns]
    text = itx("", "WAVES/O/D BE_energy 'Ag 3d'  C1s", rows)
    first, second = read(save(text))
    assert (first.name, second.name) == ("Ag 3d", "C 1s")
    assert second.attrs["scale"] == "binding"
    np.testing.assert_array_equal(second, counts(seed=1))
    np.testing.assert_array_equal(second.energy, ENERGY)


PRODIGY = """IGOR
X //Created by: SpecsLab Prodigy, Version 4.86
X //Scan Mode         = Snapshot
X //Number of Scans   = 30
X //DwellTime         = 0.096
X //Excitation Energy = 21.2182
X //Pass Energy       = 5
"""


def prodigy(name: str, first: float, second: str = "deg (theta_y)") -> str:
    """An image of 4 rows as Prodigy writes it."""
    rows = "\n".join(" ".join(f"{value:.6g}" for value in row) for row in counts(4))
    return (
        f"WAVES/S/N=(4,61) '{name}'\nBEGIN\n{rows}\nEND\n"
        f"X SetScale/I x, -6, 6, \"{second}\", '{name}'\n"
        f"X SetScale/I y, {first}, {first + 3}, \"eV (Kinetic Energy)\", '{name}'\n"
        f"X SetScale/I d, 0, 9, \"cps (Intensity)\", '{name}'\n"
    )


def test_comments_of_a_text_wave_are_its_settings(save) -> None:
    path = save(PRODIGY + prodigy("w_1", 15.0))
    (image,) = read(path)
    expected = {
        "photon_energy": 21.2182,
        "pass_energy": 5.0,
        "n_scans": 30,
        "dwell_time": 0.096,
        "acquisition_mode": "Snapshot",
        "scale": "kinetic",
        "units": "counts/s",
    }
    assert {key: image.attrs.get(key) for key in expected} == expected
    assert image.dims == ("angle", "energy")
    np.testing.assert_allclose(image.angle, [-6, -2, 2, 6])
    assert read(path, sum_over="angle")[0].dims == ("energy",)


def test_every_wave_has_the_comments_before_it(save) -> None:
    own = "X //Excitation Energy = 40.8\nX //Region = O1s\n"
    text = PRODIGY + prodigy("w_1", 15.0) + own + prodigy("w_2", 30.0)
    first, second = read(save(text))
    assert (first.name, first.attrs["photon_energy"]) == ("w_1", 21.2182)
    assert (second.name, second.attrs["photon_energy"]) == ("O 1s", 40.8)
    assert "pass_energy" not in second.attrs


def test_comments_hold_for_all_waves_without_their_own_and_may_stand_behind(save) -> None:
    both = read(save(PRODIGY + prodigy("w_1", 15.0) + prodigy("w_2", 30.0)))
    assert [one.attrs["photon_energy"] for one in both] == [21.2182] * 2
    (behind,) = read(save("IGOR\n" + prodigy("w_1", 15.0) + PRODIGY.partition("\n")[2]))
    assert behind.attrs["photon_energy"] == 21.2182


@pytest.mark.parametrize(
    ("label", "name", "units"),
    [
        ("deg (theta_y)", "angle", "deg"),
        ("deg (Angle)", "angle", "deg"),
        ("mm (y)", "y", "mm"),
        ("s (Delay)", "delay", "s"),
        ("K (Temperature)", "temperature", "K"),
        ("Theta [deg]", "angle", "deg"),
    ],
)
def test_a_unit_may_stand_before_the_name_of_a_dimension(save, label, name, units) -> None:
    (image,) = read(save(PRODIGY + prodigy("w_1", 15.0, label)))
    assert image.dims == (name, "energy")
    assert image[name].attrs["units"] == units


def test_texts_beside_the_waves_are_left_out(save) -> None:
    more = 'X SetScale/P x 382,-0.05,"eV", Ag3d\r\nWAVES/T\tlabels\r\nBEGIN\r\n\t"a"\r\nEND\r\n'
    with pytest.warns(UserWarning, match="at line 67 are left out: texts|is assumed"):
        (spectrum,) = read(save(itx(more)))
    assert spectrum.name == "Ag 3d"


def test_commands_are_never_executed(save, tmp_path) -> None:
    victim = tmp_path / "victim"
    commands = f'X SetScale/P x 1,1,"eV", Ag3d; DeleteFile "{victim}"; Execute "Make a"'
    victim.write_text("here")
    read(save(itx(commands)), scale="binding")
    assert victim.read_text() == "here"


def test_a_text_without_energies_is_refused(save) -> None:
    with pytest.raises(ReadError, match="'Ag3d' is left out: it has no energy axis"):
        read(save(itx()))


def test_measured_text_and_waves_agree(real_data) -> None:
    for name, wave in (("Ag_0001", "Ag_0001Ag__001"), ("Ag_0002", "Ag_0002Ag__002")):
        (text,) = read(real_data / "scienta" / f"{name}.txt")
        (binary,) = read(real_data / "scienta" / f"{wave}.ibw")
        np.testing.assert_allclose(binary, text, rtol=1e-6)
        np.testing.assert_allclose(binary.energy, text.energy, rtol=0, atol=1e-6)
        for key in ("photon_energy", "pass_energy", "n_scans", "dwell_time", "scale", "acquired"):
            assert binary.attrs[key] == text.attrs[key]


def test_a_head_shorter_than_that_of_a_wave_is_none(save) -> None:
    assert sniff(save(b"\x05\x00" + b"a" * 101)) != igor_binary.NAME
