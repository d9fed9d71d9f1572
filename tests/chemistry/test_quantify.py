import numpy as np
import pytest
import xarray as xr

import xpsnet
from tests.chemistry.quantify_peaks import region_peaks
from xpsnet.chemistry.cross_sections import cross_section, scofield_factor
from xpsnet.data.level_names import parse_level

PLAIN = {"rsf_kind": "cross-section", "transmission": None, "imfp": None}
FACTORS = {"C 1s": 1.0, "O 1s": 2.93, "Ti 2p": 7.9, "Ti 2p3/2": 5.2, "Si 2p": 0.817}


def test_fractions_by_hand() -> None:
    peaks = [region_peaks("C 1s", [60.0, 40.0]), region_peaks("O 1s", [293.0])]
    found = xpsnet.quantify(peaks, rsf=FACTORS, **PLAIN)
    np.testing.assert_allclose(found.atomic_fraction, [0.5, 0.5])
    np.testing.assert_allclose(found.normalized_area, [100.0, 100.0])
    np.testing.assert_allclose(found.area, [100.0, 293.0])
    assert found.region.values.tolist() == ["C 1s", "O 1s"]
    assert found.element.values.tolist() == ["C", "O"]


def test_transmission_mean_free_path_and_angle_divide_the_area() -> None:
    peaks = [region_peaks("C 1s", [100.0]), region_peaks("O 1s", [100.0])]
    energies = np.array([1486.6 - 284.5, 1486.6 - 532.0])
    found = xpsnet.quantify(
        peaks, rsf=FACTORS, rsf_kind="cross-section", transmission="ke^-0.5", imfp="ke^0.75"
    )
    np.testing.assert_allclose(found.kinetic_energy, energies, atol=2.0)
    energies = found.kinetic_energy.values
    atoms = 100.0 / (np.array([1.0, 2.93]) * energies**0.25)
    np.testing.assert_allclose(found.atomic_fraction, atoms / atoms.sum(), rtol=1e-12)
    called = xpsnet.quantify(
        peaks, rsf=FACTORS, rsf_kind="cross-section",
        transmission=lambda energy: energy**-0.5, imfp=lambda energy: energy**0.75,
    )  # fmt: skip
    np.testing.assert_allclose(called.atomic_fraction, found.atomic_fraction)
    # At 90 degrees 1s lines are 1.5 times as strong; a level of beta 0 does not change.
    si = [region_peaks("C 1s", [100.0]), region_peaks("Si 2p", [81.7])]
    turned = xpsnet.quantify(si, rsf=FACTORS, angle=90.0, asymmetry={"Si2p": 0.0}, **PLAIN)
    np.testing.assert_allclose(turned.angular_factor, [1.5, 1.0])
    np.testing.assert_allclose(turned.atomic_fraction, [0.4, 0.6])
    magic = xpsnet.quantify(si, rsf=FACTORS, angle=54.7, **PLAIN)
    np.testing.assert_allclose(magic.atomic_fraction, [0.5, 0.5])


def test_cross_sections_are_used_relative_to_carbon() -> None:
    peaks = [region_peaks("C 1s", [1.0]), region_peaks("O 1s", [1.0])]
    found = xpsnet.quantify(peaks, transmission=None)
    expected = scofield_factor(parse_level("O 1s"), 1486.6)
    np.testing.assert_allclose(found.sensitivity_factor, [1.0, expected])
    low = [region_peaks("Si 2p", [1.0], photon_energy=180.0)]
    soft = xpsnet.quantify([*low, region_peaks("Al 2p", [1.0], photon_energy=180.0)],
                           transmission=None)  # fmt: skip
    np.testing.assert_allclose(
        soft.sensitivity_factor,
        [cross_section(parse_level(name), 180.0) for name in ("Si 2p", "Al 2p")],
    )
    assert "[Mb]" in soft.attrs["rsf"]


