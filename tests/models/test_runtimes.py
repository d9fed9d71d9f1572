"""Runtimes: equal outputs, a child process that ends, a fast import."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.models import architecture, encoding, runtimes, weights
from xpsnet.models.weights import Model, load_model
from xpsnet.simulation import recipes

Answered = Callable[[runtimes.Outputs], runtimes.Outputs]


@pytest.fixture(autouse=True)
def _no_engine_stays() -> Iterator[None]:
    yield
    runtimes.close_engines()


@pytest.fixture(scope="module")
def spectra() -> npt.NDArray[np.float32]:
    batch = recipes.simulate_batch(64, "known", seed=1)
    inputs = encoding.simulated_inputs(np, batch, load_model("default").config)
    return np.asarray(inputs, np.float32)


def _assert_same(found: runtimes.Outputs, expected: runtimes.Outputs) -> None:
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-4, rtol=1e-4)


def test_both_runtimes_agree(spectra: npt.NDArray[np.float32], answered: Answered) -> None:
    model = load_model("default")
    _assert_same(
        answered(runtimes.OnnxEngine(model.file(".onnx"))(spectra)),
        answered(runtimes.KerasEngine(model)(spectra)),
    )


def test_both_runtimes_agree_on_the_papers_architecture(untrained_paper: Model) -> None:
    batch = recipes.simulate_batch(64, "park2020", seed=1)
    seen = np.asarray(batch["spectra"], np.float32)
    onnx = runtimes.get_engine(untrained_paper, "cpu")(seen)
    _assert_same(onnx, runtimes.get_engine(untrained_paper, "gpu")(seen))
    assert np.ptp(onnx["center"], axis=0).min() > 0


def test_batches_do_not_see_each_other(spectra: npt.NDArray[np.float32]) -> None:
    engine = runtimes.get_engine(load_model("default"), "cpu")
    together, alone = engine(spectra), engine(spectra[7:8])
    _assert_same(alone, {name: values[7:8] for name, values in together.items()})
    assert engine(spectra[:0])["peaks"].shape == (0, 21, 4)


@pytest.mark.parametrize("name", ["default", "park2020"])
def test_the_number_of_spectra_changes_no_bit(name: str) -> None:
    """129 spectra are 128 and one alone, which ONNX Runtime would round otherwise."""
    model = load_model(name)
    engine = runtimes.get_engine(model, "cpu")
    points = model.config.n_inputs
    spectra = np.random.default_rng(1).random((150, points), dtype=np.float32)
    expected = engine(spectra)
    for part in (*(slice(0, n) for n in (1, 2, 3, 7, 16, 127, 129)), slice(7, 8), slice(20, 149)):
        for output, values in engine(spectra[part]).items():
            np.testing.assert_array_equal(values, expected[output][part], err_msg=f"{part}")


def test_child_answers_like_this_process_and_ends(
    spectra: npt.NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "_shows_windows", lambda: True)
    model = load_model("default")
    child: Any = runtimes.get_engine(model, "gpu")
    assert isinstance(child, runtimes.ChildEngine)
    assert runtimes.get_engine(model, "gpu") is child
    _assert_same(child(spectra), runtimes.KerasEngine(model)(spectra))
    # Threads that ask at the same time get their own answers.
    sizes = [1, 5, 9, 13]
    found: dict[int, int] = {}

    def ask(n: int) -> None:
        found[n] = len(child(spectra[:n])["peaks"])

    threads = [threading.Thread(target=ask, args=(n,)) for n in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: n for n in sizes}
    # A failure in the child is told here and does not end it.
    with pytest.raises(RuntimeError, match=r"(?s)TensorFlow failed: .*predict with device='cpu'"):
        child(np.zeros((2, 5), np.float32))
    assert len(child(spectra[:3])["peaks"]) == 3
    process = child._process
    runtimes.close_engines()
    assert not process.is_alive()
    assert process.exitcode == 0
    with pytest.raises(RuntimeError, match="has ended; predict with device='cpu'"):
        child(spectra)


def test_loaded_engines_are_kept_until_their_file_changes(untrained_paper: Model) -> None:
    model = untrained_paper
    first = runtimes.get_engine(model, "cpu")
    assert runtimes.get_engine(model, "cpu") is first
    name = f"{model.name}.onnx"
    # Another card, as after a second export to the same place.
    path = model.folder / name
    before = path.read_bytes()
    path.write_bytes(before + _harmless_field())
    try:
        files = {**model.card["files"], name: weights.sha256(path)}
        changed = replace(model, card={**model.card, "files": files})
        assert runtimes.get_engine(changed, "cpu") is not first
    finally:
        path.write_bytes(before)


def _harmless_field() -> bytes:
    """A doc string, in the protocol of ONNX files: field 6 of the model, of length 1."""
    return bytes([6 << 3 | 2, 1]) + b"x"


def test_auto_takes_the_gpu_where_a_driver_is(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model("default")
    with monkeypatch.context() as patch:
        patch.setattr(runtimes, "_kept", lambda kind, model, load: kind)
        patch.setattr(runtimes, "_shows_windows", lambda: False)
        patch.setattr(runtimes.shutil, "which", lambda name: None)
        assert runtimes.get_engine(model) == "onnx"
        patch.setattr(runtimes.shutil, "which", lambda name: f"/usr/bin/{name}")
        patch.setattr(runtimes, "find_spec", lambda name: None)
        assert runtimes.get_engine(model) == "onnx"  # a driver without CUDA libraries
        patch.setattr(runtimes, "find_spec", lambda name: name)
        patch.setattr(runtimes, "has_keras", lambda: False)
        assert runtimes.get_engine(model) == "onnx"  # CUDA libraries of another program
        patch.setattr(runtimes, "has_keras", lambda: True)
        assert runtimes.get_engine(model) == "keras"
        patch.setattr(runtimes, "_shows_windows", lambda: True)
        assert runtimes.get_engine(model) == "child"
        assert runtimes.get_engine(model, "cpu") == "onnx"


def test_qt_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PySide6", "PyQt6", "PyQt5", "PySide2", "napari._qt"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert not runtimes._shows_windows()
    monkeypatch.setitem(sys.modules, "PySide6", runtimes)
    assert runtimes._shows_windows()


def test_refusals(tmp_path: Path) -> None:
    model = load_model("default")
    with pytest.raises(ValueError, match="device 'auto', 'cpu' or 'gpu', got 'cuda'"):
        runtimes.get_engine(model, "cuda")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"has no file .*default.onnx; export it again"):
        runtimes.get_engine(replace(model, folder=tmp_path), "cpu")
    with pytest.raises(ValueError, match=r"has no file .*default.npz; export it again"):
        runtimes.get_engine(replace(model, folder=tmp_path), "gpu")


def test_tensorflow_stays_away_from_a_prediction_on_the_cpu() -> None:
    code = """
