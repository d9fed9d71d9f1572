"""Charge reference: bring a known line to its known binding energy, per spectrum where needed."""

import warnings
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import xarray as xr

from xpsnet.arguments import (
    array,
    check,
    flag,
    number,
    optional,
    stated_number,
    text,
    word_or,
)
from xpsnet.arguments import peaks as peaks_rule
from xpsnet.chemistry.other_references import CASA, FERMI_EDGE, casa_shifts, fermi_edge_shifts
from xpsnet.constants import CARBON_TO_VACUUM, REFERENCE_LINES
from xpsnet.data.charge_shift import CHARGE_SHIFT
from xpsnet.data.energy_axis import Floats
from xpsnet.data.level_names import find_name, parse_level
from xpsnet.data.peak_settings import without_disabled
from xpsnet.data.set_charge_shift import set_charge_shift, total_shift
from xpsnet.data.spectrum import check_spectra, to_binding
from xpsnet.numerics.noise import estimate_noise
from xpsnet.xpsnet_warning import XpsnetWarning

Data = TypeVar("Data", xr.DataArray, xr.Dataset)

_SMOOTHING = 0.15  # [eV] standard deviation: below a core level's width, above the noise
_SURROUNDINGS = 2.0  # [eV] how far the foot of a line is looked for
# Parts of the height above which a polynomial is fitted to the counts, and its degree.
_SUMMITS = ((0.7, 4), (0.8, 2))
_SIGNIFICANT = 5.0  # a line must stand this many standard deviations above its surroundings
_WEAK = 15.0  # below this many, the line found is said to be weak
_OTHER = 0.1  # share of the highest line from which on another one may be the reference
_SAMPLE = 64  # spectra that are looked at for whether their shifts differ
_SPREAD = 0.05  # [eV] standard deviation of the shifts from which on each spectrum has its own
_LOWEST = ("C 1s",)  # of which hydrocarbon, the reference, is the line of lowest binding energy


@dataclass(frozen=True)
class _Reference:
    """The line: its name, its binding energy [eV], and how far it may be away [eV]."""

    name: str
    target: float
    search: float

    def __str__(self) -> str:
        return CASA if self.name == CASA else f"{self.name} {self.target:g} eV"


@dataclass(frozen=True)
class _Lines:
    """Candidates for the line: binding energy, standard error [eV], height; the one chosen."""

    energy: Floats
    stderr: Floats
    height: Floats
    noise: float
    chosen: int


