"""Energy axes: what can be one, and what does not depend on its direction, place or scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpsnet.io.common import energy_axis
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


@pytest.mark.parametrize("n_stray", [0, 1, 2, 3, 4, 5, 50, 200])
@pytest.mark.parametrize("n", [6, 40, 200])
def test_the_quick_look_at_an_axis_decides_as_the_thorough_one(n: int, n_stray: int) -> None:
    rng = np.random.default_rng(n + n_stray)
    for _ in range(20):
        values = np.linspace(280.0, 290.0, n) * rng.choice([-1.0, 1.0])
        values[rng.integers(0, n, n_stray)] = rng.choice([0.0, 285.0, 1e4, np.nan], n_stray)
        thorough = energy_axis.is_nearly_monotonic(values, energy_axis.monotonic_part(values))
        assert energy_axis._is_axis(values) == thorough


def test_noise_is_not_searched_for_its_longest_rising_part(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = 0
    thorough = energy_axis.rising_part

    def rising_part(values: np.ndarray) -> np.ndarray:
        nonlocal searched
        searched += values.size
        return thorough(values)

    monkeypatch.setattr(energy_axis, "rising_part", rising_part)
    noise = np.random.default_rng(0).normal(size=5000)
    assert energy_axis.axis_parts(noise, np.arange(5000)) == []
    # Pieces of a few points only; the whole column was searched twice, upwards and downwards.
    assert searched < 500
