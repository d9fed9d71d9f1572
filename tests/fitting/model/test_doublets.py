"""Doublets: the table, which line is which, fits with every kind of amount, and finding pairs."""

import json

import numpy as np
import pytest

from xpsnet.constants import DOUBLETS
from xpsnet.data.peaks import Status
from xpsnet.fitting.model.doublets import doublet, doublet_links, pair_doublets
from xpsnet.fitting.refine import refine

WINDOW = np.linspace(158.0, 170.0, 241)
# What laboratories fit; the table must know it.
LEVELS = """
Al 2p, Si 2p, P 2p, S 2p, Cl 2p, K 2p, Ca 2p, Sc 2p, Ti 2p, V 2p, Cr 2p, Mn 2p, Fe 2p, Co 2p, Ni 2p,
Cu 2p, Zn 2p, Ga 2p, Ge 3d, As 3d, Se 3d, Br 3d, Rb 3d, Sr 3d, Y 3d, Zr 3d, Nb 3d, Mo 3d, Ru 3d,
Rh 3d, Pd 3d, Ag 3d, Cd 3d, In 3d, Sn 3d, Sb 3d, Te 3d, I 3d, Cs 3d, Ba 3d, Hf 4f, Ta 4f, W 4f,
Re 4f, Os 4f, Ir 4f, Pt 4f, Au 4f, Hg 4f, Tl 4f, Pb 4f, Bi 4f
"""


@pytest.mark.parametrize("level", [level.strip() for level in LEVELS.split(",")])
def test_the_table_knows_what_laboratories_fit(level):
    one = doublet(level)
    ratio = {"p": 1 / 2, "d": 2 / 3, "f": 3 / 4}[level[-1]]
    assert one.ratio == pytest.approx((ratio, ratio))
    assert one.splitting == (DOUBLETS[level].splitting,) * 2
    assert one.fwhm_ratio == (1.0, 1.0)


@pytest.fixture(scope="module")
def sulfur(make_case, make_hand_peaks):
    """S 2p with a ratio of 0.55 and a splitting of 1.2 eV, which are not those of the table."""
    truth = make_hand_peaks(
        (163.2, 164.4), (0.8, 0.88), (3000.0, 1500.0), energy=WINDOW, background="shirley"
    )
    return make_case(truth)


@pytest.fixture
def sulfur_start(make_hand_peaks):
    return make_hand_peaks((163.1, 164.3), (0.9, 0.9), (2500.0, 2000.0), energy=WINDOW)


def ratios(peaks):
    """Splitting, area ratio and width ratio of the first two peaks."""
    distance = float(peaks.center[1] - peaks.center[0])
    return distance, float(peaks.area[1] / peaks.area[0]), float(peaks.fwhm[1] / peaks.fwhm[0])


TRUE = {"splitting": 1.2, "ratio": 0.55, "fwhm_ratio": 1.1}
AMOUNTS = [
    ({}, (1.18, 0.5, 1.0)),
    (TRUE, (1.2, 0.55, 1.1)),
    (TRUE | {"splitting": (1.1, 1.3)}, (None, 0.55, 1.1)),
    (TRUE | {"ratio": (0.4, 0.7)}, (1.2, None, 1.1)),
    (TRUE | {"fwhm_ratio": (0.8, 1.3)}, (1.2, 0.55, None)),
    (TRUE | {"ratio": (0.4, 0.7), "fwhm_ratio": (0.8, 1.3)}, (1.2, None, None)),
    (TRUE | {"fwhm_ratio": "free"}, (1.2, 0.55, None)),
    ({"splitting": "free", "ratio": "free", "fwhm_ratio": "free"}, (None, None, None)),
]
NAMES = ["table", "numbers", "splitting", "ratio", "fwhm", "ratio+fwhm", "fwhm-free", "all-free"]


@pytest.mark.parametrize(("amounts", "expected"), AMOUNTS, ids=NAMES)
def test_every_amount_fixed_bounded_or_free(sulfur, sulfur_start, amounts, expected):
    tied = doublet("S 2p", (1, 2), **amounts)
    peaks = refine(
        sulfur.spectrum, sulfur_start, background="shirley", doublets=[tied], noise=sulfur.noise
    )
    assert peaks.status == Status.OK
    for found, held, true, tolerance in zip(
        ratios(peaks), expected, TRUE.values(), (0.02, 0.03, 0.05), strict=True
    ):
        if held is None:
            assert found == pytest.approx(true, abs=tolerance)
        else:
            assert found == pytest.approx(held, rel=1e-9)
    assert peaks.partner.values.tolist() == [2, 1]
    (stored,) = json.loads(peaks.attrs["doublets"])
    assert (stored["region"], stored["peaks"]) == ("S 2p", [1, 2])


