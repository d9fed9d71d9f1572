import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy import stats

from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import make_spectrum, to_counts_per_second, to_kinetic
from xpsnet.models.prediction import predict
from xpsnet.pipeline.fit import fit as find_peaks
from xpsnet.plotting import plot, points_and_fit
from xpsnet.samples import sample, sample_truth


def _legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def _shown_texts(figure: Figure) -> list[Text]:
    """Axis labels, titles and legend entries that a reader sees."""
    texts: list[Text] = []
    for axes in figure.axes:
        texts += [axes.xaxis.label, axes.yaxis.label, axes.title]
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
    return [text for text in texts if text.get_text()]


def _covered_points(axes: Axes) -> int:
    """Measured points under the legend."""
    box = axes.get_legend().get_window_extent()
    points = axes.transData.transform(axes.lines[0].get_xydata())
    return int(sum(box.contains(x, y) for x, y in points))


def test_one_spectrum_with_everything() -> None:
    figure = plot(sample("spectrum"), sample_truth("spectrum"))
    upper, lower = figure.axes
    assert _legend(figure) == [
        "Measured",
        "C-C / C-H 284.80 eV",
        "C-O 286.45 eV",
        "O-C=O 288.90 eV",
        "Background",
        "Envelope",
    ]
    assert upper.get_ylabel() == "Intensity (counts)"
    assert lower.get_xlabel() == "Binding energy (eV)"
    assert lower.get_ylabel().startswith("Residual\n(")
    assert upper.get_xlim() == (294.0, 280.0)
    residual = lower.lines[-1].get_ydata()
    assert np.std(residual) == pytest.approx(1.0, abs=0.15)


def test_region_names_the_peaks_without_labels() -> None:
    figure = plot(sample("spectrum"), sample_truth("spectrum").drop_vars("label"))
    assert _legend(figure)[1] == "C 1s 284.80 eV"


def test_kinetic_energy_runs_upwards() -> None:
    spectra = to_counts_per_second(to_kinetic(sample("spectrum")))
    figure = plot(spectra)
    assert figure.axes[0].get_xlabel() == "Kinetic energy (eV)"
    assert figure.axes[0].get_ylabel() == "Intensity (counts/s)"
    low, high = figure.axes[0].get_xlim()
    assert low < high


def test_peaks_decide_the_scale() -> None:
    figure = plot(to_kinetic(sample("spectrum")), sample_truth("spectrum"))
    assert figure.axes[1].get_xlabel() == "Binding energy (eV)"
    assert np.std(figure.axes[1].lines[-1].get_ydata()) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("size", [(3.3, 2.6), (3.5, 3.0), (6.4, 4.8), (10.0, 5.0)], ids=str)
@pytest.mark.parametrize(
    ("name", "isel"),
    [("spectrum", {}), ("map", {"y": 20, "x": 18}), ("line_scan", {"position": 30})],
    ids=["spectrum", "map", "line scan"],
)
def test_nothing_overlaps(name: str, isel: dict[str, int], size: tuple[float, float]) -> None:
    figure = plot(sample(name), sample_truth(name), isel=isel, size=size)
    figure.draw_without_rendering()
    assert _covered_points(figure.axes[0]) == 0
    boxes = [text.get_window_extent() for text in _shown_texts(figure)]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert figure.bbox.fully_containsx(box.x0)
        assert figure.bbox.fully_containsx(box.x1)


def test_a_long_legend_takes_two_columns() -> None:
    energy = np.linspace(700.0, 740.0, 401)
    peaks = make_peaks(
        energy,
        (),
        scale="binding",
        line_shape="gaussian",
        background="constant",
        parameters={"center": np.linspace(706.0, 728.0, 8), "fwhm": 2.0, "height": 1000.0},
        background_parameters={"constant": 500.0},
        status=0,
        attrs={"region": "Fe 2p"},
    )
    figure = plot(make_spectrum(curves(peaks)["envelope"].values, energy, scale="binding"), peaks)
    figure.draw_without_rendering()
    upper = figure.axes[0]
    assert len(_legend(figure)) == 11
    assert _covered_points(upper) == 0
    lefts = {round(text.get_window_extent().x0) for text in upper.get_legend().get_texts()}
    assert len(lefts) == 2


def test_one_pixel_is_named_in_the_title() -> None:
    figure = plot(sample("map"), sample_truth("map"), isel={"y": 20, "x": 18})
    assert figure.axes[0].get_title() == "y = 100 \N{MICRO SIGN}m, x = 90 \N{MICRO SIGN}m"
    assert plot(sample("map"), isel={"y": 0, "x": 0}, title="").axes[0].get_title() == ""


def test_a_stack_is_drawn_as_its_mean() -> None:
    spectra, truth = sample("line_scan"), sample_truth("line_scan")
    figure = plot(spectra, truth)
    assert figure.axes[0].get_title() == "mean of 60 spectra"
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), spectra.mean("position"))
    assert np.std(figure.axes[1].lines[-1].get_ydata()) == pytest.approx(1.0, abs=0.3)


def test_spectra_without_a_fit_are_left_out_of_the_mean() -> None:
    spectra, truth = sample("line_scan"), sample_truth("line_scan")
    truth["background_constant"][10:] = np.nan
    spectra[10:] = 1e6
    figure = plot(spectra, truth)
    assert figure.axes[0].lines[0].get_ydata().max() < 1e4


