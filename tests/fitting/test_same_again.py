"""Peaks carry the settings of their fit: `refine` without keywords does the same again."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.samples import sample_truth

NAMES = ("center", "fwhm", "height", "fraction", "area")


def assert_same(first: xr.Dataset, second: xr.Dataset, rtol: float = 1e-6) -> None:
    for name in NAMES:
        # A share near 0 has no relative precision.
        np.testing.assert_allclose(first[name], second[name], rtol=rtol, atol=1e-6, err_msg=name)
    for name in ("constraints", "links", "shared", "background", "doublets", "line_shape"):
        assert first.attrs.get(name) == second.attrs.get(name), name


SETTINGS = {
    "nothing": {},
    "range": {"energy_range": (282.0, 292.0)},
    "background": {"background": "linear"},
    "no background": {"background": "none"},
    "static": {"background": "static shirley"},
    "shared": {"shared": ("fraction", "fwhm")},
    "free": {"shared": ()},
    "lock": {"constraints": {"fwhm_1": 1.1, "center_3": (288.0, 289.5)}},
    "links": {"constraints": {"center_2": "center_1 + (1.0, 2.0)", "fwhm_2": "0.9 * fwhm_1"}},
    "shape": {"line_shape": "GL(30)"},
    "shapes": {"line_shape": ["gaussian", "pseudo_voigt", "SGL(20)"]},
    "doublet": {
        "doublets": [xpsnet.doublet("S 2p", peaks=(1, 2), splitting=(1.0, 2.0), ratio=(0.2, 0.6))]
    },
    "level": {"doublets": [xpsnet.doublet("S 2p", splitting=1.6, ratio=(0.2, 0.6))]},
}


# The energies of these settings are stated on the binding scale.
BINDING_ONLY = ("range", "lock", "links")
CASES = [(name, "binding") for name in SETTINGS]
CASES += [(name, "kinetic") for name in SETTINGS if name not in BINDING_ONLY]


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_the_same_fit_again(name: str, scale: str) -> None:
    spectrum, start = xpsnet.sample("spectrum"), sample_truth("spectrum")
    options = dict(SETTINGS[name])
    if scale == "kinetic":
        spectrum = xpsnet.to_kinetic(spectrum)
        start = start.assign(center=1486.6 - start.center).assign_attrs(scale="kinetic")
        start.attrs.pop("energy_range")
    first = xpsnet.refine(spectrum, start, **options)
    # Other starts, and the noise that the first fit has found: what comes back are the settings.
    noise = {name: first.attrs[f"noise_{name}"] for name in ("gain", "floor", "dof", "density")}
    again = xpsnet.refine(spectrum, first.assign(height=first.height * 1.02), noise=noise)
    assert_same(xpsnet.refine(spectrum, again, noise=noise), again)
    assert_same(again, first, rtol=1e-4 if name == "no background" else 2e-5)
    assert float(again.redchi) == pytest.approx(float(first.redchi), rel=1e-5)


def test_the_noise_is_estimated_again() -> None:
    spectrum = xpsnet.sample("spectrum")
    first = xpsnet.refine(spectrum, sample_truth("spectrum"))
    assert_same(xpsnet.refine(spectrum, first), first, rtol=2e-6)
    scaled = xpsnet.refine(4 * spectrum, first)  # other spectra have another noise
    assert scaled.attrs["noise_gain"] == pytest.approx(4 * first.attrs["noise_gain"], rel=1e-3)


def test_a_keyword_replaces_what_peaks_carry() -> None:
    spectrum = xpsnet.sample("spectrum")
    first = xpsnet.refine(
        spectrum,
        sample_truth("spectrum"),
        background="linear",
        shared=(),
        constraints={"fwhm_1": 1.1, "center_2": "center_1 + 1.6"},
    )
    free = xpsnet.refine(spectrum, first, constraints={})
    assert "links" not in free.attrs
    assert float(free.fwhm[0]) != 1.1
    assert free.attrs["background"] == "linear"
    shirley = xpsnet.refine(spectrum, first, background="shirley", shared=("fraction",))
    assert float(shirley.fwhm[0]) == 1.1
    assert shirley.attrs["background"] == "shirley"
    assert np.ptp(shirley.fraction.values) == 0
    lines = xpsnet.refine(spectrum, first, line_shape="gaussian")
    assert lines.attrs["line_shape"] == "gaussian"
    assert float(lines.fwhm[0]) == 1.1


def test_doublets_go_where_they_are_taken_away() -> None:
    spectrum = xpsnet.sample("spectrum")
    pair = xpsnet.doublet("S 2p", peaks=(1, 2), splitting=1.6)
    tied = xpsnet.refine(spectrum, sample_truth("spectrum"), doublets=[pair])
    assert tied.partner.values.tolist() == [2, 1, 0]
    again = xpsnet.refine(spectrum, tied)
    assert again.partner.values.tolist() == [2, 1, 0]
    free = xpsnet.refine(spectrum, tied, doublets=())
    assert "partner" not in free
    assert "links" not in free.attrs


def test_a_prediction_carries_no_settings() -> None:
    spectrum = xpsnet.sample("spectrum")
    starts = xpsnet.predict(spectrum, background="none")
    assert xpsnet.refine(spectrum, starts).attrs["background"] == "shirley+linear"


def test_chosen_peaks_keep_what_belongs_to_them() -> None:
    spectrum = xpsnet.sample("spectrum")
    first = xpsnet.refine(
        spectrum,
        sample_truth("spectrum"),
        constraints={"fwhm_3": 1.2, "center_3": "center_2 + 2.4", "fwhm_1": 1.0},
    )
    later = xpsnet.refine(spectrum, first.isel(peak=[1, 2]))
    assert json.loads(later.attrs["constraints"]) == {"fwhm_2": 1.2, "center_2": "center_1 + 2.4"}


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "lazy"])
def test_one_peak_set_serves_a_map(lazy: bool) -> None:
    spectra = xpsnet.sample("line_scan").isel(position=slice(0, 12))
    one = xpsnet.refine(spectra.isel(position=0), sample_truth("line_scan").isel(position=0))
    one = xpsnet.constrain_peak(one, 1, "fwhm", value=1.15, vary=False)
    one = xpsnet.add_peak(one, spectra.isel(position=0), 106.0, label="extra")
    extra = one.sizes["peak"]
    one = xpsnet.change_peak(one, extra, enabled=False)
    given = spectra.chunk({"position": 5}) if lazy else spectra
    found = xpsnet.refine(given, one.drop_vars("position", errors="ignore")).compute()
    assert found.center.sizes == {"position": 12, "peak": extra}
    assert (found.fwhm.sel(peak=1) == 1.15).all()
    assert found.enabled.values.tolist() == [True] * (extra - 1) + [False]
    assert (found.center.sel(peak=extra) == 106.0).all()
    assert (found.n_peaks <= 2).all()
    assert_same(xpsnet.refine(given, found).compute(), found, rtol=1e-3)


def test_states_of_a_map_stay(states_map: Callable[[], xr.DataArray]) -> None:
    spectra = states_map()
    first = xpsnet.fit(spectra, neighbors=False, follow=False)
    doublets = json.loads(first.attrs["doublets"])
    assert [one["region"] for one in doublets] == ["S 2p"]
    assert doublets[0]["peaks"] is None
    again = xpsnet.refine(spectra, first)
    np.testing.assert_array_equal(again.state, first.state)
    np.testing.assert_array_equal(again.partner, first.partner)
    np.testing.assert_array_equal(again.n_states, first.n_states)
    np.testing.assert_allclose(again.center, first.center, atol=2e-3)
    paired = (first.partner > 0).values
    tied = again.center.diff("peak").values[paired[:, 1:] & (again.partner.values[:, 1:] > 0)]
    low, high = doublets[0]["splitting"]
    assert ((tied > low - 1e-9) & (tied < high + 1e-9)).any()
    one = first.isel(y=0)
    edited = xpsnet.constrain_peak(one, 1, "fwhm", vary=False)
    assert "doublets" not in edited.attrs
    assert any(name.startswith("center_") for name in json.loads(edited.attrs["constraints"]))


@pytest.fixture
def states_map() -> Callable[[], xr.DataArray]:
    """Four spectra of S 2p with one and two states."""

    def made() -> xr.DataArray:
        energy = np.linspace(158.0, 172.0, 141)
        rng = np.random.default_rng(3)

        def line(center: float, height: float) -> np.ndarray:
            return height * np.exp(-4 * np.log(2) * ((energy - center) / 0.9) ** 2)

        rows = []
        for second in (0.0, 0.0, 3000.0, 4000.0):
            curve = 300 + line(163.0, 6000) + line(164.18, 3000)
            curve = curve + line(167.5, second) + line(168.68, second / 2)
            rows.append(rng.poisson(curve))
        return xr.DataArray(
            np.array(rows, dtype=float),
            {"energy": energy, "y": np.arange(4.0)},
            ("y", "energy"),
            name="S 2p",
            attrs={"scale": "binding", "units": "counts", "photon_energy": 1486.6},
        )

    return made


def test_the_states_of_one_spectrum_stay(states_map: Callable[[], xr.DataArray]) -> None:
    spectrum = states_map().isel(y=3)
    first = xpsnet.fit(spectrum)
    noise = {name: first.attrs[f"noise_{name}"] for name in ("gain", "floor", "dof", "density")}
    again = xpsnet.refine(spectrum, first, noise=noise)
    assert_same(again, first, rtol=1e-5)
    np.testing.assert_array_equal(again.state, first.state)
    np.testing.assert_array_equal(again.partner, first.partner)
    assert int(again.n_states) == int(first.n_states)


def test_a_drawn_background_is_not_taken_for_other_spectra() -> None:
    spectra = xpsnet.sample("line_scan").isel(position=slice(0, 3))
    one = spectra.isel(position=0, drop=True)
    curve = xpsnet.static_background(one, "linear")
    curve.attrs.clear()
    held = xpsnet.refine(one, sample_truth("line_scan").isel(position=0), background=curve)
    again = xpsnet.refine(one, held)
    np.testing.assert_allclose(again.background, curve)
    with pytest.raises(ValueError, match="a curve that was drawn for other spectra"):
        xpsnet.refine(spectra, held)


@pytest.mark.parametrize(
    "text",
    ["no JSON", "[1, 2]", '{"fwhm_1": true}', '{"fwhm_1": [1, 2, 3]}', '{"fwhm_1": ["a", 2]}'],
)
def test_damaged_constraints_are_refused(text: str) -> None:
    spectrum = xpsnet.sample("spectrum")
    peaks = sample_truth("spectrum").assign_attrs(constraints=text)
    with pytest.raises(ValueError, match=r"expected (constraints as|a number, a pair)"):
        xpsnet.refine(spectrum, peaks)
