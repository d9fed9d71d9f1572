"""Line shapes of CasaXPS in our own terms: where the maximum lies, how wide and high the line is.

CasaXPS states a position E, a width F and an area. Of a symmetric line they are those of the
maximum and of the whole line. Of an asymmetric one, LA(a, b, m) or LF(a, b, w, m), E is the place
where the two halves of the line meet before the Gaussian broadens it, and F is twice the
half-width on the side of low binding energy. Found by comparison with the curves that CasaXPS
exports: within 0.5 % of the height everywhere, once the stated positions and widths are moved
within their last digit.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from xpsnet.io.common.labels import number_of_text
from xpsnet.io.common.stacking import Floats
from xpsnet.numerics.lineshapes import LINE_SHAPES, powered_places
from xpsnet.numerics.shape_names import named_shape

LEANING = "asymmetric_pseudo_voigt"
LEANS = 1.02  # ratio of half-widths from which a line counts as asymmetric
_GAUSSIAN_AREA = float(np.sqrt(np.pi / np.log(2.0)) / 2)  # of the line of width and height 1
_LORENTZIAN_AREA = float(np.pi / 2)
_POINTS = 4001


class CasaLine(NamedTuple):
    """A line of CasaXPS in units of the stated width F.

    `shift` is the place of the maximum towards higher binding energy from the stated position,
    `fwhm` the width of the whole line, `area` its area over height and whole width, `lean` the
    half-width towards higher binding energy over the other one. `shape` is the line of xpsnet that
    is nearest; `exact` where it is the same line, with `values` of its further parameters; `known`
    where CasaXPS' own line is known.
    """

    shift: float
    fwhm: float
    area: float
    lean: float
    shape: str
    exact: bool
    known: bool
    values: Mapping[str, float] = MappingProxyType({})


@lru_cache(maxsize=256)
def casa_line(text: str) -> CasaLine:
    """Describe a CasaXPS line shape, such as "GL(30)" or "LA(1.2,5,8)"."""
    match = re.fullmatch(r"\s*([A-Za-z]+\s*\([^()]*\))\s*(.*)", text[:200])
    named, suffix = (named_shape(match[1]), match[2].strip()) if match else (None, "")
    if named is not None and named.shape in ("gl_product", "pseudo_voigt"):
        fraction = named.values["fraction"]
        line = _symmetric(named.shape, fraction)
        if not suffix:
            return line
        tail = re.fullmatch(r"T\(([^()]*)\)", suffix, re.IGNORECASE)
        rate = number_of_text(tail[1]) if tail else np.nan
        if 0.01 <= rate <= 100:
            return _with_tail(named.shape, fraction, rate)
        return line._replace(exact=False, known=False)
    if named is not None and not suffix:
        return _powered(named.shape, named.values, exact=named.allowed)
    usual = 0.7 * _GAUSSIAN_AREA + 0.3 * _LORENTZIAN_AREA
    return CasaLine(0.0, 1.0, usual, 1.0, "pseudo_voigt", exact=False, known=False)


def shape_parameters(line: CasaLine, shape: str) -> dict[str, float]:
    """Parameters beyond center, width and height of the line of this shape that is nearest.

    Its area is that of the original, as far as the shape allows.
    """
    if line.values and line.shape == shape:
        return dict(line.values)
    found = {"asymmetry": _asymmetry(line.lean)} if shape == LEANING else {}
    whole = LINE_SHAPES[shape].area
    if whole is None or "fraction" not in LINE_SHAPES[shape].parameters:
        return found
    shares = np.linspace(0.0, 1.0, 201)
    areas = whole(0.0, 1.0, 1.0, shares, *found.values())
    return {"fraction": float(np.interp(line.area, areas, shares)), **found}


@lru_cache(maxsize=256)
def _asymmetry(lean: float) -> float:
    """Asymmetry of the line of sigmoidal width whose half-widths have this ratio."""
    from scipy.optimize import brentq

    def half_width(asymmetry: float, side: int) -> float:
        return float(brentq(lambda x: x * (1 + np.exp(-side * asymmetry * x)) - 1, 0.0, 10.0))

    def ratio(asymmetry: float) -> float:
        return half_width(asymmetry, 1) / half_width(asymmetry, -1)

    largest = LINE_SHAPES[LEANING].limits["asymmetry"][1]
    if lean <= 1.0 or lean >= ratio(largest):
        return 0.0 if lean <= 1.0 else largest
    return float(brentq(lambda asymmetry: ratio(asymmetry) - lean, 0.0, largest))


def _nearest(left: float, right: float, top: float, area: float, stated: float) -> CasaLine:
    """Describe an unknown line of height 1 by its half maxima, its maximum and its area."""
    fwhm = right - left
    lean = (right - top) / (top - left)
    shape = LEANING if lean > LEANS else "pseudo_voigt"
    return CasaLine(top / stated, fwhm / stated, area / fwhm, lean, shape, exact=False, known=True)


def gl_width(fraction: float) -> float:
    """Whole width of GL(100 m) over the F of its formula, exp(-4 ln2 (1-m) x^2) / (1 + 4 m x^2)."""
    u = 1.0
    for _ in range(50):  # Newton's steps on a rising, concave function
        value = (1 - fraction) * np.log(2.0) * u + np.log1p(fraction * u) - np.log(2.0)
        u -= value / ((1 - fraction) * np.log(2.0) + fraction / (1 + fraction * u))
    return float(np.sqrt(u))


def _symmetric(shape: str, fraction: float) -> CasaLine:
    """Product and sum of Gaussian and Lorentzian, which are lines of xpsnet."""
    width = gl_width(fraction) if shape == "gl_product" else 1.0
    whole = LINE_SHAPES[shape].area
    area = float(whole(0.0, 1.0, 1.0, fraction)) if whole is not None else np.nan
    return CasaLine(0.0, width, area, 1.0, shape, True, True, {"fraction": fraction})


def _with_tail(shape: str, fraction: float, rate: float) -> CasaLine:
    """GL(m)T(k): an exponential tail towards higher binding energy fills what the line leaves."""
    end = 200.0 + 20.0 / rate
    x = end * np.sinh(np.linspace(-8, 8, 16 * _POINTS)) / np.sinh(8)
    if shape == "pseudo_voigt":
        base = (1 - fraction) * np.exp(-4 * np.log(2) * x**2) + fraction / (1 + 4 * x**2)
    else:
        base = np.exp(-4 * np.log(2) * (1 - fraction) * x**2) / (1 + 4 * fraction * x**2)
    tail = np.where(x > 0, np.exp(-rate * np.maximum(x, 0.0)), 0.0)
    line = base + (1 - base) * tail
    left, right, _ = _half_maximum(x, line, between=False)
    return _nearest(left, right, 0.0, float(np.trapezoid(line, x)), 1.0)


def _powered(shape: str, values: Mapping[str, float], *, exact: bool) -> CasaLine:
    """LA and LF: the stated width is twice the half-width towards low binding energy."""
    limits = LINE_SHAPES[shape].limits
    inside = {name: float(np.clip(value, *limits[name])) for name, value in values.items()}
    top, low, high, _ = powered_places(*(inside[name] for name in limits)).tolist()
    whole = LINE_SHAPES[shape].area
    area = float(whole(0.0, 1.0, 1.0, *inside.values())) if whole is not None else np.nan
    stated = 2 * low
    return CasaLine(
        top / stated, (low + high) / stated, area, high / low, shape, exact, True, inside
    )  # fmt: skip


def _half_maximum(x: Floats, line: Floats, *, between: bool) -> tuple[float, float, float]:
    """Where a line reaches half of its maximum on both sides, and where the maximum lies.

    A smooth maximum is looked for between the points, that of two halves that meet is not.
    """
    top = int(np.argmax(line))
    half = line[top] / 2
    below = np.flatnonzero(line[:top] < half)
    above = np.flatnonzero(line[top:] < half)
    i = int(below[-1]) if below.size else 0
    j = top + int(above[0]) if above.size else x.size - 1
    left = np.interp(half, line[i : i + 2], x[i : i + 2])
    right = np.interp(half, line[j - 1 : j + 1][::-1], x[j - 1 : j + 1][::-1])
    place = float(x[top])
    if between and 0 < top < x.size - 1:
        before, at, after = line[top - 1 : top + 2]
        place += 0.5 * (before - after) / (before - 2 * at + after) * float(x[top + 1] - x[top])
    return float(left), float(right), place


def measured_line(
    energy: Floats, line: Floats, stated: tuple[float, float, float]
) -> CasaLine | None:
    """Describe a line by its curve; None if it does not fall to half on both sides.

    Parameters
    ----------
    energy, line : ndarray, shape (n,)
        Rising binding energies [eV], and the line without background.
    stated : (float, float, float)
        Position, width and area as CasaXPS states them; the area in the units of `line`.
    """
    top = int(np.argmax(line))
    half = line[top] / 2
    if not (half > 0 and (line[:top] < half).any() and (line[top:] < half).any()):
        return None
    left, right, place = _half_maximum(energy, line, between=True)
    position, width, area = stated
    if not min(place - left, right - place) > 0:
        return None
    return _nearest(left - position, right - position, place - position, area / (2 * half), width)
