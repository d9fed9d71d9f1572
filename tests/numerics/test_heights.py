"""Heights and backgrounds by linear least squares: what was put in comes out."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import nnls

from xpsnet.numerics.backgrounds import BACKGROUNDS, background_columns
from xpsnet.numerics.heights import solve_heights
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]

ENERGY = np.linspace(280.0, 292.0, 241)
COEFFICIENTS = {"constant": 400.0, "slope": -6.0, "shirley": 0.03, "tougaard": 300.0}
ALL = slice(0, ENERGY.size)


def _lines(energy: Floats, center: tuple[float, ...] = (284.8, 286.4)) -> Floats:
    return LINE_SHAPES["pseudo_voigt"].value(energy, np.array(center), 1.2, 1.0, 0.3)


def _counts(energy: Floats, heights: Floats, background: str) -> Floats:
    total = heights @ _lines(energy)
    coefficients = [COEFFICIENTS[term] for term in BACKGROUNDS[background]]
    counts: Floats = total + background_columns(background, energy, total) @ coefficients
    return counts


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("reverse", [False, True], ids=["ascending", "descending"])
def test_heights_and_background_come_back(background: str, reverse: bool) -> None:
    energy = ENERGY[::-1] if reverse else ENERGY
    true = np.array([[3000.0, 1500.0], [100.0, 3000.0], [0.5, 0.2]])
    lines = np.broadcast_to(_lines(energy), (3, 2, energy.size))
    found, terms = solve_heights(
        _counts(energy, true, background), energy, lines, background, slice(0, energy.size)
    )
    # Three rounds leave a little in the terms that follow the peaks.
    np.testing.assert_allclose(found, true, rtol=1e-3)
    assert terms.shape == (3, len(BACKGROUNDS[background]))
    for column, term in enumerate(BACKGROUNDS[background]):
        np.testing.assert_allclose(terms[:2, column], COEFFICIENTS[term], rtol=2e-3)


@pytest.mark.parametrize("background", ["linear", "shirley"])
def test_only_the_used_points_are_fitted(background: str) -> None:
    true = np.array([[3000.0, 1500.0]])
    counts = _counts(ENERGY, true, background)
    counts[:, :30] = np.nan
    used = slice(30, 200)
    found, _ = solve_heights(counts[:, used], ENERGY, _lines(ENERGY)[None], background, used)
    np.testing.assert_allclose(found, true, rtol=1e-3)


def test_negative_heights_and_losses_are_clamped_but_offsets_are_not() -> None:
    lines = _lines(ENERGY)
    counts = (np.array([[1000.0, -300.0]]) @ lines) - 50.0
    found, terms = solve_heights(counts, ENERGY, lines[None], "linear", ALL)
    assert found[0, 1] == 0
    assert found[0, 0] > 800
    assert terms[0, 0] < 0
    step = -0.02 * background_columns("shirley", ENERGY, lines[0] * 1000)[:, 1]
    found, terms = solve_heights(
        1000 * lines[:1] + 500 + step, ENERGY, lines[None, :1], "shirley", ALL
    )
    assert terms[0, 1] == 0


def test_identical_lines_share_their_height() -> None:
    lines = _lines(ENERGY, (285.0, 285.0))
    counts = 800 * lines[:1] + 20.0
    found, terms = solve_heights(counts, ENERGY, lines[None], "constant", ALL)
    np.testing.assert_allclose(found[0], [400.0, 400.0], rtol=1e-3)
    assert terms[0, 0] == pytest.approx(20.0, rel=1e-6)


def test_line_outside_of_the_used_points_gets_no_height() -> None:
    lines = np.stack([_lines(ENERGY)[0], np.zeros(ENERGY.size)])
    found, _ = solve_heights(700 * lines[:1], ENERGY, lines[None], "none", ALL)
    np.testing.assert_allclose(found, [[700.0, 0.0]], atol=1e-3)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_without_lines_the_background_is_left(background: str) -> None:
    counts = np.full((2, ENERGY.size), 30.0)
    found, terms = solve_heights(counts, ENERGY, np.zeros((2, 0, ENERGY.size)), background, ALL)
    assert found.shape == (2, 0)
    assert terms.shape == (2, len(BACKGROUNDS[background]))
    if terms.size:
        np.testing.assert_allclose(terms[:, 0], 30.0, rtol=1e-6)
        np.testing.assert_allclose(terms[:, 1:], 0.0, atol=1e-6)


def test_spectra_do_not_see_each_other_and_units_scale() -> None:
    rng = np.random.default_rng(1)
    true = rng.uniform(100, 3000, (5, 2))
    counts = _counts(ENERGY, true, "shirley+linear") + rng.normal(size=(5, ENERGY.size)) * 20
    lines = np.broadcast_to(_lines(ENERGY), (5, 2, ENERGY.size))
    together, terms = solve_heights(counts, ENERGY, lines, "shirley+linear", ALL)
    for row in range(5):
        part = slice(row, row + 1)
        alone, _ = solve_heights(counts[part], ENERGY, lines[part], "shirley+linear", ALL)
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-9)
    thousand, other = solve_heights(1000 * counts, ENERGY, lines, "shirley+linear", ALL)
    np.testing.assert_allclose(thousand, 1000 * together, rtol=1e-4)
    np.testing.assert_allclose(other[:, 2], terms[:, 2], rtol=1e-3)  # 1/eV, whatever the counts


def test_twin_of_scipy_nnls() -> None:
    rng = np.random.default_rng(2)
    columns = rng.uniform(0, 1, (40, 30, 4))
    counts = np.einsum("npc,nc->np", columns, rng.uniform(-0.5, 1, (40, 4)))
    axis, lines = np.arange(30.0), np.swapaxes(columns, 1, 2)
    found, _ = solve_heights(counts, axis, lines, "none", slice(0, 30))
    assert found.min() >= 0
    for row in range(40):
        exact, distance = nnls(columns[row], counts[row])
        if (exact > 0).sum() == (found[row] > 0).sum():
            np.testing.assert_allclose(found[row], exact, atol=1e-6)
        # Not always the exact optimum, but never much worse.
        assert np.linalg.norm(columns[row] @ found[row] - counts[row]) < 1.1 * distance + 1e-6


def test_offsets_are_those_of_ordinary_least_squares() -> None:
    rng = np.random.default_rng(3)
    counts = rng.normal(size=(3, ENERGY.size)) + np.linspace(-3, 5, ENERGY.size)
    lines = np.zeros((3, 0, ENERGY.size))
    _, terms = solve_heights(counts, ENERGY, lines, "linear", ALL)
    columns = background_columns("linear", ENERGY, np.zeros(ENERGY.size))
    expected = np.linalg.lstsq(columns, counts.T, rcond=None)[0].T
    np.testing.assert_allclose(terms, expected, rtol=1e-6)


@pytest.mark.parametrize("pedestal", [1e3, 1e6, -1e6])
def test_heights_do_not_depend_on_the_pedestal(pedestal: float) -> None:
    counts = _counts(ENERGY, np.array([[10.0, 3.0]]), "linear")
    lines = _lines(ENERGY)[None]
    found, terms = solve_heights(counts + pedestal, ENERGY, lines, "linear", ALL)
    expected, below = solve_heights(counts, ENERGY, lines, "linear", ALL)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(terms[:, 0], below[:, 0] + pedestal, rtol=1e-9)
