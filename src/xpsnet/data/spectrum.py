"""The spectrum: a DataArray with a dimension `energy` [eV] and the attribute `scale`.

Conversions never subtract a work function: instruments and files already give kinetic energy
relative to the Fermi level of the spectrometer, so that binding = photon energy - kinetic.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import WrongTypeError, check, count, number, optional, shown, stated_number
from xpsnet.data.charge_shift import inside_corrected
from xpsnet.data.energy_axis import (
    OUR_LABELS,
    Floats,
    Scale,
    checked_axis,
    energy_dim,
    scale_sign,
    with_energy_index,
)
from xpsnet.xpsnet_warning import XpsnetWarning

__all__ = [
    "Scale",
    "check_spectra",
    "crop",
    "make_spectrum",
    "plain_attribute",
    "scale_sign",
    "shift",
    "to_binding",
    "to_counts_per_second",
    "to_kinetic",
]

_HIGHEST = 1e5  # [eV] of a photon energy
_PER_SECOND = {"counts/s", "counts/sec", "counts s-1", "counts s^-1", "counts per second", "cps"}
_LEADING_DIMS = {1: (), 2: ("position",), 3: ("y", "x")}


def make_spectrum(
    counts: npt.ArrayLike,
    energy: npt.ArrayLike,
    *,
    dims: Sequence[str] | None = None,
    coords: Mapping[str, Any] | None = None,
    scale: str,
    name: str | None = None,
    units: str = "counts",
    **attrs: Any,
) -> xr.DataArray:
    """Make spectra from counts and their energy axis, and check them.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Signal [`units`]; a dask array stays lazy. NaN marks a missing point.
    energy : array_like, shape (n,)
        Energy [eV], strictly monotonic in either direction, uniform or not.
    dims : sequence of str, optional
        Names of all dimensions of `counts`, "energy" among them at any place. By default
        energy is last and the others are "position" (2-D) or "y" and "x" (3-D).
    coords : mapping, optional
        Coordinates of the other dimensions, as for `xarray.DataArray`.
    scale : "binding" or "kinetic"
        The scale of `energy`.
    name : str, optional
        Region, for instance "O 1s".
    units : str
        "counts" or "counts/s".
    **attrs
        Further attributes, numbers or texts (`photon_energy` [eV], `pass_energy` [eV],
        `dwell_time` [s], `n_scans`, `instrument`, `source_file`); None is left out.

    Returns
    -------
    DataArray
        With dimension `energy` last.

    Raises
    ------
    TypeError
        Where counts are not real numbers, or an attribute cannot be stored in a file.
    ValueError
        Where shapes, scale or energies cannot be those of a spectrum.

    Examples
    --------
    >>> import numpy as np
    >>> from xpsnet.data.spectrum import make_spectrum
    >>> spectra = make_spectrum(np.ones((3, 50)), np.linspace(280, 290, 50), scale="binding")
    >>> spectra.dims
    ('position', 'energy')
    """
    values: Any = counts if hasattr(counts, "dask") else np.asarray(counts)
    if dims is None:
        leading = _LEADING_DIMS.get(values.ndim) if values.ndim else ()
        if leading is None:
            leading = tuple(f"dim_{i}" for i in range(values.ndim - 1))
        dims = (*leading, "energy")
    axis = np.asarray(energy)
    if len(dims) != values.ndim or "energy" not in dims:
        raise ValueError(
            f'expected dims with "energy" for counts of shape {values.shape}, got {tuple(dims)}; '
            f"name every dimension"
        )
    n = values.shape[list(dims).index("energy")]
    if axis.shape != (n,):
        raise ValueError(
            f"expected {n} energies for counts of shape {values.shape}, got shape {axis.shape}; "
            f"pass one energy per point"
        )
    kept = {key: plain_attribute(key, value) for key, value in attrs.items() if value is not None}
    all_coords = {**(coords or {}), "energy": axis}
    spectra = xr.DataArray(values, dims=tuple(dims), coords=all_coords, name=name)
    spectra.attrs = {"scale": scale, "units": units, **kept}
    return check_spectra(spectra)


def plain_attribute(key: str, value: Any) -> str | int | float:
    """Convert an attribute to a type that netCDF, zarr and JSON can all hold."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str | int | float):
        return value
    raise TypeError(
        f"expected a number or a text for the attribute {key!r}, got {type(value).__name__}; "
        f"convert it, or keep it as a coordinate"
    )


