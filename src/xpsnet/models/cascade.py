"""The last stages of `default`: every line is laid over the spectrum again and corrected.

Features that convolutions have pooled say little about a few percent of a width. Here each slot
goes back to the spectrum: it cuts a window of its own, centered at its line and as wide as that
asks for, subtracts the lines of its set, and divides by its height. In these units all lines look
alike, so that one small network, the same for every slot, learns from all of them how to correct
center, FWHM, height and Lorentzian share, and how far off they still are.

The second look corrects the sets of all counts. The same windows in units of their noise correct
the count: a set with too few lines leaves more than noise somewhere, one with too many has a line
that is no more than noise. The third look goes to the set of the most probable count alone, and
starts from its corrected lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers, ops

from xpsnet.models.slot_lines import as_lines, bell

# Bins of the window of a slot, and its half width in FWHM.
BINS, HALF_WINDOW = 32, 2.0
EDGES = np.linspace(-HALF_WINDOW, HALF_WINDOW, BINS + 1, dtype=np.float32)
MIDDLES = 0.5 * (EDGES[1:] + EDGES[:-1])
# Beside a small line much larger ones may go wrong: farther than this [heights] is all the same.
FARTHEST = 4.0
# Sizes of the two hidden layers of each look.
HIDDEN = (192, 96)
# Unit of the corrections: center in FWHM, the rest as in the outputs.
CORRECTION = 0.1
# Residuals beyond this many standard deviations are all the same; units of them and of their
# logarithm that make both of the order of 1.
MOST_SIGMAS, SIGMAS, LOG_SIGMA = 10.0, 2.0, 3.0
# What is added to the noise, in heights of the line and in units of the spectrum: rounding, which a
# division by a small height makes large, must not pass for evidence.
LEAST_NOISE, LEAST_RANGE = 1e-3, 3e-4
# Patterns in the noise whose strength counts, what a slot says about the count, and the hidden
# layer that weighs it.
PATTERNS, EVIDENCE, WEIGHING = 16, 32, 64
# Where absent lines are put: no window sees them.
FAR_AWAY = -100.0


def look_again(
    spectrum: Any,
    logits: Any,
    peaks: Any,
    log_spread: Any,
    seen: Any,
    sets: list[slice],
    looks: int,
) -> tuple[Any, Any, Any]:
    """Corrected counts, peaks and spreads.

    Parameters
    ----------
    spectrum : tensor, shape (batch, points)
        What the network reads.
    logits : tensor, shape (batch, counts)
        Logarithms of the probabilities of the counts, up to a constant.
    peaks, log_spread : tensor, shape (batch, slots, 4)
        From `readout.slot_outputs`.
    seen : tensor, shape (batch, slots, features)
        What the slots know beside it.
    sets : list of slice
        The slots of each peak count.
    looks : int
        2 or 3, with those of the convolutions.

    Returns
    -------
    logits : tensor, shape (batch, counts)
    peaks, log_spread : tensor, shape (batch, slots, 4)
    """
    integral = Integral()(spectrum)
    residual = Residual(sets)([*integral, peaks])
    noise = InNoise()([residual, peaks])
    strength = LogSquare()(layers.Conv1D(PATTERNS, 1)(noise))
    seen = _dense([residual, peaks, seen, noise, strength])
    logits = _weighed(logits, [seen, noise, strength], sets)
    change = layers.Conv1D(8, 1, kernel_initializer="zeros")(seen)
    peaks, log_spread = Corrected()([peaks, log_spread, change])
    if looks > 2:
        pick = Pick(sets)(logits)
        known = layers.Concatenate()([peaks, log_spread, seen])
        mine, known = Picked()([*pick, known])
        residual = Residual([slice(0, mine.shape[1])])([*integral, mine])
        seen = _dense([residual, InNoise()([residual, mine]), known])
        change = layers.Conv1D(8, 1, kernel_initializer="zeros")(seen)
        peaks, log_spread = Corrected()([peaks, log_spread, PutBack()([pick[0], change])])
    return logits, peaks, log_spread


def _dense(known: list[Any]) -> Any:
    """Two hidden layers over what each slot knows."""
    x = layers.Concatenate()(known)
    for units in HIDDEN:
        x = layers.Conv1D(units, 1, activation="relu")(x)  # over slots, so the same for all
    return x


def _weighed(logits: Any, known: list[Any], sets: list[slice]) -> Any:
    """Logits, corrected by what the slots of every set know."""
    evidence = layers.Conv1D(EVIDENCE, 1, activation="relu")(layers.Concatenate()(known))
    evidence = layers.Flatten()(OverSets(sets)(evidence))
    evidence = layers.Concatenate()([evidence, logits])
    evidence = layers.Dense(WEIGHING, activation="relu")(evidence)
    change = layers.Dense(logits.shape[1], kernel_initializer="zeros")(evidence)
    return layers.Add()([logits, change])


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


class Integral(layers.Layer):  # type: ignore[misc]
    """What integrals of the straight lines between the points of a spectrum are made of."""

    def call(self, spectrum: Any) -> tuple[Any, Any, Any]:
        """Input (points,), outputs (points,) each: integral up to, value at and rise behind it."""
        rise = ops.pad(spectrum[:, 1:] - spectrum[:, :-1], ((0, 0), (0, 1)))
        # A narrow bin is a small difference of large integrals, and then divided by a small height.
        exact = ops.cast(spectrum, "float64")
        integral = ops.cumsum(exact, axis=1) - 0.5 * exact
        return integral, exact, ops.cast(rise, "float64")


class Residual(layers.Layer):  # type: ignore[misc]
    """What a set of lines leaves of the spectrum, and the neighbors, around each of its lines.

    Both are means over `BINS` bins in units of the height of the line. The residual is without its
    mean, so that the background only counts as far as it is not constant.
    """

    def __init__(self, sets: list[slice]) -> None:
        super().__init__(autocast=False)  # integrals stay in double precision
        self.first, self.second, self.member = neighbors(sets)

    def call(self, inputs: Any) -> Any:
        """Inputs three of (points,) from `Integral`, (slots, 4); output (slots, 2 `BINS`)."""
        *integral, peaks = inputs
        # The lines learn from their corrections, not from where these looked.
        center, fwhm, height, fraction = as_lines(ops, ops.stop_gradient(peaks))
        mean, inside = _bin_means(integral, center, fwhm)
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


class InNoise(layers.Layer):  # type: ignore[misc]
    """Residuals in standard deviations of their noise, and the logarithm of that.

    The noise of a window is what its bins differ by from the mean of their neighbors.
    """

    def call(self, inputs: Any) -> Any:
        """Inputs from `Residual` and (slots, 4), output (slots, `BINS` + 1)."""
        residual, peaks = inputs
        rest = residual[:, :, :BINS]
        rough = rest[:, :, 1:-1] - 0.5 * (rest[:, :, :-2] + rest[:, :, 2:])
        variance = ops.mean(ops.square(rough), axis=-1, keepdims=True) / 1.5
        _, _, height, _ = as_lines(ops, ops.stop_gradient(peaks))
        sigma = ops.sqrt(variance) + LEAST_NOISE + LEAST_RANGE / height
        sigmas = ops.clip(rest / sigma, -MOST_SIGMAS, MOST_SIGMAS)
        return ops.concatenate([sigmas / SIGMAS, ops.log(sigma) / LOG_SIGMA], axis=-1)


class LogSquare(layers.Layer):  # type: ignore[misc]
    """Logarithm of 1 + x^2: chi-squares are sums of squares, and differ by orders of magnitude."""

    def call(self, x: Any) -> Any:
        """Of any shape."""
        return ops.log(1 + ops.square(x))


class OverSets(layers.Layer):  # type: ignore[misc]
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
    """Means of the spectrum in the bins of every slot, 0 outside, and how much of them is inside.

    The difference of two integrals averages the noise over a wide bin and interpolates in a narrow
    one.
    """
    n = integral[0].shape[1]
    place = ops.clip((center + fwhm * EDGES) * (n - 1), 0, n - 1)
    # Limits are set on the integers: what is no number must not become an index out of bounds.
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


class Corrected(layers.Layer):  # type: ignore[misc]
    """Peaks and spreads with their corrections."""

    def call(self, inputs: Any) -> Any:
        """Inputs (slots, 4), (slots, 4), (slots, 8); outputs (slots, 4), (slots, 4)."""
        peaks, log_spread, change = inputs
        _, fwhm, _, _ = as_lines(ops, ops.stop_gradient(peaks))
        unit = ops.concatenate([fwhm, *[ops.ones_like(fwhm)] * 3], axis=-1)
        return peaks + CORRECTION * unit * change[:, :, :4], log_spread + change[:, :, 4:]


class Pick(layers.Layer):  # type: ignore[misc]
    """Which slots are those of the most probable count, for any count in as many places.

    Attributes
    ----------
    slots : ndarray, shape (counts, places, slots)
        1 where a place takes a slot; places that a count leaves over take none.
    away : ndarray, shape (counts, places, 1)
        What is to be added to the centers, so that those are not seen.
    """

    def __init__(self, sets: list[slice]) -> None:
        super().__init__()
        most = sets[-1].stop - sets[-1].start
        self.slots = np.zeros((len(sets), most, sets[-1].stop), np.float32)
        self.away = np.zeros((len(sets), most, 1), np.float32)
        for count, part in enumerate(sets):
            taken = np.arange(part.start, part.stop)
            self.slots[count, np.arange(taken.size), taken] = 1
            self.away[count, taken.size :] = FAR_AWAY

    def call(self, logits: Any) -> tuple[Any, Any]:
        """Input (counts,), outputs (places, slots) and (places, 1)."""
        count = ops.argmax(logits, axis=-1)
        return ops.take(self.slots, count, axis=0), ops.take(self.away, count, axis=0)


class Picked(layers.Layer):  # type: ignore[misc]
    """The picked peaks, and all that is known of them."""

    def call(self, inputs: Any) -> tuple[Any, Any]:
        """Inputs from `Pick` and (slots, 4 + others); outputs (places, 4), (places, 4 + others)."""
        slots, away, known = inputs
        known = ops.matmul(slots, known)
        center = known[:, :, :1] + away
        return ops.concatenate([center, known[:, :, 1:4]], axis=-1), known


class PutBack(layers.Layer):  # type: ignore[misc]
    """Corrections of picked slots at their slots, 0 elsewhere."""

    def call(self, inputs: Any) -> Any:
        """Inputs (places, slots) and (places, 8), output (slots, 8)."""
        slots, change = inputs
        return ops.matmul(ops.transpose(slots, (0, 2, 1)), change)
