"""Words for energies: units, scales and reference levels in names, labels and attributes.

Every path by which energies come in (arrays, netCDF, HDF5, zarr, tables of text, the command line)
asks here, so that "keV" or "E - EF" means the same everywhere.
"""

import re
import unicodedata
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
AxisScale = Literal["binding", "kinetic", "fermi"]
"""What an axis holds: binding or kinetic energy, or energy minus that of the Fermi level."""

_EV_PER_UNIT = {
    **dict.fromkeys(
        ("ev", "evs", "electronvolt", "electronvolts", "electron volt", "electron volts"), 1.0
    ),
    **dict.fromkeys(("kev", "kiloelectronvolt", "kiloelectronvolts"), 1e3),
    **dict.fromkeys(("mev", "millielectronvolt", "millielectronvolts"), 1e-3),
    **dict.fromkeys(("j", "joule", "joules"), 6.241509074e18),
}  # fmt: skip
_UNIT_IN_LABEL = re.compile(r"(?:[\[(/,_ ]\s*|^)([km]?ev)[\])]?\s*$", re.IGNORECASE)

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"), "-")
_TEX = re.compile(r"\\(?:mathrm|mathit|text|textrm|rm|it|,|;|!| )|[${}\\]|</?su[bp]>|<[/]?i>")
_E = r"(?:e|energy|e[_ ]?kin|e[_ ]?k|kinetic energy)"
_E_F = r"(?:e[_ ]?f(?:ermi)?|fermi(?: level| energy)?|\u03bc|mu)"
_MINUS = r"\s*(?:-|_?minus_?)\s*"
_FERMI_FORMULA = re.compile(rf"(?<![a-z]){_E}{_MINUS}{_E_F}(?![a-z])|^e_e_?f(?:ermi)?(?![a-z])")
_BINDING_FORMULA = re.compile(rf"(?<![a-z]){_E_F}{_MINUS}{_E}(?![a-z])")
_RELATIVE = (
    r"(?:rel\.?|relative|with respect|w\.?r\.?t\.?|referenced?|referred|vs\.?|from|above|below)"
)
_FERMI_WORDS = re.compile(
    rf"fermi|{_RELATIVE}[_ ]*(?:to[_ ]*)?(?:the[_ ]*)?e[_ ]?f(?![a-z])|\u8d39\u7c73|"
    rf"\u30d5\u30a7\u30eb\u30df|\u0444\u0435\u0440\u043c\u0438"
)
_LEVELS = r"vbm|v(?:alence)?[ _]?band|valence|vac(?:uum)?|cbm|conduction|homo|lumo|dirac|v|c|d"
_OTHER_LEVEL = re.compile(
    rf"{_E}{_MINUS}(?:e[_ ]?)?({_LEVELS})(?![a-z])|"
    rf"{_RELATIVE}\s*(?:to\s*)?(?:the\s*)?(?:e[_ ]?)?(vbm|valence|vac(?:uum)?|cbm|conduction|homo|"
    rf"lumo|dirac)"
)  # fmt: skip
_BINDING = re.compile(r"bind|bindung|liaison|enlace|legame|\u7ed3\u5408|\u7d50\u5408")
_KINETIC = re.compile(r"kinet|kin\u00e9t|cin\u00e9t|cinet|\u52a8\u80fd|\u904b\u52d5")

# Names of axes in letters only, without unit and words such as "axis".
_NAMES: dict[str, AxisScale | None] = {
    **dict.fromkeys(("energy", "energies", "e", "ev"), None),
    **dict.fromkeys(("be", "eb", "ebind", "ebinding", "bindingenergy", "bindingenergies",
                     "bindinge", "binding", "energybinding", "bindungsenergie", "energiedeliaison"),
                    "binding"),
    **dict.fromkeys(("ke", "ek", "ekin", "ekinetic", "kineticenergy", "kineticenergies",
                     "kinetice", "kinetic", "energykinetic", "kinetischeenergie",
                     "energiecinetique"), "kinetic"),
    **dict.fromkeys(("fermi", "eminusef", "energyminusfermi"), "fermi"),
}  # fmt: skip
_SUFFIX = re.compile(r"(?:[ _-](?:axis|scale|values?))+$", re.IGNORECASE)

_LONGEST_NAME = 60
# Above this energy over the Fermi level [eV] there is no photoemission.
_HIGHEST = 3.0


class OtherLevelError(ValueError):
    """A label counts energies from a level that is not the Fermi level."""


class TurnedAxis(NamedTuple):
    """An axis whose sign may have been turned.

    Attributes
    ----------
    energy : ndarray, shape (n,)
        Binding energy [eV].
    note : str
        The sentence that says what was done.
    turned : bool
        Whether the sign was changed.
    """

    energy: Floats
    note: str
    turned: bool


