"""The door: what the caller says, regions, folders, lists, stacks on the union of energies."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from fuzz_seeds import SEEDS
from vamas_writer import Block, counts, vamas

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import READERS, read, read_one, sniff
from xpsnet.io.read_fit import read_fit
from xpsnet.io.write import write

FIRST = np.round(np.arange(192.0, 205.05, 0.1), 6)
SECOND = np.round(np.arange(194.5, 204.65, 0.1), 6)


def two_columns(energy: np.ndarray, y: np.ndarray | float, header: str = "") -> str:
    """Text of a spectrum."""
    values = np.broadcast_to(y, energy.shape).tolist()
    rows = [f"{e!r},{v!r}\n" for e, v in zip(energy.tolist(), values, strict=True)]
    return header + "".join(rows)


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Write a folder of scans of one region; the third covers a shorter range."""
    for i in (1, 2, 10, 9):
        energy = SECOND if i == 9 else FIRST
        (tmp_path / f"scan_{i}.csv").write_text(two_columns(energy, float(i)))
    return tmp_path


def test_a_folder_of_scans_is_one_stack_on_the_union_of_energies(series: Path) -> None:
    (stack,) = read(series, scale="kinetic", photon_energy=730)
    assert stack.dims == ("scan", "energy")
    assert stack.file.values.tolist() == [f"scan_{i}.csv" for i in (1, 2, 9, 10)]
    np.testing.assert_array_equal(stack.energy, FIRST)
    np.testing.assert_array_equal(stack[3], 10.0)
    missing = np.isnan(stack[2].values)
    np.testing.assert_array_equal(missing, ~np.isin(FIRST, SECOND))
    assert (stack.attrs["scale"], stack.attrs["photon_energy"]) == ("kinetic", 730.0)
    assert stack.name == stack.attrs["source_file"] == series.name


def test_a_list_of_files_keeps_its_order(series: Path) -> None:
    paths = [series / f"scan_{i}.csv" for i in (10, 1)]
    stack = read_one(paths, region="O 1s", scale="kinetic")
    assert stack.name == "O 1s"
    np.testing.assert_array_equal(stack[:, 0], [10.0, 1.0])


def test_energies_that_differ_by_rounding_are_the_same(tmp_path: Path) -> None:
    jitter = np.random.default_rng(1).uniform(-1e-5, 1e-5, FIRST.size)
    paths = []
    for i, energy in enumerate((FIRST, FIRST[::-1], FIRST + jitter)):
        paths.append(tmp_path / f"{i}.csv")
        paths[-1].write_text(two_columns(energy, np.arange(FIRST.size) * 1.0 + i, "BE,c\n"))
    stack = read_one(paths, region="a")
    assert stack.sizes == {"scan": 3, "energy": FIRST.size}
    assert np.isfinite(stack).all()
    np.testing.assert_array_equal(stack[1], np.arange(FIRST.size)[::-1] + 1.0)


def test_other_regions_in_a_folder_stay_apart(series: Path) -> None:
    for i in range(2):
        far = two_columns(FIRST + 500, 1.0, "Region O1s, KE\n")
        (series / f"other_{i}.txt").write_text(far)
    oxygen, unnamed = read(series, scale="kinetic")
    assert (oxygen.name, oxygen.sizes["scan"]) == ("O 1s", 2)
    assert unnamed.sizes["scan"] == 4


def test_files_without_spectra_are_passed_over_in_folders_only(series: Path) -> None:
    (series / "notes.txt").write_text("tilt the sample\n")
    (series / ".hidden").write_bytes(b"\0")
    with pytest.warns(UserWarning, match=r"1 of 5 files are skipped, the first: .*notes.txt"):
        (stack,) = read(series, scale="kinetic")
    assert stack.sizes["scan"] == 4
    with pytest.raises(ReadError, match="notes"):
        read([series / "scan_1.csv", series / "notes.txt"], scale="kinetic")


def test_stage_positions_of_several_files_are_coordinates(tmp_path: Path) -> None:
    for i in range(3):
        block = Block(counts(seed=i), variables=(1.5 * i,), n_scans=i + 1)
        (tmp_path / f"{i}.vms").write_text(vamas([block], variables=[("PositionX [mm]", "n")]))
    (stack,) = read(tmp_path)
    assert stack.x.dims == stack.n_scans.dims == ("scan",)
    np.testing.assert_array_equal(stack.x, [0.0, 1.5, 3.0])
    assert stack.x.attrs["units"] == "mm"
    assert stack.attrs["photon_energy"] == 1486.6
    np.testing.assert_array_equal(stack.n_scans, [1, 2, 3])


