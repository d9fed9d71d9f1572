"""How probable models are before a spectrum is seen, and which searches and errors follow."""

import numpy as np
import pytest

from tests.state_spectra import SULFUR
from xpsnet import doublet
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select.model_choice import Question, Template, _kept, model_words
from xpsnet.fitting.select.state_models import ASYMMETRIC, SYMMETRIC, StateModel, region_kinds


def question(name, energy, doublets=None, **options):
    return Question(FitOptions(), name, region_kinds(name, energy, doublets, 0.0), **options)


def odds(asked, *names):
    kinds = {kind.name: kind for kind in asked.kinds}
    return asked.odds(StateModel(tuple(kinds[name] for name in names), SYMMETRIC, "linear"))


TUNGSTEN = np.arange(28.0, 50.0, 0.1)


@pytest.mark.parametrize("name", ["W 4f", "W4f", "1: W 4f"])
def test_lines_of_the_element_are_more_probable_than_those_of_others(name):
    asked = question(name, TUNGSTEN)
    foreign = [kind.name for kind in asked.kinds if kind.name.split()[0] not in ("W", "line")]
    own, near = odds(asked, "W 4f", "W 4f"), odds(asked, "W 4f", "W 5p3/2")
    assert foreign
    for other in foreign:
        assert odds(asked, "W 4f", other) < min(own, near, odds(asked, "W 4f", "line"))


def test_a_doublet_of_the_caller_needs_no_name():
    for name in ("", "None", "1: window"):
        asked = question(name, SULFUR, (doublet("S 2p"),))
        assert odds(asked, "S 2p", "line") < odds(asked, "S 2p", "S 2p")


def test_lines_of_no_level_are_equally_probable():
    asked = question("window", SULFUR)
    assert odds(asked, "line") == odds(asked)


def test_every_further_state_is_less_probable():
    asked = question("C 1s", np.arange(280.0, 295.0, 0.1))
    one, two, three = (odds(asked, *["C 1s"] * number) for number in (1, 2, 3))
    assert one == odds(asked) > two
    assert two - three == pytest.approx(one - two)


def test_one_search_leaves_out_the_neighbor_levels():
    asked = question("W 4f", TUNGSTEN)
    names = [[kind.name for kind in search.kinds] for search in asked.searches]
    assert ["W 4f", "line"] in names
    assert [kind.name for kind in asked.kinds] in names
    assert len(question("window", SULFUR).searches) == 1


def test_what_the_caller_gives_is_all_that_is_tried():
    level = question("Pt 4f", np.arange(66.0, 82.0, 0.1))
    shapes = {(family.line_shape, family.asymmetric) for family in level.families}
    assert {shape for shape, _ in shapes} == {SYMMETRIC, ASYMMETRIC}
    assert len(level.backgrounds(14.0)) > len(level.backgrounds(10.0)) > 1
    given = question("Pt 4f", SULFUR, line_shape="voigt", background="linear", n_states=2)
    assert [(one.line_shape, one.background) for one in given.families] == [("voigt", "linear")]
    assert given.backgrounds(14.0) == ("linear",)
    assert all(search.patient and search.error == 0 for search in given.searches)
    assert question("S 2p", SULFUR, model_error=0.0).error == 0.0
    assert question("S 2p", SULFUR).error > 0


def test_models_in_words():
    kinds = {kind.name: kind for kind in question("Pt 4f", np.arange(66.0, 82.0, 0.1)).kinds}
    model = StateModel((kinds["Pt 4f"],) * 2 + (kinds["line"],), ASYMMETRIC, "linear", (1,))
    assert model_words(model) == "three states: Pt 4f doublet, asymmetric Pt 4f doublet, line"
    assert model_words(StateModel((), SYMMETRIC, "linear")) == "no state: background alone"
    two = StateModel((kinds["Pt 4f"],) * 2, SYMMETRIC, "linear")
    assert model_words(two) == "two states: two Pt 4f doublets"


def kept(*evidence):
    """What a map is fitted with: of one doublet, of two, and of a doublet with a line."""
    kinds = {kind.name: kind for kind in question("S 2p", SULFUR).kinds}
    states = [("S 2p",), ("S 2p", "S 2p"), ("S 2p", "line")]
    templates = [
        Template(StateModel(tuple(kinds[name] for name in names), SYMMETRIC, "linear"), {})
        for names in states
    ]
    found = _kept(templates, np.array(evidence))
    return [states[templates.index(one)] for one in found]


def test_of_models_that_noise_decides_between_a_map_has_one():
    out = [-90.0, -95.0, -92.0]
    assert kept(out, [-10.0, -11.0, -12.0], [-12.0, -10.0, -13.0]) == [
        ("S 2p",),
        ("S 2p", "S 2p"),
    ]
    assert kept(out, [-12.0, -10.0, -13.0], [-10.0, -11.0, -12.0]) == [("S 2p",), ("S 2p", "line")]


def test_a_model_that_is_clearly_better_somewhere_stays():
    found = kept([-90.0, -95.0, -92.0], [-10.0, -11.0, -60.0], [-40.0, -10.0, -13.0])
    assert sorted(found) == [("S 2p",), ("S 2p", "S 2p"), ("S 2p", "line")]


def test_starts_come_from_spectra_with_as_many_states():
    kinds = {kind.name: kind for kind in question("S 2p", SULFUR).kinds}
    one, two = (
        StateModel((kinds["S 2p"],) * count, SYMMETRIC, "linear") for count in (1, 2)
    )  # fmt: skip
    divided, apart = (
        Template(two, {"center": np.array([[162.0, place]])}) for place in (162.2, 164)
    )
    # Three spectra with one state, which two lines at one place describe better; one with two.
    evidence = np.array([
        [-10.0, -10.0, -10.0, -90.0],
        [-12.0, -12.0, -12.0, -30.0],
        [-14.0, -14.0, -14.0, -10.0],
    ])  # fmt: skip
    assert _kept([Template(one, {}), divided, apart], evidence)[1] is apart


@pytest.mark.parametrize("by_rounding", [1e-9, -1e-9])
def test_of_starts_that_mostly_end_alike_those_that_never_fail_are_kept(by_rounding):
    kinds = {kind.name: kind for kind in region_kinds("S 2p", SULFUR, None, 0.0)}
    two = StateModel((kinds["S 2p"],) * 2, SYMMETRIC, "linear")
    sure, unsure = (
        Template(two, {"center": np.array([[162.0, place]])}) for place in (164.0, 162.2)
    )
    # Both find the same two states in three spectra; in the last one, one of them does not.
    evidence = np.array([[0.0, 0.0, 0.0, 0.0], [*[by_rounding] * 3, -200.0]])
    assert _kept([sure, unsure], evidence) == (sure,)
