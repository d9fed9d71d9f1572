"""Models of the noise: counting detectors and others, many spectra and one, correlated noise."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from scipy.ndimage import convolve1d

from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import (
    NoiseModel,
    counting_quantum,
    noise_of_counts,
    noise_of_residuals,
    smooth_level,
    spectra_differ,
)

Floats = npt.NDArray[np.float64]


def curve(
    n: int = 160, width: float = 11.0, height: float = 3000.0, floor: float = 300.0
) -> Floats:
    """One line on a constant, shape (n,)."""
    line = LINE_SHAPES["pseudo_voigt"].value(np.arange(n, dtype=float), n / 2, width, height, 0.4)
    return np.asarray(floor + line)


def drawn(kind: str, level: Floats, n: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Spectra (n, points) of a kind of noise, and the variance of their points."""
    rng = np.random.default_rng(seed)
    signal = np.broadcast_to(level, (n, level.size))
    if kind == "poisson":
        return rng.poisson(signal).astype(float), level
    if kind == "gain":
        return rng.gamma(signal / 6, 6.0), 6 * level
    if kind == "overdispersed":
        return rng.poisson(rng.gamma(signal / 2, 2.0)).astype(float), 3 * level
    if kind == "floor":
        return signal - 300 + np.sqrt(signal) * rng.normal(size=signal.shape), level
    return signal + 40 * rng.normal(size=signal.shape), np.full_like(level, 1600.0)


@pytest.mark.parametrize(
    ("counts", "quantum"),
    [
        pytest.param([0, 3, 7], 1.0, id="whole numbers"),
        pytest.param([0.0, 12.0, 8.0], 4.0, id="multiples of four"),
        pytest.param(np.array([3, 7, 11, 250]) / 1.5, 1 / 1.5, id="rates"),
        pytest.param(np.array([30, 70, 41, 25]) * 0.073, 0.073, id="neighbors further apart"),
        pytest.param(
            (np.arange(900) / 13.7).astype(np.float32), 1 / 13.7, id="rates in single precision"
        ),
        pytest.param([1.0, 2.0, np.nan], 1.0, id="missing points"),
        pytest.param(np.random.default_rng(0).normal(500, 20, 99), np.nan, id="no step"),
        pytest.param([-1.0, 2.0], np.nan, id="negative"),
        pytest.param([5.0, 5.0], np.nan, id="all the same"),
        pytest.param([], np.nan, id="nothing"),
        pytest.param(np.array([1e6, 1e6 + 0.07, 1e6 + 0.21], np.float32), np.nan, id="rounded"),
    ],
)
def test_step_of_the_counts(counts: npt.ArrayLike, quantum: float) -> None:
    assert counting_quantum(counts) == pytest.approx(quantum, rel=1e-5, nan_ok=True)


@pytest.mark.parametrize("kind", ["poisson", "gain", "overdispersed", "floor", "uniform"])
@pytest.mark.parametrize("fitted", [True, False])
def test_common_noise_of_many_spectra(kind: str, fitted: bool) -> None:
    level = curve()
    counts, variance = drawn(kind, level, 400)
    shown = level - 300 if kind == "floor" else level
    if fitted:
        model = noise_of_residuals(counts, np.broadcast_to(shown, counts.shape))
    else:
        model = noise_of_counts(counts)
    assert model.is_shared
    found = model.deviation(shown[None])[0] ** 2
    np.testing.assert_allclose(found, variance, rtol=0.15 if fitted else 0.2)
    assert model.dof[0] > 500


