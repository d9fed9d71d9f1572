"""Builder of ONNX graphs: nodes and constants are added one operation at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Value:
    """One tensor of the graph.

    Attributes
    ----------
    name : str
        Name in the graph.
    shape : tuple of int
        Shape in Keras, without the batch.
    channels_first : bool
        Whether (places, channels) is stored as (channels, 1, places).
    folded : int
        Number of neighboring places that are channels in Keras but still places in the graph. The
        next convolution covers them with a longer kernel and a stride.
    """

    name: str
    shape: tuple[int, ...]
    channels_first: bool = False
    folded: int = 1


# Result of a rule: names of tensors that are stored in the order of Keras, or values.
Made = Value | str | tuple[str, ...]


class Graph:
    """Nodes and constants, in the order of the computation."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, *inputs: str | npt.NDArray[Any], **attributes: Any) -> str:
        """Add one operation; arrays become constants. Returns the name of its output."""
        from onnx import helper

        names = [x if isinstance(x, str) else self._constant(x) for x in inputs]
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], name=output, **attributes))
        return output

    def reshape(self, name: str, *shape: int) -> str:
        """Reshape to (spectra, *shape)."""
        return self.node("Reshape", name, np.array((-1, *shape), np.int64))

    def part(self, name: str, start: int, stop: int) -> str:
        """Part of the last axis of (batch, slots, values)."""
        ends = (np.array([x], np.int64) for x in (start, stop, 2))
        return self.node("Slice", name, *ends)

    @staticmethod
    def number(value: float, kind: Any = np.float32) -> npt.NDArray[Any]:
        """Constant of shape (1, 1); with fewer axes the operations can take ten times as long."""
        return np.full((1, 1), value, kind)

    def times(self, name: str, factor: float) -> str:
        """Values times a number."""
        return self.node("Mul", name, self.number(factor))

    def plus(self, name: str, summand: float) -> str:
        """Values plus a number."""
        return self.node("Add", name, self.number(summand))

    def clipped(self, name: str, low: float, high: float) -> str:
        """Values within limits."""
        return self.node("Clip", name, np.array(low, np.float32), np.array(high, np.float32))

    def along(self, value: Value) -> Value:
        """The value with channels first."""
        if value.channels_first:
            return value
        places, channels = value.shape
        if places == 1:
            name = self.reshape(value.name, channels, 1, 1)
            return replace(value, name=name, channels_first=True)
        # Places with their channels in a row are one channel with places * channels places.
        name = self.reshape(value.name, 1, 1, places * channels)
        return replace(value, name=name, channels_first=True, folded=channels)

    def as_in_keras(self, value: Value) -> str:
        """Name of the value in the order of Keras."""
        if not value.channels_first:
            return value.name
        return self.reshape(self.node("Transpose", value.name, perm=(0, 2, 3, 1)), *value.shape)

    def activated(self, name: str, layer: Any) -> str:
        """Output of a layer after its activation."""
        kind = layer.activation.__name__
        if kind not in ("linear", "relu"):
            raise ValueError(f"expected layers with activation relu or none, got {kind!r}")
        return self.node("Relu", name) if kind == "relu" else name

    def _constant(self, array: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name
