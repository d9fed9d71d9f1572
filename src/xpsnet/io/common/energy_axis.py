"""Energy axes in tables: finding, putting in order and merging them."""

import itertools
from bisect import bisect_left
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xpsnet.io.common.errors import BrokenError

Floats = npt.NDArray[np.float64]

# Largest energy [eV] that a column may hold to be taken for an energy axis.
MAX_ENERGY = 1e5
_MAX_BAD_SHARE = 0.02
# Points a little out of order: their share of all, and how far from their neighbours [steps].
_MAX_NEAR_SHARE = 0.25
_NEAR_STEPS = 5.0
_MIN_JOINED, _MAX_JOINED = 5, 3  # energies of a scan; places where one scan follows another
_MIN_NEAR = 20  # points; of fewer, each is needed to tell the direction
# Energies that stand twice are merged up to this share of all; more are no joined scans.
MAX_REPEATED = 0.5
_SAME_ENERGY = 1e-3
_GAP_STEPS = 20.0
# What starts anew more often is no energy axis.
_MAX_PARTS = 1000


def rising_part(values: Floats) -> npt.NDArray[np.intp]:
    """Indices of the longest strictly rising subsequence, NaN left out."""
    tails: list[float] = []
    tail_index: list[int] = []
    before = np.full(values.size, -1, dtype=np.intp)
    for i, value in enumerate(values.tolist()):
        if value != value:
            continue
        at = bisect_left(tails, value)
        before[i] = tail_index[at - 1] if at else -1
        if at == len(tails):
            tails.append(value)
            tail_index.append(i)
        else:
            tails[at], tail_index[at] = value, i
    found = []
    i = tail_index[-1] if tail_index else -1
    while i >= 0:
        found.append(i)
        i = int(before[i])
    return np.array(found[::-1], dtype=np.intp)


def is_monotonic(values: Floats) -> bool:
    """Whether values are finite and rise or fall strictly; fewer than two do."""
    steps = np.diff(values)
    return bool(np.isfinite(values).all() and ((steps > 0).all() or (steps < 0).all()))


def axis_problem(energy: Floats) -> str:
    """Say why values cannot be the energies [eV] of a spectrum; empty if they can."""
    if energy.size < 2:
        return f"expected at least 2 energies, got {energy.size}"
    if np.isfinite(energy).all() and np.abs(energy).max() > MAX_ENERGY:
        return f"expected energies below 100 keV, got {np.abs(energy).max():g} eV"
    if not (is_monotonic(energy) or has_repeats(energy) or is_joined(energy)):
        ends = f"{energy[0]:g}, {energy[1]:g} ... {energy[-1]:g} eV"
        return f"expected energies that rise or fall, got {ends}"
    return ""


def has_repeats(energy: Floats) -> bool:
    """Whether energies rise or fall but for some that stand twice, as where two scans are joined.

    `merge_repeats` of the module `repeats` gives each of them one point.
    """
    if energy.size < 5 or not np.isfinite(energy).all():
        return False
    steps = np.diff(energy)
    repeats = steps == 0
    one_way = (steps >= 0).all() or (steps <= 0).all()
    n = int(repeats.sum())
    return bool(one_way and 0 < n <= MAX_REPEATED * energy.size and energy.size - n >= 5)


def is_joined(energy: Floats) -> bool:
    """Whether energies are those of a few scans, one after the other, that overlap a little.

    Each has at least five energies in steps of about one size, and the next begins within it.
    """
    if energy.size < 2 * _MIN_JOINED or not np.isfinite(energy).all():
        return False
    steps = np.diff(energy)
    direction = np.sign(energy[-1] - energy[0])
    back = np.flatnonzero(direction * steps < 0)
    if not 0 < back.size <= _MAX_JOINED or (-direction * steps[back] > 0.5 * np.ptp(energy)).any():
        return False
    for one in np.split(direction * energy, back + 1):
        own = np.diff(one)
        if one.size < _MIN_JOINED or own.max() > _NEAR_STEPS * np.median(own) or own.min() <= 0:
            return False
    return True


def checked_axis(energy: Floats) -> Floats:
    """Return the energies [eV] of a spectrum.

    Raises
    ------
    BrokenError
        If they cannot be energies.
    """
    problem = axis_problem(energy)
    if problem:
        raise BrokenError(problem)
    return energy


def monotonic_part(values: Floats) -> npt.NDArray[np.intp]:
    """Indices of the longest part that rises or falls strictly."""
    if is_monotonic(values):
        return np.arange(values.size)
    return max(rising_part(values), rising_part(-values), key=len)


def is_nearly_monotonic(values: Floats, kept: npt.NDArray[np.intp]) -> bool:
    """Whether so few points are out of order that they are stray values."""
    n_bad = int(np.isfinite(values).sum()) - kept.size
    return kept.size >= 5 and n_bad <= max(2, _MAX_BAD_SHARE * values.size)


class OrderedRows(NamedTuple):
    """Rows of a column of energies: those kept, in order, and what was done to get them."""

    rows: npt.NDArray[np.intp]
    n_moved: int
    left_out: npt.NDArray[np.intp]


