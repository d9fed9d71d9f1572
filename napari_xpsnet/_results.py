"""Sentences about fitted peaks; no Qt."""

import json

import numpy as np
import xarray as xr

NOT_DONE = "not_done"
LEAST_NAMED = 0.005
"""Probability of a second model that is worth a word."""


def is_done(peaks: xr.Dataset) -> bool:
    """Whether there is a fit: a cancelled one has no peaks, one changed by hand has."""
    return _codes(peaks) != {NOT_DONE: 1} or bool(np.isfinite(peaks["center"].values).any())


def has_any(peaks: xr.Dataset) -> bool:
    """Whether at least one spectrum was fitted."""
    return set(_codes(peaks)) != {NOT_DONE}


def is_complete(peaks: xr.Dataset) -> bool:
    """Whether all spectra were fitted."""
    return NOT_DONE not in _codes(peaks)


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
    text = f"{start}{': ' if parts else ''}{', '.join(parts)}."
    chosen = str(peaks.attrs.get("model_choice_text", "")).partition("; second: ")[0]
    return f"{text} Chosen for all: {chosen}." if chosen else text


def short_summary(peaks: xr.Dataset | None, redchi: float) -> str:
    """Quality of the curves that are drawn, for a line below the plot.

    Parameters
    ----------
    peaks : Dataset or None
    redchi : float
        Of `xpsnet.residual`.
    """
    if peaks is None or not np.isfinite(redchi):
        return "No peaks yet: press Fit, or double click in the plot."
    if "redchi" in peaks and np.isfinite(peaks["redchi"].values):
        return f"Reduced chi-square {float(peaks['redchi']):.2f}"
    return f"Reduced chi-square {redchi:.2f}; not fitted yet"


def spectrum_summary(peaks: xr.Dataset) -> str:
    """Model, number of peaks, reduced chi-square, probability and status of one spectrum."""
    number = int(np.isfinite(peaks["center"].values).sum())
    parts = [f"{number} peak" if number == 1 else f"{number} peaks"]
    if "redchi" in peaks and np.isfinite(peaks["redchi"].values):
        parts.append(f"reduced chi-square {float(peaks['redchi']):.2f}")
    if "n_peaks_probability" in peaks:
        belief = peaks["n_peaks_probability"]
        counts = belief["count"].values if "count" in belief.coords else np.array([])
        match = np.flatnonzero(counts == number)
        if len(match) and np.isfinite(belief.values[match[0]]):
            parts.append(f"probability of this number {100 * belief.values[match[0]]:.0f} %")
    text = _model_sentence(peaks) if number else ""
    text += ", ".join(parts) + "."
    if int(peaks["status"]) != 0:
        text += " " + _status_sentence(peaks)
    return text


def _model_sentence(peaks: xr.Dataset) -> str:
    """The model in states that one spectrum has, and the next, with their probabilities."""
    if "model_choice" not in peaks or "model_probability" not in peaks:
        return ""
    models = json.loads(peaks.attrs.get("model_choices", "[]"))
    probability = np.nan_to_num(peaks["model_probability"].values)
    chosen = int(peaks["model_choice"])
    if not 0 <= chosen < len(models) == probability.size:
        return ""
    text = models[chosen][:1].upper() + models[chosen][1:]
    text += f" (probability {100 * probability[chosen]:.0f} %"
    others = np.delete(np.arange(probability.size), chosen)
    second = others[probability[others].argmax()] if others.size else chosen
    if second != chosen and probability[second] >= LEAST_NAMED:
        text += f"; second: {models[second]}, {100 * probability[second]:.0f} %"
    return f"{text}). "


def _status_sentence(peaks: xr.Dataset) -> str:
    """Sentence for the status, from the Dataset."""
    attrs = peaks["status"].attrs
    sentences = str(attrs.get("flag_sentences", "")).split("\n")
    values = [int(v) for v in np.atleast_1d(attrs.get("flag_values", []))]
    code = int(peaks["status"])
    if code in values and values.index(code) < len(sentences):
        return sentences[values.index(code)]
    return f"Status {code}."
