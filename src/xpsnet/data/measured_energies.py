"""Functions of spectra whose axis is as measured, called with corrected energies, and back.

`charge_shift` differs from spectrum to spectrum, and the numerics have one axis for all spectra.
So they work on energies as measured, and what a caller gives and gets is corrected:
`on_measured_energies` is the one place where centers, ranges and constraints change sides.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec

import numpy as np
import xarray as xr

from xpsnet.arguments import stated_number
from xpsnet.data.charge_shift import (
    CHARGE_SHIFT,
    Data,
    charge_coords,
    has_charge_shift,
    without_charge,
)
from xpsnet.data.constraints import Constraint
from xpsnet.data.energy_axis import scale_sign
from xpsnet.data.links import split_name
from xpsnet.data.peak_settings import stored_constraints, with_constraints
from xpsnet.data.spectrum import crop

CORRECTED_RANGE = "corrected_energy_range"
"""Attribute of peaks: the fitted range in corrected energies [eV], where the caller gave one."""

_CENTERS = ("center", "center_lower", "center_upper", "vendor_center")
P = ParamSpec("P")


def on_measured_energies(function: Callable[P, xr.Dataset]) -> Callable[P, xr.Dataset]:
    """Let a function of `spectra`, `peaks` or both take and give corrected energies.

    Its parameters are known by their names: `spectra`, `peaks`, `energy_range`, `constraints`.
    Nothing changes where neither spectra nor peaks have the coordinate `charge_shift`.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> xr.Dataset:
        if not any(has_charge_shift(one) for one in (*args, *kwargs.values())):
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        coords, corrected = to_measured(given, signature)
        found = function(*bound.args, **bound.kwargs)
        return corrected_peaks(found, coords, corrected)

    return call


def to_measured(
    given: dict[str, Any], signature: inspect.Signature
) -> tuple[dict[str, xr.Variable], tuple[float, float] | None]:
    """Replace spectra, peaks, range and constraints of a call by those of energies as measured.

    Parameters
    ----------
    given : dict
        Arguments by name; changed in place.
    signature : Signature
        Of the function that takes them.

    Returns
    -------
    (dict of str to Variable, (float, float) or None)
        What `corrected_peaks` takes for the result.
    """
    spectra: Any = given.get("spectra")
    peaks: Any = given.get("peaks")
    coords = charge_coords(peaks if spectra is None else spectra)
    corrected = _measured_spectra(given, signature) if has_charge_shift(spectra) else None
    if peaks is not None:
        own = peaks if has_charge_shift(peaks) else peaks.assign_coords(coords)
        given["peaks"] = measured_peaks(own)
    if given.get("constraints") is not None and coords:
        sign = scale_sign(spectra.attrs["scale"])
        by = coords[CHARGE_SHIFT] * sign
        given["constraints"] = _moved_constraints(given["constraints"], by)
    return coords, corrected


def _measured_spectra(
    given: dict[str, Any], signature: inspect.Signature
) -> tuple[float, float] | None:
    """Replace spectra and range by those of energies as measured; the range that was meant."""
    spectra: Any = given["spectra"]
    peaks: Any = given.get("peaks")
    wanted = given.get("energy_range")
    if wanted is None and has_charge_shift(peaks):
        wanted = peaks.attrs.get(CORRECTED_RANGE)
    if wanted is not None:
        spectra = crop(spectra, wanted, dim=given.get("dim"))
        given["dim"] = None
        ends = spectra["energy"].values[[0, -1]]
        if "energy_range" in signature.parameters:
            given["energy_range"] = tuple(map(float, ends))
        wanted = min(wanted), max(wanted)
    given["spectra"] = without_charge(spectra)
    return wanted


