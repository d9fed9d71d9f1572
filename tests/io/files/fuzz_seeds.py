"""Sound files to damage: small ones of every layout, made by the writers of these tests."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import casa_comments as casa
import excel_writer as excel
import h5py
import igor_writer as igor
import kratos_writer as kratos
import multipak_writer as multipak
import numpy as np
import omicron_writer as omicron
import phi_writer as phi
import scienta_writer as scienta
import thermo_writer as thermo
import xarray as xr
import zarr
from mutations import pack
from nexus_writer import nexus
from vamas_writer import Block, counts, vamas

import xpsnet
from xpsnet.data.peaks import make_peaks
from xpsnet.data.spectrum import make_spectrum

ENERGY = np.linspace(280.0, 284.0, 21)


QUANTIFIED = [
    ["Name", "Position", "FWHM", "Area", "At%"],
    ["", "eV", "eV", "", ""],
    ["C1s Scan A", 284.8, 1.2, 6000.0, 80.0],
    ["C1s Scan B", 288.6, 1.5, 1900.0, 20.0],
]


class Seed(NamedTuple):
    """One sound file; a folder (zarr) is the zip archive of its files."""

    name: str
    data: bytes
    is_folder: bool = False
    is_measured: bool = False
    holds_peaks: bool = False


def _spectra(shape: tuple[int, ...] = (3,), **attrs: object) -> xr.DataArray:
    values = np.random.default_rng(0).poisson(200.0, (*shape, ENERGY.size)).astype(float)
    given = {"scale": "binding", "name": "C 1s", "photon_energy": 1486.6, **attrs}
    return make_spectrum(values, ENERGY, **given)


def _peaks() -> xr.Dataset:
    """Peaks of two spectra, one of them with a single peak."""
    shape = {"line_shape": "gaussian", "background": "none", "background_parameters": {}}
    numbers = {"center": [[281.0, 283.0], [282.0, np.nan]], "fwhm": np.ones((2, 2)),
               "height": np.full((2, 2), 100.0)}  # fmt: skip
    coords = {"x": [0.0, 1.0]}
    return make_peaks(
        ENERGY, ["x"], coords, scale="binding", parameters=numbers, status=np.zeros(2), **shape
    )


def _vamas(folder: Path) -> list[Seed]:
    profile = [
        Block(counts(12, seed=i), species="CO"[i % 2], variables=(10.0 * (i // 2),))
        for i in range(4)
    ]
    more = [("Transmission", "d", np.linspace(1, 2, 12).tolist())]
    one = Block(counts(12), more=more, comment=("Casa Info Follows", "0", "0", "0", "0"))
    parts = (casa.Component("oxide", "GL(30)", 1200.0, 1.2, 950.5),
             casa.Component("odd", "LF(0.5,1,80,100,6)", 400.0, 1.5, 950.2))  # fmt: skip
    shift = ("Calib M = 284.5 A = 284.8 BE ADD",)
    fitted = Block(counts(12), comment=casa.comment([casa.Region(950.1, 951.0, parts)], shift))
    return [
        Seed("fitted", vamas([fitted, one]).encode()),
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
    xpsnet.write(_peaks(), folder / "peaks.csv")
    return [
        Seed("pair", f"Region C 1s\r\nBE;counts\r\n{pair}".encode()),
        Seed("wide", f"# hv=180eV\nKinetic Energy\tSweep0\tSweep1\n{wide}\n\n{wide}".encode()),
        Seed("comma", f"Energie [eV]\tcounts/s\tb\n{comma}".encode("utf-16")),
        Seed("ours", (folder / "ours.csv").read_bytes()),
        Seed("peaks", (folder / "peaks.csv").read_bytes(), holds_peaks=True),
        Seed("bare", pair.encode()),
    ]


def _store(folder: Path) -> list[Seed]:
    xpsnet.write([_spectra((2, 2)), _spectra(())], folder / "ours.nc")
    xpsnet.write(_peaks(), folder / "peaks.nc")
    xpsnet.write(_peaks(), folder / "peaks.nxs", spectra=_spectra((2,)))
    xpsnet.write(_spectra((2, 2)), folder / "ours.zarr")
    _spectra().to_netcdf(folder / "three.nc", engine="scipy")
    nexus(folder / "entry.nxs", np.ones((3, 21)), {"x": np.arange(3.0), "energy": ENERGY})
    with h5py.File(folder / "plain.h5", "w") as file:
        file["O1s/energy"] = ENERGY
        file["O1s/energy"].attrs["units"] = "eV"
        file.create_dataset("O1s/counts", data=np.ones((4, 21)), chunks=(2, 21), compression=1)
    with h5py.File(folder / "block.mat", "w", userblock_size=512) as file:
        for name, values in (("BE", ENERGY[np.newaxis]), ("C1s", np.ones((1, 21)))):
            file[name] = values
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with h5py.File(folder / "igor.h5", "w") as file:
        file["Ag3d"] = np.ones((21, 3))
        file["Ag3d"].attrs["IGORWaveScaling"] = np.array([(0.0, 0.0), (0.2, 280.0), (1.0, 0.0)])
        file["Ag3d"].attrs["IGORWaveUnits"] = np.array(["", "eV", "deg"], h5py.string_dtype())
    root = zarr.open_group(folder / "plain.zarr", mode="w", zarr_format=3)
    root.create_array("energy", data=ENERGY)
    root.create_array("counts", data=np.ones((4, 21)))
    root = zarr.open_group(folder / "shards.zarr", mode="w", zarr_format=3)
    root.create_array("energy", data=ENERGY)
    root.create_array("counts", data=np.ones((4, 21)), chunks=(2, 21), shards=(4, 21))
    files = ("ours.nc", "three.nc", "entry.nxs", "plain.h5", "block.mat", "igor.h5")
    folders = ("ours.zarr", "plain.zarr", "shards.zarr")
    return [
        *(Seed(name, (folder / name).read_bytes()) for name in files),
        Seed("peaks.nc", (folder / "peaks.nc").read_bytes(), holds_peaks=True),
        Seed("peaks.nxs", (folder / "peaks.nxs").read_bytes()),
        *(Seed(name, _packed(folder / name), True) for name in folders),
    ]


def _packed(folder: Path) -> bytes:
    """Archive of the files of a folder."""
    files = [one for one in sorted(folder.rglob("*")) if one.is_file()]
    return pack({one.relative_to(folder).as_posix(): one.read_bytes() for one in files})


def _phi_text(folder: Path) -> list[Seed]:
    rates = counts(12) * np.ones((3, 1))
    energy = np.linspace(290.0, 288.9, 12)
    tables = [multipak.Table("C1s", energy, rates, times=(0.0, 0.5, 1.0)),
              multipak.Table("O1s", energy + 240.0, rates, times=(0.0, 0.5, 1.0))]  # fmt: skip
    return [
        Seed("exporter", multipak.exporter(tables, header="").encode()),
        Seed("csv", multipak.ascii_csv(tables).encode()),
        Seed("plain csv", multipak.ascii_csv(tables, files=False, area="spot").encode()),
    ]


def _phi(folder: Path) -> list[Seed]:
    profile = phi.Region("C1s", phi.rate(11, 3), stop=299.0, axes=("pnt", "cyc"))
    old = phi.Region("Su1s", phi.rate(11), stop=299.0, dtype="u8")
    times = np.array([[0.0, 60.0, 90.0]])
    layers = {"DepthCalDef": "1 Layer1 1 0.0 0.0 Ar+ 2.00 1.00 2 '1KV2x2' 1.0 150"}
    areas = {"SpatialAreaDef": ["1 A 1 (1 2 3 45 0)", "2 B 2 (1 2 3 45 0) (3 4 3 45 0)"]}
    return [
        Seed("profile", phi.File([profile, profile], times=times).data()),
        Seed("old", phi.File([old], newline="\r\n", begin="", source="Mg 1253.6 std").data()),
        Seed("layers", phi.File([profile], keys=layers).data()),
        Seed("areas", phi.File([old, replace(old, index=1)], keys=areas).data()),
        Seed(
            "text",
            multipak.labeled(
                [
                    multipak.Table(
                        "C1s", np.linspace(290.0, 288.9, 12), counts(12), x="Binding Energy (eV)"
                    )
                ],
                "SOFH\nTechnique: XPS\nSOFE\n",
            ).encode(),
        ),
    ]


def _scienta_text(folder: Path) -> list[Seed]:
    angles = ("Y-Scale [deg]", np.arange(3.0))
    image = scienta.Region(np.ones((3, 21)), ENERGY, axes=[angles])
    cube = scienta.Region(np.ones((2, 3, 21)), ENERGY, axes=[angles, ("Position", np.arange(2.0))])
    line = scienta.Region(np.ones(21), ENERGY, manipulator={"X": "1.5"})
    return [Seed("image", scienta.ses([line, image]).encode()),
            Seed("cube", scienta.ses([cube]).encode())]  # fmt: skip


def _avantage(folder: Path) -> list[Seed]:
    levels = thermo.Axis("ETCHLEVEL", 3)
    times = thermo.Axis("ETCHTIME", 3, values=(0.0, 30.0, 90.0))
    energy = [thermo.ENERGY]
    profile = thermo.Measurement(np.ones((3, 12)), [energy, [times, levels]])
    stage = [[thermo.Axis("X", 2)], [thermo.Axis("Y", 3)]]
    area = thermo.Measurement(np.ones((3, 2, 12)), [energy, *stage])
    one = thermo.Measurement(np.ones(12))
    return [
        Seed("one.vgd", thermo.vgd(one)),
        Seed("profile.vgd", thermo.vgd(profile)),
        Seed("map.vgd", thermo.vgd(area)),
        Seed("a.xls", excel.xls(_few_rows(excel.workbook()))),
    ]


def _few_rows(sheets: excel.Sheets) -> excel.Sheets:
    """Sheets without most of their numbers, which cost time and break nothing."""
    return [(name, rows[:40]) for name, rows in sheets]


def _avg(folder: Path) -> list[Seed]:
    times = thermo.Axis("ETCHTIME", 3, values=(0.0, 30.0, 90.0))
    profile = thermo.Measurement(np.ones((3, 12)), [[thermo.ENERGY], [times]])
    points = thermo.Axis("POSITION", 2)
    where = thermo.Measurement(np.ones((2, 12)), [[thermo.ENERGY], [points]])
    return [Seed("profile", thermo.avg(profile).encode()),
            Seed("points", thermo.avg(where, numbered=False).encode())]  # fmt: skip


def _igor(folder: Path) -> list[Seed]:
    region = scienta.Region(np.ones(21), ENERGY)
    options = {"labels": ["Binding Energy [eV]"], "note": scienta.note(region)}
    wave = igor.ibw(np.ones(21), scales=[(280.0, 0.2)], **options)
    options |= {"scales": [(280.0, 0.2), (0, 1)], "order": ">", "kind": "f4"}
    image = igor.ibw(np.ones((21, 3)), **options)
    old = igor.old_ibw(np.ones(21), (280.0, 0.2), "eV")
    return [Seed("wave.ibw", wave), Seed("image.ibw", image), Seed("old.ibw", old),
            Seed("packed.pxt", igor.packed([wave, wave])),
            Seed("settings.pxt", igor.packed([wave], before=[(1, igor.variables())]))]  # fmt: skip


def _igor_text(folder: Path) -> list[Seed]:
    scale = 'X SetScale/P x 280,0.2,"eV", Ag3d; SetScale d 0,0,"counts", Ag3d'
    image = 'X SetScale/P y 0,1,"deg", img\r\nX Note img, "Excitation Energy=1486.6"'
    pair = [f"\t{280 + i / 5}\t{i}" for i in range(21)]
    rows = ["\t1\t2\t3"] * 21
    one = ["\t5"] * 21
    image = scale.replace("Ag3d", "img") + "\r\n" + image
    files = (
        ("one", "WAVES/D/N=(21)\tAg3d", one, scale),
        ("pair", "WAVES/O/D BE C1s", pair, ""),
        ("image", "WAVES/D/N=(21,3) img", rows, image),
        ("comments", "X //hv = 40.8\r\nWAVES/D/N=(21)\tAg3d", one, scale),
    )
    return [
        Seed(name, "\r\n".join(["IGOR", waves, "BEGIN", *lines, "END", more, ""]).encode())
        for name, waves, lines, more in files
    ]


def _zip(folder: Path) -> list[Seed]:
    from tests.io import test_zip_archive as test_zip

    members = test_zip.da30((1, 3, 20))
    sheets = _few_rows(excel.workbook())
    xpsnet.write(_spectra(), folder / "ours.xlsx")
    xpsnet.write(_peaks(), folder / "peaks.xlsx")
    return [
        Seed("image.zip", pack(members)),
        Seed("cube.zip", pack(test_zip.da30((2, 3, 20), folder="run 1/"))),
        Seed("a.xlsx", excel.xlsx(sheets)),
        Seed("quantified.xlsx", excel.xlsx([*sheets[:1], ("Quantifications", QUANTIFIED)])),
        Seed("ours.xlsx", (folder / "ours.xlsx").read_bytes()),
        Seed("peaks.xlsx", (folder / "peaks.xlsx").read_bytes(), holds_peaks=True),
    ]


def _kratos(folder: Path) -> list[Seed]:
    one = kratos.spectrum_object()
    other = kratos.spectrum_object("O 1s/3", transition="2p") + kratos.TRANSMISSION
    return [Seed("dump", kratos.dump(one, other).encode()), Seed("one", kratos.dump(one).encode())]


def _omicron(folder: Path) -> list[Seed]:
    energy, few = omicron.ENERGY[:20], omicron.COUNTS[:20]
    table = omicron.table(few, energy)
    region = omicron.REGION + omicron.values(1) + omicron.layer() + table
    scans = omicron.scan(1, few) + omicron.scan(2, few)
    return [
        Seed("eis", (region + omicron.layer(2, "False") + table + region).encode()),
        Seed("cut", region.split("\n", 1)[1].encode()),
        Seed("clam2", (omicron.TITLE + scans).replace("\n", "\r\n").encode()),
    ]


def _specs_xy(folder: Path) -> list[Seed]:
    from tests.io.specs import test_xy as specs

    few = {"y": np.ones(12), "energy": specs.ENERGY[:12]}
    loops = [specs.table(f"Cycle: {i}, Curve: 0, Scan: 0", **few) for i in range(3)]
    one = specs.xy(specs.header(), specs.region(), specs.CYCLE, specs.table(**few))
    return [Seed("one", one.encode()),
            Seed("loops", specs.xy(specs.header(), specs.region(), *loops).encode()),
            Seed("channels", _specs_channels(specs, few).encode())]  # fmt: skip


def _specs_channels(specs: Any, few: dict[str, Any]) -> str:
    """Two curves with their angles, and a thermometer behind each."""
    parts = []
    for i in range(2):
        curve = specs.table(f"Cycle: 0, Curve: {i}", **few)
        curve.insert(2, f"NonEnergyOrdinate: {5.0 * i}")
        label = "External Channel Data Cycle: 0, Temperature [K]"
        parts += [curve, specs.table(label, labels="energy Temperature [K]", **few)]
    settings = {"Values/Curve": "12", "Curves/Scan": "2"}
    return str(specs.xy(specs.header(), specs.region(**settings), *parts))


def _specs_xml(folder: Path) -> list[Seed]:
    from tests.io.specs import test_xml as specs

    two = [[specs.samples()[:, :, :1]]] * 2
    small = specs.region(cycles=two, shifts=(0.0,), transmission=np.ones(specs.N))
    return [Seed("cycles", specs.specs([small]).encode()),
            Seed("detectors", specs.specs([specs.region()]).encode())]  # fmt: skip


def _kratos_ascii(folder: Path) -> list[Seed]:
    two = kratos.ascii_table() + kratos.ascii_table("Object name : O 1s")
    return [Seed("two", two.encode())]


def _casa_text(folder: Path) -> list[Seed]:
    from tests.io.casa import test_text_export as test_casa_text

    exports = [test_casa_text._export(layout=layout) for layout in ("rows", "binding")]
    short = ["\r\n".join(text.split("\r\n")[:40]) for text in exports]
    return [Seed("rows", short[0].encode()), Seed("binding", short[1].encode()),
            Seed("two", (short[0] + "\r\n" + short[0]).encode())]  # fmt: skip


def _specs_sle(folder: Path) -> list[Seed]:
    import sle_writer as writer

    one = np.arange(61.0).reshape(-1, 1, 1)
    scans = [(f"Loop={i}u, Scan [Idx]=0u", one) for i in range(2)]
    loops = writer.sle(
        folder / "loops.sle", [writer.Spectrum(scans, transmission=[np.linspace(1.0, 2.0, 61)])]
    )
    many = writer.Spectrum([("", np.ones((117, 3, 1)))])
    packed = writer.sle(folder / "packed.sle", [many], shifts=(-0.07, 0.0, 0.07), packed=True)
    return [Seed("loops", loops.read_bytes()), Seed("packed", packed.read_bytes())]


SEEDS: dict[str, Callable[[Path], list[Seed]]] = {
    "VAMAS": _vamas,
    "CasaXPS text": _casa_text,
    "PHI MultiPak": _phi,
    "PHI MultiPak text": _phi_text,
    "netCDF, HDF5 or zarr": _store,
    "Scienta SES text": _scienta_text,
    "Thermo Avantage or Excel (OLE)": _avantage,
    "Thermo Avantage (avg)": _avg,
    "Igor binary wave or packed experiment": _igor,
    "Igor text": _igor_text,
    "zip archive": _zip,
    "Kratos": _kratos,
    "Kratos ASCII": _kratos_ascii,
    "Omicron EIS or CLAM2": _omicron,
    "SPECS xy": _specs_xy,
    "SPECS XML": _specs_xml,
    "SPECS Prodigy database": _specs_sle,
    "text": _text,
}
"""Reader name -> sound files of its format, written with the help of a folder."""
