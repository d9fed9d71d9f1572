"""Knowledge of core levels by the name of a region: energies, doublets, neighbors, satellites."""

import re
from pathlib import Path

import pytest

from xpsnet.constants import BRANCHING_RATIOS, DOUBLETS, REFERENCES
from xpsnet.data import level_tables as tables
from xpsnet.data.levels import CoreLevel, DoubletRange, NearLine, core_level

SHELLS = ["1s", "2s", "2p", "3s", "3p", "3d", "4s", "4p", "4d", "4f", "5s", "5p", "5d"]
LEVELS = [
    level
    for element in tables.ELEMENTS
    for shell in SHELLS
    if (level := core_level(f"{element} {shell}")) is not None
]
# What stands in place of a source.
NO_SOURCE = {"judgement", "interpolated"}
# Splitting up to the end of the doublet, with room for the background at each end of a window [eV].
WINDOW_END = 15.0


def known(name: str) -> CoreLevel:
    level = core_level(name)
    assert level is not None, name
    return level


def doublet(name: str) -> DoubletRange:
    found = known(name).doublet
    assert found is not None, name
    return found


def near(name: str, other: str) -> NearLine:
    return next(line for line in known(name).near if line.name == other)


def reach(energy: tuple[float, float], lines: DoubletRange | None) -> tuple[float, float]:
    """From the lowest line of higher j to the highest one of lower j [eV]."""
    return energy[0], energy[1] + (lines.splitting[2] if lines else 0.0)


@pytest.mark.parametrize("text", ["Pt4f", "Pt 4f", "pt4F", "Pt 4f 7/2", "Pt4f5/2", "1: Pt 4f"])
def test_every_spelling_and_line_gives_the_level(text: str) -> None:
    level = known(text)
    assert (level.name, level.element, level.shell) == ("Pt 4f", "Pt", "4f")
    assert level is core_level("Pt 4f")


@pytest.mark.parametrize("text", ["", "Survey", "O KLL", "valence", "12", "H 1s", "C 2s", "Pt 2p"])
def test_without_a_tabulated_level_nothing_is_assumed(text: str) -> None:
    assert core_level(text) is None


# Moulder et al., Handbook of X-ray Photoelectron Spectroscopy, and ISO 15472 for the metals.
@pytest.mark.parametrize(
    ("name", "energy"),
    [
        ("Au 4f", 83.96), ("Ag 3d", 368.21), ("Cu 2p", 932.62), ("Pt 4f", 71.2), ("Si 2p", 99.3),
        ("Al 2p", 72.9), ("Ti 2p", 454.1), ("Fe 2p", 706.7), ("Mo 3d", 228.0), ("W 4f", 31.4),
        ("C 1s", 284.5), ("O 1s", 531.0), ("S 2p", 164.0), ("Bi 4f", 157.0), ("U 4f", 377.3),
        ("Sn 3d", 485.0), ("Pd 3d", 335.1), ("Ni 2p", 852.7), ("Cl 2p", 198.5), ("Zn 2p", 1021.8),
    ],
)  # fmt: skip
def test_energies_of_well_known_lines(name: str, energy: float) -> None:
    assert known(name).energy == pytest.approx(energy, abs=0.4)


def test_states_hold_oxides_and_anions() -> None:
    # Line of higher j in the handbook's tables of compounds [eV].
    compounds = {
        "C 1s": (281.0, 293.0), "O 1s": (529.0, 535.0), "N 1s": (396.5, 407.5), "Si 2p": (103.5,),
        "Al 2p": (74.6, 76.5), "Ti 2p": (458.8,), "S 2p": (160.5, 169.5), "Cr 2p": (579.8,),
        "W 4f": (36.0,), "Mo 3d": (232.9,), "Cl 2p": (198.0, 208.5), "P 2p": (128.0, 136.5),
        "Pt 4f": (74.9,), "Au 4f": (86.5,), "B 1s": (187.0, 195.0), "U 4f": (380.2, 382.0),
        "Nb 3d": (207.5,), "I 3d": (618.5, 624.0), "Mn 2p": (647.0,), "K 2p": (293.0,),
    }  # fmt: skip
    for name, energies in compounds.items():
        low, high = known(name).states
        assert all(low < energy < high for energy in energies), name


