"""Fits with the doublets that every spectrum has: found in all spectra, fitted group by group."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.doublets import Doublet, doublet_links, pair_doublets
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.solve.dispatch import refine_rows
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.fit_results import FitResults

Floats = npt.NDArray[np.float64]


def refine_with_doublets(
    options: FitOptions, inputs: FitInputs, progress: Callable[[int], object] | None = None
) -> FitResults:
    """Refine many spectra, with the peaks tied that are doublets of `options` in their starts.

    Parameters as for `refine_rows`. Doublets without peaks are found in every spectrum, as often
    as they are there.
    """
    if not options.doublets:
        return refine_rows(options, inputs, progress)
    center = inputs.starts["center"]
    area = inputs.starts["height"] * inputs.starts["fwhm"]
    results = FitResults.not_done(options.plain_layout(center.shape[1]), len(center))
    for group, doublets in pair_doublets(options.doublets, center, area, every=True):
        for rows in _by_order(group, doublets, center):
            links = doublet_links(doublets, options.line_shape, center[rows])
            tied = replace(options, constraints=options.constraints.with_links(links))
            results.copy_from(rows, refine_rows(tied, inputs.rows(rows), progress))
    return results


def _by_order(
    rows: npt.NDArray[np.intp], doublets: Sequence[Doublet], center: Floats
) -> Iterator[npt.NDArray[np.intp]]:
    """Rows in groups with the same order of the lines of each doublet.

    The links of a group follow the order of most of its spectra: that of others would depend on
    the spectra beside them.
    """
    pairs = [sorted(one.indices) for one in doublets if max(one.indices) < center.shape[1]]
    if not pairs:
        yield rows
        return
    turned = np.stack([center[rows, last] < center[rows, first] for first, last in pairs], axis=1)
    patterns, pattern_of = np.unique(turned, axis=0, return_inverse=True)
    for number in range(len(patterns)):
        yield rows[pattern_of.ravel() == number]
