"""Peaks by hand and spectra simulated from them, for all tests of the fits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.numerics.backgrounds import BACKGROUNDS

ENERGY = np.linspace(280.0, 292.0, 241)
COEFFICIENTS = {"constant": 400.0, "slope": 6.0, "shirley": 0.03, "tougaard": 300.0}


@dataclass(frozen=True)
class Case:
    """A spectrum with the peaks that it was made from."""

    spectrum: xr.DataArray
    truth: xr.Dataset
    noise: xr.DataArray


def hand_peaks(
    center: Sequence[float],
    fwhm: Sequence[float],
    height: Sequence[float],
    fraction: float = 0.3,
    *,
    energy: np.ndarray = ENERGY,
    scale: str = "binding",
    background: str = "none",
) -> xr.Dataset:
    """Pseudo-Voigt peaks as a person would give them."""
    terms = {term: COEFFICIENTS[term] for term in BACKGROUNDS[background]}
    if scale == "kinetic" and "slope" in terms:
        terms["slope"] = -terms["slope"]
    return make_peaks(
        energy,
        (),
        scale=scale,
        line_shape="pseudo_voigt",
        background=background,
        parameters={
            "center": np.array(center, dtype=float),
            "fwhm": np.array(fwhm, dtype=float),
            "height": np.array(height, dtype=float),
            "fraction": np.full(len(center), fraction),
        },
        background_parameters=terms,
        status=0,
    )


def simulated(truth: xr.Dataset, seed: int | None = 0) -> Case:
    """A spectrum of these peaks with normal noise of the square root of its counts."""
    envelope = curves(truth).envelope
    noise = np.sqrt(np.abs(envelope) + 1.0)
    counts = envelope.values
    if seed is not None:
        counts = counts + np.random.default_rng(seed).normal(size=envelope.shape) * noise.values
    spectrum = make_spectrum(
        counts, truth["energy"].values, scale=truth.attrs["scale"], name="C 1s"
    )
    return Case(spectrum, truth, noise)


def two_peaks(background: str = "shirley+linear") -> xr.Dataset:
    """Two overlapping peaks that a spectrum of ENERGY determines well."""
    return hand_peaks((284.8, 286.4), (1.1, 1.3), (3000.0, 1500.0), 0.35, background=background)


@pytest.fixture(scope="session")
def make_case() -> Callable[..., Case]:
    """Factory: spectrum of given peaks."""
    return simulated


@pytest.fixture(scope="session")
def make_hand_peaks() -> Callable[..., xr.Dataset]:
    """Factory: peaks by hand."""
    return hand_peaks


@pytest.fixture
def two_peak_case() -> Case:
    """Two peaks on an active Shirley step and a slope, with noise."""
    return simulated(two_peaks())


@pytest.fixture
def rough_start() -> xr.Dataset:
    """What a person would click for `two_peak_case`."""
    return hand_peaks((284.6, 286.7), (1.3, 1.0), (2500.0, 2000.0))
