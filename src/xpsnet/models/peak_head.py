"""The peak head of `default`: every output slot reads its peak from the features around it.

A dense layer on all features gives a first guess of every center. Each slot then averages the local
features around its guess, weighted by a softmax over the positions (attention with one query per
slot), and its own dense layers give center, FWHM, height and Lorentzian fraction. With the same
training, the errors of the centers are half of those of dense layers alone.

Shapes are those of one spectrum: slots are the peaks of all counts (1 + 2 + ... + max_peaks),
places are the positions along the window (48 in the shipped network).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

# Width of the region around the first guess that a slot averages at the start of the training, and
# unit of the correction of the center, both as fractions of the window.
REACH = 0.06
CORRECTION = 0.1


def slot_outputs(
    local: Any, state: Any, guess: Any, start: Any, hidden: int
) -> tuple[Any, Any, Any]:
    """Peaks and spreads of all slots, and the features that they are computed from.

    Parameters
    ----------
    local : tensor, shape (batch, places, channels)
        Features along the window.
    state : tensor, shape (batch, slots, features)
        Features of the whole spectrum, for each slot.
    guess : tensor, shape (batch, slots)
        First guess of the centers, 0 to 1.
    start : ndarray, shape (slots, 4)
        Initial outputs, of which FWHM, height and fraction are used.
    hidden : int
        Number of units of the hidden layer.

    Returns
    -------
    peaks, log_spread : tensor, shape (batch, slots, 4)
        See `architecture.PEAK_PARAMETERS`.
    features : tensor, shape (batch, slots, hidden)
    """
    slots = start.shape[0]
    bias = np.concatenate([0 * start[:, :1], start[:, 1:], np.full((slots, 4), -1.0)], axis=1)
    weights = layers.Conv1D(slots, 1)(local)  # (places, slots)
    features, center = PlaceAttention()([weights, local, guess])
    features = layers.Concatenate()([features, state, layers.Reshape((slots, 1))(center)])
    features = SlotDense(hidden, scale=2.0, activation="relu")(features)
    out = SlotDense(8, scale=0.1, bias=bias)(features)
    return SlotPeaks()([out, center]), SlotSpreads()(out), features


class PlaceAttention(layers.Layer):  # type: ignore[misc]
    """Mean of the local features and of the position, with own weights for every slot.

    Inputs (places, slots), (places, channels), (slots,); outputs (slots, channels), (slots,).
    """

    def call(self, inputs: Any) -> tuple[Any, Any]:
        """Inputs are weights, local features and first guesses; see `slot_outputs`."""
        weights, local, guess = inputs
        n = weights.shape[1]
        place = (np.arange(n, dtype=np.float32)[None, :, None] + 0.5) / n
        weights = weights - ops.square((place - guess[:, None, :]) / REACH)
        weights = ops.softmax(weights, axis=1)
        center = ops.sum(weights * place, axis=1)
        return ops.matmul(ops.transpose(weights, (0, 2, 1)), local), center


class SlotDense(layers.Layer):  # type: ignore[misc]
    """Dense layer with separate weights for each slot, shape (batch, slots, features)."""

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


class SlotPeaks(layers.Layer):  # type: ignore[misc]
    """Peaks of the slots: mean position plus a correction, and the other parameters."""

    def call(self, inputs: Any) -> Any:
        """Inputs (slots, 8) and (slots,), output (slots, 4)."""
        out, center = inputs
        return ops.concatenate([center[:, :, None] + CORRECTION * out[:, :, :1], out[:, :, 1:4]], 2)


class SlotSpreads(layers.Layer):  # type: ignore[misc]
    """Logarithms of the spreads of the slots."""

    def call(self, inputs: Any) -> Any:
        """Input (slots, 8), output (slots, 4)."""
        return inputs[:, :, 4:]
