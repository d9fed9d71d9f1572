"""Doublets of many spectra at once: the same pairs as one by one, and fits with them tied."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import Status
from xpsnet.fitting.model.doublets import doublet, pair_doublets
from xpsnet.fitting.select.find_doublets import paired_rows, refine_paired, with_found_partners
from xpsnet.fitting.solve.fit_inputs import make_rows, make_setup

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
    for rows, pairs in paired_rows([one], center, area):
        for row in rows:
            assert row not in found
            found[int(row)] = sorted(pair.peaks for pair in pairs)
    assert sorted(found) == list(range(200))
    assert any(len(pairs) == 2 for pairs in found.values())
    for row, pairs in found.items():
        expected = pair_doublets([one], "binding", center[row], area[row], every=True)
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
    setup = make_setup(
        spectra, 2, line_shape="pseudo_voigt", background="constant", shared=("fraction",),
        constraints=None, scale_errors=False,
    )  # fmt: skip
    answers = refine_paired(setup, make_rows(spectra, starts, None), [one], engine="lmfit")
    assert (answers.status == Status.OK).all()
    centers = answers.values[:, answers.layout.column("center")]
    distance = np.abs(np.diff(centers, axis=1))[:, 0]
    np.testing.assert_allclose(distance[[0, 2]], 1.18, rtol=1e-9)
    assert distance[1] == pytest.approx(3.0, abs=0.05)
    marked = with_found_partners(starts, [one])
    assert marked.partner.values.tolist() == [[2, 1], [0, 0], [2, 1]]
    assert marked.attrs["doublets"].startswith("S 2p: splitting 1.18")


def test_without_peaks_or_spectra_there_is_nothing_to_pair():
    one = doublet("S 2p")
    assert paired_rows([one], np.empty((0, 3)), np.empty((0, 3))) == []
    [(rows, pairs)] = paired_rows([one], np.full((4, 1), 163.0), np.ones((4, 1)))
    assert rows.tolist() == [0, 1, 2, 3]
    assert pairs == []
