"""The curve and its derivatives, for every line shape on every background."""

import numpy as np
import pytest

from xpsnet.fitting.model.parameter_map import make_layout
from xpsnet.fitting.model.spectrum_model import Problem, SpectrumModel
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES

ENERGY = np.linspace(280.0, 292.0, 121)
COEFFICIENTS = {"constant": 400.0, "slope": 6.0, "shirley": 0.03, "tougaard": 300.0}


def model_and_values(line_shape, background, energy=ENERGY, shared=("fraction",), n_peaks=2):
    layout = make_layout(line_shape, background, n_peaks, shared)
    values = np.zeros(len(layout.names))
    known = {"center": (284.3, 286.4), "fwhm": (1.1, 1.4), "height": (90.0, 60.0)}
    for name in layout.shape_parameters:
        start = LINE_SHAPES[line_shape].default.get(name)
        values[layout.column(name)] = known.get(name, (start, start))[:n_peaks]
    values[layout.background_index] = [COEFFICIENTS[t] for t in BACKGROUNDS[background]]
    return SpectrumModel(line_shape, background, energy, layout), values


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("line_shape", LINE_SHAPES)
def test_jacobian_agrees_with_finite_differences(line_shape, background):
    model, values = model_and_values(line_shape, background)
    curve, jacobian = model.curve_and_jacobian(values)
    np.testing.assert_allclose(curve, model.curve(values), rtol=1e-12)
    for entry, name in enumerate(model.layout.names):
        step = 1e-3 if name.startswith("center") else 1e-3 * abs(values[entry])
        moved = np.zeros_like(values)
        moved[entry] = step
        near = (model.curve(values + moved) - model.curve(values - moved)) / (2 * step)
        far = (model.curve(values + 2 * moved) - model.curve(values - 2 * moved)) / (4 * step)
        # Richardson: the error of the difference falls from step^2 to step^4.
        expected = (4 * near - far) / 3
        scale = np.abs(expected).max()
        np.testing.assert_allclose(jacobian[entry], expected, atol=1e-6 * scale)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_the_direction_of_the_axis_changes_nothing(background):
    model, values = model_and_values("pseudo_voigt", background)
    turned, _ = model_and_values("pseudo_voigt", background, ENERGY[::-1])
    curve, jacobian = model.curve_and_jacobian(values)
    other_curve, other_jacobian = turned.curve_and_jacobian(values)
    np.testing.assert_allclose(other_curve[::-1], curve, rtol=1e-12)
    np.testing.assert_allclose(other_jacobian[:, ::-1], jacobian, rtol=1e-9, atol=1e-9)


def test_a_shared_parameter_adds_up_over_its_peaks():
    free, values = model_and_values("pseudo_voigt", "shirley", shared=())
    shared, fewer = model_and_values("pseudo_voigt", "shirley")
    _, separate = free.curve_and_jacobian(values)
    _, together = shared.curve_and_jacobian(fewer)
    np.testing.assert_allclose(
        together[shared.layout.names.index("fraction")],
        separate[free.layout.column("fraction")].sum(axis=0),
        rtol=1e-12,
    )


def test_without_peaks_the_background_is_left():
    model, values = model_and_values("pseudo_voigt", "linear", n_peaks=0)
    curve, jacobian = model.curve_and_jacobian(values)
    np.testing.assert_allclose(curve, 400.0 + 6.0 * (ENERGY - 286.0))
    np.testing.assert_allclose(jacobian, [np.ones_like(ENERGY), ENERGY - 286.0])


def test_missing_points_leave_the_residual_but_not_the_background():
    model, values = model_and_values("pseudo_voigt", "shirley")
    counts = model.curve(values) + 1.0
    counts[[3, 50]] = np.nan
    problem = Problem(model, counts, np.full(ENERGY.size, 0.5), (np.zeros(ENERGY.size), 0.0))
    residual, jacobian = problem.residual_and_jacobian(values)
    assert problem.n_points == ENERGY.size - 2
    np.testing.assert_allclose(residual, -0.5)
    np.testing.assert_allclose(problem.residual_and_jacobian(values)[0], residual)
    _, whole = model.curve_and_jacobian(values)
    np.testing.assert_allclose(jacobian, 0.5 * np.delete(whole, [3, 50], axis=1))
