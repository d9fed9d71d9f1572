"""The spectrum plot on its own: what is drawn, and what dragging says."""

import numpy as np
import pytest
import xarray as xr
from truth_engine import truth_of

import xpsnet
from napari_xpsnet._colors import peak_color
from napari_xpsnet._plot import SpectrumPlot


@pytest.fixture
def plot(qtbot) -> SpectrumPlot:
    widget = SpectrumPlot()
    qtbot.addWidget(widget)
    widget.resize(900, 320)
    widget.show()
    return widget


@pytest.fixture
def spectrum() -> xr.DataArray:
    return xpsnet.sample("spectrum")


def legend(plot: SpectrumPlot) -> list[str]:
    return plot.legend_names


def test_measured_points_alone(plot: SpectrumPlot, spectrum: xr.DataArray) -> None:
    spectrum[3:9] = np.nan
    plot.show_spectrum(spectrum, None)
    assert legend(plot) == ["measured"]
    assert len(plot.measured.data) == spectrum.size - 6


def test_every_curve_of_a_fit(plot: SpectrumPlot, spectrum: xr.DataArray) -> None:
    peaks = truth_of(spectrum)
    plot.show_spectrum(spectrum, peaks)
    assert [legend(plot)[i] for i in (0, 1, 5)] == ["measured", "envelope", "background"]
    assert [text.split(" 28")[0] for text in legend(plot)[2:5]] == ["C-C / C-H", "C-O", "O-C=O"]
    assert legend(plot)[2].endswith(f"{float(peaks['center'][0]):.2f}")
    assert all(line.isVisible() and fill.isVisible() for line, fill in plot.components)
    for name in ("center", "fwhm", "height", "area", "fraction"):
        peaks[name][1:] = np.nan
    plot.show_spectrum(spectrum, peaks)
    assert len(legend(plot)) == 4
    assert [line.isVisible() for line, _ in plot.components] == [True, False, False]
    plot.show_spectrum(spectrum, None)
    assert legend(plot) == ["measured"]
    assert not plot.envelope.isVisible()
    plot.clear()
    assert legend(plot) == []


def test_the_lines_of_a_doublet_have_one_color(plot: SpectrumPlot, spectrum: xr.DataArray) -> None:
    peaks = truth_of(spectrum)
    plot.show_spectrum(spectrum, peaks)
    assert [line.opts["pen"].color().name() for line, _ in plot.components] == [
        peak_color(index).lower() for index in (0, 1, 2)
    ]
    plot.show_spectrum(spectrum, peaks.assign(partner=("peak", [3, 0, 1])))
    assert [line.opts["pen"].color().name() for line, _ in plot.components] == [
        peak_color(index).lower() for index in (0, 1, 0)
    ]


def test_residual_belongs_to_the_fitted_range(plot: SpectrumPlot, spectrum: xr.DataArray) -> None:
    peaks = xpsnet.predict(spectrum, energy_range=(290.0, 283.0), n_peaks=3)
    plot.show_spectrum(spectrum, peaks)
    energy, rest = plot.residual.getData()
    assert energy.min() >= 283.0
    assert energy.max() <= 290.0
    left = xpsnet.residual(spectrum, peaks)
    np.testing.assert_allclose(rest, left["residual"].values)


@pytest.mark.parametrize(("scale", "inverted"), [("binding", True), ("kinetic", False)])
def test_binding_energy_runs_to_the_left(
    plot: SpectrumPlot, spectrum: xr.DataArray, scale: str, inverted: bool
) -> None:
    plot.show_spectrum(spectrum.assign_attrs(scale=scale), None)
    assert plot.main.getViewBox().xInverted() is inverted
    assert scale.capitalize() in plot.strip.getAxis("bottom").labelText


def test_spectrum_without_any_counts(plot: SpectrumPlot, spectrum: xr.DataArray) -> None:
    plot.show_spectrum(spectrum * np.nan, None)
    assert len(plot.measured.data) == 0


