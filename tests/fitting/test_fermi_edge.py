"""Fits of Fermi edges: simulated ones with known truth, and measured ones."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.status import Status
from xpsnet.fitting.fermi_edge import _curve, fit_edge
from xpsnet.numerics.fermi_edge import BOLTZMANN, edge, edge_width

ENERGY = np.linspace(-1.2, 1.6, 141)
TRUTH = {
    "center": 0.05,
    "resolution": 0.35,
    "height": 800.0,
    "background": 30.0,
    "slope_below": 150.0,
    "slope_above": 3.0,
}
VARIANCE = (0.35 / np.sqrt(8 * np.log(2))) ** 2


def expected_counts(temperature: float = 295.0, energy: np.ndarray = ENERGY) -> np.ndarray:
    """The model, written once more: a density of states a + b x below, c + d x everywhere."""
    shift = np.linspace(-8, 8, 1601)  # standard deviations of the Gaussian
    weights = np.exp(-(shift**2) / 2)
    weights /= weights.sum()
    x = energy - TRUTH["center"]
    y = x[:, None] - np.sqrt(VARIANCE) * shift
    occupied = 1 / (1 + np.exp(-y / (BOLTZMANN * temperature)))
    density = TRUTH["height"] + (TRUTH["slope_below"] - TRUTH["slope_above"]) * y
    edge_part = (density * occupied) @ weights
    return TRUTH["background"] + TRUTH["slope_above"] * x + edge_part


def spectra_of(counts: np.ndarray, *, scale: str = "binding") -> xr.DataArray:
    energy = ENERGY if scale == "binding" else 21.2 - ENERGY
    dims = ("x", "energy")[-np.ndim(counts) :]
    return xr.DataArray(counts, {"energy": energy}, dims, attrs={"scale": scale, "units": "counts"})


@pytest.fixture(scope="module")
def many() -> xr.Dataset:
    """Fits of 100 Poisson distributed spectra."""
    counts = np.random.default_rng(5).poisson(expected_counts(), (100, ENERGY.size))
    return fit_edge(spectra_of(counts.astype(float)))


def test_noise_free_edges_are_found_exactly() -> None:
    found = fit_edge(spectra_of(expected_counts()), noise=5.0)
    for name, value in TRUTH.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-4, abs=1e-4), name
    assert float(found["width"]) == pytest.approx(
        edge_width(BOLTZMANN * 295, VARIANCE)[0], rel=1e-4
    )
    np.testing.assert_allclose(found["envelope"], expected_counts(), rtol=1e-5)
    assert int(found["status"]) == Status.OK
    assert np.isnan(found["temperature_stderr"])


@pytest.mark.parametrize("name", TRUTH)
def test_errors_hold(many: xr.Dataset, name: str) -> None:
    pull = ((many[name] - TRUTH[name]) / many[f"{name}_stderr"]).values
    # Of 100: standard errors 0.1 of the mean, 0.07 of the deviation, 2 % of the coverage.
    assert abs(pull.mean()) < 0.35
    assert pull.std() == pytest.approx(1.0, abs=0.22)
    assert (np.abs(pull) < 1.96).mean() == pytest.approx(0.95, abs=0.06)


def test_noise_and_chi_square_of_counts(many: xr.Dataset) -> None:
    assert many.attrs["noise_gain"] == pytest.approx(1.0, abs=0.1)
    assert float(many["redchi"].mean()) == pytest.approx(1.0, abs=0.05)
    assert (many["status"] == Status.OK).all()
    assert many["center"].dims == ("x",)


def test_width_error_holds(many: xr.Dataset) -> None:
    truth = edge_width(BOLTZMANN * 295, VARIANCE)[0]
    pull = ((many["width"] - truth) / many["width_stderr"]).values
    assert pull.std() == pytest.approx(1.0, abs=0.22)


def test_derivatives_of_the_curve_agree_with_finite_differences() -> None:
    flat = np.array([0.05, 0.03, 0.02, 800.0, 150.0, 30.0, 3.0])
    _, derivatives = _curve(ENERGY, flat)
    for k, step in enumerate([1e-5, 1e-6, 1e-6, 1e-2, 1e-2, 1e-2, 1e-2]):
        move = step * (np.arange(7) == k)
        difference = (_curve(ENERGY, flat + move)[0] - _curve(ENERGY, flat - move)[0]) / (2 * step)
        scale = np.abs(derivatives[k]).max()
        np.testing.assert_allclose(derivatives[k], difference, atol=1e-6 * scale)


def test_kinetic_and_reversed_spectra_give_the_mirrored_result() -> None:
    counts = np.random.default_rng(1).poisson(expected_counts()).astype(float)
    noise = np.sqrt(expected_counts())
    first = fit_edge(spectra_of(counts), noise=noise)
    kinetic = fit_edge(spectra_of(counts, scale="kinetic"), noise=noise)
    backward = fit_edge(spectra_of(counts)[::-1], noise=noise[::-1])
    assert float(kinetic["center"]) == pytest.approx(21.2 - float(first["center"]), abs=1e-7)
    assert float(kinetic["slope_below"]) == pytest.approx(-float(first["slope_below"]), rel=1e-5)
    assert float(kinetic["resolution"]) == pytest.approx(float(first["resolution"]), rel=1e-5)
    np.testing.assert_allclose(backward["envelope"][::-1], first["envelope"], rtol=1e-9)


def test_temperature_is_fitted_where_the_resolution_is_known() -> None:
    counts = np.random.default_rng(2).poisson(100 * expected_counts(600.0)).astype(float)
    spectra = spectra_of(counts)
    found = fit_edge(spectra, temperature="free", resolution=0.35)
    assert abs(float(found["temperature"]) - 600) < 4 * float(found["temperature_stderr"]) < 60
    assert np.isnan(found["resolution_stderr"])
    stated = fit_edge(spectra.assign_attrs(temperature=600.0))
    assert float(stated["temperature"]) == 600.0
    assert abs(float(stated["resolution"]) - 0.35) < 4 * float(stated["resolution_stderr"])


def test_flat_sides_and_missing_points() -> None:
    counts = 20 + 500 * edge(ENERGY - 0.3, 0.0254, 0.01).value
    counts[[3, 60, 100]] = np.nan
    found = fit_edge(spectra_of(counts), slopes=False, noise=1.0)
    assert float(found["center"]) == pytest.approx(0.3, abs=1e-4)
    assert float(found["slope_below"]) == float(found["slope_above"]) == 0.0
    assert np.isnan(found["slope_below_stderr"])
    errors = [float(fit_edge(spectra_of(counts), slopes=False, noise=n)["center_stderr"])
              for n in (1.0, 3.0)]  # fmt: skip
    assert errors[1] == pytest.approx(3 * errors[0], rel=1e-4)


def test_every_spectrum_gets_a_status() -> None:
    rng = np.random.default_rng(3)
    counts = np.stack([
        rng.poisson(expected_counts()), np.full(141, 7), np.full(141, np.nan),
        rng.poisson(100, 141), rng.poisson(expected_counts())[::-1],
    ]).astype(float)  # fmt: skip
    counts[2] = np.nan
    few = np.full(141, np.nan)
    few[[5, 70, 120]] = [1.0, 5.0, 9.0]
    found = fit_edge(spectra_of(np.vstack([counts, few])), noise=10.0)
    status = [Status.OK, Status.NO_SIGNAL, Status.NOT_FINITE, Status.NO_PEAKS]
    assert found["status"].values[:4].tolist() == status
    assert found["status"].values[4] != Status.OK  # it falls towards higher binding energy
    assert found["status"].values[5] == Status.TOO_FEW_POINTS
    assert np.isnan(found["center"].values[[1, 2, 5]]).all()


def test_impossible_arguments_are_refused() -> None:
    spectra = spectra_of(expected_counts())
    with pytest.raises(ValueError, match="expected a resolution"):
        fit_edge(spectra, temperature="free")
    with pytest.raises(ValueError, match=r"or a finite number above 0 .* got temperature=-4"):
        fit_edge(spectra, temperature=-4)
    with pytest.raises(ValueError, match=r"a finite number from 0 .* got resolution=-0.1"):
        fit_edge(spectra, resolution=-0.1)


def test_accessor_is_the_same_call() -> None:
    spectra = spectra_of(expected_counts())
    xr.testing.assert_identical(spectra.xps.fit_edge(noise=5.0), fit_edge(spectra, noise=5.0))


def test_model_edge_of_known_level_temperature_and_resolution(real_data: Path) -> None:
    folder = real_data / "arpes"
    intensities = np.load(folder / "verification_intensities.npy")
    energy = np.load(folder / "verification_kinergies.npy")
    summed = xr.DataArray(
        intensities.sum(axis=1), {"energy": energy}, attrs={"scale": "kinetic", "units": "counts"}
    )
    cold = fit_edge(summed, temperature=10.0, energy_range=(29.98, 30.02))
    assert float(cold["center"]) == pytest.approx(29.9999, abs=2e-4)
    assert float(cold["resolution"]) == pytest.approx(0.0025, abs=1e-4)
    free = fit_edge(summed, temperature="free", resolution=0.0025, energy_range=(29.98, 30.02))
    assert float(free["temperature"]) == pytest.approx(10.0, abs=0.3)


def test_fermi_level_of_graphene(real_data: Path) -> None:
    image = xpsnet.read_one(real_data / "arpes" / "graphene_152.ibw")
    summed = image.sum("angle").assign_attrs(image.attrs)
    found = fit_edge(summed, temperature=30.0, energy_range=(31.9, 32.1))
    assert float(found["center"]) == pytest.approx(32.012, abs=0.002)
