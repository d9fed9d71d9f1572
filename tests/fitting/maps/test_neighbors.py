"""What a map says about one of its pixels."""

import numpy as np
import pytest

from xpsnet.fitting.maps.neighbors import (
    around,
    log_prior,
    median,
    offsets,
    outliers,
    reach,
    starts_around,
)


@pytest.mark.parametrize(
    ("shape", "number", "far"),
    [((), 0, 0), ((1,), 0, 0), ((9,), 4, 2), ((4, 5), 8, 1), ((1, 5), 4, 2), ((3, 4, 5), 6, 1)],
    ids=["none", "one", "line", "map", "line-of-a-map", "volume"],
)
def test_offsets(shape, number, far):
    assert len(offsets(shape)) == number
    assert reach(shape) == far


def test_around_is_the_neighborhood():
    values = np.arange(12.0)
    near = around(values, (3, 4))
    assert sorted(near[:, 5]) == [0, 1, 2, 4, 6, 8, 9, 10]
    corner = near[:, 0]
    assert sorted(corner[np.isfinite(corner)]) == [1, 4, 5]


def test_median_is_that_of_numpy_without_nan():
    values = np.random.default_rng(0).normal(size=(7, 50))
    values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
    np.testing.assert_array_equal(median(values), np.nanmedian(values, axis=0))
    assert np.isnan(median(np.full((3, 1), np.nan)))


def test_prior_by_hand():
    """Three spectra in a row, the outer ones sure of two: the middle one gets 0.97 q + 0.03 / K."""
    sure = [-np.inf, 0.0]
    score = np.array([sure, [-np.inf, -np.inf], sure])
    prior = np.exp(log_prior(score, (3,)))
    np.testing.assert_allclose(prior[1], (0.015, 0.985), rtol=1e-12)
    # One neighbor is sure, the other knows nothing and does not count.
    np.testing.assert_allclose(prior[0], (0.015, 0.985), rtol=1e-12)


def test_prior_is_neutral_at_an_edge():
    score = np.zeros((6, 8, 2))
    score[:, :4, 1] = score[:, 4:, 0] = -6.0
    prior = log_prior(score.reshape(-1, 2), (6, 8)).reshape(6, 8, 2)
    here = prior[3, 3, 0] - prior[3, 3, 1]
    assert 0 < here < 1.5
    assert prior[3, 1, 0] - prior[3, 1, 1] > 2.5


def peaks_of(center):
    center = np.asarray(center, dtype=float)
    return {"center": center, "fwhm": 0 * center + 1.0}


def test_starts_are_medians_of_neighbors_with_as_many_peaks():
    center = np.array([[285.0, np.nan], [285.1, 287.0], [285.3, 287.2], [np.nan, np.nan]])
    starts, known = starts_around(peaks_of(center), 2, (4,))
    np.testing.assert_array_equal(known, [True, False, False, True])
    np.testing.assert_allclose(starts["center"][3], (285.2, 287.1))


def test_outliers_need_more_than_their_error():
    center = np.full((7, 1), 285.0)
    center[3] = 285.6
    peaks = peaks_of(center)
    small = dict.fromkeys(peaks, 0 * center + 0.01)
    large = dict.fromkeys(peaks, 0 * center + 0.2)
    np.testing.assert_array_equal(np.flatnonzero(outliers(peaks, small, (7,))), [3])
    assert not outliers(peaks, large, (7,)).any()
