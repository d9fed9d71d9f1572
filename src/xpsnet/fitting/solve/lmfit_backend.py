"""Least squares through lmfit; the only module that imports lmfit.

lmfit drives MINPACK's Levenberg-Marquardt and gets the exact Jacobian. Its own limits are smooth
maps of an unlimited variable (sine, square root) whose slope vanishes at the limit: a parameter
that belongs on its limit then creeps towards it for hundreds of steps. Here the variables have no
limits. The model is computed at the nearest allowed values, and beyond a limit it no longer
depends on the variable: its column of the Jacobian is zero, and the solver leaves it where it is
while the others converge. Inside the limits nothing is changed at all. At the end, a parameter
beyond a limit is one that sits on it, exactly; if the sum of squares falls from there towards the
inside (the solver left in passing), the fit goes on from the limit. The variables are steps from
the start in units of what a first step may be, so that no poor start throws a peak out of the
window.

A peak whose height ends at 0 is put once more where the residual asks for it most, close to its
start: two peaks that start on top of each other would otherwise end as one. If that does not
help, it takes its own center and width along: nothing determines them any more.
"""

import inspect
from dataclasses import dataclass, replace

import lmfit
import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.parameter_map import ADDED, Floats, Layout
from xpsnet.fitting.model.parameters import FitParameters
from xpsnet.fitting.model.spectrum_model import Problem, SpectrumModel
from xpsnet.fitting.solve.lm_model import draw
from xpsnet.fitting.solve.lm_plan import make_plan, make_work
from xpsnet.fitting.solve.lm_start import revive, start_linear
from xpsnet.numerics.peak_shapes import distinct_shapes

_MAX_EVALUATIONS = 500
_MAX_RETURNS = 4
# Length of the first step in the variables, which are scaled for it.
_FIRST_STEP = 0.5
# The counts span 100 units; a height that starts low may grow by this much at once.
_SPAN, _LEAST_STEP = 100.0, 5.0
_LEAST_RATIO = 0.1
# Exit codes of MINPACK: 1 to 4 met a tolerance, 6 to 8 cannot come any closer.
_CONVERGED = (1, 2, 3, 4, 6, 7, 8)
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Optimum:
    """Where the solver ended.

    Attributes
    ----------
    parameters : FitParameters
        Values at the end; those on a limit are held.
    residual : ndarray, shape (n_points,)
    jacobian : ndarray, shape (n_parameters, n_points)
        Of the weighted residual, at the end.
    converged, at_bound : bool
        Whether the solver ended by itself, and whether a parameter ended on a limit.
    n_evaluations : int
        How often the model was computed.
    """

    parameters: FitParameters
    residual: Floats
    jacobian: Floats
    converged: bool
    at_bound: bool
    n_evaluations: int

    @property
    def sum_of_squares(self) -> float:
        """Of the weighted residual."""
        return float(self.residual @ self.residual)


class _Evaluations:
    """The model at the last point, because lmfit asks for residual and Jacobian in turn."""

    def __init__(self, problem: Problem, parameters: FitParameters) -> None:
        self._problem, self._parameters = problem, parameters
        self._lengths = _lengths(problem, parameters)[parameters.free]
        self._values: Floats | None = None
        self._answer: tuple[Floats, Floats] = (np.empty(0), np.empty((0, 0)))
        self.count = 0

    def at(self, values: Floats) -> tuple[Floats, Floats]:
        """Weighted residual and Jacobian at flat parameters."""
        if self._values is None or not np.array_equal(values, self._values):
            self._values, self._answer = values, self._problem.residual_and_jacobian(values)
            self.count += 1
        return self._answer

    def tried(self, variables: "lmfit.Parameters") -> Floats:
        """Flat parameters that lmfit tries, allowed or not."""
        values = self._parameters.values.copy()
        moves = np.fromiter((variable.value for variable in variables.values()), dtype=float)
        values[self._parameters.free] += moves * self._lengths
        return values

    def residual(self, variables: "lmfit.Parameters") -> Floats:
        """Weighted residual, as lmfit asks for it."""
        return self.at(self._parameters.allowed(self.tried(variables)))[0]

    def jacobian(self, variables: "lmfit.Parameters") -> Floats:
        """Derivatives by the free parameters, as lmfit asks for them."""
        values = self.tried(variables)
        allowed = self._parameters.allowed(values)
        free = self._parameters.free
        rows = self.at(allowed)[1][free]
        return np.asarray(rows * ((values == allowed)[free] * self._lengths)[:, None])


