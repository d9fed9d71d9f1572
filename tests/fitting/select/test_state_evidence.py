"""The evidence of models in states: integrals, permutations, scales, and states that are none."""

from dataclasses import replace
from math import lgamma, log, sqrt

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t

from tests.state_spectra import CARBON, SULFUR, doublet, drawn, inputs_of, line, sulfur
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select import state_evidence
from xpsnet.fitting.select.model_choice import Question, evidences, search_candidates
from xpsnet.fitting.select.state_evidence import Widths, judge, model_scales, states_exist
from xpsnet.fitting.select.state_models import (
    ASYMMETRIC,
    SYMMETRIC,
    StateModel,
    region_kinds,
    state_options,
)
from xpsnet.fitting.select.state_search import state_starts
from xpsnet.fitting.solve.dispatch import refine_rows
from xpsnet.numerics.lineshapes import LINE_SHAPES

OPTIONS = FitOptions(background="constant", covariance=True, engine="batch")
[KIND] = region_kinds("window", CARBON, None, 0.0)
WINDOW = CARBON[-1] - CARBON[0]
[S2P, PLAIN] = region_kinds("S 2p", SULFUR, None, None)


def fitted(energy, counts, deviation, model, centers, widths=None, **options):
    """Inputs and results of a fit of a model from these places."""
    centers = np.atleast_2d(np.asarray(centers, dtype=float))
    widths = np.ones_like(centers) if widths is None else np.atleast_2d(widths)
    inputs = inputs_of(energy, counts, deviation)
    tied = state_options(replace(OPTIONS, **options), model, energy)
    starts = state_starts(model, centers, widths)
    return inputs, refine_rows(tied, inputs.with_starts(starts, np.zeros(1, dtype=int)))


def log_evidence(model, energy, results, scale=1.0):
    [found] = judge(model, energy, results).log_evidence(results.chisqr, np.array([scale]))
    return found


def integral(counts, deviation, results, kind, prior_of_background):
    """Ln of the integral over center, ln FWHM, ln height and the constant, by importance sampling.

    Points are drawn from Student's t with five degrees of freedom around the optimum.
    """
    layout = results.layout
    entries = [layout.column(name)[0] for name in ("center", "fwhm", "height")]
    entries.append(layout.background_index[0])
    optimum = results.values[0, entries]
    into = np.diag([1.0, 1 / optimum[1], 1 / optimum[2], 1.0])
    covariance = into @ results.covariance[0][np.ix_(entries, entries)] @ into
    middle = np.array([optimum[0], log(optimum[1]), log(optimum[2]), optimum[3]])
    proposal = multivariate_t(middle, 1.3 * covariance, df=5, seed=3)
    points = proposal.rvs(20000)
    value = LINE_SHAPES["gaussian"].value
    curves = points[:, 3:] + np.stack(
        [value(CARBON, c, np.exp(w), np.exp(h)) for c, w, h in points[:, :3]]
    )
    log_likelihood = -(((counts - curves) / deviation) ** 2).sum(axis=1) / 2
    low, high = kind.usual
    inside = (points[:, 1] > log(low)) & (points[:, 1] < log(high))
    log_prior = -log(WINDOW) - log(log(high / low)) - log(log(state_evidence.HEIGHTS))
    weights = log_likelihood - proposal.logpdf(points) + log_prior + prior_of_background
    weights = np.where(inside, weights, -np.inf)
    return weights.max() + log(np.exp(weights - weights.max()).mean())


@pytest.mark.parametrize("height", [300.0, 3000.0])
def test_the_evidence_is_the_integral_over_the_parameters(height):
    model = StateModel((KIND,), "gaussian", "constant", None)
    curve = 200.0 + LINE_SHAPES["gaussian"].value(CARBON, 285.0, 1.3, height)
    counts, deviation = drawn(curve, 5), np.sqrt(curve)
    _, results = fitted(CARBON, counts, deviation, model, [284.9])
    # A term of the background has the prior of one point's information.
    error = sqrt(results.covariance[0][(results.layout.background_index[0],) * 2])
    prior = -log(error) - log(2 * np.pi * CARBON.size) / 2
    numeric = integral(counts, deviation, results, KIND, prior)
    assert log_evidence(model, CARBON, results) == pytest.approx(numeric, abs=0.1)


