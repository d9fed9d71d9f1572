"""`fit` where it counts chemical states: what is chosen, what holds always, and odd spectra."""

import json
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import xpsnet
from tests.state_spectra import CARBON, PLATINUM, SULFUR, drawn, line, platinum, spectra_of, sulfur
from xpsnet.data.spectrum import make_spectrum
from xpsnet.data.status import Status, applies

TWO = spectra_of(drawn(sulfur((162.0, 6000.0), (165.5, 3600.0))))
ONE = spectra_of(drawn(sulfur((162.0, 6000.0)), 1))
NOISE = spectra_of(drawn(sulfur(), 2))
METAL = spectra_of(drawn(platinum()), PLATINUM, "Pt 4f")
CENTERS = (162.0, 163.18, 165.5, 166.68)
STACK = xr.concat([TWO, ONE, NOISE, TWO, ONE], "x")


@pytest.fixture(scope="module")
def metal():
    return xpsnet.fit(METAL)


@pytest.fixture(scope="module")
def two():
    return xpsnet.fit(TWO)


@pytest.fixture(scope="module")
def stack():
    return xpsnet.fit(STACK, neighbors=False)


def assert_two_states(peaks, **close):
    """The states of TWO."""
    assert (int(peaks.n_states), int(peaks.n_peaks)) == (2, 4)
    np.testing.assert_allclose(peaks.center, CENTERS, atol=close.get("atol", 0.03))
    assert peaks.state.values.tolist() == [1, 1, 2, 2]
    assert peaks.partner.values.tolist() == [2, 1, 4, 3]


# One spectrum


def test_a_metal_is_one_asymmetric_doublet(metal):
    assert metal.status == Status.OK
    assert (int(metal.n_states), int(metal.n_peaks)) == (1, 2)
    np.testing.assert_allclose(metal.center, [71.1, 74.43], atol=0.03)
    np.testing.assert_allclose(metal.asymmetry, 0.25, atol=0.03)
    assert metal.asymmetry[0] == metal.asymmetry[1]
    assert metal.partner.values.tolist() == [2, 1]
    assert metal.redchi < 1.3


def test_the_result_says_what_was_chosen(metal, two):
    chosen = "one state: asymmetric Pt 4f doublet"
    assert metal.attrs["model_choice_text"].startswith(f"{chosen}, probability ")
    assert "; second: " in metal.attrs["model_choice_text"]
    choices = json.loads(metal.attrs["model_choices"])
    assert choices[int(metal.model_choice)] == chosen
    assert len(choices) == metal.sizes["choice"] == len(set(choices))
    assert metal.attrs["line_shape"] == "asymmetric_pseudo_voigt"
    assert two.attrs["line_shape"] == "pseudo_voigt"
    assert two.attrs["model_choice_text"].startswith("two states: two S 2p doublets, probability ")
    for peaks in (metal, two):
        assert peaks.attrs["background_choice"] == (
            f"{peaks.attrs['background']} by evidence, together with the states"
        )
        probability = peaks.n_states_probability
        assert float(probability.sum()) == pytest.approx(1.0)
        assert probability.idxmax("count") == peaks.n_states
        assert 0.5 < float(peaks.model_probability[int(peaks.model_choice)]) <= 1.0
        assert float(peaks.model_probability.sum()) <= 1.0 + 1e-9


def test_the_links_of_the_doublets_are_told(metal, two):
    splitting = metal.attrs["links"].split(";")[0]
    assert splitting == "center_2 = center_1 + (3.23, 3.43)"
    for name in ("fwhm_2", "area_2", "asymmetry_2 = asymmetry_1"):
        assert name in metal.attrs["links"]
    assert "center_4 = center_3 + (" in two.attrs["links"]


def test_two_symmetric_states_are_four_lines(two):
    assert two.status == Status.OK
    assert_two_states(two)
    areas = two.area.values
    np.testing.assert_allclose(areas[[1, 3]] / areas[[0, 2]], 0.5, atol=0.051)
    np.testing.assert_allclose(areas[2] / areas[0], 0.6, atol=0.03)
    assert two.redchi < 1.3


