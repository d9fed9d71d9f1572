"""Workbooks and NeXus: what other programs find in them, and what comes back."""

import h5py
import numpy as np
import openpyxl
import pytest
import xarray as xr

import xpsnet
from tests.io.test_write import PLACED, _samples, peaks, spectrum
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one
from xpsnet.io.read_fit import read_fit
from xpsnet.io.tables import excel_writer
from xpsnet.io.write import write


def fitted() -> xr.DataArray:
    """Spectra of the shape of `peaks()`, over a wider range."""
    inner = peaks()["energy"].values
    step = inner[1] - inner[0]
    energy = np.concatenate([inner[0] + step * np.arange(-5, 0), inner])
    values = np.random.default_rng(0).poisson(90.0, (energy.size, 2, 3)).astype(float)
    coords = {"energy": energy, **{dim: peaks()[dim] for dim in ("y", "x") if dim in peaks()}}
    array = xr.DataArray(values, coords, ("energy", "y", "x"), name="C 1s")
    return array.transpose("y", "x", "energy").assign_attrs(peaks().attrs, scale="binding")


def rows(sheet) -> list[dict]:
    """Rows of a sheet by the labels in its first one."""
    labels, *values = sheet.iter_rows(values_only=True)
    return [dict(zip(labels, row, strict=True)) for row in values]


