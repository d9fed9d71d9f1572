"""Simulated core levels of real materials, with their truth in states.

Independent of the simulator that trains the network: numpy and scipy alone. A `System` is one
material in one region (a level, a window, a step, the states that may occur); `draw_spectra` draws
spectra of it that differ in which states are there, in areas, charge, background and counts.

Lines are true Voigt lines, in metals Doniach-Sunjic lines convolved with a Gaussian (damped 20 eV
above the maximum, so that they have an area), in polymers a Voigt line with an unresolved
vibrational side band. No line is exactly that: each carries a smooth deviation, of the same shape
for all lines of one state. Fits of an expert's states to the windows of `state_cases.py` leave a
misfit, beyond noise, of 0 to 1.8 % of the largest height (median 0.45 %, rms where the peaks are
above 5 %); the deviation is drawn around that (median 0.4 %, by a factor of 1.8 up and down).
Backgrounds follow every true line: a step (Shirley), a loss (Tougaard), and a slope on a pedestal.
Counts are Poisson.

A state is asked for where leaving it out costs a chi-square of 20 or more, after heights, centers
and widths of all other states and the background have been refitted (linearized), where the
variance of a point is that of counting and of the lines' deviation: what is smaller than the
deviation of its neighbors cannot be seen at any number of counts. The cost by counting alone is
kept as well.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.special import voigt_profile

from xpsnet.constants import DOUBLETS

Floats = npt.NDArray[np.float64]

LEAST_CHI_SQUARE = 20.0
DEVIATION = (0.004, 1.8)  # median of the height, factor of one standard deviation
DEVIATION_LENGTH = 0.35  # of the FWHM, standard deviation of the smoothing
COUNTS = (1e2, 1e6)
_SIGMA = 2 * np.sqrt(2 * np.log(2))
_REACH = 20.0  # eV, where the tail of a metal's line is damped
_LOSS = 1643.0  # eV^2, C of Tougaard's universal cross section

# Binding energy of the line of higher j in the element or its commonest compound [eV]; rounded
# handbook values (moulder1992 of `xpsnet.constants`), good to about 1 eV.
ENERGIES = {
    "Al 2p": 72.8, "P 2p": 132.5, "S 2p": 163.5, "Cl 2p": 199.5, "K 2p": 293.0, "Ca 2p": 347.0,
    "Ti 2p": 458.6, "V 2p": 516.5, "Cr 2p": 576.5, "Zn 2p": 1021.5, "Ga 3d": 19.5, "Ge 3d": 31.0,
    "As 3d": 43.5, "Se 3d": 55.5, "Br 3d": 69.0, "Sr 3d": 133.5, "Y 3d": 157.0, "Zr 3d": 182.0,
    "Nb 3d": 206.5, "Mo 3d": 229.5, "Cd 3d": 405.0, "In 3d": 444.5, "Sn 3d": 486.5, "Sb 3d": 530.0,
    "Te 3d": 573.0, "I 3d": 619.0, "Hf 4f": 16.8, "Ta 4f": 26.3, "W 4f": 34.0, "Pb 4f": 138.0,
    "Bi 4f": 158.8,
}  # fmt: skip
METALS = {
    "Ti 2p": 454.0, "Cr 2p": 574.2, "Fe 2p": 706.8, "Co 2p": 778.2, "Ni 2p": 852.7, "Cu 2p": 932.7,
    "Mo 3d": 228.0, "Nb 3d": 202.3, "Ru 3d": 280.1, "Rh 3d": 307.2, "Pd 3d": 335.2, "Ag 3d": 368.3,
    "In 3d": 443.9, "Sn 3d": 484.9, "Ta 4f": 21.8, "W 4f": 31.4, "Re 4f": 40.3, "Ir 4f": 60.8,
    "Pt 4f": 71.1, "Au 4f": 84.0, "Pb 4f": 136.9,
}  # fmt: skip
SATELLITE_LEVELS = {"Cu 2p": (933.7, 8.5), "Ni 2p": (854.2, 6.8), "Co 2p": (780.2, 6.0)}
# Level, and its neighbor: distance [eV], splitting (0: one line), ratio, FWHM, share of the level.
NEIGHBORS = {
    "W 4f": (34.0, (5.7, 0.0, 0.0, 2.0, (0.04, 0.12))),
    "Mo 3d": (229.3, (-2.9, 0.0, 0.0, 2.2, (0.1, 0.35))),
    "Ti 2p": (458.6, (5.6, 0.0, 0.0, 3.5, (0.1, 0.6))),
    "Ta 4f": (26.3, (-3.3, 0.0, 0.0, 2.6, (0.05, 0.3))),
    "Al 2p": (74.5, (0.9, 2.4, 0.5, 1.8, (0.1, 0.8))),
    "Au 4f": (84.0, (5.1, 0.0, 0.0, 2.0, (0.05, 0.25))),
    "C 1s": (284.8, (8.2, 2.77, 0.5, 1.2, (0.1, 0.7))),
}
BROADER = ("Ti 2p", "V 2p", "Cr 2p", "Fe 2p", "Co 2p", "Ni 2p", "Cu 2p")  # second line
KINDS = {"doublet": 0.25, "metal": 0.2, "polymer": 0.2, "single": 0.1, "suboxide": 0.1,
         "satellite": 0.08, "neighbor": 0.07}  # fmt: skip
RATIO = {"p": 1 / 2, "d": 2 / 3, "f": 3 / 4}
STEPS = (0.05, 0.1, 0.1, 0.1, 0.2)  # eV


@dataclass(frozen=True)
class Possible:
    """A state that spectra of a system may have."""

    what: str
    center: float  # eV, of the line at lower binding energy
    gaussian: float  # FWHM [eV]
    lorentzian: float  # FWHM [eV]
    area: tuple[float, float]  # relative, drawn on a logarithmic scale
    presence: float = 1.0  # probability
    splitting: float = 0.0  # eV, 0: one line
    ratio: float = 0.5  # area of the second line over the first
    broader: float = 1.0  # Gaussian FWHM of the second line over the first
    singularity: float = 0.0  # of a Doniach-Sunjic line
    band: tuple[float, float] = (0.0, 0.0)  # height and distance [eV] of a side band


@dataclass(frozen=True)
class System:
    """One material in one region."""

    kind: str
    level: str
    energy: Floats  # eV, ascending
    states: tuple[Possible, ...]
    deviation: float  # rms of the lines' deviation over their height

    @property
    def asymmetric(self) -> bool:
        """Whether lines lean to higher binding energy."""
        return any(state.singularity > 0 or state.band[0] > 0 for state in self.states)


@dataclass(frozen=True)
class Truth:
    """One state of one spectrum."""

    place: int  # in the states of the system
    center: float  # of the maximum of the line at lower binding energy [eV]
    fwhm: float  # of that line [eV]
    share: float  # of the area of all states [%]
    worth: float  # chi-square that leaving it out costs
    worth_by_counting: float  # the same without the lines' deviation
    bound: float  # Cramer-Rao bound of the center [eV]

    @property
    def asked(self) -> bool:
        """Whether the spectrum shows the state."""
        return self.worth >= LEAST_CHI_SQUARE


@dataclass(frozen=True)
class Spectra:
    """Spectra of one system."""

    system: System
    counts: Floats  # (spectra, points)
    sigma: Floats  # of counting and deviation (spectra, points)
    truth: list[list[Truth]]

    def first(self, n: int) -> "Spectra":
        """The first n of them."""
        return Spectra(self.system, self.counts[:n], self.sigma[:n], self.truth[:n])


def draw_system(rng: np.random.Generator) -> System:
    """One material, its region, window and step."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    level, states = _DRAW[kind](rng)
    low = min(state.center for state in states)
    high = max(state.center + state.splitting for state in states)
    low -= rng.uniform(3.0, 8.0)
    high += rng.uniform(4.0, 10.0)
    step = float(rng.choice(STEPS))
    energy = np.arange(round(low, 1), min(high, low + 40.0), step)
    spread = float(np.clip(np.exp(np.log(DEVIATION[1]) * rng.normal()), 0.2, 4.0))
    return System(kind, level, energy, tuple(states), DEVIATION[0] * spread)


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _doublet(level: str, rng: np.random.Generator) -> dict[str, float]:
    """Splitting and ratio of a level, jittered as from one chemical state to another."""
    ratio = RATIO[level.split()[1][1]]
    wide = rng.uniform(1.1, 1.9) if level in BROADER else 1.0
    return {
        "splitting": DOUBLETS[level].splitting * rng.normal(1, 0.01),
        "ratio": ratio * rng.normal(1, 0.03),
        "broader": float(wide),
    }


