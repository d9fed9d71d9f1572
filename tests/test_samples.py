import numpy as np
import pytest

from xpsnet.data.peaks import Status, curves
from xpsnet.samples import SAMPLES, sample, sample_truth

SHAPES = {"spectrum": (281,), "line_scan": (60, 141), "map": (64, 64, 111)}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_its_truth_and_counting_noise(name: str) -> None:
    spectra, truth = sample(name), sample_truth(name)
    expected = curves(truth)["envelope"]
    assert spectra.shape == SHAPES[name]
    assert spectra.dims == expected.dims
    assert spectra.attrs["scale"] == "binding"
    assert spectra.name == truth.attrs["region"]
    deviation = ((spectra - expected) / np.sqrt(expected)).values
    assert deviation.mean() == pytest.approx(0.0, abs=4 / np.sqrt(deviation.size))
    assert deviation.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * deviation.size))
    assert (truth["status"] == Status.OK).all()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_the_same_every_time(name: str) -> None:
    assert sample(name).identical(sample(name))


@pytest.mark.parametrize("name", ["line_scan", "map"])
def test_positions_are_in_um(name: str) -> None:
    spectra = sample(name)
    for dim in spectra.dims[:-1]:
        assert spectra[dim].attrs["units"] == "um"
        assert float(spectra[dim][1] - spectra[dim][0]) == 5.0


def test_the_map_has_three_islands_and_a_charging_surface() -> None:
    from scipy.ndimage import label

    truth = sample_truth("map")
    assert set(np.unique(truth["n_peaks"])) == {1, 3}
    assert label(truth["n_peaks"].values == 3)[1] == 3
    carbon = truth["center"].isel(peak=0, y=0)
    assert float(carbon[-1] - carbon[0]) == pytest.approx(0.1)
    assert 500 < float(sample("map").max("energy").min()) < 2500


def test_refused_name() -> None:
    with pytest.raises(ValueError, match='expected name from "spectrum", "line_scan", "map"'):
        sample("Map")
