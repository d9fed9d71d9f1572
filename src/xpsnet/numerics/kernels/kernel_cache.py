"""Machine code kept on disk: checked before it is used, and done without where it cannot be kept.

numba reads what it has kept with pickle and gives it to the linker. A file that a full disk has
cut, or that has changed, raises any error there, or ends the process. So every file ends with a
checksum of all before it, which pickle does not reach; one that does not fit is deleted and made
anew.
"""

import glob
import hashlib
import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

from xpsnet.xpsnet_warning import XpsnetWarning

_SEAL = b"checked by xpsnet"
_SEALED = len(_SEAL) + hashlib.sha256().digest_size
_TOLD: set[str] = set()


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Cache of one kernel that raises no error of its own.

    Parameters
    ----------
    function : callable
        The kernel, not yet compiled.
    digest : str
        Of all sources that it is compiled from. With another one, what was kept is not used.

    Raises
    ------
    RuntimeError, OSError
        If there is no folder for it.
    """

    def __init__(self, function: Callable[..., Any], digest: str) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp(), digest
        # Another name than numba's own files have, which bear no checksum.
        name = f"{self._impl.filename_base}-checked"
        self._cache_file = _CheckedFiles(self.cache_path, name, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Kept code for these types; None if there is none that is sound."""
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            tell_not_kept(self.cache_path, error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep code for these types, if the system lets us."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            tell_not_kept(self.cache_path, error)


class _CheckedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """Index and code of one kernel, in files that end with their checksum."""

    def __init__(self, folder: str, name: str, stamp: Any) -> None:
        super().__init__(folder, name, stamp)
        self._pattern = os.path.join(glob.escape(folder), f"{glob.escape(name)}.*nb[ic]")

    def load(self, key: Any) -> Any:
        """Entry of a key, if all files are sound."""
        return super().load(key) if self._only_sound() else None

    def save(self, key: Any, data: Any) -> None:
        """Write an entry, if all files beside it are sound."""
        if self._only_sound():
            super().save(key, data)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[io.BytesIO]:
        """File whose checksum is written at its end, before it gets its name."""
        with super()._open_for_write(filepath) as file:
            content = io.BytesIO()
            yield content
            file.write(_sealed(content.getvalue()))

    def _only_sound(self) -> bool:
        """Delete damaged files; whether none are left."""
        for path in map(Path, glob.glob(self._pattern)):
            try:
                content = path.read_bytes()
                if content != _sealed(content[:-_SEALED]):
                    _tell_damaged(path.parent)
                    path.unlink()
            except FileNotFoundError:
                continue  # another process was faster
            except OSError as error:
                tell_not_kept(path.parent, error)
                return False
        return True


def _sealed(content: bytes) -> bytes:
    """Content and its checksum."""
    return content + _SEAL + hashlib.sha256(content).digest()


def tell_not_kept(folder: str | Path | None, error: Exception) -> None:
    """Say once that machine code cannot be kept, why, and what to do."""
    place = f" in {folder}" if folder else ""
    got = getattr(error, "strerror", None) or "no folder that can be written to"
    _tell_once(
        "not kept",
        f"compiled functions cannot be kept{place} ({got}): every new Python compiles them again, "
        f"about a minute; free some space there, or set NUMBA_CACHE_DIR to another folder",
    )


def _tell_damaged(folder: Path) -> None:
    """Say once that kept machine code is damaged."""
    _tell_once(
        "damaged",
        f"compiled functions kept in {folder} are damaged: they are compiled and kept anew",
    )


def _tell_once(what: str, sentence: str) -> None:
    """Warn of the first of many kernels."""
    if what not in _TOLD:
        _TOLD.add(what)
        warnings.warn(sentence, XpsnetWarning, stacklevel=3)
