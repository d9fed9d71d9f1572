"""Which background: one decision for all spectra of a call.

`background="auto"` fits some spectra with every candidate and takes the one of the lowest sum of

    BIC = n' ln(chi-square / n) + k ln n'

where n' is the effective number of the n points (`statistics.effective_points`, from the residual
of the candidate that fits best) and k the number of fitted parameters; among those within 2 of it,
the one of the fewest terms. All spectra get the same
background, because its terms are only comparable over a map if they are the same everywhere; its
coefficients are each spectrum's own. The spectra that decide are the one there is, or up to 16
that are spread evenly over the data, as many of each strength.

Candidates are constant, linear, Shirley and Shirley + linear, and Tougaard and Tougaard + linear
where the window is at least 30 eV wide: in a narrow one the Tougaard term is a curved slope that
tells nothing of losses.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xpsnet.data.peaks import Status
from xpsnet.fitting.solve.fit_inputs import Rows
from xpsnet.fitting.solve.single_spectrum import Answer, Setup, fit_one
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


def choose_background(setup: Setup, rows: Rows) -> tuple[str, str]:
    """Decide between the candidates.

    Parameters
    ----------
    setup : Setup
        Of the fit; its own background does not count.
    rows : Rows
        Spectra and starts.

    Returns
    -------
    background : str
        Key of `BACKGROUNDS`; "shirley+linear" where no spectrum says anything.
    words : str
        How far the others are behind, for the attributes of a result.
    """
    names = candidates(setup.energy)
    total, used = np.zeros(len(names)), 0
    for row in _representatives(rows):
        starts = {name: values[row] for name, values in rows.starts.items()}
        status = Status(int(rows.status[row]))
        answers = [
            fit_one(
                replace(setup, background=name), rows.counts[row], rows.noise[row], starts, status
            )
            for name in names
        ]
        scores = _scores(answers)
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


def _scores(answers: Sequence[Answer]) -> npt.NDArray[np.float64] | None:
    """BIC of every candidate, None where one of them could not be fitted."""
    found = [(a.goodness, a.parameters, a.residual) for a in answers]
    chisqr = [np.inf if g is None or p is None else g.chisqr for g, p, _ in found]
    if not np.isfinite(chisqr).all():
        return None
    points = effective_points(found[int(np.argmin(chisqr))][2])
    return np.array(
        [
            bayesian_information(chi, residual.size, int(parameters.free.sum()), points)
            for chi, (_, parameters, residual) in zip(chisqr, found, strict=True)
            if parameters is not None
        ]
    )


def _representatives(rows: Rows) -> npt.NDArray[np.intp]:
    """Rows that stand for all: evenly spread over the spectra in the order of their strength."""
    finite = np.isfinite(rows.counts).any(axis=-1)
    usable = np.flatnonzero(finite & np.isfinite(rows.starts["center"]).any(axis=-1))
    if usable.size <= MOST_SPECTRA:
        return usable
    spread = np.nanmax(rows.counts[usable], axis=-1) - np.nanmin(rows.counts[usable], axis=-1)
    order = usable[np.argsort(spread, kind="stable")]
    places = (np.arange(MOST_SPECTRA) + 0.5) * usable.size / MOST_SPECTRA
    return order[places.astype(np.intp)]
