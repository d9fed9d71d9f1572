"""Finding and checking the energy axis of a DataArray."""

import re
from collections.abc import Hashable
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

Scale = Literal["binding", "kinetic"]
Floats = npt.NDArray[np.float64]

# Names of energy dimensions, without case and punctuation, and the scale that they imply.
_ENERGY_NAMES: dict[str, str | None] = {
    "energy": None,
    "energies": None,
    "ev": None,
    "energyev": None,
    "e": None,
    "be": "binding",
    "ebinding": "binding",
    "bindingenergy": "binding",
    "bindingenergyev": "binding",
    "beev": "binding",
    "ke": "kinetic",
    "ekin": "kinetic",
    "ekinetic": "kinetic",
    "kineticenergy": "kinetic",
    "kineticenergyev": "kinetic",
    "keev": "kinetic",
}
_OTHER_NAMES = {"y", "time", "position", "etchtime", "depth", "angle", "scan", "sample", "cycle"}
_EV = {"ev", "electronvolt", "electronvolts", "electron volt", "electron volts"}


def with_energy_index(spectra: xr.DataArray, dim: str | None) -> xr.DataArray:
    """Use energies along a dimension without a coordinate as the coordinate of that dimension."""
    if "energy" in spectra.coords and "energy" in spectra.dims:
        return spectra
    along = {
        name: coordinate.dims[0]
        for name, coordinate in spectra.coords.items()
        if coordinate.ndim == 1
        and coordinate.dims[0] not in spectra.coords
        and dim in (None, coordinate.dims[0], name)
        and (_units_of(spectra, name) in _EV or _folded(name) in _ENERGY_NAMES)
    }
    if len(along) != 1:
        return spectra
    name, replaced = along.popitem()
    swapped = spectra.swap_dims({replaced: name})
    return swapped.rename({name: replaced}) if dim == replaced else swapped


def energy_dim(spectra: xr.DataArray, dim: str | None) -> Hashable:
    """Find the dimension that holds energies."""
    if dim is not None:
        if dim not in spectra.dims:
            raise ValueError(
                f"expected one of the dimensions {tuple(spectra.dims)}, got dim={dim!r}; "
                f"name the one that holds energies"
            )
        return dim
    if "energy" in spectra.dims:
        return "energy"
    by_units = [d for d in spectra.dims if _units_of(spectra, d) in _EV]
    by_name = [d for d in spectra.dims if _folded(d) in _ENERGY_NAMES]
    by_rest = [d for d in spectra.dims if _can_be_energy(spectra, d)] if spectra.ndim == 1 else []
    for candidates in (by_units, by_name, by_rest):
        if len(candidates) == 1:
            return candidates[0]
    raise ValueError(
        f'expected a dimension "energy", got dimensions {tuple(spectra.dims)}; pass dim= with '
        f'the one that holds energies, or rename it: spectra.rename({{...: "energy"}})'
    )


def _folded(name: Hashable) -> str:
    """Name in lower case, letters only."""
    return re.sub(r"[^a-z]", "", str(name).lower())


def _units_of(spectra: xr.DataArray, dim: Hashable) -> str:
    """Units of the coordinate of a dimension in lower case; "" where there are none."""
    if dim not in spectra.coords:
        return ""
    return str(spectra[dim].attrs.get("units", "")).strip().lower()


def _can_be_energy(spectra: xr.DataArray, dim: Hashable) -> bool:
    """Whether a dimension has numbers, no units, and no name of another quantity."""
    if dim not in spectra.coords or spectra[dim].dtype.kind not in "iuf":
        return False
    return _units_of(spectra, dim) == "" and _folded(dim) not in _OTHER_NAMES


def checked_axis(spectra: xr.DataArray, dim: Hashable) -> Floats:
    """Energies [eV] of a dimension, shape (n,).

    Raises
    ------
    TypeError, ValueError
        Where they are not finite, strictly monotonic numbers in eV.
    """
    if dim not in spectra.coords:
        raise ValueError(
            f"expected a coordinate with the energies of dimension {dim!r}, got none; do "
            f"spectra.assign_coords({dim}=energies)"
        )
    if spectra[dim].dtype.kind not in "iuf":
        raise TypeError(f"expected energies as real numbers, got dtype {spectra[dim].dtype}")
    units = _units_of(spectra, dim)
    if units and units not in _EV:
        raise ValueError(f"expected energies in eV, got units {units!r}; convert them to eV")
    axis = np.asarray(spectra[dim].values, dtype=np.float64)
    if axis.size < 2:
        raise ValueError(f"expected at least 2 energies, got {axis.size}; a spectrum needs more")
    if not np.isfinite(axis).all():
        where = int(np.flatnonzero(~np.isfinite(axis))[0])
        raise ValueError(
            f"expected finite energies, got {axis[where]} at index {where}; drop these points"
        )
    steps = np.diff(axis)
    wrong = steps <= 0 if axis[-1] > axis[0] else steps >= 0
    if wrong.any():
        where = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"expected strictly monotonic energies, got {axis[where]:g} then "
            f"{axis[where + 1]:g} eV at index {where}; do spectra.sortby({dim!r}) and drop "
            f"repeated points"
        )
    return axis


def find_scale(spectra: xr.DataArray, dim: Hashable) -> Scale:
    """Scale from the attributes, or else from the name of the dimension."""
    scale = spectra.attrs.get("scale")
    if scale is None:
        scale = _ENERGY_NAMES.get(_folded(dim))
    if scale is None:
        raise ValueError(
            'expected attrs["scale"] "binding" or "kinetic", got none; do '
            'spectra.attrs["scale"] = "binding" (or pass scale= to read)'
        )
    scale_sign(str(scale))
    return cast(Scale, scale)


def scale_sign(scale: str) -> int:
    """+1 for "binding", -1 for "kinetic": sign * energy grows with binding energy.

    Raises
    ------
    ValueError
        For any other word.
    """
    if scale == "binding":
        return 1
    if scale == "kinetic":
        return -1
    raise ValueError(
        f'expected the scale "binding" or "kinetic", got {scale!r}; do '
        f'spectra.attrs["scale"] = "binding" (or pass scale= to read)'
    )
