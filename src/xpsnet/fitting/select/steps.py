"""Spectra that hold no single level: steps and surveys.

**A step** (a Fermi edge, an absorption edge) is a straight line on either side of an edge,

    a + b x + (c + d x) F((E - E0) / w),

with F a Fermi function or a Gaussian integral and x the energy from the middle of the window. It is
compared with the peaks that were fitted: of two models of chi-squares C and numbers of parameters
k, the one of smaller C / s + k ln n is the better, where s is the smaller of both reduced
chi-squares, at least 1; peaks have to be better by 6. Both plateaus have to be seen: a line that
the window cuts has a flank, but no plateau behind it. Only spectra whose ends differ by half of
their range, and beyond noise, are looked at.

**A survey** has at least four separate lines over 100 eV, in a window of 150 eV or more; or it is
called so and spans 100 eV.
"""

import re
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xpsnet.data.status import Status, has_flag
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.fitting.solve.point_noise import GivenNoise, NoiseChoice, point_noise
from xpsnet.numerics.noise import estimate_noise, smooth_level

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_N_PARAMETERS = 6
# By which peaks have to be better: a small line on a large step of its own is no core level.
_FAVOR = 6.0
_BLOCKS = 16
_LEAST_RISE = 0.5  # of the range: difference of both ends
_BEYOND_NOISE = 8.0  # standard errors of that difference
_LEAST_PLATEAU = 1.0  # of the distance between 10 % and 90 % of the edge
_LEAST_KEPT, _MOST_KEPT = 0.3, 3.0  # step at the end of the window over that at the edge
_EDGES, _WIDTHS = 24, 6  # of the grid of starts
# Distance between 10 % and 90 % in units of w.
_REACH = {"fermi": 4.394, "gaussian": 1.812}

_SURVEY_SPAN, _NAMED_SPAN, _LINES_SPAN, _LEAST_LINES = 150.0, 100.0, 100.0, 4
_PROMINENCE = 8.0  # standard deviations of a point
_LEAST_PART = 0.03  # of the range
_SURVEY_NAME = re.compile(r"survey|wide|overview|\bxps\s*full", re.IGNORECASE)
_UNREADABLE = (
    Status.NO_SIGNAL,
    Status.NOT_FINITE,
    Status.TOO_FEW_POINTS,
    Status.NOT_DONE,
)


def without_invented_peaks(
    results: FitResults,
    spectra: tuple[Floats, npt.NDArray[np.generic], GivenNoise],
    name: object = None,
    *,
    remove: bool = True,
) -> FitResults:
    """Mark steps and surveys, and take away the peaks that were fitted to them.

    Parameters
    ----------
    results : FitResults
        Of S spectra.
    spectra : (ndarray of shape (n,), ndarray of shape (S, n), GivenNoise)
        Energies, counts without spikes, and their noise.
    name : object
        Of the region.
    remove : bool
        Whether peaks are taken away: not where a person gave their number.
    """
    energy, counts, noise = spectra
    readable = ~has_flag(results.flags, *_UNREADABLE)
    kinds = np.zeros(len(results), dtype=np.int32)
    survey = readable & is_survey(energy, counts, name)
    step = readable & ~survey & ~has_flag(results.flags, Status.NO_PEAKS)
    rows = np.flatnonzero(step & _may_be_step(counts, results.noise))
    for row in rows:
        one = slice(row, row + 1)
        own = noise.rows(one) if isinstance(noise, NoiseChoice) else noise[one]
        points = np.asarray(counts[one], dtype=np.float64)
        deviation = point_noise(own, points).deviation[0]
        free = int(np.isfinite(results.stderr[row]).sum())
        step[row] = is_step(energy, points[0], deviation, float(results.redchi[row]), free)
    step[np.setdiff1d(np.arange(len(results)), rows)] = False
    kinds[survey], kinds[step] = Status.SURVEY.flag, Status.STEP.flag
    if not kinds.any():
        return results
    if not remove:
        return replace(results, flags=results.flags | kinds)
    return _emptied(results, kinds)


def _emptied(results: FitResults, kinds: npt.NDArray[np.int32]) -> FitResults:
    """Results whose rows with a kind hold that flag, their noise and nothing else."""
    rows = np.flatnonzero(kinds)
    nothing = FitResults.not_done(
        results.layout, rows.size, covariance=results.covariance is not None
    )
    noise, dof = results.noise[rows], results.dof_noise[rows]
    done = results.rows(np.arange(len(results)))
    done.copy_from(rows, replace(nothing, flags=kinds[rows], noise=noise, dof_noise=dof))
    return done


