"""Colors of the curves, the same in the dock, the table and the curve layers."""

from typing import Any

# Paul Tol's "bright" scheme without yellow, which is similar to the envelope.
PEAK_COLORS = ("#4477AA", "#EE6677", "#228833", "#AA3377", "#66CCEE", "#EE8844")

ACCENT = "#4C7BED"
"""Ends of the range and handles of peaks."""


def peak_color(index: int) -> str:
    """Color of the peak with this index, as hexadecimal text; a doublet has that of its first."""
    return PEAK_COLORS[index % len(PEAK_COLORS)]


def envelope_color(*, dark: bool) -> str:
    """Yellow on a dark background, ocher on a light one."""
    return "#FFCC44" if dark else "#B37700"


def theme_colors(viewer: Any, *, ground: str = "background") -> dict[str, Any]:
    """Colors of text and background in the theme of the viewer, and whether it is dark.

    Parameters
    ----------
    viewer : napari.Viewer
    ground : "background" or "canvas"
        Background of a dock or of the canvas.
    """
    from napari.utils.theme import get_theme

    theme = get_theme(viewer.theme)
    background = getattr(theme, ground).as_hex(format="long")
    red, green, blue = (int(background[i : i + 2], 16) for i in (1, 3, 5))
    return {
        "foreground": theme.text.as_hex(format="long"),
        "background": background,
        "dark": red + green + blue < 3 * 128,
    }
