"""The last stage of `default`: every line is laid over the spectrum once more and corrected.

Features that convolutions have pooled say little about a few percent of a width. Here each slot
goes back to the spectrum: it cuts a window of its own, centered at its line and as wide as that
asks for, subtracts the lines of its set, and divides by its height. In these units all lines look
alike, so that one small network, the same for every slot, learns from all of them how to correct
center, FWHM, height and Lorentzian share, and how far off they still are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers, ops

from xpsnet.models.losses import as_lines, bell

# Bins of the window of a slot, and its half width in FWHM.
BINS, HALF_WINDOW = 32, 2.0
EDGES = np.linspace(-HALF_WINDOW, HALF_WINDOW, BINS + 1, dtype=np.float32)
MIDDLES = 0.5 * (EDGES[1:] + EDGES[:-1])
# Beside a small line much larger ones may go wrong: farther than this [heights] is all the same.
FARTHEST = 4.0
# Sizes of the two hidden layers.
HIDDEN = (192, 96)
# Unit of the corrections: center in FWHM, the rest as in the outputs.
CORRECTION = 0.1


def second_look(
    spectrum: Any, peaks: Any, log_spread: Any, seen: Any, sets: list[slice]
) -> tuple[Any, Any]:
    """Corrected peaks and spreads of every slot.

    Parameters
    ----------
    spectrum : tensor, shape (batch, points)
        What the network reads.
    peaks, log_spread : tensor, shape (batch, slots, 4)
        From `readout.slot_outputs`.
    seen : tensor, shape (batch, slots, features)
        What the slots know beside it.
    sets : list of slice
        The slots of each peak count.

    Returns
    -------
    peaks, log_spread : tensor, shape (batch, slots, 4)
    """
    x = layers.Concatenate()([Residual(sets)([spectrum, peaks]), peaks, seen])
    for units in HIDDEN:
        x = layers.Conv1D(units, 1, activation="relu")(x)  # over slots, so the same for all
    x = layers.Conv1D(8, 1, kernel_initializer="zeros")(x)
    return Corrected()([peaks, log_spread, x])  # type: ignore[no-any-return]


def neighbors(sets: list[slice]) -> tuple[Any, Any, Any]:
    """Pairs of different slots of one set: first, second (pairs,), and (slots, pairs) of firsts."""
    pairs = [
        (i, j)
        for part in sets
        for i in range(part.start, part.stop)
        for j in range(part.start, part.stop)
        if i != j
    ]
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    member = first[None, :] == np.arange(max(part.stop for part in sets))[:, None]
    return first, second, member.astype(np.float32)


class Residual(layers.Layer):  # type: ignore[misc]
    """What a set of lines leaves of the spectrum, and the neighbors, around each of its lines.

    Both are means over `BINS` bins in units of the height of the line. The residual is without its
    mean, so that the background only counts as far as it is not constant.
    """

    def __init__(self, sets: list[slice]) -> None:
        super().__init__()
        self.first, self.second, self.member = neighbors(sets)

    def call(self, inputs: Any) -> Any:
        """Inputs (points,), (slots, 4); output (slots, 2 `BINS`)."""
        spectrum, peaks = inputs
        # The lines learn from their corrections, not from where these looked.
        center, fwhm, height, fraction = as_lines(ops, ops.stop_gradient(peaks))
        mean, inside = _bin_means(spectrum, center, fwhm)
        others = self._others(center, fwhm, height, fraction)
        own = bell(ops, np.square(MIDDLES), fraction)
        rest = mean / height - (own + others) * inside
        bins = ops.maximum(ops.sum(inside, axis=-1, keepdims=True), 1)
        level = ops.sum(rest, axis=-1, keepdims=True) / bins
        rest = ops.clip(rest - level * inside, -FARTHEST, FARTHEST)
        return ops.concatenate([rest, ops.minimum(others, FARTHEST)], axis=-1)

    def _others(self, center: Any, fwhm: Any, height: Any, fraction: Any) -> Any:
        """Sum of the other lines of the set, (slots, BINS)."""
        here = [ops.take(x, self.first, axis=1) for x in (center, fwhm, height)]
        there = [ops.take(x, self.second, axis=1) for x in (center, fwhm, height, fraction)]
        z = (here[0] - there[0]) / there[1] + here[1] / there[1] * MIDDLES
        lines = there[2] / here[2] * bell(ops, ops.square(z), there[3])
        return ops.matmul(self.member, lines)


def _bin_means(spectrum: Any, center: Any, fwhm: Any) -> tuple[Any, Any]:
    """Means of the spectrum in the bins of every slot, 0 outside, and how much of them is inside.

    Integrals of the straight lines between the points: the difference of two of them averages the
    noise over a wide bin and interpolates in a narrow one.
    """
    n = spectrum.shape[1]
    place = ops.clip((center + fwhm * EDGES) * (n - 1), 0, n - 1)
    # Limits are set on the integers: what is no number must not become an index out of bounds.
    index = ops.clip(ops.cast(ops.floor(place), "int32"), 0, n - 2)
    rise = ops.pad(spectrum[:, 1:] - spectrum[:, :-1], ((0, 0), (0, 1)))
    # A narrow bin is a small difference of large integrals, and then divided by a small height.
    exact = ops.cast(ops.stack([spectrum, rise], axis=-1), "float64")
    integral = ops.cumsum(exact[:, :, :1], axis=1) - 0.5 * exact[:, :, :1]
    table = ops.reshape(ops.concatenate([integral, exact], axis=-1), (-1, 3))
    row = ops.cast(ops.arange(ops.shape(spectrum)[0]), "int32")[:, None, None] * n
    found = ops.take(table, index + row, axis=0)
    part = ops.cast(place - ops.cast(index, "float32"), "float64")
    until = found[..., 0] + part * (found[..., 1] + 0.5 * part * found[..., 2])
    bin_width = fwhm * (2 * HALF_WINDOW / BINS * (n - 1))  # in points
    steps = (x[:, :, 1:] - x[:, :, :-1] for x in (until, place))
    mean, inside = (ops.cast(x, "float32") / bin_width for x in steps)
    return mean, inside


class Corrected(layers.Layer):  # type: ignore[misc]
    """Peaks and spreads with their corrections."""

    def call(self, inputs: Any) -> Any:
        """Inputs (slots, 4), (slots, 4), (slots, 8); outputs (slots, 4), (slots, 4)."""
        peaks, log_spread, change = inputs
        _, fwhm, _, _ = as_lines(ops, ops.stop_gradient(peaks))
        unit = ops.concatenate([fwhm, *[ops.ones_like(fwhm)] * 3], axis=-1)
        return peaks + CORRECTION * unit * change[:, :, :4], log_spread + change[:, :, 4:]
