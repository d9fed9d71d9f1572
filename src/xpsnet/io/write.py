"""Writing spectra and peaks: netCDF, zarr, NeXus, Excel, VAMAS and csv, by extension."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.arguments import WrongTypeError, array, check, optional, shown
from xpsnet.arguments import path as path_rule
from xpsnet.data.spectrum import check_spectra
from xpsnet.io.common.atomic_write import (
    describing_failure,
    write_file,
    write_folder,
)
from xpsnet.io.common.free_memory import free_memory
from xpsnet.io.common.paths import check_place
from xpsnet.io.common.storable_data import check_storable
from xpsnet.io.stores.attributes import (
    COORDS_ATTR,
    NAME_ATTR,
    VERSION_ATTR,
    counts_name,
    storable,
)
from xpsnet.io.stores.nexus_writer import nexus_bytes
from xpsnet.io.stores.zarr_writer import write_groups
from xpsnet.io.tables.csv import spectra_csv
from xpsnet.io.tables.excel_writer import excel_bytes
from xpsnet.io.tables.peak_set import peak_set_text
from xpsnet.io.tables.peaks_table import peaks_csv
from xpsnet.io.vamas.writer import vamas_text

Spectra = list[xr.DataArray]


Content = Spectra | xr.Dataset
Bytes = bytes | memoryview
Fits = Sequence[xr.Dataset | None]
Beside = xr.DataArray | Fits | None
# Bytes of a file with spectra or peaks, and with the spectra or peaks that belong to them.
FileMaker = Callable[[Content, Any], Bytes]
# Writes them into an empty folder instead.
FolderFiller = Callable[[Content, Path], None]

# Memory that a file takes while it is made, per byte of its numbers: HDF5 holds them as they are,
# the rows of a table hold an object of Python for each.
_HELD = 2
_HELD_IN_TABLES = 8
_HELD_BESIDE = 16 << 20  # [bytes]


def write(
    data: xr.DataArray | Sequence[xr.DataArray] | xr.Dataset,
    path: str | os.PathLike[str],
    *,
    spectra: xr.DataArray | None = None,
    peaks: Fits | None = None,
    dim: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write spectra or peaks to a file whose extension names the format.

    `read` gives back exactly the spectra that were written, `read_fit` the peaks; what a format
    cannot give back is refused. Of attributes, None is left out, and what is no number, text, list
    or dict of such becomes a text. Csv and Excel files also serve people and spreadsheets as
    tables: one row per peak and spectrum, with errors, status and units; in Excel also the curves.
    No cell is a formula: in csv, a text that begins with = + - @ gets an apostrophe in front.
    VAMAS stores the energies, counts and settings of spectra, and peaks as components that CasaXPS
    shows.

    The file appears only when it is complete: where the disk is full, the folder is read-only or
    a network drive is lost, an older file of this name stays as it is, and nothing is left beside
    it. A file that exists is replaced only with `overwrite=True`. Files are made in memory; .zarr,
    a folder, is written piece by piece.

    Parameters
    ----------
    data : DataArray, sequence of DataArray, or Dataset
        Spectra, or peaks as `predict`, `refine` and `fit` return them. Lazy data may be larger
        than the memory for .zarr only.
    path : path
        Ends with .nc, .nc4, .h5 or .hdf5 (all netCDF 4), .zarr, .nxs, .xlsx, .vms or .csv; or
        .json for one peak set, the peaks of one spectrum with their locks, limits and links.
    spectra : DataArray, optional
        The spectra that the peaks were fitted to, to be stored with the peaks: optional for NeXus
        and Excel, required for VAMAS.
    peaks : sequence of Dataset or None, optional
        For VAMAS with several regions in one file: the peaks of each of the spectra in `data`, None
        where one was not fitted.
    dim : str, optional
        Dimension of the spectra that holds the energies. By default it is found by its name or
        units. The file names it "energy".
    overwrite : bool
        Whether to replace a file of this name.

    Raises
    ------
    TypeError
        If `data` is neither spectra nor peaks.
    ValueError
        If the extension is unknown, the data cannot be stored, or they do not fit in the memory.
    FileExistsError
        If a file of this name exists, and `overwrite` is False.
    FileNotFoundError
        If the folder does not exist.
    OSError
        If the system does not let it be written: `errno` tells why.

    See Also
    --------
    read, read_one : read spectra.
    read_fit : read peaks.

    Examples
    --------
    >>> import os, tempfile, xpsnet
    >>> path = os.path.join(tempfile.mkdtemp(), "line scan.nc")
    >>> spectra = xpsnet.sample("line_scan")
    >>> xpsnet.write(spectra, path)
    >>> xpsnet.read_one(path).identical(spectra)
    True
    """
    check(locals(), path=path_rule, spectra=optional(array))
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"expected a file name that ends with one of {', '.join(SUFFIXES)}, got "
            f"{path.name!r}; add the extension of the format"
        )
    content = _checked(data, dim, suffix)
    fitted = None if spectra is None else _usual_floats(check_spectra(spectra, dim=dim))
    if fitted is not None:
        check_storable(fitted, suffix)
    if spectra is not None and not (suffix in _WITH_SPECTRA and isinstance(data, xr.Dataset)):
        raise ValueError(
            f"expected spectra= only with peaks for .nxs, .xlsx or .vms, got {path.name!r}; write "
            f"the spectra to a separate file"
        )
    if peaks is not None and (isinstance(data, xr.Dataset) or suffix not in _VAMAS):
        raise ValueError(
            f"expected peaks= only with a list of spectra for .vms, got peaks={shown(peaks)} for "
            f"{path.name!r}; see spectra="
        )
    if peaks is not None and not isinstance(peaks, list | tuple):
        raise WrongTypeError(f"expected a list of peaks, got peaks={shown(peaks)}; pass [peaks]")
    if peaks is not None and len(peaks) != len(content):
        raise ValueError(
            f"expected peaks or None for each of {len(content)} arrays of spectra, got {len(peaks)}"
        )
    beside = fitted if peaks is None else peaks
    with describing_failure(path):
        check_place(path, overwrite=bool(overwrite))
        if suffix in FOLDERS:
            write_folder(path, lambda folder: FOLDERS[suffix](content, folder))
        else:
            write_file(path, _in_memory(suffix, content, beside))