def test_free_amounts_are_those_of_a_free_fit(sulfur, sulfur_start):
    arguments = {"background": "shirley", "noise": sulfur.noise}
    free = {"splitting": (0.8, 1.6), "ratio": (0.2, 0.9), "fwhm_ratio": (0.5, 2.0)}
    expected = refine(sulfur.spectrum, sulfur_start, **arguments)
    peaks = refine(
        sulfur.spectrum, sulfur_start, doublets=[doublet("S 2p", (1, 2), **free)], **arguments
    )
    for name in ("center", "fwhm", "height", "area"):
        errors = expected[f"{name}_stderr"]
        assert (abs(peaks[name] - expected[name]) < 1e-3 * errors).all()
        np.testing.assert_allclose(peaks[f"{name}_stderr"], errors, rtol=2e-3)


def test_the_line_of_lower_j_lies_at_higher_binding_energy_on_either_scale(
    make_case, make_hand_peaks
):
    energy = np.linspace(1310.0, 1330.0, 401)
    truth = make_hand_peaks(
        (1318.0, 1319.18), (0.8, 0.8), (1500.0, 3000.0), energy=energy, scale="kinetic"
    )
    case = make_case(truth)
    peaks = refine(
        case.spectrum, truth, background="none", noise=case.noise, doublets=[doublet("S 2p")]
    )
    assert peaks.status == Status.OK
    assert float(peaks.area[0] / peaks.area[1]) == pytest.approx(0.5, rel=1e-9)
    assert float(peaks.center[1] - peaks.center[0]) == pytest.approx(1.18, abs=1e-9)


def test_labeled_peaks_may_come_in_any_order(sulfur, sulfur_start):
    turned = sulfur_start.isel(peak=[1, 0]).assign(label=("peak", ["1/2", "3/2"]))
    peaks = refine(
        sulfur.spectrum, turned, background="shirley", doublets=[doublet("S 2p", (1, 2))]
    )
    assert float(peaks.center[0] - peaks.center[1]) == pytest.approx(1.18, abs=1e-9)
    assert float(peaks.area[0] / peaks.area[1]) == pytest.approx(0.5, rel=1e-9)
    assert peaks.label.values.tolist() == ["1/2", "3/2"]


def test_a_spectrum_without_the_partner_is_fitted_all_the_same(sulfur, sulfur_start):
    both = sulfur_start.expand_dims(x=2).copy(deep=True)
    for name in ("center", "fwhm", "height", "fraction"):
        both[name] = both[name].copy()
        both[name][1, 1] = np.nan
    spectra = sulfur.spectrum.expand_dims(x=2)
    options = {"background": "shirley", "noise": sulfur.noise}
    peaks = refine(spectra, both, doublets=[doublet("S 2p", (1, 2))], **options)
    alone = refine(sulfur.spectrum, both.isel(x=1), **options)
    assert peaks.n_peaks.values.tolist() == [2, 1]
    assert float(peaks.area[0, 1] / peaks.area[0, 0]) == pytest.approx(0.5, rel=1e-9)
    assert float(peaks.area[1, 0]) == pytest.approx(float(alone.area[0]), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"region": "C 1s"}, "expected a level of P 2p"),
        ({"region": "U 4f"}, "another one with its splitting"),
        ({"region": "S 2p", "splitting": -1.0}, "expected splitting"),
        ({"region": "S 2p", "splitting": (1.3, 1.1)}, "expected splitting"),
        ({"region": "S 2p", "ratio": "half"}, "expected ratio"),
        ({"region": "S 2p", "peaks": (1, 1)}, "two peaks counted from 1"),
    ],
)
def test_what_is_no_doublet_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        doublet(**arguments)


@pytest.mark.parametrize("spelling", ["S 2p", "S2p", "s 2P", "1: S 2p"])
def test_a_level_in_any_spelling(spelling):
    assert doublet(spelling) == doublet("S 2p")
    assert str(doublet("u4f", splitting=10.9)).startswith("U 4f:")


