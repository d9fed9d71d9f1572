"""NeXus as its definitions say it, and HDF5 and zarr of programs that name no dimensions."""

import zlib
from pathlib import Path

import h5py
import numcodecs
import numpy as np
import pytest
import zarr
import zarr.codecs
from nexus_writer import ENERGY, nexus

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read
from xpsnet.io.stores import chunk_limits, tree

COUNTS = np.random.default_rng(0).poisson(100.0, (3, 51)).astype(float)


def plain(path: Path, arrays: dict[str, np.ndarray], units: dict[str, str] | None = None) -> Path:
    """HDF5 as any program writes it."""
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
        for name, text in (units or {}).items():
            file[name].attrs["units"] = text
    return path


def test_an_entry_gives_its_signal_with_what_it_states(tmp_path: Path) -> None:
    path = nexus(tmp_path / "a.nxs", COUNTS, {"x": np.arange(3.0), "energy": ENERGY},
                 units={"x": "mm"})  # fmt: skip
    (stack,) = read(path)
    assert (stack.name, stack.dims) == ("Si 2p", ("x", "energy"))
    np.testing.assert_array_equal(stack, COUNTS)
    np.testing.assert_array_equal(stack.energy, ENERGY)
    assert stack.x.attrs["units"] == "mm"
    assert stack.attrs == {
        "scale": "kinetic", "units": "counts", "photon_energy": 1486.6, "pass_energy": 20.0,
        "title": "Si 2p after annealing", "sample": "wafer 7", "instrument": "spectrometer",
        "region_original": "Si 2p after annealing", "source_file": "a.nxs",
    }  # fmt: skip


def test_every_entry_is_a_region(tmp_path: Path) -> None:
    path = nexus(tmp_path / "a.nxs", COUNTS[0], {"energy": ENERGY}, entry="Si2p__wafer")
    nexus(path, COUNTS[1], {"energy": ENERGY}, entry="second", mode="a", energy_type="binding")
    first, second = read(path)
    assert (first.attrs["scale"], second.attrs["scale"]) == ("kinetic", "binding")
    np.testing.assert_array_equal(second, COUNTS[1])


@pytest.mark.parametrize("units", ["degree", "K", "counts"])
def test_units_that_lie_are_passed_over_with_a_warning(tmp_path: Path, units: str) -> None:
    path = nexus(tmp_path / "a.nxs", COUNTS[0], {"energy": ENERGY}, units={"energy": units})
    with pytest.warns(UserWarning, match=f"states the units '{units}', but is taken for energies"):
        (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum.energy, ENERGY)


def test_units_of_counts_that_lie_are_passed_over_with_a_warning(tmp_path: Path) -> None:
    path = nexus(tmp_path / "a.nxs", COUNTS[0], {"energy": ENERGY}, units={"data": "degree"})
    with pytest.warns(UserWarning, match="states the units 'degree', but is taken for counts"):
        assert read(path)[0].attrs["units"] == "counts"


def test_energies_in_kilo_electron_volts_are_converted(tmp_path: Path) -> None:
    path = nexus(tmp_path / "a.nxs", COUNTS[0], {"energy": ENERGY / 1000}, units={"energy": "keV"})
    np.testing.assert_allclose(read(path)[0].energy, ENERGY, rtol=1e-12)


def test_the_energy_axis_of_a_map_is_found_in_any_place(tmp_path: Path) -> None:
    counts = np.random.default_rng(1).poisson(9.0, (51, 4, 5)).astype(np.int32)
    axes = {"energy": ENERGY, "y": np.arange(4.0), "x": np.arange(5.0)}
    (stack,) = read(nexus(tmp_path / "a.nxs", counts, axes))
    assert stack.dims == ("y", "x", "energy")
    np.testing.assert_array_equal(stack, np.moveaxis(counts, 0, -1))


def test_two_axes_that_could_be_energy_are_refused(tmp_path: Path) -> None:
    counts = np.ones((51, 51))
    axes = {"binding_energy": ENERGY, "kinetic_energy": ENERGY + 1}
    with pytest.raises(ReadError, match=r"one axis that .* got the axes binding_energy \[eV\]"):
        read(nexus(tmp_path / "a.nxs", counts, axes))


