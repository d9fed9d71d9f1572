"""Charge reference: shift the energies so that a known line has its known binding energy."""

import numpy as np
import xarray as xr

from xpsnet.arguments import array, check, number, optional, stated_number, text
from xpsnet.constants import REFERENCE_LINES
from xpsnet.data.energy_axis import Floats
from xpsnet.data.level_names import find_name, parse_level
from xpsnet.data.spectrum import check_spectra, shift, to_binding
from xpsnet.data.spectrum_arrays import orientation_of
from xpsnet.numerics.noise import estimate_noise

_SMOOTHING = 0.15  # [eV] standard deviation: below a core level's width, above the noise
_SURROUNDINGS = 2.0  # [eV] how far the foot of a line is looked for
_SUMMIT = 0.8  # part of the height above which a parabola is fitted to the counts
_SIGNIFICANT = 5.0  # a line must stand this many standard deviations above its surroundings


def calibrate(
    spectra: xr.DataArray,
    *,
    line: str = "C 1s",
    to: float | None = None,
    reference: xr.DataArray | None = None,
    search: float = 5.0,
    dim: str | None = None,
) -> xr.DataArray:
    """Shift the energies so that the maximum of a reference line has its known binding energy.

    All spectra get the same shift, because they have one energy axis. The line is searched in their
    mean, which is computed at once, also for dask arrays.

    Parameters
    ----------
    spectra : DataArray
        As for `check_spectra`; on the kinetic scale `attrs["photon_energy"]` must be known.
    line : str
        Name of the reference line, in any spelling: "C 1s", "C1s", "au 4f7/2"; the level "Au 4f"
        stands for the line of the table, Au 4f7/2.
    to : float, optional
        Binding energy [eV] of its maximum; by default that of
        `xpsnet.constants.REFERENCE_LINES`, 284.8 eV for adventitious carbon (C 1s).
    reference : DataArray, optional
        Spectra of the same sample that contain the line, if `spectra` do not contain it.
    search : float
        Largest distance between `to` and the measured line [eV].
    dim : str, optional
        The energy dimension of `spectra`, as for `check_spectra`.

    Returns
    -------
    DataArray
        Same counts; `attrs["charge_shift"]` is the sum of all shifts that were subtracted from
        the measured binding energies [eV], `attrs["charge_reference"]` the line and its energy.

    Raises
    ------
    ValueError
        Where the spectra do not cover the line, or there is no line above the noise.

    Examples
    --------
    >>> import xpsnet
    >>> charged = xpsnet.sample("spectrum").xps.shift(1.5)
    >>> calibrated = xpsnet.calibrate(charged, line="C 1s")
    >>> round(calibrated.attrs["charge_shift"], 1), calibrated.attrs["charge_reference"]
    (1.5, 'C 1s 284.8 eV')
    """
    check(
        locals(),
        line=text("C 1s"),
        to=optional(number(unit="eV")),
        reference=optional(array),
        search=number(above=0, unit="eV"),
    )
    spectra = check_spectra(spectra, dim=dim)
    holder = spectra if reference is None else check_spectra(reference)
    name, target = _reference(line) if to is None else (str(parse_level(line) or line), float(to))
    found = _line_maximum(holder, name, target, search)
    charge_shift = found - target + (stated_number(holder.attrs.get("charge_shift")) or 0.0)
    before = stated_number(spectra.attrs.get("charge_shift")) or 0.0
    shifted = shift(spectra, orientation_of(spectra).sign * (before - charge_shift))
    return shifted.assign_attrs(charge_shift=charge_shift, charge_reference=f"{name} {target:g} eV")


def _reference(line: str) -> tuple[str, float]:
    """Name and binding energy [eV] of a reference line, from the table."""
    names = list(REFERENCE_LINES)
    places = find_name(line, names)
    if not places:
        raise ValueError(
            f"expected one of the lines {sorted(REFERENCE_LINES)}, got {line!r}; pass to= with "
            f"its binding energy [eV]"
        )
    name = names[places[0]]
    return name, REFERENCE_LINES[name]


