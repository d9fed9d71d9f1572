"""Numbers as programs and countries write them: the right ones or a refusal, never others."""

import itertools
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read
from xpsnet.io.tables.number_tables import find_tables

BINDING = np.round(np.arange(292.0, 286.0, -0.05), 2)
COUNTS = np.random.default_rng(0).integers(700, 12_000, BINDING.size).astype(float)
LARGE = COUNTS + 5000
VALENCE = BINDING - 288.0
WHOLE = np.arange(1200.0, 1080.0, -1.0)

Style = tuple[str, str, str, str, str]
SEPARATORS = {"tab": "\t", "semicolon": ";", "comma": ",", "comma and blank": ", ", "blanks": "   "}
THOUSANDS = {"none": "", "point": ".", "comma": ",", "apostrophe": "'", "typographic": "\u2019",
             "fixed blank": "\u00a0", "narrow blank": "\u202f", "blank": " "}  # fmt: skip
COLUMNS = {
    "core level": (BINDING, COUNTS, 2, 0),
    "large counts": (BINDING, LARGE, 2, 0),
    "below the Fermi level": (VALENCE, COUNTS, 2, 1),
    "whole numbers": (WHOLE, COUNTS, 0, 0),
    "three decimals": (BINDING, COUNTS / 1000, 3, 3),
    "exponents": (BINDING, COUNTS, 2, -3),
}
MINUS = {"hyphen": "-", "minus": "\u2212", "en dash": "\u2013", "full width": "\uff0d"}


def written(value: float, digits: int, decimal: str, thousands: str) -> str:
    """A number in a style."""
    text = f"{value:.{-digits}E}" if digits < 0 else f"{value:,.{digits}f}"
    return text.replace(",", "@").replace(".", decimal).replace("@", thousands)


def table(style: Style, columns: str, header: bool = True) -> str:
    """A text of two columns in a style."""
    separator, decimal, thousands, quotes, minus = style
    energy, counts, *digits = COLUMNS[columns]
    lines = ["BE" + separator + "Counts"] if header else []
    for pair in zip(energy, counts, strict=True):
        cells = [written(v, d, decimal, thousands) for v, d in zip(pair, digits, strict=True)]
        cells = [cell.replace("-", minus) for cell in cells]
        if quotes == "all" or (quotes == "needed" and any(separator[0] in c for c in cells)):
            cells = [
                f'"{cell}"' if quotes == "all" or separator[0] in cell else cell for cell in cells
            ]
        lines.append(separator.join(cells))
    return "\n".join(lines) + "\n"


def styles() -> Iterator[Style]:
    """Every combination of signs in which the two signs of a number differ."""
    for separator, decimal, thousands in itertools.product(
        SEPARATORS.values(), ".,", THOUSANDS.values()
    ):
        if thousands != decimal:
            for quotes in ("no", "all") if separator[0] not in (decimal, thousands) else (
                "no", "needed", "all"
            ):  # fmt: skip
                yield separator, decimal, thousands, quotes, "-"
    for minus in MINUS.values():
        yield ";", ",", "", "no", minus


@pytest.mark.parametrize("columns", COLUMNS)
def test_no_style_gives_other_numbers(save: Callable[..., object], columns: str) -> None:
    energy, counts, *digits = COLUMNS[columns]
    energy = np.round(energy, digits[0])
    if digits[1] < 0:
        counts = np.array([float(f"{v:.{-digits[1]}E}") for v in counts])
    read_as: dict[Style, bool] = {}
    messages: list[str] = []
    for style, header in itertools.product(styles(), (True, False)):
        if style[0] == "   " and style[2] == " ":
            continue  # a blank cannot stand both between columns and between thousands
        path = save(table(style, columns, header), "a.csv")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                (spectrum,) = read(path)
            except ReadError as error:
                read_as[style] = False
                messages.append(str(error))
                continue
        assert spectrum.shape == energy.shape, style
        np.testing.assert_array_equal(spectrum.energy, energy, err_msg=str(style))
        np.testing.assert_allclose(spectrum, counts, rtol=1e-12, err_msg=str(style))
        read_as[style] = True
    refused = [style for style in read_as if not read_as[style]]
    assert all(", line " in message or "text that begins with" in message for message in messages)
    # Only numbers that hold the comma that also stands between the columns.
    assert all(style[0][0] == "," in style[1:3] and style[3] == "no" for style in refused)
    assert len(refused) < 0.15 * len(read_as)