def two_lines():
    curve = 200.0 + line(CARBON, 282.0, 3000.0) + line(CARBON, 289.0, 1500.0)
    model = StateModel((KIND, KIND), SYMMETRIC, "constant")
    return model, *fitted(CARBON, drawn(curve), np.sqrt(curve), model, [282.0, 289.0])


def test_states_of_one_kind_have_no_names():
    model, _, results = two_lines()
    other = replace(KIND, name="another")
    told = replace(model, kinds=(KIND, other))
    same, different = (log_evidence(one, CARBON, results) for one in (model, told))
    assert same - different == pytest.approx(log(2), abs=1e-9)
    for number in (1, 2, 3, 4):
        kinds = StateModel((KIND,) * number, SYMMETRIC, "constant")
        assert state_evidence._multiplicity(kinds) == pytest.approx(lgamma(number + 1))


def test_the_order_of_the_states_does_not_matter():
    model, _, results = two_lines()
    curve = 200.0 + line(CARBON, 282.0, 3000.0) + line(CARBON, 289.0, 1500.0)
    _, turned = fitted(CARBON, drawn(curve), np.sqrt(curve), model, [289.0, 282.0])
    assert log_evidence(model, CARBON, turned) == pytest.approx(
        log_evidence(model, CARBON, results), abs=0.01
    )


def test_the_scale_divides_chi_square_and_widens_the_errors():
    model, _, results = two_lines()
    judged = judge(model, CARBON, results)
    [chisqr] = results.chisqr
    plain, scaled = (log_evidence(model, CARBON, results, scale) for scale in (1.0, 4.0))
    expected = 3 * chisqr / 8 + judged.n_free[0] * log(4) / 2
    gain = [judged.widths.gain(np.array([scale]))[0] for scale in (1.0, 4.0)]
    expected += gain[1] - gain[0]
    assert scaled - plain == pytest.approx(expected, rel=1e-9)
    assert judged.n_free[0] == 8  # center, width, height of both, one share, the constant


@pytest.mark.parametrize("scale", [1.0, 9.0])
@pytest.mark.parametrize("ratio", [1.0, 1.3, 2.5])
def test_one_width_is_the_mean_of_its_prior_over_the_fit(ratio, scale):
    rng = np.random.default_rng(4)
    deviation = np.array([0.05, 0.08, 0.03])
    width = np.log([1.0, ratio, 1.1])
    of_ratios = np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
    covariance = of_ratios @ np.diag(deviation**2) @ of_ratios.T
    found = Widths(of_ratios @ width[None, :, None], covariance[None], np.array([-3.0]))
    found = replace(found, ratio=found.ratio[..., 0])
    # Widths of the material vary by ONE_WIDTH around a common one: the density of two ratios.
    drawn_widths = rng.normal(width, np.sqrt(scale) * deviation, (200_000, 3))
    prior = multivariate_normal(cov=state_evidence.ONE_WIDTH**2 * of_ratios @ of_ratios.T)
    share = state_evidence.ONE_WIDTH_SHARE
    numeric = log(share * prior.pdf(drawn_widths @ of_ratios.T).mean() + (1 - share) * np.exp(-3.0))
    assert found.gain(np.array([scale]))[0] == pytest.approx(numeric + 3.0, abs=0.02)


def test_states_of_one_width_are_more_probable():
    curves = [
        200.0 + line(CARBON, 282.0, 3000.0, 1.2) + line(CARBON, 289.0, 1500.0, width)
        for width in (1.2, 2.4)
    ]
    model = StateModel((KIND, KIND), SYMMETRIC, "constant")
    alike, different = (
        judge(model, CARBON, fitted(CARBON, drawn(c), np.sqrt(c), model, [282.0, 289.0])[1])
        for c in curves
    )
    assert alike.widths.gain(np.ones(1))[0] > 0.5
    assert different.widths.gain(np.ones(1))[0] == pytest.approx(
        log(1 - state_evidence.ONE_WIDTH_SHARE), abs=0.01
    )
    single = StateModel((KIND,), SYMMETRIC, "constant")
    [_, one] = fitted(CARBON, drawn(curves[0]), np.sqrt(curves[0]), single, [282.0])
    assert judge(single, CARBON, one).widths is None


