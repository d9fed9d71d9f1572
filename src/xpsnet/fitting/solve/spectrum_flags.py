"""Flags of spectra that follow from their points alone, fitted or not."""

from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.data.spectrum_arrays import SpectrumArrays
from xpsnet.data.status import Flags, Status, has_flag
from xpsnet.numerics.raw_points import (
    are_single_counts,
    is_cut_at_zero,
    is_saturated,
    is_without_noise,
    is_wrapped,
    point_signs,
    spikes,
    without_spikes,
)

# Single counts do not follow a normal distribution; where there are fewer than this at the maximum,
# areas are off by more than a third of their error (see `refine`).
_FEW_COUNTS = 10.0
# Spectra of which nothing else is said.
_NOT_LOOKED_AT = (
    Status.NO_SIGNAL,
    Status.NOT_FINITE,
    Status.TOO_FEW_POINTS,
    Status.NOT_DONE,
)


def usable_counts(arrays: SpectrumArrays) -> npt.NDArray[Any]:
    """Counts of spectra without their spikes, which are missing points, shape (S, n)."""
    return without_spikes(arrays.counts)


def spectrum_flags(arrays: SpectrumArrays, flags: Flags) -> Flags:
    """What the points of spectra show: few counts, spikes, saturation, no noise, cut noise.

    Parameters
    ----------
    arrays : SpectrumArrays
        As measured.
    flags : ndarray of int32, shape (S,)
        Of the fits.

    Returns
    -------
    ndarray of int32, shape (S,)
        Further flags.
    """
    found = np.zeros(len(arrays.counts), dtype=np.int32)
    if not found.size:
        return found
    signs = point_signs(arrays.counts)
    odd = spikes(arrays.counts, signs).any(axis=1) | is_saturated(arrays.counts, signs)
    odd |= is_wrapped(arrays.counts, signs)
    found[odd] |= Status.SPIKES.flag
    found[is_without_noise(signs) | is_cut_at_zero(arrays.counts)] |= Status.NOT_RAW.flag
    if arrays.spectra.attrs.get("units", "counts") == "counts":
        found[are_single_counts(signs, _FEW_COUNTS)] |= Status.FEW_COUNTS.flag
    found[has_flag(flags, *_NOT_LOOKED_AT)] = 0
    return found
