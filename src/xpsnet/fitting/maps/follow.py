"""Chemical states followed over a map, so that peak 2 is the same state in every spectrum."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, count, optional, texts, word_or
from xpsnet.arguments import peaks as peaks_rule
from xpsnet.data.links import parameter_name, split_name
from xpsnet.data.peak_arrays import moved_covariance
from xpsnet.fitting.maps.chemical_states import (
    LOCAL_ROUNDS,
    Found,
    Places,
    States,
    find_states,
    follow_states,
    taken,
)
from xpsnet.fitting.maps.neighbors import reach
from xpsnet.fitting.model.parameter_map import Floats
from xpsnet.parallel.chunks import map_overlapping

# States are looked for in this many spectra, evenly spread over the map.
SAMPLED = 4096


def follow(
    peaks: xr.Dataset,
    *,
    n_states: int | Literal["auto"] = "auto",
    labels: Sequence[str] | None = None,
) -> xr.Dataset:
    """Sort the peaks of a map or stack so that peak k is the same state in every spectrum.

    Nothing is fitted: peaks only change their places along `peak`. Each assignment has a cost
    (`xpsnet.fitting.maps.chemical_states`) that grows with the distance in center, width and area
    from the same state in the neighboring spectra.

    Parameters
    ----------
    peaks : Dataset
        From `predict`, `refine` or `fit`, over one or more leading dimensions in which neighbors
        are alike. Dask arrays stay lazy, and so does `label`. They give the same; only `peak` is
        longer, as nobody knows yet how many places are needed: those too many come last, with NaN.
    n_states : int or "auto"
        How many states there are; "auto" takes those that at least 2 % of the spectra have.
    labels : sequence of str, optional
        Names of the states in ascending energy; by default "state 1", "state 2", ...

    Returns
    -------
    Dataset
        With `label` (peak); NaN where a state is absent. Peaks that belong to no state are kept
        behind the states, under the label "other".

    Raises
    ------
    ValueError
        If `peaks` holds the peaks of several counts, or there are not as many `labels` as states.

    Examples
    --------
    >>> import xpsnet
    >>> scan = xpsnet.sample("line_scan").isel(position=slice(0, 10))
    >>> peaks = xpsnet.fit(scan, follow=False)
    >>> xpsnet.follow(peaks, labels=["Si 2p3/2", "Si 2p1/2"]).label.values[:2].tolist()
    ['Si 2p3/2', 'Si 2p1/2']
    """
    check(
        locals(),
        peaks=peaks_rule,
        n_states=word_or("auto", count(least=1, most=1000)),
        labels=optional(texts("C-C")),
    )
    _check(peaks, n_states, labels)
    number = None if n_states == "auto" else n_states
    lead = tuple(str(d) for d in peaks["center"].dims if d != "peak")
    if labels is not None and number is None:
        number = len(labels)
    if peaks["center"].chunks is None:
        states = find_states(_found_in(_sampled(peaks, lead)), number, peaks.sizes["peak"])
        return _followed(peaks, states, labels)
    return _follow_lazily(peaks, lead, number, labels)


def _check(peaks: xr.Dataset, n_states: int | str, labels: Sequence[str] | None) -> None:
    """Refuse what cannot be followed."""
    if "peak" not in peaks.dims or "center" not in peaks or "count" in peaks["center"].dims:
        raise ValueError(
            f"expected a peaks Dataset of one count with `center` over the dimension `peak`, got "
            f"dimensions {tuple(peaks.dims)}; select a count first, for instance "
            f"peaks.sel(count=2)"
        )
    if labels is not None and n_states not in ("auto", len(labels)):
        raise ValueError(f"expected {n_states} labels, one per state, got {list(labels)}")


def _found_in(peaks: xr.Dataset) -> Found:
    """Peaks as rows of arrays."""

    def rows(name: str) -> Floats:
        values = peaks[name].transpose(..., "peak").values
        return np.asarray(values, dtype=np.float64).reshape(-1, peaks.sizes["peak"])

    center = rows("center")
    known = "center_stderr" in peaks
    error = rows("center_stderr") if known else np.zeros_like(center)
    return Found(center, rows("fwhm"), rows("area"), error)


def sampled_rows(n_spectra: int, n_sampled: int = SAMPLED) -> npt.NDArray[np.intp]:
    """Rows of a sample of spectra, evenly spread."""
    n = min(n_spectra, n_sampled)
    return np.arange(n, dtype=np.intp) * n_spectra // max(n, 1)


def _sampled(peaks: xr.Dataset, lead: Sequence[str]) -> xr.Dataset:
    """A sample of the spectra's peaks, along one dimension."""
    names = [n for n in ("center", "fwhm", "area", "center_stderr") if n in peaks]
    if not lead:
        return peaks[names]
    shape = tuple(peaks.sizes[d] for d in lead)
    rows = sampled_rows(int(np.prod(shape)))
    places = np.unravel_index(rows, shape)
    at = {d: xr.DataArray(p, dims="row") for d, p in zip(lead, places, strict=True)}
    return peaks[names].reset_coords(drop=True).isel(at)


def follow_places(
    found: Found,
    states: States,
    shape: tuple[int, ...],
    labels: Sequence[str] | None = None,
    least: int = 0,
) -> tuple[Places, list[str]]:
    """Which peak comes to which place when places are states.

    Parameters
    ----------
    found : Found
        Peaks of S spectra.
    states : States
    shape : tuple of int
        Of the grid of neighbors that the spectra form.
    labels : sequence of str, optional
        Names of the states.
    least : int
        Number of places at least: those that nothing needs come last.

    Returns
    -------
    place : ndarray of int, shape (S, places)
        Index of the peak, -1 for none.
    labels : list of str
        One per place.
    """
    place = follow_states(found, states, shape)
    place = np.concatenate([place, _others(place, found)], axis=1)
    length = max(least, place.shape[1])
    place = np.pad(place, ((0, 0), (0, length - place.shape[1])), constant_values=-1)
    return place, state_names(states, labels, length)


