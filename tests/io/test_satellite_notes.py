"""Files whose source has no monochromator offer to remove the satellites, and only those."""

from pathlib import Path

import pytest
from vamas_writer import Block, counts, vamas

from xpsnet.data.satellites import remove_satellites
from xpsnet.io.read import read
from xpsnet.io.write import write


def test_satellites_are_offered_where_the_source_has_no_monochromator(save) -> None:
    blocks = [
        Block(counts(), source="Mg", photon_energy=1253.6),
        Block(counts(), source="Mg", species="C"),
    ]
    with pytest.warns(UserWarning, match=r"source 'Mg' has no mono.*remove_satellites") as caught:
        read(save(vamas(blocks)))
    assert len(caught) == 1
    (spectrum,) = read(save(vamas([Block(counts(), source="Al")])))
    assert spectrum.attrs["source"] == "Al"


def test_satellites_are_not_offered_again_after_they_were_removed(save, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="has no monochromator"):
        (spectrum,) = read(save(vamas([Block(counts(), source="Mg", photon_energy=1253.6)])))
    write(remove_satellites(spectrum), tmp_path / "clean.vms")
    (again,) = read(tmp_path / "clean.vms")
    assert again.attrs["source"] == "Mg"
    assert again.attrs["satellites_removed"] == "Mg Ka"
