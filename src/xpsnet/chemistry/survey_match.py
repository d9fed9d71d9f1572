"""Which elements explain the peaks of a survey: the set of least cost.

Costs are negative logarithms of likelihoods, so that a difference of 3 is a ratio of 20. An element
of the amount a predicts the area a s for each of its lines, s from `survey_lines`. With A the area
of a peak, F what the core levels of all elements predict for it, and O what can add to it (Auger
lines, very broad lines, other states of the same levels, satellites of the source, energy losses),

- a peak costs ln(A / F)**2 / 2 t**2 where F > A; nothing where O makes up for the difference; else
  ln(A / (F + O))**2 / 2 t**2, but at most what a peak costs that nothing explains;
- a line that is not found costs ln(h / u)**2 / 2 t**2 where its predicted height h is above u, the
  height that the noise can hide: this is the penalty for strong lines that are absent;
- an element costs by itself: little where most samples hold it, much where few do;
- the common shift of all lines, and the chemical shift of each element beyond its known range,
  cost as normal deviations.

t is the logarithmic error of predicted areas: cross-sections, layers on the surface, and the
transmission of the instrument, which is the less certain the further the kinetic energy is from
1000 eV. Elements are added one by one, the cheapest next, for every common shift; then each is
taken away again where the sum is lower without it. The amounts of the final set follow from
non-negative least squares.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from xpsnet.chemistry.survey_lines import SurveyLine, survey_lines
from xpsnet.chemistry.survey_peaks import SurveyPeaks
from xpsnet.data.level_tables import DEFAULT_SHIFTS, LANTHANIDES, SHIFTS

__all__ = ["Match", "Matches", "Question", "match_elements"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

_AREA_ERROR = 0.45  # logarithmic, of two lines at the same kinetic energy
_TRANSMISSION = 0.5  # error of the power of the kinetic energy
_HIGHEST = 25.0  # no single line decides more than this
_AUGER_CAPACITY = 4.0  # Auger lines may be so many times stronger than predicted
_SHIFT_ERROR = 3.0  # [eV] standard deviation of the common shift
_SHIFT_STEP = 1.0  # [eV]
_BEYOND = 0.5  # [eV] standard deviation of a chemical shift beyond the range of an element
_ANCHORS = 3  # lines of an element by which its shift is found
_AMOUNTS = np.array([0.2, 0.35, 0.6, 1.0, 1.6])
_PEAK_REACH = 0.25  # of the width of a peak, added to the tolerance of a line
_BROADER, _BROADER_BY = 1.5, 3.0  # times, and [eV]: a peak may be broader than its line by this
_STATES = 1.5  # [eV] beyond the chemical shifts: where other states of a level may be
_VALENCE_BAND = 13.0  # [eV] below, peaks may belong to the valence band
_EDGE = 2.0  # [eV] from the ends of the survey, where lines are not judged

_COSTS = {
    -1.0: "C O",
    2.0: "N F Na Mg Al Si P S Cl K Ca Ti Cr Fe Ni Cu Zn",
    4.0: "Li B V Mn Co Ga Ge As Se Br Sr Y Zr Nb Mo Pd Ag Cd In Sn Sb Te I Ba Ta W Pt Au Pb Bi Ar",
    6.0: "Be Sc Rb Ru Rh Cs La Ce Hf Re Os Ir Hg Tl Th U",
    9.0: "Kr Xe",
}
_COST = {one: cost for cost, names in _COSTS.items() for one in names.split()}
_COST_OF_LANTHANIDES, _COST_OF_OTHERS = 7.0, 12.0
_COST_OF_LOST = 50.0  # of an element that is required and has no line at a common shift


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    photon_energy : float
        [eV].
    elements : tuple of str
        All that may be candidates.
    required : tuple of str
        Those that must be among them.
    satellites : tuple of (float, float)
        Shift [eV] and relative height of the satellites of the source.
    largest_shift : float
        Of all lines in common [eV].
    """

    photon_energy: float
    elements: tuple[str, ...]
    required: tuple[str, ...]
    satellites: tuple[tuple[float, float], ...]
    largest_shift: float


