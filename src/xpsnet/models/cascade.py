"""The last stages of `default`: correction of the peaks and of the count by the residual.

The convolutions give the peaks to some percent. Here each slot takes a window of the spectrum,
centered at its line and a few FWHM wide, subtracts all lines of its set and divides by the height
of its line. In these units all lines look alike, so that one small network, the same for all slots,
learns how to correct center, FWHM, height and Lorentzian fraction, and the size of the remaining
error.

The first pass of the network is that of the convolutions. The second pass corrects the sets of all
counts, and the count: with too few lines a residual is larger than the noise, with too many a line
is not. The third pass corrects the set of the most probable count again.

Shapes in the docstrings of the layers are those of one spectrum: points are those of the spectrum,
slots the peaks of all counts, bins the parts of the window of a slot.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers, ops

from xpsnet.models.modulation import Modulate
from xpsnet.models.slot_lines import as_lines, bell

# Number of bins in the window of a slot, and half the width of the window in FWHM.
BINS, HALF_WINDOW = 32, 2.0
EDGES = np.linspace(-HALF_WINDOW, HALF_WINDOW, BINS + 1, dtype=np.float32)
MIDDLES = 0.5 * (EDGES[1:] + EDGES[:-1])
# Larger residuals, in heights of the line, are cut off: they come from larger lines beside it.
MAX_RESIDUAL = 4.0
# Units of the two hidden layers of each pass.
HIDDEN = (192, 96)
# Unit of the corrections; that of the center is in FWHM, the others are as in the outputs.
CORRECTION = 0.1
# Residuals are cut off at this number of standard deviations; units in which they and the logarithm
# of the standard deviation are of the order of 1.
MAX_SIGMAS, SIGMA_UNIT, LOG_SIGMA_UNIT = 10.0, 2.0, 3.0
# Added to the noise, in heights of the line and in units of the spectrum, so that rounding errors,
# which the division by a small height enlarges, do not count as a residual.
MIN_NOISE, ROUNDING = 1e-3, 3e-4
# Number of linear filters of the residual, of features of a slot for the count, and of units of the
# hidden layer that combines these.
PATTERNS, EVIDENCE, EVIDENCE_HIDDEN = 16, 32, 64
# Center of absent lines, outside of every window.
ABSENT_CENTER = -100.0


def refine_slots(
    spectrum: Any,
    first: tuple[Any, Any, Any],
    features: Any,
    sets: list[slice],
    passes: int,
    known: Any = None,
) -> tuple[Any, Any, Any]:
    """Correct count, peaks and spreads by the residual around each line.

    Parameters
    ----------
    spectrum : tensor, shape (batch, points)
        Input of the network.
    first : (logits, peaks, log_spread)
        Tensors of shape (batch, counts), the logarithms of the probabilities of the counts plus a
        constant, and (batch, slots, 4), from `peak_head.slot_outputs`.
    features : tensor, shape (batch, slots, features)
        From `peak_head.slot_outputs`.
    sets : list of slice
        The slots of each peak count.
    passes : int
        2 or 3, including the pass of the convolutions.
    known : tensor, shape (batch, features), optional
        From `modulation.KnownFeatures`; modulates the features of the slots and of the count.

    Returns
    -------
    logits : tensor, shape (batch, counts)
    peaks, log_spread : tensor, shape (batch, slots, 4)
    """
    logits, peaks, log_spread = first
    integral = RunningIntegral()(spectrum)
    residual = Residual(sets)([*integral, peaks])
    noise = NoiseUnits()([residual, peaks])
    strength = LogSquare()(layers.Conv1D(PATTERNS, 1)(noise))
    features = _slot_layers([residual, peaks, features, noise, strength])
    if known is not None:
        features = Modulate()([features, known])
    logits = _corrected_logits(logits, [features, noise, strength], sets, known)
    change = layers.Conv1D(8, 1, kernel_initializer="zeros")(features)
    peaks, log_spread = ApplyCorrections()([peaks, log_spread, change])
    if passes > 2:
        selected = SelectSlots(sets)(logits)
        features = layers.Concatenate()([peaks, log_spread, features])
        chosen, features = GatherSlots()([*selected, features])
        residual = Residual([slice(0, chosen.shape[1])])([*integral, chosen])
        features = _slot_layers([residual, NoiseUnits()([residual, chosen]), features])
        change = layers.Conv1D(8, 1, kernel_initializer="zeros")(features)
        change = ScatterSlots()([selected[0], change])
        peaks, log_spread = ApplyCorrections()([peaks, log_spread, change])
    return logits, peaks, log_spread


def _slot_layers(features: list[Any]) -> Any:
    """Two hidden layers on the features of each slot, with the same weights for all slots."""
    x = layers.Concatenate()(features)
    for units in HIDDEN:
        x = layers.Conv1D(units, 1, activation="relu")(x)  # (slots, units)
    return x


def _corrected_logits(logits: Any, features: list[Any], sets: list[slice], known: Any) -> Any:
    """Logits of the counts, corrected by the features of the slots of every set."""
    evidence = layers.Conv1D(EVIDENCE, 1, activation="relu")(layers.Concatenate()(features))
    evidence = layers.Flatten()(PoolSets(sets)(evidence))
    evidence = layers.Concatenate()([evidence, logits])
    evidence = layers.Dense(EVIDENCE_HIDDEN, activation="relu")(evidence)
    if known is not None:
        evidence = Modulate()([evidence, known])
    change = layers.Dense(logits.shape[1], kernel_initializer="zeros")(evidence)
    return layers.Add()([logits, change])


def neighbors(sets: list[slice]) -> tuple[Any, Any, Any]:
    """All ordered pairs of different slots of the same set.

    Returns
    -------
    first, second : ndarray of int, shape (pairs,)
        The two slots of each pair.
    member : ndarray, shape (slots, pairs)
        1 where a slot is the first of a pair, else 0.
    """
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


class RunningIntegral(layers.Layer):  # type: ignore[misc]
    """Integral of the linear interpolation of a spectrum up to each point, for `Residual`."""

    def call(self, spectrum: Any) -> tuple[Any, Any, Any]:
        """Input (points,); outputs (points,): integral up to a point, value, slope to the next."""
        rise = ops.pad(spectrum[:, 1:] - spectrum[:, :-1], ((0, 0), (0, 1)))
        # Double precision: a narrow bin is a small difference of large integrals.
        exact = ops.cast(spectrum, "float64")
        integral = ops.cumsum(exact, axis=1) - 0.5 * exact
        return integral, exact, ops.cast(rise, "float64")


class Residual(layers.Layer):  # type: ignore[misc]
    """Residual of the spectrum, and sum of the other lines of the set, around each line.

    Both are means over `BINS` bins in units of the height of the line. The mean of the residual is
    subtracted, so that a constant background does not matter.
    """

    def __init__(self, sets: list[slice]) -> None:
        super().__init__(autocast=False)  # integrals stay in double precision
        self.first, self.second, self.member = neighbors(sets)

    def call(self, inputs: Any) -> Any:
        """Inputs three of `RunningIntegral` and (slots, 4); output (slots, 2 `BINS`)."""
        *integral, peaks = inputs
        # No gradient through the position of the window; lines are trained by their corrections.
        center, fwhm, height, fraction = as_lines(ops, ops.stop_gradient(peaks))
        mean, inside = _bin_means(integral, center, fwhm)
        others = self._others(center, fwhm, height, fraction)
        own = bell(ops, np.square(MIDDLES), fraction)
        rest = mean / height - (own + others) * inside
        bins = ops.maximum(ops.sum(inside, axis=-1, keepdims=True), 1)
        level = ops.sum(rest, axis=-1, keepdims=True) / bins
        rest = ops.clip(rest - level * inside, -MAX_RESIDUAL, MAX_RESIDUAL)
        return ops.concatenate([rest, ops.minimum(others, MAX_RESIDUAL)], axis=-1)

    def _others(self, center: Any, fwhm: Any, height: Any, fraction: Any) -> Any:
        """Sum of the other lines of the set, (slots, BINS)."""
        here = [ops.take(x, self.first, axis=1) for x in (center, fwhm, height)]
        there = [ops.take(x, self.second, axis=1) for x in (center, fwhm, height, fraction)]
        z = (here[0] - there[0]) / there[1] + here[1] / there[1] * MIDDLES
        lines = there[2] / here[2] * bell(ops, ops.square(z), there[3])
        return ops.matmul(self.member, lines)


class NoiseUnits(layers.Layer):  # type: ignore[misc]
    """Residual in standard deviations of its noise, and the logarithm of this deviation.

    The noise is estimated from the differences of each bin from the mean of its two neighbors.
    """

    def call(self, inputs: Any) -> Any:
        """Inputs of `Residual` and (slots, 4), output (slots, `BINS` + 1)."""
        residual, peaks = inputs
        rest = residual[:, :, :BINS]
        rough = rest[:, :, 1:-1] - 0.5 * (rest[:, :, :-2] + rest[:, :, 2:])
        variance = ops.mean(ops.square(rough), axis=-1, keepdims=True) / 1.5
        _, _, height, _ = as_lines(ops, ops.stop_gradient(peaks))
        sigma = ops.sqrt(variance) + MIN_NOISE + ROUNDING / height
        sigmas = ops.clip(rest / sigma, -MAX_SIGMAS, MAX_SIGMAS)
        return ops.concatenate([sigmas / SIGMA_UNIT, ops.log(sigma) / LOG_SIGMA_UNIT], axis=-1)


class LogSquare(layers.Layer):  # type: ignore[misc]
    """Logarithm of 1 + x^2, as chi-square differs by orders of magnitude."""

    def call(self, x: Any) -> Any:
        """Of any shape."""
        return ops.log(1 + ops.square(x))


class PoolSets(layers.Layer):  # type: ignore[misc]
    """Sum and maximum over the slots of every set."""

    def __init__(self, sets: list[slice]) -> None:
        super().__init__()
        self.sets = [part for part in sets if part.start < part.stop]

    def call(self, evidence: Any) -> Any:
        """Input (slots, features), output (sets, 2 features)."""
        parts = [evidence[:, part] for part in self.sets]
        pooled = [ops.concatenate([ops.sum(x, axis=1), ops.max(x, axis=1)], 1) for x in parts]
        return ops.stack(pooled, axis=1)


def _bin_means(integral: Any, center: Any, fwhm: Any) -> tuple[Any, Any]:
    """Means of the spectrum in the bins of every slot, and the part of each bin inside the window.

    The spectrum counts as 0 outside. A bin is the difference of two integrals, which averages over
    a wide bin and interpolates in a narrow one. Both (slots, BINS).
    """
    n = integral[0].shape[1]
    place = ops.clip((center + fwhm * EDGES) * (n - 1), 0, n - 1)
    # The integers are limited, so that NaN does not become an index out of bounds.
    index = ops.clip(ops.cast(ops.floor(place), "int32"), 0, n - 2)
    table = ops.reshape(ops.stack(integral, axis=-1), (-1, 3))
    row = ops.cast(ops.arange(ops.shape(place)[0]), "int32")[:, None, None] * n
    found = ops.take(table, index + row, axis=0)
    part = ops.cast(place - ops.cast(index, "float32"), "float64")
    until = found[..., 0] + part * (found[..., 1] + 0.5 * part * found[..., 2])
    bin_width = fwhm * (2 * HALF_WINDOW / BINS * (n - 1))  # in points
    steps = (x[:, :, 1:] - x[:, :, :-1] for x in (until, place))
    mean, inside = (ops.cast(x, "float32") / bin_width for x in steps)
    return mean, inside


class ApplyCorrections(layers.Layer):  # type: ignore[misc]
    """Peaks and spreads plus their corrections."""

    def call(self, inputs: Any) -> Any:
        """Inputs (slots, 4), (slots, 4), (slots, 8); outputs (slots, 4), (slots, 4)."""
        peaks, log_spread, change = inputs
        _, fwhm, _, _ = as_lines(ops, ops.stop_gradient(peaks))
        unit = ops.concatenate([fwhm, *[ops.ones_like(fwhm)] * 3], axis=-1)
        return peaks + CORRECTION * unit * change[:, :, :4], log_spread + change[:, :, 4:]


class SelectSlots(layers.Layer):  # type: ignore[misc]
    """Selection of the slots of the most probable count, as a matrix of fixed size.

    Attributes
    ----------
    slots : ndarray, shape (counts, places, slots)
        1 where a place takes a slot; unused places take none. There are max_peaks places.
    away : ndarray, shape (counts, places, 1)
        Added to the centers, so that the lines of unused places are outside of the window.
    """

    def __init__(self, sets: list[slice]) -> None:
        super().__init__()
        most = sets[-1].stop - sets[-1].start
        self.slots = np.zeros((len(sets), most, sets[-1].stop), np.float32)
        self.away = np.zeros((len(sets), most, 1), np.float32)
        for count, part in enumerate(sets):
            taken = np.arange(part.start, part.stop)
            self.slots[count, np.arange(taken.size), taken] = 1
            self.away[count, taken.size :] = ABSENT_CENTER

    def call(self, logits: Any) -> tuple[Any, Any]:
        """Input (counts,), outputs (places, slots) and (places, 1)."""
        count = ops.argmax(logits, axis=-1)
        return ops.take(self.slots, count, axis=0), ops.take(self.away, count, axis=0)


class GatherSlots(layers.Layer):  # type: ignore[misc]
    """Peaks and features of the selected slots."""

    def call(self, inputs: Any) -> tuple[Any, Any]:
        """Inputs of `SelectSlots`, (slots, features); outputs (places, 4), (places, features)."""
        slots, away, features = inputs
        features = ops.matmul(slots, features)
        center = features[:, :, :1] + away
        return ops.concatenate([center, features[:, :, 1:4]], axis=-1), features


class ScatterSlots(layers.Layer):  # type: ignore[misc]
    """Corrections of the selected slots at their places among all slots, 0 elsewhere."""

    def call(self, inputs: Any) -> Any:
        """Inputs (places, slots) and (places, 8), output (slots, 8)."""
        slots, change = inputs
        return ops.matmul(ops.transpose(slots, (0, 2, 1)), change)
