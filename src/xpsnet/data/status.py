"""Status codes of spectra, and units and names of the variables of peaks.

Several statuses may apply to one spectrum. They are kept together as flags, one bit for each
(``1 << code``); the `status` is the most severe of them. No bit at all: the fit is fine.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

Flags = npt.NDArray[np.int32]


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
    MISFIT = 12
    STEP = 13
    SURVEY = 14
    CUT_OFF = 15
    NOT_RAW = 16
    SPIKES = 17
    UNPAIRED = 18

    @property
    def flag(self) -> int:
        """The bit that stands for it among flags; 0 for OK."""
        return 1 << self.value if self.value else 0


# The most severe first.
SEVERITY = (
    Status.NOT_DONE,
    Status.NOT_FINITE,
    Status.TOO_FEW_POINTS,
    Status.NO_SIGNAL,
    Status.FAILED,
    Status.NOT_CONVERGED,
    Status.SURVEY,
    Status.STEP,
    Status.CUT_OFF,
    Status.MISFIT,
    Status.NO_PEAKS,
    Status.ILL_DETERMINED,
    Status.UNPAIRED,
    Status.AT_BOUND,
    Status.SPIKES,
    Status.NOT_RAW,
    Status.OUTSIDE_MODEL,
    Status.FEW_COUNTS,
    Status.OK,
)


# A fit with one of these has no part in a choice between fits.
INVALID = (
    Status.NO_SIGNAL,
    Status.NOT_FINITE,
    Status.TOO_FEW_POINTS,
    Status.NOT_CONVERGED,
    Status.ILL_DETERMINED,
    Status.NOT_DONE,
    Status.FAILED,
)

STATUS_SENTENCES: dict[Status, str] = {
    Status.OK: "Peaks found.",
    Status.NO_PEAKS: "No peaks found: there is only background and noise.",
    Status.NO_SIGNAL: "All counts are equal: there is no signal.",
    Status.NOT_FINITE: "There are no counts in the energy range (all are NaN or infinite).",
    Status.TOO_FEW_POINTS: "Too few points in the energy range.",
    Status.NOT_CONVERGED: "The fit did not converge.",
    Status.AT_BOUND: "A parameter ended at its limit; its standard error is unknown.",
    Status.ILL_DETERMINED: "The data do not determine all parameters; some have no standard error.",
    Status.NOT_DONE: "Not calculated: cancelled before this spectrum, or changed by hand since.",
    Status.FAILED: "The calculation failed for this spectrum.",
    Status.OUTSIDE_MODEL: "The network was not trained for such an energy range or so few points.",
    Status.FEW_COUNTS: "Below ten counts at the maximum: intervals are wide and not symmetric.",
    Status.MISFIT: (
        "The fit does not describe the spectrum: what it leaves is more than noise. Try more "
        "peaks, asymmetric lines, another background or a narrower window."
    ),
    Status.STEP: (
        "This is a step (a Fermi edge or an absorption edge), not a line: no peaks were fitted. "
        "Choose a window around a core level."
    ),
    Status.SURVEY: "This is a survey: identify its elements, or choose a window around one level.",
    Status.CUT_OFF: (
        "The window cuts off a peak: its parameters are guesses. Choose or measure a wider window."
    ),
    Status.NOT_RAW: (
        "The points are smoothed, interpolated or without noise: do not trust the "
        "standard errors. Fit the spectrum as it was measured."
    ),
    Status.UNPAIRED: (
        "No two peaks have the distance and the areas of a doublet that was asked for: all lines "
        "were fitted as single ones. Check the level, its splitting and the number of peaks."
    ),
    Status.SPIKES: (
        "Some points are no signal (spikes, dead channels or a saturated detector). Single spikes "
        "were left out of the fit; check the others, and mask them with NaN."
    ),
}

# name: (long name, unit), where "{units}" stands for that of the spectra
_TEXTS = {
    "center": ("Energy of the maximum", "eV"),
    "fwhm": ("Full width at half maximum", "eV"),
    "height": ("Height of the maximum", "{units}"),
    "area": ("Area", "{units} eV"),
    "area_sum": ("Sum of the areas", "{units} eV"),
    "fraction": ("Lorentzian share", "1"),
    "asymmetry": ("Asymmetry", "1"),
    "exponent_high": ("Power of the side of high binding energy", "1"),
    "exponent_low": ("Power of the side of low binding energy", "1"),
    "damping": ("Where tails are damped, in widths of the Lorentzian", "1"),
    "line_shape": ("Line shape", ""),
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
    "enabled": ("Whether the peak takes part", "1"),
    "n_peaks": ("Number of peaks", "1"),
    "status_flags": ("Everything that applies", "1"),
    "n_peaks_probability": ("Probability of this number of peaks", "1"),
    "n_states": ("Number of chemical states", "1"),
    "n_states_probability": ("Probability of this number of states", "1"),
    "state": ("Chemical state that the peak belongs to, from 1; 0: none", "1"),
    "model_choice": ("Chosen model, a place in model_choices", "1"),
    "model_probability": ("Probability of the models in model_choices", "1"),
    "component": ("Peak without background", "{units}"),
    "background": ("Background", "{units}"),
    "envelope": ("Background and all peaks", "{units}"),
}

_RESERVED = frozenset(
    [
        "peak",
        "count",
        "choice",
        "parameter",
        "parameter_2",
        "covariance",
        "label",
        "status",
        "start",
        "vendor_center",
        "vendor_fwhm",
        "vendor_area",
    ]
)


def flags_of(status: npt.ArrayLike) -> Flags:
    """Flags of codes, of any shape: the bit of each, none for OK."""
    codes = np.asarray(status, dtype=np.int32)
    return np.asarray(np.where(codes > 0, np.left_shift(1, codes), 0), dtype=np.int32)


def mask_of(statuses: Iterable[Status]) -> int:
    """The bits of several statuses together."""
    return sum(one.flag for one in set(statuses))


def has_flag(flags: npt.NDArray[Any], *statuses: Status) -> npt.NDArray[np.bool_]:
    """Where any of these statuses applies."""
    return np.asarray((flags & mask_of(statuses)) != 0)


def most_severe(flags: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Code of the most severe status of flags of any shape; OK where there is none."""
    flags = np.asarray(flags, dtype=np.int32)
    found = np.full(flags.shape, int(Status.OK), dtype=np.int64)
    for one in reversed(SEVERITY):
        found = np.where(flags & one.flag, int(one), found)
    return found


