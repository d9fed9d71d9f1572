"""ONNX export: the graph gives the outputs of the Keras network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.models import encoding, runtimes
from xpsnet.models.onnx_graph import write_onnx
from xpsnet.models.weights import load_model
from xpsnet.simulation import recipes

Answered = Callable[[runtimes.Outputs], runtimes.Outputs]


def _close(net: Any, file: Path, inputs: npt.NDArray[np.float32]) -> None:
    write_onnx(net, file)
    found = runtimes.OnnxEngine(file)(inputs)
    expected = net.predict_on_batch(inputs)
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert np.ptp(values) > 1e-2
        np.testing.assert_allclose(found[name], np.asarray(values), atol=1e-4, rtol=1e-4)


def _random_weights(net: Any) -> Any:
    """Random weights that show every mistake: none 0, none equal, variances positive."""
    rng = np.random.default_rng(3)
    for variable in net.variables:
        scale = 1 / np.sqrt(max(np.prod(variable.shape[:-1]), 1.0))
        variable.assign(np.abs(rng.normal(0.0, scale, variable.shape)) + 0.01 * scale)
    return net


@pytest.mark.parametrize("n", [1, 5, 300], ids=["one", "few", "more than one part"])
def test_any_number_of_spectra(n: int, answered: Answered) -> None:
    model = load_model("default")
    batch = recipes.simulate_batch(n, "shoulders", seed=n)
    inputs = encoding.simulated_inputs(np, batch, model.config).astype(np.float32)
    together = answered(runtimes.OnnxEngine(model.file(".onnx"))(inputs))
    assert {len(values) for values in together.values()} == {n}
    last = answered(runtimes.OnnxEngine(model.file(".onnx"))(inputs[-1:]))
    for name, values in last.items():
        np.testing.assert_allclose(values, together[name][-1:], atol=1e-5)


def test_every_layer_is_written(tmp_path: Path) -> None:
    from keras import Input, Model, layers

    spectrum = Input((24,), name="spectrum")
    x = layers.Reshape((12, 2))(spectrum)
    x = layers.Conv1D(6, 4, padding="same", activation="relu")(x)  # pads one more behind
    x = layers.Reshape((4, 18))(x)  # three neighbors become channels
    x = layers.Conv1D(5, 2, padding="same")(x)
    y = layers.UpSampling1D(3)(x)
    z = layers.Conv1D(5, 3, strides=2)(y)
    pooled = layers.GlobalMaxPooling1D()(layers.MaxPooling1D(2)(z))
    whole = layers.Reshape((1, 5))(layers.Dense(5, activation="relu")(pooled))
    y = layers.ReLU()(layers.Add()([y, whole]))
    joined = layers.Concatenate()([layers.Flatten()(y), layers.Softmax()(pooled)])
    outputs = {"last": layers.Dense(3)(layers.BatchNormalization()(joined)), "pooled": pooled}
    net = _random_weights(Model(spectrum, outputs))
    inputs = np.random.default_rng(0).normal(size=(7, 24)).astype(np.float32)
    _close(net, tmp_path / "net.onnx", inputs)


@pytest.mark.parametrize("architecture", ["default", "park2020"])
def test_random_weights_of_both_architectures(architecture: str, tmp_path: Path) -> None:
    from xpsnet.models.architecture import CONFIGS, build

    config = CONFIGS[architecture]
    net = _random_weights(build(config))
    # Weights without a sign add up: inputs that small keep the outputs near one.
    inputs = 1e-3 * np.random.default_rng(0).random((9, config.n_inputs), np.float32)
    _close(net, tmp_path / "net.onnx", inputs)


def test_unknown_layers_are_refused(tmp_path: Path) -> None:
    from keras import Input, Model, layers

    spectrum = Input((8,), name="spectrum")
    for layer, message in (
        (layers.LayerNormalization(), "expected layers of .*'Dense'.*, got 'LayerNormalization'"),
        (layers.Dense(2, activation="tanh"), "activation relu or none, got 'tanh'"),
    ):
        net = Model(spectrum, {"out": layer(spectrum)})
        with pytest.raises(ValueError, match=message):
            write_onnx(net, tmp_path / "net.onnx")
    strided = layers.Conv1D(2, 3, strides=2, padding="same")(layers.Reshape((8, 1))(spectrum))
    with pytest.raises(ValueError, match="to have a stride of 1"):
        write_onnx(Model(spectrum, {"out": strided}), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