def calibrate(
    spectra: Data,
    *,
    line: str = "C 1s",
    to: float | None = None,
    peaks: xr.Dataset | None = None,
    state: int | str | None = None,
    reference: xr.DataArray | None = None,
    per_spectrum: bool | Literal["auto"] = "auto",
    search: float = 5.0,
    work_function: float | None = None,
    dim: str | None = None,
) -> Data:
    """Shift the energies so that a reference line has its known binding energy.

    Parameters
    ----------
    spectra : DataArray or Dataset
        Spectra, as for `check_spectra`; on the kinetic scale `attrs["photon_energy"]` must be
        known. Or peaks, which are calibrated by themselves or by `peaks`.
    line : str
        Name of the reference line, in any spelling: "C 1s", "C1s", "au 4f7/2"; the level "Au 4f"
        stands for the line of the table, Au 4f7/2. "Fermi edge": the edge of a metal, fitted by
        `fit_edge`, at 0 eV. "CasaXPS": the shift that CasaXPS wrote into the file.
    to : float, optional
        Binding energy [eV] of the line; by default that of
        `xpsnet.constants.REFERENCE_LINES`, 284.8 eV for adventitious carbon (C 1s).
    peaks : Dataset, optional
        A fit of the spectra, or of `reference`, that has the line: its center is exact also where
        other lines overlap. Without it, the line is the maximum of the counts.
    state : int or str, optional
        Which of the peaks is the line: a number of `state`, of `peak` where there are no states,
        or a `label`. Of a doublet the higher line counts.
    reference : DataArray, optional
        Spectra of the same sample that contain the line, if `spectra` do not contain it.
    per_spectrum : bool or "auto"
        Whether each spectrum gets the shift of its own line. "auto": where the shifts differ by
        more than 0.05 eV (standard deviation) beyond their errors.
    search : float
        Largest distance between `to` and the measured line [eV].
    work_function : float, optional
        Of the sample [eV], measured by ultraviolet photoemission for instance. Adventitious carbon
        then lies at 289.58 eV minus this, where its levels follow the vacuum level
        (`xpsnet.constants.CARBON_TO_VACUUM`).
    dim : str, optional
        The energy dimension of `spectra`, as for `check_spectra`.

    Returns
    -------
    DataArray or Dataset
        Same counts. With one shift for all the axis is moved, and `attrs["charge_shift"]` is the
        sum of all shifts that were subtracted from the measured binding energies [eV]. With a shift
        per spectrum the axis is as measured, and the coordinates `charge_shift` and
        `charge_shift_stderr` [eV] hold the shifts: `fit`, `refine`, `predict`, `plot`, `crop` and
        every `energy_range` use them, so that `center` is the corrected energy.
        `attrs["charge_reference"]` is the line and its energy.

    Raises
    ------
    ValueError
        Where the spectra do not cover the line, there is no line above the noise, several peaks
        can be meant by `state`, or the file holds no calibration by CasaXPS.

    Warns
    -----
    XpsnetWarning
        Where another line within `search` is higher or nearer to `to` than the one that was taken,
        where the line is weak, and where single spectra show no line: these get the median shift,
        with NaN as its error.

    See Also
    --------
    DataArray.xps.set_charge_shift : apply a shift that is known to another region or to peaks.

    Notes
    -----
    Where several maxima stand out, the line of lowest binding energy is taken for C 1s
    (hydrocarbon), and the highest one for all other lines.

    Examples
    --------
    >>> import xpsnet
    >>> charged = xpsnet.sample("spectrum").xps.shift(1.5)
    >>> calibrated = xpsnet.calibrate(charged, line="C 1s")
    >>> round(calibrated.attrs["charge_shift"], 1), calibrated.attrs["charge_reference"]
    (1.5, 'C 1s 284.8 eV')

    By the first state of a fit:

    >>> peaks = xpsnet.fit(charged)
    >>> exact = xpsnet.calibrate(charged, peaks=peaks, state=1)
    >>> round(exact.attrs["charge_shift"], 2)
    1.5
    """
    check(
        locals(),
        line=text("C 1s"),
        to=optional(number(unit="eV")),
        per_spectrum=word_or("auto", flag),
        reference=optional(array),
        peaks=optional(peaks_rule),
        search=number(above=0, unit="eV"),
        work_function=optional(number(least=0.5, most=10.0, unit="eV")),
    )
    wanted = _wanted(line, to, work_function, search)
    if not isinstance(spectra, xr.Dataset):
        spectra = check_spectra(spectra, dim=dim)
    elif peaks is None and reference is None:
        peaks = spectra
    holder = reference if reference is not None else spectra
    if isinstance(holder, xr.DataArray):
        holder = check_spectra(holder)
    if wanted.name in (FERMI_EDGE, CASA):
        if state is not None:
            raise ValueError(f"expected no state with line={wanted.name!r}, got {state!r}")
        shifts, errors = (
            casa_shifts(holder) if wanted.name == CASA else fermi_edge_shifts(holder, wanted.search)
        )
    elif peaks is not None:
        shifts, errors = _shifts_of_peaks(peaks, holder, state, wanted)
    else:
        if state is not None:
            raise ValueError(f"expected peaks= beside state={state!r}, got none; fit them first")
        if isinstance(holder, xr.Dataset):
            raise ValueError("expected peaks or spectra that have the line, got neither")
        shifts, errors = _shifts_of_spectra(holder, wanted, per_spectrum)
    shift, error = _joined(shifts, errors, per_spectrum)
    missing = [str(dim) for dim in shift.dims if dim not in spectra.dims]
    if missing:
        if per_spectrum is True or peaks is not None:
            raise ValueError(
                f"expected the line in spectra over dimensions of the others, got "
                f"{', '.join(missing)} besides; select one, or pass per_spectrum=False"
            )
        shift, error = _joined(shifts, errors, False)
    known = error if bool(np.isfinite(error.values).any()) else None
    return set_charge_shift(spectra, shift, stderr=known, reference=str(wanted))