def test_both_lines_of_a_doublet_or_one_of_them() -> None:
    whole = region_peaks("Ti 2p", [60.0, 30.0])
    pair = whole.assign(partner=("peak", [2, 1]))
    assert float(xpsnet.quantify(pair, rsf=FACTORS, **PLAIN).sensitivity_factor[0]) == 7.9
    named = region_peaks("Ti 2p3/2", [60.0])
    found = xpsnet.quantify(named, rsf=FACTORS, **PLAIN)
    assert found.region.values.tolist() == ["Ti 2p3/2"]
    assert float(found.sensitivity_factor[0]) == 5.2
    # A pair in a window that is named after one line is the whole level.
    both = pair.assign_attrs(region="Ti 2p3/2")
    assert xpsnet.quantify(both, rsf=FACTORS, **PLAIN).region.values.tolist() == ["Ti 2p"]
    labelled = whole.assign(label=("peak", np.array(["Ti 2p3/2 oxide", "Ti 2p1/2 oxide"], object)))
    assert xpsnet.quantify(labelled, rsf=FACTORS, **PLAIN).region.values.tolist() == ["Ti 2p"]
    short = region_peaks("Ti 2p", [60.0], energy_range=[450.0, 458.0])
    with pytest.warns(xpsnet.XpsnetWarning, match="holds the line Ti 2p3/2 only"):
        found = xpsnet.quantify(short, rsf=FACTORS, **PLAIN)
    assert float(found.sensitivity_factor[0]) == 5.2
    with pytest.raises(ValueError, match="a doublet and one line of it have different factors"):
        xpsnet.quantify(named, rsf={"Ti 2p": 7.9}, **PLAIN)


def test_states_and_lines_share_the_atoms_of_their_region() -> None:
    carbon = region_peaks("C 1s", [60.0, 40.0], stderr=[3.0, 4.0]).assign(
        state=("peak", [1, 2]), label=("peak", np.array(["C-C", ""], object))
    )
    titanium = region_peaks("Ti 2p", [200.0, 100.0], stderr=[2.0, 1.0]).assign(
        state=("peak", [1, 1]), partner=("peak", [2, 1])
    )
    states = xpsnet.quantify(
        [carbon, titanium], rsf={"C 1s": 1, "Ti 2p": 3}, level="state", **PLAIN
    )
    np.testing.assert_allclose(states.atomic_fraction, [0.3, 0.2, 0.5])
    assert states.label.values.tolist() == ["C-C", "C 1s state 2", "Ti 2p state 1"]
    assert states.state.values.tolist() == [1, 2, 1]
    lines = xpsnet.quantify([carbon, titanium], rsf={"C 1s": 1, "Ti 2p": 3}, level="peak", **PLAIN)
    np.testing.assert_allclose(lines.atomic_fraction, [0.3, 0.2, 1 / 3, 1 / 6])
    whole = xpsnet.quantify([carbon, titanium], rsf={"C 1s": 1, "Ti 2p": 3}, **PLAIN)
    np.testing.assert_allclose(whole.atomic_fraction, [0.5, 0.5])
    np.testing.assert_allclose(
        states.groupby("region").sum().atomic_fraction, whole.atomic_fraction
    )


def test_errors_are_those_of_the_linearized_fractions() -> None:
    peaks = [
        region_peaks("C 1s", [60.0, 40.0], stderr=[3.0, 4.0], total=2.0),
        region_peaks("O 1s", [293.0], stderr=[5.86]),
    ]
    found = xpsnet.quantify(peaks, rsf=FACTORS, **PLAIN)
    # Of equal amounts, each of error 2: f = a / (a + b), df = (b da - a db) / (a + b)^2.
    np.testing.assert_allclose(found.atomic_fraction_stderr, np.sqrt(2) * 200.0 / 200.0**2)
    np.testing.assert_allclose(found.area_stderr, [2.0, 5.86])
    states = xpsnet.quantify(peaks, rsf=FACTORS, level="peak", **PLAIN)
    # The two carbon lines have the covariance that gives their sum the error 2.
    covariance = np.array([[9.0, (4 - 25) / 2, 0], [(4 - 25) / 2, 16.0, 0], [0, 0, 4.0]])
    share = np.array([0.3, 0.2, 0.5])
    slopes = (np.eye(3) - share[:, None]) / 200.0
    expected = np.sqrt(np.diag(slopes @ covariance @ slopes.T))
    np.testing.assert_allclose(states.atomic_fraction_stderr, expected)


