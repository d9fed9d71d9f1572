"""Is the batched engine right, and how fast is it?

Agreement: does it end where lmfit ends? Baseline: lmfit with our exact Jacobian, both tolerances
1e-12 and `scale_covar=False`, from the same starts with the same weights and limits (`refine` with
engine="lmfit"); spectra of 1 to 5 peaks over all line shapes and backgrounds.

Speed: fits per second of three pseudo-Voigt peaks of one share on a constant (11 parameters, 401
points), standard errors included, beside lmfit with the lightest model function that one can write,
lmfit with a sum of its own models (13 parameters: each has its own share), and
`scipy.optimize.least_squares` with the same Jacobian as the engine. Equal: spectra, starts, noise,
process. All are counted in seconds of one core (CPU time), since the machine is shared.

One line: the same for a Lorentzian on a constant (4 parameters, 302 points), which is what programs
for cameras and graphics cards state their speed for.

Truth: errors of the answers against the Cramer-Rao bound, and how often intervals hold the truth,
for peaks that a spectrum determines; the noise is not Poisson and is estimated from the spectra.

Starts: how often starts that are away by up to half a FWHM lead to the optimum of the true start.

    python benchmarks/bench_refine.py [SECTION ...] [--spectra 2000]
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import lmfit
import numpy as np
import xarray as xr
from scipy import optimize

sys.path.insert(0, str(Path(__file__).parent))
from refine_problems import Problem, make_problem

import xpsnet
from xpsnet.data.peaks import Status
from xpsnet.fitting.model.parameter_map import make_layout
from xpsnet.fitting.model.spectrum_model import SpectrumModel
from xpsnet.fitting.solve import lmfit_backend
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES

Figures = dict[str, float]


def percent(flags: np.ndarray) -> float:
    """Share of raised flags, NaN of none."""
    return 100 * float(np.mean(flags)) if np.size(flags) else float("nan")


def refined(problem: Problem, engine: str, starts: xr.Dataset | None = None, **more) -> xr.Dataset:
    """Peaks refined with the true noise."""
    attrs = problem.truth.attrs
    more = {"noise": problem.noise, "background": attrs["background"], **more}
    starts = problem.starts if starts is None else starts
    return xpsnet.refine(problem.spectra, starts, engine=engine, **more)


def chi_square(peaks: xr.Dataset) -> np.ndarray:
    """Sum of squared weighted residuals, from what a peaks Dataset tells."""
    n = peaks.sizes["energy"]
    n_free = np.round((peaks.bic - peaks.aic) / (np.log(n) - 2))
    return (peaks.redchi * (n - n_free)).values


def both_engines(n_spectra: int) -> Iterator[tuple[xr.Dataset, xr.Dataset]]:
    """Answers of the batched engine and of lmfit to problems of every kind."""
    kinds = list(product(LINE_SHAPES, BACKGROUNDS, range(1, 6)))
    each = np.diff(np.linspace(0, n_spectra, len(kinds) + 1).astype(int))
    energy = np.linspace(278.0, 294.0, 241)
    for (line_shape, background, n_peaks), some in zip(kinds, each, strict=True):
        if some:
            problem = make_problem(
                int(some), n_peaks, line_shape=line_shape, background=background, energy=energy
            )
            yield refined(problem, "batch"), refined(problem, "lmfit")


def agreement(n_spectra: int) -> Figures:
    """Optimum, parameters and errors against lmfit's."""
    lmfit_backend._TOLERANCE = 1e-12
    excess, parameters, errors, statuses = [], [], [], []
    for ours, theirs in both_engines(n_spectra):
        more = chi_square(ours) / chi_square(theirs) - 1
        excess.append(more)
        statuses.append((ours.status == theirs.status).values)
        same = (np.abs(more) < 1e-6) & (theirs.status == Status.OK).values
        for name in [n for n in theirs if f"{n}_stderr" in theirs]:
            error = theirs[f"{name}_stderr"].values[same]
            off = np.abs(ours[name].values[same] - theirs[name].values[same]) / error
            parameters.append(off.ravel())
            errors.append(np.abs(ours[f"{name}_stderr"].values[same] / error - 1).ravel())
    excess = np.concatenate(excess)
    parameters, errors = np.concatenate(parameters), np.concatenate(errors)
    return {
        "spectra": excess.size,
        "chi-square not above lmfit's by 1e-4 [%]": percent(~(excess > 1e-4)),
        "chi-square below lmfit's by 1e-4 [%]": percent(excess < -1e-4),
        "the same chi-square (1e-6) [%]": percent(np.abs(excess) < 1e-6),
        "the same status [%]": percent(np.concatenate(statuses)),
        "then parameters within 1 % of an error [%]": percent(parameters[parameters >= 0] < 0.01),
        "and errors within 1 % [%]": percent(errors[errors >= 0] < 0.01),
    }


