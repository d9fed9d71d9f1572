"""Noise of spectra, estimated from the spectra themselves.

Counts in files are rarely Poisson distributed: detectors share counts between channels, software
averages, rescales and subtracts. The variance measured on flat parts is 0.01 to 10 times the
counts, so that ``sqrt(counts)`` is not a noise estimate. Here the noise is estimated from fourth
differences, which are zero for every cubic. A pseudo-Voigt line (fraction 0.3) sampled with five
points per full width leaves at most 9 % of its height in second differences, 3 % in third, 2 % in
fourth and 1 % in sixth differences (all scaled to the noise of a point). Each order adds some 5 %
of scatter; fourth differences are the best compromise for crowded spectra of 40 to 400 points.
Where a curve was fitted, the differences of its residual leave nothing of the lines
(`noise_of_residuals`), and little of what the curve misses.

**The model.** The variance of a point is

    floor + gain x level

`gain` alone for plain counts, where it is 1; both after a background was subtracted; `floor` alone
for noise that does not depend on the signal. The share f of the floor in the variance at the mean
level is not known. Its values on a grid are weighed by their likelihood, after a prior that gives
four fifths to f = 0; where the counts come in multiples of a quantum, exactly that gain and no
floor (a counting detector) has 0.6 times the prior of all others. The estimate is the mean over
all of them, so that no small change of the data switches from one model to another.

**Degrees of freedom.** The logarithm of an estimated variance of d degrees of freedom has the
variance 2 / d. `NoiseModel.dof` is the d that belongs to the variance of the logarithm under the
weights above; infinity where the data leave nothing but a counting detector. Intervals that are
built with an estimated noise are those of Student's t with so many degrees of freedom.

**Correlated noise.** `NoiseModel.density` says how much larger the spectral density of the noise at
frequency 0 is than the variance from the differences (`numerics.correlated_noise`). Fits and the
number of peaks go by the latter; the errors, `noise` and `redchi` that are reported by the density.

Nothing here depends on the direction of the axis or on the unit of the counts.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d
from scipy.special import logsumexp, stdtrit

from xpsnet.numerics.correlated_noise import correlation_density, total
from xpsnet.numerics.differences import (
    INFORMATION,
    MAX_ORDER,
    MEDIAN_TO_SIGMA,
    as_rows,
    differences,
    in_blocks,
    mean_squares,
    median,
    order_of,
    parabola_weights,
    without_outliers,
)

__all__ = [
    "FEW_QUANTA",
    "KNOWN_BY",
    "NoiseModel",
    "counting_quantum",
    "estimate_noise",
    "interval_reach",
    "noise_of_counts",
    "noise_of_residuals",
    "noise_profile",
    "smooth_level",
    "spectra_differ",
]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

# It keeps 96 % of the height of a line of five points per full width, a moving mean of that
# length 79 %.
_SMOOTHING = parabola_weights(7)
# Shares of the floor in the variance at the mean level, and their prior.
_FLOOR_SHARES = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0])
_NO_FLOOR_PRIOR = 0.8
_COUNTING_ODDS = 0.6  # of exactly one quantum against any other variance
_DISPERSION_WIDTH = 0.7  # prior of ln(gain / quantum): standard deviation
_LEAST_SHAPE = 1e-6
_FINE_SHARES = 9
_WORST = 1e290  # score of what is impossible, of which many have a sum
_KNOWN = 1e-9  # error of the logarithm of a variance that counts as none
# A spectrum is left out of the common noise whose variance is so many standard errors and this
# logarithm away from the median.
_UNLIKE, _UNLIKE_MARGIN = 5.0, 0.7
_DIFFERENT = 4.0  # standard errors by which the spread of single gains is above chance
# A quantum must be so many times larger than the rounding of the numbers.
_CLEAR_OF_ROUNDING = 100.0

# Smoothed counts below this many quanta do not give the variance of a point: their own relative
# error is then above a tenth. The variance has to follow a fitted curve.
FEW_QUANTA = 30.0
# What a common noise is stated by: in attributes of results, and by the user.
KNOWN_BY = ("gain", "floor", "dof", "density")
# Degrees of freedom from which on Student's t is normal to six digits.
_NORMAL = 1e7


@dataclass(frozen=True)
class NoiseModel:
    """Variance of points as ``floor + gain x level``, for all spectra or one by one.

    Attributes
    ----------
    floor : ndarray, shape (1,) or (S,)
        Variance without signal [square of the unit of the counts].
    gain : ndarray, shape (1,) or (S,)
        Variance per count [unit of the counts]: 1 for a counting detector.
    dof : ndarray, shape (1,) or (S,)
        Degrees of freedom of the estimate; infinity where it is known.
    density : ndarray, shape (1,) or (S,)
        Spectral density of the noise at frequency 0 over this variance: 1 for independent points,
        and the factor of squared errors where they are correlated.
    """

    floor: Floats
    gain: Floats
    dof: Floats
    density: Floats

    @classmethod
    def known(
        cls, gain: float, floor: float = 0.0, dof: float = np.inf, density: float = 1.0
    ) -> "NoiseModel":
        """The same model for all spectra."""
        return cls(*(np.array([value]) for value in (floor, gain, dof, density)))

    @classmethod
    def independent(cls, floor: Floats, gain: Floats, dof: Floats) -> "NoiseModel":
        """A model of points that are not correlated."""
        return cls(floor, gain, dof, np.ones_like(gain))

    @classmethod
    def of_attributes(cls, attrs: Mapping[Hashable, Any]) -> "NoiseModel | None":
        """The common model that the attributes of a result hold; None where they hold none."""
        if "noise_gain" not in attrs:
            return None
        return cls.known(**{name: float(attrs[f"noise_{name}"]) for name in KNOWN_BY})

    @property
    def attributes(self) -> dict[str, float]:
        """Attributes of a result, for `of_attributes`; none where every spectrum has its own."""
        if not self.is_shared:
            return {}
        return {f"noise_{name}": float(getattr(self, name)[0]) for name in KNOWN_BY}

    @property
    def is_shared(self) -> bool:
        """Whether all spectra have the same model."""
        return self.gain.size == 1

    def rows(self, chosen: npt.NDArray[np.generic] | slice) -> "NoiseModel":
        """The model of some of the spectra."""
        if self.is_shared:
            return self
        own = (self.floor, self.gain, self.dof, self.density)
        return NoiseModel(*(values[chosen] for values in own))

    def deviation(self, level: Floats) -> Floats:
        """Standard deviation of points of these levels (S, n), positive where one is finite.

        A level counts as at least one quantum of the gain.
        """
        floor, gain = self.floor[:, None], self.gain[:, None]
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(np.sqrt(floor + gain * np.maximum(level, gain)))

    def follows_curve(self, level: Floats) -> npt.NDArray[np.bool_]:
        """Where the variance must follow the fitted curve: few counts somewhere; shape (S,)."""
        if level.shape[1] == 0:
            return np.zeros(len(level), dtype=bool)
        finite = np.isfinite(level)
        lowest = np.where(finite.any(axis=1), np.where(finite, level, np.inf).min(axis=1), 0.0)
        return np.asarray(
            (self.gain > 0) & (self.floor + self.gain * lowest < FEW_QUANTA * self.gain**2)
        )


def interval_reach(dof: float, level: float) -> float:
    """Half of the stated interval in standard errors: the quantile of Student's t.

    Parameters
    ----------
    dof : float
        Degrees of freedom of the noise; infinity where it is known.
    level : float
        Probability of the interval.
    """
    return float(stdtrit(min(dof, _NORMAL), (1 + level) / 2))


def estimate_noise(counts: npt.ArrayLike) -> Floats:
    """Estimate one standard deviation per spectrum, robust against peaks and spikes.

    The median absolute fourth difference, scaled to the standard deviation of independent normal
    errors; the root mean square where more than half of the differences are zero (few counts).
    Too low where errors of neighboring points are correlated (see the module), and up to some 25 %
    too high where lines of five points per full width, a few hundred times above the noise, fill
    most of the spectrum. Spectra of less than six points use differences of lower order.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Spectra on an axis of about equal steps; NaN points are left out.

    Returns
    -------
    ndarray, shape (...)
        Standard deviation [unit of `counts`]; 0 for constant spectra, NaN where fewer than two
        points are finite.
    """
    rows, batch = as_rows(counts)
    sigma = np.full(len(rows), np.nan)

    def fill(members: Indices, _: Indices, dense: Floats) -> None:
        if dense.shape[1] > 1:
            sigma[members] = _sigma(differences(dense))

    in_blocks(fill, rows)
    return sigma.reshape(batch)


def noise_profile(counts: npt.ArrayLike, quantum: float = np.nan) -> Floats:
    """Estimate the standard deviation of every point, each spectrum by itself.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Spectra on an axis of about equal steps; NaN points are left out.
    quantum : float
        As for `noise_of_counts`.

    Returns
    -------
    ndarray, shape (..., n)
        Standard deviation [unit of `counts`], positive wherever `counts` is finite, NaN elsewhere.
        For a spectrum without any variation it is a millionth of the largest absolute value, or
        1 where that is zero.
    """
    rows, batch = as_rows(counts)
    model = noise_of_counts(rows, quantum, shared=False)
    return model.deviation(smooth_level(rows)).reshape(*batch, rows.shape[-1])


def smooth_level(counts: npt.ArrayLike) -> Floats:
    """Smoothed signal of every spectrum: parabolas through seven points.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        NaN points are left out.

    Returns
    -------
    ndarray, shape (..., n)
        NaN where `counts` is not finite. The mean of the spectrum where it has less than 7 points.
    """
    rows, batch = as_rows(counts)
    level = np.full(rows.shape, np.nan)

    def fill(members: Indices, places: Indices, dense: Floats) -> None:
        level[members[:, None], places] = _smooth(dense)

    in_blocks(fill, rows)
    return level.reshape(*batch, rows.shape[-1])


def counting_quantum(counts: npt.ArrayLike) -> float:
    """Step in which counts come: 1 for whole numbers, the largest common divisor of others.

    Rates keep the steps of the counts from which they were divided.

    Parameters
    ----------
    counts : array_like
        Of any shape; NaN is left out. float32 is rounded more than float64.

    Returns
    -------
    float
        NaN where the numbers have no common step, are negative, or are all the same.
    """
    array = np.asarray(counts)
    values = array[np.isfinite(array)] if array.dtype.kind == "f" else array.ravel()
    if values.size < 2:
        return np.nan
    low, high = float(values.min()), float(values.max())
    if low < 0 or low == high:
        return np.nan
    if array.dtype.kind in "iu" or bool((values == np.floor(values)).all()):
        whole = np.unique(values.astype(np.float64))
        return float(np.gcd.reduce(whole.astype(np.int64))) if high < 2**62 else np.nan
    rounding = 4 * float(np.finfo(array.dtype).eps) * high
    distinct = np.unique(values).astype(np.float64)
    divisor = float(np.diff(distinct).min())
    for _ in range(64):
        if not divisor > _CLEAR_OF_ROUNDING * rounding:
            return np.nan
        sharp = _sharpened(divisor, distinct, rounding)
        if np.abs(distinct - sharp * np.round(distinct / sharp)).max() <= 4 * rounding:
            return sharp
        rest = np.abs(distinct - divisor * np.round(distinct / divisor))
        # Euclid's algorithm on all numbers at once.
        divisor = float(rest[rest > 4 * rounding].min())
    return np.nan


def _sharpened(divisor: float, values: Floats, rounding: float) -> float:
    """A divisor with the precision of the largest value whose multiple is certain."""
    error = 2 * rounding
    for _ in range(8):
        near = values[values * error < 0.25 * divisor**2]
        times = np.round(near / divisor)
        if not times.any():
            break
        divisor = float(times @ near / (times @ times))
        error = 2 * rounding / float(times.max())
    return divisor


# Squares of counts of 1e160 and more overflow; such a spectrum has no finite noise, and no fit.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def noise_of_counts(counts: Floats, quantum: float = np.nan, *, shared: bool = True) -> NoiseModel:
    """Noise of spectra before anything was fitted to them.

    Parameters
    ----------
    counts : ndarray, shape (S, n)
        NaN points are left out.
    quantum : float
        Step of a counting detector, which is then the most likely gain; NaN where there is none.
        Where all smoothed counts are below 30 quanta it is taken without a test: smoothed counts
        are then too noisy for one.
    shared : bool
        One model for all spectra, or one for each.
    """
    level = smooth_level(counts)
    top = np.where(np.isfinite(level), level, -np.inf).max(axis=1, initial=-np.inf)
    model = _noise(counts, level, quantum, shared=shared)
    few = top < FEW_QUANTA * quantum
    if shared:
        few = np.array([few.all()])
    if few.any():
        model = NoiseModel.independent(
            np.where(few, 0.0, model.floor),
            np.where(few, quantum, model.gain),
            np.where(few, np.inf, model.dof),
        )
    return model


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def noise_of_residuals(
    counts: Floats,
    curve: Floats,
    quantum: float = np.nan,
    *,
    n_fitted: Floats | None = None,
    shared: bool = True,
) -> NoiseModel:
    """Noise of spectra after curves were fitted to them.

    Parameters
    ----------
    counts : ndarray, shape (S, n)
        NaN points are left out.
    curve : ndarray, shape (S, n)
        Fitted curves; spectra whose curve is not finite are treated as in `noise_of_counts`.
    quantum, shared
        As for `noise_of_counts`.
    n_fitted : ndarray, shape (S,), optional
        Numbers of fitted parameters. Differences do not see what these take from the residual; the
        density at frequency 0 of correlated noise does.
    """
    fitted = np.asarray(np.isfinite(curve).all(axis=1))[:, None]
    level = np.where(fitted, curve, smooth_level(counts))
    model = _noise(counts - np.where(fitted, curve, 0.0), level, quantum, shared=shared)
    if not fitted.any():
        return model
    taken = np.zeros(len(counts)) if n_fitted is None else n_fitted
    taken = np.where(fitted[:, 0], taken, 0.0)
    residual = np.where(fitted, counts - curve, np.nan)
    deviation = model.deviation(level)
    factor, limit = correlation_density(
        residual / deviation, level / deviation, taken, shared=shared
    )
    return NoiseModel(model.floor, model.gain, np.minimum(model.dof, limit), factor)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def spectra_differ(counts: Floats, curve: Floats, model: NoiseModel) -> bool:
    """Whether spectra have different noises: another gain each, or another unit.

    The variance of the logarithms of the single variances is compared with that of chance.

    Parameters
    ----------
    counts, curve : ndarray, shape (S, n)
        As for `noise_of_residuals`; spectra without a curve are left out.
    model : NoiseModel
        The common one.
    """
    fitted = np.asarray(np.isfinite(curve).all(axis=1))
    if fitted.sum() < 2:
        return False
    curve, counts = curve[fitted], counts[fitted]
    square, dof = mean_squares((counts - curve) / model.deviation(curve))
    good = (dof > 1) & (square > 0)
    if good.sum() < 2:
        return False
    # Squares of few counts scatter more than those of a normal distribution.
    quanta = np.nanmean(np.maximum(curve, model.gain[0]), axis=1) / max(model.gain[0], 1e-300)
    chance = float(np.mean((2 + INFORMATION[MAX_ORDER] / quanta[good]) / dof[good]))
    logs = np.log(square[good])
    off = logs - np.median(logs)
    reach = _DIFFERENT * np.sqrt(chance)  # a few bad fits count no more than this
    spread = float(np.mean(np.clip(off, -reach, reach) ** 2))
    return bool(spread > chance * (1 + _DIFFERENT * np.sqrt(2 / logs.size)))


def _noise(residual: Floats, level: Floats, quantum: float, *, shared: bool) -> NoiseModel:
    """Noise from the differences of a residual (or of a spectrum itself) and the levels."""
    if len(residual) == 0:
        return NoiseModel.independent(*(np.ones(1 if shared else 0) for _ in range(3)))
    mean, top = _mean_and_top(level)
    if shared:
        mean = np.full(len(mean), np.median(mean[mean > 0]) if (mean > 0).any() else 1.0)
        known = np.isfinite(top)
        top = np.array([np.median(top[known]) if known.any() else 1.0])
    mean = np.where(mean > 0, mean, 1.0)
    prior = np.full(_FLOOR_SHARES.size, (1 - _NO_FLOOR_PRIOR) / (_FLOOR_SHARES.size - 1))
    prior[0] = _NO_FLOOR_PRIOR
    grid = _Grid(_FLOOR_SHARES, prior)
    sums = _sums(residual, level, mean, grid.shares, shared=shared)
    model, best = _posterior(sums, grid, quantum, top)
    if shared and len(residual) > 1:
        # Many spectra tell shares apart that lie between those of the grid.
        low, high = max(best - 1, 0), min(best + 1, grid.shares.size - 1)
        shares = np.linspace(grid.shares[low], grid.shares[high], _FINE_SHARES)
        grid = _Grid(shares, np.where(shares == 0.0, _NO_FLOOR_PRIOR, 1 / _FINE_SHARES))
        sums = _sums(residual, level, mean, grid.shares, shared=True)
        model, _ = _posterior(sums, grid, quantum, top)
    return _with_fallback(model, residual, sums.unit, sums.dof)


class _Grid(NamedTuple):
    """Shares of the floor and their prior, shape (F,)."""

    shares: Floats
    prior: Floats


class _Sums(NamedTuple):
    """Sums over points, of every spectrum (R = S) or of all together (R = 1).

    Attributes
    ----------
    mean : ndarray, shape (R,)
        Mean level, to which the shares of the floor refer.
    dof : ndarray, shape (R,)
        Independent squares.
    squares, logs : ndarray, shape (R, F)
        Of squared differences over the shape of the variance, and of the logarithm of that shape
        (1 at the mean level), as if there were `dof` terms.
    counting, counting_logs : ndarray, shape (R,)
        The same for the level itself, over the mean level.
    unit : ndarray, shape (R,)
        Of squared differences.
    """

    mean: Floats
    dof: Floats
    squares: Floats
    logs: Floats
    counting: Floats
    counting_logs: Floats
    unit: Floats


def _sums(residual: Floats, level: Floats, mean: Floats, shares: Floats, *, shared: bool) -> _Sums:
    """Sums over points; spikes are left out."""
    n, n_shares = len(residual), shares.size
    dof, counting, counting_logs, unit = (np.zeros(n) for _ in range(4))
    squares, logs = np.zeros((n, n_shares)), np.zeros((n, n_shares))

    def fill(members: Indices, places: Indices, dense: Floats) -> None:
        if dense.shape[1] < 2:
            return
        order = order_of(dense.shape[1])
        found = differences(dense) ** 2
        at = level[members[:, None], places]
        at = at[:, order // 2 : order // 2 + found.shape[1]]
        kept = without_outliers(found, at)
        found = np.where(kept, found, 0.0)
        information = INFORMATION[order]
        dof[members] = information * kept.sum(axis=1)
        unit[members] = found.sum(axis=1)
        relative = np.maximum(at / mean[members, None], _LEAST_SHAPE)
        counting[members] = information * (found / relative).sum(axis=1)
        counting_logs[members] = information * np.where(kept, np.log(relative), 0.0).sum(axis=1)
        for k, share in enumerate(shares):
            shape = (1 - share) * relative + share
            squares[members, k] = information * (found / shape).sum(axis=1)
            logs[members, k] = information * np.where(kept, np.log(shape), 0.0).sum(axis=1)

    in_blocks(fill, residual)
    sums = _Sums(mean, dof, squares, logs, counting, counting_logs, unit)
    if not shared:
        return sums
    alike = _alike(sums)
    return _Sums(mean[:1], *(total(values[alike]) for values in sums[1:]))


def _alike(sums: _Sums) -> npt.NDArray[np.bool_]:
    """Spectra whose variance is like that of most: a bad one must not spoil the common noise."""
    measured = (sums.dof > 0) & (sums.unit > 0)
    if not measured.any():
        return measured
    dof = np.where(measured, sums.dof, 1.0)
    logs = np.log(sums.squares / dof[:, None])
    score = np.where(measured[:, None], -(dof[:, None] * logs + sums.logs) / 2, 0.0)
    own = logs[:, int(score.sum(axis=0).argmax())]
    off = np.abs(own - np.median(own[measured]))
    return np.asarray(measured & (off <= _UNLIKE * np.sqrt(2 / dof) + _UNLIKE_MARGIN))


def _posterior(sums: _Sums, grid: _Grid, quantum: float, top: Floats) -> tuple[NoiseModel, int]:
    """Mean over the shares of the floor (see the module), and the likeliest share of all rows."""
    n, mean = sums.dof[:, None], sums.mean[:, None]
    variance = sums.squares / n  # at the mean level
    score = np.log(grid.prior) - (n * np.log(variance) + sums.logs + n) / 2
    error = np.broadcast_to(2 / n, score.shape)
    shares = grid.shares
    finite = np.clip(np.nan_to_num(score, nan=-np.inf), -_WORST, _WORST)
    best = int(finite.sum(axis=0).argmax())
    if quantum > 0:
        poisson = quantum * mean
        off = np.log(variance / poisson) / _DISPERSION_WIDTH
        # Integral over the unknown variance, whose logarithm has the error root (2 / n).
        score = score - off**2 / 2 + np.log(2 / n) / 2 - np.log(_DISPERSION_WIDTH)
        exact = -(sums.counting[:, None] / poisson + sums.counting_logs[:, None]) / 2
        exact = exact - n * np.log(poisson) / 2 + np.log(_COUNTING_ODDS)
        score = np.concatenate([score, exact], axis=1)
        variance = np.concatenate([variance, poisson], axis=1)
        error = np.concatenate([error, np.zeros_like(poisson)], axis=1)
        shares = np.append(shares, 0.0)
    score = np.where(np.isfinite(score), score, -np.inf)
    weight = np.exp(score - logsumexp(score, axis=1, keepdims=True))
    floor = (weight * variance * shares).sum(axis=1)
    gain = (weight * variance * (1 - shares)).sum(axis=1) / sums.mean
    total = np.zeros(len(floor))
    for level in (sums.mean, top):
        shape = (1 - shares) * (level[:, None] / mean) + shares
        logs = np.log(np.maximum(variance * shape, np.finfo(float).tiny))
        middle = (weight * logs).sum(axis=1, keepdims=True)
        total += (weight * (error + (logs - middle) ** 2)).sum(axis=1) / 2
    known = total < _KNOWN
    dof = np.where(known, np.inf, 2 / np.where(known, 1.0, total))
    return NoiseModel.independent(floor, gain, dof), best


def _with_fallback(model: NoiseModel, residual: Floats, unit: Floats, dof: Floats) -> NoiseModel:
    """The model, with a small constant where nothing varies."""
    shared = model.is_shared and len(residual) != 1
    largest = np.abs(np.where(np.isfinite(residual), residual, 0.0)).max(axis=1, initial=0.0)
    if shared:
        largest, unit = largest.max(initial=0.0, keepdims=True), unit.sum(keepdims=True)
    nothing = ~(unit > 0) | ~np.isfinite(model.floor + model.gain)
    small = np.where(largest > 0, 1e-6 * largest, 1.0) ** 2
    return NoiseModel.independent(
        np.where(nothing, small, model.floor),
        np.where(nothing, 0.0, model.gain),
        np.where(nothing, np.maximum(dof, 1.0), model.dof),
    )


def _mean_and_top(level: Floats) -> tuple[Floats, Floats]:
    """Mean and largest level of every row; 0 and NaN where there is none."""
    finite = np.isfinite(level)
    known = np.where(finite, np.maximum(level, 0.0), 0.0)
    number = finite.sum(axis=1)
    mean = known.sum(axis=1) / np.maximum(number, 1)
    return mean, np.where(number > 0, known.max(axis=1, initial=0.0), np.nan)


def _sigma(differences: Floats) -> Floats:
    """Standard deviation from scaled absolute differences along the last axis."""
    middle = median(differences) / MEDIAN_TO_SIGMA
    mean = np.sqrt(np.mean(differences**2, axis=-1))
    return np.where(middle > 0, middle, mean)


def _smooth(dense: Floats) -> Floats:
    """Parabolas through seven points; mirrored at both ends."""
    if dense.shape[1] < _SMOOTHING.size:
        return np.broadcast_to(dense.mean(axis=1, keepdims=True), dense.shape)
    return np.asarray(correlate1d(dense, _SMOOTHING, axis=1, mode="mirror"))
