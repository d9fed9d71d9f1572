"""Names of regions: `S2p`, `1: S 2p` and `S 2p/9` are all `S 2p`."""

import os
import re
from collections.abc import Sequence

from xpsnet.data.level_names import (
    ELEMENT,
    cleaned,
    find_name,
    parse_level,
    without_level,
    without_number,
)
from xpsnet.io.common.errors import refusal

_AUGER = re.compile(
    rf"(?<![A-Za-z]){ELEMENT}[ _-]?([KLMN]\d{{0,2}}[KLMNOV]\d{{0,2}}[KLMNOV]\d{{0,2}})(?![A-Za-z])"
)
_SURVEY = re.compile(r"su1s|sur?\d*|\d*sur?|wide(?:[ _/-]|scan|\d)*|.*survey.*", re.IGNORECASE)
_MAX_LISTED = 40
# Words of labels that count measurements of one sample, and say nothing about it.
_COUNTERS = {"scan", "sweep", "loop", "cycle", "level", "etch", "iteration", "repeat", "block",
             "region", "run", "no", "nr", "pos", "position", "point", "spot", "line", "angle",
             "ev", "s", "min", "deg", "xps"}  # fmt: skip


def find_region(label: str) -> str | None:
    """Find a core level, an Auger line or a survey in a label, in the usual spelling."""
    level = parse_level(label)
    if level:
        return str(level)
    label = without_number(cleaned(label))
    auger = _AUGER.search(label)
    if auger:
        return f"{auger[1]} {auger[2]}"
    return "survey" if _SURVEY.fullmatch(label) else None


def region_name(*labels: str) -> str:
    """Name a region after the first label that holds a known one, else the first not empty.

    A label without a known region stays whole: "1:3 Cu:Ru" is a ratio, not a numbered region.
    """
    for label in labels:
        found = find_region(label)
        if found:
            return found
    return next((cleaned(label) for label in labels if cleaned(label)), "")


def label_identity(label: str) -> str:
    """What a label states beside its region and a number: "A" of "C 1s A", "" of "1: C 1s".

    Numbers count where other words stand beside them: "1:1 Cu:Ru Cu2p" and "2:1 Cu:Ru Cu2p" are
    two samples, "C 1s scan 1" and "C 1s scan 2" are two scans.
    """
    rest = without_level(cleaned(label))
    if rest is None:
        return ""
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", rest)}
    return " ".join(rest.split()).casefold() if words - _COUNTERS else ""


def chosen_regions(
    path: str | os.PathLike[str],
    region: str | int | None,
    names: Sequence[Sequence[str]],
    listed: Sequence[str],
    *,
    single: bool = False,
) -> list[int]:
    """Choose the regions that a user asks for.

    Parameters
    ----------
    path : path
        For the message.
    region : str, int or None
        Name or number; None for all of them.
    names : sequence of sequence of str
        All names of each region: the usual one, and that of the file.
    listed : sequence of str
        How the message shows each region.
    single : bool
        Whether exactly one must be found.

    Returns
    -------
    list of int
        Places in `names`: those of the same name, else of the same line, else of the same level.

    Raises
    ------
    ReadError
        With the names there are, where none is found, or several with `single`.
    """
    shown = [f"{i}: {text}" for i, text in enumerate(listed[:_MAX_LISTED])]
    advice = f"the file holds {', '.join(shown)}{', ...' if len(listed) > len(shown) else ''}"
    if region is None:
        found = list(range(len(names)))
    elif not isinstance(region, str):
        if not -len(names) <= region < len(names):
            raise refusal(path, expected=f"a region from 0 to {len(names) - 1}",
                          got=f"region={region}", advice=advice)  # fmt: skip
        found = [region % len(names)]
    else:
        found = _found(region, names)
        if not found:
            raise refusal(path, expected=f"a region {region!r}", got="no such region",
                          advice=advice)  # fmt: skip
    if single and len(found) != 1:
        what = "one region" if region is None else f"one region {region!r}"
        alike = len({tuple(names[i][:1]) for i in found}) == 1 and len(found) > 1
        stacked = ', or stack them with by="sample"' if alike else ""
        raise refusal(
            path, expected=what, got=f"{len(found)}",
            advice=f"choose one with region=, by name or number{stacked}: {advice}",
        )  # fmt: skip
    return found


def _found(region: str, names: Sequence[Sequence[str]]) -> list[int]:
    """Places of the regions of this name, else of this line, else of this level."""
    for labels in ([own[:1] for own in names], names):
        exact = [i for i, own in enumerate(labels) if region in own]
        if exact:
            return exact
    usual = [region_name(*own[:1]) for own in names]
    wanted = region_name(region)
    same = [i for i, name in enumerate(usual) if name.lower() == wanted.lower()]
    return same or find_name(wanted, usual)
