"""The house rules: imports go down the levels and never in a circle; sizes; heavy packages wait."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import xpsnet
from xpsnet.accessor import PeaksAccessor, SpectraAccessor

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src" / "xpsnet"
PLUGIN = ROOT / "napari_xpsnet"

# Units of the library and their level; a unit may import lower levels and itself.
UNITS = {
    "constants": 0,
    "arguments": 0,
    "xpsnet_warning": 0,
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
    "cli_values": 4,
    "cli_identify": 4,
    "training": 4,
    "pipeline": 4,
    "chemistry": 4,
    "cli_quantify": 5,
    "cli_report": 5,
    "cli_store": 5,
    "cli": 6,
    "accessor": 7,
    "__init__": 7,
}

# Folders of `fitting` and their level; the modules beside them stand above all.
FITTING = {"model": 0, "solve": 1, "select": 2, "maps": 3}

# Parameters of a function that is no public name. What belongs together is a dataclass.
MAX_PARAMETERS = 6
# numba takes arrays and numbers, no dataclasses: compiled kernels may need more parameters.
COMPILED = {"exported", "compiled", "contracted", "inlined", "reassociated"}
# The constructors of the two data models: every keyword is a part of the result.
CONSTRUCTORS = {"make_peaks", "make_spectrum"}
MAX_LINES = 700
# The functions that users call: names of `xpsnet`, methods of `.xps` and constructors.
METHODS = {*vars(SpectraAccessor), *vars(PeaksAccessor)}
PUBLIC = {*xpsnet.__all__, *METHODS, *CONSTRUCTORS}

# Packages and the only places that may import them, at the top of a module or inside a function.
HOMES = {
    "keras": ("models/", "training/"),
    "tensorflow": ("models/", "training/"),
    "onnxruntime": ("models/", "training/"),
    "onnx": ("models/", "training/"),
    "lmfit": ("fitting/solve/lmfit_backend.py",),
    "numba": ("numerics/",),
    "llvmlite": ("numerics/kernels/",),
    "matplotlib": ("plotting.py", "chemistry/composition_figures.py", "training/model_report.py"),
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
GROUND_PACKAGES = {"numpy", "scipy", "numba", "llvmlite"}
LIBRARY_FILES = sorted(LIBRARY.rglob("*.py"))
PLUGIN_FILES = sorted(PLUGIN.rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@lru_cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a syntax tree that ever run: what is for type checkers only is left out."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING"):
            yield from _nodes(child)


def _imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, relative ones made absolute."""
    package = ["xpsnet", *path.relative_to(LIBRARY).parent.parts] if LIBRARY in path.parents else []
    for node in _nodes(_tree(path)):
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


def _fitting_level(name: str) -> int:
    """Level of a module inside `fitting`; -1 for all others."""
    parts = name.split(".")
    if parts[:2] != ["xpsnet", "fitting"]:
        return -1
    return FITTING.get(parts[2], len(FITTING)) if len(parts) > 2 else -1


@pytest.mark.parametrize("path", sorted((LIBRARY / "fitting").rglob("*.py")), ids=_name)
def test_fitting_imports_only_lower_levels_and_its_own_folder(path: Path) -> None:
    own = _fitting_level(_module(path))
    assert [name for name in _imports(path) if _fitting_level(name) > own] == []


def _module(path: Path) -> str:
    """Dotted name of a module of the library."""
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(("xpsnet", *parts)).removesuffix(".__init__")


def _graph() -> dict[str, set[str]]:
    """Modules of the library, and those that each imports, also inside functions."""
    modules = {_module(path): path for path in LIBRARY_FILES}

    def reached(name: str) -> str:
        return name if name in modules else name.rpartition(".")[0]

    return {
        module: {reached(name) for name in _imports(path)} & modules.keys() - {module}
        for module, path in modules.items()
    }


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = _graph()
    assert "xpsnet.numerics.noise" in graph["xpsnet.chemistry.calibrate"]
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert not circle


def _own_names(package: Path) -> set[str]:
    """Names that the `__init__` of a package offers."""
    names = set()
    for node in ast.walk(_tree(package / "__init__.py")):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names |= set(ast.literal_eval(node.value))
    return names


@pytest.mark.parametrize(
    "package", [path.parent for path in LIBRARY_FILES if path.name == "__init__.py"], ids=_name
)
def test_no_module_bears_a_name_of_its_package(package: Path) -> None:
    # `xpsnet.fit(...)` could not be called any more once a module `xpsnet.fit` was imported.
    modules = {path.stem for path in package.glob("*.py")}
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert not (modules | folders) & _own_names(package)


def _too_many_parameters(path: Path) -> Iterator[str]:
    """Functions of a module with more parameters than the limit, public and compiled ones apart."""
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.FunctionDef) or node.name in PUBLIC:
            continue
        if COMPILED & {getattr(decorator, "id", "") for decorator in node.decorator_list}:
            continue
        given = node.args
        names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        if len([n for n in names if n not in ("self", "cls")]) > MAX_PARAMETERS:
            yield f"{node.name}({', '.join(names)})"


@pytest.mark.parametrize("path", LIBRARY_FILES, ids=_name)
def test_functions_take_few_parameters(path: Path) -> None:
    assert not list(_too_many_parameters(path))


@pytest.mark.parametrize("path", LIBRARY_FILES + PLUGIN_FILES, ids=_name)
def test_modules_are_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


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
    for node in ast.walk(_tree(path)):
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
    heavy = {"tensorflow", "keras", "onnxruntime", "numba", "llvmlite", "lmfit", "matplotlib"}
    heavy |= {"napari", "qtpy"}
    loaded = _loaded_by("import xpsnet")
    assert {"xpsnet", "xarray"} <= loaded
    assert not loaded & heavy


def test_importing_the_command_line_is_light() -> None:
    heavy = {"tensorflow", "keras", "onnxruntime", "numba", "lmfit", "matplotlib"}
    assert not _loaded_by("import xpsnet.cli") & heavy


def test_importing_the_plugin_leaves_tensorflow_alone() -> None:
    assert not _loaded_by("import napari_xpsnet") & {"tensorflow", "keras"}


def test_every_public_name_is_there_and_sorted() -> None:
    assert list(xpsnet.__all__) == sorted(xpsnet.__all__)
    assert len(xpsnet.__all__) <= 45
    assert isinstance(xpsnet.__version__, str)
    for name in set(xpsnet.__all__) - {"__version__"}:
        assert callable(getattr(xpsnet, name)), name
