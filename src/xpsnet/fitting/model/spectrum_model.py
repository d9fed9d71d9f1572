"""The curve of a spectrum, its weighted residual, and their exact derivatives.

The model of one spectrum is

    y(E) = S(E) + sum_t c_t B_t(E; S),     S(E) = sum_k f(E; center_k, fwhm_k, height_k, ...)

with line shapes f and background terms B_t. An active background (Shirley, Tougaard) is a
linear functional of the noise-free sum of peaks S, and a constant or slope does not depend on S
at all. So for a parameter p of a peak

    dy/dp = df/dp + sum_{t active} c_t B_t(E; df/dp),      dy/dc_t = B_t(E; S)

which is exact and costs one pass of the functional over the derivatives of the peaks.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from xpsnet.fitting.model.parameter_map import Floats, Layout
from xpsnet.fitting.model.parameters import ACTIVE_TERMS, LEAST_EXPECTED
from xpsnet.numerics.backgrounds import BACKGROUNDS, background_columns
from xpsnet.numerics.peak_shapes import LineShapes, lines, lines_and_derivatives


@dataclass(frozen=True)
class SpectrumModel:
    """A sum of line shapes and a background over one energy axis.

    Attributes
    ----------
    line_shape : str or tuple of str
        Key of `LINE_SHAPES`, or one for each peak.
    background : str
        Key of `BACKGROUNDS`.
    energy : ndarray, shape (n,)
        Energies [eV], larger = more bound, in either direction.
    layout : Layout
        What the entries of the flat parameters are.
    """

    line_shape: LineShapes
    background: str
    energy: Floats
    layout: Layout

    @cached_property
    def _active(self) -> npt.NDArray[np.bool_]:
        """Which background terms follow the peaks."""
        return np.array([term in ACTIVE_TERMS for term in BACKGROUNDS[self.background]], bool)

    @cached_property
    def _still(self) -> Floats:
        """Columns of the background without peaks, shape (n, n_terms)."""
        return background_columns(self.background, self.energy, np.zeros_like(self.energy))

    def _columns(self, peaks: Floats) -> Floats:
        """Background columns for sums of peaks, shape (..., n, n_terms)."""
        if self._active.any():
            return background_columns(self.background, self.energy, peaks)
        return np.broadcast_to(self._still, (*peaks.shape, self._active.size))

    def curve(self, values: Floats) -> Floats:
        """Value of the model at every energy, shape (n,)."""
        peaks = self._peaks(values)
        columns = self._columns(peaks)
        return np.asarray(peaks + columns @ values[self.layout.background_index])

    def curves(self, values: Floats) -> Floats:
        """Curves of many spectra without links (S, m), shape (S, n); peaks of NaN are left out."""
        peaks = self.lines(values)
        coefficients = values[:, self.layout.background_index, None]
        return np.asarray(peaks + (self._columns(peaks) @ coefficients)[..., 0])

    def lines(self, values: Floats) -> Floats:
        """Sums of the peaks of many spectra without links (S, m), shape (S, n)."""
        peaks = np.zeros((len(values), self.energy.size))
        for k, name in enumerate(self.layout.shape_names):
            entries = self.layout.peak_index[k, ~self.layout.absent[k]]
            peaks += lines(name, self.energy, *(values[:, entries].T[..., None]))[:, 0]
        return peaks

    def columns(self, values: Floats) -> Floats:
        """Background columns that belong to these peaks, shape (n, n_terms)."""
        return self._columns(self._peaks(values))

    def components(self, values: Floats) -> Floats:
        """One curve per peak, shape (n_peaks, n)."""
        if self.layout.n_peaks == 0:
            return np.empty((0, self.energy.size))
        shapes = self.layout.shapes(values)
        return lines(self.line_shape, self.energy, *shapes.T)

    def _peaks(self, values: Floats) -> Floats:
        """Sum of all peaks, shape (n,)."""
        return np.asarray(self.components(values).sum(axis=0))

    def curve_and_jacobian(self, values: Floats) -> tuple[Floats, Floats]:
        """Value of the model and its derivatives.

        Parameters
        ----------
        values : ndarray, shape (n_parameters,)
            Flat parameters.

        Returns
        -------
        curve : ndarray, shape (n,)
        jacobian : ndarray, shape (n_parameters, n)
            Derivative by every flat parameter, over all peaks that depend on it.
        """
        layout, n_peaks = self.layout, self.layout.n_peaks
        coefficients = values[layout.background_index]
        jacobian = np.zeros((len(layout.names), self.energy.size))
        peaks = np.zeros_like(self.energy)
        if n_peaks:
            shapes = layout.shapes(values)
            components, derivatives = lines_and_derivatives(self.line_shape, self.energy, *shapes.T)
            peaks = components.sum(axis=0)
            jacobian = layout.by_entries(values, derivatives)
        columns = self._columns(peaks)
        if n_peaks and self._active.any():
            of_peaks = jacobian[: layout.background_index[0]]
            response = self._columns(of_peaks)[..., self._active]
            of_peaks += response @ coefficients[self._active]
        jacobian[layout.background_index] = columns.T
        return peaks + columns @ coefficients, jacobian


@dataclass(frozen=True)
class Problem:
    """One spectrum to be fitted.

    Attributes
    ----------
    model : SpectrumModel
        Over the whole axis, so that the background does not depend on missing points.
    counts : ndarray, shape (n,)
        Measured; NaN where a point is missing.
    weights : ndarray, shape (n,)
        1 / standard deviation of every point; 0 where a point is missing.
    variance : (ndarray, float), shape (n,)
        Floor and gain: where the gain is above 0 the variance is floor + gain x curve, and the
        deviance is minimized. `weights` then only say which points count.
    """

    model: SpectrumModel
    counts: Floats
    weights: Floats
    variance: tuple[Floats, float]

    @cached_property
    def used(self) -> npt.NDArray[np.bool_]:
        """Points that count, shape (n,)."""
        return np.asarray(np.isfinite(self.counts) & (self.weights > 0))

    @cached_property
    def _picked(self) -> tuple[Floats, Floats]:
        """Counts and weights of the used points."""
        return self.counts[self.used], self.weights[self.used]

    @property
    def n_points(self) -> int:
        """Number of points that count."""
        return int(self.used.sum())

    def residual_and_jacobian(self, values: Floats) -> tuple[Floats, Floats]:
        """What is squared and minimized, and its derivatives.

        Returns
        -------
        residual : ndarray, shape (n_points,)
            (curve - counts) x weights; of the deviance the root of every term, with that sign.
        jacobian : ndarray, shape (n_parameters, n_points)
        """
        counts, weights = self._picked
        curve, jacobian = self.model.curve_and_jacobian(values)
        curve, jacobian = curve[self.used], jacobian[:, self.used]
        floor, gain = self.variance
        if gain > 0:
            residual, slope = deviance_residual(curve, counts, floor[self.used], gain)
            return residual, jacobian * slope
        return (curve - counts) * weights, jacobian * weights

    def weighted_at(self, values: Floats) -> tuple[Floats, Floats]:
        """(curve - counts) / standard deviation and its derivatives, for errors; shapes as above.

        The standard deviation is that of the curve where the variance follows it.
        """
        curve, jacobian = self.model.curve_and_jacobian(values)
        curve, weights = curve[self.used], self._weights_at(curve)
        return (curve - self.counts[self.used]) * weights, jacobian[:, self.used] * weights

    def weighted_lines(self, values: Floats) -> Floats:
        """Each line / standard deviation, shape (n_peaks, n_points)."""
        lines = self.model.components(values)[:, self.used]
        return lines * self._weights_at(self.model.curve(values))

    def _weights_at(self, curve: Floats) -> Floats:
        """1 / standard deviation of the used points."""
        floor, gain = self.variance
        if not gain > 0:
            return self.weights[self.used]
        expected = (curve[self.used] * gain + floor[self.used]) / gain**2
        return np.asarray(1 / (gain * np.sqrt(np.maximum(expected, LEAST_EXPECTED))))


def deviance_residual(
    curve: Floats, counts: Floats, floor: Floats, gain: float
) -> tuple[Floats, Floats]:
    """Signed roots of the terms of the deviance, and their derivatives by the curve.

    The deviance is that of `lm_rows.to_deviance`, which explains it.

    Parameters
    ----------
    curve, counts, floor : ndarray, shape (n,)
    gain : float
        Above 0.

    Returns
    -------
    residual, slope : ndarray, shape (n,)
    """
    expected = (curve * gain + floor) / gain**2
    measured = np.maximum((counts * gain + floor) / gain**2, 0.0)
    inside = np.maximum(expected, LEAST_EXPECTED)
    below = expected - inside
    first = 1 - measured / inside
    second = np.maximum(measured, inside) / inside**2
    deviance = inside - measured + special.xlogy(measured, measured / inside)
    deviance += below * first + below**2 * second / 2
    by_expected = first + below * second
    off = inside - measured
    # A parabola where the difference of nearly equal numbers would lose all digits.
    close = (np.abs(off) < 1e-4 * inside) & (below == 0)
    root = np.sqrt(2 * np.maximum(deviance, 0.0)) * np.where(off + below < 0, -1.0, 1.0)
    bent = off / (6 * inside)
    root = np.where(close, off / np.sqrt(inside) * (1 + bent), root)
    slope = by_expected / np.where(root == 0, 1.0, root)
    slope = np.where(close, (1 - bent) / np.sqrt(inside), slope)
    return root, slope / gain
