"""Time, memory and accuracy of a fit of a map of 256 x 256 spectra.

Question: seconds, CPU seconds and peak memory of `xpsnet.fit` (prediction, refinement of the likely
numbers of peaks with errors, decision, starts from neighbors, following) on a simulated map of two
overlapping states, 200 points per spectrum; errors of the parameter maps.
Baseline: lmfit (`engine="lmfit"`, exact derivatives) on a sample of the same spectra, started where
`fit` ended, for one number of peaks. Equal on both sides: spectra, noise estimate, model, machine
and run. The time counts from the array in memory to the Dataset; compiled code is on disk already.

With `--chunks` instead: how many spectra differ between the map in chunks and the map in memory, at
all (any value, by more than 1e-9), and in which peak lies at a place along `peak`. The right half
has a fortieth of the counts, and the counts are rates in float32, whose sums are rounded.

    python benchmarks/bench_map.py [--size 256] [--points 200] [--lmfit 40] [--picture docs/images]
    python benchmarks/bench_map.py --size 316 --chunks 50
"""

import argparse
import resource
import time
from pathlib import Path

import matplotlib
import numpy as np
import xarray as xr

import xpsnet
from xpsnet.data.peaks import make_peaks
from xpsnet.data.spectrum import make_spectrum

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LABELS = ("C-C / C-H", "C-O")


def true_peaks(size: int, points: int) -> xr.Dataset:
    """Two states 1.0 eV apart, 1.15 and 1.25 eV wide; the second lies in a ring and a stripe."""
    along = np.linspace(-1.0, 1.0, size)
    y, x = np.meshgrid(along, along, indexing="ij")
    radius = np.hypot(x + 0.2, y + 0.1)
    ring = 1 / (1 + np.exp((np.abs(radius - 0.5) - 0.12) / 0.015))
    stripe = 1 / (1 + np.exp((np.abs(y - 0.8) - 0.1) / 0.015))
    oxide = np.maximum(ring, stripe)
    thickness = 1 + 0.2 * np.cos(2.5 * x)
    height = thickness[..., None] * np.stack([2000 - 900 * oxide, 1100 * oxide], axis=-1)
    center = np.array([284.8, 285.8]) + 0.15 * x[..., None]
    exists = np.stack([np.ones_like(oxide), oxide], axis=-1) > 0.1
    position = {"y": np.arange(size), "x": np.arange(size)}
    return make_peaks(
        np.linspace(280.0, 292.0, points), ("y", "x"), position, scale="binding",
        line_shape="pseudo_voigt", background="shirley",
        parameters={"center": np.where(exists, center, np.nan), "fwhm": np.array([1.15, 1.25]),
                    "height": height, "fraction": 0.3},
        background_parameters={"constant": 150 * thickness, "shirley": np.full(x.shape, 0.03)},
        status=0, label=LABELS, attrs={"region": "C 1s"},
    )  # fmt: skip


def simulated(truth: xr.Dataset, seed: int = 11) -> xr.DataArray:
    """Counts with Poisson noise, row by row of the map to save memory."""
    rng = np.random.default_rng(seed)
    rows = []
    for y in range(truth.sizes["y"]):
        expected = xpsnet.curves(truth.isel(y=[y]))["envelope"].values
        rows.append(rng.poisson(expected).astype(np.float32))
    return make_spectrum(
        np.concatenate(rows), truth["energy"].values, dims=("y", "x", "energy"), scale="binding",
        coords={"y": truth["y"], "x": truth["x"]}, name="C 1s",
    )  # fmt: skip


def draw(truth: xr.Dataset, peaks: xr.Dataset, path: Path) -> None:
    """True, fitted and difference maps of both states."""
    rows = [("area", k, "counts eV") for k in (0, 1)] + [("center", k, "eV") for k in (0, 1)]
    figure, axes = plt.subplots(4, 3, figsize=(11, 13), layout="constrained")
    for line, (name, state, unit) in zip(axes, rows, strict=True):
        true = truth[name].isel(peak=state).values
        found = peaks[name].isel(peak=state).values
        low, high = np.nanpercentile(true, [1, 99])
        error = found - true
        limit = float(np.nanpercentile(np.abs(error), 98))
        shown = ((true, "true", low, high, "viridis"), (found, "fitted", low, high, "viridis"),
                 (error, "fitted - true", -limit, limit, "RdBu"))  # fmt: skip
        for axis, (values, what, least, most, colors) in zip(line, shown, strict=True):
            image = axis.imshow(values, vmin=least, vmax=most, cmap=colors, origin="lower")
            axis.set_title(f"{name} of {LABELS[state]}, {what}", fontsize=10)
            axis.set_xlabel("x (pixel)")
            axis.set_ylabel("y (pixel)")
            axis.set_facecolor("0.85")
            figure.colorbar(image, ax=axis, label=unit, shrink=0.9)
    figure.suptitle(
        f"{true.shape[0]} x {true.shape[1]} simulated spectra of two overlapping states; gray: "
        f"state absent", fontsize=12,
    )  # fmt: skip
    path.mkdir(parents=True, exist_ok=True)
    figure.savefig(path / "map_truth.png", dpi=80)
    plt.close(figure)