def test_the_transmission_of_several_files_is_kept(tmp_path: Path) -> None:
    for i, n in enumerate((40, 30)):
        curve = ("Transmission", "d", np.linspace(1.0, 2.0, n).tolist())
        (tmp_path / f"{i}.vms").write_text(vamas([Block(counts(n), more=[curve])]))
    (stack,) = read(tmp_path)
    assert stack.transmission.dims == ("scan", "energy")
    np.testing.assert_array_equal(stack.transmission[1, :30], np.linspace(1.0, 2.0, 30))
    assert np.isnan(stack.transmission[1, 30:]).all()


def test_one_region_is_one_array(tmp_path: Path) -> None:
    path = tmp_path / "a.vms"
    blocks = [Block(counts(seed=i), species=s, identifier=f"7: {s}1s") for i, s in enumerate("CON")]
    path.write_text(vamas(blocks))
    for region in ("O 1s", "O1s", "o 1s", "7: O1s", 1, -2):
        spectrum = read_one(path, region=region)
        np.testing.assert_array_equal(spectrum, counts(seed=1))
    with pytest.raises(ReadError, match=r"expected a region 'S 2p', .* holds 0: \"C 1s\" \(950 to"):
        read_one(path, region="S 2p")
    with pytest.raises(ReadError, match="expected a region from 0 to 2, got region=3"):
        read_one(path, region=3)


def test_a_region_that_is_there_twice_is_chosen_by_number(tmp_path: Path) -> None:
    path = tmp_path / "a.vms"
    path.write_text(vamas([Block(counts()), Block(counts(50, seed=1))]))
    with pytest.raises(ReadError, match=r"got 2; choose one with region=.*: .* 1: "):
        read_one(path, region="O 1s")
    assert read_one(path, region=1).sizes["energy"] == 50
    assert [one.sizes["energy"] for one in read(path, region="O1s")] == [40, 50]
    with pytest.raises(ReadError, match="expected one region, got 2; choose one"):
        read_one(path)


def test_a_level_finds_its_lines_and_a_line_its_level(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    one = xr.DataArray(
        np.ones(9), {"energy": np.arange(9.0)}, ("energy",), attrs={"scale": "binding"}
    )
    names = ["Ti 2p3/2", "Ti 2p1/2", "Pt 4f", "1: Pt 4f", "1:1 Cu:Ru", "2:1 Cu:Ru"]
    write([one.rename(name) for name in names], path)
    for region, found in {
        "ti2P": names[:2],
        "Ti2p3/2": names[:1],
        "Pt 4f7/2": names[2:4],
        "1: Pt 4f": names[3:4],
        "1:1 Cu:Ru": names[4:5],
    }.items():
        assert [spectrum.name for spectrum in read(path, region=region)] == found
    for region in ("Cu:Ru", "Ti 2s"):
        with pytest.raises(ReadError, match=r'the file holds 0: "Ti 2p3/2" .* 5: "2:1 Cu:Ru"'):
            read(path, region=region)


def test_the_energy_offset_is_added_to_the_energies_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(two_columns(FIRST, 1.0, "E_kin, hv=730 eV\n"))
    (spectrum,) = read(path, energy_offset=3.7)
    np.testing.assert_array_equal(spectrum.energy, FIRST + 3.7)
    assert spectrum.attrs["energy_offset"] == 3.7
    binding = xpsnet.to_binding(spectrum)
    np.testing.assert_array_equal(binding.energy, 730.0 - (FIRST + 3.7))


def test_the_caller_is_right_against_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(two_columns(FIRST, 1.0, "E_kin, hv=730 eV\n"))
    with pytest.warns(UserWarning, match=r"states kinetic energy, .* xpsnet.to_binding converts"):
        (spectrum,) = read(path, scale="binding", photon_energy=1486.6)
    assert spectrum.attrs["scale"] == "binding"
    assert spectrum.attrs["photon_energy"] == 1486.6
    assert spectrum.energy.attrs["long_name"] == "Binding energy"
    np.testing.assert_array_equal(spectrum.energy, FIRST)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"scale": "angle"}, "expected the scale"),
        ({"scale": ["binding"]}, "expected the scale"),
        ({"photon_energy": 0.0}, "photon energy > 0 eV"),
        ({"photon_energy": np.nan}, "photon energy > 0 eV"),
        ({"energy_offset": np.inf}, "finite energy offset"),
    ],
)
def test_keywords_out_of_range_are_refused(tmp_path: Path, keywords, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, **keywords)


