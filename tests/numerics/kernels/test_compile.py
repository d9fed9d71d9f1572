"""Who compiles the kernels, and that machine code does not outlive what it was made of."""

import hashlib
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xpsnet
from xpsnet.numerics.kernels import compile as ways
from xpsnet.numerics.kernels import native
from xpsnet.numerics.kernels.voigt import voigt_areas

SOURCES = Path(xpsnet.__file__).parent
FIT = """
import json, sys
import xpsnet
from xpsnet.numerics.kernels.compile import way
from xpsnet.samples import sample_truth
spectrum = xpsnet.sample("spectrum")
starts = sample_truth("spectrum")
shapes = ["pseudo_voigt", "asymmetric_pseudo_voigt"]
found = [xpsnet.refine(spectrum, starts, engine="batch", line_shape=shape) for shape in shapes]
print(json.dumps({"way": way.name, "numba": "numba" in sys.modules,
                  "areas": [peaks["area"].values.tolist() for peaks in found],
                  "redchi": [float(peaks["redchi"]) for peaks in found]}))
"""


def fitted(**environment: str) -> dict[str, Any]:
    """A fit in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FIT], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCES.parent), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_package_holds_the_kernels_as_they_are() -> None:
    card = json.loads(native.CARD.read_text(encoding="utf-8"))
    advice = "run python -m xpsnet.numerics.kernels.build and commit its two files"
    assert card["sources"] == native.sources_digest(), advice
    bitcode = lzma.decompress(native.BITCODE.read_bytes())
    assert card["sha256"] == hashlib.sha256(bitcode).hexdigest(), advice


def test_the_digest_follows_every_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in SOURCES.rglob("*.py"):
        copy = tmp_path / source.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    digest = native.sources_digest.__wrapped__
    before = digest()
    monkeypatch.setattr(native, "HERE", tmp_path / "numerics" / "kernels")
    assert digest() == before
    for file in (
        "numerics/kernels/voigt.py", "numerics/resample.py", "numerics/heights.py",
        "fitting/solve/lm_model.py", "fitting/solve/solution.py", "fitting/model/parameters.py",
    ):  # fmt: skip
        earlier = digest()
        path = tmp_path / file
        path.write_text(path.read_text() + "# changed\n")
        assert digest() != earlier, file


def test_every_kernel_that_python_calls_is_in_the_package() -> None:
    card = json.loads(native.CARD.read_text(encoding="utf-8"))
    for name in card["entries"]:
        for first in (True, False):
            found = native._machine_code(first).get_function_address(name)
            assert bool(found) == (first == (name in native.FIRST)), name


@pytest.fixture(scope="module")
def by_the_package() -> dict[str, Any]:
    return fitted()


def test_numba_is_not_needed(by_the_package: dict[str, Any]) -> None:
    if ways.way is not ways.Way.NATIVE:
        pytest.skip("the kernels of the package have not been tried on this system")
    assert by_the_package["way"] == "NATIVE"
    assert not by_the_package["numba"]


def test_numba_gives_the_same(by_the_package: dict[str, Any]) -> None:
    found = fitted(XPSNET_KERNELS="numba")
    assert (found["way"], found["numba"]) == ("NUMBA", True)
    for name in ("areas", "redchi"):
        for one, other in zip(found[name], by_the_package[name], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("damage", [b"", b"x" * 100, None])
def test_kept_code_that_is_damaged_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setattr(native, "_folders", lambda: [tmp_path])
    code = b"machine code" * 100
    native._keep(code, first=True)
    assert native._kept_code(first=True) == code
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    turned = bytes([content[50] ^ 1])
    file.write_bytes(content[:50] + turned + content[51:] if damage is None else damage)
    assert native._kept_code(first=True) is None
    native._keep(code, first=True)
    assert native._kept_code(first=True) == code
    assert list(tmp_path.iterdir()) == [file]


def test_code_is_kept_where_the_user_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert list(native._folders()) == [tmp_path]
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert list(native._folders()) == [native.HERE / "__pycache__", tmp_path / "xpsnet"]


def test_code_that_cannot_be_kept_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    folders = [tmp_path / "file", tmp_path / "other"]
    monkeypatch.setattr(native, "_folders", lambda: folders)
    native._keep(b"code", first=True)
    assert [path.parent for path in tmp_path.rglob("*.o")] == [tmp_path / "other"]
    monkeypatch.setattr(native, "_folders", lambda: folders[:1])
    native._keep(b"code", first=True)
    assert native._kept_code(first=True) is None


@pytest.mark.parametrize(
    "given",
    [
        np.zeros(3, np.float32),
        np.zeros((3, 1)),
        np.zeros(6)[::2],
    ],
    ids=["single precision", "two dimensions", "every second"],
)
def test_arrays_of_another_kind_are_refused(given: np.ndarray) -> None:
    if ways.way is not ways.Way.NATIVE:
        pytest.skip("numba compiles for every kind")
    with pytest.raises(TypeError, match="expected a contiguous array of 1 dimensions of float64"):
        voigt_areas(given, np.zeros(3), np.zeros(8))