def measured_peaks(peaks: xr.Dataset) -> xr.Dataset:
    """Peaks with centers as measured, without the coordinate `charge_shift`.

    Raises
    ------
    ValueError
        Where constraints hold centers at one energy for spectra with different shifts.
    """
    shift = charge_coords(peaks).get(CHARGE_SHIFT)
    if shift is None:
        return peaks
    return _moved(without_charge(peaks), shift * scale_sign(str(peaks.attrs["scale"])))


def corrected_peaks(
    peaks: xr.Dataset,
    coords: Mapping[str, xr.Variable],
    energy_range: tuple[float, float] | None = None,
) -> xr.Dataset:
    """Peaks, curves or residuals of energies as measured, with the coordinate `charge_shift`.

    Parameters
    ----------
    peaks : Dataset
    coords : mapping of str to Variable
        From `charge_coords`; nothing happens where there are none.
    energy_range : (float, float), optional
        The fitted range in corrected energies [eV].
    """
    if not coords:
        return peaks
    found = peaks
    if "center" in peaks:
        found = _moved(peaks, -coords[CHARGE_SHIFT] * scale_sign(str(peaks.attrs["scale"])))
    found = found.assign_coords(coords)
    if energy_range is not None:
        found.attrs[CORRECTED_RANGE] = [float(end) for end in energy_range]
    return found


def on_corrected_axis(data: Data) -> Data:
    """One spectrum or its peaks with the axis itself corrected, in place of the coordinate.

    Data with several shifts, or with none, are returned unchanged.
    """
    shift = charge_coords(data).get(CHARGE_SHIFT)
    if shift is None or shift.size != 1:
        return data
    by = float(shift.values.reshape(())) * scale_sign(str(data.attrs["scale"]))
    moved = without_charge(data)
    axis = moved["energy"]
    moved = moved.assign_coords(energy=("energy", axis.values - by, axis.attrs))
    total = (stated_number(moved.attrs.get(CHARGE_SHIFT)) or 0.0) + float(shift.values.reshape(()))
    moved.attrs = {k: v for k, v in moved.attrs.items() if k != CORRECTED_RANGE}
    moved.attrs[CHARGE_SHIFT] = total
    if "energy_range" in moved.attrs:
        moved.attrs["energy_range"] = [float(end) - by for end in moved.attrs["energy_range"]]
    return moved


def _moved(peaks: xr.Dataset, by: xr.Variable) -> xr.Dataset:
    """Peaks whose centers, and what is said of them, are moved by some eV."""
    new = peaks.copy()
    for name in _CENTERS:
        if name in new.data_vars:
            variable = new.variables[name]
            moved = variable + by  # by name of the dimension, not by coordinate
            last = [d for d in ("count", "peak") if d in moved.dims]
            new[name] = moved.transpose(..., *last)
            new[name].attrs = variable.attrs
    if "constraints" in peaks.attrs:
        rules = _moved_constraints(stored_constraints(peaks), by)
        new.attrs = with_constraints(peaks.attrs, rules)
    return new


def _moved_constraints(
    constraints: Mapping[str, Constraint], by: xr.Variable
) -> dict[str, Constraint]:
    """Constraints with the energies in them moved.

    Raises
    ------
    ValueError
        Where they hold or limit centers, and spectra are moved by different amounts.
    """
    absolute = [
        name
        for name, rule in constraints.items()
        if split_name(name)[0] == "center" and not isinstance(rule, str)
    ]
    if not absolute:
        return dict(constraints)
    values = np.unique(np.asarray(by.values))
    if values.size != 1:
        raise ValueError(
            f"expected no lock and no limit of {absolute[0]} where every spectrum has its own "
            f"charge_shift, from {values.min():.2f} to {values.max():.2f} eV; link the center to "
            f"another peak, or calibrate with per_spectrum=False"
        )
    offset = float(values[0])

    def moved(rule: Any) -> Constraint:
        if isinstance(rule, int | float):
            return rule + offset
        low, high = (None if end is None else end + offset for end in rule)
        return low, high

    return {name: moved(rule) if name in absolute else rule for name, rule in constraints.items()}
