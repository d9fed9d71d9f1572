"""Sound files to damage: small ones of every layout, made by the writers of these tests."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import xarray as xr
import zarr
from kratos_writer import TRANSMISSION, dump, spectrum_object
from mutations import pack
from nexus_writer import nexus
from omicron_writer import REGION, TITLE, layer, scan, table, values
from phi_writer import File, Region, rate
from vamas_writer import Block, counts, vamas

import xpsnet
from xpsnet.spectrum import make_spectrum

ENERGY = np.linspace(280.0, 284.0, 21)


class Seed(NamedTuple):
    """One sound file; a folder (zarr) is the zip archive of its files."""

    name: str
    data: bytes
    is_folder: bool = False
    is_measured: bool = False


def _spectra(shape: tuple[int, ...] = (3,), **attrs: object) -> xr.DataArray:
    values = np.random.default_rng(0).poisson(200.0, (*shape, ENERGY.size)).astype(float)
    given = {"scale": "binding", "name": "C 1s", "photon_energy": 1486.6, **attrs}
    return make_spectrum(values, ENERGY, **given)


def _vamas(folder: Path) -> list[Seed]:
    profile = [
        Block(counts(12, seed=i), species="CO"[i % 2], variables=(10.0 * (i // 2),))
        for i in range(4)
    ]
    more = [("Transmission", "d", np.linspace(1, 2, 12).tolist())]
    one = Block(counts(12), more=more, comment=("Casa Info Follows", "0", "0", "0", "0"))
    return [
        Seed("profile", vamas(profile, mode="SDP", variables=[("Etch Time", "s")]).encode()),
        Seed("irregular", vamas([one, one], scan_mode="IRREGULAR").encode()),
        Seed("map", vamas([one, one], mode="MAP", positions=(2, 2, 1)).encode()),
        Seed("listed", vamas([one, one], listed=2, items=(8, 32)).replace("\n", "\r\n").encode()),
    ]


def _text(folder: Path) -> list[Seed]:
    rows = list(zip(ENERGY, counts(21), counts(21, seed=1), strict=True))
    pair = "".join(f"{e:.2f};{v:.0f}\r\n" for e, v, _ in rows)
    wide = "".join(f"{e:.2f}\t{v}\t{w}\n" for e, v, w in rows)
    comma = wide.replace(".", ",")
    xpsnet.write([_spectra(), _spectra(())], folder / "ours.csv")
    return [
        Seed("pair", f"Region C 1s\r\nBE;counts\r\n{pair}".encode()),
        Seed("wide", f"# hv=180eV\nKinetic Energy\tSweep0\tSweep1\n{wide}\n\n{wide}".encode()),
        Seed("comma", f"Energie [eV]\tcounts/s\tb\n{comma}".encode("utf-16")),
        Seed("ours", (folder / "ours.csv").read_bytes()),
        Seed("bare", pair.encode()),
    ]


def _store(folder: Path) -> list[Seed]:
    xpsnet.write([_spectra((2, 2)), _spectra(())], folder / "ours.nc")
    xpsnet.write(_spectra((2, 2)), folder / "ours.zarr")
    _spectra().to_netcdf(folder / "three.nc", engine="scipy")
    nexus(folder / "entry.nxs", np.ones((3, 21)), {"x": np.arange(3.0), "energy": ENERGY})
    with h5py.File(folder / "plain.h5", "w") as file:
        file["O1s/energy"] = ENERGY
        file["O1s/energy"].attrs["units"] = "eV"
        file.create_dataset("O1s/counts", data=np.ones((4, 21)), chunks=(2, 21), compression=1)
    root = zarr.open_group(folder / "plain.zarr", mode="w", zarr_format=3)
    root.create_array("energy", data=ENERGY)
    root.create_array("counts", data=np.ones((4, 21)))
    files = ("ours.nc", "three.nc", "entry.nxs", "plain.h5")
    return [
        *(Seed(name, (folder / name).read_bytes()) for name in files),
        *(Seed(name, _packed(folder / name), True) for name in ("ours.zarr", "plain.zarr")),
    ]


def _phi(folder: Path) -> list[Seed]:
    areas = {"SpatialAreaDef": ["1 A 1 (1 2 3 45 0)", "2 B 2 (1 2 3 45 0) (3 4 3 45 0)"]}
    layers = {"DepthCalDef": "1 Layer1 1 0.0 0.0 Ar+ 2.00 1.00 2 '1KV2x2' 1.0 150"}
    spectrum = Region("C1s", rate(21), n_sweeps=8)
    old = Region("Cu LMM", rate(21), dtype="u8")
    profile = Region("Sn3d5", rate(21, 3), kind=" AREA", axes=("pnt", "cyc"))
    times = np.array([[-0.0, 30.0, 90.0]])
    return [
        Seed("two", File([spectrum, old], newline="\r\n").data()),
        Seed("old", File([old], source="Mg 1253.6 std", begin="").data()),
        Seed("profile", File([profile], times=times).data()),
        Seed("layers", File([profile], keys=layers).data()),
        Seed("areas", File([spectrum, Region("C1s", rate(21), index=1)], keys=areas).data()),
    ]


def _kratos(folder: Path) -> list[Seed]:
    first, second = spectrum_object(), spectrum_object("C/5", reference_energy="F_XRAY_MG")
    return [
        Seed("dump", dump(first + TRANSMISSION, second).encode()),
        Seed("one", dump(first).replace("\n", "\r\n").encode()),
    ]


def _omicron(folder: Path) -> list[Seed]:
    eis = REGION + values(1) + layer() + table() + layer(2, "False") + table()
    return [
        Seed("eis", (eis + REGION + values(2, "C1s") + layer() + table()).encode()),
        Seed("cut", eis.split("\n", 1)[1].replace("\n", "\r\n").encode()),
        Seed("edc", (TITLE + scan(1) + scan(2)).encode()),
    ]


def _packed(folder: Path) -> bytes:
    """Archive of the files of a folder."""
    files = [one for one in sorted(folder.rglob("*")) if one.is_file()]
    return pack({one.relative_to(folder).as_posix(): one.read_bytes() for one in files})


SEEDS: dict[str, Callable[[Path], list[Seed]]] = {
    "VAMAS": _vamas,
    "PHI MultiPak": _phi,
    "Kratos": _kratos,
    "Omicron EIS or CLAM2": _omicron,
    "netCDF, HDF5 or zarr": _store,
    "text": _text,
}
"""Reader name -> sound files of its format, written with the help of a folder."""