def _chemical(
    rng: np.random.Generator, level: str, first: float, n: int, gaps: tuple[float, float]
) -> list[Possible]:
    """States of one level, each above the one before; the first is always there."""
    gaussian, lorentzian = rng.uniform(0.6, 1.6), rng.uniform(0.05, 0.4)
    pair = _doublet(level, rng) if level in DOUBLETS else {}
    states, center = [], first
    for number in range(n):
        own = gaussian * rng.uniform(0.9, 1.25)
        area = (0.5, 1.0) if number == 0 else (0.06, 1.0)
        states.append(
            Possible(
                f"state {number + 1}", center, own, lorentzian, area,
                1.0 if number == 0 else rng.uniform(0.4, 0.95), **pair,
            )
        )  # fmt: skip
        center += max(0.45 * gaussian, rng.uniform(*gaps))
    return states


def _draw_doublet(rng: np.random.Generator) -> tuple[str, list[Possible]]:
    level = str(rng.choice(list(ENERGIES)))
    first = ENERGIES[level] + rng.uniform(-1, 1)
    return level, _chemical(rng, level, first, rng.choice([1, 2, 3, 4], p=[0.4, 0.35, 0.17, 0.08]),
                            (0.6, 2.5))  # fmt: skip


def _draw_metal(rng: np.random.Generator) -> tuple[str, list[Possible]]:
    level = str(rng.choice(list(METALS)))
    gaussian, lorentzian = rng.uniform(0.4, 1.0), rng.uniform(0.15, 0.6)
    pair = _doublet(level, rng)
    states = [
        Possible("metal", METALS[level] + rng.uniform(-0.2, 0.2), gaussian, lorentzian, (0.5, 1.0),
                 singularity=rng.uniform(0.04, 0.22), **pair)
    ]  # fmt: skip
    center = states[0].center
    for number in range(rng.choice([0, 1, 2], p=[0.5, 0.35, 0.15])):
        center += rng.uniform(0.9, 2.6)
        wide = gaussian * rng.uniform(1.1, 1.8)
        states.append(Possible(f"oxide {number + 1}", center, wide, lorentzian, (0.06, 1.0),
                               rng.uniform(0.4, 0.9), **pair))  # fmt: skip
    return level, states


