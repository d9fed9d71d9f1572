"""The layers of `second_look` as operations of an ONNX graph.

The same sums in another order: what is the same for all bins of a line is worked out before them,
since at this place of the network the time goes into operations on single values.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from xpsnet.models import second_look
from xpsnet.models.losses import LOG_FWHM, LOG_HEIGHT

if TYPE_CHECKING:
    from xpsnet.models.onnx_graph import Graph, Value

# Types of values, as ONNX numbers them.
_SINGLE, _INTEGER, _DOUBLE = 1, 6, 11
_LN2 = float(np.log(2.0))


def residual(graph: Graph, layer: Any, spectrum: Value, peaks: Value) -> str:
    """What `second_look.Residual` does."""
    center = graph.part(peaks.name, 0, 1)
    fwhm = _exponential(graph, graph.part(peaks.name, 1, 2), LOG_FWHM)
    height = _exponential(graph, graph.part(peaks.name, 2, 3), LOG_HEIGHT)
    fraction = graph.clipped(graph.part(peaks.name, 3, 4), 0.0, 1.0)
    mean, inside = _bin_means(graph, spectrum, center, fwhm, peaks.shape[0])
    square = 4 * np.square(second_look.MIDDLES)
    gaussian, lorentzian = np.exp(-_LN2 * square), 1 / (1 + square)
    own = graph.node("Mul", fraction, lorentzian - gaussian)
    own = graph.node("Add", own, gaussian)
    if layer.first.size:
        others = _others(graph, layer, center, fwhm, height, fraction)
    else:
        others = graph.times(own, 0.0)  # ONNX Runtime ends the process on an empty product
    lines = graph.node("Mul", graph.node("Add", own, others), inside)
    rest = graph.node("Sub", graph.node("Div", mean, height), lines)
    ones = np.ones((second_look.BINS, 1), np.float32)
    bins = graph.node("Max", graph.node("MatMul", inside, ones), np.array(1, np.float32))
    level = graph.node("Div", graph.node("MatMul", rest, ones), bins)
    rest = graph.node("Sub", rest, graph.node("Mul", level, inside))
    far = second_look.FARTHEST
    rest, others = graph.clipped(rest, -far, far), graph.clipped(others, 0.0, far)
    return graph.node("Concat", rest, others, axis=-1)


def _others(graph: Graph, layer: Any, center: str, fwhm: str, height: str, fraction: str) -> str:
    every = graph.node("Concat", center, fwhm, height, fraction, axis=-1)
    here, there = (graph.node("Gather", every, x, axis=1) for x in (layer.first, layer.second))
    center_here, fwhm_here, height_here = (graph.part(here, i, i + 1) for i in range(3))
    center_there, fwhm_there, height_there, fraction = (
        graph.part(there, i, i + 1) for i in range(4)
    )
    half = graph.times(fwhm_there, 0.5)
    away = graph.node("Div", graph.node("Sub", center_here, center_there), half)
    ratio = graph.node("Div", fwhm_here, half)
    scale = graph.node("Div", height_there, height_here)
    lorentzian = graph.node("Mul", scale, fraction)
    gaussian = graph.node("Sub", scale, lorentzian)
    # A product of matrices is faster than factors and summands that are the same for all bins.
    bins = np.stack([second_look.MIDDLES, np.ones_like(second_look.MIDDLES)])
    twice = graph.node("MatMul", graph.node("Concat", ratio, away, axis=-1), bins)
    square = graph.node("Mul", twice, twice)
    gaussian = graph.node("Mul", gaussian, graph.node("Exp", graph.times(square, -_LN2)))
    wide = graph.node("Add", square, np.array(1, np.float32))
    lines = graph.node("Add", gaussian, graph.node("Div", lorentzian, wide))
    return graph.node("MatMul", layer.member, lines)


def _bin_means(
    graph: Graph, spectrum: Value, center: str, fwhm: str, slots: int
) -> tuple[str, str]:
    (n,), shape = spectrum.shape, (slots, second_look.BINS + 1)
    edges = graph.node("Add", center, graph.node("Mul", fwhm, second_look.EDGES))
    place = graph.clipped(graph.times(edges, n - 1), 0.0, n - 1)
    index = graph.node("Cast", graph.node("Floor", place), to=_INTEGER)
    index = graph.node("Clip", index, np.array(0, np.int32), np.array(n - 2, np.int32))
    first, last, end, axis = (np.array([x], np.int64) for x in (1, n - 1, n, 1))
    behind = graph.node("Slice", spectrum.name, first, end, axis)
    behind = graph.node("Concat", behind, graph.node("Slice", behind, last - 1, last, axis), axis=1)
    rise = graph.node("Sub", behind, spectrum.name)
    exact = graph.node("Cast", spectrum.name, to=_DOUBLE)
    integral = graph.node("CumSum", exact, np.array(1, np.int64))
    integral = graph.node("Sub", integral, graph.node("Mul", exact, np.array(0.5)))
    rows = graph.reshape(index, math.prod(shape))
    before, at, slope = (
        graph.reshape(graph.node("GatherElements", x, rows, axis=1), *shape)
        for x in (integral, exact, graph.node("Cast", rise, to=_DOUBLE))
    )
    part = graph.node("Sub", place, graph.node("Cast", index, to=_SINGLE))
    part = graph.node("Cast", part, to=_DOUBLE)
    half = graph.node("Mul", part, np.array(0.5))
    line = graph.node("Add", at, graph.node("Mul", half, slope))
    until = graph.node("Add", before, graph.node("Mul", part, line))
    width = graph.times(fwhm, 2 * second_look.HALF_WINDOW / second_look.BINS * (n - 1))
    mean = graph.node("Cast", _steps(graph, until), to=_SINGLE)
    return graph.node("Div", mean, width), graph.node("Div", _steps(graph, place), width)


def _steps(graph: Graph, name: str) -> str:
    """Differences along the edges of bins."""
    bins = second_look.BINS
    return graph.node("Sub", graph.part(name, 1, bins + 1), graph.part(name, 0, bins))


def _exponential(graph: Graph, name: str, limits: tuple[float, float]) -> str:
    return graph.node("Exp", graph.clipped(name, *limits))


def corrected(
    graph: Graph, layer: Any, peaks: Value, log_spread: Value, change: Value
) -> tuple[str, str]:
    """What `second_look.Corrected` does."""
    fwhm = _exponential(graph, graph.part(peaks.name, 1, 2), LOG_FWHM)
    moved = graph.as_in_keras(change)
    center = graph.node("Mul", fwhm, graph.part(moved, 0, 1))
    step = graph.node("Concat", center, graph.part(moved, 1, 4), axis=-1)
    step = graph.times(step, second_look.CORRECTION)
    return (
        graph.node("Add", peaks.name, step),
        graph.node("Add", log_spread.name, graph.part(moved, 4, 8)),
    )
