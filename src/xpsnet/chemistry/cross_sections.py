"""Photo-ionization cross-sections of core levels, at any photon energy, from `xraylib`.

`xraylib` tabulates the cross-sections of subshells *per electron*: they are multiplied by the
number of electrons here. Relative to C 1s they are Scofield's factors within about one percent.

References
----------
J. H. Scofield, J. Electron Spectrosc. Relat. Phenom. 8, 129 (1976), doi
10.1016/0368-2048(76)80015-1.
T. Schoonjans et al., The xraylib library for X-ray-matter interactions, Spectrochim. Acta B 66, 776
(2011), doi 10.1016/j.sab.2011.09.011.
"""

from functools import cache

from xpsnet.data.level_names import Level

CARBON = Level("C", "1s")
"""The level whose factor is 1."""

# Letters of X-ray spectroscopy by principal quantum number, and numbers by l and j.
_LETTERS = "KLMNOPQ"
_LINES = {
    "s": {"1/2": 1},
    "p": {"1/2": 2, "3/2": 3},
    "d": {"3/2": 4, "5/2": 5},
    "f": {"5/2": 6, "7/2": 7},
}
_BARN_PER_MEGABARN = 1e6


def lines_of(level: Level) -> tuple[str, ...]:
    """Values of j of the lines that a level or a line has, as texts.

    Examples
    --------
    >>> from xpsnet.chemistry.cross_sections import lines_of
    >>> from xpsnet.data.level_names import parse_level
    >>> lines_of(parse_level("Ti 2p")), lines_of(parse_level("Ti 2p3/2"))
    (('1/2', '3/2'), ('3/2',))
    """
    return (level.j,) if level.j else tuple(_LINES[level.shell[-1]])


def cross_section(level: Level, photon_energy: float) -> float:
    """Photo-ionization cross-section of a level, or of one line of it.

    Parameters
    ----------
    level : Level
        "Ti 2p" is the sum of both lines, "Ti 2p3/2" one of them.
    photon_energy : float
        [eV]

    Returns
    -------
    float
        [Mb per atom]

    Raises
    ------
    ValueError
        Where the photon energy does not ionize the level, or the level is not in the tables.

    Examples
    --------
    >>> from xpsnet.chemistry.cross_sections import cross_section
    >>> from xpsnet.data.level_names import parse_level
    >>> round(cross_section(parse_level("C 1s"), 1486.6), 4)
    0.0136
    """
    return sum(_of_line(level.element, level.shell, j, photon_energy) for j in lines_of(level))


def scofield_factor(level: Level, photon_energy: float) -> float:
    """Cross-section relative to C 1s at the same photon energy: Scofield's factor.

    Parameters
    ----------
    level : Level
        As for `cross_section`.
    photon_energy : float
        [eV], above the threshold of C 1s (`ionizes` says whether it is).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As for `cross_section`.

    Examples
    --------
    >>> from xpsnet.chemistry.cross_sections import scofield_factor
    >>> from xpsnet.data.level_names import parse_level
    >>> round(scofield_factor(parse_level("O 1s"), 1486.6), 2)
    2.93
    """
    return cross_section(level, photon_energy) / cross_section(CARBON, photon_energy)


def ionizes(level: Level, photon_energy: float) -> bool:
    """Whether the tables have a cross-section of the level at this photon energy [eV].

    Examples
    --------
    >>> from xpsnet.chemistry.cross_sections import CARBON, ionizes
    >>> ionizes(CARBON, 1253.6), ionizes(CARBON, 180.0)
    (True, False)
    """
    try:
        return cross_section(level, photon_energy) > 0
    except ValueError:
        return False


@cache
def _of_line(element: str, shell: str, j: str, photon_energy: float) -> float:
    """Cross-section of all electrons of one subshell [Mb per atom]."""
    import xraylib

    number = _LINES[shell[-1]][j]
    letter = _LETTERS[int(shell[0]) - 1]
    name = f"{letter}_SHELL" if letter == "K" else f"{letter}{number}_SHELL"
    line = shell if shell[-1] == "s" else f"{shell}{j}"
    try:
        place = getattr(xraylib, name)
        atom = xraylib.SymbolToAtomicNumber(element)
        per_electron = xraylib.CSb_Photo_Partial(atom, place, photon_energy / 1000.0)
        value = float(per_electron * xraylib.ElectronConfig(atom, place)) / _BARN_PER_MEGABARN
    except (AttributeError, ValueError):
        value = 0.0
    if value <= 0:
        raise ValueError(
            f"expected a level with a cross-section at {photon_energy:g} eV, got {element} {line}: "
            f"the tables have none; pass its factor with rsf="
        )
    return value
