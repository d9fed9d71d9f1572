"""The simulation of the paper: sums of 1 to 3 lines of its Eq. 1 with uniform noise.

H. S. Park et al., New Physics: Sae Mulli 70, 920 (2020), doi 10.3938/NPSM.70.920. Spectra are
(n, 401) on a grid from 0 to 15; there is no background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xpsnet.numerics.lineshapes import PARK2020_FWHM_PER_WIDTH
from xpsnet.simulation.instrument import Draw

# Eq. 1 of the paper
PAPER_GAUSSIAN, PAPER_LORENTZIAN, PAPER_FRACTION = 1.634, 2.195, 0.3


@dataclass(frozen=True)
class PaperRecipe:
    """The paper's simulation: lines of Eq. 1 without background, with uniform noise.

    The ranges are those of the authors' final code, which draws 2 or 3 peaks; the text of the paper
    says 1 to 3. `width` is the paper's w, and the noise is uniform within +-`noise`.
    """

    min_peaks: int = 1
    max_peaks: int = 3
    n_points: int = 401
    extent: float = 15.0
    center: tuple[float, float] = (2.0, 13.0)
    width: tuple[float, float] = (0.3, 1.9)
    height: tuple[float, float] = (0.1, 1.1)
    noise: float = 0.025
    logarithmic: ClassVar[tuple[str, ...]] = ()  # as in RawRecipe


def paper_line(xp: Any, energy: Any, center: Any, width: Any) -> Any:
    """The paper's Eq. 1 at unit height; shapes broadcast."""
    z2 = xp.square((energy - center) / width)
    gaussian = xp.exp(-(PAPER_GAUSSIAN**2) * z2)
    return (1 - PAPER_FRACTION) * gaussian + PAPER_FRACTION / (1 + PAPER_LORENTZIAN**2 * z2)


def draw_paper(xp: Any, draw: Draw, n: int, recipe: PaperRecipe) -> dict[str, Any]:
    """Draw n spectra of the paper's simulation with their truth.

    Returns
    -------
    dict of array
        ``spectra`` and ``signal`` (without noise), (n, n_points); ``n_peaks`` (n,); ``center``,
        ``width``, ``height`` (n, max_peaks) in the order that the paper's network expects:
        descending by center, 0 for absent peaks.
    """
    slots = recipe.max_peaks
    slot = np.arange(slots, dtype=np.float32)[None, :]
    span = slots - recipe.min_peaks + 1
    n_peaks = recipe.min_peaks + xp.floor(draw.uniform((n, 1)) * (span - 1e-4))
    present = xp.cast(slot < n_peaks, "float32") if xp is not np else (slot < n_peaks) * 1.0
    # Absent peaks sort as -1, so that they come after the present ones in descending order.
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


def ascending_peaks(
    xp: Any, batch: dict[str, Any], recipe: PaperRecipe, extent: float = 1.0, scale: Any = 1.0
) -> dict[str, Any]:
    """Truth of `draw_paper` as center, FWHM, height and Lorentzian fraction, ascending by center.

    Parameters
    ----------
    extent, scale : float or array, shape (n, 1)
        Units of the lengths and of the heights of the result, in the paper's units.

    Returns
    -------
    dict of array, shape (n, max_peaks)
        Absent peaks are 0 and come last.
    """
    present = xp.where(batch["height"] > 0, 1.0, 0.0)
    order = xp.argsort(batch["center"] + 10 * recipe.extent * (1 - present), axis=-1)
    fwhm = batch["width"] * PARK2020_FWHM_PER_WIDTH
    peaks = {
        "center": batch["center"] / extent,
        "fwhm": fwhm / extent,
        "height": batch["height"] / scale,
        "fraction": PAPER_FRACTION * present,
    }
    return {name: xp.take_along_axis(v, order, axis=1) for name, v in peaks.items()}