def _joined(
    shifts: xr.DataArray, errors: xr.DataArray, per_spectrum: bool | str
) -> tuple[xr.DataArray, xr.DataArray]:
    """Shifts of all spectra, or one for all where they do not differ, or where one is asked for."""
    if shifts.ndim == 0:
        return shifts, errors
    known = np.isfinite(shifts.values)
    values, stderr = shifts.values[known], errors.values[known]
    if per_spectrum == "auto":
        per_spectrum = _differ(values, stderr)
    if per_spectrum:
        median = float(np.median(values))
        if not known.all():
            _warn(
                f"{int((~known).sum())} of {known.size} spectra show no reference line: they get "
                f"the median shift, {median:.2f} eV, with NaN as its error"
            )
        return shifts.where(known, median), errors.where(known)
    usable = np.isfinite(stderr) & (stderr > 0)
    weights = np.where(usable, stderr, np.inf) ** -2.0 if usable.any() else np.ones_like(values)
    mean = float(np.average(values, weights=weights))
    error = float(weights.sum() ** -0.5) if usable.any() else np.nan
    return xr.DataArray(mean), xr.DataArray(error)


def _differ(values: Floats, stderr: Floats) -> bool:
    """Whether shifts of spectra differ by more than their errors, and so much that it matters."""
    if values.size < 2:
        return False
    variance, expected = float(np.var(values, ddof=1)), float(np.mean(np.nan_to_num(stderr) ** 2))
    chance = expected * (1 + 3 * np.sqrt(2 / (values.size - 1)))
    return variance > chance and variance - expected > _SPREAD**2


def _shifts_of_peaks(
    peaks: xr.Dataset, holder: xr.DataArray | xr.Dataset, state: int | str | None, line: _Reference
) -> tuple[xr.DataArray, xr.DataArray]:
    """Shift of the line of a fit, and its error, for every spectrum [eV]."""
    if "peak" not in peaks.dims or "center" not in peaks or "count" in peaks["center"].dims:
        raise ValueError(
            f"expected peaks from fit or refine, got a Dataset over {tuple(peaks.dims)}"
        )
    peaks = without_disabled(peaks).compute()
    center = peaks["center"].reset_coords(drop=True)
    if peaks.attrs.get("scale") == "kinetic":
        photon = peaks.attrs.get("photon_energy", holder.attrs.get("photon_energy"))
        if photon is None:
            raise ValueError(
                "expected a photon energy to change kinetic centers to binding energy, got none; "
                'set peaks.attrs["photon_energy"]'
            )
        center = float(photon) - center
    rows = _rows_of(peaks, state) & np.isfinite(center)
    height = peaks["height"].reset_coords(drop=True).where(rows)
    if state is None:
        near = rows & (abs(center - line.target) <= line.search)
        other = near & (height >= _OTHER * height.where(near).max("peak"))
        lowest = line.name in _LOWEST
        rank = (-center if lowest else height).where(other, -np.inf)
        rows = near & (rank == rank.max("peak"))
        _warn_of_other_peaks(center, height, other, rows, line)
    if not bool(rows.any()):
        raise ValueError(
            f"expected a peak of {line.name} within {line.search:g} eV of {line.target:g} eV, or "
            f"the peak that state= names, got none; the centers are "
            f"{np.round(np.unique(center.values[np.isfinite(center.values)])[:8], 2).tolist()} eV"
        )
    place = height.where(rows, -np.inf).argmax("peak")
    found = center.where(rows).isel(peak=place)
    error = xr.full_like(found, np.nan)
    if "center_stderr" in peaks:
        error = peaks["center_stderr"].reset_coords(drop=True).isel(peak=place)
        error = error.where(np.isfinite(found))
    before = total_shift(peaks)
    shifts = xr.DataArray(found.variable + before - line.target, found.coords)
    return _bare(shifts), _bare(error)


