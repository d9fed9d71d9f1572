"""Without the packages of the extras: one sentence where they are needed, all else works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xpsnet.models import extra_packages

WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({missing}))  # None: an import raises ImportError
import xpsnet
"""
NO_TENSORFLOW = ("tensorflow",)
NO_EXTRA = ("tensorflow", "keras", "onnx")


def run(
    code: str, missing: tuple[str, ...], **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=missing) + code],
        env={**os.environ, "PYTHONWARNINGS": "error", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("call", "missing", "sentence"),
    [
        (
            "xpsnet.train('park2020', 'unused')",
            NO_TENSORFLOW,
            "training needs TensorFlow: pip install 'napari-xpsnet[train]'",
        ),
        (
            "xpsnet.predict(xpsnet.sample('spectrum'), device='gpu')",
            NO_EXTRA,
            "device='gpu' needs TensorFlow: pip install 'napari-xpsnet[gpu]'",
        ),
        (
            "xpsnet.evaluate('park2020', n=10, device='gpu')",
            NO_TENSORFLOW,
            "device='gpu' needs TensorFlow: pip install 'napari-xpsnet[gpu]'",
        ),
        (
            "from xpsnet.training.export import export; export('unused', 'unused')",
            ("onnx",),
            "the export of a network needs onnx: pip install 'napari-xpsnet[train]'",
        ),
        (
            "from xpsnet.models.architecture import build\n"
            "build(xpsnet.load_model('park2020').config)",
            NO_EXTRA,
            "a network in Keras needs TensorFlow: pip install 'napari-xpsnet[train]'",
        ),
    ],
    ids=["train", "predict", "evaluate", "export", "build"],
)
def test_one_sentence_says_what_to_install(
    call: str, missing: tuple[str, ...], sentence: str
) -> None:
    done = run(call, missing)
    assert done.stderr.splitlines()[-1] == f"ImportError: {sentence}"


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (NO_EXTRA, "the export of the trained network needs onnx"),
        (NO_TENSORFLOW, "training needs TensorFlow"),
    ],
    ids=["onnx", "tensorflow"],
)
def test_command_line_says_it_before_it_trains(
    missing: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    folder = str(tmp_path / "run")
    done = run(
        f"from xpsnet.cli import main; sys.exit(main(['train', 'park2020', '--out', {folder!r}]))",
        missing,
    )
    assert done.returncode == 2
    assert done.stderr == f"xpsnet: {sentence}: pip install 'napari-xpsnet[train]'\n"
    assert not Path(folder).exists()


def test_everything_on_a_cpu_works_without_the_extras() -> None:
    done = run(
        "spectrum = xpsnet.sample('spectrum')\n"
        "peaks = xpsnet.predict(spectrum)\n"
        "print(int(peaks.n_peaks), xpsnet.evaluate('park2020', n=50).n)",
        NO_EXTRA,
    )
    assert (done.returncode, done.stdout) == (0, "3 50\n"), done.stderr


def test_another_backend_of_keras_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"keras", "jax"}
    monkeypatch.setattr(extra_packages, "find_spec", lambda name: name in installed or None)
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert not extra_packages.has_keras()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert extra_packages.has_keras()
    monkeypatch.setattr(extra_packages, "find_spec", lambda name: None)
    assert not extra_packages.has_keras()
    monkeypatch.setitem(sys.modules, "keras", extra_packages)  # loaded: it found its backend
    assert extra_packages.has_keras()
