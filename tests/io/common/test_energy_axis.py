"""Energy axes: what can be one, and what does not depend on its direction, place or scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpsnet.io.common.energy_axis import (
    axis_problem,
    checked_axis,
    is_monotonic,
    is_uniform,
    monotonic_part,
    places,
    union,
)
from xpsnet.io.common.errors import BrokenError

steps = st.lists(st.floats(0.01, 5.0), min_size=2, max_size=40)
starts = st.floats(-100.0, 1400.0)


def _axis(start: float, each: list[float]) -> np.ndarray:
    return start + np.cumsum([0.0, *each])


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([], "expected at least 2 energies, got 0"),
        ([1.0], "expected at least 2 energies, got 1"),
        ([1.0, 2.0, 2.0], "rise or fall, got 1, 2 ... 2 eV"),
        ([1.0, 3.0, 2.0], "rise or fall, got 1, 3 ... 2 eV"),
        ([1.0, np.nan, 3.0], "rise or fall, got 1, nan ... 3 eV"),
        ([1.0, np.inf], "rise or fall, got 1, inf ... inf eV"),
        ([-1e6, 0.0], "below 100 keV, got 1e+06 eV"),
        ([-10.0, 1e5], ""),
    ],
)
def test_what_is_no_axis_is_said(values: list[float], problem: str) -> None:
    axis = np.array(values)
    if not problem:
        assert axis_problem(axis) == ""
        assert checked_axis(axis) is axis
        return
    assert problem in axis_problem(axis)
    with pytest.raises(BrokenError, match="expected"):
        checked_axis(axis)


@given(start=starts, each=steps, shift=st.floats(-50.0, 50.0), factor=st.floats(0.1, 10.0))
def test_direction_place_and_scale_do_not_matter(start, each, shift, factor) -> None:
    axis = _axis(start, each)
    for changed in (axis, axis[::-1], axis + shift, axis * factor, -axis):
        assert axis_problem(changed) == ""
        assert is_monotonic(changed)
        np.testing.assert_array_equal(monotonic_part(changed), np.arange(axis.size))


@given(start=starts, step=st.floats(0.01, 2.0), n=st.integers(5, 200))
def test_equal_steps_are_uniform_in_both_directions(start: float, step: float, n: int) -> None:
    axis = start + step * np.arange(n)
    assert is_uniform(axis)
    assert is_uniform(axis[::-1])


@given(start=starts, each=steps, cut=st.integers(0, 20))
def test_the_union_holds_every_energy_once(start: float, each: list[float], cut: int) -> None:
    axis = _axis(start, each)
    part = axis[min(cut, axis.size - 2) :]
    merged = union([axis, part[::-1]])
    np.testing.assert_array_equal(merged, axis)
    np.testing.assert_array_equal(merged[places(part, merged)], part)
    np.testing.assert_array_equal(union([axis[::-1], part]), axis[::-1])
