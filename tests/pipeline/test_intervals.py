"""Stated intervals hold the truth on the most ordinary spectra (all settings: bench_coverage)."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from xpsnet.data.peaks import curves, make_peaks
from xpsnet.pipeline.fit import fit

N = 800  # spectra: a share of 95 % is then known to 0.8 %, one of 68 % to 1.6 %


def spectra_of(window, unit=1.0, attrs=None):
    """One line of 1.1 eV every 0.1 eV on a constant, Poisson counts times `unit`; the truth."""
    energy = np.linspace(280.0, 280.0 + window, round(10 * window) + 1)
    truth = make_peaks(
        energy,
        (),
        scale="binding",
        line_shape="pseudo_voigt",
        background="constant",
        parameters={
            "center": np.array([energy.mean() + 0.03]),
            "fwhm": np.array([1.1]),
            "height": np.array([3000.0]),
            "fraction": np.array([0.4]),
        },
        background_parameters={"constant": 300.0},
        status=0,
    )
    signal = curves(truth).envelope.values
    counts = unit * np.random.default_rng(5).poisson(signal, (N, signal.size))
    spectra = xr.DataArray(
        counts, {"energy": energy}, ("i", "energy"), attrs={"scale": "binding", **(attrs or {})}
    )
    return spectra, truth.assign({name: unit * truth[name] for name in ("height", "area")})


@pytest.mark.parametrize("noise", [None, "each"])
@pytest.mark.parametrize(
    ("window", "unit", "attrs"),
    [
        pytest.param(16, 1.0, None, id="window of 16 eV"),
        pytest.param(40, 1.0, {"units": "counts"}, id="window of 40 eV"),
        pytest.param(16, 0.1, {"units": "counts/s"}, id="rates"),
    ],
)
def test_intervals_hold(window, unit, attrs, noise):
    spectra, truth = spectra_of(window, unit, attrs)
    peaks = fit(spectra, n_peaks=1, background="linear", neighbors=False, follow=False, noise=noise)
    dof = np.minimum(peaks.dof_noise, 1e9)
    for name in ("center", "fwhm", "height", "area"):
        pull = abs((peaks[name] - truth[name]) / peaks[f"{name}_stderr"])[:, 0]
        for level, reach in ((0.95, 0.025), (0.6827, 0.05)):
            held = float((pull <= stats.t.ppf((1 + level) / 2, dof)).mean())
            assert held == pytest.approx(level, abs=reach), (name, level)


def test_one_spectrum_with_the_gain_of_its_map_gives_the_same_numbers():
    spectra, _ = spectra_of(16)
    peaks = fit(spectra[:60], neighbors=False, follow=False)
    noise = {key: peaks.attrs[f"noise_{key}"] for key in ("gain", "floor", "dof", "density")}
    assert noise["gain"] == pytest.approx(1.0, abs=0.05)
    for i in (3, 41):
        one = fit(spectra[i], noise=noise)
        for name in ("center", "center_stderr", "area", "area_stderr"):
            np.testing.assert_allclose(one[name][0], peaks[name][i, 0], rtol=1e-9)
        assert float(one.dof_noise) == float(peaks.dof_noise[i])


def test_spectra_of_different_gains_keep_their_own():
    spectra, _ = spectra_of(16)
    gains = np.linspace(0.3, 3.0, 60)
    mixed = (spectra[:60] * gains[:, None]).assign_attrs(spectra.attrs)
    peaks = fit(mixed, neighbors=False, follow=False)
    assert "noise_gain" not in peaks.attrs
    plain = fit(spectra[:60], neighbors=False, follow=False, noise="each")
    ratio = (peaks.noise / plain.noise).values / gains
    # Only whole numbers show that they are counts.
    np.testing.assert_allclose(ratio, 1.0, atol=0.5)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)
