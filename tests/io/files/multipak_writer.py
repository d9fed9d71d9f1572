"""Text as MultiPak's Exporter and its "save as ASCII" write it, as their layouts are documented."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HEADER = """SOFH
Platform: PC
Technique: XPS
FileType: DEPTHPRO
InstrumentModel: PHI Quantes
AcqFileDate: 2023 6 30
XraySource: Al 1486.6 mono
NoSpectralReg: 2
SpectralRegDef: 1 1 Si2p 14 41 -0.1 106.0 102.0 107.0 101.0 0.400000 55.00 AREA
SpectralRegDef2: 1 20.0 4 0 4 180
SpectralRegDef: 2 1 O1s 8 31 -0.1 535.0 532.0 536.0 531.0 0.200000 55.00 AREA
EOFH
"""
X, Y = "Binding Energy(eV),reverse", "Intensity(cps)"


@dataclass
class Table:
    """Counts of shape (levels, points) over energies; `times` in minutes, one for each level."""

    name: str
    energy: np.ndarray
    counts: np.ndarray
    area: str = "#7 SiO2"
    x: str = X
    y: str = Y
    times: Sequence[float] | None = None


def exporter(tables: Sequence[Table], header: str = HEADER, over: str = "Sputter Time(min)") -> str:
    """A text of the Exporter: spectra first, then the profiles."""
    lines = [header.rstrip("\n")]
    for number, table in enumerate(tables, start=1):
        n, points = np.atleast_2d(table.counts).shape
        lines += ["//Area Comment,RegionNo,AtomicName,Cycle,XLabel,YLabel,DataCount//", table.area,
                  str(number), table.name, str(n), table.x, table.y, str(points)]  # fmt: skip
        lines += _rows(table)
    for table in tables:
        if table.times is not None:
            lines += ["//Area Comment,AtomicName,XLabel,YLabel,DataCount//", table.area, table.name,
                      over, "Intensity", str(len(table.times))]  # fmt: skip
            areas = np.atleast_2d(table.counts).sum(1)
            lines += [f"{t:.4f},{a:.4f}" for t, a in zip(table.times, areas, strict=True)]
    return "\r\n".join("\n".join(lines).split("\n")) + "\r\n"


def labeled(tables: Sequence[Table], header: str = "") -> str:
    """An older text: a name, a number, the labels of the axes and the number of points."""
    lines = [header] if header else []
    for table in tables:
        points = np.atleast_2d(table.counts).shape[1]
        lines += [
            table.name,
            "1",
            table.x.partition(",")[0],
            table.y,
            str(points),
            *_rows(table),
            "",
        ]
    return "\n".join([*lines, "EOF", ""])


def ascii_csv(
    tables: Sequence[Table], files: bool = True, area: str = "no area description"
) -> str:
    """Tables below one another, filled up with zeros, without a blank line between them."""
    lines = []
    longest = max(table.energy.size for table in tables)
    for table in tables:
        n = np.atleast_2d(table.counts).shape[0]
        lines += [str(n), area, table.name, ",".join(str(i + 1) for i in range(n))]
        lines += ["file#," + ",".join(str(2 * i + 2) for i in range(n))] if files else []
        rows = _rows(table)
        lines += rows + [",".join(["0"] * (n + 1))] * (longest - len(rows))
    return "\n".join([*lines, ""])


def _rows(table: Table) -> list[str]:
    counts = np.atleast_2d(table.counts)
    return [
        ",".join([f"{energy:.4f}", *(f"{value:.4f}" for value in row)])
        for energy, row in zip(table.energy, counts.T, strict=True)
    ]
