"""What the windows "Identify elements..." and "Quantification..." share.

Each has a button in the dock, follows what the dock shows, and lives until the dock closes.
"""

from typing import Any

from qtpy.QtCore import QObject, QSize, Qt, QTimer, Slot
from qtpy.QtWidgets import QDialog, QLabel, QPushButton, QWidget

SOON = 200
"""Time after the last change after which a window is made up to date [ms]."""


class ToolDialog(QDialog):
    """A window that says which spectra it is about, and what is wrong.

    Parameters
    ----------
    parent : QWidget or None
    title : str
    size : QSize
    """

    def __init__(self, parent: QWidget | None, title: str, size: QSize) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.title, self.message = QLabel(), QLabel()
        for label in (self.title, self.message):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.resize(size)

    def say(self, text: str) -> None:
        """Show a sentence, or hide it."""
        self.message.setText(text)
        self.message.setVisible(bool(text))


class ToolWindow(QObject):
    """A button of the dock, and the window that it opens.

    Parameters
    ----------
    dock : FitPeaks
    text, tip : str
        Of the button.
    """

    def __init__(self, dock: Any, text: str, tip: str) -> None:
        super().__init__(dock)
        self.dock = dock
        self.window: Any = None
        self._soon = QTimer(self, singleShot=True, interval=SOON)
        self._soon.timeout.connect(self.refresh)
        self.button = QPushButton(text)
        self.button.setToolTip(tip)
        self.button.clicked.connect(self.open)
        dock.panel.layout().addWidget(self.button)

    def _make(self) -> ToolDialog:
        """The window, connected."""
        raise NotImplementedError

    def made(self) -> Any:
        """The window, made when it is needed for the first time."""
        if self.window is None:
            self.window = self._make()
        return self.window

    @Slot()
    def open(self) -> None:
        """Open the window, or bring it to the front."""
        window = self.made()
        window.show()
        window.raise_()
        self.refresh()

    @property
    def is_open(self) -> bool:
        """Whether somebody sees the window."""
        return self.window is not None and self.window.isVisible()

    @Slot()
    def refresh(self) -> None:
        """Make the window up to date."""
        raise NotImplementedError

    def release(self) -> None:
        """Follow nothing any more, and close the window."""
        self._soon.stop()
        if self.window is not None:
            self.window.close()
            self.window.deleteLater()
            self.window = None
