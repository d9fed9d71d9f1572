"""Spectra of spin-orbit doublets as two curves in which every state has one line.

A spectrum y of states with the main lines m and second lines at the distance s with the ratio r is

    y(x) = m(x) + r m(x - s)

`without_second_lines` solves this for m, ``m(x) = y(x) - r y(x - s) + r^2 y(x - 2 s) - ...``: exact
for exact s and r, whatever the background, but with a noise variance of 1 / (1 - r^2). `overlaid`
is the spectrum laid over itself, ``(y(x) + r y(x + s)) / (1 + r^2)``: of all combinations of both
places that hold m(x) once it has the least noise, 1 / (1 + r^2), but also the other lines of other
states at wrong places. A network that reads both can have the best of both.

Both are written for an even grid, in the array namespace `xp` (numpy or ``keras.ops``). Beyond the
ends of the window the value at the end holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Terms of the sum; what is left out is below r^16, 1 % for the largest ratio of real doublets.
TERMS = 16
LARGEST_RATIO = 0.9


def without_second_lines(xp: Any, spectra: Any, splitting: Any, ratio: Any) -> Any:
    """The main lines of doublets, with the background; shape (n, points).

    Parameters
    ----------
    xp : module
        ``numpy`` or ``keras.ops``.
    spectra : array, shape (n, points)
        On an even grid, ascending in binding energy.
    splitting : array, shape (n, 1)
        Distance of the second line as a fraction of the window; > 0.
    ratio : array, shape (n, 1)
        Height of the second line over that of the main line, below 1.
    """
    total, factor = spectra, xp.ones_like(ratio)
    for term in range(1, TERMS + 1):
        factor = -factor * ratio
        total = total + factor * _moved(xp, spectra, -term * splitting)
    return total


def overlaid(xp: Any, spectra: Any, splitting: Any, ratio: Any) -> Any:
    """The spectrum laid over itself, second lines on main lines; shape (n, points).

    Parameters as for `without_second_lines`.
    """
    return (spectra + ratio * _moved(xp, spectra, splitting)) / (1 + ratio * ratio)


def _moved(xp: Any, values: Any, by: Any) -> Any:
    """Values (n, points) a fraction `by` (n, 1) of the window further on, by interpolation."""
    last = values.shape[1] - 1
    place = xp.clip(np.arange(last + 1, dtype=np.float32)[None, :] + last * by, 0, last)
    lower = xp.clip(xp.floor(place), 0, last - 1)
    index = lower.astype(np.int32) if xp is np else xp.cast(lower, "int32")
    below = xp.take_along_axis(values, index, axis=1)
    above = xp.take_along_axis(values, index + 1, axis=1)
    return below + (place - lower) * (above - below)
