"""Names of regions: `S2p`, `1: S 2p` and `S 2p/9` are all `S 2p`."""

import re

_ELEMENTS = (
    "He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Rb|Sr|"
    "Zr|Nb|Mo|Tc|Ru|Rh|Pd|Ag|Cd|In|Sn|Sb|Te|Xe|Cs|Ba|La|Ce|Pr|Nd|Pm|Sm|Eu|Gd|Tb|Dy|Ho|Er|"
    "Tm|Yb|Lu|Hf|Ta|Re|Os|Ir|Pt|Au|Hg|Tl|Pb|Bi|Po|At|Rn|Fr|Ra|Ac|Th|Pa|Np|Pu|Am|Cm|"
    "H|B|C|N|O|F|P|S|K|V|Y|I|W|U"  # after those of two letters, so that "Si" is not "S"
)
_ELEMENT = f"({_ELEMENTS})"
_SHELL = r"[ _-]?([1-7]s|[2-7]p|[3-6]d|[45]f)"
_J = r"(?:[ _-]?([1357])/2|([1357])(?![\d/.]))?"
_LEVEL = re.compile(rf"(?<![A-Za-z]){_ELEMENT}{_SHELL}{_J}(?![A-Za-z])")
_LEVEL_ANY_CASE = re.compile(rf"{_ELEMENT}{_SHELL}{_J}(?:[ _/-]?\d+)?", re.IGNORECASE)
_AUGER = re.compile(
    rf"(?<![A-Za-z]){_ELEMENT}[ _-]?([KLMN]\d{{0,2}}[KLMNOV]\d{{0,2}}[KLMNOV]\d{{0,2}})(?![A-Za-z])"
)
_SURVEY = re.compile(r"su1s|sur?\d*|\d*sur?|wide(?:[ _/-]|scan|\d)*|.*survey.*", re.IGNORECASE)
_MAX_LABEL = 500
_J_OF_SHELL = {"p": "13", "d": "35", "f": "57"}


def find_region(label: str) -> str | None:
    """Find a core level, an Auger line or a survey in a label, in the usual spelling."""
    cleaned = clean_label(label)
    match = _LEVEL.search(cleaned) or _LEVEL_ANY_CASE.fullmatch(cleaned)
    if match:
        element, shell, j_full, j_short = match.groups()
        level = f"{element.capitalize()} {shell.lower()}"
        j = j_full or j_short
        return f"{level}{j}/2" if j and j in _J_OF_SHELL.get(shell[-1].lower(), "") else level
    auger = _AUGER.search(cleaned)
    if auger:
        return f"{auger[1]} {auger[2]}"
    return "survey" if _SURVEY.fullmatch(cleaned) else None


def clean_label(label: str) -> str:
    """Strip zero bytes, counters in front ("1: S 2p") and blanks."""
    return re.sub(r"^\d+ ?: ?", "", " ".join(label[:_MAX_LABEL].replace("\0", " ").split()))


def region_name(*labels: str) -> str:
    """Name a region after the first label that holds a known one, else the first not empty."""
    for label in labels:
        found = find_region(label)
        if found:
            return found
    return next((clean_label(label) for label in labels if clean_label(label)), "")
