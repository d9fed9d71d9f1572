"""Simulated spectra of known chemical states, for the tests of their search and of `fit`."""

import numpy as np
import xarray as xr

from xpsnet.fitting.solve.fit_inputs import FitInputs, fit_inputs
from xpsnet.numerics.lineshapes import LINE_SHAPES

SULFUR = np.arange(156.0, 172.0, 0.1)
PLATINUM = np.arange(66.0, 82.0, 0.1)
CARBON = np.arange(278.0, 294.0, 0.1)
SPLITTING = {"S 2p": 1.18, "Pt 4f": 3.33}
RATIO = {"S 2p": 0.5, "Pt 4f": 0.75}


def line(energy, center, height, fwhm=1.0, *, asymmetry=0.0):
    """One line with a Lorentzian share of 0.3."""
    if asymmetry:
        value = LINE_SHAPES["asymmetric_pseudo_voigt"].value
        return value(energy, center, fwhm, height, 0.3, asymmetry)
    return LINE_SHAPES["pseudo_voigt"].value(energy, center, fwhm, height, 0.3)


def doublet(level, energy, center, height, **shape):
    """Both lines of a level."""
    second = center + SPLITTING[level], RATIO[level] * height
    return line(energy, center, height, **shape) + line(energy, *second, **shape)


def sulfur(*states, energy=SULFUR, background=400.0):
    """S 2p states of (center, height) on a constant background."""
    start = np.full(energy.shape, background)
    return sum((doublet("S 2p", energy, *state) for state in states), start)


def platinum(height=8000.0):
    """The doublet of the metal, whose lines lean to higher binding energies."""
    return 400.0 + doublet("Pt 4f", PLATINUM, 71.1, height, asymmetry=0.25)


def drawn(curve, seed=0):
    """Counts of a curve."""
    return np.random.default_rng(seed).poisson(curve).astype(float)


def spectra_of(counts, energy=SULFUR, name="S 2p", dims=("x",)):
    """Spectra on the binding scale."""
    counts = np.asarray(counts)
    dims = (*dims[: counts.ndim - 1], "energy")
    attrs = {"scale": "binding", "units": "counts"}
    return xr.DataArray(counts, dims=dims, coords={"energy": energy}, attrs=attrs, name=name)


def inputs_of(energy, counts, deviation) -> FitInputs:
    """Inputs of fits that bring their own starts: rows of counts with a known noise."""
    counts = np.atleast_2d(counts)
    nothing = {n: np.full((len(counts), 1), np.nan) for n in ("center", "fwhm", "height")}
    noise = np.array(np.broadcast_to(deviation, counts.shape))
    return fit_inputs((energy, counts, None), noise, nothing, np.zeros(len(counts), dtype=int))
