"""Number of peaks from the network, from the evidence of the fits, and from both.

Question: what fraction of simulated spectra gets the right number of peaks from the network alone
(its most probable number), from the fits alone (the largest evidence of those that `fit` tries,
without false peaks), and from `xpsnet.fit`, which uses both? Equal on all sides: the spectra (the
recipe of the training, another seed) and the fits. Axes of 60, 100, 200 and 384 points, a quarter
each.

    python benchmarks/bench_decision.py [--spectra 2400] [--seed 5000]
"""

import argparse
from dataclasses import replace

import numpy as np
import xarray as xr

import xpsnet
from xpsnet.data.spectrum import make_spectrum
from xpsnet.fitting.select import n_peaks
from xpsnet.simulation import recipes

POINTS = (60, 100, 200, 384)
BLIND = {"PROBABILITY_WEIGHT": 0.0, "OWN_WEIGHT": 0.0, "EVIDENCE_WEIGHT": 1.0}


def simulated(n: int, points: int, seed: int) -> tuple[xr.DataArray, np.ndarray]:
    """Spectra on an axis of `points` points, and their true numbers of peaks."""
    recipe = recipes.get_recipe("default")
    recipe = replace(recipe, n_points=points, measured_points=(points + 0.2, points + 0.4))
    batch = recipes.simulate_batch(n, recipe, seed)
    counts = 1000.0 * np.asarray(batch["spectra"], dtype=float)
    energy = np.linspace(280.0, 300.0, points)
    spectra = make_spectrum(counts, energy, dims=("spectrum", "energy"), scale="binding")
    return spectra, np.rint(np.asarray(batch["n_peaks"], dtype=float)).astype(int)


def fitted(spectra: xr.DataArray) -> xr.Dataset:
    """Fit each spectrum alone, because neighbors in this stack are unrelated."""
    return xpsnet.fit(spectra, neighbors=False, follow=False, device="cpu")


def by_evidence(spectra: xr.DataArray) -> np.ndarray:
    """Numbers of peaks by the evidence alone."""
    before = {name: getattr(n_peaks, name) for name in BLIND}
    try:
        for name, value in BLIND.items():
            setattr(n_peaks, name, value)
        return fitted(spectra)["n_peaks"].values
    finally:
        for name, value in before.items():
            setattr(n_peaks, name, value)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the table; return the fraction of right numbers for each row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=5000)
    chosen = parser.parse_args(arguments)
    right: dict[str, list[np.ndarray]] = {"network": [], "evidence": [], "fit": []}
    truths = []
    for number, points in enumerate(POINTS):
        spectra, truth = simulated(chosen.spectra // len(POINTS), points, chosen.seed + number)
        peaks = fitted(spectra)
        network = peaks["count"].values[peaks["n_peaks_probability"].values.argmax(axis=1)]
        right["network"].append(network == truth)
        right["evidence"].append(by_evidence(spectra) == truth)
        right["fit"].append(peaks["n_peaks"].values == truth)
        truths.append(truth)
    truth = np.concatenate(truths)
    print(f"{truth.size} spectra, number of peaks right in %")
    print(f"{'':10s}{'all':>8s}" + "".join(f"{k:>7d}" for k in np.unique(truth)))
    shares = {}
    for name, parts in right.items():
        good = np.concatenate(parts)
        shares[name] = float(good.mean())
        by_count = "".join(f"{100 * good[truth == k].mean():7.1f}" for k in np.unique(truth))
        print(f"{name:10s}{100 * shares[name]:8.1f}{by_count}")
    fit, network = (np.concatenate(right[name]) for name in ("fit", "network"))
    gained, lost = int((fit & ~network).sum()), int((network & ~fit).sum())
    print(f"fit against network: {gained} gained, {lost} lost")
    return shares


if __name__ == "__main__":
    main()
