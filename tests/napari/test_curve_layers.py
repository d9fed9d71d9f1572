"""Curves as napari layers: geometry and names, without a window."""

import numpy as np
import pytest
import xarray as xr
from napari.components import ViewerModel
from napari.layers import Layer
from truth_engine import truth_of

import xpsnet
from napari_xpsnet import _curve_layers
from napari_xpsnet._colors import peak_color


@pytest.fixture
def spectrum() -> xr.DataArray:
    found = xpsnet.sample("spectrum")
    found[5] = np.nan
    return found


def test_layers_are_named_and_ordered(spectrum: xr.DataArray) -> None:
    layers = _curve_layers.curve_layers(spectrum, truth_of(spectrum))
    names = [keywords["name"] for _, keywords, _ in layers]
    assert names[0].startswith("C-C / C-H  284.8")
    assert names[3] == "background"
    assert names[-4:] == ["envelope", "measured", "axis", "axis labels"]
    assert [kind for _, _, kind in layers] == ["shapes"] * 8 + [
        "points",
        "shapes",
        "points",
    ]
    viewer = ViewerModel()
    for data, keywords, kind in layers:
        viewer.add_layer(Layer.create(data, keywords, kind))
    assert len(viewer.layers) == 11


def test_binding_energy_runs_to_the_left_and_counts_up(spectrum: xr.DataArray) -> None:
    layers = {k["name"]: d for d, k, _ in _curve_layers.curve_layers(spectrum, truth_of(spectrum))}
    measured = layers["measured"]
    finite = np.isfinite(spectrum.values)
    assert len(measured) == finite.sum()
    top = np.nanargmax(spectrum.values)
    energies = spectrum["energy"].values
    share = (energies.max() - energies[top]) / (energies.max() - energies.min())
    assert measured[:, 0].min() >= 0.0
    assert measured[np.argmin(measured[:, 0]), 1] == pytest.approx(share * _curve_layers.WIDTH)


def test_kinetic_energy_runs_to_the_right(spectrum: xr.DataArray) -> None:
    kinetic = spectrum.assign_attrs(scale="kinetic")
    peaks = truth_of(spectrum)
    left = _curve_layers.curve_layers(spectrum, peaks)
    right = _curve_layers.curve_layers(kinetic, peaks)
    measured = [next(d for d, k, _ in x if k["name"] == "measured") for x in (left, right)]
    np.testing.assert_allclose(measured[0][:, 1], _curve_layers.WIDTH - measured[1][:, 1])


def test_only_existing_peaks_are_drawn(spectrum: xr.DataArray) -> None:
    peaks = truth_of(spectrum)
    for name in ("center", "fwhm", "height", "area", "fraction"):
        peaks[name][1:] = np.nan
    layers = [keywords for _, keywords, _ in _curve_layers.curve_layers(spectrum, peaks)]
    assert [one.get("shape_type") for one in layers].count("polygon") == 1


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (282.0, 294.0, [282, 284, 286, 288, 290, 292, 294]),
        (159.95, 168.02, [160, 161, 162, 163, 164, 165, 166, 167, 168]),
        (0.0, 1200.0, [0, 200, 400, 600, 800, 1000, 1200]),
        (100.0, 100.6, [100.0, 100.1, 100.2, 100.3, 100.4, 100.5, 100.6]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    np.testing.assert_allclose(_curve_layers.tick_values(low, high), expected)


def test_the_lines_of_a_doublet_have_one_color(spectrum: xr.DataArray) -> None:
    peaks = truth_of(spectrum).assign(partner=("peak", [3, 0, 1]), state=("peak", [1, 2, 1]))
    layers = _curve_layers.curve_layers(spectrum, peaks)
    lines = [k["edge_color"] for _, k, _ in layers if k["name"].endswith(" line")]
    assert lines == [peak_color(0), peak_color(1), peak_color(0)]
    alone = _curve_layers.curve_layers(spectrum, truth_of(spectrum))
    lines = [k["edge_color"] for _, k, _ in alone if k["name"].endswith(" line")]
    assert lines == [peak_color(0), peak_color(1), peak_color(2)]
