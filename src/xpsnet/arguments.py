"""Checks of arguments at the public functions: what was expected, what came, what to do.

A message from inside numpy or xarray says nothing about the call. Each public function states a
rule for its arguments in its first line:

    check(locals(), line=text("C 1s"), to=optional(number(unit="eV")))

Arguments that many functions have, such as `dim` and `noise`, have one rule for all (`RULES`).

This module is below all others, so that every public function can ask here.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

import numpy as np
import xarray as xr

Rule = Callable[[str, Any], None]
"""Takes the name of an argument and its value; raises TypeError or ValueError with a sentence."""


class WrongTypeError(TypeError, ValueError):
    """An argument of another type than the function takes.

    It is a ValueError, too, because a caller that catches those wants to hear of this one.
    """


_LONGEST = 80
_HIGHEST = 1e5  # [eV] of photoelectrons
_LARGEST = 1e6  # [eV] of an energy at which peaks are drawn
_FOREIGN = ("xarray", "dask", "pandas", "lmfit", "matplotlib")


def shown(value: object) -> str:
    """An argument as a message shows it: short, and arrays by their shape."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if type(value).__module__.partition(".")[0] in _FOREIGN:
        return f"a {type(value).__name__}"
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        text = "a very large number"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a real number, of Python or numpy; True and False are none."""
    scalar = value[()] if isinstance(value, np.ndarray) and not value.ndim else value
    return isinstance(scalar, int | float | np.integer | np.floating) and not isinstance(
        scalar, bool
    )


def stated_number(value: object) -> float | None:
    """Finite number that an attribute holds; None where it holds something else, or nothing."""
    if not is_number(value):
        return None
    try:
        one = float(value)
    except OverflowError:
        return None
    return one if math.isfinite(one) else None


def optional(rule: Rule) -> Rule:
    """None, or what the rule says."""

    def obey(name: str, value: Any) -> None:
        if value is not None:
            rule(name, value)

    return obey


def word_or(words: str | tuple[str, ...], rule: Rule) -> Rule:
    """One of some words, or what the rule says."""
    allowed = (words,) if isinstance(words, str) else words

    def obey(name: str, value: Any) -> None:
        if isinstance(value, str) and value in allowed:
            return
        try:
            rule(name, value)
        except (TypeError, ValueError) as error:
            listed = " or ".join(f'"{word}"' for word in allowed)
            raise type(error)(
                str(error).replace("expected ", f"expected {listed}, or ", 1)
            ) from None

    return obey


def number(
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
    unit: str = "",
) -> Rule:
    """A finite number from `least` or above `above` to `most` or below `below`."""
    ends = [f" from {least:g}"] if least > -math.inf else []
    ends += [f" above {above:g}"] if above > -math.inf else []
    ends += [f" up to {most:g}"] if most < math.inf else []
    ends += [f" below {below:g}"] if below < math.inf else []
    wanted = f"a finite number{''.join(ends)}{f' [{unit}]' if unit else ''}"

    def obey(name: str, value: Any) -> None:
        message = f"expected {wanted}, got {name}={shown(value)}; pass such a number"
        if not is_number(value):
            raise WrongTypeError(message)
        try:
            one = float(value)
        except OverflowError:
            raise ValueError(message) from None
        if not (math.isfinite(one) and least <= one <= most and above < one < below):
            raise ValueError(message)

    return obey


def count(*, least: int = 0, most: int | None = None) -> Rule:
    """A whole number within its limits; a float without a fraction will do."""
    upper = "" if most is None else f" to {most}"

    def obey(name: str, value: Any) -> None:
        message = (
            f"expected a whole number from {least}{upper}, got {name}={shown(value)}; pass such a "
            f"number"
        )
        if not is_number(value):
            raise WrongTypeError(message)
        whole = not isinstance(value, float | np.floating) or (
            math.isfinite(value) and value == int(value)
        )
        if not whole or value < least or (most is not None and value > most):
            raise ValueError(message)

    return obey


def flag(name: str, value: Any) -> None:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise WrongTypeError(
            f"expected {name}=True or {name}=False, got {name}={shown(value)}; pass one of them"
        )


def flag_or_count(name: str, value: Any) -> None:
    """True, False or a whole number."""
    if isinstance(value, bool | np.bool_):
        return
    try:
        count(most=1000)(name, value)
    except ValueError:
        raise ValueError(
            f"expected True, False or a whole number from 0 to 1000, got {name}={shown(value)}; "
            f"pass one of them"
        ) from None


def figure(name: str, value: Any) -> None:
    """A figure of matplotlib."""
    if not hasattr(value, "add_gridspec"):
        raise WrongTypeError(
            f"expected a figure of matplotlib, got {name}={shown(value)}; pass a "
            f"matplotlib.figure.Figure, or None for a new one"
        )


def choice(*words: str) -> Rule:
    """One of some words."""
    listed = ", ".join(f'"{word}"' for word in words)

    def obey(name: str, value: Any) -> None:
        message = f"expected {name} from {listed}, got {name}={shown(value)}; pass one of these"
        if not isinstance(value, str):
            raise WrongTypeError(message)
        if value not in words:
            raise ValueError(message)

    return obey


def text(example: str) -> Rule:
    """A text."""

    def obey(name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise WrongTypeError(
                f"expected a text, got {name}={shown(value)}; pass for instance {name}={example!r}"
            )

    return obey


def label(name: str, value: Any) -> None:
    """A text that a figure can show."""
    text("C 1s")(name, value)
    if any(ord(sign) < ord(" ") and sign not in "\n\t" for sign in value):
        raise ValueError(
            f"expected a text of letters and signs, got {name}={shown(value)}; leave out what "
            f"cannot be printed"
        )


def texts(example: str) -> Rule:
    """A list or tuple of texts."""

    def obey(name: str, value: Any) -> None:
        several = isinstance(value, list | tuple | set | frozenset | np.ndarray)
        if not several or not all(isinstance(one, str) for one in value):
            raise WrongTypeError(
                f"expected a list or tuple of texts, got {name}={shown(value)}; pass for instance "
                f"{name}=({example!r},)"
            )

    return obey


def text_or_texts(example: str) -> Rule:
    """A text, or a list or tuple of texts."""

    def obey(name: str, value: Any) -> None:
        if not isinstance(value, str):
            texts(example)(name, value)

    return obey


def energy_range(name: str, value: Any) -> None:
    """Two different finite energies [eV], in either order."""
    message = (
        f"expected two energies [eV], got {name}={shown(value)}; pass (first, last), for instance "
        f"{name}=(280, 292)"
    )
    ends = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(ends, list | tuple) or len(ends) != 2 or not all(map(is_number, ends)):
        raise ValueError(message)
    try:
        low, high = sorted(float(end) for end in ends)
    except OverflowError:
        raise ValueError(message) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(message)


def function(name: str, value: Any) -> None:
    """Something that can be called."""
    if not callable(value):
        raise WrongTypeError(f"expected a function, got {name}={shown(value)}; pass one, or None")


def progress(name: str, value: Any) -> None:
    """True, False, None or a function of (done, total)."""
    if value is not None and not isinstance(value, bool | np.bool_) and not callable(value):
        raise WrongTypeError(
            f"expected True, False or a function of (done, total), got {name}={shown(value)}; "
            f"pass one of them"
        )


def mapping(example: str) -> Rule:
    """A dict whose keys are texts."""

    def obey(name: str, value: Any) -> None:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise WrongTypeError(
                f"expected a dict with names as keys, got {name}={shown(value)}; pass for instance "
                f"{name}={example}"
            )

    return obey


def array(name: str, value: Any) -> None:
    """A DataArray; whether it holds spectra is checked where it is used."""
    if not isinstance(value, xr.DataArray):
        raise WrongTypeError(
            f"expected an xarray.DataArray, got {name}={shown(value)}; xpsnet.read gives such "
            f"arrays"
        )


def peaks(name: str, value: Any) -> None:
    """A Dataset of peaks."""
    if not isinstance(value, xr.Dataset):
        raise WrongTypeError(
            f"expected a peaks Dataset, got {name}={shown(value)}; xpsnet.predict, "
            f"xpsnet.fit and xpsnet.read_fit give such Datasets"
        )
    if "center" not in value or "peak" not in value["center"].dims:
        raise ValueError(
            f"expected a peaks Dataset with centers over the dimension peak, got {name}= a "
            f"Dataset with {sorted(map(str, value.variables))}; xpsnet.predict, xpsnet.fit and "
            f"xpsnet.read_fit give such Datasets"
        )
    for one, variable in value.data_vars.items():
        if one in ("center", "fwhm", "height", "fraction") and variable.dtype.kind not in "iuf":
            raise WrongTypeError(
                f"expected real numbers as {one} of the peaks, got the type {variable.dtype}; "
                f"convert them: .astype(float)"
            )


def path(name: str, value: Any) -> None:
    """A path that is no empty text."""
    if not isinstance(value, str | os.PathLike):
        raise WrongTypeError(
            f"expected a path as text or pathlib.Path, got {name}={shown(value)}; pass for "
            f'instance {name}="data.vms"'
        )
    given = os.fspath(value)
    if not isinstance(given, str) or not given.strip() or "\0" in given:
        raise ValueError(
            f"expected the name of a file or folder, got {name}={shown(given)}; pass for instance "
            f'{name}="data.vms"'
        )


def path_or_paths(name: str, value: Any) -> None:
    """A path, or several."""
    if isinstance(value, str | os.PathLike) or not _is_iterable(value):
        path(name, value)


def _is_iterable(value: Any) -> bool:
    """Whether a value may hold several paths."""
    known = isinstance(value, bytes | dict | xr.DataArray | xr.Dataset)
    return isinstance(value, Iterable) and not known


def finite_numbers(name: str, value: Any) -> None:
    """A number or a one-dimensional array of numbers, none of them NaN or infinite."""
    message = (
        f"expected finite numbers [eV], at least one, got {name}={shown(value)}; pass for instance "
        f"{name}=np.linspace(280, 292, 500)"
    )
    given = value.values if isinstance(value, xr.DataArray) else value
    if isinstance(given, str | bytes | dict | xr.Dataset) or given is None:
        raise WrongTypeError(message)
    try:
        numbers = np.asarray(given)
    except (TypeError, ValueError):
        raise WrongTypeError(message) from None
    if numbers.dtype.kind not in "iuf":
        raise WrongTypeError(message)
    if numbers.ndim > 1 or not numbers.size or not (np.abs(numbers) < _LARGEST).all():
        raise ValueError(message)


def noise(name: str, value: Any) -> None:
    """Noise as `xpsnet.refine` takes it; whether its shape fits is checked where it is used."""
    message = (
        f'expected noise as a number, an array of numbers, "poisson", "each", a dict with the '
        f"gain, or None, got {name}={shown(value)}; leave it out to estimate it"
    )
    if value is None or (isinstance(value, str) and value in ("poisson", "each")):
        return
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) and is_number(one) for key, one in value.items()):
            raise WrongTypeError(message)
        return
    if isinstance(value, str | bytes | bool | xr.Dataset):
        raise WrongTypeError(message)
    try:
        kind = value.dtype.kind if hasattr(value, "dtype") else np.asarray(value).dtype.kind
    except (TypeError, ValueError):
        raise WrongTypeError(message) from None
    if kind not in "iuf":
        raise WrongTypeError(message)


def text_or_array(example: str) -> Rule:
    """A text, or a DataArray."""

    def obey(name: str, value: Any) -> None:
        if not isinstance(value, str | xr.DataArray):
            raise WrongTypeError(
                f"expected a name or an xarray.DataArray, got {name}={shown(value)}; pass for "
                f"instance {name}={example!r}"
            )
        if isinstance(value, xr.DataArray) and value.dtype.kind not in "iuf":
            raise WrongTypeError(
                f"expected a curve of real numbers, got {name}= an array of the type "
                f"{value.dtype}; convert it: .astype(float)"
            )

    return obey


def fitted_peaks(name: str, value: Any) -> None:
    """Peaks that can be drawn: with their line shape, background, scale and energies."""
    peaks(name, value)
    missing = [one for one in ("background", "scale") if one not in value.attrs]
    missing += [] if "line_shape" in value.attrs or "line_shape" in value else ["line_shape"]
    if missing:
        raise ValueError(
            f"expected a peaks Dataset from predict, refine or fit, got {name}= a Dataset without "
            f"{', '.join(missing)}; pass what these functions or xpsnet.read_fit give"
        )


def region(name: str, value: Any) -> None:
    """Name of a region, or its number."""
    if isinstance(value, str):
        return
    if not is_number(value) or isinstance(value, float | np.floating):
        raise WrongTypeError(
            f'expected the name of a region ("O 1s") or its number in the file (0), got '
            f"{name}={shown(value)}; pass one of them"
        )


def photon_energy(name: str, value: Any) -> None:
    """A photon energy [eV]."""
    try:
        number(above=0, most=_HIGHEST)(name, value)
    except ValueError as error:
        raise type(error)(
            f"expected a photon energy > 0 eV, at most {_HIGHEST:g} eV, got "
            f"{name}={shown(value)}; pass 1486.6 for Al K-alpha"
        ) from None


def energy_offset(name: str, value: Any) -> None:
    """An energy [eV] that is added to others."""
    try:
        number(least=-_HIGHEST, most=_HIGHEST)(name, value)
    except ValueError as error:
        raise type(error)(
            f"expected a finite energy offset [eV], got {name}={shown(value)}; pass 0 for none"
        ) from None


def pair(example: str, *, above: float = -math.inf, most: float = math.inf) -> Rule:
    """Two finite numbers within limits."""
    each = number(above=above, most=most)

    def obey(name: str, value: Any) -> None:
        message = (
            f"expected two numbers above {above:g}, got {name}={shown(value)}; pass for instance "
            f"{name}={example}"
        )
        if not isinstance(value, list | tuple | np.ndarray) or len(value) != 2:
            raise WrongTypeError(message)
        try:
            for one in value:
                each(name, one)
        except (TypeError, ValueError) as error:
            raise type(error)(message) from None

    return obey


# Arguments that mean the same in all functions that have them.
RULES: dict[str, Rule] = {
    "batch_size": count(least=1, most=1 << 31),
    "cancel": optional(function),
    "constraints": optional(mapping("{'fwhm': (0.8, 1.5)}")),
    "covariance": flag,
    "device": choice("auto", "cpu", "gpu"),
    "dim": optional(text("BE")),
    "energy_offset": energy_offset,
    "energy_range": optional(energy_range),
    "noise": noise,
    "overwrite": flag,
    "photon_energy": optional(photon_energy),
    "progress": progress,
    "region": optional(region),
    "scale_errors": flag,
    "seed": count(most=1 << 63),
    "sum_over": optional(text_or_texts("angle")),
}


def check(given: Mapping[str, Any], **rules: Rule) -> None:
    """Check the arguments of a call.

    Parameters
    ----------
    given : mapping
        Values by name: `locals()` in the first line of a function.
    **rules
        A rule for each argument that is to be checked and has none in `RULES`.

    Raises
    ------
    WrongTypeError, ValueError
        Of the first rule that is broken.
    """
    for name, value in given.items():
        rule = rules.get(name) or RULES.get(name)
        if rule is not None:
            rule(name, value)