def test_systematic_errors_by_hand() -> None:
    peaks = [region_peaks("C 1s", [100.0]), region_peaks("O 1s", [293.0])]
    only = {"transmission": 0.0, "imfp": 0.0}
    found = xpsnet.quantify(peaks, rsf=FACTORS, uncertainty={"rsf": 0.1, **only}, **PLAIN)
    np.testing.assert_allclose(found.atomic_fraction_systematic, np.sqrt(2) * 0.25 * 0.1)
    found = xpsnet.quantify(
        peaks, rsf=FACTORS, uncertainty={"rsf": 0.0, "imfp": 0.0, "transmission": 0.5}, **PLAIN
    )
    ratio = np.log(found.kinetic_energy[0] / found.kinetic_energy[1])
    np.testing.assert_allclose(found.atomic_fraction_systematic, 0.25 * 0.5 * ratio)


def test_errors_of_a_real_fit_count_its_covariance() -> None:
    spectrum = xpsnet.sample("spectrum")
    oxygen = region_peaks("O 1s", [1e4], stderr=0.0)
    fits = [xpsnet.refine(spectrum, xpsnet.fit(spectrum), covariance=one) for one in (False, True)]
    found = [xpsnet.quantify([fit, oxygen], rsf=FACTORS, **PLAIN) for fit in fits]
    np.testing.assert_allclose(
        found[0].atomic_fraction_stderr, found[1].atomic_fraction_stderr, rtol=1e-3
    )
    areas = fits[0]
    apart = float(np.sqrt((areas.area_stderr**2).sum()))
    assert abs(float(areas.area_sum_stderr) / apart - 1) > 0.05  # they are not independent


def test_counts_become_rates() -> None:
    carbon = region_peaks("C 1s", [100.0], units="counts", dwell_time=0.1, n_scans=10)
    oxygen = region_peaks("O 1s", [586.0], units="counts", dwell_time=0.2, n_scans=10)
    found = xpsnet.quantify([carbon, oxygen], rsf=FACTORS, **PLAIN)
    np.testing.assert_allclose(found.area, [100.0, 293.0])
    assert found.area.attrs["units"] == "counts/s eV"
    unknown = [one.drop_attrs(deep=False).assign_attrs(one.attrs) for one in (carbon, oxygen)]
    for one in unknown:
        del one.attrs["dwell_time"]
    with pytest.warns(xpsnet.XpsnetWarning, match="as measured for equal times"):
        found = xpsnet.quantify(unknown, rsf=FACTORS, **PLAIN)
    assert found.area.attrs["units"] == "counts eV"
    with pytest.raises(ValueError, match="dwell time and number of scans of all regions"):
        xpsnet.quantify([carbon, unknown[1]], rsf=FACTORS, **PLAIN)
    with pytest.raises(ValueError, match="areas of one unit"):
        xpsnet.quantify([carbon, oxygen.assign_attrs(units="a.u.")], rsf=FACTORS, **PLAIN)


def test_regions_are_joined_by_their_coordinates() -> None:
    carbon = region_peaks(
        "C 1s", [[100.0], [50.0], [0.0]], dims=["etch_time"], coords={"etch_time": [0.0, 1.0, 2.0]}
    )
    oxygen = region_peaks(
        "O 1s", [[293.0], [293.0]], dims=["etch_time"], coords={"etch_time": [1.0 + 1e-9, 3.0]}
    )
    with pytest.warns(xpsnet.XpsnetWarning, match="C 1s in 1 of 4 spectra, O 1s in 2 of 4"):
        found = xpsnet.quantify([carbon, oxygen], rsf=FACTORS, **PLAIN)
    assert found.etch_time.values.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert found.complete.values.tolist() == [False, True, False, False]
    np.testing.assert_allclose(found.atomic_fraction[1], [1 / 3, 2 / 3])
    np.testing.assert_allclose(found.atomic_fraction[3], [np.nan, 1.0])
    with pytest.raises(ValueError, match="over the same dimensions"):
        xpsnet.quantify([carbon, region_peaks("O 1s", [1.0])], rsf=FACTORS, **PLAIN)
    bare = carbon.drop_vars("etch_time")
    with pytest.raises(ValueError, match="the same places along 'etch_time'"):
        xpsnet.quantify([bare, oxygen.drop_vars("etch_time")], rsf=FACTORS, **PLAIN)


