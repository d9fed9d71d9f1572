"""A periodic table of buttons: what is known of each element, and how probable a candidate is."""

from collections.abc import Mapping
from enum import Enum

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QWidget

ROWS = (
    "H  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  He",
    "Li Be .  .  .  .  .  .  .  .  .  .  B  C  N  O  F  Ne",
    "Na Mg .  .  .  .  .  .  .  .  .  .  Al Si P  S  Cl Ar",
    "K  Ca Sc Ti V  Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr",
    "Rb Sr Y  Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I  Xe",
    "Cs Ba .  Hf Ta W  Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn",
    "Fr Ra .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .",
    "",
    ".  .  La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu .",
    ".  .  Ac Th Pa U  .  .  .  .  .  .  .  .  .  .  .  .",
)
"""Elements up to uranium, beyond which no line is known to `xpsnet.identify`."""
SIDE = QSize(42, 30)
"""Size of a button [pixels]."""
GAP = 10
"""Height of the empty row above the lanthanides [pixels]."""
NEVER = ("H", "He")
"""Elements without a line in photoemission."""
GREEN = (46, 125, 50)
"""Color of a candidate of score 1."""
STYLE = """
QToolButton {{ border: {border}; border-radius: 3px; padding: 0px; font-weight: {weight};
background: {ground}; text-decoration: {line}; {color}}}
QToolButton:hover {{ border: 2px solid #66CCEE; }}
"""


class Choice(Enum):
    """What the user says about an element."""

    AUTOMATIC = "automatic"
    REQUIRED = "must be in"
    EXCLUDED = "excluded"

    @property
    def following(self) -> "Choice":
        """The choice after a click."""
        order = list(Choice)
        return order[(order.index(self) + 1) % len(order)]


class ElementButton(QToolButton):
    """One element: its color is the score, its frame and font are what the user says.

    Parameters
    ----------
    symbol : str
    """

    def __init__(self, symbol: str) -> None:
        super().__init__()
        self.symbol = symbol
        self.choice, self.score = Choice.AUTOMATIC, 0.0
        self.setText(symbol)
        self.setFixedSize(SIDE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._look = ""
        if symbol in NEVER:
            self.setEnabled(False)
        self.show_state(Choice.AUTOMATIC, None)

    def show_state(self, choice: Choice, score: float | None) -> None:
        """Show a choice, and the score of a candidate, 0 to 1; None: it is no candidate."""
        self.choice, self.score = choice, score or 0.0
        required, excluded = choice is Choice.REQUIRED, choice is Choice.EXCLUDED
        # A required element may have the score 0.
        ground = (
            f"rgba({', '.join(map(str, GREEN))}, {0.3 + 0.7 * score})" if score else "transparent"
        )
        look = STYLE.format(
            border="2px solid #FFCC44" if required else "1px solid #707070",
            weight="bold" if required or score else "normal",
            ground=ground,
            # Else that of the theme.
            color="color: #909090; " if excluded or not self.isEnabled() else "",
            line="line-through" if excluded else "none",
        )
        if look != self._look:
            self._look = look
            self.setStyleSheet(look)
        says = "no line in photoemission" if self.symbol in NEVER else choice.value
        known = "" if score is None else f", candidate with score {score:.2f}"
        self.setToolTip(f"{self.symbol}: {says}{known}")
        self.setAccessibleName(self.toolTip())


class PeriodicTable(QWidget):
    """Buttons of the elements up to uranium; a click changes what the user says.

    Signals
    -------
    changed : no arguments
        The user clicked an element.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        grid.setRowMinimumHeight(ROWS.index(""), GAP)
        self.buttons: dict[str, ElementButton] = {}
        for row, symbols in enumerate(ROWS):
            for column, symbol in enumerate(symbols.split()):
                if symbol != ".":
                    button = ElementButton(symbol)
                    button.clicked.connect(lambda _=False, one=button: self._click(one))
                    grid.addWidget(button, row, column)
                    self.buttons[symbol] = button
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def _click(self, button: ElementButton) -> None:
        """Automatic, must be in, excluded, and automatic again."""
        button.show_state(button.choice.following, button.score or None)
        self.changed.emit()

    def choices(self) -> dict[str, Choice]:
        """Elements about which the user says something."""
        return {
            symbol: button.choice
            for symbol, button in self.buttons.items()
            if button.choice is not Choice.AUTOMATIC
        }

    def show_states(self, choices: Mapping[str, Choice], scores: Mapping[str, float]) -> None:
        """Show choices, and the scores of candidates, 0 to 1."""
        for symbol, button in self.buttons.items():
            button.show_state(choices.get(symbol, Choice.AUTOMATIC), scores.get(symbol))
