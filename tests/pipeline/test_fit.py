"""fit(): which counts are refined, which one wins, and the paper's spectra from file to peaks."""

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.peaks import Status, curves, make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.fitting.model.options import FitOptions
from xpsnet.models.prediction import Prediction, PredictOptions
from xpsnet.models.weights import load_model
from xpsnet.pipeline import stages
from xpsnet.pipeline.fit import fit
from xpsnet.pipeline.plan import _with_neighbors

ENERGY = np.linspace(280.0, 292.0, 241)
SLOTS = 3
# What the pretended network finds for every count.
CENTERS = {0: (), 1: (284.9,), 2: (284.6, 286.6), 3: (284.7, 286.5, 289.5)}


def spectrum_of(center, height, seed=1, scale="binding"):
    """Peaks of width 1.2 eV on a constant background, with noise of counts."""
    truth = make_peaks(
        ENERGY,
        (),
        scale="binding",
        line_shape="pseudo_voigt",
        background="constant",
        parameters={
            "center": np.array(center, dtype=float),
            "fwhm": np.full(len(center), 1.2),
            "height": np.array(height, dtype=float),
            "fraction": np.full(len(center), 0.3),
        },
        background_parameters={"constant": 300.0},
        status=0,
    )
    envelope = curves(truth).envelope.values
    noise = np.random.default_rng(seed).normal(size=ENERGY.size)
    energy = ENERGY if scale == "binding" else 1486.6 - ENERGY
    return make_spectrum(envelope + noise * np.sqrt(envelope), energy, scale=scale, name="window")


class PretendedNetwork:
    """Stands in for `predict_arrays`: the same peaks for every spectrum, given probabilities."""

    def __init__(self, *probability: float, centers=CENTERS, status=Status.OK):
        self.probability, self.centers, self.status = probability, centers, status
        self.calls = []

    def __call__(self, options, energy, counts, progress=None):
        self.calls.append(options)
        found = Prediction.not_done(options, len(counts))
        wanted = options.counts if options.all_counts else (options.n_peaks,)
        center = np.full((len(wanted), options.slots), np.nan)
        for row, count in enumerate(wanted):
            centers = self.centers.get(int(count), ())
            center[row, : len(centers)] = centers
        if energy[0] < 0:  # a kinetic scale
            center = center - 1486.6
        values = {"center": center, "fwhm": 0 * center + 1.0, "height": 0 * center + 500.0}
        values["fraction"] = 0 * center + 0.3
        for name, table in found.parameters.items():
            table[:] = values[name] if options.all_counts else values[name][0]
        found.status[:] = self.status
        found.probability[:] = padded(self.probability)[: found.probability.shape[1]]
        return found


def padded(probability):
    """Probabilities of 0 to 6 peaks."""
    return np.pad(np.asarray(probability, dtype=float), (0, 7 - len(probability)))


@pytest.fixture
def network(monkeypatch):
    """Factory: put a pretended network in the place of the trained one."""

    def put(*probability, **options):
        pretended = PretendedNetwork(*probability, **options)
        monkeypatch.setattr(stages, "predict_arrays", pretended)
        return pretended

    return put


TWO = spectrum_of((284.8, 286.4), (2000.0, 1000.0))
ONE = spectrum_of((284.8,), (2000.0,))
NOISE = spectrum_of((284.8,), (0.0,))


@pytest.mark.parametrize(
    ("spectrum", "probability", "expected"),
    [
        (TWO, (0.0, 0.1, 0.8, 0.1), 2),
        (TWO, (0.0, 0.55, 0.44, 0.01), 2),
        (TWO, (0.0, 0.0, 0.5, 0.5), 2),
        (ONE, (0.0, 0.45, 0.54, 0.01), 1),
        (ONE, (0.0, 0.0, 0.1, 0.9), 1),
        (NOISE, (0.5, 0.5, 0.0, 0.0), 0),
        (NOISE, (0.0, 0.0, 0.3, 0.7), 0),
    ],
    ids=[
        "network-and-fit-agree",
        "fit-decides-between-likely-counts",
        "a-peak-in-the-noise-is-out",
        "two-that-share-one-peak-are-out",
        "false-peaks-go-until-one-is-left",
        "noise-is-no-peak",
        "false-peaks-go-until-none-is-left",
    ],
)
def test_the_number_of_peaks(network, spectrum, probability, expected):
    network(*probability)
    peaks = fit(spectrum)
    assert peaks.n_peaks == expected
    assert np.isfinite(peaks.center).sum() == expected
    assert peaks.status == (Status.OK if expected else Status.NO_PEAKS)
    np.testing.assert_array_equal(peaks.n_peaks_probability, padded(probability))