def test_what_was_not_found_gets_a_detection_limit() -> None:
    carbon = region_peaks("C 1s", [[100.0], [np.nan]], stderr=1.0, dims=["y"])
    oxygen = region_peaks("O 1s", [[293.0], [293.0]], stderr=1.0, dims=["y"])
    found = xpsnet.quantify([carbon, oxygen], rsf=FACTORS, **PLAIN)
    np.testing.assert_allclose(found.atomic_fraction[1], [0.0, 1.0])
    assert 0 < float(found.atomic_fraction_stderr[1, 0]) < float(found.detection_limit[1, 0]) < 0.1
    assert bool(found.complete.all())
    failed = carbon.assign(status=("y", [0, 9]))
    with pytest.warns(xpsnet.XpsnetWarning, match="no area of C 1s in 1 of 2 spectra"):
        missing = xpsnet.quantify([failed, oxygen], rsf=FACTORS, **PLAIN)
    assert np.isnan(missing.atomic_fraction[1, 0])


def test_maps_lazy_and_in_memory_give_the_same() -> None:
    rng = np.random.default_rng(3)
    areas = {"C 1s": 1.0, "O 1s": 3.0, "Si 2p": 0.8, "Ti 2p": 8.0}
    maps = [
        region_peaks(name, 100 * size * rng.uniform(1, 2, (6, 5, 2)), stderr=size, dims=["y", "x"])
        for name, size in areas.items()
    ]
    maps[3] = maps[3].assign(partner=(("y", "x", "peak"), np.full((6, 5, 2), [2, 1])))
    found = xpsnet.quantify(maps, transmission=None)
    lazy = xpsnet.quantify([one.chunk(y=3) for one in maps], transmission=None)
    assert lazy.atomic_fraction.chunks is not None
    # Lazy peaks have the kinetic energies of the table.
    xr.testing.assert_allclose(lazy.atomic_fraction.compute(), found.atomic_fraction, rtol=3e-3)
    xr.testing.assert_allclose(
        lazy.atomic_fraction_stderr.compute(), found.atomic_fraction_stderr, rtol=3e-3
    )
    one = xpsnet.quantify([each.isel(y=2, x=3) for each in maps], transmission=None)
    xr.testing.assert_allclose(found.isel(y=2, x=3), one, rtol=3e-3)
    np.testing.assert_allclose(found.atomic_fraction.sum("region"), 1.0)


def test_lazy_fits_give_lazy_states() -> None:
    spectra = xpsnet.sample("map")[:4, :2]
    options = {"background": "linear", "line_shape": "gaussian", "covariance": True}
    start = xpsnet.predict(spectra.isel(y=0, x=0))
    fits = [xpsnet.refine(one, start, **options) for one in (spectra, spectra.chunk(y=2))]
    found = [xpsnet.quantify(one, level="peak", transmission=None) for one in fits]
    assert found[1].atomic_fraction.chunks is not None
    for name in ("atomic_fraction", "atomic_fraction_stderr"):
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=1e-5)
    np.testing.assert_allclose(found[0].atomic_fraction.sum("row"), 1.0)


def test_a_fit_that_finds_nothing_has_no_atoms() -> None:
    spectrum = xpsnet.sample("spectrum")
    carbon = xpsnet.fit(spectrum)
    counts = np.random.default_rng(0).poisson(np.full(spectrum.shape, 100.0)).astype(float)
    silicon = spectrum.copy(data=counts).assign_coords(energy=spectrum.energy - 185.0)
    nothing = xpsnet.fit(silicon.rename("Si 2p"))
    assert int(nothing.n_peaks) == 0
    found = xpsnet.quantify([nothing, carbon], transmission=None).sel(region="Si 2p")
    assert float(found.atomic_fraction) == 0.0
    # Of 100 counts a point, 10 of noise: some 10 x 0.7 eV of error against 20 000 x 0.8 counts eV.
    assert 1e-4 < float(found.atomic_fraction_stderr) < 1e-3
    ratio = float(found.detection_limit / found.atomic_fraction_stderr)
    assert ratio == pytest.approx(3.29, rel=0.01)


def test_no_element_counts_twice() -> None:
    lines = [
        region_peaks("Si 2p", [81.7]),
        region_peaks("Si 2s", [10.0]),
        region_peaks("C 1s", [9]),
    ]
    with pytest.warns(xpsnet.XpsnetWarning, match="Si 2p left out: Si 2s of the same element"):
        found = xpsnet.quantify(lines, rsf=FACTORS | {"Si 2s": 0.955}, **PLAIN)
    assert found.region.values.tolist() == ["Si 2s", "C 1s"]
    with pytest.raises(ValueError, match="C 1s several times: its atoms would be counted twice"):
        xpsnet.quantify([lines[2], lines[2]], rsf=FACTORS, **PLAIN)


