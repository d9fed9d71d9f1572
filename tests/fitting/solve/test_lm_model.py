"""The compiled curve, residual and derivatives against those of `residuals.py`."""

import numpy as np
import pytest

from tests.fitting.model.test_spectrum_model import ENERGY, model_and_values
from xpsnet.data.constraints import check_constraints
from xpsnet.fitting.model.parameter_map import make_layout
from xpsnet.fitting.model.spectrum_model import Problem, SpectrumModel
from xpsnet.fitting.solve.lm_model import draw, finish
from xpsnet.fitting.solve.lm_plan import make_plan, make_work
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES


def compiled(model, values, counts, weights):
    """Sum of squares, residual and Jacobian of the compiled code, along the model's axis."""
    plan = make_plan(model.line_shape, model.background, model.energy, model.layout)
    work = make_work(plan, model.layout)
    n, turn = model.energy.size, slice(None, None, -1 if model.energy[0] > model.energy[-1] else 1)
    work.counts[:n], work.weights[:n] = counts[turn], weights[turn]
    chisqr = draw(plan, values, work)
    finish(plan, values, work)
    m = values.size
    return chisqr, work.rows[m, :n][turn], work.rows[:m, :n][:, turn]


def check(model, values):
    rng = np.random.default_rng(0)
    counts = model.curve(values) + rng.normal(size=model.energy.size)
    weights = rng.uniform(0.5, 2.0, model.energy.size)
    weights[7] = 0.0
    problem = Problem(model, counts, weights, (np.zeros_like(counts), 0.0))
    residual, jacobian = problem.residual_and_jacobian(values)
    chisqr, found, rows = compiled(model, values, counts, weights)
    used = problem.used
    assert chisqr == pytest.approx(residual @ residual, rel=1e-10)
    np.testing.assert_allclose(found[used], residual, atol=1e-8)
    assert not found[~used].any()
    scale = np.abs(jacobian).max(axis=1, keepdims=True)
    np.testing.assert_allclose(rows[:, used] / scale, jacobian / scale, atol=1e-10)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("line_shape", LINE_SHAPES)
def test_every_shape_on_every_background(line_shape, background):
    check(*model_and_values(line_shape, background))


@pytest.mark.parametrize("background", ["shirley+linear", "tougaard"])
def test_uneven_axis(background):
    energy = np.sort(ENERGY + np.random.default_rng(1).uniform(-0.04, 0.04, ENERGY.size))
    check(*model_and_values("pseudo_voigt", background, energy))


@pytest.mark.parametrize("n_peaks", [0, 1, 2])
def test_numbers_of_peaks(n_peaks):
    check(*model_and_values("pseudo_voigt", "linear", n_peaks=n_peaks))


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({"center_2": "center_1 + 1.19", "height_2": "0.5 * height_1"}, id="held"),
        pytest.param(
            {"center_2": "center_1 + (1.1, 1.3)", "height_2": "height_1 * (0.4, 0.6)"},
            id="fitted",
        ),
        pytest.param({"fwhm_2": "fwhm_1 * (1, 2)", "fraction_2": "fraction_1 + 0.1"}, id="shapes"),
        pytest.param({"fwhm_2": "fwhm_1 * (1, 2)", "area_2": "0.5 * area_1"}, id="area over width"),
    ],
)
@pytest.mark.parametrize("background", ["constant", "shirley"])
def test_links(rules, background):
    checked = check_constraints(rules, "pseudo_voigt", 2)
    shared = ("fraction",) if "area_2" in rules else ()
    layout = make_layout("pseudo_voigt", background, 2, shared, checked.links)
    known = {
        "center": 284.3,
        "fwhm": 1.1,
        "height": 90.0,
        "fraction": 0.3,
        "background": 0.02,
        "area": 1.0,
    }
    values = np.array([known[name.split("_")[0]] for name in layout.names])
    for entry, name in enumerate(layout.names):
        if "offset" in name or "ratio" in name:
            values[entry] = 1.2
        elif name in ("center_2", "height_2"):
            values[entry] *= 1.005
    check(SpectrumModel("pseudo_voigt", background, ENERGY, layout), values)
