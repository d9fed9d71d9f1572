"""Chunks change nothing: `fit`, `predict`, `refine` and `follow` of dask arrays and of arrays.

Compared is every variable, coordinate and attribute, to the last bit. Lazy results may have more
places along `peak`: these come last and hold nothing. A window has no level, so that lines are
counted; the same spectra of C 1s are fitted in states.
"""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.peaks import make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.pipeline import stages

ENERGY = np.linspace(280.0, 292.0, 121)
DOUBLET = xpsnet.doublet("U 4f", splitting=1.3, fwhm_ratio="free")


def map_of(*shape: int, counts: float = 1.0, seed: int = 3) -> xr.DataArray:
    """Counts of one to three states, a fiftieth of them at the right, where spectra need others."""
    dims = ("scan", "y", "x")[-len(shape) :]
    grids = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    y, x = grids[0], grids[-1]
    exists = np.stack([x < 2, np.sin(4 * x + 2 * y) > -0.2, np.cos(5 * x) * y > 0.1], axis=-1)
    center = np.array([284.8, 286.1, 288.6]) + 0.1 * x[..., None]
    strength = counts * np.where(x > 0.2, 0.02, 1.0)
    height = strength[..., None] * np.array([2000.0, 900.0, 300.0])
    truth = make_peaks(
        ENERGY, dims, scale="binding", line_shape="pseudo_voigt", background="shirley",
        parameters={"center": np.where(exists, center, np.nan), "fwhm": 1.2, "height": height,
                    "fraction": 0.3},
        background_parameters={"constant": 300 * strength, "shirley": np.full(shape, 0.03)},
        status=0,
    )  # fmt: skip
    drawn = np.random.default_rng(seed).poisson(xpsnet.curves(truth).envelope.values)
    return make_spectrum(
        drawn.astype(float), ENERGY, dims=(*dims, "energy"), scale="binding", name="window"
    )


MAP = map_of(9, 12)
LINE = map_of(135)
RATES = (MAP.astype(np.float32) / np.float32(0.37)).assign_attrs(units="counts/s")
KINETIC = xpsnet.to_kinetic(MAP.assign_attrs(photon_energy=1486.6))


def with_bad_spectra() -> xr.DataArray:
    """The map with missing, constant, infinite and cut spectra."""
    counts = MAP.copy()
    counts[2:4, 3:6] = np.nan
    counts[:, 9, :20] = np.nan
    counts[7, :, 60] = np.nan
    counts[6, 2, 30] = np.inf
    counts[5, 5:8] = 7.0
    return counts


BAD = with_bad_spectra()


def assert_same(lazy: xr.Dataset, eager: xr.Dataset) -> None:
    """The same but for places at the end that hold nothing."""
    assert lazy["center"].chunks is not None
    found = lazy.compute()
    n = eager.sizes["peak"]
    assert np.isnan(found["center"].isel(peak=slice(n, None))).all()
    found = found.isel(peak=slice(0, n))
    if "parameter" in found.dims:
        names = eager["parameter"].values
        found = found.sel(parameter=names, parameter_2=names)
    xr.testing.assert_identical(found.transpose(*eager.dims), eager.transpose(*eager.dims))


# Chunks that do not divide the map, rows, columns, parts of the energies, a single spectrum.
CHUNKS: dict[str, dict[str, Any]] = {
    "uneven": {"y": 5, "x": 7},
    "rows": {"y": 1},
    "columns": {"x": 1},
    "energies": {"y": 7, "x": 12, "energy": 50},
    "given": {"y": (1, 7, 1), "x": (3, 9)},
}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_a_map_with_bad_spectra_in_any_chunks(chunks: dict[str, Any]) -> None:
    assert_same(xpsnet.fit(BAD.chunk(chunks)), xpsnet.fit(BAD))


