"""What the network gains where the user knows something of the lines.

Question: how often is the number of peaks right, for each true number, when `predict` is given
nothing, the family of the lines (`lines="symmetric"` or "asymmetric"), or also the limits of their
FWHM? Spectra are those of the training's simulation with one family alone (other seeds).
Baseline: the same network without that knowledge, or other weights (`--model`).

    python benchmarks/bench_known.py [--n 20000] [--model default] [--lines symmetric]
"""

import argparse

import numpy as np

import xpsnet
from xpsnet.numerics.known_lines import known_inputs
from xpsnet.simulation import recipes
from xpsnet.training.evaluation import outputs_of

SEED = 9_100_000


def known_of(batch: recipes.Batch, what: str) -> np.ndarray:
    """Inputs for what is known: "nothing", "lines" (as the batch states them) or "fwhm"."""
    n = len(batch["spectra"])
    zero, one = np.zeros((n, 1)), np.ones((n, 1))
    if what == "nothing":
        return np.zeros_like(batch["known"])
    symmetric, asymmetric = batch["known"][:, :1], batch["known"][:, 1:2]
    present = batch["fwhm"] > 0
    none = ~present.any(axis=1, keepdims=True)
    low = np.where(present, batch["fwhm"], np.inf).min(axis=1, keepdims=True)
    high = batch["fwhm"].max(axis=1, keepdims=True)
    limits = (
        np.where(none, 0.0, one) * (what == "fwhm"),
        np.where(none, 1.0, low) * np.exp(-0.25),
        np.where(none, 1.0, high) * np.exp(0.25),
    )
    return np.asarray(
        known_inputs(
            np, symmetric=symmetric, asymmetric=asymmetric, fwhm=limits, asymmetry=(zero, one, one)
        ),
        np.float32,
    )


def main(arguments: list[str] | None = None) -> dict[str, dict[int, float]]:
    """Print the table; return the part of right numbers by what is known and true number."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--model", default="default", help="name, or path of a model's card")
    parser.add_argument("--lines", choices=("symmetric", "asymmetric"), default="symmetric")
    chosen = parser.parse_args(arguments)
    asymmetric = float(chosen.lines == "asymmetric")
    recipe = recipes.RawRecipe(asymmetric=asymmetric, stated=1.0)
    batch = recipes.simulate_batch(chosen.n, recipe, SEED)
    batch["known"][:, 0], batch["known"][:, 1] = 1 - asymmetric, asymmetric
    model = xpsnet.load_model(chosen.model)
    truth = batch["n_peaks"].astype(int)
    table: dict[str, dict[int, float]] = {}
    for what in ("nothing", "lines", "fwhm") if model.config.known else ("nothing",):
        given = {**batch, "known": known_of(batch, what)}
        found = outputs_of(model, given, "cpu")["count_logits"].argmax(axis=1)
        table[what] = {k: float((found == truth)[truth == k].mean()) for k in range(7)}
        table[what][-1] = float((found == truth).mean())
    print("| known | all | " + " | ".join(f"{k} peaks" for k in range(7)) + " |")
    print("| --- |" + " ---: |" * 8)
    for what, parts_right in table.items():
        cells = [f"{100 * parts_right[k]:.1f}" for k in (-1, *range(7))]
        print(f"| {what} | " + " | ".join(cells) + " |")
    return table


if __name__ == "__main__":
    main()