def light_fit(problem: Problem, i: int) -> lmfit.minimizer.MinimizerResult:
    """One fit through lmfit with the lightest model function."""
    energy, counts = problem.spectra.energy.values, problem.spectra.values[i]
    weights = 1 / problem.noise.values[i]
    start = lmfit.Parameters()
    for k in range(3):
        for name in ("center", "fwhm", "height"):
            start.add(f"{name}_{k}", float(problem.starts[name].values[i, k]))
    start.add("fraction", 0.3, min=0, max=1)
    start.add("constant", float(counts.min()))

    def residual(parameters: lmfit.Parameters) -> np.ndarray:
        values = np.array([parameter.value for parameter in parameters.values()])
        lines = values[:9].reshape(3, 3, 1)
        square = (2 * (energy - lines[:, 0]) / lines[:, 1]) ** 2
        fraction = values[9]
        unit = fraction / (1 + square) + (1 - fraction) * np.exp2(-square)
        return ((lines[:, 2] * unit).sum(axis=0) + values[10] - counts) * weights

    return lmfit.minimize(residual, start, scale_covar=False)


def models_fit(problem: Problem, i: int) -> lmfit.model.ModelResult:
    """One fit through a sum of lmfit's own models."""
    energy, counts = problem.spectra.energy.values, problem.spectra.values[i]
    model = lmfit.models.ConstantModel()
    for k in range(3):
        model = model + lmfit.models.PseudoVoigtModel(prefix=f"p{k}_")
    start = model.make_params(c=float(counts.min()))
    for k in range(3):
        center, fwhm, height = (
            float(problem.starts[n].values[i, k]) for n in ("center", "fwhm", "height")
        )
        start[f"p{k}_center"].value, start[f"p{k}_sigma"].value = center, fwhm / 2
        start[f"p{k}_amplitude"].value = 1.2 * height * fwhm
    weights = 1 / problem.noise.values[i]
    return model.fit(counts, start, x=energy, weights=weights, scale_covar=False)


def scipy_fit(problem: Problem, i: int) -> optimize.OptimizeResult:
    """One fit through scipy with the exact Jacobian of the engine."""
    layout = make_layout("pseudo_voigt", "constant", 3)
    energy, counts = problem.spectra.energy.values, problem.spectra.values[i]
    model, weights = SpectrumModel("pseudo_voigt", "constant", energy, layout), None
    weights = 1 / problem.noise.values[i]
    start = np.zeros(len(layout.names))
    for name in layout.shape_parameters:
        start[layout.column(name)] = problem.starts[name].values[i]
    start[-1] = counts.min()
    return optimize.least_squares(
        lambda values: (model.curve(values) - counts) * weights,
        start,
        lambda values: (model.curve_and_jacobian(values)[1] * weights).T,
        method="lm",
        x_scale="jac",
    )


