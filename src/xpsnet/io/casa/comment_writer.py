"""Peaks as CasaXPS comments of VAMAS blocks, so that CasaXPS shows our components."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from xpsnet.data.constraints import Constraint, links_of
from xpsnet.data.links import parameter_name
from xpsnet.data.peak_settings import enabled_rows, stored_constraints
from xpsnet.data.peaks import curves, line_shapes_of
from xpsnet.data.spectrum import scale_sign
from xpsnet.io.casa.line_shapes import CasaLine, casa_line, shape_parameters
from xpsnet.io.common.stacking import Floats
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import shape_names
from xpsnet.numerics.shape_names import casa_name, same_line

NO_FIT = ("Casa Info Follows", "0", "0", "0", "0")
EXACT = (
    "gaussian",
    "lorentzian",
    "pseudo_voigt",
    "gl_product",
    "asymmetric_lorentzian",
    "finite_lorentzian",
)
"""Line shapes of xpsnet that CasaXPS has, too."""

_NUMBER = r"[0-9.eE+-]{1,30}"
_SENSITIVITY = re.compile(
    rf"CASA comp \(\*(.*?)\*\).*? RSF ({_NUMBER}) MASS ({_NUMBER}) .*?UNCORRECTEDRSF ({_NUMBER})"
)
_REGION = re.compile(
    r"CASA region \(\*.*?\*\) \(\*.*?\*\) \S+ \S+ "
    rf"({_NUMBER}) [^(]*\(\*.*?\*\)((?: {_NUMBER}){{1,3}})"
)
_NO_SENSITIVITY = ("1", "1", "1")
_OFF = 1e-20  # CasaXPS' area of a component that is switched off
_SHAPE = re.compile(r"[A-Z]{2,3}\([0-9.,eE+-]{1,100}\)")
_TOUGAARD_C = 1643.0
_PLAIN = "1 0 0 0 0 0 0"
_BACKGROUNDS = {"none": "None", "constant": "Linear", "linear": "Linear"}


def casa_comment(peaks: xr.Dataset, photon_energy: float, seconds: float) -> tuple[str, ...]:
    """Write the comment of one block.

    Parameters
    ----------
    peaks : Dataset
        The peaks of one spectrum.
    photon_energy : float
        [eV]; turns binding energies into the kinetic ones of CasaXPS. NaN if those are
        kinetic.
    seconds : float
        Measuring time of a point: CasaXPS' areas are counts per second times eV.

    Returns
    -------
    tuple of str
        The lines of the comment.
    """
    center = peaks["center"].values
    present = np.flatnonzero(np.isfinite(center))
    if not present.size:
        return NO_FIT
    region = _clean(str(peaks.attrs.get("region", "")) or "region")
    shift = _number_of(peaks.attrs.get("casa_calibration"), 0.0)
    ends = _kinetic(peaks, peaks["energy"].values[[0, -1]], photon_energy) - shift
    limits = sorted(ends.tolist())
    shapes = shape_names(line_shapes_of(peaks), center.size)
    stated_before = _SHAPE.findall(str(peaks.attrs.get("casa_components", "")))
    rules, enabled = stored_constraints(peaks), enabled_rows(peaks)
    sensitivity = _sensitivity(str(peaks.attrs.get("casa_components", "")))
    table = []
    for i in present.tolist():
        one = {name: float(peaks[name].values[i]) for name in LINE_SHAPES[shapes[i]].parameters}
        name = _shape(shapes[i], one, stated_before)
        line = casa_line(name)
        width = one["fwhm"] / line.fwhm
        label = str(peaks["label"].values[i]) if "label" in peaks else region
        place = float(_kinetic(peaks, np.array(one["center"]), photon_energy)) - shift
        area = _area(shapes[i], one, peaks, i) / seconds
        # Of limits, what has the unit of the parameter in CasaXPS.
        kinetic = 1.0 if scale_sign(peaks.attrs["scale"]) < 0 else -1.0
        turned = [place + kinetic * (end - one["center"]) for end in _ends(rules, "center", i)]
        table.append(
            _Component(
                _clean(label),
                name,
                area if enabled[i] else _OFF,
                width,
                place + width * line.shift,
                {
                    "area": _scaled(_ends(rules, "height", i), area, one["height"]),
                    "fwhm": _scaled(_ends(rules, "fwhm", i), width, one["fwhm"]),
                    "center": [end + width * line.shift for end in sorted(turned)],
                },
                sensitivity.get(label) or next(iter(sensitivity.values()), _NO_SENSITIVITY),
            )
        )
    follows = _links(rules, present.tolist())
    lines = [_component(table, k, follows, region, limits) for k in range(len(table))]
    kind, numbers = _background(peaks)
    factor, tail = _region_numbers(str(peaks.attrs.get("casa_region", "")))
    stated = f"{limits[0]!r} {limits[1]!r} {factor} {numbers} (*{region}*) {tail}"
    return (
        "Casa Info Follows", *_calibration(shift), "0",
        "1", f"CASA region (*{region}*) (*{kind}*) {stated}",
        str(len(lines)), *lines,
    )  # fmt: skip


class _Component(NamedTuple):
    """One component in CasaXPS' own numbers."""

    name: str
    shape: str
    area: float
    width: float
    place: float
    limits: dict[str, list[float]]  # lowest and highest, infinite where there is none
    sensitivity: tuple[str, str, str]


