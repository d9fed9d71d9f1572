"""Thermo Avantage `.vgd`: streams, axes, properties, and what is refused."""

import struct
import warnings

import numpy as np
import olefile
import pytest
import vgd_reader
import xlrd
from ole_writer import ole_file, property_set
from thermo_writer import ENERGY, OWN_SET, Axis, Measurement, vgd, vgd_streams

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one, sniff
from xpsnet.io.thermo.ole_property_set import parse_property_set

KINETIC = 1188.68 + 0.1 * np.arange(12)


def counts(*shape: int) -> np.ndarray:
    """Counts that tell every point apart."""
    return 100.25 + np.arange(np.prod([*shape, 12]), dtype=float).reshape(*shape, 12)


def test_a_single_spectrum_is_read_to_the_number(save) -> None:
    path = save(vgd(Measurement(counts())), "C1s Scan_3.VGD")
    (spectrum,) = read(path)
    assert sniff(path) == "Thermo Avantage or Excel (OLE)"
    assert (spectrum.name, spectrum.dims) == ("C 1s", ("energy",))
    np.testing.assert_array_equal(spectrum, counts())
    np.testing.assert_array_equal(spectrum.energy, KINETIC)
    expected = {
        "scale": "kinetic", "units": "counts", "photon_energy": 1486.68, "pass_energy": 50.0,
        "dwell_time": 0.05, "n_scans": 10, "instrument": "Nexsa", "lens_mode": "Standard",
        "sample": "sample 7", "acquired": "2026-03-11T00:01:47Z", "software": "v6.7",
        "technique_code": 1, "sample_bias": -30, "transmission_coefficients": "3.5 -0.25",
        "region_original": "C1s Scan", "source_file": "C1s Scan_3.VGD",
    }  # fmt: skip
    assert spectrum.attrs == expected
    for name, value in {"x": 16.0334, "y": -2.5, "z": 33.95589}.items():
        assert spectrum[name].item() == pytest.approx(value, abs=1e-12)
        assert spectrum[name].attrs["units"] == "mm"


def test_the_work_function_is_not_subtracted(save) -> None:
    binding = xpsnet.to_binding(read_one(save(vgd(Measurement(counts()))), region=0))
    np.testing.assert_allclose(binding.energy, 298.0 - 0.1 * np.arange(12), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("code", "scale"), [(1, "kinetic"), (2, "binding"), (0, "kinetic"), (None, "kinetic")]
)
def test_the_energy_scale_of_the_file_is_kept(save, code: int | None, scale: str) -> None:
    data = vgd(Measurement(counts()), {316: None if code is None else (2, code)})
    assert read_one(save(data), region=0).attrs["scale"] == scale


def test_an_unknown_energy_scale_is_told(save) -> None:
    path = save(vgd(Measurement(counts()), {316: (2, 9)}))
    with pytest.warns(UserWarning, match="scale 9 is unknown: kinetic"):
        read(path)


@pytest.mark.parametrize(("current", "n_scans"), [(3, 3), (10, 10), (12, 10), (0, 10)])
def test_a_stopped_scan_counts_only_what_was_done(save, current: int, n_scans: int) -> None:
    spectrum = read_one(save(vgd(Measurement(counts()), {328: (3, current)})), region=0)
    assert spectrum.attrs["n_scans"] == n_scans
    rate = xpsnet.to_counts_per_second(spectrum)
    np.testing.assert_allclose(rate, counts() / (0.05 * n_scans), rtol=1e-12)


def test_a_depth_profile_has_the_etch_time_as_dimension(save) -> None:
    times = [0.0, 5.0, 12.5]
    level = [Axis("ETCHTIME", 3, values=times), Axis("ETCHLEVEL", 3)]
    (profile,) = read(save(vgd(Measurement(counts(3), [[ENERGY], level]))))
    assert profile.dims == ("etch_time", "energy")
    np.testing.assert_array_equal(profile, counts(3))
    np.testing.assert_array_equal(profile.etch_time, times)
    assert profile.etch_time.attrs["units"] == "s"
    np.testing.assert_array_equal(profile.etch_level, [0, 1, 2])
    assert profile.etch_level.dims == ("etch_time",)