def test_only_likely_counts_are_refined(network, monkeypatch):
    refined = []
    refine_with_doublets = stages.refine_with_doublets

    def spy(options, inputs):
        refined.append(int(np.isfinite(inputs.starts["center"]).sum()))
        return refine_with_doublets(options, inputs)

    monkeypatch.setattr(stages, "refine_with_doublets", spy)
    network(0.01, 0.3, 0.68, 0.01)
    known = {"noise": {"gain": 1.0}}  # a noise that is estimated takes fits of its own
    fit(TWO, **known)
    assert sorted(refined) == [1, 2]
    refined.clear()
    fit(TWO, min_probability=0.5, **known)
    assert refined == [2]
    refined.clear()
    fit(TWO, min_probability=0.0, **known)
    assert sorted(refined) == [0, 1, 2]


def test_a_clear_peak_that_the_network_holds_impossible_is_not_invented(network):
    network(0.0, 1.0, 0.0, 0.0)
    assert fit(TWO).n_peaks == 1


def test_a_given_number_is_not_argued_with(network):
    network(0.0, 1.0, 0.0, 0.0)
    peaks = fit(ONE, n_peaks=3)
    assert peaks.n_peaks == 3
    assert peaks.sizes["peak"] == SLOTS


def test_options_reach_network_and_refinement(network):
    pretended = network(0.0, 0.0, 1.0, 0.0)
    peaks = fit(
        TWO,
        model="park2020",
        device="cpu",
        background="constant",
        line_shape="gaussian",
        energy_range=(290, 281),
        constraints={"fwhm": 1.2},
        noise=30.0,
        covariance=True,
    )
    assert pretended.calls[0].model.name == "park2020"
    assert pretended.calls[0].device == "cpu"
    assert peaks.attrs["background"] == "constant"
    assert peaks.attrs["line_shape"] == "gaussian"
    assert peaks.attrs["model"] == "park2020"
    assert peaks.attrs["region"] == "window"
    assert peaks.energy.min() >= 281
    assert float(peaks.noise) == 30.0
    assert (peaks.fwhm == 1.2).all()
    assert "covariance" in peaks


def test_the_kinetic_scale_is_the_mirror(network):
    network(0.0, 0.1, 0.9, 0.0)
    binding = fit(TWO)
    kinetic = fit(spectrum_of((284.8, 286.4), (2000.0, 1000.0), scale="kinetic"))
    np.testing.assert_allclose(1486.6 - kinetic.center[::-1], binding.center, atol=1e-4)
    np.testing.assert_allclose(kinetic.area[::-1], binding.area, rtol=1e-3)


def stack(*spectra):
    counts = np.stack([getattr(s, "values", s) for s in spectra])
    return make_spectrum(counts, ENERGY, dims=("x", "energy"), scale="binding")


def test_a_map_with_bad_spectra(network):
    network(0.0, 0.3, 0.6, 0.1)
    bad = np.full(ENERGY.size, np.nan)
    few = bad.copy()
    few[:4] = (1.0, 2.0, 4.0, 3.0)
    spectra = stack(TWO, bad, np.zeros(ENERGY.size), few, ONE, NOISE)
    peaks = fit(spectra, noise="each")
    assert peaks.status.values.tolist() == [
        Status.OK,
        Status.NOT_FINITE,
        Status.NO_SIGNAL,
        Status.TOO_FEW_POINTS,
        Status.OK,
        Status.NO_PEAKS,
    ]
    assert peaks.n_peaks.values.tolist() == [2, 0, 0, 0, 1, 0]
    assert peaks.n_peaks_probability.dims == ("x", "count")
    assert peaks.sizes["peak"] == 2
    alone = fit(TWO)
    np.testing.assert_allclose(peaks.center[0], alone.center, rtol=1e-12)


def test_status_of_the_network_is_handed_on(network):
    network(0.0, 0.0, 1.0, 0.0, status=Status.OUTSIDE_MODEL)
    assert fit(TWO).status == Status.OUTSIDE_MODEL
    network(np.nan, np.nan, np.nan, np.nan, status=Status.NOT_DONE)
    peaks = fit(TWO)
    assert peaks.status == Status.NOT_DONE
    assert np.isnan(peaks.center).all()


