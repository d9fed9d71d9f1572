"""Least squares of a Fermi edge: for calibration of the energy axis and for valence bands."""

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import optimize

from xpsnet.arguments import check, flag, number, optional, word_or
from xpsnet.data.peaks import keep_own_names
from xpsnet.data.spectrum import check_spectra, crop
from xpsnet.data.spectrum_arrays import SpectrumArrays, spectrum_arrays
from xpsnet.data.status import Status, with_texts
from xpsnet.fitting.noise_from_fits import noise_from_fits
from xpsnet.fitting.solve.point_noise import (
    Noise,
    NoiseChoice,
    PointNoise,
    checked_noise,
    noise_rows,
    point_noise,
    with_checked_names,
)
from xpsnet.fitting.solve.statistics import covariance_from_jacobian
from xpsnet.numerics.fermi_edge import BOLTZMANN, edge, edge_width
from xpsnet.numerics.noise import NoiseModel

Floats = npt.NDArray[np.float64]

ROOM_TEMPERATURE = 295.0
"""K."""

_FWHM_PER_SIGMA = float(np.sqrt(8 * np.log(2)))
_MOST_KELVIN = 3000.0
_STARTS = 40  # places that are tried for the edge, each with some widths
_ROUNDS = 3  # of weights that follow the fitted curve
_SIGNIFICANT = 3.0  # standard errors that a step must be high
# Flat parameters: nonlinear ones, then those that the curve depends on linearly.
_CENTER, _TAU, _VARIANCE, _HEIGHT, _BELOW, _CONSTANT, _ABOVE = range(7)
_TEXTS = {
    "center": ("Fermi level", "eV"),
    "temperature": ("Temperature", "K"),
    "resolution": ("Full width at half maximum of the Gaussian", "eV"),
    "width": ("Distance between 10 % and 90 % of the step", "eV"),
    "height": ("Step at the Fermi level", "{units}"),
    "slope_below": ("Slope of the occupied side", "{units}/eV"),
    "background": ("Counts above the Fermi level, at the Fermi level", "{units}"),
    "slope_above": ("Slope of the empty side", "{units}/eV"),
}


def fit_edge(
    spectra: xr.DataArray,
    *,
    temperature: float | Literal["free"] | None = None,
    resolution: float | None = None,
    slopes: bool = True,
    energy_range: tuple[float, float] | None = None,
    noise: Noise = None,
    scale_errors: bool = False,
    dim: str | None = None,
) -> xr.Dataset:
    """Fit a Fermi edge: position, width and slopes, with standard errors.

    The counts are the Fermi-Dirac function times a linear density of states, convolved with a
    Gaussian, on a linear background.

    Parameters
    ----------
    spectra : DataArray
        Spectra of any shape with a dimension `energy` [eV], in memory or lazy (then computed); NaN
        points are left out.
    temperature : float, "free" or None
        [K], held. By default the attribute `temperature` of the spectra, else 295 K. "free" fits
        it: then give `resolution`, because both make an edge wide in nearly the same way.
    resolution : float, optional
        Full width of the Gaussian at half of its maximum [eV], held; by default it is fitted.
    slopes : bool
        Whether both sides may be slanted. Without, they are flat.
    energy_range : (float, float), optional
        Fitted range [eV] on the spectra's scale: the edge and some of both sides.
    noise : float, ndarray, DataArray, "poisson", "each" or mapping, optional
        As for `refine`.
    scale_errors : bool
        Multiply standard errors by the root of the reduced chi-square.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    Dataset
        Over the other dimensions of the spectra, on their scale: `center`, the Fermi level [eV];
        `temperature` [K]; `resolution` [eV]; `width`, the distance between 10 % and 90 % of the
        step [eV]; `height`, the step at the Fermi level; `background`, the counts of the empty
        side there; `slope_below` and `slope_above`, those of the occupied and of the empty side
        [units/eV]; each with `*_stderr`, NaN for what was held or ended on a limit. `envelope`
        (..., energy) is the fitted curve. Also `noise`, `dof_noise`, `redchi` and `status`.

    Raises
    ------
    ValueError
        If arguments contradict each other; never because of the counts of a spectrum.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> import xpsnet
    >>> energy = np.linspace(-1.0, 1.0, 201)
    >>> counts = 50 + 1000 / (1 + np.exp(-(energy - 0.12) / 0.0254))
    >>> spectrum = xr.DataArray(counts, {"energy": energy}, attrs={"scale": "binding"})
    >>> found = spectrum.xps.fit_edge(noise=10.0)
    >>> round(float(found.center), 3)
    0.12
    """
    check(
        locals(),
        temperature=optional(word_or("free", number(above=0, most=1e4, unit="K"))),
        resolution=optional(number(least=0, most=100, unit="eV")),
        slopes=flag,
    )
    checked = keep_own_names(check_spectra(spectra, dim=dim))
    noise = with_checked_names(noise, spectra, dim)
    window = checked if energy_range is None else crop(checked, energy_range)
    window = window.compute()
    kelvin = _checked_temperature(temperature, window, resolution)
    model = _Model(kelvin, _checked_resolution(resolution), slopes)
    arrays = spectrum_arrays(window)
    known = checked_noise(noise, checked, window)
    counts = np.where(np.isfinite(arrays.counts), arrays.counts, np.nan).astype(np.float64)
    if noise is None and isinstance(known, NoiseChoice):

        def fitted(choice: NoiseChoice) -> tuple[Floats, npt.NDArray[Any]]:
            found = _fit(model, arrays.energy, counts, choice)
            curve = np.where(np.isnan(found.values[:, :1]), np.nan, found.curve)
            return curve, np.full(len(counts), model.free.sum())

        known = noise_from_fits(counts, known, fitted)
    given = noise_rows(known, window)
    found = _fit(model, arrays.energy, counts, given)
    if scale_errors:
        redchi = found.chisqr / np.maximum(found.n_used - model.free.sum(), 1)
        found = found._replace(covariance=found.covariance * redchi[:, None, None])
        density = np.ones_like(found.noise.density)
        found = found._replace(noise=replace(found.noise, density=density))
    return _as_dataset(model, found, arrays, known)