def test_whole_numbers_are_counts_until_they_say_otherwise() -> None:
    level = curve()
    counts, _ = drawn("poisson", level, 400)
    fitted = np.broadcast_to(level, counts.shape)
    known = noise_of_residuals(counts, fitted, 1.0, shared=False)
    free = noise_of_residuals(counts, fitted, shared=False)
    place = level.argmax()
    spread = [np.std(np.log(m.deviation(fitted)[:, place])) for m in (known, free)]
    assert spread[0] < 0.6 * spread[1]
    assert np.median(known.dof) > 1.5 * np.median(free.dof)
    counts, variance = drawn("overdispersed", level, 400)
    model = noise_of_residuals(counts, fitted, 1.0, shared=False)
    ratio = model.deviation(fitted)[:, place] ** 2 / variance[place]
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("kind", ["poisson", "gain", "overdispersed"])
@pytest.mark.parametrize("n", [60, 160])
def test_intervals_of_student_hold_for_one_spectrum(kind: str, n: int) -> None:
    """A normal error of the true variance, judged with the estimated one."""
    level = curve(n)
    counts, variance = drawn(kind, level, 3000, n)
    fitted = np.broadcast_to(level, counts.shape)
    quantum = np.nan if kind == "gain" else 1.0
    model = noise_of_residuals(counts, fitted, quantum, shared=False)
    deviation = model.deviation(fitted)
    for place in (int(level.argmax()), 5):
        ratio = deviation[:, place] / np.sqrt(variance[place])
        for share, tolerance in ((0.6827, 0.025), (0.95, 0.012)):
            reach = ratio * stats.t.ppf((1 + share) / 2, model.dof)
            held = np.mean(2 * stats.norm.cdf(reach) - 1)
            assert held == pytest.approx(share, abs=tolerance)


def test_residuals_do_not_show_the_lines() -> None:
    """A million counts at five points per width: the noise is a tenth of what differences leave."""
    level = curve(80, 5.5, 1e6, 1e5)
    counts, _ = drawn("poisson", level, 200)
    fitted = np.broadcast_to(level, counts.shape)
    before, after = noise_of_counts(counts), noise_of_residuals(counts, fitted)
    assert before.deviation(level[None]).max() > 1.4 * np.sqrt(level.max())
    np.testing.assert_allclose(after.deviation(level[None])[0], np.sqrt(level), rtol=0.05)


