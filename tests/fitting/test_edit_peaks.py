"""Peaks changed by hand: values, locks, links, numbers, rows that are off, doublets."""

import json

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.peaks import Status
from xpsnet.samples import sample_truth

NAMES = ("center", "fwhm", "height", "fraction", "area")


@pytest.fixture
def spectrum() -> xr.DataArray:
    return xpsnet.sample("spectrum")


@pytest.fixture
def peaks() -> xr.Dataset:
    """Three peaks, the second linked to the first in center, width and area."""
    made = sample_truth("spectrum").drop_vars("label")
    made = xpsnet.constrain_peak(made, 2, "center", link="center_1 + 1.6")
    made = xpsnet.constrain_peak(made, 2, "fwhm", link="fwhm_1")
    return xpsnet.constrain_peak(made, 2, "area", link="0.5 * area_1")


def rules(peaks: xr.Dataset) -> dict:
    return json.loads(peaks.attrs["constraints"])


def values(peaks: xr.Dataset, name: str) -> np.ndarray:
    return peaks[name].values.copy()


def test_an_added_peak_has_height_and_width_of_the_data(spectrum: xr.DataArray) -> None:
    truth = sample_truth("spectrum")
    peaks = None
    for center, label in zip(truth.center.values, "abc", strict=True):
        peaks = xpsnet.add_peak(peaks, spectrum, center, label=label)
    # Noise of 1 % and neighbors; a fit needs no better start.
    np.testing.assert_allclose(peaks.height, truth.height, rtol=0.08)
    np.testing.assert_allclose(peaks.fwhm, truth.fwhm, rtol=0.08)
    assert peaks.label.values.tolist() == ["a", "b", "c"]
    base = xpsnet.curves(peaks)["background"].values
    # Both ends are those of the data, within the tails of the lines.
    assert base[0] == pytest.approx(spectrum.values[:5].mean(), rel=0.03)
    refined = xpsnet.refine(spectrum, peaks)
    np.testing.assert_allclose(refined.center, truth.center, atol=0.02)
    assert refined.label.values.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("turned", [False, True], ids=["descending", "ascending"])
def test_adding_on_the_kinetic_scale_is_the_mirror(spectrum: xr.DataArray, turned: bool) -> None:
    kinetic = xpsnet.to_kinetic(spectrum)
    if turned:
        kinetic = kinetic.isel(energy=slice(None, None, -1))
    at = 1486.6 - 284.8
    one, other = (xpsnet.add_peak(None, s, c) for s, c in ((spectrum, 284.8), (kinetic, at)))
    for name in ("height", "fwhm", "area", "background_constant", "background_shirley"):
        assert float(other[name].sum()) == pytest.approx(float(one[name].sum()), rel=1e-6)
    assert float(other.center[0]) == at


def test_where_nothing_is_left_a_peak_is_small_and_as_wide_as_the_others(
    spectrum: xr.DataArray,
) -> None:
    peaks = xpsnet.refine(spectrum, sample_truth("spectrum"))
    added = xpsnet.add_peak(peaks, spectrum, 284.8)
    assert float(added.height[3]) < 0.15 * float(added.height[0])
    assert float(added.fwhm[3]) == pytest.approx(float(np.median(peaks.fwhm)))


def test_a_falling_background_gets_a_straight_line() -> None:
    energy = np.linspace(280.0, 290.0, 201)
    counts = 2000.0 - 100.0 * (energy - 280.0) + 500 * np.exp(-((energy - 285) ** 2))
    spectrum = xr.DataArray(
        counts, {"energy": energy}, ("energy",), attrs={"scale": "binding", "units": "counts"}
    )
    peaks = xpsnet.add_peak(None, spectrum, 285.0)
    drawn = xpsnet.curves(peaks)
    np.testing.assert_allclose(drawn.background, 2000.0 - 100.0 * (energy - 280.0), atol=30)
    assert float(peaks.height[0]) == pytest.approx(500.0, rel=0.05)


