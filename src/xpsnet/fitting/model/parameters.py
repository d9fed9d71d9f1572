"""Parameters of a fit: free, fixed, bounded or linked, and the flat array a solver works on.

A spectrum of `k` peaks has `k` values of every shape parameter and one coefficient per
background term. A `Layout` says how they follow from one flat array. `FitParameters` adds
values, limits and what is held fixed. Everything below runs on the energy scale of
`xpsnet.numerics` (larger is more bound); names are those of the peaks Dataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from xpsnet.data.constraints import Constraints
from xpsnet.data.links import Limits, resolved, split_name
from xpsnet.fitting.model.parameter_map import ADDED, MULTIPLIED, Floats, Layout
from xpsnet.numerics.lineshapes import LINE_SHAPES

# Background terms that follow the sum of the peaks.
ACTIVE_TERMS = ("shirley", "tougaard")

# Shape parameters that range over decades.
_EXPONENTS = {"exponent_high", "exponent_low", "damping"}

Entries = npt.NDArray[np.int64] | npt.NDArray[np.bool_]

# A start closer than this share of its range to a limit is moved inside.
INSIDE = 0.02
# Heights and tolerances of the solvers are in a unit in which the counts of a spectrum span SPAN;
# no height starts below LOWEST_START of it.
SPAN = 100.0
LOWEST_START = 1.0
# How far beyond the fitted range a center may lie, and how wide a line may be, as shares of the
# range: a wider line cannot be distinguished from the background.
MARGIN = 0.05
WIDEST = 0.5
# Expected counts below which the variance of few counts does not fall any more.
LEAST_EXPECTED = 0.01


@dataclass(frozen=True)
class FitParameters:
    """Values and limits of one spectrum's parameters, flat.

    Attributes
    ----------
    layout : Layout
        What each entry is.
    values : ndarray, shape (..., n_parameters)
        Start or result.
    lower, upper : ndarray, shape (n_parameters,)
        Limits (infinite where there is none).
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
        new[..., entries], free[entries] = values, False
        return replace(self, values=new, free=free)

    def in_units(self, units: Floats) -> "FitParameters":
        """The same parameters, every entry and its limits multiplied by a positive factor."""
        return replace(
            self, values=self.values * units, lower=self.lower * units, upper=self.upper * units
        )

    def at_natural_limits(self) -> npt.NDArray[np.bool_]:
        """Entries whose limits are those of the shape itself, as 0 and 1 of a share.

        What ends there is not known to be exactly there; shape (n_parameters,).
        """
        own = np.zeros(self.free.shape[-1], dtype=bool)
        for entries, (low, high) in _natural_limits(self.layout):
            ends = self.lower[..., entries] == low, self.upper[..., entries] == high
            own[entries] = np.logical_and(*(end.reshape(-1, entries.size).all(0) for end in ends))
        return own

    def on_scale(self, sign: int) -> "FitParameters":
        """The same parameters on the scale of this sign (-1: kinetic), or back from it."""
        factors = self.layout.mirror(sign)
        ends = np.sort([self.lower * factors, self.upper * factors], axis=0)
        values, layout = self.values * factors, self.layout.on_scale(sign)
        return replace(self, layout=layout, values=values, lower=ends[0], upper=ends[1])

    def inside(self) -> "FitParameters":
        """The same parameters with every free value moved inside its limits."""
        span = np.where(np.isfinite(self.upper - self.lower), self.upper - self.lower, 0.0)
        low = self.lower + INSIDE * span
        high = np.maximum(self.upper - INSIDE * span, low)
        for name in _EXPONENTS & set(self.layout.shape_parameters):  # numbers that count by ratio
            entries = self.layout.column(name)
            entries = entries[self.lower[entries] > 0]  # of peaks that have it
            factor = (self.upper[entries] / self.lower[entries]) ** INSIDE
            low[entries], high[entries] = self.lower[entries] * factor, self.upper[entries] / factor
        return self.with_values(np.where(self.free, np.clip(self.values, low, high), self.values))


