"""Layers by which what the caller knows of the lines changes the features of the network.

`SplitInputs` separates it from the spectrum, `KnownFeatures` makes features of it, and `Modulate`
scales and shifts other features by them (E. Perez et al., FiLM, AAAI 2018, arXiv 1709.07871). No
layer has a bias: where nothing is known, all inputs are 0 and nothing changes.

Shapes in the docstrings of the layers are those of one spectrum.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from keras import initializers, layers, ops

KNOWN_FEATURES = 32


class SplitInputs(layers.Layer):  # type: ignore[misc]
    """The inputs in parts of these sizes: curves, and what is known."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes = sizes

    def call(self, inputs: Any) -> tuple[Any, ...]:
        """Input (sum of sizes,), outputs (size,) each."""
        ends = np.cumsum((0, *self.sizes))
        return tuple(inputs[:, a:b] for a, b in pairwise(ends))


class JoinCurves(layers.Layer):  # type: ignore[misc]
    """Two curves in one: some points of the first, as many of the second, and so on."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def call(self, curves: Any) -> Any:
        """Inputs (points,) each, output (2 points,)."""
        parts = [ops.reshape(one, (-1, one.shape[1] // self.n, self.n)) for one in curves]
        return ops.reshape(ops.concatenate(parts, axis=-1), (-1, 2 * curves[0].shape[1]))


class KnownFeatures(layers.Layer):  # type: ignore[misc]
    """Features of what is known: a layer without bias, then a rectifier."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units

    def build(self, shape: Any) -> None:
        """Create the weights."""
        self.kernel = self.add_weight(shape=(shape[-1], self.units), initializer="he_normal")

    def call(self, known: Any) -> Any:
        """Input (known,), output (units,)."""
        return ops.relu(ops.matmul(known, self.kernel))


class Modulate(layers.Layer):  # type: ignore[misc]
    """Features, of places or of the whole spectrum, scaled and shifted by what is known.

    Both changes are 0 at the start of the training.
    """

    def build(self, shapes: Any) -> None:
        """Create the weights."""
        features, known = shapes
        self.kernel = self.add_weight(
            shape=(known[-1], 2 * features[-1]), initializer=initializers.Zeros()
        )

    def call(self, inputs: Any) -> Any:
        """Inputs (..., features) and (known features,), output (..., features)."""
        x, known = inputs
        change = ops.matmul(known, self.kernel)
        if len(x.shape) == 3:
            change = change[:, None, :]
        scale, shift = ops.split(change, 2, axis=-1)
        return x + x * scale + shift
