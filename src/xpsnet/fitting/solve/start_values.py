"""Start parameters of both engines: centers and widths as given, limits, weights of the heights.

Heights and background of a start are then replaced by the linear least squares solution
(`lm_start.start_linear`), which both engines call.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.parameters import LOWEST_START, SPAN, FitParameters, start_parameters
from xpsnet.fitting.solve.fit_inputs import FitInputs

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]


def count_units(counts: Floats) -> Floats:
    """Unit in which the counts of a spectrum span `SPAN`, shape (S,): for limits and tolerances."""
    finite = np.isfinite(counts)
    top = np.where(finite, counts, -np.inf).max(axis=1)
    return np.asarray((top - np.where(finite, counts, np.inf).min(axis=1)) / SPAN)


def start_values(options: FitOptions, inputs: FitInputs, slots: Numbers) -> FitParameters:
    """Starts and limits of spectra that have peaks at the same places.

    Given heights only weigh shared parameters and choose the first Shirley step.

    Parameters
    ----------
    options : FitOptions
    inputs : FitInputs
        Of S spectra.
    slots : ndarray of int, shape (k,)
        Places of the peaks among the starts.

    Returns
    -------
    FitParameters
        Values of shape (S, m), in the units of the counts.

    Raises
    ------
    ValueError
        Where no value obeys the constraints on just these peaks.
    """
    layout, constraints = options.layout(slots), options.constraints.for_slots(slots)
    unit = count_units(inputs.counts)[:, None]
    starts = {name: values[:, slots] for name, values in inputs.starts.items()}
    heights = np.where(np.isfinite(starts["height"]), starts["height"] / unit, SPAN / 2)
    starts["height"] = np.maximum(heights, LOWEST_START)
    # Heights weigh shared parameters in units of the spectrum; limits are those of counts.
    free = {k: v for k, v in constraints.limits.items() if not k.startswith("height")}
    energy = inputs.energy
    scaled = start_parameters(layout, energy, starts, replace(constraints, limits=free))
    values = scaled.values * np.where(layout.in_counts, unit, 1.0)
    limits = scaled  # the same where no height has limits
    if len(free) < len(constraints.limits):
        limits = start_parameters(layout, energy, starts, constraints)
    return limits.with_values(np.where(limits.free, values, limits.values))
