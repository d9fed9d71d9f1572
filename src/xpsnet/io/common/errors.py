"""Errors of readers, and their messages."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from xpsnet.data.regular_files import SAVE_IT, is_stream, not_a_file


class ReadError(ValueError):
    """A file cannot be read as spectra.

    The message names the file and the line, block or byte, what was expected there, what came
    and what to do.

    Examples
    --------
    >>> try:
    ...     xpsnet.read("missing.vms")
    ... except xpsnet.ReadError as error:
    ...     print(error)
    missing.vms: expected ...; check the path
    """


class BrokenError(ValueError):
    """A part of a file (a region, a wave, a table) cannot be read.

    The reader catches it: it leaves out the part with a note, or refuses the file.
    """


def refusal(
    path: str | os.PathLike[str],
    where: str = "",
    *,
    expected: str,
    got: str,
    advice: str = "",
) -> ReadError:
    """Make a ReadError: file, place, what was expected, what was found, what to do."""
    place = f"{path}, {where}" if where else f"{path}"
    end = f"; {advice}" if advice else ""
    return ReadError(f"{place}: expected {expected}, got {got}{end}")


def unopened(path: str | os.PathLike[str], error: OSError) -> ReadError:
    """Make a ReadError from the reason why the system does not open a file."""
    return refusal(path, expected="a file that can be opened", got=error.strerror or str(error))


def refuse_stream(path: Path) -> None:
    """Refuse a pipe, a socket or a device, for which a library would wait.

    Raises
    ------
    ReadError
    """
    if is_stream(path):
        raise refusal(path, expected="a file", got=not_a_file(path), advice=SAVE_IT)


@contextmanager
def refusing_damage(
    path: str | os.PathLike[str],
    where: str = "",
    *,
    expected: str,
    advice: str = "it may be damaged",
) -> Iterator[None]:
    """Refuse a file where a library fails on it, in the words of the library.

    Libraries such as h5py, zarr, zipfile and xarray raise many kinds of exceptions on damaged
    files. A `ReadError` passes through.
    """
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise refusal(path, where, expected=expected, got=said, advice=advice) from error


def optional_package(
    path: str | os.PathLike[str], name: str, purpose: str, *, advice: str
) -> ModuleType:
    """Import a package that an extra of ours installs, or refuse the file that needs it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise refusal(
            path,
            expected=f"the package {name}, {purpose}",
            got="no such package",
            advice=advice,
        ) from error


def shown(text: object, limit: int = 60) -> str:
    """Quote a value, cut to a length that fits a message."""
    quoted = repr(text)
    return quoted if len(quoted) <= limit else f"{quoted[: limit - 4]}...{quoted[0]}"