@dataclass(frozen=True)
class Match:
    """An element at one place of its lines.

    Attributes
    ----------
    element : str
        Symbol.
    lines : tuple of SurveyLine
        Those inside the survey.
    offset : float
        By which all core levels are shifted, in common and chemically [eV].
    peak : ndarray of int, shape (lines,)
        Place of the peak of each line; -1 where there is none.
    areas, capacity : ndarray, shape (peaks,)
        What the unit amount predicts for each peak, and what its Auger lines can add.
    absent, limit, spread : ndarray, shape (absent lines,)
        Heights that the unit amount predicts for lines without a peak, the largest that can be
        there, and the logarithmic error.
    cost : float
        Of the element itself and of its chemical shift.
    amount : float
        Of the element.
    """

    element: str
    lines: tuple[SurveyLine, ...]
    offset: float
    peak: Indices
    areas: Floats
    capacity: Floats
    absent: Floats
    limit: Floats
    spread: Floats
    cost: float
    amount: float = 0.0

    def absence(self, amount: Floats) -> Floats:
        """Cost of the lines that are not found for these amounts, shape of `amount`."""
        over = np.log(np.maximum(amount[..., None] * self.absent / self.limit, 1.0))
        return np.asarray(np.minimum(over**2 / (2 * self.spread**2), _HIGHEST).sum(axis=-1))


@dataclass(frozen=True)
class Matches:
    """The elements found.

    Attributes
    ----------
    members : tuple of Match
        The best set.
    probability : tuple of float
        Of each of them.
    cost : float
        Of the set.
    shift : float
        Common to all lines [eV].
    background : ndarray of str, shape (peaks,)
        What each peak may be without any element: "satellite", "energy loss", "valence band" or "".
    """

    members: tuple[Match, ...]
    probability: tuple[float, ...]
    cost: float
    shift: float
    background: npt.NDArray[np.str_]


def match_elements(peaks: SurveyPeaks, question: Question) -> Matches:
    """Find the set of elements of least cost.

    Parameters
    ----------
    peaks : SurveyPeaks
        Of one survey.
    question : Question
        What is asked.
    """
    sums = _Sums(peaks, question)
    reach = question.largest_shift
    best: tuple[float, float, list[Match]] | None = None
    for shift in np.arange(-reach, reach + 1e-9, _SHIFT_STEP) if reach > 0 else [0.0]:
        trial = _Trial(sums, float(shift))
        members, cost = trial.chosen()
        if best is None or cost < best[0]:
            best = cost, float(shift), members
    if best is None:
        raise ValueError(f"expected a largest shift of 0 or more, got {reach}")
    cost, shift, members = best
    trial = _Trial(sums, shift)
    chances = [trial.probability(members, cost, one.element) for one in members]
    return Matches(tuple(members), tuple(chances), cost, shift, sums.kinds)


class _Sums:
    """What holds for all shifts: the costs of peaks, and what explains them without an element."""

    def __init__(self, peaks: SurveyPeaks, question: Question) -> None:
        self.peaks, self.question = peaks, question
        kinetic = np.maximum(question.photon_energy - peaks.energy, 10.0)
        self.spread = np.hypot(_spread(kinetic), 1.0 / np.maximum(peaks.significance, 1.0))
        self.alone = np.clip(
            2.0 + 4.0 * np.log2(np.maximum(peaks.significance, 1.0) / 5.0), 0.0, _HIGHEST
        )
        self.capacity, self.kinds = self._without_elements()

    def _without_elements(self) -> tuple[Floats, npt.NDArray[np.str_]]:
        """Areas that satellites and losses can have at each peak, and the larger of both."""
        energy, area = self.peaks.energy, self.peaks.area
        # From the strong peak, which has the losses above it and the satellites below it.
        distance = energy[:, None] - energy[None, :]
        weak = area[:, None] < 0.3 * area[None, :]
        broad = self.peaks.fwhm[:, None] > 3.0
        loss = ((distance > 3.0) & (distance < 40.0) & weak & broad) * 0.3 * area[None, :]
        satellite = np.zeros_like(distance)
        for shift, height in self.question.satellites:
            near = np.abs(-distance - shift) < 1.5
            satellite += near * 2.0 * height * area[None, :]
        losses, satellites = loss.max(axis=1, initial=0.0), satellite.max(axis=1, initial=0.0)
        valence = np.where(energy < _VALENCE_BAND, 10.0 * area, 0.0)
        kinds = np.where(losses > 0.5 * area, "energy loss", "")
        kinds = np.where(satellites > np.maximum(0.5 * area, losses), "satellite", kinds)
        kinds = np.where(valence > 0.0, "valence band", kinds)
        return np.maximum(np.maximum(losses, satellites), valence), kinds.astype(np.str_)

    def cost(self, firm: Floats, extra: Floats) -> Floats:
        """Cost of all peaks for what is predicted and what can be added, shape (..., peaks)."""
        area = self.peaks.area
        with np.errstate(divide="ignore"):
            low, high = np.log(firm / area), np.log((firm + extra) / area)
        off = np.where(low > 0, low, np.minimum(high, 0.0))
        part = off**2 / (2 * self.spread**2)
        ceiling = np.where(low > 0, _HIGHEST, self.alone)
        return np.asarray(np.minimum(part, ceiling).sum(axis=-1))


