"""Lines of each element as a survey shows them: core levels and Auger lines.

Core levels stand in `xpsnet.data.level_tables`. The kinetic energy of an Auger line A B C follows
from the energies E of the levels of the element (Z) and of the next one (Z + 1),

    E_A(Z) - [E_B(Z) + E_B(Z + 1)] / 2 - [E_C(Z) + E_C(Z + 1)] / 2,

within some eV (M. F. Chung, L. H. Jenkins, Surf. Sci. 22, 479 (1970),
doi 10.1016/0039-6028(70)90099-3).
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from xpsnet.chemistry.cross_sections import cross_section, ionizes
from xpsnet.data.level_names import Level
from xpsnet.data.level_tables import ELEMENTS, ENERGIES, MEASURED, NON_METALS
from xpsnet.data.levels import core_level

__all__ = ["IDENTIFIABLE", "SurveyLine", "survey_lines"]

_KINETIC_POWER = 0.7  # escape depth and transmission together, as a power of the kinetic energy
_LEAST_KINETIC = 30.0  # [eV] below, secondary electrons hide every line
_INSTRUMENT = 2.0  # [eV] full width that pass energy, source and chemical states add
_LEAST_SHARE = 0.02  # of the height of the highest line: weaker ones are left out,
_LEAST_AREA = 0.05  # unless they have this share of the largest area
_AUGER_SHARE = 0.35  # of the holes of the core level that end in the group's main line
_AUGER_WIDTH = 6.0  # [eV]
_BROAD = 7.0  # [eV] width from which on a line has no certain place and height
_VALENCE_LIKE = 35.0  # [eV]
_UNRESOLVED = 3.5  # [eV] the lines of narrower doublets may be one peak
# Groups of Auger lines: level of the first hole, and the two levels that lose an electron.
# With their share, and where not 0 the kinetic energy [eV per atomic number] of a second term.
_AUGER = {
    "KLL": (
        ("1s", "2p3/2", "2p3/2", 1.0, 0.0), ("1s", "2s", "2p3/2", 0.4, 0.0),
        ("1s", "2s", "2p3/2", 0.15, 1.1), ("1s", "2s", "2s", 0.15, 0.0),
    ),
    "KLV": (("1s", "2p3/2", "3s", 0.1, 0.0),),
    "LMM": (
        ("2p3/2", "3d5/2", "3d5/2", 1.0, 0.0), ("2p1/2", "3d5/2", "3d5/2", 0.35, 0.0),
        ("2p3/2", "3p3/2", "3d5/2", 0.7, 0.0), ("2p3/2", "3p3/2", "3p3/2", 0.4, 0.0),
    ),
    "MNN": (("3d5/2", "4d5/2", "4d5/2", 1.0, 0.0), ("3d3/2", "4d5/2", "4d5/2", 0.7, 0.0)),
}  # fmt: skip
# First and last atomic number whose groups are seen with laboratory sources. Below Ti, LMM is a
# weak group at the lowest kinetic energies.
_AUGER_ELEMENTS = {"KLL": (5, 14), "KLV": (11, 14), "LMM": (21, 34), "MNN": (44, 60)}
# [eV] Of a level in the valence band, by its principal quantum number. Two holes in the small 2p
# shell of light elements repel each other: they cost some 10 eV more.
_VALENCE = {"2": 11.0, "3": 3.0, "4": 3.0}

# No stable isotope, or gases that no sample holds: they are candidates only if they are asked for.
IDENTIFIABLE: tuple[str, ...] = tuple(
    one
    for one in ELEMENTS
    if one not in {"H", "He", "Ne", "Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Pa"}
)
"""Elements that `identify` tries by default."""


@dataclass(frozen=True)
class SurveyLine:
    """A line of an element.

    Attributes
    ----------
    name : str
        "Ti 2p3/2", "O KLL".
    level : str
        Core level without j, "Ti 2p"; of an Auger line its group.
    kind : "core" or "auger"
        What it is.
    energy : float
        Binding energy [eV]; of an Auger line photon energy minus kinetic energy.
    strength : float
        Area for one atom, of unit transmission times escape depth at 1000 eV kinetic energy [Mb].
    fwhm : float
        Width in a survey [eV].
    tolerance : float
        How far the line may be from its place beside the common shift of the element [eV].
    """

    name: str
    level: str
    kind: Literal["core", "auger"]
    energy: float
    strength: float
    fwhm: float
    tolerance: float

    @property
    def certain(self) -> bool:
        """Whether place and height are known well enough for the line to be missed."""
        return self.kind == "core" and self.fwhm < _BROAD

    @property
    def height(self) -> float:
        """Strength over width: what decides whether it is seen."""
        return self.strength / self.fwhm


@cache
def survey_lines(element: str, photon_energy: float) -> tuple[SurveyLine, ...]:
    """Lines of an element at a photon energy, the highest first.

    Parameters
    ----------
    element : str
        Symbol.
    photon_energy : float
        [eV].

    Returns
    -------
    tuple of SurveyLine
        Without those below some hundredths of the highest one; empty where there is none.
    """
    number = ELEMENTS.index(element) + 1
    lines = [*_core_lines(element, number, photon_energy)]
    lines += _auger_lines(element, number, photon_energy)
    highest = max((line.height for line in lines if line.kind == "core"), default=0.0)
    largest = max((line.strength for line in lines), default=0.0)
    kept = [
        line
        for line in lines
        if line.height > _LEAST_SHARE * highest or line.strength > _LEAST_AREA * largest
    ]
    return tuple(sorted(kept, key=lambda line: -line.height))


def _core_lines(element: str, number: int, photon_energy: float) -> list[SurveyLine]:
    lines = []
    for subshell in ENERGIES:
        shell = subshell[:2]
        energy = _level_energy(number, subshell)
        known = core_level(f"{element} {shell}")
        if energy is None or known is None or photon_energy - energy < _LEAST_KINETIC:
            continue
        section = _cross_section(element, subshell, photon_energy)
        strength = section * ((photon_energy - energy) / 1000.0) ** _KINETIC_POWER
        natural = known.natural_width
        fwhm = (natural**2 + _INSTRUMENT**2) ** 0.5
        tolerance = 1.2 + min(0.3 * natural, 3.0) + (2.0 if fwhm >= _BROAD else 0.0)
        if energy < _VALENCE_LIKE and element in NON_METALS:
            tolerance += 2.0  # O 2s: a band
        splitting = known.doublet.splitting[1] if known.doublet else 0.0
        if splitting < _UNRESOLVED:
            tolerance += splitting / 2
        name = f"{element} {subshell}"
        lines.append(
            SurveyLine(name, f"{element} {shell}", "core", energy, strength, fwhm, tolerance)
        )
    return lines


def _auger_lines(element: str, number: int, photon_energy: float) -> list[SurveyLine]:
    lines = []
    for group, (first, last) in _AUGER_ELEMENTS.items():
        if not first <= number <= last:
            continue
        for hole, one, other, share, term in _AUGER[group]:
            start = _level_energy(number, hole)
            if start is None or start >= photon_energy:
                continue
            kinetic = start - _final(number, one) - _final(number, other) + term * number
            if kinetic < _LEAST_KINETIC:
                continue
            section = _cross_section(element, hole, photon_energy) * share * _AUGER_SHARE
            strength = section * (kinetic / 1000.0) ** _KINETIC_POWER
            energy = photon_energy - kinetic
            name = f"{element} {group}"
            lines.append(SurveyLine(name, name, "auger", energy, strength, _AUGER_WIDTH, 5.0))
    return lines


def _cross_section(element: str, subshell: str, photon_energy: float) -> float:
    """Of all electrons of a subshell [Mb per atom]; 0 where there is none."""
    level = Level(element, subshell[:2], subshell[2:] or None)
    return cross_section(level, photon_energy) if ionizes(level, photon_energy) else 0.0


def _final(number: int, subshell: str) -> float:
    """Mean energy of a level of the element and the next one [eV]."""
    ends = (_level_energy(one, subshell) for one in (number, number + 1))
    own, following = (_VALENCE[subshell[0]] if energy is None else energy for energy in ends)
    return (own + following) / 2


@cache
def _level_energy(number: int, subshell: str) -> float | None:
    """Binding energy of a subshell [eV]: that of solids where gases are tabulated."""
    if not 0 < number <= len(ELEMENTS):
        return None
    element = ELEMENTS[number - 1]
    higher = {"p": "3/2", "d": "5/2", "f": "7/2"}.get(subshell[1], "")
    measured = MEASURED.get(f"{element} {subshell[:2]}")
    own = _tabulated(number, subshell)
    if measured is None:
        return own
    main = _tabulated(number, subshell[:2] + higher)
    return measured[0] + (own - main if own is not None and main is not None else 0.0)


def _tabulated(number: int, subshell: str) -> float | None:
    first, text = ENERGIES[subshell]
    words = text.split()
    place = number - first
    if not 0 <= place < len(words) or words[place] == "-":
        return None
    return float(words[place])
