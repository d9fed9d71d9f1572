"""Values, attributes and small Datasets as JSON holds them, and back without loss."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

_TIMES = "mM"
_NUMBERS = "biuf"


def plain_value(value: Any, where: str) -> Any:
    """A value as JSON gives it back: numbers, texts, None, lists and mappings of such.

    Raises
    ------
    ValueError
        For anything else, with its place.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain_value(item, where) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain_value(item, f"{where}[{key!r}]") for key, item in value.items()}
    raise ValueError(
        f"expected a number, a text, or a list or mapping of such, got {type(value).__name__} for "
        f"{where}; convert it, or delete it"
    )


def plain_attrs(attrs: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """Attributes of spectra, peaks or variables for JSON."""
    return {
        str(key): plain_value(value, f"attrs[{key!r}] of {where}") for key, value in attrs.items()
    }


def plain_array(values: npt.NDArray[Any], where: str) -> dict[str, Any]:
    """An array as its type and a nested list.

    Raises
    ------
    ValueError
        Where it holds other things than numbers, times and texts.
    """
    kind = values.dtype.kind
    if kind == "U" or (kind == "O" and all(isinstance(one, str) for one in values.ravel())):
        return {"dtype": "str", "values": values.tolist()}
    if kind in _TIMES:
        return {"dtype": values.dtype.str, "values": values.astype(np.int64).tolist()}
    if kind in _NUMBERS:
        return {"dtype": values.dtype.name, "values": values.tolist()}
    raise ValueError(f"expected numbers or texts, got dtype {values.dtype} for {where}")


def array_of(found: Any) -> npt.NDArray[Any]:
    """The array that `plain_array` made.

    Raises
    ------
    ValueError, TypeError, KeyError
        Where this is no such mapping.
    """
    if found["dtype"] == "str":
        return np.array(found["values"], dtype=object)
    dtype = np.dtype(found["dtype"])
    if dtype.kind in _TIMES:
        return np.array(found["values"], dtype=np.int64).astype(dtype)
    if dtype.kind not in _NUMBERS:
        raise ValueError(f"expected a type of numbers, got {dtype}")
    return np.array(found["values"], dtype=dtype)


def plain_dataset(data: xr.Dataset) -> dict[str, Any]:
    """A small Dataset as mappings and lists."""

    def plain(names: Any) -> dict[str, Any]:
        found = {}
        for name in names:
            variable = data.variables[name]
            found[str(name)] = {
                "dims": [str(dim) for dim in variable.dims],
                **plain_array(np.asarray(variable.values), str(name)),
                "attrs": plain_attrs(variable.attrs, str(name)),
            }
        return found

    return {
        "data_vars": plain(data.data_vars),
        "coords": plain(data.coords),
        "attrs": plain_attrs(data.attrs, "the peaks"),
    }


def dataset_of(found: Any) -> xr.Dataset:
    """The Dataset that `plain_dataset` made.

    Raises
    ------
    ValueError, TypeError, KeyError
        Where this is no such mapping.
    """

    def variables(part: Any) -> dict[str, Any]:
        return {
            name: (tuple(one["dims"]), array_of(one), dict(one["attrs"]))
            for name, one in part.items()
        }

    data = xr.Dataset(variables(found["data_vars"]), variables(found["coords"]))
    data.attrs = dict(found["attrs"])
    return data


def json_text(found: Any) -> str:
    """Text of JSON, without signs that HDF5 could not hold."""
    return json.dumps(found, ensure_ascii=True)
