"""Configuration of a training run, also from a TOML file.

For example::

    name = "our_lab"          # name of the model and of its files
    start = "default"         # continue from these weights; without it, start from random weights
    spectra = 2_000_000
    learning_rate = 3e-4
    beside = [["default", 0.2]]   # a fifth of every batch, so that the old abilities are kept

    [recipe]                  # ranges of the simulation; missing values are those of `default`
    max_peaks = 6
    window = [8.0, 20.0]      # eV
    fwhm_ev = [0.5, 2.5]      # eV, instead of `fwhm` as fractions of the window
    noise = [0.005, 0.05]     # standard deviation over the count, at the largest count
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from xpsnet.arguments import path as path_rule
from xpsnet.data.regular_files import SAVE_IT, is_stream, not_a_file
from xpsnet.models.architecture import CONFIGS as NETWORKS
from xpsnet.models.architecture import NetworkConfig
from xpsnet.simulation import recipes


@dataclass(frozen=True)
class TrainConfig:
    """Configuration of a training run; written into the model card.

    `network` is the architecture, a key of `architecture.CONFIGS`; empty means the one called
    `name`. `beside` holds further recipes and the fraction of every batch that each of them
    replaces; validation uses `recipe` alone. `start` is the name of a model (or the path of a card)
    whose weights the run starts from. With `only_known` nothing but the layers for what the caller
    knows (`models.modulation`) is trained: where nothing is known, the network stays as it was.
    `validation_recipe` replaces `recipe` in the validation.
    """

    name: str
    recipe: str | recipes.Recipe
    spectra: int
    beside: tuple[tuple[str, float], ...] = ()
    batch_size: int = 512
    learning_rate: float = 1e-3
    schedule: Literal["cosine", "plateau"] = "cosine"
    warmup: int = 500
    plateau_patience: int = 10
    plateau_factor: float = 0.1
    average: float = 0.9
    evaluate_every: int = 250_000
    validation: int = 8192
    mixed_precision: bool = False
    seed: int = 1
    network: str = ""
    start: str = ""
    only_known: bool = False
    validation_recipe: str = ""

    def architecture(self) -> NetworkConfig:
        """Architecture of this run, with the number of points and peaks of its recipe.

        Raises
        ------
        ValueError
            If there is no such network or recipe, or they do not fit each other.
        """
        name = self.network or self.name
        if name not in NETWORKS:
            raise ValueError(f"expected a network of {sorted(NETWORKS)}, got name={name!r}")
        found = NETWORKS[name]
        recipe = recipes.get_recipe(self.recipe)
        if isinstance(recipe, recipes.PaperRecipe) != (found.architecture == "park2020"):
            raise ValueError(
                f"expected a recipe for the network {name!r}, got a {type(recipe).__name__}"
            )
        if found.architecture != "park2020":
            found = replace(found, n_points=recipe.n_points, max_peaks=recipe.max_peaks)
        self._check_beside(found)
        return found

    def _check_beside(self, network: NetworkConfig) -> None:
        """Refuse additional recipes that do not fit the network."""
        for name, _ in self.beside:
            other = recipes.get_recipe(name)
            grid = other.n_points == network.n_points or isinstance(other, recipes.PaperRecipe)
            fits = grid and other.max_peaks <= network.max_peaks
            if network.architecture == "park2020" or not fits:
                raise ValueError(
                    f"expected recipes beside {self.name!r} of {network.n_points} points and at "
                    f"most {network.max_peaks} peaks, for a network other than park2020; {name!r} "
                    f"has {other.n_points} points and {other.max_peaks} peaks"
                )

    def plain(self) -> dict[str, Any]:
        """Configuration as plain values, for JSON."""
        recipe = self.recipe
        named = recipe if isinstance(recipe, str) else recipes.describe_recipe(recipe)
        return {**asdict(self), "recipe": named}


CONFIGS: dict[str, TrainConfig] = {
    "default": TrainConfig(
        "default",
        "default",
        spectra=63_500_000,
        beside=(
            ("park2020", 0.25),
            ("shoulders", 0.13),
            ("known", 0.25),
            ("known_shoulders", 0.12),
        ),
        mixed_precision=True,
    ),
    "doublets": TrainConfig(
        "doublets",
        "doublets",
        spectra=4_900_000,
        learning_rate=5e-4,
        start="default",
        mixed_precision=True,
    ),
    "park2020": TrainConfig(
        "park2020",
        "park2020",
        spectra=60_000_000,
        batch_size=1024,
        schedule="plateau",
        plateau_patience=2,
        plateau_factor=0.3,
        evaluate_every=1_000_000,
    ),
}


def get_config(config: str | Path | TrainConfig) -> TrainConfig:
    """Configuration of a name or a TOML file; a configuration is returned as it is.

    Raises
    ------
    ValueError
        If there is no such configuration, or the file has unknown or wrong values.
    """
    if isinstance(config, TrainConfig):
        return config
    path_rule("config", config)
    if str(config) in CONFIGS:
        return CONFIGS[str(config)]
    if Path(config).suffix != ".toml":
        raise ValueError(
            f"expected a network of {sorted(CONFIGS)} or a TOML file, got {str(config)!r}"
        )
    return _read_config(Path(config))


def config_from(values: dict[str, Any]) -> TrainConfig:
    """Inverse of `TrainConfig.plain`.

    Raises
    ------
    ValueError
        If a name is unknown or a value has the wrong type.
    """
    known = {field.name for field in fields(TrainConfig)}
    _refuse_unknown(values, known, "a training configuration")
    recipe = values.get("recipe", "default")
    if isinstance(recipe, dict):
        recipe = recipes.recipe_from(recipe)
    for name, like in (("spectra", int), ("batch_size", int), ("learning_rate", float)):
        value = values.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | like) or not value > 0:
            raise ValueError(f"expected {name} as a number > 0, got {value!r}")
    beside = _shares(values.get("beside", ()))
    return TrainConfig(**{"name": "", "spectra": 0, **values, "recipe": recipe, "beside": beside})


def _shares(values: Any) -> tuple[tuple[str, float], ...]:
    """Checked pairs of the name of a recipe and its fraction of every batch."""
    sound = isinstance(values, list | tuple) and all(
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], int | float)
        and 0 < pair[1] < 1
        for pair in values
    )
    if not sound or sum(share for _, share in values) >= 1:
        raise ValueError(
            'expected beside as pairs like ["default", 0.2] whose fractions sum to less than 1, '
            f"got {values!r}"
        )
    return tuple((name, float(share)) for name, share in values)


def _read_config(file: Path) -> TrainConfig:
    """Configuration from a TOML file."""
    if is_stream(file):
        raise ValueError(f"expected a TOML file, got {file}: {not_a_file(file)}; {SAVE_IT}")
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"expected a TOML file, got {file}: {error}") from error
    recipe = values.get("recipe", {})
    if not isinstance(recipe, dict):
        raise ValueError(f"{file}: expected [recipe] as a table, got {recipe!r}")
    base = {"spectra": 2_000_000, "mixed_precision": True, "network": "default"}
    try:
        values = {"name": file.stem, **base, **values, "recipe": _in_shares(recipe)}
        config = config_from(values)
        config.architecture()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from error
    if config.name in CONFIGS or not config.name.isidentifier():
        raise ValueError(
            f"{file}: expected a new name of letters, digits and '_', got {config.name!r}"
        )
    return config


def _in_shares(recipe: dict[str, Any]) -> dict[str, Any]:
    """Recipe values with `fwhm_ev` [eV] converted to fractions of the window."""
    if "fwhm_ev" not in recipe:
        return recipe
    recipe = dict(recipe)
    low, high = recipe.pop("fwhm_ev")
    narrow, wide = recipe.get("window", recipes.RawRecipe().window)
    return {**recipe, "fwhm": (float(low) / float(wide), float(high) / float(narrow))}


def _refuse_unknown(values: dict[str, Any], known: set[str], what: str) -> None:
    """Refuse unknown names."""
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"expected {what} with names from {sorted(known)}, got {unknown}")