def accuracy(truth: xr.Dataset, peaks: xr.Dataset) -> dict[str, float]:
    """Errors of the maps."""
    peaks = peaks.isel(peak=slice(0, truth.sizes["peak"]))
    same = (peaks["n_peaks"] == truth["n_peaks"]).values
    report = {"number of peaks right (%)": 100 * same.mean()}
    for name in ("center", "area"):
        error = (peaks[name] - truth[name]).values[same]
        stderr = peaks[f"{name}_stderr"].values[same]
        good = np.isfinite(error) & np.isfinite(stderr)
        report[f"{name} within one standard error (%)"] = 100 * np.mean(
            np.abs(error[good]) < stderr[good]
        )
        report[f"{name}, rms error"] = float(np.sqrt(np.mean(error[good] ** 2)))
    return report


def lmfit_rate(spectra: xr.DataArray, peaks: xr.Dataset, n: int) -> float:
    """Fits per second of lmfit on a sample, started where `fit` ended."""
    step = max(1, spectra.sizes["x"] // n)
    some = spectra.isel(y=spectra.sizes["y"] // 2, x=slice(None, None, step))
    starts = peaks.isel(y=spectra.sizes["y"] // 2, x=slice(None, None, step))
    xpsnet.refine(some[:2], starts.isel(x=slice(0, 2)), engine="lmfit")
    start = time.perf_counter()
    xpsnet.refine(some, starts, engine="lmfit")
    return some.sizes["x"] / (time.perf_counter() - start)


def weak_rates(truth: xr.Dataset) -> xr.DataArray:
    """Counts per second (float32), few in the right half."""
    weak = xr.where(truth["x"] < truth.sizes["x"] // 2, 1.0, 1 / 40)
    names = ("height", "background_constant")
    weaker = truth.assign(
        {name: (truth[name] * weak).transpose(*truth[name].dims) for name in names}
    )
    rates = simulated(weaker) / np.float32(0.37)
    return rates.assign_attrs(units="counts/s", scale="binding")


def differing(eager: xr.Dataset, lazy: xr.Dataset) -> dict[str, float]:
    """Spectra that differ between both, and those with another peak at a place."""
    there = np.isfinite(lazy["center"].values)
    n = eager.sizes["peak"]
    other = there[..., n:].any(axis=-1)
    lazy = lazy.isel(peak=slice(0, n))
    centers = eager["center"].values, lazy["center"].values
    other |= (np.isfinite(centers[0]) != np.isfinite(centers[1])).any(axis=-1)
    other |= (np.abs(np.nan_to_num(centers[0] - centers[1])) > 0.1).any(axis=-1)
    differ, largest = other.copy(), 0.0
    for name, values in eager.data_vars.items():
        if values.dims[:2] == ("y", "x"):
            one, two = (np.asarray(p[name].values, dtype=float).reshape(*other.shape, -1)
                        for p in (eager, lazy))  # fmt: skip
            size = np.maximum(np.maximum(np.abs(one), np.abs(two)), 1e-300)
            off = np.where(np.isnan(one) & np.isnan(two), 0.0, np.abs(one - two) / size)
            far = (np.isnan(off) | (off > 1e-9)).any(axis=-1)
            differ |= far
            largest = max(largest, np.nanmax(off[~other], initial=0.0))
    return {
        "spectra that differ": float(differ.sum()),
        "spectra with another peak at a place": float(other.sum()),
        "largest relative difference elsewhere": largest,
    }


def chunked(size: int, points: int, chunk: int) -> dict[str, float]:
    """How the fit of a map in chunks differs from that in memory."""
    rates = weak_rates(true_peaks(size, points))
    peaks = xpsnet.fit(rates, device="cpu")
    lazy = xpsnet.fit(rates.chunk({"y": chunk, "x": chunk}), device="cpu").compute()
    return {"spectra": float(size**2), **differing(peaks, lazy)}


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the report; return its numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--lmfit", type=int, default=40)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--chunks", type=int, help="compare with a map in chunks of this size")
    chosen = parser.parse_args(arguments)
    if chosen.chunks:
        return printed(chunked(chosen.size, chosen.points, chosen.chunks))
    truth = true_peaks(chosen.size, chosen.points)
    spectra = simulated(truth)
    xpsnet.fit(spectra.isel(y=slice(0, 4), x=slice(0, 4)), device="cpu")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start, cpu = time.perf_counter(), time.process_time()
    peaks = xpsnet.fit(spectra, device="cpu")
    report = {
        "spectra": float(chosen.size**2),
        "seconds": time.perf_counter() - start,
        "CPU seconds": time.process_time() - cpu,
        "peak memory (MB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "memory before the fit (MB)": before,
    }
    report["lmfit, spectra per second"] = lmfit_rate(spectra, peaks, chosen.lmfit)
    rate = report["spectra"] / report["seconds"]
    report["whole path against lmfit's refinement alone"] = (
        rate / report["lmfit, spectra per second"]
    )
    report |= accuracy(truth, peaks)
    starts = np.bincount(peaks["start"].values.ravel(), minlength=3)
    report |= {"fits from neighbors": float(starts[1]), "fits from the sum": float(starts[2])}
    if chosen.picture is not None:
        draw(truth, peaks, chosen.picture)
    return printed(report)


def printed(report: dict[str, float]) -> dict[str, float]:
    """The report, after it was printed."""
    for name, value in report.items():
        print(f"{name:46s}{value:12.6g}")
    return report


if __name__ == "__main__":
    main()
