"""Whether the states that a fit found are those of an expert or of the truth.

A state is what a chemist counts: one line, or both lines of one doublet. Its center is that of its
line at lower binding energy, its area that of all its lines. Nothing here fits or draws anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.optimize import linear_sum_assignment

Floats = npt.NDArray[np.float64]

LEAST_SHARE = 15.0  # of the area [%]; a smaller state is not asked for
SHARE_TOLERANCE = 10.0  # points
RESOLVED = 0.5  # splitting over FWHM from which the lines of a doublet can be counted


@dataclass(frozen=True)
class Pair:
    """The second line of a doublet, relative to the first.

    The expert's fit holds `splitting` to 3 % and `ratio` to the given range.
    """

    splitting: float  # eV
    ratio: float  # area of the second over the first
    ratio_range: float = 0.05  # of the ratio, to both sides
    width_range: tuple[float, float] = (1.0, 1.0)  # FWHM of the second over that of the first


@dataclass(frozen=True)
class State:
    """One state of an expert's answer.

    States of one `group` count as one: the expert's own fit does not tell them apart by its
    residual, or the rule of the benchmark says so. A state that is not `asked` has a place in the
    expert's fit and a share of the area, but nobody could say both to the tolerance.
    """

    center: float  # of the line at lower binding energy [eV]
    share: float  # of the area [%]
    what: str = ""
    pair: Pair | None = None
    asymmetric: bool = False
    fwhm: float = 1.2  # where the expert's fit starts [eV]
    group: str = ""
    asked: bool = True


@dataclass(frozen=True)
class Found:
    """One state of an answer, or several that count as one."""

    center: float
    share: float
    low: float
    high: float  # where several count as one: their lowest and highest center

    def away(self, center: float) -> float:
        """Distance from the nearest place of the state [eV]."""
        return max(self.low - center, center - self.high, 0.0)


@dataclass(frozen=True)
class Verdict:
    """What the comparison of two answers says."""

    right: bool
    missed: tuple[float, ...]  # centers of asked states without a counterpart [eV]
    far: bool  # an asked state has nothing within two tolerances
    why: str


def states_of(peaks: xr.Dataset) -> list[Found]:
    """States of one fitted spectrum: by `state`, else by `partner`, else every line is one."""
    center, area = peaks["center"].values, peaks["area"].values
    there = np.isfinite(center)
    number = np.arange(center.size)
    if "state" in peaks:
        number = np.where(np.isfinite(peaks["state"].values), peaks["state"].values, 0).astype(int)
    elif "partner" in peaks:
        partner = np.nan_to_num(peaks["partner"].values).astype(int)
        number = np.where(partner > 0, np.minimum(number, partner - 1), number)
    return _shares(
        [
            (float(center[there & (number == k)].min()), float(area[there & (number == k)].sum()))
            for k in np.unique(number[there])
        ]
    )


def lines_of(peaks: xr.Dataset) -> list[Found]:
    """Lines of one fitted spectrum, each by itself."""
    there = np.isfinite(peaks["center"].values)
    center, area = peaks["center"].values[there], peaks["area"].values[there]
    return _shares(list(zip(center.tolist(), area.tolist(), strict=True)))


def _shares(states: list[tuple[float, float]]) -> list[Found]:
    total = sum(area for _, area in states)
    total = total if np.isfinite(total) and total > 0 else np.nan
    return [Found(center, 100 * area / total, center, center) for center, area in sorted(states)]


def expected(states: Sequence[State]) -> list[tuple[Found, bool]]:
    """An expert's states with groups taken together, and whether each is asked for."""
    groups: dict[str, list[State]] = {}
    for number, state in enumerate(states):
        groups.setdefault(state.group or f"#{number}", []).append(state)
    result = []
    for members in groups.values():
        share = sum(state.share for state in members)
        center = sum(state.center * state.share for state in members) / share
        centers = [state.center for state in members]
        asked = all(state.asked for state in members) and share >= LEAST_SHARE
        result.append((Found(center, share, min(centers), max(centers)), asked))
    return sorted(result, key=lambda item: item[0].center)


def as_lines(states: Sequence[State]) -> list[State]:
    """The same answer with the two lines of every doublet that shows two as two."""
    lines: list[State] = []
    for state in states:
        if state.pair is None or state.pair.splitting < RESOLVED * state.fwhm:
            lines.append(replace(state, pair=None))
            continue
        first = state.share / (1 + state.pair.ratio)
        lines.append(replace(state, share=first, pair=None))
        group = f"{state.group}, second line" if state.group else ""
        second = state.center + state.pair.splitting
        lines.append(
            replace(state, center=second, share=state.share - first, pair=None, group=group)
        )
    return lines


def merged(found: list[Found], wanted: list[Found], tolerance: float) -> list[Found]:
    """The answer, where all that lies in the range of one wanted group counts as one state."""
    rest, result = list(found), []
    for group in (state for state in wanted if state.high > state.low):
        inside = [state for state in rest if group.away(state.center) <= tolerance]
        if not inside:
            continue
        rest = [state for state in rest if state not in inside]
        share = sum(state.share for state in inside)
        center = sum(state.center * state.share for state in inside) / share
        result.append(Found(center, share, inside[0].center, inside[-1].center))
    return sorted(rest + result, key=lambda state: state.center)


def judge(found: list[Found], states: Sequence[State], tolerance: float) -> Verdict:
    """Compare an answer with an expert's.

    Right: every asked state has a counterpart, one to one, within `tolerance` [eV] and
    `SHARE_TOLERANCE` points of the area; where nothing is asked for, nothing was found.
    """
    wanted = expected(states)
    found = merged(found, [state for state, _ in wanted], tolerance)
    if not states:
        return Verdict(not found, (), False, "" if not found else "states where there are none")
    asked = [state for state, needed in wanted if needed]
    if not found:
        missed = tuple(state.center for state in asked)
        return Verdict(False, missed, bool(missed), "nothing found")
    distance = np.array([[state.away(other.center) for other in found] for state in asked])
    rows, columns = linear_sum_assignment(distance)
    partner = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    missed, reasons, far = [], [], False
    for number, state in enumerate(asked):
        if number not in partner or distance[number, partner[number]] > tolerance:
            missed.append(state.center)
            reasons.append(f"no state at {state.center:.2f} eV")
            far |= bool(distance[number].min() > 2 * tolerance)
            continue
        share = found[partner[number]].share
        if not abs(share - state.share) <= SHARE_TOLERANCE:
            reasons.append(f"{share:.0f} % in place of {state.share:.0f} % at {state.center:.2f}")
    return Verdict(not reasons, tuple(missed), far, "; ".join(reasons))


def residual(counts: Floats, envelope: Floats) -> Floats:
    """Data minus envelope over the square root of the counts (of at least 1 % of the largest).

    The unit is arbitrary, which a ratio of two fits does not see.
    """
    weight = np.sqrt(np.maximum(counts, 0.01 * np.nanmax(counts)))
    return np.asarray((counts - envelope) / weight)


def correlation(values: Floats) -> float:
    """Correlation of each value with the next; 0 for noise of a detector."""
    values = values[np.isfinite(values)]
    values = values - values.mean()
    square = float(values @ values)
    return float(values[1:] @ values[:-1]) / square if square > 0 else 0.0


def root_mean_square(values: Floats) -> float:
    """Root of the mean of the squares of what is finite."""
    return float(np.sqrt(np.nanmean(values**2)))
