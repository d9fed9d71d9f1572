"""Training configurations from TOML files, and refusal of wrong values."""

import json
from pathlib import Path

import pytest

from xpsnet.simulation import recipes
from xpsnet.simulation.recipes import PaperRecipe, RawRecipe, describe_recipe, recipe_from
from xpsnet.training.config import CONFIGS, TrainConfig, config_from, get_config

LAB = """
name = "our_lab"
start = "default"
spectra = 300_000
learning_rate = 3e-4
beside = [["default", 0.2]]

[recipe]
min_peaks = 1
window = [10, 20]
fwhm_ev = [0.5, 2.0]
noise = [0.005, 0.05]
"""


def _config(folder: Path, text: str) -> TrainConfig:
    file = folder / "lab.toml"
    file.write_text(text)
    return get_config(file)


def test_own_run(tmp_path: Path) -> None:
    config = _config(tmp_path, LAB)
    assert (config.name, config.start, config.spectra) == ("our_lab", "default", 300_000)
    assert config.learning_rate == 3e-4
    assert config.beside == (("default", 0.2),)
    recipe = config.recipe
    assert isinstance(recipe, RawRecipe)
    assert recipe.window == (10.0, 20.0)
    assert recipe.fwhm == (0.5 / 20, 2.0 / 10)
    assert recipe.noise == (0.005, 0.05)
    assert recipe.max_peaks == RawRecipe().max_peaks
    assert config.architecture() == CONFIGS["default"].architecture()


def test_size_of_the_network_follows_the_recipe(tmp_path: Path) -> None:
    config = _config(tmp_path, "[recipe]\nmax_peaks = 2\nn_points = 128\n")
    assert config.name == "lab"
    assert (config.architecture().max_peaks, config.architecture().n_points) == (2, 128)


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_survive_json(name: str, tmp_path: Path) -> None:
    config = get_config(name)
    assert config_from(json.loads(json.dumps(config.plain()))) == config
    own = _config(tmp_path, LAB)
    assert config_from(json.loads(json.dumps(own.plain()))) == own


@pytest.mark.parametrize(
    "recipe", [RawRecipe(max_peaks=3), PaperRecipe(noise=0.01), PaperRecipe(noise=0)]
)
def test_recipes_survive_json(recipe: recipes.Recipe) -> None:
    assert recipe_from(json.loads(json.dumps(describe_recipe(recipe)))) == recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 3 [", "expected a TOML file"),
        ("nmae = 'a'", r"training configuration with names from .* got \['nmae'\]"),
        ("recipe = 3", r"expected \[recipe\] as a table, got 3"),
        ("[recipe]\nnose = 1", r"expected a recipe with names from .* got \['nose'\]"),
        ("[recipe]\nnoise = 0.1", "expected noise as an ascending pair of numbers"),
        ("[recipe]\nnoise = [0.2, 0.1]", "expected noise as an ascending pair"),
        ("[recipe]\nnoise = [0, 0.1]", "expected noise as an ascending pair of numbers > 0"),
        ("[recipe]\ngap = [0.2, inf]", "expected gap as an ascending pair of numbers > 0"),
        ("[recipe]\nmin_height = 0", "expected min_height as a number > 0 like 0.03, got 0"),
        ("[recipe]\nmax_peaks = 2.5", "expected max_peaks as a number >= 0 like 6, got 2.5"),
        ("[recipe]\nmin_peaks = 7", "expected 0 <= min_peaks <= max_peaks, got 7 and 6"),
        ("[recipe]\nspikes = true", "expected spikes as a number"),
        ("[recipe]\nkind = 'other'", "kind RawRecipe or PaperRecipe, got 'other'"),
        ("[recipe]\nkind = 'PaperRecipe'", "recipe for the network 'default', got a PaperRecipe"),
        ("spectra = -1", "expected spectra as a number > 0, got -1"),
        ("spectra = 'many'", "expected spectra as a number > 0, got 'many'"),
        ("beside = 'default'", r"expected beside as pairs like \["),
        ("beside = [['default', 0.5], ['park2020', 0.5]]", "fractions sum to less than 1"),
        ("beside = [['x', 0.5]]", r"expected a recipe of .*, got 'x'"),
        ("beside = [['default', 0.5]]\n[recipe]\nmax_peaks = 2", "'default' has 384 points and 6"),
        (
            "network = 'mine'",
            r"expected a network of \['default', 'doublets', 'park2020'\], got name='mine'",
        ),
        ("name = 'default'", "expected a new name .* got 'default'"),
        ("name = '../x'", "expected a new name .* got '../x'"),
    ],
)
def test_refusals(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        _config(tmp_path, text)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a TOML file, got .*none.toml"):
        get_config(tmp_path / "none.toml")
