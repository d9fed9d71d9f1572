"""Thermo Avantage `.avg`: the text dump holds what the `.vgd` holds."""

import numpy as np
import pytest
import xarray as xr
from thermo_writer import ENERGY, Axis, Measurement, avg, vgd

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, sniff


def counts(*shape: int) -> np.ndarray:
    """Counts that tell every point apart."""
    return 100.25 + np.arange(np.prod([*shape, 12]), dtype=float).reshape(*shape, 12)


LEVELS = [Axis("ETCHTIME", 3, 0.0, 5.0, values=[0.0, 5.0, 12.5]), Axis("ETCHLEVEL", 3)]
POINTS = [Axis("POSITION", 2, 1.0), Axis("X", 2, 5000, 0, values=[5000, 7000]),
          Axis("Y", 2, 6000, 0, values=[6000, 6500])]  # fmt: skip
MAP = [[ENERGY], [Axis("X", 3, -20.0, 20.0)], [Axis("Y", 2, -10.0, 20.0)]]


def test_a_single_spectrum_is_read_to_the_number(save) -> None:
    path = save(avg(Measurement(counts())), "whatever.txt")
    (spectrum,) = read(path)
    assert sniff(path) == "Thermo Avantage (avg)"
    assert (spectrum.name, spectrum.dims) == ("C 1s", ("energy",))
    np.testing.assert_array_equal(spectrum, counts())
    np.testing.assert_allclose(spectrum.energy, 1188.68 + 0.1 * np.arange(12), rtol=1e-12)
    assert spectrum.attrs == {
        "scale": "kinetic", "units": "counts", "photon_energy": 1486.68, "pass_energy": 50.0,
        "dwell_time": 0.05, "n_scans": 7, "instrument": "K-Alpha", "lens_mode": "Standard",
        "sample": "sample 7", "acquired": "2008-05-13T08:20:50", "technique_code": 1,
        "transmission_coefficients": "3.5 -0.25", "region_original": "C1s Scan",
        "source_file": "whatever.txt",
    }  # fmt: skip
    assert spectrum.x.item() == pytest.approx(16.0334)
    assert spectrum.y.attrs["units"] == "mm"
    binding = xpsnet.to_binding(spectrum)
    assert float(binding.energy[0]) == pytest.approx(298.0, abs=1e-9)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [([[ENERGY], LEVELS], (3,)), ([[ENERGY], POINTS], (2,)), (MAP, (2, 3))],
    ids=["depth profile", "points", "map"],
)
@pytest.mark.parametrize("numbered", [True, False], ids=["numbered", "in order"])
def test_the_dump_gives_what_the_binary_file_gives(
    save, axes: list[list[Axis]], shape: tuple[int, ...], numbered: bool
) -> None:
    one = Measurement(counts(*shape), axes)
    (text,) = read(save(avg(one, numbered=numbered), "C1s Scan.avg"))
    (binary,) = read(save(vgd(one), "C1s Scan.vgd"))
    assert (text.dims, text.name) == (binary.dims, binary.name)
    np.testing.assert_array_equal(text, binary)
    for name, coord in binary.coords.items():
        if coord.ndim:
            np.testing.assert_allclose(text[name], coord, rtol=1e-12)
            assert text[name].attrs == coord.attrs
    same = ("photon_energy", "pass_energy", "dwell_time", "transmission_coefficients", "units")
    assert {k: text.attrs[k] for k in same} == {k: binary.attrs[k] for k in same}


def test_points_keep_their_names(save) -> None:
    (stack,) = read(save(avg(Measurement(counts(2), [[ENERGY], POINTS]))))
    assert stack.point.values.tolist() == ["Pt #001", "Pt #002"]
    np.testing.assert_array_equal(stack.x, [5000, 7000])
    assert stack.x.attrs["units"] == "um"


@pytest.mark.parametrize(
    ("axes", "shape"),
    [([[ENERGY]], ()), ([[ENERGY], LEVELS], (3,)), (MAP, (2, 3)),
     ([[ENERGY], [Axis("X", 3)], [Axis("Y", 3)]], (3, 3))],
    ids=["one", "depth profile", "map", "square map"],
)  # fmt: skip
def test_data_axes_that_are_not_listed_are_found(save, axes, shape) -> None:
    one = Measurement(counts(*shape), axes)
    listed, found = (read(save(avg(one, data_axes=given)))[0] for given in (True, False))
    xr.testing.assert_identical(listed, found)


