"""Links and limits as people write them in a table, for `xpsnet.constrain_peak`."""

import re

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_AMOUNT = rf"(?:{_NUMBER}|\(\s*{_NUMBER}\s*(?:to|,)\s*{_NUMBER}\s*\))"
_TIMES = "[x*\N{MULTIPLICATION SIGN}]"
_LINK = re.compile(
    rf"=\s*(?:(?P<factor>{_NUMBER})\s*{_TIMES}\s*)?(?:[a-z]+\s+of\s+)?(?:peak\s*)?(?P<peak>\d+)\s*"
    rf"(?:{_TIMES}\s*(?P<ratio>{_AMOUNT})\s*)?(?:(?P<sign>[+-])\s*(?P<offset>{_AMOUNT})\s*)?"
    r"(?:eV)?\s*",
    re.IGNORECASE,
)


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
    link = f"{parameter}_{int(match['peak'])}"
    if match["factor"]:
        link = f"{match['factor']} * {link}"
    if match["ratio"]:
        link += f" * {_amount(match['ratio'])}"
    if match["offset"]:
        link += f" {match['sign']} {_amount(match['offset'])}"
    return link


def _amount(text: str) -> str:
    """A number, or a pair "(1.1 to 1.3)" for an amount that is fitted between both."""
    return text.replace("to", ",")


def limits_of_text(text: str) -> tuple[float | None, float | None]:
    """Limits from "284 to 286"; an end that is left out is open.

    Raises
    ------
    ValueError
        Where the text is no pair of numbers.
    """
    low, word, high = text.partition("to")
    try:
        ends = [float(part) if part.strip() else None for part in (low, high)]
    except ValueError:
        word = ""
    if not word:
        raise ValueError(
            f"expected limits such as '284 to 286', '284 to' or 'to 286', got {text!r}"
        )
    return ends[0], ends[1]
