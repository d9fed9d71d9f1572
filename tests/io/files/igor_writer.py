"""A small writer of Igor Pro's binary waves and packed experiments, for the tests."""

import struct
from collections.abc import Sequence

import numpy as np

_TYPES = {"f4": 2, "f8": 4, "i1": 8, "i2": 16, "i4": 32, "u2": 16 + 64}


def ibw(
    values: np.ndarray,
    *,
    scales: Sequence[tuple[float, float]] = (),
    labels: Sequence[str] = (),
    units: str = "Counts [a.u.]",
    note: str = "",
    name: str = "wave0",
    order: str = "<",
    kind: str = "f8",
) -> bytes:
    """A wave of version 5; `scales` are (start, step) and `labels` the long units of each."""
    shape = [*values.shape, 0, 0, 0, 0][:4]
    steps = [scale[1] for scale in scales] + [1.0] * 4
    starts = [scale[0] for scale in scales] + [0.0] * 4
    data = values.astype(f"{order}{kind}").tobytes(order="F")
    long = [label.encode() for label in labels] + [b""] * 4
    tail = note.encode("latin-1") + units.encode() + b"".join(long[:4])
    header = struct.pack(f"{order}IIIihh6sh", 0, 0, 0, values.size, _TYPES[kind], 0, b"", 1)
    header += struct.pack(f"{order}32sii4i", name.encode(), 0, 0, *shape)
    header += struct.pack(f"{order}4d4d", *steps[:4], *starts[:4])
    header = header.ljust(320, b"\0")
    sizes = (len(header) + len(data), 0, len(note), len(units), *(len(x) for x in long[:4]))
    front = struct.pack(f"{order}hh4i4i4iiii", 5, 0, *sizes, 0, 0, 0, 0, 0, 0, 0)
    return _checksum(front, header, order) + header + data + tail


def old_ibw(values: np.ndarray, scale: tuple[float, float], unit: str, order: str = ">") -> bytes:
    """A one-dimensional wave of version 2."""
    header = struct.pack(f"{order}hI20shhI4s4s", 4, 0, b"old", 0, 0, 0, b"", unit.encode())
    header += struct.pack(f"{order}ihdd", values.size, 0, scale[1], scale[0])
    header = header.ljust(110, b"\0")
    data = values.astype(f"{order}f8").tobytes() + bytes(16)
    front = struct.pack(f"{order}hiii", 2, 126 + values.nbytes, 0, 0)
    words = np.frombuffer(front + header + data[:16], dtype=f"{order}i2").astype(np.int64)
    return front + struct.pack(f"{order}H", -int(words.sum()) & 0xFFFF) + header + data


def packed(
    waves: Sequence[bytes],
    order: str = "<",
    version: int = 0,
    before: Sequence[tuple[int, bytes]] = ((1, bytes(16)), (2, b"history\r")),
) -> bytes:
    """A packed experiment: variables, history, the waves in a folder, and the end of it."""
    records = [*before, (9, b"data".ljust(32, b"\0"))]
    records += [(3, wave) for wave in waves] + [(10, b"")]
    return b"".join(
        struct.pack(f"{order}Hhi", kind, version, len(data)) + data for kind, data in records
    )


def variables(order: str = "<", version: int = 2, n_filler: int = 0) -> bytes:
    """A record of variables: 21 of the system, a number, and texts."""
    front = [version, 21, 1, 1 + bool(n_filler)] + ([0, 0] if version == 2 else [])
    data = struct.pack(f"{order}{len(front)}h", *front) + bytes(84)
    data += struct.pack(f"{order}32shhddi", b"photonEnergy", 1, 4, 612.5, 0.0, 0)
    size = "i" if version == 2 else "h"
    texts = [(b"settings", b"Pass Energy=20\rNumber of Sweeps=3")]
    texts += [(b"filler", b"x" * n_filler)] if n_filler else []
    for name, text in texts:
        data += struct.pack(f"{order}32s{size}", name, len(text)) + text
    return data


def _checksum(front: bytes, header: bytes, order: str) -> bytes:
    words = np.frombuffer(front + header, dtype=f"{order}i2").astype(np.int64)
    return front[:2] + struct.pack(f"{order}H", -int(words.sum()) & 0xFFFF) + front[4:]