def test_empty_values_are_missing(save) -> None:
    values = counts(3)
    values[1] = np.nan
    values[2, 3:7] = np.nan
    (profile,) = read(save(avg(Measurement(values, [[ENERGY], LEVELS]))))
    np.testing.assert_array_equal(profile, values)


def test_rows_that_are_missing_are_told(save) -> None:
    lines = avg(Measurement(counts())).splitlines()
    path = save("\n".join(line for line in lines if not line.startswith("LIST@   4=")))
    with pytest.warns(UserWarning, match="8 of 12 values are there"):
        (spectrum,) = read(path)
    assert np.isnan(spectrum).values.nonzero()[0].tolist() == [4, 5, 6, 7]


def test_damaged_rows_are_left_out_with_their_lines(save) -> None:
    text = avg(Measurement(counts())).replace("104.250000", "10x.25")
    with pytest.warns(UserWarning, match="outside of the axes: lines 35"):
        (spectrum,) = read(save(text))
    assert int(np.isnan(spectrum).sum()) == 4


@pytest.mark.parametrize(
    ("old", "new", "attrs"),
    [
        ("EV_SCALE                        : VT_I2   = 1",
         "EV_SCALE : VT_I2 = 2", {"scale": "binding"}),
        ("'Counts'", "'Counts / s'", {"units": "counts/s"}),
        ("13/5/2008   08:20:50", "31/2/2008   08:20:50", {"acquired": "2008-05-12T17:34:00"}),
        ("DS_ACPROPID_START_TIME", "DS_OTHER", {"acquired": "2008-05-12T17:34:00"}),
        ("DS_ANPROPID_PASS   ", "DS_ANPROPID_PASS : Pass energy", {"pass_energy": 50.0}),
        ("VT_I4   = 7", "VT_I4   = #empty#", {"dwell_time": 0.05}),
        ("VT_I4   = 16033400", "VT_I4   = 1e300", {"n_scans": 7}),
        ("\n", "\r\n", {"n_scans": 7}),
        ("\n", "\r\r\n", {"n_scans": 7}),
    ],
    ids=["binding", "rates", "no such day", "no start", "label", "empty", "absurd", "CRLF",
         "CRCRLF"],
)  # fmt: skip
def test_properties_in_other_spellings(save, old: str, new: str, attrs: dict[str, object]) -> None:
    (spectrum,) = read(save(avg(Measurement(counts())).replace(old, new)))
    assert {key: spectrum.attrs.get(key) for key in attrs} == attrs
    np.testing.assert_array_equal(spectrum, counts())


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_encodings(save, encoding: str) -> None:
    data = avg(Measurement(counts(2, 3), MAP)).encode(encoding)
    (cube,) = read(save(data))
    assert (cube.dims, cube.x.attrs["units"]) == (("y", "x", "energy"), "um")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.split("$SPACEAXES")[0], r"a line '\$SPACEAXES=' with axes below, got none"),
        (lambda t: t.split("$DATA=")[0], "expected 12 values, got 0"),
        (lambda t: t.replace("0,   11,", "0,   99,"), "points 0 to 99, got 1 with"),
        (lambda t: t.replace("11,     1", "11,     3"), "3 space axes .* got 1"),
        (lambda t: t.replace("11,     1", "11,     0"), r"0 space axes .* got 0 with \[\] points"),
        (lambda t: t.replace("        12,  ENERGY", " 99999999, ENERGY"), "line 32: .* axes of"),
        (lambda t: t.replace("ENERGY,", "POSITION,"), "got a table over POSITION"),
        (lambda t: t.replace("ENERGY,", "X,"), "got a table over X"),
        (lambda t: t.replace("0.100000", "1e300"), "energies below 100 keV"),
        (lambda t: t.replace(".25", ".x"), "expected counts, got no number"),
    ],
    ids=["no axes", "no values", "axis cut", "axes missing", "no axis", "too long", "table",
         "position", "step", "damaged values"],
)  # fmt: skip
def test_damaged_dumps_are_refused(save, change, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(change(avg(Measurement(counts()))), "a.avg"))


def test_a_header_without_values_is_refused(save) -> None:
    with pytest.raises(ReadError, match="expected counts, got no number"):
        read(save(avg(Measurement(np.full(12, np.nan)))))


def test_axes_that_promise_too_much_take_no_memory(save) -> None:
    axes = [[ENERGY], [Axis("X", 3)], [Axis("Y", 2)]]
    text = avg(Measurement(counts(2, 3), axes))
    text = text.replace("0,   2, ", "0, 999999,").replace("3,  X", "1000000,  X")
    with pytest.raises(ReadError, match="2 x 1000000 x 12 values, got 72"):
        read(save(text))
