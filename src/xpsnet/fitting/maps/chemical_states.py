"""Assignment of the peaks of a map to its chemical states.

A **state** is a center, a width and an area that come again from spectrum to spectrum. Giving peak
p to state s costs

    ((center_p - center_s) / u)^2 + (ln(fwhm_p / fwhm_s) / v)^2 + (ln(area_p / area_s) / w)^2 - a_s

with u^2 = (fwhm_s / 4)^2 + (standard error of center_p)^2, v = 0.5 and w = 1.5. center_s, fwhm_s
and area_s are the medians of the state over the neighbors, so that a state may drift over the map;
where no two neighbors have it, those of the whole map are taken, without the last square. a_s =
2 ln(share / (1 - share)), limited to 4, is the cost of leaving a state absent that this share of
the spectra has (negative for a rare state, so that it is given only to a peak that agrees well). A
peak that no state takes costs 9, or, where the number of states was given, so much that it only
happens where all states are taken. Every spectrum gets the assignment of least cost in which no
state has two peaks.

The states themselves are found one after the other: the place where most spectra have a peak that
no state took, as long as these are at least 2 % of all spectra; with every new state all peaks are
assigned again, and all states become the medians of their peaks.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.maps.neighbors import Shape, around, median
from xpsnet.fitting.model.parameter_map import Floats

Places = npt.NDArray[np.intp]

CENTER_SCALE = 0.25
FWHM_SCALE = 0.5
AREA_SCALE = 1.5
UNASSIGNED = 9.0
MOST_ABSENT = 4.0
LEAST_SHARE = 0.02
# Spectra below which a share of them means nothing, and one spectrum is enough for a state.
_FEW = 8
_NEVER = 1e9
_ROUNDS = 3
LOCAL_ROUNDS = 2


@dataclass(frozen=True)
class Found:
    """Peaks of many spectra, arrays of shape (spectra, peak); NaN where there is none.

    Attributes
    ----------
    center, fwhm, area : ndarray
    center_stderr : ndarray
        0 where unknown.
    """

    center: Floats
    fwhm: Floats
    area: Floats
    center_stderr: Floats

    def rows(self, chosen: Any) -> "Found":
        """Some of the spectra."""
        return Found(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class States:
    """States of a map, in ascending energy.

    Attributes
    ----------
    center, fwhm : ndarray, shape (state,) or (spectra, state)
    share : ndarray, shape (state,)
        Of the spectra that have it.
    area : ndarray, shape (spectra, state), or None
        Where it is known what to expect.
    complete : bool
        Whether there are no others: a peak is then left over only where all states are taken.
    """

    center: Floats
    fwhm: Floats
    share: Floats
    area: Floats | None = None
    complete: bool = False

    @property
    def limit(self) -> float:
        """What it costs to leave a peak without a state."""
        return _NEVER if self.complete else UNASSIGNED

    @property
    def n(self) -> int:
        """Number of states."""
        return int(self.share.size)


def find_states(found: Found, n_states: int | None, most: int) -> States:
    """States that the peaks of a map belong to.

    Parameters
    ----------
    found : Found
        Peaks of all spectra, or of a sample of them.
    n_states : int or None
        How many; None to find out.
    most : int
        No more than this.
    """
    occupied = np.isfinite(found.center).any(axis=1)
    found = found.rows(occupied)
    total = len(found.center)
    states = States(np.empty(0), np.empty(0), np.empty(0))
    least = 1 if total < _FEW or n_states is not None else max(2, LEAST_SHARE * total)
    for _ in range(most if n_states is None else n_states):
        center, fwhm, support = _densest(found, assign(found, states))
        if support < least:
            break
        states = States(
            np.append(states.center, center),
            np.append(states.fwhm, fwhm),
            np.append(states.share, support / total),
        )
        for _ in range(_ROUNDS):
            states = _updated(found, states, assign(found, states))
    order = np.argsort(states.center)
    return States(
        states.center[order],
        states.fwhm[order],
        states.share[order],
        complete=n_states == states.n,
    )


def _densest(found: Found, place: Places) -> tuple[float, float, int]:
    """Center and width where most spectra have a peak without a state, and how many have."""
    free = np.isfinite(found.center)
    row, state = np.nonzero(place >= 0)
    free[row, place[row, state]] = False
    if not free.any():
        return np.nan, np.nan, 0
    center, fwhm = found.center[free], found.fwhm[free]
    spectrum = np.nonzero(free)[0]
    order = np.argsort(center)
    center, fwhm, spectrum = center[order], fwhm[order], spectrum[order]
    half = 2 * CENTER_SCALE * float(np.median(fwhm))
    first = np.searchsorted(center, center - half)
    last = np.searchsorted(center, center + half, side="right")
    best = int(np.argmax(last - first))
    near = slice(int(first[best]), int(last[best]))
    support = int(np.unique(spectrum[near]).size)
    return float(np.median(center[near])), float(np.median(fwhm[near])), support


def _updated(found: Found, states: States, place: Places) -> States:
    """States as the medians of the peaks that they have."""
    center, fwhm = taken(found.center, place), taken(found.fwhm, place)
    middle, width = median(center), median(fwhm)
    share = np.isfinite(center).mean(axis=0)
    kept = np.isfinite(middle)
    return States(np.where(kept, middle, states.center), np.where(kept, width, states.fwhm), share)


def assign(found: Found, states: States) -> Places:
    """Peak that every state has in every spectrum, -1 where it is absent.

    Parameters
    ----------
    found : Found
        Of S spectra.
    states : States
        The same for all spectra, or a row for each.

    Returns
    -------
    ndarray of int, shape (S, state)
    """
    place = np.full((len(found.center), states.n), -1, dtype=np.intp)
    if states.n == 0 or found.center.shape[1] == 0:
        return place
    cost = _costs(found, states)
    best = np.argmin(cost, axis=2)
    wanted = np.isfinite(found.center) & (np.min(cost, axis=2) < states.limit)
    chosen = (best[:, :, None] == np.arange(states.n)) & wanted[:, :, None]
    # Where no two peaks want the same state, the cheapest of each is the optimum.
    simple = (chosen.sum(axis=1) <= 1).all(axis=1)
    place[simple] = np.where(chosen.any(axis=1), chosen.argmax(axis=1), -1)[simple]
    for row in np.flatnonzero(~simple):
        place[row] = _optimum(cost[row], np.isfinite(found.center[row]), states.limit)
    return place


def _optimum(cost: Floats, exists: npt.NDArray[np.bool_], limit: float) -> Places:
    """Assignment of least cost of one spectrum, shape (state,)."""
    from scipy.optimize import linear_sum_assignment

    peaks = np.flatnonzero(exists)
    nobody = np.full((peaks.size, peaks.size), limit)
    rows, columns = linear_sum_assignment(np.hstack([cost[peaks], nobody]))
    place = np.full(cost.shape[1], -1, dtype=np.intp)
    stated = columns < cost.shape[1]
    place[columns[stated]] = peaks[rows[stated]]
    return place


def _costs(found: Found, states: States) -> Floats:
    """What it costs to give a peak to a state (see the module), shape (S, peak, state)."""
    center, fwhm = (np.atleast_2d(v)[:, None, :] for v in (states.center, states.fwhm))
    error = np.clip(np.nan_to_num(found.center_stderr)[:, :, None], 0.0, fwhm)
    u2 = (CENTER_SCALE * fwhm) ** 2 + error**2
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = (found.center[:, :, None] - center) ** 2 / u2
        cost += (np.log(found.fwhm[:, :, None] / fwhm) / FWHM_SCALE) ** 2
        if states.area is not None:
            ratio = np.log(found.area[:, :, None] / states.area[:, None, :])
            cost += np.where(np.isfinite(ratio), ratio / AREA_SCALE, 0.0) ** 2
        absent = 2 * np.log(states.share / (1 - states.share))
    cost -= np.clip(absent, -MOST_ABSENT, MOST_ABSENT)
    return np.where(np.isfinite(cost), cost, np.inf)


def taken(values: Floats, place: Places) -> Floats:
    """Values (S, peak, ...) in the order of the states, NaN where a state is absent."""
    wide = place.reshape(*place.shape, *(1,) * (values.ndim - 2))
    if values.shape[1] == 0:
        return np.full((*place.shape, *values.shape[2:]), np.nan)
    return np.where(wide >= 0, np.take_along_axis(values, np.maximum(wide, 0), axis=1), np.nan)


def follow_states(found: Found, states: States, shape: Shape) -> Places:
    """Assign all peaks of a map, each spectrum with an eye on its neighbors.

    Parameters
    ----------
    found : Found
        Peaks of all spectra, in the order of the grid.
    states : States
        From `find_states`.
    shape : tuple of int
        Of the grid.

    Returns
    -------
    ndarray of int, shape (spectra, state)
    """
    place = assign(found, states)
    for _ in range(LOCAL_ROUNDS):
        near = [around(taken(v, place), shape) for v in (found.center, found.fwhm, found.area)]
        known = np.isfinite(near[0]).sum(axis=0) >= 2
        local = [np.where(known, median(values), np.nan) for values in near]
        here = replace(
            states,
            center=np.where(known, local[0], states.center),
            fwhm=np.where(known, local[1], states.fwhm),
            area=local[2],
        )
        again = assign(found, here)
        if np.array_equal(again, place):
            break
        place = again
    return place
