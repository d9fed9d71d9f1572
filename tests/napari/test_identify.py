"""The window "Identify elements..." of the dock: candidates, names on the plot, windows to fit."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hand import settle
from qtpy.QtCore import QModelIndex
from truth_engine import TruthEngine

import xpsnet
from napari_xpsnet._identify import Question, rows_of, search
from napari_xpsnet._periodic_table import ROWS, Choice
from napari_xpsnet._state_names import StateNames
from napari_xpsnet._widget import FitPeaks
from xpsnet.data.level_tables import ELEMENTS
from xpsnet.samples import sample_truth

Add = Callable[..., Any]
PHOTONS = 1486.6
SILICA = [(285, 1.0), (532, 2.9), (978, 0.6), (103.3, 0.6), (154.3, 0.6)]


def survey_of(lines: list[tuple[float, float]]) -> xr.DataArray:
    energy = np.arange(0.0, 1200.0, 0.5)
    counts = 2000 + energy
    for center, height in lines:
        counts = counts + 8000 * height * np.exp(-(((energy - center) / 1.4) ** 2))
    return xr.DataArray(
        np.random.default_rng(1).poisson(counts).astype(float),
        {"energy": energy},
        ["energy"],
        "survey",
        {"scale": "binding", "photon_energy": PHOTONS, "x_ray_source": "Al mono"},
    )


@pytest.fixture
def dock(make_napari_viewer, qtbot, engine: TruthEngine, add_spectra: Add) -> Any:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    widget = FitPeaks(viewer)
    viewer.window.add_dock_widget(widget)
    widget.engine = engine
    add_spectra(viewer, survey_of(SILICA))
    settle(0.1)
    yield widget
    widget.shut_down()


def window(dock: FitPeaks) -> Any:
    return dock.identification.window


def wait(dock: FitPeaks, qtbot: Any) -> None:
    """Wait until the search of the survey that is shown has ended."""
    settle(0.3)
    qtbot.waitUntil(lambda: not dock.identification.runner.busy, timeout=60_000)
    settle(0.05)


def find(dock: FitPeaks, qtbot: Any) -> None:
    dock.identification.button.click()
    wait(dock, qtbot)


def cells(dock: FitPeaks) -> list[list[str]]:
    table = window(dock).table
    return [
        [table.item(row, column).text() for column in range(table.columnCount() - 1)]
        for row in range(table.rowCount())
    ]


def click(dock: FitPeaks, qtbot: Any, symbol: str) -> None:
    window(dock).elements.buttons[symbol].click()
    wait(dock, qtbot)


def test_periodic_table_has_every_element_in_order() -> None:
    shown = [symbol for row in ROWS for symbol in row.split() if symbol != "."]
    assert sorted(shown) == sorted(ELEMENTS)
    assert {len(row.split()) for row in ROWS if row} == {18}
    for row in ROWS:
        numbers = [ELEMENTS.index(symbol) for symbol in row.split() if symbol != "."]
        assert numbers == sorted(numbers)
    columns = {symbol: k for row in ROWS for k, symbol in enumerate(row.split())}
    for group in ("Ti Zr Hf", "Zn Cd Hg", "C Si Ge Sn Pb", "F Cl Br I At", "Li Na K Rb Cs Fr"):
        assert len({columns[symbol] for symbol in group.split()}) == 1


def test_window_shows_the_answer_of_the_library(dock: FitPeaks, qtbot: Any) -> None:
    find(dock, qtbot)
    expected = xpsnet.identify(survey_of(SILICA))
    shown = cells(dock)
    assert [row[0] for row in shown] == expected["element"].values.tolist()
    assert {row[0] for row in shown} == {"C", "O", "Si"}
    for row in shown:
        one = expected.sel(element=row[0])
        assert float(row[1]) == pytest.approx(float(one["probability"]), abs=0.005)
        assert row[3].split(", ") == one["line_name"].values[one["line_found"].values].tolist()
        missing = 0 if row[4] == "none" else len(row[4].split(", "))
        assert missing == int(one["n_strong_missing"])
        button = window(dock).elements.buttons[row[0]]
        assert "candidate" in button.toolTip()
        assert button.score == float(row[1])
    assert window(dock).elements.buttons["Fe"].score == 0.0
    assert window(dock).notes.toPlainText().startswith("None: each clear peak has a candidate.")


def test_names_are_on_the_plot_until_the_window_closes(dock: FitPeaks, qtbot: Any) -> None:
    before = len(dock.view.plot.main.items)
    find(dock, qtbot)
    assert {"C 1s", "O 1s", "Si 2p"} <= set(dock.identification.markers.texts)
    assert len(dock.view.plot.main.items) > before
    plot = dock.view.plot
    assert plot.main.viewRange()[1][1] > 1.2 * plot._spectrum.max()
    assert "Si 2p" in dock.identification.markers.visible
    window(dock).reject()
    assert dock.identification.markers.texts == []
    assert len(dock.view.plot.main.items) == before


def test_near_names_appear_where_the_plot_is_enlarged(
    dock: FitPeaks, qtbot: Any, add_spectra: Add
) -> None:
    add_spectra(dock.viewer, survey_of([*SILICA, (1022, 1.5), (1045, 0.75)]))
    settle(0.1)
    find(dock, qtbot)
    markers = dock.identification.markers
    assert sum(name.startswith("Zn 2p") for name in markers.visible) == 1
    dock.view.plot.main.setXRange(1000.0, 1060.0)
    assert sum(name.startswith("Zn 2p") for name in markers.visible) == 2


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_names_are_read_on_any_ground(theme: str, dock: FitPeaks, qtbot: Any) -> None:
    dock.viewer.theme = theme
    find(dock, qtbot)
    ground = _luminance(dock.view.plot.colors["background"])
    texts = dock.identification.markers.items
    assert len(texts) >= 3
    for text, _ in texts:
        name = _luminance(text.textItem.defaultTextColor().name())
        # Contrast by WCAG 2.1; 3 is the least for large letters.
        assert (max(name, ground) + 0.05) / (min(name, ground) + 0.05) >= 3.0


def _luminance(color: str) -> float:
    """Relative luminance of a color by WCAG 2.1."""
    shares = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_names_follow_the_region(dock: FitPeaks, qtbot: Any, add_spectra: Add) -> None:
    find(dock, qtbot)
    add_spectra(dock.viewer, xpsnet.sample("spectrum"))
    wait(dock, qtbot)
    assert dock.identification.markers.texts == []
    assert cells(dock) == []
    assert "This is no survey: it covers" in window(dock).message.text()
    dock.viewer.layers.selection.active = dock.viewer.layers[0]
    wait(dock, qtbot)
    assert "O 1s" in dock.identification.markers.texts


def test_click_makes_an_element_required_then_excluded(dock: FitPeaks, qtbot: Any) -> None:
    find(dock, qtbot)
    click(dock, qtbot, "Ti")
    assert window(dock).elements.buttons["Ti"].choice is Choice.REQUIRED
    assert "Ti" in [row[0] for row in cells(dock)]
    click(dock, qtbot, "Ti")
    assert window(dock).elements.buttons["Ti"].choice is Choice.EXCLUDED
    assert "Ti" not in [row[0] for row in cells(dock)]
    click(dock, qtbot, "C")
    click(dock, qtbot, "C")
    assert "C" not in [row[0] for row in cells(dock)]
    assert window(dock).elements.buttons["C"].score == 0.0
    window(dock).reset.click()
    wait(dock, qtbot)
    assert {row[0] for row in cells(dock)} == {"C", "O", "Si"}
    assert window(dock).elements.choices() == {}


def test_the_last_of_several_clicks_counts(dock: FitPeaks, qtbot: Any) -> None:
    find(dock, qtbot)
    asked: list[Any] = []

    def remember(function, survey, keywords, progress, cancel):
        asked.append(dict(keywords))
        return search(function, survey, keywords, progress, cancel)

    dock.identification.engine = remember
    for symbol in ("Ti", "Fe", "Fe"):
        window(dock).elements.buttons[symbol].click()
    wait(dock, qtbot)
    assert asked == [{"elements": ("Ti",), "exclude": ("Fe",)}]


def test_viewer_answers_during_a_search(dock: FitPeaks, qtbot: Any) -> None:
    go, thread = threading.Event(), []

    def slow(*arguments: Any) -> xr.Dataset:
        thread.append(threading.current_thread())
        go.wait(20)
        return search(*arguments)

    dock.identification.engine = slow
    dock.identification.button.click()
    settle(0.3)
    assert dock.identification.runner.busy
    assert thread[0] is not threading.main_thread()
    assert window(dock).message.text() == "Searching..."
    go.set()
    wait(dock, qtbot)
    assert len(cells(dock)) == 3


def test_fit_this_window_adds_a_region(dock: FitPeaks, qtbot: Any) -> None:
    find(dock, qtbot)
    survey = dock.region
    row = next(one for one in rows_of(dock.identification.candidates) if one.element == "Si")
    number = [one[0] for one in cells(dock)].index("Si")
    window(dock).table.cellWidget(number, 5).click()
    settle(0.1)
    region = dock.region
    assert region.name == "Si 2p"
    assert survey.file.regions == [survey, region]
    energy = region.spectra.energy.values
    assert row.window[0] <= energy.min() < 103.3 < energy.max() <= row.window[1]
    inside = survey.as_read.sel(energy=energy)
    np.testing.assert_array_equal(region.as_read.values, inside.values)
    # The list stays for the next window, and the names are no longer on the plot.
    wait(dock, qtbot)
    assert [one[0] for one in cells(dock)][number] == "Si"
    assert dock.identification.markers.texts == []
    window(dock).table.cellWidget([one[0] for one in cells(dock)].index("O"), 5).click()
    settle(0.1)
    assert dock.region.name == "O 1s"
    dock.remove_regions([dock.region])
    # A second click shows the same region again.
    dock.regions.show_region(survey)
    wait(dock, qtbot)
    assert "Si 2p" in dock.identification.markers.texts
    window(dock).table.cellWidget(number, 5).click()
    settle(0.1)
    assert dock.region is region
    assert len(survey.file.regions) == 2
    texts = [dock.regions.tree.item_of(one).text(0) for one in survey.file.regions]
    assert texts == ["survey", "Si 2p"]


def test_window_of_a_survey_on_the_kinetic_scale(dock: FitPeaks, qtbot: Any) -> None:
    dock.set_scale("kinetic")
    find(dock, qtbot)
    assert "O 1s" in dock.identification.markers.texts
    number = [one[0] for one in cells(dock)].index("O")
    window(dock).table.cellWidget(number, 5).click()
    settle(0.1)
    energy = dock.region.spectra.energy.values
    assert energy.min() < PHOTONS - 532 < energy.max()
    assert np.ptp(energy) < 40


def test_peaks_without_a_candidate_are_listed(dock: FitPeaks, qtbot: Any) -> None:
    find(dock, qtbot)
    for button in window(dock).elements.buttons.values():
        if button.symbol not in ("H", "He", "Si", "O"):
            button.show_state(Choice.EXCLUDED, None)
    window(dock).elements.changed.emit()
    wait(dock, qtbot)
    assert [row[0] for row in cells(dock)] == ["O", "Si"]
    first = window(dock).notes.toPlainText().splitlines()[0]
    assert float(first.split(" eV, ")[0]) == pytest.approx(285.0, abs=0.5)
    assert "?" in dock.identification.markers.texts


def test_unknown_photon_energy_is_said(dock: FitPeaks, qtbot: Any, add_spectra: Add) -> None:
    survey = survey_of(SILICA)
    survey.attrs.pop("photon_energy")
    add_spectra(dock.viewer, survey)
    settle(0.1)
    find(dock, qtbot)
    assert "Al K-alpha" in window(dock).notes.toPlainText()


def test_what_the_library_refuses_is_a_sentence(dock: FitPeaks, qtbot: Any) -> None:
    def refuse(*_: Any) -> xr.Dataset:
        raise ValueError("expected another survey")

    dock.identification.engine = refuse
    find(dock, qtbot)
    assert window(dock).message.text() == "⚠ Expected another survey"
    assert cells(dock) == []


def test_question_is_a_call_of_identify() -> None:
    found = search(
        "identify", survey_of(SILICA), Question(exclude=("C",)).keywords(), lambda *_: None,
        lambda: False,
    )  # fmt: skip
    assert "C" not in found["element"].values


def name_states(dock: FitPeaks, add_spectra: Add, region: str) -> Any:
    """The menu of the second peak of C 1s, whose peaks state this region."""
    add_spectra(dock.viewer, xpsnet.sample("spectrum"))
    settle(0.1)
    peaks = sample_truth("spectrum").assign_attrs(region=region)
    dock.edit.replace("fit", dock.edit.content.with_peaks(dock.edit.pixel, peaks))
    settle(0.1)
    menu = dock.view.editor.menu
    index = menu.table.index(menu.table.row_of(2), 1, QModelIndex())
    actions = {action.text(): action for action in menu.build(index).actions()}
    return actions["Name this state..."]


def test_chosen_name_is_the_label_and_can_be_undone(
    dock: FitPeaks, add_spectra: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[list[str]] = []

    def accept_second(self: StateNames) -> int:
        columns = range(self.table.columnCount())
        rows = range(self.table.rowCount())
        shown.extend([self.table.item(row, column).text() for column in columns] for row in rows)
        self.table.selectRow(1)
        return 1

    monkeypatch.setattr(StateNames, "exec", accept_second)
    action = name_states(dock, add_spectra, "C 1s")
    before = dock.edit.peaks()
    action.trigger()
    found = before.xps.state_candidates(n=8, within=2.0).sel(peak=2)
    names = [name for name in found["candidate_name"].values if name]
    assert len(names) > 1
    assert [row[0] for row in shown] == names
    assert shown[0][2] == "inside"
    assert shown[-1][2] == f"{float(found['distance'][len(names) - 1]):+.2f}"
    assert all(row[3] for row in shown)
    assert dock.edit.peaks()["label"].values[1] == names[1]
    dock.stack.undo()
    assert dock.edit.peaks() is before


def test_cancelled_name_changes_nothing(
    dock: FitPeaks, add_spectra: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StateNames, "exec", lambda self: 0)
    action = name_states(dock, add_spectra, "C 1s")
    before = dock.edit.peaks()
    action.trigger()
    assert dock.edit.peaks() is before


@pytest.mark.parametrize(
    ("region", "text"), [("spectra", "is no core level"), ("Au 4f", "has no candidate within 2 eV")]
)
def test_state_without_candidates_is_said(
    dock: FitPeaks, add_spectra: Add, region: str, text: str
) -> None:
    name_states(dock, add_spectra, region).trigger()
    assert text in dock.panel.message.text()
