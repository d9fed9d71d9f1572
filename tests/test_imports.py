"""The house rule: imports go down the levels, and heavy packages wait for their first use."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import xpsnet

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src" / "xpsnet"
PLUGIN = ROOT / "napari_xpsnet"

# Units of the library and their level; a unit may import lower levels and itself.
UNITS = {
    "constants": 0,
    "parallel": 0,
    "numerics": 1,
    "data": 2,
    "io": 3,
    "models": 3,
    "fitting": 3,
    "simulation": 3,
    "samples": 3,
    "plotting": 3,
    "cli_table": 4,
    "cli_figure": 4,
    "training": 4,
    "pipeline": 4,
    "chemistry": 4,
    "cli": 5,
    "accessor": 6,
    "__init__": 6,
}

# Packages and the only places that may import them, at the top of a module or inside a function.
HOMES = {
    "keras": ("models/", "training/"),
    "tensorflow": ("models/", "training/"),
    "onnxruntime": ("models/", "training/"),
    "onnx": ("models/", "training/"),
    "lmfit": ("fitting/solve/lmfit_backend.py",),
    "numba": ("numerics/", "fitting/"),
    "matplotlib": ("plotting.py", "training/model_report.py"),
    "openpyxl": ("io/",),
    "rich": ("cli", "parallel/progress.py"),
    "xlrd": ("io/tables/excel.py",),
    "napari": (),
    "qtpy": (),
    "magicgui": (),
    "pyqtgraph": (),
    "PySide6": (),
    "PyQt6": (),
    "pickle": (),
}
GROUND_PACKAGES = {"numpy", "scipy", "numba"}
LIBRARY_FILES = sorted(LIBRARY.rglob("*.py"))
PLUGIN_FILES = sorted(PLUGIN.rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a syntax tree that ever run: what is for type checkers only is left out."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING"):
            yield from _nodes(child)


def _imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, relative ones made absolute."""
    package = ["xpsnet", *path.relative_to(LIBRARY).parent.parts] if LIBRARY in path.parents else []
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def _unit(dotted: str) -> str:
    """Unit that an import of the library reaches."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in UNITS else "__init__"


def _own_unit(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", LIBRARY_FILES, ids=_name)
def test_every_module_has_a_level(path: Path) -> None:
    assert _own_unit(path) in UNITS


@pytest.mark.parametrize("path", LIBRARY_FILES, ids=_name)
def test_imports_only_lower_levels_and_its_own_unit(path: Path) -> None:
    own = _own_unit(path)
    reached = {
        name
        for name in _imports(path)
        # The version is a fact of the distribution; it belongs to no level.
        if name.split(".")[0] == "xpsnet" and name != "xpsnet.__version__"
    }
    wrong = {name for name in reached if _unit(name) != own and UNITS[_unit(name)] >= UNITS[own]}
    assert not wrong


@pytest.mark.parametrize("path", LIBRARY_FILES, ids=_name)
def test_packages_stay_in_their_places(path: Path) -> None:
    place = path.relative_to(LIBRARY).as_posix()
    packages = {name.split(".")[0] for name in _imports(path)}
    wrong = {
        package
        for package, homes in HOMES.items()
        if package in packages and not any(place.startswith(home) for home in homes)
    }
    assert not wrong


@pytest.mark.parametrize("path", sorted((LIBRARY / "numerics").rglob("*.py")), ids=_name)
def test_numerics_know_arrays_only(path: Path) -> None:
    packages = {name.split(".")[0] for name in _imports(path)} - {"xpsnet"}
    assert packages <= GROUND_PACKAGES | set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=_name)
def test_plugin_uses_public_names_only(path: Path) -> None:
    public = {*xpsnet.__all__, "io", "plotting"}
    used = {name.split(".", 1)[1] for name in _imports(path) if name.startswith("xpsnet.")}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        owner = getattr(node, "value", None)
        if isinstance(node, ast.Attribute) and getattr(owner, "id", "") == "xpsnet":
            used.add(node.attr)
    assert {name.split(".")[0] for name in used} <= public


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=_name)
def test_plugin_never_imports_the_training_packages(path: Path) -> None:
    packages = {name.split(".")[0] for name in _imports(path)}
    assert not packages & {"keras", "tensorflow", "lmfit", "numba", "onnxruntime"}


def _loaded_by(statement: str) -> set[str]:
    """Top-level packages in a fresh interpreter after one statement."""
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_library_is_light() -> None:
    heavy = {"tensorflow", "keras", "onnxruntime", "numba", "lmfit", "matplotlib", "napari", "qtpy"}
    loaded = _loaded_by("import xpsnet")
    assert "xarray" in loaded or "xpsnet" in loaded
    assert not loaded & heavy


def test_importing_the_command_line_is_light() -> None:
    heavy = {"tensorflow", "keras", "onnxruntime", "numba", "lmfit", "matplotlib"}
    assert not _loaded_by("import xpsnet.cli") & heavy


def test_importing_the_plugin_leaves_tensorflow_alone() -> None:
    assert not _loaded_by("import napari_xpsnet") & {"tensorflow", "keras"}


def test_every_public_name_is_there_and_sorted() -> None:
    assert list(xpsnet.__all__) == sorted(xpsnet.__all__)
    assert len(xpsnet.__all__) <= 45
    for name in xpsnet.__all__:
        assert getattr(xpsnet, name) is not None
