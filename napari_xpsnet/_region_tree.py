"""The region tree: files, samples and regions, with mouse and keyboard."""

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QPoint, QSize, Qt, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_xpsnet._colors import ACCENT
from napari_xpsnet._regions import Region, RegionFile

NAME, RANGE, FIT = range(3)
TICK = "\N{CHECK MARK}"
SHORT = {"binding": "BE", "kinetic": "KE"}
INDENT = 12
"""Indentation of a level [pixels]; the default of Qt leaves little room for names."""
EMPTY = "Drop a file with spectra here, or File > Open Sample > XPSNet."
HINT = "Click: show. Ctrl+click: overlay. Right click: copy peaks, remove."
STYLE = f"""
QToolButton {{ padding: 2px 8px; border-radius: 3px; }}
QToolButton:hover {{ border: 1px solid {ACCENT}; }}
QToolButton:checked {{ background: {ACCENT}; color: white; }}
"""
TREE_STYLE = f"""
QTreeView::item:selected {{ background: {ACCENT}; color: white; }}
"""


class RegionTree(QTreeWidget):
    """Files, samples and regions; one region is active, others can be selected beside it.

    Signals
    -------
    chosen : Region
        The user wants to see this region.
    selection_changed : no arguments
        Other regions are selected beside the active one.
    menu_wanted : Region or RegionFile, QPoint
        Right click on an entry, and the place on the screen.
    """

    chosen = Signal(object)
    selection_changed = Signal()
    menu_wanted = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[str, QTreeWidgetItem] = {}
        self._regions: list[Region] = []
        self._files: list[RegionFile] = []
        self._built: list[Any] = []
        self.active: Region | None = None
        self.setColumnCount(3)
        self.setHeaderLabels(["Region", "Energy (eV)", "fit"])
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setUniformRowHeights(True)
        self.setIndentation(INDENT)
        self.setStyleSheet(TREE_STYLE)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column in (RANGE, FIT):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.itemSelectionChanged.connect(self._follow_selection)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt
        """Size at which the dock opens."""
        return QSize(270, 300)

    def show_files(self, files: Sequence[RegionFile]) -> None:
        """Show these files; what is folded and selected stays so."""
        built = [
            (id(file), *((region.key, region.title) for region in file.regions)) for file in files
        ]
        if built != self._built:
            self._built = built
            self._build(files)
        self.update_texts()

    def _build(self, files: Sequence[RegionFile]) -> None:
        """Make the entries."""
        selected = {region.key for region in self.selected()}
        folded = {id(self._files[index]) for index in self._folded()}
        self.blockSignals(True)
        self.clear()
        self._items, self._regions, self._files = {}, [], list(files)
        for number, file in enumerate(files):
            parent: Any = self.invisibleRootItem()
            if file.name:
                parent = self._add(parent, file.name, file=number)
            for sample, regions in file.samples().items():
                above = self._add(parent, sample) if sample and file.name else parent
                for region in regions:
                    self._add_region(above, region)
            if file.name:
                parent.setExpanded(id(file) not in folded)
        for key in selected & set(self._items):
            self._items[key].setSelected(True)
        self.blockSignals(False)
        self.show_active(self.active)

    def _folded(self) -> list[int]:
        """Numbers of the files that the user has folded."""
        tops = (self.topLevelItem(index) for index in range(self.topLevelItemCount()))
        shut = (top for top in tops if top.childCount() and not top.isExpanded())
        return [int(top.data(NAME, Qt.ItemDataRole.UserRole + 1)) for top in shut]

    def _add(self, parent: Any, text: str, *, file: int = -1) -> QTreeWidgetItem:
        """Entry of a file or of a sample."""
        item = QTreeWidgetItem(parent, [text])
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setToolTip(NAME, text)
        item.setFirstColumnSpanned(True)
        item.setExpanded(True)
        item.setData(NAME, Qt.ItemDataRole.UserRole + 1, file)
        return item

    def _add_region(self, parent: Any, region: Region) -> None:
        """Entry of a region."""
        item = QTreeWidgetItem(parent)
        item.setTextAlignment(FIT, Qt.AlignmentFlag.AlignCenter)
        item.setData(NAME, Qt.ItemDataRole.UserRole, len(self._regions))
        self._regions.append(region)
        self._items[region.key] = item

    def update_texts(self) -> None:
        """Show names, ranges and ticks as they are now."""
        scales = {region.scale for region in self._regions}
        common = scales.pop() if len(scales) == 1 else ""
        self.headerItem().setText(RANGE, f"{SHORT.get(common, 'Energy')} (eV)")
        for region in self._regions:
            item = self._items[region.key]
            file = region.file
            alone = not file.name and len(file.regions) == 1 and file.layer is not None
            name = file.layer.name if alone else ""
            text = " ".join(filter(None, (name or region.name, region.size_text())))
            energies = region.range_text()
            if not common:
                energies = f"{energies} {SHORT.get(region.scale, '')}".strip()
            for column, shown in (
                (NAME, text),
                (RANGE, energies),
                (FIT, TICK if region.is_fitted else ""),
            ):
                if item.text(column) != shown:
                    item.setText(column, shown)
            item.setToolTip(NAME, f"{region.title} {region.size_text()}".strip())

    def region_at(self, place: QPoint) -> Region | RegionFile | None:
        """The region or file under a place of the widget."""
        item = self.itemAt(place)
        if item is None:
            return None
        number = item.data(NAME, Qt.ItemDataRole.UserRole)
        if number is not None:
            return self._regions[int(number)]
        file = int(item.data(NAME, Qt.ItemDataRole.UserRole + 1))
        return self._files[file] if file >= 0 else None

    def item_of(self, region: Region) -> QTreeWidgetItem:
        """Entry of a region."""
        return self._items[region.key]

    def selected(self) -> list[Region]:
        """Selected regions from top to bottom, the active one among them."""
        return [r for r in self._regions if self._items[r.key].isSelected()]

    def others(self) -> list[Region]:
        """Regions that are selected beside the active one."""
        return [region for region in self.selected() if region is not self.active]

    def show_active(self, region: Region | None) -> None:
        """Mark the region that is shown; the others stay selected if it is one of them."""
        self.active = region
        item = None if region is None else self._items.get(region.key)
        self.blockSignals(True)
        if item is None:
            self.clearSelection()
        elif not item.isSelected():
            self.clearSelection()
            self.setCurrentItem(item)
            item.setSelected(True)
        for key, entry in self._items.items():
            font = entry.font(NAME)
            font.setBold(region is not None and key == region.key)
            entry.setFont(NAME, font)
        self.blockSignals(False)

    def _follow_selection(self) -> None:
        """Show another region if the active one is no longer selected."""
        selected = self.selected()
        if self.active is not None and self.active in selected:
            self.selection_changed.emit()
        elif selected:
            self.chosen.emit(selected[0])
        else:
            self.show_active(self.active)
            self.selection_changed.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt
        """Select with the left button only: the menu is for what is selected."""
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
        else:
            super().mousePressEvent(event)

    def contextMenuEvent(self, event: Any) -> None:  # noqa: N802 - Qt
        """Ask for the menu of an entry."""
        entry = self.region_at(event.pos())
        if entry is not None:
            self.menu_wanted.emit(entry, event.globalPos())


