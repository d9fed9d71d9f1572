"""The documentation says what the code does: drawings, examples of docstrings, guides."""

import contextlib
import doctest
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xpsnet
from tests.test_imports import LIBRARY, LIBRARY_FILES, UNITS, _imports, _own_unit, _unit
from xpsnet.data.status import Status

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")
GUIDES = sorted((DOCS / "guide").glob("[!i]*.md"))
DOCUMENTED = [name for name in xpsnet.__all__ if not name.startswith("__")]


def _drawing(heading: str) -> str:
    """First block of text below a heading of the page about the architecture."""
    part = ARCHITECTURE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return part.split("```text\n")[1].split("```")[0]


def test_drawing_of_the_levels() -> None:
    lines = [line.split() for line in _drawing("Packages and levels").splitlines()[1:]]
    assert {unit: int(level) for level, *units in lines for unit in units} == UNITS
    levels = [int(line[0]) for line in lines]
    assert levels == sorted(levels, reverse=True)


def test_drawing_of_the_imports() -> None:
    drawn = {}
    for line in _drawing("What imports what").splitlines():
        unit, _, below = line.partition("->")
        drawn[unit.strip()] = [] if "nothing" in below else below.split()
    real: dict[str, set[str]] = {unit: set() for unit in UNITS}
    for path in LIBRARY_FILES:
        own = _own_unit(path)
        # The accessor is registered by `import xpsnet`; the version belongs to no level.
        names = (name for name in _imports(path) if name.split(".")[0] == "xpsnet")
        real[own] |= {_unit(name) for name in names if name != "xpsnet.__version__"} - {own}
    assert drawn == {unit: sorted(below) for unit, below in real.items()}


def test_drawing_of_the_path_names_parts_that_exist() -> None:
    packages = "|".join(unit for unit in UNITS if unit != "__init__")
    words = re.findall(rf"\b((?:{packages})\.\w+)", _drawing("The path of a spectrum"))
    assert len(words) >= 10
    for word in words:
        package, part = word.split(".")
        place = LIBRARY / package / part
        module = LIBRARY / f"{package}.py"
        is_function = module.is_file() and f"def {part}(" in module.read_text(encoding="utf-8")
        assert place.is_dir() or place.with_suffix(".py").is_file() or is_function, word


# What the worked examples of CONTRIBUTING add.
MADE_UP = {"beamline_x", "test_beamline_x", "GL30", "gl30", "SPIKES", "curvature"}
MADE_UP |= {"background_curvature", "NAME", "sniff", "read"}


def test_pages_name_files_that_exist() -> None:
    for page in (ROOT / "CONTRIBUTING.md", DOCS / "architecture.md"):
        folders = "src|tests|docs|benchmarks|napari_xpsnet"
        for name in re.findall(
            rf"`((?:{folders})/[\w./]+\.\w+)`", page.read_text(encoding="utf-8")
        ):
            assert Path(name).stem in MADE_UP or (ROOT / name).is_file(), f"{page.name}: {name}"


def test_recipes_name_what_their_files_hold() -> None:
    """Rows of CONTRIBUTING, "| `file` | what to do with `name` |": the name is in the file."""
    rows = re.findall(r"^\| (`\S+\.py`) \| (.+) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    assert len(rows) > 15
    for file, what in rows:
        path = ROOT / file.strip("`")
        if path.stem not in MADE_UP:
            names = set(re.findall(r"`(\w+)[`( ]", what)) - MADE_UP
            text = path.read_text(encoding="utf-8")
            assert not {name for name in names if not re.search(rf"\b{name}\b", text)}, file


@pytest.mark.parametrize("status", Status, ids=lambda status: status.name)
def test_every_status_has_its_row(status: Status) -> None:
    page = (DOCS / "definitions.md").read_text(encoding="utf-8")
    assert f"| {status.value} | `{status.name.lower()}` |" in page


def test_api_page_lists_every_public_name() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^   (\w+)$", page, re.MULTILINE)
    assert sorted(listed) == sorted(xpsnet.__all__)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_of_docstrings_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = inspect.getdoc(getattr(xpsnet, name)) or ""
    assert re.search(r"^Examples\n-{8}$", text, re.MULTILINE), f"xpsnet.{name} has no Examples"
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(text, {"xpsnet": xpsnet}, name, None, None)
    assert test.examples, f"the Examples of xpsnet.{name} hold no >>>"
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        result = doctest.DocTestRunner(optionflags=flags).run(test, out=report.write)
    assert result.failed == 0, report.getvalue()


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_code_of_guides_runs(page: Path, tmp_path: Path) -> None:
    """All Python blocks of a page, one after the other; measured.vms and its like are samples."""
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    xpsnet.write([xpsnet.sample("spectrum")], tmp_path / "measured.vms")
    xpsnet.write(xpsnet.sample("map")[::8, ::8], tmp_path / "map.nc")
    shutil.copy(tmp_path / "measured.vms", tmp_path / "other.vms")
    script = tmp_path / "guide.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