def test_terms_of_the_background_may_be_written_otherwise():
    curve = 200.0 + 3.0 * (CARBON - CARBON[0]) + line(CARBON, 285.0, 3000.0)
    model = StateModel((KIND,), SYMMETRIC, "linear")
    _, results = fitted(CARBON, drawn(curve), np.sqrt(curve), model, [285.0])
    constant, slope = results.layout.background_index
    other = np.eye(results.values.shape[1])
    other[constant, slope] = 700.0  # the constant 700 eV away
    covariance = other @ np.nan_to_num(results.covariance) @ other.T
    moved = replace(results, covariance=covariance)
    assert log_evidence(model, CARBON, moved) == pytest.approx(
        log_evidence(model, CARBON, results), abs=1e-3
    )


@pytest.mark.parametrize(("half_widths", "proper"), [(0.8, False), (1.2, True)])
def test_a_state_shows_half_its_maximum_on_both_sides(half_widths, proper):
    center = CARBON[0] + half_widths * 1.4 / 2
    curve = 200.0 + line(CARBON, center, 3000.0, 1.4)
    model = StateModel((KIND,), SYMMETRIC, "constant")
    _, results = fitted(CARBON, drawn(curve), np.sqrt(curve), model, [center])
    assert results.peaks["center"][0, 0] == pytest.approx(center, abs=0.05)
    assert judge(model, CARBON, results).proper[0] == proper


def test_the_unit_of_the_counts_changes_nothing_that_is_compared():
    model = StateModel((KIND,), SYMMETRIC, "constant")
    curve = 200.0 + line(CARBON, 285.0, 3000.0)
    counts, deviation = drawn(curve), np.sqrt(curve)
    found = []
    for unit in (1.0, 1000.0, 1e-6):
        _, results = fitted(CARBON, unit * counts, unit * deviation, model, [285.0])
        found.append(log_evidence(model, CARBON, results))
    np.testing.assert_allclose(found, found[0], atol=0.01)


def test_a_closer_prior_range_makes_a_state_more_probable():
    model, _, results = two_lines()
    near = replace(KIND, energies=(287.0, 291.0))
    closer = replace(model, kinds=(KIND, near))
    wide = replace(model, kinds=(KIND, replace(KIND, name="another")))
    gain = log_evidence(closer, CARBON, results) - log_evidence(wide, CARBON, results)
    assert gain == pytest.approx(log(WINDOW / 4.0), rel=1e-6)


def test_states_that_nearly_coincide_are_improbable():
    kinds = StateModel((KIND, KIND), SYMMETRIC, "constant")
    _, _, results = two_lines()
    costs = []
    for distance in (0.05, 0.3, 3.0):
        peaks = {"center": [[285.0, 285.0 + distance]], "fwhm": [[1.0, 1.0]]}
        values = results.values.copy()
        for name, found in peaks.items():
            values[:, results.layout.column(name)] = found
        costs.append(state_evidence._nearness(kinds, replace(results, values=values))[0])
    assert costs[0] < costs[1] - 2 < costs[2] - 2.5
    assert costs[2] == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("error", [0.004, 0.02])
def test_the_scale_grows_with_the_square_of_the_error_and_with_the_counts(error):
    scales = []
    for gain in (1.0, 100.0):
        curve = gain * sulfur((162.0, 5000.0))
        model = StateModel((S2P,), SYMMETRIC, "constant")
        inputs, results = fitted(SULFUR, curve, np.sqrt(curve), model, [162.0])
        [one] = model_scales(model, inputs, results, error)
        [double] = model_scales(model, inputs, results, 2 * error)
        assert double - 1 == pytest.approx(4 * (one - 1), rel=1e-6)
        assert model_scales(model, inputs, results, 0.0) == 1.0
        scales.append(one - 1)
    assert scales[1] == pytest.approx(100 * scales[0], rel=0.01)


def test_the_scale_does_not_depend_on_how_often_a_line_is_measured():
    """Twice the points at half the time per point are the same spectrum."""
    found = []
    for step, counts in ((0.1, 5000.0), (0.05, 2500.0)):
        energy = np.arange(156.0, 172.0, step)
        curve = 0.02 * counts + doublet("S 2p", energy, 162.0, counts)
        model = StateModel((S2P,), SYMMETRIC, "constant")
        inputs, results = fitted(energy, curve, np.sqrt(curve), model, [162.0])
        found.append(model_scales(model, inputs, results, 0.02)[0] - 1)
    assert found[1] == pytest.approx(found[0], rel=0.05)


