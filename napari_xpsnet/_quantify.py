"""The window "Quantification...": atomic percent of the fitted regions of a sample."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_xpsnet import _quantities
from napari_xpsnet._controls import shrinkable
from napari_xpsnet._edit_state import EditState
from napari_xpsnet._layers import pixel_text
from napari_xpsnet._quantities import Answer, Choices, Line
from napari_xpsnet._regions import Region, RegionFile
from napari_xpsnet._session import place_of, region_at
from napari_xpsnet._tool_window import ToolDialog, ToolWindow
from napari_xpsnet._worker import sentence

TIP = "Atomic percent of the fitted regions of this sample, with errors"
FORM_WIDTH = 330
SIZE = QSize(1060, 640)
SCOPES = {"this sample": False, "all files": True}
FACTORS = {"Scofield": "scofield", "of the file": "file", "own table (CSV)": None}
KINDS = {
    "as the table says": None,
    "cross-sections only": "cross-section",
    "also mean free path": "average matrix",
    "everything (measured)": "measured",
}
FILE, POWER, NONE = "of the file", "power of the energy", "none"
PATHS = {"power, ke^n": "ke^n", "TPP-2M": "tpp2m", "JTP 2023": "jtp", "none": None}
LEVELS = {"regions": "region", "states": "state", "lines": "peak"}
OF_FILE = "of the spectra"
MAGIC = "54.7\N{DEGREE SIGN}, magic"
HERE, MEAN = "this spectrum", "mean of all spectra"
NO_REGION = "Fit a region whose name is a core level first, for instance C 1s."
NONE_ON = "Switch a region on."
SELF = 'Only one region is counted: its share is 100 %. Fit further regions, or choose "all files".'
NO_ERROR = "A dash is an error that is not known: these peaks need Refine, or a fit with errors."
TIPS = {
    "\N{PLUS-MINUS SIGN} noise": "Standard error from the noise of the spectra [at.%]",
    "spread": "Standard deviation between the spectra [at.%]",
    "\N{PLUS-MINUS SIGN} systematic": (
        "Standard uncertainty from factors, transmission and mean free path [at.%]; it is the same "
        "in all spectra of a series"
    ),
    "limit": "Smallest amount that would be found [at.%]",
}
COMBOS = ("scope", "values", "level", "factors", "kind", "transmission", "path")
NUMBERS = ("exponent", "density", "gap", "photon", "angle")
TEXTS = ("table", "formula", "beta")
"""Names of the controls of the form."""
FILTER = "Table (*.csv);;Excel (*.xlsx)"


class QuantifyForm(QWidget):
    """The list of the regions, and what is applied to their areas.

    Signals
    -------
    changed : no arguments
        The user made another choice.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.scope = _combo(SCOPES)
        self.regions = QListWidget()
        self.regions.setWordWrap(True)
        self.values = _combo([HERE, MEAN])
        self.level = _combo(LEVELS)
        self.factors = _combo(FACTORS)
        self.table, self.browse = QLineEdit(), QPushButton("Browse...")
        self.table.setPlaceholderText("level, factor")
        self.kind = _combo(KINDS)
        self.transmission = _combo([FILE, POWER, NONE])
        self.exponent = _number(-5.0, 5.0, -0.7, decimals=2)
        self.path = _combo(PATHS)
        self.formula = QLineEdit()
        self.formula.setPlaceholderText("for instance SiO2")
        self.density = _number(0.0, 30.0, 0.0, decimals=3, suffix=" g/cm³")
        self.gap = _number(0.0, 20.0, 0.0, decimals=2, suffix=" eV")
        self.angle = _number(-1.0, 180.0, -1.0, decimals=1, suffix="\N{DEGREE SIGN}")
        self.angle.setSpecialValueText(MAGIC)
        self.photon = _number(0.0, 1e5, 0.0, decimals=2, suffix=" eV")
        self.photon.setSpecialValueText(OF_FILE)
        self.beta = QLineEdit()
        self.beta.setPlaceholderText("Si 2p=1.0, C 1s=2")
        self.browse.setAutoDefault(False)
        self.counted: dict[str, bool] = {}
        self._lines: list[Line] = []
        self._explain()
        self._arrange()
        self._connect()
        self._follow()

    def _explain(self) -> None:
        """Tooltips."""
        self.scope.setToolTip("Which fitted regions are listed")
        self.values.setToolTip("Of a map or a series: the chosen spectrum, or the mean of all")
        self.level.setToolTip("What gets a share: regions, chemical states, or single lines")
        self.factors.setToolTip("Sensitivity factors")
        self.kind.setToolTip(
            "What the factors of the table contain already, and what is therefore not applied again"
        )
        self.transmission.setToolTip("Transmission of the analyzer")
        self.exponent.setToolTip("The transmission is the kinetic energy to this power")
        self.path.setToolTip("Inelastic mean free path; TPP-2M and JTP need the material")
        self.formula.setToolTip("Chemical formula of the sample")
        self.gap.setToolTip("Band gap of the sample, 0 for a metal")
        self.photon.setToolTip("For files that do not state it: 1486.6 eV for Al K-alpha")
        self.angle.setToolTip("Angle between X-rays and analyzer")
        self.beta.setToolTip("Asymmetry parameters of the levels, for another angle than 54.7°")

    def _arrange(self) -> None:
        """The list above the form."""
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.own = _row(self.table, self.browse)
        for label, widget in (
            ("Values of", self.values),
            ("Shares of", self.level),
            ("Factors", self.factors),
            ("Table", self.own),
            ("It contains", self.kind),
            ("Transmission", self.transmission),
            ("Exponent", self.exponent),
            ("Mean free path", self.path),
            ("Material", self.formula),
            ("Density", self.density),
            ("Band gap", self.gap),
            ("Photon energy", self.photon),
            ("Angle", self.angle),
            ("Asymmetry \N{GREEK SMALL LETTER BETA}", self.beta),
        ):
            form.addRow(label, widget)
        self.form = form
        top = QFormLayout()
        top.addRow("Regions of", self.scope)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.regions, 1)
        layout.addLayout(form)
        self.setFixedWidth(FORM_WIDTH)

    def _connect(self) -> None:
        """Every choice is a change."""
        for name in COMBOS:
            getattr(self, name).currentIndexChanged.connect(self._follow)
        for name in NUMBERS:
            getattr(self, name).valueChanged.connect(self._follow)
        for name in TEXTS:
            getattr(self, name).editingFinished.connect(self._follow)
        self.browse.clicked.connect(self._ask_table)
        self.regions.itemChanged.connect(self._switch)

    def form_values(self) -> dict[str, Any]:
        """All choices as plain values."""
        found = {name: getattr(self, name).currentText() for name in COMBOS}
        found |= {name: getattr(self, name).value() for name in NUMBERS}
        return found | {name: getattr(self, name).text() for name in TEXTS}

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show such choices; without a signal for each."""
        with QSignalBlocker(self):
            for name in COMBOS:
                if name in values:  # a text that there is no more changes nothing
                    getattr(self, name).setCurrentText(str(values[name]))
            for name in NUMBERS:
                if name in values:
                    getattr(self, name).setValue(float(values[name]))
            for name in TEXTS:
                getattr(self, name).setText(str(values.get(name, "")))
        self._follow()

    def _follow(self, *_: Any) -> None:
        """Show only what the choices need."""
        own = self.factors.currentData() is None
        material = self.path.currentData() in ("tpp2m", "jtp")
        for widgets, wanted in (
            ((self.own, self.kind), own),
            ((self.exponent,), self.transmission.currentText() == POWER),
            ((self.formula, self.density, self.gap), material),
            ((self.beta,), self.angle.value() >= 0),
        ):
            for widget in widgets:
                self.form.setRowVisible(widget, wanted)
        self.changed.emit()

    @Slot()
    def _ask_table(self) -> None:
        """Choose the table of factors."""
        kinds = "Tables (*.csv *.txt);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self, "Factors", self.table.text(), kinds)
        if path:
            self.table.setText(path)
            self._follow()

    def show_regions(self, lines: list[Line], *, several: bool) -> None:
        """List the regions; `several`: they are maps or series."""
        self.form.setRowVisible(self.values, several)
        self._lines = lines
        with QSignalBlocker(self.regions):
            self.regions.clear()
            for line in lines:
                text = line.region.title + (f" \N{EN DASH} {line.reason}" if line.reason else "")
                on = line.usable and self.counted.get(line.region.key, line.on)
                item = QListWidgetItem(line.region.title if on else text)
                item.setToolTip(text)
                item.setFlags(
                    Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable
                    if line.usable
                    else Qt.ItemFlag.NoItemFlags
                )
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
                self.regions.addItem(item)

    def _switch(self, item: QListWidgetItem) -> None:
        """Remember that the user switched a region on or off."""
        region = self._lines[self.regions.row(item)].region
        self.counted[region.key] = item.checkState() == Qt.CheckState.Checked
        self.changed.emit()

    def switched_on(self) -> list[Region]:
        """Regions that are counted."""
        return [
            line.region
            for k, line in enumerate(self._lines)
            if self.regions.item(k).checkState() == Qt.CheckState.Checked
        ]

    @property
    def whole(self) -> bool:
        """Whether the mean of all spectra is wanted."""
        return bool(self.values.currentText() == MEAN)

    def choices(self) -> Choices:
        """What is applied.

        Raises
        ------
        ValueError
            With a sentence, where something is missing or cannot be read.
        """
        rsf = self.factors.currentData() or self.table.text().strip()
        if not rsf:
            raise ValueError("Choose the table with your factors.")
        own = self.factors.currentData() is None
        if own and not Path(rsf).is_file():
            raise ValueError(f"There is no file {rsf}: choose the table with your factors.")
        chosen = self.transmission.currentText()
        power = f"ke^{self.exponent.value():g}"
        imfp = self.path.currentData()
        return Choices(
            rsf=rsf,
            rsf_kind=self.kind.currentData() if own else None,
            transmission={FILE: "file", POWER: power, NONE: None}[chosen],
            imfp=imfp,
            material=self._material() if imfp in ("tpp2m", "jtp") else None,
            angle=self.angle.value() if self.angle.value() >= 0 else None,
            asymmetry=self._asymmetry() if self.angle.value() >= 0 else None,
            level=self.level.currentData(),
            photon_energy=self.photon.value() or None,
        )

    def _material(self) -> dict[str, Any]:
        """The material, from its fields."""
        formula, density = self.formula.text().strip(), self.density.value()
        if not formula or not density:
            raise ValueError(
                f"{self.path.currentText()} needs formula and density of the sample: type them."
            )
        return {"formula": formula, "density": density, "band_gap": self.gap.value()}

    def _asymmetry(self) -> dict[str, float] | None:
        """The asymmetry parameters that were typed."""
        found = {}
        for part in filter(None, (one.strip() for one in self.beta.text().split(","))):
            name, _, value = part.partition("=")
            try:
                found[name.strip()] = float(value)
            except ValueError:
                raise ValueError(
                    f'"{part}" is no asymmetry parameter: type for instance "Si 2p=1.0".'
                ) from None
        return found or None


class QuantifyWindow(ToolDialog):
    """Form to the left; table, sentences and buttons to the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Quantification", SIZE)
        self.form = QuantifyForm()
        self.table = QTableWidget()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().setVisible(False)
        self.notes = QPlainTextEdit()
        self.notes.setReadOnly(True)
        self.copy = QPushButton("Copy table")
        self.save = QPushButton("Save table...")
        self.maps = QPushButton("Show as maps")
        self.script = QPushButton("Copy as Python")
        self.copy.setToolTip("Copy the table to the clipboard, for a spreadsheet")
        self.save.setToolTip("Save all numbers as .csv or .xlsx, of a map those of all spectra")
        self.maps.setToolTip("Show the atomic percent of all spectra as image layers")
        self.script.setToolTip("Copy Python code that makes fits and quantification again")
        right = QVBoxLayout()
        right.addWidget(self.title)
        right.addWidget(self.message)
        right.addWidget(self.table, 3)
        right.addWidget(QLabel("What was applied, and what to know"))
        right.addWidget(self.notes, 2)
        buttons = QHBoxLayout()
        for button in (self.copy, self.save, self.maps, self.script):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        right.addLayout(buttons)
        layout = QHBoxLayout(self)
        layout.addWidget(self.form)
        layout.addLayout(right, 1)

    def show_answer(self, answer: Answer) -> None:
        """Show a result, or why there is none."""
        found = answer.found
        self.say(f"⚠ {answer.problem}" if answer.problem else "")
        for button in (self.copy, self.save, self.script):
            button.setEnabled(found is not None)
        self.table.clear()
        self.table.setRowCount(0)
        self.notes.setPlainText("")
        if found is None:
            self.table.setColumnCount(0)
            return
        header, rows = _quantities.header(found), _quantities.table(found)
        self.table.setColumnCount(len(header))
        self.table.setHorizontalHeaderLabels(header)
        for column, text in enumerate(header):
            self.table.horizontalHeaderItem(column).setToolTip(TIPS.get(text, ""))
        self.table.setRowCount(len(rows))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for k, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(right)
                self.table.setItem(k, column, item)
        modes = self.table.horizontalHeader()
        modes.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        modes.setStretchLastSection(True)
        notes = [f"⚠ {note}" for note in answer.notes]
        if any(one[2] == "\N{EN DASH}" for one in rows):
            notes.append(NO_ERROR)
        if len(set(found["region"].values.tolist())) == 1:
            notes.append(SELF)
        self.notes.setPlainText("\n".join([*notes, *_quantities.sources(found)]))


