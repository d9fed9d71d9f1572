"""What a fit shows: misfits, cut lines, smoothed points, limits; and how seldom it is wrong."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.status import Status, applies
from xpsnet.fitting.refine import refine
from xpsnet.pipeline.fit import fit

ENERGY = np.arange(278.0, 296.0, 0.1)


def peaks_of(centers, heights, fwhm=1.2, fraction=0.3, energy=ENERGY, base=300.0):
    """Lines on a straight background, over "row" where the heights have two dimensions."""
    heights = np.atleast_1d(np.asarray(heights, dtype=float))
    centers = np.broadcast_to(centers, heights.shape)
    dims = ("row",)[: heights.ndim - 1]
    whole = np.ones(heights.shape[:-1])
    return make_peaks(
        energy,
        dims,
        scale="binding",
        line_shape="pseudo_voigt",
        background="linear",
        parameters={
            "center": centers,
            "fwhm": np.full(heights.shape, fwhm),
            "height": heights,
            "fraction": np.full(heights.shape, fraction),
        },
        background_parameters={"constant": base * whole, "slope": 2.0 * whole},
        status=np.zeros(heights.shape[:-1]),
    )


def counted(truth, seed=0, change=lambda counts: counts):
    """Counts of peaks, and what becomes of them."""
    curve = np.maximum(curves(truth).envelope.values, 0)
    counts = np.random.default_rng(seed).poisson(curve).astype(float)
    return xr.DataArray(
        change(counts),
        dims=(*truth.status.dims, "energy"),
        coords={"energy": truth.energy.values},
        attrs={"scale": "binding", "units": "counts"},
    )


both = pytest.mark.parametrize("engine", ["lmfit", "batch"])


@both
@pytest.mark.parametrize("height", [1e3, 1e4, 1e5])
def test_a_line_too_few_is_a_misfit(engine, height):
    truth = peaks_of((286.5, 288.0), (height, 0.3 * height), base=height / 10)
    spectrum = counted(truth)
    alone = refine(spectrum, truth.isel(peak=[0]), engine=engine, background="linear")
    assert alone.status == Status.MISFIT
    assert "more peaks" in alone.status.attrs["flag_sentences"].split("\n")[Status.MISFIT]
    assert refine(spectrum, truth, engine=engine, background="linear").status == Status.OK


@both
def test_a_small_misfit_at_many_counts_is_none(engine):
    """A line that is a little asymmetric: every point counts a million, and chi-square shows it."""
    truth = peaks_of((286.5, 286.8), (1e6, 1e5), base=1e5)
    alone = refine(counted(truth), truth.isel(peak=[0]), engine=engine, background="linear")
    assert alone.redchi > 1.5
    assert alone.status == Status.OK


@both
def test_a_wrong_noise_is_no_misfit(engine):
    truth = peaks_of((286.5,), (3000.0,))
    found = refine(counted(truth), truth, engine=engine, background="linear", noise=3.0)
    assert found.redchi > 10
    assert found.status == Status.OK


@both
@pytest.mark.parametrize("end", [286.9, 287.2])
def test_a_window_that_cuts_a_line(engine, end):
    energy = ENERGY[end + 0.01 > ENERGY]
    truth = peaks_of((287.0,), (3000.0,), energy=energy)
    found = refine(counted(truth), truth, engine=engine, background="linear")
    assert applies(found, Status.CUT_OFF)
    mirrored = counted(truth)
    mirrored = mirrored.assign_coords(energy=1000 - mirrored.energy)
    other = truth.assign(center=1000 - truth.center).drop_attrs()
    other.attrs = {**truth.attrs, "energy_range": [1000 - energy[-1], 1000 - energy[0]]}
    assert applies(refine(mirrored, other, engine=engine, background="linear"), Status.CUT_OFF)


@both
def test_a_line_next_to_the_end_is_whole(engine):
    energy = ENERGY[ENERGY < 288.0]
    truth = peaks_of((287.0,), (3000.0,), energy=energy)
    assert refine(counted(truth), truth, engine=engine, background="linear").status == Status.OK


@both
@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_pure_line_is_at_no_limit(engine, fraction):
    truth = peaks_of((286.5,), (3000.0,), fraction=fraction)
    # Narrower or wider in its tails than the shape can be: the share ends at its limit.
    sharpen = 1.6 if fraction == 0 else -0.4

    def changed(counts):
        line = counts - 300.0
        return np.round(300 + line - 50 * sharpen * (np.abs(ENERGY - 286.5) > 1.0))

    spectrum = counted(truth, change=changed)
    found = refine(spectrum, truth, engine=engine, background="constant", noise=40.0)
    assert float(found.fraction[0]) == fraction
    assert not applies(found, Status.AT_BOUND)
    own = {"fraction": (0.1, 0.9)}  # a limit of the user's own is one
    found = refine(
        spectrum, truth, engine=engine, background="constant", noise=40.0, constraints=own
    )
    assert applies(found, Status.AT_BOUND)


@both
def test_lines_without_peaks_are_not_only_noise(engine):
    truth = peaks_of((286.5,), (3000.0,))
    none = truth.assign(center=truth.center * np.nan)
    found = refine(counted(truth), none, engine=engine, background="linear")
    assert found.status == Status.MISFIT
    assert not applies(found, Status.NO_PEAKS)
    noise = counted(peaks_of((286.5,), (0.0,)))
    assert refine(noise, none, engine=engine, background="linear").status == Status.NO_PEAKS


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: np.convolve(np.pad(c, 4, "edge"), np.ones(9) / 9, "valid"), id="9"),
        pytest.param(
            lambda c: np.convolve(np.pad(c, 1, "edge"), np.array([1, 2, 1]) / 4, "valid"), id="121"
        ),
    ],
)
@both
def test_smoothed_points_are_not_raw(engine, change):
    truth = peaks_of((286.5,), (3000.0,), fwhm=2.0)
    found = refine(counted(truth, change=change), truth, engine=engine, background="linear")
    assert found.status == Status.NOT_RAW


@both
def test_interpolated_points_are_not_raw(engine):
    coarse = counted(peaks_of((286.5,), (3000.0,)))
    fine = coarse.interp(energy=np.arange(278.0, 295.8, 0.02)).assign_attrs(coarse.attrs)
    truth = peaks_of((286.5,), (3000.0,), energy=fine.energy.values)
    assert refine(fine, truth, engine=engine, background="linear").status == Status.NOT_RAW


@both
@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e6])
def test_a_calculated_curve_is_not_raw(engine, scale):
    truth = peaks_of((286.5, 288.0), (5000.0, 1500.0))
    exact = (curves(truth).envelope * scale).assign_attrs(scale="binding", units="counts/s")
    assert refine(exact, truth, engine=engine, background="linear").status == Status.NOT_RAW


@both
def test_rounded_numbers_have_no_noise(engine):
    truth = peaks_of((286.5,), (5000.0,))
    exact = curves(truth).envelope.round().assign_attrs(scale="binding", units="counts")
    assert refine(exact, truth, engine=engine, background="linear").status == Status.NOT_RAW


@both
def test_a_spike_is_left_out(engine):
    truth = peaks_of((286.5,), (3000.0,))
    plain = counted(truth)
    spiked = plain.copy()
    spiked[84] += 20000
    found = refine(spiked, truth, engine=engine, background="linear")
    assert found.status == Status.SPIKES
    missing = refine(plain.where(spiked == plain), truth, engine=engine, background="linear")
    np.testing.assert_allclose(found.center, missing.center, rtol=1e-12)
    np.testing.assert_allclose(found.area_stderr, missing.area_stderr, rtol=1e-6)


@both
def test_channels_that_count_unlike_each_other(engine):
    truth = peaks_of((286.5,), (3000.0,))
    uneven = counted(truth, change=lambda c: np.round(c * np.where(np.arange(180) % 2, 1, 0.85)))
    assert refine(uneven, truth, engine=engine, background="linear").status == Status.SPIKES


@pytest.mark.parametrize("height", [1e2, 1e3, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("n_peaks", [1, 3, 5])
@pytest.mark.parametrize("noise", [None, "each"])
def test_ordinary_spectra_are_seldom_flagged(height, n_peaks, noise):
    rng = np.random.default_rng(n_peaks)
    heights = height * rng.uniform(0.3, 1.0, (100, n_peaks))
    centers = 281.5 + 2.4 * np.arange(n_peaks)
    truth = peaks_of(centers, heights, base=0.2 * height)
    found = refine(counted(truth, seed=n_peaks), truth, background="linear", noise=noise)
    flagged = applies(found, *(set(Status) - {Status.OK, Status.AT_BOUND}))
    assert flagged.sum() <= 1


def test_a_doublet_that_fits_nothing_is_said():
    truth = peaks_of((286.5, 287.68), (3000.0, 1500.0))
    spectrum = counted(truth)
    lost = fit(spectrum, n_peaks=2, doublets=["W 4f"], background="linear")
    assert lost.status == Status.UNPAIRED
    assert (lost.partner == 0).all()
    found = fit(spectrum, n_peaks=2, doublets=["S 2p"], background="linear")
    assert found.partner.values.tolist() == [2, 1]
    assert found.status == Status.OK
