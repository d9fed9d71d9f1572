"""Every registered line shape: definitions, derivatives, areas, batches, twins and edge values."""

import itertools
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lmfit import lineshapes as lmfit_lines
from scipy import integrate, optimize

from xpsnet.numerics.lineshapes import LINE_SHAPES, PARK2020_FWHM_PER_WIDTH, LineShape

Floats = npt.NDArray[np.float64]
SHAPES = [pytest.param(shape, id=name) for name, shape in LINE_SHAPES.items()]
POWERED = ("asymmetric_lorentzian", "finite_lorentzian")
SYMMETRIC = [
    name
    for name, shape in LINE_SHAPES.items()
    if "asymmetry" not in shape.limits and name not in POWERED
]
ENERGY = np.linspace(278.0, 295.0, 341)


def extras_of(shape: LineShape) -> list[tuple[float, ...]]:
    """Extra parameters on a grid from limit to limit."""
    columns = [np.linspace(*limits, 6) for limits in shape.limits.values()]
    return [tuple(float(value) for value in row) for row in itertools.product(*columns)]


def difference(
    function: Callable[[float], Floats], at: float, step: float, lower: float, upper: float
) -> Floats:
    """Derivative of fourth order from points inside [lower, upper]: central, or from one side."""
    if at - 2 * step >= lower and at + 2 * step <= upper:
        weights = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
    else:
        step = 0.1 * (step if at - 2 * step < lower else -step)
        weights = {0: -25 / 12, 1: 4.0, 2: -3.0, 3: 4 / 3, 4: -1 / 4}
    terms = [weight * function(at + k * step) for k, weight in weights.items()]
    total: Floats = np.sum(terms, axis=0) / step
    return total


@pytest.mark.parametrize("shape", SHAPES)
def test_registry_entry(shape: LineShape) -> None:
    assert LINE_SHAPES[shape.name] is shape
    assert shape.parameters[:3] == ("center", "fwhm", "height")
    assert tuple(shape.default) == tuple(shape.limits) == shape.parameters[3:]
    for name, (lower, upper) in shape.limits.items():
        assert lower < shape.default[name] < upper