def start_parameters(
    layout: Layout,
    energy: Floats,
    peaks: Mapping[str, Floats],
    constraints: Constraints | None = None,
) -> FitParameters:
    """Starts and limits from peaks found elsewhere; background coefficients start at 0.

    Centers stay within the fitted energies and a twentieth of their range around, so that a line
    of which the window shows one side can be fitted; widths between one step of the axis and half
    of its length, heights at 0 or above, other shape parameters within the limits of the shape,
    and active backgrounds at 0 or above: electrons only lose energy. What is linked follows,
    wherever that is. What a shape holds by itself is held unless a constraint names it.

    Parameters
    ----------
    layout : Layout
        From `make_layout`, with the links of `constraints`.
    energy : ndarray, shape (n,)
        Energies [eV].
    peaks : mapping of str to ndarray, shape (..., n_peaks)
        Start values by shape parameter; a shape parameter that is absent or NaN gets the
        shape's default. Of a shared one the mean, weighted by height, is taken.
    constraints : Constraints, optional
        From `check_constraints`.

    Raises
    ------
    ValueError
        Where no value obeys the constraints.
    """
    constraints = constraints or Constraints()
    lower, upper = _limits(layout, energy, constraints)
    limits = axis_limits(energy)
    starts = [_start(p, layout, limits, peaks) for p in layout.shape_parameters]
    values = flat_values(layout, np.stack(np.broadcast_arrays(*starts), axis=-1))
    for entry in layout.peak_partner[layout.peak_partner >= 0]:  # unknown amounts
        middle = (lower[entry] + upper[entry]) / 2
        values[..., entry] = np.where(np.isfinite(values[..., entry]), values[..., entry], middle)
    parameters = FitParameters(layout, values, lower, upper, np.ones(lower.size, dtype=bool))
    if layout.n_peaks == 0:
        # Without peaks an active background has nothing to follow.
        following = [i for i in layout.background_index if layout.names[i].endswith(ACTIVE_TERMS)]
        parameters = parameters.hold(np.array(following, dtype=np.int64), 0.0)
    held = lower == upper
    parameters = parameters.hold(held, lower[held])
    left = _held_by_shape(layout, constraints)
    return parameters.hold(left, parameters.values[..., left]).inside()


def _held_by_shape(layout: Layout, constraints: Constraints) -> npt.NDArray[np.int64]:
    """Entries that nothing depends on, and those that a shape holds unless constraints say more."""
    used = np.concatenate([layout.peak_index[~layout.absent], layout.peak_partner.ravel()])
    idle = np.setdiff1d(layout.peak_index, np.append(used, layout.peak_divisor))
    named = {split_name(name)[0] for name in constraints.limits}
    shapes = [LINE_SHAPES[name] for name in set(layout.shape_names)]
    held = {name for shape in shapes for name in shape.held} - named
    return np.unique(np.concatenate([idle, *(layout.column(name) for name in sorted(held))]))


def _natural_limits(layout: Layout) -> list[tuple[npt.NDArray[np.int64], Limits]]:
    """Limits of further shape parameters, and the entries of the peaks whose shape has them."""
    names = np.array(layout.shape_names, dtype=object)
    found = []
    for shape in dict.fromkeys(layout.shape_names):
        for name, limits in LINE_SHAPES[shape].limits.items():
            found.append((np.unique(layout.column(name)[names == shape]), limits))
    return found


def flat_values(layout: Layout, shapes: Floats) -> Floats:
    """Flat parameters whose peaks are these, or as near as sharing and links allow.

    Parameters
    ----------
    layout : Layout
        From `make_layout`.
    shapes : ndarray, shape (..., n_peaks, n_shape_parameters)
        Physical parameters.

    Returns
    -------
    ndarray, shape (..., n_parameters)
        Background coefficients are 0; a fitted amount of a link is NaN where it does not follow
        from the peaks. Of a shared parameter the mean, weighted by height, is taken.
    """
    values = np.zeros((*shapes.shape[:-2], len(layout.names)))
    weights = np.nan_to_num(shapes[..., layout.shape_parameters.index("height")])
    weights = np.clip(weights, 0, None)
    weights = weights + weights.max(axis=-1, initial=0.0, keepdims=True) + 1
    for j in range(len(layout.shape_parameters)):
        for entry in np.unique(layout.peak_index[:, j]):
            own = np.flatnonzero((layout.peak_index[:, j] == entry) & ~layout.linked[:, j])
            if not layout.absent[own, j].all():
                own = own[~layout.absent[own, j]]
            if own.size == 1:
                values[..., entry] = shapes[..., own[0], j]
                continue
            values[..., entry] = np.average(shapes[..., own, j], axis=-1, weights=weights[..., own])
    # Columns in order: the ratio of areas needs that of widths.
    for j, k in zip(*np.nonzero((layout.peak_partner >= 0).T), strict=True):
        base = layout.peak_ratio[k, j] * values[..., layout.peak_index[k, j]]
        rest = shapes[..., k, j] - layout.peak_offset[k, j]
        if layout.peak_operation[k, j] == ADDED:
            amount = rest - base
        else:
            divisor = layout.peak_divisor[k, j]
            factor = values[..., divisor] if divisor >= 0 else 1.0
            amount = rest * factor / np.where(base > 0, base, np.nan)
        values[..., layout.peak_partner[k, j]] = amount
    return values


