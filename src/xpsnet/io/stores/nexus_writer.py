"""NeXus: one NXentry per region, whose NXdata any NeXus program plots; peaks as NXfit.

Every variable carries its dimensions in an attribute of xpsnet, so that `read` and `read_fit`
give back what was written. No application definition is claimed: spectra seldom know all that
NXxps demands.
"""

import io
import re
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.arguments import stated_number
from xpsnet.data.peaks import curves
from xpsnet.io.stores.attributes import COORDS_ATTR, NAME_ATTR, VERSION_ATTR, counts_name
from xpsnet.io.stores.nexus_own import DIMS_ATTR, KIND_ATTR, PEAKS, SPECTRA

_MAX_CURVES = 64 << 20  # bytes; more than that are made again when they are needed


def nexus_bytes(
    content: list[xr.DataArray] | xr.Dataset, spectra: xr.DataArray | None, version: str
) -> memoryview:
    """File with spectra, or peaks with the spectra that they were fitted to.

    Raises
    ------
    ValueError
        If something cannot be stored in HDF5.
    """
    import h5py

    made = io.BytesIO()
    with h5py.File(made, "w", track_order=True) as file:
        file.attrs["NX_class"] = "NXroot"
        file.attrs["creator"] = "napari-xpsnet"
        file.attrs[VERSION_ATTR] = version
        if isinstance(content, xr.Dataset):
            name = _group_name(content.attrs.get("region", "peaks"), file)
            entry = _group(file, name, "NXentry")
            if spectra is not None:
                _write_spectra(entry, spectra)
            _write_peaks(entry, content)
            entry.attrs["default"] = "data" if spectra is not None else "fit"
        else:
            for array in content:
                entry = _group(file, _group_name(array.name, file), "NXentry")
                _write_spectra(entry, array)
                entry.attrs["default"] = "data"
        file.attrs["default"] = next(iter(file))
    return made.getbuffer()


