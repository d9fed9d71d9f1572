"""The transmission of the analyzer: a coordinate of spectra, a few numbers of peaks.

Spectra have it at each energy, as their file states it. Peaks have no axis of their own: they keep
it at some kinetic energies, because it changes slowly.
"""

from typing import Any

import numpy as np
import xarray as xr

from xpsnet.arguments import stated_number

TRANSMISSION = "transmission"
"""Coordinate of spectra over their energies, and attribute of peaks: values."""
TRANSMISSION_ENERGY = "transmission_kinetic_energy"
"""Attribute of peaks: where these values hold [eV]."""

_POINTS = 5
_SAME = 1e-3  # relative difference of spectra up to which one curve stands for all


def transmission_attributes(spectra: xr.DataArray) -> dict[str, Any]:
    """Transmission of spectra as attributes of their peaks.

    Parameters
    ----------
    spectra : DataArray
        With the coordinate `transmission` over its energies, or without.

    Returns
    -------
    dict
        `transmission` and `transmission_kinetic_energy` [eV], lists of five numbers each; empty
        where there is no such coordinate, it is not positive, it differs between the spectra, or
        the photon energy that a binding energy needs is unknown.
    """
    curve = spectra.coords.get(TRANSMISSION)
    if curve is None or "energy" not in curve.dims or curve.dtype.kind not in "iuf":
        return {}
    energy = np.asarray(spectra["energy"].values, dtype=np.float64)
    if spectra.attrs.get("scale") != "kinetic":
        photon_energy = stated_number(spectra.attrs.get("photon_energy"))
        if photon_energy is None:
            return {}
        energy = photon_energy - energy
    values = np.asarray(curve.transpose(..., "energy").values, dtype=np.float64)
    values = values.reshape(-1, energy.size)
    mean = values.mean(axis=0)
    usable = np.isfinite(values).all() and bool((values > 0).all()) and energy.size >= 2
    if not usable or np.abs(values / mean - 1).max() > _SAME:
        return {}
    order = np.argsort(energy)
    at = np.linspace(energy.min(), energy.max(), _POINTS)
    known = np.interp(at, energy[order], mean[order])
    return {TRANSMISSION_ENERGY: at.tolist(), TRANSMISSION: known.tolist()}