def test_adding_outside_or_to_many_is_refused(spectrum: xr.DataArray) -> None:
    with pytest.raises(ValueError, match="center within the fitted range, 280 to 294 eV, got 300"):
        xpsnet.add_peak(None, spectrum, 300.0)
    with pytest.raises(ValueError, match="expected one spectrum"):
        xpsnet.add_peak(None, xpsnet.sample("line_scan"), 285.0)
    with pytest.raises(ValueError, match="peaks of one spectrum"):
        xpsnet.change_peak(sample_truth("line_scan"), 1, center=285.0)


def test_linked_peaks_move_along(peaks: xr.Dataset) -> None:
    moved = xpsnet.change_peak(peaks, 1, center=285.0, fwhm=1.3, height=8000.0)
    assert values(moved, "center")[:2].tolist() == [285.0, 286.6]
    assert values(moved, "fwhm")[:2].tolist() == [1.3, 1.3]
    assert moved.area[1] / moved.area[0] == pytest.approx(0.5, rel=1e-12)
    for name in NAMES:  # the third is free
        assert moved[name][2] == peaks[name][2]


def test_a_linked_peak_takes_its_source_along(peaks: xr.Dataset) -> None:
    moved = xpsnet.change_peak(peaks, 2, center=286.0)
    assert values(moved, "center")[:2] == pytest.approx([284.4, 286.0])
    wider = xpsnet.change_peak(peaks, 2, fwhm=0.9)
    assert values(wider, "fwhm")[:2].tolist() == [0.9, 0.9]
    assert wider.area[1] / wider.area[0] == pytest.approx(0.5, rel=1e-12)
    larger = xpsnet.change_peak(peaks, 2, area=3000.0)
    assert values(larger, "area")[:2] == pytest.approx([6000.0, 3000.0])
    higher = xpsnet.change_peak(peaks, 2, height=1000.0)
    assert float(higher.height[1]) == pytest.approx(1000.0)
    assert higher.area[1] / higher.area[0] == pytest.approx(0.5, rel=1e-12)


def test_a_fitted_amount_takes_up_what_its_limits_allow() -> None:
    peaks = sample_truth("spectrum")
    peaks = xpsnet.constrain_peak(peaks, 2, "center", link="center_1 + (1.0, 2.0)")
    first, second = values(peaks, "center")[:2]
    moved = xpsnet.change_peak(peaks, 2, center=first + 1.8)
    assert values(moved, "center")[:2] == pytest.approx([first, first + 1.8])
    moved = xpsnet.change_peak(peaks, 2, center=first + 2.5)
    assert values(moved, "center")[:2] == pytest.approx([first + 0.5, first + 2.5])
    along = xpsnet.change_peak(peaks, 1, center=first + 0.3)
    assert values(along, "center")[:2] == pytest.approx([first + 0.3, second + 0.3])


def test_area_and_height_agree(peaks: xr.Dataset) -> None:
    for change in ({"area": 500.0}, {"height": 700.0}, {"fwhm": 2.0}, {"fraction": 0.8}):
        moved = xpsnet.change_peak(peaks, 3, **change)
        ((name, wanted),) = change.items()
        assert float(moved[name][2]) == pytest.approx(wanted)
        drawn = xpsnet.curves(moved, np.linspace(-20000.0, 21000.0, 2_000_001))["component"][2]
        assert float(drawn.integrate("energy")) == pytest.approx(float(moved.area[2]), rel=1e-3)
    assert float(xpsnet.change_peak(peaks, 3, fwhm=2.0).height[2]) == float(peaks.height[2])


def test_a_shared_parameter_changes_for_all(peaks: xr.Dataset) -> None:
    assert set(values(xpsnet.change_peak(peaks, 1, fraction=0.6), "fraction")) == {0.6}


@pytest.mark.parametrize("name", ["center", "fwhm", "height", "fraction"])
def test_what_is_locked_says_so(peaks: xr.Dataset, name: str) -> None:
    locked = xpsnet.constrain_peak(peaks, 3, name, vary=False)
    own = float(peaks[name][2])
    with pytest.raises(ValueError, match=f"The {name} of peak 3 is locked at .*: unlock it first"):
        xpsnet.change_peak(locked, 3, **{name: own * 1.1})
    same = xpsnet.change_peak(locked, 3, **{name: own})  # nothing changes
    assert float(same[name][2]) == own
    free = xpsnet.constrain_peak(locked, 3, name, vary=True)
    assert float(xpsnet.change_peak(free, 3, **{name: own * 1.1})[name][2]) == pytest.approx(
        own * 1.1
    )


