"""netCDF, HDF5 and zarr of any xarray user; lazy where large; nothing leads out of the file."""

import gc
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one
from xpsnet.io.read_fit import read_fit
from xpsnet.io.stores import attributes, reader
from xpsnet.io.write import write

ENERGY = np.linspace(280.0, 290.0, 51)


def spectra(dim: str = "energy", n: int = 4, **attrs: object) -> xr.DataArray:
    """A line scan."""
    y = np.random.default_rng(0).poisson(100.0, (n, 51)).astype(float)
    coords = {dim: (dim, ENERGY), "position": np.arange(n) * 0.5}
    return xr.DataArray(y, coords, ("position", dim), attrs=attrs)


def save_as(data: xr.DataArray | xr.Dataset, path: Path, kind: str) -> Path:
    """Write as a user of xarray does."""
    if kind == "netCDF 3":
        data.to_netcdf(path, engine="scipy")
    elif kind == "netCDF 4":
        data.to_netcdf(path, engine="h5netcdf")
    else:
        data.to_zarr(path, zarr_format=int(kind[-1]), consolidated=False)
    return path


KINDS = ["netCDF 3", "netCDF 4", "zarr 2", "zarr 3"]


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_any_xarray_user_are_read(tmp_path: Path, kind: str) -> None:
    array = spectra(scale="kinetic", photon_energy=730.0)
    path = save_as(array.to_dataset(name="O 1s"), tmp_path / "file", kind)
    (stack,) = read(path)
    assert (stack.name, stack.dims) == ("O 1s", ("position", "energy"))
    np.testing.assert_array_equal(stack, array)
    assert stack.attrs == {
        "scale": "kinetic", "photon_energy": 730.0, "source_file": "file", "units": "counts"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dim", "scale"), [("binding_energy", "binding"), ("KE", "kinetic"), ("energies", "kinetic")]
)
def test_the_energy_dimension_goes_by_many_names(tmp_path: Path, dim: str, scale: str) -> None:
    path = save_as(spectra(dim).rename("C 1s"), tmp_path / "a.nc", "netCDF 4")
    told = {} if dim != "energies" else {"scale": "kinetic"}
    (stack,) = read(path, **told)
    assert stack.dims[-1] == "energy"
    assert stack.attrs["scale"] == scale


def test_energies_below_the_fermi_level_become_binding_energies(tmp_path: Path) -> None:
    array = spectra("eV").assign_coords(eV=-ENERGY)
    path = save_as(array.rename("counts"), tmp_path / "a.nc", "netCDF 4")
    with pytest.warns(UserWarning, match="their negative is taken for the binding energy"):
        (stack,) = read(path)
    np.testing.assert_array_equal(stack.energy, ENERGY)
    assert stack.name == "a"


def test_a_scale_that_is_not_stated_is_assumed_with_a_warning(tmp_path: Path) -> None:
    path = save_as(spectra().rename("C 1s"), tmp_path / "a.nc", "netCDF 4")
    with pytest.warns(UserWarning, match="binding energy is assumed"):
        assert read(path)[0].attrs["scale"] == "binding"


def test_all_arrays_with_energies_in_all_groups_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    array = spectra(scale="binding")
    xr.Dataset({"O 1s": array, "pressure": ("position", np.ones(4))}).to_netcdf(
        path, engine="h5netcdf"
    )
    xr.Dataset({"C 1s": array * 2}).to_netcdf(path, engine="h5netcdf", mode="a", group="sub/deep")
    oxygen, carbon = read(path)
    assert (oxygen.name, carbon.name) == ("O 1s", "C 1s")
    np.testing.assert_array_equal(carbon, array * 2)


@pytest.mark.parametrize("kind", ["nc", "zarr"])
def test_large_arrays_stay_on_disk(tmp_path: Path, monkeypatch, kind: str) -> None:
    array = spectra(n=200, scale="binding").rename("C 1s")
    write(array, tmp_path / f"a.{kind}")
    assert read_one(tmp_path / f"a.{kind}", region="C 1s").chunks is None
    monkeypatch.setattr(reader, "LAZY_BYTES", 1000)
    lazy = read_one(tmp_path / f"a.{kind}", region="C 1s", energy_offset=0.5)
    assert lazy.chunks is not None
    assert lazy.chunks[1] == (51,)
    np.testing.assert_array_equal(lazy, array)
    write(lazy, tmp_path / f"copy.{kind}")
    np.testing.assert_array_equal(read_one(tmp_path / f"copy.{kind}", region=0), array)