def test_dragging_the_line_tells_the_energy(plot: SpectrumPlot, qtbot) -> None:
    plot.set_energy(285.0)
    with qtbot.waitSignal(plot.energy_moved) as reported:
        plot.line.setValue(286.5)
        plot.line.sigDragged.emit(plot.line)
    assert reported.args == [286.5]
    plot.set_energy(None)
    assert not plot.line.isVisible()


def test_dragging_the_band_tells_the_range(plot: SpectrumPlot, qtbot) -> None:
    with qtbot.assertNotEmitted(plot.range_moved):
        plot.set_range((290.0, 283.0))
    with qtbot.waitSignal(plot.range_moved) as reported:
        plot.region.setRegion((282.0, 289.0))
    assert reported.args == [282.0, 289.0]


@pytest.mark.parametrize(("background", "dark"), [("#ffffff", False), ("#262930", True)])
def test_colors_follow_the_theme(
    plot: SpectrumPlot, spectrum: xr.DataArray, background: str, dark: bool
) -> None:
    plot.show_spectrum(spectrum, truth_of(spectrum))
    plot.set_theme(foreground="#808080", background=background, dark=dark)
    assert plot.main.getAxis("left").pen().color().name() == "#808080"
    assert len(legend(plot)) == 6


def test_the_axes_are_not_drawn_again_while_the_mouse_moves(
    plot: SpectrumPlot, spectrum: xr.DataArray
) -> None:
    peaks = truth_of(spectrum)
    plot.show_spectrum(spectrum, peaks)
    plot.grab()
    axes = [plot.main.getAxis("left"), plot.main.getAxis("bottom"), plot.strip.getAxis("bottom")]
    drawn = [axis.picture for axis in axes]
    assert all(picture is not None for picture in drawn)
    for factor in (0.97, 0.9, 0.8):
        with xr.set_options(keep_attrs=True):
            weaker = spectrum * factor
        plot.show_spectrum(weaker, peaks, moving=True)
        plot.grab()
        assert plot.measured.getData()[1].max() == pytest.approx(weaker.values.max())
    assert [axis.picture is before for axis, before in zip(axes, drawn, strict=True)] == 3 * [True]


@pytest.mark.parametrize("factor", [0.1, 3.0])
def test_the_axis_follows_a_weaker_or_stronger_spectrum(
    plot: SpectrumPlot, spectrum: xr.DataArray, factor: float
) -> None:
    plot.show_spectrum(spectrum, None)
    with xr.set_options(keep_attrs=True):
        other = spectrum * factor
    plot.show_spectrum(other, None, moving=True)
    plot.grab()
    bottom, top = plot.main.viewRange()[1]
    highest, lowest = float(other.max()), float(other.min())
    assert bottom <= lowest
    assert highest <= top
    assert highest - lowest > 0.6 * (top - bottom)


def test_the_axis_follows_exactly_once_the_mouse_rests(
    plot: SpectrumPlot, spectrum: xr.DataArray
) -> None:
    plot.show_spectrum(spectrum, None)
    with xr.set_options(keep_attrs=True):
        weaker = 0.8 * spectrum
    plot.show_spectrum(weaker, None, moving=True)
    plot.show_spectrum(weaker, None)
    plot.grab()
    assert plot.main.viewRange()[1][1] < 0.9 * float(spectrum.max())


def test_a_zoom_stays_while_the_mouse_moves(plot: SpectrumPlot, spectrum: xr.DataArray) -> None:
    plot.show_spectrum(spectrum, None)
    plot.show_spectrum(spectrum, None, moving=True)
    plot.main.getViewBox().scaleBy((1.0, 0.5))
    plot.main.getViewBox().sigRangeChangedManually.emit([True, True])
    before = plot.main.viewRange()[1]
    for moving in (True, False):
        plot.show_spectrum((3.0 * spectrum).assign_attrs(spectrum.attrs), None, moving=moving)
        plot.grab()
    assert plot.main.viewRange()[1] == pytest.approx(before)
