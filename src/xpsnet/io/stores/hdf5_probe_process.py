"""Script that reads HDF5 files in a process of its own, in which the HDF5 library may crash.

The path of a file comes in on each line, as JSON; once its metadata and small arrays have been
read, a line goes out: `SOUND`, or what is wrong with groups, links or the lists of attributes.
After such an error the library may use memory that is not its own, so that the file is to be
opened nowhere else. Values that cannot be read are no such error, unless memory was missing: of a
text of any length the library takes as much as the file states, whatever it holds. The script
imports nothing of this package, to start soon.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import h5py

SOUND = "sound"
_MAX_SECONDS = 4  # of processor time
_MAX_MEMORY = 512 << 20
_MAX_READ = 64 << 20  # bytes of arrays of a file
_MAX_OBJECTS = 10_000
_MAX_DEPTH = 20


class _TooLargeError(Exception):
    """A value would take more memory than a file of spectra may."""


def main() -> None:
    """Read one file after the other."""
    _say(SOUND)
    for line in sys.stdin:
        _limit()
        answer = SOUND
        try:
            with h5py.File(json.loads(line), "r") as file:
                _Visit().group(file, 0)
        except _TooLargeError as error:
            answer = str(error)
        except Exception as error:  # h5py raises many kinds of exceptions
            answer = f"{type(error).__name__}: {error}"
        _say(answer)


def _say(text: str) -> None:
    """Write one line."""
    line = " ".join(text.split())[:200].encode("ascii", errors="replace").decode()
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _limit() -> None:
    """Let the system end this process where a file takes too long or too much, if it can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + _MAX_SECONDS
        for what, limit in (
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_DATA, _MAX_MEMORY),
        ):
            resource.setrlimit(what, (limit, resource.getrlimit(what)[1]))


@contextmanager
def _reading(what: str, needs_memory: bool = True) -> Iterator[None]:
    """Go on where a value cannot be read, unless it is one that takes memory at will."""
    try:
        yield
    except Exception as error:  # h5py raises many kinds of exceptions
        is_short = isinstance(error, MemoryError) or "allocat" in str(error)
        if is_short and needs_memory:
            raise _TooLargeError(
                f"{what} that would take more than {_MAX_MEMORY >> 20} MiB"
            ) from error


class _Visit:
    """One walk through a file."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.left = _MAX_READ

    def group(self, group: Any, depth: int) -> None:
        """Visit a group and all in it; links to other places are not followed."""
        address = h5py.h5o.get_info(group.id).addr
        if address in self.seen or depth > _MAX_DEPTH or len(self.seen) > _MAX_OBJECTS:
            return
        self.seen.add(address)
        self.attributes(group)
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                continue
            found = group[key]
            if isinstance(found, h5py.Group):
                self.group(found, depth + 1)
            elif isinstance(found, h5py.Dataset):
                self.attributes(found)
                self.values(found)

    def attributes(self, owner: Any) -> None:
        """Read all attributes but lists of any length."""
        for key in owner.attrs:
            with _reading(f"an attribute {key!r} of {owner.name}"):
                kind = owner.attrs.get_id(key).get_type()
                is_list = kind.get_class() == h5py.h5t.VLEN
                if not is_list or kind.get_super().get_class() == h5py.h5t.REFERENCE:
                    owner.attrs[key]

    def values(self, dataset: Any) -> None:
        """Read an array where it is small, of others the places of its chunks."""
        n_bytes = 0
        with suppress(Exception):
            n_bytes = self.size(dataset)
        if not n_bytes:
            return
        # Numbers take what their shape states, which is looked at elsewhere.
        is_plain = dataset.dtype.kind in "iufbS"
        if is_plain:
            self.left -= n_bytes
        with _reading(f"an array {dataset.name}", not is_plain):
            dataset[()]

    def size(self, dataset: Any) -> int:
        """Bytes of an array that is to be read, 0 of others."""
        if dataset.external or dataset.is_virtual:
            return 0
        if dataset.id.get_type().get_class() == h5py.h5t.VLEN:
            return 0
        if dataset.chunks:
            dataset.id.chunk_iter(lambda chunk: None)
        most = self.left if dataset.dtype.kind in "iufbS" else _MAX_READ
        return int(dataset.nbytes) if dataset.nbytes <= most else 0


if __name__ == "__main__":
    main()
