"""VAMAS: regular and irregular scans, everything that vendors do differently, stacks."""

import warnings

import numpy as np
import pytest
from vamas_writer import Block, counts, vamas

from xpsnet.data.spectrum import to_binding
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one, sniff


def test_a_regular_block_is_read_to_the_number(save) -> None:
    y = counts()
    (spectrum,) = read(save(vamas([Block(y, start=940.0, step=0.25)])))
    assert spectrum.name == "O 1s"
    assert spectrum.dims == ("energy",)
    np.testing.assert_array_equal(spectrum.values, y)
    np.testing.assert_array_equal(spectrum.energy, 940.0 + 0.25 * np.arange(40))
    assert spectrum.energy.attrs["units"] == "eV"
    expected = {
        "scale": "kinetic",
        "units": "counts",
        "photon_energy": 1486.6,
        "pass_energy": 20.0,
        "dwell_time": 0.1,
        "n_scans": 5,
        "instrument": "Instrument 1",
        "sample": "sample",
        "acquired": "2024-02-29T12:30:15",
        "source_file": "file.vms",
    }
    assert {key: spectrum.attrs.get(key) for key in expected} == expected


def test_the_work_function_of_a_block_is_not_subtracted(save) -> None:
    text = vamas([Block(counts(), start=940.0, step=0.25)])
    assert "\n4.5\n" in text
    binding = to_binding(read_one(save(text), region=0))
    np.testing.assert_allclose(binding.energy, 1486.6 - 940.0 - 0.25 * np.arange(40), rtol=1e-12)


@pytest.mark.parametrize("step", [0.5, -0.5], ids=["rising", "falling"])
def test_binding_energies_keep_their_direction(save, step: float) -> None:
    block = Block(counts(), start=600.0, step=step, abscissa=("Binding Energy", "eV"))
    (spectrum,) = read(save(vamas([block])))
    assert spectrum.attrs["scale"] == "binding"
    np.testing.assert_array_equal(spectrum.energy, 600.0 + step * np.arange(40))


def test_an_irregular_block_takes_its_energies_from_the_first_ordinate(save) -> None:
    y = counts()
    transmission = np.linspace(2, 1, 40)
    block = Block(y, more=[("transmission", "d", transmission.tolist())])
    (spectrum,) = read(save(vamas([block], scan_mode="IRREGULAR")))
    np.testing.assert_array_equal(spectrum.values, y)
    np.testing.assert_array_equal(spectrum.energy, 950.0 + 0.1 * np.arange(40))
    np.testing.assert_array_equal(spectrum.transmission, transmission)


@pytest.mark.parametrize("first", [True, False], ids=["after", "before"])
def test_the_transmission_is_a_coordinate_and_no_spectrum(save, first: bool) -> None:
    y, transmission = counts(), np.linspace(3, 2, 40).tolist()
    block = Block(y, label=("Intensity", "d"), more=[("Transmission", "d", transmission)])
    if not first:
        block = Block(transmission, label=("Transmission", "d"), more=[("Intensity", "d", y)])
    (spectrum,) = read(save(vamas([block])))
    np.testing.assert_array_equal(spectrum.values, y)
    assert spectrum.transmission.dims == ("energy",)
    np.testing.assert_array_equal(spectrum.transmission, transmission)


@pytest.mark.parametrize(
    ("label", "scale"),
    [
        ("Kinetic Energy", "kinetic"),
        ("kinetische Energie", "kinetic"),
        ("Énergie cinétique", "kinetic"),
        ("K.E.", "kinetic"),
        ("Bindungsenergie", "binding"),
        ("Énergie de liaison", "binding"),
        ("BE", "binding"),
    ],
)
def test_labels_in_other_languages_tell_the_scale(save, label: str, scale: str) -> None:
    path = save(vamas([Block(counts(), abscissa=(label, "eV"), label=("0,0 Comptes", "d"))]))
    assert read_one(path, region=0).attrs["scale"] == scale


def test_a_scale_that_is_not_stated_is_assumed_with_a_warning_or_told(save) -> None:
    path = save(vamas([Block(counts(), abscissa=("Energy", "eV"))]))
    with pytest.warns(UserWarning, match=r'binding energy is assumed; say scale="binding"'):
        assert read(path)[0].attrs["scale"] == "binding"
    assert read(path, scale="kinetic")[0].attrs["scale"] == "kinetic"


