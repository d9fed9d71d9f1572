"""Flags of fits: what the solver says, and whether the curve describes the spectrum.

**Misfit.** The residual of a right model is noise: its neighboring points are not correlated, and
its reduced chi-square is 1. The part of the residual that is no noise is smooth, and its square is
the covariance of neighboring points. With the correlation r of neighboring residuals, n points, the
reduced chi-square X and its error s, chi-square C, and the sum of squares L of the line of each
peak alone, in units of the noise, a fit is a misfit where

    r > 4 / root n,   X > 1 + 3 s   and   r C > 0.08^2 sum L,

so that the misfit is 8 % of the lines in root mean square. The last limit is there because no model
of a measured line is exact: at a million counts every fit leaves more than noise. Hand fits of
measured spectra stay below 7 %, fits that look wrong are above 10 %. Where X is above 10, which no
hand fit leaves, 2 % are enough. Of correlated noise X is that
over its density (`numerics.noise`). Where no peak was fitted, the last limit falls away, and it is
also enough that a point stands out by ten standard deviations (`numerics.raw_points.has_signal`): a
line of two points correlates nothing. Such a spectrum is never "only noise".

**Not raw.** Points are smoothed or interpolated where the noise is correlated (its density is above
1). A misfit looks like correlated noise, but only where the lines are: where the fit would be a
misfit if the noise were not correlated, the points farther than 1.5 widths from every line must
show it by themselves. Their second differences are then larger than their fourth.

**A window that cuts a peak.** The end of the window lies within half a width of the center of a
peak, or beyond it: its line does not fall to half within the window. Peaks count that have a tenth
of the largest height there. Where no peak was fitted, the mean of five points is largest at an end.
"""

from dataclasses import dataclass, replace
from math import comb

import numpy as np
import numpy.typing as npt

from xpsnet.data.status import Flags, Status, flags_of, has_flag
from xpsnet.fitting.model.parameters import FitParameters
from xpsnet.fitting.solve.solution import Solution
from xpsnet.numerics.raw_points import has_signal

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

CORRELATION_ERRORS, CHI_SQUARE_ERRORS = 4.0, 3.0
LEAST_MISFIT = 0.08
CLEAR_CHI_SQUARE, CLEAR_MISFIT = 10.0, 0.02
_LEAST_PART = 0.1  # of the largest height: peaks that are cut
_LEAST_CHI_SQUARE = 20.0  # of a line that is cut; see `fitting.select.n_peaks`
# Residual over the height of the tallest peak that is rounding of the numbers.
_EXACT = 1e-6
# The same of whole numbers with so many counts, which scatter by more than rounding does.
_ROUNDED, _MANY = 0.5, 100.0
# Correlation of neighboring residuals, beyond chance, of channels that count unlike each other.
_ALTERNATING = 0.25
# Points so many widths from every line are beside them; so few say nothing.
_BESIDE, _FEWEST_BESIDE = 1.5, 24
# Squared second difference over the fourth: mean, and median, which a forgotten line leaves alone.
_SMOOTH, _ALL_OVER = 1.1, 1.05
_FIVE = 5
# Correlation of neighboring residuals that is enough where no peak was fitted to few points.
_FEW_CORRELATION = 0.5


@dataclass(frozen=True)
class FitEvidence:
    """What is known of S finished fits of k peaks.

    Attributes
    ----------
    energy : ndarray, shape (n,)
    counts : ndarray, shape (S, n)
        NaN where a point did not count.
    center, fwhm, height, line_chi_square : ndarray, shape (S, k)
    redchi, correlation, noise, dof_noise, density : ndarray, shape (S,)
        As in `FitResults`.
    n_used, n_free : ndarray of int, shape (S,)
    """

    energy: Floats
    counts: Floats
    center: Floats
    fwhm: Floats
    height: Floats
    line_chi_square: Floats
    redchi: Floats
    correlation: Floats
    noise: Floats
    dof_noise: Floats
    density: Floats
    n_used: Integers
    n_free: Integers

    @property
    def n_peaks(self) -> int:
        """Number of peaks that were fitted."""
        return int(self.center.shape[1])


