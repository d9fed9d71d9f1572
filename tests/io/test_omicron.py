"""Omicron EIS texts and EDC scans of a CLAM2: found before the text reader, damage included."""

import numpy as np
import pytest
from omicron_writer import (
    COUNTS,
    ENERGY,
    KINETIC,
    REGION,
    TITLE,
    layer,
    scan,
    table,
    values,
)

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one, sniff


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_region_has_its_time_and_pass_energy(save, newline: str) -> None:
    text = (REGION + values(1) + layer() + table()).replace("\n", newline)
    path = save(text, "a.txt")
    assert sniff(path) == "Omicron EIS or CLAM2"
    (spectrum,) = read(path, scale="binding")
    np.testing.assert_array_equal(spectrum.energy, ENERGY)
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.name == "O 1s"
    wanted = {"pass_energy": 50.0, "dwell_time": 0.2, "n_scans": 5, "units": "counts"}
    assert {key: spectrum.attrs.get(key) for key in wanted} == wanted
    np.testing.assert_allclose(xpsnet.to_counts_per_second(spectrum), COUNTS)


def test_blank_lines_between_all_lines(save) -> None:
    text = (REGION + values(1) + layer() + table()).replace("\n", "\n\n")
    (spectrum,) = read(save(text), scale="binding")
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.attrs["n_scans"] == 5


def test_the_scale_is_told_only_by_energies_below_zero(save) -> None:
    energy = np.round(20 - 0.5 * np.arange(60), 3)
    (spectrum,) = read(save(REGION + values(1) + layer() + table(energy=energy)))
    assert spectrum.attrs["scale"] == "binding"
    path = save(REGION + values(1) + layer() + table())
    with pytest.warns(UserWarning, match="binding energy is assumed"):
        read(path)


def test_several_regions_and_sweeps_that_were_done(save) -> None:
    text = REGION + values(1, "survey", 4, 2) + layer() + table()
    text += REGION + values(2, "Cu3p", 4, "") + layer() + table(COUNTS * 2, ENERGY - 100)
    survey, copper = read(save(text), scale="kinetic")
    assert (survey.name, copper.name) == ("survey", "Cu 3p")
    assert (survey.attrs["n_scans"], copper.attrs["n_scans"]) == (2, 4)


def test_layers_without_counts_are_left_out_with_a_warning(save) -> None:
    text = REGION + values(1) + layer() + table() + layer(2, "False") + table()
    text += REGION + values(2) + layer() + table(COUNTS * 0)
    path = save(text)
    with pytest.warns(UserWarning) as told:  # noqa: PT030
        (spectrum,) = read(path, scale="binding")
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert "region 1, layer 2 (line 68) is left out: it is not enabled" in str(told[0].message)
    assert "region 2, layer 1 (line 133) is left out: all its counts" in str(told[1].message)


@pytest.mark.parametrize("start", [0, 1, 2])
def test_a_header_that_was_cut_off(save, start: int) -> None:
    lines = (REGION + values(1) + layer() + table()).splitlines(keepends=True)
    path = save("".join(lines[start:]))
    assert sniff(path) == "Omicron EIS or CLAM2"
    (spectrum,) = read(path, scale="binding")
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert ("n_scans" in spectrum.attrs) == (start < 2)
    for cut in (4, 5):  # nothing of EIS is left in the words
        path = save("".join(lines[cut:]), "O1s.txt")
        assert sniff(path) == "text"
        np.testing.assert_array_equal(read_one(path, region="O 1s", scale="binding"), COUNTS)


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (table().replace("1190.000", "1210.000"), "energies that rise or fall"),
        (table(energy=ENERGY * 1e6), "below 100 keV"),
        (table(COUNTS * np.nan), "rise or fall|all its counts are zero|not"),
    ],
)
def test_a_damaged_layer_is_left_out(save, damaged: str, message: str) -> None:
    text = REGION + values(1) + layer() + damaged + REGION + values(2, "C1s") + layer() + table()
    path = save(text)
    if "nan" in damaged:
        first, _ = read(path, scale="binding")
        assert np.isnan(first).all()
        return
    with pytest.warns(UserWarning, match=message):
        (spectrum,) = read(path, scale="binding")
    assert spectrum.name == "C 1s"


def test_stray_lines_are_told(save) -> None:
    rows = table().splitlines(keepends=True)
    text = REGION + values(1) + layer() + "".join([*rows[:9], "aborted\n", "88\n", *rows[9:]])
    path = save(text)
    with pytest.warns(UserWarning, match=r"line 15 and 1 more lines left out: expected an energy"):
        (spectrum,) = read(path, scale="binding")
    np.testing.assert_array_equal(spectrum, COUNTS)


def test_edc_scans_are_a_stack(save) -> None:
    path = save(TITLE + scan(1) + scan(2, COUNTS * 2) + scan(3, COUNTS * 3), "111216_O1s.txt")
    assert sniff(path) == "Omicron EIS or CLAM2"
    (stack,) = read(path)
    assert stack.dims == ("scan", "energy")
    assert stack.name == "O 1s"
    np.testing.assert_array_equal(stack.energy, KINETIC)
    np.testing.assert_array_equal(stack, COUNTS * np.array([[1], [2], [3]]))
    wanted = {"scale": "kinetic", "units": "counts/s", "photon_energy": 600.0, "pass_energy": 100.0}
    assert {key: stack.attrs.get(key) for key in wanted} == wanted
    assert stack.ie.attrs["units"] == "mA"
    np.testing.assert_allclose(stack.ip, 2.486864e-10)
    folded = read_one(path, region="O 1s", sum_over="scan")
    np.testing.assert_allclose(folded, COUNTS * 2)  # rates: the mean


def test_a_stopped_scan_has_missing_points(save) -> None:
    path = save(TITLE + scan(1) + scan(2, COUNTS, KINETIC[:20]))
    (stack,) = read(path)
    np.testing.assert_array_equal(np.isnan(stack[1]), np.arange(60) >= 20)
    (spectrum,) = read(save(TITLE + scan(1)))
    assert spectrum.dims == ("energy",)


def test_a_damaged_scan_is_left_out(save) -> None:
    text = TITLE + scan(1) + scan(2).replace("50.400000", "99.000000") + scan(3) + "aborted\n"
    path = save(text)
    with pytest.warns(UserWarning, match=r"the scan at line 79 is left out|line 205 left out"):
        (stack,) = read(path)
    assert stack.shape == (2, 60)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (REGION + values(1) + layer(), "at least one layer with counts"),
        (REGION + values(1) + layer() + table(COUNTS * 0), "all its counts are zero"),
        (TITLE, 'at least one block "Scan : n"'),
        (TITLE + "Scan : 1\n5 5\n", "expected at least 2 energies, got 1"),
    ],
    ids=["no rows", "zeros", "no scan", "one row"],
)
def test_what_is_no_spectrum_is_refused(save, content: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(content, "a.txt"))


def test_too_much_is_refused(save, monkeypatch) -> None:
    monkeypatch.setattr("xpsnet.io.common.file_bytes.MAX_LINES", 10)
    with pytest.raises(ReadError, match="text of at most 10 lines"):
        read(save(TITLE + scan(1)))


@pytest.mark.parametrize(
    "text",
    ["Region O 1s, BE\n" + table(), "Fix Photon Energy: 600 eV, BE\n" + table(), table()],
)
def test_other_texts_stay_with_the_text_reader(save, text: str) -> None:
    path = save(text, "O1s.txt")
    assert sniff(path) == "text"
    np.testing.assert_array_equal(read_one(path, scale="binding", region=0), COUNTS)
