"""The two network architectures: 1-D convolutions, then fully connected heads for the peaks.

`park2020` is the network of Park, Park, Lee, Kim, New Physics: Sae Mulli 70, 920 (2020), doi
10.3938/NPSM.70.920: one head gives the number of peaks and one the centers; both feed, through
batch normalization, the heads for the heights and the widths.

`default` is based on it, with these changes: The features are flattened, not pooled globally. Each
peak is read from the features around its position (`peak_head`) and then corrected by the residual
of the spectrum around it, which also corrects the count (`cascade`). Every number of peaks has its
own set of outputs (*slots*), so that the count and the parameters cannot contradict each other.
Every parameter has a spread. What the caller knows of the lines scales and shifts its features
(feature-wise modulation; E. Perez et al., FiLM, AAAI 2018, arXiv 1709.07871). Inputs and outputs
as in `build`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from xpsnet.models.extra_packages import require_keras
from xpsnet.numerics.known_lines import DOUBLET_INPUTS, KNOWN

# Parameters of one peak in the outputs of `default`, in this order: center and FWHM as fractions of
# the window, height as a fraction of the range of the counts; natural logarithms.
PEAK_PARAMETERS = ("center", "log_fwhm", "log_height", "fraction")


@dataclass(frozen=True)
class NetworkConfig:
    """Architecture and sizes of a network; written into its card.

    `passes` counts the stages that give the peaks of `default`: the convolutions alone (1), and
    corrections by the residual (2 or 3, see `models.cascade`). `known` is the number of inputs
    behind the spectrum that say what the caller knows (see `numerics.known_lines`). With `doublet`
    the network answers in the states of a level with a spin-orbit doublet: it reads two curves
    (`numerics.second_lines`), what is known, and splitting and ratio.
    """

    architecture: Literal["park2020", "default"]
    n_points: int
    max_peaks: int
    channels: tuple[int, ...] = (32, 48, 64)
    features: int = 192
    passes: int = 1
    known: int = 0
    doublet: bool = False

    @property
    def inputs(self) -> tuple[int, ...]:
        """Numbers of inputs: the points of each curve, and what the caller knows."""
        if self.doublet:
            return self.n_points, self.n_points, self.known + DOUBLET_INPUTS
        return (self.n_points, self.known) if self.known else (self.n_points,)

    @property
    def n_inputs(self) -> int:
        """Number of all inputs."""
        return sum(self.inputs)


CONFIGS: dict[str, NetworkConfig] = {
    "park2020": NetworkConfig(
        "park2020", n_points=401, max_peaks=3, channels=(32, 64, 128, 192), features=384
    ),
    "default": NetworkConfig("default", n_points=384, max_peaks=6, passes=3, known=KNOWN),
    "doublets": NetworkConfig(
        "default", n_points=384, max_peaks=6, passes=3, known=KNOWN, doublet=True
    ),
}


def build(config: NetworkConfig, *, mixed_precision: bool = False) -> Any:
    """Build the Keras model of a configuration, with new random weights.

    Parameters
    ----------
    config : NetworkConfig
        Architecture and sizes.
    mixed_precision : bool
        Compute the convolutions in bfloat16 (for training); weights and heads stay in float32.

    Returns
    -------
    keras.Model
        Input (batch, config.n_inputs). Outputs of ``park2020``: ``n_peaks`` (batch, 1) and
        ``center``, ``height``, ``width`` (batch, 3). Outputs of ``default``: ``count_logits``
        (batch, max_peaks + 1), ``peaks`` and ``log_spread`` (batch, slots, 4), where the slots of
        1, 2, ... peaks follow each other (see `set_slices` and `PEAK_PARAMETERS`).

    Raises
    ------
    ValueError
        If the architecture is unknown.
    ImportError
        If TensorFlow is not installed.
    """
    require_keras("a network in Keras", "train")
    if config.architecture == "park2020":
        return _with_own_names(_park2020(config))
    if config.architecture == "default":
        precision = "mixed_bfloat16" if mixed_precision else "float32"
        return _with_own_names(_default(config, precision))
    raise ValueError(f"expected architecture 'park2020' or 'default', got {config.architecture!r}")


def output_shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Shapes of the outputs of `build` for one spectrum, by name."""
    if config.architecture == "park2020":
        peaks = dict.fromkeys(("center", "height", "width"), (config.max_peaks,))
        return {"n_peaks": (1,), **peaks}
    slots = (n_sets(config.max_peaks), len(PEAK_PARAMETERS))
    return {"count_logits": (config.max_peaks + 1,), "peaks": slots, "log_spread": slots}


