"""How good a network is, on simulated spectra that it has never seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.models import encoding, runtimes, weights
from xpsnet.models.architecture import NetworkConfig
from xpsnet.simulation import recipes

Metrics = dict[str, float]
PAPER_TARGETS = ("n_peaks", "center", "width", "height")
PARAMETERS = ("center", "fwhm", "height", "fraction")


def evaluate(
    model: str | Path | weights.Model = "default",
    recipe: str | recipes.Recipe | None = None,
    *,
    n: int = 20_000,
    seed: int = 2_000_000,
    device: runtimes.Device = "cpu",
) -> Metrics:
    """Measure a trained network on simulated spectra.

    Parameters
    ----------
    model : str, Path or Model
        Name of a shipped model, or the path of a model card.
    recipe : str or Recipe, optional
        What to simulate; the model's own training recipe by default.
    n : int
        Number of spectra.
    seed : int
        Seed of the simulation; training uses others.
    device : {"auto", "cpu", "gpu"}
        Where the network runs.

    Returns
    -------
    dict of float
        `default`: ``count_accuracy`` and ``count_accuracy_<k>``; ``calibration_error``, the mean
        distance between stated probability and frequency; for spectra whose count is right the
        median errors ``center`` (in FWHM), ``fwhm``, ``height`` (relative), ``fraction`` and
        ``<name>_within_spread``, how often the truth lies within one stated spread; what no
        spectrum tells is left out.
        `park2020`: ``<target>_mae`` and ``<target>_mse`` in network units over all slots, absent
        ones included as zeros, as the paper counts.

    Raises
    ------
    ValueError
        If model or recipe are unknown or do not fit each other.
    """
    model = weights.load_model(model)
    recipe = training_recipe(model) if recipe is None else recipes.get_recipe(recipe)
    paper = model.config.architecture == "park2020"
    if paper != isinstance(recipe, recipes.PaperRecipe):
        raise ValueError(
            f"expected a recipe for the architecture {model.config.architecture!r}, "
            f"got {type(recipe).__name__}"
        )
    config = model.config
    if recipe.n_points != config.n_points or recipe.max_peaks > config.max_peaks:
        raise ValueError(
            f"expected a recipe of {config.n_points} points and at most {config.max_peaks} peaks, "
            f"got {recipe.n_points} and {recipe.max_peaks}"
        )
    if paper:
        batch = recipes.simulate_batch(n, recipe, seed)
        return paper_errors(_run(model, np.asarray(batch["spectra"], np.float32), device), batch)
    found = assess(model, recipe, n=n, seed=seed, device=device)
    return {**_count_metrics(found), **_peak_metrics(found)}


@dataclass(frozen=True)
class Assessment:
    """Answers of a `default` network beside the truth of n simulated spectra.

    Attributes
    ----------
    batch : dict of ndarray
        The spectra and their truth.
    outputs : dict of ndarray
        What the network returned.
    probability : ndarray, shape (n, counts)
        Of every peak count from 0.
    truth : ndarray of int, shape (n,)
        True number of peaks.
    row : ndarray of int, shape (m,)
        Spectrum of each of the m peaks of the spectra whose count is right.
    error, spread : dict of ndarray, shape (m,)
        Absolute errors of those peaks and their stated spreads: center and FWHM in units of the
        true FWHM, height relative, Lorentzian share.
    """

    batch: recipes.Batch
    outputs: runtimes.Outputs
    probability: npt.NDArray[np.float64]
    truth: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    error: dict[str, npt.NDArray[np.float64]]
    spread: dict[str, npt.NDArray[np.float64]]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable count is the true one, shape (n,)."""
        return np.asarray(self.probability.argmax(axis=1) == self.truth)


def assess(
    model: weights.Model,
    recipe: recipes.Recipe,
    *,
    n: int,
    seed: int,
    device: runtimes.Device = "cpu",
) -> Assessment:
    """Let a `default` network answer simulated spectra; arguments as for `evaluate`."""
    batch = recipes.simulate_batch(n, recipe, seed)
    outputs = _run(model, np.asarray(batch["spectra"], np.float32), device)
    probability = encoding.probabilities(outputs, model.config)
    truth = np.asarray(batch["n_peaks"]).astype(np.int64)
    right = probability.argmax(axis=1) == truth
    rows, errors, spreads = [], [], []
    for k in range(1, model.config.max_peaks + 1):
        mine = np.flatnonzero(right & (truth == k))
        error, spread = _errors_of_count(outputs, batch, mine, k, model.config)
        rows.append(np.repeat(mine, k))
        errors.append(error)
        spreads.append(spread)
    return Assessment(
        batch,
        outputs,
        probability,
        truth,
        np.concatenate(rows),
        {name: np.concatenate([part[name].ravel() for part in errors]) for name in PARAMETERS},
        {name: np.concatenate([part[name].ravel() for part in spreads]) for name in PARAMETERS},
    )


