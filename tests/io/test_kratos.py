"""Kratos Vision datasets: the dumped text is read, the binary one refused.

The text is written from the layout of `dump_dataset`; no file from an instrument is public.
"""

import numpy as np
import pytest
from kratos_writer import (
    BINDING,
    COUNTS,
    LABELS,
    TRANSMISSION,
    ascii_table,
    dump,
    spectrum_object,
)

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, sniff

BINARY = b"\0\0\xde\x01\0\0\0\x02" + bytes(4000)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_dumped_spectrum(save, newline: str) -> None:
    path = save(dump(spectrum_object()).replace("\n", newline), "a.txt")
    assert sniff(path) == "Kratos"
    (spectrum,) = read(path)
    np.testing.assert_allclose(spectrum.energy, 1196.6 + 0.1 * np.arange(41))
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.name == "C 1s"
    wanted = {
        "scale": "kinetic", "units": "counts", "photon_energy": 1486.69, "pass_energy": 20.0,
        "dwell_time": 0.25, "n_scans": 3, "x_ray_source": "Al Ka mono", "technique": "XPS",
        "acquired": "1998-07-07T19:11:35", "instrument": "Kratos",
    }  # fmt: skip
    assert {key: spectrum.attrs.get(key) for key in wanted} == wanted
    np.testing.assert_allclose(xpsnet.to_counts_per_second(spectrum), COUNTS / 0.75)


@pytest.mark.parametrize(
    ("reference", "anode", "photon_energy"),
    [("F_REFER_TO_XRAY_AG", "F_MONO_ANODE", 2984.31), ("F_REFER_TO_XRAY_MONO_AL", "", 1486.69),
     ("F_REFER_TO_NONE", "", None)],
)  # fmt: skip
def test_sources(save, reference: str, anode: str, photon_energy: float | None) -> None:
    text = spectrum_object(reference_energy=reference, anode=anode)
    (spectrum,) = read(save(dump(text)))
    assert spectrum.attrs.get("photon_energy") == photon_energy


def test_satellites_are_offered_without_a_monochromator(save) -> None:
    path = save(dump(spectrum_object(reference_energy="F_REFER_TO_XRAY_MG", anode="F_STD_ANODE")))
    with pytest.warns(UserWarning, match=r"'Mg Ka achromatic'.*xpsnet\.remove_satellites"):
        (spectrum,) = read(path)
    assert spectrum.attrs["photon_energy"] == 1253.6
    assert xpsnet.remove_satellites(spectrum).attrs["satellites_removed"] == "Mg Ka"


def test_the_transmission_becomes_a_coordinate(save) -> None:
    (spectrum,) = read(save(dump(spectrum_object() + TRANSMISSION)))
    expected = 1.0 - 0.5 * (spectrum.energy - 1190) / 20
    np.testing.assert_allclose(spectrum.transmission, expected)
    binding = spectrum_object(abscissa_label="Binding Energy", scan_start="280 eV")
    (spectrum,) = read(save(dump(binding + TRANSMISSION)))
    assert spectrum.attrs["scale"] == "binding"
    expected = 1.0 - 0.5 * (1486.69 - spectrum.energy - 1190) / 20
    np.testing.assert_allclose(spectrum.transmission, expected)


def test_a_survey_and_repeated_scans(save) -> None:
    survey = spectrum_object("Survey/1", acquisition="wide", symbol="", transition="")
    etch = "Object name = etch/3\n  38 State change type = F_ETCH"
    image = spectrum_object("x/4", scan_type="F_MAPPING")
    first, stack = read(save(dump(survey, spectrum_object(), etch, image, spectrum_object("C/5"))))
    assert (first.name, stack.name) == ("survey", "C 1s")
    assert stack.dims == ("scan", "energy")