def is_survey(energy: Floats, counts: npt.NDArray[np.generic], name: object = None) -> Mask:
    """Spectra with many levels, shape (S,)."""
    span = float(np.ptp(energy))
    if name is not None and _SURVEY_NAME.search(str(name)) and span >= _NAMED_SPAN:
        return np.ones(len(counts), dtype=bool)
    found = np.zeros(len(counts), dtype=bool)
    if span < _SURVEY_SPAN:
        return found
    from scipy.signal import find_peaks

    for row, measured in enumerate(np.asarray(counts, dtype=np.float64)):
        known = np.isfinite(measured)
        points = measured[known]
        if points.size < _BLOCKS:
            continue
        level = smooth_level(points)
        sigma = float(estimate_noise(points))
        prominence = max(_PROMINENCE * sigma, _LEAST_PART * float(np.ptp(level)))
        places = energy[known][find_peaks(level, prominence=prominence)[0]]
        found[row] = places.size >= _LEAST_LINES and np.ptp(places) >= _LINES_SPAN
    return found


def _may_be_step(counts: npt.NDArray[np.generic], noise: Floats) -> Mask:
    """Spectra whose ends differ enough, shape (S,)."""
    n = counts.shape[1]
    if n < 2 * _BLOCKS:
        return np.zeros(len(counts), dtype=bool)
    edges = np.linspace(0, n, _BLOCKS, endpoint=False).astype(np.intp)
    finite = np.isfinite(counts)
    sums = np.add.reduceat(np.where(finite, counts, 0.0), edges, axis=1)
    number = np.add.reduceat(finite.astype(np.int64), edges, axis=1)
    whole = (number > 0).all(axis=1)
    mean = sums / np.maximum(number, 1)
    rise = np.abs(mean[:, -1] - mean[:, 0])
    with np.errstate(invalid="ignore"):
        clear = rise > _BEYOND_NOISE * noise * np.sqrt(2 * _BLOCKS / n)
    return np.asarray(whole & clear & (rise > _LEAST_RISE * np.ptp(mean, axis=1)))


def is_step(energy: Floats, counts: Floats, deviation: Floats, redchi: float, n_free: int) -> bool:
    """Whether a step describes one spectrum better than the peaks that were fitted.

    Parameters
    ----------
    energy, counts, deviation : ndarray, shape (n,)
        NaN counts are left out.
    redchi : float
        Reduced chi-square of the peaks; NaN where there is none.
    n_free : int
        Number of their parameters.
    """
    known = np.isfinite(counts) & (deviation > 0)
    energy, counts, weights = energy[known], counts[known], 1 / deviation[known]
    n = counts.size
    if n <= _N_PARAMETERS + 2:
        return False
    best = min(
        (_fitted_step(energy, counts, weights, form) for form in _REACH), key=lambda one: one[0]
    )
    chisqr, seen = best
    peaks = redchi * max(n - n_free, 1) if np.isfinite(redchi) else np.inf
    scale = max(1.0, min(chisqr / (n - _N_PARAMETERS), redchi if np.isfinite(redchi) else np.inf))
    own = chisqr / scale + _N_PARAMETERS * np.log(n)
    return bool(seen and own < peaks / scale + n_free * np.log(n) + _FAVOR)


def _fitted_step(energy: Floats, counts: Floats, weights: Floats, form: str) -> tuple[float, bool]:
    """Chi-square of the best step, and whether both of its plateaus are seen."""
    from scipy.optimize import least_squares

    low, high = float(energy[0]), float(energy[-1])
    middle, span = (low + high) / 2, high - low
    x = (energy - middle) / span

    def columns(edge: float, width: float) -> Floats:
        step = _edge((energy - edge) / width, form)
        return np.stack([np.ones_like(x), x, step, x * step]) * weights

    def solved(edge: float, width: float) -> tuple[Floats, Floats]:
        own = columns(edge, width)
        terms = np.asarray(np.linalg.lstsq(own.T, counts * weights, rcond=None)[0])
        return np.asarray(counts * weights - terms @ own), terms

    def residual(at: Floats) -> Floats:
        return solved(float(at[0]), float(np.exp(at[1])))[0]

    step = float(np.median(np.diff(energy)))
    edges = np.linspace(low, high, _EDGES + 2)[1:-1]
    widths = np.geomspace(step / 2, span / 8, _WIDTHS)
    starts = [(edge, np.log(width)) for edge in edges for width in widths]
    start = min(starts, key=lambda at: float((residual(np.array(at)) ** 2).sum()))
    limits = ([low, np.log(step / 8)], [high, np.log(span)])
    found = least_squares(residual, start, bounds=limits, x_scale=(span / 50, 0.3), max_nfev=60)
    edge, width = float(found.x[0]), float(np.exp(found.x[1]))
    left, terms = solved(edge, width)
    reach = _REACH[form] * width
    seen = min(edge - low, high - edge) > max(_LEAST_PLATEAU * reach, 3 * step)
    # The upper plateau stays up: it neither falls as the flank of a line nor goes on rising.
    at_edge = terms[2] + terms[3] * (edge - middle) / span
    end = 0.5 if at_edge > 0 else -0.5
    kept = (terms[2] + terms[3] * end) / at_edge if at_edge != 0 else np.inf
    return float(left @ left), bool(seen and _LEAST_KEPT < kept < _MOST_KEPT)


def _edge(u: Floats, form: str) -> Floats:
    """Edge from 0 to 1 at u = 0."""
    from scipy.special import erfc, expit

    return np.asarray(expit(u) if form == "fermi" else erfc(-u) / 2)
