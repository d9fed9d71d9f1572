"""Fit one spectrum through lmfit; failures become a status."""

import numpy as np
import numpy.typing as npt

from xpsnet.data.status import Status
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.model.parameters import FitParameters
from xpsnet.fitting.model.spectrum_model import Problem, SpectrumModel
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.solution import Solution, not_begun
from xpsnet.fitting.solve.start_values import count_units
from xpsnet.fitting.solve.statistics import covariance_from_jacobian, neighbor_correlation

Floats = npt.NDArray[np.float64]

# Effect on the residual, in units of the noise, below which a parameter says nothing.
_POWERLESS = 1e-3


def make_problem(
    options: FitOptions, layout: Layout, inputs: FitInputs, unit: float = 1.0
) -> Problem:
    """The least squares problem of the first spectrum, its counts in multiples of `unit`."""
    counts, used = inputs.counts[0], inputs.used[0]
    with np.errstate(divide="ignore"):
        weights = np.where(used, unit / inputs.noise.deviation[0], 0.0)
    gain, floor = float(inputs.noise.following_gain[0]), np.zeros_like(counts)
    if gain > 0:
        floor = np.broadcast_to(inputs.noise.floor[0], counts.shape) / unit**2
    variance = floor, gain / unit
    model = SpectrumModel(layout.line_shape, options.background, inputs.energy, layout)
    return Problem(model, counts / unit, weights, variance)


def solve_single(
    options: FitOptions, inputs: FitInputs, start: FitParameters
) -> tuple[Solution, Floats]:
    """Fit one spectrum from its start.

    Parameters
    ----------
    options : FitOptions
    inputs : FitInputs
        Of one spectrum.
    start : FitParameters
        From `start_values`, values of shape (1, m).

    Returns
    -------
    solution : Solution
        Of one spectrum.
    residual : ndarray, shape (n_points,)
        Weighted, at the points that count; empty where nothing was fitted.
    """
    from xpsnet.fitting.solve.lmfit_backend import solve

    start = start.with_values(start.values[0])
    layout = start.layout
    # The solver sees counts in a unit in which the spectrum spans 100: its limits at 0 and its
    # tolerances then mean the same for every detector.
    unit = float(count_units(inputs.counts)[0])
    problem = make_problem(options, layout, inputs, unit)
    if problem.n_points <= start.free.sum():
        code = Status.TOO_FEW_POINTS if problem.n_points else Status.NOT_FINITE
        return _unsolved(start, code)
    units = np.where(layout.in_counts, unit, 1.0)
    try:
        found = solve(problem, start.in_units(1 / units))
        residual, jacobian = problem.weighted_at(found.parameters.values)
        covariance, singular = _covariance(jacobian, start, found.parameters)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return _unsolved(start, Status.FAILED)
    free = found.parameters.free
    lines = problem.weighted_lines(found.parameters.values)
    solution = Solution(
        values=(found.parameters.values * units)[None],
        chisqr=np.array([found.sum_of_squares]),
        pearson=np.array([residual @ residual]),
        n_used=np.array([residual.size]),
        n_free=np.array([int(free.sum())]),
        evaluations=np.array([found.n_evaluations]),
        code=np.array([int(Status.OK if found.converged else Status.NOT_CONVERGED)]),
        on_bound=(start.free & ~free)[None],
        covariance=(covariance * np.outer(units, units))[None],
        singular=np.array([singular]),
        line_chi_square=(lines**2).sum(axis=-1)[None],
        correlation=np.array([neighbor_correlation(residual)]),
    )
    return solution, residual


def _covariance(
    jacobian: Floats, start: FitParameters, found: FitParameters
) -> tuple[Floats, bool]:
    """Covariance, and whether it is singular.

    A shape parameter that ended on a limit of the shape itself is not known to be exactly there:
    the errors of the others count it as free.
    """
    size = np.linalg.norm(jacobian, axis=1)
    ended = start.free & ~found.free & start.at_natural_limits() & (size > _POWERLESS)
    if ended.any():
        covariance, singular = covariance_from_jacobian(jacobian, found.free | ended)
        if not singular:
            return covariance, False
    return covariance_from_jacobian(jacobian, found.free)


def _unsolved(start: FitParameters, code: Status) -> tuple[Solution, Floats]:
    """Solution of a spectrum that could not be fitted, without residual."""
    nothing = np.full((1, start.values.size), np.nan)
    solution = not_begun(nothing, start.layout.n_peaks)
    return solution._replace(code=np.array([int(code)])), np.empty(0)
