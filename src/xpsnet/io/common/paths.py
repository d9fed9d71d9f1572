"""Paths as people give them."""

import os
from pathlib import Path


def checked_path(path: object) -> Path:
    """A path out of what a caller gives.

    Raises
    ------
    TypeError, ValueError
        Where this is no path.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f'expected a path as text or pathlib.Path, got {type(path).__name__}; pass "data.vms"'
        )
    given = os.fspath(path)
    if isinstance(given, bytes):
        given = os.fsdecode(given)
    if not given.strip() or "\0" in given:
        raise ValueError(f'expected the name of a file or folder, got {given!r}; pass "data.vms"')
    return Path(given)


def check_place(path: Path, *, overwrite: bool, how: str = "pass overwrite=True") -> None:
    """Refuse a place without a folder, and one that is taken.

    Parameters
    ----------
    path : Path
        Where a file or folder is to be written.
    overwrite : bool
        Whether what is there may be replaced.
    how : str
        What the caller has to do so that it is.

    Raises
    ------
    FileNotFoundError, FileExistsError
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"expected an existing folder, got {str(path.parent)!r}; create it")
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(
            f"expected a new file, got {path}, which exists; choose another name, or {how} to "
            f"replace it"
        )