@pytest.mark.parametrize("name", ["missing.vms", "missing/file.csv"])
def test_a_path_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    for door in (read, sniff):
        with pytest.raises(ReadError, match="no file of this name; check the path"):
            door(tmp_path / name)


def test_folders_and_lists_without_spectra_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="files, got 0"):
        read(tmp_path)
    with pytest.raises(ReadError, match="at least one file, got none"):
        read([])
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ReadError, match="got a picture"):
        read(tmp_path)
    with pytest.raises(ReadError, match="got a folder"):
        sniff(tmp_path)


def test_a_stack_too_large_for_the_memory_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("xpsnet.io.common.multi_file._MAX_BYTES", 1000)
    for i in range(2):
        (tmp_path / f"{i}.csv").write_text(two_columns(FIRST, 1.0, "BE,c\n"))
    with pytest.raises(ReadError, match="2 scans on 131 different energies"):
        read(tmp_path)


def _files() -> dict[str, str]:
    """One sound file per text format."""
    return {"VAMAS": vamas([Block(counts())]), "text": two_columns(FIRST, 1.0, "KE\n")}


@pytest.mark.parametrize("extension", ["vms", "csv", "nc", "zarr", "png", "VGD", ""])
@pytest.mark.parametrize("format_name", ["VAMAS", "text", "netCDF, HDF5 or zarr"])
def test_the_extension_does_not_matter(tmp_path: Path, format_name: str, extension: str) -> None:
    path = tmp_path / f"file.{extension}"
    if format_name in _files():
        path.write_text(_files()[format_name])
    else:
        write(xpsnet.sample("spectrum"), tmp_path / "a.nc")
        path = (tmp_path / "a.nc").rename(path)
    assert sniff(path) == format_name
    (spectrum,) = read(path)
    assert spectrum.dims == ("energy",)


@pytest.mark.parametrize("name", SEEDS)
def test_no_reader_takes_the_files_of_another(tmp_path: Path, name: str) -> None:
    for seed in SEEDS[name](tmp_path):
        if not seed.is_folder:
            taken = [reader.name for reader in READERS if reader.sniff(seed.data[:4096])]
            # These two come last: they take whatever nobody knows.
            assert taken[0] == name, seed.name
            assert set(taken) <= {name, "no spectra", "text"}, seed.name


def test_a_picture_is_nobody_s() -> None:
    assert [reader.name for reader in READERS if reader.sniff(b"\x89PNG")] == ["no spectra"]


with_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")


@with_pipes
@pytest.mark.parametrize("call", [read, read_one, read_fit, sniff])
@pytest.mark.parametrize("kind", ["a pipe", "a device or terminal"])
def test_nobody_waits_for_a_pipe_or_reads_a_device(tmp_path: Path, call, kind: str) -> None:
    path = tmp_path / "a.vms" if kind == "a pipe" else Path("/dev/zero")
    if kind == "a pipe":
        os.mkfifo(path)
    with pytest.raises(ReadError, match=rf"{path}: expected a file with .*, got {kind}; save what"):
        call(path)


@with_pipes
def test_a_pipe_in_a_folder_is_skipped_and_named(tmp_path: Path) -> None:
    spectrum = xpsnet.sample("spectrum")
    xpsnet.write(spectrum, tmp_path / "a.csv")
    for name in ("b.csv", "c.csv", "d"):
        os.mkfifo(tmp_path / name)
    with pytest.warns(xpsnet.XpsnetWarning, match=r"b.csv and 2 more skipped: a pipe, no file"):
        (found,) = read(tmp_path)
    np.testing.assert_array_equal(found, spectrum)
    with pytest.raises(ReadError, match=r"b.csv: expected a file with spectra, got a pipe"):
        read([tmp_path / "a.csv", tmp_path / "b.csv"])


@with_pipes
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_pipe_anywhere_in_a_zarr_store_is_refused(tmp_path: Path, zarr_format: int) -> None:
    sound, path = tmp_path / "sound", tmp_path / "a.zarr"
    spectra = xpsnet.sample("spectrum").to_dataset(name="C 1s")
    spectra.to_zarr(sound, zarr_format=zarr_format, consolidated=False)
    files = [one.relative_to(sound) for one in sound.rglob("*") if one.is_file()]
    assert len(files) >= 5
    for file in files:
        shutil.copytree(sound, path)
        (path / file).unlink()
        os.mkfifo(path / file)
        if file.name in ("zarr.json", ".zgroup") and len(file.parts) == 1:
            (path / ".zmetadata").write_text("{}")  # by which the folder is known as a store
        with pytest.raises(ReadError, match=rf"{file}: expected a file, got a pipe; save what"):
            read(path)
        shutil.rmtree(path)
