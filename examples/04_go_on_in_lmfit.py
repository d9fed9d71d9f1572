"""Start from a fit and go on in lmfit itself, with constraints of your own."""

from pathlib import Path

import numpy as np

import xpsnet

DATA = Path(__file__).parent / "data"

if __name__ == "__main__":
    (spectrum,) = xpsnet.read(DATA / "c1s_spectrum.csv")
    peaks = xpsnet.fit(spectrum, n_peaks=3)
    model, parameters = xpsnet.to_lmfit(spectrum, peaks)

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
