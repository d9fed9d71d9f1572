"""Multichannel detectors of SPECS: counts of the nearest energies are summed.

Each detector sees energies shifted by a number times the pass energy. A scan starts and ends so
much further out that every detector passes over the whole region.
"""

import numpy as np

from xpsnet.io.common.errors import BrokenError
from xpsnet.io.common.stacking import Floats


def sum_detectors(counts: Floats, offsets: Floats, step: float, head: int, n: int) -> Floats:
    """Sum the detectors of a scan at equal energies.

    Parameters
    ----------
    counts : ndarray, shape (..., n_samples, n_detectors)
    offsets : ndarray, shape (n_detectors,)
        Energy of each detector above that of the analyzer [eV].
    step : float
        Between samples [eV].
    head : int
        Samples before the first energy of the region.
    n : int
        Energies of the region.

    Returns
    -------
    ndarray, shape (..., n)

    Raises
    ------
    BrokenError
        If a detector does not see the whole region.
    """
    # Sample i of a detector is at start + (i - head) step + offset.
    first = np.floor(head - offsets / step + 0.5)
    if not np.isfinite(first).all() or first.min() < 0 or first.max() + n > counts.shape[-2]:
        raise BrokenError("the shifts of the detectors lead out of the scan")
    total = np.zeros((*counts.shape[:-2], n))
    for d, i in enumerate(first.astype(int)):
        total += counts[..., i : i + n, d]
    return total
