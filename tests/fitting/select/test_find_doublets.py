"""Doublets of many spectra at once: the same pairs as one by one, and fits with them tied."""

import json

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import Status
from xpsnet.data.spectrum_arrays import spectrum_arrays
from xpsnet.fitting.model.doublets import doublet, pair_doublets, partners
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select.find_doublets import refine_with_doublets
from xpsnet.fitting.solve.fit_inputs import fit_inputs, starts_from_peaks
from xpsnet.fitting.solve.fit_results import results_to_dataset
from xpsnet.fitting.solve.point_noise import NoiseChoice

WINDOW = np.linspace(158.0, 170.0, 241)


@pytest.mark.parametrize("amounts", [{}, {"splitting": (1.0, 1.5), "ratio": "free"}])
def test_pairs_of_many_spectra_are_those_of_each(amounts):
    rng = np.random.default_rng(8)
    center = np.sort(rng.uniform(160, 168, (200, 5)), axis=1)
    center[:, 3:][rng.uniform(size=(200, 2)) < 0.3] = np.nan
    area = rng.uniform(20, 100, (200, 5))
    area[:9] = np.nan
    one = doublet("S 2p", **amounts)
    found = {}
    for rows, pairs in pair_doublets([one], center, area, every=True):
        for row in rows:
            assert row not in found
            found[int(row)] = sorted(pair.peaks for pair in pairs)
    assert sorted(found) == list(range(200))
    assert any(len(pairs) == 2 for pairs in found.values())
    for row, pairs in found.items():
        [(_, expected)] = pair_doublets([one], center[[row]], area[[row]], every=True)
        assert pairs == sorted(pair.peaks for pair in expected)


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_doublets_are_tied_where_they_are(scale, make_case, make_hand_peaks):
    heights = (3000.0, 1500.0) if scale == "binding" else (1500.0, 3000.0)
    truth = make_hand_peaks(
        (163.2, 164.38), (0.8, 0.8), heights, energy=WINDOW, scale=scale, background="constant"
    )
    other = make_hand_peaks(
        (162.0, 165.0), (0.8, 0.8), heights, energy=WINDOW, scale=scale, background="constant"
    )
    cases = [make_case(truth, seed=1), make_case(other, seed=2), make_case(truth, seed=3)]
    spectra = xr.concat([case.spectrum for case in cases], "x", combine_attrs="override")
    starts = xr.concat([truth, other, truth], "x", combine_attrs="override")
    one = doublet("S 2p")
    options = FitOptions(background="constant", doublets=(one,), engine="lmfit")
    arrays = spectrum_arrays(spectra)
    given = starts_from_peaks(spectra, starts)
    inputs = fit_inputs((arrays.energy, arrays.counts, None), NoiseChoice(None), *given)
    results = refine_with_doublets(options, inputs)
    assert (results.status == Status.OK).all()
    distance = np.abs(np.diff(results.peaks["center"], axis=1))[:, 0]
    np.testing.assert_allclose(distance[[0, 2]], 1.18, rtol=1e-9)
    assert distance[1] == pytest.approx(3.0, abs=0.05)
    partner = partners([one], given[0]["center"], given[0]["height"] * given[0]["fwhm"])
    assert partner.tolist() == [[2, 1], [0, 0], [2, 1]]
    marked = results_to_dataset(options, results, arrays)
    assert marked.partner.values.tolist() == [[2, 1], [0, 0], [2, 1]]
    (stored,) = json.loads(marked.attrs["doublets"])
    assert (stored["region"], stored["peaks"], stored["splitting"]) == ("S 2p", None, [1.18, 1.18])


def test_without_peaks_or_spectra_there_is_nothing_to_pair():
    one = doublet("S 2p")
    assert pair_doublets([one], np.empty((0, 3)), np.empty((0, 3))) == []
    [(rows, pairs)] = pair_doublets([one], np.full((4, 1), 163.0), np.ones((4, 1)))
    assert rows.tolist() == [0, 1, 2, 3]
    assert pairs == []
