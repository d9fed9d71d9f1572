"""Transmission of the analyzer at the kinetic energies of the lines."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from xpsnet.data.transmission import stored_transmission

Function = Callable[[float], float]


def transmission_at(peaks: xr.Dataset, kinetic_energy: float) -> float | None:
    """Transmission that the file of the spectra states.

    Parameters
    ----------
    peaks : Dataset
        With the attribute of `xpsnet.data.transmission`, which `fit` and `refine` take from the
        spectra.
    kinetic_energy : float
        [eV]

    Returns
    -------
    float or None
        In the units of the file; beyond its energies the value at the end. None where nothing is
        stated.
    """
    stored = stored_transmission(peaks)
    return None if stored is None else float(np.interp(kinetic_energy, *stored))


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