import sys
import xpsnet
xpsnet.predict(xpsnet.sample("spectrum"), device="cpu")
print(*{name.split(".")[0] for name in sys.modules})
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert not loaded & {"tensorflow", "keras", "jax", "torch"}


def test_nothing_is_reported_to_anybody(tmp_path: Path) -> None:
    # ONNX Runtime keeps what it would report in the user's cache folder.
    code = "import xpsnet; xpsnet.predict(xpsnet.sample('spectrum'), device='cpu')"
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    kept = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], check=True, env={**kept, **home})
    found = [path.name for path in tmp_path.rglob("*onnxruntime*")]
    assert not found


N_INPUTS = load_model("default").config.n_inputs


def _foreign_files() -> dict[str, tuple[bytes, str]]:
    """ONNX files that are no network of ours, and what is said of them."""
    from onnx import TensorProto, helper, numpy_helper

    shapes = architecture.output_shapes(load_model("default").config)

    def file(
        points: Any = N_INPUTS,
        kind: int = TensorProto.FLOAT,
        outputs: dict[str, tuple[int, ...]] | None = None,
        more_inputs: tuple[str, ...] = (),
        first: Any = None,
    ) -> bytes:
        outputs = shapes if outputs is None else outputs
        inputs = [
            helper.make_tensor_value_info(n, kind, ["n", points])
            for n in ("spectrum", *more_inputs)
        ]
        values = {name: np.zeros((1, *shape), np.float32) for name, shape in outputs.items()}
        nodes = [
            helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))
            for name, array in values.items()
        ]
        if first is not None:
            nodes[0] = first
        graph = helper.make_graph(
            nodes, "g", inputs,
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
            [numpy_helper.from_array(np.array([7, 7]), "shape")],
        )  # fmt: skip
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        return bytes(made.SerializeToString())

    reshape = helper.make_node("Reshape", ["spectrum", "shape"], ["count_logits"])
    name = r"expected .*default\.onnx with "
    return {
        "no ONNX": (b"nothing of the kind", name + "the network of its card, got one that ONNX"),
        "nothing": (b"", name + "the network of its card, got one that ONNX Runtime does not load"),
        "points": (
            file(401),
            name + f"one input of float32 spectra with {N_INPUTS} inputs, got the inputs",
        ),
        "any points": (
            file(None),
            name + f"one input of float32 spectra with {N_INPUTS} inputs, got",
        ),
        "doubles": (file(kind=TensorProto.DOUBLE), r"got the inputs spectrum tensor\(double\)"),
        "two inputs": (file(more_inputs=("other",)), r"got the inputs spectrum .*, other tensor"),
        "names": (
            file(outputs={"y": (3,)}),
            name + "outputs count_logits, peaks, log_spread, got the outputs y; export",
        ),
        "shapes": (
            file(outputs={**shapes, "peaks": (20, 4)}),
            name + r"float32 of shape \(1, 21, 4\), got peaks of shape \(1, 20, 4\); export",
        ),
        "does not run": (file(first=reshape), "got one that does not run .*; export the model"),
        "one spectrum only": (
            file(),
            name + r"float32 of shape \(3, 7\), got count_logits of shape \(1, 7\); export",
        ),
    }


@pytest.mark.parametrize(
    "kind",
    ["no ONNX", "nothing", "points", "any points", "doubles", "two inputs", "names", "shapes",
     "does not run", "one spectrum only"],
)  # fmt: skip
def test_a_foreign_file_with_the_right_checksum_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    content, message = _foreign_files()[kind]
    (tmp_path / "default.onnx").write_bytes(content)
    model = load_model("default")
    files = {**model.card["files"], "default.onnx": weights.sha256(tmp_path / "default.onnx")}
    foreign = replace(model, folder=tmp_path, card={**model.card, "files": files})
    with pytest.raises(ValueError, match=message):
        runtimes.get_engine(foreign, "cpu")(np.zeros((3, N_INPUTS), np.float32))
    # ONNX Runtime says nothing beside it.
    assert capfd.readouterr() == ("", "")