SHAPES: dict[str, tuple[xr.DataArray, dict[str, int]]] = {
    # 129 spectra: 128 and one alone for the network
    "line": (LINE, {"x": 129}),
    "short chunks": (LINE[:20], {"x": 1}),
    "single spectra": (MAP[4:7, 4:9], {"y": 1, "x": 1}),
    "three dimensions": (map_of(2, 5, 6), {"scan": 1, "y": 3, "x": 4}),
    "energies first": (MAP.transpose("energy", "x", "y").copy(), {"y": 5, "x": 7}),
    "kinetic": (KINETIC, {"y": 5, "x": 7}),
    "descending": (MAP[..., ::-1], {"y": 5, "x": 7}),
    "float32": (MAP.astype(np.float32), {"y": 5, "x": 7}),
    "float32 rates": (RATES, {"y": 5, "x": 7}),
    "whole numbers": (MAP.astype(np.int32), {"y": 5, "x": 7}),
    "one spectrum": (MAP[0, 0], {"energy": 50}),
    "nothing": (MAP.where(MAP < 0)[:4], {"y": 3}),
}


@pytest.mark.parametrize(("spectra", "chunks"), SHAPES.values(), ids=SHAPES)
def test_any_shape(spectra: xr.DataArray, chunks: dict[str, int]) -> None:
    assert_same(xpsnet.fit(spectra.chunk(chunks)), xpsnet.fit(spectra))


