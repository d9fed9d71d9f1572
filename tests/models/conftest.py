"""Fixtures: an untrained network of the paper's architecture; the relevant outputs of `default`."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from xpsnet.models import architecture, encoding, weights
from xpsnet.models.runtimes import Outputs
from xpsnet.models.weights import Model


@pytest.fixture(scope="session")
def untrained_paper(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Untrained model of the architecture `park2020`, for both runtimes."""
    import keras

    from xpsnet.training.export import export
    from xpsnet.training.train import CONFIGS, RunState

    run = tmp_path_factory.mktemp("run")
    keras.utils.set_random_seed(4)
    weights.save_weights(run / "best.npz", architecture.build(architecture.CONFIGS["park2020"]))
    state = {"config": asdict(CONFIGS["park2020"]), "state": asdict(RunState())}
    (run / "state.json").write_text(json.dumps(state))
    (run / "log.csv").write_text("spectra\n")
    return export(run, Path(tmp_path_factory.mktemp("model")), n_evaluate=32)


@pytest.fixture(scope="session")
def answered() -> Callable[[Outputs], Outputs]:
    """The result of `default`: probabilities of the counts, and the set of the most probable one.

    A set of six peaks for a spectrum of one holds lines without a meaning, 1e-9 of the window wide,
    beside which the rounding of the first digits is not small. Neither is it in the logarithm of
    the probability of six, which such lines take part in, and which is e^-10.
    """

    def kept(outputs: Outputs) -> Outputs:
        logits = outputs["count_logits"]
        count = logits.argmax(axis=-1)
        sets = architecture.set_slices(logits.shape[-1] - 1)
        of_slot = np.concatenate([np.full(s.stop - s.start, k) for k, s in enumerate(sets)])
        mine = (count[:, None] == of_slot)[:, :, None]
        zeroed = {name: outputs[name] * mine for name in ("peaks", "log_spread")}
        probability = encoding.probabilities(outputs, architecture.CONFIGS["default"])
        return {"probability": probability, **zeroed}

    return kept
