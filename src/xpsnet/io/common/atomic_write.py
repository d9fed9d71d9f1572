"""The one place where files are written: complete beside the target, then renamed.

What is not finished lies in the folder of the target under a hidden name that tells host and
process. A write that fails takes it away. What a killed process has left is taken away by the
next write to the same folder: never a part of a process that lives, never a file of another name.
"""

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_PART = re.compile(r"\.xpsnet-(?P<host>[0-9a-f]{12})-(?P<process>\d+)-[0-9a-f]{16}\.(part|old)")
# Whether a process of another machine lives cannot be seen from here: its parts are left alone
# for longer than any write takes.
_FOREIGN_AGE = 7 * 24 * 3600.0  # [s]
_ACTIVE: set[str] = set()  # names of the parts that this process is writing
# What file systems say that have no fsync; the bytes are written all the same.
_NO_FSYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)

_FULL = "free some space, or choose a folder on another disk"
_FORBIDDEN = "close it in other programs, or choose a folder that you may write to"
_LOST = "see whether the folder, or its network drive, is still there, and write again"
_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.ETXTBSY), _FORBIDDEN),
    errno.EROFS: "choose a folder that you may write to",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EPIPE: "let the program that reads it run to its end",
}


@contextmanager
def describing_failure(path: Path) -> Iterator[None]:
    """Say in one sentence what was tried, what the system answered and what to do.

    Errors that already are such a sentence pass through: only those of the system have a number
    and a text of their own. The type of the error and its `errno` stay.

    Raises
    ------
    OSError
        If the system refuses: the disk is full, the folder is read-only or gone.
    """
    try:
        yield
    except OSError as error:
        if error.strerror is None:
            raise
        raise failure(path, error) from error


def failure(path: Path, error: OSError) -> OSError:
    """Make an error of the same type whose text is a sentence for the user."""
    got = str(error.strerror)
    named = next((Path(os.fsdecode(one)) for one in _names(error)), path)
    # Else a source that is read lazily, or the folder for temporary files of a library.
    if named not in (path, path.parent) and not any(map(_PART.fullmatch, named.parts)):
        got += f" for {named}"
    kind = type(error) if type(error).__module__ == "builtins" else OSError
    described = kind(f"expected to write {path}, got {got}; {_ADVICE.get(error.errno or 0, _LOST)}")
    described.errno = error.errno
    return described


def _names(error: OSError) -> list[Any]:
    """Names of files in an error; instead of a name it may have the number of an open file."""
    return [one for one in (error.filename, error.filename2) if isinstance(one, str | bytes | Path)]


def write_file(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file that appears only when it is complete on the disk.

    A file that is replaced gives the new one its mode and owner; a symbolic link stays one, and
    the file that it leads to is replaced.

    Parameters
    ----------
    path : path
        In an existing folder.
    content : bytes or memoryview

    Raises
    ------
    OSError
        If it cannot be written; what was there before is still there, and nothing else.
    """
    path = Path(path)
    with describing_failure(path), _part(path) as (part, target):
        _write_synced(part, content, target)
        _put_in_place(part, target)


def write_folder(path: str | os.PathLike[str], fill: Callable[[Path], object]) -> None:
    """Write a folder that appears only when it is complete on the disk.

    Parameters
    ----------
    path : path
        In an existing folder. What it replaces is deleted at the end.
    fill : callable
        Writes everything into the empty folder that it is given.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is still there, and nothing else.
    """
    path = Path(path)
    with describing_failure(path), _part(path) as (part, target):
        part.mkdir()
        fill(part)
        if target.is_dir():
            # The old folder is deleted at the end: the disk must have the new one by then.
            _sync_tree(part)
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        _put_in_place(part, target)


@contextmanager
def _part(path: Path) -> Iterator[tuple[Path, Path]]:
    """Hidden name beside the target, and the target itself at the end of symbolic links."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.exists() and not os.access(target, os.W_OK):
        # A rename would also replace what its owner has protected.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    _clean(target.parent)
    part = target.parent / _part_name("part")
    try:
        yield part, target
    finally:
        _delete(part)
        _ACTIVE.discard(part.name)


def _part_name(kind: str) -> str:
    """Name that no other write has, and that tells whose it is."""
    name = f".xpsnet-{_host()}-{os.getpid()}-{secrets.token_hex(8)}.{kind}"
    _ACTIVE.add(name)
    return name


def _host() -> str:
    """Machine within which the number of a process means that process, as a short digest."""
    place = platform.node()
    with suppress(OSError):
        # Containers on one machine number their processes apart.
        place += os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(place.encode()).hexdigest()[:12]


def _write_synced(part: Path, content: bytes | memoryview, target: Path) -> None:
    """Write a new file and wait until the disk has it."""
    binary = getattr(os, "O_BINARY", 0)
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, 0o666)
    try:
        if target.is_file():
            _take_mode(file, part, target.stat())
        left = memoryview(content).cast("B")
        while left:
            left = left[os.write(file, left) :]
        _fsync(file)
    finally:
        os.close(file)


