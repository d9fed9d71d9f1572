"""Places where files are to be written."""

import os
from pathlib import Path


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