def test_another_thing_is_no_doublet(sulfur, sulfur_start):
    with pytest.raises(ValueError, match=r"expected doublets as levels .* got 3"):
        refine(sulfur.spectrum, sulfur_start, doublets=[3])


def test_a_line_is_no_doublet():
    with pytest.raises(ValueError, match=r"expected a level of .* got 'S 2p3/2'"):
        doublet("S2p3/2")


def test_another_level_with_its_splitting():
    one = doublet("U 4f", (1, 2), splitting=10.9)
    assert one.ratio == pytest.approx((0.75, 0.75))
    assert str(one) == "U 4f of peaks 1 and 2: splitting 10.9, ratio 0.75, fwhm_ratio 1"


def test_two_doublets_do_not_share_a_peak():
    pairs = [doublet("S 2p", (1, 2)), doublet("S 2p", (2, 3))]
    with pytest.raises(ValueError, match="doublets of different peaks"):
        doublet_links(pairs, "pseudo_voigt")


def test_a_shared_width_contradicts_a_width_ratio(sulfur, sulfur_start):
    tied = doublet("S 2p", (1, 2), fwhm_ratio=1.1)
    with pytest.raises(ValueError, match="either shared by all peaks or linked"):
        refine(sulfur.spectrum, sulfur_start, doublets=[tied], shared=("fwhm", "fraction"))


def pairs(center, area, **options):
    """Pairs of S 2p among the peaks of one spectrum."""
    sulfur = [doublet("S 2p")]
    [(_, found)] = pair_doublets(sulfur, np.array([center]), np.array([area]), **options)
    return sorted(one.peaks for one in found)


def test_pairs_are_found_by_distance_and_area():
    center = [162.0, 163.2, 164.3, 168.0, np.nan]
    assert pairs(center, [100.0, 400.0, 190.0, 50.0, np.nan]) == [(2, 3)]
    two, areas = [162.0, 163.2, 165.0, 166.2], [100.0, 50.0, 80.0, 41.0]
    assert pairs(two, areas, every=True) == [(1, 2), (3, 4)]
    assert len(pairs(two, areas)) == 1


def test_no_pair_is_found_where_areas_or_distances_speak_against_it():
    center = [162.0, 163.2]
    assert not pairs(center, [100.0, 140.0])
    assert not pairs([162.0, 163.7], [100.0, 50.0])
    # Of a kinetic scale, on which the smaller line lies at lower energy.
    kinetic = [-1323.2, -1322.0]
    assert not pairs(kinetic, [20.0, 100.0])
    assert pairs(kinetic, [100.0, 50.0])
    assert pairs(center, [np.nan, np.nan])


def test_refine_says_where_there_is_no_pair(sulfur, make_hand_peaks):
    alone = make_hand_peaks((163.2,), (0.9,), (2000.0,), energy=WINDOW)
    with pytest.raises(ValueError, match=r"distance and the areas of S 2p, got centers \[163.2\]"):
        refine(sulfur.spectrum, alone, doublets=["S 2p"])


def test_refine_refuses_a_doublet_of_a_peak_that_does_not_exist(sulfur, sulfur_start):
    with pytest.raises(ValueError, match="expected doublets of up to 2 peaks"):
        refine(sulfur.spectrum, sulfur_start, doublets=[doublet("S 2p", peaks=(1, 9))])


def test_branching_of_a_level_that_is_not_statistical(make_case, make_hand_peaks):
    """A 4f doublet whose areas are 1.65 to 1 instead of 4 to 3, as a real map had."""
    energy = np.linspace(68.0, 82.0, 281)
    truth = make_hand_peaks(
        (71.2, 74.53), (1.1, 1.1), (3300.0, 2000.0), energy=energy, background="shirley"
    )
    case = make_case(truth)
    held = refine(case.spectrum, truth, background="shirley", noise=case.noise, doublets=["Pt 4f"])
    tied = doublet("Pt 4f", ratio=(0.4, 0.9))
    free = refine(case.spectrum, truth, background="shirley", noise=case.noise, doublets=[tied])
    assert float(free.area[0] / free.area[1]) == pytest.approx(1.65, rel=0.02)
    assert float(free.redchi) < 1.2 < 2 < float(held.redchi)
