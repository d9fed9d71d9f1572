"""Which core level the peaks of a region are lines of: what a sensitivity factor stands for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import stated_number
from xpsnet.data.level_names import Level, parse_level
from xpsnet.data.levels import core_level
from xpsnet.data.peak_settings import enabled_rows

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LevelOfPeaks:
    """Peaks of one Dataset that belong to one core level.

    Attributes
    ----------
    level : Level
        With `j` where only one line of a doublet was fitted.
    rows : ndarray of bool, shape (peak,)
        The peaks that belong to it.
    kinetic_energy : float
        [eV]
    photon_energy : float
        [eV]
    """

    level: Level
    rows: Rows
    kinetic_energy: float
    photon_energy: float

    @property
    def name(self) -> str:
        """Name of the level, "Ti 2p" or "Ti 2p3/2"."""
        return str(self.level)


def levels_of_peaks(
    peaks: xr.Dataset, photon_energy: float | None, notes: list[str]
) -> list[LevelOfPeaks]:
    """Core levels of the peaks of one region, by its name and by the labels of the peaks.

    Parameters
    ----------
    peaks : Dataset
        Of one region.
    photon_energy : float, optional
        [eV]; by default that of the peaks.
    notes : list of str
        What is left out, and where only one line of a doublet was fitted, is added.

    Returns
    -------
    list of LevelOfPeaks
        None where neither the name of the region nor the labels state a core level.

    Raises
    ------
    ValueError
        Where the photon energy is unknown.
    """
    region = str(peaks.attrs.get("region") or "")
    own = parse_level(region)
    labels = [parse_level(str(text)) for text in peaks["label"].values] if "label" in peaks else []
    labels = labels if len(labels) == peaks.sizes["peak"] else [None] * peaks.sizes["peak"]
    enabled = enabled_rows(peaks)
    shells = [one[:2] if one else own[:2] if own else None for one in labels]
    found = []
    for shell in dict.fromkeys(one for one, on in zip(shells, enabled, strict=True) if on):
        rows = np.array([one == shell for one in shells]) & enabled
        if shell is None:
            notes.append(
                f"the peaks {(np.flatnonzero(rows) + 1).tolist()} of the region {region!r} are "
                f"left out: neither its name nor their labels state a core level"
            )
            continue
        photon = _photon_energy(peaks, photon_energy, region)
        given = {one.j for one, on in zip(labels, rows, strict=True) if on and one and one.j}
        of_region = own.j if own is not None and own[:2] == shell else None
        level = _with_line(peaks, rows, Level(*shell), given, of_region)
        if level.j and level.j != of_region and level.j not in given:
            notes.append(
                f"the window of {region or level.name!r} holds the line {level} only: its own "
                f"factor is used"
            )
        found.append(LevelOfPeaks(level, rows, _kinetic_energy(peaks, rows, level, photon), photon))
    if not found and own is not None and enabled.size == 0:  # nothing was looked for
        photon = _photon_energy(peaks, photon_energy, region)
        rows = np.zeros(0, dtype=bool)
        found.append(LevelOfPeaks(own, rows, _kinetic_energy(peaks, rows, own, photon), photon))
    return found


def _photon_energy(peaks: xr.Dataset, given: float | None, region: str) -> float:
    """Photon energy of the peaks [eV]."""
    found = given if given is not None else stated_number(peaks.attrs.get("photon_energy"))
    if found is None or found <= 0:
        raise ValueError(
            f"expected the photon energy of {region or 'the peaks'}, got none; pass "
            f"photon_energy=1486.6 for Al K-alpha"
        )
    return float(found)


def _with_line(
    peaks: xr.Dataset, rows: Rows, level: Level, given: set[str], of_region: str | None
) -> Level:
    """The level, or the one line of it that was fitted."""
    shell = level.shell[-1]
    if shell == "s":
        return level
    if given:
        return level._replace(j=given.pop()) if len(given) == 1 else level
    if "partner" in peaks and _any(peaks["partner"].isel(peak=rows) > 0):
        return level
    if of_region:
        return level._replace(j=of_region)
    known = core_level(level.name)
    doublet = None if known is None else known.doublet
    if doublet is None or not rows.any() or "energy_range" not in peaks.attrs:
        return level
    strongest = peaks["center"].isel(peak=rows)
    if strongest.chunks is not None:
        return level
    height = peaks["height"].isel(peak=rows)
    at = strongest.where(height == height.max("peak"))
    if not bool(at.notnull().any()):
        return level
    low, high = sorted(np.atleast_1d(peaks.attrs["energy_range"]).astype(float).tolist())
    middle, splitting = float(at.median()), doublet.splitting[1]
    kinetic = peaks.attrs.get("scale") == "kinetic"
    inside = middle - splitting >= low if kinetic else middle + splitting <= high
    higher = {"p": "3/2", "d": "5/2", "f": "7/2"}[shell]
    return level if inside else level._replace(j=higher)


def _any(values: xr.DataArray) -> bool:
    return bool(values.any().values)


def _kinetic_energy(peaks: xr.Dataset, rows: Rows, level: Level, photon_energy: float) -> float:
    """Kinetic energy of the level [eV]: by the fitted centers, else by its tabulated energy.

    One for all spectra of a region: corrections change by less than 0.5 % in 5 eV. Lazy peaks are
    not computed for it.
    """
    known = core_level(level.name)
    found = photon_energy - known.energy if known is not None else np.nan
    if rows.any() and peaks["center"].chunks is None:
        center = peaks["center"].isel(peak=rows)
        area = peaks["area"].isel(peak=rows).where(center.notnull(), 0.0).fillna(0.0).clip(min=0.0)
        if float(area.sum()) > 0:
            mean = float((center * area).sum() / area.sum())
            found = mean if peaks.attrs.get("scale") == "kinetic" else photon_energy - mean
    if not found > 0:
        raise ValueError(
            f"expected a core level below {photon_energy:g} eV, got {level}; leave the region out"
        )
    return found