def _group(parent: Any, name: str, kind: str) -> Any:
    """Group with its class."""
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _group_name(name: Any, file: Any) -> str:
    """Name of an entry: letters and digits, each only once."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", str(name or "spectra")).strip("_") or "spectra"
    plain = plain if plain[0].isalpha() else f"region_{plain}"
    n = 1
    while (wanted := plain if n == 1 else f"{plain}_{n}") in file:
        n += 1
    return wanted


def _write_spectra(entry: Any, array: xr.DataArray) -> None:
    """Write counts over their axes, and what NeXus programs know of the experiment."""
    entry["title"] = str(array.name or "spectra")
    _write_experiment(entry, array.attrs)
    data = _group(entry, "data", "NXdata")
    data.attrs[KIND_ATTR] = SPECTRA
    signal = counts_name(array)
    data.attrs["signal"] = signal
    _write_axes_attributes(data, array.dims, array.coords)
    counts = _write_variable(data, signal, array.variable)
    counts.attrs[NAME_ATTR] = "" if array.name is None else str(array.name)
    for name, coord in array.coords.items():
        _write_variable(data, str(name), coord.variable)
    data["energy"].attrs["type"] = str(array.attrs.get("scale", ""))


def _write_experiment(entry: Any, attrs: dict[str, Any]) -> None:
    """Write the settings where NXmpes has them."""
    instrument = _group(entry, "instrument", "NXinstrument")
    if attrs.get("instrument") is not None:
        instrument["name"] = str(attrs["instrument"])
    beam = _group(instrument, "beam_probe", "NXbeam")
    analyzer = _group(instrument, "electronanalyzer", "NXelectronanalyzer")
    dispersion = _group(analyzer, "energydispersion", "NXenergydispersion")
    for group, name, key, units in (
        (beam, "incident_energy", "photon_energy", "eV"),
        (dispersion, "pass_energy", "pass_energy", "eV"),
        (analyzer, "dwell_time", "dwell_time", "s"),
    ):
        number = stated_number(attrs.get(key))
        if number is not None:
            group[name] = number
            group[name].attrs["units"] = units
    sample = _group(entry, "sample", "NXsample")
    if attrs.get("sample") is not None:
        sample["name"] = str(attrs["sample"])


def _write_axes_attributes(group: Any, dims: Any, coords: Any) -> None:
    """Name the axis of each dimension, "." if there is none."""
    group.attrs["axes"] = [str(dim) if dim in coords else "." for dim in dims]
    for i, dim in enumerate(dims):
        if dim in coords:
            group.attrs[f"{dim}_indices"] = i


def _write_variable(group: Any, name: str, variable: xr.Variable) -> Any:
    """Write values, dimensions and attributes of one variable."""
    if name in ("", ".") or name in group:
        raise ValueError(f"expected another name of a coordinate for .nxs, got {name!r}; rename it")
    if variable.dtype.kind in "mM":
        variable = xr.conventions.encode_cf_variable(variable, name=name)
    if hasattr(variable.data, "dask"):
        stored = _stream(group, name, variable.data)
    else:
        stored = group.create_dataset(name, data=_stored(name, variable.values))
    if variable.dims:  # h5py does not read empty lists
        stored.attrs[DIMS_ATTR] = _list([str(dim) for dim in variable.dims])
    for key, value in variable.attrs.items():
        stored.attrs[str(key)] = _attribute(value)
    return stored


def _attribute(value: Any) -> Any:
    """Attribute as HDF5 stores it: lists as arrays."""
    if isinstance(value, list | tuple) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "UO"
    ):
        return _list(list(value))
    return value


def _text_type() -> Any:
    """Text of any length."""
    import h5py

    return h5py.string_dtype()


def _stored(name: str, values: Any) -> Any:
    """Numbers as they are, texts with the type that HDF5 has for them."""
    if values.dtype.kind not in "UO":
        return values
    if values.dtype == object and not all(isinstance(value, str) for value in values.ravel()):
        raise ValueError(
            f"expected numbers or texts, got objects in {name!r}; drop that coordinate"
        )
    return values.astype(_text_type())


def _list(value: Any) -> Any:
    """List as an array that HDF5 stores, also where it is empty."""
    texts = all(isinstance(item, str) for item in value)
    return np.array(value, dtype=_text_type() if texts else None)


def _stream(group: Any, name: str, array: Any) -> Any:
    """Write a lazy array piece by piece."""
    import dask.array

    pieces = tuple(min(max(sizes), n) for sizes, n in zip(array.chunks, array.shape, strict=True))
    stored = group.create_dataset(name, array.shape, array.dtype, chunks=pieces)
    dask.array.store(array, stored, lock=True)
    return stored


def _write_peaks(entry: Any, peaks: xr.Dataset) -> None:
    """Write the table of peaks and, where they are not too many, the curves."""
    if "title" not in entry:
        entry["title"] = str(peaks.attrs.get("region") or "peaks")
    fit = _group(entry, "fit", "NXfit")
    fit["label"] = "peaks of napari-xpsnet"
    table = _group(fit, "peaks", "NXdata")
    table.attrs[KIND_ATTR] = PEAKS
    table.attrs["signal"] = "center"
    _write_axes_attributes(table, peaks["center"].dims, peaks.coords)
    for name, variable in peaks.variables.items():
        _write_variable(table, str(name), variable)
    table.attrs[COORDS_ATTR] = _list([str(name) for name in peaks.coords])
    attrs = _group(fit, "attributes", "NXcollection")
    for key, value in peaks.attrs.items():
        attrs.attrs[str(key)] = _attribute(value)
    fit.attrs["default"] = "peaks"
    n_points = peaks["center"].size * peaks.sizes.get("energy", 0)
    if 0 < n_points * 8 <= _MAX_CURVES:
        _write_curves(fit, peaks)


def _write_curves(fit: Any, peaks: xr.Dataset) -> None:
    """Write what the peaks look like: the default plot of a fit."""
    drawn = curves(peaks)
    data = _group(fit, "curves", "NXdata")
    data.attrs["signal"] = "envelope"
    data.attrs["auxiliary_signals"] = _list(["background"])
    _write_axes_attributes(data, drawn["envelope"].dims, drawn.coords)
    for name in ("envelope", "background", "component"):
        _write_variable(data, name, drawn[name].variable)
    for dim in drawn["component"].dims:
        if dim in drawn.coords:
            _write_variable(data, str(dim), drawn[dim].variable)
    fit.attrs["default"] = "curves"
