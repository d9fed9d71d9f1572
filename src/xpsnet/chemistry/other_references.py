"""Charge references that are no core line: a Fermi edge, and what another program wrote."""

import numpy as np
import xarray as xr

from xpsnet.arguments import stated_number
from xpsnet.data.charge_shift import CHARGE_SHIFT, without_charge
from xpsnet.data.energy_axis import Floats
from xpsnet.data.spectrum import to_binding

__all__ = ["CASA", "FERMI_EDGE", "casa_shifts", "fermi_edge_shifts"]

FERMI_EDGE, CASA = "Fermi edge", "CasaXPS"

_CALIBRATION = "casa_calibration"  # coordinate or attribute that the readers set [eV]
_AROUND = 1.5  # [eV] on either side of the steepest place
_ALIKE = 0.5  # [eV]
_LEAST_POINTS = 10
_STEP = 0.1  # [eV] counts are averaged over about this before their slope is taken


def fermi_edge_shifts(
    holder: xr.DataArray | xr.Dataset, search: float
) -> tuple[xr.DataArray, xr.DataArray]:
    """Fermi level of every spectrum, and its standard error [eV].

    Parameters
    ----------
    holder : DataArray
        Spectra with the edge of a metal.
    search : float
        Largest distance of the edge from 0 eV.

    Raises
    ------
    ValueError
        Where these are peaks, do not cover the edge, or have none.
    """
    from xpsnet.fitting.fermi_edge import fit_edge

    if isinstance(holder, xr.Dataset):
        raise ValueError(
            "expected spectra with a Fermi edge, got peaks; pass reference= with the valence band"
        )
    binding = without_charge(to_binding(holder))
    others = [dim for dim in binding.dims if dim != "energy"]
    shape = tuple(binding.sizes[dim] for dim in others)
    energy = np.asarray(binding["energy"].values, dtype=np.float64)
    counts = np.asarray(binding.transpose(*others, "energy").values, dtype=np.float64)
    counts = counts.reshape(-1, energy.size)
    _check_covered(energy, search)
    middles = np.array([_steepest(energy, row, search) for row in counts])
    # Spectra whose edges are at about the same place are fitted together.
    groups = np.round(middles / _ALIKE)
    found = np.full((2, len(counts)), np.nan)
    for group in np.unique(groups[np.isfinite(groups)]):
        chosen = np.flatnonzero(groups == group)
        middle = float(np.median(middles[chosen]))
        rows = xr.DataArray(
            counts[chosen], {"energy": energy}, ["row", "energy"], attrs=binding.attrs
        )
        fitted = fit_edge(rows, energy_range=(middle - _AROUND, middle + _AROUND))
        found[:, chosen] = fitted["center"].values, fitted["center_stderr"].values
    sound = np.isfinite(found).all(axis=0) & (np.abs(found[0]) <= search)
    if not sound.any():
        raise ValueError(
            f"expected a Fermi edge within {search:g} eV of 0 eV, got none that can be fitted; "
            f"pass reference= with a spectrum of the edge of a metal"
        )
    found = np.where(sound, found, np.nan)
    found[0] += stated_number(holder.attrs.get(CHARGE_SHIFT)) or 0.0
    shift, error = (xr.DataArray(one.reshape(shape), dims=others) for one in found)
    return shift, error


def _check_covered(energy: Floats, search: float) -> None:
    if (np.abs(energy) <= search).sum() < _LEAST_POINTS or not energy.min() < 0 < energy.max():
        raise ValueError(
            f"expected a Fermi edge at 0 eV in the spectra, got spectra that cover "
            f"{energy.min():.1f} to {energy.max():.1f} eV binding energy; pass reference= with a "
            f"spectrum of the edge"
        )


def _steepest(energy: Floats, counts: Floats, search: float) -> float:
    """Steepest place of the first rise from the empty side [eV]; NaN where counts are missing."""
    order = np.argsort(energy)
    order = order[np.isfinite(counts[order])]
    energy, counts = energy[order], counts[order]
    near = np.abs(energy) <= search
    if near.sum() < _LEAST_POINTS:
        return np.nan
    n = max(1, round(_STEP / float(np.median(np.diff(energy)))))
    smooth = np.convolve(np.pad(counts, n, mode="edge"), np.full(2 * n + 1, 1.0), mode="valid")
    slope = np.where(near, np.gradient(smooth, energy), -np.inf)
    steep = slope > 0.5 * slope.max()
    first = int(np.argmax(steep))
    length = int(np.argmin(np.append(steep[first:], False)))
    return float(energy[first + int(np.argmax(slope[first : first + length]))])


def casa_shifts(holder: xr.DataArray | xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Charge shifts that CasaXPS wrote into the comments of a file; their errors are not known.

    Raises
    ------
    ValueError
        Where the spectra hold none.
    """
    if _CALIBRATION in holder.coords:
        stated = _bare(holder.coords[_CALIBRATION])
    else:
        try:
            stated = xr.DataArray(float(holder.attrs[_CALIBRATION]))
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                "expected spectra whose file states a calibration by CasaXPS, got none; choose a "
                'line, for instance line="C 1s"'
            ) from None
    # CasaXPS adds its shift to binding energies; a charge shift is subtracted.
    return -stated, xr.full_like(stated, np.nan)


def _bare(values: xr.DataArray) -> xr.DataArray:
    """Numbers without coordinates."""
    return xr.DataArray(np.asarray(values.values, dtype=np.float64), dims=values.dims)