def test_etch_times_that_repeat_leave_the_level_as_dimension(save) -> None:
    level = [Axis("ETCHTIME", 3, values=[0, 0, 5]), Axis("ETCHLEVEL", 3)]
    (profile,) = read(save(vgd(Measurement(counts(3), [[ENERGY], level]))))
    assert profile.dims == ("etch_level", "energy")
    np.testing.assert_array_equal(profile.etch_time, [0, 0, 5])


def test_several_points_keep_their_places(save) -> None:
    points = [Axis("POSITION", 2, 1.0), Axis("X", 2, values=[5000, 7000]),
              Axis("Y", 2, values=[6000, 6500], unit="\u00b5m")]  # fmt: skip
    streams = vgd_streams(Measurement(counts(2), [[ENERGY], points]))
    streams["\x05Labels"] = property_set({(1 << 24): (8, "Pt #001a"), (1 << 24) + 10: (8, "b")})
    (stack,) = read(save(ole_file(streams)))
    assert stack.dims == ("position", "energy")
    np.testing.assert_array_equal(stack.x, [5000, 7000])
    np.testing.assert_array_equal(stack.y, [6000, 6500])
    assert stack.x.attrs["units"] == stack.y.attrs["units"] == "um"
    assert stack.point.values.tolist() == ["Pt #001a", "b"]
    assert stack.stage_x.item() == pytest.approx(16.0334)
    np.testing.assert_array_equal(stack, counts(2))


def test_a_snapmap_is_ordered_y_x_energy(save) -> None:
    axes = [[ENERGY], [Axis("X", 3, -20.0, 20.0)], [Axis("Y", 2, -10.0, 20.0)]]
    (cube,) = read(save(vgd(Measurement(counts(2, 3), axes, "Ni2p SnapMap"))))
    assert (cube.name, cube.dims, cube.shape) == ("Ni 2p", ("y", "x", "energy"), (2, 3, 12))
    np.testing.assert_array_equal(cube, counts(2, 3))
    np.testing.assert_array_equal(cube.x, [-20, 0, 20])
    np.testing.assert_array_equal(cube.y, [-10, 10])
    assert cube.x.attrs["units"] == "um"


@pytest.mark.parametrize(
    ("axes", "dims"),
    [
        ([Axis("ANGLE", 3, 23.0, 3.75)], ("angle", "energy")),
        ([Axis("DISTANCE", 3, 0, 50), Axis("X", 3), Axis("Y", 3, 7, 0)], ("distance", "energy")),
        ([Axis("X", 3), Axis("Y", 3, 7, 0)], ("position", "energy")),
        ([Axis("LEVEL", 3)], ("level", "energy")),
    ],
    ids=["angles", "line", "line without distance", "levels"],
)
def test_other_axes_become_dimensions(save, axes: list[Axis], dims: tuple[str, ...]) -> None:
    (stack,) = read(save(vgd(Measurement(counts(3), [[ENERGY], axes]))))
    assert stack.dims == dims
    np.testing.assert_array_equal(stack, counts(3))


def test_a_profile_of_a_map_has_four_dimensions(save) -> None:
    axes = [[ENERGY], [Axis("X", 3)], [Axis("Y", 2)], [Axis("ETCHTIME", 2, 0.0, 30.0)]]
    (stack,) = read(save(vgd(Measurement(counts(2, 2, 3), axes))))
    assert stack.dims == ("etch_time", "y", "x", "energy")
    np.testing.assert_array_equal(stack, counts(2, 2, 3))


def test_a_stopped_map_has_missing_values(save) -> None:
    axes = [[ENERGY], [Axis("X", 3)], [Axis("Y", 2)]]
    data = vgd(Measurement(counts(2, 3).reshape(6, 12)[:4], axes))
    with pytest.warns(UserWarning, match="was stopped.*48 of 72 values"):
        (cube,) = read(save(data))
    assert np.isnan(cube).sum("energy").values.tolist() == [[0, 0, 0], [0, 12, 12]]
    with pytest.warns(UserWarning, match="5 of 12 values"):
        (spectrum,) = read(save(ole_file(with_stream("VGData", counts()[:5].tobytes()))))
    assert np.isnan(spectrum).sum() == 7


