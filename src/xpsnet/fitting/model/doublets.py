"""Spin-orbit doublets: two lines of one level, tied by splitting, areas and widths.

The line of lower j lies at higher binding energy and has the smaller area: 1/2, 2/3 or 3/4 of the
other's for p, d and f levels. Splittings are those of `xpsnet.constants.DOUBLETS`. Both lines have
one shape. A doublet is nothing but links between two peaks (`links.py`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.constants import BRANCHING_RATIOS, DOUBLETS
from xpsnet.data.spectrum import scale_sign
from xpsnet.fitting.model.links import Limits, Link
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]
Amount = Literal["fixed", "free"] | float | tuple[float, float]

# Found peaks are two lines of a doublet where their distance is that of the splitting within this
# share of it, or this much [eV], and their areas have the ratio within this factor.
SHARE, LEAST, FACTOR = 0.15, 0.25, 2.5
# Between what a free width ratio stays: beyond, the two are not lines of one level.
_WIDTHS = (0.2, 5.0)


@dataclass(frozen=True)
class Doublet:
    """Two peaks of one level.

    Attributes
    ----------
    region : str
        Key of `xpsnet.constants.DOUBLETS`, or any name that ends with the letter of the level.
    peaks : (int, int) or None
        Both peaks, counted from 1 in the order of the Dataset; None to find them.
    splitting : (float, float) or None
        Lowest and highest distance of the lines [eV], equal where it is held, None where free.
    ratio : (float, float) or None
        Of the area of the line of lower j over that of higher j; likewise.
    fwhm_ratio : (float, float) or None
        Of the width of the line of lower j over that of higher j; likewise.
    expected : (float, float)
        Splitting [eV] and ratio of areas by the table, or as given.
    """

    region: str
    peaks: tuple[int, int] | None
    splitting: Limits | None
    ratio: Limits | None
    fwhm_ratio: Limits | None
    expected: tuple[float, float]

    @property
    def indices(self) -> tuple[int, int]:
        """Both peaks as indices along `peak`, from 0."""
        first, second = self.peaks or (0, 0)
        return first - 1, second - 1

    def __str__(self) -> str:
        """The doublet in words, for the attributes of a result."""

        def said(limits: Limits | None) -> str:
            if limits is None:
                return "free"
            low, high = limits
            return f"{low:g}" if low == high else f"{low:g} to {high:g}"

        places = "" if self.peaks is None else f" of peaks {self.peaks[0]} and {self.peaks[1]}"
        return (
            f"{self.region}{places}: splitting {said(self.splitting)}, ratio {said(self.ratio)}, "
            f"fwhm_ratio {said(self.fwhm_ratio)}"
        )


def doublet(
    region: str,
    peaks: tuple[int, int] | None = None,
    *,
    splitting: Amount = "fixed",
    ratio: Amount = "fixed",
    fwhm_ratio: Amount = "fixed",
) -> Doublet:
    """Tie two peaks as the lines of one core level.

    Parameters
    ----------
    region : str
        The level, for instance "S 2p": a key of `xpsnet.constants.DOUBLETS`. Of another level
        ("U 4f") the splitting must be given.
    peaks : (int, int), optional
        The two peaks, counted from 1, in either order: the one at lower binding energy
        is the line of higher j. By default the two whose distance and areas agree best.
    splitting : "fixed", "free", float or (float, float)
        Distance of the lines [eV] > 0: that of the table, left to the fit, held at a number, or
        fitted between two.
    ratio : "fixed", "free", float or (float, float)
        Area of the line of lower j over that of higher j; "fixed" is the statistical ratio, 1/2
        for p, 2/3 for d, 3/4 for f.
    fwhm_ratio : "fixed", "free", float or (float, float)
        Width of the line of lower j over that of higher j; "fixed" is 1. 2p1/2 lines of
        transition metals are broader.

    Returns
    -------
    Doublet
        For ``refine(spectra, peaks, doublets=[...])``.

    Raises
    ------
    ValueError
        Where the level is not in the table and its splitting not given, or an amount is none.

    Examples
    --------
    >>> import xpsnet
    >>> print(xpsnet.doublet("S 2p", peaks=(1, 2), splitting=(1.1, 1.3)))
    S 2p of peaks 1 and 2: splitting 1.1 to 1.3, ratio 0.5, fwhm_ratio 1
    """
    known = DOUBLETS.get(region)
    letter = re.search(r"\d([pdf])\b", region)
    if letter is None or (known is None and splitting in ("fixed", "free")):
        raise ValueError(
            f"expected a level of {', '.join(DOUBLETS)}, or another one with its splitting [eV], "
            f"got {region!r}"
        )
    share = known.branching_ratio if known else BRANCHING_RATIOS[letter[1]]
    statistical = 1 / share - 1
    distance = known.splitting if known else float(np.mean(_limits("splitting", splitting, 1.0)))
    if peaks is not None:
        first, second = peaks
        if first == second or min(first, second) < 1:
            raise ValueError(f"expected two peaks counted from 1, got peaks={peaks}")
        peaks = (int(first), int(second))
    return Doublet(
        region,
        peaks,
        None if splitting == "free" else _limits("splitting", splitting, distance),
        None if ratio == "free" else _limits("ratio", ratio, statistical),
        None if fwhm_ratio == "free" else _limits("fwhm_ratio", fwhm_ratio, 1.0),
        (distance, statistical),
    )


def _limits(name: str, amount: Amount, fixed: float) -> Limits:
    """Lowest and highest value of an amount that is not free."""
    given = fixed if amount == "fixed" else amount
    pair = given if isinstance(given, tuple | list) else (given, given)
    try:
        low, high = (float(end) for end in pair)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not 0 < low <= high < np.inf:
        raise ValueError(
            f'expected {name} as "fixed", "free", a number above 0 or a pair (lowest, highest), '
            f"got {amount!r}"
        )
    return low, high


def as_doublets(given: "Doublet | str | Iterable[Doublet | str]") -> tuple[Doublet, ...]:
    """One doublet or several, by their levels or as made by `doublet`."""
    several = [given] if isinstance(given, Doublet | str) else list(given)
    return tuple(doublet(one) if isinstance(one, str) else one for one in several)


def doublet_links(
    doublets: Iterable[Doublet], line_shape: str, scale: str, center: Floats | None = None
) -> list[Link]:
    """Links that make peaks the lines of doublets.

    Parameters
    ----------
    doublets : iterable of Doublet
        With their peaks.
    line_shape : str
        Key of `LINE_SHAPES`.
    scale : "binding" or "kinetic"
        Of the links.
    center : ndarray, shape (..., peak), optional
        Starts [eV] on that scale, which say which line of each pair is which; by default peaks
        ascend.

    Returns
    -------
    list of Link
        Of the line of lower j to that of higher j.

    Raises
    ------
    ValueError
        Where a doublet has no peaks, or two of them share one.
    """
    links: list[Link] = []
    taken: set[int] = set()
    for one in doublets:
        if one.peaks is None or taken & set(one.peaks):
            raise ValueError(f"expected doublets of different peaks, got {one} twice or unpaired")
        taken |= set(one.peaks)
        links += _links_of(one, line_shape, scale, *_by_energy(one.indices, scale, center))
    return links


def _by_energy(peaks: tuple[int, int], scale: str, center: Floats | None) -> tuple[int, int]:
    """Places of the lines of higher and of lower j."""
    low, high = sorted(peaks)
    if center is not None and high < center.shape[-1]:
        distance = center[..., high] - center[..., low]
        distance = distance[np.isfinite(distance)]
        if distance.size and np.median(distance) < 0:
            low, high = high, low
    return (low, high) if scale_sign(scale) > 0 else (high, low)


def _links_of(one: Doublet, line_shape: str, scale: str, main: int, partner: int) -> list[Link]:
    """Links of one doublet."""
    widths = one.fwhm_ratio
    if widths is None and one.ratio is not None:
        widths = _WIDTHS  # the ratio of areas needs it to be a parameter
    links = [
        Link(name, partner, main)
        for name in LINE_SHAPES[line_shape].parameters
        if name not in ("center", "fwhm", "height")
    ]
    if one.splitting is not None:
        links.append(_tied("center", "offset", partner, main, one.splitting))
    if widths is not None:
        links.append(_tied("fwhm", "ratio", partner, main, widths))
    if one.ratio is not None:
        links.append(_tied("area", "ratio", partner, main, one.ratio))
    return [link if scale_sign(scale) > 0 else link.mirrored() for link in links]


def _tied(parameter: str, amount: str, peak: int, source: int, limits: Limits) -> Link:
    """A link with a held or a fitted amount."""
    if limits[0] < limits[1]:
        return Link(parameter, peak, source, fitted=amount, limits=limits)
    if amount == "offset":
        return Link(parameter, peak, source, offset=limits[0])
    return Link(parameter, peak, source, ratio=limits[0])


def pair_doublets(
    doublets: Sequence[Doublet | str],
    scale: str,
    center: Floats,
    area: Floats,
    *,
    every: bool = False,
) -> list[Doublet]:
    """Find the peaks of doublets among those that a spectrum has.

    Two peaks are paired where their distance agrees with the splitting (within its limits and 15 %
    of it, at least 0.25 eV) and their areas with the ratio (within its limits and a factor of 2.5
    up and down); what is free counts as the table has it. Where several pairs do, the one that
    agrees best comes first; a peak belongs to one doublet at most.

    Parameters
    ----------
    doublets : sequence of Doublet or str
        Those that have peaks keep them; a text stands for ``doublet(text)``.
    scale : "binding" or "kinetic"
        Of the centers.
    center, area : ndarray, shape (peak,)
        Peaks found; NaN where there is none. Heights x widths will do as areas; unknown (NaN)
        ones do not count.
    every : bool
        Pair each doublet as often as peaks are left for it: one level in several chemical states.

    Returns
    -------
    list of Doublet
        With peaks; those of which no pair was found are left out.
    """
    found: list[Doublet] = []
    rest: list[Doublet] = []
    for given in doublets:
        one = doublet(given) if isinstance(given, str) else given
        (rest if one.peaks is None else found).append(one)
    taken = {place for one in found for place in one.indices}
    for one in rest:
        costs = sorted(
            (cost, pair)
            for pair in combinations(np.flatnonzero(np.isfinite(center)).tolist(), 2)
            if (cost := _disagreement(one, scale, center, area, pair)) <= 1
        )
        for _, pair in costs:
            if taken & set(pair):
                continue
            taken |= set(pair)
            found.append(replace(one, peaks=(pair[0] + 1, pair[1] + 1)))
            if not every:
                break
    return found


def _disagreement(
    one: Doublet, scale: str, center: Floats, area: Floats, pair: tuple[int, int]
) -> float:
    """How far a pair is from being this doublet; 1 is the most that is allowed."""
    main, partner = _by_energy(pair, scale, center)
    distance = abs(float(center[partner] - center[main]))
    low, high = one.splitting or (one.expected[0],) * 2
    allowed = max(SHARE * one.expected[0], LEAST)
    off = max(low - distance, distance - high, 0.0) / allowed
    if not np.isfinite(area[[main, partner]]).all():
        return off
    if not (area[[main, partner]] > 0).all():
        return np.inf
    ratio = float(area[partner] / area[main])
    low, high = one.ratio or (one.expected[1],) * 2
    factor = max(low / ratio, ratio / high, 1.0)
    return float(max(off, np.log(factor) / np.log(FACTOR)))


def with_partners(peaks: xr.Dataset, doublets: Sequence[Doublet]) -> xr.Dataset:
    """A result that says which peaks belong together.

    Parameters
    ----------
    peaks : Dataset
        Refined with these doublets.
    doublets : sequence of Doublet
        With their peaks.

    Returns
    -------
    Dataset
        With the variable `partner` (peak): the coordinate `peak` of the other line, 0 where there
        is none; and the attribute `doublets`.
    """
    if not doublets:
        return peaks
    numbers = peaks["peak"].values
    partner = np.zeros(numbers.size, dtype=np.int64)
    for one in doublets:
        first, second = one.indices
        partner[first], partner[second] = numbers[second], numbers[first]
    attrs = {"long_name": "Peak of the same doublet, 0: none", "units": "1"}
    marked = peaks.assign(partner=("peak", partner, attrs))
    marked.attrs["doublets"] = "; ".join(str(one) for one in doublets)
    return marked
