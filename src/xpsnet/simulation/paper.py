"""The paper's simulation: New Physics: Sae Mulli 70, 920 (2020), doi 10.3938/NPSM.70.920."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xpsnet.simulation.random import Draw

# Eq. 1 of the paper
PAPER_GAUSSIAN, PAPER_LORENTZIAN, PAPER_FRACTION = 1.634, 2.195, 0.3


@dataclass(frozen=True)
class PaperRecipe:
    """The paper's simulation: Eq. 1 lines without background, even noise.

    Heights 0.1 to 1.1, centers 2 to 13 and widths 0.3 to 1.9 on a grid of 401 points from 0 to 15,
    noise uniform within 0.025 (the authors' final code; 2 or 3 peaks there, 1 to 3 in the paper's
    text). Centers descend and absent peaks are zeros, as the paper's network expects.
    """

    min_peaks: int = 1
    max_peaks: int = 3
    n_points: int = 401
    extent: float = 15.0
    center: tuple[float, float] = (2.0, 13.0)
    width: tuple[float, float] = (0.3, 1.9)
    height: tuple[float, float] = (0.1, 1.1)
    noise: float = 0.025
    logarithmic: ClassVar[tuple[str, ...]] = ()  # see RawRecipe


def paper_line(xp: Any, energy: Any, center: Any, width: Any) -> Any:
    """The paper's Eq. 1 at unit height; shapes broadcast."""
    z2 = xp.square((energy - center) / width)
    gaussian = xp.exp(-(PAPER_GAUSSIAN**2) * z2)
    return (1 - PAPER_FRACTION) * gaussian + PAPER_FRACTION / (1 + PAPER_LORENTZIAN**2 * z2)


def draw_paper(xp: Any, draw: Draw, n: int, recipe: PaperRecipe) -> dict[str, Any]:
    """Batch of the paper's simulation."""
    slots = recipe.max_peaks
    slot = np.arange(slots, dtype=np.float32)[None, :]
    span = slots - recipe.min_peaks + 1
    n_peaks = recipe.min_peaks + xp.floor(draw.uniform((n, 1)) * (span - 1e-4))
    present = xp.cast(slot < n_peaks, "float32") if xp is not np else (slot < n_peaks) * 1.0
    # Sorting absent peaks as -1 puts them behind the present ones, which descend.
    center = draw.uniform((n, slots), *recipe.center)
    center = -xp.sort(-xp.where(present > 0, center, -xp.ones_like(center)), axis=-1)
    width = draw.uniform((n, slots), *recipe.width)
    height = draw.uniform((n, slots), *recipe.height) * present
    grid = np.linspace(0, recipe.extent, recipe.n_points, dtype=np.float32)
    signal = xp.sum(
        height[:, :, None] * paper_line(xp, grid, center[:, :, None], width[:, :, None]), axis=1
    )
    noise = draw.uniform((n, recipe.n_points), -recipe.noise, recipe.noise)
    return {
        "spectra": signal + noise,
        "signal": signal,
        "n_peaks": n_peaks[:, 0],
        "center": center * present,
        "width": width * present,
        "height": height,
    }
