"""Machine code that cannot be kept, or is damaged, is never an error: it is compiled again."""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import xpsnet
from xpsnet.numerics.kernels import kernel_cache

SOURCES = Path(xpsnet.__file__).parent
RUN = """
import json, sys, warnings
if len(sys.argv) > 1:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    from xpsnet.numerics.kernels import elementary, exp2
    value = elementary.gaussian(0.3)
hits = [sum(f.stats.cache_hits.values()) for f in (elementary.gaussian, exp2.exp2)]
print(json.dumps({"value": value, "hits": hits, "file": elementary.__file__,
                  "told": [[w.category.__name__, str(w.message)] for w in told]}))
"""


def run(*limit: int, **environment: str) -> dict[str, Any]:
    """Call a kernel in a process of its own, with all that it warns of."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, limit)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCES.parent), "XPSNET_KERNELS": "numba",
             **environment},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    value = 2.0 ** (-4 * 0.3**2)
    slope = -8 * 0.3 * math.log(2) * value
    assert found["value"] == pytest.approx([value, slope, 0.0, 0.0], rel=1e-15)
    return found


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def turned(content: bytes) -> bytes:
    """One bit of the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the code of the kernels that `run` calls."""
    folder = tmp_path_factory.mktemp("kept")
    first = run(NUMBA_CACHE_DIR=str(folder))
    assert (first["hits"], first["told"]) == ([0, 0], [])
    return folder


def test_kept_code_is_used(kept: Path) -> None:
    second = run(NUMBA_CACHE_DIR=str(kept))
    assert (second["hits"][0], second["told"]) == (1, [])


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize(
    "damage",
    [cut, turned, lambda _: b"", lambda content: os.urandom(len(content)), lambda _: b"cno\nno\n."],
    ids=["cut", "one bit", "empty", "garbage", "a pickle that fails"],
)
def test_damaged_code_is_compiled_and_kept_anew(
    kept: Path, tmp_path: Path, damage: Callable[[bytes], bytes], kind: str
) -> None:
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    names = sorted(tmp_path.rglob("*.nb[ic]"))
    for file in tmp_path.rglob(f"*.{kind}"):
        file.write_bytes(damage(file.read_bytes()))
    found = run(NUMBA_CACHE_DIR=str(tmp_path))
    ((category, sentence),) = found["told"]
    assert category == "XpsnetWarning"
    assert sentence.endswith("are damaged: they are compiled and kept anew")
    assert found["hits"][0] == 0
    assert sorted(tmp_path.rglob("*.nb[ic]")) == names
    for file in names:
        content = file.read_bytes()
        assert content == kernel_cache._sealed(content[: -kernel_cache._SEALED])


@pytest.mark.parametrize("limit", [0, 5000])
def test_a_full_disk_is_told_once_and_leaves_nothing_damaged(tmp_path: Path, limit: int) -> None:
    pytest.importorskip("resource")
    ((category, sentence),) = run(limit, NUMBA_CACHE_DIR=str(tmp_path))["told"]
    assert category == "XpsnetWarning"
    assert f"cannot be kept in {tmp_path}" in sentence
    assert "(File too large): every new Python compiles them again" in sentence
    assert "set NUMBA_CACHE_DIR to another folder" in sentence
    assert not list(tmp_path.rglob("*.tmp.*"))
    assert run(NUMBA_CACHE_DIR=str(tmp_path))["told"] == []


def test_no_folder_at_all_is_told_once(tmp_path: Path) -> None:
    # As root may write everywhere, a file stands in place of each folder.
    (tmp_path / "file").touch()
    package = tmp_path / "xpsnet"
    package.mkdir()
    for entry in SOURCES.iterdir():
        if entry.name != "numerics":
            (package / entry.name).symlink_to(entry)
    for source in (SOURCES / "numerics").rglob("*.py"):
        copy = package / source.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
        (copy.parent / "__pycache__").touch()
    nowhere = str(tmp_path / "file" / "cache")
    found = run(
        PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=nowhere, XDG_CACHE_HOME=nowhere, HOME=nowhere,
        LOCALAPPDATA=nowhere,
    )  # fmt: skip
    assert Path(found["file"]).is_relative_to(tmp_path)
    assert found["hits"] == [0, 0]
    ((category, sentence),) = found["told"]
    assert category == "XpsnetWarning"
    assert "cannot be kept (no folder that can be written to)" in sentence


def test_a_file_that_cannot_be_deleted_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = kernel_cache._CheckedFiles(str(tmp_path), "one[1]", "stamp")
    files.save("key", [1, 2])
    assert files.load("key") == [1, 2]
    (data,) = tmp_path.glob("*.nbc")
    data.write_bytes(b"x")

    def fail(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", fail)
    monkeypatch.setattr(kernel_cache, "_TOLD", set())
    with pytest.warns(xpsnet.XpsnetWarning, match="damaged|cannot be kept") as told:
        assert files.load("key") is None
    files.save("key", [3])
    assert len(told) == 2
    assert data.read_bytes() == b"x"
    monkeypatch.undo()
    monkeypatch.setattr(kernel_cache, "_TOLD", {"damaged"})
    assert files.load("key") is None
    files.save("key", [3])
    assert files.load("key") == [3]
