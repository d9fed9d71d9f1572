"""Measured windows cut narrower and measured for a shorter time: other spectra, the same states.

The constants of the choice of a model were set with the windows of `state_cases` in view. Where the
window ends and how long it is measured was not looked at then, and neither changes what the sample
is: so variants show what a fit to 51 windows hides. Only `INSIDE` of `state_evidence`, and that
candidates with the same states count together, were chosen with these variants in view, too.
"""

import numpy as np
import xarray as xr
from judged_states import expected
from state_cases import Case

SEED = 5
CUT = 0.12  # of the width, at most, at each end
LEFT_BELOW, LEFT_ABOVE = 2.0, 2.5  # eV that stay beside the expert's states
SHORTER = (0.5, 0.25, 0.1)  # of the measuring time
SHORTER_SHARE = 0.7
LEAST_COUNTS = 150.0  # at the maximum
COUNTED = 300.0  # at the maximum, from which whole numbers are taken for counts


def variants(case: Case, window: xr.DataArray, number: int, n: int) -> list[xr.DataArray]:
    """Variants of a window, the `number`th of all: n of them."""
    generators = [np.random.default_rng([SEED, number, variant]) for variant in range(n)]
    return [shorter(rng, cut(rng, case, window)) for rng in generators]


def cut(rng: np.random.Generator, case: Case, window: xr.DataArray) -> xr.DataArray:
    """A part of the window that holds all states of the expert."""
    energy = window["energy"].values
    first, last = float(energy.min()), float(energy.max())
    width = last - first
    places = [state.center for state, _ in expected(case.states)]
    places += [state.center + state.pair.splitting for state in case.states if state.pair]
    low = min(places) - LEFT_BELOW if places else first + CUT * width
    high = max(places) + LEFT_ABOVE if places else last - CUT * width
    low = min(first + rng.uniform(0, CUT) * width, max(low, first))
    high = max(last - rng.uniform(0, CUT) * width, min(high, last))
    return window.isel(energy=(energy >= low) & (energy <= high))


def shorter(rng: np.random.Generator, window: xr.DataArray) -> xr.DataArray:
    """Counts as from a part of the measuring time, where the numbers are counts."""
    counts = window.values.astype(float)
    whole = np.allclose(counts, np.round(counts), atol=1e-6) and counts.max() > COUNTED
    if not whole or rng.random() >= SHORTER_SHARE:
        return window
    part = float(rng.choice(SHORTER))
    if counts.max() * part <= LEAST_COUNTS:
        return window
    return window.copy(data=rng.binomial(np.round(counts).astype(np.int64), part).astype(float))
