"""Training losses of the two networks, written with ``keras.ops``.

Outputs and truth are dictionaries of tensors for a batch, as given by `architecture.build` and
`simulation.recipes.draw_batch`; each loss is a scalar tensor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpsnet.models.architecture import NetworkConfig
from xpsnet.models.slot_lines import as_lines, bell

# Weights of the terms of the `default` loss. Errors of the center are in FWHM, those of FWHM and
# height are logarithmic. The Lorentzian fraction is determined least by the data and counts half.
PARAMETER_WEIGHTS = np.array([1.0, 1.0, 1.0, 0.5], np.float32)
SPREAD_WEIGHT = 0.2
CURVE_WEIGHT = 4.0
OTHER_COUNTS = 0.25
# The curve is compared at every fourth point of the grid.
CURVE_STEP = 4
LOG_SPREAD = (-7.0, 3.0)


def park2020_loss(outputs: dict[str, Any], truth: dict[str, Any]) -> Any:
    """Sum of the four mean squared errors of the paper."""
    from keras import ops

    count = ops.mean(ops.square(outputs["n_peaks"][:, 0] - truth["n_peaks"]))
    rest = [
        ops.mean(ops.square(outputs[name] - truth[name])) for name in ("center", "height", "width")
    ]
    return count + sum(rest)


def default_loss(outputs: dict[str, Any], truth: dict[str, Any], config: NetworkConfig) -> Any:
    """Loss of `default`: count, parameters of the true count, and curves of all counts.

    The sum of the cross-entropy of the count, the absolute errors and the Laplace likelihood of the
    parameters, and the mean distance of the sum of the lines from the true signal.

    Parameters
    ----------
    outputs : dict
        Outputs of the `default` network for a batch.
    truth : dict
        Batch of `xpsnet.simulation.recipes.draw_batch`.
    config : NetworkConfig
        Sizes of the network.

    Returns
    -------
    tensor
        Scalar loss.
    """
    from keras import ops

    label = ops.cast(truth["n_peaks"], "int32")
    count = ops.mean(
        ops.sparse_categorical_crossentropy(label, outputs["count_logits"], from_logits=True)
    )
    parameters = _parameter_loss(ops, outputs, truth, config.max_peaks)
    curves = _curve_loss(ops, outputs["peaks"], truth, config)
    return count + parameters + CURVE_WEIGHT * curves


def _parameter_loss(ops: Any, outputs: Any, truth: Any, max_peaks: int) -> Any:
    """Absolute error and Laplace likelihood of the parameters for the true count."""
    counts = range(1, max_peaks + 1)
    slot_count = np.concatenate([np.full(k, k) for k in counts]).astype(np.float32)
    mask = ops.cast(ops.equal(truth["n_peaks"][:, None], slot_count[None, :]), "float32")
    weight = (mask / slot_count)[:, :, None] * PARAMETER_WEIGHTS

    def slots(name: str) -> Any:
        return ops.concatenate([truth[name][:, :k] for k in counts], axis=1)

    fwhm = ops.where(mask > 0, slots("fwhm"), ops.ones_like(mask))
    height = ops.where(mask > 0, slots("height"), ops.ones_like(mask))
    target = ops.stack(
        [slots("center") / fwhm, ops.log(fwhm), ops.log(height), slots("fraction")], axis=-1
    )
    peaks = outputs["peaks"]
    found = ops.concatenate([peaks[:, :, :1] / fwhm[:, :, None], peaks[:, :, 1:]], axis=-1)
    error = ops.abs(found - target)
    log_spread = ops.clip(outputs["log_spread"], *LOG_SPREAD)
    likelihood = error * ops.exp(-log_spread) + log_spread
    n = ops.cast(ops.shape(mask)[0], "float32")
    return ops.sum(weight * (error + SPREAD_WEIGHT * likelihood)) / n


def _curve_loss(ops: Any, peaks: Any, truth: Any, config: NetworkConfig) -> Any:
    """Mean absolute distance of the sum of the lines of each count from the true signal."""
    grid = np.linspace(0, 1, config.n_points, dtype=np.float32)[::CURVE_STEP]
    center, fwhm, height, fraction = as_lines(ops, peaks)
    lines = bell(ops, ops.square((grid - center) / fwhm), fraction)
    membership = np.concatenate(
        [np.full((1, k), k) for k in range(1, config.max_peaks + 1)], axis=1
    ) == np.arange(1, config.max_peaks + 1).reshape(-1, 1)
    curves = ops.matmul(membership.astype(np.float32)[None], height * lines)
    distance = ops.mean(ops.abs(curves - truth["signal"][:, None, ::CURVE_STEP]), axis=-1)
    counts = np.arange(1, config.max_peaks + 1, dtype=np.float32)[None, :]
    own = ops.cast(ops.equal(truth["n_peaks"][:, None], counts), "float32")
    return ops.mean(ops.sum(distance * (own + OTHER_COUNTS * (1 - own)), axis=-1))
