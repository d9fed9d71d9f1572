"""A charge reference per spectrum: centers are corrected, counts and axis stay as measured."""

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.charge_shift import without_charge
from xpsnet.data.measured_energies import measured_peaks
from xpsnet.data.set_charge_shift import set_charge_shift
from xpsnet.data.spectrum import make_spectrum, to_kinetic
from xpsnet.xpsnet_warning import XpsnetWarning

SHIFTS = np.array([0.0, 0.8, 1.9, 3.2])
TRUE = ((284.8, 1.2, 3000.0), (287.0, 1.2, 1200.0))


def _line(energy: np.ndarray, center: float, fwhm: float, height: float) -> np.ndarray:
    t = (energy - center) / fwhm
    return height * (0.3 / (1 + 4 * t * t) + 0.7 * np.exp(-4 * np.log(2) * t * t))


def _charged(lines: tuple = TRUE, shifts: np.ndarray = SHIFTS, seed: int = 3) -> xr.DataArray:
    energy = np.arange(2780, 2960) / 10
    rows = [200 + sum(_line(energy, c + d, w, h) for c, w, h in lines) for d in shifts]
    return make_spectrum(
        np.random.default_rng(seed).poisson(rows).astype(float), energy,
        dims=("etch_time", "energy"),
        coords={"etch_time": 60.0 * np.arange(len(shifts))}, scale="binding", name="C 1s",
        photon_energy=1486.6,
    )  # fmt: skip


@pytest.fixture(scope="module")
def raw() -> xr.DataArray:
    return _charged()


@pytest.fixture(scope="module")
def peaks(raw: xr.DataArray) -> xr.Dataset:
    return xpsnet.fit(raw, n_peaks=2, neighbors=False)


@pytest.fixture(scope="module")
def calibrated(raw: xr.DataArray, peaks: xr.Dataset) -> xr.DataArray:
    return xpsnet.calibrate(raw, peaks=peaks)


def test_each_spectrum_has_the_shift_of_its_own_line(
    raw: xr.DataArray, peaks: xr.Dataset, calibrated: xr.DataArray
) -> None:
    shift, error = calibrated.charge_shift, calibrated.charge_shift_stderr
    np.testing.assert_array_equal(shift, peaks.center[:, 0] - 284.8)
    np.testing.assert_array_equal(error, peaks.center_stderr[:, 0])
    assert (abs(shift - SHIFTS) < 4 * error).all()
    xr.testing.assert_identical(
        without_charge(calibrated), raw.assign_attrs(charge_reference="C 1s 284.8 eV")
    )


def test_without_a_fit_the_maxima_give_the_shifts(raw: xr.DataArray) -> None:
    found = xpsnet.calibrate(raw)
    np.testing.assert_allclose(found.charge_shift, SHIFTS, atol=0.05)
    assert (found.charge_shift_stderr < 0.05).all()
    assert "charge_shift" not in found.attrs


def test_one_shift_for_all_is_their_mean(raw: xr.DataArray, peaks: xr.Dataset) -> None:
    one = xpsnet.calibrate(raw, peaks=peaks, per_spectrum=False)
    assert "charge_shift" not in one.coords
    assert one.attrs["charge_shift"] == pytest.approx(SHIFTS.mean(), abs=0.05)
    np.testing.assert_allclose(one.energy, raw.energy - one.attrs["charge_shift"])


