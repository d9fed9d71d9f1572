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
- the common shift of all lines, the chemical shift of each element beyond its known range, and the
  distance of its lines from their places cost as normal deviations.

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
_TRIED = 6  # common shifts for which amounts are balanced and elements taken away again
_BEYOND = 0.5  # [eV] standard deviation of a chemical shift beyond the range of an element
_ANCHORS = 3  # lines of an element by which its shift is found
_NOTHING = 0.01  # a difference of costs that is none
_DECIDING = 4  # peaks by which the amount of an element is found
_AMOUNTS = np.array([0.2, 0.35, 0.6, 1.0, 1.6])
_PEAK_REACH = 0.25  # of the width of a peak, added to the tolerance of a line
_BROADER, _BROADER_BY = 1.5, 3.0  # times, and [eV]: a peak may be broader than its line by this
_STATES = 1.5  # [eV] beyond the chemical shifts: where other states of a level may be
_SATELLITE_REACH = 2.2  # [eV]: the two strongest satellites may be one peak
_VALENCE_BAND = 13.0  # [eV] below, peaks may belong to the valence band
_EDGE = 2.0  # [eV] from the ends of the survey, where lines are not judged

_COSTS = {
    -1.0: "C",
    0.0: "O",
    2.0: "N F Na Mg Al Si P S Cl K Ca Ti Cr Fe Ni Cu Zn",
    4.0: "Li B V Mn Co Ga Ge As Se Br Sr Y Zr Nb Mo Pd Ag Cd In Sn Sb Te I Ba Ta W Pt Au Pb Bi Ar",
    6.0: "Be Sc Rb Ru Rh Cs La Ce Hf Re Os Ir Hg Tl Th U",
    9.0: "Kr Xe",
}
_COST = {one: cost for cost, names in _COSTS.items() for one in names.split()}
_COST_OF_LANTHANIDES, _COST_OF_OTHERS = 7.0, 12.0
_COST_OF_LOST = 1000.0  # of an element that is required and has no line at a common shift


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
    place : int
        Of the match among all of its common shift.
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
    place: int = -1


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
    shifts = np.arange(-reach, reach + 1e-9, _SHIFT_STEP) if reach > 0 else np.zeros(1)
    # The shifts that look best without a second look at the amounts are tried in earnest.
    trials = sorted((_Trial(sums, float(shift)) for shift in shifts), key=_Trial.first_cost)
    found = [(*trial.chosen(), trial) for trial in trials[:_TRIED]]
    members, cost, trial = min(found, key=lambda one: one[1])
    chances = [trial.probability(members, cost, one.element) for one in members]
    return Matches(tuple(members), tuple(chances), cost, trial.shift, sums.kinds)


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
            near = np.abs(-distance - shift) < _SATELLITE_REACH
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


class _Table:
    """All matches of a common shift as arrays; what a match has not is 0, its limit 1.

    Attributes
    ----------
    areas, capacity : ndarray, shape (matches, peaks)
    own : ndarray, shape (matches,)
    absent, limit, spread : ndarray, shape (matches, lines)
        See `Match`.
    element : ndarray of int, shape (matches,)
        Place of the element in the question.
    """

    def __init__(self, matches: Sequence[Match], elements: Sequence[str], n_peaks: int) -> None:
        n = len(matches)
        n_lines = max((one.absent.size for one in matches), default=0)
        self.areas, self.capacity = np.zeros((n, n_peaks)), np.zeros((n, n_peaks))
        self.absent = np.zeros((n, n_lines))
        self.limit, self.spread = np.ones((n, n_lines)), np.ones((n, n_lines))
        self.own = np.array([one.cost for one in matches])
        places = {element: k for k, element in enumerate(elements)}
        self.element = np.array([places[one.element] for one in matches], dtype=np.intp)
        for k, one in enumerate(matches):
            self.areas[k], self.capacity[k] = one.areas, one.capacity
            size = one.absent.size
            self.absent[k, :size], self.limit[k, :size] = one.absent, one.limit
            self.spread[k, :size] = one.spread
        # The peaks that decide on the amount of a match.
        self.first = np.argsort(-self.areas, axis=1)[:, :_DECIDING]

    def absence(self, rows: Indices, amount: Floats) -> Floats:
        """Cost of the lines that are not found, shape (rows, amounts), of these amounts."""
        height = amount[..., None] * (self.absent / self.limit)[rows][:, None, :]
        over = np.log(np.maximum(height, 1.0)) ** 2 / (2 * self.spread[rows][:, None, :] ** 2)
        return np.asarray(np.minimum(over, _HIGHEST).sum(axis=-1))