@dataclass(frozen=True)
class _Model:
    """What is held: numbers [K, eV], or None for what is fitted."""

    temperature: float | None
    resolution: float | None
    slopes: bool

    @property
    def free(self) -> npt.NDArray[np.bool_]:
        """Which flat parameters are fitted, shape (7,)."""
        free = np.ones(7, dtype=bool)
        free[[_BELOW, _ABOVE]] = self.slopes
        free[_TAU], free[_VARIANCE] = self.temperature is None, self.resolution is None
        return free

    def widths(self, sigma: float) -> tuple[float, float]:
        """K T and variance of a start whose whole broadening has this standard deviation."""
        tau = sigma / 2 if self.temperature is None else BOLTZMANN * self.temperature
        if self.resolution is not None:
            return tau, (self.resolution / _FWHM_PER_SIGMA) ** 2
        return tau, sigma**2


class _Found(NamedTuple):
    """Fits of S spectra: flat parameters and their covariance, curves, and how good they are."""

    values: Floats  # (S, 7)
    covariance: Floats  # (S, 7, 7), 0 for what was held, NaN for what is not determined
    curve: Floats  # (S, n)
    chisqr: Floats  # (S,)
    n_used: npt.NDArray[np.int64]
    status: npt.NDArray[np.int64]
    noise: PointNoise


def _checked_temperature(
    temperature: float | str | None, spectra: xr.DataArray, resolution: float | None
) -> float | None:
    """Temperature that is held [K], or None."""
    if temperature == "free":
        if resolution is None:
            raise ValueError(
                'expected a resolution [eV] with temperature="free", because the two cannot be '
                "told apart; for instance fit_edge(spectra, temperature='free', resolution=0.35)"
            )
        return None
    stated = spectra.attrs.get("temperature", ROOM_TEMPERATURE)
    value = stated if temperature is None else temperature
    if isinstance(value, bool | str) or not 0 <= float(value) <= _MOST_KELVIN:
        raise ValueError(
            f'expected temperature as a number of kelvin up to {_MOST_KELVIN:g}, or "free", got '
            f"{value!r}"
        )
    return float(value)


