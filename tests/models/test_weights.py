"""Weights and model cards: plain arrays only, checked before use."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpsnet.models import architecture, weights
from xpsnet.models.architecture import NetworkConfig

TINY = NetworkConfig("default", n_points=64, max_peaks=2, channels=(8, 8), features=16)


@pytest.fixture
def card(tmp_path: Path) -> dict[str, Any]:
    """A card of two files that exist."""
    for name in ("own.npz", "own.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    files = {name: weights.sha256(tmp_path / name) for name in ("own.npz", "own.onnx")}
    sizes = {"architecture": "default", "n_points": 64, "max_peaks": 2, "channels": [8, 8]}
    return {"name": "own", "network": sizes, "files": files}


def _write(card: Any, folder: Path) -> Path:
    path = folder / "own.json"
    path.write_text(json.dumps(card))
    return path


def test_weights_come_back(tmp_path: Path) -> None:
    first, second = architecture.build(TINY), architecture.build(TINY)
    for number, variable in enumerate(first.variables):
        variable.assign(np.full(variable.shape, number + 0.5))
    weights.save_weights(tmp_path / "w.npz", first)
    weights.load_weights(tmp_path / "w.npz", second)
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    wide = NetworkConfig("default", n_points=64, max_peaks=2, channels=(8, 8), features=32)
    weights.save_weights(tmp_path / "w.npz", architecture.build(wide))
    with pytest.raises(ValueError, match=r"arrays that fit network 'default'.*choose the file"):
        weights.load_weights(tmp_path / "w.npz", architecture.build(TINY))


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", w000=np.array([{"a": 1}, None], dtype=object))
    (tmp_path / "plain.npz").write_bytes(pickle.dumps([1, 2, 3]))
    for name in ("objects.npz", "plain.npz"):
        with pytest.raises(ValueError, match=r"npz file of plain arrays, got .*allow_pickle="):
            weights.load_arrays(tmp_path / name)


def test_damaged_arrays_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    weights.save_arrays(good, {"a": np.arange(500.0), "b": np.ones(3)})
    whole = good.read_bytes()
    damaged = {
        "empty": b"",
        "text": b"not an archive",
        "cut in the middle": whole[: len(whole) // 2],
        "cut at the end": whole[:-10],
        "other bytes": whole[:200] + bytes(255 - b for b in whole[200:600]) + whole[600:],
        "other head": whole[:45] + b"\xff" * 30 + whole[75:],
    }
    for content in damaged.values():
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"expected an .npz file of plain arrays, got"):
            weights.load_arrays(tmp_path / "bad.npz")
    np.save(tmp_path / "one.npy", np.ones(3))
    for name in ("one.npy", "absent.npz"):
        with pytest.raises(ValueError, match=r"expected an .npz file of plain arrays, got"):
            weights.load_arrays(tmp_path / name)


def test_model_from_its_card(card: dict[str, Any], tmp_path: Path) -> None:
    model = weights.load_model(_write(card, tmp_path))
    assert model.name == "own"
    assert model.config == NetworkConfig("default", 64, 2, channels=(8, 8))
    assert model.version == card["files"]["own.npz"][:12]
    assert model.file(".onnx") == tmp_path / "own.onnx"
    assert weights.load_model(model) is model
    assert weights.load_model(str(tmp_path / "own.json")) == model


def test_changed_file_is_refused(card: dict[str, Any], tmp_path: Path) -> None:
    model = weights.load_model(_write(card, tmp_path))
    (tmp_path / "own.onnx").write_bytes(b"own.onny")
    with pytest.raises(ValueError, match=r"own.onnx with sha256 .*the file is damaged"):
        model.file(".onnx")
    (tmp_path / "own.npz").unlink()
    with pytest.raises(ValueError, match=r"model 'own' has no file .*own.npz; export it again"):
        model.file(".npz")


@pytest.mark.parametrize("missing", ["name", "network", "files"])
def test_card_without_what_is_needed_is_refused(
    card: dict[str, Any], tmp_path: Path, missing: str
) -> None:
    del card[missing]
    with pytest.raises(ValueError, match=rf"expected a model card, got .*own.json: .*{missing}"):
        weights.load_model(_write(card, tmp_path))


@pytest.mark.parametrize(
    "content",
    [b"", b"[1, 2]", b"{", b"\xff\xfe\x00", b"null", b'{"name": "a", "network": 3, "files": {}}'],
    ids=["empty", "list", "cut", "binary", "null", "numbers"],
)
def test_what_is_no_card_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.json").write_bytes(content)
    with pytest.raises(ValueError, match="expected a model card, got"):
        weights.load_model(tmp_path / "own.json")


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"expected a model of \['default'.*got 'defalt'"):
        weights.load_model("defalt")
    with pytest.raises(ValueError, match=r"path of a model card .*got '/nowhere/own.json'"):
        weights.load_model("/nowhere/own.json")


def test_shipped_models_are_whole() -> None:
    names = weights.list_models()
    assert "default" in names
    assert names == sorted(names)
    for name in names:
        model = weights.load_model(name)
        assert model.name == name
        assert model.config == architecture.CONFIGS[name]
        net = architecture.build(model.config)
        weights.load_weights(model.file(".npz"), net)
        assert model.file(".onnx").stat().st_size > 1000
        assert all(np.isfinite(v.numpy()).all() for v in net.variables)
        assert {"training", "recipe", "spectra_seen", "seconds", "accuracy"} <= set(model.card)