def _component(
    table: list[_Component],
    k: int,
    follows: dict[tuple[str, int], int],
    region: str,
    limits: list[float],
) -> str:
    """The line of a component; links go by the number of the leading one, -1 for none."""
    one = table[k]
    area = width = place = "-1 1"
    if ("area", k) in follows:
        lead = follows["area", k]
        area = f"{lead} {one.area / table[lead].area!r}" if table[lead].area else area
    if ("fwhm", k) in follows:
        lead = follows["fwhm", k]
        width = f"{lead} {one.width / table[lead].width!r}"
    if ("center", k) in follows:
        lead = follows["center", k]
        place = f"{lead} {one.place - table[lead].place!r}"
    areas = _within(one.limits["area"], (1e-20, max(100 * one.area, 1.0)))
    widths = _within(one.limits["fwhm"], (0.2 * one.width, 5 * one.width))
    places = _within(one.limits["center"], (limits[0], limits[1]))
    rsf, mass, uncorrected = one.sensitivity
    return (
        f"CASA comp (*{one.name}*) (*{one.shape}*) Area {one.area!r} {areas} {area} "
        f"MFWHM {one.width!r} {widths} {width} Position {one.place!r} {places} {place} "
        f"RSF {rsf} MASS {mass} INDEX -1 (*{region}*) CONST (**) UNCORRECTEDRSF {uncorrected}"
    )


def _ends(rules: Mapping[str, Constraint], parameter: str, i: int) -> list[float]:
    """Limits of a parameter by its constraint; equal where it is locked."""
    rule = rules.get(parameter_name(parameter, i), rules.get(parameter))
    if isinstance(rule, int | float):
        return [float(rule)] * 2
    low, high = rule if isinstance(rule, tuple | list) else (None, None)
    return [-np.inf if low is None else low, np.inf if high is None else high]


def _scaled(ends: list[float], theirs: float, ours: float) -> list[float]:
    """Limits in CasaXPS' unit of a quantity that has both values."""
    factor = theirs / ours if ours else 1.0
    locked = ends[0] == ends[1]
    return [theirs, theirs] if locked else [end * factor for end in ends]


def _within(ends: list[float], usual: tuple[float, float]) -> str:
    """Limits as text; the usual ones where there are none."""
    low, high = (e if np.isfinite(e) else u for e, u in zip(ends, usual, strict=True))
    return f"{low!r} {high!r}"


def _calibration(shift: float) -> tuple[str, ...]:
    """Number of calibrations and the one that CasaXPS had made."""
    if shift == 0:
        return ("0",)
    return ("1", f"Calib M = 0.0 A = {shift!r} BE ADD")


