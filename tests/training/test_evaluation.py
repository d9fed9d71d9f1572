"""Accuracy of networks: figures from known errors, and the figures of the shipped models."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xpsnet.models import architecture, runtimes, weights
from xpsnet.models.architecture import CONFIGS
from xpsnet.simulation import recipes
from xpsnet.training.evaluation import evaluate, paper_errors, reliability

PARAMETERS = ("center", "fwhm", "height", "fraction")


def _batch(n: int, seed: int) -> dict[str, Any]:
    found = recipes.simulate_batch(n, "default", seed=seed)
    return {name: np.asarray(values, np.float32) for name, values in found.items()}


def _outputs(batch: dict[str, Any], error: dict[str, float]) -> dict[str, Any]:
    """Outputs with known errors: center in FWHM, FWHM and height relative."""
    n = len(batch["n_peaks"])
    logits = np.full((n, 7), -50.0)
    logits[np.arange(n), batch["n_peaks"].astype(int)] = 50.0
    peaks = np.zeros((n, 21, 4))
    for k, part in enumerate(architecture.set_slices(6)):
        rows = batch["n_peaks"] == k
        center, fwhm, height, fraction = (batch[name][rows, :k] for name in PARAMETERS)
        peaks[rows, part, 0] = center + error["center"] * fwhm
        peaks[rows, part, 1] = np.log(fwhm * (1 + error["fwhm"]))
        peaks[rows, part, 2] = np.log(height * (1 + error["height"]))
        peaks[rows, part, 3] = fraction
    return {"count_logits": logits, "peaks": peaks, "log_spread": np.full_like(peaks, np.log(0.1))}


def test_figures_of_known_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = _batch(300, seed=1)
    outputs = _outputs(batch, {"center": 0.05, "fwhm": -0.2, "height": 0.1})
    rows = np.flatnonzero(batch["n_peaks"] == 2)
    outputs["count_logits"][rows] = np.roll(outputs["count_logits"][rows], 1, axis=1)
    monkeypatch.setattr(runtimes, "get_engine", lambda model, device: lambda spectra: outputs)
    found = evaluate("default", n=300, seed=1)
    assert found["count_accuracy_2"] == 0
    assert found["count_accuracy_3"] == 1
    share = rows.size / 300
    assert found["count_accuracy"] == pytest.approx(1 - share)
    assert found["calibration_error"] == pytest.approx(share)  # all were stated with certainty
    assert found["center"] == pytest.approx(0.05, rel=1e-3)
    assert found["fwhm"] == pytest.approx(0.2, rel=1e-3)
    assert found["height"] == pytest.approx(0.1, rel=1e-3)
    assert found["fraction"] == pytest.approx(0, abs=1e-6)
    # The stated spread is 0.14: it covers the errors of the centers, not those of the widths.
    assert found["center_within_spread"] > 0.99
    assert found["fwhm_within_spread"] < 0.02


def test_paper_errors_count_absent_slots_as_zeros() -> None:
    truth = {"n_peaks": [1.0, 3.0], "width": np.zeros((2, 3)), "height": np.zeros((2, 3))}
    batch = {**truth, "center": np.array([[4.0, 0, 0], [9.0, 6.0, 3.0]])}
    outputs = {
        "n_peaks": np.array([[1.5], [3.0]]),
        "center": np.array([[5.0, 2.0, 0], [9.0, 6.0, 3.0]]),
        "width": np.full((2, 3), 0.5),
        "height": np.zeros((2, 3)),
    }
    assert paper_errors(outputs, batch) == {
        "n_peaks_mae": 0.25,
        "n_peaks_mse": 0.125,
        "center_mae": 0.5,
        "center_mse": pytest.approx(5 / 6),
        "width_mae": 0.5,
        "width_mse": 0.25,
        "height_mae": 0.0,
        "height_mse": 0.0,
    }


def test_reliability_in_bins() -> None:
    probability = np.array([0.05, 0.55, 0.52, 0.58, 0.51, 1.0])
    right = np.array([False, True, False, True, True, True])
    assert reliability(probability, right) == [
        (0.05, 0.0, 1),
        (pytest.approx(0.54), 0.75, 4),
        (1.0, 1.0, 1),
    ]


def test_calibrated_statements_lie_on_the_diagonal() -> None:
    rng = np.random.default_rng(2)
    probability = rng.uniform(0, 1, 100_000)
    right = rng.uniform(0, 1, probability.size) < probability
    for stated, seen, n in reliability(probability, right):
        assert n > 9000
        assert stated == pytest.approx(seen, abs=0.02)


@pytest.mark.parametrize("name", weights.list_models())
def test_shipped_models_do_what_their_card_says(name: str) -> None:
    model = weights.load_model(name)
    for recipe, stated in model.card["accuracy"].items():
        found = evaluate(model, recipe, n=1000, seed=3_000_000)
        assert set(found.figures) == set(stated)
        for key, value in found.figures.items():
            # Squares are ruled by rare gross errors, shares of one count by few spectra.
            tolerance = abs(stated[key]) if key.endswith("_mse") else 0.12
            assert value == pytest.approx(stated[key], abs=max(tolerance, 0.02)), key


def test_same_seed_same_figures_and_few_spectra_are_no_error() -> None:
    assert evaluate("default", n=50, seed=4) == evaluate("default", n=50, seed=4)
    for n in (1, 2, 3):
        found = evaluate("default", n=n, seed=5)
        assert all(np.isfinite(list(found.figures.values())))


@pytest.mark.parametrize("name", weights.list_models())
def test_it_prints_as_a_table_that_explains_its_figures(name: str) -> None:
    found = evaluate(name, n=200)
    title, *rows = str(found).splitlines()
    assert title == f"{name}, 200 simulated spectra of the recipe {name}"
    for row, (figure, value) in zip(rows, found.figures.items(), strict=True):
        assert row.split()[:2] == [figure, f"{value:.4f}"]
        assert "error" in row or "fraction" in row or "the same for" in row
        assert len(row) <= 100


def test_own_recipe() -> None:
    recipe = recipes.RawRecipe(max_peaks=1, noise=(1e-3, 1.1e-3))
    found = evaluate("default", recipe, n=300)
    # One line at most and little noise: what any trained network can do.
    assert found["count_accuracy"] > 0.8
    assert found["center"] < 0.1
    assert "count_accuracy_2" not in found.figures


def test_refusals() -> None:
    with pytest.raises(ValueError, match="recipe for the architecture 'default', got PaperRecipe"):
        evaluate("default", "park2020", n=10)
    with pytest.raises(ValueError, match=r"expected a recipe of .*got 'raw'"):
        evaluate("default", "raw", n=10)
    with pytest.raises(ValueError, match=r"expected a model of .*got 'none'"):
        evaluate("none", n=10)
    for recipe in (recipes.RawRecipe(n_points=100), recipes.RawRecipe(max_peaks=7)):
        with pytest.raises(ValueError, match="recipe of 384 points and at most 6 peaks, got"):
            evaluate("default", recipe, n=10)
    paper = replace(weights.load_model("default"), card={"network": vars(CONFIGS["park2020"])})
    with pytest.raises(ValueError, match="architecture 'park2020', got RawRecipe"):
        evaluate(paper, "default", n=10)


def test_card_is_plain_json() -> None:
    for name in weights.list_models():
        path = weights.load_model(name).folder / f"{name}.json"
        assert "NaN" not in path.read_text()
        assert json.loads(path.read_text())["accuracy"]