def _take_mode(file: int, part: Path, replaced: os.stat_result) -> None:
    """Give a file the owner and mode of the one that it replaces, as far as that is allowed."""
    with suppress(OSError):
        if hasattr(os, "fchown"):
            os.fchown(file, replaced.st_uid, replaced.st_gid)
    with suppress(OSError):
        part.chmod(stat.S_IMODE(replaced.st_mode))


def _put_in_place(part: Path, target: Path) -> None:
    """Rename a complete file or folder; only a folder is moved aside first."""
    if target.is_dir() or (target.exists() and part.is_dir()):
        aside = target.parent / _part_name("old")
        try:
            aside.mkdir()
            # Under its own name, by which `_clean` puts it back if the process ends here.
            target.rename(aside / target.name)
            try:
                part.replace(target)
            except BaseException:
                (aside / target.name).rename(target)
                raise
        finally:
            if target.exists():
                _delete(aside)
            _ACTIVE.discard(aside.name)
    else:
        os.replace(part, target)
    sync_folder(target.parent)


def _sync_tree(top: Path) -> None:
    """Wait until the disk has all files of a folder."""
    for folder, _, names in os.walk(top):
        for name in names:
            sync_file(Path(folder) / name)
        sync_folder(Path(folder))


def sync_file(path: Path) -> None:
    """Wait until the disk has a file."""
    file = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        _fsync(file)
    finally:
        os.close(file)


def _fsync(file: int) -> None:
    """Wait until the disk has an open file, where the file system can tell."""
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder; the files are complete in any case."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _clean(folder: Path) -> None:
    """Take away what killed processes have left in a folder."""
    with suppress(OSError):
        for name in sorted(os.listdir(folder)):
            if (found := _PART.fullmatch(name)) and _is_abandoned(folder / name, found):
                if name.endswith(".old"):
                    _put_back(folder / name)
                else:
                    _delete(folder / name)


def _is_abandoned(part: Path, found: re.Match[str]) -> bool:
    """Whether the process that wrote a part has ended for sure."""
    if part.name in _ACTIVE:
        return False
    # Windows has no harmless signal that would tell whether a process lives.
    if found["host"] != _host() or os.name == "nt":
        with suppress(OSError):
            return time.time() - part.lstat().st_mtime > _FOREIGN_AGE
        return False
    process = int(found["process"])
    if process == os.getpid():
        return True  # of an earlier process of the same number: a part of ours is in `_ACTIVE`
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    return False


def _put_back(aside: Path) -> None:
    """Give a folder its name again that was moved aside, unless its successor is in place."""
    for kept in aside.iterdir():
        if not os.path.lexists(aside.parent / kept.name):
            kept.rename(aside.parent / kept.name)
    _delete(aside)


def _delete(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
