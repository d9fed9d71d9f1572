"""Writing: what is written is read back equal, and nothing measured is lost."""

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.peaks import Status, make_peaks
from xpsnet.io.read import read, read_one
from xpsnet.io.read_fit import read_fit
from xpsnet.io.write import write

STORES = ["nc", "nc4", "h5", "hdf5", "zarr", "nxs"]
TABLES = ["csv", "xlsx"]


def spectrum(name: str | None = "In 3d5/2") -> xr.DataArray:
    """A spectrum with coordinates and attributes of every kind, falling, with a gap."""
    energy = np.concatenate([np.linspace(455.0, 448.0, 71), np.linspace(447.0, 440.0, 29)])
    y = np.random.default_rng(3).poisson(500.0, 100).astype(float)
    y[7] = np.nan
    array = xpsnet.to_binding(
        xr.DataArray(y, {"energy": energy}, ("energy",), attrs={"scale": "binding"})
    )
    array.name = name
    array.attrs |= {"units": "counts/s", "photon_energy": 1486.6, "n_scans": 3, "sample": "a/b µ"}
    return array.assign_coords(
        transmission=("energy", np.linspace(1, 2, 100)), etch_time=((), 30.0, {"units": "s"})
    )


def peaks() -> xr.Dataset:
    """Peaks of a map of 2 x 3: two, one or no peaks per spectrum."""
    center = np.random.default_rng(0).uniform(284.0, 289.0, (2, 3, 2))
    center[0, 1, 1] = np.nan
    center[1, 2] = np.nan
    ones = np.where(np.isfinite(center), 1.0, np.nan)
    status = np.array([[0, 0, 0], [5, 0, 1]])
    return make_peaks(
        np.linspace(280.0, 294.0, 50),
        ("y", "x"),
        {"y": ("y", [0.0, 5.0], {"units": "um"}), "x": [0, 1, 2]},
        scale="binding",
        line_shape="pseudo_voigt",
        background="shirley",
        parameters={"center": center, "fwhm": ones, "height": 100 * ones, "fraction": 0.3 * ones},
        background_parameters={"constant": np.ones((2, 3)), "shirley": np.full((2, 3), 0.01)},
        status=status,
        n_peaks_probability=np.full((2, 3, 4), 0.25),
        stderr={"center": 0.01 * ones},
        redchi=np.full((2, 3), 1.1),
        attrs={"region": "C 1s", "model": "default", "photon_energy": 1486.6},
    )


