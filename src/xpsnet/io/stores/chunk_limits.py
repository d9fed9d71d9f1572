"""Chunks of stores that would unpack to more than they state, found before a library unpacks them.

HDF5 and the codecs of zarr take the memory that a chunk asks for, whatever the array states. Of
chunks small enough not to matter nothing is looked at.
"""

import bz2
import lzma
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from xpsnet.io.common.errors import refusal, refuse_stream

MAX_CHUNK = 256 << 20
PARTIAL = ".partial"
"""End of the name of a chunk that zarr is writing; it is renamed when it is complete."""
_MAX_CHUNKS = 20_000  # of an array that is read at once; zarr takes its time for each
_DEFLATE = 1  # the number of the filter in HDF5
_DEFLATE_RATIO = 1032
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SMALL = 16 << 20  # bytes of a chunk that do not matter, though zarr unpacks many at a time
_SHARDING = "sharding_indexed"
_NO_CHUNK = (1 << 64) - 1
_MAX_UNSTATED = 16 << 10  # bytes of a zstd frame that does not tell its size

_UNPACKERS: dict[str, Callable[[], Any]] = {
    "zlib": zlib.decompressobj,
    "gzip": lambda: zlib.decompressobj(31),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
_PACKERS = {*_UNPACKERS, "blosc", "lz4", "zstd"}


def check_deflated(path: Path, name: str, dataset: Any, n_bytes: int) -> None:
    """Refuse an HDF5 data set with deflated chunks of more than `n_bytes`.

    Raises
    ------
    ReadError
        With the name of the data set.
    """
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    if _DEFLATE not in filters:
        return
    suspects: list[tuple[tuple[int, ...], int]] = []

    def look(chunk: Any) -> None:
        if chunk.size * _DEFLATE_RATIO > MAX_CHUNK:
            suspects.append((chunk.chunk_offset, chunk.size))

    dataset.id.chunk_iter(look)
    left = path.stat().st_size
    for offset, size in suspects:
        left -= size  # the library takes the memory that a chunk states, whatever the file has
        if left < 0:
            raise refusal(
                path, name, expected="chunks within the file", got=f"one of {size} bytes more",
                advice="it may be damaged",
            )  # fmt: skip
        _, packed = dataset.id.read_direct_chunk(offset)
        _unpack(path, name, "zlib", packed, n_bytes)


def check_zarr_chunks(path: Path, name: str, array: Any, n_bytes: int) -> None:
    """Refuse a zarr array with chunks of more than `n_bytes`, or too many to be read at once.

    Raises
    ------
    ReadError
        With the name of the array.
    """
    if array.nchunks > _MAX_CHUNKS:
        raise refusal(
            path, name, expected=f"an array of at most {_MAX_CHUNKS} chunks",
            got=str(array.nchunks), advice="store it anew in larger chunks",
        )  # fmt: skip
    shards = _shards(path, name, array)
    codec = _packer(path, name, shards.codecs if shards else _codecs(array))
    for chunk in _chunk_files(path / name.strip("/")):
        size = chunk.stat().st_size
        if size > MAX_CHUNK:
            raise _too_large(path, name, n_bytes, f"a file of {size >> 20} MiB")
        with chunk.open("rb") as file:
            for start, n in _pieces(path, name, file, size, shards) if shards else [(0, size)]:
                file.seek(start)
                _check_chunk(path, name, codec, file, n, n_bytes)


def _check_chunk(
    path: Path, name: str, codec: str, file: BinaryIO, size: int, n_bytes: int
) -> None:
    """Refuse a packed chunk of `size` bytes that unpacks to more than `n_bytes`."""
    if codec in _UNPACKERS:
        if codec in ("bz2", "lzma") or size * _DEFLATE_RATIO > _SMALL:
            _unpack(path, name, codec, file.read(size), n_bytes)
        return
    stated = _stated_size(codec, file.read(min(size, 18)), size)
    if stated > n_bytes:
        raise _too_large(path, name, n_bytes, f"{stated} bytes")


class _Shards(NamedTuple):
    """How the files of a zarr array hold several chunks each."""

    codecs: list[str]
    n_chunks: int
    index_first: bool
    index_bytes: int


def _shards(path: Path, name: str, array: Any) -> _Shards | None:
    """How the files of an array are divided; None if each holds one chunk."""
    codecs = getattr(array.metadata, "codecs", ())
    found = [codec for codec in codecs if _name(codec) == _SHARDING]
    if not found:
        return None
    (shards,) = found
    inner, index = _names(shards.codecs), _names(shards.index_codecs)
    plain = index in (["bytes"], ["bytes", "crc32c"])
    # The places in the index may be stored with the most significant byte first.
    if not plain or "big" in str(shards.index_codecs[0].to_dict()) or _SHARDING in inner:
        raise refusal(
            path, name, expected="shards with a plain index", got=f"{', '.join(index + inner)}",
            advice="store it anew with the defaults of zarr",
        )  # fmt: skip
    n = math.prod(-(-a // b) for a, b in zip(array.shards, shards.chunk_shape, strict=True))
    outer = [one for one in _names(codecs) if one != _SHARDING]
    first = getattr(shards.index_location, "value", shards.index_location) == "start"
    return _Shards([*outer, *inner], n, first, 16 * n + 4 * (len(index) - 1))


def _pieces(
    path: Path, name: str, file: BinaryIO, size: int, shards: _Shards
) -> list[tuple[int, int]]:
    """Places and sizes of the chunks in a shard, as its index says."""
    if size < shards.index_bytes:
        return []  # zarr will say so
    file.seek(0 if shards.index_first else size - shards.index_bytes)
    index = struct.iter_unpack("<QQ", file.read(16 * shards.n_chunks))
    pieces = [(start, n) for start, n in index if (start, n) != (_NO_CHUNK, _NO_CHUNK)]
    for start, n in pieces:
        if start + n > size:
            raise refusal(
                path, name, expected=f"chunks within the {size} bytes of their shard",
                got=f"{n} bytes from byte {start}", advice="it may be damaged",
            )  # fmt: skip
    return pieces


def _codecs(array: Any) -> list[str]:
    """Names of all through which the chunks of a zarr array went."""
    metadata = array.metadata
    if hasattr(metadata, "codecs"):
        return _names(metadata.codecs)
    stages = [*(metadata.filters or ()), metadata.compressor]
    return [str(getattr(stage, "codec_id", "")) for stage in stages]


def _name(codec: Any) -> str:
    """Name of a codec of zarr 3."""
    return str(codec.to_dict().get("name", "")).removeprefix("numcodecs.")


def _names(codecs: Iterable[Any]) -> list[str]:
    """Names of codecs of zarr 3."""
    return [_name(codec) for codec in codecs]


def _packer(path: Path, name: str, codecs: list[str]) -> str:
    """The one codec that packs, "" where nothing does."""
    found = [codec for codec in codecs if codec in _PACKERS]
    if len(found) > 1:
        raise refusal(
            path, name, expected="chunks that are packed once", got=" and ".join(found),
            advice="store it anew with one compressor",
        )  # fmt: skip
    return found[0] if found else ""


def _chunk_files(folder: Path) -> Iterator[Path]:
    """Complete files of the chunks of one array, without those that zarr is writing."""
    for place, _, names in os.walk(folder):
        for name in names:
            if not name.startswith(".z") and name != "zarr.json" and not name.endswith(PARTIAL):
                file = Path(place) / name
                refuse_stream(file)
                yield file


def _stated_size(codec: str, head: bytes, size: int) -> int:
    """Bytes that a chunk unpacks to, as its first bytes say; 0 if they say nothing."""
    if codec == "blosc" and len(head) >= 8:
        return int(struct.unpack_from("<I", head, 4)[0])
    if codec == "lz4" and len(head) >= 4:
        return int(struct.unpack_from("<I", head)[0])
    if codec == "zstd" and head.startswith(_ZSTD_MAGIC) and len(head) > 5:
        return _zstd_size(head, size)
    return 0


def _zstd_size(head: bytes, size: int) -> int:
    """Size of the content of a zstd frame (RFC 8878, 3.1.1)."""
    descriptor = head[4]
    single = bool(descriptor & 0x20)
    width = (int(single), 2, 4, 8)[descriptor >> 6]
    if width == 0:
        return 0 if size <= _MAX_UNSTATED else MAX_CHUNK + 1
    start = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    stated = int.from_bytes(head[start : start + width], "little")
    return stated + 256 if width == 2 else stated


def _unpack(path: Path, name: str, codec: str, packed: bytes, n_bytes: int) -> None:
    """Unpack a chunk, but no further than it may reach."""
    try:
        unpacked = _UNPACKERS[codec]().decompress(packed, n_bytes + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError):
        return  # the library will say so
    if len(unpacked) > n_bytes:
        raise _too_large(path, name, n_bytes, "more")


def _too_large(path: Path, name: str, n_bytes: int, got: str) -> Exception:
    """The refusal: a chunk unpacks to more than its array says."""
    return refusal(
        path, name, expected=f"chunks that unpack to {n_bytes} bytes", got=got,
        advice="it may be damaged",
    )  # fmt: skip
