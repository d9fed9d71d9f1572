"""Everything that a first fit prepares, ahead of time."""

import warnings

import numpy as np

from xpsnet.data.spectrum import make_spectrum

__all__ = ["warm_up"]


def warm_up() -> None:
    """Prepare this computer for fits: machine code of the kernels, network.

    A first fit does the same where it was not done; what takes seconds is kept on disk for later
    processes. `spectra.xps.fit()` never needs it.
    """
    from xpsnet.pipeline.fit import fit

    energy = np.linspace(280.0, 292.0, 121)
    counts = 200.0 + 1000.0 * np.exp(-4 * np.log(2) * ((energy - 285.0) / 1.2) ** 2)
    noise = np.random.default_rng(0).normal(size=(2, energy.size))
    spectra = make_spectrum(
        counts + np.sqrt(counts) * noise, energy, dims=("x", "energy"), scale="binding"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(spectra)
