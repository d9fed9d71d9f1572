"""PHI MultiPak: header styles, types of numbers, depth profiles, areas, damage."""

import csv
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from phi_writer import File, Region, rate

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, sniff

ENERGY = 300.0 - 0.1 * np.arange(101)


def carbon(**changes: object) -> Region:
    """A C 1s region."""
    return Region(**{"label": "C1s", "rate": rate(), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("begin", ["SOFH", ""], ids=["SOFH", "no SOFH"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "u8"])
def test_every_style_gives_the_same_spectrum(save, newline: str, begin: str, dtype: str) -> None:
    file = File([carbon(dtype=dtype)], newline=newline, begin=begin)
    path = save(file.data(), "a.txt")
    assert sniff(path) == "PHI MultiPak"
    (spectrum,) = read(path)
    np.testing.assert_allclose(spectrum.energy, ENERGY, rtol=0, atol=1e-9)
    np.testing.assert_allclose(spectrum, rate() * 0.4, rtol=1e-12)
    assert spectrum.name == "C 1s"
    wanted = {
        "scale": "binding", "units": "counts", "photon_energy": 1486.6, "pass_energy": 22.36,
        "dwell_time": 0.4, "n_scans": 1, "x_ray_source": "Al 1486.6 mono", "technique": "XPS",
        "region_original": "C1s",
    }  # fmt: skip
    assert {key: spectrum.attrs.get(key) for key in wanted} == wanted


def test_the_upper_bytes_of_the_type_are_rubbish(save) -> None:
    for rubbish in (b"\0\0", b"\xff\xff", b"f8"):
        (spectrum,) = read(save(File([carbon()], rubbish=rubbish).data()))
        np.testing.assert_allclose(spectrum, rate() * 0.4)


@pytest.mark.parametrize(
    ("label", "name"),
    [("Su1s", "survey"), ("1su", "survey"), ("Sur1", "survey"), ("Cu LMM", "Cu LMM"),
     ("Cu_LMM", "Cu LMM"), ("Sn3d5", "Sn 3d5/2"), ("S2p", "S 2p"), ("my own 2 name", None)],
)  # fmt: skip
@pytest.mark.parametrize("kind", [" AREA", " NONE", ""])
def test_definitions_are_read_from_the_right(save, label: str, name: str, kind: str) -> None:
    (spectrum,) = read(save(File([carbon(label=label, kind=kind)]).data()))
    assert spectrum.name == (name or label)
    assert spectrum.attrs["region_original"] == label
    assert spectrum.attrs["pass_energy"] == 22.36


def test_the_number_of_points_is_that_of_the_data(save) -> None:
    region = carbon(rate=rate(1379), start=1100.0, stop=-3.0, step=-0.8, n_points_said=1380)
    (spectrum,) = read(save(File([region]).data()))
    np.testing.assert_allclose(spectrum.energy, 1100 - 0.8 * np.arange(1379), atol=1e-9)


def test_sweeps_and_time_per_sweep(save) -> None:
    (spectrum,) = read(save(File([carbon(n_sweeps=8)]).data()))
    assert spectrum.attrs["n_scans"] == 8
    assert spectrum.attrs["dwell_time"] == pytest.approx(0.05)
    np.testing.assert_allclose(xpsnet.to_counts_per_second(spectrum), rate(), rtol=1e-12)


def test_without_a_time_the_values_stay_counts_per_second(save) -> None:
    path = save(File([carbon(seconds=0.0)]).data())
    with pytest.warns(UserWarning, match="time per point is not known"):
        (spectrum,) = read(path)
    assert spectrum.attrs["units"] == "counts/s"
    np.testing.assert_array_equal(xpsnet.to_counts_per_second(spectrum), rate())


def test_values_in_counts_stay(save) -> None:
    (spectrum,) = read(save(File([carbon(unit="cnt")]).data()))
    assert spectrum.attrs["units"] == "counts"
    np.testing.assert_array_equal(spectrum, rate())
    np.testing.assert_allclose(xpsnet.to_counts_per_second(spectrum), rate() / 0.4)


def test_latin_1_and_dates(save) -> None:
    keys = {"Operator": "Jos\xe9", "InstrumentModel": "PHI \xb5-Probe", "AcqFileDate": "24 01 26"}
    (spectrum,) = read(save(File([carbon()], keys=keys).data()))
    assert spectrum.attrs["instrument"] == "PHI \xb5-Probe"
    assert spectrum.attrs["acquired"] == "2024-01-26"


@pytest.mark.parametrize(
    ("date", "day"),
    [("2017 6 6", "2017-06-06"), ("99 12 31", "1999-12-31"), ("123 12 14", "2023-12-14"),
     ("0 0 0", None), ("x", None), ("", None)],
)  # fmt: skip
def test_years_of_all_kinds(save, date: str, day: str | None) -> None:
    (spectrum,) = read(save(File([carbon()], keys={"AcqFileDate": date}).data()))
    assert spectrum.attrs.get("acquired") == day


@pytest.mark.parametrize("source", ["Mg 1253.6 std", "Al 1486.6 achromatic"])
def test_a_source_without_monochromator_is_told(save, source: str) -> None:
    path = save(File([carbon()], source=source).data())
    with pytest.warns(UserWarning, match=r"no monochromator.*xpsnet\.remove_satellites"):
        (spectrum,) = read(path)
    assert spectrum.attrs["photon_energy"] == float(source.split()[1])
    assert xpsnet.remove_satellites(spectrum).attrs["satellites_removed"] == f"{source[:2]} Ka"


@pytest.mark.parametrize("source", ["Al 1486.6 mono", "Al 1486.6", "Ag 2984.3 std"])
def test_no_satellites_are_told_of_other_sources(save, source: str) -> None:
    (spectrum,) = read(save(File([carbon()], source=source).data()))
    with pytest.raises(ValueError, match="expected"):
        xpsnet.remove_satellites(spectrum)


def test_keys_alone_are_no_header(save) -> None:
    rows = "".join(f"{energy:.1f}\t5\n" for energy in ENERGY)
    path = save("Platform: PC\nTechnique: XPS\nFileType: text\nBE\tcounts\n" + rows)
    assert sniff(path) == "text"


def test_kinetic_energies_of_auger_files_rise(save) -> None:
    region = carbon(start=250.0, stop=260.0, step=0.1)
    data = File([region], source="").data().replace(b"Technique: XPS", b"Technique: AES")
    (spectrum,) = read(save(data))
    assert spectrum.attrs["scale"] == "kinetic"
    assert float(spectrum.energy[-1]) == pytest.approx(260.0)
    assert "photon_energy" not in spectrum.attrs


def test_ends_outweigh_the_sign_of_the_step(save) -> None:
    path = save(File([carbon(start=290.0, stop=300.0, step=-0.1)]).data())
    with pytest.warns(UserWarning, match=r"step -0\.1 eV does not lead from 290 to 300 eV"):
        (spectrum,) = read(path)
    np.testing.assert_allclose(spectrum.energy, 290 + 0.1 * np.arange(101), atol=1e-9)


def profile(n_levels: int = 5, **changes: object) -> Region:
    """A depth profile of C 1s."""
    return carbon(rate=rate(n_levels=n_levels), axes=("pnt", "cyc"), **changes)


def test_a_depth_profile_has_its_sputter_times(save) -> None:
    times = np.array([[-0.0, 60, 90, 120, 180], [-0.0, 61, 91, 121, 181]])
    file = File([profile(), profile(label="O1s", start=540.0, stop=530.0)], times=times)
    first, second = read(save(file.data(), "a.pro"))
    assert first.dims == ("etch_time", "energy")
    np.testing.assert_array_equal(first.etch_time, [0, 60, 90, 120, 180])
    assert not np.signbit(first.etch_time.values[0])
    np.testing.assert_array_equal(second.etch_time, [0, 61, 91, 121, 181])
    assert first.etch_time.attrs["units"] == "s"
    np.testing.assert_allclose(first, rate(n_levels=5) * 0.4, rtol=1e-6)


LAYERS = [
    "1 Layer1 1 0.0000 0.0000 Ar+ 2.00 1.00 2 '1KV2x2' 1.000 150",
    "2 Layer2 3 0.0000 0.0000 Ar+ 1.00 0.50 2 '1KV2x2' 1.000 150",
]


@pytest.mark.parametrize("n_levels", [5, 4])
def test_without_a_table_the_layers_tell_the_times(save, n_levels: int) -> None:
    keys = {"DepthCalDef": LAYERS, "NoPreSputterCyc": "1"}
    (spectrum,) = read(save(File([profile(n_levels)], keys=keys).data()))
    np.testing.assert_array_equal(spectrum.etch_time, [0, 60, 120, 150, 180][:n_levels])


@pytest.mark.parametrize(
    "layers", [[], LAYERS[:1], ["1 x 1 0 0 Ar 1 nan 9"], ["1 x 1 0 0 Ar 1 1 1e99"], ["1 2"]]
)
def test_a_profile_without_times_has_cycles(save, layers: list[str]) -> None:
    path = save(File([profile()], keys={"DepthCalDef": layers}).data())
    with pytest.warns(UserWarning, match="does not state its sputter times"):
        (spectrum,) = read(path)
    assert spectrum.dims == ("cycle", "energy")
    np.testing.assert_array_equal(spectrum.cycle, range(5))


def test_times_that_do_not_rise_are_no_dimension(save) -> None:
    (spectrum,) = read(save(File([profile()], times=np.zeros((1, 5))).data()))
    assert spectrum.dims == ("cycle", "energy")
    np.testing.assert_array_equal(spectrum.etch_time, np.zeros(5))


def test_a_single_level_is_a_spectrum(save) -> None:
    region = carbon(axes=("pnt", "cyc"))
    (spectrum,) = read(save(File([region], times=np.array([[30.0]])).data()))
    assert spectrum.dims == ("energy",)
    assert spectrum.etch_time == 30.0


AREAS = {
    "SpatialAreaDef": ["1 A 1 (100.0 -200.0 5.0 45.0 0.0)", "2 B 2 (1 2 3 45 0) (3 4 3 45 0)"],
    "SpatialAreaDesc": ["1 #3 Cu foil", "2 #4"],
}


def test_several_areas_are_positions(save) -> None:
    regions = [carbon(), carbon(rate=rate(seed=1), index=1)]
    (stack,) = read(save(File(regions, keys=AREAS).data()))
    assert stack.dims == ("position", "energy")
    np.testing.assert_array_equal(stack.x, [100.0, 2.0])
    np.testing.assert_array_equal(stack.y, [-200.0, 3.0])
    assert stack["sample"].values.tolist() == ["#3 Cu foil", "#4"]
    assert stack.x.attrs["units"] == "um"
    np.testing.assert_allclose(stack[1], rate(seed=1) * 0.4, rtol=1e-6)


def test_profiles_of_several_areas(save) -> None:
    times = np.array([[0.0, 30, 60, 90, 120]])
    second = profile(index=1)
    second.rate = rate(n_levels=5, seed=1)
    (stack,) = read(save(File([profile(), second], keys=AREAS, times=times).data()))
    assert stack.dims == ("position", "etch_time", "energy")
    np.testing.assert_array_equal(stack.etch_time, times[0])
    np.testing.assert_allclose(stack[1], rate(n_levels=5, seed=1) * 0.4, rtol=1e-6)


def test_areas_side_by_side_in_one_array(save) -> None:
    (stack,) = read(save(File([carbon(rate=rate(n_levels=2))], keys=AREAS).data()))
    assert stack.dims == ("position", "energy")
    np.testing.assert_array_equal(stack.z, [5.0, 3.0])


def test_one_area_is_a_place_of_the_spectrum(save) -> None:
    keys = {key: values[0] for key, values in AREAS.items()}
    (spectrum,) = read(save(File([carbon()], keys=keys).data()))
    assert spectrum.attrs["sample"] == "#3 Cu foil"
    assert (float(spectrum.x), float(spectrum.y)) == (100.0, -200.0)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d[:-10], "got the file's end"),
        (lambda d: d.replace(b"f4\x9a\x17", b"i4\x9a\x17", 1), "type f4, f8 or u8, got 'i4'"),
        (lambda d: d.replace(b": 2 1 O1s", b": 7 1 O1s"), "region 2 is left out: the header"),
        (
            lambda d: d.replace(b"2 1 O1s 6 101 -0.1", b"2 1 O1s 6 101 x"),
            "not understood|does not define",
        ),
        (lambda d: d.replace(b"101 -0.1 540", b"101 -1e-30 540"), "rise or fall, got 540, 540"),
    ],
    ids=["cut off", "type", "number", "definition", "step"],
)
def test_a_damaged_region_is_left_out_with_a_warning(save, damage, message: str) -> None:
    file = File([carbon(), carbon(label="O1s", start=540.0, stop=530.0)])
    path = save(damage(file.data()))
    with pytest.warns(UserWarning, match=message):
        spectra = read(path)
    assert len(spectra) == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (File([carbon()]).header()[:-6], "expected a line EOFH .* of a PHI MultiPak file"),
        (File([carbon()]).header(), r"byte \d+: expected the binary part.*end of the file"),
        (File([carbon()]).header() + bytes(500), "binary part of a PHI MultiPak"),
        (File([carbon()] * 10).data().replace(b"\n", b"\r\n"), r"got the numbers \[1, 2573,"),
        (File([]).data(), "binary part"),
        (File([carbon(rate=np.ones(1))]).data(), "file of the type 'SPECTRUM', got region 1 "),
        (File([carbon()]).header() + struct.pack("<4I", 1, 9999999, 96 * 9999999, 16), "binary"),
    ],
    ids=["no end", "no data", "zeros", "text transfer", "no arrays", "one point", "many arrays"],
)
def test_what_is_no_spectrum_is_refused(save, data: bytes, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(data, "a.spe"))


