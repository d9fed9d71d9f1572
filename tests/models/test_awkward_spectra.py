"""Every spectrum gets a status; long predictions report progress, can be stopped and stay lazy."""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from xpsnet.data.peaks import Status
from xpsnet.data.spectrum import make_spectrum
from xpsnet.models import prediction
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]

predict = partial(prediction.predict, device="cpu")
ENERGY = np.linspace(280.0, 292.0, 241)
GOOD = 500 + LINE_SHAPES["pseudo_voigt"].value(
    ENERGY, np.array([284.8, 287.4]), 1.2, np.array([4000.0, 2000.0]), 0.3
).sum(axis=0)
GOOD += np.random.default_rng(1).normal(size=241) * 20


def _only(points: Any) -> Floats:
    """The good spectrum, other points missing."""
    return np.where(np.isin(np.arange(241), points), GOOD, np.nan)


_bits = np.random.default_rng(2)
AWKWARD: dict[str, tuple[Floats, set[Status]]] = {
    "good": (GOOD, {Status.OK}),
    "missing ends": (_only(np.arange(30, 210)), {Status.OK}),
    "holes": (_only(np.setdiff1d(np.arange(241), np.arange(3, 240, 7))), {Status.OK}),
    "infinite points": (np.where(ENERGY < 281, np.inf, GOOD), {Status.OK}),
    "nothing": (_only([]), {Status.NOT_FINITE}),
    "only infinite": (np.full(241, -np.inf), {Status.NOT_FINITE}),
    "fill values": (np.where(ENERGY < 285, 1.7e308, -1.7e308), {Status.NOT_FINITE}),
    "one point": (_only([17]), {Status.TOO_FEW_POINTS}),
    "seven points": (_only(np.arange(100, 107)), {Status.TOO_FEW_POINTS}),
    "eight points": (_only(np.arange(100, 108)), {Status.OUTSIDE_MODEL, Status.NO_PEAKS}),
    "nine far points": (_only(np.arange(0, 241, 30)), {Status.OUTSIDE_MODEL, Status.NO_PEAKS}),
    "constant": (np.full(241, 7.0), {Status.NO_SIGNAL}),
    "zero": (np.zeros(241), {Status.NO_SIGNAL}),
    "constant with holes": (np.where(ENERGY > 285, 7.0, np.nan), {Status.NO_SIGNAL}),
    "noise": (_bits.normal(size=241), {Status.OK, Status.NO_PEAKS}),
    "negative": (-GOOD, {Status.OK, Status.NO_PEAKS}),
    "huge": (1e99 * GOOD / GOOD.max(), {Status.OK}),
    "hugely negative": (-1e30 * GOOD, {Status.OK, Status.NO_PEAKS}),
    "tiny": (1e-300 * GOOD, {Status.OK}),
    "below the smallest number": (5e-324 * np.round(GOOD), {Status.OK}),
    "one spike": (1e6 * (np.arange(241) == 120), {Status.OK, Status.NO_PEAKS}),
    "step": (1.0 * (ENERGY > 286), {Status.OK, Status.NO_PEAKS}),
    "ramp": (ENERGY, {Status.OK, Status.NO_PEAKS}),
    "few bits": (_bits.poisson(0.02, 241).astype(float), {Status.OK, Status.NO_PEAKS}),
}
COUNTS = np.stack([counts for counts, _ in AWKWARD.values()])
SPECTRA = make_spectrum(COUNTS, ENERGY, scale="binding", name="C 1s")


@pytest.fixture(scope="module")
def peaks() -> xr.Dataset:
    return predict(SPECTRA)


@pytest.mark.parametrize("row", range(len(AWKWARD)), ids=AWKWARD.keys())
def test_every_spectrum_gets_a_status(peaks: xr.Dataset, row: int) -> None:
    allowed = list(AWKWARD.values())[row][1]
    one = peaks.isel(position=row)
    assert Status(int(one.status)) in allowed
    found = int(one.status) in (Status.OK, Status.OUTSIDE_MODEL)
    assert bool(one.n_peaks > 0) == found
    for name in ("center", "fwhm", "height", "area", "fraction", "center_spread"):
        assert int(np.isfinite(one[name]).sum()) == int(one.n_peaks)
    assert not (one.height < 0).any()
    assert not (one.fwhm <= 0).any()


