"""Peaks of regions with given areas, as a fit returns them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.data.levels import core_level


def region_peaks(
    name: str,
    areas: Any,
    *,
    stderr: Any = 0.0,
    total: Any = None,
    dims: Sequence[str] = (),
    coords: dict[str, Any] | None = None,
    **attrs: Any,
) -> xr.Dataset:
    """Peaks of a region, areas over (*dims, peak), in counts/s with Al K alpha."""
    area = np.atleast_1d(np.asarray(areas, dtype=float))
    level = core_level(name)
    middle = level.energy if level else 500.0
    center = np.where(np.isfinite(area), middle + 1.5 * np.arange(area.shape[-1]), np.nan)
    full = (*dims, "peak")
    variables: dict[str, Any] = {
        "center": (full, center),
        "fwhm": (full, np.where(np.isfinite(area), 1.2, np.nan)),
        "height": (full, area / 1.3),
        "area": (full, area),
        "area_stderr": (full, np.broadcast_to(stderr, area.shape) * np.isfinite(area) / 1.0),
        "n_peaks": (dims, np.isfinite(area).sum(axis=-1)),
        "status": (dims, np.where(np.isfinite(area).any(axis=-1), 0, 1)),
        "noise": (dims, np.full(area.shape[:-1], 2.0)),
    }
    if total is not None:
        variables["area_sum_stderr"] = (dims, np.broadcast_to(total, area.shape[:-1]))
    own = {"energy": np.linspace(middle - 10, middle + 15, 251)}
    own["peak"] = np.arange(1, area.shape[-1] + 1)
    peaks = xr.Dataset(variables, coords={**own, **(coords or {})})
    peaks.attrs = {
        "region": name,
        "units": "counts/s",
        "scale": "binding",
        "photon_energy": 1486.6,
        "background": "linear",
        "energy_range": [middle - 10, middle + 15],
        **attrs,
    }
    return peaks
