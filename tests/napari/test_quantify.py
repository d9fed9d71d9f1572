"""The window "Quantification..." of the dock, and its tables."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hand import settle
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from truth_engine import TruthEngine, truth_of

import xpsnet
from napari_xpsnet._quantify import FILE, HERE, MEAN, NONE, NONE_ON, POWER
from napari_xpsnet._regions import Region, RegionFile, file_layer
from napari_xpsnet._widget import FitPeaks

Add = Callable[..., Any]
SHIFT = 247.0
"""From C 1s to a second region at the energies of O 1s [eV]."""


@pytest.fixture
def dock(make_napari_viewer, qtbot, engine: TruthEngine) -> Any:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    widget = FitPeaks(viewer)
    viewer.window.add_dock_widget(widget)
    widget.engine = engine
    yield widget
    widget.shut_down()


def at(spectra: xr.DataArray, name: str, by: float) -> xr.DataArray:
    """The same counts as another region."""
    return spectra.assign_coords(energy=spectra.energy + by).rename(name)


def peaks_at(spectra: xr.DataArray, name: str, by: float, factor: float = 1.0) -> xr.Dataset:
    """Their true peaks, as the fit of this region would state them."""
    truth = truth_of(spectra).xps.shift(by)
    truth = truth.assign(area=factor * truth["area"], height=factor * truth["height"])
    with_errors = truth.assign(area_stderr=0.01 * truth["area"])
    photon = spectra.attrs["photon_energy"]
    return with_errors.assign_attrs(region=name, photon_energy=photon, units="counts")


def add_file(dock: FitPeaks, spectra: list[xr.DataArray]) -> list[Region]:
    """Open regions of one sample as one file."""
    file = RegionFile("sample.vms", [Region(one) for one in spectra])
    data, keywords, _ = file_layer(file)
    file.take_layer(dock.viewer.add_image(data, **keywords))
    settle(0.1)
    return file.regions


def give(dock: FitPeaks, region: Region, peaks: xr.Dataset) -> None:
    """Take these peaks as the result of a fit."""
    state = dock._state_of(region)
    if "energy" in peaks and peaks["center"].ndim == 1:
        state.replace("fit", state.content.with_peaks({}, peaks))
    else:
        state.replace("fit", replace(state.content, whole=peaks, single={}))


@pytest.fixture
def sample(dock: FitPeaks) -> list[Region]:
    """C 1s, O 1s, a second region of carbon, and a region without a fit."""
    c1s = xpsnet.sample("spectrum")
    several = [(c1s, "C 1s", 0.0), (c1s, "O 1s", SHIFT), (c1s, "C 2s", -265.0)]
    regions = add_file(dock, [*(at(*one) for one in several), at(c1s, "N 1s", 115.0)])
    for region, one in zip(regions, several, strict=False):
        give(dock, region, peaks_at(*one))
    dock.quantification.open()
    return regions


def window(dock: FitPeaks) -> Any:
    return dock.quantification.window


def cells(dock: FitPeaks) -> list[list[str]]:
    table = window(dock).table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def expected(*regions: Region, **options: Any) -> xr.Dataset:
    peaks = [region.state.content.at(region.state.pixel) for region in regions]
    with pytest.warns(xpsnet.XpsnetWarning):
        return xpsnet.quantify(peaks, **options)


def test_table_is_the_answer_of_the_library(dock: FitPeaks, sample: list[Region]) -> None:
    found = expected(*sample[:2])
    shown = cells(dock)
    assert [row[0] for row in shown] == ["C 1s", "O 1s"]
    for row, region in zip(shown, ("C 1s", "O 1s"), strict=True):
        one = found.sel(region=region)
        assert float(row[1]) == pytest.approx(100 * float(one.atomic_fraction), abs=0.005)
        assert float(row[3]) == pytest.approx(100 * float(one.atomic_fraction_systematic), abs=0.01)
        assert float(row[-1]) == pytest.approx(float(one.sensitivity_factor), abs=0.001)
    assert "Transmission: unknown" in window(dock).notes.toPlainText()
    assert "power of the energy" in window(dock).notes.toPlainText()
    assert "transmission=" not in window(dock).notes.toPlainText()


def test_second_region_of_an_element_is_off_and_says_why(
    dock: FitPeaks, sample: list[Region]
) -> None:
    listed = window(dock).form.regions
    texts = [listed.item(k).text() for k in range(listed.count())]
    assert texts == [
        "C 1s",
        "O 1s",
        "C 2s \N{EN DASH} off: C 1s counts C already",
        "N 1s \N{EN DASH} not fitted",
    ]
    assert listed.item(2).checkState() == Qt.CheckState.Unchecked
    assert listed.item(3).flags() == Qt.ItemFlag.NoItemFlags
    listed.item(0).setCheckState(Qt.CheckState.Unchecked)
    listed.item(2).setCheckState(Qt.CheckState.Checked)
    settle(0.5)
    assert [row[0] for row in cells(dock)] == ["O 1s", "C 2s"]
    for k in (1, 2):
        listed.item(k).setCheckState(Qt.CheckState.Unchecked)
    settle(0.5)
    assert cells(dock) == []
    assert NONE_ON in window(dock).message.text()


def test_choices_reach_the_library(dock: FitPeaks, sample: list[Region], tmp_path: Path) -> None:
    form = window(dock).form
    own = tmp_path / "factors.csv"
    own.write_text("# kind: cross-section\nC 1s,1.0\nO 1s,4.0\n")
    form.transmission.setCurrentText(POWER)
    form.exponent.setValue(-0.5)
    form.path.setCurrentText(NONE)
    form.factors.setCurrentText("own table (CSV)")
    settle(0.5)
    assert "Choose the table" in window(dock).message.text()
    form.table.setText(str(own))
    form.table.editingFinished.emit()
    settle(0.5)
    chosen = form.choices().keywords()
    assert chosen == {
        "rsf": str(own), "transmission": "ke^-0.5", "imfp": None, "level": "region"
    }  # fmt: skip
    peaks = [region.state.content.at({}) for region in sample[:2]]
    found = dock.quantification.answer.found
    own_answer = dock.quantification._quantified(sample[:2], whole=False).found
    np.testing.assert_array_equal(found.atomic_fraction, own_answer.atomic_fraction)
    ratio = float(peaks[0]["area"].sum() / (peaks[1]["area"].sum() / 4.0))
    kinetic = found.kinetic_energy.values
    ratio *= float((kinetic[0] / kinetic[1]) ** 0.5)
    fractions = found.atomic_fraction.values
    assert fractions[0] / fractions[1] == pytest.approx(ratio, rel=1e-6)


def test_material_and_angle(dock: FitPeaks, sample: list[Region]) -> None:
    form = window(dock).form
    form.path.setCurrentText("TPP-2M")
    settle(0.5)
    assert "needs formula and density" in window(dock).message.text()
    form.formula.setText("SiO2")
    form.formula.editingFinished.emit()
    form.density.setValue(2.2)
    form.gap.setValue(9.0)
    settle(0.5)
    assert dock.quantification.answer.found.imfp.attrs["units"] == "nm"
    form.formula.setText("Xx9")
    form.formula.editingFinished.emit()
    settle(0.5)
    assert window(dock).message.text().startswith("⚠ ")
    assert not window(dock).save.isEnabled()
    form.path.setCurrentText(NONE)
    form.angle.setValue(90.0)
    form.beta.setText("O 2p")
    form.beta.editingFinished.emit()
    settle(0.5)
    assert "no asymmetry parameter" in window(dock).message.text()
    form.beta.setText("C 1s=2.0")
    form.beta.editingFinished.emit()
    settle(0.5)
    assert dock.quantification.answer.found is not None


def test_refusals_advise_for_the_window(dock: FitPeaks, sample: list[Region]) -> None:
    form = window(dock).form
    form.factors.setCurrentText(FILE)
    settle(0.5)
    assert 'else choose "Scofield"' in window(dock).message.text()
    assert "rsf=" not in window(dock).message.text()
    assert cells(dock) == []
    form.factors.setCurrentText("own table (CSV)")
    form.table.setText("/no/such.csv")
    form.table.editingFinished.emit()
    settle(0.5)
    assert "There is no file /no/such.csv" in window(dock).message.text()
    form.factors.setCurrentText("Scofield")
    c1s = xpsnet.sample("spectrum")
    give(dock, sample[3], peaks_at(c1s, "Si 2p", 115.0))
    form.angle.setValue(60.0)
    settle(0.5)
    text = window(dock).message.text()
    assert 'under "Asymmetry", for instance "Si 2p=1.0"' in text
    form.angle.setValue(-1.0)
    settle(0.5)
    assert len(cells(dock)) == 3


def test_photon_energy_that_the_file_does_not_state(dock: FitPeaks, sample: list[Region]) -> None:
    sample[1].as_read.attrs.pop("photon_energy")
    sample[0].as_read.attrs.pop("photon_energy")
    for region in sample[:2]:
        peaks = region.state.content.at({}).copy()
        del peaks.attrs["photon_energy"]
        give(dock, region, peaks)
    settle(0.5)
    assert 'type it under "Photon energy"' in window(dock).message.text()
    window(dock).form.photon.setValue(1253.6)
    settle(0.5)
    assert dock.quantification.answer.found.attrs["photon_energy"] == 1253.6


def test_levels_of_the_table(dock: FitPeaks, sample: list[Region]) -> None:
    form = window(dock).form
    form.level.setCurrentText("lines")
    settle(0.5)
    assert len(cells(dock)) == 2 * 3
    form.level.setCurrentText("states")
    settle(0.5)
    total = sum(float(row[1]) for row in cells(dock))
    assert total == pytest.approx(100.0, abs=0.05)


def test_table_follows_the_fits(dock: FitPeaks, sample: list[Region]) -> None:
    before = cells(dock)
    give(dock, sample[1], peaks_at(xpsnet.sample("spectrum"), "O 1s", SHIFT, factor=2.0))
    settle(0.5)
    after = cells(dock)
    assert float(after[1][1]) > float(before[1][1])
    dock.stack.undo()
    settle(0.5)
    assert cells(dock) == before
    give(dock, sample[3], peaks_at(xpsnet.sample("spectrum"), "N 1s", 115.0))
    settle(0.5)
    dock.regions.show_region(sample[3])
    settle(0.5)
    assert [row[0] for row in cells(dock)] == ["C 1s", "O 1s", "N 1s"]


def test_copy_save_and_script(dock: FitPeaks, sample: list[Region], tmp_path: Path) -> None:
    window(dock).copy.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[1].split("\t") == cells(dock)[0]
    found = dock.quantification.answer.found
    excel = partial(pd.read_excel, engine="openpyxl")
    for name, read in (("a.csv", pd.read_csv), ("a.xlsx", excel)):
        dock.quantification.save_table(tmp_path / name)
        back = read(tmp_path / name)
        np.testing.assert_allclose(back["atomic_fraction"], found.atomic_fraction)
        assert list(back["region"]) == ["C 1s", "O 1s"]
    dock.quantification.save_table(tmp_path / "a.docx")
    assert window(dock).message.text().startswith("⚠ A table is written as")
    window(dock).script.click()
    made: dict[str, Any] = {}
    with pytest.warns(xpsnet.XpsnetWarning):
        exec(QGuiApplication.clipboard().text(), made)
    np.testing.assert_array_equal(made["found"].atomic_fraction, found.atomic_fraction)


def test_maps_of_atomic_percent(dock: FitPeaks, small_map: xr.DataArray) -> None:
    regions = add_file(dock, [at(small_map, "C 1s", 0.0), at(small_map, "O 1s", SHIFT)])
    for region, by in zip(regions, (0.0, SHIFT), strict=True):
        give(dock, region, peaks_at(small_map, region.name, by))
    dock.quantification.open()
    assert window(dock).form.values.currentText() == HERE
    pinned = cells(dock)
    dock.view.pin({"y": 1, "x": 2})
    settle(0.5)
    assert "y=1" in window(dock).title.text()
    assert cells(dock) != pinned or cells(dock)[0][5] != pinned[0][5]
    window(dock).maps.click()
    with pytest.warns(xpsnet.XpsnetWarning):
        whole = xpsnet.quantify([region.state.content.whole for region in regions])
    layers = [one for one in dock.viewer.layers if "[at.%]" in one.name]
    assert len(layers) == 2
    for layer, region in zip(layers[::-1], ("C 1s", "O 1s"), strict=True):
        assert region in layer.name
        share = 100 * whole.atomic_fraction.sel(region=region)
        np.testing.assert_allclose(layer.data, share.transpose("y", "x"))
        np.testing.assert_allclose(layer.scale, dock.layer.scale[1:])
    window(dock).form.values.setCurrentText(MEAN)
    settle(0.5)
    assert float(cells(dock)[0][1]) == pytest.approx(
        100 * float(whole.atomic_fraction[..., 0].mean()), abs=0.005
    )
    assert window(dock).table.horizontalHeaderItem(2).text() == "spread"
    # Another fit of one region changes the maps; parameter maps leave them.
    before = layers[-1].data.copy()
    give(dock, regions[1], peaks_at(small_map, "O 1s", SHIFT, factor=3.0))
    settle(0.5)
    assert (layers[-1].data < before).all()
    dock.panel.maps.click()
    assert layers[0] in dock.viewer.layers


def test_nothing_to_count_is_said(dock: FitPeaks, add_spectra: Add) -> None:
    dock.quantification.open()
    assert "Fit a region" in window(dock).message.text()
    add_spectra(dock.viewer, xpsnet.sample("spectrum"))
    settle(0.5)
    assert window(dock).form.regions.item(0).text() == "C 1s \N{EN DASH} not fitted"
    assert "Fit a region" in window(dock).message.text()
    window(dock).form.transmission.setCurrentText(FILE)
    for button in (window(dock).copy, window(dock).save, window(dock).maps):
        assert not button.isEnabled()
