"""Spectra, noise and starts as arrays: the way in of a fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.energy_axis import energy_dim, with_energy_index
from xpsnet.data.peak_arrays import sorted_peaks
from xpsnet.data.peaks import keep_own_names
from xpsnet.data.spectrum import check_spectra, crop
from xpsnet.data.spectrum_arrays import orientation_of
from xpsnet.fitting.model.doublets import Doublet, as_doublets, pair_doublets
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import noise_profile

Floats = npt.NDArray[np.float64]
Noise = float | npt.NDArray[np.floating[Any]] | xr.DataArray | None
Starts = dict[str, Floats]

_SHAPE_PARAMETERS = {name for shape in LINE_SHAPES.values() for name in shape.parameters}


@dataclass(frozen=True)
class FitInputs:
    """Spectra and starts, one row per spectrum, on the axis of the numerics.

    Attributes
    ----------
    energy : ndarray, shape (n,)
        Ascending, larger = more bound [eV].
    counts, noise : ndarray, shape (S, n)
        Counts (NaN: missing) and the standard deviation of every point.
    starts : dict of str to ndarray, shape (S, peak)
        Peaks in the order in which constraints count them; NaN where there is no peak.
    status : ndarray of int, shape (S,)
        Codes of `Status` that the starts came with.
    """

    energy: Floats
    counts: Floats
    noise: Floats
    starts: Starts
    status: npt.NDArray[np.int64]

    def rows(self, chosen: npt.NDArray[Any] | slice) -> "FitInputs":
        """The inputs of some of the spectra."""
        starts = {name: values[chosen] for name, values in self.starts.items()}
        return FitInputs(
            self.energy, self.counts[chosen], self.noise[chosen], starts, self.status[chosen]
        )

    def with_starts(self, starts: Starts, status: npt.NDArray[np.int64]) -> "FitInputs":
        """The same spectra with other starts."""
        return replace(self, starts=starts, status=status)

    @property
    def used(self) -> npt.NDArray[np.bool_]:
        """Points that count: measured, and with a noise that gives a weight; shape (S, n)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            weighted = (self.noise > 0) & np.isfinite(1 / self.noise)
        return np.asarray(np.isfinite(self.counts) & weighted)


def fit_inputs(
    energy: Floats,
    counts: npt.NDArray[Any],
    noise: Floats | None,
    starts: Starts,
    status: npt.NDArray[np.int64],
) -> FitInputs:
    """Inputs of a fit; the noise is estimated where it is None. Shapes as in `FitInputs`."""
    counts = np.array(counts, dtype=np.float64)
    counts[~np.isfinite(counts)] = np.nan
    if noise is None:
        noise = np.asarray(noise_profile(counts), dtype=np.float64)
    return FitInputs(energy, counts, noise, starts, status)


def fitted_window(
    spectra: xr.DataArray,
    peaks: xr.Dataset,
    energy_range: tuple[float, float] | None,
    dim: str | None = None,
) -> xr.DataArray:
    """Spectra over the fitted range, after a check of both.

    Raises
    ------
    ValueError
        Where spectra and peaks do not belong together.
    """
    spectra = keep_own_names(check_spectra(spectra, dim=dim))
    if "peak" not in peaks.dims or "center" not in peaks:
        raise ValueError(
            f"expected a peaks Dataset with `center` over the dimension `peak`, got dimensions "
            f"{tuple(peaks.dims)}; see xpsnet.predict"
        )
    if "count" in peaks["center"].dims:
        raise ValueError(
            "expected peaks of one count, got the dimension `count`; select one first, for "
            "instance peaks.sel(count=2)"
        )
    scale = peaks.attrs.get("scale", spectra.attrs["scale"])
    if scale != spectra.attrs["scale"]:
        raise ValueError(
            f"expected spectra and peaks on one energy scale, got {spectra.attrs['scale']!r} and "
            f"{scale!r}; convert the spectra with to_binding or to_kinetic first"
        )
    if energy_range is None and "energy_range" in peaks.attrs:
        low, high = (float(end) for end in peaks.attrs["energy_range"])
        energy_range = (low, high)
    return spectra if energy_range is None else crop(spectra, energy_range)


def starts_from_peaks(
    spectra: xr.DataArray, peaks: xr.Dataset
) -> tuple[Starts, npt.NDArray[np.int64]]:
    """The `starts` and `status` of `FitInputs` from a peaks Dataset.

    Parameters
    ----------
    spectra : DataArray
        The fitted window.
    peaks : Dataset
        Over the other dimensions of the spectra, or some of them.

    Raises
    ------
    ValueError
        Where shapes do not fit.
    """
    starts = {
        str(name): per_spectrum(peaks[name], spectra, "peak")
        for name in peaks.data_vars
        if name in _SHAPE_PARAMETERS
    }
    absent = np.full_like(starts["center"], np.nan)
    starts = {"fwhm": absent, "height": absent, **starts}
    # Peaks with labels or links keep their places.
    if "label" not in peaks and "links" not in peaks.attrs:
        starts = sorted_peaks(starts, starts["center"])
    starts["center"] = orientation_of(spectra).energies(starts["center"])
    if "status" in peaks:
        return starts, per_spectrum(peaks["status"], spectra).astype(np.int64)
    return starts, np.zeros(len(starts["center"]), dtype=np.int64)


