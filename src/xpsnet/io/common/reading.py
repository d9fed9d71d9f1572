"""What every reader hands over, before the caller's keywords are applied."""

from dataclasses import dataclass, field

import xarray as xr


@dataclass
class Reading:
    """Spectra as one file states them, and what a person should know about them.

    A spectrum here has a dimension `energy`; its `attrs["scale"]` and its `name` are missing
    where the file does not tell them. Of what `write` has stored, nothing is missing.
    """

    spectra: list[xr.DataArray]
    notes: list[str] = field(default_factory=list)
    stored_by_us: bool = False
