"""Evidence of fits with different numbers of peaks.

The evidence of a fit of k peaks with m free parameters is that of Laplace's approximation,

    ln E = -chi^2 / (2 s) + ln det(s C) / 2 + m ln(2 pi) / 2 + ln p

C is the covariance of the parameters and s the factor by which the stated variance is too small.
It is the least reduced chi-square that any of the fits reaches, times (1 + r) / (1 - r) with the
correlation r of neighboring residuals of that fit (not counted below 0). Points of data that were
smoothed, resampled or shared between channels are correlated: n of them count as
n (1 - r) / (1 + r). p is the density of the prior at the optimum,

    p = k! prod_peaks 1 / (range of energies x fwhm ln(w_2 / w_1) x height ln(h_2 / h_1))

the same for every place in the window, for widths from w_1 = 5 steps of the axis (at least 1 % of
the window) to w_2 = 30 % of it, and for heights within h_2 / h_1 = 33, on logarithmic scales; these
are the ranges that the networks learn from. The k! is there because peaks have no names.

A peak's **own chi-square** is what leaving it out costs after all larger peaks (center, width and
height free) and the background have been fitted, without s. In the Cholesky factor of C^-1, with
the background first and the peaks by falling area, it is the square of height x diagonal element.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from xpsnet.fitting.model.parameter_map import Floats, Layout
from xpsnet.parallel.threads import in_threads

Mask = npt.NDArray[np.bool_]

NARROWEST_STEPS = 5.0
FWHM_SHARES = (0.01, 0.3)
HEIGHT_RATIO = 33.0
# Keeps the Cholesky factor real where columns are all but the same.
_RIDGE = 3e-5
_INVERTED_AT_ONCE = 1024


class Fits(NamedTuple):
    """Fits of S spectra whose evidence is asked for.

    Attributes
    ----------
    layout : Layout
        Of `values`.
    values : ndarray, shape (S, m)
        Flat parameters.
    covariance : ndarray, shape (S, m, m)
        Only rows and columns of free parameters count.
    free : ndarray of bool, shape (S, m)
        False where held, on a limit, or of a peak that is not there.
    """

    layout: Layout
    values: Floats
    covariance: Floats
    free: Mask


def log_evidence(fits: Fits, energy: Floats, chisqr: Floats, scale: Floats) -> Floats:
    """Logarithm of the evidence (see the module).

    Parameters
    ----------
    fits : Fits
    energy : ndarray, shape (n,)
        Fitted energies [eV].
    chisqr, scale : ndarray, shape (S,)
        Sum of squared weighted residuals, and s.

    Returns
    -------
    ndarray, shape (S,)
        -inf where the spectrum does not determine the parameters.
    """
    layout, values, covariance, free = fits
    correlation, deviation = _scaled(covariance, free)
    n_free = free.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        sign, determinant = np.linalg.slogdet(correlation)
        volume = determinant / 2 + np.where(free, np.log(deviation), 0.0).sum(axis=1)
        volume += n_free * (np.log(scale) + np.log(2 * np.pi)) / 2
        found = -chisqr / (2 * scale) + volume + _log_prior(layout, energy, values)
    return np.where((sign > 0) & np.isfinite(found), found, -np.inf)


def _log_prior(layout: Layout, energy: Floats, values: Floats) -> Floats:
    """Ln p of the module, shape (S,)."""
    length = float(np.ptp(energy))
    step = float(np.median(np.abs(np.diff(energy))))
    narrowest = max(NARROWEST_STEPS * step, FWHM_SHARES[0] * length)
    widest = max(FWHM_SHARES[1] * length, 2 * narrowest)
    shapes = layout.shapes(values)
    fwhm, height = (shapes[..., layout.shape_parameters.index(n)] for n in ("fwhm", "height"))
    exists = np.isfinite(fwhm) & (height > 0)
    each = np.log(length) + np.log(np.log(widest / narrowest)) + np.log(np.log(HEIGHT_RATIO))
    own = np.log(np.where(exists, fwhm * height, 1.0)) + each
    return np.asarray(gammaln(exists.sum(axis=1) + 1) - np.where(exists, own, 0.0).sum(axis=1))


def _scaled(covariance: Floats, free: Mask) -> tuple[Floats, Floats]:
    """Correlation matrix (1 on the diagonal where held) and standard deviations."""
    both = free[:, :, None] & free[:, None, :]
    diagonal = np.where(free, np.diagonal(covariance, axis1=1, axis2=2), 1.0)
    deviation = np.sqrt(np.where(diagonal > 0, diagonal, np.nan))
    full = covariance / (deviation[:, :, None] * deviation[:, None, :])
    correlation = np.where(both, full, np.eye(free.shape[1]))
    lost = np.logical_not(np.isfinite(correlation).all(axis=(1, 2)))
    # A singular matrix: nothing is determined, and nothing below may stop for it.
    return np.where(np.asarray(lost)[:, None, None], 0.0, correlation), deviation


def own_chi_squares(fits: Fits) -> Floats:
    """Chi-square that leaving a peak out costs (see the module).

    Parameters
    ----------
    fits : Fits

    Returns
    -------
    ndarray, shape (S, n_peaks)
        0 where the parameters are not determined, NaN where there is no peak.
    """
    layout, values, covariance, free = fits
    shapes = layout.shapes(values)
    fwhm, height = (shapes[..., layout.shape_parameters.index(n)] for n in ("fwhm", "height"))
    if layout.n_peaks == 0:
        return np.empty((len(values), 0))
    correlation, deviation = _scaled(covariance, free)
    good = np.asarray(np.diagonal(correlation, axis1=1, axis2=2).all(axis=1))
    information = np.zeros_like(correlation)
    information[good] = _pseudo_inverses(correlation[good])
    information = np.where(free[:, :, None] & free[:, None, :], information, 0.0)
    order, place = _chain(layout, np.nan_to_num(fwhm * height))
    chained = np.take_along_axis(information, order[:, :, None], axis=1)
    chained = np.take_along_axis(chained, order[:, None, :], axis=2)
    length = np.sqrt(np.maximum(np.diagonal(chained, axis1=1, axis2=2), 0.0))
    length = np.where(length > 0, length, 1.0)
    chained = chained / (length[:, :, None] * length[:, None, :])
    ridge = (1 + _RIDGE) * np.eye(order.shape[1])
    chained = np.where(np.eye(order.shape[1], dtype=bool), ridge, chained)
    diagonal = np.diagonal(np.linalg.cholesky(chained), axis1=1, axis2=2) * length
    entries = layout.column("height")
    unit = np.where(free[:, entries], deviation[:, entries], 1.0)
    own = np.take_along_axis(diagonal, place, axis=1) * height / unit
    own = np.where(good[:, None] & free[:, entries], own, 0.0)
    return np.where(np.isfinite(fwhm), own**2, np.nan)


def _pseudo_inverses(matrices: Floats) -> Floats:
    """Pseudo-inverse of every symmetric matrix, in threads."""
    inverses = np.empty_like(matrices)

    def invert(start: int) -> None:
        part = slice(start, start + _INVERTED_AT_ONCE)
        inverses[part] = np.linalg.pinv(matrices[part], hermitian=True)

    in_threads(invert, range(0, len(matrices), _INVERTED_AT_ONCE))
    return inverses


def _chain(layout: Layout, area: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Order of the entries for the Cholesky factor, and where the heights come to lie in it.

    Background and shared parameters of the peaks' form first, then peak by peak.
    """
    n_spectra, m = len(area), len(layout.names)
    own = [layout.column("height"), layout.column("center")]
    if np.unique(layout.column("fwhm")).size == layout.n_peaks:
        own.append(layout.column("fwhm"))
    by_peak = np.stack(own, axis=1)
    falling = np.argsort(-area, axis=1, kind="stable")
    chain = by_peak[falling].reshape(n_spectra, by_peak.size)
    rest = np.setdiff1d(np.arange(m), by_peak)
    first = rest if len(own) == 2 else layout.background_index
    last = np.setdiff1d(rest, first)
    head, tail = (np.broadcast_to(part, (n_spectra, part.size)) for part in (first, last))
    rank = np.empty_like(falling)
    np.put_along_axis(rank, falling, np.arange(layout.n_peaks)[None], axis=1)
    order = np.concatenate([head, chain, tail], axis=1).astype(np.intp)
    return order, first.size + rank * len(own)
