"""The tables of a SPECS Prodigy database, each read once and within bounds.

A row of `RawData` stands for each scan; its numbers lie, in one or several pieces, in
`CountRateData`. Other tables hold, by the number of a node, the settings of a spectrum and the
transmission of the analyzer at its energies.
"""

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpsnet.io.common.errors import BrokenError
from xpsnet.io.common.sqlite_readonly import Database, RefusedDatabaseError
from xpsnet.io.common.stacking import Floats
from xpsnet.io.specs.schedule import parameters_of

_MAX_NUMBERS = 64 << 20
_MAX_TEXT = 64 << 20
_MAX_NODE = 4 << 20
_MAX_BLOCKS = 50_000
_MAX_NAMES = 10
_NEEDED = {"configuration", "rawdata", "countratedata"}
_DTYPES = {8: "<f8", 4: "<f4", 2: "<i2"}

Row = dict[str, Any]


@dataclass
class Tables:
    """What of the tables is needed, with what may still be read of them."""

    database: Database
    nodes: dict[str, str]
    spectra: dict[str, Row]
    scans: dict[str, list[Row]]
    pieces: dict[str, list[Row]]
    transmissions: dict[str, list[Row]]
    details: dict[str, Row]
    external: list[str]
    numbers_left: int = _MAX_NUMBERS
    text_left: int = _MAX_TEXT
    blocks_left: int = _MAX_BLOCKS
    parsed: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)

    def spend(self, n: int) -> None:
        """Count numbers before they are read.

        Raises
        ------
        BrokenError
            If they become too many.
        """
        self.numbers_left -= n
        if self.numbers_left < 0:
            raise BrokenError("the database holds too many numbers")

    def parameters(self, number: str, tag: str) -> list[dict[str, str]]:
        """Attributes of the elements in the XML that belongs to a node."""
        node = self.nodes.get(number, number)
        row = self.details.get(node)
        if row is None:
            return []
        if (node, tag) not in self.parsed:
            size = whole(row["#Data"], 0)
            self.text_left -= size
            if size > _MAX_NODE or self.text_left < 0:
                raise BrokenError("its settings are larger than settings are")
            text = self.database.value("NodeData", "Data", row["rowid"])
            self.parsed[node, tag] = parameters_of(text, tag)
        return self.parsed[node, tag]

    def counts(self, raw_id: Any, total: int) -> Floats:
        """All numbers of a scan, its pieces put together, at most `total` in each."""
        pieces = self.pieces.get(str(raw_id), [])
        pieces.sort(key=lambda piece: whole(piece["Offset"], 0))
        values = []
        for piece in pieces:
            n = whole(piece["ChunkSize"], 0)
            if not 0 < n <= total:
                raise BrokenError(f"expected at most {total} numbers in a piece, got {n}")
            values.append(_numbers(self.database, "CountRateData", piece, n))
        return np.concatenate(values) if values else np.empty(0)

    def transmission(self, node: str, n: int) -> Floats | None:
        """Transmission at the energies of a spectrum, shape (1 or slices, n); None if it has none.

        Raises
        ------
        BrokenError
            If the table holds other numbers.
        """
        rows = self.transmissions.get(node, [])
        sizes = [whole(row["Samples"], 0) * whole(row["NonEnergyChns"]) for row in rows]
        if not any(sizes):
            return None
        n_slices = whole(self.spectra.get(node, {}).get("NonEnergyChns"))
        if sum(sizes) not in (n, n * n_slices):
            raise BrokenError(f"expected {n} numbers, one for each energy, got {sum(sizes)}")
        self.spend(sum(sizes))
        pairs = zip(rows, sizes, strict=True)
        values = [_numbers(self.database, "TransmissionData", row, k) for row, k in pairs if k]
        curves = np.concatenate(values).reshape(n, -1).T
        if not np.isfinite(curves).all():
            raise BrokenError("expected numbers, got some that are none")
        # One that is the same everywhere stands for none.
        return curves if (curves != curves[0, 0]).any() else None


def schedule_of(database: Database) -> str:
    """Find the schedule of a database.

    Raises
    ------
    RefusedDatabaseError
        If it is none of Prodigy.
    """
    if not set(database.tables) >= _NEEDED:
        named = ", ".join(sorted(database.tables)[:5]) or "none"
        raise RefusedDatabaseError(f"another database, with the tables: {named}")
    for row in database.rows("Configuration", ["Key", "Value"]):
        if row["Key"] == "Schedule" and isinstance(row["Value"], str | bytes):
            value = row["Value"]
            return value if isinstance(value, str) else value.decode("utf-8", errors="replace")
    raise RefusedDatabaseError("one without a schedule")


def read_tables(database: Database) -> Tables:
    """Read the small columns of all tables."""

    def grouped(table: str, key: str, *columns: str) -> dict[str, list[Row]]:
        groups: dict[str, list[Row]] = {}
        for row in database.rows(table, [key, *columns]):
            groups.setdefault(str(row[key]), []).append(row)
        return groups

    def single(table: str, key: str, *columns: str) -> dict[str, Row]:
        return {str(row[key]): row for row in database.rows(table, [key, *columns])}

    mapping = single("NodeMapping", "InternalID", "Node")
    names = (str(row["Name"])[:60] for row in database.rows("ExtensionChannelInfo", ["Name"]))
    return Tables(
        database,
        nodes={number: str(row["Node"]) for number, row in mapping.items()},
        spectra=single("Spectrum", "Node", "EnergyChns", "NonEnergyChns", "Samples"),
        scans=grouped("RawData", "Node", "RawID", "ScanDate", "Trace"),
        pieces=grouped("CountRateData", "RawID", "rowid", "Offset", "ChunkSize", "#Data"),
        transmissions=grouped(
            "TransmissionData", "Node", "rowid", "NonEnergyChns", "Samples", "#Data"
        ),
        details=single("NodeData", "Node", "rowid", "#Data"),
        external=list(dict.fromkeys(names))[:_MAX_NAMES],
    )


def whole(value: Any, default: int = 1) -> int:
    """Whole number > 0 of a column."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return int(number) if 1 <= number < 1e9 and number == int(number) else default


def _numbers(database: Database, table: str, row: Row, n: int) -> Floats:
    """The n numbers in a row, unpacked where they are packed."""
    # What is packed is hardly ever larger than what is not.
    if whole(row["#Data"], 0) > 8 * n + 4096:
        raise BrokenError(f"expected {n} numbers, got {row['#Data']} bytes")
    data = database.value(table, "Data", row["rowid"])
    if not isinstance(data, bytes):
        raise BrokenError("expected bytes, got none")
    sizes = (8 * n, 4 * n, 2 * n)
    if len(data) not in sizes or data[:1] == b"\x78":
        try:
            # One byte more than the largest allowed tells a bomb.
            unpacked = zlib.decompressobj().decompress(data, 8 * n + 1)
        except zlib.error:
            unpacked = data
        data = unpacked if len(unpacked) in sizes else data
    if len(data) not in sizes:
        raise BrokenError(f"expected {n} numbers, got {len(data)} bytes")
    return np.frombuffer(data, dtype=_DTYPES[len(data) // n]).astype(np.float64)
