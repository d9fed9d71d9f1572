"""One spectrum from its starts to an answer; whatever it holds, it never stops a map."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from xpsnet.fitting.parameters import (
    FitParameters,
    Floats,
    Limits,
    make_layout,
    start_parameters,
)
from xpsnet.fitting.residuals import Problem, SpectrumModel
from xpsnet.fitting.statistics import (
    Goodness,
    covariance_from_jacobian,
    goodness,
    propagated_error,
    standard_errors,
)
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.peaks import Status

# The solver sees counts in a unit in which the spectrum spans this much: its limits at 0 and
# its tolerances then mean the same for every detector.
_SPAN = 100.0
_LOWEST_START = 1.0


@dataclass(frozen=True)
class Setup:
    """What all spectra of one job have in common.

    Attributes
    ----------
    line_shape, background : str
        Keys of `LINE_SHAPES` and `BACKGROUNDS`.
    energy : ndarray, shape (n,)
        Energies [eV], larger = more bound.
    share : tuple of str
        Shape parameters common to all peaks.
    constraints : mapping
        Checked constraints, centers on the scale of `energy`.
    scale_errors : bool
        Whether errors are multiplied by the root of the reduced chi-square.
    """

    line_shape: str
    background: str
    energy: Floats
    share: tuple[str, ...] = ("fraction",)
    constraints: Mapping[str, Limits] = field(default_factory=dict)
    scale_errors: bool = False


@dataclass(frozen=True)
class Answer:
    """What became of one spectrum; flat arrays are laid out as `parameters.layout` says.

    Attributes
    ----------
    status : Status
    parameters : FitParameters or None
        None where nothing was fitted.
    stderr : ndarray, shape (n_parameters,)
    covariance : ndarray, shape (n_parameters, n_parameters)
    area_stderr : ndarray, shape (n_peaks,)
    goodness : Goodness or None
    noise : float
        Root mean square of the standard deviations of the points.
    """

    status: Status
    parameters: FitParameters | None = None
    stderr: Floats = field(default_factory=lambda: np.empty(0))
    covariance: Floats = field(default_factory=lambda: np.empty((0, 0)))
    area_stderr: Floats = field(default_factory=lambda: np.empty(0))
    goodness: Goodness | None = None
    noise: float = float("nan")


def fit_one(
    setup: Setup, counts: Floats, noise: Floats, peaks: Mapping[str, Floats], status: Status
) -> Answer:
    """Fit one spectrum.

    Parameters
    ----------
    setup : Setup
        What all spectra share.
    counts, noise : ndarray, shape (n,)
        Measured counts (NaN: missing) and their standard deviations.
    peaks : mapping of str to ndarray, shape (peak,)
        Starts; NaN centers are no peaks.
    status : Status
        What the starts came with; handed on where there is nothing to start from.
    """
    present = np.isfinite(peaks["center"])
    finite = np.isfinite(counts)
    if not finite.any():
        return Answer(Status.NOT_FINITE)
    if not present.any() and status not in (Status.OK, Status.NO_PEAKS, Status.NO_SIGNAL):
        return Answer(status)
    if np.ptp(counts[finite]) == 0:
        return _constant(setup, float(counts[finite][0]))
    starts = {name: values[present] for name, values in peaks.items()}
    order = np.argsort(starts["center"])
    starts = {name: values[order] for name, values in starts.items()}
    try:
        return _fitted(setup, counts, noise, starts, status)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return Answer(Status.FAILED)


def _constant(setup: Setup, counts: float) -> Answer:
    """A spectrum without any structure: no peak, a flat background."""
    layout = make_layout(setup.line_shape, setup.background, 0, setup.share)
    values = np.array([counts if n == "background_constant" else 0.0 for n in layout.names])
    n = values.size
    unlimited = np.full(n, np.inf)
    parameters = FitParameters(layout, values, -unlimited, unlimited, np.zeros(n, bool))
    return Answer(
        Status.NO_SIGNAL, parameters, np.full(n, np.nan), np.full((n, n), np.nan), noise=0.0
    )


def _fitted(
    setup: Setup, counts: Floats, noise: Floats, peaks: Mapping[str, Floats], status: Status
) -> Answer:
    """Refine peaks, or the background alone where there are none."""
    from xpsnet.fitting.with_lmfit import solve

    unit = float(np.nanmax(counts) - np.nanmin(counts)) / _SPAN
    weights = np.where(np.isfinite(counts) & (noise > 0), unit / noise, 0.0)
    layout = make_layout(setup.line_shape, setup.background, peaks["center"].size, setup.share)
    model = SpectrumModel(setup.line_shape, setup.background, setup.energy, layout)
    problem = Problem(model, counts / unit, np.nan_to_num(weights, posinf=0.0))
    scaled = {**peaks, "height": peaks["height"] / unit}
    start = _start(setup, problem, scaled, unit)
    if problem.n_points <= start.free.sum():
        return Answer(Status.TOO_FEW_POINTS)
    solution = solve(problem, start)
    parameters = solution.parameters
    covariance, singular = covariance_from_jacobian(solution.jacobian, parameters.free)
    found = goodness(solution.residual, int(parameters.free.sum()))
    if setup.scale_errors:
        covariance = covariance * found.redchi
    units = _units(parameters, unit)
    parameters = parameters.in_units(units)
    covariance = covariance * np.outer(units, units)
    return Answer(
        _status(solution.converged, singular, solution.at_bound, layout.n_peaks, status),
        parameters,
        standard_errors(covariance, parameters.free),
        covariance,
        _area_stderr(setup, parameters, covariance),
        found,
        float(np.sqrt(np.mean(noise[problem.used] ** 2))),
    )


def _status(
    converged: bool, singular: bool, at_bound: bool, n_peaks: int, before: Status
) -> Status:
    """The worst that can be said."""
    if not converged:
        return Status.NOT_CONVERGED
    if singular:
        return Status.ILL_DETERMINED
    if at_bound:
        return Status.AT_BOUND
    if n_peaks == 0:
        return Status.NO_PEAKS
    return Status.OUTSIDE_MODEL if before == Status.OUTSIDE_MODEL else Status.OK


def _start(
    setup: Setup, problem: Problem, peaks: Mapping[str, Floats], unit: float
) -> FitParameters:
    """Start parameters: peaks inside their limits, background by linear least squares.

    All heights share one free factor here, so that starts in another unit do no harm.
    """
    heights = peaks["height"]
    heights = np.where(np.isfinite(heights), np.maximum(heights, _LOWEST_START), _SPAN / 2)
    layout = problem.model.layout
    start = start_parameters(
        layout,
        setup.line_shape,
        setup.energy,
        {**peaks, "height": heights},
        _in_unit(setup.constraints, unit),
    )
    values, used, weights = start.values.copy(), problem.used, problem.weights
    sum_of_peaks = problem.model.components(values).sum(axis=0)
    columns = np.column_stack([problem.model.columns(values), sum_of_peaks])[used]
    terms = BACKGROUNDS[setup.background]
    weighted = columns * weights[used, None]
    lengths = np.linalg.norm(weighted, axis=0)
    lengths[lengths == 0] = 1.0
    target = problem.counts[used] * weights[used]
    solved = np.linalg.lstsq(weighted / lengths, target, rcond=None)[0] / lengths
    factor = solved[-1]
    if layout.n_peaks and factor > 0:
        heights_at = layout.column("height")
        heights_at = heights_at[start.free[heights_at]]
        values[heights_at] = np.maximum(values[heights_at] * factor, _LOWEST_START)
        active = [term in ("shirley", "tougaard") for term in terms]
        solved[:-1] = np.where(active, solved[:-1] / factor, solved[:-1])
    values[layout.background_index] = solved[:-1]
    return start.with_values(values).inside()


def _in_unit(constraints: Mapping[str, Limits], unit: float) -> dict[str, Limits]:
    """Constraints with heights in the unit of the solver."""
    scaled = dict(constraints)
    for name, (low, high) in constraints.items():
        if name.startswith("height"):
            scaled[name] = (low / unit, high / unit)
    return scaled


def _units(parameters: FitParameters, unit: float) -> Floats:
    """What the flat parameters of the solver are multiplied with to be in counts."""
    in_counts = ("height", "background_constant", "background_slope")
    return np.array([unit if n.startswith(in_counts) else 1.0 for n in parameters.layout.names])


def _area_stderr(setup: Setup, parameters: FitParameters, covariance: Floats) -> Floats:
    """Standard errors of the areas, shape (n_peaks,)."""
    shape = LINE_SHAPES[setup.line_shape]
    area = shape.area or (lambda *values: shape.area_over(setup.energy, *values))
    errors = np.full(parameters.layout.n_peaks, np.nan)
    for peak, entries in enumerate(parameters.layout.peak_index):
        limits = list(zip(parameters.lower[entries], parameters.upper[entries], strict=True))
        errors[peak] = propagated_error(
            area, parameters.values[entries], covariance[np.ix_(entries, entries)], limits
        )
    return errors