def test_the_stage_gives_positions(save) -> None:
    objects = [
        spectrum_object(f"C/{i}") + f"\n3087 Stage Position Name = p{i}\n"
        f"3088 Stage X Position = {i}e-3 m\n3089 Stage Y Position = 0.001 m"
        for i in range(3)
    ]
    spectra = read(save(dump(*objects)))
    assert [float(s.x) for s in spectra] == [0.0, 1e-3, 2e-3]
    assert [s.attrs["sample"] for s in spectra] == ["p0", "p1", "p2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ordinate_values": "{1, two, 3}"}, "expected counts as numbers, got 'two'"),
        ({"ordinate_values": "{1}"}, "at least 2 values"),
        ({"ordinate_values": None}, "at least 2 values, got .* and 0 values"),
        ({"step_size": "0 eV"}, "expected a start, a step"),
        ({"scan_start": "?"}, "expected a start, a step"),
        ({"scan_start": "9e9 eV"}, "below 100 keV"),
    ],
)
def test_a_damaged_object_is_left_out_with_a_warning(save, changes, message: str) -> None:
    path = save(dump(spectrum_object(), spectrum_object("C/9", **changes)))
    with pytest.warns(UserWarning, match=f"the object at line 21 is left out: .*{message}"):
        (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum, COUNTS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BINARY, r"binary Kratos dataset \(\.dset\); export VAMAS"),
        (dump(), "at least one spectrum in a Kratos dataset, got none; export VAMAS"),
        (dump("Object name = a/1", "12 Ordinate values = {1, 2"), "at least one spectrum"),
        (dump(spectrum_object(step_size="0")), "is left out: expected a start"),
    ],
)
@pytest.mark.parametrize("name", ["a.dset", "a.kal"])
def test_what_is_no_spectrum_is_refused(save, content: str | bytes, message: str, name) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(content, name))


def test_too_much_is_refused(save, monkeypatch) -> None:
    monkeypatch.setattr("xpsnet.io.kratos.MAX_VALUES", 10)
    with pytest.raises(ReadError, match="at most 10 counts, got 40"):
        read(save(dump(spectrum_object())))
    monkeypatch.setattr("xpsnet.io.common.file_bytes.MAX_LINES", 10)
    with pytest.raises(ReadError, match="text of at most 10 lines"):
        read(save(dump(spectrum_object())))


def test_other_texts_stay_with_the_text_reader(save) -> None:
    rows = "".join(f"{280 + i / 10:.1f}\t{i}\n" for i in range(30))
    assert sniff(save("Dataset of Kratos, BE\n" + rows)) == "text"


def test_the_columns_of_an_ascii_export_are_one_spectrum(save) -> None:
    text = ascii_table() + ascii_table("Object name : O 1s") + "Quantification\nPeak\tArea\nC\t1\n"
    path = save(text, "a.txt")
    assert sniff(path) == "Kratos ASCII"
    carbon, oxygen = read(path)
    assert (carbon.name, oxygen.name, carbon.dims) == ("C 1s", "O 1s", ("energy",))
    np.testing.assert_array_equal(carbon, COUNTS)
    np.testing.assert_allclose(carbon.energy, BINDING)
    np.testing.assert_allclose(carbon.transmission, np.linspace(1.0, 1.2, 41), atol=1e-4)
    wanted = {"scale": "binding", "units": "counts", "photon_energy": 1486.69, "dwell_time": 0.5}
    assert {key: carbon.attrs.get(key) for key in wanted} == wanted
    rate = xpsnet.to_counts_per_second(carbon)
    np.testing.assert_allclose(rate, COUNTS / 0.5)


def test_an_ascii_export_of_rates_alone(save) -> None:
    labels = (LABELS[1], LABELS[0], LABELS[3])
    (spectrum,) = read(save(ascii_table(labels=labels), "a.txt"))
    assert (spectrum.attrs["units"], "transmission" in spectrum.coords) == ("counts/s", False)
    np.testing.assert_allclose(spectrum, COUNTS / 0.5)