def solve(problem: Problem, start: FitParameters) -> Optimum:
    """Least squares from a start.

    Parameters
    ----------
    problem : Problem
        Counts in a unit in which peaks are about 100 high.
    start : FitParameters
        Within its limits; heights and background are solved for first.

    Raises
    ------
    ValueError
        Where the model is not finite at a point that the solver tries.
    """
    model = problem.model
    plan = make_plan(model.line_shape, model.background, model.energy, start.layout)
    work = make_work(plan, start.layout)
    n = model.energy.size
    work.counts[:n] = np.where(problem.used, problem.counts, 0.0)
    work.weights[:n] = np.where(problem.used, problem.weights, 0.0)
    work.floor[:n], work.gain[0] = problem.variance
    values = start.values.copy()
    start_linear(plan, values, start.lower, start.upper, start.free, work)
    start = start.with_values(values)
    solution = _run(problem, start)
    count = solution.n_evaluations
    revived = False
    for _ in range(_MAX_RETURNS):
        if _falls_inward(solution, start).any():
            values = solution.parameters.values
        elif not revived and (solution.parameters.values[start.layout.column("height")] == 0).any():
            values, revived = solution.parameters.values.copy(), True
            draw(plan, values, work)
            revive(plan, start.values, start.free, values, work)
            values = start.allowed(values)
        else:
            break
        again = _run(problem, start.with_values(values))
        count += again.n_evaluations
        if again.sum_of_squares >= solution.sum_of_squares:
            break
        solution = again
    return replace(solution, n_evaluations=count)


def _run(problem: Problem, start: FitParameters) -> Optimum:
    """One pass of lmfit over the free parameters."""
    evaluations = _Evaluations(problem, start)
    values, converged = start.values, True
    if start.free.any():
        variables = lmfit.Parameters()
        for i in np.flatnonzero(start.free):
            variables.add(lmfit.Parameter(start.layout.names[i], value=0.0))
        minimizer = lmfit.Minimizer(
            evaluations.residual, variables, scale_covar=False, nan_policy="raise"
        )
        result = minimizer.leastsq(
            max_nfev=_MAX_EVALUATIONS,
            Dfun=evaluations.jacobian,
            col_deriv=1,
            ftol=_TOLERANCE,
            xtol=_TOLERANCE,
            diag=np.ones(int(start.free.sum())),
            factor=_FIRST_STEP,
        )
        values, converged = evaluations.tried(result.params), result.ier in _CONVERGED
    allowed = start.allowed(values)
    residual, jacobian = evaluations.at(allowed)
    ended = _held_on_limits(start.with_values(allowed), values != allowed)
    # A background term that ended at 0 is simply not there.
    shapes = np.arange(start.free.size) < start.free.size - start.layout.background_index.size
    at_bound = bool((shapes & (ended.free != start.free)).any())
    return Optimum(ended, residual, jacobian, converged, at_bound, evaluations.count)


def _lengths(problem: Problem, parameters: FitParameters) -> Floats:
    """How far each parameter may go in a first step, shape (n_parameters,).

    A center and an offset by the width of its line, a width, a height and a ratio by themselves,
    other shape parameters by 1, and a background coefficient until it has added as much as the
    spectrum spans.
    """
    layout, values = parameters.layout, parameters.values
    lengths = np.ones(values.size)
    own = {"center": layout.column("fwhm"), "fwhm": layout.column("fwhm")}
    for name, entries in own.items():
        lengths[layout.column(name)] = values[entries]
    lengths[layout.column("height")] = np.maximum(values[layout.column("height")], _LEAST_STEP)
    for k, j in zip(*np.nonzero(layout.peak_partner >= 0), strict=True):
        entry = layout.peak_partner[k, j]
        along_energy = layout.shape_parameters[j] in own
        added = layout.peak_operation[k, j] == ADDED
        width = float(values[own["fwhm"][k]]) if along_energy else 1.0
        lengths[entry] = width if added else max(float(values[entry]), _LEAST_RATIO)
    largest = np.abs(problem.model.columns(values)).max(axis=0, initial=0.0)
    lengths[layout.background_index] = _SPAN / np.where(largest > 0, largest, _SPAN)
    return lengths


