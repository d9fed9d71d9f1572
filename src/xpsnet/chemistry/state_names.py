"""Names of chemical states: candidates for each state of a fit, from a cited table of ranges.

The table is ``states.toml`` beside this module. A user's file of the same form adds to it.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import (
    check,
    count,
    fitted_peaks,
    is_number,
    number,
    optional,
    stated_number,
    text,
)
from xpsnet.arguments import path as path_rule
from xpsnet.constants import REFERENCES
from xpsnet.data.level_names import parse_level

__all__ = ["KnownState", "known_states", "state_candidates"]

_LARGEST_FILE = 1 << 20  # bytes
_EXAMPLE = '["C 1s"] "C-O" = { range = [286.1, 286.8], source = "a citation" }'


@dataclass(frozen=True)
class KnownState:
    """A chemical state in the table.

    Attributes
    ----------
    level, name : str
        "C 1s" and "C-O (alcohol, ether, ester)".
    low, high : float
        Binding energies between which its line is reported, of a doublet the line of higher j [eV].
    source : str
        Citation.
    """

    level: str
    name: str
    low: float
    high: float
    source: str


def known_states(level: str, path: str | Path | None = None) -> list[KnownState]:
    """Chemical states of a core level.

    Parameters
    ----------
    level : str
        As for `xpsnet.data.level_names.parse_level`: "C 1s", "Ti2p3/2".
    path : str or Path, optional
        TOML file with states of one's own, as for `state_candidates`.

    Returns
    -------
    list of KnownState
        In ascending energy; empty where the table has none of the level.

    Raises
    ------
    ValueError
        Where the name states no core level, or the file is not as expected.

    Examples
    --------
    >>> from xpsnet.chemistry.state_names import known_states
    >>> [(state.name, state.low) for state in known_states("Si2p")][:2]
    [('Si (0)', 99.1), ('SiC', 100.0)]
    """
    found = parse_level(level)
    if found is None:
        raise ValueError(f'expected a core level such as "C 1s", got level={level!r}; correct it')
    states = {(one.level, one.name): one for one in _own_table()}
    if path is not None:
        own = _read(Path(path).read_bytes(), str(path))
        states |= {(one.level, one.name): one for one in own}
    wanted = [one for one in states.values() if one.level == found.name]
    return sorted(wanted, key=lambda one: (one.low + one.high, one.name))


def state_candidates(
    peaks: xr.Dataset,
    path: str | Path | None = None,
    *,
    level: str | None = None,
    n: int = 3,
    within: float = 1.0,
) -> xr.Dataset:
    """Candidates for the name of each chemical state of a fit.

    A candidate is a state of the table whose range of binding energies is near the center of the
    peak. Ranges overlap, and they hold only for energies with a good charge reference: an energy
    alone seldom decides. Give the name that you choose to the peak as its `label`
    (`xpsnet.change_peak(peaks, 2, label="C-O")`, for a map `peaks.assign(label=("peak", [...]))`):
    it stays through tables, maps and figures.

    Parameters
    ----------
    peaks : Dataset
        From `fit` or `refine`, of one spectrum or many.
    path : str or Path, optional
        TOML file with states of your own:
        ``["C 1s"]`` and below it ``"my ether" = { range = [286.2, 286.5], source = "..." }``.
        A state with the name of one in the table takes its place.
    level : str, optional
        Core level of the peaks; by default that of their region.
    n : int
        Number of candidates of each peak.
    within : float
        Largest distance from the range of a candidate [eV].

    Returns
    -------
    Dataset
        Over the dimensions of `center` and `candidate`, the nearest first: `candidate_name` ("" for
        none); `distance` from the nearer end of its range [eV], negative below it, 0 inside, NaN
        for none; `candidate_low` and `candidate_high`, its range [eV]; `candidate_source`, its
        citation. The line of lower j of a doublet has the candidates of the other line.
        `attrs["charge_reference"]`: that of the peaks, or that none is stated.

    Raises
    ------
    ValueError
        Where the level is not known, the peaks are on the kinetic scale without a photon energy, or
        the file is not as expected.

    Examples
    --------
    >>> import xpsnet
    >>> from xpsnet.samples import sample_truth
    >>> found = sample_truth("spectrum").xps.state_candidates(level="C 1s")
    >>> found["candidate_name"][:, 0].values.tolist()
    ['C-C, C-H', 'C-O (alcohol, ether, ester)', 'O-C=O (acid, ester)']
    """
    check(
        locals(),
        peaks=fitted_peaks,
        path=optional(path_rule),
        level=optional(text("C 1s")),
        n=count(least=1, most=100),
        within=number(least=0.0, most=100.0, unit="eV"),
    )
    name = level or str(peaks.attrs.get("region", ""))
    if parse_level(name) is None:
        raise ValueError(
            f"expected the core level of the peaks, got the region {name!r}; pass for instance "
            f'level="C 1s"'
        )
    states = known_states(name, path)
    center = _main_centers(peaks, _binding(peaks))
    order, distance = _nearest(center.values, states, n, within)
    dims = (*center.dims, "candidate")
    texts = np.array([*(one.name for one in states), ""], dtype=object)
    sources = np.array([*(one.source for one in states), ""], dtype=object)
    low = np.array([*(one.low for one in states), np.nan])
    high = np.array([*(one.high for one in states), np.nan])
    reference = peaks.attrs.get("charge_reference", "none is stated: check it before you choose")
    return xr.Dataset(
        {
            "candidate_name": (dims, texts[order], {"long_name": "Candidate"}),
            "distance": (dims, distance, _text("Distance from the range")),
            "candidate_low": (dims, low[order], _text("Lower end of the range")),
            "candidate_high": (dims, high[order], _text("Upper end of the range")),
            "candidate_source": (dims, sources[order], {"long_name": "Source"}),
        },
        coords={name: one for name, one in center.coords.items() if set(one.dims) <= set(dims)},
        attrs={"level": str(parse_level(name)), "charge_reference": str(reference)},
    )


def _text(name: str) -> dict[str, str]:
    return {"long_name": name, "units": "eV"}


def _binding(peaks: xr.Dataset) -> xr.DataArray:
    """Binding energies of the centers [eV]."""
    center = peaks["center"].compute()
    if peaks.attrs.get("scale") != "kinetic":
        return center
    photon_energy = stated_number(peaks.attrs.get("photon_energy"))
    if photon_energy is None:
        raise ValueError(
            "expected a photon energy to change kinetic centers to binding energy, got none; "
            'set peaks.attrs["photon_energy"]'
        )
    return photon_energy - center


def _main_centers(peaks: xr.Dataset, center: xr.DataArray) -> xr.DataArray:
    """Center of the line of higher j of the state of each peak: the lower energy of a doublet."""
    if "state" not in peaks:
        return center
    state = peaks["state"].compute().broadcast_like(center).transpose(*center.dims)
    place = center.dims.index("peak")
    energies = np.moveaxis(np.array(center.values, dtype=np.float64), place, -1)
    numbers = np.moveaxis(np.asarray(state.values), place, -1)
    same = (numbers[..., :, None] == numbers[..., None, :]) & (numbers[..., :, None] > 0)
    lowest = np.where(same, energies[..., None, :], np.inf)
    lowest = np.where(np.isnan(lowest), np.inf, lowest).min(axis=-1)
    main = np.where(np.isfinite(lowest) & np.isfinite(energies), lowest, energies)
    return center.copy(data=np.moveaxis(main, -1, place))


def _nearest(
    center: npt.NDArray[np.float64], states: list[KnownState], n: int, within: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Places of the nearest states, shape (..., n), one past the last for none; distances [eV]."""
    order = np.full((*center.shape, n), len(states), dtype=np.intp)
    distance = np.full((*center.shape, n), np.nan)
    if not states:
        return order, distance
    low, high = np.array([(one.low, one.high) for one in states]).T
    energy = center[..., None]
    off = np.minimum(energy - low, 0.0) + np.maximum(energy - high, 0.0)
    # Inside several ranges: the one whose middle is nearest.
    rank = np.where(np.abs(off) <= within, np.abs(off), np.inf)
    middle = np.abs(energy - (low + high) / 2)
    first = np.lexsort((middle, rank), axis=-1)[..., :n]
    found = np.isfinite(np.take_along_axis(rank, first, axis=-1))
    size = first.shape[-1]
    order[..., :size] = np.where(found, first, len(states))
    distance[..., :size] = np.where(found, np.take_along_axis(off, first, axis=-1), np.nan)
    return order, distance