class _Trial:
    """All elements at one common shift."""

    def __init__(self, sums: _Sums, shift: float) -> None:
        self.sums, self.shift = sums, shift
        question = sums.question
        found = [one for element in question.elements for one in _matches(sums, element, shift)]
        self.matches = [replace(one, place=k) for k, one in enumerate(found)]
        self.table = _Table(self.matches, question.elements, sums.peaks.energy.size)
        self._all = np.arange(len(self.matches))
        lost = {*question.required} - {one.element for one in self.matches}
        self.fixed = _COST_OF_LOST * len(lost) + shift**2 / (2 * _SHIFT_ERROR**2)

    def first_cost(self) -> float:
        """Cost of the set that is found by adding elements alone."""
        members, cost = self._started(), np.inf
        while True:
            known = self._places_of(one.element for one in members)
            larger, lower = self._with_best(members, np.setdiff1d(self._all, known))
            if lower >= min(cost, self.cost(members)) - 1e-6:
                return self.cost(members)
            members, cost = larger, lower

    def _started(self) -> list[Match]:
        """The elements that are required."""
        members: list[Match] = []
        for element in self.sums.question.required:
            members, _ = self._with_best(members, self._places_of([element]))
        return members

    def chosen(self) -> tuple[list[Match], float]:
        """Members of the best set, and its cost."""
        return self._completed(self._started(), self._all)

    def probability(self, members: Sequence[Match], cost: float, element: str) -> float:
        """Of an element, against the best set without it."""
        rest = [one for one in members if one.element != element]
        others = np.setdiff1d(self._all, self._places_of([element]))
        _, without = self._completed(rest, others)
        return float(1.0 / (1.0 + np.exp(-np.clip(without - cost, -50.0, 50.0))))

    def _places_of(self, elements: Iterable[str]) -> Indices:
        """Places of the matches of some elements."""
        known = [self.sums.question.elements.index(one) for one in elements]
        return np.flatnonzero(np.isin(self.table.element, known))

    def _completed(self, members: list[Match], places: Indices) -> tuple[list[Match], float]:
        """The members and all that lower the cost; none of them that raises it."""
        cost = self.cost(members)
        while True:
            free = np.setdiff1d(places, self._places_of(one.element for one in members))
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

    def cost(self, members: Sequence[Match]) -> float:
        """Of a set."""
        return float(self.sums.cost(*self._predicted(members))) + self._own(members)

    def _own(self, members: Sequence[Match]) -> float:
        """What a set costs besides the peaks."""
        rows = np.array([one.place for one in members], dtype=np.intp)
        amounts = np.array([[one.amount] for one in members]).reshape(-1, 1)
        absence = float(self.table.absence(rows, amounts).sum())
        return absence + float(self.table.own[rows].sum()) + self.fixed

    def _predicted(self, members: Sequence[Match]) -> tuple[Floats, Floats]:
        """Firm areas of all peaks, and what can be added."""
        rows = np.array([one.place for one in members], dtype=np.intp)
        amounts = np.array([one.amount for one in members])
        return (
            amounts @ self.table.areas[rows],
            self.sums.capacity + amounts @ self.table.capacity[rows],
        )

    def _with_best(self, members: list[Match], rows: Indices) -> tuple[list[Match], float]:
        """The members and the match that lowers the cost most, with its best amount."""
        if rows.size == 0:
            return members, np.inf
        firm, extra = self._predicted(members)
        amounts = self._amounts(rows, firm)
        areas, capacity = (one[rows][:, None, :] for one in (self.table.areas, self.table.capacity))
        cost = self.sums.cost(
            firm + amounts[..., None] * areas, extra + amounts[..., None] * capacity
        )
        cost += self.table.own[rows][:, None] + self.table.absence(rows, amounts)
        row, k = np.unravel_index(int(np.argmin(cost)), cost.shape)
        best = replace(self.matches[rows[row]], amount=float(amounts[row, k]))
        return [*members, best], float(cost[row, k]) + self._own(members)

    def _amounts(self, rows: Indices, firm: Floats) -> Floats:
        """Amounts to try, shape (rows, amounts): those that explain a peak, and parts of them."""
        area, first = self.sums.peaks.area, self.table.first[rows]
        left = np.maximum(area - firm, 0.1 * area)[first]
        strength = np.take_along_axis(self.table.areas[rows], first, axis=1)
        has = strength > 0
        amount = np.where(has, left / np.where(has, strength, 1.0), 0.0)
        amount = np.where(has, amount, amount[:, :1])
        return np.asarray((amount[..., None] * _AMOUNTS).reshape(rows.size, -1))

    def _balanced(self, members: list[Match]) -> tuple[list[Match], float]:
        """The same members with amounts that lower the cost."""
        cost = self.cost(members)
        for _ in range(2):
            before = cost
            for one in list(members):
                rest = [other for other in members if other is not one]
                changed, lower = self._with_best(rest, np.array([one.place]))
                if lower < cost:
                    members, cost = changed, lower
            if cost >= before - _NOTHING:
                break
        return members, cost


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
