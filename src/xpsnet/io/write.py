"""Writing spectra and peaks: netCDF, zarr, NeXus, Excel, VAMAS and csv, by extension."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.data.spectrum import check_spectra
from xpsnet.io.stores.attributes import (
    COORDS_ATTR,
    HDF5_MAGIC,
    NAME_ATTR,
    VERSION_ATTR,
    counts_name,
    is_zarr,
)
from xpsnet.io.stores.nexus_writer import write_nexus
from xpsnet.io.tables.csv import is_our_csv, spectra_csv
from xpsnet.io.tables.excel_writer import is_our_workbook, write_excel
from xpsnet.io.tables.peaks_table import peaks_csv
from xpsnet.io.vamas.writer import is_our_vamas, write_vamas

Spectra = list[xr.DataArray]


Content = Spectra | xr.Dataset
# Writes spectra or peaks to a path, with the spectra that the peaks were fitted to.
Writer = Callable[[Content, Path, xr.DataArray | None], None]


def write(
    data: xr.DataArray | Sequence[xr.DataArray] | xr.Dataset,
    path: str | os.PathLike[str],
    *,
    spectra: xr.DataArray | None = None,
    dim: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write spectra or peaks to a file whose extension names the format.

    `read` gives back exactly the spectra that were written, `read_fit` the peaks. Csv and Excel
    files also serve people and spreadsheets as tables: one row per peak and spectrum, with
    errors, status and units; in Excel also the curves. VAMAS stores the energies, counts and
    settings of spectra, and peaks as components that CasaXPS shows.

    The file appears only when it is complete. A file that xpsnet has written is replaced; any
    other file of this name, such as measured data, is not touched.

    Parameters
    ----------
    data : DataArray, sequence of DataArray, or Dataset
        Spectra, or peaks as `predict`, `refine` and `fit` return them. Lazy data are streamed
        to netCDF, zarr and NeXus.
    path : path
        Ends with .nc, .nc4, .h5 or .hdf5 (all netCDF 4), .zarr, .nxs, .xlsx, .vms or .csv.
    spectra : DataArray, optional
        The spectra that the peaks were fitted to, to be stored with the peaks: optional for NeXus
        and Excel, required for VAMAS.
    dim : str, optional
        Dimension of the spectra that holds the energies. By default it is found by its name or
        units. The file names it "energy".
    overwrite : bool
        Whether to replace any file of this name.

    Raises
    ------
    TypeError
        If `data` is neither spectra nor peaks.
    ValueError
        If the extension is unknown, or the data cannot be stored.
    FileExistsError
        If a file of this name exists that xpsnet has not written.
    FileNotFoundError
        If the folder does not exist.

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
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ValueError(
            f"expected a file name that ends with one of {', '.join(_WRITERS)}, got "
            f"{path.name!r}; add the extension of the format"
        )
    content = _checked(data, dim)
    fitted = None if spectra is None else check_spectra(spectra, dim=dim)
    if spectra is not None and not (writer in _WITH_SPECTRA and isinstance(data, xr.Dataset)):
        raise ValueError(
            f"expected spectra= only with peaks for .nxs, .xlsx or .vms, got {path.name!r}; write "
            f"the spectra to a separate file"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"expected an existing folder, got {str(path.parent)!r}; create it")
    if path.exists() and not overwrite and not _is_ours(path):
        raise FileExistsError(
            f"expected a new file, got {path}, which xpsnet has not written; choose another name, "
            f"or pass overwrite=True"
        )
    _replace(path, lambda target: writer(content, target, fitted))


def _checked(data: Any, dim: str | None) -> Content:
    """Return peaks as they are, and spectra as a list."""
    if isinstance(data, xr.Dataset):
        if "center" in data and "peak" in data.dims:
            _check_coordinates(data)
            return data
        raise TypeError(
            f"expected peaks, got a Dataset with {list(data.data_vars)}; write its DataArrays "
            f"of spectra instead: write([ds[name] for name in ds], path)"
        )
    spectra = [data] if isinstance(data, xr.DataArray) else list(data)
    if not spectra:
        raise ValueError("expected at least one spectrum, got an empty list")
    spectra = [check_spectra(one, dim=dim) for one in spectra]
    for one in spectra:
        _check_coordinates(one)
    return spectra


def _check_coordinates(data: xr.DataArray | xr.Dataset) -> None:
    """Refuse a multi-index."""
    if any(type(index).__name__ == "PandasMultiIndex" for index in data.xindexes.values()):
        raise ValueError(
            "expected plain coordinates, got a multi-index, which files cannot hold; do "
            "spectra.reset_index(...) first"
        )


def _replace(path: Path, write_to: Callable[[Path], None]) -> None:
    """Write beside the target, then put the complete result in its place."""
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        target = folder / path.name
        write_to(target)
        if path.is_dir() or (path.exists() and target.is_dir()):
            # A folder cannot be replaced in one step: what was there waits beside the new.
            path.rename(folder / "old")
        target.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    """Whether xpsnet has written a file, so that a new result may take its place."""
    if path.is_dir():
        marked = (path / name for name in (".zattrs", "zarr.json", ".zmetadata"))
        return is_zarr(path) and any(_mentions(file, VERSION_ATTR.encode()) for file in marked)
    with path.open("rb") as file:
        head = file.read(200)
    if head.startswith(HDF5_MAGIC):
        return _hdf5_is_ours(path)
    if head.startswith(b"PK"):
        return is_our_workbook(path)
    return not head or is_our_csv(path) or is_our_vamas(path)


def _mentions(file: Path, word: bytes) -> bool:
    """Whether a small file contains a word."""
    return file.is_file() and file.stat().st_size < 10_000_000 and word in file.read_bytes()


def _hdf5_is_ours(path: Path) -> bool:
    """Whether an HDF5 file carries our mark."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return VERSION_ATTR in file.attrs
    except OSError:
        return False