@pytest.mark.parametrize("name", DOUBLETS)
def test_measured_splittings_are_within_their_range(name: str) -> None:
    found = doublet(name)
    low, expected, high = found.splitting
    assert low < DOUBLETS[name].splitting < high
    assert known(name).name != name or expected == DOUBLETS[name].splitting
    assert low <= expected - 0.03
    assert high >= expected + 0.03
    assert found.ratio[1] == pytest.approx(1 / DOUBLETS[name].branching_ratio - 1)
    assert found.ratio[0] < found.ratio[1] < found.ratio[2]


@pytest.mark.parametrize(
    ("name", "splitting"),  # measured, in states other than that of the table [eV]
    [("Ti 2p", 6.17), ("V 2p", 7.35), ("Cr 2p", 9.8), ("Fe 2p", 13.6), ("Co 2p", 15.9),
     ("Ni 2p", 18.3), ("U 4f", 10.8), ("U 4f", 10.9), ("S 2p", 1.2), ("Al 2p", 0.41),
     ("Cu 2p", 20.0), ("Th 4f", 9.3), ("Ba 4d", 2.6), ("Fe 3p", 1.5), ("La 3d", 16.8)],
)  # fmt: skip
def test_splittings_of_other_states_are_within_the_range(name: str, splitting: float) -> None:
    low, _, high = doublet(name).splitting
    assert low <= splitting <= high


def test_2p_of_the_3d_metals_may_be_broader_and_weaker() -> None:
    for name in ("Ti 2p", "Fe 2p", "Ni 2p"):
        assert doublet(name).ratio == (0.4, pytest.approx(0.5), 0.55)
        assert doublet(name).fwhm_ratio[1] == 2.2
    assert doublet("S 2p").fwhm_ratio[1] < 1.2


@pytest.mark.parametrize("shell", ["2p", "3p", "3d", "4d", "4f", "5p", "5d"])
def test_where_no_splitting_is_tabulated_it_lies_between_those_of_other_elements(
    shell: str,
) -> None:
    splittings = [
        level.doublet.splitting[1] for level in LEVELS if level.shell == shell and level.doublet
    ]
    interpolated = [
        level
        for level in LEVELS
        if level.shell == shell and level.doublet and level.doublet.reference == "interpolated"
    ]
    for level in interpolated:
        assert level.doublet is not None
        assert level.doublet.splitting[0] > 0.05
        assert level.doublet.splitting[2] < 1.3 * max(splittings)
    if shell in ("2p", "3d", "4f"):  # measured throughout; in the others the hole decays at once
        assert splittings == sorted(splittings)


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_every_level_is_consistent(level: CoreLevel) -> None:
    assert level.states[0] <= level.energy <= level.states[1]
    assert 0 < level.natural_width < level.fwhm[0] < level.fwhm[1]
    assert (level.doublet is None) == (level.shell[-1] == "s")
    sources = {level.reference, *(line.reference for line in level.near)}
    sources |= {satellite.reference for satellite in level.satellites}
    if level.doublet is None:
        assert not level.resolved
    else:
        low, expected, high = level.doublet.splitting
        assert 0 < low < expected < high
        assert level.doublet.ratio[1] == pytest.approx(1 / BRANCHING_RATIOS[level.shell[-1]] - 1)
        assert level.doublet.fwhm_ratio[0] < 1 < level.doublet.fwhm_ratio[1]
        sources.add(level.doublet.reference)
    assert sources <= set(REFERENCES) | NO_SOURCE
    assert len({(line.name, line.energy) for line in level.near}) == len(level.near)
    window = reach(level.states, level.doublet)
    for line in level.near:
        low, high = reach(line.energy, line.doublet)
        assert low < window[1] + WINDOW_END, line.name
        assert high > window[0] - WINDOW_END, line.name
        assert 0 < line.fwhm[0] < line.fwhm[1]
    for satellite in level.satellites:
        assert satellite.distance[0] < satellite.distance[1]
        assert 0 < satellite.highest_share <= 2


