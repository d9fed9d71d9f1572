"""The one exception of all readers."""

import os


class ReadError(ValueError):
    """A file cannot be read as spectra.

    The message names the file and the line, block or byte, what was expected there, what came
    and what to do.
    """


def refusal(
    path: str | os.PathLike[str],
    where: str = "",
    *,
    expected: str,
    got: str,
    advice: str = "",
) -> ReadError:
    """Word a ReadError: file, place, what was expected, what came, what to do."""
    place = f"{path}, {where}" if where else f"{path}"
    end = f"; {advice}" if advice else ""
    return ReadError(f"{place}: expected {expected}, got {got}{end}")


def shown(text: object, limit: int = 60) -> str:
    """Quote what came, cut to a length that fits a message."""
    quoted = repr(text)
    return quoted if len(quoted) <= limit else f"{quoted[: limit - 4]}...{quoted[0]}"