def _limits(layout: Layout, energy: Floats, constraints: Constraints) -> tuple[Floats, Floats]:
    """Limits of every entry, shape (n_parameters,) each."""
    n = len(layout.names)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    for parameter, (low, high) in axis_limits(energy).items():
        entries = layout.column(parameter)
        lower[entries], upper[entries] = low, high
    for entries, (low, high) in _natural_limits(layout):
        lower[entries] = np.maximum(lower[entries], low)
        upper[entries] = np.minimum(upper[entries], high)
    for i in layout.background_index:
        if layout.names[i].endswith(ACTIVE_TERMS):
            lower[i] = 0.0
    for name, (low, high) in constraints.limits.items():
        entries = _entries(layout, name)
        lower[entries], upper[entries] = low, high
    for link in resolved(constraints.links).values():
        if link.fitted and link.amount in layout.names:
            entry = layout.names.index(link.amount)
            lower[entry], upper[entry] = link.limits
    for k, j in zip(*np.nonzero(layout.linked), strict=True):
        _tighten(layout, (int(k), int(j)), lower, upper)
    if (lower > upper).any():
        wrong = [layout.names[i] for i in np.flatnonzero(lower > upper)]
        raise ValueError(
            f"expected constraints that some value obeys, got none for {', '.join(wrong)}; what "
            f"is linked to it would leave the limits of the line shape"
        )
    return lower, upper


def _tighten(layout: Layout, at: tuple[int, int], lower: Floats, upper: Floats) -> None:
    """Limit an entry so that linked parameters stay within the limits of the line shape."""
    parameter = layout.shape_parameters[at[1]]
    hard = {"fwhm": (np.finfo(float).tiny, np.inf), **LINE_SHAPES[layout.shape_names[at[0]]].limits}
    if parameter not in hard:  # centers may lie anywhere; heights stay positive by themselves
        return
    low, high = hard[parameter]
    entry, partner = layout.peak_index[at], layout.peak_partner[at]
    least, most, ratio = 0.0, 0.0, layout.peak_ratio[at]
    first, last = ratio, ratio
    if layout.peak_operation[at] == ADDED:
        least, most = lower[partner], upper[partner]
    elif layout.peak_operation[at] == MULTIPLIED:
        first, last = ratio * lower[partner], ratio * upper[partner]
    offset = layout.peak_offset[at]
    lower[entry] = max(lower[entry], (low - offset - least) / first)
    upper[entry] = min(upper[entry], (high - offset - most) / last)


def axis_limits(energy: Floats) -> dict[str, Limits]:
    """Limits of center, width and height for this axis."""
    low, high = float(np.min(energy)), float(np.max(energy))
    step = float(np.median(np.abs(np.diff(energy))))
    margin = MARGIN * (high - low)
    return {
        "center": (low - margin, high + margin),
        "fwhm": (step, max(WIDEST * (high - low), 2 * step)),
        "height": (0.0, np.inf),
    }


def _start(
    parameter: str, layout: Layout, limits: Mapping[str, Limits], peaks: Mapping[str, Floats]
) -> Floats:
    """Start values of one shape parameter; impossible ones are replaced by the default."""
    given = np.asarray(peaks.get(parameter, np.full(layout.n_peaks, np.nan)), dtype=float)
    if parameter == "center":
        return given
    low, high, default = np.empty((3, layout.n_peaks))
    for k, name in enumerate(layout.shape_names):
        own = {**limits, **LINE_SHAPES[name].limits}
        usual = {"fwhm": limits["fwhm"][1] / 6, "height": 0.0, **LINE_SHAPES[name].default}
        low[k], high[k] = own.get(parameter, (0.0, np.inf))
        default[k] = usual.get(parameter, np.nan)
    if np.isnan(default).any():  # of peaks that have none: any finite number
        default[np.isnan(default)] = np.nanmean(default) if np.isfinite(default).any() else 1.0
    with np.errstate(invalid="ignore"):
        sensible = (given >= low / 2) & (given <= 2 * high)
    return np.where(sensible, given, default)


def _entries(layout: Layout, name: str) -> npt.NDArray[np.int64]:
    """Flat entries that a constraint's name stands for; none for a peak that is not there."""
    parameter, peak = split_name(name)
    if peak is None:
        return np.unique(layout.column(parameter))
    return layout.column(parameter)[peak : peak + 1]
