"""Model cards of strangers: what is no card is refused in words of our own, within bounds."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpsnet.models import card, weights
from xpsnet.models.weights import load_model, sha256

SUM = "0" * 64
NETWORK = {"architecture": "default", "n_points": 64, "max_peaks": 2, "channels": [8, 8]}
SOUND: dict[str, Any] = {"name": "own", "network": NETWORK, "files": {"own.npz": SUM}}


def text_of(**changed: Any) -> str:
    """A card with other values."""
    return json.dumps({**SOUND, **changed})


def network(**changed: Any) -> str:
    """A card of other sizes."""
    return text_of(network={**NETWORK, **changed})


WRONG = {
    "nothing": ("", "a file that is no JSON: Expecting value"),
    "nested": ("[" * 100_000, "JSON that is nested more than 20 levels deep"),
    "nested, closed": ("[" * 500 + "]" * 500, "JSON that is nested more than 20 levels deep"),
    "nested far down": (
        text_of(note=[[[{"a": eval("[" * 20 + "]" * 20)}]]]),
        "more than 20 levels",
    ),
    "a list": ("[1]", "JSON that holds a list, not an object"),
    "a number": ("3", "JSON that holds a number, not an object"),
    "null": ("null", "JSON that holds nothing, not an object"),
    "no network": (json.dumps({"name": "own", "files": {}}), "JSON without 'network'"),
    "double key": ('{"name": "own", "name": "other"}', "the key 'name' twice in one object"),
    "digits": ('{"name": ' + "9" * 5000 + "}", "a number of 5000 digits"),
    "name of a number": (text_of(name=3), "a 'name' that is no text of 1 to 100 characters"),
    "name of a folder": (
        text_of(name="../own"),
        "the name '../own', which cannot be that of files",
    ),
    "long name": (text_of(name="x" * 200), "a 'name' that is no text of 1 to 100 characters"),
    "network of a list": (text_of(network=[]), "'network' that is a list, not an object"),
    "unknown size": (network(layers=3), "the unknown size 'layers' in 'network'"),
    "missing size": (text_of(network={"architecture": "default"}), "'network' without 'channels'"),
    "architecture": (
        network(architecture="other"),
        "the architecture 'other', not one of park2020",
    ),
    "architecture of a list": (network(architecture=[]), "the architecture '\\[\\]', not one of"),
    "no points": (network(n_points=0), "n_points = 0, not a whole number from 8 to 16384"),
    "points": (network(n_points=10**12), "n_points = 1000000000000, not a whole number"),
    "NaN": (network(n_points=float("nan")), "n_points = nan, not a whole number"),
    "Infinity": (network(max_peaks=float("inf")), "max_peaks = inf, not a whole number"),
    "too large a float": (network().replace("64", "1e999"), "n_points = inf, not a whole number"),
    "true": (network(max_peaks=True), "max_peaks = True, not a whole number from 1 to 32"),
    "text": (network(n_points="64"), "n_points = a text, not a whole number"),
    "fraction": (network(n_points=64.0), "n_points = 64.0, not a whole number"),
    "channels of a number": (network(channels=8), "'channels' that are no list of 1 to 16 numbers"),
    "channels": (network(channels=[8] * 17), "'channels' that are no list of 1 to 16 numbers"),
    "a channel": (network(channels=[8, -1]), "channels = -1, not a whole number from 1 to 1024"),
    "large in all": (
        network(n_points=16_384, channels=[1024], features=4096),
        "sizes of a network of 68719476736 weights, more than 268435456",
    ),
    "files of a list": (text_of(files=[]), "'files' without a checksum of own.npz"),
    "no checksum": (text_of(files={"own.npz": "abc"}), "a checksum of 'own.npz' that is no sha256"),
    "checksum of a number": (text_of(files={"own.npz": 3}), "a checksum of 'own.npz' that is no"),
    "recipe": (text_of(recipe=[]), "'recipe' that is a list, not an object"),
    "window": (text_of(recipe={"window": 3}), "'window' in 'recipe' that is no pair of rising"),
    "window of texts": (
        text_of(recipe={"window": ["a", "b"]}),
        "that is no pair of rising numbers",
    ),
    "window of NaN": (text_of(recipe={"window": [float("nan"), 1]}), "no pair of rising numbers"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_card_is_refused(tmp_path: Path, kind: str) -> None:
    content, message = WRONG[kind]
    path = tmp_path / "own.json"
    path.write_text(content)
    told = rf"expected a model card, got .*own\.json: .*{message}.*; export the model again"
    with pytest.raises(ValueError, match=told):
        load_model(path)


def test_a_sound_card_is_taken_with_whatever_people_note_in_it(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(text_of(note={"by": "me", "loss": float("inf")}, recipe={"window": [5, 40.0]}))
    assert load_model(path).config.channels == (8, 8)


def test_a_large_card_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(text_of())
    os.truncate(path, 2 << 20)
    with pytest.raises(ValueError, match="a file of 2097152 bytes; a card has at most 1048576"):
        load_model(path)


def test_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(ValueError, match=r"own.json: a file that is no text in UTF-8"):
        load_model(tmp_path / "own.json")


def test_cards_of_the_package_are_far_from_the_bounds() -> None:
    for name in weights.list_models():
        path = weights.SHIPPED / f"{name}.json"
        assert path.stat().st_size < card._MAX_BYTES / 100
        assert card.read_card(path)["name"] == name


def test_a_file_of_absurd_size_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "MAX_BYTES", 1 << 20)
    (tmp_path / "own.npz").write_bytes(bytes(3 << 20))
    (tmp_path / "own.json").write_text(text_of())
    with pytest.raises(ValueError, match=r"own.npz with at most 1 MiB, got 3 MiB; export a"):
        load_model(tmp_path / "own.json").file(".npz")


def test_a_file_without_a_checksum_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").touch()
    (tmp_path / "own.json").write_text(text_of())
    with pytest.raises(ValueError, match=r"the checksum of own.onnx in the card of model 'own'"):
        load_model(tmp_path / "own.json").file(".onnx")


def test_arrays_that_unpack_to_absurd_sizes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", w000=np.zeros(100_000))
    monkeypatch.setattr(weights, "MAX_BYTES", 10_000)
    assert (tmp_path / "a.npz").stat().st_size < 10_000
    with pytest.raises(ValueError, match=r"got .*a.npz: arrays of 800128 bytes, more than 10000"):
        weights.load_arrays(tmp_path / "a.npz")


def test_an_array_that_states_an_absurd_shape_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w000=np.zeros(10**3))
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(
        data.replace(b"(1000,), }" + b" " * 15, b"(10000000000000000,), }  ")
    )
    with pytest.raises(ValueError, match=r"expected an .npz file of plain arrays, got"):
        weights.load_arrays(tmp_path / "a.npz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
@pytest.mark.parametrize("name", ["own.json", "own.npz", "own.onnx"])
def test_nobody_waits_for_a_pipe(tmp_path: Path, name: str) -> None:
    (tmp_path / "own.json").write_text(text_of(files={"own.npz": SUM, "own.onnx": SUM}))
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=rf"got .*{name}: a pipe"):
        load_model(tmp_path / "own.json").file(Path(name).suffix)
    with pytest.raises(ValueError, match=rf"got .*{name}: a pipe"):
        weights.load_arrays(tmp_path / name)


def test_the_checksum_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")
