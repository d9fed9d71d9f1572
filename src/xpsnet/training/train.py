"""Training: simulate, learn, look, keep the best.

Spectra are simulated inside the training step, on the device that trains; none is seen twice and
nothing is stored. Written against Keras 3, so that any backend trains the same network. A run lives
in a folder: `checkpoint.npz` (weights, optimizer, random state), `best.npz` (the averaged weights
with the smallest validation loss), `log.csv`, `state.json`. Resuming continues the same sequence of
random spectra and optimizer steps.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xpsnet.models import weights
from xpsnet.models.architecture import build
from xpsnet.simulation import recipes
from xpsnet.training import losses
from xpsnet.training.config import CONFIGS, TrainConfig, get_config

__all__ = ["CONFIGS", "TrainConfig", "train"]

ROUND = 50  # optimizer steps between two looks at the clock


@dataclass
class RunState:
    """How far a run has come."""

    spectra_seen: int = 0
    seconds: float = 0.0
    learning_rate: float = 0.0
    best_loss: float = float("inf")
    best_at: int = 0
    looks_since_best: int = 0
    device: str = ""


def train(
    config: str | Path | TrainConfig,
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    spectra: int | None = None,
    minutes: float | None = None,
    progress: bool = True,
) -> Path:
    """Train a network and write its weights, log and state into a folder.

    Parameters
    ----------
    config : str, Path or TrainConfig
        ``"default"``, ``"park2020"``, or your own as a TOML file (see `xpsnet.training.config`).
    folder : path, optional
        Where the run lives; ``runs/<name>`` unless given.
    resume : bool
        Go on from the checkpoint in `folder`.
    spectra : int, optional
        Spectra to see in all, instead of the configuration's number; the cosine schedule ends
        there.
    minutes : float, optional
        Stop (resumably) after this time.
    progress : bool
        Show a progress bar with loss and time left.

    Returns
    -------
    Path
        The folder; `xpsnet.training.export.export` makes a shippable model of it.

    Raises
    ------
    ValueError
        If the configuration is unknown, the folder holds another run, or there is nothing to
        resume.
    """
    run = _Run(_configure(config, spectra), folder, resume)
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    with _Bar(run, progress) as bar:
        while run.state.spectra_seen < run.config.spectra:
            loss = run.step()
            bar(loss)
            if deadline is not None and time.monotonic() > deadline:
                break
    run.save()
    return run.folder


def _configure(config: str | Path | TrainConfig, spectra: int | None) -> TrainConfig:
    """The configuration, with another number of spectra where asked for."""
    config = get_config(config)
    return config if spectra is None else replace(config, spectra=spectra)


class _Run:
    """State of a training run: networks, optimizer, files."""

    def __init__(self, config: TrainConfig, folder: str | Path | None, resume: bool) -> None:
        import keras

        keras.utils.set_random_seed(config.seed)
        self.config = config
        self.folder = Path(folder) if folder is not None else Path("runs") / config.name
        self.state = RunState(learning_rate=config.learning_rate, device=_device())
        architecture = config.architecture()
        self.network = build(architecture, mixed_precision=config.mixed_precision)
        if config.start and not resume:
            weights.load_weights(weights.load_model(config.start).file(".npz"), self.network)
        # Averages and looks are in float32, on the network that ships.
        self.judge = build(architecture)
        self.trainer = _trainer(self.network, config)
        self.trainer.compile(
            optimizer=keras.optimizers.Adam(config.learning_rate, clipnorm=1.0), jit_compile=False
        )
        self.average = [np.array(v.numpy()) for v in self.network.variables]
        self.validation = recipes.simulate_batch(config.validation, config.recipe, seed=10**6)
        self._prepare_folder(resume)

    def step(self) -> float:
        """One round of optimizer steps, then a look where it is due; returns the loss."""
        config, state = self.config, self.state
        rate = self._learning_rate()
        self.trainer.optimizer.learning_rate.assign(rate)
        started = time.monotonic()
        history = self.trainer.fit(
            np.zeros((ROUND * config.batch_size, 1), np.float32),
            batch_size=config.batch_size,
            shuffle=False,
            verbose=0,
        )
        loss = float(history.history["loss"][0])
        before = state.spectra_seen
        state.spectra_seen += ROUND * config.batch_size
        if not np.isfinite(loss):
            # Nothing is saved: the last checkpoint is still good.
            raise FloatingPointError(
                f"the loss became {loss} after {state.spectra_seen} spectra; resume from "
                f"{self.folder} with a smaller learning rate"
            )
        # The average must not remember the start: its memory grows with the run.
        memory = min(config.average, state.spectra_seen / (state.spectra_seen + 5e5))
        memory *= config.average > 0
        for mean, variable in zip(self.average, self.network.variables, strict=True):
            mean += (1 - memory) * (variable.numpy() - mean)
        state.seconds += time.monotonic() - started
        every = config.evaluate_every
        done = state.spectra_seen >= config.spectra
        if done or before // every != state.spectra_seen // every:
            self._look(loss, rate)
            self.save()
        return loss

    def save(self) -> None:
        """Write the checkpoint, so that a resumed run takes the same steps."""
        variables = [*self.trainer.variables, *self.trainer.optimizer.variables]
        arrays = {f"v{i:04d}": v.numpy() for i, v in enumerate(variables)}
        arrays |= {f"m{i:04d}": mean for i, mean in enumerate(self.average)}
        weights.save_arrays(self.folder / "checkpoint.npz", arrays)
        text = json.dumps({"config": self.config.plain(), "state": asdict(self.state)}, indent=1)
        (self.folder / "state.json").write_text(text + "\n")

    def _prepare_folder(self, resume: bool) -> None:
        """Start a fresh folder or load the checkpoint."""
        file = self.folder / "checkpoint.npz"
        if resume and not file.exists():
            raise ValueError(f"expected a checkpoint to resume in {self.folder}, found none")
        if not resume and file.exists():
            raise ValueError(f"{self.folder} already holds a run; resume it or give another folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume:
            self._load(file)

    def _load(self, file: Path) -> None:
        """Bring back weights, optimizer, random state and progress."""
        self.trainer.optimizer.build(self.trainer.trainable_variables)
        arrays = weights.load_arrays(file)
        variables = [*self.trainer.variables, *self.trainer.optimizer.variables]
        names = [f"v{i:04d}" for i in range(len(variables))]
        means = [f"m{i:04d}" for i in range(len(self.average))]
        expected = {name: tuple(v.shape) for name, v in zip(names, variables, strict=True)}
        expected |= {name: v.shape for name, v in zip(means, self.average, strict=True)}
        if {name: array.shape for name, array in arrays.items()} != expected:
            raise ValueError(f"{file} is not a checkpoint of network {self.config.name!r}")
        for name, variable in zip(names, variables, strict=True):
            variable.assign(arrays[name])
        self.average = [arrays[name] for name in means]
        saved = json.loads((self.folder / "state.json").read_text())
        self.state = RunState(**saved["state"])

    def _learning_rate(self) -> float:
        """Learning rate of the next round: warm-up, then cosine or what the plateau left."""
        config, state = self.config, self.state
        if config.schedule == "cosine":
            part = min(state.spectra_seen / config.spectra, 1.0)
            rate = config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * part)))
        else:
            rate = state.learning_rate
        warm = (state.spectra_seen / config.batch_size + ROUND) / max(config.warmup, 1)
        return float(rate * min(1.0, warm))

    def _look(self, loss: float, rate: float) -> None:
        """Judge the averaged weights on the fixed set; keep them when they are the best so far."""
        for variable, mean in zip(self.judge.variables, self.average, strict=True):
            variable.assign(mean)
        metrics = _validate(self.judge, self.validation, self.config)
        state = self.state
        if metrics["val_loss"] < state.best_loss:
            state.best_loss, state.best_at = metrics["val_loss"], state.spectra_seen
            state.looks_since_best = 0
            weights.save_weights(self.folder / "best.npz", self.judge)
        else:
            state.looks_since_best += 1
            if state.looks_since_best >= self.config.plateau_patience:
                state.learning_rate *= self.config.plateau_factor
                state.looks_since_best = 0
        row = {
            "spectra": state.spectra_seen,
            "seconds": round(state.seconds, 1),
            "learning_rate": rate,
            "loss": loss,
            **metrics,
        }
        _append_row(self.folder / "log.csv", row)


def _trainer(net: Any, config: TrainConfig) -> Any:
    """Keras model whose input is only a batch size: it simulates, predicts and returns its loss."""
    import keras

    recipe = recipes.get_recipe(config.recipe)
    beside = [(recipes.get_recipe(name), share) for name, share in config.beside]
    loss = _loss_function(config)

    class Draw(keras.layers.Layer):  # type: ignore[misc]
        """Random numbers on the training device."""

        def __init__(self) -> None:
            super().__init__()
            self.generator = keras.random.SeedGenerator(config.seed)

        def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
            return keras.random.uniform(shape, low, high, seed=self.generator)

        def normal(self, shape: tuple[int, ...]) -> Any:
            return keras.random.normal(shape, seed=self.generator)

    class Trainer(keras.Model):  # type: ignore[misc]
        """Network together with its simulator."""

        def __init__(self) -> None:
            super().__init__()
            self.network = net
            self.draw = Draw()

        def build(self, input_shape: Any) -> None:
            self.built = True

        def call(self, inputs: Any, training: bool = False) -> Any:
            batch = recipes.draw_batch(keras.ops, self.draw, config.batch_size, recipe, beside)
            return self.network(batch["spectra"], training=training), batch

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:
            return loss(*y_pred)

    return Trainer()


def _loss_function(config: TrainConfig) -> Callable[[Any, Any], Any]:
    """Loss of outputs and truth."""
    architecture = config.architecture()
    if architecture.architecture == "park2020":
        return losses.park2020_loss
    return lambda outputs, truth: losses.default_loss(outputs, truth, architecture)


def _validate(net: Any, batch: recipes.Batch, config: TrainConfig) -> dict[str, float]:
    """Loss and a few figures that a person can read, on the fixed set."""
    from keras import ops

    outputs = net.predict(np.asarray(batch["spectra"], np.float32), batch_size=1024, verbose=0)
    truth = {name: ops.convert_to_tensor(np.asarray(v, np.float32)) for name, v in batch.items()}
    tensors = {name: ops.convert_to_tensor(v) for name, v in outputs.items()}
    metrics = {"val_loss": float(_loss_function(config)(tensors, truth))}
    if "count_logits" in outputs:
        found = outputs["count_logits"].argmax(-1)
        metrics["count_accuracy"] = float(np.mean(found == batch["n_peaks"]))
        return metrics
    for name in ("n_peaks", "center", "width", "height"):
        found = outputs[name]
        error = found - np.asarray(batch[name]).reshape(found.shape)
        metrics[f"{name}_mae"] = float(np.abs(error).mean())
    return metrics


def _append_row(file: Path, row: dict[str, float]) -> None:
    """One line of the log, with a header in front of the first."""
    fresh = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _device() -> str:
    """Backend and kind of device, for the card."""
    import keras

    return f"{keras.backend.backend()} on {keras.distribution.list_devices()[0].split(':')[0]}"


class _Bar:
    """Progress bar over the spectra of a run; the time left is tqdm's."""

    def __init__(self, run: _Run, show: bool) -> None:
        from tqdm import tqdm

        self.run = run
        self.bar = tqdm(
            total=run.config.spectra,
            initial=run.state.spectra_seen,
            unit=" spectra",
            unit_scale=True,
            desc=f"training {run.config.name}",
            disable=not show,
            mininterval=1.0,
        )

    def __enter__(self) -> Callable[[float], None]:
        return self.update

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def update(self, loss: float) -> None:
        """Advance to where the run is."""
        self.bar.set_postfix(loss=f"{loss:.4f}", best=f"{self.run.state.best_loss:.4f}")
        self.bar.update(self.run.state.spectra_seen - self.bar.n)
