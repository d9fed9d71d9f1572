"""Peaks of a survey: where counts rise above the noise on a background with steps.

A filter, minus the second derivative of a Gaussian, is moved over the spectrum: it is blind to
straight backgrounds, and a step leaves little. It is used at several widths; a peak is where its
answer has a maximum beyond the noise at the narrowest of them, so that neighbors stay apart. How
its answers differ between two filters gives its width. The heights of all peaks together then
follow from non-negative least squares in the filtered spectrum, so that the foot of a strong peak
is no peak of its own.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.noise import noise_profile, smooth_level

__all__ = ["SurveyPeaks", "find_survey_peaks"]

Floats = npt.NDArray[np.float64]

_WIDTHS = (2.0, 3.0, 4.5, 7.0, 10.0)  # [eV] full widths of the filter
_LEAST_POINTS = 1.8  # points in the full width of the narrowest filter
_STEP = 0.5  # [eV] finer axes are binned to about this
_MEASURE = 1  # which of the filters gives heights and their errors
_WIDE = 3  # which of the filters gives widths together with the first
_ROUNDS = 2
_SIGNIFICANT = 3.4  # standard deviations of the filtered spectrum
# Ripples of a background, as a share of its level: no detector is known better over a survey.
_RIPPLE = 0.004
_APART = 0.75  # of the wider filter: closer maxima are one peak
_NARROWEST, _BROADEST = 1.0, 12.0  # [eV] full width of a peak
_FWHM = 2.3548
_END = 1.2  # full widths from the ends of the spectrum within which nothing is a peak


@dataclass(frozen=True)
class SurveyPeaks:
    """Peaks of one survey, in ascending binding energy.

    Attributes
    ----------
    energy, fwhm, height, area, significance : ndarray, shape (n,)
        Binding energy and width [eV]; height above the background [unit of the counts]; its area;
        the height in standard deviations of the noise, of the spectrum filtered at the width of
        the peak.
    grid, residual, error : ndarray, shape (points,)
        Binding energies, the height of a line there beside all peaks, and its standard deviation.
    """

    energy: Floats
    fwhm: Floats
    height: Floats
    area: Floats
    significance: Floats
    grid: Floats
    residual: Floats
    error: Floats

    @classmethod
    def none(cls, low: float, high: float) -> "SurveyPeaks":
        """No peaks, and nothing known of lines between these energies [eV]."""
        nothing, unknown = np.empty(0), np.full(2, np.inf)
        grid = np.array([low, high])
        return cls(nothing, nothing, nothing, nothing, nothing, grid, np.zeros(2), unknown)

    def upper_limit(self, energy: Floats) -> Floats:
        """Height that a line without a peak may have at these energies; NaN outside."""
        limit = np.maximum(self.residual, 0.0) + 2.0 * self.error
        return np.interp(energy, self.grid, limit, np.nan, np.nan)


def find_survey_peaks(binding: Floats, counts: Floats) -> SurveyPeaks:
    """Find the peaks of one survey.

    Parameters
    ----------
    binding, counts : ndarray, shape (n,)
        Ascending binding energies [eV] and finite counts.
    """
    grid, values, sigma = _even(binding, counts)
    step = float(grid[1] - grid[0])
    level = smooth_level(values)
    variance = sigma**2 + (_RIPPLE * np.maximum(level, 0.0)) ** 2
    widths = [width for width in _WIDTHS if width / step >= _LEAST_POINTS] or [_WIDTHS[-1]]
    answers = np.stack([_filtered(values, width / step) for width in widths])
    errors = np.stack([_filter_error(variance, width / step) for width in widths])
    places, chosen = _maxima(answers / errors, np.array(widths) / step)
    energy = np.array([_vertex(grid, answers[w], i) for i, w in zip(places, chosen, strict=True)])
    k = min(_MEASURE, len(widths) - 1)
    points = widths[k] / step
    pair = (0, min(_WIDE, len(widths) - 1))
    fwhm = _peak_widths(answers[pair, :][:, places], (widths[pair[0]], widths[pair[1]]))
    height, residual = _heights((grid, answers[k]), energy, fwhm, points)
    for _ in range(_ROUNDS if energy.size else 0):
        # The widths again, without what the other peaks answer at the place of each.
        lines = _drawn(grid, energy, fwhm).T
        own = np.stack(
            [_own_answers(answers[m], places, lines, height, widths[m] / step) for m in pair]
        )
        fwhm = _peak_widths(own, (widths[pair[0]], widths[pair[1]]))
        height, residual = _heights((grid, answers[k]), energy, fwhm, points)
    error = errors[k] / _gain(points)
    significance = np.zeros(energy.size)
    lines = _drawn(grid, energy, fwhm).T
    used = np.maximum(chosen, k)
    for m in np.unique(used):
        own_answer = _own_answers(answers[m], places, lines, height, widths[m] / step)
        significance = np.where(used == m, own_answer / errors[m][places], significance)
    significance = np.where(height > 0, significance, 0.0)
    kept = significance > _SIGNIFICANT
    # What a strong line leaves beside itself is no measure of a line that is not there.
    model = _drawn(grid, energy, fwhm) @ height if energy.size else np.zeros_like(grid)
    error = np.sqrt(error**2 + (0.05 * model) ** 2)
    return SurveyPeaks(
        energy[kept],
        fwhm[kept],
        height[kept],
        (height * fwhm * 1.0645)[kept],
        significance[kept],
        grid,
        residual,
        error,
    )


def _even(binding: Floats, counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Spectrum on even steps of half an eV or more, and the standard deviation of its points."""
    sigma = noise_profile(counts)
    step = float(np.median(np.diff(binding)))
    n = max(1, round(_STEP / step))
    if n > 1:
        size = counts.size // n * n
        binding, counts = (one[:size].reshape(-1, n).mean(axis=1) for one in (binding, counts))
        sigma = np.sqrt((sigma[:size].reshape(-1, n) ** 2).mean(axis=1) / n)
        step *= n
    grid = np.arange(binding[0], binding[-1] + step / 2, step)
    return grid, np.interp(grid, binding, counts), np.interp(grid, binding, sigma)


