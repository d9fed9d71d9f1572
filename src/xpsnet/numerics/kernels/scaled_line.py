"""From the unit line to a line of given center, fwhm and height: the part all shapes share.

Every line is ``height * g(t)`` with ``t = (energy - center) / fwhm``. The unit line ``g`` has its
maximum 1 at ``t = 0``, full width 1 at half of it, and depends on nothing but ``t`` and the extra
parameters of the shape. Each shape has a scalar kernel that gives g at one t with its derivatives
by t and by the extra parameters; where g needs constants that take root finding, a second kernel
prepares them once per line. A file of kernels ends with the loop that applies them to rows.
"""

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.compile import compiled
from xpsnet.numerics.kernels.shape_codes import MIN_FWHM

Floats = npt.NDArray[np.float64]
# The unit line, its slope, and its derivatives by the first and the second extra parameter.
Point = tuple[float, float, float, float]


@compiled
def reduced(energy: float, parameters: Floats) -> float:
    """Place t of an energy on the unit line of (center, fwhm, ...)."""
    return float((energy - parameters[0]) / visible(parameters[1]))


@compiled
def visible(fwhm: float) -> float:
    """The fwhm, or the least that is drawn; a comparison that lets NaN through."""
    return MIN_FWHM if fwhm < MIN_FWHM else fwhm


@compiled
def clipped(value: float, low: float, high: float) -> float:
    """Value inside [low, high]; NaN stays NaN, which min and max do not promise."""
    if value < low:
        return low
    return high if value > high else value


@compiled
def reciprocal(z: complex) -> complex:
    """1 / z without the branches of complex division, which raises on NaN."""
    square = z.real * z.real + z.imag * z.imag
    return complex(z.real / square, -z.imag / square)


@compiled
def store(
    point: Point, t: float, parameters: Floats, line: Floats, derivatives: Floats, j: int
) -> None:
    """Write point `j` of a line (n,) and, unless empty, of its derivatives (n, n_parameters)."""
    value, slope, by_first, by_second = point
    height = parameters[2]
    line[j] = height * value
    if derivatives.shape[0] == 0:
        return
    by_center = -height * slope / visible(parameters[1])
    derivatives[j, 0] = by_center
    derivatives[j, 1] = by_center * t if parameters[1] >= MIN_FWHM else 0.0 * parameters[1]
    derivatives[j, 2] = value
    if derivatives.shape[1] > 3:
        derivatives[j, 3] = height * by_first
    if derivatives.shape[1] > 4:
        derivatives[j, 4] = height * by_second
