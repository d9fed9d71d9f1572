"""Checks of measured counts before a network reads them: missing points, untrained windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.models import weights
from xpsnet.numerics.known_lines import Known

Floats = npt.NDArray[np.float64]

# Larger numbers cannot be counts: files use them for missing points, and their squares overflow.
LARGEST_COUNT = 1e100
# Range of the training (window in eV) for model cards that do not give it. Spectra outside of it
# are predicted with the status OUTSIDE_MODEL.
FEWEST_TRAINED_POINTS = 40
TRAINED_WINDOW = (5.0, 40.0)
TRAINED_SPLITTING = (0.02, 0.5)  # over the window


def as_counts(measured: npt.NDArray[Any]) -> Floats:
    """Convert to float64; NaN replaces everything that cannot be a count."""
    counts = measured.astype(np.float64)
    counts[~(np.abs(counts) < LARGEST_COUNT)] = np.nan
    return counts


def without_gaps(counts: Floats, energy: Floats) -> Floats:
    """Fill missing points (NaN) by linear interpolation; (n, points)."""
    broken = np.flatnonzero(~np.isfinite(counts).all(axis=1))
    if not broken.size:
        return counts
    counts = counts.copy()
    axis = energy if energy[-1] > energy[0] else -energy
    for row in broken:
        good = np.isfinite(counts[row])
        counts[row] = np.interp(axis, axis[good], counts[row, good])
    return counts


def is_outside(
    counts: Floats, energy: Floats, model: weights.Model, known: Known
) -> npt.NDArray[np.bool_]:
    """Mask (n,) of spectra whose window or number of points is outside the training range.

    The same holds for a splitting that is no such part of the window.
    """
    recipe = model.card.get("recipe", {})
    low, high = recipe.get("window", TRAINED_WINDOW)
    window = float(np.ptp(energy))
    unlike = not 0.99 * low <= window <= 1.01 * high
    if known.doublet is not None:
        low, high = recipe.get("splitting", TRAINED_SPLITTING)
        unlike |= not 0.99 * low <= known.doublet[0] / window <= 1.01 * high
    fewest = recipe.get("measured_points", (FEWEST_TRAINED_POINTS,))[0]
    few = np.isfinite(counts).sum(axis=1) < fewest
    return np.asarray(few | unlike)
