"""The public door: scales, units, shapes of arrays, bad spectra, progress and cancel."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import Status, curves
from xpsnet.data.spectrum import crop, make_spectrum
from xpsnet.fitting.refine import refine
from xpsnet.fitting.static_background import static_background
from xpsnet.numerics.noise import noise_profile

EVERY = ("center", "fwhm", "height", "area", "fraction")


def stacked(case, n, **changes):
    """The same spectrum n times along x, some of them replaced."""
    counts = np.repeat(case.spectrum.values[None], n, axis=0)
    for key, values in changes.items():
        counts[int(key.removeprefix("x"))] = values
    return make_spectrum(
        counts, case.spectrum.energy.values, dims=("x", "energy"), scale="binding", name="C 1s"
    )


def test_peaks_come_back_with_errors(two_peak_case, rough_start):
    peaks = refine(two_peak_case.spectrum, rough_start, noise=two_peak_case.noise)
    assert peaks.status == Status.OK
    assert peaks.n_peaks == 2
    assert peaks.attrs["background"] == "shirley+linear"
    assert peaks.attrs["shared"] == "fraction"
    assert peaks.attrs["region"] == "C 1s"
    assert 0.8 < peaks.redchi < 1.2
    for name in EVERY:
        error = abs(peaks[name] - two_peak_case.truth[name])
        assert (error < 4 * peaks[f"{name}_stderr"]).all()
    assert (peaks.background_shirley_stderr > 0).all()
    assert peaks.fraction[0] == peaks.fraction[1]


def test_input_is_left_alone(two_peak_case, rough_start):
    spectrum, start = two_peak_case.spectrum.copy(deep=True), rough_start.copy(deep=True)
    refine(spectrum, start)
    xr.testing.assert_identical(spectrum, two_peak_case.spectrum)
    xr.testing.assert_identical(start, rough_start)


def test_the_noise_is_estimated_where_it_is_not_given(two_peak_case, rough_start):
    peaks = refine(two_peak_case.spectrum, rough_start)
    profile = noise_profile(two_peak_case.spectrum.values)
    given = refine(two_peak_case.spectrum, rough_start, noise=profile)
    assert (abs(peaks.center - given.center) < 0.05 * peaks.center_stderr).all()
    assert float(peaks.noise) == pytest.approx(np.sqrt(np.mean(profile**2)), rel=0.1)
    noise = {key: peaks.attrs[f"noise_{key}"] for key in ("gain", "floor", "dof")}
    again = refine(two_peak_case.spectrum, rough_start, noise=noise)
    xr.testing.assert_identical(again, peaks)


@pytest.mark.parametrize("unit", [1e-10, 1e-3, 7.0, 1e9])
def test_the_unit_of_the_counts_changes_nothing(two_peak_case, rough_start, unit):
    spectrum = two_peak_case.spectrum
    other = (spectrum * unit).assign_attrs(spectrum.attrs)
    peaks, scaled = refine(spectrum, rough_start), refine(other, rough_start)
    for name in EVERY:
        factor = unit if name in ("height", "area") else 1.0
        np.testing.assert_allclose(scaled[name], factor * peaks[name], rtol=1e-6)
        errors = scaled[f"{name}_stderr"], factor * peaks[f"{name}_stderr"]
        np.testing.assert_allclose(*errors, rtol=1e-5)
    assert float(scaled.redchi) == pytest.approx(float(peaks.redchi), rel=1e-8)
    assert float(scaled.background_constant) == pytest.approx(
        unit * float(peaks.background_constant), rel=1e-5
    )
    assert scaled.status == peaks.status


def test_the_kinetic_scale_is_the_mirror(make_case, make_hand_peaks):
    binding = make_hand_peaks((284.8, 286.4), (1.1, 1.3), (3000.0, 1500.0), background="linear")
    case = make_case(binding)
    photon = 1486.6
    energy = photon - case.spectrum.energy.values
    kinetic = make_spectrum(case.spectrum.values, energy, scale="kinetic")
    start = make_hand_peaks(
        (photon - 286.7, photon - 284.6),
        (1.0, 1.3),
        (2000.0, 2500.0),
        energy=energy,
        scale="kinetic",
    )
    arguments = {"noise": case.noise.values, "covariance": True}
    expected = refine(case.spectrum, binding, **arguments)
    peaks = refine(kinetic, start, **arguments)
    assert (np.diff(peaks.center) > 0).all()
    np.testing.assert_allclose(photon - peaks.center[::-1], expected.center, atol=1e-6)
    for name in ("fwhm", "height", "area", "fraction"):
        np.testing.assert_allclose(peaks[name][::-1], expected[name], rtol=1e-5)
        errors = peaks[f"{name}_stderr"][::-1], expected[f"{name}_stderr"]
        np.testing.assert_allclose(*errors, rtol=1e-4)
    slope = float(expected.background_slope)
    assert float(peaks.background_slope) == pytest.approx(-slope, rel=1e-4)
    np.testing.assert_allclose(curves(peaks).envelope, curves(expected).envelope, rtol=1e-6)
    mirrored = peaks.covariance.sel(parameter="center_1", parameter_2="height_1")
    straight = expected.covariance.sel(parameter="center_2", parameter_2="height_2")
    assert float(mirrored) == pytest.approx(-float(straight), rel=1e-3)


def test_constraints_are_on_the_scale_of_the_spectrum(make_case, make_hand_peaks):
    energy = np.linspace(1190.0, 1205.0, 201)
    truth = make_hand_peaks(
        (1196.0, 1199.0), (1.1, 1.3), (900.0, 700.0), energy=energy, scale="kinetic"
    )
    case = make_case(truth)
    peaks = refine(
        case.spectrum,
        truth,
        background="constant",
        constraints={"center_1": 1196.1, "center_2": (None, 1198.9), "height_2": (500.0, None)},
    )
    assert float(peaks.center[0]) == 1196.1
    assert np.isnan(peaks.center_stderr[0])
    assert float(peaks.center[1]) == 1198.9
    assert int(peaks.status_flags) & Status.AT_BOUND.flag


@pytest.mark.parametrize("engine", ["batch", "lmfit"])
@pytest.mark.parametrize("estimated", [False, True], ids=["noise given", "noise estimated"])
def test_the_direction_of_the_axis_changes_nothing(two_peak_case, rough_start, engine, estimated):
    spectrum, noise = two_peak_case.spectrum, None if estimated else two_peak_case.noise
    turned_noise = None if noise is None else noise[::-1]
    peaks = refine(spectrum, rough_start, noise=noise, engine=engine)
    turned = refine(spectrum[::-1], rough_start, noise=turned_noise, engine=engine)
    for name in EVERY:
        np.testing.assert_array_equal(turned[name], peaks[name])
        if f"{name}_stderr" in peaks:
            np.testing.assert_array_equal(turned[f"{name}_stderr"], peaks[f"{name}_stderr"])


@pytest.mark.parametrize("engine", ["batch", "lmfit"])
def test_a_batch_is_the_loop(engine, make_case, make_hand_peaks):
    cases = [
        make_case(make_hand_peaks((284.8, c), (1.1, 1.3), (900.0, 500.0)), seed=i)
        for i, c in enumerate((286.4, 286.8, 287.2))
    ]
    spectra = xr.concat([case.spectrum for case in cases], "x")
    starts = xr.concat([case.truth for case in cases], "x")
    together = refine(spectra, starts, engine=engine, covariance=True, noise="each")
    assert together.sizes["x"] == 3
    for i, case in enumerate(cases):
        alone = refine(case.spectrum, case.truth, engine=engine, covariance=True)
        xr.testing.assert_allclose(together.isel(x=i), alone, rtol=1e-12)
    together = refine(spectra, starts, engine=engine, covariance=True)
    noise = {key: together.attrs[f"noise_{key}"] for key in ("gain", "floor", "dof")}
    for i, case in enumerate(cases):
        alone = refine(case.spectrum, case.truth, engine=engine, covariance=True, noise=noise)
        xr.testing.assert_allclose(together.isel(x=i), alone, rtol=1e-12)


def test_leading_dimensions_keep_their_order_and_coordinates(two_peak_case, rough_start):
    counts = np.broadcast_to(two_peak_case.spectrum.values[:, None, None], (241, 2, 3)).copy()
    energy = two_peak_case.spectrum.energy.values
    spectra = make_spectrum(
        counts, energy, dims=("energy", "y", "x"), coords={"y": [0.0, 5.0]}, scale="binding"
    )
    peaks = refine(spectra, rough_start)
    assert peaks.center.dims == ("y", "x", "peak")
    assert peaks.y.values.tolist() == [0.0, 5.0]
    np.testing.assert_array_equal(peaks.status, np.zeros((2, 3)))


def test_missing_points_are_left_out(two_peak_case, rough_start):
    holes = two_peak_case.spectrum.copy()
    holes[[0, 40, 41, 120, -1]] = np.nan
    peaks = refine(holes, rough_start, noise=two_peak_case.noise)
    whole = refine(two_peak_case.spectrum, rough_start, noise=two_peak_case.noise)
    assert peaks.status == Status.OK
    assert (abs(peaks.center - whole.center) < 2 * whole.center_stderr).all()
    infinite = holes.fillna(np.inf)
    again = refine(infinite, rough_start, noise=two_peak_case.noise)
    np.testing.assert_array_equal(again.center, peaks.center)


def test_the_window_is_that_of_the_peaks_or_as_told(two_peak_case, rough_start):
    narrow = refine(two_peak_case.spectrum, rough_start, energy_range=(289, 282))
    assert narrow.energy.min() >= 282
    assert narrow.energy.max() <= 289
    again = refine(two_peak_case.spectrum, narrow)
    np.testing.assert_array_equal(again.energy, narrow.energy)
    noise = two_peak_case.noise
    told = refine(two_peak_case.spectrum, rough_start, energy_range=(289, 282), noise=noise)
    cut = refine(crop(two_peak_case.spectrum, (282, 289)), narrow, noise=crop_like(noise, narrow))
    np.testing.assert_allclose(told.center, cut.center, rtol=1e-9)


def crop_like(noise, peaks):
    return noise.sel(energy=peaks.energy).values


@pytest.mark.parametrize("line_shape", ["gaussian", "voigt", "doniach_sunjic_gauss"])
def test_another_line_shape_than_that_of_the_start(two_peak_case, rough_start, line_shape):
    peaks = refine(two_peak_case.spectrum, rough_start, line_shape=line_shape)
    assert peaks.attrs["line_shape"] == line_shape
    assert (abs(peaks.center - two_peak_case.truth.center) < 0.1).all()
    assert np.isfinite(peaks.area_stderr).all() or peaks.status == Status.AT_BOUND


def test_shared_widths(two_peak_case, rough_start):
    peaks = refine(two_peak_case.spectrum, rough_start, shared=("fwhm", "fraction"))
    assert peaks.fwhm[0] == peaks.fwhm[1]
    assert peaks.attrs["shared"] == "fwhm fraction"


def test_covariance_belongs_to_the_errors(two_peak_case, rough_start):
    peaks = refine(two_peak_case.spectrum, rough_start, covariance=True)
    variance = np.diagonal(peaks.covariance)
    errors = dict(zip(peaks.parameter.values.tolist(), np.sqrt(variance), strict=True))
    for i in (0, 1):
        for name in ("center", "fwhm", "height"):
            assert errors[f"{name}_{i + 1}"] == pytest.approx(float(peaks[f"{name}_stderr"][i]))
    assert errors["fraction"] == pytest.approx(float(peaks.fraction_stderr[0]))
    assert errors["background_slope"] == pytest.approx(float(peaks.background_slope_stderr))
    np.testing.assert_allclose(peaks.covariance, peaks.covariance.values.T)


def test_peaks_that_cross_stay_in_order(make_case, make_hand_peaks):
    truth = make_hand_peaks((284.8, 286.4), (1.0, 1.4), (3000.0, 1500.0), background="constant")
    case = make_case(truth)
    start = make_hand_peaks((285.55, 285.6), (1.0, 1.4), (1500.0, 3000.0))
    peaks = refine(case.spectrum, start, background="constant", covariance=True)
    assert (np.diff(peaks.center) > 0).all()
    variance = np.diagonal(peaks.covariance)
    errors = dict(zip(peaks.parameter.values.tolist(), np.sqrt(variance), strict=True))
    assert errors["fwhm_2"] == pytest.approx(float(peaks.fwhm_stderr[1]))


def test_no_peaks_leave_the_background(make_case, make_hand_peaks):
    case = make_case(make_hand_peaks((284.8,), (1.0,), (0.0,), background="linear"))
    none = case.truth.copy(deep=True)
    for name in EVERY:
        none[name] = none[name] * np.nan
    peaks = refine(case.spectrum, none, background="linear")
    assert peaks.status == Status.NO_PEAKS
    assert peaks.n_peaks == 0
    assert float(peaks.background_constant) == pytest.approx(400.0, abs=10.0)
    assert 0.7 < peaks.redchi < 1.3


def test_bad_spectra_get_a_status_and_leave_the_others_alone(two_peak_case, rough_start):
    counts = two_peak_case.spectrum.values
    nothing, few, spiky = counts * np.nan, counts * np.nan, counts.copy()
    few[[100, 110, 120, 130, 140]] = counts[[100, 110, 120, 130, 140]]
    spiky[30] = 1e12
    spectra = stacked(
        two_peak_case,
        9,
        x1=nothing,
        x2=np.full_like(counts, 7.0),
        x3=np.zeros_like(counts),
        x4=few,
        x5=-counts,
        x6=spiky,
        x7=np.random.default_rng(0).normal(size=counts.size),
    )
    peaks = refine(spectra, rough_start, noise="each")
    expected = refine(two_peak_case.spectrum, rough_start, engine="batch")
    assert peaks.status.values[:5].tolist() == [
        Status.OK,
        Status.NOT_FINITE,
        Status.NO_SIGNAL,
        Status.NO_SIGNAL,
        Status.TOO_FEW_POINTS,
    ]
    assert np.isnan(peaks.center[1:5]).all()
    assert peaks.background_constant.values[2:4].tolist() == [7.0, 0.0]
    assert (peaks.n_peaks[1:5] == 0).all()
    for i in (0, 8):
        np.testing.assert_array_equal(peaks.center[i], expected.center)
    assert np.isfinite(curves(peaks).envelope[[0, 5, 6, 7, 8]]).all()


@pytest.mark.parametrize("background", ["constant", "shirley+linear", "tougaard"])
@pytest.mark.parametrize("scale", [1e12, 1e-6, -1.0], ids=["huge", "tiny", "negative"])
def test_extreme_counts_end_with_a_status(two_peak_case, rough_start, scale, background):
    spectrum = (two_peak_case.spectrum * scale).assign_attrs(two_peak_case.spectrum.attrs)
    peaks = refine(spectrum, rough_start, background=background)
    assert Status(int(peaks.status)) in (
        Status.OK,
        Status.AT_BOUND,
        Status.ILL_DETERMINED,
        Status.NOT_CONVERGED,
        Status.MISFIT,
    )
    assert np.isfinite(curves(peaks).envelope).all()


@pytest.mark.parametrize(
    ("center", "fwhm", "height"),
    [
        ((200.0, 900.0), (1.0, 1.0), (1.0, 1.0)),
        ((284.6, 286.7), (1e-9, 1e9), (1.0, 1.0)),
        ((284.6, 286.7), (np.nan, np.nan), (np.nan, np.nan)),
        ((284.6, 286.7), (1.0, 1.0), (-1e9, 1e30)),
        ((285.5, 285.5), (1.0, 1.0), (1e3, 1e3)),
    ],
    ids=["outside", "absurd-widths", "centers-only", "absurd-heights", "on-top"],
)
def test_absurd_starts_end_with_a_status(two_peak_case, make_hand_peaks, center, fwhm, height):
    peaks = refine(two_peak_case.spectrum, make_hand_peaks(center, fwhm, height))
    energy = peaks.energy.values
    assert ((peaks.center >= energy.min()) & (peaks.center <= energy.max())).all()
    assert (peaks.height >= 0).all()
    if center == (284.6, 286.7):
        assert peaks.status == Status.OK


def test_five_points(make_hand_peaks):
    energy = np.linspace(280.0, 284.0, 5)
    spectrum = make_spectrum([1.0, 4.0, 9.0, 3.0, 1.5], energy, scale="binding")
    one = make_hand_peaks((282.0,), (1.0,), (8.0,), energy=energy)
    refused = refine(spectrum, one)
    assert refused.status == Status.TOO_FEW_POINTS
    held = {"fraction": 0.3}
    peaks = refine(spectrum, one, background="constant", constraints=held, noise=0.1)
    assert peaks.status == Status.OK
    assert float(peaks.center[0]) == pytest.approx(282.0, abs=0.2)


def test_two_peaks_where_there_is_one_are_not_determined(make_case, make_hand_peaks):
    case = make_case(make_hand_peaks((284.8,), (1.2,), (2000.0,), background="constant"), seed=None)
    twice = make_hand_peaks((284.8, 284.8), (1.2, 1.2), (1000.0, 1000.0))
    peaks = refine(case.spectrum, twice, background="constant", noise=20.0)
    assert peaks.status == Status.ILL_DETERMINED
    assert np.isnan(peaks.center_stderr).any()
    assert np.isfinite(peaks.background_constant_stderr)


def test_a_peak_that_vanishes_takes_its_center_along(make_case, make_hand_peaks):
    case = make_case(make_hand_peaks((284.8,), (1.2,), (2000.0,), background="constant"), seed=None)
    dip = case.spectrum - 100 * np.exp(-(((case.spectrum.energy - 289) / 3) ** 2))
    two = make_hand_peaks((284.8, 289.0), (1.2, 1.0), (2000.0, 50.0))
    peaks = refine(dip.assign_attrs(case.spectrum.attrs), two, background="constant", noise=20.0)
    assert int(peaks.status_flags) & Status.AT_BOUND.flag
    assert float(peaks.height[1]) == 0.0
    assert np.isnan(peaks.center_stderr[1])
    assert np.isfinite(peaks.center_stderr[0])


def test_what_was_not_predicted_is_not_refined(two_peak_case, rough_start):
    starts = xr.concat([rough_start] * 3, "x")
    starts["status"] = ("x", [Status.OK, Status.NOT_DONE, Status.OUTSIDE_MODEL])
    starts["center"] = starts.center.where(starts.status != Status.NOT_DONE)
    peaks = refine(stacked(two_peak_case, 3), starts)
    assert peaks.status.values.tolist() == [Status.OK, Status.NOT_DONE, Status.OUTSIDE_MODEL]


def test_cancel_keeps_what_is_done(two_peak_case, rough_start):
    steps = []
    peaks = refine(
        stacked(two_peak_case, 5),
        rough_start,
        engine="lmfit",
        progress=lambda done, total: steps.append((done, total)),
        cancel=lambda: len(steps) >= 2,
    )
    assert steps == [(1, 5), (2, 5)]
    assert peaks.status.values.tolist() == [Status.OK] * 2 + [Status.NOT_DONE] * 3
    assert np.isfinite(peaks.center[:2]).all()
    assert np.isnan(peaks.center[2:]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "fast"}, 'expected engine from "auto", "lmfit", "batch"'),
        ({"background": "flat"}, "expected background from"),
        ({"line_shape": "round"}, "expected line_shape from"),
        ({"shared": ("center",)}, "expected shared"),
        ({"constraints": {"width": 1.0}}, "expected constraints on"),
        ({"noise": 0.0}, "expected noise > 0"),
        ({"noise": np.ones(3)}, "expected noise as one number"),
        ({"energy_range": (1.0, 2.0)}, "at least 2 points"),
    ],
)
def test_misuse_is_refused(two_peak_case, rough_start, change, message):
    with pytest.raises(ValueError, match=message):
        refine(two_peak_case.spectrum, rough_start, **change)


def test_peaks_that_do_not_belong_are_refused(two_peak_case, rough_start):
    spectra = stacked(two_peak_case, 2)
    with pytest.raises(ValueError, match="over the dimensions of the spectra"):
        refine(spectra, rough_start.expand_dims(x=3))
    with pytest.raises(ValueError, match="dimension `count`"):
        refine(spectra, rough_start.expand_dims(count=3))
    with pytest.raises(ValueError, match="expected a peaks Dataset"):
        refine(spectra, rough_start.drop_vars("center"))
    with pytest.raises(ValueError, match="one energy scale"):
        refine(spectra, rough_start.assign_attrs(scale="kinetic"))


def test_labeled_peaks_keep_their_places(two_peak_case, make_hand_peaks):
    start = make_hand_peaks((286.7, 284.6, 289.0), (1.0, 1.3, 1.0), (2000.0, 2500.0, 500.0))
    start = start.isel(peak=[1, 2, 0])
    start["center"][1] = np.nan
    start["label"] = ("peak", ["C-O", "O-C=O", "C-C"])
    peaks = refine(two_peak_case.spectrum, start, covariance=True)
    truth = two_peak_case.truth
    assert peaks.label.values.tolist() == ["C-O", "O-C=O", "C-C"]
    np.testing.assert_allclose(peaks.center[[0, 2]], truth.center[[1, 0]], atol=0.05)
    assert np.isnan(peaks.center[1])
    assert np.isnan(peaks.area_stderr[1])
    errors = np.sqrt(np.diagonal(peaks.covariance))
    named = dict(zip(peaks.parameter.values.tolist(), errors, strict=True))
    assert named["center_3"] == pytest.approx(float(peaks.center_stderr[2]))
    assert np.isnan(named["center_2"])


@pytest.mark.parametrize("engine", ["lmfit", "batch"])
def test_no_places_for_peaks(two_peak_case, rough_start, engine):
    none = rough_start.isel(peak=slice(0, 0))
    peaks = refine(stacked(two_peak_case, 2), none, engine=engine)
    assert peaks.status.values.tolist() == [Status.MISFIT] * 2  # two lines are there
    assert (peaks.background_constant > 0).all()


def test_chunks_over_one_spectrum_and_of_its_noise(two_peak_case, rough_start):
    spectra = stacked(two_peak_case, 4)
    noise = np.sqrt(spectra.mean("energy"))
    held = static_background(spectra, "linear")
    chunks = {"x": 2, "energy": 40}
    lazy_held = static_background(spectra.chunk(chunks), "linear")
    assert lazy_held.chunks is not None
    xr.testing.assert_equal(lazy_held.compute(), held)
    now = refine(spectra, rough_start, noise=noise, background=held)
    lazy = refine(
        spectra.chunk(chunks), rough_start, noise=noise.chunk({"x": 3}), background=lazy_held
    )
    assert lazy.center.chunks is not None
    for name in EVERY:
        np.testing.assert_allclose(lazy[name], now[name], rtol=1e-9)


@pytest.mark.parametrize("chunks", [None, {"label": 2}], ids=["eager", "dask"])
def test_noise_and_background_have_the_names_of_the_spectra(two_peak_case, rough_start, chunks):
    spectra = stacked(two_peak_case, 3)
    noise, held = np.sqrt(spectra), static_background(spectra, "linear")
    expected = refine(spectra, rough_start, noise=noise, background=held)
    names = {"x": "label", "energy": "q"}
    other, other_noise, other_held = (v.rename(names) for v in (spectra, noise, held))
    other = other if chunks is None else other.chunk(chunks)
    found = refine(other, rough_start, noise=other_noise, background=other_held, dim="q")
    assert found.center.dims == ("spectra_label", "peak")
    for name in EVERY:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9)


@pytest.mark.parametrize("chunks", [None, {"x": 2}], ids=["eager", "dask"])
def test_noise_at_other_energies_is_refused(two_peak_case, rough_start, chunks):
    spectra = stacked(two_peak_case, 2)
    noise = np.sqrt(spectra).isel(energy=slice(9, None))
    spectra = spectra if chunks is None else spectra.chunk(chunks)
    with pytest.raises(ValueError, match="expected noise at every energy of the spectra"):
        refine(spectra, rough_start, noise=noise)
