"""A small writer of PHI MultiPak files, as their layout is documented."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

DTYPES = {"f4": "<f4", "f8": "<f8", "u8": "<f8"}


@dataclass
class Region:
    """One region: counts per second of shape (levels, points) or (points,)."""

    label: str
    rate: np.ndarray
    start: float = 300.0
    stop: float = 290.0
    step: float = -0.1
    seconds: float = 0.4
    pass_energy: str = "22.36"
    kind: str = " NONE"
    n_sweeps: int | None = None
    n_points_said: int | None = None
    axes: tuple[str, str] = ("pnt", "sar")
    unit: str = "c/s"
    dtype: str = "f4"
    index: int | None = None

    def line(self, i: int) -> str:
        """Definition in the header."""
        n = self.n_points_said or self.rate.shape[-1]
        return (
            f"SpectralRegDef: {i} 1 {self.label} 6 {n} {self.step} {self.start} {self.stop} "
            f"{self.start - 1} {self.stop + 1} {self.seconds:.6f} {self.pass_energy}{self.kind}"
        )


@dataclass
class File:
    """A whole file."""

    regions: Sequence[Region]
    keys: dict[str, str | Sequence[str]] = field(default_factory=dict)
    source: str = "Al 1486.6 mono"
    times: np.ndarray | None = None
    newline: str = "\n"
    begin: str = "SOFH"
    rubbish: bytes = b"\x9a\x17"

    def header(self) -> bytes:
        """Lines up to EOFH."""
        lines = [self.begin] if self.begin else []
        lines += ["Platform: PC", "Technique: XPS", "FileType: SPECTRUM"]
        lines += ["SpectralRegDefFull: 1 0 Never measured 7 11 -1 410 400 410 400 0.0 26.00 AREA"]
        lines += [f"NoSpectralReg: {len(self.regions)}"]
        for i, region in enumerate(self.regions, start=1):
            lines.append(region.line(i))
            if region.n_sweeps is not None:
                lines.append(f"SpectralRegDef2: {i} 20.0 {region.n_sweeps} 0 4 180")
        if self.source:
            lines.append(f"XraySource: {self.source}")
        for key, values in self.keys.items():
            values = [values] if isinstance(values, str) else values
            lines += [f"{key}: {value}" for value in values]
        return (self.newline.join([*lines, "EOFH"]) + self.newline).encode("latin-1")

    def arrays(self) -> list[tuple[int, tuple[str, str], str, str, np.ndarray]]:
        """Region, axes, unit, type and values (levels, points) of all arrays."""
        arrays = [
            (r.index or i, r.axes, r.unit, r.dtype, np.atleast_2d(r.rate))
            for i, r in enumerate(self.regions, start=1)
        ]
        if self.times is not None:
            arrays.append((0, ("cyc", "reg"), "c/s ", "f4", np.ones_like(self.times)))
            arrays.append((0, ("cyc", "reg"), "s", "f4", self.times))
        return arrays

    def data(self) -> bytes:
        """The whole file."""
        arrays = self.arrays()
        offset = 16 + 96 * len(arrays)
        heads, bodies = [], []
        for k, (region, axes, unit, dtype, values) in enumerate(arrays, start=1):
            body = values.astype(DTYPES[dtype]).tobytes()
            head = bytearray(96)
            struct.pack_into("<8I", head, 0, k, 1, 1, region, 1, *values.shape[::-1], 1)
            struct.pack_into("<4s4x4s", head, 32, axes[0].encode(), axes[1].encode())
            struct.pack_into("<8s", head, 56, unit.encode().ljust(4, b"\0"))
            struct.pack_into("<2s2sII", head, 72, dtype.encode(), self.rubbish, len(body), offset)
            heads.append(bytes(head))
            bodies.append(body)
            offset += len(body)
        start = struct.pack("<4I", 1, len(arrays), 96 * len(arrays), 16)
        return self.header() + start + b"".join(heads) + b"".join(bodies)


def rate(n: int = 101, n_levels: int = 1, seed: int = 0) -> np.ndarray:
    """Whole counts in 0.4 s, as counts per second that float32 holds exactly."""
    x = np.linspace(-5.0, 5.0, n)
    peak = 200 + 1000 * np.exp(-(x**2)) * np.linspace(1, 2, n_levels)[:, None]
    values = np.random.default_rng(seed).poisson(peak) * 2.5
    return values[0] if n_levels == 1 else values
