import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import (
    STATUS_SENTENCES,
    Status,
    curves,
    from_numerics,
    make_peaks,
)
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES

ENERGY = np.linspace(280.0, 294.0, 281)
EXTRA = {
    "fraction": 0.3,
    "asymmetry": 0.1,
    "exponent_high": 1.2,
    "exponent_low": 2.0,
    "damping": 30.0,
}


def _parameters(line_shape: str, center: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters of any shape at these centers, different from peak to peak."""
    number = np.broadcast_to(np.arange(center.shape[-1]), center.shape)
    values = {"center": center, "fwhm": 1.0 + 0.1 * number, "height": 1000.0 / (1 + number)}
    names = LINE_SHAPES[line_shape].parameters
    return {k: values.get(k, np.full(center.shape, EXTRA.get(k, 0.2))) for k in names}


def _peaks(
    line_shape: str = "pseudo_voigt",
    background: str = "shirley",
    *,
    center: object = ((284.8, 286.4), (284.9, np.nan)),
    energy: np.ndarray = ENERGY,
    scale: str = "binding",
    **more: object,
) -> xr.Dataset:
    centers = np.asarray(center, dtype=float)
    terms = {"constant": 50.0, "slope": 1.5, "shirley": 0.03, "tougaard": 300.0}
    given: dict = {
        "scale": scale,
        "line_shape": line_shape,
        "background": background,
        "parameters": _parameters(line_shape, centers),
        "background_parameters": {k: terms[k] for k in BACKGROUNDS[background]},
        "status": Status.OK,
        "attrs": {"units": "counts", "region": "C 1s", "model": None},
    }
    return make_peaks(energy, ("x", "y")[: centers.ndim - 1], **{**given, **more})


def test_peaks_ascend_and_absent_ones_go_last() -> None:
    center = [[288.9, np.nan, 284.8], [np.nan, 286.0, np.nan], [np.nan] * 3]
    peaks = _peaks(center=center, stderr={"center": [[0.3, 0.2, 0.1]]})
    np.testing.assert_array_equal(
        peaks["center"], [[284.8, 288.9, np.nan], [286.0, np.nan, np.nan], [np.nan] * 3]
    )
    np.testing.assert_array_equal(peaks["n_peaks"], [2, 1, 0])
    np.testing.assert_allclose(peaks["height"][0, :2], [1000.0 / 3, 1000.0])
    np.testing.assert_array_equal(peaks["center_stderr"][0], [0.1, 0.3, 0.2])
    assert peaks["fwhm"].isnull().equals(peaks["center"].isnull())
    assert peaks["area"].isnull().equals(peaks["center"].isnull())


def test_labels_keep_the_order_that_is_given() -> None:
    peaks = _peaks(center=[[288.9, np.nan, 284.8]], label=["O-C=O", "C-O", "C-C"])
    np.testing.assert_array_equal(peaks["center"], [[288.9, np.nan, 284.8]])
    assert list(peaks["label"].values) == ["O-C=O", "C-O", "C-C"]


def test_kinetic_peaks_ascend_in_kinetic_energy() -> None:
    kinetic = 1486.6 - ENERGY
    peaks = _peaks(center=[[1201.8, 1200.2]], energy=kinetic, scale="kinetic")
    np.testing.assert_allclose(peaks["center"], [[1200.2, 1201.8]])
    assert peaks["energy"].attrs["long_name"] == "Kinetic energy"


@pytest.mark.parametrize("line_shape", LINE_SHAPES)
def test_area_is_the_integral_of_the_curve(line_shape: str) -> None:
    exact = LINE_SHAPES[line_shape].area is not None
    wide = np.linspace(285.0 - 3000.0, 285.0 + 3000.0, 600_001)
    peaks = _peaks(line_shape, "none", center=[285.0], energy=ENERGY)
    axis = wide if exact else ENERGY
    integral = np.trapezoid(curves(peaks, axis)["envelope"], axis)
    # The Lorentzian tails beyond 3000 eV hold up to fwhm / (pi 3000 eV) = 1e-4 of the area;
    # the trapezoid of the fitted axis is as exact as its steps of 0.05 eV allow.
    assert float(peaks["area"][0]) == pytest.approx(float(integral), rel=3e-4)


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_curves_are_the_closed_forms(scale: str) -> None:
    axis = ENERGY if scale == "binding" else 1486.6 - ENERGY
    center = 285.3 if scale == "binding" else 1486.6 - 285.3
    peaks = _peaks("gaussian", "shirley+linear", center=[center], energy=axis, scale=scale)
    drawn = curves(peaks)
    line = 1000.0 * np.exp(-4 * np.log(2) * (axis - center) ** 2)
    np.testing.assert_allclose(drawn["component"][0], line, rtol=1e-12, atol=1e-9)
    # From the low-binding end on: the first point on either axis.
    step = np.concatenate([[0.0], np.cumsum((line[1:] + line[:-1]) / 2 * 0.05)])
    base = 50.0 + 1.5 * (axis - axis.mean()) + 0.03 * step
    np.testing.assert_allclose(drawn["background"], base, rtol=1e-9)
    np.testing.assert_allclose(drawn["envelope"], base + line, rtol=1e-9)


def _parameters_of(peaks: xr.Dataset) -> tuple[dict[str, Any], dict[str, Any]]:
    """Shape parameters and background terms as stored."""
    names = LINE_SHAPES[peaks.attrs["line_shape"]].parameters
    terms = BACKGROUNDS[peaks.attrs["background"]]
    return (
        {name: peaks[name].values for name in names},
        {term: peaks[f"background_{term}"].values for term in terms},
    )


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("line_shape", LINE_SHAPES)
def test_twins_on_both_scales_mirror_each_other(line_shape: str, background: str) -> None:
    binding = _peaks(line_shape, background)
    numeric = _parameters_of(binding)
    parameters, terms = from_numerics("kinetic", *numeric)
    parameters["center"] = 1486.6 + parameters["center"]
    kinetic = _peaks(
        line_shape,
        background,
        energy=1486.6 - ENERGY,
        scale="kinetic",
        parameters=parameters,
        background_parameters=terms,
    )
    ours, theirs = curves(binding), curves(kinetic)
    np.testing.assert_allclose(ours["envelope"], theirs["envelope"], rtol=1e-9)
    # Two peaks swap places, a single one stays first.
    np.testing.assert_allclose(
        ours["component"][0], theirs["component"][0, ::-1], rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(binding["area"][0], kinetic["area"][0, ::-1], rtol=1e-9)
    _, mirrored = from_numerics("kinetic", *_parameters_of(kinetic))
    for term, values in numeric[1].items():
        np.testing.assert_array_equal(mirrored[term], values)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("direction", [1, -1], ids=["ascending", "descending"])
def test_direction_does_not_matter(background: str, direction: int) -> None:
    up = curves(_peaks(background=background))
    turned = curves(_peaks(background=background, energy=ENERGY[::direction]))
    xr.testing.assert_allclose(turned.sortby("energy"), up)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_another_axis_meets_the_fitted_one(background: str) -> None:
    peaks = _peaks(background=background)
    fitted = curves(peaks)
    finer = curves(peaks, np.linspace(280.0, 294.0, 2801))
    xr.testing.assert_allclose(finer.isel(energy=slice(None, None, 10)), fitted)
    wider = curves(peaks, [270.0, 279.0, 295.0, 300.0])
    ends = fitted["background"].isel(energy=[0, -1])
    if "slope" not in BACKGROUNDS[background]:
        np.testing.assert_allclose(wider["background"][:, 1:3], ends)
    assert np.isfinite(wider["envelope"]).all()


def test_non_uniform_axes() -> None:
    axis = 280.0 + 14.0 * np.linspace(0.0, 1.0, 401) ** 1.3
    drawn = curves(_peaks(energy=axis))
    # A trapezoid on a grid of about 0.05 eV.
    np.testing.assert_allclose(drawn["envelope"], curves(_peaks(), axis)["envelope"], rtol=2e-3)


@pytest.mark.parametrize("background", ["shirley+linear", "tougaard"])
def test_a_map_equals_its_pixels(background: str) -> None:
    rng = np.random.default_rng(5)
    center = rng.uniform(283.0, 290.0, (4, 3, 3))
    center[rng.random(center.shape) < 0.3] = np.nan
    peaks = _peaks(background=background, center=center)
    drawn = curves(peaks)
    assert drawn["component"].dims == ("x", "y", "peak", "energy")
    for x, y in itertools.product(range(4), range(3)):
        one = curves(peaks.isel(x=x, y=y))
        xr.testing.assert_allclose(one, drawn.isel(x=x, y=y))


def test_lazy_peaks_give_lazy_curves() -> None:
    peaks = _peaks(center=np.full((6, 4, 2), (285.0, 287.0)))
    drawn = curves(peaks.chunk(x=2))
    assert drawn["component"].chunks == ((2, 2, 2), (4,), (2,), (281,))
    xr.testing.assert_allclose(drawn.compute(), curves(peaks))


def test_one_set_of_peaks_for_every_count() -> None:
    center = np.full((5, 3, 2), np.nan)
    center[:, 1, 0] = center[:, 2, 0] = 284.8
    center[:, 2, 1] = 286.4
    probability = np.tile([0.1, 0.2, 0.7], (5, 1))
    peaks = make_peaks(
        ENERGY,
        ("x", "count", "energy"),
        scale="binding",
        line_shape="gaussian",
        background="constant",
        parameters={"center": center, "fwhm": 1.0, "height": 10.0},
        background_parameters={"constant": np.zeros((5, 3))},
        status=Status.OK,
        n_peaks_probability=probability,
        counts=[0, 1, 2],
    )
    assert peaks["n_peaks_probability"].dims == ("x", "count")
    np.testing.assert_array_equal(peaks["n_peaks"], np.tile([0, 1, 2], (5, 1)))
    drawn = curves(peaks)
    assert drawn["envelope"].dims == ("x", "count", "energy")
    xr.testing.assert_allclose(curves(peaks.sel(count=2)), drawn.sel(count=2))
    assert float(drawn["envelope"].sel(count=0).max()) == 0.0


def test_probabilities_have_their_count() -> None:
    peaks = _peaks(n_peaks_probability=np.full((2, 7), 1 / 7), n_peaks=[2, 1])
    assert peaks["n_peaks_probability"].dims == ("x", "count")
    np.testing.assert_array_equal(peaks["count"], np.arange(7))


def test_absent_peaks_and_undone_spectra() -> None:
    peaks = _peaks(
        center=[[284.8, np.nan], [np.nan, np.nan]],
        background_parameters={"constant": [50.0, np.nan], "shirley": [0.0, np.nan]},
        status=[Status.OK, Status.NOT_DONE],
    )
    drawn = curves(peaks)
    assert float(np.abs(drawn["component"][:, 1]).max()) == 0.0
    assert drawn["envelope"][1].isnull().all()
    assert drawn["envelope"][0].notnull().all()


def test_every_variable_is_explained() -> None:
    more = {"noise": 3.0, "redchi": 1.0, "bic": 2.0}
    errors = {"center": 0.01, "area": 1.0, "background_constant": 2.0}
    peaks = _peaks(background="tougaard+linear", stderr=errors, spread={"center": 0.1}, **more)
    drawn = curves(peaks)
    for name, variable in {**peaks.variables, **drawn.variables}.items():
        assert variable.attrs.get("long_name"), name
        assert "units" in variable.attrs or name in ("status", "peak"), name
    assert peaks["area"].attrs["units"] == "counts eV"
    assert peaks["background_slope"].attrs["units"] == "counts/eV"
    assert peaks["center_stderr"].attrs["units"] == "eV"
    assert peaks["background_constant_stderr"].dims == ("x",)


def test_units_follow_the_spectra() -> None:
    peaks = _peaks(attrs={"units": "counts/s"})
    assert peaks["height"].attrs["units"] == "counts/s"
    assert curves(peaks)["envelope"].attrs["units"] == "counts/s"


def test_status_is_a_cf_flag() -> None:
    attrs = _peaks()["status"].attrs
    assert list(attrs["flag_values"]) == list(Status)
    assert attrs["flag_meanings"].split() == [s.name.lower() for s in Status]
    assert attrs["flag_sentences"].split("\n") == [STATUS_SENTENCES[s] for s in Status]


def test_coordinates_of_the_spectra_are_kept() -> None:
    coords = {"x": [1.0, 2.0], "etch_time": ("x", [0.0, 30.0]), "energy": ENERGY}
    weights = xr.DataArray(np.ones(281), dims="energy")
    spectra = xr.DataArray(np.ones((2, 281)), dims=("x", "energy"), coords=coords)
    peaks = make_peaks(
        ENERGY,
        spectra.dims,
        spectra.assign_coords(weights=weights).coords,
        scale="binding",
        line_shape="gaussian",
        background="none",
        parameters={"center": [[285.0], [np.nan]], "fwhm": 1.0, "height": 1.0},
        background_parameters={},
        status=0,
    )
    assert set(peaks.coords) == {"x", "etch_time", "energy", "peak"}
    assert set(curves(peaks).coords) == {"x", "etch_time", "energy", "peak"}


def test_covariance_moves_with_the_peaks() -> None:
    names = ["center_1", "height_1", "center_2", "height_2", "fraction"]
    matrix = np.arange(25.0).reshape(5, 5)
    peaks = _peaks(
        center=[[286.0, 284.0], [284.0, 286.0]],
        covariance=(names, np.stack([matrix + matrix.T] * 2)),
    )
    covariance = peaks["covariance"]
    assert list(peaks["parameter"].values) == names
    np.testing.assert_array_equal(covariance[1], matrix + matrix.T)
    order = [2, 3, 0, 1, 4]
    np.testing.assert_array_equal(covariance[0], (matrix + matrix.T)[np.ix_(order, order)])


def test_covariance_without_some_parameters() -> None:
    peaks = _peaks(center=[[286.0, 284.0]], covariance=(["center_1"], np.ones((1, 1, 1))))
    assert np.isnan(peaks["covariance"].values).all()  # the one that is now first was fixed


def test_peaks_survive_a_file(tmp_path: Path) -> None:
    peaks = _peaks(
        background="shirley+linear",
        stderr={"center": 0.01},
        n_peaks_probability=np.full((2, 3), 1 / 3),
        noise=3.0,
        label=["C-C", "C-O"],
        covariance=(["center_1", "center_2"], np.ones((2, 2, 2))),
    )
    path = tmp_path / "peaks.nc"
    peaks.to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        read = opened.load()
    xr.testing.assert_identical(read, peaks)
    xr.testing.assert_identical(curves(read), curves(peaks))


REFUSED = {
    "line shape": ({"line_shape": "box"}, "got line_shape='box'"),
    "background": ({"background": "spline"}, "got background='spline'"),
    "parameters": ({"parameters": {"center": [[1.0]]}}, "expected the parameters"),
    "terms": ({"background_parameters": {"constant": 1.0}}, "expected the terms"),
    "status": ({"status": [0, 0, 0]}, r"expected status of shape \(2,\), got \(3,\)"),
    "noise": ({"noise": np.ones((2, 2))}, r"expected noise of shape \(2,\)"),
    "scale": ({"scale": "up"}, "got 'up'"),
    "scalars": (
        {"parameters": dict.fromkeys(LINE_SHAPES["pseudo_voigt"].parameters, 1.0)},
        "got scalars",
    ),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(changes: dict, message: str) -> None:
    good: dict = {
        "scale": "binding",
        "line_shape": "pseudo_voigt",
        "background": "shirley",
        "parameters": _parameters("pseudo_voigt", np.array([[284.8], [285.0]])),
        "background_parameters": {"constant": 1.0, "shirley": 0.0},
        "status": 0,
    }
    with pytest.raises(ValueError, match=message):
        make_peaks(ENERGY, ("x",), **{**good, **changes})


def test_refused_dimensions() -> None:
    parameters = _parameters("gaussian", np.full((2, 2, 1), 285.0))
    with pytest.raises(ValueError, match=r"expected parameters of shape \(x, peak\), got"):
        make_peaks(
            ENERGY,
            ("x",),
            scale="binding",
            line_shape="gaussian",
            background="none",
            parameters=parameters,
            background_parameters={},
            status=0,
        )


def test_curves_refuse_what_is_no_peaks() -> None:
    with pytest.raises(ValueError, match="expected a peaks Dataset from predict, refine or fit"):
        curves(xr.Dataset({"center": ("peak", [1.0])}))


@pytest.mark.parametrize("lazy", [False, True], ids=["in memory", "dask"])
def test_a_stored_background_is_drawn_as_it_is(lazy: bool) -> None:
    energy = np.linspace(290.0, 280.0, 101)
    curve = np.stack([np.linspace(50.0, 20.0, 101), np.full(101, 7.0)])
    peaks = make_peaks(
        energy,
        ("scan",),
        scale="binding",
        line_shape="gaussian",
        background="curve",
        parameters={"center": [[284.0]] * 2, "fwhm": [[1.0]] * 2, "height": [[100.0]] * 2},
        background_parameters={},
        background_curve=curve,
        status=[0, 0],
    )
    peaks = peaks.chunk({"scan": 1}) if lazy else peaks
    drawn = curves(peaks)
    np.testing.assert_allclose(drawn.background, curve)
    np.testing.assert_allclose(drawn.envelope - drawn.component.sum("peak"), curve)
    elsewhere = curves(peaks, [300.0, 285.03, 270.0])
    np.testing.assert_allclose(elsewhere.background[0], [50.0, 35.09, 20.0])
    assert peaks.background.attrs["long_name"] == "Background"
    assert not any(str(name).startswith("background_") for name in peaks)


def test_a_stored_background_of_another_length_is_refused() -> None:
    arguments = {"center": [284.0], "fwhm": [1.0], "height": [1.0]}
    with pytest.raises(ValueError, match=r"background_curve of shape \(3,\), got \(2,\)"):
        make_peaks(
            [1.0, 2.0, 3.0],
            (),
            scale="binding",
            line_shape="gaussian",
            background="curve",
            parameters=arguments,
            background_parameters={},
            background_curve=[1.0, 2.0],
            status=0,
        )