def test_equal_shifts_move_the_axis() -> None:
    same = _charged(shifts=np.full(6, 1.3))
    found = xpsnet.calibrate(same)
    assert found.attrs["charge_shift"] == pytest.approx(1.3, abs=0.03)
    assert "charge_shift" not in found.coords
    each = xpsnet.calibrate(same, per_spectrum=True)
    assert each.charge_shift.dims == ("etch_time",)


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_fit_and_refine_give_corrected_centers(raw: xr.DataArray, scale: str) -> None:
    spectra = to_kinetic(raw) if scale == "kinetic" else raw
    sign = -1 if scale == "kinetic" else 1
    shift = xr.DataArray(SHIFTS, dims="etch_time")
    own = set_charge_shift(spectra, shift)
    plain = xpsnet.fit(spectra, n_peaks=2, neighbors=False)
    found = xpsnet.fit(own, n_peaks=2, neighbors=False)
    np.testing.assert_array_equal(found.center, plain.center - sign * shift)
    for name in ("fwhm", "height", "area", "center_stderr", "energy"):
        np.testing.assert_array_equal(found[name], plain[name])
    assert (np.ptp(found.center.values, axis=0) < 0.05).all()
    again = xpsnet.refine(own, found)
    np.testing.assert_allclose(again.center, found.center, atol=1e-6)
    np.testing.assert_allclose(xpsnet.curves(found).envelope, xpsnet.curves(plain).envelope)
    np.testing.assert_allclose(
        xpsnet.residual(own, found).residual, xpsnet.residual(spectra, plain).residual, atol=1e-8
    )


def test_one_set_of_peaks_starts_at_the_corrected_place_in_every_spectrum(
    calibrated: xr.DataArray, peaks: xr.Dataset
) -> None:
    one = set_charge_shift(peaks.isel(etch_time=0, drop=True), 0.0)
    found = xpsnet.refine(calibrated, one)
    np.testing.assert_allclose(found.center[:, 0], 284.8, atol=1e-3)
    assert found.charge_shift.identical(calibrated.charge_shift)


def test_ranges_are_corrected_energies(calibrated: xr.DataArray) -> None:
    part = xpsnet.crop(calibrated, (283.0, 289.0))
    corrected = part.energy - part.charge_shift
    inside = (corrected >= 283.0) & (corrected <= 289.0)
    np.testing.assert_array_equal(part.notnull(), inside.transpose(*part.dims))
    found = xpsnet.fit(calibrated, n_peaks=2, energy_range=(283.0, 289.0), neighbors=False)
    assert found.attrs["corrected_energy_range"] == [283.0, 289.0]
    again = xpsnet.refine(calibrated, found)
    np.testing.assert_allclose(again.center, found.center, atol=1e-4)
    np.testing.assert_allclose(again.redchi, found.redchi, rtol=1e-6)


def test_lazy_spectra_give_the_same(calibrated: xr.DataArray) -> None:
    options = {"n_peaks": 2, "neighbors": False}
    eager = xpsnet.fit(calibrated, **options)
    lazy = xpsnet.fit(calibrated.chunk(etch_time=2), **options).compute()
    np.testing.assert_array_equal(lazy.center[:, :2], eager.center)


def test_locks_of_centers_need_one_shift(calibrated: xr.DataArray, peaks: xr.Dataset) -> None:
    locked = xpsnet.constrain_peak(
        peaks.isel(etch_time=0, drop=True), 1, "center", min=284.0, max=285.5
    )
    with pytest.raises(ValueError, match="no limit of center_1 where every spectrum has its own"):
        xpsnet.refine(calibrated, locked)
    one = calibrated.isel(etch_time=2)
    held = xpsnet.refine(one, locked.assign_coords(charge_shift=one.charge_shift))
    assert float(held.center[0]) == pytest.approx(284.8, abs=1e-3)
    assert '"center_1": [284.0, 285.5]' in held.attrs["constraints"]


def test_peaks_move_with_their_range_and_limits(raw: xr.DataArray) -> None:
    one = raw.isel(etch_time=1, drop=True)
    peaks = xpsnet.constrain_peak(xpsnet.fit(one, n_peaks=2), 1, "center", min=285.0, max=286.0)
    moved = set_charge_shift(peaks, 0.5)
    spectrum = set_charge_shift(one, 0.5)
    np.testing.assert_array_equal(moved.center, peaks.center - 0.5)
    np.testing.assert_array_equal(moved.energy, spectrum.energy)
    assert '"center_1": [284.5, 285.5]' in moved.attrs["constraints"]
    np.testing.assert_allclose(
        xpsnet.residual(spectrum, moved).residual, xpsnet.residual(one, peaks).residual, atol=1e-6
    )
    again = xpsnet.refine(spectrum, moved)
    np.testing.assert_allclose(again.center, xpsnet.refine(one, peaks).center - 0.5, atol=1e-6)
    back = set_charge_shift(moved, 0.0)
    np.testing.assert_allclose(back.center, peaks.center, atol=1e-12)