def test_ion_scattering_has_no_photon_energy(save) -> None:
    spectrum = read_one(save(vgd(Measurement(counts(), title="ISS"), {4: (3, 6)})), region=0)
    assert "photon_energy" not in spectrum.attrs
    assert (spectrum.attrs["technique"], spectrum.attrs["scale"]) == ("ISS", "kinetic")


def test_a_retarding_ratio_is_no_pass_energy(save) -> None:
    spectrum = read_one(save(vgd(Measurement(counts()), {403: (2, 2)})), region=0)
    assert "pass_energy" not in spectrum.attrs


def test_without_its_properties_a_spectrum_is_still_read(save) -> None:
    streams = vgd_streams(Measurement(counts()))
    streams[OWN_SET] = b"damaged"
    with pytest.warns(UserWarning, match="source energy is not in the file; pass photon_energy="):
        spectrum = read_one(save(ole_file(streams)), region="C 1s")
    np.testing.assert_array_equal(spectrum, counts())
    assert read_quietly(save(ole_file(streams)), photon_energy=1486.6)[0].attrs["photon_energy"]


def read_quietly(path, **told):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(path, **told)


def test_large_streams_and_large_sectors_are_read(save) -> None:
    energy = Axis("ENERGY", 1361, 136.68, 1.0)
    values = np.random.default_rng(0).random((3, 1361))
    streams = vgd_streams(Measurement(values, [[energy], [Axis("LEVEL", 3)]], "XPS Survey"))
    for sector in (512, 4096):
        (stack,) = read(save(ole_file(streams, sector)))
        np.testing.assert_array_equal(stack, values)
    assert stack.name == "survey"


def test_a_folder_of_spots_is_one_stack(tmp_path) -> None:
    names = ["C1s Scan.VGD", *(f"C1s Scan_{i}.VGD" for i in range(11))]
    for i, name in enumerate(names):
        position = {203: (3, 1000 * i)}
        (tmp_path / name).write_bytes(vgd(Measurement(counts() + i), position))
    (tmp_path / "C1s Scan.xml").write_text('<Chart Palette="None">')
    (tmp_path / "All.vgp").write_bytes(ole_file({"Peaks/Contents": b"1", "Data Spaces/a": b"2"}))
    with pytest.warns(UserWarning, match="2 of 14 files are skipped"):
        stack = read_one(tmp_path, region="C 1s")
    assert (stack.dims, stack.shape) == (("scan", "energy"), (12, 12))
    assert stack.file.values.tolist() == names
    np.testing.assert_array_equal(stack, counts() + np.arange(12)[:, None])
    np.testing.assert_allclose(stack.x, 1e-3 * np.arange(12))


def image() -> dict[str, bytes]:
    axes = [[Axis("X", 12, 0.0, 4.5)], [Axis("Y", 3)]]
    return vgd_streams(Measurement(counts(3), axes))


def with_stream(name: str, data: bytes | None) -> dict[str, bytes]:
    streams = vgd_streams(Measurement(counts()))
    if data is None:
        del streams[name]
    else:
        streams[name] = data
    return streams


@pytest.mark.parametrize(
    ("streams", "message"),
    [
        (image(), "first axis of energies, got an image over X, Y"),
        (vgd_streams(Measurement(counts(), [[Axis("POSITION", 12)]])), "got a table over POSITION"),
        ({"Peaks/Contents": b"1", "Fitted Peaks/Contents": b"1", "Data Spaces/Contents": b""},
         r"an Avantage project \(.vgp\).*open the .vgd files beside it"),
        (with_stream("VGData", None), "nothing was measured yet"),
        (with_stream("VGData", b""), "expected 12 values, got 0"),
        (with_stream("VGData", np.full(12, np.nan).tobytes()), "expected counts, got no number"),
        (with_stream("VGSpaceAxes", None), "a stream 'VGSpaceAxes', got none"),
        (with_stream("VGSpaceAxes", b"\0\0\2\0\1\0\0\0"), "'VGSpaceAxes', byte 8: expected 4 byte"),
        (with_stream("VGSpaceAxes", b"\0\0\3\0\1\0\0\0"), "expected version 0x20000"),
        (with_stream("VGSpaceAxes", b"\0\0\2\0\1\0\0\0" + b"\xff" * 60), "got one of 4294967295"),
        (with_stream("VGDataAxes", struct.pack("<2I", 0x20000, 0)), "1 to 16 data axes, got 0"),
        (with_stream("VGDataAxes", struct.pack("<6I", 0x20000, 1, 9, 3, 1, 0)), "points 9 to 3"),
        (with_stream("VGDataAxes", struct.pack("<6I", 0x20000, 1, 0, 99, 1, 0)),
         r"the points 0 to 99, got 1 with \[12\] points"),
        (with_stream("VGDataAxes", struct.pack("<6I", 0x20000, 1, 0, 11, 2, 0)),
         "2 space axes .* got 1"),
        (with_stream("VGDataAxes", struct.pack("<6I", 0x20000, 1, 0, 11, 0, 0)),
         "a data axis, got points 0 to 11, 0 space axes"),
        ({"WordDocument": b"x"}, "got a Word document"),
        ({"Something": b"x"}, r"OLE file of another program \(it holds Something\)"),
        ({}, "OLE file of another program"),
    ],
)  # fmt: skip
def test_what_holds_no_spectra_is_refused(save, streams: dict[str, bytes], message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(ole_file(streams), "a.vgd"))


