"""Spectra of several recipes in one training batch, all as the `default` network reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpsnet.numerics.lineshapes import PARK2020_FWHM_PER_WIDTH
from xpsnet.numerics.resample import normalize
from xpsnet.simulation import instrument
from xpsnet.simulation.core_levels import RawRecipe, draw_raw
from xpsnet.simulation.paper import PAPER_FRACTION, PaperRecipe, draw_paper
from xpsnet.simulation.random import Draw

PARAMETERS = ("center", "fwhm", "height", "fraction")

Batch = dict[str, Any]


def draw_mixture(
    xp: Any, draw: Draw, n: int, main: RawRecipe, beside: Sequence[tuple[Any, float]]
) -> Batch:
    """Batch of which fixed shares come from the recipes `beside` and the rest from `main`.

    Only what the loss compares: spectra, signal and the peaks.
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
    names = ("spectra", "signal", "n_peaks")
    batch = {name: xp.concatenate([part[name] for part in parts], axis=0) for name in names}
    for name in PARAMETERS:
        padded = [_padded(xp, part[name], main.max_peaks) for part in parts]
        batch[name] = xp.concatenate(padded, axis=0)
    return batch


def _paper_as_raw(xp: Any, draw: Draw, n: int, recipe: PaperRecipe, n_points: int) -> Batch:
    """The paper's simulation in the units of `RawRecipe`, on the grid of the network."""
    batch = draw_paper(xp, draw, n, recipe)
    points = np.full((n, 1), recipe.n_points, np.float32)
    index, share = instrument.grid_index(xp, points, n_points)
    spectra, _, scale = normalize(instrument.onto_grid(xp, batch["spectra"], index, share), xp)
    present = xp.where(batch["height"] > 0, 1.0, 0.0)
    order = xp.argsort(batch["center"] + 10 * recipe.extent * (1 - present), axis=-1)
    fwhm = batch["width"] * PARK2020_FWHM_PER_WIDTH
    peaks = {
        "center": batch["center"] / recipe.extent,
        "fwhm": fwhm / recipe.extent,
        "height": batch["height"] / scale,
        "fraction": PAPER_FRACTION * present,
    }
    ascending = {name: xp.take_along_axis(v, order, axis=1) for name, v in peaks.items()}
    signal = instrument.onto_grid(xp, batch["signal"], index, share) / scale
    return {"spectra": spectra, "signal": signal, "n_peaks": batch["n_peaks"], **ascending}


def _padded(xp: Any, values: Any, slots: int) -> Any:
    """Zeros behind the peaks of a recipe with fewer of them."""
    missing = slots - values.shape[1]
    return xp.pad(values, ((0, 0), (0, missing))) if missing else values