def ev_per_unit(unit: object) -> float | None:
    """Electron volts in one of a unit of energy; None for an unknown one.

    Parameters
    ----------
    unit : object
        As an attribute states it: "eV", "keV", "[meV]", "electron volt". Upper and lower case are
        the same, but for "MeV", which no photoelectron has.

    Examples
    --------
    >>> from xpsnet.data.energy_words import ev_per_unit
    >>> ev_per_unit("keV"), ev_per_unit("(eV)"), ev_per_unit("nm")
    (1000.0, 1.0, None)
    """
    text = _text(unit).strip(" []()")
    return None if text == "MeV" else _EV_PER_UNIT.get(text.lower())


def unit_of_label(label: object) -> str:
    """Unit of energy at the end of a label or a name, "Binding energy (keV)"; "" if none.

    Examples
    --------
    >>> from xpsnet.data.energy_words import unit_of_label
    >>> unit_of_label("Energy / keV"), unit_of_label("energy_eV"), unit_of_label("Energy")
    ('keV', 'eV', '')
    """
    found = _UNIT_IN_LABEL.search(_text(label).strip())
    return found[1] if found and ev_per_unit(found[1]) is not None else ""


def scale_of_words(label: object) -> AxisScale | None:
    """What the words of a label, a name or an attribute `scale` say about the energies.

    Parameters
    ----------
    label : object
        "Binding energy (eV)", "BE", "KE", "E - EF", "Energy relative to Fermi level", ...

    Returns
    -------
    "binding", "kinetic", "fermi" or None
        "fermi": energy minus that of the Fermi level, negative for occupied states. None where
        the words say nothing, or both binding and kinetic.

    Raises
    ------
    OtherLevelError
        Where the energies are counted from another level ("E - E_VBM", the vacuum level).

    Examples
    --------
    >>> from xpsnet.data.energy_words import scale_of_words
    >>> [scale_of_words(t) for t in ("BE (eV)", "E - E_F / eV", "EF - E", "Energy")]
    ['binding', 'fermi', 'binding', None]
    """
    given = _text(label)
    text = _plain_words(given)
    by_name = _NAMES.get(_folded(given))
    if by_name is not None:
        return by_name
    if _BINDING_FORMULA.search(text):
        return "binding"
    if _FERMI_FORMULA.search(text):
        return "fermi"
    binding, kinetic = _BINDING.search(text), _KINETIC.search(text)
    other = _OTHER_LEVEL.search(text)
    if other and not (binding or (kinetic and "vac" in text)):
        raise OtherLevelError(
            f"expected energies counted from the Fermi level, got the label {given[:80]!r}, which "
            f"names another level; add the distance of the two levels to the energies, and call "
            f'them "Binding energy" or "E - EF"'
        )
    if binding or kinetic:
        return None if binding and kinetic else "binding" if binding else "kinetic"
    return "fermi" if _FERMI_WORDS.search(text) else None


def is_energy_name(name: object) -> bool:
    """Whether a whole name is that of an energy axis: "energy", "BE", "Kinetic Energy (keV)".

    Examples
    --------
    >>> from xpsnet.data.energy_words import is_energy_name
    >>> [is_energy_name(name) for name in ("binding_energy_keV", "E-EF", "photon energy")]
    [True, True, False]
    """
    given = _text(name)
    if _folded(given) in _NAMES:
        return True
    try:
        stated = scale_of_words(given)
    except OtherLevelError:
        return len(given) < _LONGEST_NAME
    by_formula = _BINDING_FORMULA.search(_plain_words(given)) is not None
    return (stated == "fermi" or by_formula) and len(given) < _LONGEST_NAME


def to_binding_energies(energy: Floats) -> TurnedAxis:
    """Energies minus that of the Fermi level as binding energies, whatever their sign is.

    Some people plot binding energies and call them "E - EF". Where no photoelectron can come from
    so high above the Fermi level, the sign stays as it is.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        [eV].
    """
    low, high = float(energy.min()), float(energy.max())
    if low >= 0 or (high > _HIGHEST and high > -low):
        note = (
            f"the energies are counted from the Fermi level and go up to {high:g} eV: they are "
            f"taken for binding energies as they are"
        )
        return TurnedAxis(energy, note, turned=False)
    turned = 0.0 - energy  # 0 stays 0, not -0
    note = (
        f"the energies are counted from the Fermi level ({energy[0]:g} to {energy[-1]:g} eV): "
        f"their negative is taken for the binding energy ({turned[0]:g} to {turned[-1]:g} eV)"
    )
    return TurnedAxis(turned, note, turned=True)


def _text(value: object) -> str:
    """Text of a name or an attribute, which may be bytes or an array of one text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.ndarray) and value.size == 1:
        item: Any = value.reshape(-1)[0]
        return _text(item)
    return str(value)[:500]


def _plain_words(text: str) -> str:
    """Text in lower case, with one kind of dash, without marks of TeX and HTML."""
    folded = unicodedata.normalize("NFKC", _TEX.sub("", text.translate(_DASHES)))
    return " ".join(folded.translate(_DASHES).lower().split())


def _folded(name: str) -> str:
    """Letters of a name, without its unit and words such as "axis"."""
    bare = _UNIT_IN_LABEL.sub("", name.strip()) or name
    return re.sub(r"[^a-z]", "", _SUFFIX.sub("", bare).lower())