class _Trial:
    """All elements at one common shift."""

    def __init__(self, sums: _Sums, shift: float) -> None:
        self.sums, self.shift = sums, shift
        self.matches = [
            match for element in sums.question.elements for match in _matches(sums, element, shift)
        ]

    def chosen(self) -> tuple[list[Match], float]:
        """Members of the best set, and its cost."""
        members: list[Match] = []
        for element in self.sums.question.required:
            places = [one for one in self.matches if one.element == element]
            members, _ = self._with_best(members, places)
        return self._completed(members, self.matches)

    def probability(self, members: Sequence[Match], cost: float, element: str) -> float:
        """Of an element, against the best set without it."""
        rest = [one for one in members if one.element != element]
        others = [one for one in self.matches if one.element != element]
        _, without = self._completed(rest, others)
        return float(1.0 / (1.0 + np.exp(-np.clip(without - cost, -50.0, 50.0))))

    def _completed(
        self, members: list[Match], matches: Sequence[Match]
    ) -> tuple[list[Match], float]:
        """The members and all that lower the cost; none of them that raises it."""
        cost = self.cost(members)
        while True:
            known = {one.element for one in members}
            free = [one for one in matches if one.element not in known]
            larger, lower = self._with_best(members, free)
            if lower >= cost - 1e-6:
                break
            members, cost = self._balanced(larger)
        required = self.sums.question.required
        for one in list(members):
            if one.element in required:
                continue
            smaller, lower = self._balanced([other for other in members if other is not one])
            if lower < cost:
                members, cost = smaller, lower
        return members, cost

    def cost(self, members: Iterable[Match]) -> float:
        """Of a set."""
        members = list(members)
        firm, extra = self._predicted(members)
        own = sum(one.cost + float(one.absence(np.array(one.amount))) for one in members)
        lost = {*self.sums.question.required} - {one.element for one in self.matches}
        own += _COST_OF_LOST * len(lost) + self.shift**2 / (2 * _SHIFT_ERROR**2)
        return float(self.sums.cost(firm, extra)) + own

    def _predicted(self, members: Sequence[Match]) -> tuple[Floats, Floats]:
        n = self.sums.peaks.energy.size
        firm = sum((one.amount * one.areas for one in members), np.zeros(n))
        extra = sum((one.amount * one.capacity for one in members), self.sums.capacity)
        return firm, extra

    def _with_best(
        self, members: list[Match], matches: Sequence[Match]
    ) -> tuple[list[Match], float]:
        """The members and the one that lowers the cost most, with its best amount."""
        if not matches:
            return members, np.inf
        before = self.cost(members)
        firm, extra = self._predicted(members)
        fixed = before - float(self.sums.cost(firm, extra))
        best: tuple[float, Match] | None = None
        for match in matches:
            amounts = self._amounts(match, firm)
            cost = self.sums.cost(
                firm + amounts[:, None] * match.areas, extra + amounts[:, None] * match.capacity
            )
            cost = cost + fixed + match.cost + match.absence(amounts)
            k = int(np.argmin(cost))
            if best is None or cost[k] < best[0]:
                best = float(cost[k]), replace(match, amount=float(amounts[k]))
        if best is None:
            return members, np.inf
        return [*members, best[1]], best[0]

    def _amounts(self, match: Match, firm: Floats) -> Floats:
        """Amounts to try: those that explain single peaks, and parts of them."""
        has = match.areas > 0
        left = np.maximum(self.sums.peaks.area - firm, 0.1 * self.sums.peaks.area)
        return np.unique(((left[has] / match.areas[has])[:, None] * _AMOUNTS).ravel())

    def _balanced(self, members: list[Match]) -> tuple[list[Match], float]:
        """The same members with amounts that lower the cost."""
        for _ in range(2):
            for one in list(members):
                rest = [other for other in members if other is not one]
                known = self.cost(members)
                changed, cost = self._with_best(rest, [one])
                if cost < known:
                    members = changed
        return members, self.cost(members)


