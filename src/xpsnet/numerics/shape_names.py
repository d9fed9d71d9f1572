"""Line shapes by the names that CasaXPS gives them, such as "GL(30)" or "LA(1.2,5,8)".

GL(p) is the product and SGL(p) the sum of a Gaussian and a Lorentzian, p the Lorentzian share in
percent. LA(a, b, m) and LF(a, b, w, m) are Lorentzians to the power a towards higher and b towards
lower binding energy, convolved with a Gaussian whose fwhm is 0.00693 m times that of the
Lorentzian; w is where the tails of LF are damped. Fewer numbers: LA(a, m) stands for LA(a, a, m)
and LA(p) for LA(1, 1, 14.01 (100 - p)). A fifth number of LF repeats the convolution.

References
----------
G. H. Major et al., Surf. Interface Anal. 53, 689 (2021), for LA; Vacuum Technology & Coating,
April 2020, for the growing powers of LF.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from xpsnet.numerics.lineshapes import LINE_SHAPES

GAUSSIAN_PER_STEP = 0.00693
"""Width of the Gaussian over that of the Lorentzian for every step of the number m."""

_LARGEST_M = 1401.0


class NamedShape(NamedTuple):
    """A key of `LINE_SHAPES`, and values of the further parameters that a name states."""

    shape: str
    values: Mapping[str, float]

    @property
    def allowed(self) -> bool:
        """Whether the shape is defined for these values."""
        limits = LINE_SHAPES[self.shape].limits
        return all(limits[name][0] <= v <= limits[name][1] for name, v in self.values.items())


def named_shape(text: str) -> NamedShape | None:
    """Shape of a name: a key of `LINE_SHAPES`, or one of CasaXPS; None for any other."""
    if text in LINE_SHAPES:
        return NamedShape(text, {})
    match = re.fullmatch(r"\s*([A-Za-z]+)\s*\(([^()]*)\)\s*", text[:200])
    numbers = _numbers(match[2]) if match else ()
    match match[1].upper() if match else "", numbers:
        case "GL", (percent,) if 0 <= percent <= 100:
            return NamedShape("gl_product", {"fraction": percent / 100})
        case "SGL", (percent,) if 0 <= percent <= 100:
            return NamedShape("pseudo_voigt", {"fraction": percent / 100})
        case "LA", (percent,) if 0 <= percent <= 100:
            return _powered(1.0, 1.0, 0.0, _LARGEST_M * (1 - percent / 100))
        case "LA", (power, m):
            return _powered(power, power, 0.0, m)
        case "LA", (high, low, m):
            return _powered(high, low, 0.0, m)
        case "LF", (high, low, damping, m, *times) if damping > 0 and len(times) <= 1:
            return _powered(high, low, damping, m * float(np.sqrt(max([*times, 1.0]))))
    return None


def casa_name(shape: str, values: Mapping[str, float]) -> str | None:
    """Name that CasaXPS gives a line; None where it has no such line."""
    fraction = {"gaussian": 0.0, "lorentzian": 1.0}.get(shape, values.get("fraction", 0.0))
    if shape in ("gaussian", "lorentzian", "gl_product", "pseudo_voigt"):
        return f"{'SGL' if shape == 'pseudo_voigt' else 'GL'}({_text(100 * fraction)})"
    if shape not in ("asymmetric_lorentzian", "finite_lorentzian"):
        return None
    m = (1 - fraction) / fraction / GAUSSIAN_PER_STEP
    powers = f"{_text(values['exponent_high'])},{_text(values['exponent_low'])}"
    if shape == "asymmetric_lorentzian":
        return f"LA({powers},{_text(m)})"
    return f"LF({powers},{_text(values['damping'])},{_text(m)})"


def same_line(name: str, shape: str, values: Mapping[str, float]) -> bool:
    """Whether a name stands for a line of these values, up to rounding."""
    found = named_shape(name)
    if found is None or found.shape != shape or set(found.values) != set(values):
        return False
    return all(np.isclose(found.values[key], values[key], rtol=1e-9, atol=1e-12) for key in values)


def _powered(high: float, low: float, damping: float, m: float) -> NamedShape | None:
    """LA, or LF where there is damping."""
    if not (min(high, low) > 0 and m >= 0):
        return None
    fraction = 1 / (1 + GAUSSIAN_PER_STEP * m)
    values = {"fraction": fraction, "exponent_high": high, "exponent_low": low}
    if not damping:
        return NamedShape("asymmetric_lorentzian", values)
    return NamedShape("finite_lorentzian", values | {"damping": damping})


def _numbers(text: str) -> tuple[float, ...]:
    """Finite numbers separated by commas; none if one is no number."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        return ()
    return values if all(np.isfinite(values)) else ()


def _text(number: float) -> str:
    """A number without the rounding of its last digits."""
    return f"{round(number, 9):.12g}"
