"""Names of regions: one spelling for what is known, and the choice of regions by name."""

import pytest

from xpsnet.io.common.errors import ReadError
from xpsnet.io.common.region_names import chosen_regions, find_region, region_name

NAMES = [["C 1s", "C1s Scan"], ["Ti 2p3/2"], ["Ti 2p1/2"], ["C1s Scan", "x"], [], ["O KLL", "OKLL"]]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("S2p", "S 2p"),
        ("1: S 2p", "S 2p"),
        ("S 2p/9", "S 2p"),
        ("2: wide", "survey"),
        ("Su1s", "survey"),
        ("O KLL", "O KLL"),
        ("Cu-LMM", "Cu LMM"),
        ("1:3 Cu:Ru", "1:3 Cu:Ru"),
        ("3: valence band", "3: valence band"),
        ("  two \0 words ", "two words"),
    ],
)
def test_regions_have_one_spelling_and_other_names_stay(label: str, name: str) -> None:
    assert region_name(label) == name
    assert find_region(label) in (name, None)


def test_the_first_known_label_names_a_region() -> None:
    assert region_name("", "sample 1", "Ti2p") == "Ti 2p"
    assert region_name("", "sample 1") == "sample 1"


@pytest.mark.parametrize(
    ("region", "found"),
    [
        (None, [0, 1, 2, 3, 4, 5]),
        (0, [0]),
        (-1, [5]),
        ("C 1s", [0]),
        ("c1S", [0, 3]),  # no region of exactly this name: the same level in any spelling
        ("C1s Scan", [3]),  # a name counts more than the label in the file
        ("x", [3]),
        ("OKLL", [5]),
        ("Ti2p", [1, 2]),
        ("ti 2p3/2", [1]),
    ],
)
def test_regions_are_chosen(region: str | int | None, found: list[int]) -> None:
    assert chosen_regions("a.vms", region, NAMES, ["?"] * 6) == found


@pytest.mark.parametrize("region", ["Ti 2s", "N 1s", "Scan", 6, -7])
def test_an_unknown_region_is_refused_with_the_names(region: str | int) -> None:
    with pytest.raises(
        ReadError, match=r"a\.vms: expected a region .*the file holds 0: C 1s, 1: Ti"
    ):
        chosen_regions("a.vms", region, NAMES, ["C 1s", "Ti 2p3/2", *"abcd"])


def test_one_region_is_demanded() -> None:
    assert chosen_regions("a.vms", "O KLL", NAMES, ["?"] * 6, single=True) == [5]
    with pytest.raises(
        ReadError, match="expected one region 'Ti 2p', got 2; choose one with region="
    ):
        chosen_regions("a.vms", "Ti 2p", NAMES, ["?"] * 6, single=True)
    with pytest.raises(ReadError, match="expected one region, got 6"):
        chosen_regions("a.vms", None, NAMES, ["?"] * 6, single=True)
