"""Architectures: number of weights of the paper's network, outputs of `default`, layer names."""

from typing import Any

import numpy as np
import pytest

from xpsnet.models import architecture
from xpsnet.models.architecture import CONFIGS, NetworkConfig


@pytest.fixture(scope="module")
def paper() -> Any:
    return architecture.build(CONFIGS["park2020"])


@pytest.fixture(scope="module")
def default() -> Any:
    return architecture.build(CONFIGS["default"])


def _layers(net: Any, kind: str) -> list[Any]:
    return [layer for layer in net.layers if type(layer).__name__ == kind]


def test_paper_network_has_the_papers_number_of_weights(paper: Any) -> None:
    assert paper.count_params() == 172_994
    trainable = sum(int(np.prod(v.shape)) for v in paper.trainable_variables)
    assert trainable == 172_778


def test_paper_network_has_the_papers_layers(paper: Any) -> None:
    convolutions = [
        (c.filters, c.kernel_size[0], c.strides[0], c.padding) for c in _layers(paper, "Conv1D")
    ]
    assert convolutions == [
        (32, 100, 5, "valid"),
        (64, 4, 1, "valid"),
        (128, 4, 1, "valid"),
        (192, 2, 1, "valid"),
    ]
    pools = [(p.pool_size[0], tuple(p.output.shape[1:])) for p in _layers(paper, "MaxPooling1D")]
    assert pools == [(2, (30, 32)), (2, (13, 64)), (2, (5, 128)), (2, (2, 192))]
    assert len(_layers(paper, "GlobalMaxPooling1D")) == 1
    assert len(_layers(paper, "BatchNormalization")) == 2
    assert sorted(d.units for d in _layers(paper, "Dense")) == [1, 3, 3, 3, 50, 50, *[100] * 4]
    joined = [tuple(c.output.shape[1:]) for c in _layers(paper, "Concatenate")]
    assert joined == [(54,), (54,)]  # 50 features, the count and three centers


def test_paper_network_is_relu_inside_and_linear_outside(paper: Any) -> None:
    activation = {
        layer.name: layer.activation.__name__
        for layer in [*_layers(paper, "Conv1D"), *_layers(paper, "Dense")]
    }
    outputs = {"n_peaks", "center", "height", "width"}
    assert {activation.pop(name) for name in outputs} == {"linear"}
    assert set(activation.values()) == {"relu"}


def test_paper_network_answers_per_slot(paper: Any) -> None:
    outputs = paper.predict_on_batch(np.zeros((5, 401), np.float32))
    shapes = {name: values.shape for name, values in outputs.items()}
    assert shapes == {"n_peaks": (5, 1), "center": (5, 3), "height": (5, 3), "width": (5, 3)}


def test_default_network_answers_per_count(default: Any) -> None:
    outputs = default.predict_on_batch(np.zeros((5, 392), np.float32))
    shapes = {name: values.shape for name, values in outputs.items()}
    assert shapes == {"count_logits": (5, 7), "peaks": (5, 21, 4), "log_spread": (5, 21, 4)}
    assert all(np.isfinite(values).all() for values in outputs.values())


def test_default_network_starts_with_even_peaks(default: Any) -> None:
    peaks = default.predict_on_batch(np.zeros((1, 392), np.float32))["peaks"][0]
    for k, part in enumerate(architecture.set_slices(6)):
        np.testing.assert_allclose(peaks[part, 0], (np.arange(k) + 0.5) / max(k, 1), atol=0.2)
    np.testing.assert_allclose(peaks[:, 1], np.log(0.07), atol=0.5)


def test_mixed_precision_keeps_weights_and_outputs_in_single_precision() -> None:
    config = NetworkConfig("default", n_points=64, max_peaks=2, channels=(8, 8), features=16)
    net = architecture.build(config, mixed_precision=True)
    assert {str(v.dtype) for v in net.variables} == {"float32"}
    assert {str(output.dtype) for output in net.output.values()} == {"float32"}
    assert "bfloat16" in {layer.compute_dtype for layer in net.layers}


def test_sets_follow_each_other_without_gap() -> None:
    slices = architecture.set_slices(6)
    slots = [list(range(21))[part] for part in slices]
    assert [len(s) for s in slots] == [0, 1, 2, 3, 4, 5, 6]
    assert [i for s in slots for i in s] == list(range(architecture.n_sets(6)))


def test_layer_names_do_not_depend_on_other_networks(default: Any) -> None:
    # TensorFlow orders sums by these names: a second training would end with other weights.
    again = architecture.build(CONFIGS["default"])
    assert [layer.name for layer in again.layers] == [layer.name for layer in default.layers]
    names = {layer.name for layer in again.layers}
    assert len(names) == len(again.layers)
    assert {"spectrum", "conv1d", "conv1d_1", "dense", "flatten"} <= names


def test_unknown_architecture_is_refused() -> None:
    config = NetworkConfig("resnet", n_points=64, max_peaks=2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'park2020' or 'default', got 'resnet'"):
        architecture.build(config)