def test_older_nexus_and_soft_links_within_the_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        file.create_group("run").attrs["NX_class"] = "NXentry"
        data = file.create_group("run/plot")
        data.attrs["NX_class"] = "NXdata"
        file["run/raw/counts"], file["run/raw/be"] = COUNTS, ENERGY
        data["signal"] = h5py.SoftLink("/run/raw/counts")
        data["energy"] = h5py.SoftLink("../raw/be")
        data.attrs["signal"], data.attrs["axes"] = "signal", "scan:energy"
    with pytest.raises(ReadError, match="one axis that holds rising"):
        read(tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs", "a") as file:
        del file["run/plot/energy"]
        file["run/plot/energy"] = h5py.SoftLink("/run/raw/be")
    (stack,) = read(tmp_path / "a.nxs")
    assert (stack.dims, stack.attrs["scale"]) == (("scan", "energy"), "binding")


def test_links_out_of_a_nexus_file_are_not_followed(tmp_path: Path) -> None:
    path = nexus(tmp_path / "a.nxs", COUNTS[0], {"energy": ENERGY})
    with h5py.File(path, "a") as file:
        file["entry/instrument/raw"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.warns(UserWarning, match=r"leads to '/etc/passwd', not followed"):
        assert len(read(path)) == 1
    with h5py.File(path, "a") as file:
        del file["entry/data/data"]
        file["entry/data/data"] = h5py.ExternalLink("other.nxs", "/counts")
    with pytest.raises(ReadError, match=r"a signal of real numbers, got .*'other.nxs'"):
        read(path)


def test_groups_that_hold_themselves_end(tmp_path: Path) -> None:
    path = nexus(tmp_path / "a.nxs", COUNTS[0], {"energy": ENERGY})
    with h5py.File(path, "a") as file:
        for name in ("self", "again", "third"):
            file[f"entry/{name}"] = file["entry"]
    assert len(read(path)) == 1


@pytest.mark.parametrize(
    ("name", "scale"),
    [("binding_energy", "binding"), ("BE", "binding"), ("Kinetic Energy (eV)", "kinetic"),
     ("E_kin", "kinetic"), ("KE_axis", "kinetic"), ("B.E.", "binding")],
)  # fmt: skip
def test_the_energy_axis_goes_by_many_names(tmp_path: Path, name: str, scale: str) -> None:
    path = plain(tmp_path / "a.h5", {f"O1s/{name}": ENERGY, "O1s/counts": COUNTS})
    (stack,) = read(path)
    assert (stack.name, stack.dims, stack.attrs["scale"]) == ("O 1s", ("dim_0", "energy"), scale)
    np.testing.assert_array_equal(stack, COUNTS)


def test_the_energy_axis_is_found_by_its_units(tmp_path: Path) -> None:
    arrays = {"axis": ENERGY, "C1s": COUNTS, "N1s": COUNTS.T, "photon_energy": np.array(640.0)}
    with pytest.warns(UserWarning, match="binding energy is assumed"):
        carbon, nitrogen = read(plain(tmp_path / "a.h5", arrays, {"axis": "eV"}))
    assert (carbon.name, nitrogen.name) == ("C 1s", "N 1s")
    assert carbon.attrs["photon_energy"] == 640.0
    np.testing.assert_array_equal(carbon, nitrogen)


def test_binding_energies_are_taken_where_both_scales_are_stored(tmp_path: Path) -> None:
    arrays = {"BE": 1486.6 - ENERGY, "KE": ENERGY, "counts": COUNTS}
    (stack,) = read(plain(tmp_path / "a.h5", arrays))
    assert stack.attrs["scale"] == "binding"
    np.testing.assert_array_equal(stack.energy, 1486.6 - ENERGY)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"energy": ENERGY, "e": ENERGY + 9, "counts": COUNTS}, r"one energy axis.*/e \(51,\)"),
        ({"energy": ENERGY, "counts": np.ones((51, 51))}, r"shape \(51, 51\) with /energy"),
        ({"a": ENERGY, "b": COUNTS}, r"known by its name or units .* got /a \(51,\), /b \(3, 51\)"),
        ({"energy": np.ones(51), "b": COUNTS}, "known by its name or units"),
        ({"energy": ENERGY * 1e9, "b": COUNTS}, "known by its name or units"),
    ],
    ids=["two axes", "two dimensions", "no axis", "constant", "absurd"],
)
def test_what_could_mean_several_things_is_refused(tmp_path: Path, arrays, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(plain(tmp_path / "a.h5", arrays))


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_without_names_of_dimensions(tmp_path: Path, version: int) -> None:
    root = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=version)
    for name, values in {"C1s/energy": ENERGY, "C1s/counts": COUNTS}.items():
        root.create_array(name, data=values)
    root["C1s"].attrs["hv"] = 1486.6
    with pytest.warns(UserWarning, match="binding energy is assumed"):
        (stack,) = read(tmp_path / "a.zarr")
    assert (stack.name, stack.attrs["photon_energy"]) == ("C 1s", 1486.6)
    np.testing.assert_array_equal(stack, COUNTS)


def test_large_arrays_stay_on_disk(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tree, "LAZY_BYTES", 1000)
    axes = {"scan": np.arange(3.0), "energy": ENERGY}
    (entry,) = read(nexus(tmp_path / "a.nxs", COUNTS, axes))
    (stack,) = read(plain(tmp_path / "a.h5", {"BE": ENERGY, "counts": COUNTS}))
    for lazy in (entry, stack):
        assert lazy.chunks is not None
        np.testing.assert_array_equal(lazy.isel(energy=slice(5, 9)), COUNTS[:, 5:9])


