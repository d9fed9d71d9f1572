"""Text files go to their own reader, and give the same, however they are encoded and broken."""

import codecs
import warnings
from collections.abc import Callable

import pytest
import xarray as xr
from fuzz_seeds import SEEDS

from xpsnet.io.read import read, sniff

TEXTS = ("VAMAS", "CasaXPS text", "Scienta SES text", "Thermo Avantage (avg)", "Igor text",
         "Kratos", "Omicron EIS or CLAM2", "SPECS xy", "SPECS XML", "text",
         "PHI MultiPak text", "Kratos ASCII")  # fmt: skip


def _ends(end: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", end)


VARIANTS: dict[str, Callable[[bytes], bytes]] = {
    "as written": lambda data: data,
    "UTF-8 with a mark": lambda data: codecs.BOM_UTF8 + data,
    "UTF-16 little": lambda data: codecs.BOM_UTF16_LE + data.decode().encode("utf-16-le"),
    "UTF-16 big": lambda data: codecs.BOM_UTF16_BE + data.decode().encode("utf-16-be"),
    "blank lines in front": lambda data: b"\n \r\n\n" + data,
    "mark and blank lines": lambda data: codecs.BOM_UTF8 + b"\r\n\r\n" + data,
    "LF": _ends(b"\n"),
    "CRLF": _ends(b"\r\n"),
    "CR": _ends(b"\r"),
}


def read_quietly(path) -> list[xr.DataArray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(path)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("format_name", TEXTS)
def test_every_sample_goes_to_its_own_reader(tmp_path, format_name: str, variant: str) -> None:
    for seed in SEEDS[format_name](tmp_path):
        if seed.data.startswith(codecs.BOM_UTF16_LE) and variant != "as written":
            continue
        if seed.holds_peaks:
            continue
        path = tmp_path / f"{seed.name}.data"
        path.write_bytes(seed.data)
        plain = read_quietly(path)
        path.write_bytes(VARIANTS[variant](seed.data))
        assert sniff(path) == format_name
        for spectrum, expected in zip(read_quietly(path), plain, strict=True):
            xr.testing.assert_identical(spectrum, expected)
