"""HDF5 behind a block of another program, MATLAB, Igor's scaling; axes that nothing names."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from igor_writer import ibw, packed
from nexus_writer import nexus

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one, sniff
from xpsnet.io.stores import reader
from xpsnet.io.write import write

ENERGY = 295.0 - 0.1 * np.arange(61)
ANGLE = -6.0 + 3.0 * np.arange(5)


def counts(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).poisson(90.0, (*shape, 61)).astype(float)


def matlab(path: Path, arrays: dict[str, np.ndarray], block: int = 512) -> Path:
    """A file as MATLAB saves it: a text in front, every vector with two dimensions."""
    with h5py.File(path, "w", userblock_size=block) as file:
        for name, values in arrays.items():
            file[name] = np.atleast_2d(values)
            kind = "char" if values.dtype.kind == "u" else "double"
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\x02IM")
    return path


@pytest.mark.parametrize("block", [512, 1024, 2048, 4096])
def test_hdf5_behind_a_block_is_read(tmp_path: Path, block: int) -> None:
    text = np.frombuffer(b"sample A", dtype="u1").astype("u2")
    arrays = {"binding_energy": ENERGY, "C1s": counts(), "map": counts(4), "label": text,
              "hv": np.array([1486.6])}  # fmt: skip
    path = matlab(tmp_path / "a.mat", arrays, block)
    assert sniff(path) == reader.NAME
    spectrum, stack = read(path)
    np.testing.assert_array_equal(spectrum, counts())
    assert (spectrum.name, spectrum.dims, spectrum.attrs["scale"]) == (
        "C 1s",
        ("energy",),
        "binding",
    )
    np.testing.assert_array_equal(stack, counts(4))
    assert spectrum.attrs["photon_energy"] == stack.attrs["photon_energy"] == 1486.6


def test_columns_of_matlab_are_vectors_too(tmp_path: Path) -> None:
    path = matlab(tmp_path / "a.mat", {"BE": ENERGY[:, np.newaxis], "y": counts()[:, np.newaxis]})
    np.testing.assert_array_equal(read_one(path), counts())


def test_what_we_write_is_read_behind_a_block(tmp_path: Path) -> None:
    spectra = xr.DataArray(counts(), {"energy": ENERGY}, ("energy",), name="C 1s",
                           attrs={"scale": "binding", "units": "counts"})  # fmt: skip
    write(spectra, tmp_path / "a.nc")
    sound = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "b.nc").write_bytes(bytes(512) + sound)
    found = read_one(tmp_path / "b.nc")
    np.testing.assert_array_equal(found, counts())


def igor_h5(path: Path, values: np.ndarray, scaling, units=None, note: str = "") -> Path:
    with h5py.File(path, "w") as file:
        wave = file.create_dataset("Ag3d", data=values)
        wave.attrs["IGORWaveType"] = 4
        wave.attrs["IGORWaveScaling"] = np.array([(0.0, 0.0), *scaling])
        if units:
            wave.attrs["IGORWaveUnits"] = np.array(units, dtype=h5py.string_dtype())
        if note:
            wave.attrs["IGORWaveNote"] = note
    return path


NOTE = "[SES]\rRegion Name=Ag3d\rEnergy Scale=Binding\rPass Energy=20\r[BCS]\rBL Energy=612\r"


def test_the_scaling_of_a_wave_in_hdf5_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    igor_h5(path, counts(5).T, [(-0.1, 295.0), (3.0, -6.0)], ["cps", "eV", "deg"], NOTE)
    image = read_one(path)
    assert (image.name, image.dims) == ("Ag 3d", ("angle", "energy"))
    np.testing.assert_array_equal(image, counts(5))
    np.testing.assert_allclose(image.energy, ENERGY)
    np.testing.assert_allclose(image.angle, ANGLE)
    expected = {
        "scale": "binding",
        "pass_energy": 20.0,
        "photon_energy": 612.0,
        "units": "counts/s",
    }
    assert {key: image.attrs.get(key) for key in expected} == expected


@pytest.mark.parametrize("kind", ["ibw", "h5"])
@pytest.mark.parametrize("axes", [("energy", "angle"), {"energy": 0, "angle": 1}, {"energy": 0}])
def test_dimensions_of_waves_without_units_are_named(tmp_path: Path, kind: str, axes) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "ibw":
        path.write_bytes(ibw(counts(5).T, scales=[(295.0, -0.1), (-6.0, 3.0)]))
    else:
        igor_h5(path, counts(5).T, [(-0.1, 295.0), (3.0, -6.0)])
    with pytest.raises(ReadError, match=r'axes=\("energy", "angle"\)'):
        read(path)
    image = read_one(path, axes=axes, scale="binding")
    assert image.dims[-1] == "energy"
    assert ("angle" in image.dims) == ("angle" in axes)
    np.testing.assert_array_equal(image, counts(5))
    np.testing.assert_allclose(image.energy, ENERGY)


def plain(path: Path, groups: str = "") -> Path:
    with h5py.File(path, "w") as file:
        file[f"{groups}counts"] = counts(5)
        file[f"{groups}axis_0"] = ANGLE
        file[f"{groups}axis_1"] = ENERGY
        file[f"{groups}axis_1"].attrs["units"] = "arb"
        file["hv"] = 612.0
    return path


@pytest.mark.parametrize("groups", ["", "scan_1/"])
@pytest.mark.parametrize("full", [True, False])
def test_arrays_that_nothing_names_are_axes_on_demand(tmp_path: Path, groups: str, full) -> None:
    path = plain(tmp_path / "a.h5", groups)
    with pytest.raises(ReadError, match=r'axes=\{"energy": "name"\}'):
        read(path)
    prefix = f"/{groups}" if full else ""
    axes = {"energy": f"{prefix}axis_1", "angle": f"{prefix}axis_0"}
    with pytest.warns(UserWarning, match="states the units 'arb'"):
        image = read_one(path, axes=axes, scale="kinetic")
    assert image.dims == ("angle", "energy")
    np.testing.assert_array_equal(image, counts(5))
    np.testing.assert_array_equal(image.angle, ANGLE)
    assert image.attrs["photon_energy"] == 612.0


def test_the_order_of_the_names_decides_where_lengths_are_equal(tmp_path: Path) -> None:
    square = np.random.default_rng(1).poisson(50.0, (61, 61)).astype(float)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["y"], file["a"], file["b"] = square, np.arange(61.0), ENERGY
    first = read_one(tmp_path / "a.h5", axes={"angle": "a", "energy": "b"}, scale="binding")
    np.testing.assert_array_equal(first, square)
    second = read_one(tmp_path / "a.h5", axes={"energy": "b", "angle": "a"}, scale="binding")
    np.testing.assert_array_equal(second, square.T)


@pytest.mark.parametrize("kind", ["netCDF 3", "netCDF 4", "zarr"])
def test_dimensions_of_stores_are_named(tmp_path: Path, kind: str) -> None:
    data = xr.Dataset({"c": (("p", "q"), counts(5))}, {"p": ANGLE, "q": ENERGY})
    path = tmp_path / "a"
    if kind == "zarr":
        data.to_zarr(path, zarr_format=2, consolidated=False)
    else:
        data.to_netcdf(path, engine="scipy" if kind.endswith("3") else "h5netcdf")
    image = read_one(path, axes={"energy": "q", "angle": "p"}, scale="binding")
    assert image.dims == ("angle", "energy")
    np.testing.assert_array_equal(image, counts(5))


@pytest.mark.parametrize("axes", [("angle", "energy"), {"angle": 0, "energy": 1}])
def test_the_order_is_enough_where_lengths_tell_the_arrays_apart(tmp_path: Path, axes) -> None:
    path = plain(tmp_path / "a.h5", "scan_1/")
    with pytest.warns(UserWarning, match="states the units 'arb'"):
        image = read_one(path, axes=axes, scale="kinetic")
    np.testing.assert_array_equal(image, counts(5))
    np.testing.assert_array_equal(image.angle, ANGLE)
    with h5py.File(path, "r+") as file:
        file["scan_1/other"] = ENERGY
    with pytest.raises(ReadError, match="beside it one of its energies"):
        read(path, axes=axes)


def test_waves_of_igor_are_named_as_axes(tmp_path: Path) -> None:
    waves = [ibw(counts(5).T, name="img"), ibw(ENERGY, name="w_x"), ibw(ANGLE, name="w_y")]
    path = tmp_path / "a.pxt"
    path.write_bytes(packed(waves))
    image = read_one(path, axes={"energy": "w_x", "angle": "w_y"}, scale="binding")
    np.testing.assert_array_equal(image, counts(5))
    np.testing.assert_allclose(image.energy, ENERGY)
    np.testing.assert_allclose(image.angle, ANGLE)


def test_axes_of_nexus_are_named(tmp_path: Path) -> None:
    nexus(tmp_path / "a.nxs", counts(5), {"y": ANGLE, "x": ENERGY})
    with pytest.raises(ReadError, match=r'axes=\{"energy": "name"\}'):
        read(tmp_path / "a.nxs")
    image = read_one(tmp_path / "a.nxs", axes={"energy": "x", "angle": "y"}, scale="binding")
    np.testing.assert_array_equal(image, counts(5))


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"energy": "nowhere"}, "an array with the axes 'nowhere'"),
        ({"energy": "axis_0", "angle": "axis_1"}, "expected energies|with the axes"),
        ({"energy": 7}, "beside it one of its energies"),
    ],
)
def test_axes_that_do_not_fit_are_refused(tmp_path: Path, axes, message: str) -> None:
    path = plain(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["axis_0"][...] = 1.0
    with pytest.raises(ReadError, match=message):
        read(path, axes=axes)


@pytest.mark.parametrize(
    "axes",
    ["energy", (), ("a", "b"), ("energy", "energy"), {"energy": -1}, {"energy": True}, {"a": "b"},
     {"energy": "x", "angle": "x"}, {1: "x", "energy": "y"}, 7],
)  # fmt: skip
def test_axes_that_are_none_are_refused(tmp_path: Path, axes) -> None:
    with pytest.raises(ValueError, match='axes=\\("angle", "energy"\\)'):
        read(plain(tmp_path / "a.h5"), axes=axes)


def test_other_formats_take_no_axes(save) -> None:
    with pytest.raises(ReadError, match=r"a format that takes axes=.*got text"):
        read(save("1 2\n2 3\n3 4\n4 5\n5 6\n", "a.txt"), axes=("energy",))


@pytest.mark.parametrize("where", ["attribute", "coordinate", "variable", "dataset", "text"])
def test_settings_beside_the_counts_are_found(tmp_path: Path, where: str) -> None:
    array = xr.DataArray(counts(), {"energy": ENERGY}, ("energy",))
    data = xr.Dataset({"C 1s": array}, attrs={"scale": "kinetic"})
    if where == "attribute":
        data["C 1s"].attrs["hv"] = 612.0
    elif where == "coordinate":
        data = data.assign_coords(hv=((), 0.612, {"units": "keV"}))
    elif where == "variable":
        data["Photon Energy"] = ((), 612.0, {"units": "eV"})
    elif where == "dataset":
        data.attrs["BL Energy"] = 612.0
    else:
        data.attrs["excitation_energy"] = "612 eV"
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    spectrum = read_one(tmp_path / "a.nc", "C 1s")
    assert spectrum.attrs["photon_energy"] == pytest.approx(612.0)
    assert spectrum.attrs["scale"] == "kinetic"
