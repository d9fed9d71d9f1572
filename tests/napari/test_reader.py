"""Reader, writer, samples and manifest: what is claimed, and what comes back."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from napari.components import ViewerModel
from npe2 import PluginManager, PluginManifest

import xpsnet
from napari_xpsnet import _sample_data
from napari_xpsnet._reader import EXTENSIONS, get_reader, read_regions
from napari_xpsnet._writer import ours, write_spectra

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "name",
    ["a.csv", "a.txt", "a.h5", "a.nc", "a.tif", "a.xml", "a.zip", "a.xls", "a.zarr", "folder"],
)
def test_foreign_names_are_not_claimed(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix in ("", ".zarr"):
        path.mkdir()
    else:
        path.write_bytes(b"\x89HDF\r\n\x1a\n VAMAS")
    assert get_reader(str(path)) is None


@pytest.mark.parametrize("extension", sorted({*EXTENSIONS} - {".xy"}))
def test_foreign_content_is_not_claimed(extension: str, tmp_path: Path) -> None:
    name = f"a{extension}"
    path = tmp_path / name
    path.write_text("energy,counts\n1,2\n")
    assert get_reader(str(path)) is None
    assert get_reader(str(tmp_path / f"missing {name}")) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("surface.pro", b"DIGITAL SURF\0" + bytes(2000)),
        ("compressed.pro", b"DSCOMPRESSED" + bytes(2000)),
        ("procedure.pro", b"; IDL\npro plot_it, x, y\n  plot, x, y\nend\n"),
        ("project.pro", b"QT += core gui\nTARGET = app\n"),
        ("camera.spe", bytes(4100) + bytes(range(1, 9)) * 500),
        ("gamma.Spe", b"$SPEC_ID:\nNo sample\n$DATA:\n0 9\n" + b"5\n" * 10),
        ("wave.itx.pxt", b"\x7fELF" + bytes(100)),
        ("letter.nxs", b"%PDF-1.7\n"),
    ],
)
def test_files_of_other_programs_with_our_extensions_are_not_claimed(
    name: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert get_reader(str(path)) is None


def test_no_folder_and_only_our_extensions_are_claimed() -> None:
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    (reader,) = manifest.contributions.readers
    assert reader.filename_patterns == [f"*{extension}" for extension in EXTENSIONS]
    assert not reader.accepts_directories
    shared = {".txt", ".csv", ".xml", ".zip", ".h5", ".nc", ".xls", ".xlsx", ".tif", ".dat"}
    assert not shared & set(EXTENSIONS)


def test_every_command_of_the_manifest_can_be_imported() -> None:
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    commands = manifest.contributions.commands
    manifest.validate_imports()
    assert len(commands) == 8


def test_import_of_the_package_is_light() -> None:
    code = "import sys, napari_xpsnet; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"tensorflow", "keras", "napari", "qtpy", "xarray", "numpy", "pyqtgraph"}


def test_vamas_file_opens_as_one_layer(real_data: Path) -> None:
    path = str(real_data / "vamas" / "0-150W.vms")
    reader = get_reader(path)
    assert reader is not None
    ((data, keywords, _),) = reader(path)
    expected = xpsnet.read(path)
    found = keywords["metadata"]["file"].regions
    assert [region.name for region in found] == [str(spectra.name) for spectra in expected]
    layer = ViewerModel().add_image(data, **keywords)
    assert layer.name == "survey"
    origin = layer.metadata["origin"]
    assert origin == {"call": "read", "name": path, "region": "survey", "given": {}}


def test_each_region_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("energy,a,b\n" + "".join(f"{280 + i / 10},{i},{2 * i}\n" for i in range(20)))
    for region in read_regions(str(path), scale="binding"):
        origin = region.origin
        again = xpsnet.read_one(origin["name"], region=origin["region"], **origin["given"])
        xr.testing.assert_identical(again, region.as_read)
        xr.testing.assert_identical(again, region.spectra)


def test_saved_layer_is_claimed_and_comes_back(tmp_path: Path, small_map: xr.DataArray) -> None:
    (written,) = write_spectra(
        str(tmp_path / "corner.nc"), small_map.values, {"metadata": {"dataarray": small_map}}
    )
    assert written.endswith("corner.xps.nc")
    reader = get_reader(written)
    assert reader is not None
    ((_, keywords, kind),) = reader(written)
    assert kind == "image"
    again = keywords["metadata"]["dataarray"]
    np.testing.assert_array_equal(again.values, small_map.values)
    assert again.attrs["scale"] == "binding"


def test_plain_image_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'expected a layer with spectra, got .* "photo"'):
        write_spectra(str(tmp_path / "a.nc"), np.zeros((3, 3)), {"name": "photo"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a.nc", "a.xps.nc"), ("a.xps.nc", "a.xps.nc"), ("a.b.NC", "a.b.xps.nc"), ("a.csv", "a.csv")],
)
def test_stores_get_our_extension(given: str, expected: str) -> None:
    assert ours(given).name == expected


@pytest.mark.parametrize(
    ("function", "axes"),
    [
        (_sample_data.spectrum, ("spectrum", "energy")),
        (_sample_data.line_scan, ("position", "energy")),
        (_sample_data.spectrum_map, ("energy", "y", "x")),
    ],
)
def test_samples_are_layers(function, axes: tuple[str, ...]) -> None:
    ((data, keywords, kind),) = function()
    assert kind == "image"
    assert keywords["axis_labels"] == axes
    assert data.ndim == len(axes)
    assert keywords["metadata"]["origin"]["call"] == "sample"


def test_napari_knows_the_plugin() -> None:
    manager = PluginManager.instance()
    manager.discover()
    manifest = manager.get_manifest("napari-xpsnet")
    assert manifest.display_name == "XPSNet"
    assert {one.key for one in manifest.contributions.sample_data} == {
        "spectrum",
        "line_scan",
        "map",
    }
