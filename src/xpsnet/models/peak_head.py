"""The head of `default` that reads peaks where they are: each output slot looks at its own place.

A dense layer on flattened features says where a line is only as well as it remembers 96 places at
once. Here it gives a first guess of every center; the slot then weighs the local features around
that guess (softmax over the places: an attention with one query per slot), and its own small dense
layers read the exact center, width, height and Lorentzian share from what they see. At equal
training the errors of centers are half of those of dense heads alone.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

# Width of the region around a first guess that a slot sees at the start of the training, as a
# share of the window, and the farthest that the answer ordinarily lies from what it weighed.
REACH = 0.06
CORRECTION = 0.1


def slot_outputs(
    local: Any, state: Any, guess: Any, start: Any, hidden: int
) -> tuple[Any, Any, Any]:
    """Peaks and spreads of every slot, and what they were read from.

    Parameters
    ----------
    local : tensor, shape (batch, places, channels)
        Features along the window.
    state : tensor, shape (batch, slots, features)
        What the whole spectrum says to each slot.
    guess : tensor, shape (batch, slots)
        First guess of the centers, 0 to 1.
    start : ndarray, shape (slots, 4)
        Where the peaks begin, of which FWHM, height and share are used.
    hidden : int
        Width of the slots' dense layers.

    Returns
    -------
    peaks, log_spread : tensor, shape (batch, slots, 4)
    seen : tensor, shape (batch, slots, hidden)
    """
    slots = start.shape[0]
    bias = np.concatenate([0 * start[:, :1], start[:, 1:], np.full((slots, 4), -1.0)], axis=1)
    weights = layers.Conv1D(slots, 1)(local)  # (places, slots)
    seen, center = Look()([weights, local, guess])
    seen = layers.Concatenate()([seen, state, layers.Reshape((slots, 1))(center)])
    seen = SlotDense(hidden, scale=2.0, activation="relu")(seen)
    out = SlotDense(8, scale=0.1, bias=bias)(seen)
    return Peaks()([out, center]), Spreads()(out), seen


class Look(layers.Layer):  # type: ignore[misc]
    """Weighted mean of local features and places, for every slot."""

    def call(self, inputs: Any) -> tuple[Any, Any]:
        """Inputs (places, slots), (places, channels), (slots,); see `slot_outputs`."""
        weights, local, guess = inputs
        n = weights.shape[1]
        place = (np.arange(n, dtype=np.float32)[None, :, None] + 0.5) / n
        weights = weights - ops.square((place - guess[:, None, :]) / REACH)
        weights = ops.softmax(weights, axis=1)
        center = ops.sum(weights * place, axis=1)
        return ops.matmul(ops.transpose(weights, (0, 2, 1)), local), center


class SlotDense(layers.Layer):  # type: ignore[misc]
    """Dense layer with weights of its own for each slot, shape (batch, slots, features)."""

    def __init__(
        self, units: int, *, scale: float, bias: Any = None, activation: str | None = None
    ) -> None:
        super().__init__()
        self.units, self.scale, self.start = units, scale, bias
        self.activation = keras.activations.get(activation)

    def build(self, shape: Any) -> None:
        """Create the weights."""
        initializer = keras.initializers.VarianceScaling(self.scale)
        self.kernel = self.add_weight(shape=(*shape[1:], self.units), initializer=initializer)
        self.bias = self.add_weight(shape=(shape[1], self.units), initializer="zeros")
        if self.start is not None:
            self.bias.assign(np.asarray(self.start, np.float32))

    def call(self, inputs: Any) -> Any:
        """Outputs of shape (batch, slots, units)."""
        by_slot = ops.matmul(ops.transpose(inputs, (1, 0, 2)), self.kernel)
        return self.activation(ops.transpose(by_slot, (1, 0, 2)) + self.bias)


class Peaks(layers.Layer):  # type: ignore[misc]
    """Peaks of slots: the center that was looked at, corrected, and the shape."""

    def call(self, inputs: Any) -> Any:
        """Inputs (slots, 8) and (slots,), output (slots, 4)."""
        out, center = inputs
        return ops.concatenate([center[:, :, None] + CORRECTION * out[:, :, :1], out[:, :, 1:4]], 2)


class Spreads(layers.Layer):  # type: ignore[misc]
    """Logarithms of the spreads of slots."""

    def call(self, inputs: Any) -> Any:
        """Input (slots, 8), output (slots, 4)."""
        return inputs[:, :, 4:]