def _spread(kinetic: Floats) -> Floats:
    """Logarithmic error of predicted areas at these kinetic energies [eV]."""
    return np.asarray(np.hypot(_AREA_ERROR, _TRANSMISSION * np.log(kinetic / 1000.0)))


def _cost_of(element: str) -> float:
    if element in LANTHANIDES:
        return _COST.get(element, _COST_OF_LANTHANIDES)
    return _COST.get(element, _COST_OF_OTHERS)


def _matches(sums: _Sums, element: str, shift: float) -> list[Match]:
    """Places that an element may have at a common shift."""
    peaks, question = sums.peaks, sums.question
    if peaks.energy.size == 0:
        return []
    low, high = SHIFTS.get(element, DEFAULT_SHIFTS)
    ends = peaks.grid[0] + _EDGE, peaks.grid[-1] - _EDGE
    lines = tuple(
        line
        for line in survey_lines(element, question.photon_energy)
        if ends[0] < line.energy + shift < ends[1]
    )
    anchors = [line for line in lines if line.certain][:_ANCHORS]
    found: dict[float, Match] = {}
    for line in anchors:
        for energy in peaks.energy:
            chemical = float(energy) - line.energy - shift
            if not low - 3 * _BEYOND < chemical < high + 3 * _BEYOND:
                continue
            place = round(chemical * 2) / 2
            if place not in found:
                match = _match(sums, element, lines, (shift, chemical))
                if match is not None:
                    found[place] = match
    return list(found.values())


def _match(
    sums: _Sums, element: str, lines: tuple[SurveyLine, ...], shifts: tuple[float, float]
) -> Match | None:
    """Peaks of the lines of an element for a common and a chemical shift."""
    peaks, (shift, chemical) = sums.peaks, shifts
    core = np.array([line.certain for line in lines])
    place = np.array([line.energy for line in lines]) + shift + np.where(core, chemical, 0.0)
    strength = np.array([line.strength for line in lines])
    width = np.array([line.fwhm for line in lines])
    tolerance = np.array([line.tolerance for line in lines])
    away = np.abs(peaks.energy[None, :] - place[:, None])
    possible = away < tolerance[:, None] + _PEAK_REACH * peaks.fwhm
    possible &= (peaks.fwhm < _BROADER * width[:, None] + _BROADER_BY) | ~core[:, None]
    # Of several peaks the higher one, unless it is further away.
    rank = np.where(possible, np.log(peaks.height) - away / tolerance[:, None], -np.inf)
    nearest = rank.argmax(axis=1)
    distance = away[np.arange(len(lines)), nearest]
    matched = possible[np.arange(len(lines)), nearest]
    areas, capacity = np.zeros(peaks.energy.size), np.zeros(peaks.energy.size)
    np.add.at(areas, nearest[matched & core], strength[matched & core])
    np.add.at(capacity, nearest[matched & ~core], _AUGER_CAPACITY * strength[matched & ~core])
    # Other chemical states of a level that was found.
    low, high = SHIFTS.get(element, DEFAULT_SHIFTS)
    states = peaks.energy[None, :] - place[:, None] + chemical
    states = (states > low - _STATES) & (states < high + _STATES) & (matched & core)[:, None]
    capacity += strength @ states
    if not areas.any():
        return None
    limit = peaks.upper_limit(place)
    absent = core & ~matched & np.isfinite(limit)
    kinetic = np.maximum(sums.question.photon_energy - place, 10.0)
    beyond = max(low - chemical, chemical - high, 0.0)
    off = distance[matched & core] / tolerance[matched & core]
    return Match(
        element,
        lines,
        shift + chemical,
        np.where(matched, nearest, -1),
        areas,
        capacity,
        strength[absent] / (1.0645 * width[absent]),
        np.maximum(limit[absent], 1e-300),
        _spread(kinetic)[absent],
        _cost_of(element) + beyond**2 / (2 * _BEYOND**2) + float((off[:_ANCHORS] ** 2).sum()) / 2,
    )
