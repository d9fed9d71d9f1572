"""Spin-orbit doublets: two lines of one level, tied by splitting, areas and widths.

The line of lower j lies at higher binding energy and has the smaller area: 1/2, 2/3 or 3/4 of the
other's for p, d and f levels. Splittings are those of `xpsnet.constants.DOUBLETS`. Both lines have
one shape. A doublet is nothing but links between two peaks (`links.py`).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import WrongTypeError, check, is_number, shown, text
from xpsnet.constants import BRANCHING_RATIOS, DOUBLETS
from xpsnet.data.level_names import parse_level
from xpsnet.data.links import Limits, Link
from xpsnet.data.peak_settings import stored_constraints, with_constraints
from xpsnet.data.peaks import line_shapes_of
from xpsnet.data.spectrum import scale_sign
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import LineShapes, shapes_at

Floats = npt.NDArray[np.float64]
Amount = Literal["fixed", "free"] | float | tuple[float, float]

# Found peaks are two lines of a doublet where their distance is that of the splitting within this
# share of it, or this much [eV], and their areas have the ratio within this factor.
SHARE, LEAST, FACTOR = 0.15, 0.25, 2.5
# Between what a free width ratio stays: beyond, the two are not lines of one level.
_LARGEST = 1e6  # of a splitting [eV] or a ratio
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


Group = tuple[npt.NDArray[np.intp], list[Doublet]]
"""Rows of spectra, and the doublets that they have."""


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
        The level in any spelling ("S 2p", "s2p"), one of `xpsnet.constants.DOUBLETS`; for another
        level ("U 4f") the splitting must be given. A single line ("S 2p3/2") is no doublet.
    peaks : (int, int), optional
        The two peaks, counted from 1, in either order: the one at lower binding energy
        is the line of higher j. By default the two whose distance and areas agree best.
    splitting : "fixed", "free", float or (float, float)
        Distance of the lines [eV] > 0: "fixed" takes that of the table, "free" leaves it to the
        fit, a number holds it, and a pair gives its limits.
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
        Where the level is not in the table and its splitting not given, or an amount is not one of
        the above.

    Examples
    --------
    >>> import xpsnet
    >>> print(xpsnet.doublet("S 2p", peaks=(1, 2), splitting=(1.1, 1.3)))
    S 2p of peaks 1 and 2: splitting 1.1 to 1.3, ratio 0.5, fwhm_ratio 1
    """
    check(locals(), region=text("S 2p"))
    for name, amount in (("splitting", splitting), ("ratio", ratio), ("fwhm_ratio", fwhm_ratio)):
        _check_amount(name, amount)
    level = parse_level(region)
    region = region if level is None else str(level)
    known = DOUBLETS.get(region)
    letter = re.search(r"\d([pdf])$", region)
    if letter is None or (known is None and splitting in ("fixed", "free")):
        raise ValueError(
            f"expected a level of {', '.join(DOUBLETS)}, or another one with its splitting [eV], "
            f"got {region!r}"
        )
    share = known.branching_ratio if known else BRANCHING_RATIOS[letter[1]]
    statistical = 1 / share - 1
    distance = known.splitting if known else float(np.mean(_limits(splitting, 1.0)))
    if peaks is not None:
        peaks = _checked_peaks(peaks)
    return Doublet(
        region,
        peaks,
        None if splitting == "free" else _limits(splitting, distance),
        None if ratio == "free" else _limits(ratio, statistical),
        None if fwhm_ratio == "free" else _limits(fwhm_ratio, 1.0),
        (distance, statistical),
    )


def _checked_peaks(peaks: Any) -> tuple[int, int]:
    """Two different numbers of peaks."""
    whole = isinstance(peaks, list | tuple) and all(
        is_number(one) and 0 < one < _LARGEST and one == int(one) for one in peaks
    )
    if not whole or len(peaks) != 2 or peaks[0] == peaks[1] or min(peaks) < 1:
        raise ValueError(
            f"expected two peaks counted from 1, got peaks={shown(peaks)}; pass for instance "
            f"peaks=(1, 2)"
        )
    return int(peaks[0]), int(peaks[1])


