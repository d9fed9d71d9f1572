"""Several files at once: scans of the same region become one stack."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.energy_axis import Floats, places, union
from xpsnet.io.common.errors import refusal

_MAX_BYTES = 2 << 30
# Attributes that may differ between the scans of a stack and become coordinates.
_COMMON = ("scale", "units", "photon_energy")
_DETAILS = ("dwell_time", "n_scans", "acquired", "sample", "region_original")


class Draft(NamedTuple):
    """One spectrum of one file, and whether `write` has stored it."""

    path: Path
    spectrum: xr.DataArray
    stored_by_us: bool


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort key of file names in which scan_2 comes before scan_10."""
    pieces = re.split(r"(\d+)", path.name.lower())
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces if piece]


def without_copies(drafts: Sequence[Draft], notes: list[str]) -> list[Draft]:
    """Leave out spectra that another kind of file holds, too: SES writes text and binary at once.

    Copies were acquired at the same moment and agree to six digits.
    """
    kept: list[Draft] = []
    seen: dict[tuple[str, ...], list[Draft]] = {}
    copies: list[Draft] = []
    for draft in drafts:
        spectrum = draft.spectrum
        moment = str(spectrum.attrs.get("acquired", ""))
        key = (str(spectrum.name), moment, str(spectrum.shape))
        others = seen.setdefault(key, [])
        if moment and any(_is_copy(draft, other) for other in others):
            copies.append(draft)
        else:
            others.append(draft)
            kept.append(draft)
    if copies:
        notes.append(f"{len(copies)} spectra are left out, the first of {copies[0].path.name}: "
                     f"other files hold the same spectra")  # fmt: skip
    return kept


def _is_copy(draft: Draft, other: Draft) -> bool:
    """Whether two files of different kinds hold the same spectrum."""
    if draft.path.suffix.lower() == other.path.suffix.lower() or draft.spectrum.chunks is not None:
        return False
    pairs = ((draft.spectrum.energy.values, other.spectrum.energy.values),
             (draft.spectrum.values, other.spectrum.values))  # fmt: skip
    return all(np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True) for a, b in pairs)


def stack_files(drafts: Sequence[Draft]) -> list[Draft]:
    """Stack the one-dimensional spectra of each region over the files.

    Parameters
    ----------
    drafts : sequence of Draft
        In the order of the stack.

    Returns
    -------
    list of Draft
        Stacks have the dimension `scan`, the coordinate `file` and the union of all energies,
        NaN if a scan has no point. What has no partner stays as it is.
    """
    groups: list[_Scans] = []
    # Looked for among those alike only: a folder may hold thousands of regions.
    alike: dict[tuple[Any, ...], list[_Scans]] = {}
    for draft in drafts:
        axis = np.asarray(draft.spectrum["energy"].values, dtype=np.float64)
        new = _Scans([draft], float(axis.min()), float(axis.max()))
        others = alike.setdefault(_kind(draft.spectrum), []) if draft.spectrum.ndim == 1 else []
        group = next((other for other in others if other.takes(new)), None)
        if group is None:
            groups.append(new)
            others.append(new)
        else:
            group.drafts.append(draft)
    return [_stack(one.drafts) if len(one.drafts) > 1 else one.drafts[0] for one in groups]


@dataclass
class _Scans:
    """Scans of one region, and the range of the energies of the first of them [eV]."""

    drafts: list[Draft]
    low: float
    high: float

    def takes(self, other: "_Scans") -> bool:
        """Whether others of the same kind are of the same region."""
        if self.drafts[0].spectrum.name is not None:
            return True
        # Without a name, only the energies tell: half of the shorter range has to be common.
        common = min(self.high, other.high) - max(self.low, other.low)
        return common >= 0.5 * min(self.high - self.low, other.high - other.low)


def _kind(spectrum: xr.DataArray) -> tuple[Any, ...]:
    """Name and what else scans of the same region have in common."""
    stated = [spectrum.attrs.get(key) for key in _COMMON]
    known = [one if isinstance(one, str | int | float) else repr(one) for one in stated]
    return (spectrum.name, *known)


def _stack(group: list[Draft]) -> Draft:
    """Put scans on the union of their energies."""
    folder = group[0].path.parent
    spectra = [draft.spectrum for draft in group]
    axes = [np.asarray(s.energy.values, dtype=np.float64) for s in spectra]
    merged = union(axes)
    size = merged.size * len(group) * 8
    if size > _MAX_BYTES:
        raise refusal(
            folder,
            expected=f"stacks of at most {_MAX_BYTES >> 30} GiB",
            got=f"{len(group)} scans on {merged.size} different energies",
            advice="read fewer files at a time",
        )
    at = [places(axis, merged) for axis in axes]
    counts = _spread([s.values for s in spectra], at, merged.size)
    coords: dict[str, Any] = {
        "scan": np.arange(len(group)),
        "file": ("scan", [draft.path.name for draft in group]),
        "energy": merged,
        **_shared_coords(spectra),
    }
    for name, coord in spectra[0].coords.items():
        if coord.dims == ("energy",) and name != "energy" and coord.dtype.kind in "iuf":
            curves = [s.coords[name].values for s in spectra if name in s.coords]
            if len(curves) == len(group):
                coords[str(name)] = (("scan", "energy"), _spread(curves, at, merged.size))
    attrs = dict(spectra[0].attrs)
    for key in {key for s in spectra for key in s.attrs}:
        values = [s.attrs.get(key) for s in spectra]
        if any(value != values[0] for value in values):
            attrs.pop(key, None)
            if key in _DETAILS and any(isinstance(value, str) for value in values):
                coords[key] = ("scan", ["" if value is None else str(value) for value in values])
            elif key in _DETAILS and None not in values:
                coords[key] = ("scan", values)
    attrs["source_file"] = folder.resolve().name
    stack = xr.DataArray(counts, coords, ("scan", "energy"), name=spectra[0].name, attrs=attrs)
    return Draft(folder, stack, False)


def _spread(rows: list[Floats], at: list[npt.NDArray[np.intp]], n: int) -> Floats:
    """Put values over several axes on the common one, shape (scans, n), NaN between."""
    spread = np.full((len(rows), n), np.nan)
    for target, row, places_ in zip(spread, rows, at, strict=True):
        target[places_] = row
    return spread


def _shared_coords(spectra: Sequence[xr.DataArray]) -> dict[str, Any]:
    """Scalar coordinates that all scans have (stage positions, etch time), over the scans."""
    shared: dict[str, Any] = {}
    for name, coord in spectra[0].coords.items():
        own = name in ("scan", "file")
        if coord.ndim == 0 and not own and all(name in s.coords for s in spectra):
            values = [s.coords[name].item() for s in spectra]
            same = all(value == values[0] for value in values)
            dims, kept = ((), values[0]) if same else ("scan", values)
            shared[str(name)] = xr.Variable(dims, kept, coord.attrs)
    return shared
