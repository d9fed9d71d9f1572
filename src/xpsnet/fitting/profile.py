"""Profile likelihood of one spectrum: how far a parameter may be from its best value.

A parameter is moved while all others are fitted again. What is squared and summed (chi-square, or
the deviance where the variance follows the curve) then rises; the interval ends where the root of
the rise is the quantile of Student's t at half the outer probability, with the degrees of freedom
of the noise. The intervals need no straight line near the optimum, as standard errors do, and may
lie unevenly around the best value (Venzon and Moolgavkar, Appl. Stat. 37, 87 (1988)).

The area of a line takes the place of its height among the parameters, so that it is moved like the
others.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize

from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.model.parameters import FitParameters
from xpsnet.fitting.model.spectrum_model import Problem
from xpsnet.fitting.solve.statistics import covariance_from_jacobian
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]

_MOST_STEPS = 12  # that an interval is looked for before it counts as open
_PRECISION = 2e-3  # of an end, in standard errors
_STEP = 1e-5  # of numerical derivatives of unit areas, relative
_INSET = 1e-3  # of its range by which a start is away from a limit


@dataclass(frozen=True)
class _Variables:
    """Free flat parameters; in place of the height of one line its area, where `line` is given."""

    problem: Problem
    start: FitParameters
    line: int | None = None

    @property
    def layout(self) -> Layout:
        """Of the flat parameters."""
        return self.start.layout

    @property
    def height(self) -> int:
        """Entry of the height that the area replaces."""
        place = self.layout.shape_parameters.index("height")
        return int(self.layout.peak_index[self.line or 0, place])

    def unit_area(self, values: Floats) -> tuple[float, Floats]:
        """Area of the line at height 1, and its derivatives by the flat parameters."""
        names, line = self.layout.shape_parameters, self.line or 0
        shape = LINE_SHAPES[self.layout.shape_names[line]]
        columns = [names.index(name) for name in shape.parameters]
        given = self.layout.shapes(values)[line].copy()
        given[names.index("height")] = 1.0
        area = shape.area or (lambda *p: shape.area_over(self.problem.model.energy, *p))

        def at(shapes: Floats) -> float:
            return float(np.ravel(area(*(np.atleast_1d(shapes[c]) for c in columns)))[0])

        slopes = np.zeros(given.size)
        for j, name in enumerate(names):
            if name == "height" or name not in shape.parameters:
                continue
            low, high = shape.limits.get(name, (-np.inf, np.inf))
            step = _STEP * max(abs(given[j]), 1e-3)
            ends = np.clip([given[j] - step, given[j] + step], low, high)
            moved = [np.where(np.arange(given.size) == j, end, given) for end in ends]
            slopes[j] = (at(moved[1]) - at(moved[0])) / (ends[1] - ends[0])
        return at(given), slopes @ self.layout.transform(values)[line]

    def values(self, variables: Floats) -> Floats:
        """Flat parameters of variables (with an area)."""
        if self.line is None:
            return variables
        values = variables.copy()
        values[self.height] /= self.unit_area(variables)[0]
        return values

    def variables(self, values: Floats) -> Floats:
        """Variables of flat parameters."""
        if self.line is None:
            return values
        found = values.copy()
        found[self.height] *= self.unit_area(values)[0]
        return found

    def residual_and_jacobian(self, variables: Floats) -> tuple[Floats, Floats]:
        """What is squared, and its derivatives by all variables, (m, n)."""
        values = self.values(variables)
        residual, jacobian = self.problem.residual_and_jacobian(values)
        if self.line is not None:
            unit, slopes = self.unit_area(values)
            by_height = jacobian[self.height] / unit
            jacobian = jacobian - values[self.height] * slopes[:, None] * by_height
            jacobian[self.height] = by_height
        return residual, jacobian


def profile_intervals(
    problem: Problem, best: FitParameters, distance: float
) -> dict[str, tuple[float, float]]:
    """Ends of the intervals of all free parameters, and of the areas of lines.

    Parameters
    ----------
    problem : Problem
        On the axis of the numerics.
    best : FitParameters
        At the optimum, with its limits.
    distance : float
        Root of the rise at which an interval ends.

    Returns
    -------
    dict of str to (float, float)
        By the names of the layout, and "area_1" and so on of lines whose height is a parameter of
        its own; NaN where the rise stays below within the limits.
    """
    found: dict[str, tuple[float, float]] = {}
    plain = _Variables(problem, best)
    optimum = _minimized(plain, best.values, best.free)
    for entry in np.flatnonzero(best.free).tolist():
        found[best.layout.names[entry]] = _ends(plain, optimum, entry, distance)
    place = best.layout.shape_parameters.index("height")
    for line in range(best.layout.n_peaks):
        entry = int(best.layout.peak_index[line, place])
        if best.layout.linked[line, place] or not best.free[entry]:
            continue
        with_area = _Variables(problem, best, line)
        start = with_area.variables(optimum)
        found[f"area_{line + 1}"] = _ends(with_area, start, entry, distance)
    return found


def _ends(
    variables: _Variables, optimum: Floats, entry: int, distance: float
) -> tuple[float, float]:
    """Both ends of the interval of one variable."""
    free = variables.start.free
    residual, jacobian = variables.residual_and_jacobian(optimum)
    least = float(residual @ residual)
    covariance, _ = covariance_from_jacobian(jacobian, free)
    error = float(np.sqrt(covariance[entry, entry]))
    if not (np.isfinite(error) and error > 0):
        return np.nan, np.nan
    rest = free.copy()
    rest[entry] = False
    ends = []
    for side in (-1.0, 1.0):
        last = optimum.copy()

        def root_of_rise(value: float, last: Floats = last) -> float:
            last[entry] = value
            last[:] = _minimized(variables, last, rest)
            moved, _ = variables.residual_and_jacobian(last)
            return float(np.sqrt(max(float(moved @ moved) - least, 0.0)))

        limit = (variables.start.lower if side < 0 else variables.start.upper)[entry]
        reach = float(limit), distance
        ends.append(_end(root_of_rise, float(optimum[entry]), side * error, reach))
    return ends[0], ends[1]


def _end(
    root_of_rise: Callable[[float], float],
    best: float,
    error: float,
    reach: tuple[float, float],
) -> float:
    """Where the root of the rise is `distance`, on the side of the sign of `error`."""
    limit, distance = reach
    inner, inner_rise = best, 0.0
    outer = best + distance * error
    for _ in range(_MOST_STEPS):
        beyond = (outer - limit) * np.sign(error) >= 0
        outer = limit if beyond else outer
        rise = root_of_rise(outer)
        if rise >= distance:
            break
        if beyond:
            return np.nan
        # The root of the rise grows about linearly.
        slope = rise / (outer - best) if rise > 0.1 * distance else distance / (2 * (outer - best))
        inner, inner_rise, outer = outer, rise, best + 1.05 * distance / slope
    else:
        return np.nan
    if rise - distance < _PRECISION:
        return outer
    if inner_rise == rise:
        return np.nan
    # Not computed again: from another start the minimum may be another one, on the other side.
    known = {inner: inner_rise, outer: rise}

    def gap(value: float) -> float:
        return (known[value] if value in known else root_of_rise(value)) - distance

    return float(optimize.brentq(gap, inner, outer, xtol=_PRECISION * abs(error)))


def _minimized(variables: _Variables, start: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """Minimize over the free variables, from a start; gives all variables."""
    if not free.any():
        return start
    lower, upper = variables.start.lower[free], variables.start.upper[free]
    if variables.line is not None:  # an area, like a height, has no limit but 0
        own = np.flatnonzero(free) == variables.height
        lower, upper = np.where(own, 0.0, lower), np.where(own, np.inf, upper)
    span = np.where(np.isfinite(upper - lower), upper - lower, 0.0)
    inset = _INSET * span
    # A start on a limit would stay there.
    begin = np.clip(start[free], lower + inset, np.maximum(upper - inset, lower + inset))

    def full(values: Floats) -> Floats:
        whole = start.copy()
        whole[free] = values
        return whole

    def residual(values: Floats) -> Floats:
        return variables.residual_and_jacobian(full(values))[0]

    def jacobian(values: Floats) -> Floats:
        return variables.residual_and_jacobian(full(values))[1][free].T

    found = optimize.least_squares(
        residual,
        begin,
        jac=jacobian,
        bounds=(lower, upper),
        x_scale="jac",
        ftol=1e-9,
        xtol=1e-9,
        gtol=1e-9,
        max_nfev=100,
    )
    return full(found.x)