def _in_memory(suffix: str, content: Content, beside: Beside) -> Bytes:
    """Bytes of a file, made in memory.

    HDF5 ends the whole process where it cannot write its last bytes to a disk. It does the same
    where the memory ends, so that what it takes is asked for before.
    """
    parts = [content] if isinstance(content, xr.Dataset) else content
    others = [beside] if isinstance(beside, xr.DataArray) else beside or []
    size = sum(_size(one) for one in (*parts, *others) if one is not None)
    needed = size * (_HELD_IN_TABLES if suffix in _TABLES else _HELD) + _HELD_BESIDE
    if needed > (free := free_memory()):
        raise _too_large(suffix, f"{_gigabytes(size)} with {_gigabytes(free)} free")
    try:
        np.empty(needed, np.uint8)  # given back at once; refused where a limit of the user ends
        return FILES[suffix](content, beside)
    except MemoryError as error:
        got = f"{_gigabytes(size)}, more than this process is given"
        raise _too_large(suffix, got) from error


def _too_large(suffix: str, got: str) -> ValueError:
    """Error that names the format without this limit."""
    return ValueError(
        f"expected data that fit in the memory for {suffix}, got {got}; write .zarr, which takes "
        f"them piece by piece"
    )


def _size(data: xr.DataArray | xr.Dataset) -> int:
    """Size of all variables [bytes]."""
    variables = data.variables if isinstance(data, xr.Dataset) else data.coords
    beside = 0 if isinstance(data, xr.Dataset) else data.nbytes
    return beside + sum(one.nbytes for one in variables.values())


def _gigabytes(size: int) -> str:
    """Size for people."""
    return f"{size / 1e9:.3g} GB"


def _checked(data: Any, dim: str | None, suffix: str) -> Content:
    """Return peaks as they are, and spectra as a list."""
    if isinstance(data, xr.Dataset):
        if "center" in data and "peak" in data.dims:
            check_storable(data, suffix)
            return data
        raise WrongTypeError(
            f"expected peaks, got a Dataset with {list(data.data_vars)}; write its DataArrays "
            f"of spectra instead: write([ds[name] for name in ds], path)"
        )
    if not isinstance(data, xr.DataArray | list | tuple):
        raise WrongTypeError(
            f"expected an xarray.DataArray of spectra, a list of them or a Dataset of peaks, got "
            f"{type(data).__name__}; xpsnet.read gives spectra, xpsnet.fit peaks"
        )
    spectra = [data] if isinstance(data, xr.DataArray) else list(data)
    if not spectra:
        raise ValueError("expected at least one spectrum, got an empty list; pass spectra")
    spectra = [_usual_floats(check_spectra(one, dim=dim)) for one in spectra]
    for one in spectra:
        check_storable(one, suffix)
    return spectra


def _usual_floats(spectra: xr.DataArray) -> xr.DataArray:
    """Spectra without numbers of more than 64 bits, which files do not have."""
    long = spectra.dtype.kind == "f" and spectra.dtype.itemsize > 8
    return spectra.astype(np.float64) if long else spectra


def _netcdf_bytes(content: Content, _: xr.DataArray | None) -> Bytes:
    """One group per spectrum, or the root for a single one and for peaks."""
    groups = _groups(content)
    whole = groups["/"] if len(groups) == 1 else xr.DataTree.from_dict(groups)
    made: Bytes = whole.to_netcdf(engine="h5netcdf")
    return made


def _fill_zarr(content: Content, folder: Path) -> None:
    """Write the same groups as for netCDF."""
    write_groups(_groups(content), folder)


