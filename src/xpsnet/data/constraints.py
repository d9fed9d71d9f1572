"""Constraints as a caller states them: held, limited or linked; checked and in one form."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from xpsnet.arguments import is_number, shown
from xpsnet.data.links import (
    Limits,
    Link,
    Slots,
    for_slots,
    parameter_name,
    parse_link,
    split_name,
)
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import LineShapes, distinct_shapes, shape_parameters_of

# Of what is stated: energies [eV], and counts.
_LARGEST = {"center": 1e6, "fwhm": 1e6, "height": 1e30}
Constraint = float | tuple[float | None, float | None] | str


@dataclass(frozen=True)
class Constraints:
    """Checked constraints.

    Attributes
    ----------
    limits : mapping of str to (float, float)
        Lowest and highest value by name ("fwhm": all peaks, "fwhm_1": the first), equal where
        the parameter is held.
    links : tuple of Link
        Between peaks.
    """

    limits: Mapping[str, Limits] = field(default_factory=dict)
    links: tuple[Link, ...] = ()

    def on_scale(self, sign: int) -> "Constraints":
        """The same constraints on the scale of this sign (-1: kinetic), or back from it."""
        if sign > 0:
            return self
        turned = {
            name: (-high, -low) if name.startswith("center") else (low, high)
            for name, (low, high) in self.limits.items()
        }
        return Constraints(turned, tuple(link.mirrored() for link in self.links))

    def with_links(self, links: Iterable[Link]) -> "Constraints":
        """The same constraints and these links, which replace others of the same parameters."""
        new = {link.key: link for link in links}
        kept = tuple(link for link in self.links if link.key not in new)
        names = {link.name for link in new.values()}
        limits = {name: pair for name, pair in self.limits.items() if name not in names}
        return Constraints(limits, (*kept, *new.values()))

    def for_slots(self, slots: Slots) -> "Constraints":
        """Constraints on the peaks that there are, renumbered."""
        place = {int(slot): number for number, slot in enumerate(slots)}
        limits: dict[str, Limits] = {}
        for name, pair in self.limits.items():
            parameter, peak = split_name(name)
            if peak is None:
                limits[name] = pair
            elif peak in place:
                limits[parameter_name(parameter, place[peak])] = pair
        return Constraints(limits, for_slots(self.links, slots))


def parse_links(text: str) -> tuple[Link, ...]:
    """Links from the attribute `links` of a peaks Dataset.

    Raises
    ------
    ValueError
        Where the text holds something else.
    """
    parts = [part.partition("=") for part in text.split(";") if part.strip()]
    return tuple(parse_link(name.strip(), link.strip()) for name, _, link in parts)


def links_of(constraints: Mapping[str, Constraint]) -> tuple[Link, ...]:
    """The links among constraints that a caller gives.

    Raises
    ------
    ValueError
        Where a text is no link.
    """
    return tuple(
        parse_link(name, rule) for name, rule in constraints.items() if isinstance(rule, str)
    )


def check_constraints(
    constraints: Mapping[str, Constraint] | None,
    line_shape: LineShapes,
    n_peaks: int,
    links: Iterable[Link] = (),
) -> Constraints:
    """Bring constraints into one form, and refuse those that no peak can obey.

    Parameters
    ----------
    constraints : mapping or None
        By parameter ("fwhm": all peaks; "fwhm_1": the first): a number holds it there, a pair
        (lowest, highest) limits it, None for an open end, a text links it to another peak.
    line_shape : str or tuple of str
        Key of `LINE_SHAPES`, or one for each peak.
    n_peaks : int
        Largest number of peaks.
    links : iterable of Link
        Further links, those of doublets.

    Returns
    -------
    Constraints

    Raises
    ------
    ValueError
        Where a name is unknown, or a value is no number, ascending pair or link that the shape
        allows.
    """
    known = shape_parameters_of(line_shape)
    hard = {"fwhm": (np.finfo(float).tiny, np.inf), "height": (0.0, np.inf)}
    for shape in distinct_shapes(line_shape):  # what no shape allows; each peak keeps its own
        for name, (low, high) in LINE_SHAPES[shape].limits.items():
            ends = hard.get(name, (low, high))
            hard[name] = min(ends[0], low), max(ends[1], high)
    limits: dict[str, Limits] = {}
    all_links = list(links)
    for name, rule in (constraints or {}).items():
        if isinstance(rule, str):
            all_links.append(_checked_link(name, rule, known, n_peaks))
            continue
        parameter, peak = split_name(name)
        if peak is not None and peak >= n_peaks:
            parameter = name
        if parameter not in known:
            raise ValueError(
                f"expected constraints on {', '.join(known)} (or center_1, ... for one "
                f"of up to {n_peaks} peaks, counted from 1), got {name!r}{_advice(parameter, name)}"
            )
        limits[name] = _ends(name, rule, hard.get(parameter, (-np.inf, np.inf)))
    for link in all_links:
        if link.name in limits:
            raise ValueError(
                f"expected {link.name} either linked or limited, got both; limit "
                f"{link.source_name} or the amount in the link instead"
            )
    return Constraints(limits, tuple(all_links))


def _advice(parameter: str, name: str) -> str:
    """What to write instead of a constraint that no parameter has."""
    if parameter.startswith("area"):
        return '; an area has no limits of its own: link it, as {"area_2": "0.5 * area_1"}'
    if name.endswith("_0"):
        return f"; the first peak is {name[:-1]}1"
    return ""


def _checked_link(name: str, text: str, parameters: tuple[str, ...], n_peaks: int) -> Link:
    """One link between peaks that there can be."""
    known = (*parameters, "area")
    link = parse_link(name, text) if re.fullmatch(r"[a-z_]+_[1-9]\d*", name) else None
    if link is None or link.parameter not in known or max(link.peak, link.source) >= n_peaks:
        raise ValueError(
            f"expected a link between two of up to {n_peaks} peaks (counted from 1) of one of "
            f"{', '.join(known)}, got {name!r}: {text!r}; write for instance "
            f'{{"center_2": "center_1 + 1.19"}}, or a number that holds the parameter'
        )
    return link


def _ends(name: str, rule: Constraint, allowed: tuple[float, float]) -> tuple[float, float]:
    """Lowest and highest value that a constraint allows; equal where it fixes."""
    pair = rule if isinstance(rule, tuple | list) else (rule, rule)
    try:
        if any(isinstance(end, bool | str) for end in pair) or rule is None:
            raise TypeError
        first, last = pair
        low = allowed[0] if first is None else float(first)
        high = allowed[1] if last is None else float(last)
    except (TypeError, ValueError, OverflowError):
        low, high = np.nan, np.nan
    most = _LARGEST.get(split_name(name)[0], np.inf)
    stated = [end for end in pair if is_number(end)] if isinstance(pair, tuple | list) else []
    large = any(abs(end) > most for end in stated)
    unordered = not allowed[0] <= low <= high <= allowed[1]
    if unordered or large or (low == high and not np.isfinite(low)):
        raise ValueError(
            f"expected a number or a pair (lowest, highest) from {allowed[0]:g} to "
            f"{min(allowed[1], most):g} for the constraint {name!r}, got {shown(rule)}; None "
            f"stands for an open end"
        )
    return low, high
