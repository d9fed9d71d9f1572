"""Training batches from several recipes, all in the units of the `default` network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpsnet.numerics.known_lines import known_inputs
from xpsnet.numerics.resample import normalize
from xpsnet.simulation import instrument
from xpsnet.simulation.core_levels import RawRecipe, draw_raw
from xpsnet.simulation.instrument import Draw
from xpsnet.simulation.paper import PaperRecipe, ascending_peaks, draw_paper

_PARAMETERS = ("center", "fwhm", "height", "fraction")

Batch = dict[str, Any]


def draw_mixture(
    xp: Any, draw: Draw, n: int, main: RawRecipe, beside: Sequence[tuple[Any, float]]
) -> Batch:
    """Draw n spectra: a fixed fraction from each recipe in `beside`, the rest from `main`.

    Returns
    -------
    dict of array
        What the loss needs: ``spectra``, ``signal`` (n, n_points), ``known`` (n, KNOWN),
        ``n_peaks`` (n,) and the parameters of the peaks (n, main.max_peaks); see
        `core_levels.draw_raw`.
    """
    sizes = [round(share * n) for _, share in beside]
    parts = [draw_raw(xp, draw, n - sum(sizes), main)]
    for size, (recipe, _) in zip(sizes, beside, strict=True):
        if not size:
            continue
        if isinstance(recipe, PaperRecipe):
            parts.append(_paper_as_raw(xp, draw, size, recipe, main.n_points))
        else:
            parts.append(draw_raw(xp, draw, size, recipe))
    names = ("spectra", "signal", "known", "n_peaks")
    batch = {name: xp.concatenate([part[name] for part in parts], axis=0) for name in names}
    for name in _PARAMETERS:
        padded = [_padded(xp, part[name], main.max_peaks) for part in parts]
        batch[name] = xp.concatenate(padded, axis=0)
    return batch


def _paper_as_raw(xp: Any, draw: Draw, n: int, recipe: PaperRecipe, n_points: int) -> Batch:
    """The paper's simulation in the units of `draw_raw`, on a grid of `n_points`."""
    batch = draw_paper(xp, draw, n, recipe)
    points = np.full((n, 1), recipe.n_points, np.float32)
    index, share = instrument.grid_index(xp, points, n_points)
    spectra, _, scale = normalize(instrument.onto_grid(xp, batch["spectra"], index, share), xp)
    peaks = ascending_peaks(xp, batch, recipe, recipe.extent, scale)
    signal = instrument.onto_grid(xp, batch["signal"], index, share) / scale
    # In half of the spectra it is known that the lines are symmetric.
    symmetric = xp.where(draw.uniform((n, 1)) < 0.5, 1.0, 0.0)
    none = (xp.zeros_like(symmetric), xp.ones_like(symmetric), xp.ones_like(symmetric))
    known = known_inputs(xp, symmetric=symmetric, asymmetric=none[0], fwhm=none, asymmetry=none)
    truth = {"n_peaks": batch["n_peaks"], **peaks}
    return {"spectra": spectra, "signal": signal, "known": known, **truth}


def _padded(xp: Any, values: Any, slots: int) -> Any:
    """Peaks with zeros appended, for `slots` peaks in all."""
    missing = slots - values.shape[1]
    return xp.pad(values, ((0, 0), (0, missing))) if missing else values
