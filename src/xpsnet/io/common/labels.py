"""Energy scale, units, photon energy and numbers from the words of headers and labels."""

import math
import re
from typing import Any

# A word ends where no letter or digit follows: "BE_eV" is BE.
_END = r"(?![^\W_])"
_KINETIC = re.compile(
    rf"kinet|kinét|cin[eé]t|кинет|(?<![^\W_])e[_ ]?k(?:in)?{_END}|^\W*k\.?\s?e\.?{_END}|"
    r"动能|動能|運動エネルギー|운동\s?에너지",
    re.IGNORECASE,
)
_BINDING = re.compile(
    rf"bind|liaison|enlace|ligadura|ligaç|legame|связи|(?<![^\W_])e[_ ]?b(?:ind?)?{_END}|"
    rf"^\W*b\.?\s?e\.?{_END}|[结結]合能|束[缚縛]能|結合エネルギー|결합\s?에너지",
    re.IGNORECASE,
)
# In running text only capitals count: "Be" is beryllium, "be" an English word.
_KINETIC_TEXT = re.compile(
    r"(?i:kinet|kinét|cinét|кинет|e_?kin\b)|\bK\.?E\.?(?![A-Za-z])|[动動]能|運動エネ|운동\s?에너지"
)
_BINDING_TEXT = re.compile(
    r"(?i:binding|bindungs|e_bind\b|энерги\w+ связи)|\bB\.?E\.?(?![A-Za-z])|[结結]合能|結合エネ|"
    r"결합\s?에너지"
)
# A line that states the scale outweighs all other words (Scienta, SPECS).
_STATED = re.compile(r"energy (?:scale|axis)\s*[=:]\s*(binding|kinetic)", re.IGNORECASE)
_ENERGY = re.compile(
    rf"energ|énerg|энерг|(?<![^\W_])[km]?ev{_END}|эв{_END}|动能|動能|[结結]合能|能量|エネルギー|에너지|"
    rf"^\W*[bk]\.?\s?e\.?{_END}|(?<![^\W_])e[_ ]?(?:b(?:ind?)?|k(?:in)?){_END}",
    re.IGNORECASE,
)
_PER_SECOND = re.compile(r"\bc(?:ount)?s?\s*/\s*s|\bcps\b|counts? per sec|counts? s\^?-1|\bkcps\b",
                         re.IGNORECASE)  # fmt: skip
_NUMBER = r"([0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?)"
LEADING_NUMBER = re.compile(r"[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,3})?")
_PHOTON = re.compile(
    rf"(?:\bh\s?[v\u03bdn]\b|photon\s*energy|excitation\s*energy|characteristic\s*energy)"
    rf"[^0-9\n]{{0,12}}?{_NUMBER}\s*(k?eV)?",
    re.IGNORECASE,
)
_DWELL = re.compile(
    rf"acquisition time s\W{{0,3}}{_NUMBER}|dwell[ _]time\W{{0,40}}(?:s\b\W{{0,9}})?{_NUMBER}",
    re.IGNORECASE,
)


def scale_of_label(label: str) -> str | None:
    """Energy scale that the label of an axis states, in several languages."""
    return _one_scale(_KINETIC.search(label), _BINDING.search(label))


def scale_of_text(text: str) -> str | None:
    """Energy scale that running text states; None if it states both or neither."""
    stated = _STATED.search(text)
    if stated:
        return stated[1].lower()
    return _one_scale(_KINETIC_TEXT.search(text), _BINDING_TEXT.search(text))


def _one_scale(kinetic: object, binding: object) -> str | None:
    """The scale of which words were found; None if both or neither."""
    if bool(kinetic) == bool(binding):
        return None
    return "kinetic" if kinetic else "binding"


def is_energy_label(label: str) -> bool:
    """Whether a column's label says that it holds energies."""
    return bool(_ENERGY.search(_PHOTON.sub("", label))) and _PER_SECOND.search(label) is None


def units_of_label(label: str) -> str | None:
    """Units of the counts, "counts/s" or "counts", where a label tells them."""
    if _PER_SECOND.search(label):
        return "counts/s"
    return "counts" if re.search(r"\bcounts?\b", label, re.IGNORECASE) else None


def photon_energy_of(text: str) -> float | None:
    """Photon energy [eV] stated in running text ("hv=180eV", "Photon Energy 1253.6")."""
    for match in _PHOTON.finditer(text):
        value = _value(match[1]) * (1000.0 if (match[2] or "").lower() == "kev" else 1.0)
        if 5.0 <= value <= 20000.0:
            return value
    return None


def dwell_time_of(text: str) -> float | None:
    """Dwell time [s] stated in running text."""
    match = _DWELL.search(text)
    value = _value(match[1] or match[2]) if match else 0.0
    return value if 0.0 < value < 1e6 else None


def number_of_text(text: str, largest: float = math.inf) -> float:
    """Number that a text is; NaN if it is none, or is not below `largest`."""
    try:
        value = float(text[:100])
    except ValueError:
        return math.nan
    return value if abs(value) < largest else math.nan


def leading_number(text: str) -> float:
    """Number at the beginning of a text such as "0.5 seconds"; NaN if there is none."""
    match = LEADING_NUMBER.match(text)
    return number_of_text(match[0]) if match else math.nan


def set_positive(attrs: dict[str, Any], name: str, value: Any) -> None:
    """Set an attribute to a number if it is known and > 0."""
    if isinstance(value, int | float) and math.isfinite(value) and value > 0:
        attrs[name] = float(value)


def _value(number: str) -> float:
    """Number with a decimal point or comma."""
    return float(number.replace(",", "."))
