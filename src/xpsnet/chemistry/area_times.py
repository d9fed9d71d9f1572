"""Measuring times: counts of different dwell times and numbers of scans become rates."""

from collections.abc import Sequence
from typing import Any

import xarray as xr

from xpsnet.arguments import stated_number

PER_SECOND = "counts/s"
_RATES = ("counts/s", "counts/sec", "counts s-1", "counts s^-1", "counts per second", "cps")


def measuring_times(
    datasets: Sequence[xr.Dataset], notes: list[str]
) -> tuple[list[xr.DataArray | float], str]:
    """By what the areas of each Dataset are divided to be comparable, and the unit of the result.

    Parameters
    ----------
    datasets : sequence of Dataset
        Peaks, with dwell time [s] and number of scans as attributes or coordinates where their
        units are counts.
    notes : list of str
        Warnings are added.

    Returns
    -------
    (list, str)
        Times [s], and "counts/s"; or 1 for each, and the common unit.

    Raises
    ------
    ValueError
        Where the units differ, or some of the times are unknown.
    """
    units = [str(one.attrs.get("units", "counts")).strip().lower() for one in datasets]
    units = [PER_SECOND if unit in _RATES else unit for unit in units]
    both = list(zip(datasets, units, strict=True))
    times = [_time(one) if unit == "counts" else 1.0 for one, unit in both]
    known = [time is not None for time in times]
    if set(units) <= {"counts", PER_SECOND} and all(known):
        return [time for time in times if time is not None], PER_SECOND
    if len(set(units)) > 1:
        listed = ", ".join(f"{one.attrs.get('region')}: {unit}" for one, unit in both)
        raise ValueError(
            f"expected areas of one unit, or counts with dwell time and number of scans, got "
            f'{listed}; set peaks.attrs["dwell_time"] and peaks.attrs["n_scans"]'
        )
    if any(known) and units[0] == "counts":
        pairs = zip(datasets, known, strict=True)
        missing = [str(one.attrs.get("region")) for one, time in pairs if not time]
        raise ValueError(
            f"expected dwell time and number of scans of all regions, got none of "
            f'{", ".join(missing)}; set peaks.attrs["dwell_time"] and peaks.attrs["n_scans"]'
        )
    if len(datasets) > 1 and units[0] == "counts":
        notes.append(
            "neither dwell time nor number of scans is known: the counts of all regions were taken "
            "as measured for equal times"
        )
    return [1.0] * len(datasets), units[0]


def _time(peaks: xr.Dataset) -> xr.DataArray | float | None:
    """Measuring time of a point [s]; None where it is unknown."""
    whole: xr.DataArray | float = 1.0
    for name in ("dwell_time", "n_scans"):
        if name in peaks.coords and set(peaks[name].dims) <= set(peaks["area"].dims) - {"peak"}:
            given: Any = peaks[name].reset_coords(drop=True)
            good = given.dtype.kind in "iuf" and bool((given > 0).all())
        else:
            given = stated_number(peaks.attrs.get(name))
            good = given is not None and given > 0
        if not good:
            return None
        whole = whole * given
    return whole
