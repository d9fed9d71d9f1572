"""read_fit: the format is found by content, the region by name or number."""

import warnings
from pathlib import Path

import pytest
from casa_comments import Component, Region, comment
from vamas_writer import Block, counts, vamas

import xpsnet
from tests.io.casa.test_text_export import _export
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read_fit import FIT_READERS


def _fitted(*names: str) -> str:
    """A VAMAS file with a fitted block for each name."""
    blocks = []
    for name in names:
        component = Component("line", "GL(30)", 100.0, 0.5, 952.0, tag=name)
        region = Region(950.5, 953.5, [component], name=name, background="Linear")
        species, _, transition = name.partition(" ")
        blocks.append(
            Block(counts(), species=species, transition=transition, comment=comment([region]))
        )
    return vamas(blocks)


def test_one_reader_at_most_takes_a_file() -> None:
    heads = [_fitted("O 1s"), _export(), "1 2\n3 4\n", "\x89HDF\r\n", "PK\x03\x04"]
    for head in heads:
        taken = [reader.name for reader in FIT_READERS if reader.sniff(head.encode("latin-1"))]
        assert len(taken) <= 1


@pytest.mark.parametrize("extension", ["vms", "txt", "jpg"])
def test_the_extension_does_not_matter(save, extension: str) -> None:
    for content in (_fitted("O 1s"), _export()):
        (peaks,) = xpsnet.read_fit(save(content, f"a.{extension}"))
        assert peaks.attrs["region"] == "O 1s"
        assert peaks.attrs["source_file"] == f"a.{extension}"


def test_regions_are_chosen_by_name_or_number(save) -> None:
    path = save(_fitted("O 1s", "C 1s"))
    for region, expected in (("C1s", "C 1s"), (0, "O 1s"), (-1, "C 1s")):
        (peaks,) = xpsnet.read_fit(str(path), region)
        assert peaks.attrs["region"] == expected
    with pytest.raises(ReadError, match="a region from 0 to 1, got region=2; the file holds 0: 'O"):
        xpsnet.read_fit(path, region=2)
    with pytest.raises(ReadError, match=r"expected a region 'N 1s', got no .*; .*1: 'C 1s"):
        xpsnet.read_fit(path, region="N 1s")


def test_all_fits_of_a_name_are_given(save) -> None:
    regions = [Region(low, low + 1.2, [Component("line", "GL(30)", 100.0, 0.5, low + 0.6)],
                      background="Linear") for low in (950.4, 952.0)]  # fmt: skip
    path = save(vamas([Block(counts(), comment=comment(regions))]))
    assert len(xpsnet.read_fit(path, region="O 1s")) == 2
    assert len(xpsnet.read_fit(path, region=1)) == 1


def test_every_real_file_gives_fits_or_a_refusal(real_data: Path) -> None:
    fitted = set()
    for path in sorted(path for path in real_data.rglob("*") if path.is_file()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = xpsnet.read_fit(path)
            except ReadError:
                continue
        fitted.add(path.name)
        assert all(peaks.sizes["peak"] and "background" in peaks for peaks in found)
    assert fitted == {
        "FeO_analyzed.vms", "FeO_analyzed_lineshapes_cols.txt", "ascii_Au4f.txt", "1.xls",
    }  # fmt: skip
