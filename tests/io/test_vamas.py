"""VAMAS: regular and irregular scans, everything that vendors do differently, stacks."""

import warnings

import numpy as np
import pytest
from vamas_writer import Block, counts, vamas

from xpsnet.io import ReadError, read, sniff


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
    assert read(path, region=0).attrs["scale"] == scale


def test_a_scale_that_is_not_stated_is_assumed_with_a_warning_or_told(save) -> None:
    path = save(vamas([Block(counts(), abscissa=("Energy", "eV"))]))
    with pytest.warns(UserWarning, match=r'binding energy is assumed; say scale="binding"'):
        assert read(path)[0].attrs["scale"] == "binding"
    assert read(path, scale="kinetic")[0].attrs["scale"] == "kinetic"


def _traps() -> dict[str, bytes]:
    """Files with the oddities of real programs, all of the same content."""
    text = vamas([Block(counts(), comment=("one", "two"), species="C"), Block(counts(seed=1))])
    data = text.encode()
    return {
        "crlf": text.replace("\n", "\r\n").encode(),
        "old mac": text.replace("\n", "\r").encode(),
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


def test_a_depth_profile_gives_one_stack_per_region(save) -> None:
    blocks = []
    for level in range(12):
        for k, (species, n) in enumerate((("O", 40), ("Sn", 55), ("C", 25))):
            transition = "3d" if species == "Sn" else "1s"
            y = counts(n, seed=100 * k + level)
            blocks.append(
                Block(y, 900.0 + 50 * k, species=species, transition=transition,
                      variables=(30.0 * level**2, float(level)))
            )  # fmt: skip
    labels = [("Etch Time [s]", "s"), ("Etch Level", "d")]
    oxygen, tin, carbon = read(save(vamas(blocks, mode="SDP", variables=labels)))
    assert [s.shape for s in (oxygen, tin, carbon)] == [(12, 40), (12, 55), (12, 25)]
    assert tin.name == "Sn 3d"
    assert tin.dims == ("etch_time", "energy")
    np.testing.assert_array_equal(tin.etch_time, 30.0 * np.arange(12) ** 2)
    assert tin.etch_time.attrs["units"] == "s"
    assert tin.etch_level.dims == ("etch_time",)
    np.testing.assert_array_equal(tin[7], counts(55, seed=107))
    assert tin.attrs["dwell_time"] == 0.1


def test_a_sputter_profile_without_the_sputter_source_is_read_too(save) -> None:
    blocks = [Block(counts(seed=i), variables=(float(i),)) for i in range(3)]
    text = vamas(blocks, mode="SDP", variables=[("Etch Time", "s")], sputter_source=False)
    (stack,) = read(save(text))
    np.testing.assert_array_equal(stack, [counts(seed=i) for i in range(3)])


def test_counts_in_a_map_header_mean_nothing(save) -> None:
    blocks = [Block(counts(), species="C"), Block(counts(seed=1))]
    text = vamas(blocks, mode="MAP", positions=(1, 32768, 32768))
    carbon, oxygen = read(save(text))
    assert carbon.shape == oxygen.shape == (40,)
    assert "x" not in carbon.coords


def test_a_map_is_a_stack_over_y_and_x(save) -> None:
    places = [(x, y) for y in range(3) for x in range(4)]
    blocks = [Block(counts(seed=x + 10 * y), position=(x, y)) for x, y in places]
    (image,) = read(save(vamas(blocks, mode="MAP", positions=(12, 4, 3))))
    assert image.dims == ("y", "x", "energy")
    np.testing.assert_array_equal(image.sel(y=2, x=3), counts(seed=23))
    np.testing.assert_array_equal(image.x, range(4))


def test_stage_positions_along_a_line_keep_their_units(save) -> None:
    places = [(1.0 + 0.1 * i, 2.0 - 0.1 * i) for i in range(5)]
    blocks = [Block(counts(seed=i), variables=place) for i, place in enumerate(places)]
    variables = [("PositionX [mm]", "n"), ("PositionY [mm]", "n")]
    (line,) = read(save(vamas(blocks, variables=variables)))
    assert line.dims == ("position", "energy")
    assert line.x.dims == ("position",)
    assert line.x.attrs["units"] == "mm"


def test_two_samples_are_two_spectra_and_repeated_scans_a_stack(save) -> None:
    blocks = [Block(counts(seed=i), sample="A" if i < 3 else "B") for i in range(4)]
    first, second = read(save(vamas(blocks)))
    assert first.dims == ("scan", "energy")
    assert first.sizes["scan"] == 3
    assert second.shape == (40,)
    assert (first.attrs["sample"], second.attrs["sample"]) == ("A", "B")


def test_times_and_scans_that_change_within_a_stack_are_coordinates(save) -> None:
    blocks = [
        Block(counts(seed=i), variables=(10.0 * i,), n_scans=i + 1, date=(2024, 1, 1, 0, i, 0))
        for i in range(3)
    ]
    (stack,) = read(save(vamas(blocks, variables=[("Tilt Angle", "deg")])))
    assert stack.dims == ("tilt_angle", "energy")
    np.testing.assert_array_equal(stack.n_scans, [1, 2, 3])
    assert "n_scans" not in stack.attrs
    assert stack.acquired.values.tolist()[2] == "2024-01-01T00:02:00"


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


def test_an_angle_series_of_regions_of_different_lengths_keeps_the_transmission(save) -> None:
    blocks = []
    for angle in (0.0, 25.0, 50.0, 75.0):
        for species, n in (("O", 40), ("C", 25)):
            transmission = (np.linspace(2, 1, n) + angle / 100).tolist()
            more = [("Transmission", "d", transmission)]
            y = counts(n, seed=int(angle))
            blocks.append(Block(y, species=species, variables=(angle,), more=more))
    oxygen, carbon = read(save(vamas(blocks, mode="SDPSV", variables=[("Angle", "deg")])))
    for stack, n in ((oxygen, 40), (carbon, 25)):
        assert stack.dims == ("angle", "energy")
        assert stack.transmission.dims == ("angle", "energy")
        np.testing.assert_array_equal(stack[2], counts(n, seed=50))
        np.testing.assert_allclose(stack.transmission[2], np.linspace(2, 1, n) + 0.5)


def test_a_profile_of_a_thousand_blocks_is_read_whole(save) -> None:
    values = [counts(30, seed=i) for i in range(4)]
    blocks = [
        Block(values[k], species=species, variables=(10.0 * level,))
        for level in range(250)
        for k, species in enumerate(("O", "C", "N", "Si"))
    ]
    stacks = read(save(vamas(blocks, mode="SDP", variables=[("Etch Time", "s")])))
    assert [stack.shape for stack in stacks] == [(250, 30)] * 4
    for k, stack in enumerate(stacks):
        np.testing.assert_array_equal(stack, np.broadcast_to(values[k], (250, 30)))
        np.testing.assert_array_equal(stack.etch_time, 10.0 * np.arange(250))
