"""Losses: smallest for the truth, independent of absent slots, finite for any output."""

from typing import Any

import numpy as np
import pytest

from xpsnet.models import architecture
from xpsnet.models.architecture import CONFIGS
from xpsnet.simulation import recipes
from xpsnet.training import losses

CONFIG = CONFIGS["default"]
PARAMETERS = ("center", "fwhm", "height", "fraction")


@pytest.fixture(scope="module")
def batch() -> dict[str, Any]:
    found = recipes.simulate_batch(200, "default", seed=1)
    return {name: np.asarray(values, np.float32) for name, values in found.items()}


def _right_outputs(batch: dict[str, Any]) -> dict[str, Any]:
    """Outputs without any error."""
    n = len(batch["n_peaks"])
    logits = np.full((n, 7), -30.0, np.float32)
    logits[np.arange(n), batch["n_peaks"].astype(int)] = 30.0
    peaks = np.tile(np.array([0.5, np.log(0.05), -20.0, 0.3], np.float32), (n, 21, 1))
    for k, part in enumerate(architecture.set_slices(6)):
        rows = np.flatnonzero(batch["n_peaks"] == k)
        values = [batch[name][rows, :k] for name in PARAMETERS]
        values[1:3] = [np.log(v) for v in values[1:3]]
        peaks[rows, part] = np.stack(values, axis=-1)
    spread = np.full_like(peaks, losses.LOG_SPREAD[0])
    return {"count_logits": logits, "peaks": peaks, "log_spread": spread}


def _loss(outputs: dict[str, Any], batch: dict[str, Any]) -> float:
    from keras import ops

    tensors = {name: ops.convert_to_tensor(values) for name, values in outputs.items()}
    truth = {name: ops.convert_to_tensor(values) for name, values in batch.items()}
    return float(losses.default_loss(tensors, truth, CONFIG))


@pytest.mark.parametrize("place", [0, 1, 2, 3], ids=PARAMETERS)
@pytest.mark.parametrize("error", [0.02, -0.02])
def test_any_error_of_a_peak_costs(batch: dict[str, Any], place: int, error: float) -> None:
    right = _right_outputs(batch)
    wrong = {**right, "peaks": right["peaks"].copy()}
    for k, part in enumerate(architecture.set_slices(6)):
        wrong["peaks"][batch["n_peaks"] == k, part, place] += error
    assert _loss(wrong, batch) > _loss(right, batch) + 0.001


def test_a_wrong_count_costs(batch: dict[str, Any]) -> None:
    right = _right_outputs(batch)
    wrong = {**right, "count_logits": np.roll(right["count_logits"], 1, axis=1)}
    assert _loss(wrong, batch) > _loss(right, batch) + 10


def test_peaks_in_another_order_cost_but_draw_the_same_curve(batch: dict[str, Any]) -> None:
    from keras import ops

    right = _right_outputs(batch)
    turned = {**right, "peaks": right["peaks"].copy()}
    for part in architecture.set_slices(6)[1:]:
        turned["peaks"][:, part] = right["peaks"][:, part][:, ::-1]
    assert _loss(turned, batch) > _loss(right, batch) + 1
    curves = [
        float(losses._curve_loss(ops, ops.convert_to_tensor(outputs["peaks"]), batch, CONFIG))
        for outputs in (right, turned)
    ]
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)


def test_honest_spread_is_best(batch: dict[str, Any]) -> None:
    wrong = _right_outputs(batch)
    wrong["peaks"][..., 3] += 0.1  # the error of every Lorentzian share
    cost = {}
    for spread in (0.02, 0.1, 0.5):
        wrong["log_spread"][..., 3] = np.log(spread)
        cost[spread] = _loss(wrong, batch)
    assert cost[0.1] < min(cost[0.02], cost[0.5])


def test_sets_of_other_counts_are_judged_by_their_curve_alone(batch: dict[str, Any]) -> None:
    right = _right_outputs(batch)
    other = {**right, "peaks": right["peaks"].copy(), "log_spread": right["log_spread"].copy()}
    for k, part in enumerate(architecture.set_slices(6)):
        rows = batch["n_peaks"] != k
        # The same curve from other slots: these peaks have the least height that counts.
        other["peaks"][rows, part, 0] = 0.1
        other["log_spread"][rows, part] = 2.0
    assert _loss(other, batch) == pytest.approx(_loss(right, batch), abs=0.005)
    for k, part in enumerate(architecture.set_slices(6)):
        other["peaks"][batch["n_peaks"] != k, part, 2] = 0.0
    assert _loss(other, batch) > _loss(right, batch) + 0.1


def test_the_right_curves_cost_nothing(batch: dict[str, Any]) -> None:
    from keras import ops

    recipe = recipes.RawRecipe(measured_points=(1000.0, 1001.0), asymmetric=0)
    found = recipes.simulate_batch(50, recipe, seed=2)
    fine = {name: np.asarray(values, np.float32) for name, values in found.items()}
    peaks = _right_outputs(fine)["peaks"]
    for k, part in enumerate(architecture.set_slices(6)):
        for more in range(k + 1, 7):  # the true peaks and absent ones explain the curve as well
            rows = np.flatnonzero(fine["n_peaks"] == k)
            wide = architecture.set_slices(6)[more]
            peaks[rows, wide.start : wide.start + k] = peaks[rows, part]
    own = losses._curve_loss(ops, ops.convert_to_tensor(peaks), fine, CONFIG)
    counts = fine["n_peaks"][:, None]
    fewer = np.arange(1, 7) < counts  # sets of too few peaks cannot draw the curve
    level = np.abs(fine["signal"][:, :: losses.CURVE_STEP]).mean(axis=1, keepdims=True)
    missing = (losses.OTHER_COUNTS * fewer * level).sum(axis=1).mean()
    assert float(own) == pytest.approx(missing, rel=0.02)


def test_gradient_is_finite_for_extreme_outputs(batch: dict[str, Any]) -> None:
    import tensorflow as tf

    right = _right_outputs(batch)
    truth = {name: tf.constant(values) for name, values in batch.items()}
    for size in (0.0, 1e3, -1e3, 1e6):
        outputs = {name: tf.Variable(np.full_like(v, size)) for name, v in right.items()}
        with tf.GradientTape() as tape:
            loss = losses.default_loss(outputs, truth, CONFIG)
        assert np.isfinite(float(loss))
        for gradient in tape.gradient(loss, list(outputs.values())):
            assert np.isfinite(gradient.numpy()).all()


def test_paper_loss_is_the_sum_of_four_mean_squared_errors() -> None:
    from keras import ops

    rng = np.random.default_rng(3)
    truth = {name: rng.normal(size=(8, 3)) for name in ("center", "height", "width")}
    truth["n_peaks"] = rng.integers(1, 4, 8).astype(float)
    outputs = {name: rng.normal(size=(8, 3)) for name in ("center", "height", "width")}
    outputs["n_peaks"] = rng.normal(size=(8, 1))
    expected = np.mean((outputs["n_peaks"][:, 0] - truth["n_peaks"]) ** 2)
    for name in ("center", "height", "width"):
        expected += np.mean((outputs[name] - truth[name]) ** 2)
    tensors = {name: ops.convert_to_tensor(v) for name, v in outputs.items()}
    assert float(losses.park2020_loss(tensors, truth)) == pytest.approx(expected, rel=1e-5)
    exact = {**truth, "n_peaks": truth["n_peaks"][:, None]}
    assert float(losses.park2020_loss(exact, truth)) == 0