@pytest.mark.parametrize("shape", SHAPES)
def test_center_height_and_fwhm_are_those_of_the_whole_line(shape: LineShape) -> None:
    for extra in extras_of(shape):

        def at(energy: float, extra: tuple[float, ...] = extra) -> float:
            return float(shape.value([energy], 284.6, 1.3, 250.0, *extra)[0])

        assert at(284.6) == pytest.approx(250.0, rel=1e-14)
        _, derivatives = shape.value_and_derivatives([284.6], 284.6, 1.3, 250.0, *extra)
        assert abs(derivatives[0, 0]) < 1e-10
        assert shape.value(ENERGY, 284.6, 1.3, 250.0, *extra).max() <= 250.0
        low = optimize.brentq(lambda energy: at(energy) - 125.0, 282.0, 284.6, xtol=1e-13)
        high = optimize.brentq(lambda energy: at(energy) - 125.0, 284.6, 289.0, xtol=1e-13)
        # Energies near 285 eV carry 6e-14 eV of rounding.
        assert high - low == pytest.approx(1.3, abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_agree_with_finite_differences(shape: LineShape) -> None:
    for extra in extras_of(shape):
        parameters = [284.6, 1.3, 250.0, *extra]
        value, derivatives = shape.value_and_derivatives(ENERGY, *parameters)
        np.testing.assert_array_equal(value, shape.value(ENERGY, *parameters))
        for number, name in enumerate(shape.parameters):

            def moved(to: float, number: int = number, base: list[float] = parameters) -> Floats:
                return shape.value(ENERGY, *base[:number], to, *base[number + 1 :])

            limits = shape.limits.get(name, (-np.inf, np.inf))
            expected = difference(moved, parameters[number], 1e-3, *limits)
            if shape.name in POWERED and extra[0] == 1.0 and name == "center":
                # Without a Gaussian, the second derivative jumps where both sides meet.
                here = np.abs(ENERGY - 284.6) < 1e-9
                assert abs(derivatives[here, number]) < 1e-9
                expected[here] = derivatives[here, number]
            np.testing.assert_allclose(
                # Rounding of 250 / step 1e-3 and, one-sided, the fourth power of the step.
                derivatives[:, number],
                expected,
                atol=4e-8 * max(250.0, np.abs(expected).max()),
                rtol=0,
                err_msg=f"{name} at {parameters}",
            )


@pytest.mark.parametrize("shape", SHAPES)
def test_area_is_the_integral(shape: LineShape) -> None:
    for extra in extras_of(shape):
        if shape.area is None:
            assert shape.name.startswith("doniach")
            continue
        if shape.name in POWERED:  # tails that fall slowly: see test_powered_lorentzian.py
            continue
        # t = tan(u) maps all energies to a finite range, on which the integrand is smooth.
        u, weights = np.polynomial.legendre.leggauss(400)
        t = np.tan(u * np.pi / 2)
        line = shape.value(t, 0.0, 1.3, 250.0, *extra)
        expected = (line * (1 + t**2) * weights).sum() * np.pi / 2
        assert float(shape.area(7.0, 1.3, 250.0, *extra)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("low", "high"),
    [(280.0, 290.0), (284.5, 284.7), (100.0, 1400.0), (286.0, 300.0), (270.0, 284.0)],
)
def test_area_over_is_the_integral_over_the_range(
    shape: LineShape, low: float, high: float
) -> None:
    extra = tuple(shape.default.values())
    points = [place for place in (283.0, 284.6, 287.0) if low < place < high]
    expected, _ = integrate.quad(
        lambda energy: float(shape.value([energy], 284.6, 1.3, 250.0, *extra)[0]),
        low,
        high,
        points=points or None,
        epsabs=1e-10,
        epsrel=1e-11,
        limit=200,
    )
    area = shape.area_over([low, high], 284.6, 1.3, 250.0, *extra)
    assert float(area) == pytest.approx(expected, rel=1e-9)
    assert float(shape.area_over([high, low], 284.6, 1.3, 250.0, *extra)) == float(area)


@pytest.mark.parametrize("shape", SHAPES)
def test_whole_area_is_reached_by_wide_ranges(shape: LineShape) -> None:
    if shape.area is None or shape.name in POWERED:
        return
    for extra in extras_of(shape):
        area = float(shape.area(0.0, 1.3, 250.0, *extra))
        assert float(shape.area_over([-1e9, 1e9], 0.0, 1.3, 250.0, *extra)) == pytest.approx(
            area, rel=1e-8
        )


@given(
    center=st.floats(-20, 20),
    fwhm=st.floats(0.05, 8),
    height=st.floats(-1e6, 1e6),
    factor=st.floats(0.1, 10),
    place=st.floats(0, 1),
    name=st.sampled_from(sorted(LINE_SHAPES)),
)
@settings(max_examples=150, deadline=None)
def test_lines_scale_shift_and_reverse(
    center: float, fwhm: float, height: float, factor: float, place: float, name: str
) -> None:
    shape = LINE_SHAPES[name]
    energy = np.linspace(-30, 30, 77)
    extra = [low + place * (high - low) for low, high in shape.limits.values()]
    line = shape.value(energy, center, fwhm, height, *extra)
    tolerance = 1e-10 * abs(height) / fwhm + 1e-300
    np.testing.assert_array_equal(
        shape.value(energy[::-1], center, fwhm, height, *extra), line[::-1]
    )
    stretched = shape.value(factor * energy, factor * center, factor * fwhm, height, *extra)
    np.testing.assert_allclose(stretched, line, atol=tolerance)
    moved = shape.value(energy + factor, center + factor, fwhm, height, *extra)
    np.testing.assert_allclose(moved, line, atol=tolerance)
    twice = shape.value(energy, center, fwhm, 2 * height, *extra)
    np.testing.assert_allclose(twice, 2 * line, atol=tolerance)
    if name in SYMMETRIC:
        mirrored = shape.value(-energy, -center, fwhm, height, *extra)
        np.testing.assert_allclose(mirrored, line, atol=tolerance)


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_equals_loop(shape: LineShape) -> None:
    rng = np.random.default_rng(11)
    parameters = [rng.uniform(280, 290, (4, 1, 3)), rng.uniform(0.5, 2, (5, 1)), 1e3]
    parameters += [np.asarray(rng.uniform(*limits, 3)) for limits in shape.limits.values()]
    value, derivatives = shape.value_and_derivatives(ENERGY, *parameters)
    assert value.shape == (4, 5, 3, 341)
    assert derivatives.shape == (4, 5, 3, 341, len(shape.parameters))
    area = shape.area_over(ENERGY, *parameters)
    full = np.broadcast_arrays(*parameters)
    for index in itertools.product(range(4), range(5), range(3)):
        one = [float(parameter[index]) for parameter in full]
        np.testing.assert_array_equal(value[index], shape.value(ENERGY, *one))
        np.testing.assert_array_equal(
            derivatives[index], shape.value_and_derivatives(ENERGY, *one)[1]
        )
        np.testing.assert_allclose(area[index], shape.area_over(ENERGY, *one), rtol=1e-13)
    if shape.area is not None:
        assert shape.area(*parameters).shape == (4, 5, 3)


@pytest.mark.parametrize("shape", SHAPES)
def test_one_axis_per_spectrum(shape: LineShape) -> None:
    axes = ENERGY + np.array([[0.0], [1.0], [2.5]])
    extra = tuple(shape.default.values())
    value = shape.value(axes, [285.0, 286.0, 287.5], 1.0, 10.0, *extra)
    expected = shape.value(ENERGY, 285.0, 1.0, 10.0, *extra)
    np.testing.assert_allclose(value, np.stack([expected] * 3), atol=1e-11)
    areas = shape.area_over(axes, [285.0, 286.0, 287.5], 1.0, 10.0, *extra)
    np.testing.assert_allclose(areas, areas[0], rtol=1e-12)
    assert shape.value(axes, 285.0, 1.0, 10.0, *extra).shape == (3, 341)


@pytest.mark.parametrize("shape", SHAPES)
def test_edge_values_are_finite(shape: LineShape) -> None:
    base = [284.6, 1.3, 250.0, *shape.default.values()]
    cases = [[*base[:k], 0.0, *base[k + 1 :]] for k in range(len(base))]
    cases += [[284.6, 1e-300, 250.0, *base[3:]], [284.6, -1.0, 250.0, *base[3:]]]
    cases += [[284.6, 1e9, 250.0, *base[3:]], [1e9, 1e-3, 250.0, *base[3:]]]
    cases += [[284.6, 1.3, 250.0, *extra] for extra in extras_of(shape)]
    for k, (lower, upper) in enumerate(shape.limits.values(), start=3):
        for near in (1e-15, 1e-9, 1e-5):
            cases += [[*base[:k], lower + near, *base[k + 1 :]]]
            cases += [[*base[:k], upper - near, *base[k + 1 :]]]
            cases += [[*base[:k], lower - near, *base[k + 1 :]]]
    for parameters in cases:
        value, derivatives = shape.value_and_derivatives(ENERGY, *parameters)
        assert np.isfinite(value).all(), parameters
        assert np.isfinite(derivatives).all(), parameters
        assert np.isfinite(shape.area_over(ENERGY, *parameters)), parameters
        if shape.area is not None:
            assert np.isfinite(shape.area(*parameters)), parameters


@pytest.mark.parametrize("shape", SHAPES)
def test_nan_parameters_give_nan_lines_and_leave_their_neighbors(shape: LineShape) -> None:
    base = [284.6, 1.3, 250.0, *shape.default.values()]
    expected, slopes = shape.value_and_derivatives(ENERGY, *base)
    for number in range(len(base)):
        parameters = [np.full(3, value) for value in base]
        parameters[number][1] = np.nan
        value, derivatives = shape.value_and_derivatives(ENERGY, *parameters)
        assert np.isnan(value[1]).all()
        np.testing.assert_array_equal(value[[0, 2]], np.stack([expected] * 2))
        np.testing.assert_array_equal(derivatives[[0, 2]], np.stack([slopes] * 2))
        areas = shape.area_over(ENERGY, *parameters)
        np.testing.assert_array_equal(np.isnan(areas), [False, True, False])


@pytest.mark.parametrize("shape", SHAPES)
def test_inputs_of_any_kind(shape: LineShape) -> None:
    extra = tuple(shape.default.values())
    expected = shape.value(np.arange(280.0, 290.0), 285.0, 1.0, 10.0, *extra)
    fixed = np.arange(280.0, 290.0)
    fixed.flags.writeable = False
    for energy in (range(280, 290), fixed, np.arange(280, 290, dtype=np.int32)):
        np.testing.assert_array_equal(shape.value(energy, 285, 1, 10, *extra), expected)
    strided = np.repeat(fixed, 2)[::2]
    np.testing.assert_array_equal(shape.value(strided, 285, 1, 10, *extra), expected)
    assert shape.value([], 285, 1, 10, *extra).shape == (0,)
    assert shape.value(fixed, np.empty(0), 1, 10, *extra).shape == (0, 10)


@pytest.mark.parametrize("shape", SHAPES)
def test_wrong_number_of_parameters_is_refused(shape: LineShape) -> None:
    for call in (shape.value, shape.value_and_derivatives, shape.area_over):
        with pytest.raises(ValueError, match=rf"parameters .* for line shape '{shape.name}', got"):
            call(ENERGY, 285.0, 1.0)


def test_park2020_is_equation_1_of_the_paper() -> None:
    w, center, height = 0.8, 164.15, 3.0
    reduced = (ENERGY - 120.0 - center) / w
    expected = 0.7 * np.exp(-((1.634 * reduced) ** 2)) + 0.3 / (1 + (2.195 * reduced) ** 2)
    shape = LINE_SHAPES["park2020"]
    line = shape.value(ENERGY - 120.0, center, PARK2020_FWHM_PER_WIDTH * w, height)
    np.testing.assert_allclose(line, height * expected, rtol=1e-12)
    # Exact to the last digits: the constant is the root of the half-height equation.
    half = PARK2020_FWHM_PER_WIDTH / 2
    value = 0.7 * np.exp(-((1.634 * half) ** 2)) + 0.3 / (1 + (2.195 * half) ** 2)
    assert value == pytest.approx(0.5, abs=2e-16)


def test_asymmetric_line_is_one_of_sigmoidal_width() -> None:
    # As in the literature: the width of the symmetric line varies with the energy.
    fraction, asymmetry, width, center = 0.4, 0.8, 1.1, 284.6
    x = (ENERGY - center) / width
    varying = 2 * width / (1 + np.exp(-asymmetry * x))
    symmetric = LINE_SHAPES["pseudo_voigt"]
    expected = [
        float(symmetric.value([energy], center, fwhm, 250.0, fraction)[0])
        for energy, fwhm in zip(ENERGY, varying, strict=True)
    ]
    half = [
        optimize.brentq(lambda at, sign=sign: at * (1 + np.exp(-asymmetry * at)) - sign, -2, 2)
        for sign in (1, -1)
    ]
    shape = LINE_SHAPES["asymmetric_pseudo_voigt"]
    line = shape.value(ENERGY, center, width * (half[0] - half[1]), 250.0, fraction, asymmetry)
    np.testing.assert_allclose(line, expected, rtol=1e-11, atol=1e-13)
    # The tail goes to higher binding energy.
    assert half[0] > -half[1] > 0


def test_asymmetric_line_without_asymmetry_is_the_symmetric_one() -> None:
    line = LINE_SHAPES["asymmetric_pseudo_voigt"].value(ENERGY, 284.6, 1.3, 250.0, 0.3, 0.0)
    expected = LINE_SHAPES["pseudo_voigt"].value(ENERGY, 284.6, 1.3, 250.0, 0.3)
    np.testing.assert_allclose(line, expected, rtol=1e-13)
    areas = [
        float(LINE_SHAPES[name].area(0.0, 1.3, 250.0, 0.3, *extra))
        for name, extra in (("asymmetric_pseudo_voigt", (0.0,)), ("pseudo_voigt", ()))
    ]
    assert areas[0] == pytest.approx(areas[1], rel=1e-11)


def test_product_is_the_product_of_its_parts() -> None:
    # The common form uses the width F of the Gaussian at fraction 0; the whole line is narrower.
    fraction, width = 0.3, 1.5
    t = (ENERGY - 285.0) / width
    expected = np.exp(-4 * np.log(2) * (1 - fraction) * t**2) / (1 + 4 * fraction * t**2)
    above = ENERGY[np.argmin(np.abs(expected - 0.5))]
    fwhm = 2 * abs(
        optimize.newton(
            lambda e: (
                np.exp(-4 * np.log(2) * (1 - fraction) * (e / width) ** 2)
                / (1 + 4 * fraction * (e / width) ** 2)
                - 0.5
            ),
            above - 285.0,
        )
    )
    assert fwhm < width
    line = LINE_SHAPES["gl_product"].value(ENERGY, 285.0, fwhm, 1.0, fraction)
    np.testing.assert_allclose(line, expected, rtol=1e-9)


def test_lmfit_twins() -> None:
    center, fwhm, height, fraction = 284.6, 1.3, 250.0, 0.3
    gaussian = LINE_SHAPES["gaussian"]
    area = float(gaussian.area(center, fwhm, height))
    sigma = fwhm / (2 * np.sqrt(2 * np.log(2)))
    np.testing.assert_allclose(
        gaussian.value(ENERGY, center, fwhm, height),
        lmfit_lines.gaussian(ENERGY, area, center, sigma),
        rtol=1e-11,
    )
    lorentzian = LINE_SHAPES["lorentzian"]
    area = float(lorentzian.area(center, fwhm, height))
    np.testing.assert_allclose(
        lorentzian.value(ENERGY, center, fwhm, height),
        lmfit_lines.lorentzian(ENERGY, area, center, fwhm / 2),
        rtol=1e-12,
    )
    # lmfit shares the area between the parts, we share the height.
    pseudo_voigt = LINE_SHAPES["pseudo_voigt"]
    area = float(pseudo_voigt.area(center, fwhm, height, fraction))
    share = fraction * float(lorentzian.area(center, fwhm, height)) / area
    np.testing.assert_allclose(
        pseudo_voigt.value(ENERGY, center, fwhm, height, fraction),
        lmfit_lines.pvoigt(ENERGY, area, center, fwhm / 2, share),
        rtol=1e-11,
    )


def test_lmfit_voigt() -> None:
    voigt = LINE_SHAPES["voigt"]
    sigma, gamma = 0.4, 0.3
    parts = 2 * gamma + 2 * np.sqrt(2 * np.log(2)) * sigma
    fraction = 2 * gamma / parts
    peak = float(lmfit_lines.voigt(0.0, 1.0, 0.0, sigma, gamma))
    half = optimize.brentq(
        lambda e: float(lmfit_lines.voigt(e, 1.0, 0.0, sigma, gamma)) - peak / 2, 0, 3, xtol=1e-15
    )
    energy = np.linspace(-8, 8, 201)
    np.testing.assert_allclose(
        voigt.value(energy, 0.0, 2 * half, peak, fraction),
        lmfit_lines.voigt(energy, 1.0, 0.0, sigma, gamma),
        rtol=1e-12,
    )
    assert float(voigt.area(0.0, 2 * half, peak, fraction)) == pytest.approx(1.0, rel=1e-12)


def test_importing_the_registry_loads_no_compiler() -> None:
    code = "import sys, xpsnet.numerics.lineshapes; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
