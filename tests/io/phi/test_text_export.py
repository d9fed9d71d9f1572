"""Text of MultiPak: spectra with scale, names and sputter times; profiles are no spectra."""

from dataclasses import replace

import numpy as np
import pytest
from multipak_writer import HEADER, Table, ascii_csv, exporter, labeled

from xpsnet.io.common.errors import ReadError
from xpsnet.io.phi import reader as phi
from xpsnet.io.phi import text_export
from xpsnet.io.read import read, read_one, sniff

SI = 106.0 - 0.1 * np.arange(41)
O = 535.0 - 0.1 * np.arange(31)  # noqa: E741
MINUTES = (0.0, 0.5, 1.5, 2.0)


def rates(n: int, levels: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(300.0, (levels, n)) * 2.5


def profile(**more) -> list[Table]:
    return [
        Table("Si2p", SI, rates(41), times=MINUTES, **more),
        Table("O1s", O, rates(31, seed=1), times=MINUTES, **more),
    ]


@pytest.mark.parametrize("header", [HEADER, HEADER.replace("EOFH\n", ""), ""],
                         ids=["header", "no end", "none"])  # fmt: skip
def test_a_profile_has_its_sputter_times_and_no_table_of_areas(save, header: str) -> None:
    path = save(exporter(profile(), header))
    assert sniff(path) == (phi.NAME if header else text_export.NAME)
    silicon, oxygen = read(path)
    assert (silicon.name, oxygen.name) == ("Si 2p", "O 1s")
    assert silicon.dims == oxygen.dims == ("etch_time", "energy")
    np.testing.assert_allclose(silicon, rates(41))
    np.testing.assert_allclose(oxygen, rates(31, seed=1))
    np.testing.assert_allclose(silicon.energy, SI)
    np.testing.assert_allclose(silicon.etch_time, [0, 30, 90, 120])
    assert silicon.etch_time.attrs["units"] == "s"
    np.testing.assert_allclose(silicon.vendor_area, rates(41).sum(1))
    assert silicon.attrs["scale"] == "binding"
    assert (silicon.attrs["units"], silicon.attrs["sample"]) == ("counts/s", "#7 SiO2")
    if header:
        stated = {"photon_energy": 1486.6, "pass_energy": 55.0, "n_scans": 4, "dwell_time": 0.1,
                  "acquired": "2023-06-30", "instrument": "PHI Quantes"}  # fmt: skip
        assert {key: silicon.attrs.get(key) for key in stated} == stated


@pytest.mark.parametrize(
    ("over", "name", "units", "factor"),
    [
        ("Sputter Time(min)", "etch_time", "s", 60.0),
        ("Sputter Time(s)", "etch_time", "s", 1.0),
        ("Sputter Depth(nm)", "sputter_depth", "nm", 1.0),
        ("Angle(deg)", "angle", "deg", 1.0),
        ("Distance(um)", "distance", "um", 1.0),
    ],
)
def test_profiles_of_all_kinds(save, over: str, name: str, units: str, factor: float) -> None:
    silicon = read_one(save(exporter(profile(), over=over)), "Si 2p")
    assert silicon.dims == (name, "energy")
    np.testing.assert_allclose(silicon[name], np.array(MINUTES) * factor)
    assert silicon[name].attrs["units"] == units


def test_kinetic_energies_and_counts_are_taken_as_labeled(save) -> None:
    tables = [Table("C KLL", 240.0 + np.arange(41.0), rates(41, 1), x="Kinetic Energy(eV)",
                    y="Intensity(counts)")]  # fmt: skip
    (auger,) = read(save(exporter(tables)))
    assert (auger.dims, auger.attrs["scale"], auger.attrs["units"]) == (
        ("energy",), "kinetic", "counts"
    )  # fmt: skip


def test_a_table_of_areas_alone_is_no_spectrum(save) -> None:
    text = exporter(profile())
    start = text.index("//Area Comment,AtomicName")
    with pytest.raises(ReadError, match="2 tables over 'Sputter Time"):
        read(save(text[text.index("//") :][:0] + text[start:]))
    lonely = exporter([profile()[0], replace(profile()[1], area="other")])
    lonely = lonely.replace("other\r\nO1s\r\nSputter", "third\r\nO1s\r\nSputter")
    with pytest.warns(UserWarning, match="does not state its sputter times|they are no spectra"):
        assert [s.name for s in read(save(lonely))] == ["Si 2p", "O 1s"]


def test_two_areas_are_two_samples(save) -> None:
    tables = [*profile(), *profile(area="#8 SiO2")]
    spectra = read(save(exporter(tables)), region="Si 2p")
    assert [s.attrs["sample"] for s in spectra] == ["#7 SiO2", "#8 SiO2"]
    (both,) = read(save(exporter(tables)), region="Si 2p", by="sample")
    assert both.dims == ("sample", "etch_time", "energy")


@pytest.mark.parametrize("header", ["SOFH\nInstrumentModel: X\nTechnique: XPS\nSOFE\n"])
def test_names_and_labels_above_a_table(save, header: str) -> None:
    tables = [Table("Survey", 1100.0 - np.arange(101.0), rates(101, 1), x="Binding Energy (eV)",
                    y="Intensity (counts)"),
              Table("C1s", 296.0 - 0.1 * np.arange(41), rates(41, 1), x="Binding Energy (eV)",
                    y="Intensity (counts)")]  # fmt: skip
    survey, carbon = read(save(labeled(tables, header)))
    assert (survey.name, carbon.name) == ("survey", "C 1s")
    assert carbon.attrs["scale"] == "binding"
    np.testing.assert_allclose(carbon, rates(41, 1)[0])


@pytest.mark.parametrize("files", [True, False])
@pytest.mark.parametrize("area", ["no area description", "", "left spot"])
def test_the_tables_of_a_csv_are_regions(save, files: bool, area: str) -> None:
    tables = [
        Table("C1s", 296.0 - 0.1 * np.arange(41), rates(41, 2)),
        Table("O1s", O, rates(31, 2)),
    ]
    path = save(ascii_csv(tables, files, area), "a.csv")
    assert sniff(path) == text_export.NAME
    carbon, oxygen = read(path, scale="binding")
    assert (carbon.name, oxygen.name) == ("C 1s", "O 1s")
    np.testing.assert_allclose(carbon.energy, tables[0].energy)
    np.testing.assert_allclose(oxygen.energy, O)
    np.testing.assert_allclose(oxygen, rates(31, 2))
    dim = "file_number" if files else "cycle"
    assert oxygen.dims == (dim, "energy")
    if files:
        assert oxygen.file_number.values.tolist() == [2, 4]
    assert carbon.attrs.get("sample") == ("left spot" if area == "left spot" else None)


def test_a_csv_whose_axes_would_go_on_in_each_other_stays_two_regions(save) -> None:
    upper, lower = 300.0 - 0.1 * np.arange(41), 295.9 - 0.1 * np.arange(41)
    tables = [Table("C1s", upper, rates(41, 1)), Table("K2p", lower, rates(41, 1, 1))]
    spectra = read(save(ascii_csv(tables, files=False)), scale="binding")
    assert [(s.name, s.size) for s in spectra] == [("C 1s", 41), ("K 2p", 41)]


@pytest.mark.filterwarnings("ignore:.*does not state its sputter times")
def test_a_cut_text_is_said_to_be_cut(save) -> None:
    lines = exporter(profile()).splitlines(keepends=True)
    with pytest.warns(UserWarning, match=r"has 20 of 31 rows: the file is cut off"):
        read(save("".join(lines[: lines.index("O1s\r\n") + 4 + 20 + 1])))


@pytest.mark.parametrize(
    "text",
    ["1\n2\n3\n4\n5\n6\n", "3\nC1s\n1,2\n1,2,3\n2,3,4\n4,5,6\n", "12\n\nno level here\n1\n5,6\n"],
)
def test_other_texts_are_not_taken(save, text: str) -> None:
    assert sniff(save(text)) == "text"