def check_spectra(spectra: xr.DataArray, *, dim: str | None = None) -> xr.DataArray:
    """Validate spectra and bring them into the common form.

    Dask arrays stay lazy. Counts are not copied.

    Parameters
    ----------
    spectra : DataArray
        Real numbers (NaN marks a missing point), with an energy coordinate [eV].
    dim : str, optional
        The dimension that holds energies. By default "energy", else the only dimension with
        the units eV or a name like "binding_energy", "BE", "KE", "eV", else the only dimension
        of a single spectrum. A dimension without a coordinate of its own takes a coordinate of
        energies that lies along it.

    Returns
    -------
    DataArray
        With dimension `energy` last, float64 energies, and `attrs["scale"]`. All other
        coordinates are kept; one with the name "energy" becomes "spectra_energy". Energies in keV
        or meV are converted to eV; energies minus that of the Fermi level (named "E - EF") become
        binding energies, in the same order.

    Warns
    -----
    XpsnetWarning
        Where energies are counted from the Fermi level: what was done with their sign.

    Raises
    ------
    TypeError
        Where this is no DataArray of real numbers.
    ValueError
        Where there is no usable energy axis, or the scale is unknown.
    """
    if not isinstance(spectra, xr.DataArray):
        raise WrongTypeError(
            f"expected an xarray.DataArray of spectra, got {type(spectra).__name__}; "
            f'make one: xr.DataArray(counts, dims="energy", coords={{"energy": energy}}, '
            f'attrs={{"scale": "binding"}})'
        )
    if spectra.dtype.kind not in "iuf":
        raise WrongTypeError(
            f"expected counts as real numbers, got dtype {spectra.dtype}; convert them with "
            f"spectra.astype(float)"
        )
    if any(size != size for size in spectra.shape):  # NaN: dask does not know it
        raise ValueError(
            f"expected dask chunks of known size, got the shape {spectra.shape}; do "
            f"spectra.data.compute_chunk_sizes() before the DataArray is made"
        )
    spectra = with_energy_index(spectra, dim)
    found = energy_dim(spectra, dim)
    axis, scale, notes, fermi_labels = checked_axis(spectra, found)
    for note in notes:
        warnings.warn(f"{spectra.name or 'spectra'}: {note}", XpsnetWarning, stacklevel=2)
    if found != "energy":
        if "energy" in spectra.coords or "energy" in spectra.dims:
            spectra = spectra.rename(energy="spectra_energy")
        spectra = spectra.rename({found: "energy"})
    if spectra.dims[-1] != "energy":
        spectra = spectra.transpose(..., "energy")
    if fermi_labels:
        spectra = spectra.copy(deep=False)
        left = {k: v for k, v in spectra["energy"].attrs.items() if k not in fermi_labels}
        spectra["energy"].attrs = left
    coordinate = spectra["energy"]
    # The same numbers in the same memory: nothing was converted or turned.
    if not np.may_share_memory(coordinate.values, axis):
        spectra = _with_axis(spectra, axis, scale)
    elif coordinate.attrs.get("units") != "eV":
        spectra = spectra.copy(deep=False)  # a tenth of the time that a new axis takes
        spectra["energy"].attrs = _axis_texts(spectra, scale)
        spectra["energy"].encoding = {}
    if spectra.attrs.get("scale") != scale:
        spectra = spectra.assign_attrs(scale=scale)
    units = spectra.attrs.get("units")
    if units is not None and not isinstance(units, str):
        spectra = spectra.assign_attrs(units=str(units))
    return spectra


def _with_axis(spectra: xr.DataArray, axis: Floats, scale: Scale) -> xr.DataArray:
    """Replace the energies and keep the counts."""
    return spectra.assign_coords(energy=("energy", axis, _axis_texts(spectra, scale)))


def _axis_texts(spectra: xr.DataArray, scale: Scale) -> dict[str, Any]:
    """Attributes of the energy coordinate: units, name, and what the user put there."""
    kept = {
        k: v for k, v in spectra["energy"].attrs.items() if k not in ("units", "unit", "long_name")
    }
    return {"units": "eV", "long_name": OUR_LABELS[scale], **kept}


