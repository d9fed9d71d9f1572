"""A network of the paper's architecture with fresh weights, exported as a trained one is."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from xpsnet.models import network, weights
from xpsnet.models.weights import Model


@pytest.fixture(scope="session")
def untrained_paper(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Model of the architecture `park2020` that knows nothing yet; both runtimes can hold it."""
    import keras

    from xpsnet.export import export
    from xpsnet.training import CONFIGS, RunState

    run = tmp_path_factory.mktemp("run")
    keras.utils.set_random_seed(4)
    weights.save_weights(run / "best.npz", network.build(network.CONFIGS["park2020"]))
    state = {"config": asdict(CONFIGS["park2020"]), "state": asdict(RunState())}
    (run / "state.json").write_text(json.dumps(state))
    (run / "log.csv").write_text("spectra\n")
    return export(run, Path(tmp_path_factory.mktemp("model")), n_evaluate=32)