# Properties of Avantage, as CasaXPS keeps them in the comments of what it converts.
_DUMP = [
    ";Dump of DataSpace",
    "$FORMAT=4",
    "DS_SOPROPID_ENERGY : VT_R4 = 1486.68",
    "XPS",
    "-1",
    "$DATA=*",
]


def _traps() -> dict[str, bytes]:
    """Files with the oddities of real programs, all of the same content."""
    text = vamas([Block(counts(), comment=("one", "two"), species="C"), Block(counts(seed=1))])
    data = text.encode()
    return {
        "crlf": text.replace("\n", "\r\n").encode(),
        "old mac": text.replace("\n", "\r").encode(),
        "dump of a data space": text.replace(
            "2\none\ntwo\n", f"{len(_DUMP)}\n" + "\n".join(_DUMP) + "\n"
        ).encode(),
        "cr cr lf in comments": text.replace("one\ntwo\n", "one\r\r\ntwo\r\r\n").encode(),
        "blank lines in front": b"\r\n \r\n" + data,
        "byte order mark": b"\xef\xbb\xbf" + data,
        "utf-16": text.encode("utf-16"),
        "utf-16 without mark": text.encode("utf-16-le"),
        "zero bytes in texts": data.replace(b"\n1s\n", b"\n1s\0\n"),
        "blanks behind numbers": data.replace(b"\n5\n", b"\n5 \n").replace(b"\n1s\n", b"\n1s  \n"),
        "missing end marker": data.replace(b"end of experiment\n", b""),
        "blank lines behind": data + b"\n\n \n\x1a",
        "numbers with decimal commas": data.replace(b"950.0", b"950,0"),
        "integers as floats": data.replace(b"\n40\n", b"\n40.0\n"),
    }


@pytest.mark.parametrize("trap", _traps())
def test_oddities_of_real_programs_change_nothing(save, trap: str) -> None:
    path = save(_traps()[trap], "file.dat")
    assert sniff(path) == "VAMAS"
    carbon, oxygen = read(path)
    assert (carbon.name, oxygen.name) == ("C 1s", "O 1s")
    np.testing.assert_array_equal(carbon, counts())
    np.testing.assert_array_equal(oxygen, counts(seed=1))
    np.testing.assert_array_equal(oxygen.energy, 950.0 + 0.1 * np.arange(40))


OMITTED = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 16, 19, 20, 21, 22, 24, 25, 26, 27, 28, 33, 34,
           35, 36, 38, 39, 40]  # fmt: skip
GIVEN = [11, 29, 30, 31, 32]


@pytest.mark.parametrize(
    ("listed", "items"),
    [(-len(OMITTED), OMITTED), (len(GIVEN), GIVEN), (-1, [31]), (39, list(range(1, 40)))],
    ids=["left out", "given", "one left out", "one not given"],
)
def test_what_later_blocks_leave_out_comes_from_the_first(save, listed: int, items) -> None:
    blocks = [
        Block(counts(), variables=(1.5,), comment=("first",)),
        Block(counts(seed=1), species="C", variables=(2.5,)),
        Block(counts(50, seed=2), species="N", variables=(3.5,)),
    ]
    text = vamas(blocks, variables=[("Time", "s")], listed=listed, items=items)
    spectra = read(save(text))
    assert [s.name for s in spectra] == ["O 1s", "C 1s", "N 1s"]
    assert [s.sizes["energy"] for s in spectra] == [40, 40, 50]
    assert [float(s.time) for s in spectra] == [1.5, 2.5, 3.5]
    assert {s.attrs["photon_energy"] for s in spectra} == {1486.6}
    np.testing.assert_array_equal(spectra[2], counts(50, seed=2))


def test_future_entries_are_passed_over(save) -> None:
    (spectrum,) = read(save(vamas([Block(counts())], future=(2, 3))))
    np.testing.assert_array_equal(spectrum, counts())


@pytest.mark.parametrize(
    ("species", "transition", "identifier", "name"),
    [
        ("C", "1s", "Block No.1", "C 1s"),
        ("", "", "Wide/5", "survey"),
        ("Survey", "", "Counts per Second", "survey"),
        ("Su1s", "", "x", "survey"),
        ("", "", "1: S 2p", "S 2p"),
        ("", "", "S2p/9", "S 2p"),
        ("", "", "Sn 3d 2", "Sn 3d"),
        ("In3d5", "", "x", "In 3d5/2"),
        ("In", "3d5 1", "x", "In 3d5/2"),
        ("Au", "4f7/2", "x", "Au 4f7/2"),
        ("", "", "Cu LMM", "Cu LMM"),
        ("", "", "valence band", "valence band"),
        ("", "", "", "file"),
    ],
)
def test_regions_are_named_in_one_way(
    save, species: str, transition: str, identifier: str, name: str
) -> None:
    block = Block(counts(), species=species, transition=transition, identifier=identifier)
    (spectrum,) = read(save(vamas([block])))
    assert spectrum.name == name
    assert "region_original" in spectrum.attrs


