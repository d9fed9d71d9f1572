"""Peak sets as JSON: everything comes back; what is not a peak set is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.samples import sample_truth


@pytest.fixture
def peaks() -> xr.Dataset:
    """Peaks with everything that a set can say."""
    spectrum = xpsnet.sample("spectrum")
    made = sample_truth("spectrum")
    made = xpsnet.constrain_peak(made, 1, "center", min=284.0, max=None)
    made = xpsnet.constrain_peak(made, 2, "center", link="center_1 + (1.4, 1.8)")
    made = xpsnet.constrain_peak(made, 3, "fwhm", value=1.2, vary=False)
    made = xpsnet.make_doublet(made, 3, level="S 2p")
    made = xpsnet.change_peak(made, 2, line_shape="GL(30)", label="ether")
    return xpsnet.change_peak(xpsnet.refine(spectrum, made), 4, enabled=False)


def round_trip(peaks: xr.Dataset, path: Path) -> xr.Dataset:
    xpsnet.write(peaks, path)
    (again,) = xpsnet.read_fit(path)
    return again


def test_everything_comes_back(peaks: xr.Dataset, tmp_path: Path) -> None:
    again = round_trip(peaks, tmp_path / "set.json")
    for name in ("center", "fwhm", "height", "area", "fraction"):
        np.testing.assert_allclose(again[name], peaks[name], rtol=1e-12, err_msg=name)
    for name in ("label", "enabled", "line_shape", "partner", "n_peaks"):
        assert again[name].values.tolist() == peaks[name].values.tolist(), name
    assert json.loads(again.attrs["constraints"]) == json.loads(peaks.attrs["constraints"])
    for name in ("shared", "background", "energy_range", "region", "scale", "units"):
        assert again.attrs[name] == peaks.attrs[name], name
    np.testing.assert_allclose(
        xpsnet.curves(again).envelope, xpsnet.curves(peaks).envelope, rtol=1e-9
    )


def test_the_fit_goes_on_where_it_was(peaks: xr.Dataset, tmp_path: Path) -> None:
    spectrum = xpsnet.sample("spectrum")
    one, other = (
        xpsnet.refine(spectrum, start)
        for start in (peaks, round_trip(peaks, tmp_path / "set.json"))
    )
    for name in ("center", "fwhm", "height", "area", "fraction", "center_stderr"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-6, err_msg=name)
    fitted = round_trip(one, tmp_path / "fitted.json")
    np.testing.assert_allclose(fitted.center_stderr, one.center_stderr)


def test_a_person_can_read_and_change_it(peaks: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    xpsnet.write(peaks, path)
    text = path.read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) < 200
    content = json.loads(text)
    assert content["version"] == 1
    assert content["peaks"][2]["fwhm"] == {"value": 1.2, "lock": True}
    assert content["peaks"][1]["center"]["link"] == "center_1 + (1.4, 1.8)"
    del content["peaks"][2]["fwhm"]["lock"]
    path.write_text(json.dumps(content), encoding="utf-8")
    (again,) = xpsnet.read_fit(path)
    assert not again.xps.peak_limits()[3, "fwhm"].locked


@pytest.mark.parametrize("background", ["static shirley", "static linear"])
def test_a_static_background_is_drawn_anew(background: str, tmp_path: Path) -> None:
    spectrum = xpsnet.sample("spectrum")
    fitted = xpsnet.refine(spectrum, sample_truth("spectrum"), background=background)
    again = xpsnet.refine(spectrum, round_trip(fitted, tmp_path / "a.json"))
    np.testing.assert_allclose(again.background, fitted.background)
    np.testing.assert_allclose(again.center, fitted.center, atol=1e-6)


def test_a_background_by_hand_is_said_to_be_missing(tmp_path: Path) -> None:
    spectrum = xpsnet.sample("spectrum")
    curve = xpsnet.static_background(spectrum, "linear")
    curve.attrs.clear()
    fitted = xpsnet.refine(spectrum, sample_truth("spectrum"), background=curve)
    with pytest.warns(xpsnet.XpsnetWarning, match="does not hold the background"):
        xpsnet.write(fitted, tmp_path / "a.json")


def test_maps_and_spectra_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"peaks of one spectrum for \.json"):
        xpsnet.write(sample_truth("line_scan"), tmp_path / "a.json")
    with pytest.raises(ValueError, match=r"expected peaks for \.json"):
        xpsnet.write(xpsnet.sample("spectrum"), tmp_path / "a.json")


def _changed(content: dict, path: str, value: object) -> None:
    *lead, last = path.split("/")
    at: object = content
    for key in lead:
        at = at[int(key)] if isinstance(at, list) else at[key]  # type: ignore[index]
    if value is ...:
        del at[last]  # type: ignore[attr-defined]
    else:
        at[last] = value  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("version", 2, "version 2; install a newer xpsnet"),
        ("version", True, "version of the file is 'True'"),
        ("surprise", 1, "unknown name 'surprise'"),
        ("scale", "wavelength", "wavelength"),
        ("energy/points", 1, "the energies"),
        ("energy/first", "a", "first of energy is 'a'"),
        ("background/name", "spline", "the background 'spline'"),
        ("background/tougaard", 1.0, "unknown name 'tougaard'"),
        ("shared", ["gamma"], "shared"),
        ("peaks/0/line_shape", "triangle", "no known line_shape of peak 1"),
        ("peaks/0/center", ..., "no center of peak 1"),
        ("peaks/0/center/value", "__import__('os')", "value of center of peak 1"),
        ("peaks/3/center/link", "__import__('os')", "expected a link"),
        ("peaks/0/fwhm/link", "fwhm_9", "a link between two of up to 4 peaks"),
        ("peaks/0/fwhm", {"value": 1.0, "min": 2.0, "max": 1.0}, "expected a number or a pair"),
        ("peaks/0/fwhm", {"value": 1.0, "lock": True, "min": 1.0}, "more than one of lock"),
        ("peaks/0/fwhm", 1.0, "fwhm of peak 1 is '1.0'"),
        ("peaks/0/fwhm/run", "x", "unknown name 'run'"),
        ("peaks/0/enabled", 1, "enabled of peak 1 is '1'"),
        ("peaks/0/partner", 9, "a partner beyond the peaks"),
        ("peaks", {}, "peaks of the file is '{}'"),
    ],
)
def test_what_is_no_peak_set_is_refused(
    peaks: xr.Dataset, tmp_path: Path, path: str, value: object, words: str
) -> None:
    file = tmp_path / "a.json"
    xpsnet.write(peaks, file)
    content = json.loads(file.read_text(encoding="utf-8"))
    _changed(content, path, value)
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(xpsnet.ReadError, match="a peak set of xpsnet, version 1, got") as refused:
        xpsnet.read_fit(file)
    assert words in str(refused.value)


def test_a_circle_of_links_is_refused(peaks: xr.Dataset, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    xpsnet.write(peaks, file)
    content = json.loads(file.read_text(encoding="utf-8"))
    content["peaks"][0]["center"] = {"value": 284.8, "link": "center_2 - 1.6"}
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(xpsnet.ReadError, match="a circle"):
        xpsnet.read_fit(file)


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_file_that_is_cut_is_refused(peaks: xr.Dataset, tmp_path: Path, cut: float) -> None:
    file = tmp_path / "a.json"
    xpsnet.write(peaks, file)
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: int(cut * len(text))], encoding="utf-8")
    with pytest.raises(xpsnet.ReadError, match="a peak set of xpsnet"):
        xpsnet.read_fit(file)


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": "another", "version": 1}'])
def test_other_json_is_another_kind_of_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(xpsnet.ReadError, match="another kind of file"):
        xpsnet.read_fit(tmp_path / "a.json")


def test_numbers_that_json_does_not_know_are_refused(peaks: xr.Dataset, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    xpsnet.write(peaks, file)
    text = file.read_text(encoding="utf-8").replace('"value": 1.2', '"value": NaN')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(xpsnet.ReadError, match="the number NaN"):
        xpsnet.read_fit(file)
