"""Line shapes of the simulation: pseudo-Voigt, skewed, with a metallic tail or with a side band.

In any array namespace. Height, center of the maximum and FWHM of the whole line are exact for every
shape, so that the truth of a line does not depend on its shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LN2 = float(np.log(2.0))
# Newton steps; from the start values below they end within 1e-4 of the FWHM (tested for all bands).
STEPS = 4


def line(xp: Any, energy: Any, center: Any, fwhm: Any, fraction: Any, shape: Any) -> Any:
    """Pseudo-Voigt line of height 1, asymmetric toward higher binding energy.

    `shape` holds four arrays, all 0 for the symmetric line of `numerics.lineshapes`:

    - skew: natural logarithm of the ratio of the half widths on the two sides.
    - tail: fraction of the Lorentzian part that falls only as 1 / distance above the center, as
      for metals.
    - band, shift: height of a copy of the line, and its distance in FWHM of the line: unresolved
      vibrational excitations of molecules and polymers.
    """
    skew, tail, band, shift = shape
    place, width, top = _whole(xp, fraction, band, shift)
    own = fwhm / width
    z = (energy - center) / own + place
    beyond = z > 0
    low = 0.5 * (1 + xp.exp(skew))
    leaning = xp.square(z * xp.where(beyond, low * xp.exp(-skew), low))
    slow = xp.where(beyond, fraction * tail, 0.0 * fraction)
    main = _bell(xp, leaning, fraction - slow, fraction) + slow / xp.sqrt(1 + 12 * leaning)
    return (main + band * _bell(xp, xp.square(z - shift), fraction, fraction)) / top


def asymmetry_of(xp: Any, fraction: Any, shape: Any) -> Any:
    """Logarithm of the ratio of the half widths, higher over lower binding energy; see `line`."""
    skew, _, band, shift = shape
    place, low, high, _ = _extent(xp, fraction, band, shift)
    return skew + xp.log((high - place) / (place - low))


def _bell(xp: Any, z2: Any, lorentzian: Any, fraction: Any) -> Any:
    """Gaussian plus `lorentzian` times a Lorentzian, of FWHM 1; `z2` is the distance squared."""
    return (1 - fraction) * xp.exp(-4 * LN2 * z2) + lorentzian / (1 + 4 * z2)


def _whole(xp: Any, fraction: Any, band: Any, shift: Any) -> tuple[Any, Any, Any]:
    """Position of the maximum, FWHM and height of a line of FWHM 1 and height 1 with its band."""
    place, low, high, top = _extent(xp, fraction, band, shift)
    return place, high - low, top


def _extent(xp: Any, fraction: Any, band: Any, shift: Any) -> tuple[Any, Any, Any, Any]:
    """Maximum, its two places at half height, and height of a line of FWHM 1 with its band."""
    place = 0.0 * (fraction + band)
    for _ in range(STEPS):
        _, slope, bend = _with_band(xp, place, fraction, band, shift)
        place = place - slope / bend
    top, _, _ = _with_band(xp, place, fraction, band, shift)
    low, high = place - 0.5, 0.5 + 0.7 * band + place
    for _ in range(STEPS):
        value, slope, _ = _with_band(xp, low, fraction, band, shift)
        low = low - (value - 0.5 * top) / slope
        value, slope, _ = _with_band(xp, high, fraction, band, shift)
        high = high - (value - 0.5 * top) / slope
    return place, low, high, top


def _with_band(xp: Any, z: Any, fraction: Any, band: Any, shift: Any) -> tuple[Any, Any, Any]:
    """Value, first and second derivative of a symmetric line with its band."""
    main = _derivatives(xp, z, fraction)
    side = _derivatives(xp, z - shift, fraction)
    value, slope, bend = (one + band * other for one, other in zip(main, side, strict=True))
    return value, slope, bend


def _derivatives(xp: Any, z: Any, fraction: Any) -> tuple[Any, Any, Any]:
    """Value, first and second derivative of the pseudo-Voigt of FWHM 1 and height 1."""
    gaussian = (1 - fraction) * xp.exp(-4 * LN2 * z * z)
    u = 1 / (1 + 4 * z * z)
    value = gaussian + fraction * u
    slope = -8 * z * (LN2 * gaussian + fraction * u * u)
    bend = 8 * LN2 * (8 * LN2 * z * z - 1) * gaussian + fraction * 8 * u * u * (16 * z * z * u - 1)
    return value, slope, bend