def ordered_rows(values: Floats) -> OrderedRows:
    """Put the energies of a column in order, and leave out those that are far from their place.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Energies [eV], NaN where there is none.

    Returns
    -------
    OrderedRows
        Energies that stand twice are all kept.
    """
    if is_monotonic(values):
        return OrderedRows(np.arange(values.size), 0, np.array([], dtype=np.intp))
    kept = monotonic_part(values)
    others = np.setdiff1d(np.flatnonzero(np.isfinite(values)), kept)
    near = others if is_joined(values) else others[_is_near(values, kept, others)]
    rows = np.sort(np.concatenate([kept, near]))
    falls = kept.size > 1 and values[kept[-1]] < values[kept[0]]
    sign = -1.0 if falls else 1.0
    repeated = np.isin(values[near], values[kept])
    order = rows[np.argsort(sign * values[rows], kind="stable")]
    # What repeats an energy beside it need not move.
    n_moved = int((~repeated).sum())
    return OrderedRows(order, n_moved, np.setdiff1d(others, near))


def _is_near(
    values: Floats, kept: npt.NDArray[np.intp], others: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Whether points lie within a few steps of the energies around them."""
    if kept.size < 2 or others.size == 0:
        return np.zeros(others.size, dtype=bool)
    expected = np.interp(others, kept, values[kept])
    step = np.median(np.abs(np.diff(values[kept])))
    return np.asarray(np.abs(values[others] - expected) <= _NEAR_STEPS * step)


def _is_nearly_sorted(finite: Floats) -> bool:
    """Whether points are a little out of order or stand twice, all near their place."""
    if has_repeats(finite) or is_joined(finite):
        return True
    steps = np.diff(finite)
    n_falls, n_rises = (steps < 0).sum(), (steps > 0).sum()
    distinct = np.unique(finite)
    if finite.size < _MIN_NEAR or distinct.size < (1 - MAX_REPEATED) * finite.size:
        return False
    if min(n_falls, n_rises) > _MAX_NEAR_SHARE * finite.size:
        return False
    ordered = np.sort(finite)
    ordered = ordered if n_rises > n_falls else ordered[::-1]
    step = np.median(np.diff(distinct))
    return bool((np.abs(finite - ordered) <= _NEAR_STEPS * step).all())


def _is_axis(values: Floats) -> bool:
    """Whether values rise or fall but for so few points that they are stray values."""
    finite = values[np.isfinite(values)]
    if _is_nearly_sorted(finite):
        return True
    n_falls, n_rises = (np.diff(finite) <= 0).sum(), (np.diff(finite) >= 0).sum()
    # Each point out of order belongs to two steps, so that more wrong ones need no closer look.
    most = 2 * max(2, _MAX_BAD_SHARE * values.size)
    if min(n_falls, n_rises) > most:
        return False
    return is_nearly_monotonic(values, monotonic_part(values))


def is_uniform(values: Floats) -> bool:
    """Whether values rise or fall in equal steps of a size that energy axes have."""
    finite = values[np.isfinite(values)]
    if finite.size < 5 or np.abs(finite).max() > MAX_ENERGY:
        return False
    steps = np.diff(finite)
    step = np.median(steps)
    return bool(1e-3 <= abs(step) <= 5.0 and np.allclose(steps, step, rtol=0.02, atol=1e-4))


def axis_parts(values: Floats, lines: npt.NDArray[np.int64]) -> list[slice]:
    """Cut a column into the stretches of rows that are one energy axis each.

    An axis starts anew where it jumps back over most of its range, or forward over many steps
    at an empty line (`lines` are the line numbers of the rows).
    """
    steps = np.diff(values)
    finite = np.abs(steps[np.isfinite(steps)])
    if finite.size == 0:
        return []
    gaps = (np.diff(lines) > 1) & (np.abs(steps) > _GAP_STEPS * np.median(finite))
    back = np.zeros(steps.size, dtype=bool)
    if not _is_axis(values):
        direction = np.sign(np.nanmedian(steps)) or 1.0
        back = -direction * steps > 0.5 * (np.nanmax(values) - np.nanmin(values))
    bounds = [0, *(np.flatnonzero(back | gaps) + 1).tolist(), values.size]
    if len(bounds) > _MAX_PARTS:
        return []
    parts = [slice(first, last) for first, last in itertools.pairwise(bounds)]
    return [part for part in parts if _is_axis(values[part])]


def union(axes: list[Floats]) -> Floats:
    """All energies of several axes [eV], shape (n,), in the direction of the first.

    Energies closer than a thousandth of the smallest step are the same.
    """
    smallest = min(float(np.abs(np.diff(axis)).min()) for axis in axes)
    every = np.sort(np.concatenate(axes))
    new = np.diff(every, prepend=-np.inf) > _SAME_ENERGY * smallest
    merged = every[new]
    return merged if axes[0][-1] > axes[0][0] else merged[::-1]


def places(axis: Floats, merged: Floats) -> npt.NDArray[np.intp]:
    """Index of the nearest merged energy for each energy of one axis."""
    rising = merged if merged[-1] > merged[0] else merged[::-1]
    right = np.clip(np.searchsorted(rising, axis), 1, rising.size - 1)
    nearest = np.where(axis - rising[right - 1] <= rising[right] - axis, right - 1, right)
    return nearest if rising is merged else merged.size - 1 - nearest