OPTIONS: dict[str, dict[str, Any]] = {
    "each alone": {"neighbors": False},
    "not followed": {"follow": False},
    "only followed": {"neighbors": False, "follow": True},
    "two states": {"follow": 2},
    "more states than there are": {"follow": 8},
    "two peaks": {"n_peaks": 2},
    "covariance": {"n_peaks": 3, "covariance": True},
    "found peaks with covariance": {"covariance": True},
    "doublets": {"doublets": [DOUBLET]},
    "links": {"n_peaks": 3, "constraints": {"center_2": "center_1 + (1.0, 1.6)"}},
    "background chosen": {"background": "auto"},
    "background held": {"background": "static shirley"},
    "background given": {"background": xpsnet.static_background(MAP, "linear")},
    "noise of each": {"noise": "each"},
    "noise of each, alone": {"noise": "each", "neighbors": False},
    "noise of counts": {"noise": "poisson"},
    "noise as a model": {"noise": {"gain": 1.0, "floor": 2.0}},
    "noise of points": {"noise": np.sqrt(MAP + 10.0)},
    "noise of all": {"noise": 10.0},
    "narrower": {"energy_range": (282.0, 290.0)},
    "small batches": {"batch_size": 7},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_any_options(options: dict[str, Any]) -> None:
    assert_same(xpsnet.fit(MAP.chunk({"y": 5, "x": 7}), **options), xpsnet.fit(MAP, **options))


# The same spectra of a level: a small map with bad spectra, and few models to choose from.
STATES = BAD[2:6, 3:9].rename("C 1s")
FEW_MODELS: dict[str, Any] = {"line_shape": "pseudo_voigt", "background": "linear"}
IN_STATES: dict[str, dict[str, Any]] = {
    "not followed": {"follow": False},
    "two states": {"n_states": 2},
    "two followed": {"follow": 2},
    "no state": {"n_states": 0},
    "covariance": {"covariance": True},
    "limits": {"constraints": {"fwhm": (0.9, 1.1)}},
    "doublets": {"doublets": [DOUBLET]},
    "background held": {"background": "static shirley"},
    "background given": {"background": xpsnet.static_background(MAP[2:6, 3:9], "linear")},
    "noise of each": {"noise": "each"},
    "noise of counts": {"noise": "poisson"},
    "noise as a model": {"noise": {"gain": 1.0, "floor": 2.0}},
    "noise of points": {"noise": np.sqrt(MAP[2:6, 3:9] + 10.0)},
    "noise of all": {"noise": 10.0},
    "narrower": {"energy_range": (282.0, 290.0)},
}


@pytest.mark.parametrize("options", IN_STATES.values(), ids=IN_STATES)
def test_any_options_in_states(options: dict[str, Any]) -> None:
    options = FEW_MODELS | options
    eager = xpsnet.fit(STATES, **options)
    assert "n_states_probability" in eager
    assert_same(xpsnet.fit(STATES.chunk({"y": 3, "x": 4}), **options), eager)


@pytest.mark.parametrize("chunks", [{"y": 1, "energy": 50}, {"y": 4, "x": (1, 5)}], ids=str)
def test_states_in_any_chunks(chunks: dict[str, Any]) -> None:
    assert_same(xpsnet.fit(STATES.chunk(chunks), **FEW_MODELS), xpsnet.fit(STATES, **FEW_MODELS))


def test_states_of_a_kinetic_line() -> None:
    some = xpsnet.to_kinetic(STATES.assign_attrs(photon_energy=1486.6))
    assert_same(xpsnet.fit(some.chunk({"y": 4}), **FEW_MODELS), xpsnet.fit(some, **FEW_MODELS))


def test_kinetic_doublets_with_the_noise_of_each_spectrum() -> None:
    options: dict[str, Any] = {"doublets": [DOUBLET], "noise": "each"}
    assert_same(xpsnet.fit(KINETIC.chunk({"y": 4}), **options), xpsnet.fit(KINETIC, **options))


@pytest.mark.parametrize("chunks", [{"y": 5, "x": 7}, {"y": 1, "x": 1}], ids=["map", "single"])
@pytest.mark.parametrize("noise", [None, "each"], ids=["common", "each"])
def test_predicted_and_refined(noise: Any, chunks: dict[str, int]) -> None:
    some = BAD[4:9, 2:8]
    starts = xpsnet.predict(some, n_peaks=2)
    lazy = some.chunk(chunks)
    assert_same(xpsnet.predict(lazy), xpsnet.predict(some))
    assert_same(xpsnet.refine(lazy, starts, noise=noise), xpsnet.refine(some, starts, noise=noise))


FOLLOWED: dict[str, dict[str, Any]] = {
    "states found": {},
    "fewer": {"n_states": 2},
    "more": {"n_states": 9},
    "named": {"labels": ["C-C", "C-O", "O-C=O in a name that is long"]},
}


@pytest.mark.parametrize("options", FOLLOWED.values(), ids=FOLLOWED)
def test_followed_and_refined_again(options: dict[str, Any]) -> None:
    peaks = xpsnet.fit(MAP, follow=False, covariance=True)
    eager, lazy = (xpsnet.follow(p, **options) for p in (peaks, peaks.chunk({"y": 5, "x": 7})))
    assert_same(lazy, eager)
    again = xpsnet.refine(MAP.chunk({"y": 5, "x": 7}), lazy)
    assert_same(again, xpsnet.refine(MAP, eager))


def test_labels_that_do_not_fit_the_states_are_refused_where_the_states_are_found() -> None:
    peaks = xpsnet.fit(MAP, follow=False)
    labels = [f"state of carbon {i}" for i in range(40)]
    with pytest.raises(ValueError, match=r"expected .* labels, one per state"):
        xpsnet.follow(peaks, labels=labels)
    with pytest.raises(ValueError, match=r"expected .* labels, one per state"):
        xpsnet.follow(peaks.chunk({"y": 5}), labels=labels).compute()


def test_the_order_of_the_sum_does_not_reach_the_mean_spectrum() -> None:
    mean = np.random.default_rng(1).uniform(100.0, 900.0, (1, 200))
    nearly = mean * (1 + 1e-14)
    assert (mean != nearly).any()
    np.testing.assert_array_equal(stages._rounded(mean), stages._rounded(nearly))
    np.testing.assert_allclose(stages._rounded(mean), mean, rtol=0, atol=1e-3)
    empty = np.array([[np.nan, np.inf], [0.0, np.nan]])
    np.testing.assert_array_equal(stages._rounded(empty), empty)
