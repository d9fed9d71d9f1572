"""One spectrum from its starts to an answer; whatever it holds, it never stops a map."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from xpsnet.data.peaks import Status
from xpsnet.fitting.model.links import Slots
from xpsnet.fitting.model.parameters import (
    ACTIVE_TERMS,
    Constraints,
    FitParameters,
    Floats,
    Layout,
    make_layout,
    start_parameters,
)
from xpsnet.fitting.model.reported_parameters import physical_covariance, physical_values
from xpsnet.fitting.model.spectrum_model import Problem, SpectrumModel
from xpsnet.fitting.solve.statistics import (
    Goodness,
    covariance_from_jacobian,
    goodness,
    propagated_error,
    standard_errors,
)
from xpsnet.numerics.lineshapes import LINE_SHAPES

# The solver sees counts in a unit in which the spectrum spans this much: its limits at 0 and
# its tolerances then mean the same for every detector.
_SPAN = 100.0
_LOWEST_START = 1.0
_LINEAR_ROUNDS = 3
_NOT_NEGATIVE = ("height", "background_shirley", "background_tougaard")


@dataclass(frozen=True)
class Setup:
    """What all spectra of one job have in common.

    Attributes
    ----------
    line_shape, background : str
        Keys of `LINE_SHAPES` and `BACKGROUNDS`.
    energy : ndarray, shape (n,)
        Energies [eV], larger = more bound.
    shared : tuple of str
        Shape parameters common to all peaks.
    constraints : Constraints
        Checked, with limits and links on the scale of `energy`; peaks are counted as the starts
        are, from 0.
    scale_errors : bool
        Whether errors are multiplied by the root of the reduced chi-square.
    """

    line_shape: str
    background: str
    energy: Floats
    shared: tuple[str, ...] = ("fraction",)
    constraints: Constraints = field(default_factory=Constraints)
    scale_errors: bool = False

    def layout(self, slots: Slots) -> Layout:
        """Layout of the peaks at these places among the starts, links included."""
        links = self.constraints.for_slots(slots).links
        return make_layout(self.line_shape, self.background, len(slots), self.shared, links)

    def plain_layout(self, n_peaks: int) -> Layout:
        """Layout of so many peaks without links: what is reported."""
        return make_layout(self.line_shape, self.background, n_peaks, self.shared)


@dataclass(frozen=True)
class Answer:
    """What became of one spectrum; flat arrays are laid out as `Setup.plain_layout` says.

    Attributes
    ----------
    status : Status
    parameters : FitParameters or None
        As the solver left them, links not resolved; None where nothing was fitted.
    values, stderr : ndarray, shape (n_plain,)
        Physical parameters; the error of what was held is NaN.
    covariance : ndarray, shape (n_plain, n_plain)
        NaN for what was held or is not determined.
    area_stderr : ndarray, shape (n_peaks,)
    residual : ndarray, shape (n_points,)
        Weighted, at the used points.
    goodness : Goodness or None
    noise : float
        Root mean square of the standard deviations of the points.
    slots : ndarray of int, shape (n_peaks,)
        Places of the fitted peaks among the starts.
    """

    status: Status
    parameters: FitParameters | None = None
    values: Floats = field(default_factory=lambda: np.empty(0))
    stderr: Floats = field(default_factory=lambda: np.empty(0))
    covariance: Floats = field(default_factory=lambda: np.empty((0, 0)))
    area_stderr: Floats = field(default_factory=lambda: np.empty(0))
    residual: Floats = field(default_factory=lambda: np.empty(0))
    goodness: Goodness | None = None
    noise: float = float("nan")
    slots: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))


def fit_one(
    setup: Setup, counts: Floats, noise: Floats, peaks: Mapping[str, Floats], status: Status
) -> Answer:
    """Fit one spectrum.

    Parameters
    ----------
    setup : Setup
        What all spectra shared.
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
    slots = np.flatnonzero(present)
    starts = {name: values[slots] for name, values in peaks.items()}
    try:
        answer = _fitted(setup, counts, noise, starts, status, slots)
        return replace(answer, slots=slots)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return Answer(Status.FAILED)


def _constant(setup: Setup, counts: float) -> Answer:
    """A spectrum without any structure: no peak, a flat background."""
    layout = setup.plain_layout(0)
    values = np.array([counts if n == "background_constant" else 0.0 for n in layout.names])
    n = values.size
    unlimited = np.full(n, np.inf)
    parameters = FitParameters(layout, values, -unlimited, unlimited, np.zeros(n, bool))
    unknown = np.full((n, n), np.nan)
    return Answer(Status.NO_SIGNAL, parameters, values, unknown[0], unknown, noise=0.0)


def _fitted(
    setup: Setup,
    counts: Floats,
    noise: Floats,
    peaks: Mapping[str, Floats],
    status: Status,
    slots: npt.NDArray[np.intp],
) -> Answer:
    """Refine peaks, or the background alone where there are none."""
    from xpsnet.fitting.solve.lmfit_backend import solve

    unit = float(np.nanmax(counts) - np.nanmin(counts)) / _SPAN
    layout = setup.layout(slots)
    problem = make_problem(setup, layout, counts, noise, unit)
    scaled = {**peaks, "height": peaks["height"] / unit}
    start = _start(setup, setup.constraints.for_slots(slots), problem, scaled, unit)
    if problem.n_points <= start.free.sum():
        return Answer(Status.TOO_FEW_POINTS)
    solution = solve(problem, start)
    parameters = solution.parameters
    covariance, singular = covariance_from_jacobian(solution.jacobian, parameters.free)
    found = goodness(solution.residual, int(parameters.free.sum()))
    if setup.scale_errors:
        covariance = covariance * found.redchi
    units = np.where(layout.in_counts, unit, 1.0)
    parameters = parameters.in_units(units)
    answer = Answer(
        _status(solution.converged, singular, solution.at_bound, layout.n_peaks, status),
        parameters,
        residual=solution.residual,
        goodness=found,
        noise=float(np.sqrt(np.mean(noise[problem.used] ** 2))),
    )
    return _with_errors(setup, answer, parameters, covariance * np.outer(units, units))


