"""Fits with the doublets that every spectrum has: found in all spectra, fitted group by group."""

from collections.abc import Callable
from dataclasses import replace

from xpsnet.fitting.model.doublets import doublet_links, pair_doublets
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.solve.dispatch import refine_rows
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.fit_results import FitResults


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
    for rows, doublets in pair_doublets(options.doublets, center, area, every=True):
        links = doublet_links(doublets, options.line_shape, center[rows])
        tied = replace(options, constraints=options.constraints.with_links(links))
        results.copy_from(rows, refine_rows(tied, inputs.rows(rows), progress))
    return results
