"""Backgrounds: closed forms, both directions, uneven axes, batches, missing points, refusals."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpsnet.numerics.backgrounds import (
    BACKGROUNDS,
    TOUGAARD_U2,
    TOUGAARD_U3,
    background_columns,
    shirley,
    tougaard_u2,
    tougaard_u3,
)
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]
ENERGY = np.linspace(270.0, 300.0, 601)


def peak(energy: Floats, center: float = 280.0) -> Floats:
    return LINE_SHAPES["gaussian"].value(energy, center, 1.4, 1000.0)


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_columns_match_their_terms(name: str) -> None:
    peaks = np.stack([peak(ENERGY), 2 * peak(ENERGY, 284.0)])
    columns = background_columns(name, ENERGY, peaks)
    assert columns.shape == (2, 601, len(BACKGROUNDS[name]))
    for number, term in enumerate(BACKGROUNDS[name]):
        alone = {"constant": "constant", "slope": "linear"}.get(term, term)
        expected = background_columns(alone, ENERGY, peaks)[..., -1]
        np.testing.assert_array_equal(columns[..., number], expected)


def test_constant_and_slope() -> None:
    columns = background_columns("linear", [1.0, 2.0, 5.0], [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(columns, [[1, -2], [1, -1], [1, 2]])


def test_shirley_column_is_the_running_area() -> None:
    column = background_columns("shirley", ENERGY, peak(ENERGY))[:, 1]
    shape = LINE_SHAPES["gaussian"]
    expected = [float(shape.area_over(ENERGY[: n + 1], 280.0, 1.4, 1000.0)) for n in range(601)]
    # Trapezoids of 0.05 eV under a Gaussian of 1.4 eV.
    np.testing.assert_allclose(column, expected, atol=2e-4 * expected[-1])
    assert column[-1] == pytest.approx(expected[-1], rel=1e-10)


def test_tougaard_column_of_a_narrow_line_is_the_cross_section() -> None:
    narrow = LINE_SHAPES["gaussian"]
    column = background_columns("tougaard", ENERGY, narrow.value(ENERGY, 275.0, 0.3, 100.0))[:, 1]
    loss = np.maximum(ENERGY - 275.0, 0)
    expected = float(narrow.area(0, 0.3, 100.0)) * loss / (TOUGAARD_U2[1] + loss**2) ** 2
    far = loss > 1
    # The line is not infinitely narrow: second derivative of K times its variance, 0.016 eV^2.
    np.testing.assert_allclose(column[far], expected[far], rtol=1e-3)
    np.testing.assert_allclose(column[ENERGY < 274], 0, atol=1e-12 * column.max())


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_reversed_axis_reverses_the_columns(name: str) -> None:
    forward = background_columns(name, ENERGY, peak(ENERGY))
    backward = background_columns(name, ENERGY[::-1], peak(ENERGY)[::-1])
    np.testing.assert_allclose(backward[::-1], forward, rtol=1e-12, atol=1e-12)


@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.floats(-500, 500),
    name=st.sampled_from(["shirley", "tougaard"]),
)
@settings(max_examples=40, deadline=None)
def test_terms_are_linear_and_shift_invariant_on_uneven_axes(
    seed: int, shift: float, name: str
) -> None:
    rng = np.random.default_rng(seed)
    energy = np.sort(rng.uniform(0, 30, 50))
    first, second = rng.uniform(0, 100, (2, 50))
    column = background_columns(name, energy, first + 3 * second)[:, 1]
    apart = background_columns(name, energy, np.stack([first, second]))[..., 1]
    np.testing.assert_allclose(column, apart[0] + 3 * apart[1], rtol=1e-9, atol=1e-12)
    moved = background_columns(name, energy + shift, first + 3 * second)[:, 1]
    # Differences of energies keep about 13 digits after the shift.
    np.testing.assert_allclose(moved, column, rtol=1e-9, atol=1e-9 * np.abs(column).max())


def test_uneven_axis_gives_the_same_curve() -> None:
    uneven = 270 + 30 * np.linspace(0, 1, 1501) ** 1.3
    for name in ("shirley", "tougaard"):
        coarse = background_columns(name, ENERGY, peak(ENERGY))[:, 1]
        fine = background_columns(name, uneven, peak(uneven))[:, 1]
        np.testing.assert_allclose(
            np.interp(ENERGY, uneven, fine), coarse, atol=1e-3 * coarse.max(), rtol=0
        )


def test_static_shirley_finds_an_active_step() -> None:
    # Gaussians: the ends of the window are free of peaks, as the static construction assumes.
    peaks = peak(ENERGY) + 0.5 * peak(ENERGY, 286.0)
    true = background_columns("shirley", ENERGY, peaks) @ [50.0, 0.1]
    np.testing.assert_allclose(shirley(peaks + true, ENERGY), true, atol=1e-5 * true.max())


def test_static_shirley_is_the_limit_of_the_classical_iteration() -> None:
    rng = np.random.default_rng(2)
    energy = np.linspace(276, 286, 201)
    spectrum = peak(energy, 280.5) + 40 * (energy > 280.5) + rng.normal(0, 3, 201) + 200
    low, high = spectrum[0], spectrum[-1]
    background = np.full(201, low)
    for _ in range(200):
        area = background_columns("shirley", energy, spectrum - background)[:, 1]
        background = low + (high - low) * area / area[-1]
    np.testing.assert_allclose(shirley(spectrum, energy, n_end=1), background, rtol=1e-9)


def test_static_shirley_of_constant_and_of_falling_spectra() -> None:
    np.testing.assert_array_equal(shirley(np.full(40, 7.0), np.arange(40.0)), np.full(40, 7.0))
    peaks = peak(ENERGY)
    falling = 500 - 0.1 * background_columns("shirley", ENERGY, peaks)[:, 1]
    np.testing.assert_allclose(shirley(peaks + falling, ENERGY), falling, rtol=1e-9)


def test_static_shirley_gives_up_with_nan() -> None:
    trough = 100 + ENERGY - 270 - peak(ENERGY)
    spectra = np.stack([trough, 100 + peak(ENERGY), trough])
    np.testing.assert_array_equal(np.isnan(shirley(spectra, ENERGY)).all(axis=1), [1, 0, 1])


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(shirley, id="shirley"),
        pytest.param(tougaard_u2, id="tougaard_u2"),
        pytest.param(tougaard_u3, id="tougaard_u3"),
        pytest.param(lambda y, e: tougaard_u2(y, e, 2866.0), id="tougaard_u2 of given b"),
    ],
)
def test_static_backgrounds_of_batches_directions_and_missing_points(draw) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(3)
    spectra = np.stack([peak(ENERGY), 2 * peak(ENERGY, 284.0)])[:, None] * [[1.0], [0.3]]
    spectra += 300 + 0.005 * np.cumsum(spectra, axis=-1) + rng.normal(size=spectra.shape)
    spectra[0, 1, :10] = np.nan
    spectra[1, 0, 300] = np.nan
    drawn = draw(spectra, ENERGY)
    np.testing.assert_array_equal(np.isnan(drawn), np.isnan(spectra))
    loop = [[draw(spectrum, ENERGY) for spectrum in row] for row in spectra]
    np.testing.assert_allclose(drawn, loop, rtol=1e-12)
    np.testing.assert_allclose(draw(spectra[..., ::-1], ENERGY[::-1])[..., ::-1], drawn)
    np.testing.assert_allclose(draw(2 * spectra, ENERGY), 2 * drawn, rtol=1e-9)
    if draw is not shirley:
        return
    kept = np.isfinite(spectra[1, 0])
    np.testing.assert_array_equal(draw(spectra[1, 0, kept], ENERGY[kept]), drawn[1, 0, kept])


@pytest.mark.parametrize("draw", [shirley, tougaard_u2, tougaard_u3])
def test_static_backgrounds_meet_both_ends(draw) -> None:  # type: ignore[no-untyped-def]
    spectrum = peak(ENERGY) + 100 + 0.05 * np.cumsum(peak(ENERGY)) / 20
    drawn = draw(spectrum, ENERGY)
    np.testing.assert_allclose(drawn[[0, -1]], spectrum[[0, -1]], rtol=1e-6)


@pytest.mark.parametrize("draw", [shirley, tougaard_u2, tougaard_u3])
def test_static_backgrounds_of_too_few_points(draw) -> None:  # type: ignore[no-untyped-def]
    assert np.isnan(draw([1.0, np.nan, 2.0, np.nan], [1.0, 2.0, 3.0, 4.0])).all()


def test_tougaard_inverts_its_own_scattering() -> None:
    # J = F + integral of K J defines the spectrum J of a primary line F, scattered many times.
    _, c = TOUGAARD_U2
    b = 2866.0
    primary = peak(ENERGY, 275.0)
    matrix = np.stack([background_columns("tougaard", ENERGY, unit)[:, 1] for unit in np.eye(601)])
    spectrum = np.linalg.solve(np.eye(601) - b * matrix.T, primary)
    np.testing.assert_allclose(
        spectrum - tougaard_u2(spectrum, ENERGY, b, c), primary, atol=1e-9 * primary.max()
    )


def test_cross_sections() -> None:
    # A single count in a wide window returns the cross section times its cell of 0.05 eV.
    energy = np.arange(0, 100, 0.05)
    count = np.zeros(2000)
    count[100] = 1.0
    loss = np.maximum(energy - energy[100], 0)
    b, c, d = TOUGAARD_U3["SiO2"]
    expected = 0.05 * b * loss / ((c - loss**2) ** 2 + d * loss**2)
    np.testing.assert_allclose(tougaard_u3(count, energy, b, c, d), expected, atol=1e-15)
    b, c = TOUGAARD_U2
    expected = 0.05 * b * loss / (c + loss**2) ** 2
    np.testing.assert_allclose(tougaard_u2(count, energy, b, c), expected, atol=1e-15)
    # Published property: the universal cross section of metals peaks at sqrt(C / 3) = 23.4 eV.
    assert loss[np.argmax(expected)] == pytest.approx(23.4, abs=0.1)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"expected a background of .* got 'cubic'"):
        background_columns("cubic", ENERGY, ENERGY)
    with pytest.raises(ValueError, match=r"got \(601,\) and \(600,\)"):
        background_columns("linear", ENERGY, ENERGY[1:])
    with pytest.raises(ValueError, match=r"move the energy axis last"):
        shirley(np.ones((601, 3)), ENERGY)
    with pytest.raises(ValueError, match=r"move the energy axis last"):
        tougaard_u2(np.ones((601, 3)), ENERGY)
