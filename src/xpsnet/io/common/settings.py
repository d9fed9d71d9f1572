"""Settings of an experiment by the words that programs and people use for them.

Which key a program writes, and in which section, attribute or comment, differs; the quantity does
not. `setting_name` names it, `read_settings` finds all of them in lines of `key = value`.
"""

import math
import re
from collections.abc import Iterable

from xpsnet.io.common.labels import leading_number

_MAX_TEXT = 500
_MAX_LINES = 5000
# Keys in lower case, without units and with nothing but letters and digits.
_NUMBERS = {
    "photon_energy": re.compile(
        r"(?:photon|excitation|exciting|incident|source|xray|characteristic|bl|beamline"
        r"|mono(?:chromator)?|actual(?:mono|photon)?)(?:photon)?energy|hv|hnu|mono(?:ev|chromator)"
    ),
    "pass_energy": re.compile(r"(?:analy[sz]er)?passenergy|epass"),
    "dwell_time": re.compile(r"dwelltime|timeperstep"),
    "n_scans": re.compile(
        r"n(?:um(?:ber)?|o)?(?:of)?(?:scans|sweeps)|sweeps|scancount|(?:scans|sweeps)completed"
    ),
}
_TEXTS = {
    "lens_mode": re.compile(r"(?:analy[sz]er)?lens(?:mode)?"),
    "acquisition_mode": re.compile(r"(?:scan|acquisition)mode"),
    "technique": re.compile(r"analysis(?:mode|method)"),
    "sample": re.compile(r"sample(?:name|id)?"),
    "region": re.compile(r"region(?:name)?"),
    "comment": re.compile(r"(?:user)?comments?"),
}
# Keys of which the beamline itself is the source: they outweigh what was typed into a program.
_BEAMLINE = re.compile(r"(?:bl|beamline|mono(?:chromator)?|actual(?:mono|photon)?)")
_UNIT = re.compile(r"[\[(]([^\])]*)[\])]\s*$")
_FACTORS = {"kev": 1e3, "mev": 1e-3, "ms": 1e-3}
_LARGEST = {"photon_energy": 1e5, "pass_energy": 1e4, "dwell_time": 1e6, "n_scans": 1e9}
_UNSAID = {"", "unknown", "none", "n/a", ";", "-"}


def setting_name(key: str) -> str | None:
    """Name of the quantity that a key states as a number; None if it is none of them.

    Examples
    --------
    >>> from xpsnet.io.common.settings import setting_name
    >>> setting_name("BL Energy"), setting_name("PassEnergy [eV]"), setting_name("Temperature")
    ('photon_energy', 'pass_energy', None)
    """
    return _found(_NUMBERS, _compact(key)[0])


def is_beamline(key: str) -> bool:
    """Whether a key of the photon energy is that of the beamline, not of the program."""
    return _BEAMLINE.match(_compact(key)[0]) is not None


def read_settings(lines: Iterable[str]) -> dict[str, str | int | float]:
    """Find settings in lines such as `Excitation Energy = 21.2 eV` or `Lens Mode: Transmission`.

    Parameters
    ----------
    lines : iterable of str

    Returns
    -------
    dict
        `photon_energy`, `pass_energy` [eV], `dwell_time` [s], `n_scans`, and texts such as
        `lens_mode`; of a repeated quantity the first counts.
    """
    found: dict[str, str | int | float] = {}
    for _, line in zip(range(_MAX_LINES), lines, strict=False):
        key, sign, value = line.partition("=")
        if not sign or ":" in key:
            key, sign, value = line.partition(":")
        if sign and len(key) <= _MAX_TEXT:
            _take(found, key, value.strip()[:_MAX_TEXT])
    return found


def _take(found: dict[str, str | int | float], key: str, value: str) -> None:
    """Add one setting, if it is known and not there yet."""
    compact, unit = _compact(key)
    name = _found(_NUMBERS, compact)
    if name is None:
        text = _found(_TEXTS, compact)
        if text and value.lower() not in _UNSAID:
            found.setdefault(text, value)
        return
    number = setting_value(name, value, unit)
    if number is not None:
        found.setdefault(name, number)


def setting_value(name: str, text: str, unit: str = "") -> int | float | None:
    """Value of a setting of `setting_name` [eV or s] from its text; None if it is impossible."""
    number = leading_number(text.replace(",", ".") if "." not in text else text)
    unit = unit or text.lstrip("+-0123456789.,eE \t").split(" ")[0]
    number *= _FACTORS.get(unit.strip("[]()").lower(), 1.0)
    if not (math.isfinite(number) and 0 < number < _LARGEST[name]):
        return None
    return int(number) if name == "n_scans" else number


def _compact(key: str) -> tuple[str, str]:
    """Letters and digits of a key in lower case, and the unit in brackets behind it."""
    unit = _UNIT.search(key)
    bare = key[: unit.start()] if unit else key
    return re.sub(r"[^a-z0-9]", "", bare.lower()), unit[1] if unit else ""


def _found(patterns: dict[str, re.Pattern[str]], compact: str) -> str | None:
    """Name of the pattern that a whole key matches."""
    return next((name for name, words in patterns.items() if words.fullmatch(compact)), None)
