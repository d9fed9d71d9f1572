"""Fixtures of the reader tests."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write a text or bytes to a file and return its path."""

    def _save(content: str | bytes, name: str = "file.vms") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return _save


@pytest.fixture
def n_calls() -> Callable[[Callable[[], object]], int]:
    """Work of a function: how many calls it makes, of Python and of C, in this thread."""

    def _count(function: Callable[[], object]) -> int:
        number = 0

        def note(frame: Any, event: str, argument: Any) -> None:
            nonlocal number
            number += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            function()
        finally:
            sys.setprofile(before)
        return number

    return _count
