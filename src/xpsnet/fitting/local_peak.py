"""Height and width that the data have at one place, for a peak that a person adds there."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.measured_energies import on_corrected_axis
from xpsnet.data.peak_settings import SHARED, without_disabled
from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum_arrays import SpectrumArrays, spectrum_arrays
from xpsnet.data.status import Status
from xpsnet.fitting.solve.fit_inputs import fitted_window
from xpsnet.numerics.backgrounds import linear, shirley
from xpsnet.numerics.noise import estimate_noise, smooth_level

Floats = npt.NDArray[np.float64]

_SIGNIFICANT = 3.0  # standard deviations of a smoothed point that a residual must have
_SMALL = 0.1  # height where nothing is left, as a share of the counts above the background
_RISES = 1.15  # a side that rises above this share of the height belongs to another peak
_USUAL_FWHM = 1.2  # [eV] where the data say nothing
_N_END = 5  # points whose mean is the level of an end
# Provenance of the spectrum that peaks keep.
_KEPT = ("units", "photon_energy", "source_file", "instrument", "charge_shift", "charge_reference")


class LocalPeak(NamedTuple):
    """Height [units of the spectrum] and FWHM [eV]."""

    height: float
    fwhm: float


def without_peaks(spectrum: xr.DataArray) -> xr.Dataset:
    """Peaks of one spectrum in which there is none yet, with a background.

    Constant and Shirley step are those that agree with the data at both ends of the spectrum;
    where the counts fall towards higher binding energy, a straight line takes the place of the
    step.

    Parameters
    ----------
    spectrum : DataArray
        Checked, in memory.
    """
    arrays = spectrum_arrays(spectrum)
    energy, counts = arrays.energy, arrays.counts[0].astype(float)
    low, high = _ends(counts)
    above = _integral(energy, counts - _drawn(energy, counts))
    step = (high - low) / above if above > 0 and high > low else 0.0
    slope = 0.0 if step or high > low else (high - low) / float(np.ptp(energy))
    constant = low + slope * float(np.ptp(energy)) / 2
    sign = arrays.orientation.sign
    attrs = {name: spectrum.attrs.get(name) for name in _KEPT}
    attrs |= {"region": str(spectrum.name) if spectrum.name else None, "shared": " ".join(SHARED)}
    return make_peaks(
        spectrum["energy"].values,
        (),
        scale=str(spectrum.attrs["scale"]),
        line_shape="pseudo_voigt",
        background="shirley+linear",
        parameters={name: [np.nan] for name in ("center", "fwhm", "height", "fraction")},
        background_parameters={"constant": constant, "slope": sign * slope, "shirley": step},
        status=int(Status.NO_PEAKS),
        attrs=attrs,
    )


def local_peak(spectrum: xr.DataArray, peaks: xr.Dataset, center: float) -> LocalPeak:
    """Height and FWHM at one place, above the background and the other peaks.

    Parameters
    ----------
    spectrum : DataArray
        Checked, one spectrum.
    peaks : Dataset
        Those that there are; perhaps none.
    center : float
        [eV], on the scale of the spectrum.

    Raises
    ------
    ValueError
        Where the center is outside of the fitted range.
    """
    spectrum, peaks = on_corrected_axis(spectrum), on_corrected_axis(peaks)
    window = fitted_window(spectrum, peaks, None).squeeze(drop=True)
    axis = window["energy"].values
    if not axis.min() <= center <= axis.max():
        raise ValueError(
            f"expected a center within the fitted range, {axis.min():g} to {axis.max():g} eV, got "
            f"{center:g}"
        )
    arrays = spectrum_arrays(window)
    at = arrays.orientation.sign * center
    rest, whole = _above(arrays, without_disabled(peaks))
    smooth = smooth_level(rest[None])[0]
    height, noise = _at(arrays.energy, smooth, at), float(estimate_noise(rest[None])[0])
    known = peaks["fwhm"].values[np.isfinite(peaks["fwhm"].values)]
    usual = float(np.median(known)) if known.size else _USUAL_FWHM
    step = float(np.median(np.diff(arrays.energy)))
    widest = max(float(np.ptp(axis)) / 4, 3 * step)
    if not height > _SIGNIFICANT * noise / np.sqrt(3):  # a parabola through seven points
        least = max(_SMALL * _at(arrays.energy, smooth_level(whole[None])[0], at), noise, 0.0)
        return LocalPeak(max(height, least), float(np.clip(usual, 3 * step, widest)))
    fwhm = _width(arrays.energy, smooth, at, height)
    return LocalPeak(height, float(np.clip(fwhm or usual, 3 * step, widest)))


def _above(arrays: SpectrumArrays, peaks: xr.Dataset) -> tuple[Floats, Floats]:
    """Counts above background and peaks, and above the background alone, ascending in energy."""
    counts = arrays.counts[0].astype(float)
    if not np.isfinite(peaks["center"].values).any():
        rest = counts - _drawn(arrays.energy, counts)
        return rest, rest
    drawn = curves(peaks, arrays.spectra["energy"].values)
    lead = (-1, arrays.energy.size)
    envelope, base = (
        arrays.orientation.points(drawn[name].values.reshape(lead))[0]
        for name in ("envelope", "background")
    )
    return counts - envelope, counts - base


def _drawn(energy: Floats, counts: Floats) -> Floats:
    """Background between both ends: Shirley's, or a straight line where the counts fall."""
    low, high = _ends(counts)
    draw = shirley if high > low else linear
    curve = np.asarray(draw(counts, energy, n_end=_N_END))
    known = np.isfinite(curve[np.isfinite(counts)]).all()
    return curve if known else np.full_like(counts, min(low, high))


def _ends(counts: Floats) -> tuple[float, float]:
    """Mean levels of the two ends."""
    finite = counts[np.isfinite(counts)]
    n = max(1, min(_N_END, finite.size // 4))
    return float(np.mean(finite[:n])), float(np.mean(finite[-n:]))


def _integral(energy: Floats, curve: Floats) -> float:
    """Integral of the finite points."""
    known = np.isfinite(curve)
    return float(np.trapezoid(curve[known], energy[known]))


def _at(energy: Floats, curve: Floats, place: float) -> float:
    """Value of a curve at one place, between its finite points."""
    known = np.isfinite(curve)
    return float(np.interp(place, energy[known], curve[known])) if known.any() else 0.0


def _width(energy: Floats, curve: Floats, place: float, height: float) -> float | None:
    """Full width at half of the height: twice that of the nearer side; None where no side ends."""
    halves = []
    for side in (energy > place, energy < place):
        at, values = energy[side], curve[side]
        if at.size and at[0] < place:
            at, values = at[::-1], values[::-1]
        known = np.isfinite(values)
        at, values = at[known], values[known]
        below = np.flatnonzero(values < height / 2)
        if not below.size or (values[: below[0]] > _RISES * height).any():
            continue
        k = int(below[0])
        before = values[k - 1] if k else height
        inner = at[k - 1] if k else place
        share = (before - height / 2) / max(before - values[k], 1e-300)
        halves.append(abs(inner + share * (at[k] - inner) - place))
    return 2 * min(halves) if halves else None
