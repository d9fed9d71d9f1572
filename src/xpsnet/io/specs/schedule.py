"""The schedule of SPECS Prodigy: XML that tells which spectra were to be measured, and how."""

import contextlib
import re
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import numpy as np

from xpsnet.io.common.labels import number_of_text
from xpsnet.io.common.xml_stream import Node, RefusedXmlError, Stream

_MAX_TEXT = 500
_MAX_SPECTRA = 20_000
_SETTINGS = re.compile(r"(\w+)Settings")
_LOOP_INDEX = re.compile(r"([A-Za-z][A-Za-z _]{0,40}?) *(?:\[[^\]]{0,20}\])? *= *(\d{1,9})u?\b")
# What Prodigy calls its loops, and the dimensions that they become.
_LOOPS = {"loop": "loop", "scan": "scan", "ramping iteration": "iteration", "cycle": "cycle"}


class ScheduleError(Exception):
    """The schedule cannot be read."""


@dataclass
class Planned:
    """One spectrum of the schedule: its numbers, names, and the attributes of its settings."""

    number: str
    name: str
    group: str
    group_number: str
    method: str
    mode: str
    settings: dict[str, str]


def read_schedule(text: str) -> list[Planned]:
    """List the spectra of a schedule.

    Parameters
    ----------
    text : str
        XML.

    Returns
    -------
    list of Planned
        In the order of the schedule.

    Raises
    ------
    ScheduleError
        If it is no XML, declares entities or is too large.
    """
    found: list[Planned] = []

    def take(group: Node, path: list[Node]) -> None:
        method = path[-1].tag[:_MAX_TEXT] if path else ""
        for node in group.of_tag("Spectrum"):
            if len(found) < _MAX_SPECTRA:
                found.append(_planned(group, node, method))

    try:
        Stream((), lambda tag, _: tag == "SpectrumGroup", take).parse(text)
    except (RefusedXmlError, expat.ExpatError, ValueError) as error:
        if not found:
            raise ScheduleError(f"its schedule is no readable XML: {error}") from error
    return found


def parameters_of(text: Any, tag: str) -> list[dict[str, str]]:
    """Attributes of all elements of a tag in a small XML text; none if it is no XML."""
    found: list[dict[str, str]] = []

    def take(node: Node, _: list[Node]) -> None:
        if len(found) < 1000:
            found.append(node.attrs)

    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if not isinstance(text, str) or len(text) > 8 << 20:
        return []
    with contextlib.suppress(RefusedXmlError, expat.ExpatError, ValueError):
        Stream((), lambda tag_, _: tag_ == tag, take).parse(text)
    return found


def loop_indices(trace: Any) -> dict[str, int]:
    """Indices that the trace of a scan tells: "Loop=2u, Scan [Idx]=0u"."""
    indices: dict[str, int] = {}
    for name, index in _LOOP_INDEX.findall(str(trace or "")[:10_000]):
        dim = _LOOPS.get(name.strip().lower())
        if dim:
            # Nested loops have the same name: loop, loop_2, loop_3.
            depth = 1 + sum(known.partition("_")[0] == dim for known in indices)
            indices[dim if depth == 1 else f"{dim}_{depth}"] = int(index)
    return indices


def number_in(settings: dict[str, str], *keys: str) -> float:
    """First of these settings that is a number; NaN if there is none."""
    found = (number_of_text(settings.get(key, "")) for key in keys)
    return next((value for value in found if np.isfinite(value)), np.nan)


def _planned(group: Node, node: Node, method: str) -> Planned:
    """Collect what the schedule says about one spectrum."""
    settings: dict[str, str] = {}
    mode = ""
    for common in group.of_tag("CommonSpectrumSettings")[:1]:
        settings |= _attributes(*common.of_tag("Lens", "SlitInfo", "ScanMode", "Iris"))
        mode = next((n.attrs.get("Name", "") for n in common.of_tag("ScanMode")), "")
    for child in node.children:
        if match := _SETTINGS.fullmatch(child.tag):
            mode = match[1]
            settings |= _attributes(child)
    name = node.attrs.get("Name", "")[:_MAX_TEXT]
    # Prodigy appends the settings to the name of a group: "as loaded#...".
    group_name = group.attrs.get("Name", "").partition("#")[0].rstrip(", ")[:_MAX_TEXT]
    numbers = node.attrs.get("ID", "")[:40], group.attrs.get("ID", "")[:40]
    return Planned(numbers[0], name, group_name, numbers[1], method, mode[:_MAX_TEXT], settings)


def _attributes(*nodes: Node) -> dict[str, str]:
    """Attributes of elements, cut to a length."""
    found = (item for node in nodes for item in node.attrs.items())
    return {key: value[:_MAX_TEXT] for key, value in found if key not in ("Name", "ID")}
