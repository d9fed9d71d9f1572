"""Algebra of the batched engine where numbers end."""

import numpy as np

from xpsnet.fitting.solve.lm_algebra import _inverse_by_directions


def test_squares_beyond_the_largest_number_are_singular():
    inverse, singular = _inverse_by_directions(np.array([[np.inf, 1.0], [1.0, 1.0]]))
    assert singular
    assert np.isnan(inverse).all()
    inverse, singular = _inverse_by_directions(np.array([[4.0, 0.0], [0.0, 2.0]]))
    assert not singular
    np.testing.assert_allclose(inverse, [[0.25, 0.0], [0.0, 0.5]])
