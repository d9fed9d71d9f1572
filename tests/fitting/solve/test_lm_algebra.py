"""Covariances of normal equations, next to where they break down."""

from typing import get_type_hints

import numpy as np
import pytest

from xpsnet.fitting.solve.lm_algebra import _inverse_by_directions, find_directions
from xpsnet.fitting.solve.lm_model import Work
from xpsnet.numerics.kernels.array_types import array_kind


def work_with(factor: np.ndarray) -> Work:
    """Room of the size of a matrix, which lies in `factor`."""
    hints = get_type_hints(Work, include_extras=True)
    room = {}
    for name in Work._fields:
        dtype, n_dims = array_kind(hints[name])
        room[name] = np.zeros(factor.shape[:1] * n_dims, dtype)
    return Work(**{**room, "factor": factor.copy()})


def test_squares_beyond_the_largest_number_are_singular() -> None:
    work = work_with(np.array([[np.inf, 1.0], [1.0, 1.0]]))
    assert _inverse_by_directions(work, 2)
    assert np.isnan(work.inverse).all()
    work = work_with(np.array([[4.0, 0.0], [0.0, 2.0]]))
    assert not _inverse_by_directions(work, 2)
    np.testing.assert_allclose(work.inverse, [[0.25, 0.0], [0.0, 0.5]])


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_directions_are_those_of_numpy(n: int) -> None:
    columns = np.random.default_rng(n).normal(size=(40, n))
    columns[:, -1] = columns[:, 0] + 1e-6 * columns[:, -1]  # nearly the same direction twice
    columns /= np.linalg.norm(columns, axis=0)
    matrix = columns.T @ columns
    squares, directions = matrix.copy(), np.zeros((n, n))
    find_directions(squares, directions, n)
    np.testing.assert_allclose(np.sort(np.diag(squares)), np.linalg.eigvalsh(matrix), atol=1e-14)
    np.testing.assert_allclose(directions @ directions.T, np.eye(n), atol=1e-13)
    again = directions @ np.diag(np.diag(squares)) @ directions.T
    np.testing.assert_allclose(again, matrix, atol=1e-13)


def test_what_is_not_determined_is_nan() -> None:
    # Columns 0 and 2 are the same; column 1 stands apart.
    work = work_with(np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))
    assert _inverse_by_directions(work, 3)
    expected = np.full((3, 3), np.nan)
    expected[1, 1] = 1.0
    np.testing.assert_allclose(work.inverse, expected)
