"""The fit of one spectrum through lmfit; the only place that knows lmfit.

lmfit drives MINPACK's Levenberg-Marquardt and gets the exact Jacobian. Its limits are smooth
maps of an unlimited variable (sine, square root) whose slope vanishes at the limit: good for
the way there, useless at the end, where a parameter that belongs on its limit only creeps
towards it and spoils the covariance. So a parameter that ends against a limit is put exactly on
it and held, the others are refined again, and if the sum of squares then still falls towards
the inside, it is set free once more. A peak whose height ends at 0 takes its own center and
width along: nothing determines them any more.
"""

import inspect
from dataclasses import dataclass

import lmfit
import numpy as np
import numpy.typing as npt

from xpsnet.fitting.parameters import FitParameters, Floats
from xpsnet.fitting.residuals import Problem, SpectrumModel

# Share of the range (or of the unit of an open range) within which a parameter touches a limit.
_TOUCH = 1e-3
# MINPACK's first step may change the scaled parameters by this factor; its own default of 100
# lets a poor start throw a peak out of the window.
_FIRST_STEP = 1.0
_MAX_EVALUATIONS = 500
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Solution:
    """Where the solver ended.

    Attributes
    ----------
    parameters : FitParameters
        Values at the end; those on a limit are held.
    residual : ndarray, shape (n_points,)
    jacobian : ndarray, shape (n_parameters, n_points)
        Of the weighted residual, at the end.
    converged, at_bound : bool
    n_evaluations : int
        How often the model was computed.
    """

    parameters: FitParameters
    residual: Floats
    jacobian: Floats
    converged: bool
    at_bound: bool
    n_evaluations: int


class _Evaluations:
    """The model at the last point, because lmfit asks for residual and Jacobian in turn."""

    def __init__(self, problem: Problem, parameters: FitParameters) -> None:
        self._problem, self._parameters = problem, parameters
        self._values: Floats | None = None
        self._answer: tuple[Floats, Floats] = (np.empty(0), np.empty((0, 0)))
        self.count = 0

    def at(self, values: Floats) -> tuple[Floats, Floats]:
        """Weighted residual and Jacobian at flat parameters."""
        if self._values is None or not np.array_equal(values, self._values):
            self._values, self._answer = values, self._problem.residual_and_jacobian(values)
            self.count += 1
        return self._answer

    def values(self, tried: "lmfit.Parameters") -> Floats:
        """Flat parameters that lmfit tries."""
        values = self._parameters.values.copy()
        values[self._parameters.free] = [parameter.value for parameter in tried.values()]
        return values

    def residual(self, tried: "lmfit.Parameters") -> Floats:
        """Weighted residual, as lmfit asks for it."""
        return self.at(self.values(tried))[0]

    def jacobian(self, tried: "lmfit.Parameters") -> Floats:
        """Derivatives by the free parameters, as lmfit asks for them."""
        return self.at(self.values(tried))[1][self._parameters.free]


def solve(problem: Problem, start: FitParameters) -> Solution:
    """Least squares from a start.

    Parameters
    ----------
    problem : Problem
        Counts in a unit in which peaks are about 100 high, so that limits at 0 are felt only
        close to 0.
    start : FitParameters
        Inside its limits.

    Raises
    ------
    ValueError
        Where the model is not finite at a point that the solver tries.
    """
    solution = _run(problem, start)
    touching = _touching(solution.parameters)
    if not touching.any():
        return solution
    held = _run(problem, _on_limits(solution.parameters, touching))
    inward = touching & _falls_inward(held)
    if inward.any():
        freed = _on_limits(solution.parameters, touching & ~inward)
        held = _run(problem, freed.inside() if (touching & ~inward).any() else freed)
    bound = (start.free & ~held.parameters.free).any()
    count = solution.n_evaluations + held.n_evaluations
    return Solution(
        held.parameters, held.residual, held.jacobian, held.converged, bool(bound), count
    )


