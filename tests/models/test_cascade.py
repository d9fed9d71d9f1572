"""The corrections of the peaks: residuals around each line, against sums done by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.models import architecture, runtimes
from xpsnet.models.onnx_graph import write_onnx
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float32]
SETS = architecture.set_slices(2)  # slots: 0 alone, 1 and 2 together


def _residual(spectrum: Any, peaks: Any) -> tuple[Floats, Floats]:
    """Residual and sum of the other lines from the layer, (slots, bins) each."""
    from xpsnet.models.cascade import BINS, Residual, RunningIntegral

    spectrum, peaks = (np.asarray(x, np.float32)[None] for x in (spectrum, peaks))
    seen = np.asarray(Residual(SETS)([*RunningIntegral()(spectrum), peaks]))[0]
    return seen[:, :BINS], seen[:, BINS:]


def _peaks(*rows: tuple[float, float, float, float]) -> Floats:
    """Center, FWHM, height and fraction as in the outputs of the network."""
    values = np.array(rows, np.float32)
    values[:, 1:3] = np.log(values[:, 1:3])
    return values


def _curve(axis: Any, *rows: tuple[float, float, float, float]) -> Any:
    """Sum of pseudo-Voigt lines."""
    line = LINE_SHAPES["pseudo_voigt"].value
    return sum(line(axis, *(np.array([v]) for v in row))[0] for row in rows)


def test_exact_lines_leave_nothing_but_the_background() -> None:
    one, two = (0.4, 0.1, 0.5, 0.3), (0.52, 0.08, 0.2, 0.3)
    spectrum = _curve(np.linspace(0, 1, 384), one, two) + 0.2
    rest, others = _residual(spectrum, _peaks(one, one, two))
    # Bins average and lines are taken at their middles: 0.4 % of a height at a maximum.
    np.testing.assert_allclose(rest[1], 0, atol=0.008)
    np.testing.assert_allclose(rest[2], 0, atol=0.008 * 0.5 / 0.2)
    assert np.abs(rest[0]).max() > 0.2  # alone in its set, the first does not explain the second
    assert not others[0].any()
    assert others[1].max() == pytest.approx(0.2 / 0.5, abs=0.02)
    assert others[2].max() == pytest.approx(0.5 / 0.2, abs=0.02)


@pytest.mark.parametrize(("parameter", "step"), [(0, 0.01), (1, 0.01), (2, 0.05)])
def test_errors_of_parameters_show_as_their_derivative(parameter: int, step: float) -> None:
    from xpsnet.models.cascade import MIDDLES

    true = np.array([0.5, 0.2, 0.8, 0.4])
    guess = true.copy()
    guess[parameter] += step * {0: 0.2, 1: 0.2, 2: 0.8}[parameter]
    spectrum = _curve(np.linspace(0, 1, 384), true)
    rest, _ = _residual(spectrum, _peaks(guess, guess, guess))
    least, _ = _residual(spectrum, _peaks(true, true, true))
    middles = guess[0] + guess[1] * MIDDLES
    expected = (_curve(middles, true) - _curve(middles, guess)) / guess[2]
    np.testing.assert_allclose((rest - least)[0], expected - expected.mean(), atol=5e-4)
    assert np.abs(expected).max() > 0.005


@pytest.mark.parametrize("fwhm", [0.012, 0.1, 0.3], ids=["few points", "ordinary", "wide"])
def test_means_of_a_straight_line_are_exact(fwhm: float) -> None:
    from xpsnet.models.cascade import MIDDLES

    tiny = (0.5, fwhm, 0.05, 0.5)
    spectrum = np.linspace(0, 1, 384)
    peaks = _peaks(tiny, tiny, tiny)
    flat, _ = _residual(0 * spectrum, peaks)
    sloped, _ = _residual(0.2 * spectrum, peaks)
    inside = np.abs(fwhm * MIDDLES) < 0.5 - fwhm / 8
    expected = 0.2 * fwhm * MIDDLES / 0.05
    change = (sloped - flat)[0]
    shift = (change - expected)[inside].mean()
    np.testing.assert_allclose((change - expected - shift)[inside], 0, atol=2e-3)


def test_outside_of_the_window_nothing_is_seen() -> None:
    edge = (0.0, 0.1, 1.0, 0.0)
    spectrum = _curve(np.linspace(0, 1, 384), edge) + np.linspace(0, 0.3, 384)
    rest, _ = _residual(spectrum, _peaks(edge, edge, edge))
    assert not rest[0, :15].any()
    assert rest[0, 16:].any()
    far = (1.6, 0.1, 1.0, 0.0)
    rest, _ = _residual(spectrum, _peaks(far, far, far))
    assert not rest[0].any()


def test_absurd_lines_are_bounded() -> None:
    absurd = np.array([[1e9, -40.0, -40.0, 7.0], [-9.0, 40.0, 40.0, -7.0], [0.5, 0.0, -40.0, 0.5]])
    for part in _residual(np.random.default_rng(0).random(384), absurd):
        assert np.isfinite(part).all()
        assert np.abs(part).max() <= 4


def test_no_number_stays_in_its_spectrum(tmp_path: Path) -> None:
    net = architecture.build(architecture.CONFIGS["default"])
    write_onnx(net, tmp_path / "net.onnx")
    spectra = np.random.default_rng(0).random((3, 392), np.float32)
    spectra[1, 7], spectra[2, 9] = np.nan, np.inf
    for run in (net.predict_on_batch, runtimes.OnnxEngine(tmp_path / "net.onnx")):
        finite = np.isfinite(run(spectra)["peaks"]).all(axis=(1, 2))
        assert finite[0]
        assert not finite[1]


def test_pairs_stay_in_their_set() -> None:
    from xpsnet.models.cascade import neighbors

    first, second, member = neighbors(architecture.set_slices(3))
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    assert pairs == [(1, 2), (2, 1), (3, 4), (3, 5), (4, 3), (4, 5), (5, 3), (5, 4)]
    np.testing.assert_array_equal(member.argmax(axis=0), first)
    np.testing.assert_array_equal(member.sum(axis=0), 1)


def test_it_starts_as_the_first_pass() -> None:
    config = replace(architecture.CONFIGS["default"], known=0)
    both = architecture.build(config)
    first = architecture.build(replace(config, passes=1))
    for mine, other in zip(both.variables, first.variables, strict=False):
        mine.assign(other)
    spectra = np.random.default_rng(0).random((3, 384), np.float32)
    expected = first.predict_on_batch(spectra)
    for name, values in both.predict_on_batch(spectra).items():
        np.testing.assert_allclose(values, expected[name], atol=1e-6)


def test_one_peak_at_most_has_no_neighbors(tmp_path: Path) -> None:
    net = architecture.build(replace(architecture.CONFIGS["default"], max_peaks=1))
    spectra = np.random.default_rng(0).random((2, 392), np.float32)
    expected = net.predict_on_batch(spectra)
    write_onnx(net, tmp_path / "net.onnx")
    for name, values in runtimes.OnnxEngine(tmp_path / "net.onnx")(spectra).items():
        np.testing.assert_allclose(values, expected[name], atol=1e-4)


def test_residuals_count_in_units_of_their_noise() -> None:
    from xpsnet.models.cascade import (
        BINS,
        LOG_SIGMA_UNIT,
        MIN_NOISE,
        ROUNDING,
        SIGMA_UNIT,
        NoiseUnits,
    )

    rng = np.random.default_rng(0)
    sigmas = np.array([0.3, 0.02], np.float32)[None, :, None]
    rest = sigmas * rng.standard_normal((4000, 2, BINS), np.float32)
    # What fits badly is smooth, and does not pass for noise.
    middles = np.linspace(-1, 1, BINS, dtype=np.float32)
    smooth = 0.05 * (middles**2 - np.mean(middles**2))
    residual = np.concatenate([rest + smooth, np.full_like(rest, 7.0)], axis=-1)
    peaks = np.broadcast_to(_peaks((0.5, 0.1, 1.0, 0.3)), (4000, 2, 4))
    seen = np.asarray(NoiseUnits()([residual, peaks]))
    assert seen.shape == (4000, 2, BINS + 1)
    found = np.exp(LOG_SIGMA_UNIT * seen[:, :, BINS]).mean(axis=0) - MIN_NOISE - ROUNDING
    np.testing.assert_allclose(found, sigmas[0, :, 0], rtol=0.05)
    mean = SIGMA_UNIT * seen[:, :, :BINS].mean(axis=0)
    np.testing.assert_allclose(mean[0], smooth / 0.3, atol=0.1)
    np.testing.assert_allclose(mean[1], smooth / 0.02, rtol=0.1, atol=0.1)


def test_rounding_is_no_evidence() -> None:
    from xpsnet.models.cascade import BINS, NoiseUnits

    small = _peaks((0.5, 0.1, 0.003, 0.3))[None]
    rounding = np.zeros((1, 1, 2 * BINS), np.float32)
    rounding[..., : BINS // 2] = 1e-6 / 0.003
    seen = np.asarray(NoiseUnits()([rounding, small]))
    assert np.abs(seen[..., :BINS]).max() < 0.01


def test_evidence_is_gathered_by_set() -> None:
    from xpsnet.models.cascade import PoolSets

    evidence = np.arange(1, 13, dtype=np.float32).reshape(1, 6, 2)
    found = np.asarray(PoolSets(architecture.set_slices(3))(evidence))[0]
    np.testing.assert_array_equal(found, [[1, 2, 1, 2], [8, 10, 5, 6], [27, 30, 11, 12]])


def test_evidence_reaches_the_count_alone() -> None:
    net = architecture.build(replace(architecture.CONFIGS["default"], max_peaks=2))
    spectra = np.random.default_rng(0).random((2, 392), np.float32)
    before = net.predict_on_batch(spectra)
    shift = [layer for layer in net.layers if layer.weights and layer.output.shape == (None, 3)][-1]
    shift.kernel.assign(np.ones(shift.kernel.shape, np.float32) * [[0.0, 1.0, 0.0]])
    after = net.predict_on_batch(spectra)
    change = after["count_logits"] - before["count_logits"]
    assert (change[:, 1] > 0).all()
    assert not change[:, [0, 2]].any()
    for name in ("peaks", "log_spread"):
        np.testing.assert_array_equal(after[name], before[name])


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_third_pass_goes_to_the_most_probable_count_alone(count: int) -> None:
    from xpsnet.models.cascade import ABSENT_CENTER, GatherSlots, ScatterSlots, SelectSlots

    rng = np.random.default_rng(1)
    known = rng.random((2, 6, 7), np.float32)
    logits = np.zeros((2, 4), np.float32)
    logits[0, count], logits[1, 2] = 1.0, 1.0
    slots, away = SelectSlots(architecture.set_slices(3))(logits)
    peaks, rest = (np.asarray(x) for x in GatherSlots()([slots, away, known]))
    mine = architecture.set_slices(3)[count]
    np.testing.assert_allclose(rest[0, :count], known[0, mine], rtol=1e-6)
    np.testing.assert_allclose(rest[1, :2], known[1, 1:3], rtol=1e-6)
    np.testing.assert_allclose(peaks[0, :count], known[0, mine, :4], rtol=1e-6)
    np.testing.assert_array_equal(peaks[0, count:, 0], ABSENT_CENTER)
    change = rng.random((2, 3, 8), np.float32)
    back = np.asarray(ScatterSlots()([slots, change]))[0]
    np.testing.assert_allclose(back[mine], change[0, :count], rtol=1e-6)
    assert not np.delete(back, np.arange(6)[mine], axis=0).any()


def test_lines_that_are_not_there_are_not_seen() -> None:
    one, two = (0.4, 0.1, 0.5, 0.3), (0.52, 0.08, 0.2, 0.3)
    spectrum = _curve(np.linspace(0, 1, 384), one, two)
    from xpsnet.models.cascade import ABSENT_CENTER

    there, _ = _residual(spectrum, _peaks(one, one, two))
    gone = (ABSENT_CENTER, 0.08, 0.2, 0.3)
    rest, others = _residual(spectrum, _peaks(one, one, gone))
    np.testing.assert_allclose(rest[1], rest[0], atol=1e-6)  # as if it were alone
    np.testing.assert_allclose(others[1], 0, atol=1e-6)
    np.testing.assert_array_equal(rest[0], there[0])
    assert not rest[2].any()
