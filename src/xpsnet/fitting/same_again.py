"""What `refine` takes from peaks that it was not given: the settings that they carry.

In a map in which every spectrum has its own number of states, the links differ from spectrum to
spectrum. They are not stored one by one: the doublets of the level (`attrs["doublets"]`, without
numbers of peaks) hold for all lines that `partner` pairs, and states share one asymmetry or have
none, as they had before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.constraints import Constraint, Constraints
from xpsnet.data.links import Link, parameter_name, split_name
from xpsnet.data.peak_arrays import CURVE
from xpsnet.data.peak_settings import enabled_rows, has_settings, stored_constraints
from xpsnet.data.peaks import line_shapes_of
from xpsnet.data.status import with_texts
from xpsnet.fitting.model.doublets import (
    Doublet,
    doublet_links,
    paired_by_partner,
    stored_doublets,
)
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select.background import DEFAULT
from xpsnet.fitting.solve.dispatch import refine_rows
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.fitting.solve.per_spectrum import per_spectrum
from xpsnet.numerics.peak_shapes import LineShapes, shape_parameters_of

Floats = npt.NDArray[np.float64]
Step = Callable[[int], object]


def background_again(peaks: xr.Dataset, spectra: xr.DataArray) -> str | xr.DataArray:
    """The background that peaks carry, for these spectra.

    Raises
    ------
    ValueError
        Where it is a curve that was drawn for other spectra.
    """
    name = str(peaks.attrs.get("background", DEFAULT)) if has_settings(peaks) else DEFAULT
    choice = str(peaks.attrs.get("background_choice", ""))
    if name in (CURVE, "none") and choice.startswith("static "):
        return choice
    if name != CURVE:
        return name
    curve = peaks.get("background")
    if curve is not None and set(spectra.dims) <= set(curve.dims):
        return curve
    kind = peaks.attrs.get("background_kind")  # of a vendor's program
    if kind is not None:
        return str(kind)
    raise ValueError(
        "expected peaks with a background that can be fitted, got a curve that was drawn for other "
        "spectra; say which background these shall have, for instance background='shirley+linear'"
    )


def rules_again(
    peaks: xr.Dataset, line_shape: LineShapes, *, doublets_too: bool
) -> dict[str, Constraint]:
    """Constraints that peaks carry, as far as they are about parameters of these line shapes.

    `doublets_too`: whether the links of their doublets are among them.
    """
    known = (*shape_parameters_of(line_shape), "area")
    left = set() if doublets_too else _links_of_doublets(peaks)
    return {
        name: rule
        for name, rule in stored_constraints(peaks).items()
        if split_name(name)[0] in known and name not in left
    }


def _links_of_doublets(peaks: xr.Dataset) -> set[str]:
    """Names of what is linked by the doublets that peaks carry."""
    paired = [one for one in stored_doublets(peaks) if one.peaks is not None]
    links = doublet_links(paired, line_shapes_of(peaks))
    # Which line follows which depends on the starts: both ways are meant.
    return {link.name for link in links} | {link.source_name for link in links}


@dataclass(frozen=True)
class Ties:
    """What ties the lines of every spectrum by itself.

    Attributes
    ----------
    doublets : tuple of Doublet
        Those without numbers of peaks.
    partner : ndarray of int, shape (S, peak), or None
        Number of the other line of its doublet; 0 for none.
    one_asymmetry : bool
        Whether lines that have an asymmetry share it, and the others have none.
    """

    doublets: tuple[Doublet, ...] = ()
    partner: npt.NDArray[np.int64] | None = None
    one_asymmetry: bool = False


def ties_of(options: FitOptions, peaks: xr.Dataset, spectra: xr.DataArray) -> Ties:
    """Ties that peaks carry for these spectra."""
    everywhere = tuple(one for one in options.doublets if one.peaks is None)
    partner = None
    if everywhere and "partner" in peaks:
        partner = per_spectrum(peaks["partner"], spectra, "peak").astype(np.int64)
    numbered = bool(options.constraints.links) or any(
        split_name(name)[1] is not None for name in options.constraints.limits
    )
    one = "state" in peaks and not numbered and "asymmetry" in _parameters(options)
    return Ties(everywhere, partner, one)


def _parameters(options: FitOptions) -> tuple[str, ...]:
    """Shape parameters that every peak has by itself."""
    return tuple(n for n in shape_parameters_of(options.line_shape) if n not in options.shared)


def refine_tied(
    options: FitOptions, inputs: FitInputs, ties: Ties, progress: Step | None = None
) -> FitResults:
    """Refine many spectra, each with the links that it had in an earlier fit.

    Parameters as for `refine_rows`.
    """
    if ties.partner is None and not ties.one_asymmetry:
        return refine_rows(options, inputs, progress)
    center = inputs.starts["center"]
    results = FitResults.not_done(options.plain_layout(center.shape[1]), len(center))
    for rows, links, limits in _groups(options, inputs, ties):
        own = options.constraints.with_links(links)
        tied = replace(options, constraints=Constraints({**own.limits, **limits}, own.links))
        results.copy_from(rows, refine_rows(tied, inputs.rows(rows), progress))
    return results


def _groups(
    options: FitOptions, inputs: FitInputs, ties: Ties
) -> Iterator[tuple[npt.NDArray[np.intp], list[Link], dict[str, tuple[float, float]]]]:
    """Rows that have the same ties, with their links and limits."""
    center = inputs.starts["center"]
    partner = np.zeros(center.shape, dtype=np.int64) if ties.partner is None else ties.partner
    leaning = np.zeros(center.shape, dtype=np.int64)
    if ties.one_asymmetry:
        asymmetry = inputs.starts.get("asymmetry", np.full(center.shape, np.nan))
        leaning = np.where(np.isfinite(center), np.where(asymmetry == 0, 1, 2), 0)
    key = np.concatenate([partner, leaning], axis=1)
    patterns, pattern_of = np.unique(key, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(pattern_of.ravel() == number)
        pairs, lines = np.split(pattern, 2)
        own = paired_by_partner(ties.doublets, pairs, center[rows[0]])
        links = doublet_links(own, options.line_shape, center[rows])
        follows = {link.peak for link in links if link.parameter == "asymmetry"}
        mains = [k for k in range(lines.size) if k not in follows]
        first, *rest = [k for k in mains if lines[k] == 2] or [-1]
        links += [Link("asymmetry", k, first) for k in rest]
        limits = {parameter_name("asymmetry", k): (0.0, 0.0) for k in mains if lines[k] == 1}
        yield rows, links, limits


def with_rows(refined: xr.Dataset, peaks: xr.Dataset, spectra: xr.DataArray) -> xr.Dataset:
    """A result with what no fit changes: states, pairs, and the rows that are switched off.

    Parameters
    ----------
    refined : Dataset
    peaks : Dataset
        The starts.
    spectra : DataArray
        The fitted window.
    """
    dims, shape = refined["center"].dims, refined["center"].shape
    rows = enabled_rows(peaks)
    there = np.isfinite(refined["center"].values) | ~rows
    found: dict[str, Any] = {}

    def given(name: str) -> Floats:
        return per_spectrum(peaks[name], spectra, "peak").reshape(shape)

    for name in ("state", "partner"):
        if name in peaks and peaks[name].dtype.kind in "iuf":
            values = np.nan_to_num(given(name)).astype(np.int64)
            found[name] = dims, np.where(there, values, 0)
    if "state" in found:
        state = found["state"][1]
        numbers = [(state == one).any(axis=-1) for one in range(1, int(state.max(initial=0)) + 1)]
        n_states = np.sum(numbers, axis=0, dtype=np.int64) if numbers else np.zeros(shape[:-1], int)
        found["n_states"] = refined["n_peaks"].dims, n_states
    if "enabled" in peaks:
        found["enabled"] = "peak", rows
    if not rows.all():
        for key, variable in refined.data_vars.items():
            own = variable.dims == dims and variable.dtype.kind == "f" and key in peaks
            if own and "peak" in peaks[key].dims:
                found[str(key)] = dims, np.where(rows, variable.values, given(str(key)))
    return with_texts(refined.assign(found)) if found else refined