def _run(problem: Problem, start: FitParameters) -> Solution:
    """One pass of lmfit over the free parameters."""
    evaluations = _Evaluations(problem, start)
    values, converged = start.values, True
    if start.free.any():
        minimizer = lmfit.Minimizer(
            evaluations.residual, _to_lmfit(start), scale_covar=False, nan_policy="raise"
        )
        result = minimizer.leastsq(
            max_nfev=_MAX_EVALUATIONS,
            Dfun=evaluations.jacobian,
            col_deriv=1,
            ftol=_TOLERANCE,
            xtol=_TOLERANCE,
            factor=_FIRST_STEP,
        )
        values, converged = evaluations.values(result.params), bool(result.success)
    residual, jacobian = evaluations.at(values)
    return Solution(
        start.with_values(values), residual, jacobian, converged, False, evaluations.count
    )


def _to_lmfit(parameters: FitParameters) -> "lmfit.Parameters":
    """The free parameters as lmfit's."""
    made = lmfit.Parameters()
    for i in np.flatnonzero(parameters.free):
        made.add(_parameter(parameters, int(i), vary=True))
    return made


def _parameter(parameters: FitParameters, i: int, *, vary: bool) -> "lmfit.Parameter":
    """One parameter as lmfit's."""
    return lmfit.Parameter(
        parameters.layout.names[i],
        value=float(parameters.values[i]),
        min=float(parameters.lower[i]),
        max=float(parameters.upper[i]),
        vary=vary,
    )


def _touching(parameters: FitParameters) -> npt.NDArray[np.bool_]:
    """Free parameters that ended against a limit, shape (n_parameters,)."""
    span = parameters.upper - parameters.lower
    near = _TOUCH * np.where(np.isfinite(span), span, 1.0)
    low = parameters.values - parameters.lower < near
    high = parameters.upper - parameters.values < near
    return np.asarray(parameters.free & (low | high))


def _on_limits(parameters: FitParameters, touching: npt.NDArray[np.bool_]) -> FitParameters:
    """Hold these parameters at their nearest limits, and what belongs to a peak of height 0."""
    layout, values = parameters.layout, parameters.values
    to_lower = values - parameters.lower <= parameters.upper - values
    limits = np.where(to_lower, parameters.lower, parameters.upper)
    held = parameters.hold(touching, limits[touching])
    for peak, entry in enumerate(layout.column("height")):
        if touching[entry] and values[entry] < 1:
            own = layout.own(peak)
            held = held.hold(own, held.values[own])
    return held


def _falls_inward(solution: Solution) -> npt.NDArray[np.bool_]:
    """Whether the sum of squares falls when a parameter leaves its limit for the inside."""
    parameters = solution.parameters
    slope = solution.jacobian @ solution.residual
    at_lower = parameters.values <= parameters.lower
    return np.asarray(np.where(at_lower, slope < 0, slope > 0))


def as_lmfit(
    line_shape: str, background: str, parameters: FitParameters, stderr: Floats, sign: int
) -> "tuple[lmfit.Model, lmfit.Parameters]":
    """A model of lmfit's own, on the scale and in the units of the spectrum.

    Parameters
    ----------
    line_shape, background : str
        What the model consists of.
    parameters : FitParameters
        On the scale of the spectrum, with the model's limits.
    stderr : ndarray, shape (n_parameters,)
        Standard errors that are known already; NaN where not.
    sign : int
        -1 where the scale is kinetic, else 1.

    Returns
    -------
    model : lmfit.Model
        Of the independent variable `energy`, on which the integrals of an active background run.
    params : lmfit.Parameters
        Named as the entries of the layout; held where they lie on a limit.
    """
    layout = parameters.layout
    mirrored = layout.mirror(sign)

    def spectrum(energy: npt.ArrayLike, **given: float) -> Floats:
        """Sum of the peaks and the background."""
        axis = sign * np.asarray(energy, dtype=float)
        values = mirrored * np.array([given[name] for name in layout.names], dtype=float)
        return SpectrumModel(line_shape, background, axis, layout).curve(values)

    # lmfit learns the names of the parameters from the signature.
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    spectrum.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in ("energy", *layout.names)]
    )
    model = lmfit.Model(
        spectrum,
        independent_vars=["energy"],
        name=f"{layout.n_peaks} x {line_shape} + {background} background",
    )
    params = lmfit.Parameters()
    for i, name in enumerate(layout.names):
        on_limit = parameters.values[i] in (parameters.lower[i], parameters.upper[i])
        params.add(_parameter(parameters, i, vary=bool(parameters.free[i] and not on_limit)))
        params[name].stderr = float(stderr[i]) if np.isfinite(stderr[i]) else None
    return model, params