def test_unknown_numbers_are_left_out(save) -> None:
    y = counts()
    y[3] = 1e37
    block = Block(y, photon_energy=1e37, dwell_time=1e37, variables=(1e37,), pass_energy=0)
    (spectrum,) = read(save(vamas([block], variables=[("Temperature", "K")])))
    assert np.isnan(spectrum.values[3])
    assert not {"photon_energy", "dwell_time", "pass_energy"} & set(spectrum.attrs)
    assert "temperature" not in spectrum.coords


@pytest.mark.parametrize(
    ("label", "scale_of_values", "units"),
    [
        (("Intensity", "c/s"), 2.5, "counts/s"),
        (("Intensity", "c/s"), 1.0, "counts"),
        (("Counts", "d"), 1.0, "counts"),
    ],
    ids=["a rate", "counts labeled as a rate", "counts"],
)
def test_units_are_checked_and_not_believed(
    save, label: tuple[str, str], scale_of_values: float, units: str
) -> None:
    y = (np.array(counts()) * scale_of_values).tolist()
    path = save(vamas([Block(y, label=label, dwell_time=0.5, n_scans=10)]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (spectrum,) = read(path)
    assert spectrum.attrs["units"] == units
    mislabeled = label[1] == "c/s" and units == "counts"
    assert ["whole numbers" in str(w.message) for w in caught] == [True] * mislabeled


def test_degenerate_blocks_are_left_out_with_a_warning(save) -> None:
    fixed = Block([5.0], species="x", step=0.0, abscissa=("Index", "d"))
    flat = Block(counts(), species="y", step=0.0)
    with pytest.warns(UserWarning, match="is left out") as caught:
        (spectrum,) = read(save(vamas([fixed, Block(counts()), flat])))
    assert spectrum.name == "O 1s"
    assert "'Index' in 'd'" in str(caught[0].message)
    assert "rise or fall" in str(caught[1].message)


def _three() -> list[str]:
    """Lines of a file with three regions."""
    blocks = [Block(counts(seed=i), identifier=f"no {i}", species=s) for i, s in enumerate("CNO")]
    return vamas(blocks).splitlines()


def _change(kind: str) -> tuple[str, list[str]]:
    """Damage a file of three regions; the text and the regions that survive."""
    lines = _three()
    second, third = lines.index("no 1"), lines.index("no 2")
    if kind == "truncated in the third block":
        return "\n".join(lines[: third + 60]), ["C 1s", "N 1s"]
    if kind == "truncated in the second header":
        return "\n".join(lines[: second + 9]), ["C 1s"]
    if kind == "a value of the second block deleted":
        del lines[third - 5]
        return "\n".join(lines), ["C 1s", "O 1s"]
    if kind == "a word among the values":
        lines[third - 5] = "garbage"
        return "\n".join(lines), ["C 1s", "O 1s"]
    if kind == "a line of the second header deleted":
        del lines[second + 12]
        return "\n".join(lines), ["C 1s", "O 1s"]
    if kind == "a huge count":
        lines[lines.index("40", second)] = "99999999999"
        return "\n".join(lines), ["C 1s", "O 1s"]
    if kind == "more blocks promised":
        lines[lines.index("3")] = "300"
        return "\n".join(lines), ["C 1s", "N 1s", "O 1s"]
    lines[lines.index("3")] = "2"
    return "\n".join(lines), ["C 1s", "N 1s"]


@pytest.mark.parametrize(
    "kind",
    [
        "truncated in the third block",
        "truncated in the second header",
        "a value of the second block deleted",
        "a word among the values",
        "a line of the second header deleted",
        "a huge count",
        "more blocks promised",
        "fewer blocks promised",
    ],
)
def test_damage_costs_one_block_and_is_told(save, kind: str) -> None:
    text, regions = _change(kind)
    with pytest.warns(UserWarning, match=r"file.vms: .*(block|header promises)"):
        spectra = read(save(text))
    assert [s.name for s in spectra] == regions
    for spectrum in spectra:
        np.testing.assert_array_equal(spectrum, counts(seed="CNO".index(spectrum.name[0])))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\nREGULAR\n", "\nMAYBE\n", r"line 9: expected the scan mode REGULAR, .* got 'MAYBE'"),
        ("\n0\n", "\nmany\n", r"line 11: expected the number of experimental .* got 'many'"),
        ("\n1\ncomment", "\n-5\ncomment", r"expected the number of comment lines \(0 to .*-5"),
        ("\n1\ncomment", "\n9999999999\ncomment", r"by the size of the file\), got 9999999999"),
        ("\n40\n", "\n1e300\n", r"none of the 1 blocks .* number of ordinate values"),
        ("\n950.0\n", "\n1e37\n", r"energies that rise or fall, got nan"),
        ("\nXPS\n", "\n12\n", r"expected the technique, got '12'"),
    ],
)
def test_refusals_name_the_line(save, old: str, new: str, message: str) -> None:
    text = vamas([Block(counts())]).replace(old, new, 1)
    with pytest.raises(ReadError, match=message):
        read(save(text))