def test_external_links_are_not_followed(tmp_path: Path) -> None:
    write(spectra(scale="binding").rename("C 1s"), tmp_path / "data.nc")
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["sub/counts"] = h5py.ExternalLink(str(tmp_path / "data.nc"), "counts")
    with pytest.raises(ReadError, match=r"/sub/counts: expected data within .* is not followed"):
        read(tmp_path / "a.nc")


def test_data_outside_of_the_file_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(800))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("c", (100,), "f8", external=[(str(tmp_path / "secret"), 0, 800)])
    with pytest.raises(ReadError, match="data outside of the file"):
        read(tmp_path / "a.h5")
    layout = h5py.VirtualLayout((100,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "c", (100,))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_virtual_dataset("c", layout)
    with pytest.raises(ReadError, match="data outside of the file"):
        read(tmp_path / "b.h5")


def test_absurd_sizes_take_no_memory(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("energy", (10**12,), "f8", chunks=(1000,))
    with pytest.raises(ReadError, match="/energy: expected axes of at most 20000000 points"):
        read(tmp_path / "a.h5")
    huge = xr.DataArray(np.zeros((2, 51)), {"energy": ENERGY}, ("y", "energy"), name="C 1s")
    path = save_as(huge, tmp_path / "a.zarr", "zarr 2")
    text = (path / "energy" / ".zarray").read_text()
    (path / "energy" / ".zarray").write_text(text.replace("51", "510000000000"))
    with pytest.raises(ReadError, match="expected axes of at most 20000000 points"):
        read(path)


def test_a_deep_nest_of_groups_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("a/" * 30)
    with pytest.raises(ReadError, match="more than 20 levels"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"a": ("y", np.ones(3))}, 'expected a dimension "energy"'),
        ({"energy": ("energy", ENERGY)}, "no arrays"),
        ({"a": ("energy", np.ones(51))}, "expected a coordinate with the energies"),
        ({"a": ("energy", np.ones(1)), "energy": ("energy", [1.0])}, "at least 2 energies"),
        ({"a": ("energy", ["x"] * 51), "energy": ("energy", ENERGY)}, "counts as real numbers"),
    ],
)
def test_stores_without_spectra_are_refused(tmp_path: Path, variables, message: str) -> None:
    data = xr.Dataset(variables)
    path = save_as(data, tmp_path / "a.nc", "netCDF 4")
    with pytest.raises(ReadError, match=message):
        read(path)


@pytest.mark.parametrize("kind", ["nc", "zarr"])
def test_damaged_stores_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    write(spectra(scale="binding").rename("C 1s"), path)
    if kind == "nc":
        path.write_bytes(path.read_bytes()[:700])
    else:
        (path / "energy" / ".zarray").write_text("{")
    with pytest.raises(ReadError, match=r"that can be opened, got .*; it may be damaged"):
        read(path)


