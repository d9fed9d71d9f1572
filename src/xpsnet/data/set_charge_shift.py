"""Moving spectra and peaks to a charge shift that is known."""

import warnings

import numpy as np
import xarray as xr

from xpsnet.arguments import WrongTypeError, label, number, stated_number
from xpsnet.data.charge_shift import (
    CHARGE_SHIFT,
    CHARGE_STDERR,
    CHARGE_TEXTS,
    Data,
    charge_coords,
    without_charge,
)
from xpsnet.data.links import split_name
from xpsnet.data.measured_energies import CORRECTED_RANGE, corrected_peaks
from xpsnet.data.peak_settings import stored_constraints, with_constraints
from xpsnet.data.spectrum import check_spectra, scale_sign, shift
from xpsnet.xpsnet_warning import XpsnetWarning

_REFERENCE = "charge_reference"


def set_charge_shift(
    data: Data,
    charge_shift: float | xr.DataArray,
    *,
    stderr: float | xr.DataArray | None = None,
    reference: str = "",
) -> Data:
    """Give spectra or peaks a known charge shift, in place of the one that they have.

    What `calibrate` found for one region is so applied to the other regions of the sample, and to
    the peaks that were fitted before.

    Parameters
    ----------
    data : DataArray or Dataset
        Spectra, or peaks from `predict`, `refine` or `fit`.
    charge_shift : float or DataArray
        [eV], subtracted from binding energies as they were measured. A number moves the energy
        axis. An array over the other dimensions of `data`, or some of them, becomes the coordinate
        `charge_shift`: counts and axis are then as measured, and `center` of peaks is corrected.
    stderr : float or DataArray, optional
        Standard error of the shift [eV].
    reference : str
        Line and energy, such as "C 1s 284.8 eV", for the attribute `charge_reference`.

    Returns
    -------
    DataArray or Dataset
        Same counts. Peaks move together with their fitted range and with locks and limits of
        their centers.

    Raises
    ------
    ValueError
        Where the shift is not finite, or is over other dimensions than the data.

    See Also
    --------
    calibrate : find the shift.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> peaks = xpsnet.fit(spectrum, n_peaks=1)
    >>> moved = peaks.xps.set_charge_shift(0.5, reference="C 1s 284.8 eV")
    >>> float((moved.center - peaks.center).round(6).item()), moved.attrs["charge_shift"]
    (-0.5, 0.5)
    """
    label("reference", reference)
    if isinstance(data, xr.Dataset):
        if "center" not in data or "peak" not in data.dims:
            raise WrongTypeError(
                f"expected spectra or peaks, got a Dataset with {list(data.data_vars)}; pass what "
                f"xpsnet.read or xpsnet.fit give"
            )
        lead = tuple(dim for dim in data["center"].dims if dim not in ("peak", "count"))
    else:
        data = check_spectra(data)
        lead = tuple(dim for dim in data.dims if dim != "energy")
    coords = _checked(charge_shift, stderr, data, lead)
    if isinstance(data, xr.Dataset):
        moved = _with_peaks_moved(data, coords)
    else:
        moved = _with_axis_moved(data, coords)
    attrs = {
        k: v for k, v in moved.attrs.items() if k not in (CHARGE_SHIFT, CHARGE_STDERR, _REFERENCE)
    }
    value = coords[CHARGE_SHIFT]
    if value.ndim == 0:
        attrs[CHARGE_SHIFT] = float(value.values)
        if CHARGE_STDERR in coords:
            attrs[CHARGE_STDERR] = float(coords[CHARGE_STDERR].values)
    if reference:
        attrs[_REFERENCE] = reference
    moved.attrs = attrs
    return moved


def total_shift(data: xr.DataArray | xr.Dataset) -> xr.Variable:
    """Shift [eV] that spectra or peaks have already, as a Variable without energy."""
    moved = xr.Variable((), stated_number(data.attrs.get(CHARGE_SHIFT)) or 0.0)
    own = charge_coords(data).get(CHARGE_SHIFT)
    return moved if own is None else own + moved


