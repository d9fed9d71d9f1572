"""Damaged files: a valid result, the intact part with a warning, or one ReadError.

From each sound file a fixed set of variants is made; the kind of damage is in the test's name.
"""

import random
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from vamas_writer import Block, counts, vamas

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read
from xpsnet.io.write import write

N_VARIANTS = 8


def _cut(data: bytes, random_: random.Random) -> bytes:
    return data[: random_.randrange(len(data))]


def _flip(data: bytes, random_: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(random_.choice((1, 3, 20))):
        out[random_.randrange(len(out))] ^= 1 << random_.randrange(8)
    return bytes(out)


def _lines(change: Callable[[list[bytes], int, random.Random], None]):
    """Damage that works on one line, every second time one of the first hundred."""

    def damage(data: bytes, random_: random.Random) -> bytes:
        lines = data.split(b"\n")
        first = random_.random() < 0.5
        change(lines, random_.randrange(min(len(lines), 100) if first else len(lines)), random_)
        return b"\n".join(lines)

    return damage


def _delete(lines: list[bytes], at: int, random_: random.Random) -> None:
    del lines[at : at + random_.choice((1, 1, 5))]


def _repeat(lines: list[bytes], at: int, random_: random.Random) -> None:
    lines[at:at] = lines[at : at + random_.choice((1, 1, 30))]


def _insert(lines: list[bytes], at: int, random_: random.Random) -> None:
    words = (b"aborted", b"88", b"\xff\xfe\x00\x01", b"1 2 3 4 5 6 7", b"x" * 3000, b"\0" * 50)
    lines.insert(at, random_.choice(words))


def _replace(lines: list[bytes], at: int, random_: random.Random) -> None:
    values = (b"-1", b"0", b"99999999999", b"1e308", b"nan", b"inf", b"", b"1e37", b"1,5")
    numbers = [i for i, line in enumerate(lines) if line.strip().isdigit()] or [at]
    lines[random_.choice((at, *numbers[:40]))] = random_.choice(values)


def _swap(lines: list[bytes], at: int, random_: random.Random) -> None:
    other = random_.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _recode(data: bytes, random_: random.Random) -> bytes:
    changes = (
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r\r\n"),
        lambda text: text.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
        lambda text: text.decode("latin-1").encode("utf-16"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b".", b","),
        lambda text: text.replace(b"\n", b"\0\n"),
        lambda text: text.rstrip() * 2,
    )
    return random_.choice(changes)(data)


def _join(data: bytes, random_: random.Random) -> bytes:
    at = random_.randrange(len(data))
    junk = random_.choice((b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", bytes(1000), data[:at]))
    return random_.choice((junk + data, data + junk, data[:at] + junk + data[at:]))


DAMAGE: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut off": _cut,
    "bits flipped": _flip,
    "lines deleted": _lines(_delete),
    "lines repeated": _lines(_repeat),
    "lines inserted": _lines(_insert),
    "values replaced": _lines(_replace),
    "lines swapped": _lines(_swap),
    "recoded": _recode,
    "joined": _join,
}

ENERGY = np.linspace(280.0, 292.0, 121)


def _table() -> bytes:
    values = np.random.default_rng(0).poisson(500, 121)
    rows = [f"{e:.2f};{v}\r\n" for e, v in zip(ENERGY, values, strict=True)]
    return ("Region C 1s\r\nBE;counts\r\n" + "".join(rows)).encode()


def _netcdf(engine: str, folder: Path) -> bytes:
    array = xpsnet.sample("map")[:3, :2]
    if engine == "scipy":
        array.to_netcdf(folder / "sound", engine="scipy")
    else:
        write([array, xpsnet.sample("spectrum")], folder / "sound.nc")
        return (folder / "sound.nc").read_bytes()
    return (folder / "sound").read_bytes()


def _depth_profile() -> bytes:
    blocks = [
        Block(counts(seed=i), species="C" if i % 2 else "O", variables=(10.0 * (i // 2),))
        for i in range(8)
    ]
    return vamas(blocks, mode="SDP", variables=[("Etch Time", "s")]).encode()


def _irregular() -> bytes:
    more = [("Transmission", "d", np.linspace(1, 2, 40).tolist())]
    blocks = [Block(counts(seed=i), species="CO"[i], more=more) for i in range(2)]
    return vamas(blocks, scan_mode="IRREGULAR").replace("\n", "\r\n").encode()


SOUND: dict[str, Callable[[Path], bytes]] = {
    "depth profile.vms": lambda folder: _depth_profile(),
    "irregular.vms": lambda folder: _irregular(),
    "table.csv": lambda folder: _table(),
    "netcdf 3.nc": lambda folder: _netcdf("scipy", folder),
    "netcdf 4.nc": lambda folder: _netcdf("h5netcdf", folder),
}


def _result(path: Path) -> str:
    """Read a damaged file, check what comes, and say which of the allowed ends it came to."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            spectra = read(path)
        except ReadError as error:
            return "refused" if str(path) in str(error) else f"not named: {error}"
    for spectrum in spectra:
        _check(spectrum)
    assert spectra
    return "warned" if caught else "read"


def _check(spectrum: xr.DataArray) -> None:
    """A valid spectrum, whatever its values."""
    assert spectrum.dims[-1] == "energy"
    assert spectrum.attrs["scale"] in ("binding", "kinetic")
    energy = spectrum.energy.values
    assert np.isfinite(energy).all()
    assert (np.diff(energy) > 0).all() or (np.diff(energy) < 0).all()
    assert spectrum.load().dtype.kind in "iuf"


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("name", SOUND)
def test_damage_never_ends_in_another_exception(tmp_path: Path, name: str, kind: str) -> None:
    sound = SOUND[name](tmp_path)
    random_ = random.Random(f"{name} {kind}")
    path = tmp_path / name
    for _ in range(N_VARIANTS):
        path.write_bytes(DAMAGE[kind](sound, random_))
        assert _result(path) in ("read", "warned", "refused")


@pytest.mark.parametrize("name", SOUND)
def test_sound_files_are_read_under_any_name(tmp_path: Path, name: str) -> None:
    sound = SOUND[name](tmp_path)
    for extension in ("txt", "vms", "h5", "jpg", "zarr"):
        path = tmp_path / f"wrong.{extension}"
        path.write_bytes(sound)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            spectra = read(path)
        assert sum(s.size for s in spectra) > 70
        path.unlink()


def test_most_of_a_damaged_profile_survives(tmp_path: Path) -> None:
    lines = _depth_profile().split(b"\n")
    random_ = random.Random(0)
    starts = [i for i, line in enumerate(lines) if line == b"block"]
    path = tmp_path / "a.vms"
    for start in starts[1:]:
        damaged = list(lines)
        del damaged[start + random_.randrange(8, 60)]
        path.write_bytes(b"\n".join(damaged))
        with pytest.warns(UserWarning, match="is left out: line"):
            spectra = read(path)
        assert sum(s.size // s.sizes["energy"] for s in spectra) >= 6


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"\n" * 5000,
        b"\xff" * 5000,
        b"1" * 100_000,
        b"1," * 100_000,
        b"1 1\n" * 5000,
        b"\x89HDF\r\n\x1a\n",
        b"\x89HDF\r\n\x1a\n" + bytes(5000),
        b"CDF\x01",
        b"CDF\x02" + b"\xff" * 200,
        b"VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4",
        b"VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4\n" * 50,
        "BE\n".encode("utf-16"),
        b"\xff\xfe\0\0" + b"\xff" * 99,
    ],
    ids=lambda content: f"{content[:8]!r} x {len(content)}",
)
def test_junk_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "junk"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=r"junk.*expected .*, got "):
        read(path)


@pytest.mark.parametrize("kind", ["cut off", "bits flipped", "lines deleted", "values replaced"])
def test_real_files_are_damaged_too(real_data: Path, tmp_path: Path, kind: str) -> None:
    files = [*sorted((real_data / "vamas").glob("*.vms")), *sorted((real_data / "text").iterdir())]
    random_ = random.Random(kind)
    path = tmp_path / "a.dat"
    for file in files:
        sound = file.read_bytes()
        for _ in range(2):
            path.write_bytes(DAMAGE[kind](sound, random_))
            assert _result(path) in ("read", "warned", "refused")
