"""Links between parameters of different peaks, written as text and read by a strict grammar.

    link    = [number "*"] name [("*" | "/") amount] [("+" | "-") amount]
    name    = parameter "_" peak, for instance "center_1"
    amount  = number | "(" number "," number ")"

as in "center_1 + 1.19", "0.5 * height_1", "fwhm_1", "center_1 + (1.1, 1.3)" or
"height_1 * (0.4, 0.6)". A pair limits an offset or ratio that is fitted: one per link. Centers take
offsets, heights and areas ratios, widths and other shape parameters both. A link may lead to a
parameter that is linked itself, as long as one fitted amount at most is met on the way.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Limits = tuple[float, float]
Slots = Sequence[int] | npt.NDArray[np.intp]
Key = tuple[str, int]


def parameter_name(parameter: str, peak: int) -> str:
    """Name of a parameter of the peak with this index: names count peaks from 1."""
    return f"{parameter}_{peak + 1}"


def split_name(name: str) -> tuple[str, int | None]:
    """Parameter and index of the peak of a name; None for a parameter that all peaks share."""
    parameter, _, number = name.rpartition("_")
    if parameter and number.isdigit() and int(number) > 0:
        return parameter, int(number) - 1
    return name, None


_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_AMOUNT = rf"{_NUMBER}|\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)"
_LINK = re.compile(
    rf"\s*(?:(?P<factor>{_NUMBER})\s*\*\s*)?(?P<parameter>[a-z_]+)_(?P<peak>[1-9]\d{{0,3}})\s*"
    rf"(?:(?P<times>[*/])\s*(?P<ratio>{_AMOUNT})\s*)?"
    rf"(?:(?P<sign>[+-])\s*(?P<offset>{_AMOUNT})\s*)?"
)
_EXAMPLES = '"center_1 + 1.19", "0.5 * height_1", "fwhm_1" or "center_1 + (1.1, 1.3)"'
_LARGEST = 1e6  # of an offset [eV] or a ratio
_ONLY_RATIOS = ("height", "area")


@dataclass(frozen=True)
class Link:
    """One parameter of one peak as a function of the same parameter of another.

    Attributes
    ----------
    parameter : str
        A shape parameter, or "area".
    peak, source : int
        Index of the peak that is linked, and of the one that it follows; from 0, unlike the names.
    offset, ratio : float
        Value = offset + ratio x source.
    fitted : {"", "offset", "ratio"}
        Which further amount is fitted: added to this, or multiplied with the ratio.
    limits : (float, float)
        Of the fitted amount.
    amount_of : int
        Index of the peak that names the fitted amount, where the link was made of several.
    """

    parameter: str
    peak: int
    source: int
    offset: float = 0.0
    ratio: float = 1.0
    fitted: str = ""
    limits: Limits = (0.0, 0.0)
    amount_of: int = -1

    @property
    def key(self) -> Key:
        """What is linked."""
        return self.parameter, self.peak

    @property
    def amount(self) -> str:
        """Name of the fitted amount, for instance "center_offset_2"."""
        number = self.peak if self.amount_of < 0 else self.amount_of
        return parameter_name(f"{self.parameter}_{self.fitted}", number)

    @property
    def name(self) -> str:
        """Name of what is linked, for instance "center_2"."""
        return parameter_name(self.parameter, self.peak)

    @property
    def source_name(self) -> str:
        """Name of what it follows."""
        return parameter_name(self.parameter, self.source)

    def mirrored(self) -> "Link":
        """The same link on an energy scale that runs the other way."""
        if self.parameter != "center":
            return self
        return replace(self, offset=-self.offset, limits=(-self.limits[1], -self.limits[0]))

    def __str__(self) -> str:
        """The link in words that `parse_link` reads."""
        text = self.source_name
        if self.ratio != 1:
            text = f"{self.ratio!r} * {text}"
        if self.fitted == "ratio":
            text += f" * ({self.limits[0]!r}, {self.limits[1]!r})"
        if self.fitted == "offset":
            text += f" + ({self.limits[0]!r}, {self.limits[1]!r})"
        elif self.offset:
            text += f" {'+' if self.offset > 0 else '-'} {abs(self.offset)!r}"
        return text


def parse_link(name: str, text: str) -> Link:
    """Read one link.

    Parameters
    ----------
    name : str
        What is linked, for instance "center_2".
    text : str
        What it follows, for instance "center_1 + 1.19".

    Raises
    ------
    ValueError
        Where the text is no link, or one that this parameter cannot have.
    """
    target = re.fullmatch(r"([a-z_]+)_([1-9]\d{0,3})", name)
    found = _LINK.fullmatch(text)
    if target is None or found is None:
        raise ValueError(
            f"expected a link of one peak (counted from 1), such as {_EXAMPLES}, got "
            f"{name!r}: {text!r}; write it like one of these"
        )
    link = Link(target[1], int(target[2]) - 1, int(found["peak"]) - 1)
    if "area" in (found["parameter"], link.parameter) and found["parameter"] != link.parameter:
        as_areas = f'{{"area_{target[2]}": "0.5 * area_{found["peak"]}"}}'
        raise ValueError(
            f"expected areas on both sides of a link, got {name!r}: {text!r}; write a ratio of "
            f"areas as {as_areas}: the height follows from it"
        )
    if found["parameter"] != link.parameter or link.peak == link.source:
        raise ValueError(
            f"expected {link.parameter!r} of another peak in the link of {name!r}, got {text!r}; "
            f"write such a link as {_EXAMPLES}"
        )
    ratio, ratio_limits = _amount(found["ratio"], 1.0)
    offset, offset_limits = _amount(found["offset"], 0.0)
    if found["times"] == "/":
        if ratio_limits is not None or ratio == 0:
            raise ValueError(f"expected a number other than 0 after '/', got {text!r}")
        ratio = 1 / ratio
    if found["sign"] == "-":
        offset = -offset
        offset_limits = offset_limits and (-offset_limits[1], -offset_limits[0])
    ratio *= float(found["factor"] or 1.0)
    if ratio_limits is not None and offset_limits is not None:
        raise ValueError(f"expected one fitted amount in the link of {name!r}, got {text!r}")
    fitted = "ratio" if ratio_limits else "offset" if offset_limits else ""
    limits = ratio_limits or offset_limits or (0.0, 0.0)
    return _possible(replace(link, offset=offset, ratio=ratio, fitted=fitted, limits=limits), text)


def _amount(text: str | None, otherwise: float) -> tuple[float, Limits | None]:
    """A number, or the limits of one that is fitted."""
    if text is None:
        return otherwise, None
    if not text.startswith("("):
        return float(text), None
    low, high = (float(part) for part in text.strip("()").split(","))
    return otherwise, (low, high)


def _possible(link: Link, text: str) -> Link:
    """The link, refused where its parameter cannot follow like that."""
    name = link.name
    amounts = np.abs([link.offset, link.ratio, *link.limits])
    if not (amounts <= _LARGEST).all() or not (amounts[1] == 0 or amounts[1] >= 1 / _LARGEST):
        raise ValueError(
            f"expected numbers of at most {_LARGEST:g}, and ratios of at least {1 / _LARGEST:g}, "
            f"in the link of {name!r}, got {text!r}; write smaller ones"
        )
    if link.fitted and not link.limits[0] < link.limits[1]:
        raise ValueError(
            f"expected an ascending pair (lowest, highest) in the link of {name!r}, got {text!r}"
        )
    if link.parameter == "center" and (link.ratio != 1 or link.fitted == "ratio"):
        raise ValueError(
            f"expected an offset to another center for {name!r}, got {text!r}; write it as "
            f'"center_1 + 1.19"'
        )
    if link.parameter in _ONLY_RATIOS and (link.offset or link.fitted == "offset"):
        raise ValueError(
            f"expected a ratio to another {link.parameter} for {name!r}, got {text!r}; write it as "
            f'"0.5 * {link.parameter}_1"'
        )
    if link.ratio <= 0 or (link.fitted == "ratio" and link.limits[0] <= 0):
        raise ValueError(
            f"expected ratios above 0 in the link of {name!r}, got {text!r}; write positive ones"
        )
    return link


def for_slots(links: Iterable[Link], slots: Slots) -> tuple[Link, ...]:
    """Links between the peaks that there are, renumbered; those to absent peaks are dropped."""
    place = {int(slot): number for number, slot in enumerate(slots)}
    return tuple(
        replace(link, peak=place[link.peak], source=place[link.source])
        for link in links
        if link.peak in place and link.source in place
    )


def resolved(links: Sequence[Link]) -> dict[Key, Link]:
    """Every link traced to a parameter of its own.

    Parameters
    ----------
    links : sequence of Link
        One per parameter and peak.

    Returns
    -------
    dict
        By (parameter, peak).

    Raises
    ------
    ValueError
        Where links lead in a circle, or a chain of them has no common form.
    """
    by_key = {link.key: link for link in links}
    if len(by_key) < len(links):
        keys = [link.key for link in links]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(
            f"expected one link for {parameter_name(*twice)}, got two; a doublet links its partner"
        )
    ends: dict[Key, Link] = {}
    for key, link in by_key.items():
        met = [link.peak]
        while (link.parameter, link.source) in by_key:
            if link.source in met:
                raise ValueError(
                    f"expected links that end at a free parameter, got a circle through "
                    f"{link.source_name}"
                )
            met.append(link.source)
            link = _chained(link, by_key[link.parameter, link.source])
        ends[key] = link
    for (parameter, peak), link in ends.items():
        width = ends.get(("fwhm", peak))
        if parameter == "area" and not link.fitted and width is not None and width.fitted:
            # Over a fitted ratio of widths, a held ratio of areas is an entry like a fitted one.
            held = (link.ratio, link.ratio)
            ends[parameter, peak] = replace(link, ratio=1.0, fitted="ratio", limits=held)
    return ends


def _chained(outer: Link, inner: Link) -> Link:
    """The link that goes straight to where `inner` leads."""
    both = bool(outer.fitted and inner.fitted)
    scaled = inner.fitted == "offset" and outer.ratio != 1
    if both or scaled or (outer.fitted == "ratio" and inner.offset):
        raise ValueError(
            f"expected a chain of links with one fitted amount, got {outer.name} = {outer} with "
            f"{inner.name} = {inner}; link both to {inner.source_name}"
        )
    fitted = inner if inner.fitted else outer
    number = fitted.peak if fitted.amount_of < 0 else fitted.amount_of
    return replace(
        outer,
        source=inner.source,
        offset=outer.offset + outer.ratio * inner.offset,
        ratio=outer.ratio * inner.ratio,
        fitted=fitted.fitted,
        limits=fitted.limits,
        amount_of=number,
    )