class Quantification(ToolWindow):
    """Opens the window, and keeps its table at the fits as they are now.

    Parameters
    ----------
    dock : FitPeaks
        Whose regions and fits are counted.
    """

    def __init__(self, dock: Any) -> None:
        super().__init__(dock, "Quantification...", TIP)
        self.window: QuantifyWindow | None = None
        self.answer = Answer()
        self._watched: list[EditState] = []
        self._shown: tuple[Any, ...] = ()
        self._mapped: tuple[Any, ...] = ()
        dock.view.shown.connect(self._follow)
        dock.runner.finished.connect(self._later)

    def _make(self) -> QuantifyWindow:
        """The window, connected."""
        # Of the dock, not of its panel: a style of the panel must not reach it.
        window = QuantifyWindow(self.dock)
        window.form.changed.connect(self._take_choices)
        window.copy.clicked.connect(self.copy_table)
        window.save.clicked.connect(self.ask_path)
        window.maps.clicked.connect(self.show_maps)
        window.script.clicked.connect(self.copy_script)
        return window

    @property
    def _is_wanted(self) -> bool:
        """Whether somebody sees the result: the window, or maps of it."""
        if self.window is None:
            return False
        layer = self.dock.layer
        shown = layer is not None and _quantities.composition_maps(self.dock.viewer, layer)
        return self.is_open or bool(shown)

    def _follow(self) -> None:
        """Follow the region and the pixel that are shown; called also while the mouse moves."""
        region = self.dock.region
        state = None if region is None else region.state
        pixel = () if state is None else tuple(state.pixel.items())
        if (region, pixel) != self._shown:
            self._shown = (region, pixel)
            self._later()

    @Slot()
    def _later(self, *_: Any) -> None:
        """Make the table again soon, once for several changes."""
        if self._is_wanted:
            self._soon.start()

    @Slot()
    def _take_choices(self) -> None:
        """Make the table, and maps, of other choices."""
        self._mapped = ()
        self._later()

    @Slot()
    def refresh(self) -> None:
        """Make the table of the fits as they are now."""
        window, region = self.window, self.dock.region
        if window is None:
            return
        self._watch()
        if region is None:
            window.title.setText("")
            window.form.show_regions([], several=False)
            self._show(Answer(problem=NO_REGION))
            return
        form, pixel = window.form, self._pixel()
        whole = form.whole and bool(pixel)
        everywhere = bool(form.scope.currentData())
        several = _quantities.regions_beside(region, self.dock.regions.files, everywhere=everywhere)
        lines = _quantities.listed(several, pixel, whole=whole)
        form.show_regions(lines, several=bool(pixel))
        window.title.setText(self._title(region, pixel, whole=whole))
        regions = form.switched_on()
        if not regions:
            usable = any(line.usable for line in lines)
            self._show(Answer(problem=NONE_ON if usable else NO_REGION))
            return
        self._show(self._quantified(regions, whole=whole))
        if _quantities.composition_maps(self.dock.viewer, self.dock.layer):
            self._update_maps(regions)

    def _pixel(self) -> dict[str, int]:
        """The chosen spectrum of the region that is shown."""
        return dict(self.dock.edit.pixel)

    def _title(self, region: Region, pixel: dict[str, int], *, whole: bool) -> str:
        """Which sample and spectrum the table is of."""
        what = MEAN if whole else pixel_text(pixel, region.spectra)
        name = region.sample or region.file.name or region.title
        return ", ".join(filter(None, (name, what)))

    def _quantified(self, regions: list[Region], *, whole: bool) -> Answer:
        """The answer of the library for these regions."""
        pixel = self._pixel()
        found = [_quantities.peaks_of(region, pixel, whole=whole) for region in regions]
        peaks: list[xr.Dataset] = [one for one in found if one is not None]
        if self.window is None or len(peaks) < len(regions):
            return Answer(problem="Fit all spectra of every region that is on first.")
        try:
            chosen = self.window.form.choices()
        except ValueError as error:
            return Answer(problem=str(error))
        return _quantities.quantified(regions, peaks, chosen)

    def _show(self, answer: Answer) -> None:
        """Show an answer."""
        self.answer = answer
        if self.window is not None:
            self.window.show_answer(answer)
            self.window.maps.setEnabled(answer.found is not None and bool(self._pixel()))

    def _watch(self) -> None:
        """Follow the fits of all regions."""
        regions = [one for file in self.dock.regions.files for one in file.regions]
        states = [one.state for one in regions if one.state is not None]
        for state in states:
            if state not in self._watched:
                state.changed.connect(self._later)
        for state in self._watched:
            if state not in states:
                state.changed.disconnect(self._later)
        self._watched = states

    def say(self, text: str) -> None:
        """Show a sentence above the table."""
        if self.window is not None:
            self.window.say(text)

    def _update_maps(self, regions: list[Region]) -> None:
        """Make the maps again, unless only another spectrum was chosen."""
        before = self._mapped
        now = self._whole_fits(regions)
        if len(now) != len(before) or any(a is not b for a, b in zip(now, before, strict=True)):
            self.show_maps()

    def _whole_fits(self, regions: list[Region]) -> tuple[Any, ...]:
        """What maps depend on: the fits of all spectra."""
        pixel = self._pixel()
        return tuple(_quantities.peaks_of(region, pixel, whole=True) for region in regions)

    @Slot()
    def show_maps(self) -> None:
        """Show the atomic percent of all spectra as image layers."""
        if self.window is None:
            return
        self._mapped = self._whole_fits(self.window.form.switched_on())
        answer = self.answer
        if not self.window.form.whole:
            answer = self._quantified(self.window.form.switched_on(), whole=True)
        if answer.found is None:
            self.say(f"⚠ {answer.problem}")
            return
        try:
            _quantities.show_composition(self.dock.viewer, self.dock.layer, answer.found)
        except ValueError as error:
            self.say(f"⚠ {error}")

    def values(self, files: Sequence[RegionFile]) -> dict[str, Any]:
        """What the user has chosen, as plain values for a session; nothing before the first use."""
        if self.window is None:
            return {}
        form = self.window.form
        regions = [one for file in files for one in file.regions if one.key in form.counted]
        counted = [[place_of(one, files), form.counted[one.key]] for one in regions]
        return {"form": form.form_values(), "counted": counted}

    def restore(self, values: Mapping[str, Any], files: Sequence[RegionFile]) -> None:
        """Take what a session holds; what belongs to no region is left out."""
        if "form" not in values:
            return
        form = self.made().form
        for place, counted in values.get("counted", []):
            region = region_at(place, files)
            if region is not None:
                form.counted[region.key] = bool(counted)
        form.show_values(values["form"])

    @Slot()
    def copy_table(self) -> None:
        """Copy the table to the clipboard."""
        if self.answer.found is not None:
            QGuiApplication.clipboard().setText(_quantities.table_text(self.answer.found))
            self.say("The table is in the clipboard.")

    @Slot()
    def copy_script(self) -> None:
        """Copy Python code that makes the numbers again."""
        if self.window is None or self.answer.found is None:
            return
        form = self.window.form
        pixel = None if form.whole and self._pixel() else self._pixel()
        try:
            text = _quantities.script(form.switched_on(), pixel, form.choices())
        except (ValueError, TypeError) as error:
            self.say(f"⚠ {sentence(error)}")
            return
        QGuiApplication.clipboard().setText(text)
        self.say("The Python code is in the clipboard.")

    @Slot()
    def ask_path(self) -> None:
        """Ask for a file name and write the table."""
        start = str(self.dock.outputs.to_folder() / "quantification.csv")
        path, kind = QFileDialog.getSaveFileName(self.window, "Save table", start, FILTER)
        if path:
            suffix = ".xlsx" if "xlsx" in kind else ".csv"
            target = Path(path)
            self.save_table(target if target.suffix else target.with_name(target.name + suffix))

    def save_table(self, path: Path) -> None:
        """Write the table; what is wrong becomes a sentence."""
        if self.answer.found is None:
            return
        try:
            _quantities.write_table(self.answer.found, path)
        except (OSError, ValueError, ImportError) as error:
            self.say(f"⚠ {sentence(error)}")
            return
        self.dock.outputs.folder = path.parent
        self.say(f"Saved {path.name}.")

    def release(self) -> None:
        """Follow nothing any more, and close the window."""
        for state in self._watched:
            state.changed.disconnect(self._later)
        self._watched = []
        super().release()


def _combo(choices: Any) -> QComboBox:
    """A combo box with these texts, and their meanings where there are some."""
    combo = QComboBox()
    for text in choices:
        combo.addItem(text, choices[text] if isinstance(choices, dict) else text)
    shrinkable(combo, 12)
    return combo


def _number(
    low: float, high: float, value: float, *, decimals: int, suffix: str = ""
) -> QDoubleSpinBox:
    """A number that no wheel changes by chance."""
    box = QDoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(decimals)
    box.setSingleStep(0.1)
    box.setValue(value)
    box.setSuffix(suffix)
    box.setKeyboardTracking(False)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return box


def _row(*widgets: QWidget) -> QWidget:
    """Widgets side by side."""
    box = QWidget()
    layout = QHBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return box
