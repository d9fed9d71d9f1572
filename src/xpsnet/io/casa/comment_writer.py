"""Peaks as CasaXPS comments of VAMAS blocks, so that CasaXPS shows our components."""

import re
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

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

_LINK = re.compile(r"([a-z_]+)_(\d{1,4}) = (?:[^\s(]+ \* )?\1_(\d{1,4})(?: [*+-] [^\s(]+)?")
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
    limits = sorted(_kinetic(peaks, peaks["energy"].values[[0, -1]], photon_energy).tolist())
    shapes = shape_names(line_shapes_of(peaks), center.size)
    stated_before = _SHAPE.findall(str(peaks.attrs.get("casa_components", "")))
    table = []
    for i in present:
        one = {name: float(peaks[name].values[i]) for name in LINE_SHAPES[shapes[i]].parameters}
        name = _shape(shapes[i], one, stated_before)
        line = casa_line(name)
        width = one["fwhm"] / line.fwhm
        label = str(peaks["label"].values[i]) if "label" in peaks else region
        place = float(_kinetic(peaks, np.array(one["center"]), photon_energy))
        area = _area(shapes[i], one, peaks, int(i)) / seconds
        place += width * line.shift
        table.append(_Component(_clean(label), name, area, width, place))
    follows = _links(str(peaks.attrs.get("links", "")), present.tolist())
    lines = [_component(table, k, follows, region, limits) for k in range(len(table))]
    kind, numbers = _background(peaks)
    stated = f"{limits[0]!r} {limits[1]!r} 1 {numbers} (*{region}*) 1 0 1"
    return (
        "Casa Info Follows", "0", "0",
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
    return (
        f"CASA comp (*{one.name}*) (*{one.shape}*) Area {one.area!r} 1e-020 "
        f"{max(100 * one.area, 1.0)!r} {area} MFWHM {one.width!r} {0.2 * one.width!r} "
        f"{5 * one.width!r} {width} Position {one.place!r} {limits[0]!r} {limits[1]!r} {place} "
        f"RSF 1 MASS 1 INDEX -1 (*{region}*) CONST (**) UNCORRECTEDRSF 1"
    )


def _links(text: str, present: list[int]) -> dict[tuple[str, int], int]:
    """Which component follows which in what; links with a fitted amount are none of CasaXPS'."""
    number = {peak + 1: k for k, peak in enumerate(present)}
    found = {}
    for part in text.split(";"):
        match = _LINK.fullmatch(part.strip())
        if match and int(match[2]) in number and int(match[3]) in number:
            found[match[1], number[int(match[2])]] = number[int(match[3])]
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
