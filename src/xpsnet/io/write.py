"""Writing spectra and peaks: netCDF, zarr and csv, by extension."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io._csv import is_our_csv, peaks_csv, spectra_csv
from xpsnet.io._store import NAME_ATTR, VERSION_ATTR
from xpsnet.io._stored import HDF5_MAGIC, is_zarr
from xpsnet.spectrum import check_spectra

Spectra = list[xr.DataArray]


def write(
    data: xr.DataArray | Sequence[xr.DataArray] | xr.Dataset,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> None:
    """Write spectra or peaks to a file whose extension names the format.

    `read` and `read_peaks` give back from netCDF and zarr exactly what was written. A csv of
    spectra keeps energies, counts, name, units, scale, photon energy and the numbers along the
    other dimensions; a csv of peaks is a table for people and spreadsheets, one row per peak
    and spectrum, with errors, status and units.

    The file appears when it is complete. Files that xpsnet has written are replaced; any other
    file of this name, such as measured data, is left alone.

    Parameters
    ----------
    data : DataArray, sequence of DataArray, or Dataset
        Spectra, or peaks as `predict`, `refine` and `fit` return them. Lazy data are streamed
        to netCDF and zarr.
    path : path
        Ends with .nc, .nc4, .h5 or .hdf5 (all netCDF 4), .zarr or .csv.
    overwrite : bool
        Replace any file of this name.

    Raises
    ------
    TypeError
        Where `data` is neither spectra nor peaks.
    ValueError
        Where the extension is unknown, or the data cannot be stored.
    FileExistsError
        Where a file is in the way that xpsnet has not written.
    """
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ValueError(
            f"expected a file name that ends with one of {', '.join(_WRITERS)}, got "
            f"{path.name!r}; add the extension of the format"
        )
    content = _checked(data)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"expected an existing folder, got {str(path.parent)!r}; create it")
    if path.exists() and not overwrite and not _is_ours(path):
        raise FileExistsError(
            f"expected a new file, got {path}, which xpsnet has not written; choose another name, "
            f"or say overwrite=True"
        )
    _replace(path, lambda target: writer(content, target))


def _checked(data: Any) -> Spectra | xr.Dataset:
    """Return peaks as they are, and spectra as a list."""
    if isinstance(data, xr.Dataset):
        if "center" in data and "peak" in data.dims:
            return data
        raise TypeError(
            f"expected peaks, got a Dataset with {list(data.data_vars)}; write its DataArrays "
            f"of spectra instead: write([ds[name] for name in ds], path)"
        )
    spectra = [data] if isinstance(data, xr.DataArray) else list(data)
    if not spectra:
        raise ValueError("expected at least one spectrum, got an empty list")
    return [check_spectra(one) for one in spectra]


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
    return not head or is_our_csv(path)


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


def _write_netcdf(content: Spectra | xr.Dataset, path: Path) -> None:
    """Write one group per spectrum, or the root for a single one and for peaks."""
    for mode, group, data in _groups(content):
        data.to_netcdf(path, mode=mode, group=group, engine="h5netcdf")


def _write_zarr(content: Spectra | xr.Dataset, path: Path) -> None:
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


def _groups(content: Spectra | xr.Dataset) -> Any:
    """Mode, group and Dataset for each part of the content."""
    if isinstance(content, xr.Dataset):
        return [("w", None, _storable(content))]
    if len(content) == 1:
        return [("w", None, _as_dataset(content[0]))]
    root = xr.Dataset(attrs={VERSION_ATTR: _version()})
    parts = [("a", f"spectra_{i:04d}", _as_dataset(spectra)) for i, spectra in enumerate(content)]
    return [("w", None, root), *parts]


def _as_dataset(spectra: xr.DataArray) -> xr.Dataset:
    """Put spectra into a Dataset; names such as "In 3d5/2" are no names of variables."""
    name = "" if spectra.name is None else str(spectra.name)
    named = spectra.rename("counts").assign_attrs({NAME_ATTR: name})
    return _storable(named.to_dataset()).assign_attrs({VERSION_ATTR: _version()})


def _storable(data: xr.Dataset) -> xr.Dataset:
    """Copy with attributes that all stores hold, and without the encoding of an older file."""
    data = data.drop_encoding()
    data.attrs = _plain(data.attrs)
    data.attrs.setdefault(VERSION_ATTR, _version())
    for variable in data.variables.values():
        variable.attrs = _plain(variable.attrs)
    indexes = {type(index).__name__ for index in data.xindexes.values()}
    if "PandasMultiIndex" in indexes:
        raise ValueError(
            "expected plain coordinates, got a multi-index, which files cannot hold; do "
            "spectra.reset_index(...) first"
        )
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


def _write_csv(content: Spectra | xr.Dataset, path: Path) -> None:
    """Write tables."""
    if isinstance(content, xr.Dataset):
        peaks_csv(content, path)
    else:
        spectra_csv(content, path)


_WRITERS: dict[str, Callable[[Spectra | xr.Dataset, Path], None]] = {
    ".nc": _write_netcdf,
    ".nc4": _write_netcdf,
    ".h5": _write_netcdf,
    ".hdf5": _write_netcdf,
    ".zarr": _write_zarr,
    ".csv": _write_csv,
}