def applies(peaks: xr.Dataset, *statuses: Status) -> npt.NDArray[np.bool_]:
    """Where any of these statuses applies to peaks, if not as the most severe one."""
    if "status_flags" in peaks:
        return has_flag(peaks["status_flags"].values, *statuses)
    return np.isin(peaks["status"].values, statuses)


def sentence_of(peaks: xr.Dataset, state: int) -> str:
    """Sentence that explains a status code, as the peaks themselves state it."""
    attrs = peaks["status"].attrs
    codes = [int(code) for code in np.atleast_1d(attrs.get("flag_values", []))]
    sentences = str(attrs.get("flag_sentences", "")).split("\n")
    names = str(attrs.get("flag_meanings", "")).split()
    for texts in (sentences, names):
        if state in codes and len(texts) == len(codes):
            return texts[codes.index(state)].strip()
    return f"status {state}"


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
    if "status_flags" in peaks:
        kinds = [s for s in Status if s.flag]
        peaks["status_flags"].attrs.update(
            flag_masks=np.array([s.flag for s in kinds], dtype=np.int32),
            flag_meanings=" ".join(s.name.lower() for s in kinds),
        )
    return peaks


def is_reserved(name: object) -> bool:
    """Whether a name belongs to a variable, coordinate or dimension of peaks or of their curves."""
    stem, _, suffix = str(name).rpartition("_")
    known = stem if suffix in ("stderr", "spread", "lower", "upper") else str(name)
    return known in _TEXTS or str(name) in _RESERVED
