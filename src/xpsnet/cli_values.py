"""Values of the options of the command line, in the words of the Python functions."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from xpsnet.data.energy_axis import checked_scale

Ends = tuple[float | None, float | None]

_AMOUNTS = ("splitting", "ratio", "fwhm_ratio")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_OPTION = re.compile(
    rf"[\s,;:]*\b(\w+)\s*=\s*(\([^()]*\)|{_NUMBER}\s*[:,]\s*{_NUMBER}|[^\s,;()]+)[\s,;]*"
)
_PAIR = re.compile(rf"\(?\s*({_NUMBER}|none|)\s*[:,]\s*({_NUMBER}|none|)\s*\)?", re.IGNORECASE)
_DOUBLET_EXAMPLES = '"S 2p", or "S 2p splitting=1.1:1.3 ratio=free peaks=1,2"'


def region(text: str) -> int | str:
    """Name of a region, or its number in the file, counted from 0."""
    return int(text) if text.isdecimal() and text.isascii() else text


def scale(text: str) -> str:
    """Energy scale in any of its words."""
    try:
        return checked_scale(text)
    except ValueError:
        raise ArgumentTypeError(
            f'expected "binding", "kinetic" or "E - EF", got {text!r}'
        ) from None


def count(text: str) -> int | str:
    """Number of peaks or states, or "auto"."""
    if text == "auto":
        return text
    if text.isdecimal() and len(text) < 10:
        return int(text)
    raise ArgumentTypeError(f'expected "auto" or a whole number, got {text!r}')


def number_or(*words: str) -> Callable[[str], float | str]:
    """Parser of a number or one of these words."""
    listed = "".join(f'"{word}" or ' for word in words)

    def value(text: str) -> float | str:
        try:
            return text if text in words else float(text)
        except ValueError:
            raise ArgumentTypeError(f"expected {listed}a number, got {text!r}") from None

    return value


def constraint(text: str) -> tuple[str, float | str | Ends]:
    """Name and value of a constraint.

    Held "fwhm=1.1", limited "fwhm=0.8:1.5" or "fwhm=(0.8, 1.5)" with open ends "fwhm=:1.5",
    linked "center_2=center_1 + 1.19".
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise ArgumentTypeError(f'expected NAME=VALUE, for instance "fwhm=0.8:1.5", got {text!r}')
    pair = _PAIR.fullmatch(value)
    if pair is not None:
        return name, (_end(pair[1]), _end(pair[2]))
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _end(text: str) -> float | None:
    """One end of limits; None where it is open."""
    return None if text.lower() in ("", "none") else float(text)


def constraints(given: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Constraints by name, each once.

    Raises
    ------
    ValueError
        Where a name stands there twice.
    """
    found: dict[str, Any] = {}
    for name, value in given:
        if name in found:
            raise ValueError(
                f"expected one constraint of {name}, got two: {found[name]} and {value}; leave "
                f"out one of them"
            )
        found[name] = value
    return found


def doublet(text: str) -> tuple[str, dict[str, Any]]:
    """Level and keywords of `xpsnet.doublet`: "S 2p splitting=1.1:1.3 ratio=free peaks=1,2"."""
    first = re.search(r"\b\w+\s*=", text)
    level = (text if first is None else text[: first.start()]).strip(" ,;:")
    rest = "" if first is None else text[first.start() :]
    keywords: dict[str, Any] = {}
    at = 0
    while at < len(rest):
        found = _OPTION.match(rest, at)
        if found is None or found[1] not in (*_AMOUNTS, "peaks") or found[1] in keywords:
            raise ArgumentTypeError(
                f"expected a level and peaks=, splitting=, ratio= or fwhm_ratio=, each once, as in "
                f"{_DOUBLET_EXAMPLES}, got {text!r}"
            )
        keywords[found[1]] = _amount(found[2])
        at = found.end()
    if not level:
        raise ArgumentTypeError(f"expected a level, as in {_DOUBLET_EXAMPLES}, got {text!r}")
    return level, keywords


def _amount(text: str) -> Any:
    """A number, two numbers, or the word as it is."""
    pair = _PAIR.fullmatch(text)
    if pair is not None:
        return _end(pair[1]), _end(pair[2])
    try:
        return float(text)
    except ValueError:
        return text


def charge_reference(text: str) -> tuple[str, float | None]:
    """Line of the charge reference, and its energy [eV] where one is given: "C 1s=284.8"."""
    line, equals, energy = (part.strip() for part in text.partition("="))
    try:
        known = float(energy) if equals else None
    except ValueError:
        known, line = None, ""
    if not line:
        raise ArgumentTypeError(
            f'expected a line, or a line and its energy in eV, as in "C 1s" or "C 1s=284.8", got '
            f"{text!r}"
        )
    return line, known


def axes(words: Sequence[str]) -> list[str] | dict[str, str]:
    """Names of dimensions in their order, or each with the array that holds its values."""
    if not any("=" in word for word in words):
        return list(words)
    return {name: place for name, _, place in (word.partition("=") for word in words)}