def table_of(path: Path) -> list[dict[str, str]]:
    """Rows of a csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("# ")))


def _samples() -> dict[str, xr.DataArray]:
    """Spectra of every shape."""
    grid = xpsnet.sample("map")[:3, :2]
    return {
        "one spectrum": spectrum(),
        "without a name": spectrum(None),
        "line scan": xpsnet.sample("line_scan")[:4],
        "map": grid,
        "an odd name and unit": grid.rename("energy map, run").assign_attrs(units="arb."),
        "integers": grid.astype(np.int64),
        "float32": grid.astype(np.float32),
        "texts along a dimension": grid[0].assign_coords(file=("x", ["a.csv", "long name.csv"])),
        "every attribute": _described(grid),
        "a stack of one": spectrum().expand_dims(scan=[7]),
        "dimensions without numbers": grid.drop_vars(["x", "y"]).rename(x="place, x=3 [um]"),
        "equal places": grid.assign_coords(x=[5.0, 5.0]),
    }


def _described(array: xr.DataArray) -> xr.DataArray:
    """Spectra with an attribute and a coordinate of every kind."""
    shape = array.isel(y=0).shape
    return array.assign_coords(
        transmission=(("x", "energy"), np.random.default_rng(0).random(shape).astype("f4")),
        acquired=("y", np.datetime64("2026-01-01", "ns") + np.arange(3)),
        file=("x", ["a, b.vgd", "\u5cf0 \u2028.vgd"]),
        stage_z=((), 1.5, {"units": "mm"}),
    ).assign_attrs(
        pass_energy=20.0, dwell_time=0.1, n_scans=3, instrument="K-Alpha \u00b5 \u5cf0",
        source_file="C1s Scan.VGD", acquired="2024-02-29T12:30:01Z", technique_code=2**40,
        title='=1+1 "a", b\n#\r\tc: d [e] _x0041_', texts=["a", "\u00e9"], empty="",
        numbers=[1, 2.5, -3e-300], blanks=" " * 70_000 + "end",
    )  # fmt: skip


@pytest.mark.parametrize("extension", [*STORES, *TABLES])
@pytest.mark.parametrize("name", _samples())
def test_spectra_come_back_equal(tmp_path: Path, name: str, extension: str) -> None:
    spectra = _samples()[name]
    path = tmp_path / f"a.{extension}"
    write(spectra, path)
    (back,) = read(path)
    xr.testing.assert_identical(back, spectra)


@pytest.mark.parametrize("extension", [*STORES, *TABLES])
def test_several_spectra_come_back_equal(tmp_path: Path, extension: str) -> None:
    several = [spectrum(), xpsnet.sample("map")[:2, :2], spectrum("C 1s")]
    write(several, tmp_path / f"a.{extension}")
    for back, one in zip(read(tmp_path / f"a.{extension}"), several, strict=True):
        xr.testing.assert_identical(back, one)
    assert read_one(tmp_path / f"a.{extension}", region="In 3d5/2").name == "In 3d5/2"


def without_description(path: Path) -> None:
    """Take the lines above the tables out of a csv."""
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join(li for li in lines if not li.startswith("# ")), encoding="utf-8")


PLACED = [name for name in _samples() if name not in ("a stack of one", "equal places")
          and "dimension" not in name]  # fmt: skip


@pytest.mark.parametrize("name", PLACED)
def test_the_labels_of_a_csv_alone_give_the_same_counts_back(tmp_path: Path, name: str) -> None:
    spectra = _samples()[name]
    write(spectra, tmp_path / "a.csv")
    without_description(tmp_path / "a.csv")
    (back,) = read(tmp_path / "a.csv")
    assert back.name == (spectra.name or "a")
    assert back.dims == spectra.dims
    np.testing.assert_array_equal(back, spectra)
    for dim in spectra.dims:
        np.testing.assert_array_equal(back[dim], spectra[dim])
    for key in ("scale", "units", "photon_energy"):
        assert back.attrs[key] == spectra.attrs[key]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"y": 3', '"y": 4'),
        ('"y": 3', '"y": "3"'),
        ('"dtype": "float64"', '"dtype": "<U99999999"'),
        ('"dims": ["y"]', '"dims": 1'),
        ('"float64", "data": [0.0', '"float32", "data": [1e300'),
        ("{", "["),
        ('# shape: {"', "# shape: " + "[" * 100_000),
        ('# name: "', '# name: ["'),
        ('"attrs": {', '"attrs": 3, "b": {'),
    ],
    ids=["shape", "text", "type", "dims", "overflow", "braces", "depth", "name", "attrs"],
)
def test_a_damaged_description_leaves_the_counts(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "a.csv"
    write(_samples()["map"], path)
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        (back,) = read(path)
    np.testing.assert_array_equal(back, _samples()["map"])
    assert back.name == "C 1s"
    assert all("the description of the table at line" in str(one.message) for one in told)


def test_a_csv_of_several_spectra_holds_one_table_for_each(tmp_path: Path) -> None:
    several = [spectrum(), xpsnet.sample("line_scan")[:3], spectrum("C 1s")]
    write(several, tmp_path / "a.csv")
    back = read(tmp_path / "a.csv")
    assert [s.name for s in back] == [s.name for s in several]
    for one, two in zip(back, several, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one.energy, two.energy)


@pytest.mark.parametrize("n", [2, 6])
def test_a_store_is_opened_once_for_all_regions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    # To open it for each takes time in proportion to the square of their number.
    h5netcdf, zarr = pytest.importorskip("h5netcdf"), pytest.importorskip("zarr")
    calls = []
    opened, listed = h5netcdf.File.__init__, zarr.consolidate_metadata
    monkeypatch.setattr(h5netcdf.File, "__init__", lambda *a, **k: calls.append(opened(*a, **k)))
    monkeypatch.setattr(zarr, "consolidate_metadata", lambda *a, **k: calls.append(listed(*a, **k)))
    for extension in ("nc", "zarr"):
        calls.clear()
        write([spectrum()] * n, tmp_path / f"a.{extension}")
        assert len(calls) == 1


@pytest.mark.parametrize("extension", [*STORES, *TABLES])
def test_peaks_come_back_equal(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    write(peaks(), path)
    back = read_fit(path)[0]
    xr.testing.assert_identical(back, peaks())
    xr.testing.assert_identical(xpsnet.curves(back), xpsnet.curves(peaks()))
    if extension != "xlsx":  # of which the curves are read
        with pytest.raises(xpsnet.ReadError, match="read_fit reads them"):
            read(path)


def test_peaks_with_labels_and_covariance_come_back_equal(tmp_path: Path) -> None:
    energy = np.linspace(280.0, 294.0, 50)
    covariance = (["center_1", "center_2"], np.eye(2)[None])
    labeled = make_peaks(
        energy, ("scan",), scale="kinetic", line_shape="gaussian", background="none",
        parameters={k: np.array([[2.0, 3.0]]) for k in ("center", "fwhm", "height")},
        background_parameters={}, status=[0], covariance=covariance, label=["C-C", "C=O"],
    )  # fmt: skip
    for extension in ("nc", *TABLES):
        write(labeled, tmp_path / f"a.{extension}")
        xr.testing.assert_equal(read_fit(tmp_path / f"a.{extension}")[0], labeled)
    rows = table_of(tmp_path / "a.csv")
    assert [row["label"] for row in rows] == ["C-C", "C=O"]
    assert [row["scan"] for row in rows] == ["0", "0"]


def test_the_csv_of_peaks_is_tidy(tmp_path: Path) -> None:
    write(peaks(), tmp_path / "a.csv")
    table = table_of(tmp_path / "a.csv")
    assert list(table[0]) == [
        "region", "y [um]", "x", "peak", "center [eV]", "center_stderr [eV]", "fwhm [eV]",
        "height [counts]", "area [counts eV]", "fraction", "background_constant [counts]",
        "background_shirley [1/eV]", "redchi", "n_peaks", "status", "status_meaning",
    ]  # fmt: skip
    # Four spectra with two peaks, one with one, and a row that tells why the last has none.
    assert len(table) == 4 * 2 + 1 + 1
    expected = peaks()
    for row in table[:-1]:
        one = expected.sel(y=float(row["y [um]"]), x=int(row["x"]), peak=int(row["peak"]))
        assert float(row["center [eV]"]) == float(one.center)
        assert float(row["area [counts eV]"]) == float(one.area)
        assert float(row["center_stderr [eV]"]) == 0.01
        assert row["status_meaning"] == Status(int(row["status"])).name.lower()
    assert table[-1]["center [eV]"] == table[-1]["peak"] == ""
    assert table[-1]["status_meaning"] == "no_peaks"


def test_the_csv_of_peaks_for_every_count(tmp_path: Path) -> None:
    one = peaks().drop_dims("count")
    every = one.expand_dims(count=[1, 2]).transpose("y", "x", "count", ...)
    write(every, tmp_path / "a.csv")
    xr.testing.assert_identical(read_fit(tmp_path / "a.csv")[0], every)
    table = table_of(tmp_path / "a.csv")
    assert len(table) == 20
    assert {row["count"] for row in table} == {"1", "2"}


def _odd_peaks() -> xr.Dataset:
    """Peaks with a variable of every kind beside those of a fit."""
    odd = peaks()
    return odd.assign(
        partner=("peak", [-1, 0]), background=(("y", "x", "energy"), np.full((2, 3, 50), 0.1)),
        single=odd["center"].astype("f4").transpose("peak", "y", "x"), by_row=("y", [1.0, np.nan]),
        texts=(("y", "x"), np.array([["a, b", "c", "d"], ["\u00b5", "", "\u2028 # g"]])),
        endless=odd["redchi"].where(odd["x"] > 0, np.inf), everywhere=odd["center"].fillna(3.0),
    ).assign_attrs(
        n=3, flags=[1, 2], share=0.1, energy_range=np.array([280.0, 294.0]), texts=["\u00e9"],
        constraints='{"a": [1, null]}\n', when="2024-02-29T12:30:01Z", large=2**40,
    )  # fmt: skip


@pytest.mark.parametrize("extension", ["nc", *TABLES])
def test_everything_of_a_fit_comes_back_equal(tmp_path: Path, extension: str) -> None:
    write(_odd_peaks(), tmp_path / f"a.{extension}")
    back = read_fit(tmp_path / f"a.{extension}")[0]
    xr.testing.assert_identical(back, _odd_peaks())
    assert {n: v.dtype for n, v in back.items() if n != "texts"} == {
        n: v.dtype for n, v in _odd_peaks().items() if n != "texts"
    }
    kinds = {name: type(value) for name, value in back.attrs.items()}
    assert (kinds["n"], kinds["share"], kinds["when"]) == (int, float, str) or extension == "nc"


@pytest.mark.parametrize("extension", TABLES)
def test_one_fit_comes_back_equal(tmp_path: Path, extension: str) -> None:
    for one in (peaks().isel(y=0, x=0), peaks().isel(y=1, x=2), peaks().isel(y=[0])):
        write(one, tmp_path / f"a.{extension}", overwrite=True)
        xr.testing.assert_identical(read_fit(tmp_path / f"a.{extension}")[0], one)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"y": 2', '"y": 20000000000'),
        ('"y": 2', '"y": -2'),
        ("# rows: [", "# rows: [9999, "),
        (",status_meaning\n", ",status_meaning\nC 1s\n"),
        ('"dims": ["y", "x"]', '"dims": ["y", "z"]'),
        ('"dtype": "int8"', '"dtype": "O"'),
        ("# variables: {", "# variables: [{"),
        ("# rows", "# other"),
        (",0.01,", ",O.O1,"),
        ("n_peaks,status", "n_peak,stat"),
    ],
    ids=["large", "negative", "rows", "row", "dims", "type", "list", "no rows", "number",
         "labels"],
)  # fmt: skip
def test_a_damaged_table_of_peaks_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "a.csv"
    write(peaks(), path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if text.replace(old, new, 1) == text:
        pytest.fail(f"nothing to damage: {old}")
    with pytest.raises(xpsnet.ReadError, match="write the peaks again"):
        read_fit(path)


def test_what_is_too_large_for_a_table_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("xpsnet.io.tables.peaks_table._MAX_TOLD", 20)
    with pytest.warns(UserWarning, match="too large for a table: n_peaks_probability; .nc and"):
        write(peaks(), tmp_path / "a.csv")
    back = read_fit(tmp_path / "a.csv")[0]
    xr.testing.assert_identical(back, peaks().drop_vars("n_peaks_probability"))


@pytest.mark.parametrize("extension", [*STORES, "csv", "xlsx"])
def test_nothing_is_replaced_unasked(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    write(spectrum(), path)
    for other in (peaks(), [spectrum(), spectrum()]):  # also what xpsnet itself has written
        with pytest.raises(FileExistsError, match=r"got .*, which exists; .* pass overwrite=True"):
            write(other, path)
        xr.testing.assert_identical(read(path)[0], spectrum())
        write(other, path, overwrite=True)
        write(spectrum(), path, overwrite=True)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("extension", ["csv", "nc"])
def test_measured_files_are_replaced_only_on_demand(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"measured.{extension}"
    path.write_text("BE,counts\n530,100\n")
    with pytest.raises(FileExistsError, match="which exists; choose another name"):
        write(spectrum(), path)
    assert path.read_text() == "BE,counts\n530,100\n"
    write(spectrum(), path, overwrite=True)
    assert read_one(path, region="In 3d5/2").size == 100


def test_a_folder_is_replaced_only_on_demand(tmp_path: Path) -> None:
    spectrum().to_dataset(name="counts").to_zarr(tmp_path / "a.zarr", zarr_format=2)
    (tmp_path / "b.zarr").mkdir()
    for name in ("a.zarr", "b.zarr"):
        with pytest.raises(FileExistsError, match="which exists"):
            write(spectrum(), tmp_path / name)
    write(spectrum(), tmp_path / "a.zarr", overwrite=True)
    xr.testing.assert_identical(read(tmp_path / "a.zarr")[0], spectrum())


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    write(spectrum(), path)
    bad = spectrum().assign_coords(odd=("energy", np.array([{}] * 100, dtype=object)))
    with pytest.raises(ValueError, match="in the coordinate 'odd', got dict"):
        write(bad, path, overwrite=True)
    assert [one.name for one in tmp_path.iterdir()] == ["a.nc"]
    xr.testing.assert_identical(read(path)[0], spectrum())


def test_odd_attributes_are_kept_as_far_as_files_hold_them(tmp_path: Path) -> None:
    array = spectrum().assign_attrs(flag=True, nothing=None, values=[1.0, 2.0], odd={"a": 1})
    for extension in ("nc", "zarr", *TABLES):
        write(array, tmp_path / f"a.{extension}")
        attrs = read(tmp_path / f"a.{extension}")[0].attrs
        assert "nothing" not in attrs
        assert (attrs["flag"], attrs["values"], attrs["odd"]) == (1, [1.0, 2.0], {"a": 1})


def test_chunked_arrays_are_streamed(tmp_path: Path) -> None:
    array = xpsnet.sample("map")[:7, :5]
    lazy = array.chunk({"y": (1, 4, 2), "x": 2})
    for extension in ("nc", "zarr"):
        write(lazy, tmp_path / f"a.{extension}")
        xr.testing.assert_identical(read(tmp_path / f"a.{extension}")[0], array)
        write([lazy, lazy], tmp_path / f"a.{extension}", overwrite=True)
        for back in read(tmp_path / f"a.{extension}"):
            xr.testing.assert_identical(back, array)


@pytest.mark.parametrize(
    ("data", "name", "error", "message"),
    [
        (spectrum(), "a.docx", ValueError, r"ends with one of .nc, .nc4, .h5.* got 'a.docx'"),
        (spectrum(), "a", ValueError, "add the extension"),
        ([], "a.nc", ValueError, "at least one spectrum"),
        (spectrum().to_dataset(name="a"), "a.nc", TypeError, r"expected peaks, .*\['a'\]"),
        (np.ones(3), "a.nc", TypeError, "expected an xarray.DataArray"),
        (spectrum(), "no/folder/a.nc", FileNotFoundError, "expected an existing folder"),
    ],
    ids=["unknown extension", "none", "empty", "dataset", "array", "folder"],
)
def test_misuse_is_refused(tmp_path: Path, data, name: str, error, message: str) -> None:
    with pytest.raises(error, match=message):
        write(data, tmp_path / name)


def test_a_multi_index_is_refused(tmp_path: Path) -> None:
    array = xpsnet.sample("map")[:2, :2].stack(pixel=("y", "x"))
    for extension in ("nc", *TABLES):
        with pytest.raises(ValueError, match=r"got a multi-index.* do spectra.reset_index"):
            write(array, tmp_path / f"a.{extension}")


def test_a_csv_of_too_many_columns_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("xpsnet.io.tables.csv._MAX_COLUMNS", 3)
    with pytest.raises(ValueError, match=r"at most 3 spectra for a table, got 4; write .nc"):
        write(xpsnet.sample("map")[:2, :2], tmp_path / "a.csv")
