"""Status codes of spectra, and units and names of the variables of peaks."""

from enum import IntEnum

import numpy as np
import xarray as xr


class Status(IntEnum):
    """Status of the fit of one spectrum."""

    OK = 0
    NO_PEAKS = 1
    NO_SIGNAL = 2
    NOT_FINITE = 3
    TOO_FEW_POINTS = 4
    NOT_CONVERGED = 5
    AT_BOUND = 6
    ILL_DETERMINED = 7
    NOT_DONE = 8
    FAILED = 9
    OUTSIDE_MODEL = 10
    FEW_COUNTS = 11


STATUS_SENTENCES: dict[Status, str] = {
    Status.OK: "Peaks found.",
    Status.NO_PEAKS: "No peaks found: there is only background and noise.",
    Status.NO_SIGNAL: "All counts are equal: there is no signal.",
    Status.NOT_FINITE: "There are no counts in the energy range (all are NaN or infinite).",
    Status.TOO_FEW_POINTS: "Too few points in the energy range.",
    Status.NOT_CONVERGED: "The fit did not converge.",
    Status.AT_BOUND: "A parameter ended at its limit; its standard error is unknown.",
    Status.ILL_DETERMINED: "The data do not determine all parameters; some have no standard error.",
    Status.NOT_DONE: "Not calculated: cancelled before this spectrum.",
    Status.FAILED: "The calculation failed for this spectrum.",
    Status.OUTSIDE_MODEL: "The network was not trained for such an energy range or so few points.",
    Status.FEW_COUNTS: "Below ten counts at the maximum: intervals are wide and not symmetric.",
}

# name: (long name, unit), where "{units}" stands for that of the spectra
_TEXTS = {
    "center": ("Energy of the maximum", "eV"),
    "fwhm": ("Full width at half maximum", "eV"),
    "height": ("Height of the maximum", "{units}"),
    "area": ("Area", "{units} eV"),
    "fraction": ("Lorentzian share", "1"),
    "asymmetry": ("Asymmetry", "1"),
    "gaussian_fwhm": ("Gaussian part of the width", "eV"),
    "background_constant": ("Constant background", "{units}"),
    "background_slope": ("Slope of the background", "{units}/eV"),
    "background_shirley": ("Shirley step per peak area", "1/eV"),
    "background_tougaard": ("Tougaard B", "eV^2"),
    "noise": ("Standard deviation of the counts", "{units}"),
    "dof_noise": ("Degrees of freedom of the noise", "1"),
    "redchi": ("Reduced chi-square", "1"),
    "aic": ("Akaike information criterion", "1"),
    "bic": ("Bayesian information criterion", "1"),
    "effective_points": ("Number of independent points", "1"),
    "partner": ("Peak of the same doublet", "1"),
    "n_peaks": ("Number of peaks", "1"),
    "n_peaks_probability": ("Probability of this number of peaks", "1"),
    "component": ("Peak without background", "{units}"),
    "background": ("Background", "{units}"),
    "envelope": ("Background and all peaks", "{units}"),
}

_RESERVED = frozenset(
    [
        "peak",
        "count",
        "parameter",
        "parameter_2",
        "covariance",
        "label",
        "status",
        "start",
        "state",
        "vendor_center",
        "vendor_fwhm",
        "vendor_area",
    ]
)


def with_texts(peaks: xr.Dataset) -> xr.Dataset:
    """Give every variable its units and long name, and the status its sentences (CF flags)."""
    units = str(peaks.attrs.get("units", "counts"))
    for name, variable in peaks.variables.items():
        stem, _, suffix = str(name).rpartition("_")
        known = stem if suffix in ("stderr", "spread") else str(name)
        if known in _TEXTS:
            long_name, unit = _TEXTS[known]
            if suffix == "stderr":
                long_name = f"Standard error of: {long_name}"
            elif suffix == "spread":
                long_name = f"Uncertainty of the network: {long_name}"
            variable.attrs.update(long_name=long_name, units=unit.replace("{units}", units))
    if "status" in peaks:
        peaks["status"].attrs.update(
            long_name="Status",
            flag_values=np.array([s.value for s in Status], dtype=np.int8),
            flag_meanings=" ".join(s.name.lower() for s in Status),
            flag_sentences="\n".join(STATUS_SENTENCES[s] for s in Status),
        )
    return peaks


def is_reserved(name: object) -> bool:
    """Whether a name belongs to a variable, coordinate or dimension of peaks or of their curves."""
    stem, _, suffix = str(name).rpartition("_")
    known = stem if suffix in ("stderr", "spread", "lower", "upper") else str(name)
    return known in _TEXTS or str(name) in _RESERVED
