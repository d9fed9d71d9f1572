"""Export of a Keras network as an ONNX graph that is fast in ONNX Runtime on a CPU.

Features along the window are stored channels first, (batch, channels, 1, places), from the first
convolution to the peak head. ONNX Runtime then runs the convolutions in its own layout, together
with biases, sums and rectifiers. Keras stores channels last, and its own export
(``model.export(format="onnx")``, Keras 3.15 with tf2onnx 1.17) transposes the values of every layer
twice: its graphs took 1.6 times as long, and it cannot write `default` (the operations behind
``ops.argmax`` are not supported). The figures are in benchmarks/RESULTS.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from xpsnet.models import onnx_cascade, peak_head
from xpsnet.models.onnx_builder import Graph, Made, Value

# Versions that every ONNX Runtime allowed by the package can read.
OPSET, IR_VERSION = 17, 8


def write_onnx(net: Any, file: Path) -> None:
    """Write a Keras network as an ONNX graph for any number of spectra.

    Parameters
    ----------
    net : keras.Model
        From `architecture.build`.
    file : Path
        File to write. The input is named "spectrum", the outputs as those of `net`.

    Raises
    ------
    ValueError
        If the network has a layer that cannot be written.
    """
    import onnx
    from onnx import helper

    single = onnx.TensorProto.FLOAT
    graph = Graph()
    made = _walk(net, graph)
    outputs = []
    for name, tensor in net.output.items():
        graph.nodes.append(helper.make_node("Identity", [made[id(tensor)].name], [name]))
        outputs.append(helper.make_tensor_value_info(name, single, ("spectra", *tensor.shape[1:])))
    spectrum = helper.make_tensor_value_info("spectrum", single, ("spectra", *net.input.shape[1:]))
    body = helper.make_graph(graph.nodes, net.name, [spectrum], outputs, graph.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(file))


def _walk(net: Any, graph: Graph) -> dict[int, Value]:
    """Write every layer; returns the value of each Keras tensor, by the id of the tensor."""
    made = {id(net.input): Value("spectrum", tuple(net.input.shape[1:]))}
    for layer in net.layers[1:]:
        kind = type(layer).__name__
        if kind not in _RULES:
            raise ValueError(f"expected layers of {sorted(_RULES)}, got {kind!r}")
        outputs = _RULES[kind](graph, layer, *(made[id(x)] for x in _listed(layer.input)))
        for tensor, output in zip(_listed(layer.output), _listed(outputs), strict=True):
            shape = tuple(tensor.shape[1:])
            made[id(tensor)] = output if isinstance(output, Value) else Value(output, shape)
    return made


def _listed(one_or_more: Any) -> list[Any]:
    """A list, also of a single item."""
    return list(one_or_more) if isinstance(one_or_more, list | tuple) else [one_or_more]


def _reshape(graph: Graph, layer: Any, value: Value) -> Made:
    shape = tuple(layer.target_shape)
    if value.channels_first:
        folded = value.folded * value.shape[0] // shape[0]
        return replace(value, shape=shape, folded=folded)
    return graph.reshape(value.name, *shape)


def _convolution(graph: Graph, layer: Any, value: Value) -> Made:
    value = graph.along(value)
    kernel, bias = (v.numpy() for v in layer.weights)
    (width,), (stride,) = layer.kernel_size, layer.strides
    if layer.padding == "same" and stride != 1:
        raise ValueError("expected a convolution with padding to have a stride of 1")
    pad = width - 1 if layer.padding == "same" else 0
    # (width, folded x channels, filters) to (filters, channels, 1, width x folded)
    wide = kernel.reshape(width * value.folded, -1, layer.filters).transpose(2, 1, 0)[:, :, None]
    name = graph.node(
        "Conv",
        value.name,
        wide,
        bias,
        kernel_shape=wide.shape[2:],
        strides=(1, stride * value.folded),
        pads=(0, pad // 2 * value.folded, 0, (pad - pad // 2) * value.folded),
    )
    return Value(graph.activated(name, layer), tuple(layer.output.shape[1:]), True)


def _max_pooling(graph: Graph, layer: Any, value: Value) -> Made:
    window = (1, *layer.pool_size)
    name = graph.node("MaxPool", value.name, kernel_shape=window, strides=(1, *layer.strides))
    return Value(name, tuple(layer.output.shape[1:]), True)


def _global_max_pooling(graph: Graph, layer: Any, value: Value) -> Made:
    return graph.reshape(graph.node("GlobalMaxPool", value.name), value.shape[1])


def _up_sampling(graph: Graph, layer: Any, value: Value) -> Made:
    name = graph.node(
        "Resize",
        value.name,
        "",
        np.array((1, 1, 1, layer.size), np.float32),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return Value(name, tuple(layer.output.shape[1:]), True)


def _add(graph: Graph, layer: Any, *values: Value) -> Made:
    if not any(value.channels_first for value in values):
        return graph.node("Add", *(value.name for value in values))
    first, second = map(graph.along, values)
    return Value(graph.node("Add", first.name, second.name), tuple(layer.output.shape[1:]), True)


def _relu(graph: Graph, layer: Any, value: Value) -> Made:
    return replace(value, name=graph.node("Relu", value.name))


def _softmax(graph: Graph, layer: Any, value: Value) -> Made:
    return graph.node("Softmax", value.name, axis=-1)


def _flatten(graph: Graph, layer: Any, value: Value) -> Made:
    return graph.reshape(graph.as_in_keras(value), *layer.output.shape[1:])


def _dense(graph: Graph, layer: Any, value: Value) -> Made:
    kernel, bias = (v.numpy() for v in layer.weights)
    return graph.activated(graph.node("Gemm", value.name, kernel, bias), layer)


def _concatenate(graph: Graph, layer: Any, *values: Value) -> Made:
    return graph.node("Concat", *map(graph.as_in_keras, values), axis=layer.axis)


def _normalization(graph: Graph, layer: Any, value: Value) -> Made:
    gamma, beta, mean, variance = (v.numpy() for v in layer.weights)
    scale = gamma / np.sqrt(variance + layer.epsilon)
    scaled = graph.node("Mul", value.name, scale)
    return graph.node("Add", scaled, beta - mean * scale)


def _place_attention(graph: Graph, layer: Any, weights: Value, local: Value, guess: Value) -> Made:
    places, slots = weights.shape
    place = ((np.arange(places, dtype=np.float32) + 0.5) / places)[:, None]
    guessed = graph.times(graph.reshape(guess.name, slots, 1), 1 / peak_head.REACH)
    away = graph.node("Sub", place.T / np.float32(peak_head.REACH), guessed)
    near = graph.reshape(graph.along(weights).name, slots, places)
    near = graph.node("Sub", near, graph.node("Mul", away, away))
    share = graph.node("Softmax", near, axis=-1)
    center = graph.reshape(graph.node("MatMul", share, place), slots)
    return graph.node("MatMul", share, graph.as_in_keras(local)), center


def _slot_dense(graph: Graph, layer: Any, value: Value) -> Made:
    kernel, bias = (v.numpy() for v in layer.weights)
    by_slot = graph.node("MatMul", graph.node("Transpose", value.name, perm=(1, 0, 2)), kernel)
    by_slot = graph.activated(graph.node("Add", by_slot, bias[:, None]), layer)
    return graph.node("Transpose", by_slot, perm=(1, 0, 2))


def _split_inputs(graph: Graph, layer: Any, value: Value) -> Made:
    ends = [np.array([x], np.int64) for x in np.cumsum((0, *layer.sizes))]
    axis = np.array([1], np.int64)
    return tuple(graph.node("Slice", value.name, a, b, axis) for a, b in pairwise(ends))


def _join_curves(graph: Graph, layer: Any, *curves: Value) -> Made:
    (points,) = curves[0].shape
    parts = [graph.reshape(one.name, points // layer.n, layer.n) for one in curves]
    return graph.reshape(graph.node("Concat", *parts, axis=-1), 2 * points)


def _known_features(graph: Graph, layer: Any, value: Value) -> Made:
    return graph.node("Relu", graph.node("MatMul", value.name, layer.kernel.numpy()))


def _modulate(graph: Graph, layer: Any, value: Value, known: Value) -> Made:
    scale, shift = np.split(layer.kernel.numpy(), 2, axis=1)
    channels = scale.shape[1]
    if value.channels_first:
        shape: tuple[int, ...] = (channels, 1, 1)
    else:
        shape = (1,) * (len(value.shape) - 1) + (channels,)
    factor = graph.plus(graph.node("MatMul", known.name, scale), 1)
    summand = graph.node("MatMul", known.name, shift)
    factor, summand = (graph.reshape(x, *shape) for x in (factor, summand))
    name = graph.node("Add", graph.node("Mul", value.name, factor), summand)
    return replace(value, name=name)


def _peaks(graph: Graph, layer: Any, out: Value, center: Value) -> Made:
    correction = graph.times(graph.part(out.name, 0, 1), peak_head.CORRECTION)
    moved = graph.node("Add", graph.reshape(center.name, *center.shape, 1), correction)
    return graph.node("Concat", moved, graph.part(out.name, 1, 4), axis=-1)


def _spreads(graph: Graph, layer: Any, out: Value) -> Made:
    return graph.part(out.name, 4, out.shape[-1])


_RULES: dict[str, Callable[..., Made]] = {
    "Add": _add,
    "BatchNormalization": _normalization,
    "Concatenate": _concatenate,
    "Conv1D": _convolution,
    "ApplyCorrections": onnx_cascade.apply_corrections,
    "Dense": _dense,
    "Flatten": _flatten,
    "GlobalMaxPooling1D": _global_max_pooling,
    "NoiseUnits": onnx_cascade.noise_units,
    "RunningIntegral": onnx_cascade.running_integral,
    "LogSquare": onnx_cascade.log_square,
    "PlaceAttention": _place_attention,
    "JoinCurves": _join_curves,
    "KnownFeatures": _known_features,
    "MaxPooling1D": _max_pooling,
    "Modulate": _modulate,
    "PoolSets": onnx_cascade.pool_sets,
    "SlotPeaks": _peaks,
    "SelectSlots": onnx_cascade.select_slots,
    "GatherSlots": onnx_cascade.gather_slots,
    "ScatterSlots": onnx_cascade.scatter_slots,
    "ReLU": _relu,
    "Reshape": _reshape,
    "Residual": onnx_cascade.residual,
    "SlotDense": _slot_dense,
    "Softmax": _softmax,
    "SlotSpreads": _spreads,
    "SplitInputs": _split_inputs,
    "UpSampling1D": _up_sampling,
}