def _checked_resolution(resolution: float | None) -> float | None:
    """Resolution that is held [eV], or None."""
    if resolution is None or (np.isfinite(resolution) and resolution >= 0):
        return None if resolution is None else float(resolution)
    raise ValueError(f"expected resolution as a number of eV, 0 or above, got {resolution!r}")


def _columns(energy: Floats, flat: Floats) -> tuple[Floats, Floats]:
    """What multiplies the linear parameters (4, n), and derivatives by the others (3, n)."""
    x, tau, variance = energy - flat[_CENTER], flat[_TAU], flat[_VARIANCE]
    f = edge(x, tau, variance)
    ramp = x * f.value + variance * f.first
    columns = np.stack([f.value, ramp, np.ones_like(x), x - ramp])
    difference = flat[_BELOW] - flat[_ABOVE]
    by_x = f.value + x * f.first + variance * f.second
    by_center = -flat[_HEIGHT] * f.first - difference * by_x - flat[_ABOVE]
    by_tau = flat[_HEIGHT] * f.by_tau + difference * (x * f.by_tau + variance * f.first_by_tau)
    by_variance = flat[_HEIGHT] * f.second / 2
    by_variance = by_variance + difference * (x * f.second / 2 + f.first + variance * f.third / 2)
    return columns, np.stack([by_center, by_tau, by_variance])


def _curve(energy: Floats, flat: Floats) -> tuple[Floats, Floats]:
    """Curve (n,) and its derivatives by all parameters (7, n)."""
    columns, derivatives = _columns(energy, flat)
    return flat[_HEIGHT:] @ columns, np.concatenate([derivatives, columns])


def _fit(model: _Model, energy: Floats, counts: Floats, noise: Floats | NoiseChoice) -> _Found:
    """Fit all spectra, one after the other."""
    points = point_noise(noise, counts)
    points = replace(points, deviation=np.array(points.deviation))
    shared = noise.model if isinstance(noise, NoiseChoice) else None
    n_spectra, n = counts.shape
    nothing = np.full((n_spectra, 7), np.nan)
    found = _Found(
        nothing,
        np.full((n_spectra, 7, 7), np.nan),
        np.full((n_spectra, n), np.nan),
        np.full(n_spectra, np.nan),
        np.isfinite(counts).sum(axis=1),
        np.full(n_spectra, int(Status.NOT_FINITE)),
        points,
    )
    starts = _starts(model, energy, counts)
    for row in range(n_spectra):
        used = np.isfinite(counts[row]) & (points.deviation[row] > 0)
        found.n_used[row] = used.sum()
        if not np.isfinite(counts[row]).any():
            continue
        if used.sum() <= model.free.sum():
            found.status[row] = Status.TOO_FEW_POINTS
            continue
        if np.ptp(counts[row, used]) == 0:
            found.status[row] = Status.NO_SIGNAL
            continue
        try:
            follows = None if shared is None else shared.rows(slice(row, row + 1))
            one = _One(energy, counts[row], points.deviation[row].copy(), follows)
            _fit_one(model, one, starts[row], found, row)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            found.status[row] = Status.FAILED
    return found


def _starts(model: _Model, energy: Floats, counts: Floats) -> Floats:
    """Starts (S, 7): the best of some places and widths, all else by linear least squares."""
    known = np.isfinite(counts)
    mean = np.where(known, counts, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, counts, mean[:, None])
    low, high = energy[0], energy[-1]
    step, span = (high - low) / max(energy.size - 1, 1), high - low
    starts = np.zeros((len(counts), 7))
    best = np.full(len(counts), np.inf)
    linear = np.array([_HEIGHT, _BELOW, _CONSTANT, _ABOVE])
    linear = linear[model.free[linear]]
    for sigma in np.geomspace(step, span / 8, 5):
        tau, variance = model.widths(sigma)
        for center in np.linspace(low + span / 20, high - span / 20, _STARTS):
            flat = np.array([center, tau, variance, 0.0, 0.0, 0.0, 0.0])
            columns = _columns(energy, flat)[0][linear - _HEIGHT]
            solution = np.linalg.lstsq(columns.T, filled.T, rcond=None)[0]
            squares = ((filled.T - columns.T @ solution) ** 2).sum(axis=0)
            better = (squares < best) & (solution[0] > 0)
            best = np.where(better, squares, best)
            starts[better, :3] = flat[:3]
            starts[np.ix_(better, linear)] = solution[:, better].T
    none = ~np.isfinite(best)  # nothing rises: a step of no height in the middle
    starts[none, :3] = (low + high) / 2, *model.widths(span / 20)
    return starts


