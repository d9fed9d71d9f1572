"""The flat parameters: layout, sharing, limits, constraints, the mirror to kinetic energy."""

import numpy as np
import pytest

from xpsnet.data.constraints import check_constraints
from xpsnet.fitting.model.parameter_map import make_layout
from xpsnet.fitting.model.parameters import start_parameters
from xpsnet.numerics.lineshapes import LINE_SHAPES

ENERGY = np.linspace(280.0, 290.0, 101)


def start(constraints=None, shared=("fraction",), **given):
    layout = make_layout("pseudo_voigt", "shirley", 2, shared)
    peaks = {"center": [284.0, 286.0], "fwhm": [1.0, 1.2], "height": [50.0, 30.0], **given}
    peaks = {name: np.array(values, dtype=float) for name, values in peaks.items()}
    checked = check_constraints(constraints, "pseudo_voigt", 2)
    return start_parameters(layout, ENERGY, peaks, checked)


def value(parameters, name):
    return parameters.values[parameters.layout.names.index(name)]


def test_a_shared_parameter_is_one_entry():
    layout = make_layout("pseudo_voigt", "shirley+linear", 2)
    assert layout.names == (
        "center_1",
        "fwhm_1",
        "height_1",
        "fraction",
        "center_2",
        "fwhm_2",
        "height_2",
        "background_constant",
        "background_slope",
        "background_shirley",
    )
    assert layout.column("fraction").tolist() == [3, 3]
    assert layout.own(1).tolist() == [4, 5, 6]


@pytest.mark.parametrize("line_shape", LINE_SHAPES)
@pytest.mark.parametrize("n_peaks", [0, 1, 4])
def test_every_shape_has_a_layout(line_shape, n_peaks):
    shape = LINE_SHAPES[line_shape]
    layout = make_layout(line_shape, "linear", n_peaks, ())
    assert len(layout.names) == n_peaks * len(shape.parameters) + 2
    assert layout.peak_index.shape == (n_peaks, len(shape.parameters))


def test_starts_are_brought_inside_their_limits():
    parameters = start(center=[100.0, 400.0], fwhm=[0.0, 1e6], height=[-5.0, 3.0])
    free = parameters.free
    assert (parameters.values[free] >= parameters.lower[free]).all()
    assert (parameters.values[free] <= parameters.upper[free]).all()
    # A center may lie a twentieth of the window outside, a width be half of it.
    assert 279.5 < value(parameters, "center_1") < 280.0
    assert 290.0 < value(parameters, "center_2") < 290.5
    assert value(parameters, "fwhm_1") == pytest.approx(10 / 12)


def test_missing_starts_get_defaults_and_a_shared_one_the_weighted_mean():
    parameters = start(fwhm=[np.nan, 1.2])
    assert value(parameters, "fwhm_1") == pytest.approx(10 / 12)
    assert value(parameters, "fraction") == LINE_SHAPES["pseudo_voigt"].default["fraction"]
    weighted = start(fraction=[0.2, 0.6], height=[1e6, 0.0])
    assert 0.2 < value(weighted, "fraction") < 0.4


def test_constraints_hold_and_limit():
    parameters = start({"fraction": 0.3, "fwhm": (0.9, 1.1), "fwhm_2": (0.5, None)})
    names = parameters.layout.names
    assert not parameters.free[names.index("fraction")]
    assert value(parameters, "fraction") == 0.3
    assert parameters.upper[names.index("fwhm_1")] == 1.1
    assert parameters.lower[names.index("fwhm_2")] == 0.5
    assert np.isinf(parameters.upper[names.index("fwhm_2")])


def test_a_constraint_on_one_peak_of_a_shared_parameter_is_one_on_all():
    parameters = start({"fraction_2": (0.1, 0.2)})
    assert parameters.upper[parameters.layout.names.index("fraction")] == 0.2


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"width": 1.0}, "expected constraints on center, fwhm, height, fraction"),
        ({"fwhm_3": 1.0}, "up to 2 peaks"),
        ({"fwhm": (2.0, 1.0)}, "pair"),
        ({"fwhm": -1.0}, "constraint 'fwhm', got -1.0"),
        ({"fraction": (0.0, 1.5)}, "from 0 to 1"),
        ({"center": (1.0, 2.0, 3.0)}, "pair"),
        ({"center": [1.0, "left"]}, "expected a number"),
    ],
)
def test_impossible_constraints_are_refused(constraints, message):
    with pytest.raises(ValueError, match=message):
        check_constraints(constraints, "pseudo_voigt", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("round", "shirley", 1), "expected line_shape from"),
        (("gaussian", "flat", 1), "expected background from"),
        (("gaussian", "shirley", 1, ("center",)), "expected shared"),
        (("gaussian", "shirley", 1, "fwhm"), "expected shared"),
    ],
)
def test_unknown_names_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_layout(*arguments)


def test_an_active_background_never_falls_towards_higher_binding_energy():
    parameters = start()
    names = parameters.layout.names
    assert parameters.lower[names.index("background_shirley")] == 0.0
    assert parameters.lower[names.index("background_constant")] == -np.inf


def test_starts_of_many_spectra_are_as_one_by_one():
    rng = np.random.default_rng(2)
    layout = make_layout("pseudo_voigt", "shirley", 2)
    peaks = {
        "center": rng.uniform(281, 289, (3, 4, 2)),
        "fwhm": rng.uniform(0.5, 2.0, (3, 4, 2)),
        "height": rng.uniform(10, 90, (3, 4, 2)),
    }
    peaks["fwhm"][1, 2, 0] = np.nan
    together = start_parameters(layout, ENERGY, peaks)
    for i, j in np.ndindex(3, 4):
        one = {name: values[i, j] for name, values in peaks.items()}
        alone = start_parameters(layout, ENERGY, one)
        np.testing.assert_array_equal(together.values[i, j], alone.values)
        np.testing.assert_array_equal(together.lower, alone.lower)


def test_the_mirror_turns_centers_slope_and_their_limits():
    layout = make_layout("gaussian", "linear", 1)
    peaks = {"center": np.array([284.0]), "fwhm": np.array([1.0]), "height": np.array([9.0])}
    parameters = start_parameters(layout, ENERGY, peaks)
    mirrored = parameters.on_scale(-1)
    assert mirrored.values[0] == -284.0
    assert (mirrored.lower[0], mirrored.upper[0]) == (-290.5, -279.5)
    assert layout.mirror(-1).tolist() == [-1, 1, 1, 1, -1]
    np.testing.assert_array_equal(mirrored.on_scale(-1).values, parameters.values)
