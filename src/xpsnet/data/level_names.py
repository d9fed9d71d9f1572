"""Core levels by their names: `Ti2p`, `Ti 2p` and `ti 2P` are one level, `Ti 2p3/2` a line of it.

Labels of files and names that a user types go through `parse_level`, so that all parts of the
library agree on which level is meant.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_ELEMENTS = (
    "He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Rb|Sr|"
    "Zr|Nb|Mo|Tc|Ru|Rh|Pd|Ag|Cd|In|Sn|Sb|Te|Xe|Cs|Ba|La|Ce|Pr|Nd|Pm|Sm|Eu|Gd|Tb|Dy|Ho|Er|"
    "Tm|Yb|Lu|Hf|Ta|Re|Os|Ir|Pt|Au|Hg|Tl|Pb|Bi|Po|At|Rn|Fr|Ra|Ac|Th|Pa|Np|Pu|Am|Cm|"
    "H|B|C|N|O|F|P|S|K|V|Y|I|W|U"  # after those of two letters, so that "Si" is not "S"
)
ELEMENT = f"({_ELEMENTS})"
_SHELL = r"[ _-]?([1-7]s|[2-7]p|[3-6]d|[45]f)"
_J = r"(?:[ _-]?([1357])/2|([1357])(?![\d/.]))?"
_LEVEL = re.compile(rf"(?<![A-Za-z]){ELEMENT}{_SHELL}{_J}(?![A-Za-z])")
# In running text the case counts ("in 3d" is no indium); in a name without other words it does not.
_LEVEL_ALONE = re.compile(rf"{ELEMENT}{_SHELL}{_J}(?:[ _/-]?\d+)?", re.IGNORECASE)
_NUMBER_IN_FRONT = re.compile(r"^\d+ ?: ?")
_MAX_LABEL = 500
_J_OF_SHELL = {"p": "13", "d": "35", "f": "57"}


class Level(NamedTuple):
    """A core level, or one line of its doublet.

    Attributes
    ----------
    element : str
        Symbol of the element, "Ti".
    shell : str
        Principal quantum number and letter, "2p".
    j : str or None
        Total angular momentum of one line, "3/2"; None for the whole level.
    """

    element: str
    shell: str
    j: str | None = None

    @property
    def name(self) -> str:
        """Name of the level without its line, "Ti 2p"."""
        return f"{self.element} {self.shell}"

    def __str__(self) -> str:
        return f"{self.name}{self.j or ''}"


def parse_level(text: str) -> Level | None:
    """Find the core level that a name or a label states.

    Parameters
    ----------
    text : str
        "Ti2p", "ti 2P", "Ti 2p3/2", "1: Pt 4f" or a label such as "Ti 2p orbital text". Upper and
        lower case count where other words stand beside the level.

    Returns
    -------
    Level or None
        None where the text states no core level.

    Examples
    --------
    >>> from xpsnet.data.level_names import parse_level
    >>> str(parse_level("ti2P3/2"))
    'Ti 2p3/2'
    >>> parse_level("1: Pt 4f").name
    'Pt 4f'
    >>> parse_level("1:3 Cu:Ru") is None
    True
    """
    label = cleaned(text)
    match = _LEVEL.search(label) or _LEVEL_ALONE.fullmatch(without_number(label))
    if match is None:
        return None
    element, shell, j_full, j_short = match.groups()
    shell, j = shell.lower(), j_full or j_short
    known = j and j in _J_OF_SHELL.get(shell[-1], "")
    return Level(element.capitalize(), shell, f"{j}/2" if known else None)


def same_level(first: str, second: str) -> bool:
    """Whether two names state the same core level, whichever of its lines.

    Parameters
    ----------
    first, second : str
        As for `parse_level`.

    Returns
    -------
    bool
        False where one of them states no core level.

    Examples
    --------
    >>> from xpsnet.data.level_names import same_level
    >>> same_level("Ti 2p3/2", "ti2p"), same_level("Ti 2p", "Ti 2s")
    (True, False)
    """
    one, other = parse_level(first), parse_level(second)
    return one is not None and other is not None and one[:2] == other[:2]


def same_line(first: str, second: str) -> bool:
    """Whether two names state the same line: level and j are equal.

    Two names without j are the same whole level; a level and one of its lines are not the same.

    Parameters
    ----------
    first, second : str
        As for `parse_level`.

    Returns
    -------
    bool
        False where one of them states no core level.

    Examples
    --------
    >>> from xpsnet.data.level_names import same_line
    >>> same_line("Ti 2p3/2", "ti2p3/2"), same_line("Ti 2p3/2", "Ti 2p")
    (True, False)
    """
    one = parse_level(first)
    return one is not None and one == parse_level(second)


def find_name(wanted: str, names: Sequence[str]) -> list[int]:
    """Find a name among others: the same text, else the same line, else the same level.

    A level finds its lines, and a line finds its level, but never the other line of the doublet.

    Parameters
    ----------
    wanted : str
        The name to look for.
    names : sequence of str
        Where to look.

    Returns
    -------
    list of int
        Places in `names`, ascending; empty where nothing fits.

    Examples
    --------
    >>> from xpsnet.data.level_names import find_name
    >>> find_name("Ti 2p", ["Ti 2p3/2", "O 1s", "Ti2p1/2"])
    [0, 2]
    >>> find_name("Ti2p3/2", ["Ti 2p1/2", "Ti 2p"])
    [1]
    """
    found = [i for i, name in enumerate(names) if name == wanted]
    level = None if found else parse_level(wanted)
    if level is None:
        return found
    levels = [parse_level(name) for name in names]
    found = [i for i, one in enumerate(levels) if one == level]
    return found or [
        i for i, one in enumerate(levels)
        if one is not None and one[:2] == level[:2] and None in (one.j, level.j)
    ]  # fmt: skip


def cleaned(label: str) -> str:
    """Label of bounded length, without zero bytes and with single blanks."""
    return " ".join(label[:_MAX_LABEL].replace("\0", " ").split())


def without_level(label: str) -> str | None:
    """What a label states beside the core level in it; None if there is no level."""
    match = _LEVEL.search(label)
    return None if match is None else f"{label[: match.start()]} {label[match.end() :]}"


def without_number(label: str) -> str:
    """Label without the number that some programs put in front ("1: S 2p")."""
    return _NUMBER_IN_FRONT.sub("", label)
