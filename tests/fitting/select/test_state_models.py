"""Kinds of states that a window can hold, and the limits and links of their fits."""

from dataclasses import replace

import numpy as np
import pytest

from tests.state_spectra import PLATINUM, SULFUR
from xpsnet import doublet
from xpsnet.data.constraints import Constraints
from xpsnet.data.levels import core_level
from xpsnet.data.links import resolved, split_name
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select.state_models import (
    ASYMMETRIC,
    SYMMETRIC,
    StateKind,
    StateModel,
    region_kinds,
    state_options,
)

TUNGSTEN = np.arange(28.0, 44.0, 0.1)
OPTIONS = FitOptions()


def kinds_of(name="S 2p", energy=SULFUR, doublets=None, offset=0.0):
    return region_kinds(name, energy, doublets, offset)


def named(kinds, name) -> StateKind:
    [found] = [kind for kind in kinds if kind.name == name]
    return found


def model_of(*kinds, line_shape=SYMMETRIC, asymmetric=()):
    return StateModel(kinds, line_shape, "linear", asymmetric)


PT = named(kinds_of("Pt 4f", PLATINUM), "Pt 4f")
PLAIN = named(kinds_of("Pt 4f", PLATINUM), "line")


@pytest.mark.parametrize("name", ["Pt 4f", "Pt4f", "1: Pt 4f", "Pt 4f 7/2"])
def test_the_level_of_the_name_comes_first_and_is_a_doublet(name):
    own, *others = kinds_of(name, PLATINUM)
    assert (own.name, own.own, own.n_lines) == ("Pt 4f", True, 2)
    assert own.doublet == core_level("Pt 4f").doublet
    assert own.energies == (PLATINUM[0], PLATINUM[-1])
    assert not any(kind.own for kind in others)
    assert others[-1].name == "line"


@pytest.mark.parametrize("name", ["", "window", "Survey"])
def test_without_a_level_nothing_is_assumed(name):
    [kind] = kinds_of(name)
    assert (kind.name, kind.own, kind.doublet) == ("line", False, None)
    assert kind.satellites == ()


def test_a_level_of_one_line_needs_no_further_single_line():
    kinds = kinds_of("C 1s", np.arange(280.0, 292.0, 0.1))
    assert (kinds[0].name, kinds[0].n_lines, kinds[0].own) == ("C 1s", 1, True)
    assert "line" not in [kind.name for kind in kinds]


def test_neighbor_levels_lie_where_the_window_meets_them():
    kinds = kinds_of("W 4f", TUNGSTEN)
    own_element = named(kinds, "W 5p3/2")
    low, high = own_element.energies
    assert TUNGSTEN[0] < low < 36.8 < high <= TUNGSTEN[-1]
    assert own_element.doublet is None
    names = {line.name for line in core_level("W 4f").near}
    assert {kind.name for kind in kinds[1:]} <= names | {"line"}
    below = kinds_of("W 4f", TUNGSTEN[:40])  # up to 31.9 eV
    assert "W 5p3/2" not in [kind.name for kind in below]


def test_single_lines_of_other_elements_are_no_kind_of_their_own():
    kinds = kinds_of("Mo 3d", np.arange(222.0, 242.0, 0.1))
    near = [line.name for line in core_level("Mo 3d").near]
    assert "S 2s" in near
    assert "S 2s" not in [kind.name for kind in kinds]


def test_the_photon_energy_says_where_the_other_levels_of_a_kinetic_window_lie():
    kinetic = TUNGSTEN - 1486.6  # minus the kinetic energy, as the numerics have it
    known, binding = kinds_of("W 4f", kinetic, offset=1486.6), kinds_of("W 4f", TUNGSTEN)
    assert [kind.name for kind in known] == [kind.name for kind in binding]
    for one, other in zip(known, binding, strict=True):
        np.testing.assert_allclose(np.add(one.energies, 1486.6), other.energies, atol=1e-9)
    unknown = kinds_of("W 4f", kinetic, offset=None)
    assert [kind.name for kind in unknown] == ["W 4f", "line"]


