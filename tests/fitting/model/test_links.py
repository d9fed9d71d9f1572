"""Links between peaks: the grammar, what it refuses, and fits that obey them."""

import lmfit
import numpy as np
import pytest

from xpsnet.data.constraints import Constraints, check_constraints
from xpsnet.data.links import for_slots, parse_link, resolved
from xpsnet.data.peaks import Status
from xpsnet.fitting.model.parameter_map import make_layout
from xpsnet.fitting.model.parameters import start_parameters
from xpsnet.fitting.refine import refine
from xpsnet.numerics.lineshapes import LINE_SHAPES

ENERGY = np.linspace(280.0, 290.0, 101)
Q0 = {"center": 283.0, "fwhm": 1.2, "height": 60.0, "fraction": 0.4}


def linked(constraints, values, n_peaks=2, line_shape="pseudo_voigt", shared=()):
    """Physical parameters (n_peaks, n_shape_parameters) from named entries."""
    checked = check_constraints(constraints, line_shape, n_peaks)
    layout = make_layout(line_shape, "none", n_peaks, shared, checked.links)
    missing = set(layout.names) - set(values)
    assert not missing, missing
    theta = np.array([values[name] for name in layout.names])
    return layout, layout.shapes(theta)


@pytest.mark.parametrize(
    ("name", "text", "column", "expected"),
    [
        ("center_2", "center_1 + 1.19", 0, 284.19),
        ("center_2", " center_1-.5 ", 0, 282.5),
        ("fwhm_2", "fwhm_1", 1, 1.2),
        ("fwhm_2", "1.5*fwhm_1 + 1e-1", 1, 1.9),
        ("height_2", "0.5 * height_1", 2, 30.0),
        ("height_2", "height_1 / 4", 2, 15.0),
        ("height_2", "2 * height_1 * 0.25", 2, 30.0),
        ("fraction_2", "fraction_1 + 0.1", 3, 0.5),
        ("center_2", "center_1 + (1.1, 1.3)", 0, 284.2),
        ("center_2", "center_1 - (-1.3, -1.1)", 0, 284.2),
        ("height_2", "0.5 * height_1 * (0.4, 0.6)", 2, 15.0),
        ("fwhm_2", "fwhm_1 * (0.8, 1.2) + 0.2", 1, 0.8),
    ],
)
def test_what_a_link_says(name, text, column, expected):
    own = {f"{key}_{peak}": value for key, value in Q0.items() for peak in (1, 2)}
    amounts = {"center_offset_2": 1.2, "height_ratio_2": 0.5, "fwhm_ratio_2": 0.5}
    _, shapes = linked({name: text}, own | amounts)
    assert shapes[1, column] == pytest.approx(expected, rel=1e-12)
    link = parse_link(name, text)
    assert parse_link(name, str(link)) == link


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("center_2", "center_1 +", "expected a link of one peak"),
        ("center_2", "__import__('os')", "expected a link of one peak"),
        ("center_2", "center_1 + 1 + 1", "expected a link of one peak"),
        ("center_2", "center_1 + nan", "expected a link of one peak"),
        ("center_2", "center_1 + 1e999", "numbers of at most 1e"),
        ("center_2", "center_1 + 1e308", "numbers of at most 1e"),
        ("height_2", "0.5 * area_1", r'write a ratio of areas as {"area_2": "0.5 \* area_1"}'),
        ("center_1", "center_0 + 1.2", "counted from 1"),
        ("center_2", "fwhm_1 + 1.0", "'center' of another peak"),
        ("center_2", "center_2 + 1.0", "of another peak"),
        ("center_2", "2 * center_1", "an offset to another center"),
        ("center_2", "center_1 * (1, 2)", "an offset to another center"),
        ("center_2", "center_1 + (1.3, 1.1)", "ascending pair"),
        ("height_2", "height_1 + 5", "a ratio to another height"),
        ("area_2", "area_1 + (1, 2)", "a ratio to another area"),
        ("height_2", "-1 * height_1", "ratios above 0"),
        ("height_2", "height_1 * (0, 1)", "ratios above 0"),
        ("height_2", "height_1 / 0", "other than 0"),
        ("fwhm_2", "fwhm_1 * (1, 2) + (1, 2)", "one fitted amount"),
        ("fwhm", "fwhm_1", "between two of up to 3 peaks"),
        ("fwhm_2", "fwhm_4", "between two of up to 3 peaks"),
        ("width_2", "width_1", "between two of up to 3 peaks"),
        ("asymmetry_2", "asymmetry_1", "between two of up to 3 peaks"),
    ],
)
def test_what_is_no_link_is_refused(name, text, message):
    with pytest.raises(ValueError, match=message):
        check_constraints({name: text}, "pseudo_voigt", 3)


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"center_1": "center_2 - 1", "center_2": "center_1 + 1"}, "a circle through center_"),
        (
            {"fwhm_3": "0.5 * fwhm_2", "fwhm_2": "fwhm_1 + (0.1, 0.2)"},
            "one fitted amount.*link both to fwhm_1",
        ),
        (
            {"center_3": "center_2 + (1, 2)", "center_2": "center_1 + (1, 2)"},
            "one fitted amount",
        ),
        ({"area_2": "0.5 * area_1"}, "of one shape.*share 'fraction'"),
        ({"area_2": "0.5 * area_1", "fraction_2": "fraction_1"}, "widths of a known ratio"),
        ({"area_2": "area_1", "height_2": "height_1"}, "either the area or the height"),
        ({"fraction_2": "fraction_1 + 0.5", "fraction_1": 0.8}, "some value obeys"),
    ],
)
def test_links_that_cannot_hold_together_are_refused(constraints, message):
    def build():
        checked = check_constraints(constraints, "pseudo_voigt", 3)
        layout = make_layout("pseudo_voigt", "none", 3, (), checked.links)
        peaks = {name: np.full(3, value) for name, value in Q0.items()}
        start_parameters(layout, ENERGY, peaks, checked)

    with pytest.raises(ValueError, match=message):
        build()