def make_problem(
    setup: Setup, layout: Layout, counts: Floats, noise: Floats, unit: float = 1.0
) -> Problem:
    """The least squares problem of one spectrum, its counts in multiples of `unit`."""
    weights = np.where(np.isfinite(counts) & (noise > 0), unit / noise, 0.0)
    model = SpectrumModel(setup.line_shape, setup.background, setup.energy, layout)
    return Problem(model, counts / unit, np.nan_to_num(weights, posinf=0.0))


def _with_errors(
    setup: Setup, answer: Answer, parameters: FitParameters, covariance: Floats
) -> Answer:
    """The answer with physical parameters and their errors."""
    layout, plain = parameters.layout, setup.plain_layout(parameters.layout.n_peaks)
    values = physical_values(layout, plain, parameters.values)
    full, free = physical_covariance(layout, plain, parameters.values, covariance, parameters.free)
    area_stderr = _area_stderr(setup, plain, values, full)
    stderr = standard_errors(full, free)
    shown = np.where(free[:, None] & free, full, np.nan)
    return replace(answer, values=values, stderr=stderr, covariance=shown, area_stderr=area_stderr)


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
    setup: Setup,
    constraints: Constraints,
    problem: Problem,
    peaks: Mapping[str, Floats],
    unit: float,
) -> FitParameters:
    """Start parameters: centers and widths as given, the linear part solved for them.

    Given heights only weigh shared parameters and choose the first Shirley step.
    """
    heights = np.where(np.isfinite(peaks["height"]), peaks["height"], _SPAN / 2)
    start = start_parameters(
        problem.model.layout,
        setup.line_shape,
        setup.energy,
        {**peaks, "height": np.maximum(heights, _LOWEST_START)},
        _in_unit(constraints, unit),
    )
    follows_peaks = setup.background.startswith(ACTIVE_TERMS)
    for _ in range(_LINEAR_ROUNDS if follows_peaks else 1):
        start = start.with_values(_linear_part(problem, start))
    entries = start.layout.column("height")
    entries = entries[start.free[entries]]
    values = start.values.copy()
    values[entries] = np.maximum(values[entries], _LOWEST_START)
    return start.with_values(values).inside()


def _linear_part(problem: Problem, start: FitParameters) -> Floats:
    """Values with heights and background by linear least squares, none negative that cannot be.

    The integrals of an active background are those of the heights before.
    """
    model, layout, values = problem.model, start.layout, start.values.copy()
    used, weights = problem.used, problem.weights
    heights = np.unique(layout.column("height"))
    lines = np.zeros((heights.size, model.energy.size))
    for row, height in enumerate(heights):  # what one unit of it draws, linked lines included
        alone = values.copy()
        alone[heights], alone[height] = 0.0, 1.0
        lines[row] = model.components(alone).sum(axis=0)
    free = start.free[heights]
    target = problem.counts - values[heights[~free]] @ lines[~free]
    terms = start.free[layout.background_index]
    columns = np.column_stack([lines[free].T, model.columns(values)[:, terms]])
    entries = np.concatenate([heights[free], layout.background_index[terms]])
    positive = np.array([layout.names[i].startswith(_NOT_NEGATIVE) for i in entries], bool)
    weighted = columns[used] * weights[used, None]
    lengths = np.linalg.norm(weighted, axis=0)
    kept = lengths > 0
    for _ in range(entries.size):
        scaled = weighted[:, kept] / lengths[kept]
        solved = np.zeros(entries.size)
        solved[kept] = np.linalg.lstsq(scaled, (target * weights)[used], rcond=None)[0]
        negative = positive & (solved < 0)
        if not negative.any():
            break
        kept &= ~negative
    solved[kept] /= lengths[kept]
    values[entries] = np.where(positive, np.maximum(solved, 0.0), solved)
    return values


def _in_unit(constraints: Constraints, unit: float) -> Constraints:
    """Constraints with heights in the unit of the solver."""
    scaled = dict(constraints.limits)
    for name, (low, high) in constraints.limits.items():
        if name.startswith("height"):
            scaled[name] = (low / unit, high / unit)
    return replace(constraints, limits=scaled)


def _area_stderr(setup: Setup, plain: Layout, values: Floats, covariance: Floats) -> Floats:
    """Standard errors of the areas, shape (n_peaks,)."""
    shape = LINE_SHAPES[setup.line_shape]
    area = shape.area or (lambda *values: shape.area_over(setup.energy, *values))
    hard = {"fwhm": (0.0, np.inf), "height": (0.0, np.inf), **shape.limits}
    limits = [hard.get(name, (-np.inf, np.inf)) for name in shape.parameters]
    errors = np.full(plain.n_peaks, np.nan)
    for peak, entries in enumerate(plain.peak_index):
        errors[peak] = propagated_error(
            area, values[entries], covariance[np.ix_(entries, entries)], limits
        )
    return errors
