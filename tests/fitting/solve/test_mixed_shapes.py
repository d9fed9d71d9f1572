"""Peaks of different line shapes in one spectrum: both engines, constraints, files."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.peaks import curves, make_peaks
from xpsnet.fitting.model.options import named_shapes
from xpsnet.fitting.refine import refine
from xpsnet.numerics.lineshapes import LINE_SHAPES

ENERGY = np.linspace(278.0, 296.0, 361)
SHAPES = ("asymmetric_lorentzian", "pseudo_voigt", "gaussian", "asymmetric_pseudo_voigt")
NAN = np.nan
TRUTH = {
    "center": [283.0, 285.6, 288.3, 291.0],
    "fwhm": [0.9, 1.1, 1.4, 1.6],
    "height": [90_000.0, 60_000.0, 40_000.0, 50_000.0],
    "fraction": [0.4, 0.4, NAN, 0.4],
    "exponent_high": [1.0, NAN, NAN, NAN],
    "exponent_low": [1.8, NAN, NAN, NAN],
    "asymmetry": [NAN, NAN, NAN, 0.3],
}


def peaks_of(values=TRUTH, *, move=0.0, n=3, scale="binding") -> xr.Dataset:
    """The same peaks n times."""
    sign = 1 if scale == "binding" else -1
    table = {name: np.tile(numbers, (n, 1)).astype(float) for name, numbers in values.items()}
    table["center"] = sign * table["center"] + move
    table["fwhm"] = table["fwhm"] * (1 + move)
    terms = {"constant": np.full(n, 3000.0), "slope": np.full(n, sign * 5.0)}
    energy = ENERGY if sign > 0 else -ENERGY
    return make_peaks(
        energy,
        ("x",),
        scale=scale,
        line_shape=SHAPES,
        background="linear",
        parameters=table,
        background_parameters=terms,
        status=np.zeros(n),
    )


def spectra_of(peaks: xr.Dataset) -> tuple[xr.DataArray, np.ndarray]:
    envelope = curves(peaks)["envelope"]
    noise = np.sqrt(envelope.values)
    counts = envelope.values + noise * np.random.default_rng(3).normal(size=noise.shape)
    spectra = xr.DataArray(
        counts,
        {"energy": peaks["energy"].values},
        ("x", "energy"),
        attrs={"scale": peaks.attrs["scale"], "units": "counts"},
    )
    return spectra, noise


def test_every_peak_is_drawn_by_its_own_shape() -> None:
    peaks = peaks_of(n=1)
    assert "line_shape" not in peaks.attrs
    assert tuple(peaks["line_shape"].values) == SHAPES
    drawn = curves(peaks)["component"].values[0]
    for k, name in enumerate(SHAPES):
        own = [TRUTH[parameter][k] for parameter in LINE_SHAPES[name].parameters]
        np.testing.assert_array_equal(drawn[k], LINE_SHAPES[name].value(ENERGY, *own))
        area = LINE_SHAPES[name].area
        assert area is not None
        assert float(peaks["area"][0, k]) == pytest.approx(float(area(*own)))
    for name in ("fraction", "exponent_high", "asymmetry"):
        np.testing.assert_array_equal(np.isnan(peaks[name][0]), np.isnan(TRUTH[name]))


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_both_engines_end_at_the_truth(scale: str) -> None:
    truth = peaks_of(scale=scale)
    spectra, noise = spectra_of(truth)
    starts = peaks_of(scale=scale, move=0.05).drop_vars(["exponent_high", "exponent_low"])
    ours, theirs = (
        refine(spectra, starts, engine=e, background="linear", noise=noise, covariance=True)
        for e in ("batch", "lmfit")
    )
    assert (ours.status == 0).all()
    assert (theirs.status == 0).all()
    assert tuple(ours["line_shape"].values) == SHAPES
    np.testing.assert_allclose(ours.redchi, theirs.redchi, rtol=1e-6)
    for name in TRUTH:
        absent = np.isnan(truth[name].values)
        np.testing.assert_array_equal(np.isnan(ours[name]), absent, err_msg=name)
        error = ours[f"{name}_stderr"].values
        np.testing.assert_array_equal(np.isnan(error), absent, err_msg=name)
        np.testing.assert_allclose(error[~absent], theirs[f"{name}_stderr"].values[~absent], 0.01)
        off = (ours[name] - theirs[name]).values[~absent]
        assert (np.abs(off) < 0.01 * error[~absent]).all(), name
        off = (ours[name] - truth[name]).values[~absent]
        assert (np.abs(off) < 4.5 * error[~absent]).all(), name
    # The area of a pseudo-Voigt line, to first order.
    error = ours["area_stderr"].values
    np.testing.assert_allclose(error, theirs["area_stderr"].values, rtol=0.01)
    assert (np.abs((ours["area"] - truth["area"]).values) < 4.5 * error).all()


def test_absent_peaks_leave_the_others_their_shapes() -> None:
    values = {name: np.tile(numbers, (2, 1)).astype(float) for name, numbers in TRUTH.items()}
    for numbers in values.values():
        numbers[1, 0] = NAN
    some = make_peaks(
        ENERGY, ("x",), scale="binding", line_shape=SHAPES, background="linear",
        parameters=values, status=[0, 0],
        background_parameters={"constant": [3000.0] * 2, "slope": [5.0] * 2},
    )  # fmt: skip
    spectra, noise = spectra_of(some)
    fitted = refine(spectra, some, background="linear", noise=noise)
    np.testing.assert_array_equal(fitted["n_peaks"], [4, 3])
    assert (fitted.status == 0).all()
    np.testing.assert_allclose(fitted.redchi, 1.0, atol=0.3)
    assert np.isnan(fitted["center"][1, 0])


def test_a_sequence_of_names_is_one_per_peak() -> None:
    spectra, noise = spectra_of(peaks_of(n=1))
    starts = peaks_of(n=1)[["center", "fwhm", "height"]]
    starts.attrs = {"scale": "binding"}
    fitted = refine(spectra, starts, line_shape=SHAPES, background="linear", noise=noise)
    assert tuple(fitted["line_shape"].values) == SHAPES
    assert float(fitted.redchi[0]) == pytest.approx(1.0, abs=0.3)
    with pytest.raises(ValueError, match="one for each of 4 peaks"):
        refine(spectra, starts, line_shape=SHAPES[:2], background="linear")
    same = refine(spectra, starts, line_shape=["gaussian"] * 4, background="linear", noise=noise)
    assert same.attrs["line_shape"] == "gaussian"
    assert "line_shape" not in same


def test_names_of_casa_hold_what_they_state() -> None:
    spectra, noise = spectra_of(peaks_of(n=1))
    starts = peaks_of(n=1)[["center", "fwhm", "height"]]
    starts.attrs = {"scale": "binding"}
    names = ["LA(1,1.8,216.45)", "SGL(40)", "GL(10)", "SGL(30)"]
    fitted = refine(spectra, starts, line_shape=names, background="linear", noise=noise)
    fraction = 1 / (1 + 0.00693 * 216.45)
    np.testing.assert_allclose(fitted["fraction"][0], [fraction, 0.4, 0.1, 0.3], rtol=1e-12)
    assert float(fitted["exponent_low"][0, 0]) == 1.8
    assert np.isnan(fitted["fraction_stderr"]).all()
    one = refine(spectra, starts, line_shape="GL(30)", background="linear", noise=noise)
    assert one.attrs["line_shape"] == "gl_product"
    assert (one["fraction"] == 0.3).all()
    free = {"fraction": (0.0, 1.0)}
    more = {"line_shape": "GL(30)", "background": "linear", "noise": noise, "constraints": free}
    assert not np.isnan(refine(spectra, starts, **more)["fraction_stderr"]).any()


@pytest.mark.parametrize("name", ["GL(130)", "LX(1,2)", "LA(0.2,1,5)", "LA(nan)", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected line_shape from"):
        named_shapes(name, 2)


def test_damping_is_held_unless_a_constraint_names_it() -> None:
    line = LINE_SHAPES["finite_lorentzian"]
    values = dict(zip(line.parameters, (285.0, 1.2, 500_000.0, 0.4, 0.6, 2.0, 4.0), strict=True))
    one = make_peaks(
        ENERGY, (), scale="binding", line_shape=line.name, background="constant",
        parameters={name: [value] for name, value in values.items()},
        background_parameters={"constant": 1000.0}, status=0,
    )  # fmt: skip
    spectra, noise = spectra_of(one.expand_dims(x=1))
    more = {"background": "constant", "noise": noise}
    held = refine(spectra, one, **more)
    assert float(held["damping"][0, 0]) == 4.0
    assert np.isnan(held["damping_stderr"]).all()
    limits = {"damping": (1.0, 100.0)}
    ours, theirs = (refine(spectra, one, engine=e, constraints=limits, **more)
                    for e in ("batch", "lmfit"))  # fmt: skip
    error = float(ours["damping_stderr"][0, 0])
    assert float(theirs["damping_stderr"][0, 0]) == pytest.approx(error, rel=0.01)
    assert abs(float(ours["damping"][0, 0]) - 4.0) < 4 * error < 2.0


def test_links_need_peaks_that_have_the_parameter() -> None:
    spectra, noise = spectra_of(peaks_of(n=1))
    more = {"background": "linear", "noise": noise}
    with pytest.raises(ValueError, match="have 'asymmetry' in links"):
        refine(spectra, peaks_of(n=1), constraints={"asymmetry_2": "asymmetry_4"}, **more)
    with pytest.raises(ValueError, match="of one shape for the link of area_2"):
        refine(spectra, peaks_of(n=1), constraints={"area_2": "0.5 * area_1"}, **more)
    doublet = xpsnet.doublet("S 2p", splitting=2.6, ratio=0.5, peaks=(1, 2))
    with pytest.raises(ValueError, match="lines of one shape"):
        refine(spectra, peaks_of(n=1), doublets=[doublet], **more)


def test_powers_of_two_peaks_are_linked() -> None:
    spectra, noise = spectra_of(peaks_of(n=1))
    linked = refine(
        spectra, peaks_of(n=1), line_shape="asymmetric_lorentzian", background="linear",
        noise=noise, constraints={"exponent_high_2": "0.5 * exponent_high_1"},
    )  # fmt: skip
    powers = linked["exponent_high"].values[0]
    assert powers[1] == pytest.approx(0.5 * powers[0], rel=1e-12)


@pytest.mark.parametrize("name", ["a.nc", "a.zarr", "a.csv", "a.h5", "a.xlsx"])
def test_files_keep_the_shapes(tmp_path: Path, name: str) -> None:
    spectra, noise = spectra_of(peaks_of(n=1))
    fitted = refine(spectra, peaks_of(n=1), background="linear", noise=noise).isel(x=0)
    xpsnet.write(fitted, tmp_path / name)
    if name == "a.csv":
        table = (tmp_path / name).read_text()
        assert "asymmetric_pseudo_voigt" in table
        return
    if name == "a.xlsx":
        return
    (again,) = xpsnet.read_fit(tmp_path / name)
    assert tuple(str(text) for text in again["line_shape"].values) == SHAPES
    drawn, before = (curves(peaks)["envelope"].values for peaks in (again, fitted))
    np.testing.assert_allclose(drawn, before, rtol=1e-12)
    more = refine(spectra[0], again, background="linear", noise=noise[0])
    np.testing.assert_allclose(more["center"], fitted["center"], atol=1e-5)


def test_lmfit_goes_on_with_them() -> None:
    spectra, noise = spectra_of(peaks_of(n=1))
    fitted = refine(spectra, peaks_of(n=1), background="linear", noise=noise).isel(x=0)
    model, params = xpsnet.to_lmfit(spectra[0], fitted)
    energy = spectra["energy"].values
    envelope = curves(fitted)["envelope"].values
    np.testing.assert_allclose(model.eval(params, energy=energy), envelope, rtol=1e-12)
    assert not params["asymmetry_1"].vary
    result = model.fit(
        spectra[0].values, params, energy=energy, weights=1 / noise[0], scale_covar=False
    )
    again = xpsnet.from_lmfit(result, fitted)
    assert tuple(again["line_shape"].values) == SHAPES
    for name in TRUTH:
        np.testing.assert_array_equal(np.isnan(again[name]), np.isnan(TRUTH[name]))
    np.testing.assert_allclose(again["area"], fitted["area"], rtol=1e-3)


def test_intervals_and_figures_of_them() -> None:
    spectra, noise = spectra_of(peaks_of(n=1))
    fitted = refine(spectra, peaks_of(n=1), background="linear", noise=noise).isel(x=0)
    ends = xpsnet.confidence(spectra[0], fitted, noise=noise[0])
    for name in ("exponent_high", "asymmetry", "center"):
        here = np.isfinite(TRUTH[name])
        assert (ends[f"{name}_lower"].values[here] < fitted[name].values[here]).all()
        assert (ends[f"{name}_upper"].values[here] > fitted[name].values[here]).all()
    figure = xpsnet.plot(spectra[0], fitted)
    assert figure is not None


def test_lazy_spectra_give_the_same() -> None:
    spectra, noise = spectra_of(peaks_of(n=6))
    starts = peaks_of(n=1, move=0.05).isel(x=0)
    more = {"background": "linear", "noise": noise}
    now = refine(spectra, starts, **more)
    later = refine(spectra.chunk(x=2), starts, **more)
    assert later["center"].chunks is not None
    assert tuple(later["line_shape"].values) == SHAPES
    for name in ("center", "exponent_high", "area", "redchi"):
        np.testing.assert_allclose(later[name], now[name], rtol=1e-12)
