"""VAMAS files of ours: what is written is read back, and CasaXPS' words are in their places."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vamas as other
import xarray as xr

import xpsnet
from xpsnet.data.peaks import make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.io.casa.line_shapes import casa_line
from xpsnet.io.read import read, read_one
from xpsnet.io.write import write
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.shape_names import named_shape

ENERGY = np.round(np.arange(280.0, 292.0, 0.1), 10)


def _spectra(shape: tuple[int, ...] = (), scale: str = "binding", **attrs: Any) -> xr.DataArray:
    """Counts of a noisy line over any dimensions."""
    random = np.random.default_rng(len(shape))
    line = 200 + 3000 * np.exp(-(((ENERGY - 285.0) / 0.8) ** 2))
    counts = random.poisson(np.broadcast_to(line, (*shape, ENERGY.size))).astype(float)
    dims = ("etch_time", "y", "x", "angle")[: len(shape)] if len(shape) != 2 else ("y", "x")
    coords: dict[str, Any] = {d: 1.5 * np.arange(n) for d, n in zip(dims, shape, strict=True)}
    told = {"photon_energy": 1486.6, "pass_energy": 20.0, "dwell_time": 0.1, "n_scans": 5}
    energy = ENERGY if scale == "binding" else 1486.6 - ENERGY
    return make_spectrum(counts, energy, dims=(*dims, "energy"), coords=coords, scale=scale,
                         name="C 1s", **{**told, **attrs})  # fmt: skip


def _peaks(spectra: xr.DataArray, line_shape: str = "gl_product", **extra: Any) -> xr.Dataset:
    """Two peaks for every spectrum; the second is missing in the last one."""
    shape = spectra.shape[:-1]
    scale = spectra.attrs["scale"]
    centers = np.broadcast_to([284.8, 286.31], (*shape, 2)).copy()
    if shape:
        centers.reshape(-1, 2)[-1, 1] = np.nan
    centers = centers if scale == "binding" else 1486.6 - centers
    missing = np.where(np.isfinite(centers), 1.0, np.nan)
    parameters = {"center": centers, "fwhm": [1.1, 1.34] * missing,
                  "height": [3000.0, 412.5] * missing}  # fmt: skip
    parameters |= {name: value * missing for name, value in extra.items()}
    return make_peaks(
        spectra["energy"].values, spectra.dims[:-1], spectra.coords, scale=scale,
        line_shape=line_shape, background="shirley", parameters=parameters,
        background_parameters={"constant": np.full(shape, 200.0), "shirley": np.full(shape, 0.02)},
        status=np.zeros(shape, dtype=int), label=["C-C", "C-O (*odd*)"],
        attrs={"region": "C 1s", "units": "counts"},
    )  # fmt: skip


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
@pytest.mark.parametrize(
    "shape", [(), (3,), (1,), (2, 3), (1, 3), (2, 2, 3), (2, 1, 2, 2)], ids=str
)
def test_spectra_come_back_equal(tmp_path: Path, shape: tuple[int, ...], scale: str) -> None:
    spectra = _spectra(shape, scale, instrument="K-Alpha", sample="wafer 3",
                       acquired="2024-02-29T12:30:15")  # fmt: skip
    write(spectra, tmp_path / "a.vms")
    (again,) = read(tmp_path / "a.vms")
    assert again.dims == spectra.dims
    np.testing.assert_array_equal(again, spectra)
    np.testing.assert_allclose(again.energy, spectra.energy, rtol=0, atol=1e-9)
    for name in spectra.dims[:-1]:
        np.testing.assert_array_equal(again[name], spectra[name])
    assert again.name == "C 1s"
    assert {key: again.attrs[key] for key in spectra.attrs} == spectra.attrs


def test_uneven_axes_and_missing_points_come_back_to_the_digit(tmp_path: Path) -> None:
    energy = np.sort(np.random.default_rng(3).uniform(280, 292, 60))
    counts = np.random.default_rng(4).normal(100.0, 30.0, 60)
    counts[[0, 17, 59]] = np.nan
    spectrum = make_spectrum(counts, energy, scale="binding", name="x", units="counts")
    write(spectrum, tmp_path / "a.vms")
    (again,) = read(tmp_path / "a.vms")
    np.testing.assert_array_equal(again, spectrum)
    np.testing.assert_array_equal(again.energy, spectrum.energy)


def test_regions_of_different_lengths_share_a_file(tmp_path: Path) -> None:
    survey = make_spectrum(np.arange(50.0), np.arange(50.0), scale="binding", name="survey")
    narrow = _spectra((2,)).assign_coords(transmission=("energy", np.linspace(2, 1, ENERGY.size)))
    odd = _spectra().rename("valence band")
    write([survey, narrow, odd], tmp_path / "a.vms")
    found = read(tmp_path / "a.vms")
    assert [one.name for one in found] == ["survey", "C 1s", "valence band"]
    assert [one.shape for one in found] == [(50,), (2, ENERGY.size), (ENERGY.size,)]
    np.testing.assert_array_equal(found[1].transmission, narrow.transmission)
    assert "etch_time" not in found[0].coords


@pytest.mark.parametrize("whole", [True, False])
def test_rates_stay_rates(tmp_path: Path, whole: bool) -> None:
    rates = _spectra() * (1.0 if whole else 0.37)
    rates.attrs = {**_spectra(dwell_time=10.0).attrs, "units": "counts/s"}
    write(rates, tmp_path / "a.vms")
    (again,) = read(tmp_path / "a.vms")
    assert again.attrs["units"] == "counts/s"
    np.testing.assert_array_equal(again, rates)


def test_a_second_opinion_reads_the_same(tmp_path: Path) -> None:
    spectra = _spectra((3,), "kinetic")
    write(spectra, tmp_path / "a.vms")
    blocks = other.Vamas(str(tmp_path / "a.vms")).blocks
    assert len(blocks) == 3
    for i, block in enumerate(blocks):
        np.testing.assert_array_equal(block.corresponding_variables[0].y_values, spectra[i])
        energy = block.x_start + block.x_step * np.arange(ENERGY.size)
        np.testing.assert_allclose(energy, spectra.energy, rtol=0, atol=1e-9)
        assert block.species_label == "C"
        assert block.transition_or_charge_state_label == "1s"
        assert block.analysis_source_characteristic_energy == 1486.6


LINES: dict[str, dict[str, float]] = {
    "gaussian": {},
    "lorentzian": {},
    "gl_product": {"fraction": 0.3},
    "pseudo_voigt": {"fraction": 0.4375},
}


@pytest.mark.parametrize("line_shape", LINES)
@pytest.mark.parametrize("scale", ["binding", "kinetic"])
@pytest.mark.parametrize("shape", [(), (3,)], ids=str)
def test_components_come_back_equal(
    tmp_path: Path, shape: tuple[int, ...], scale: str, line_shape: str
) -> None:
    spectra = _spectra(shape, scale)
    peaks = _peaks(spectra, line_shape, **LINES[line_shape])
    write(peaks, tmp_path / "a.vms", spectra=spectra)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region="C 1s")
    assert again.center.dims == peaks.center.dims
    assert again.attrs["scale"] == scale
    for name in ("center", "fwhm", "height", "area"):
        np.testing.assert_allclose(again[name], peaks[name], rtol=1e-9)
    if "fraction" in peaks:
        np.testing.assert_allclose(again.fraction, peaks.fraction, rtol=1e-9)
    assert again.label.values.tolist() == ["C-C", "C-O odd"]
    np.testing.assert_array_equal(read_one(tmp_path / "a.vms", region="C 1s"), spectra)


def test_the_comment_is_what_casaxps_writes(tmp_path: Path) -> None:
    spectra = _spectra((), "kinetic")
    write(_peaks(spectra, "gl_product", fraction=0.3), tmp_path / "a.vms", spectra=spectra)
    lines = (tmp_path / "a.vms").read_bytes().decode().split("\r\n")
    at = lines.index("Casa Info Follows")
    assert lines[at : at + 4] == ["Casa Info Follows", "0", "0", "1"]
    assert lines[at + 4].startswith("CASA region (*C 1s*) (*Shirley*) 1194.")
    assert lines[at + 5] == "2"
    # Labels keep the order of the peaks.
    first, second = lines[at + 6 : at + 8]
    assert first.startswith("CASA comp (*C-C*) (*GL(30)*) Area ")
    assert second.startswith("CASA comp (*C-O odd*) (*GL(30)*) Area ")
    words = first.split()
    area, place = (float(words[words.index(key) + 1]) for key in ("Area", "Position"))
    assert place == pytest.approx(1486.6 - 284.8)
    assert area == pytest.approx(3000.0 * 1.1 * casa_line("GL(30)").area / 0.5)


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_links_come_back(tmp_path: Path, scale: str) -> None:
    spectra = _spectra((), scale)
    peaks = _peaks(spectra, "pseudo_voigt", fraction=0.3)
    peaks["fwhm"][1] = peaks["fwhm"][0]
    sign = "+" if scale == "binding" else "-"
    peaks.attrs["links"] = (
        f"center_2 = center_1 {sign} 1.51; fwhm_2 = fwhm_1; area_2 = 0.5 * area_1"
    )
    write(peaks, tmp_path / "a.vms", spectra=spectra)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region=0)
    ratio = 412.5 / 3000.0
    links = dict(link.split(" = ") for link in again.attrs["links"].split("; "))
    assert links["center_2"] == f"center_1 {sign} 1.51"
    assert links["fwhm_2"] == "fwhm_1"
    assert float(links["area_2"].split()[0]) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("background", "terms", "kind"),
    [
        ("none", {}, "None"),
        ("constant", {"constant": 5.0}, "Linear"),
        ("shirley+linear", {"constant": 5.0, "slope": 0.1, "shirley": 0.1}, "Shirley"),
        ("tougaard", {"constant": 5.0, "tougaard": 900.0}, "U 2 Tougaard"),
    ],
)
def test_backgrounds_are_those_that_casaxps_has(
    tmp_path: Path, background: str, terms: dict[str, float], kind: str
) -> None:
    spectra = _spectra()
    parameters = {"center": [285.0], "fwhm": [1.2], "height": [3000.0]}
    peaks = make_peaks(ENERGY, (), scale="binding", line_shape="gaussian", background=background,
                       parameters=parameters, background_parameters=terms, status=0)  # fmt: skip
    write(peaks, tmp_path / "a.vms", spectra=spectra)
    text = (tmp_path / "a.vms").read_text()
    assert f"(*{kind}*)" in text
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region=0)
    assert np.isfinite(again.background).all()
    if background == "tougaard":
        assert " 900.0 -1643.0 0 0 (*" in text


def test_a_line_that_casaxps_lacks_is_told(tmp_path: Path) -> None:
    spectra = _spectra()
    peaks = _peaks(spectra, "asymmetric_pseudo_voigt", fraction=0.4, asymmetry=0.5)
    with pytest.warns(UserWarning, match="CasaXPS has no asymmetric_pseudo_voigt lines"):
        write(peaks, tmp_path / "a.vms", spectra=spectra)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region=0)
    np.testing.assert_allclose(again.area, peaks.area, rtol=1e-4)
    np.testing.assert_allclose(again.fwhm, peaks.fwhm)


def test_what_vamas_cannot_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.vms"
    spectra = _spectra((2,))
    with pytest.raises(ValueError, match="expected the spectra that the peaks belong to"):
        write(_peaks(spectra, fraction=0.3), path)
    with pytest.raises(ValueError, match="expected peaks of these spectra"):
        write(_peaks(spectra, fraction=0.3), path, spectra=spectra[:1])
    without = spectra.copy()
    del without.attrs["photon_energy"]
    with pytest.raises(ValueError, match=r'attrs\["photon_energy"\] = 1486.6'):
        write(_peaks(spectra, fraction=0.3), path, spectra=without)
    many = _spectra((2, 1, 2, 2)).expand_dims("loop")
    with pytest.raises(ValueError, match="at most 4 dimensions"):
        write(many, path)
    assert not path.exists()


def test_a_fit_of_casaxps_is_written_again(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "vamas" / "FeO_analyzed.vms"
    spectrum = read_one(source, region="Fe 2p")
    (peaks,) = xpsnet.read_fit(source, region="Fe 2p")
    write(peaks, tmp_path / "a.vms", spectra=spectrum)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region="Fe 2p")
    names = re.findall(r"CASA comp \(\*Fe 2p\*\) \(\*(.*?)\*\)", again.attrs["casa_components"])
    assert names == ["LF(0.54,10,80,100,6)", "SGL(30)"] * 2
    for name in ("vendor_center", "vendor_fwhm", "vendor_area"):
        np.testing.assert_allclose(again[name], peaks[name], rtol=1e-9)
    assert again.attrs["constraints"] == peaks.attrs["constraints"]
    sensitivity = r"RSF 16.42 MASS 55.8458 .* UNCORRECTEDRSF 16.42"
    assert len(re.findall(sensitivity, again.attrs["casa_components"])) == 4
    assert again.attrs["casa_region"].endswith(
        "16.42 2 0 0 335.44588 551 436 3 (*Fe 2p*) 55.8458 0 16.42"
    )
    for name in ("fwhm", "height", "area", "fraction", "exponent_high", "damping"):
        np.testing.assert_allclose(again[name], peaks[name], rtol=1e-9)
    np.testing.assert_array_equal(read_one(tmp_path / "a.vms", region="Fe 2p"), spectrum)
    np.testing.assert_allclose(again.center, peaks.center)
    np.testing.assert_allclose(again.background, peaks.background)


def test_a_refined_fit_of_casaxps_is_written_again(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "vamas" / "FeO_analyzed.vms"
    spectrum = read_one(source, region="Fe 2p")
    (peaks,) = xpsnet.read_fit(source, region="Fe 2p")
    refined = xpsnet.refine(spectrum, peaks, constraints={"exponent_high": (0.51, 3.0)})
    assert refined["line_shape"].values.tolist() == ["finite_lorentzian", "pseudo_voigt"] * 2
    write(refined, tmp_path / "a.vms", spectra=spectrum)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region="Fe 2p")
    for name in ("center", "fwhm", "height", "fraction", "exponent_high", "exponent_low"):
        np.testing.assert_allclose(again[name], refined[name], rtol=1e-7, err_msg=name)


def test_a_fit_that_was_changed_goes_back_into_the_file(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "vamas" / "FeO_analyzed.vms"
    spectra = read(source)
    (peaks,) = xpsnet.read_fit(source, region="Fe 2p")
    (spectrum,) = (one for one in spectra if one.name == "Fe 2p")
    as_it_was = xpsnet.refine(spectrum, peaks)
    held = ("fraction", "exponent_high", "exponent_low", "damping")
    for name in held:  # the numbers of LF(...) and SGL(...)
        np.testing.assert_allclose(as_it_was[name], peaks[name], rtol=1e-12)
    np.testing.assert_allclose(as_it_was.background, peaks.background)
    changed = xpsnet.change_peak(as_it_was, 2, center=771.3)
    changed = xpsnet.constrain_peak(changed, 2, "center", vary=False)
    changed = xpsnet.constrain_peak(changed, 4, "fwhm", link="fwhm_2")
    changed = xpsnet.refine(spectrum, changed)
    fits = [changed if one.name == "Fe 2p" else None for one in spectra]
    write(spectra, tmp_path / "a.vms", peaks=fits)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region="Fe 2p")
    for name in ("center", "fwhm", "height", "area", *held):
        np.testing.assert_allclose(again[name], changed[name], rtol=1e-9, err_msg=name)
    rules, before = (json.loads(one.attrs["constraints"]) for one in (again, changed))
    assert rules["center_2"] == 771.3
    assert rules["fwhm_4"] == "fwhm_2"
    assert rules["fwhm_1"] == pytest.approx(before["fwhm_1"])
    refined, repeated = (xpsnet.refine(spectrum, start) for start in (again, changed))
    for name in ("center", "fwhm", "height", "area"):
        np.testing.assert_allclose(refined[name], repeated[name], rtol=1e-6, err_msg=name)


def test_several_regions_of_which_some_are_fitted(tmp_path: Path) -> None:
    first, second, third = _spectra(), _spectra((2,)).rename("O 1s"), _spectra().rename("N 1s")
    peaks = _peaks(second, fraction=0.3).assign_attrs(region="O 1s")
    write(
        [first, second, third], tmp_path / "a.vms", peaks=[_peaks(first, fraction=0.3), peaks, None]
    )
    found = xpsnet.read_fit(tmp_path / "a.vms")
    assert [one.attrs["region"] for one in found] == ["C 1s", "O 1s"]
    np.testing.assert_allclose(found[1].center, peaks.center)
    assert [one.name for one in read(tmp_path / "a.vms")] == ["C 1s", "O 1s", "N 1s"]
    with pytest.raises(ValueError, match="for each of 2 arrays of spectra, got 1"):
        write([first, third], tmp_path / "b.vms", peaks=[None])
    with pytest.raises(ValueError, match=r"peaks= only with a list of spectra for \.vms"):
        write([first], tmp_path / "b.nc", peaks=[None])


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_locks_and_limits_come_back(tmp_path: Path, scale: str) -> None:
    spectra = _spectra((), scale)
    peaks = _peaks(spectra, fraction=0.3)
    center = float(peaks.center[0])
    peaks = xpsnet.constrain_peak(peaks, 1, "center", min=center - 0.5, max=center + 0.25)
    peaks = xpsnet.constrain_peak(peaks, 1, "fwhm", vary=False)
    peaks = xpsnet.constrain_peak(peaks, 2, "fwhm", min=0.8, max=1.6)
    write(peaks, tmp_path / "a.vms", spectra=spectra)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region=0)
    limits = again.xps.peak_limits()
    assert limits[1, "center"].min == pytest.approx(center - 0.5, abs=1e-9)
    assert limits[1, "center"].max == pytest.approx(center + 0.25, abs=1e-9)
    assert limits[1, "fwhm"].locked
    assert (limits[2, "fwhm"].min, limits[2, "fwhm"].max) == pytest.approx((0.8, 1.6))


def test_a_calibration_of_casaxps_stays(tmp_path: Path) -> None:
    spectra = _spectra()
    peaks = _peaks(spectra, fraction=0.3).assign_attrs(casa_calibration="0.75")
    write(peaks, tmp_path / "a.vms", spectra=spectra)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region=0)
    np.testing.assert_allclose(again.center, peaks.center, rtol=1e-12)
    np.testing.assert_allclose(again.vendor_center, peaks.center + 0.75)  # as CasaXPS shows it
    assert float(again.attrs["casa_calibration"]) == 0.75
    np.testing.assert_allclose(again.energy, peaks.energy)


def test_a_row_that_is_off_is_off_in_casaxps(tmp_path: Path) -> None:
    spectra = _spectra()
    peaks = xpsnet.change_peak(_peaks(spectra, fraction=0.3), 1, enabled=False)
    write(peaks, tmp_path / "a.vms", spectra=spectra)
    assert "(*C-C*) (*GL(30)*) Area 1e-20 " in (tmp_path / "a.vms").read_text()
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region=0)
    assert again.label.values.tolist() == ["C-O odd"]


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ("asymmetric_lorentzian", "LA(1.53,1.53,243)"),
        ("asymmetric_lorentzian", "LA(0.9,4,0)"),
        ("finite_lorentzian", "LF(1,20,1,50)"),
        ("gl_product", "GL(30)"),
        ("pseudo_voigt", "SGL(12.5)"),
    ],
)
def test_names_of_casaxps_come_back(tmp_path: Path, shape: str, name: str) -> None:
    spectra = _spectra((), "binding")
    named = named_shape(name)
    assert named is not None
    peaks = _peaks(spectra, shape, **named.values)
    write(peaks, tmp_path / "a.vms", spectra=spectra)
    (again,) = xpsnet.read_fit(tmp_path / "a.vms", region=0)
    assert again.attrs["casa_components"].count(f"(*{name}*)") == 2
    for key in LINE_SHAPES[shape].parameters:
        np.testing.assert_allclose(again[key], peaks[key], rtol=1e-9, err_msg=key)