def with_a_foot(height):
    """A line with a foot of one per cent, as a loss or a background that is not exact leaves."""
    curve = line(CARBON, 284.8, 1.0, 1.1) + 0.012 * line(CARBON, 286.2, 1.0, 1.1)
    return height * (0.03 + curve)


def voigt(height):
    """A Voigt line, which a pseudo-Voigt line is to half a per cent."""
    parameters = LINE_SHAPES["voigt"].parameters[3:]
    curve = LINE_SHAPES["voigt"].value(CARBON, 285.0, 1.3, 1.0, *(0.5 for _ in parameters))
    return height * (0.03 + curve)


def number_of_states(curve, error):
    """States of symmetric lines that one spectrum is said to have."""
    kinds = region_kinds("O 1s", CARBON, None, None)
    question = Question(OPTIONS, "O 1s", kinds, SYMMETRIC, "constant", None, error)
    inputs = inputs_of(CARBON, drawn(curve), np.sqrt(curve))
    candidates = search_candidates(question, inputs)
    best = evidences(question, inputs, candidates)[:, 0].argmax()
    return len(candidates[int(best)].model.kinds)


@pytest.mark.parametrize(
    ("inexact", "error"), [(with_a_foot, 0.02), (voigt, 0.02), (voigt, None)],
    ids=["foot", "voigt", "voigt-default"],
)  # fmt: skip
def test_a_better_measured_spectrum_has_no_more_states_unless_lines_are_exact(inexact, error):
    curves = [inexact(height) for height in (1e3, 1e4, 1e5, 1e6, 1e7)]
    assert [number_of_states(curve, error) for curve in curves] == [1] * 5
    exact = [number_of_states(curve, 0.0) for curve in curves]
    assert exact[0] == 1
    assert max(exact) > 1


def existing(centers, heights, widths, energy=CARBON, kind=KIND):
    curve = 200.0 + sum(line(energy, *one) for one in zip(centers, heights, widths, strict=True))
    model = StateModel((kind,) * len(centers), SYMMETRIC, "constant")
    _, results = fitted(energy, curve, np.sqrt(curve), model, centers, widths)
    np.testing.assert_allclose(results.peaks["center"][0], centers, atol=0.01)
    return [bool(found[0]) for found in states_exist(model, energy, results)]


def test_a_state_is_strong_and_inside():
    assert existing([285.0], [3000.0], [1.2]) == [True, True]
    assert existing([285.0, 288.0], [3000.0, 300.0], [1.2, 1.2]) == [True, True]


@pytest.mark.parametrize("center", [278.2, 293.8])
def test_a_state_at_an_end_of_the_window_is_background(center):
    assert existing([285.0, center], [3000.0, 3000.0], [1.2, 1.2]) == [True, False]


def test_a_state_that_is_lower_than_backgrounds_are_exact_is_none_but_a_satellite():
    low = existing([285.0, 289.0], [1e6, 3000.0], [1.2, 1.2])
    assert low == [True, False]
    shaken = replace(KIND, satellites=((3.5, 4.5),))
    assert existing([285.0, 289.0], [1e6, 3000.0], [1.2, 1.2], kind=shaken) == [True, True]


def test_a_state_within_the_noise_is_none():
    assert existing([285.0, 289.0], [3000.0, 3.0], [1.2, 1.2])[0] is False


def test_a_state_as_wide_as_allowed_is_background():
    narrow = replace(KIND, fwhm=(0.3, 1.0))
    curve = 200.0 + line(CARBON, 285.0, 3000.0, 3.0)
    model = StateModel((narrow,), SYMMETRIC, "constant")
    _, results = fitted(CARBON, curve, np.sqrt(curve), model, [285.0])
    assert results.peaks["fwhm"][0, 0] == pytest.approx(1.0)
    strong, proper = states_exist(model, CARBON, results)
    assert (bool(strong[0]), bool(proper[0])) == (True, False)


def test_without_states_there_is_nothing_to_exist():
    curve = np.full_like(CARBON, 200.0)
    inputs = inputs_of(CARBON, drawn(curve), np.sqrt(curve))
    question = Question(OPTIONS, "window", (KIND,), SYMMETRIC, "constant")
    candidates = search_candidates(question, inputs)
    evidence = evidences(question, inputs, candidates)[:, 0]
    assert not candidates[int(evidence.argmax())].model.kinds
    empty = StateModel((), SYMMETRIC, "constant")
    results = candidates[0].results
    assert [found.all() for found in states_exist(empty, CARBON, results)] == [True, True]
    chisqr = ((inputs.counts - inputs.counts.mean()) ** 2 / 200.0).sum()
    # The mean, with the prior of one point's information.
    assert log_evidence(empty, CARBON, results) == pytest.approx(
        -chisqr / 2 - log(CARBON.size) / 2, abs=1e-6
    )