def test_three_overlapping_states_are_not_lines_of_other_levels():
    spectrum = spectra_of(drawn(sulfur((161.1, 3000.0), (162.9, 4000.0), (165.0, 3500.0)), 4))
    peaks = xpsnet.fit(spectrum)
    assert peaks.attrs["model_choice_text"].startswith("three states: three S 2p doublets")
    np.testing.assert_allclose(peaks.center[peaks.state.values.argsort()][::2][0], 161.1, atol=0.05)


def test_noise_alone_has_no_states():
    peaks = xpsnet.fit(NOISE)
    assert (int(peaks.n_states), int(peaks.n_peaks)) == (0, 0)
    assert peaks.status == Status.NO_PEAKS
    assert np.isnan(peaks.center).all()
    assert not peaks.partner.any()
    assert peaks.attrs["model_choice_text"].startswith("no state: background alone")


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_number_of_states_that_is_given_is_the_answer(number):
    peaks = xpsnet.fit(TWO, n_states=number)
    assert int(peaks.n_states) == number
    assert int(peaks.state.max()) == number
    probability = peaks.n_states_probability
    assert float(probability.sel(count=number)) == pytest.approx(1.0)
    if number < 2:
        assert applies(peaks, Status.MISFIT)
    if number == 2:
        assert_two_states(peaks)


def test_a_number_of_states_is_given_for_a_stack():
    peaks = xpsnet.fit(STACK[:2], n_states=2, neighbors=False)
    assert peaks.n_states.values.tolist() == [2, 2]


def test_a_number_of_states_needs_no_name():
    peaks = xpsnet.fit(TWO.rename(None), n_states=4)
    assert int(peaks.n_states) == int(peaks.n_peaks) == 4
    np.testing.assert_allclose(peaks.center, CENTERS, atol=0.03)
    assert not peaks.partner.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_states": 1, "n_peaks": 2}, "expected n_peaks or n_states, got both"),
        ({"n_states": 2, "constraints": {"center_1": (160, 164)}}, "give n_peaks instead"),
        ({"n_states": 2, "doublets": [xpsnet.doublet("S 2p", peaks=(1, 2))]}, "n_peaks instead"),
    ],
    ids=["both", "one-peak", "peaks-of-a-doublet"],
)
def test_contradictions_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        xpsnet.fit(TWO, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"n_peaks": 4},
        {"constraints": {"center_1": (161.0, 163.0)}},
        {"doublets": [xpsnet.doublet("S 2p", peaks=(1, 2))]},
    ],
    ids=["n_peaks", "one-peak", "peaks-of-a-doublet"],
)
def test_what_names_single_peaks_counts_lines(options):
    peaks = xpsnet.fit(TWO, **options)
    assert "n_peaks_probability" in peaks
    assert "n_states_probability" not in peaks
    assert "state" not in peaks


@pytest.mark.parametrize("name", ["window", None, "Survey"])
def test_without_a_level_lines_are_counted(name):
    peaks = xpsnet.fit(TWO.rename(name))
    assert "n_peaks_probability" in peaks
    assert "n_states" not in peaks
    assert "model_choice_text" not in peaks.attrs
    found = peaks.center.values[:, None]
    assert np.abs(found - CENTERS).min(axis=0).max() < 0.1


@pytest.mark.parametrize("name", ["Pt4f", "1: Pt 4f", "Pt 4f 7/2"])
def test_ways_to_write_a_level_mean_the_same(metal, name):
    peaks = xpsnet.fit(METAL.rename(name))
    assert peaks.attrs["model_choice_text"] == metal.attrs["model_choice_text"]
    np.testing.assert_array_equal(peaks.center, metal.center)


@pytest.mark.parametrize(
    ("given", "width"),
    [((1.1, 1.3), (1.1, 1.3)), (1.2, (1.2, 1.2)), ((0.5, 0.9), (0.5, 0.9))],
    ids=["limits", "held", "narrow"],
)
def test_constraints_of_all_peaks_hold_in_what_is_chosen(given, width):
    peaks = xpsnet.fit(TWO, constraints={"fwhm": given})
    main = peaks.fwhm[peaks.partner.values > np.arange(1, peaks.sizes["peak"] + 1)]
    assert main.size >= 1
    assert ((main >= width[0] - 1e-9) & (main <= width[1] + 1e-9)).all()
    assert int(peaks.n_states) >= 1


