"""Evidence of models in states: how probable a description is, whatever its number of parameters.

The evidence of a fit is that of Laplace's approximation (D. J. C. MacKay, Information Theory,
Inference, and Learning Algorithms, ch. 28, Cambridge 2003),

    ln E = -chi^2 / (2 s) + ln det(2 pi s C) / 2 + ln p

with the covariance C of the fitted parameters, their prior density p at the optimum, and a factor s
by which the stated variance is too small for a comparison of models (below). The parameters are
center, ln FWHM and ln height of the main line of every state; splitting and the ratios of FWHM and
area of every doublet; one asymmetry; one Lorentzian share; and the terms of the background.

**Prior.** Centers are uniform in the energies where the kind may lie; splittings and ratios are
uniform in the ranges that the level has over its chemical states; ln FWHM is uniform in the range
of the level for the strongest state, and for the others a mixture of that and of a normal
distribution around the strongest (`ALIKE`), because states of one material are broadened by one
instrument; in most materials (`ONE_WIDTH_SHARE`) the states of the level all have one width but for
a few per cent (`ONE_WIDTH`), as people fit them; beyond the range of the level ln FWHM falls as a
normal distribution (`UNUSUAL`), for an asymmetric C 1s beyond the width that graphite has
(`BROAD`); ln height is uniform over a factor `HEIGHTS`; the asymmetry falls exponentially; the
terms of the background together have the information of one point, in whatever terms they are
written: half the logarithm of the number of points for each. States have no names: k! per kind.
Two states of one kind that are d apart and whose wider line has the width w have the factor
(1 - exp(-(d / `NEAREST` w)^2))^2: one line describes both. A parameter that ended at a limit has no
width; it costs `AT_LIMIT`, and `TIED_AT_LIMIT` for the splitting and the ratios of a doublet, whose
limits are narrow.

**Scale.** No model of a measured line is exact. With the reduced chi-square X of the best candidate
and the correlation r of its neighboring residuals, s is at least 1 + (X (1 + r) / (1 - r) - 1) / 10
(`MISFIT_PART`), and at least

    1 + (m line / noise)^2 fwhm / (2 step)

for lines that are known to a part m of themselves, with an error that is smooth over half a width.
Without that, a spectrum that is measured longer always gets more states. m is `MODEL_ERROR` unless
the caller says otherwise; s enters nothing but this comparison.

The numbers below, and the odds of `model_choice`, are those with which the choice agrees best with
the experts of 51 measured windows and with the truth of 1,200 simulated ones
(``benchmarks/bench_states.py``); 20,000 other simulated ones test it, and so do the measured ones
cut narrower and measured for a shorter time, with which only `INSIDE` was chosen.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from xpsnet.data.status import INVALID, has_flag
from xpsnet.fitting.model.spectrum_model import SpectrumModel
from xpsnet.fitting.select.state_models import ASYMMETRIC, StateKind, StateModel
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.fit_results import FitResults

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Relative error of a line's model, as on measured spectra (benchmarks/bench_states.py).
MODEL_ERROR = {"multiplet": 0.02, "metal": 0.015, "graphite": 0.003, "other": 0.008}
# Part of the misfit of the best candidate that counts as noise in the comparison.
MISFIT_PART = 0.1
HEIGHTS = 300.0
ALIKE = 0.5  # of ln FWHM
ALIKE_SHARE = 0.5
ONE_WIDTH = 0.1  # of ln FWHM
ONE_WIDTH_SHARE = 0.7
UNUSUAL = 0.4  # of ln FWHM, beyond what is usual for the level
BROAD = 0.15  # of ln FWHM, beyond what is usual for an asymmetric line of the level
ASYMMETRY = 0.25
NEAREST = 1.2  # widths
AT_LIMIT, TIED_AT_LIMIT = -3.0, -2.0
LEAST_CHI_SQUARE = 20.0
INSIDE = 1.0  # half widths from the ends of the window: half the maximum is seen on both sides
# Part of the highest line below which a state is none, but where a satellite is met: no background
# is exact to more, and people stop there.
LEAST_HEIGHT = 0.012
WIDEST = 1.1  # of what is usual, for a line of which no level is known
HIGHEST_CORRELATION = 0.9
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Widths:
    """Widths of the k + 1 states of the level in fits of one model.

    Attributes
    ----------
    ratio : ndarray, shape (S, k)
        ln FWHM of all but the first, over that of the first.
    covariance : ndarray, shape (S, k, k)
        Of the ratios, where chi-square is that of the stated noise.
    free : ndarray, shape (S,)
        Logarithm of their prior density where each has a width of its own.
    """

    ratio: Floats
    covariance: Floats
    free: Floats

    def gain(self, scale: Floats) -> Floats:
        """What ln evidence gains where the states may have one width, shape (S,).

        The mean of the normal prior over the posterior of the fit, which the prior is not part of.
        """
        k = self.ratio.shape[1]
        alike = ONE_WIDTH**2 * (np.eye(k) + 1.0)  # of differences from one of k + 1 widths
        total = scale[:, None, None] * self.covariance + alike
        square = (self.ratio * np.linalg.solve(total, self.ratio[..., None])[..., 0]).sum(axis=1)
        determinant = np.linalg.slogdet(2 * np.pi * total)[1]
        one = np.log(ONE_WIDTH_SHARE) - (square + determinant) / 2
        return np.asarray(np.logaddexp(one - self.free, np.log(1 - ONE_WIDTH_SHARE)))


@dataclass(frozen=True)
class Judged:
    """What speaks for fits of one model, shape (S,) each.

    Attributes
    ----------
    fitted : ndarray of bool
        False where the fit failed or a state is too weak to be one.
    proper : ndarray of bool
        False where a state lies at the window's end, is as wide as allowed or very low, or where
        its place is not known to its width: background.
    misfit : ndarray
        Reduced chi-square, counted for the correlation of neighboring residuals.
    occam : ndarray
        Logarithm of the evidence without chi-square and without s.
    n_free : ndarray
        Number of fitted parameters.
    widths : Widths or None
        None where the level has fewer than two states.
    """

    fitted: Mask
    proper: Mask
    misfit: Floats
    occam: Floats
    n_free: Floats
    widths: Widths | None = None

    def log_evidence(self, chisqr: Floats, scale: Floats) -> Floats:
        """Logarithm of the evidence with this scale s, -inf where there is no fit."""
        found = -chisqr / (2 * scale) + self.n_free * np.log(scale) / 2 + self.occam
        if self.widths is not None:
            found = found + self.widths.gain(scale)
        return np.where(self.fitted & np.isfinite(found), found, -np.inf)


def judge(model: StateModel, energy: Floats, results: FitResults) -> Judged:
    """Judge fits of one model.

    Parameters
    ----------
    model : StateModel
    energy : ndarray, shape (n,)
        Of the numerics [eV].
    results : FitResults
        S rows, with covariance, peaks at the places of the model.
    """
    correlation = np.clip(np.nan_to_num(results.correlation), 0.0, HIGHEST_CORRELATION)
    misfit = results.redchi * (1 + correlation) / (1 - correlation)
    names, jacobian, prior = _parameters(model, energy, results)
    covariance = results.covariance
    if covariance is None:
        raise ValueError("expected fits with covariance, got none")
    full = jacobian @ np.nan_to_num(covariance) @ np.swapaxes(jacobian, 1, 2)
    variance = np.diagonal(full, axis1=1, axis2=2)
    free = variance > _SMALLEST**2
    deviation = np.sqrt(np.where(free, variance, 1.0))
    both = free[:, :, None] & free[:, None, :]
    scaled = np.where(both, full / (deviation[:, :, None] * deviation[:, None, :]), 0.0)
    scaled = np.where(np.eye(len(names), dtype=bool), 1.0, scaled)
    terms = np.array([name.startswith("background") for name in names], dtype=bool)
    n_points = float(energy.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        sign, determinant = np.linalg.slogdet(scaled)
        # The terms of the background have the prior of one point's information: their covariance
        # times the number of points.
        determinant = determinant - np.linalg.slogdet(scaled[:, terms][:, :, terms])[1]
    prior = np.where(terms, -np.log(deviation) - np.log(2 * np.pi * n_points) / 2, prior)
    gained = np.log(deviation) + np.log(2 * np.pi) / 2 + prior
    tied = np.isin(names, ("splitting", "ratio", "fwhm_ratio"))
    at_limit = np.where(terms, 0.0, np.where(tied, TIED_AT_LIMIT, AT_LIMIT))
    occam = determinant / 2 + np.where(free, gained, at_limit).sum(axis=1)
    occam += _multiplicity(model) + _nearness(model, results)
    strong, proper = states_exist(model, energy, results)
    fitted = np.isfinite(results.chisqr) & ~has_flag(results.flags, *INVALID) & (sign > 0) & strong
    of_widths = np.flatnonzero(np.array(names) == "fwhm")
    widths = _widths(model, results, full[:, of_widths][:, :, of_widths])
    return Judged(fitted, proper, misfit, occam, free.sum(axis=1).astype(float), widths)


def _widths(model: StateModel, results: FitResults, covariance: Floats) -> Widths | None:
    """Widths of the states of the level, from the covariance of ln FWHM of all states."""
    own = _of_the_level(model)
    if len(own) < 2:
        return None
    peaks = results.peaks
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.log(peaks["fwhm"][:, model.main])
    strongest = _strongest(model, peaks["height"])
    reference = np.take_along_axis(width, strongest[:, None], axis=1)[:, 0]
    free = np.zeros(len(results))
    for state in own:
        density = _density_of_ratio(model.kinds[state].usual, width[:, state] - reference)
        free += np.where(strongest == state, 0.0, density)
    width, covariance = width[:, own], covariance[:, own][:, :, own]
    others, first = slice(1, None), slice(0, 1)
    spread = (
        covariance[:, others, others] + covariance[:, first, first]
        - covariance[:, others, first] - covariance[:, first, others]
    )  # fmt: skip
    ratio = width[:, others] - width[:, first]
    return Widths(np.nan_to_num(ratio), spread, np.nan_to_num(free))


def _of_the_level(model: StateModel) -> list[int]:
    """Which states are those of the level of the region; all where no level is known."""
    own = [state for state, kind in enumerate(model.kinds) if kind.own]
    return own or list(range(len(model.kinds)))


def _strongest(model: StateModel, height: Floats) -> npt.NDArray[np.intp]:
    """The highest state of the level, shape (S,), from heights of all lines (S, line)."""
    own = np.array(_of_the_level(model))
    return np.asarray(own[np.nan_to_num(height[:, np.array(model.main)[own]]).argmax(axis=1)])


def model_scales(model: StateModel, inputs: FitInputs, results: FitResults, error: float) -> Floats:
    """The least s of spectra whose lines are known to a part of themselves, shape (S,).

    Parameters
    ----------
    model : StateModel
        With states.
    inputs : FitInputs
        S spectra.
    results : FitResults
        Of fits of the model to them.
    error : float
        Relative error of the model of a line.
    """
    drawn = SpectrumModel(model.line_shape, model.background, inputs.energy, results.layout)
    weight = np.clip(np.nan_to_num(drawn.lines(results.values)), 0.0, None)
    peaks = {name: np.nan_to_num(found) for name, found in results.peaks.items()}
    strongest = peaks["height"].argmax(axis=1)[:, None]
    width = np.take_along_axis(peaks["fwhm"], strongest, axis=1)[:, 0]
    points = width / float(np.median(np.diff(inputs.energy)))
    total = weight.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        square = (weight / inputs.noise.deviation) ** 2
        square = np.nan_to_num(weight * square, posinf=0.0).sum(axis=1) / total
    return np.asarray(1.0 + error**2 * np.nan_to_num(square) * np.maximum(points / 2, 1.0))


def _parameters(
    model: StateModel, energy: Floats, results: FitResults
) -> tuple[list[str], Floats, Floats]:
    """Names, derivatives by the reported parameters (S, p, m) and log prior densities (S, p)."""
    layout, values = results.layout, results.values
    rows: list[tuple[str, Floats, Floats]] = []
    n_spectra, m = values.shape
    window = float(energy[0]), float(energy[-1])

    def derivative(**by: tuple[int, Floats | float]) -> Floats:
        row = np.zeros((n_spectra, m))
        for entry, value in by.values():
            row[:, entry] += value
        return row

    at = {name: layout.column(name) for name in layout.shape_parameters}
    width = values[:, at["fwhm"]]
    height = values[:, at["height"]]
    main = model.main
    one, strongest, reference = np.ones(n_spectra), np.zeros(n_spectra, dtype=int), np.ones(1)
    if main:
        strongest = _strongest(model, height)
        reference = np.take_along_axis(width[:, main], strongest[:, None], axis=1)[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        for state, (kind, places) in enumerate(zip(model.kinds, model.places, strict=True)):
            a = places[0]
            low, high = max(kind.energies[0], window[0]), min(kind.energies[1], window[1])
            center = derivative(a=(at["center"][a], 1.0))
            rows.append(("center", center, -np.log(max(high - low, 1e-3)) * one))
            by_width = derivative(a=(at["fwhm"][a], 1 / width[:, a]))
            is_reference = strongest == state
            prior = _width_prior(kind.usual, width[:, a], reference, is_reference)
            if state in (model.asymmetric or ()):
                prior = prior - _beyond(np.log(width[:, a] / kind.asymmetric_fwhm), BROAD)
            rows.append(("fwhm", by_width, prior))
            by_height = derivative(a=(at["height"][a], 1 / height[:, a]))
            rows.append(("height", by_height, -np.log(np.log(HEIGHTS)) * one))
            if kind.doublet is None:
                continue
            b, doublet = places[1], kind.doublet
            splitting, ratio, widths = doublet.splitting, doublet.ratio, doublet.fwhm_ratio
            by = derivative(a=(at["center"][a], -1.0), b=(at["center"][b], 1.0))
            rows.append(("splitting", by, _uniform(splitting[0], splitting[2]) * one))
            quotient = width[:, b] / width[:, a]
            by = derivative(
                a=(at["fwhm"][a], -quotient / width[:, a]), b=(at["fwhm"][b], 1 / width[:, a])
            )
            rows.append(("fwhm_ratio", by, _uniform(*widths) * one))
            areas = quotient * height[:, b] / height[:, a]
            by = derivative(
                a=(at["fwhm"][a], -areas / width[:, a]),
                b=(at["fwhm"][b], areas / width[:, b]),
                c=(at["height"][a], -areas / height[:, a]),
                d=(at["height"][b], areas / height[:, b]),
            )
            rows.append(("ratio", by, _uniform(ratio[0], ratio[2]) * one))
    for name in layout.shape_parameters[3:] if main else ():
        entries = np.unique(at[name][main])  # those of a second line are linked
        if name == "asymmetry" and model.line_shape == ASYMMETRIC and model.asymmetric is not None:
            entries = at[name][[main[state] for state in model.asymmetric[:1]]]
        for entry in entries:
            prior = 0.0 * one
            if name == "asymmetry":
                prior = -values[:, entry] / ASYMMETRY - np.log(ASYMMETRY)
            rows.append((name, derivative(a=(entry, 1.0)), prior))
    for entry in layout.background_index:
        rows.append((layout.names[entry], derivative(a=(entry, 1.0)), 0.0 * one))
    names = [name for name, _, _ in rows]
    if not rows:  # no state, and a background that is held
        return names, np.zeros((n_spectra, 0, m)), np.zeros((n_spectra, 0))
    jacobian = np.stack([by for _, by, _ in rows], axis=1)
    prior = np.stack([density for _, _, density in rows], axis=1)
    return names, np.nan_to_num(jacobian, posinf=0.0, neginf=0.0), np.nan_to_num(prior)


def _uniform(low: float, high: float) -> float:
    """Logarithm of a uniform density."""
    return -float(np.log(max(high - low, 1e-6)))


def _width_prior(
    limits: tuple[float, float], width: Floats, reference: Floats, is_reference: Mask
) -> Floats:
    """Log density of ln FWHM where every state has a width of its own."""
    mixed = _density_of_ratio(limits, np.log(width / reference))
    outside = np.maximum(np.log(width / limits[1]), np.log(limits[0] / width))
    flat = -np.log(np.log(limits[1] / limits[0]))
    return np.asarray(np.where(is_reference, flat, mixed) - _beyond(outside, UNUSUAL))


def _density_of_ratio(limits: tuple[float, float], ratio: Floats) -> Floats:
    """Log density of ln FWHM over that of the strongest state."""
    flat = 1 / np.log(limits[1] / limits[0])
    normal = np.exp(-(ratio**2) / (2 * ALIKE**2)) / (ALIKE * np.sqrt(2 * np.pi))
    return np.asarray(np.log(ALIKE_SHARE * normal + (1 - ALIKE_SHARE) * flat))


def _beyond(excess: Floats, deviation: float) -> Floats:
    """What a normal distribution takes of a log density beyond a limit; 0 within it."""
    return np.asarray(np.maximum(excess / deviation, 0.0) ** 2 / 2)


def _multiplicity(model: StateModel) -> float:
    """States of one kind have no names."""
    kinds = list(model.kinds)
    return float(sum(gammaln(kinds.count(kind) + 1) for kind in set(kinds)))


def _nearness(model: StateModel, results: FitResults) -> Floats:
    """What states of one kind cost that lie nearer than half a width."""
    peaks = results.peaks
    cost = np.zeros(len(results))
    main = model.main
    for first in range(len(main)):
        for second in range(first):
            if model.kinds[first].own != model.kinds[second].own:
                continue
            a, b = main[first], main[second]
            wider = np.fmax(peaks["fwhm"][:, a], peaks["fwhm"][:, b])
            apart = np.abs(peaks["center"][:, a] - peaks["center"][:, b]) / (NEAREST * wider)
            cost += 2 * np.log(np.maximum(-np.expm1(-(apart**2)), 1e-12))
    return np.nan_to_num(cost)


def states_exist(model: StateModel, energy: Floats, results: FitResults) -> tuple[Mask, Mask]:
    """Whether every state is strong enough to be one, and is none of the background.

    Parameters
    ----------
    model : StateModel
    energy : ndarray, shape (n,)
    results : FitResults
        S rows.

    Returns
    -------
    strong, proper : ndarray of bool, shape (S,)
    """
    peaks, errors = results.peaks, results.peak_errors
    strong, proper = (np.ones(len(results), dtype=bool) for _ in range(2))
    if not model.kinds:
        return strong, proper
    height = np.nan_to_num(peaks["height"][:, model.main])
    strongest = height.argmax(axis=1)[:, None]
    above = np.take_along_axis(peaks["center"][:, model.main], strongest, axis=1)[:, 0]
    least = LEAST_HEIGHT * height.max(axis=1)
    least_chi_square = LEAST_CHI_SQUARE * np.maximum(results.noise_density, 1.0)
    for kind, places in zip(model.kinds, model.places, strict=True):
        a = places[0]
        strong &= results.line_chi_square[:, list(places)].sum(axis=1) >= least_chi_square
        reach = INSIDE * peaks["fwhm"][:, a] / 2
        center = peaks["center"][:, a]
        proper &= (center - reach > energy[0]) & (center + reach < energy[-1])
        satellite = np.zeros(len(results), dtype=bool)
        for low, high in kind.satellites:
            satellite |= (center - above > low) & (center - above < high)
        proper &= peaks["fwhm"][:, a] < kind.fwhm[1] * (1 - 1e-6)
        proper &= ~(errors["center"][:, a] > peaks["fwhm"][:, a])  # NaN: held or at a limit
        proper &= ((peaks["height"][:, a] >= least) & _narrow(kind, peaks, a)) | satellite
    return strong, proper


def _narrow(kind: StateKind, peaks: dict[str, Floats], place: int) -> Mask:
    """Whether a line of which no level is known is no broader than lines that are met there."""
    width, center = peaks["fwhm"][:, place], peaks["center"][:, place]
    if kind.own or kind.n_lines > 1:
        return np.ones(len(width), dtype=bool)
    widest = np.full(len(width), WIDEST * kind.usual[1])
    for (low, high), most in kind.met:
        widest = np.where((center > low) & (center < high), np.fmax(widest, WIDEST * most), widest)
    return np.asarray(width < widest)
