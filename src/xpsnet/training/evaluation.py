"""Accuracy of a trained network on simulated spectra that it has not seen.

`evaluate` gives the figures of merit of any network, `assess` the single errors of a `default`
network. The figures of `park2020` are counted as in the paper (doi 10.3938/NPSM.70.920).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.arguments import check, count
from xpsnet.models import encoding, runtimes, weights
from xpsnet.models.architecture import NetworkConfig
from xpsnet.simulation import recipes

Rows = npt.NDArray[np.int64]

PAPER_TARGETS = ("n_peaks", "center", "width", "height")
PARAMETERS = ("center", "fwhm", "height", "fraction")

_UNITS = {"center": " [FWHM]", "fwhm": ", relative", "height": ", relative", "fraction": ""}


@dataclass(frozen=True)
class Evaluation:
    """Accuracy of a network on simulated spectra; `print` shows it as a table.

    Attributes
    ----------
    model, recipe : str
        Name of the model and of the recipe of the spectra.
    n : int
        Number of spectra.
    figures : dict of float
        Figures of merit by name, listed in `evaluate`; ``evaluation[name]`` gives one of them.
    """

    model: str
    recipe: str
    n: int
    figures: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.figures[name]

    def __str__(self) -> str:
        title = f"{self.model}, {self.n:,} simulated spectra of the recipe {self.recipe}"
        rows = (f"{k:<24}{v:>8.4f}  {_meaning(k)}" for k, v in self.figures.items())
        return "\n".join([title, *rows])


def _meaning(figure: str) -> str:
    """Explanation of a figure of merit."""
    name, _, kind = figure.rpartition("_")
    if figure == "calibration_error":
        return "mean difference of stated probability and frequency"
    if figure == "count_accuracy":
        return "fraction of spectra with the right number of peaks"
    if name == "count_accuracy":
        return f"the same for spectra with {kind} peaks"
    if kind == "spread":
        return f"fraction of peaks whose {name.removesuffix('_within')} is within one stated spread"
    if kind in ("mae", "mse"):
        error = "absolute" if kind == "mae" else "squared"
        return f"mean {error} error of {name} [network units]"
    return f"median absolute error of {figure}{_UNITS[figure]}"


def evaluate(
    model: str | Path | weights.Model = "default",
    recipe: str | recipes.Recipe | None = None,
    *,
    n: int = 20_000,
    seed: int = 2_000_000,
    device: runtimes.Device = "cpu",
) -> Evaluation:
    """Measure the accuracy of a trained network on simulated spectra.

    Parameters
    ----------
    model : str, Path or Model
        Name of a shipped model, or the path of a model card.
    recipe : str or Recipe, optional
        What to simulate; the model's own training recipe by default.
    n : int
        Number of spectra.
    seed : int
        Seed of the simulation; training uses other seeds.
    device : {"auto", "cpu", "gpu"}
        Where the network runs.

    Returns
    -------
    Evaluation
        Its figures for a network of the architecture `default`: ``count_accuracy`` and
        ``count_accuracy_<k>``; ``calibration_error``, the mean difference of stated probability
        and frequency; and for spectra with the right number of peaks the median absolute errors
        ``center`` (in FWHM), ``fwhm``, ``height`` (both relative) and ``fraction``, and
        ``<name>_within_spread``, the fraction of peaks within one stated spread of the truth.
        For `park2020`: ``<target>_mae`` and ``<target>_mse``, mean absolute and squared errors in
        network units over all slots, absent ones included as zeros.

    Raises
    ------
    ValueError
        If model or recipe are unknown or do not belong together.

    See Also
    --------
    simulate, load_model

    Examples
    --------
    >>> import xpsnet
    >>> found = xpsnet.evaluate("park2020", n=500)
    >>> print(str(found).splitlines()[0])
    park2020, 500 simulated spectra of the recipe park2020
    >>> round(found["center_mae"], 2)
    0.23
    """
    check(
        locals(),
        n=count(least=1, most=100_000_000),
    )
    model = weights.load_model(model)
    named = recipe or model.card.get("training", {}).get("recipe")
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
    of_doublets = isinstance(recipe, recipes.RawRecipe) and bool(recipe.splitting[1])
    if config.doublet != of_doublets:
        kind = "doublets" if config.doublet else "single lines"
        raise ValueError(f"expected a recipe of {kind} for model {model.name!r}, got another one")
    if paper:
        batch = recipes.simulate_batch(n, recipe, seed)
        figures = paper_errors(outputs_of(model, batch, device), batch)
    else:
        found = assess(model, recipe, n=n, seed=seed, device=device)
        figures = _count_figures(found) | _peak_figures(found)
    return Evaluation(model.name, named if isinstance(named, str) else "given", n, figures)


@dataclass(frozen=True)
class Assessment:
    """Outputs of a `default` network for n simulated spectra, and their errors.

    Attributes
    ----------
    batch : dict of ndarray
        The spectra and their truth.
    outputs : dict of ndarray
        Outputs of the network.
    probability : ndarray, shape (n, counts)
        Probability of each number of peaks from 0.
    truth : ndarray of int, shape (n,)
        True number of peaks.
    row : ndarray of int, shape (m,)
        Spectrum of each of the m peaks in spectra with the right number of peaks.
    error, spread : dict of ndarray, shape (m,)
        Absolute errors of those peaks and their stated spreads: center and FWHM in units of the
        FWHM, height relative, Lorentzian fraction.
    """

    batch: recipes.Batch
    outputs: runtimes.Outputs
    probability: npt.NDArray[np.float64]
    truth: Rows
    row: Rows
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
    """Errors of a `default` network on simulated spectra; arguments as for `evaluate`."""
    batch = recipes.simulate_batch(n, recipe, seed)
    outputs = outputs_of(model, batch, device)
    probability = encoding.probabilities(outputs, model.config)
    truth = np.asarray(batch["n_peaks"]).astype(np.int64)
    right = probability.argmax(axis=1) == truth
    parts = [
        _peak_errors(outputs, batch, np.flatnonzero(right & (truth == k)), k, model.config)
        for k in range(1, recipe.max_peaks + 1)
    ]
    row, error, spread = (np.concatenate(some, axis=-1) for some in zip(*parts, strict=True))
    errors, spreads = (dict(zip(PARAMETERS, some, strict=True)) for some in (error, spread))
    return Assessment(batch, outputs, probability, truth, row, errors, spreads)


def training_recipe(model: weights.Model) -> recipes.Recipe:
    """Recipe that a model was trained with."""
    own = model.card["training"]["recipe"]
    return recipes.get_recipe(own) if isinstance(own, str) else recipes.recipe_from(own)


def paper_errors(outputs: runtimes.Outputs, batch: recipes.Batch) -> dict[str, float]:
    """Mean absolute and squared errors over all slots in network units, as in the paper."""
    figures = {}
    for name in PAPER_TARGETS:
        truth = np.asarray(batch[name], float).reshape(len(outputs[name]), -1)
        error = outputs[name] - truth
        figures[f"{name}_mae"] = float(np.abs(error).mean())
        figures[f"{name}_mse"] = float(np.square(error).mean())
    return figures


def reliability(
    probability: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], n_bins: int = 10
) -> list[tuple[float, float, int]]:
    """Compare stated probabilities with frequencies, in bins.

    Parameters
    ----------
    probability : ndarray, shape (n,)
        Stated probability of a statement.
    right : ndarray of bool, shape (n,)
        Whether the statement was true.
    n_bins : int
        Number of bins from 0 to 1.

    Returns
    -------
    list of (mean probability, frequency, number)
        One entry for each bin that is not empty.
    """
    place = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    return [
        (float(probability[place == i].mean()), float(right[place == i].mean()), int(m))
        for i in range(n_bins)
        if (m := np.count_nonzero(place == i))
    ]


def outputs_of(
    model: weights.Model, batch: recipes.Batch, device: runtimes.Device
) -> runtimes.Outputs:
    """Outputs of the network for the spectra of a batch, 4096 at a time."""
    spectra = np.asarray(encoding.simulated_inputs(np, batch, model.config), np.float32)
    engine = runtimes.get_engine(model, device)
    parts = [engine(spectra[at : at + 4096]) for at in range(0, len(spectra), 4096)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _count_figures(found: Assessment) -> dict[str, float]:
    """Accuracy and calibration of the number of peaks."""
    right, truth = found.right, found.truth
    figures = {"count_accuracy": float(right.mean())}
    for k in range(found.probability.shape[1]):
        if (truth == k).any():
            figures[f"count_accuracy_{k}"] = float(right[truth == k].mean())
    bins = reliability(found.probability.max(axis=1), right)
    distance = sum(m * abs(stated - seen) for stated, seen, m in bins)
    return {**figures, "calibration_error": distance / len(truth)}


def _peak_errors(
    outputs: runtimes.Outputs, batch: recipes.Batch, rows: Rows, k: int, config: NetworkConfig
) -> tuple[Rows, Any, Any]:
    """Spectrum (m,), errors and stated spreads (4, m) of the m peaks of spectra with k peaks."""
    found, spread = decode_peaks(outputs, rows, k, config)
    true = np.array([np.asarray(batch[name])[rows, :k] for name in PARAMETERS], float)
    one = np.ones_like(true[0])
    error = np.abs(found - true) / np.array([true[1], true[1], true[2], one])
    spread = spread / np.array([found[1], found[1], one, one])
    return np.repeat(rows, k), error.reshape(4, -1), spread.reshape(4, -1)


def decode_peaks(outputs: runtimes.Outputs, rows: Any, k: int, config: NetworkConfig) -> Any:
    """Peaks of some spectra for the count k and their spreads, (2, 4, spectra, k).

    The parameters are in the order of `PARAMETERS`, lengths over the window, heights over the range
    of the counts; the spread of the height is relative.
    """
    some = {name: values[rows] for name, values in outputs.items()}
    guess = encoding.decode(some, k, np.array([0.0, 1.0]), config)
    height = encoding.heights(some, k, config)
    spread = [guess.spread[name] for name in PARAMETERS]
    return np.array([[guess.center, guess.fwhm, height, guess.fraction], spread])


def _peak_figures(found: Assessment) -> dict[str, float]:
    """Median errors of the peaks, and how often they are within the stated spread."""
    figures = {}
    for name, error in found.error.items():
        if error.size:
            figures[name] = float(np.median(error))
            figures[f"{name}_within_spread"] = float((error < found.spread[name]).mean())
    return figures
