"""Noise of the points of a fit: what the user gives, or a model that was estimated."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import stated_number
from xpsnet.data.energy_axis import EnergyAxis, checked_axis, energy_dim, with_energy_index
from xpsnet.data.peaks import keep_own_names
from xpsnet.data.spectrum_arrays import orientation_of, spectrum_arrays
from xpsnet.fitting.solve.per_spectrum import per_spectrum
from xpsnet.numerics.noise import (
    KNOWN_BY,
    NoiseModel,
    counting_quantum,
    noise_of_counts,
    smooth_level,
)

Floats = npt.NDArray[np.float64]
NoiseWord = Literal["poisson", "each"]
Noise = (
    float | npt.NDArray[np.floating[Any]] | xr.DataArray | Mapping[str, float] | NoiseWord | None
)

# Of a standard deviation: the square of more has no place in the sums of a fit.
LARGEST = 1e30


@dataclass(frozen=True)
class NoiseChoice:
    """A model of the noise, the same for every part of the spectra.

    Attributes
    ----------
    model : NoiseModel or None
        None where each spectrum's noise is estimated from itself.
    quantum : float
        Step of a counting detector, NaN where there is none; see `counting_quantum`.
    counts : bool
        Whether the variance follows the fitted curve everywhere: Poisson likelihood.
    """

    model: NoiseModel | None
    quantum: float = np.nan
    counts: bool = False

    def rows(self, chosen: npt.NDArray[Any] | slice) -> "NoiseChoice":
        """The choice for some of the spectra."""
        return self if self.model is None else replace(self, model=self.model.rows(chosen))

    @property
    def attributes(self) -> dict[str, float]:
        """Attributes of the result; `noise=` takes them for the same noise again."""
        return {} if self.model is None else self.model.attributes


GivenNoise = npt.NDArray[np.float64] | NoiseChoice


@dataclass(frozen=True)
class PointNoise:
    """Noise of every point of S spectra.

    Attributes
    ----------
    deviation : ndarray, shape (S, n)
        Standard deviation.
    floor : ndarray, shape (S, 1) or (S, n)
    following_gain : ndarray, shape (S,)
        Where this is above 0, the variance is floor + gain x fitted curve: the likelihood is that
        of Poisson counts. `deviation` then only serves for starts.
    dof : ndarray, shape (S,)
        Degrees of freedom; infinity where the noise is known.
    density : ndarray, shape (S,)
        Factor of squared errors where neighboring points are correlated, else 1.
    """

    deviation: Floats
    floor: Floats
    following_gain: Floats
    dof: Floats
    density: Floats

    @classmethod
    def fixed(cls, deviation: Floats) -> "PointNoise":
        """Noise that is known, shape (S, n)."""
        n = len(deviation)
        return cls(deviation, np.zeros((n, 1)), np.zeros(n), np.full(n, np.inf), np.ones(n))

    def rows(self, chosen: npt.NDArray[Any] | slice) -> "PointNoise":
        """The noise of some of the spectra."""
        return PointNoise(
            self.deviation[chosen],
            self.floor[chosen],
            self.following_gain[chosen],
            self.dof[chosen],
            self.density[chosen],
        )


def point_noise(noise: GivenNoise, counts: Floats, held: Floats | None = None) -> PointNoise:
    """Noise of every point.

    Parameters
    ----------
    noise : ndarray, shape (S, n), or NoiseChoice
    counts : ndarray, shape (S, n)
        As measured.
    held : ndarray, shape (S, n), optional
        A background that is subtracted before the fit.
    """
    if not isinstance(noise, NoiseChoice):
        return PointNoise.fixed(noise)
    model = noise.model
    if model is None:
        model = noise_of_counts(counts, noise.quantum, shared=False)
    level = smooth_level(counts)
    follows = model.follows_curve(level) | (noise.counts & (model.gain > 0))
    gain = np.where(follows, model.gain, 0.0)
    floor = np.broadcast_to(model.floor[:, None], (len(counts), 1))
    if held is not None:
        floor = floor + gain[:, None] * held
    dof, density = (np.broadcast_to(v, len(counts)) for v in (model.dof, model.density))
    return PointNoise(model.deviation(level), floor, gain, dof, density)


def quantum_of(spectra: xr.DataArray) -> float:
    """Counts of one electron in spectra (a sample of them, in memory), NaN if unknown.

    The step of the numbers; for rates without one, 1 / (dwell time x scans).
    """
    values = np.asarray(spectra.values)
    quantum = counting_quantum(values)
    if np.isfinite(quantum) or spectra.attrs.get("units") != "counts/s":
        return quantum
    finite = values[np.isfinite(values)]
    time = stated_number(spectra.attrs.get("dwell_time"))
    scans = stated_number(spectra.attrs.get("n_scans", 1))
    if not time or not scans or min(time, scans) < 0 or (finite.size and finite.min() < 0):
        return np.nan
    return 1.0 / (time * scans)


def checked_noise(
    noise: Noise, spectra: xr.DataArray, sample: xr.DataArray
) -> xr.DataArray | NoiseChoice:
    """What a user says of the noise; a preliminary estimate where that is nothing.

    Parameters
    ----------
    noise : float, ndarray, DataArray, mapping, "poisson", "each" or None
        As for `refine`.
    spectra : DataArray
        Checked, the whole energy axis.
    sample : DataArray
        Some of the spectra in memory; only looked at for a word or None.

    Raises
    ------
    ValueError
        Where it means nothing, has the wrong shape, or the spectra are no counts.
    """
    if noise is None:
        counts = spectrum_arrays(sample).counts.astype(np.float64)
        counts = np.where(np.isfinite(counts), counts, np.nan)
        quantum = quantum_of(sample)
        return NoiseChoice(noise_of_counts(counts, quantum), quantum)
    if isinstance(noise, str):
        return _noise_of_word(noise, sample)
    if isinstance(noise, Mapping):
        return NoiseChoice(_noise_of_mapping(noise))
    return noise_array(noise, spectra)


def _noise_of_word(word: str, sample: xr.DataArray) -> NoiseChoice:
    """The choice that a word stands for."""
    if word not in get_args(NoiseWord):
        raise ValueError(
            f"expected noise as a number, an array, 'poisson', 'each' or a mapping with 'gain', "
            f"got {word!r}"
        )
    quantum = quantum_of(sample)
    if word == "each":
        return NoiseChoice(None, quantum)
    if not quantum > 0:
        raise ValueError(
            "expected counts for noise='poisson' (multiples of one step, none negative), got other "
            "numbers; give noise={'gain': ...}, the variance per count, or leave noise out to "
            "estimate it"
        )
    return NoiseChoice(NoiseModel.known(quantum), quantum, counts=True)


def _noise_of_mapping(noise: Mapping[str, float]) -> NoiseModel:
    """The model of a mapping with names of `KNOWN_BY`."""
    values = {"gain": 0.0, "floor": 0.0, "dof": np.inf, "density": 1.0, **noise}
    numbers = {key: float(value) for key, value in values.items() if key in KNOWN_BY}
    good = all(numbers[key] >= 0 for key in ("gain", "floor"))
    good &= all(numbers[key] > 0 for key in ("dof", "density"))
    good &= all(numbers[key] < LARGEST for key in ("gain", "floor", "density"))
    if len(numbers) < len(values) or not good or not numbers["gain"] + numbers["floor"] > 0:
        raise ValueError(
            f"expected noise with 'gain' (variance per count), 'floor' (variance without counts), "
            f"'dof' (degrees of freedom) and 'density' (of correlated noise), none negative and "
            f"not all 0, got {dict(noise)}"
        )
    return NoiseModel.known(**numbers)


def noise_array(
    noise: float | npt.NDArray[Any] | xr.DataArray, spectra: xr.DataArray
) -> xr.DataArray:
    """Numbers as a DataArray over dimensions of checked spectra.

    Raises
    ------
    ValueError
        Where the shape does not fit.
    """
    if not isinstance(noise, xr.DataArray):
        values = np.asarray(noise, dtype=np.float64)
        if values.ndim == 0:
            return xr.DataArray(values)
        try:
            full = np.broadcast_to(values, spectra.shape)
        except ValueError:
            raise ValueError(
                f"expected noise as one number or broadcasting to the shape of the spectra "
                f"{spectra.shape}, got shape {np.shape(noise)}"
            ) from None
        return xr.DataArray(full, dims=spectra.dims, coords={"energy": spectra["energy"]})
    if "energy" in noise.dims and "energy" not in noise.coords:
        return noise.assign_coords(energy=spectra["energy"])
    return noise


def with_checked_names(values: Any, spectra: xr.DataArray, dim: str | None) -> Any:
    """Noise or a background of a user, with the names that the spectra get at the door.

    Parameters
    ----------
    values : DataArray or other
        Only a DataArray has names.
    spectra : DataArray
        As the user gave them.
    dim : str, optional
        Their energy dimension, as for `check_spectra`.
    """
    if not isinstance(values, xr.DataArray):
        return values
    given = with_energy_index(spectra, dim)
    found = energy_dim(given, dim)
    values = with_energy_index(values, dim)
    if found in values.dims and found in values.coords:
        values = _on_checked_axis(values, found, given[found].values, checked_axis(given, found))
    if found != "energy" and found in values.dims:
        values = values.drop_vars("energy", errors="ignore").rename({found: "energy"})
    return keep_own_names(values)


def _on_checked_axis(
    values: xr.DataArray, dim: Hashable, before: npt.NDArray[Any], axis: EnergyAxis
) -> xr.DataArray:
    """Values on energies that were converted, or turned, as those of the spectra were."""
    far = int(np.abs(before).argmax())
    factor = axis.energy[far] / before[far] if before[far] else 1.0
    own = values[dim].values
    if factor == 1.0 or own.dtype.kind not in "iuf":
        return values
    known = dict(zip(before.tolist(), axis.energy.tolist(), strict=True))
    moved = [known.get(one, one * factor) for one in own.tolist()]
    return values.assign_coords({dim: (dim, np.array(moved, dtype=np.float64))})


def at_energies(noise: xr.DataArray, spectra: xr.DataArray) -> xr.DataArray:
    """Noise at the energies of checked spectra.

    Raises
    ------
    ValueError
        Where it has none for some of them.
    """
    try:
        return noise.sel(energy=spectra["energy"])
    except KeyError:
        low, high = (float(end) for end in (spectra["energy"].min(), spectra["energy"].max()))
        raise ValueError(
            f"expected noise at every energy of the spectra ({low:g} to {high:g} eV), got "
            f"{noise.sizes['energy']} other energies; give both the same energy coordinate"
        ) from None


def noise_rows(noise: xr.DataArray | NoiseChoice, cropped: xr.DataArray) -> GivenNoise:
    """Standard deviation of every point on the axis of the numerics, shape (S, n).

    Parameters
    ----------
    noise : DataArray or NoiseChoice
        From `noise_array`; a choice stays what it is.
    cropped : DataArray
        The fitted window.

    Raises
    ------
    ValueError
        Where the shape does not fit, or a finite point has no positive noise.
    """
    if isinstance(noise, NoiseChoice):
        return noise
    if "energy" in noise.dims:
        rows = per_spectrum(at_energies(noise, cropped), cropped, "energy")
    else:
        rows = per_spectrum(noise, cropped)[:, None]
    counts = np.asarray(cropped.values).reshape(-1, cropped.sizes["energy"])
    rows = np.broadcast_to(rows, counts.shape)
    measured = rows[np.isfinite(counts)]
    if not ((measured > 0) & (measured < LARGEST)).all():
        raise ValueError(
            f"expected noise > 0 and below {LARGEST:g} at every measured point, got 0, less, more "
            f"or NaN; mask such points by setting their counts to NaN"
        )
    return orientation_of(cropped).points(rows).astype(np.float64)
