"""Arrays that compiled functions take: contiguous in C order, of a known number of dimensions.

Functions that Python calls (`compile.exported`) state these types: their machine code is made for
them alone. The number that stands beside an array type is that of its dimensions.
"""

import ctypes
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

Floats1 = Annotated[npt.NDArray[np.float64], 1]
Floats2 = Annotated[npt.NDArray[np.float64], 2]
Floats3 = Annotated[npt.NDArray[np.float64], 3]
Integers1 = Annotated[npt.NDArray[np.int64], 1]
Integers2 = Annotated[npt.NDArray[np.int64], 2]
Flags1 = Annotated[npt.NDArray[np.bool_], 1]
Flags2 = Annotated[npt.NDArray[np.bool_], 2]

C_TYPES = {
    bool: ctypes.c_bool, int: ctypes.c_int64, float: ctypes.c_double, type(None): ctypes.c_void_p,
}  # fmt: skip
"""Types in C of numbers, and of the place of no result."""


def argument_types(function: Callable[..., Any]) -> tuple[list[Any], Any]:
    """Types of the arguments and of the result of a kernel.

    Types are `bool`, `int`, `float`; (dtype, number of dimensions) for arrays; a list of types for
    tuples, or (class, list of types) for named ones.
    """
    hints = get_type_hints(function, include_extras=True)
    result = hints.pop("return")
    return [_type(hints[name]) for name in inspect.signature(function).parameters], result


def _type(hint: Any) -> Any:
    """Type of one annotation."""
    if hasattr(hint, "__metadata__"):
        return array_kind(hint)
    if get_origin(hint) is tuple:
        return [_type(part) for part in get_args(hint)]
    if hasattr(hint, "_fields"):
        parts = get_type_hints(hint, include_extras=True)
        return hint, [_type(parts[name]) for name in hint._fields]
    if hint in C_TYPES:
        return hint
    raise TypeError(f"expected types of `array_types`, numbers or tuples of them, got {hint}")


def array_kind(hint: Any) -> tuple[np.dtype[Any], int]:
    """Type and number of dimensions of the arrays of one of `array_types`."""
    dtype = get_args(get_args(hint.__origin__)[1])[0]
    return np.dtype(dtype), hint.__metadata__[0]


def _parts(kind: Any) -> Sequence[Any] | None:
    """Types inside a tuple; None for arrays and numbers."""
    if isinstance(kind, list):
        return kind
    return kind[1] if isinstance(kind, tuple) and isinstance(kind[1], list) else None


def c_types(kind: Any) -> Iterator[Any]:
    """Types in C of what a type becomes: an array its address and its sizes."""
    parts = _parts(kind)
    if parts is not None:
        for part in parts:
            yield from c_types(part)
    elif isinstance(kind, tuple):
        yield ctypes.c_void_p
        yield from [ctypes.c_int64] * kind[1]
    else:
        yield C_TYPES[kind]


def append_c_values(kind: Any, value: Any, values: list[Any]) -> None:
    """Append the C values of an argument; an array must be as its type says."""
    if isinstance(value, np.ndarray):
        dtype, n_dims = kind
        if value.dtype != dtype or value.ndim != n_dims or not value.flags.c_contiguous:
            raise TypeError(
                f"expected a contiguous array of {n_dims} dimensions of {dtype}, got "
                f"{value.ndim} of {value.dtype}, strides {value.strides}"
            )
        values.append(value.__array_interface__["data"][0])
        values.extend(value.shape)
        return
    parts = _parts(kind)
    if parts is None:
        values.append(value)
        return
    for part, inside in zip(parts, value, strict=True):
        append_c_values(part, inside, values)
