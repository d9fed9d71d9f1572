"""Backgrounds that CasaXPS draws between the limits of a region, computed from the counts.

The levels at both ends are means of points around them, lowered by the stated percentages. The
Tougaard kinds share one cross section, `B T / ((C - T^2)^2 + D T^2)` above the loss `T0` and 0
below; U 2 stores its C with a minus sign. Compared with CasaXPS' own export of a U 3 Tougaard
background of 6,200 counts/s: equal within 1.5 counts/s.
"""

from typing import NamedTuple

import numpy as np

from xpsnet.io.common.stacking import Floats

_MAX_POINTS = 5000  # of a Tougaard integral, which is quadratic


class CasaBackground(NamedTuple):
    """What a region says of its background."""

    kind: str
    average: int = 1  # points on either side of an end, the end itself included
    offset_high: float = 0.0  # percent, at the end of high binding energy
    offset_low: float = 0.0
    cross_section: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)  # B, C, D, T0


def draw_background(background: CasaBackground, energy: Floats, counts: Floats,
                    window: slice) -> tuple[Floats, bool]:  # fmt: skip
    """Draw the background of a region.

    Parameters
    ----------
    background : CasaBackground
    energy, counts : ndarray, shape (n,)
        The whole spectrum; `energy` grows along the axis towards higher binding energy.
    window : slice
        Points of the region.

    Returns
    -------
    curve : ndarray, shape (points of the region,)
    known : bool
        False if the kind is not known and a straight line is used instead.
    """
    axis, values = energy[window], counts[window]
    low = _level(counts, window.start, background.average, background.offset_low)
    high = _level(counts, window.stop - 1, background.average, background.offset_high)
    kind = background.kind.strip().lower()
    if kind in ("", "none", "zero"):
        return np.zeros(axis.size), True
    share = (axis - axis[0]) / (axis[-1] - axis[0])
    line = low + (high - low) * share
    if kind == "linear":
        return line, True
    if kind.endswith("shirley"):
        curve = _shirley(axis, values, low, high)
    elif kind.endswith("tougaard") and background.cross_section[0]:
        curve = _tougaard(axis, values, low, background.cross_section)
    else:
        return line, False
    return (curve, True) if np.isfinite(curve).all() else (line, False)


def _level(counts: Floats, at: int, average: int, offset: float) -> float:
    """Level at one end: the mean of the points around it, lowered by a percentage."""
    reach = max(average - 1, 0)
    around = counts[max(at - reach, 0) : at + reach + 1]
    known = around[np.isfinite(around)]
    return float(known.mean() if known.size else 0.0) * (1 - offset / 100)


def _shirley(energy: Floats, counts: Floats, low: float, high: float) -> Floats:
    """Shirley's background between two levels."""
    from xpsnet.numerics.backgrounds import shirley

    ended = counts.copy()
    ended[0], ended[-1] = low, high
    return shirley(ended, energy, n_end=1)


def _tougaard(
    energy: Floats, counts: Floats, low: float, cross_section: tuple[float, ...]
) -> Floats:
    """Tougaard's background over the level at the end of low binding energy."""
    if energy.size > _MAX_POINTS:
        return np.full(energy.size, np.nan)
    b, c, d, first = cross_section
    loss = energy[:, None] - energy[None, :]
    square = loss**2
    # Losses on the grid come with rounding, and a loss of exactly T0 counts.
    counted = (loss > 0) & (loss >= first - 1e-6)
    with np.errstate(all="ignore"):
        kernel = np.where(counted, b * loss / ((c - square) ** 2 + d * square), 0.0)
    steps = np.diff(energy)
    weights = (np.append(steps, 0.0) + np.append(0.0, steps)) / 2
    return np.asarray(low + kernel @ (weights * np.nan_to_num(counts - low)))
