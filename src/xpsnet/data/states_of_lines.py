"""The chemical states that the lines of a peaks Dataset belong to."""

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.status import with_texts


def with_states(peaks: xr.Dataset, state: npt.NDArray[np.int64]) -> xr.Dataset:
    """Peaks with the number of each line's state, its partner and the number of states.

    Parameters
    ----------
    peaks : Dataset
    state : ndarray of int, shape (S, peak)
        The same number for the lines of one state, from 1; 0 where there is no line. S counts all
        spectra of `peaks`.

    Returns
    -------
    Dataset
        With `state` (..., peak), counted by the first line of each state; `partner` (..., peak),
        the number of the other line of a doublet, 0 for none; and `n_states` (...).
    """
    number, partner = np.zeros_like(state), np.zeros_like(state)
    own = [state == one for one in range(1, int(state.max(initial=0)) + 1)]
    first = [np.where(lines.any(axis=1), lines.argmax(axis=1), state.shape[1]) for lines in own]
    for lines, place in zip(own, first, strict=True):
        rank = 1 + sum((other < place).astype(np.int64) for other in first)
        number = np.where(lines, rank[:, None], number)
        pair = lines.sum(axis=1) == 2
        last = state.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
        for here, there in ((place, last), (last, place)):
            rows = np.flatnonzero(pair)
            partner[rows, here[rows]] = there[rows] + 1
    dims, shape = peaks["center"].dims, peaks["center"].shape
    found = {"state": number, "partner": partner}
    n_states = number.max(axis=1, initial=0).reshape(peaks["n_peaks"].shape)
    variables: dict[str, Any] = {k: (dims, v.reshape(shape)) for k, v in found.items()}
    variables["n_states"] = peaks["n_peaks"].dims, n_states
    return with_texts(peaks.assign(variables))