@pytest.mark.parametrize(
    ("energy", "message"),
    [
        (Axis("ENERGY", 12, 1000.0, 0.0), "energies that rise or fall"),
        (Axis("ENERGY", 12, float("nan"), 0.1), "energies that rise or fall"),
        (Axis("ENERGY", 12, 1e6, 0.1), "energies below 100 keV"),
    ],
    ids=["no step", "no number", "too large"],
)
def test_a_damaged_energy_axis_is_refused(save, energy: Axis, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(vgd(Measurement(counts(), [[energy]]))))


def test_axes_that_promise_too_much_take_no_memory(save) -> None:
    axes = [[ENERGY], [Axis("X", 60_000)], [Axis("Y", 60_000)]]
    with pytest.raises(ReadError, match="60000 x 60000 x 12 values, got 12"):
        read(save(vgd(Measurement(counts(), axes))))
    streams = vgd_streams(Measurement(counts()))
    streams["VGSpaceAxes"] = streams["VGSpaceAxes"].replace(
        struct.pack("<Id", 12, 1188.68), struct.pack("<Id", 1 << 30, 1188.68)
    )
    with pytest.raises(ReadError, match="at most 1048576 points, got 1073741824"):
        read(save(ole_file(streams)))


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (30, b"\x20", "sectors of 512 or 4096 bytes"),
        (32, b"\x00", "sectors of 512 or 4096 bytes"),
        (44, b"\xff\xff\xff\x7f", "allocation tables"),
        (64, b"\xff\xff\xff\x7f", "allocation tables"),
        (72, b"\xff\xff\xff\x7f", "allocation tables"),
        (48, b"\xff\xff\xff\x7f", "an intact OLE container"),
        (76, b"\xff\xff\xff\x7f", "an intact OLE container"),
    ],
)
def test_damaged_containers_are_refused(save, at: int, value: bytes, message: str) -> None:
    data = bytearray(vgd(Measurement(counts())))
    data[at : at + len(value)] = value
    with pytest.raises(ReadError, match=message):
        read(save(bytes(data)))


def test_a_container_cut_off_is_refused_or_read(save) -> None:
    data = vgd(Measurement(counts()))
    ends = set()
    for n in range(9, len(data), 97):
        try:
            ends.add(read_quietly(save(data[:n]))[0].size)
        except ReadError:
            ends.add(0)
    assert 0 in ends <= {0, 12}


@pytest.mark.parametrize("stream", ["Root Entry", "VGData", OWN_SET])
def test_streams_larger_than_the_file_are_refused(save, stream: str) -> None:
    data = bytearray(vgd(Measurement(counts())))
    entry = data.index(stream.encode("utf-16-le"))
    data[entry + 120 : entry + 124] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(ReadError, match="expected an intact OLE container, got damage"):
        read(save(bytes(data)))


def test_a_directory_that_is_a_long_chain_is_refused(save) -> None:
    streams = {f"stream {i}": b"x" for i in range(3000)}
    with pytest.raises(ReadError, match="an intact OLE container, got damage"):
        read(save(ole_file(streams)))


