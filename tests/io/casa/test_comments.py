"""CasaXPS fits: comments in VAMAS blocks and text exports, in our own terms."""

import json
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from casa_comments import Component, Region, comment
from vamas_writer import Block, vamas

import xpsnet
from tests.io.test_damage import DAMAGE
from xpsnet.io.casa.comments import parse_fit
from xpsnet.io.casa.line_shapes import casa_line, gl_width
from xpsnet.io.common.errors import ReadError
from xpsnet.numerics.backgrounds import shirley
from xpsnet.numerics.lineshapes import LINE_SHAPES

PHOTON_ENERGY = 1486.6
SECONDS = 0.5  # dwell time 0.1 s, 5 scans, as the writer has them
ENERGY = 948.0 + 0.1 * np.arange(141)

TWO = (
    Component("oxide", "GL(30)", 1200.0, 1.25, 956.0),
    Component("hydroxide", "GL(30)", 400.0, 1.5, 954.4),
)


def _counts(background: float = 200.0, height: float = 900.0) -> list[float]:
    """Two lines and a step, without noise."""
    peaks = height * np.exp(-4 * np.log(2) * ((ENERGY - 956.0) / 1.25) ** 2)
    peaks += 0.3 * height * np.exp(-4 * np.log(2) * ((ENERGY - 954.4) / 1.5) ** 2)
    step = 0.1 * np.cumsum(peaks[::-1])[::-1] * 0.1
    return (background + peaks + step).tolist()


def _file(save, *regions: Region, calibrations: tuple[str, ...] = (), **options) -> Path:
    """A file of one block with this fit; its axis is 948 to 962 eV kinetic."""
    text = comment(regions, calibrations)
    block = Block(_counts(), start=948.0, step=0.1, comment=text, **options)
    return save(vamas([block]))


def test_components_become_peaks_on_the_scale_of_the_spectrum(save) -> None:
    path = _file(save, Region(950.0, 960.0, TWO))
    (peaks,) = xpsnet.read_fit(path, region="O 1s")
    spectrum = xpsnet.read_one(path, region="O 1s")
    assert peaks.attrs["scale"] == spectrum.attrs["scale"] == "kinetic"
    assert (peaks.attrs["line_shape"], peaks.attrs["model"]) == ("gl_product", "CasaXPS")
    assert peaks.label.values.tolist() == ["oxide", "hydroxide"]
    np.testing.assert_allclose(peaks.center, [956.0, 954.4])
    np.testing.assert_allclose(peaks.fwhm, np.array([1.25, 1.5]) * gl_width(0.3))
    np.testing.assert_allclose(peaks.area, np.array([1200.0, 400.0]) * SECONDS)
    np.testing.assert_allclose(peaks.fraction, 0.3)
    np.testing.assert_allclose(peaks.vendor_center, PHOTON_ENERGY - np.array([956.0, 954.4]))
    np.testing.assert_array_equal(peaks.vendor_area, [1200.0, 400.0])
    np.testing.assert_allclose(peaks.energy[[0, -1]], [950.0, 960.0])
    assert "CASA comp (*oxide*)" in peaks.attrs["casa_components"]


def test_the_width_of_the_product_line_is_that_of_the_whole_line() -> None:
    for m in (0.0, 0.3, 0.7, 1.0):
        half = gl_width(m) / 2
        value = np.exp(-4 * np.log(2) * (1 - m) * half**2) / (1 + 4 * m * half**2)
        assert value == pytest.approx(0.5)


def test_a_sum_of_gaussian_and_lorentzian_is_a_pseudo_voigt(save) -> None:
    path = _file(save, Region(950.0, 960.0, [Component("a", "SGL(40)", 500.0, 1.3, 956.0)]))
    (peaks,) = xpsnet.read_fit(path, region=0)
    assert peaks.attrs["line_shape"] == "pseudo_voigt"
    assert peaks.fraction.item() == pytest.approx(0.4)
    assert peaks.fwhm.item() == pytest.approx(1.3)


