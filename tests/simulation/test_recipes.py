"""Simulated spectra agree with their truth, and numpy and Keras give the same numbers."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import least_squares

from xpsnet.data.spectrum import check_spectra
from xpsnet.models.encoding import encode
from xpsnet.numerics.known_lines import NOTHING_KNOWN, Known
from xpsnet.numerics.lineshapes import LINE_SHAPES, PARK2020_FWHM_PER_WIDTH
from xpsnet.simulation import core_levels, lines, recipes
from xpsnet.simulation.instrument import NumpyDraw
from xpsnet.simulation.paper import paper_line
from xpsnet.simulation.recipes import RawRecipe
from xpsnet.training.config import CONFIGS

Floats = npt.NDArray[np.float64]

every_recipe = pytest.mark.parametrize("name", recipes.RECIPES)


class RecordingDraw(NumpyDraw):
    """Random numbers from numpy, recorded in the order of their use."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seen: list[Any] = []

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
        self.seen.append(super().uniform(shape, low, high))
        return self.seen[-1]

    def normal(self, shape: tuple[int, ...]) -> Any:
        self.seen.append(super().normal(shape))
        return self.seen[-1]


class ReplayDraw:
    """The recorded numbers again, as tensors."""

    def __init__(self, seen: list[Any]) -> None:
        self._seen = iter(seen)

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
        return self.normal(shape)

    def normal(self, shape: tuple[int, ...]) -> Any:
        from keras import ops

        numbers = next(self._seen)
        assert numbers.shape == shape
        return ops.convert_to_tensor(numbers)


@every_recipe
def test_same_seed_same_spectra(name: str) -> None:
    first, again = recipes.simulate_batch(7, name, seed=5), recipes.simulate_batch(7, name, seed=5)
    for key, values in first.items():
        np.testing.assert_array_equal(values, again[key])
    assert not np.array_equal(first["spectra"], recipes.simulate_batch(7, name, seed=6)["spectra"])


@every_recipe
def test_both_namespaces_give_the_same_batch(name: str) -> None:
    from keras import ops

    recipe = recipes.get_recipe(name)
    draw = RecordingDraw(2)
    expected = recipes.draw_batch(np, draw, 64, recipe)
    found = recipes.draw_batch(ops, ReplayDraw(draw.seen), 64, recipe)
    assert set(found) == set(expected)
    for key, values in expected.items():
        # Tensors are single, numpy in part double precision.
        np.testing.assert_allclose(ops.convert_to_numpy(found[key]), values, atol=2e-4)


NO_ASYMMETRY = np.zeros(4, np.float32)
BESIDE = [(recipes.get_recipe(name), share) for name, share in CONFIGS["default"].beside]


