"""Training of the networks: `train` runs a configuration and writes its weights into a folder.

Spectra are simulated inside the training step, on the device that trains, so that every spectrum is
new and nothing is stored. Everything is written for Keras 3 and runs on any of its backends.

A run is one call of ``keras.Model.fit``. An epoch of Keras is a *round* of `ROUND` optimizer steps;
the callbacks set the learning rate before each round and, after it, update the averaged weights,
validate them every `evaluate_every` spectra and save. The folder of a run holds:

- ``checkpoint.npz``: weights, optimizer, state of the random numbers, averaged weights
- ``best.npz``: the averaged weights with the smallest validation loss
- ``log.csv``: one row per validation
- ``state.json``: configuration and `RunState`

A resumed run takes the same steps as an uninterrupted one, bit for bit. The ready-made callbacks of
Keras do not allow this; `_Run` does their work in a ``LambdaCallback``:

- ``BackupAndRestore`` does not restore the state of the random numbers (a resumed run would see the
  same spectra again), and it knows neither the averaged weights nor the best loss.
- ``ReduceLROnPlateau`` forgets its counters and expects a validation after every epoch.
- ``CSVLogger`` writes a row after every epoch and counts epochs, not spectra.
- ``LearningRateScheduler`` reads the old rate in a way that numpy 2 warns about.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xpsnet.arguments import check, count, flag, number, optional
from xpsnet.arguments import path as path_rule
from xpsnet.models import encoding, weights
from xpsnet.models.architecture import build
from xpsnet.models.extra_packages import require_keras
from xpsnet.parallel.progress import Bar
from xpsnet.simulation import recipes
from xpsnet.training import losses
from xpsnet.training.config import CONFIGS, TrainConfig, get_config

__all__ = ["CONFIGS", "TrainConfig", "train"]

ROUND = 50  # optimizer steps in a round


@dataclass
class RunState:
    """Progress of a run."""

    spectra_seen: int = 0
    seconds: float = 0.0
    learning_rate: float = 0.0
    best_loss: float = float("inf")
    best_at: int = 0
    validations_since_best: int = 0
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
        Folder of the run; ``runs/<name>`` by default.
    resume : bool
        Continue from the checkpoint in `folder`.
    spectra : int, optional
        Total number of simulated spectra, instead of the configuration's number; the cosine
        schedule ends there.
    minutes : float, optional
        Stop after this time; the run can be resumed.
    progress : bool
        Show a progress bar with the loss and the time left.

    Returns
    -------
    Path
        The folder. `xpsnet.training.export.export` makes a model of it that `load_model` reads.

    Raises
    ------
    ValueError
        If the configuration is unknown, the folder holds another run, or there is nothing to
        resume.
    FloatingPointError
        If the loss is no longer finite. The last checkpoint remains valid.
    ImportError
        If TensorFlow is not installed.

    See Also
    --------
    evaluate, load_model

    Examples
    --------
    Train the paper's network for a moment (a useful network needs millions of spectra):

    >>> import tempfile
    >>> from dataclasses import replace
    >>> import xpsnet
    >>> from xpsnet.training.config import CONFIGS
    >>> short = replace(CONFIGS["park2020"], batch_size=8, validation=16, spectra=400)
    >>> folder = xpsnet.train(short, tempfile.mkdtemp(), progress=False)
    >>> sorted(file.name for file in folder.iterdir())
    ['best.npz', 'checkpoint.npz', 'log.csv', 'state.json']
    """
    check(
        locals(),
        folder=optional(path_rule),
        resume=flag,
        spectra=optional(count(least=1)),
        minutes=optional(number(above=0)),
        progress=flag,
    )
    require_keras("training", "train")
    config = get_config(config)
    run = _Run(config if spectra is None else replace(config, spectra=spectra), folder, resume)
    run.fit(math.inf if minutes is None else time.monotonic() + 60 * minutes, progress)
    run.save()
    return run.folder