def test_a_locked_source_holds_what_follows_it(peaks: xr.Dataset) -> None:
    locked = xpsnet.constrain_peak(peaks, 1, "center", vary=False)
    words = "The center of peak 1 is locked .* The center of peak 2 follows it"
    with pytest.raises(ValueError, match=words):
        xpsnet.change_peak(locked, 2, center=290.0)


def test_a_value_stops_at_its_limits_and_limits_go(peaks: xr.Dataset) -> None:
    limited = xpsnet.constrain_peak(peaks, 3, "fwhm", min=1.0, max=1.5)
    assert float(xpsnet.change_peak(limited, 3, fwhm=9.0).fwhm[2]) == 1.5
    assert float(xpsnet.change_peak(limited, 3, fwhm=0.1).fwhm[2]) == 1.0
    assert limited.xps.peak_limits()[3, "fwhm"].max == 1.5
    half = xpsnet.constrain_peak(limited, 3, "fwhm", max=None)
    assert rules(half)["fwhm_3"] == [1.0, None]
    assert float(xpsnet.change_peak(half, 3, fwhm=9.0).fwhm[2]) == 9.0
    free = xpsnet.constrain_peak(half, 3, "fwhm", min=-np.inf)
    assert "fwhm_3" not in rules(free)
    narrow = xpsnet.constrain_peak(peaks, 3, "fwhm", min=1.3)  # the value obeys at once
    assert float(narrow.fwhm[2]) == 1.3


def test_a_rule_for_all_peaks_stays_for_the_others(peaks: xr.Dataset) -> None:
    peaks.attrs["constraints"] = json.dumps({"height": [0.0, 9500.0]})
    one = xpsnet.constrain_peak(peaks, 2, "height", max=4000.0)
    assert rules(one) == {
        "height_1": [0.0, 9500.0],
        "height_2": [0.0, 4000.0],
        "height_3": [0.0, 9500.0],
    }


def test_a_lock_of_a_shared_parameter_holds_for_all(peaks: xr.Dataset) -> None:
    locked = xpsnet.constrain_peak(peaks, 2, "fraction", value=0.4, vary=False)
    assert rules(locked)["fraction"] == 0.4
    assert set(values(locked, "fraction")) == {0.4}
    assert all(locked.xps.peak_limits()[k, "fraction"].locked for k in (1, 2, 3))
    linked = xpsnet.constrain_peak(peaks, 2, "fraction", link="0.5 * fraction_1")
    assert linked.attrs["shared"] == ""
    assert rules(linked)["fraction_3"] == "fraction_1"  # the others go on sharing
    assert values(linked, "fraction") == pytest.approx([0.3, 0.15, 0.3])


