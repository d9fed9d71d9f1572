"""Mutations of sound files for the fuzz run: each turns bytes into damaged bytes.

Every choice comes from the random source that is passed in, so that a seed gives the same
damage again. Containers (zip) are damaged inside their members, else checksums would catch
nearly everything before a reader sees it.
"""

import functools
import io
import re
import struct
import zipfile
from collections.abc import Callable
from random import Random

Mutation = Callable[[bytes, bytes, Random], bytes]

_NUMBER = re.compile(rb"[-+]?\d+(?:[.,]\d*)?(?:[eE][-+]?\d+)?")
_VALUES = (
    b"-1", b"0", b"1", b"2", b"-0.0", b"3.5", b"65536", b"99999999999", b"2147483648", b"-99999999",
    b"1e308", b"-1e308", b"1e999", b"1e-320", b"1e37", b"nan", b"inf", b"-inf", b"", b" ", b"1,5",
    b"1e", b"0x10", b"1_000", b"9" * 400, b"word", b"\xd9\xa1", b"1.#IND", b"1 2", b"1;2", b"=1+1",
)  # fmt: skip
_LINES = (
    b"aborted", b"88", b"\xff\xfe\x00\x01", b"1 2 3 4 5 6 7", b"x" * 3000, b"\0" * 50, b"[Info 1]",
    b"[Region 1]", b"end of experiment", b"Binding Energy\tCounts", b"# Cycle: 1", b"EOFH",
    b"$DATA=*[,1]", b"WAVES/D a b", b"BEGIN", b"END", b'"', b"<a>", b"&lol;", b"Casa Info Follows",
)  # fmt: skip
_WORDS = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\n",
    b"\r",
    b"\t",
    b'"',
    b"<",
    b"&",
    b"%s",
    b"\xc3\x28",
)
_INTEGERS = (0, 1, 2, 127, 128, 255, 256, 32767, 65535, 2**20, 2**31 - 1, 2**31, 2**32 - 1)
_WIDE = (2**40, 2**63 - 1, 2**63, 2**64 - 1)
_FLOATS = (0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e308, 5e-324, -1.0)
_ZIP_MAGIC = b"PK\x03\x04"


def mutate(data: bytes, other: bytes, random_: Random) -> tuple[str, bytes]:
    """Damage a file once or several times.

    Parameters
    ----------
    data, other : bytes
        The file, and another one of the same format to splice with.
    random_ : Random

    Returns
    -------
    (str, bytes)
        What was done, and the damaged file.
    """
    if data.startswith(_ZIP_MAGIC) and random_.random() < 0.8:
        return _mutate_member(data, other, random_)
    names = []
    kinds = _TEXT if _is_text(data) else _BINARY
    for _ in range(random_.choice((1, 1, 1, 2, 4))):
        if not data:
            break
        name = random_.choice(kinds)
        names.append(name.__name__.strip("_"))
        data = name(data, other, random_)
    return ", ".join(names), data[:4_000_000]


@functools.lru_cache(maxsize=32)
def _is_text(data: bytes) -> bool:
    """Whether hardly any byte is a control character."""
    head = data[:2000]
    return sum(byte < 32 and byte not in b"\t\r\n\f" for byte in head) <= 0.02 * len(head)


@functools.lru_cache(maxsize=32)
def _numbers(data: bytes) -> tuple[tuple[int, int], ...]:
    """Where the numbers of a text stand."""
    return tuple(match.span() for match in _NUMBER.finditer(data))


def _at(data: bytes, random_: Random) -> int:
    """A place, every second time in the first kilobyte, where headers are."""
    reach = min(len(data), 1000) if random_.random() < 0.5 else len(data)
    return random_.randrange(max(reach, 1))


def _flip_bits(data: bytes, other: bytes, random_: Random) -> bytes:
    out = bytearray(data)
    for _ in range(random_.choice((1, 1, 3, 20))):
        out[_at(data, random_)] ^= 1 << random_.randrange(8)
    return bytes(out)


def _set_bytes(data: bytes, other: bytes, random_: Random) -> bytes:
    at, n = _at(data, random_), random_.choice((1, 1, 2, 4, 16))
    return data[:at] + random_.choice((b"\0", b"\xff", b"\x80", b" ")) * n + data[at + n :]


def _set_integer(data: bytes, other: bytes, random_: Random) -> bytes:
    kind, wide = random_.choice(("<I", "<I", "<H", ">I", ">H", "<Q")), random_.random() < 0.3
    values = _INTEGERS + _WIDE if kind == "<Q" and wide else _INTEGERS
    size = struct.calcsize(kind)
    value = random_.choice(values) & (2 ** (8 * size) - 1)
    at = _at(data, random_)
    at -= at % 2 if random_.random() < 0.8 else 0
    return data[:at] + struct.pack(kind, value) + data[at + size :]