def test_a_shared_parameter_is_not_linked_otherwise():
    checked = check_constraints({"fraction_2": "0.5 * fraction_1"}, "pseudo_voigt", 2)
    with pytest.raises(ValueError, match="either shared by all peaks or linked"):
        make_layout("pseudo_voigt", "none", 2, ("fraction",), checked.links)
    equal = check_constraints({"fraction_2": "fraction_1"}, "pseudo_voigt", 2)
    layout = make_layout("pseudo_voigt", "none", 2, ("fraction",), equal.links)
    assert layout.names == make_layout("pseudo_voigt", "none", 2).names


def test_what_is_linked_is_not_limited_too():
    links = [parse_link("fwhm_2", "fwhm_1")]
    with pytest.raises(ValueError, match="fwhm_2 either linked or limited"):
        check_constraints({"fwhm_2": (0.5, 1.0)}, "pseudo_voigt", 2, links)


def test_chains_lead_to_their_end():
    texts = {"center_3": "center_2 + 1", "center_2": "center_1 + (1.1, 1.3)"}
    links = [parse_link(name, text) for name, text in texts.items()]
    ends = resolved(links)
    assert ends["center", 2].source == 0
    assert ends["center", 2].amount == "center_offset_2"
    entries = {f"{key}_{k + 1}": value for key, value in Q0.items() for k in range(3)}
    _, shapes = linked(texts, entries | {"center_offset_2": 1.2}, n_peaks=3)
    np.testing.assert_allclose(shapes[:, 0], [283.0, 284.2, 285.2])


AREA_CASES = [
    ({"fwhm_2": "fwhm_1"}, {}),
    ({"fwhm_2": "1.3 * fwhm_1"}, {}),
    ({"fwhm_2": "0.7 * fwhm_1 * (0.5, 2)"}, {"fwhm_ratio_2": 1.4}),
    ({"fwhm_2": "fwhm_1 + (0.1, 0.9)", "fwhm_1": "fwhm_3"}, None),
]