def test_the_splitting_and_the_ratios_of_a_doublet_are_parameters():
    model = StateModel((S2P,), SYMMETRIC, "constant")
    curve = sulfur((162.0, 5000.0))
    _, results = fitted(SULFUR, curve, np.sqrt(curve), model, [162.0])
    judged = judge(model, SULFUR, results)
    # center, width, height, splitting, ratios of width and area, share, constant
    assert judged.n_free[0] == 8
    held = replace(S2P.doublet, splitting=(1.18, 1.18, 1.18), ratio=(0.5, 0.5, 0.5))
    model = StateModel((replace(S2P, doublet=held),), SYMMETRIC, "constant")
    _, results = fitted(SULFUR, curve, np.sqrt(curve), model, [162.0])
    assert judge(model, SULFUR, results).n_free[0] == 6


@pytest.mark.parametrize("width", [0.8, 1.3])
def test_an_asymmetric_carbon_line_is_as_narrow_as_that_of_graphite(width):
    [kind] = region_kinds("C 1s", CARBON, None, None)
    value = LINE_SHAPES["asymmetric_pseudo_voigt"].value
    curve = 200.0 + value(CARBON, 285.0, width, 5000.0, 0.3, 0.2)
    model = StateModel((kind,), ASYMMETRIC, "constant", (0,))
    _, results = fitted(CARBON, curve, np.sqrt(curve), model, [285.0], [width])
    found = float(results.peaks["fwhm"][0, 0])
    any_width = replace(model, kinds=(replace(kind, asymmetric_fwhm=np.inf),))
    cost = log_evidence(any_width, CARBON, results) - log_evidence(model, CARBON, results)
    beyond = max(log(found / kind.asymmetric_fwhm), 0.0)
    assert cost == pytest.approx((beyond / state_evidence.BROAD) ** 2 / 2, abs=1e-9)
    assert (cost > 1.0) == (width > 1.0)


@pytest.mark.parametrize("line_shape", ["voigt", "asymmetric_pseudo_voigt"])
def test_a_shape_that_both_lines_share_counts_once(line_shape):
    model = StateModel((S2P, S2P), line_shape, "constant", None)
    curve = sulfur((162.0, 5000.0), (166.0, 3000.0))
    counts, error = drawn(curve), np.sqrt(curve)
    _, results = fitted(SULFUR, counts, error, model, [162.0, 166.0], shared=())
    judged = judge(model, SULFUR, results)
    assert judged.fitted[0]
    # Six of each doublet, further ones of each state, the constant.
    own = len(LINE_SHAPES[line_shape].parameters) - 3
    assert judged.n_free[0] <= 2 * (6 + own) + 1
    assert judged.occam[0] > -110.0


@pytest.mark.parametrize("line_shape", ["voigt", "asymmetric_pseudo_voigt", "gaussian"])
def test_a_given_shape_does_not_change_the_number_of_clear_states(line_shape):
    value = LINE_SHAPES[line_shape].value
    names = LINE_SHAPES[line_shape].parameters[3:]
    further = [0.3 if name == "fraction" else 0.1 for name in names]
    energy = SULFUR[::2]
    curve = np.full(energy.shape, 400.0)
    for center, height in ((162.0, 5000.0), (165.5, 3000.0)):
        for place, part in ((center, 1.0), (center + 1.18, 0.5)):
            curve = curve + value(energy, place, 1.0, part * height, *further)
    kinds = region_kinds("S 2p", energy, None, None)
    question = Question(OPTIONS, "S 2p", kinds, line_shape, "constant")
    inputs = inputs_of(energy, drawn(curve), np.sqrt(curve))
    candidates = search_candidates(question, inputs)
    best = candidates[int(evidences(question, inputs, candidates)[:, 0].argmax())]
    assert [kind.name for kind in best.model.kinds] == ["S 2p", "S 2p"]


def test_fits_without_covariance_are_refused():
    model, _, results = two_lines()
    with pytest.raises(ValueError, match="expected fits with covariance"):
        judge(model, CARBON, replace(results, covariance=None))
