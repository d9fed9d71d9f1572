"""Peaks moved along their energy axis, together with everything that states an energy."""

from typing import Any

import numpy as np
import xarray as xr

from xpsnet.data.constraints import Constraint
from xpsnet.data.links import split_name
from xpsnet.data.peak_settings import stored_constraints, with_constraints


def shift_peaks(peaks: xr.Dataset, energy_offset: float) -> xr.Dataset:
    """Add an offset to all energies of peaks, as `shift` does to those of their spectra.

    Parameters
    ----------
    peaks : Dataset
        From `predict`, `refine` or `fit`, over any dimensions.
    energy_offset : float
        [eV], on the scale of the peaks.

    Returns
    -------
    Dataset
        With other centers, energies and `energy_range`; locks and limits of centers have moved
        along. Widths, heights, areas, errors and links are the same.

    Raises
    ------
    ValueError
        Where the offset is not finite.

    Examples
    --------
    >>> import xpsnet
    >>> from xpsnet.data.shift_peaks import shift_peaks
    >>> peaks = xpsnet.samples.sample_truth("spectrum")
    >>> shift_peaks(peaks, 0.5).center.values - peaks.center.values
    array([0.5, 0.5, 0.5])
    """
    if not np.isfinite(energy_offset):
        raise ValueError(f"expected a finite energy offset [eV], got {energy_offset}")
    moved = peaks.copy()
    for name in ("center", "energy"):
        if name in peaks.variables:
            attrs = dict(peaks[name].attrs)
            new = {name: (peaks[name] + energy_offset).assign_attrs(attrs)}
            moved = moved.assign_coords(new) if name in peaks.coords else moved.assign(new)
    attributes: dict[Any, Any] = dict(peaks.attrs)
    if "energy_range" in attributes:
        attributes["energy_range"] = [float(e) + energy_offset for e in attributes["energy_range"]]
    rules = stored_constraints(peaks)
    if rules:
        shifted = {name: _moved(name, rule, energy_offset) for name, rule in rules.items()}
        attributes = with_constraints(attributes, shifted)
    moved.attrs = attributes
    return moved


def _moved(name: str, rule: Constraint, energy_offset: float) -> Constraint:
    """A constraint whose energies are shifted; a link of centers states a distance."""
    if split_name(name)[0] != "center" or isinstance(rule, str):
        return rule
    if isinstance(rule, tuple):
        low, high = (None if end is None else end + energy_offset for end in rule)
        return low, high
    return rule + energy_offset