def _number_of(text: Any, otherwise: float) -> float:
    """A finite number from an attribute."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return otherwise
    return value if np.isfinite(value) else otherwise


def _sensitivity(components: str) -> dict[str, tuple[str, str, str]]:
    """Sensitivity factor, mass and uncorrected factor that components had, by their names."""
    found: dict[str, tuple[str, str, str]] = {}
    for match in _SENSITIVITY.finditer(components):
        found.setdefault(match[1].strip(), (match[2], match[3], match[4]))
    return found


def _region_numbers(line: str) -> tuple[str, str]:
    """Sensitivity factor of a region, and the numbers at the end of its line, as they were."""
    match = _REGION.fullmatch(line.strip())
    return (match[1], match[2].strip()) if match else ("1", "1 0 1")


def _links(rules: Mapping[str, Constraint], present: list[int]) -> dict[tuple[str, int], int]:
    """Which component follows which in what; links with a fitted amount are none of CasaXPS'."""
    number = {peak: k for k, peak in enumerate(present)}
    found = {
        (link.parameter, number[link.peak]): number[link.source]
        for link in links_of(rules)
        if not link.fitted and link.peak in number and link.source in number
    }
    # A ratio of heights is one of areas where the lines are equal but for it.
    for (name, peak), lead in list(found.items()):
        if name == "height" and found.get(("fwhm", peak)) == lead:
            found.setdefault(("area", peak), lead)
    return found


def _kinetic(peaks: xr.Dataset, energy: Floats, photon_energy: float) -> Floats:
    """Kinetic energies of energies on the peaks' scale."""
    return energy if scale_sign(peaks.attrs["scale"]) < 0 else photon_energy - energy


def _clean(text: str) -> str:
    """A name that cannot end the brackets it is in."""
    return " ".join(re.sub(r"\0|\*\)|\(\*", " ", text).split())[:200]


def _shape(line_shape: str, one: dict[str, float], stated_before: list[str]) -> str:
    """CasaXPS' name of a line: the one that was read, if it is still this line."""
    extra = {name: one[name] for name in LINE_SHAPES[line_shape].parameters[3:]}
    for name in stated_before:
        if same_line(name, line_shape, extra):
            return name
    found = casa_name(line_shape, extra)
    if found is not None:
        return found
    whole = LINE_SHAPES[line_shape].area
    area = float(whole(0.0, 1.0, 1.0, *extra.values())) if whole is not None else np.pi / 2
    near = CasaLine(0.0, 1.0, area, 1.0, "pseudo_voigt", exact=False, known=True)
    fraction = shape_parameters(near, "pseudo_voigt")["fraction"]
    return f"SGL({100 * fraction:.12g})"


def _area(line_shape: str, one: dict[str, float], peaks: xr.Dataset, i: int) -> float:
    """Area of a line as it is drawn; over the window where that of the whole line diverges."""
    whole = LINE_SHAPES[line_shape].area
    if whole is None:
        return float(peaks["area"].values[i])
    return float(whole(*one.values()))


def _background(peaks: xr.Dataset) -> tuple[str, str]:
    """CasaXPS' background that is nearest, and its seven numbers.

    They are the average width, two offsets and the four numbers of the cross section.
    """
    background = str(peaks.attrs.get("background", "none"))
    if background.startswith("tougaard"):
        b = float(peaks["background_tougaard"].values)
        return "U 2 Tougaard", f"1 0 0 {b!r} {-_TOUGAARD_C!r} 0 0"
    if background == "curve":
        kept = re.search(r"CASA region \(\*.*?\*\) \(\*(.*?)\*\)(.*)",
                         str(peaks.attrs.get("casa_region", "")))  # fmt: skip
        words = kept[2].partition("(*")[0].split() if kept else []
        if kept and len(words) >= 10:
            return _clean(kept[1]), " ".join(words[3:10])
        return ("Shirley" if _steps(peaks) else "Linear"), _PLAIN
    return _BACKGROUNDS.get(background, "Shirley"), _PLAIN


def _steps(peaks: xr.Dataset) -> bool:
    """Whether a background curve bends as a step does."""
    curve: Any = curves(peaks)["background"].values
    line = np.linspace(curve[0], curve[-1], curve.size)
    return bool(np.nanmax(np.abs(curve - line)) > 0.05 * abs(curve[-1] - curve[0]))
