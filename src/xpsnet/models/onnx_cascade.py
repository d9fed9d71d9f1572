"""The layers of `cascade` as operations of an ONNX graph.

The results are those of Keras, with the operations in another order: what all bins of a line share
is computed once, because in this part of the network the time goes into element-wise operations.
Each function takes the graph, the Keras layer and its inputs, and gives its outputs.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xpsnet.models import cascade
from xpsnet.models.slot_lines import LOG_FWHM, LOG_HEIGHT

if TYPE_CHECKING:
    from xpsnet.models.onnx_builder import Graph, Value

# Codes of the data types in ONNX.
_SINGLE, _INTEGER, _DOUBLE = 1, 6, 11
_LN2 = float(np.log(2.0))


def running_integral(graph: Graph, layer: Any, spectrum: Value) -> tuple[str, str, str]:
    """Write a `cascade.RunningIntegral` layer."""
    (n,) = spectrum.shape
    first, last, end, axis = (np.array([x], np.int64) for x in (1, n - 1, n, 1))
    behind = graph.node("Slice", spectrum.name, first, end, axis)
    behind = graph.node("Concat", behind, graph.node("Slice", behind, last - 1, last, axis), axis=1)
    rise = graph.node("Sub", behind, spectrum.name)
    exact = graph.node("Cast", spectrum.name, to=_DOUBLE)
    until = graph.node("CumSum", exact, np.array(1, np.int64))
    until = graph.node("Sub", until, graph.node("Mul", exact, graph.number(0.5, np.float64)))
    return until, exact, graph.node("Cast", rise, to=_DOUBLE)


def residual(
    graph: Graph, layer: Any, until: Value, exact: Value, rise: Value, peaks: Value
) -> str:
    """Write a `cascade.Residual` layer."""
    center = graph.part(peaks.name, 0, 1)
    fwhm = _exponential(graph, graph.part(peaks.name, 1, 2), LOG_FWHM)
    height = _exponential(graph, graph.part(peaks.name, 2, 3), LOG_HEIGHT)
    fraction = graph.clipped(graph.part(peaks.name, 3, 4), 0.0, 1.0)
    part, width, inside = _bin_integrals(graph, (until, exact, rise), center, fwhm, peaks.shape[0])
    mean = graph.node("Div", part, graph.node("Mul", width, height))
    square = 4 * np.square(cascade.MIDDLES)
    gaussian, lorentzian = np.exp(-_LN2 * square), 1 / (1 + square)
    own = graph.node("Gemm", graph.reshape(fraction, 1), (lorentzian - gaussian)[None], gaussian)
    own = graph.reshape(own, peaks.shape[0], cascade.BINS)
    if layer.first.size:
        others = _others(graph, layer, center, fwhm, height, fraction)
    else:
        others = graph.times(own, 0.0)  # an empty product would end the process of ONNX Runtime
    lines = graph.node("Mul", graph.node("Add", own, others), inside)
    rest = graph.node("Sub", mean, lines)
    bins = graph.node("Max", _over_bins(graph, inside), graph.number(1))
    level = graph.node("Div", _over_bins(graph, rest), bins)
    rest = graph.node("Sub", rest, graph.node("Mul", level, inside))
    far = cascade.MAX_RESIDUAL
    rest, others = graph.clipped(rest, -far, far), graph.clipped(others, 0.0, far)
    return graph.node("Concat", rest, others, axis=-1)


def _over_bins(graph: Graph, name: str) -> str:
    """Sum over the bins."""
    return graph.node("ReduceSum", name, np.array([2], np.int64), keepdims=1)


def _others(graph: Graph, layer: Any, center: str, fwhm: str, height: str, fraction: str) -> str:
    """Sum of the other lines of the set of each slot, in heights of its line."""
    lorentzian = graph.node("Mul", height, fraction)
    gaussian = graph.node("Sub", height, lorentzian)
    per_half = graph.times(graph.node("Reciprocal", fwhm), 2)
    per_height = graph.node("Reciprocal", height)
    mine = graph.node("Concat", center, fwhm, per_height, axis=-1)
    here = graph.node("Gather", mine, layer.first, axis=1)
    mine = graph.node("Concat", center, per_half, lorentzian, gaussian, axis=-1)
    there = graph.node("Gather", mine, layer.second, axis=1)
    center_here, fwhm_here, per_height = (graph.part(here, i, i + 1) for i in range(3))
    center_there, per_half, lorentzian, gaussian = (graph.part(there, i, i + 1) for i in range(4))
    away = graph.node("Mul", graph.node("Sub", center_here, center_there), per_half)
    ratio = graph.node("Mul", fwhm_here, per_half)
    lorentzian, gaussian = (graph.node("Mul", x, per_height) for x in (lorentzian, gaussian))
    # One matrix product is faster than multiplying and adding values that all bins share.
    bins = np.stack([cascade.MIDDLES, np.ones_like(cascade.MIDDLES)])
    twice = graph.node("MatMul", graph.node("Concat", ratio, away, axis=-1), bins)
    square = graph.node("Mul", twice, twice)
    gaussian = graph.node("Mul", gaussian, graph.node("Exp", graph.times(square, -_LN2)))
    wide = graph.plus(square, 1)
    lines = graph.node("Add", gaussian, graph.node("Div", lorentzian, wide))
    return graph.node("MatMul", layer.member, lines)


def _bin_integrals(
    graph: Graph, table: tuple[Value, Value, Value], center: str, fwhm: str, slots: int
) -> tuple[str, str, str]:
    """Integral over each bin, width of a bin in points, and the part of each bin in the window."""
    (n,), shape = table[0].shape, (slots, cascade.BINS + 1)
    last = n - 1
    edges = np.float32(last) * np.stack([np.ones_like(cascade.EDGES), cascade.EDGES])
    place = graph.node("MatMul", graph.node("Concat", center, fwhm, axis=-1), edges)
    place = graph.clipped(place, 0.0, last)
    index = graph.node("Cast", place, to=_INTEGER)  # rounds down
    index = graph.node("Clip", index, np.array(0, np.int32), np.array(last - 1, np.int32))
    rows = graph.reshape(index, math.prod(shape))
    before, at, slope = (
        graph.reshape(graph.node("GatherElements", x.name, rows, axis=1), *shape) for x in table
    )
    part = graph.node("Sub", place, graph.node("Cast", index, to=_SINGLE))
    part = graph.node("Cast", part, to=_DOUBLE)
    half = graph.node("Mul", part, graph.number(0.5, np.float64))
    line = graph.node("Add", at, graph.node("Mul", half, slope))
    until = graph.node("Add", before, graph.node("Mul", part, line))
    width = graph.times(fwhm, 2 * cascade.HALF_WINDOW / cascade.BINS * last)
    integral = graph.node("Cast", _steps(graph, until), to=_SINGLE)
    return integral, width, graph.node("Div", _steps(graph, place), width)


def _steps(graph: Graph, name: str) -> str:
    """Differences between the edges of the bins."""
    bins = cascade.BINS
    return graph.node("Sub", graph.part(name, 1, bins + 1), graph.part(name, 0, bins))


def _exponential(graph: Graph, name: str, limits: tuple[float, float]) -> str:
    """Exponential of values within limits."""
    return graph.node("Exp", graph.clipped(name, *limits))


def apply_corrections(
    graph: Graph, layer: Any, peaks: Value, log_spread: Value, change: Value
) -> tuple[str, str]:
    """Write a `cascade.ApplyCorrections` layer."""
    fwhm = _exponential(graph, graph.part(peaks.name, 1, 2), LOG_FWHM)
    moved = graph.as_in_keras(change)
    center = graph.node("Mul", fwhm, graph.part(moved, 0, 1))
    step = graph.node("Concat", center, graph.part(moved, 1, 4), axis=-1)
    step = graph.times(step, cascade.CORRECTION)
    return (
        graph.node("Add", peaks.name, step),
        graph.node("Add", log_spread.name, graph.part(moved, 4, 8)),
    )


def noise_units(graph: Graph, layer: Any, residual: Value, peaks: Value) -> str:
    """Write a `cascade.NoiseUnits` layer."""
    bins = cascade.BINS
    rest = graph.part(residual.name, 0, bins)
    # Differences from the mean of the two neighbors, as a matrix product.
    difference = np.zeros((bins, bins - 2), np.float32)
    for i in range(bins - 2):
        difference[i : i + 3, i] = -0.5, 1.0, -0.5
    rough = graph.node("MatMul", rest, difference)
    mean = np.full((bins - 2, 1), 1 / (1.5 * (bins - 2)), np.float32)
    variance = graph.node("MatMul", graph.node("Mul", rough, rough), mean)
    height = _exponential(graph, graph.part(peaks.name, 2, 3), LOG_HEIGHT)
    least = graph.times(graph.node("Reciprocal", height), cascade.ROUNDING)
    least = graph.plus(least, cascade.MIN_NOISE)
    sigma = graph.node("Add", graph.node("Sqrt", variance), least)
    most = cascade.MAX_SIGMAS
    sigmas = graph.clipped(graph.node("Div", rest, sigma), -most, most)
    sigmas = graph.times(sigmas, 1 / cascade.SIGMA_UNIT)
    size = graph.times(graph.node("Log", sigma), 1 / cascade.LOG_SIGMA_UNIT)
    return graph.node("Concat", sigmas, size, axis=-1)


def log_square(graph: Graph, layer: Any, value: Value) -> Value:
    """Write a `cascade.LogSquare` layer, for any order of the values."""
    square = graph.node("Mul", value.name, value.name)
    return replace(value, name=graph.node("Log", graph.plus(square, 1)))


def pool_sets(graph: Graph, layer: Any, evidence: Value) -> str:
    """Write a `cascade.PoolSets` layer."""
    slots, axis, largest = graph.as_in_keras(evidence), np.array([1], np.int64), []
    member = np.zeros((len(layer.sets), evidence.shape[0]), np.float32)
    for number, part in enumerate(layer.sets):
        member[number, part] = 1
        ends = (np.array([x], np.int64) for x in (part.start, part.stop))
        mine = graph.node("Slice", slots, *ends, axis)
        largest.append(graph.node("ReduceMax", mine, axes=[1], keepdims=1))
    total = graph.node("MatMul", member, slots)
    return graph.node("Concat", total, graph.node("Concat", *largest, axis=1), axis=-1)


def select_slots(graph: Graph, layer: Any, logits: Value) -> tuple[str, str]:
    """Write a `cascade.SelectSlots` layer."""
    count = graph.node("ArgMax", logits.name, axis=-1, keepdims=0)
    slots, away = (graph.node("Gather", x, count, axis=0) for x in (layer.slots, layer.away))
    return slots, away


def gather_slots(
    graph: Graph, layer: Any, slots: Value, away: Value, known: Value
) -> tuple[str, str]:
    """Write a `cascade.GatherSlots` layer."""
    mine = graph.node("MatMul", slots.name, known.name)
    center = graph.node("Add", graph.part(mine, 0, 1), away.name)
    return graph.node("Concat", center, graph.part(mine, 1, 4), axis=-1), mine


def scatter_slots(graph: Graph, layer: Any, slots: Value, change: Value) -> str:
    """Write a `cascade.ScatterSlots` layer."""
    back = graph.node("Transpose", slots.name, perm=(0, 2, 1))
    return graph.node("MatMul", back, graph.as_in_keras(change))
