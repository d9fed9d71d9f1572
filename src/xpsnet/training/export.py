"""Export of a training run as a model: weights, ONNX graph, training log and model card."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from xpsnet.models import weights
from xpsnet.models.architecture import build
from xpsnet.models.extra_packages import require_keras, require_onnx
from xpsnet.simulation.recipes import describe_recipe, get_recipe
from xpsnet.training.config import TrainConfig, config_from
from xpsnet.training.evaluation import evaluate

PACKAGES = ("keras", "numpy", "onnx", "onnxruntime", "tensorflow", "tensorflow_cpu")


def export(run: str | Path, folder: str | Path, *, n_evaluate: int = 20_000) -> weights.Model:
    """Export the best weights of a training run as a model.

    Parameters
    ----------
    run : path
        Folder written by `xpsnet.train`.
    folder : path
        Folder for ``<name>.npz``, ``<name>.onnx``, ``<name>.json`` and ``<name>.csv`` (the
        training log).
    n_evaluate : int
        Number of simulated spectra for the accuracy in the card.

    Returns
    -------
    Model
        The exported model.

    Raises
    ------
    ValueError
        If the run has not been validated yet.
    ImportError
        If TensorFlow or onnx is not installed.
    """
    require_keras("the export of a network", "train")
    require_onnx("the export of a network")
    from xpsnet.models.onnx_graph import write_onnx

    run, folder = Path(run), Path(folder)
    best, state_file = run / "best.npz", run / "state.json"
    if not best.exists() or not state_file.exists():
        raise ValueError(f"expected best.npz and state.json in {run}; train longer first")
    saved = json.loads(state_file.read_text(encoding="utf-8"))
    config = config_from(saved["config"])
    folder.mkdir(parents=True, exist_ok=True)
    net = build(config.architecture())
    weights.load_weights(best, net)
    weights.save_weights(folder / f"{config.name}.npz", net)
    write_onnx(net, folder / f"{config.name}.onnx")
    shutil.copyfile(run / "log.csv", folder / f"{config.name}.csv")
    card = _card(config, saved["state"], folder)
    _write_card(card, folder)
    model = weights.load_model(folder / f"{config.name}.json")
    card["accuracy"] = _accuracy(model, n_evaluate)
    _write_card(card, folder)
    return weights.load_model(folder / f"{config.name}.json")


def _card(config: TrainConfig, state: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Model card without the accuracy."""
    names = [f"{config.name}.npz", f"{config.name}.onnx"]
    before: dict[str, Any] = {}
    if config.start:
        first = weights.load_model(config.start)
        before["started_from"] = {
            "name": first.name,
            "version": first.version,
            "spectra_seen": first.card.get("spectra_seen"),
        }
    return {
        "name": config.name,
        "network": asdict(config.architecture()),
        "training": config.plain(),
        "recipe": describe_recipe(get_recipe(config.recipe)),
        "spectra_seen": state["best_at"],
        **before,
        "seconds": round(state["seconds"]),
        "device": state["device"],
        "validation_loss": state["best_loss"],
        "versions": {d.name: d.version for d in distributions() if d.name in PACKAGES},
        "files": {name: weights.sha256(folder / name) for name in names},
    }


def _accuracy(model: weights.Model, n: int) -> dict[str, Any]:
    """Accuracy on the training recipe, and on both recipes of the paper for `park2020`."""
    own = model.card["training"]["recipe"]
    recipes: dict[str, Any] = {own if isinstance(own, str) else model.name: None}
    if model.config.architecture == "park2020":
        recipes = {"park2020": "park2020", "park2020-code": "park2020-code"}
    return {
        name: {k: round(v, 5) for k, v in evaluate(model, recipe, n=n).figures.items()}
        for name, recipe in recipes.items()
    }


def _write_card(card: dict[str, Any], folder: Path) -> None:
    """Write the card as indented JSON."""
    text = json.dumps(card, indent=1)
    (folder / f"{card['name']}.json").write_text(text + "\n", encoding="utf-8")
