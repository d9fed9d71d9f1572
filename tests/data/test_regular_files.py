"""What is no file is named by its kind, before anything opens it."""

import os
import socket
from pathlib import Path

import pytest

from xpsnet.data.regular_files import is_stream, not_a_file


def test_a_file_is_a_file_and_so_is_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert not_a_file(tmp_path / "a") == ""
    (tmp_path / "link").symlink_to("a")
    assert not_a_file(tmp_path / "link") == ""
    assert not is_stream(tmp_path / "link")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".", "a folder"),
        ("absent", "no file of this name"),
        ("a\0b", "no file that can be opened"),
        ("x" * 5000, "no file that can be opened"),
    ],
    ids=["folder", "absent", "zero in the name", "long name"],
)
def test_what_is_no_file_and_no_stream(tmp_path: Path, name: str, kind: str) -> None:
    assert not_a_file(tmp_path / name).startswith(kind)
    assert not is_stream(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_pipes_sockets_and_devices_are_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    monkeypatch.chdir(tmp_path)  # the whole name of a socket is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        kinds = {name: not_a_file(Path(name)) for name in ("pipe", "link", "socket", "/dev/zero")}
        assert all(is_stream(Path(name)) for name in kinds)
    assert list(kinds.values()) == ["a pipe", "a pipe", "a socket", "a device or terminal"]
