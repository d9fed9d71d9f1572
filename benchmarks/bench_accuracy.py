"""Accuracy of the networks on simulated spectra: number of peaks and their parameters.

Question: how does `default` compare, on spectra that were not used in the training, with

(a) the paper's network (on the paper's recipe only),
(b) a classical analysis: smoothing, minima of the second derivative, fits of 0, 1, 2, ... of them,
    and the number of peaks with the smallest BIC,
(c) the best possible analysis: least squares from the true peaks for every number of peaks (the
    largest ones for fewer, with one more at the largest residual), the smallest BIC; and the
    Cramer-Rao bound, which is the standard error of the fit with the true number?

Equal on both sides: the spectra. (b) and (c) fit the measured points with the batched engine, which
gives the results of lmfit (bench_refine.py), with the line shape of the recipe and the background
"shirley+linear" ("none" for the paper's recipe). Recipes and seeds are fixed and not used in the
training.

    python benchmarks/bench_accuracy.py [paper] [default] [small] [nothing] [--spectra 20000]
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.signal import find_peaks, savgol_filter

import xpsnet
from xpsnet.data.spectrum import make_spectrum
from xpsnet.models.weights import load_model
from xpsnet.numerics.lineshapes import LINE_SHAPES, PARK2020_FWHM_PER_WIDTH
from xpsnet.simulation import instrument, recipes
from xpsnet.simulation.instrument import NumpyDraw

Floats = npt.NDArray[np.float64]

SEEDS = {"paper": 5_000_001, "default": 5_000_002, "small": 5_000_003, "nothing": 5_000_004}
SAME_OPTIMUM = 1e-3  # relative difference of chi-square


@dataclass
class Task:
    """Spectra over the number of the point, with their true peaks."""

    spectra: xr.DataArray  # (spectrum, energy), NaN where a spectrum has no point
    # center and fwhm in points, height as the network has it (spectrum, peak), NaN for no peak
    truth: dict[str, Floats]
    line_shape: str
    background: str
    engine: Literal["batch", "lmfit"] = "batch"
    unit: Floats | float = 1.0  # counts that are a height of 1 for the network (spectrum, 1)

    @property
    def n_peaks(self) -> npt.NDArray[np.int64]:
        """True number of peaks."""
        return np.isfinite(self.truth["center"]).sum(axis=1)

    def refined(self, rows: npt.NDArray[np.intp], starts: dict[str, Floats]) -> xr.Dataset:
        """Least squares from given centers and widths."""
        peaks = xr.Dataset({k: (("spectrum", "peak"), starts[k]) for k in ("center", "fwhm")})
        return xpsnet.refine(
            self.spectra.isel(spectrum=rows),
            peaks,
            engine=self.engine,
            line_shape=self.line_shape,
            background=self.background,
        )


def default_task(n: int) -> tuple[Task, recipes.Batch]:
    """The recipe of the `default` network."""
    batch = recipes.simulate_batch(n, "default", SEEDS["default"])
    return core_level_task(batch), batch


def core_level_task(batch: recipes.Batch) -> Task:
    """Spectra of the recipe of the `default` network."""
    points = batch["points"]
    counts = np.where(np.arange(batch["counts"].shape[1]) < points, batch["counts"], np.nan)
    there = batch["fwhm"] > 0
    scale = points - 1
    units = {"center": scale, "fwhm": scale, "height": 1.0}
    truth = {k: np.where(there, batch[k] * unit, np.nan) for k, unit in units.items()}
    unit = 1e4 * batch["scale"]
    return Task(_spectra(1e4 * counts), truth, "pseudo_voigt", "shirley+linear", unit=unit)


def paper_task(n: int) -> tuple[Task, recipes.Batch]:
    """The recipe of the paper, 1 to 3 peaks."""
    batch = recipes.simulate_batch(n, "park2020", SEEDS["paper"])
    there = np.arange(3) < batch["n_peaks"][:, None]
    points = batch["spectra"].shape[1] - 1
    truth = {
        "center": np.where(there, batch["center"] / 15 * points, np.nan),
        "fwhm": np.where(there, batch["width"] * PARK2020_FWHM_PER_WIDTH / 15 * points, np.nan),
        "height": np.where(there, batch["height"], np.nan),
    }
    return Task(_spectra(1e4 * batch["spectra"]), truth, "park2020", "none", unit=1e4), batch


def _spectra(counts: Floats) -> xr.DataArray:
    """Counts over the number of the point."""
    axis = np.arange(counts.shape[1], dtype=float)
    return make_spectrum(counts, axis, dims=("spectrum", "energy"), scale="binding")


def by_derivative(task: Task, most: int) -> npt.NDArray[np.int64]:
    """Number of peaks that (b) finds."""
    n = task.spectra.sizes["spectrum"]
    places = np.full((n, most), np.nan)
    widths = np.full((n, most), np.nan)
    for row, counts in enumerate(task.spectra.values):
        used = counts[np.isfinite(counts)]
        window = max(7, used.size // 30 * 2 + 1)
        bend = -savgol_filter(used, window, 3, deriv=2)
        found, known = find_peaks(bend, height=0, width=1)
        strongest = np.argsort(-known["peak_heights"])[:most]
        places[row, : strongest.size] = found[strongest]
        # Between its points of inflection a Gaussian is 0.85 of its FWHM wide.
        widths[row, : strongest.size] = 1.5 * np.maximum(known["widths"][strongest], 2)
    bic = np.full((n, most + 1), np.inf)
    for k in range(most + 1):
        rows = np.flatnonzero(np.isfinite(places[:, :k]).all(axis=1))
        starts = {"center": _padded(places[rows, :k]), "fwhm": _padded(widths[rows, :k])}
        bic[rows, k] = _criterion(task.refined(rows, starts))
    return np.asarray(bic.argmin(axis=1))


def from_truth(task: Task, most: int) -> tuple[npt.NDArray[np.int64], xr.Dataset]:
    """Number of peaks of (c), and the fit with the true number."""
    bic, best = criteria_from_truth(task, most)
    return np.asarray(bic.argmin(axis=1)), best


def criteria_from_truth(task: Task, most: int) -> tuple[Floats, xr.Dataset]:
    """BIC of (c) for every number of peaks (spectrum, most + 1), and the fit with the true one."""
    n = task.spectra.sizes["spectrum"]
    everything = np.arange(n)
    best = task.refined(everything, task.truth)
    strength = np.nan_to_num(best["height"].values * best["fwhm"].values, nan=-1)
    bic = np.full((n, most + 1), np.inf)
    bic[everything, task.n_peaks] = _criterion(best)
    order = np.argsort(-strength, axis=1)
    fitted = {name: best[name].values for name in ("center", "fwhm")}
    largest_first = {k: np.take_along_axis(v, order, axis=1) for k, v in fitted.items()}
    for k in range(most):
        rows = np.flatnonzero(task.n_peaks > k)
        if rows.size:
            starts = {name: _padded(v[rows, :k]) for name, v in largest_first.items()}
            bic[rows, k] = _criterion(task.refined(rows, starts))
    rows = np.flatnonzero(task.n_peaks < most)
    starts = _one_more(task, best, rows)
    bic[rows, task.n_peaks[rows] + 1] = _criterion(task.refined(rows, starts))
    return bic, best


def _one_more(task: Task, best: xr.Dataset, rows: npt.NDArray[np.intp]) -> dict[str, Floats]:
    """The peaks of a fit and one more where a line of ordinary FWHM fits the residual best."""
    fit = best.isel(spectrum=rows)
    rest = task.spectra.values[rows] - xpsnet.curves(fit)["envelope"].values
    usual = np.nanmedian(task.truth["fwhm"])
    points = np.isfinite(task.spectra.values[rows]).sum(axis=1)
    n_lines = np.maximum(task.n_peaks[rows], 1)
    width = np.nansum(fit["fwhm"].values, axis=1) / n_lines
    width = np.where(width > 0, width, np.minimum(usual, points / 10))
    place = np.empty(rows.size)
    for i, row in enumerate(np.nan_to_num(rest)):
        kernel = np.exp(-4 * np.log(2) * (np.arange(-60, 61) / width[i]) ** 2)
        place[i] = np.convolve(row, kernel / np.sqrt((kernel**2).sum()), "same").argmax()
    return {
        "center": np.column_stack([fit["center"].values, place]),
        "fwhm": np.column_stack([fit["fwhm"].values, width]),
    }


def _padded(values: Floats) -> Floats:
    """The values, with one absent peak if there are none."""
    return values if values.shape[1] else np.full((len(values), 1), np.nan)


def _criterion(fit: xr.Dataset) -> Floats:
    """BIC; infinite where the fit failed."""
    bic = fit["bic"].values
    sound = np.isin(fit["status"].values, (0, 1, 6, 10, 11))
    return np.where(np.isfinite(bic) & sound, bic, np.inf)


def same_basin(task: Task, starts: xr.Dataset, best: xr.Dataset) -> float:
    """Fraction of the predictions from which least squares ends where it ends from the truth."""
    rows = np.flatnonzero((starts["n_peaks"].values == task.n_peaks) & (task.n_peaks > 0))
    some = {k: starts[k].values[rows] for k in ("center", "fwhm")}
    ends = task.refined(rows, some)["redchi"].values
    exact = best["redchi"].values[rows]
    return float(np.mean(ends <= exact * (1 + SAME_OPTIMUM)))


def in_points(task: Task, model: str, batch: recipes.Batch) -> xr.Dataset:
    """Prediction of the spectra on the grid of the network, in points of the measured axis."""
    seen = np.asarray(batch["spectra"], float)
    axis = np.linspace(0, 15, seen.shape[1])
    spectra = make_spectrum(seen, axis, dims=("spectrum", "energy"), scale="binding")
    found = xpsnet.predict(spectra, model=model, device="cpu")
    scale = (np.isfinite(task.spectra.values).sum(axis=1) - 1) / 15
    for name in ("center", "fwhm"):
        found[name] = found[name] * xr.DataArray(scale, dims="spectrum")
    return found


def shares(found: npt.ArrayLike, truth: npt.ArrayLike, most: int) -> str:
    """Percentage of right counts, in all and by the true number."""
    right = np.asarray(found) == np.asarray(truth)
    by = [f"{100 * right[truth == k].mean():.0f}" for k in range(most + 1) if (truth == k).any()]
    return f"{100 * right.mean():.1f} % | {'/'.join(by)}"


def errors(task: Task, found: xr.Dataset, rows: npt.NDArray[np.bool_], bound: xr.Dataset) -> str:
    """Median errors for some spectra, and those of an estimate at the Cramer-Rao bound."""
    true = _ascending({name: values[rows] for name, values in task.truth.items()})
    got = _ascending({name: found[name].values[rows] for name in task.truth})
    most = min(got["center"].shape[1], true["center"].shape[1])
    parts = []
    for name in task.truth:
        size = "height" if name == "height" else "fwhm"
        limit = bound[f"{name}_stderr"].values[rows] / bound[size].values[rows]
        error = np.abs(got[name][:, :most] - true[name][:, :most]) / true[size][:, :most]
        parts.append(
            f"{100 * np.nanmedian(error):.2f} % (bound {67.45 * np.nanmedian(limit):.2f} %)"
        )
    return " | ".join(parts)


def _ascending(peaks: dict[str, Floats]) -> dict[str, Floats]:
    """Peaks by ascending centers, absent ones last."""
    order = np.argsort(peaks["center"], axis=1)
    return {name: np.take_along_axis(values, order, axis=1) for name, values in peaks.items()}


def compare(
    title: str, task: Task, models: dict[str, xr.Dataset], most: int
) -> tuple[dict[str, float], xr.Dataset]:
    """Table of one task; returns the shares of right counts, and (c) with its own `n_peaks`."""
    truth = task.n_peaks
    classical = by_derivative(task, most)
    exact, best = from_truth(task, most)
    print(f"\n### {title}: {truth.size:,} spectra\n")
    names = ("method", "count right", "by number of peaks [%]", *task.truth, "same optimum")
    print(f"| {' | '.join(names)} |")
    print("| --- | ---: | --- | --- | --- | --- | ---: |")
    result = {
        "classical": float(np.mean(classical == truth)),
        "truth": float(np.mean(exact == truth)),
    }
    for name, found in models.items():
        basin = same_basin(task, found, best)
        counts = found["n_peaks"].values
        rows = (counts == truth) & (truth > 0)
        exactness = errors(task, found, rows, best)
        line = f"{shares(counts, truth, most)} | {exactness} | {100 * basin:.1f} %"
        print(f"| {name} | {line} |")
        result[name] = float(np.mean(counts == truth))
    print(f"| (b) second derivative, BIC | {shares(classical, truth, most)} | | | | |")
    print(f"| (c) from the truth, BIC | {shares(exact, truth, most)} | | | | |")
    known = best.assign(height=best["height"] / task.unit)
    right = (models["default"]["n_peaks"].values == truth) & (truth > 0)
    print(
        f"| (c) where `default` is right, count known | | | {errors(task, known, right, best)} | |"
    )
    return result, known.assign(n_peaks=("spectrum", exact))


def run_paper(n: int) -> dict[str, float]:
    """The paper's recipe."""
    task, batch = paper_task(n)
    models = {name: in_points(task, name, batch) for name in ("park2020", "default")}
    result, reference = compare("The paper's recipe", task, models, 3)
    return result | print_paper_units(models["default"], reference, batch)


