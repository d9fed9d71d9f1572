"""
Go on in lmfit
==============

Start from a fit and go on in `lmfit <https://lmfit.github.io/lmfit-py/>`_ itself, with constraints
of your own.
"""

import numpy as np

import xpsnet

(spectrum,) = xpsnet.read("data/c1s_spectrum.csv")
peaks = xpsnet.fit(spectrum, n_peaks=3)
model, parameters = xpsnet.to_lmfit(spectrum, peaks)

# %%
# One width for all three states, and the ester 4.1 eV above the hydrocarbon.

parameters["fwhm_2"].expr = parameters["fwhm_3"].expr = "fwhm_1"
parameters["center_3"].expr = "center_1 + 4.1"
noise = np.sqrt(spectrum.values)
result = model.fit(
    spectrum.values,
    parameters,
    energy=spectrum.energy.values,
    weights=1 / noise,
    scale_covar=False,
)
print(result.fit_report(show_correl=False))

# %%
# :func:`xpsnet.from_lmfit` brings the result back.

figure = xpsnet.plot(spectrum, xpsnet.from_lmfit(result, peaks))