def test_a_shared_limit_holds_for_every_line():
    peaks = xpsnet.fit(TWO, constraints={"fraction": (0.5, 0.7)})
    assert ((peaks.fraction >= 0.5) & (peaks.fraction <= 0.7)).all()


@pytest.mark.parametrize("line_shape", ["gaussian", "voigt", "asymmetric_pseudo_voigt"])
def test_a_line_shape_that_is_given_is_used(line_shape):
    peaks = xpsnet.fit(ONE, line_shape=line_shape)
    assert peaks.attrs["line_shape"] == line_shape
    assert np.abs(peaks.center - 162.0).min() < 0.05


@pytest.mark.parametrize("name", [None, "S 2p", "1: window"])
def test_doublets_of_the_caller_hold(name):
    held = xpsnet.doublet("S 2p", splitting=1.2, ratio=0.5)
    peaks = xpsnet.fit(TWO.rename(name), doublets=[held])
    assert int(peaks.n_states) == 2
    np.testing.assert_allclose(peaks.center[1::2] - peaks.center[::2], 1.2, rtol=1e-9)
    np.testing.assert_allclose(peaks.area[1::2] / peaks.area[::2], 0.5, rtol=1e-6)


def test_no_doublets_make_every_line_a_state():
    peaks = xpsnet.fit(TWO, doublets=())
    assert not peaks.partner.any()
    assert int(peaks.n_states) == int(peaks.n_peaks)
    assert np.abs(peaks.center.values[:, None] - CENTERS).min(axis=0).max() < 0.05


# Axes, units, noise, backgrounds


def test_the_kinetic_scale_is_the_mirror(two):
    kinetic = xpsnet.to_kinetic(TWO.assign_attrs(photon_energy=1486.6))
    for spectrum in (kinetic, kinetic.assign_attrs(photon_energy=None)):
        peaks = xpsnet.fit(spectrum)
        assert int(peaks.n_states) == 2
        np.testing.assert_allclose(1486.6 - peaks.center[::-1], two.center, atol=1e-6)
        np.testing.assert_allclose(peaks.area[::-1], two.area, rtol=1e-6)
        assert peaks.partner.values.tolist() == [2, 1, 4, 3]
        assert peaks.state.values.tolist() == [1, 1, 2, 2]


def test_a_reversed_axis_gives_the_same_bits(two):
    reverse = xpsnet.fit(TWO[::-1])
    for name in two.data_vars:
        np.testing.assert_array_equal(reverse[name], two[name], err_msg=name)


@pytest.mark.parametrize("unit", [1000.0, 1e12, 1e-6])
def test_the_unit_of_the_counts_changes_no_state(two, unit):
    peaks = xpsnet.fit(TWO * unit)
    assert peaks.status == Status.OK
    assert_two_states(peaks)
    np.testing.assert_allclose(peaks.area, unit * two.area, rtol=2e-3)


NOISES = {
    "each": "each",
    "counts": "poisson",
    "gain": {"gain": 1.0},
    "gain and floor": {"gain": 1.0, "floor": 2.0},
    "points": np.sqrt(TWO + 10.0),
}


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_any_form_of_noise(noise):
    assert_two_states(xpsnet.fit(TWO, noise=noise))


def test_one_number_as_noise():
    peaks = xpsnet.fit(TWO, noise=60.0)
    assert_two_states(peaks)
    assert float(peaks.noise) == 60.0


def test_covariance_and_scaled_errors(two):
    peaks = xpsnet.fit(TWO, covariance=True, scale_errors=True)
    assert_two_states(peaks)
    assert "covariance" not in two
    variance = np.diagonal(peaks.covariance.values)
    names = peaks["parameter"].values.tolist()
    first = variance[names.index("center_1")]
    root = np.sqrt(float(peaks.redchi))
    assert np.sqrt(first) in (
        pytest.approx(float(peaks.center_stderr[0])),
        pytest.approx(float(peaks.center_stderr[0]) / root),
    )
    np.testing.assert_allclose(peaks.center_stderr, root * two.center_stderr, rtol=1e-6)


