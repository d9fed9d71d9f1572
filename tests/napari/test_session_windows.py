"""Sessions and code of what the windows of the dock make: parts of a survey, maps of at.%."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import drop, settle
from qtpy.QtGui import QGuiApplication
from test_identify import SILICA, survey_of
from truth_engine import truth_of

import xpsnet
from napari_xpsnet._periodic_table import Choice
from napari_xpsnet._quantify import MEAN, POWER
from napari_xpsnet._quantities import composition_maps
from napari_xpsnet._regions import Region, RegionFile, file_layer
from napari_xpsnet._session import session_files
from napari_xpsnet._widget import FitPeaks

SHIFT = 247.0
"""From C 1s to a second region at the energies of O 1s [eV]."""


@pytest.fixture
def open_dock(make_napari_viewer) -> Callable[[], FitPeaks]:
    def make() -> FitPeaks:
        viewer = make_napari_viewer()
        _, dock = viewer.window.add_plugin_dock_widget("napari-xpsnet", "Fit peaks")
        return dock

    return make


def wait(dock: FitPeaks, qtbot: Any) -> None:
    """Wait until the search and the fit have ended."""
    settle(0.3)
    search = dock.identification.runner
    qtbot.waitUntil(lambda: not search.busy and not dock.runner.busy, timeout=120_000)
    settle(0.05)


def cut_and_fit(dock: FitPeaks, qtbot: Any) -> Region:
    """Cut O 1s from the survey that is shown, calibrate it and fit it."""
    survey = dock.region
    dock.identification.button.click()
    wait(dock, qtbot)
    window = dock.identification.window
    window.elements.buttons["Cs"].click()
    window.elements.buttons["Cs"].click()
    wait(dock, qtbot)
    table = window.table
    row = next(k for k in range(table.rowCount()) if table.item(k, 0).text() == "O")
    table.cellWidget(row, table.columnCount() - 1).click()
    assert dock.region.name == "O 1s"
    assert dock.region is not survey
    dock.axis_form.offset.value = 0.25
    dock.form.n_peaks.value = 1
    dock.panel.fit.click()
    wait(dock, qtbot)
    assert dock.view.peaks() is not None
    return dock.region


def copied(button: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the code that a button copies, where there is no viewer."""
    button.click()
    made: dict[str, Any] = {}
    monkeypatch.chdir(folder)
    exec(compile(QGuiApplication.clipboard().text(), "copied.py", "exec"), made)
    return made


@pytest.mark.parametrize("from_file", [True, False])
def test_a_part_of_a_survey_is_made_again(
    from_file: bool, open_dock, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, add_spectra
) -> None:
    dock, survey = open_dock(), survey_of(SILICA)
    if from_file:
        xpsnet.write(survey, tmp_path / "survey.vms")
        drop(dock, tmp_path / "survey.vms")
        qtbot.waitUntil(lambda: dock.region is not None, timeout=60_000)
    else:
        add_spectra(dock.viewer, survey)
    region = cut_and_fit(dock, qtbot)
    peaks = dock.view.peaks()

    # The code of the fit, the code of the session, and the file of the session.
    made = copied(dock.panel.script, tmp_path, monkeypatch)
    assert made["spectra"].identical(region.spectra)
    xr.testing.assert_identical(made["peaks"], peaks)
    session, left = dock.sessions.session()
    assert left == []
    again = copied(dock.sessions.bar.script, tmp_path, monkeypatch)["session"]
    assert again.identical(session)
    assert dock.sessions.save_as(tmp_path / "a.xps.nc")
    assert xpsnet.read_session(tmp_path / "a.xps.nc").identical(session)
    (file,) = session_files(again)
    assert [one.name for one in file.regions] == ["survey", "O 1s"]
    xr.testing.assert_identical(file.regions[1].spectra, region.spectra)
    xr.testing.assert_identical(file.regions[1].state.peaks(), peaks)


def test_what_was_said_about_elements_comes_back(
    open_dock, qtbot, tmp_path: Path, add_spectra
) -> None:
    dock = open_dock()
    add_spectra(dock.viewer, survey_of(SILICA))
    cut_and_fit(dock, qtbot)
    assert dock.sessions.save_as(tmp_path / "a.xps.nc")
    other = open_dock()
    assert other.sessions.open(tmp_path / "a.xps.nc")
    assert other.region.name == "O 1s"
    other.identification.button.click()
    wait(other, qtbot)
    # The survey of the shown part is searched, with what was said about it.
    assert other.identification.window.title.text() == "survey"
    assert other.identification.window.elements.choices() == {"Cs": Choice.EXCLUDED}
    # The part is known: it is shown again, not cut a second time.
    table = other.identification.window.table
    row = next(k for k in range(table.rowCount()) if table.item(k, 0).text() == "O")
    table.cellWidget(row, table.columnCount() - 1).click()
    assert [one.name for one in other.region.file.regions] == ["survey", "O 1s"]


def test_maps_of_atomic_percent_and_their_choices_come_back(
    open_dock, small_map: xr.DataArray, tmp_path: Path
) -> None:
    dock = open_dock()
    oxygen = small_map.assign_coords(energy=small_map.energy + SHIFT).rename("O 1s")
    file = RegionFile("map.nc", [Region(small_map), Region(oxygen)])
    data, keywords, _ = file_layer(file)
    file.take_layer(dock.viewer.add_image(data, **keywords))
    truth = truth_of(small_map).assign_attrs(photon_energy=1486.6, units="counts")
    for region, by in zip(file.regions, (0.0, SHIFT), strict=True):
        state = dock._state_of(region)
        peaks = truth.xps.shift(by).assign_attrs(region=region.name)
        state.replace("fit", replace(state.content, whole=peaks, single={}))
    dock.quantification.open()
    form = dock.quantification.window.form
    form.transmission.setCurrentText(POWER)
    form.exponent.setValue(-0.5)
    form.values.setCurrentText(MEAN)
    settle(0.4)
    dock.quantification.show_maps()
    shown = composition_maps(dock.viewer, dock.layer)
    assert len(shown) == 2
    assert dock.sessions.save_as(tmp_path / "a.xps.nc")
    assert "atomic_percent" in dock.sessions.session()[0].regions[0].settings["maps"]

    other = open_dock()
    assert other.sessions.open(tmp_path / "a.xps.nc")
    settle(0.4)
    again = composition_maps(other.viewer, other.layer)
    assert [one.name for one in again] == [one.name for one in shown]
    for one, two in zip(shown, again, strict=True):
        np.testing.assert_array_equal(one.data, two.data)
    assert other.quantification.window.form.form_values() == form.form_values()
    assert not other.quantification.is_open
    first, second = (d.sessions.session()[0].view["quantification"] for d in (dock, other))
    assert first == second
