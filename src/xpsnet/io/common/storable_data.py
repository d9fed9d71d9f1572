"""What files cannot give back as it was is refused before anything is written."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

_TABLES = (".csv", ".xlsx")
_VAMAS = (".vms", ".vamas")


def check_storable(data: xr.DataArray | xr.Dataset, suffix: str) -> None:
    """Refuse data that a format cannot hold.

    Parameters
    ----------
    data : DataArray or Dataset
        Checked spectra, or peaks.
    suffix : str
        Of the file, for instance ".nc".

    Raises
    ------
    ValueError
        With what cannot be stored, and what to do.
    """
    if any(type(index).__name__ == "PandasMultiIndex" for index in data.xindexes.values()):
        raise ValueError(
            "expected plain coordinates, got a multi-index, which files cannot hold; do "
            "spectra.reset_index(...) first"
        )
    for what, text in _names(data):
        if suffix not in _TABLES and not _is_writable(text):
            raise ValueError(
                f"expected {what} without a zero byte or half a character, got {text!r}, which "
                f"{suffix} cannot hold; rename it"
            )
    for name, coordinate in data.coords.items():
        _check_coordinate(str(name), coordinate, suffix)
    if isinstance(data, xr.DataArray):
        _check_counts(data, suffix)


def _names(data: xr.DataArray | xr.Dataset) -> Iterator[tuple[str, str]]:
    """All names in the data, with what they are names of."""
    if isinstance(data, xr.DataArray):
        yield "a name of the spectra", str(data.name or "")
    yield from (("names of dimensions", str(name)) for name in data.dims)
    yield from (("names of coordinates", str(name)) for name in data.coords)


def _is_writable(text: str) -> bool:
    """Whether all files hold a text."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _check_coordinate(name: str, coordinate: xr.DataArray, suffix: str) -> None:
    """Refuse objects that are no texts, and texts that a store cannot hold."""
    kind = coordinate.dtype.kind
    if suffix in _VAMAS or kind in "biufMm" or (kind in "Sc" and suffix not in _TABLES):
        return
    values = np.ravel(coordinate.values).tolist()
    if kind not in "UT" and not all(isinstance(value, str) for value in values):
        found = next(type(value).__name__ for value in values if not isinstance(value, str))
        raise ValueError(
            f"expected numbers, times or texts in the coordinate {name!r}, got {found}, which "
            f"{suffix} cannot hold; drop that coordinate, or convert it: .astype(str)"
        )
    odd = [value for value in values if suffix not in _TABLES and not _is_writable(value)]
    if odd:
        raise ValueError(
            f"expected texts without a zero byte or half a character in the coordinate {name!r}, "
            f"got {odd[0][:40]!r}, which {suffix} cannot hold; replace it"
        )


def _check_counts(spectra: xr.DataArray, suffix: str) -> None:
    """Refuse counts that a table or VAMAS cannot hold."""
    if suffix in (*_TABLES, *_VAMAS) and spectra.size == 0:
        raise ValueError(
            f"expected at least one spectrum, got an array of the sizes {dict(spectra.sizes)}; "
            f"write .nc, which also holds empty arrays"
        )