def _draw_polymer(rng: np.random.Generator) -> tuple[str, list[Possible]]:
    shifts = {"C-C": 0.0, "C-N": 1.0, "C-O": 1.6, "C=O": 2.9, "O-C=O": 4.1, "CF2": 7.2}
    band = (rng.uniform(0.08, 0.28), rng.uniform(0.35, 0.55))
    gaussian, lorentzian = rng.uniform(0.75, 1.4), rng.uniform(0.05, 0.15)
    first = 284.8 + rng.uniform(-0.4, 0.4)
    chosen = rng.choice(list(shifts)[1:], rng.choice([0, 1, 2, 3], p=[0.2, 0.3, 0.3, 0.2]), False)
    states = [Possible("C-C", first, gaussian, lorentzian, (0.5, 1.0), band=band)]
    for name in sorted(chosen, key=shifts.__getitem__):
        center = first + shifts[name] + rng.normal(0, 0.15)
        states.append(Possible(str(name), center, gaussian * rng.uniform(0.9, 1.15), lorentzian,
                               (0.05, 0.9), rng.uniform(0.5, 1), band=band))  # fmt: skip
    if rng.random() < 0.35:
        states.append(Possible("loss", first + rng.uniform(6.0, 7.0), rng.uniform(1.6, 3.0), 0.2,
                               (0.02, 0.1), 0.9))  # fmt: skip
    return "C 1s", states