def rate(function: Callable[[], object], n_fits: int, repeats: int = 3) -> float:
    """Fits per second of one core, best of some repeats."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return n_fits / best


def speed(n_spectra: int) -> Figures:
    """Fits per second of one core."""
    few = min(20, n_spectra)
    problem = make_problem(n_spectra, 3)
    active = make_problem(n_spectra, 3, background="shirley")
    for warm in (problem, active):
        refined(warm, "batch")
    rates = {
        "lmfit, its own models": rate(lambda: [models_fit(problem, i) for i in range(few)], few),
        "lmfit, lightest function": rate(lambda: [light_fit(problem, i) for i in range(few)], few),
        "scipy, same Jacobian": rate(lambda: [scipy_fit(problem, i) for i in range(few)], few),
        "xpsnet, solver alone": rate(lambda: solved(problem), n_spectra),
        "xpsnet.refine": rate(lambda: refined(problem, "batch"), n_spectra),
        "xpsnet.refine, noise estimated": rate(
            lambda: refined(problem, "batch", noise=None), n_spectra
        ),
        "solver alone, active Shirley": rate(lambda: solved(active), n_spectra),
        "xpsnet.refine, active Shirley": rate(lambda: refined(active, "batch"), n_spectra),
    }
    base = rates["lmfit, lightest function"]
    return rates | {f"{name} / lightest": value / base for name, value in rates.items()}


def solved(problem: Problem) -> object:
    """The solver without Datasets before and after it."""
    from xpsnet.fitting.model.options import FitOptions
    from xpsnet.fitting.model.parameters import start_parameters
    from xpsnet.fitting.solve.batch import solve_batch
    from xpsnet.fitting.solve.fit_inputs import FitInputs
    from xpsnet.fitting.solve.point_noise import PointNoise

    attrs, n_peaks = problem.truth.attrs, problem.truth.sizes["peak"]
    options = FitOptions(attrs["line_shape"], attrs["background"])
    layout, energy = options.layout(range(n_peaks)), problem.spectra.energy.values
    peaks = {name: problem.starts[name].values for name in layout.shape_parameters}
    counts = problem.spectra.values
    status = np.zeros(len(counts), dtype=np.int64)
    inputs = FitInputs(energy, counts, PointNoise.fixed(problem.noise.values), peaks, status)
    return solve_batch(options, inputs, start_parameters(layout, energy, peaks))


def bounds(problem: Problem) -> xr.Dataset:
    """Cramer-Rao bounds: standard errors at the truth, with the true noise."""
    quiet = problem.spectra.copy(data=xpsnet.curves(problem.truth).envelope.values)
    return refined(
        Problem(quiet, problem.noise, problem.truth, problem.truth), "batch", problem.truth
    )


def truth(n_spectra: int) -> Figures:
    """Errors against the Cramer-Rao bound, and coverage."""
    problem = make_problem(n_spectra, 3, spacing=(1.0, 2.5), away=0.3)
    bound, found = bounds(problem), refined(problem, "batch", noise=None)
    width = problem.truth.fwhm
    good = (bound.center_stderr < 0.02 * width) & (bound.fwhm_stderr < 0.02 * width)
    good &= bound.height_stderr < 0.05 * problem.truth.height
    good &= bound.area_stderr < 0.05 * problem.truth.area
    share, error = problem.truth.fraction, bound.fraction_stderr
    good &= (share > 3 * error) & (share < 1 - 3 * error)
    figures: Figures = {"spectra": n_spectra, "determined peaks [%]": percent(good.values)}
    for name in ("center", "fwhm", "height", "area"):
        off = (found[name] - problem.truth[name]).values[good.values]
        against = off / bound[f"{name}_stderr"].values[good.values]
        pull = np.abs(off / found[f"{name}_stderr"].values[good.values])
        figures[f"{name}: rms / bound"] = float(np.sqrt(np.mean(against**2)))
        figures[f"{name}: median / bound"] = float(np.median(np.abs(against)) / 0.6745)
        figures[f"{name}: 68 % intervals [%]"] = percent(pull < 1)
        figures[f"{name}: 95 % intervals [%]"] = percent(pull < 1.959964)
    return figures


def starts(n_spectra: int) -> Figures:
    """Share of perturbed starts that lead where the true start leads."""
    figures: Figures = {}
    for n_peaks, background in product(range(1, 6), ("constant", "shirley+linear")):
        problem = make_problem(n_spectra // 10, n_peaks, background=background, away=0.5)
        best = chi_square(refined(problem, "batch", problem.truth))
        found = chi_square(refined(problem, "batch"))
        key = f"{n_peaks} peaks on {background} [%]"
        figures[key] = percent(found < best * (1 + 1e-4))
    figures["all [%]"] = float(np.mean(list(figures.values())))
    return figures


def one_line(n_spectra: int) -> Figures:
    """Fits per second of one core of the smallest fit: a Lorentzian on a constant, 302 points."""
    axis = np.linspace(280.0, 294.0, 302)
    problem = make_problem(n_spectra, 1, line_shape="lorentzian", energy=axis)
    refined(problem, "batch")
    few = min(200, n_spectra)
    rates = {
        "scipy.curve_fit": rate(lambda: [curve_fit(problem, i) for i in range(few)], few),
        "xpsnet, solver alone": rate(lambda: solved(problem), n_spectra),
        "xpsnet.refine": rate(lambda: refined(problem, "batch"), n_spectra),
    }
    base = rates["scipy.curve_fit"]
    return rates | {f"{name} / curve_fit": value / base for name, value in rates.items()}


def curve_fit(problem: Problem, i: int) -> object:
    """One Lorentzian on a constant as most people fit it, with its derivatives."""

    def line(
        x: np.ndarray, center: float, fwhm: float, height: float, constant: float
    ) -> np.ndarray:
        return height / (1 + 4 * ((x - center) / fwhm) ** 2) + constant

    def slopes(x: np.ndarray, center: float, fwhm: float, height: float, _: float) -> np.ndarray:
        t = (x - center) / fwhm
        unit = 1 / (1 + 4 * t**2)
        by_center = 8 * height * t * unit**2 / fwhm
        return np.stack([by_center, by_center * t, unit, np.ones_like(x)], axis=1)

    start = [problem.starts[name].values[i, 0] for name in ("center", "fwhm", "height")]
    start += [float(problem.starts["background_constant"][i])]
    return optimize.curve_fit(
        line, problem.spectra.energy.values, problem.spectra.values[i], start, jac=slopes,
        sigma=problem.noise.values[i], absolute_sigma=True,
    )  # fmt: skip


SECTIONS = {
    "agreement": agreement, "speed": speed, "one_line": one_line, "truth": truth, "starts": starts,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> dict[str, Figures]:
    """Print the figures of the chosen sections; return them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], default=[])
    parser.add_argument("--spectra", type=int, default=2000)
    chosen = parser.parse_args(arguments)
    found = {}
    for name in chosen.sections or SECTIONS:
        found[name] = SECTIONS[name](chosen.spectra)
        print(f"\n{name}")
        for text, value in found[name].items():
            print(f"  {text:45s}{value:14.2f}", flush=True)
    return found


if __name__ == "__main__":
    main()
