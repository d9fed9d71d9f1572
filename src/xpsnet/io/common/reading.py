"""The result of every reader, before the keywords of `read` are applied."""

import os
from dataclasses import dataclass, field
from typing import Self

import xarray as xr

from xpsnet.io.common.errors import refusal


@dataclass
class Reading:
    """Spectra as one file states them, and notes for the user.

    A spectrum here has a dimension `energy`. Its `attrs["scale"]` and its `name` are missing if
    the file does not state them. Nothing is missing if `write` has stored the file.
    """

    spectra: list[xr.DataArray]
    notes: list[str] = field(default_factory=list)
    stored_by_us: bool = False

    def not_empty(self, path: str | os.PathLike[str], *, expected: str, advice: str) -> Self:
        """Return the reading itself.

        Raises
        ------
        ReadError
            If there are no spectra; the first note says why.
        """
        if not self.spectra:
            got = self.notes[0] if self.notes else "none"
            raise refusal(path, expected=expected, got=got, advice=advice)
        return self