def _draw_single(rng: np.random.Generator) -> tuple[str, list[Possible]]:
    level, first = ("O 1s", 530.0) if rng.random() < 0.65 else ("N 1s", 398.8)
    n = rng.choice([1, 2, 3, 4], p=[0.3, 0.4, 0.22, 0.08])
    return level, _chemical(rng, level, first + rng.uniform(-0.5, 1.0), n, (0.8, 2.0))


def _draw_suboxide(rng: np.random.Generator) -> tuple[str, list[Possible]]:
    gaussian, lorentzian = rng.uniform(0.4, 0.8), rng.uniform(0.08, 0.2)
    pair = {"splitting": 0.6 * rng.normal(1, 0.01), "ratio": 0.5 * rng.normal(1, 0.03)}
    first = 99.4 + rng.uniform(-0.2, 0.2)
    states = [Possible("Si", first, gaussian, lorentzian, (0.5, 1.0), **pair)]
    for number, shift in enumerate((0.95, 1.75, 2.5, 3.9)):
        usual = (0.1, 1.5) if number == 3 else (0.03, 0.25)
        there = rng.uniform(0.6, 1.0) if number == 3 else rng.uniform(0.1, 0.5)
        wide = gaussian * (1.15 + 0.2 * number)
        states.append(Possible(f"Si{number + 1}+", first + shift + rng.normal(0, 0.05), wide,
                               lorentzian, usual, there, **pair))  # fmt: skip
    return "Si 2p", states


def _draw_satellite(rng: np.random.Generator) -> tuple[str, list[Possible]]:
    level = str(rng.choice(list(SATELLITE_LEVELS)))
    energy, shift = SATELLITE_LEVELS[level]
    pair = _doublet(level, rng)
    main = Possible("oxide", energy + rng.uniform(-0.3, 0.3), rng.uniform(1.6, 3.0), 0.5,
                    (0.5, 1.0), **pair)  # fmt: skip
    pair |= {"splitting": pair["splitting"] + rng.uniform(0.0, 0.6), "broader": 1.0}
    satellite = Possible("satellite", main.center + shift + rng.uniform(-0.5, 0.5),
                         rng.uniform(3.0, 5.0), 0.5, (0.15, 0.5), 0.9, **pair)  # fmt: skip
    return level, [main, satellite]


def _draw_neighbor(rng: np.random.Generator) -> tuple[str, list[Possible]]:
    level = str(rng.choice(list(NEIGHBORS)))
    energy, (distance, splitting, ratio, fwhm, area) = NEIGHBORS[level]
    first = energy + rng.uniform(-0.5, 0.5)
    states = _chemical(rng, level, first, rng.choice([1, 2], p=[0.65, 0.35]), (0.8, 2.5))
    states.append(
        Possible("neighbor", first + distance + rng.normal(0, 0.2), fwhm * rng.uniform(0.8, 1.2),
                 0.4, area, 0.85, splitting, ratio)
    )  # fmt: skip
    return level, states


_DRAW = {
    "doublet": _draw_doublet, "metal": _draw_metal, "polymer": _draw_polymer,
    "single": _draw_single, "suboxide": _draw_suboxide, "satellite": _draw_satellite,
    "neighbor": _draw_neighbor,
}  # fmt: skip


@dataclass(frozen=True)
class _Line:
    """A line of height 1 on a fine axis around its maximum, with its own deviation."""

    away: Floats  # energy minus that of the maximum [eV]
    height: Floats
    fwhm: float

    def at(self, energy: Floats, center: float) -> Floats:
        return np.interp(energy - center, self.away, self.height, left=0.0, right=0.0)