def test_a_held_background_stays_as_it_is():
    curve = xpsnet.static_background(TWO, "shirley")
    for background in ("static shirley", curve):
        peaks = xpsnet.fit(TWO, background=background)
        assert_two_states(peaks)
        assert peaks.attrs["background"] == "curve"
        assert peaks.attrs["background_choice"] == "static shirley"
        np.testing.assert_array_equal(peaks.background, curve)


@pytest.mark.parametrize("background", ["linear", "shirley+linear"])
def test_a_background_that_is_given_is_used(background):
    peaks = xpsnet.fit(TWO, background=background)
    assert_two_states(peaks)
    assert peaks.attrs["background"] == background
    assert "background_choice" not in peaks.attrs


def test_a_part_of_the_window():
    peaks = xpsnet.fit(TWO, energy_range=(159.0, 170.0))
    assert_two_states(peaks)
    assert peaks.energy.min() >= 159.0


def test_an_axis_of_uneven_steps():
    energy = np.sort(np.random.default_rng(0).uniform(156.0, 172.0, 160))
    curve = sulfur((162.0, 6000.0), (165.5, 3600.0), energy=energy)
    assert_two_states(xpsnet.fit(spectra_of(drawn(curve), energy)), atol=0.05)


def test_missing_points(two):
    holes = TWO.copy()
    holes[::7] = np.nan
    holes[40] = np.inf
    assert_two_states(xpsnet.fit(holes), atol=0.05)


# What becomes of a result


def test_a_result_is_refined_again(two, stack):
    again = xpsnet.refine(TWO, two, background=two.attrs["background"])
    np.testing.assert_allclose(again.center, two.center, atol=0.03)
    assert again.redchi <= two.redchi * 1.05
    many = xpsnet.refine(STACK, stack)
    assert many.n_peaks.values.tolist() == [4, 2, 0, 4, 2]


def test_curves_and_figure(two):
    curves = xpsnet.curves(two)
    assert curves.component.shape == (4, SULFUR.size)
    residual = (TWO - curves.envelope) / np.sqrt(TWO)
    assert float((residual**2).mean()) < 1.4
    figure = xpsnet.plot(TWO, two)
    plt.close(figure)


STATES = ("state", "partner", "n_states", "n_states_probability", "model_choice",
          "model_probability")  # fmt: skip


@pytest.mark.parametrize("extension", ["nc", "zarr", "csv", "xlsx"])
@pytest.mark.parametrize("which", ["two", "stack"])
def test_files_keep_the_states(tmp_path, request, which, extension):
    peaks = request.getfixturevalue(which)
    xpsnet.write(peaks, tmp_path / f"peaks.{extension}")
    [found] = xpsnet.read_fit(tmp_path / f"peaks.{extension}")
    for name in STATES:
        np.testing.assert_allclose(found[name], peaks[name], rtol=1e-12, err_msg=name)
        assert found[name].dtype.kind == peaks[name].dtype.kind
    for name in ("model_choices", "model_choice_text", "background_choice", "line_shape"):
        assert found.attrs[name] == peaks.attrs[name]
    assert found.attrs.get("links") == peaks.attrs.get("links")


# Stacks and maps


def test_every_spectrum_of_a_stack_has_its_own_number_of_states(stack):
    assert stack.n_states.values.tolist() == [2, 1, 0, 2, 1]
    assert stack.n_peaks.values.tolist() == [4, 2, 0, 4, 2]
    assert (stack.status.values == [0, 0, Status.NO_PEAKS, 0, 0]).all()
    np.testing.assert_allclose(stack.center[0], CENTERS, atol=0.03)
    assert stack.state.values[:3].tolist() == [[1, 1, 2, 2], [1, 1, 0, 0], [0, 0, 0, 0]]
    assert stack.partner.values[:3].tolist() == [[2, 1, 4, 3], [2, 1, 0, 0], [0, 0, 0, 0]]
    for name in stack.data_vars:
        for first, second in ((0, 3), (1, 4)):  # the same spectra
            np.testing.assert_array_equal(stack[name][first], stack[name][second], err_msg=name)