def solver_flags(solution: Solution, start: FitParameters, *, of_tables: bool = False) -> Flags:
    """Flags of what the solver says, shape (S,).

    Parameters
    ----------
    solution : Solution
    start : FitParameters
        Of the fit.
    of_tables : bool
        Whether the limits of fitted amounts of links (splittings, ratios) are those of the tables
        of levels: to end there is no fault of the fit.

    Notes
    -----
    A line that ended as a pure Gaussian or Lorentzian, or without asymmetry, is a line: these
    limits of the shape itself are none that an answer should keep away from. A background term
    that ended at 0 is simply absent.
    """
    n_shapes = len(start.layout.names) - len(start.layout.background_index)
    ended = solution.on_bound & ~_harmless(solution.values, start, of_tables)
    at_bound = ended[:, :n_shapes].any(axis=1)
    flags = flags_of(solution.code)
    flags |= np.where(at_bound, Status.AT_BOUND.flag, 0).astype(np.int32)
    flags |= np.where(solution.singular, Status.ILL_DETERMINED.flag, 0).astype(np.int32)
    return np.asarray(flags, dtype=np.int32)


def _harmless(values: Floats, start: FitParameters, of_tables: bool) -> Mask:
    """Entries on a limit of the shape that means a simpler shape, shape (S, m)."""
    natural = start.at_natural_limits()
    amounts = [of_tables and ("_offset_" in n or "_ratio_" in n) for n in start.layout.names]
    found = np.tile(np.array(amounts, dtype=bool), (len(values), 1))
    for name in start.layout.shape_parameters:
        if name in ("fraction", "asymmetry"):
            entries = start.layout.column(name)
            whole = name == "fraction"
            found[:, entries] = natural[entries] & (whole | (values[:, entries] <= 0))
    return found


def fit_flags(found: FitEvidence) -> Flags:
    """Flags of finished fits: misfit, cut off, not raw, unlike channels; shape (S,)."""
    flags = np.zeros(len(found.redchi), dtype=np.int32)
    smoothed = _is_smoothed(found)
    known = replace(found, density=np.where(smoothed, found.density, 1.0))
    misfit = is_misfit(known, clear=True)
    flags[misfit] |= Status.MISFIT.flag
    flags[is_cut_off(found, misfit)] |= Status.CUT_OFF.flag
    flags[smoothed | _is_exact(found)] |= Status.NOT_RAW.flag
    chance = CORRELATION_ERRORS / np.sqrt(np.maximum(found.n_used, 1))
    flags[found.correlation < -(_ALTERNATING + chance)] |= Status.SPIKES.flag
    if not found.n_peaks:
        # A misfit is more than noise, and so are channels that count unlike each other.
        nothing = ~has_flag(flags, Status.MISFIT, Status.SPIKES)
        flags[nothing] |= Status.NO_PEAKS.flag
    return flags


