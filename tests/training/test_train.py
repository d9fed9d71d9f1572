"""Training of small networks: the loss falls, resuming is exact, the result can be exported."""

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpsnet.models import runtimes, weights
from xpsnet.models.architecture import CONFIGS, NetworkConfig, build
from xpsnet.simulation import recipes
from xpsnet.training import train as training_train
from xpsnet.training.export import export
from xpsnet.training.train import TrainConfig, train

# Three rounds of 30 steps, with a validation after each.
ROUND = 30
TOY = TrainConfig(
    "toy",
    "toy",
    spectra=3 * ROUND * 32,
    batch_size=32,
    learning_rate=3e-3,
    warmup=10,
    evaluate_every=ROUND * 32,
    validation=256,
    beside=(("park2020", 0.25),),
)
RECIPE = recipes.RawRecipe(max_peaks=3, n_points=64, measured_points=(64.01, 64.02))


@pytest.fixture(scope="module", autouse=True)
def _toy_is_known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        sizes = NetworkConfig("default", n_points=64, max_peaks=3, channels=(8, 8), features=16)
        patch.setattr(training_train, "ROUND", ROUND)
        patch.setitem(CONFIGS, "toy", sizes)
        patch.setitem(recipes.RECIPES, "toy", RECIPE)
        yield
    runtimes.close_engines()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an uninterrupted run."""
    return train(TOY, tmp_path_factory.mktemp("runs") / "whole", progress=False)


def _log(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def _state(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "state.json").read_text())["state"])


def test_loss_falls(run: Path) -> None:
    rows = _log(run)
    assert [int(row["spectra"]) for row in rows] == [960, 1920, 2880]
    assert float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"]) - 0.2
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"]) - 0.2
    assert _state(run)["spectra_seen"] == 2880


def test_log_has_its_columns_and_the_folder_its_files(run: Path) -> None:
    columns = ["spectra", "seconds", "learning_rate", "loss", "val_loss", "count_accuracy"]
    assert list(_log(run)[0]) == columns
    names = {path.name for path in run.iterdir()}
    assert names == {"best.npz", "checkpoint.npz", "log.csv", "state.json"}


def test_best_weights_are_those_of_the_best_validation(run: Path) -> None:
    best = min(_log(run), key=lambda row: float(row["val_loss"]))
    assert _state(run)["best_at"] == int(best["spectra"])
    assert _state(run)["best_loss"] == pytest.approx(float(best["val_loss"]))
    net = build(TOY.architecture())
    weights.load_weights(run / "best.npz", net)
    batch = recipes.simulate_batch(TOY.validation, RECIPE, seed=10**6)
    found = training_train._validate(net, batch, TOY)
    assert found["val_loss"] == pytest.approx(float(best["val_loss"]), rel=1e-4)


def test_interrupted_run_ends_with_the_same_weights(run: Path, tmp_path: Path) -> None:
    train(TOY, tmp_path, minutes=1e-9, progress=False)  # one round
    assert _state(tmp_path)["spectra_seen"] == 960
    train(TOY, tmp_path, resume=True, progress=False)
    for name in ("checkpoint.npz", "best.npz"):
        whole, parts = weights.load_arrays(run / name), weights.load_arrays(tmp_path / name)
        assert set(parts) == set(whole)
        for key, values in whole.items():
            np.testing.assert_array_equal(parts[key], values)
    for before, after in zip(_log(run), _log(tmp_path), strict=True):
        assert before | {"seconds": ""} == after | {"seconds": ""}


def test_finished_run_stays_as_it_is(run: Path) -> None:
    before = weights.load_arrays(run / "checkpoint.npz")
    train(TOY, run, resume=True, progress=False)
    after = weights.load_arrays(run / "checkpoint.npz")
    assert len(_log(run)) == 3
    for key, values in before.items():
        np.testing.assert_array_equal(after[key], values)


def test_the_papers_network_with_the_papers_schedule(tmp_path: Path) -> None:
    few = {"spectra": 480, "batch_size": 8, "evaluate_every": 240, "warmup": 1, "validation": 64}
    train(replace(training_train.CONFIGS["park2020"], **few), tmp_path, progress=False)
    rows = _log(tmp_path)
    assert list(rows[0])[4:] == [
        "val_loss", "n_peaks_mae", "center_mae", "width_mae", "height_mae",
    ]  # fmt: skip
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])


def test_learning_rate_drops_on_a_plateau(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_train, "_validate", lambda net, batch, config: {"val_loss": 1.0})
    config = replace(TOY, schedule="plateau", plateau_patience=1, plateau_factor=0.1)
    train(config, tmp_path, progress=False)
    # The first validation is the best; each later one reduces the learning rate.
    assert _state(tmp_path)["best_at"] == 960
    assert _state(tmp_path)["learning_rate"] == pytest.approx(3e-5)
    rates = [float(row["learning_rate"]) for row in _log(tmp_path)]
    assert rates == pytest.approx([3e-3, 3e-3, 3e-4])


def test_the_cosine_schedule_does_not_wait_for_a_plateau(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_train, "_validate", lambda net, batch, config: {"val_loss": 1.0})
    train(replace(TOY, plateau_patience=1), tmp_path, progress=False)
    assert _state(tmp_path)["learning_rate"] == TOY.learning_rate


def test_cosine_schedule_warms_up_and_ends_low(run: Path) -> None:
    rates = [float(row["learning_rate"]) for row in _log(run)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(3e-3)
    assert rates[-1] < 0.3 * rates[0]


def test_loss_that_is_no_number_keeps_the_good_checkpoint(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    right = training_train._loss_function(TOY)
    monkeypatch.setattr(
        training_train, "_loss_function", lambda config: lambda *batch: float("nan") * right(*batch)
    )
    with pytest.raises(FloatingPointError, match="the loss became nan after 3840 spectra"):
        train(TOY, copy, resume=True, spectra=9600, progress=False)
    for name in ("checkpoint.npz", "best.npz", "log.csv", "state.json"):
        assert (copy / name).read_bytes() == (run / name).read_bytes()


def test_refusals(run: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"expected a network of \['default'.* or a TOML file, got 'best'"
    ):
        train("best", tmp_path)
    with pytest.raises(ValueError, match=r"expected a network of \['default'.*name='mine'"):
        train(replace(TOY, name="mine"), tmp_path)
    with pytest.raises(ValueError, match=r"expected a recipe of .*got 'mine'"):
        train(replace(TOY, recipe="mine"), tmp_path)
    with pytest.raises(ValueError, match="already holds a run; resume it or give another folder"):
        train(TOY, run)
    with pytest.raises(ValueError, match=r"expected a checkpoint to resume in .*, found none"):
        train(TOY, tmp_path, resume=True)
    with pytest.raises(ValueError, match="is not a checkpoint of network 'park2020'"):
        train("park2020", run, resume=True)


def test_checkpoint_with_pickles_is_refused(run: Path, tmp_path: Path) -> None:
    arrays: dict[str, Any] = weights.load_arrays(run / "checkpoint.npz")
    arrays["v0000"] = np.array([print, 1], dtype=object)
    np.savez(tmp_path / "checkpoint.npz", **arrays)
    (tmp_path / "state.json").write_text((run / "state.json").read_text())
    with pytest.raises(ValueError, match=r"npz file of plain arrays, got .*Object arrays"):
        train(TOY, tmp_path, resume=True)


@pytest.fixture(scope="module")
def model(run: Path, tmp_path_factory: pytest.TempPathFactory) -> weights.Model:
    """The exported model of the run."""
    return export(run, tmp_path_factory.mktemp("model"), n_evaluate=200)


def test_card_of_an_exported_run(model: weights.Model, run: Path) -> None:
    names = {path.name for path in model.folder.iterdir()}
    assert names == {"toy.npz", "toy.onnx", "toy.json", "toy.csv"}
    card = model.card
    assert card["name"] == "toy"
    assert card["recipe"] == {"kind": "RawRecipe"} | json.loads(json.dumps(vars(RECIPE)))
    assert card["training"]["seed"] == TOY.seed
    assert card["spectra_seen"] == _state(run)["best_at"]
    assert {"keras", "numpy"} <= set(card["versions"])
    assert 0 < card["accuracy"]["toy"]["count_accuracy"] < 1
    for name, expected in card["files"].items():
        assert weights.sha256(model.folder / name) == expected
    assert model.config == TOY.architecture()
    assert (model.folder / "toy.csv").read_text() == (run / "log.csv").read_text()


def test_exported_graph_answers_like_the_network(model: weights.Model, run: Path) -> None:
    seen = np.asarray(recipes.simulate_batch(50, RECIPE, seed=2)["spectra"], np.float32)
    net = build(TOY.architecture())
    weights.load_weights(run / "best.npz", net)
    expected = net.predict_on_batch(seen)
    found = runtimes.OnnxEngine(model.file(".onnx"))(seen)
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-4)


def test_damaged_export_is_refused(model: weights.Model) -> None:
    runtimes.close_engines()  # a loaded network needs its file no more
    path = model.folder / "toy.onnx"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-1] + b"\x00")
        with pytest.raises(ValueError, match=r"toy.onnx with sha256 .*the file is damaged"):
            runtimes.get_engine(model, "cpu")
    finally:
        path.write_bytes(whole)
    assert runtimes.get_engine(model, "cpu")


def test_nothing_to_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected best.npz and state.json in .*train longer"):
        export(tmp_path, tmp_path / "model")