@pytest.mark.parametrize("line_shape", ["pseudo_voigt", "voigt", "gaussian", "gl_product"])
@pytest.mark.parametrize("ratio", ["0.5", "(0.3, 0.7)"], ids=["fixed", "fitted"])
@pytest.mark.parametrize(("widths", "amounts"), AREA_CASES, ids=range(len(AREA_CASES)))
def test_areas_have_the_ratio_that_is_asked_for(line_shape, ratio, widths, amounts):
    names = LINE_SHAPES[line_shape].parameters
    shared = ("fraction",) if "fraction" in names else ()
    constraints = {"area_2": f"area_1 * {ratio}", **widths}
    if amounts is None:
        with pytest.raises(ValueError, match="widths of a known ratio"):
            linked(constraints, {}, 3, line_shape, shared)
        return
    entries = {f"{key}_{k + 1}": value for key, value in Q0.items() for k in range(2)}
    entries |= {"fraction": 0.4, "area_ratio_2": 0.5, **amounts}
    _, shapes = linked(constraints, entries, 2, line_shape, shared)
    areas = LINE_SHAPES[line_shape].area(*shapes.T)
    assert areas[1] / areas[0] == pytest.approx(0.5, rel=1e-12)


def test_a_held_ratio_of_areas_over_fitted_widths_is_a_held_entry():
    texts = {"area_2": "0.6 * area_1", "fwhm_2": "fwhm_1 * (0.5, 2)"}
    checked = check_constraints(texts, "pseudo_voigt", 2)
    layout = make_layout("pseudo_voigt", "none", 2, ("fraction",), checked.links)
    peaks = {name: np.full(2, value) for name, value in Q0.items()}
    start = start_parameters(layout, ENERGY, peaks, checked)
    entry = layout.names.index("area_ratio_2")
    assert not start.free[entry]
    assert start.values[entry] == 0.6


def test_links_to_absent_peaks_are_dropped_and_the_rest_renumbered():
    links = [parse_link("center_3", "center_2 + 1"), parse_link("fwhm_4", "fwhm_1")]
    kept = for_slots(links, [1, 2, 3])
    assert [str(link) for link in kept] == ["center_1 + 1.0"]
    assert kept[0].key == ("center", 1)
    limits = {"fwhm": (0.5, 2.0), "fwhm_2": (0.7, 0.9), "height_1": (0.0, 9.0)}
    slotted = Constraints(limits, ()).for_slots([1, 2])
    assert slotted.limits == {"fwhm": (0.5, 2.0), "fwhm_1": (0.7, 0.9)}


def test_what_is_linked_keeps_its_source_from_leaving_the_shape():
    checked = check_constraints(
        {"fraction_2": "fraction_1 + 0.3", "fwhm_2": "fwhm_1 - (0.1, 0.4)"}, "pseudo_voigt", 2
    )
    layout = make_layout("pseudo_voigt", "none", 2, (), checked.links)
    peaks = {name: np.full(2, value) for name, value in Q0.items()}
    start = start_parameters(layout, ENERGY, peaks, checked)
    assert start.upper[layout.names.index("fraction_1")] == pytest.approx(0.7)
    assert start.lower[layout.names.index("fwhm_1")] == pytest.approx(0.4)


def plain_fit(case, background):
    """The same links as expressions of lmfit, with a model written anew."""
    energy, counts = case.spectrum.energy.values, case.spectrum.values
    params = lmfit.create_params(
        center_1=284.7,
        fwhm_1=1.2,
        height_1=2500.0,
        fraction={"value": 0.3, "min": 0, "max": 1},
        offset={"value": 1.5, "min": 1.4, "max": 1.8},
        ratio={"value": 0.5, "min": 0.3, "max": 0.7},
        center_2={"expr": "center_1 + offset"},
        height_2={"expr": "height_1 * ratio"},
        fwhm_2={"expr": "1.2 * fwhm_1"},
        constant=300.0,
    )

    def residual(p):
        curve = p["constant"] + np.zeros_like(energy)
        for i in (0, 1):
            t = (energy - p[f"center_{i + 1}"]) / (p[f"fwhm_{i + 1}"] / 2)
            line = p["fraction"] / (1 + t**2) + (1 - p["fraction"]) * np.exp(-np.log(2) * t**2)
            curve += p[f"height_{i + 1}"] * line
        return (curve - counts) / case.noise.values

    tight = {"ftol": 1e-12, "xtol": 1e-12, "epsfcn": 1e-13}
    return lmfit.minimize(residual, params, scale_covar=False, **tight)


LINKS = {
    "center_2": "center_1 + (1.4, 1.8)",
    "height_2": "height_1 * (0.3, 0.7)",
    "fwhm_2": "1.2 * fwhm_1",
}


