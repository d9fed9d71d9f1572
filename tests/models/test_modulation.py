"""What is known changes the features of the network, and nothing known changes nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xpsnet import load_model, predict, sample
from xpsnet.models import architecture, runtimes, weights
from xpsnet.models.onnx_graph import write_onnx

CONFIG = architecture.NetworkConfig(
    "default", n_points=64, max_peaks=2, channels=(8, 8), features=16, passes=2, known=8
)


def _inputs(known: float) -> np.ndarray:
    spectra = np.random.default_rng(0).random((5, 64), np.float32)
    return np.concatenate([spectra, np.full((5, 8), known, np.float32)], axis=1)


def _trained() -> object:
    """A network whose layers for what is known have weights."""
    net = architecture.build(CONFIG)
    rng = np.random.default_rng(1)
    for layer in net.layers:
        if type(layer).__name__ == "Modulate":
            layer.kernel.assign(0.1 * rng.normal(size=layer.kernel.shape))
    return net


def test_a_new_network_does_not_mind_what_is_known() -> None:
    net = architecture.build(CONFIG)
    for name, values in net.predict_on_batch(_inputs(0.0)).items():
        np.testing.assert_array_equal(values, net.predict_on_batch(_inputs(1.0))[name])


def test_trained_layers_do_in_both_runtimes(tmp_path: Path) -> None:
    net = _trained()
    write_onnx(net, tmp_path / "net.onnx")
    onnx = runtimes.OnnxEngine(tmp_path / "net.onnx")
    without, given = (net.predict_on_batch(_inputs(known)) for known in (0.0, 1.0))
    for name, values in given.items():
        assert np.abs(values - without[name]).max() > 1e-3
        np.testing.assert_allclose(onnx(_inputs(1.0))[name], values, atol=2e-4)


def test_training_starts_from_weights_without_known_inputs(tmp_path: Path) -> None:
    plain = replace(CONFIG, known=0)
    old, new = architecture.build(plain), architecture.build(CONFIG)
    weights.save_weights(tmp_path / "w.npz", old)
    weights.load_start(tmp_path / "w.npz", plain, new)
    expected = old.predict_on_batch(_inputs(1.0)[:, :64])
    for name, values in new.predict_on_batch(_inputs(1.0)).items():
        np.testing.assert_allclose(values, expected[name], atol=1e-5)


def test_weights_of_another_network_are_no_start(tmp_path: Path) -> None:
    shallow = replace(CONFIG, passes=1, known=0)
    weights.save_weights(tmp_path / "w.npz", architecture.build(shallow))
    with pytest.raises(ValueError, match="weights of a network like 'default'"):
        weights.load_start(tmp_path / "w.npz", shallow, architecture.build(CONFIG))


def test_a_model_without_known_inputs_refuses_knowledge() -> None:
    assert not load_model("park2020").config.known
    with pytest.raises(ValueError, match=r"lines='any'.*'park2020'.*use the model 'default'"):
        predict(sample("spectrum"), model="park2020", lines="symmetric")


DOUBLETS = replace(CONFIG, doublet=True)


def _doublet_inputs(second: float = 1.0) -> np.ndarray:
    curves = np.random.default_rng(0).random((5, 128), np.float32)
    curves[:, 64:] *= second
    return np.concatenate([curves, np.full((5, 10), 0.5, np.float32)], axis=1)


def _without_second(inputs: np.ndarray) -> np.ndarray:
    """The inputs of a network of lines: no second curve, no splitting and ratio."""
    return np.concatenate([inputs[:, :64], inputs[:, 128:-2]], axis=1)


def test_a_network_of_doublets_starts_as_the_one_of_lines(tmp_path: Path) -> None:
    old, new = architecture.build(CONFIG), architecture.build(DOUBLETS)
    weights.save_weights(tmp_path / "w.npz", old)
    weights.load_start(tmp_path / "w.npz", CONFIG, new)
    expected = old.predict_on_batch(_without_second(_doublet_inputs()))
    for name, values in new.predict_on_batch(_doublet_inputs()).items():
        np.testing.assert_allclose(values, expected[name], atol=1e-5)


def test_a_network_of_doublets_reads_both_curves_in_both_runtimes(tmp_path: Path) -> None:
    net = architecture.build(DOUBLETS)
    write_onnx(net, tmp_path / "net.onnx")
    onnx = runtimes.OnnxEngine(tmp_path / "net.onnx")
    given, without = (net.predict_on_batch(_doublet_inputs(second)) for second in (1.0, 0.0))
    for name, values in given.items():
        assert np.abs(values - without[name]).max() > 1e-5
        np.testing.assert_allclose(onnx(_doublet_inputs())[name], values, atol=2e-4)
