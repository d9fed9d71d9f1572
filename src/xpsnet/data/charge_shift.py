"""The coordinate `charge_shift`: the charge reference of every spectrum by itself.

Where all spectra have the same shift, the energy axis is moved and `attrs["charge_shift"]` says by
how much. Where each has its own, counts and axis stay as measured: resampling would correlate the
noise of neighboring points. The coordinate then holds the shift [eV] that is to be subtracted from
the binding energies of the axis; `center` of peaks is subtracted already.
"""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

CHARGE_SHIFT = "charge_shift"
CHARGE_STDERR = "charge_shift_stderr"
CHARGE_TEXTS: dict[str, dict[str, Any]] = {
    CHARGE_SHIFT: {"units": "eV", "long_name": "Charge shift"},
    CHARGE_STDERR: {"units": "eV", "long_name": "Standard error of the charge shift"},
}
Data = TypeVar("Data", xr.DataArray, xr.Dataset)

_NAMES = (CHARGE_SHIFT, CHARGE_STDERR)


def has_charge_shift(data: object) -> bool:
    """Whether spectra or peaks have a charge reference per spectrum."""
    return isinstance(data, xr.DataArray | xr.Dataset) and CHARGE_SHIFT in data.coords


def charge_coords(data: xr.DataArray | xr.Dataset) -> dict[str, xr.Variable]:
    """The coordinates of the charge reference, as far as there are any."""
    return {name: data.coords[name].variable for name in _NAMES if name in data.coords}


def without_charge(data: Data) -> Data:
    """Spectra or peaks without the coordinates of the charge reference; nothing is moved."""
    return data.drop_vars(list(charge_coords(data)))


def inside_corrected(
    spectra: xr.DataArray, low: float, high: float, sign: int
) -> npt.NDArray[np.bool_] | None:
    """Which points lie in a range of corrected energies, in the order of the spectra's dimensions.

    Parameters
    ----------
    spectra : DataArray
        With `energy` last.
    low, high : float
        Corrected energies [eV] on the spectra's own scale.
    sign : int
        1 on the binding scale, -1 on the kinetic one.

    Returns
    -------
    ndarray of bool, shape that broadcasts to the spectra; None where there is no such coordinate.
    """
    if not has_charge_shift(spectra):
        return None
    shift = spectra.coords[CHARGE_SHIFT]
    lead = [dim for dim in spectra.dims if dim != "energy"]
    values = np.asarray(shift.variable.set_dims(lead, spectra.shape[:-1]).values)
    corrected = spectra["energy"].values - sign * values[..., None]
    return np.asarray((corrected >= low) & (corrected <= high))