def test_optimum_and_errors_of_a_linked_fit_are_those_of_plain_lmfit(make_case, make_hand_peaks):
    truth = make_hand_peaks((284.8, 286.4), (1.1, 1.3), (3000.0, 1500.0), background="constant")
    case = make_case(truth)
    start = make_hand_peaks((284.7, 286.0), (1.2, 1.2), (2500.0, 800.0))
    twin = plain_fit(case, "constant").params
    peaks = refine(case.spectrum, start, background="constant", constraints=LINKS, noise=case.noise)
    assert peaks.status == Status.OK
    for i in (0, 1):
        for name in ("center", "fwhm", "height"):
            expected, one = twin[f"{name}_{i + 1}"], peaks.isel(peak=i)
            assert float(one[name]) == pytest.approx(expected.value, abs=1e-3 * expected.stderr)
            assert float(one[f"{name}_stderr"]) == pytest.approx(expected.stderr, rel=2e-3)
    assert float(peaks.fwhm[1] / peaks.fwhm[0]) == pytest.approx(1.2, rel=1e-12)


def test_links_on_the_kinetic_scale_are_stated_on_it(make_case, make_hand_peaks):
    truth = make_hand_peaks(
        (1200.2, 1201.8), (1.3, 1.1), (1500.0, 3000.0), scale="kinetic",
        energy=np.linspace(1195.0, 1207.0, 241), background="linear",
    )  # fmt: skip
    case = make_case(truth)
    peaks = refine(
        case.spectrum, truth, background="linear", noise=case.noise,
        constraints={"center_2": "center_1 + 1.7", "height_1": "height_2 * (0.3, 0.8)"},
    )  # fmt: skip
    assert peaks.status == Status.OK
    assert float(peaks.center[1] - peaks.center[0]) == pytest.approx(1.7, abs=1e-9)
    assert float(peaks.center[0]) == pytest.approx(1200.15, abs=0.05)


def test_covariance_holds_linked_parameters_too(two_peak_case):
    peaks = refine(
        two_peak_case.spectrum, two_peak_case.truth, constraints={"center_2": "center_1 + 1.6"},
        covariance=True,
    )  # fmt: skip
    matrix = peaks.covariance
    assert float(matrix.sel(parameter="center_1", parameter_2="center_2")) == pytest.approx(
        float(peaks.center_stderr[0] ** 2)
    )
    np.testing.assert_allclose(peaks.center_stderr[0], peaks.center_stderr[1])


def test_a_fitted_amount_at_its_limit_is_said(two_peak_case):
    peaks = refine(
        two_peak_case.spectrum, two_peak_case.truth,
        constraints={"center_2": "center_1 + (1.0, 1.2)"},
    )  # fmt: skip
    assert int(peaks.status_flags) & Status.AT_BOUND.flag
    assert float(peaks.center[1] - peaks.center[0]) == pytest.approx(1.2, abs=1e-9)


BOTH_ENGINES = [
    LINKS,
    {"center_2": "center_1 + 1.6", "height_2": "0.5 * height_1", "fwhm_2": "fwhm_1 + (0, 0.5)"},
    {"area_2": "area_1 * (0.4, 0.8)", "fwhm_2": "fwhm_1 * (0.5, 2)"},
    {"area_2": "0.6 * area_1", "fwhm_2": "1.1 * fwhm_1 * (0.5, 2)"},
]


@pytest.mark.parametrize("constraints", BOTH_ENGINES, ids=range(len(BOTH_ENGINES)))
def test_both_engines_obey_links_alike(constraints, make_case, make_hand_peaks):
    truth = make_hand_peaks(
        (284.8, 286.4), (1.1, 1.3), (3000.0, 1500.0), background="shirley+linear"
    )
    case = make_case(truth)
    arguments = {"constraints": constraints, "noise": case.noise}
    expected = refine(case.spectrum, truth, engine="lmfit", **arguments)
    peaks = refine(case.spectrum, truth, engine="batch", **arguments)
    assert peaks.status == expected.status
    np.testing.assert_allclose(peaks.redchi, expected.redchi, rtol=1e-6)
    for name in ("center", "fwhm", "height", "area", "fraction"):
        errors = expected[f"{name}_stderr"]
        assert (abs(peaks[name] - expected[name]) < 0.01 * errors).all()
        np.testing.assert_allclose(peaks[f"{name}_stderr"], errors, rtol=0.01)