def test_few_spectra_with_fewer_states_than_the_others_keep_theirs():
    three = ((161.0, 6000.0), (163.6, 4500.0), (166.3, 5200.0))
    rows = [spectra_of(drawn(sulfur(*three), number)) for number in range(24)]
    rows += [spectra_of(drawn(sulfur(three[0]), number)) for number in (50, 51)]
    peaks = xpsnet.fit(xr.concat(rows, "x"), neighbors=False)
    assert (peaks["n_states"][:24] == 3).all()
    assert (peaks["n_states"][24:] == 1).all()
    np.testing.assert_allclose(peaks["center"][24:, 0], 161.0, atol=0.02)


def test_the_structure_of_a_stack_is_chosen_once(stack):
    assert isinstance(stack.attrs["line_shape"], str)
    assert stack.attrs["background"] in ("shirley+linear", "shirley", "linear")
    words = stack.attrs["model_choice_text"]
    assert words.startswith(f"symmetric lines, {stack.attrs['background']} background, probability")
    choices = json.loads(stack.attrs["model_choices"])
    named = [choices[i].split(":")[0] for i in stack.model_choice.values]
    assert named == ["two states", "one state", "no state", "two states", "one state"]
    np.testing.assert_allclose(stack.model_probability.sum("choice"), 1.0)
    np.testing.assert_allclose(stack.n_states_probability.sum("count"), 1.0)
    most = stack.n_states_probability.argmax("count")
    np.testing.assert_array_equal(most, stack.n_states)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_lazy_stack_is_the_same_to_the_last_bit(stack, rows):
    lazy = xpsnet.fit(STACK.chunk({"x": rows, "energy": 61}), neighbors=False)
    assert lazy.center.chunks is not None
    found = lazy.compute()
    assert np.isnan(found.center[:, stack.sizes["peak"] :]).all()
    found = found.isel(peak=slice(0, stack.sizes["peak"]))
    xr.testing.assert_identical(found.transpose(*stack.dims), stack.transpose(*stack.dims))


def test_follow_numbers_partners_anew(stack):
    shifted = STACK.copy()
    alone = drawn(sulfur((165.5, 3600.0)), 9)
    spectra = xr.concat([shifted[:2], spectra_of(alone), shifted[3:]], "x")
    peaks = xpsnet.fit(spectra, neighbors=False, background="linear")
    followed = xpsnet.follow(peaks)
    assert followed.sizes["peak"] == 4
    assert np.isnan(followed.center.values[2, :2]).all()
    np.testing.assert_allclose(followed.center[2, 2:], CENTERS[2:], atol=0.03)
    assert followed.partner.values[2].tolist() == [0, 0, 4, 3]
    assert followed.partner.values[1].tolist() == [2, 1, 0, 0]
    assert followed.n_states.values.tolist() == [2, 1, 1, 2, 1]


COARSE = CARBON[::2]


def carbon_map(size=4, height=4000.0):
    """One C 1s state in all pixels, and a second one of 44 standard deviations in a single one."""
    curve = np.tile(300.0 + line(COARSE, 284.8, height, 1.2), (size, size, 1))
    curve[1, 2] += line(COARSE, 288.6, 44 * np.sqrt(300.0), 1.2)
    curve[2, 0] -= 0.9 * line(COARSE, 284.8, height, 1.2)
    return spectra_of(drawn(curve, 8), COARSE, "C 1s", ("y", "x"))


@pytest.fixture(scope="module")
def carbon():
    return xpsnet.fit(carbon_map(), neighbors=True)


def test_neighbors_never_erase_a_clear_state(carbon):
    expected = np.ones((4, 4), dtype=int)
    expected[1, 2] = 2
    np.testing.assert_array_equal(carbon.n_states, expected)
    assert float(carbon.redchi[1, 2]) < 1.6
    second = carbon.center[1, 2].values
    assert np.nanmin(np.abs(second - 288.6)) < 0.1
    assert {"start", "label"} <= set(carbon.variables)