def _line_maximum(spectra: xr.DataArray, line: str, target: float, search: float) -> float:
    """Measured binding energy [eV] of the highest line within `search` of `target`."""
    binding, counts = _mean_spectrum(spectra)
    remedy = (
        "pass reference= with spectra that contain the line, or a known shift as energy_offset= "
        "to read"
    )
    if not binding[0] < target < binding[-1]:
        raise ValueError(
            f"expected {line} at {target:g} eV in the spectra, got spectra that cover "
            f"{binding[0]:.1f} to {binding[-1]:.1f} eV binding energy; {remedy}"
        )
    inside = np.abs(binding - target) <= search
    if inside.sum() < 7:
        raise ValueError(
            f"expected at least 7 points within {search:g} eV of {target:g} eV, got "
            f"{inside.sum()}; {remedy}"
        )
    maximum = _highest_maximum(binding[inside], counts[inside], float(estimate_noise(counts)))
    if maximum is None:
        raise ValueError(
            f"expected a line {line} within {search:g} eV of {target:g} eV, got none above the "
            f"noise; {remedy}"
        )
    return maximum


def _mean_spectrum(spectra: xr.DataArray) -> tuple[Floats, Floats]:
    """Ascending binding energies [eV] and mean counts, missing points left out."""
    others = [dim for dim in spectra.dims if dim != "energy"]
    mean = spectra.astype(float).mean(others).values
    binding = to_binding(spectra)["energy"].values
    order = np.argsort(binding)
    order = order[np.isfinite(mean[order])]
    if order.size < 2:
        raise ValueError("expected finite counts, got none; check the spectra")
    return binding[order], mean[order]


def _highest_maximum(energy: Floats, counts: Floats, noise: float) -> float | None:
    """Energy of the highest maximum above the noise; None where there is none."""
    from scipy.ndimage import gaussian_filter1d

    # Steps far below the width of the smoothing would only make it slow.
    step = max(float(np.median(np.diff(energy))), _SMOOTHING / 100)
    grid = np.arange(energy[0], energy[-1] + step / 2, step)
    values = np.interp(grid, energy, counts)
    points = max(_SMOOTHING / step, 1.0)
    margin = min(int(4 * points), grid.size - 1)
    # Odd reflection goes on straight, so that the ends of a slope do not look like a line.
    padded = np.pad(values, margin, mode="reflect", reflect_type="odd")
    smooth = gaussian_filter1d(padded, points)[margin : margin + grid.size]
    above = smooth - np.interp(grid, grid[[0, -1]], smooth[[0, -1]])
    inner = above[1:-1]
    tops = 1 + np.flatnonzero((inner > above[:-2]) & (inner >= above[2:]))
    if tops.size == 0:
        return None
    top = int(tops[np.argmax(above[tops])])
    if above[top] <= max(_SIGNIFICANT * noise / np.sqrt(points), 1e-6 * np.ptp(values)):
        return None
    return _vertex(energy, counts, grid, smooth, top)


def _vertex(energy: Floats, counts: Floats, grid: Floats, smooth: Floats, top: int) -> float:
    """Vertex of the parabola through the counts around a maximum of the smoothed spectrum."""
    around = np.abs(grid - grid[top]) <= _SURROUNDINGS
    base = float(smooth[around].min())
    lower = np.flatnonzero(smooth < base + _SUMMIT * (smooth[top] - base))
    left = grid[max(lower[lower < top], default=0)]
    right = grid[min(lower[lower > top], default=grid.size - 1)]
    summit = (energy > left) & (energy < right)
    step = grid[1] - grid[0]
    if summit.sum() < 4:  # coarse steps, as in a survey
        summit = np.abs(energy - grid[top]) < 1.5 * step
    if summit.sum() < 3:
        return float(grid[top])
    curvature, slope, _ = np.polyfit(energy[summit] - grid[top], counts[summit], 2)
    vertex = -slope / (2 * curvature) if curvature < 0 else 0.0
    limit = max(_SMOOTHING, step / 2)
    return float(grid[top] + np.clip(vertex, -limit, limit))