def training_recipe(model: weights.Model) -> recipes.Recipe:
    """What a model was trained on: its own recipe, or the named one of the library."""
    own = model.card["training"]["recipe"]
    return recipes.get_recipe(own) if isinstance(own, str) else recipes.recipe_from(own)


def paper_errors(outputs: runtimes.Outputs, batch: recipes.Batch) -> Metrics:
    """Mean absolute and squared errors over slots, in network units, as the paper counts."""
    metrics: Metrics = {}
    for name in PAPER_TARGETS:
        truth = np.asarray(batch[name], float).reshape(len(outputs[name]), -1)
        error = outputs[name] - truth
        metrics[f"{name}_mae"] = float(np.abs(error).mean())
        metrics[f"{name}_mse"] = float(np.square(error).mean())
    return metrics


def reliability(
    probability: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], n_bins: int = 10
) -> list[tuple[float, float, int]]:
    """Stated probability against frequency, in bins.

    Parameters
    ----------
    probability : ndarray, shape (n,)
        What was stated for an answer.
    right : ndarray of bool, shape (n,)
        Whether the answer was right.
    n_bins : int
        Number of bins from 0 to 1.

    Returns
    -------
    list of (mean probability, frequency, number)
        One entry per bin that is not empty.
    """
    place = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    return [
        (float(probability[place == i].mean()), float(right[place == i].mean()), int(m))
        for i in range(n_bins)
        if (m := np.count_nonzero(place == i))
    ]


def _run(model: weights.Model, spectra: Any, device: runtimes.Device) -> runtimes.Outputs:
    """Outputs for all spectra, in batches."""
    engine = runtimes.get_engine(model, device)
    parts = [engine(spectra[at : at + 4096]) for at in range(0, len(spectra), 4096)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _count_metrics(found: Assessment) -> Metrics:
    """Accuracy and calibration of the peak count."""
    right, truth = found.right, found.truth
    metrics = {"count_accuracy": float(right.mean())}
    for k in range(found.probability.shape[1]):
        if (truth == k).any():
            metrics[f"count_accuracy_{k}"] = float(right[truth == k].mean())
    bins = reliability(found.probability.max(axis=1), right)
    distance = sum(m * abs(stated - seen) for stated, seen, m in bins)
    return {**metrics, "calibration_error": distance / len(truth)}


def _errors_of_count(
    outputs: runtimes.Outputs,
    batch: recipes.Batch,
    rows: npt.NDArray[np.int64],
    k: int,
    config: NetworkConfig,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Errors and stated spreads of the peaks of spectra with k peaks, each (spectra, k)."""
    some = {name: values[rows] for name, values in outputs.items()}
    guess = encoding.decode(some, k, np.array([0.0, 1.0]), config)
    true = {name: np.asarray(batch[name])[rows, :k] for name in PARAMETERS}
    height = encoding.heights(some, k, config)
    fraction = guess.fraction if guess.fraction is not None else np.zeros_like(guess.center)
    found = {"center": guess.center, "fwhm": guess.fwhm, "height": height, "fraction": fraction}
    unit = {"center": true["fwhm"], "fwhm": true["fwhm"], "height": true["height"]}
    own = {"center": guess.fwhm, "fwhm": guess.fwhm}
    error = {name: np.abs(found[name] - true[name]) / unit.get(name, 1.0) for name in PARAMETERS}
    return error, {name: guess.spread[name] / own.get(name, 1.0) for name in PARAMETERS}


def _peak_metrics(found: Assessment) -> Metrics:
    """Median errors of the peaks and the honesty of their spreads, where the count is right."""
    metrics: Metrics = {}
    for name, error in found.error.items():
        if error.size:
            metrics[name] = float(np.median(error))
            metrics[f"{name}_within_spread"] = float((error < found.spread[name]).mean())
    return metrics