def _set_float(data: bytes, other: bytes, random_: Random) -> bytes:
    kind = random_.choice(("<f", "<d", ">f", ">d"))
    value = random_.choice(_FLOATS if kind[1] == "d" else _FLOATS[:5])
    at = _at(data, random_) & ~3
    return data[:at] + struct.pack(kind, value) + data[at + struct.calcsize(kind) :]


def _cut(data: bytes, other: bytes, random_: Random) -> bytes:
    return data[: _at(data, random_)]


def _cut_front(data: bytes, other: bytes, random_: Random) -> bytes:
    return data[_at(data, random_) :]


def _insert(data: bytes, other: bytes, random_: Random) -> bytes:
    at = _at(data, random_)
    word = random_.choice((*_WORDS, random_.randbytes(random_.choice((1, 4, 64)))))
    return data[:at] + word * random_.choice((1, 1, 5, 1000)) + data[at:]


def _delete(data: bytes, other: bytes, random_: Random) -> bytes:
    at = _at(data, random_)
    return data[:at] + data[at + random_.choice((1, 2, 4, 16, 256)) :]


def _repeat(data: bytes, other: bytes, random_: Random) -> bytes:
    at, n = _at(data, random_), random_.choice((1, 4, 16, 256, 2000))
    return data[: at + n] + data[at : at + n] * random_.choice((1, 1, 3, 30)) + data[at + n :]


def _move(data: bytes, other: bytes, random_: Random) -> bytes:
    at, to, n = _at(data, random_), _at(data, random_), random_.choice((1, 4, 16, 256))
    return data[:to] + data[at : at + n] + data[to + n :]


def _splice(data: bytes, other: bytes, random_: Random) -> bytes:
    if random_.random() < 0.5:
        at = _at(data, random_)
        return data[:at] + other[at:]
    return data[: _at(data, random_)] + other[_at(other, random_) :]


def _replace_number(data: bytes, other: bytes, random_: Random) -> bytes:
    spans = _numbers(data)
    if not spans:
        return _set_bytes(data, other, random_)
    head = random_.random() < 0.5
    first, last = random_.choice(spans[:200] if head else spans)
    value = random_.choice(_VALUES)
    if random_.random() < 0.2:
        value = str(random_.randrange(-5, 300)).encode()
    return data[:first] + value + data[last:]


def _change_lines(data: bytes, other: bytes, random_: Random) -> bytes:
    lines = data.split(b"\n")
    at = random_.randrange(min(len(lines), 100) if random_.random() < 0.5 else len(lines))
    n = random_.choice((1, 1, 2, 5, 30))
    kind = random_.randrange(5)
    if kind == 0:
        del lines[at : at + n]
    elif kind == 1:
        lines[at:at] = lines[at : at + n] * random_.choice((1, 1, 20))
    elif kind == 2:
        lines.insert(at, random_.choice(_LINES))
    elif kind == 3:
        lines[at] = random_.choice(_LINES)
    else:
        to = random_.randrange(len(lines))
        lines[at], lines[to] = lines[to], lines[at]
    return b"\n".join(lines)


def _recode(data: bytes, other: bytes, random_: Random) -> bytes:
    changes: tuple[Callable[[bytes], bytes], ...] = (
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r\r\n"),
        lambda text: text.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
        lambda text: text.decode("latin-1").encode("utf-16"),
        lambda text: text.decode("latin-1").encode("utf-16-be"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b".", b","),
        lambda text: text.replace(b"\t", b" "),
        lambda text: text.replace(b"\n", b"\0\n"),
        lambda text: text.rstrip() * 2,
        lambda text: text.replace(b"\n", b""),
    )
    return random_.choice(changes)(data)


_BINARY: tuple[Mutation, ...] = (
    _flip_bits, _flip_bits, _set_bytes, _set_integer, _set_integer, _set_integer, _set_float, _cut,
    _cut_front, _insert, _delete, _repeat, _move, _splice, _replace_number,
)  # fmt: skip
_TEXT: tuple[Mutation, ...] = (
    _flip_bits, _set_bytes, _cut, _cut_front, _insert, _delete, _repeat, _move, _splice,
    _replace_number, _replace_number, _replace_number, _change_lines, _change_lines, _recode,
)  # fmt: skip


@functools.lru_cache(maxsize=64)
def unpack(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Members of a sound zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return tuple((name, archive.read(name)) for name in archive.namelist())


def pack(members: dict[str, bytes]) -> bytes:
    """Zip archive of members, without the time of the day."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content)
    return stream.getvalue()


def _mutate_member(data: bytes, other: bytes, random_: Random) -> tuple[str, bytes]:
    """Damage one member of an archive and pack it anew."""
    members = dict(unpack(data))
    name = random_.choice(list(members))
    others = dict(unpack(other)) if other.startswith(_ZIP_MAGIC) else members
    if random_.random() < 0.05:
        del members[name]
        return f"{name}: left out", pack(members)
    partner = others.get(name) or random_.choice(list(others.values()))
    what, members[name] = mutate(members[name], partner, random_) if members[name] else ("", b"")
    return f"{name}: {what}", pack(members)
