"""What the columns of a table were taken for, and how the user says otherwise.

For the dialog that opens files. The roles are those of `xpsnet.read(..., columns=...)`.
"""

from typing import Any

from qtpy.QtWidgets import QComboBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from xpsnet.io.tables.columns import ROLES, roles_of_text

ROWS_SHOWN = 8


class ColumnForm(QTableWidget):
    """A row for each column: its number, its label and its role, which can be changed.

    Parameters
    ----------
    text : str
        Attribute `columns` of the spectra.
    """

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns = roles_of_text(text)
        self.setColumnCount(3)
        self.setRowCount(len(self.columns))
        self.setHorizontalHeaderLabels(["column", "label", "read as"])
        self.verticalHeader().setVisible(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        header = self.horizontalHeader()
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.boxes: list[QComboBox] = []
        for row, (number, label, role) in enumerate(self.columns):
            self.setItem(row, 0, QTableWidgetItem(str(number)))
            self.setItem(row, 1, QTableWidgetItem(label))
            box = QComboBox()
            box.addItems([role, *(one for one in ROLES if one != role)])
            box.wheelEvent = lambda event: event.ignore()
            self.boxes.append(box)
            self.setCellWidget(row, 2, box)
        self.resizeColumnToContents(2)
        shown = min(len(self.columns), ROWS_SHOWN)
        height = self.rowHeight(0) if self.columns else 0
        self.setMinimumHeight(header.sizeHint().height() + shown * height + 4)

    def given(self) -> dict[str, Any]:
        """Keyword `columns` of `xpsnet.read`, empty where nothing was changed."""
        roles = [box.currentText() for box in self.boxes]
        if roles == [role for _, _, role in self.columns]:
            return {}
        stated: dict[str, list[int]] = {}
        for (number, _, before), role in zip(self.columns, roles, strict=True):
            if role != before or role in ("axis", "spectrum"):
                stated.setdefault(role, []).append(number)
        return {"columns": stated}