def test_chunks_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["energy"] = ENERGY
        file.create_dataset(
            "counts", (1, 51), "f8", chunks=(2_000_000, 51), maxshape=(None, 51), compression=1
        )
    with pytest.raises(ReadError, match="chunks of at most 256 MiB, got 778 MiB"):
        read(tmp_path / "a.h5")


def test_chunks_that_unpack_to_more_than_they_say_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(chunk_limits, "MAX_CHUNK", 1 << 20)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["energy"] = ENERGY
        counts = file.create_dataset("counts", (1, 51), "f8", chunks=(1, 51), compression=1)
        counts.id.write_direct_chunk((0, 0), zlib.compress(bytes(4 << 20)))
    with pytest.raises(ReadError, match="chunks that unpack to 1432 bytes, got more"):
        read(tmp_path / "a.h5")


def zarr_store(path: Path, compressor, version: int = 2) -> Path:
    """Store whose counts are packed in one way."""
    root = zarr.open_group(path, mode="w", zarr_format=version)
    root.create_array("BE", data=ENERGY)
    root.create_array("C1s", data=COUNTS, compressors=compressor)
    return path


PACKED = {
    "blosc": (2, numcodecs.Blosc(), None),
    "zlib": (2, numcodecs.Zlib(), None),
    "gzip": (2, numcodecs.GZip(), None),
    "bz2": (2, numcodecs.BZ2(), None),
    "lz4": (2, numcodecs.LZ4(), None),
    "zstd": (2, numcodecs.Zstd(), None),
    "zstd of zarr 3": (3, zarr.codecs.ZstdCodec(), numcodecs.Zstd()),
    "gzip of zarr 3": (3, zarr.codecs.GzipCodec(), numcodecs.GZip()),
    "blosc of zarr 3": (3, zarr.codecs.BloscCodec(), numcodecs.Blosc()),
    "nothing": (2, None, None),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_chunks_are_read(tmp_path: Path, name: str) -> None:
    version, compressor, _ = PACKED[name]
    (stack,) = read(zarr_store(tmp_path / "a.zarr", compressor, version))
    np.testing.assert_array_equal(stack, COUNTS)


@pytest.mark.parametrize("name", [name for name in PACKED if name != "nothing"])
def test_packed_chunks_of_other_sizes_are_refused(tmp_path: Path, name: str, monkeypatch) -> None:
    monkeypatch.setattr(chunk_limits, "_SMALL", 1 << 20)
    version, compressor, codec = PACKED[name]
    path = zarr_store(tmp_path / "a.zarr", compressor, version)
    (chunk,) = (
        one for one in (path / "C1s").rglob("*") if one.is_file() and one.name in ("0", "0.0")
    )
    chunk.write_bytes(bytes((codec or compressor).encode(np.zeros(4 << 20, "i1"))))
    with pytest.raises(ReadError, match=r"/C1s: expected chunks that unpack to 2248 bytes"):
        read(path)


def test_arrays_in_too_many_chunks_are_refused(tmp_path: Path) -> None:
    root = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    root.create_array("BE", shape=(1_000_000,), chunks=(1,), dtype="f8")
    with pytest.raises(ReadError, match="an array of at most 20000 chunks, got 1000000"):
        read(tmp_path / "a.zarr")


def test_a_thousand_spectra_are_the_limit(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["BE"] = ENERGY
        for i in range(1001):
            file[f"scan_{i}"] = ENERGY
    with pytest.raises(ReadError, match="at most 1000 spectra, got more"):
        read(tmp_path / "a.h5")


def test_groups_of_too_many_named_arrays_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["energy"] = ENERGY
        file["energy"].make_scale("energy")
        for i in range(501):
            file[f"scan_{i}"] = ENERGY
        file["scan_0"].dims[0].attach_scale(file["energy"])
    with pytest.raises(ReadError, match="group /: expected at most 500 arrays, got 502"):
        read(tmp_path / "a.nc")


def test_lists_of_any_length_are_not_read(tmp_path: Path) -> None:
    lists = np.empty(1, dtype=object)
    lists[0] = np.arange(3)
    with h5py.File(plain(tmp_path / "a.h5", {"BE": ENERGY, "C1s": COUNTS}), "a") as file:
        file.attrs.create("odd", lists, dtype=h5py.vlen_dtype(np.int64))
    assert read(tmp_path / "a.h5")[0].shape == COUNTS.shape
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["BE"].make_scale("BE")
        file["C1s"].dims[1].attach_scale(file["BE"])
    with pytest.raises(ReadError, match="attribute 'odd': expected numbers or texts"):
        read(tmp_path / "a.h5")