def _check_amount(name: str, amount: Any) -> None:
    """Refuse what is no amount of a doublet."""
    if isinstance(amount, str) and amount in ("fixed", "free"):
        return
    ends = amount if isinstance(amount, list | tuple) else (amount,)
    numbers = len(ends) in (1, 2) and all(map(is_number, ends))
    if not numbers or not all(0 < one < _LARGEST for one in ends) or ends[0] > ends[-1]:
        raise ValueError(
            f'expected {name} as "fixed", "free", a number above 0 or a pair (lowest, highest), '
            f"got {shown(amount)}; pass one of them"
        )


def _limits(amount: Amount, fixed: float) -> Limits:
    """Lowest and highest value of a checked amount that is not free."""
    given = fixed if isinstance(amount, str) else amount
    low, high = given if isinstance(given, tuple | list) else (given, given)
    return float(low), float(high)


def as_doublets(given: Iterable[Doublet | str], n_peaks: int) -> tuple[Doublet, ...]:
    """Doublets by their levels or as made by `doublet`, of up to so many peaks.

    Raises
    ------
    ValueError
        Where one is no doublet, or names a peak beyond these.
    """
    if not isinstance(given, Doublet | str | list | tuple):
        raise WrongTypeError(
            f"expected doublets as levels ('S 2p') or made by xpsnet.doublet, got "
            f"doublets={shown(given)}; pass for instance doublets=['S 2p'], or () for none"
        )
    several = [given] if isinstance(given, Doublet | str) else list(given)
    found = tuple(doublet(one) if isinstance(one, str) else one for one in several)
    for one in found:
        if not isinstance(one, Doublet):
            raise ValueError(
                f"expected doublets as levels ('S 2p') or made by xpsnet.doublet, got "
                f"{shown(one)}; pass for instance doublets=['S 2p']"
            )
        if max(one.indices) >= n_peaks:
            raise ValueError(
                f"expected doublets of up to {n_peaks} peaks (counted from 1), got {one}; give "
                f"peaks that exist, or a larger n_peaks"
            )
    return found


def doublet_links(
    doublets: Iterable[Doublet], line_shape: LineShapes, center: Floats | None = None
) -> list[Link]:
    """Links that make peaks the lines of doublets, on the axis of the numerics.

    Parameters
    ----------
    doublets : iterable of Doublet
        With their peaks.
    line_shape : str or tuple of str
        Key of `LINE_SHAPES`, or one for each peak.
    center : ndarray, shape (..., peak), optional
        Starts [eV], larger = more bound, which say which line of each pair is which; by default
        peaks ascend.

    Returns
    -------
    list of Link
        Of the line of lower j to that of higher j.

    Raises
    ------
    ValueError
        Where a doublet has no peaks, two of them share one, or its lines have different shapes.
    """
    links: list[Link] = []
    taken: set[int] = set()
    for one in doublets:
        if one.peaks is None or taken & set(one.peaks):
            raise ValueError(f"expected doublets of different peaks, got {one} twice or unpaired")
        taken |= set(one.peaks)
        main, partner = sorted(one.indices)
        if center is not None and partner < center.shape[-1]:
            distance = center[..., partner] - center[..., main]
            distance = distance[np.isfinite(distance)]
            if distance.size and np.median(distance) < 0:
                main, partner = partner, main
        links += _links_of(one, line_shape, main, partner)
    return links


def _links_of(one: Doublet, line_shape: LineShapes, main: int, partner: int) -> list[Link]:
    """Links of one doublet."""
    widths = one.fwhm_ratio
    if widths is None and one.ratio is not None:
        widths = _WIDTHS  # the ratio of areas needs it to be a parameter
    shape = shapes_at(line_shape, (main, partner))
    if not isinstance(shape, str):
        raise ValueError(f"expected lines of one shape for {one}, got {' and '.join(shape)}")
    links = [
        Link(name, partner, main)
        for name in LINE_SHAPES[shape].parameters
        if name not in ("center", "fwhm", "height")
    ]
    if one.splitting is not None:
        links.append(tied("center", "offset", partner, main, one.splitting))
    if widths is not None:
        links.append(tied("fwhm", "ratio", partner, main, widths))
    if one.ratio is not None:
        links.append(tied("area", "ratio", partner, main, one.ratio))
    return links


