"""Choice of the background: one for all spectra of a call.

`background="auto"` fits some spectra with every candidate and takes the one of the lowest sum of

    BIC = n' ln(chi-square / n) + k ln n'

where n' is the effective number of the n points (`statistics.effective_points`, from the residual
of the candidate that fits best) and k the number of fitted parameters; among those within 2 of it,
the one of the fewest terms. All spectra get the same
background, because its terms are only comparable over a map if they are the same everywhere; its
coefficients are each spectrum's own. The spectra that decide are the one there is, or up to 16
that are spread evenly over the data, as many of each strength.

Candidates are constant, linear, Shirley and Shirley + linear, and Tougaard and Tougaard + linear
where the window is at least 30 eV wide: in a narrow one the Tougaard term is only a curved slope.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.single_spectrum import solve_single
from xpsnet.fitting.solve.start_values import count_units, start_values
from xpsnet.fitting.solve.statistics import bayesian_information, effective_points
from xpsnet.numerics.backgrounds import BACKGROUNDS

DEFAULT = "shirley+linear"
WIDE = 30.0
MOST_SPECTRA = 16
CLOSE = 2.0

_NARROW_CANDIDATES = ("constant", "linear", "shirley", "shirley+linear")
_WIDE_CANDIDATES = (*_NARROW_CANDIDATES, "tougaard", "tougaard+linear")


def candidates(energy: npt.NDArray[np.float64]) -> tuple[str, ...]:
    """Backgrounds that a window of these energies [eV] can tell apart."""
    return _WIDE_CANDIDATES if np.ptp(energy) >= WIDE else _NARROW_CANDIDATES


def choose_background(options: FitOptions, inputs: FitInputs) -> tuple[str, str]:
    """Decide between the candidates.

    Parameters
    ----------
    options : FitOptions
        Of the fit; its own background does not count.
    inputs : FitInputs
        Spectra and starts.

    Returns
    -------
    background : str
        Key of `BACKGROUNDS`; "shirley+linear" where no spectrum says anything.
    words : str
        How far the others are behind, for the attributes of a result.
    """
    names = candidates(inputs.energy)
    total, used = np.zeros(len(names)), 0
    for row in _representatives(inputs):
        scores = _scores(options, inputs.rows(np.array([row])), names)
        if scores is not None:
            total, used = total + scores, used + 1
    if not used:
        return DEFAULT, f"{DEFAULT}: no spectrum to decide on"
    behind = total - total.min()
    chosen = min(
        (len(BACKGROUNDS[name]), excess, name)
        for name, excess in zip(names, behind.tolist(), strict=True)
        if excess < CLOSE
    )[2]
    others = sorted((excess, name) for name, excess in zip(names, behind, strict=True))
    words = ", ".join(f"{name} +{excess:.1f}" for excess, name in others)
    return chosen, f"{chosen} by BIC of {used} spectra: {words}"


def _scores(
    options: FitOptions, inputs: FitInputs, names: Sequence[str]
) -> npt.NDArray[np.float64] | None:
    """BIC of every candidate for one spectrum, None where one of them could not be fitted."""
    slots = np.flatnonzero(np.isfinite(inputs.starts["center"][0]))
    fits = []
    for name in names:
        tried = replace(options, background=name)
        try:
            fits.append(solve_single(tried, inputs, start_values(tried, inputs, slots)))
        except ValueError:  # no value obeys the constraints
            return None
    chisqr = [float(solution.chisqr[0]) for solution, _ in fits]
    if not np.isfinite(chisqr).all():
        return None
    points = effective_points(fits[int(np.argmin(chisqr))][1])
    return np.array(
        [
            bayesian_information(chi, residual.size, int(solution.n_free[0]), points)
            for chi, (solution, residual) in zip(chisqr, fits, strict=True)
        ]
    )


def _representatives(inputs: FitInputs) -> npt.NDArray[np.intp]:
    """Rows to decide on: evenly spread over the spectra in the order of their strength."""
    finite = np.isfinite(inputs.counts).any(axis=-1)
    present = np.isfinite(inputs.starts["center"]).any(axis=-1)
    usable = np.flatnonzero(finite & present & (count_units(inputs.counts) > 0))
    if usable.size <= MOST_SPECTRA:
        return usable
    spread = np.nanmax(inputs.counts[usable], axis=-1) - np.nanmin(inputs.counts[usable], axis=-1)
    order = usable[np.argsort(spread, kind="stable")]
    places = (np.arange(MOST_SPECTRA) + 0.5) * usable.size / MOST_SPECTRA
    return order[places.astype(np.intp)]