@pytest.mark.parametrize(
    ("parameter", "given", "words"),
    [
        ("center", {"link": "center_2 + 1"}, "of another peak"),
        ("center", {"link": "import os"}, "expected a link"),
        ("fwhm", {"min": 2.0, "max": 1.0}, "expected a number or a pair"),
        ("fraction", {"min": 1.5}, "from 0 to 1"),
        ("area", {"vary": False}, "lock the height and the fwhm"),
        ("center", {"vary": False, "min": 1.0}, "a lock or limits"),
        ("asymmetry", {"vary": False}, "a pseudo_voigt line, got 'asymmetry'"),
    ],
)
def test_rules_that_cannot_be_are_refused(parameter: str, given: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        xpsnet.constrain_peak(sample_truth("spectrum"), 2, parameter, **given)


def test_a_circle_and_limits_of_a_linked_value_are_refused(peaks: xr.Dataset) -> None:
    with pytest.raises(ValueError, match="a circle"):
        xpsnet.constrain_peak(peaks, 1, "center", link="center_2 - 1.6")
    with pytest.raises(ValueError, match="end the link first"):
        xpsnet.constrain_peak(peaks, 2, "center", min=286.0)
    ended = xpsnet.constrain_peak(peaks, 2, "center", link=None)
    assert float(ended.center[1]) == float(peaks.center[1])
    assert "center_2" not in rules(ended)


def test_limits_tell_what_holds(peaks: xr.Dataset) -> None:
    found = peaks.xps.peak_limits()
    assert len(found) == 3 * 5
    assert (found[2, "center"].link, found[2, "center"].text) == (
        "center_1 + 1.6",
        "= peak 1 + 1.6 eV",
    )
    assert found[2, "area"].text == "= 0.5 x area of peak 1"
    assert found[2, "fwhm"].text == "= fwhm of peak 1"
    assert found[1, "fraction"].shared
    assert not found[1, "center"].locked
    assert (found[1, "center"].min, found[1, "center"].max) == (-np.inf, np.inf)
    fitted = xpsnet.constrain_peak(
        sample_truth("spectrum"), 3, "center", link="center_1 - (-5, -4)"
    )
    assert fitted.xps.peak_limits()[3, "center"].text == "= peak 1 + (4 to 5) eV"


def test_removing_renumbers_and_releases(peaks: xr.Dataset) -> None:
    peaks = xpsnet.constrain_peak(peaks, 3, "fwhm", min=0.5, max=2.0)
    peaks = xpsnet.constrain_peak(peaks, 3, "center", link="center_2 + 2.4")
    first = xpsnet.remove_peak(peaks, 1)
    assert first.peak.values.tolist() == [1, 2]
    assert rules(first) == {"fwhm_2": [0.5, 2.0], "center_2": "center_1 + 2.4"}
    for name in NAMES:  # what was linked keeps its value
        np.testing.assert_array_equal(first[name], peaks[name][1:])
    second = xpsnet.remove_peak(peaks, 2)
    assert rules(second) == {"fwhm_2": [0.5, 2.0]}
    assert xpsnet.remove_peak(peaks, 3).attrs["links"].count("=") == 3
    with pytest.raises(ValueError, match=r"number of a peak \(1, 2, 3\), got 4"):
        xpsnet.remove_peak(peaks, 4)


def test_the_last_peak_leaves_a_row_that_can_be_filled(spectrum: xr.DataArray) -> None:
    empty = xpsnet.remove_peak(xpsnet.add_peak(None, spectrum, 284.8), 1)
    assert empty.status == Status.NO_PEAKS
    assert np.isnan(empty.center.values).all()
    refined = xpsnet.refine(spectrum, empty)
    assert int(refined.n_peaks) == 0
    assert np.isfinite(refined.background_constant)
    again = xpsnet.add_peak(empty, spectrum, 284.8)
    assert again.sizes["peak"] == 1
    assert float(again.center[0]) == 284.8


def test_a_row_that_is_off_stays_in_the_table_only(spectrum: xr.DataArray) -> None:
    peaks = xpsnet.change_peak(sample_truth("spectrum"), 2, enabled=False)
    drawn = xpsnet.curves(peaks)
    assert not drawn.component[1].any()
    np.testing.assert_allclose(drawn.envelope, drawn.background + drawn.component.sum("peak"))
    refined = xpsnet.refine(spectrum, peaks)
    assert refined.enabled.values.tolist() == [True, False, True]
    assert int(refined.n_peaks) == 2
    for name in NAMES:
        assert refined[name][1] == peaks[name][1]
        assert np.isnan(refined[f"{name}_stderr"][1])
    assert np.isfinite(refined.center_stderr.values).tolist() == [True, False, True]
    without = xpsnet.refine(spectrum, xpsnet.remove_peak(peaks, 2))
    for name in NAMES:
        np.testing.assert_allclose(refined[name][[0, 2]], without[name], rtol=1e-9)
    back = xpsnet.refine(spectrum, xpsnet.change_peak(refined, 2, enabled=True))
    np.testing.assert_allclose(back.center, sample_truth("spectrum").center, atol=0.05)


def test_a_row_that_comes_back_obeys_its_links(peaks: xr.Dataset) -> None:
    off = xpsnet.change_peak(peaks, 2, enabled=False)
    off["center"][1] = 300.0
    assert float(xpsnet.change_peak(off, 2, enabled=True).center[1]) == pytest.approx(
        float(peaks.center[0]) + 1.6
    )


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_a_doublet_has_splitting_and_ratio_of_its_level(scale: str) -> None:
    spectrum = xpsnet.sample("spectrum")
    spectrum = spectrum if scale == "binding" else xpsnet.to_kinetic(spectrum)
    sign = 1 if scale == "binding" else -1
    center = 284.8 if sign > 0 else 1201.8
    peaks = xpsnet.add_peak(None, spectrum, center)
    pair = xpsnet.make_doublet(peaks, 1, level="s2p")
    assert float(pair.center[1] - pair.center[0]) == pytest.approx(sign * 1.18)
    assert float(pair.area[1] / pair.area[0]) == pytest.approx(0.5)
    assert pair.partner.values.tolist() == [2, 1]
    refined = xpsnet.refine(spectrum, pair)
    assert float(refined.center[1] - refined.center[0]) == pytest.approx(sign * 1.18)
    assert float(refined.area[1] / refined.area[0]) == pytest.approx(0.5)
    assert refined.partner.values.tolist() == [2, 1]
    own = xpsnet.make_doublet(peaks, 1, level="Fe 2p", splitting=(12.0, 14.0), ratio=0.6)
    limits = "(12.0, 14.0)" if sign > 0 else "(-14.0, -12.0)"
    assert rules(own)["center_2"] == f"center_1 + {limits}"
    assert rules(own)["area_2"] == "0.6 * area_1"
    with pytest.raises(ValueError, match="Peak 1 is one line of a doublet already, with peak 2"):
        xpsnet.make_doublet(pair, 1, level="S 2p")
    with pytest.raises(ValueError, match="expected a level with two lines"):
        xpsnet.make_doublet(peaks, 1, level="C 1s")


def test_a_doublet_of_refine_can_be_edited() -> None:
    spectrum = xpsnet.sample("spectrum")
    peaks = xpsnet.add_peak(None, spectrum, 284.8)
    peaks = xpsnet.add_peak(peaks, spectrum, 286.0)
    one = xpsnet.doublet("S 2p", peaks=(1, 2))
    fitted = xpsnet.refine(spectrum, peaks, doublets=[one])
    free = xpsnet.constrain_peak(fitted, 2, "area", link=None)
    assert "doublets" not in free.attrs
    assert {"center_2", "fwhm_2"} <= set(rules(free))
    assert "area_2" not in rules(free)
    refined = xpsnet.refine(spectrum, free)
    assert float(refined.area[1] / refined.area[0]) != pytest.approx(0.5, abs=0.01)
    assert float(refined.center[1] - refined.center[0]) == pytest.approx(1.18)


def test_a_line_shape_of_one_peak(spectrum: xr.DataArray) -> None:
    peaks = xpsnet.change_peak(sample_truth("spectrum"), 2, line_shape="GL(30)")
    assert peaks.line_shape.values.tolist() == ["pseudo_voigt", "gl_product", "pseudo_voigt"]
    assert rules(peaks)["fraction_2"] == 0.3
    refined = xpsnet.refine(spectrum, peaks)
    assert float(refined.fraction[1]) == 0.3
    assert refined.line_shape.values.tolist() == peaks.line_shape.values.tolist()
    back = xpsnet.change_peak(peaks, 2, line_shape="pseudo_voigt")
    assert back.attrs["line_shape"] == "pseudo_voigt"
    assert "line_shape" not in back
    assert "fraction_2" not in rules(back)
    leaning = xpsnet.change_peak(peaks, 1, line_shape="asymmetric_pseudo_voigt", asymmetry=0.2)
    assert leaning.asymmetry.values.tolist()[0] == 0.2
    assert np.isnan(leaning.asymmetry.values[1:]).all()
    with pytest.raises(ValueError, match="for peak 3, a pseudo_voigt line, got 'asymmetry'"):
        xpsnet.change_peak(leaning, 3, asymmetry=0.1)


def test_both_lines_of_a_doublet_get_a_shape(spectrum: xr.DataArray) -> None:
    pair = xpsnet.make_doublet(xpsnet.add_peak(None, spectrum, 284.8), 1, level="S 2p")
    shaped = xpsnet.change_peak(pair, 2, line_shape="voigt")
    assert shaped.attrs["line_shape"] == "voigt"
    assert shaped.area[1] / shaped.area[0] == pytest.approx(0.5)
    named = xpsnet.change_peak(pair, 1, line_shape="GL(40)")
    refined = xpsnet.refine(spectrum, named)
    assert refined.fraction.values.tolist() == [0.4, 0.4]
    assert float(refined.area[1] / refined.area[0]) == pytest.approx(0.5)


def test_the_others_go_on_sharing(spectrum: xr.DataArray) -> None:
    pair = xpsnet.make_doublet(sample_truth("spectrum"), 3, level="S 2p")
    one = xpsnet.refine(spectrum, xpsnet.change_peak(pair, 2, line_shape="GL(30)"))
    assert float(one.fraction[1]) == 0.3
    assert len(set(values(one, "fraction")[[0, 2, 3]])) == 1


def test_nothing_of_the_old_fit_is_said_of_changed_peaks(spectrum: xr.DataArray) -> None:
    fitted = xpsnet.refine(spectrum, sample_truth("spectrum"), covariance=True)
    before = fitted.copy(deep=True)
    moved = xpsnet.change_peak(fitted, 1, center=285.0)
    assert moved.status == Status.NOT_DONE
    assert np.isnan(moved.redchi)
    assert np.isnan(moved.center_stderr).all()
    assert "covariance" not in moved
    named = xpsnet.change_peak(fitted, 1, label="C-C")
    assert named.redchi == fitted.redchi
    xr.testing.assert_identical(fitted, before)  # what was given stays as it is


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fwhm": 0.0}, "a width above 0"),
        ({"center": np.nan}, "a finite number"),
        ({"area": 1.0, "height": 1.0}, "either height or area"),
        ({"line_shape": "triangle"}, "expected line_shape"),
        ({"gamma": 1.0}, "got 'gamma'"),
    ],
)
def test_changes_that_mean_nothing_are_refused(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        xpsnet.change_peak(sample_truth("spectrum"), 1, **change)


def test_rows_that_are_off_and_locks_go_to_lmfit_and_back(spectrum: xr.DataArray) -> None:
    peaks = xpsnet.change_peak(sample_truth("spectrum"), 2, enabled=False)
    peaks = xpsnet.constrain_peak(peaks, 1, "fwhm", vary=False)
    peaks = xpsnet.constrain_peak(peaks, 3, "center", min=288.0, max=289.5)
    model, params = xpsnet.to_lmfit(spectrum, peaks)
    assert "center_3" not in params  # lmfit counts the peaks that take part
    assert not params["fwhm_1"].vary
    assert params["center_1"].vary
    assert (params["center_2"].min, params["center_2"].max) == (288.0, 289.5)
    result = model.fit(
        spectrum.values, params, energy=spectrum.energy.values, weights=1 / np.sqrt(spectrum.values)
    )
    again = xpsnet.from_lmfit(result, peaks)
    assert again.enabled.values.tolist() == [True, False, True]
    assert float(again.center[1]) == float(peaks.center[1])
    assert float(again.center[2]) == pytest.approx(result.params["center_2"].value)


def test_rows_that_are_off_have_no_interval_and_no_curve(spectrum: xr.DataArray) -> None:
    peaks = xpsnet.change_peak(sample_truth("spectrum"), 2, enabled=False)
    fitted = xpsnet.refine(spectrum, peaks, shared=("fraction", "fwhm"))
    assert xpsnet.confidence(spectrum, fitted).peak.values.tolist() == [1, 3]
    legend = xpsnet.plot(spectrum, fitted).axes[0].get_legend()
    assert legend is not None
    assert not any("C-O " in text.get_text() for text in legend.get_texts())