class _Run:
    """A training run: networks, optimizer, files, and the callbacks of ``keras.Model.fit``."""

    def __init__(self, config: TrainConfig, folder: str | Path | None, resume: bool) -> None:
        import keras

        keras.utils.set_random_seed(config.seed)
        self.config = config
        self.folder = Path(folder) if folder is not None else Path("runs") / config.name
        self.state = RunState(learning_rate=config.learning_rate, device=_device())
        architecture = config.architecture()
        self.network = build(architecture, mixed_precision=config.mixed_precision)
        if config.start and not resume:
            start = weights.load_model(config.start)
            weights.load_start(start.file(".npz"), start.config, self.network)
        if config.only_known:
            for layer in self.network.layers:
                layer.trainable = layer.name.startswith(weights.KNOWN_LAYERS)
        # The averaged weights are validated in float32, in the network that is exported.
        self.judge = build(architecture)
        self.trainer = _trainer(self.network, config)
        self.trainer.compile(
            optimizer=keras.optimizers.Adam(config.learning_rate, clipnorm=1.0), jit_compile=False
        )
        self.rate = config.learning_rate
        self.average = [np.array(v.numpy()) for v in self.network.variables]
        validated = config.validation_recipe or config.recipe
        self.validation = recipes.simulate_batch(config.validation, validated, seed=10**6)
        self._prepare_folder(resume)

    def fit(self, deadline: float, progress: bool) -> None:
        """Train until all spectra are seen or the clock (`time.monotonic`) passes `deadline`."""
        import keras

        config, state = self.config, self.state
        per_round = ROUND * config.batch_size
        rounds = math.ceil((config.spectra - state.spectra_seen) / per_round)
        if rounds <= 0:
            return
        text = f"training {config.name}"
        with Bar(config.spectra, text, done=state.spectra_seen, enabled=progress) as bar:
            started = time.monotonic() - state.seconds

            def end_round(_: int, logs: dict[str, float]) -> None:
                now = time.monotonic()
                state.seconds = now - started
                state.spectra_seen += per_round
                self._end_round(logs["loss"], state.spectra_seen - per_round)
                note = f"loss {logs['loss']:.4f}, best {state.best_loss:.4f}"
                bar(state.spectra_seen, config.spectra, note)
                self.trainer.stop_training = now > deadline

            self.trainer.fit(
                np.zeros((per_round, 1), np.float32),
                batch_size=config.batch_size,
                epochs=rounds,
                shuffle=False,
                verbose=0,
                callbacks=[keras.callbacks.LambdaCallback(self._begin_round, end_round)],
            )

    def _end_round(self, loss: float, seen_before: int) -> None:
        """Average the weights; validate and save them when it is time."""
        config, state = self.config, self.state
        if not np.isfinite(loss):
            # Nothing is saved: the last checkpoint is still valid.
            raise FloatingPointError(
                f"the loss became {loss} after {state.spectra_seen} spectra; resume from "
                f"{self.folder} with a smaller learning rate"
            )
        # The memory of the average grows with the run, so that the first weights are forgotten.
        memory = min(config.average, state.spectra_seen / (state.spectra_seen + 5e5))
        memory *= config.average > 0
        for mean, variable in zip(self.average, self.network.variables, strict=True):
            mean += (1 - memory) * (variable.numpy() - mean)
        every = config.evaluate_every
        done = state.spectra_seen >= config.spectra
        if done or seen_before // every != state.spectra_seen // every:
            self._validate_average(loss)
            self.save()

    def save(self) -> None:
        """Write the checkpoint and the state."""
        arrays = {f"v{i:04d}": v.numpy() for i, v in enumerate(self._variables())}
        arrays |= {f"m{i:04d}": mean for i, mean in enumerate(self.average)}
        weights.save_arrays(self.folder / "checkpoint.npz", arrays)
        text = json.dumps({"config": self.config.plain(), "state": asdict(self.state)}, indent=1)
        (self.folder / "state.json").write_text(text + "\n")

    def _variables(self) -> list[Any]:
        """Weights, state of the random numbers, and optimizer."""
        return [*self.trainer.variables, *self.trainer.optimizer.variables]

    def _prepare_folder(self, resume: bool) -> None:
        """Create the folder, or load its checkpoint."""
        file = self.folder / "checkpoint.npz"
        if resume and not file.exists():
            raise ValueError(f"expected a checkpoint to resume in {self.folder}, found none")
        if not resume and file.exists():
            raise ValueError(f"{self.folder} already holds a run; resume it or give another folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume:
            self._load(file)

    def _load(self, file: Path) -> None:
        """Restore weights, optimizer, random numbers, average and progress."""
        self.trainer.optimizer.build(self.trainer.trainable_variables)
        arrays = weights.load_arrays(file)
        variables = {f"v{i:04d}": v for i, v in enumerate(self._variables())}
        means = {f"m{i:04d}": mean for i, mean in enumerate(self.average)}
        expected = {name: tuple(v.shape) for name, v in (variables | means).items()}
        if {name: array.shape for name, array in arrays.items()} != expected:
            raise ValueError(f"{file} is not a checkpoint of network {self.config.name!r}")
        for name, variable in variables.items():
            variable.assign(arrays[name])
        self.average = [arrays[name] for name in means]
        saved = json.loads((self.folder / "state.json").read_text())
        self.state = RunState(**saved["state"])

    def _begin_round(self, *_: Any) -> None:
        """Set the learning rate: warm-up, then cosine or reduced on plateaus."""
        config, state = self.config, self.state
        rate = state.learning_rate
        if config.schedule == "cosine":
            part = min(state.spectra_seen / config.spectra, 1.0)
            rate = config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * part)))
        warm = (state.spectra_seen / config.batch_size + ROUND) / max(config.warmup, 1)
        self.rate = float(rate * min(1.0, warm))
        self.trainer.optimizer.learning_rate.assign(self.rate)

    def _validate_average(self, loss: float) -> None:
        """Validate the averaged weights; keep them if they are the best so far; write the log."""
        for variable, mean in zip(self.judge.variables, self.average, strict=True):
            variable.assign(mean)
        metrics = _validate(self.judge, self.validation, self.config)
        state = self.state
        if metrics["val_loss"] < state.best_loss:
            state.best_loss, state.best_at = metrics["val_loss"], state.spectra_seen
            state.validations_since_best = 0
            weights.save_weights(self.folder / "best.npz", self.judge)
        else:
            state.validations_since_best += 1
            waited = state.validations_since_best >= self.config.plateau_patience
            if waited and self.config.schedule == "plateau":
                state.learning_rate *= self.config.plateau_factor
                state.validations_since_best = 0
        row = {
            "spectra": state.spectra_seen,
            "seconds": round(state.seconds, 1),
            "learning_rate": self.rate,
            "loss": loss,
            **metrics,
        }
        _append_row(self.folder / "log.csv", row)


