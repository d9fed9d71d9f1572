"""A small writer of NeXus files, made from the definitions of NXxps and NXdata, for the tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ENERGY = np.linspace(1190.0, 1200.0, 51)


def nexus(
    path: Path,
    counts: np.ndarray,
    axes: Mapping[str, np.ndarray],
    *,
    units: Mapping[str, str] | None = None,
    energy_type: str = "kinetic",
    entry: str = "entry",
    mode: str = "w",
    default: bool = True,
) -> Path:
    """One entry with its NXdata; `axes` in the order of the dimensions of `counts`."""
    with h5py.File(path, mode) as file:
        file.attrs["NX_class"] = "NXroot"
        top = _group(file, entry, "NXentry")
        top["definition"] = "NXxps"
        top["title"] = "Si 2p after annealing"
        if default:
            file.attrs["default"], top.attrs["default"] = entry, "data"
        instrument = _group(top, "instrument", "NXinstrument")
        instrument["name"] = "spectrometer"
        beam = _group(instrument, "beam_probe", "NXbeam")
        _field(beam, "incident_energy", 1.4866, "keV")
        analyzer = _group(instrument, "electronanalyzer", "NXelectronanalyzer")
        dispersion = _group(analyzer, "energydispersion", "NXenergydispersion")
        _field(dispersion, "pass_energy", 20.0, "eV")
        _group(top, "sample", "NXsample")["name"] = "wafer 7"
        data = _group(top, "data", "NXdata")
        data.attrs["signal"], data.attrs["axes"] = "data", list(axes)
        stated = {"data": "counts", **{name: "eV" for name in axes if "energy" in name}}
        stated |= units or {}
        _field(data, "data", counts, stated["data"])
        for i, (name, values) in enumerate(axes.items()):
            data.attrs[f"{name}_indices"] = i
            _field(data, name, values, stated.get(name, ""))
        if "energy" in data and energy_type:
            data["energy"].attrs["type"] = energy_type
        _field(data, "data_errors", np.sqrt(counts), "counts")
    return path


def _group(parent: Any, name: str, kind: str) -> Any:
    """Group with its class."""
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _field(parent: Any, name: str, value: Any, units: str) -> None:
    """Data set with its units."""
    parent[name] = value
    if units:
        parent[name].attrs["units"] = units