def test_cancel_keeps_what_is_done(network):
    network(0.0, 0.0, 1.0, 0.0)
    steps = []
    peaks = fit(
        stack(TWO, TWO, TWO, TWO),
        batch_size=2,
        progress=lambda done, total: steps.append((done, total)),
        cancel=lambda: len(steps) >= 1,
    )
    assert steps == [(2, 4)]
    assert peaks.status.values.tolist() == [Status.OK] * 2 + [Status.NOT_DONE] * 2


def test_a_map_without_spectra_has_no_peaks():
    peaks = fit(stack(TWO, ONE).isel(x=slice(0, 0)))
    assert peaks.center.shape == (0, 1)
    assert peaks.status.size == 0


def test_chunked_spectra_stay_lazy(network):
    network(0.0, 0.3, 0.7, 0.0)
    spectra = stack(TWO, ONE, TWO)
    lazy = fit(spectra.chunk({"x": 1}))
    assert lazy.center.chunks is not None
    eager = fit(spectra)
    computed = lazy.compute().isel(peak=slice(0, eager.sizes["peak"]))
    xr.testing.assert_allclose(computed.center, eager.center)
    xr.testing.assert_equal(computed.status, eager.status)


def noisy_map(seed=5):
    """12 x 10 spectra: one peak, and a weak second one beside it in the right half."""
    shape, n_x = (12, 10), 10
    center = np.broadcast_to([284.8, 286.2], (*shape, 2)).copy()
    center[:, : n_x // 2, 1] = np.nan
    truth = make_peaks(
        ENERGY, ("y", "x"), scale="binding", line_shape="pseudo_voigt", background="constant",
        parameters={"center": center, "fwhm": 1.2, "height": [500.0, 60.0], "fraction": 0.3},
        background_parameters={"constant": np.full(shape, 200.0)}, status=np.zeros(shape),
    )  # fmt: skip
    counts = np.random.default_rng(seed).poisson(curves(truth).envelope.values)
    return make_spectrum(counts.astype(float), ENERGY, dims=("y", "x", "energy"), scale="binding")


DOUBTFUL = {0: (), 1: (284.8,), 2: (284.8, 286.2), 3: (284.8, 286.2, 289.0)}


class DoubtfulNetwork(PretendedNetwork):
    """Knows the peaks, and errs about their number in a tenth of the spectra."""

    def __call__(self, options, energy, counts, progress=None):
        found = super().__call__(options, energy, counts)
        level = counts[:, (energy >= 285.9) & (energy <= 286.5)].mean(axis=1)
        level = level - counts[:, (energy >= 289) & (energy <= 292)].mean(axis=1)
        likely = np.where(level > 85, 0.7, 0.25)
        wrong = counts.sum(axis=1) % 10 == 3
        two = np.where(wrong, 1 - likely, likely)
        found.probability[:] = 0.0
        found.probability[:, 1], found.probability[:, 2] = 1 - two, two
        return found


@pytest.fixture
def doubtful(monkeypatch):
    """The doubtful network in the place of the trained one."""
    pretended = DoubtfulNetwork(0, 0, 0, 0, centers=DOUBTFUL)
    monkeypatch.setattr(stages, "predict_arrays", pretended)


def test_neighbors_clear_speckles_and_leave_edges(doubtful):
    spectra = noisy_map()
    alone = fit(spectra, neighbors=False, follow=False)
    together = fit(spectra)
    truth = np.where(np.arange(10) < 5, 1, 2)
    errors = [(p.n_peaks.values != truth).sum() for p in (alone, together)]
    assert errors[0] >= 5
    assert errors[1] <= 2
    assert together.label.values.tolist() == ["state 1", "state 2"]
    assert (together.start.values > 0).sum() < 40
    assert "label" not in alone
    assert "start" not in alone


def test_neighbors_never_change_a_fit_that_they_agree_with(doubtful):
    spectra = noisy_map()
    alone = fit(spectra, neighbors=False, follow=False)
    together = fit(spectra)
    same = (together.start == 0) & (alone.n_peaks == together.n_peaks)
    assert same.mean() > 0.6
    xr.testing.assert_allclose(together.redchi.where(same), alone.redchi.where(same), rtol=1e-6)
    moved = together.center.sortby("peak").where(same)
    np.testing.assert_allclose(moved.sum("peak"), alone.center.where(same).sum("peak"), rtol=1e-6)


@pytest.mark.parametrize("chunks", [{"y": 5, "x": 10}, {"y": 12, "x": 4}], ids=["rows", "columns"])
def test_chunks_change_nothing_in_a_map(doubtful, chunks):
    spectra = noisy_map()
    eager = fit(spectra)
    lazy = fit(spectra.chunk(chunks))
    assert lazy.center.chunks is not None
    computed = lazy.compute()
    used = np.isfinite(computed.center).any(("y", "x")).values
    computed = computed.isel(peak=used)
    for name in ("center", "fwhm", "area", "redchi", "start", "status", "n_peaks"):
        np.testing.assert_allclose(computed[name], eager[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_probability": 2.0}, "from 0 up to 1, got min_probability=2.0"),
        ({"batch_size": 0}, "expected a whole number from 1 .* got batch_size=0"),
        ({"follow": "yes"}, 'expected "auto", or True, False or a whole number'),
        ({"background": "flat"}, "expected background from"),
        ({"energy_range": (1.0, 2.0)}, "at least 2 points"),
        ({"constraints": {"width": 1.0}}, "expected constraints on"),
    ],
)
def test_misuse_is_refused(network, options, message):
    network(0.0, 0.0, 1.0, 0.0)
    with pytest.raises(ValueError, match=message):
        fit(TWO, **options)


def paper(real_data, name):
    return np.loadtxt(real_data / "paper" / f"{name}.txt").T


@pytest.mark.parametrize("drawn_background", [True, False], ids=["subtracted", "raw"])
def test_p3ht_of_the_paper(real_data, drawn_background):
    energy, counts = paper(real_data, "P3HT_S2p_exp")
    if drawn_background:
        counts = counts - paper(real_data, "P3HT_S2p_bg")[1]
    peaks = fit(make_spectrum(counts, energy, scale="binding", name="S 2p"))
    assert peaks.status == Status.OK
    assert peaks.n_peaks == 2
    np.testing.assert_allclose(peaks.center, (164.15, 165.35), atol=0.02)
    np.testing.assert_allclose(peaks.fwhm, (0.789, 0.786), atol=0.04)
    assert 1.9 < peaks.area[0] / peaks.area[1] < 2.2


@pytest.mark.parametrize("drawn_background", [True, False], ids=["subtracted", "raw"])
def test_ito_of_the_paper_is_not_worse_than_the_hand_fit(real_data, drawn_background):
    energy, counts = paper(real_data, "ITO_O1s_exp")
    drawn = paper(real_data, "ITO_O1s_bg")[1]
    by_hand = drawn + sum(paper(real_data, f"ITO_O1s_p{i}")[1] - drawn for i in (1, 2, 3))
    residual_by_hand = counts - by_hand
    if drawn_background:
        counts = counts - drawn
    spectrum = make_spectrum(counts, energy, scale="binding", name="O 1s")
    residual = spectrum.values - curves(fit(spectrum)).envelope.values
    assert (residual**2).sum() <= (residual_by_hand**2).sum()


@pytest.mark.parametrize(
    ("dims", "coords", "expected"),
    [
        (("x",), {}, True),
        (("y", "scan"), {}, True),
        (("sample",), {}, False),
        (("y", "sample"), {}, False),
        (("voltage",), {"voltage": np.linspace(3.0, 0.1, 8)}, True),
        (("voltage",), {"voltage": [1.0, 5, 2, 3, 4, 0, 7, 6]}, False),
        (("sample",), {"sample": list("abcdefgh")}, False),
    ],
)
def test_neighbors_are_asked_where_the_order_means_something(dims, coords, expected):
    spectra = xr.DataArray(np.zeros((8,) * len(dims) + (3,)), dims=(*dims, "energy"), coords=coords)
    options = stages.FindOptions(FitOptions(), PredictOptions(load_model("default")))
    together = _with_neighbors(options, spectra, "auto", "auto")
    assert (together.neighbors, together.follow) == (expected, expected)
    assert _with_neighbors(options, spectra, True, "auto").neighbors


def test_a_held_background_is_named(network):
    network(0.0, 0.1, 0.9, 0.0)
    drawn = xpsnet.static_background(TWO, "shirley")
    for background in ("static shirley", drawn):
        peaks = fit(TWO, background=background)
        assert peaks.attrs["background"] == "curve"
        assert peaks.attrs["background_choice"] == "static shirley"
        np.testing.assert_array_equal(peaks.background, drawn)
        np.testing.assert_allclose(peaks.center[:2], (284.8, 286.4), atol=0.05)
    plain = drawn.assign_attrs(background=None)
    del plain.attrs["background"]
    assert fit(TWO, background=plain).attrs["background_choice"] == "given"