def _held_on_limits(parameters: FitParameters, beyond: npt.NDArray[np.bool_]) -> FitParameters:
    """Hold what went beyond a limit, and what belongs to peaks of height 0 alone."""
    layout = parameters.layout
    held = parameters.hold(beyond, parameters.values[beyond])
    heights = layout.shapes(parameters.values)[:, layout.shape_parameters.index("height")]
    own = layout.own(np.flatnonzero(heights == 0))
    return held.hold(own, held.values[own])


def _falls_inward(solution: Optimum, start: FitParameters) -> npt.NDArray[np.bool_]:
    """Where the sum of squares falls as a parameter leaves its limit for the inside."""
    values = solution.parameters.values
    slope = solution.jacobian @ solution.residual
    held = start.free & ~solution.parameters.free
    up, down = held & (values == start.lower), held & (values == start.upper)
    return np.asarray((up & (slope < 0)) | (down & (slope > 0)))


def as_lmfit(
    background: str,
    parameters: FitParameters,
    plain: Layout,
    sign: int,
    curve: tuple[Floats, Floats] | None = None,
) -> "tuple[lmfit.Model, lmfit.Parameters]":
    """A model of lmfit's own, on the scale and in the units of the spectrum.

    Parameters
    ----------
    background : str
        What the model consists of beside lines.
    parameters : FitParameters
        On the scale of the spectrum, with the model's limits and links.
    plain : Layout
        Of the same peaks, without links: its entries are what the model takes.
    sign : int
        -1 where the scale is kinetic, else 1.
    curve : (energy, counts), optional
        A background that is held.

    Returns
    -------
    model : lmfit.Model
        Of the independent variable `energy`, on which the integrals of an active background run.
    params : lmfit.Parameters
        Named as the entries of both layouts; held where they lie on a limit, expressions where
        they are linked.
    """
    mirrored = plain.mirror(sign)

    def spectrum(energy: npt.ArrayLike, **given: float) -> Floats:
        """Sum of the peaks and the background."""
        axis = np.asarray(energy, dtype=float)
        values = mirrored * np.array([given[name] for name in plain.names], dtype=float)
        model = SpectrumModel(plain.line_shape, background, sign * axis, plain)
        counts = model.curve(values)
        return counts if curve is None else counts + np.interp(axis, *curve)

    # lmfit learns the names of the parameters from the signature.
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    spectrum.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in ("energy", *plain.names)]
    )
    shapes = " and ".join(distinct_shapes(plain.line_shape))
    name = f"{plain.n_peaks} x {shapes} + {'fixed' if curve else background} background"
    model = lmfit.Model(spectrum, independent_vars=["energy"], name=name)
    layout, params = parameters.layout, lmfit.Parameters()
    for i, name in enumerate(layout.names):
        low, high = float(parameters.lower[i]), float(parameters.upper[i])
        on_limit = parameters.values[i] in (low, high)
        params.add(
            name,
            value=float(parameters.values[i]),
            min=low if low < high else -np.inf,
            max=high if low < high else np.inf,
            vary=bool(parameters.free[i] and not on_limit),
        )
    for k, j in np.ndindex(plain.peak_index.shape):
        name = plain.names[plain.peak_index[k, j]]
        if layout.linked[k, j] or name not in params:  # one that equals another has no entry
            params.add(name, expr=_expression(layout, k, j))
    return model, params


def _expression(layout: Layout, k: int, j: int) -> str:
    """One linked parameter as lmfit writes it."""
    partner, divisor = layout.peak_partner[k, j], layout.peak_divisor[k, j]
    added = layout.peak_operation[k, j] == ADDED
    text = str(layout.names[layout.peak_index[k, j]])
    if layout.peak_ratio[k, j] != 1:
        text = f"{float(layout.peak_ratio[k, j])!r} * {text}"
    if partner >= 0:
        text += f" {'+' if added else '*'} {layout.names[partner]}"
    if divisor >= 0:
        text += f" / {layout.names[divisor]}"
    if layout.peak_offset[k, j]:
        text += f" + {float(layout.peak_offset[k, j])!r}"
    return text
