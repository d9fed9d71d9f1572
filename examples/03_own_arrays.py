"""
Fit arrays of your own
======================

Counts that are already in memory: kinetic energies, a charge reference, and the ``.xps`` methods.
"""

import numpy as np
import xarray as xr

import xpsnet

rng = np.random.default_rng(1)
kinetic = np.arange(1190.0, 1210.0, 0.1)
line = 4000 * np.exp(-4 * np.log(2) * ((kinetic - 1200.9) / 1.2) ** 2)
counts = rng.poisson(line + 300)

# %%
# A spectrum is an ``DataArray`` of xarray with the dimension ``energy``. ``attrs["scale"]`` says
# what the energies are.

spectrum = xr.DataArray(
    counts.astype(float),
    dims="energy",
    coords={"energy": ("energy", kinetic, {"units": "eV"})},
    name="C 1s",
    attrs={"scale": "kinetic", "units": "counts", "photon_energy": 1486.6},
)

# %%
# The maximum is moved to the binding energy of adventitious carbon, and one peak is fitted.

binding = xpsnet.to_binding(spectrum)
calibrated = xpsnet.calibrate(binding, line="C 1s", to=284.8)
peaks = calibrated.xps.fit(background="linear", n_peaks=1)
print(f"before: {1486.6 - 1200.9:.2f} eV, after the charge reference: {peaks.center.values} eV")

# %%

figure = calibrated.xps.plot(peaks)