def crop(
    spectra: xr.DataArray, energy_range: tuple[float, float], *, dim: str | None = None
) -> xr.DataArray:
    """Cut out the part of the spectra between two energies, both included.

    Parameters
    ----------
    spectra : DataArray
        As for `check_spectra`.
    energy_range : (float, float)
        Two energies [eV] on the spectra's own scale, in either order.
    dim : str, optional
        The energy dimension, as for `check_spectra`.

    Returns
    -------
    DataArray
        A view, same direction of the axis, dimension `energy` last. Of spectra that each have
        their own `charge_shift` the range is one of corrected energies: the axis holds all points
        that lie in it in any spectrum, and a point outside of it in its own spectrum is NaN.

    Raises
    ------
    ValueError
        Where fewer than two points lie in the range.

    Examples
    --------
    >>> import xpsnet
    >>> part = xpsnet.crop(xpsnet.sample("spectrum"), (283, 290))
    >>> part["energy"].values[[0, -1]].tolist()
    [283.0, 290.0]
    """
    check(locals())
    spectra = check_spectra(spectra, dim=dim)
    try:
        low, high = sorted(float(end) for end in energy_range)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"expected two energies [eV], got energy_range={energy_range!r}; pass (first, last)"
        ) from error
    axis = spectra["energy"].values
    within = inside_corrected(spectra, low, high, scale_sign(spectra.attrs["scale"]))
    rows = ((axis >= low) & (axis <= high)) if within is None else within
    at_all = rows.reshape(-1, axis.size).any(axis=0)
    inside = np.flatnonzero(at_all)
    if inside.size < 2:
        raise ValueError(
            f"expected at least 2 points in the energy range {low:g} to {high:g} eV, got "
            f"{inside.size}; the spectra cover {axis.min():g} to {axis.max():g} eV "
            f"({spectra.attrs['scale']})"
        )
    kept = slice(int(inside[0]), int(inside[-1]) + 1)
    cut = spectra.isel(energy=kept)
    if within is None or within[..., kept].all():
        return cut
    return cut.where(xr.DataArray(within[..., kept], dims=cut.dims))


def shift(spectra: xr.DataArray, energy_offset: float, *, dim: str | None = None) -> xr.DataArray:
    """Add an offset to the energies, on the spectra's own scale.

    Parameters
    ----------
    spectra : DataArray
        As for `check_spectra`.
    energy_offset : float
        [eV].
    dim : str, optional
        The energy dimension, as for `check_spectra`.

    Returns
    -------
    DataArray
        Same counts; `attrs["energy_offset"]` is the sum of all offsets [eV].

    Raises
    ------
    ValueError
        Where the offset is not finite.

    Examples
    --------
    >>> import xpsnet
    >>> from xpsnet.data.spectrum import shift
    >>> shift(shift(xpsnet.sample("spectrum"), 0.5), 0.25).attrs["energy_offset"]
    0.75
    """
    check(locals())
    spectra = check_spectra(spectra, dim=dim)
    scale = cast(Scale, spectra.attrs["scale"])
    total = (stated_number(spectra.attrs.get("energy_offset")) or 0.0) + float(energy_offset)
    shifted = _with_axis(spectra, spectra["energy"].values + float(energy_offset), scale)
    return shifted.assign_attrs(energy_offset=total)


def to_binding(
    spectra: xr.DataArray, *, photon_energy: float | None = None, dim: str | None = None
) -> xr.DataArray:
    """Spectra over binding energy: photon energy - kinetic energy.

    Parameters
    ----------
    spectra : DataArray
        As for `check_spectra`; spectra on the binding scale are returned unchanged.
    photon_energy : float, optional
        [eV]; by default `attrs["photon_energy"]`.
    dim : str, optional
        The energy dimension, as for `check_spectra`.

    Returns
    -------
    DataArray
        The same points in the same order: the energies run in the opposite direction.

    Raises
    ------
    ValueError
        Where the photon energy is unknown, or not above the kinetic energies.

    Examples
    --------
    >>> import xpsnet
    >>> kinetic = xpsnet.to_kinetic(xpsnet.sample("spectrum"))
    >>> binding = xpsnet.to_binding(kinetic, photon_energy=1486.6)
    >>> [round(float(e), 2) for e in binding["energy"][[0, -1]]]
    [280.0, 294.0]
    """
    check(locals())
    return _to_scale(check_spectra(spectra, dim=dim), "binding", photon_energy)


def to_kinetic(
    spectra: xr.DataArray, *, photon_energy: float | None = None, dim: str | None = None
) -> xr.DataArray:
    """Spectra over kinetic energy: photon energy - binding energy.

    Parameters
    ----------
    spectra : DataArray
        As for `check_spectra`; spectra on the kinetic scale are returned unchanged.
    photon_energy : float, optional
        [eV]; by default `attrs["photon_energy"]`.
    dim : str, optional
        The energy dimension, as for `check_spectra`.

    Returns
    -------
    DataArray
        The same points in the same order: the energies run in the opposite direction.

    Raises
    ------
    ValueError
        Where the photon energy is unknown, or not above the binding energies.

    Examples
    --------
    >>> import xpsnet
    >>> kinetic = xpsnet.to_kinetic(xpsnet.sample("spectrum"))
    >>> kinetic.attrs["scale"], round(float(kinetic["energy"][0]), 1)
    ('kinetic', 1206.6)
    """
    check(locals())
    return _to_scale(check_spectra(spectra, dim=dim), "kinetic", photon_energy)