def in_paper_units(found: xr.Dataset, batch: recipes.Batch) -> dict[str, Floats]:
    """Absolute errors over the paper's three slots (absent peaks are 0, centers descend)."""
    points = batch["spectra"].shape[1] - 1
    order = np.argsort(-np.nan_to_num(found["center"].values), axis=1)[:, :3]
    scale = {"center": 15 / points, "width": 15 / points / PARK2020_FWHM_PER_WIDTH, "height": 1.0}
    errors = {"count": np.abs(found["n_peaks"].values - batch["n_peaks"])[:, None]}
    for name, factor in scale.items():
        values = found["fwhm" if name == "width" else name].values
        ours = np.nan_to_num(np.take_along_axis(values, order, axis=1)) * factor
        ours = np.pad(ours, ((0, 0), (0, 3 - ours.shape[1])))
        present = np.arange(3) < batch["n_peaks"][:, None]
        errors[name] = np.abs(ours - batch[name] * present)
    return errors


def print_paper_units(
    found: xr.Dataset, reference: xr.Dataset, batch: recipes.Batch
) -> dict[str, float]:
    """Mean errors as the paper counts them, and those of peaks where the network counts right.

    Of the reference (c) the count, and the same peaks fitted with the true count.
    """
    several = batch["n_peaks"] > 1
    right = found["n_peaks"].values == batch["n_peaks"]
    present = right[:, None] & (np.arange(3) < batch["n_peaks"][:, None])
    ours, exact = in_paper_units(found, batch), in_paper_units(reference, batch)
    result = {f"{name} over slots": float(error[several].mean()) for name, error in ours.items()}
    result["(c) count over slots"] = float(exact.pop("count")[several].mean())
    for name, error in exact.items():
        result[f"{name} of peaks"] = float(ours[name][present].mean())
        result[f"(c) {name} of peaks"] = float(error[present].mean())
    print("\nin the paper's units; slots: 2 or 3 peaks; peaks: `default` counts right")
    for name, value in result.items():
        print(f"{name}: {value:.4f}")
    return result