class _One(NamedTuple):
    """One spectrum: points, their standard deviations, and what says how these follow a curve."""

    energy: Floats
    counts: Floats
    deviation: Floats
    noise: NoiseModel | None


def _fit_one(model: _Model, one: _One, start: Floats, found: _Found, row: int) -> None:
    """Fit one spectrum into a row; weights that depend on the counts follow the fitted curve."""
    energy, counts, deviation = one.energy, one.counts, one.deviation
    span = energy[-1] - energy[0]
    lower = np.array([energy[0], 0.0, 0.0, 0.0, -np.inf, -np.inf, -np.inf])
    upper = np.array([energy[-1], BOLTZMANN * _MOST_KELVIN, span**2, *[np.inf] * 4])
    used = np.isfinite(counts) & (deviation > 0)
    flat, free = start.copy(), model.free
    flat[free] = np.clip(flat, lower, upper)[free]
    converged = True

    last: dict[bytes, tuple[Floats, Floats]] = {}  # the solver asks for both in turn

    def at(variables: Floats) -> tuple[Floats, Floats]:
        key = variables.tobytes()
        if key not in last:
            last.clear()
            moved = flat.copy()
            moved[free] = variables
            last[key] = _curve(energy[used], moved)
        return last[key]

    def residual(variables: Floats) -> Floats:
        return np.asarray((at(variables)[0] - counts[used]) / deviation[used])

    def slopes(variables: Floats) -> Floats:
        return np.asarray((at(variables)[1][free] / deviation[used]).T)

    for again in range(_ROUNDS if one.noise is not None else 1):
        if again and one.noise is not None:
            level = np.maximum(_curve(energy, flat)[0], 0.0)
            deviation = np.where(used, one.noise.deviation(level[None])[0], deviation)
        solution = optimize.least_squares(
            residual,
            flat[free],
            slopes,
            bounds=(lower[free], upper[free]),
            x_scale="jac",
            xtol=1e-9,
            ftol=1e-9,
            gtol=1e-11,
            max_nfev=200,
        )
        flat[free], converged = solution.x, solution.status > 0
    curve, derivatives = _curve(energy, flat)
    # A variance is a square: below this, the Gaussian is narrower than a thousandth of a point.
    least = np.where(np.arange(7) == _VARIANCE, 1e-6 * (span / energy.size) ** 2, 1e-12)
    at_limit = free & ((flat <= lower + least) | (flat >= upper - 1e-12))
    jacobian = derivatives[:, used] / deviation[used]
    matrix, singular = covariance_from_jacobian(jacobian, free & ~at_limit)
    found.values[row], found.covariance[row], found.curve[row] = flat, matrix, curve
    found.chisqr[row] = float((((curve - counts) / deviation)[used] ** 2).sum())
    found.noise.deviation[row] = deviation
    found.status[row] = _status(flat, matrix, converged, singular, bool(at_limit.any()))


def _status(
    flat: Floats, matrix: Floats, converged: bool, singular: bool, at_limit: bool
) -> Status:
    """Most severe applicable status of a fit."""
    if not converged:
        return Status.NOT_CONVERGED
    error = float(np.sqrt(matrix[_HEIGHT, _HEIGHT])) if matrix[_HEIGHT, _HEIGHT] > 0 else np.inf
    if not flat[_HEIGHT] > _SIGNIFICANT * error:
        return Status.NO_PEAKS
    if singular:
        return Status.ILL_DETERMINED
    return Status.AT_BOUND if at_limit else Status.OK