def test_a_window_of_one_line_of_the_doublet_holds_single_lines():
    kinds = kinds_of("Pt 4f", PLATINUM[:40])  # 3.9 eV; the splitting is 3.33
    assert (kinds[0].name, kinds[0].n_lines) == ("Pt 4f", 1)
    assert "line" not in [kind.name for kind in kinds]


def test_no_doublets_leave_single_lines_of_the_level():
    kinds = kinds_of("S 2p", doublets=())
    assert (kinds[0].name, kinds[0].own, kinds[0].doublet) == ("S 2p", True, None)


def test_the_callers_doublets_are_the_kinds():
    held = doublet("S 2p", splitting=1.2, ratio=0.5, fwhm_ratio=(0.9, 1.1))
    free = doublet("Pt 4f", splitting="free", ratio=(0.6, 0.9), fwhm_ratio="free")
    first, second, plain = kinds_of("S 2p", doublets=(held, free))
    assert first.doublet.splitting == (1.2, 1.2, 1.2)
    assert first.doublet.ratio == (0.5, 0.5, 0.5)
    assert first.doublet.fwhm_ratio == (0.9, 1.1)
    low, middle, high = second.doublet.splitting
    assert middle == pytest.approx(free.expected[0])
    assert low < middle < high
    assert second.doublet.ratio[::2] == (0.6, 0.9)
    assert second.doublet.fwhm_ratio[0] < 1 < second.doublet.fwhm_ratio[1]
    assert first.own
    assert second.own
    assert plain.name == "line"


def test_a_doublet_of_the_caller_needs_no_name():
    kinds = kinds_of("", doublets=(doublet("S 2p"),))
    assert [kind.n_lines for kind in kinds] == [2, 1]


def test_the_lines_of_a_state_take_consecutive_places():
    model = model_of(PT, PLAIN).with_state(PT)
    assert model.n_lines == 5
    assert model.places == ((0, 1), (2,), (3, 4))
    assert model.main == [0, 2, 3]


def test_the_second_line_of_a_doublet_follows_the_first():
    model = model_of(PLAIN, PT, line_shape=ASYMMETRIC, asymmetric=(1,))
    found = state_options(OPTIONS, model, PLATINUM)
    assert (found.line_shape, found.background) == (ASYMMETRIC, "linear")
    assert found.counts_states
    links = resolved(found.constraints.links)
    center, width, area = (links[name, 2] for name in ("center", "fwhm", "area"))
    assert {link.source for link in (center, width, area)} == {1}
    splitting, ratio = PT.doublet.splitting, PT.doublet.ratio
    assert (center.fitted, center.limits) == ("offset", (splitting[0], splitting[2]))
    assert (width.fitted, width.limits) == ("ratio", PT.doublet.fwhm_ratio)
    assert (area.fitted, area.limits) == ("ratio", (ratio[0], ratio[2]))
    same = links["asymmetry", 2]
    assert (same.source, same.offset, same.ratio, same.fitted) == (1, 0.0, 1.0, "")
    layout = found.layout((0, 1, 2))
    assert len(layout.names) == len(set(layout.names))
    assert {"center_2", "center_offset_3", "area_ratio_3"} <= set(layout.names)


def test_amounts_that_are_held_are_not_fitted():
    held = replace(PT.doublet, splitting=(3.3, 3.3, 3.3), ratio=(0.75, 0.75, 0.75))
    found = state_options(OPTIONS, model_of(replace(PT, doublet=held)), PLATINUM)
    links = {link.key: link for link in found.constraints.links}
    assert (links["center", 1].fitted, links["center", 1].offset) == ("", 3.3)
    assert (links["area", 1].fitted, links["area", 1].ratio) == ("", 0.75)
    assert links["fwhm", 1].fitted == "ratio"


