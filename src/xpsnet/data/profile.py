"""Fitted parameters over depth, position, time or angle."""

from collections.abc import Hashable
from typing import Literal

import numpy as np
import xarray as xr

from xpsnet.arguments import check, choice, optional, text
from xpsnet.arguments import peaks as peaks_rule
from xpsnet.data.peak_settings import enabled_rows

PARAMETERS = ("area", "center", "fwhm", "height")


def profile(
    peaks: xr.Dataset, *, along: str | None = None, by: Literal["peak", "state"] = "peak"
) -> xr.Dataset:
    r"""Areas, shares, centers and widths of the peaks along a line scan or a depth profile.

    Parameters
    ----------
    peaks : Dataset
        From `fit`, `refine` or `predict`, over one dimension besides `peak`. Of a map choose a row
        or a column first: ``profile(peaks.isel(y=3))``.
    along : str, optional
        The horizontal axis: that dimension, or another coordinate over it such as "etch_time". By
        default the dimension.
    by : "peak" or "state"
        "state": the lines of a chemical state are one, for instance both lines of a doublet, so
        that a spectrum with a line and one with a doublet can be compared. `peak` then counts
        states; the area is that of all lines, everything else, also the `label`, that of the
        first line.

    Returns
    -------
    Dataset
        Over `along` and `peak`: `area`, `center`, `fwhm`, `height`, and `area_percent`, the area
        over that of all peaks of the spectrum [%]. Each has its standard error, `*_stderr`, where
        the fit gives one. `status`, `label`, `state` and `partner` are those of the fit. NaN where
        there is no such peak, and for peaks that are switched off.

    Raises
    ------
    ValueError
        Where `peaks` have another number of dimensions, or `along` is no coordinate over theirs.

    See Also
    --------
    follow : makes a peak the same chemical state in all spectra.

    Notes
    -----
    The share of peak i is :math:`f_i = A_i / A` with :math:`A = \sum_j A_j`. Its standard error
    takes the areas as uncorrelated:
    :math:`\sigma^2(f_i) = [(1 - f_i)^2 \sigma_i^2 + f_i^2 \sum_{j \ne i} \sigma_j^2] / A^2`.
    Areas of overlapping peaks are correlated, most often negatively: then this error is too small.
    The errors of the lines of one state are added, because the ratio of a doublet is held or bound.
    Areas without a standard error count as exact in the errors of the other shares.

    Examples
    --------
    >>> import xpsnet
    >>> from xpsnet.samples import sample_truth
    >>> scan = xpsnet.profile(sample_truth("line_scan"))
    >>> scan.area_percent.dims, scan.area_percent.attrs["units"]
    (('position', 'peak'), '%')
    >>> bool((abs(scan.area_percent.sum("peak") - 100) < 1e-9).all())
    True
    """
    check(locals(), peaks=peaks_rule, along=optional(text("etch_time")), by=choice("peak", "state"))
    dim = _dimension(peaks)
    names = [
        name
        for parameter in PARAMETERS
        for name in (parameter, f"{parameter}_stderr")
        if name in peaks
    ]
    on = xr.DataArray(enabled_rows(peaks), dims="peak")
    found = xr.Dataset(
        {name: peaks[name].transpose(dim, "peak").where(on) for name in names}, attrs=peaks.attrs
    )
    for name in names:
        found[name].attrs = dict(peaks[name].attrs)
    for name in ("status", "label", "state", "partner"):
        if name in peaks and name not in found.variables:
            found[name] = peaks[name]
    if by == "state":
        found = _states(found)
    found = found.merge(_shares(found))
    return found if along in (None, dim) else _on_coordinate(found, dim, str(along))


def _dimension(peaks: xr.Dataset) -> Hashable:
    """The one dimension besides `peak`."""
    if "area" not in peaks or "peak" not in peaks["area"].dims:
        raise ValueError(f"expected peaks with areas, got the variables {list(peaks.data_vars)}")
    dims = [dim for dim in peaks["area"].dims if dim != "peak"]
    if len(dims) != 1:
        sizes = {str(dim): peaks.sizes[dim] for dim in dims}
        raise ValueError(
            f"expected peaks over one dimension besides 'peak', got {sizes or 'one spectrum'}; "
            "choose a row of a map with peaks.isel"
        )
    return dims[0]


def _states(found: xr.Dataset) -> xr.Dataset:
    """The lines of a state as one, in the places of the peaks; 0 in `state`: no line."""
    if "state" not in found:
        raise ValueError(
            'expected peaks with states for by="state", got peaks without; xpsnet.fit gives them'
        )
    states, labels = [], []
    exists = found["area"].notnull()
    for number in range(1, max(int(found["state"].max()), 1) + 1):
        own = exists & (found["state"] == number)
        first = own & (own.cumsum("peak") == 1)
        one = xr.Dataset(attrs=found.attrs)
        for name in (k for k in found.data_vars if found[k].dtype.kind == "f"):
            lines = own if name in ("area", "area_stderr") else first
            one[name] = found[name].where(lines).sum("peak", min_count=1)
        states.append(one)
        there = own.any([dim for dim in own.dims if dim != "peak"]).values
        place = int(there.argmax())
        known = str(found["label"].values[place]) if "label" in found.variables else ""
        # Followed peaks without a name are called by their places.
        unnamed = known in ("", "nan", f"state {place + 1}") or not there.any()
        labels.append(f"state {number}" if unnamed else known)
    merged = xr.concat(states, "peak").transpose(..., "peak")
    merged = merged.assign_coords(peak=np.arange(1, len(states) + 1), label=("peak", labels))
    for name in merged.data_vars:
        merged[name].attrs = dict(found[name].attrs)
    return merged.assign(status=found["status"]) if "status" in found else merged


def _shares(found: xr.Dataset) -> xr.Dataset:
    """Share of every area in the sum of its spectrum [%], with standard errors."""
    area = found["area"]
    total = area.sum("peak").where(lambda one: one > 0)
    share = area / total
    shares = {"area_percent": (100 * share, "Share of the area")}
    if "area_stderr" in found:
        variance = found["area_stderr"] ** 2
        others = variance.sum("peak") - variance
        stderr = ((1 - share) ** 2 * variance + share**2 * others) ** 0.5 / total
        shares["area_percent_stderr"] = (100 * stderr, "Standard error of the share of the area")
    return xr.Dataset(
        {
            name: values.assign_attrs(long_name=text, units="%")
            for name, (values, text) in shares.items()
        }
    )


def _on_coordinate(found: xr.Dataset, dim: Hashable, along: str) -> xr.Dataset:
    """The same over another coordinate of the dimension."""
    if along not in found.coords or found[along].dims != (dim,):
        known = [str(name) for name, coord in found.coords.items() if coord.dims == (dim,)]
        raise ValueError(f"expected one of the coordinates {known} as along, got {along!r}")
    return found.swap_dims({dim: along})