def draw_line(
    state: Possible, wider: float, bumps: tuple[Floats, Floats], deviation: float
) -> _Line:
    """Line of a state, of height 1 before its deviation.

    `bumps` are a random function over the distance from the maximum in FWHM, of rms 1.
    """
    gaussian, lorentzian = state.gaussian * wider, state.lorentzian
    step = 0.02 * max(gaussian, 0.3)
    away = np.arange(-15.0, 30.0, step)
    if state.singularity > 0:
        # Doniach and Sunjic, J. Phys. C 3, 285 (1970), the tail damped.
        half, a = lorentzian / 2, state.singularity
        angle = np.pi * a / 2 - (1 - a) * np.arctan(away / half)
        line = np.cos(angle) / (away**2 + half**2) ** ((1 - a) / 2)
        line *= np.exp(-np.maximum(away, 0) / _REACH)
        line = gaussian_filter1d(line, gaussian / _SIGMA / step, mode="nearest")
    else:
        line = voigt_profile(away, gaussian / _SIGMA, lorentzian / 2)
        if state.band[0] > 0:
            side = voigt_profile(away - state.band[1], gaussian / _SIGMA, lorentzian / 2)
            line = line + state.band[0] * side
    top = int(line.argmax())
    line = line / line[top]
    above = np.flatnonzero(line >= 0.5)
    fwhm = float(away[above[-1]] - away[above[0]])
    away = away - away[top]
    line = line + deviation * np.sqrt(line) * np.interp(away / fwhm, *bumps)
    return _Line(away, line, fwhm)