def test_asymmetry_is_one_for_the_states_that_have_it_and_zero_for_the_others():
    model = model_of(PT, PLAIN, PT, PT, line_shape=ASYMMETRIC, asymmetric=(2, 3))
    found = state_options(OPTIONS, model, PLATINUM)
    limits, links = found.constraints.limits, resolved(found.constraints.links)
    assert limits["asymmetry_1"] == limits["asymmetry_3"] == (0.0, 0.0)
    assert "asymmetry_4" not in limits  # free
    assert links["asymmetry", 1].source == 0
    assert {links["asymmetry", place].source for place in (4, 5, 6)} == {3}
    entries = found.layout(tuple(range(7))).column("asymmetry")
    assert len(set(entries[3:])) == 1
    assert len({entries[0], entries[2], entries[3]}) == 3


def test_a_shape_that_was_given_is_each_states_own():
    model = model_of(PT, PT, line_shape=ASYMMETRIC, asymmetric=None)
    found = state_options(OPTIONS, model, PLATINUM)
    assert not any(name.startswith("asymmetry") for name in found.constraints.limits)
    entries = found.layout((0, 1, 2, 3)).column("asymmetry")
    assert entries[0] == entries[1] != entries[2] == entries[3]
    voigt = state_options(replace(OPTIONS, shared=()), model_of(PT, line_shape="voigt"), PLATINUM)
    links = resolved(voigt.constraints.links)
    [own] = [key for key in links if key[0] not in ("center", "fwhm", "area")]
    assert links[own].source == 0


@pytest.mark.parametrize("asymmetric", [(), (0,), (0, 2)])
@pytest.mark.parametrize("line_shape", [SYMMETRIC, ASYMMETRIC])
def test_all_links_resolve(line_shape, asymmetric):
    kinds = kinds_of("W 4f", TUNGSTEN)
    model = model_of(*(kinds[i] for i in (0, 1, 0, -1)), line_shape=line_shape)
    model = replace(model, asymmetric=asymmetric)
    found = state_options(OPTIONS, model, TUNGSTEN)
    layout = found.layout(tuple(range(model.n_lines)))
    assert layout.n_peaks == model.n_lines
    for name in found.constraints.limits:
        parameter, peak = split_name(name)
        assert parameter in ("center", "fwhm", "asymmetry")
        assert peak < model.n_lines


@pytest.mark.parametrize(
    ("given", "width"),
    [((0.5, 1.4), (0.5, 1.4)), ((0.0, 2.0), (0.3, 2.0)), ((9.0, 11.0), (9.0, 11.0)),
     ((1.2, 1.2), (1.2, 1.2))],
    ids=["narrower", "upper-limit", "excluding", "held"],
)  # fmt: skip
@pytest.mark.parametrize("kinds", [(PT,), (PLAIN, PT), (PT, PT, PLAIN)], ids=len)
def test_limits_of_the_caller_hold_in_every_model(kinds, given, width):
    options = replace(OPTIONS, constraints=Constraints({"fwhm": given, "fraction": (0.1, 0.2)}, ()))
    found = state_options(options, model_of(*kinds), PLATINUM).constraints.limits
    for places in model_of(*kinds).places:
        assert found[f"fwhm_{places[0] + 1}"] == pytest.approx(width)
    assert found["fraction"] == (0.1, 0.2)


def test_a_place_that_the_caller_gives_holds_for_every_state():
    options = replace(OPTIONS, constraints=Constraints({"center": (70.0, 75.0)}, ()))
    found = state_options(options, model_of(PT, PT), PLATINUM).constraints.limits
    assert found["center_1"] == found["center_3"] == (70.0, 75.0)


def test_no_line_is_narrower_than_its_points():
    coarse = np.arange(66.0, 82.0, 1.0)
    low, high = state_options(OPTIONS, model_of(PT), coarse).constraints.limits["fwhm_1"]
    assert low > 1.0
    assert high >= 2 * low or high == PT.fwhm[1]
