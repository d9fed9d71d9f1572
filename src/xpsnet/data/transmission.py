"""The transmission of the analyzer: a coordinate of spectra, a few numbers of peaks.

Spectra have it at each energy, as their file states it. Peaks have no axis of their own: they keep
it at some kinetic energies, because it changes slowly.
"""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import stated_number

Floats = npt.NDArray[np.float64]

TRANSMISSION = "transmission"
"""Coordinate of spectra over their energies; attribute of peaks, a JSON list of pairs: kinetic
energy [eV] and transmission."""

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
        `transmission`, five pairs as JSON; empty where there is no such coordinate, it is not
        positive, it differs between the spectra, or the photon energy that a binding energy needs
        is unknown.
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
    pairs = [[round(float(e), 3), float(f"{t:.6g}")] for e, t in zip(at, known, strict=True)]
    return {TRANSMISSION: json.dumps(pairs)}


def stored_transmission(peaks: xr.Dataset) -> tuple[Floats, Floats] | None:
    """Kinetic energies [eV] and transmissions that peaks keep; None where they keep none.

    Examples
    --------
    >>> import xarray as xr
    >>> from xpsnet.data.transmission import stored_transmission
    >>> peaks = xr.Dataset(attrs={"transmission": "[[900, 1.2], [1000, 1.0]]"})
    >>> [values.tolist() for values in stored_transmission(peaks)]
    [[900.0, 1000.0], [1.2, 1.0]]
    """
    try:
        pairs = np.array(json.loads(str(peaks.attrs.get(TRANSMISSION, ""))), dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not (np.isfinite(pairs) & (pairs > 0)).all():
        return None
    energy, values = pairs[np.argsort(pairs[:, 0])].T
    return energy, values
