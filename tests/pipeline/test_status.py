"""What `fit` says of spectra that hold no level, and of measured ones."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import uniform_filter1d
from scipy.special import expit

import xpsnet
from xpsnet.data.status import Status, applies
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.xpsnet_warning import XpsnetWarning

LINE = LINE_SHAPES["pseudo_voigt"].value


def spectrum_of(curve, energy, seed=0, name="C 1s"):
    counts = np.random.default_rng(seed).poisson(curve).astype(float)
    attrs = {"scale": "binding", "units": "counts"}
    dims = ("row", "energy") if counts.ndim == 2 else ("energy",)
    return xr.DataArray(counts, dims=dims, coords={"energy": energy}, attrs=attrs, name=name)


@pytest.mark.parametrize("height", [50, 500, 5000])
def test_a_fermi_edge_has_no_peaks(height):
    energy = np.arange(-1.5, 1.5, 0.02)
    edge = height * expit(energy / 0.06) * (1 + 0.1 * energy) + height / 12
    peaks = xpsnet.fit(spectrum_of(edge, energy))
    assert peaks.status == Status.STEP
    assert int(peaks.n_peaks) == 0
    assert np.isnan(peaks.center).all()
    given = xpsnet.fit(spectrum_of(edge, energy), n_peaks=1)  # as asked, but said
    assert int(given.n_peaks) == 1
    assert applies(given, Status.STEP)


def test_a_survey_has_no_peaks():
    energy = np.arange(0.0, 1200.0, 1.0)
    lines = [(100, 300), (285, 900), (400, 400), (531, 2000), (980, 700)]
    curve = 500 + sum(LINE(energy, c, 4.0, float(h), 0.3) for c, h in lines)
    peaks = xpsnet.fit(spectrum_of(curve, energy, name=None))
    assert peaks.status == Status.SURVEY
    assert int(peaks.n_peaks) == 0


@pytest.mark.parametrize("step", [0.5, 0.8, 1.0, 1.2])
def test_a_clear_line_is_never_only_noise(step):
    energy = np.arange(270, 300, step)
    peaks = xpsnet.fit(spectrum_of(200 + LINE(energy, 285.0, 1.2, 5000.0, 0.3), energy))
    assert not applies(peaks, Status.NO_PEAKS)
    assert not applies(peaks, Status.SPIKES)


def test_a_window_that_ends_before_the_maximum():
    energy = np.arange(278, 284.6, 0.05)
    curve = np.tile(200 + LINE(energy, 285.0, 1.2, 3000.0, 0.3), (20, 1))
    peaks = xpsnet.fit(spectrum_of(curve, energy), neighbors=False)
    assert (peaks.status.isin([Status.CUT_OFF, Status.NOT_CONVERGED])).all()
    assert applies(peaks, Status.CUT_OFF).sum() >= 19


def mixed():
    """Rows of every kind: lines, a step, a spike, noise, smoothed points, nothing."""
    energy = np.arange(278.0, 296.0, 0.1)
    line = 200 + LINE(energy, 286.5, 1.2, 3000.0, 0.3)
    step = 200 + 2000 * expit((energy - 287) / 0.3)
    curve = np.array([line, step, line, np.full_like(energy, 200.0), line, line] * 2)
    spectra = spectrum_of(curve, energy, name=None)
    spectra[2, 20] += 9000
    spectra[4] = np.convolve(np.pad(spectra[4], 1, "edge"), np.array([1, 2, 1]) / 4, "valid")
    spectra[5] = np.nan
    return spectra


@pytest.mark.parametrize("chunk", [1, 5])
def test_lazy_spectra_get_the_same_status(chunk):
    spectra = mixed()
    eager = xpsnet.fit(spectra, neighbors=False, noise="each")
    lazy = xpsnet.fit(spectra.chunk({"row": chunk}), neighbors=False, noise="each").compute()
    xr.testing.assert_equal(lazy.status, eager.status)
    xr.testing.assert_equal(lazy.status_flags, eager.status_flags)
    expected = [Status.OK, Status.STEP, Status.SPIKES]
    expected += [Status.NO_PEAKS, Status.NOT_RAW, Status.NOT_FINITE]
    assert eager.status.values[:6].tolist() == expected


@pytest.mark.parametrize("n_peaks", [1, 2, 4])
@pytest.mark.parametrize("height", [1e3, 1e5])
def test_ordinary_spectra_are_seldom_flagged(n_peaks, height):
    energy = np.arange(278.0, 296.0, 0.1)
    heights = height * np.random.default_rng(1).uniform(0.4, 1.0, (60, n_peaks, 1))
    centers, widths = 282.0 + 2.5 * np.arange(n_peaks), np.full(n_peaks, 1.2)
    lines = LINE(energy, centers, widths, np.ones(n_peaks), np.full(n_peaks, 0.3))
    curve = 0.2 * height + (heights * lines).sum(axis=1)
    peaks = xpsnet.fit(spectrum_of(curve, energy), neighbors=False)
    assert applies(peaks, *(set(Status) - {Status.OK, Status.AT_BOUND})).sum() <= 1


MEASURED = {
    "operators/C1s_0.VGD": ("C 1s", Status.OK),
    "operators/U4f_1.VGD": ("U 4f", Status.OK),
    "paper/P3HT_S2p_exp.txt": ("S 2p", Status.OK),
    "paper/ITO_O1s_exp.txt": ("O 1s", Status.OK),
    "vamas/Pt4f.vms": ("Pt 4f", Status.OK),
    "phi/XPS_PHI_QUANTERA_narrow.spe": ("Cu LMM", Status.MISFIT),
    "vamas/multiplex.vms": ("survey", Status.SURVEY),
    "specs/MgFe2O4_small.xy": ("survey", Status.SURVEY),
}


@pytest.mark.parametrize(("file", "said"), MEASURED.items(), ids=MEASURED)
def test_measured_spectra(real_data: Path, file: str, said: tuple[str, Status]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XpsnetWarning)  # of scales that are not stated
        spectra = xpsnet.read(real_data / file)
    [spectrum] = [one for one in spectra if one.name == said[0]]
    peaks = xpsnet.fit(spectrum.squeeze(drop=True))
    wrong = (Status.MISFIT, Status.STEP, Status.SURVEY, Status.CUT_OFF, Status.NOT_RAW)
    expected = [one for one in wrong if one == said[1]]
    assert [one for one in wrong if applies(peaks, one)] == expected


@pytest.mark.parametrize("points", [3, 5])
def test_a_moving_mean_is_noticed_and_its_errors_hold(points):
    energy = np.arange(280.0, 292.0, 0.1)
    curve = 200 + LINE(energy, 285.0, 1.1, 3000.0, 0.3) + LINE(energy, 286.6, 1.1, 900.0, 0.3)
    rng = np.random.default_rng(1)
    off, noticed, right = [], 0, 0
    for _ in range(12):
        counts = uniform_filter1d(rng.poisson(curve).astype(float), points, mode="nearest")
        spectrum = xr.DataArray(
            counts, {"energy": energy}, dims="energy", name="C 1s", attrs={"scale": "binding"}
        )
        peaks = xpsnet.fit(spectrum)
        noticed += int(peaks["status"]) == Status.NOT_RAW
        right += int(peaks["n_peaks"]) == 2
        off.append(float((peaks["center"][0] - 285.0) / peaks["center_stderr"][0]))
    assert noticed >= 10
    assert right >= 10
    assert np.sqrt(np.mean(np.square(off))) < 1.8  # 3 to 4 by the differences alone


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("kind", ["linear", "cubic"])
def test_an_interpolated_spectrum_keeps_its_centers_and_errors(factor, kind):
    energy = np.arange(280.0, 292.05, 0.1)
    curve = 400 + LINE(energy, 285.0, 1.1, 3000.0, 0.0) + LINE(energy, 286.6, 1.1, 900.0, 0.0)
    measured = spectrum_of(curve, energy)
    finer = np.linspace(energy[0], energy[-1], factor * (energy.size - 1) + 1)
    of_measured = xpsnet.fit(measured)
    peaks = xpsnet.fit(measured.interp(energy=finer, method=kind))
    assert applies(peaks, Status.NOT_RAW)
    assert int(peaks.n_peaks) == int(of_measured.n_peaks) == 2
    error = of_measured["center_stderr"].values
    assert (np.abs(peaks["center"].values - [285.0, 286.6]) < 4 * error).all()
    assert peaks["center_stderr"].values == pytest.approx(error, rel=0.5)


def test_spectra_that_a_first_fit_misses_are_not_smoothed():
    """Many states in a few spectra of a stack: the others keep the noise that they have."""
    energy = np.arange(613.0, 642.4, 0.1)
    rng = np.random.default_rng(5)
    curves = []
    for _ in range(24):
        curve = np.full(energy.size, 25.0)
        for center in rng.uniform(618.5, 624.5, rng.integers(1, 5)):
            curve += LINE(energy, center, 1.0, 250.0, 0.3)
            curve += LINE(energy, center + 11.5, 1.0, 250.0 * 2 / 3, 0.3)
        curves.append(curve * rng.choice([1.0, 3.0, 1000.0]))
    peaks = xpsnet.fit(spectrum_of(np.array(curves), energy, name="I 3d"))
    assert peaks.attrs.get("noise_density", 1.0) == 1.0
    assert (peaks["status"] != Status.NOT_RAW).mean() > 0.95
    assert (peaks["n_states"] > 0).all()
