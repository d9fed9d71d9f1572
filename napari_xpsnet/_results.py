"""Fitted peaks of one layer and sentences about them; no Qt."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from napari_xpsnet._layers import fitted_dim
from napari_xpsnet._state import EnergyAxis, FitState

NOT_DONE = "not_done"


@dataclass
class Results:
    """Peaks of all pixels, and newer peaks of single pixels."""

    whole: xr.Dataset | None = None
    single: dict[frozenset[tuple[str, int]], xr.Dataset] = field(default_factory=dict)

    def add(self, state: FitState, peaks: xr.Dataset) -> None:
        """Store the result of a fit; a fit of all pixels replaces all earlier results."""
        if state.pixel is None:
            self.whole, self.single = peaks, {}
        else:
            self.single[frozenset(state.pixel.items())] = peaks

    def at(self, pixel: Mapping[str, int]) -> xr.Dataset | None:
        """Newest peaks of one pixel, None without a fit."""
        found = self.single.get(frozenset(pixel.items()))
        if found is None and self.whole is not None:
            found = self.whole.isel({fitted_dim(d, self.whole): i for d, i in pixel.items()})
        return None if found is None or _codes(found) == {NOT_DONE: 1} else found


@dataclass
class Memory:
    """Settings and results of one layer."""

    pixel: dict[str, int]
    axis: EnergyAxis = field(default_factory=EnergyAxis)
    results: Results = field(default_factory=Results)


def _codes(peaks: xr.Dataset) -> dict[str, int]:
    """How many spectra have each status."""
    status = peaks["status"]
    names = str(status.attrs.get("flag_meanings", "")).split()
    values = [int(v) for v in np.atleast_1d(status.attrs.get("flag_values", range(len(names))))]
    known = dict(zip(values, names, strict=False))
    codes, counts = np.unique(status.values, return_counts=True)
    return {
        known.get(int(c), f"status {int(c)}"): int(n) for c, n in zip(codes, counts, strict=True)
    }


def summary(peaks: xr.Dataset, *, cancelled: bool = False) -> str:
    """Result of a fit in one or two sentences."""
    if peaks["status"].ndim == 0:
        return spectrum_summary(peaks)
    codes = _codes(peaks)
    total = sum(codes.values())
    done = total - codes.pop(NOT_DONE, 0)
    start = f"Cancelled: {done} of {total} spectra are done" if cancelled else f"{done} spectra"
    parts = [f"{n} {name.replace('_', ' ')}" for name, n in codes.items()]
    return f"{start}{': ' if parts else ''}{', '.join(parts)}."


def spectrum_summary(peaks: xr.Dataset) -> str:
    """Number of peaks, reduced chi-square, probability and status of one spectrum."""
    number = int(np.isfinite(peaks["center"].values).sum())
    parts = [f"{number} peak" if number == 1 else f"{number} peaks"]
    if peaks.attrs.get("model_choice_text"):
        parts.append(str(peaks.attrs["model_choice_text"]))
    if "redchi" in peaks and np.isfinite(peaks["redchi"].values):
        parts.append(f"reduced chi-square {float(peaks['redchi']):.2f}")
    if "n_peaks_probability" in peaks:
        belief = peaks["n_peaks_probability"]
        counts = belief["count"].values if "count" in belief.coords else np.array([])
        match = np.flatnonzero(counts == number)
        if len(match) and np.isfinite(belief.values[match[0]]):
            parts.append(f"probability of this number {100 * belief.values[match[0]]:.0f} %")
    text = ", ".join(parts) + "."
    if int(peaks["status"]) != 0:
        text += " " + _status_sentence(peaks)
    return text


def _status_sentence(peaks: xr.Dataset) -> str:
    """Sentence for the status, from the Dataset."""
    attrs = peaks["status"].attrs
    sentences = str(attrs.get("flag_sentences", "")).split("\n")
    values = [int(v) for v in np.atleast_1d(attrs.get("flag_values", []))]
    code = int(peaks["status"])
    if code in values and values.index(code) < len(sentences):
        return sentences[values.index(code)]
    return f"Status {code}."