def test_binding_energies_are_turned_with_the_photon_energy(save) -> None:
    text = comment([Region(950.0, 960.0, TWO)])
    axis = ("Binding Energy", "eV")
    block = Block(_counts(), start=PHOTON_ENERGY - 948.0, step=-0.1, comment=text, abscissa=axis)
    (peaks,) = xpsnet.read_fit(save(vamas([block])), region="O 1s")
    assert peaks.attrs["scale"] == "binding"
    np.testing.assert_allclose(peaks.center, PHOTON_ENERGY - np.array([956.0, 954.4]))
    np.testing.assert_allclose(peaks.vendor_center, peaks.center)


def test_lines_of_calibration_add_up(save) -> None:
    lines = ("Calib M = 284.0 A = 284.5 BE ADD", "Calib M = 284.5,285.5 A = 285.3 BE ADD")
    (peaks,) = xpsnet.read_fit(_file(save, Region(950.0, 960.0, TWO), calibrations=lines), region=0)
    # 0.5 + 0.3 eV: what CasaXPS shows lies that much above the binding energy of the file.
    np.testing.assert_allclose(peaks.center, [956.8, 955.2])
    np.testing.assert_allclose(peaks.vendor_center, PHOTON_ENERGY - np.array([956.0, 954.4]))
    np.testing.assert_allclose(peaks.energy[[0, -1]], [950.8, 960.8])


def test_what_moved_with_the_calibration_is_not_moved_again(save) -> None:
    lines = ("Calib M = 284.0 A = 284.8 Regions Comps BE ADD",)
    (peaks,) = xpsnet.read_fit(_file(save, Region(950.0, 960.0, TWO), calibrations=lines), region=0)
    np.testing.assert_allclose(peaks.center, [956.0, 954.4])
    np.testing.assert_allclose(peaks.vendor_center, PHOTON_ENERGY + 0.8 - np.array([956.0, 954.4]))


def test_a_shirley_background_lies_between_the_limits(save) -> None:
    (peaks,) = xpsnet.read_fit(_file(save, Region(950.0, 960.0, TWO)), region=0)
    spectrum = np.array(_counts())[20:121]
    expected = shirley(spectrum, -peaks.energy.values, n_end=1)
    np.testing.assert_allclose(peaks.background, expected)
    assert peaks.background[0] == pytest.approx(spectrum[0])


def test_levels_are_means_of_points_around_the_ends_less_a_percentage(save) -> None:
    region = Region(950.0, 960.0, TWO, background="Linear", average=3, numbers="10 20 0 0 0 0")
    (peaks,) = xpsnet.read_fit(_file(save, region), region=0)
    counts = np.array(_counts())
    first, last = counts[18:23].mean() * 0.9, counts[118:123].mean() * 0.8
    np.testing.assert_allclose(peaks.background, np.linspace(first, last, 101))


def test_links_limits_and_components_that_are_off(save) -> None:
    components = (
        TWO[0],
        Component("off", "GL(30)", 1e-20, 1.0, 955.0),
        Component("half", "GL(30)", 600.0, 1.25, 952.9, area_link=(0, 0.5), fwhm_link=(0, 1),
                  position_link=(0, -3.1)),
    )  # fmt: skip
    (peaks,) = xpsnet.read_fit(_file(save, Region(950.0, 960.0, components)), region=0)
    assert peaks.label.values.tolist() == ["oxide", "half"]
    stated = json.loads(peaks.attrs["vendor_constraints"])
    assert [entry["number"] for entry in stated] == [0, 2]
    assert stated[0]["fwhm"] == {"value": 1.25, "min": 0.2, "max": 5.0}
    assert stated[1]["area"]["link"] == 0
    assert stated[1]["area"]["factor"] == 0.5
    assert stated[1]["position"]["factor"] == -3.1
    expected = "center_2 = center_1 - 3.1; fwhm_2 = fwhm_1; area_2 = 0.5 * area_1"
    assert peaks.attrs["links"] == expected


