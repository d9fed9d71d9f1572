"""netCDF, HDF5 and zarr: what `write` has stored, arrays of any xarray user, NeXus, and others.

Large arrays stay on disk as dask arrays. Links to other files are not followed.
"""

import math
import warnings
from collections.abc import Generator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr
from xarray.backends import CachingFileManager, H5NetCDFStore

from xpsnet.data.energy_words import ev_per_unit, is_energy_name
from xpsnet.data.spectrum import check_spectra
from xpsnet.io.common.chosen_axes import Axes
from xpsnet.io.common.errors import ReadError, refusal, refusing_damage
from xpsnet.io.common.file_bytes import read_head
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region
from xpsnet.io.common.settings import setting_name, setting_value
from xpsnet.io.stores.arrays import NO_NAMES, read_arrays
from xpsnet.io.stores.attributes import (
    COORDS_ATTR,
    JSON_ATTR,
    NAME_ATTR,
    NETCDF3_MAGIC,
    SESSION_ATTR,
    VERSION_ATTR,
    hdf5_start,
    is_zarr,
    netcdf3_groups,
    plain,
    restored,
)
from xpsnet.io.stores.block_store import progress_of
from xpsnet.io.stores.chosen import read_chosen
from xpsnet.io.stores.igor_arrays import is_wave, read_waves
from xpsnet.io.stores.nexus import is_nexus, read_nexus
from xpsnet.io.stores.nexus_own import holds_peaks, read_own_peaks, read_own_spectra
from xpsnet.io.stores.tree import LAZY_BYTES, Tree, open_tree
from xpsnet.xpsnet_warning import XpsnetWarning

NAME = "netCDF, HDF5 or zarr"
# Attributes of arrays whose dimensions have names, so that xarray opens them unless damaged.
_NAMED = {"_ARRAY_DIMENSIONS", "DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid"}

# Lengths of time only where xarray has stored them as such: "s" is a unit of many numbers.
_TIMES = xr.coders.CFTimedeltaCoder(decode_via_units=False)
_MAX_VARIABLES = 500  # of one group


class PeaksError(ReadError):
    """A store holds peaks, and nothing else is to be looked for in it."""


def sniff(head: bytes) -> bool:
    """Whether the file holds HDF5 (netCDF 4) or netCDF 3."""
    return hdf5_start(head) is not None or (head.startswith(NETCDF3_MAGIC) and head[3:4] < b"\x06")


def read(path: Path, axes: Axes | None = None) -> Reading:
    """Read every array with an energy dimension.

    Parameters
    ----------
    path : Path
        A file, or the folder of a zarr store.
    axes : dict, optional
        As from `checked_axes`, if the file does not state which axis is energy.

    Returns
    -------
    Reading

    Raises
    ------
    ReadError
        If the store is damaged, leads to other files or holds no spectra.
    """
    if _is_netcdf3(path):
        reading, reasons = _read_named(path, netcdf3_groups(path), axes or {})
        if reading.spectra:
            return reading
        raise _without_spectra(path, reasons)
    with open_tree(path) as tree:
        is_igor = any(map(is_wave, tree.arrays.values()))
        if axes:
            return read_waves(tree, axes) if is_igor else read_chosen(tree, axes)
        if is_nexus(tree):
            own = read_own_spectra(tree)
            return Reading(own, stored_by_us=True) if own else read_nexus(tree)
        tree.refuse_outside()
        has_names = any(_NAMED & array.attrs.keys() for array in tree.arrays.values())
        if is_igor and not has_names:
            return read_waves(tree)
        return _read_named_or_not(tree)


def _read_named_or_not(tree: Tree) -> Reading:
    """Read arrays with named dimensions, else those that lie beside an energy axis."""
    unreadable: ReadError | None = None
    reasons: list[str] = []
    has_names = any(_NAMED & array.attrs.keys() for array in tree.arrays.values())
    if tree.arrays and not has_names and not is_zarr(tree.path):
        # xarray would open every array only to find no names.
        return read_arrays(tree)
    _check_openable(tree)
    try:
        reading, reasons = _read_named(tree.path, sorted(tree.members))
        if reading.spectra:
            return reading
    except PeaksError:
        raise
    except ReadError as error:
        if has_names:
            raise
        unreadable = error
    try:
        return read_arrays(tree)
    except ReadError as error:
        raise unreadable or _without_spectra(tree.path, reasons) from error


def _check_openable(tree: Tree) -> None:
    """Refuse what xarray would take minutes to open, or crash on."""
    tree.refuse_odd()
    for group, members in tree.members.items():
        if len(members) > _MAX_VARIABLES:
            raise refusal(
                tree.path, f"group {group}", expected=f"at most {_MAX_VARIABLES} arrays",
                got=str(len(members)), advice="open it with xarray and pass one array",
            )  # fmt: skip