def test_all_elements_have_levels() -> None:
    elements = set(tables.ELEMENTS[2:83]) | {"Th", "U"}
    assert {level.element for level in LEVELS} == elements
    assert len(LEVELS) > 500
    for table in (tables.SHIFTS, tables.PLASMONS):
        assert set(table) <= elements
    for table in (tables.LOSSES, tables.SPLITTINGS, tables.MEASURED, tables.NEIGHBORS):
        assert all(known(name).name == name for name in table)


# Campbell and Papp (2001), at the ends of their columns and where decay channels open.
@pytest.mark.parametrize(
    ("name", "width"),
    [("Ne 1s", 0.24), ("Ca 1s", 0.77), ("Xe 2s", 2.0), ("Ne 2p", 0.01), ("Fe 2p", 0.41),
     ("La 2p", 3.12), ("Bi 3s", 15.2), ("Th 3s", 15.5), ("Ca 3p", 1.2), ("Bi 3p", 8.6),
     ("Ag 3d", 0.31), ("Bi 3d", 2.58), ("Bi 4s", 9.6), ("U 4s", 12.2), ("Bi 4p", 5.95),
     ("Ba 4p", 1.3), ("Bi 4d", 3.8), ("U 4d", 4.25), ("Au 4f", 0.33), ("U 4f", 0.31)],
)  # fmt: skip
def test_natural_widths(name: str, width: float) -> None:
    assert known(name).natural_width == pytest.approx(width)


@pytest.mark.parametrize(
    ("name", "other"),
    [("W 4f", "W 5p3/2"), ("Mo 3d", "S 2s"), ("Au 4f", "Ba 4d"), ("Pt 4f", "Al 2p"),
     ("Pt 4f", "Cu 3p"), ("C 1s", "K 2p"), ("C 1s", "Ru 3d"), ("O 1s", "Na KLL"),
     ("O 1s", "Pd 3p3/2"), ("O 1s", "Sb 3d"), ("Si 2p", "La 4d"), ("N 1s", "Mo 3p3/2"),
     ("N 1s", "Ta 4p3/2"), ("Bi 4f", "S 2p"), ("S 2p", "Bi 4f"), ("S 2p", "Se 3p"),
     ("P 2p", "Zn 3s"), ("B 1s", "P 2s"), ("Al 2p", "Cu 3p"), ("Al 2p", "Pt 4f"),
     ("Ni 2p", "La 3d"), ("Hf 4f", "O 2s"), ("Fe 2p", "Co LMM"), ("Fe 2p", "Ni LMM"),
     ("K 2p", "C 1s"), ("Sb 3d", "O 1s")],
)  # fmt: skip
def test_lines_that_practitioners_meet(name: str, other: str) -> None:
    assert near(name, other).energy[0] > 0


def test_neighbor_is_the_level_or_one_line_of_it() -> None:
    barium = near("Au 4f", "Ba 4d")
    assert barium.doublet == doublet("Ba 4d")
    assert barium.energy == known("Ba 4d").states
    assert barium.energy[0] < 90 < barium.energy[1]
    tungsten = near("W 4f", "W 5p3/2")
    assert tungsten.doublet is None
    assert tungsten.energy[0] <= 36.8 <= 41 < tungsten.energy[1]
    bismuth = near("Ti 2p", "Bi 4d3/2")  # the line of lower j
    assert bismuth.energy[0] < 464.0 < bismuth.energy[1]
    assert bismuth.doublet is None
    assert near("S 2s", "Mo 3d").doublet == doublet("Mo 3d")
    # 5p of tungsten has a window of its own, in which 4f is not expected again.
    assert "W 4f" not in {line.name for line in known("W 5p").near}


