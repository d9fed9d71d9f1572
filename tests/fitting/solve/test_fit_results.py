"""What answers of fits say about themselves."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import Status
from xpsnet.data.spectrum import make_spectrum
from xpsnet.fitting.refine import refine
from xpsnet.numerics.lineshapes import LINE_SHAPES


@pytest.mark.parametrize("engine", ["lmfit", "batch"])
def test_few_single_counts_are_told(engine: str) -> None:
    rng = np.random.default_rng(1)
    energy = np.linspace(280, 292, 241)
    line = LINE_SHAPES["pseudo_voigt"].value(energy, 285.0, 1.2, 1.0, 0.3)
    counts = rng.poisson(np.array([[4.0], [60.0]]) * line + 0.5).astype(float)
    spectra = make_spectrum(counts, energy, dims=("x", "energy"), scale="binding")
    starts = xr.Dataset({"center": ("peak", [285.0]), "fwhm": ("peak", [1.2])})
    options = {"engine": engine, "background": "constant", "shared": ()}
    fixed = {"constraints": {"fraction": 0.3}}
    few, enough = refine(spectra, starts, **options, **fixed).status.values
    assert (few, enough) == (Status.FEW_COUNTS, Status.OK)
    # Averages and rates are no single counts.
    assert refine(spectra / 2, starts, **options, **fixed).status.values[0] != Status.FEW_COUNTS
