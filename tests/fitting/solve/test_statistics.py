"""Covariance, goodness and propagated errors against closed forms and lmfit."""

import lmfit
import numpy as np
import pytest

from xpsnet.fitting.model.parameter_map import make_layout
from xpsnet.fitting.solve.statistics import (
    area_errors,
    covariance_from_jacobian,
    goodness,
)
from xpsnet.numerics.lineshapes import LINE_SHAPES

X = np.linspace(-1.0, 2.0, 40)
ALL = np.ones(2, dtype=bool)


def test_covariance_of_a_straight_line():
    sigma = 0.3
    jacobian = np.stack([np.ones_like(X), X]) / sigma
    covariance, singular = covariance_from_jacobian(jacobian, ALL)
    spread = ((X - X.mean()) ** 2).sum()
    slope, offset = sigma**2 / spread, sigma**2 * (1 / X.size + X.mean() ** 2 / spread)
    np.testing.assert_allclose(np.diag(covariance), [offset, slope], rtol=1e-12)
    np.testing.assert_allclose(covariance[0, 1], -(sigma**2) * X.mean() / spread, rtol=1e-12)
    assert not singular


def test_units_of_parameters_do_not_matter():
    jacobian = np.stack([np.ones_like(X), X, X**2])
    units = np.array([1e-12, 1.0, 1e9])
    free = np.ones(3, dtype=bool)
    plain, _ = covariance_from_jacobian(jacobian, free)
    scaled, singular = covariance_from_jacobian(jacobian * units[:, None], free)
    np.testing.assert_allclose(scaled * np.outer(units, units), plain, rtol=1e-9)
    assert not singular


def test_a_held_parameter_has_no_error():
    jacobian = np.stack([np.ones_like(X), X])
    free = np.array([True, False])
    covariance, singular = covariance_from_jacobian(jacobian, free)
    assert covariance[0, 0] == pytest.approx(1 / X.size)
    assert (covariance[1] == 0).all()
    assert (covariance[:, 1] == 0).all()
    assert not singular


def test_only_parameters_that_are_lost_are_undetermined():
    jacobian = np.stack([np.ones_like(X), X, 2 * X, X**2])
    covariance, singular = covariance_from_jacobian(jacobian, np.ones(4, dtype=bool))
    errors = np.sqrt(np.diag(covariance))
    assert np.isnan(errors).tolist() == [False, True, True, False]
    alone, _ = covariance_from_jacobian(np.delete(jacobian, 2, axis=0), np.ones(3, dtype=bool))
    assert covariance[0, 3] == pytest.approx(alone[0, 2], rel=1e-9)
    assert singular


@pytest.mark.parametrize(
    "jacobian", [np.zeros((2, 40)), np.ones((2, 1))], ids=["no-information", "one-point"]
)
def test_nothing_known_is_said(jacobian):
    covariance, singular = covariance_from_jacobian(jacobian, ALL)
    assert singular
    assert np.isnan(np.diag(covariance)).all()


def test_no_free_parameter():
    covariance, singular = covariance_from_jacobian(np.ones((2, 40)), ~ALL)
    assert (covariance == 0).all()
    assert not singular


def test_goodness_is_that_of_lmfit():
    counts = 2.0 + 0.5 * X + np.random.default_rng(4).normal(0.0, 0.3, X.size)
    parameters = lmfit.create_params(offset=0.0, slope=0.0)
    result = lmfit.minimize(
        lambda p: (p["offset"] + p["slope"] * X - counts) / 0.3, parameters, scale_covar=False
    )
    chisqr = result.residual @ result.residual
    found = goodness(np.array([chisqr]), np.array([X.size]), np.array([2]))
    for name in ("chisqr", "redchi", "aic", "bic"):
        assert float(getattr(found, name)[0]) == pytest.approx(getattr(result, name), rel=1e-12)


def test_goodness_without_a_point_to_spare():
    found = goodness(np.array([3.0, 0.0]), np.array([3, 5]), np.array([3, 2]))
    assert np.isnan(found.redchi[0])
    assert np.isfinite(found.bic[1])


def error_of(line_shape, values, covariance):
    """Error of the area of one peak."""
    plain = make_layout(line_shape, "none", 1, ())
    given = np.array([values], dtype=float), np.asarray(covariance, dtype=float)[None]
    return float(area_errors(np.linspace(280.0, 290.0, 101), plain, *given)[0][0, 0])


def test_error_of_an_area_in_closed_form():
    area = LINE_SHAPES["gaussian"].area
    values, errors = [285.0, 1.2, 900.0], np.array([0.02, 0.03, 12.0])
    correlation = np.array([[1.0, 0.1, 0.2], [0.1, 1.0, -0.7], [0.2, -0.7, 1.0]])
    found = error_of("gaussian", values, correlation * np.outer(errors, errors))
    relative = (errors / values)[1:]
    expected = np.sqrt(relative @ correlation[1:, 1:] @ relative) * float(area(*values))
    assert found == pytest.approx(expected, rel=1e-6)


def test_error_of_an_area_at_a_limit_of_the_shape():
    covariance = np.diag([0.0, 0.0, 0.0, 0.01**2])
    found = [
        error_of("pseudo_voigt", [285.0, 1.2, 900.0, share], covariance)
        for share in (0.0, 0.5, 1.0)
    ]
    # The area is linear in the fraction, so its error is the same everywhere.
    np.testing.assert_allclose(found, found[1], rtol=1e-6)


def test_an_undetermined_parameter_counts_only_where_it_is_needed():
    area = float(LINE_SHAPES["gaussian"].area(285.0, 2.0, 3.0))
    unknown_center = np.diag([np.nan, 0.1**2, 0.0])
    expected = pytest.approx(area * 0.1 / 2.0, rel=1e-6)
    assert error_of("gaussian", [285.0, 2.0, 3.0], unknown_center) == expected
    unknown_width = np.diag([0.1**2, np.nan, 0.0])
    assert np.isnan(error_of("gaussian", [285.0, 2.0, 3.0], unknown_width))


def test_the_sum_of_areas_has_the_error_of_correlated_heights():
    plain = make_layout("gaussian", "none", 2, ())
    names = list(plain.names)
    values = np.zeros((1, len(names)))
    for name, value in {"center": 285.0, "fwhm": 1.0, "height": 100.0}.items():
        values[0, [names.index(f"{name}_1"), names.index(f"{name}_2")]] = value
    covariance = np.zeros((1, len(names), len(names)))
    heights = [names.index("height_1"), names.index("height_2")]
    covariance[0][np.ix_(heights, heights)] = [[9.0, -8.0], [-8.0, 16.0]]
    each, total = area_errors(np.linspace(280.0, 290.0, 101), plain, values, covariance)
    of_height = float(LINE_SHAPES["gaussian"].area(285.0, 1.0, 1.0))
    np.testing.assert_allclose(each[0], np.array([3.0, 4.0]) * of_height, rtol=1e-6)
    assert float(total[0]) == pytest.approx(3.0 * of_height, rel=1e-6)  # 9 + 16 - 2 x 8 = 3^2
