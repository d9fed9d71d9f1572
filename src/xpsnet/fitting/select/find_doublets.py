"""Doublets among the peaks of many spectra: found in all at once, fitted pattern by pattern."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.spectrum import scale_sign
from xpsnet.fitting.model.doublets import FACTOR, LEAST, SHARE, Doublet, doublet_links
from xpsnet.fitting.model.parameters import Floats
from xpsnet.fitting.solve.dispatch import refine_rows
from xpsnet.fitting.solve.fit_inputs import Rows
from xpsnet.fitting.solve.fit_results import Answers
from xpsnet.fitting.solve.single_spectrum import Setup

Group = tuple[npt.NDArray[np.intp], list[Doublet]]


def refine_paired(setup: Setup, rows: Rows, doublets: Sequence[Doublet], **how: Any) -> Answers:
    """Refine many spectra with the peaks tied that are doublets in their starts.

    Parameters
    ----------
    setup, rows
        As for `refine_rows`.
    doublets : sequence of Doublet
        Those without peaks are found in every spectrum, as often as they are there.
    **how
        Handed on to `refine_rows`.
    """
    if not doublets:
        return refine_rows(setup, rows, **how)
    center = rows.starts["center"]
    groups = paired_rows(doublets, center, rows.starts["height"] * rows.starts["fwhm"])
    answers = Answers.not_done(setup.plain_layout(center.shape[1]), len(center))
    for members, pairs in groups:
        links = doublet_links(pairs, setup.line_shape, "binding", center[members])
        tied = replace(setup, constraints=setup.constraints.with_links(links))
        starts = {name: values[members] for name, values in rows.starts.items()}
        some = Rows(rows.counts[members], rows.noise[members], starts, rows.status[members])
        answers = answers.replaced(members, refine_rows(tied, some, **how))
    return answers


def paired_rows(doublets: Sequence[Doublet], center: Floats, area: Floats) -> list[Group]:
    """Spectra by the pairs that are doublets in them.

    Parameters
    ----------
    doublets : sequence of Doublet
        Those that have peaks keep them.
    center, area : ndarray, shape (S, peak)
        On the scale of the numerics; NaN where there is no peak.

    Returns
    -------
    list of (rows, doublets)
        Every row once; the doublets have peaks. The rules are those of `pair_doublets`.
    """
    pairs = list(combinations(range(center.shape[1]), 2))
    given = [one for one in doublets if one.peaks is not None]
    taken = np.zeros(center.shape, dtype=bool)
    for one in given:
        inside = [place for place in one.indices if place < center.shape[1]]
        taken[:, inside] = True
    sought = [one for one in doublets if one.peaks is None]
    chosen: list[npt.NDArray[np.intp]] = []
    levels: list[Doublet] = []
    for one in sought if pairs else []:
        costs = np.stack([_costs(one, center, area, pair) for pair in pairs], axis=1)
        for _ in range(center.shape[1] // 2):
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


def _costs(one: Doublet, center: Floats, area: Floats, pair: tuple[int, int]) -> Floats:
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
        off = np.where(
            np.isnan(main + partner), off, np.maximum(off, np.log(factor) / np.log(FACTOR))
        )
    return np.where(np.isnan(off), np.inf, off)


def with_found_partners(peaks: xr.Dataset, doublets: Sequence[Doublet]) -> xr.Dataset:
    """A result that says which peaks of every spectrum belong together.

    Parameters
    ----------
    peaks : Dataset
        From fits by `refine_paired`.
    doublets : sequence of Doublet
        As given there.

    Returns
    -------
    Dataset
        With the variable `partner` (..., peak): the coordinate `peak` of the other line, 0 where
        there is none; and the attribute `doublets`.
    """
    if not doublets:
        return peaks
    center = peaks["center"].transpose(..., "peak")
    k = center.sizes["peak"]
    flat = scale_sign(peaks.attrs["scale"]) * center.values.reshape(-1, k)
    area = peaks["area"].transpose(..., "peak").values.reshape(-1, k)
    numbers = peaks["peak"].values
    partner = np.zeros(flat.shape, dtype=np.int64)
    for rows, pairs in paired_rows(doublets, flat, area):
        for one in pairs:
            first, second = one.indices
            both = rows[np.isfinite(flat[rows, first] + flat[rows, second])]
            partner[both, first], partner[both, second] = numbers[second], numbers[first]
    attrs = {"long_name": "Peak of the same doublet, 0: none", "units": "1"}
    marked = peaks.assign(partner=(center.dims, partner.reshape(center.shape), attrs))
    marked.attrs["doublets"] = "; ".join(str(one) for one in doublets)
    return marked
