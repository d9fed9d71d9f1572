"""The page of definitions speaks of everything that the registries hold."""

from pathlib import Path

import pytest

from xpsnet.numerics.backgrounds import BACKGROUNDS, TOUGAARD_U3
from xpsnet.numerics.lineshapes import LINE_SHAPES

PAGE = Path(__file__).parents[2].joinpath("docs", "definitions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("shape", LINE_SHAPES)
def test_every_line_shape_has_its_section(shape: str) -> None:
    assert f"### `{shape}`" in PAGE
    for parameter in LINE_SHAPES[shape].parameters:
        assert f"| `{parameter}`" in PAGE


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_background_and_its_terms(background: str) -> None:
    terms = ", ".join(f"`{term}`" for term in BACKGROUNDS[background])
    assert " ".join(f"| `{background}` | {terms} |".split()) in PAGE


def test_tougaard_parameters() -> None:
    for b, c, d in TOUGAARD_U3.values():
        assert f"| {b:g} | {c:g} | {d:g} |" in PAGE