KERNELS = {
    "1-2-1": [0.25, 0.5, 0.25],
    "moving mean": [1 / 3] * 3,
    "Savitzky-Golay": np.array([-2, 3, 6, 7, 6, 3, -2]) / 21,
    "shared with neighbors": [0.1, 0.8, 0.1],
    "white": [1.0],
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_correlated_noise_counts_as_its_density_at_frequency_0(kernel: str) -> None:
    errors = 30 * np.random.default_rng(1).normal(size=(1000, 200))
    counts = 1000 + convolve1d(errors, np.array(KERNELS[kernel]), axis=1)
    fitted = np.full_like(counts, 1000.0)
    model = noise_of_residuals(counts, fitted)
    # Smoothing leaves the noise of low frequencies, which is that of broad lines, as it was.
    found = model.deviation(fitted)[0, 0] * np.sqrt(model.density[0])
    assert found == pytest.approx(30.0, rel=0.07)


@pytest.mark.parametrize("between", [2, 5])
def test_points_between_points_say_nothing_new(between: int) -> None:
    """Straight lines between the measured points: as many independent points as before."""
    errors = 30 * np.random.default_rng(7).normal(size=(500, 120))
    place = np.arange(119 * between + 1) / between
    counts = 1000 + np.stack([np.interp(place, np.arange(120), row) for row in errors])
    model = noise_of_residuals(counts, np.full_like(counts, 1000.0))
    found = np.sqrt(model.density[0]) * model.deviation(counts[:1] * 0 + 1000)[0, 0]
    assert found == pytest.approx(30 * np.sqrt(between), rel=0.1)


def test_fitted_parameters_are_given_back_to_correlated_noise() -> None:
    errors = np.random.default_rng(2).normal(size=(500, 100))
    counts = convolve1d(errors, np.array(KERNELS["1-2-1"]), axis=1)
    place = np.linspace(-1, 1, 100)
    curves = np.polynomial.polynomial.polyfit(place, counts.T, 7)
    fitted = np.polynomial.polynomial.polyval(place, curves)
    taken = noise_of_residuals(counts, fitted, n_fitted=np.full(500, 8.0))
    ignored = noise_of_residuals(counts, fitted)
    found = [m.deviation(fitted)[0, 0] * np.sqrt(m.density[0]) for m in (taken, ignored)]
    assert found[0] == pytest.approx(1.0, rel=0.1)
    assert found[1] < 0.85


@pytest.mark.parametrize("size", [3, 30, 100])
def test_a_smooth_misfit_is_no_noise(size: float) -> None:
    misfit = size * 30 * LINE_SHAPES["gaussian"].value(np.arange(200.0), 100.0, 12.0, 1.0)
    counts = 1000 + misfit + 30 * np.random.default_rng(3).normal(size=(300, 200))
    fitted = np.full_like(counts, 1000.0)
    model = noise_of_residuals(counts, fitted)
    assert model.deviation(fitted)[0, 0] == pytest.approx(30, rel=0.03)
    assert model.density[0] == 1


def test_spectra_with_different_gains_are_told_apart() -> None:
    level = curve()
    counts, _ = drawn("poisson", level, 200)
    fitted = np.broadcast_to(level, counts.shape)
    assert not spectra_differ(counts, fitted, noise_of_residuals(counts, fitted))
    gains = np.linspace(0.5, 2.0, 200)[:, None]
    model = noise_of_residuals(gains * counts, gains * fitted)
    assert spectra_differ(gains * counts, gains * fitted, model)
    few = np.full_like(level, 0.7)  # whose squares scatter more than those of normal errors
    counts, _ = drawn("poisson", few, 400)
    fitted = np.broadcast_to(few, counts.shape)
    assert not spectra_differ(counts, fitted, noise_of_residuals(counts, fitted, 1.0))


def test_a_bad_spectrum_does_not_spoil_the_common_noise() -> None:
    level = curve()
    counts, _ = drawn("poisson", level, 50)
    expected = noise_of_counts(counts).deviation(level[None])
    counts[3] *= 1e9
    counts[7] = 0.0
    counts[9] = np.nan
    counts[11, 40] = 1e8
    found = noise_of_counts(counts).deviation(level[None])
    np.testing.assert_allclose(found, expected, rtol=0.05)


@pytest.mark.parametrize("shared", [True, False])
def test_direction_and_unit_change_nothing(shared: bool) -> None:
    """Whole numbers, with many equal levels."""
    counts = np.random.default_rng(4).poisson(curve(61, 6, 40, 8), (600, 61)).astype(float)
    fitted = np.broadcast_to(curve(61, 6, 40, 8), counts.shape)
    for quantum in (1.0, np.nan):
        model = noise_of_residuals(counts, fitted, quantum, shared=shared)
        turned = noise_of_residuals(counts[:, ::-1], fitted[:, ::-1], quantum, shared=shared)
        for name in ("floor", "gain", "dof"):
            found, expected = getattr(turned, name), getattr(model, name)
            np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)
        scaled = noise_of_residuals(7.3 * counts, 7.3 * fitted, 7.3 * quantum, shared=shared)
        np.testing.assert_allclose(scaled.gain, 7.3 * model.gain, rtol=1e-8)
        np.testing.assert_allclose(scaled.floor, 7.3**2 * model.floor, rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(scaled.dof, model.dof, rtol=1e-7)


def test_few_counts_follow_the_curve() -> None:
    model = NoiseModel.known(2.0, floor=8.0)
    level = np.array([[100.0, 400.0], [50.0, 400.0], [np.nan, np.nan]])
    # 30 quanta of 2 counts, of which the floor is worth 2.
    assert model.follows_curve(level).tolist() == [False, True, True]
    np.testing.assert_allclose(model.deviation(level)[0], np.sqrt([208.0, 808.0]))
    assert not NoiseModel.known(0.0, floor=1.0).follows_curve(level).any()


def test_smoothing_keeps_parabolas_and_missing_points() -> None:
    place = np.arange(30.0)
    parabola = 5 + (place - 12) ** 2
    level = smooth_level(parabola)
    np.testing.assert_allclose(level[3:-3], parabola[3:-3], rtol=1e-12)
    parabola[10] = np.nan
    assert np.isnan(smooth_level(parabola)).tolist() == np.isnan(parabola).tolist()
    assert smooth_level([3.0, 5.0]).tolist() == [4.0, 4.0]


@pytest.mark.parametrize("shape", [(0, 50), (3, 1), (2, 0), (3, 2)])
def test_too_little_to_estimate(shape: tuple[int, int]) -> None:
    counts = np.arange(float(np.prod(shape))).reshape(shape)
    for shared in (True, False):
        model = noise_of_counts(counts, shared=shared)
        assert model.gain.size == (1 if shared else shape[0])
        assert (model.deviation(smooth_level(counts)) > 0).all()
        assert (model.dof > 0).all()