def draw_bumps(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Random function of rms 1, smooth on the scale of a line, over -4 to 4 FWHM."""
    at = np.linspace(-4.0, 4.0, 321)
    values = gaussian_filter1d(rng.normal(size=at.size), DEVIATION_LENGTH / (at[1] - at[0]))
    return at, values / np.sqrt(np.mean(values**2))


def draw_spectra(rng: np.random.Generator, system: System, n: int) -> Spectra:
    """Draw n spectra of a system with their truth."""
    energy = system.energy
    lines = []
    for state in system.states:
        bumps = draw_bumps(rng)
        second = state.broader if state.splitting else 1.0
        lines.append([draw_line(state, w, bumps, system.deviation) for w in (1.0, second)])
    step = _log(rng, 0.002, 0.06)  # background per area of a line [1/eV]
    loss = rng.uniform(0, 1500.0)  # eV^2
    away = energy[:, None] - energy[None, :]
    kernel = np.where(away > 0, away / (_LOSS + away**2) ** 2, 0.0) * (energy[1] - energy[0])
    pedestal, slope = _log(rng, 0.02, 3.0), rng.uniform(-0.2, 0.2)
    middle = (energy - energy.mean()) / np.ptp(energy)
    counts, sigmas, truths = [], [], []
    for _ in range(n):
        there, curves = _draw_curves(rng, system, lines)
        total = np.sum([parts.sum(axis=0) for parts in curves], axis=0)
        behind = step * np.cumsum(total) * (energy[1] - energy[0]) + loss * (kernel @ total)
        height = total.max()
        base = height * pedestal * (1 + slope * middle)
        clean = total + behind + base
        unit = _log(rng, *COUNTS) / clean.max()
        clean, curves = clean * unit, [parts * unit for parts in curves]
        deviation = sum(
            _deviation(system, place, lines[place], parts)
            for (place, _), parts in zip(there, curves, strict=True)
        )
        sigma = np.sqrt(clean + np.maximum(deviation, 0))
        truths.append(_worths(energy, there, curves, lines, (clean, sigma)))
        counts.append(rng.poisson(clean).astype(float))
        sigmas.append(sigma)
    return Spectra(system, np.array(counts), np.array(sigmas), truths)


def _deviation(system: System, place: int, lines: list[_Line], parts: Floats) -> Floats:
    """Variance of white noise as strong as the deviation of a state is on the scale of its width.

    A smooth random function of variance v and correlation length l (in points, the integral of its
    correlation) disturbs what is as wide as it as white noise of variance v l does.
    """
    step = system.energy[1] - system.energy[0]
    # Both lines of a doublet deviate alike, which counts more than twice by chance.
    alike = 1 + system.states[place].ratio ** 2 if len(parts) > 1 else 1.0
    variance = np.zeros_like(system.energy)
    for line, curve in zip(lines, parts, strict=False):
        length = 2 * np.sqrt(np.pi) * DEVIATION_LENGTH * line.fwhm / step
        variance += alike * system.deviation**2 * length * curve.max() * curve
    return variance


def _draw_curves(
    rng: np.random.Generator, system: System, lines: list[list[_Line]]
) -> tuple[list[tuple[int, float]], list[Floats]]:
    """States of one spectrum: place and center, and their lines (1 or 2, points)."""
    charge = rng.normal(0, 0.15)
    there, curves = [], []
    for place, state in enumerate(system.states):
        if rng.random() >= state.presence:
            continue
        center = state.center + charge + rng.normal(0, 0.04)
        area = _log(rng, *state.area)
        both = [lines[place][0].at(system.energy, center)]
        if state.splitting:
            second = lines[place][1].at(system.energy, center + state.splitting)
            widths = lines[place][0].fwhm / lines[place][1].fwhm
            both.append(second * state.ratio * widths)
        parts = np.array(both)
        there.append((place, center))
        curves.append(parts * (area / (parts.sum() * (system.energy[1] - system.energy[0]))))
    return there, curves


def _worths(
    energy: Floats,
    there: list[tuple[int, float]],
    curves: list[Floats],
    lines: list[list[_Line]],
    levels: tuple[Floats, Floats],
) -> list[Truth]:
    """Truth of one spectrum, with what each state is worth."""
    clean, sigma = levels
    columns = []  # per state: height, center, width
    for (place, center), parts in zip(there, curves, strict=True):
        slope = np.gradient(parts, energy, axis=1)
        centers = center + np.array([[0.0], [_splitting(energy, parts)]])[: len(parts)]
        width = -(energy - centers) * slope / lines[place][0].fwhm
        columns.append(np.array([parts.sum(axis=0), -slope.sum(axis=0), width.sum(axis=0)]))
    total = np.sum([own[0] for own in columns], axis=0)
    background = np.array([np.ones_like(energy), energy - energy.mean(), np.cumsum(total)])
    area = sum(float(own[0].sum()) for own in columns)
    result = []
    for number, (place, center) in enumerate(there):
        others = [own for k, own in enumerate(columns) if k != number]
        basis = np.concatenate([*others, background])
        worth, counted = (
            _left_over(basis / s, columns[number][0] / s) for s in (sigma, np.sqrt(clean))
        )
        bound = _left_over(
            np.concatenate([basis, columns[number][[0, 2]]]) / sigma, columns[number][1] / sigma
        )
        result.append(
            Truth(place, center, lines[place][0].fwhm, 100 * float(columns[number][0].sum()) / area,
                  worth, counted, 1 / np.sqrt(max(bound, 1e-12)))
        )  # fmt: skip
    return result


def _splitting(energy: Floats, parts: Floats) -> float:
    """Distance of the maxima of two lines on the axis [eV]."""
    return float(energy[parts[-1].argmax()] - energy[parts[0].argmax()])


def _left_over(basis: Floats, target: Floats) -> float:
    """Sum of squares of `target` that combinations of the rows of `basis` do not describe."""
    scaled = basis / np.maximum(np.linalg.norm(basis, axis=1, keepdims=True), 1e-300)
    q, r = np.linalg.qr(scaled.T)
    kept = q[:, np.abs(np.diag(r)) > 1e-7]
    rest = target - kept @ (kept.T @ target)
    return float(rest @ rest)