def _checked(
    charge_shift: float | xr.DataArray,
    stderr: float | xr.DataArray | None,
    data: xr.DataArray | xr.Dataset,
    lead: tuple[object, ...],
) -> dict[str, xr.Variable]:
    """Shift and error as coordinates."""
    found: dict[str, xr.Variable] = {}
    for name, given in ((CHARGE_SHIFT, charge_shift), (CHARGE_STDERR, stderr)):
        if given is None and name == CHARGE_STDERR:
            continue
        array = _as_numbers(name, given)
        if not {*array.dims} <= {*lead} or any(data.sizes[d] != array.sizes[d] for d in array.dims):
            raise ValueError(
                f"expected {name} over dimensions of the data, "
                f"{ {str(d): data.sizes[d] for d in lead} }, got {dict(array.sizes)}"
            )
        if name == CHARGE_SHIFT and not np.isfinite(array.values).all():
            raise ValueError(f"expected a finite {name} [eV], got {array.values.ravel()[:3]}")
        found[name] = xr.Variable(array.dims, array.values, CHARGE_TEXTS[name])
    return found


def _as_numbers(name: str, given: object) -> xr.DataArray:
    """A number or an array as an array of numbers."""
    if isinstance(given, xr.DataArray) and given.dtype.kind in "iuf":
        return given.astype(np.float64)
    number(unit="eV")(name, given)
    return xr.DataArray(float(given))  # type: ignore[arg-type]


def _with_axis_moved(spectra: xr.DataArray, coords: dict[str, xr.Variable]) -> xr.DataArray:
    """Spectra with the axis moved by one shift, or with the coordinate and the axis as measured."""
    one = coords[CHARGE_SHIFT].ndim == 0
    new = float(coords[CHARGE_SHIFT].values) if one else 0.0
    by = (stated_number(spectra.attrs.get(CHARGE_SHIFT)) or 0.0) - new
    bare = without_charge(spectra)
    moved = shift(bare, scale_sign(spectra.attrs["scale"]) * by) if by else bare.copy(deep=False)
    return moved if one else moved.assign_coords(coords)


def _with_peaks_moved(peaks: xr.Dataset, coords: dict[str, xr.Variable]) -> xr.Dataset:
    """Peaks with centers, range and constraints moved."""
    sign = scale_sign(str(peaks.attrs["scale"]))
    one = coords[CHARGE_SHIFT].ndim == 0
    new = float(coords[CHARGE_SHIFT].values) if one else 0.0
    along = sign * ((stated_number(peaks.attrs.get(CHARGE_SHIFT)) or 0.0) - new)
    by = coords[CHARGE_SHIFT] - total_shift(peaks)
    moved = without_charge(peaks)
    moved.attrs = {k: v for k, v in moved.attrs.items() if k != CORRECTED_RANGE}
    if by.size > 1 and np.unique(by.values).size > 1:
        moved.attrs = _without_fixed_centers(moved)
    moved = without_charge(corrected_peaks(moved, {CHARGE_SHIFT: by}))
    if along and "energy" in moved.coords:
        axis = moved["energy"]
        moved = moved.assign_coords(energy=("energy", axis.values + along, axis.attrs))
    if along and "energy_range" in moved.attrs:
        moved.attrs["energy_range"] = [float(e) + along for e in moved.attrs["energy_range"]]
    return moved if one else moved.assign_coords(coords)


def _without_fixed_centers(peaks: xr.Dataset) -> dict[object, object]:
    """Attributes without locks and limits of centers, which are one energy for all spectra."""
    if "constraints" not in peaks.attrs:
        return dict(peaks.attrs)
    rules = stored_constraints(peaks)
    kept = {
        name: rule
        for name, rule in rules.items()
        if isinstance(rule, str) or split_name(name)[0] != "center"
    }
    gone = ", ".join(name for name in rules if name not in kept)
    if gone:
        warnings.warn(
            f"every spectrum has its own charge shift: the lock or limit of {gone} is taken away, "
            f"because it is one energy for all spectra",
            XpsnetWarning,
            stacklevel=4,
        )
    return with_constraints(peaks.attrs, kept)