def _read_named(
    path: Path, groups: list[str], axes: Axes | None = None
) -> tuple[Reading, list[str]]:
    """Read every array with an energy dimension, and say why others hold no spectra."""
    names = {place: name for name, place in (axes or {}).items() if isinstance(place, str)}
    reading = Reading([])
    reasons: list[str] = []
    is_session = False
    with closing(datasets(path, groups)) as opened:
        for group, data in opened:
            is_session = is_session or SESSION_ATTR in data.attrs
            if _is_peaks(data) and is_session:
                continue  # read_session and read_fit give them
            if _is_peaks(data):
                raise PeaksError(holds_peaks(path))
            reading.stored_by_us = reading.stored_by_us or VERSION_ATTR in data.attrs
            for name in data.data_vars:
                array = data[name]
                array = array.rename({dim: names[str(dim)] for dim in array.dims if dim in names})
                try:
                    array = _spectra(array, group, reading.notes)
                except (ValueError, TypeError) as error:
                    reasons.append(f"{group.rstrip('/')}/{name}: {error}")
                    continue
                # What `write` stores is complete.
                ours = VERSION_ATTR in data.attrs
                reading.spectra.append(array if ours else _with_settings(array, data))
    return reading, reasons


def _with_settings(array: xr.DataArray, data: xr.Dataset) -> xr.DataArray:
    """Spectra with the settings that stand beside them.

    These are attributes of other names, coordinates and variables of one value, and attributes of
    the whole Dataset; what the array states itself counts first.
    """
    beside = {
        str(name): one.to_numpy().item() for name, one in {**data.coords, **data.data_vars}.items()
        if one.size == 1 and one.dtype.kind in "iufUS"
    }  # fmt: skip
    found: dict[str, int | float] = {}
    for key, value in [*array.attrs.items(), *beside.items(), *data.attrs.items()]:
        name = setting_name(str(key))
        if name and name not in array.attrs and isinstance(value, str | int | float):
            unit = str(data[key].attrs.get("units", "")) if key in beside else ""
            text = value if isinstance(value, str) else repr(float(value))
            number = setting_value(name, text, unit)
            if number is not None:
                found.setdefault(name, number)
    scale = data.attrs.get("scale")
    if scale in ("binding", "kinetic") and "scale" not in array.attrs:
        return array.assign_attrs(found, scale=scale)
    return array.assign_attrs(found)


def _without_spectra(path: Path, reasons: list[str]) -> ReadError:
    """The refusal: a store holds no spectra."""
    got = reasons[0] if reasons else "no arrays"
    advice = (
        "store the energies beside the counts, with the units eV, or call a dimension energy; or "
        'name the array that holds them: axes={"energy": "name"}'
    )
    return refusal(path, expected="an array with an energy dimension", got=got, advice=advice)


def read_fits(path: Path) -> list[xr.Dataset]:
    """Read peaks that `write` has stored as netCDF, NeXus or zarr.

    Parameters
    ----------
    path : Path
        File, or folder of a zarr store.

    Returns
    -------
    list of Dataset
        Equal to those that were written; lazy where they are large.

    Raises
    ------
    ReadError
        If the store is damaged or holds no peaks.

    Warns
    -----
    XpsnetWarning
        If a fit that is written block by block is not complete.
    """
    found = [data for data in _all_datasets(path) if _is_peaks(data)]
    if not found:
        raise refusal(path, expected="peaks that xpsnet.write has stored", got="none",
                      advice="xpsnet.read gives the spectra in it, if there are any")  # fmt: skip
    state = progress_of(path)
    if state is not None and not state.complete:
        warnings.warn(
            f"{path}: {state}; spectra without a result have the status NOT_DONE; the call that "
            f"began it goes on with it",
            XpsnetWarning,
            stacklevel=4,
        )
    return found


def _is_peaks(data: xr.Dataset) -> bool:
    """Whether a Dataset holds fitted peaks."""
    known = "line_shape" in data.attrs or "line_shape" in data
    return "peak" in data.dims and "center" in data and known


def _is_netcdf3(path: Path) -> bool:
    """Whether a store is a netCDF 3 file."""
    return not is_zarr(path) and hdf5_start(read_head(path)) is None


def _all_datasets(path: Path) -> list[xr.Dataset]:
    """All Datasets of a store."""
    if _is_netcdf3(path):
        return [data for _, data in datasets(path, netcdf3_groups(path))]
    with open_tree(path) as tree:
        if is_nexus(tree):
            return read_own_peaks(tree)
        tree.refuse_outside()
        _check_openable(tree)
        return [data for _, data in datasets(path, sorted(tree.members))]