def test_two_elements_in_one_window_go_by_the_labels() -> None:
    window = region_peaks("Si 2p", [81.7, 50.0]).assign(
        label=("peak", np.array(["Si 2p", "C 1s"], object))
    )
    found = xpsnet.quantify(window, rsf=FACTORS, **PLAIN)
    np.testing.assert_allclose(found.normalized_area, [100.0, 50.0])


def test_regions_without_a_level_are_left_out() -> None:
    auger = region_peaks("Cu LMM", [1.0])
    with pytest.warns(xpsnet.XpsnetWarning, match="neither its name nor their labels"):
        found = xpsnet.quantify([region_peaks("C 1s", [1.0]), auger], rsf=FACTORS, **PLAIN)
    assert found.region.values.tolist() == ["C 1s"]
    with pytest.raises(ValueError, match="expected a region named by its core level"):
        xpsnet.quantify(auger, rsf=FACTORS, **PLAIN)


def test_disabled_peaks_have_no_atoms() -> None:
    carbon = region_peaks("C 1s", [60.0, 40.0]).assign(enabled=("peak", [True, False]))
    found = xpsnet.quantify(carbon, rsf=FACTORS, **PLAIN)
    np.testing.assert_allclose(found.area, [60.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"imfp": "tpp2m"}, "expected material= for imfp='tpp2m'"),
        ({"imfp": "jtp", "material": {"formula": "SiO2"}}, "expected the density of SiO2"),
        ({"imfp": "jtp", "material": {"formula": "Xx"}}, "expected a chemical formula"),
        ({"angle": 90.0}, "asymmetry parameter of Si 2p"),
        ({"angle": 90.0, "asymmetry": {"Si 2p": 3.0}}, "asymmetry parameters from -1 to 2"),
        ({"rsf": {"C 1s": 1.0}}, "expected a factor of Si 2p, got none"),
        ({"rsf": {"C 1s": -1.0}}, "expected positive sensitivity factors"),
        ({"rsf": {"many": 1.0}}, "expected the names of levels in rsf="),
        ({"rsf": "nowhere.csv"}, "there is no such file"),
        ({"rsf": "file"}, "expected sensitivity factors in the fit of C 1s, got none"),
        (
            {"transmission": lambda energy: -1.0},
            "a positive number from the function transmission=",
        ),
        ({"uncertainty": {"many": 0.1}}, "expected relative uncertainties"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_refusals(options: dict, message: str) -> None:
    peaks = [region_peaks("C 1s", [1.0]), region_peaks("Si 2p", [1.0])]
    with pytest.raises(ValueError, match=message):
        xpsnet.quantify(peaks, **{"transmission": None, **options})


def test_an_unknown_photon_energy_is_refused() -> None:
    peaks = region_peaks("C 1s", [1.0])
    del peaks.attrs["photon_energy"]
    with pytest.raises(ValueError, match="expected the photon energy of C 1s, got none"):
        xpsnet.quantify(peaks)
    assert xpsnet.quantify(peaks, photon_energy=1253.6).attrs["photon_energy"] == 1253.6


def test_an_unknown_transmission_is_said() -> None:
    peaks = [region_peaks("C 1s", [1.0]), region_peaks("Si 2p", [1.0])]
    with pytest.warns(xpsnet.XpsnetWarning, match="no transmission is known of C 1s, Si 2p"):
        unknown = xpsnet.quantify(peaks)
    known = xpsnet.quantify(peaks, transmission="ke^-0.7")
    assert (unknown.atomic_fraction_systematic > known.atomic_fraction_systematic).all()


def test_the_transmission_of_the_spectra_reaches_the_fractions() -> None:
    spectrum = xpsnet.sample("spectrum")
    curve = np.linspace(1.0, 1.2, spectrum.sizes["energy"])
    spectrum = spectrum.assign_coords(transmission=("energy", curve))
    peaks = xpsnet.refine(spectrum, xpsnet.fit(spectrum))
    found = xpsnet.quantify(peaks)
    mean = float((peaks.center * peaks.area).sum() / peaks.area.sum())
    at = np.interp(mean, spectrum.energy, curve)
    np.testing.assert_allclose(found.transmission, [at], rtol=1e-4)
    assert found.attrs["transmission"] == "as stated in the file"
