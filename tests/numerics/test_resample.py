"""Resampling: exact for what is linear, faithful for lines, honest for noise."""

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.resample import (
    _neighbors,
    even_grid,
    normalize,
    resample,
    resampling_matrix,
)

Floats = npt.NDArray[np.float64]

N_GRID = 384
UNEVEN = np.concatenate([[0.0], np.sort(np.random.default_rng(1).uniform(0, 20, 398)), [20.0]])
AXES = {
    "uniform": 280 + np.linspace(0, 20, 401),
    "descending": 280 + np.linspace(20, 0, 401),
    "uneven": 280 + UNEVEN,
    "uneven and descending": 280 + UNEVEN[::-1],
    "the grid itself": 280 + np.linspace(0, 20, N_GRID),
    "coarse": 280 + np.linspace(0, 20, 60),
    "fine": 280 + np.linspace(0, 20, 4000),
    "kinetic, turned to binding-like": -np.linspace(1186.6, 1206.6, 401),
    "two points": np.array([280.0, 300.0]),
}
every_axis = pytest.mark.parametrize("energy", AXES.values(), ids=AXES.keys())


def test_grid_ascends_over_the_range_of_the_axis() -> None:
    for energy in AXES.values():
        grid = even_grid(energy, N_GRID)
        assert (grid[0], grid[-1], grid.size) == (energy.min(), energy.max(), N_GRID)
        np.testing.assert_allclose(np.diff(grid), np.ptp(energy) / (N_GRID - 1))


@pytest.mark.parametrize(
    "energy", [np.array([1.0]), np.array([]), np.ones((3, 4))], ids=["one", "none", "2-D"]
)
def test_grid_refuses_what_is_no_axis(energy: Floats) -> None:
    with pytest.raises(ValueError, match="1-D energy axis of at least 2 points"):
        even_grid(energy, N_GRID)


@every_axis
@pytest.mark.parametrize("n_grid", [2, 77, N_GRID])
def test_columns_are_weighted_means(energy: Floats, n_grid: int) -> None:
    matrix = resampling_matrix(energy, even_grid(energy, n_grid))
    assert matrix.shape == (energy.size, n_grid)
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0, rtol=1e-12)
    assert matrix.min() >= -1e-12


@every_axis
def test_constant_and_straight_line_are_exact(energy: Floats) -> None:
    grid = even_grid(energy, N_GRID)
    np.testing.assert_allclose(resample(np.full(energy.size, 7.5), energy, grid), 7.5, rtol=1e-12)
    line, expected = 100 + 3 * (energy - 290), 100 + 3 * (grid - 290)
    found = resample(line, energy, grid)
    np.testing.assert_allclose(found[1:-1], expected[1:-1], rtol=1e-10)
    # The two ends of a finer axis stand for half a cell, whose middle is a quarter step inside.
    inside = 3 * (grid[1] - grid[0]) / 4 if energy.size > N_GRID else 0.0
    np.testing.assert_allclose(found[[0, -1]] - expected[[0, -1]], [inside, -inside], atol=1e-9)


@every_axis
def test_direction_of_the_axis_changes_nothing(energy: Floats) -> None:
    counts = np.random.default_rng(2).uniform(0, 100, energy.size)
    grid = even_grid(energy, N_GRID)
    turned = resample(counts[::-1], energy[::-1], grid)
    np.testing.assert_allclose(turned, resample(counts, energy, grid), rtol=1e-12)


@pytest.mark.parametrize("energy", [AXES["coarse"], UNEVEN + 280], ids=["coarse", "uneven"])
def test_twin_of_numpy_interp_where_the_axis_is_coarser(energy: Floats) -> None:
    counts = np.random.default_rng(3).uniform(0, 100, energy.size)
    grid = np.linspace(275.0, 305.0, 4 * energy.size)  # beyond both ends as well
    np.testing.assert_allclose(
        resample(counts, energy, grid), np.interp(grid, energy, counts), rtol=1e-9
    )


@pytest.mark.parametrize("name", ["fine", "uneven"])
def test_finer_axis_is_averaged_over_the_cells(name: str) -> None:
    energy, grid = AXES[name], 280 + np.linspace(0, 20, 101)
    counts = np.random.default_rng(4).uniform(0, 100, energy.size)
    # The mean over a cell by brute force: many small steps of the interpolant.
    steps = (np.arange(2000) + 0.5) / 2000 - 0.5
    cells = np.interp(grid[1:-1, None] + 0.2 * steps, energy, counts).mean(axis=1)
    np.testing.assert_allclose(resample(counts, energy, grid)[1:-1], cells, rtol=1e-3)


