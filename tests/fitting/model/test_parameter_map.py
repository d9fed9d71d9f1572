"""From flat to physical parameters and back: every operation, its slopes, many spectra at once."""

import numpy as np
import pytest

from xpsnet.fitting.model.parameter_map import ADDED, DIVIDED, MULTIPLIED, Layout, make_layout

# A doublet: the second line follows the first with a fitted splitting, area and width ratio.
NAMES = (
    "center_1",
    "fwhm_1",
    "height_1",
    "fraction",
    "center_offset_2",
    "fwhm_ratio_2",
    "area_ratio_2",
    "background_constant",
)
DOUBLET = Layout(
    NAMES,
    ("center", "fwhm", "height", "fraction"),
    np.array([[0, 1, 2, 3], [0, 1, 2, 3]]),
    np.array([7]),
    peak_offset=np.array([[0.0, 0.0, 0.0, 0.0], [0.2, 0.05, 0.0, 0.1]]),
    peak_ratio=np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.9, 0.5]]),
    peak_partner=np.array([[-1, -1, -1, -1], [4, 5, 6, -1]]),
    peak_divisor=np.array([[-1, -1, -1, -1], [-1, -1, 5, -1]]),
    peak_operation=np.array([[0, 0, 0, 0], [ADDED, MULTIPLIED, DIVIDED, 0]]),
)
VALUES = np.array([163.0, 0.8, 90.0, 0.4, 1.0, 1.25, 0.5, 300.0])


def test_every_operation_in_numbers():
    expected = [[163.0, 0.8, 90.0, 0.4], [164.2, 1.05, 0.9 * 90.0 * 0.5 / 1.25, 0.3]]
    np.testing.assert_allclose(DOUBLET.shapes(VALUES), expected, rtol=1e-14)


def test_without_links_every_parameter_is_its_entry():
    layout = make_layout("pseudo_voigt", "shirley", 2)
    values = np.arange(9.0)
    assert not layout.linked.any()
    np.testing.assert_array_equal(layout.shapes(values), values[layout.peak_index])


@pytest.mark.parametrize(
    "layout", [DOUBLET, make_layout("pseudo_voigt", "constant", 2)], ids=["linked", "plain"]
)
def test_slopes_are_those_of_differences(layout):
    values = VALUES[: len(layout.names)]
    transform = layout.transform(values)
    for entry in range(len(layout.names)):
        step = np.zeros(values.size)
        step[entry] = 1e-5
        expected = (layout.shapes(values + step) - layout.shapes(values - step)) / 2e-5
        np.testing.assert_allclose(transform[..., entry], expected, rtol=1e-7, atol=1e-8)


def test_many_spectra_are_as_one_by_one():
    rng = np.random.default_rng(0)
    values = VALUES * rng.uniform(0.9, 1.1, (3, 5, VALUES.size))
    rows = rng.normal(size=(3, 5, 2, 4, 7))
    shapes, chained = DOUBLET.shapes(values), DOUBLET.by_entries(values, rows)
    transform = DOUBLET.transform(values)
    assert shapes.shape == (3, 5, 2, 4)
    for i, j in np.ndindex(3, 5):
        np.testing.assert_array_equal(shapes[i, j], DOUBLET.shapes(values[i, j]))
        one = DOUBLET.by_entries(values[i, j], rows[i, j])
        np.testing.assert_array_equal(chained[i, j], one)
        np.testing.assert_allclose(
            one, np.einsum("kjm,kjn->mn", transform[i, j], rows[i, j]), rtol=1e-12
        )


def test_what_a_peak_owns_is_what_no_other_depends_on():
    assert DOUBLET.own(0).tolist() == []
    assert DOUBLET.own(1).tolist() == [4, 5, 6]


def test_the_mirror_turns_an_offset_of_centers_and_a_splitting():
    turned = DOUBLET.on_scale(-1)
    shapes = turned.shapes(VALUES * DOUBLET.mirror(-1))
    expected = DOUBLET.shapes(VALUES) * [-1, 1, 1, 1]
    np.testing.assert_allclose(shapes, expected, rtol=1e-14)
    np.testing.assert_array_equal(turned.on_scale(-1).peak_offset, DOUBLET.peak_offset)


def test_what_scales_with_the_counts():
    assert np.array(NAMES)[DOUBLET.in_counts].tolist() == ["height_1", "background_constant"]
