"""What the profile plot and the scatter plot share: two choices above a plot without a menu."""

from typing import Any

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

import pyqtgraph as pg  # isort: skip

SIDES = ("left", "bottom")


class SidePlot(QWidget):
    """Two boxes with choices and a word between them, a text, and a plot.

    Parameters
    ----------
    first, second : QComboBox
        What is drawn, and over what.
    word : str
        Between both.
    text : QLabel
        Above the plot.
    box : pyqtgraph.ViewBox, optional
        Takes the mouse in the plot.
    """

    def __init__(
        self, first: QComboBox, second: QComboBox, *, word: str, text: QLabel, box: Any = None
    ) -> None:
        super().__init__()
        text.setWordWrap(True)
        self.graphics = pg.PlotWidget(viewBox=box)
        self.plot = self.graphics.getPlotItem()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        for side in SIDES:
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        row = QHBoxLayout()
        for widget in (first, QLabel(word), second):
            row.addWidget(widget)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(text)
        layout.addWidget(self.graphics, 1)

    def set_axis_colors(self, *, foreground: str, background: str) -> None:
        """Set the colors of ground and axes."""
        self.graphics.setBackground(background)
        for side in SIDES:
            self.plot.getAxis(side).setPen(foreground)
            self.plot.getAxis(side).setTextPen(foreground)
