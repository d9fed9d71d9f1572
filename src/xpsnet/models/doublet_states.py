"""States of a level with a spin-orbit doublet: what a network finds as one line each, as two lines.

The network `doublets` reads a spectrum as two curves in which every state has one line
(`xpsnet.numerics.second_lines`) and answers with the main lines. Here the second lines follow.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.constants import BRANCHING_RATIOS
from xpsnet.data.levels import DoubletRange, core_level
from xpsnet.data.states_of_lines import with_states
from xpsnet.models.encoding import Guess
from xpsnet.numerics.known_lines import Known
from xpsnet.numerics.second_lines import LARGEST_RATIO

Floats = npt.NDArray[np.float64]

NETWORK = "doublets"
"""Name of the network that answers in states."""


def ranges_of(doublet: str | tuple[float, float]) -> tuple[str, DoubletRange]:
    """Name and ranges of a doublet: of a level over its chemical states, or held numbers.

    Raises
    ------
    ValueError
        If the name states no level with two lines, or the numbers are none of a doublet.
    """
    if isinstance(doublet, str):
        level = core_level(doublet)
        if level is None or level.doublet is None:
            raise ValueError(
                f"expected a level with two lines as doublet, for instance 'S 2p', got {doublet!r}"
            )
        return level.name, level.doublet
    try:
        splitting, ratio = (float(one) for one in doublet)
    except (TypeError, ValueError):
        splitting, ratio = np.nan, np.nan
    if not (0 < splitting < np.inf and 0 < ratio <= LARGEST_RATIO):
        raise ValueError(
            "expected doublet as a level ('S 2p') or as splitting [eV] > 0 and ratio of areas, "
            f"above 0 and at most {LARGEST_RATIO}, of the line at higher binding energy over the "
            f"other; got {doublet!r}"
        )
    shell = min(BRANCHING_RATIOS, key=lambda one: abs(1 / BRANCHING_RATIOS[one] - 1 - ratio))
    held = DoubletRange((splitting,) * 3, (ratio,) * 3, (1.0, 1.0), "given")
    return f"level 4{shell}", held  # a doublet without an element, by its ratio


def as_attribute(name: str, ranges: DoubletRange) -> str:
    """The doublet as the text of the attribute `doublets` of peaks, by which `refine` ties them."""
    stored = {
        "region": name,
        "peaks": None,
        "splitting": ranges.splitting[::2],
        "ratio": ranges.ratio[::2],
        "fwhm_ratio": ranges.fwhm_ratio,
        "expected": (ranges.splitting[1], ranges.ratio[1]),
    }
    return json.dumps([stored])


def second_lines(guess: Guess, known: Known) -> Guess:
    """The second lines of states whose main lines a network gave."""
    splitting, _ = known.doublet or (0.0, 0.0)
    return replace(guess, center=guess.center + splitting)


def state_of_lines(center: Floats) -> Floats:
    """Number of the state of each line, from 1, as floats; NaN where there is no line.

    Parameters
    ----------
    center : ndarray, shape (..., 2 k)
        The main lines of k states, then their second lines.
    """
    k = center.shape[-1] // 2
    return np.where(np.isnan(center), np.nan, np.tile(np.arange(1.0, k + 1), 2))


def in_states(peaks: xr.Dataset, state: Floats) -> xr.Dataset:
    """A prediction with the states of its lines; `state` as from `state_of_lines`, sorted."""
    number = np.nan_to_num(state).astype(np.int64).reshape(-1, state.shape[-1])
    return with_states(peaks, number)
