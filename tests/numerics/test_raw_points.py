"""Spikes, plateaus, overflow and missing noise, told from lines and from plain counts."""

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.raw_points import (
    has_signal,
    is_cut_at_zero,
    is_saturated,
    is_without_noise,
    is_wrapped,
    point_signs,
    spikes,
    without_spikes,
)

Floats = npt.NDArray[np.float64]

ENERGY = np.arange(280.0, 292.0, 0.1)
LINE = LINE_SHAPES["pseudo_voigt"].value


def counts_of(height: float = 3000.0, base: float = 200.0, n: int = 1, seed: int = 5) -> Floats:
    curve = base + LINE(ENERGY, 285.0, 1.1, height, 0.3) + LINE(ENERGY, 286.6, 1.1, height / 3, 0.3)
    return np.random.default_rng(seed).poisson(curve, (n, curve.size)).astype(float)


@pytest.mark.parametrize(
    ("places", "change"),
    [
        pytest.param([20], 2000.0, id="beside the lines"),
        pytest.param([20], 1e6, id="huge"),
        pytest.param([52], 8000.0, id="on a line"),
        pytest.param([51], -4000.0, id="dead channel"),
        pytest.param([80, 81], 5000.0, id="two points"),
        pytest.param([10, 30, 90], 5000.0, id="three"),
    ],
)
def test_spikes_are_found_and_nothing_else(places: list[int], change: float) -> None:
    counts = counts_of()
    counts[0, places] = np.maximum(counts[0, places] + change, 0)
    assert np.flatnonzero(spikes(counts)[0]).tolist() == places
    left = without_spikes(counts)
    assert np.isnan(left[0, places]).all()
    assert np.isfinite(left).sum() == ENERGY.size - len(places)


@pytest.mark.parametrize("height", [1e2, 1e3, 1e4, 1e5, 1e6])
def test_plain_counts_have_no_spikes(height: float) -> None:
    counts = counts_of(height, height / 15, n=500)
    signs = point_signs(counts)
    assert not spikes(counts, signs).any()
    assert not is_saturated(counts, signs).any()
    assert not is_wrapped(counts, signs).any()
    assert not is_without_noise(signs).any()
    assert without_spikes(counts) is counts


@pytest.mark.parametrize("width", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("fraction", [0.0, 0.3])
def test_a_line_as_narrow_as_a_step_is_no_spike(
    width: float, shift: float, fraction: float
) -> None:
    place = np.arange(60.0)
    curve = 200 + LINE(place, 30 + shift, width, 5000.0, fraction)
    counts = np.random.default_rng(1).poisson(curve, (50, 60)).astype(float)
    assert not spikes(counts).any()


def test_single_counts_are_no_spikes() -> None:
    counts = np.random.default_rng(2).poisson(0.02, (300, 200)).astype(float)
    assert not spikes(counts).any()


def test_gaps_do_not_hide_a_spike() -> None:
    counts = counts_of()
    counts[0, 20] += 5000
    counts[0, [18, 30, 31]] = np.nan
    assert np.flatnonzero(spikes(counts)[0]).tolist() == [20]


@pytest.mark.parametrize("top", [800.0, 1500.0, 2500.0])
def test_a_plateau_at_the_top_is_saturation(top: float) -> None:
    counts = np.minimum(counts_of(), top)
    assert is_saturated(counts, point_signs(counts)).all()


def test_few_counts_that_are_equal_are_no_plateau() -> None:
    counts = np.random.default_rng(3).poisson(0.5, (300, 100)).astype(float)
    assert not is_saturated(counts, point_signs(counts)).any()


def test_a_counter_that_overflows() -> None:
    counts = counts_of() * 30
    wrapped = np.mod(counts, 65536)
    assert is_wrapped(wrapped, point_signs(wrapped)).all()
    assert not is_wrapped(counts, point_signs(counts)).any()


def test_a_curve_has_no_noise() -> None:
    curve = 200 + LINE(ENERGY, 285.0, 1.5, 3000.0, 0.3)
    assert is_without_noise(point_signs(curve[None])).all()


@pytest.mark.parametrize("step", [0.5, 0.8, 1.0, 1.2])
def test_a_line_of_few_points_is_a_signal(step: float) -> None:
    energy = np.arange(270, 300, step)
    curve = 200 + LINE(energy, 285.0, 1.2, 5000.0, 0.3)
    counts = np.random.default_rng(4).poisson(curve, (20, energy.size)).astype(float)
    assert has_signal(counts).all()


@pytest.mark.parametrize("level", [0.05, 3.0, 1e2, 1e6])
@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_noise_on_a_line_is_no_signal(level: float, slope: float) -> None:
    curve = level * (1 + slope * (ENERGY - 286))
    counts = np.random.default_rng(6).poisson(curve, (200, ENERGY.size)).astype(float)
    assert not has_signal(counts).any()


@pytest.mark.parametrize("gain", [1.0, 0.37], ids=["counts", "rates"])
@pytest.mark.parametrize("base", [0.0, 0.02, 0.5, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("height", [3.0, 30.0, 3000.0])
def test_counts_that_are_often_zero_are_not_cut(height: float, base: float, gain: float) -> None:
    narrow = height * LINE(ENERGY, 285.0, 1.1, 1.0, 0.0) + base  # tails that end
    rng = np.random.default_rng(3)
    for curve in (narrow, narrow[::4]):
        counts = gain * rng.poisson(curve, (300, curve.size))
        assert is_cut_at_zero(counts).mean() <= 0.01


@pytest.mark.parametrize("gain", [1.0, 0.37], ids=["counts", "rates"])
@pytest.mark.parametrize("taken", [210.0, 220.0, 230.0])
def test_noise_that_is_cut_at_zero(taken: float, gain: float) -> None:
    counts = counts_of(n=50)
    assert not is_cut_at_zero(gain * counts).any()
    assert is_cut_at_zero(gain * np.maximum(counts - taken, 0.0)).mean() >= 0.9
    smooth = np.maximum(counts - taken - 0.37, 0.0)  # no whole numbers any more
    assert is_cut_at_zero(smooth).mean() >= 0.9


@pytest.mark.parametrize("taken", [400.0, 800.0])
def test_a_background_that_is_cut_off_wholly(taken: float) -> None:
    cut = np.maximum(counts_of(n=100) - taken, 0.0)
    assert (cut[:, :20] == 0).all()
    assert is_cut_at_zero(cut).mean() > 0.7


@pytest.mark.parametrize("width", [0.3, 0.5, 1.1, 2.0])
@pytest.mark.parametrize("height", [50.0, 3e3, 1e5])
def test_lines_on_no_background_are_not_cut(width: float, height: float) -> None:
    rng = np.random.default_rng(3)
    for base in (0.0, 0.05):
        curve = base + LINE(ENERGY, 285.0, width, height, 0.0)
        assert is_cut_at_zero(rng.poisson(curve, (200, curve.size)).astype(float)).mean() <= 0.005