def test_both_namespaces_mix_the_same_batch() -> None:
    from keras import ops

    main = recipes.get_recipe("default")
    draw = RecordingDraw(3)
    expected = recipes.draw_batch(np, draw, 64, main, BESIDE)
    found = recipes.draw_batch(ops, ReplayDraw(draw.seen), 64, main, BESIDE)
    assert set(found) == set(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(ops.convert_to_numpy(found[key]), values, atol=2e-4)


def test_mixed_spectra_are_the_sum_of_their_peaks() -> None:
    n = 400
    batch = recipes.draw_batch(np, NumpyDraw(4), n, RawRecipe(asymmetric=0.0), BESIDE)
    paper = round(BESIDE[0][1] * n)
    rest = sum(round(share * n) for _, share in BESIDE[1:])
    assert batch["spectra"].shape == (n, 384)
    assert batch["center"].shape == (n, 6)
    present = np.arange(6) < batch["n_peaks"][:, None]
    for name in ("center", "fwhm", "height", "fraction"):
        assert not batch[name][~present].any()
    for name in ("fwhm", "height"):
        assert (batch[name][present] > 0).all()
    ascending = np.diff(np.where(present, batch["center"], 2.0), axis=1)
    assert (ascending >= 0).all()
    of_paper = slice(n - paper - rest, n - rest)
    assert set(batch["n_peaks"][of_paper]) == {1, 2, 3}
    last = round(BESIDE[-1][1] * n)
    assert batch["n_peaks"][n - last :].max() == 2
    assert not batch["known"][: n - paper - rest].any()  # nothing is known in the first recipe
    assert batch["known"][n - last :].any(axis=1).mean() > 0.8
    grid = np.linspace(0, 1, 384)
    line = LINE_SHAPES["pseudo_voigt"].value
    for i in range(of_paper.start, of_paper.stop):
        k = int(batch["n_peaks"][i])
        shape = [batch[name][i, :k] for name in ("center", "fwhm", "height", "fraction")]
        # The paper's line has two widths in one; ours of the same FWHM is within 2 % of it.
        np.testing.assert_allclose(line(grid, *shape).sum(axis=0), batch["signal"][i], atol=0.03)


@pytest.mark.parametrize("tensors", [False, True], ids=["numpy", "keras"])
def test_line_shapes_are_those_of_the_numerics(tensors: bool) -> None:
    from keras import ops

    xp: Any = ops if tensors else np
    energy = np.linspace(-3, 5, 201, dtype=np.float32)
    for width, fraction in ((0.3, 0.0), (0.9, 0.4), (2.0, 1.0)):
        found = np.asarray(lines.line(xp, energy, 0.7, width, np.float32(fraction), NO_ASYMMETRY))
        expected = LINE_SHAPES["pseudo_voigt"].value(energy, 0.7, width, 1.0, fraction)
        np.testing.assert_allclose(found, expected, atol=3e-6)
        found = np.asarray(paper_line(xp, energy, 0.7, width))
        fwhm = PARK2020_FWHM_PER_WIDTH * width
        expected = LINE_SHAPES["park2020"].value(energy, 0.7, fwhm, 1.0)
        np.testing.assert_allclose(found, expected, atol=3e-6)


@every_recipe
def test_absent_peaks_are_zero_and_present_ones_sorted(name: str) -> None:
    recipe = recipes.get_recipe(name)
    batch = recipes.simulate_batch(500, recipe, seed=3)
    width = "fwhm" if "fwhm" in batch else "width"
    present = np.arange(recipe.max_peaks) < batch["n_peaks"][:, None]
    for key in ("center", "height", width, *(["fraction"] if "fraction" in batch else [])):
        assert batch[key].shape == present.shape
        assert not batch[key][~present].any()
    assert (batch["height"][present] > 0).all()
    assert (batch[width][present] > 0).all()
    step = np.diff(batch["center"], axis=1)[present[:, 1:]]
    # The paper's network expects descending centers, ours ascending ones.
    assert (step < 0).all() if width == "width" else (step > 0).all()


@every_recipe
def test_every_count_occurs(name: str) -> None:
    recipe = recipes.get_recipe(name)
    counts = recipes.simulate_batch(1000, recipe, seed=4)["n_peaks"]
    # Of a raw spectrum's peaks noise may hide some, the first included.
    hidden = 0 if isinstance(recipe, RawRecipe) else recipe.min_peaks
    assert set(counts) >= set(range(recipe.min_peaks, recipe.max_peaks + 1))
    assert hidden <= min(counts)
    assert max(counts) == recipe.max_peaks


def test_paper_recipe_keeps_to_its_limits() -> None:
    recipe = recipes.PaperRecipe()
    batch = recipes.simulate_batch(1000, recipe, seed=5)
    present = batch["height"] > 0
    for key in ("center", "width", "height"):
        low, high = getattr(recipe, key)
        values = batch[key][present]
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    noise = batch["spectra"] - batch["signal"]
    assert np.abs(noise).max() <= 0.025 + 1e-6
    assert noise.std() == pytest.approx(0.05 / np.sqrt(12), rel=0.01)


def test_paper_signal_is_the_sum_of_its_lines() -> None:
    batch = recipes.simulate_batch(20, "park2020", seed=6)
    grid = np.linspace(0, 15, 401)
    fwhm = PARK2020_FWHM_PER_WIDTH * np.where(batch["width"] > 0, batch["width"], 1.0)
    lines = LINE_SHAPES["park2020"].value(grid, batch["center"], fwhm, batch["height"])
    np.testing.assert_allclose(batch["signal"], lines.sum(axis=1), atol=1e-5)


def test_raw_spectra_fill_the_range_and_know_their_signal() -> None:
    batch = recipes.simulate_batch(300, "default", seed=7)
    np.testing.assert_allclose(batch["spectra"].min(axis=1), 0.0, atol=1e-7)
    np.testing.assert_allclose(batch["spectra"].max(axis=1), 1.0, atol=1e-6)
    recipe = recipes.RawRecipe(measured_points=(1000.0, 1001.0), asymmetric=0)
    batch = recipes.simulate_batch(50, recipe, seed=7)
    parameters = (batch[key] for key in ("center", "fwhm", "height", "fraction"))
    center, fwhm, height, fraction = parameters
    grid = np.linspace(0, 1, recipe.n_points)
    fwhm = np.where(fwhm > 0, fwhm, 1.0)
    lines = LINE_SHAPES["pseudo_voigt"].value(grid, center, fwhm, height, fraction)
    np.testing.assert_allclose(batch["signal"], lines.sum(axis=1), atol=1e-5)


def test_raw_neighbors_keep_their_distance() -> None:
    batch = recipes.simulate_batch(1500, "default", seed=8)
    wider = np.maximum(batch["fwhm"][:, 1:], batch["fwhm"][:, :-1])
    distance = np.diff(batch["center"], axis=1)[batch["fwhm"][:, 1:] > 0]
    wider = wider[batch["fwhm"][:, 1:] > 0]
    # Holds between the kept neighbors whenever it holds between the simulated ones.
    assert (distance / wider).min() >= 0.45 - 1e-4
    assert (distance / wider).min() < 0.5
    assert batch["center"].min() >= -0.02 - 1e-6
    assert batch["center"].max() <= 1.02 + 1e-6


def test_raw_neighbors_are_as_close_as_the_recipe_says() -> None:
    far = RawRecipe(min_peaks=2, max_peaks=2, fwhm=(0.02, 0.05))
    beyond = {}
    for name, gap in (("near", (0.14, 1.35)), ("far", far.gap)):
        batch = recipes.simulate_batch(4000, replace(far, gap=gap), seed=4)
        two = batch["n_peaks"] == 2
        center, fwhm = batch["center"][two, :2], batch["fwhm"][two, :2]
        distance = np.diff(center, axis=1)[:, 0] / fwhm.max(axis=1)
        beyond[name] = np.median(distance) - far.separation
    assert 0 < beyond["near"] < 0.5 * beyond["far"]


@pytest.mark.parametrize("points", [40, 100, 384, 700])
def test_raw_lines_have_enough_points(points: int) -> None:
    recipe = recipes.RawRecipe(measured_points=(points + 0.01, points + 0.02))
    fwhm = recipes.simulate_batch(1000, recipe, seed=9)["fwhm"]
    least = max(5 / (points - 1), 0.01)
    assert least - 1e-6 <= fwhm[fwhm > 0].min() < 1.2 * least
    assert fwhm.max() <= 0.3 + 1e-6


def _chi_square_with_one_line(batch: recipes.Batch, row: int, sigma: float) -> float:
    """Least squares of the largest line and a smooth background, by scipy."""
    largest = int(np.argmax(batch["height"][row] * batch["fwhm"][row]))
    center, fwhm, fraction = (batch[k][row][largest] for k in ("center", "fwhm", "fraction"))
    counts = batch["spectra"][row]
    energy = np.linspace(0, 1, counts.size)
    step = np.cumsum(batch["signal"][row])

    def residual(at: Floats) -> Any:
        line = LINE_SHAPES["pseudo_voigt"].value(energy, at[0], np.exp(at[1]), 1.0, fraction)
        columns = np.stack([line, energy**0, energy, energy**2, step], axis=1)
        return (columns @ np.linalg.lstsq(columns, counts, rcond=None)[0] - counts) / sigma

    return 2 * float(least_squares(residual, [center, np.log(fwhm)]).cost)


def test_a_peak_is_asked_for_where_the_data_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sigma = 0.1  # of the largest line, whose simulated height is 1
    part = core_levels.instrument
    monkeypatch.setattr(part, "draw_background", lambda xp, draw, axis, *rest: 1 + 0 * axis)
    monkeypatch.setattr(
        part, "draw_sigma", lambda xp, draw, clean, *rest: (sigma + 0 * clean, sigma)
    )
    monkeypatch.setattr(part, "draw_noise", lambda xp, draw, n, p: (np.zeros((n, p)), 1.0))
    recipe = recipes.RawRecipe(
        min_peaks=2, max_peaks=2, measured_points=(384.0, 384.5), asymmetric=0, spikes=0
    )
    batch = recipes.simulate_batch(100, recipe, seed=1)
    # Without noise, chi-square of the fit without the smaller line is what that line explains.
    explained = {
        row: _chi_square_with_one_line(batch, row, sigma * batch["height"][row].max())
        for row in np.flatnonzero(batch["n_peaks"])
    }
    held = [value for row, value in explained.items() if batch["n_peaks"][row] == 2]
    lost = [value for row, value in explained.items() if batch["n_peaks"][row] == 1]
    assert min(len(held), len(lost)) > 15
    # The recipe's linear estimate is too high for some lines that merge into one.
    assert np.mean(np.array(held) > recipe.min_chi_square) > 0.8
    assert np.median(held) > 2 * recipe.min_chi_square
    assert max(lost) < 1.5 * recipe.min_chi_square


@pytest.mark.parametrize(("skew", "tail"), [(0.0, 0.0), (0.6, 0.0), (0.3, 0.5)])
def test_asymmetric_lines_keep_their_maximum_and_width(skew: float, tail: float) -> None:
    energy = np.linspace(-5, 5, 20001)
    found = lines.line(np, energy, 0.0, 1.0, 0.6, np.array([skew, tail, 0, 0]))
    assert energy[found.argmax()] == pytest.approx(0.0, abs=1e-9)
    assert found.max() == pytest.approx(1.0)
    inside = energy[found >= 0.5]
    assert np.ptp(inside) == pytest.approx(1.0, abs=2e-3)
    assert inside[-1] / -inside[0] == pytest.approx(np.exp(skew), rel=3e-3)
    assert found[-1] >= found[0]


@pytest.mark.parametrize("fraction", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("band", [0.05, 0.3])
@pytest.mark.parametrize("shift", [0.35, 0.6, 0.85])
def test_a_side_band_leaves_maximum_and_width(fraction: float, band: float, shift: float) -> None:
    energy = np.linspace(-4, 4, 80001)
    found = lines.line(np, energy, 0.5, 1.5, fraction, np.array([0, 0, band, shift]))
    assert energy[found.argmax()] == pytest.approx(0.5, abs=5e-4)
    assert found.max() == pytest.approx(1.0, abs=1e-4)
    inside = energy[found >= 0.5]
    assert np.ptp(inside) == pytest.approx(1.5, abs=2e-3)
    assert inside[-1] - 0.5 > 0.5 - inside[0]
    # What is too much on one side of the maximum is the band.
    high, low = np.interp([1.5, -0.5], energy, found)
    assert high > low


@pytest.mark.parametrize("points", [60, 200])
def test_losses_and_noise_end_with_the_window(points: int) -> None:
    axis_points = np.array([[float(points)]])
    inside = core_levels.instrument.inside_window(np, axis_points, 384)
    rising = core_levels.instrument.running_integral(np, np.ones((1, 384)), inside, axis_points)
    assert inside.sum() == points
    assert rising[0, points - 1] == pytest.approx(1.0)
    np.testing.assert_allclose(rising[0, points:], 1.0)


def test_spikes_are_single_points_in_their_share_of_the_spectra() -> None:
    points = np.full((4000, 1), 100.0)
    spikes = core_levels.instrument.draw_spikes(np, NumpyDraw(3), points, 384, 0.1)
    assert set((spikes > 0).sum(axis=1)) == {0, 1}
    assert (spikes > 0).any(axis=1).mean() == pytest.approx(0.1, abs=0.02)
    assert not spikes[:, 100:].any()
    assert 0.05 <= spikes[spikes > 0].min() <= spikes.max() <= 1.0


@pytest.mark.parametrize("max_peaks", [1, 3, 4])
def test_own_recipe_of_any_count(max_peaks: int) -> None:
    recipe = recipes.RawRecipe(min_peaks=1, max_peaks=max_peaks, n_points=128)
    batch = recipes.simulate_batch(200, recipe, seed=1)
    assert batch["spectra"].shape == (200, 128)
    assert batch["center"].shape == (200, max_peaks)
    assert set(batch["n_peaks"]) == set(range(max_peaks + 1))


def test_less_is_held_where_there_is_more_noise() -> None:
    counts = [
        recipes.simulate_batch(300, recipes.RawRecipe(noise=(s, 1.01 * s)), seed=2)["n_peaks"]
        for s in (0.001, 0.01, 0.1)
    ]
    means = np.mean(counts, axis=1)
    assert means[0] > means[1] + 0.3 > means[2] + 0.6


@every_recipe
def test_dataset_holds_the_batch_in_ev_and_counts(name: str) -> None:
    found = recipes.simulate(40, name, seed=3)
    batch = recipes.simulate_batch(40, name, seed=3)
    recipe = recipes.get_recipe(name)
    assert found.attrs == {"recipe": name, "seed": 3}
    assert found["peak"].values.tolist() == list(range(1, recipe.max_peaks + 1))
    np.testing.assert_array_equal(found["n_peaks"], batch["n_peaks"])
    np.testing.assert_array_equal(found["center"].notnull().sum("peak"), batch["n_peaks"])
    assert (found["center"].diff("peak").fillna(1) > 0).all()
    checked = check_spectra(found["spectra"])
    assert checked.attrs == {"scale": "binding", "units": found["spectra"].attrs["units"]}
    for row, spectrum in enumerate(found["spectra"].dropna("spectrum", how="all")):
        measured = spectrum.dropna("energy")
        trained = {"park2020-code": "park2020"}.get(name, name)
        network = CONFIGS[trained if trained in CONFIGS else "default"].architecture()
        known = NOTHING_KNOWN
        if name == "doublets":
            known = Known(doublet=tuple(float(found[k][row]) for k in ("splitting", "ratio")))
        seen = encode(measured.values[None], measured["energy"].values, network, known)[0]
        expected = batch["spectra"][row]
        if name.startswith("park"):
            expected = expected / expected.max()
        np.testing.assert_allclose(seen[: recipe.n_points], expected, atol=2e-5)
        if name == "doublets":
            both = seen[recipe.n_points : 2 * recipe.n_points]
            np.testing.assert_allclose(both, batch["overlaid"][row], atol=2e-5)


@every_recipe
def test_signal_is_the_sum_of_the_true_lines(name: str) -> None:
    recipe = recipes.get_recipe(name)
    if isinstance(recipe, RawRecipe):
        recipe = replace(recipe, asymmetric=0)
    found = recipes.simulate(30, recipe, seed=4)
    assert json.loads(found.attrs["recipe"])["kind"] == type(recipe).__name__
    shape = LINE_SHAPES["pseudo_voigt" if isinstance(recipe, RawRecipe) else "park2020"]
    for one in (found.isel(spectrum=i).dropna("energy") for i in range(30)):
        some = one.dropna("peak")
        values = [some[parameter].values for parameter in shape.parameters]
        lines = shape.value(one["energy"].values, *values).sum(axis=0)
        np.testing.assert_allclose(
            one["signal"], lines, rtol=1e-4, atol=1e-5 * lines.max(initial=1)
        )


def test_counts_have_poisson_noise() -> None:
    found = recipes.simulate(400, RawRecipe(spikes=0, min_peaks=1, max_peaks=1), seed=5)
    # Where the truth holds the only peak, nothing but noise is left.
    found = found.isel(spectrum=found["n_peaks"].values == 1)
    clean = found["signal"] + found["background"]
    size = ((found["spectra"] - clean) / np.sqrt(clean)).std("energy")
    assert float(size.median()) == pytest.approx(1.0, abs=0.03)
    # In one of five spectra all points have the noise of the largest count.
    assert float(size.min()) > 0.7
    largest = clean.max("energy")
    np.testing.assert_allclose(found["relative_noise"], 1 / np.sqrt(largest), rtol=1e-5)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"expected a recipe of .*'default'.* got 'park'"):
        recipes.simulate(3, "park")
    with pytest.raises(ValueError, match=r"a whole number from 1 .* got n=0"):
        recipes.simulate(0)


@every_recipe
def test_recipe_in_plain_values(name: str) -> None:
    described = recipes.describe_recipe(recipes.get_recipe(name))
    assert described["kind"] in ("PaperRecipe", "RawRecipe")
    assert described["max_peaks"] == recipes.get_recipe(name).max_peaks