def test_sum_over_an_even_axis_is_kept_up_to_the_step() -> None:
    energy = AXES["fine"]
    counts = np.random.default_rng(5).uniform(0, 100, energy.size)
    grid = even_grid(energy, 201)
    after = np.trapezoid(resample(counts, energy, grid), grid)
    assert after == pytest.approx(np.trapezoid(counts, energy), rel=1e-12)


@pytest.mark.parametrize("points_per_cell", [2, 5, 10])
def test_white_noise_falls_with_the_root_of_the_points_in_a_cell(points_per_cell: int) -> None:
    energy = np.linspace(0, 20, 200 * points_per_cell + 1)
    noise = np.random.default_rng(6).normal(size=(500, energy.size))
    left = resample(noise, energy, even_grid(energy, 201))[:, 1:-1].std()
    # Whole points but for the two that two cells share: m points of weight 1/m in all.
    expected = np.sqrt((points_per_cell - 1 + 0.5) / points_per_cell**2)
    if points_per_cell % 2:  # cells then end between two points
        expected = np.sqrt((points_per_cell - 2 + 2 * (1 / 64 + 49 / 64)) / points_per_cell**2)
    assert left == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("name", "share_of_height"),
    [
        pytest.param("uniform", 0.002, id="uniform"),
        pytest.param("descending", 0.002, id="descending"),
        pytest.param("fine", 0.002, id="fine"),
        # Neighbors are up to 0.3 eV apart, a quarter of the line: linear interpolation cuts there.
        pytest.param("uneven", 0.03, id="uneven"),
    ],
)
def test_line_keeps_place_height_and_area(name: str, share_of_height: float) -> None:
    energy = AXES[name]
    grid = even_grid(energy, N_GRID)
    line = LINE_SHAPES["pseudo_voigt"]
    found = resample(line.value(energy, 289.3, 1.2, 5000.0, 0.3), energy, grid)
    expected = line.value(grid, 289.3, 1.2, 5000.0, 0.3)
    np.testing.assert_allclose(found, expected, atol=share_of_height * 5000)
    np.testing.assert_allclose(
        np.trapezoid(found, grid), np.trapezoid(expected, grid), rtol=share_of_height
    )
    center = (found * grid).sum() / found.sum()
    true = (expected * grid).sum() / expected.sum()
    assert center == pytest.approx(true, abs=0.2 * (grid[1] - grid[0]))


@every_axis
@pytest.mark.parametrize("n_grid", [2, 77, N_GRID])
def test_the_matrix_gives_the_same_as_its_neighbors(energy: Floats, n_grid: int) -> None:
    grid = even_grid(energy, n_grid)
    counts = np.random.default_rng(9).uniform(0, 100, (3, energy.size))
    matrix = resampling_matrix(energy, grid)
    np.testing.assert_allclose(resample(counts, energy, grid), counts @ matrix, rtol=1e-12)


LONG = 280 + np.linspace(0, 14, 100_000)
CROWDED = np.concatenate([[270.0], 280 + np.linspace(0, 1e-3, 100_000), [290.0]])


@pytest.mark.parametrize("energy", [LONG, LONG[::-1], CROWDED, CROWDED[::-1]])
def test_weights_are_about_as_many_as_points(energy: Floats) -> None:
    grid = even_grid(energy, N_GRID)
    weights = _neighbors(energy.tobytes(), grid.tobytes()).weights
    # All points once, and two more that each cell shares with the next.
    assert weights.size <= energy.size + 2 * grid.size
    np.testing.assert_allclose(resample(np.full(energy.size, 7.5), energy, grid), 7.5, rtol=1e-9)


def test_batch_equals_loop() -> None:
    energy, grid = AXES["uneven"], even_grid(AXES["uneven"], N_GRID)
    counts = np.random.default_rng(7).uniform(0, 100, (2, 3, energy.size))
    found = resample(counts, energy, grid)
    assert found.shape == (2, 3, N_GRID)
    for place in np.ndindex(2, 3):
        np.testing.assert_allclose(found[place], resample(counts[place], energy, grid))


def test_normalize_and_back() -> None:
    counts = np.random.default_rng(8).uniform(-50, 1e6, (4, 5, 40))
    normalized, offset, scale = normalize(counts)
    assert normalized.min(axis=-1).max() == 0
    np.testing.assert_allclose(normalized.max(axis=-1), 1)
    assert offset.shape == scale.shape == (4, 5, 1)
    np.testing.assert_allclose(normalized * scale + offset, counts, atol=1e-6)


def test_normalize_leaves_a_constant_at_zero() -> None:
    normalized, offset, scale = normalize(np.full((2, 9), -3.0))
    assert not normalized.any()
    assert (offset == -3).all()
    assert (scale == 1).all()