def _with_own_names(net: Any) -> Any:
    """The network with its layers of each kind numbered from 0, as in a new process.

    Keras numbers the layers of all networks of a process ("conv1d_99", "conv1d_100"), and
    TensorFlow orders some sums by these names. With the names of Keras, training the same network
    twice in one process would give different last digits, which training amplifies.
    """

    def number(layer: Any) -> int:
        found = re.search(r"_(\d+)$", layer.name)
        return int(found[1]) if found else 0

    seen: Counter[str] = Counter()
    for layer in sorted(net.layers, key=number):
        kind = re.sub(r"_\d+$", "", layer.name)
        layer.name = f"{kind}_{seen[kind]}" if seen[kind] else kind
        seen[kind] += 1
    return net


def n_sets(max_peaks: int) -> int:
    """Number of slots for all counts: 1 + 2 + ... + max_peaks."""
    return max_peaks * (max_peaks + 1) // 2


def set_slices(max_peaks: int) -> list[slice]:
    """Slots of the peaks of each count from 0 to max_peaks."""
    ends = [n_sets(k) for k in range(max_peaks + 1)]
    return [slice(end - k, end) for k, end in enumerate(ends)]


def _park2020(config: NetworkConfig) -> Any:
    """The paper's network: 172,994 weights, 172,778 of them trainable."""
    from keras import Input, Model, layers

    relu = {"activation": "relu"}
    spectrum = Input((config.n_points,), name="spectrum")  # (401,)
    x = layers.Reshape((config.n_points, 1))(spectrum)
    for channels, kernel, stride in zip(config.channels, (100, 4, 4, 2), (5, 1, 1, 1), strict=True):
        x = layers.Conv1D(channels, kernel, strides=stride, **relu)(x)
        x = layers.MaxPooling1D(2)(x)  # (30, 32), (13, 64), (5, 128), (2, 192)
    x = layers.GlobalMaxPooling1D()(x)  # (192,)

    count = layers.Dense(100, **relu)(layers.Dense(100, **relu)(x))
    count = layers.Dense(1, name="n_peaks")(count)
    center = layers.Dense(100, **relu)(layers.Dense(100, **relu)(x))
    center = layers.Dense(config.max_peaks, name="center")(center)
    outputs = {"n_peaks": count, "center": center}
    for name in ("height", "width"):
        head = layers.Concatenate()([layers.Dense(50, **relu)(x), count, center])  # (54,)
        head = layers.BatchNormalization()(head)
        outputs[name] = layers.Dense(config.max_peaks, name=name)(head)
    return Model(spectrum, outputs, name="park2020")


