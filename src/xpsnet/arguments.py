"""Checks of arguments at the public functions: what was expected, what came, what to do.

A message from inside numpy or xarray says nothing about the call. These functions are below all
other modules, so that every public function asks here.
"""

import math
from collections.abc import Collection, Iterable
from typing import Any, TypeGuard

import numpy as np

_LONGEST = 80


def shown(value: object) -> str:
    """An argument as a message shows it: short, and arrays by their shape."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if type(value).__module__.partition(".")[0] in ("xarray", "dask", "pandas", "lmfit"):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a real number, of Python or numpy; True and False are none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def checked_number(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    unit: str = "",
) -> float:
    """A finite number within its limits.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
    least, above, most : float
        Lowest number, one that it must be above, and highest number.
    unit : str
        For the message, for instance "eV".

    Raises
    ------
    TypeError, ValueError
        With what was expected and what came.
    """
    ends = [f" from {least:g}"] if least > -math.inf else []
    ends += [f" above {above:g}"] if above > -math.inf else []
    ends += [f" up to {most:g}"] if most < math.inf else []
    wanted = f"a finite number{''.join(ends)}{f' [{unit}]' if unit else ''}"
    example = "1" if least <= 1 <= most and above < 1 else f"{max(least, above):g}"
    message = f"expected {wanted}, got {name}={shown(value)}; pass for instance {name}={example}"
    if not is_number(value):
        raise TypeError(message)
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(message) from None
    if not (math.isfinite(number) and number >= least and number > above and number <= most):
        raise ValueError(message)
    return number


def checked_count(
    name: str, value: Any, *, least: int = 0, most: int | None = None, word: str | None = None
) -> int:
    """A whole number within its limits.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
        A float without a fraction will do.
    least, most : int
        Lowest and highest number.
    word : str, optional
        What may stand there instead, for the message.

    Raises
    ------
    TypeError, ValueError
    """
    upper = "" if most is None else f" to {most}"
    other = f' or "{word}"' if word else ""
    message = (
        f"expected a whole number from {least}{upper}{other}, got {name}={shown(value)}; pass for "
        f"instance {name}={max(least, 1)}"
    )
    if not is_number(value):
        raise TypeError(message)
    whole = math.isfinite(value) and value == int(value)
    if not whole or value < least or (most is not None and value > most):
        raise ValueError(message)
    return int(value)


def checked_flag(name: str, value: Any) -> bool:
    """True or False.

    Raises
    ------
    TypeError
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"expected {name}=True or {name}=False, got {name}={shown(value)}")
    return bool(value)


def checked_choice(name: str, value: Any, allowed: Collection[str]) -> str:
    """One of some words.

    Raises
    ------
    TypeError, ValueError
    """
    words = ", ".join(f'"{word}"' for word in allowed)
    message = f"expected {name} from {words}, got {name}={shown(value)}; pass one of these words"
    if not isinstance(value, str):
        raise TypeError(message)
    if value not in allowed:
        raise ValueError(message)
    return value


def checked_text(name: str, value: Any, example: str) -> str:
    """A text.

    Raises
    ------
    TypeError
    """
    if not isinstance(value, str):
        raise TypeError(
            f"expected a text, got {name}={shown(value)}; pass for instance {name}={example!r}"
        )
    return value


def checked_texts(name: str, value: Any, example: str) -> tuple[str, ...]:
    """Several texts.

    Raises
    ------
    TypeError
    """
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | dict)
    texts = tuple(value) if several and not hasattr(value, "dims") else (None,)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(
            f"expected a list or tuple of texts, got {name}={shown(value)}; pass for instance "
            f"{name}=({example!r},)"
        )
    return tuple(str(text) for text in texts)


def checked_range(name: str, value: Any, unit: str = "eV") -> tuple[float, float]:
    """Two different finite numbers, in ascending order.

    Raises
    ------
    TypeError, ValueError
    """
    message = (
        f"expected two numbers [{unit}], got {name}={shown(value)}; pass for instance "
        f"{name}=(280, 292)"
    )
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(is_number, value)):
        raise TypeError(message)
    try:
        low, high = sorted(float(end) for end in value)
    except OverflowError:
        raise ValueError(message) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(message)
    return low, high


def checked_call(name: str, value: Any) -> Any:
    """Something that can be called, or None.

    Raises
    ------
    TypeError
    """
    if value is not None and not callable(value):
        raise TypeError(f"expected a function or None, got {name}={shown(value)}")
    return value
