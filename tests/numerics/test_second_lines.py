"""Spectra of doublets as curves in which every state has one line, against closed forms."""

import numpy as np
import pytest

from xpsnet.numerics.second_lines import TERMS, overlaid, without_second_lines

GRID = np.linspace(0.0, 1.0, 401)
STEP = GRID[1]


def _lines(*centers: float) -> np.ndarray:
    return sum(np.exp(-(((GRID - center) / 0.02) ** 2)) for center in centers)


def _doublets(splitting: float, ratio: float, *centers: float) -> np.ndarray:
    second = [center + splitting for center in centers]
    return _lines(*centers) + ratio * _lines(*second)


@pytest.mark.parametrize("ratio", [1 / 2, 2 / 3, 3 / 4])
@pytest.mark.parametrize("points", [20, 50, 130])
def test_second_lines_vanish(ratio: float, points: int) -> None:
    splitting = points * STEP
    measured = _doublets(splitting, ratio, 0.2, 0.26, 0.45)[None]
    asked = measured, np.full((1, 1), splitting), np.full((1, 1), ratio)
    main = without_second_lines(np, *asked)[0]
    left = ratio ** (TERMS + 1) if (TERMS + 1) * splitting < 1 else 0.0
    np.testing.assert_allclose(main, _lines(0.2, 0.26, 0.45), atol=2 * left + 1e-9)


def test_a_background_stays_one() -> None:
    level = without_second_lines(
        np, np.full((1, 401), 3.0), np.full((1, 1), 0.1), np.full((1, 1), 0.5)
    )
    assert np.ptp(level) < 1e-12
    assert level[0, 0] == pytest.approx(3.0 / 1.5, rel=1e-4)


def test_noise_of_both_curves_is_as_stated() -> None:
    noise = np.random.default_rng(0).normal(size=(400, 401))
    splitting, ratio = np.full((400, 1), 40 * STEP), np.full((400, 1), 0.75)
    inside = slice(330, 360)  # far from the low end, and from the end to which it is moved
    main = without_second_lines(np, noise, splitting, ratio)[:, inside].var()
    both = overlaid(np, noise, splitting, ratio)[:, inside].var()
    assert main == pytest.approx((1 - 0.75**18) / (1 - 0.75**2), rel=0.05)
    assert both == pytest.approx(1 / (1 + 0.75**2), rel=0.05)


def test_overlaid_holds_the_main_line_once() -> None:
    measured = _doublets(0.3, 0.5, 0.25)[None]
    both = overlaid(np, measured, np.full((1, 1), 0.3), np.full((1, 1), 0.5))[0]
    assert both[100] == pytest.approx(1.0, abs=1e-9)