@pytest.mark.parametrize("name", PLACED)
def test_the_labels_of_a_workbook_alone_give_the_same_counts_back(tmp_path, name: str) -> None:
    spectra = _samples()[name]
    write(spectra, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    del book["description"]
    book.save(tmp_path / "a.xlsx")
    (back,) = read(tmp_path / "a.xlsx")
    assert back.name == (spectra.name or "a")
    assert back.dims == spectra.dims
    np.testing.assert_array_equal(back, spectra)
    for dim in spectra.dims:
        np.testing.assert_array_equal(back[dim], spectra[dim])
    for key in ("scale", "units", "photon_energy"):
        assert back.attrs[key] == spectra.attrs[key]


def test_a_workbook_has_a_sheet_per_region(tmp_path) -> None:
    several = [spectrum("C 1s"), spectrum("C 1s"), spectrum("a/b:c" * 20), spectrum("metadata")]
    write(several, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["C 1s 1", "C 1s 2", ("a_b_c" * 6)[:26], "metadata 1", "metadata",
                               "description"]  # fmt: skip
    assert [one.name for one in read(tmp_path / "a.xlsx")] == [one.name for one in several]
    told = {row["name"]: row["value"] for row in rows(book["metadata"])}
    assert told["photon_energy"] == spectrum().attrs["photon_energy"]


def test_a_workbook_of_peaks_holds_table_curves_and_metadata(tmp_path) -> None:
    write(peaks(), tmp_path / "a.xlsx", spectra=fitted())
    write(peaks(), tmp_path / "a.csv")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["peaks", "curves", "metadata", "description"]
    first = rows(book["peaks"])[0]
    assert first["center [eV]"] == float(peaks()["center"][0, 0, 0])
    assert first["status_meaning"] == "ok"
    drawn = xpsnet.curves(peaks())
    table = rows(book["curves"])
    assert len(table) == drawn["envelope"].size
    envelope = [row["envelope [counts]"] for row in table]
    np.testing.assert_array_equal(envelope, drawn["envelope"].values.ravel())
    counts = fitted().sel(energy=drawn["energy"].values, method="nearest")
    np.testing.assert_array_equal(
        [row["spectrum [counts]"] for row in table], counts.values.ravel()
    )
    told = {row["name"]: row["value"] for row in rows(book["metadata"])}
    assert told["line_shape"] == "pseudo_voigt"
    with pytest.raises(ReadError):
        read_one(tmp_path / "a.xlsx", region="peaks")


def test_a_workbook_leaves_out_curves_without_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(excel_writer, "_MAX_ROWS", 100)
    write(peaks(), tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["peaks", "metadata", "description"]
    told = {row["name"]: row["value"] for row in rows(book["metadata"])}
    assert "left out" in told["curves"]


def test_no_text_becomes_a_formula(tmp_path) -> None:
    write(spectrum("=1+1").assign_attrs(title="=2+2", odd="a\x00b"), tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    told = {row["name"]: row["value"] for row in rows(book["metadata"])}
    assert (told["title"], told["odd"]) == ("=2+2", "a b")
    types = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert types <= {"s", "n"}


def test_too_many_spectra_for_a_sheet_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(excel_writer, "_MAX_SPECTRA", 3)
    with pytest.raises(ValueError, match=r"at most 3 spectra for a table, got 4; write .nc"):
        write(xpsnet.sample("map")[:2, :2], tmp_path / "a.xlsx")


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(ValueError, match=r"pip install napari-xpsnet\[excel\], or write .csv"):
        write(spectrum(), tmp_path / "a.xlsx")


def test_nexus_says_what_to_plot(tmp_path) -> None:
    write([spectrum("C 1s"), xpsnet.sample("map")[:2, :2]], tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs") as file:
        entry = file[file.attrs["default"]]
        data = entry[entry.attrs["default"]]
        assert (entry.attrs["NX_class"], data.attrs["NX_class"]) == ("NXentry", "NXdata")
        assert (data.attrs["signal"], list(data.attrs["axes"])) == ("data", ["energy"])
        assert dict(data["energy"].attrs)["type"] == "binding"
        assert data["energy"].attrs["units"] == "eV"
        assert entry["instrument/beam_probe/incident_energy"][()] == 1486.6
        axes = [list(one["data"].attrs["axes"]) for one in file.values()]
    assert axes[1] == ["y", "x", "energy"]


def test_nexus_of_others_is_not_changed_by_our_marks(tmp_path) -> None:
    write(xpsnet.sample("line_scan")[:3], tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs", "a") as file:
        del file.attrs["xpsnet_version"]
    (stack,) = read(tmp_path / "a.nxs")
    assert (stack.name, stack.dims) == ("Si 2p", ("position", "energy"))
    np.testing.assert_array_equal(stack, xpsnet.sample("line_scan")[:3])


def test_nexus_of_peaks_holds_the_spectra_and_the_curves(tmp_path) -> None:
    path = tmp_path / "a.nxs"
    write(peaks(), path, spectra=fitted())
    xr.testing.assert_identical(read_fit(path)[0], peaks())
    (spectra,) = read(path)
    np.testing.assert_array_equal(spectra, fitted())
    with h5py.File(path) as file:
        assert file.attrs["default"] == "C_1s"
        fit = file["C_1s/fit"]
        assert (fit.attrs["NX_class"], fit.attrs["default"]) == ("NXfit", "data")
        envelope = fit["data/fit_sum"][()]
    np.testing.assert_array_equal(envelope, xpsnet.curves(peaks())["envelope"])


def test_times_and_chunks_come_back_from_nexus(tmp_path) -> None:
    array = xpsnet.sample("map")[:7, :5]
    times = np.datetime64("2026-01-01", "ns") + np.arange(7).astype("timedelta64[s]")
    array = array.assign_coords(acquired=("y", times))
    write(array.chunk({"y": (1, 4, 2), "x": 2}), tmp_path / "a.nxs")
    (back,) = read(tmp_path / "a.nxs")
    np.testing.assert_array_equal(back, array)
    assert (back["acquired"].values == times).all()


@pytest.mark.parametrize("name", ["a.nc", "a.csv"])
def test_spectra_beside_peaks_need_a_format_for_both(tmp_path, name: str) -> None:
    with pytest.raises(ValueError, match="write the spectra to a separate file"):
        write(peaks(), tmp_path / name, spectra=fitted())


def test_spectra_of_another_fit_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="the spectra that the peaks were fitted to"):
        write(peaks(), tmp_path / "a.xlsx", spectra=spectrum())


def test_vamas_takes_the_peaks_with_their_spectra(tmp_path) -> None:
    path = tmp_path / "a.vms"
    with pytest.raises(ValueError, match="the spectra that the peaks belong to, which VAMAS"):
        write(peaks(), path)
    write(xpsnet.sample("line_scan")[:3], path)
    (stack,) = read(path)
    np.testing.assert_array_equal(stack, xpsnet.sample("line_scan")[:3])
    spectra = xpsnet.sample("spectrum")
    fit = xpsnet.predict(spectra, device="cpu")
    write(fit, path, spectra=spectra, overwrite=True)
    (back,) = xpsnet.read_fit(path)
    n = int(fit["n_peaks"])
    np.testing.assert_allclose(back["center"][:n], fit["center"][:n], atol=0.02)


def test_names_that_nexus_cannot_hold_are_refused(tmp_path) -> None:
    array = xpsnet.sample("line_scan")[:3].assign_coords({"a/b": ("position", [1.0, 2.0, 3.0])})
    with pytest.raises(ValueError, match=r"without a slash, got 'a/b'; rename it"):
        write(array, tmp_path / "a.nxs")


def test_odd_attributes_of_nexus(tmp_path) -> None:
    odd = {"text": "a\x00b", "texts": np.array(["a", "bc"]), "none": [], "numbers": (1, 2)}
    write(spectrum().assign_attrs(odd), tmp_path / "a.nxs")
    attrs = read(tmp_path / "a.nxs")[0].attrs
    assert (attrs["text"], attrs["texts"], attrs["numbers"]) == ("a\0b", ["a", "bc"], [1, 2])
