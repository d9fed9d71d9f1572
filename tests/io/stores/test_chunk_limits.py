"""Shards of zarr 3, files of several chunks, are looked into before zarr reads them."""

import json
import struct
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, ZstdCodec

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read
from xpsnet.io.stores import chunk_limits

ENERGY = np.linspace(280.0, 290.0, 50)
COUNTS = np.random.default_rng(0).poisson(100.0, (4, 50)).astype(float)
ZEROS = np.zeros(4 << 20, "i1")
REFUSED = r"/C1s: expected chunks that unpack to \d+ bytes, got (more|4194304 bytes)"


def store(path: Path, serializer, *, compressors=None) -> Path:
    """Store whose counts went through given codecs."""
    root = zarr.open_group(path, mode="w", zarr_format=3)
    root.create_array("BE", data=ENERGY)
    root.create_array("C1s", data=COUNTS, chunks=(4, 50), filters=[], serializer=serializer,
                      compressors=compressors)  # fmt: skip
    return path


def four(compressor=None, **options) -> ShardingCodec:
    """One shard of four chunks."""
    codecs = [BytesCodec(), *([compressor] if compressor else [])]
    return ShardingCodec(chunk_shape=(2, 25), codecs=codecs, **options)


PLAIN_INDEX = [BytesCodec()]
SHARDS = {
    "index behind": {"index_location": "end"},
    "index in front": {"index_location": "start"},
    "index without checksum": {"index_codecs": PLAIN_INDEX},
}


@pytest.mark.parametrize("name", SHARDS)
@pytest.mark.parametrize("compressor", [ZstdCodec(), GzipCodec(), None])
def test_shards_are_read(tmp_path: Path, name: str, compressor) -> None:
    path = store(tmp_path / "a.zarr", four(compressor, **SHARDS[name]))
    (stack,) = read(path, scale="binding")
    np.testing.assert_array_equal(stack, COUNTS)


@pytest.mark.parametrize("place", ["start", "end"])
@pytest.mark.parametrize(
    ("compressor", "codec"),
    [(ZstdCodec(), numcodecs.Zstd()), (GzipCodec(), numcodecs.GZip())], ids=["zstd", "gzip"],
)  # fmt: skip
def test_a_chunk_of_a_shard_that_unpacks_to_more_is_refused(
    tmp_path: Path, monkeypatch, compressor, codec, place: str
) -> None:
    monkeypatch.setattr(chunk_limits, "_SMALL", 1 << 20)
    shards = four(compressor, index_codecs=PLAIN_INDEX, index_location=place)
    path = store(tmp_path / "a.zarr", shards)
    bomb = bytes(codec.encode(ZEROS))
    index = struct.pack("<8Q", *[2**64 - 1] * 6, 64 if place == "start" else 0, len(bomb))
    shard = path / "C1s" / "c" / "0" / "0"
    shard.write_bytes(index + bomb if place == "start" else bomb + index)
    with pytest.raises(ReadError, match=REFUSED):
        read(path)


@pytest.mark.parametrize(("start", "size"), [(0, 1 << 40), (1 << 63, 10), (100, 2**64 - 100)])
def test_chunks_beyond_their_shard_are_refused(tmp_path: Path, start: int, size: int) -> None:
    path = store(tmp_path / "a.zarr", four(index_codecs=PLAIN_INDEX))
    shard = path / "C1s" / "c" / "0" / "0"
    data = shard.read_bytes()
    shard.write_bytes(data[:-16] + struct.pack("<2Q", start, size))
    with pytest.raises(ReadError, match=rf"bytes of their shard, got {size} bytes from byte"):
        read(path)


def test_a_cut_shard_is_refused(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", four())
    (path / "C1s" / "c" / "0" / "0").write_bytes(bytes(20))
    with pytest.raises(ReadError, match="that can be opened"):
        read(path)


@pytest.mark.parametrize(
    "codec",
    [
        ShardingCodec(chunk_shape=(2, 25), codecs=[ShardingCodec(chunk_shape=(1, 25))]),
        ShardingCodec(chunk_shape=(2, 25), index_codecs=[BytesCodec(endian="big")]),
    ],
    ids=["nested", "big-endian index"],
)
def test_odd_shards_are_refused(tmp_path: Path, codec) -> None:
    path = store(tmp_path / "a.zarr", codec)
    with pytest.raises(ReadError, match="expected shards with a plain index"):
        read(path)


def test_a_shard_of_absurd_size_is_refused(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", four())
    stated = path / "C1s" / "zarr.json"
    metadata = json.loads(stated.read_text())
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = [4_000_000, 50]
    stated.write_text(json.dumps(metadata))
    with pytest.raises(ReadError, match="chunks of at most 256 MiB, got 1525 MiB"):
        read(path)


def test_a_checksum_hides_no_packed_chunk(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", BytesCodec(), compressors=[ZstdCodec(), Crc32cCodec()])
    (stack,) = read(path, scale="binding")
    np.testing.assert_array_equal(stack, COUNTS)
    (path / "C1s" / "c" / "0" / "0").write_bytes(bytes(numcodecs.Zstd().encode(ZEROS)))
    with pytest.raises(ReadError, match=REFUSED):
        read(path)


def test_chunks_packed_twice_are_refused(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", BytesCodec(), compressors=[GzipCodec(), ZstdCodec()])
    with pytest.raises(ReadError, match="chunks that are packed once, got gzip and zstd"):
        read(path)


def test_a_chunk_that_is_being_written_is_no_chunk(tmp_path: Path) -> None:
    path = store(tmp_path / "m.zarr", BytesCodec())
    # Listed, but gone when it is opened: so is a file that gets its final name in between.
    (path / "C1s" / "c" / "0" / "1.partial").symlink_to(path / "gone")
    (stack,) = read(path, scale="binding")
    np.testing.assert_array_equal(stack, COUNTS)