def test_bad_neighbors_change_nothing(peaks: xr.Dataset) -> None:
    for name in ("good", "holes", "nothing", "constant", "step"):
        row = list(AWKWARD).index(name)
        alone = predict(SPECTRA.isel(position=row), n_peaks="auto")
        together = peaks.isel(position=row, peak=slice(alone.sizes["peak"]))
        xr.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-6)


def test_constant_spectra_have_their_background(peaks: xr.Dataset) -> None:
    flat = peaks.isel(position=list(AWKWARD).index("constant with holes"))
    assert flat.background_constant == 7
    assert flat.background_slope == 0
    assert flat.background_shirley == 0


@pytest.mark.parametrize("background", ["none", "constant", "shirley", "tougaard+linear"])
@pytest.mark.parametrize("arguments", [{}, {"n_peaks": 3}, {"all_counts": True}], ids=str)
def test_no_exception_with_any_arguments(background: str, arguments: dict[str, Any]) -> None:
    found = predict(SPECTRA, background=background, **arguments)
    assert set(np.unique(found.status)) <= set(Status)
    if "n_peaks" in arguments:
        assert (found.n_peaks.values[:2] == 3).all()


def test_no_spectra_at_all() -> None:
    found = predict(SPECTRA.isel(position=slice(0, 0)))
    assert found.center.shape == (0, 1)


@pytest.mark.parametrize(
    ("energy", "outside"),
    [
        pytest.param(np.linspace(280, 292, 40), False, id="40 points"),
        pytest.param(np.linspace(280, 292, 39), True, id="39 points"),
        pytest.param(np.linspace(282, 287, 101), False, id="5 eV"),
        pytest.param(np.linspace(282, 286, 101), True, id="4 eV"),
        pytest.param(np.linspace(260, 300, 401), False, id="40 eV"),
        pytest.param(np.linspace(250, 300, 501), True, id="50 eV"),
        pytest.param(np.linspace(292, 280, 4000), False, id="4000 points"),
    ],
)
def test_windows_unlike_the_training_are_marked(energy: Floats, outside: bool) -> None:
    counts = 100 + LINE_SHAPES["gaussian"].value(energy, 284.5, 1.5, 5000.0)
    found = predict(make_spectrum(counts, energy, scale="binding"), n_peaks=1)
    assert int(found.status) == (Status.OUTSIDE_MODEL if outside else Status.OK)
    assert float(found.height[0]) > 0


def test_progress_reaches_the_total() -> None:
    seen: list[tuple[int, int]] = []
    predict(SPECTRA, batch_size=5, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(AWKWARD), len(AWKWARD))
    assert len(seen) > 4
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_cancel_keeps_what_is_done() -> None:
    spectra = make_spectrum(np.tile(GOOD, (20, 1)), ENERGY, scale="binding")
    spectra[3] = np.nan
    asked = []

    def cancel() -> bool:
        asked.append(1)
        return len(asked) > 2

    found = predict(spectra, batch_size=4, cancel=cancel)
    whole = predict(spectra)
    done = (found.status != Status.NOT_DONE).values
    # Two batches of four, and the one that nothing can be done for.
    assert done.sum() == 9
    assert found.status.values[3] == Status.NOT_FINITE
    xr.testing.assert_allclose(found.isel(position=done), whole.isel(position=done), rtol=1e-4)
    assert np.isnan(found.center.values[~done]).all()
    assert (found.n_peaks.values[~done] == 0).all()
    assert (predict(spectra, cancel=lambda: True).status.values[4:] == Status.NOT_DONE).all()


@pytest.mark.parametrize("arguments", [{}, {"n_peaks": 2}, {"all_counts": True}], ids=str)
@pytest.mark.parametrize(
    "chunks", [{"position": 5}, {"position": 1, "energy": 100}, {"energy": -1}], ids=str
)
def test_lazy_equals_eager(chunks: dict[str, int], arguments: dict[str, Any]) -> None:
    rows = SPECTRA.isel(position=[0, 1, 2, 4, 7, 11, 13])
    rows = rows.assign_coords(place=("position", np.arange(7.0)), step=("energy", ENERGY))
    lazy = predict(rows.chunk(chunks), **arguments)
    assert lazy.center.chunks is not None
    eager = predict(rows, **arguments)
    now = lazy.compute()
    assert np.isnan(now.center.isel(peak=slice(eager.sizes["peak"], None))).all()
    now = now.isel(peak=slice(eager.sizes["peak"]))
    xr.testing.assert_allclose(now, eager, rtol=1e-4, atol=1e-6)
    assert now.attrs == eager.attrs
    np.testing.assert_equal(now.status.attrs, eager.status.attrs)
