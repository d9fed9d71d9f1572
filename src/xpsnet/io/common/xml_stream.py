"""XML read as a stream: no entities, no other files, bounded depth and size.

Only the elements inside those that are asked for are kept, and handed over one by one.
"""

import codecs
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

_MAX_DEPTH = 60
_MAX_NODES = 1_500_000
_MAX_KEPT = 500_000
_MAX_BEFORE = 100
_MAX_TEXT = 8 << 20
_PIECE = 1 << 20


class RefusedXmlError(Exception):
    """The XML declares entities, asks for other files, or is too deep or too large."""


class OtherRootError(Exception):
    """The first element is not the expected one; its name is the argument."""


@dataclass(slots=True)
class Node:
    """One element with its attributes, its text and the elements in it."""

    tag: str
    attrs: dict[str, str]
    children: list["Node"] = field(default_factory=list)
    text: str = ""

    def child(self, name: str) -> "Node | None":
        """First element in it whose attribute `name` is this."""
        return next((node for node in self.children if node.attrs.get("name") == name), None)

    def of_tag(self, *tags: str) -> list["Node"]:
        """All elements in it, at any depth, that have one of these tags."""
        found = []
        waiting = self.children[::-1]
        while waiting:
            node = waiting.pop()
            if node.tag in tags:
                found.append(node)
            waiting += node.children[::-1]
        return found

    def words(self, *names: str) -> str:
        """Text of an element in it, found by the names on the way; empty if there is none."""
        node: Node | None = self
        for name in names:
            node = node.child(name) if node else None
        return node.text.strip() if node else ""


class Stream:
    """Parses XML and gives every wanted element, with all in it, to `take`.

    Any first element is allowed where no `roots` are given.
    """

    def __init__(
        self,
        roots: tuple[str, ...],
        wanted: Callable[[str, dict[str, str]], bool],
        take: Callable[[Node, list[Node]], None],
    ) -> None:
        self._roots = roots
        self._wanted = wanted
        self._take = take
        self._path: list[Node] = []
        self._captured = 0
        self._n_nodes = 0
        self._n_kept = 0
        self._n_text = 0
        self._text: list[str] = []

    def parse(self, source: BinaryIO | str) -> None:
        """Parse a file, or a text.

        Raises
        ------
        RefusedXmlError
            If it would do harm or is too large.
        OtherRootError
            If it begins with another element.
        expat.ExpatError
            If it is no XML.
        """
        # A text has been decoded already, whatever encoding it states.
        parser = expat.ParserCreate("utf-8" if isinstance(source, str) else None)
        parser.buffer_text = True
        parser.specified_attributes = True  # defaults of a DTD could be large
        parser.StartDoctypeDeclHandler = _refuse_outside
        for handler in ("EntityDecl", "UnparsedEntityDecl", "NotationDecl", "ExternalEntityRef"):
            setattr(parser, f"{handler}Handler", _refuse)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        if isinstance(source, str):
            parser.Parse(source.encode("utf-8", errors="replace"), True)
            return
        # A declaration has to stand first: blank lines in front of it are no damage.
        parser.Parse(source.read(_PIECE).removeprefix(codecs.BOM_UTF8).lstrip(), False)
        while piece := source.read(_PIECE):
            parser.Parse(piece, False)
        parser.Parse(b"", True)

    def _start(self, tag: str, attrs: dict[str, str]) -> None:
        if not self._path and self._roots and tag not in self._roots:
            raise OtherRootError(tag[:100])
        self._n_nodes += 1
        if len(self._path) >= _MAX_DEPTH or self._n_nodes > _MAX_NODES:
            raise RefusedXmlError(f"more than {_MAX_DEPTH} levels or {_MAX_NODES} elements")
        node = Node(tag, attrs)
        if self._captured:
            self._n_kept += 1
            if self._n_kept > _MAX_KEPT:
                raise RefusedXmlError(f"more than {_MAX_KEPT} elements in one")
            self._path[-1].children.append(node)
        elif self._wanted(tag, attrs):
            self._captured, self._n_kept = len(self._path) + 1, 0
        self._path.append(node)
        self._text.clear()
        self._n_text = 0

    def _end(self, tag: str) -> None:
        node = self._path.pop()
        node.text = "".join(self._text)
        self._text.clear()
        if self._captured == len(self._path) + 1:
            self._captured = 0
            self._take(node, self._path)
        elif not self._captured and self._path and not node.children and len(node.text) < 1000:
            # What is before a wanted element, such as the name of its group.
            del self._path[-1].children[_MAX_BEFORE:]
            self._path[-1].children.append(node)

    def _characters(self, text: str) -> None:
        self._n_text += len(text)
        if self._n_text > _MAX_TEXT:
            raise RefusedXmlError(f"an element of more than {_MAX_TEXT >> 20} MiB")
        self._text.append(text)


def _refuse(*_: object) -> None:
    """Refuse the file."""
    raise RefusedXmlError("entities or links to other files")


def _refuse_outside(_name: str, system: str | None, public: str | None, _internal: int) -> None:
    """Refuse a document type that lies in another file."""
    if system or public:
        raise RefusedXmlError("a document type in another file")
