"""Recipes of simulated spectra, and `simulate`, which draws spectra with known peaks.

A recipe is a frozen dataclass of the ranges that are drawn from; it is written into the model card.
The simulation is written once for two array namespaces: numpy for users and tests, ``keras.ops``
inside the training step, so that every training batch is new and nothing is stored.

`simulate` gives spectra in eV and counts. `draw_batch` works in the units of the networks: the
window runs from 0 to the recipe's `extent` (15 for the paper's recipes, else 1), spectra are scaled
as the network reads them, and energies ascend with binding energy.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.arguments import check, count, text
from xpsnet.simulation.core_levels import RawRecipe, draw_raw
from xpsnet.simulation.instrument import Draw, NumpyDraw
from xpsnet.simulation.mixture import draw_mixture
from xpsnet.simulation.paper import PaperRecipe, ascending_peaks, draw_paper

__all__ = [
    "RECIPES",
    "Batch",
    "PaperRecipe",
    "RawRecipe",
    "Recipe",
    "describe_recipe",
    "draw_batch",
    "get_recipe",
    "recipe_from",
    "simulate",
    "simulate_batch",
]

Batch = dict[str, Any]
Recipe = PaperRecipe | RawRecipe

# One line, or two close lines, with ordinary noise.
_ONE_OR_TWO = RawRecipe(min_peaks=1, max_peaks=2, fwhm=(0.03, 0.2), noise=(3e-3, 0.06))

RECIPES: dict[str, Recipe] = {
    "park2020": PaperRecipe(),
    "park2020-code": PaperRecipe(min_peaks=2),
    "default": RawRecipe(),
    # Close lines, and single lines with a side band that looks like a shoulder.
    "shoulders": replace(
        _ONE_OR_TWO,
        separation=0.9,  # closer lines cannot be distinguished from a side band
        gap=(0.14, 1.35),
        asymmetric=0.18,
        with_band=0.9,
    ),
    # Spectra as of `default` and `shoulders`, where the caller knows something of the lines.
    "known": RawRecipe(asymmetric=0.5, stated=1.0),
    "known_shoulders": replace(
        _ONE_OR_TWO, separation=0.5, gap=(0.14, 1.35), asymmetric=0.6, with_band=0.9, stated=1.0
    ),
    # One line with a side band, or two such lines at the least distance at which they differ.
    "side_bands": replace(
        _ONE_OR_TWO, separation=0.4, gap=(0.2, 1.35), asymmetric=1.0, with_band=1.0
    ),
    # States of a level with a spin-orbit doublet; peaks are main lines.
    "doublets": RawRecipe(
        fwhm=(0.01, 0.2), asymmetric=0.4, with_band=0.1, stated=0.6, splitting=(0.02, 0.5)
    ),
}


def simulate(n: int, recipe: str | Recipe = "default", seed: int = 0) -> xr.Dataset:
    """Simulate spectra with known peaks.

    Parameters
    ----------
    n : int
        Number of spectra.
    recipe : str or Recipe
        ``"default"`` (core-level windows with background and noise, 0 to 6 peaks), ``"shoulders"``,
        ``"side_bands"`` (1 or 2 peaks each), ``"doublets"`` (0 to 6 states of a level with two
        lines), ``"park2020"`` (the paper's, 1 to 3 peaks),
        ``"park2020-code"`` (2 or 3 peaks), or a recipe of your own.
    seed : int
        The same seed gives the same spectra.

    Returns
    -------
    Dataset
        Spectra and their truth, with the recipe and the seed in `attrs`:

        - `spectra` (spectrum, energy): counts over binding energy, as `predict`, `refine` and `fit`
          take them. All spectra share one axis [eV]; a spectrum with fewer points is followed by
          NaN. Counts are scaled so that Poisson noise has the drawn size, but in one of five
          spectra the noise is the same at all points, and in one of three it is smoothed. The
          paper's spectra have heights of about 1 and uniform noise.
        - `signal`, `background` (spectrum, energy): the peaks of the truth without noise, and the
          true background. Peaks too weak to be detected are in `spectra` alone.
        - `n_peaks` (spectrum): number of peaks.
        - `center` [eV], `fwhm` [eV], `height` [counts], `fraction` (spectrum, peak): the peaks,
          ascending by center, NaN where there is none. `peak` counts from 1.
        - `splitting` [eV], `ratio` (spectrum), of the recipe ``"doublets"``: as a table of levels
          gives them; those of the spectra differ a little. There, peaks are the main lines of
          states, and `signal` is their sum.
        - `relative_noise` (spectrum): standard deviation at the largest count, over this count.

    Raises
    ------
    ValueError
        If the recipe is unknown or `n` is not positive.

    See Also
    --------
    predict, fit, evaluate

    Examples
    --------
    >>> import xpsnet
    >>> simulated = xpsnet.simulate(100, "default", seed=1)
    >>> simulated["spectra"].dims, simulated["center"].dims
    (('spectrum', 'energy'), ('spectrum', 'peak'))
    >>> peaks = xpsnet.predict(simulated["spectra"], device="cpu")
    >>> right = peaks["n_peaks"] == simulated["n_peaks"]
    >>> print(f"number of peaks right in {100 * float(right.mean()):.0f} % of the spectra")
    number of peaks right in 84 % of the spectra
    """
    check(locals(), n=count(least=1, most=10_000_000))
    found = get_recipe(recipe)
    batch = simulate_batch(n, found, seed)
    points = np.full((n, 1), found.n_points)
    if isinstance(found, PaperRecipe):
        gain, length, width, units = 1.0, 1.0, found.extent, "1"
        curves = batch["spectra"], batch["signal"], 0 * batch["signal"]
        noise = found.noise / np.sqrt(3) / batch["signal"].max(axis=1, keepdims=True)
        batch |= ascending_peaks(np, batch, found)
    else:
        points, noise, width, units = (
            batch["points"],
            batch["relative_noise"],
            found.window[1],
            "counts",
        )
        gain = 1 / (np.square(noise, dtype=float) * batch["largest"])
        length = width * (points - 1) / (found.n_points - 1)
        curves = batch["counts"], batch["peaks"], batch["background"]
        batch["height"] = batch["height"] * batch["scale"]
    present = batch["height"] > 0
    unit = {"center": length, "fwhm": length, "height": gain, "fraction": 1.0}
    measured = np.arange(found.n_points) < points
    energy = np.linspace(0, width, found.n_points)
    of_doublets = {}
    if "doublet" in batch:
        scaled = batch["doublet"] * np.concatenate([length, np.ones_like(length)], axis=1)
        of_doublets = {
            n: ("spectrum", v) for n, v in zip(("splitting", "ratio"), scaled.T, strict=True)
        }
    axis = {"units": "eV", "long_name": "Binding energy"}
    over_energy = {"scale": "binding", "units": units}
    kind = recipe if isinstance(recipe, str) else json.dumps(describe_recipe(recipe))
    return xr.Dataset(
        {
            name: (("spectrum", "energy"), np.where(measured, gain * curve, np.nan), over_energy)
            for name, curve in zip(("spectra", "signal", "background"), curves, strict=True)
        }
        | {
            name: (("spectrum", "peak"), np.where(present, batch[name] * factor, np.nan))
            for name, factor in unit.items()
        }
        | {
            **of_doublets,
            "n_peaks": ("spectrum", batch["n_peaks"].astype(np.int64)),
            "relative_noise": ("spectrum", noise[:, 0].astype(float)),
        },
        {"energy": ("energy", energy, axis), "peak": np.arange(1, found.max_peaks + 1)},
        {"recipe": kind, "seed": seed},
    )


def simulate_batch(n: int, recipe: str | Recipe, seed: int) -> Batch:
    """Simulated spectra as the networks read them; arguments as for `simulate`.

    Returns
    -------
    dict of ndarray
        Of `core_levels.draw_raw` or `paper.draw_paper`, in the units of the network.
    """
    if n < 1:
        raise ValueError(f"expected at least 1 spectrum, got n={n}")
    return draw_batch(np, NumpyDraw(seed), n, get_recipe(recipe))


def get_recipe(recipe: str | Recipe) -> Recipe:
    """Recipe of a name; a recipe is returned as it is.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if isinstance(recipe, RawRecipe | PaperRecipe):
        return recipe
    text("default")("recipe", recipe)
    if recipe not in RECIPES:
        raise ValueError(f"expected a recipe of {sorted(RECIPES)}, got {recipe!r}")
    return RECIPES[recipe]


def describe_recipe(recipe: Recipe) -> dict[str, Any]:
    """Recipe as plain values, for the model card."""
    return {"kind": type(recipe).__name__, **asdict(recipe)}


def recipe_from(values: dict[str, Any]) -> Recipe:
    """Inverse of `describe_recipe`; missing values are those of the default recipe.

    Raises
    ------
    ValueError
        If a name is unknown, or a value has another type or range than its field.
    """
    rest = dict(values)
    kind = rest.pop("kind", "RawRecipe")
    if kind not in ("RawRecipe", "PaperRecipe"):
        raise ValueError(f"expected a recipe of kind RawRecipe or PaperRecipe, got {kind!r}")
    usual: Recipe = RawRecipe() if kind == "RawRecipe" else PaperRecipe()
    known = asdict(usual)
    unknown = sorted(set(rest) - set(known))
    if unknown:
        raise ValueError(f"expected a recipe with names from {sorted(known)}, got {unknown}")
    checked = {
        name: _like(name, value, known[name], name in usual.logarithmic)
        for name, value in rest.items()
    }
    recipe = type(usual)(**checked)
    if not 0 <= recipe.min_peaks <= recipe.max_peaks or recipe.max_peaks < 1:
        raise ValueError(
            f"expected 0 <= min_peaks <= max_peaks, got {recipe.min_peaks} and {recipe.max_peaks}"
        )
    return recipe


def _like(name: str, value: Any, usual: Any, logarithmic: bool) -> Any:
    """A checked value like `usual`: a finite number, or an ascending pair of numbers."""
    pair = isinstance(usual, tuple)
    numbers = list(value) if pair and isinstance(value, list | tuple) else [value]
    whole = isinstance(usual, int)
    sound = all(
        isinstance(x, int if whole else int | float)
        and not isinstance(x, bool)
        and np.isfinite(x)
        and (x > 0 if logarithmic else x >= 0)
        for x in numbers
    )
    if not sound or len(numbers) != 1 + pair or numbers != sorted(numbers):
        what = "an ascending pair of numbers" if pair else "a number"
        least = "> 0" if logarithmic else ">= 0"
        raise ValueError(f"expected {name} as {what} {least} like {usual!r}, got {value!r}")
    return tuple(float(x) for x in numbers) if pair else numbers[0]


def draw_batch(
    xp: Any, draw: Draw, n: int, recipe: Recipe, beside: Sequence[tuple[Recipe, float]] = ()
) -> Batch:
    """Draw n spectra in the namespace `xp`, in the units of the network.

    Parameters
    ----------
    xp : module
        ``numpy`` or ``keras.ops``.
    draw : Draw
        Source of random numbers in the same namespace.
    n : int
        Number of spectra.
    recipe : Recipe
        What is drawn.
    beside : sequence of (Recipe, float)
        Recipes that replace this fraction of the spectra each (not with the paper's recipe).

    Returns
    -------
    dict of array
        See `core_levels.draw_raw`, `paper.draw_paper` and, with `beside`, `mixture.draw_mixture`.
    """
    if isinstance(recipe, PaperRecipe):
        return draw_paper(xp, draw, n, recipe)
    if beside:
        return draw_mixture(xp, draw, n, recipe, beside)
    return draw_raw(xp, draw, n, recipe)