def _write_netcdf(content: Content, path: Path, _: xr.DataArray | None) -> None:
    """Write one group per spectrum, or the root for a single one and for peaks."""
    for mode, group, data in _groups(content):
        data.to_netcdf(path, mode=mode, group=group, engine="h5netcdf")


def _write_zarr(content: Content, path: Path, _: xr.DataArray | None) -> None:
    """Write the same groups as for netCDF, in zarr format 2, which knows texts of fixed length."""
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise ValueError(
            "expected the package zarr, to write .zarr, got no such package; pip install "
            "napari-xpsnet[zarr], or write .nc"
        ) from error
    for mode, group, data in _groups(content):
        data = data.unify_chunks()
        if data.chunks:
            # Zarr chunks are all of one size.
            data = data.chunk({dim: max(sizes) for dim, sizes in data.chunks.items()})
        data.to_zarr(path, mode=mode, group=group, zarr_format=2, consolidated=True)


def _groups(content: Content) -> Any:
    """Mode, group and Dataset for each part of the content."""
    if isinstance(content, xr.Dataset):
        return [("w", None, _listed(_storable(content)))]
    if len(content) == 1:
        return [("w", None, _as_dataset(content[0]))]
    root = xr.Dataset(attrs={VERSION_ATTR: _version()})
    parts = [("a", f"spectra_{i:04d}", _as_dataset(spectra)) for i, spectra in enumerate(content)]
    return [("w", None, root), *parts]


def _as_dataset(spectra: xr.DataArray) -> xr.Dataset:
    """Put spectra into a Dataset; names such as "In 3d5/2" are no names of variables."""
    name = "" if spectra.name is None else str(spectra.name)
    named = spectra.rename(counts_name(spectra)).assign_attrs({NAME_ATTR: name})
    return _listed(_storable(named.to_dataset())).assign_attrs({VERSION_ATTR: _version()})


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
    data.attrs = _plain(data.attrs)
    data.attrs.setdefault(VERSION_ATTR, _version())
    for variable in data.variables.values():
        variable.attrs = _plain(variable.attrs)
    return data


def _plain(attrs: dict[Any, Any]) -> dict[Any, Any]:
    """Attributes that files hold: None left out, anything odd as text."""
    kept: dict[Any, Any] = {}
    for key, value in attrs.items():
        if isinstance(value, bool | np.bool_):
            kept[key] = int(value)
        elif isinstance(value, str | int | float | np.number | np.ndarray):
            kept[key] = value
        elif isinstance(value, list | tuple) and all(
            isinstance(item, str | int | float | np.number) for item in value
        ):
            kept[key] = list(value)
        elif value is not None:
            kept[key] = str(value)
    return kept


def _version() -> str:
    """Version of this library."""
    from xpsnet import __version__

    return str(__version__)


def _write_csv(content: Content, path: Path, _: xr.DataArray | None) -> None:
    """Write tables."""
    if isinstance(content, xr.Dataset):
        peaks_csv(content, path)
    else:
        spectra_csv(content, path)


def _write_nexus(content: Content, path: Path, spectra: xr.DataArray | None) -> None:
    """Write entries of NeXus, with attributes that HDF5 holds."""
    if isinstance(content, xr.Dataset):
        content = _storable(content)
    else:
        content = [_storable_array(one) for one in content]
    spectra = None if spectra is None else _storable_array(spectra)
    write_nexus(content, path, spectra, _version())


def _storable_array(spectra: xr.DataArray) -> xr.DataArray:
    """Copy with attributes that all stores hold."""
    name = counts_name(spectra)
    stored = _storable(spectra.rename(name).to_dataset())
    return stored[name].rename(spectra.name)


def _write_vamas(content: Content, path: Path, spectra: xr.DataArray | None) -> None:
    """Write VAMAS; peaks as CasaXPS components of their spectra."""
    if not isinstance(content, xr.Dataset):
        write_vamas(path, content)
    elif spectra is not None:
        write_vamas(path, [spectra], content)
    else:
        raise ValueError(
            "expected the spectra that the peaks belong to, which VAMAS stores with them; do "
            "write(peaks, path, spectra=spectra)"
        )


_WRITERS: dict[str, Writer] = {
    ".nc": _write_netcdf,
    ".nc4": _write_netcdf,
    ".h5": _write_netcdf,
    ".hdf5": _write_netcdf,
    ".zarr": _write_zarr,
    ".nxs": _write_nexus,
    ".xlsx": write_excel,
    ".vms": _write_vamas,
    ".vamas": _write_vamas,
    ".csv": _write_csv,
}
_WITH_SPECTRA = (_write_nexus, write_excel, _write_vamas)