def state_names(states: States, labels: Sequence[str] | None, length: int) -> list[str]:
    """Labels of so many places: those of the states, then "other".

    Raises
    ------
    ValueError
        Where there are not as many `labels` as states.
    """
    names = [f"state {i + 1}" for i in range(states.n)] if labels is None else list(labels)
    if len(names) != states.n:
        raise ValueError(f"expected {states.n} labels, one per state, got {names}")
    return names + ["other"] * (length - states.n)


def _followed(
    peaks: xr.Dataset,
    states: States,
    labels: Sequence[str] | None = None,
    least: int = 0,
) -> xr.Dataset:
    """Peaks in the order of known states; arguments as for `follow_places`."""
    lead = tuple(str(d) for d in peaks["center"].dims if d != "peak")
    shape = tuple(peaks.sizes[d] for d in lead)
    found = _found_in(peaks)
    place, names = follow_places(found, states, shape, labels, least)
    return _rearranged(peaks, lead, place, names)


def _others(place: Places, found: Found) -> Places:
    """The peaks that no state has, shape (spectra, what the fullest one needs)."""
    free = np.isfinite(found.center)
    row, state = np.nonzero(place >= 0)
    free[row, place[row, state]] = False
    most = int(free.sum(axis=1).max(initial=0))
    order = np.argsort(~free, axis=1, kind="stable")[:, :most]
    return np.where(np.take_along_axis(free, order, axis=1), order, -1)


def _rearranged(
    peaks: xr.Dataset, lead: tuple[str, ...], place: Places, labels: Sequence[str]
) -> xr.Dataset:
    """The Dataset with its peaks moved to their places."""
    shape = tuple(peaks.sizes[d] for d in lead)
    n = place.shape[1]
    kept = peaks.drop_vars([v for v, a in peaks.variables.items() if "peak" in a.dims])
    moved: dict[str, Any] = {}
    for name, variable in peaks.data_vars.items():
        if "peak" in variable.dims and name != "label":
            values = variable.transpose(*lead, "peak").values.reshape(-1, peaks.sizes["peak"])
            rows: Any = taken(values, place)
            if name in ("state", "partner"):
                rows = np.nan_to_num(rows).astype(np.int64)
            if name == "partner":
                rows = _renumbered(rows, place)
            moved[str(name)] = ((*lead, "peak"), rows.reshape(*shape, n), variable.attrs)
    moved["label"] = ("peak", np.array(labels, dtype=object), {"long_name": "Label"})
    number = ("peak", np.arange(1, n + 1), {"long_name": "Peak"})
    if "covariance" in peaks:
        kept = kept.drop_vars(["covariance", "parameter", "parameter_2"])
        old = [str(name) for name in peaks["parameter"].values]
        stems = dict.fromkeys(
            split_name(name)[0] for name in old if split_name(name)[1] is not None
        )
        names = [parameter_name(stem, k) for k in range(n) for stem in stems]
        names += [name for name in old if split_name(name)[1] is None]
        matrix = peaks["covariance"].transpose(*lead, "parameter", "parameter_2").values
        matrix = moved_covariance(old, matrix, place.reshape(*shape, n), names)
        moved["covariance"] = ((*lead, "parameter", "parameter_2"), matrix)
        kept = kept.assign_coords(parameter=names, parameter_2=names)
    found = kept.assign(moved).assign_coords(peak=number)
    order = dict.fromkeys(name for name in (*peaks.data_vars, "label") if name in found)
    # Selecting by a list of names would lose the energies, which no variable may lie on.
    return xr.Dataset({name: found[name] for name in order}, found.coords, found.attrs)


def _renumbered(partner: Places, place: Places) -> Places:
    """Numbers of partners, from 1, where peaks have moved; 0 where the partner is not kept."""
    found = np.zeros_like(partner)
    for new in range(place.shape[1]):
        here = (place[:, new] >= 0)[:, None] & (partner == (place[:, new] + 1)[:, None])
        found[here] = new + 1
    return found


def _follow_lazily(
    peaks: xr.Dataset, lead: tuple[str, ...], number: int | None, labels: Sequence[str] | None
) -> xr.Dataset:
    """Every chunk with the edges of its neighbors, after one look at a sample of all."""
    import dask
    import dask.array as da

    most = max(peaks.sizes["peak"], number or 0)
    # Whatever the number of states: they have room, and after them all peaks without one.
    length = most + peaks.sizes["peak"]

    @dask.delayed  # type: ignore[untyped-decorator]
    def look(sample: xr.Dataset) -> States:
        states = find_states(_found_in(sample), number, most)
        state_names(states, labels, length)  # refuses other labels before any chunk
        return states

    @dask.delayed  # type: ignore[untyped-decorator]
    def named(states: States) -> Any:
        return np.array(state_names(states, labels, length), dtype=text)

    def on_chunk(some: xr.Dataset, states: States | None) -> xr.Dataset:
        known = States(*np.empty((3, 0))) if states is None else states
        return _followed(some, known, least=length)

    text = np.array([*(labels or []), f"state {most}", "other"]).dtype
    states = look(_sampled(peaks, lead))
    overlap = LOCAL_ROUNDS * reach(tuple(peaks.sizes[d] for d in lead))
    followed = map_overlapping(on_chunk, peaks, overlap=overlap, shared=states)
    # How many states there are is known once the sample is computed, and so are the labels.
    label = da.from_delayed(named(states), (length,), dtype=text)
    return followed.assign(label=("peak", label, followed["label"].attrs))