def test_a_lazy_map_is_the_same_to_the_last_bit(carbon):
    lazy = xpsnet.fit(carbon_map().chunk({"y": 3, "x": 4}), neighbors=True).compute()
    n = carbon.sizes["peak"]
    assert np.isnan(lazy.center[..., n:]).all()
    found = lazy.isel(peak=slice(0, n))
    xr.testing.assert_identical(found.transpose(*carbon.dims), carbon.transpose(*carbon.dims))


def odd_rows():
    """Rows of every kind, and the flag that each must have."""
    kinds = {
        "missing": (STACK[0] * np.nan, Status.NOT_FINITE),
        "sound": (STACK[0], Status.OK),
        "half": (STACK[0].where(np.arange(SULFUR.size) % 2 == 0), Status.OK),
        "dead": (STACK[0] * 0.0, Status.NO_SIGNAL),
        "constant": (STACK[0] * 0.0 + 7.0, Status.NO_SIGNAL),
        "noise": (STACK[2], Status.NO_PEAKS),
        "bright": (STACK[1] * 1e12, Status.OK),
        "dim": (STACK[1] * 1e-6, Status.OK),
        "infinite": (STACK[1].where(np.arange(SULFUR.size) != 9, np.inf), Status.OK),
        "negative": (-STACK[0], None),
        "far below": (STACK[0] - 3000.0, None),
        "few": (STACK[0].where(SULFUR[4] > SULFUR), None),
    }
    spectra = xr.concat([row for row, _ in kinds.values()], "x")
    return spectra, [status for _, status in kinds.values()]


@pytest.mark.parametrize("noise", [None, "each"])
@pytest.mark.parametrize("chunks", [None, 5], ids=["eager", "dask"])
def test_rows_of_every_kind_get_a_status(chunks, noise):
    spectra, expected = odd_rows()
    spectra = spectra if chunks is None else spectra.chunk({"x": chunks})
    peaks = xpsnet.fit(spectra, neighbors=False, noise=noise).compute()
    known = set(Status)
    for found, wanted in zip(peaks.status.values, expected, strict=True):
        assert Status(int(found)) in known
        assert wanted is None or found == wanted
    assert peaks.n_states.values[[1, 2, 6, 7, 8]].tolist() == [2, 2, 1, 1, 1]
    assert not peaks.n_states.values[[0, 3, 4, 5]].any()


def test_rows_of_every_kind_in_a_map():
    spectra, expected = odd_rows()
    peaks = xpsnet.fit(spectra, neighbors=True)
    sure = [i for i, wanted in enumerate(expected) if wanted is not None]
    assert peaks.status.values[sure].tolist() == [expected[i] for i in sure]


def test_points_that_no_spectrum_has_are_no_reason_to_warn(stack):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        peaks = xpsnet.fit(STACK.where(STACK.energy < 168.5), neighbors=False)
    np.testing.assert_array_equal(peaks.n_states, stack.n_states)


def test_a_stack_whose_points_are_mostly_missing_is_looked_at():
    inside = (STACK.energy > 160.0) & (STACK.energy < 167.5)  # less than half of the axis
    assert inside.mean() < 0.5
    peaks = xpsnet.fit(STACK[:2].where(inside), neighbors=False)
    assert peaks.n_states.values.tolist() == [2, 1]


@pytest.mark.parametrize("value", [np.nan, 0.0, 5.0])
@pytest.mark.parametrize("one", [True, False])
def test_nothing_but_nothing(value, one):
    spectra = STACK * 0.0 + value
    peaks = xpsnet.fit(spectra[0] if one else spectra, neighbors=False)
    wanted = Status.NOT_FINITE if np.isnan(value) else Status.NO_SIGNAL
    assert (peaks.status == wanted).all()
    assert not peaks.n_states.any()


def test_a_stack_without_spectra():
    peaks = xpsnet.fit(STACK[:0])
    assert peaks.status.size == 0
    assert peaks.n_states.dims == ("x",)
    lazy = xpsnet.fit(STACK[:0].chunk({"x": 1})).compute()
    assert lazy.n_states.size == 0


