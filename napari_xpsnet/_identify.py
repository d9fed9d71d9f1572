"""The window "Identify elements...": candidate elements of the survey that is shown."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QSize, Signal, Slot
from qtpy.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_xpsnet._layers import ENERGY, pixel_text
from napari_xpsnet._periodic_table import Choice, PeriodicTable
from napari_xpsnet._regions import Region, RegionFile
from napari_xpsnet._runner import Runner
from napari_xpsnet._session import place_of, region_at
from napari_xpsnet._state import FitState
from napari_xpsnet._survey_markers import SurveyMarkers
from napari_xpsnet._tool_window import ToolDialog, ToolWindow
from napari_xpsnet._worker import Cancel, Engine, Outcome, Progress

SIZE = QSize(1100, 700)
LEAST_SPAN = 100.0
"""Narrowest survey [eV]."""
HEADER = ("Candidate", "Score", "Atoms, roughly", "Lines found", "Strong lines missing", "")
TIP = "Candidate elements of the survey that is shown"
TIPS = (
    "Element whose lines explain peaks; look at its lines before you believe it",
    "The best set of elements with this one against the best set without it, 0 to 1",
    "Share of the atoms by theoretical cross-sections; a composition needs fits and Quantification",
    "Lines at whose energies there is a peak",
    "Lines that should be seen above the noise and are not: reasons to doubt the candidate",
    "",
)
HELP = (
    "Green: a candidate, stronger for a higher score. A click on an element: must be in (yellow "
    "frame), excluded (crossed out), automatic again."
)
SEARCHING = "Searching..."
NO_SURVEY = (
    "This is no survey: it covers {span:.0f} eV, and at least 100 eV are needed. Choose the survey "
    "in the tree of the regions."
)
NOTHING = "Choose a survey in the tree of the regions first."
NO_CANDIDATE = "No element explains the peaks of this survey."


@dataclass(frozen=True)
class Question(FitState):
    """One search for candidates; it goes through the same thread as a fit.

    Parameters
    ----------
    elements, exclude : tuple of str
        Symbols of elements that must be in, and of those that are excluded.
    """

    elements: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """Name of the public function of `xpsnet`."""
        return "identify"

    def keywords(self) -> dict[str, Any]:
        """Keywords of that function."""
        return {"elements": self.elements, "exclude": self.exclude}


def search(
    function: str,
    survey: xr.DataArray,
    keywords: Mapping[str, Any],
    progress: Progress,
    cancel: Cancel,
) -> xr.Dataset:
    """Call `xpsnet.identify`; what it warns of is in `attrs["notes"]`."""
    import xpsnet

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", xpsnet.XpsnetWarning)
        found = xpsnet.identify(survey, **keywords)
    notes = [str(one.message) for one in caught if issubclass(one.category, xpsnet.XpsnetWarning)]
    return found.assign_attrs(notes=tuple(dict.fromkeys(notes)))


@dataclass(frozen=True)
class Row:
    """One candidate, as texts.

    Attributes
    ----------
    element, score, atoms, found, missing : str
    level : str
        Level of its window, "" for none.
    window : (float, float)
        Binding energies [eV].
    """

    element: str
    score: str
    atoms: str
    found: str
    missing: str
    level: str = ""
    window: tuple[float, float] = field(default=(np.nan, np.nan))


def rows_of(candidates: xr.Dataset) -> list[Row]:
    """Candidates of one survey, the most probable first."""
    return [_row(candidates.sel(element=name)) for name in candidates["element"].values]


def _row(one: xr.Dataset) -> Row:
    """Texts of one candidate."""
    names, found = one["line_name"].values, one["line_found"].values
    missing = one["line_strong"].values & ~found & (names != "")
    energies = one["line_energy"].values
    absent = [f"{n} ({e:.0f} eV)" for n, e in zip(names[missing], energies[missing], strict=True)]
    low, high = float(one["window_low"]), float(one["window_high"])
    return Row(
        str(one["element"].values),
        f"{float(one['probability']):.2f}",
        f"{100 * float(one['strength']):.1f} %",
        ", ".join(dict.fromkeys(map(str, names[found]))) or "none",
        ", ".join(absent) or "none",
        str(one["window_level"].values) if np.isfinite(low) else "",
        (low, high),
    )


def unexplained(candidates: xr.Dataset) -> list[str]:
    """Peaks that no element explains, as texts, the highest first."""
    energy, height = candidates["peak_energy"].values, candidates["peak_height"].values
    alone = np.isfinite(energy) & (candidates["peak_name"].values == "")
    order = np.flatnonzero(alone)[np.argsort(-height[alone])]
    return [f"{energy[k]:.1f} eV, {height[k]:.0f} standard deviations high" for k in order]


class IdentifyWindow(ToolDialog):
    """Periodic table above, candidates below, what is unexplained beside.

    Signals
    -------
    fit_wanted : Row
        A window shall be fitted.
    closed : no arguments
    """

    fit_wanted = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Identify elements", SIZE)
        self.help = QLabel(HELP)
        self.help.setWordWrap(True)
        self.elements = PeriodicTable()
        self.reset = QPushButton("All automatic")
        self.reset.setToolTip("Forget which elements must be in and which are excluded")
        self.reset.setAutoDefault(False)
        self.notes = QPlainTextEdit()
        self.notes.setReadOnly(True)
        self.table = QTableWidget(0, len(HEADER))
        self.table.setHorizontalHeaderLabels(HEADER)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.verticalHeader().setVisible(False)
        self.table.setWordWrap(True)
        for column, tip in enumerate(TIPS):
            self.table.horizontalHeaderItem(column).setToolTip(tip)
        self._arrange()

    def _arrange(self) -> None:
        """Layout for 1280 x 800 pixels."""
        beside = QVBoxLayout()
        beside.addWidget(QLabel("Peaks without a candidate, and what to know"))
        beside.addWidget(self.notes, 1)
        beside.addWidget(self.reset)
        top = QHBoxLayout()
        top.addWidget(self.elements)
        top.addLayout(beside, 1)
        layout = QVBoxLayout(self)
        for widget in (self.title, self.message):
            layout.addWidget(widget)
        layout.addLayout(top)
        layout.addWidget(self.help)
        layout.addWidget(self.table, 1)

    def show_candidates(self, candidates: xr.Dataset | None, choices: Mapping[str, Choice]) -> None:
        """Show what was found; None for nothing yet."""
        rows = [] if candidates is None else rows_of(candidates)
        scores = {row.element: float(row.score) for row in rows}
        self.elements.show_states(choices, scores)
        self.table.setRowCount(0)
        self.table.setRowCount(len(rows))
        for k, row in enumerate(rows):
            texts = (row.element, row.score, row.atoms, row.found, row.missing)
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(k, column, item)
            if row.level:
                self.table.setCellWidget(k, len(texts), self._fit_button(row))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for column in (3, 4):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.table.resizeRowsToContents()
        self.notes.setPlainText("" if candidates is None else "\n".join(self._texts(candidates)))

    @staticmethod
    def _texts(candidates: xr.Dataset) -> list[str]:
        """Unexplained peaks, the shift, and warnings."""
        alone = unexplained(candidates) or ["None: each clear peak has a candidate."]
        shift, error = float(candidates["shift"]), float(candidates["shift_stderr"])
        if np.isfinite(shift):
            alone.append(
                f"All lines are shifted by {shift:.1f} \N{PLUS-MINUS SIGN} {error:.1f} eV."
            )
        return [*alone, *(f"⚠ {note}" for note in candidates.attrs["notes"])]

    def _fit_button(self, row: Row) -> QPushButton:
        """Button for the window of a candidate."""
        button = QPushButton(f"Fit this window: {row.level}")
        low, high = row.window
        button.setToolTip(
            f"Add a region {row.level}, {high:.1f} to {low:.1f} eV, to the tree and show it; "
            "then press Fit"
        )
        button.setAutoDefault(False)
        button.clicked.connect(lambda: self.fit_wanted.emit(row))
        return button

    def done(self, result: int) -> None:
        """Report that the window closes, by the button of the frame or by Esc."""
        super().done(result)
        self.closed.emit()


class Identification(ToolWindow):
    """Opens the window, and keeps its candidates at the survey that is shown.

    Parameters
    ----------
    dock : FitPeaks
        Whose region is searched.
    """

    def __init__(self, dock: Any) -> None:
        super().__init__(dock, "Identify elements...", TIP)
        self.window: IdentifyWindow | None = None
        self.engine: Engine = search
        self.candidates: xr.Dataset | None = None
        self.markers = SurveyMarkers(dock.view.plot)
        self.runner = Runner(self)
        self.runner.finished.connect(self._take)
        self._choices: dict[str, dict[str, Choice]] = {}
        self._windows: dict[tuple[Region, str], Region] = {}
        self._asked: tuple[Any, ...] = ()
        self._drawn: tuple[Any, ...] = ()
        dock.view.shown.connect(self._follow)

    def _make(self) -> IdentifyWindow:
        """The window, connected."""
        # Of the dock, not of its panel: a style of the panel must not reach it.
        window = IdentifyWindow(self.dock)
        window.elements.changed.connect(self._take_choices)
        window.reset.clicked.connect(self._forget_choices)
        window.fit_wanted.connect(self.show_window)
        window.closed.connect(self._close)
        return window

    def _survey(self) -> Region | None:
        """The region that is searched: the shown one, or the survey that it was cut from."""
        shown: Region | None = self.dock.region
        for (survey, _), region in self._windows.items():
            if region is shown and survey in region.file.regions:
                return survey
        return shown

    def _place(self) -> tuple[Any, ...]:
        """Which survey is searched: region, pixel, axis and data."""
        region = self._survey()
        if region is None:
            return ()
        pixel = tuple(region.edit().pixel.items())
        # Data can be replaced only while they are shown.
        hidden = self._asked[-1] if self._asked else 0
        data = hidden if region.layer is None else id(region.layer.data)
        return region.key, pixel, region.axis, data

    def _own_choices(self) -> dict[str, Choice]:
        """What the user says about the elements of this survey."""
        region = self._survey()
        return {} if region is None else self._choices.get(region.key, {})

    def _follow(self) -> None:
        """Follow the survey that is shown; called also while the mouse moves."""
        if not self.is_open:
            return
        if self._place() != self._asked:
            self.runner.stop()
            self._forget_candidates()
            self._soon.start()
        elif self.candidates is not None and self._drawn != self._look():
            self._draw()

    def _look(self) -> tuple[Any, ...]:
        """What the heights of the names depend on, beside the survey."""
        plot = self.dock.view.plot
        return self.dock.region, self.dock.edit.shown, plot.counts, plot.colors["dark"]

    def _forget_candidates(self) -> None:
        """Show no candidates: those that were found are of another survey."""
        self.candidates, self._asked = None, ()
        self.markers.clear()
        if self.window is not None:
            self.window.show_candidates(None, self._own_choices())

    @Slot()
    def refresh(self) -> None:
        """Search the survey that is shown, in a thread."""
        window, region = self.window, self._survey()
        if window is None or not self.is_open:
            return
        self.runner.stop()
        self._forget_candidates()
        self._asked = self._place()
        window.title.setText("" if region is None else self._title(region))
        if region is None:
            window.say(NOTHING)
            return
        span = float(np.ptp(region.spectra[ENERGY].values))
        if span < LEAST_SPAN:
            window.say(NO_SURVEY.format(span=span))
            return
        choices = self._own_choices()
        question = Question(
            pixel=dict(region.edit().pixel),
            elements=tuple(one for one in choices if choices[one] is Choice.REQUIRED),
            exclude=tuple(one for one in choices if choices[one] is Choice.EXCLUDED),
        )
        window.say(SEARCHING)
        self.runner.start(question, region.current(), self.engine, region)

    @staticmethod
    def _title(region: Region) -> str:
        """Which spectrum is searched."""
        which = pixel_text(region.edit().pixel, region.spectra)
        return ", ".join(filter(None, (region.title, which)))

    @Slot(object, object)
    def _take(self, outcome: Outcome, region: Region) -> None:
        """Show what the thread has found."""
        if self.window is None or not self.is_open or region is not self._survey():
            return
        if outcome.peaks is None:
            self.window.say(f"⚠ {outcome.problem}")
            return
        self.candidates = outcome.peaks
        found = self.candidates.sizes["element"]
        self.window.say("" if found else NO_CANDIDATE)
        self.window.show_candidates(self.candidates, self._own_choices())
        self._draw()

    def _draw(self) -> None:
        """Draw the names of the lines, where the plot shows the survey."""
        region = self._survey()
        if self.candidates is None or region is None:
            return
        self._drawn = self._look()
        if region is self.dock.region:
            self.markers.draw(region.shown_spectrum(), self.candidates)
        else:
            self.markers.clear()

    @Slot()
    def _take_choices(self) -> None:
        """Search again with what the user says about the elements."""
        region = self._survey()
        if self.window is not None and region is not None:
            self._choices[region.key] = self.window.elements.choices()
            self._soon.start()

    @Slot()
    def _forget_choices(self) -> None:
        """Let all elements be automatic."""
        region = self._survey()
        if region is not None:
            self._choices.pop(region.key, None)
            self._soon.start()

    def values(self, files: Sequence[RegionFile]) -> dict[str, Any]:
        """What the user has said and done, as plain values for a session."""
        regions = [one for file in files for one in file.regions]
        said = [
            [place_of(one, files), {symbol: choice.value for symbol, choice in choices.items()}]
            for one in regions
            if (choices := self._choices.get(one.key))
        ]
        cut = [
            [place_of(survey, files), level, place_of(region, files)]
            for (survey, level), region in self._windows.items()
            if survey in regions and region in regions
        ]
        return {"choices": said, "windows": cut}

    def restore(self, values: Mapping[str, Any], files: Sequence[RegionFile]) -> None:
        """Take what a session holds; what belongs to no region is left out."""
        for place, choices in values.get("choices", []):
            region = region_at(place, files)
            if region is not None:
                self._choices[region.key] = {s: Choice(text) for s, text in choices.items()}
        for place, level, part in values.get("windows", []):
            survey, region = region_at(place, files), region_at(part, files)
            if survey is not None and region is not None:
                self._windows[survey, str(level)] = region

    @Slot(object)
    def show_window(self, row: Row) -> None:
        """Show the window of a candidate as a region of its own, whose name is the level."""
        survey = self._survey()
        if survey is None or self.candidates is None:
            return
        region = self._windows.get((survey, row.level))
        if region is None or region not in survey.file.regions:
            region = self._cut(survey, row)
            survey.file.add(region, after=survey)
            self._windows[survey, row.level] = region
            self.dock.regions.update()
        self.dock.regions.show_region(region)
        low, high = row.window
        self.dock.panel.say(
            f"{row.level}: {high:.1f} to {low:.1f} eV of the survey. Fit finds its peaks."
        )

    def _cut(self, survey: Region, row: Row) -> Region:
        """The part of a survey around the strongest level of a candidate."""
        shown = survey.shown_spectrum()
        energy = shown[ENERGY].values
        if survey.scale == "kinetic" and self.candidates is not None:
            energy = float(self.candidates.attrs["photon_energy"]) - energy
        # By number and not by energy: the spectra as read may have another energy axis.
        inside = np.flatnonzero((energy >= row.window[0]) & (energy <= row.window[1]))
        part = survey.as_read.isel({ENERGY: inside}).rename(row.level)
        return Region(part, axis=survey.axis)

    @Slot()
    def _close(self) -> None:
        """Stop the search and take the names from the plot."""
        self._soon.stop()
        self.runner.stop()
        self._forget_candidates()

    def release(self) -> None:
        """Follow nothing any more, and close the window."""
        self._close()
        super().release()