def run_default(n: int) -> dict[str, float]:
    """The default recipe; `fit` on a tenth of it."""
    task, batch = default_task(n)
    found = in_points(task, "default", batch)
    most = load_model("default").config.max_peaks
    result, _ = compare("The default task", task, {"default": found}, most)
    some = slice(0, max(1, n // 10))
    fitted = xpsnet.fit(task.spectra.isel(spectrum=some), device="cpu")["n_peaks"].values
    truth = task.n_peaks[some]
    network = found["n_peaks"].values[some]
    print(f"\nfit {shares(fitted, truth, 6)}; predict on the same {shares(network, truth, 6)}")
    result["fit"], result["predict"] = (
        float(np.mean(fitted == truth)),
        float(np.mean(network == truth)),
    )
    probability = found["n_peaks_probability"].values
    every = np.eye(probability.shape[1], dtype=bool)[np.minimum(task.n_peaks, 6)]
    print("calibration (stated against seen, by count):", _calibration(probability, every))
    return result


def _calibration(probability: Floats, truth: npt.NDArray[np.bool_]) -> str:
    """Mean distance of stated probability and frequency in ten bins, for every count."""
    parts = []
    for k in range(truth.shape[1]):
        place = np.minimum((10 * probability[:, k]).astype(int), 9)
        gaps = [
            np.sum(place == i)
            * abs(np.mean(probability[place == i, k]) - np.mean(truth[place == i, k]))
            for i in np.unique(place)
        ]
        parts.append(f"{k}: {100 * sum(gaps) / len(place):.1f} %")
    return ", ".join(parts)


def run_small(n: int) -> dict[str, float]:
    """A peak of a tenth of the area, one FWHM beside the large one; `fit` on a tenth of them."""
    rng = np.random.default_rng(SEEDS["small"])
    axis = np.linspace(0, 15, 401)
    line: Callable[..., Any] = LINE_SHAPES["pseudo_voigt"].value
    fwhm, fraction = rng.uniform(0.8, 2.0, n), rng.uniform(0, 0.6, n)
    center, side = rng.uniform(5, 10, n), rng.choice([-1, 1], n)
    large = line(axis, center, fwhm, 1.0, fraction)
    small = line(axis, center + side * fwhm, fwhm, 1.0 / 9, fraction)
    result = {}
    for name, signal in (("small peak found", large + small), ("second peak invented", large)):
        step = np.cumsum(signal, axis=1) / signal.sum(axis=1, keepdims=True)
        clean = signal + rng.uniform(0.1, 1, (n, 1)) + rng.uniform(0, 0.3, (n, 1)) * step
        counts = clean + 0.02 * clean.max(axis=1, keepdims=True) * rng.normal(size=clean.shape)
        spectra = make_spectrum(counts, axis, dims=("spectrum", "energy"), scale="binding")
        for find, part in ((xpsnet.predict, n), (xpsnet.fit, max(1, n // 10))):
            peaks = find(spectra[:part], device="cpu")
            hit = peaks["n_peaks"].values > 1
            if name.startswith("small"):
                distance = np.abs(peaks["center"].values - (center + side * fwhm)[:part, None])
                near = np.nanmin(distance, axis=1, initial=np.inf) < 0.5 * fwhm[:part]
                hit = (peaks["n_peaks"].values == 2) & near
            result[f"{name}, {find.__name__}"] = float(hit.mean())
            print(f"{name}, {find.__name__}: {100 * hit.mean():.1f} % of {part:,}")
    return result


def run_nothing(n: int) -> dict[str, float]:
    """Pure background with noise, as the default recipe draws them."""
    recipe, draw = recipes.RawRecipe(), NumpyDraw(SEEDS["nothing"])
    m = recipe.n_points
    _, points, axis = instrument.measured_axis(np, draw, n, m, recipe.measured_points)
    clean = instrument.draw_background(np, draw, axis, 0 * axis, 0 * axis)
    largest = clean.max(axis=1, keepdims=True)
    sigma, _ = instrument.draw_sigma(np, draw, clean, largest, recipe.noise)
    noise, _ = instrument.draw_noise(np, draw, n, m)
    counts = instrument.onto_grid(np, clean + sigma * noise, *instrument.grid_index(np, points, m))
    place = np.linspace(0, 15, m)
    spectra = make_spectrum(counts, place, dims=("spectrum", "energy"), scale="binding")
    found = xpsnet.predict(spectra, device="cpu")["n_peaks"].values
    print(f"nothing there, nothing found: {100 * np.mean(found == 0):.1f} % of {n:,}")
    return {"nothing": float(np.mean(found == 0))}


RUNS = {"paper": run_paper, "default": run_default, "small": run_small, "nothing": run_nothing}


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the tables that are asked for; return their figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="*", default=list(RUNS), metavar="|".join(RUNS))
    parser.add_argument("--spectra", type=int, default=20_000)
    chosen = parser.parse_args(arguments)
    result: dict[str, float] = {}
    for name in chosen.run:
        result |= {f"{name}: {k}": v for k, v in RUNS[name](chosen.spectra).items()}
    return result


if __name__ == "__main__":
    main()