def _groups(content: Content) -> dict[str, xr.Dataset]:
    """Dataset of each group of a store."""
    if isinstance(content, xr.Dataset):
        return {"/": stored_form(content)}
    if len(content) == 1:
        return {"/": _as_dataset(content[0])}
    root = xr.Dataset(attrs={VERSION_ATTR: _version()})
    parts = {f"/spectra_{i:04d}": _as_dataset(spectra) for i, spectra in enumerate(content)}
    return {"/": root, **parts}


def _as_dataset(spectra: xr.DataArray) -> xr.Dataset:
    """Put spectra into a Dataset; names such as "In 3d5/2" are no names of variables."""
    name = "" if spectra.name is None else str(spectra.name)
    named = spectra.rename(counts_name(spectra)).assign_attrs({NAME_ATTR: name})
    return _listed(_storable(named.to_dataset())).assign_attrs({VERSION_ATTR: _version()})


def stored_form(peaks: xr.Dataset) -> xr.Dataset:
    """Peaks as netCDF and zarr hold them; `read_fit` gives back the same."""
    return _listed(_storable(peaks))


def _listed(data: xr.Dataset) -> xr.Dataset:
    """List coordinates with a blank in their name in an attribute, as netCDF cannot mark them."""
    odd = [str(name) for name in data.coords if " " in str(name) and name not in data.dims]
    return data.reset_coords(odd).assign_attrs({COORDS_ATTR: odd}) if odd else data


def _storable(data: xr.Dataset) -> xr.Dataset:
    """Copy with attributes that all stores hold, and without the encoding of an older file."""
    odd = [str(name) for name in (*data.variables, *data.dims) if "/" in str(name)]
    if odd:
        raise ValueError(
            f"expected names of coordinates without a slash, got {odd[0]!r}; rename it: "
            f"spectra.rename({{{odd[0]!r}: {odd[0].replace('/', '_')!r}}})"
        )
    data = data.drop_encoding()
    data.attrs = storable(data.attrs)
    data.attrs.setdefault(VERSION_ATTR, _version())
    for variable in data.variables.values():
        variable.attrs = storable(variable.attrs)
    return data


def _version() -> str:
    """Version of this library."""
    from xpsnet import __version__

    return str(__version__)


def _csv_bytes(content: Content, _: xr.DataArray | None) -> Bytes:
    """Tables."""
    text = peaks_csv(content) if isinstance(content, xr.Dataset) else spectra_csv(content)
    # What UTF-8 cannot hold is written as JSON writes it.
    return text.encode("utf-8", errors="backslashreplace")


def _peak_set_bytes(content: Content, _: xr.DataArray | None) -> Bytes:
    """One peak set."""
    if not isinstance(content, xr.Dataset):
        raise ValueError("expected peaks for .json, got spectra; write them as .nc")
    return peak_set_text(content).encode("utf-8", errors="backslashreplace")


def _nexus_bytes(content: Content, spectra: xr.DataArray | None) -> Bytes:
    """Entries of NeXus, with attributes that HDF5 holds."""
    if isinstance(content, xr.Dataset):
        content = _storable(content)
    else:
        content = [_storable_array(one) for one in content]
    spectra = None if spectra is None else _storable_array(spectra)
    return nexus_bytes(content, spectra, _version())


def _storable_array(spectra: xr.DataArray) -> xr.DataArray:
    """Copy with attributes that all stores hold."""
    name = counts_name(spectra)
    stored = _storable(spectra.rename(name).to_dataset())
    return stored[name].rename(spectra.name)


def _vamas_bytes(content: Content, beside: Any) -> Bytes:
    """VAMAS; peaks as CasaXPS components of their spectra."""
    if not isinstance(content, xr.Dataset):
        return vamas_text(content, beside).encode("utf-8")
    if beside is None:
        raise ValueError(
            "expected the spectra that the peaks belong to, which VAMAS stores with them; do "
            "write(peaks, path, spectra=spectra)"
        )
    return vamas_text([beside], [content]).encode("utf-8")


FILES: dict[str, FileMaker] = {
    ".nc": _netcdf_bytes,
    ".nc4": _netcdf_bytes,
    ".h5": _netcdf_bytes,
    ".hdf5": _netcdf_bytes,
    ".nxs": _nexus_bytes,
    ".xlsx": excel_bytes,
    ".vms": _vamas_bytes,
    ".vamas": _vamas_bytes,
    ".csv": _csv_bytes,
    ".json": _peak_set_bytes,
}
FOLDERS: dict[str, FolderFiller] = {".zarr": _fill_zarr}
SUFFIXES = (*FILES, *FOLDERS)
_WITH_SPECTRA = (".nxs", ".xlsx", ".vms", ".vamas")
_VAMAS = (".vms", ".vamas")
_TABLES = (".xlsx", ".vms", ".vamas", ".csv")