def test_bars_are_the_intervals_of_one_spectrum() -> None:
    spectrum = sample("spectrum")
    peaks = find_peaks(spectrum, noise={"gain": 1.0, "dof": 3.0})
    _, fit = points_and_fit(spectrum, peaks, {})
    assert fit is not None
    center, across, top, up = fit.intervals.T
    np.testing.assert_allclose(center, peaks.center)
    np.testing.assert_allclose(across, stats.t.ppf(0.975, 3) * peaks.center_stderr, rtol=1e-6)
    np.testing.assert_allclose(up, stats.t.ppf(0.975, 3) * peaks.height_stderr, rtol=1e-6)
    envelope = np.interp(center, fit.energy, fit.envelope)
    assert (top <= envelope * 1.001).all()
    assert (top > 0.8 * envelope).all()
    _, without = points_and_fit(spectrum, predict(spectrum), {})
    assert without is not None
    assert without.intervals.shape == (0, 4)


def test_residual_follows_the_noise_of_the_fit() -> None:
    spectra, truth = sample("spectrum"), sample_truth("spectrum")
    root = float(np.sqrt(spectra.mean()))
    once = plot(spectra, truth.assign(noise=root)).axes[1].lines[-1].get_ydata()
    half = plot(spectra, truth.assign(noise=2 * root)).axes[1].lines[-1].get_ydata()
    np.testing.assert_allclose(once, 2 * half)


def test_points_outside_the_fit_have_no_residual() -> None:
    truth = sample_truth("spectrum").sel(energy=slice(283.0, 290.0))
    truth.attrs["energy_range"] = [283.0, 290.0]
    figure = plot(sample("spectrum"), truth)
    points = figure.axes[1].lines[-1].get_xydata()
    inside = (points[:, 0] >= 283.0) & (points[:, 0] <= 290.0)
    assert np.isfinite(points[inside, 1]).all()
    assert np.isnan(points[~inside, 1]).all()
    assert len(points) < 160


def test_missing_points_and_absent_peaks() -> None:
    spectra, truth = sample("spectrum"), sample_truth("spectrum")
    spectra[100:120] = np.nan
    truth["center"][1] = np.nan
    assert len(_legend(plot(spectra, truth))) == 5


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e308, -1e308, 1e200, 1e-320])
@pytest.mark.parametrize("n", [1, 5, 281])
def test_counts_that_no_axis_can_show(bad: float, n: int) -> None:
    spectrum, peaks = sample("spectrum"), sample_truth("spectrum")
    spectrum[:n] = bad
    for figure in (plot(spectrum, peaks), plot(spectrum)):
        figure.draw_without_rendering()
        drawn = figure.axes[0].lines[0].get_ydata()[:n]
        np.testing.assert_array_equal(drawn, 0.0 if bad == 1e-320 else np.nan)


def test_a_figure_of_ones_own() -> None:
    whole = Figure(figsize=(8, 4), layout="constrained")
    left, right = whole.subfigures(1, 2)
    spectra, truth = sample("spectrum"), sample_truth("spectrum")
    assert plot(spectra, truth, figure=left) is whole
    assert plot(spectra, figure=right) is whole
    assert len(whole.axes) == 3


def test_nothing_global_changes(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot(sample("spectrum"), sample_truth("spectrum")).savefig(tmp_path / "fit.png")
    assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_vector_formats(tmp_path: Path, suffix: str) -> None:
    plot(sample("spectrum"), sample_truth("spectrum")).savefig(tmp_path / f"fit.{suffix}")
    assert (tmp_path / f"fit.{suffix}").stat().st_size > 10_000


def test_energy_dimension_with_any_name() -> None:
    spectra = sample("map").rename(energy="channel")
    spectra = spectra.assign_coords(channel=spectra["channel"].drop_attrs())
    figure = plot(spectra, sample_truth("map"), dim="channel", isel={"y": 20, "x": 18})
    assert len(_legend(figure)) == 6


COORDINATES = ("area", "center", "component", "count", "label", "noise", "peak", "status")


@pytest.mark.parametrize("name", COORDINATES)
@pytest.mark.parametrize("isel", [{}, {"position": 30}], ids=["mean", "one"])
def test_own_coordinates_may_have_our_names(name: str, isel: dict[str, int]) -> None:
    spectra, truth = sample("line_scan"), sample_truth("line_scan")
    own = {name: ("position", np.array([f"site {i}" for i in range(60)]))}
    figure = plot(spectra.assign_coords(own), truth, isel=isel)
    assert _legend(figure) == _legend(plot(spectra, truth, isel=isel))
    assert figure.axes[0].get_title() == plot(spectra, truth, isel=isel).axes[0].get_title()


@pytest.mark.parametrize("name", ["count", "label", "noise", "peak", "status"])
def test_own_dimensions_may_have_our_names(name: str) -> None:
    spectra = sample("line_scan")[::20].rename(position=name)
    peaks = predict(spectra)
    assert len(_legend(plot(spectra, peaks))) == peaks.sizes["peak"] + 3
    figure = plot(spectra, peaks, isel={name: 1})
    assert figure.axes[0].get_title() == f"{name} = 100 \N{MICRO SIGN}m"
    expected = plot(sample("line_scan"), isel={"position": 20}).axes[0].lines[0].get_ydata()
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), expected)


def test_refusals() -> None:
    spectra, truth = sample("map"), sample_truth("map")
    with pytest.raises(ValueError, match="choose one spectrum of both with isel="):
        plot(spectra.isel(y=slice(0, 3)), truth)
    with pytest.raises(ValueError, match="got one for every count"):
        plot(spectra, truth.expand_dims(count=[1, 2]))
    with pytest.raises(ValueError, match="got 0; the spectra cover"):
        plot(sample("line_scan"), truth)
