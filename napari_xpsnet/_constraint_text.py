"""What holds a parameter of a peak, as people write it in a table, and as the library takes it."""

import json
import re
from typing import Any

import xarray as xr

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_LINK = re.compile(
    rf"=\s*(?:(?P<factor>{_NUMBER})\s*[x*×]\s*)?(?:[a-z]+ of )?(?:peak\s*)?(?P<peak>\d+)\s*"
    rf"(?:[x*×]\s*(?P<ratio>{_NUMBER})\s*)?(?:(?P<sign>[+-])\s*(?P<offset>{_NUMBER})\s*)?(?:eV)?\s*",
    re.IGNORECASE,
)
_LIBRARY_LINK = re.compile(r"(?:(?P<factor>[^*]+?)\s*\*\s*)?[a-z_]+_(?P<peak>\d+)\s*(?P<rest>.*)")
Rule = float | tuple[float | None, float | None] | str


def rules_of(peaks: xr.Dataset) -> dict[str, Rule]:
    """Constraints that peaks carry, by the name of the parameter: "center_1", "fwhm"."""
    found: dict[str, Any] = json.loads(str(peaks.attrs.get("constraints", "{}")))
    return {name: tuple(rule) if isinstance(rule, list) else rule for name, rule in found.items()}


def rule_of(peaks: xr.Dataset, peak: int, parameter: str) -> Rule | None:
    """What holds one parameter of a peak (from 1), None where it is free."""
    rules = rules_of(peaks)
    return rules.get(f"{parameter}_{peak}", rules.get(parameter))


def rule_text(rule: Rule | None) -> str:
    """A constraint for a cell: "= 1 + 1.18", "locked", "284 to 286", empty where it is free."""
    if rule is None:
        return ""
    if isinstance(rule, str):
        match = _LIBRARY_LINK.fullmatch(rule.strip())
        if match is None:
            return f"= {rule}"
        factor = f"{match['factor']} x " if match["factor"] else ""
        rest = match["rest"].replace("*", "x")
        return f"= {factor}{match['peak']} {rest}".rstrip()
    if isinstance(rule, tuple):
        low, high = rule
        if low is None:
            return "" if high is None else f"at most {high:g}"
        return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
    return "locked"


def link_of_text(text: str, parameter: str) -> str:
    """A link as the library takes it, from "= peak 1 + 1.18 eV" or "= 0.5 x area of peak 1".

    Raises
    ------
    ValueError
        Where the text is no link.
    """
    match = _LINK.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"expected a link such as '= peak 1 + 1.18 eV' or '= 0.5 x area of peak 1', got "
            f"{text!r}"
        )
    name = f"{parameter}_{int(match['peak'])}"
    ratio = match["factor"] or match["ratio"]
    link = f"{float(ratio):g} * {name}" if ratio else name
    if match["offset"]:
        link += f" {match['sign']} {float(match['offset']):g}"
    return link


def limits_of_text(text: str) -> tuple[float | None, float | None]:
    """Limits from "284 to 286"; an end that is left out is open.

    Raises
    ------
    ValueError
        Where the text is neither two numbers nor one.
    """
    low, word, high = text.partition("to")
    try:
        ends = tuple(float(part) if part.strip() else None for part in (low, high))
    except ValueError:
        ends = ()
    if not word or len(ends) != 2:
        raise ValueError(f"expected limits such as '284 to 286', '284 to' or 'to 286', got {text!r}")
    return ends
