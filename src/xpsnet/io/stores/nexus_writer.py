"""NeXus: one NXentry per region by the definition NXxps; peaks as NXfit and as our own table.

Every variable carries its dimensions in an attribute of xpsnet, so that `read` and `read_fit`
give back what was written.
"""

import io
import re
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.stores.attributes import COORDS_ATTR, NAME_ATTR, VERSION_ATTR, counts_name
from xpsnet.io.stores.nexus_own import DIMS_ATTR, KIND_ATTR, OWN, PEAKS, SPECTRA
from xpsnet.io.stores.nexus_xps import (
    group,
    write_experiment,
    write_fit,
    write_missing,
    write_referencing,
)


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
            entry = group(file, name, "NXentry")
            known = content.attrs if spectra is None else {**content.attrs, **spectra.attrs}
            title = str(content.attrs.get("region") or "peaks")
            missing = write_experiment(entry, title, known)
            if spectra is not None:
                _write_spectra(entry, spectra)
            else:
                missing.append("data")
            _write_peaks(entry, content)
            missing += write_fit(entry, content, spectra, _write_axes_attributes)
            write_missing(entry, missing)
            places = ("data", "fit", "peak_table")
            entry.attrs["default"] = next(place for place in places if place in entry)
        else:
            for array in content:
                entry = group(file, _group_name(array.name, file), "NXentry")
                missing = write_experiment(entry, str(array.name or "spectra"), array.attrs)
                write_missing(entry, missing)
                _write_spectra(entry, array)
                entry.attrs["default"] = "data"
        file.attrs["default"] = next(iter(file))
    return made.getbuffer()


def _group_name(name: Any, file: Any) -> str:
    """Name of an entry: letters and digits, each only once."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", str(name or "spectra")).strip("_") or "spectra"
    plain = plain if plain[0].isalpha() else f"region_{plain}"
    n = 1
    while (wanted := plain if n == 1 else f"{plain}_{n}") in file:
        n += 1
    return wanted


def _write_spectra(entry: Any, array: xr.DataArray) -> None:
    """Write counts over their axes, and what only `read` needs beside them.

    NXxps allows no attributes but its own in NXdata, so that all others are in a collection.
    """
    data = group(entry, "data", "NXdata")
    own = group(entry, OWN, "NXcollection")
    own.attrs[KIND_ATTR] = SPECTRA
    # NXxps wants "data"; a coordinate of the user may have that name.
    signal = counts_name(array) if "data" in {*array.coords, *array.dims} else "data"
    data.attrs["signal"] = signal
    _write_axes_attributes(data, array.dims, array.coords)
    _write_variable(data, signal, array.variable, own)
    own[signal].attrs[NAME_ATTR] = "" if array.name is None else str(array.name)
    for name, coord in array.coords.items():
        _write_variable(data, str(name), coord.variable, own)
    data["energy"].attrs["type"] = str(array.attrs.get("scale", ""))
    write_referencing(entry, array)


def _write_axes_attributes(data: Any, dims: Any, coords: Any) -> None:
    """Name the axis of each dimension, "." if there is none."""
    data.attrs["axes"] = [str(dim) if dim in coords else "." for dim in dims]
    for i, dim in enumerate(dims):
        if dim in coords:
            data.attrs[f"{dim}_indices"] = i


def _write_variable(place: Any, name: str, variable: xr.Variable, own: Any = None) -> None:
    """Write values, dimensions and attributes of one variable; attributes into `own`, if given."""
    if name in ("", ".") or name in place:
        raise ValueError(f"expected another name of a coordinate for .nxs, got {name!r}; rename it")
    if variable.dtype.kind in "mM":
        variable = xr.conventions.encode_cf_variable(variable, name=name)
    if hasattr(variable.data, "dask"):
        stored = _stream(place, name, variable.data)
    else:
        stored = place.create_dataset(name, data=_stored(name, variable.values))
    attrs = stored.attrs if own is None else group(own, name, "NXcollection").attrs
    if variable.dims:  # h5py does not read empty lists
        attrs[DIMS_ATTR] = _list([str(dim) for dim in variable.dims])
    for key, value in variable.attrs.items():
        attrs[str(key)] = _attribute(value)
    if own is not None and "units" in variable.attrs:
        stored.attrs["units"] = _attribute(variable.attrs["units"])


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


def _stream(place: Any, name: str, array: Any) -> Any:
    """Write a lazy array piece by piece."""
    import dask.array

    pieces = tuple(min(max(sizes), n) for sizes, n in zip(array.chunks, array.shape, strict=True))
    stored = place.create_dataset(name, array.shape, array.dtype, chunks=pieces)
    dask.array.store(array, stored, lock=True)
    return stored


def _write_peaks(entry: Any, peaks: xr.Dataset) -> None:
    """Write the table of peaks with everything that `read_fit` gives back."""
    own = group(entry, "peak_table", "NXcollection")
    table = group(own, "peaks", "NXdata")
    table.attrs[KIND_ATTR] = PEAKS
    table.attrs["signal"] = "center"
    _write_axes_attributes(table, peaks["center"].dims, peaks.coords)
    for name, variable in peaks.variables.items():
        _write_variable(table, str(name), variable)
    table.attrs[COORDS_ATTR] = _list([str(name) for name in peaks.coords])
    attrs = group(own, "attributes", "NXcollection")
    for key, value in peaks.attrs.items():
        attrs.attrs[str(key)] = _attribute(value)
