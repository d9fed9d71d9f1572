"""Encoding and decoding of one known peak: network units, eV and counts."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import curve_fit

from xpsnet.models import architecture, encoding
from xpsnet.models.architecture import CONFIGS
from xpsnet.models.encoding import LAPLACE_STD
from xpsnet.numerics.heights import solve_heights
from xpsnet.numerics.lineshapes import LINE_SHAPES, PARK2020_FWHM_PER_WIDTH
from xpsnet.simulation.paper import paper_line

Floats = npt.NDArray[np.float64]

PAPER, DEFAULT = CONFIGS["park2020"], CONFIGS["default"]
CENTER, FWHM, HEIGHT, FRACTION, OFFSET = 531.37, 1.5, 8000.0, 0.3, 1200.0
START, STOP = 522.0, 542.0
_shares = np.sort(np.random.default_rng(1).uniform(0, 1, 398))
AXES = {
    "uniform": np.linspace(START, STOP, 401),
    "reversed": np.linspace(STOP, START, 401),
    "uneven": START + 20 * np.concatenate([[0], (np.linspace(0, 1, 400)[1:-1] + _shares) / 2, [1]]),
    "coarse": np.arange(START, STOP + 0.1, FWHM / 5),
    "fine": np.linspace(START, STOP, 4000),
}
# Linear interpolation between five points per line cuts the maximum and widens the line.
TOLERANCE = {"coarse": 0.08}


def _outputs(center: float, fwhm: float, fraction: float) -> dict[str, Any]:
    """Outputs of a `default` network with a given peak for the count 1."""
    peaks = np.full((1, 21, 4), 7.0, np.float32)
    peaks[0, 0] = [center, np.log(fwhm), np.log(0.5), fraction]
    return {"count_logits": np.zeros((1, 7)), "peaks": peaks, "log_spread": np.zeros_like(peaks)}


def _paper_outputs(center: float, width: float) -> dict[str, Any]:
    """Outputs of a `park2020` network with the peak in its second slot."""
    slots = {"center": [[0.0, center, 0.0]], "width": [[0.0, width, 0.0]]}
    known = {name: np.array(values, np.float32) for name, values in slots.items()}
    return {**known, "height": np.array([[0.0, 0.9, 0.1]]), "n_peaks": np.array([[1.0]])}


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_peak_comes_back_in_ev_and_counts(name: str, scale: str) -> None:
    # Kinetic energies reach the numerics with their sign turned.
    shift = 1486.6 if scale == "kinetic" else 0.0
    energy, center = AXES[name] - shift, CENTER - shift
    line = LINE_SHAPES["pseudo_voigt"]
    counts = OFFSET + line.value(energy, center, FWHM, HEIGHT, FRACTION)
    seen = encoding.encode(counts[None], energy, DEFAULT)[0, :384]
    assert (seen.min(), seen.max()) == (0.0, 1.0)
    # In place of a network: least squares on what the network sees, in its own units.
    grid = np.linspace(0, 1, 384)

    def model(x: Floats, at: float, fwhm: float, height: float, low: float) -> Any:
        return low + line.value(x, at, fwhm, height, FRACTION)

    (at, fwhm, *_), _ = curve_fit(model, grid, seen, p0=[0.5, 0.1, 1.0, 0.0])
    guess = encoding.decode(_outputs(at, fwhm, FRACTION), 1, energy, DEFAULT)
    step = 20 / 383
    assert guess.center.shape == (1, 1)
    assert guess.center[0, 0] == pytest.approx(center, abs=0.05 * step)
    assert guess.fwhm[0, 0] == pytest.approx(FWHM, rel=TOLERANCE.get(name, 0.01))
    assert guess.fraction is not None
    unit = line.value(energy, guess.center, guess.fwhm, 1.0, guess.fraction)
    height, terms = solve_heights(counts[None], energy, unit, "constant", slice(0, energy.size))
    assert height[0, 0] == pytest.approx(HEIGHT, rel=TOLERANCE.get(name, 0.01))
    assert terms[0, 0] == pytest.approx(OFFSET, rel=0.05)
    exact = line.area
    assert exact is not None
    area = exact(guess.center, guess.fwhm, height, guess.fraction)[0, 0]
    assert area == pytest.approx(
        exact(center, FWHM, HEIGHT, FRACTION), rel=TOLERANCE.get(name, 0.01)
    )


@pytest.mark.parametrize("name", AXES)
def test_paper_units_of_15_come_back_as_20_ev(name: str) -> None:
    energy, width = AXES[name], 1.1  # the paper's w [eV], which is not the FWHM
    fwhm = PARK2020_FWHM_PER_WIDTH * width
    counts = LINE_SHAPES["park2020"].value(energy, CENTER, fwhm, HEIGHT)
    seen = encoding.encode(counts[None], energy, PAPER)[0]
    assert seen.max() == 1.0
    grid = np.linspace(0, 15, 401)

    def model(x: Floats, at: float, w: float, height: float) -> Any:
        return height * paper_line(np, x, at, w)

    (at, raw_width, _), _ = curve_fit(model, grid, seen, p0=[7.5, 1.0, 1.0])
    window = np.ptp(energy)
    assert raw_width == pytest.approx(width * 15 / window, rel=TOLERANCE.get(name, 0.01))
    guess = encoding.decode(_paper_outputs(at, raw_width), 1, energy, PAPER)
    assert guess.center[0, 0] == pytest.approx(CENTER, abs=0.05 * 20 / 400)
    assert guess.fwhm[0, 0] == pytest.approx(fwhm, rel=TOLERANCE.get(name, 0.01))
    assert abs(guess.fwhm[0, 0] / width - 1) > 0.005
    assert guess.fraction is None


def test_the_trap_of_the_papers_table() -> None:
    energy = np.linspace(155.0, 175.0, 401)
    raw = _paper_outputs((163.97 - 155) * 15 / 20, 0.683)
    guess = encoding.decode(raw, 1, energy, PAPER)
    assert guess.center[0, 0] == pytest.approx(163.97, abs=1e-4)
    # The table prints 0.683 and 0.609; in eV they are 0.910 and 0.812.
    assert guess.fwhm[0, 0] / PARK2020_FWHM_PER_WIDTH == pytest.approx(0.910, abs=0.001)
    guess = encoding.decode(_paper_outputs(7.0, 0.609), 1, energy, PAPER)
    assert guess.fwhm[0, 0] / PARK2020_FWHM_PER_WIDTH == pytest.approx(0.812, abs=0.001)


def test_direction_gain_and_offset_do_not_reach_the_default_network() -> None:
    energy = AXES["uneven"]
    counts = np.random.default_rng(2).uniform(0, 10, (3, energy.size))
    seen = encoding.encode(counts, energy, DEFAULT)
    assert seen.dtype == np.float32
    assert seen.shape == (3, 392)
    turned = encoding.encode(counts[:, ::-1], energy[::-1], DEFAULT)
    np.testing.assert_allclose(turned, seen, atol=1e-6)
    np.testing.assert_allclose(encoding.encode(5e4 * counts - 99, energy, DEFAULT), seen, atol=1e-6)


@pytest.mark.parametrize("counts", [0.0, -3.0], ids=["zero", "negative"])
@pytest.mark.parametrize("config", [PAPER, DEFAULT], ids=["park2020", "default"])
def test_spectrum_without_positive_counts_is_finite(counts: float, config: Any) -> None:
    seen = encoding.encode(np.full((1, 401), counts), AXES["uniform"], config)
    assert np.abs(seen).max() <= 1


def test_sets_are_read_by_their_count() -> None:
    peaks = np.zeros((2, 21, 4), np.float32)
    for k, part in enumerate(architecture.set_slices(6)):
        peaks[:, part, 0] = k / 10
        peaks[:, part, 1] = -k
    log_spread = np.full_like(peaks, np.log(0.1))
    outputs = {"peaks": peaks, "log_spread": log_spread}
    for k in range(1, 7):
        guess = encoding.decode(outputs, k, np.array([10.0, 0.0]), DEFAULT)
        np.testing.assert_allclose(guess.center, np.full((2, k), k), rtol=1e-6)
        fwhm = 10 * max(np.exp(-k), 0.5 / 383)
        np.testing.assert_allclose(guess.fwhm, fwhm, rtol=1e-6)
        # Spreads of center and width are told in widths, as Laplace scales.
        np.testing.assert_allclose(guess.spread["center"], LAPLACE_STD * 0.1 * fwhm, rtol=1e-6)
        np.testing.assert_allclose(guess.spread["height"], LAPLACE_STD * 0.1, rtol=1e-6)


def test_wild_answers_stay_finite_lines() -> None:
    for value in (-1e6, 1e6):
        outputs = {name: np.full((1, 21, 4), value, np.float32) for name in ("peaks", "log_spread")}
        guess = encoding.decode(outputs, 3, np.array([0.0, 20.0]), DEFAULT)
        for values in (guess.center, guess.fwhm, guess.fraction, *guess.spread.values()):
            assert values is not None
            assert np.isfinite(values).all()
        assert 0 < guess.fwhm.min() <= guess.fwhm.max() <= 20


def test_probabilities_of_the_counts() -> None:
    logits = np.log([[0.1, 0.2, 0.4, 0.1, 0.1, 0.05, 0.05]]) + 1000
    found = encoding.probabilities({"count_logits": logits}, DEFAULT)
    np.testing.assert_allclose(found, [[0.1, 0.2, 0.4, 0.1, 0.1, 0.05, 0.05]], rtol=1e-6)
    numbers = np.array([[2.0], [2.3], [-5.0], [9.0]], np.float32)
    found = encoding.probabilities({"n_peaks": numbers}, PAPER)
    np.testing.assert_allclose(found, [[0, 1, 0], [0, 0.7, 0.3], [1, 0, 0], [0, 0, 1]], atol=1e-6)
    assert list(encoding.counts_known(PAPER)) == [1, 2, 3]
    assert list(encoding.counts_known(DEFAULT)) == [0, 1, 2, 3, 4, 5, 6]


def test_the_highest_slots_of_the_paper_network_are_taken() -> None:
    outputs = {
        "center": np.array([[1.0, 2.0, 3.0]]),
        "width": np.array([[0.5, -4.0, 99.0]]),
        "height": np.array([[0.2, 0.9, 0.5]]),
    }
    guess = encoding.decode(outputs, 2, np.array([0.0, 15.0]), PAPER)
    np.testing.assert_allclose(guess.center, [[2.0, 3.0]])
    np.testing.assert_allclose(guess.fwhm, PARK2020_FWHM_PER_WIDTH * np.array([[0.05, 15.0]]))
    assert guess.spread == {}
