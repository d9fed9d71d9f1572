"""Damaged tables of peaks are refused, whatever their description says."""

from pathlib import Path

import pytest
from fuzz_seeds import _peaks

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read_fit import read_fit

CHANGES = {
    "a cell without end": ("281.0", "9" * 200_000),
    "a place too many": ('"dims": ["x", "peak"]', '"dims": ["peak"]'),
    "absurd spectra": ('"x": 2', '"x": 20000000'),
    "absurd peaks": ('"peak": 2', '"peak": 30000000'),
    "a row that is not there": ("[0, 1, 2]", "[0, 1, 4]"),
    "rows in rows": ("[0, 1, 2]", "[" * 900 + "]" * 900),
    "a number beyond all": ("[0, 1, 2]", "[0, 1, 1e300]"),
    "attributes as texts": ('"attrs": {"long_name": "Peak"}', '"attrs": "ab"'),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_damaged_tables_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.csv"
    xpsnet.write(_peaks(), path)
    sound = path.read_text()
    old, new = CHANGES[kind]
    assert old in sound
    path.write_text(sound.replace(old, new, 1))
    with pytest.raises(ReadError, match="expected the rows of peaks that were written"):
        read_fit(path)
