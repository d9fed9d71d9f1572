"""Finding and checking the energy axis of a DataArray."""

import re
from collections.abc import Hashable
from typing import Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import WrongTypeError
from xpsnet.data.energy_words import (
    AxisScale,
    ev_per_unit,
    is_energy_name,
    scale_of_words,
    to_binding_energies,
    unit_of_label,
)

Scale = Literal["binding", "kinetic"]
Floats = npt.NDArray[np.float64]

_LARGEST = 1e5  # [eV] above which an axis in keV is one in eV with a wrong unit
_OTHER_NAMES = {"y", "time", "position", "etchtime", "depth", "angle", "scan", "sample", "cycle"}
# What `check_spectra` calls an axis, and the attributes of a coordinate that may state its scale.
OUR_LABELS = {"binding": "Binding energy", "kinetic": "Kinetic energy"}
_LABELS = ("long_name", "label", "axis_label", "standard_name", "description", "type", "scale")


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
        and (ev_per_unit(_units_of(spectra, name)) or is_energy_name(name))
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
    by_units = [d for d in spectra.dims if ev_per_unit(_units_of(spectra, d))]
    by_name = [d for d in spectra.dims if is_energy_name(d)]
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
    """Units of the coordinate of a dimension; "" where there are none."""
    if dim not in spectra.coords:
        return ""
    attrs = spectra[dim].attrs
    return str(attrs.get("units", attrs.get("unit", ""))).strip()


def _can_be_energy(spectra: xr.DataArray, dim: Hashable) -> bool:
    """Whether a dimension has numbers, no units, and no name of another quantity."""
    if dim not in spectra.coords or spectra[dim].dtype.kind not in "iuf":
        return False
    return _units_of(spectra, dim) == "" and _folded(dim) not in _OTHER_NAMES


class EnergyAxis(NamedTuple):
    """The energies of a DataArray in the common form.

    Attributes
    ----------
    energy : ndarray, shape (n,)
        [eV].
    scale : {"binding", "kinetic"}
    notes : tuple of str
        Sentences about a sign that was turned.
    fermi_labels : tuple of str
        Attributes of the coordinate that say what is no longer true.
    """

    energy: Floats
    scale: Scale
    notes: tuple[str, ...] = ()
    fermi_labels: tuple[str, ...] = ()


def checked_axis(spectra: xr.DataArray, dim: Hashable) -> EnergyAxis:
    """Energies of a dimension [eV], with their scale.

    Energies in keV or meV are converted. Where words say that they are counted from the Fermi level
    (`xpsnet.data.energy_words`), they become binding energies.

    Raises
    ------
    TypeError, ValueError
        Where they are not finite, strictly monotonic energies, or the scale is unknown.
    """
    energy = _numbers(spectra, dim)
    scale, labels = _stated_scale(spectra, dim, energy)
    if scale != "fermi":
        return EnergyAxis(energy, scale)
    found = to_binding_energies(energy)
    return EnergyAxis(found.energy, "binding", (found.note,), labels)


def _numbers(spectra: xr.DataArray, dim: Hashable) -> Floats:
    """Energies [eV], finite and strictly monotonic."""
    if dim not in spectra.coords:
        raise ValueError(
            f"expected a coordinate with the energies of dimension {dim!r}, got none; do "
            f"spectra.assign_coords({dim}=energies)"
        )
    if spectra[dim].dtype.kind not in "iuf":
        raise WrongTypeError(
            f"expected energies as real numbers, got dtype {spectra[dim].dtype}; convert them"
        )
    units = _units_of(spectra, dim)
    factor = ev_per_unit(units or unit_of_label(dim) or "eV")
    if factor is None:
        raise ValueError(
            f"expected energies in eV, keV or meV, got units {units!r}; convert them to eV, or "
            f"delete the attribute units if it is wrong"
        )
    axis = np.asarray(spectra[dim].values, dtype=np.float64)
    if factor != 1.0:
        axis = axis * factor
        if axis.size and np.nanmax(np.abs(axis)) > _LARGEST:
            last = f"{spectra[dim].values[-1]:g} {units}"
            raise ValueError(
                f"expected energies below {_LARGEST:g} eV, got {last}; "
                f'if the numbers are in eV, do spectra[{dim!r}].attrs["units"] = "eV"'
            )
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


def _stated_scale(
    spectra: xr.DataArray, dim: Hashable, energy: Floats
) -> tuple[AxisScale, tuple[str, ...]]:
    """Scale from the attributes, the name of the dimension or the labels of its coordinate.

    Also the names of the attributes that count the energies from the Fermi level.
    """
    attrs = spectra[dim].attrs
    texts = {name: attrs[name] for name in _LABELS if isinstance(attrs.get(name), str)}
    stated = spectra.attrs.get("scale")
    known = isinstance(stated, str) and stated in OUR_LABELS
    if known and dim == "energy" and set(texts.values()) <= set(OUR_LABELS.values()):
        return cast(Scale, stated), ()  # as `check_spectra` leaves spectra
    by_label = {name: scale_of_words(text) for name, text in texts.items()}
    labels = tuple(name for name, found in by_label.items() if found == "fermi")
    by_name = scale_of_words(dim)
    if stated is not None:
        scale = checked_scale(stated)
        # "binding" beside the label "E - EF" is what people write who know no third word.
        turned = scale == "binding" and (labels or by_name == "fermi")
        return ("fermi" if turned else scale), labels
    found = by_name or next((one for one in by_label.values() if one), None)
    if found is None and str(dim).strip().lower() == "ev" and np.median(energy) < 0:
        found = "fermi"  # as PyARPES has it
    if found is None:
        raise ValueError(
            'expected attrs["scale"] "binding" or "kinetic", got none; do '
            'spectra.attrs["scale"] = "binding" (or pass scale= to read)'
        )
    return found, labels


def checked_scale(scale: object) -> AxisScale:
    """An energy scale in any of its words ("binding", "BE", "Kinetic energy", "E - EF").

    Raises
    ------
    ValueError
        Where this is no scale.
    """
    found = scale_of_words(scale) if isinstance(scale, str) else None
    if found is None:
        raise ValueError(
            f'expected the scale "binding" or "kinetic" (or "E - EF"), got {scale!r}; do '
            f'spectra.attrs["scale"] = "binding" (or pass scale= to read)'
        )
    return found


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
