"""Parameters of a fit: free, fixed, bounded or shared, and the flat array a solver works on.

A spectrum of `k` peaks has `k` values of every shape parameter and one coefficient per
background term. A `Layout` says which entry of one flat array each of them is: where a
parameter is shared, the peaks point at the same entry. `FitParameters` adds values, limits and
what is held fixed. Everything below runs on the energy scale of `xpsnet.numerics` (larger is
more bound); names are those of the peaks Dataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.layout import Floats, Layout
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES

# Background terms that follow the sum of the peaks.
ACTIVE_TERMS = ("shirley", "tougaard")

__all__ = [
    "ACTIVE_TERMS",
    "Constraint",
    "FitParameters",
    "Floats",
    "Layout",
    "Limits",
    "check_constraints",
    "make_layout",
    "shape_limits",
    "start_parameters",
]

Constraint = float | tuple[float | None, float | None]
Limits = tuple[float, float]
Entries = npt.NDArray[np.int64] | npt.NDArray[np.bool_]

# A start closer than this share of its range to a limit would begin where the limit's
# transformation has no slope; it is moved inside.
_INSIDE = 0.02
# How far beyond the fitted range a center may lie, and how wide a line may be, as shares of the
# range: what is wider is not told from the background.
MARGIN = 0.05
WIDEST = 0.5
_UNSHARABLE = ("center", "height")


@dataclass(frozen=True)
class FitParameters:
    """Values and limits of one spectrum's parameters, flat.

    Attributes
    ----------
    layout : Layout
        What each entry is.
    values, lower, upper : ndarray, shape (n_parameters,)
        Start or result, and limits (infinite where there is none).
    free : ndarray of bool, shape (n_parameters,)
        What the solver may change.
    """

    layout: Layout
    values: Floats
    lower: Floats
    upper: Floats
    free: npt.NDArray[np.bool_]

    def with_values(self, values: Floats) -> "FitParameters":
        """The same parameters with other values."""
        return replace(self, values=np.asarray(values, dtype=float))

    def allowed(self, values: Floats) -> Floats:
        """Flat values, the nearest allowed one where a free parameter is beyond a limit."""
        return np.where(self.free, np.clip(values, self.lower, self.upper), values)

    def hold(self, entries: Entries, values: npt.ArrayLike) -> "FitParameters":
        """The same parameters with these entries fixed at these values."""
        new, free = self.values.copy(), self.free.copy()
        new[entries], free[entries] = values, False
        return replace(self, values=new, free=free)

    def in_units(self, units: Floats) -> "FitParameters":
        """The same parameters, every entry and its limits multiplied by a positive factor."""
        return replace(
            self, values=self.values * units, lower=self.lower * units, upper=self.upper * units
        )

    def on_scale(self, sign: int) -> "FitParameters":
        """The same parameters on the scale of this sign (-1: kinetic), or back from it."""
        factors = self.layout.mirror(sign)
        ends = np.sort([self.lower * factors, self.upper * factors], axis=0)
        return replace(self, values=self.values * factors, lower=ends[0], upper=ends[1])

    def inside(self) -> "FitParameters":
        """The same parameters with every free value moved inside its limits."""
        span = np.where(np.isfinite(self.upper - self.lower), self.upper - self.lower, 0.0)
        low = self.lower + _INSIDE * span
        high = np.maximum(self.upper - _INSIDE * span, low)
        return self.with_values(np.where(self.free, np.clip(self.values, low, high), self.values))


def make_layout(
    line_shape: str, background: str, n_peaks: int, share: tuple[str, ...] = ("fraction",)
) -> Layout:
    """Lay out the parameters of `n_peaks` peaks on a background.

    Parameters
    ----------
    line_shape, background : str
        Keys of `LINE_SHAPES` and `BACKGROUNDS`.
    n_peaks : int
        Number of peaks, 0 or more.
    share : tuple of str
        Shape parameters that all peaks have in common; those that the shape does not have are
        passed over.

    Raises
    ------
    ValueError
        Where a name is unknown, or a center or height is to be shared.
    """
    if line_shape not in LINE_SHAPES:
        raise ValueError(f"expected line_shape from {sorted(LINE_SHAPES)}, got {line_shape!r}")
    if background not in BACKGROUNDS:
        raise ValueError(f"expected background from {sorted(BACKGROUNDS)}, got {background!r}")
    known = {name for shape in LINE_SHAPES.values() for name in shape.parameters}
    wrong = [name for name in share if name not in known or name in _UNSHARABLE]
    if wrong or isinstance(share, str):
        raise ValueError(
            f"expected share as a tuple of names from {sorted(known - set(_UNSHARABLE))}, got "
            f"{share!r}; for instance share=('fraction', 'fwhm')"
        )
    return _layout(line_shape, background, n_peaks, tuple(share))


@lru_cache(maxsize=256)
def _layout(line_shape: str, background: str, n_peaks: int, share: tuple[str, ...]) -> Layout:
    """Lay out checked names; cached, because maps repeat a few layouts many times."""
    shape_parameters = LINE_SHAPES[line_shape].parameters
    names: list[str] = []
    peak_index = np.zeros((n_peaks, len(shape_parameters)), dtype=np.int64)
    for i in range(n_peaks):
        for j, parameter in enumerate(shape_parameters):
            name = parameter if parameter in share else f"{parameter}_{i}"
            if name not in names:
                names.append(name)
            peak_index[i, j] = names.index(name)
    terms = [f"background_{term}" for term in BACKGROUNDS[background]]
    background_index = np.arange(len(names), len(names) + len(terms))
    return Layout((*names, *terms), shape_parameters, peak_index, background_index)


def start_parameters(
    layout: Layout,
    line_shape: str,
    energy: Floats,
    peaks: Mapping[str, Floats],
    constraints: Mapping[str, Limits] | None = None,
) -> FitParameters:
    """Starts and limits from peaks found elsewhere; background coefficients start at 0.

    Centers stay within the fitted energies and a twentieth of their range around, so that a line
    of which the window shows one side can be fitted; widths between one step of the axis and half
    of its length, heights at 0 or above, other shape parameters within the limits of the shape.

    Parameters
    ----------
    layout : Layout
        From `make_layout`.
    line_shape : str
        Key of `LINE_SHAPES`.
    energy : ndarray, shape (n,)
        Energies [eV].
    peaks : mapping of str to ndarray, shape (n_peaks,)
        Start values by shape parameter; a shape parameter that is absent or NaN gets the
        shape's default. Of a shared one the mean, weighted by height, is taken.
    constraints : mapping, optional
        From `check_constraints`.
    """
    n = len(layout.names)
    values, lower, upper = np.zeros(n), np.full(n, -np.inf), np.full(n, np.inf)
    limits = shape_limits(line_shape, energy)
    heights = np.nan_to_num(np.asarray(peaks["height"], dtype=float))
    for j, parameter in enumerate(layout.shape_parameters):
        entries = layout.peak_index[:, j]
        start = _start(parameter, line_shape, limits, peaks, layout.n_peaks)
        if len(set(entries)) < len(entries):
            weights = np.clip(heights, 0, None)
            start = np.full(len(entries), np.average(start, weights=weights + weights.max() + 1))
        values[entries] = start
        lower[entries], upper[entries] = limits[parameter]
    parameters = FitParameters(layout, values, lower, upper, np.ones(n, dtype=bool))
    if layout.n_peaks == 0:
        # Without peaks an active background has nothing to follow.
        following = [i for i in layout.background_index if layout.names[i].endswith(ACTIVE_TERMS)]
        parameters = parameters.hold(np.array(following, dtype=np.int64), 0.0)
    return _constrained(parameters, constraints or {}).inside()


def shape_limits(line_shape: str, energy: Floats) -> dict[str, Limits]:
    """Limits of every shape parameter for this axis."""
    low, high = float(np.min(energy)), float(np.max(energy))
    step = float(np.median(np.abs(np.diff(energy))))
    margin = MARGIN * (high - low)
    return {
        "center": (low - margin, high + margin),
        "fwhm": (step, max(WIDEST * (high - low), 2 * step)),
        "height": (0.0, np.inf),
        **LINE_SHAPES[line_shape].limits,
    }


def _start(
    parameter: str,
    line_shape: str,
    limits: Mapping[str, Limits],
    peaks: Mapping[str, Floats],
    n_peaks: int,
) -> Floats:
    """Start values of one shape parameter, those that cannot be replaced by a sensible one."""
    low, high = limits[parameter]
    given = np.asarray(peaks.get(parameter, np.full(n_peaks, np.nan)), dtype=float)
    if parameter == "center":
        return given
    default = {"fwhm": high / 6, "height": 0.0, **LINE_SHAPES[line_shape].default}
    with np.errstate(invalid="ignore"):
        sensible = (given >= low / 2) & (given <= 2 * high)
    return np.where(sensible, given, default[parameter])


def check_constraints(
    constraints: Mapping[str, Constraint] | None, line_shape: str, n_peaks: int
) -> dict[str, Limits]:
    """Bring constraints into one form, and refuse those that no peak can obey.

    Parameters
    ----------
    constraints : mapping or None
        By parameter ("fwhm": all peaks; "fwhm_0": the first): a number holds it there, a pair
        (lowest, highest) limits it, None for an open end.
    line_shape : str
        Key of `LINE_SHAPES`.
    n_peaks : int
        Largest number of peaks.

    Returns
    -------
    dict of str to (float, float)
        Lowest and highest value, equal where the parameter is held.

    Raises
    ------
    ValueError
        Where a name is unknown, or a value is no number or ascending pair that the shape allows.
    """
    shape = LINE_SHAPES[line_shape]
    hard = {"fwhm": (np.finfo(float).tiny, np.inf), "height": (0.0, np.inf), **shape.limits}
    checked: dict[str, Limits] = {}
    for name, rule in (constraints or {}).items():
        parameter, _, peak = name.rpartition("_")
        if not (peak.isdigit() and int(peak) < n_peaks):
            parameter = name
        if parameter not in shape.parameters:
            raise ValueError(
                f"expected constraints on {', '.join(shape.parameters)} (or center_0, ... for one "
                f"of up to {n_peaks} peaks), got {name!r}"
            )
        checked[name] = _ends(name, rule, hard.get(parameter, (-np.inf, np.inf)))
    return checked


def _ends(name: str, rule: Constraint, allowed: tuple[float, float]) -> tuple[float, float]:
    """Lowest and highest value that a constraint allows; equal where it fixes."""
    pair = rule if isinstance(rule, tuple | list) else (rule, rule)
    try:
        first, last = pair
        low = allowed[0] if first is None else float(first)
        high = allowed[1] if last is None else float(last)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not allowed[0] <= low <= high <= allowed[1] or (low == high and not np.isfinite(low)):
        raise ValueError(
            f"expected a number or a pair (lowest, highest) from {allowed[0]:g} to "
            f"{allowed[1]:g} for the constraint {name!r}, got {rule!r}"
        )
    return low, high


def _constrained(parameters: FitParameters, constraints: Mapping[str, Limits]) -> FitParameters:
    """Apply checked constraints, the last word on a parameter being the one that counts."""
    lower, upper = parameters.lower.copy(), parameters.upper.copy()
    for name, (low, high) in constraints.items():
        entries = _entries(parameters.layout, name)
        lower[entries], upper[entries] = low, high
    held = lower == upper
    return replace(parameters, lower=lower, upper=upper).hold(held, lower[held])


def _entries(layout: Layout, name: str) -> npt.NDArray[np.int64]:
    """Flat entries that a constraint's name stands for; none for a peak that is not there."""
    if name in layout.shape_parameters:
        return np.unique(layout.column(name))
    parameter, _, peak = name.rpartition("_")
    return layout.column(parameter)[int(peak) : int(peak) + 1]
