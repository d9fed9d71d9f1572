"""Small writers of OLE compound files (MS-CFB) and property sets (MS-OLEPS), for the tests."""

import struct
from collections.abc import Mapping

SECTOR, MINI = 512, 64
FREE, END, FAT_SECTOR, NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def ole_file(streams: Mapping[str, bytes], sector: int = SECTOR) -> bytes:
    """Compound file of these streams; a slash in a name puts it into a storage."""
    mini = b""
    mini_fat: list[int] = []
    sectors: list[bytes] = []
    fat: list[int] = []

    def put(data: bytes) -> int:
        first, n = len(sectors), -(-len(data) // sector)
        sectors.extend(data[i * sector : (i + 1) * sector].ljust(sector, b"\0") for i in range(n))
        fat.extend([*range(first + 1, first + n), END][:n])
        return first if n else END

    places = {}
    for name, data in streams.items():
        if len(data) >= 4096:
            places[name] = put(data)
        else:
            first, n = len(mini_fat), -(-len(data) // MINI)
            mini += data.ljust(n * MINI, b"\0")
            mini_fat.extend([*range(first + 1, first + n), END][:n])
            places[name] = first if n else END
    mini_start = put(mini)
    table = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    table = table.ljust(-(-len(table) // sector) * sector, b"\xff")
    mini_fat_start = put(table)
    directory_start = put(_directory(streams, places, mini_start, len(mini)))
    n_fat = 1
    while (len(fat) + n_fat) * 4 > n_fat * sector:
        n_fat += 1
    fat_places = list(range(len(fat), len(fat) + n_fat))
    fat.extend([FAT_SECTOR] * n_fat)
    packed = struct.pack(f"<{len(fat)}I", *fat).ljust(n_fat * sector, b"\xff")
    header = struct.pack(
        "<8s16s5H6s9I", bytes.fromhex("d0cf11e0a1b11ae1"), bytes(16), 0x3E,
        3 if sector == 512 else 4, 0xFFFE, sector.bit_length() - 1, 6, bytes(6), 0, n_fat,
        directory_start, 0, 4096, mini_fat_start, len(table) // sector, END, 0,
    )  # fmt: skip
    header += struct.pack("<109I", *fat_places, *[FREE] * (109 - n_fat))
    return header.ljust(sector, b"\0") + b"".join(sectors) + packed


def _directory(
    streams: Mapping[str, bytes], places: Mapping[str, int], mini_start: int, n_mini: int
) -> bytes:
    """Directory entries, those of a storage linked one after the other."""
    storages = sorted({name.split("/")[0] for name in streams if "/" in name})
    roots = [*storages, *(name for name in streams if "/" not in name)]
    entries: list[bytes] = []
    inner = [name for name in streams if "/" in name]
    number = {name: i + 1 for i, name in enumerate([*roots, *inner])}

    def entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
        raw = name.encode("utf-16-le") + b"\0\0"
        links = struct.pack("<3I", NONE, right, child)
        return raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1) + links + (
            bytes(36) + struct.pack("<IQ", start, size)
        )  # fmt: skip

    entries.append(entry("Root Entry", 5, NONE, 1 if roots else NONE, mini_start, n_mini))
    for i, name in enumerate(roots):
        right = number[roots[i + 1]] if i + 1 < len(roots) else NONE
        if name in storages:
            own = [full for full in inner if full.startswith(f"{name}/")]
            entries.append(entry(name, 1, right, number[own[0]], 0, 0))
        else:
            entries.append(entry(name, 2, right, NONE, places[name], len(streams[name])))
    for i, name in enumerate(inner):
        storage, _, short = name.partition("/")
        more = [other for other in inner[i + 1 :] if other.startswith(f"{storage}/")]
        right = number[more[0]] if more else NONE
        entries.append(entry(short, 2, right, NONE, places[name], len(streams[name])))
    return b"".join(entries)


def property_set(
    values: Mapping[int, tuple[int, object]],
    names: Mapping[int, str] | None = None,
    code_page: int = 1200,
) -> bytes:
    """Property set of one section; values are (type, value)."""
    encoding = "utf-16-le" if code_page == 1200 else f"cp{code_page}"
    parts = {1: struct.pack("<IHH", 2, code_page, 0)}
    for number, (kind, value) in values.items():
        parts[number] = struct.pack("<I", kind) + _packed(kind, value, encoding)
    if names:
        parts[0] = struct.pack("<I", len(names))
        for number, name in names.items():
            raw = f"{name}\0".encode(encoding)
            wide = code_page == 1200
            parts[0] += struct.pack("<2I", number, len(raw) // 2 if wide else len(raw)) + raw
            parts[0] += bytes(-len(raw) % 4) if wide else b""
    table, body = b"", b""
    for number, part in parts.items():
        table += struct.pack("<2I", number, 8 + 8 * len(parts) + len(body))
        body += part + bytes(-len(part) % 4)
    section = struct.pack("<2I", 8 + len(table) + len(body), len(parts)) + table + body
    return struct.pack("<HHI16sI16sI", 0xFFFE, 0, 0, bytes(16), 1, bytes(16), 48) + section


def _packed(kind: int, value: object, encoding: str) -> bytes:
    """Bytes of a typed value."""
    if kind in (8, 30):
        raw = f"{value}\0".encode(encoding)
        return struct.pack("<I", len(raw)) + raw
    if kind == 31:
        raw = f"{value}\0".encode("utf-16-le")
        return struct.pack("<I", len(raw) // 2) + raw
    if kind == 72:
        return bytes(value)  # type: ignore[call-overload]
    layout = {2: "<hxx", 3: "<i", 4: "<f", 5: "<d", 11: "<hxx", 19: "<I", 64: "<Q"}[kind]
    return struct.pack(layout, value)
