"""The batched engine against lmfit, at its limits, on bad input, and among threads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from xpsnet.data.peaks import Status, curves, make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.parameters import start_parameters
from xpsnet.fitting.refine import refine
from xpsnet.fitting.solve import batch
from xpsnet.fitting.solve.batch import solve_batch
from xpsnet.fitting.solve.fit_inputs import FitInputs
from xpsnet.fitting.solve.point_noise import PointNoise
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.parallel import threads

ENERGY = np.linspace(280.0, 292.0, 161)
COEFFICIENTS = {"constant": 400.0, "slope": 6.0, "shirley": 0.03, "tougaard": 300.0}
CENTERS, WIDTHS, HEIGHTS = np.array([284.3, 287.2]), np.array([1.1, 1.4]), np.array([2e3, 1e3])


def peaks_of(n, line_shape="pseudo_voigt", background="constant", energy=ENERGY, away=0.0, **more):
    """The same two peaks n times, or peaks near them."""
    rng = np.random.default_rng(1)
    shape = LINE_SHAPES[line_shape]
    values = {name: np.full((n, 2), shape.default.get(name, 0.0)) for name in shape.parameters}
    values["center"] = CENTERS + away * rng.uniform(-1, 1, (n, 2))
    values["fwhm"] = WIDTHS * np.exp(away * rng.uniform(-1, 1, (n, 2)))
    values["height"] = HEIGHTS * np.exp(away * rng.uniform(-1, 1, (n, 2)))
    terms = {term: np.full(n, COEFFICIENTS[term]) for term in BACKGROUNDS[background]}
    return make_peaks(
        energy,
        ("x",),
        scale="binding",
        line_shape=line_shape,
        background=background,
        parameters=values | more,
        background_parameters=terms,
        status=np.zeros(n),
    )


def spectra_of(truth, seed=0):
    envelope = curves(truth).envelope
    noise = np.sqrt(np.abs(envelope.values) + 1)
    counts = envelope.values + noise * np.random.default_rng(seed).normal(size=noise.shape)
    energy = truth.energy.values
    return make_spectrum(counts, energy, dims=("x", "energy"), scale="binding"), noise


@pytest.fixture(scope="module")
def six():
    """Six noisy spectra of two peaks on a constant, their noise, and starts nearby."""
    spectra, noise = spectra_of(peaks_of(6))
    return spectra, noise, peaks_of(6, away=0.2)


def assert_same_fit(ours, theirs, part=0.01):
    """Same chi-square; parameters and errors within a part of an error."""
    np.testing.assert_array_equal(ours.status, theirs.status)
    np.testing.assert_allclose(ours.redchi, theirs.redchi, rtol=1e-6)
    np.testing.assert_allclose(ours.bic, theirs.bic, atol=1e-3)
    np.testing.assert_allclose(ours.noise, theirs.noise)
    for name in [name for name in theirs if f"{name}_stderr" in theirs]:
        error = theirs[f"{name}_stderr"].values
        np.testing.assert_array_equal(np.isnan(ours[f"{name}_stderr"]), np.isnan(error))
        fine = error > 0
        off = np.abs(ours[name].values - theirs[name].values)
        assert (off[fine] < part * error[fine]).all(), name
        np.testing.assert_allclose(ours[f"{name}_stderr"], error, rtol=part)


@pytest.mark.parametrize("line_shape", LINE_SHAPES)
def test_every_line_shape_ends_where_lmfit_ends(line_shape):
    spectra, noise = spectra_of(peaks_of(3, line_shape, "linear"))
    starts = peaks_of(3, line_shape, "linear", away=0.15)
    more = {"background": "linear", "noise": noise, "covariance": True}
    if "exponent_high" in starts:  # of one line, these data do not determine all of its shape
        more |= {"shared": tuple(LINE_SHAPES[line_shape].limits), "constraints": {"fraction": 0.5}}
    answers = [refine(spectra, starts, engine=engine, **more) for engine in ("batch", "lmfit")]
    assert_same_fit(*answers)
    ours, theirs = (answer.covariance.values for answer in answers)
    scale = np.sqrt(np.abs(theirs[0].diagonal()))
    np.testing.assert_allclose(
        ours[0] / scale / scale[:, None], theirs[0] / scale / scale[:, None], atol=0.02
    )


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_background_ends_where_lmfit_ends(background):
    spectra, noise = spectra_of(peaks_of(3, background=background))
    starts = peaks_of(3, background=background, away=0.15)
    ours, theirs = (
        refine(spectra, starts, engine=engine, background=background, noise=noise)
        for engine in ("batch", "lmfit")
    )
    assert_same_fit(ours, theirs)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"shared": ()}, id="no share"),
        pytest.param({"shared": ("fraction", "fwhm")}, id="one width"),
        pytest.param({"constraints": {"fwhm": 1.2, "center_1": (284.0, 284.2)}}, id="held"),
        pytest.param({"constraints": {"height_1": (0, 1500)}}, id="height limited"),
        pytest.param({"constraints": {"center_2": "center_1 + 2.9"}}, id="offset"),
        pytest.param({"constraints": {"height_2": "height_1 * (0.3, 0.6)"}}, id="ratio fitted"),
        pytest.param({"scale_errors": True}, id="errors scaled"),
        pytest.param({"noise": None}, id="noise estimated"),
    ],
)
def test_options_mean_what_they_mean_in_lmfit(six, more):
    spectra, noise, starts = six
    more = {"noise": noise, "background": "shirley", **more}
    ours, theirs = (refine(spectra, starts, engine=e, **more) for e in ("batch", "lmfit"))
    assert_same_fit(ours, theirs)


def test_limits_hold_exactly(six):
    spectra, noise, starts = six
    limits = {"center_1": (284.5, 285.0), "fwhm_2": (0.5, 1.25)}
    found = refine(
        spectra, starts, engine="batch", background="constant", noise=noise, constraints=limits
    )
    assert (found.center[:, 0] == 284.5).all()
    assert (found.fwhm[:, 1] == 1.25).all()
    assert (found.status_flags & Status.AT_BOUND.flag).all()
    assert np.isnan(found.center_stderr[:, 0]).all()
    assert (found.height_stderr > 0).all()


def test_a_peak_too_many_takes_its_parameters_along(six):
    spectra, noise, starts = six
    dip = 150 * np.exp(-(((ENERGY - 289.7) / 3) ** 2))  # no line can be there
    third = {"center": 289.7, "fwhm": 1.2, "height": 50.0, "fraction": 0.3}
    given = {
        name: np.concatenate([starts[name].values, np.full((6, 1), value)], axis=1)
        for name, value in third.items()
    }
    three = make_peaks(
        ENERGY,
        ("x",),
        scale="binding",
        line_shape="pseudo_voigt",
        background="constant",
        parameters=given,
        background_parameters={"constant": np.full(6, 400.0)},
        status=np.zeros(6),
    )
    ours, theirs = (
        refine(spectra - dip, three, engine=engine, background="constant", noise=noise)
        for engine in ("batch", "lmfit")
    )
    gone = (ours.height == 0) & (theirs.height == 0)
    assert gone.any()
    assert np.isnan(ours.center_stderr.values[gone.values]).all()
    # The model is wrong on purpose; among its optima either engine may find another.
    np.testing.assert_allclose(ours.redchi, theirs.redchi, rtol=0.1)


def test_missing_points_are_left_out(six):
    spectra, noise, starts = six
    holes = spectra.copy(deep=True)
    holes[:, 10:14] = np.nan
    holes[2, 60:90:3] = np.nan
    ours, theirs = (
        refine(holes, starts, engine=engine, background="shirley", noise=noise)
        for engine in ("batch", "lmfit")
    )
    assert_same_fit(ours, theirs)


def test_kinetic_scale_is_a_mirror(six):
    spectra, noise, starts = six
    found = refine(spectra, starts, engine="batch", background="shirley+linear", noise=noise)
    kinetic = make_spectrum(
        spectra.values, -ENERGY, dims=("x", "energy"), scale="kinetic", photon_energy=None
    )
    turned = starts.assign(center=-starts.center).assign_coords(energy=-ENERGY)
    turned.attrs |= {"scale": "kinetic", "energy_range": [-292.0, -280.0]}
    mirrored = refine(kinetic, turned, engine="batch", background="shirley+linear", noise=noise)
    np.testing.assert_allclose(-mirrored.center[:, ::-1], found.center, rtol=1e-9)
    np.testing.assert_allclose(mirrored.center_stderr[:, ::-1], found.center_stderr, rtol=1e-6)
    np.testing.assert_allclose(mirrored.background_slope, -found.background_slope, rtol=1e-6)


def arguments(n, energy=ENERGY, **options):
    """What `solve_batch` takes."""
    spectra, noise = spectra_of(peaks_of(n, energy=energy))
    options = FitOptions(background="constant", **options)
    starts = peaks_of(n, energy=energy, away=0.2)
    peaks = {name: starts[name].values for name in ("center", "fwhm", "height", "fraction")}
    inputs = FitInputs(
        energy, spectra.values, PointNoise.fixed(noise), peaks, np.zeros(n, dtype=np.int64)
    )
    start = start_parameters(options.layout([0, 1]), energy, peaks)
    return options, inputs, start


def test_spectra_do_not_depend_on_their_company(monkeypatch):
    options, inputs, start = arguments(150)
    monkeypatch.setattr(threads, "n_threads", lambda: 2)
    together = solve_batch(options, inputs, start)
    row = np.array([70])
    alone = solve_batch(options, inputs.rows(row), start.with_values(start.values[row]))
    np.testing.assert_array_equal(alone.values[0], together.values[70])
    np.testing.assert_array_equal(alone.covariance[0], together.covariance[70])


def test_limits_of_every_spectrum():
    options, inputs, start = arguments(4)
    lower, upper, free = (np.tile(a, (4, 1)) for a in (start.lower, start.upper, start.free))
    lower[2, 0] = 285.0  # the first center of the third spectrum may not be lower
    own = replace(start, lower=lower, upper=upper, free=free)
    found, plain = solve_batch(options, inputs, own), solve_batch(options, inputs, start)
    assert found.values[2, 0] == 285.0
    assert found.on_bound[2, 0]
    others = [0, 1, 3]
    np.testing.assert_array_equal(found.values[others], plain.values[others])


def test_without_a_linear_start_the_given_one_counts():
    options, inputs, start = arguments(2)
    exact = solve_batch(options, inputs, start)
    again = solve_batch(options, inputs, start.with_values(exact.values), linear_start=False)
    assert (again.evaluations <= 2).all()
    np.testing.assert_allclose(again.values, exact.values, rtol=1e-6)


def test_four_callers_at_a_time(monkeypatch):
    given = arguments(200)
    monkeypatch.setattr(threads, "n_threads", lambda: 1)
    expected = solve_batch(*given)
    monkeypatch.setattr(threads, "n_threads", lambda: 2)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(solve_batch, *given) for _ in range(8)]
        for job in jobs:
            np.testing.assert_array_equal(job.result().values, expected.values)
            np.testing.assert_array_equal(job.result().covariance, expected.covariance)


def test_progress_counts_every_spectrum_and_cancel_leaves_the_rest(monkeypatch):
    told = []
    monkeypatch.setattr(threads, "n_threads", lambda: 2)
    done = solve_batch(*arguments(150), progress=told.append)
    assert sum(told) == 150
    assert (done.code == Status.OK).all()
    asked = []

    def cancel():
        asked.append(True)
        return len(asked) > 1

    monkeypatch.setattr(threads, "n_threads", lambda: 1)
    part = solve_batch(*arguments(150, cancel=cancel))
    fitted = part.code == Status.OK
    assert fitted.sum() == batch._BLOCK
    assert (part.code[~fitted] == Status.NOT_DONE).all()
    assert np.isnan(part.chisqr[~fitted]).all()


def test_refine_tells_progress_and_can_be_cancelled(six):
    spectra, noise, starts = six
    told = []
    refine(spectra, starts, noise=noise, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)
    none = refine(spectra, starts, noise=noise, cancel=lambda: True)
    assert (none.status == Status.NOT_DONE).all()


def spiked(counts):
    counts[40] += 1e6


def saturated(counts):
    counts[np.abs(ENERGY - CENTERS[0]) < 0.5] = 1500.0


BAD = {
    "missing": (lambda counts: counts.fill(np.nan), Status.NOT_FINITE),
    "infinite": (lambda counts: counts.fill(np.inf), Status.NOT_FINITE),
    "zeros": (lambda counts: counts.fill(0.0), Status.NO_SIGNAL),
    "constant": (lambda counts: counts.fill(7.0), Status.NO_SIGNAL),
    "few points": (
        lambda counts: counts.__setitem__(slice(5, None), np.nan),
        Status.TOO_FEW_POINTS,
    ),
    "negative": (lambda counts: np.multiply(counts, -1, out=counts), None),
    "spike": (spiked, None),
    "saturated": (saturated, None),
    "huge": (lambda counts: np.multiply(counts, 1e250, out=counts), None),
    "tiny": (lambda counts: np.multiply(counts, 1e-250, out=counts), None),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_spectrum_gets_a_status_and_the_others_do_not_notice(six, name):
    spectra, _, starts = six
    damage, status = BAD[name]
    options = {"engine": "batch", "background": "shirley+linear", "noise": "each"}
    clean = refine(spectra, starts, **options)
    bad = spectra.copy(deep=True)
    damage(bad.values[3])
    with np.errstate(all="ignore"):
        found = refine(bad, starts, **options)
        common = refine(bad, starts, **options | {"noise": None})
    others = [0, 1, 2, 4, 5]
    for variable in ("center", "height_stderr", "redchi", "status"):
        np.testing.assert_array_equal(found[variable][others], clean[variable][others])
    code = Status(int(found.status[3]))
    assert code == status if status is not None else code != Status.NOT_DONE
    assert not np.isinf(found.center_stderr[3]).any()
    # A noise that all share is that of the good ones, or each has its own.
    error = common.center_stderr[others]
    assert (abs(common.center - clean.center)[others] < 0.1 * error).all()
    together = refine(spectra[others], starts.isel(x=others), **options | {"noise": None})
    np.testing.assert_allclose(error, together.center_stderr, rtol=0.25)


def test_starts_that_cannot_be_used(six):
    spectra, noise, starts = six
    odd = starts.copy(deep=True)
    odd.center[0] = np.nan  # no peaks
    odd.center[1, 1] = np.nan  # one peak
    odd.center[2] = [1e4, 2e4]  # far outside of the window
    odd.fwhm[3] = [0.0, -1.0]
    odd.height[4] = [np.nan, np.inf]
    found = refine(spectra, odd, engine="batch", background="constant", noise=noise)
    assert found.n_peaks.values.tolist() == [0, 1, 2, 2, 2, 2]
    assert found.status[0] == Status.MISFIT  # two lines are there, and no peaks
    assert found.status[5] == Status.OK
    assert np.isfinite(found.redchi).all()
    margin = 0.05 * 12.0
    inside = (found.center >= 280.0 - margin) & (found.center <= 292.0 + margin)
    assert (inside | np.isnan(found.center)).all()
    np.testing.assert_allclose(found.center[3], found.center[4], atol=0.2)


def test_one_point_and_two_points(six):
    spectra, noise, starts = six
    for n in (2, 3):
        few = spectra.isel(energy=slice(0, n))
        found = refine(few, starts, engine="batch", energy_range=(280.0, 292.0), noise=noise[:, :n])
        assert (found.status == Status.TOO_FEW_POINTS).all()


def test_very_many_points():
    energy = np.linspace(280.0, 292.0, 100_000)
    spectra, noise = spectra_of(peaks_of(2, background="shirley", energy=energy))
    starts = peaks_of(2, background="shirley", energy=energy, away=0.1)
    found = refine(spectra, starts, engine="batch", background="shirley", noise=noise)
    assert (found.status == Status.OK).all()
    off = np.abs(found.center - CENTERS) / found.center_stderr
    assert (off < 5).all()
    assert (found.center_stderr < 1e-3).all()


def test_identical_peaks_are_told_to_be_undetermined():
    spectra, noise = spectra_of(peaks_of(2))
    starts = peaks_of(2, center=np.full((2, 2), 284.3), fwhm=np.full((2, 2), 1.1))
    held = {"center": 284.3, "fwhm": 1.1, "fraction": 0.3}
    ours, theirs = (
        refine(spectra, starts, engine=engine, background="constant", noise=noise, constraints=held)
        for engine in ("batch", "lmfit")
    )
    np.testing.assert_array_equal(ours.status, theirs.status)
    np.testing.assert_allclose(ours.redchi, theirs.redchi, rtol=1e-6)


def test_engines_are_named(six):
    spectra, noise, starts = six
    with pytest.raises(ValueError, match=r'from "auto", "lmfit", "batch", got engine=.fast.'):
        refine(spectra, starts, engine="fast", noise=noise)


def test_lazy_spectra_give_the_same_lazily(six):
    spectra, noise, starts = six
    eager = refine(spectra, starts, engine="batch", noise=noise)
    lazy = refine(spectra.chunk(x=2), starts, engine="batch", noise=noise)
    assert lazy.center.chunks is not None
    for name in ("center", "center_stderr", "area_stderr", "redchi"):
        np.testing.assert_allclose(lazy[name].compute(), eager[name], rtol=1e-6)
