"""States of a level with a spin-orbit doublet: what is gained where splitting and ratio are given.

Question: how often is the number of states right, for each true number, by the network `doublets`,
which is given splitting and ratio? Spectra are those of its simulation (recipe `doublets`, other
seeds), whose splittings and ratios differ a little from those that are given.
Baselines: the network `default` on the same spectrum, whose lines are paired where two have the
given splitting within 15 % and no more than 2.5 times the given ratio; the same network on the
spectrum without second lines (`numerics.second_lines`), which was never trained on such; and `fit`,
which is given the doublet, on --fit of the spectra.
Printed too: the median error of the centers where the number is right, and how often the stated
probability holds.

    python benchmarks/bench_doublets.py [--n 20000] [--fit 200] [--model doublets]
"""

import argparse
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

import xpsnet
from xpsnet.models import encoding
from xpsnet.simulation import recipes
from xpsnet.training.evaluation import outputs_of

SEED = 9_300_000
MOST = 6
NEAR, FACTOR = 0.15, 2.5
RATIOS = {"p": 1 / 2, "d": 2 / 3, "f": 3 / 4}
BINS = (0.0, 0.5, 0.7, 0.9, 1.0)

Numbers = npt.NDArray[np.intp]


def paired(spectra: Any, splitting: float, ratio: float) -> int:
    """States among the lines that the network `default` finds: pairs, and lines by themselves."""
    peaks = xpsnet.predict(spectra, device="cpu")
    center = peaks["center"].values[np.isfinite(peaks["center"].values)]
    area = peaks["area"].values[np.isfinite(peaks["center"].values)]
    free = list(range(center.size))
    states = 0
    while free:
        first = free.pop(0)
        states += 1
        for second in free:
            apart = abs(center[second] - center[first] - splitting) <= NEAR * splitting
            share = area[second] / max(area[first], 1e-300) / ratio
            if apart and 1 / FACTOR <= share <= FACTOR:
                free.remove(second)
                break
    return states


def fitted(spectra: Any, splitting: float, ratio: float) -> int:
    """States that `fit` finds, which is given the doublet."""
    letter = {0.5: "p", 2 / 3: "d", 0.75: "f"}[
        min((0.5, 2 / 3, 0.75), key=lambda x: abs(x - ratio))
    ]
    tied = xpsnet.doublet(f"U 4{letter}", splitting=(0.97 * splitting, 1.03 * splitting))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        peaks = xpsnet.fit(spectra, doublets=[tied], device="cpu")
    if "n_states" in peaks:
        return int(peaks["n_states"])
    return int(peaks["n_peaks"]) - int((peaks["partner"].values > 0).sum()) // 2


def row(name: str, found: Numbers, truth: Numbers) -> str:
    """One row of the table."""
    right = [np.mean(found == truth)]
    right += [np.mean((found == truth)[truth == k]) for k in range(MOST + 1)]
    cells = [f"{100 * one:.1f}" for one in right]
    few, many = (100 * float(np.mean(one)) for one in (found < truth, found > truth))
    return f"| {name} | {truth.size} | {' | '.join(cells)} | {few:.1f} | {many:.1f} |"


def main(arguments: list[str] | None = None) -> float:
    """Print the table; return the part of right numbers of the network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--fit", type=int, default=200, help="spectra that are fitted")
    parser.add_argument("--model", default="doublets", help="name, or path of a model's card")
    chosen = parser.parse_args(arguments)
    batch = recipes.simulate_batch(chosen.n, "doublets", SEED)
    truth = batch["n_peaks"].astype(int)
    model = xpsnet.load_model(chosen.model)
    answer = outputs_of(model, batch, "cpu")
    found = answer["count_logits"].argmax(axis=1)
    print("| | spectra | all | " + " | ".join(f"{k}" for k in range(MOST + 1))
          + " states | too few | too many |")  # fmt: skip
    print("| --- |" + " ---: |" * (MOST + 5))
    print(row("doublet given", found, truth))
    default = xpsnet.load_model("default")
    stripped = outputs_of(default, batch, "cpu")["count_logits"].argmax(axis=1)
    print(row("`default`, without second lines", stripped, truth))
    few = min(chosen.n, max(chosen.fit, 1))
    simulated = xpsnet.simulate(chosen.n, "doublets", seed=SEED).isel(spectrum=slice(0, few))
    spectra = [one.dropna("energy") for one in simulated["spectra"]]
    known = list(zip(simulated["splitting"].values, simulated["ratio"].values, strict=True))
    for name, method in (("`default`, lines paired", paired), ("`fit`, doublet given", fitted)):
        numbers = [method(one, *pair) for one, pair in zip(spectra, known, strict=True)]
        print(row(name, np.minimum(numbers, MOST), truth[:few]), flush=True)
    print(row("doublet given, these spectra", found[:few], truth[:few]))
    right = found == truth
    errors = []
    for k in range(1, MOST + 1):
        mine = np.flatnonzero(right & (truth == k))
        centers = answer["peaks"][mine][:, encoding.set_slices(MOST)[k], 0]
        apart = np.abs(centers - batch["center"][mine, :k]) / batch["fwhm"][mine, :k]
        errors.append(apart.ravel())
    print(f"\ncenter, median error: {np.median(np.concatenate(errors)):.4f} FWHM")
    stated = encoding.probabilities(answer, model.config).max(axis=1)
    for low, high in pairwise(BINS):
        mine = (stated > low) & (stated <= high)
        if mine.any():
            print(
                f"stated {low:.1f} to {high:.1f}: mean {stated[mine].mean():.3f}, "
                f"right {right[mine].mean():.3f} ({mine.sum()} spectra)"
            )
    return float(right.mean())


if __name__ == "__main__":
    main()
