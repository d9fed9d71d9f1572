"""netCDF, HDF5 and zarr: what `write` has stored, and arrays of any xarray user.

Large arrays stay on disk as dask arrays. Links to other files are not followed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io._errors import ReadError, refusal
from xpsnet.io._reading import Reading
from xpsnet.io._source import read_head
from xpsnet.io._stored import (
    HDF5_MAGIC,
    NETCDF3_MAGIC,
    damaged,
    hdf5_groups,
    is_zarr,
    netcdf3_groups,
    zarr_groups,
)
from xpsnet.spectrum import check_spectra

NAME = "netCDF, HDF5 or zarr"
LAZY_BYTES = 64 << 20

# Names of this kind say nothing about the region.
_NO_NAMES = {"counts", "spectra", "spectrum", "data", "intensity", "__xarray_dataarray_variable__"}
NAME_ATTR = "xpsnet_name"
VERSION_ATTR = "xpsnet_version"


def sniff(head: bytes) -> bool:
    """Whether the file begins as HDF5 (netCDF 4) or netCDF 3."""
    return head.startswith(HDF5_MAGIC) or (head.startswith(NETCDF3_MAGIC) and head[3:4] < b"\x06")


def read(path: Path) -> Reading:
    """Read every array with an energy dimension.

    Parameters
    ----------
    path : Path
        A file, or the folder of a zarr store.

    Returns
    -------
    Reading

    Raises
    ------
    ReadError
        Where the store is damaged, leads to other files or holds no spectra.
    """
    spectra: list[xr.DataArray] = []
    notes: list[str] = []
    reasons: list[str] = []
    ours = False
    for group, data in _datasets(path):
        if _is_peaks(data):
            raise refusal(
                path,
                expected="spectra",
                got="peaks that xpsnet.write has stored",
                advice="xpsnet.io.read_peaks reads them",
            )
        ours = ours or VERSION_ATTR in data.attrs
        for name in data.data_vars:
            try:
                spectra.append(_spectra(data[name], group, notes))
            except (ValueError, TypeError) as error:
                reasons.append(f"{group.rstrip('/')}/{name}: {error}")
    if not spectra:
        got = reasons[0] if reasons else "no arrays"
        raise refusal(path, expected="an array with an energy dimension", got=got)
    return Reading(spectra, notes, stored_by_us=ours)


def read_peaks(path: str | Path) -> xr.Dataset:
    """Read peaks that `write` has stored as netCDF or zarr.

    Parameters
    ----------
    path : path
        File, or folder of a zarr store.

    Returns
    -------
    Dataset
        Equal to the one that was written; lazy where it is large.

    Raises
    ------
    ReadError
        Where there are no peaks in it.
    """
    path = Path(path)
    if not path.exists():
        raise refusal(path, expected="a file", got="nothing of this name")
    if not is_zarr(path) and (path.is_dir() or not sniff(read_head(path))):
        raise refusal(
            path,
            expected="a netCDF file or a zarr store with peaks",
            got="something else",
            advice="write(peaks, 'peaks.nc') makes one",
        )
    found = [data for _, data in _datasets(path) if _is_peaks(data)]
    if len(found) != 1:
        raise refusal(path, expected="one set of peaks", got=f"{len(found)}")
    return found[0]


def _is_peaks(data: xr.Dataset) -> bool:
    """Whether a Dataset holds fitted peaks."""
    return "peak" in data.dims and "center" in data and "line_shape" in data.attrs


def _datasets(path: Path) -> Iterator[tuple[str, xr.Dataset]]:
    """Open all groups of a store, large ones lazily."""
    if is_zarr(path):
        kind, engine, groups = "a zarr store", "zarr", zarr_groups(path)
    elif read_head(path).startswith(HDF5_MAGIC):
        kind, engine, groups = "an HDF5 or netCDF file", "h5netcdf", hdf5_groups(path)
    else:
        kind, engine, groups = "a netCDF 3 file", "scipy", netcdf3_groups(path)
    for group in groups:
        try:
            data = _open(path, engine, group)
        except ReadError:
            raise
        except Exception as error:
            # xarray and its backends raise many kinds of exceptions on damaged files.
            raise damaged(path, kind, error) from error
        data.attrs = {key: _plain(value) for key, value in data.attrs.items()}
        yield group, data


def _open(path: Path, engine: str, group: str) -> xr.Dataset:
    """Open one group; dask keeps what is large on disk."""
    options: dict[str, Any] = {"engine": engine, "decode_timedelta": False}
    if engine == "h5netcdf":
        options |= {"group": group, "phony_dims": "sort"}
    elif engine == "zarr":
        options |= {"group": group, "backend_kwargs": {"consolidated": False}}
    data = xr.open_dataset(str(path), **options)
    if data.nbytes > LAZY_BYTES:
        # Whole spectra in every chunk: all that follows works spectrum by spectrum.
        chunks = {dim: -1 if _is_energy(data, str(dim)) else "auto" for dim in data.dims}
        data.close()
        return xr.open_dataset(str(path), chunks=chunks, **options)
    try:
        return data.load()
    finally:
        data.close()


def _is_energy(data: xr.Dataset, dim: str) -> bool:
    """Whether a dimension is named or measured as energies are."""
    units = data[dim].attrs.get("units", "") if dim in data.coords else ""
    return dim == "energy" or str(units).lower() == "ev"


def _spectra(array: xr.DataArray, group: str, notes: list[str]) -> xr.DataArray:
    """Bring one array into the common form, or say why it holds no spectra."""
    attrs = {key: _plain(value) for key, value in array.attrs.items()}
    name = attrs.pop(NAME_ATTR, None)
    if name is None:
        name = "" if str(array.name) in _NO_NAMES else str(array.name)
    array = array.copy(deep=False)
    array.attrs, array.name = attrs, name or None
    array = _binding_below_fermi(array, notes)
    try:
        return check_spectra(array)
    except ValueError:
        if "scale" in attrs:
            raise
    # Check all but the scale, which the caller may tell.
    checked = check_spectra(array.assign_attrs(scale="binding"))
    del checked.attrs["scale"]
    return checked


def _binding_below_fermi(array: xr.DataArray, notes: list[str]) -> xr.DataArray:
    """Turn energies below the Fermi level ("eV", negative: PyARPES) into binding energies."""
    for dim in array.dims:
        if str(dim).lower() != "ev" or "scale" in array.attrs or dim not in array.coords:
            continue
        energy = array[dim].values
        if energy.dtype.kind == "f" and np.nanmedian(energy) < 0:
            notes.append(
                f"the dimension {dim!r} counts energies from the Fermi level: their negative is "
                f"taken for the binding energy"
            )
            return array.assign_coords({dim: -energy}).assign_attrs(scale="binding")
    return array


def _plain(value: Any) -> Any:
    """Turn an attribute of a store into plain Python."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value if isinstance(value, str | int | float | list | tuple) else str(value)
