"""Every warning of the library has the public category, so that users can filter it."""

import ast
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[1] / "src" / "xpsnet").rglob("*.py"))


def _categories(path: Path) -> list[str]:
    """Category of each call of `warnings.warn` in a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("warnings.warn", "warn"):
            named = [keyword.value for keyword in node.keywords if keyword.arg == "category"]
            found += [ast.unparse(one) for one in [*node.args[1:2], *named]] or ["none"]
    return found


def test_the_library_warns_at_all() -> None:
    assert sum(len(_categories(path)) for path in SOURCES) >= 5


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_warnings_have_the_public_category(path: Path) -> None:
    assert set(_categories(path)) <= {"XpsnetWarning"}
