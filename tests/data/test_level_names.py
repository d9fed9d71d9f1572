"""Names of core levels: one level in every spelling, its lines kept apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpsnet.data.level_names import Level, find_name, parse_level, same_level, same_line

SPELLINGS = ("Ti2p", "Ti 2p", "ti 2P", "TI2P", "Ti-2p", "Ti_2p", "Ti 2p orbital text", "1: Ti 2p",
             "12 :ti2p", "sample 3 Ti2p scan", " Ti\0 2p ", "Ti 2p (snapshot)")  # fmt: skip
LEVELS = [
    ("Ti 2p3/2", ("Ti", "2p", "3/2")),
    ("ti2p3/2", ("Ti", "2p", "3/2")),
    ("Ti 2p3", ("Ti", "2p", "3/2")),
    ("Sn3d 5/2", ("Sn", "3d", "5/2")),
    ("Au 4f7/2", ("Au", "4f", "7/2")),
    ("C 1s", ("C", "1s", None)),
    ("Si2p", ("Si", "2p", None)),
    ("In 3d in air", ("In", "3d", None)),
    ("C 1s1/2", ("C", "1s", None)),  # an s level has one line only
    ("Ti 2p5/2", ("Ti", "2p", None)),  # no such line
]
NO_LEVELS = (
    "",
    "survey",
    "O KLL",
    "1:3 Cu:Ru",
    "2p",
    "seen in 3d",
    "Xy 2p",
    "C 2f",
    "valence",
    "12",
)


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_the_same_level(text: str) -> None:
    assert parse_level(text) == ("Ti", "2p", None)
    assert same_line(text, "Ti 2p")
    assert same_level(text, "Ti 2p1/2")
    assert not same_line(text, "Ti 2p1/2")


@pytest.mark.parametrize(("text", "level"), LEVELS)
def test_levels_and_lines_are_read(text: str, level: tuple[str, str, str | None]) -> None:
    assert parse_level(text) == level


@pytest.mark.parametrize("text", NO_LEVELS)
def test_other_texts_are_no_levels(text: str) -> None:
    assert parse_level(text) is None
    assert not same_level(text, text)
    assert not same_line(text, text)


@pytest.mark.parametrize(
    ("wanted", "names", "found"),
    [
        ("Ti 2p", ["Ti 2p3/2", "Ti 2p", "Ti2p"], [1]),
        ("Ti2p3/2", ["Ti 2p", "Ti 2p3/2", "Ti 2p1/2"], [1]),
        ("Ti 2p", ["Ti 2p3/2", "O 1s", "Ti 2p1/2"], [0, 2]),
        ("Ti 2p3/2", ["Ti 2p1/2", "Ti 2p"], [1]),
        ("Ti 2p3/2", ["Ti 2p1/2"], []),
        ("Pt 4f", ["1: Pt 4f", "2: Pt 4f"], [0, 1]),
        ("1:3 Cu:Ru", ["1:1 Cu:Ru", "1:3 Cu:Ru"], [1]),
        ("Cu:Ru", ["1:1 Cu:Ru"], []),
        ("Ti 2p", ["Ti 2s", "Si 2p", ""], []),
    ],
)
def test_names_are_found(wanted: str, names: list[str], found: list[int]) -> None:
    assert find_name(wanted, names) == found


J = {"s": (None,), "p": (None, "1/2", "3/2"), "d": (None, "3/2", "5/2"), "f": (None, "5/2", "7/2")}
levels = st.builds(
    Level, st.sampled_from(["H", "C", "O", "Si", "S", "Ti", "Co", "Ir", "I", "W", "U"]),
    st.sampled_from(["1s", "7s", "2p", "7p", "3d", "6d", "4f", "5f"]),
).flatmap(lambda one: st.sampled_from([one._replace(j=j) for j in J[one.shell[-1]]]))  # fmt: skip


@given(level=levels, blank=st.sampled_from(["", " ", "_", "-"]), number=st.integers(0, 99))
def test_what_is_printed_is_read_again(level: Level, blank: str, number: int) -> None:
    printed = str(level).replace(" ", blank)
    for text in (printed, printed.upper(), printed.lower(), f"{number}: {printed}"):
        assert parse_level(text) == level
    assert same_level(printed, level.name)


@given(text=st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    level = parse_level(text)
    assert level is None or parse_level(str(level)) == level
