"""What the caller knows of the lines, as inputs of the network.

A network with `known` inputs reads them behind the points of the spectrum: whether the lines are
symmetric, the range of their FWHM, and the range of their asymmetry. All inputs are 0 where nothing
is known, and the network then works as without them.

The asymmetry of a line, for every shape, is the natural logarithm of the ratio of its two half
widths at half maximum: that on the side of higher binding energy over the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Lines = Literal["any", "symmetric", "asymmetric"]
LINES: tuple[Lines, ...] = ("any", "symmetric", "asymmetric")
Range = tuple[float, float]

# Symmetric, asymmetric; FWHM is known, its limits; asymmetry is known, its limits.
KNOWN = 8
# Splitting and ratio of a doublet, of networks that answer in states.
DOUBLET_INPUTS = 2
USUAL_LOG_SPLITTING, USUAL_RATIO, RATIO_UNIT = -2.3, 0.64, 0.1
# Natural logarithm of a usual FWHM over the window, subtracted to give numbers near 0.
USUAL_LOG_FWHM = -2.5
# Limits of the FWHM over the window, as far as the network was trained.
LEAST_FWHM, LARGEST_FWHM = 0.005, 0.5
SYMMETRIC_SHAPES = frozenset(
    ("gaussian", "lorentzian", "pseudo_voigt", "gl_product", "voigt", "park2020")
)


@dataclass(frozen=True)
class Known:
    """What is known of all lines of a spectrum.

    Attributes
    ----------
    lines : {"any", "symmetric", "asymmetric"}
    fwhm : (float, float), optional
        Limits of the FWHM of every line [eV].
    asymmetry : (float, float), optional
        Limits of the asymmetry of every line, as the module defines it.
    doublet : (float, float), optional
        Splitting [eV] and ratio of areas of a level, all of whose states have two lines.
    """

    lines: Lines = "any"
    fwhm: Range | None = None
    asymmetry: Range | None = None
    doublet: tuple[float, float] | None = None

    def __bool__(self) -> bool:
        return self != Known()

    def inputs(self, window: float) -> npt.NDArray[np.float32]:
        """Inputs of the network, shape (KNOWN,), for an energy window of this width [eV]."""
        one = np.ones((1, 1))
        low, high = (
            float(np.clip(limit / window, LEAST_FWHM, LARGEST_FWHM))
            for limit in self.fwhm or (window, window)
        )
        low_asymmetry, high_asymmetry = self.asymmetry or (0.0, 0.0)
        parts = known_inputs(
            np,
            symmetric=one * (self.lines == "symmetric"),
            asymmetric=one * (self.lines == "asymmetric"),
            fwhm=(one * (self.fwhm is not None), one * low, one * high),
            asymmetry=(
                one * (self.asymmetry is not None),
                one * low_asymmetry,
                one * high_asymmetry,
            ),
        )
        return np.asarray(parts[0], np.float32)


NOTHING_KNOWN = Known()


def check_known(known: Known) -> None:
    """Refuse what cannot be known of lines.

    Raises
    ------
    ValueError
        If `lines` is no word of `LINES`, or limits are not two ascending numbers, of the FWHM > 0.
    """
    if known.lines not in LINES:
        raise ValueError(f"expected lines of {list(LINES)}, got {known.lines!r}")
    for name, limits, least in (("fwhm", known.fwhm, 0.0), ("asymmetry", known.asymmetry, -np.inf)):
        if limits is None:
            continue
        try:
            low, high = (float(limit) for limit in limits)
        except (TypeError, ValueError):
            low, high = np.nan, np.nan
        if not least <= low <= high < np.inf or (name == "fwhm" and high <= 0):
            unit = "FWHM in eV" if name == "fwhm" else "asymmetries"
            raise ValueError(f"expected {name} as two ascending {unit}, got {limits!r}")


def lines_of(line_shape: str | tuple[str, ...]) -> Lines:
    """What one line shape, or that of each peak, says of the lines."""
    names = (line_shape,) if isinstance(line_shape, str) else line_shape
    symmetric = {name in SYMMETRIC_SHAPES for name in names}
    if len(symmetric) != 1:
        return "any"
    return "symmetric" if symmetric.pop() else "asymmetric"


def known_inputs(
    xp: Any,
    *,
    symmetric: Any,
    asymmetric: Any,
    fwhm: tuple[Any, Any, Any],
    asymmetry: tuple[Any, Any, Any],
) -> Any:
    """Inputs of the network for n spectra, shape (n, KNOWN).

    Parameters
    ----------
    xp : module
        ``numpy`` or ``keras.ops``.
    symmetric, asymmetric : array, shape (n, 1)
        1 where the lines are known to be so, else 0.
    fwhm, asymmetry : (array, array, array), shape (n, 1)
        1 where the limits are known, else 0; lower and upper limit. Lengths are fractions of the
        window.
    """
    stated, low, high = fwhm
    limits = [stated * (xp.log(x) - USUAL_LOG_FWHM) for x in (low, high)]
    known, least, most = asymmetry
    parts = [symmetric, asymmetric, stated, *limits, known, known * least, known * most]
    return xp.concatenate(parts, axis=-1)


def doublet_inputs(xp: Any, splitting: Any, ratio: Any) -> Any:
    """Inputs of a network that answers in states, for n spectra, shape (n, DOUBLET_INPUTS).

    Parameters
    ----------
    xp : module
        ``numpy`` or ``keras.ops``.
    splitting, ratio : array, shape (n, 1)
        Splitting over the window, and area of the second line over that of the main line.
    """
    parts = [xp.log(splitting) - USUAL_LOG_SPLITTING, (ratio - USUAL_RATIO) / RATIO_UNIT]
    return xp.concatenate(parts, axis=-1)
