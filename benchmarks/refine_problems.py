"""Spectra with known peaks, their noise, and starts of known distance: problems for refinement."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES

COEFFICIENTS = {"constant": 300.0, "slope": 4.0, "shirley": 0.02, "tougaard": 200.0}
EXTRA = {"fraction": (0.15, 0.6), "asymmetry": (0.05, 0.25)}
# Of the powers of a Lorentzian; what damps their tails is held by a fit.
POWERS = {"exponent_high": (0.8, 1.5), "exponent_low": (1.5, 3.0), "damping": (50.0, 50.0)}
# Variance = floor + gain x counts: detectors are rarely counters.
FLOOR, GAIN = 40.0, 0.4


@dataclass(frozen=True)
class Problem:
    """Spectra (spectrum, energy) of one kind, what they were made from, and starts."""

    spectra: xr.DataArray
    noise: xr.DataArray
    truth: xr.Dataset
    starts: xr.Dataset


def peaks_of(
    parameters: dict[str, np.ndarray], energy: np.ndarray, line_shape: str, background: str
) -> xr.Dataset:
    """Peaks Dataset over the dimension `spectrum`."""
    n = len(parameters["center"])
    return make_peaks(
        energy,
        ("spectrum",),
        scale="binding",
        line_shape=line_shape,
        background=background,
        parameters={name: parameters[name] for name in LINE_SHAPES[line_shape].parameters},
        background_parameters={
            term: np.full(n, COEFFICIENTS[term]) for term in BACKGROUNDS[background]
        },
        status=np.zeros(n, dtype=int),
    )


def make_problem(
    n_spectra: int,
    n_peaks: int,
    *,
    line_shape: str = "pseudo_voigt",
    background: str = "constant",
    energy: np.ndarray | None = None,
    spacing: tuple[float, float] = (0.9, 2.5),
    height: tuple[float, float] = (300.0, 3000.0),
    away: float = 0.3,
    seed: int = 0,
) -> Problem:
    """Random peaks with a share and an asymmetry in common.

    Parameters
    ----------
    n_spectra, n_peaks : int
    line_shape, background : str
    energy : ndarray, optional
        401 points over 14 eV by default.
    spacing : (float, float)
        Distances of neighboring peaks [mean FWHM of both].
    height : (float, float)
        Range, on a logarithmic scale [counts].
    away : float
        How far a start may be from the truth: centers by this part of their FWHM, widths by this
        part of themselves.
    seed : int
    """
    rng = np.random.default_rng([seed, n_peaks, *map(ord, line_shape + background)])
    energy = np.linspace(280.0, 294.0, 401) if energy is None else energy
    shape = (n_spectra, n_peaks)
    fwhm = rng.uniform(0.8, 1.6, shape)
    distance = rng.uniform(*spacing, shape) * (fwhm + np.roll(fwhm, 1, axis=1)) / 2
    distance[:, 0] = 0.0
    place = np.cumsum(distance, axis=1)
    center = place - place.mean(axis=1, keepdims=True) + energy.mean()
    parameters = {"center": center, "fwhm": fwhm}
    parameters["height"] = np.exp(rng.uniform(*np.log(height), shape))
    for name, ends in EXTRA.items():
        parameters[name] = np.broadcast_to(rng.uniform(*ends, (n_spectra, 1)), shape)
    for name in LINE_SHAPES[line_shape].parameters:
        if name in POWERS:
            drawn = rng.uniform(*POWERS[name], (n_spectra, 1))
            parameters[name] = np.broadcast_to(drawn, shape)
    truth = peaks_of(parameters, energy, line_shape, background)
    envelope = curves(truth).envelope
    noise = np.sqrt(FLOOR + GAIN * np.maximum(envelope, 0.0))
    counts = envelope.values + noise.values * rng.normal(size=envelope.shape)
    spectra = make_spectrum(counts, energy, dims=("spectrum", "energy"), scale="binding")
    starts = {
        "center": center + away * rng.uniform(-1, 1, shape) * fwhm,
        "fwhm": fwhm * np.exp(away * rng.uniform(-1, 1, shape)),
        "height": parameters["height"] * np.exp(away * rng.uniform(-1, 1, shape)),
        "fraction": np.full(shape, 0.3),
        "asymmetry": np.full(shape, 0.1),
        "exponent_high": np.full(shape, 1.0),
        "exponent_low": np.full(shape, 2.0),
        "damping": np.full(shape, 50.0),
    }
    return Problem(spectra, noise, truth, peaks_of(starts, energy, line_shape, background))