class RegionPanel(QWidget):
    """The tree with the switch of the energy scale.

    Signals
    -------
    scale_wanted : str
        "binding" or "kinetic", for all regions.
    copy_wanted : list of Region
        Copy the peaks of the active region to these.
    remove_wanted : list of Region
        Remove these.
    """

    scale_wanted = Signal(str)
    copy_wanted = Signal(object)
    remove_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.tree = RegionTree()
        self.scales = {name: _scale_button(name) for name in SHORT}
        self._group = QButtonGroup(self)
        self.hint = QLabel(EMPTY)
        self.hint.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(QLabel("Energy:"))
        for name, button in self.scales.items():
            self._group.addButton(button)
            row.addWidget(button)
            button.clicked.connect(lambda _=False, name=name: self.scale_wanted.emit(name))
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.hint)
        self.menu: QMenu | None = None
        self.tree.menu_wanted.connect(self._open_menu)

    def show_files(self, files: Sequence[RegionFile]) -> None:
        """Show these files."""
        self.tree.show_files(files)
        self.hint.setText(HINT if files else EMPTY)

    def show_scale(self, scale: str) -> None:
        """Show which energy scale is chosen."""
        if scale in self.scales:
            self.scales[scale].setChecked(True)

    def _open_menu(self, entry: Region | RegionFile, place: QPoint) -> None:
        """Open the menu of an entry."""
        self.menu = self.menu_of(entry)
        self.menu.popup(place)

    def menu_of(self, entry: Region | RegionFile) -> QMenu:
        """Menu of a region or of a file."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        if isinstance(entry, RegionFile):
            action = menu.addAction(f"Remove {entry.name}")
            action.triggered.connect(lambda: self.remove_wanted.emit(list(entry.regions)))
            return menu
        active, selected = self.tree.active, self.tree.selected()
        chosen = selected if entry in selected else [entry]
        targets = [region for region in chosen if region is not active]
        copy = menu.addAction("Copy the peaks to the selected regions (select some: Ctrl+click)")
        copy.setEnabled(bool(targets) and active is not None and active.is_fitted)
        if targets and active is not None:
            copy.setText(f"Copy the peaks of {active.title} to {_names(targets)}")
        copy.setToolTip("They are refined there, with their locks, limits and links")
        copy.triggered.connect(lambda: self.copy_wanted.emit(targets))
        menu.addSeparator()
        remove = menu.addAction(f"Remove {_names(chosen)}")
        remove.triggered.connect(lambda: self.remove_wanted.emit(chosen))
        return menu


def _names(regions: Sequence[Region]) -> str:
    """A region by its name, several by their number."""
    return regions[0].title if len(regions) == 1 else f"the {len(regions)} selected regions"


def _scale_button(scale: str) -> QToolButton:
    """One side of the switch."""
    button = QToolButton()
    button.setText(scale.capitalize())
    button.setCheckable(True)
    button.setChecked(scale == "binding")
    button.setStyleSheet(STYLE)
    button.setToolTip(
        f"Show {scale} energy, in all regions whose photon energy is known. The photon energy can "
        'be typed under "Energy axis".'
    )
    return button