NUMBERS = st.floats(1.0, 1e6).map(lambda value: round(value, 2))


@given(
    counts=st.lists(NUMBERS, min_size=8, max_size=30),
    style=st.sampled_from([s for s in styles() if s[0] in "\t;" and s[2] != s[0]]),
)
def test_any_counts_are_read_as_they_are_or_refused(counts: list[float], style: Style) -> None:
    separator, decimal, thousands, *_ = style
    energy = [written(290 - i / 10, 2, decimal, thousands) for i in range(len(counts))]
    lines = [separator.join((e, written(c, 2, decimal, thousands)))
             for e, c in zip(energy, counts, strict=True)]  # fmt: skip
    (table,), stray = find_tables("BE" + separator + "I\n" + "\n".join(lines))
    assert not stray
    np.testing.assert_allclose(table.values[:, 1], counts, rtol=1e-12)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["2920;1.268"] * 6, "points within numbers that may be decimal signs or stand between"),
        (['2920,"1,268"'] * 6, "commas within numbers that may be decimal signs or stand between"),
        (["292.0;1234"] * 6 + ["291,0;1"], "'291,0' where all other numbers have a decimal point"),
        (["292,0;1234"] * 6 + ["291,0;1.234.5"], "'1.234.5' where all other numbers have a"),
        (["292,00,1268", "291,90,1269", "291,80,1270", "291,70,1271", "291,60,1272"],
         "commas both as decimal signs and between the columns"),
        (["292.00,1,268", "291.90,1,069", "291.80,1,270", "291.70,980", "291.60,1,272"],
         "commas both between thousands and between the columns"),
        (["292.000;1,268"] * 6, "points and commas that may both stand between thousands"),
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_refused_with_its_line(
    save: Callable[..., object], rows: list[str], message: str
) -> None:
    with pytest.raises(ReadError, match=r"a.csv, line \d: .*expected one way to read") as caught:
        read(save("\n".join(["BE and counts", *rows]) + "\n", "a.csv"))
    assert message in str(caught.value)


def test_a_style_that_shows_late_in_a_long_file_counts(save: Callable[..., object]) -> None:
    counts = np.r_[np.full(2500, 900), np.full(500, 1234)]
    lines = [f'{300 - i / 100:.2f},"{n:,}"' for i, n in enumerate(counts.tolist())]
    (spectrum,) = read(save("BE,Counts\n" + "\n".join(lines), "a.csv"))
    np.testing.assert_array_equal(spectrum, counts)


def test_a_whole_number_beside_grouped_ones_shows_what_the_sign_means(
    save: Callable[..., object],
) -> None:
    lines = [
        f"{1200 - i};{n:,}".replace(",", ".") for i, n in enumerate([900, 1100, 1234, 999, 10])
    ]
    (spectrum,) = read(save("BE;Counts\n" + "\n".join(lines), "a.csv"))
    assert spectrum.values.tolist() == [900, 1100, 1234, 999, 10]


def test_brackets_mean_a_negative_number(save: Callable[..., object]) -> None:
    lines = [f"({-v:.2f}),7" if v < 0 else f"{v:.2f},7" for v in VALENCE]
    (spectrum,) = read(save("BE,Counts\n" + "\n".join(lines), "a.csv"))
    np.testing.assert_array_equal(spectrum.energy, np.round(VALENCE, 2))


@pytest.mark.parametrize("cell", ["1_234", "1,23,456", "12:34", "1.2.3"])
def test_numbers_of_no_known_style_are_refused_with_their_line(
    save: Callable[..., object], cell: str
) -> None:
    lines = [f"{290 - i / 10:.1f}\t{cell}" for i in range(20)]
    with pytest.raises(ReadError, match=r"line 2"):
        read(save("BE\tCounts\n" + "\n".join(lines), "a.txt"))
