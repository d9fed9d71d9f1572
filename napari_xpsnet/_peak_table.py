"""Table of the peaks of one spectrum: values with errors, locks, limits and links, editable."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from napari_xpsnet._colors import peak_color
from napari_xpsnet._layers import first_line, peak_name
from napari_xpsnet._state import LINE_SHAPES


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    title, tip : str
        Of the header.
    variable : str
        Of the peaks Dataset; "on", "label" and "share" for the others.
    decimals : int
        Of a value without an error.
    always : bool
        Whether the column is there also if no peak has a value.
    """

    title: str
    variable: str
    tip: str
    decimals: int = 2
    always: bool = True


COLUMNS = (
    Column("on", "on", "Switched off: kept in the table, left out of curves and fits"),
    Column("state or label", "label", "Name of the peak; double click to change it"),
    Column("line shape", "line_shape", "Shape of the line; double click to change it"),
    Column("center (eV)", "center", "Energy at the maximum of the line [eV]"),
    Column("FWHM (eV)", "fwhm", "Full width at half maximum of the whole line [eV]"),
    Column("area", "area", "Integral of the line, without background"),
    Column("area %", "share", "Share of the total area of all peaks that are switched on"),
    Column("fraction", "fraction", "Lorentzian share of the line, 0 to 1", always=False),
    Column("asymmetry", "asymmetry", "Asymmetry of the line", 3, always=False),
)
PARAMETERS = ("center", "fwhm", "height", "area", "fraction", "asymmetry")
"""What can be typed, and held by locks, limits and links."""
EDIT_TIP = (
    "Double click to type a number, a link such as '= peak 1 + 1.18 eV', limits such as "
    "'284 to 286', or nothing for a free parameter; right click for locks and links"
)


MOST_DECIMALS = 4
"""Of a value with its error."""


def with_error(value: float, error: float, *, decimals: int = 2) -> str:
    """Value with the standard error of its last digits in parentheses: 284.803(12).

    Without an error it has this number of decimals.
    """
    if not np.isfinite(value):
        return ""
    if not np.isfinite(error) or error <= 0:
        return f"{value:.{decimals}f}"
    # Two digits of the error; an error above 10 is written in the unit of the value.
    digits = min(MOST_DECIMALS, max(0, 1 - int(np.floor(np.log10(error)))))
    if round(error * 10**digits) == 0:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f}({round(error * 10**digits)})"


@dataclass(frozen=True)
class Cell:
    """Text, tooltip and editable text of a cell; whether something holds its value."""

    text: str = ""
    tip: str = ""
    edit: str = ""
    held: bool = False


@dataclass(frozen=True)
class Row:
    """One peak.

    Attributes
    ----------
    peak : int
        Number, from 1.
    color : str
    on : bool
    cells : dict of str to Cell
        By the variable of the column.
    """

    peak: int
    color: str
    on: bool
    cells: dict[str, Cell] = field(default_factory=dict)