def datasets(path: Path, groups: list[str]) -> Generator[tuple[str, xr.Dataset]]:
    """Open groups of a store, large ones lazily."""
    with ExitStack() as stack:
        if is_zarr(path):
            kind, opened = "a zarr store", partial(_open_zarr, path)
        elif _is_netcdf3(path):
            kind, opened = "a netCDF 3 file", partial(_open_netcdf3, path)
        else:
            kind = "an HDF5 or netCDF file"
            opened = partial(_open_hdf5, stack.enter_context(closing(_hdf5_file(path))))
        for group in groups:
            with refusing_damage(path, expected=f"{kind} that can be opened"):
                data = opened(group)
            data.attrs = restored({key: plain(value) for key, value in data.attrs.items()})
            for variable in data.variables.values():
                if JSON_ATTR in variable.attrs:
                    variable.attrs = restored(variable.attrs)
            coords = data.attrs.pop(COORDS_ATTR, [])
            coords = [coords] if isinstance(coords, str) else coords
            yield group, data.set_coords([name for name in coords if name in data])


def _open_zarr(path: Path, group: str) -> xr.Dataset:
    """Open one group of a zarr store."""
    options = {"engine": "zarr", "backend_kwargs": {"consolidated": False}}
    return _open(str(path), {**options, "group": group})


def _open_netcdf3(path: Path, _group: str) -> xr.Dataset:
    """Open a netCDF 3 file, which has no groups."""
    return _open(str(path), {"engine": "scipy"})


def _open_hdf5(file: CachingFileManager[Any], group: str) -> xr.Dataset:
    """Open one group of an HDF5 file, which stays open for the others."""
    return _open(H5NetCDFStore(file, group=group, mode="r"), {})


def _hdf5_file(path: Path) -> CachingFileManager[Any]:
    """The file of all groups: h5netcdf looks through all of them each time it opens a file.

    After it is closed, lazy arrays open it again.
    """
    import h5netcdf

    options = {"decode_vlen_strings": True, "phony_dims": "sort"}
    return CachingFileManager(h5netcdf.File, str(path), mode="r", kwargs=options)


def _open(source: str | H5NetCDFStore, options: dict[str, Any]) -> xr.Dataset:
    """Open one group; dask keeps what is large on disk."""
    import dask

    data = xr.open_dataset(source, decode_timedelta=_TIMES, **options)
    try:
        if data.nbytes <= LAZY_BYTES:
            return data.load()
        # Whole spectra in every chunk: all that follows works spectrum by spectrum. dask does not
        # know the size of texts.
        texts = {d for one in data.variables.values() if one.dtype.hasobject for d in one.dims}
        whole = {d for d in data.dims if _is_energy(data, str(d))} | texts
        chunks = {dim: -1 if dim in whole else "auto" for dim in data.dims}
        size = max((_stored_chunk(one, whole) for one in data.variables.values()), default=0)
    finally:
        if isinstance(source, str):
            data.close()
    # Stored chunks are put together, never split: each part would read the whole of them.
    usual = dask.utils.parse_bytes(dask.config.get("array.chunk-size"))
    with dask.config.set({"array.chunk-size": max(size, usual)}):
        return xr.open_dataset(source, decode_timedelta=_TIMES, chunks=chunks, **options)


def _stored_chunk(variable: xr.Variable, whole: set[Any]) -> int:
    """Size of a stored chunk of an array, as long as the array along some dimensions [bytes]."""
    stored = variable.encoding.get("preferred_chunks", {})
    sizes = (n if d in whole else stored.get(d, 1) for d, n in variable.sizes.items())
    return int(math.prod(sizes)) * int(variable.dtype.itemsize)


def _is_energy(data: xr.Dataset, dim: str) -> bool:
    """Whether a dimension is named or measured as energies are."""
    units = data[dim].attrs.get("units", "") if dim in data.coords else ""
    return is_energy_name(dim) or ev_per_unit(units) is not None


def _spectra(array: xr.DataArray, group: str, notes: list[str]) -> xr.DataArray:
    """Bring one array into the common form, or say why it holds no spectra."""
    attrs = {key: plain(value) for key, value in array.attrs.items()}
    name = attrs.pop(NAME_ATTR, None)
    if name is None:
        name = "" if str(array.name) in NO_NAMES else str(array.name)
        name = find_region(name) or name
    array = array.copy(deep=False)
    array.attrs, array.name = attrs, name or None
    try:
        return _checked(array, notes)
    except ValueError:
        if "scale" in attrs:
            raise
    # Check all but the scale, which the caller may tell.
    checked = check_spectra(array.assign_attrs(scale="binding"))
    del checked.attrs["scale"]
    return checked


def _checked(array: xr.DataArray, notes: list[str]) -> xr.DataArray:
    """Checked spectra; a sign that was turned is said in the other notes of the file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", XpsnetWarning)
        checked = check_spectra(array)
    notes += [str(one.message) for one in caught if one.category is XpsnetWarning]
    return checked
