"""Texts that follow the mouse: they are painted anew, and nothing else of the window is.

A `QLabel` asks its window for a new layout whenever its text changes, and the window then paints
itself, which takes longer than the plot. These are labels only for font and color.
"""

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy

GAP, MARK_GAP = 12, 4
"""Space between two entries of a legend, and between mark and name [pixels]."""


class Line(QLabel):
    """One line of plain text, cut at its end where it is too long."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def text(self) -> str:
        """The whole text."""
        return self._text

    def setText(self, text: str) -> None:  # noqa: N802 - as QLabel
        """Show another text."""
        if text != self._text:
            self._text = text
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt
        """Room for one line."""
        return QSize(100, QFontMetrics(self.font()).height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt
        """Draw the text."""
        painter = QPainter(self)
        room = self.rect()
        cut = Qt.TextElideMode.ElideRight
        text = QFontMetrics(self.font()).elidedText(self._text, cut, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.end()


class Legend(QLabel):
    """Marks and names of curves side by side, in as many lines as they need."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[tuple[str, str, str]] = []
        self._places: list[tuple[int, int]] = []
        self._lines = 1
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)

    def show_entries(self, entries: list[tuple[str, str, str]]) -> None:
        """Show marks, their colors, and names."""
        if entries != self._entries:
            self._entries = entries
            self._arrange()
            self.update()

    def _arrange(self) -> None:
        """Give every entry its place; ask for room only where the number of lines changes."""
        metrics = QFontMetrics(self.font())
        x = line = 0
        self._places = []
        for mark, _, name in self._entries:
            width = metrics.horizontalAdvance(mark) + MARK_GAP + metrics.horizontalAdvance(name)
            if x and x + width > self.width():
                x, line = 0, line + 1
            self._places.append((x, line * metrics.lineSpacing()))
            x += width + GAP
        if line + 1 != self._lines:
            self._lines = line + 1
            self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt
        """Room for all lines."""
        return QSize(100, self._lines * QFontMetrics(self.font()).lineSpacing())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt
        """The same height in any width."""
        return QSize(0, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt
        """Wrap anew."""
        super().resizeEvent(event)
        self._arrange()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt
        """Draw marks and names."""
        painter = QPainter(self)
        metrics = QFontMetrics(self.font())
        text = painter.pen()
        for (mark, color, name), (x, y) in zip(self._entries, self._places, strict=True):
            base = y + metrics.ascent()
            painter.setPen(QColor(color))
            painter.drawText(x, base, mark)
            painter.setPen(text)
            painter.drawText(x + metrics.horizontalAdvance(mark) + MARK_GAP, base, name)
        painter.end()