@pytest.mark.parametrize("kind", ["zarr 2", "zarr 3"])
def test_several_damaged_arrays_print_nothing(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = {"zarr 2": ".zarray", "zarr 3": "zarr.json"}[kind]
    path = save_as(spectra(scale="binding").rename("C 1s"), tmp_path / "a.zarr", kind)
    for file in path.glob(f"*/{name}"):
        file.write_text("{")
    with pytest.raises(ReadError, match="zarr store"):
        read(path)
    gc.collect()  # a task that nobody asked for its exception tells it when it goes
    assert not caplog.records


def test_a_link_in_a_zarr_store_is_not_followed(tmp_path: Path) -> None:
    inside = save_as(spectra(scale="binding").rename("C 1s"), tmp_path / "a.zarr", "zarr 3")
    outside = save_as(spectra(scale="binding").rename("O 1s"), tmp_path / "b.zarr", "zarr 3")
    (inside / "other").symlink_to(outside, target_is_directory=True)
    with pytest.raises(ReadError, match=r"b\.zarr.*not followed"):
        read(inside)


def test_without_zarr_a_store_is_refused_with_the_extra_to_install(
    tmp_path: Path, monkeypatch
) -> None:
    write(spectra(scale="binding").rename("C 1s"), tmp_path / "a.zarr")
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(ReadError, match=r"pip install napari-xpsnet\[zarr\]"):
        read(tmp_path / "a.zarr")
    with pytest.raises(ValueError, match=r"pip install napari-xpsnet\[zarr\]"):
        write(spectra(scale="binding"), tmp_path / "b.zarr")


def test_peaks_are_asked_for_by_name(tmp_path: Path) -> None:
    write(spectra(scale="binding").rename("C 1s"), tmp_path / "a.nc")
    with pytest.raises(ReadError, match=r"expected peaks that xpsnet\.write has stored, got none"):
        read_fit(tmp_path / "a.nc")
    with pytest.raises(ReadError, match="no file of this name"):
        read_fit(tmp_path / "b.nc")
    (tmp_path / "c.nc").write_text("text")
    with pytest.raises(ReadError, match=r"that can hold a fit .*netCDF"):
        read_fit(tmp_path / "c.nc")


def test_a_zarr_store_in_a_folder_is_read_with_its_files(tmp_path: Path) -> None:
    one = spectra(scale="binding").rename("C 1s")[0].drop_vars("position")
    write(one, tmp_path / "a.zarr")
    write(one + 1, tmp_path / "b.nc")
    (tmp_path / "empty").mkdir()
    (stack,) = read(tmp_path)
    assert stack.file.values.tolist() == ["a.zarr", "b.nc"]
    shutil.rmtree(tmp_path / "a.zarr")
    assert attributes.is_zarr(tmp_path / "a.zarr") is False


def regions(n: int) -> list[xr.DataArray]:
    """Single spectra, each of a region of its own."""
    return [spectra(n=1, scale="binding", units="counts")[0].rename(f"r{i}") for i in range(n)]


@pytest.mark.parametrize("suffix", ["nc", "nxs", "zarr"])
def test_the_work_of_reading_grows_with_the_number_of_regions(
    tmp_path: Path, n_calls: Callable[[Callable[[], object]], int], suffix: str
) -> None:
    paths = [tmp_path / f"{n}.{suffix}" for n in (10, 20, 40)]
    for n, path in zip((10, 20, 40), paths, strict=True):
        write(regions(n), path)
        assert len(read(path)) == n
    few, more, many = (n_calls(lambda path=path: read(path)) for path in paths)
    # Twenty regions more cost twice what ten more do; in a quadratic reader four times.
    assert many - more < 2.5 * (more - few)


def test_groups_of_nexus_of_others_are_looked_through_once(
    tmp_path: Path, n_calls: Callable[[Callable[[], object]], int]
) -> None:
    paths = [tmp_path / f"{n}.nxs" for n in (10, 20, 40)]
    for n, path in zip((10, 20, 40), paths, strict=True):
        with h5py.File(path, "w") as file:
            for i in range(n):
                file.create_group(f"entry{i}").attrs["NX_class"] = "NXentry"
                for name in ("data", "monitor"):
                    group = file.create_group(f"entry{i}/{name}")
                    group.attrs["NX_class"] = "NXdata" if name == "data" else "NXmonitor"
                    group["energy"], group["counts"] = ENERGY, np.ones(51)
                file[f"entry{i}/data"].attrs.update({"signal": "counts", "axes": ["energy"]})
                # What lies above all entries is looked for from each of them.
                file.attrs.update({f"setting {i} {k}": 1.0 for k in range(20)})
            file.attrs["pass_energy"] = 20.0
        assert [s.attrs["pass_energy"] for s in read(path, scale="binding")] == [20.0] * n
    few, more, many = (n_calls(lambda path=path: read(path, scale="binding")) for path in paths)
    assert many - more < 2.5 * (more - few)


def test_a_lazy_group_among_many_is_read_after_the_file_was_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "LAZY_BYTES", 10_000)
    path = tmp_path / "a.nc"
    large = spectra(n=100, scale="binding", units="counts").rename("large")
    write([*regions(3), large], path)
    found = read_one(path, region="large")
    assert found.chunks is not None
    np.testing.assert_array_equal(found.compute(), large)