def _bare(values: xr.DataArray) -> xr.DataArray:
    """Without coordinates, which the data have themselves."""
    return xr.DataArray(np.asarray(values.values, dtype=np.float64), dims=values.dims)


def _rows_of(peaks: xr.Dataset, state: int | str | None) -> xr.DataArray:
    """Which peaks a choice of the caller means, over (..., peak)."""
    center = peaks["center"].reset_coords(drop=True)
    if state is None:
        return xr.ones_like(center, dtype=bool)
    if isinstance(state, str):
        labels = [str(text) for text in peaks["label"].values] if "label" in peaks else []
        if labels.count(state) < 1:
            raise ValueError(f"expected one of the labels {labels}, got state={state!r}")
        return xr.DataArray([text == state for text in labels], dims="peak").broadcast_like(center)
    numbers = peaks["state"] if "state" in peaks and bool((peaks["state"] > 0).any()) else None
    if numbers is None:
        numbers = xr.DataArray(peaks["peak"].values, dims="peak").broadcast_like(center)
    rows = numbers.reset_coords(drop=True) == state
    if not bool(rows.any()):
        known = sorted({int(n) for n in np.unique(numbers.values) if n > 0})
        raise ValueError(f"expected the number of a state, {known}, got state={state!r}")
    return xr.DataArray(rows.values, dims=rows.dims).transpose(*center.dims)


def _warn_of_other_peaks(
    center: xr.DataArray,
    height: xr.DataArray,
    other: xr.DataArray,
    taken: xr.DataArray,
    line: _Reference,
) -> None:
    """Say where another peak is higher, or nearer to the reference, than the one that was taken."""
    ours = height.where(taken).max("peak"), abs(center - line.target).where(taken).min("peak")
    rest = other & ~taken
    higher = rest & (height > ours[0])
    nearer = rest & (abs(center - line.target) < ours[1])
    if bool((higher | nearer).any()):
        at = float(center.where(taken).median())
        others = np.unique(center.where(higher | nearer).median("peak").values.round(2))
        _warn_ambiguous(line, at, float(others[np.isfinite(others)][0]), "pass state= to choose")


def _warn_ambiguous(line: _Reference, taken: float, other: float, remedy: str) -> None:
    _warn(
        f"the line at {taken:.2f} eV was taken for {line.name} at {line.target:g} eV, a shift of "
        f"{taken - line.target:.2f} eV; the line at {other:.2f} eV is higher or nearer: {remedy}"
    )


def _warn(text: str) -> None:
    warnings.warn(text, XpsnetWarning, stacklevel=4)


def _shifts_of_spectra(
    spectra: xr.DataArray, line: _Reference, per_spectrum: bool | str
) -> tuple[xr.DataArray, xr.DataArray]:
    """Shift of the maximum, and its error, for every spectrum or for their mean [eV]."""
    others = [dim for dim in spectra.dims if dim != "energy"]
    sizes = [spectra.sizes[dim] for dim in others]
    n = int(np.prod(sizes)) if sizes else 1
    binding = to_binding(spectra)["energy"].values
    before = stated_number(spectra.attrs.get(CHARGE_SHIFT)) or 0.0
    lazy_auto = per_spectrum == "auto" and spectra.chunks is not None
    if per_spectrum is True or (per_spectrum == "auto" and n > 1 and not lazy_auto):
        counts = np.asarray(spectra.values, dtype=np.float64).reshape(n, -1)
        sample = np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(int))
        rows = np.arange(n) if per_spectrum is True else sample
        found = np.full((2, n), np.nan)
        problem: ValueError | None = None
        for part in (rows, np.setdiff1d(np.arange(n), rows)):
            for k in part.tolist():
                try:
                    lines = _candidates(binding, counts[k], line)
                except ValueError as error:
                    problem = error
                    continue
                found[:, k] = lines.energy[lines.chosen], lines.stderr[lines.chosen]
            known = np.isfinite(found[0])
            if per_spectrum == "auto" and not _differ(found[0, known], found[1, known]):
                break
        known = np.isfinite(found[0])
        if per_spectrum is True or _differ(found[0, known], found[1, known]):
            if not known.any() and problem is not None:
                raise problem
            _say(_candidates(binding, counts[int(np.flatnonzero(known)[0])], line), line)
            shape = tuple(sizes)
            return (
                xr.DataArray(found[0].reshape(shape) - line.target + before, dims=others),
                xr.DataArray(found[1].reshape(shape), dims=others),
            )
    mean = np.asarray(spectra.astype(float).mean(others).values)
    lines = _candidates(binding, mean, line)
    _say(lines, line)
    energy = float(lines.energy[lines.chosen])
    return xr.DataArray(energy - line.target + before), xr.DataArray(lines.stderr[lines.chosen])


