"""The blocks of a report as Markdown, HTML or plain text."""

import base64
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap

_WIDTH = 100  # characters in a line of plain text
_MARKS = re.compile(r"[\\`*\[\]<>|]")
_STYLE = """
body { font: 15px/1.45 sans-serif; color: #111; background: #fff; }
body { max-width: 60em; margin: 2em auto; }
h1 { font-size: 1.6em; } h2 { font-size: 1.3em; border-bottom: 1px solid #999; }
h3 { font-size: 1.1em; }
table { border-collapse: collapse; } th, td { padding: 2px 10px; text-align: right; }
th:first-child, td:first-child { text-align: left; }
table.words th, table.words td { text-align: left; vertical-align: top; }
thead { border-bottom: 1px solid #111; } img { max-width: 100%; }
"""


@dataclass(frozen=True)
class Heading:
    """Title of the document (level 1), of spectra (2) or of a part (3)."""

    level: int
    text: str


@dataclass(frozen=True)
class Facts:
    """Names and values, one pair a line."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Rows:
    """A table: its header, rows of the same length, and whether they hold numbers or words."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure: name of its file beside the document, bytes (PNG) and caption."""

    file: str
    content: bytes
    caption: str


Block = Heading | Facts | Rows | Picture | str
"""A text is a paragraph."""


def markdown(blocks: Sequence[Block]) -> str:
    """Markdown with tables; pictures are files beside the document."""
    return "\n\n".join(map(_in_markdown, blocks)) + "\n"


def _in_markdown(block: Block) -> str:
    """One block."""
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_marked(block.text)}"
    if isinstance(block, Facts):
        return "\n".join(f"- {_marked(name)}: {_marked(value)}" for name, value in block.pairs)
    if isinstance(block, Rows):
        side = ":---" if block.words else "---:"
        lines = [block.header, [":---", *[side] * (len(block.header) - 1)], *block.rows]
        cells = [[cell if i == 1 else _marked(cell) for cell in row] for i, row in enumerate(lines)]
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)
    if isinstance(block, Picture):
        return f"![{_marked(block.caption)}](<{block.file}>)\n\n{_marked(block.caption)}"
    return _marked(block)


def _marked(text: str) -> str:
    """Text in which nothing is a mark of Markdown."""
    return _MARKS.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))


def page(blocks: Sequence[Block]) -> str:
    """One HTML file with everything in it."""
    title = next((one.text for one in blocks if isinstance(one, Heading)), "")
    body = "\n".join(map(_in_html, blocks))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _in_html(block: Block) -> str:
    """One block."""
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Facts):
        rows = "\n".join(_html_row("td", pair) for pair in block.pairs)
        return f'<table class="words">\n{rows}\n</table>'
    if isinstance(block, Rows):
        rows = "\n".join(_html_row("td", row) for row in block.rows)
        head = _html_row("th", block.header)
        kind = ' class="words"' if block.words else ""
        return f"<table{kind}>\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    if isinstance(block, Picture):
        data, caption = base64.b64encode(block.content).decode(), html.escape(block.caption)
        image = f'<img src="data:image/png;base64,{data}" alt="{caption}">'
        return f"<figure>\n{image}\n<figcaption>{caption}</figcaption>\n</figure>"
    return f"<p>{html.escape(block)}</p>"


def _html_row(tag: str, cells: Sequence[str]) -> str:
    """One row of a table."""
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def plain(blocks: Sequence[Block]) -> str:
    """Plain text with aligned columns; pictures are files beside the document."""
    return "\n\n".join(map(_in_plain, blocks)) + "\n"


def _in_plain(block: Block) -> str:
    """One block."""
    if isinstance(block, Heading):
        line = "=-."[block.level - 1]
        return f"{block.text}\n{line * len(block.text)}"
    if isinstance(block, Facts):
        width = max((len(name) for name, _ in block.pairs), default=0) + 2
        hanging = " " * width
        return "\n".join(
            _wrapped(f"{name:<{width}}{value}", hanging) for name, value in block.pairs
        )
    if isinstance(block, Rows):
        lines = [block.header, *block.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        side = str.ljust if block.words else str.rjust
        padded = [[row[0].ljust(widths[0]), *map(side, row[1:], widths[1:])] for row in lines]
        return "\n".join("  ".join(row).rstrip() for row in padded)
    if isinstance(block, Picture):
        return f"Figure: {block.file}\n{_wrapped(block.caption)}"
    return _wrapped(block)


def _wrapped(text: str, indent: str = "") -> str:
    """A paragraph in lines."""
    lines = wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False)
    return "\n".join(lines) or text


FORMATS: dict[str, Callable[[Sequence[Block]], str]] = {
    ".md": markdown,
    ".html": page,
    ".htm": page,
    ".txt": plain,
}
"""Formats of a report by extension."""
EMBEDDING = (".html", ".htm")
"""Formats that hold their pictures."""
