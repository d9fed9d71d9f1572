"""Model cards: JSON of strangers, checked before anything is made of it.

A card states architecture and sizes of a network, from which memory is taken, and the names of
its files. What else it holds is for people.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from xpsnet.data.regular_files import SAVE_IT, is_stream, not_a_file
from xpsnet.models.architecture import NetworkConfig
from xpsnet.numerics.known_lines import KNOWN

_MAX_BYTES = 1 << 20  # those that come with the package have 2 kB
_MAX_DEPTH = 20
_MAX_CHANNELS = 16  # layers of convolutions
_MAX_NAME = 100
_MAX_DIGITS = 30
_ARCHITECTURES = ("park2020", "default")
# Largest sizes, well above those of the networks that there are.
_SIZES = {"n_points": (8, 16_384), "max_peaks": (1, 32), "features": (1, 4096), "passes": (1, 3)}
_KNOWN = (0, KNOWN)  # inputs for what the caller knows: none in older models
_CHANNELS = (1, 1024)
_MAX_WEIGHTS = 1 << 28  # between the last convolution and what follows; about 1 GB


def read_card(path: Path) -> dict[str, Any]:
    """Read and check a model card.

    Parameters
    ----------
    path : Path
        The JSON file.

    Returns
    -------
    dict
        With a sound `name`, `network` and `files`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no model card; the message says what is wrong, but not in which file.
    """
    if is_stream(path):
        raise ValueError(f"{not_a_file(path)}; {SAVE_IT}")
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise ValueError(f"a file of {size} bytes; a card has at most {_MAX_BYTES}")
    card = _parsed(path)
    if not isinstance(card, dict):
        raise ValueError(f"JSON that holds {_kind(card)}, not an object")
    missing = [repr(key) for key in ("name", "network", "files") if key not in card]
    if missing:
        raise ValueError(f"JSON without {', '.join(missing)}")
    _check_files(_name(card["name"]), card["files"])
    network_of(card["network"])
    for key in ("recipe", "training"):
        if not isinstance(card.get(key, {}), dict):
            raise ValueError(f"{key!r} that is {_kind(card[key])}, not an object")
    for key in ("window", "measured_points"):
        _check_range(key, card.get("recipe", {}).get(key, [0, 1]))
    return card


def _parsed(path: Path) -> Any:
    """Values of a JSON file; NaN and Infinity are taken, as our own cards may hold them."""
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text, object_pairs_hook=_without_doubles, parse_int=_whole)
    except UnicodeDecodeError:
        raise ValueError("a file that is no text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"a file that is no JSON: {error}") from None
    except RecursionError:
        raise _too_deep() from None
    level = [values]
    for _ in range(_MAX_DEPTH):
        below = (one.values() if isinstance(one, dict) else one for one in level
                 if isinstance(one, dict | list))  # fmt: skip
        level = [value for some in below for value in some]
    if level:
        raise _too_deep()
    return values


def _too_deep() -> ValueError:
    """The refusal of what is nested so deep that nobody wrote it."""
    return ValueError(f"JSON that is nested more than {_MAX_DEPTH} levels deep")


def network_of(values: Any) -> NetworkConfig:
    """Architecture and sizes as a card states them.

    Raises
    ------
    ValueError
        If they are no sizes of a network.
    """
    if not isinstance(values, dict):
        raise ValueError(f"'network' that is {_kind(values)}, not an object")
    known = {"architecture", "channels", "known", "doublet", *_SIZES}
    required = {"architecture", "n_points", "max_peaks", "channels"}
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"the unknown size {unknown[0][:_MAX_NAME]!r} in 'network'")
    if missing := sorted(required - values.keys()):
        raise ValueError(f"'network' without {missing[0]!r}")
    if values["architecture"] not in _ARCHITECTURES:
        raise ValueError(
            f"the architecture {str(values['architecture'])[:_MAX_NAME]!r}, not one of "
            f"{', '.join(_ARCHITECTURES)}"
        )
    for key, (low, high) in _SIZES.items():
        if key in values:
            _check_size(key, values[key], low, high)
    if values.get("known", 0) not in _KNOWN:
        raise ValueError(f"known = {values['known']!r:.20}, not one of {_KNOWN}")
    if not isinstance(values.get("doublet", False), bool):
        raise ValueError(f"doublet = {values['doublet']!r:.20}, neither true nor false")
    if values.get("doublet") and not values.get("known"):
        raise ValueError("doublet = true without inputs for what is known")
    channels = values["channels"]
    if not isinstance(channels, list | tuple) or not 1 <= len(channels) <= _MAX_CHANNELS:
        raise ValueError(f"'channels' that are no list of 1 to {_MAX_CHANNELS} numbers")
    for number in channels:
        _check_size("channels", number, *_CHANNELS)
    config = NetworkConfig(**{**values, "channels": tuple(channels)})
    n_weights = config.n_points * channels[-1] * config.features
    if n_weights > _MAX_WEIGHTS:
        raise ValueError(f"sizes of a network of {n_weights} weights, more than {_MAX_WEIGHTS}")
    return config


def _check_size(key: str, value: Any, low: int, high: int) -> None:
    """Refuse what is no whole number of a size that networks have."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        shown = str(value)[:20] if isinstance(value, int | float) else _kind(value)
        raise ValueError(f"{key} = {shown}, not a whole number from {low} to {high}")


def _name(name: Any) -> str:
    """Name of the model, of which those of its files are made."""
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME:
        raise ValueError(f"a 'name' that is no text of 1 to {_MAX_NAME} characters")
    if set(name) & set("/\\:\0") or not name.isprintable():
        raise ValueError(f"the name {name!r}, which cannot be that of files in the same folder")
    return name


def _check_files(name: str, files: Any) -> None:
    """Refuse what are no checksums of the files of a model."""
    if not isinstance(files, dict) or f"{name}.npz" not in files:
        raise ValueError(f"'files' without a checksum of {name}.npz")
    for file, checksum in files.items():
        is_sha256 = isinstance(checksum, str) and len(checksum) == 64
        if not is_sha256 or set(checksum) - set("0123456789abcdef"):
            raise ValueError(f"a checksum of {file[:_MAX_NAME]!r} that is no sha256")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; keys that are there twice would hide one of two statements."""
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {double[:_MAX_NAME]!r} twice in one object")
    return found


def _whole(text: str) -> int:
    """A whole number; Python refuses those of thousands of digits in words of its own."""
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _check_range(key: str, values: Any) -> None:
    """Refuse what is no pair of numbers of the training range."""
    pair = values if isinstance(values, list) and len(values) == 2 else [None, None]
    numbers = [one for one in pair if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1] < math.inf:
        raise ValueError(f"{key!r} in 'recipe' that is no pair of rising numbers")


def _kind(value: Any) -> str:
    """What a value of JSON is, in words."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return kinds.get(type(value), "nothing" if value is None else "a number")
