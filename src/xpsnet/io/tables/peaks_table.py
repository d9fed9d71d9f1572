"""Tables of peaks, one row per peak and spectrum: for people, spreadsheets and `read_fit`."""

import io
import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.tables.json_sidecar import (
    Description,
    first_row,
    no_formula,
    plain,
    to_lines,
    variable_entry,
)
from xpsnet.xpsnet_warning import XpsnetWarning

PEAKS_KEYS = ("sizes", "attributes", "coordinates", "variables", "rows")
_PEAK_COLUMNS = ("center", "fwhm", "height", "area")
_OWN_COLUMNS = ("region", "status_meaning")
_MAX_TOLD = 200_000  # numbers of a variable beside the table


def is_peaks_table(text: str) -> bool:
    """Whether a text begins as our tables of peaks."""
    first = first_row(text)
    return first.startswith("region,") and first.endswith(",status_meaning")


def peaks_csv(peaks: xr.Dataset) -> str:
    """One row per peak and spectrum, below lines with all that belongs to them."""
    import pandas as pd

    file = io.StringIO(newline="")
    file.writelines(f"{line}\n" for line in to_lines(describe_peaks(peaks)))
    table = {
        no_formula(label): [no_formula(cell) for cell in column]
        for label, column in peaks_table(peaks).items()
    }
    pd.DataFrame(table).to_csv(file, index=False, lineterminator="\n")
    return file.getvalue()


def describe_peaks(peaks: xr.Dataset) -> Description:
    """Describe what the table of peaks does not hold.

    Parameters
    ----------
    peaks : Dataset

    Returns
    -------
    dict
        Plain numbers, texts, lists and dicts: variables of the table without their values, and
        the place of each row, counted over spectra and peaks.

    Warns
    -----
    XpsnetWarning
        Of variables with more values than a table should carry, which are left out.
    """
    center, rows = _rows(peaks)
    tabular = {str(name) for name, v in peaks.data_vars.items() if _is_tabular(v, center)}
    large = [str(n) for n, v in peaks.data_vars.items() if n not in tabular and v.size > _MAX_TOLD]
    if large:
        warnings.warn(
            f"left out of the file, too large for a table: {', '.join(large)}; .nc and .zarr "
            f"hold all of it",
            XpsnetWarning,
            stacklevel=2,
        )
    return {
        "sizes": {str(dim): n for dim, n in center.sizes.items()},
        "attributes": plain(peaks.attrs),
        "coordinates": {str(name): variable_entry(c.variable) for name, c in peaks.coords.items()},
        "variables": {
            str(name): variable_entry(v.variable, with_data=str(name) not in tabular)
            for name, v in peaks.data_vars.items()
            if str(name) not in large
        },
        "rows": rows.tolist(),
    }


def _is_tabular(variable: xr.DataArray, center: xr.DataArray) -> bool:
    """Whether the rows of the table hold all values of a variable."""
    if set(variable.dims) | {"peak"} != set(center.dims) or variable.dtype.kind not in "iuf":
        return False
    if "peak" not in variable.dims:
        return not np.isinf(variable.values).any()
    values = variable.transpose(*center.dims).values
    beside = values[~np.isfinite(center.values)]  # where there is no peak, and no row
    return values.dtype.kind == "f" and bool(np.isnan(beside).all() and not np.isinf(values).any())


def peaks_table(peaks: xr.Dataset) -> dict[str, Any]:
    """Columns with one row per peak and spectrum; a spectrum without peaks has one row, too.

    Columns: region, the spectra's coordinates, peak, label, the peak's parameters each with its
    error, then what belongs to the whole spectrum, with the status in words at the end. Units
    are in the header.
    """
    center, rows = _rows(peaks)
    lead = list(center.dims[:-1])
    here = np.isfinite(center.values).ravel()[rows]
    table: dict[str, Any] = {"region": [str(peaks.attrs.get("region", ""))] * rows.size}
    for name in _columns(peaks, lead):
        variable = peaks[name].transpose(..., *(d for d in center.dims if d in peaks[name].dims))
        values: Any = variable.broadcast_like(center).transpose(*center.dims).values.ravel()[rows]
        if "peak" in peaks[name].dims:
            cells = np.where(here, values.astype(object), "").tolist()
            values = ["" if value != value else value for value in cells]
        label = column_label(name, peaks[name].attrs)
        table[f"spectra_{label}" if label in _OWN_COLUMNS else label] = values
    if "status" in peaks:
        table["status_meaning"] = _meanings(peaks["status"], table["status"])
    return table


def column_label(name: str, attrs: Mapping[Any, Any]) -> str:
    """Label of a column: the name of a variable and its units."""
    units = str(attrs.get("units", ""))
    label = f"{name} [{units}]" if units not in ("", "1") else name
    return re.sub(r"[\r\n]+", " ", label)  # by the first line the table is recognized


def _rows(peaks: xr.Dataset) -> tuple[xr.DataArray, npt.NDArray[np.intp]]:
    """Centers, peak last, and the places in them that have a row."""
    center = peaks["center"].load().transpose(..., "peak")
    shown = np.isfinite(center.values)
    # One row tells the status where there is no peak.
    shown[..., 0] |= ~shown.any(axis=-1)
    return center, np.nonzero(shown.ravel())[0]


def _columns(peaks: xr.Dataset, lead: list[Any]) -> list[str]:
    """Names of the variables that have one value per peak or per spectrum, in reading order."""
    allowed = {*lead, "peak"}
    fitting = [str(n) for n, v in peaks.variables.items() if set(v.dims) <= allowed]
    coords = [n for n in fitting if n in peaks.coords and n != "peak"]
    indexes = [str(dim) for dim in lead if str(dim) not in coords]
    first = [n for n in _PEAK_COLUMNS if n in fitting]
    per_peak = [n for n in fitting if "peak" in peaks[n].dims and n not in ("peak", "label")]
    parameters = first + [n for n in per_peak if n not in first and not _base(n, per_peak)]
    ordered = [n for p in parameters for n in (p, f"{p}_stderr", f"{p}_spread") if n in per_peak]
    whole = [n for n in fitting if n not in peaks.coords and n not in per_peak]
    whole = [n for n in whole if n not in ("label", "status")]
    label, status = ([n] if n in fitting else [] for n in ("label", "status"))
    return [*indexes, *coords, "peak", *label, *ordered, *whole, *status]


def _base(name: str, names: list[str]) -> bool:
    """Whether a name is the error of another one."""
    stem, _, suffix = name.rpartition("_")
    return suffix in ("stderr", "spread") and stem in names


def _meanings(status: xr.DataArray, codes: Any) -> list[str]:
    """Words for status codes."""
    values = np.atleast_1d(status.attrs.get("flag_values", [])).tolist()
    words = str(status.attrs.get("flag_meanings", "")).split()
    table = dict(zip(values, words, strict=False))
    return [table.get(int(code), "") for code in codes]