@pytest.mark.parametrize("number", [2, 3, 4, 5, 8, 13, 21])
def test_few_points_give_a_status(number):
    for spectra in (STACK[0, 58 : 58 + number], STACK[:2, 58 : 58 + number]):
        peaks = xpsnet.fit(spectra, neighbors=False)
        assert np.isin(peaks.status, list(Status)).all()
        if number == 2:
            assert (peaks.status == Status.TOO_FEW_POINTS).all()
            assert not peaks.n_states.any()


@pytest.mark.parametrize("number", [12, 16, 20])
def test_a_short_window_of_a_clear_line_is_not_only_noise(number):
    assert xpsnet.fit(TWO[60 : 60 + number]).status != Status.NO_PEAKS
    noise = xpsnet.fit(spectra_of(drawn(np.full((50, number), 200.0)), SULFUR[:number]))
    assert (noise.status == Status.NO_PEAKS).all()


@pytest.mark.parametrize("number", [0, 1, 3])
def test_states_that_are_given_where_none_can_be_fitted(number):
    for spectra in (STACK[0, 58:61], STACK[:2, 58:61], STACK[:2] * np.nan, STACK[0] * 0.0):
        peaks = xpsnet.fit(spectra, neighbors=False, n_states=number)
        assert not peaks.n_states.any()
        assert (peaks.status != Status.OK).all()
    lazy = xpsnet.fit((STACK[:2] * np.nan).chunk({"x": 1}), neighbors=False, n_states=number)
    assert (lazy.status == Status.NOT_FINITE).all()


def test_an_axis_of_one_point_is_refused():
    with pytest.raises(ValueError, match="expected at least 2 energies"):
        xpsnet.fit(TWO[:1])


@pytest.mark.parametrize("part", [slice(0, 57), slice(63, None)], ids=["before", "after"])
def test_a_window_that_cuts_its_peak_says_so(part):
    spectrum = spectra_of(drawn(400.0 + line(SULFUR, 162.0, 6000.0, 1.4)))[part]
    peaks = xpsnet.fit(spectrum.rename("C 1s"))
    assert applies(peaks, Status.CUT_OFF) or peaks.status == Status.STEP


QUICK = {"neighbors": False, "background": "linear", "n_states": 1}


def test_a_cancelled_fit_says_what_is_not_done():
    peaks = xpsnet.fit(STACK, **QUICK, cancel=lambda: True)
    assert (peaks.status == Status.NOT_DONE).all()
    assert "model_choice_text" in peaks.attrs
    asked = []
    done = xpsnet.fit(STACK, **QUICK, cancel=lambda: bool(asked.append(1)))
    np.testing.assert_array_equal(done.center, xpsnet.fit(STACK, **QUICK).center)
    assert asked


def test_progress_reaches_the_number_of_spectra():
    steps = []
    xpsnet.fit(STACK, **QUICK, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (5, 5)
    assert steps == sorted(steps)
    steps.clear()
    xpsnet.fit(ONE, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (1, 1)


def test_states_are_not_counted_in_thousands_of_points():
    energy = np.linspace(280.0, 296.0, 2001)
    counts = 200.0 + 3000.0 * np.exp(-4 * np.log(2) * ((energy - 285.0) / 1.2) ** 2)
    long = make_spectrum(counts.round(), energy, scale="binding", name="C 1s")
    assert "n_states" not in xpsnet.fit(long)
    with pytest.raises(ValueError, match=r"at most 2000 points for n_states, got 2001.*energy=2"):
        xpsnet.fit(long, n_states=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_states": 7}, 'expected "auto", or a whole number from 0 to 6, got n_states=7'),
        ({"n_states": -1}, "a whole number from 0 to 6, got n_states=-1"),
        ({"n_states": 1.5}, "a whole number from 0 to 6, got n_states=1.5"),
        ({"model_error": -0.1}, "expected a finite number from 0 below 1, got model_error=-0.1"),
        ({"model_error": np.nan}, "a finite number from 0 below 1, got model_error=nan"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        xpsnet.fit(STACK, **options)
