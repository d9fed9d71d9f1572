"""A first answer for one spectrum, which does not need the compiled engine.

The network gives the most probable number of peaks and where they are; lmfit fits them. This takes
some milliseconds, and the few kernels that it needs are compiled first.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from napari_xpsnet._state import BACKGROUNDS, FitState
from napari_xpsnet._worker import Cancel, Progress

_FOR_NETWORK = ("model", "n_peaks", "energy_range")


def can_answer(state: FitState, spectra: xr.DataArray) -> bool:
    """Whether a fit is one of a single spectrum whose peaks are to be found."""
    return state.function == "fit" and state.select(spectra).ndim == 1


def first_answer(
    function: str,
    spectra: xr.DataArray,
    keywords: Mapping[str, Any],
    progress: Progress,
    cancel: Cancel,
) -> xr.Dataset:
    """Peaks of the network, fitted with lmfit; called in place of `library`.

    Parameters
    ----------
    function : str
        "fit".
    spectra : DataArray, shape (n,)
        One spectrum.
    keywords : mapping
        Of `xpsnet.fit`; what a fit of one model cannot use is left out.
    progress, cancel
        Not called: it takes less than a tenth of a second.

    Returns
    -------
    Dataset
        Peaks with errors and reduced chi-square.
    """
    import xpsnet

    known = {name: keywords[name] for name in _FOR_NETWORK if name in keywords}
    if keywords.get("background") in BACKGROUNDS:
        known["background"] = keywords["background"]
    peaks = xpsnet.predict(spectra, device="cpu", **known).load()
    if not np.isfinite(peaks["center"].values).any():
        return peaks
    limits = keywords.get("energy_range")
    part = spectra if limits is None else xpsnet.crop(spectra, limits)
    model, parameters = xpsnet.to_lmfit(part, peaks)
    finite = np.isfinite(part.values)
    counts = np.asarray(part.values, dtype=float)[finite]
    # Poisson noise up to a factor, which the errors get from the residual.
    weights = 1.0 / np.sqrt(np.maximum(counts, 1.0))
    energy = np.asarray(part["energy"].values, dtype=float)[finite]
    result = model.fit(counts, parameters, energy=energy, weights=weights, scale_covar=True)
    fitted = xpsnet.from_lmfit(result, peaks)
    # As every fit states it: with the noise of the spectrum, whatever its units are.
    return fitted.assign(redchi=xpsnet.residual(part, fitted)["redchi"])