def test_peaks_of_a_series_take_the_shifts_of_another_region(peaks: xr.Dataset) -> None:
    moved = xpsnet.calibrate(peaks)
    np.testing.assert_allclose(moved.center[:, 0], 284.8, atol=1e-12)
    np.testing.assert_array_equal(measured_peaks(moved).energy, peaks.energy)
    locked = xpsnet.constrain_peak(
        peaks.isel(etch_time=0, drop=True), 1, "center", min=284.0, max=285.5
    )
    many = peaks.assign_attrs(constraints=locked.attrs["constraints"])
    with pytest.warns(XpsnetWarning, match="the lock or limit of center_1 is taken away"):
        free = set_charge_shift(many, xr.DataArray(SHIFTS, dims="etch_time"))
    assert "center_1" not in free.attrs["constraints"]


def test_another_region_takes_the_shift(raw: xr.DataArray, peaks: xr.Dataset) -> None:
    oxygen = raw.rename("O 1s").assign_coords(energy=raw.energy + 250)
    found = xpsnet.calibrate(oxygen, reference=raw, peaks=peaks, state=1)
    np.testing.assert_array_equal(found.charge_shift, peaks.center[:, 0] - 284.8)
    one = oxygen.isel(etch_time=0)
    with pytest.raises(ValueError, match="over dimensions of the others, got etch_time besides"):
        xpsnet.calibrate(one, reference=raw, peaks=peaks)


def test_calibrating_again_changes_nothing(calibrated: xr.DataArray) -> None:
    refined = xpsnet.fit(calibrated, n_peaks=2, neighbors=False)
    again = xpsnet.calibrate(calibrated, peaks=refined, per_spectrum=True)
    np.testing.assert_allclose(again.charge_shift, calibrated.charge_shift, atol=1e-9)
    other = xpsnet.calibrate(calibrated, peaks=refined, per_spectrum=True, to=285.0)
    np.testing.assert_allclose(other.charge_shift, calibrated.charge_shift - 0.2, atol=1e-9)


def test_a_stronger_line_is_not_taken_silently() -> None:
    polymer = _charged(((284.8, 1.2, 1000.0), (289.0, 1.2, 6000.0)), np.zeros(1))[0]
    with pytest.warns(
        XpsnetWarning, match=r"284\.8\d eV was taken for C 1s .* 28[89]\.[09]\d eV is hi"
    ):
        found = xpsnet.calibrate(polymer)
    assert found.attrs["charge_shift"] == pytest.approx(0.0, abs=0.02)
    fitted = xpsnet.fit(polymer, n_peaks=2)
    with pytest.warns(XpsnetWarning, match="pass state= to choose"):
        xpsnet.calibrate(polymer, peaks=fitted)
    chosen = xpsnet.calibrate(polymer, peaks=fitted, state=2)
    assert chosen.attrs["charge_shift"] == pytest.approx(4.2, abs=0.02)


def test_a_weak_line_is_said_to_be_weak() -> None:
    weak = _charged(((284.8, 1.2, 120.0),), np.zeros(1))[0]
    with pytest.warns(XpsnetWarning, match="is weak, .* standard deviations"):
        xpsnet.calibrate(weak)


def test_spectra_without_the_line_get_the_median(raw: xr.DataArray) -> None:
    holed = raw.copy()
    holed[1] = 200.0 + np.random.default_rng(1).normal(0, 14, holed.sizes["energy"])
    with pytest.warns(XpsnetWarning, match="1 of 4 spectra show no reference line"):
        found = xpsnet.calibrate(holed)
    assert float(found.charge_shift[1]) == pytest.approx(1.9, abs=0.05)
    assert np.isnan(found.charge_shift_stderr[1])


