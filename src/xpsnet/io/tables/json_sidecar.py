"""What tables of numbers cannot hold of a spectrum, as JSON beside them: name, attributes, axes.

A csv file holds it in lines above the table, `# attributes: {"n_scans": 3}`, a workbook in the
cells of a sheet of its own.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.plain_values import plain_object

Description = dict[str, Any]

_CELL = 30_000  # characters
_MAX_LINES = 10  # above a table
# What spreadsheets take for the beginning of a formula, in Latin and in wide letters.
_FORMULA = re.compile(r"[\s'\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
_AFTER_SEPARATOR = re.compile(r"([;|\t\r\n]\s*)([=+\-@\uff1d\uff0b\uff0d\uff20])")
_FORMULA_SIGN = re.compile(r"((?:^\"|[,;|]|\\[tnr])[\s'\"]*)([=+\-@\uff1d\uff0b\uff0d\uff20])")
_TEXT_IN_JSON = re.compile(r'"(?:[^"\\]|\\.)*"')
_DAMAGED = object()
KEYS = ("name", "shape", "attributes", "coordinates")
_DTYPES = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
           "float16", "float32", "float64", "datetime64[ns]", "timedelta64[ns]"}  # fmt: skip


def describe(array: xr.DataArray) -> Description:
    """Describe a spectrum, energy last, but for its energies and counts.

    Parameters
    ----------
    array : DataArray, shape (..., energy)

    Returns
    -------
    dict
        Plain numbers, texts, lists and dicts.
    """
    coordinates = {
        str(name): variable_entry(coord.variable, with_data=name != "energy")
        for name, coord in array.coords.items()
    }
    return {
        "name": None if array.name is None else str(array.name),
        "shape": {str(dim): n for dim, n in array.sizes.items() if dim != "energy"},
        "attributes": plain(array.attrs),
        "coordinates": coordinates,
    }


def variable_entry(variable: xr.Variable, *, with_data: bool = True) -> dict[str, Any]:
    """Dimensions, attributes and values of a variable as plain objects."""
    stored: dict[str, Any] = {"dims": list(map(str, variable.dims)), "attrs": plain(variable.attrs)}
    kind = {"M": "datetime64[ns]", "m": "timedelta64[ns]"}.get(variable.dtype.kind)
    stored["dtype"] = kind or (variable.dtype.name if variable.dtype.name in _DTYPES else "str")
    if with_data:
        values = variable.values
        stored["data"] = plain_object(values.astype(kind).astype(np.int64) if kind else values)
    return stored


def variable_of(stored: Any) -> xr.Variable:
    """Variable of an entry that `variable_entry` has made.

    Raises
    ------
    ValueError, TypeError, KeyError, OverflowError
        If it is damaged.
    """
    dtype = stored["dtype"]
    if dtype == "str":
        # Texts of different length must not take the room of the longest one each.
        values = np.array(stored["data"], dtype=object)
    elif dtype not in _DTYPES:
        raise ValueError(f"expected a type of numbers, got {str(dtype)[:40]!r}")
    elif dtype.endswith("[ns]"):
        values = np.array(stored["data"], dtype=np.int64).astype(dtype)
    else:
        with np.errstate(all="ignore"):  # damaged numbers overflow
            values = np.array(stored["data"], dtype=dtype)
    return xr.Variable(stored["dims"], values, stored["attrs"])


def plain(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes as JSON holds them; None left out, anything odd as text."""
    return {str(name): plain_object(v) for name, v in attrs.items() if v is not None}


def restored(array: xr.DataArray, stored: Description) -> xr.DataArray:
    """Give the spectra of a table what their description states.

    Raises
    ------
    ValueError
        If the description is damaged, or one of another table.
    """
    try:
        shape, coordinates = dict(stored["shape"]), dict(stored["coordinates"])
        energy = coordinates.pop("energy", {"attrs": {}})
        coords = {name: variable_of(one) for name, one in coordinates.items()}
        coords["energy"] = xr.Variable(("energy",), array["energy"].values, energy["attrs"])
        values = array.values.reshape(*shape.values(), -1)
        attrs, name = dict(stored["attributes"]), stored["name"]
        if not isinstance(name, str | None):
            raise TypeError("no name")
        return xr.DataArray(values, coords, (*shape, "energy"), name, attrs)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"{type(error).__name__}: {str(error)[:100]}") from error


def to_lines(stored: Description) -> list[str]:
    """Lines that are above a table.

    A spreadsheet divides them at commas, and would take what follows one for a formula if it
    begins with = + - @. Inside texts these signs are written as JSON writes any sign, by number.
    """
    lines = (f"# {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in stored.items())
    return [_TEXT_IN_JSON.sub(lambda text: _FORMULA_SIGN.sub(_by_number, text[0]), one)
            for one in lines]  # fmt: skip


def _by_number(sign: re.Match[str]) -> str:
    """A sign as JSON writes it by its number."""
    return f"{sign[1]}\\u{ord(sign[2]):04x}"


def no_formula(cell: Any) -> Any:
    """Cell of a csv file that no spreadsheet takes for a formula.

    A text that begins with = + - @ gets an apostrophe in front, by which spreadsheets mark texts;
    so does what follows a sign at which spreadsheets of other countries divide lines.
    """
    if not isinstance(cell, str):
        return cell
    cell = _AFTER_SEPARATOR.sub(r"\1'\2", cell)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def from_lines(lines: Iterable[str], keys: Collection[str] = KEYS) -> Description | None:
    """Description in the lines above a table; None if not all of its keys are there."""
    found = {}
    for line in lines:
        key, colon, text = line.removeprefix("#").strip().partition(":")
        if line.startswith("#") and colon and key in keys:
            found[key] = parsed(text)
    return found if set(found) == set(keys) else None


def first_row(text: str) -> str:
    """First line of a text that is no description."""
    lines = text.split("\n", _MAX_LINES)[:_MAX_LINES]
    return next((line.rstrip() for line in lines if not line.startswith("# ")), "")


def to_cells(stored: Description) -> Iterator[list[str]]:
    """Rows of cells for a workbook, a key and its value in as many cells as it needs."""
    for key, value in stored.items():
        # Other than a text file, a cell holds no odd signs.
        text = json.dumps(value)
        yield [key, *(text[i : i + _CELL] for i in range(0, len(text), _CELL))]


def from_cells(
    rows: Iterable[Sequence[object]], keys: Collection[str] = KEYS
) -> dict[str, Description]:
    """Descriptions by the titles of sheets, of rows that begin with the title."""
    found: dict[str, Description] = {}
    for title, key, *texts in (row for row in rows if len(row) > 2):
        if key in keys:
            found.setdefault(str(title), {})[str(key)] = parsed("".join(map(str, texts)))
    return {title: stored for title, stored in found.items() if set(stored) == set(keys)}


def parsed(text: str) -> Any:
    """Value of a JSON text; one that fits nowhere where it is damaged."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _DAMAGED
