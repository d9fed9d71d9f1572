"""Noise of spectra, from the residuals of fits.

Before a fit, lines of few points per width look like noise, and few counts do not give their own
variance. Therefore spectra are fitted once with a preliminary noise, and the noise is estimated
again from the differences of the residuals, to which neither smooth lines nor most of what a
model misses contribute (`numerics.noise`).

Spectra of one DataArray were measured with one detector: they share one gain. It is estimated once,
before any chunk, from a fixed sample of them, so that it depends neither on chunks nor on the
order of the work, and one spectrum fitted again with it gives the same numbers. If single gains
spread more than chance allows, the noise of every spectrum is estimated by itself, as that of one
spectrum alone is.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.maps.follow import sampled_rows
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.spectrum_model import SpectrumModel
from xpsnet.fitting.refine_lazy import Chunk
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.fitting.solve.point_noise import NoiseChoice
from xpsnet.numerics.noise import noise_of_counts, noise_of_residuals, spectra_differ

Floats = npt.NDArray[np.float64]
Fitted = tuple[Floats, npt.NDArray[Any]]

# Spectra of the sample: a sixteenth, from 128 (which give a gain within 2 %) up to 1,024.
_FEWEST, _MOST, _PART = 128, 1024, 16
_AT_ONCE = 1024


def noise_sample(whole: Chunk) -> Chunk:
    """The spectra from which the noise of all is estimated, in memory."""
    n = int(np.prod(whole.spectra.shape[:-1]))
    if n <= _FEWEST and whole.spectra.chunks is None:
        return whole.computed()
    size = int(np.clip(n // _PART, _FEWEST, _MOST))
    return whole.sampled(sampled_rows(n, size)).computed()


def noise_from_fits(
    counts: npt.NDArray[Any], given: NoiseChoice, fitted: Callable[[NoiseChoice], Fitted]
) -> NoiseChoice:
    """Noise of spectra from fits with a preliminary noise.

    Parameters
    ----------
    counts : ndarray, shape (S, n)
        As measured; NaN where a point is missing.
    given : NoiseChoice
        The preliminary noise of all of them, or one without a model: then each gets its own.
    fitted : callable
        Fits the spectra with a noise; see `fitted_curves`.

    Returns
    -------
    NoiseChoice
        Without a model where a common noise was asked for and the spectra differ.
    """
    counts = np.where(np.isfinite(counts), counts, np.nan).astype(np.float64)
    quantum, shared = given.quantum, given.model is not None
    if not shared:
        given = replace(given, model=noise_of_counts(counts, quantum, shared=False))
    curve, n_fitted = fitted(given)
    model = noise_of_residuals(counts, curve, quantum, n_fitted=n_fitted, shared=shared)
    if shared and spectra_differ(counts, curve, model):
        return replace(given, model=None)
    return replace(given, model=model)


def fitted_curves(
    options: FitOptions, energy: Floats, results: FitResults, held: Floats | None
) -> Fitted:
    """Curves of fits, backgrounds included, (S, n), and numbers of fitted parameters (S,).

    A curve is NaN where there is no fit.
    """
    model = SpectrumModel(results.layout.line_shape, options.background, energy, results.layout)
    curve = np.empty((len(results), energy.size))
    for first in range(0, len(results), _AT_ONCE):
        block = slice(first, first + _AT_ONCE)
        curve[block] = model.curves(results.values[block])
    curve[~np.isfinite(results.chisqr)] = np.nan
    return curve if held is None else curve + held, np.isfinite(results.stderr).sum(axis=1)