def _say(lines: _Lines, line: _Reference) -> None:
    """Warn of a weak line, and of others that may be meant."""
    distance = np.abs(lines.energy - line.target)
    ours = lines.chosen
    better = (lines.height > lines.height[ours]) | (distance < distance[ours])
    better[ours] = False
    if better.any():
        other = int(np.flatnonzero(better)[np.argmax(lines.height[better])])
        remedy = "fit the peaks and pass peaks= and state= to choose"
        _warn_ambiguous(line, float(lines.energy[ours]), float(lines.energy[other]), remedy)
    if lines.height[ours] < _WEAK * lines.noise:
        _warn(
            f"the line {line.name} at {lines.energy[ours]:.2f} eV is weak, "
            f"{lines.height[ours] / lines.noise:.0f} standard deviations of the noise: its shift "
            f"is uncertain"
        )


def _wanted(line: str, to: float | None, work_function: float | None, search: float) -> _Reference:
    """The reference that the caller means.

    Raises
    ------
    ValueError
        Where the line has no tabulated energy, or the arguments contradict each other.
    """
    word = " ".join(line.lower().replace("-", " ").replace("_", " ").split())
    other = {"fermi edge": FERMI_EDGE, "fermi level": FERMI_EDGE, "casaxps": CASA, "casa": CASA}
    name = other.get(word)
    if work_function is not None:
        level = parse_level(line)
        if level is None or level.name != "C 1s" or to is not None:
            raise ValueError(
                f'expected work_function= with line="C 1s" and without to=, got line={line!r} and '
                f"to={to}; leave one of them out"
            )
        return _Reference("C 1s", CARBON_TO_VACUUM.value - work_function, search)
    if name is not None:
        if to not in (None, 0.0):
            raise ValueError(f"expected no energy with line={name!r}, got to={to}; leave it out")
        return _Reference(name, 0.0, search)
    if to is not None:
        return _Reference(str(parse_level(line) or line), float(to), search)
    return _Reference(*_reference(line), search)


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


def _candidates(binding: Floats, counts: Floats, line: _Reference) -> _Lines:
    """Lines within reach of the reference, in one spectrum.

    Parameters
    ----------
    binding, counts : ndarray, shape (n,)
        In any order; missing points are NaN.
    """
    order = np.argsort(binding)
    order = order[np.isfinite(counts[order])]
    if order.size < 2:
        raise ValueError("expected finite counts, got none; check the spectra")
    binding, counts = binding[order], counts[order]
    remedy = (
        "pass reference= with spectra that contain the line, or a known shift as energy_offset= "
        "to read"
    )
    if not binding[0] < line.target < binding[-1]:
        raise ValueError(
            f"expected {line.name} at {line.target:g} eV in the spectra, got spectra that cover "
            f"{binding[0]:.1f} to {binding[-1]:.1f} eV binding energy; {remedy}"
        )
    inside = np.abs(binding - line.target) <= line.search
    if inside.sum() < 7:
        raise ValueError(
            f"expected at least 7 points within {line.search:g} eV of {line.target:g} eV, got "
            f"{inside.sum()}; {remedy}"
        )
    noise = float(estimate_noise(counts))
    found = _maxima(binding[inside], counts[inside], noise, lowest=line.name in _LOWEST)
    if found is None:
        raise ValueError(
            f"expected a line {line.name} within {line.search:g} eV of {line.target:g} eV, got "
            f"none above the noise; {remedy}, or a larger search="
        )
    return found


