"""Files of every vendor, dropped on the viewer: the right layers with labels, units and scale."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from fuzz_seeds import SEEDS
from napari.components import ViewerModel

import xpsnet
from napari_xpsnet._reader import EXTENSIONS, get_reader


class Dropped(NamedTuple):
    """A file of one format, and what its first layer looks like."""

    reader: str
    seed: str
    name: str
    labels: tuple[str, ...]
    units: tuple[str, ...]


IGOR, OLE = "Igor binary wave or packed experiment", "Thermo Avantage or Excel (OLE)"
ONE = ("spectrum", "energy")
PLAIN = ("pixel", "electron_volt")
FILES = [
    Dropped("VAMAS", "profile", "a.vms", ("etch_time", "energy"), PLAIN),
    Dropped("VAMAS", "irregular", "a.npl", ("scan", "energy"), PLAIN),
    Dropped("VAMAS", "fitted", "a.vamas", ONE, PLAIN),
    Dropped(OLE, "one.vgd", "C1s Scan.VGD", ONE, PLAIN),
    Dropped(OLE, "profile.vgd", "a.vgd", ("etch_time", "energy"), PLAIN),
    Dropped(
        OLE, "map.vgd", "b.vgd", ("energy", "y", "x"), ("electron_volt", "micrometer", "micrometer")
    ),
    Dropped("Thermo Avantage (avg)", "profile", "a.avg", ("etch_time", "energy"), PLAIN),
    Dropped("PHI MultiPak", "old", "a.spe", ONE, PLAIN),
    Dropped("PHI MultiPak", "profile", "a.pro", ("etch_time", "energy"), PLAIN),
    Dropped(IGOR, "wave.ibw", "a.ibw", ONE, PLAIN),
    Dropped(IGOR, "packed.pxt", "a.pxt", ONE, PLAIN),
    Dropped("Igor text", "one", "a.itx", ONE, PLAIN),
    Dropped("SPECS xy", "one", "a.xy", ONE, PLAIN),
    Dropped("text", "pair", "bare.xy", ONE, PLAIN),
    Dropped("SPECS Prodigy database", "", "a.sle", (), ()),
    Dropped("Kratos", "one", "a.kal", ONE, PLAIN),
    Dropped("Kratos", "dump", "a.dset", ONE, PLAIN),
    Dropped("netCDF, HDF5 or zarr", "entry.nxs", "a.nxs", ("x", "energy"), PLAIN),
    Dropped("netCDF, HDF5 or zarr", "ours.nc", "a.xps.nc", ("energy", "y", "x"),
            ("electron_volt", "pixel", "pixel")),
]  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.name} {file.seed}")
def test_a_file_opens_as_one_layer(tmp_path: Path, file: Dropped) -> None:
    seeds = SEEDS[file.reader](tmp_path)
    sound = next(one for one in seeds if one.name == file.seed or not file.seed)
    path = tmp_path / file.name
    path.write_bytes(sound.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        reader = get_reader(str(path))
        assert reader is not None
        layers = reader(str(path))
        regions = xpsnet.read(path)
    viewer = ViewerModel()
    for data, keywords, kind in layers:
        assert kind == "image"
        viewer.add_image(data, **keywords)
    assert len(viewer.layers) == 1
    first, region = viewer.layers[0], regions[0]
    assert [one.name for one in first.metadata["file"].regions] == [str(r.name) for r in regions]
    if "photon_energy" in region.attrs:
        region = xpsnet.to_binding(region)
    if file.labels:
        assert tuple(first.axis_labels) == file.labels
        assert tuple(str(unit) for unit in first.units) == file.units
    place = tuple(first.axis_labels).index("energy")
    energy = region["energy"].values
    step = (energy[-1] - energy[0]) / (energy.size - 1)
    assert first.scale[place] == pytest.approx(step)
    assert first.translate[place] == pytest.approx(energy[0])
    for dim in set(region.dims) & {"y", "x"}:
        at = tuple(first.axis_labels).index(dim)
        if region.ndim > 2 and region[dim].size > 1:
            assert first.scale[at] == pytest.approx(float(np.diff(region[dim])[0]))
    assert first.name == first.metadata["file"].active.title
    assert first.metadata["dataarray"].attrs["scale"] in ("binding", "kinetic")


def test_every_extension_has_been_dropped() -> None:
    names = [file.name.lower() for file in FILES]
    assert all(any(name.endswith(one) for name in names) for one in EXTENSIONS)
