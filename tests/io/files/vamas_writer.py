"""A small writer of VAMAS files (ISO 14976), made from the documented layout, for the tests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

MAGIC = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"


@dataclass
class Block:
    """One block; `ordinates` are (label, unit, values), for irregular scans energies first."""

    counts: Sequence[float]
    start: float = 950.0
    step: float = 0.1
    identifier: str = "block"
    sample: str = "sample"
    species: str = "O"
    transition: str = "1s"
    comment: tuple[str, ...] = ()
    technique: str = "XPS"
    variables: tuple[float, ...] = ()
    position: tuple[int, int] = (1, 1)
    photon_energy: float = 1486.6
    source: str = "Al"
    pass_energy: float = 20.0
    abscissa: tuple[str, str] = ("Kinetic Energy", "eV")
    label: tuple[str, str] = ("Counts", "d")
    more: list[tuple[str, str, Sequence[float]]] = field(default_factory=list)
    dwell_time: float = 0.1
    n_scans: int = 5
    date: tuple[int, ...] = (2024, 2, 29, 12, 30, 15)


def vamas(
    blocks: Sequence[Block],
    *,
    mode: str = "NORM",
    scan_mode: str = "REGULAR",
    variables: Sequence[tuple[str, str]] = (),
    listed: int = 0,
    items: Iterable[int] = (),
    positions: tuple[int, int, int] = (1, 1, 1),
    future: tuple[int, int] = (0, 0),
    sputter_source: bool = True,
    n_blocks: int | None = None,
    end: bool = True,
) -> str:
    """Text of a file; `listed` > 0: later blocks have only `items`, < 0: all but them."""
    items = list(items)
    lines = [MAGIC, "institute", "Instrument 1", "operator", "experiment", "1", "comment"]
    lines += [mode, scan_mode]
    if mode in ("MAP", "MAPDP", "NORM", "SDP"):
        lines.append("1")
    if mode in ("MAP", "MAPDP"):
        lines += [str(n) for n in positions]
    lines += [str(len(variables)), *(text for pair in variables for text in pair)]
    lines += [str(listed), *(str(item) for item in items), "0"]
    lines += [str(future[0]), str(future[1]), *["future"] * future[0]]
    lines.append(str(len(blocks) if n_blocks is None else n_blocks))
    for i, block in enumerate(blocks):
        lines += [block.identifier, block.sample]
        given = {n: n in items if listed > 0 else n not in items for n in range(1, 41)}
        for number, content in _items(block, mode, scan_mode, sputter_source).items():
            if i == 0 or listed == 0 or given[number]:
                lines += [str(line) for line in content]
        lines += ["future"] * future[1]
        lines += _ordinates(block, scan_mode)
    return "\n".join([*lines, *(["end of experiment"] if end else [])]) + "\n"


def _items(
    block: Block, mode: str, scan_mode: str, sputter_source: bool
) -> dict[int, Sequence[object]]:
    """Lines of the forty items."""
    items: dict[int, Sequence[object]] = {i + 1: [part] for i, part in enumerate(block.date)}
    items |= {7: [0], 8: [len(block.comment), *block.comment], 9: [block.technique]}
    if mode in ("MAP", "MAPDP"):
        items[10] = block.position
    items |= {11: block.variables, 12: [block.source]}
    if mode in ("MAPDP", "MAPSVDP", "SDP", "SDPSV"):
        items[13] = [18, 1, 1]
    items |= {14: [block.photon_energy], 15: ["1e+037"], 16: [100, 100]}
    if mode in ("MAP", "MAPDP"):
        items[17] = [200, 200]
    items |= {19: [54.7], 20: [0], 21: ["FAT"], 22: [block.pass_energy], 24: [1], 25: [4.5]}
    items |= {26: [0], 27: [0, 0], 28: [0, 0], 29: [block.species], 30: [block.transition, -1]}
    if scan_mode == "REGULAR":
        items[31] = [*block.abscissa, block.start, block.step]
    named = [(label, unit) for label, unit, _ in _columns(block, scan_mode)]
    items[32] = [len(named), *(text for pair in named for text in pair)]
    items |= {33: ["pulse counting"], 34: [block.dwell_time], 35: [block.n_scans], 36: [0]}
    if sputter_source and mode in ("MAPDP", "MAPSVDP", "SDP", "SDPSV"):
        items[37] = [2000, 1, 100, 100, 45, 0, "cyclic"]
    items |= {38: [0, 0], 39: [0], 40: [1, "parameter", "d", 7]}
    return items


def _columns(block: Block, scan_mode: str) -> list[tuple[str, str, Sequence[float]]]:
    """Ordinates with their values; the energies first where they are one."""
    columns = [(*block.label, block.counts), *block.more]
    if scan_mode == "IRREGULAR":
        energy = block.start + block.step * np.arange(len(block.counts))
        columns.insert(0, (*block.abscissa, energy.tolist()))
    return columns


def _ordinates(block: Block, scan_mode: str) -> list[str]:
    """Number, limits and values of the ordinates, interleaved."""
    columns = [values for _, _, values in _columns(block, scan_mode)]
    limits = [str(limit) for values in columns for limit in (min(values), max(values))]
    values = [repr(float(v)) for row in zip(*columns, strict=True) for v in row]
    return [str(len(values)), *limits, *values]


def counts(n: int = 40, seed: int = 0) -> list[float]:
    """Counts of a noisy peak."""
    x = np.arange(n)
    peak = 1000 * np.exp(-0.5 * ((x - n / 2) / (n / 10)) ** 2) + 200
    return np.random.default_rng(seed).poisson(peak).astype(float).tolist()