def test_figures_have_corrected_axes(calibrated: xr.DataArray) -> None:
    peaks = xpsnet.fit(calibrated, n_peaks=2, neighbors=False)
    one = xpsnet.plot(calibrated, peaks, isel={"etch_time": 3})
    line = one.axes[0].get_lines()[0]
    shown = line.get_xdata()[np.argmax(line.get_ydata())]
    assert shown == pytest.approx(284.8, abs=0.1)
    assert one.axes[0].get_title() == "etch_time = 180"
    mean = xpsnet.plot(calibrated, peaks).axes[0].get_lines()
    assert mean[0].get_xdata()[np.nanargmax(mean[0].get_ydata())] == pytest.approx(284.8, abs=0.1)
    top = np.nanmax(mean[-1].get_ydata())
    assert top == pytest.approx(3200, rel=0.03)  # not smeared by the shifts


def test_lmfit_sees_corrected_energies(calibrated: xr.DataArray) -> None:
    peaks = xpsnet.fit(calibrated, n_peaks=2, neighbors=False).isel(etch_time=3)
    spectrum = calibrated.isel(etch_time=3)
    model, params = xpsnet.to_lmfit(spectrum, peaks)
    assert params["center_1"].value == pytest.approx(284.8, abs=1e-3)
    result = model.fit(
        spectrum.values, params, energy=spectrum.energy.values - float(spectrum.charge_shift),
        weights=1 / float(peaks.noise), scale_covar=False,
    )  # fmt: skip
    back = xpsnet.from_lmfit(result, peaks)
    np.testing.assert_allclose(back.center, peaks.center, atol=0.01)
    assert back.charge_shift.identical(peaks.charge_shift)
    ends = xpsnet.confidence(spectrum, peaks)
    assert float(ends.center_lower[0]) < 284.8 < float(ends.center_upper[0])


def test_a_peak_is_added_at_its_corrected_energy(calibrated: xr.DataArray) -> None:
    spectrum = calibrated.isel(etch_time=3)
    peaks = xpsnet.add_peak(None, spectrum, 284.8)
    peaks = xpsnet.add_peak(peaks, spectrum, 287.0)
    np.testing.assert_array_equal(peaks.center, [284.8, 287.0])
    assert float(peaks.height[0]) == pytest.approx(3000, rel=0.1)
    found = xpsnet.refine(spectrum, peaks)
    np.testing.assert_allclose(found.center, [284.8, 287.0], atol=0.05)


def test_files_keep_the_shifts(calibrated: xr.DataArray, tmp_path) -> None:
    xpsnet.write(calibrated, tmp_path / "a.nc")
    assert xpsnet.read_one(tmp_path / "a.nc").identical(calibrated)


REFUSED = {
    "no fit": ({"state": 1}, "expected peaks= beside state=1"),
    "not finite": ({"to": float("nan")}, "expected a .*number.* got to=nan"),
    "unknown word": ({"per_spectrum": "maybe"}, "got per_spectrum='maybe'"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(raw: xr.DataArray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        xpsnet.calibrate(raw, **options)


def test_refusals_of_peaks_and_shifts(raw: xr.DataArray, peaks: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"the number of a state, \[1, 2\], got state=7"):
        xpsnet.calibrate(raw, peaks=peaks, state=7)
    with pytest.raises(ValueError, match="expected one of the labels"):
        xpsnet.calibrate(raw, peaks=peaks, state="C-C")
    with pytest.raises(ValueError, match="expected a peak of Au 4f7/2 within 5 eV"):
        xpsnet.calibrate(raw, peaks=peaks, line="Au 4f")
    with pytest.raises(ValueError, match=r"expected a finite number \[eV\], got charge_shift=nan"):
        set_charge_shift(raw, np.nan)
    with pytest.raises(ValueError, match="expected charge_shift over dimensions of the data"):
        set_charge_shift(raw, xr.DataArray(SHIFTS[:2], dims="etch_time"))
