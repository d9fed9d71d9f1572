"""Spectra as plain arrays for the numerics: the one place where energies change their direction.

The numerics know one orientation: energies that grow with binding energy, in ascending order. A
kinetic axis comes in with the opposite sign, and points that then descend in the opposite order.
What leaves the library has the scale and the order of the user's spectra again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.energy_axis import Floats, scale_sign

# Of one spectrum. A window of XPS has some hundred, an analyzer gives at most some ten thousand. Of
# this number a fit takes seconds and about 1 GB, which both grow with it.
MAX_POINTS = 1_000_000
_USUAL_POINTS = 10_000


@dataclass(frozen=True)
class Orientation:
    """How a user's energy axis lies against the axis of the numerics.

    Attributes
    ----------
    sign : int
        -1 where the user's scale is kinetic, else 1.
    backward : bool
        Whether the user's points run towards lower binding energy.
    """

    sign: int
    backward: bool

    def points(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values (..., n) in the order of the other side; contiguous in memory.

        Sums over points that lie apart are rounded otherwise, and chunks lie otherwise than the
        whole.
        """
        return np.ascontiguousarray(values[..., ::-1] if self.backward else values)

    def energies(self, values: Floats) -> Floats:
        """Energies, or distances between energies, on the other side."""
        return self.sign * values


@dataclass(frozen=True)
class SpectrumArrays:
    """Spectra in the orientation of the numerics, one row each.

    Attributes
    ----------
    energy : ndarray, shape (n,)
        Ascending, larger = more bound [eV].
    counts : ndarray, shape (S, n)
        In the units and of the type of the user's spectra; NaN marks a missing point.
    orientation : Orientation
    spectra : DataArray
        Where they come from, with `energy` last: dimensions, coordinates and attributes.
    """

    energy: Floats
    counts: npt.NDArray[Any]
    orientation: Orientation
    spectra: xr.DataArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the leading dimensions; S is their product."""
        return tuple(self.spectra.shape[:-1])


def orientation_of(spectra: xr.DataArray | xr.Dataset) -> Orientation:
    """Orientation of checked spectra."""
    sign = scale_sign(spectra.attrs["scale"])
    axis = spectra["energy"].values
    return Orientation(sign, bool(sign * axis[0] > sign * axis[-1]))


def numeric_energy(spectra: xr.DataArray | xr.Dataset) -> Floats:
    """Energies of checked spectra as the numerics take them, shape (n,)."""
    orientation = orientation_of(spectra)
    return orientation.points(orientation.energies(spectra["energy"].values))


def spectrum_arrays(spectra: xr.DataArray) -> SpectrumArrays:
    """Arrays of checked spectra in memory.

    Raises
    ------
    ValueError
        Where a spectrum has more than `MAX_POINTS` points.
    """
    n = spectra.sizes["energy"]
    if n > MAX_POINTS:
        ends = spectra["energy"].values[[0, -1]]
        raise ValueError(
            f"expected at most {MAX_POINTS} points in a spectrum, got {n} from {ends[0]:g} to "
            f"{ends[1]:g} eV; take the mean of neighboring points, spectra.coarsen(energy="
            f'{-(-n // _USUAL_POINTS)}, boundary="trim").mean(), or pass a smaller energy_range'
        )
    orientation = orientation_of(spectra)
    counts = np.asarray(spectra.values).reshape(-1, n)
    return SpectrumArrays(numeric_energy(spectra), orientation.points(counts), orientation, spectra)


def mirror_factors(names: Sequence[str], sign: int) -> Floats:
    """Factors (1 or -1) that take parameters of these names to a scale of this sign, and back."""
    along = [name == "background_slope" or name.startswith("center_") for name in names]
    return np.where(along, float(sign), 1.0)