def tied(parameter: str, amount: str, peak: int, source: int, limits: Limits) -> Link:
    """A link of a peak to its source with an offset or ratio: held where both limits are equal."""
    if limits[0] < limits[1]:
        return Link(parameter, peak, source, fitted=amount, limits=limits)
    if amount == "offset":
        return Link(parameter, peak, source, offset=limits[0])
    return Link(parameter, peak, source, ratio=limits[0])


def pair_doublets(
    doublets: Sequence[Doublet], center: Floats, area: Floats, *, every: bool = False
) -> list[Group]:
    """Find the peaks of doublets in every spectrum.

    Two peaks are paired where their distance agrees with the splitting (within its limits and 15 %
    of it, at least 0.25 eV) and their areas with the ratio (within its limits and a factor of 2.5
    up and down); what is free counts as the table has it. Of several such pairs the one that agrees
    best comes first; a peak belongs to one doublet at most.

    Parameters
    ----------
    doublets : sequence of Doublet
        Those that have peaks keep them.
    center, area : ndarray, shape (S, peak)
        Peaks found, energies larger = more bound; NaN where there is none. Heights x widths will
        do as areas; unknown (NaN) ones do not count.
    every : bool
        Pair each doublet as often as peaks are left for it: one level in several chemical states.

    Returns
    -------
    list of (rows, doublets)
        Spectra by the doublets that they have; every row once. The doublets have peaks; those of
        which no pair was found are left out.
    """
    given = [one for one in doublets if one.peaks is not None]
    pairs = list(combinations(range(center.shape[1]), 2))
    taken = np.zeros(center.shape, dtype=bool)
    for one in given:
        taken[:, [index for index in one.indices if index < center.shape[1]]] = True
    chosen: list[npt.NDArray[np.intp]] = []
    levels: list[Doublet] = []
    for one in [one for one in doublets if one.peaks is None] if pairs else []:
        costs = np.stack([_disagreement(one, center, area, pair) for pair in pairs], axis=1)
        for _ in range(center.shape[1] // 2 if every else 1):
            used = np.stack([taken[:, a] | taken[:, b] for a, b in pairs], axis=1)
            free = np.where(used, np.inf, costs)
            best = free.argmin(axis=1)
            good = np.flatnonzero(free[np.arange(len(best)), best] <= 1)
            for side in (0, 1):
                taken[good, np.array(pairs)[best[good], side]] = True
            chosen.append(np.where(np.isin(np.arange(len(best)), good), best, -1))
            levels.append(one)
    if not chosen:
        return [(np.arange(len(center)), given)] if len(center) else []
    patterns, pattern_of = np.unique(np.stack(chosen, axis=1), axis=0, return_inverse=True)
    groups = []
    for number, pattern in enumerate(patterns):
        found = [
            replace(one, peaks=(pairs[place][0] + 1, pairs[place][1] + 1))
            for one, place in zip(levels, pattern, strict=True)
            if place >= 0
        ]
        groups.append((np.flatnonzero(pattern_of.ravel() == number), [*given, *found]))
    return groups


def _disagreement(one: Doublet, center: Floats, area: Floats, pair: tuple[int, int]) -> Floats:
    """How far a pair is from being this doublet in every spectrum; 1 is the most allowed."""
    first, second = (center[:, place] for place in pair)
    upper = second > first
    distance = np.abs(second - first)
    low, high = one.splitting or (one.expected[0],) * 2
    off = np.maximum(np.maximum(low - distance, distance - high), 0.0)
    off = off / max(SHARE * one.expected[0], LEAST)
    main = np.where(upper, area[:, pair[0]], area[:, pair[1]])
    partner = np.where(upper, area[:, pair[1]], area[:, pair[0]])
    low, high = one.ratio or (one.expected[1],) * 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = partner / main
        factor = np.maximum(np.maximum(low / ratio, ratio / high), 1.0)
        by_area = np.where((main > 0) & (partner > 0), np.log(factor) / np.log(FACTOR), np.inf)
    off = np.where(np.isnan(main + partner), off, np.maximum(off, by_area))
    return np.where(np.isnan(off), np.inf, off)


def partners(doublets: Sequence[Doublet], center: Floats, area: Floats) -> npt.NDArray[np.int64]:
    """Number of the other line of its doublet for every peak, from 1; 0 where there is none.

    Parameters
    ----------
    doublets : sequence of Doublet
        Those without peaks are found in every spectrum, as often as they are there.
    center, area : ndarray, shape (S, peak)
        As for `pair_doublets`.

    Returns
    -------
    ndarray of int, shape (S, peak)
    """
    partner = np.zeros(center.shape, dtype=np.int64)
    for rows, pairs in pair_doublets(doublets, center, area, every=True):
        for one in pairs:
            first, second = one.indices
            if max(first, second) >= center.shape[1]:  # no spectrum has so many peaks
                continue
            both = rows[np.isfinite(center[rows, first] + center[rows, second])]
            partner[both, first], partner[both, second] = second + 1, first + 1
    return partner


def doublets_json(doublets: Iterable[Doublet]) -> str:
    """Doublets as the text of the attribute `doublets` of peaks."""
    return json.dumps([asdict(one) for one in doublets])


def stored_doublets(peaks: xr.Dataset) -> tuple[Doublet, ...]:
    """Doublets that peaks carry in their attribute.

    Raises
    ------
    ValueError
        Where the attribute is damaged.
    """
    text = str(peaks.attrs.get("doublets", "[]"))
    if not text.startswith("["):  # words of an older version
        return ()
    try:
        return tuple(_of_json(one) for one in json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"expected doublets as JSON, got {text[:80]!r}") from error


def _of_json(stored: Mapping[str, Any]) -> Doublet:
    """One doublet of the attribute, checked as `doublet` does."""
    given: dict[str, Any] = {}
    for name in ("splitting", "ratio", "fwhm_ratio"):
        pair = stored[name]
        given[name] = "free" if pair is None else (float(pair[0]), float(pair[1]))
    distance, statistical = (float(value) for value in stored["expected"])
    peaks = stored["peaks"]
    places = None if peaks is None else (int(peaks[0]), int(peaks[1]))
    free = given["splitting"] == "free"
    checked = doublet(
        str(stored["region"]), places, **(given | ({"splitting": distance} if free else {}))
    )
    splitting = None if free else checked.splitting
    return replace(checked, splitting=splitting, expected=(distance, statistical))


def doublets_as_links(peaks: xr.Dataset) -> xr.Dataset:
    """The same peaks of one spectrum with the links of their doublets among the constraints.

    A doublet without the numbers of its peaks holds for all lines that `partner` pairs.
    """
    stored = stored_doublets(peaks)
    if not stored:
        return peaks
    sign = scale_sign(str(peaks.attrs["scale"]))
    center = sign * peaks["center"].values.reshape(1, -1)
    partner = peaks["partner"].values.reshape(-1) if "partner" in peaks else None
    found = paired_by_partner(stored, partner, center[0])
    links = doublet_links(found, line_shapes_of(peaks), center)
    own = {link.name: str(link if sign > 0 else link.mirrored()) for link in links}
    constraints = {n: c for n, c in stored_constraints(peaks).items() if n not in own} | own
    attrs = {name: value for name, value in peaks.attrs.items() if name != "doublets"}
    new = peaks.copy(deep=False)
    new.attrs = with_constraints(attrs, constraints)
    return new


def paired_by_partner(
    doublets: Sequence[Doublet], partner: npt.NDArray[np.int64] | None, center: Floats
) -> list[Doublet]:
    """Doublets with the peaks that a fit has paired.

    Parameters
    ----------
    doublets : sequence of Doublet
        Those that have peaks keep them. Of the others, each pair gets the one that agrees best.
    partner : ndarray of int, shape (peak,), or None
        Number of the other line, 0 for none.
    center : ndarray, shape (peak,)
        Larger = more bound [eV].
    """
    found = [one for one in doublets if one.peaks is not None]
    open_ones = [one for one in doublets if one.peaks is None]
    taken = {number for one in found for number in one.peaks or ()}
    unknown = np.full((1, center.size), np.nan)
    for k, other in enumerate([] if partner is None or not open_ones else partner.tolist()):
        pair = (k + 1, other)
        if not k + 1 < other <= center.size or taken & set(pair):
            continue
        costs = [_disagreement(one, center[None], unknown, (k, other - 1))[0] for one in open_ones]
        if np.isfinite(costs).any():
            found.append(replace(open_ones[int(np.argmin(costs))], peaks=pair))
            taken |= set(pair)
    return found
