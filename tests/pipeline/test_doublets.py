"""`fit` with doublets and with a background of its own choice."""

import numpy as np
import pytest

from xpsnet import doublet, fit
from xpsnet.data.peaks import Status, curves, make_peaks
from xpsnet.data.spectrum import make_spectrum

ENERGY = np.linspace(156.0, 172.0, 321)


@pytest.fixture(scope="module")
def sulfur():
    """Three spectra of a clear S 2p doublet on a Shirley step, with noise."""
    truth = make_peaks(
        ENERGY, (), scale="binding", line_shape="pseudo_voigt", background="shirley",
        parameters={
            "center": [163.2, 164.38], "fwhm": [0.8, 0.8], "height": [6000.0, 3000.0],
            "fraction": [0.3, 0.3],
        },
        background_parameters={"constant": 400.0, "shirley": 0.03}, status=0,
    )  # fmt: skip
    envelope = curves(truth).envelope.values
    rng = np.random.default_rng(4)
    counts = envelope + rng.normal(size=(3, ENERGY.size)) * np.sqrt(envelope)
    return make_spectrum(counts, ENERGY, dims=("x", "energy"), scale="binding", name="S 2p")


@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "dask"])
def test_doublets_are_tied_and_the_background_is_chosen(sulfur, lazy):
    spectra = sulfur.chunk({"x": 2}) if lazy else sulfur
    peaks = fit(spectra, doublets=["S 2p"], background="auto").compute()
    assert (peaks.status == Status.OK).all()
    assert (peaks.n_peaks == 2).all()
    np.testing.assert_allclose(peaks.center[:, 1] - peaks.center[:, 0], 1.18, rtol=1e-9)
    np.testing.assert_allclose(peaks.area[:, 1] / peaks.area[:, 0], 0.5, rtol=1e-9)
    assert peaks.partner.values[:, :2].tolist() == [[2, 1]] * 3
    assert peaks.attrs["background"] == "shirley"
    assert peaks.attrs["background_choice"].startswith("shirley by evidence")


def test_a_numbered_doublet_where_there_are_fewer_peaks(sulfur):
    numbered = doublet("S 2p", peaks=(5, 6))
    peaks = fit(sulfur, doublets=[numbered])
    assert (peaks.n_peaks == 2).all()
    assert not peaks.partner.any()
    with pytest.raises(ValueError, match="expected doublets of up to 3 peaks"):
        fit(sulfur, n_peaks=3, doublets=[numbered])
