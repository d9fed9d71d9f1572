"""Accuracy of variants of the network after the same short training.

Question: fraction of right counts, errors of the peaks and processor time per spectrum of variants
of the `default` network, each trained from random weights. Equal for all: recipe, seed (the same
spectra in the same order), number of spectra, optimizer and schedule; evaluated on 20,000 other
spectra. After a training of minutes the figures are far from those of the shipped weights; only
their order is meaningful.

    python benchmarks/bench_architecture.py [--spectra 600000] [--judged 20000]
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import xpsnet
from xpsnet.models import architecture, encoding, runtimes, weights
from xpsnet.simulation import recipes
from xpsnet.training.config import TrainConfig
from xpsnet.training.export import export

DEFAULT = architecture.CONFIGS["default"]
VARIANTS = {
    "one pass": replace(DEFAULT, passes=1),
    "two passes": replace(DEFAULT, passes=2),
    "three passes": DEFAULT,
    "three passes, half the channels and features": replace(
        DEFAULT, channels=(16, 24, 32), features=96
    ),
}
FIGURES = ("count_accuracy", "center", "fwhm", "height")


def main(arguments: list[str] | None = None) -> None:
    """Print one row per variant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=600_000)
    parser.add_argument("--judged", type=int, default=20_000)
    chosen = parser.parse_args(arguments)
    print("| network | weights | loss | count right | center [FWHM] | FWHM | height | CPU µs |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for number, (name, config) in enumerate(VARIANTS.items()):
        key = f"variant_{number}"
        architecture.CONFIGS[key] = config
        run = TrainConfig(
            key, "default", chosen.spectra, evaluate_every=chosen.spectra, mixed_precision=True
        )
        with tempfile.TemporaryDirectory() as folder:
            xpsnet.train(run, Path(folder) / "run", progress=False)
            model = export(Path(folder) / "run", Path(folder) / "model", n_evaluate=chosen.judged)
            found = model.card["accuracy"]["default"]
            figures = " | ".join(f"{100 * found.get(figure, np.nan):.1f} %" for figure in FIGURES)
            n_weights = architecture.build(config).count_params()
            print(
                f"| {name} | {n_weights:,} | {model.card['validation_loss']:.3f} | {figures} "
                f"| {_time(model):.0f} |",
                flush=True,
            )


def _time(model: weights.Model) -> float:
    """Processor time of one spectrum in ONNX Runtime [microseconds], the best of five."""
    batch = recipes.simulate_batch(2048, "default", seed=1)
    spectra = np.asarray(encoding.simulated_inputs(np, batch, model.config), np.float32)
    engine = runtimes.OnnxEngine(model.file(".onnx"))
    times = []
    for _ in range(5):
        started = time.process_time()
        engine(spectra)
        times.append(time.process_time() - started)
    return 1e6 * min(times) / len(spectra)


if __name__ == "__main__":
    main()