def _reported(found: _Found, sign: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Values and standard errors by name, each (S,), on the scale of this sign."""
    flat = found.values
    with np.errstate(invalid="ignore"):
        sigma = np.sqrt(flat[:, _VARIANCE])
    resolution = _FWHM_PER_SIGMA * sigma
    widths = np.array([
        edge_width(tau, variance) if np.isfinite(tau) and tau + variance > 0 else (0.0, 0.0, 0.0)
        for tau, variance in flat[:, [_TAU, _VARIANCE]]
    ]).reshape(-1, 3)  # fmt: skip
    widths[np.isnan(flat[:, _TAU])] = np.nan
    values = {
        "center": sign * flat[:, _CENTER],
        "temperature": flat[:, _TAU] / BOLTZMANN,
        "resolution": resolution,
        "width": widths[:, 0],
        "height": flat[:, _HEIGHT],
        "slope_below": sign * flat[:, _BELOW],
        "background": flat[:, _CONSTANT],
        "slope_above": sign * flat[:, _ABOVE],
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
        deviation = np.where(deviation > 0, deviation, np.nan)
        by_variance = _FWHM_PER_SIGMA / (2 * sigma)
        slopes = np.zeros_like(flat)
        slopes[:, _TAU], slopes[:, _VARIANCE] = widths[:, 1], widths[:, 2]
        of_width = np.sqrt(np.einsum("si,sij,sj->s", slopes, found.covariance, slopes))
        errors = {
            "center": deviation[:, _CENTER],
            "temperature": deviation[:, _TAU] / BOLTZMANN,
            "resolution": deviation[:, _VARIANCE] * by_variance,
            "width": np.where(of_width > 0, of_width, np.nan),
            "height": deviation[:, _HEIGHT],
            "slope_below": deviation[:, _BELOW],
            "background": deviation[:, _CONSTANT],
            "slope_above": deviation[:, _ABOVE],
        }
    return values, errors


def _as_dataset(model: _Model, found: _Found, arrays: SpectrumArrays, noise: Any) -> xr.Dataset:
    """Results over the dimensions of the spectra."""
    spectra, sign, shape = arrays.spectra, arrays.orientation.sign, arrays.shape
    values, errors = _reported(found, sign)
    lead, units = spectra.dims[:-1], str(spectra.attrs.get("units", "counts"))
    points = found.noise
    root = np.sqrt(points.density)
    variables: dict[str, Any] = {}
    for name, (long_name, unit) in _TEXTS.items():
        texts = {"long_name": long_name, "units": unit.replace("{units}", units)}
        variables[name] = (lead, values[name].reshape(shape), texts)
        error_texts = texts | {"long_name": f"Standard error of: {long_name}"}
        error = (errors[name] * root).reshape(shape)
        variables[f"{name}_stderr"] = (lead, error, error_texts)
    dof = np.maximum(found.n_used - model.free.sum(), 1)
    used = np.isfinite(arrays.counts)
    squares = np.where(used, points.deviation, 0.0) ** 2
    level = np.sqrt(squares.sum(axis=1) / np.maximum(used.sum(axis=1), 1)) * root
    curve = arrays.orientation.points(found.curve).reshape(spectra.shape)
    variables |= {
        "envelope": ((*lead, "energy"), curve),
        "redchi": (lead, (found.chisqr / dof / points.density).reshape(shape)),
        "noise": (lead, level.reshape(shape)),
        "dof_noise": (lead, np.array(points.dof).reshape(shape)),
        "status": (lead, found.status.astype(np.int8).reshape(shape)),
    }  # fmt: skip
    coords = dict(spectra.coords)
    own = ("scale", "units", "photon_energy", "source_file", "instrument")
    attrs = {name: spectra.attrs[name] for name in own if name in spectra.attrs}
    attrs |= {"region": str(spectra.name)} if spectra.name else {}
    ends = spectra["energy"].values
    attrs["energy_range"] = [float(ends.min()), float(ends.max())]
    if isinstance(noise, NoiseChoice):
        attrs |= noise.attributes
    kept = {name: variables[name][2] for name in _TEXTS}
    made = with_texts(xr.Dataset(variables, coords, attrs))
    for name, texts in kept.items():  # the names are those of peaks, the meanings are not
        made[name].attrs.update(texts)
        made[f"{name}_stderr"].attrs.update(variables[f"{name}_stderr"][2])
    return made