@pytest.mark.parametrize("scale", ["kinetic", "binding"])
def test_links_are_those_that_refine_and_lmfit_understand(save, scale: str) -> None:
    linked = Component("half", "SGL(30)", 240.0, 1.25, 954.4, area_link=(0, 0.2), fwhm_link=(0, 1),
                       position_link=(0, -1.6))  # fmt: skip
    text = comment([Region(950.0, 960.0, [Component("a", "SGL(30)", 1200.0, 1.25, 956.0), linked])])
    block = Block(_counts(), 948.0, comment=text)
    if scale == "binding":
        axis = ("Binding Energy", "eV")
        block = Block(_counts(), PHOTON_ENERGY - 948.0, -0.1, comment=text, abscissa=axis)
    path = save(vamas([block]))
    spectrum, (peaks,) = xpsnet.read_one(path, region=0), xpsnet.read_fit(path, region=0)
    links = dict(link.split(" = ") for link in peaks.attrs["links"].split("; "))
    shared = tuple(peaks.attrs["shared"].split())
    refined = xpsnet.refine(spectrum, peaks, constraints=links, shared=shared)
    sign = 1 if scale == "binding" else -1
    assert refined.center[1] - refined.center[0] == pytest.approx(sign * 1.6)
    assert refined.area[1] / refined.area[0] == pytest.approx(0.2)
    _, parameters = xpsnet.to_lmfit(spectrum, peaks)
    tied = {name for name, parameter in parameters.items() if parameter.expr}
    assert tied == {"center_2", "fwhm_2", "height_2"}


def test_two_regions_of_a_block_are_two_fits(save) -> None:
    first = Region(953.0, 960.0, [Component("a", "GL(30)", 900.0, 1.2, 956.0, tag="O 1s")])
    second = Region(948.5, 952.5, [Component("b", "GL(10)", 90.0, 1.2, 950.0, tag="Na KLL")],
                    name="Na KLL", background="Linear")  # fmt: skip
    path = _file(save, first, second)
    found = xpsnet.read_fit(path)
    assert [peaks.attrs["region"] for peaks in found] == ["O 1s", "Na KLL"]
    assert [peaks.sizes["peak"] for peaks in found] == [1, 1]
    with pytest.raises(ReadError, match="the file holds 0: 'O 1s', 1: 'Na KLL'"):
        xpsnet.read_fit(path, region="C 1s")


def test_a_fitted_profile_is_one_stack_with_gaps(save) -> None:
    blocks = []
    for level in range(4):
        first = Component("a", "GL(30)", 100.0 + level, 1.2, 956.0)
        region = Region(950.0, 960.0, [first, *TWO[1:]][: 1 + level % 2])
        text = comment([region]) if level != 2 else ()
        blocks.append(Block(_counts(), 948.0, comment=text, variables=(10.0 * level,)))
    path = save(vamas(blocks, mode="SDP", variables=[("Etch Time", "s")]))
    (peaks,) = xpsnet.read_fit(path, region="O 1s")
    stack = xpsnet.read_one(path, region="O 1s")
    assert peaks.center.dims == ("etch_time", "peak")
    np.testing.assert_array_equal(peaks.etch_time, stack.etch_time)
    np.testing.assert_array_equal(peaks.n_peaks, [1, 2, 0, 2])
    np.testing.assert_allclose(peaks.vendor_area[:, 0], [100.0, 101.0, np.nan, 103.0])
    assert np.isfinite(xpsnet.curves(peaks).envelope[[0, 1, 3]]).all()


def test_lines_that_we_do_not_have_are_named_in_a_warning(save) -> None:
    components = [
        Component("metal", "GL(30)T(2)", 700.0, 1.2, 956.0),
        Component("iron", "LA(1.2,5,40)", 200.0, 1.2, 955.0),
        Component("user", "%&<>CO", 300.0, 1.2, 953.0),
        Component("plain", "GL(30)", 300.0, 1.2, 952.0),
    ]
    path = _file(save, Region(949.0, 961.0, components, background="Min Limits"))
    with pytest.warns(UserWarning, match="region O 1s") as caught:
        (peaks,) = xpsnet.read_fit(path, region=0)
    said = "\n".join(str(warning.message) for warning in caught)
    assert "GL(30)T(2) drawn as the nearest asymmetric_pseudo_voigt lines" in said
    assert "LA(1.2,5,40)" not in said
    assert "%&<>CO is not known:" in said
    assert "'Min Limits' is replaced by a straight line" in said
    assert "%&<>CO" in peaks.attrs["casa_components"]
    assert peaks["line_shape"].values.tolist() == [
        "asymmetric_pseudo_voigt", "asymmetric_lorentzian", "pseudo_voigt", "gl_product",
    ]  # fmt: skip
    areas = np.array([700.0, 200.0, 300.0, 300.0])
    np.testing.assert_allclose(peaks.area, areas * SECONDS, rtol=2e-3)
    assert peaks.vendor_center[1] < PHOTON_ENERGY - peaks.center[1]


