"""CasaXPS fits in the comments of VAMAS blocks: calibration, regions and components as they stand.

Energies here are kinetic. Those of regions and components lie on the calibrated scale, which
CasaXPS shows; the block itself stays as it was measured. Areas are counts per second times eV.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpsnet.io.casa.backgrounds import CasaBackground
from xpsnet.io.common.labels import number_of_text

_MAX_LINE = 4000
_MAX_COMPONENTS = 200
_REGION = re.compile(r"CASA region \(\*(.*?)\*\) \(\*(.*?)\*\)(.*)")
_COMPONENT = re.compile(r"CASA comp \(\*(.*?)\*\) \(\*(.*?)\*\)(.*)")
_CALIBRATION = re.compile(r"Calib\s+M\s*=\s*(\S+)\s+A\s*=\s*(\S+)(.*)")
_SWITCHED_OFF = 1e-15  # areas below are CasaXPS' way to switch a component off


@dataclass(frozen=True)
class Limited:
    """A parameter of a component: value, limits, and the component it follows (-1: none)."""

    value: float
    low: float
    high: float
    link: int
    factor: float  # of area and width; of a position the offset [eV]

    def as_dict(self) -> dict[str, float | int]:
        """For the description in attributes; the link is left out if there is none."""
        numbers = {"value": self.value, "min": self.low, "max": self.high}
        numbers |= {"link": self.link, "factor": self.factor} if self.link >= 0 else {}
        return {key: value for key, value in numbers.items() if np.isfinite(value)}


@dataclass
class Component:
    """One component."""

    name: str
    shape: str
    area: Limited
    fwhm: Limited
    position: Limited
    tag: str
    number: int  # in the order of the block, which links count by
    line: str

    @property
    def is_off(self) -> bool:
        """Whether CasaXPS has switched it off."""
        return not (self.area.value > _SWITCHED_OFF and self.fwhm.value > 0)


@dataclass
class Region:
    """One region with the components in it."""

    name: str
    low: float
    high: float
    background: CasaBackground
    line: str
    components: list[Component] = field(default_factory=list)


@dataclass
class CasaFit:
    """What CasaXPS wrote about one block; shifts [eV] add to its energies to give measured ones."""

    regions: list[Region]
    shift: float  # of calibrated kinetic energies
    region_shift: float
    component_shift: float
    damaged: list[str]


def parse_fit(comment: Sequence[str]) -> CasaFit | None:
    """Parse the comment of a block; None if there are no components."""
    regions: list[Region] = []
    components: list[Component] = []
    shifts = [0.0, 0.0, 0.0]
    damaged: list[str] = []
    for line in (text.strip()[:_MAX_LINE] for text in comment):
        found: Region | Component | None = None
        if line.startswith("CASA region"):
            found = _region(line)
        elif line.startswith("CASA comp"):
            # Damaged components are counted too: links go by the number of a component.
            found = _component(line, len(components) + len(damaged))
        else:
            _calibrate(line, shifts)
            continue
        if found is None or len(components) >= _MAX_COMPONENTS:
            damaged.append(line)
        elif isinstance(found, Region):
            regions.append(found)
        else:
            components.append(found)
    if not components:
        return None
    regions = regions or [Region("", -np.inf, np.inf, CasaBackground("none"), "")]
    _assign(components, regions)
    whole, of_regions, of_components = shifts
    fitted = [region for region in regions if region.components]
    return CasaFit(fitted, whole, of_regions, of_components, damaged)


def calibration_of(comment: Sequence[str]) -> float | None:
    """Shift of binding energies [eV] that CasaXPS states in the comment of a block.

    None if it states none. Such a shift is shown by CasaXPS, but not in the energies of the block.
    """
    shifts = [0.0, 0.0, 0.0]
    for line in comment:
        if "Calib" in line:
            _calibrate(line.strip()[:_MAX_LINE], shifts)
    return shifts[0] or None


def _calibrate(line: str, shifts: list[float]) -> None:
    """Add one line of calibration, "Calib M = 281.17 A = 284.8 BE ADD": such lines add up."""
    match = _CALIBRATION.match(line)
    if match is None:
        return
    measured, assigned = _mean(match[1]), _mean(match[2])
    flags = match[3].upper().split()
    step = assigned - measured if "KE" not in flags else measured - assigned
    if not np.isfinite(step):
        return
    shifts[0] += step
    # Regions and components that moved with the spectrum stand at measured energies already.
    shifts[1] += 0.0 if "REGIONS" in flags else step
    shifts[2] += 0.0 if "COMPS" in flags else step


def _mean(text: str) -> float:
    """Mean of one or several energies, "282.4,283.5"."""
    values = [number_of_text(part, 1e30) for part in text.split(",")]
    return sum(values) / len(values)


def _region(line: str) -> Region | None:
    """Read "CASA region (*name*) (*background*) low high RSF average offsets ... (*tag*) ..."."""
    match = _REGION.fullmatch(line)
    if match is None:
        return None
    numbers = [number_of_text(word, 1e30) for word in match[3].partition("(*")[0].split()]
    if len(numbers) < 2 or not np.isfinite(numbers[:2]).all() or numbers[0] == numbers[1]:
        return None
    further = [*np.nan_to_num(numbers[3:10]).tolist(), *[0.0] * 7]
    points = int(np.clip(further[0], 1, 50))
    background = CasaBackground(match[2], points, further[1], further[2], tuple(further[3:7]))
    return Region(match[1].strip(), min(numbers[:2]), max(numbers[:2]), background, line)


def _component(line: str, number: int) -> Component | None:
    """Read "CASA comp (*name*) (*shape*) Area ... MFWHM ... Position ... INDEX i (*tag*) ..."."""
    match = _COMPONENT.fullmatch(line)
    if match is None:
        return None
    words = match[3].split()
    area, fwhm, position = (_limited(words, key) for key in ("Area", "MFWHM", "Position"))
    if not np.isfinite([area.value, fwhm.value, position.value]).all():
        return None
    tag = re.search(r"INDEX \S+ \(\*(.*?)\*\)", match[3])
    return Component(
        match[1].strip(), match[2].strip(), area, fwhm, position,
        tag[1].strip() if tag else "", number, line,
    )  # fmt: skip


def _limited(words: list[str], key: str) -> Limited:
    """Value, limits and link after a key word; NaN for those that are missing."""
    after = words[words.index(key) + 1 :][:5] if key in words else []
    numbers = [number_of_text(word, 1e30) for word in after]
    value, low, high, link, factor = numbers + [np.nan] * (5 - len(numbers))
    followed = int(link) if np.isfinite(link) and 0 <= link < _MAX_COMPONENTS else -1
    return Limited(value, low, high, followed, factor)


def _assign(components: list[Component], regions: list[Region]) -> None:
    """Give every component to the region of its name, else to the one around it."""
    for component in components:
        inside = [r for r in regions if r.low <= component.position.value <= r.high]
        named = [r for r in inside or regions if r.name == component.tag]
        middle = component.position.value
        nearest = min(regions, key=lambda r: abs((r.low + r.high) / 2 - middle)
                      if np.isfinite(r.low) else 0.0)  # fmt: skip
        [*named, *inside, nearest][0].components.append(component)


def describe(components: Sequence[Component]) -> list[dict[str, Any]]:
    """Limits and links of components, for the description in attributes."""
    return [
        {
            "number": component.number,
            "name": component.name,
            "shape": component.shape,
            **{name: getattr(component, name).as_dict() for name in ("area", "fwhm", "position")},
        }
        for component in components
    ]
