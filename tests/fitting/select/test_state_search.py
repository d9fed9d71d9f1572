"""The search for states, one more at a time, on spectra of which they are known."""

from dataclasses import replace

import numpy as np
import pytest

from tests.state_spectra import (
    CARBON,
    PLATINUM,
    SULFUR,
    drawn,
    inputs_of,
    line,
    platinum,
    sulfur,
)
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select import state_search
from xpsnet.fitting.select.state_models import (
    ASYMMETRIC,
    SYMMETRIC,
    StateModel,
    region_kinds,
    state_options,
)
from xpsnet.fitting.select.state_search import (
    MAX_LINES,
    Search,
    refined_again,
    search_states,
    state_starts,
)
from xpsnet.fitting.solve.dispatch import refine_rows

OPTIONS = FitOptions(background="linear", covariance=True, engine="batch")
EMPTY = StateModel((), SYMMETRIC, "linear")
# The doublet of the level, and single lines; nothing of where other levels lie.
KINDS = region_kinds("S 2p", SULFUR, None, None)
STATES = ((161.0, 5000.0), (163.9, 3000.0), (167.8, 2000.0))


def no_odds(model):
    """All models are equally probable before, but further levels."""
    return -10.0 * sum(not kind.own for kind in model.kinds)


def found_in(curve, most, *, energy=SULFUR, empty=EMPTY, kinds=KINDS, seed=1, **search):
    """The best fit of every number of states, and all of them."""
    counts = drawn(curve, seed)
    inputs = inputs_of(energy, counts, np.sqrt(curve))
    fits = search_states(OPTIONS, inputs, empty, Search(kinds, no_odds, 0.0, **search), most)
    best = {}
    for fit in fits:
        best.setdefault(len(fit.model.kinds), fit)
    return best, fits


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_states_of_a_clean_spectrum_are_found_within_the_noise(number):
    best, _ = found_in(sulfur(*STATES[:number]), number)
    fit = best[number]
    assert fit.model.kinds == (KINDS[0],) * number
    order = np.argsort(fit.centers)
    errors = fit.results.peak_errors["center"][0][fit.model.main][order]
    truth = np.array([center for center, _ in STATES[:number]])
    assert (np.abs(fit.centers[order] - truth) < 4 * errors).all()
    np.testing.assert_allclose(fit.widths, 1.0, atol=0.1)
    assert fit.chisqr < SULFUR.size + 4 * np.sqrt(2 * SULFUR.size)
    assert all(best[one].chisqr > 10 * fit.chisqr for one in range(1, number))


def test_the_curve_is_that_of_the_fit():
    best, _ = found_in(sulfur(STATES[0]), 1)
    counts, curve = drawn(sulfur(STATES[0]), 1), sulfur(STATES[0])
    chisqr = ((counts - best[1].curve) ** 2 / curve).sum()
    assert best[1].chisqr == pytest.approx(chisqr, rel=1e-9)


def test_overlapping_states_are_found():
    best, _ = found_in(sulfur((162.0, 6000.0), (162.9, 4000.0)), 2)
    np.testing.assert_allclose(np.sort(best[2].centers), [162.0, 162.9], atol=0.05)
    assert best[2].chisqr < best[1].chisqr / 4


def test_a_single_line_beside_a_doublet():
    curve = sulfur(STATES[0]) + line(SULFUR, 166.5, 3000.0, 1.4)
    best, _ = found_in(curve, 2)
    assert sorted(kind.name for kind in best[2].model.kinds) == ["S 2p", "line"]


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_states_than_asked(most):
    best, fits = found_in(sulfur(*STATES), most)
    assert set(best) == set(range(1, most + 1))
    assert all(len(fit.model.kinds) <= most for fit in fits)
    assert found_in(sulfur(*STATES), 0) == ({}, [])


def test_the_same_end_is_listed_once_and_the_best_first():
    _, fits = found_in(sulfur(*STATES[:2]), 3)
    for number in (1, 2, 3):
        same = [fit for fit in fits if len(fit.model.kinds) == number]
        assert 1 <= len(same) <= 2
        for other in same[1:]:
            assert other.model != same[0].model or other.chisqr > 1.0005 * same[0].chisqr
    inputs = inputs_of(SULFUR, drawn(sulfur(STATES[0])), np.sqrt(sulfur(STATES[0])))
    model = EMPTY.with_state(KINDS[0])
    starts = np.array([[160.9], [161.0], [161.1]])
    tries = [state_search._Try(model, c, np.array([1.0])) for c in starts]
    assert len(state_search._refined(OPTIONS, inputs, tries)) == 1


def test_the_search_ends_where_nothing_is_gained_unless_it_is_patient():
    impatient, _ = found_in(sulfur(STATES[0]), 6)
    assert max(impatient) <= 4
    patient, _ = found_in(sulfur(STATES[0]), 6, patient=True)
    assert set(patient) == set(range(1, 7))
    assert all(fit.model.n_lines <= MAX_LINES for fit in patient.values())