@pytest.mark.parametrize("text", ["LA(1.53,243)", "LA(2,2,50)", "LF(1,1,200,100)", "LA(30)"])
def test_the_width_of_a_symmetric_line_is_the_stated_one(text: str) -> None:
    line = casa_line(text)
    assert line.shift == pytest.approx(0.0, abs=1e-6)
    assert line.fwhm == pytest.approx(1.0, abs=1e-4)


def test_powers_of_a_lorentzian_without_gaussian_have_closed_forms() -> None:
    line = casa_line("LA(1,1,0)")
    assert (line.fwhm, line.area) == (pytest.approx(1.0), pytest.approx(np.pi / 2, rel=1e-4))
    squared = casa_line("LA(2,0)")
    width = np.sqrt(np.sqrt(2) - 1)
    assert squared.area == pytest.approx(np.pi / 4 / width, rel=1e-4)
    leaning = casa_line("LA(1,2,0)")
    # Twice the half-width of the side of low binding energy is the stated width.
    assert leaning.fwhm == pytest.approx((0.5 + 0.5 * width) / width, rel=1e-4)


@pytest.mark.parametrize(
    "line",
    [
        "CASA comp (*a*) (*GL(30)*) Area",
        "CASA comp (*a*) (*GL(30)*) Area nan 0 1 -1 1 MFWHM 1 0 1 -1 1 Position 956 0 1 -1 1",
        "CASA comp (*a",
        "CASA region (*O 1s*) (*Shirley*) 950",
        "CASA region (*O 1s*) (*Shirley*) 950 950 1 1",
        "Calib M = x A = 284.8 BE ADD",
    ],
)
def test_damaged_lines_cost_only_themselves(save, line: str) -> None:
    text = comment([Region(950.0, 960.0, TWO)])
    path = save(vamas([Block(_counts(), 948.0, comment=(*text[:-1], line))]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (peaks,) = xpsnet.read_fit(path, region=0)
    np.testing.assert_allclose(peaks.center, [956.0, 954.4])
    assert ["cannot be read" in str(w.message) for w in caught] == [True] * line.startswith("CASA")


def test_files_without_a_fit_are_refused(save) -> None:
    assert parse_fit(["Casa Info Follows", "0", "0", "0", "0"]) is None
    with pytest.raises(ReadError, match=r"expected CasaXPS components .* got none in 1 blocks"):
        xpsnet.read_fit(save(vamas([Block(_counts())])))
    with pytest.raises(ReadError, match="expected a file that can hold a fit"):
        xpsnet.read_fit(save("1 2\n3 4\n", "a.txt"))
    with pytest.raises(ReadError, match="expected a file with a fit"):
        xpsnet.read_fit(save("1 2\n3 4\n", "a.txt").parent)


def test_a_fit_starts_a_refinement_and_is_drawn(save) -> None:
    path = _file(save, Region(950.0, 960.0, TWO))
    spectrum, (peaks,) = xpsnet.read_one(path, region="O 1s"), xpsnet.read_fit(path, region="O 1s")
    refined = xpsnet.refine(spectrum, peaks, background="shirley")
    np.testing.assert_allclose(refined.center, [956.0, 954.4], atol=0.05)
    figure = xpsnet.plot(spectrum, peaks)
    assert any("oxide" in text.get_text() for text in figure.axes[0].get_legend().get_texts())


# Lines that CasaXPS drew itself: position, width and height of its exported curves.
EXPORTED = {
    "LF(0.54,10,80,100,6)": (710.0, 4.666, 9728.5),
    "SGL(30)": (716.0, 8.0, 3679.4),
}


def test_maxima_widths_and_heights_are_those_that_casaxps_draws(real_data: Path) -> None:
    (peaks,) = xpsnet.read_fit(real_data / "vamas" / "FeO_analyzed.vms", region="Fe 2p")
    assert peaks["line_shape"].values.tolist() == ["finite_lorentzian", "pseudo_voigt"] * 2
    np.testing.assert_allclose(peaks.vendor_center, [709.05, 716.0, 722.13, 729.89], atol=0.005)
    np.testing.assert_allclose(peaks.vendor_area, [63507.374, 35837.064, 49042.126, 17705.155])
    for i, (center, fwhm, height) in enumerate(EXPORTED.values()):
        assert 1486.61 - float(peaks.center[i]) == pytest.approx(center, abs=0.03)
        assert float(peaks.fwhm[i]) == pytest.approx(fwhm, rel=0.003)
        assert float(peaks.height[i]) / 2 == pytest.approx(height, rel=0.003)  # 2 s per point


def test_gaussians_of_every_share_keep_their_area() -> None:
    for m in (0, 15, 30, 80, 100):
        line = casa_line(f"GL({m})")
        whole = LINE_SHAPES["gl_product"].area
        assert whole is not None
        assert line.area == pytest.approx(float(whole(0.0, 1.0, 1.0, m / 100)))


def test_variables_named_like_those_of_peaks_do_no_harm(save) -> None:
    text = comment([Region(950.0, 960.0, TWO)])
    blocks = [Block(_counts(), 948.0, comment=text, variables=(float(i), 2.0 * i)) for i in (1, 2)]
    path = save(vamas(blocks, variables=[("Area", "m"), ("Status", "d")]))
    (peaks,) = xpsnet.read_fit(path)
    assert peaks.area.dims == ("spectra_area", "peak")


def _found(path: Path) -> list[xr.Dataset]:
    """Fits of a damaged file; none where it is refused in words that name it."""
    try:
        return xpsnet.read_fit(path)
    except ReadError as error:
        if str(path) not in str(error):
            raise
        return []


@pytest.mark.parametrize("kind", ["cut off", "bits flipped", "lines deleted", "values replaced"])
def test_damage_to_a_fit_ends_in_a_fit_or_a_refusal(tmp_path: Path, kind: str) -> None:
    text = comment([Region(950.0, 960.0, TWO)], ["Calib M = 284.5 A = 284.8 BE ADD"])
    sound = vamas([Block(_counts()[:80], 950.0, comment=text)] * 2).encode()
    random_ = random.Random(kind)
    path = tmp_path / "a.vms"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(40):
            path.write_bytes(DAMAGE[kind](sound, random_))
            for peaks in _found(path):
                assert {"center", "fwhm", "height", "background", "vendor_center"} <= set(peaks)
                assert xpsnet.curves(peaks).component.dims[-2:] == ("peak", "energy")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MFWHM 1.25", "MFWHM 1e-300"),
        ("MFWHM 1.25", "MFWHM 1e29"),
        ("Area 1200.0", "Area 1e29"),
        ("Position 956.0", "Position -1e29"),
        ("950.0 960.0 2.93 1", "-1e29 1e29 2.93 1e9"),
        ("GL(30)", "LA(1e9,1e-9,1e9)"),
        ("GL(30)", "LF(1,1,1e-300,499,1e300)"),
        ("GL(30)", "GL(nan)"),
        ("GL(30)", "GL(30)T(1e-9)"),
        ("(*Shirley*)", "(*U 3 Tougaard*)"),
        ("299 542 275 9.3", "1e20 0 -1e20 nan"),
        ("M = 284.5", "M = 1e29"),
    ],
)
def test_absurd_numbers_do_no_harm(save, old: str, new: str) -> None:
    text = comment([Region(950.0, 960.0, TWO)], ["Calib M = 284.5 A = 284.8 BE ADD"])
    damaged = vamas([Block(_counts(), 948.0, comment=text)]).replace(old, new)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "/.*region O 1s")
        for peaks in _found(save(damaged)):
            assert peaks.sizes["peak"] == 2
            xpsnet.curves(peaks)