def test_property_sets_of_all_types() -> None:
    values: dict[int, tuple[int, object]] = {
        2: (2, -5), 3: (3, -70000), 4: (4, 1486.68), 5: (5, 0.1), 6: (8, "\u00b5m"),
        7: (11, -1), 8: (19, 4_000_000_000), 9: (30, "S\u00e4ge"), 10: (31, "\u5cf0\u4f4d"),
        11: (64, 0), 12: (72, bytes(16)), 13: (64, 116444736000000000),
    }  # fmt: skip
    for page in (1200, 1252):
        names = {105: "SourceEnergy", 7: "odd"}
        found = parse_property_set(property_set(values, names, page))
        told = {k: v for k, v in found.values.items() if k not in (1, 13)}
        assert told == {
            2: -5, 3: -70000, 4: 1486.68, 5: 0.1, 6: "\u00b5m", 7: 1, 8: 4_000_000_000,
            9: "S\u00e4ge", 10: "\u5cf0\u4f4d", 12: "00000000-0000-0000-0000-000000000000",
        }  # fmt: skip
        assert str(found.values[13]) == "1970-01-01 00:00:00+00:00"
        assert found.names == names


def test_damaged_property_sets_give_what_can_be_read() -> None:
    data = property_set({105: (4, 1486.68), 411: (31, "Standard"), 305: (4, 0.05)})
    found = parse_property_set(data[:-2])
    assert found.values == {1: 1200, 105: 1486.68, 411: "Standard"}
    unknown = bytearray(data)
    unknown[data.index(struct.pack("<I", 31))] = 99
    assert parse_property_set(bytes(unknown)).values == {1: 1200, 105: 1486.68, 305: 0.05}


@pytest.mark.parametrize("n", [0, 20, 47, 55, 60])
def test_what_is_no_property_set_is_refused(n: int) -> None:
    data = property_set({105: (4, 1486.68)})
    with pytest.raises(ValueError, match="expected a property set"):
        parse_property_set(data[:n])


def test_a_property_set_that_promises_too_much_is_refused() -> None:
    data = bytearray(property_set({105: (4, 1486.68)}))
    data[52:56] = b"\xff" * 4
    with pytest.raises(ValueError, match="4294967295 properties"):
        parse_property_set(bytes(data))


def test_measured_spectra_equal_the_export_and_the_second_opinion(real_data) -> None:
    folder = real_data / "thermo"
    book = xlrd.open_workbook(str(folder / "1.xls"))
    for name in ("C1s Scan", "Cl2p Scan"):
        path = folder / f"{name}.VGD"
        spectrum = xpsnet.to_counts_per_second(xpsnet.to_binding(read_one(path, region=0)))
        sheet = book.sheet_by_name(name)
        rows = [sheet.row_values(r) for r in range(16, sheet.nrows)]
        energy = np.array([row[0] for row in rows])
        assert np.abs(spectrum.energy.values - energy).max() < 1e-4
        # The export holds six digits.
        np.testing.assert_allclose(spectrum, [row[2] for row in rows], rtol=1e-5)
        other = vgd_reader.read_vgd(str(path))
        np.testing.assert_allclose(spectrum.energy, other.binding_energy, rtol=0, atol=1e-4)
        np.testing.assert_allclose(spectrum, other.corrected_intensity, rtol=1e-6)
        np.testing.assert_array_equal(read_one(path, region=0), other.intensity)


def test_measured_property_sets_have_their_names(real_data) -> None:
    with olefile.OleFileIO(real_data / "thermo" / "C1s Scan.VGD") as container:
        found = parse_property_set(container.openstream(OWN_SET).read())
    assert found.names[105] == "SourceEnergy"
    assert found.names[406] == "ChamberWorkFunction"
    named = {name: found.values[number] for number, name in found.names.items()}
    assert (named["SourceEnergy"], named["Scans"], named["LensMode"]) == (1486.68, 2, "Standard")
    assert len(found.values) == 62


def test_measured_files_in_a_list_give_both_regions(real_data) -> None:
    folder = real_data / "thermo"
    spectra = read([folder / "C1s Scan.VGD", folder / "Cl2p Scan.VGD"])
    assert [(s.name, s.size) for s in spectra] == [("C 1s", 231), ("Cl 2p", 261)]
