"""Regular files, as against folders, pipes and devices: what a path is, without opening it."""

import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device or terminal"),
    (stat.S_ISBLK, "a device"),
)
SAVE_IT = "save what comes from it in a file, and pass that"


def not_a_file(path: Path) -> str:
    """What lies at a path instead of a file, "" where it is one; nothing is opened.

    To open a pipe may wait for ever, and a device may never end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "no file of this name"
    except (OSError, ValueError) as error:  # ValueError: a name with a zero in it
        return f"no file that can be opened ({getattr(error, 'strerror', None) or error})"
    if stat.S_ISREG(mode):
        return ""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "no file")


def is_stream(path: Path) -> bool:
    """Whether a pipe, a socket or a device lies at a path."""
    return not_a_file(path) in {name for _, name in _KINDS[1:]}
