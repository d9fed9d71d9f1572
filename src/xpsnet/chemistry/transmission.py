"""Transmission of the analyzer at the kinetic energies of the lines."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from xpsnet.data.transmission import TRANSMISSION, TRANSMISSION_ENERGY

Function = Callable[[float], float]


def transmission_at(peaks: xr.Dataset, kinetic_energy: float) -> float | None:
    """Transmission that the file of the spectra states.

    Parameters
    ----------
    peaks : Dataset
        With the attributes of `xpsnet.data.transmission`, which `fit` and `refine` take from the
        spectra.
    kinetic_energy : float
        [eV]

    Returns
    -------
    float or None
        In the units of the file; beyond its energies the value at the end. None where nothing is
        stated.
    """
    energy, values = (
        np.atleast_1d(peaks.attrs.get(k, ())) for k in (TRANSMISSION_ENERGY, TRANSMISSION)
    )
    known = energy.size and energy.size == values.size and energy.dtype.kind in "iuf"
    if not known or values.dtype.kind not in "iuf":
        return None
    order = np.argsort(energy)
    found = float(np.interp(kinetic_energy, energy[order], values[order]))
    return found if np.isfinite(found) and found > 0 else None


def value_of(function: Function, kinetic_energy: float, name: str) -> float:
    """Value of a function that the caller gave, a positive number.

    Raises
    ------
    ValueError
        Where it gives anything else.
    """
    given = function(kinetic_energy)
    try:
        found = float(given)
    except (TypeError, ValueError):
        found = np.nan
    if not (np.isfinite(found) and found > 0):
        raise ValueError(
            f"expected a positive number from the function {name}= at {kinetic_energy:.1f} eV "
            f"kinetic energy, got {given!r}"
        )
    return found
