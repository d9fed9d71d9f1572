"""Settings of a fit that a peaks Dataset carries, so that the fit can be made again.

attrs["constraints"]   JSON: the mapping that `refine(constraints=)` takes
attrs["links"]         the links among them in words: "center_2 = center_1 + 1.19"
attrs["shared"]        names of the shared shape parameters, with spaces between them
enabled (peak)         False: the peak is kept in the table and left out of everything else
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.constraints import Constraint, Constraints, links_of, parse_links
from xpsnet.data.links import Link, parameter_name, split_name

SHARED = ("fraction",)
"""Shape parameters that all peaks of a spectrum have in common where nothing else is said."""


def stored_constraints(peaks: xr.Dataset) -> dict[str, Constraint]:
    """Constraints that peaks carry, as `refine(constraints=)` takes them.

    Raises
    ------
    ValueError
        Where the attribute is damaged.
    """
    text = peaks.attrs.get("constraints")
    if text is None:  # a file of an older version states the links only
        links = parse_links(str(peaks.attrs.get("links", "")))
        found: dict[str, Constraint] = {link.name: str(link) for link in links}
    else:
        found = constraints_of_json(str(text))
    place = places_of_numbers(peaks)
    if not is_numbered(found) or all(old == new for old, new in place.items()):
        return found
    return renumbered(found, place)


def has_settings(peaks: xr.Dataset) -> bool:
    """Whether peaks carry the settings of a fit: those of a prediction do not."""
    return "constraints" in peaks.attrs


def places_of_numbers(peaks: xr.Dataset) -> dict[int, int]:
    """Index along `peak` of every number that constraints may name, both from 0.

    A choice of peaks, `peaks.isel(peak=[1, 2])`, keeps its numbers in the coordinate.
    """
    n = peaks.sizes["peak"]
    numbers = peaks["peak"].values if "peak" in peaks.coords else np.arange(1, n + 1)
    return {int(number) - 1: k for k, number in enumerate(numbers)}


def constraints_of_json(text: str) -> dict[str, Constraint]:
    """Constraints from the text of the attribute.

    Raises
    ------
    ValueError
        Where it is no JSON object of numbers, pairs and texts.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"expected constraints as a JSON object, got {text[:80]!r}")
    return {name: _checked(name, rule) for name, rule in found.items()}


def _checked(name: str, rule: Any) -> Constraint:
    """One constraint that JSON holds."""
    if isinstance(rule, str):
        return rule
    if _is_number(rule):
        return float(rule)
    if isinstance(rule, list) and len(rule) == 2:
        low, high = (end if end is None or _is_number(end) else "?" for end in rule)
        if not isinstance(low, str) and not isinstance(high, str):
            return low, high
    raise ValueError(
        f"expected a number, a pair (lowest, highest) or a link for the constraint {name!r}, got "
        f"{str(rule)[:80]!r}"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def constraints_json(constraints: Mapping[str, Constraint]) -> str:
    """The text of the attribute; an open end is null."""
    plain: dict[str, Any] = {}
    for name, rule in constraints.items():
        plain[name] = rule if isinstance(rule, str | int | float) else [_end(end) for end in rule]
    return json.dumps(plain)


def _end(value: float | None) -> float | None:
    """An end of limits; none where it excludes nothing."""
    open_end = value is None or not np.isfinite(value) or abs(value) == np.finfo(float).tiny
    return None if open_end else value


def as_mapping(constraints: Constraints) -> dict[str, Constraint]:
    """Checked constraints, on the scale of the peaks, as the mapping that a caller would give."""
    found: dict[str, Constraint] = {}
    # Those of all peaks first: what is said of a single one holds there.
    for name, (low, high) in sorted(constraints.limits.items(), key=_single):
        pair = _end(low), _end(high)
        if low == high:
            found[name] = low
        elif pair != (None, None):
            found[name] = pair
    return found | {link.name: str(link) for link in constraints.links}


def _single(entry: tuple[str, Any]) -> bool:
    return split_name(entry[0])[1] is not None


def setting_attributes(constraints: Mapping[str, Constraint]) -> dict[str, str]:
    """The attributes `constraints` and, where there are any, `links`."""
    found = {"constraints": constraints_json(constraints)}
    links = links_of(constraints)
    if links:
        found["links"] = "; ".join(f"{link.name} = {link}" for link in links)
    return found


def with_constraints(
    attrs: Mapping[Any, Any], constraints: Mapping[str, Constraint]
) -> dict[Any, Any]:
    """Attributes of peaks with these constraints in place of others."""
    kept = {name: value for name, value in attrs.items() if name not in ("constraints", "links")}
    return kept | setting_attributes(constraints)


def stored_shared(peaks: xr.Dataset) -> tuple[str, ...]:
    """Shape parameters that all peaks have in common."""
    if "shared" not in peaks.attrs:
        return SHARED
    return tuple(str(peaks.attrs["shared"]).split())


def is_numbered(constraints: Mapping[str, Constraint]) -> bool:
    """Whether constraints name single peaks, which then keep their numbers."""
    return any(split_name(name)[1] is not None for name in constraints)


def renumbered(
    constraints: Mapping[str, Constraint], place: Mapping[int, int]
) -> dict[str, Constraint]:
    """Constraints of peaks that get other numbers.

    Parameters
    ----------
    constraints : mapping
    place : mapping of int to int
        New index of every peak that stays, by its old one, both from 0. Constraints of the others,
        and links to them, are dropped.
    """
    found: dict[str, Constraint] = {}
    links = {link.name: link for link in links_of(constraints)}
    for name, rule in constraints.items():
        parameter, peak = split_name(name)
        if peak is None:
            found[name] = rule
        elif peak in place and name in links:
            link = links[name]
            if link.source in place:
                found[parameter_name(parameter, place[peak])] = str(
                    Link(
                        parameter,
                        place[peak],
                        place[link.source],
                        link.offset,
                        link.ratio,
                        link.fitted,
                        link.limits,
                    )
                )
        elif peak in place:
            found[parameter_name(parameter, place[peak])] = rule
    return found


def keeps_order(peaks: xr.Dataset) -> bool:
    """Whether something belongs to the places of single peaks, which are not sorted then."""
    own = {"label", "enabled", "line_shape"} & {*peaks.data_vars}
    return bool(own) or is_numbered(stored_constraints(peaks))


def enabled_rows(peaks: xr.Dataset) -> npt.NDArray[np.bool_]:
    """Which rows of the table take part, shape (peak,)."""
    if "enabled" not in peaks:
        return np.ones(peaks.sizes["peak"], dtype=bool)
    return np.asarray(peaks["enabled"].values, dtype=bool)


def without_disabled(peaks: xr.Dataset) -> xr.Dataset:
    """Peaks in which the rows that are switched off hold no peak: their numbers stay."""
    rows = enabled_rows(peaks)
    if rows.all():
        return peaks
    new = peaks.copy()
    for name in [*new.data_vars]:
        variable = new[name].variable
        if "peak" in variable.dims and variable.dtype.kind == "f":
            mask = xr.Variable(("peak",), rows)
            new[name] = variable.where(mask)
    return new