def test_the_number_of_lines_is_limited():
    kinds = (replace(KINDS[0], name="own"),)
    best, _ = found_in(sulfur(*STATES), 9, kinds=kinds, patient=True)
    assert max(best) == MAX_LINES // 2


def test_asymmetric_lines_of_one_state_and_of_all():
    kinds = region_kinds("Pt 4f", PLATINUM, None, 0.0)
    one = replace(EMPTY, line_shape=ASYMMETRIC)
    best, _ = found_in(platinum(), 1, energy=PLATINUM, kinds=kinds, empty=one)
    assert best[1].model.asymmetric == (0,)
    np.testing.assert_allclose(best[1].results.peaks["asymmetry"][0], 0.25, atol=0.02)
    assert best[1].chisqr < 1.4 * PLATINUM.size
    _, fits = found_in(platinum(), 2, energy=PLATINUM, kinds=kinds, empty=one)
    for fit in fits:
        assert len(fit.model.asymmetric) == any(kind.own for kind in fit.model.kinds)
    every = replace(one, asymmetric=(-1,))
    _, fits = found_in(platinum(), 2, energy=PLATINUM, kinds=kinds, empty=every)
    for fit in fits:
        own = tuple(i for i, kind in enumerate(fit.model.kinds) if kind.own)
        assert fit.model.asymmetric in (own, (-1,))


def test_the_place_of_a_state_does_not_depend_on_the_unit():
    counts, deviation = drawn(sulfur(*STATES[:2])), np.sqrt(sulfur(*STATES[:2]))
    search = Search(KINDS, no_odds, 0.0)
    ends = []
    for unit in (1.0, 1e-9, 1e12):
        inputs = inputs_of(SULFUR, unit * counts, unit * deviation)
        fits = search_states(OPTIONS, inputs, EMPTY, search, 2)
        ends.append([fit.chisqr for fit in fits])
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-3)
    np.testing.assert_allclose(ends[2], ends[0], rtol=1e-3)


def test_missing_points_and_few_points_give_fits_or_none():
    curve = sulfur(STATES[0])
    counts = drawn(curve)
    counts[::3] = np.nan
    fits = search_states(
        OPTIONS, inputs_of(SULFUR, counts, np.sqrt(curve)), EMPTY, Search(KINDS, no_odds, 0.0), 1
    )
    assert fits[0].centers == pytest.approx(161.0, abs=0.05)
    for number in (2, 3, 5):
        few = inputs_of(SULFUR[:number], counts[:number], 20.0)
        kinds = region_kinds("S 2p", SULFUR[:number], None, 0.0)
        assert search_states(OPTIONS, few, EMPTY, Search(kinds, no_odds, 0.0), 2) == []


def test_the_same_states_on_another_background():
    curve = sulfur(STATES[0]) + 3.0 * (SULFUR - SULFUR[0])
    inputs = inputs_of(SULFUR, drawn(curve), np.sqrt(curve))
    fits = search_states(OPTIONS, inputs, EMPTY, Search(KINDS, no_odds, 0.0), 1)[:1]
    [again] = refined_again(OPTIONS, inputs, fits, "shirley+linear")
    assert again.model == replace(fits[0].model, background="shirley+linear")
    assert again.chisqr <= fits[0].chisqr * 1.001


def test_starts_of_the_lines_follow_from_those_of_the_states():
    model = StateModel((KINDS[0], KINDS[-1]), SYMMETRIC, "linear")
    starts = state_starts(model, np.array([[161.0, 168.0]]), np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(starts["center"], [[161.0, 161.0 + 1.18, 168.0]], atol=0.03)
    np.testing.assert_allclose(starts["fwhm"], [[1.0, 1.0, 2.0]], atol=0.2)
    assert np.isnan(starts["height"]).all()
    curve = sulfur(STATES[0])
    row = inputs_of(SULFUR, drawn(curve), np.sqrt(curve))
    one = EMPTY.with_state(KINDS[0])
    starts = state_starts(one, np.array([[160.8]]), np.array([[1.2]]))
    refined = refine_rows(
        state_options(OPTIONS, one, SULFUR), row.with_starts(starts, np.zeros(1, dtype=int))
    )
    assert refined.chisqr[0] < 1.4 * SULFUR.size


def test_lines_of_one_level_in_a_window_without_doublets():
    kinds = region_kinds("C 1s", CARBON, None, 0.0)
    curve = 300.0 + line(CARBON, 284.8, 4000.0) + line(CARBON, 286.4, 1500.0)
    best, _ = found_in(curve, 2, energy=CARBON, kinds=kinds)
    np.testing.assert_allclose(np.sort(best[2].centers), [284.8, 286.4], atol=0.05)