def _maxima(energy: Floats, counts: Floats, noise: float, *, lowest: bool) -> _Lines | None:
    """Maxima above the noise, at least `_OTHER` of the highest; None where there is none."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

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
    tops, shape = find_peaks(above, prominence=(None, None))
    if tops.size == 0:
        return None
    height = above[tops]
    least = max(_SIGNIFICANT * noise / np.sqrt(points), 1e-6 * np.ptp(values))
    highest = int(np.argmax(height))
    if height[highest] <= least:
        return None
    # A weak line beside a strong one lies below the straight line between the ends of the range.
    others = shape["prominences"] > max(least, _OTHER * height[highest])
    others[highest] = True
    tops, height = tops[others], np.maximum(height[others], shape["prominences"][others])
    places = [_vertex((energy, counts), (grid, smooth), int(top), noise) for top in tops]
    chosen = int(np.argmin(tops)) if lowest else int(np.argmax(height))
    centers, errors = np.array(places).T
    return _Lines(centers, errors, height, noise, chosen)


def _vertex(
    measured: tuple[Floats, Floats], curve: tuple[Floats, Floats], top: int, noise: float
) -> tuple[float, float]:
    """Maximum of the counts around a maximum of the smoothed spectrum, and its standard error [eV].

    It is that of a polynomial of fourth degree: a parabola is drawn to the side where another line
    is near. Where the points are few, it is a parabola through the summit alone.
    """
    (energy, counts), (grid, smooth) = measured, curve
    around = np.abs(grid - grid[top]) <= _SURROUNDINGS
    base = float(smooth[around].min())
    step = grid[1] - grid[0]
    limit = max(_SMOOTHING, step / 2)
    for part, degree in _SUMMITS:
        lower = np.flatnonzero(smooth < base + part * (smooth[top] - base))
        left = grid[max(lower[lower < top], default=0)]
        right = grid[min(lower[lower > top], default=grid.size - 1)]
        summit = (energy > left) & (energy < right)
        if degree == 2 and summit.sum() < 4:  # coarse steps, as in a survey
            summit = np.abs(energy - grid[top]) < 1.5 * step
        if summit.sum() < degree + (1 if degree == 2 else 4):
            continue
        # Counts scatter more at the summit of a line than beside it.
        level, usual = float(np.mean(counts[summit])), float(np.median(counts))
        local = noise * np.sqrt(max(level / usual, 1.0)) if usual > 0 else noise
        found = _maximum(energy[summit] - grid[top], counts[summit], degree, float(local))
        if found is not None and abs(found[0]) <= limit:
            return float(grid[top]) + found[0], min(found[1], float(limit))
        if found is not None and degree == 2:
            return float(grid[top] + np.clip(found[0], -limit, limit)), float(limit)
    return float(grid[top]), float(max(limit, step))


def _maximum(
    distance: Floats, counts: Floats, degree: int, noise: float
) -> tuple[float, float] | None:
    """Maximum of a polynomial nearest to 0, and its error by linear propagation; None: has none."""
    scale = float(np.abs(distance).max())
    inverse = np.linalg.pinv(np.vander(distance / scale, degree + 1))
    curve = np.poly1d(inverse @ counts)
    roots = np.atleast_1d(curve.deriv().roots)
    places = np.real(roots[np.abs(np.imag(roots)) < 1e-9])
    places = places[(curve.deriv(2)(places) < 0) & (np.abs(places) <= 1.0)]
    if places.size == 0:
        return None
    x = float(places[np.argmin(np.abs(places))])
    powers = np.arange(degree, -1, -1)
    by = -(powers * x ** np.maximum(powers - 1, 0)) / float(curve.deriv(2)(x)) @ inverse
    return scale * x, scale * noise * float(np.sqrt(by @ by))