def _kernel(points: float) -> Floats:
    """Minus the second derivative of a Gaussian of this full width in points; its sum is 0."""
    deviation = points / _FWHM
    x = np.arange(-int(5 * deviation) - 1, int(5 * deviation) + 2) / deviation
    kernel = (1 - x**2) * np.exp(-(x**2) / 2)
    kernel -= kernel.mean()
    return np.asarray(kernel / np.sqrt((kernel**2).sum()))


def _filtered(values: Floats, points: float) -> Floats:
    from scipy.ndimage import correlate1d

    return np.asarray(correlate1d(values, _kernel(points), mode="reflect"))


def _filter_error(variance: Floats, points: float) -> Floats:
    from scipy.ndimage import correlate1d

    return np.asarray(np.sqrt(correlate1d(variance, _kernel(points) ** 2, mode="reflect")))


def _gain(points: float) -> float:
    """Answer to a Gaussian of height 1 by the filter of its own width, in points."""
    kernel = _kernel(points)
    x = (np.arange(kernel.size) - kernel.size // 2) / (points / _FWHM)
    return float(kernel @ np.exp(-(x**2) / 2))


def _maxima(ratio: Floats, points: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Places and filters of the peaks, shape (n,), in ascending place; ratio (filters, points)."""
    found: list[tuple[float, int, int]] = []
    for k, row in enumerate(ratio):
        inner = (row[1:-1] >= row[:-2]) & (row[1:-1] > row[2:]) & (row[1:-1] > _SIGNIFICANT)
        margin = _END * points[k]
        for i in np.flatnonzero(inner) + 1:
            if margin <= i <= row.size - 1 - margin:
                found.append((float(row[i]), int(i), k))
    kept: list[tuple[int, int]] = []
    for _, place, k in sorted(found, key=lambda one: (one[2], -one[0])):
        if all(abs(place - j) > _APART * max(points[k], points[m]) for j, m in kept):
            kept.append((place, k))
    kept.sort()
    places = np.array([i for i, _ in kept], dtype=np.intp)
    return places, np.array([k for _, k in kept], dtype=np.intp)


def _peak_widths(answers: Floats, widths: tuple[float, float]) -> Floats:
    """Full widths of peaks from the answers of a narrow and a wide filter, shape (2, n).

    A filter of width a answers to a Gaussian of width s in proportion to
    a**2.5 / (s**2 + a**2)**1.5.
    """
    narrow, wide = widths
    if narrow == wide:
        return np.full(answers.shape[1], narrow)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.maximum(answers[0], 0.0) / np.maximum(answers[1], 1e-300)
        ratio = (ratio * (wide / narrow) ** 2.5) ** (2 / 3)
        square = (wide**2 - ratio * narrow**2) / (ratio - 1)
    square = np.where(ratio > 1, square, _BROADEST**2)
    # A wide filter without an answer: a peak narrower than both.
    square = np.where(answers[1] > 0, square, 0.0)
    return np.asarray(np.clip(np.sqrt(np.maximum(square, 0.0)), _NARROWEST, _BROADEST))


def _own_answers(
    answer: Floats, places: npt.NDArray[np.intp], lines: Floats, height: Floats, points: float
) -> Floats:
    """Answers of a filter at the peaks, each without what the other peaks answer there."""
    columns = np.stack([_filtered(one, points)[places] for one in lines])
    return np.asarray(answer[places] - height @ columns + height * np.diagonal(columns))


def _vertex(grid: Floats, row: Floats, i: int) -> float:
    """Place of a maximum between points, by a parabola."""
    left, top, right = row[i - 1 : i + 2]
    bend = left - 2 * top + right
    part = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(grid[i] + np.clip(part, -0.5, 0.5) * (grid[1] - grid[0]))


def _drawn(grid: Floats, energy: Floats, fwhm: Floats) -> Floats:
    """Gaussians of height 1, shape (points, peaks)."""
    x = (grid[:, None] - energy) / (fwhm / _FWHM)
    return np.asarray(np.exp(-(x**2) / 2))


def _heights(
    answer: tuple[Floats, Floats], energy: Floats, fwhm: Floats, points: float
) -> tuple[Floats, Floats]:
    """Heights of all peaks together, and the height of a line at each point beside them.

    `answer`: energies, and the spectrum filtered with a width of `points`.
    """
    from scipy.optimize import nnls

    grid, filtered = answer
    gain = _gain(points)
    if energy.size == 0:
        return np.empty(0), filtered / gain
    columns = np.stack([_filtered(one, points) for one in _drawn(grid, energy, fwhm).T], axis=1)
    height, _ = nnls(columns, filtered)
    return height, (filtered - columns @ height) / gain