@cache
def _own_table() -> tuple[KnownState, ...]:
    """States that the package knows."""
    file = resources.files("xpsnet.chemistry") / "states.toml"
    return tuple(_read(file.read_bytes(), "states.toml"))


def _read(content: bytes, name: str) -> list[KnownState]:
    """States of a file.

    Raises
    ------
    ValueError
        Where the file is no TOML, or an entry is not as expected.
    """
    try:
        if len(content) > _LARGEST_FILE:
            raise ValueError(f"it has more than {_LARGEST_FILE} bytes")
        values = tomllib.loads(content.decode("utf-8"))
    except ValueError as error:  # also of the decoding and of TOML
        raise ValueError(
            f"expected a TOML file with states, got {name}: {error}; write for instance {_EXAMPLE}"
        ) from None
    sources = values.pop("sources", {})
    citations = REFERENCES | (sources if isinstance(sources, dict) else {})
    return [
        _state(name, level, title, entry, citations)
        for level, entries in values.items()
        for title, entry in _entries(name, level, entries)
    ]


def _entries(name: str, level: str, entries: Any) -> list[tuple[str, Any]]:
    if parse_level(level) is None or not isinstance(entries, dict):
        raise ValueError(
            f"{name}: expected tables with the names of core levels, got [{level}]; write for "
            f"instance {_EXAMPLE}"
        )
    return list(entries.items())


def _state(name: str, level: str, title: str, entry: Any, citations: dict[str, Any]) -> KnownState:
    """One checked entry."""
    entry = entry if isinstance(entry, dict) else {}
    ends, source = entry.get("range"), entry.get("source")
    sound = isinstance(ends, list) and len(ends) == 2 and all(is_number(one) for one in ends)
    if not sound or not 0 < ends[0] < ends[1] < 1e5 or not isinstance(source, str) or not source:
        raise ValueError(
            f"{name}: expected a range of two ascending energies [eV] and a source of {level} "
            f"{title!r}, got {entry}; write for instance {_EXAMPLE}"
        )
    found = parse_level(level)
    citation = str(citations.get(source, source))
    return KnownState(
        found.name if found else level, title, float(ends[0]), float(ends[1]), citation
    )