def is_misfit(found: FitEvidence, *, clear: bool = False) -> Mask:
    """Where the residual is no noise (see the module), shape (S,).

    `clear`: also where chi-square is far above that of noise and the misfit is smaller.
    """
    nu = np.maximum(found.n_used - found.n_free, 1)
    redchi = found.redchi / found.density
    error = np.sqrt(2 / nu + 2 / found.dof_noise)
    lines = found.line_chi_square.sum(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        misfit = redchi > 1 + CHI_SQUARE_ERRORS * error
        chance = CORRELATION_ERRORS / np.sqrt(np.maximum(found.n_used, 1))
        if not found.n_peaks:  # few points can correlate so much at most
            chance = np.minimum(chance, _FEW_CORRELATION)
        misfit &= found.correlation > chance
        least = np.where(clear & (redchi > CLEAR_CHI_SQUARE), CLEAR_MISFIT, LEAST_MISFIT)
        misfit &= found.correlation * found.redchi * nu > least**2 * lines
    if not found.n_peaks:
        misfit |= has_signal(found.counts)
    return np.asarray(misfit)


def is_cut_off(found: FitEvidence, misfit: Mask) -> Mask:
    """Where the window cuts a peak (see the module), shape (S,); `misfit`: from `is_misfit`."""
    if not found.n_peaks:
        return np.asarray(misfit & is_highest_at_an_end(found.counts))
    finite = np.isfinite(found.counts)
    first = found.energy[finite.argmax(axis=1)][:, None]
    last = found.energy[finite.shape[1] - 1 - finite[:, ::-1].argmax(axis=1)][:, None]
    outside = np.maximum(np.maximum(first - found.center, found.center - last), 0.0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        inside = found.height * np.exp2(-4 * (outside / found.fwhm) ** 2)
        cut = (found.center - found.fwhm / 2 < first) | (found.center + found.fwhm / 2 > last)
        cut &= inside > _LEAST_PART * inside.max(axis=1, keepdims=True)
        cut &= found.line_chi_square > _LEAST_CHI_SQUARE
    return np.asarray(cut.any(axis=1))


def is_highest_at_an_end(counts: Floats) -> Mask:
    """Where the mean of five points of counts (S, n) is largest at an end of the window."""
    if counts.shape[1] < 2 * _FIVE:
        return np.zeros(len(counts), dtype=bool)
    windows = np.lib.stride_tricks.sliding_window_view(counts, _FIVE, axis=1)
    mean = np.nan_to_num(windows.mean(axis=2), nan=-np.inf)
    at = mean.argmax(axis=1)
    return np.asarray((at < _FIVE) | (at >= mean.shape[1] - _FIVE))


def _is_smoothed(found: FitEvidence) -> Mask:
    """Where points beside the lines are correlated (see the module), shape (S,)."""
    smoothed = np.asarray(found.density > 1.0)
    doubtful = smoothed & is_misfit(replace(found, density=np.ones_like(found.density)))
    rows = np.flatnonzero(doubtful)
    if not rows.size:
        return smoothed
    away = np.abs(found.energy - found.center[rows][:, :, None])
    inside = (away < _BESIDE * found.fwhm[rows][:, :, None]).any(axis=1)
    points = np.where(inside, np.nan, found.counts[rows])
    second, fourth = (_squares(points, order) for order in (2, 4))
    few = np.isfinite(fourth).sum(axis=1) < _FEWEST_BESIDE
    rows, second, fourth = rows[~few], second[~few], fourth[~few]  # numpy warns of empty rows
    all_over = np.nanmedian(second, axis=1) > _ALL_OVER * np.nanmedian(fourth, axis=1)
    smoothed[rows] = all_over & (np.nanmean(second, axis=1) > _SMOOTH * np.nanmean(fourth, axis=1))
    return smoothed


def _squares(points: Floats, order: int) -> Floats:
    """Squared differences (S, n - order), scaled to the variance of a point; NaN at gaps."""
    return np.asarray(np.diff(points, order, axis=1) ** 2 / comb(2 * order, order))


def _is_exact(found: FitEvidence) -> Mask:
    """Where nothing but rounding is left, shape (S,)."""
    if not found.n_peaks:
        return np.zeros(len(found.redchi), dtype=bool)
    with np.errstate(invalid="ignore"):
        left, top = found.noise * np.sqrt(found.redchi), found.height.max(axis=1)
        exact = left < _EXACT * top
        rounded = (left < _ROUNDED) & (top > _MANY)
    for row in np.flatnonzero(rounded & ~exact):
        points = found.counts[row][np.isfinite(found.counts[row])]
        exact[row] = (points == np.floor(points)).all()
    return np.asarray(exact)