def test_arrays_that_share_their_bytes_take_no_memory(save) -> None:
    file = File([carbon(), *[carbon(index=1) for _ in range(50)]])
    data = bytearray(file.data())
    first = data.index(b"f4\x9a\x17")
    offset = data[first + 8 : first + 12]
    for k in range(51):
        data[first + 96 * k + 8 : first + 96 * k + 12] = offset
    size = len(data) - len(file.header())
    path = save(bytes(data[: len(file.header()) + size // 4 * 3]))
    with pytest.warns(UserWarning, match="got the file's end"):
        (stack,) = read(path)
    assert stack.size * 4 < size


@pytest.mark.parametrize("name", ["a.pro", "a.spe"])
def test_other_programs_use_these_extensions(save, name: str) -> None:
    with pytest.raises(ReadError, match="unknown binary file"):
        read(save(b"DIGITAL SURF" + bytes(range(256)) * 4, name))


def test_the_vendor_s_text_of_the_quantera_agrees(real_data: Path) -> None:
    spectra = read(real_data / "phi" / "XPS_PHI_QUANTERA_narrow.spe")
    with (real_data / "phi" / "XPS_PHI_QUANTERA_narrow.csv").open() as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    assert [s.name for s in spectra] == ["Cu 2p", "Cu LMM", "O 1s", "C 1s"]
    for k, spectrum in enumerate(spectra):
        pairs = [(row[2 * k], row[2 * k + 1]) for row in rows if len(row) > 2 * k and row[2 * k]]
        energy, told = np.array(pairs, dtype=float).T
        np.testing.assert_allclose(spectrum.energy, energy, rtol=0, atol=1e-6)
        np.testing.assert_allclose(xpsnet.to_counts_per_second(spectrum), told, rtol=1e-6)


def test_the_vendor_s_text_of_an_old_instrument_agrees(real_data: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectra = read(real_data / "phi" / "BN-BS-1 multiplex.spe")
    assert len(caught) == 1
    lines = (real_data / "phi" / "BN-BS-1 multiplex.txt").read_text().splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("Element")]
    assert len(spectra) == len(starts) == 6
    for spectrum, start in zip(spectra, starts, strict=True):
        told = np.array([line.split() for line in lines[start + 1 :][: spectrum.size]], dtype=float)
        np.testing.assert_allclose(spectrum.energy, told[:, 0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(spectrum, told[:, 1], rtol=1e-6)


def test_a_measured_depth_profile(real_data: Path) -> None:
    survey, carbon_1s, silicon, tin = read(real_data / "phi" / "SnO2_10nm_1.pro")
    assert [s.shape for s in (survey, carbon_1s, silicon, tin)] == [(21, 1751), *[(21, 101)] * 3]
    for spectrum in (survey, carbon_1s, silicon, tin):
        np.testing.assert_array_equal(spectrum.etch_time, 30.0 * np.arange(21))
        assert bool((spectrum >= 0).all())
    # 10 nm of SnO2 are sputtered away from silicon.
    heights = (silicon - silicon.sel(energy=slice(108, 104)).mean("energy")).max("energy")
    assert float(heights[-1]) > 5 * float(heights[0])
    heights = (tin - tin.min("energy")).max("energy")
    assert float(heights[-1]) < 0.7 * float(heights[1])
    counts = survey / survey.attrs["dwell_time"] / survey.attrs["n_scans"] * 0.12
    np.testing.assert_allclose(counts, np.round(counts), atol=0.01)