def find_doublets(
    doublets: Sequence[Doublet | str], starts: Starts, sign: int
) -> tuple[Doublet, ...]:
    """Doublets with their peaks, found from the starts where they are not given.

    Parameters
    ----------
    doublets : sequence of Doublet or str
        As for `refine`.
    starts : dict of str to ndarray, shape (S, peak)
        Their medians over all spectra count.
    sign : int
        -1 where the user's scale is kinetic: for the message.

    Raises
    ------
    ValueError
        Where no two peaks are the doublet.
    """
    if not doublets:
        return ()
    wanted = as_doublets(doublets, starts["center"].shape[1])
    center = _median(starts["center"])
    area = _median(starts["height"] * starts["fwhm"])
    [(_, found)] = pair_doublets(wanted, center[None], area[None])
    if len(found) < len(wanted):
        lost = sorted({one.region for one in wanted} - {one.region for one in found})
        raise ValueError(
            f"expected two peaks with the distance and the areas of {', '.join(lost)}, got "
            f"centers {np.round(sign * center, 2).tolist()}; say which by "
            f"doublet(..., peaks=(1, 2))"
        )
    return tuple(found)


def median_center(starts: Starts) -> Floats:
    """Median of the centers over all spectra, shape (peak,)."""
    return _median(starts["center"])


def _median(values: Floats) -> Floats:
    """Median over the spectra of finite values, shape (peak,); NaN where there is none."""
    columns = (column[np.isfinite(column)] for column in values.T)
    return np.array([np.median(one) if one.size else np.nan for one in columns])


def noise_array(noise: Noise, spectra: xr.DataArray) -> xr.DataArray | None:
    """Noise as a DataArray over dimensions of checked spectra; None stays None.

    Raises
    ------
    ValueError
        Where the shape does not fit.
    """
    if noise is None:
        return None
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
    found = energy_dim(with_energy_index(spectra, dim), dim)
    values = with_energy_index(values, dim)
    if found != "energy" and found in values.dims:
        values = values.drop_vars("energy", errors="ignore").rename({found: "energy"})
    return keep_own_names(values)


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


def noise_rows(
    noise: Noise, cropped: xr.DataArray, spectra: xr.DataArray | None = None
) -> Floats | None:
    """Standard deviation of every point on the axis of the numerics, shape (S, n).

    Parameters
    ----------
    noise : float, ndarray, DataArray or None
        As for `refine`; None stays None.
    cropped : DataArray
        The fitted window.
    spectra : DataArray, optional
        The checked spectra before they were cropped, to which an ndarray belongs.

    Raises
    ------
    ValueError
        Where the shape does not fit, or a finite point has no positive noise.
    """
    known = noise_array(noise, cropped if spectra is None else spectra)
    if known is None:
        return None
    if "energy" in known.dims:
        rows = per_spectrum(at_energies(known, cropped), cropped, "energy")
    else:
        rows = per_spectrum(known, cropped)[:, None]
    counts = np.asarray(cropped.values).reshape(-1, cropped.sizes["energy"])
    rows = np.broadcast_to(rows, counts.shape)
    if not (rows[np.isfinite(counts)] > 0).all():
        raise ValueError(
            "expected noise > 0 at every measured point, got 0, less or NaN; mask such points by "
            "setting their counts to NaN"
        )
    return orientation_of(cropped).points(rows)


def per_spectrum(values: xr.DataArray, spectra: xr.DataArray, *last: str) -> Floats:
    """One row per spectrum of a variable that may lack some of the spectra's dimensions.

    Parameters
    ----------
    values : DataArray
        Over dimensions of `spectra` and `last`.
    spectra : DataArray
        With `energy` last.
    *last : str
        Dimensions that every row keeps.

    Raises
    ------
    ValueError
        Where a size differs from that of the spectra.
    """
    lead = {d: spectra.sizes[d] for d in spectra.dims if d != "energy"}
    own = {d: values.sizes[d] for d in values.dims if d not in last}
    if any(lead.get(d) != size for d, size in own.items()):
        raise ValueError(
            f"expected values over the dimensions of the spectra {lead}, got {own}; select or "
            f"crop both alike"
        )
    bare = values.drop_vars(list(values.coords))
    bare = bare.expand_dims({d: size for d, size in lead.items() if d not in own})
    ordered_values = bare.transpose(*lead, *last).values.astype(np.float64)
    n_spectra = int(np.prod(list(lead.values())))  # -1 is unknown where there are 0 peaks
    return ordered_values.reshape(n_spectra, *(values.sizes[d] for d in last))
