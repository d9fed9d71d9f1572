"""Measured spectra: the paper's two, refined from starts near its numbers, and platinum."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import Status, curves
from xpsnet.data.spectrum import crop, make_spectrum, to_binding
from xpsnet.fitting.model.doublets import doublet
from xpsnet.fitting.refine import refine
from xpsnet.io.read import read_one

HAND_CENTERS, HAND_WIDTHS = (164.15, 165.35), (0.789, 0.786)
# What the paper's network found, widths in eV.
NETWORK_CENTERS, NETWORK_WIDTHS = (163.97, 165.21), (0.910, 0.812)


def column(real_data, name):
    energy, counts = np.loadtxt(real_data / "paper" / f"{name}.txt").T
    return energy, counts


@pytest.mark.parametrize("drawn_background", [True, False], ids=["subtracted", "raw"])
@pytest.mark.parametrize(
    ("center", "fwhm"),
    [(HAND_CENTERS, HAND_WIDTHS), (NETWORK_CENTERS, NETWORK_WIDTHS)],
    ids=["from-hand", "from-network"],
)
def test_p3ht_sulfur_2p(real_data, make_hand_peaks, drawn_background, center, fwhm):
    energy, counts = column(real_data, "P3HT_S2p_exp")
    if drawn_background:
        counts = counts - column(real_data, "P3HT_S2p_bg")[1]
    spectrum = make_spectrum(counts, energy, scale="binding", name="S 2p")
    peaks = refine(spectrum, make_hand_peaks(center, fwhm, (8000.0, 4000.0), energy=energy))
    assert peaks.status == Status.OK
    np.testing.assert_allclose(peaks.center, HAND_CENTERS, atol=0.02)
    np.testing.assert_allclose(peaks.fwhm, HAND_WIDTHS, atol=0.04)
    assert 1.9 < peaks.area[0] / peaks.area[1] < 2.2
    assert peaks.fraction[0] == peaks.fraction[1]


ITO_STARTS = {
    "from-hand": ((530.29, 531.50, 532.80), (1.199, 1.483, 1.095)),
    "from-network": ((529.97, 530.58, 531.51), (0.779, 0.999, 1.496)),
}


@pytest.mark.parametrize("drawn_background", [True, False], ids=["subtracted", "raw"])
@pytest.mark.parametrize("start", ITO_STARTS.values(), ids=ITO_STARTS)
def test_ito_oxygen_1s_is_not_worse_than_the_hand_fit(
    real_data, make_hand_peaks, drawn_background, start
):
    energy, counts = column(real_data, "ITO_O1s_exp")
    drawn = column(real_data, "ITO_O1s_bg")[1]
    by_hand = sum(column(real_data, f"ITO_O1s_p{i}")[1] - drawn for i in (1, 2, 3))
    if drawn_background:
        counts, drawn = counts - drawn, 0.0
    spectrum = make_spectrum(counts, energy, scale="binding", name="O 1s")
    peaks = refine(spectrum, make_hand_peaks(*start, (4e4, 2e4, 5e3), energy=energy))
    assert peaks.status in (Status.OK, Status.AT_BOUND)
    residual = spectrum.values - curves(peaks).envelope.values
    assert (residual**2).sum() <= ((counts - drawn - by_hand) ** 2).sum()


def test_platinum_is_an_asymmetric_doublet(real_data):
    spectrum = crop(to_binding(read_one(real_data / "vamas" / "Pt4f.vms")), (68.0, 84.0))
    pair = doublet("Pt 4f", peaks=(1, 2), splitting="free", ratio="free", fwhm_ratio="free")
    starts = xr.Dataset({"center": ("peak", [71.1, 74.4])}, attrs={"scale": "binding"})
    rms = {}
    for shape in ("asymmetric_lorentzian", "asymmetric_pseudo_voigt", "doniach_sunjic"):
        peaks = refine(spectrum, starts, line_shape=shape, background="shirley", doublets=[pair])
        off = spectrum.values - curves(peaks).envelope.values
        rms[shape] = float(np.sqrt(np.mean(off**2)))
        assert float(peaks.center[0]) == pytest.approx(71.1, abs=0.05)
    assert rms["asymmetric_lorentzian"] == pytest.approx(37.3, abs=0.5)
    assert rms["asymmetric_pseudo_voigt"] == pytest.approx(38.3, abs=0.5)
    assert rms["doniach_sunjic"] == pytest.approx(95.6, abs=1.0)
