"""Steps and surveys, told from core levels."""

import numpy as np
import pytest
from scipy.special import erfc, expit

from xpsnet.fitting.select.steps import is_step, is_survey
from xpsnet.numerics.lineshapes import LINE_SHAPES

ENERGY = np.arange(-1.5, 1.5, 0.02)
LINE = LINE_SHAPES["pseudo_voigt"].value
RNG = np.random.default_rng(11)


def counted(curve):
    counts = RNG.poisson(curve).astype(float)
    return counts, np.sqrt(np.maximum(curve, 1.0))


@pytest.mark.parametrize("height", [50, 500, 5000])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_fermi_edge_is_a_step(height, sign):
    counts, noise = counted(height * expit(sign * ENERGY / 0.06) * (1 + 0.1 * ENERGY) + height / 10)
    assert is_step(ENERGY, counts, noise, 3.0, 7)
    assert is_step(ENERGY, counts, noise, np.nan, 0)


def test_a_broad_edge_is_a_step():
    counts, noise = counted(1000 * erfc(-ENERGY / 0.3) / 2 + 200)
    assert is_step(ENERGY, counts, noise, 2.0, 7)


def test_a_line_that_the_window_cuts_is_no_step():
    for end in (-0.2, 0.0, 0.2):
        counts, noise = counted(100 + LINE(ENERGY, 1.5 - end, 1.0, 3000.0, 0.3))
        assert not is_step(ENERGY, counts, noise, 1.0, 5)


def test_a_line_that_is_described_is_no_step():
    counts, noise = counted(100 + LINE(ENERGY, 0.0, 0.8, 3000.0, 0.3))
    assert not is_step(ENERGY, counts, noise, 1.0, 5)


def survey(seed=0):
    energy = np.arange(0.0, 1200.0, 1.0)
    lines = [(100, 300), (285, 900), (400, 400), (531, 2000), (980, 700)]
    curve = 500 + sum(LINE(energy, c, 4.0, float(h), 0.3) for c, h in lines)
    return energy, np.random.default_rng(seed).poisson(curve, (3, energy.size)).astype(float)


def test_many_lines_over_a_wide_window_are_a_survey():
    energy, counts = survey()
    assert is_survey(energy, counts).all()


def test_one_level_is_no_survey():
    energy, counts = survey()
    few = (energy > 480) & (energy < 640)  # wide, with one line
    assert not is_survey(energy[few], counts[:, few]).any()
    assert not is_survey(energy, np.full_like(counts, 500.0)).any()


@pytest.mark.parametrize("name", ["Survey", "wide scan", "XPS survey 1"])
def test_a_name_says_so(name):
    energy = np.arange(0.0, 120.0, 0.5)
    counts = np.ones((2, energy.size))
    assert is_survey(energy, counts, name).all()
    assert not is_survey(energy, counts, "C 1s").any()
    assert not is_survey(energy[:100], counts[:, :100], name).any()
