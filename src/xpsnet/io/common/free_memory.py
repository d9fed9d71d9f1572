"""How much memory a process may still take."""

import os
from contextlib import suppress
from pathlib import Path

_UNKNOWN = 4 << 30  # [bytes], where the system does not tell


def free_memory() -> int:
    """Memory that is free [bytes]: of the machine, or of the group of processes if it is less."""
    known = [n for n in (_of_machine(), _of_group()) if n is not None]
    return max(0, min(known, default=_UNKNOWN))


def _of_machine() -> int | None:
    """Memory that programs can take without swapping; half of all where only that is known."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    with suppress(OSError, ValueError, AttributeError):  # no such name, or no sysconf at all
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return None


def _of_group() -> int | None:
    """What the limit of a container or a job leaves, on Linux."""
    with suppress(OSError, ValueError):
        own = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        place = next(line[3:] for line in own if line.startswith("0::"))
        group = Path("/sys/fs/cgroup") / place.lstrip("/")
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        return int(limit) - int(used)  # "max", for no limit, is no number
    return None
