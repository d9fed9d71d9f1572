"""Spectra, noise and starts as arrays: the way in of a fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.peak_arrays import sorted_peaks
from xpsnet.data.peak_settings import keeps_order, without_disabled
from xpsnet.data.peaks import keep_own_names
from xpsnet.data.spectrum import check_spectra, crop
from xpsnet.data.spectrum_arrays import orientation_of
from xpsnet.fitting.model.doublets import Doublet, pair_doublets
from xpsnet.fitting.solve.per_spectrum import per_spectrum
from xpsnet.fitting.solve.point_noise import GivenNoise, PointNoise, point_noise
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]
Starts = dict[str, Floats]

# Rounding of energies in files, as a share of the range; far below a step.
_ROUNDED = 1e-8

_SHAPE_PARAMETERS = {name for shape in LINE_SHAPES.values() for name in shape.parameters}


@dataclass(frozen=True)
class FitInputs:
    """Spectra and starts, one row per spectrum, on the axis of the numerics.

    Attributes
    ----------
    energy : ndarray, shape (n,)
        Ascending, larger = more bound [eV].
    counts : ndarray, shape (S, n)
        NaN where a point is missing.
    noise : PointNoise
    starts : dict of str to ndarray, shape (S, peak)
        Peaks in the order in which constraints count them; NaN where there is no peak.
    status : ndarray of int, shape (S,)
        Codes of `Status` that the starts came with.
    """

    energy: Floats
    counts: Floats
    noise: PointNoise
    starts: Starts
    status: npt.NDArray[np.int64]

    def rows(self, chosen: npt.NDArray[Any] | slice) -> "FitInputs":
        """The inputs of some of the spectra."""
        starts = {name: values[chosen] for name, values in self.starts.items()}
        return FitInputs(
            self.energy, self.counts[chosen], self.noise.rows(chosen), starts, self.status[chosen]
        )

    def with_starts(self, starts: Starts, status: npt.NDArray[np.int64]) -> "FitInputs":
        """The same spectra with other starts."""
        return replace(self, starts=starts, status=status)

    @property
    def used(self) -> npt.NDArray[np.bool_]:
        """Points that count: measured, and with a noise that gives a weight; shape (S, n)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            weighted = (self.noise.deviation > 0) & np.isfinite(1 / self.noise.deviation)
        return np.asarray(np.isfinite(self.counts) & weighted)


def fit_inputs(
    arrays: tuple[Floats, npt.NDArray[Any], Floats | None],
    noise: GivenNoise,
    starts: Starts,
    status: npt.NDArray[np.int64],
) -> FitInputs:
    """Inputs of a fit.

    Parameters
    ----------
    arrays : (ndarray, ndarray, ndarray or None), shape (n,), (S, n) and (S, n)
        Energies, counts and a background that is held: it is subtracted, the noise is that of the
        counts.
    noise : ndarray, NoiseModel or NoiseOfEach
        As for `point_noise`.
    starts, status
        As in `FitInputs`.
    """
    energy, counts, held = arrays
    counts = np.array(counts, dtype=np.float64)
    counts[~np.isfinite(counts)] = np.nan
    found = point_noise(noise, counts, held)
    return FitInputs(energy, counts if held is None else counts - held, found, starts, status)


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
        # Files round energies: the points at the ends stay.
        slack = _ROUNDED * (high - low)
        energy_range = (low - slack, high + slack)
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
    peaks = without_disabled(peaks)
    starts = {
        str(name): per_spectrum(peaks[name], spectra, "peak")
        for name in peaks.data_vars
        if name in _SHAPE_PARAMETERS
    }
    absent = np.full_like(starts["center"], np.nan)
    starts = {"fwhm": absent, "height": absent, **starts}
    if not keeps_order(peaks):
        starts = sorted_peaks(starts, starts["center"])
    starts["center"] = orientation_of(spectra).energies(starts["center"])
    if "status" in peaks:
        return starts, per_spectrum(peaks["status"], spectra).astype(np.int64)
    return starts, np.zeros(len(starts["center"]), dtype=np.int64)


def find_doublets(doublets: Sequence[Doublet], starts: Starts, sign: int) -> tuple[Doublet, ...]:
    """Doublets with their peaks, found from the starts where they are not given.

    Parameters
    ----------
    doublets : sequence of Doublet
        Those of a call of `refine`.
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
    center = _median(starts["center"])
    area = _median(starts["height"] * starts["fwhm"])
    [(_, found)] = pair_doublets(doublets, center[None], area[None])
    if len(found) < len(doublets):
        lost = sorted({one.region for one in doublets} - {one.region for one in found})
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
