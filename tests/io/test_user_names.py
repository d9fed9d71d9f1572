"""A user's own coordinates and dimensions may have any name: files keep them."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from casa_comments import Component, Region, comment
from openpyxl import load_workbook
from vamas_writer import Block, counts, vamas

import xpsnet
from xpsnet.data.spectrum import check_spectra
from xpsnet.samples import sample_truth

NAMES = ("label", "status", "center", "noise", "area", "count", "counts", "peak", "parameter",
         "region",          "n_peaks", "status_meaning", "background", "scan", "file", "signal",
         "title", "index", "block_number", "vendor_center", "my name")  # fmt: skip
KINDS = ("numbers", "texts", "dimension")
COMPLETE = ("nc", "zarr", "nxs", "csv", "xlsx")
OWN = {"label", "status", "center", "noise", "area", "count", "peak", "parameter", "n_peaks",
       "background"}  # fmt: skip


def _with(data, dim: str, name: str, kind: str):
    """Data whose dimension has this coordinate, or is called like this."""
    if kind == "dimension":
        renamed = data.rename({dim: name})
        return renamed.assign_coords({name: [1.0, 2.0, 4.0]})
    values = [1.0, 2.0, 3.0] if kind == "numbers" else ["a", "b", "c"]
    return data.assign_coords({name: (dim, values)})


def _spectra() -> xr.DataArray:
    values = np.random.default_rng(0).poisson(100.0, (3, 61)).astype(float)
    attrs = {"scale": "binding", "units": "counts", "photon_energy": 1486.6}
    energy = np.linspace(280.0, 292.0, 61)
    return check_spectra(
        xr.DataArray(values, {"energy": energy}, ("sample", "energy"), "C 1s", attrs)
    )


def _peaks() -> xr.Dataset:
    return sample_truth("line_scan").isel(position=slice(0, 3)).drop_vars("position")


@pytest.mark.parametrize("extension", COMPLETE)
@pytest.mark.parametrize("kind", KINDS)
def test_spectra_keep_names_like_ours(tmp_path: Path, kind: str, extension: str) -> None:
    every = [_with(_spectra(), "sample", name, kind) for name in NAMES]
    xpsnet.write(every, tmp_path / f"every.{extension}")
    for back, spectra in zip(xpsnet.read(tmp_path / f"every.{extension}"), every, strict=True):
        xr.testing.assert_identical(back, spectra)


@pytest.mark.parametrize("extension", COMPLETE)
def test_peaks_keep_names_like_ours(tmp_path: Path, extension: str) -> None:
    named = _peaks()
    for name in NAMES:
        named = _with(named, "position", f"spectra_{name}" if name in OWN else name, "texts")
    dims = [_with(_peaks(), "position", name, "dimension") for name in ("counts", "my name")]
    for i, peaks in enumerate([named, *dims, _with(_peaks(), "position", "region", "numbers")]):
        path = tmp_path / f"{i}.{extension}"
        xpsnet.write(peaks, path)
        (back,) = xpsnet.read_fit(path)
        xr.testing.assert_identical(back, peaks)


@pytest.mark.parametrize("name", ["label", "status", "center", "area", "count", "vendor_center"])
@pytest.mark.parametrize("kind", ["numbers", "dimension"])
def test_fits_in_vamas_keep_names_like_ours(save, name: str, kind: str) -> None:
    blocks = []
    for value in (1.0, 2.0, 4.0 if kind == "dimension" else 3.0):
        component = Component("line", "GL(30)", 100.0, 0.5, 952.0)
        fit = comment([Region(950.5, 953.5, [component], background="Linear")])
        blocks.append(Block(counts(), variables=(value,), comment=fit))
    path = save(vamas(blocks, mode="SDP", variables=[(name, "d")]))
    (peaks,) = xpsnet.read_fit(path)
    np.testing.assert_array_equal(
        peaks[f"spectra_{name}"], [block.variables[0] for block in blocks]
    )
    np.testing.assert_allclose(peaks.center, 952.0)


@pytest.mark.parametrize("extension", ["xlsx", "nxs", "vms"])
def test_fits_are_written_with_spectra_of_such_names(tmp_path: Path, extension: str) -> None:
    spectra = _with(
        xpsnet.sample("line_scan")[:3].drop_vars("position"), "position", "label", "dimension"
    )
    peaks = _with(_peaks(), "position", "spectra_label", "dimension")
    path = tmp_path / f"a.{extension}"
    xpsnet.write(peaks, path, spectra=spectra)
    (back,) = xpsnet.read_fit(path)
    assert back.center.dims == ("spectra_label", "peak")
    np.testing.assert_array_equal(back["spectra_label"], [1.0, 2.0, 4.0])
    if extension != "xlsx":  # which holds the spectra in the sheet of curves only
        assert xpsnet.read_one(path).dims == ("label", "energy")


def test_a_slash_in_a_name_is_refused_with_a_way_out(tmp_path: Path) -> None:
    for extension in ("nc", "zarr", "nxs"):
        with pytest.raises(ValueError, match="names of coordinates without a slash, got 'a/b'"):
            xpsnet.write(_with(_spectra(), "sample", "a/b", "numbers"), tmp_path / f"a.{extension}")


def test_components_of_one_label_have_a_column_each(tmp_path: Path) -> None:
    peaks = sample_truth("spectrum")
    peaks["label"] = ("peak", np.array(["C-C", "C-C", "background"], dtype=object))
    xpsnet.write(peaks, tmp_path / "a.xlsx")
    sheet = load_workbook(tmp_path / "a.xlsx")["curves"]
    assert [cell.value for cell in sheet[1]][-3:] == [
        "C-C [counts]", "C-C (peak 2) [counts]", "background (peak 3) [counts]",
    ]  # fmt: skip


def test_the_dimension_of_energies_can_be_named(tmp_path: Path) -> None:
    spectra = _spectra().rename(energy="channel", sample="row").drop_vars("channel")
    spectra = spectra.assign_coords(channel=np.linspace(280.0, 292.0, 61), row=[1.0, 2.0, 3.0])
    xpsnet.write(spectra, tmp_path / "a.nc", dim="channel")
    back = xpsnet.read_one(tmp_path / "a.nc")
    assert back.dims == ("row", "energy")
    np.testing.assert_array_equal(back.energy, spectra.channel)
    with pytest.raises(ValueError, match="channel"):
        xpsnet.write(spectra, tmp_path / "b.nc")
    assert not (tmp_path / "b.nc").exists()