def test_a_header_alone_is_refused(save) -> None:
    with pytest.raises(ReadError, match="at least one block"):
        read(save(vamas([])))


CASA = ("Casa Info Follows", "0", "1")


@pytest.mark.parametrize(
    ("lines", "shift", "message"),
    [
        (("Calib M = 281.17 A = 284.8 BE ADD",), 3.63, r"\+3.63 eV.*energy_offset=3.63 for bind"),
        (("Calib M = 285.5 A = 284.8 BE ADD",), -0.7, r"-0.7 eV.*0.7 for kinetic"),
        (("Calib M = 284.0 A = 284.5 BE ADD", "Calib M = 284.5 A = 284.8 BE ADD"), 0.8, r"\+0.8"),
        (("Calib M = 1202 A = 1201 KE ADD",), 1.0, r"\+1 eV"),
    ],
)
def test_a_calibration_in_a_comment_is_mentioned(save, lines, shift: float, message: str) -> None:
    path = save(vamas([Block(counts(12), comment=(*CASA, *lines))]))
    with pytest.warns(UserWarning, match=message):
        spectrum = read_one(path)
    assert float(spectrum.energy[0]) == 950.0  # as measured
    assert spectrum.attrs["casa_calibration"] == pytest.approx(shift)


def test_calibrations_that_differ_are_told_apart(save) -> None:
    blocks = [
        Block(counts(12, seed=i), variables=(float(i),),
              comment=(*CASA, f"Calib M = 284.0 A = {284.5 + i} BE ADD") if i else CASA)
        for i in range(3)
    ]  # fmt: skip
    path = save(vamas(blocks, mode="SDP", variables=[("Etch Time", "s")]))
    with pytest.warns(UserWarning, match=r"comments of 2 of 3 blocks.*\+1.5 to \+2.5 eV"):
        (stack,) = read(path)
    np.testing.assert_allclose(stack.casa_calibration, [0.0, 1.5, 2.5])


@pytest.mark.parametrize(
    "line", ["Charge shift: -1.2 eV", "Energy Correction = 3.1", "charge reference 284.8 (C 1s)"]
)
def test_a_correction_of_another_program_is_mentioned(save, line: str) -> None:
    with pytest.warns(UserWarning, match="state a correction of the energies"):
        read(save(vamas([Block(counts(12), comment=(line,))])))


@pytest.mark.parametrize("line", ["Charge shift: 0.0", "Charge neutralizer on", "Calibrated 2019"])
def test_a_comment_without_a_correction_is_passed_over(save, line: str) -> None:
    read(save(vamas([Block(counts(12), comment=(line,))])))


@pytest.mark.parametrize("stated", [1e37, 0.0, 1253.6])
def test_settings_in_a_comment_fill_what_the_entries_leave_open(save, stated: float) -> None:
    comment = ("Excitation Energy: 1486.6 eV", "Pass Energy = 23.5")
    block = Block(counts(12), comment=comment, photon_energy=stated, pass_energy=stated)
    spectrum = read_one(save(vamas([block])))
    known = 0 < stated < 1e36
    assert spectrum.attrs["photon_energy"] == (stated if known else 1486.6)
    assert spectrum.attrs["pass_energy"] == (stated if known else 23.5)