class PeakTable(QAbstractTableModel):
    """Rows are the peaks of one spectrum.

    Signals
    -------
    entered : int, str, str
        The user typed into a cell: number of the peak, variable, text.
    switched : int, bool
        The user switched a peak on or off.
    """

    entered = Signal(int, str, str)
    switched = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self.columns: list[Column] = [column for column in COLUMNS if column.always]

    def set_peaks(self, peaks: xr.Dataset | None) -> None:
        """Show the peaks of one spectrum (dimension `peak` only); None empties the table."""
        rows = [] if peaks is None else _rows(peaks)
        columns = [c for c in COLUMNS if c.always or any(r.cells[c.variable].text for r in rows)]
        if len(rows) == len(self.rows) and columns == self.columns:
            # The cell that is being edited and the selection stay.
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(columns) - 1))
            return
        self.beginResetModel()
        self.rows, self.columns = rows, columns
        self.endResetModel()

    def column_of(self, variable: str) -> int:
        """Place of a column."""
        return [column.variable for column in self.columns].index(variable)

    def row_of(self, peak: int | None) -> int:
        """Row of a peak, -1 where there is none."""
        numbers = [row.peak for row in self.rows]
        return numbers.index(peak) if peak in numbers else -1

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt
        """Count the peaks."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, tooltip with all digits, color and alignment of one cell."""
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        variable = self.columns[index.column()].variable
        if variable == "on":
            if role == Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if row.on else Qt.CheckState.Unchecked
            return None
        cell = row.cells[variable]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.EditRole:
            return cell.edit
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell.tip or None
        if role == Qt.ItemDataRole.DecorationRole and variable == "label":
            return QColor(row.color)
        if role == Qt.ItemDataRole.ForegroundRole and not row.on:
            return QColor("#909090")
        if role == Qt.ItemDataRole.TextAlignmentRole and variable not in ("label", "line_shape"):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def setData(  # noqa: N802 - Qt
        self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Report what the user typed; the new value comes back with `set_peaks`."""
        row = self.rows[index.row()]
        variable = self.columns[index.column()].variable
        if variable == "on" and role == Qt.ItemDataRole.CheckStateRole:
            self.switched.emit(row.peak, Qt.CheckState(value) == Qt.CheckState.Checked)
            return True
        if role != Qt.ItemDataRole.EditRole or variable == "on":
            return False
        if str(value).strip() != row.cells[variable].edit:
            self.entered.emit(row.peak, variable, str(value))
        return True

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Which cells can be edited."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        variable = self.columns[index.column()].variable
        if variable == "on":
            return flags | Qt.ItemFlag.ItemIsUserCheckable
        known = bool(self.rows[index.row()].cells[variable].text)
        editable = variable in ("label", "line_shape") or (variable in PARAMETERS and known)
        return flags | Qt.ItemFlag.ItemIsEditable if editable else flags

    def headerData(  # noqa: N802 - Qt
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Column names, with definitions as tooltips."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        return column.tip if role == Qt.ItemDataRole.ToolTipRole else None

    def text(self) -> str:
        """The table as text with tabs between the columns, for a spreadsheet."""
        columns = [column for column in self.columns if column.variable != "on"]
        lines = ["\t".join(column.title for column in columns)]
        rows = ("\t".join(row.cells[c.variable].text for c in columns) for row in self.rows)
        return "\n".join([*lines, *rows])


def _rows(peaks: xr.Dataset) -> list[Row]:
    """One row per peak that exists, also where it is switched off."""
    rules = peaks.xps.peak_limits()
    exists = np.flatnonzero(np.isfinite(peaks["center"].values))
    on = peaks["enabled"].values if "enabled" in peaks else np.ones(peaks.sizes["peak"], bool)
    areas = {int(i): rules[int(i) + 1, "area"].value for i in exists}
    total = sum(area for i, area in areas.items() if on[i] and np.isfinite(area))
    rows = []
    for index in (int(i) for i in exists):
        cells = {
            "label": _label(peaks, index),
            "line_shape": _shape(peaks, index),
            "share": Cell(f"{100 * areas[index] / total:.1f}" if total > 0 and on[index] else ""),
        }
        for column in COLUMNS:
            if column.variable in PARAMETERS:
                rule = rules.get((index + 1, column.variable))
                cells[column.variable] = Cell() if rule is None else _value(peaks, column, rule)
        color = peak_color(first_line(peaks, index))
        rows.append(Row(index + 1, color, bool(on[index]), cells))
    return rows


def _label(peaks: xr.Dataset, index: int) -> Cell:
    """Label, or number, with state and partner as tooltip."""
    name = peak_name(peaks, index)
    words = []
    for variable, text in (("state", "state"), ("partner", "doublet with peak")):
        number = int(peaks[variable].values[index]) if variable in peaks else 0
        words += [f"{text} {number}"] if number > 0 else []
    tip = f"{name}: {', '.join(words)}" if words else name
    numbered = name == f"peak {index + 1}"
    return Cell(name if numbered else f"{index + 1}  {name}", tip, "" if numbered else name)


def _shape(peaks: xr.Dataset, index: int) -> Cell:
    """Line shape of a peak."""
    if "line_shape" in peaks.variables:
        shape = str(peaks["line_shape"].values[index])
    else:
        shape = str(peaks.attrs.get("line_shape", ""))
    return Cell(shape_title(shape), shape, shape)


def shape_title(shape: str) -> str:
    """Name of a line shape for people."""
    return shape.replace("_", " ").replace("pseudo voigt", "pseudo-Voigt")


def _value(peaks: xr.Dataset, column: Column, rule: Any) -> Cell:
    """Value with its error, and what holds it."""
    error = rule.stderr if np.isfinite(rule.stderr) else 0.0
    whole = column.variable == "area" and rule.value >= 100
    text = with_error(rule.value, error, decimals=0 if whole else column.decimals)
    units = str(peaks[column.variable].attrs.get("units", "")).removeprefix("1")
    tip = f"{rule.value:.6g} ± {error:.2g} {units}" if error else f"{rule.value:.6g} {units}"
    limits = _limits_text(rule)
    edit = f"{rule.value:.7g}"
    if rule.text:
        text, edit = f"{text} {_short(rule.text)}", rule.text
    elif rule.locked:
        text = f"{text} locked"
    words = [tip.strip(), rule.text, "locked" if rule.locked else "", limits]
    words += ["the same for all peaks" if rule.shared else "", EDIT_TIP]
    return Cell(text, "\n".join(filter(None, words)), edit, rule.locked or bool(rule.text))


def _short(link: str) -> str:
    """A link for a cell: "= peak 1 + 1.18"; the column says which parameter and unit it is."""
    short = link.replace(" eV", "")
    for name in PARAMETERS:
        short = short.replace(f"{name} of ", "")
    return short


def _limits_text(rule: Any) -> str:
    """Limits that were set by hand."""
    if np.isfinite(rule.min) and np.isfinite(rule.max) and not rule.locked:
        return f"{rule.min:g} to {rule.max:g}"
    if np.isfinite(rule.min) and not rule.locked:
        return f"at least {rule.min:g}"
    return f"at most {rule.max:g}" if np.isfinite(rule.max) and not rule.locked else ""


class _ShapeChoice(QStyledItemDelegate):
    """Combo box for the line shape."""

    def createEditor(  # noqa: N802 - Qt
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget:
        """Offer the line shapes."""
        box = QComboBox(parent)
        for shape in LINE_SHAPES[1:]:
            box.addItem(shape_title(shape), shape)
        box.activated.connect(lambda: (self.commitData.emit(box), self.closeEditor.emit(box)))
        return box

    def setEditorData(self, editor: QComboBox, index: QModelIndex) -> None:  # noqa: N802 - Qt
        """Show the present shape."""
        editor.setCurrentIndex(editor.findData(index.data(Qt.ItemDataRole.EditRole)))
        editor.showPopup()

    def setModelData(  # noqa: N802 - Qt
        self, editor: QComboBox, model: QAbstractTableModel, index: QModelIndex
    ) -> None:
        """Report the chosen shape."""
        model.setData(index, editor.currentData())


def make_view(model: PeakTable) -> QTableView:
    """Table view of the peaks."""
    view = QTableView()
    view.setModel(model)
    view.verticalHeader().hide()
    view.horizontalHeader().setMinimumSectionSize(24)
    view.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignCenter)
    # Numbers are never cut off; a narrow dock scrolls.
    view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    view.horizontalHeader().setStretchLastSection(False)
    view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 8)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setSelectionBehavior(QTableView.SelectionBehavior.SelectItems)
    view.setSelectionMode(QTableView.SelectionMode.SingleSelection)
    view.setEditTriggers(
        QTableView.EditTrigger.DoubleClicked
        | QTableView.EditTrigger.EditKeyPressed
        | QTableView.EditTrigger.AnyKeyPressed
    )
    view.setTabKeyNavigation(False)
    view.setIconSize(QSize(10, 10))
    view.setItemDelegateForColumn(model.column_of("line_shape"), _ShapeChoice(view))
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    view.setMinimumHeight(70)
    return view