def test_auger_lines_of_other_windows_are_left_out() -> None:
    assert [line.energy for line in known("O 1s").near if line.name == "Na KLL"] == [(534, 538)]
    assert [line.energy for line in known("Sn 3d").near if line.name == "Na KLL"] == [(493, 501)]


def test_resolved_doublets() -> None:
    assert all(known(name).resolved for name in ("S 2p", "Pt 4f", "Ti 2p", "W 4f"))
    assert not any(known(name).resolved for name in ("Si 2p", "Al 2p", "Ga 3d", "Fe 3p", "C 1s"))


@pytest.mark.parametrize(
    ("name", "splitting", "ratio", "fwhm", "fwhm_ratio"),
    [
        ("Pt 4f", 3.32, 0.744, 1.02, 1.0),  # a metal
        ("Au 4f", 3.66, 0.75, 0.97, 1.04),
        ("Fe 2p", 13.33, 0.52, 4.67, 1.26),  # FeO, one envelope for each line
        ("U 4f", 10.9, 0.65, 3.97, 1.0),  # an oxide of uranium, one envelope for each line
        ("S 2p", 1.18, 0.5, 0.9, 1.0),  # a polymer
    ],
)
def test_fits_of_analysts_are_within_the_ranges(
    name: str, splitting: float, ratio: float, fwhm: float, fwhm_ratio: float
) -> None:
    found = doublet(name)
    assert found.splitting[0] <= splitting <= found.splitting[2]
    assert found.ratio[0] <= ratio <= found.ratio[2]
    assert known(name).fwhm[0] <= fwhm <= known(name).fwhm[1]
    assert found.fwhm_ratio[0] <= fwhm_ratio <= found.fwhm_ratio[1]


def test_page_of_definitions_has_these_tables() -> None:
    page = (Path(__file__).parents[2] / "docs" / "definitions.md").read_text(encoding="utf-8")
    assert f"{len(LEVELS)} levels of Li to Bi, Th and U" in page
    cells = re.findall(r"(?<=\| )(\w+ \d[pf]) \| ([\d., ]+) \|", page)
    ranges = {name: tuple(float(one) for one in text.split(", ")) for name, text in cells}
    assert ranges == {name: limits for name, (limits, _) in tables.SPLITTINGS.items()}


def test_which_materials_are_asymmetric() -> None:
    assert known("C 1s").asymmetry == "graphite"
    assert {known(name).asymmetry for name in ("Pt 4f", "Ti 2p", "Al 2p", "U 4f")} == {"metal"}
    assert {known(name).asymmetry for name in ("Si 2p", "S 2p", "O 1s", "F 1s", "Ge 3d")} == {None}


def test_multiplets_of_open_shells() -> None:
    assert all(known(name).multiplet for name in ("Fe 2p", "Ni 2p", "Mn 3s", "Ce 3d", "U 4f"))
    assert not any(known(name).multiplet for name in ("Zn 2p", "Pt 4f", "C 1s", "Lu 4d", "La 3d"))
    assert known("Fe 2p").fwhm[1] > known("Zn 2p").fwhm[1]


def test_satellites() -> None:
    assert known("C 1s").satellites[0].distance == (5.5, 7.5)
    for name in ("Cu 2p", "Ni 2p", "Co 2p", "Fe 2p", "Ce 3d", "U 4f", "Si 2p", "Mg 1s", "Al 2s"):
        assert known(name).satellites, name
    bulk, surface = known("Al 2p").satellites
    assert (bulk.what, surface.what) == ("bulk plasmon", "surface plasmon")
    assert known("Sn 3d").satellites == known("In 3d").satellites == ()