def _default(config: NetworkConfig, precision: str) -> Any:
    """Residual blocks; dense heads for the count and first guesses; peak head and corrections."""
    from keras import Input, Model, layers

    from xpsnet.models.cascade import refine_slots
    from xpsnet.models.modulation import (
        KNOWN_FEATURES,
        JoinCurves,
        KnownFeatures,
        Modulate,
        SplitInputs,
    )
    from xpsnet.models.peak_head import slot_outputs

    spectrum = inputs = Input((config.n_inputs,), name="spectrum")  # (384 + 8,)
    curves = known = None
    if config.known:
        *curves, known = SplitInputs(config.inputs)(inputs)  # (384,), (8,)
        spectrum = curves[0]
        known = KnownFeatures(KNOWN_FEATURES)(known)
    # The first layer stays in float32, because bfloat16 would round the spectrum to 0.4 %. Four
    # neighboring points as channels make it a convolution of width 16 and stride 4.
    if config.doublet:
        x = JoinCurves(4)(curves)  # neighboring points of both curves follow each other
        x = layers.Reshape((config.n_points // 4, 8))(x)
    else:
        x = layers.Reshape((config.n_points // 4, 4))(spectrum)
    x = layers.Conv1D(config.channels[0], 4, padding="same", activation="relu")(x)
    stages = []
    for i, channels in enumerate(config.channels):
        if i:
            # Two neighboring places become channels: half as many places without loss.
            x = layers.Reshape((x.shape[1] // 2, 2 * x.shape[2]), dtype=precision)(x)
            x = layers.Conv1D(channels, 1, dtype=precision)(x)
        x = _residual_block(x, channels, 5 if i < 2 else 3, precision)
        stages.append(x)  # (96, 32), (48, 48), (24, 64)
    if known is not None:
        x = Modulate(dtype=precision)([x, known])
    x = _residual_block(x, config.channels[-1], 3, precision)

    features = layers.Flatten(dtype="float32")(x)  # (1536,)
    features = layers.Dense(config.features, activation="relu")(features)
    if known is not None:
        features = Modulate()([features, known])
    slots = n_sets(config.max_peaks)
    start = _start_values(config.max_peaks)
    head = layers.Dense(128, activation="relu")(features)
    logits = layers.Dense(config.max_peaks + 1)(head)
    head = layers.Dense(128, activation="relu")(features)
    guess = layers.Dense(slots, bias_initializer=_constant(start[:, 0]))(head)

    joined = layers.Concatenate()([features, layers.Softmax()(logits), guess])
    joined = layers.BatchNormalization()(joined)
    state = layers.Reshape((slots, 8))(layers.Dense(slots * 8)(joined))
    width = config.channels[-1]
    around = layers.Conv1D(width, 1, dtype=precision)(x)
    around = layers.UpSampling1D(stages[1].shape[1] // x.shape[1], dtype=precision)(around)
    local = layers.Conv1D(width, 1, dtype=precision)(stages[1])
    local = layers.Add(dtype="float32")([local, around])
    whole = layers.Reshape((1, width))(layers.Dense(width)(features))
    local = layers.ReLU()(layers.Add()([local, whole]))  # (48, 64)
    peaks, log_spread, at_slots = slot_outputs(local, state, guess, start, hidden=48)
    if config.passes > 1:
        sets = set_slices(config.max_peaks)
        first = logits, peaks, log_spread
        logits, peaks, log_spread = refine_slots(
            spectrum, first, at_slots, sets, config.passes, known
        )
    outputs = {"count_logits": logits, "peaks": peaks, "log_spread": log_spread}
    return Model(inputs, outputs, name="default")


def _residual_block(x: Any, channels: int, width: int, precision: str) -> Any:
    """Two convolutions added to their input; the identity at the start of the training."""
    from keras import layers

    y = layers.Conv1D(channels, width, padding="same", activation="relu", dtype=precision)(x)
    y = layers.Conv1D(
        channels, width, padding="same", kernel_initializer=_small(), dtype=precision
    )(y)
    return layers.ReLU(dtype=precision)(layers.Add(dtype=precision)([x, y]))


def _start_values(max_peaks: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Initial peaks (slots, 4): evenly spaced, of ordinary FWHM, height and fraction."""
    rows = [
        ((j + 0.5) / k, np.log(0.07), np.log(0.3), 0.3)
        for k in range(1, max_peaks + 1)
        for j in range(k)
    ]
    return np.array(rows, np.float32)


def _constant(value: Any) -> Any:
    """Initializer that gives the same values each time."""
    from keras import ops

    def initialize(shape: Any, dtype: Any = None) -> Any:
        return ops.cast(ops.broadcast_to(np.asarray(value, np.float32), shape), dtype or "float32")

    return initialize


def _small() -> Any:
    """Initializer with small values, so that a residual block starts near the identity."""
    from keras import initializers

    return initializers.VarianceScaling(scale=0.02, mode="fan_in")