def _trainer(net: Any, config: TrainConfig) -> Any:
    """Keras model that simulates a batch, predicts it and gives the loss; its input is unused."""
    import keras

    recipe = recipes.get_recipe(config.recipe)
    beside = [(recipes.get_recipe(name), share) for name, share in config.beside]
    loss = _loss_function(config)
    architecture = config.architecture()

    class Trainer(keras.Model):  # type: ignore[misc]
        """The network and its simulation; draws random numbers on the device that trains."""

        def __init__(self) -> None:
            super().__init__(name="trainer")
            self.network = net
            self.generator = keras.random.SeedGenerator(config.seed)

        def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
            return keras.random.uniform(shape, low, high, seed=self.generator)

        def normal(self, shape: tuple[int, ...]) -> Any:
            return keras.random.normal(shape, seed=self.generator)

        def build(self, input_shape: Any) -> None:
            self.built = True

        def call(self, inputs: Any, training: bool = False) -> Any:
            batch = recipes.draw_batch(keras.ops, self, config.batch_size, recipe, beside)
            inputs = encoding.simulated_inputs(keras.ops, batch, architecture)
            return self.network(inputs, training=training), batch

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:
            return loss(*y_pred)

    return Trainer()


def _loss_function(config: TrainConfig) -> Callable[[Any, Any], Any]:
    """Loss as a function of the outputs and the truth."""
    architecture = config.architecture()
    if architecture.architecture == "park2020":
        return losses.park2020_loss
    return lambda outputs, truth: losses.default_loss(outputs, truth, architecture)


def _validate(net: Any, batch: recipes.Batch, config: TrainConfig) -> dict[str, float]:
    """Loss and readable figures on the validation spectra."""
    from keras import ops

    inputs = encoding.simulated_inputs(np, batch, config.architecture())
    outputs = net.predict(np.asarray(inputs, np.float32), batch_size=1024, verbose=0)
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
    """Append a row to the log; the first row is preceded by the header."""
    fresh = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _device() -> str:
    """Backend and kind of device, for the model card."""
    import keras

    return f"{keras.backend.backend()} on {keras.distribution.list_devices()[0].split(':')[0]}"