def _to_scale(spectra: xr.DataArray, scale: Scale, photon_energy: float | None) -> xr.DataArray:
    """Checked spectra on this scale: photon energy - energy where they are on the other one."""
    if photon_energy is not None:
        spectra = spectra.assign_attrs(photon_energy=float(photon_energy))
    if spectra.attrs["scale"] == scale:
        return spectra
    photon = _photon_energy(spectra)
    axis = spectra["energy"].values
    if axis.min() >= photon:
        raise ValueError(
            f"expected a photon energy above the energies of the spectra, got {photon:g} eV for "
            f"{spectra.attrs['scale']} energies from {axis.min():g} eV; check photon_energy"
        )
    mirrored = _with_axis(spectra, photon - axis, scale).assign_attrs(scale=scale)
    offset = stated_number(mirrored.attrs.get("energy_offset"))
    if offset is not None:
        mirrored.attrs["energy_offset"] = -offset
    return mirrored


def _photon_energy(spectra: xr.DataArray) -> float:
    """Photon energy [eV] from the attributes."""
    stated = spectra.attrs.get("photon_energy")
    photon = stated_number(stated)
    if photon is None or not 0 < photon < _HIGHEST:
        raise ValueError(
            f"expected a photon energy > 0 eV to change between kinetic and binding energy, got "
            f"{shown(stated)}; pass photon_energy=1486.6 (Al K-alpha) or set "
            f'spectra.attrs["photon_energy"]'
        )
    return photon


def to_counts_per_second(
    spectra: xr.DataArray,
    *,
    dwell_time: float | None = None,
    n_scans: int | None = None,
    dim: str | None = None,
) -> xr.DataArray:
    """Divide counts by the measuring time of each point, dwell time x number of scans.

    Parameters
    ----------
    spectra : DataArray
        As for `check_spectra`; spectra in counts/s are returned unchanged.
    dwell_time : float, optional
        [s] per point and scan; by default the attribute or coordinate of this name.
    n_scans : int, optional
        By default the attribute or coordinate of this name.
    dim : str, optional
        The energy dimension, as for `check_spectra`.

    Returns
    -------
    DataArray
        In counts/s, float.

    Raises
    ------
    ValueError
        Where the units, the dwell time or the number of scans are unknown.

    Examples
    --------
    >>> import xpsnet
    >>> counts = xpsnet.sample("spectrum")
    >>> counts.attrs["dwell_time"], counts.attrs["n_scans"]
    (0.1, 10)
    >>> rate = xpsnet.to_counts_per_second(counts)
    >>> rate.attrs["units"], bool((rate == counts).all())
    ('counts/s', True)
    """
    check(
        locals(),
        dwell_time=optional(number(above=0, unit="s")),
        n_scans=optional(count(least=1, most=10**9)),
    )
    spectra = check_spectra(spectra, dim=dim)
    units = str(spectra.attrs.get("units", "")).strip().lower()
    if units in _PER_SECOND:
        return spectra.assign_attrs(units="counts/s")
    if units != "counts":
        raise ValueError(
            f'expected attrs["units"] "counts" or "counts/s", got {spectra.attrs.get("units")!r}; '
            f'do spectra.attrs["units"] = "counts"'
        )
    time = _acquisition(spectra, "dwell_time", dwell_time, "s")
    scans = _acquisition(spectra, "n_scans", n_scans, "")
    return (
        (spectra / (time * scans))
        .rename(spectra.name)
        .assign_attrs({**spectra.attrs, "units": "counts/s"})
    )


def _acquisition(
    spectra: xr.DataArray, name: str, given: float | None, units: str
) -> xr.DataArray | float:
    """A positive acquisition parameter: the argument, else a coordinate, else an attribute."""
    value: xr.DataArray | float | None = given
    if value is None:
        value = spectra.coords[name] if name in spectra.coords else spectra.attrs.get(name)
    if isinstance(value, xr.DataArray) and value.dtype.kind in "iuf":
        good = bool((value > 0).all())
    else:
        number = stated_number(value)
        good, value = number is not None and number > 0, number if number is not None else value
    if value is None or not good:
        got = "nothing" if value is None else f"{shown(value)} {units}".strip()
        raise ValueError(
            f"expected {name} > 0 to turn counts into counts/s, got {got}; pass {name}= or set "
            f"spectra.attrs[{name!r}]"
        )
    return value
