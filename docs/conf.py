"""Sphinx settings of the documentation site.

`make docs` builds it into build/docs, without the network.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT / "src"))  # this tree, wherever another one is installed

import xpsnet  # noqa: E402
from xpsnet import constants  # noqa: E402

LOGGER = logging.getLogger(__name__)

project = "napari-xpsnet"
author = "the napari-xpsnet developers"
copyright = author
release = xpsnet.__version__
version = release.partition("+")[0]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["README.md"]
suppress_warnings = ["config.cache"]  # functions in this file cannot be kept between builds

# Every reference must lead somewhere. Of names in single backticks only `xpsnet.<public name>`
# must: others may be parameters, or parts of the code that have no page.
nitpicky = True
nitpick_ignore_regex = [("py:obj", r"(?!xpsnet\.\w+$).*"), ("py:obj", r"xpsnet\.constants")]

# API reference: one page for every public name, from its docstring. Signatures show names and
# defaults only, because the docstrings give the types in words.
autosummary_generate = True
autodoc_typehints = "none"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
default_role = "autolink"

# Pages in Markdown. Headings get anchors, so that pages can link to a section.
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Formulas become MathML, which browsers draw themselves: a page needs nothing from the network.
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "napari-xpsnet"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}


def _examples() -> Path:
    """Copy the examples below build/, because they write their results beside themselves."""
    place = ROOT / "build" / "docs-examples"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(ROOT / "examples", place, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def _figures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Gallery scraper for the figures of `xpsnet.plot`, which pyplot does not know."""
    from matplotlib.figure import Figure
    from sphinx_gallery.scrapers import figure_rst

    names = block_vars["example_globals"]
    figures = [value for value in names.values() if isinstance(value, Figure)]
    paths = []
    for figure in figures:
        if not getattr(figure, "_in_gallery", False):
            figure._in_gallery = True  # type: ignore[attr-defined]
            paths.append(next(block_vars["image_path_iterator"]))
            figure.savefig(paths[-1], dpi=120)
    return figure_rst(paths, gallery_conf["src_dir"]) if paths else ""


sphinx_gallery_conf = {
    "examples_dirs": [str(_examples())],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"[\\/]\d\d_",
    "ignore_pattern": r"make_data\.py$",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("matplotlib", _figures),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "plot_gallery": True,
}

# Files of the repository that Markdown pages link to, and the page of the site that shows them.
PAGES = {
    "../benchmarks/RESULTS.md": "/results.md",
    "../README.md": "/index.md",
    "../examples": "/gallery/index.rst",
}


def _table(*rows: tuple[object, ...]) -> str:
    """Table in Markdown; the first row is the header."""
    lines = [" | ".join(str(cell) for cell in row) for row in rows]
    lines.insert(1, " | ".join("---" for _ in rows[0]))
    return "\n".join(f"| {line} |" for line in lines)


def _constants() -> dict[str, str]:
    """Tables of `xpsnet.constants` by their marks on the page of that name."""
    sources, lines = constants.PHOTON_SOURCES.items(), constants.CALIBRATION_LINES.items()
    satellites = ((source, one) for source, all_ in constants.SATELLITES.items() for one in all_)
    return {
        "%PHOTON_SOURCES%": _table(
            ("source", "photon energy", "note", "reference"),
            *((name, one.value, one.note, one.reference) for name, one in sources),
        ),
        "%CALIBRATION_LINES%": _table(
            ("line", "binding energy", "note", "reference"),
            *((name, one.value, one.note, one.reference) for name, one in lines),
        ),
        "%DOUBLETS%": _table(
            ("level", "splitting", "share of the area", "state", "reference"),
            *(
                (
                    name,
                    f"{one.splitting:.2f}",
                    f"{one.branching_ratio:.3f}",
                    one.state,
                    one.reference,
                )
                for name, one in constants.DOUBLETS.items()
            ),
        ),
        "%SATELLITES%": _table(
            ("source", "line", "distance", "relative height"),
            *((source, one.name, one.shift, one.height) for source, one in satellites),
        ),
        "%REFERENCES%": _table(("key", "source"), *constants.REFERENCES.items()),
    }


def _to_pages(app: Any, docname: str, source: list[str]) -> None:
    """Point links to files outside docs/ at the pages that show them; fill in tables."""
    if docname == "constants":
        for mark, table in _constants().items():
            source[0] = source[0].replace(mark, table)
    up = "../" * docname.count("/")
    for file, page in PAGES.items():
        source[0] = source[0].replace(f"]({up}{file}", f"]({page}")


def _formula(writer: Any, node: nodes.Element) -> None:
    """Write a formula, in a line or as a block, as MathML."""
    as_block = isinstance(node, nodes.math_block)
    try:
        mathml = tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        LOGGER.warning("cannot draw the formula %s: %s", node.astext(), error, location=node)
        mathml = node.astext()
    writer.body.append(f"<div>{mathml}</div>" if as_block else mathml)
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Connect the hooks above; called by Sphinx."""
    app.connect("source-read", _to_pages)
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
