"""A charge shift as frozen data, so that it is a part of the axis and of undo; no widgets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import xarray as xr

Data = TypeVar("Data", xr.DataArray, xr.Dataset)


@dataclass(frozen=True)
class Charge:
    """One shift for all spectra of a region, or one for each.

    Parameters
    ----------
    shift : tuple of float
        [eV], subtracted from the measured binding energies; one number, or one for each spectrum.
    stderr : tuple of float
        Standard errors of the same number; empty where they are not known.
    dims : tuple of str
        Dimensions of the spectra; none for one shift.
    sizes : tuple of int
        Of these dimensions.
    reference : str
        Line and energy, "C 1s 284.8 eV".
    """

    shift: tuple[float, ...]
    stderr: tuple[float, ...] = ()
    dims: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    reference: str = ""

    @classmethod
    def of(cls, calibrated: xr.DataArray) -> "Charge":
        """The charge shift that calibrated spectra have."""
        reference = str(calibrated.attrs.get("charge_reference", ""))
        if "charge_shift" not in calibrated.coords:
            error = calibrated.attrs.get("charge_shift_stderr")
            known = () if error is None else (float(error),)
            return cls(
                (float(calibrated.attrs.get("charge_shift", 0.0)),), known, (), (), reference
            )
        found = calibrated["charge_shift"]
        errors = calibrated.coords.get("charge_shift_stderr")
        return cls(
            tuple(map(float, found.values.ravel())),
            () if errors is None else tuple(map(float, errors.values.ravel())),
            tuple(map(str, found.dims)),
            tuple(found.shape),
            reference,
        )

    @property
    def median(self) -> float:
        """The shift of a typical spectrum [eV]."""
        return float(np.median(self.shift))

    def as_one(self) -> "Charge":
        """The median shift for all spectra."""
        return Charge((self.median,), reference=self.reference)

    def at(self, pixel: Mapping[str, int]) -> "Charge":
        """The shift of one spectrum."""
        if not self.dims:
            return self
        index = tuple(pixel[dim] for dim in self.dims)
        place = int(np.ravel_multi_index(index, self.sizes))
        error = self.stderr[place : place + 1]
        return Charge(self.shift[place : place + 1], error, reference=self.reference)

    def fits(self, spectra: xr.DataArray) -> bool:
        """Whether spectra have the dimensions of these shifts."""
        sizes = zip(self.dims, self.sizes, strict=True)
        return all(spectra.sizes.get(dim) == size for dim, size in sizes)

    def apply(self, data: Data) -> Data:
        """Give spectra or peaks this shift."""
        keywords = {name: _as_array(value) for name, value in self.keywords().items()}
        moved: Data = data.xps.set_charge_shift(**keywords)
        return moved

    def keywords(self) -> dict[str, Any]:
        """Keywords of the method `.xps.set_charge_shift`, arrays as mappings of dims and values."""
        found: dict[str, Any] = {"charge_shift": self._plain(self.shift)}
        if self.stderr:
            found["stderr"] = self._plain(self.stderr)
        return {**found, "reference": self.reference}

    def _plain(self, values: tuple[float, ...]) -> Any:
        """One number, or a mapping that JSON holds."""
        if not self.dims:
            return values[0]
        return {"dims": list(self.dims), "values": np.reshape(values, self.sizes).tolist()}

    @classmethod
    def from_keywords(cls, found: Mapping[str, Any]) -> "Charge":
        """The charge shift that `keywords` describes."""
        shift = found["charge_shift"]
        if not isinstance(shift, Mapping):
            error = found.get("stderr")
            one = () if error is None else (float(error),)
            return cls((float(shift),), one, reference=str(found["reference"]))
        values = np.asarray(shift["values"], dtype=float)
        errors = found.get("stderr")
        known = np.asarray([] if errors is None else errors["values"], dtype=float)
        return cls(
            tuple(map(float, values.ravel())),
            tuple(map(float, known.ravel())),
            tuple(map(str, shift["dims"])),
            values.shape,
            str(found["reference"]),
        )


def _as_array(value: Any) -> Any:
    """A mapping of dims and values as an array."""
    if isinstance(value, Mapping):
        return xr.DataArray(value["values"], dims=value["dims"])
    return value
