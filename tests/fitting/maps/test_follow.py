"""follow(): a labelled peak is the same state in every pixel."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import curves, make_peaks
from xpsnet.fitting.maps.chemical_states import Found, States, assign, find_states
from xpsnet.fitting.maps.follow import follow
from xpsnet.samples import sample_truth

PARAMETERS = ("center", "fwhm", "height", "fraction")


def jumbled(name, seed=0, scatter=0.05, dropped=0.05, **more):
    """Truth of a sample with scatter, some first peaks missing, and the places not aligned."""
    rng = np.random.default_rng(seed)
    truth = sample_truth(name)
    values = {n: truth[n].values.copy() for n in PARAMETERS}
    values["center"] += scatter * rng.normal(size=values["center"].shape)
    several = np.isfinite(values["center"]).sum(-1) > 1
    gone = several & (rng.random(several.shape) < dropped)
    values["center"][gone, 0] = np.nan
    lead = truth.center.dims[:-1]
    shape = several.shape
    made = make_peaks(
        truth.energy.values,
        lead,
        truth.coords,
        scale="binding",
        line_shape="pseudo_voigt",
        background="constant",
        parameters=values,
        background_parameters={"constant": np.zeros(shape)},
        status=np.zeros(shape),
        **more,
    )
    return made, values["center"]


@pytest.mark.parametrize("name", ["map", "line_scan"])
def test_every_peak_comes_to_its_state(name):
    peaks, truth = jumbled(name)
    followed = follow(peaks)
    assert followed.label.values.tolist() == ["state 1", "state 2", "state 3"]
    wrong = ~np.isclose(followed.center.values, truth, rtol=0, atol=1e-12, equal_nan=True)
    assert wrong.any(-1).mean() <= 0.002
    xr.testing.assert_equal(followed.n_peaks, peaks.n_peaks)


def test_nothing_is_lost_or_changed():
    peaks, _ = jumbled("map")
    followed = follow(peaks)
    for name in (*PARAMETERS, "area"):
        before, after = (np.sort(p[name].values, axis=-1) for p in (peaks, followed))
        np.testing.assert_array_equal(before, after[..., : before.shape[-1]])
    assert followed.attrs == peaks.attrs
    xr.testing.assert_allclose(curves(followed).envelope, curves(peaks).envelope)


def test_a_peak_without_state_is_kept_as_other():
    peaks, _ = jumbled("map", dropped=0.0)
    peaks = peaks.pad(peak=(0, 1))
    peaks["center"][5, 5, 3] = 282.0
    for name in ("fwhm", "height", "fraction", "area"):
        peaks[name][5, 5, 3] = 1.0
    followed = follow(peaks)
    assert followed.label.values.tolist() == ["state 1", "state 2", "state 3", "other"]
    assert followed.center[5, 5, 3] == 282.0
    assert np.isfinite(followed.center[..., 3]).sum() == 1


def test_a_state_that_drifts_by_more_than_its_distance_stays_one():
    position = np.arange(80)
    rng = np.random.default_rng(3)
    center = np.stack([284.8 + 0.01 * position, 286.0 + 0.01 * position], -1)
    center += 0.03 * rng.normal(size=center.shape)
    center[position % 7 == 3, 0] = np.nan
    peaks = make_peaks(
        np.linspace(280, 292, 121), ("x",), scale="binding", line_shape="gaussian",
        background="none", parameters={"center": center, "fwhm": 1.2, "height": 100.0},
        background_parameters={}, status=np.zeros(80),
    )  # fmt: skip
    followed = follow(peaks, n_states=2)
    np.testing.assert_array_equal(followed.center.values, center)


def test_the_number_of_states_and_labels_as_told():
    peaks, _ = jumbled("map")
    two = follow(peaks, n_states=2)
    assert two.label.values.tolist()[:2] == ["state 1", "state 2"]
    assert set(two.label.values[2:]) == {"other"}
    named = follow(peaks, labels=["C-C", "C-O", "O-C=O"])
    assert named.label.values.tolist() == ["C-C", "C-O", "O-C=O"]


def test_a_given_number_of_states_takes_all_peaks_that_it_can():
    peaks, _ = jumbled("map")
    far = peaks.center.values
    far[3, 3, :1] -= 2.5
    named = follow(peaks, n_states=3)
    assert named.sizes["peak"] == 3
    assert np.isfinite(named.center).sum() == np.isfinite(peaks.center).sum()


def test_covariance_moves_with_the_peaks():
    names = ["center_1", "height_1", "fraction", "center_2", "height_2"]
    matrix = np.arange(25.0).reshape(5, 5)
    peaks, _ = jumbled("map", covariance=None)
    peaks = peaks.isel(peak=slice(0, 2))
    shape = peaks.center.shape[:-1]
    full = np.broadcast_to(matrix, (*shape, 5, 5))
    peaks["covariance"] = (("y", "x", "parameter", "parameter_2"), full.copy())
    peaks = peaks.assign_coords(parameter=names, parameter_2=names)
    followed = follow(peaks, n_states=3)
    row = np.argwhere(np.isfinite(followed.center.values[..., 1]))
    row = next(tuple(at) for at in row if np.isnan(followed.center.values[tuple(at)][0]))
    found = followed.covariance[row]
    assert float(found.sel(parameter="center_2", parameter_2="height_2")) == 1.0
    assert float(found.sel(parameter="center_2", parameter_2="fraction")) == 2.0
    assert np.isnan(found.sel(parameter="center_1")).all()
    assert float(found.sel(parameter="fraction", parameter_2="fraction")) == 12.0


@pytest.mark.parametrize("chunks", [{"y": 20, "x": 30}, {"y": 9, "x": 64}])
def test_chunks_change_nothing(chunks):
    peaks, _ = jumbled("map", dropped=0.3, scatter=0.2)
    eager = follow(peaks)
    lazy = follow(peaks.chunk(chunks))
    assert lazy.center.chunks is not None
    computed = lazy.compute()
    used = np.isfinite(computed.center).any(("y", "x"))
    xr.testing.assert_equal(computed.center[..., used.values].drop_vars("peak"),
                            eager.center.drop_vars("peak"))  # fmt: skip
    xr.testing.assert_equal(computed.status, eager.status)


def test_one_spectrum_and_maps_without_peaks():
    peaks, _ = jumbled("map")
    alone = follow(peaks.isel(y=0, x=0))
    assert alone.center.dims == ("peak",)
    assert alone.label.values.tolist() == ["state 1"]
    none = follow(peaks.where(peaks.center > 400))
    assert none.sizes["peak"] == 0


def test_an_absent_state_is_cheaper_than_a_far_one():
    """Costs by hand: the peak at 285 is 0.2 eV from a state of width 1, that is 0.64."""
    found = Found(np.array([[285.0, 286.0]]), np.ones((1, 2)), np.ones((1, 2)), np.zeros((1, 2)))
    states = States(np.array([285.2, 287.0]), np.ones(2), np.array([0.5, 0.5]))
    assert assign(found, states).tolist() == [[0, -1]]
    wide = States(np.array([285.2, 286.5]), np.ones(2), np.array([0.5, 0.5]))
    assert assign(found, wide).tolist() == [[0, 1]]


def test_two_peaks_never_share_a_state():
    found = Found(np.array([[285.0, 285.1]]), np.ones((1, 2)), np.ones((1, 2)), np.zeros((1, 2)))
    states = States(np.array([285.05, 285.4]), np.ones(2), np.array([0.5, 0.5]))
    assert sorted(assign(found, states)[0].tolist()) == [0, 1]


def test_states_that_overlap_are_told_apart_by_spectra_that_hold_both():
    rng = np.random.default_rng(1)
    center = np.array([285.0, 285.6]) + 0.08 * rng.normal(size=(400, 2))
    center[:100, 1] = np.nan
    ones = np.where(np.isnan(center), np.nan, 1.2)
    states = find_states(Found(center, ones, ones, 0 * ones), None, 6)
    np.testing.assert_allclose(states.center, (285.0, 285.6), atol=0.03)
    np.testing.assert_allclose(states.share, (1.0, 0.75), atol=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_states": 0}, 'expected "auto", or a whole number from 1'),
        ({"n_states": 3, "labels": ["a"]}, "expected 3 labels"),
    ],
)
def test_misuse_is_refused(options, message):
    peaks, _ = jumbled("map")
    with pytest.raises(ValueError, match=message):
        follow(peaks, **options)
    with pytest.raises(ValueError, match="select a count first"):
        follow(peaks.expand_dims(count=2), **options | {"n_states": 1, "labels": None})
