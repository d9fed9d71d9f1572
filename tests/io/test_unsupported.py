"""Files of other programs: named for what they are, with the way out."""

from collections.abc import Callable
from typing import Any

import pytest

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read


@pytest.mark.parametrize(
    ("content", "what", "way_out"),
    [
        (b"SIMPLE  =                    T" + b" " * 2850, "a FITS file", "as text or netCDF"),
        (b"MATLAB 5.0 MAT-file, Platform: PCWIN64".ljust(124) + bytes(200), "MATLAB", "loadmat"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}".ljust(128) + bytes(72), "numpy", "savetxt"),
        (b"CPYUA 4.3380 176\n" + bytes(300), "an Origin project", "ASCII"),
        (b"CPYA 4.2673 552#\n" + bytes(300), "an Origin project", "ASCII"),
        (
            b"##TITLE=x\n##JCAMP-DX=4.24\n##XYDATA=(X++(Y..Y))\n280 10 20\n",
            "JCAMP-DX",
            "two columns",
        ),
        (b"PAR1" + bytes(60), "Parquet", "to_csv"),
        (b"\x80\x04\x95\x10" + bytes(60), "a pickle", "text, csv or netCDF"),
        (b"\\*File list\r\n\\Version: 0x0\r\n", "another instrument", "as text"),
    ],
)
def test_other_programs_are_named(
    save: Callable[..., Any], content: bytes, what: str, way_out: str
) -> None:
    with pytest.raises(ReadError, match=f"expected spectra, got .*{what}.*; .*{way_out}"):
        read(save(content, "a.txt"))
