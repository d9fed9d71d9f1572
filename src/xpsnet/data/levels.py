"""What is known about a core level before its spectrum is seen.

`core_level` collects the tables of `xpsnet.data.level_tables` and `xpsnet.constants` for the level
that a region's name states: where its chemical states lie, how wide their lines are, what a doublet
may look like, which other lines and satellites share its window. Rules and sources:
``docs/definitions.md``, "Levels: what is known".
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from xpsnet.constants import BRANCHING_RATIOS, DOUBLETS
from xpsnet.data import level_tables as tables
from xpsnet.data.level_names import parse_level

__all__ = ["CoreLevel", "DoubletRange", "LossFeature", "NearLine", "core_level"]

# Gaussian widths [eV] that instruments and phonons add: monochromated source and a conductor; an
# insulator or a source without monochromator; the multiplet of a state with open shells.
_NARROW, _WIDE, _WIDE_MULTIPLET = 0.3, 2.5, 5.0
# An ordinary line; doublets whose splitting is larger show two maxima.
_ORDINARY = 1.0
_AUGER_WIDTHS = (2.0, 12.0)
# How far windows reach beyond the states of their level [eV].
_WINDOW_END = 10.0

_OPEN_3D = frozenset(["V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu"])
_OPEN_3D_SHELLS = frozenset(["2p", "3s", "3p"])
_OPEN_4F_SHELLS = frozenset(["3d", "4s", "4p", "4d"])
_COSTER_KRONIG_2P = frozenset(tables.ELEMENTS[20:30])  # Sc to Zn
_COSTER_KRONIG_3D = frozenset(tables.ELEMENTS[41:45])  # Mo to Rh
# Shells whose holes decay within their own shell, where that makes the lines broad.
_BROAD_SHELLS = frozenset(["3p", "4p", "4d", "5p"])
_BROAD = 0.3
# Tabulated differences are multiples of 0.1 eV and more often of 1 eV; smaller ones say nothing.
_SMALLEST_DIFFERENCE = 0.15


@dataclass(frozen=True)
class DoubletRange:
    """What the two lines of a level may look like over its chemical states.

    Attributes
    ----------
    splitting : (float, float, float)
        Lowest, expected, highest binding energy of the line of lower j above that of higher j [eV].
    ratio : (float, float, float)
        Lowest, statistical, highest area of the line of lower j over that of higher j.
    fwhm_ratio : (float, float)
        Lowest, highest full width of the line of lower j over that of higher j.
    reference : str
        Source of the expected splitting: a key of `xpsnet.constants.REFERENCES`, or "interpolated"
        between elements where the energies of both lines are not tabulated.
    """

    splitting: tuple[float, float, float]
    ratio: tuple[float, float, float]
    fwhm_ratio: tuple[float, float]
    reference: str


@dataclass(frozen=True)
class NearLine:
    """A line of another level that is met in windows of this one.

    Attributes
    ----------
    name : str
        A level ("Ba 4d"), one line of it ("W 5p3/2") or a group of Auger lines ("Na KLL").
    energy : (float, float)
        Binding energies at which the line is met, of a doublet the line of higher j [eV]. For Auger
        lines with Al Ka; with another source they move by the difference of the photon energies.
    doublet : DoubletRange or None
        None for s levels, single lines and Auger lines.
    fwhm : (float, float)
        Lowest, highest full width of a line [eV].
    reference : str
        Key of `xpsnet.constants.REFERENCES`, or "judgement".
    """

    name: str
    energy: tuple[float, float]
    doublet: DoubletRange | None
    fwhm: tuple[float, float]
    reference: str


@dataclass(frozen=True)
class LossFeature:
    """A satellite or an energy loss of the lines of a level.

    Attributes
    ----------
    what : str
        The process, and the material where not all have it.
    distance : (float, float)
        Lowest, highest energy above the line [eV]; negative where it lies below.
    highest_share : float
        Largest area that is met, relative to the line.
    reference : str
        Key of `xpsnet.constants.REFERENCES`, or "judgement".
    """

    what: str
    distance: tuple[float, float]
    highest_share: float
    reference: str


@dataclass(frozen=True)
class CoreLevel:
    """A core level of an element.

    Attributes
    ----------
    name, element, shell : str
        "Pt 4f", "Pt", "4f".
    energy : float
        Tabulated binding energy of the line of higher j [eV]: of the element, or of a common
        compound where the element is no solid.
    states : (float, float)
        Binding energies between which chemical states have that line [eV].
    natural_width : float
        Lorentzian full width of that line [eV].
    fwhm : (float, float)
        Lowest, highest full width of the line of one state in a laboratory [eV].
    doublet : DoubletRange or None
        None for s levels.
    resolved : bool
        Whether the two lines are further apart than an ordinary line of 1 eV is wide.
    asymmetry : "metal", "graphite" or None
        Materials of this level whose lines lean to higher binding energy: the metal, graphite.
    near : tuple of NearLine
        Other lines in its windows; none where nothing common is met.
    satellites : tuple of LossFeature
        Shake-up, final states and plasmons.
    multiplet : bool
        Open shells make one state broader than one line.
    reference : str
        Source of `energy`: key of `xpsnet.constants.REFERENCES`, or "judgement".
    """

    name: str
    element: str
    shell: str
    energy: float
    states: tuple[float, float]
    natural_width: float
    fwhm: tuple[float, float]
    doublet: DoubletRange | None
    resolved: bool
    asymmetry: Literal["metal", "graphite"] | None
    near: tuple[NearLine, ...]
    satellites: tuple[LossFeature, ...]
    multiplet: bool
    reference: str


def core_level(name: str) -> CoreLevel | None:
    """What is known about the core level that a name states.

    Parameters
    ----------
    name : str
        As for `xpsnet.data.level_names.parse_level`: "Pt4f", "Pt 4f 7/2", "1: Pt 4f". A line gives
        its whole level.

    Returns
    -------
    CoreLevel or None
        None where the name states no core level of Li to Bi, Th and U between 5 and 5500 eV.

    Examples
    --------
    >>> from xpsnet.data.levels import core_level
    >>> level = core_level("1: Pt 4f7/2")
    >>> level.name, level.energy, level.doublet.splitting[1]
    ('Pt 4f', 71.2, 3.33)
    >>> [line.name for line in level.near]
    ['Al 2p', 'Ni 3p', 'Cu 3p']
    >>> core_level("Survey") is None
    True
    """
    level = parse_level(name)
    return None if level is None else _core_level(level.element, level.shell)


@cache
def _core_level(element: str, shell: str) -> CoreLevel | None:
    known = _energy(element, shell)
    if known is None:
        return None
    energy, reference = known
    name = f"{element} {shell}"
    natural = _natural_width(element, shell)
    doublet = _doublet(element, shell)
    graphite: Literal["metal", "graphite"] | None = "graphite" if name == "C 1s" else None
    return CoreLevel(
        name,
        element,
        shell,
        energy,
        _states(element, energy),
        natural,
        _widths(element, shell),
        doublet,
        doublet is not None and doublet.splitting[1] > _voigt_width(_ORDINARY, natural),
        graphite if element in tables.NON_METALS else "metal",
        _near(name, _states(element, energy), doublet),
        tuple(_satellites(name, element)),
        _has_multiplets(element, shell),
        reference,
    )


def _lines(shell: str) -> tuple[str, str]:
    """Names of the lines of lower and higher j; the same one for s."""
    j = {"s": ("", ""), "p": ("1/2", "3/2"), "d": ("3/2", "5/2"), "f": ("5/2", "7/2")}[shell[-1]]
    return shell + j[0], shell + j[1]


def _column(table: Mapping[str, tuple[int, str]], line: str) -> dict[str, float]:
    """Numbers of a line by element."""
    first, text = table.get(line, (1, ""))
    words = zip(tables.ELEMENTS[first - 1 :], text.split(), strict=False)
    return {element: float(word) for element, word in words if word != "-"}


def _energy(element: str, shell: str) -> tuple[float, str] | None:
    """Energy of the line of higher j [eV] and its source."""
    measured = tables.MEASURED.get(f"{element} {shell}")
    tabulated = _column(tables.ENERGIES, _lines(shell)[1]).get(element)
    if measured is not None:
        return measured
    return None if tabulated is None else (tabulated, "xdb2009")


def _states(element: str, energy: float) -> tuple[float, float]:
    low, high = tables.SHIFTS.get(element, tables.DEFAULT_SHIFTS)
    return round(max(energy + low, 0.0), 3), round(energy + high, 3)


def _natural_width(element: str, shell: str) -> float:
    """Tabulated width, that between two neighboring elements, or that of the nearest."""
    column = _column(tables.WIDTHS, shell)
    numbers = [tables.ELEMENTS.index(one) for one in column]
    return float(np.interp(tables.ELEMENTS.index(element), numbers, list(column.values())))


def _voigt_width(gaussian: float, lorentzian: float) -> float:
    """Full width of a Voigt line, after Olivero and Longbothum [eV]."""
    return 0.5346 * lorentzian + math.sqrt(0.2166 * lorentzian**2 + gaussian**2)


def _has_multiplets(element: str, shell: str) -> bool:
    return (
        (element in _OPEN_3D and shell in _OPEN_3D_SHELLS)
        or (element in tables.LANTHANIDES and shell in _OPEN_4F_SHELLS)
        or (element, shell) == ("U", "4f")  # 5f is open up to U(V)
    )


def _widths(element: str, shell: str) -> tuple[float, float]:
    natural = _natural_width(element, shell)
    wide = _WIDE_MULTIPLET if _has_multiplets(element, shell) else _WIDE
    return _voigt_width(_NARROW, natural), _voigt_width(wide, natural)


def _doublet(element: str, shell: str) -> DoubletRange | None:
    if shell[-1] == "s":
        return None
    statistical = 1 / BRANCHING_RATIOS[shell[-1]] - 1
    ratio = 0.9 * statistical, statistical, 1.1 * statistical
    fwhm_ratio = 0.9, 1.15
    if shell == "2p" and element in _COSTER_KRONIG_2P:
        ratio, fwhm_ratio = (0.4, statistical, 0.55), (0.95, 2.2)
    elif shell == "3d" and element in _COSTER_KRONIG_3D:
        fwhm_ratio = 0.9, 1.5
    elif shell in _BROAD_SHELLS and _natural_width(element, shell) > _BROAD:
        ratio, fwhm_ratio = (0.75 * statistical, statistical, 1.25 * statistical), (0.7, 1.6)
    elif _has_multiplets(element, shell):
        ratio = 0.8 * statistical, statistical, 1.2 * statistical
    splitting, reference = _splitting(element, shell)
    return DoubletRange(splitting, ratio, fwhm_ratio, reference)


def _splitting(element: str, shell: str) -> tuple[tuple[float, float, float], str]:
    """Lowest, expected, highest splitting [eV], and the source of the expected one."""
    name = f"{element} {shell}"
    if name in tables.SPLITTINGS:
        return tables.SPLITTINGS[name]
    if name in DOUBLETS:
        measured = DOUBLETS[name]
        reach = max(0.03 * measured.splitting, 0.04)
        expected, reference = measured.splitting, measured.reference
    else:
        known = _known_splittings(shell)
        expected = known.get(element) or _interpolated(known, element)
        reference = "xdb2009" if element in known else "interpolated"
        reach = max(0.06 * expected, 0.15) if element in known else 0.25 * expected
    # A splitting below zero would exchange the lines.
    low, high = max(expected - reach, 0.5 * expected), expected + reach
    return (round(low, 3), round(expected, 3), round(high, 3)), reference


@cache
def _known_splittings(shell: str) -> dict[str, float]:
    """Splittings of a shell by element: of doublets that were measured, else of the energies."""
    lower, higher = (_column(tables.ENERGIES, line) for line in _lines(shell))
    known = {one: lower[one] - higher[one] for one in higher if one in lower}
    known = {one: value for one, value in known.items() if value > _SMALLEST_DIFFERENCE}
    known |= {
        doublet_name.split()[0]: doublet.splitting
        for doublet_name, doublet in DOUBLETS.items()
        if doublet_name.split()[1:] == [shell]
    }
    return dict(sorted(known.items(), key=lambda item: tables.ELEMENTS.index(item[0])))


def _interpolated(known: Mapping[str, float], element: str) -> float:
    """Splitting as a power of the atomic number through the two nearest elements."""
    numbers = np.array([tables.ELEMENTS.index(one) + 1 for one in known])
    number = tables.ELEMENTS.index(element) + 1
    right = int(np.clip(np.searchsorted(numbers, number), 1, len(numbers) - 1))
    z, s = (
        np.log(numbers[right - 1 : right + 1]),
        np.log(list(known.values())[right - 1 : right + 1]),
    )
    return float(np.exp(s[0] + (s[1] - s[0]) / (z[1] - z[0]) * (np.log(number) - z[0])))


@cache
def _neighbors() -> Mapping[str, tuple[str, ...]]:
    """What is met in the windows of each level, in both directions, by level."""
    met: defaultdict[str, list[str]] = defaultdict(list)
    for name, others in tables.NEIGHBORS.items():
        for other in others.split("; "):
            met[name].append(other)
            level = parse_level(other)
            # Two levels of one element are a pair in one direction only: each has its own window.
            if level is not None and level.element != name.split()[0]:
                met[level.name].append(name)
    return defaultdict(tuple, {name: tuple(dict.fromkeys(one)) for name, one in met.items()})


def _near(
    name: str, states: tuple[float, float], doublet: DoubletRange | None
) -> tuple[NearLine, ...]:
    """Other lines in the windows of a level."""
    low, high = states[0], states[1] + (doublet.splitting[1] if doublet else 0.0)
    lines: list[NearLine] = []
    for other in _neighbors()[name]:
        groups = tables.AUGER_LINES.get(other)
        if groups is None:
            lines.append(_near_line(other))
            continue
        lines += [
            NearLine(other, group, None, _AUGER_WIDTHS, "judgement")
            for group in groups
            if group[0] < high + _WINDOW_END and group[1] > low - _WINDOW_END
        ]
    return tuple(lines)


def _near_line(name: str) -> NearLine:
    """A level, or one line of it, as it is met in the windows of another."""
    level = parse_level(name)
    known = _energy(level.element, level.shell) if level is not None else None
    if level is None or known is None:
        raise KeyError(f"expected a level with a tabulated energy or Auger lines, got {name!r}")
    (energy, reference), doublet = known, _doublet(level.element, level.shell)
    if level.j is not None and doublet is not None:
        lower = level.shell + level.j == _lines(level.shell)[0]
        energy, doublet = energy + lower * doublet.splitting[1], None
    fwhm = _widths(level.element, level.shell)
    return NearLine(name, _states(level.element, energy), doublet, fwhm, reference)


def _satellites(name: str, element: str) -> Iterable[LossFeature]:
    for what, low, high, share, reference in tables.LOSSES.get(name, ()):
        yield LossFeature(what, (low, high), share, reference)
    for kind, (low, high, share) in zip(
        ("bulk plasmon", "surface plasmon"), tables.PLASMONS.get(element, ()), strict=False
    ):
        yield LossFeature(kind, (low, high), share, "judgement")
