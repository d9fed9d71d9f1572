"""Simulated spectra with their truth: what the networks learn from and are judged by.

Written once for two array namespaces: numpy for users and tests, ``keras.ops`` inside the training
step, so that every training batch is new and nothing is stored. A recipe is a frozen dataclass and
goes into the model card.

All quantities are in *network units*: the window runs from 0 to the recipe's `extent` (the paper's
15, else 1) and the spectrum is scaled as the network reads it. Energies ascend with binding energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from xpsnet.simulation.core_levels import RawRecipe, draw_raw
from xpsnet.simulation.mixture import draw_mixture
from xpsnet.simulation.paper import PaperRecipe, draw_paper
from xpsnet.simulation.random import Draw, NumpyDraw

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
]

Batch = dict[str, Any]
Recipe = PaperRecipe | RawRecipe

# One line or two close ones at ordinary noise.
_ONE_OR_TWO = RawRecipe(min_peaks=1, max_peaks=2, fwhm=(0.03, 0.2), noise=(3e-3, 0.06))

RECIPES: dict[str, Recipe] = {
    "park2020": PaperRecipe(),
    "park2020-code": PaperRecipe(min_peaks=2),
    "default": RawRecipe(),
    # What a shoulder is, and what is none.
    "shoulders": replace(
        _ONE_OR_TWO,
        separation=0.9,  # closer ones have the shape of a side band
        gap=(0.14, 1.35),
        asymmetric=0.18,
        with_band=0.9,
    ),
    # One line with a side band, or two of them as close as two of its kind are told apart.
    "side_bands": replace(
        _ONE_OR_TWO, separation=0.4, gap=(0.2, 1.35), asymmetric=1.0, with_band=1.0
    ),
}


def simulate(n: int, recipe: str | Recipe = "default", seed: int = 0) -> Batch:
    """Simulated spectra with their truth.

    Parameters
    ----------
    n : int
        Number of spectra.
    recipe : str or Recipe
        ``"default"``, ``"shoulders"``, ``"side_bands"``, ``"park2020"`` (1 to 3 peaks),
        ``"park2020-code"`` (2 or 3 peaks), or a recipe of your own.
    seed : int
        The same seed gives the same spectra.

    Returns
    -------
    dict of ndarray
        ``spectra`` (n, points) as the network reads them; ``n_peaks`` (n,); ``center``, ``fwhm``,
        ``height``, ``fraction`` (n, max_peaks) in network units, absent peaks 0; ``signal`` (n,
        points), the noise-free peaks that are asked for. For `default` also ``relative_noise`` and
        ``background_rise`` (n, 1), over the largest count and the highest line, and what was
        measured: ``counts`` (n, points), of which the first ``points`` (n, 1) count and ``scale``
        (n, 1) are one network unit of height. The paper's recipes give ``width`` (the paper's w)
        instead of ``fwhm`` and ``fraction``.

    Raises
    ------
    ValueError
        If the recipe is unknown or `n` is not positive.
    """
    if n < 1:
        raise ValueError(f"expected at least 1 spectrum, got n={n}")
    return draw_batch(np, NumpyDraw(seed), n, get_recipe(recipe))


def get_recipe(recipe: str | Recipe) -> Recipe:
    """Recipe by name; a recipe passes through.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if not isinstance(recipe, str):
        return recipe
    if recipe not in RECIPES:
        raise ValueError(f"expected a recipe of {sorted(RECIPES)}, got {recipe!r}")
    return RECIPES[recipe]


def describe_recipe(recipe: Recipe) -> dict[str, Any]:
    """Recipe as plain values for the model card."""
    return {"kind": type(recipe).__name__, **asdict(recipe)}


def recipe_from(values: dict[str, Any]) -> Recipe:
    """Inverse of `describe_recipe`; what is left out is that of the default recipe.

    Raises
    ------
    ValueError
        If a name is unknown, or a value is not of the kind and range of its field.
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
    """A value of the kind of the usual one: a finite number, or an ascending pair of them."""
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
    """One batch in the namespace `xp`; see `simulate` and, with recipes `beside`, `mixture`."""
    if isinstance(recipe, PaperRecipe):
        return draw_paper(xp, draw, n, recipe)
    if beside:
        return draw_mixture(xp, draw, n, recipe, beside)
    return draw_raw(xp, draw, n, recipe)
